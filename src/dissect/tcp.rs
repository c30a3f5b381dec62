//! TCP connections.
//!
//! In: segments, either direction, in any order. Out: what the protocol on top makes of the two streams. It knows which side
//! is the client, where streams begin and end, and keeps connections within bounds. Protocols read the streams through one
//! contract, `reader.rs`; which one that is, `readers.rs` says.

mod stream;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::certificates::CertificateCache;
use super::content::ContentStore;
use super::flows::FlowTable;
use super::reader::{ConnectionFacts, Shared, StreamReader};
use super::readers;
use crate::capture::{Moment, Span, Timestamp};
use crate::event::{Event, Ports, Service, Side};
use crate::packet::{Endpoint, Segment, TcpFlags};

use stream::{Room, Stream};

/// Nanoseconds for which a connection that was reset is still read: what was captured out of order, or shows that the RST was
/// not of it, comes within them.
const LINGER: u64 = 1_000_000_000;
/// A hello in clear that leaves a hole as large as this in its stream begins another connection, whose SYN was not captured.
const LARGEST_HANDSHAKE: u64 = 64 << 10;

/// Bytes of one direction kept until they are acknowledged, to notice copies that differ.
const COMPARED: usize = 8 << 10;

/// What following connections may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections followed at once.
    pub connections: usize,
    /// Nanoseconds of capture time without a packet after which a connection is forgotten.
    pub idle: u64,
    /// Bytes that one direction may hold back while earlier ones are late.
    pub reorder: usize,
    /// Bytes that all connections may hold together; beyond it the least recently used are given up.
    pub total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 32_768, idle: 600_000_000_000, reorder: 256 << 10, total: 32 << 20 }
    }
}

/// Both ends, the smaller first: both directions find the same connection.
type Key = (Endpoint, Endpoint);

/// The TCP dissector.
#[derive(Debug)]
pub struct Tcp {
    connections: FlowTable<Key, Connection>,
    ports: Ports,
    limits: Limits,
    certificates: CertificateCache,
    held: usize,
    /// Connections that were reset, and when they were.
    lingering: VecDeque<(Timestamp, Key)>,
}

#[derive(Debug)]
struct Connection {
    client: SocketAddr,
    server: SocketAddr,
    facts: ConnectionFacts,
    span: Span,
    client_stream: Stream,
    server_stream: Stream,
    protocol: Protocol,
    /// The number of a second SYN-ACK that differs from the first: which of them the client took is not known yet.
    other_syn: Option<u32>,
    /// Its first sequence number is not known: nothing tells whether a SYN is of it.
    is_left_over: bool,
    held: usize,
}

/// What a segment made of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    GoesOn,
    /// It was reset just now.
    Reset,
    /// Both sides ended it.
    Over,
}

/// Who reads the streams.
#[derive(Debug)]
enum Protocol {
    Known(Box<dyn StreamReader>),
    /// An unknown port: the first bytes will tell.
    Unknown,
    /// Nothing to read, or nothing any more.
    Nothing,
}

impl Tcp {
    /// A dissector that examines `ports` within `limits`.
    pub fn new(ports: Ports, limits: Limits) -> Self {
        Self {
            connections: FlowTable::new(limits.connections, limits.idle),
            ports,
            limits,
            certificates: CertificateCache::default(),
            held: 0,
            lingering: VecDeque::new(),
        }
    }

    /// Takes a segment.
    pub(super) fn segment(
        &mut self,
        segment: &Segment<'_>,
        moment: Moment,
        store: &mut ContentStore,
        events: &mut Vec<Event>,
    ) {
        self.end_lingering(moment.time, store, events);
        let (src, dst) = (Endpoint::from(segment.src), Endpoint::from(segment.dst));
        let key = if src <= dst { (src, dst) } else { (dst, src) };
        let opens = segment.flags.has(TcpFlags::SYN) && !segment.flags.has(TcpFlags::ACK);
        let existing = self.connections.get(&key, moment.time);
        let known = existing.is_some();
        let reused = existing.is_some_and(|connection| connection.is_another(segment, opens));
        if !known || reused {
            // What neither begins a connection nor carries anything is the rest of one that is over.
            let carries = !segment.payload.is_empty() || segment.missing > 0 || segment.flags.has(TcpFlags::SYN);
            if !known && !carries {
                return;
            }
            let connection = self.open(segment, moment, store);
            if let Some(ended) = self.connections.insert(key, moment.time, connection) {
                self.conclude(ended, store, events);
            }
        }
        let Some(connection) = self.connections.get(&key, moment.time) else { return };
        let before = connection.held;
        if matches!(connection.protocol, Protocol::Unknown) && !segment.payload.is_empty() {
            connection.recognise(segment, moment, store);
        }
        let facts = ConnectionFacts::default();
        let mut shared = Shared { certificates: &mut self.certificates, store, events, facts };
        let progress = connection.segment(segment, moment, self.limits.reorder, &mut shared);
        self.held = (self.held + connection.held).saturating_sub(before);
        match progress {
            Progress::GoesOn => {}
            Progress::Reset => self.lingering.push_back((moment.time, key)),
            Progress::Over => self.end(&key, moment, store, events),
        }
    }

