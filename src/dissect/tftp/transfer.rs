//! The blocks of one transfer, put in order.
//!
//! In: the DATA, ACK, OACK and ERROR messages between one client port and one server port. Out: the complete file, or why
//! there is none. The rule above all: a file is complete only when every byte of it was captured, its end was seen, and all
//! copies of every block agree.

use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::sync::Arc;

use super::super::content::{ContentBuilder, ContentStore, Finished};
use super::message::Options;
use super::netascii::Netascii;
use crate::capture::{FrameId, Moment, Span};
use crate::event::{Content, DownloadEnding, DownloadGap, Refusal, Side, Taken};

/// Blocks delivered last whose fingerprints are kept, so that a copy that differs is noticed.
const RECENT: usize = 32;
/// The default block size (RFC 1350 2).
const DEFAULT_BLOCK_SIZE: usize = 512;

/// What is known of the request that a transfer answers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    /// Whether the request was captured.
    pub(super) seen: bool,
    pub(super) options: Options,
    pub(super) netascii: bool,
}

/// One transfer between a client port and a server port. Blocks are counted from 1 without wrapping.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) server: SocketAddr,
    accepted: Option<Options>,
    content: ContentBuilder,
    netascii: Option<Netascii>,
    /// The block to be delivered next.
    next: u64,
    /// Length of block 1: no block is longer, and all but the last are as long.
    block_length: Option<usize>,
    /// Length of the block delivered last.
    last_length: usize,
    /// Blocks that came before their turn.
    waiting: BTreeMap<u64, Box<[u8]>>,
    waiting_bytes: usize,
    /// The highest block seen, and its length on the wire.
    highest: Option<(u64, usize)>,
    /// Blocks seen beyond a hole after waiting for it was given up.
    beyond_hole: u64,
    acked: Option<u64>,
    /// Every block so far came right after the acknowledgment of the one before.
    lockstep: bool,
    /// The client acknowledged the option acknowledgment.
    options_acked: bool,
    /// The client acknowledged a block 0 after block 65535.
    block_zero_acked: bool,
    rollover: Rollover,
    recent: VecDeque<(u64, u64)>,
    hasher: foldhash::fast::RandomState,
    cut: Option<(u64, FrameId, usize, usize)>,
    broken: Option<Broken>,
    /// How often the highest block was repeated.
    repeats: u32,
    pub(super) retransmits: u32,
    error: Option<ErrorSeen>,
    finished: Option<Finished>,
    /// Bytes of the complete file that count in the store until they are given out.
    kept: usize,
    /// The client said that it knows nothing of it (ERROR 5), and goes on with another.
    disowned: bool,
    /// When the last new block was there.
    pub(super) delivered_at: Moment,
    /// Its frames, up to the acknowledgment of its end.
    pub(super) span: Span,
}

/// What follows block 65535: RFC 1350 does not say, servers do 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rollover {
    ToZero,
    ToOne,
}

/// Why a transfer can never be complete, whatever comes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Broken {
    /// What was sent contradicts itself.
    Never(DownloadGap),
    /// A block did not come although so much followed that it is not waited for any longer.
    Hole,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ErrorSeen {
    by_server: bool,
    code: u16,
    message: String,
}

impl Transfer {
    pub(super) fn new(server: SocketAddr, asked: Asked, moment: Moment) -> Self {
        Self {
            server,
            accepted: None,
            content: ContentBuilder::default(),
            netascii: asked.netascii.then(Netascii::default),
            next: 1,
            block_length: None,
            last_length: 0,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            highest: None,
            beyond_hole: 0,
            acked: None,
            lockstep: true,
            options_acked: false,
            block_zero_acked: false,
            rollover: Rollover::ToZero,
            recent: VecDeque::new(),
            hasher: foldhash::fast::RandomState::default(),
            cut: None,
            broken: None,
            repeats: 0,
            retransmits: 0,
            error: None,
            finished: None,
            kept: 0,
            disowned: false,
            delivered_at: moment,
            span: Span::starting(moment),
        }
    }

