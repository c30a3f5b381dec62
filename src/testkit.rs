//! Frames and captures written byte by byte, for tests.
//!
//! In: what a packet should say. Out: bytes, as the RFCs lay them out; nothing here uses the code that is tested. Checksums
//! stay 0: offload leaves them so in real captures, and nobody here checks them.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "tests that cannot go on should stop"
)]

pub mod encapsulate;
pub mod tls;

use std::net::{IpAddr, SocketAddr};

use crate::capture::{Frame, FrameId, LinkType, Timestamp};
use crate::engine::{Engine, Limits};
use crate::phone::Phone;

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

pub const ETHERNET: LinkType = LinkType(1);
pub const RAW: LinkType = LinkType(101);

/// A frame that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Nanoseconds.
    pub time: i64,
    pub link: LinkType,
    pub data: Vec<u8>,
    /// Length on the wire.
    pub original_len: u32,
}

impl Owned {
    /// A whole Ethernet frame.
    pub fn ethernet(time: i64, data: Vec<u8>) -> Self {
        Self { time, link: ETHERNET, original_len: data.len() as u32, data }
    }

    /// The frame as a source would give it.
    pub fn frame(&self, number: u64) -> Frame<'_> {
        Frame {
            id: FrameId { source: 0, number },
            time: Timestamp::from_nanos(self.time),
            link: self.link,
            data: &self.data,
            original_len: self.original_len,
        }
    }
}

/// The frames of a capture file.
pub fn read(path: &str) -> Vec<Owned> {
    use crate::capture::{CaptureFile, Source};
    let mut source = CaptureFile::open(std::path::Path::new(path), 0).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = source.next_frame().unwrap() {
        let Frame { time, link, data, original_len, .. } = frame;
        frames.push(Owned { time: time.nanos(), link, data: data.to_vec(), original_len });
    }
    frames
}

/// What these frames say.
pub fn phones(frames: &[Owned]) -> Vec<Phone> {
    phones_within(frames, &Limits::default())
}

/// The same within other limits.
pub fn phones_within(frames: &[Owned], limits: &Limits) -> Vec<Phone> {
    engine(frames, limits).phones()
}

/// An engine that has seen these frames, and knows that no more come.
pub fn engine(frames: &[Owned], limits: &Limits) -> Engine {
    let mut engine = Engine::new(limits, &[]);
    for (number, frame) in (1..).zip(frames) {
        engine.push(&frame.frame(number));
    }
    engine.finish();
    engine
}

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A UDP datagram (RFC 768).
pub fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() + 8) as u16;
    [&src.to_be_bytes()[..], &dst.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload].concat()
}

/// A TCP segment without options (RFC 9293 3.1).
pub fn tcp(src: u16, dst: u16, (seq, ack): (u32, u32), flags: u8, payload: &[u8]) -> Vec<u8> {
    let (seq, ack) = (seq.to_be_bytes(), ack.to_be_bytes());
    [&src.to_be_bytes()[..], &dst.to_be_bytes(), &seq, &ack, &[0x50, flags, 0x40, 0, 0, 0, 0, 0], payload].concat()
}

/// An IP packet of the family of `src`.
pub fn ip(src: IpAddr, dst: IpAddr, protocol: u8, identification: u16, payload: &[u8]) -> Vec<u8> {
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let length = ((payload.len() + 20) as u16).to_be_bytes();
            let id = identification.to_be_bytes();
            let start = [0x45, 0, length[0], length[1], id[0], id[1], 0, 0, 64, protocol, 0, 0];
            [&start[..], &src.octets(), &dst.octets(), payload].concat()
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let length = (payload.len() as u16).to_be_bytes();
            let start = [0x60, 0, 0, 0, length[0], length[1], protocol, 64];
            [&start[..], &src.octets(), &dst.octets(), payload].concat()
        }
        _ => unreachable!("both addresses are of one family"),
    }
}

/// An Ethernet frame around an IP packet.
pub fn ethernet(packet: &[u8]) -> Vec<u8> {
    let kind: u16 = if packet[0] >> 4 == 6 { 0x86dd } else { 0x0800 };
    ethernet_with(kind, packet)
}

/// An Ethernet frame of any type.
pub fn ethernet_with(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[0, 0x11, 0x21, 0x5a, 0x1a, 0xe3, 0, 0x1b, 0x54, 1, 2, 3][..], &kind.to_be_bytes(), payload].concat()
}

/// A UDP datagram in an Ethernet frame.
pub fn udp_frame(src: &str, dst: &str, identification: u16, payload: &[u8]) -> Vec<u8> {
    let (src, dst) = (address(src), address(dst));
    ethernet(&ip(src.ip(), dst.ip(), 17, identification, &udp(src.port(), dst.port(), payload)))
}

/// The same packet as IPv4 fragments with payloads of `size` bytes (a multiple of 8) (RFC 791 3.2).
pub fn fragments(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (header, payload) = packet.split_at(20);
    let chunks: Vec<_> = payload.chunks(size).collect();
    let fragment = |(index, chunk): (usize, &&[u8])| {
        let mut packet = [header, *chunk].concat();
        let more = if index + 1 < chunks.len() { 0x2000 } else { 0 };
        let offset = (index * size / 8) as u16 | more;
        let length = (chunk.len() + 20) as u16;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet[6..8].copy_from_slice(&offset.to_be_bytes());
        packet
    };
    chunks.iter().enumerate().map(fragment).collect()
}

