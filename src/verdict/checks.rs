//! The comparisons with the references: the list's checksum, and the TVS certificate's serial and hash.

use std::net::IpAddr;

use super::facts::Facts;
use super::held::relation;
use super::{Case, Check, Checked, Checks, Evidence};
use crate::digest::{Sha1Sum, Sha256Sum};
use crate::event::{CertificateStatus, Service, TlsSession};
use crate::phone::{DownloadRecord, FileKind, Phone};
use crate::trust::compare::is_same_hash;
use crate::trust::{Record, Reference, ReferenceKind};
use crate::x509::{Certificate, DistinguishedName, Serial};

/// Compares what was seen of a phone with the references.
pub(super) fn check(facts: &Facts<'_>) -> Checks {
    let (phone, case) = (facts.phone, facts.case);
    let (tvs_serial, tvs_certificate) = tvs(facts);
    Checks { itl_checksum: itl_checksum(phone, case), tvs_serial, tvs_certificate }
}

fn unknown(why: impl Into<String>) -> Checked {
    Checked { result: Check::Unknown, why: why.into(), evidence: Vec::new() }
}

fn itl_checksum(phone: &Phone, case: &Case) -> Checked {
    let Some(download) = phone.last_list(FileKind::Itl) else {
        return unknown(no_itl(phone));
    };
    let Some(digests) = download.digests else { return unknown("its checksum is not known") };
    let server = download.server.ip();
    let evidence = vec![Evidence::new(
        download.span.first,
        format!("{} from {server}, SHA-1 {}", file_name(download), digests.sha1),
    )];
    let checked = |result, why| Checked { result, why, evidence };
    let has_checksum = |reference: &Reference| {
        reference.kind != ReferenceKind::Ctl && (reference.md5.is_some() || reference.sha1.is_some())
    };
    let references = case.references_for(server, has_checksum);
    if references.is_empty() {
        let (result, why) = among_peers(download, case);
        return checked(result, why);
    }
    let equals = |reference: &&&Reference| {
        reference.sha1.is_none_or(|sha1| sha1 == digests.sha1) && reference.md5.is_none_or(|md5| md5 == digests.md5)
    };
    if let Some(reference) = references.iter().find(equals) {
        return checked(
            Check::Match,
            format!("{server} served the list of {}, SHA-1 {}", reference.path, digests.sha1),
        );
    }
    let paths: Vec<_> = references.iter().map(|reference| reference.path.as_str()).collect();
    checked(
        Check::Mismatch,
        format!("{server} served SHA-1 {}, which is not that of {}", digests.sha1, paths.join(" or ")),
    )
}

fn no_itl(phone: &Phone) -> String {
    match phone.downloads.iter().rev().find(|download| download.kind == FileKind::Itl) {
        None => "the phone asked for no ITL in this capture".to_owned(),
        Some(download) => format!(
            "no complete ITL was captured: {}, frame {}",
            download.reason.as_deref().unwrap_or("the download goes on"),
            download.span.first.frame.number
        ),
    }
}

/// Without a reference, the phones of one server are compared with each other: the list that most of them got is taken for
/// the right one.
fn among_peers(download: &DownloadRecord, case: &Case) -> (Check, String) {
    let server = download.server.ip();
    if case.references.iter().any(|reference| reference.kind != ReferenceKind::Certificate) {
        return (Check::Unknown, format!("no reference speaks of the ITL of {server}"));
    }
    let peers = case.peers(server);
    let phones: usize = peers.iter().map(|(_, count)| count).sum();
    match peers[..] {
        [(_, 1)] | [] => (Check::Unknown, format!("no reference, and no other phone of {server} to compare with")),
        [_] => (Check::Match, format!("no reference; all {phones} phones of {server} got this list")),
        [(first, most), (_, next), ..] if most > next => {
            let same = download.digests == Some(first);
            let others = phones - most;
            if same {
                (
                    Check::Match,
                    format!("no reference; {most} of {phones} phones of {server} got this list, {others} another"),
                )
            } else {
                (Check::Mismatch, format!("no reference; {most} of {phones} phones of {server} got another list"))
            }
        }
        _ => (Check::Unknown, format!("no reference, and the phones of {server} got different lists equally often")),
    }
}

/// The name to show for a download.
pub(super) fn file_name(download: &DownloadRecord) -> &str {
    download.file.as_deref().unwrap_or("a file whose request was not captured")
}

/// Of TVS sessions, the last with each server that says something of its certificate, else the last at all.
pub(super) fn last_of_each_server<'a>(sessions: impl Iterator<Item = &'a TlsSession>) -> Vec<&'a TlsSession> {
    let mut last: Vec<&TlsSession> = Vec::new();
    for session in sessions.filter(|session| session.service == Service::Tvs) {
        match last.iter_mut().find(|known| known.server == session.server) {
            Some(known) => {
                if session.certificate.is_some() || known.certificate.is_none() {
                    *known = session;
                }
            }
            None => last.push(session),
        }
    }
    last
}

