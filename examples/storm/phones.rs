//! Phones that boot: no CTL, the ITL, the signed configuration, Tomcat, and TVS while that waits.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;

use super::frame::{self, Path, Tcp};
use super::props::{LIST, Props};
use super::random::mix;
use super::{Traffic, frame::PSH};

pub const SERVER: Ipv4Addr = Ipv4Addr::new(14, 48, 44, 80);
const BLOCK: usize = 512;
const MILLISECOND: u64 = 1_000_000;

/// `SEP` and the hardware address.
pub fn name(number: u32) -> String {
    format!("SEP001D45{number:06X}")
}

/// One frame of a boot.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Nanoseconds after the phone's first frame.
    at: u64,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Request(File),
    NotFound(File),
    Data(File, u16),
    Ack(File, u16),
    /// An index into the segments to be replayed.
    Segment(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    Ctl,
    Itl,
    Config,
}

/// All phones, those that boot just now in memory.
pub struct Phones<'a> {
    props: &'a Props,
    steps: Vec<Step>,
    count: u32,
    span: u64,
    seed: u64,
    signed: bool,
    /// The phone to start next.
    next: u32,
    /// Phones that boot, by the time of their next frame.
    booting: BinaryHeap<Reverse<(u64, u32)>>,
    state: foldhash::HashMap<u32, Boot>,
}

struct Boot {
    start: u64,
    step: usize,
    /// How slow this phone is, in parts of 1024.
    pace: u64,
    config: Vec<u8>,
    sent: u16,
}

impl<'a> Phones<'a> {
    pub fn new(props: &'a Props, count: u32, span: u64, seed: u64, signed: bool) -> Self {
        let steps = steps(props);
        let state = foldhash::HashMap::default();
        let mut all = Self { props, steps, count, span, seed, signed, next: 0, booting: BinaryHeap::new(), state };
        all.start();
        all
    }

    /// When a phone sends its first frame. The power comes back: most begin at once, the slow ones follow. The last is through
    /// before the end.
    fn beginning(&self, phone: u32) -> u64 {
        #[expect(clippy::cast_precision_loss, reason = "times of a capture")]
        let room = self.span.saturating_sub(6_000 * MILLISECOND) as f64;
        #[expect(clippy::cast_sign_loss, reason = "of two that are positive")]
        let at = (room * (f64::from(phone) / f64::from(self.count)).powf(1.5)) as u64;
        at + 1000 * u64::from(phone % 1000)
    }

    /// Starts the phones whose time has come: all those that begin before the next frame of those that boot.
    fn start(&mut self) {
        while self.next < self.count {
            let start = self.beginning(self.next);
            // Beginnings are jittered by less than a millisecond.
            if self.booting.peek().is_some_and(|Reverse((due, _))| *due + MILLISECOND < start) {
                return;
            }
            let random = mix(self.seed ^ u64::from(self.next) << 32);
            let config = self.props.config(self.next, self.signed);
            let boot = Boot { start, step: 0, pace: 700 + random % 900, config, sent: random as u16 };
            self.state.insert(self.next, boot);
            self.booting.push(Reverse((start, self.next)));
            self.next += 1;
        }
    }
}

impl Traffic for Phones<'_> {
    fn due(&self) -> Option<u64> {
        self.booting.peek().map(|Reverse((due, _))| *due)
    }

    fn emit(&mut self, frame: &mut Vec<u8>) {
        let Some(Reverse((_, number))) = self.booting.pop() else { return };
        let boot = self.state.get_mut(&number).expect("a phone that boots");
        let step = self.steps[boot.step];
        write(frame, step.what, number, boot, self.props, self.seed);
        boot.step += 1;
        boot.sent = boot.sent.wrapping_add(1);
        if let Some(step) = self.steps.get(boot.step) {
            self.booting.push(Reverse((boot.start + step.at * boot.pace / 1024, number)));
        } else {
            self.state.remove(&number);
        }
        self.start();
    }
}

