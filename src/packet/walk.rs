//! Peeling a frame, layer by layer, down to what it carries.
//!
//! Each step looks at one header and says what comes next. Nothing is copied: the result is where things stand in the frame.
//! IP and transport headers are read by `etherparse`, the link layers and tunnels that it does not know by hand, and so are
//! IPv6 extension headers, which its lax reader (0.21) gives out behind the end of what was captured.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice, TcpHeaderSlice, UdpHeaderSlice};

use super::fragment::{Fragment, FragmentKey};
use super::tunnel::{self, Foreign, Inside};
use super::wireless;
use super::{Datagram, Packet, Segment, TcpFlags};
use crate::bytes::Reader;
use crate::capture::LinkType;

/// Headers on top of each other at most: a real frame has about ten, in the worst tunnel.
const MOST_LAYERS: usize = 24;

/// What the next bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    Ethernet,
    /// Linux cooked capture, version 1.
    Cooked1,
    /// Linux cooked capture, version 2.
    Cooked2,
    /// BSD null or loopback: four bytes of address family.
    Null,
    /// The point-to-point protocol, with or without its HDLC bytes.
    Ppp,
    /// Cisco's HDLC.
    CiscoHdlc,
    /// PPP over Ethernet, session stage (RFC 2516).
    PppoE,
    /// IEEE 802.2 logical link control.
    Llc,
    /// Whatever this `EtherType` stands for.
    EtherType(u16),
    /// A stack of MPLS labels (RFC 3032).
    Mpls,
    /// IPv4 or IPv6, told by the version number.
    Ip,
    /// Generic routing encapsulation (RFC 2784, 2890), ERSPAN among it.
    Gre,
    /// Network service header (RFC 8300).
    Nsh,
    /// A frame of a wireless network (IEEE 802.11).
    Wireless,
    /// The same with the bytes of its frame control in the other order, as Cisco's controllers send it in CAPWAP.
    WirelessSwapped,
    /// The same with its header filled up to words of four bytes.
    WirelessPadded,
    /// What capture tools put before it.
    Radiotap,
    /// Likewise.
    Ppi,
    /// The payload of an IP datagram.
    Payload(IpPayload),
}

/// The IP layer that a payload belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IpPayload {
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    identification: u16,
}

/// What a walk arrived at. Ranges are offsets in the bytes that were walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing that could matter.
    Nothing,
    Fragment(Fragment),
    /// A UDP datagram or TCP segment, and the identification of the IP packet around it.
    Transport {
        transport: Transport,
        identity: u16,
    },
    Cdp(Range<usize>),
    Lldp(Range<usize>),
    /// Something that may well matter, in a way that is not decoded.
    Foreign(Foreign),
}

/// A located UDP datagram or TCP segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transport {
    src: SocketAddr,
    dst: SocketAddr,
    payload: Range<usize>,
    missing: usize,
    /// Sequence and acknowledgment numbers and flags of a TCP segment.
    tcp: Option<(u32, Option<u32>, TcpFlags)>,
}

impl Transport {
    /// Between whom, and where its payload stands.
    pub(super) fn whereabouts(self) -> super::Whereabouts {
        let Self { src, dst, payload, tcp, .. } = self;
        super::Whereabouts::Transport { src, dst, tcp: tcp.is_some(), payload }
    }

    /// The packet, borrowing its payload from the bytes that were walked.
    pub(super) fn packet<'a>(&self, bytes: &'a [u8], hardware: Option<[u8; 6]>) -> Option<Packet<'a>> {
        let payload = bytes.get(self.payload.clone())?;
        let &Self { src, dst, missing, .. } = self;
        Some(match self.tcp {
            Some((seq, ack, flags)) => Packet::Tcp(Segment { src, dst, seq, ack, flags, payload, missing, hardware }),
            None => Packet::Udp(Datagram { src, dst, payload, missing, hardware }),
        })
    }
}

