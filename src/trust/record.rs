//! Records of a trust list: one certificate in one role (domain.md 2.4, 2.5).
//!
//! In: the bytes of one record. Out: [`Record`]. It refuses to know whether the certificate is any good.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::tlv::{Field, ListError, MOST_ROWS, Row, Warnings, field, text};
use crate::bytes::Reader;
use crate::digest::{Sha1Sum, Sha256Sum};
use crate::x509::{DistinguishedName, Serial};

/// Record tags by number (domain.md 2.4).
pub(super) mod tag {
    pub(crate) const RECORD_LENGTH: u8 = 1;
    pub(crate) const DNS_NAME: u8 = 2;
    pub(crate) const SUBJECT_NAME: u8 = 3;
    pub(crate) const FUNCTION: u8 = 4;
    pub(crate) const ISSUER_NAME: u8 = 5;
    pub(crate) const SERIAL_NUMBER: u8 = 6;
    pub(crate) const PUBLIC_KEY: u8 = 7;
    pub(crate) const SIGNATURE: u8 = 8;
    pub(crate) const CERTIFICATE: u8 = 9;
    pub(crate) const IP_ADDRESS: u8 = 10;
    pub(crate) const CERT_HASH: u8 = 11;
    pub(crate) const HASH_ALGORITHM: u8 = 12;
}

/// One record: a certificate, or its hash and public key, with the role that it is trusted for.
///
/// From a file, whatever is `None` is not in the file. From text, it may also be missing in the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Number of the record in its list, from 1.
    pub index: usize,
    /// Offset of the record from the start of the file; `None` for lists that came from text.
    pub offset: Option<usize>,
    /// Length of the whole record in bytes.
    pub length: Option<usize>,
    /// Role of the certificate.
    pub function: Option<Function>,
    /// Host name or address of the server; `None` where the field is blank, as it is in ITLs.
    pub dns_name: Option<String>,
    /// Subject of the certificate.
    pub subject: Option<DistinguishedName>,
    /// Issuer of the certificate.
    pub issuer: Option<DistinguishedName>,
    /// Serial number of the certificate.
    pub serial: Option<Serial>,
    /// Public key: PKCS#1 `RSAPublicKey` in DER, or an uncompressed X9.62 point. `None` where text gives only its length.
    pub public_key: Option<Vec<u8>>,
    /// Length of the public key in bytes.
    pub public_key_length: Option<usize>,
    /// Length of the certificate's own signature in bytes; eToken records have none.
    pub signature_length: Option<usize>,
    /// The certificate in DER. `None` where the record holds its hash instead, and in lists that came from text.
    pub certificate: Option<Vec<u8>>,
    /// Length of the certificate in bytes.
    pub certificate_length: Option<usize>,
    /// SHA-1 over the certificate in DER: computed from the certificate, else the record's own 20-byte hash.
    pub certificate_sha1: Option<Sha1Sum>,
    /// The record's own hash of the certificate, whatever its algorithm.
    pub certificate_hash: Option<Vec<u8>>,
    /// Algorithm of `certificate_hash`.
    pub hash_algorithm: Option<HashAlgorithm>,
    /// Address of the server.
    pub ip_address: Option<IpAddr>,
    /// Whether the text that the record came from said "This etoken was used to sign". Never set from a file.
    pub said_to_have_signed: Option<bool>,
    /// Whether the printed serial has another number of bytes than its length says: the text was damaged (domain.md 2.6).
    pub serial_damaged: bool,
    /// The fields in the order of the file.
    pub rows: Vec<Row>,
}

/// The role of a record (domain.md 2.5). Numbers without a name are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function(pub u16);

impl Function {
    /// System Administrator Security Token: may sign trust lists.
    pub const SAST: Self = Self(0);
    /// `CallManager` service.
    pub const CCM: Self = Self(1);
    /// `CallManager` and TFTP service: signs downloads.
    pub const CCM_TFTP: Self = Self(2);
    /// TFTP service: signs downloads.
    pub const TFTP: Self = Self(3);
    /// Certificate Authority Proxy Function.
    pub const CAPF: Self = Self(4);
    /// Survivable Remote Site Telephony; seen in another implementation only.
    pub const SRST: Self = Self(5);
    /// HTTPS application server.
    pub const APP_SERVER: Self = Self(7);
    /// Trust Verification Service.
    pub const TVS: Self = Self(21);

