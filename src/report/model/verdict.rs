//! The assessment of one phone, as fields.

use serde::Serialize;

use crate::claim::{Evidence, Place, Source};
use crate::digest::Sha1Sum;
use crate::verdict::{Advice, Assessment, Check, Checked, Checks, Condition, Finding, Holds, Observation, Simulation};

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
    /// What the wire shows the phone doing in its last boot, and what the logs of TVS say. Observations, each with its frames.
    pub observed: Vec<ObservationView>,
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
pub(super) struct ObservationView {
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
    /// The frame, as Wireshark numbers it; `null` where it is a line of a text.
    pub frame: Option<u64>,
    /// Index in `sources` of the capture that holds the frame.
    pub source: Option<u16>,
    /// The text, and the line in it from 1; `null` where it is a frame.
    pub path: Option<String>,
    pub line: Option<usize>,
    pub text: String,
}

fn evidence(evidence: &[Evidence]) -> Vec<EvidenceView> {
    evidence.iter().map(EvidenceView::from).collect()
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> Self {
        Self { id: finding.id.name(), text: finding.text.clone(), evidence: evidence(&finding.evidence) }
    }
}

impl From<&Holds> for HoldsView {
    fn from(holds: &Holds) -> Self {
        let source = holds.source.map(|source| match source {
            Source::Told => "option",
            Source::ListAlarm => "device_tl_info",
            Source::Log => "log",
            Source::Wire => "inferred",
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
            conditions: assessment.conditions.all().into_iter().map(ConditionView::from).collect(),
            collect: assessment.collect.clone(),
            advice: assessment.advice.iter().map(AdviceView::from).collect(),
            observed: assessment.observed.iter().map(ObservationView::from).collect(),
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

impl From<&Observation> for ObservationView {
    fn from(inference: &Observation) -> Self {
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

pub(super) const fn check_name(check: Check) -> &'static str {
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
        let Evidence { place, text } = evidence;
        let (frame, line) = match place {
            Place::Frame(moment) => (Some(moment.frame), None),
            Place::Line(path, line) => (None, Some((path.to_string(), *line))),
        };
        Self {
            frame: frame.map(|frame| frame.number),
            source: frame.map(|frame| frame.source),
            path: line.as_ref().map(|(path, _)| path.clone()),
            line: line.map(|(_, line)| line),
            text: text.clone(),
        }
    }
}
