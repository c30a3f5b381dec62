//! The assessment of one phone, as fields.

use serde::Serialize;

use crate::digest::Sha1Sum;
use crate::verdict::{
    Advice, Assessment, Check, Checked, Checks, Condition, Evidence, Finding, HeldSource, Holds, Inference, Simulation,
};

#[derive(Debug, Clone, Serialize)]
pub(super) struct FindingView {
    pub id: &'static str,
    pub text: String,
    pub evidence: Vec<EvidenceView>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct VerdictView {
    pub itl_deletion: &'static str,
    pub because: String,
    pub conditions: Vec<ConditionView>,
    /// What to collect where the answer is not known.
    pub collect: Vec<String>,
    pub advice: Vec<AdviceView>,
    /// What the wire shows the phone doing in its last boot, and what the logs of TVS say. Inferences, each with its frames.
    pub observed: Vec<InferenceView>,
    pub simulation: Option<SimulationView>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ConditionView {
    pub id: &'static str,
    pub holds: &'static str,
    pub why: String,
    pub evidence: Vec<EvidenceView>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct AdviceView {
    pub id: &'static str,
    pub text: &'static str,
    pub because: String,
    pub source: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct InferenceView {
    pub id: &'static str,
    pub text: String,
    pub evidence: Vec<EvidenceView>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct SimulationView {
    /// The list that the phone is taken to hold.
    pub relation: String,
    /// Whether that is the phone's own list.
    pub own_list: bool,
    pub outcome: &'static str,
    pub why: String,
    pub steps: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct HoldsView {
    pub itl_sha1: Option<Sha1Sum>,
    pub ctl_sha1: Option<Sha1Sum>,
    pub source: Option<&'static str>,
    pub why: String,
    pub evidence: Vec<EvidenceView>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ChecksView {
    pub itl_checksum: &'static str,
    pub tvs_serial: &'static str,
    pub tvs_certificate: &'static str,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct CheckDetailsView {
    pub itl_checksum: CheckedView,
    pub tvs_serial: CheckedView,
    pub tvs_certificate: CheckedView,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct CheckedView {
    pub why: String,
    pub evidence: Vec<EvidenceView>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct EvidenceView {
    pub frame: u64,
    /// Index in `sources` of the capture that holds the frame.
    pub source: u16,
    pub text: String,
}

fn evidence(evidence: &[Evidence]) -> Vec<EvidenceView> {
    evidence.iter().map(EvidenceView::from).collect()
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> Self {
        Self { id: finding.id, text: finding.text.clone(), evidence: evidence(&finding.evidence) }
    }
}

impl From<&Holds> for HoldsView {
    fn from(holds: &Holds) -> Self {
        let source = holds.source.map(|source| match source {
            HeldSource::Option => "option",
            HeldSource::DeviceTlInfo => "device_tl_info",
            HeldSource::Inferred => "inferred",
        });
        let Holds { itl_sha1, ctl_sha1, .. } = *holds;
        Self { itl_sha1, ctl_sha1, source, why: holds.why.clone(), evidence: evidence(&holds.evidence) }
    }
}

impl From<&Assessment> for VerdictView {
    fn from(assessment: &Assessment) -> Self {
        Self {
            itl_deletion: assessment.deletion.name(),
            because: assessment.because.clone(),
            conditions: assessment.conditions.iter().map(ConditionView::from).collect(),
            collect: assessment.collect.clone(),
            advice: assessment.advice.iter().map(AdviceView::from).collect(),
            observed: assessment.observed.iter().map(InferenceView::from).collect(),
            simulation: assessment.simulation.as_ref().map(SimulationView::from),
        }
    }
}

impl From<&Condition> for ConditionView {
    fn from(condition: &Condition) -> Self {
        Self {
            id: condition.id.name(),
            holds: condition.holds.name(),
            why: condition.why.clone(),
            evidence: evidence(&condition.evidence),
        }
    }
}

impl From<&Advice> for AdviceView {
    fn from(advice: &Advice) -> Self {
        let Advice { id, text, because, source, .. } = advice;
        Self { id, text, because: because.clone(), source }
    }
}

impl From<&Inference> for InferenceView {
    fn from(inference: &Inference) -> Self {
        Self { id: inference.id, text: inference.text.clone(), evidence: evidence(&inference.evidence) }
    }
}

impl From<&Simulation> for SimulationView {
    fn from(simulation: &Simulation) -> Self {
        Self {
            relation: simulation.relation.clone(),
            own_list: simulation.own,
            outcome: simulation.prediction.outcome.name(),
            why: simulation.prediction.why.clone(),
            steps: simulation.prediction.steps.clone(),
        }
    }
}

const fn check_name(check: Check) -> &'static str {
    match check {
        Check::Match => "match",
        Check::Mismatch => "mismatch",
        Check::Unknown => "unknown",
    }
}

impl From<&Checks> for ChecksView {
    fn from(checks: &Checks) -> Self {
        Self {
            itl_checksum: check_name(checks.itl_checksum.result),
            tvs_serial: check_name(checks.tvs_serial.result),
            tvs_certificate: check_name(checks.tvs_certificate.result),
        }
    }
}

impl From<&Checks> for CheckDetailsView {
    fn from(checks: &Checks) -> Self {
        Self {
            itl_checksum: CheckedView::from(&checks.itl_checksum),
            tvs_serial: CheckedView::from(&checks.tvs_serial),
            tvs_certificate: CheckedView::from(&checks.tvs_certificate),
        }
    }
}

impl From<&Checked> for CheckedView {
    fn from(checked: &Checked) -> Self {
        Self { why: checked.why.clone(), evidence: checked.evidence.iter().map(EvidenceView::from).collect() }
    }
}

impl From<&Evidence> for EvidenceView {
    fn from(evidence: &Evidence) -> Self {
        let Evidence { moment, text } = evidence;
        Self { frame: moment.frame.number, source: moment.frame.source, text: text.clone() }
    }
}
