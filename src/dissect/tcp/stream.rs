//! One direction of a TCP connection, put in order.
//!
//! In: segments, in any order, repeated, overlapping, cut, some of them missing. Out: pieces of the byte stream in order, and
//! gaps where bytes are not in the capture. Sequence numbers are compared modulo 2^32 (RFC 9293 3.4); inside, bytes are
//! counted from the first one without wrapping. Where two copies of a byte differ, that is told: nothing says which of them the
//! receiver took.

use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher;

use crate::capture::Moment;

/// What the stream yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Piece<'a> {
    /// The next bytes.
    Data(&'a [u8]),
    /// The next bytes are not in the capture: so many.
    Gap(u64),
    /// Two copies of some bytes differ: what was read around here cannot be trusted.
    Conflict,
}

/// Segments delivered last whose fingerprints are kept, so that a copy that differs is noticed.
const RECENT: usize = 16;
/// What a piece that waits costs besides its bytes.
const OVERHEAD: usize = 64;
/// A hole that the receiver acknowledged is given up after so many further segments: by then reordering is over.
const PATIENCE: u32 = 16;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(in super::super) struct Stream {
    /// Sequence number of the byte with offset 0.
    base: Option<u32>,
    /// Offset of the byte to be delivered next.
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    waiting_bytes: usize,
    /// Segments that came since the first of those that wait.
    since_hole: u32,
    /// Highest offset that the receiver acknowledged.
    acked: u64,
    /// Offset at which the sender ended the stream.
    end: Option<u64>,
    recent: VecDeque<(u64, usize, u64)>,
    hasher: foldhash::fast::RandomState,
}

#[derive(Debug)]
struct Waiting {
    bytes: Box<[u8]>,
    moment: Moment,
}

impl Stream {
    /// The sender's SYN: its first byte of data has the next sequence number.
    pub(super) fn open(&mut self, seq: u32) {
        self.base.get_or_insert(seq.wrapping_add(1));
    }

    /// Whether the stream begins with the byte after this SYN, as far as is known.
    pub(super) fn begins_after(&self, syn: u32) -> bool {
        self.base.is_none_or(|base| base == syn.wrapping_add(1))
    }

    /// Whether the sender's first sequence number is known, from its SYN or its first segment.
    pub(super) const fn is_open(&self) -> bool {
        self.base.is_some()
    }

    /// Whether bytes of the stream were seen, delivered or waiting.
    pub(super) fn has_data(&self) -> bool {
        self.next > 0 || !self.waiting.is_empty()
    }

    /// Bytes held back.
    pub(super) const fn held(&self) -> usize {
        self.waiting_bytes
    }

