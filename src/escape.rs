//! Text from files and from the wire, made fit for a terminal.
//!
//! In: any text, or what becomes JSON. Out: the same, in which everything that a terminal would obey instead of show stands as a
//! visible escape; in JSON as `\uXXXX`, which reads back as what it was. It refuses to know what the text means.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// Longer messages are cut: what went wrong stands in their beginning, and a file may have a line of ten megabytes.
const LONGEST_MESSAGE: usize = 4000;

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

/// A message of several lines, each of them as [`line()`] makes it; what is longer than anybody reads is cut, and says so.
pub fn message(text: &str) -> String {
    let end = text.char_indices().nth(LONGEST_MESSAGE).map(|(at, _)| at);
    let shown = end.and_then(|end| text.get(..end)).unwrap_or(text);
    let mut escaped = shown.split('\n').map(line).collect::<Vec<_>>().join("\n");
    if let Some(end) = end {
        let _ = write!(escaped, "\u{2026} ({} bytes more)", text.len() - end);
    }
    escaped
}

/// Writes a value as JSON on one line.
///
/// # Errors
/// When `out` cannot be written to, or the value cannot be put into JSON.
pub fn json(out: &mut dyn io::Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Visible(CompactFormatter)))?;
    Ok(())
}

/// Writes a value as JSON, indented.
///
/// # Errors
/// As [`json`].
pub fn json_pretty(out: &mut dyn io::Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Visible(PrettyFormatter::new())))?;
    Ok(())
}

/// The formatter behind it, with strings in which nothing unprintable is left.
struct Visible<F>(F);

impl<F: Formatter> Formatter for Visible<F> {
    /// Of a string, what JSON itself does not escape.
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, character)) = rest.char_indices().find(|&(_, character)| is_unprintable(character)) {
            let (plain, behind) = rest.split_at(at);
            out.write_all(plain.as_bytes())?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = behind.split_at(character.len_utf8()).1;
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
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

    #[test]
    fn json_shows_what_a_terminal_would_obey() {
        let text = "a\u{9b}\u{7f}\u{202e}\u{200b}\u{e0041}\u{1b}\"Ł";
        let mut out = Vec::new();
        json(&mut out, &[(text, 1)]).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out, r#"[["a\u009b\u007f\u202e\u200b\udb40\udc41\u001b\"Ł",1]]"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()[0][0], text);
    }

    #[test]
    fn long_messages_are_cut_and_say_so() {
        assert_eq!(message("one\ntwo\u{9b}"), "one\ntwo\\x9b");
        let cut = message(&"ł".repeat(5_000_000));
        assert!(cut.len() < 9000 && cut.ends_with("(9992000 bytes more)"), "{}", cut.len());
    }

    proptest::proptest! {
        #[test]
        fn json_reads_back_as_it_was(text in "\\PC*|.*") {
            let (mut plain, mut pretty) = (Vec::new(), Vec::new());
            json(&mut plain, &text).unwrap();
            json_pretty(&mut pretty, &[&text]).unwrap();
            let plain = String::from_utf8(plain).unwrap();
            proptest::prop_assert!(!plain.chars().any(is_unprintable));
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&plain).unwrap(), text.clone());
            proptest::prop_assert_eq!(serde_json::from_slice::<Vec<String>>(&pretty).unwrap(), [text]);
        }

        #[test]
        fn nothing_unprintable_is_left(text in ".*") {
            let escaped = line(&text);
            proptest::prop_assert!(!escaped.chars().any(is_unprintable));
            proptest::prop_assert_eq!(line(&escaped), escaped.as_ref());
        }
    }
}
