//! The header of trust lists and signed files (domain.md 2.2).
//!
//! In: the bytes of a file. Out: [`Header`]. It refuses to know whether records or a body follow.

use std::fmt;

use super::tlv::{Field, ListError, MOST_ROWS, Row, Warnings, field, text};
use crate::bytes::Reader;
use crate::x509::{DistinguishedName, Serial};

/// Header tags by number (domain.md 2.2, 2.7).
pub(super) mod tag {
    pub(crate) const VERSION: u8 = 1;
    pub(crate) const HEADER_LENGTH: u8 = 2;
    pub(crate) const SIGNER_ID: u8 = 3;
    pub(crate) const SIGNER_NAME: u8 = 4;
    pub(crate) const SERIAL_NUMBER: u8 = 5;
    pub(crate) const CA_NAME: u8 = 6;
    pub(crate) const SIGNATURE_INFO: u8 = 7;
    pub(crate) const DIGEST_ALGORITHM: u8 = 8;
    pub(crate) const SIGNATURE_ALGORITHM_INFO: u8 = 9;
    pub(crate) const SIGNATURE_ALGORITHM: u8 = 10;
    pub(crate) const SIGNATURE_MODULUS: u8 = 11;
    pub(crate) const SIGNATURE: u8 = 12;
    pub(crate) const PADDING: u8 = 13;
    pub(crate) const FILE_NAME: u8 = 14;
    pub(crate) const TIMESTAMP: u8 = 15;
    pub(crate) const ENCRYPTION_INFO: u8 = 16;
    pub(crate) const IV_INFO: u8 = 17;
    pub(crate) const IV: u8 = 19;
    pub(crate) const PAD_COUNT: u8 = 20;
    pub(crate) const KEY_INFO: u8 = 21;
    pub(crate) const KEY_BITS: u8 = 23;
    pub(crate) const KEY: u8 = 25;
    pub(crate) const CONTENT_DIGEST_ALGORITHM: u8 = 26;
    pub(crate) const CONTENT_DIGEST: u8 = 27;
    pub(crate) const SIGNER_VERSION: u8 = 28;
}

/// What stands at the top of every trust list and signed file.
///
/// From a file, `version` and `header_length` are always there. From the text of `show itl`, whatever the text lacks is
/// `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Format version, major and minor: 1.2 for lists, 1.0 for `.sgn`, 2.0 for `.enc.sgn`.
    pub version: Option<(u8, u8)>,
    /// Bytes from the start of the file to the first record or the body, padding included.
    pub header_length: Option<usize>,
    /// Who signed.
    pub signer: Option<Signer>,
    /// Version of the signer's abilities, major and minor; 1.1 turns phones to EC certificates and HTTPS. Often absent.
    pub signer_version: Option<(u8, u8)>,
    /// Digest that the signature is made over.
    pub digest: Option<DigestAlgorithm>,
    /// Signature algorithm as numbered in the file; 0 is RSA.
    pub signature_algorithm: Option<u8>,
    /// Size class of the RSA modulus as numbered in the file: 0 to 3 for 64, 128, 256 and 512 bytes.
    pub signature_modulus: Option<u8>,
    /// The signature itself.
    pub signature: Option<Signature>,
    /// Name that the file was signed under: `ITLFile.tlv` even when it is served as `ITLSEP….tlv`.
    pub file_name: Option<String>,
    /// When the file was signed, in seconds since 1970-01-01T00:00:00Z.
    pub timestamp: Option<u32>,
    /// How the body is encrypted; only in `.enc.sgn`.
    pub encryption: Option<Encryption>,
    /// The fields in the order of the file, padding left out.
    pub rows: Vec<Row>,
}

