//! Files as they come: formats and their variants, compressed, cut, rotated.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use itlscope::capture::{Arrangement, BytesRead, CaptureError, CaptureFile, MergedCaptures, Source, SourceSummary};
use itlscope::testkit::{self, Owned, block, enhanced_packet, interface, section, udp_frame};

/// A folder of its own.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A few frames, one each 100 ms.
pub(crate) fn frames(count: usize) -> Vec<Owned> {
    (0..count)
        .map(|index| {
            let number = u16::try_from(index).unwrap();
            let data = udp_frame("10.0.0.1:1000", "10.0.0.2:2000", number, &number.to_be_bytes());
            Owned::ethernet(1_600_000_000_000_000_000 + i64::from(number) * 100_000_000, data)
        })
        .collect()
}

/// What was read: source, number, time and bytes of each frame.
pub(crate) type Read = Vec<(u16, u64, i64, Vec<u8>)>;

/// Reads a source to its end.
pub(crate) fn drain(source: &mut dyn Source) -> Result<Read, CaptureError> {
    let mut read = Vec::new();
    while let Some(frame) = source.next_frame()? {
        read.push((frame.id.source, frame.id.number, frame.time.nanos(), frame.data.to_vec()));
    }
    Ok(read)
}

fn read_all(paths: &[PathBuf]) -> (Read, Vec<SourceSummary>, Vec<String>) {
    let (mut source, errors) = MergedCaptures::new(paths, |path, number| CaptureFile::open(path, number));
    let read = drain(&mut source).unwrap();
    (read, source.summaries(), errors.iter().map(ToString::to_string).collect())
}

fn read_bytes(bytes: &[u8]) -> (Read, Vec<SourceSummary>, Vec<String>) {
    let folder = folder();
    let (read, summaries, errors) = read_all(&[write(folder.path(), "trace", bytes)]);
    let local = format!("{}/", folder.path().display());
    (read, summaries, errors.into_iter().map(|error| error.replace(&local, "")).collect())
}

/// Few bytes at a time, as a pipe may give them.
struct Drops(Cursor<Vec<u8>>);

impl std::io::Read for Drops {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(7);
        self.0.read(&mut buffer[..most])
    }
}

