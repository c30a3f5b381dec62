//! The bytes of files as they arrive.
//!
//! In: a file's bytes in order, piece by piece. Out: its length and checksums, and the bytes themselves unless they are too
//! many. It refuses to know whether the file is complete: whoever finishes one answers for that.
//!
//! Ten thousand phones download the same trust list. Each new file is compared with the files seen lately while it arrives: as
//! long as it is equal to one, nothing is stored; in the end it *is* that one, and hashed once for all.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

use crate::digest::{Digests, DigestsInProgress};
use crate::event::Content;

/// Files seen lately that are kept for comparison, at most.
const MOST_KNOWN: usize = 32;
/// Larger files are not kept for that: many phones load them, but few at once.
const LARGEST_KNOWN: usize = 256 << 10;

/// What files in progress may hold.
#[derive(Debug, Clone, Copy)]
pub struct ContentLimits {
    /// Bytes of one file; larger files are hashed, not held.
    pub file: usize,
    /// Bytes of one file that may wait for an earlier part that is late.
    pub reorder: usize,
    /// Bytes of all files together; beyond it the downloads least recently used are given up.
    pub total: usize,
}

impl Default for ContentLimits {
    fn default() -> Self {
        Self { file: 1 << 20, reorder: 256 << 10, total: 32 << 20 }
    }
}

/// How often a limit made something be given up that might have been known otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitsHit {
    /// Files that were hashed, not held: larger than [`ContentLimits::file`].
    pub files_not_held: u64,
    /// TFTP transfers given up because too much waited for a part that was late: [`ContentLimits::reorder`].
    pub transfers_too_late: u64,
    /// TFTP conversations given up unfinished for want of room: [`super::tftp::Limits::conversations`],
    /// [`ContentLimits::total`].
    pub conversations: u64,
    /// Times that a hole in a TCP stream was not waited for any longer: [`super::tcp::Limits::reorder`].
    pub streams_too_late: u64,
    /// TCP connections given up while they were read, for want of room: [`super::tcp::Limits::connections`] and `total`.
    pub connections: u64,
}

/// The files seen lately, and the bounds of what may be held.
#[derive(Debug)]
pub(super) struct ContentStore {
    /// Most recently used last.
    known: VecDeque<Arc<Content>>,
    limits: ContentLimits,
    held: usize,
    next_id: u64,
    hasher: foldhash::quality::RandomState,
    /// What the limits of all dissectors cost so far.
    pub(super) hit: LimitsHit,
}

impl ContentStore {
    pub(super) fn new(limits: ContentLimits) -> Self {
        Self {
            known: VecDeque::new(),
            limits,
            held: 0,
            next_id: 0,
            hasher: foldhash::quality::RandomState::default(),
            hit: LimitsHit::default(),
        }
    }

    /// An id for a download or a session, whatever its transport: numbers go up in the order in which they began.
    pub(super) const fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Whether more is held than may be.
    pub(super) const fn is_full(&self) -> bool {
        self.held > self.limits.total
    }

    /// Bytes of files in progress.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Makes room for `more` bytes of a file of which `waiting` bytes wait already; `false` where that is too much.
    pub(super) const fn reserve(&mut self, waiting: usize, more: usize) -> bool {
        let fits = waiting + more <= self.limits.reorder;
        if fits {
            self.held += more;
        }
        fits
    }

    /// Counts a complete file that is not given out yet, in bytes; one that others hold as well costs nothing.
    pub(super) fn keep(&mut self, content: &Arc<Content>) -> usize {
        // Whoever keeps it, and the files seen lately.
        let kept = if Arc::strong_count(content) > 2 { 0 } else { content.bytes.len() };
        self.held += kept;
        kept
    }

    /// Gives back what [`Self::reserve`] or [`Self::keep`] gave.
    pub(super) const fn release(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }

    /// A known file that begins with `start`.
    fn beginning_with(&self, start: &[u8]) -> Option<Arc<Content>> {
        self.known.iter().rev().find(|known| known.bytes.starts_with(start)).cloned()
    }

    fn remember(&mut self, content: &Arc<Content>) {
        if content.bytes.len() > LARGEST_KNOWN {
            return;
        }
        if let Some(index) = self.known.iter().position(|known| Arc::ptr_eq(known, content)) {
            self.known.remove(index);
        } else if self.known.len() >= MOST_KNOWN {
            self.known.pop_front();
        }
        self.known.push_back(Arc::clone(content));
    }
}

/// A file that arrives. What it holds counts in the store, unless whoever builds it counts it elsewhere.
#[derive(Debug)]
pub(super) struct ContentBuilder {
    state: State,
    length: u64,
    counted: bool,
}

#[derive(Debug)]
enum State {
    /// So far equal to a known file.
    Like(Arc<Content>),
    Held(Vec<u8>),
    Hashed(Box<DigestsInProgress>),
}

/// A file that is complete.
#[derive(Debug, Clone)]
pub(super) struct Finished {
    pub(super) length: u64,
    /// The bytes, unless they were too many.
    pub(super) content: Option<Arc<Content>>,
    /// The checksums where the bytes were too many.
    pub(super) hashed: Option<Digests>,
    /// Equal for equal files of one run.
    pub(super) print: u64,
}

impl Default for ContentBuilder {
    fn default() -> Self {
        Self { state: State::Held(Vec::new()), length: 0, counted: true }
    }
}

impl ContentBuilder {
    /// A file whose bytes do not count in the store.
    pub(super) fn uncounted() -> Self {
        Self { counted: false, ..Self::default() }
    }

