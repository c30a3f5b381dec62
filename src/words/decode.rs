//! Files as people have them, made plain text: unpacked, decoded, freed of markup.
//!
//! In: the bytes of a file: text in any encoding, HTML, XML, or a .gz, .tar, .tar.gz or .zip of such. Out: [`Part`]s, one for
//! each text in it. It refuses to know what the text says, and to unpack more than [`MOST_BYTES`] in all.

use std::io::{Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::markup;
use crate::trust::text;

/// Bytes that all members of a file may have together once they are unpacked. A problem report of a phone has some megabytes.
pub const MOST_BYTES: usize = 256 << 20;
/// Members of an archive that are looked at: those of a problem report are counted in hundreds.
const MOST_MEMBERS: usize = 4096;
/// An archive in a compressed file in an archive; deeper is nobody's.
const DEEPEST: usize = 4;

/// One text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name within the archive; empty for the file itself.
    pub member: String,
    /// The text with tags and without entities: what alarms are looked for in.
    pub text: String,
    /// The text in lines as a person sees them, with the numbers of the lines in the file, from 1.
    pub lines: Vec<(usize, String)>,
}

/// What a file was unpacked to.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// Its texts.
    pub parts: Vec<Part>,
    /// What was left out and why.
    pub left_out: Vec<String>,
}

/// Unpacks and decodes. What is no text is left out; that is told where nothing else is in the file.
pub fn unpack(bytes: &[u8]) -> Unpacked {
    let mut budget = Budget { bytes: MOST_BYTES, members: MOST_MEMBERS, out: Unpacked::default() };
    budget.file("", bytes, 0);
    budget.out
}

/// What may still be unpacked.
struct Budget {
    bytes: usize,
    members: usize,
    out: Unpacked,
}

impl Budget {
    fn file(&mut self, name: &str, bytes: &[u8], depth: usize) {
        let is_tar = bytes.get(257..262) == Some(b"ustar");
        let is_packed = is_tar || matches!(bytes, [0x1F, 0x8B, ..] | [b'P', b'K', 3, 4, ..]);
        if is_packed && depth >= DEEPEST {
            self.leave_out(name, "is packed too often");
            return;
        }
        match bytes {
            [0x1F, 0x8B, ..] => {
                if let Some(inner) = self.drain(name, &mut MultiGzDecoder::new(bytes)) {
                    self.file(name, &inner, depth + 1);
                }
            }
            [b'P', b'K', 3, 4, ..] => self.zip(name, bytes, depth),
            _ if is_tar => self.tar(name, bytes, depth),
            _ => self.leaf(name, bytes),
        }
    }

    fn leaf(&mut self, name: &str, bytes: &[u8]) {
        let Some(text) = text::decode(bytes) else {
            if name.is_empty() && !bytes.is_empty() {
                self.leave_out(name, &format!("is no text, but {}", crate::trust::what_is(bytes)));
            }
            return;
        };
        self.out.parts.push(part(name, text));
    }

    /// Reads a member as far as the budget goes; `None` where it is damaged from its start.
    fn drain(&mut self, name: &str, member: &mut dyn Read) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = u64::try_from(self.bytes).unwrap_or(u64::MAX);
        let result = member.take(most).read_to_end(&mut bytes);
        self.bytes -= bytes.len().min(self.bytes);
        if let Err(error) = result {
            self.leave_out(name, &format!("is damaged after {} bytes: {error}", bytes.len()));
        } else if self.bytes == 0 {
            self.leave_out(name, "goes on after what may be unpacked");
        }
        (!bytes.is_empty()).then_some(bytes)
    }

    fn tar(&mut self, name: &str, bytes: &[u8], depth: usize) {
        let mut archive = tar::Archive::new(bytes);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return self.leave_out(name, &format!("is a damaged archive: {error}")),
        };
        for entry in entries {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.leave_out(name, &format!("is a damaged archive: {error}")),
            };
            if !self.may_go_on(name) {
                return;
            }
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let member = inner(name, &String::from_utf8_lossy(&entry.path_bytes()));
            if let Some(bytes) = self.drain(&member, &mut entry) {
                self.file(&member, &bytes, depth + 1);
            }
        }
    }

    fn zip(&mut self, name: &str, bytes: &[u8], depth: usize) {
        let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => archive,
            Err(error) => return self.leave_out(name, &format!("is a damaged archive: {error}")),
        };
        for at in 0..archive.len() {
            if !self.may_go_on(name) {
                return;
            }
            let mut file = match archive.by_index(at) {
                Ok(file) if file.is_dir() => continue,
                Ok(file) => file,
                Err(error) => {
                    self.leave_out(name, &format!("member {} cannot be read: {error}", at + 1));
                    continue;
                }
            };
            let member = inner(name, &String::from_utf8_lossy(file.name_raw()));
            if let Some(bytes) = self.drain(&member, &mut file) {
                self.file(&member, &bytes, depth + 1);
            }
        }
    }

    fn may_go_on(&mut self, name: &str) -> bool {
        if self.members == 0 || self.bytes == 0 {
            self.leave_out(name, "has more than may be unpacked");
            return false;
        }
        self.members -= 1;
        true
    }

    fn leave_out(&mut self, name: &str, why: &str) {
        if self.out.left_out.len() < 8 {
            let what = if name.is_empty() { "the file".to_owned() } else { name.chars().take(120).collect() };
            self.out.left_out.push(format!("{what} {why}"));
        }
    }
}

