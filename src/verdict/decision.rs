//! From the four conditions to the answer (domain.md 7.1).

use super::advice::{CtlRenewal, ctl_renewal};
use super::facts::Facts;
use super::held::{HeldList, HeldSource, knows_anything};
use super::{Answer, Basis, Condition, ConditionId, Deletion};
use crate::trust::compare::is_same_certificate;
use crate::trust::signature::SignatureStatus;

/// Decides. `needed` is the hardest thing to say: every condition must be known to hold, nothing may contradict it, and no other
/// way may be known or possible.
pub(super) fn decide(facts: &Facts<'_>, conditions: &[Condition; 4]) -> (Deletion, String) {
    let contradiction = facts.held.contradiction.clone();
    // What rests on the phone's list does not hold where the engineer and the phone say different things of it.
    if contradiction.is_none()
        && let Some(why) = recovery(facts)
    {
        return (Deletion::NotNeeded, why);
    }
    let doubt = || facts.disagreement().or_else(|| contradiction.clone());
    let refuted: Vec<&Condition> = conditions.iter().filter(|condition| condition.holds == Answer::No).collect();
    // What the phone itself showed says more than a comparison.
    let certain = refuted.iter().find(|condition| condition.basis != Basis::Comparison);
    if let Some(first) = certain.or(refuted.first()) {
        return match doubt() {
            Some(doubt) if certain.is_none() => (Deletion::Undetermined, doubt),
            _ => (Deletion::NotNeeded, first.why.clone()),
        };
    }
    if !conditions.iter().all(|condition| condition.holds == Answer::Yes) {
        let open: Vec<_> = conditions
            .iter()
            .filter(|condition| condition.holds == Answer::Unknown)
            .map(|condition| match condition.id {
                ConditionId::ItlSignerDiffers => "whether the phone knows who signs the list",
                ConditionId::TvsCertificateDiffers => "whether the phone trusts TVS",
                ConditionId::PhoneReportsFailure => "what the phone's screen says",
                ConditionId::NoOldKeyBackup => "whether the old key can be restored",
            })
            .collect();
        return (Deletion::Undetermined, format!("it is not known {}", open.join(", ")));
    }
    if facts.served.is_some_and(|(_, served)| served.verification.status() == SignatureStatus::Invalid) {
        return (
            Deletion::Undetermined,
            "the list on the server is corrupt, so deleting the phone's helps nothing".to_owned(),
        );
    }
    if let Some(doubt) = doubt() {
        return (Deletion::Undetermined, doubt);
    }
    if !facts.held.is_identified() {
        let why = "which list the phone holds is only inferred: a deletion needs it confirmed";
        return (Deletion::Undetermined, why.to_owned());
    }
    match ctl_renewal(facts) {
        CtlRenewal::Possible(why) => (Deletion::NotNeeded, why),
        CtlRenewal::Perhaps(why) => (Deletion::Undetermined, why),
        CtlRenewal::No => (Deletion::Needed, "all four conditions are known to hold".to_owned()),
    }
}

/// The phone's list has an `ITLRecovery` record, and the list served today carries the same certificate: the publisher has the
/// key that the phone trusts.
fn recovery(facts: &Facts<'_>) -> Option<String> {
    let held = facts.held.itl.list()?.itl_recovery()?;
    let (_, served) = facts.served?;
    // The key of a list that does not verify is not known to be the server's.
    if served.verification.status() == SignatureStatus::Invalid {
        return None;
    }
    let same = is_same_certificate(held, served.list.itl_recovery()?);
    same.then(|| {
        "the phone's list and the list served today carry the same ITLRecovery certificate: 'utils itl reset' is the way"
            .to_owned()
    })
}

/// What to collect so that the unknown conditions become known.
pub(super) fn collect(facts: &Facts<'_>, conditions: &[Condition; 4]) -> Vec<String> {
    let device = facts.phone.name.as_ref().map_or_else(|| "DEVICE".to_owned(), ToString::to_string);
    let mut wanted = Vec::new();
    for condition in conditions.iter().filter(|condition| condition.holds == Answer::Unknown) {
        match condition.id {
            ConditionId::ItlSignerDiffers => {
                if facts.served.is_none() {
                    wanted.push("a capture of the phone's boot from its start: reset the phone while capturing".to_owned());
                }
                match &facts.held.itl {
                    _ if !knows_anything(&facts.held) => wanted.push(format!(
                        "the checksum of the ITL on the phone (Settings, Security Configuration, Trust List; its web page; or \
                         its DeviceTLInfo alarm) for --holds {device}=CHECKSUM, and the file with that checksum for -r"
                    )),
                    HeldList::Known(known) if known.list.is_none() => wanted.push(format!(
                        "the list with the checksum {} (an old export or a backup) for -r",
                        known
                            .sha1
                            .map(|sum| sum.to_string())
                            .or_else(|| known.md5.map(|sum| sum.to_string()))
                            .unwrap_or_default()
                    )),
                    _ => {}
                }
            }
            ConditionId::TvsCertificateDiffers if facts.tvs.is_empty() => wanted.push(
                "a capture in which the phone contacts TVS on TCP 2445: press Directories or Services, or reset the phone"
                    .to_owned(),
            ),
            ConditionId::TvsCertificateDiffers => {
                let presented = facts.tvs.iter().filter(|session| session.certificate.is_some()).count();
                let records = facts.held.itl.list().map_or(0, |list| list.tvs_records().count());
                if presented == 0 {
                    wanted.push(
                        "the certificate that TVS presents: 'openssl s_client -connect SERVER:2445', or TVS.pem from OS \
                         Administration"
                            .to_owned(),
                    );
                } else if presented < records {
                    wanted.push(format!(
                        "a capture in which the phone contacts all {records} TVS servers of its list on TCP 2445"
                    ));
                }
            }
            ConditionId::PhoneReportsFailure => wanted.push(format!(
                "what the phone shows (Settings, Status, Status Messages) for --phone-says {device}=verification-failed or ok, \
                 or its console log for --console-log"
            )),
            ConditionId::NoOldKeyBackup => wanted.push(
                "whether a DRS backup holds the old CallManager key, or ITLRecovery.p12 was saved, for --old-key-backup yes or no"
                    .to_owned(),
            ),
        }
    }
    let is_refuted =
        |condition: &Condition| condition.id == ConditionId::ItlSignerDiffers && condition.holds == Answer::No;
    if facts.held.source == Some(HeldSource::Inferred) && !conditions.iter().any(is_refuted) {
        wanted.push(format!(
            "the checksum of the ITL on the phone, which is only inferred, for --holds {device}=CHECKSUM"
        ));
    }
    if wanted.is_empty() {
        wanted.push("the phone's console log of a boot, for --console-log: it says why the phone refuses".to_owned());
    }
    if let CtlRenewal::Perhaps(why) = ctl_renewal(facts) {
        wanted.push(format!("whether the phone holds a CTL, and which ({why}), for --holds {device}=CTLFILE"));
    }
    wanted
}
