//! Text from files and from the wire, made fit for a terminal.
//!
//! In: any text. Out: the same text, in which everything that a terminal would obey instead of show stands as a visible
//! escape. It refuses to know what the text means.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` on one line: control characters (line breaks and tabs too), bidirectional overrides, invisible characters and line
/// separators become `\n`, `\t`, `\x1b` or `\u{202e}`; everything else stays as it is.
///
/// A backslash stays a backslash: the result is for eyes, not for reading back.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            // Writing to a string cannot fail.
            _ if is_unprintable(character) && u32::from(character) < 0x100 => {
                let _ = write!(escaped, "\\x{:02x}", u32::from(character));
            }
            _ if is_unprintable(character) => {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

/// Whether a terminal would act on the character, reorder text because of it, or show nothing.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            u32::from(character),
            0xAD                      // soft hyphen
                | 0x061C              // Arabic letter mark
                | 0x180E
                | 0x200B..=0x200F     // zero width, left-to-right and right-to-left marks
                | 0x2028..=0x202E     // line and paragraph separators, bidirectional embeddings and overrides
                | 0x2060..=0x206F     // invisible operators, bidirectional isolates
                | 0xFE00..=0xFE0F     // variation selectors
                | 0xFEFF
                | 0xFFF0..=0xFFFB
                | 0xE000..=0xF8FF     // private use
                | 0xE0000..=0x10_FFFF // tags, more variation selectors, private use
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(line("CN=CUCM;ST=Małopolska, 한국 \\"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_a_terminal_would_obey_becomes_visible() {
        assert_eq!(line("a\x1b[2Jb\x07\x7f\u{9b}"), "a\\x1b[2Jb\\x07\\x7f\\x9b");
        assert_eq!(line("one\r\ntwo\tthree"), "one\\r\\ntwo\\tthree");
        assert_eq!(line("nom\u{202e}gpj\u{2066}"), "nom\\u{202e}gpj\\u{2066}");
        assert_eq!(line("\u{feff}x\u{200b}\u{2028}"), "\\u{feff}x\\u{200b}\\u{2028}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_unprintable_is_left(text in ".*") {
            let escaped = line(&text);
            proptest::prop_assert!(!escaped.chars().any(is_unprintable));
            proptest::prop_assert_eq!(line(&escaped), escaped.as_ref());
        }
    }
}