/// How the body of an `.enc.sgn` is encrypted: AES in CBC mode, the AES key encrypted for one phone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encryption {
    /// Initialisation vector, 16 bytes for AES.
    pub iv: Vec<u8>,
    /// Bytes of padding at the end of the decrypted body.
    pub pad_count: Option<u16>,
    /// Size of the AES key in bits.
    pub key_bits: Option<u16>,
    /// Length of the encrypted AES key in bytes: the size of the phone's RSA modulus.
    pub encrypted_key_length: Option<usize>,
    /// Digest algorithm of `content_digest`.
    pub content_digest_algorithm: Option<DigestAlgorithm>,
    /// Digest of the body before encryption.
    pub content_digest: Vec<u8>,
}

/// Who signed a file. A phone looks the signer up by issuer and serial number (domain.md 6).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signer {
    /// Subject of the signer's certificate.
    pub name: Option<DistinguishedName>,
    /// Serial number of the signer's certificate.
    pub serial: Option<Serial>,
    /// Issuer of the signer's certificate.
    pub issuer: Option<DistinguishedName>,
    /// Whether the printed serial has another number of bytes than its length says: the text was damaged (domain.md 2.6).
    pub serial_damaged: bool,
}

impl Signer {
    /// What a person recognises the signer by: its common name, else its serial number.
    pub fn short(&self) -> String {
        match (&self.name, &self.serial) {
            (Some(name), _) if !name.is_empty() => name.short().to_owned(),
            (_, Some(serial)) => format!("serial {serial}"),
            _ => "an unnamed signer".to_owned(),
        }
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())?;
        match (&self.name, &self.serial) {
            (Some(name), Some(serial)) if !name.is_empty() => write!(f, " (serial {serial})"),
            _ => Ok(()),
        }
    }
}

/// The signature of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Length in bytes, as the field says.
    pub length: usize,
    /// The bytes; `None` where text printed only the length, or not all of them.
    pub bytes: Option<Vec<u8>>,
    /// Offset of the whole field, its tag included, from the start of the file; `None` for lists that came from text.
    pub offset: Option<usize>,
}

/// A digest algorithm as numbered in the file (domain.md 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// 1.
    Sha1,
    /// 2.
    Sha256,
    /// 3.
    Sha512,
    /// Any other number.
    Unknown(u8),
}

impl From<u8> for DigestAlgorithm {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Sha1,
            2 => Self::Sha256,
            3 => Self::Sha512,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    /// `sha1`, `sha256`, `sha512` or `unknown-N`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha1 => f.write_str("sha1"),
            Self::Sha256 => f.write_str("sha256"),
            Self::Sha512 => f.write_str("sha512"),
            Self::Unknown(number) => write!(f, "unknown-{number}"),
        }
    }
}

/// Reads the header; the offset where it ends is its `header_length`.
pub(super) fn parse(file: &[u8], warnings: &mut Warnings) -> Result<Header, ListError> {
    match file {
        [tag::VERSION, 0, 2, ..] => {}
        _ => return Err(ListError::new(0, "VERSION (01 00 02)", super::sniff::what_is(file))),
    }
    let mut builder = Builder::default();
    // Until the header length is read, the file's end is the only bound.
    let mut reader = Reader::new(file);
    let mut end = "the file";
    while let Some(&next) = reader.rest().first() {
        if next == tag::PADDING {
            let _ = reader.skip(1);
            continue;
        }
        if is_container(next) {
            builder.open_container(&mut reader, end, warnings)?;
            continue;
        }
        let field = field(&mut reader, 0, named, end)?;
        builder.boundaries.push(reader.position());
        if let Some(length) = builder.take(&field, warnings)? {
            let Some(header) = file.get(..length) else {
                let expected = format!("a header of {length} bytes");
                return Err(ListError::new(file.len(), expected, "the end of the file"));
            };
            let read = reader.position();
            if length < read {
                let expected = format!("a header length of at least {read}");
                return Err(ListError::new(field.offset.saturating_add(3), expected, length.to_string()));
            }
            reader = Reader::new(header);
            let _ = reader.skip(read);
            end = "the header";
        }
    }
    builder.finish(reader.position(), warnings)
}

