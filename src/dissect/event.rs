//! The one vocabulary in which dissectors speak to the rest.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::Content;
use crate::capture::{Moment, Span};
use crate::digest::{Digests, Sha1Sum};
use crate::x509::Certificate;

/// Something that was seen on the wire. An event with the `id` of an earlier one of its kind replaces it: more is known now.
#[derive(Debug, Clone)]
pub enum Event {
    /// A file was asked for.
    Download(Box<Download>),
    /// A TLS connection was made or tried.
    Tls(Box<TlsSession>),
    /// A phone said which lists it holds.
    SelfReport(Box<SelfReport>),
    /// Something told who is behind an address.
    Identity(Box<Identity>),
}

/// One attempt to get one file.
#[derive(Debug, Clone)]
pub struct Download {
    /// Tells downloads apart within one run.
    pub id: u64,
    /// How it was asked for.
    pub transport: Transport,
    /// The name as it stood in the request; `None` where the request was not captured.
    pub file: Option<String>,
    /// Who asked.
    pub client: SocketAddr,
    /// Who was asked; where the request was not captured, who answered.
    pub server: SocketAddr,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it did not complete, in an engineer's words.
    pub reason: Option<String>,
    /// Length of the complete file in bytes. Present exactly when `outcome` is [`Outcome::Complete`].
    pub length: Option<u64>,
    /// The complete file, unless it was too large to be held. It comes once: where the same download is told again, it is not
    /// there.
    pub content: Option<Arc<Content>>,
    /// Checksums of a complete file that was too large to be held.
    pub hashed: Option<Digests>,
    /// Requests and data blocks that were sent again.
    pub retransmits: u32,
    /// Its frames.
    pub span: Span,
}

impl Download {
    /// Checksums of the complete file; `None` where it is not told for the first time and its bytes are with whoever was told
    /// before.
    pub fn digests(&self) -> Option<Digests> {
        self.hashed.or_else(|| self.content.as_ref().map(|content| content.digests()))
    }
}

/// Keeps what was told last of each download, and the bytes that were told with it before.
#[cfg(test)]
pub(super) fn keep(downloads: &mut std::collections::BTreeMap<u64, Download>, mut told: Download) {
    if let Some(before) = downloads.remove(&told.id).filter(|_| told.outcome == Outcome::Complete) {
        told.content = told.content.or(before.content);
    }
    downloads.insert(told.id, told);
}

/// How a file was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// RFC 1350.
    Tftp,
    /// HTTP, on CUCM's port 6970.
    Http,
}

impl Transport {
    /// For machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tftp => "tftp",
            Self::Http => "http",
        }
    }
}

/// How a download ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It goes on.
    Pending,
    /// Every byte of the file was captured, and all copies of them agree.
    Complete,
    /// Part of the file was not captured, or was not sent.
    Incomplete,
    /// The server said no.
    Refused,
    /// The server said nothing.
    Unanswered,
}

impl Outcome {
    /// For machines, and in words: what goes on is incomplete so far.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete | Self::Pending => "incomplete",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
        }
    }
}

/// One TLS session, or the attempt at one.
#[derive(Debug, Clone)]
pub struct TlsSession {
    /// Tells sessions apart within one run.
    pub id: u64,
    /// What is behind the server's port.
    pub service: Service,
    /// Who connected.
    pub client: SocketAddr,
    /// To whom.
    pub server: SocketAddr,
    /// The name that the client asked for (SNI), as it stood on the wire.
    pub server_name: Option<String>,
    /// The version that the server chose.
    pub version: Option<TlsVersion>,
    /// The cipher suite that the server chose.
    pub cipher: Option<CipherSuite>,
    /// The server's own certificate.
    pub certificate: Option<Arc<Certificate>>,
    /// Why there is or is not a certificate.
    pub certificate_status: CertificateStatus,
    /// The client's own certificate: of a phone its MIC or LSC.
    pub client_certificate: Option<Arc<Certificate>>,
    /// How it ended.
    pub outcome: SessionOutcome,
    /// Why it was not established, in an engineer's words.
    pub reason: Option<String>,
    /// Alerts in the order in which they were seen.
    pub alerts: Vec<Alert>,
    /// When it got how far.
    pub milestones: Milestones,
    /// Lengths of the first encrypted application records from the client, in bytes on the wire.
    pub client_data: Vec<usize>,
    /// The same from the server.
    pub server_data: Vec<usize>,
    /// What the conversation was about, where it is one with TVS that has begun: told from the lengths of its records.
    pub tvs_exchange: Option<TvsExchange>,
    /// Its frames.
    pub span: Span,
}

/// What a phone asked TVS and how TVS answered: an inference, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TvsExchange {
    /// What was asked.
    pub request: TvsRequest,
    /// What TVS said.
    pub answer: TvsAnswer,
    /// Which lengths say so, in an engineer's words.
    pub why: String,
}

/// The two questions of the TVS protocol (domain.md 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TvsRequest {
    /// Which certificate has this issuer and serial: about the signer of a file.
    Query,
    /// Is this certificate known: about an HTTPS server.
    Verify,
    /// The lengths do not tell.
    Unknown,
}

/// How TVS answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TvsAnswer {
    /// It vouches for the certificate.
    Yes,
    /// It does not.
    No,
    /// The lengths do not tell, or no answer was seen.
    Unknown,
}

