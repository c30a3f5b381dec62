//! The comparisons with the references: the list's checksum, and the TVS certificate's serial and hash.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use super::matter::Matter;
use super::{Case, Check, Checked, Checks};
use crate::claim::Evidence;
use crate::digest::{Digests, Sha1Sum, Sha256Sum};
use crate::event::CertificateStatus;
use crate::phone::{DownloadRecord, FileKind, Phone};
use crate::trust::compare::is_same_hash;
use crate::trust::{Described, ListKind, Record, Reference, ReferenceKind, Role, TrustList};
use crate::witness::wire::file_name;
use crate::x509::{Certificate, DistinguishedName, Serial};

/// Compares what was seen of a phone with the references.
pub(super) fn check(matter: &Matter<'_>) -> Checks {
    let (tvs_serial, tvs_certificate) = tvs(matter);
    Checks { itl_checksum: itl_checksum(matter), tvs_serial, tvs_certificate }
}

fn unknown(why: impl Into<String>) -> Checked {
    Checked { result: Check::Unknown, why: why.into(), evidence: Vec::new() }
}

fn itl_checksum(matter: &Matter<'_>) -> Checked {
    let case = matter.case;
    if matter.wire.itls_differ {
        return unknown("nobody knows which of the phone's boots was the last, and they brought different lists");
    }
    let Some(download) = matter.wire.itl else { return unknown(no_itl(matter)) };
    let Some(digests) = download.digests else { return unknown("its checksum is not known") };
    let server = download.server.ip();
    let evidence =
        vec![Evidence::new(download.end(), format!("{} from {server}, SHA-1 {}", file_name(download), digests.sha1))];
    let checked = |result, why| Checked { result, why, evidence };
    // A bare checksum does not say of which list it is.
    let ctl = matter.wire.ctl.and_then(|download| download.digests);
    let has_checksum = |reference: &Reference| {
        reference.kind != ReferenceKind::Ctl
            && (reference.md5.is_some() || reference.sha1.is_some())
            && !(reference.kind == ReferenceKind::Checksum && ctl.is_some_and(|ctl| has_sum(reference, ctl)))
            && !is_of_ctl(reference, case)
    };
    let references = case.references_for(server, has_checksum);
    if references.is_empty() {
        let (result, why) = among_peers(matter, download);
        return checked(result, why);
    }
    if let Some(reference) = references.iter().find(|reference| has_sum(reference, digests)) {
        return checked(
            Check::Match,
            format!("{server} served the list of {}, SHA-1 {}", reference.path, digests.sha1),
        );
    }
    let paths: Vec<_> = references.iter().map(|reference| reference.path.as_str()).collect();
    // The sum is told in the kind that it is compared with.
    let served = if references.iter().any(|reference| reference.sha1.is_some()) {
        format!("SHA-1 {}", digests.sha1)
    } else {
        format!("MD5 {}", digests.md5)
    };
    checked(Check::Mismatch, format!("{server} served {served}, which is not that of {}", paths.join(" or ")))
}

/// Whether a bare checksum is that of a CTL at hand: then it says nothing of an ITL.
fn is_of_ctl(reference: &Reference, case: &Case) -> bool {
    let is = |list: &TrustList| {
        (reference.sha1.is_some() && reference.sha1 == list.sha1)
            || (reference.md5.is_some() && reference.md5 == list.md5)
    };
    reference.kind == ReferenceKind::Checksum && case.lists().any(|list| list.kind == ListKind::Ctl && is(list))
}

/// Whether the CTL that was served to the phone is another than that of a reference.
pub fn has_other_ctl(phone: &Phone, case: &Case) -> bool {
    ctl_checksum(phone, case).is_some_and(|checked| checked.result == Check::Mismatch)
}