/// A TCP connection that is written down segment by segment.
#[derive(Debug, Clone)]
pub struct Connection {
    pub client: SocketAddr,
    pub server: SocketAddr,
    /// The next sequence numbers.
    pub client_seq: u32,
    pub server_seq: u32,
    pub frames: Vec<Owned>,
    time: i64,
    identification: u16,
}

impl Connection {
    pub fn new(client: &str, server: &str) -> Self {
        Self {
            client: address(client),
            server: address(server),
            client_seq: 1000,
            server_seq: u32::MAX - 100,
            frames: Vec::new(),
            time: 1_000_000_000,
            identification: 1,
        }
    }

    /// With its three-way handshake.
    pub fn opened(client: &str, server: &str) -> Self {
        let mut connection = Self::new(client, server);
        connection.open();
        connection
    }

    pub fn open(&mut self) {
        self.client_segment(SYN, &[]);
        self.server_segment(SYN | ACK, &[]);
        self.client_segment(ACK, &[]);
    }

    pub fn client_segment(&mut self, flags: u8, payload: &[u8]) {
        let ack = if flags & ACK != 0 { self.server_seq } else { 0 };
        let segment = tcp(self.client.port(), self.server.port(), (self.client_seq, ack), flags, payload);
        self.put(self.client, self.server, &segment);
        self.client_seq = self.client_seq.wrapping_add(taken(flags, payload));
    }

    pub fn server_segment(&mut self, flags: u8, payload: &[u8]) {
        let segment = tcp(self.server.port(), self.client.port(), (self.server_seq, self.client_seq), flags, payload);
        self.put(self.server, self.client, &segment);
        self.server_seq = self.server_seq.wrapping_add(taken(flags, payload));
    }

    /// Bytes of the client in segments of at most 1460 bytes, acknowledged.
    pub fn from_client(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(1460) {
            self.client_segment(ACK, chunk);
        }
        self.server_segment(ACK, &[]);
    }

    pub fn from_server(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(1460) {
            self.server_segment(ACK, chunk);
        }
        self.client_segment(ACK, &[]);
    }

    /// Ends it from the client's side.
    pub fn close(&mut self) {
        self.client_segment(FIN | ACK, &[]);
        self.server_segment(FIN | ACK, &[]);
        self.client_segment(ACK, &[]);
    }

    fn put(&mut self, src: SocketAddr, dst: SocketAddr, segment: &[u8]) {
        self.time += 1_000_000;
        self.identification += 1;
        let data = ethernet(&ip(src.ip(), dst.ip(), 6, self.identification, segment));
        self.frames.push(Owned::ethernet(self.time, data));
    }
}

fn taken(flags: u8, payload: &[u8]) -> u32 {
    payload.len() as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0)
}

/// A TFTP transfer of `file` under `name`, 512 bytes a block, each acknowledged.
pub fn tftp(client: &str, server: &str, name: &str, file: &[u8]) -> Vec<Owned> {
    let transfer = format!("{}:40000", address(server).ip());
    let mut sent = vec![(client, server, [b"\0\x01", name.as_bytes(), b"\0OCTET\0"].concat())];
    for number in 1..=file.len() / 512 + 1 {
        let block = &file[(number - 1) * 512..file.len().min(number * 512)];
        let number = (number as u16).to_be_bytes();
        sent.push((transfer.as_str(), client, [&[0, 3], &number[..], block].concat()));
        sent.push((client, transfer.as_str(), [&[0, 4], &number[..]].concat()));
    }
    let frame = |(index, (src, dst, payload)): (usize, (&str, &str, Vec<u8>))| {
        Owned::ethernet(1_000_000_000 + index as i64 * 1_000_000, udp_frame(src, dst, index as u16 + 1, &payload))
    };
    sent.into_iter().enumerate().map(frame).collect()
}

/// A pcap file: little-endian, microseconds unless `nanoseconds`.
pub fn pcap(link: u32, nanoseconds: bool, frames: &[Owned]) -> Vec<u8> {
    let magic: u32 = if nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let mut file = [magic.to_le_bytes(), [2, 0, 4, 0], [0; 4], [0; 4], [0, 0, 4, 0], link.to_le_bytes()].concat();
    for frame in frames {
        let fraction = frame.time % 1_000_000_000 / if nanoseconds { 1 } else { 1000 };
        for word in [frame.time / 1_000_000_000, fraction, frame.data.len() as i64, i64::from(frame.original_len)] {
            file.extend((word as u32).to_le_bytes());
        }
        file.extend(&frame.data);
    }
    file
}

/// A pcapng block around a body.
pub fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = [body, &vec![0; body.len().wrapping_neg() % 4]].concat();
    let length = (padded.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, &padded, &length].concat()
}

/// A pcapng section header.
pub fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat())
}

/// A pcapng interface description, with options as they stand in the file.
pub fn interface(link: u16, snap_length: u32, options: &[u8]) -> Vec<u8> {
    block(1, &[&link.to_le_bytes()[..], &[0, 0], &snap_length.to_le_bytes(), options].concat())
}

/// A pcapng enhanced packet block; time in units of the interface.
pub fn enhanced_packet(interface: u32, units: u64, data: &[u8]) -> Vec<u8> {
    let words = [interface, (units >> 32) as u32, units as u32, data.len() as u32, data.len() as u32];
    let head: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    block(6, &[head, data.to_vec()].concat())
}
