//! Lists and signed files as text, in the layout of CUCM's `show itl` and `show ctl` (domain.md 3).
//!
//! In: a list and what became of its signature. Out: a `String`. It refuses to print: whoever calls writes it somewhere.
//! Line by line it is what CUCM prints, so that a comparison with text saved from CUCM shows only what truly differs.
//! Whatever CUCM does not say is told in [`super::notes`].

use std::fmt::Write as _;

use super::envelope::SignedFile;
use super::header::{self, Header, Signature, tag as header_tag};
use super::list::{ListKind, TrustList};
use super::record::{self, Function, Record, tag as record_tag};
use super::signature::{Outcome, Verification};
use super::tlv::Row;
use crate::digest::Digests;
use crate::escape;
use crate::x509::{DistinguishedName, Serial};

const TABLE_HEAD: &str = "BYTEPOS TAG             LENGTH  VALUE\n------- ---             ------  -----\n";

/// The list as `show itl` or `show ctl` prints it. `verification` is what became of its signature; without it, the list's
/// own words count ([`Record::said_to_have_signed`], [`TrustList::said_verified`]).
pub fn list(list: &TrustList, verification: Option<&Verification>) -> String {
    let mut text = String::new();
    let kind = word(list.kind);
    if list.md5.is_some() || list.sha1.is_some() {
        line(&mut text, format_args!("The checksum value of the {kind} file:"));
        if let Some(md5) = list.md5 {
            line(&mut text, format_args!("{md5}(MD5)"));
        }
        if let Some(sha1) = list.sha1 {
            line(&mut text, format_args!("{sha1}(SHA1)"));
        }
        text.push('\n');
    }
    if let Some(length) = list.length {
        line(&mut text, format_args!("Length of {kind} file: {length}"));
    }
    if let Some(modified) = list.modified.clone().or_else(|| list.header.timestamp.map(date)) {
        line(&mut text, format_args!("The {kind} File was last modified on {}", escape::line(&modified)));
    }
    let parsed = &list.header;
    if parsed.version.is_some() || parsed.header_length.is_some() || !parsed.rows.is_empty() {
        line(&mut text, format_args!("\n        Parse {kind} File\n        ----------------\n"));
        header(&mut text, parsed);
    }
    for (position, record) in list.records.iter().enumerate() {
        line(&mut text, format_args!("\n        {kind} Record #:{}\n                  ----", record.index));
        text.push_str(TABLE_HEAD);
        for row in &record.rows {
            record_row(&mut text, record, *row);
        }
        let signed = verification.map_or(record.said_to_have_signed, |verification| Some(verification.is_by(position)));
        // CUCM says it of SAST records alone.
        if let (Some(signed), Some(Function::SAST)) = (signed, record.function) {
            let not = if signed { "" } else { " not" };
            line(&mut text, format_args!("This etoken was{not} used to sign the {kind} file."));
        }
    }
    let verified = match verification.map(|verification| verification.outcome) {
        Some(Outcome::Valid) => Some(true),
        Some(Outcome::Invalid | Outcome::NoSuchSigner) => Some(false),
        Some(Outcome::Cannot) => None,
        None => list.said_verified,
    };
    match verified {
        Some(true) => line(&mut text, format_args!("\nThe {kind} file was verified successfully.")),
        Some(false) => {
            line(&mut text, format_args!("\nVerification of the {kind} file failed.\nError parsing the {kind} file!!"));
        }
        None => {}
    }
    text
}

/// A signed file, whose bytes have these checksums, in the same layout. CUCM has no command for it.
pub fn signed_file(file: &SignedFile, digests: Digests, verification: &Verification) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("The checksum value of the signed file:"));
    line(&mut text, format_args!("{}(MD5)\n{}(SHA1)\n", digests.md5, digests.sha1));
    line(&mut text, format_args!("Length of signed file: {}", file.length));
    if let Some(timestamp) = file.header.timestamp {
        line(&mut text, format_args!("The signed file was signed on {}", date(timestamp)));
    }
    if let Some(name) = &file.header.file_name {
        line(&mut text, format_args!("It was signed under the name {}", escape::line(name)));
    }
    line(&mut text, format_args!("\n        Parse signed file\n        -----------------\n"));
    header(&mut text, &file.header);
    let body = file.length.saturating_sub(file.body_offset);
    let how = if file.is_encrypted() { "encrypted for one phone" } else { "in clear" };
    line(&mut text, format_args!("\nBody: {body} bytes from byte {}, {how}", file.body_offset));
    match verification.outcome {
        Outcome::Valid => line(&mut text, format_args!("\nThe signed file was verified successfully.")),
        Outcome::Invalid => line(&mut text, format_args!("\nVerification of the signed file failed.")),
        Outcome::NoSuchSigner | Outcome::Cannot => {}
    }
    text
}

/// `ITL` or `CTL` as it stands in CUCM's sentences.
const fn word(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Ctl => "CTL",
        // CUCM has no third word.
        ListKind::Itl | ListKind::Unknown => "ITL",
    }
}

