//! From the four conditions to the answer (domain.md 7.1).

use super::matter::Matter;
use super::ways::{self, CtlRenewal};
use super::{Answer, Basis, Condition, ConditionId, Conditions, Deletion};
use crate::claim::{Holding, Judgement, Known};
use crate::event::Outcome;
use crate::phone::FileKind;
use crate::trust::signature::SignatureStatus;

/// Decides. `needed` is the hardest thing to say: every condition must be known to hold, nothing may contradict it, and no other
/// way may be known or possible.
pub(super) fn decide(matter: &Matter<'_>, conditions: &Conditions) -> (Deletion, String) {
    let doubt = || matter.contradictions().into_iter().next().map(|(why, _)| why).or_else(|| disagreement(matter));
    let list_is_disputed = matter.testimony.itl.is_disputed() || matter.testimony.itl_at_offer.is_disputed();
    // What rests on the phone's list does not hold where different things are said of it.
    if !list_is_disputed && let Some(why) = ways::recovery(matter) {
        return (Deletion::NotNeeded, why);
    }
    let refuted: Vec<&Condition> =
        conditions.all().into_iter().filter(|condition| condition.holds == Answer::No).collect();
    // What the phone itself showed says more than a comparison.
    let certain = refuted.iter().find(|condition| condition.basis != Basis::Comparison);
    if let Some(first) = certain.or(refuted.first()) {
        return match doubt() {
            Some(doubt) if certain.is_none() => (Deletion::Undetermined, doubt),
            _ => (Deletion::NotNeeded, first.why.clone()),
        };
    }
    let open: Vec<&str> = conditions
        .all()
        .into_iter()
        .filter(|condition| condition.holds == Answer::Unknown)
        .map(|condition| match condition.id {
            ConditionId::ItlSignerDiffers => "whether the phone knows who signs the list",
            ConditionId::TvsCertificateDiffers => "whether the phone trusts TVS",
            ConditionId::PhoneReportsFailure => "what the phone's screen says",
            ConditionId::NoOldKeyBackup => "whether the old key can be restored",
        })
        .collect();
    if let Some(doubt) = doubt() {
        return (Deletion::Undetermined, doubt);
    }
    if !open.is_empty() {
        return (Deletion::Undetermined, format!("it is not known {}", open.join(", ")));
    }
    match veto(matter) {
        Some(why) => (Deletion::Undetermined, why),
        None => match ways::ctl_renewal(matter) {
            CtlRenewal::Possible(why) => (Deletion::NotNeeded, why),
            CtlRenewal::Perhaps(why) => (Deletion::Undetermined, why),
            CtlRenewal::Impossible | CtlRenewal::No => {
                (Deletion::Needed, "all four conditions are known to hold".to_owned())
            }
        },
    }
}

/// What speaks against a deletion although all four conditions hold.
fn veto(matter: &Matter<'_>) -> Option<String> {
    let testimony = &matter.testimony;
    let (_, served) = matter.served?;
    if served.verification.status() != SignatureStatus::Valid {
        return Some(
            "the list on the server is not known to be good, so deleting the phone's may help nothing".to_owned(),
        );
    }
    let identified = matter.is_identified(&testimony.itl_at_offer) || matter.is_identified(&testimony.itl);
    if !identified {
        return Some("which list the phone holds is only inferred: a deletion needs it confirmed".to_owned());
    }
    let held = matter.held().map(|(_, list)| list);
    if let Some(held) = held
        && let (Some(one), Some(other)) = (held.itl_recovery(), served.list.itl_recovery())
        && crate::trust::compare::is_same_certificate(one, other)
    {
        return Some(
            "the phone's list and the one served carry the same ITLRecovery certificate, but that they are of one cluster is not \
             known"
                .to_owned(),
        );
    }
    if matter.wire.goes_on {
        return Some("the phone went on to further signed files without asking TVS about them".to_owned());
    }
    let unsigned =
        testimony.claims.iter().any(|claim| claim.when.is_now() && claim.says == crate::claim::Fact::AsksSigned(false));
    if unsigned {
        return Some(
            "the phone asks for its configuration unsigned: it may hold no list that could be deleted".to_owned(),
        );
    }
    let begun_ctl = matter.downloads().any(|download| {
        download.kind == FileKind::Ctl && matches!(download.outcome(), Outcome::Incomplete | Outcome::Pending)
    });
    if begun_ctl && !matches!(testimony.ctl, Known::Settled { value: Holding::Nothing, .. }) {
        return Some("the server sends a CTL that is not whole in the capture, which may name the signer".to_owned());
    }
    if held.is_some_and(|held| ways::is_of_another_cluster(held, &served.list)) {
        return Some(
            "the list that is served is of another cluster than the phone's: whether the TVS of its own cluster could vouch is \
             not known"
                .to_owned(),
        );
    }
    None
}

