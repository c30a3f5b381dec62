//! The four conditions that must all hold before an ITL has to be deleted (domain.md 7.1).

use super::checks::{KnownTvs, file_name};
use super::facts::Facts;
use super::held::{HeldList, HeldSource, relation};
use super::observed::Observed;
use super::{Answer, Basis, Condition, ConditionId, Evidence};
use crate::event::{CertificateStatus, Outcome, SessionOutcome, TlsSession, TlsVersion};
use crate::phone::{FileKind, ServedList};
use crate::trust::TrustList;
use crate::trust::signature::{self, Candidate, SignatureStatus};

impl Condition {
    fn new(id: ConditionId, holds: Answer, basis: Basis, why: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self { id, holds, why: why.into(), evidence, basis }
    }

    fn unknown(id: ConditionId, why: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self::new(id, Answer::Unknown, Basis::None, why, evidence)
    }
}

/// All four, in the order of the source documents.
pub(super) fn conditions(facts: &Facts<'_>) -> [Condition; 4] {
    [itl_signer_differs(facts), tvs_certificate_differs(facts), phone_reports_failure(facts), no_old_key_backup(facts)]
}

/// Whether a list lets a phone verify the served one.
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
    let candidates: Vec<_> = able.iter().map(|record| Candidate::Record { list: "", record }).collect();
    match signature::verify(&served.list.header, &served.content.bytes, &candidates).status() {
        SignatureStatus::Valid => return SignerKnown::Verifies(label),
        SignatureStatus::Invalid => return SignerKnown::Fails(label),
        SignatureStatus::Unknown => {}
    }
    // Lists from text have no keys. The served list has the signer's own: it is the same where the certificate is.
    let same_certificate = served.list.records.iter().any(|own| {
        own.certificate_sha1.is_some() && able.iter().any(|record| record.certificate_sha1 == own.certificate_sha1)
    });
    match (same_certificate, served.verification.status()) {
        (true, SignatureStatus::Valid) => SignerKnown::Verifies(label),
        (true, SignatureStatus::Invalid) => SignerKnown::Fails(label),
        _ => SignerKnown::CannotCheck(label),
    }
}

