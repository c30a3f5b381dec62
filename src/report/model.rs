//! The document that reports are made of. Its fields are a promise to whoever reads the JSON (`docs/json.md`): none is renamed
//! or removed without a new schema.

mod fleet;
pub mod parts;
mod phone;
mod verdict;

use std::cell::RefCell;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::capture::{Skew, SourceSummary, Timestamp};
use crate::digest::{Md5Sum, Sha1Sum};
use crate::phone::OtherClient;
use crate::trust::{Record, Reference, Signer};
use crate::verdict::{Assessments, Fleet};
use crate::x509::{DistinguishedName, Serial};

use fleet::FleetView;
pub use phone::SpanView;
use phone::{OtherClientView, PhoneView};

/// Everything that a report is made of.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was read.
    pub sources: Vec<SourceSummary>,
    /// Said once for all: how phones were compared, what was left out.
    pub notes: Vec<String>,
    /// The phones in their case.
    pub assessments: Assessments<'a>,
    /// Whoever is no phone.
    pub others: Vec<OtherClient>,
}

/// The whole document. Its fields are written in this order; phones are put into words while they are written, so that ten
/// thousand take no more memory than one, and what they have in common is known when they are through.
pub(super) struct Document<'r, 'a> {
    pub(super) report: &'r Report<'a>,
    pub(super) fleet: RefCell<Fleet>,
}

impl Serialize for Document<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Report { sources, notes, assessments, others } = self.report;
        let case = assessments.case;
        let mut document = serializer.serialize_struct("Report", 9)?;
        document.serialize_field("schema", "itlscope.report/1")?;
        document.serialize_field("tool", &Tool::THIS)?;
        document.serialize_field("sources", &(1..).zip(sources).map(SourceView::from).collect::<Vec<_>>())?;
        document.serialize_field("references", &case.references.iter().map(ReferenceView::from).collect::<Vec<_>>())?;
        document.serialize_field("notes", notes)?;
        document.serialize_field("phones", &Phones(self))?;
        for other in others {
            self.fleet.borrow_mut().add_other(&other.sessions);
        }
        let fleet = self.fleet.borrow();
        document.serialize_field("fleet", &FleetView::new(&fleet, case))?;
        document.serialize_field("other_clients", &others.iter().map(OtherClientView::from).collect::<Vec<_>>())?;
        document.serialize_field("summary", &fleet.summary)?;
        document.end()
    }
}

struct Phones<'d, 'r, 'a>(&'d Document<'r, 'a>);

impl Serialize for Phones<'_, '_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Document { report, fleet } = self.0;
        report.assessments.look(|phones| {
            serializer.collect_seq(phones.map(|(phone, assessment)| {
                fleet.borrow_mut().add(phone, &assessment);
                PhoneView::new(phone, &assessment)
            }))
        })
    }
}

/// Who wrote a document.
#[derive(Debug, Clone, Serialize)]
pub struct Tool {
    name: &'static str,
    version: &'static str,
}

impl Tool {
    /// This program.
    pub(crate) const THIS: Self = Self { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
}

/// One capture.
#[derive(Debug, Clone, Serialize)]
pub struct SourceView {
    /// As frames are named by it, from 1: `2:118` is frame 118 of the second.
    number: usize,
    path: String,
    frames: u64,
    bytes: u64,
    first_time: Option<Timestamp>,
    last_time: Option<Timestamp>,
    warnings: Vec<String>,
    /// The number of the first file of the rotated set that it is of.
    set: Option<u32>,
    clock: Option<ClockView>,
}

/// How the clock of a capture compares with another's. Its times in the rest of the report are those of the other clock.
#[derive(Debug, Clone, Serialize)]
struct ClockView {
    /// The number of the other capture.
    compared_with: u32,
    ahead_seconds: f64,
    within_seconds: f64,
    packets: usize,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ReferenceView {
    pub path: String,
    pub kind: &'static str,
    pub server: Option<std::net::IpAddr>,
    pub md5: Option<Md5Sum>,
    pub sha1: Option<Sha1Sum>,
    pub signer: Option<SignerView>,
    pub records: Vec<RecordView>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct SignerView {
    pub name: Option<DistinguishedName>,
    pub serial: Option<Serial>,
    pub issuer: Option<DistinguishedName>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct RecordView {
    pub function: Option<FunctionView>,
    pub subject: Option<DistinguishedName>,
    pub issuer: Option<DistinguishedName>,
    pub serial: Option<Serial>,
    pub certificate_sha1: Option<Sha1Sum>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct FunctionView {
    pub number: u16,
    pub name: String,
}

impl From<(usize, &SourceSummary)> for SourceView {
    fn from((number, summary): (usize, &SourceSummary)) -> Self {
        let SourceSummary { path, frames, bytes, first_time, last_time, warnings, set, skew, .. } = summary.clone();
        let (set, clock) = (set.map(|first| u32::from(first) + 1), skew.as_ref().map(ClockView::from));
        Self { number, path, frames, bytes, first_time, last_time, warnings, set, clock }
    }
}

impl From<&Skew> for ClockView {
    #[expect(clippy::cast_precision_loss, reason = "clocks are not compared more precisely than to microseconds")]
    fn from(skew: &Skew) -> Self {
        let seconds = |micros: i64| micros as f64 / 1e6;
        Self {
            compared_with: u32::from(skew.base) + 1,
            ahead_seconds: seconds(skew.ahead / 1000),
            within_seconds: seconds(i64::try_from(skew.bound / 1000).unwrap_or(i64::MAX)),
            packets: skew.packets,
        }
    }
}

impl From<&Reference> for ReferenceView {
    fn from(reference: &Reference) -> Self {
        let list = reference.list.as_ref();
        Self {
            path: reference.path.clone(),
            kind: reference.kind.name(),
            server: reference.server,
            md5: reference.md5,
            sha1: reference.sha1,
            signer: list.and_then(|list| list.signer()).map(SignerView::from),
            records: list.map(|list| list.records.iter().map(RecordView::from).collect()).unwrap_or_default(),
        }
    }
}

impl From<&Signer> for SignerView {
    fn from(signer: &Signer) -> Self {
        Self { name: signer.name.clone(), serial: signer.serial.clone(), issuer: signer.issuer.clone() }
    }
}

impl From<&Record> for RecordView {
    fn from(record: &Record) -> Self {
        Self {
            function: record
                .function
                .map(|function| FunctionView { number: function.0, name: function.name().into_owned() }),
            subject: record.subject.clone(),
            issuer: record.issuer.clone(),
            serial: record.serial.clone(),
            certificate_sha1: record.certificate_sha1,
        }
    }
}
