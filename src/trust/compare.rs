//! What changed from one trust list to another.
//!
//! In: two lists. Out: [`Change`]s, the header's first, then record by record. It refuses to judge what a change means for
//! phones: that is [`super::predict`].

use std::borrow::Cow;
use std::fmt;

use super::header::Signer;
use super::list::TrustList;
use super::record::{Function, Record};
use super::signature::is_cut_from;
use crate::digest::{Sha1Sum, Sha256Sum};
use crate::x509::{Certificate, DistinguishedName};

/// One difference between two lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What differs.
    pub kind: ChangeKind,
    /// The difference in words.
    pub text: String,
    /// How it was; `None` for what is new.
    pub old: Option<String>,
    /// How it is; `None` for what is gone.
    pub new: Option<String>,
    /// Numbers of the records in the old and the new list; `None` for the header and where there is none.
    pub records: (Option<usize>, Option<usize>),
}

/// What differs between two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// The whole file's checksum.
    Checksum,
    /// The file's length.
    Length,
    /// Who signed.
    Signer,
    /// The digest algorithm of the signature.
    Digest,
    /// The format's version.
    Version,
    /// The version of the signer's abilities.
    SignerVersion,
    /// When it was signed.
    Timestamp,
    /// A record that only the new list has.
    RecordAdded,
    /// A record that only the old list has.
    RecordRemoved,
    /// Another certificate for the same subject in the same role.
    RecordReplaced,
    /// The same certificate, with another name or address of its server.
    RecordChanged,
}

