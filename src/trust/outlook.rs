//! What a change of lists means for the phones that hold the old one.
//!
//! In: the old list, the new one, and a prediction. Out: sentences for the engineer who plans the change. It refuses to
//! know whether anyone did it already.

use super::compare::{is_same_certificate, is_same_signer};
use super::list::{ListKind, TrustList};
use super::predict::{Outcome, Prediction, Through};
use super::record::Record;

/// What the change means and what to do about it, most important first (domain.md 7.2, 7.3).
pub fn outlook(old: &TrustList, new: &TrustList, prediction: &Prediction) -> Vec<String> {
    let mut texts = Vec::new();
    let signer_changed = old.signer().zip(new.signer()).is_some_and(|(one, other)| !is_same_signer(one, other));
    let (kept, gone) = tvs(old, new);
    let both = prediction.outcome == Outcome::Rejected && signer_changed && kept.is_empty() && !gone.is_empty();
    match prediction.outcome {
        Outcome::Accepted => {
            texts.push("Phones that hold OLD take NEW by themselves at their next restart.".to_owned());
            if matches!(prediction.through, Some(Through::BlankList)) {
                texts.push("They take any list now, also a wrong one: end the rollback soon.".to_owned());
            }
            if !gone.is_empty() && new.kind != ListKind::Ctl {
                let left = if kept.is_empty() {
                    "Until a phone has taken NEW it cannot ask TVS about anything".to_owned()
                } else {
                    format!("Until a phone has taken NEW it can only ask {}", labels(&kept))
                };
                texts.push(format!(
                    "NEW no longer has these TVS certificates of OLD: {}. {left}: let every phone take NEW before \
                     CallManager.pem is regenerated.",
                    labels(&gone)
                ));
            }
        }
        Outcome::AcceptedByTvs => {
            texts.push(format!(
                "Phones that hold OLD take NEW only through TVS ({}). Keep TVS reachable, and do not regenerate that TVS.pem \
                 before every phone has taken NEW.",
                labels(&kept)
            ));
        }
        Outcome::Rejected if both => {
            texts.push(
                "Regenerating CallManager and TVS together strands these phones: they know neither the new signer nor a TVS \
                 server to ask about it."
                    .to_owned(),
            );
        }
        Outcome::Rejected => {
            texts.push("Phones that hold OLD keep it and ignore NEW and every configuration signed alike.".to_owned());
        }
        Outcome::Unknown => {
            texts.push("What there is of the lists does not decide it: compare the files themselves.".to_owned());
        }
    }
    if matches!(prediction.outcome, Outcome::Rejected | Outcome::Unknown) {
        texts.extend(ways_out(old, new));
    }
    if new.looks_rolled_back() && new.is_whole() && !old.looks_rolled_back() {
        texts
            .push("NEW is an empty list: phones that take it accept any list and configuration afterwards.".to_owned());
    }
    texts
}

/// Cheaper than deleting lists by hand, in the order of cost.
fn ways_out(old: &TrustList, new: &TrustList) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(recovery) = old.itl_recovery() {
        let same = new.itl_recovery().is_some_and(|new| is_same_certificate(recovery, new));
        texts.push(if same {
            "Both lists have the same ITLRecovery key: 'utils itl reset localkey' on the publisher signs the list with it, and \
             phones that hold OLD accept that. No deletion is needed."
                .to_owned()
        } else {
            "OLD has an ITLRecovery key that NEW does not have: with a backup of it (ITLRecovery.p12), 'utils itl reset \
             remotekey' signs a list that phones with OLD accept."
                .to_owned()
        });
    }
    if old.kind != ListKind::Ctl {
        texts.push(
            "Otherwise: regenerate one certificate at a time and let phones take the list in between, keep a TVS server with \
             an old certificate in the CallManager group, prepare with the rollback parameter, or restore the old CallManager \
             key from a backup."
                .to_owned(),
        );
    }
    texts
}

/// OLD's TVS records whose certificates NEW still has, and those that it does not have.
fn tvs<'a>(old: &'a TrustList, new: &TrustList) -> (Vec<&'a Record>, Vec<&'a Record>) {
    old.tvs_records().partition(|record| new.tvs_records().any(|other| is_same_certificate(record, other)))
}

fn labels(records: &[&Record]) -> String {
    records.iter().map(|record| record.label()).collect::<Vec<_>>().join(", ")
}
