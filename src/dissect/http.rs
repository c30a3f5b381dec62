//! Files over HTTP (domain.md 4.4, RFC 9110, RFC 9112).
//!
//! In: the two streams of a connection to port 6970. Out: one [`Download`] for each GET. An answer is given its request's name
//! only where the streams say which request it answers; a file is complete only where its length was announced and every byte
//! of it was captured, or the server ended the connection behind it.

mod heads;
mod message;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::content::{ContentBuilder, ContentStore, Finished};
use super::reader::{ConnectionFacts, Piece, Shared, StreamReader};
use crate::capture::{Moment, Span};
use crate::event::{Download, DownloadEnding, DownloadGap, Event, Outcome, Refusal, Side, Silence, Taken, Transport};

use heads::{Asked, Encoding, Part, Status};
use message::{Framing, MessageReader, Sink};

/// Requests that may wait for their answers at once; phones send one after the other.
const MOST_WAITING: usize = 64;
/// Finished downloads that a late copy of their bytes may still prove wrong.
const MOST_RECENT: usize = 8;

/// Reads the HTTP messages of a connection.
#[derive(Debug)]
pub(super) struct HttpStreams {
    /// Of the download that the connection was for, where it never came to a request.
    id: u64,
    requests: MessageReader,
    responses: MessageReader,
    client_seen: bool,
    exchange: Exchange,
}

/// What was asked for and what came.
#[derive(Debug)]
struct Exchange {
    client: SocketAddr,
    server: SocketAddr,
    /// Requests without an answer yet, in order.
    waiting: VecDeque<Request>,
    /// Whether the next answer belongs to the first of them.
    paired: Pairing,
    answer: Option<Answer>,
    parts: Option<Parts>,
    /// Bytes of the server's stream so far, those that are missing among them.
    position: u64,
    recent: VecDeque<(u64, Download)>,
    server_seen: bool,
    server_broken: bool,
    /// Bytes of the server's stream that the client acknowledged.
    acked: u64,
    facts: ConnectionFacts,
}

/// Whether answers can be given to requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pairing {
    /// Both streams were read from their beginnings, and nothing is missing.
    Known,
    /// A request or an answer may have been missed.
    Lost,
}

#[derive(Debug, Clone)]
struct Request {
    id: u64,
    asked: Asked,
    span: Span,
}

/// An answer whose body comes.
#[derive(Debug)]
struct Answer {
    request: Option<Request>,
    status: Status,
    content: ContentBuilder,
    /// Bytes of the body that are missing.
    missing: u64,
    received: u64,
    span: Span,
}

/// A file that was asked for in parts, from its beginning on.
#[derive(Debug)]
struct Parts {
    file: String,
    total: u64,
    tag: Option<String>,
    content: ContentBuilder,
}

impl HttpStreams {
    pub(super) fn new(id: u64, client: SocketAddr, server: SocketAddr) -> Self {
        Self {
            id,
            requests: MessageReader::default(),
            responses: MessageReader::default(),
            client_seen: false,
            exchange: Exchange {
                client,
                server,
                waiting: VecDeque::new(),
                paired: Pairing::Known,
                answer: None,
                parts: None,
                position: 0,
                recent: VecDeque::new(),
                server_seen: false,
                server_broken: false,
                acked: 0,
                facts: ConnectionFacts::default(),
            },
        }
    }
}

impl StreamReader for HttpStreams {
    fn piece(&mut self, side: Side, piece: Piece<'_>, moment: Moment, shared: &mut Shared<'_>) {
        self.exchange.facts = shared.facts;
        match side {
            Side::Client => {
                self.client_seen = true;
                let mut sink = RequestSink { exchange: &mut self.exchange, moment, shared };
                match piece {
                    Piece::Data(bytes) => self.requests.data(bytes, &mut sink),
                    Piece::Gap(length) => self.requests.gap(length, &mut sink),
                    Piece::Conflict(_) => self.requests.lose(&mut sink),
                }
            }
            Side::Server => {
                self.exchange.server_seen = true;
                if let Piece::Conflict(at) = piece {
                    self.exchange.retract(at, moment, shared);
                }
                let length = match piece {
                    Piece::Data(bytes) => bytes.len() as u64,
                    Piece::Gap(length) => length,
                    Piece::Conflict(_) => 0,
                };
                let start = self.exchange.position;
                let mut sink =
                    ResponseSink { exchange: &mut self.exchange, moment, shared, end: start.saturating_add(length) };
                match piece {
                    Piece::Data(bytes) => self.responses.data(bytes, &mut sink),
                    Piece::Gap(length) => self.responses.gap(length, &mut sink),
                    Piece::Conflict(_) => self.responses.lose(&mut sink),
                }
                self.exchange.position = start.saturating_add(length);
            }
        }
    }

