//! Values of rows, over as many lines as they take.
//!
//! In: a row and the lines after it. Out: the fields of a header or record. It refuses a value that is not all there.

use super::rows::{Table, TextRow};
use crate::digest::{Sha1Sum, hex_bytes};
use crate::trust::header::{Header, Signature, Signer, tag as header_tag};
use crate::trust::record::{Function, HashAlgorithm, Record, tag as record_tag};
use crate::trust::tlv::{Row, Warnings};
use crate::x509::{DistinguishedName, Serial};

/// A row whose value may go on in the next line.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) table: Table,
    tag: u8,
    length: u16,
    value: String,
    /// Hexadecimal digits in the value, for a serial or hash; bytes, for a signature. Counted as lines come, because
    /// counting anew with every line would take the square of the time.
    units: usize,
    /// Where lines were joined; only whether it is one matters.
    joints: Vec<usize>,
}

/// Names longer than this are cut: no certificate has one, and comparing names must stay cheap.
const LONGEST_NAME: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Name,
    Serial,
    /// A hash of so many bytes.
    Hash(usize),
    Signature,
    Function,
    Word,
}

impl Open {
    pub(super) fn new(row: &TextRow<'_>) -> Self {
        let value = row.value.to_owned();
        let mut open = Self { table: row.table, tag: row.tag, length: row.length, value, units: 0, joints: Vec::new() };
        open.units = open.count(row.value);
        open
    }

    fn count(&self, piece: &str) -> usize {
        match self.form() {
            Form::Serial | Form::Hash(_) => hex_digits(without_note(piece)).unwrap_or_default(),
            Form::Signature => piece.split_whitespace().count(),
            Form::Name | Form::Function | Form::Word => 0,
        }
    }

    const fn form(&self) -> Form {
        match (self.table, self.tag) {
            (Table::Header, header_tag::SIGNER_NAME | header_tag::CA_NAME)
            | (Table::Record, record_tag::SUBJECT_NAME | record_tag::ISSUER_NAME) => Form::Name,
            (Table::Header, header_tag::SERIAL_NUMBER) | (Table::Record, record_tag::SERIAL_NUMBER) => Form::Serial,
            (Table::Header, header_tag::SIGNATURE) => Form::Signature,
            (Table::Record, record_tag::FUNCTION) => Form::Function,
            // What is printed beside the length of the certificate is its SHA-1.
            (Table::Record, record_tag::CERTIFICATE) => Form::Hash(20),
            (Table::Record, record_tag::CERT_HASH) => Form::Hash(self.length as usize),
            _ => Form::Word,
        }
    }

    /// Takes a further line, if the value is not all there and the line looks like more of it.
    pub(super) fn goes_on(&mut self, line: &str) -> bool {
        let more = line.trim();
        let has = self.units;
        let missing = match self.form() {
            // The length counts the NUL at the end.
            Form::Name => {
                let is_short = self.value.trim_end().len() + 1 < usize::from(self.length);
                is_short && self.value.len() < LONGEST_NAME && more.len() < 256
            }
            Form::Serial => has < usize::from(self.length) * 2 && hex_digits(more).is_some(),
            Form::Hash(bytes) => {
                // Once all digits are there, only the note behind them may follow.
                let digits = hex_digits(without_note(more));
                (has < bytes * 2 && digits.is_some_and(|digits| digits > 0))
                    || (digits == Some(0) && without_note(more).is_empty() && self.value.len() < LONGEST_NAME)
            }
            Form::Signature => has < usize::from(self.length) && more.split_whitespace().all(is_byte),
            Form::Function => {
                let joined = [&self.value, line.trim()].concat();
                Function::from_name(&self.value).is_none() && Function::from_name(&joined).is_some()
            }
            Form::Word => false,
        };
        if missing {
            if !matches!(self.form(), Form::Name | Form::Function) {
                self.value.push(' ');
            }
            if self.joints.len() < 2 {
                self.joints.push(self.value.len());
            }
            self.units += self.count(more);
            // A blank at the end of the line before belongs to the name, indentation does not.
            self.value.push_str(line.trim_start());
        }
        missing
    }

    /// Names are not continued past a blank line: what follows is somebody's explanation.
    pub(super) fn ends_at_blank_line(&self) -> bool {
        matches!(self.form(), Form::Name | Form::Function | Form::Word)
    }

    fn row(&self) -> Row {
        Row { tag: self.tag, length: self.length, offset: 0 }
    }

    pub(super) fn into_header(self, header: &mut Header, warnings: &mut Warnings) {
        let signer = &mut header.signer;
        let mut row = self.row();
        match self.tag {
            // The length that is printed is that of the length field, the value is the length (domain.md 2.1).
            header_tag::SIGNER_ID | header_tag::SIGNATURE_INFO | header_tag::SIGNATURE_ALGORITHM_INFO => {
                row.length = self.value.trim().parse().unwrap_or(0);
            }
            header_tag::SIGNER_NAME => signer.get_or_insert_default().name = self.name("the header", warnings),
            header_tag::CA_NAME => signer.get_or_insert_default().issuer = self.name("the header", warnings),
            header_tag::SERIAL_NUMBER => {
                let (serial, damaged) = self.serial("the header", warnings);
                let signer = signer.get_or_insert_default();
                (signer.serial, signer.serial_damaged) = (serial, damaged);
            }
            header_tag::SIGNATURE => {
                header.signature =
                    Some(Signature { length: usize::from(self.length), bytes: self.signature(warnings), offset: None });
            }
            header_tag::SIGNER_VERSION => {
                let numbers = self.value.trim().split_once('.');
                header.signer_version = numbers.and_then(|(major, minor)| major.parse().ok().zip(minor.parse().ok()));
            }
            _ => {}
        }
        // A header whose signer rows say nothing names no signer.
        header.signer = header.signer.take().filter(|signer| *signer != Signer::default());
        header.rows.push(row);
    }