impl Layer {
    /// The first layer of frames of this link type; `None` where it is not supported.
    pub(super) const fn first(link: LinkType) -> Option<Self> {
        Some(match link.0 {
            0 | 108 => Self::Null,
            1 => Self::Ethernet,
            9 | 50 => Self::Ppp,
            51 => Self::PppoE,
            104 => Self::CiscoHdlc,
            105 => Self::Wireless,
            127 => Self::Radiotap,
            192 => Self::Ppi,
            // 12 and 14 are what some systems write for raw IP without translating it to 101.
            12 | 14 | 101 | 228 | 229 => Self::Ip,
            113 => Self::Cooked1,
            276 => Self::Cooked2,
            _ => return None,
        })
    }

    /// The Ethernet address of the sender, where this layer's header has one.
    fn source(self, header: &[u8]) -> Option<[u8; 6]> {
        let at = match self {
            Self::Ethernet => 6..12,
            // Of cooked frames only those of an Ethernet (ARPHRD_ETHER, six bytes of address).
            Self::Cooked1 if header.get(2..6) == Some(&[0, 1, 0, 6]) => 6..12,
            Self::Cooked2 if header.get(8..12).is_some_and(|kind| matches!(kind, [0, 1, _, 6])) => 12..18,
            _ => return None,
        };
        header.get(at)?.first_chunk().copied()
    }

    /// The layer to go on with when the fragments of a datagram were put together.
    pub(super) fn of_datagram(fragment: &Fragment) -> Self {
        let FragmentKey { src, dst, protocol, identification } = fragment.key;
        // The low half: IPv6 identifications are longer, and only whether copies agree matters here.
        let identification = u16::try_from(identification & 0xffff).unwrap_or(0);
        Self::Payload(IpPayload { src, dst, protocol, identification })
    }
}

/// One step: what follows and how many bytes the header took, or where the walk ends.
enum Step {
    Next(Layer, usize),
    /// An IP packet: its payload is shorter than what follows it in the frame, and some of it may be missing.
    Ip {
        payload: IpPayload,
        header: usize,
        length: usize,
        missing: usize,
    },
    End(Found),
}

/// Walks `bytes`, which begin with `layer`. `missing` is how many bytes the capture cut from their end. Gives what it arrived
/// at, and who sent the innermost Ethernet frame on the way.
pub(super) fn walk(mut layer: Layer, bytes: &[u8], mut missing: usize) -> (Found, Option<[u8; 6]>) {
    let mut at = 0;
    let mut end = bytes.len();
    let mut hardware = None;
    for _ in 0..MOST_LAYERS {
        let Some(rest) = bytes.get(at..end) else { break };
        hardware = layer.source(rest).or(hardware);
        match step(layer, rest, at, missing) {
            None => break,
            Some(Step::End(found)) => return (found, hardware),
            Some(Step::Next(next, header)) => {
                layer = next;
                at += header;
            }
            Some(Step::Ip { payload, header, length, missing: lost }) => {
                layer = Layer::Payload(payload);
                at += header;
                end = at + length;
                missing = lost;
            }
        }
    }
    (Found::Nothing, hardware)
}

