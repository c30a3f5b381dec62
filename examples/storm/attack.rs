//! What hostile or broken senders put on the wire, one kind at a time. Each frame is made from its number alone.

use std::net::Ipv4Addr;

use super::Traffic;
use super::frame::{self, ACK, FIN, PSH, Path, SYN, Tcp};
use super::key::element;
use super::phones::SERVER;
use super::props::{LIST, Props};
use super::random::{mix, noise};

/// What is done to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Attack {
    /// Connections to TVS and Tomcat that are never answered
    HalfOpen,
    /// TCP and UDP between a million ports, some of it like TLS and TFTP
    Ports,
    /// Streams and downloads of which every other piece is missing
    Disorder,
    /// IP fragments of datagrams that are never complete
    Fragments,
    /// TFTP requests for random names from everywhere
    Requests,
    /// TFTP requests with names and options as long as a datagram
    LongNames,
    /// Handshakes whose messages never end
    Records,
    /// Large certificates, each another one
    Certificates,
    /// Trust lists, each another one
    Lists,
    /// Small complete files for random phones
    Files,
    /// HTTP bodies that never end
    Bodies,
    /// One phone that asks for ever and is refused
    Refusals,
    /// Two copies of everything, and they differ
    Conflicts,
}

/// Connections that go on side by side where an attack needs some.
const LANES: u64 = 64;
/// Bytes of each certificate, more than any real one has.
const CERTIFICATE: usize = 60_000;
/// Bytes of each trust list.
const LONG_LIST: usize = 120_000;
/// Data bytes a segment or block.
const PIECE: usize = 1400;

pub struct Flood<'a> {
    attack: Attack,
    props: &'a Props,
    next: u64,
    frames: u64,
    span: u64,
    seed: u64,
    noise: Vec<u8>,
    certificate: Vec<u8>,
    list: Vec<u8>,
}

impl<'a> Flood<'a> {
    pub fn new(attack: Attack, props: &'a Props, frames: u64, span: u64, seed: u64) -> Self {
        let certificate =
            if attack == Attack::Certificates { flight(&large_certificate(&props.certificate())) } else { Vec::new() };
        let list = if attack == Attack::Lists { large_list() } else { Vec::new() };
        Self { attack, props, next: 0, frames, span, seed, noise: noise(seed, 1 << 16), certificate, list }
    }

    /// An end that no phone has.
    fn anywhere(random: u64) -> (Ipv4Addr, u16) {
        let [a, b, c, d, ..] = random.to_be_bytes();
        (Ipv4Addr::new(172, 16 + (a & 15), b, c), 1024 + u16::from_be_bytes([d, c]) % 60_000)
    }

    /// The client of a lane, and the lane's round.
    fn lane(&self) -> ((Ipv4Addr, u16), u64) {
        (Self::anywhere(mix(self.seed ^ (self.next % LANES))), self.next / LANES)
    }

    fn piece(&self, length: usize) -> &[u8] {
        let at = (mix(self.next) % (self.noise.len() - length) as u64) as usize;
        &self.noise[at..at + length]
    }

    fn path(&self, src: (Ipv4Addr, u16), dst: (Ipv4Addr, u16)) -> Path {
        Path { src, dst, id: self.next as u16 }
    }

    /// Frames of a file that a client of its own asks for: a request, then the blocks. `content` cuts a block out.
    fn download(&self, frame: &mut Vec<u8>, name: &str, blocks: u64, content: impl Fn(u64) -> Vec<u8>) {
        let (file, step) = (self.next / (blocks + 1), self.next % (blocks + 1));
        let client = Self::anywhere(mix(self.seed ^ file));
        if step == 0 {
            let path = self.path(client, (SERVER, 69));
            frame::udp(frame, &path, &[b"\0\x01", name.as_bytes(), b"\0octet\0blksize\x001400\0"]);
        } else {
            let [.., high, low] = step.to_be_bytes();
            let path = self.path((SERVER, 40_000), client);
            frame::udp(frame, &path, &[&[0, 3, high, low], &content(step - 1)]);
        }
    }

