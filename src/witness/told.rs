//! What the engineer and texts say of a phone.
//!
//! In: options and logs, as they were read. Out: claims. It refuses to judge, and to mix the clocks of logs with that of the
//! capture: what somebody says who does not say when is of no time in particular.

use std::sync::Arc;

use crate::claim::{Claim, Evidence, Fact, Holding, Source, Strength, When};
use crate::phone::Phone;
use crate::trust::ListKind;
use crate::words::{Says, Screen, Told};

/// What is told of this phone.
pub fn testify(phone: &Phone, told: &Told) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut claim = |says, by, evidence| {
        claims.push(Claim { says, when: When::Standing, by, strength: Strength::Stated, evidence });
    };
    let about = told.about(phone.name.as_ref(), &phone.addresses);
    for kind in [ListKind::Itl, ListKind::Ctl] {
        for told in about.holdings(kind) {
            let holding = told.list.as_ref().map_or(Holding::Nothing, |list| Holding::File(list.md5, list.sha1));
            let line = told.line.map(|line| Evidence::line(Arc::clone(&told.source), line, told.to_string()));
            claim(Fact::Holds(kind, holding), Source::Told, line.into_iter().collect());
        }
    }
    // Only failures and successes are claims: an update that failed leaves open why.
    let is_failure = |screen: Screen| match screen {
        Screen::Failed => Some(true),
        Screen::Well => Some(false),
        Screen::Open | Screen::Silent => None,
    };
    match about.screen() {
        (_, true) => {
            for failed in about.shown().filter_map(is_failure) {
                claim(Fact::ShowsFailure(failed), Source::Told, Vec::new());
            }
        }
        (word, false) => {
            if let (Some(failed), Some((path, line, quote))) = (is_failure(word.screen), word.place) {
                claim(Fact::ShowsFailure(failed), Source::Log, vec![Evidence::line(path, line, quote)]);
            }
        }
    }
    for heard in about.heard().filter(|heard| matches!(heard.statement.says, Says::TvsHandshake | Says::TvsInList(_))) {
        let evidence =
            vec![Evidence::line(Arc::clone(&heard.path), heard.statement.line, heard.statement.quote.clone())];
        claim(Fact::KnowsTvs(None), Source::Log, evidence);
    }
    if let Some(saved) = told.old_key_backup {
        claim(Fact::OldKeySaved(saved), Source::Told, Vec::new());
    }
    claims
}
