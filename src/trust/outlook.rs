//! What a change of lists means for the phones that hold the old one.
//!
//! In: the old list, the new one, and a prediction. Out: sentences for the engineer who plans the change. It refuses to
//! know whether anyone did it already.

use super::compare::{is_same_certificate, is_same_signer};
use super::list::{ListKind, TrustList};
use super::predict::{Outcome, Prediction, Through};
use super::record::Record;

/// What the change means and what to do about it, most important first (domain.md 7.2, 7.3). `alone` is the prediction for
/// phones that hold OLD alone, `with_ctl` the one for phones that hold a CTL too, or whose OLD is the CTL.
pub fn outlook(
    old: &TrustList,
    new: &TrustList,
    alone: Option<&Prediction>,
    with_ctl: Option<&Prediction>,
) -> Vec<String> {
    let Some(prediction) = alone.or(with_ctl) else {
        return Vec::new();
    };
    let mut texts = Vec::new();
    let (kept, gone) = tvs(old, new);
    match prediction.outcome {
        Outcome::Accepted => texts.extend(accepted(new, prediction, &kept, &gone)),
        Outcome::AcceptedByTvs => texts.extend(by_tvs(new, prediction)),
        Outcome::Rejected => texts.extend(rejected(old, new, &kept, &gone)),
        Outcome::Unknown => {
            texts.push("What is known of the lists does not decide it: compare the files themselves.".to_owned());
        }
    }
    let is_accepted = |outcome| matches!(outcome, Outcome::Accepted | Outcome::AcceptedByTvs);
    if let (Some(alone), Some(with_ctl)) = (alone, with_ctl)
        && is_accepted(alone.outcome) != is_accepted(with_ctl.outcome)
    {
        texts.push(if is_accepted(with_ctl.outcome) {
            "Phones that hold the CTL as well are not affected: they take NEW.".to_owned()
        } else {
            "That is for phones without a CTL; those that hold it do not take NEW.".to_owned()
        });
    }
    if !is_accepted(prediction.outcome) {
        texts.extend(ways_out(old, new));
    }
    if alone.is_some() && with_ctl.is_some_and(|with_ctl| !is_accepted(with_ctl.outcome)) {
        texts.push(
            "For phones with a CTL: bring the CTL up to date first ('utils ctl update CTLFile' or the CTL client), signed by a \
             key that the CTL on the phones lists; an eToken's key never changes. Phones that take it know the new signer."
                .to_owned(),
        );
    }
    if new.looks_rolled_back() && new.is_whole() && !old.looks_rolled_back() {
        texts
            .push("NEW is an empty list: phones that take it accept any list and configuration afterwards.".to_owned());
    }
    texts
}

fn accepted(new: &TrustList, prediction: &Prediction, kept: &[&Record], gone: &[&Record]) -> Vec<String> {
    let mut texts = vec!["Phones that hold OLD take NEW by themselves at their next restart.".to_owned()];
    if matches!(prediction.through, Some(Through::BlankList)) {
        texts.push("They take any list now, also a wrong one: end the rollback soon.".to_owned());
    }
    if !gone.is_empty() && new.kind != ListKind::Ctl {
        let left = if kept.is_empty() {
            "Until a phone has taken NEW it cannot ask TVS about anything".to_owned()
        } else {
            format!("Until a phone has taken NEW it can only ask {}", labels(kept))
        };
        texts.push(format!(
            "NEW no longer has these TVS certificates of OLD: {}. {left}: let every phone take NEW before CallManager.pem is \
             regenerated.",
            labels(gone)
        ));
    }
    texts
}

fn by_tvs(new: &TrustList, prediction: &Prediction) -> Vec<String> {
    let through = prediction.through.as_ref().map_or_else(String::new, ToString::to_string);
    let mut texts = vec![format!(
        "Phones that hold OLD take NEW only through TVS ({through}). Keep TVS reachable, and do not regenerate that TVS.pem \
         before every phone has taken NEW."
    )];
    if new.kind == ListKind::Ctl {
        texts.push(
            "Devices without Security By Default (7940, 7960, Jabber, many TelePresence devices) cannot ask TVS: on them the \
             CTL has to be deleted by hand."
                .to_owned(),
        );
    }
    texts
}

fn rejected(old: &TrustList, new: &TrustList, kept: &[&Record], gone: &[&Record]) -> Vec<String> {
    let mut texts = Vec::new();
    let signer_changed = old.signer().zip(new.signer()).is_some_and(|(one, other)| !is_same_signer(one, other));
    if signer_changed && kept.is_empty() && !gone.is_empty() {
        texts.push(
            "Regenerating CallManager and TVS together strands these phones: they know neither the new signer nor a TVS \
             server to ask about it."
                .to_owned(),
        );
        let names =
            |list: &TrustList| -> Vec<_> { list.records.iter().filter_map(|one| one.subject.clone()).collect() };
        let (old_names, new_names) = (names(old), names(new));
        if !old_names.iter().any(|name| new_names.contains(name)) {
            texts.push(
                "No name in NEW stands in OLD: hosts were renamed, or NEW is another cluster's list. Phones that move to \
                 another cluster need the old cluster's TVS to know the new signer, and to stay reachable."
                    .to_owned(),
            );
        }
    } else {
        texts.push("Phones that hold OLD keep it and ignore NEW and every configuration signed alike.".to_owned());
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
    texts.push(if old.kind == ListKind::Ctl {
        "Ways out before any CTL is deleted by hand: give phones an ITL whose TVS certificate is presented (the publisher's \
         TVS knows the new signer), or sign the CTL with a key that OLD lists."
            .to_owned()
    } else {
        "Ways out before any list is deleted by hand: regenerate one certificate at a time and let phones take the list in \
         between, keep a TVS server with an old certificate in the CallManager group, prepare with the rollback parameter, or \
         restore the old CallManager key from a backup."
            .to_owned()
    });
    texts
}

/// OLD's TVS records whose certificates NEW still has, and those that it does not have.
fn tvs<'a>(old: &'a TrustList, new: &TrustList) -> (Vec<&'a Record>, Vec<&'a Record>) {
    old.tvs_records().partition(|record| new.tvs_records().any(|other| is_same_certificate(record, other)))
}

fn labels(records: &[&Record]) -> String {
    records.iter().map(|record| record.label()).collect::<Vec<_>>().join(", ")
}
