//! The document that reports are made of. Its fields are a promise to whoever reads the JSON: none is renamed or removed
//! without a new schema.

use std::cell::RefCell;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::capture::{Moment, SourceSummary, Span, Timestamp};
use crate::digest::{Digests, Md5Sum, Sha1Sum, Sha256Sum};
use crate::dissect::event::{Alert, CertificateStatus, Outcome, Service, SessionOutcome, Side, TlsSession, Transport};
use crate::phone::{CallManagerMember, ConfigFacts, DownloadRecord, FileKind, Phone, TvsMember};
use crate::trust::{Record, Reference, Signer};
use crate::verdict::{
    Advice, Assessment, Assessments, Case, Check, Checked, Checks, Condition, Evidence, Finding, Fleet, Group,
    HeldSource, Holds, Inference, Presented, ServedLists, Simulation,
};
use crate::x509::{Certificate, DistinguishedName, Serial};

/// Everything that a report is made of.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was read.
    pub sources: Vec<SourceSummary>,
    /// Said once for all: how phones were compared, what was left out.
    pub notes: Vec<String>,
    /// The phones in their case.
    pub assessments: Assessments<'a>,
}

/// The whole document. Its fields are written in this order; phones are put into words while they are written, so that ten
/// thousand take no more memory than one, and what they have in common is known when they are through.
pub(super) struct Document<'r, 'a> {
    pub(super) report: &'r Report<'a>,
    pub(super) fleet: RefCell<Fleet>,
}

impl Serialize for Document<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Report { sources, notes, assessments } = self.report;
        let case = assessments.case;
        let mut document = serializer.serialize_struct("Report", 8)?;
        document.serialize_field("schema", "itlscope.report/1")?;
        document.serialize_field("tool", &Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") })?;
        document.serialize_field("sources", &sources.iter().map(Source::from).collect::<Vec<_>>())?;
        document.serialize_field("references", &case.references.iter().map(ReferenceView::from).collect::<Vec<_>>())?;
        document.serialize_field("notes", notes)?;
        document.serialize_field("phones", &Phones(self))?;
        let fleet = self.fleet.borrow();
        document.serialize_field("fleet", &FleetView::new(&fleet, case))?;
        document.serialize_field("summary", &fleet.summary)?;
        document.end()
    }
}

struct Phones<'d, 'r, 'a>(&'d Document<'r, 'a>);