    fn half_open(&self, frame: &mut Vec<u8>) {
        let random = mix(self.seed ^ self.next);
        let port = if random & 1 == 0 { 2445 } else { 8443 };
        let tcp = Tcp { seq: random as u32, ack: 0, flags: SYN };
        frame::tcp(frame, &self.path(Self::anywhere(random >> 3), (SERVER, port)), tcp, &[]);
    }

    fn ports(&self, frame: &mut Vec<u8>) {
        let random = mix(self.seed ^ self.next);
        let (from, to) = (Self::anywhere(random), Self::anywhere(mix(random)));
        let path = self.path(from, to);
        let tcp = Tcp { seq: random as u32, ack: 1, flags: ACK | PSH };
        match self.next % 4 {
            0 => frame::tcp(frame, &path, tcp, &[22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 1]),
            1 => frame::tcp(frame, &path, tcp, self.piece(600)),
            2 => frame::udp(frame, &path, &[&[0, 3, 0, 1], self.piece(512)]),
            _ => frame::udp(frame, &path, &[b"\0\x06blksize\x001400\0"]),
        }
    }

    fn disorder(&self, frame: &mut Vec<u8>) {
        let (client, round) = self.lane();
        let gap = round as u32 * 2 + 1;
        if self.next.is_multiple_of(2) {
            let seq = 1000 + gap * PIECE as u32;
            let path = self.path(client, (SERVER, 2445));
            let flags = if round == 0 { SYN } else { ACK };
            frame::tcp(frame, &path, Tcp { seq: if round == 0 { 999 } else { seq }, ack: 0, flags }, self.piece(PIECE));
        } else if round == 0 {
            let request: &[u8] = b"\0\x01tzupdate.jar\0octet\0blksize\x001400\0";
            frame::udp(frame, &self.path(client, (SERVER, 69)), &[request]);
        } else {
            let [.., high, low] = gap.to_be_bytes();
            frame::udp(frame, &self.path((SERVER, 40_000), client), &[&[0, 3, high, low], self.piece(PIECE)]);
        }
    }

    fn fragments(&self, frame: &mut Vec<u8>) {
        let random = mix(self.seed ^ self.next);
        let mut path = self.path(Self::anywhere(random), (SERVER, 0));
        match self.next % 3 {
            0 => frame::fragment(frame, &path, 0, true, self.piece(1400)),
            1 => frame::fragment(frame, &path, 8000, false, self.piece(64)),
            // One datagram in as many pieces as possible, most of them again and again.
            _ => {
                path.src = Self::anywhere(self.seed);
                path.id = (self.next / 6000) as u16;
                frame::fragment(frame, &path, (random % 8000) as u16 & !1, true, &[7; 8]);
            }
        }
    }

    fn requests(&self, frame: &mut Vec<u8>) {
        let random = mix(self.seed ^ self.next);
        let name = match random % 4 {
            0 => format!("ITLSEP{:012X}.tlv", random >> 16),
            1 => format!("SEP{:012X}.cnf.xml.sgn", random >> 16),
            2 => format!("../../{random:x}\u{1b}[2J\r\n"),
            _ => format!("{random:x}"),
        };
        let path = self.path(Self::anywhere(random), (SERVER, 69));
        frame::udp(frame, &path, &[b"\0\x01", name.as_bytes(), b"\0octet\0"]);
    }

    fn long_names(&self, frame: &mut Vec<u8>) {
        let random = mix(self.seed ^ self.next);
        let name = format!("SEP{:012X}.cnf.xml{}", random >> 16, "x".repeat(8000 + (random % 50_000) as usize));
        let path = self.path(Self::anywhere(random), (SERVER, 69));
        frame::udp(frame, &path, &[b"\0\x01", name.as_bytes(), b"\0octet\0tsize\x000\0"]);
    }