    /// The bytes of the complete file, once.
    pub(super) fn take_content(&mut self, store: &mut ContentStore) -> Option<Arc<Content>> {
        store.release(std::mem::take(&mut self.kept));
        self.finished.as_mut()?.content.take()
    }

    /// Frees what it holds.
    pub(super) fn forget(&mut self, store: &mut ContentStore) {
        self.content.discard(store);
        store.release(std::mem::take(&mut self.waiting_bytes) + std::mem::take(&mut self.kept));
    }

    /// Whether the client took it, as far as its own messages to this port say.
    pub(super) fn taken(&self) -> Option<Taken> {
        if self.disowned {
            Some(Taken::Unasked)
        } else if self.error.as_ref().is_some_and(|error| !error.by_server) {
            Some(Taken::Refused)
        } else if self.end_acked() {
            Some(Taken::Acknowledged)
        } else {
            self.is_acked().then_some(Taken::Open)
        }
    }

    /// Whether it is complete and the client acknowledged its last block.
    pub(super) fn end_acked(&self) -> bool {
        self.finished.is_some() && self.acked.is_some_and(|acked| acked + 1 >= self.next)
    }

    /// Whether the client acknowledged anything, be it the options.
    pub(super) const fn is_acked(&self) -> bool {
        self.acked.is_some()
    }

    /// The client knows nothing of it.
    pub(super) const fn disown(&mut self) {
        self.disowned = true;
    }

    /// Whether it cannot be the answer that the client took.
    pub(super) const fn is_disowned(&self) -> bool {
        self.disowned
    }

    /// The complete file; its bytes only until they were taken.
    pub(super) const fn finished(&self) -> Option<&Finished> {
        self.finished.as_ref()
    }

