//! HTTP/1.1 messages in a stream (RFC 9112 6, 7): where one ends and the next begins.
//!
//! In: the bytes of one direction in order, and gaps. Out, to a [`Sink`]: heads, the bytes of bodies without their framing, and
//! holes in them. It refuses to know what messages say: how a body is framed, the sink reads from the head.

use super::super::head::head_length;

/// Longer heads, and longer lines between chunks, belong to nobody of interest.
const LONGEST_HEAD: usize = 16 << 10;
const LONGEST_LINE: usize = 1 << 10;

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes; none where there is no body.
    Length(u64),
    Chunked,
    /// It ends with the connection.
    ToEnd,
}

/// Who takes what was read.
pub(super) trait Sink {
    /// A whole head. The framing of its body; `None` where it is no head.
    fn head(&mut self, head: &[u8]) -> Option<Framing>;
    /// The next bytes of the body.
    fn body(&mut self, bytes: &[u8]);
    /// So many bytes of the body are missing.
    fn hole(&mut self, length: u64);
    /// The body is whole.
    fn end(&mut self);
    /// Where messages begin and end is not known any more.
    fn lost(&mut self);
}

/// Reads the messages of one direction.
#[derive(Debug, Default)]
pub(super) struct MessageReader {
    state: State,
    /// A head, or a line between chunks, that is not whole yet.
    buffer: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In a head; so many bytes were searched for its end.
    #[default]
    Start,
    Head {
        searched: usize,
    },
    /// In a body of which so many bytes are left.
    Body(u64),
    /// In the line with a chunk's size.
    ChunkSize,
    Chunk(u64),
    /// Behind a chunk's bytes: a line break.
    ChunkEnd,
    /// In the lines behind the last chunk.
    Trailer,
    ToEnd,
    /// Somewhere; the next segment that begins with a message is believed.
    Lost,
}

impl MessageReader {
    /// The stream's beginning was not captured.
    pub(super) const fn begin_in_the_middle(&mut self) {
        if matches!(self.state, State::Start) {
            self.state = State::Lost;
        }
    }

    /// Bytes held.
    pub(super) const fn held(&self) -> usize {
        self.buffer.capacity()
    }

    /// Whether the body goes on until the connection ends.
    pub(super) const fn reads_to_end(&self) -> bool {
        matches!(self.state, State::ToEnd)
    }

    pub(super) fn lose(&mut self, sink: &mut impl Sink) {
        self.state = State::Lost;
        self.buffer = Vec::new();
        sink.lost();
    }

    pub(super) fn gap(&mut self, length: u64, sink: &mut impl Sink) {
        match self.state {
            State::Body(left) if length <= left => {
                sink.hole(length);
                self.body_goes_on(left - length, sink);
            }
            State::ToEnd => sink.hole(length),
            State::Lost => {}
            _ => self.lose(sink),
        }
    }

    /// Takes the next bytes; they begin a segment.
    pub(super) fn data(&mut self, mut bytes: &[u8], sink: &mut impl Sink) {
        if self.state == State::Lost && begins_message(bytes) {
            self.state = State::Start;
        }
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Start => {
                    let blank = bytes.iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count();
                    let rest = bytes.get(blank..).unwrap_or_default();
                    if !rest.is_empty() {
                        self.state = State::Head { searched: 0 };
                    }
                    rest
                }
                State::Head { searched } => self.head(searched, bytes, sink),
                State::Body(left) => {
                    let (taken, rest) = split(bytes, left);
                    sink.body(taken);
                    self.body_goes_on(left - taken.len() as u64, sink);
                    rest
                }
                State::ToEnd => {
                    sink.body(bytes);
                    return;
                }
                State::Chunk(left) => {
                    let (taken, rest) = split(bytes, left);
                    sink.body(taken);
                    let left = left - taken.len() as u64;
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                    rest
                }
                State::ChunkSize | State::ChunkEnd | State::Trailer => self.line(bytes, sink),
                State::Lost => return,
            };
        }
    }

    fn body_goes_on(&mut self, left: u64, sink: &mut impl Sink) {
        self.state = if left == 0 { State::Start } else { State::Body(left) };
        if left == 0 {
            sink.end();
        }
    }

    fn head<'a>(&mut self, searched: usize, bytes: &'a [u8], sink: &mut impl Sink) -> &'a [u8] {
        let before = self.buffer.len();
        self.buffer.extend_from_slice(bytes.get(..bytes.len().min(LONGEST_HEAD)).unwrap_or_default());
        let Some(length) = head_length(&self.buffer, searched) else {
            self.state = State::Head { searched: self.buffer.len() };
            if self.buffer.len() >= LONGEST_HEAD || !may_begin(&self.buffer) {
                self.lose(sink);
            }
            return &[];
        };
        let head = std::mem::take(&mut self.buffer);
        let framing = head.get(..length).and_then(|head| sink.head(head));
        match framing {
            Some(Framing::Length(length)) => self.body_goes_on(length, sink),
            Some(Framing::Chunked) => self.state = State::ChunkSize,
            Some(Framing::ToEnd) => self.state = State::ToEnd,
            None => {
                self.lose(sink);
                return &[];
            }
        }
        bytes.get(length.saturating_sub(before)..).unwrap_or_default()
    }

    /// A line of the chunked coding (RFC 9112 7.1).
    fn line<'a>(&mut self, bytes: &'a [u8], sink: &mut impl Sink) -> &'a [u8] {
        let end = memchr::memchr(b'\n', bytes);
        let (taken, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() > LONGEST_LINE {
            self.lose(sink);
            return &[];
        }
        if end.is_none() {
            return rest;
        }
        let line = std::mem::take(&mut self.buffer);
        let line = line.trim_ascii();
        self.state = match self.state {
            State::ChunkEnd if line.is_empty() => State::ChunkSize,
            State::ChunkSize => match chunk_size(line) {
                Some(0) => State::Trailer,
                Some(size) => State::Chunk(size),
                None => State::Lost,
            },
            State::Trailer if line.is_empty() => {
                sink.end();
                State::Start
            }
            State::Trailer => State::Trailer,
            _ => State::Lost,
        };
        if self.state == State::Lost {
            self.lose(sink);
            return &[];
        }
        rest
    }
}

fn split(bytes: &[u8], left: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()))
}

/// The size, before extensions that nobody uses.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii();
    let text = std::str::from_utf8(digits).ok()?;
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// Whether a head could begin with these bytes, as far as they go.
fn may_begin(bytes: &[u8]) -> bool {
    let start = bytes.get(..bytes.len().min(5)).unwrap_or_default();
    b"HTTP/".starts_with(start) || start.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b' ' || *byte == b'/')
}

/// `GET /file HTTP/1.1` or `HTTP/1.1 200 OK`.
fn begins_message(bytes: &[u8]) -> bool {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let is_request = line.first().is_some_and(u8::is_ascii_uppercase)
        && (line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0"));
    line.starts_with(b"HTTP/1.") || is_request
}