    /// Full of one handshake message after the other, or of a message that claims to be long and never ends.
    fn records(&self, frame: &mut Vec<u8>) {
        let (client, round) = self.lane();
        let path = self.path(client, (SERVER, if self.next.is_multiple_of(2) { 2445 } else { 8443 }));
        // A record of 1395 bytes begins each segment.
        let header = [22, 3, 1, 0x05, 0x73];
        let mut payload = [header.as_slice(), self.piece(PIECE - 5)].concat();
        match self.next % 4 {
            0 => payload[5..9].copy_from_slice(&[if round == 0 { 1 } else { 11 }, 1, 0xff, 0xff]),
            1 => payload[5..].fill(0),
            2 => payload[..5].copy_from_slice(&[22, 3, 1, 0x40, 0]),
            _ => payload[..7].copy_from_slice(&[21, 3, 1, 0, 2, 1, 0]),
        }
        let tcp = Tcp { seq: 1 + round as u32 * PIECE as u32, ack: 1, flags: ACK | PSH };
        frame::tcp(frame, &path, tcp, &payload);
    }

    fn certificates(&self, frame: &mut Vec<u8>) {
        let pieces = self.certificate.len().div_ceil(PIECE) as u64;
        let (session, step) = (self.next / pieces, self.next % pieces);
        let client = Self::anywhere(mix(self.seed ^ session));
        let start = step as usize * PIECE;
        let mut payload = self.certificate[start..self.certificate.len().min(start + PIECE)].to_vec();
        // The serial number stands near the beginning.
        if step == 0 {
            let serial = self.certificate.windows(8).position(|bytes| bytes == [0x5a; 8]).expect("a serial number");
            payload[serial..serial + 8].copy_from_slice(&(session | 1 << 62).to_be_bytes());
        }
        let tcp = Tcp { seq: 1 + start as u32, ack: 1, flags: ACK | PSH };
        frame::tcp(frame, &self.path((SERVER, 2445), client), tcp, &payload);
    }

    fn lists(&self, frame: &mut Vec<u8>) {
        let blocks = (self.list.len() / PIECE + 1) as u64;
        let file = self.next / (blocks + 1);
        let name = format!("ITLSEP{:012X}.tlv", mix(self.seed ^ file) >> 16);
        self.download(frame, &name, blocks, |block| {
            let start = block as usize * PIECE;
            let mut piece = self.list[start..self.list.len().min(start + PIECE)].to_vec();
            if block == 1 {
                // Inside the signature or a record: every list is another one.
                piece[100..108].copy_from_slice(&file.to_be_bytes());
            }
            piece
        });
    }

    fn files(&self, frame: &mut Vec<u8>) {
        let name = format!("ITLSEP{:012X}.tlv", mix(self.seed ^ (self.next / 2)) >> 16);
        self.download(frame, &name, 1, |_| self.piece(300).to_vec());
    }

    fn bodies(&self, frame: &mut Vec<u8>) {
        let (client, round) = self.lane();
        let server = (SERVER, 6970);
        let chunked = self.next.is_multiple_of(2);
        let request = format!("GET /SEP{:012X}.cnf.xml.sgn HTTP/1.1\r\nHost: x\r\n\r\n", self.next);
        let head: &[u8] = if chunked {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n"
        } else {
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"
        };
        match round {
            0 => frame::tcp(frame, &self.path(client, server), Tcp { seq: 0, ack: 0, flags: SYN }, &[]),
            1 => {
                let tcp = Tcp { seq: 1, ack: 1, flags: ACK | PSH };
                frame::tcp(frame, &self.path(client, server), tcp, request.as_bytes());
            }
            2 => frame::tcp(frame, &self.path(server, client), Tcp { seq: 1, ack: 1, flags: ACK | PSH }, head),
            _ => {
                let seq = 1 + head.len() as u32 + (round as u32 - 3) * PIECE as u32;
                frame::tcp(frame, &self.path(server, client), Tcp { seq, ack: 1, flags: ACK }, self.piece(PIECE));
            }
        }
    }

    fn refusals(&self, frame: &mut Vec<u8>) {
        let turn = self.next / 2;
        let client = (Ipv4Addr::new(172, 16, 0, 1), 10_000 + (turn % 50_000) as u16);
        if self.next.is_multiple_of(2) {
            let name = format!("{turn:x}.tlv");
            frame::udp(frame, &self.path(client, (SERVER, 69)), &[b"\0\x01", name.as_bytes(), b"\0octet\0"]);
        } else {
            frame::udp(frame, &self.path((SERVER, 40_000), client), &[b"\0\x05\0\x01File not found\0"]);
        }
    }

