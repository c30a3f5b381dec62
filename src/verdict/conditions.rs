//! The four conditions that must all hold before an ITL has to be deleted (domain.md 7.1).

use super::matter::Matter;
use super::{Answer, Basis, Condition, ConditionId, Conditions};
use crate::claim::{Evidence, Holding, Judgement, Known, ServerSeen, Source};
use crate::event::Outcome;
use crate::phone::{FileKind, ServedList};
use crate::trust::compare::is_certificate_of;
use crate::trust::signature::{self, Candidate, SignatureStatus};
use crate::trust::{Record, TrustList};
use crate::witness::wire::file_name;
use crate::words::Screen;
use crate::x509::Certificate;

impl Condition {
    fn new(id: ConditionId, holds: Answer, basis: Basis, why: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self { id, holds, why: why.into(), evidence, basis }
    }

    fn unknown(id: ConditionId, why: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self::new(id, Answer::Unknown, Basis::None, why, evidence)
    }
}

/// All four.
pub(super) fn conditions(matter: &Matter<'_>) -> Conditions {
    Conditions {
        itl_signer_differs: itl_signer_differs(matter),
        tvs_certificate_differs: unless_logged(matter, tvs_certificate_differs(matter)),
        phone_reports_failure: phone_reports_failure(matter),
        no_old_key_backup: no_old_key_backup(matter),
    }
}

/// A log that says that the phone knows TVS contradicts a comparison with its list: nothing is claimed.
fn unless_logged(matter: &Matter<'_>, condition: Condition) -> Condition {
    let logged = matter.evidence_of(&matter.testimony.trusts_tvs_by_log);
    if condition.holds != Answer::Yes || matter.testimony.trusts_tvs_by_log.is_empty() {
        return condition;
    }
    let place = logged.first().map(|first| format!(" ({})", matter.case.place(first))).unwrap_or_default();
    let why = format!("{}, and yet a log says that the phone knows TVS{place}", condition.why);
    Condition::unknown(condition.id, why, condition.evidence.into_iter().chain(logged).collect())
}

/// Whether a list lets a phone verify the served one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SignerKnown {
    /// The signer stands in it with a role that may sign, and its key made the signature.
    Verifies(String),
    /// The signer stands in it, but its key did not make the signature.
    Fails(String),
    /// The signer stands in it, but there is no key to check with.
    CannotCheck(String),
    /// The signer does not stand in it.
    No,
    /// The list is an excerpt, and what there is does not have the signer.
    NotInExcerpt,
}

/// Looks the signer of a served list up in a list that a phone holds.
pub(super) fn signer_known(held: &TrustList, served: &ServedList) -> SignerKnown {
    let Some(signer) = served.list.signer() else { return SignerKnown::NotInExcerpt };
    let able: Vec<_> = held
        .records
        .iter()
        .filter(|record| record.may_sign_lists() && signature::is_record_of(record, signer))
        .collect();
    let Some(first) = able.first() else {
        return if held.is_whole() { SignerKnown::No } else { SignerKnown::NotInExcerpt };
    };
    let label = first.label();
    let header = &served.list.header;
    let bytes = &served.content.bytes;
    let candidates: Vec<_> = able.iter().map(|record| Candidate::Record { list: "", record }).collect();
    match signature::verify(header, bytes, &candidates).status() {
        SignatureStatus::Valid => return SignerKnown::Verifies(label),
        SignatureStatus::Invalid => return SignerKnown::Fails(label),
        SignatureStatus::Unknown => {}
    }
    // Lists from text have no keys. A certificate in the served list that has the hash of the known one has its key; that the
    // hash merely stands beside another key says nothing.
    let certificates: Vec<Certificate> = served
        .list
        .records
        .iter()
        .filter_map(|own| crate::x509::remembered(own.certificate.as_deref()?))
        .filter(|certificate| able.iter().any(|record| is_certificate_of(record, certificate) == Some(true)))
        .map(|certificate| Certificate::clone(&certificate))
        .collect();
    let candidates: Vec<_> =
        certificates.iter().map(|certificate| Candidate::Certificate { source: "", certificate }).collect();
    match signature::verify(header, bytes, &candidates).status() {
        SignatureStatus::Valid => SignerKnown::Verifies(label),
        SignatureStatus::Invalid if !candidates.is_empty() => SignerKnown::Fails(label),
        SignatureStatus::Invalid | SignatureStatus::Unknown => SignerKnown::CannotCheck(label),
    }
}

