//! Ways out that need no deletion: what is known of them.

use super::conditions::{SignerKnown, signer_known};
use super::matter::Matter;
use super::{Answer, Conditions};
use crate::claim::{Holding, Known};
use crate::event::Outcome;
use crate::phone::DownloadRecord;
use crate::trust::compare::is_same_certificate;
use crate::trust::signature::{self, SignatureStatus};
use crate::trust::{Signer, TrustList};
use crate::witness::round::knows_signer;

/// Whether the CTL on the phone can still be renewed in a way that it accepts.
pub(super) enum CtlRenewal {
    /// The phone holds a CTL, and its signer can still sign.
    Possible(String),
    /// A CTL is around, but whether the phone holds it, or who could sign, is not known.
    Perhaps(String),
    /// The phone holds a CTL, and the one that is served is signed by a key that it does not have.
    Impossible,
    /// The phone holds none.
    No,
}

pub(super) fn ctl_renewal(matter: &Matter<'_>) -> CtlRenewal {
    let served = matter.wire.ctl.and_then(|download| Some((download, download.list.as_deref()?)));
    match &matter.testimony.ctl {
        Known::Settled { value: Holding::Nothing, .. } => CtlRenewal::No,
        Known::Settled { .. } => {
            let Some(list) = matter.at_hand(&matter.testimony.ctl) else {
                return CtlRenewal::Perhaps("the phone holds a CTL that is not at hand".to_owned());
            };
            if let Some(token) = list.signer().filter(|signer| is_etoken(signer)) {
                return CtlRenewal::Possible(format!("the phone's CTL is signed by the eToken {}", token.short()));
            }
            match served.map(|(_, served)| signer_known(list, served)) {
                Some(SignerKnown::Verifies(record)) => {
                    CtlRenewal::Possible(format!("the CTL served today is signed by {record} of the phone's CTL"))
                }
                Some(SignerKnown::No | SignerKnown::Fails(_)) => CtlRenewal::Impossible,
                _ => CtlRenewal::Perhaps(
                    "the phone holds a CTL; whether its signer can still sign is not known".to_owned(),
                ),
            }
        }
        Known::Disputed(..) => CtlRenewal::Perhaps("which CTL the phone holds is disputed".to_owned()),
        Known::Unknown => match served {
            Some((download, _)) => CtlRenewal::Perhaps(format!(
                "{} serves a CTL, {}; whether the phone holds one is not known",
                download.server.ip(),
                matter.case.frame(download.span.first)
            )),
            None if matter.testimony.is_without_ctl => CtlRenewal::No,
            None => CtlRenewal::Perhaps("whether the phone holds a CTL is not known".to_owned()),
        },
    }
}

/// Hardware tokens are issued by Cisco and named SAST (domain.md 1); their keys never change.
fn is_etoken(signer: &Signer) -> bool {
    let name = signer.name.as_ref().and_then(|name| name.common_name_folded());
    name.is_some_and(|name| name.starts_with("sast-"))
}

/// The phone's list has an `ITLRecovery` record, and the list served today carries the same certificate: the publisher has the
/// key that the phone trusts. A copied certificate proves nothing: the served list has to be of the same cluster, or signed by
/// that very key.
pub(super) fn recovery(matter: &Matter<'_>) -> Option<String> {
    let (_, list) = matter.held()?;
    let held = list.itl_recovery()?;
    let (_, served) = matter.served?;
    // The key of a list that does not verify is not known to be the server's.
    if served.verification.status() != SignatureStatus::Valid {
        return None;
    }
    let same = served.list.itl_recovery().is_some_and(|recovery| is_same_certificate(held, recovery));
    let signed_by_it = || {
        let signer = served.list.signer().is_some_and(|signer| signature::is_record_of(held, signer));
        signer && matches!(signer_known(list, served), SignerKnown::Verifies(_))
    };
    (same && (is_of_same_cluster(list, &served.list) || signed_by_it())).then(|| {
        "the phone's list and the list served today carry the same ITLRecovery certificate: 'utils itl reset' is the way"
            .to_owned()
    })
}

/// Whether the served list is of the cluster that the phone's list is of: its signer bears a name of the held list, and they
/// have a certificate in common besides that for recovery, which may be copied.
pub(super) fn is_of_same_cluster(held: &TrustList, served: &TrustList) -> bool {
    let Some(signer) = served.signer() else { return false };
    let publisher = held.signer().and_then(|signer| signer.name.as_ref());
    let bears = |name: Option<&crate::x509::DistinguishedName>| {
        let (one, other) = (
            name.and_then(|name| name.common_name_folded()),
            signer.name.as_ref().and_then(|name| name.common_name_folded()),
        );
        one.is_some() && one == other
    };
    let has_name = bears(publisher)
        || held.records.iter().filter(|record| record.may_sign_lists()).any(|record| bears(record.subject.as_ref()));
    let shared = held
        .records
        .iter()
        .filter(|old| !old.is_itl_recovery())
        .any(|old| served.records.iter().any(|new| !new.is_itl_recovery() && is_same_certificate(old, new)));
    has_name && shared
}

/// Nothing in the phone's own list is of this cluster: no certificate and no name in common. An empty list is of none.
pub(super) fn is_of_another_cluster(held: &TrustList, served: &TrustList) -> bool {
    let common = held.records.iter().any(|old| {
        served.records.iter().any(|new| {
            is_same_certificate(old, new)
                || (old.subject.is_some() && old.subject == new.subject && old.issuer == new.issuer)
        })
    });
    !common
        && !held.looks_rolled_back()
        && !served.looks_rolled_back()
        && !held.records.is_empty()
        && !served.records.is_empty()
}

/// Whether the phone can verify a list or file that this signer made: it knows it, or a TVS server that it trusts answers.
pub(super) fn can_verify(matter: &Matter<'_>, conditions: &Conditions, signer: &Signer) -> Option<bool> {
    if conditions.tvs_certificate_differs.holds == Answer::No {
        return Some(true);
    }
    let served = matter.served.map(|(_, served)| &served.list);
    let holds_served = conditions.itl_signer_differs.holds == Answer::No;
    let held = matter.held().map(|(_, list)| list);
    let knows = |list: &TrustList| {
        list.records.iter().any(|record| record.may_sign_lists() && signature::is_record_of(record, signer))
    };
    match (served.filter(|_| holds_served), held) {
        (Some(list), _) if knows(list) => Some(true),
        (_, Some(list)) if knows(list) => Some(true),
        (None, None) => None,
        _ => Some(false),
    }
}

/// Who signed the configuration of the last boot, where the phone cannot verify it as far as is known.
pub(super) fn config_by_unknown<'a>(
    matter: &Matter<'a>,
    conditions: &Conditions,
) -> Option<(&'a DownloadRecord, &'a Signer)> {
    let config = matter.wire.config.filter(|config| config.outcome() == Outcome::Complete)?;
    let signer = config.signature.as_ref()?.signer.as_deref()?;
    // Where the list that is served beside it has the signer, it is the list that matters.
    if matter.wire.goes_on {
        return None;
    }
    let is_of_list = matter.served.is_none_or(|(_, served)| knows_signer(&served.list, signer));
    (!is_of_list && can_verify(matter, conditions, signer) != Some(true)).then_some((config, signer))
}