fn inner(outer: &str, member: &str) -> String {
    let member: String = member.chars().take(256).collect();
    if outer.is_empty() { member } else { format!("{outer}/{member}") }
}

fn part(name: &str, text: String) -> Part {
    // Where no line feed is at all, carriage returns end lines.
    let text = if text.contains('\n') { text } else { text.replace('\r', "\n") };
    let lines = if markup::is_markup(&text) {
        markup::lines(&text)
    } else {
        (1..).zip(text.lines()).map(|(number, line)| (number, plain(line))).collect()
    };
    let text = if text.contains('&') { markup::without_entities(&text) } else { text };
    Part { member: name.to_owned(), text, lines }
}

/// A line without what terminals obey, and with addresses that documents print as `14 . 48 . 44 . 80` in one piece.
fn plain(line: &str) -> String {
    let mut line = if line.contains(|c: char| c.is_control() && c != '\t') || line.contains('\u{a0}') {
        text::as_seen(line)
    } else {
        line.to_owned()
    };
    if line.contains(" . ") {
        line = join_addresses(&line);
    }
    if line.contains("&quot;") || line.contains("&#") {
        line = markup::without_entities(&line);
    }
    line
}

fn join_addresses(line: &str) -> String {
    let mut joined = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(" . ") {
        joined.push_str(before);
        let is_number =
            before.ends_with(|c: char| c.is_ascii_digit()) && after.starts_with(|c: char| c.is_ascii_digit());
        joined.push_str(if is_number { "." } else { " . " });
        rest = after;
    }
    joined.push_str(rest);
    joined
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn texts(bytes: &[u8]) -> Vec<(String, String)> {
        unpack(bytes).parts.into_iter().map(|part| (part.member, part.text)).collect()
    }

    #[test]
    fn archives_within_archives_are_unpacked() {
        let inner = gz(b"one\n");
        let packed = gz(&tar(&[("a/messages", b"two\n"), ("a/old.gz", &inner), ("a/picture", &[0; 64])]));
        let expected = [("a/messages", "two\n"), ("a/old.gz", "one\n")];
        assert_eq!(texts(&packed), expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[test]
    fn packed_too_often_is_told() {
        let mut packed = b"text\n".to_vec();
        for _ in 0..6 {
            packed = gz(&packed);
        }
        let unpacked = unpack(&packed);
        assert!(unpacked.parts.is_empty());
        assert_eq!(unpacked.left_out, ["the file is packed too often"]);
    }

    #[test]
    fn damaged_archive_gives_what_there_is() {
        let mut packed = gz("line\n".repeat(20_000).as_bytes());
        packed.truncate(packed.len() - 10);
        let unpacked = unpack(&packed);
        assert_eq!(unpacked.parts.len(), 1);
        assert!(unpacked.left_out[0].contains("damaged after"), "{:?}", unpacked.left_out);
    }

    #[test]
    fn lines_end_as_systems_end_them() {
        for text in ["a\nb\n", "a\r\nb\r\n", "a\rb\r"] {
            let lines = unpack(text.as_bytes()).parts.remove(0).lines;
            assert_eq!(lines, [(1, "a".to_owned()), (2, "b".to_owned())], "{text:?}");
        }
    }

    #[test]
    fn addresses_are_joined() {
        assert_eq!(join_addresses("from 14 . 48 . 44 . 80 now"), "from 14.48.44.80 now");
        assert_eq!(join_addresses("<14 . 48 . 44 . 80> a . b"), "<14.48.44.80> a . b");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes: Vec<u8>, head in 0_usize..4) {
            let heads: [&[u8]; 4] = [b"", &[0x1F, 0x8B, 8, 0], b"PK\x03\x04", b"<html>"];
            unpack(&[heads[head], &bytes].concat());
        }
    }
}