    const NAMES: [(Self, &'static str); 8] = [
        (Self::SAST, "System Administrator Security Token"),
        (Self::CCM, "CCM"),
        (Self::CCM_TFTP, "CCM+TFTP"),
        (Self::TFTP, "TFTP"),
        (Self::CAPF, "CAPF"),
        (Self::SRST, "SRST"),
        (Self::APP_SERVER, "APP-SERVER"),
        (Self::TVS, "TVS"),
    ];

    /// The name as `show itl` prints it; `FUNCTION-N` for numbers without one.
    pub fn name(self) -> Cow<'static, str> {
        Self::NAMES
            .iter()
            .find(|(function, _)| *function == self)
            .map_or_else(|| Cow::Owned(format!("FUNCTION-{}", self.0)), |(_, name)| Cow::Borrowed(*name))
    }

    /// The short name for tables and sentences: as [`Self::name`], but `SAST`.
    pub fn short(self) -> Cow<'static, str> {
        if self == Self::SAST { Cow::Borrowed("SAST") } else { self.name() }
    }

    /// The function of a name as `show itl` and `show ctl` print it, of any release.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim();
        if name.eq_ignore_ascii_case("Security Token") || name.eq_ignore_ascii_case("SAST") {
            return Some(Self::SAST);
        }
        let known = Self::NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        known.map(|(function, _)| *function).or_else(|| {
            let number = name.get(..9).filter(|start| start.eq_ignore_ascii_case("FUNCTION-")).and(name.get(9..));
            number.unwrap_or(name).parse().ok().map(Self)
        })
    }

    /// Whether a phone accepts a trust list signed in this role. SAST is the role made for it; CCM+TFTP and TFTP count too,
    /// because Cisco names CCM+TFTP for phones with a CTL only, and real lists hold the certificate in both (domain.md 6).
    pub const fn may_sign_lists(self) -> bool {
        matches!(self, Self::SAST | Self::CCM_TFTP | Self::TFTP)
    }

    /// Whether a phone accepts a configuration or other download signed in this role.
    pub const fn may_sign_files(self) -> bool {
        self.may_sign_lists()
    }

    /// Whether it is the role of TVS servers.
    pub const fn is_tvs(self) -> bool {
        matches!(self, Self::TVS)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// The hash algorithm of a record (tag 12), presumably numbered like the header's digests (domain.md 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashAlgorithm(pub u8);

impl HashAlgorithm {
    /// `SHA-1`, `SHA-256`, `SHA-512` as `show itl` prints it, `HASH-N` for other numbers.
    pub fn name(self) -> Cow<'static, str> {
        match self.0 {
            1 => "SHA-1".into(),
            2 => "SHA-256".into(),
            3 => "SHA-512".into(),
            other => format!("HASH-{other}").into(),
        }
    }

    /// The algorithm of a printed name.
    pub fn from_name(name: &str) -> Option<Self> {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match name.to_ascii_uppercase().as_str() {
            "SHA1" => Some(Self(1)),
            "SHA256" => Some(Self(2)),
            "SHA512" => Some(Self(3)),
            other => other.strip_prefix("HASH").unwrap_or(other).parse().ok().map(Self),
        }
    }
}

impl Record {
    /// SHA-256 over the certificate in DER: computed from the certificate, else the record's own 32-byte hash. Genuine lists
    /// are only known to have SHA-1 (domain.md 10).
    pub fn certificate_sha256(&self) -> Option<Sha256Sum> {
        let computed = self.certificate.as_deref().map(Sha256Sum::of);
        computed.or_else(|| self.certificate_hash.as_deref()?.try_into().ok().map(Sha256Sum))
    }

    /// Whether the record's role lets it sign trust lists.
    pub fn may_sign_lists(&self) -> bool {
        self.function.is_some_and(Function::may_sign_lists)
    }

