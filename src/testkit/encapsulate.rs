//! Link layers and tunnels around an IP packet.

use std::net::IpAddr;

use super::{ethernet, ethernet_with, ip, udp};
use crate::capture::LinkType;

/// One way to carry an IP packet.
pub type Wrap = fn(&[u8]) -> Vec<u8>;

fn kind(packet: &[u8]) -> [u8; 2] {
    if packet[0] >> 4 == 6 { [0x86, 0xdd] } else { [8, 0] }
}

fn outer(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ip(IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]), protocol, 99, payload)
}

fn gre(flags: u16, protocol: u16, rest: &[u8]) -> Vec<u8> {
    ethernet(&outer(47, &[&flags.to_be_bytes()[..], &protocol.to_be_bytes(), rest].concat()))
}

fn in_udp(port: u16, inner: &[u8]) -> Vec<u8> {
    ethernet(&outer(17, &udp(50_000, port, inner)))
}

/// RFC 8300: Ethernet behind metadata of a fixed length.
fn nsh(frame: &[u8]) -> Vec<u8> {
    [&[0x0f, 0xc6, 1, 3, 0, 0, 1, 255][..], &[0; 16], frame].concat()
}

/// A data frame of 802.11 (9.2.4): the two bytes of its frame control, then an IP packet behind LLC and SNAP.
fn wireless(kind: u8, flags: u8, packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind, flags, 0, 0];
    frame.extend([7; 18]);
    frame.extend([0x10, 0]);
    frame.extend(vec![7; if flags & 3 == 3 { 6 } else { 0 }]);
    frame.extend(vec![0; if kind & 0x80 != 0 { 2 } else { 0 }]);
    [&frame[..], &[0xaa, 0xaa, 3, 0, 0, 0], &self::kind(packet), packet].concat()
}

fn ppp(packet: &[u8]) -> Vec<u8> {
    [if packet[0] >> 4 == 6 { &[0, 0x57][..] } else { &[0, 0x21] }, packet].concat()
}

