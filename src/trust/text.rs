//! The text of `show itl` and `show ctl` (domain.md 3).
//!
//! In: text as it was pasted, logged or printed in a document: wrapped, squeezed, joined, with prompts, pager lines and words
//! in between. Out: [`TrustList`]s with [`super::Origin::Text`]. What the text lacks is absent, never invented. It refuses to
//! know key material: the text has none, so signatures cannot be checked with it.

mod lines;
mod rows;
mod session;
mod session_values;
mod words;

pub(crate) use lines::without_escapes as as_seen;

use super::list::TrustList;

/// The text holds no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing in the text is what `show itl` or `show ctl` print.
    #[error(
        "nothing is recognised in its {lines} line(s) of text: expected a trust list, the text of 'show itl' or 'show ctl', or a certificate"
    )]
    NoList {
        /// How many lines the text has.
        lines: usize,
    },
    /// The server said that it has no such file.
    #[error("line {line}: the server says that it has no such file ({said})")]
    NoFile {
        /// Where it says so, from 1.
        line: usize,
        /// In which words.
        said: String,
    },
}

/// Reads every list in a text, in order. An excerpt counts as a list when it has a checksum, a length, or a row of a table.
///
/// # Errors
/// When there is no list.
pub fn import(text: &str) -> Result<Vec<TrustList>, TextError> {
    let mut session = session::Session::default();
    let mut count = 0;
    for (number, line) in lines::lines(text) {
        count = number;
        session.line(number, &line);
    }
    let (lists, missing) = session.finish();
    match (lists.is_empty(), missing) {
        (false, _) => Ok(lists),
        (true, Some((line, said))) => Err(TextError::NoFile { line, said }),
        (true, None) => Err(TextError::NoList { lines: count }),
    }
}

/// Text out of bytes in the encodings that terminals and editors save: UTF-8, UTF-16 with and without byte order mark,
/// Latin-1. `None` when the bytes are not text.
pub fn decode(bytes: &[u8]) -> Option<String> {
    let (utf_16, rest) = match bytes {
        [] => return None,
        [0xEF, 0xBB, 0xBF, rest @ ..] => (None, rest),
        [0xFF, 0xFE, rest @ ..] => (Some(u16::from_le_bytes as fn([u8; 2]) -> u16), rest),
        [0xFE, 0xFF, rest @ ..] => (Some(u16::from_be_bytes as fn([u8; 2]) -> u16), rest),
        // Without the mark, ASCII in UTF-16 still shows: every other byte is zero.
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => (Some(u16::from_le_bytes as _), bytes),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => (Some(u16::from_be_bytes as _), bytes),
        _ => (None, bytes),
    };
    if let Some(unit) = utf_16 {
        let units = rest.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok().map(unit));
        let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        return Some(text).filter(|text| looks_like_text(text));
    }
    let text = match std::str::from_utf8(rest) {
        Ok(text) => text.to_owned(),
        Err(_) => rest.iter().map(|&byte| char::from(byte)).collect(),
    };
    Some(text).filter(|text| looks_like_text(text))
}

/// Terminal logs hold some control characters; binary files hold many.
fn looks_like_text(text: &str) -> bool {
    let start = text.chars().take(4096);
    let (mut all, mut control) = (0_usize, 0_usize);
    for character in start {
        all += 1;
        let usual = matches!(character, '\t' | '\n' | '\r' | '\x08' | '\x1b' | '\x0c');
        control += usize::from((character.is_control() && !usual) || character == char::REPLACEMENT_CHARACTER);
    }
    all > 0 && control * 10 <= all
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "admin:show itl\r\nLength of ITL file: 5438\r\nThe ITL File was last modified on Mi é\r\n";

    #[test]
    fn encodings() {
        let utf_16 = |swap: bool, mark: bool| -> Vec<u8> {
            let units = mark.then_some(0xFEFF).into_iter().chain(TEXT.encode_utf16());
            units.flat_map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let latin_1: Vec<u8> = TEXT.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect();
        let marked = [&[0xEF, 0xBB, 0xBF], TEXT.as_bytes()].concat();
        let all = [
            TEXT.as_bytes().to_vec(),
            marked,
            latin_1,
            utf_16(false, true),
            utf_16(true, true),
            utf_16(false, false),
            utf_16(true, false),
        ];
        for bytes in all {
            let text = decode(&bytes).unwrap();
            assert_eq!(text, TEXT, "{bytes:02x?}");
            assert_eq!(import(&text).unwrap()[0].length, Some(5438));
        }
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&[1, 2, 3, 4, 5, 6, 7]), None);
    }

    #[test]
    fn no_list() {
        assert_eq!(import("one\ntwo\n"), Err(TextError::NoList { lines: 2 }));
        assert_eq!(import(""), Err(TextError::NoList { lines: 0 }));
        assert_eq!(
            import("\nadmin:show itl\nadmin:").unwrap_err().to_string(),
            "nothing is recognised in its 3 line(s) of text: expected a trust list, the text of 'show itl' or 'show ctl', or a certificate"
        );
    }
}