fn step(layer: Layer, rest: &[u8], at: usize, missing: usize) -> Option<Step> {
    let mut reader = Reader::new(rest);
    let next = match layer {
        Layer::Ethernet => {
            let destination = reader.take(6)?;
            // Its frames go to addresses that nothing else goes to.
            if matches!(destination, [0x01 | 0x03, 0x00, 0x0c, 0x00, 0x00, _]) {
                return Some(Step::End(Found::Foreign(Foreign::Isl)));
            }
            reader.skip(6)?;
            after_addresses(reader.u16()?)
        }
        Layer::Cooked1 => {
            reader.skip(14)?;
            cooked(reader.u16()?)
        }
        Layer::Cooked2 => {
            let protocol = reader.u16()?;
            reader.skip(18)?;
            cooked(protocol)
        }
        Layer::Null => {
            reader.skip(4)?;
            Layer::Ip
        }
        Layer::Ppp => {
            // The address and control bytes may be left out.
            if rest.starts_with(&[0xff, 0x03]) {
                reader.skip(2)?;
            }
            ppp(reader.u16()?)?
        }
        Layer::CiscoHdlc => {
            reader.skip(2)?;
            Layer::EtherType(reader.u16()?)
        }
        Layer::PppoE => {
            reader.skip(6)?;
            ppp(reader.u16()?)?
        }
        Layer::Llc => match reader.take(3)? {
            [0xaa, 0xaa, 0x03] => {
                let organization = reader.u24()?;
                let protocol = reader.u16()?;
                match (organization, protocol) {
                    (0x00_000c, 0x2000) => return Some(Step::End(Found::Cdp(at + reader.position()..at + rest.len()))),
                    (0x00_0000 | 0x00_000c, protocol) => Layer::EtherType(protocol),
                    _ => return None,
                }
            }
            [0x06, 0x06, 0x03] => Layer::Ip,
            _ => return None,
        },
        Layer::EtherType(0x0800 | 0x86dd) | Layer::Ip => return ip(rest, at, missing),
        // 802.1Q, 802.1ad and the numbers that were used before it: two bytes of tag, then the next type.
        Layer::EtherType(0x8100 | 0x88a8 | 0x9100 | 0x9200) => {
            reader.skip(2)?;
            after_addresses(reader.u16()?)
        }
        // VN-Tag, 802.1BR and Cisco MetaData, as Nexus and UCS put them on SPAN ports.
        Layer::EtherType(0x8926) => {
            reader.skip(4)?;
            after_addresses(reader.u16()?)
        }
        Layer::EtherType(0x893f | 0x8909) => {
            reader.skip(6)?;
            after_addresses(reader.u16()?)
        }
        // Provider backbone (802.1ah): a tag, then the customer's whole frame.
        Layer::EtherType(0x88e7) => {
            reader.skip(4)?;
            Layer::Ethernet
        }
        Layer::EtherType(0x894f) => Layer::Nsh,
        Layer::EtherType(0x88e5) => return Some(Step::End(Found::Foreign(Foreign::MacSec))),
        Layer::EtherType(0x22f3) => return Some(Step::End(Found::Foreign(Foreign::Trill))),
        Layer::EtherType(0x8903) => return Some(Step::End(Found::Foreign(Foreign::FabricPath))),
        Layer::EtherType(0x8864) => Layer::PppoE,
        Layer::EtherType(0x8847 | 0x8848) => Layer::Mpls,
        Layer::EtherType(0x88cc) => return Some(Step::End(Found::Lldp(at..at + rest.len()))),
        Layer::EtherType(0x6558) => Layer::Ethernet,
        Layer::EtherType(_) => return None,
        Layer::Mpls => mpls(&mut reader)?,
        Layer::Gre if rest.get(1).is_some_and(|flags| flags & 7 == 1) => {
            return Some(Step::End(Found::Foreign(Foreign::Pptp)));
        }
        Layer::Gre => gre(&mut reader)?,
        Layer::Nsh => {
            // The length of all of it in words, the kind of its metadata, what follows.
            let length = usize::from(reader.u16()? & 0x3f) * 4;
            reader.skip(1)?;
            let next = tunnel::next_protocol(reader.u8()?)?;
            return (length >= 8).then_some(Step::Next(next, length));
        }
        Layer::Wireless => return inside(wireless::frame(rest, false, false)?, 0),
        Layer::WirelessSwapped => return inside(wireless::frame(rest, true, false)?, 0),
        Layer::WirelessPadded => return inside(wireless::frame(rest, false, true)?, 0),
        Layer::Radiotap => return inside(wireless::radiotap(rest)?, 0),
        Layer::Ppi => return inside(wireless::ppi(rest)?, 0),
        Layer::Payload(payload) => return self::payload(payload, rest, at, missing),
    };
    Some(Step::Next(next, reader.position()))
}

/// What an IPv4 header without options leaves of the 46 bytes that the smallest Ethernet frame carries (IEEE 802.3 3.2.8).
const PADDED: usize = 26;

/// Some systems count the padding of the smallest frame in the length of the IP packet. Their bare acknowledgments then seem to
/// carry up to six zero bytes, at the place of bytes that are sent later.
fn is_padding(flags: u8, carried: &[u8]) -> bool {
    flags == TcpFlags::ACK && carried.iter().all(|&byte| byte == 0)
}

