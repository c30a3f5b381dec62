//! Frames taken apart, written byte by byte.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::{Datagram, Decoder, Foreign, Packet, Segment, TcpFlags, link_name, supports};
use crate::capture::LinkType;
use crate::testkit::{self, ETHERNET, Owned, address, encapsulate, ethernet, ethernet_with, ip, tcp, udp};

const SRC: &str = "14.48.44.80:40000";
const DST: &str = "14.48.44.202:30454";

fn v4(payload: &[u8]) -> Vec<u8> {
    let (src, dst) = (address(SRC), address(DST));
    ip(src.ip(), dst.ip(), 17, 7, &udp(src.port(), dst.port(), payload))
}

fn v6(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ip("2001:db8::80".parse().unwrap(), "2001:db8::202".parse().unwrap(), protocol, 0, payload)
}

/// A datagram that was found: ends, payload, bytes missing.
type Found = Option<(SocketAddr, SocketAddr, Vec<u8>, usize)>;

fn datagram(decoder: &mut Decoder, frame: &Owned) -> Found {
    match decoder.decode(&frame.frame(1))? {
        Packet::Udp(Datagram { src, dst, payload, missing, .. }) => Some((src, dst, payload.to_vec(), missing)),
        other => panic!("{other:?}"),
    }
}

