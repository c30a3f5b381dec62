//! The one vocabulary in which dissectors speak to the rest.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Content;
use crate::capture::Span;
use crate::digest::Digests;

/// Something that was seen on the wire. An event with the `id` of an earlier one of its kind replaces it: more is known now.
#[derive(Debug, Clone)]
pub enum Event {
    /// A file was asked for.
    Download(Box<Download>),
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
    /// Length of the complete file in bytes.
    pub length: Option<u64>,
    /// Checksums of the complete file. Present exactly when `outcome` is [`Outcome::Complete`].
    pub digests: Option<Digests>,
    /// The complete file, unless it was too large to be held.
    pub content: Option<Arc<Content>>,
    /// Requests and data blocks that were sent again.
    pub retransmits: u32,
    /// Its frames.
    pub span: Span,
}

/// How a file was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// RFC 1350.
    Tftp,
    /// HTTP, on CUCM's port 6970.
    Http,
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
