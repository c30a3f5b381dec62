//! Bytes of a capture file: pcap, pcapng, gzip, zstd. What is read whole is the same when it comes in drops.

#![no_main]

use std::io::{Cursor, Read};

use itlscope::capture::{CaptureFile, Source, SourceSummary};
use libfuzzer_sys::fuzz_target;

/// Gives few bytes at a time, as a pipe may.
struct Drops(Cursor<Vec<u8>>);

impl Read for Drops {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(7);
        self.0.read(&mut buffer[..most])
    }
}

/// Frames read at most: a few compressed bytes hold any number of them.
const MOST: usize = 20_000;

fn read(reader: Box<dyn Read + Send>) -> Result<(usize, Vec<SourceSummary>), String> {
    let mut source = CaptureFile::from_reader(reader, "x".to_owned(), 0).map_err(|error| error.to_string())?;
    let (mut bytes, mut last) = (0, 0);
    for _ in 0..MOST {
        let Some(frame) = source.next_frame().map_err(|error| error.to_string())? else { break };
        assert!(frame.id.number > last, "frame numbers grow");
        last = frame.id.number;
        bytes += frame.data.len();
    }
    Ok((bytes, source.summaries()))
}

fn is_compressed(bytes: &[u8]) -> bool {
    matches!(bytes, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

fuzz_target!(|bytes: &[u8]| {
    let whole = read(Box::new(Cursor::new(bytes.to_vec())));
    let drops = read(Box::new(Drops(Cursor::new(bytes.to_vec()))));
    // How much of a block stands before its damage is up to the decompressor.
    let is_sound = matches!(&whole, Ok((_, summaries)) if summaries.iter().all(|summary| summary.warnings.is_empty()));
    if is_sound || !is_compressed(bytes) {
        assert_eq!(whole, drops);
    }
});
