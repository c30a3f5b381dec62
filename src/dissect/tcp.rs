//! TCP connections.
//!
//! In: segments, either direction, in any order. Out: what the protocol on top makes of the two streams. It knows which side
//! is the client, where streams begin and end, and keeps connections within bounds. Protocols read the streams through one
//! contract, `reader.rs`; which one that is, `readers.rs` says.

mod stream;
#[cfg(test)]
mod tests;

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
    next_id: u64,
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
    /// Its first sequence number is not known: nothing tells whether a SYN is of it.
    is_left_over: bool,
    held: usize,
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
            next_id: 0,
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
        let (src, dst) = (Endpoint::from(segment.src), Endpoint::from(segment.dst));
        let key = if src <= dst { (src, dst) } else { (dst, src) };
        let opens = segment.flags.has(TcpFlags::SYN) && !segment.flags.has(TcpFlags::ACK);
        let existing = self.connections.get(&key, moment.time);
        let known = existing.is_some();
        // A SYN with another number is another connection between the same ports.
        let reused = segment.flags.has(TcpFlags::SYN)
            && existing.is_some_and(|connection| connection.is_another(segment, opens));
        if !known || reused {
            // What neither begins a connection nor carries anything is the rest of one that is over.
            let carries = !segment.payload.is_empty() || segment.missing > 0 || segment.flags.has(TcpFlags::SYN);
            if !known && !carries {
                return;
            }
            let connection = self.open(segment, moment);
            if let Some(ended) = self.connections.insert(key, moment.time, connection) {
                self.conclude(ended, store, events);
            }
        }
        let Some(connection) = self.connections.get(&key, moment.time) else { return };
        let before = connection.held;
        if matches!(connection.protocol, Protocol::Unknown) && !segment.payload.is_empty() {
            connection.recognise(segment, moment, &mut self.next_id);
        }
        let mut shared = Shared { certificates: &mut self.certificates, store, events };
        let over = connection.segment(segment, moment, self.limits.reorder, &mut shared);
        self.held = (self.held + connection.held).saturating_sub(before);
        if over {
            let left = connection.left_over(segment, moment);
            let mut ended = std::mem::replace(connection, left);
            self.held = self.held.saturating_sub(ended.held);
            ended.held = 0;
            self.conclude(ended, store, events);
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
        let mut shared = Shared { certificates: &mut self.certificates, store, events };
        connection.flush(&mut shared);
        if let Protocol::Known(reader) = &mut connection.protocol {
            reader.conclude(&connection.facts, connection.span, &mut shared);
        }
    }

    /// A connection that begins with this segment, as far as the capture shows.
    fn open(&mut self, segment: &Segment<'_>, moment: Moment) -> Connection {
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
            return Connection { client, server, protocol: Protocol::Unknown, ..Connection::new(segment, moment) };
        };
        self.next_id += 1;
        let Some(mut reader) = readers::of_service(service, self.next_id, client, server, moment) else {
            return Connection { client, server, protocol: Protocol::Nothing, ..Connection::new(segment, moment) };
        };
        if !flags.has(TcpFlags::SYN) {
            reader.begin_in_the_middle(Side::Client);
            reader.begin_in_the_middle(Side::Server);
        }
        let protocol = Protocol::Known(reader);
        Connection { client, server, protocol, ..Connection::new(segment, moment) }
    }
}

impl Connection {
    /// What is left of a connection that is over: it swallows late segments until its ports are used again.
    fn left_over(&self, segment: &Segment<'_>, moment: Moment) -> Self {
        Self {
            client: self.client,
            server: self.server,
            client_stream: self.client_stream.left_over(),
            is_left_over: self.facts.syns == 0,
            ..Self::new(segment, moment)
        }
    }

    fn new(segment: &Segment<'_>, moment: Moment) -> Self {
        Self {
            client: segment.src,
            server: segment.dst,
            facts: ConnectionFacts::default(),
            span: Span::starting(moment),
            client_stream: Stream::default(),
            server_stream: Stream::default(),
            protocol: Protocol::Nothing,
            is_left_over: false,
            held: 0,
        }
    }

    /// Whether a SYN, `opens`, or a SYN with an acknowledgment belongs to another connection than this.
    fn is_another(&self, syn: &Segment<'_>, opens: bool) -> bool {
        if opens {
            // One that is over and is tried again with the same number is told once (some systems do that after a RST).
            return syn.src != self.client || !self.client_stream.begins_after(syn.seq) || self.is_left_over;
        }
        let is_over = matches!(self.protocol, Protocol::Nothing);
        syn.src == self.server && !is_over && !self.server_stream.begins_after(syn.seq)
    }

    /// Looks whether the first bytes on an unknown port are TLS, and which side sent them.
    fn recognise(&mut self, segment: &Segment<'_>, moment: Moment, next_id: &mut u64) {
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
        *next_id += 1;
        let reader = readers::of_service(Service::Other, *next_id, client, server, self.span.first);
        self.protocol = reader.map_or(Protocol::Nothing, Protocol::Known);
        self.span.extend(moment);
    }

    /// Takes a segment. Returns whether the connection is over.
    fn segment(&mut self, segment: &Segment<'_>, moment: Moment, reorder: usize, shared: &mut Shared<'_>) -> bool {
        if matches!(self.protocol, Protocol::Nothing) {
            return false;
        }
        self.span.extend(moment);
        let side = if segment.src == self.client { Side::Client } else { Side::Server };
        let flags = segment.flags;
        let mut seq = segment.seq;
        if flags.has(TcpFlags::SYN) {
            if side == Side::Client {
                self.facts.syns += 1;
                self.facts.syn_at = Some(moment);
            }
            self.facts.syn_acked |= side == Side::Server;
            self.stream(side).open(seq);
            // The SYN takes one number; data may come with it.
            seq = seq.wrapping_add(1);
        }
        if let Some(ack) = segment.ack {
            self.stream(side.other()).acknowledge(ack);
        }
        if flags.has(TcpFlags::RST) {
            let answers = self.facts.syns > 0 && !self.facts.syn_acked;
            if !answers && !self.stream(side).is_near(seq) {
                return false;
            }
            self.stream(side).ends_at(seq);
            let answers_syn =
                side == Side::Server && self.facts.syns > 0 && !self.facts.syn_acked && !self.server_stream.has_data();
            self.facts.reset_answers_syn |= answers_syn;
            self.facts.reset_by.get_or_insert(side);
            self.facts.reset_at.get_or_insert(moment);
            return true;
        }
        let fin = flags.has(TcpFlags::FIN);
        if fin {
            self.facts.closed_by.get_or_insert(side);
            self.facts.closed_at.get_or_insert(moment);
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
        self.client_stream.is_over() && self.server_stream.is_over()
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
