//! The record layer of one direction (RFC 5246 6.2, RFC 8446 5.1).
//!
//! In: the bytes of one direction in order, and gaps. Out: whole handshake messages while they are in clear, and the kind and
//! length of everything else. Records may be split over segments and messages over records in any way. What is encrypted is
//! passed over, not held.

/// Records longer than this do not exist: 2^14 and what encryption may add (RFC 5246 6.2.3).
const LONGEST_RECORD: usize = (1 << 14) + 2048;
/// Handshake messages longer than this are not collected; a certificate chain has a tenth of it.
pub(super) const LONGEST_MESSAGE: usize = 1 << 17;
/// Hellos that stand where encrypted records are expected are not longer than this.
const LONGEST_HELLO: usize = 2048;

/// The content type of alerts, and the length of one in clear: an encrypted one is never as short.
const ALERT: u8 = 21;
const CLEAR_ALERT: usize = 2;

/// What the record layer of one direction found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record<'a> {
    /// A whole handshake message in clear: type and body with its four-byte header.
    Handshake(&'a [u8]),
    /// An SSLv2-style ClientHello, as old stacks send it to be understood by everybody (RFC 5246 E.2): the version it asks for.
    OldClientHello(u16),
    /// From here on this direction is encrypted.
    ChangeCipherSpec,
    /// A handshake record that cannot be read.
    EncryptedHandshake,
    /// An alert in clear: level and description.
    Alert(u8, u8),
    /// An alert that cannot be read; so many bytes.
    EncryptedAlert,
    /// Application data: bytes of the record, encrypted.
    Data(usize),
    /// The direction does not begin like TLS; its first bytes.
    NotTls(&'a [u8]),
}

/// Reads the records of one direction.
#[derive(Debug, Default)]
pub(super) struct RecordLayer {
    state: State,
    /// The header of a record, or the first bytes of a stream, as far as they have come.
    header: Vec<u8>,
    /// Handshake bytes in clear that do not make a whole message yet.
    handshake: Vec<u8>,
    encrypted: bool,
    /// Bytes were missing where a handshake message would have been.
    pub(super) handshake_broken: bool,
    /// The length of a handshake message that is not collected: longer than [`LONGEST_MESSAGE`].
    pub(super) too_long: Option<usize>,
    /// Reading began in the middle, or was lost and found again.
    pub(super) resynchronised: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the first byte of the stream.
    #[default]
    Start,
    /// At the first byte of a record.
    Header,
    /// Inside a record.
    Body(Body),
    /// Somewhere; the next segment that begins like a record is believed.
    Lost,
    /// This is not TLS, or nothing here matters any more.
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Body {
    kind: u8,
    length: usize,
    left: usize,
    /// The first two bytes: all that matters of alerts.
    first: [u8; 2],
    collect: Collect,
}

/// What is done with the bytes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collect {
    /// They are a handshake in clear.
    Handshake,
    /// They come after a change of cipher and should be encrypted. A hello may stand there in clear all the same: TLS 1.3 sends
    /// a `ChangeCipherSpec` that means nothing, even before the second ClientHello (RFC 8446 D.4).
    PerhapsHello,
    Nothing,
}

impl RecordLayer {
    /// The stream's beginning was not captured: it is read from the first segment that begins with a record.
    pub(super) const fn begin_in_the_middle(&mut self) {
        if matches!(self.state, State::Start) {
            self.state = State::Lost;
            self.resynchronised = true;
        }
    }

    /// The next record is not known.
    pub(super) fn is_lost(&self) -> bool {
        self.state == State::Lost
    }

    /// Bytes held.
    pub(super) const fn held(&self) -> usize {
        self.handshake.capacity()
    }

    /// Frees what is held: nothing more is expected in clear.
    pub(super) fn release(&mut self) {
        self.handshake = Vec::new();
    }

    /// So many bytes are missing. Of records that are encrypted or passed over only the length matters, and that is known.
    pub(super) fn gap(&mut self, length: u64, found: &mut impl FnMut(Record<'_>)) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if let State::Body(mut body) = self.state
            && length <= body.left
        {
            body.left -= length;
            let in_clear = std::mem::replace(&mut body.collect, Collect::Nothing) == Collect::Handshake
                || (body.kind == ALERT && body.length == CLEAR_ALERT);
            self.handshake = Vec::new();
            self.handshake_broken |= in_clear;
            self.state = if body.left == 0 { State::Header } else { State::Body(body) };
            if body.left == 0 && !in_clear {
                self.end_of_record(body, found);
            }
            return;
        }
        self.lose();
    }

    fn lose(&mut self) {
        if self.state != State::Ended {
            self.state = State::Lost;
            self.header.clear();
            self.resynchronised = true;
            self.break_handshake();
        }
    }

    fn break_handshake(&mut self) {
        self.handshake = Vec::new();
        self.handshake_broken |= !self.encrypted;
    }

    /// Takes the next bytes; they begin a segment.
    pub(super) fn data(&mut self, mut bytes: &[u8], found: &mut impl FnMut(Record<'_>)) {
        if self.state == State::Lost && begins_record(bytes) {
            self.state = State::Header;
        }
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Start | State::Header => self.header(bytes, found),
                State::Body(body) => self.body(body, bytes, found),
                State::Lost | State::Ended => return,
            };
        }
    }

    /// Collects a record's five-byte header.
    fn header<'a>(&mut self, bytes: &'a [u8], found: &mut impl FnMut(Record<'_>)) -> &'a [u8] {
        let (taken, rest) = bytes.split_at((5 - self.header.len().min(5)).min(bytes.len()));
        self.header.extend_from_slice(taken);
        let Some(&[kind, major, minor, high, low]) = self.header.first_chunk::<5>() else { return rest };
        let at_start = self.state == State::Start;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if is_record(kind, major, minor, length) {
            self.header.clear();
            let collect = match (kind, self.encrypted) {
                (22, false) => Collect::Handshake,
                (22, true) if length <= LONGEST_HELLO => Collect::PerhapsHello,
                _ => Collect::Nothing,
            };
            let body = Body { kind, length, left: length, first: [0; 2], collect };
            self.state = State::Body(body);
            if length == 0 {
                self.end_of_record(body, found);
            }
        } else if at_start && kind & 0x80 != 0 && minor == 1 && matches!((high, low), (3, _) | (0, 2)) {
            // Here the five bytes are the length, the type of a ClientHello and the version that is asked for.
            let length = usize::from(u16::from_be_bytes([kind & 0x7f, major]));
            found(Record::OldClientHello(u16::from_be_bytes([high, low])));
            self.header.clear();
            let left = length.saturating_sub(3);
            self.state = State::Body(Body { kind: 0, length, left, first: [0; 2], collect: Collect::Nothing });
        } else if at_start {
            found(Record::NotTls(&self.header));
            self.header = Vec::new();
            self.state = State::Ended;
        } else {
            self.lose();
        }
        rest
    }

    fn body<'a>(&mut self, mut body: Body, bytes: &'a [u8], found: &mut impl FnMut(Record<'_>)) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(body.left.min(bytes.len()));
        let at = body.length - body.left;
        for (slot, &byte) in body.first.iter_mut().skip(at).zip(taken) {
            *slot = byte;
        }
        body.left -= taken.len();
        match body.collect {
            Collect::Handshake => {
                self.handshake.extend_from_slice(taken);
                if !self.messages(found) {
                    body.collect = Collect::Nothing;
                }
            }
            Collect::PerhapsHello => self.handshake.extend_from_slice(taken),
            Collect::Nothing => {}
        }
        self.state = State::Body(body);
        if body.left == 0 {
            self.end_of_record(body, found);
        }
        rest
    }

    /// Gives out the messages that are whole. Returns `false` where this is no handshake in clear.
    fn messages(&mut self, found: &mut impl FnMut(Record<'_>)) -> bool {
        let mut at = 0;
        let mut readable = true;
        while let Some(&[kind, a, b, c]) = self.handshake.get(at..).and_then(<[u8]>::first_chunk::<4>) {
            let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
            if !is_handshake_type(kind) || length > LONGEST_MESSAGE {
                if is_handshake_type(kind) && !self.resynchronised {
                    self.too_long.get_or_insert(length);
                }
                readable = false;
                break;
            }
            let Some(message) = self.handshake.get(at..at + 4 + length) else { break };
            found(Record::Handshake(message));
            at += 4 + length;
        }
        if !readable {
            // After a gap the change of cipher may have been missed: this is then simply encrypted.
            self.handshake = Vec::new();
            self.handshake_broken |= !self.resynchronised;
            return false;
        }
        self.handshake.drain(..at);
        true
    }

    fn end_of_record(&mut self, body: Body, found: &mut impl FnMut(Record<'_>)) {
        self.state = State::Header;
        match body.kind {
            20 => {
                self.encrypted = true;
                self.release();
                found(Record::ChangeCipherSpec);
            }
            // Two alerts may share a record.
            ALERT if body.length == CLEAR_ALERT || (body.length == 4 && !self.encrypted && !self.resynchronised) => {
                let [level, description] = body.first;
                found(Record::Alert(level, description));
            }
            ALERT => found(Record::EncryptedAlert),
            22 if body.collect == Collect::PerhapsHello => {
                let record = std::mem::take(&mut self.handshake);
                if is_hello(&record) {
                    self.encrypted = false;
                    found(Record::Handshake(&record));
                } else {
                    found(Record::EncryptedHandshake);
                }
            }
            22 if body.collect == Collect::Nothing => found(Record::EncryptedHandshake),
            23 => found(Record::Data(body.length)),
            _ => {}
        }
    }
}

/// Whether the bytes are exactly one ClientHello or ServerHello.
fn is_hello(record: &[u8]) -> bool {
    record.first_chunk::<4>().is_some_and(|&[kind, a, b, c]| {
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        matches!(kind, 1 | 2) && length + 4 == record.len()
    })
}

const fn is_record(kind: u8, major: u8, minor: u8, length: usize) -> bool {
    matches!(kind, 20..=24) && major == 3 && minor <= 4 && length <= LONGEST_RECORD
}

fn begins_record(bytes: &[u8]) -> bool {
    bytes.first_chunk::<5>().is_some_and(|&[kind, major, minor, high, low]| {
        is_record(kind, major, minor, usize::from(u16::from_be_bytes([high, low])))
    })
}

/// Types of handshake messages that are sent in clear (RFC 5246 7.4, RFC 8446 4, RFC 5077, RFC 6066).
const fn is_handshake_type(kind: u8) -> bool {
    matches!(kind, 0..=2 | 4 | 6 | 11..=16 | 20..=23 | 67)
}