    /// Bytes held.
    pub(super) const fn held(&self) -> usize {
        match &self.state {
            State::Held(held) => held.len(),
            State::Like(_) | State::Hashed(_) => 0,
        }
    }

    const fn count(&self, more: usize, store: &mut ContentStore) {
        if self.counted {
            store.held += more;
        }
    }

    const fn uncount(&self, bytes: usize, store: &mut ContentStore) {
        if self.counted {
            store.release(bytes);
        }
    }

    /// Bytes that arrived so far.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8], store: &mut ContentStore) {
        let before = usize::try_from(self.length).unwrap_or(usize::MAX);
        self.length += bytes.len() as u64;
        match &mut self.state {
            State::Like(known) => {
                if known.bytes.get(before..).is_some_and(|rest| rest.starts_with(bytes)) {
                    return;
                }
                let start = known.bytes.get(..before).unwrap_or_default().to_vec();
                self.count(start.len(), store);
                self.state = State::Held(start);
                self.hold(bytes, store);
            }
            State::Held(held) if held.is_empty() && !bytes.is_empty() => match store.beginning_with(bytes) {
                Some(known) => self.state = State::Like(known),
                None => self.hold(bytes, store),
            },
            State::Held(_) => self.hold(bytes, store),
            State::Hashed(digests) => digests.update(bytes),
        }
    }

    fn hold(&mut self, bytes: &[u8], store: &mut ContentStore) {
        let State::Held(held) = &mut self.state else { return };
        let before = held.len();
        if before + bytes.len() <= store.limits.file {
            held.extend_from_slice(bytes);
            self.count(bytes.len(), store);
            return;
        }
        let mut digests = DigestsInProgress::default();
        digests.update(held);
        digests.update(bytes);
        self.state = State::Hashed(Box::new(digests));
        store.hit.files_not_held += 1;
        self.uncount(before, store);
    }

    /// Ends the file and gives it out.
    pub(super) fn finish(self, store: &mut ContentStore) -> Finished {
        let length = self.length;
        self.uncount(self.held(), store);
        let content = match self.state {
            State::Like(known) if known.bytes.len() as u64 == length => known,
            State::Like(known) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                Arc::new(Content::new(known.bytes.get(..length).unwrap_or_default().to_vec()))
            }
            State::Held(held) => Arc::new(Content::new(held)),
            State::Hashed(digests) => {
                let digests = digests.finish();
                let print = store.hasher.hash_one((digests.sha1, digests.md5));
                return Finished { length, content: None, hashed: Some(digests), print };
            }
        };
        store.remember(&content);
        let print = store.hasher.hash_one(&content.bytes);
        Finished { length, content: Some(content), hashed: None, print }
    }

    /// Ends the file and forgets it.
    pub(super) fn discard(&mut self, store: &mut ContentStore) {
        self.uncount(self.held(), store);
        self.state = State::Held(Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn store(file: usize, total: usize) -> ContentStore {
        ContentStore::new(ContentLimits { file, reorder: file, total })
    }

    fn digests(finished: &Finished) -> Option<Digests> {
        finished.hashed.or_else(|| finished.content.as_ref().map(|content| content.digests()))
    }

    fn build(pieces: &[&[u8]], store: &mut ContentStore) -> Finished {
        let mut builder = ContentBuilder::default();
        for piece in pieces {
            builder.push(piece, store);
        }
        builder.finish(store)
    }

    #[test]
    fn the_same_file_is_held_once() {
        let mut store = store(100, 1000);
        let first = build(&[b"abc", b"def"], &mut store).content.unwrap();
        let again = build(&[b"ab", b"cdef"], &mut store).content.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let longer = build(&[b"abc", b"defg"], &mut store);
        assert_eq!(digests(&longer), Some(Digests::of(b"abcdefg")));
        let shorter = build(&[b"abc", b"d"], &mut store);
        assert_eq!(digests(&shorter), Some(Digests::of(b"abcd")));
        assert_eq!(store.held, 0);
    }

    #[test]
    fn large_files_are_hashed_not_held() {
        let mut store = store(4, 1000);
        let large = build(&[b"abc", b"def"], &mut store);
        assert_eq!((large.length, large.hashed), (6, Some(Digests::of(b"abcdef"))));
        assert!(large.content.is_none());
        assert_eq!((store.held, store.hit.files_not_held), (0, 1));
    }

    #[test]
    fn what_is_held_is_counted() {
        let mut store = store(100, 5);
        let mut first = ContentBuilder::default();
        first.push(b"abcd", &mut store);
        assert!(!store.is_full());
        let mut second = ContentBuilder::default();
        second.push(b"xyz", &mut store);
        assert!(store.is_full());
        second.discard(&mut store);
        assert!(!store.is_full());
        first.discard(&mut store);
        assert_eq!(store.held, 0);
    }

    proptest! {
        #[test]
        fn checksums_are_those_of_the_bytes(
            files in prop::collection::vec(prop::collection::vec(prop::collection::vec(0u8..2, 0..6), 0..6), 1..12),
            hold in 0usize..30,
        ) {
            let mut store = store(hold, 1000);
            for pieces in files {
                let whole = pieces.concat();
                let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
                let finished = build(&pieces, &mut store);
                prop_assert_eq!(digests(&finished), Some(Digests::of(&whole)));
                prop_assert_eq!(finished.length, whole.len() as u64);
                if let Some(content) = finished.content {
                    prop_assert_eq!(&content.bytes, &whole);
                }
                prop_assert_eq!(store.held, 0);
            }
        }
    }
}