    /// Whether the record is a TVS server's.
    pub fn is_tvs(&self) -> bool {
        self.function.is_some_and(Function::is_tvs)
    }

    /// Whether the record names no certificate at all: what lists hold for a role that was taken away (domain.md 7.2,
    /// rollback).
    pub fn is_blank(&self) -> bool {
        let no_name = |name: &Option<DistinguishedName>| name.as_ref().is_none_or(DistinguishedName::is_empty);
        // Where text left rows out, the certificate may be among them.
        let rows = self.rows.iter().map(|row| 3 + usize::from(row.length)).sum::<usize>();
        self.length.is_none_or(|length| rows == length)
            && no_name(&self.subject)
            && no_name(&self.issuer)
            && self.serial.is_none()
            && self.public_key_length.unwrap_or_default() == 0
            && self.certificate_length.unwrap_or_default() == 0
            && self.certificate_sha1.is_none()
            && self.certificate_hash.is_none()
    }

    /// Whether the certificate is the cluster's recovery key: a SAST record whose common name begins `ITLRECOVERY`
    /// (domain.md 1).
    pub fn is_itl_recovery(&self) -> bool {
        let name = self.subject.as_ref().and_then(DistinguishedName::common_name_folded);
        self.function == Some(Function::SAST) && name.is_some_and(|name| name.starts_with("itlrecovery"))
    }

    /// What a person recognises the record by: "record 3 (TVS, CUCM8-Publisher.bbbburns.lab)".
    pub fn label(&self) -> String {
        let function = self.function.map_or(Cow::Borrowed("no function"), Function::short);
        match self.subject.as_ref().map(DistinguishedName::short) {
            Some(subject) if !subject.is_empty() => format!("record {} ({function}, {subject})", self.index),
            _ => format!("record {} ({function})", self.index),
        }
    }

    /// Reads the record at the start of `bytes`, which run to the end of the file.
    pub(super) fn parse(
        bytes: &[u8],
        offset: usize,
        index: usize,
        warnings: &mut Warnings,
    ) -> Result<(Self, usize), ListError> {
        let mut reader = Reader::new(bytes);
        let first = field(&mut reader, offset, named, "the file")?;
        if first.tag != tag::RECORD_LENGTH {
            let expected = format!("RECORDLENGTH (tag 1) of record #{index}");
            return Err(ListError::new(offset, expected, format!("tag {}", first.tag)));
        }
        let length = usize::from(u16::from_be_bytes(first.exactly("RECORDLENGTH")?));
        // A length below that of the length field itself would make the reader stand still.
        if length < reader.position() {
            return Err(ListError::new(
                offset.saturating_add(3),
                format!("a length of at least {} for record #{index}", reader.position()),
                length.to_string(),
            ));
        }
        let whole = bytes.get(..length).ok_or_else(|| {
            ListError::new(
                offset.saturating_add(bytes.len()),
                format!("{length} bytes of record #{index}"),
                format!("the end of the file after {}", bytes.len()),
            )
        })?;
        let mut record =
            Self { index, offset: Some(offset), length: Some(length), rows: vec![first.row()], ..Self::default() };
        let end = format!("record #{index}");
        let mut seen = [false; 16];
        let mut reader = Reader::new(whole);
        let _ = reader.skip(5);
        while !reader.is_empty() {
            let field = field(&mut reader, offset, named, &end)?;
            if record.rows.len() < MOST_ROWS {
                record.rows.push(field.row());
            }
            let before = seen.get_mut(usize::from(field.tag)).map(|seen| std::mem::replace(seen, true));
            if before == Some(true) {
                let name = name(field.tag);
                warnings.push(|| {
                    format!("byte {}: a second {name} in record #{index}, the first one counts", field.offset)
                });
            } else {
                record.take(&field, warnings)?;
            }
        }
        if record.certificate_sha1.is_none() {
            record.certificate_sha1 =
                record.certificate_hash.as_deref().and_then(|hash| hash.try_into().ok()).map(Sha1Sum);
        }
        Ok((record, length))
    }

