//! Datagrams between two phones, behind one address or two, and TFTP servers.
//!
//! The control byte: 1 from the phone, 2 from or to port 69, 4 the other phone, 8 the other server, 16 the other server port,
//! 64 captured in part, 128 a minute later.

#![no_main]

mod pieces;

use itlscope::packet::{Datagram, Packet};
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;

fuzz_target!(|bytes: &[u8]| {
    let mut clock = pieces::Clock::default();
    pieces::dissect(pieces::pieces(bytes).map(|(control, payload)| {
        let phone: SocketAddr = ([10, 0, 0, 1], if control & 4 == 0 { 50_000 } else { 50_001 }).into();
        let port = if control & 2 != 0 { 69 } else if control & 16 == 0 { 40_000 } else { 40_001 };
        let server: SocketAddr = ([10, 0, 1, if control & 8 == 0 { 1 } else { 2 }], port).into();
        let (src, dst) = if control & 1 == 1 { (phone, server) } else { (server, phone) };
        let missing = if control & 64 == 0 { 0 } else { 7 };
        (Packet::Udp(Datagram { src, dst, payload, missing, hardware: None }), clock.next(control & 128 != 0))
    }));
});