/// Containers are stepped into after their three bytes (domain.md 2.1).
const fn is_container(tag: u8) -> bool {
    matches!(
        tag,
        tag::SIGNER_ID
            | tag::SIGNATURE_INFO
            | tag::SIGNATURE_ALGORITHM_INFO
            | tag::ENCRYPTION_INFO
            | tag::IV_INFO
            | tag::KEY_INFO
    )
}

/// The name that CUCM prints for a header tag, its spelling included; a description for the tags that it never prints.
pub(super) const fn name(tag: u8) -> &'static str {
    match tag {
        tag::VERSION => "VERSION",
        tag::HEADER_LENGTH => "HEADERLENGTH",
        tag::SIGNER_ID => "SIGNERID",
        tag::SIGNER_NAME => "SIGNERNAME",
        tag::SERIAL_NUMBER => "SERIALNUMBER",
        tag::CA_NAME => "CANAME",
        tag::SIGNATURE_INFO => "SIGNATUREINFO",
        tag::DIGEST_ALGORITHM => "DIGESTALGORTITHM",
        tag::SIGNATURE_ALGORITHM_INFO => "SIGNATUREALGOINFO",
        tag::SIGNATURE_ALGORITHM => "SIGNATUREALGORTITHM",
        tag::SIGNATURE_MODULUS => "SIGNATUREMODULUS",
        tag::SIGNATURE => "SIGNATURE",
        tag::PADDING => "PADDING",
        tag::FILE_NAME => "FILENAME",
        tag::TIMESTAMP => "TIMESTAMP",
        tag::ENCRYPTION_INFO => "ENCRYPTIONINFO",
        tag::IV_INFO => "IVINFO",
        18 => "IVALGORITHM",
        tag::IV => "IV",
        tag::PAD_COUNT => "PADCOUNT",
        tag::KEY_INFO => "KEYINFO",
        22 => "KEYENCRYPTION",
        tag::KEY_BITS => "KEYBITS",
        24 => "KEYALGORITHM",
        tag::KEY => "KEY",
        tag::CONTENT_DIGEST_ALGORITHM => "CONTENTDIGESTALGORITHM",
        tag::CONTENT_DIGEST => "CONTENTDIGEST",
        tag::SIGNER_VERSION => "SIGNERVERSION",
        _ => "UNKNOWN",
    }
}

/// The name for error messages, in which an unknown tag is a number.
fn named(tag: u8) -> String {
    if name(tag) == "UNKNOWN" { format!("tag {tag}") } else { name(tag).to_owned() }
}

#[derive(Default)]
struct Builder {
    header: Header,
    signer: Signer,
    encryption: Encryption,
    encrypted: bool,
    seen: [bool; 32],
    /// Where each container stands and claims to end.
    containers: Vec<(usize, usize)>,
    /// Where fields end.
    boundaries: Vec<usize>,
}

impl Builder {
    fn open_container(&mut self, reader: &mut Reader<'_>, end: &str, warnings: &mut Warnings) -> Result<(), ListError> {
        let at = reader.position();
        let tag = reader.u8().unwrap_or_default();
        let length = reader.u16().ok_or_else(|| {
            let expected = format!("two length bytes for {}", named(tag));
            ListError::new(at.saturating_add(1), expected, format!("the end of {end}"))
        })?;
        self.note_repeated(tag, at, warnings);
        self.encrypted |= tag == tag::ENCRYPTION_INFO;
        self.containers.push((at, reader.position().saturating_add(usize::from(length))));
        let offset = u32::try_from(at).unwrap_or(u32::MAX);
        self.keep(Row { tag, length, offset });
        Ok(())
    }

    fn keep(&mut self, row: Row) {
        if self.header.rows.len() < MOST_ROWS {
            self.header.rows.push(row);
        }
    }

    /// Whether the tag was there before.
    fn note_repeated(&mut self, tag: u8, offset: usize, warnings: &mut Warnings) -> bool {
        let Some(seen) = self.seen.get_mut(usize::from(tag)) else {
            return false;
        };
        let before = std::mem::replace(seen, true);
        if before {
            warnings.push(|| format!("byte {offset}: a second {} in the header, the first one counts", name(tag)));
        }
        before
    }