impl ChangeKind {
    /// The name for machines: `record_added`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Checksum => "checksum",
            Self::Length => "length",
            Self::Signer => "signer",
            Self::Digest => "digest",
            Self::Version => "version",
            Self::SignerVersion => "signer_version",
            Self::Timestamp => "timestamp",
            Self::RecordAdded => "record_added",
            Self::RecordRemoved => "record_removed",
            Self::RecordReplaced => "record_replaced",
            Self::RecordChanged => "record_changed",
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Everything that differs from `old` to `new`. What either does not know is not compared.
pub fn compare(old: &TrustList, new: &TrustList) -> Vec<Change> {
    let mut changes = header(old, new);
    changes.extend(records(old, new));
    changes
}

/// Whether both lists are known to be one and the same file; `None` when they share no checksum to tell by.
pub fn is_same_file(one: &TrustList, other: &TrustList) -> Option<bool> {
    let sha1 = one.sha1.zip(other.sha1).map(|(one, other)| one == other);
    sha1.or_else(|| one.md5.zip(other.md5).map(|(one, other)| one == other))
}

/// Whether two records stand for the same certificate: by hash where both have one, else by issuer and serial.
pub fn is_same_certificate(one: &Record, other: &Record) -> bool {
    let sha1 = (one.certificate_sha1, other.certificate_sha1);
    is_same_hash(sha1, || (one.certificate_sha256(), other.certificate_sha256()))
        .unwrap_or_else(|| is_same_identity(one, other))
}

/// Whether two certificates are one, by a hash that both have: SHA-1 first, since lists have that; `None` where there is none.
pub(crate) fn is_same_hash(
    (one, other): (Option<Sha1Sum>, Option<Sha1Sum>),
    sha256: impl FnOnce() -> (Option<Sha256Sum>, Option<Sha256Sum>),
) -> Option<bool> {
    one.zip(other).map(|(one, other)| one == other).or_else(|| {
        let (one, other) = sha256();
        Some(one? == other?)
    })
}

/// Whether a record is of this certificate: by a hash that both have. Equal numbers do not make it one, since a certificate on
/// another key can carry them; so `None` where they are equal and no hash can be compared.
pub fn is_certificate_of(record: &Record, certificate: &Certificate) -> Option<bool> {
    let sha1 = (record.certificate_sha1, Some(certificate.sha1));
    is_same_hash(sha1, || (record.certificate_sha256(), Some(certificate.sha256))).or_else(|| {
        let serial = record.serial.as_ref()?;
        let is_same =
            *serial == certificate.serial || (record.serial_damaged && is_cut_from(serial, &certificate.serial));
        if is_same { None } else { Some(false) }
    })
}

/// Whether two records have the same issuer and serial, lost bytes of damaged text aside.
pub(super) fn is_same_identity(one: &Record, other: &Record) -> bool {
    let (Some(serial), Some(other_serial)) = (&one.serial, &other.serial) else {
        return false;
    };
    let damaged = one.serial_damaged || other.serial_damaged;
    let serials = if damaged { is_cut_from(serial, other_serial) } else { serial == other_serial };
    serials && one.issuer.is_some() && one.issuer == other.issuer
}

/// Whether two records say the same, wherever they stand in their lists.
fn is_same_record(one: &Record, other: &Record) -> bool {
    one.dns_name == other.dns_name
        && one.ip_address == other.ip_address
        && one.serial == other.serial
        && one.certificate_sha1 == other.certificate_sha1
        && one.certificate_hash == other.certificate_hash
        && one.public_key == other.public_key
        && one.subject == other.subject
        && one.issuer == other.issuer
}

fn header(old: &TrustList, new: &TrustList) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut note = |kind, what: &str, old: Option<String>, new: Option<String>| {
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            changes.push(Change {
                kind,
                text: format!("{what}: {old} -> {new}"),
                old: Some(old),
                new: Some(new),
                records: (None, None),
            });
        }
    };
    let version = |numbers: Option<(u8, u8)>| numbers.map(|(major, minor)| format!("{major}.{minor}"));
    let sha1 = old.sha1.is_some() && new.sha1.is_some();
    let sum = |list: &TrustList| {
        if sha1 { list.sha1.map(|sum| sum.to_string()) } else { list.md5.map(|sum| sum.to_string()) }
    };
    note(ChangeKind::Checksum, if sha1 { "SHA-1" } else { "MD5" }, sum(old), sum(new));
    let number = |number: usize| number.to_string();
    note(ChangeKind::Length, "length in bytes", old.length.map(number), new.length.map(number));
    if let (Some(one), Some(other)) = (old.signer(), new.signer())
        && !is_same_signer(one, other)
    {
        let texts = if one.to_string() == other.to_string() {
            (signer_and_issuer(one), signer_and_issuer(other))
        } else {
            (one.to_string(), other.to_string())
        };
        note(ChangeKind::Signer, "signer", Some(texts.0), Some(texts.1));
    }
    let digest = |list: &TrustList| list.header.digest.map(|digest| digest.to_string());
    note(ChangeKind::Digest, "digest of the signature", digest(old), digest(new));
    note(ChangeKind::Version, "format version", version(old.header.version), version(new.header.version));
    // Most lists have no signer version, so its coming and going is a change.
    let signer_version = |list: &TrustList| {
        let known = list.origin == super::Origin::File;
        known.then(|| version(list.header.signer_version).unwrap_or_else(|| "none".to_owned()))
    };
    note(ChangeKind::SignerVersion, "signer version", signer_version(old), signer_version(new));
    let signed = |list: &TrustList| list.header.timestamp.map(super::show::date);
    note(ChangeKind::Timestamp, "signed on", signed(old), signed(new));
    changes
}

/// Whether two headers name the same signer.
pub fn is_same_signer(one: &Signer, other: &Signer) -> bool {
    let damaged = one.serial_damaged || other.serial_damaged;
    match (&one.serial, &other.serial) {
        (Some(one), Some(other)) if damaged && !is_cut_from(one, other) => return false,
        (one, other) if !damaged && one != other => return false,
        _ => {}
    }
    one.issuer == other.issuer
}

/// What tells signers apart that share name and serial.
fn signer_and_issuer(signer: &Signer) -> String {
    match &signer.issuer {
        Some(issuer) => format!("{signer} issued by {issuer}"),
        None => signer.to_string(),
    }
}

