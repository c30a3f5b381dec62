//! RTP: G.711, twenty milliseconds a packet.

use std::net::Ipv4Addr;

use super::Traffic;
use super::frame::{self, Path};
use super::random::noise;

pub struct Voice {
    next: u64,
    frames: u64,
    span: u64,
    /// Streams at once: two a call, fifty packets a second each.
    streams: u64,
    noise: Vec<u8>,
}

impl Voice {
    pub fn new(frames: u64, span: u64, seed: u64) -> Self {
        let streams = (frames * 20_000_000 / span).max(1).next_multiple_of(2);
        Self { next: 0, frames, span, streams, noise: noise(seed, 4096) }
    }
}

impl Traffic for Voice {
    fn due(&self) -> Option<u64> {
        let due = u128::from(self.next) * u128::from(self.span) / u128::from(self.frames.max(1));
        (self.next < self.frames).then_some(due as u64)
    }

    fn emit(&mut self, frame: &mut Vec<u8>) {
        let (stream, number) = (self.next % self.streams, self.next / self.streams);
        let end = |which: u64| {
            let call = (stream / 2) as u32;
            let [_, b, c, d] = call.to_be_bytes();
            (Ipv4Addr::new(10, 128 + which as u8 * 64 + (b & 63), c, d), 16384 + (call % 8000) as u16 * 2)
        };
        let path = Path { src: end(stream % 2), dst: end(1 - stream % 2), id: number as u16 };
        let mut header = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        header[2..4].copy_from_slice(&(number as u16).to_be_bytes());
        header[4..8].copy_from_slice(&(number as u32).wrapping_mul(160).to_be_bytes());
        header[8..].copy_from_slice(&(stream as u32).wrapping_mul(0x9e37_79b9).to_be_bytes());
        let at = (self.next * 37 % (4096 - 160)) as usize;
        frame::udp(frame, &path, &[&header, &self.noise[at..at + 160]]);
        self.next += 1;
    }
}