    fn take(&mut self, field: &Field<'_>, warnings: &mut Warnings) -> Result<(), ListError> {
        let index = self.index;
        match field.tag {
            tag::RECORD_LENGTH => {
                warnings.push(|| format!("byte {}: a second RECORDLENGTH in record #{index}", field.offset));
            }
            tag::DNS_NAME => {
                let name = text(field.value);
                self.dns_name = Some(name.trim()).filter(|name| !name.is_empty()).map(str::to_owned);
            }
            tag::SUBJECT_NAME => self.subject = Some(DistinguishedName::from_text(&text(field.value))),
            tag::ISSUER_NAME => self.issuer = Some(DistinguishedName::from_text(&text(field.value))),
            tag::FUNCTION if field.value.is_empty() => {}
            tag::FUNCTION => self.function = Some(Function(u16::from_be_bytes(field.exactly("FUNCTION")?))),
            tag::SERIAL_NUMBER => {
                self.serial = Some(Serial::from_bytes(field.value)).filter(|_| !field.value.is_empty());
            }
            tag::PUBLIC_KEY => {
                self.public_key_length = Some(field.value.len());
                self.public_key = Some(field.value.to_vec());
            }
            tag::SIGNATURE => self.signature_length = Some(field.value.len()),
            tag::CERTIFICATE => {
                self.certificate_length = Some(field.value.len());
                if !field.value.is_empty() {
                    self.certificate_sha1 = Some(Sha1Sum::of(field.value));
                    self.certificate = Some(field.value.to_vec());
                }
            }
            tag::IP_ADDRESS => self.ip_address = self.address(field, warnings),
            tag::CERT_HASH => {
                self.certificate_hash = Some(field.value.to_vec()).filter(|hash| !hash.is_empty());
            }
            tag::HASH_ALGORITHM => {
                let [number] = field.exactly("HASH ALGORITHM")?;
                self.hash_algorithm = Some(HashAlgorithm(number));
            }
            tag => warnings.push(|| {
                let length = field.value.len();
                format!("byte {}: unknown tag {tag} of {length} bytes in record #{index}, passed over", field.offset)
            }),
        }
        Ok(())
    }

    fn address(&self, field: &Field<'_>, warnings: &mut Warnings) -> Option<IpAddr> {
        if let Ok(bytes) = <[u8; 4]>::try_from(field.value) {
            return Some(Ipv4Addr::from(bytes).into());
        }
        if let Ok(bytes) = <[u8; 16]>::try_from(field.value) {
            return Some(Ipv6Addr::from(bytes).into());
        }
        let (index, length) = (self.index, field.value.len());
        warnings.push(|| format!("byte {}: an address of {length} bytes in record #{index}", field.offset));
        None
    }
}

/// The name that CUCM prints for a record tag.
pub(super) const fn name(tag: u8) -> &'static str {
    match tag {
        tag::RECORD_LENGTH => "RECORDLENGTH",
        tag::DNS_NAME => "DNSNAME",
        tag::SUBJECT_NAME => "SUBJECTNAME",
        tag::FUNCTION => "FUNCTION",
        tag::ISSUER_NAME => "ISSUERNAME",
        tag::SERIAL_NUMBER => "SERIALNUMBER",
        tag::PUBLIC_KEY => "PUBLICKEY",
        tag::SIGNATURE => "SIGNATURE",
        tag::CERTIFICATE => "CERTIFICATE",
        tag::IP_ADDRESS => "IPADDRESS",
        tag::CERT_HASH => "CERTHASH",
        tag::HASH_ALGORITHM => "HASH ALGORITHM",
        _ => "UNKNOWN",
    }
}

/// The name for error messages, in which an unknown tag is a number.
fn named(tag: u8) -> String {
    if name(tag) == "UNKNOWN" { format!("tag {tag}") } else { name(tag).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_keep_their_numbers() {
        assert_eq!(Function::TVS.name(), "TVS");
        assert_eq!(Function(9).name(), "FUNCTION-9");
        for number in 0..30 {
            assert_eq!(Function::from_name(&Function(number).name()), Some(Function(number)));
        }
        assert_eq!(Function::from_name("Security Token"), Some(Function::SAST));
        assert_eq!(Function::from_name("none of them"), None);
    }
}
