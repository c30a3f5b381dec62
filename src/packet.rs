//! From frames to datagrams and segments.
//!
//! In: a [`Frame`] of any supported link type. Out: the UDP datagram or TCP segment that it carries, whatever tags, tunnels
//! and fragments it came in, or a neighbour announcement of the link layer. It refuses to know what applications say, and
//! keeps no state but fragments that wait for their rest and the fingerprints that tell a frame captured twice.

mod duplicate;
mod endpoint;
mod fragment;
pub mod glance;
mod kernel_filter;
mod sightings;
#[cfg(test)]
mod tests;
mod tunnel;
mod walk;
mod wireless;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use crate::capture::{Frame, FrameId, LinkType};

pub(crate) use endpoint::Endpoint;
pub use kernel_filter::kernel_filter;
pub use sightings::Sightings;
pub use tunnel::Foreign;

use duplicate::Duplicates;
use fragment::Fragments;
use walk::{Found, Layer};

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A UDP datagram.
    Udp(Datagram<'a>),
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// The TLVs of a Cisco Discovery Protocol announcement.
    Cdp(&'a [u8]),
    /// The TLVs of a Link Layer Discovery Protocol announcement (IEEE 802.1AB).
    Lldp(&'a [u8]),
}

/// A UDP datagram (RFC 768).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Sender.
    pub src: SocketAddr,
    /// Receiver.
    pub dst: SocketAddr,
    /// The captured part of the payload.
    pub payload: &'a [u8],
    /// How many bytes of the payload were on the wire but not in the capture.
    pub missing: usize,
    /// The Ethernet source of the frame, of the innermost header; `None` where the link has none.
    pub hardware: Option<[u8; 6]>,
}

/// A TCP segment (RFC 9293).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Sender.
    pub src: SocketAddr,
    /// Receiver.
    pub dst: SocketAddr,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number, where the ACK bit is set.
    pub ack: Option<u32>,
    /// Control bits.
    pub flags: TcpFlags,
    /// The captured part of the payload.
    pub payload: &'a [u8],
    /// How many bytes of the payload were on the wire but not in the capture.
    pub missing: usize,
    /// The Ethernet source of the frame, of the innermost header; `None` where the link has none.
    pub hardware: Option<[u8; 6]>,
}

/// The control bits of a TCP segment that change a connection's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN: no more data from the sender.
    pub const FIN: u8 = 1;
    /// SYN: synchronises sequence numbers.
    pub const SYN: u8 = 2;
    /// RST: the connection is reset.
    pub const RST: u8 = 4;
    /// PSH: the receiver shall not wait for more.
    pub const PSH: u8 = 8;
    /// ACK: the acknowledgment number counts.
    pub const ACK: u8 = 16;

    /// Whether any of `bits` is set.
    pub const fn has(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}

/// How much memory reassembly of IP fragments may use, and for how long a datagram is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of fragments held at most.
    pub fragment_bytes: usize,
    /// Nanoseconds of capture time after which an incomplete datagram is given up (RFC 8200 4.5: 60 s).
    pub fragment_lifetime: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fragment_bytes: 4 << 20, fragment_lifetime: 30_000_000_000 }
    }
}

/// What was left out and why, for the report's warnings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames of link types that are not supported: how many, and the first of them.
    pub unsupported: BTreeMap<(u16, u32), (u64, FrameId)>,
    /// Frames of what is not decoded: how many, and the first of them.
    pub foreign: BTreeMap<(u16, Foreign), (u64, FrameId)>,
    /// Frames that were captured twice: how many a source, and the first of them.
    pub duplicates: BTreeMap<u16, (u64, FrameId)>,
    /// Frames of which the capture holds only a part that mattered.
    pub cut: BTreeMap<u16, (u64, FrameId)>,
    /// Fragments thrown away because of the memory limit, of age, or because they contradicted each other.
    pub fragments_dropped: u64,
}

