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
mod findings;
mod fleet;
mod holds;
mod matter;
mod simulation;
mod ways;
mod words;

use crate::capture::Span;
use crate::claim::Evidence;
use crate::digest::Sha1Sum;
use crate::phone::Phone;

pub use advice::{Advice, advice_table};
pub use assessments::{Assessed, Assessments};
pub use case::{Case, Share, Taken};
pub use checks::{against_references, has_other_ctl};
pub use findings::{Finding, FindingId};
pub use fleet::{Fleet, Group, Presented, ServedLists, Summary};
pub use holds::Holds;
pub use simulation::Simulation;

pub use crate::witness::wire::Observation;

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
    pub observed: Vec<Observation>,
    /// The phone's own decision about the last list that it was served.
    pub simulation: Option<Simulation>,
    /// The four conditions.
    pub conditions: Conditions,
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
    /// Whether the phone asked for files: one that was seen otherwise only is not judged.
    pub has_downloads: bool,
}

impl Assessment {
    /// Whether anything is wrong with the phone.
    pub fn has_findings(&self) -> bool {
        self.checks.any_mismatch() || !self.findings.is_empty() || self.deletion == Deletion::Needed
    }

    /// Whether somebody has to do something about it: not where a phone differs from a reference and nothing else is wrong.
    pub fn needs_attention(&self) -> bool {
        let is_well = self.advice.first().is_some_and(|advice| advice.id == advice::NOTHING);
        self.has_findings() && !(is_well && self.findings.iter().all(|finding| finding.id.is_of_reference()))
    }
}

/// What is kept of each boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootSummary {
    /// Its frames.
    pub span: Span,
    /// Whether no other boot is known to have followed it.
    pub is_last: bool,
    /// SHA-1 of the last complete ITL in it.
    pub itl_sha1: Option<Sha1Sum>,
    /// The ids of what the wire shows the phone doing in it.
    pub observed: Vec<&'static str>,
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

/// The four conditions, in the order of the source documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// Whether the signer of the phone's ITL differs from that of the ITL on the TFTP server.
    pub itl_signer_differs: Condition,
    /// Whether the TVS certificate in the phone's ITL differs from the one that TVS presents.
    pub tvs_certificate_differs: Condition,
    /// Whether the phone reports that verification failed.
    pub phone_reports_failure: Condition,
    /// Whether there is no backup of the old key.
    pub no_old_key_backup: Condition,
}

impl Conditions {
    /// All four, in their order.
    pub const fn all(&self) -> [&Condition; 4] {
        [&self.itl_signer_differs, &self.tvs_certificate_differs, &self.phone_reports_failure, &self.no_old_key_backup]
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

/// Assesses one phone.
pub fn assess(phone: &Phone, case: &Case) -> Assessment {
    let matter = matter::Matter::new(phone, case);
    let checks = checks::check(&matter);
    let conditions = conditions::conditions(&matter);
    let (deletion, because) = decision::decide(&matter, &conditions);
    let situation = advice::Situation { matter: &matter, checks: &checks, conditions: &conditions, deletion };
    let advice = advice::advise(&situation);
    let collect = if deletion == Deletion::Undetermined { decision::collect(&matter, &conditions) } else { Vec::new() };
    let findings = findings::findings(&matter, &checks, &conditions);
    let holds = holds::holds(&matter);
    let boots = matter.wire.boots.iter().zip(&matter.wire.observed).map(|(boot, observed)| BootSummary {
        span: boot.span(),
        is_last: boot.is_last,
        itl_sha1: boot.last_itl().and_then(|itl| itl.digests).map(|digests| digests.sha1),
        observed: observed.iter().map(|observation| observation.id).collect(),
    });
    let boots = boots.collect();
    let last = matter.wire.boots.iter().zip(&matter.wire.observed).filter(|(boot, _)| boot.is_last);
    let mut observed: Vec<Observation> = last.flat_map(|(_, observed)| observed.iter().cloned()).collect();
    observed.extend(simulation::acts_otherwise(&matter));
    observed.extend(matter.told_observations());
    Assessment {
        boots,
        holds,
        checks,
        observed,
        conditions,
        deletion,
        because,
        collect,
        advice,
        findings,
        has_downloads: !phone.downloads.is_empty(),
        simulation: matter.simulation,
    }
}
