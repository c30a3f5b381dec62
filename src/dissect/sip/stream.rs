//! SIP over TCP: one message after the other, cut anywhere.

use std::net::SocketAddr;

use super::super::head::head_length;
use super::super::reader::{ConnectionFacts, Piece, Shared, StreamReader};
use super::message::{self, Head, LONGEST_HEAD};
use super::request;
use crate::capture::{Moment, Span};
use crate::event::Side;

/// Longer bodies are passed over: an alarm has less than a kilobyte.
const LONGEST_BODY: usize = 64 << 10;

/// Reads the SIP messages of a connection.
#[derive(Debug)]
pub(in super::super) struct SipStreams {
    client: SocketAddr,
    server: SocketAddr,
    /// Of the client and of the server.
    directions: [Direction; 2],
}

#[derive(Debug, Default)]
struct Direction {
    state: State,
    /// The message that is not whole yet.
    buffer: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a message, or in its head; so many bytes were searched for its end.
    Head { searched: usize },
    /// In a body that is collected behind a head of this length.
    Body { head: usize, length: usize },
    /// In a body that is passed over: so many bytes are left.
    Skip(usize),
    /// Somewhere; the next segment that begins with a message is believed.
    #[default]
    Lost,
}

impl SipStreams {
    pub(in super::super) fn new(client: SocketAddr, server: SocketAddr) -> Self {
        Self { client, server, directions: [Direction::start(), Direction::start()] }
    }
}

impl StreamReader for SipStreams {
    fn piece(&mut self, side: Side, piece: Piece<'_>, moment: Moment, shared: &mut Shared<'_>) {
        let (direction, from, to) = match side {
            Side::Client => (&mut self.directions[0], self.client, self.server),
            Side::Server => (&mut self.directions[1], self.server, self.client),
        };
        match piece {
            Piece::Data(bytes) => direction.data(bytes, &mut |head, body| {
                request::tell(head, Some(body), from, to, moment, shared.events);
            }),
            Piece::Gap(length) => direction.gap(length),
            Piece::Conflict(_) => direction.lose(),
        }
    }

    fn begin_in_the_middle(&mut self, side: Side) {
        let direction = match side {
            Side::Client => &mut self.directions[0],
            Side::Server => &mut self.directions[1],
        };
        if direction.state == (State::Head { searched: 0 }) {
            direction.lose();
        }
    }

    fn conclude(&mut self, _: &ConnectionFacts, _: Span, _: &mut Shared<'_>) {}

    fn held(&self) -> usize {
        self.directions.iter().map(|direction| direction.buffer.capacity()).sum()
    }
}

impl Direction {
    const fn start() -> Self {
        Self { state: State::Head { searched: 0 }, buffer: Vec::new() }
    }

    fn lose(&mut self) {
        *self = Self::default();
    }

    fn gap(&mut self, length: u64) {
        match (self.state, usize::try_from(length)) {
            (State::Skip(left), Ok(length)) if length < left => self.state = State::Skip(left - length),
            (State::Skip(left), Ok(length)) if length == left => *self = Self::start(),
            _ => self.lose(),
        }
    }

    fn data(&mut self, mut bytes: &[u8], found: &mut impl FnMut(&Head<'_>, &[u8])) {
        if self.state == State::Lost {
            let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
            if !message::is_start_line(line.strip_suffix(b"\r").unwrap_or(line)) {
                return;
            }
            *self = Self::start();
        }
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Head { searched } => self.head(searched, bytes, found),
                State::Body { head, length } => self.body(head, length, bytes, found),
                State::Skip(left) => {
                    let skipped = left.min(bytes.len());
                    self.state =
                        if skipped == left { State::Head { searched: 0 } } else { State::Skip(left - skipped) };
                    bytes.get(skipped..).unwrap_or_default()
                }
                State::Lost => return,
            };
        }
    }

    fn head<'a>(&mut self, searched: usize, mut bytes: &'a [u8], found: &mut impl FnMut(&Head<'_>, &[u8])) -> &'a [u8] {
        if self.buffer.is_empty() {
            // Line breaks between messages keep the connection alive (RFC 5626 3.5.1).
            let blank = bytes.iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count();
            bytes = bytes.get(blank..).unwrap_or_default();
            if bytes.is_empty() {
                return bytes;
            }
        }
        let before = self.buffer.len();
        // What follows the head in this piece is not copied; how far the head goes is known after the search.
        self.buffer.extend_from_slice(bytes.get(..bytes.len().min(LONGEST_HEAD)).unwrap_or_default());
        if searched == 0 && !message::may_begin(&self.buffer) {
            self.lose();
            return &[];
        }
        let Some(length) = head_length(&self.buffer, searched) else {
            self.state = State::Head { searched: self.buffer.len() };
            if self.buffer.len() > LONGEST_HEAD {
                self.lose();
            }
            return &[];
        };
        self.buffer.truncate(length);
        let rest = bytes.get(length.saturating_sub(before)..).unwrap_or_default();
        let Some(head) = Head::parse(&self.buffer) else {
            self.lose();
            return &[];
        };
        // Over a stream the length must be given; where it is not, there is no body (RFC 3261 20.14).
        let body = head.content_length().unwrap_or(0);
        if !request::is_of_interest(&head) || body > LONGEST_BODY {
            self.buffer = Vec::new();
            self.state = if body == 0 { State::Head { searched: 0 } } else { State::Skip(body) };
        } else if body == 0 {
            found(&head, &[]);
            *self = Self::start();
        } else {
            self.state = State::Body { head: length, length: body };
        }
        rest
    }

    fn body<'a>(
        &mut self,
        head: usize,
        length: usize,
        bytes: &'a [u8],
        found: &mut impl FnMut(&Head<'_>, &[u8]),
    ) -> &'a [u8] {
        let wanted = (head + length).saturating_sub(self.buffer.len());
        let (taken, rest) = bytes.split_at(wanted.min(bytes.len()));
        self.buffer.extend_from_slice(taken);
        if taken.len() == wanted {
            let (head, body) = self.buffer.split_at(head.min(self.buffer.len()));
            if let Some(head) = Head::parse(head) {
                found(&head, body);
            }
            *self = Self::start();
        }
        rest
    }
}
