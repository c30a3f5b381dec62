//! Logical lines put together to lists.
//!
//! In: one line after another. Out: the lists that they describe. It refuses to guess: a value that is not all there is left
//! out, and a remark says so.

use super::rows::{self, Table};
use super::session_values::{Open, hex_digits};
use crate::digest::{Md5Sum, Sha1Sum};
use crate::trust::header::{Header, Signer, tag as header_tag};
use crate::trust::list::{self, ListKind, Origin, TrustList};
use crate::trust::record::{Function, Record};
use crate::trust::tlv::Warnings;

/// After so many lines of something else, a dump is over. Documents explain records between them, in fewer lines.
const MOST_WORDS_BETWEEN: usize = 20;

/// More lists than any log of a session holds. The bound keeps memory a small multiple of the text.
const MOST_LISTS: usize = 256;

/// Lists under construction.
#[derive(Debug, Default)]
pub(super) struct Session {
    lists: Vec<TrustList>,
    draft: Option<Draft>,
    /// Where and in which words the server said that there is no file.
    missing: Option<(usize, String)>,
    /// `admin:` stood alone on the line before.
    after_prompt: bool,
    strange_lines: usize,
}

/// One list under construction.
#[derive(Debug, Default)]
struct Draft {
    kind: Option<ListKind>,
    header: Header,
    has_header_rows: bool,
    /// The row that a header's table begins with.
    has_signer_row: bool,
    records: Vec<Record>,
    length: Option<usize>,
    md5: Option<Md5Sum>,
    sha1: Option<Sha1Sum>,
    modified: Option<String>,
    said_verified: Option<bool>,
    /// The row whose value may go on in the next line.
    open: Option<Open>,
    warnings: Warnings,
}

impl Session {
    /// Takes the next logical line.
    pub(super) fn line(&mut self, number: usize, line: &str) {
        let trimmed = line.trim();
        if is_decoration(trimmed) {
            if let Some(draft) = &mut self.draft
                && trimmed.is_empty()
            {
                draft.blank_line();
            }
            return;
        }
        if self.element(number, line, trimmed) {
            self.strange_lines = 0;
        } else {
            self.strange_lines += 1;
            if self.strange_lines > MOST_WORDS_BETWEEN {
                self.close();
            }
        }
    }

    /// The finished lists, and where the server said that there is no file.
    pub(super) fn finish(mut self) -> (Vec<TrustList>, Option<(usize, String)>) {
        self.close();
        (self.lists, self.missing)
    }

    /// Whether the line is part of the output.
    fn element(&mut self, number: usize, line: &str, trimmed: &str) -> bool {
        let lower = trimmed.to_ascii_lowercase();
        let after_prompt = std::mem::take(&mut self.after_prompt);
        if let Some(command) = lower.strip_prefix("admin:") {
            self.close();
            self.after_prompt = command.trim().is_empty();
            return self.command(command.trim());
        }
        if (after_prompt || self.draft.is_none()) && self.command(&lower) {
            return true;
        }
        if let Some(row) = rows::row(line) {
            self.row(&row);
            return true;
        }
        if rows::is_unknown_row(line) {
            return self.draft.is_some();
        }
        if self.marker(number, trimmed, &lower) {
            return true;
        }
        self.draft.as_mut().is_some_and(|draft| draft.open.as_mut().is_some_and(|open| open.goes_on(line)))
    }

    fn command(&mut self, command: &str) -> bool {
        let kind = match command {
            "show itl" => ListKind::Itl,
            "show ctl" => ListKind::Ctl,
            _ => return false,
        };
        self.close();
        self.draft = Some(Draft { kind: Some(kind), ..Draft::default() });
        true
    }

    /// The draft that an element belongs to: the current one, unless that is of the other kind or already past the element.
    fn draft(&mut self, kind: Option<ListKind>, is_past: impl Fn(&Draft) -> bool) -> &mut Draft {
        let other = |draft: &Draft| matches!((draft.kind, kind), (Some(one), Some(other)) if one != other);
        if self.draft.as_ref().is_some_and(|draft| other(draft) || is_past(draft)) {
            self.close();
        }
        let draft = self.draft.get_or_insert_default();
        draft.close_value();
        draft.kind = draft.kind.or(kind);
        draft
    }

