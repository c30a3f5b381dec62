//! One phone and what it did, as fields.

use serde::Serialize;

use super::SignerView;
use super::verdict::{CheckDetailsView, ChecksView, FindingView, HoldsView, VerdictView};
use crate::capture::{Moment, Span, Timestamp};
use crate::digest::{Md5Sum, Sha1Sum, Sha256Sum};
use crate::event::{Alert, CertificateStatus, Side, TlsSession};
use crate::phone::{Attribution, CallManagerMember, ConfigFacts, DownloadRecord, OtherClient, Phone, TvsMember};
use crate::verdict::{Assessment, BootSummary};
use crate::x509::{Certificate, DistinguishedName, Serial};

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
    /// The rounds of files that it began; the verdict is about the last.
    pub boots: Vec<BootView>,
    pub downloads: Vec<DownloadView>,
    pub tls: Vec<TlsView>,
    pub checks: ChecksView,
    /// Why each check came out as it did.
    pub check_details: CheckDetailsView,
    pub findings: Vec<FindingView>,
    pub verdict: VerdictView,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct BootView {
    /// Whether no other boot is known to have followed it.
    pub is_last: bool,
    pub itl_sha1: Option<Sha1Sum>,
    pub observed: Vec<&'static str>,
    #[serde(flatten)]
    pub span: SpanView,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct DownloadView {
    /// As it was asked for, else as it was signed.
    pub file: Option<String>,
    pub asked_for: Option<String>,
    pub signed_as: Option<String>,
    /// Whether the phone took it: `acknowledged`, `open`, `refused`, `unasked`.
    pub taken: &'static str,
    /// On what ground it is taken for the phone's.
    pub attribution: Option<&'static str>,
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

/// A host that is no phone.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OtherClientView {
    pub name: Option<String>,
    pub address: Option<std::net::IpAddr>,
    pub downloads: Vec<DownloadView>,
    pub tls: Vec<TlsView>,
}

impl From<&OtherClient> for OtherClientView {
    fn from(other: &OtherClient) -> Self {
        Self {
            name: other.name.as_ref().map(ToString::to_string),
            address: other.address,
            downloads: other.downloads.iter().map(|record| DownloadView::new(record, None)).collect(),
            tls: other.sessions.iter().map(|session| TlsView::new(session, None)).collect(),
        }
    }
}

/// When and where something was seen.
#[derive(Debug, Clone, Serialize)]
pub struct SpanView {
    /// Time of the first frame.
    pub started: Timestamp,
    /// Time of the last frame.
    pub ended: Timestamp,
    /// First and last frame, numbered as Wireshark numbers them.
    pub frames: [u64; 2],
    /// Indices in `sources` of the captures that hold these two frames.
    pub frame_sources: [u16; 2],
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct TlsView {
    /// On what ground it is taken for the phone's.
    pub attribution: Option<&'static str>,
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
    /// The frame that completed it, and the index in `sources` of its capture.
    pub frame: Option<u64>,
    pub source: Option<u16>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct AlertView {
    pub from: &'static str,
    pub level: Option<&'static str>,
    pub description: Option<String>,
    pub encrypted: bool,
    pub frame: u64,
    pub source: u16,
}

impl PhoneView {
    pub(super) fn new(phone: &Phone, assessment: &Assessment) -> Self {
        Self {
            name: phone.name.as_ref().map(ToString::to_string),
            addresses: phone.addresses.clone(),
            model: phone.model().map(str::to_owned),
            shared_by: phone.shared_by.iter().map(ToString::to_string).collect(),
            holds: HoldsView::from(&assessment.holds),
            config: phone.config().map(ConfigView::from),
            boots: assessment.boots.iter().map(BootView::from).collect(),
            downloads: phone.downloads.iter().map(|one| DownloadView::new(one, Some(one.how))).collect(),
            tls: phone.sessions.iter().map(|one| TlsView::new(one, Some(one.how))).collect(),
            checks: ChecksView::from(&assessment.checks),
            check_details: CheckDetailsView::from(&assessment.checks),
            findings: assessment.findings.iter().map(FindingView::from).collect(),
            verdict: VerdictView::from(assessment),
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

impl From<&BootSummary> for BootView {
    fn from(boot: &BootSummary) -> Self {
        Self { is_last: boot.is_last, itl_sha1: boot.itl_sha1, observed: boot.observed.clone(), span: boot.span.into() }
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

impl DownloadView {
    pub(super) fn new(download: &DownloadRecord, how: Option<Attribution>) -> Self {
        let signature = download.signature.as_ref();
        Self {
            file: download.file().map(str::to_owned),
            asked_for: download.asked_for.clone(),
            signed_as: download.signed_as().map(str::to_owned),
            taken: download.taken.name(),
            attribution: how.map(Attribution::name),
            kind: download.kind.name(),
            transport: download.transport.name(),
            client: download.client.to_string(),
            server: download.server.to_string(),
            outcome: download.outcome().name(),
            reason: download.reason(),
            bytes: download.length(),
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

impl TlsView {
    pub(super) fn new(session: &TlsSession, how: Option<Attribution>) -> Self {
        Self {
            attribution: how.map(Attribution::name),
            service: session.service.name(),
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
            outcome: session.outcome().name(),
            reason: session.reason(),
            alerts: session.alerts.iter().map(AlertView::from).collect(),
            span: session.span.into(),
        }
    }
}

impl CertificateView {
    pub(super) fn new(certificate: &Certificate, seen: Option<Moment>) -> Self {
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
            source: seen.map(|moment| moment.frame.source),
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
            source: alert.moment.frame.source,
        }
    }
}
