//! One direction of a TCP connection, put in order.
//!
//! In: segments, in any order, repeated, overlapping, cut, some of them missing. Out: pieces of the byte stream in order, and
//! gaps where bytes are not in the capture. Sequence numbers are compared modulo 2^32 (RFC 9293 3.4); inside, bytes are
//! counted from the first one without wrapping. Where two copies of a byte differ, that is told: nothing says which of them the
//! receiver took.

use std::collections::{BTreeMap, VecDeque};

use super::super::reader::Piece;
use crate::capture::Moment;

/// What a stream may hold back.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Room {
    /// Bytes that wait for earlier ones.
    pub(super) waiting: usize,
    /// Bytes delivered but not acknowledged, to notice a copy that differs: until it acknowledges them, the receiver may have
    /// taken either.
    pub(super) compared: usize,
}

/// A receiver's window is hardly larger than this: numbers farther off are not of this connection.
pub(super) const FARTHEST_END: u64 = 4 << 20;
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
    /// The bytes before `next` that were not acknowledged, as many as there is room for.
    recent: VecDeque<u8>,
    /// Holes that were not waited for any longer for want of room.
    given_up: u64,
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

    /// A stream of which nothing is known but where it began and how far it got.
    pub(super) fn left_over(&self) -> Self {
        Self { base: self.base, next: self.next, acked: self.acked, ..Self::default() }
    }

    /// The sender's SYN had another number than the one that was believed; nothing was read yet.
    pub(super) fn reopen(&mut self, syn: u32) {
        *self = Self::default();
        self.open(syn);
    }

    /// Whether a number that the receiver acknowledges, or a RST of the sender bears, may be of this stream, of which not more
    /// than `further` bytes were missed.
    pub(super) fn reaches(&self, number: u32, further: u64) -> bool {
        let Some(base) = self.base else { return true };
        self.offset(base, number).is_some_and(|offset| offset <= self.next.max(self.acked).saturating_add(further))
    }

    /// Whether this is a number at which the sender may end the stream: that of its SYN, or of a byte seen or the next.
    pub(super) fn is_expected(&self, seq: u32) -> bool {
        let Some(base) = self.base else { return true };
        seq.wrapping_add(1) == base || self.offset(base, seq).is_some_and(|offset| offset <= self.next)
    }

    /// Whether a segment with this number would leave a hole of more than `length` bytes in a stream that has begun.
    pub(super) fn leaps(&self, seq: u32, length: u64) -> bool {
        let offset = self.base.and_then(|base| self.offset(base, seq));
        self.has_data() && offset.is_some_and(|offset| offset > self.next.max(self.acked).saturating_add(length))
    }

    /// Highest offset that the receiver acknowledged.
    pub(super) const fn acked(&self) -> u64 {
        self.acked
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
    pub(super) fn held(&self) -> usize {
        self.waiting_bytes + self.recent.len()
    }

    /// Holes given up for want of room since this was asked last.
    pub(super) const fn take_given_up(&mut self) -> u64 {
        std::mem::replace(&mut self.given_up, 0)
    }

    /// Whether everything up to the sender's FIN was delivered and acknowledged, the FIN too.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end && self.acked > end)
    }

    /// Takes a segment's payload, of which `missing` bytes at the end were not captured. `fin` ends the stream behind it.
    /// What would exceed the room for waiting bytes makes the hole before them a gap.
    pub(super) fn segment(
        &mut self,
        seq: u32,
        (payload, missing): (&[u8], usize),
        fin: bool,
        moment: Moment,
        room: Room,
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
            deliver(Piece::Conflict(start), moment);
        }
        if end <= self.next {
            return self.give_up_acknowledged_holes(room, deliver);
        }
        if start > self.next || !self.waiting.is_empty() {
            if self.wait(start, payload, moment) {
                deliver(Piece::Conflict(start), moment);
            }
        } else {
            let fresh =
                usize::try_from(self.next - start).ok().and_then(|known| payload.get(known..)).unwrap_or_default();
            self.remember(fresh, room);
            self.next = end;
            deliver(Piece::Data(fresh), moment);
        }
        self.deliver_waiting(moment, room, deliver);
        while self.waiting_bytes > room.waiting {
            self.given_up += 1;
            self.skip_hole(room, deliver);
        }
        self.give_up_acknowledged_holes(room, deliver);
        if self.end.is_some_and(|end| self.next >= end) {
            self.recent = VecDeque::new();
        }
    }

    /// The sender will send nothing behind this sequence number: it reset the connection there. A number far off is not
    /// believed.
    pub(super) fn ends_at(&mut self, seq: u32) {
        let end = self.base.and_then(|base| self.offset(base, seq));
        if let Some(end) = end.filter(|&end| end >= self.next && end - self.next <= FARTHEST_END) {
            self.end.get_or_insert(end);
        }
    }

    /// Whether a sequence number is near to where the stream stands: what is far off is of another connection.
    pub(super) fn is_near(&self, seq: u32) -> bool {
        let Some(base) = self.base else { return true };
        self.offset(base, seq).is_some_and(|offset| offset.abs_diff(self.next.max(self.acked)) <= FARTHEST_END)
    }

    /// The receiver acknowledged everything before `ack`.
    pub(super) fn acknowledge(&mut self, ack: u32) {
        let offset = self.base.and_then(|base| self.offset(base, ack));
        // A number far off is left over from an earlier connection (RFC 5961 5).
        let farthest = self.next.max(self.acked).saturating_add(FARTHEST_END);
        if let Some(offset) = offset.filter(|&offset| offset <= farthest) {
            self.acked = self.acked.max(offset);
            let open = usize::try_from(self.next.saturating_sub(self.acked)).unwrap_or(usize::MAX);
            let known = self.recent.len().saturating_sub(open);
            self.recent.drain(..known);
        }
    }

    /// Nothing more will come: delivers what waits, with gaps where nothing came, also where the sender's FIN or the receiver's
    /// acknowledgments say that there was more. `moment` is when that is known.
    pub(super) fn flush(&mut self, moment: Moment, deliver: &mut impl FnMut(Piece<'_>, Moment)) {
        while !self.waiting.is_empty() {
            self.skip_hole(Room { waiting: 0, compared: 0 }, deliver);
        }
        // Without a FIN, the last number that was acknowledged may be that of one.
        let acked = if self.end.is_some() { 0 } else { self.acked.saturating_sub(1) };
        let end = self.end.unwrap_or(0).max(acked);
        if self.base.is_some() && end > self.next {
            deliver(Piece::Gap(end - self.next), moment);
            self.next = end;
        }
        self.recent = VecDeque::new();
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
            self.deliver_waiting(moment, Room { waiting: 0, compared: 0 }, deliver);
        }
    }

    /// Whether bytes that were delivered before came again and differ. A keep-alive repeats one byte of any content (RFC 9293
    /// 3.8.4).
    fn contradicts(&self, start: u64, payload: &[u8]) -> bool {
        let oldest = self.next.saturating_sub(self.recent.len() as u64);
        let from = start.max(oldest);
        let (Ok(skip), Ok(at)) = (usize::try_from(from - start), usize::try_from(from - oldest)) else { return false };
        let copy = payload.get(skip..).unwrap_or_default();
        payload.len() > 1 && self.recent.iter().skip(at).zip(copy).any(|(known, copy)| known != copy)
    }

    fn remember(&mut self, bytes: &[u8], room: Room) {
        if room.compared == 0 {
            self.recent = VecDeque::new();
            return;
        }
        let bytes = bytes.get(bytes.len().saturating_sub(room.compared)..).unwrap_or_default();
        let excess = (self.recent.len() + bytes.len()).saturating_sub(room.compared);
        self.recent.drain(..excess.min(self.recent.len()));
        self.recent.extend(bytes);
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

    fn deliver_waiting(&mut self, moment: Moment, room: Room, deliver: &mut impl FnMut(Piece<'_>, Moment)) {
        while let Some(piece) = self.waiting.remove(&self.next) {
            self.waiting_bytes -= piece.bytes.len() + OVERHEAD;
            self.remember(&piece.bytes, room);
            self.next += piece.bytes.len() as u64;
            // What a filled hole completes was not known before the frame that filled it.
            deliver(Piece::Data(&piece.bytes), piece.moment.max(moment));
        }
    }

    fn give_up_acknowledged_holes(&mut self, room: Room, deliver: &mut impl FnMut(Piece<'_>, Moment)) {
        while let Some((&first, _)) = self.waiting.first_key_value() {
            if self.acked < first || self.since_hole < PATIENCE {
                break;
            }
            self.skip_hole(room, deliver);
        }
    }

    fn skip_hole(&mut self, room: Room, deliver: &mut impl FnMut(Piece<'_>, Moment)) {
        let Some((&first, piece)) = self.waiting.first_key_value() else { return };
        let moment = piece.moment;
        deliver(Piece::Gap(first.saturating_sub(self.next)), moment);
        self.next = first;
        self.recent.clear();
        self.deliver_waiting(moment, room, deliver);
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
                Piece::Conflict(_) => self.conflict = true,
            }
            self.frames.push(moment.frame.number);
        }
    }

    fn moment(number: u64) -> Moment {
        Moment { frame: FrameId { source: 0, number }, ..Moment::default() }
    }

    const ROOM: Room = Room { waiting: 100_000, compared: 4096 };

    fn run(syn: Option<u32>, segments: &[(u32, &[u8])], room: Room) -> Seen {
        let mut stream = Stream::default();
        if let Some(syn) = syn {
            stream.open(syn);
        }
        let mut seen = Seen::default();
        for (number, &(seq, payload)) in (1..).zip(segments) {
            stream.segment(seq, (payload, 0), false, moment(number), room, &mut |piece, at| seen.take(piece, at));
        }
        stream.flush(moment(0), &mut |piece, at| seen.take(piece, at));
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
        for copy in [(100, b"abX".as_slice()), (101, b"bX"), (102, b"Xd"), (100, b"aXcd")] {
            assert!(run(Some(99), &[(100, b"abc"), copy], ROOM).conflict, "{copy:?}");
        }
    }

    #[test]
    fn what_waits_is_bounded() {
        let seen = run(
            Some(99),
            &[(110, b"0123456789"), (130, b"0123456789"), (100, b"late")],
            Room { waiting: OVERHEAD + 15, ..ROOM },
        );
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
        stream.acknowledge(100 + 10 + 80);
        assert_eq!(stream.held(), 0);
    }

    #[test]
    fn a_cut_segment_leaves_a_hole() {
        let mut stream = Stream::default();
        let mut seen = Seen::default();
        stream.open(99);
        stream.segment(100, (b"ab", 3), false, moment(1), ROOM, &mut |piece, at| seen.take(piece, at));
        stream.segment(105, (b"f", 0), true, moment(2), ROOM, &mut |piece, at| seen.take(piece, at));
        stream.flush(moment(0), &mut |piece, at| seen.take(piece, at));
        assert_eq!(text(&seen), "ab???f");
        assert!(!stream.is_over());
        stream.acknowledge(107);
        assert!(stream.is_over());
    }

    #[test]
    fn what_was_acknowledged_was_taken() {
        let mut stream = Stream::default();
        let mut seen = Seen::default();
        stream.open(99);
        stream.segment(100, (b"abcd", 0), false, moment(1), ROOM, &mut |piece, at| seen.take(piece, at));
        stream.acknowledge(102);
        stream.segment(100, (b"XXcd", 0), false, moment(2), ROOM, &mut |piece, at| seen.take(piece, at));
        assert!(!seen.conflict, "another copy comes too late to be taken");
        stream.segment(100, (b"XXcX", 0), false, moment(3), ROOM, &mut |piece, at| seen.take(piece, at));
        assert!(seen.conflict);
        stream.acknowledge(104);
        assert_eq!(stream.held(), 0);
    }

    #[test]
    fn an_end_that_is_not_in_the_capture_is_a_gap() {
        let end = |fin: Option<u32>, ack: u32, reset: Option<u32>| {
            let mut stream = Stream::default();
            let mut seen = Seen::default();
            stream.open(99);
            stream.segment(100, (b"ab", 0), false, moment(1), ROOM, &mut |piece, at| seen.take(piece, at));
            if let Some(seq) = fin {
                stream.segment(seq, (b"", 0), true, moment(2), ROOM, &mut |piece, at| seen.take(piece, at));
            }
            stream.acknowledge(ack);
            if let Some(seq) = reset {
                stream.ends_at(seq);
            }
            stream.flush(moment(3), &mut |piece, at| seen.take(piece, at));
            text(&seen)
        };
        assert_eq!(end(Some(105), 102, None), "ab???");
        assert_eq!(end(None, 105, None), "ab??", "the last number may be that of a FIN");
        assert_eq!(end(Some(105), 106, None), "ab???");
        assert_eq!(end(None, 102, Some(104)), "ab??");
        assert_eq!(end(None, 102, Some(4_000_000_000)), "ab", "not of this connection");
        assert_eq!(end(Some(102), 103, None), "ab");
    }

    proptest! {
        #[test]
        fn copies_cut_anyhow_that_differ_are_noticed(
            segments in prop::collection::vec((0u32..60, 2usize..20, any::<bool>()), 1..30),
        ) {
            // Nothing is acknowledged, so every byte can still be replaced.
            let right = |at: u32| u8::try_from(at % 251).unwrap();
            let mut numbered = Vec::new();
            for &(start, length, corrupt) in &segments {
                let bytes: Vec<u8> =
                    (start..).take(length).map(|at| right(at) ^ u8::from(corrupt)).collect();
                numbered.push((100 + start, bytes));
            }
            let borrowed: Vec<(u32, &[u8])> = numbered.iter().map(|(seq, bytes)| (*seq, bytes.as_slice())).collect();
            let seen = run(Some(99), &borrowed, ROOM);
            let copies = |index: u32, kind: bool| segments.iter().any(|&(start, length, corrupt)| {
                corrupt == kind && (start..start + u32::try_from(length).unwrap()).contains(&index)
            });
            prop_assert_eq!(seen.conflict, (0..80).any(|index| copies(index, true) && copies(index, false)));
        }

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
            stream.flush(moment(0), &mut |piece, at| seen.take(piece, at));
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
