//! The contract between TCP and the protocols above it.
//!
//! In: nothing. Out: what a reader of two streams gets ([`Piece`]s, then [`ConnectionFacts`]), what it must say of itself, and
//! what all readers share. It refuses to know any protocol, and how streams are put in order.

use std::fmt::Debug;

use super::certificates::CertificateCache;
use super::content::ContentStore;
use super::hardware::Hardware;
use crate::capture::{Moment, Span};
use crate::event::{Event, NotConnected, Side};

/// What a stream yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The next bytes.
    Data(&'a [u8]),
    /// The next bytes are not in the capture: so many.
    Gap(u64),
    /// Two copies of some bytes differ, somewhere behind this offset: what was read there cannot be trusted.
    Conflict(u64),
}

/// Who reads the two streams of a connection.
pub(super) trait StreamReader: Debug + Send {
    /// Takes the next piece of one side's stream.
    fn piece(&mut self, side: Side, piece: Piece<'_>, moment: Moment, shared: &mut Shared<'_>);

    /// The stream of this side is read from its middle: its beginning was not captured.
    fn begin_in_the_middle(&mut self, side: Side);

    /// The other side acknowledged everything before this offset of this side's stream.
    fn acknowledged(&mut self, side: Side, offset: u64, shared: &mut Shared<'_>) {
        let _ = (side, offset, shared);
    }

    /// The connection is over.
    fn conclude(&mut self, facts: &ConnectionFacts, span: Span, shared: &mut Shared<'_>);

    /// Bytes held.
    fn held(&self) -> usize;

    /// Whether copies of bytes that differ still matter on this side; where not, nothing is kept to notice them.
    fn compares_copies(&self, side: Side) -> bool {
        let _ = side;
        true
    }
}

/// What all readers of streams share.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    pub(super) certificates: &'a mut CertificateCache,
    pub(super) store: &'a mut ContentStore,
    pub(super) events: &'a mut Vec<Event>,
    /// What is known of the connection so far.
    pub(super) facts: ConnectionFacts,
}

/// What the TCP layer knows of a connection that its protocol may ask for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ConnectionFacts {
    /// How often the client sent its SYN.
    pub(super) syns: u32,
    /// The last of them.
    pub(super) syn_at: Option<Moment>,
    pub(super) syn_acked: bool,
    /// A RST answered the SYN.
    pub(super) reset_answers_syn: bool,
    /// Who reset the connection, and the RST.
    pub(super) reset: Option<(Side, Moment)>,
    /// Who sent the first FIN, and that FIN.
    pub(super) closed: Option<(Side, Moment)>,
    /// The server sent a FIN, first or not.
    pub(super) server_ended: bool,
    /// The server sent something besides a RST: seen itself, or acknowledged by the client.
    pub(super) server_answered: bool,
    /// A segment of the client was captured.
    pub(super) client_seen: bool,
    /// From where the client sends.
    pub(super) hardware: Hardware,
}

impl ConnectionFacts {
    /// That the server never took the connection.
    pub(super) const fn not_connected(&self) -> NotConnected {
        NotConnected { syns: self.syns, reset: self.reset_answers_syn }
    }

    /// Who reset the connection.
    pub(super) fn reset_by(&self) -> Option<Side> {
        self.reset.map(|(side, _)| side)
    }

    /// Who sent the first FIN.
    pub(super) fn closed_by(&self) -> Option<Side> {
        self.closed.map(|(side, _)| side)
    }
}