    fn begin_in_the_middle(&mut self, side: Side) {
        self.exchange.paired = Pairing::Lost;
        match side {
            Side::Client => self.requests.begin_in_the_middle(),
            Side::Server => self.responses.begin_in_the_middle(),
        }
    }

    fn acknowledged(&mut self, side: Side, offset: u64, shared: &mut Shared<'_>) {
        if side == Side::Server {
            self.exchange.facts = shared.facts;
            self.exchange.acked = offset;
            self.exchange.settle(|end| end <= offset, Taken::Acknowledged, shared.events);
        }
    }

    fn conclude(&mut self, facts: &ConnectionFacts, span: Span, shared: &mut Shared<'_>) {
        self.exchange.facts = *facts;
        let whole = self.responses.reads_to_end() && facts.server_ended && facts.reset.is_none();
        if whole {
            let end = self.exchange.position;
            ResponseSink { exchange: &mut self.exchange, moment: span.last, shared, end }.end();
        }
        if !self.client_seen && !self.exchange.server_seen && facts.syns > 0 && !facts.server_answered {
            self.exchange.tell_unreachable(self.id, facts, span, shared.events);
        }
        self.exchange.conclude(facts, shared);
    }

    fn held(&self) -> usize {
        let answer = self.exchange.answer.as_ref().map_or(0, |answer| answer.content.held());
        let parts = self.exchange.parts.as_ref().map_or(0, |parts| parts.content.held());
        self.requests.held() + self.responses.held() + answer + parts
    }
}

impl Exchange {
    fn download(&self, request: &Request, ending: DownloadEnding, span: Span) -> Download {
        Download {
            id: request.id,
            transport: Transport::Http,
            asked_for: request.asked.file.clone(),
            client: self.client,
            server: self.server,
            ending,
            taken: Taken::Open,
            client_seen: self.facts.client_seen,
            hardware: self.facts.hardware.one(),
            content: None,
            hashed: None,
            retransmits: 0,
            completed: None,
            span,
        }
    }

    /// A request or an answer was missed: which answer belongs to which request is not known any more.
    fn lose_pairing(&mut self, shared: &mut Shared<'_>) {
        self.paired = Pairing::Lost;
        self.parts = None;
        for request in std::mem::take(&mut self.waiting) {
            self.tell_gap(&request, DownloadGap::Unpaired, request.span, shared.events);
        }
    }

    fn tell(&self, request: &Request, ending: DownloadEnding, span: Span, events: &mut Vec<Event>) {
        if request.asked.is_get {
            events.push(Event::Download(Box::new(self.download(request, ending, span))));
        }
    }

    fn tell_gap(&self, request: &Request, gap: DownloadGap, span: Span, events: &mut Vec<Event>) {
        self.tell(request, DownloadEnding::Incomplete(gap), span, events);
    }

    /// The client is known to have taken, or to have refused, what came.
    fn settle(&mut self, which: impl Fn(u64) -> bool, taken: Taken, events: &mut Vec<Event>) {
        for (end, download) in &mut self.recent {
            if download.taken == Taken::Open && which(*end) {
                download.taken = taken;
                download.client_seen = self.facts.client_seen;
                download.hardware = self.facts.hardware.one();
                events.push(Event::Download(Box::new(download.clone())));
            }
        }
    }

    /// Two copies of bytes behind this offset differ: what was told of files there is taken back.
    fn retract(&mut self, at: u64, moment: Moment, shared: &mut Shared<'_>) {
        for (end, download) in &mut self.recent {
            if *end > at && download.outcome() == Outcome::Complete {
                download.ending = DownloadEnding::Incomplete(DownloadGap::BytesDiffer);
                (download.completed, download.content, download.hashed) = (None, None, None);
                download.span.extend(moment);
                shared.events.push(Event::Download(Box::new(download.clone())));
            }
        }
    }