    /// Tells what came of a connection; what is left of it swallows late segments.
    fn end(&mut self, key: &Key, now: Moment, store: &mut ContentStore, events: &mut Vec<Event>) {
        let Some(connection) = self.connections.get(key, now.time) else { return };
        let left = connection.left_over(now);
        let ended = std::mem::replace(connection, left);
        self.conclude(ended, store, events);
    }

    /// Ends the connections that were reset a while ago; where there are too many, the first of them.
    fn end_lingering(&mut self, now: Timestamp, store: &mut ContentStore, events: &mut Vec<Event>) {
        while let Some(&(since, key)) = self.lingering.front() {
            let fresh = now.nanos_since(since) <= LINGER && since.nanos_since(now) <= LINGER;
            if fresh && self.lingering.len() <= self.limits.connections {
                return;
            }
            self.lingering.pop_front();
            let connection = self.connections.peek(&key);
            let reset = connection.filter(|connection| !matches!(connection.protocol, Protocol::Nothing));
            if let Some(at) = reset.and_then(|connection| connection.facts.reset.map(|_| connection.span.last)) {
                self.end(&key, at, store, events);
            }
        }
    }

    /// Connections that are followed, and the bytes that they hold.
    pub(super) fn held(&self) -> (usize, usize) {
        (self.connections.len(), self.held)
    }

    /// Whether more is held than may be, or more connections are followed.
    pub(super) fn is_full(&self) -> bool {
        self.held > self.limits.total || self.connections.is_full()
    }

    /// Forgets connections that were idle for too long or for which there is no room.
    pub(super) fn expire(&mut self, now: Timestamp, store: &mut ContentStore, events: &mut Vec<Event>) {
        self.end_lingering(now, store, events);
        while let Some((_, connection)) = self.connections.pop_expired(now, self.held > self.limits.total) {
            let for_room = now.nanos_since(connection.span.last.time) <= self.limits.idle;
            store.hit.connections += u64::from(for_room && matches!(connection.protocol, Protocol::Known(_)));
            self.conclude(connection, store, events);
        }
    }

    /// The capture is over: ends all connections.
    pub(super) fn finish(&mut self, store: &mut ContentStore, events: &mut Vec<Event>) {
        for (_, connection) in self.connections.drain() {
            self.conclude(connection, store, events);
        }
    }

    fn conclude(&mut self, mut connection: Connection, store: &mut ContentStore, events: &mut Vec<Event>) {
        self.held = self.held.saturating_sub(connection.held);
        connection.held = 0;
        let facts = connection.facts;
        let mut shared = Shared { certificates: &mut self.certificates, store, events, facts };
        connection.flush(&mut shared);
        if let Protocol::Known(reader) = &mut connection.protocol {
            reader.conclude(&connection.facts, connection.span, &mut shared);
        }
    }

    /// A connection that begins with this segment, as far as the capture shows.
    fn open(&self, segment: &Segment<'_>, moment: Moment, store: &mut ContentStore) -> Connection {
        let flags = segment.flags;
        let src_expected = self.ports.expected(segment.src.port());
        let dst_expected = self.ports.expected(segment.dst.port());
        let from_server = if flags.has(TcpFlags::SYN) {
            flags.has(TcpFlags::ACK)
        } else {
            // Without its beginning, the port that is known is the server's, else the lower one.
            match (src_expected, dst_expected) {
                (Some(_), None) => true,
                (None, Some(_)) => false,
                _ => segment.src.port() < segment.dst.port(),
            }
        };
        let (client, server, expected) = if from_server {
            (segment.dst, segment.src, src_expected)
        } else {
            (segment.src, segment.dst, dst_expected)
        };
        let Some(service) = expected else {
            return Connection { protocol: Protocol::Unknown, ..Connection::new(client, server, moment) };
        };
        let Some(mut reader) = readers::of_service(service, store.new_id(), client, server, moment) else {
            return Connection::new(client, server, moment);
        };
        if !flags.has(TcpFlags::SYN) {
            reader.begin_in_the_middle(Side::Client);
            reader.begin_in_the_middle(Side::Server);
        }
        let protocol = Protocol::Known(reader);
        Connection { protocol, ..Connection::new(client, server, moment) }
    }
}