    pub(super) fn into_record(self, record: &mut Record, warnings: &mut Warnings) {
        let place = format!("record {}", record.index);
        let length = Some(usize::from(self.length));
        let word = || Some(self.value.trim()).filter(|word| !word.is_empty());
        match self.tag {
            record_tag::RECORD_LENGTH => record.length = word().and_then(|word| word.parse().ok()),
            record_tag::DNS_NAME => record.dns_name = word().map(str::to_owned),
            record_tag::SUBJECT_NAME => record.subject = self.name(&place, warnings),
            record_tag::ISSUER_NAME => record.issuer = self.name(&place, warnings),
            record_tag::FUNCTION => {
                record.function = word().and_then(Function::from_name);
                if let (None, Some(word)) = (record.function, word()) {
                    warnings.push(|| format!("{place}: unknown function \"{}\"", crate::escape::line(word)));
                }
            }
            record_tag::SERIAL_NUMBER => (record.serial, record.serial_damaged) = self.serial(&place, warnings),
            record_tag::PUBLIC_KEY => record.public_key_length = length,
            record_tag::SIGNATURE => record.signature_length = length,
            record_tag::CERTIFICATE => {
                record.certificate_length = length;
                let hash = self.hash(20, &place, warnings);
                record.certificate_sha1 = hash.and_then(|hash| hash.try_into().ok()).map(Sha1Sum);
            }
            record_tag::CERT_HASH => record.certificate_hash = self.hash(usize::from(self.length), &place, warnings),
            record_tag::HASH_ALGORITHM => record.hash_algorithm = word().and_then(HashAlgorithm::from_name),
            _ => {}
        }
        record.rows.push(self.row());
    }

    fn name(&self, place: &str, warnings: &mut Warnings) -> Option<DistinguishedName> {
        // Documents put a blank where a name was wrapped after its `;` (domain.md 3).
        let mut value = self.value.trim_end().replace("; ", ";");
        let printed = usize::from(self.length).saturating_sub(1);
        if value.is_empty() {
            return None;
        }
        if value.len() > LONGEST_NAME {
            let end = (0..=LONGEST_NAME).rev().find(|&at| value.is_char_boundary(at)).unwrap_or_default();
            value.truncate(end);
        }
        // A line that was wrapped at a blank may have lost it.
        if value.len() + 1 == printed
            && let [joint] = self.joints.as_slice()
            && self.value.len() == value.len()
            && value.is_char_boundary(*joint)
        {
            value.insert(*joint, ' ');
        }
        if value.len() != printed {
            let length = value.len();
            warnings.push(|| {
                format!("{place}: a name of {length} characters where {printed} are announced, the text was edited")
            });
        }
        Some(DistinguishedName::from_text(&value))
    }

    /// The serial, and whether it has another number of bytes than announced.
    fn serial(&self, place: &str, warnings: &mut Warnings) -> (Option<Serial>, bool) {
        let value: String = self.value.chars().filter(|c| !c.is_whitespace()).collect();
        if value.is_empty() {
            return (None, false);
        }
        let Some(bytes) = hex_bytes(&value) else {
            warnings.push(|| format!("{place}: the serial number cannot be read"));
            return (None, false);
        };
        let damaged = bytes.len() != usize::from(self.length);
        if damaged {
            let (length, announced) = (bytes.len(), self.length);
            warnings.push(|| {
                format!(
                    "{place}: a serial number of {length} bytes where {announced} are announced, the text was edited"
                )
            });
        }
        (Some(Serial::from_bytes(&bytes)), damaged)
    }

    fn hash(&self, bytes: usize, place: &str, warnings: &mut Warnings) -> Option<Vec<u8>> {
        let digits: String = without_note(&self.value).chars().filter(char::is_ascii_hexdigit).collect();
        let hash = hex_bytes(&digits).filter(|hash| hash.len() == bytes && bytes > 0);
        if hash.is_none() && !digits.is_empty() {
            warnings.push(|| format!("{place}: a hash of {} digits where {} belong", digits.len(), bytes * 2));
        }
        hash
    }

    /// Bytes without leading zeros, eight to a line (domain.md 3).
    fn signature(&self, warnings: &mut Warnings) -> Option<Vec<u8>> {
        let bytes: Option<Vec<u8>> =
            self.value.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        let bytes = bytes.unwrap_or_default();
        if !bytes.is_empty() && bytes.len() != usize::from(self.length) {
            let (length, announced) = (bytes.len(), self.length);
            warnings.push(|| format!("the signature has {length} of {announced} bytes, lines were lost"));
        }
        Some(bytes).filter(|bytes| bytes.len() == usize::from(self.length))
    }
}

fn is_byte(word: &str) -> bool {
    (1..=2).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Without the note that follows a certificate's hash.
fn without_note(text: &str) -> &str {
    let end = text.find('(').unwrap_or(text.len());
    let note = text.get(end..).unwrap_or_default().to_ascii_lowercase();
    // Anything else in parentheses is no note, and so no part of a hash.
    if "(sha1 hash hex)".starts_with(note.trim_end()) { text.get(..end).unwrap_or_default() } else { text }
}

/// How many hexadecimal digits the text has; `None` when it has anything beside digits, blanks and colons.
pub(super) fn hex_digits(text: &str) -> Option<usize> {
    let others = |c: char| !c.is_ascii_hexdigit() && !c.is_whitespace() && c != ':';
    if text.contains(others) {
        return None;
    }
    Some(text.chars().filter(char::is_ascii_hexdigit).count())
}