fn itl_signer_differs(matter: &Matter<'_>) -> Condition {
    let condition = compare_signer(matter);
    if condition.holds == Answer::Unknown || !matter.testimony.list.is_disputed() {
        return condition;
    }
    let mut evidence = condition.evidence;
    evidence.extend(matter.evidence(&matter.testimony.list));
    let why = format!("{}, but whether the phone took the list is disputed", condition.why);
    Condition::unknown(condition.id, why, evidence)
}

fn compare_signer(matter: &Matter<'_>) -> Condition {
    let id = ConditionId::ItlSignerDiffers;
    let testimony = &matter.testimony;
    let at_offer = &testimony.itl_at_offer;
    let takes_any = [at_offer, &testimony.itl].into_iter().find_map(|known| match known {
        Known::Settled { value: Holding::Nothing, .. } => Some((known, "no ITL")),
        _ => matter.at_hand(known).filter(|list| list.looks_rolled_back()).map(|_| (known, "an empty ITL")),
    });
    if let Some((known, what)) = takes_any {
        let why = format!(
            "the phone holds {what} and takes the next one without verifying it: {}",
            super::holds::why(matter, known)
        );
        // What the phone reports in this boot is certain; what somebody says of it is not, where the phone acts otherwise.
        let is_reported = matter.strongest(known).is_some_and(|(source, _)| source == Source::ListAlarm);
        let is_disputed = testimony.itl.is_disputed() || at_offer.is_disputed();
        let basis = if is_reported && !is_disputed { Basis::Direct } else { Basis::Comparison };
        return Condition::new(id, Answer::No, basis, why, matter.evidence(known));
    }
    let Some((download, served)) = matter.served else { return no_list_served(matter) };
    let server = download.server.ip();
    let signer = served.list.signer().map_or_else(|| "an unknown signer".to_owned(), ToString::to_string);
    let mut evidence =
        vec![Evidence::new(download.end(), format!("{} from {server}, signed by {signer}", file_name(download)))];
    if served.verification.status() == SignatureStatus::Invalid || served.list.header.signature.is_none() {
        let why = format!("the list that {server} serves is corrupt: {}", served.verification.why);
        return Condition::unknown(id, why, evidence);
    }
    let served_is = download.digests.map(Holding::of);
    if let (Some(held), Some(served_is)) = (testimony.itl.settled(), served_is)
        && held.is(&served_is) == Some(true)
    {
        evidence.extend(matter.evidence(&testimony.itl));
        let sum = served_is.sha1().map_or_else(String::new, |sum| sum.to_string());
        let source = matter.strongest(&testimony.itl).map(|(source, _)| source);
        let (basis, why) = match source {
            Some(Source::ListAlarm) if is_reported_today(matter) => (
                Basis::Direct,
                format!("the phone reports to hold exactly the list that {server} serves (SHA-1 {sum})"),
            ),
            Some(Source::Wire) => {
                (Basis::Comparison, format!("the phone accepted the list that {server} serves (inferred)"))
            }
            _ => (
                Basis::Comparison,
                format!(
                    "{server} serves exactly the list that is on the phone: {}",
                    super::holds::why(matter, &testimony.itl)
                ),
            ),
        };
        return Condition::new(id, Answer::No, basis, why, evidence);
    }
    evidence.extend(matter.evidence(at_offer));
    if at_offer.is_disputed() || testimony.itl.is_disputed() {
        let disputed = if at_offer.is_disputed() { at_offer } else { &testimony.itl };
        evidence.extend(matter.evidence(disputed));
        return Condition::unknown(id, "which list the phone holds is disputed", evidence);
    }
    let Some(list) = matter.at_hand(at_offer) else {
        let why = match at_offer.settled() {
            Some(holding) => format!(
                "the phone holds another list than {server} serves (SHA-1 {}), and that list is not at hand",
                holding.sha1().map_or_else(|| "unknown".to_owned(), |sha1| sha1.to_string())
            ),
            None => against_unrelated(matter, served),
        };
        return Condition::unknown(id, why, evidence);
    };
    let relation = matter.relation(at_offer);
    let (answer, why) = match signer_known(list, served) {
        SignerKnown::Verifies(record) => (
            Answer::No,
            format!("the signer of the served list, {signer}, is {record} of {relation}, and its key verifies"),
        ),
        SignerKnown::Fails(record) => (
            Answer::Yes,
            format!(
                "the signer of the served list, {signer}, is {record} of {relation}, but that key does not verify it"
            ),
        ),
        SignerKnown::CannotCheck(record) => (
            Answer::Unknown,
            format!(
                "the signer of the served list, {signer}, is {record} of {relation}, but there is no key to check with"
            ),
        ),
        SignerKnown::No => (Answer::Yes, format!("the signer of the served list, {signer}, is not in {relation}")),
        SignerKnown::NotInExcerpt => (
            Answer::Unknown,
            format!(
                "what there is of {relation} does not have the signer of the served list, {signer}, but it is an excerpt"
            ),
        ),
    };
    let basis = if answer == Answer::Unknown { Basis::None } else { Basis::Comparison };
    Condition::new(id, answer, basis, why, evidence)
}

