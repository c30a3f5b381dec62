//! What a file is that is no capture of ours.
//!
//! In: its first bytes. Out: what they are, and how to make a capture of it. Magic numbers are those that Wireshark's wiretap and
//! file(1) look for. It refuses to read any of these.

/// First bytes that are looked at: the magic number of tar stands behind 257.
pub(super) const LOOKED_AT: usize = 512;

const EDITCAP: &str = "convert it with 'editcap -F pcap FILE NEW.pcap'";
const UNPACK: &str = "unpack it first and give the captures that are in it";

/// At which byte, what stands there, what it is called, what to do.
const FORMATS: &[(usize, &[u8], &str, &str)] = &[
    (0, b"snoop\0\0\0", "a snoop capture", EDITCAP),
    (0, b"RTSS", "a capture of Network Monitor 1", EDITCAP),
    (0, b"GMBU", "a capture of Network Monitor 2", EDITCAP),
    (0, b"TRSNIFF data    \x1a", "a capture of DOS Sniffer", EDITCAP),
    (0, b"XCP\0", "a capture of NetXray or Windows Sniffer", EDITCAP),
    (0, b"iptrace 1.0", "an AIX iptrace", EDITCAP),
    (0, b"iptrace 2.0", "an AIX iptrace", EDITCAP),
    (0, b"\xaa\xaa\xaa\xaa", "a capture of Accellent 5Views", EDITCAP),
    (0, b"\0\0\x02\0\x12\x05\0\x10", "a capture of a Tektronix K12", EDITCAP),
    (0, b"+---------+---------------+----------+", "the text of a Tektronix K12", EDITCAP),
    (0, b"\x05VNF", "a capture of Visual Networks", EDITCAP),
    (0, b"\x7fver", "a capture of OmniPeek or EtherPeek", EDITCAP),
    (0, b"ObserverPktBufferVersion=", "a capture of Observer", EDITCAP),
    (0, b"\0\0\0\x01\0\0\0\0\0\x07\xd0\0", "an HP-UX nettl trace", EDITCAP),
    (0, b"TR\0\x64\0", "an HP-UX nettl trace", EDITCAP),
    (0, b"EyeSDN", "a capture of EyeSDN", EDITCAP),
    (0, b"V0208\0\0", "a capture of Aethra", EDITCAP),
    (0, b"btsnoop\0", "a Bluetooth trace", "it holds no IP packets"),
    (0, b"\xfd7zXZ\0", "compressed with xz", "decompress it first (xz -dk FILE)"),
    (0, b"BZh", "compressed with bzip2", "decompress it first (bzip2 -dk FILE)"),
    (0, b"\x04\x22\x4d\x18", "compressed with lz4", "decompress it first (lz4 -d FILE NEW.pcap)"),
    (0, b"\x02\x21\x4c\x18", "compressed with lz4", "decompress it first (lz4 -d FILE NEW.pcap)"),
    (0, b"LZIP", "compressed with lzip", "decompress it first (lzip -dk FILE)"),
    (0, b"\x1f\x9d", "compressed with compress", "decompress it first (gzip -d FILE)"),
    (0, b"]\0\0", "compressed with LZMA", "decompress it first (xz -dk FILE)"),
    (0, b"\x1f\x8b", "compressed with gzip many times over", "decompress it first (gzip -d FILE)"),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd many times over", "decompress it first (zstd -d FILE)"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (0, b"MSCF", "a cabinet archive", UNPACK),
    (0, b"PK\x03\x04", "a zip archive", UNPACK),
    (0, b"PK\x05\x06", "an empty zip archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
];

/// What these first bytes are, and the way out.
pub(super) fn foreign(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let known = FORMATS.iter().find(|(at, magic, ..)| start.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    let by_magic = known.map(|&(.., what, way)| (what, way));
    by_magic.or_else(|| looks_like_erf(start).then_some(("an ERF capture of Endace", EDITCAP)))
}

/// Whether the bytes are those of a capture, as far as they are decompressed.
pub(super) fn is_capture(start: &[u8]) -> bool {
    let magic = start.first_chunk::<4>().copied().unwrap_or_default();
    let either_way = [u32::from_be_bytes(magic), u32::from_le_bytes(magic)];
    either_way
        .iter()
        .any(|magic| matches!(magic, 0xa1b2_c3d4 | 0xa1b2_3c4d | 0xa1b2_cd34 | 0x1c00_01ac | 0x1c00_01ab | 0x0a0d_0d0a))
}

/// ERF has no magic number: two records have to follow each other that have kinds and lengths such as records have, and times in
/// their order (wiretap/erf.c).
fn looks_like_erf(start: &[u8]) -> bool {
    let record = |at: usize| {
        let header = start.get(at..)?.first_chunk::<16>()?;
        let &[t0, t1, t2, t3, t4, t5, t6, t7, kind, _, l0, l1, ..] = header;
        let time = u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        // Seconds since 1970 stand in the upper half: later than 1995.
        let is_sound = time >> 32 > 788_918_400 && (1..=27).contains(&(kind & 0x7f)) && length >= 16;
        is_sound.then_some((time, length))
    };
    let first = record(0);
    let second = first.and_then(|(_, length)| record(length));
    matches!((first, second), (Some((first, _)), Some((second, _))) if first <= second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_told_with_the_way_out() {
        for (at, magic, what, way) in FORMATS {
            let bytes = [&vec![0; *at][..], magic, &[0; 40]].concat();
            assert_eq!(foreign(&bytes), Some((*what, *way)));
            assert!(!is_capture(&bytes));
        }
    }

    #[test]
    fn erf_by_its_records() {
        let record = |seconds: u32, length: u16| {
            let header = [&[0; 4][..], &seconds.to_le_bytes(), &[2, 4], &length.to_be_bytes(), &[0; 4]].concat();
            [header, vec![7; usize::from(length) - 16]].concat()
        };
        let two = [record(1_600_000_000, 80), record(1_600_000_001, 80)].concat();
        assert_eq!(foreign(&two).map(|(what, _)| what), Some("an ERF capture of Endace"));
        assert_eq!(foreign(&record(1_600_000_000, 80)), None, "one alone may be anything");
        assert_eq!(foreign(&[record(1_600_000_001, 80), record(1_600_000_000, 80)].concat()), None);
    }

    #[test]
    fn what_is_unknown_stays_unknown() {
        for bytes in [&b""[..], b"hello world", &[0; 512], &[0xff; 512]] {
            assert_eq!(foreign(bytes), None);
        }
    }

    #[test]
    fn captures_are_told_in_both_byte_orders() {
        assert!(
            is_capture(b"\xd4\xc3\xb2\xa1rest") && is_capture(b"\xa1\xb2\x3c\x4d") && is_capture(b"\x0a\x0d\x0d\x0a")
        );
        assert!(!is_capture(b"abc") && !is_capture(b"\xd4\xc3\xb2"));
    }
}