    /// Takes one field; returns the header length when it was that.
    fn take(&mut self, field: &Field<'_>, warnings: &mut Warnings) -> Result<Option<usize>, ListError> {
        self.keep(field.row());
        if self.note_repeated(field.tag, field.offset, warnings) {
            return Ok(None);
        }
        let header = &mut self.header;
        match field.tag {
            tag::VERSION => header.version = Some(field.exactly::<2>("VERSION")?.into()),
            tag::HEADER_LENGTH => {
                header.header_length = Some(usize::from(u16::from_be_bytes(field.exactly("HEADERLENGTH")?)));
                return Ok(header.header_length);
            }
            tag::SIGNER_VERSION => header.signer_version = Some(field.exactly::<2>("SIGNERVERSION")?.into()),
            tag::SIGNER_NAME => self.signer.name = Some(DistinguishedName::from_text(&text(field.value))),
            tag::SERIAL_NUMBER => self.signer.serial = Some(Serial::from_bytes(field.value)),
            tag::CA_NAME => self.signer.issuer = Some(DistinguishedName::from_text(&text(field.value))),
            tag::DIGEST_ALGORITHM => {
                let [number] = field.exactly("DIGESTALGORTITHM")?;
                header.digest = Some(number.into());
            }
            tag::SIGNATURE_ALGORITHM => {
                let [number] = field.exactly("SIGNATUREALGORTITHM")?;
                header.signature_algorithm = Some(number);
            }
            tag::SIGNATURE_MODULUS => {
                let [number] = field.exactly("SIGNATUREMODULUS")?;
                header.signature_modulus = Some(number);
            }
            tag::SIGNATURE => {
                header.signature = Some(Signature {
                    length: field.value.len(),
                    bytes: Some(field.value.to_vec()),
                    offset: Some(field.offset),
                });
            }
            tag::FILE_NAME => header.file_name = Some(text(field.value)),
            tag::TIMESTAMP => header.timestamp = Some(u32::from_be_bytes(field.exactly("TIMESTAMP")?)),
            tag::IV => self.encryption.iv = field.value.to_vec(),
            tag::PAD_COUNT => self.encryption.pad_count = Some(u16::from_be_bytes(field.exactly("PADCOUNT")?)),
            tag::KEY_BITS => self.encryption.key_bits = Some(u16::from_be_bytes(field.exactly("KEYBITS")?)),
            tag::KEY => self.encryption.encrypted_key_length = Some(field.value.len()),
            tag::CONTENT_DIGEST_ALGORITHM => {
                let [number] = field.exactly("CONTENTDIGESTALGORITHM")?;
                self.encryption.content_digest_algorithm = Some(number.into());
            }
            tag::CONTENT_DIGEST => self.encryption.content_digest = field.value.to_vec(),
            18 | 22 | 24 => {}
            tag => warnings.push(|| {
                format!(
                    "byte {}: unknown tag {tag} of {} bytes in the header, passed over",
                    field.offset,
                    field.value.len()
                )
            }),
        }
        Ok(None)
    }

    fn finish(mut self, end: usize, warnings: &mut Warnings) -> Result<Header, ListError> {
        if self.header.header_length.is_none() {
            return Err(ListError::new(end, "HEADERLENGTH (02 00 02)", "the end of the file"));
        }
        for (at, end) in self.containers {
            // Fields were read in ascending order.
            if self.boundaries.binary_search(&end).is_err() {
                warnings
                    .push(|| format!("byte {at}: the length of this container ends inside a field (at byte {end})"));
            }
        }
        if self.signer == Signer::default() {
            warnings.push(|| "the header names no signer".to_owned());
        } else {
            self.header.signer = Some(self.signer);
        }
        if self.header.signature.is_none() {
            warnings.push(|| "the header carries no signature".to_owned());
        }
        if self.encrypted || self.encryption != Encryption::default() {
            self.header.encryption = Some(self.encryption);
        }
        Ok(self.header)
    }
}