/// Pairs the records, the surest matches first, and describes what is left.
fn records(old: &TrustList, new: &TrustList) -> Vec<Change> {
    let mut partner: Vec<Option<usize>> = vec![None; old.records.len()];
    let mut taken = vec![false; new.records.len()];
    let same_role = |one: &Record, other: &Record| one.function == other.function;
    let matches: [fn(&Record, &Record) -> bool; 4] = [
        is_same_record,
        is_same_certificate,
        |one, other| one.is_blank() && other.is_blank() && one.dns_name == other.dns_name,
        |one, other| one.subject.is_some() && one.subject == other.subject,
    ];
    for is_match in matches {
        for (record, partner) in old.records.iter().zip(&mut partner).filter(|(_, partner)| partner.is_none()) {
            let mut free = new.records.iter().zip(&mut taken).enumerate().filter(|(_, (_, taken))| !**taken);
            if let Some((at, (_, taken))) =
                free.find(|(_, (other, _))| same_role(record, other) && is_match(record, other))
            {
                *taken = true;
                *partner = Some(at);
            }
        }
    }
    let mut changes = Vec::new();
    for (record, partner) in old.records.iter().zip(partner) {
        match partner.and_then(|at| new.records.get(at)) {
            Some(other) => changes.extend(pair(record, other)),
            None => changes.push(single(ChangeKind::RecordRemoved, record, "gone")),
        }
    }
    let added = new.records.iter().zip(taken).filter(|(_, taken)| !taken);
    changes.extend(added.map(|(record, _)| single(ChangeKind::RecordAdded, record, "new")));
    changes
}

fn single(kind: ChangeKind, record: &Record, word: &str) -> Change {
    let description = describe(record);
    let is_old = kind == ChangeKind::RecordRemoved;
    let certificate = if record.is_blank() { description.clone() } else { serial_and_hash(record) };
    Change {
        kind,
        text: format!("{} {word}: {certificate}", subject(record)),
        old: is_old.then(|| description.clone()),
        new: (!is_old).then_some(description),
        records: (is_old.then_some(record.index), (!is_old).then_some(record.index)),
    }
}

fn pair(old: &Record, new: &Record) -> Option<Change> {
    if is_same_record(old, new) {
        return None;
    }
    let (kind, text) = if is_same_certificate(old, new) || (old.is_blank() && new.is_blank()) {
        let (before, after) = (place(old), place(new));
        if before == after {
            return None;
        }
        (ChangeKind::RecordChanged, format!("{}: the same certificate, {before} -> {after}", subject(old)))
    } else {
        let how = if is_same_identity(old, new) {
            "the same serial, but another certificate"
        } else {
            "another certificate (regenerated)"
        };
        let (before, after) = (serial_and_hash(old), serial_and_hash(new));
        (ChangeKind::RecordReplaced, format!("{}: {how}: {before} -> {after}", subject(old)))
    };
    Some(Change {
        kind,
        text,
        old: Some(describe(old)),
        new: Some(describe(new)),
        records: (Some(old.index), Some(new.index)),
    })
}

/// `TVS CUCM8-Publisher.bbbburns.lab`.
fn subject(record: &Record) -> String {
    let function = record.function.map_or(Cow::Borrowed("no function"), Function::short);
    match record.subject.as_ref().map(DistinguishedName::short) {
        Some(name) if !name.is_empty() => format!("{function} {name}"),
        _ => function.into_owned(),
    }
}

fn place(record: &Record) -> String {
    match (&record.dns_name, record.ip_address) {
        (Some(name), Some(address)) => format!("{name} at {address}"),
        (Some(name), None) => name.clone(),
        (None, Some(address)) => address.to_string(),
        (None, None) => "no address".to_owned(),
    }
}

fn describe(record: &Record) -> String {
    if record.is_blank() {
        return format!("no certificate, {}", place(record));
    }
    let name = record.subject.as_ref().map_or_else(|| "no name".to_owned(), |name| name.as_str().to_owned());
    format!("{name} {}", serial_and_hash(record))
}

fn serial_and_hash(record: &Record) -> String {
    let serial = record.serial.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    match record.certificate_sha1 {
        Some(Sha1Sum(bytes)) => {
            let start: String = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
            format!("serial {serial} (SHA-1 {start}…)")
        }
        None => format!("serial {serial}"),
    }
}