/// Reads the same bytes in one go and in drops, and gives what both told.
fn read_both_ways(bytes: &[u8]) -> Result<(Read, Vec<SourceSummary>), String> {
    let read = |reader: Box<dyn std::io::Read + Send>| {
        let read = CaptureFile::from_reader(reader, "trace".to_owned(), 0)
            .and_then(|mut source| Ok((drain(&mut source)?, source.summaries())));
        read.map_err(|error| error.to_string())
    };
    let whole = read(Box::new(Cursor::new(bytes.to_vec())));
    assert_eq!(whole, read(Box::new(Drops(Cursor::new(bytes.to_vec())))));
    whole
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// The header of a pcap file, little endian.
fn pcap_header(magic: u32, minor: u8, link: u32) -> Vec<u8> {
    [&magic.to_le_bytes()[..], &[2, 0, minor, 0], &[0; 8], &[0, 0, 4, 0], &link.to_le_bytes()].concat()
}

pub(crate) fn of(frames: &[Owned]) -> Read {
    (1..).zip(frames).map(|(number, frame)| (0, number, frame.time, frame.data.clone())).collect()
}

#[test]
fn gzip_and_zstd_by_content() {
    let frames = frames(20_000);
    let plain = testkit::pcap(1, true, &frames);
    for bytes in [plain.clone(), gzip(&plain), zstd(&plain)] {
        let (read, summaries, errors) = read_bytes(&bytes);
        assert_eq!((read, errors.as_slice()), (of(&frames), &[][..]));
        assert_eq!(summaries[0].bytes, plain.len() as u64, "after decompression");
        // Cut: what came before the cut stands, and the cut is told.
        let (read, summaries, errors) = read_bytes(&bytes[..bytes.len() - 40]);
        assert!(errors.is_empty() && !read.is_empty() && of(&frames).starts_with(&read));
        assert_eq!(summaries[0].warnings.len(), 1, "{summaries:?}");
    }
}

#[test]
fn where_a_capture_ends_is_told_of_it_alone() {
    let plain = testkit::pcap(1, true, &frames(20_000));
    let cut = gzip(&plain);
    let cut = &cut[..cut.len() / 2];
    let folder = folder();
    let paths = [write(folder.path(), "first.pcap", &plain), write(folder.path(), "second.pcap.gz", cut)];
    let count = BytesRead::default();
    let (mut source, _) = MergedCaptures::new(&paths, |path, number| CaptureFile::open_counted(path, number, &count));
    while source.next_frame().unwrap().is_some() {}
    assert!(count.get() >= (plain.len() + cut.len()) as u64);
    let told = &source.summaries()[1].warnings;
    assert!(told.iter().any(|told| told.contains(&format!("near byte {} of the file", cut.len()))), "{told:?}");
}

#[test]
fn compressed_captures_are_read_up_to_the_damage() {
    let frames = frames(20_000);
    let plain = testkit::pcap(1, true, &frames);
    for mut bytes in [gzip(&plain), zstd(&plain)] {
        let at = bytes.len() / 10 * 9;
        bytes[at..at + 1000].fill(0xff);
        let (read, summaries, errors) = read_bytes(&bytes);
        assert!(errors.is_empty(), "{errors:?}");
        // zstd compresses, and fails, in blocks of 128 KiB.
        let sound = frames.len() / 4 * 3;
        assert_eq!(read.get(..sound), of(&frames).get(..sound), "{} frames", read.len());
        assert_eq!(summaries[0].warnings.len(), 1, "{summaries:?}");
    }
}

#[test]
fn variants_of_pcap() {
    let frames = frames(6);
    let usual = testkit::pcap(1, false, &frames);
    let records = |extra: usize, nanoseconds: bool, swapped: bool| -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in &frames {
            let fraction = frame.time % 1_000_000_000 / if nanoseconds { 1 } else { 1000 };
            let length = i64::try_from(frame.data.len()).unwrap();
            let lengths = if swapped { [length + 10, length] } else { [length, length + 10] };
            for word in [frame.time / 1_000_000_000, fraction, lengths[0], lengths[1]] {
                bytes.extend(u32::try_from(word).unwrap().to_le_bytes());
            }
            bytes.extend(vec![0; extra]);
            bytes.extend(&frame.data);
        }
        bytes
    };
    for (name, bytes) in [
        ("the usual", usual.clone()),
        ("nanoseconds", [pcap_header(0xa1b2_3c4d, 4, 1), records(0, true, false)].concat()),
        ("Kuznetzov", [pcap_header(0xa1b2_cd34, 4, 1), records(8, false, false)].concat()),
        ("Kuznetzov 990915", [pcap_header(0xa1b2_cd34, 4, 1), records(12, false, false)].concat()),
        ("Kuznetzov with the usual number", [pcap_header(0xa1b2_c3d4, 4, 1), records(8, false, false)].concat()),
        ("Nokia", [pcap_header(0xa1b2_c3d4, 4, 1), records(4, false, false)].concat()),
        ("IXIA", [pcap_header(0x1c00_01ac, 4, 1), vec![0; 4], records(0, true, false)].concat()),
        ("AIX", [pcap_header(0xa1b2_c3d4, 2, 6), records(0, true, false)].concat()),
        ("lengths in the other order", [pcap_header(0xa1b2_c3d4, 3, 1), records(0, false, true)].concat()),
        ("a frame check sequence", [pcap_header(0xa1b2_c3d4, 4, 0x2400_0001), records(0, false, false)].concat()),
    ] {
        let (read, _, errors) = read_bytes(&bytes);
        assert_eq!((read, errors.as_slice()), (of(&frames), &[][..]), "{name}");
    }
    // The other byte order.
    let mut big =
        [&0xa1b2_c3d4_u32.to_be_bytes()[..], &[0, 2, 0, 4], &[0; 8], &[0, 4, 0, 0], &1u32.to_be_bytes()].concat();
    for frame in &frames {
        let length = i64::try_from(frame.data.len()).unwrap();
        for word in [frame.time / 1_000_000_000, frame.time % 1_000_000_000 / 1000, length, length] {
            big.extend(u32::try_from(word).unwrap().to_be_bytes());
        }
        big.extend(&frame.data);
    }
    assert_eq!(read_bytes(&big).0, of(&frames));
}

#[test]
fn a_pcaps_variant_is_told_however_its_bytes_come() {
    // Longer record headers under the usual magic number, and damage behind the part that the variant is told by.
    let mut bytes = pcap_header(0xa1b2_c3d4, 4, 1);
    let mut record = |original: u32| {
        for word in [1_600_000_000, 5, 6000, original, 0, 0] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend([0x55; 6000]);
    };
    for _ in 0..3 {
        record(6000);
    }
    record(0);
    let (frames, _) = read_both_ways(&bytes).unwrap();
    assert!(frames.len() == 4 && frames.iter().all(|(.., data)| data == &[0x55; 6000]));
}

