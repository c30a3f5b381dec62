//! Captures in archives, as customers send them.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use itlscope::capture::{BytesRead, CaptureFile, MergedCaptures, Place, Places};
use itlscope::testkit;

use super::containers::{Read, drain, folder, frames, gzip, of, write, zstd};

/// Names and contents.
type Members<'a> = &'a [(&'a str, Vec<u8>)];

fn opened(path: &Path) -> std::io::Result<Arc<File>> {
    File::open(path).map(Arc::new)
}

fn tar(members: Members<'_>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A zip (APPNOTE 4.3): every other member deflated, sizes only in the directory where `streamed`.
fn zip(members: Members<'_>, streamed: bool) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (index, (name, content)) in members.iter().enumerate() {
        let is_deflated = index % 2 == 0;
        let data = if is_deflated {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        } else {
            content.clone()
        };
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let size = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
        let sums = [crc.sum().to_le_bytes(), size(data.len()), size(content.len())].concat();
        let flags: u16 = if streamed { 8 } else { 0 };
        let common =
            [&20u16.to_le_bytes()[..], &flags.to_le_bytes(), &[if is_deflated { 8 } else { 0 }, 0], &[0; 4]].concat();
        let name_length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let offset = size(bytes.len());
        let own = if streamed { vec![0; 12] } else { sums.clone() };
        bytes.extend(
            [b"PK\x03\x04", &common[..], &own, &name_length, &[4, 0], name.as_bytes(), &[9, 9, 0, 0], &data].concat(),
        );
        if streamed {
            bytes.extend([b"PK\x07\x08", &sums[..]].concat());
        }
        directory.extend(
            [b"PK\x01\x02", &[20, 0][..], &common, &sums, &name_length, &[0; 12], &offset, name.as_bytes()].concat(),
        );
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let place = [directory.len(), bytes.len()].map(|number| u32::try_from(number).unwrap().to_le_bytes()).concat();
    [&bytes[..], &directory, b"PK\x05\x06", &[0; 4], &count, &count, &place, &[2, 0], b"ok"].concat()
}

/// Everything that is read of an archive, the paths of its sources, what is noted, what is wrong.
fn read(name: &str, bytes: &[u8]) -> (Read, Vec<String>, Vec<String>, Vec<String>) {
    let folder = folder();
    let local = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
    let Places { places, notes, errors } = Place::of(&[write(folder.path(), name, bytes)], &opened);
    let open = |place: &Place, number| CaptureFile::open_place(place, number, &BytesRead::default());
    let (mut source, of_members) = MergedCaptures::new(&places, open);
    let read = drain(&mut source).unwrap();
    let paths = places.iter().map(|place| local(place.path().display().to_string())).collect();
    let errors = errors.iter().chain(&of_members).map(|error| local(error.to_string())).collect();
    (read, paths, notes.into_iter().map(local).collect(), errors)
}

fn members() -> Vec<(&'static str, Vec<u8>)> {
    let frames = frames(3000);
    let part = |from: usize, to: usize| testkit::pcap(1, true, &frames[from..to]);
    vec![
        ("case/t1.pcap", part(0, 1000)),
        ("case/readme.txt", b"what happened".to_vec()),
        ("case/t2.pcap.gz", gzip(&part(1000, 2000))),
        ("case/t3.pcap", part(2000, 3000)),
    ]
}

#[test]
fn captures_in_every_kind_of_archive() {
    let members = members();
    let expected = of(&frames(3000));
    for (name, bytes) in [
        ("case.zip", zip(&members, false)),
        ("streamed.zip", zip(&members, true)),
        ("case.tar", tar(&members)),
        ("case.tgz", gzip(&tar(&members))),
        ("case.tar.zst", zstd(&tar(&members))),
        ("no ending", gzip(&tar(&members))),
    ] {
        let (read, paths, notes, errors) = read(name, &bytes);
        assert_eq!(errors, [""; 0], "{name}");
        let data = |read: &Read| read.iter().map(|(_, _, time, data)| (*time, data.clone())).collect::<Vec<_>>();
        assert!(data(&read) == data(&expected), "{name}: {} frames", read.len());
        assert_eq!(paths, ["t1.pcap", "t2.pcap.gz", "t3.pcap"].map(|member| format!("{name}/case/{member}")));
        assert_eq!(notes, [format!("{name}: case/readme.txt is not read, for it is no capture")]);
    }
}

#[test]
fn archives_without_a_capture() {
    for bytes in [zip(&[("a.txt", b"text".to_vec())], false), tar(&[("a.txt", b"text".to_vec())])] {
        let (_, _, _, errors) = read("case", &bytes);
        assert_eq!(errors, ["case: is an archive that holds no capture, only a.txt"]);
    }
    assert_eq!(read("case", &zip(&[], false)).3, ["case: is an archive without a file in it"]);
    let nested = tar(&[("inner.tar", tar(&[("t.pcap", testkit::pcap(1, true, &frames(3)))]))]);
    assert_eq!(read("case", &nested).3, ["case: is an archive that holds no capture, only inner.tar"]);
}

#[test]
fn archives_that_are_cut_or_damaged() {
    let members = members();
    let whole = zip(&members, false);
    assert_eq!(
        read("case", &whole[..whole.len() / 2]).3,
        ["case: is a zip archive that breaks off: its directory is missing"]
    );
    let whole = tar(&members);
    let cut = read("case", &whole[..whole.len() / 2]).3;
    assert!(cut.len() == 1 && cut[0].contains("tar archive that cannot be read to its end"), "{cut:?}");
    // One byte of a stored member: its checksum says so, when all its frames were read.
    let mut damaged = zip(&[("a.txt", b"text".to_vec()), ("t.pcap", testkit::pcap(1, true, &frames(500)))], false);
    // In the middle of a frame.
    let at = damaged.len() / 2 + 30;
    damaged[at] ^= 1;
    let folder = folder();
    let Places { places, .. } = Place::of(&[write(folder.path(), "case.zip", &damaged)], &opened);
    let mut file = CaptureFile::open_place(&places[0], 0, &BytesRead::default()).unwrap();
    while file.advance().unwrap() {}
    let warnings = file.summary().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("checksum in the zip archive is another")), "{warnings:?}");
}

#[test]
fn names_from_archives_cannot_reach_the_terminal() {
    let capture = testkit::pcap(1, true, &frames(3));
    let (_, paths, _, _) = read("case", &zip(&[("a\u{1b}[31m.pcap", capture)], false));
    assert!(!paths[0].contains('\u{1b}'), "{paths:?}");
}

proptest::proptest! {
    #[test]
    fn archives_damaged_anywhere_do_no_harm(
        kind in 0..3usize,
        changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()), 1..8),
    ) {
        let members = [("a.txt", vec![5; 300]), ("t.pcap", testkit::pcap(1, true, &frames(5)))];
        let mut bytes = vec![zip(&members, false), tar(&members), gzip(&tar(&members))].swap_remove(kind);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let folder = folder();
        let path: PathBuf = write(folder.path(), "case", &bytes);
        let Places { places, .. } = Place::of(&[path], &opened);
        for place in &places {
            if let Ok(mut file) = CaptureFile::open_place(place, 0, &BytesRead::default()) {
                while let Ok(true) = file.advance() {}
            }
        }
    }
}