/// A TVS certificate as a reference knows it.
#[derive(Debug, Clone)]
pub(super) struct KnownTvs<'a> {
    pub(super) from: String,
    pub(super) serial: Option<&'a Serial>,
    pub(super) issuer: Option<&'a DistinguishedName>,
    pub(super) sha1: Option<Sha1Sum>,
    pub(super) sha256: Option<Sha256Sum>,
}

impl<'a> KnownTvs<'a> {
    pub(super) fn of_record(path: &str, record: &'a Record) -> Self {
        Self {
            from: format!("TVS record #{} of {path}", record.index),
            serial: record.serial.as_ref(),
            issuer: record.issuer.as_ref(),
            sha1: record.certificate_sha1,
            sha256: record.certificate_sha256(),
        }
    }

    fn of_certificate(path: &str, certificate: &'a Certificate) -> Self {
        let Certificate { serial, issuer, sha1, sha256, .. } = certificate;
        let (sha1, sha256) = (Some(*sha1), Some(*sha256));
        Self { from: path.to_owned(), serial: Some(serial), issuer: Some(issuer), sha1, sha256 }
    }

    /// Whether issuer and serial are those of the certificate; an issuer that is not known does not count against it, and an
    /// equal hash counts for it, whatever text conversion did to a name.
    pub(super) fn has_serial_of(&self, certificate: &Certificate) -> bool {
        self.has_hash_of(certificate) == Some(true)
            || (self.serial == Some(&certificate.serial)
                && self.issuer.is_none_or(|issuer| *issuer == certificate.issuer))
    }

    /// Whether it is this certificate, by its hash where that is known (domain.md 6: issuer and serial, then the hash).
    pub(super) fn is_exactly(&self, certificate: &Certificate) -> bool {
        self.has_hash_of(certificate).unwrap_or_else(|| self.has_serial_of(certificate))
    }

    /// Whether its hash is that of the certificate; `None` where it has none.
    fn has_hash_of(&self, certificate: &Certificate) -> Option<bool> {
        is_same_hash((self.sha1, Some(certificate.sha1)), || (self.sha256, Some(certificate.sha256)))
    }
}

fn tvs(facts: &Facts<'_>) -> (Checked, Checked) {
    let Facts { phone, case, tvs: sessions, held, .. } = facts;
    let both = |why: String| (unknown(why.clone()), unknown(why));
    let presented: Vec<(&TlsSession, &Certificate)> = sessions
        .iter()
        .filter_map(|session| session.certificate.as_deref().map(|certificate| (*session, certificate)))
        .collect();
    if presented.is_empty() {
        return both(why_no_certificate(sessions));
    }
    let tftp = phone.last_list(FileKind::Itl).or_else(|| phone.downloads.last().map(AsRef::as_ref));
    let tftp = tftp.map(|download| download.server.ip());
    // The phone's own list, where it is known and at hand; else the references (domain.md 7.1).
    let own = held.itl.list().filter(|_| held.is_identified());
    let known = if let Some(list) = own {
        list.tvs_records().map(|record| KnownTvs::of_record(relation(held), record)).collect()
    } else {
        let servers: Vec<_> = presented.iter().map(|(session, _)| session.server.ip()).collect();
        known_tvs(case, tftp, &servers)
    };
    if known.is_empty() && own.is_none() {
        return both(without_reference(phone, &presented));
    }
    let serial = compare(&presented, |certificate| {
        let found = known.iter().find(|known| known.has_serial_of(certificate));
        Some(found.map(|known| format!("{}, which is {}", certificate.serial, known.from)))
    });
    let hash = compare(&presented, |certificate| {
        if known.iter().all(|known| known.has_hash_of(certificate).is_none()) {
            return None;
        }
        let found = known.iter().find(|known| known.has_hash_of(certificate) == Some(true));
        Some(found.map(|known| format!("the certificate of {}", known.from)))
    });
    // The issuer matters only where it alone makes the difference.
    let same_serial = |serial: &Serial| presented.iter().any(|(_, certificate)| certificate.serial == *serial);
    let of_issuer =
        |issuer: Option<&DistinguishedName>| issuer.map_or_else(String::new, |issuer| format!(" of {issuer}"));
    let serials = known.iter().filter_map(|known| {
        let serial = known.serial?;
        let issuer = if same_serial(serial) { of_issuer(known.issuer) } else { String::new() };
        Some(format!("{} is {serial}{issuer}", known.from))
    });
    let is_sha1 = known.iter().any(|known| known.sha1.is_some());
    let hashes = known.iter().filter_map(|known| match (known.sha1, known.sha256) {
        (Some(sha1), _) => Some(format!("{} has SHA-1 {sha1}", known.from)),
        (None, Some(sha256)) => Some(format!("{} has SHA-256 {sha256}", known.from)),
        (None, None) => None,
    });
    let (serials, hashes) = (serials.collect(), hashes.collect());
    let serials =
        Expected { what: "serial number", found: |certificate| certificate.serial.to_string(), known: serials };
    let hashes = Expected {
        what: "hash",
        found: if is_sha1 {
            |certificate| format!("a certificate with SHA-1 {}", certificate.sha1)
        } else {
            |certificate| format!("a certificate with SHA-256 {}", certificate.sha256)
        },
        known: hashes,
    };
    (describe(&serial, &serials), describe(&hash, &hashes))
}

