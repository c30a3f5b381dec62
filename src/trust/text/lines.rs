//! Physical lines made logical: one element of the output each.
//!
//! In: text. Out: numbered lines without terminal escapes, pager prompts and Markdown, cut where several elements were
//! joined into one. It refuses to know what the elements mean.

use super::rows;
use super::words::words;

/// Words that begin an element wherever they stand in a line, in lower case.
const MARKERS: &[&str] = &[
    "admin:",
    "the checksum value of the",
    "length of itl file",
    "length of ctl file",
    "the itl file was",
    "the ctl file was",
    "itl file not found",
    "ctl file not found",
    "error parsing the",
    "verification of the itl",
    "verification of the ctl",
    "parse itl file",
    "parse ctl file",
    "start itl records",
    "start ctl records",
    "version:",
    "headerlength:",
    "bytepos",
    "itl record",
    "ctl record",
    "this etoken was",
    "signature verified",
    "signature verification",
];

/// What the pager of CUCM's command line asks in the middle of the output.
const PAGER: &[&str] = &["Press <enter> for 1 line, <space> for one page, or <q> to quit", "--More--", "-- More --"];

/// The logical lines with the number of the physical line that each stands on, from 1.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    text.lines().enumerate().flat_map(|(at, line)| {
        let line = clean(line);
        cut(&line).into_iter().map(move |piece| (at + 1, piece)).collect::<Vec<_>>()
    })
}

/// One physical line as a person saw it.
fn clean(line: &str) -> String {
    let mut seen = without_escapes(line);
    for prompt in PAGER {
        if seen.contains(prompt) {
            seen = seen.replace(prompt, "");
        }
    }
    if seen.contains("**") {
        seen = seen.replace("**", "");
    }
    // A tag of a converted document that lost its other half (domain.md 3).
    let end = seen.trim_end();
    end.strip_suffix('<').unwrap_or(end).to_owned()
}

/// Obeys what a terminal would obey: escape sequences vanish, backspace takes a character back, and a carriage return
/// within the line starts it anew.
pub(crate) fn without_escapes(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    let mut seen = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\x1b' => {
                // CSI: parameters up to a final letter; anything else is two characters long.
                if characters.next() == Some('[') {
                    while characters.next().is_some_and(|next| !('\x40'..='\x7e').contains(&next)) {}
                }
            }
            '\x08' => {
                seen.pop();
            }
            '\r' => seen.clear(),
            '\t' => seen.push('\t'),
            _ if character.is_control() => {}
            '\u{a0}' => seen.push(' '),
            _ => seen.push(character),
        }
    }
    seen
}

/// Cuts a line before every marker and every row of a table that begins inside it.
fn cut(line: &str) -> Vec<String> {
    let mut starts = vec![0];
    // Lower case of ASCII alone keeps every offset.
    let lower = line.to_ascii_lowercase();
    let words = words(line);
    for (index, &(start, _)) in words.iter().enumerate() {
        let rest = lower.get(start..).unwrap_or_default();
        let marker = MARKERS.iter().any(|marker| rest.starts_with(marker));
        if marker || rows::starts_row(words.get(index..).unwrap_or_default()) {
            starts.push(start);
        }
    }
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([line.len()]);
    let pieces = starts.iter().zip(ends).filter_map(|(&start, end)| line.get(start..end));
    let pieces: Vec<String> = pieces.map(|piece| piece.trim_end().to_owned()).collect();
    match pieces.as_slice() {
        // What stands before the first marker may be nothing but indentation.
        [first, rest @ ..] if first.trim().is_empty() && !rest.is_empty() => rest.to_vec(),
        _ => pieces,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<String> {
        lines(text).map(|(_, piece)| piece).collect()
    }

    #[test]
    fn terminals_and_documents() {
        assert_eq!(pieces("\x1b[0;1madmin:\x1b[mshow itl\r"), ["admin:show itl"]);
        assert_eq!(
            pieces("Press <enter> for 1 line, <space> for one page, or <q> to quit\r7\tPUBLICKEY\t140"),
            ["7\tPUBLICKEY\t140"]
        );
        assert_eq!(pieces("admin:**show itl**"), ["admin:show itl"]);
        assert_eq!(pieces("abx\x08c"), ["abc"]);
    }

    #[test]
    fn joined_lines_are_cut() {
        assert_eq!(
            pieces("10 IPADDRESS 4 This etoken was used to sign the CTL file."),
            ["10 IPADDRESS 4", "This etoken was used to sign the CTL file."]
        );
        assert_eq!(
            pieces("ab 20 6 14      FILENAME        12 15      TIMESTAMP       4 CTL Record #:1 ---- BYTEPOS TAG"),
            [
                "ab 20 6",
                "14      FILENAME        12",
                "15      TIMESTAMP       4",
                "CTL Record #:1 ----",
                "BYTEPOS TAG"
            ]
        );
    }
}