fn header(text: &mut String, header: &Header) {
    if let Some((major, minor)) = header.version {
        line(text, format_args!("Version:        {major}.{minor}"));
    }
    if let Some(length) = header.header_length {
        line(text, format_args!("HeaderLength:   {length} (BYTES)"));
    }
    text.push('\n');
    if header.rows.is_empty() {
        return;
    }
    text.push_str(TABLE_HEAD);
    for row in &header.rows {
        header_row(text, header, *row);
    }
}

fn header_row(text: &mut String, header: &Header, field: Row) {
    let signer = header.signer.as_ref();
    let name_of = |name: Option<&DistinguishedName>| name.map(|name| escape::line(name.as_str()).into_owned());
    let value = match field.tag {
        // Printed above the table.
        header_tag::VERSION | header_tag::HEADER_LENGTH => return,
        header_tag::SIGNER_NAME => name_of(signer.and_then(|signer| signer.name.as_ref())),
        header_tag::CA_NAME => name_of(signer.and_then(|signer| signer.issuer.as_ref())),
        header_tag::SERIAL_NUMBER => signer.and_then(|signer| {
            signer.serial.as_ref().map(|serial| serial_bytes(serial, field.length, signer.serial_damaged))
        }),
        header_tag::SIGNER_VERSION => header.signer_version.map(|(major, minor)| format!("{major}.{minor}")),
        header_tag::SIGNER_ID
        | header_tag::SIGNATURE_INFO
        | header_tag::SIGNATURE_ALGORITHM_INFO
        | header_tag::ENCRYPTION_INFO
        | header_tag::IV_INFO
        | header_tag::KEY_INFO => {
            // Of containers CUCM prints the length of the length field and, as value, the length (domain.md 2.1).
            let length = field.length.to_string();
            return row(text, field.tag, header::name(field.tag), 2, Some(&length));
        }
        _ => None,
    };
    row(text, field.tag, header::name(field.tag), field.length, value.as_deref());
    if field.tag == header_tag::SIGNATURE {
        signature_bytes(text, header.signature.as_ref());
    }
}

/// Eight bytes to a line, without leading zeros.
fn signature_bytes(text: &mut String, signature: Option<&Signature>) {
    let bytes = signature.and_then(|signature| signature.bytes.as_deref()).unwrap_or_default();
    for eight in bytes.chunks(8) {
        let mut row = " ".repeat(16);
        for byte in eight {
            // Writing to a string cannot fail.
            let _ = write!(row, "{byte:<4x}");
        }
        line(text, format_args!("{}", row.trim_end()));
    }
}

fn record_row(text: &mut String, record: &Record, field: Row) {
    let name_of = |name: &Option<DistinguishedName>| name.as_ref().map(|name| escape::line(name.as_str()).into_owned());
    let value = match field.tag {
        record_tag::RECORD_LENGTH => record.length.map(|length| length.to_string()),
        record_tag::DNS_NAME => record.dns_name.as_ref().map(|name| escape::line(name).into_owned()),
        record_tag::SUBJECT_NAME => name_of(&record.subject),
        record_tag::ISSUER_NAME => name_of(&record.issuer),
        record_tag::FUNCTION => record.function.map(|function| function.name().into_owned()),
        record_tag::SERIAL_NUMBER => {
            record.serial.as_ref().map(|serial| serial_bytes(serial, field.length, record.serial_damaged))
        }
        record_tag::CERTIFICATE => record.certificate_sha1.map(|sha1| format!("{} (SHA1 Hash HEX)", spaced(&sha1.0))),
        record_tag::CERT_HASH => record.certificate_hash.as_deref().map(spaced),
        record_tag::HASH_ALGORITHM => record.hash_algorithm.map(|algorithm| algorithm.name().into_owned()),
        // CUCM prints no value for addresses and keys.
        _ => None,
    };
    row(text, field.tag, record::name(field.tag), field.length, value.as_deref());
}

/// One row of a table, its columns at CUCM's tab stops: 8, 24 and 32.
fn row(text: &mut String, tag: u8, name: &str, length: u16, value: Option<&str>) {
    let mut row = tag.to_string();
    tab_to(&mut row, 8);
    row.push_str(name);
    tab_to(&mut row, 24);
    row.push_str(&length.to_string());
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        tab_to(&mut row, 32);
        row.push_str(value);
    }
    line(text, format_args!("{row}"));
}

/// Goes to a column, or past it to the next tab stop.
fn tab_to(row: &mut String, column: usize) {
    let target = if row.len() < column { column } else { (row.len() / 8 + 1) * 8 };
    row.push_str(&" ".repeat(target - row.len()));
}

/// All bytes that the field has; a [`Serial`] has lost its leading zeros.
fn serial_bytes(serial: &Serial, length: u16, damaged: bool) -> String {
    let zeros = usize::from(length).saturating_sub(serial.bytes().len());
    let zeros = if damaged { 0 } else { zeros };
    let bytes = std::iter::repeat_n(&0, zeros).chain(serial.bytes());
    bytes.map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

/// `Wed Jul 27 14:16:24 UTC 2011`: as CUCM prints times, but in UTC, because the file knows no zone.
pub fn date(timestamp: u32) -> String {
    let time = jiff::Timestamp::new(i64::from(timestamp), 0).unwrap_or_default();
    time.strftime("%a %b %d %H:%M:%S UTC %Y").to_string()
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
    text.push('\n');
}