/// How the last CTL that was served to the phone compares with the references for CTLs; `None` where there is nothing to
/// compare. A CTL is the same on every server of a cluster.
pub(super) fn ctl_checksum(phone: &Phone, case: &Case) -> Option<Checked> {
    let download = phone.last_list(FileKind::Ctl)?;
    let digests = download.digests?;
    let server = download.server.ip();
    let has_checksum = |reference: &Reference| {
        reference.kind == ReferenceKind::Ctl && (reference.md5.is_some() || reference.sha1.is_some())
    };
    let references = case.references_for(server, has_checksum);
    let text = format!("{} from {server}, SHA-1 {}", file_name(download), digests.sha1);
    let evidence = vec![Evidence::new(download.span.first, text)];
    let paths: Vec<_> = references.iter().map(|reference| reference.path.as_str()).collect();
    let (result, why) = match references.iter().find(|reference| has_sum(reference, digests)) {
        _ if references.is_empty() => return None,
        Some(reference) => (Check::Match, format!("{server} served the CTL of {}", reference.path)),
        None => {
            let sha1 = digests.sha1;
            (
                Check::Mismatch,
                format!("{server} served a CTL with SHA-1 {sha1}, which is not that of {}", paths.join(" or ")),
            )
        }
    };
    Some(Checked { result, why, evidence })
}

/// Whether these are the checksums of a reference, as far as it has any.
fn has_sum(reference: &Reference, digests: Digests) -> bool {
    reference.sha1.is_none_or(|sha1| sha1 == digests.sha1) && reference.md5.is_none_or(|md5| md5 == digests.md5)
}

fn no_itl(matter: &Matter<'_>) -> String {
    match matter.downloads().rfind(|download| download.kind == FileKind::Itl) {
        None => "the phone asked for no ITL in this capture".to_owned(),
        Some(download) => format!(
            "no complete ITL was captured: {}, {}",
            download.reason().unwrap_or_else(|| "the download goes on".to_owned()),
            matter.case.frame(download.span.first)
        ),
    }
}

/// Without a reference, the phones of one server are compared with each other. That all got the same list is told as a match;
/// where they did not, nobody knows which list is the right one: a majority is no reference.
fn among_peers(matter: &Matter<'_>, download: &DownloadRecord) -> (Check, String) {
    let case = matter.case;
    let server = download.server.ip();
    if case.references.iter().any(|reference| reference.kind != ReferenceKind::Certificate) {
        return (Check::Unknown, format!("no reference speaks of the ITL of {server}"));
    }
    let peers = case.peers(server);
    let phones: usize = peers.iter().map(|(_, count)| count).sum();
    match peers[..] {
        _ if matter.phone.name.is_none() => {
            (Check::Unknown, "no reference, and without a name it may be a phone that is listed already".to_owned())
        }
        [(_, 1)] | [] => (Check::Unknown, format!("no reference, and no other phone of {server} to compare with")),
        [_] => (Check::Match, format!("no reference; all {phones} phones of {server} got this list")),
        _ => {
            let same = peers.iter().find(|(list, _)| download.digests == Some(*list)).map_or(0, |(_, count)| *count);
            let others = phones.saturating_sub(same);
            let why = format!(
                "no reference; {same} of {phones} phones of {server} got this list, {others} another, and which is right is not \
                 known"
            );
            (Check::Unknown, why)
        }
    }
}

/// A TVS certificate as a reference knows it.
#[derive(Debug, Clone)]
struct KnownTvs<'a> {
    from: String,
    /// In every way in which a text can be read.
    serials: Cow<'a, [Serial]>,
    issuer: Option<Cow<'a, DistinguishedName>>,
    /// Whether it is TVS's for sure. One that only may be gives no mismatch.
    is_tvs: bool,
    sha1: Option<Sha1Sum>,
    sha256: Option<Sha256Sum>,
    /// It was read from text, not from the file itself.
    is_text: bool,
}

impl<'a> KnownTvs<'a> {
    fn of_record(path: &str, record: &'a Record) -> Self {
        Self {
            // Only files have keys.
            is_text: record.public_key.is_none() && record.certificate.is_none(),
            from: format!("TVS record #{} of {path}", record.index),
            serials: Cow::Borrowed(record.serial.as_slice()),
            issuer: record.issuer.as_ref().map(Cow::Borrowed),
            is_tvs: true,
            sha1: record.certificate_sha1,
            sha256: record.certificate_sha256(),
        }
    }

    fn of_certificate(path: &str, certificate: Described, is_tvs: bool) -> Self {
        let Described { serials, issuer, sha1, sha256, .. } = certificate;
        // Tools copy names letter by letter; what has a hash is a certificate.
        let is_text = sha1.is_none() && sha256.is_none();
        let (from, serials, issuer) = (path.to_owned(), Cow::Owned(serials), issuer.map(Cow::Owned));
        Self { from, serials, issuer, is_tvs, sha1, sha256, is_text }
    }

