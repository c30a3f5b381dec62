//! A fuzzer's bytes as a row of packets: a control byte, a length of two bytes, and so many bytes; the last takes what is left.
//! `examples/fuzz_seeds.rs` writes the same form.

#![allow(dead_code)] // each target uses a part

use itlscope::capture::{FrameId, Moment, Timestamp};
use itlscope::dissect::{Dissector, Held, Settings};
use itlscope::event::{Event, Outcome};
use itlscope::packet::{Packet, Segment, TcpFlags};
use std::net::SocketAddr;

/// The packets.
pub fn pieces(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[control, high, low], rest) = bytes.split_first_chunk::<3>()?;
        let length = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        bytes = rest;
        Some((control, piece))
    })
}

/// The moment of a packet; `late` puts a minute before it.
pub struct Clock(Moment);

impl Default for Clock {
    fn default() -> Self {
        Self(Moment { frame: FrameId::default(), time: Timestamp::from_nanos(1_311_776_428_000_000_000) })
    }
}

impl Clock {
    pub fn next(&mut self, late: bool) -> Moment {
        self.0.frame.number += 1;
        let gap = if late { 60_000_000_000 } else { 1_000_000 };
        self.0.time = Timestamp::from_nanos(self.0.time.nanos_since(Timestamp::default()) as i64 + gap);
        self.0
    }
}

/// Packets into dissectors, with what must hold of any events.
pub fn dissect<'a>(packets: impl Iterator<Item = (Packet<'a>, Moment)>) {
    let settings = Settings::default();
    let (mut dissector, mut events) = (Dissector::new(&settings), Vec::new());
    for (packet, moment) in packets {
        dissector.packet(&packet, moment, &mut events);
        let held = dissector.held();
        assert!(held.content_bytes <= settings.content.total + (64 << 10), "{held:?}");
        assert!(held.stream_bytes <= settings.tcp.total + (64 << 10), "{held:?}");
        events.drain(..).for_each(check);
    }
    dissector.finish(&mut events);
    events.drain(..).for_each(check);
    assert_eq!(dissector.held(), Held::default(), "something is left at the end");
}

fn check(event: Event) {
    if let Event::Download(download) = event {
        let complete = download.outcome() == Outcome::Complete;
        assert_eq!(download.length().is_some(), complete, "a length is of a complete file: {download:?}");
        assert!(complete || download.digests().is_none(), "a checksum is of a complete file: {download:?}");
        if let Some(content) = &download.content {
            assert_eq!(download.length(), Some(content.bytes.len() as u64));
        }
        assert!(complete || download.outcome() == Outcome::Pending || download.reason().is_some(), "no reason: {download:?}");
    }
}

/// Pieces as segments of one connection to `server`. The control byte: 1 from the client, 2 SYN, 4 FIN, 8 RST; 16 and 32 an
/// overlap, a hole, or both to begin anew; 64 captured in part, 128 a minute later.
pub fn connection(bytes: &[u8], server: SocketAddr) {
    let client: SocketAddr = ([10, 0, 0, 1], 50_000).into();
    // The sequence number wraps soon.
    let mut next = [u32::MAX - 700, 5000];
    let mut clock = Clock::default();
    dissect(pieces(bytes).map(|(control, payload)| {
        let own = usize::from(control & 1);
        let (src, dst) = if own == 1 { (client, server) } else { (server, client) };
        let seq = match control & 48 {
            16 => next[own].wrapping_sub(10),
            32 => next[own].wrapping_add(100),
            48 => 1000,
            _ => next[own],
        };
        let flags = TcpFlags(TcpFlags::ACK | (control >> 1 & 1) * TcpFlags::SYN | (control >> 2 & 1) * TcpFlags::FIN
            | (control >> 3 & 1) * TcpFlags::RST);
        let missing = if control & 64 == 0 { 0 } else { 7 };
        let grown = (payload.len() + missing) as u32 + u32::from(flags.has(TcpFlags::SYN)) + u32::from(flags.has(TcpFlags::FIN));
        next[own] = seq.wrapping_add(grown);
        let ack = Some(next[1 - own]);
        (Packet::Tcp(Segment { src, dst, seq, ack, flags, payload, missing, hardware: None }), clock.next(control & 128 != 0))
    }));
}
