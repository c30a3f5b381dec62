//! One attempt to get one file.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::answer::{http_status, tftp_error};
use super::{Content, DownloadGap, NotConnected, Side};
use crate::capture::{Moment, Span};
use crate::digest::Digests;

/// One attempt to get one file, or a file that was sent to somebody.
#[derive(Debug, Clone)]
pub struct Download {
    /// Tells downloads apart within one run.
    pub id: u64,
    /// How it was asked for.
    pub transport: Transport,
    /// The name as it stood in the request; `None` where the request was not captured, or this does not answer one.
    pub asked_for: Option<String>,
    /// Who asked.
    pub client: SocketAddr,
    /// Who was asked; where the request was not captured, who answered.
    pub server: SocketAddr,
    /// How it ended.
    pub ending: DownloadEnding,
    /// Whether the client took what was sent.
    pub taken: Taken,
    /// A packet of the client towards that server was captured in this conversation.
    pub client_seen: bool,
    /// The Ethernet source of the client's frames (the innermost); `None` where the link has none, or it changed.
    pub hardware: Option<[u8; 6]>,
    /// The complete file, unless it was too large to be held. It comes once: where the same download is told again, it is not
    /// there.
    pub content: Option<Arc<Content>>,
    /// Checksums of a complete file that was too large to be held.
    pub hashed: Option<Digests>,
    /// Requests and data blocks that were sent again.
    pub retransmits: u32,
    /// When the last new byte of a complete file was there. What is repeated behind it does not move it.
    pub completed: Option<Moment>,
    /// Its frames: to the acknowledgment of its end, not to repetitions behind that.
    pub span: Span,
}

impl Download {
    /// How it ended, in one of five words.
    pub const fn outcome(&self) -> Outcome {
        self.ending.outcome()
    }

    /// Why it did not complete, in an engineer's words.
    pub fn reason(&self) -> Option<String> {
        self.ending.reason()
    }

    /// Length of the complete file in bytes.
    pub const fn length(&self) -> Option<u64> {
        self.ending.length()
    }

    /// Checksums of the complete file; `None` where it is not told for the first time and its bytes are with whoever was told
    /// before.
    pub fn digests(&self) -> Option<Digests> {
        self.hashed.or_else(|| self.content.as_ref().map(|content| content.digests()))
    }
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

/// Whether a client took what a server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Taken {
    /// It acknowledged the last block; over TCP, the whole answer.
    Acknowledged,
    /// It asked for it or acknowledged part of it, nothing contrary was seen, and its acknowledgment of the end is not in the
    /// capture. Also where no packet of the client was captured at all: see [`Download::client_seen`].
    Open,
    /// It ended the transfer with an ERROR; over TCP, it reset the connection before it had everything.
    Refused,
    /// It neither asked for it nor acknowledged any of it, although its packets to that server are in the capture, or it
    /// acknowledged another answer to the same request.
    Unasked,
}

impl Taken {
    /// For machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Unasked => "unasked",
        }
    }
}

/// How a download ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownloadEnding {
    /// It goes on.
    Open,
    /// Every byte of the file was captured, and all copies of them agree.
    Complete {
        /// Bytes of the file.
        length: u64,
    },
    /// The server said no.
    Refused(Refusal),
    /// The server said nothing.
    Unanswered(Silence),
    /// Part of the file was not captured, or was not sent.
    Incomplete(DownloadGap),
}

/// How a server said no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An ERROR of TFTP (RFC 1350 5).
    Tftp {
        /// Its code.
        code: u16,
        /// Its text.
        message: String,
    },
    /// A status of HTTP.
    Http {
        /// Its code.
        status: u16,
        /// What stands behind the code.
        words: String,
    },
}

/// How a server said nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Silence {
    /// It did not answer so many requests within so many nanoseconds.
    Requests {
        /// How many.
        count: u32,
        /// From the first to the last.
        nanos: u64,
    },
    /// It never took the connection.
    NotConnected(NotConnected),
    /// The connection was reset by this side behind the request.
    Reset(Side),
}

/// How a download ended, in one of five words.
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

impl DownloadEnding {
    /// In one of five words.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Open => Outcome::Pending,
            Self::Complete { .. } => Outcome::Complete,
            Self::Refused(_) => Outcome::Refused,
            Self::Unanswered(_) => Outcome::Unanswered,
            Self::Incomplete(_) => Outcome::Incomplete,
        }
    }

    /// Why it did not complete; `None` where it did, or goes on.
    pub fn reason(&self) -> Option<String> {
        (!matches!(self, Self::Open | Self::Complete { .. })).then(|| self.to_string())
    }

    /// Length of the complete file in bytes.
    pub const fn length(&self) -> Option<u64> {
        match self {
            Self::Complete { length } => Some(*length),
            _ => None,
        }
    }
}

impl fmt::Display for DownloadEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("it goes on"),
            Self::Complete { length } => write!(f, "complete, {length} bytes"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unanswered(silence) => silence.fmt(f),
            Self::Incomplete(gap) => gap.fmt(f),
        }
    }
}

impl Refusal {
    /// The number by which it is known: `ERROR 1`, `HTTP 404`.
    pub fn label(&self) -> String {
        match self {
            Self::Tftp { code, .. } => format!("ERROR {code}"),
            Self::Http { status, .. } => format!("HTTP {status}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tftp { code, message } => f.write_str(&tftp_error(*code, message)),
            Self::Http { status, words } => {
                // CUCM says 503 of a file that it does not have (domain.md 4.4).
                let absent = if matches!(status, 404 | 503) { ": the file is absent" } else { "" };
                write!(f, "{}{absent}", http_status(*status, words))
            }
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests { count: 1, .. } => f.write_str("no answer to the request"),
            Self::Requests { count, nanos } => {
                let (seconds, tenths) = (nanos / 1_000_000_000, nanos / 100_000_000 % 10);
                write!(f, "no answer to {count} requests in {seconds}.{tenths} s")
            }
            Self::NotConnected(why) => why.fmt(f),
            Self::Reset(side) => write!(f, "{} reset the connection", side.words()),
        }
    }
}
