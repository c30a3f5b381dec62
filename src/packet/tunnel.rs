//! Tunnels in UDP, and what is carried in a way that is not read.
//!
//! In: the ports and the payload of a datagram. Out: the layer inside, and where it begins, or the name of what is not decoded.
//! It refuses to know who talks through a tunnel.

use super::walk::Layer;
use super::wireless;
use crate::bytes::Reader;

/// Ports of tunnels (IANA; TZSP as its implementations use it), whose datagrams the glance may never dismiss.
pub(super) const PORTS: [u16; 8] = [4789, 8472, VXLAN_GPE, GENEVE, CAPWAP, TZSP, GTP_U, L2TP];
const VXLAN_GPE: u16 = 4790;
const GENEVE: u16 = 6081;
const CAPWAP: u16 = 5247;
const TZSP: u16 = 37008;
const GTP_U: u16 = 2152;
const L2TP: u16 = 1701;

/// What may carry phones' packets and is not decoded: it is counted and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Foreign {
    /// 802.11 data with a key (WEP, WPA).
    EncryptedWireless,
    /// 802.11 data in pieces, or several packets in one (A-MSDU).
    AggregatedWireless,
    /// CAPWAP data in DTLS.
    EncryptedCapwap,
    /// Datagrams that CAPWAP cut into pieces of its own.
    FragmentedCapwap,
    /// IP encapsulating security payload (RFC 4303).
    Esp,
    /// Ethernet in IP (RFC 3378).
    EtherIp,
    /// Cisco `FabricPath`.
    FabricPath,
    /// GPRS tunnelling, user plane.
    GtpU,
    /// Cisco Inter-Switch Link.
    Isl,
    /// Layer 2 tunnelling (RFC 2661, 3931).
    L2tp,
    /// IEEE 802.1AE.
    MacSec,
    /// Point-to-point tunnelling: GRE of version 1 (RFC 2637).
    Pptp,
    /// Transparent interconnection of lots of links (RFC 6325).
    Trill,
}

impl Foreign {
    /// As engineers call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EncryptedWireless => "encrypted 802.11",
            Self::AggregatedWireless => "802.11 in fragments or aggregates",
            Self::EncryptedCapwap => "encrypted CAPWAP",
            Self::FragmentedCapwap => "CAPWAP in fragments",
            Self::Esp => "IPsec ESP",
            Self::EtherIp => "EtherIP",
            Self::FabricPath => "FabricPath",
            Self::GtpU => "GTP-U",
            Self::Isl => "ISL",
            Self::L2tp => "L2TP",
            Self::MacSec => "MACsec",
            Self::Pptp => "PPTP",
            Self::Trill => "TRILL",
        }
    }
}

/// What is inside something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// This layer, behind so many bytes.
    Layer(Layer, usize),
    /// What is not decoded.
    Foreign(Foreign),
    /// What the capture cut off.
    Cut,
}

impl Inside {
    /// Cut, where a header was not whole.
    pub(super) fn or_cut(inside: Option<Self>) -> Self {
        inside.unwrap_or(Self::Cut)
    }
}

/// What a datagram between these ports carries; `None` where it is no tunnel.
pub(super) fn of_datagram(ports: (u16, u16), payload: &[u8]) -> Option<Inside> {
    let first = payload.first().copied();
    match ports {
        // VXLAN (RFC 7348): on its own port or the one that Linux used before, with the flag that says so.
        (_, 4789 | 8472) if first.is_none_or(|flags| flags & 8 != 0) => Some(Inside::Layer(Layer::Ethernet, 8)),
        (_, VXLAN_GPE) if first.is_none_or(|flags| flags & 0x3c == 0x0c) => Some(Inside::or_cut(vxlan_gpe(payload))),
        (_, GENEVE) if begins_like_geneve(payload) => Some(Inside::or_cut(geneve(payload))),
        (CAPWAP, _) | (_, CAPWAP) if begins_like_capwap(payload) => Some(Inside::or_cut(capwap(payload))),
        (_, TZSP) if first.is_none_or(|version| version == 1) => Some(Inside::or_cut(tzsp(payload))),
        (GTP_U, _) | (_, GTP_U) if first.is_none_or(|flags| flags >> 4 == 3) => Some(Inside::Foreign(Foreign::GtpU)),
        (L2TP, L2TP) => Some(Inside::Foreign(Foreign::L2tp)),
        // One side may have any port; then only what has its control or length bit is believed.
        (L2TP, _) | (_, L2TP) if first.is_some_and(|flags| flags & 0xc0 != 0) => Some(Inside::Foreign(Foreign::L2tp)),
        _ => None,
    }
}