/// Goes on with what is inside, behind a header of so many bytes.
const fn inside(inside: Inside, header: usize) -> Option<Step> {
    match inside {
        Inside::Layer(layer, length) => Some(Step::Next(layer, header + length)),
        Inside::Foreign(foreign) => Some(Step::End(Found::Foreign(foreign))),
        Inside::Cut => None,
    }
}

/// A length or a type follows the addresses (IEEE 802.3).
const fn after_addresses(number: u16) -> Layer {
    if number < 1536 { Layer::Llc } else { Layer::EtherType(number) }
}

const fn cooked(protocol: u16) -> Layer {
    match protocol {
        0x0004 => Layer::Llc,
        other => Layer::EtherType(other),
    }
}

const fn ppp(protocol: u16) -> Option<Layer> {
    match protocol {
        0x0021 | 0x0057 => Some(Layer::Ip),
        0x0281 | 0x0283 => Some(Layer::Mpls),
        _ => None,
    }
}

fn mpls(reader: &mut Reader<'_>) -> Option<Layer> {
    while reader.u32()? & 0x100 == 0 {}
    match reader.rest().first()? >> 4 {
        4 | 6 => Some(Layer::Ip),
        // An Ethernet pseudowire with its control word (RFC 4448).
        0 => {
            reader.skip(4)?;
            Some(Layer::Ethernet)
        }
        _ => Some(Layer::Ethernet),
    }
}

fn gre(reader: &mut Reader<'_>) -> Option<Layer> {
    let flags = reader.u16()?;
    let protocol = reader.u16()?;
    let (checksum, routing, key, sequence, version) =
        (flags & 0x8000 != 0, flags & 0x4000 != 0, flags & 0x2000 != 0, flags & 0x1000 != 0, flags & 7);
    if routing || version != 0 {
        return None;
    }
    for _ in 0..[checksum, key, sequence].into_iter().filter(|&present| present).count() {
        reader.skip(4)?;
    }
    match protocol {
        // ERSPAN type II has its own header, type I has none: the sequence number tells them apart
        // (draft-foschiano-erspan 4).
        0x88be => {
            if sequence {
                reader.skip(8)?;
            }
            Some(Layer::Ethernet)
        }
        // ERSPAN type III: the last bit says that eight bytes more follow, five bits what is carried.
        0x22eb => {
            reader.skip(10)?;
            let last = reader.u16()?;
            if last & 1 != 0 {
                reader.skip(8)?;
            }
            Some(if last >> 10 & 0x1f == 2 { Layer::Ip } else { Layer::Ethernet })
        }
        other => Some(Layer::EtherType(other)),
    }
}

fn ip(rest: &[u8], at: usize, frame_missing: usize) -> Option<Step> {
    let (src, dst, protocol, header, announced, identification, fragment) = if rest.first()? >> 4 == 6 {
        let ip = Ipv6HeaderSlice::from_slice(rest).ok()?;
        let header = ip.slice().len();
        let announced = match ip.payload_length() {
            0 => 0,
            length => header + usize::from(length),
        };
        let (src, dst) = (ip.source_addr().into(), ip.destination_addr().into());
        (src, dst, ip.next_header().0, header, announced, 0, (0, false))
    } else {
        let ip = Ipv4HeaderSlice::from_slice(rest).ok()?;
        let fragment = (ip.fragments_offset().byte_offset(), ip.more_fragments());
        let (src, dst) = (ip.source_addr().into(), ip.destination_addr().into());
        let announced = usize::from(ip.total_len());
        (src, dst, ip.protocol().0, ip.slice().len(), announced, ip.identification(), fragment)
    };
    // Segmentation offload, and jumbograms, leave a length of 0: then the frame says how much there is.
    let (end, missing) = match announced {
        0 => (rest.len(), frame_missing),
        announced => (announced.min(rest.len()), announced.saturating_sub(rest.len())),
    };
    let length = end.checked_sub(header)?;
    let (offset, more) = fragment;
    if offset > 0 || more {
        let key = FragmentKey { src, dst, protocol, identification: identification.into() };
        let payload = at + header..at + end;
        return Some(Step::End(Found::Fragment(Fragment { key, offset, more, payload, whole: missing == 0 })));
    }
    let payload = IpPayload { src, dst, protocol, identification };
    Some(Step::Ip { payload, header, length, missing })
}