    /// What comes of a whole answer.
    fn finish(&mut self, answer: Answer, moment: Moment, end: u64, shared: &mut Shared<'_>) {
        let Answer { request, status, mut content, missing, received, mut span } = answer;
        span.extend(moment);
        let known = request.is_some();
        let request = request.unwrap_or_else(|| Request { id: shared.store.new_id(), asked: Asked::unknown(), span });
        if !request.asked.is_get {
            content.discard(shared.store);
            return;
        }
        let finished = if missing > 0 {
            content.discard(shared.store);
            Err(DownloadEnding::Incomplete(DownloadGap::BytesMissing { missing, of: received + missing }))
        } else {
            self.judge(&status, known, content, &request.asked, shared.store)
        };
        let (ending, finished) = match finished {
            Ok(finished) => (DownloadEnding::Complete { length: finished.length }, Some(finished)),
            Err(ending) => (ending, None),
        };
        // An answer to nobody knows what is told only where it is a file.
        if !known && finished.is_none() {
            return;
        }
        let mut told = self.download(&request, ending, span);
        if let Some(Finished { content, hashed, .. }) = finished {
            told.hashed = hashed;
            told.completed = Some(moment);
            if self.acked >= end {
                told.taken = Taken::Acknowledged;
            }
            if self.recent.len() >= MOST_RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back((end, told.clone()));
            told.content = content;
        }
        shared.events.push(Event::Download(Box::new(told)));
    }

    /// The whole file, if this answer or the parts before it make it up.
    fn judge(
        &mut self,
        status: &Status,
        known: bool,
        mut content: ContentBuilder,
        asked: &Asked,
        store: &mut ContentStore,
    ) -> Result<Finished, DownloadEnding> {
        if status.encoding == Encoding::Other {
            content.discard(store);
            return Err(DownloadEnding::Incomplete(DownloadGap::Coded));
        }
        match (status.code, &status.part) {
            (200 | 203, _) => Ok(content.finish(store)),
            (206, Some(part)) if known => self.part(part, status, content, asked, store),
            (206, _) => {
                content.discard(store);
                Err(DownloadEnding::Incomplete(DownloadGap::Part))
            }
            (204 | 304, _) => {
                content.discard(store);
                let words = status.reason.clone();
                Err(DownloadEnding::Incomplete(DownloadGap::NoFile { status: status.code, words }))
            }
            (code, _) => {
                content.discard(store);
                Err(DownloadEnding::Refused(Refusal::Http { status: code, words: status.reason.clone() }))
            }
        }
    }

    /// A part of a file (RFC 9110 14): the file is complete when parts that follow one another from its beginning, of one
    /// version of it, cover it.
    fn part(
        &mut self,
        part: &Part,
        status: &Status,
        mut content: ContentBuilder,
        asked: &Asked,
        store: &mut ContentStore,
    ) -> Result<Finished, DownloadEnding> {
        let &Part { first, last, total } = part;
        let range = DownloadEnding::Incomplete(DownloadGap::Range { first, last, total });
        let length = (last - first).saturating_add(1);
        let (Some(total), Some(file), true) = (total, &asked.file, content.length() == length) else {
            content.discard(store);
            return Err(range);
        };
        if first == 0 {
            if let Some(mut before) = self.parts.take() {
                before.content.discard(store);
            }
            if length == total {
                return Ok(content.finish(store));
            }
            self.parts = Some(Parts { file: file.clone(), total, tag: status.tag.clone(), content });
            return Err(range);
        }
        let follows = self.parts.as_ref().is_some_and(|parts| {
            parts.file == *file
                && parts.total == total
                && parts.content.length() == first
                && parts.tag == status.tag
                && status.tag.is_some()
        });
        // Its bytes must be at hand to be put behind the others.
        let bytes = content.finish(store).content;
        match (&mut self.parts, bytes) {
            (Some(parts), Some(bytes)) if follows => parts.content.push(&bytes.bytes, store),
            _ => return Err(range),
        }
        match self.parts.take() {
            Some(parts) if parts.content.length() == total => Ok(parts.content.finish(store)),
            parts => {
                self.parts = parts;
                Err(range)
            }
        }
    }

    /// Nobody took the connection: the phone came to no request, and will ask for its file in another way.
    fn tell_unreachable(&self, id: u64, facts: &ConnectionFacts, span: Span, events: &mut Vec<Event>) {
        let request = Request { id, asked: Asked::unknown(), span };
        let ending = DownloadEnding::Unanswered(Silence::NotConnected(facts.not_connected()));
        self.tell(&request, ending, span, events);
    }