/// Whether the alarm that names the list on the phone is known to be of today, behind the download.
fn is_reported_today(matter: &Matter<'_>) -> bool {
    let by = matter.testimony.itl.by();
    let mut claims = by.iter().filter_map(|&index| matter.testimony.claims.get(index));
    claims.any(|claim| claim.by == Source::ListAlarm && claim.when == crate::claim::When::AfterOffer)
}

fn no_list_served(matter: &Matter<'_>) -> Condition {
    let id = ConditionId::ItlSignerDiffers;
    if matter.wire.itls_differ {
        let why = "nobody knows which of the phone's boots was the last, and they brought different lists";
        return Condition::unknown(id, why, Vec::new());
    }
    if let Some(reference) = matter.reference_that_is_held() {
        let held = super::holds::why(matter, &matter.testimony.itl);
        let why =
            format!("the list on the phone is that of {reference}, which is taken for the one that is served: {held}");
        return Condition::new(id, Answer::No, Basis::Comparison, why, Vec::new());
    }
    let asked = matter.downloads().rfind(|download| download.kind == FileKind::Itl);
    let why = match asked {
        None if matter.is_unseen() => "the phone was not seen on the wire".to_owned(),
        None => "the phone asked for no ITL in this capture".to_owned(),
        Some(download) if download.outcome() == Outcome::Complete => {
            "what the server sent under the name of an ITL is no trust list".to_owned()
        }
        Some(download) => format!(
            "no complete ITL was captured: {}",
            download.reason().unwrap_or_else(|| "the download goes on".to_owned())
        ),
    };
    let evidence = asked
        .map(|download| Evidence::new(download.span.first, format!("asks for {}", file_name(download))))
        .into_iter()
        .collect();
    Condition::unknown(id, why, evidence)
}

/// What a reference says is worth telling, but refutes nothing: nobody knows whether the phone holds that list.
fn against_unrelated(matter: &Matter<'_>, served: &ServedList) -> String {
    let unknown = "it is not known which list the phone holds";
    let Some((path, list)) = matter.unrelated_list() else { return unknown.to_owned() };
    let says = match signer_known(list, served) {
        SignerKnown::Verifies(_) => "has the signer of the served list",
        SignerKnown::Fails(_) => "has the signer of the served list, but with another key",
        SignerKnown::CannotCheck(_) => "has the signer of the served list, as far as it can be checked",
        SignerKnown::No => "does not have the signer of the served list",
        SignerKnown::NotInExcerpt => "does not show the signer of the served list",
    };
    format!("{unknown}; {path}, a list of unknown relation to the phone, {says}")
}

/// What the wire shows of one TVS server in respect of the second condition.
enum Seen {
    /// The phone accepted it, and nothing speaks against that.
    Trusted,
    /// It presents a certificate of the phone's list; the words for which.
    Listed(String),
    /// It presents another certificate than those of the phone's list.
    Foreign,
    /// What is known contradicts itself, in words.
    Contradicted(String),
    /// Nothing that would decide.
    Undecided,
}

