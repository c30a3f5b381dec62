//! The verdict: does a phone's ITL have to be deleted?
//!
//! In: what is recorded of a [`Phone`], and the [`Case`]: references, and what the engineer said. Out: an [`Assessment`]:
//! checks, the four conditions, the answer, and what to do instead, each with the frames that carry it. It is a pure function;
//! it refuses to read packets, files and clocks.
//!
//! Three answers everywhere: yes, no, unknown. Deletion is needed only when all four conditions are known to hold
//! (domain.md 7.1), so never from a capture alone.

mod advice;
mod assessments;
mod case;
mod checks;
mod conditions;
mod decision;
mod facts;
mod findings;
mod fleet;
mod held;
mod observed;

use crate::capture::{Moment, Span};
use crate::digest::Sha1Sum;
use crate::phone::Phone;

pub use advice::{Advice, advice_table};
pub use assessments::{Assessed, Assessments};
pub use case::{Case, Share, Taken};
pub use checks::has_other_ctl;
pub use facts::Simulation;
pub use findings::Finding;
pub use fleet::{Fleet, Group, Presented, ServedLists, Summary};
pub use held::HeldSource;
pub use observed::Inference;

/// The result for one phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The rounds of files that the phone began; the verdict is about the last.
    pub boots: Vec<BootSummary>,
    /// What the phone holds, as far as that is known.
    pub holds: Holds,
    /// How what was seen compares with the references.
    pub checks: Checks,
    /// What the wire shows the phone doing in its last boot, and what the logs of TVS say.
    pub observed: Vec<Inference>,
    /// The phone's own decision about the last list that it was served.
    pub simulation: Option<Simulation>,
    /// The four conditions, in the order of the source documents.
    pub conditions: [Condition; 4],
    /// The answer.
    pub deletion: Deletion,
    /// Why, in one sentence without a full stop.
    pub because: String,
    /// What to collect next, where the answer is not known.
    pub collect: Vec<String>,
    /// What to do instead, in the order of effort.
    pub advice: Vec<Advice>,
    /// What is wrong, the gravest first.
    pub findings: Vec<Finding>,
}

impl Assessment {
    /// Whether anything is wrong with the phone.
    pub fn has_findings(&self) -> bool {
        self.checks.any_mismatch() || !self.findings.is_empty() || self.deletion == Deletion::Needed
    }

    /// Whether somebody has to do something about it: not where a phone differs from a reference and nothing else is wrong.
    pub fn needs_attention(&self) -> bool {
        let is_well = self.advice.first().is_some_and(|advice| advice.id == advice::NOTHING);
        self.has_findings() && !(is_well && self.findings.iter().all(Finding::is_of_reference))
    }
}

/// What is kept of each boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootSummary {
    /// Its frames.
    pub span: Span,
    /// SHA-1 of the last complete ITL in it.
    pub itl_sha1: Option<Sha1Sum>,
    /// The ids of what the wire shows the phone doing in it.
    pub observed: Vec<&'static str>,
}

/// What a phone holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holds {
    /// SHA-1 of its ITL.
    pub itl_sha1: Option<Sha1Sum>,
    /// SHA-1 of its CTL.
    pub ctl_sha1: Option<Sha1Sum>,
    /// How that is known; `None` where it is not.
    pub source: Option<HeldSource>,
    /// In words.
    pub why: String,
    /// The frames that it rests on.
    pub evidence: Vec<Evidence>,
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

/// One of the four conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Which.
    pub id: ConditionId,
    /// Whether it holds.
    pub holds: Answer,
    /// Why, in one sentence without a full stop.
    pub why: String,
    /// The frames that it rests on.
    pub evidence: Vec<Evidence>,
    /// What kind of knowledge it rests on.
    basis: Basis,
}

/// Which condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionId {
    /// The signer of the phone's ITL differs from that of the ITL on the TFTP server.
    ItlSignerDiffers,
    /// The TVS certificate in the phone's ITL differs from the one that TVS presents.
    TvsCertificateDiffers,
    /// The phone reports that verification failed.
    PhoneReportsFailure,
    /// There is no backup of the old key.
    NoOldKeyBackup,
}

impl ConditionId {
    /// For machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ItlSignerDiffers => "itl_signer_differs",
            Self::TvsCertificateDiffers => "tvs_certificate_differs",
            Self::PhoneReportsFailure => "phone_reports_failure",
            Self::NoOldKeyBackup => "no_old_key_backup",
        }
    }

    /// For people, as a heading.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ItlSignerDiffers => "ITL signer differs",
            Self::TvsCertificateDiffers => "TVS certificate differs",
            Self::PhoneReportsFailure => "phone reports a failure",
            Self::NoOldKeyBackup => "no backup of the old key",
        }
    }
}

/// Three answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It is known to hold.
    Yes,
    /// It is known not to hold.
    No,
    /// Neither is known.
    Unknown,
}

impl Answer {
    /// `yes`, `no` or `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// What kind of knowledge an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// Nothing: the answer is unknown.
    None,
    /// The phone itself showed it, whatever list it holds.
    Direct,
    /// A comparison with the phone's list.
    Comparison,
    /// Somebody said it.
    Told,
}

/// Whether the ITL has to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deletion {
    /// All four conditions are known to hold, and no cheaper way is known.
    Needed,
    /// What is known does not decide it.
    Undetermined,
    /// A condition is known not to hold, or there is another way.
    NotNeeded,
}

impl Deletion {
    /// For machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Needed => "needed",
            Self::Undetermined => "undetermined",
            Self::NotNeeded => "not_needed",
        }
    }
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
    let facts = facts::Facts::new(phone, case);
    let checks = checks::check(&facts);
    let conditions = conditions::conditions(&facts);
    let (deletion, because) = decision::decide(&facts, &conditions);
    let situation = advice::Situation { facts: &facts, checks: &checks, conditions: &conditions, deletion };
    let advice = advice::advise(&situation);
    let collect = if deletion == Deletion::Undetermined { decision::collect(&facts, &conditions) } else { Vec::new() };
    let findings = findings::findings(&facts, &checks);
    let mut observed = facts.observed.last().map(|observed| observed.inferences.clone()).unwrap_or_default();
    observed.extend(facts.acts_otherwise());
    observed.extend(facts.told_inferences());
    let holds = Holds {
        itl_sha1: facts.held.itl.sha1(),
        ctl_sha1: facts.held.ctl.sha1(),
        source: facts.held.source,
        why: facts.held.why.clone(),
        evidence: facts.held.evidence.clone(),
    };
    Assessment {
        boots: facts.boot_summaries(),
        holds,
        checks,
        observed,
        simulation: facts.simulation.clone(),
        conditions,
        deletion,
        because,
        collect,
        advice,
        findings,
    }
}
