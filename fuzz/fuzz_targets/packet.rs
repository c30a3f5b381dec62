//! Frames of all link types. The control byte is the link type; its top bit says that bytes of the frame were not captured.

#![no_main]

mod pieces;

use itlscope::capture::{Frame, LinkType};
use itlscope::packet::{Decoder, Limits, Packet, glance, whereabouts};
use libfuzzer_sys::fuzz_target;

const LINKS: [u32; 8] = [1, 113, 276, 101, 0, 108, 228, 147];

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { fragment_bytes: 16 << 10, ..Limits::default() };
    let (mut decoder, mut clock) = (Decoder::new(limits), pieces::Clock::default());
    for (control, data) in pieces::pieces(bytes) {
        let link = LinkType(LINKS[usize::from(control & 7)]);
        let moment = clock.next(false);
        let original_len = data.len() as u32 + if control & 128 == 0 { 0 } else { 9 };
        let frame = Frame { id: moment.frame, time: moment.time, link, data, original_len };
        let _ = whereabouts(&frame);
        let may_matter = glance::may_matter(link, data);
        if let Some(packet) = decoder.decode(&frame) {
            if let Packet::Udp(datagram) = packet {
                let is_read = matches!(datagram.payload, [0, 1..=6, ..]) || datagram.payload.starts_with(b"RE");
                assert!(may_matter || !is_read, "dismissed: {packet:?}");
            } else {
                assert!(may_matter, "dismissed: {packet:?}");
            }
        }
        assert!(decoder.held() <= limits.fragment_bytes + (64 << 10));
    }
});
