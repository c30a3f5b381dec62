//! Which files may hold secrets.
//!
//! Configurations hold passwords and keys, and come under many names: `SEP….cnf.xml`, `SIP….cnf`, `ATA….cfg`, and whatever a
//! server calls them. So files are taken to hold secrets unless they are known not to: what was read as a trust list, and what
//! has the name of firmware or of what it brings with it, and a content in which nothing can be read that a configuration
//! would say. What is compressed is looked into; an archive is not, and held back.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use memchr::memmem;

use crate::phone::{DownloadRecord, FileKind};
use crate::trust::SignedFile;

/// Extensions of files that are the same for all phones, and public.
const HARMLESS: [&str; 13] =
    ["bin", "cop", "jar", "loads", "pcm", "png", "raw", "rwb", "sb2", "sbn", "sebn", "wav", "zz"];
/// What stands in configurations, in small letters. Firmware in clear may hold it too, and is held back for it: that costs an option,
/// the other mistake a password.
const TELLTALE: [&[u8]; 5] = [b"<?xml", b"<device", b"password", b"<flat-profile", b"secret"];
/// Bytes of a compressed file that are looked at.
const LOOKED_AT: u64 = 1 << 20;
/// Compressed files within compressed files that are looked into.
const DEPTH: u8 = 3;

/// Whether a file may hold secrets.
pub(super) fn possible(record: &DownloadRecord, bytes: &[u8]) -> bool {
    if record.list.is_some() {
        return tells(bytes);
    }
    let Some(name) = record.file() else { return true };
    !has_harmless_name(name) || record.kind == FileKind::Config || !is_harmless(bytes, DEPTH)
}

fn has_harmless_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let unsigned = [".sgn", ".sha512"].into_iter().find_map(|signed| name.strip_suffix(signed)).unwrap_or(&name);
    unsigned.rsplit_once('.').is_some_and(|(_, extension)| HARMLESS.contains(&extension))
}

/// Whether nothing in the file, without the envelope of a signature, could be of a configuration, whatever its name says.
fn is_harmless(bytes: &[u8], depth: u8) -> bool {
    let signed = SignedFile::parse(bytes).ok();
    let body = signed.as_ref().map_or(bytes, |signed| signed.body(bytes));
    match body {
        [0x1f, 0x8b, ..] => {
            let mut inside = Vec::new();
            let read = MultiGzDecoder::new(body).take(LOOKED_AT).read_to_end(&mut inside);
            read.is_ok() && depth > 0 && is_harmless(&inside, depth - 1)
        }
        // Archives (zip, which jar is too), and compressions that nobody here looks into.
        [b'P', b'K', 3, 4, ..]
        | [b'B', b'Z', b'h', ..]
        | [0xfd, b'7', b'z', b'X', b'Z', ..]
        | [0x28, 0xb5, 0x2f, 0xfd, ..]
        // UTF-16.
        | [0xff, 0xfe, ..]
        | [0xfe, 0xff, ..] => false,
        _ => !begins_as_markup(body) && !tells(body),
    }
}

fn begins_as_markup(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start().starts_with(b"<")
}

/// Whether anything that stands in configurations stands in it, in one byte a letter or in two.
fn tells(bytes: &[u8]) -> bool {
    let small = bytes.to_ascii_lowercase();
    TELLTALE.iter().any(|&told| {
        let wide: Vec<u8> = told.iter().flat_map(|&letter| [letter, 0]).collect();
        memmem::find(&small, told).is_some() || memmem::find(&small, &wide).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn configurations_are_known_by_their_content() {
        let config = b"<device><sshPassword>x</sshPassword></device>";
        let wide: Vec<u8> = config.iter().flat_map(|&letter| [letter, 0]).collect();
        let wave = [b"RIFF\0\0\0\0WAVEfmt ", &config[..]].concat();
        for secret in [&config[..], &gzip(config), &gzip(&gzip(config)), &wave, &wide, b"PK\x03\x04zip", b" \n<x/>"] {
            assert!(!is_harmless(secret, DEPTH), "{:?}", secret.get(..8));
        }
        let cut = gzip(config);
        assert!(!is_harmless(cut.get(..20).unwrap(), DEPTH), "what cannot be looked into");
        for harmless in
            [&b"firmware"[..], b"\x89PNG\r\n", b"RIFF\0\0\0\0WAVEfmt ", b"jar45sccp.9-4-2SR3\n", &gzip(b"firmware")]
        {
            assert!(is_harmless(harmless, DEPTH), "{:?}", harmless.get(..8));
        }
    }
}