    fn marker(&mut self, number: usize, line: &str, lower: &str) -> bool {
        let kind = if lower.contains("itl ") {
            Some(ListKind::Itl)
        } else if lower.contains("ctl ") {
            Some(ListKind::Ctl)
        } else {
            None
        };
        if lower.starts_with("the checksum value of the") {
            self.draft(kind, |draft| draft.has_checksum() || draft.has_table() || draft.length.is_some());
            self.checksums(lower);
        } else if lower.contains("(md5)") || lower.contains("(sha1)") {
            return self.checksums(lower);
        } else if let Some(length) = after(lower, "length of itl file").or_else(|| after(lower, "length of ctl file")) {
            let length = length.trim_start_matches(':').split_whitespace().next().and_then(|word| word.parse().ok());
            let draft = self.draft(kind, |draft| draft.length.is_some() || draft.has_table());
            draft.length = length;
        } else if lower.contains("file was last modified on") {
            let at = lower.find("modified on").map_or(line.len(), |at| at + "modified on".len());
            let modified = line.get(at..).unwrap_or_default().trim();
            let draft = self.draft(kind, |draft| draft.modified.is_some() || draft.has_table());
            draft.modified = Some(modified.to_owned()).filter(|modified| !modified.is_empty());
        } else if lower.starts_with("parse itl file") || lower.starts_with("parse ctl file") {
            self.draft(kind, Draft::has_table);
        } else if lower.starts_with("itl file not found") || lower.starts_with("ctl file not found") {
            self.missing = self.missing.take().or_else(|| Some((number, line.to_owned())));
        } else if let Some(rest) = after(lower, "itl record").or_else(|| after(lower, "ctl record")) {
            return self.start_record(kind, rest);
        } else {
            return self.draft.as_mut().is_some_and(|draft| draft.remark(lower));
        }
        true
    }

    /// The sums before `(MD5)` and `(SHA1)`, on one line or each on its own.
    fn checksums(&mut self, lower: &str) -> bool {
        let md5 = sum_before(lower, "(md5)", 32).and_then(|digits| digits.parse().ok());
        let sha1 = sum_before(lower, "(sha1)", 40).and_then(|digits| digits.parse().ok());
        if md5.is_none() && sha1.is_none() {
            return false;
        }
        let again = |draft: &Draft| (md5.is_some() && draft.md5.is_some()) || (sha1.is_some() && draft.sha1.is_some());
        let draft = self.draft(None, |draft| again(draft) || draft.has_table());
        draft.md5 = draft.md5.or(md5);
        draft.sha1 = draft.sha1.or(sha1);
        true
    }

    fn start_record(&mut self, kind: Option<ListKind>, rest: &str) -> bool {
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '#' | ':' | '\\'));
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        // "see ITL Record #3 above" is no title.
        let after = rest.get(digits.len()..).unwrap_or_default().trim_start();
        if !after.is_empty() && !after.starts_with('-') {
            return false;
        }
        let Some(index) = digits.parse().ok().filter(|&index| index > 0 && index <= TrustList::MOST_RECORDS) else {
            return false;
        };
        let is_past = |draft: &Draft| {
            draft.said_verified.is_some() || draft.records.last().is_some_and(|last: &Record| last.index >= index)
        };
        self.draft(kind, is_past).start_record(index);
        true
    }

    fn row(&mut self, row: &rows::TextRow<'_>) {
        match row.table {
            Table::Header => {
                let again = row.tag == header_tag::SIGNER_ID;
                let draft = self.draft(None, |draft| {
                    !draft.records.is_empty() || draft.said_verified.is_some() || (again && draft.has_signer_row)
                });
                draft.has_header_rows = true;
                draft.has_signer_row |= again;
                draft.open = Some(Open::new(row));
            }
            Table::Record => {
                let draft = self.draft(None, |draft| draft.said_verified.is_some());
                let new = row.tag == 1 && draft.records.last().is_none_or(|record| record.length.is_some());
                if new || draft.records.is_empty() {
                    // Rows whose title was cut off: they follow the record before.
                    let index = draft.records.last().map_or(1, |last| last.index + 1);
                    if index > TrustList::MOST_RECORDS {
                        return;
                    }
                    draft.start_record(index);
                }
                draft.open = Some(Open::new(row));
            }
        }
    }

    fn close(&mut self) {
        let Some(list) = self.draft.take().and_then(Draft::finish) else { return };
        if self.lists.len() < MOST_LISTS {
            self.lists.push(list);
        } else if let Some(last) = self.lists.last_mut() {
            last.warnings = vec![format!("the text goes on with more lists after {MOST_LISTS}, they are left out")];
        }
    }
}

impl Draft {
    const fn has_checksum(&self) -> bool {
        self.md5.is_some() || self.sha1.is_some()
    }

    fn has_table(&self) -> bool {
        self.has_header_rows || !self.records.is_empty() || self.header.header_length.is_some()
    }

    fn start_record(&mut self, index: usize) {
        self.close_value();
        self.records.push(Record { index, ..Record::default() });
    }

    /// Takes the value of the open row, now that nothing more can belong to it.
    fn close_value(&mut self) {
        let Some(open) = self.open.take() else { return };
        match open.table {
            Table::Header => open.into_header(&mut self.header, &mut self.warnings),
            Table::Record => {
                if let Some(record) = self.records.last_mut() {
                    open.into_record(record, &mut self.warnings);
                }
            }
        }
    }

    fn blank_line(&mut self) {
        if self.open.as_ref().is_some_and(Open::ends_at_blank_line) {
            self.close_value();
        }
    }