    /// Whether issuer and serial are those of the certificate; an issuer that is not known does not count against it, and an
    /// equal hash counts for it, whatever text conversion did to a name. `None` where the number is equal and only the issuer
    /// differs, in a list without certificates: text loses letters.
    fn has_serial_of(&self, certificate: &Certificate) -> Option<bool> {
        if self.has_hash_of(certificate) == Some(true) {
            return Some(true);
        }
        if !self.serials.contains(&certificate.serial) {
            return Some(false);
        }
        match &self.issuer {
            Some(issuer) if **issuer != certificate.issuer => (!self.is_text).then_some(false),
            _ => Some(true),
        }
    }

    /// Whether its hash is that of the certificate; `None` where it has none.
    fn has_hash_of(&self, certificate: &Certificate) -> Option<bool> {
        is_same_hash((self.sha1, Some(certificate.sha1)), || (self.sha256, Some(certificate.sha256)))
    }
}

/// What a server presented: who, which certificate, and where that stands.
type Presented<'p> = (SocketAddr, &'p Certificate, Vec<Evidence>);

fn tvs(matter: &Matter<'_>) -> (Checked, Checked) {
    let both = |why: String| (unknown(why.clone()), unknown(why));
    let presented: Vec<Presented<'_>> = matter
        .testimony
        .servers
        .iter()
        .filter_map(|server| {
            let (certificate, claim) = server.certificate.as_ref()?;
            Some((server.address, certificate.as_ref(), matter.evidence_of(&[*claim])))
        })
        .collect();
    if presented.is_empty() {
        return both(why_no_certificate(matter));
    }
    let tftp = matter.wire.itl.or_else(|| matter.downloads().next_back()).map(|download| download.server.ip());
    // The phone's own list, where it is known and at hand; else the references (domain.md 7.1).
    let first = matter.testimony.servers.iter().find(|server| server.certificate.is_some());
    let own = first.map(|server| matter.list_before(server));
    let own =
        own.and_then(|(known, list)| Some((matter.relation(known), list.filter(|_| matter.is_identified(known))?)));
    let known = if let Some((relation, list)) = own {
        list.tvs_records().map(|record| KnownTvs::of_record(relation, record)).collect()
    } else {
        let servers: Vec<_> = presented.iter().map(|(server, ..)| server.ip()).collect();
        known_tvs(matter.case, tftp, &servers)
    };
    if known.is_empty() && own.is_none() {
        return both(without_reference(matter, &presented));
    }
    let is_sure = own.is_some() || known.iter().any(|known| known.is_tvs);
    let equal =
        |found: Option<&KnownTvs<'_>>, words: fn(&Certificate, &KnownTvs<'_>) -> String, certificate: &Certificate| {
            found.map(|known| Compared::Equal(words(certificate, known)))
        };
    let serial = compare(&presented, |certificate| {
        let found = known.iter().find(|known| known.has_serial_of(certificate) == Some(true));
        let words = |certificate: &Certificate, known: &KnownTvs<'_>| {
            format!("{}, which is {}", certificate.serial, known.from)
        };
        // What is not TVS's for sure may be another service's: that it differs says nothing.
        let open = || !is_sure || known.iter().any(|known| known.has_serial_of(certificate).is_none());
        equal(found, words, certificate).unwrap_or_else(|| if open() { Compared::Open } else { Compared::Different })
    });
    let hash = compare(&presented, |certificate| {
        let found = known.iter().find(|known| known.has_hash_of(certificate) == Some(true));
        let words = |_: &Certificate, known: &KnownTvs<'_>| format!("the certificate of {}", known.from);
        // One without a hash may be the one that is presented, where their numbers are equal.
        let may_be = |known: &KnownTvs<'_>| {
            known.has_hash_of(certificate).is_none() && known.serials.contains(&certificate.serial)
        };
        let open = || {
            !is_sure || known.iter().any(may_be) || known.iter().all(|known| known.has_hash_of(certificate).is_none())
        };
        equal(found, words, certificate).unwrap_or_else(|| if open() { Compared::Open } else { Compared::Different })
    });
    // The issuer matters only where it alone makes the difference.
    let same_serial = |serial: &Serial| presented.iter().any(|(_, certificate, _)| certificate.serial == *serial);
    let of_issuer =
        |issuer: Option<&DistinguishedName>| issuer.map_or_else(String::new, |issuer| format!(" of {issuer}"));
    let serials = known.iter().filter_map(|known| {
        let serial = known.serials.first()?;
        let issuer = if same_serial(serial) { of_issuer(known.issuer.as_deref()) } else { String::new() };
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

/// What a certificate came to.
enum Compared {
    /// It is this one.
    Equal(String),
    /// It is none of those known.
    Different,
    /// Nothing to compare with, or not enough to tell.
    Open,
}

fn compare<'p>(
    presented: &'p [Presented<'p>],
    find: impl Fn(&Certificate) -> Compared,
) -> Vec<(&'p Presented<'p>, Compared)> {
    presented.iter().map(|one| (one, find(one.1))).collect()
}