/// What was compared, in words.
struct Expected {
    what: &'static str,
    /// What a certificate has.
    found: fn(&Certificate) -> String,
    /// What is known.
    known: Vec<String>,
}

/// What each certificate came to: compared at all, and equal to what.
type Compared<'a> = Vec<(&'a TlsSession, &'a Certificate, Option<Option<String>>)>;

fn compare<'a>(
    presented: &[(&'a TlsSession, &'a Certificate)],
    find: impl Fn(&Certificate) -> Option<Option<String>>,
) -> Compared<'a> {
    presented.iter().map(|&(session, certificate)| (session, certificate, find(certificate))).collect()
}

/// One mismatch makes a mismatch: it is what the engineer has to look at.
fn describe(compared: &Compared<'_>, expected: &Expected) -> Checked {
    let evidence = compared
        .iter()
        .map(|(session, certificate, _)| {
            let moment = session.milestones.certificate.unwrap_or(session.span.first);
            let serial = &certificate.serial;
            Evidence::new(moment, format!("{} presents serial {serial}, SHA-1 {}", session.server, certificate.sha1))
        })
        .collect();
    let different: Vec<_> = compared
        .iter()
        .filter(|(.., found)| matches!(found, Some(None)))
        .map(|(session, certificate, _)| format!("{} presents {}", session.server, (expected.found)(certificate)))
        .collect();
    let equal: Vec<_> = compared.iter().filter_map(|(session, _, found)| Some((session, found.clone()??))).collect();
    let (result, why) = if !different.is_empty() {
        let known = match expected.known.as_slice() {
            [] => "the list names no TVS server".to_owned(),
            known => known.join(", "),
        };
        (Check::Mismatch, format!("{}; {known}", different.join(", ")))
    } else if let Some((session, found)) = equal.first() {
        (Check::Match, format!("{} presents {found}", session.server))
    } else {
        (Check::Unknown, format!("the references do not tell a {}", expected.what))
    };
    Checked { result, why, evidence }
}

fn known_tvs<'a>(case: &'a Case, tftp: Option<IpAddr>, tvs: &[IpAddr]) -> Vec<KnownTvs<'a>> {
    let servers = || tftp.iter().chain(tvs);
    let speaks = |reference: &Reference| reference.list.is_some() || !reference.certificates.is_empty();
    let bound = |reference: &&Reference| {
        speaks(reference) && reference.server.is_some_and(|server| servers().any(|known| *known == server))
    };
    let mut references: Vec<_> = case.references.iter().filter(bound).collect();
    if references.is_empty() {
        references = case.references.iter().filter(|reference| reference.server.is_none()).collect();
    }
    let mut known = Vec::new();
    for reference in references {
        let records = reference.list.iter().flat_map(crate::trust::TrustList::tvs_records);
        known.extend(records.map(|record| KnownTvs::of_record(&reference.path, record)));
        let certificates = reference.certificates.iter();
        known.extend(certificates.map(|certificate| KnownTvs::of_certificate(&reference.path, certificate)));
    }
    known
}

pub(super) fn why_no_certificate(sessions: &[&TlsSession]) -> String {
    let Some(session) = sessions.last() else { return "the phone did not contact TVS in this capture".to_owned() };
    let frame = session.span.first.frame.number;
    match session.certificate_status {
        CertificateStatus::Encrypted => {
            format!("TLS 1.3 encrypts the certificate of {}, frame {frame}", session.server)
        }
        CertificateStatus::Resumed => {
            format!("the session with {} was resumed, so no certificate is sent, frame {frame}", session.server)
        }
        CertificateStatus::Seen | CertificateStatus::NotCaptured => format!(
            "no certificate of {} was captured: {}, frame {frame}",
            session.server,
            session.reason().unwrap_or_else(|| "it is missing from the capture".to_owned())
        ),
    }
}

/// Without a reference nothing is claimed, but what the served list says is worth telling.
fn without_reference(phone: &Phone, presented: &[(&TlsSession, &Certificate)]) -> String {
    let served = phone.last_list(FileKind::Itl).and_then(|download| Some((download, download.list.as_ref()?)));
    let Some((download, served)) = served else { return "no reference speaks of TVS".to_owned() };
    let name = file_name(download);
    let found = presented.iter().find_map(|(_, certificate)| {
        let mut records = served.list.tvs_records();
        records.find(|record| KnownTvs::of_record(name, record).has_serial_of(certificate))
    });
    match found {
        Some(record) => format!(
            "no reference speaks of TVS; the list served in this capture has this certificate in record #{}, but whether \
             the phone holds that list is not known",
            record.index
        ),
        None => "no reference speaks of TVS; the list served in this capture does not have this certificate either"
            .to_owned(),
    }
}