fn only(data: Vec<u8>, link: LinkType) -> Found {
    let original_len = u32::try_from(data.len()).unwrap();
    datagram(&mut Decoder::default(), &Owned { time: 0, link, data, original_len })
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for what `datagram` gives")]
fn found(payload: &[u8]) -> Found {
    Some((address(SRC), address(DST), payload.to_vec(), 0))
}

#[test]
fn every_encapsulation_of_both_families() {
    for (name, link, wrap) in encapsulate::ALL {
        assert_eq!(only(wrap(&v4(b"\0\x03\0\x01data")), *link), found(b"\0\x03\0\x01data"), "{name}");
        let inner = v6(17, &udp(40000, 30454, b"six"));
        let expected = Some((address("[2001:db8::80]:40000"), address("[2001:db8::202]:30454"), b"six".to_vec(), 0));
        assert_eq!(only(wrap(&inner), *link), expected, "{name}");
        assert!(supports(*link));
    }
}

#[test]
fn cut_anywhere_a_frame_never_gives_bytes_that_it_does_not_have() {
    let payload: Vec<u8> = (0..200).collect();
    for (name, link, wrap) in encapsulate::ALL {
        let whole = wrap(&v4(&payload));
        for kept in 0..whole.len() {
            let original_len = u32::try_from(whole.len()).unwrap();
            let frame = Owned { time: 0, link: *link, data: whole[..kept].to_vec(), original_len };
            let Some((.., read, missing)) = datagram(&mut Decoder::default(), &frame) else { continue };
            assert!(payload.starts_with(&read), "{name}, {kept} bytes");
            assert_eq!(read.len() + missing, payload.len(), "{name}, {kept} bytes");
        }
    }
}

#[test]
fn extension_headers_of_ipv6() {
    let datagram = udp(40000, 30454, b"behind");
    let expected = Some((address("[2001:db8::80]:40000"), address("[2001:db8::202]:30454"), b"behind".to_vec(), 0));
    let options = |next: u8| vec![next, 0, 1, 4, 0, 0, 0, 0];
    let long = |next: u8| [&[next, 2][..], &[0; 22]].concat();
    // Hop by hop, routing, destination options, authentication, an atomic fragment (RFC 6946), all of them.
    let atomic = |next: u8| vec![next, 0, 0, 0, 0, 0, 0, 9];
    let authentication = |next: u8| [&[next, 4, 0, 0][..], &[0; 20]].concat();
    assert_eq!(only(ethernet(&v6(0, &[options(17), datagram.clone()].concat())), ETHERNET), expected);
    assert_eq!(only(ethernet(&v6(43, &[long(17), datagram.clone()].concat())), ETHERNET), expected);
    assert_eq!(only(ethernet(&v6(51, &[authentication(17), datagram.clone()].concat())), ETHERNET), expected);
    assert_eq!(only(ethernet(&v6(44, &[atomic(17), datagram.clone()].concat())), ETHERNET), expected);
    let all = [options(43), long(60), options(51), authentication(44), atomic(60), options(17), datagram].concat();
    assert_eq!(only(ethernet(&v6(0, &all)), ETHERNET), expected);
    // One that claims to be longer than the packet.
    assert_eq!(only(ethernet(&v6(60, &[17, 255, 0, 0, 0, 0, 0, 0])), ETHERNET), None);
    // Headers that follow each other without end.
    assert_eq!(only(ethernet(&v6(60, &options(60).repeat(100))), ETHERNET), None);
}

#[test]
fn fragments_of_ipv6_with_options_behind_the_fragment_header() {
    let payload: Vec<u8> = (0..=255).cycle().take(3000).collect();
    let whole = [vec![17, 0, 1, 4, 0, 0, 0, 0], udp(40000, 30454, &payload)].concat();
    let mut decoder = Decoder::default();
    let chunks: Vec<_> = whole.chunks(1024).collect();
    let mut result = None;
    for (index, chunk) in chunks.iter().enumerate().rev() {
        let more = u16::from(index + 1 < chunks.len());
        let offset = (u16::try_from(index * 1024).unwrap() | more).to_be_bytes();
        let fragment = [&[60, 0][..], &offset, &[0, 0, 0, 5], chunk].concat();
        result = datagram(&mut decoder, &Owned::ethernet(0, ethernet(&v6(44, &fragment))));
    }
    assert_eq!(result.map(|(.., read, missing)| (read, missing)), Some((payload, 0)));
}

#[test]
fn a_tunnel_in_fragments() {
    let gre = [&[0, 0, 8, 0][..], &v4(b"in a tunnel")].concat();
    let outer = ip("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap(), 47, 9, &gre);
    let mut decoder = Decoder::default();
    let mut result = None;
    for fragment in testkit::fragments(&outer, 24) {
        result = datagram(&mut decoder, &Owned::ethernet(0, ethernet(&fragment)));
    }
    assert_eq!(result, found(b"in a tunnel"));
}

#[test]
fn a_fragment_that_the_capture_cut_is_missing_data() {
    let packet = v4(&[7; 100]);
    let mut decoder = Decoder::default();
    for (index, fragment) in testkit::fragments(&packet, 40).iter().enumerate() {
        let mut frame = Owned::ethernet(0, ethernet(fragment));
        if index == 1 {
            frame.data.truncate(frame.data.len() - 5);
        }
        assert_eq!(datagram(&mut decoder, &frame), None);
    }
    assert_eq!(decoder.counters().fragments_dropped, 1);
}

#[test]
fn lengths_that_offload_left_out() {
    let mut packet = v4(b"whole");
    packet[2..4].copy_from_slice(&[0, 0]);
    assert_eq!(only(ethernet(&packet), ETHERNET), found(b"whole"));
    let mut packet = v4(b"whole");
    packet[24..26].copy_from_slice(&[0, 0]);
    assert_eq!(only(ethernet(&packet), ETHERNET), found(b"whole"));
    let mut packet = v6(6, &tcp(2445, 50000, (1, 2), testkit::ACK, b"large"));
    packet[4..6].copy_from_slice(&[0, 0]);
    let frame = Owned::ethernet(0, ethernet(&packet));
    let mut decoder = Decoder::default();
    let Some(Packet::Tcp(Segment { payload, missing, .. })) = decoder.decode(&frame.frame(1)) else { panic!() };
    assert_eq!((payload, missing), (&b"large"[..], 0));
}

#[test]
fn lengths_that_lie() {
    // A total length shorter than its own header, a header longer than the packet, a UDP length beyond the packet.
    let mut packet = v4(b"data");
    packet[2..4].copy_from_slice(&[0, 10]);
    assert_eq!(only(ethernet(&packet), ETHERNET), None);
    let mut packet = v4(b"data");
    packet[0] = 0x4f;
    assert_eq!(only(ethernet(&packet), ETHERNET), None);
    let mut packet = v4(b"data");
    packet[24..26].copy_from_slice(&[0, 100]);
    let (.., read, missing) = only(ethernet(&packet), ETHERNET).unwrap();
    assert_eq!((read.as_slice(), missing), (&b"data"[..], 88));
}

#[test]
fn a_segment_with_options() {
    let mut segment = tcp(50000, 2445, (10, 20), testkit::SYN | testkit::ACK, b"");
    segment[12] = 0x60;
    segment.extend([2, 4, 5, 0xb4]);
    segment.extend(b"early");
    let packet = ip("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap(), 6, 1, &segment);
    let frame = Owned::ethernet(0, ethernet(&packet));
    let mut decoder = Decoder::default();
    let Some(Packet::Tcp(found)) = decoder.decode(&frame.frame(1)) else { panic!() };
    assert_eq!((found.seq, found.ack, found.payload), (10, Some(20), &b"early"[..]));
    assert_eq!(found.flags, TcpFlags(TcpFlags::SYN | TcpFlags::ACK));
}

#[test]
fn announcements_of_neighbours() {
    let cdp = [&[0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0], &b"cdp"[..]].concat();
    let frame = Owned::ethernet(0, ethernet_with(11, &cdp));
    assert_eq!(Decoder::default().decode(&frame.frame(1)), Some(Packet::Cdp(b"cdp")));
    let tagged = [&[0, 5, 0, 11], &cdp[..]].concat();
    let frame = Owned::ethernet(0, ethernet_with(0x8100, &tagged));
    assert_eq!(Decoder::default().decode(&frame.frame(1)), Some(Packet::Cdp(b"cdp")));
    let frame = Owned::ethernet(0, ethernet_with(0x88cc, b"lldp"));
    assert_eq!(Decoder::default().decode(&frame.frame(1)), Some(Packet::Lldp(b"lldp")));
}

#[test]
fn what_carries_nothing() {
    // ARP, spanning tree, NetWare, ICMP with a TFTP packet in it, an encrypted packet.
    let quoted = ip(
        "10.0.0.1".parse().unwrap(),
        "10.0.0.2".parse().unwrap(),
        1,
        1,
        &[&[3, 3, 0, 0, 0, 0, 0, 0][..], &v4(b"\0\x01f\0octet\0")].concat(),
    );
    let encrypted = ip("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap(), 50, 1, &[7; 60]);
    for data in [
        ethernet_with(0x0806, &[0; 28]),
        ethernet_with(38, &[0x42, 0x42, 3, 0, 0, 0, 0, 0]),
        ethernet_with(60, &[0xff, 0xff, 0, 60]),
        ethernet(&quoted),
        ethernet(&encrypted),
        vec![0; 10],
        Vec::new(),
    ] {
        assert_eq!(only(data, ETHERNET), None);
    }
}

#[test]
fn link_types_that_are_not_supported_are_counted() {
    let mut decoder = Decoder::default();
    for number in [4, 9] {
        let frame = Owned { time: 0, link: LinkType(119), data: vec![0; 60], original_len: 60 };
        assert_eq!(decoder.decode(&frame.frame(number)), None);
    }
    let (count, first) = decoder.counters().unsupported[&(0, 119)];
    assert_eq!((count, first.number), (2, 4));
    assert!(!supports(LinkType(119)));
    assert_eq!(link_name(LinkType(119)), "LINKTYPE_IEEE802_11_PRISM");
    assert_eq!(link_name(LinkType(4_000_000_000)), "number 4000000000");
}

#[test]
fn what_is_not_decoded_is_counted() {
    let (from, to) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
    let of_ip = |protocol: u8| ethernet(&ip(from, to, protocol, 1, &[0x30; 40]));
    let in_udp = |port: u16, payload: &[u8]| ethernet(&ip(from, to, 17, 1, &udp(50_000, port, payload)));
    let mut to_isl = ethernet(&v4(b"x"));
    to_isl[..6].copy_from_slice(&[1, 0, 0x0c, 0, 0, 0]);
    let wireless = |kind: u8, flags: u8, qos: u8| [&[kind, flags][..], &[0; 22], &[qos, 0], &[7; 40]].concat();
    for (foreign, link, data) in [
        (Foreign::GtpU, 1, in_udp(2152, &[0x30, 255, 0, 40])),
        (Foreign::L2tp, 1, in_udp(1701, &[0xc8, 2])),
        (Foreign::L2tp, 1, ethernet(&ip(from, to, 17, 1, &udp(1701, 1701, &[0, 2])))),
        (Foreign::L2tp, 1, of_ip(115)),
        (Foreign::EncryptedCapwap, 1, in_udp(5247, &[1, 0, 0, 0, 23, 254])),
        (Foreign::FragmentedCapwap, 1, in_udp(5247, &[0, 0x10, 2, 0x80, 0, 1, 0, 0])),
        (Foreign::Esp, 1, of_ip(50)),
        (Foreign::EtherIp, 1, of_ip(97)),
        (Foreign::Pptp, 1, ethernet(&ip(from, to, 47, 1, &[0x30, 1, 0x88, 0x0b, 0, 0]))),
        (Foreign::MacSec, 1, ethernet_with(0x88e5, &[7; 60])),
        (Foreign::Trill, 1, ethernet_with(0x22f3, &[7; 60])),
        (Foreign::FabricPath, 1, ethernet_with(0x8903, &[7; 60])),
        (Foreign::Isl, 1, to_isl),
        (Foreign::EncryptedWireless, 105, wireless(0x08, 0x41, 0)),
        (Foreign::AggregatedWireless, 105, wireless(0x88, 0x01, 0x80)),
        (Foreign::AggregatedWireless, 105, wireless(0x08, 0x05, 0)),
    ] {
        let frame = Owned { time: 0, link: LinkType(link), original_len: u32::try_from(data.len()).unwrap(), data };
        let mut decoder = Decoder::default();
        for number in [3, 8] {
            assert_eq!(decoder.decode(&frame.frame(number)), None, "{}", foreign.name());
        }
        let counted: Vec<_> = decoder.counters().foreign.into_iter().collect();
        let [((0, kind), (2, first))] = counted[..] else { panic!("{}: {counted:?}", foreign.name()) };
        assert_eq!((kind, first.number), (foreign, 3));
        assert!(super::glance::may_matter(frame.link, &frame.data), "{}", foreign.name());
    }
    // A transfer of TFTP whose client took the port of a tunnel.
    for port in super::tunnel::PORTS {
        let frame = Owned::ethernet(0, in_udp(port, b"\0\x03\0\x01data"));
        let read = datagram(&mut Decoder::default(), &frame).map(|(.., payload, _)| payload);
        assert_eq!(read, Some(b"\0\x03\0\x01data".to_vec()), "port {port}");
    }
    // Beacons, acknowledgments, and data frames without data.
    for kind in [0x80, 0xd4, 0x48, 0xc8] {
        assert_eq!(only(wireless(kind, 0, 0), LinkType(105)), None);
    }
    // What is damaged.
    let damaged = [&[0, 0, 9, 0, 2, 0, 0, 0, 0x40][..], &wireless(0x08, 0x41, 0)].concat();
    assert_eq!(only(damaged, LinkType(127)), None);
}

#[test]
fn copies_are_counted_and_not_given_out() {
    let mut decoder = Decoder::default();
    let frame = Owned::ethernet(0, ethernet(&v4(b"once")));
    let mut copy = frame.clone();
    // Another VLAN, a router farther: only the link layer and the TTL differ.
    copy.data[22] -= 1;
    assert!(datagram(&mut decoder, &frame).is_some());
    assert_eq!(datagram(&mut decoder, &copy), None);
    assert_eq!(decoder.counters().duplicates[&0].0, 1);
}

#[test]
fn fragments_that_flood_do_not_stop_others() {
    let mut decoder = Decoder::default();
    let good = testkit::fragments(&v4(&[9; 64]), 40);
    assert_eq!(datagram(&mut decoder, &Owned::ethernet(0, ethernet(&good[0]))), None);
    for number in 0..10_000u16 {
        let mut flood = testkit::fragments(&v4(&[1; 64]), 32).swap_remove(0);
        flood[4..6].copy_from_slice(&(number + 100).to_be_bytes());
        datagram(&mut decoder, &Owned::ethernet(0, ethernet(&flood)));
    }
    assert!(datagram(&mut decoder, &Owned::ethernet(0, ethernet(&good[1]))).is_some());
}

proptest! {
    #[test]
    fn any_bytes_of_any_link_type_do_no_harm(
        link in prop::sample::select(vec![0u32, 1, 9, 12, 50, 51, 101, 104, 105, 108, 113, 127, 192, 228, 229, 276, 147]),
        data in prop::collection::vec(any::<u8>(), 0..120),
        cut in 0u32..2000,
    ) {
        let original_len = u32::try_from(data.len()).unwrap() + cut;
        Decoder::default().decode(&Owned { time: 0, link: LinkType(link), data, original_len }.frame(1));
    }

    #[test]
    fn changed_frames_of_every_encapsulation_do_no_harm(
        index in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        kept in any::<prop::sample::Index>(),
    ) {
        let (_, link, wrap) = encapsulate::ALL[index.index(encapsulate::ALL.len())];
        let mut data = wrap(&v4(b"\0\x03\0\x01data"));
        for (at, value) in changes {
            let at = at.index(data.len());
            data[at] = value;
        }
        data.truncate(kept.index(data.len() + 1));
        let original_len = u32::try_from(data.len()).unwrap();
        Decoder::default().decode(&Owned { time: 0, link, data, original_len }.frame(1));
    }
}