impl Connection {
    /// What is left of a connection that is over: it swallows late segments until its ports are used again.
    fn left_over(&self, now: Moment) -> Self {
        Self {
            client_stream: self.client_stream.left_over(),
            server_stream: self.server_stream.left_over(),
            is_left_over: self.facts.syns == 0,
            ..Self::new(self.client, self.server, now)
        }
    }

    fn new(client: SocketAddr, server: SocketAddr, moment: Moment) -> Self {
        Self {
            client,
            server,
            facts: ConnectionFacts::default(),
            span: Span::starting(moment),
            client_stream: Stream::default(),
            server_stream: Stream::default(),
            protocol: Protocol::Nothing,
            other_syn: None,
            is_left_over: false,
            held: 0,
        }
    }

    /// Whether a segment belongs to another connection between the same ports than this.
    fn is_another(&self, segment: &Segment<'_>, opens: bool) -> bool {
        if opens {
            // One that is over and is tried again with the same number is told once (some systems do that after a RST).
            return segment.src != self.client || !self.client_stream.begins_after(segment.seq) || self.is_left_over;
        }
        let (own, other) = if segment.src == self.client {
            (&self.client_stream, &self.server_stream)
        } else {
            (&self.server_stream, &self.client_stream)
        };
        if segment.flags.has(TcpFlags::SYN) {
            let is_over = matches!(self.protocol, Protocol::Nothing);
            // A second answer to the same SYN is of this connection, whatever its number.
            let answers = segment.ack.is_some_and(|ack| other.is_open() && other.begins_after(ack.wrapping_sub(1)));
            return segment.src == self.server && !is_over && !own.begins_after(segment.seq) && !answers;
        }
        // Without its SYN, it is known by numbers that are far off on both sides, or by a hello where none can be.
        if segment.payload.is_empty() || segment.flags.has(TcpFlags::RST) {
            return false;
        }
        let far = own.is_open() && !own.is_near(segment.seq);
        let both = far && segment.ack.is_some_and(|ack| other.is_open() && !other.is_near(ack));
        both || (readers::recognise(segment.payload).is_some() && (far || own.leaps(segment.seq, LARGEST_HANDSHAKE)))
    }

    /// Whether a segment without SYN has numbers of this connection. A server that still knows an earlier connection answers
    /// the SYN of this one with a bare ACK of that one, and the client resets what it takes that for (RFC 5961 4).
    fn is_of_this(&self, segment: &Segment<'_>, side: Side) -> bool {
        if self.facts.syns == 0 || self.facts.syn_acked || self.facts.server_answered {
            return true;
        }
        match side {
            Side::Client if segment.flags.has(TcpFlags::RST) => self.client_stream.is_expected(segment.seq),
            Side::Client => true,
            Side::Server => segment.ack.is_none_or(|ack| self.client_stream.reaches(ack, stream::FARTHEST_END)),
        }
    }

    /// Two SYN-ACKs with different numbers were seen: the first segment behind them says which one holds.
    fn choose_syn(&mut self, segment: &Segment<'_>, side: Side) {
        let Some(syn) = self.other_syn else { return };
        let number = match side {
            Side::Client => segment.ack,
            Side::Server => (!segment.payload.is_empty()).then_some(segment.seq),
        };
        let Some(number) = number else { return };
        self.other_syn = None;
        if number == syn.wrapping_add(1) && !self.server_stream.has_data() {
            self.server_stream.reopen(syn);
        }
    }

    /// Looks whether the first bytes on an unknown port are TLS, and which side sent them.
    fn recognise(&mut self, segment: &Segment<'_>, moment: Moment, store: &mut ContentStore) {
        let Some(sent_by) = readers::recognise(segment.payload) else {
            self.protocol = Protocol::Nothing;
            return;
        };
        let from_client = sent_by == Side::Client;
        let (client, server) = if from_client { (segment.src, segment.dst) } else { (segment.dst, segment.src) };
        if client != self.client {
            self.client = client;
            self.server = server;
            std::mem::swap(&mut self.client_stream, &mut self.server_stream);
        }
        let reader = readers::of_service(Service::Other, store.new_id(), client, server, self.span.first);
        self.protocol = reader.map_or(Protocol::Nothing, Protocol::Known);
        self.span.extend(moment);
    }