    fn conflicts(&self, frame: &mut Vec<u8>) {
        let (client, round) = self.lane();
        let step = round / 2;
        if self.next.is_multiple_of(2) {
            let tcp =
                Tcp { seq: 1 + (step as u32) * PIECE as u32, ack: 1, flags: ACK | (FIN * u8::from(step % 97 == 96)) };
            frame::tcp(frame, &self.path((SERVER, 2445), client), tcp, self.piece(PIECE));
        } else {
            let [.., high, low] = (step + 1).to_be_bytes();
            frame::udp(frame, &self.path((SERVER, 40_000), client), &[&[0, 3, high, low], self.piece(PIECE)]);
        }
    }
}

impl Traffic for Flood<'_> {
    fn due(&self) -> Option<u64> {
        let due = u128::from(self.next) * u128::from(self.span) / u128::from(self.frames.max(1));
        (self.next < self.frames).then_some(due as u64)
    }

    fn emit(&mut self, frame: &mut Vec<u8>) {
        match self.attack {
            Attack::HalfOpen => self.half_open(frame),
            Attack::Ports => self.ports(frame),
            Attack::Disorder => self.disorder(frame),
            Attack::Fragments => self.fragments(frame),
            Attack::Requests => self.requests(frame),
            Attack::LongNames => self.long_names(frame),
            Attack::Records => self.records(frame),
            Attack::Certificates => self.certificates(frame),
            Attack::Lists => self.lists(frame),
            Attack::Files => self.files(frame),
            Attack::Bodies => self.bodies(frame),
            Attack::Refusals => self.refusals(frame),
            Attack::Conflicts => self.conflicts(frame),
        }
        self.next += 1;
    }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = vec![tag];
    match length {
        0..=0x7f => bytes.push(length as u8),
        0x80..=0xffff => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
        _ => bytes.extend([0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8]),
    }
    bytes.extend(content);
    bytes
}

/// The certificate with another serial number and an extension of an unknown kind that fills it up.
fn large_certificate(certificate: &[u8]) -> Vec<u8> {
    let (whole, _) = element(certificate);
    let (tbs, after) = element(whole);
    let mut fields = Vec::new();
    let mut rest = tbs;
    while !rest.is_empty() {
        let (_, next) = element(rest);
        fields.push(&rest[..rest.len() - next.len()]);
        rest = next;
    }
    if fields[0][0] != 0xa0 {
        fields.insert(0, &[0xa0, 3, 2, 1, 2]);
    }
    let extension = der(0x30, &[der(6, &[0x2a, 3, 4]), der(4, &vec![0; CERTIFICATE])].concat());
    let extensions = der(0xa3, &der(0x30, &extension));
    let serial = der(2, &[0x5a; 8]);
    let tbs = [fields[0], &serial, &fields[2..7].concat(), &extensions].concat();
    der(0x30, &[&der(0x30, &tbs), after].concat())
}

/// A server's flight with this certificate: a ServerHello and a Certificate, in records of 16 KiB.
fn flight(certificate: &[u8]) -> Vec<u8> {
    let length = |length: usize| [(length >> 16) as u8, (length >> 8) as u8, length as u8];
    let mut hello = vec![2, 0, 0, 38, 3, 1];
    hello.extend([9; 32]);
    hello.extend([0, 0, 0x35, 0]);
    let (one, chain) = (length(certificate.len()), length(certificate.len() + 3));
    let messages =
        [&hello, [11].as_slice(), &length(certificate.len() + 6), &chain, &one, certificate, &[14, 0, 0, 0]].concat();
    messages.chunks(1 << 14).flat_map(|chunk| [&[22, 3, 1], &length(chunk.len())[1..], chunk].concat()).collect()
}

/// A list with its records over and over.
fn large_list() -> Vec<u8> {
    let header = usize::from(u16::from_be_bytes([LIST[8], LIST[9]]));
    let mut list = LIST.to_vec();
    while list.len() < LONG_LIST {
        list.extend_from_slice(&LIST[header..]);
    }
    list
}
