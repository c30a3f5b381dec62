//! The hot pieces one by one, with bytes of a recorded boot: `make bench-parts`. What the whole costs, `make bench` says.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use itlscope::capture::Moment;
use itlscope::dissect::{Dissector, Settings};
use itlscope::packet::{Decoder, Packet, glance};
use itlscope::testkit::{self, Owned};
use itlscope::trust::TrustList;

const LIST: &[u8] = include_bytes!("../captures/references/itl-old.tlv");

fn healthy() -> Vec<Owned> {
    testkit::read(concat!(env!("CARGO_MANIFEST_DIR"), "/captures/healthy/capture.pcap"))
}

/// The frames of which what they carry is `wanted`.
fn only(wanted: impl Fn(&Packet<'_>) -> bool) -> Vec<Owned> {
    let mut frames = healthy();
    let mut decoder = Decoder::default();
    frames.retain(|frame| decoder.decode(&frame.frame(1)).is_some_and(|packet| wanted(&packet)));
    frames
}

fn is_data(packet: &Packet<'_>) -> bool {
    matches!(packet, Packet::Udp(datagram) if matches!(datagram.payload, [0, 1 | 3, ..]))
}

/// The server's flight to a client, and what came before it.
fn is_tls(packet: &Packet<'_>) -> bool {
    matches!(packet, Packet::Tcp(segment) if segment.src.port() == 2445 || segment.dst.port() == 2445)
}

/// Frames through decoder and dissectors, each time from nothing.
fn dissect(criterion: &mut Criterion, name: &str, frames: &[Owned]) {
    let bytes = frames.iter().map(|frame| frame.frame(1).data.len() as u64).sum();
    let mut group = criterion.benchmark_group("parts");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function(name, |bencher| {
        bencher.iter_batched(
            || (Decoder::default(), Dissector::new(&Settings::default()), Vec::new()),
            |(mut decoder, mut dissector, mut events)| {
                for (number, frame) in (1..).zip(frames) {
                    let frame = frame.frame(number);
                    let Some(packet) = decoder.decode(&frame) else { continue };
                    dissector.packet(&packet, Moment::from(&frame), &mut events);
                }
                dissector.finish(&mut events);
                (decoder, dissector, events)
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn parts(criterion: &mut Criterion) {
    let voice = testkit::udp_frame("10.0.0.1:16384", "10.0.0.2:16386", 1, &[0x80; 172]);
    let voice = Owned::ethernet(0, voice);
    criterion.bench_function("header glance at RTP", |bencher| {
        let frame = voice.frame(1);
        bencher.iter(|| glance::may_matter(black_box(frame.link), black_box(frame.data)));
    });
    let data = only(is_data);
    criterion.bench_function("one TFTP data frame decoded", |bencher| {
        let mut decoder = Decoder::default();
        let mut number = 0;
        bencher.iter(|| {
            number += 1;
            decoder.decode(black_box(&data.last().unwrap().frame(number))).is_some()
        });
    });
    dissect(criterion, "TFTP downloads", &data);
    dissect(criterion, "TLS handshake on 2445, segment by segment", &only(is_tls));
    dissect(criterion, "a whole boot", &healthy());
    criterion.bench_function("trust list parsed", |bencher| bencher.iter(|| TrustList::parse(black_box(LIST))));
    let list = TrustList::parse(LIST).unwrap();
    criterion.bench_function("trust list verified", |bencher| bencher.iter(|| list.verify(black_box(LIST))));
}

criterion_group!(benches, parts);
criterion_main!(benches);