fn look_at(matter: &Matter<'_>, server: &ServerSeen) -> Seen {
    let address = server.address;
    if let Some((serial, list)) = matter.accepted_against_its_list(server) {
        return Seen::Contradicted(format!(
            "the phone completed a handshake with TVS {address}, but its certificate {serial} is not in {list}"
        ));
    }
    if server.judged.is_disputed() {
        return Seen::Contradicted(format!("the phone both accepted and refused the certificate of TVS {address}"));
    }
    if server.judged.is(&Judgement::Accepted) {
        return if server.vouched.is(&false) || server.vouched.is_disputed() {
            Seen::Contradicted(format!(
                "the phone completed the TLS handshake with TVS {address}, but that did not vouch for what it was asked about"
            ))
        } else {
            Seen::Trusted
        };
    }
    let (known, list) = matter.list_before(server);
    let (Some((certificate, _)), Some(list)) = (&server.certificate, list) else { return Seen::Undecided };
    let relation = matter.relation(known);
    let found = list.tvs_records().find(|record| is_certificate_of(record, certificate) == Some(true));
    match found {
        Some(record) if server.judged.is(&Judgement::Refused) => Seen::Contradicted(format!(
            "TVS {address} presents TVS record #{} of {relation}, and yet the phone refused it",
            record.index
        )),
        Some(record) => Seen::Listed(format!("TVS record #{} of {relation}", record.index)),
        None if list.tvs_records().any(|record| is_certificate_of(record, certificate).is_none()) => Seen::Undecided,
        None if list.is_whole() => Seen::Foreign,
        None => Seen::Undecided,
    }
}

fn tvs_certificate_differs(matter: &Matter<'_>) -> Condition {
    let id = ConditionId::TvsCertificateDiffers;
    let testimony = &matter.testimony;
    let seen: Vec<(&ServerSeen, Seen)> =
        testimony.servers.iter().map(|server| (server, look_at(matter, server))).collect();
    let mut evidence: Vec<Evidence> = Vec::new();
    for server in &testimony.servers {
        let presented = server.certificate.as_ref().map(|(_, claim)| *claim);
        evidence.extend(matter.evidence_of(&presented.into_iter().collect::<Vec<_>>()));
        evidence.extend(matter.evidence(&server.judged));
    }
    let contradicted = seen.iter().find_map(|(_, seen)| match seen {
        Seen::Contradicted(why) => Some(why.clone()),
        _ => None,
    });
    if let Some((server, _)) = seen.iter().find(|(_, seen)| matches!(seen, Seen::Trusted)) {
        let why = format!(
            "the phone completed the TLS handshake with TVS {} and sent data: it knows that certificate",
            server.address
        );
        let mut evidence =
            server.certificate.as_ref().map_or_else(Vec::new, |(_, claim)| matter.evidence_of(&[*claim]));
        evidence.extend(matter.evidence(&server.judged));
        return Condition::new(id, Answer::No, Basis::Direct, why, evidence);
    }
    let listed = seen.iter().find_map(|(server, seen)| match seen {
        Seen::Listed(from) => Some((server.address, from)),
        _ => None,
    });
    if let Some((address, from)) = listed {
        let why = format!("TVS {address} presents {from}");
        return Condition::new(id, Answer::No, Basis::Comparison, why, evidence);
    }
    if let Some(why) = contradicted {
        return Condition::unknown(id, why, evidence);
    }
    let presented: Vec<_> = testimony.servers.iter().filter(|server| server.certificate.is_some()).collect();
    if presented.is_empty() {
        return Condition::unknown(id, super::checks::why_no_certificate(matter), evidence);
    }
    let Some((known, list)) = matter.held() else {
        return Condition::unknown(id, against_unrelated_tvs(matter, &presented), evidence);
    };
    let relation = matter.relation(known);
    if !list.is_whole() {
        let why = format!("what there is of {relation} does not have the certificates presented, but it is an excerpt");
        return Condition::unknown(id, why, evidence);
    }
    let servers = presented.iter().map(|server| server.address.to_string()).collect::<Vec<_>>().join(", ");
    let records: Vec<&Record> = list.tvs_records().collect();
    if records.is_empty() {
        let why = format!("{relation} names no TVS server at all, so none that answers ({servers}) is known to it");
        return Condition::new(id, Answer::Yes, Basis::Comparison, why, evidence);
    }
    if !is_foreign_everywhere(&seen) {
        let why = format!("whether the certificates presented by {servers} are in {relation} cannot be told");
        return Condition::unknown(id, why, evidence);
    }
    if !super::simulation::saw_all_tvs(matter, list) {
        let why = format!(
            "the certificates presented by {servers} are not in {relation}, but that names {} TVS servers, and not each of them \
             was seen, by the name in its certificate, with another certificate",
            records.len()
        );
        return Condition::unknown(id, why, evidence);
    }
    let why = format!("the certificates presented by {servers} are not in {relation}");
    Condition::new(id, Answer::Yes, Basis::Comparison, why, evidence)
}

