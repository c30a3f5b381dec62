//! Frames captured twice.
//!
//! A SPAN of two VLANs, of both directions of a port, or `-i any` on a bridge shows one packet several times. A copy differs
//! from the first in link layer, TTL and checksum at most. A retransmission of the same bytes differs in its IP
//! identification, or, where that is not used, comes much later: the shortest timers of phones and servers are 0.2 s.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use foldhash::{HashMap, HashMapExt};

use super::{Packet, TcpFlags};
use crate::capture::Timestamp;

/// Copies with the same IP identification are believed to be copies for this long.
const WINDOW_WITH_IDENTIFICATION: u64 = 1_000_000_000;
/// Copies without one (IPv6, or an identification of 0) are believed only for this long.
const WINDOW_WITHOUT: u64 = 20_000_000;
/// Fingerprints kept at most.
const MOST: usize = 1 << 15;

/// Fingerprints of the packets seen lately.
#[derive(Debug)]
pub(super) struct Duplicates {
    hasher: foldhash::fast::RandomState,
    last_seen: HashMap<u64, Timestamp>,
    order: VecDeque<(Timestamp, u64)>,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self { hasher: foldhash::fast::RandomState::default(), last_seen: HashMap::new(), order: VecDeque::new() }
    }
}

impl Duplicates {
    /// Whether this packet was seen a moment ago; it is remembered. `identification` is the IP identification, 0 where there
    /// is none. Bare acknowledgments are never copies: equal ones are sent on purpose and cost nothing.
    pub(super) fn seen_before(&mut self, packet: &Packet<'_>, identification: u16, now: Timestamp) -> bool {
        let fingerprint = match packet {
            Packet::Udp(udp) => self.hasher.hash_one((identification, udp.src, udp.dst, udp.payload)),
            Packet::Tcp(tcp) => {
                if tcp.payload.is_empty() && !tcp.flags.has(TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST) {
                    return false;
                }
                self.hasher.hash_one((identification, tcp.src, tcp.dst, tcp.seq, tcp.ack, tcp.flags.0, tcp.payload))
            }
            Packet::Cdp(_) | Packet::Lldp(_) => return false,
        };
        let window = if identification == 0 { WINDOW_WITHOUT } else { WINDOW_WITH_IDENTIFICATION };
        self.forget(now);
        let before = self.last_seen.insert(fingerprint, now);
        self.order.push_back((now, fingerprint));
        before.is_some_and(|before| now.nanos_since(before) <= window)
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some(&(time, fingerprint)) = self.order.front() {
            if self.order.len() < MOST && now.nanos_since(time) <= WINDOW_WITH_IDENTIFICATION {
                break;
            }
            self.order.pop_front();
            if self.last_seen.get(&fingerprint) == Some(&time) {
                self.last_seen.remove(&fingerprint);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Datagram, Segment, at};
    use super::*;

    fn udp(payload: &[u8]) -> Packet<'_> {
        let address = "10.0.0.1:69".parse().unwrap();
        Packet::Udp(Datagram { src: address, dst: address, payload, missing: 0 })
    }

    #[test]
    fn a_copy_is_told_from_a_retransmission() {
        let mut duplicates = Duplicates::default();
        assert!(!duplicates.seen_before(&udp(b"a"), 7, at(0.0)));
        assert!(duplicates.seen_before(&udp(b"a"), 7, at(0.5)), "same identification");
        assert!(!duplicates.seen_before(&udp(b"a"), 8, at(0.5)), "sent anew");
        assert!(!duplicates.seen_before(&udp(b"b"), 7, at(0.5)), "other bytes");
        assert!(!duplicates.seen_before(&udp(b"a"), 7, at(2.0)), "the identification came round");
    }

    #[test]
    fn without_identification_only_the_shortest_time_tells() {
        let mut duplicates = Duplicates::default();
        assert!(!duplicates.seen_before(&udp(b"a"), 0, at(0.0)));
        assert!(duplicates.seen_before(&udp(b"a"), 0, at(0.005)));
        assert!(!duplicates.seen_before(&udp(b"a"), 0, at(0.205)), "a retransmission after 200 ms");
    }

    #[test]
    fn bare_acknowledgments_are_not_copies() {
        let mut duplicates = Duplicates::default();
        let address = "10.0.0.1:2445".parse().unwrap();
        let flags = TcpFlags(TcpFlags::ACK);
        let ack =
            Packet::Tcp(Segment { src: address, dst: address, seq: 1, ack: Some(2), flags, payload: &[], missing: 0 });
        assert!(!duplicates.seen_before(&ack, 3, at(0.0)));
        assert!(!duplicates.seen_before(&ack, 3, at(0.0)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut duplicates = Duplicates::default();
        for number in 0..(MOST * 3) {
            duplicates.seen_before(&udp(&number.to_be_bytes()), 1, at(0.0));
        }
        assert!(duplicates.order.len() <= MOST + 1);
        assert!(duplicates.last_seen.len() <= MOST + 1);
    }
}