fn itl_signer_differs(facts: &Facts<'_>) -> Condition {
    let id = ConditionId::ItlSignerDiffers;
    let held = &facts.held;
    if held.itl.takes_any() {
        let what = if matches!(held.itl, HeldList::Nothing) { "no ITL" } else { "an empty ITL" };
        let why = format!("the phone holds {what} and takes the next one without verifying it: {}", held.why);
        // What the phone reports is certain; what somebody says of it is not, where the phone acts otherwise.
        let basis = if held.source == Some(HeldSource::DeviceTlInfo) { Basis::Direct } else { Basis::Comparison };
        return Condition::new(id, Answer::No, basis, why, held.evidence.clone());
    }
    let Some((download, served)) = facts.served else { return no_list_served(facts) };
    let server = download.server.ip();
    let signer = served.list.signer().map_or_else(|| "an unknown signer".to_owned(), ToString::to_string);
    let mut evidence =
        vec![Evidence::new(download.span.first, format!("{} from {server}, signed by {signer}", file_name(download)))];
    evidence.extend(held.evidence.iter().cloned());
    if let Some(digests) = download.digests
        && held.itl.is(digests) == Some(true)
    {
        let (basis, why) = match held.source {
            Some(HeldSource::DeviceTlInfo) => (
                Basis::Direct,
                format!("the phone reports to hold exactly the list that {server} serves (SHA-1 {})", digests.sha1),
            ),
            Some(HeldSource::Inferred) => {
                (Basis::Comparison, format!("the phone accepted the list that {server} serves (inferred)"))
            }
            _ => (Basis::Comparison, format!("{server} serves exactly the list that is on the phone: {}", held.why)),
        };
        return Condition::new(id, Answer::No, basis, why, evidence);
    }
    if served.verification.status() == SignatureStatus::Invalid {
        let why = format!("the list that {server} serves is corrupt: it does not verify with its own signer's key");
        return Condition::unknown(id, why, evidence);
    }
    let Some(list) = held.itl.list() else {
        let why = match &held.itl {
            HeldList::Known(known) => format!(
                "the phone holds another list than {server} serves (SHA-1 {}), and that list is not at hand",
                known.sha1.map_or_else(|| "unknown".to_owned(), |sha1| sha1.to_string())
            ),
            _ => against_unrelated(facts, served),
        };
        return Condition::unknown(id, why, evidence);
    };
    let relation = relation(held);
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

fn no_list_served(facts: &Facts<'_>) -> Condition {
    let id = ConditionId::ItlSignerDiffers;
    let asked = facts.phone.downloads.iter().rev().find(|download| download.kind == FileKind::Itl);
    let why = match asked {
        None => "the phone asked for no ITL in this capture".to_owned(),
        Some(download) if download.outcome == Outcome::Complete => {
            "what the server sent under the name of an ITL is no trust list".to_owned()
        }
        Some(download) => {
            format!("no complete ITL was captured: {}", download.reason.as_deref().unwrap_or("the download goes on"))
        }
    };
    let evidence = asked
        .map(|download| Evidence::new(download.span.first, format!("asks for {}", file_name(download))))
        .into_iter()
        .collect();
    Condition::unknown(id, why, evidence)
}

/// What a reference says is worth telling, but refutes nothing: nobody knows whether the phone holds that list.
fn against_unrelated(facts: &Facts<'_>, served: &ServedList) -> String {
    let unknown = "it is not known which list the phone holds";
    let Some((path, list)) = facts.unrelated_list() else { return unknown.to_owned() };
    let says = match signer_known(list, served) {
        SignerKnown::Verifies(_) => "has the signer of the served list",
        SignerKnown::Fails(_) => "has the signer of the served list, but with another key",
        SignerKnown::CannotCheck(_) => "has the signer of the served list, as far as it can be checked",
        SignerKnown::No => "does not have the signer of the served list",
        SignerKnown::NotInExcerpt => "does not show the signer of the served list",
    };
    format!("{unknown}; {path}, a list of unknown relation to the phone, {says}")
}

fn tvs_certificate_differs(facts: &Facts<'_>) -> Condition {
    let id = ConditionId::TvsCertificateDiffers;
    let sessions = &facts.tvs;
    if let Some(session) = sessions.iter().find(|session| completed(session)) {
        let mut evidence = Vec::new();
        if let (Some(moment), Some(certificate)) = (session.milestones.certificate, session.certificate.as_deref()) {
            let text = format!("{} presents serial {}", session.server, certificate.serial);
            evidence.push(Evidence::new(moment, text));
        }
        let milestones = &session.milestones;
        evidence.extend(milestones.established.map(|moment| Evidence::new(moment, "the handshake is complete")));
        evidence.extend(milestones.client_data.map(|moment| Evidence::new(moment, "the phone sends data")));
        let why = format!(
            "the phone completed the TLS handshake with TVS {} and sent data: it knows that certificate",
            session.server
        );
        return Condition::new(id, Answer::No, Basis::Direct, why, evidence);
    }
    let presented: Vec<_> = sessions
        .iter()
        .filter_map(|session| Some((*session, session.certificate.as_deref()?, session.milestones.certificate?)))
        .collect();
    let mut evidence: Vec<_> = presented
        .iter()
        .map(|(session, certificate, moment)| {
            let text = format!("{} presents serial {}, SHA-1 {}", session.server, certificate.serial, certificate.sha1);
            Evidence::new(*moment, text)
        })
        .collect();
    evidence.extend(sessions.iter().filter_map(|session| refusal(session)));
    if presented.is_empty() {
        return Condition::unknown(id, facts.why_no_tvs_certificate(), evidence);
    }
    let Some(list) = facts.held.itl.list() else {
        return Condition::unknown(id, against_unrelated_tvs(facts, &presented), evidence);
    };
    let relation = relation(&facts.held);
    let known: Vec<_> = list.tvs_records().map(|record| KnownTvs::of_record(relation, record)).collect();
    let matched = presented.iter().find_map(|(session, certificate, _)| {
        let known = known.iter().find(|known| known.is_exactly(certificate))?;
        Some((*session, known.from.clone()))
    });
    if let Some((session, from)) = matched {
        let why = format!("TVS {} presents {from}", session.server);
        // A phone that refuses what it should know contradicts that: nothing is claimed.
        if facts.sessions_refused(session) {
            let why = format!("{why}, and yet the phone refused it");
            return Condition::unknown(id, why, evidence);
        }
        return Condition::new(id, Answer::No, Basis::Comparison, why, evidence);
    }
    if !list.is_whole() {
        let why = format!("what there is of {relation} does not have the certificates presented, but it is an excerpt");
        return Condition::unknown(id, why, evidence);
    }
    let servers = presented.iter().map(|(session, ..)| format!("{}", session.server)).collect::<Vec<_>>().join(", ");
    if known.is_empty() {
        let why = format!("{relation} names no TVS server at all, so none that answers ({servers}) is known to it");
        return Condition::new(id, Answer::Yes, Basis::Comparison, why, evidence);
    }
    if !facts.saw_all_tvs(list) {
        let why = format!(
            "the certificates presented by {servers} are not in {relation}, but that names {} TVS servers, and not all that the \
             phone may ask were seen",
            known.len()
        );
        return Condition::unknown(id, why, evidence);
    }
    let why = format!("the certificates presented by {servers} are not in {relation}");
    Condition::new(id, Answer::Yes, Basis::Comparison, why, evidence)
}

/// Whether the phone completed a full handshake and sent data: it accepted the certificate. Only up to TLS 1.2 that can be seen
/// (domain.md 5.4, 7.1).
pub(super) fn completed(session: &TlsSession) -> bool {
    session.outcome() == SessionOutcome::Established
        && session.certificate_status != CertificateStatus::Resumed
        && session.version.is_some_and(|version| version < TlsVersion::TLS_1_3)
        && session.milestones.client_data.is_some()
}

/// The phone's refusal of a session, as evidence.
fn refusal(session: &TlsSession) -> Option<Evidence> {
    let refused = matches!(session.outcome(), SessionOutcome::Refused | SessionOutcome::Reset);
    let moment = session.alerts.first().map_or(session.span.last, |alert| alert.moment);
    let reason = session.reason()?;
    refused.then(|| Evidence::new(moment, reason))
}

fn against_unrelated_tvs(
    facts: &Facts<'_>,
    presented: &[(&TlsSession, &crate::x509::Certificate, crate::capture::Moment)],
) -> String {
    let unknown = "it is not known which list the phone holds";
    let Some((path, list)) = facts.unrelated_list() else { return unknown.to_owned() };
    let has = presented.iter().any(|(_, certificate, _)| {
        list.tvs_records().any(|record| KnownTvs::of_record(path, record).is_exactly(certificate))
    });
    let says =
        if has { "has the certificate that TVS presents" } else { "does not have the certificate that TVS presents" };
    format!("{unknown}; {path}, a list of unknown relation to the phone, {says}")
}

fn phone_reports_failure(facts: &Facts<'_>) -> Condition {
    let id = ConditionId::PhoneReportsFailure;
    let last = facts.observed.last();
    let refused = last.and_then(Observed::refused);
    if let Some(told) = facts.told_failure() {
        let (answer, why) = if told.failed {
            (Answer::Yes, format!("the phone shows that verification failed ({})", told.source))
        } else {
            (Answer::No, format!("the phone shows no verification failure ({})", told.source))
        };
        // A log may be of another day (domain.md 9): it does not stand against what the capture shows.
        let seen = if told.failed { last.and_then(Observed::accepted).map(|(_, seen)| seen) } else { refused };
        return match seen {
            Some(evidence) if told.is_logged => {
                let other = if told.failed { "accepted" } else { "refused" };
                let why = format!("{why}, but the wire suggests that it {other} what it was offered (inferred)");
                Condition::unknown(id, why, evidence)
            }
            _ => Condition::new(id, answer, Basis::Told, why, Vec::new()),
        };
    }
    match refused {
        Some(evidence) => {
            let why = "what the phone's screen says is not known; the wire suggests that it refused what it was offered (inferred)";
            Condition::unknown(id, why, evidence)
        }
        None => Condition::unknown(id, "what the phone's screen says is not known", Vec::new()),
    }
}

fn no_old_key_backup(facts: &Facts<'_>) -> Condition {
    let id = ConditionId::NoOldKeyBackup;
    let (answer, why) = match facts.case.told.old_key_backup {
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
