//! IP fragments, put together in any order within bounds.
//!
//! `etherparse` puts one datagram together; this module keeps the set of those that wait, which the crate leaves to its users
//! to bound. Fragments that overlap must agree: where two copies of a byte differ, the whole datagram is thrown away, because
//! nothing says which copy the receiver took.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::ops::Range;

use etherparse::defrag::IpDefragBuf;
use etherparse::{IpFragOffset, IpNumber};
use foldhash::{HashMap, HashMapExt};

use super::Limits;
use crate::capture::Timestamp;

/// More pieces than this in one datagram are an attack: the smallest real MTU makes 128 of the largest datagram.
const MOST_PIECES: usize = 256;
/// What a waiting datagram costs besides its bytes.
const OVERHEAD: usize = 256;

/// One fragment, located in its packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) key: FragmentKey,
    /// Offset of the payload in the datagram, in bytes.
    pub(super) offset: u16,
    pub(super) more: bool,
    /// Where the payload stands.
    pub(super) payload: Range<usize>,
    /// Whether the capture holds all of it.
    pub(super) whole: bool,
}

/// What fragments of one datagram have in common (RFC 791 3.2, RFC 8200 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FragmentKey {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: u8,
    pub(super) identification: u32,
}

#[derive(Debug)]
struct Waiting {
    since: Timestamp,
    buffer: IpDefragBuf,
}

/// Datagrams that wait for their rest.
#[derive(Debug)]
pub(super) struct Fragments {
    limits: Limits,
    waiting: HashMap<FragmentKey, Waiting>,
    order: VecDeque<(Timestamp, FragmentKey)>,
    bytes: usize,
    dropped: u64,
}

impl Fragments {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, waiting: HashMap::new(), order: VecDeque::new(), bytes: 0, dropped: 0 }
    }

    /// Fragments thrown away so far.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What waiting datagrams cost, in bytes.
    pub(super) const fn held(&self) -> usize {
        self.bytes
    }

    /// Takes a fragment; the whole payload of its datagram once it is complete.
    pub(super) fn add(&mut self, fragment: &Fragment, payload: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        self.expire(now);
        if !fragment.whole {
            self.dropped += 1;
            return None;
        }
        if !self.waiting.contains_key(&fragment.key) {
            self.order.push_back((now, fragment.key));
            self.bytes += OVERHEAD;
            let buffer = IpDefragBuf::new(IpNumber(fragment.key.protocol), Vec::new(), Vec::new());
            self.waiting.insert(fragment.key, Waiting { since: now, buffer });
        }
        let waiting = self.waiting.get_mut(&fragment.key)?;
        let before = waiting.buffer.data().len();
        let added = agrees(&waiting.buffer, fragment.offset, payload)
            && waiting.buffer.sections().len() < MOST_PIECES
            && IpFragOffset::try_new(fragment.offset / 8)
                .is_ok_and(|offset| waiting.buffer.add(offset, fragment.more, payload).is_ok());
        self.bytes += waiting.buffer.data().len().saturating_sub(before);
        if !added {
            self.dropped += 1;
            self.remove(&fragment.key);
            return None;
        }
        if waiting.buffer.is_complete() {
            return self.remove(&fragment.key).map(|buffer| buffer.take_bufs().0);
        }
        None
    }

    fn remove(&mut self, key: &FragmentKey) -> Option<IpDefragBuf> {
        let waiting = self.waiting.remove(key)?;
        self.bytes = self.bytes.saturating_sub(waiting.buffer.data().len() + OVERHEAD);
        Some(waiting.buffer)
    }

    /// Gives up the oldest datagrams: those too old, and those for which there is no room.
    fn expire(&mut self, now: Timestamp) {
        while let Some(&(since, key)) = self.order.front() {
            let current = self.waiting.get(&key).is_some_and(|waiting| waiting.since == since);
            let expired = now.nanos_since(since) > self.limits.fragment_lifetime;
            if current && !expired && self.bytes <= self.limits.fragment_bytes {
                break;
            }
            self.order.pop_front();
            if current && let Some(buffer) = self.remove(&key) {
                self.dropped += buffer.sections().len() as u64;
            }
        }
    }
}

/// Whether the new bytes equal those already there, wherever both exist.
fn agrees(buffer: &IpDefragBuf, offset: u16, payload: &[u8]) -> bool {
    let start = usize::from(offset);
    let end = start + payload.len();
    buffer.sections().iter().all(|section| {
        let from = start.max(usize::from(section.start));
        let to = end.min(usize::from(section.end));
        from >= to || buffer.data().get(from..to) == payload.get(from - start..to - start)
    })
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;
    use proptest::prelude::*;

    fn fragment(identification: u32, offset: u16, more: bool) -> Fragment {
        let address = IpAddr::from([10, 0, 0, 1]);
        let key = FragmentKey { src: address, dst: address, protocol: 17, identification };
        Fragment { key, offset, more, payload: 0..0, whole: true }
    }

    #[test]
    fn pieces_that_differ_are_never_joined() {
        let mut fragments = Fragments::new(Limits::default());
        assert_eq!(fragments.add(&fragment(1, 0, true), b"AAAAAAAA", at(0.0)), None);
        assert_eq!(fragments.add(&fragment(1, 0, true), b"BAAAAAAA", at(0.0)), None, "another first byte");
        assert_eq!(fragments.add(&fragment(1, 8, false), b"CC", at(0.0)), None);
        assert_eq!(fragments.dropped(), 1);
    }

    #[test]
    fn a_cut_fragment_is_missing_data() {
        let mut fragments = Fragments::new(Limits::default());
        let mut cut = fragment(1, 0, true);
        cut.whole = false;
        assert_eq!(fragments.add(&cut, b"AAAAAAAA", at(0.0)), None);
        assert_eq!(fragments.add(&fragment(1, 8, false), b"CC", at(0.0)), None);
    }

    #[test]
    fn old_and_too_many_datagrams_are_given_up() {
        let limits = Limits { fragment_bytes: 4096, fragment_lifetime: 1_000_000_000 };
        let mut fragments = Fragments::new(limits);
        fragments.add(&fragment(0, 0, true), &[0; 8], at(0.0));
        assert_eq!(fragments.add(&fragment(0, 8, false), &[0; 8], at(2.0)), None, "its first piece expired");
        for identification in 1..1000 {
            fragments.add(&fragment(identification, 8, true), &[0; 512], at(2.0));
            assert!(fragments.bytes <= limits.fragment_bytes + 2 * (520 + OVERHEAD));
            assert!(fragments.order.len() < 32);
        }
    }

    proptest! {
        #[test]
        fn any_order_and_any_repetition_gives_the_datagram(
            length in 1usize..5000,
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        ) {
            let whole: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let pieces: Vec<_> = whole.chunks(512).enumerate().collect();
            let mut fragments = Fragments::new(Limits::default());
            let mut seen = std::collections::BTreeSet::new();
            for index in order {
                let (number, piece) = *index.get(&pieces);
                let offset = u16::try_from(number * 512).unwrap();
                let result = fragments.add(&fragment(9, offset, number + 1 < pieces.len()), piece, at(0.0));
                seen.insert(number);
                if seen.len() == pieces.len() {
                    prop_assert_eq!(result.as_ref(), Some(&whole));
                    seen.clear();
                } else {
                    prop_assert_eq!(result, None);
                }
            }
        }
    }
}