/// Takes frames apart.
#[derive(Debug)]
pub struct Decoder {
    fragments: Fragments,
    duplicates: Duplicates,
    /// The datagram put together last.
    reassembled: Vec<u8>,
    counters: Counters,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Decoder {
    /// A decoder with these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            fragments: Fragments::new(limits),
            duplicates: Duplicates::default(),
            reassembled: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// What was left out so far.
    pub fn counters(&self) -> Counters {
        Counters { fragments_dropped: self.fragments.dropped(), ..self.counters.clone() }
    }

    /// Bytes of fragments that wait for the rest of their datagram.
    pub const fn held(&self) -> usize {
        self.fragments.held()
    }

    /// What `frame` carries; `None` where it carries nothing that could matter, is a fragment whose datagram is not complete
    /// yet, or was captured before.
    pub fn decode<'p>(&'p mut self, frame: &Frame<'p>) -> Option<Packet<'p>> {
        let Some(mut layer) = Layer::first(frame.link) else {
            let key = (frame.id.source, frame.link.0);
            self.counters.unsupported.entry(key).or_insert((0, frame.id)).0 += 1;
            return None;
        };
        let mut missing = usize::try_from(frame.original_len).unwrap_or(usize::MAX).saturating_sub(frame.data.len());
        let mut reassembled = false;
        let mut hardware = None;
        // A datagram put together from fragments may be a tunnel that carries fragments; two rounds are as deep as it gets.
        let (found, identity) = (0..3).find_map(|_| {
            let bytes = if reassembled { &self.reassembled[..] } else { frame.data };
            let (found, source) = walk::walk(layer, bytes, missing);
            hardware = source.or(hardware);
            match found {
                Found::Fragment(fragment) => {
                    let payload = bytes.get(fragment.payload.clone()).unwrap_or_default();
                    let Some(whole) = self.fragments.add(&fragment, payload, frame.time) else {
                        return Some((Found::Nothing, None));
                    };
                    self.reassembled = whole;
                    reassembled = true;
                    missing = 0;
                    layer = Layer::of_datagram(&fragment);
                    None
                }
                Found::Transport { transport, identity } => {
                    Some((Found::Transport { transport, identity }, Some(identity)))
                }
                other => Some((other, None)),
            }
        })?;
        let bytes = if reassembled { &self.reassembled[..] } else { frame.data };
        let slice = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        let packet = match found {
            Found::Nothing | Found::Fragment(_) => return None,
            Found::Foreign(foreign) => {
                self.counters.foreign.entry((frame.id.source, foreign)).or_insert((0, frame.id)).0 += 1;
                return None;
            }
            Found::Cdp(range) => Packet::Cdp(slice(&range)),
            Found::Lldp(range) => Packet::Lldp(slice(&range)),
            Found::Transport { transport, .. } => transport.packet(bytes, hardware)?,
        };
        if let Some(identity) = identity
            && self.duplicates.seen_before(&packet, identity, frame.time)
        {
            self.counters.duplicates.entry(frame.id.source).or_insert((0, frame.id)).0 += 1;
            return None;
        }
        if let Packet::Udp(Datagram { missing: 1.., .. }) | Packet::Tcp(Segment { missing: 1.., .. }) = packet {
            self.counters.cut.entry(frame.id.source).or_insert((0, frame.id)).0 += 1;
        }
        Some(packet)
    }
}

/// Between whom a frame went, and where in it what it carried stands. It is found without any memory of other frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// A whole UDP datagram or TCP segment.
    Transport {
        /// Sender.
        src: SocketAddr,
        /// Receiver.
        dst: SocketAddr,
        /// Whether it is TCP.
        tcp: bool,
        /// Its payload, in the bytes of the frame.
        payload: Range<usize>,
    },
    /// A fragment of an IP packet.
    Fragment {
        /// Sender.
        src: IpAddr,
        /// Receiver.
        dst: IpAddr,
        /// What the IP packet carried, in the bytes of the frame.
        payload: Range<usize>,
        /// Whether it is the first fragment, which has the header of the datagram.
        first: bool,
    },
}

/// Where things stand in a frame; `None` where nothing in it could matter.
pub fn whereabouts(frame: &Frame<'_>) -> Option<Whereabouts> {
    match walk::walk(Layer::first(frame.link)?, frame.data, 0).0 {
        Found::Transport { transport, .. } => Some(transport.whereabouts()),
        Found::Fragment(fragment) => Some(Whereabouts::Fragment {
            src: fragment.key.src,
            dst: fragment.key.dst,
            payload: fragment.payload,
            first: fragment.offset == 0,
        }),
        Found::Nothing | Found::Cdp(_) | Found::Lldp(_) | Found::Foreign(_) => None,
    }
}

/// Whether frames of this link type can be read.
pub fn supports(link: LinkType) -> bool {
    Layer::first(link).is_some()
}

/// The name of a link type, for messages: `LINKTYPE_USER0`, or its number where it has none here.
pub fn link_name(link: LinkType) -> String {
    let name = match link.0 {
        6 => "IEEE802_5",
        7 => "ARCNET_BSD",
        8 => "SLIP",
        10 => "FDDI",
        107 => "FRELAY",
        117 => "PFLOG",
        119 => "IEEE802_11_PRISM",
        138 => "APPLE_IP_OVER_IEEE1394",
        143 => "DOCSIS",
        number @ 147..=162 => return format!("LINKTYPE_USER{}", number - 147),
        187 => "BLUETOOTH_HCI_H4",
        189 => "USB_LINUX",
        195 => "IEEE802_15_4_WITHFCS",
        197 => "ERF",
        201 => "BLUETOOTH_HCI_H4_WITH_PHDR",
        220 => "USB_LINUX_MMAPPED",
        230 => "IEEE802_15_4_NOFCS",
        239 => "NFLOG",
        252 => "WIRESHARK_UPPER_PDU",
        253 => "NETLINK",
        number => return format!("number {number}"),
    };
    format!("LINKTYPE_{name}")
}

/// Lets unit tests elsewhere say when something happened.
#[cfg(test)]
pub(crate) fn at(seconds: f64) -> crate::capture::Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "test times are small")]
    crate::capture::Timestamp::from_nanos((seconds * 1e9) as i64)
}
