//! What the engineer and texts say of a phone.
//!
//! In: options and logs, as they were read. Out: claims. It refuses to judge, and to mix the clocks of logs with that of the
//! capture: what somebody says who does not say when is of no time in particular.

use std::sync::Arc;

use crate::claim::{Claim, Evidence, Fact, Holding, Source, Strength, When};
use crate::phone::Phone;
use crate::trust::ListKind;
use crate::verdict::Told;

/// What is told of this phone.
pub fn testify(phone: &Phone, told: &Told) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut claim = |says, by, evidence| {
        claims.push(Claim { says, when: When::Standing, by, strength: Strength::Stated, evidence });
    };
    if let Some(lists) = phone.name.as_ref().and_then(|name| told.holds.get(name)) {
        for (kind, list) in [(ListKind::Itl, &lists.itl), (ListKind::Ctl, &lists.ctl)] {
            let Some(list) = list else { continue };
            let holding = match list {
                None => Holding::Nothing,
                Some(list) => Holding::File(list.md5, list.sha1),
            };
            claim(Fact::Holds(kind, holding), Source::Told, Vec::new());
        }
    }
    if let Some(failed) = phone.name.as_ref().and_then(|name| told.says_failed.get(name)) {
        claim(Fact::ShowsFailure(*failed), Source::Told, Vec::new());
    }
    if let Some(logged) = phone.name.as_ref().and_then(|name| told.logged.get(name)) {
        let evidence = vec![Evidence::line(Arc::from(logged.source.as_str()), 0, "")];
        claim(Fact::ShowsFailure(logged.failed), Source::Log, evidence);
    }
    for source in phone.addresses.iter().filter_map(|address| told.tvs_handshakes.get(address)) {
        claim(Fact::KnowsTvs(None), Source::Log, vec![Evidence::line(Arc::from(source.as_str()), 0, "TLS handshake")]);
    }
    if let Some(saved) = told.old_key_backup {
        claim(Fact::OldKeySaved(saved), Source::Told, Vec::new());
    }
    claims
}