/// An extension header, of IPv6 unless it authenticates (RFC 8200 4, RFC 4302): what follows, and its length.
fn extension(ip: IpPayload, rest: &[u8], at: usize, missing: usize) -> Option<Step> {
    let mut reader = Reader::new(rest);
    let next = IpPayload { protocol: reader.u8()?, ..ip };
    let length = usize::from(reader.u8()?);
    match ip.protocol {
        44 => {
            let offset = reader.u16()?;
            let identification = reader.u32()?;
            let (offset, more) = (offset & 0xfff8, offset & 1 != 0);
            if offset > 0 || more {
                let key = FragmentKey { src: ip.src, dst: ip.dst, protocol: next.protocol, identification };
                let payload = at + reader.position()..at + rest.len();
                return Some(Step::End(Found::Fragment(Fragment { key, offset, more, payload, whole: missing == 0 })));
            }
            Some(Step::Next(Layer::Payload(next), reader.position()))
        }
        51 => Some(Step::Next(Layer::Payload(next), (length + 2) * 4)),
        _ => Some(Step::Next(Layer::Payload(next), (length + 1) * 8)),
    }
}

fn payload(ip: IpPayload, rest: &[u8], at: usize, missing: usize) -> Option<Step> {
    let IpPayload { src, dst, protocol, identification } = ip;
    let next = match protocol {
        0 | 43 | 44 | 60 | 135 | 139 | 140 if src.is_ipv6() => return extension(ip, rest, at, missing),
        51 => return extension(ip, rest, at, missing),
        4 | 41 => Layer::Ip,
        47 => Layer::Gre,
        50 => return Some(Step::End(Found::Foreign(Foreign::Esp))),
        97 => return Some(Step::End(Found::Foreign(Foreign::EtherIp))),
        115 => return Some(Step::End(Found::Foreign(Foreign::L2tp))),
        137 => Layer::Mpls,
        17 => {
            let udp = UdpHeaderSlice::from_slice(rest).ok()?;
            let header = udp.slice().len();
            let ports = (udp.source_port(), udp.destination_port());
            if let Some(found) = tunnel::of_datagram(ports, rest.get(header..)?) {
                return inside(found, header);
            }
            let there = rest.len() - header;
            // A length of 0 means that offload left it out.
            let (length, missing) = match usize::from(udp.length()).checked_sub(header) {
                None => (there, missing),
                Some(length) if length <= there => (length, 0),
                Some(length) => (there, length - there),
            };
            let transport = Transport {
                src: SocketAddr::new(src, udp.source_port()),
                dst: SocketAddr::new(dst, udp.destination_port()),
                payload: at + header..at + header + length,
                missing,
                tcp: None,
            };
            return Some(Step::End(Found::Transport { transport, identity: identification }));
        }
        6 => {
            let tcp = TcpHeaderSlice::from_slice(rest).ok()?;
            let header = tcp.slice().len();
            let mut flags = 0;
            for (set, bit) in [
                (tcp.fin(), TcpFlags::FIN),
                (tcp.syn(), TcpFlags::SYN),
                (tcp.rst(), TcpFlags::RST),
                (tcp.psh(), TcpFlags::PSH),
                (tcp.ack(), TcpFlags::ACK),
            ] {
                flags |= if set { bit } else { 0 };
            }
            let ack = tcp.ack().then(|| tcp.acknowledgment_number());
            let carried = rest.get(header..).unwrap_or_default();
            let padding = missing == 0 && src.is_ipv4() && rest.len() <= PADDED && is_padding(flags, carried);
            let end = if padding { header } else { rest.len() };
            let transport = Transport {
                src: SocketAddr::new(src, tcp.source_port()),
                dst: SocketAddr::new(dst, tcp.destination_port()),
                payload: at + header..at + end,
                missing,
                tcp: Some((tcp.sequence_number(), ack, TcpFlags(flags))),
            };
            return Some(Step::End(Found::Transport { transport, identity: identification }));
        }
        _ => return None,
    };
    Some(Step::Next(next, 0))
}
