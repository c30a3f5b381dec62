//! The verdict: does a phone's ITL have to be deleted?
//!
//! In: what is recorded of a [`Phone`], and the [`Case`]: references, and what the engineer said. Out: an [`Assessment`]:
//! checks, the four conditions, the answer, and what to do instead, each with the frames that carry it. It is a pure function;
//! it refuses to read packets, files and clocks.
//!
//! Three answers everywhere: yes, no, unknown. Deletion is needed only when all four conditions are known to hold
//! (domain.md 7.1), so never from a capture alone.

mod case;
mod checks;

use crate::capture::Moment;
use crate::phone::Phone;

pub use case::{Case, Told};

/// The result for one phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// How what was seen compares with the references.
    pub checks: Checks,
}

/// The three comparisons of a phone with the references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    /// The last complete ITL that was served to the phone, against the reference of the server that served it.
    pub itl_checksum: Checked,
    /// The certificate presented on 2445, against TVS records: issuer and serial number.
    pub tvs_serial: Checked,
    /// The same: the hash of the certificate.
    pub tvs_certificate: Checked,
}

impl Checks {
    /// All three.
    pub const fn all(&self) -> [&Checked; 3] {
        [&self.itl_checksum, &self.tvs_serial, &self.tvs_certificate]
    }

    /// Whether any came out as a mismatch.
    pub fn any_mismatch(&self) -> bool {
        self.all().iter().any(|checked| checked.result == Check::Mismatch)
    }
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What came out.
    pub result: Check,
    /// Against what, and why, in one sentence without a full stop.
    pub why: String,
    /// The frames that it rests on.
    pub evidence: Vec<Evidence>,
}

/// What a comparison can come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// They differ.
    Mismatch,
    /// There is nothing to compare, or nothing to compare with.
    Unknown,
    /// They are equal.
    Match,
}

/// Something seen in a frame that supports what is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Where it was seen.
    pub moment: Moment,
    /// What was seen, in words.
    pub text: String,
}

impl Evidence {
    fn new(moment: Moment, text: impl Into<String>) -> Self {
        Self { moment, text: text.into() }
    }
}

/// Assesses one phone.
pub fn assess(phone: &Phone, case: &Case) -> Assessment {
    Assessment { checks: checks::check(phone, case) }
}
