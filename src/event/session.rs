//! One TLS session, as far as it can be seen from outside.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Alert, AlertCode, CipherSuite, NotConnected, Service, Side, TlsVersion};
use crate::capture::{Moment, Span};
use crate::x509::Certificate;

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
    pub ending: SessionEnding,
    /// The server answered: its SYN-ACK, a byte of it, or an acknowledgment of the client for something that it sent was
    /// captured.
    pub server_answered: bool,
    /// The Ethernet source of the client's frames (the innermost); `None` where the link has none, or it changed.
    pub hardware: Option<[u8; 6]>,
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

impl TlsSession {
    /// One of which nothing is known yet but its ends.
    pub fn begun(id: u64, service: Service, client: SocketAddr, server: SocketAddr, moment: Moment) -> Self {
        Self {
            id,
            service,
            client,
            server,
            server_name: None,
            version: None,
            cipher: None,
            certificate: None,
            certificate_status: CertificateStatus::NotCaptured,
            client_certificate: None,
            ending: SessionEnding::Open,
            server_answered: false,
            hardware: None,
            alerts: Vec::new(),
            milestones: Milestones::default(),
            client_data: Vec::new(),
            server_data: Vec::new(),
            tvs_exchange: None,
            span: Span::starting(moment),
        }
    }

    /// Whether one side ended the handshake.
    pub const fn is_broken_off(&self) -> bool {
        matches!(self.ending, SessionEnding::Refused { .. })
    }

    /// How it ended, in one of five words.
    pub const fn outcome(&self) -> SessionOutcome {
        self.ending.outcome()
    }

    /// Why it was not established, in an engineer's words.
    pub fn reason(&self) -> Option<String> {
        self.ending.reason()
    }
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

/// How a TLS session ended, and where that is seen: `at` is the frame that shows it, not the connection's last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEnding {
    /// It goes on.
    Open,
    /// The handshake completed.
    Established {
        /// The frame from which on that is certain.
        at: Moment,
        /// The server showed a certificate in this session, and the client went on: it accepted that certificate. A session
        /// that was resumed, or may have been, says nothing of any certificate.
        judged: bool,
    },
    /// One side ended the handshake.
    Refused {
        /// Which.
        by: Side,
        /// By what.
        how: How,
        /// The alert, the RST or the FIN.
        at: Moment,
    },
    /// The server never took the connection.
    Silent {
        /// How often the client tried.
        syns: u32,
        /// A RST answered.
        reset: bool,
        /// The RST, else the last SYN.
        at: Moment,
    },
    /// Neither an end nor success can be told from the capture.
    Unseen(SessionGap),
}

/// By what a side ended the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// An alert whose level is fatal.
    Fatal(AlertCode),
    /// Another alert that ended the connection: a warning with the end behind it, or an encrypted one (`None`).
    Alert(Option<AlertCode>, Stage),
    /// A RST.
    Reset(Stage),
    /// A FIN instead of the next step of the handshake.
    Closed(Stage),
    /// A fatal alert, because the other side sent no TLS but this.
    NotTls(String),
}

/// How far a handshake had got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// No TLS was seen.
    Connected,
    /// The ClientHello.
    ClientHello,
    /// The ServerHello.
    ServerHello,
    /// The server's certificate.
    Certificate,
    /// The client's key exchange.
    KeyExchange,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "before any TLS was seen",
            Self::ClientHello => "after the ClientHello",
            Self::ServerHello => "after the ServerHello",
            Self::Certificate => "after the server's certificate",
            Self::KeyExchange => "after its key exchange",
        })
    }
}

/// Why the end of a session is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionGap {
    /// No byte of either side, and no SYN.
    NoData,
    /// TCP connected, and no more.
    NothingSent,
    /// A side sent no TLS but this.
    NotTls(Side, String),
    /// Two copies of the same bytes differ.
    CopiesDiffer,
    /// The server's certificate cannot be parsed.
    Unreadable,
    /// A handshake message is longer than any that is read.
    TooLong {
        /// Its bytes.
        length: usize,
        /// The bytes of the longest that is read.
        most: usize,
    },
    /// Only this side was captured.
    OneSide(Side),
    /// The capture begins in the middle.
    BeginsLate,
    /// Part of the handshake is missing from the capture.
    Missing,
    /// The connection was closed where that is no answer to anything; the first FIN.
    Closed {
        /// Who closed it.
        by: Side,
        /// How far the handshake had got.
        stage: Stage,
        /// The FIN.
        at: Moment,
    },
    /// Nothing more was captured.
    Cut(Stage),
}

