//! A boot storm, frame by frame.
//!
//! In: a [`Plan`]. Out: a pcap stream in the order of time, the same for the same plan. Every phone downloads a real list and a
//! real configuration with its own name in it, really signed, and replays the real TLS records of `captures/healthy` from
//! ports and sequence numbers of its own. Nothing is allocated for a frame, and only phones that are booting just now are held
//! in memory, so that many gigabytes can be made at the speed of the disk.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "shared by an example, tests and benches; each uses a part"
)]
#![allow(clippy::cast_possible_truncation, reason = "numbers are folded into addresses and ports on purpose")]

mod attack;
mod frame;
mod key;
mod phones;
mod props;
mod random;
mod voice;

use std::io::{self, Write};

pub use attack::Attack;
pub use props::Props;

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub phones: u32,
    pub rtp: u64,
    pub seed: u64,
    /// Seconds of capture time; chosen by the size where not given.
    pub seconds: Option<u32>,
    pub attack: Option<(Attack, u64)>,
    /// Whether configurations carry valid signatures.
    pub signed: bool,
}

/// What was made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    pub frames: u64,
    pub bytes: u64,
}

/// A source of frames in the order of time.
trait Traffic {
    /// When the next frame is due, in nanoseconds from the start.
    fn due(&self) -> Option<u64>;
    /// Puts the next frame, from its Ethernet header on, into `frame`, which is empty.
    fn emit(&mut self, frame: &mut Vec<u8>);
}

/// 2011-07-27T14:20:28Z, when the published capture was made.
const START: u64 = 1_311_776_428_000_000_000;

impl Plan {
    fn nanoseconds(&self) -> u64 {
        let attack = self.attack.map_or(0, |(_, frames)| frames / 20_000);
        let by_size = u64::from(self.phones / 50).max(self.rtp / 20_000).max(attack).max(10);
        self.seconds.map_or(by_size, u64::from) * 1_000_000_000
    }
}

/// Writes the capture.
pub fn write(plan: &Plan, mut out: impl Write) -> io::Result<Written> {
    let span = plan.nanoseconds();
    let props = Props::load();
    let mut sources: Vec<Box<dyn Traffic + '_>> = vec![
        Box::new(voice::Voice::new(plan.rtp, span, plan.seed)),
        Box::new(phones::Phones::new(&props, plan.phones, span, plan.seed, plan.signed)),
    ];
    if let Some((attack, frames)) = plan.attack {
        sources.push(Box::new(attack::Flood::new(attack, &props, frames, span, plan.seed)));
    }
    // Magic number, version 2.4, no time zone, snap length, Ethernet.
    out.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0])?;
    let mut written = Written { frames: 0, bytes: 24 };
    let mut frame = Vec::with_capacity(1 << 16);
    loop {
        let earliest =
            sources.iter().enumerate().filter_map(|(index, source)| source.due().map(|due| (due, index))).min();
        let Some((due, index)) = earliest else { return Ok(written) };
        frame.clear();
        sources[index].emit(&mut frame);
        let time = START + due;
        let length = frame.len() as u32;
        let mut header = [0; 16];
        header[..4].copy_from_slice(&((time / 1_000_000_000) as u32).to_le_bytes());
        header[4..8].copy_from_slice(&((time % 1_000_000_000 / 1000) as u32).to_le_bytes());
        header[8..12].copy_from_slice(&length.to_le_bytes());
        header[12..].copy_from_slice(&length.to_le_bytes());
        out.write_all(&header)?;
        out.write_all(&frame)?;
        written.frames += 1;
        written.bytes += 16 + u64::from(length);
    }
}

/// The capture as bytes.
pub fn bytes(plan: &Plan) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(plan, &mut bytes).expect("memory takes everything");
    bytes
}

/// The name of the phone with this number.
pub fn phone_name(number: u32) -> String {
    phones::name(number)
}
