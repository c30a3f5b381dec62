//! What the kernel may drop before it reaches the program: the glance of [`super::glance`], as an expression of libpcap.
//!
//! A voice network is mostly RTP, and a frame that the kernel does not copy costs nothing. What may be dropped is the same as
//! there: a whole UDP datagram, not a fragment, that neither comes from nor goes to a port that is always looked at, and begins
//! neither like TFTP nor like a SIP request that is read. Ports alone cannot tell: the data of a TFTP transfer runs between two
//! ephemeral ports, and which they are is only known from its request. Everything else is kept: TCP, fragments of IP, tunnels, and
//! frames that the expression does not understand, such as those with a tag inside a tag. The outermost VLAN tag is no hindrance:
//! Linux takes it off before filters look, and libpcap puts it back.

use super::glance::UDP_PORTS;
use crate::capture::LinkType;

/// The expression for frames of this link type; `None` where all of them are to be kept.
pub fn kernel_filter(link: LinkType) -> Option<String> {
    match link.0 {
        1 | 101 | 113 | 228 | 229 | 276 => {}
        _ => return None,
    }
    // A datagram of IPv4 is where the header's length says (`udp[…]`), one of IPv6 without extensions follows 40 bytes.
    let ipv4 = voice("ip[0] & 0xf0 = 0x40 and ip[6:2] & 0x3fff = 0 and ip[9] = 17", "udp", 0);
    let ipv6 = voice("ip6[0] & 0xf0 = 0x60 and ip6[6] = 17", "ip6", 40);
    Some(format!("not ({ipv4}) and not ({ipv6})"))
}

/// Datagrams that cannot matter; `base[at:2]` is their source port.
fn voice(is_udp: &str, base: &str, at: usize) -> String {
    let field = |offset: usize| format!("{base}[{}:2]", at + offset);
    let (from, to, begins) = (field(0), field(2), field(8));
    let known: Vec<String> = UDP_PORTS.iter().map(|port| format!("{from} = {port} or {to} = {port}")).collect();
    let known = known.join(" or ");
    // Opcodes of TFTP; the letters RE, of REFER and REGISTER.
    let read = format!("({begins} >= 1 and {begins} <= 6) or {begins} = 0x5245");
    format!("{is_udp} and not ({known}) and not ({read})")
}

#[cfg(feature = "live")]
#[cfg(test)]
mod tests {
    use std::path::Path;

    use etherparse::PacketBuilder;
    use pcap::{BpfProgram, Capture, Linktype};

    use super::*;
    use crate::capture::{CaptureFile, Frame, FrameId, Source, Timestamp};
    use crate::packet::{Datagram, Decoder, Packet, Whereabouts, glance, whereabouts};
    use proptest::prelude::*;

    fn program(link: u32) -> BpfProgram {
        // Raw IP has another number while it is captured.
        let number = if link == 101 { 12 } else { i32::try_from(link).unwrap() };
        let capture = Capture::dead(Linktype(number)).unwrap();
        capture.compile(&kernel_filter(LinkType(link)).unwrap(), true).unwrap()
    }

    /// Whether the program reads anything in it.
    fn is_read(link: u32, data: &[u8]) -> bool {
        let original_len = u32::try_from(data.len()).unwrap();
        let frame =
            Frame { id: FrameId::default(), time: Timestamp::default(), link: LinkType(link), data, original_len };
        if matches!(whereabouts(&frame), Some(Whereabouts::Fragment { .. })) {
            return true;
        }
        match Decoder::default().decode(&frame) {
            Some(Packet::Udp(Datagram { src, dst, payload, .. })) => {
                let known = [src, dst].iter().any(|end| UDP_PORTS.contains(&end.port()));
                (known && payload.len() > 1) || matches!(payload, [0, 1..=6, ..]) || payload.starts_with(b"RE")
            }
            Some(_) => true,
            None => false,
        }
    }

    fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
        let mut frame = Vec::new();
        builder.udp(ports.0, ports.1).write(&mut frame, payload).unwrap();
        frame
    }

    #[test]
    fn voice_is_dropped_and_what_is_read_is_kept() {
        let rtp = [0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let keeps = |frame: &[u8]| program(1).filter(frame);
        assert!(!keeps(&udp((16384, 16386), &rtp)));
        assert!(keeps(&udp((30454, 49152), b"\0\x03\0\x01data")));
        assert!(keeps(&udp((30454, 49152), b"\0\x06blksize\x001428\0")));
        assert!(!keeps(&udp((30454, 49152), b"\0\x07no opcode")));
        assert!(keeps(&udp((5060, 49152), b"SIP/2.0 200 OK")));
        assert!(keeps(&udp((49152, 5099), b"REFER sip:cucm SIP/2.0")));
        assert!(keeps(&udp((49152, 4789), &[8, 0, 0, 0])));
        let mut fragment = udp((16384, 16386), &rtp);
        fragment[20] = 0x20;
        assert!(keeps(&fragment), "the first of several fragments");
        let ipv6 = |payload: &[u8]| {
            let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv6([1; 16], [2; 16], 64).udp(16384, 16386);
            let mut frame = Vec::new();
            builder.write(&mut frame, payload).unwrap();
            frame
        };
        assert!(!keeps(&ipv6(&rtp)));
        assert!(keeps(&ipv6(b"\0\x03\0\x01data")));
        assert_eq!(kernel_filter(LinkType(147)), None);
    }

    #[test]
    fn of_recorded_boots_nothing_that_is_read_is_dropped() {
        let mut dropped = 0;
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")).unwrap() {
            let folder = entry.unwrap().path();
            let paths = ["capture.pcap", "capture.pcapng"].map(|name| folder.join(name));
            let Some(path) = paths.iter().find(|path| path.is_file()) else { continue };
            let mut file = CaptureFile::open(path, 0).unwrap();
            while let Some(frame) = file.next_frame().unwrap() {
                if kernel_filter(frame.link).is_none() || program(frame.link.0).filter(frame.data) {
                    continue;
                }
                dropped += 1;
                assert!(!is_read(frame.link.0, frame.data), "frame {} of {}", frame.id.number, path.display());
                assert!(!glance::may_matter(frame.link, frame.data), "frame {} of {}", frame.id.number, path.display());
            }
        }
        // They hold boots and no voice.
        assert!(dropped < 50, "{dropped} frames were dropped");
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_is_dropped(
            mut frame in prop::collection::vec(any::<u8>(), 0..80),
            link in prop::sample::select(vec![1u32, 113, 276, 101]),
            ip in prop::sample::select(vec![0x0800u16, 0x86dd, 0x8100, 0x0806]),
            version in prop::sample::select(vec![0x45u8, 0x46, 0x60]),
            protocol in prop::sample::select(vec![17u8, 6, 47]),
            fragment in prop::sample::select(vec![0u8, 0x20, 0x40]),
            first in prop::sample::select(vec![0u8, 0x80, b'R']),
            second in prop::sample::select(vec![3u8, 7, b'E']),
        ) {
            let at = match link { 1 => 14, 113 => 16, 276 => 20, _ => 0 };
            let udp = at + if version == 0x60 { 40 } else { usize::from(version & 15) * 4 };
            let protocol_at = if version == 0x60 { at + 6 } else { at + 9 };
            let mut places = vec![(at, version), (protocol_at, protocol), (udp + 8, first), (udp + 9, second)];
            if version != 0x60 {
                places.extend([(at + 6, fragment), (at + 7, 0)]);
            }
            for (place, byte) in places {
                if let Some(slot) = frame.get_mut(place) {
                    *slot = byte;
                }
            }
            let type_at = match link { 1 => 12, 113 => 14, _ => 0 };
            if at > 0 && let Some(slot) = frame.get_mut(type_at..type_at + 2) {
                slot.copy_from_slice(&ip.to_be_bytes());
            }
            if is_read(link, &frame) {
                prop_assert!(program(link).filter(&frame), "{frame:02x?}");
            }
        }
    }
}
