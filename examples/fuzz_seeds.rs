//! Cuts the captures in `captures/` and `tests/fixtures/wire/` into seeds for the fuzz targets that read packets, in the form
//! that `fuzz/fuzz_targets/pieces.rs` describes.
//!
//! ```text
//! cargo run --release --example fuzz_seeds -- fuzz/seeds captures/*/capture.pcap* tests/fixtures/wire/*.pcap
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a tool for developers: what it cannot do, it may say by stopping"
)]

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use itlscope::capture::{CaptureFile, Source};
use itlscope::packet::{Decoder, Packet};

/// Larger seeds slow a fuzzer down more than they teach it.
const LARGEST: usize = 24 << 10;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder for the seeds");
    for capture in arguments {
        let path = Path::new(&capture);
        let stem = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let stem = format!("{stem}-{}", path.file_stem().unwrap().to_string_lossy());
        for ((target, conversation), seed) in seeds(path) {
            let folder = Path::new(&folder).join(target);
            fs::create_dir_all(&folder).unwrap();
            let conversation = conversation.replace([':', '.', '[', ']'], "-");
            fs::write(folder.join(format!("{stem}-{conversation}")), seed).unwrap();
        }
    }
}

/// Seeds by target and conversation.
fn seeds(path: &Path) -> BTreeMap<(&'static str, String), Vec<u8>> {
    let (mut source, mut decoder) = (CaptureFile::open(path, 0).unwrap(), Decoder::default());
    let mut seeds = BTreeMap::new();
    let mut add = |target, conversation: String, control, bytes: &[u8]| {
        let seed: &mut Vec<u8> = seeds.entry((target, conversation)).or_default();
        if seed.len() + bytes.len() < LARGEST {
            seed.push(control);
            seed.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
            seed.extend(bytes);
        }
    };
    while let Some(frame) = source.next_frame().unwrap() {
        let links = [1, 113, 276, 101, 0, 108, 228];
        if let Some(link) = links.iter().position(|&link| link == frame.link.0) {
            add("packet", "frames".to_owned(), u8::try_from(link).unwrap(), frame.data);
        }
        match decoder.decode(&frame) {
            Some(Packet::Udp(udp)) if matches!(udp.payload, [0, 1..=6, ..]) => {
                // Of a file's two ends the phone's is the one that asks: its port stays.
                let from_phone = udp.dst.port() == 69 || matches!(udp.payload[1], 1 | 4);
                let phone = if from_phone { udp.src } else { udp.dst };
                let port_69 = udp.dst.port() == 69 || udp.src.port() == 69;
                let control = u8::from(from_phone) | u8::from(port_69) << 1;
                add("tftp", phone.to_string(), control, udp.payload);
            }
            Some(Packet::Tcp(tcp)) => {
                let is_server = |end: SocketAddr| matches!(end.port(), 2445 | 8443 | 443 | 6970);
                let from_client = is_server(tcp.dst);
                let (client, server) = if from_client { (tcp.src, tcp.dst) } else { (tcp.dst, tcp.src) };
                let target = if server.port() == 6970 { "http" } else { "tls" };
                // SYN, FIN and RST stand one bit further up; a bare acknowledgment says nothing new.
                let flags = (tcp.flags.0 & 2) | (tcp.flags.0 & 1) << 2 | (tcp.flags.0 & 4) << 1;
                if is_server(server) && (flags != 0 || !tcp.payload.is_empty()) {
                    add(target, client.to_string(), u8::from(from_client) | flags, tcp.payload);
                }
            }
            _ => {}
        }
    }
    seeds
}