impl fmt::Display for SessionGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoData => f.write_str("no data was captured"),
            Self::NothingSent => f.write_str("TCP connected, but nothing was sent"),
            Self::NotTls(side, what) => write!(f, "{} sent {what}", side.words()),
            Self::CopiesDiffer => f.write_str("two copies of the same bytes differ"),
            Self::Unreadable => f.write_str("the server's certificate cannot be parsed"),
            Self::TooLong { length, most } => {
                write!(f, "a handshake message has {length} bytes; those of more than {most} are not read")
            }
            Self::OneSide(side) => write!(f, "only {}'s side was captured", side.words()),
            Self::BeginsLate => f.write_str("the capture begins after the handshake"),
            Self::Missing => f.write_str("part of the handshake is missing from the capture"),
            Self::Closed { by, stage, .. } => write!(f, "{} closed the connection {stage}", by.words()),
            Self::Cut(stage) => write!(f, "nothing more was captured {stage}"),
        }
    }
}

impl SessionEnding {
    /// In one of five words.
    pub const fn outcome(&self) -> SessionOutcome {
        match self {
            Self::Open => SessionOutcome::Pending,
            Self::Established { .. } => SessionOutcome::Established,
            Self::Refused { how: How::Reset(_), .. } | Self::Silent { reset: true, .. } => SessionOutcome::Reset,
            Self::Refused { .. } => SessionOutcome::Refused,
            Self::Silent { reset: false, .. } | Self::Unseen(_) => SessionOutcome::Incomplete,
        }
    }

    /// Why it was not established; `None` where it was, or goes on.
    pub fn reason(&self) -> Option<String> {
        (!matches!(self, Self::Open | Self::Established { .. })).then(|| self.to_string())
    }

    /// The frame that shows it, where one does.
    pub const fn at(&self) -> Option<Moment> {
        match self {
            Self::Established { at, .. }
            | Self::Refused { at, .. }
            | Self::Silent { at, .. }
            | Self::Unseen(SessionGap::Closed { at, .. }) => Some(*at),
            Self::Open | Self::Unseen(_) => None,
        }
    }
}

impl How {
    /// Whether it is an alert that speaks of a certificate by itself (RFC 5246 7.2.2, RFC 8446 6.2).
    pub const fn is_about_certificate(&self) -> bool {
        match self {
            Self::Fatal(code) | Self::Alert(Some(code), _) => matches!(code.0, 42..=46 | 48 | 113 | 114),
            Self::Alert(None, _) | Self::Reset(_) | Self::Closed(_) | Self::NotTls(_) => false,
        }
    }
}

impl fmt::Display for SessionEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("it goes on"),
            Self::Established { .. } => f.write_str("the handshake completed"),
            &Self::Silent { syns, reset, .. } => NotConnected { syns, reset }.fmt(f),
            Self::Unseen(gap) => gap.fmt(f),
            Self::Refused { by, how, .. } => match how {
                How::Fatal(code) => write!(f, "{} sent the fatal alert {code}", by.words()),
                How::Alert(Some(code), stage) => {
                    write!(f, "{} ended the handshake with an alert {stage}: {code}", by.words())
                }
                How::Alert(None, stage) => {
                    write!(f, "{} ended the handshake with an alert {stage}: an encrypted one", by.words())
                }
                How::Reset(stage) => write!(f, "{} reset the connection {stage}", by.words()),
                How::Closed(stage) => {
                    write!(f, "{} closed the connection {stage}, without a key exchange", by.words())
                }
                How::NotTls(what) => write!(f, "{} sent {what}", by.other().words()),
            },
        }
    }
}

/// How a TLS session ended, in one of five words.
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