    /// The connection is over: requests without an answer, and an answer without its end.
    fn conclude(&mut self, facts: &ConnectionFacts, shared: &mut Shared<'_>) {
        if facts.reset_by() == Some(Side::Client) {
            self.settle(|_| true, Taken::Refused, shared.events);
        }
        if let Some(mut answer) = self.answer.take() {
            answer.content.discard(shared.store);
            if let Some(request) = answer.request.filter(|request| request.asked.is_get) {
                let gap = DownloadGap::BodyEnds { after: answer.received, reset: facts.reset_by() };
                let mut told = self.download(&request, DownloadEnding::Incomplete(gap), answer.span);
                if facts.reset_by() == Some(Side::Client) {
                    told.taken = Taken::Refused;
                }
                shared.events.push(Event::Download(Box::new(told)));
            }
        }
        for request in std::mem::take(&mut self.waiting) {
            let ending = if !self.server_seen && !facts.syn_acked && !facts.server_ended {
                DownloadEnding::Incomplete(DownloadGap::OneSide)
            } else if self.server_broken {
                DownloadEnding::Incomplete(DownloadGap::AnswerMissing)
            } else {
                let silence = facts.reset_by().map_or(Silence::Requests { count: 1, nanos: 0 }, Silence::Reset);
                DownloadEnding::Unanswered(silence)
            };
            self.tell(&request, ending, request.span, shared.events);
        }
    }
}

/// Takes what the client's stream says.
struct RequestSink<'a, 'b> {
    exchange: &'a mut Exchange,
    moment: Moment,
    shared: &'a mut Shared<'b>,
}

impl Sink for RequestSink<'_, '_> {
    fn head(&mut self, head: &[u8]) -> Option<Framing> {
        let (asked, framing) = Asked::parse(head)?;
        let request = Request { id: self.shared.store.new_id(), asked, span: Span::starting(self.moment) };
        self.exchange.tell(&request, DownloadEnding::Open, request.span, self.shared.events);
        if self.exchange.paired == Pairing::Lost || self.exchange.waiting.len() >= MOST_WAITING {
            self.exchange.waiting.push_back(request);
            self.exchange.lose_pairing(self.shared);
        } else {
            self.exchange.waiting.push_back(request);
        }
        Some(framing)
    }

    fn body(&mut self, _: &[u8]) {}

    fn hole(&mut self, _: u64) {}

    fn end(&mut self) {}

    fn lost(&mut self) {
        self.exchange.lose_pairing(self.shared);
    }
}

/// Takes what the server's stream says.
struct ResponseSink<'a, 'b> {
    exchange: &'a mut Exchange,
    moment: Moment,
    shared: &'a mut Shared<'b>,
    /// Offset in the stream behind the piece that is read.
    end: u64,
}

impl Sink for ResponseSink<'_, '_> {
    fn head(&mut self, head: &[u8]) -> Option<Framing> {
        let (status, framing) = Status::parse(head)?;
        // Not yet the answer (RFC 9110 15.2).
        if (100..200).contains(&status.code) {
            return Some(Framing::Length(0));
        }
        let request = if self.exchange.paired == Pairing::Known { self.exchange.waiting.pop_front() } else { None };
        if request.is_none() {
            // Its request was not captured, or comes late: it must not be given the next answer.
            self.exchange.lose_pairing(self.shared);
        }
        let has_body =
            request.as_ref().is_none_or(|request| !request.asked.is_head) && !matches!(status.code, 204 | 304);
        let span = request.as_ref().map_or_else(|| Span::starting(self.moment), |request| request.span);
        let content = ContentBuilder::uncounted();
        self.exchange.answer = Some(Answer { request, status, content, missing: 0, received: 0, span });
        Some(if has_body { framing } else { Framing::Length(0) })
    }

    fn body(&mut self, bytes: &[u8]) {
        if let Some(answer) = &mut self.exchange.answer {
            answer.span.extend(self.moment);
            answer.received += bytes.len() as u64;
            if answer.missing == 0 {
                answer.content.push(bytes, self.shared.store);
            }
        }
    }

    fn hole(&mut self, length: u64) {
        if let Some(answer) = &mut self.exchange.answer {
            answer.content.discard(self.shared.store);
            answer.missing = answer.missing.saturating_add(length);
        }
    }

    fn end(&mut self) {
        if let Some(answer) = self.exchange.answer.take() {
            self.exchange.finish(answer, self.moment, self.end, self.shared);
        }
    }

    fn lost(&mut self) {
        self.exchange.server_broken = true;
        if let Some(mut answer) = self.exchange.answer.take() {
            answer.content.discard(self.shared.store);
            if let Some(request) = &answer.request {
                let gap = DownloadGap::BodyLost { after: answer.received };
                self.exchange.tell_gap(request, gap, answer.span, self.shared.events);
            }
        }
        self.exchange.lose_pairing(self.shared);
    }
}