/// Whether the phone's own rules and what it was seen to do contradict each other.
pub(super) fn disagreement(matter: &Matter<'_>) -> Option<String> {
    use crate::trust::predict::Outcome::{Accepted, Rejected};
    let simulation = matter.simulation.as_ref().filter(|simulation| simulation.own)?;
    let list = &matter.testimony.list;
    match simulation.prediction.outcome {
        Accepted if list.is(&Judgement::Refused) => Some(
            "by its own rules the phone accepts the served list, but the wire suggests that it refused it".to_owned(),
        ),
        Rejected if list.is(&Judgement::Accepted) => Some(
            "by its own rules the phone rejects the served list, but the wire suggests that it accepted it".to_owned(),
        ),
        _ => None,
    }
}

/// What to collect so that the unknown conditions become known.
pub(super) fn collect(matter: &Matter<'_>, conditions: &Conditions) -> Vec<String> {
    let device = matter.phone.name.as_ref().map_or_else(|| "DEVICE".to_owned(), ToString::to_string);
    let testimony = &matter.testimony;
    let reset =
        format!("reset the phone while capturing, or say with --phone-at ADDRESS={device} that it has that address");
    let mut wanted = Vec::new();
    for condition in conditions.all().into_iter().filter(|condition| condition.holds == Answer::Unknown) {
        match condition.id {
            ConditionId::ItlSignerDiffers => {
                if matter.served.is_none() {
                    wanted.push("a capture of the phone's boot from its start: reset the phone while capturing".to_owned());
                }
                let held = testimony.itl_at_offer.settled().or_else(|| testimony.itl.settled());
                match held {
                    None => wanted.push(format!(
                        "the checksum of the ITL on the phone (Settings, Security Configuration, Trust List; its web page; or \
                         its DeviceTLInfo alarm) for --holds {device}=CHECKSUM, and the file with that checksum for -r"
                    )),
                    Some(Holding::File(md5, sha1)) if matter.case.identify(*md5, *sha1).is_none() => wanted.push(format!(
                        "the list with the checksum {} (an old export or a backup) for -r",
                        sha1.map(|sum| sum.to_string()).or_else(|| md5.map(|sum| sum.to_string())).unwrap_or_default()
                    )),
                    Some(_) => {}
                }
            }
            ConditionId::TvsCertificateDiffers if testimony.servers.is_empty() => wanted.push(format!(
                "a capture in which the phone contacts TVS on TCP 2445 in its boot: {reset}; pressing Directories or Services \
                 makes it ask, too"
            )),
            ConditionId::TvsCertificateDiffers => {
                let presented = testimony.servers.iter().filter(|server| server.certificate.is_some()).count();
                let records = matter.held().map_or(0, |(_, list)| list.tvs_records().count());
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
    let is_inferred = testimony.itl.settled().is_some() && !matter.is_identified(&testimony.itl);
    if is_inferred && conditions.itl_signer_differs.holds != Answer::No {
        wanted.push(format!(
            "the checksum of the ITL on the phone, which is only inferred, for --holds {device}=CHECKSUM"
        ));
    }
    if wanted.is_empty() {
        wanted.push("the phone's console log of a boot, for --console-log: it says why the phone refuses".to_owned());
    }
    if let CtlRenewal::Perhaps(why) = ways::ctl_renewal(matter) {
        wanted.push(format!("whether the phone holds a CTL, and which ({why}), for --holds {device}=CTLFILE"));
    }
    wanted
}