    /// Elements that only mean something within a list.
    fn remark(&mut self, lower: &str) -> bool {
        let signed = if lower.starts_with("this etoken was used") || lower.starts_with("signature verified") {
            Some(true)
        } else if lower.starts_with("this etoken was not used") || lower.starts_with("signature verification failed") {
            Some(false)
        } else {
            None
        };
        if let Some(signed) = signed {
            self.close_value();
            // CUCM says it of SAST records alone; elsewhere a document quotes it.
            if let Some(record) = self.records.last_mut()
                && record.function == Some(Function::SAST)
            {
                record.said_to_have_signed = Some(signed);
            }
            return true;
        }
        if lower.starts_with("the itl file was verified") || lower.starts_with("the ctl file was verified") {
            self.close_value();
            self.said_verified = Some(true);
        } else if lower.starts_with("verification of the") || lower.starts_with("error parsing the") {
            self.close_value();
            self.said_verified = Some(false);
        } else if let Some(version) = lower.strip_prefix("version:") {
            let numbers = version.trim().split_once('.');
            let numbers = numbers.and_then(|(major, minor)| major.parse().ok().zip(minor.parse().ok()));
            self.header.version = self.header.version.or(numbers);
        } else if let Some(length) = lower.strip_prefix("headerlength:") {
            let length = length.split_whitespace().next().and_then(|word| word.parse().ok());
            self.header.header_length = self.header.header_length.or(length);
        } else {
            return lower.starts_with("bytepos") || lower.starts_with("start ");
        }
        true
    }

    /// The list, if there is anything in it.
    fn finish(mut self) -> Option<TrustList> {
        self.close_value();
        self.records.retain(|record| !record.rows.is_empty());
        // "Length of CTL file: 0" is how the server says that there is none.
        let length = self.length.filter(|&length| length > 0);
        if !self.has_checksum() && length.is_none() && !self.has_table() {
            return None;
        }
        for record in &mut self.records {
            record.certificate_sha1 = record
                .certificate_sha1
                .or_else(|| record.certificate_hash.as_deref().and_then(|hash| hash.try_into().ok()).map(Sha1Sum));
        }
        // Where the header's table is left out, the record that is said to have signed still names the signer.
        let signed = |record: &&Record| record.said_to_have_signed == Some(true);
        if let (None, Some(record)) = (&self.header.signer, self.records.iter().find(signed)) {
            self.header.signer = Some(Signer {
                name: record.subject.clone(),
                serial: record.serial.clone(),
                issuer: record.issuer.clone(),
                serial_damaged: record.serial_damaged,
            });
        }
        let mut list = TrustList {
            kind: self.kind.unwrap_or_else(|| list::kind(&self.header, &self.records)),
            origin: Origin::Text,
            header: self.header,
            records: self.records,
            length,
            md5: self.md5,
            sha1: self.sha1,
            modified: self.modified,
            said_verified: self.said_verified,
            warnings: Vec::new(),
        };
        note_what_is_missing(&list, &mut self.warnings);
        list.warnings = self.warnings.finish();
        Some(list)
    }
}

/// Says which records the text leaves out, as far as their numbers and lengths tell.
fn note_what_is_missing(list: &TrustList, warnings: &mut Warnings) {
    let mut expected = 1;
    for record in &list.records {
        if record.index > expected {
            let (from, to) = (expected, record.index - 1);
            warnings.push(|| {
                if from == to {
                    format!("the text leaves out record {from}")
                } else {
                    format!("the text leaves out records {from} to {to}")
                }
            });
        }
        expected = record.index + 1;
    }
    if list.records.is_empty() {
        warnings.push(|| "the text leaves out every record".to_owned());
        return;
    }
    let known: Option<usize> = list.records.iter().map(|record| record.length).sum();
    let Some((known, length)) = known.zip(list.length) else {
        return;
    };
    let header = list.header.header_length;
    match length.checked_sub(known.saturating_add(header.unwrap_or_default())) {
        Some(0) => {}
        Some(left) if header.is_some() => warnings.push(|| format!("the text leaves out records of {left} bytes")),
        // The header itself is among what is left, and so may be the records whose numbers are missing.
        Some(left) if left > 1200 && expected == list.records.len() + 1 => {
            warnings.push(|| "the text leaves out records at the end".to_owned());
        }
        Some(_) => {}
        None => warnings.push(|| format!("the printed lengths add up to more than the {length} bytes of the file")),
    }
}

/// Lines that mean nothing wherever they stand: rules, code fences, marks of an omission.
fn is_decoration(line: &str) -> bool {
    line.chars().all(|c| matches!(c, '-' | '=' | '`' | '_' | '#' | '\u{2014}') || c.is_whitespace())
        || matches!(line, "[...]" | "[..]" | "...")
        || line.to_ascii_lowercase().contains("omitted for brevity")
}

fn after<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)
}

/// The `count` hexadecimal digits that stand before `mark`, with or without a blank between.
fn sum_before<'a>(line: &'a str, mark: &str, count: usize) -> Option<&'a str> {
    let before = line.get(..line.find(mark)?)?.trim_end();
    let digits = before.get(before.len().checked_sub(count)?..)?;
    (hex_digits(digits) == Some(count)).then_some(digits)
}
