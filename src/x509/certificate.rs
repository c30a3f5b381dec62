//! A certificate, as its DER bytes say.
//!
//! In: DER. Out: a [`Certificate`]. It refuses what is not exactly one certificate.

use std::fmt;

use x509_parser::prelude::{FromDer, X509Certificate};

use super::name::DistinguishedName;
use super::serial::Serial;
use crate::digest::{Sha1Sum, Sha256Sum};
use crate::timestamp::Timestamp;

/// What a certificate says, taken from its DER bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Serial number.
    pub serial: Serial,
    /// Subject name.
    pub subject: DistinguishedName,
    /// Issuer name.
    pub issuer: DistinguishedName,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// Fields that are no DER: a name among them is empty here, and an unknown validity neither begins nor ends.
    pub malformed: Vec<&'static str>,
    /// SHA-1 over the DER bytes: what trust lists print and hold as CERTHASH (domain.md 3).
    pub sha1: Sha1Sum,
    /// SHA-256 over the DER bytes.
    pub sha256: Sha256Sum,
    /// The DER bytes themselves.
    pub der: Vec<u8>,
}

/// The bytes are not an X.509 certificate in DER.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate in DER: {0}")]
pub struct NotACertificate(String);

impl Certificate {
    /// Reads a certificate from its complete DER bytes.
    ///
    /// # Errors
    /// When the bytes are not exactly one certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|error| NotACertificate(error.to_string()))?;
        if !rest.is_empty() {
            return Err(NotACertificate(format!("{} bytes follow the certificate", rest.len())));
        }
        let time = |time: x509_parser::time::ASN1Time| Timestamp::from_seconds_and_nanos(time.timestamp(), 0);
        Ok(Self {
            serial: Serial::from_bytes(parsed.raw_serial()),
            subject: DistinguishedName::from_x509(parsed.subject()),
            issuer: DistinguishedName::from_x509(parsed.issuer()),
            not_before: time(parsed.validity().not_before),
            not_after: time(parsed.validity().not_after),
            malformed: Vec::new(),
            sha1: Sha1Sum::of(der),
            sha256: Sha256Sum::of(der),
            der: der.to_vec(),
        })
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} serial {}", self.subject, self.serial)
    }
}
