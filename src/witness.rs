//! Witnesses: whoever says something of a phone, each in its own file.
//!
//! In: what the wire showed of a phone, and what the engineer and texts say of it. Out: [`crate::claim::Claim`]s. It refuses to
//! judge: what the claims of all witnesses come to is said in one place, [`crate::claim::reconcile`].

pub mod round;
pub mod told;
pub mod wire;

use std::path::Path;

/// Whether a file of this name comes in a signed envelope (domain.md 4.2).
pub fn is_signed(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sgn"))
}