/// Whether every certificate that was presented is known to be another than those of the list.
fn is_foreign_everywhere(seen: &[(&ServerSeen, Seen)]) -> bool {
    seen.iter().filter(|(server, _)| server.certificate.is_some()).all(|(_, seen)| matches!(seen, Seen::Foreign))
}

fn against_unrelated_tvs(matter: &Matter<'_>, presented: &[&ServerSeen]) -> String {
    let unknown = "it is not known which list the phone holds";
    let Some((path, list)) = matter.unrelated_list() else { return unknown.to_owned() };
    let has = presented
        .iter()
        .filter_map(|server| server.certificate.as_ref())
        .any(|(certificate, _)| list.tvs_records().any(|record| is_certificate_of(record, certificate) == Some(true)));
    let says =
        if has { "has the certificate that TVS presents" } else { "does not have the certificate that TVS presents" };
    format!("{unknown}; {path}, a list of unknown relation to the phone, {says}")
}

fn phone_reports_failure(matter: &Matter<'_>) -> Condition {
    let id = ConditionId::PhoneReportsFailure;
    let testimony = &matter.testimony;
    let refused = [&testimony.list, &testimony.config].into_iter().find(|known| known.is(&Judgement::Refused));
    match &testimony.failure {
        Known::Settled { value, .. } => {
            let failed = *value;
            let source = super::holds::source_of(matter, &testimony.failure);
            let (answer, why) = if failed {
                (Answer::Yes, format!("the phone shows that verification failed ({source})"))
            } else {
                (Answer::No, format!("the phone shows no verification failure ({source})"))
            };
            let mut evidence = matter.evidence(&testimony.failure);
            // A log may be of another day (domain.md 9): it does not stand against what the capture shows.
            let is_logged = matter.strongest(&testimony.failure).is_some_and(|(source, _)| source == Source::Log);
            let is_bad = matter.served.is_some_and(|(_, served)| super::advice::is_bad(served));
            if is_logged && !failed && is_bad {
                let why = format!(
                    "{why}, but no phone can verify the list that is served: the log may be of an earlier boot"
                );
                return Condition::unknown(id, why, evidence);
            }
            let seen =
                if failed { Some(&testimony.list).filter(|list| list.is(&Judgement::Accepted)) } else { refused };
            match seen {
                Some(seen) if is_logged => {
                    let other = if failed { "accepted" } else { "refused" };
                    let why = format!("{why}, but the wire suggests that it {other} what it was offered (inferred)");
                    evidence.extend(matter.evidence(seen));
                    Condition::unknown(id, why, evidence)
                }
                _ => Condition::new(id, answer, Basis::Told, why, evidence),
            }
        }
        Known::Disputed(..) => {
            let why = "what the phone's screen says is disputed";
            Condition::unknown(id, why, matter.evidence(&testimony.failure))
        }
        Known::Unknown => screen_is_unknown(matter, refused),
    }
}

/// Nobody says that verification failed or succeeded; an update that failed may have other causes.
fn screen_is_unknown(matter: &Matter<'_>, refused: Option<&Known<Judgement>>) -> Condition {
    let id = ConditionId::PhoneReportsFailure;
    let inferred = refused.map(|known| matter.evidence(known)).unwrap_or_default();
    let (word, _) = matter.case.told.about(matter.phone.name.as_ref(), &matter.phone.addresses).screen();
    if word.screen == Screen::Open {
        let why = format!(
            "the phone shows that an update failed, or its texts contradict each other; the network or a server may be the \
             cause as well ({})",
            word.why
        );
        let place = word.place.map(|(path, line, quote)| Evidence::line(path, line, quote));
        return Condition::unknown(id, why, place.into_iter().chain(inferred).collect());
    }
    let why = match refused {
        Some(_) => {
            "what the phone's screen says is not known; the wire suggests that it refused what it was offered (inferred)"
        }
        None => "what the phone's screen says is not known",
    };
    Condition::unknown(id, why, inferred)
}

fn no_old_key_backup(matter: &Matter<'_>) -> Condition {
    let id = ConditionId::NoOldKeyBackup;
    let (answer, why) = match matter.testimony.old_key_saved.settled() {
        Some(true) => (Answer::No, "a backup of the old key exists (said by option)"),
        Some(false) => (Answer::Yes, "there is no backup of the old key (said by option)"),
        None => {
            return Condition::unknown(
                id,
                "whether a backup of the old key exists cannot be seen on the wire",
                Vec::new(),
            );
        }
    };
    Condition::new(id, answer, Basis::Told, why, Vec::new())
}
