//! The glance that dismisses frames which cannot matter.
//!
//! A voice capture is mostly RTP. This looks at a few header bytes in fixed places and answers whether anything behind could
//! be of use; it keeps no state, so it may run ahead of everything else. It never dismisses what it does not understand.

use crate::capture::LinkType;

/// UDP ports whose datagrams are always looked at: DHCP, TFTP, SIP, and VXLAN, which may carry anything.
const UDP_PORTS: [u16; 6] = [67, 68, 69, 5060, 4789, 8472];

/// Whether the frame could carry something that itlscope reads. Only a whole, unfragmented UDP datagram that is neither on
/// one of the known ports nor begins like TFTP is dismissed: TFTP moves to ephemeral ports, but its first byte is always 0
/// and its second an opcode from 1 to 6 (RFC 1350 5, RFC 2347), which no RTP packet has (RFC 3550 5.1: version 2).
#[inline]
pub fn may_matter(link: LinkType, data: &[u8]) -> bool {
    cannot_matter(link, data).is_none()
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
    if UDP_PORTS.contains(&ports[0]) || UDP_PORTS.contains(&ports[1]) {
        return None;
    }
    let &[first, second] = data.get(udp + 8..)?.first_chunk::<2>()?;
    let tftp = first == 0 && (1..=6).contains(&second);
    (!tftp).then_some(())
}

#[inline]
fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..)?.first_chunk::<2>().map(|bytes| u16::from_be_bytes(*bytes))
}
