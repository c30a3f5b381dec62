//! Frames: Ethernet, the voice VLAN, IPv4, UDP or TCP.

use std::net::Ipv4Addr;

pub const SYN: u8 = 2;
pub const FIN: u8 = 1;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;

/// From whom to whom.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    pub src: (Ipv4Addr, u16),
    pub dst: (Ipv4Addr, u16),
    /// IP identification.
    pub id: u16,
}

/// Sequence numbers and flags of a segment.
#[derive(Debug, Clone, Copy)]
pub struct Tcp {
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
}

/// Ethernet with a hardware address made from the IP address, and the tag of VLAN 444.
fn ethernet(frame: &mut Vec<u8>, path: &Path) {
    for address in [path.dst.0, path.src.0] {
        let [_, b, c, d] = address.octets();
        frame.extend_from_slice(&[0x00, 0x1d, 0x45, b, c, d]);
    }
    frame.extend_from_slice(&[0x81, 0x00, 0x01, 0xbc, 0x08, 0x00]);
}

fn ip(frame: &mut Vec<u8>, path: &Path, protocol: u8, payload: usize, fragment: u16) {
    let start = frame.len();
    frame.extend_from_slice(&[0x45, 0x60]);
    frame.extend_from_slice(&((20 + payload) as u16).to_be_bytes());
    frame.extend_from_slice(&path.id.to_be_bytes());
    frame.extend_from_slice(&fragment.to_be_bytes());
    frame.extend_from_slice(&[64, protocol, 0, 0]);
    frame.extend_from_slice(&path.src.0.octets());
    frame.extend_from_slice(&path.dst.0.octets());
    let sum = fold(sum(0, &frame[start..]));
    frame[start + 10..start + 12].copy_from_slice(&sum.to_be_bytes());
}

fn sum(start: u64, bytes: &[u8]) -> u64 {
    let pairs = bytes.chunks_exact(2);
    let last = pairs.remainder().first().map_or(0, |&byte| u64::from(byte) << 8);
    start + last + pairs.map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]]))).sum::<u64>()
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A UDP datagram; its checksum is left out, as RFC 768 allows.
pub fn udp(frame: &mut Vec<u8>, path: &Path, payload: &[&[u8]]) {
    let length = 8 + payload.iter().map(|part| part.len()).sum::<usize>();
    ethernet(frame, path);
    ip(frame, path, 17, length, 0);
    frame.extend_from_slice(&path.src.1.to_be_bytes());
    frame.extend_from_slice(&path.dst.1.to_be_bytes());
    frame.extend_from_slice(&(length as u16).to_be_bytes());
    frame.extend_from_slice(&[0, 0]);
    for part in payload {
        frame.extend_from_slice(part);
    }
    pad(frame);
}

/// A fragment of a datagram: `offset` in units of eight bytes.
pub fn fragment(frame: &mut Vec<u8>, path: &Path, offset: u16, more: bool, payload: &[u8]) {
    ethernet(frame, path);
    ip(frame, path, 17, payload.len(), offset | if more { 0x2000 } else { 0 });
    frame.extend_from_slice(payload);
    pad(frame);
}

/// A TCP segment.
pub fn tcp(frame: &mut Vec<u8>, path: &Path, tcp: Tcp, payload: &[u8]) {
    ethernet(frame, path);
    ip(frame, path, 6, 20 + payload.len(), 0x4000);
    let start = frame.len();
    frame.extend_from_slice(&path.src.1.to_be_bytes());
    frame.extend_from_slice(&path.dst.1.to_be_bytes());
    frame.extend_from_slice(&tcp.seq.to_be_bytes());
    frame.extend_from_slice(&tcp.ack.to_be_bytes());
    frame.extend_from_slice(&[0x50, tcp.flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    frame.extend_from_slice(payload);
    let pseudo = sum(6 + (20 + payload.len()) as u64, &frame[start - 8..start]);
    let sum = fold(sum(pseudo, &frame[start..]));
    frame[start + 16..start + 18].copy_from_slice(&sum.to_be_bytes());
    pad(frame);
}

/// Ethernet frames have 64 bytes at least, with their tag and without their check sequence.
fn pad(frame: &mut Vec<u8>) {
    if frame.len() < 64 {
        frame.resize(64, 0);
    }
}