#[test]
fn an_odd_field_in_an_early_record_makes_no_other_variant() {
    // The first records of a real boot, each with what some recorder writes.
    let path = format!("{}/captures/tvs-regenerated/capture.pcap", env!("CARGO_MANIFEST_DIR"));
    let whole = std::fs::read(path).unwrap();
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut at = 24;
    for record in 0..5 {
        let (seconds, fraction, captured) = (word(&whole, at), word(&whole, at + 4), word(&whole, at + 8));
        for fields in [
            [seconds - 1, fraction + 1_000_000, captured, captured],
            [seconds, fraction, captured, 0],
            [seconds, fraction, captured, captured - 1],
        ] {
            let mut odd = whole.clone();
            let bytes: Vec<u8> = fields.into_iter().flat_map(u32::to_le_bytes).collect();
            odd[at..at + 16].copy_from_slice(&bytes);
            let (read, summaries, errors) = read_bytes(&odd);
            assert_eq!((read.len(), errors.as_slice()), (92, &[][..]), "record {record}: {fields:?}");
            assert!(summaries[0].warnings.is_empty(), "record {record}: {fields:?}");
            // The same where only these records are there, whole or cut.
            for records in record + 1..6 {
                let end = (0..records).fold(24, |at, _| at + 16 + word(&whole, at + 8) as usize);
                for end in [end, end + 8, end + 12] {
                    assert_eq!(read_bytes(&odd[..end]).0.len(), records, "record {record}: {fields:?}, {end} bytes");
                }
            }
        }
        at += 16 + captured as usize;
    }
}

#[test]
fn a_clock_that_is_set_back() {
    let mut frames = frames(20);
    for frame in &mut frames[12..] {
        frame.time -= 3_600_000_000_000;
    }
    let (read, summaries, _) = read_bytes(&testkit::pcap(1, true, &frames));
    assert_eq!(read, of(&frames), "frames keep their order");
    let [step] = summaries[0].set_back[..] else { panic!("{summaries:?}") };
    assert_eq!((step.frame, step.by), (13, 3_599_900_000_000));
}

#[test]
fn pcapng_frames_are_numbered_as_in_wireshark() {
    // tshark 4.0 on a file with each of these blocks between two packets: the second packet has this number.
    let data = udp_frame("10.0.0.1:1000", "10.0.0.2:2000", 1, b"x");
    let simple = [&u32::try_from(data.len()).unwrap().to_le_bytes()[..], &data].concat();
    let old = [&[0, 0, 0, 0], &[0; 8][..], &[u8::try_from(data.len()).unwrap(), 0, 0, 0].repeat(2), &data].concat();
    for (name, between, number) in [
        ("name resolution", block(4, &[0; 4]), 2),
        ("interface statistics", block(5, &[0; 12]), 2),
        ("decryption secrets", block(10, &[0; 8]), 2),
        ("unknown", block(0x7777, b"abcd"), 2),
        ("unknown, local", block(0x8000_0001, b"abcd"), 2),
        ("Hone", block(0x101, b"abcdefgh"), 2),
        ("journal", block(9, b"__CURSOR=x\n__REALTIME_TIMESTAMP=1600000000000000\nMESSAGE=hi\n\n"), 3),
        ("custom", block(0xbad, b"\xd9\x7e\0\0abcd"), 3),
        ("custom, not to be copied", block(0x4000_0bad, b"\xd9\x7e\0\0abcd"), 3),
        ("system call", block(0x204, &[0; 32]), 3),
        ("simple packet", block(3, &simple), 3),
        ("obsolete packet", block(2, &old), 3),
    ] {
        let packet = enhanced_packet(0, 1_600_000_000_000_000, &data);
        let bytes = [section(), interface(1, 0, &[]), packet.clone(), between.clone(), packet].concat();
        let (read, summaries, errors) = read_bytes(&bytes);
        assert!(errors.is_empty(), "{name}: {errors:?}");
        assert_eq!(read.last().unwrap().1, number, "{name}");
        assert_eq!(summaries[0].frames, number, "{name}");
        let trailing = [section(), interface(1, 0, &[]), enhanced_packet(0, 0, &data), between].concat();
        assert_eq!(read_bytes(&trailing).1[0].frames, number - 1, "{name} at the end");
    }
}

