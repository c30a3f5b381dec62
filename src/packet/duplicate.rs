//! Frames captured twice.
//!
//! A SPAN of two VLANs, of both directions of a port, or `-i any` on a bridge shows one packet several times. A copy differs
//! from the first in link layer, TTL and checksum at most. A retransmission of the same bytes differs in its IP
//! identification, or, where that is not used, comes much later: the shortest timers of phones and servers are 0.2 s. What the
//! receiver had acknowledged before it came again was sent again, whatever its identification.

use std::hash::BuildHasher;

use super::{Endpoint, Packet, Segment, TcpFlags};
use crate::capture::Timestamp;

/// Copies with the same IP identification are believed to be copies for this long.
const WINDOW_WITH_IDENTIFICATION: u64 = 1_000_000_000;
/// Copies without one (IPv6, or an identification of 0) are believed only for this long.
const WINDOW_WITHOUT: u64 = 20_000_000;
/// Rows of fingerprints, and how many stand in one: four fill a line of the processor's cache, so that a look costs one access
/// to memory. A fingerprint is pushed out by the fourth other in its row, thousands of packets later; copies come within a few.
const ROWS: usize = 1 << 13;
const IN_A_ROW: usize = 4;

/// Directions of connections whose last acknowledgment is remembered; another one takes the place of the one before.
const DIRECTIONS: usize = 1 << 12;

/// Fingerprints of the packets seen lately.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    hasher: foldhash::quality::RandomState,
    rows: Vec<[Seen; IN_A_ROW]>,
    /// What receivers acknowledged last: a fingerprint of sender and receiver, and the number.
    acknowledged: Vec<(u64, u32)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    fingerprint: u64,
    time: Timestamp,
}

impl Duplicates {
    /// Whether this packet was seen a moment ago; it is remembered. `identification` is the IP identification, 0 where there
    /// is none. Bare acknowledgments are never copies: equal ones are sent on purpose and cost nothing.
    pub(super) fn seen_before(&mut self, packet: &Packet<'_>, identification: u16, now: Timestamp) -> bool {
        let fingerprint = match packet {
            Packet::Udp(udp) => {
                self.hasher.hash_one((identification, Endpoint::from(udp.src), Endpoint::from(udp.dst), udp.payload))
            }
            Packet::Tcp(tcp) => {
                self.acknowledge(tcp);
                if tcp.payload.is_empty() && !tcp.flags.has(TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST) {
                    return false;
                }
                let ends = (Endpoint::from(tcp.src), Endpoint::from(tcp.dst));
                self.hasher.hash_one((identification, ends, tcp.seq, tcp.ack, tcp.flags.0, tcp.payload))
            }
            Packet::Cdp(_) | Packet::Lldp(_) => return false,
        };
        let window = if identification == 0 { WINDOW_WITHOUT } else { WINDOW_WITH_IDENTIFICATION };
        let copy = self.remember(fingerprint, now).is_some_and(|before| now.nanos_since(before) <= window);
        copy && !matches!(packet, Packet::Tcp(tcp) if self.was_acknowledged(tcp))
    }

    /// Notes what a segment acknowledges.
    fn acknowledge(&mut self, tcp: &Segment<'_>) {
        let Some(ack) = tcp.ack else { return };
        if self.acknowledged.is_empty() {
            self.acknowledged = vec![(0, 0); DIRECTIONS];
        }
        let direction = self.hasher.hash_one((Endpoint::from(tcp.dst), Endpoint::from(tcp.src)));
        if let Some(slot) = slot(&mut self.acknowledged, direction) {
            *slot = (direction, ack);
        }
    }

