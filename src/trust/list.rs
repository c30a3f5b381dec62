//! Trust lists: ITL and CTL (domain.md 2).
//!
//! In: the complete bytes of a list. Out: [`TrustList`]. It refuses to know where the bytes came from and whether a phone
//! would take them. Lists that came from the text of `show itl` have the same type; what the text lacks is `None` there.

use super::header::{self, Header, Signer};
use super::record::{Function, Record};
use super::tlv::{ListError, Warnings};
use crate::digest::{Digests, Md5Sum, Sha1Sum};

/// What a trust list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// Identity trust list: one per TFTP server, names TVS servers.
    Itl,
    /// Certificate trust list: one per cluster in mixed mode.
    Ctl,
    /// A list that says neither.
    Unknown,
}

impl ListKind {
    /// `ITL`, `CTL` or `trust list`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Itl => "ITL",
            Self::Ctl => "CTL",
            Self::Unknown => "trust list",
        }
    }
}

/// Where a list was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The file itself: everything is known and signatures can be checked.
    File,
    /// The text of `show itl` or `show ctl`: no key material, and whatever the text left out is missing.
    Text,
}

/// A trust list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustList {
    /// ITL or CTL.
    pub kind: ListKind,
    /// Where the list was read from.
    pub origin: Origin,
    /// The header: version, signer, signature, file name, time.
    pub header: Header,
    /// The records in the order of the file.
    pub records: Vec<Record>,
    /// Length of the whole file in bytes.
    pub length: Option<usize>,
    /// MD5 of the whole file.
    pub md5: Option<Md5Sum>,
    /// SHA-1 of the whole file: what phones report to hold.
    pub sha1: Option<Sha1Sum>,
    /// When the file was last modified, as the text said it, in the server's own time zone. Never set from a file.
    pub modified: Option<String>,
    /// Whether the text said "The ITL file was verified successfully". Never set from a file.
    pub said_verified: Option<bool>,
    /// What is odd about the list without making it unreadable.
    pub warnings: Vec<String>,
}

impl TrustList {
    /// More records than any list has: past 39 certificates a list is too large for phones (domain.md 2.5). The bound
    /// keeps memory a small multiple of the input.
    pub const MOST_RECORDS: usize = 1000;

    /// Reads a list from the complete bytes of its file. Order and presence of fields are not assumed; fields with unknown
    /// tags are passed over with a warning.
    ///
    /// # Errors
    /// When the framing is broken anywhere; the error names the byte and what was expected there.
    pub fn parse(file: &[u8]) -> Result<Self, ListError> {
        let mut warnings = Warnings::default();
        let header = header::parse(file, &mut warnings)?;
        let mut records = Vec::new();
        let mut offset = header.header_length.unwrap_or_default();
        while let Some(rest) = file.get(offset..).filter(|rest| !rest.is_empty()) {
            if records.len() == Self::MOST_RECORDS {
                let expected = format!("at most {} records", Self::MOST_RECORDS);
                return Err(ListError::new(offset, expected, "one more"));
            }
            let (record, length) = Record::parse(rest, offset, records.len() + 1, &mut warnings)?;
            records.push(record);
            offset = offset.saturating_add(length);
        }
        let Digests { md5, sha1 } = Digests::of(file);
        Ok(Self {
            kind: kind(&header, &records),
            origin: Origin::File,
            header,
            records,
            length: Some(file.len()),
            md5: Some(md5),
            sha1: Some(sha1),
            modified: None,
            said_verified: None,
            warnings: warnings.finish(),
        })
    }

    /// Who signed the list.
    pub const fn signer(&self) -> Option<&Signer> {
        self.header.signer.as_ref()
    }

    /// The records of TVS servers that name a certificate.
    pub fn tvs_records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| record.is_tvs() && !record.is_blank())
    }

    /// The record of the cluster's recovery key.
    pub fn itl_recovery(&self) -> Option<&Record> {
        self.records.iter().find(|record| record.is_itl_recovery() && !record.is_blank())
    }

    /// Bytes that it takes in memory, nearly: a record of a few bytes takes as much room as a whole one.
    pub fn weight(&self) -> usize {
        let fields = self.length.unwrap_or_default() * 2;
        size_of::<Self>() + fields + self.records.len() * size_of::<Record>()
    }

    /// Why the server that printed the list would not trust it itself: it could not verify or parse it, or says that no record
    /// made its signature (a key error: `CSCtn50405`). Never of a file, whose signature can be checked. In a CTL one of two
    /// eTokens is always unused.
    pub fn doubt(&self) -> Option<&'static str> {
        if self.said_verified == Some(false) {
            return Some("the server itself could not verify or parse the list");
        }
        let said: Vec<bool> = self.records.iter().filter_map(|record| record.said_to_have_signed).collect();
        let unsigned = self.kind != ListKind::Ctl && !said.is_empty() && said.iter().all(|signed| !signed);
        unsigned.then_some("the server says that no record of the list was used to sign it")
    }

    /// Whether every record is known: always for files; for text, when the printed lengths add up to the file's length.
    /// `false` means that a record that is not there may have been left out by whoever wrote the text.
    pub fn is_whole(&self) -> bool {
        if self.origin == Origin::File {
            return true;
        }
        let records = self.records.iter().map(|record| record.length).sum::<Option<usize>>();
        match (self.length, self.header.header_length, records) {
            (Some(length), Some(header), Some(records)) => header.checked_add(records) == Some(length),
            _ => false,
        }
    }

    /// Whether the list names nobody: no records, or only records without a certificate. A phone that holds it takes the
    /// next list from anyone (domain.md 6, state 1).
    pub fn is_blank(&self) -> bool {
        self.is_whole() && self.records.iter().all(Record::is_blank)
    }

    /// Whether the list looks like the one that the parameter "Prepare Cluster for Rollback to pre 8.0" makes: an ITL whose
    /// entries for CCM+TFTP, TFTP and TVS are empty. Its exact binary form is not known (domain.md 10), hence the name.
    pub fn looks_rolled_back(&self) -> bool {
        let serves = |record: &Record| {
            let functions = [Function::CCM, Function::CCM_TFTP, Function::TFTP, Function::TVS];
            record.function.is_some_and(|function| functions.contains(&function))
        };
        self.kind != ListKind::Ctl
            && (self.is_blank()
                || (self.records.iter().any(Record::is_blank)
                    && !self.records.iter().any(|record| serves(record) && !record.is_blank())))
    }
}

/// The kind of a list: by the name that it was signed under, else by what only one kind has.
pub(super) fn kind(header: &Header, records: &[Record]) -> ListKind {
    let name = header.file_name.as_deref().unwrap_or_default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let starts = |prefix: &str| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if starts("ITL") {
        ListKind::Itl
    } else if starts("CTL") {
        ListKind::Ctl
    } else if records.iter().any(Record::is_tvs) {
        ListKind::Itl
    } else if records.iter().any(|record| record.ip_address.is_some()) {
        ListKind::Ctl
    } else {
        ListKind::Unknown
    }
}