    /// Whether everything up to the sender's FIN was delivered and acknowledged, the FIN too.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end && self.acked > end)
    }

    /// Takes a segment's payload, of which `missing` bytes at the end were not captured. `fin` ends the stream behind it.
    /// At most `limit` bytes are held back; what would exceed it makes the hole before it a gap.
    pub(super) fn segment(
        &mut self,
        seq: u32,
        (payload, missing): (&[u8], usize),
        fin: bool,
        moment: Moment,
        limit: usize,
        deliver: &mut impl FnMut(Piece<'_>, Moment),
    ) {
        if payload.is_empty() && missing == 0 && !fin {
            return;
        }
        let base = *self.base.get_or_insert(seq);
        let Some(start) = self.offset(base, seq) else { return self.before_start(base, seq, payload, moment, deliver) };
        let end = start + payload.len() as u64;
        if fin {
            self.end.get_or_insert(end + missing as u64);
        }
        if !self.waiting.is_empty() {
            self.since_hole = self.since_hole.saturating_add(1);
        }
        if start < self.next && self.contradicts(start, payload) {
            deliver(Piece::Conflict, moment);
        }
        if end <= self.next {
            return self.give_up_acknowledged_holes(deliver);
        }
        if start > self.next || !self.waiting.is_empty() {
            if self.wait(start, payload, moment) {
                deliver(Piece::Conflict, moment);
            }
        } else {
            let fresh =
                usize::try_from(self.next - start).ok().and_then(|known| payload.get(known..)).unwrap_or_default();
            self.remember(start, payload);
            self.next = end;
            deliver(Piece::Data(fresh), moment);
        }
        self.deliver_waiting(moment, deliver);
        while self.waiting_bytes > limit {
            self.skip_hole(deliver);
        }
        self.give_up_acknowledged_holes(deliver);
    }

    /// The receiver acknowledged everything before `ack`.
    pub(super) fn acknowledge(&mut self, ack: u32) {
        if let Some(offset) = self.base.and_then(|base| self.offset(base, ack)) {
            self.acked = self.acked.max(offset);
        }
    }

    /// Nothing more will come: delivers what waits, with gaps where nothing came.
    pub(super) fn flush(&mut self, deliver: &mut impl FnMut(Piece<'_>, Moment)) {
        while !self.waiting.is_empty() {
            self.skip_hole(deliver);
        }
    }

    /// Offset of a sequence number, near the next expected one; `None` where it lies before the stream's start.
    fn offset(&self, base: u32, seq: u32) -> Option<u64> {
        #[expect(clippy::cast_possible_truncation, reason = "sequence numbers are offsets modulo 2^32")]
        let expected = base.wrapping_add(self.next as u32);
        self.next.checked_add_signed(i64::from(seq.wrapping_sub(expected).cast_signed()))
    }

    /// A segment that begins before the first byte known: a keep-alive, or a capture that began in the middle and out of order.
    fn before_start(
        &mut self,
        base: u32,
        seq: u32,
        payload: &[u8],
        moment: Moment,
        deliver: &mut impl FnMut(Piece<'_>, Moment),
    ) {
        let before = usize::try_from(base.wrapping_sub(seq)).unwrap_or(usize::MAX);
        if let Some(fresh) = payload.get(before..)
            && fresh.len() as u64 > self.next
        {
            let fresh = usize::try_from(self.next).ok().and_then(|known| fresh.get(known..)).unwrap_or_default();
            self.next += fresh.len() as u64;
            deliver(Piece::Data(fresh), moment);
            self.deliver_waiting(moment, deliver);
        }
    }

    /// Whether a segment that was delivered before came again with other bytes. A keep-alive repeats one byte of any content
    /// (RFC 9293 3.8.4), and segments cut at other places are not compared.
    fn contradicts(&self, start: u64, payload: &[u8]) -> bool {
        payload.len() > 1
            && self.recent.iter().any(|&(at, length, print)| {
                at == start && length == payload.len() && print != self.hasher.hash_one(payload)
            })
    }

    fn remember(&mut self, start: u64, payload: &[u8]) {
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((start, payload.len(), self.hasher.hash_one(payload)));
    }

    /// Puts a segment aside, in the places where nothing is yet. Returns whether it contradicts what is there.
    fn wait(&mut self, start: u64, payload: &[u8], moment: Moment) -> bool {
        let mut contradicts = false;
        let skip = usize::try_from(self.next.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut rest = payload.get(skip..).unwrap_or_default();
        let mut at = start.max(self.next);
        let end = at + rest.len() as u64;
        let first = self.waiting.range(..=at).next_back().map_or(at, |(&first, _)| first);
        let overlapping: Vec<u64> = self.waiting.range(first..end).map(|(&offset, _)| offset).collect();
        for offset in overlapping {
            let Some(existing) = self.waiting.get(&offset) else { continue };
            let existing_end = offset + existing.bytes.len() as u64;
            if existing_end <= at {
                continue;
            }
            if offset > at {
                let gap = usize::try_from(offset - at).unwrap_or(usize::MAX);
                let (before, after) = rest.split_at(gap.min(rest.len()));
                self.put(at, before, moment);
                at = offset;
                rest = after;
            }
            let Some(existing) = self.waiting.get(&offset) else { continue };
            let from = usize::try_from(at - offset).unwrap_or(usize::MAX);
            let there = existing.bytes.get(from..).unwrap_or_default();
            let length = there.len().min(rest.len());
            let (copy, after) = rest.split_at(length);
            contradicts |= there.get(..length) != Some(copy);
            at += length as u64;
            rest = after;
        }
        self.put(at, rest, moment);
        contradicts
    }

    fn put(&mut self, at: u64, bytes: &[u8], moment: Moment) {
        if !bytes.is_empty() {
            if self.waiting.is_empty() {
                self.since_hole = 0;
            }
            self.waiting_bytes += bytes.len() + OVERHEAD;
            self.waiting.insert(at, Waiting { bytes: bytes.into(), moment });
        }
    }

    fn deliver_waiting(&mut self, moment: Moment, deliver: &mut impl FnMut(Piece<'_>, Moment)) {
        while let Some(piece) = self.waiting.remove(&self.next) {
            self.waiting_bytes -= piece.bytes.len() + OVERHEAD;
            self.remember(self.next, &piece.bytes);
            self.next += piece.bytes.len() as u64;
            // What a filled hole completes was not known before the frame that filled it.
            deliver(Piece::Data(&piece.bytes), piece.moment.max(moment));
        }
    }

    fn give_up_acknowledged_holes(&mut self, deliver: &mut impl FnMut(Piece<'_>, Moment)) {
        while let Some((&first, _)) = self.waiting.first_key_value() {
            if self.acked < first || self.since_hole < PATIENCE {
                break;
            }
            self.skip_hole(deliver);
        }
    }

    fn skip_hole(&mut self, deliver: &mut impl FnMut(Piece<'_>, Moment)) {
        let Some((&first, piece)) = self.waiting.first_key_value() else { return };
        let moment = piece.moment;
        deliver(Piece::Gap(first.saturating_sub(self.next)), moment);
        self.next = first;
        self.deliver_waiting(moment, deliver);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::FrameId;
    use proptest::prelude::*;

    /// What a stream gave out: bytes, `None` for each that is missing.
    #[derive(Default)]
    struct Seen {
        bytes: Vec<Option<u8>>,
        conflict: bool,
        frames: Vec<u64>,
    }

    impl Seen {
        fn take(&mut self, piece: Piece<'_>, moment: Moment) {
            match piece {
                Piece::Data(bytes) => self.bytes.extend(bytes.iter().copied().map(Some)),
                Piece::Gap(length) => self.bytes.extend((0..length).map(|_| None)),
                Piece::Conflict => self.conflict = true,
            }
            self.frames.push(moment.frame.number);
        }
    }

    fn moment(number: u64) -> Moment {
        Moment { frame: FrameId { source: 0, number }, ..Moment::default() }
    }

    const ROOM: usize = 100_000;

    fn run(syn: Option<u32>, segments: &[(u32, &[u8])], limit: usize) -> Seen {
        let mut stream = Stream::default();
        if let Some(syn) = syn {
            stream.open(syn);
        }
        let mut seen = Seen::default();
        for (number, &(seq, payload)) in (1..).zip(segments) {
            stream.segment(seq, (payload, 0), false, moment(number), limit, &mut |piece, at| seen.take(piece, at));
        }
        stream.flush(&mut |piece, at| seen.take(piece, at));
        assert_eq!(stream.held(), 0);
        seen
    }

    fn text(seen: &Seen) -> String {
        seen.bytes.iter().map(|byte| byte.map_or('?', char::from)).collect()
    }

    #[test]
    fn reordered_repeated_and_overlapping() {
        let seen = run(Some(99), &[(103, b"def"), (100, b"abc"), (100, b"abc"), (102, b"cdefgh")], ROOM);
        // 100..103 is "abc", 103.. is "def": the first segment came one byte early.
        assert_eq!(text(&seen), "abcdefgh");
        assert!(!seen.conflict);
        assert_eq!(seen.frames, [2, 2, 4], "known with the frame that filled the hole");
    }

    #[test]
    fn sequence_numbers_wrap() {
        let seen = run(Some(u32::MAX - 3), &[(u32::MAX - 2, b"ab"), (1, b"ef"), (u32::MAX, b"cd")], ROOM);
        assert_eq!(text(&seen), "abcdef");
    }

    #[test]
    fn a_hole_is_a_hole() {
        let seen = run(Some(99), &[(100, b"abc"), (106, b"ghi")], ROOM);
        assert_eq!(text(&seen), "abc???ghi");
    }

    #[test]
    fn a_capture_that_began_in_the_middle() {
        let seen = run(None, &[(500, b"abc"), (503, b"def"), (499, b"_abcdefg")], ROOM);
        assert_eq!(text(&seen), "abcdefg");
    }

    #[test]
    fn a_keep_alive_is_no_data() {
        let seen = run(Some(99), &[(100, b"abc"), (102, b"\0"), (103, b"def")], ROOM);
        assert_eq!(text(&seen), "abcdef");
        assert!(!seen.conflict);
    }

    #[test]
    fn copies_that_differ() {
        let waiting = run(Some(99), &[(103, b"def"), (103, b"dXf"), (100, b"abc")], ROOM);
        assert!(waiting.conflict);
        assert_eq!(text(&waiting), "abcdef", "the first copy stands");
        let delivered = run(Some(99), &[(100, b"abc"), (100, b"abX")], ROOM);
        assert!(delivered.conflict);
    }

    #[test]
    fn what_waits_is_bounded() {
        let seen = run(Some(99), &[(110, b"0123456789"), (130, b"0123456789"), (100, b"late")], OVERHEAD + 15);
        assert_eq!(text(&seen), "??????????0123456789??????????0123456789");
    }

    #[test]
    fn an_acknowledged_hole_is_given_up_after_a_while() {
        let mut stream = Stream::default();
        stream.open(99);
        let mut seen = Seen::default();
        let payload = b"xy".as_slice();
        for number in 0..40u32 {
            stream.acknowledge(100 + 10 + number * 2);
            let seq = 110 + number * 2;
            stream.segment(seq, (payload, 0), false, moment(1), ROOM, &mut |piece, at| seen.take(piece, at));
        }
        assert_eq!(seen.bytes.len(), 10 + 80);
        assert_eq!(stream.held(), 0);
    }

    #[test]
    fn a_cut_segment_leaves_a_hole() {
        let mut stream = Stream::default();
        let mut seen = Seen::default();
        stream.open(99);
        stream.segment(100, (b"ab", 3), false, moment(1), ROOM, &mut |piece, at| seen.take(piece, at));
        stream.segment(105, (b"f", 0), true, moment(2), ROOM, &mut |piece, at| seen.take(piece, at));
        stream.flush(&mut |piece, at| seen.take(piece, at));
        assert_eq!(text(&seen), "ab???f");
        assert!(!stream.is_over());
        stream.acknowledge(107);
        assert!(stream.is_over());
    }

    proptest! {
        #[test]
        fn cut_anyhow_in_any_order_the_bytes_are_right(
            base in any::<u32>(),
            length in 1usize..300,
            segments in prop::collection::vec((0usize..300, 1usize..80), 0..40),
            complete in any::<bool>(),
        ) {
            let stream: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let mut cut: Vec<(usize, &[u8])> = segments.iter()
                .filter(|(start, _)| *start < length)
                .map(|&(start, size)| (start, &stream[start..length.min(start + size)]))
                .collect();
            if complete {
                cut.extend(stream.chunks(37).enumerate().map(|(index, chunk)| (index * 37, chunk)).rev());
            }
            let numbered: Vec<(u32, &[u8])> = cut.iter()
                .map(|&(start, bytes)| (base.wrapping_add(1).wrapping_add(u32::try_from(start).unwrap()), bytes))
                .collect();
            let seen = run(Some(base), &numbered, ROOM);
            prop_assert!(!seen.conflict);
            for (index, byte) in seen.bytes.iter().enumerate() {
                let covered = cut.iter().any(|(start, bytes)| (*start..start + bytes.len()).contains(&index));
                prop_assert_eq!(*byte, covered.then(|| stream[index]));
            }
            let last = cut.iter().map(|(start, bytes)| start + bytes.len()).max().unwrap_or(0);
            prop_assert_eq!(seen.bytes.len(), last);
        }

        #[test]
        fn corrupted_copies_never_give_a_wrong_byte_unnoticed(
            segments in prop::collection::vec((0u32..60, 2usize..20, any::<bool>()), 0..30),
        ) {
            // Bytes that wait are compared; those already given out are compared segment by segment.
            let right = |at: u32| u8::try_from(at % 251).unwrap();
            let mut stream = Stream::default();
            stream.open(99);
            let mut seen = Seen::default();
            for &(start, length, corrupt) in &segments {
                // Nothing at offset 0: all of it waits until the end.
                let start = start + 1;
                let bytes: Vec<u8> = (0..length)
                    .map(|n| right(start + u32::try_from(n).unwrap()) ^ u8::from(corrupt))
                    .collect();
                stream.segment(100 + start, (&bytes, 0), false, moment(1), ROOM, &mut |piece, at| seen.take(piece, at));
            }
            stream.flush(&mut |piece, at| seen.take(piece, at));
            let mut conflict = false;
            for index in 0u32..90 {
                let copies: std::collections::BTreeSet<bool> = segments.iter()
                    .filter(|(start, length, _)| (start + 1..start + 1 + u32::try_from(*length).unwrap()).contains(&index))
                    .map(|(.., corrupt)| *corrupt)
                    .collect();
                conflict |= copies.len() > 1;
            }
            prop_assert_eq!(seen.conflict, conflict);
        }
    }
}
