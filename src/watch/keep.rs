//! Frames kept for later: what a live capture holds so that a phone's frames can be written to a file.
//!
//! In: every frame of a live capture. Out: those between a phone and its servers. Kept are frames that could be of a download, of
//! TLS on the examined ports, of SIP or SCCP, and fragments; at most [`Bounds::conversation`] bytes of each pair of addresses, at
//! most [`Bounds::total`] bytes of all. The oldest frames of a pair go first; of pairs, the one that was silent longest. Files
//! are read again instead.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt};

use crate::capture::{Frame, FrameId, LinkType, Timestamp};
use crate::event::Ports;
use crate::packet::{self, Whereabouts};

/// What a kept frame costs beside its bytes.
const OVERHEAD: usize = 64;

/// What may be kept.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of one pair of addresses: two or three boots.
    pub conversation: usize,
    /// Bytes of all.
    pub total: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { conversation: 512 << 10, total: 64 << 20 }
    }
}

/// Two addresses, the smaller first.
type Pair = (IpAddr, IpAddr);

/// Frames by who talks to whom.
#[derive(Debug)]
pub struct FrameStore {
    bounds: Bounds,
    ports: Vec<u16>,
    pairs: HashMap<Pair, Conversation>,
    /// Pairs by when they were heard last, in steps of the counter.
    heard: BTreeMap<u64, Pair>,
    counter: u64,
    held: usize,
}

#[derive(Debug, Default)]
struct Conversation {
    frames: VecDeque<Kept>,
    bytes: usize,
    heard: u64,
}

#[derive(Debug, Clone)]
struct Kept {
    id: FrameId,
    time: Timestamp,
    link: LinkType,
    original_len: u32,
    data: Box<[u8]>,
}

impl Kept {
    fn frame(&self) -> Frame<'_> {
        let Self { id, time, link, original_len, .. } = *self;
        Frame { id, time, link, data: &self.data, original_len }
    }

    const fn cost(&self) -> usize {
        self.data.len() + OVERHEAD
    }
}

impl FrameStore {
    /// An empty store for frames of these ports.
    pub fn new(ports: &Ports) -> Self {
        Self::with_bounds(ports, Bounds::default())
    }

    /// The same within other bounds.
    pub fn with_bounds(ports: &Ports, bounds: Bounds) -> Self {
        Self {
            bounds,
            ports: ports.all().collect(),
            pairs: HashMap::new(),
            heard: BTreeMap::new(),
            counter: 0,
            held: 0,
        }
    }

    /// Bytes held.
    pub const fn held(&self) -> usize {
        self.held
    }

    /// Takes a frame, where it could be asked for.
    pub fn offer(&mut self, frame: &Frame<'_>) {
        if !packet::glance::may_matter(frame.link, frame.data) {
            return;
        }
        let Some(pair) = packet::whereabouts(frame).and_then(|place| self.wanted(&place, frame.data)) else { return };
        let Frame { id, time, link, original_len, data } = *frame;
        let kept = Kept { id, time, link, original_len, data: data.into() };
        self.counter += 1;
        let conversation = self.pairs.entry(pair).or_default();
        self.heard.remove(&conversation.heard);
        conversation.heard = self.counter;
        self.heard.insert(self.counter, pair);
        conversation.bytes += kept.cost();
        self.held += kept.cost();
        conversation.frames.push_back(kept);
        while conversation.bytes > self.bounds.conversation
            && let Some(oldest) = conversation.frames.pop_front()
        {
            conversation.bytes -= oldest.cost();
            self.held -= oldest.cost();
        }
        while self.held > self.bounds.total
            && let Some((_, silent)) = self.heard.pop_first()
        {
            if let Some(conversation) = self.pairs.remove(&silent) {
                self.held -= conversation.bytes;
            }
        }
    }

    /// The kept frames to and from these addresses, in the order of the capture.
    pub fn frames_of(&self, addresses: &[IpAddr]) -> Vec<Frame<'_>> {
        let concerns = |pair: &Pair| addresses.contains(&pair.0) || addresses.contains(&pair.1);
        let pairs = self.pairs.iter().filter(|(pair, _)| concerns(pair));
        let mut frames: Vec<_> =
            pairs.flat_map(|(_, conversation)| conversation.frames.iter().map(Kept::frame)).collect();
        frames.sort_unstable_by_key(|frame| frame.id);
        frames
    }

    /// Between whom the frame went, where it could be asked for.
    fn wanted(&self, place: &Whereabouts, data: &[u8]) -> Option<Pair> {
        let (src, dst) = match place {
            Whereabouts::Fragment { src, dst, .. } => (*src, *dst),
            Whereabouts::Transport { src, dst, tcp: true, .. } => {
                let wanted = |port: u16| self.ports.contains(&port);
                (wanted(src.port()) || wanted(dst.port())).then_some((src.ip(), dst.ip()))?
            }
            Whereabouts::Transport { src, dst, payload, .. } => {
                let is_tftp = matches!(data.get(payload.clone()), Some([0, 1..=6, ..]));
                let fixed = |port: u16| matches!(port, 67 | 68 | 69 | 5060);
                (is_tftp || fixed(src.port()) || fixed(dst.port())).then_some((src.ip(), dst.ip()))?
            }
        };
        Some((src.min(dst), src.max(dst)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    fn frame(from: u8, to_port: u16, payload: &[u8]) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, from], [10, 9, 9, 9], 64);
        let builder = builder.udp(50_000, to_port);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, payload).unwrap();
        bytes
    }

    fn offer(store: &mut FrameStore, number: u64, data: &[u8]) {
        let id = FrameId { source: 0, number };
        let original_len = u32::try_from(data.len()).unwrap();
        store.offer(&Frame { id, time: Timestamp::default(), link: LinkType(1), data, original_len });
    }

    #[test]
    fn tftp_is_kept_and_rtp_is_not() {
        let mut store = FrameStore::new(&Ports::default());
        offer(&mut store, 1, &frame(1, 69, b"\0\x01ITLFile.tlv\0octet\0"));
        offer(&mut store, 2, &frame(1, 20_000, &[0x80; 172]));
        offer(&mut store, 3, &frame(1, 34_567, b"\0\x04\0\x01"));
        offer(&mut store, 4, &frame(2, 69, b"\0\x01ITLFile.tlv\0octet\0"));
        let numbers = |address: &str| {
            let frames = store.frames_of(&[address.parse().unwrap()]);
            frames.iter().map(|frame| frame.id.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers("10.0.0.1"), [1, 3]);
        assert_eq!(numbers("10.0.0.2"), [4]);
        assert_eq!(numbers("10.0.0.3"), [0u64; 0]);
    }

    #[test]
    fn neither_one_phone_nor_all_together_hold_more_than_they_may() {
        let bounds = Bounds { conversation: 1000, total: 3000 };
        let mut store = FrameStore::with_bounds(&Ports::default(), bounds);
        for number in 0..1000 {
            let from = u8::try_from(number % 7).unwrap();
            offer(&mut store, number, &frame(from, 69, b"\0\x01ITLFile.tlv\0octet\0"));
            assert!(store.held() <= bounds.total);
        }
        assert!(store.held() > 2000);
        assert_eq!(store.held(), store.pairs.values().map(|conversation| conversation.bytes).sum::<usize>());
        assert_eq!(store.heard.len(), store.pairs.len());
        let latest = store.frames_of(&["10.0.0.5".parse().unwrap()]);
        assert_eq!(latest.last().unwrap().id.number, 999, "5 = 999 % 7");
    }
}