/// One mismatch makes a mismatch: it is what the engineer has to look at.
fn describe(compared: &[(&Presented<'_>, Compared)], expected: &Expected) -> Checked {
    let evidence = compared.iter().flat_map(|((.., evidence), _)| evidence.iter().cloned()).collect();
    let different: Vec<_> = compared
        .iter()
        .filter(|(_, found)| matches!(found, Compared::Different))
        .map(|((server, certificate, _), _)| format!("{server} presents {}", (expected.found)(certificate)))
        .collect();
    let equal = compared.iter().find_map(|((server, ..), found)| match found {
        Compared::Equal(found) => Some((server, found)),
        Compared::Different | Compared::Open => None,
    });
    let (result, why) = if !different.is_empty() {
        let known = match expected.known.as_slice() {
            [] => "the list names no TVS server".to_owned(),
            known => known.join(", "),
        };
        (Check::Mismatch, format!("{}; {known}", different.join(", ")))
    } else if let Some((server, found)) = equal {
        (Check::Match, format!("{server} presents {found}"))
    } else {
        (Check::Unknown, format!("what is known does not tell a {} to compare with", expected.what))
    };
    Checked { result, why, evidence }
}

/// What a server showed, against the references that speak of TVS: that needs no phone.
pub fn against_references(case: &Case, server: IpAddr, certificate: &Certificate) -> Check {
    let known = known_tvs(case, None, &[server]);
    if known.is_empty() {
        return Check::Unknown;
    }
    if known.iter().any(|known| known.has_hash_of(certificate) == Some(true)) {
        return Check::Match;
    }
    let may_be =
        |known: &KnownTvs<'_>| known.has_hash_of(certificate).is_none() && known.serials.contains(&certificate.serial);
    if known.iter().any(may_be) { Check::Unknown } else { Check::Mismatch }
}

fn known_tvs<'a>(case: &'a Case, tftp: Option<IpAddr>, tvs: &[IpAddr]) -> Vec<KnownTvs<'a>> {
    let servers = || tftp.iter().chain(tvs);
    let speaks = |reference: &Reference| {
        reference.list.is_some() || !reference.certificates.is_empty() || !reference.described.is_empty()
    };
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
        for (certificate, role) in reference.with_roles(|| Box::new(case.lists())) {
            if !matches!(role, Role::Other(_)) {
                known.push(KnownTvs::of_certificate(&reference.path, certificate, role == Role::Tvs));
            }
        }
    }
    known
}

pub(super) fn why_no_certificate(matter: &Matter<'_>) -> String {
    let Some(session) = matter.tvs.last() else { return "the phone did not contact TVS in its last boot".to_owned() };
    let frame = matter.case.frame(session.span.first);
    match session.certificate_status {
        CertificateStatus::Encrypted => {
            format!("TLS 1.3 encrypts the certificate of {}, {frame}", session.server)
        }
        CertificateStatus::Resumed => {
            format!("the session with {} was resumed, so no certificate is sent, {frame}", session.server)
        }
        CertificateStatus::Seen | CertificateStatus::NotCaptured => format!(
            "no certificate of {} was captured: {}, {frame}",
            session.server,
            session.reason().unwrap_or_else(|| "it is missing from the capture".to_owned())
        ),
    }
}

/// Without a reference nothing is claimed, but what the served list says is worth telling.
fn without_reference(matter: &Matter<'_>, presented: &[Presented<'_>]) -> String {
    let Some((download, served)) = matter.served else { return "no reference speaks of TVS".to_owned() };
    let name = file_name(download);
    let found = presented.iter().find_map(|(_, certificate, _)| {
        let mut records = served.list.tvs_records();
        records.find(|record| KnownTvs::of_record(name, record).has_serial_of(certificate) == Some(true))
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
