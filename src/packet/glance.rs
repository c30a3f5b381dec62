//! The glance that dismisses frames which cannot matter.
//!
//! A voice capture is mostly RTP. This looks at a few header bytes in fixed places and answers whether anything behind could
//! be of use; it keeps no state, so it may run ahead of everything else. It never dismisses what it does not understand.

use crate::capture::LinkType;

/// UDP ports whose datagrams are always looked at: DHCP, TFTP, SIP, and tunnels, which may carry anything.
pub(super) const UDP_PORTS: [u16; 12] = {
    let [a, b, c, d, e, f, g, h] = super::tunnel::PORTS;
    [67, 68, 69, 5060, a, b, c, d, e, f, g, h]
};

/// An Ethernet header, an IPv4 header without options, a UDP header, and the first two bytes of what it carries.
const USUAL: usize = 14 + 20 + 8 + 2;

/// Whether the frame could carry something that itlscope reads. Only a whole, unfragmented UDP datagram that is neither on
/// one of the known ports nor begins like TFTP or like a SIP request that is read is dismissed. TFTP moves to ephemeral ports,
/// but its first byte is always 0 and its second an opcode from 1 to 6 (RFC 1350 5, RFC 2347); SIP may be on any port, and
/// begins with the letters of REFER or REGISTER. No RTP packet begins like either (RFC 3550 5.1: version 2).
#[inline]
pub fn may_matter(link: LinkType, data: &[u8]) -> bool {
    // Voice has a VLAN of its own, so its frames usually have a tag.
    let tag = if data.get(12..14) == Some(&[0x81, 0x00]) { 4 } else { 0 };
    if link == LinkType(1)
        && let Some(frame) = data.get(tag..).and_then(<[u8]>::first_chunk::<USUAL>)
        && [frame[12], frame[13], frame[14], frame[23]] == [0x08, 0x00, 0x45, 17]
        && [frame[20] & 0x3f, frame[21]] == [0, 0]
    {
        let ports = [[frame[34], frame[35]], [frame[36], frame[37]]].map(u16::from_be_bytes);
        return is_read(ports, [frame[42], frame[43]]);
    }
    cannot_matter(link, data).is_none()
}

/// Whether a datagram between these ports that begins like this may be of use.
#[inline]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "hardly any is read, so all comparisons are made anyway: without branches"
)]
fn is_read(ports: [u16; 2], begin: [u8; 2]) -> bool {
    let known = UDP_PORTS.iter().fold(false, |found, &port| found | (ports[0] == port) | (ports[1] == port));
    known || matches!(begin, [0, 1..=6] | [b'R', b'E'])
}

/// `Some` where the frame certainly cannot matter.
#[inline]
fn cannot_matter(link: LinkType, data: &[u8]) -> Option<()> {
    let (mut ether_type, mut at) = match link.0 {
        1 => (u16_at(data, 12)?, 14),
        113 => (u16_at(data, 14)?, 16),
        276 => (u16_at(data, 0)?, 20),
        101 | 228 | 229 => (0, 0),
        _ => return None,
    };
    while ether_type == 0x8100 || ether_type == 0x88a8 {
        ether_type = u16_at(data, at + 2)?;
        at += 4;
    }
    let version = data.get(at)? >> 4;
    let udp = match (ether_type, version) {
        (0x0800 | 0, 4) => {
            let first = *data.get(at)?;
            let is_fragment = u16_at(data, at + 6)? & 0x3fff != 0;
            if is_fragment || *data.get(at + 9)? != 17 {
                return None;
            }
            at + usize::from(first & 0x0f) * 4
        }
        (0x86dd | 0, 6) => {
            if *data.get(at + 6)? != 17 {
                return None;
            }
            at + 40
        }
        _ => return None,
    };
    let ports = [u16_at(data, udp)?, u16_at(data, udp + 2)?];
    (!is_read(ports, *data.get(udp + 8..)?.first_chunk::<2>()?)).then_some(())
}

#[inline]
fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..)?.first_chunk::<2>().map(|bytes| u16::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Frame, FrameId, Timestamp};
    use crate::packet::{Datagram, Decoder, Packet};
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    fn decode(data: &[u8], link: LinkType) -> Option<(u16, u16, Vec<u8>)> {
        let original_len = u32::try_from(data.len()).unwrap();
        let frame = Frame { id: FrameId::default(), time: Timestamp::default(), link, data, original_len };
        match Decoder::default().decode(&frame)? {
            Packet::Udp(Datagram { src, dst, payload, .. }) => Some((src.port(), dst.port(), payload.to_vec())),
            other => panic!("{other:?} was dismissed"),
        }
    }

    fn begins_like_tftp_or_sip(payload: &[u8]) -> bool {
        matches!(payload, [0, 1..=6, ..]) || payload.starts_with(b"RE")
    }

    #[test]
    fn voice_is_dismissed_and_what_is_read_is_not() {
        let udp = |ports: (u16, u16), payload: &[u8]| {
            let builder = PacketBuilder::ethernet2([1; 6], [2; 6])
                .single_vlan(444.try_into().unwrap())
                .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
                .udp(ports.0, ports.1);
            let mut frame = Vec::new();
            builder.write(&mut frame, payload).unwrap();
            frame
        };
        let ethernet = LinkType(1);
        assert!(!may_matter(ethernet, &udp((16384, 16386), &[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])));
        assert!(may_matter(ethernet, &udp((30454, 49152), b"\0\x03\0\x01data")));
        assert!(may_matter(ethernet, &udp((5060, 49152), b"SIP/2.0 200 OK")));
        assert!(may_matter(ethernet, &udp((49152, 5099), b"REFER sip:cucm SIP/2.0")));
        assert!(may_matter(ethernet, &udp((49152, 4789), &[8, 0, 0, 0])));
        assert!(may_matter(LinkType(147), &[0; 64]), "a link type that is not understood");
    }

    proptest! {
        #[test]
        fn only_datagrams_that_nobody_reads_are_dismissed(
            mut frame in prop::collection::vec(any::<u8>(), 0..80),
            link in prop::sample::select(vec![1u32, 113, 276, 101, 0, 147]),
            ip in prop::sample::select(vec![0x0800u16, 0x86dd, 0x8100, 0x0806]),
            protocol in prop::sample::select(vec![17u8, 6, 47]),
            first in prop::sample::select(vec![0u8, 0x80, b'R']),
        ) {
            // Most of a random frame would mean nothing: the bytes that decide are put in their places.
            let at = match link { 1 => 14, 113 => 16, 276 => 20, _ => 0 };
            let version = if ip == 0x86dd { 0x60 } else { 0x45 };
            for (place, byte) in [(at, version), (at + 9, protocol), (at + 28, first)] {
                if let Some(slot) = frame.get_mut(place) {
                    *slot = byte;
                }
            }
            let type_at = match link { 1 => 12, 113 => 14, _ => 0 };
            if at > 0 && let Some(slot) = frame.get_mut(type_at..type_at + 2) {
                slot.copy_from_slice(&ip.to_be_bytes());
            }
            if !may_matter(LinkType(link), &frame)
                && let Some((src, dst, payload)) = decode(&frame, LinkType(link))
            {
                prop_assert!(!begins_like_tftp_or_sip(&payload), "{payload:02x?}");
                prop_assert!(!UDP_PORTS.contains(&src) && !UDP_PORTS.contains(&dst));
            }
        }
    }
}