impl Serialize for Phones<'_, '_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.report.assessments.iter().map(|(phone, assessment)| {
            self.0.fleet.borrow_mut().add(phone, &assessment);
            PhoneView::new(phone, &assessment)
        }))
    }
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct FleetView {
    /// Phones with the same finding, the largest group first.
    groups: Vec<GroupView>,
    tftp_servers: Vec<TftpServerView>,
    tvs_servers: Vec<TvsServerView>,
    warnings: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct GroupView {
    id: &'static str,
    text: String,
    phones: usize,
    deletion_needed: usize,
    undetermined: usize,
    /// The first phones of the group.
    examples: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct TftpServerView {
    server: std::net::IpAddr,
    lists: Vec<ServedListView>,
}

#[derive(Debug, Clone, Serialize)]
struct ServedListView {
    md5: Md5Sum,
    sha1: Sha1Sum,
    signer: Option<SignerView>,
    /// When the list was signed.
    signed: Option<Timestamp>,
    /// Phones that got it last.
    phones: usize,
    first_seen: Timestamp,
    last_seen: Timestamp,
}

#[derive(Debug, Clone, Serialize)]
struct TvsServerView {
    server: String,
    certificates: Vec<PresentedView>,
}

#[derive(Debug, Clone, Serialize)]
struct PresentedView {
    serial: Serial,
    sha1: Sha1Sum,
    subject: DistinguishedName,
    /// Phones that were shown it.
    phones: usize,
    first_seen: Timestamp,
    last_seen: Timestamp,
}

impl FleetView {
    fn new(fleet: &Fleet, case: &Case) -> Self {
        let group = |group: &Group| GroupView {
            id: group.id,
            text: group.text.clone(),
            phones: group.phones,
            deletion_needed: group.needed,
            undetermined: group.undetermined,
            examples: group.examples.clone(),
        };
        let list = |(digests, served): (Digests, &ServedLists)| {
            let list = served.list.as_deref().map(|served| &served.list);
            ServedListView {
                md5: digests.md5,
                sha1: digests.sha1,
                signer: list.and_then(|list| list.signer()).map(SignerView::from),
                signed: list
                    .and_then(|list| list.header.timestamp)
                    .map(|seconds| Timestamp::from_seconds_and_nanos(i64::from(seconds), 0)),
                phones: served.phones,
                first_seen: served.first.time,
                last_seen: served.last.time,
            }
        };
        let presented = |presented: &Presented| PresentedView {
            serial: presented.certificate.serial.clone(),
            sha1: presented.certificate.sha1,
            subject: presented.certificate.subject.clone(),
            phones: presented.phones,
            first_seen: presented.first.time,
            last_seen: presented.last.time,
        };
        Self {
            groups: fleet.groups().into_iter().map(group).collect(),
            tftp_servers: fleet
                .lists()
                .map(|(server, lists)| TftpServerView { server, lists: lists.into_iter().map(list).collect() })
                .collect(),
            tvs_servers: fleet
                .certificates()
                .map(|(server, certificates)| TvsServerView {
                    server: server.to_string(),
                    certificates: certificates.into_iter().map(presented).collect(),
                })
                .collect(),
            warnings: fleet.warnings(case),
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Tool {
    pub name: &'static str,
    pub version: &'static str,
}

/// One capture.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Source {
    pub path: String,
    pub frames: u64,
    pub bytes: u64,
    pub first_time: Option<Timestamp>,
    pub last_time: Option<Timestamp>,
    pub warnings: Vec<String>,
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

#[derive(Debug, Clone, Serialize)]
pub(super) struct PhoneView {
    pub name: Option<String>,
    pub addresses: Vec<std::net::IpAddr>,
    pub model: Option<String>,
    /// Devices that share the address of a phone without a name.
    pub shared_by: Vec<String>,
    pub holds: HoldsView,
    /// What the last complete configuration says of servers and modes; never a secret.
    pub config: Option<ConfigView>,
    pub downloads: Vec<DownloadView>,
    pub tls: Vec<TlsView>,
    pub checks: ChecksView,
    /// Why each check came out as it did.
    pub check_details: CheckDetailsView,
    pub findings: Vec<FindingView>,
    pub verdict: VerdictView,
}

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
    /// Rounds of files that the phone began; the verdict is about the last.
    pub boots: usize,
    /// What the wire shows the phone doing in its last boot. Inferences, each with its frames.
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
pub(super) struct DownloadView {
    pub file: Option<String>,
    pub kind: &'static str,
    pub transport: &'static str,
    pub client: String,
    pub server: String,
    pub outcome: &'static str,
    pub reason: Option<String>,
    pub bytes: Option<u64>,
    pub md5: Option<Md5Sum>,
    pub sha1: Option<Sha1Sum>,
    pub retransmits: u32,
    pub signer: Option<SignerView>,
    pub signature: Option<&'static str>,
    pub signature_why: Option<String>,
    #[serde(flatten)]
    pub span: SpanView,
}

/// When and where something was seen.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SpanView {
    pub started: Timestamp,
    pub ended: Timestamp,
    /// First and last frame, numbered as Wireshark numbers them.
    pub frames: [u64; 2],
    /// Indices in `sources` of the captures that hold these two frames.
    pub frame_sources: [u16; 2],
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct TlsView {
    pub service: &'static str,
    pub client: String,
    pub server: String,
    pub server_name: Option<String>,
    pub version: Option<String>,
    pub cipher: Option<String>,
    pub certificate: Option<CertificateView>,
    pub certificate_status: &'static str,
    /// The phone's own certificate, MIC or LSC, where it showed one.
    pub phone_certificate: Option<CertificateView>,
    pub outcome: &'static str,
    pub reason: Option<String>,
    pub alerts: Vec<AlertView>,
    #[serde(flatten)]
    pub span: SpanView,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct CertificateView {
    pub serial: Serial,
    pub subject: DistinguishedName,
    pub issuer: DistinguishedName,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub sha1: Sha1Sum,
    pub sha256: Sha256Sum,
    /// The frame that completed it.
    pub frame: Option<u64>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct AlertView {
    pub from: &'static str,
    pub level: Option<&'static str>,
    pub description: Option<String>,
    pub encrypted: bool,
    pub frame: u64,
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

impl From<&SourceSummary> for Source {
    fn from(summary: &SourceSummary) -> Self {
        let SourceSummary { path, frames, bytes, first_time, last_time, warnings } = summary.clone();
        Self { path, frames, bytes, first_time, last_time, warnings }
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

impl PhoneView {
    fn new(phone: &Phone, assessment: &Assessment) -> Self {
        Self {
            name: phone.name.as_ref().map(ToString::to_string),
            addresses: phone.addresses.clone(),
            model: phone.model().map(str::to_owned),
            shared_by: phone.shared_by.iter().map(ToString::to_string).collect(),
            holds: HoldsView::from(&assessment.holds),
            config: phone.config().map(ConfigView::from),
            downloads: phone.downloads.iter().map(|download| DownloadView::from(download.as_ref())).collect(),
            tls: phone.sessions.iter().map(|session| TlsView::from(session.as_ref())).collect(),
            checks: ChecksView::from(&assessment.checks),
            check_details: CheckDetailsView::from(&assessment.checks),
            findings: assessment.findings.iter().map(FindingView::from).collect(),
            verdict: VerdictView::from(assessment),
        }
    }
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
            boots: assessment.boots,
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

#[derive(Debug, Clone, Serialize)]
pub(super) struct ConfigView {
    tvs: Vec<TvsMemberView>,
    call_managers: Vec<CallManagerView>,
    device_security_mode: Option<String>,
    transport_layer_protocol: Option<String>,
    device_protocol: Option<String>,
    load_information: Option<String>,
    full_config: Option<bool>,
    encrypted_config: Option<bool>,
    /// The document is not whole: only what could be read is here.
    damaged: bool,
}

#[derive(Debug, Clone, Serialize)]
struct TvsMemberView {
    address: String,
    port: u16,
    priority: Option<u8>,
}

#[derive(Debug, Clone, Serialize)]
struct CallManagerView {
    name: Option<String>,
    address: Option<String>,
    priority: Option<u8>,
}

impl From<&ConfigFacts> for ConfigView {
    fn from(config: &ConfigFacts) -> Self {
        let tvs = |member: &TvsMember| TvsMemberView {
            address: member.address.clone(),
            port: member.port,
            priority: member.priority,
        };
        let call_manager = |member: &CallManagerMember| CallManagerView {
            name: member.name.clone(),
            address: member.address.clone(),
            priority: member.priority,
        };
        Self {
            tvs: config.tvs.iter().map(tvs).collect(),
            call_managers: config.call_managers.iter().map(call_manager).collect(),
            device_security_mode: config.device_security_mode.clone(),
            transport_layer_protocol: config.transport_layer_protocol.clone(),
            device_protocol: config.device_protocol.clone(),
            load_information: config.load_information.clone(),
            full_config: config.full_config,
            encrypted_config: config.encrypted_config,
            damaged: config.damaged,
        }
    }
}

impl From<Span> for SpanView {
    fn from(span: Span) -> Self {
        let Span { first, last } = span;
        Self {
            started: first.time,
            ended: last.time,
            frames: [first.frame.number, last.frame.number],
            frame_sources: [first.frame.source, last.frame.source],
        }
    }
}

impl From<&DownloadRecord> for DownloadView {
    fn from(download: &DownloadRecord) -> Self {
        let signature = download.signature.as_ref();
        Self {
            file: download.file.clone(),
            kind: match download.kind {
                FileKind::Itl => "itl",
                FileKind::Ctl => "ctl",
                FileKind::Config => "config",
                FileKind::Other => "other",
            },
            transport: match download.transport {
                Transport::Tftp => "tftp",
                Transport::Http => "http",
            },
            client: download.client.to_string(),
            server: download.server.to_string(),
            outcome: match download.outcome {
                Outcome::Complete => "complete",
                Outcome::Incomplete | Outcome::Pending => "incomplete",
                Outcome::Refused => "refused",
                Outcome::Unanswered => "unanswered",
            },
            reason: download.reason.clone(),
            bytes: download.length,
            md5: download.digests.map(|digests| digests.md5),
            sha1: download.digests.map(|digests| digests.sha1),
            retransmits: download.retransmits,
            signer: signature.and_then(|signature| signature.signer.as_deref()).map(SignerView::from),
            signature: signature.map(|signature| signature.status.name()),
            signature_why: signature.map(|signature| signature.why.to_string()),
            span: download.span.into(),
        }
    }
}

/// The service in the words of the report.
pub(super) const fn service_name(service: Service) -> &'static str {
    match service {
        Service::Tvs => "tvs",
        Service::Tomcat => "tomcat",
        Service::Https => "https",
        Service::Other => "other",
    }
}

impl From<&TlsSession> for TlsView {
    fn from(session: &TlsSession) -> Self {
        Self {
            service: service_name(session.service),
            client: session.client.to_string(),
            server: session.server.to_string(),
            server_name: session.server_name.clone(),
            version: session.version.map(|version| version.to_string()),
            cipher: session.cipher.map(|cipher| cipher.to_string()),
            certificate: session
                .certificate
                .as_deref()
                .map(|certificate| CertificateView::new(certificate, session.milestones.certificate)),
            certificate_status: match session.certificate_status {
                CertificateStatus::Seen => "seen",
                CertificateStatus::Encrypted => "encrypted",
                CertificateStatus::Resumed => "resumed",
                CertificateStatus::NotCaptured => "not_captured",
            },
            phone_certificate: session
                .client_certificate
                .as_deref()
                .map(|certificate| CertificateView::new(certificate, session.milestones.client_certificate)),
            outcome: match session.outcome {
                SessionOutcome::Established => "established",
                SessionOutcome::Refused => "refused",
                SessionOutcome::Reset => "reset",
                SessionOutcome::Incomplete | SessionOutcome::Pending => "incomplete",
            },
            reason: session.reason.clone(),
            alerts: session.alerts.iter().map(AlertView::from).collect(),
            span: session.span.into(),
        }
    }
}

impl CertificateView {
    fn new(certificate: &Certificate, seen: Option<Moment>) -> Self {
        let Certificate { serial, subject, issuer, not_before, not_after, sha1, sha256, .. } = certificate;
        Self {
            serial: serial.clone(),
            subject: subject.clone(),
            issuer: issuer.clone(),
            not_before: *not_before,
            not_after: *not_after,
            sha1: *sha1,
            sha256: *sha256,
            frame: seen.map(|moment| moment.frame.number),
        }
    }
}

impl From<&Alert> for AlertView {
    fn from(alert: &Alert) -> Self {
        Self {
            from: if alert.from == Side::Client { "phone" } else { "server" },
            level: alert.level(),
            description: alert.description(),
            encrypted: alert.clear.is_none(),
            frame: alert.moment.frame.number,
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

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