    /// Takes a segment.
    fn segment(&mut self, segment: &Segment<'_>, moment: Moment, reorder: usize, shared: &mut Shared<'_>) -> Progress {
        let side = if segment.src == self.client { Side::Client } else { Side::Server };
        let flags = segment.flags;
        if matches!(self.protocol, Protocol::Nothing) || (!flags.has(TcpFlags::SYN) && !self.is_of_this(segment, side))
        {
            return Progress::GoesOn;
        }
        self.span.extend(moment);
        self.note(segment, side, moment);
        shared.facts = self.facts;
        let mut seq = segment.seq;
        if flags.has(TcpFlags::SYN) {
            if side == Side::Server && !self.server_stream.begins_after(seq) {
                self.other_syn = Some(seq);
            }
            self.stream(side).open(seq);
            // The SYN takes one number; data may come with it.
            seq = seq.wrapping_add(1);
        } else {
            self.choose_syn(segment, side);
        }
        if let Some(ack) = segment.ack {
            self.acknowledge(ack, side.other(), shared);
        }
        if flags.has(TcpFlags::RST) {
            return self.reset(seq, side, moment);
        }
        let fin = flags.has(TcpFlags::FIN);
        if fin && self.facts.reset.is_none() {
            self.facts.closed.get_or_insert((side, moment));
            self.facts.server_ended |= side == Side::Server;
        }
        if !self.stream(side).is_open()
            && !segment.payload.is_empty()
            && let Protocol::Known(reader) = &mut self.protocol
            && readers::recognise(segment.payload).is_none()
        {
            reader.begin_in_the_middle(side);
        }
        let (stream, protocol) = self.stream_and_reader(side);
        let payload = (segment.payload, segment.missing);
        let compares = matches!(protocol, Protocol::Known(reader) if reader.compares_copies(side));
        let room = Room { waiting: reorder, compared: if compares { COMPARED } else { 0 } };
        stream.segment(seq, payload, fin, moment, room, &mut |piece, at| {
            if let Protocol::Known(reader) = protocol {
                reader.piece(side, piece, at, shared);
            }
        });
        shared.store.hit.streams_too_late += stream.take_given_up();
        self.held = self.client_stream.held() + self.server_stream.held();
        if let Protocol::Known(reader) = &self.protocol {
            self.held += reader.held();
        }
        let over = self.client_stream.is_over() && self.server_stream.is_over();
        if over { Progress::Over } else { Progress::GoesOn }
    }

    /// Keeps what a segment says of the connection.
    fn note(&mut self, segment: &Segment<'_>, side: Side, moment: Moment) {
        let flags = segment.flags;
        let facts = &mut self.facts;
        match side {
            Side::Client => {
                facts.client_seen = true;
                facts.hardware.note(segment.hardware);
                // Whoever acknowledges has received: a client has nothing to acknowledge before the SYN-ACK.
                facts.server_answered |= segment.ack.is_some() && !flags.has(TcpFlags::RST | TcpFlags::SYN);
                if flags.has(TcpFlags::SYN) {
                    facts.syns += 1;
                    facts.syn_at = Some(moment);
                    // It tries again: what was reset was not this.
                    (facts.reset, facts.reset_answers_syn) = (None, false);
                }
            }
            Side::Server => {
                facts.syn_acked |= flags.has(TcpFlags::SYN);
                facts.server_answered |= !flags.has(TcpFlags::RST);
            }
        }
    }

    /// Takes an acknowledgment of what `side` sent.
    fn acknowledge(&mut self, ack: u32, side: Side, shared: &mut Shared<'_>) {
        let (stream, protocol) = self.stream_and_reader(side);
        let before = stream.acked();
        stream.acknowledge(ack);
        if let (Protocol::Known(reader), true) = (protocol, stream.acked() > before) {
            reader.acknowledged(side, stream.acked(), shared);
        }
    }

    /// Takes a RST.
    fn reset(&mut self, seq: u32, side: Side, moment: Moment) -> Progress {
        let unanswered = self.facts.syns > 0 && !self.facts.server_answered;
        if self.facts.reset.is_some() || (!unanswered && !self.stream(side).is_near(seq)) {
            return Progress::GoesOn;
        }
        self.stream(side).ends_at(seq);
        self.facts.reset_answers_syn = unanswered && side == Side::Server && !self.server_stream.has_data();
        self.facts.reset = Some((side, moment));
        Progress::Reset
    }

    fn flush(&mut self, shared: &mut Shared<'_>) {
        let last = self.span.last;
        for side in [Side::Client, Side::Server] {
            let (stream, protocol) = self.stream_and_reader(side);
            stream.flush(last, &mut |piece, at| {
                if let Protocol::Known(reader) = protocol {
                    reader.piece(side, piece, at, shared);
                }
            });
        }
    }

    const fn stream(&mut self, side: Side) -> &mut Stream {
        self.stream_and_reader(side).0
    }

    const fn stream_and_reader(&mut self, side: Side) -> (&mut Stream, &mut Protocol) {
        match side {
            Side::Client => (&mut self.client_stream, &mut self.protocol),
            Side::Server => (&mut self.server_stream, &mut self.protocol),
        }
    }
}