#[test]
fn several_sections_interfaces_and_resolutions() {
    let data = udp_frame("10.0.0.1:1000", "10.0.0.2:2000", 1, b"x");
    let raw = &data[14..];
    let nanoseconds = [9u8, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
    let bytes = [
        section(),
        interface(1, 0, &[]),
        interface(101, 0, &nanoseconds),
        enhanced_packet(0, 1_000_000, &data),
        enhanced_packet(1, 2_000_000_000, raw),
        section(),
        interface(101, 0, &[]),
        enhanced_packet(0, 3_000_000, raw),
    ]
    .concat();
    let folder = folder();
    let path = write(folder.path(), "trace", &bytes);
    let mut source = CaptureFile::open(&path, 0).unwrap();
    let mut found = Vec::new();
    while let Some(frame) = source.next_frame().unwrap() {
        found.push((frame.link.0, frame.time.nanos() / 1_000_000, frame.data.len()));
    }
    assert_eq!(found, [(1, 1000, data.len()), (101, 2000, raw.len()), (101, 3000, raw.len())]);
}

#[test]
fn a_rotated_set_is_one_capture() {
    let frames = frames(300);
    let folder = folder();
    let paths: Vec<PathBuf> = frames
        .chunks(7)
        .enumerate()
        .map(|(index, chunk)| write(folder.path(), &format!("trace.pcap{index}"), &testkit::pcap(1, true, chunk)))
        .collect();
    let bytes = |read: Read| -> Vec<Vec<u8>> { read.into_iter().map(|(.., data)| data).collect() };
    let expected: Vec<Vec<u8>> = frames.iter().map(|frame| frame.data.clone()).collect();
    let mut shuffled = paths.clone();
    shuffled.reverse();
    shuffled.swap(3, 20);
    for paths in [paths, shuffled] {
        let (read, summaries, errors) = read_all(&paths);
        assert!(errors.is_empty());
        assert_eq!(summaries.iter().map(|summary| summary.frames).sum::<u64>(), 300);
        assert_eq!(bytes(read), expected);
    }
}

/// Frames written as files of a set, and read as one.
fn read_set(names: &[&str], files: &[&[Owned]]) -> (Read, Vec<SourceSummary>, Vec<String>) {
    let folder = folder();
    let paths: Vec<PathBuf> = names
        .iter()
        .zip(files)
        .map(|(name, frames)| {
            let bytes = if frames.is_empty() { Vec::new() } else { testkit::pcap(1, true, frames) };
            write(folder.path(), name, &bytes)
        })
        .collect();
    let arrangement = Arrangement::of(paths.iter().map(|path| Some(path.as_path())));
    let open = |path: &PathBuf, number| CaptureFile::open(path, number);
    let (mut source, errors) = MergedCaptures::arranged(&paths, arrangement, open);
    let read = drain(&mut source).unwrap();
    (read, source.summaries(), errors.iter().map(ToString::to_string).collect())
}

#[test]
fn a_set_whose_clock_is_set_back_is_read_file_by_file() {
    let mut frames = frames(30);
    for frame in &mut frames[10..] {
        frame.time -= 3_600_000_000_000;
    }
    let names = ["t_00003_20260828093002.pcap", "t_00001_20260828103000.pcap", "t_00002_20260828093001.pcap"];
    let (read, summaries, _) = read_set(&names, &[&frames[20..], &frames[..10], &frames[10..20]]);
    let data: Vec<_> = read.into_iter().map(|(.., data)| data).collect();
    assert_eq!(data, frames.iter().map(|frame| frame.data.clone()).collect::<Vec<_>>());
    assert!(summaries.iter().all(|summary| summary.set == Some(1)), "{summaries:?}");
}

#[test]
fn an_empty_file_of_a_set_is_a_warning() {
    let frames = frames(20);
    let (read, summaries, errors) = read_set(&["t1.pcap", "t2.pcap", "t3.pcap"], &[&frames[..10], &frames[10..], &[]]);
    assert_eq!((read.len(), errors.as_slice()), (20, &[][..]));
    assert_eq!(summaries[2].warnings, ["is empty (0 bytes), not a capture"]);
    let (_, _, errors) = read_set(&["a.pcap", "b.pcap"], &[&frames[..10], &[]]);
    assert_eq!(errors.len(), 1, "what is of no set");
    let (_, _, errors) = read_set(&["t1.pcap", "t2.pcap"], &[&[], &[]]);
    assert_eq!(errors.len(), 2, "a set without any frame");
}

#[test]
fn captures_of_the_same_time_are_merged() {
    let frames = frames(100);
    let folder = folder();
    let part = |wanted: usize| -> Vec<Owned> {
        frames.iter().enumerate().filter(|(index, _)| index % 3 == wanted).map(|(_, frame)| frame.clone()).collect()
    };
    let paths: Vec<PathBuf> =
        (0..3).map(|index| write(folder.path(), &index.to_string(), &testkit::pcap(1, true, &part(index)))).collect();
    let (read, ..) = read_all(&paths);
    assert_eq!(
        read.iter().map(|(.., data)| data.clone()).collect::<Vec<_>>(),
        frames.iter().map(|frame| frame.data.clone()).collect::<Vec<_>>()
    );
    assert_eq!((read[4].0, read[4].1), (1, 2), "numbers are those of each file");
}

#[test]
fn a_file_that_vanishes_before_its_turn() {
    let frames = frames(30);
    let folder = folder();
    let paths: Vec<PathBuf> = frames
        .chunks(10)
        .enumerate()
        .map(|(index, chunk)| write(folder.path(), &index.to_string(), &testkit::pcap(1, true, chunk)))
        .collect();
    let (mut source, errors) = MergedCaptures::new(&paths, |path, number| CaptureFile::open(path, number));
    assert!(errors.is_empty());
    std::fs::remove_file(&paths[1]).unwrap();
    let mut count = 0;
    while source.next_frame().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 20);
    assert_eq!(source.summaries()[1].warnings, ["No such file or directory"]);
}

