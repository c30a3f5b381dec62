//! The framing that lists and signed files share: `tag u8, length u16, value`, big-endian (domain.md 2.1).

use crate::bytes::Reader;

/// The bytes are not a trust list or signed file: where reading stopped and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: expected {expected}, found {found}")]
pub struct ListError {
    /// Offset of the byte at fault, from the start of the file.
    pub offset: usize,
    /// What should have stood there.
    pub expected: String,
    /// What stood there instead.
    pub found: String,
}

impl ListError {
    pub(super) fn new(offset: usize, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { offset, expected: expected.into(), found: found.into() }
    }
}

/// One field as the file holds it, or as `show itl` printed it: what a listing needs beside the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Tag number; `show itl` prints it in the column BYTEPOS (domain.md 2.1).
    pub tag: u8,
    /// Length of the value in bytes; for containers, of everything inside.
    pub length: u16,
    /// Offset of the tag from the start of the file; zero for lists that came from text.
    pub offset: u32,
}

/// A field cut out of a header or record.
pub(super) struct Field<'a> {
    pub(super) tag: u8,
    /// Offset of the tag byte from the start of the file.
    pub(super) offset: usize,
    pub(super) value: &'a [u8],
}

impl Field<'_> {
    pub(super) fn row(&self) -> Row {
        Row {
            tag: self.tag,
            length: u16::try_from(self.value.len()).unwrap_or(u16::MAX),
            offset: u32::try_from(self.offset).unwrap_or(u32::MAX),
        }
    }

    /// The value as an array of the one length that its tag allows.
    pub(super) fn exactly<const N: usize>(&self, name: &str) -> Result<[u8; N], ListError> {
        self.value.try_into().map_err(|_| {
            ListError::new(
                self.offset.saturating_add(1),
                format!("a length of {N} for {name}"),
                self.value.len().to_string(),
            )
        })
    }
}

/// Reads tag, length and value. `end` says what ends where the reader ends: "the file", "the header", "record #3".
pub(super) fn field<'a>(
    reader: &mut Reader<'a>,
    base: usize,
    name: impl Fn(u8) -> String,
    end: &str,
) -> Result<Field<'a>, ListError> {
    let offset = base.saturating_add(reader.position());
    let start = *reader;
    let tag = reader.u8().ok_or_else(|| ListError::new(offset, "a tag", format!("the end of {end}")))?;
    let length = reader.u16().ok_or_else(|| {
        ListError::new(
            offset.saturating_add(1),
            format!("two length bytes for {}", name(tag)),
            format!("the end of {end}"),
        )
    })?;
    let left = reader.remaining();
    let value = reader.take(usize::from(length)).ok_or_else(|| {
        *reader = start;
        ListError::new(
            offset.saturating_add(3),
            format!("{length} bytes of {}", name(tag)),
            format!("the end of {end} after {left}"),
        )
    })?;
    Ok(Field { tag, offset, value })
}

/// Rows beyond this many in a header or record are not kept for listings: no file has them, and a hostile one could hold a
/// row in every three bytes.
pub(super) const MOST_ROWS: usize = 64;

/// Names longer than this are cut: no certificate has one, and comparing names must stay cheap.
const LONGEST_TEXT: usize = 1024;

/// Text of a field: trailing NULs go (domain.md 2.1), UTF-8 where it is UTF-8, Latin-1 else.
pub(super) fn text(value: &[u8]) -> String {
    let end = value.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let value = value.get(..end.min(LONGEST_TEXT)).unwrap_or_default();
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        // Cut in the middle of a character: that character goes too.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(value.get(..error.valid_up_to()).unwrap_or_default()).into_owned()
        }
        Err(_) => value.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// Remarks on a file that can be read all the same; bounded, because a hostile file could earn one per byte.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    texts: Vec<String>,
    dropped: usize,
}

impl Warnings {
    const MOST: usize = 32;

    pub(super) fn push(&mut self, text: impl FnOnce() -> String) {
        if self.texts.len() < Self::MOST {
            self.texts.push(text());
        } else {
            self.dropped += 1;
        }
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        if self.dropped > 0 {
            self.texts.push(format!("{} more such remarks left out", self.dropped));
        }
        self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_lies_names_the_byte() {
        let name = |tag: u8| format!("tag {tag}");
        let error = |bytes: &[u8]| field(&mut Reader::new(bytes), 100, name, "the file").err().unwrap().to_string();
        assert_eq!(error(&[]), "byte 100: expected a tag, found the end of the file");
        assert_eq!(error(&[9, 0]), "byte 101: expected two length bytes for tag 9, found the end of the file");
        assert_eq!(
            error(&[9, 0xFF, 0xFF, 1, 2]),
            "byte 103: expected 65535 bytes of tag 9, found the end of the file after 2"
        );
    }

    #[test]
    fn text_in_any_encoding() {
        assert_eq!(text(b"CN=a\0"), "CN=a");
        assert_eq!(text(b"\0\0"), "");
        assert_eq!(text("ST=Małopolska\0".as_bytes()), "ST=Małopolska");
        assert_eq!(text(b"L=M\xFCnchen\0"), "L=München");
        assert_eq!(text(&vec![b'a'; 70_000]).len(), LONGEST_TEXT);
        assert_eq!(text("é".repeat(3000).as_bytes()).chars().count(), LONGEST_TEXT / 2);
    }
}
