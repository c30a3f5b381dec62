//! Pieces of the document, for whoever sends them one by one. They have the fields that they have there.

use serde::Serialize;

use super::phone::{DownloadView, TlsView};
use super::verdict::{ChecksView, FindingView, VerdictView};
use super::{ReferenceView, SourceView, Tool};
use crate::capture::SourceSummary;
use crate::event::TlsSession;
use crate::phone::DownloadRecord;
use crate::trust::Reference;
use crate::verdict::Assessment;

/// An element of `downloads`.
pub fn download(download: &DownloadRecord) -> impl Serialize + use<> {
    DownloadView::new(download, None)
}

/// An element of `tls`.
pub fn session(session: &TlsSession) -> impl Serialize + use<> {
    TlsView::new(session, None)
}

/// `checks`, `findings` and `verdict` of a phone.
pub fn assessment(assessment: &Assessment) -> impl Serialize + use<> {
    AssessmentView {
        checks: ChecksView::from(&assessment.checks),
        findings: assessment.findings.iter().map(FindingView::from).collect(),
        verdict: VerdictView::from(assessment),
    }
}

#[derive(Serialize)]
struct AssessmentView {
    checks: ChecksView,
    findings: Vec<FindingView>,
    verdict: VerdictView,
}

/// `sources`.
pub fn sources(summaries: &[SourceSummary]) -> Vec<impl Serialize + use<>> {
    (1..).zip(summaries).map(SourceView::from).collect()
}

/// An element of `references`.
pub fn reference(reference: &Reference) -> impl Serialize + use<> {
    ReferenceView::from(reference)
}

/// `tool`.
pub fn tool() -> impl Serialize {
    Tool::THIS
}