#[test]
fn what_is_no_capture_is_told_in_one_line() {
    let truncated = &testkit::pcap(1, false, &frames(1))[..30];
    for (bytes, message) in [
        (&b""[..], "trace: is empty (0 bytes), not a capture"),
        (
            b"hello world",
            "trace: is not a capture: it begins with 68 65 6c 6c at byte 0, expected the magic number of a pcap or pcapng file",
        ),
        (&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0], "trace: is cut at byte 0: the file header needs 24 bytes, only 6 are there"),
        (
            b"snoop\0\0\0\0\0\0\x02\0\0\0\x04",
            "trace: is a snoop capture, which is not read: convert it with 'editcap -F pcap FILE NEW.pcap'",
        ),
        (b"\xfd7zXZ\0\0\x04", "trace: is compressed with xz, which is not read: decompress it first (xz -dk FILE)"),
        (truncated, "trace: is cut at byte 24: a record's header needs 16 bytes, only 6 are there"),
        (
            &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1],
            "trace: gzip data cannot be read near byte 11 of the file: it ends in the middle",
        ),
    ] {
        let (read, _, errors) = read_bytes(bytes);
        assert!(read.is_empty());
        assert_eq!(errors, [message]);
    }
    let folder = folder();
    let (_, _, errors) = read_all(&[folder.path().to_owned()]);
    assert!(errors[0].ends_with("is a directory, not a capture file"), "{errors:?}");
    let (_, _, errors) = read_all(&[folder.path().join("nothing")]);
    assert!(errors[0].ends_with("No such file or directory"), "{errors:?}");
}

#[test]
fn a_capture_cut_or_damaged_is_read_up_to_there() {
    let frames = frames(5);
    let whole = testkit::pcap(1, true, &frames);
    for cut in 24 + 16 + frames[0].data.len()..whole.len() {
        let (read, summaries, errors) = read_bytes(&whole[..cut]);
        assert!(errors.is_empty() && of(&frames).starts_with(&read) && !read.is_empty());
        let clean = (cut - 24) % (16 + frames[0].data.len()) == 0;
        assert_eq!(summaries[0].warnings.is_empty(), clean, "{cut}");
    }
    let mut damaged = whole;
    let second = 24 + 16 + frames[0].data.len();
    damaged[second + 8..second + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let (read, summaries, _) = read_bytes(&damaged);
    assert_eq!(read.len(), 1);
    assert!(summaries[0].warnings[0].starts_with(&format!("is damaged at byte {second}")), "{summaries:?}");
}

proptest::proptest! {
    #[test]
    fn any_bytes_do_no_harm(
        start in proptest::prop_oneof![
            proptest::strategy::Just(testkit::pcap(1, false, &frames(2))),
            proptest::strategy::Just([section(), interface(1, 0, &[]), enhanced_packet(0, 5, &[1; 20])].concat()),
        ],
        changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()), 0..12),
        more in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
    ) {
        let mut bytes = [start, more].concat();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        // Whatever was read: it is the same however the bytes come.
        drop(read_both_ways(&bytes));
    }
}