fn write(frame: &mut Vec<u8>, what: What, number: u32, boot: &Boot, props: &Props, seed: u64) {
    let [_, b, c, d] = number.to_be_bytes();
    let phone = Ipv4Addr::new(10, b, c, d);
    let random = mix(seed.wrapping_add(u64::from(number)) ^ 0x7f1e);
    let port = |file: File| 49152 + (random % 10_000) as u16 + file as u16;
    let asks = |file| Path { src: (phone, port(file)), dst: (SERVER, 69), id: boot.sent };
    // The server answers from a port of its own for every file.
    let tid = |file: File| 32768 + ((random >> 16) % 10_000) as u16 + file as u16;
    let answers = |file| Path { src: (SERVER, tid(file)), dst: (phone, port(file)), id: boot.sent };
    match what {
        What::Request(file) => {
            let name = name(number);
            let (before, after) = match file {
                File::Ctl => ("CTL", ".tlv"),
                File::Itl => ("ITL", ".tlv"),
                File::Config => ("", ".cnf.xml.sgn"),
            };
            let parts: [&[u8]; 5] = [&[0, 1], before.as_bytes(), name.as_bytes(), after.as_bytes(), b"\0OCTET\0"];
            frame::udp(frame, &asks(file), &parts);
        }
        What::NotFound(file) => frame::udp(frame, &answers(file), &[b"\0\x05\0\x01File not found\0"]),
        What::Data(file, block) => {
            let bytes = content(file, boot);
            let start = (usize::from(block) - 1) * BLOCK;
            let [high, low] = block.to_be_bytes();
            frame::udp(frame, &answers(file), &[&[0, 3, high, low], &bytes[start..bytes.len().min(start + BLOCK)]]);
        }
        What::Ack(file, block) => {
            let [high, low] = block.to_be_bytes();
            let Path { src, dst, id } = answers(file);
            frame::udp(frame, &Path { src: dst, dst: src, id }, &[&[0, 4, high, low]]);
        }
        What::Segment(index) => {
            let segment = &props.segments[index];
            let client = (phone, 20_000 + (random % 9_000) as u16 * 2 + u16::from(segment.port == 2445));
            let server = (SERVER, segment.port);
            let (src, dst) = if segment.from_client { (client, server) } else { (server, client) };
            let first = |client: bool| (random >> 32) as u32 ^ u32::from(segment.port) << u32::from(client);
            let tcp = Tcp {
                seq: segment.seq.wrapping_add(first(segment.from_client)),
                ack: segment.ack.map_or(0, |ack| ack.wrapping_add(first(!segment.from_client))),
                flags: segment.flags | if segment.payload.is_empty() { 0 } else { PSH },
            };
            frame::tcp(frame, &Path { src, dst, id: boot.sent }, tcp, &segment.payload);
        }
    }
}

fn content(file: File, boot: &Boot) -> &[u8] {
    if file == File::Config { &boot.config } else { LIST }
}

/// The frames of a boot in their order: 98.
fn steps(props: &Props) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = 0;
    let mut add = |at: u64, what| steps.push(Step { at, what });
    add(at, What::Request(File::Ctl));
    add(at + 2 * MILLISECOND, What::NotFound(File::Ctl));
    for (file, length, after) in [(File::Itl, LIST.len(), 190), (File::Config, props.config_length(), 660)] {
        at += after * MILLISECOND;
        add(at, What::Request(file));
        at += 2 * MILLISECOND;
        for block in 1..=u16::try_from(length / BLOCK + 1).expect("a short file") {
            add(at, What::Data(file, block));
            add(at + 150_000, What::Ack(file, block));
            at += 400_000;
        }
    }
    at += 2200 * MILLISECOND;
    for (index, segment) in props.segments.iter().enumerate() {
        add(at + segment.at, What::Segment(index));
    }
    steps
}