    /// Whether the receiver had acknowledged all that this segment carries.
    fn was_acknowledged(&mut self, tcp: &Segment<'_>) -> bool {
        let Ok(length) = u32::try_from(tcp.payload.len()) else { return false };
        let direction = self.hasher.hash_one((Endpoint::from(tcp.src), Endpoint::from(tcp.dst)));
        let known = slot(&mut self.acknowledged, direction).copied();
        let end = tcp.seq.wrapping_add(length);
        // Numbers are compared modulo 2^32 (RFC 9293 3.4).
        length > 0 && known.is_some_and(|(known, ack)| known == direction && ack.wrapping_sub(end) < 1 << 31)
    }

    /// Notes that this fingerprint was seen now. Returns when it was seen before, as far as that is still known.
    fn remember(&mut self, fingerprint: u64, now: Timestamp) -> Option<Timestamp> {
        if self.rows.is_empty() {
            self.rows = vec![[Seen::default(); IN_A_ROW]; ROWS];
        }
        let row = usize::try_from(fingerprint % ROWS as u64).ok().and_then(|index| self.rows.get_mut(index))?;
        let known = row.iter_mut().find(|seen| seen.fingerprint == fingerprint);
        if let Some(seen) = known {
            return Some(std::mem::replace(&mut seen.time, now));
        }
        let oldest = row.iter_mut().min_by_key(|seen| seen.time)?;
        *oldest = Seen { fingerprint, time: now };
        None
    }
}

fn slot(directions: &mut [(u64, u32)], direction: u64) -> Option<&mut (u64, u32)> {
    usize::try_from(direction % DIRECTIONS as u64).ok().and_then(|index| directions.get_mut(index))
}

#[cfg(test)]
mod tests {
    use super::super::{Datagram, at};
    use super::*;

    fn udp(payload: &[u8]) -> Packet<'_> {
        let address = "10.0.0.1:69".parse().unwrap();
        Packet::Udp(Datagram { src: address, dst: address, payload, missing: 0, hardware: None })
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
        let ack = Packet::Tcp(Segment {
            src: address,
            dst: address,
            seq: 1,
            ack: Some(2),
            flags,
            payload: &[],
            missing: 0,
            hardware: None,
        });
        assert!(!duplicates.seen_before(&ack, 3, at(0.0)));
        assert!(!duplicates.seen_before(&ack, 3, at(0.0)));
    }

    #[test]
    fn a_copy_is_found_behind_thousands_of_other_packets() {
        let mut duplicates = Duplicates::default();
        let number = |number: u32| number.to_be_bytes();
        let mut found = 0;
        for first in 0..100 {
            assert!(!duplicates.seen_before(&udp(&number(first)), 1, at(1.0)));
        }
        for other in 1000..3000 {
            assert!(!duplicates.seen_before(&udp(&number(other)), 1, at(1.1)));
        }
        for first in 0..100 {
            found += usize::from(duplicates.seen_before(&udp(&number(first)), 1, at(1.2)));
        }
        // Which share a row is chance: that one is pushed out has a probability of 1.5 in 10,000.
        assert!(found >= 97, "{found}");
    }

    #[test]
    fn what_was_acknowledged_before_was_sent_again() {
        let (phone, server) = ("10.0.0.2:40000".parse().unwrap(), "10.0.0.1:2445".parse().unwrap());
        let flags = TcpFlags(TcpFlags::ACK);
        let data = Segment {
            src: server,
            dst: phone,
            seq: u32::MAX,
            ack: Some(1),
            flags,
            payload: b"abcd",
            missing: 0,
            hardware: None,
        };
        for (ack, copy) in [(2, true), (3, false), (50, false)] {
            let mut duplicates = Duplicates::default();
            assert!(!duplicates.seen_before(&Packet::Tcp(data), 7, at(0.0)));
            let answer = Segment { src: phone, dst: server, seq: 1, ack: Some(ack), payload: &[], ..data };
            assert!(!duplicates.seen_before(&Packet::Tcp(answer), 8, at(0.1)));
            assert_eq!(duplicates.seen_before(&Packet::Tcp(data), 7, at(0.2)), copy, "{ack}");
        }
    }
}