/// All ways that are read, by name, with the link type of the frames.
pub const ALL: &[(&str, LinkType, Wrap)] = &[
    ("Ethernet", LinkType(1), ethernet),
    ("padded Ethernet", LinkType(1), |p| [&ethernet(p)[..], &[0xaa; 18]].concat()),
    ("802.1Q", LinkType(1), |p| ethernet_with(0x8100, &[&[0x01, 0xbc], &kind(p)[..], p].concat())),
    ("802.1Q priority tag", LinkType(1), |p| ethernet_with(0x8100, &[&[0xa0, 0], &kind(p)[..], p].concat())),
    ("802.1ad", LinkType(1), |p| ethernet_with(0x88a8, &[&[0, 5, 0x81, 0, 0, 6], &kind(p)[..], p].concat())),
    ("QinQ with 9100", LinkType(1), |p| ethernet_with(0x9100, &[&[0, 5, 0x81, 0, 0, 6], &kind(p)[..], p].concat())),
    ("three tags", LinkType(1), |p| {
        ethernet_with(0x8100, &[&[0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7], &kind(p)[..], p].concat())
    }),
    ("LLC and SNAP", LinkType(1), |p| {
        let payload = [&[0xaa, 0xaa, 3, 0, 0, 0], &kind(p)[..], p].concat();
        ethernet_with(u16::try_from(payload.len()).unwrap(), &payload)
    }),
    ("LLC and SNAP behind a tag", LinkType(1), |p| {
        let payload = [&[0xaa, 0xaa, 3, 0, 0, 0], &kind(p)[..], p].concat();
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        ethernet_with(0x8100, &[&[0, 5], &length[..], &payload].concat())
    }),
    ("Cisco MetaData", LinkType(1), |p| ethernet_with(0x8909, &[&[1, 1, 0, 1, 0, 9], &kind(p)[..], p].concat())),
    ("VN-Tag", LinkType(1), |p| ethernet_with(0x8926, &[&[0, 0, 0, 1], &kind(p)[..], p].concat())),
    ("MPLS", LinkType(1), |p| ethernet_with(0x8847, &[&[0, 1, 0, 64, 0, 2, 1, 64], p].concat())),
    ("Ethernet over MPLS with a control word", LinkType(1), |p| {
        ethernet_with(0x8847, &[&[0, 1, 1, 64, 0, 0, 0, 0], &ethernet(p)[..]].concat())
    }),
    ("PPPoE", LinkType(1), |p| {
        let payload = ppp(p);
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        ethernet_with(0x8864, &[&[0x11, 0, 0, 1, length[0], length[1]], &payload[..]].concat())
    }),
    ("Linux cooked 1", LinkType(113), |p| {
        [&[0, 0, 0, 1, 0, 6, 0, 0x11, 0x21, 0x5a, 0x1a, 0xe3, 0, 0], &kind(p)[..], p].concat()
    }),
    ("Linux cooked 1 with a tag", LinkType(113), |p| {
        [&[0, 0, 0, 1, 0, 6, 0, 0x11, 0x21, 0x5a, 0x1a, 0xe3, 0, 0, 0x81, 0, 0, 5], &kind(p)[..], p].concat()
    }),
    ("Linux cooked 2", LinkType(276), |p| {
        let rest = [0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 0, 0x11, 0x21, 0x5a, 0x1a, 0xe3, 0, 0];
        [&kind(p)[..], &rest, p].concat()
    }),
    ("BSD null, little-endian", LinkType(0), |p| {
        [if p[0] >> 4 == 6 { &[30, 0, 0, 0][..] } else { &[2, 0, 0, 0][..] }, p].concat()
    }),
    ("BSD null, big-endian", LinkType(0), |p| {
        [if p[0] >> 4 == 6 { &[0, 0, 0, 24][..] } else { &[0, 0, 0, 2] }, p].concat()
    }),
    ("OpenBSD loopback", LinkType(108), |p| {
        [if p[0] >> 4 == 6 { &[0, 0, 0, 24][..] } else { &[0, 0, 0, 2] }, p].concat()
    }),
    ("raw IP", LinkType(101), <[u8]>::to_vec),
    ("PPP", LinkType(9), |p| [&[0xff, 3][..], &ppp(p)].concat()),
    ("PPP with compressed address and control", LinkType(9), ppp),
    ("Cisco HDLC", LinkType(104), |p| [&[0x0f, 0], &kind(p)[..], p].concat()),
    ("GRE", LinkType(1), |p| gre(0, u16::from_be_bytes(kind(p)), p)),
    ("GRE with checksum, key and sequence", LinkType(1), |p| {
        gre(0xb000, u16::from_be_bytes(kind(p)), &[&[0; 4], &[0, 0, 0, 7], &[0, 0, 0, 1], p].concat())
    }),
    ("Ethernet over GRE", LinkType(1), |p| gre(0, 0x6558, &ethernet(p))),
    ("ERSPAN I", LinkType(1), |p| gre(0, 0x88be, &ethernet(p))),
    ("ERSPAN II", LinkType(1), |p| {
        gre(0x1000, 0x88be, &[&[0, 0, 0, 1][..], &[0x11, 0xbc, 0, 1, 0, 0, 0, 0], &ethernet(p)[..]].concat())
    }),
    ("ERSPAN III", LinkType(1), |p| {
        let header = [0x21, 0xbc, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0];
        gre(0x1000, 0x22eb, &[&[0, 0, 0, 1][..], &header, &ethernet(p)[..]].concat())
    }),
    ("ERSPAN III with its subheader", LinkType(1), |p| {
        let header = [0x21, 0xbc, 0, 1, 0, 0, 0, 5, 0, 0, 0, 1];
        gre(0x1000, 0x22eb, &[&[0, 0, 0, 1][..], &header, &[0; 8], &ethernet(p)[..]].concat())
    }),
    ("VXLAN", LinkType(1), |p| in_udp(4789, &[&[8, 0, 0, 0, 0, 0, 5, 0], &ethernet(p)[..]].concat())),
    ("VXLAN-GPE", LinkType(1), |p| {
        in_udp(4790, &[&[0x0c, 0, 0, if p[0] >> 4 == 6 { 2 } else { 1 }, 0, 0, 5, 0], p].concat())
    }),
    ("Ethernet over VXLAN-GPE", LinkType(1), |p| {
        in_udp(4790, &[&[0x0c, 0, 0, 3, 0, 0, 5, 0], &ethernet(p)[..]].concat())
    }),
    ("NSH over VXLAN-GPE", LinkType(1), |p| {
        in_udp(4790, &[&[0x0c, 0, 0, 4, 0, 0, 5, 0], &nsh(&ethernet(p))[..]].concat())
    }),
    ("GENEVE", LinkType(1), |p| in_udp(6081, &[&[0, 0, 0x65, 0x58, 0, 0, 5, 0], &ethernet(p)[..]].concat())),
    ("GENEVE with options around IP", LinkType(1), |p| {
        let header = [&[2, 0x40], &kind(p)[..], &[0, 0, 5, 0], &[1, 2, 0x80, 1, 9, 9, 9, 9]].concat();
        in_udp(6081, &[&header, p].concat())
    }),
    ("802.1ah", LinkType(1), |p| ethernet_with(0x88e7, &[&[0, 0, 0, 7], &ethernet(p)[..]].concat())),
    ("802.1ah behind its outer tag", LinkType(1), |p| {
        ethernet_with(0x88a8, &[&[0, 5, 0x88, 0xe7, 0, 0, 0, 7], &ethernet(p)[..]].concat())
    }),
    ("NSH", LinkType(1), |p| ethernet_with(0x894f, &nsh(&ethernet(p)))),
    ("TZSP", LinkType(1), |p| {
        let header = [1, 0, 0, 1, 0, 0x0a, 1, 0xd0, 0x29, 2, 0, 9, 1];
        in_udp(37008, &[&header, &ethernet(p)[..]].concat())
    }),
    ("TZSP around 802.11", LinkType(1), |p| in_udp(37008, &[&[1, 0, 0, 18, 1], &wireless(8, 1, p)[..]].concat())),
    ("CAPWAP around Ethernet", LinkType(1), |p| {
        in_udp(5247, &[&[0, 0x10, 0x02, 0, 0, 0, 0, 0], &ethernet(p)[..]].concat())
    }),
    ("CAPWAP around 802.11", LinkType(1), |p| {
        let header = [0, 0x20, 0x03, 0x10, 0, 0, 0, 0, 6, 0, 0x11, 0x21, 0x5a, 0x1a, 0xe3, 0];
        in_udp(5247, &[&header, &wireless(0x88, 2, p)[..]].concat())
    }),
    ("CAPWAP around 802.11 as Cisco sends it", LinkType(1), |p| {
        let mut frame = wireless(8, 1, p);
        frame.swap(0, 1);
        in_udp(5247, &[&[0, 0x10, 0x03, 0, 0, 0, 0, 0], &frame[..]].concat())
    }),
    ("802.11", LinkType(105), |p| wireless(8, 1, p)),
    ("802.11 with QoS between access points", LinkType(105), |p| wireless(0x88, 3, p)),
    ("802.11 with radiotap", LinkType(127), |p| {
        let header = [0, 0, 18, 0, 0x03, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0];
        [&header[..], &wireless(0x88, 2, p), &[9, 9, 9, 9]].concat()
    }),
    ("802.11 with radiotap and padding", LinkType(127), |p| {
        let frame = wireless(0x88, 1, p);
        let (header, rest) = frame.split_at(26);
        [&[0, 0, 13, 0, 0x02, 0, 0, 0x80, 0, 0, 0, 0, 0x20][..], header, &[0, 0], rest].concat()
    }),
    ("802.11 with PPI", LinkType(192), |p| [&[0, 0, 12, 0, 105, 0, 0, 0, 7, 7, 7, 7][..], &wireless(8, 2, p)].concat()),
    ("IP in IP", LinkType(1), |p| ethernet(&outer(if p[0] >> 4 == 6 { 41 } else { 4 }, p))),
    ("a tunnel in a tunnel", LinkType(1), |p| {
        let gre = [&[0, 0], &kind(p)[..], p].concat();
        ethernet(&outer(4, &outer(47, &gre)))
    }),
    ("IPv6 extension headers around a tunnel", LinkType(1), |p| {
        let options = [&[60, 0, 1, 4, 0, 0, 0, 0][..], &[if p[0] >> 4 == 6 { 41 } else { 4 }, 0, 1, 4, 0, 0, 0, 0], p];
        let from: IpAddr = "2001:db8::1".parse().unwrap();
        ethernet(&ip(from, "2001:db8::2".parse().unwrap(), 0, 0, &options.concat()))
    }),
];