/// The moments in a TLS session that later questions ask for; `None` where that was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Milestones {
    /// The ClientHello.
    pub client_hello: Option<Moment>,
    /// The ServerHello.
    pub server_hello: Option<Moment>,
    /// The server's certificate, when its last byte was there.
    pub certificate: Option<Moment>,
    /// The client's own certificate.
    pub client_certificate: Option<Moment>,
    /// The client's key exchange: it went on after the certificate.
    pub key_exchange: Option<Moment>,
    /// The handshake was complete.
    pub established: Option<Moment>,
    /// The client's first application data.
    pub client_data: Option<Moment>,
    /// The server's first application data.
    pub server_data: Option<Moment>,
}

/// What is behind a server's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The Trust Verification Service, TCP 2445.
    Tvs,
    /// Tomcat, TCP 8443.
    Tomcat,
    /// Secure download of configuration, TCP 6971 and 6972.
    Https,
    /// Any other port.
    Other,
}

impl Service {
    /// For machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tvs => "tvs",
            Self::Tomcat => "tomcat",
            Self::Https => "https",
            Self::Other => "other",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Tvs => "TVS",
            Self::Tomcat => "Tomcat",
            Self::Https => "HTTPS",
            Self::Other => "TLS",
        }
    }
}

/// Why there is or is not a server certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateStatus {
    /// It was seen.
    Seen,
    /// TLS 1.3 encrypts it.
    Encrypted,
    /// The session was resumed: none is sent.
    Resumed,
    /// It was not sent, or is not in the capture.
    NotCaptured,
}

/// How a TLS session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionOutcome {
    /// It goes on.
    Pending,
    /// The handshake completed.
    Established,
    /// One side refused: an alert, no listener, or no answer to the certificate but the end of the connection.
    Refused,
    /// The connection was reset before the handshake was complete.
    Reset,
    /// None of these was seen.
    Incomplete,
}

impl SessionOutcome {
    /// For machines, and in words: what goes on is incomplete so far.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Incomplete | Self::Pending => "incomplete",
        }
    }
}

/// One alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// Who sent it.
    pub from: Side,
    /// Level and description, unless it was encrypted.
    pub clear: Option<(u8, u8)>,
    /// Where.
    pub moment: Moment,
}

/// One side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who connected.
    Client,
    /// Who was connected to.
    Server,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// A protocol version as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsVersion(pub u16);

impl TlsVersion {
    /// The first version that encrypts certificates.
    pub const TLS_1_3: Self = Self(0x0304);
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0002 => f.write_str("SSL 2.0"),
            0x0300 => f.write_str("SSL 3.0"),
            0x0301 => f.write_str("TLS 1.0"),
            0x0302 => f.write_str("TLS 1.1"),
            0x0303 => f.write_str("TLS 1.2"),
            0x0304 => f.write_str("TLS 1.3"),
            other => write!(f, "0x{other:04x}"),
        }
    }
}

/// A cipher suite as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CipherSuite(pub u16);

impl fmt::Display for CipherSuite {
    /// The name that IANA registered, else the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match tls_parser::TlsCipherSuite::from_id(self.0) {
            Some(suite) => f.write_str(suite.name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

impl Alert {
    /// `fatal` or `warning`; `None` where it was encrypted or is neither.
    pub const fn level(&self) -> Option<&'static str> {
        match self.clear {
            Some((1, _)) => Some("warning"),
            Some((2, _)) => Some("fatal"),
            _ => None,
        }
    }

    /// Whether it ends the session by its level.
    pub const fn is_fatal(&self) -> bool {
        matches!(self.clear, Some((2, _)))
    }

    /// The name of RFC 5246 7.2 and RFC 8446 6, such as `unknown_ca`; `None` where it was encrypted.
    pub fn description(&self) -> Option<String> {
        let (_, description) = self.clear?;
        let name = match description {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            other => return Some(format!("alert_{other}")),
        };
        Some(name.to_owned())
    }
}

/// What a phone says of the trust lists that it holds: the alarm `DeviceTLInfo` in a SIP REFER (domain.md 4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfReport {
    /// The device name in the alarm.
    pub device: Option<String>,
    /// The ITL.
    pub itl: Option<ReportedList>,
    /// The CTL.
    pub ctl: Option<ReportedList>,
    /// The TFTP server of the ITL, as the alarm says.
    pub itl_tftp_server: Option<String>,
    /// The TFTP server of the CTL, as the alarm says.
    pub ctl_tftp_server: Option<String>,
    /// The alarm's `StatusCode`; its values are not documented.
    pub status_code: Option<String>,
    /// Who said it.
    pub client: SocketAddr,
    /// To whom.
    pub server: SocketAddr,
    /// Where.
    pub moment: Moment,
}

/// A list in a [`SelfReport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportedList {
    /// The SHA-1 of the file that the phone holds.
    Installed(Sha1Sum),
    /// The phone holds none.
    NotInstalled,
}

/// What tells who is behind an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// How it was told.
    pub source: IdentitySource,
    /// The address that it is about; `None` where it was told below IP.
    pub address: Option<IpAddr>,
    /// The device name, as it stood on the wire.
    pub device: Option<String>,
    /// The model, as it stood on the wire.
    pub model: Option<String>,
    /// Firmware, as it stood on the wire.
    pub software: Option<String>,
    /// TFTP servers that the device was given (DHCP options 150 and 66).
    pub tftp_servers: Vec<String>,
    /// Where.
    pub moment: Moment,
}

/// How an [`Identity`] was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentitySource {
    /// DHCP options.
    Dhcp,
    /// Cisco Discovery Protocol.
    Cdp,
    /// LLDP-MED.
    Lldp,
    /// SIP REGISTER.
    SipRegister,
    /// SCCP station register.
    SccpRegister,
    /// The certificate with which the phone authenticates itself in TLS: MIC or LSC.
    Certificate,
}