    /// Whether the server refused before it sent anything.
    pub(super) fn refused(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.by_server) && self.highest.is_none()
    }

    /// Whether either side ended it with an error.
    pub(super) const fn has_error(&self) -> bool {
        self.error.is_some()
    }

    /// How many blocks were seen: what tells a likely transfer from chance.
    pub(super) fn blocks(&self) -> u64 {
        self.next - 1 + self.waiting.len() as u64 + self.beyond_hole
    }

    /// Whether the client acknowledged any data.
    pub(super) fn data_acked(&self) -> bool {
        self.acked.is_some_and(|acked| acked > 0)
    }

    /// Whether the server's option acknowledgment was seen.
    pub(super) const fn options_accepted(&self) -> bool {
        self.accepted.is_some()
    }

    /// Whether block 1 from `server` would begin another file: this one is complete, and that is no copy of its first block.
    pub(super) fn is_followed_by(&self, server: SocketAddr, bytes: &[u8]) -> bool {
        // A short file's only block may come twice; that is a question of copies, not of files.
        let another_answer = server != self.server || self.next > 2;
        let print = self.hasher.hash_one(bytes);
        self.finished.is_some() && another_answer && !self.recent.contains(&(1, print))
    }

    /// An option acknowledgment. Returns whether the file is complete now and was not before.
    pub(super) fn option_ack(&mut self, options: Options, asked: Asked, store: &mut ContentStore) -> bool {
        if self.accepted.replace(options).is_some() {
            self.retransmits += 1;
        }
        // It may come after the data where the capture changed the order.
        self.finish_if_ended(asked, store)
    }

    /// An acknowledgment from the client.
    pub(super) fn ack(&mut self, number: u16, moment: Moment) {
        let reference = self.acked.map_or(self.next, |acked| acked.max(self.next));
        // Acknowledging block 0 accepts the options; it means block 65536 only where that is near.
        let block = if number == 0 && reference < 0x8000 { 0 } else { self.locate(number, reference).unwrap_or(0) };
        self.options_acked |= block == 0;
        self.block_zero_acked |= block == 0x1_0000;
        let further = self.acked.is_none_or(|acked| block > acked);
        if further {
            self.acked = Some(block);
        }
        if further || self.finished.is_none() {
            self.span.extend(moment);
        }
    }

    /// An error from either side.
    pub(super) fn error(&mut self, by_server: bool, code: u16, message: String, moment: Moment) {
        if self.error.is_none() && !(by_server && self.finished.is_some()) {
            self.span.extend(moment);
            self.error = Some(ErrorSeen { by_server, code, message });
        }
    }

    /// A block of data; `missing` bytes at its end were cut by the capture. Returns whether the file is complete now and was
    /// not before, or is not any longer.
    pub(super) fn data(
        &mut self,
        number: u16,
        bytes: &[u8],
        missing: usize,
        moment: Moment,
        asked: Asked,
        store: &mut ContentStore,
    ) -> bool {
        let Some(block) = self.locate(number, self.next).filter(|&block| block > 0) else {
            return false;
        };
        let was_complete = self.finished.is_some();
        let first = self.next;
        let known_highest = self.highest.map_or(0, |(highest, _)| highest);
        if block == known_highest {
            self.repeats += 1;
        } else if block > known_highest {
            self.repeats = 0;
            self.highest = Some((block, bytes.len() + missing));
        }
        if missing > 0 {
            if block >= self.next {
                self.cut.get_or_insert((block, moment.frame, bytes.len(), bytes.len() + missing));
            }
            return false;
        }
        if block < self.next {
            self.retransmits += 1;
            let print = self.hasher.hash_one(bytes);
            if self.recent.iter().any(|&(recent, seen)| recent == block && seen != print) {
                self.break_off(Broken::Never(DownloadGap::BlocksDiffer(block)), store);
            }
        } else if self.broken.is_some() {
            self.beyond_hole += u64::from(block > known_highest);
        } else if self.finished.is_some() {
            // What looked like the last block was not.
            self.break_off_after_end(block, store);
        } else if let Some(copy) = self.waiting.get(&block) {
            self.retransmits += 1;
            if **copy != *bytes {
                self.break_off(Broken::Never(DownloadGap::BlocksDiffer(block)), store);
            }
        } else if block == self.next {
            self.lockstep &= self.acked.unwrap_or(0) + 1 == block;
            self.deliver(bytes, asked, store);
            self.deliver_waiting(asked, store);
        } else if !store.reserve(self.waiting_bytes, bytes.len()) {
            store.hit.transfers_too_late += 1;
            self.break_off(Broken::Hole, store);
            self.beyond_hole += 1;
        } else {
            self.waiting_bytes += bytes.len();
            self.waiting.insert(block, bytes.into());
            self.detect_rollover_to_one(asked, store);
        }
        if self.next > first {
            self.delivered_at = moment;
        }
        self.finish_if_ended(asked, store);
        // A block that is repeated behind the end says nothing new.
        if !was_complete || self.finished.is_none() {
            self.span.extend(moment);
        }
        self.finished.is_some() != was_complete
    }

    /// The conversation is over: decides what was left open. Returns whether the file is complete now.
    pub(super) fn conclude(&mut self, asked: Asked, store: &mut ContentStore) -> bool {
        let open = self.finished.is_none() && self.broken.is_none() && self.waiting.is_empty() && self.next > 1;
        if open && self.ends_at_last() {
            let announced = self.accepted.and_then(|options| options.transfer_size);
            let whole = announced == Some(self.content.length()) && !asked.netascii;
            if whole || self.is_single_block_without_options(asked) {
                self.finish(asked, store);
            }
        }
        if self.finished.is_none() {
            self.content.discard(store);
            store.release(std::mem::take(&mut self.waiting_bytes));
        }
        self.finished.is_some()
    }

    /// Whether nothing after the last delivered block was seen or acknowledged.
    fn ends_at_last(&self) -> bool {
        let last = self.next - 1;
        self.highest.is_none_or(|(highest, _)| highest <= last) && self.acked.is_none_or(|acked| acked <= last)
    }

    /// A block size was asked for and no answer to that was seen, neither from the server nor in what the client acknowledged:
    /// the server ignores options, and one short block is the whole file.
    fn is_single_block_without_options(&self, asked: Asked) -> bool {
        let ignored = asked.seen && self.accepted.is_none() && !self.options_acked && self.data_acked();
        ignored && self.next == 2 && self.last_length < DEFAULT_BLOCK_SIZE
    }

    fn deliver(&mut self, bytes: &[u8], asked: Asked, store: &mut ContentStore) {
        let block = self.next;
        let length = *self.block_length.get_or_insert(bytes.len());
        if bytes.len() > length {
            return self.break_off(Broken::Never(DownloadGap::BlockTooLong(block)), store);
        }
        let ended_before =
            block > 1 && (self.last_length < length || self.block_size(asked).is_some_and(|size| size != length));
        if ended_before {
            return self.break_off_after_end(block, store);
        }
        match &mut self.netascii {
            Some(netascii) => self.content.push(&netascii.decode(bytes), store),
            None => self.content.push(bytes, store),
        }
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((block, self.hasher.hash_one(bytes)));
        self.last_length = bytes.len();
        self.next += 1;
    }

    fn deliver_waiting(&mut self, asked: Asked, store: &mut ContentStore) {
        while self.broken.is_none()
            && let Some(bytes) = self.waiting.remove(&self.next)
        {
            self.waiting_bytes -= bytes.len();
            store.release(bytes.len());
            self.deliver(&bytes, asked, store);
        }
    }

    /// The negotiated block size, where the capture says what it is.
    fn block_size(&self, asked: Asked) -> Option<usize> {
        match self.accepted {
            Some(options) => Some(options.block_size.unwrap_or(DEFAULT_BLOCK_SIZE)),
            None if asked.seen && asked.options.block_size.is_none() => Some(DEFAULT_BLOCK_SIZE),
            // A second block proves the size of the first.
            None if self.next > 2 => self.block_length,
            None => None,
        }
    }

    fn finish_if_ended(&mut self, asked: Asked, store: &mut ContentStore) -> bool {
        let ended = self.next > 1
            && self.finished.is_none()
            && self.broken.is_none()
            && self.waiting.is_empty()
            && self.block_size(asked).is_some_and(|size| self.last_length < size);
        if ended {
            self.finish(asked, store);
        }
        ended && self.finished.is_some()
    }

    fn finish(&mut self, asked: Asked, store: &mut ContentStore) {
        let announced = self.accepted.and_then(|options| options.transfer_size);
        let found = self.content.length();
        // In netascii the length on the wire is not that of the file, and servers announce either.
        if let Some(announced) = announced.filter(|&announced| announced != found && !asked.netascii) {
            return self.break_off(Broken::Never(DownloadGap::LengthDiffers { announced, found }), store);
        }
        if let Some(netascii) = &mut self.netascii {
            self.content.push(netascii.finish(), store);
        }
        let finished = std::mem::take(&mut self.content).finish(store);
        self.kept = finished.content.as_ref().map_or(0, |content| store.keep(content));
        self.finished = Some(finished);
    }

    fn break_off_after_end(&mut self, block: u64, store: &mut ContentStore) {
        self.break_off(Broken::Never(DownloadGap::BlockAfterEnd { block, end: self.next - 1 }), store);
    }

    fn break_off(&mut self, why: Broken, store: &mut ContentStore) {
        self.beyond_hole += self.waiting.len() as u64;
        self.waiting.clear();
        store.release(std::mem::take(&mut self.waiting_bytes));
        self.content.discard(store);
        store.release(std::mem::take(&mut self.kept));
        self.finished = None;
        self.broken.get_or_insert(why);
    }

    /// The block that a 16-bit number means: the one nearest to `reference`.
    fn locate(&self, number: u16, reference: u64) -> Option<u64> {
        let (modulus, position, expected) = match self.rollover {
            Rollover::ToZero => (0x1_0000, i64::from(number), reference % 0x1_0000),
            Rollover::ToOne => (0xffff, i64::from(number.checked_sub(1)?), reference.saturating_sub(1) % 0xffff),
        };
        let mut distance = position - i64::try_from(expected).ok()?;
        if distance > modulus / 2 {
            distance -= modulus;
        } else if distance < -modulus / 2 {
            distance += modulus;
        }
        reference.checked_add_signed(distance)
    }

    /// After block 65535 came block 1. Either the server counts so, or block 0 was lost. It is believed only where nothing
    /// else can be: every block and acknowledgment before was seen in its turn, block 1 was acknowledged and followed by block
    /// 2, and of block 0 there is no trace; or the announced size will prove it.
    fn detect_rollover_to_one(&mut self, asked: Asked, store: &mut ContentStore) {
        if self.rollover == Rollover::ToOne || self.next != 0x1_0000 {
            return;
        }
        let followed = self.waiting.contains_key(&0x1_0001) && self.waiting.contains_key(&0x1_0002);
        let provable = self.accepted.is_some_and(|options| options.transfer_size.is_some_and(|size| size > 0));
        if !followed || !(provable || (self.lockstep && !self.block_zero_acked && self.acked == Some(0x1_0001))) {
            return;
        }
        self.rollover = Rollover::ToOne;
        self.waiting = std::mem::take(&mut self.waiting).into_iter().map(|(block, bytes)| (block - 1, bytes)).collect();
        self.highest = self.highest.map(|(block, length)| (block - 1, length));
        self.acked = self.acked.map(|block| if block > 0xffff { block - 1 } else { block });
        self.deliver_waiting(asked, store);
    }

    /// How it ended, where the file is not complete.
    pub(super) fn ending(&self, asked: Asked) -> DownloadEnding {
        if let Some(finished) = &self.finished {
            return DownloadEnding::Complete { length: finished.length };
        }
        match &self.error {
            Some(error) if self.refused() => {
                DownloadEnding::Refused(Refusal::Tftp { code: error.code, message: error.message.clone() })
            }
            _ => DownloadEnding::Incomplete(self.gap(asked)),
        }
    }

    /// Why the file is not complete.
    fn gap(&self, asked: Asked) -> DownloadGap {
        if let Some(ErrorSeen { by_server, code, message }) = &self.error {
            let by = if *by_server { Side::Server } else { Side::Client };
            return DownloadGap::Ended { by, code: *code, message: message.clone() };
        }
        match &self.broken {
            Some(Broken::Never(gap)) => return gap.clone(),
            Some(Broken::Hole) | None => {}
        }
        if let Some((block, frame, captured, length)) = self.cut.filter(|&(block, ..)| block == self.next) {
            return DownloadGap::BlockCut { block, frame: frame.number, captured, length };
        }
        let Some((highest, length)) = self.highest else {
            return match self.acked {
                Some(acked) if acked > 0 => DownloadGap::DataUnseen { acked },
                _ => DownloadGap::NoData,
            };
        };
        let next = self.next;
        if highest >= next {
            let size = self.block_size(asked).or(self.block_length);
            let of = size.is_some_and(|size| length < size).then_some(highest);
            let missing = highest.saturating_sub(self.blocks()).max(1);
            return DownloadGap::BlocksMissing {
                first: next,
                missing,
                of,
                acked: self.acked.map(|acked| acked >= next),
            };
        }
        if self.acked.is_some_and(|acked| acked >= next) {
            return DownloadGap::EndUncaptured { last: highest, next };
        }
        let unacked = self.acked.is_some_and(|acked| acked < highest);
        DownloadGap::EndMissing { last: highest, length, unacked, repeats: self.repeats }
    }
}