/// The protocol numbers that VXLAN-GPE and NSH (RFC 8300 2.2) share.
pub(super) const fn next_protocol(number: u8) -> Option<Layer> {
    match number {
        1 | 2 => Some(Layer::Ip),
        3 => Some(Layer::Ethernet),
        4 => Some(Layer::Nsh),
        5 => Some(Layer::Mpls),
        _ => None,
    }
}

/// draft-ietf-nvo3-vxlan-gpe 3.
fn vxlan_gpe(payload: &[u8]) -> Option<Inside> {
    Some(Inside::Layer(next_protocol(*payload.get(3)?)?, 8))
}

/// Anybody may use these ports for something else, as the ephemeral port of a TFTP transfer: its packets, which begin with a zero
/// and an opcode from 1 to 6, are none of a tunnel.
fn begins_like_geneve(payload: &[u8]) -> bool {
    payload.first().is_none_or(|flags| flags >> 6 == 0) && payload.get(2).is_none_or(|&ether_type| ether_type >= 6)
}

/// Either DTLS, or a header of at least two words.
fn begins_like_capwap(payload: &[u8]) -> bool {
    match payload {
        [] | [0 | 1] => true,
        &[preamble, length, ..] => preamble == 1 || (preamble == 0 && length >> 3 >= 2),
        _ => false,
    }
}

/// RFC 8926 3.4: the options' length is in words of four bytes.
fn geneve(payload: &[u8]) -> Option<Inside> {
    let mut reader = Reader::new(payload);
    let options = usize::from(reader.u8()? & 0x3f) * 4;
    reader.skip(1)?;
    Some(Inside::Layer(Layer::EtherType(reader.u16()?), 8 + options))
}

/// RFC 5415 4.3: the header's length is in words of four bytes; the frame inside is Ethernet, or of the wireless network.
fn capwap(payload: &[u8]) -> Option<Inside> {
    let mut reader = Reader::new(payload);
    if reader.u8()? & 0x0f == 1 {
        return Some(Inside::Foreign(Foreign::EncryptedCapwap));
    }
    let bits = reader.u24()?;
    let (length, binding, is_native) = (bits >> 19, bits >> 9 & 0x1f, bits & 0x100 != 0);
    let (is_fragment, is_keep_alive) = (bits & 0x80 != 0, bits & 0x08 != 0);
    let header = usize::try_from(length).ok()? * 4;
    if is_keep_alive || header < 8 {
        return None;
    }
    if is_fragment {
        return Some(Inside::Foreign(Foreign::FragmentedCapwap));
    }
    match (is_native, binding) {
        (false, _) => Some(Inside::Layer(Layer::Ethernet, header)),
        (true, 1) => {
            // Controllers of Cisco's put the two bytes of the frame control in the other order.
            let frame = payload.get(header..)?;
            let is_swapped = !wireless::is_data(*frame.first()?) && wireless::is_data(*frame.get(1)?);
            Some(Inside::Layer(if is_swapped { Layer::WirelessSwapped } else { Layer::Wireless }, header))
        }
        _ => None,
    }
}

/// `TaZmen` Sniffer Protocol: a packet that a remote sensor sent, behind tagged fields.
fn tzsp(payload: &[u8]) -> Option<Inside> {
    let mut reader = Reader::new(payload);
    let (_version, kind) = (reader.u8()?, reader.u8()?);
    if kind > 1 {
        return None;
    }
    let layer = match reader.u16()? {
        1 => Layer::Ethernet,
        18 => Layer::Wireless,
        _ => return None,
    };
    loop {
        match reader.u8()? {
            0 => {}
            1 => return Some(Inside::Layer(layer, reader.position())),
            _ => {
                let length = reader.u8()?;
                reader.skip(length.into())?;
            }
        }
    }
}
