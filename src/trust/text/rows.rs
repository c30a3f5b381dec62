//! Rows of the tables: `BYTEPOS TAG LENGTH VALUE`.
//!
//! In: one logical line. Out: [`TextRow`]. It refuses to interpret the value.

use super::words::words;

/// Which table a row belongs to. The number alone is ambiguous, number and name together are not (domain.md 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Header,
    Record,
}

/// A row as it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextRow<'a> {
    pub(super) table: Table,
    pub(super) tag: u8,
    pub(super) length: u16,
    /// What follows the length, untrimmed at its end: a wrapped name may have been broken after a blank.
    pub(super) value: &'a str,
}

/// The first letters of the names, which is as far as CUCM's spelling can be relied on: ISSUENAME, ISSUERNAM and
/// ISSUERNAME all occur in one dump, CERTHASH appears as CERHASH (domain.md 3).
const NAMES: &[(Table, u8, &str)] = &[
    (Table::Header, 3, "SIG"),
    (Table::Header, 4, "SIG"),
    (Table::Header, 5, "SER"),
    (Table::Header, 6, "CAN"),
    (Table::Header, 7, "SIG"),
    (Table::Header, 8, "DIG"),
    (Table::Header, 9, "SIG"),
    (Table::Header, 10, "SIG"),
    (Table::Header, 11, "SIG"),
    (Table::Header, 12, "SIG"),
    (Table::Header, 14, "FIL"),
    (Table::Header, 15, "TIM"),
    (Table::Header, 28, "SIG"),
    (Table::Record, 1, "REC"),
    (Table::Record, 2, "DNS"),
    (Table::Record, 3, "SUB"),
    (Table::Record, 4, "FUN"),
    (Table::Record, 5, "ISS"),
    (Table::Record, 6, "SER"),
    (Table::Record, 7, "PUB"),
    (Table::Record, 8, "SIG"),
    (Table::Record, 9, "CER"),
    (Table::Record, 10, "IPA"),
    (Table::Record, 11, "CER"),
    (Table::Record, 12, "HAS"),
];

/// Reads a line as a row.
pub(super) fn row(line: &str) -> Option<TextRow<'_>> {
    let words = words(line);
    let (table, tag, length_at) = recognise(&words)?;
    let &(start, length) = words.get(length_at)?;
    let value = line.get(start + length.len()..).unwrap_or_default();
    Some(TextRow { table, tag, length: length.parse().ok()?, value: value.trim_start() })
}

/// Whether the line is a row for a tag without a name, as [`crate::trust::show`] prints it: nothing to be had from it.
pub(super) fn is_unknown_row(line: &str) -> bool {
    let words = words(line);
    let is_number = |at: usize| words.get(at).is_some_and(|(_, word)| word.parse::<u16>().is_ok());
    is_number(0) && words.get(1).is_some_and(|(_, word)| *word == "UNKNOWN") && is_number(2)
}

/// Whether a row begins with the first of these words.
pub(super) fn starts_row(words: &[(usize, &str)]) -> bool {
    recognise(words).is_some()
}

/// Table, tag, and which word is the length: the third, or the fourth after `HASH ALGORITHM` and `SERIAL NUMBER`.
fn recognise(words: &[(usize, &str)]) -> Option<(Table, u8, usize)> {
    let (_, number) = words.first()?;
    if number.len() > 2 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let tag: u8 = number.parse().ok()?;
    let (_, name) = words.get(1)?;
    if name.len() < 4 || !name.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let (table, ..) = NAMES.iter().find(|(_, known, start)| *known == tag && name.starts_with(start))?;
    let is_length = |at: usize| words.get(at).is_some_and(|(_, word)| word.parse::<u16>().is_ok());
    let second = words.get(2).is_some_and(|(_, word)| matches!(*word, "ALGORITHM" | "NUMBER"));
    match second {
        true if is_length(3) => Some((*table, tag, 3)),
        false if is_length(2) => Some((*table, tag, 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_both_tables() {
        let one = row("3\tSIGNERID\t2\t110").unwrap();
        assert_eq!((one.table, one.tag, one.length, one.value), (Table::Header, 3, 2, "110"));
        let two = row("  12     HASH ALGORITHM 1       SHA-1").unwrap();
        assert_eq!((two.table, two.tag, two.length, two.value), (Table::Record, 12, 1, "SHA-1"));
        let three = row("5 ISSUENAME 15 CN=JASBURNS-AD").unwrap();
        assert_eq!((three.table, three.tag, three.value), (Table::Record, 5, "CN=JASBURNS-AD"));
        assert_eq!(row("6       SERIAL NUMBER   8").unwrap().table, Table::Record);
        assert_eq!(row("11 CERHASH 20 C7 E1").unwrap().tag, 11);
    }

    #[test]
    fn anything_else_is_no_row() {
        for line in [
            "",
            "1. Das Telefon versucht 2",
            "8f d4 0 cb a8 23 bc b0",
            "12 a2 6f 2e 6a be 9a dd",
            "5 SIGNERNAME 76 CN=a",
            "3 SIGNERID x",
            "3 SIGNERID 99999",
            "BYTEPOS TAG LENGTH VALUE",
            "8074: NOT 23:00:22.335499 SECD: setupSocketToTvsProxy",
        ] {
            assert_eq!(row(line), None, "{line}");
        }
    }
}
