//! Certificates of which some field is no DER.
//!
//! In: the bytes of a certificate that a strict reader refuses, for a date of thirteen months or a text in the wrong alphabet.
//! Out: the fields that can be read: at least the serial number. What cannot be read is told to be so, and claims nothing.

use x509_parser::prelude::{FromDer, Validity, X509Name};

use super::{Certificate, DistinguishedName, Serial};
use crate::capture::Timestamp;
use crate::digest::{Sha1Sum, Sha256Sum};

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT` with the version (RFC 5280 4.1).
const VERSION: u8 = 0xa0;
/// Serial numbers have at most 20 bytes (RFC 5280 4.1.2.2); some have a few more.
const LONGEST_SERIAL: usize = 64;

/// Reads what can be read; `None` where the bytes are not one certificate with a serial number.
pub(super) fn read(der: &[u8]) -> Option<Certificate> {
    let (whole, behind) = element(der, SEQUENCE)?;
    let (signed, _) = element(whole.content, SEQUENCE)?;
    let fields = element(signed.content, VERSION).map_or(signed.content, |(_, rest)| rest);
    let (serial, fields) = element(fields, INTEGER)?;
    if !behind.is_empty() || serial.content.is_empty() || serial.content.len() > LONGEST_SERIAL {
        return None;
    }
    let mut rest = Some(fields);
    let mut next = || {
        let (field, behind) = element(rest.take()?, SEQUENCE)?;
        rest = Some(behind);
        Some(field.all)
    };
    let (_algorithm, issuer, validity, subject) = (next(), next(), next(), next());
    let mut malformed = Vec::new();
    let mut name = |bytes: Option<&[u8]>, field| {
        let read = bytes.and_then(|bytes| X509Name::from_der(bytes).ok());
        read.map_or_else(
            || {
                malformed.push(field);
                DistinguishedName::from_text("")
            },
            |(_, name)| DistinguishedName::from_x509(&name),
        )
    };
    let (issuer, subject) = (name(issuer, "issuer"), name(subject, "subject"));
    let validity = validity.and_then(|bytes| Some(Validity::from_der(bytes).ok()?.1));
    let time = |time: x509_parser::time::ASN1Time| Timestamp::from_seconds_and_nanos(time.timestamp(), 0);
    // An unknown validity neither begins nor ends.
    let (not_before, not_after) = if let Some(validity) = validity {
        (time(validity.not_before), time(validity.not_after))
    } else {
        malformed.push("validity");
        (Timestamp::from_nanos(i64::MIN), Timestamp::from_nanos(i64::MAX))
    };
    if malformed.is_empty() {
        malformed.push("a field behind the subject");
    }
    Some(Certificate {
        serial: Serial::from_bytes(serial.content),
        subject,
        issuer,
        not_before,
        not_after,
        malformed,
        sha1: Sha1Sum::of(der),
        sha256: Sha256Sum::of(der),
        der: der.to_vec(),
    })
}

/// One element: its content, and all of it with tag and length.
struct Element<'a> {
    all: &'a [u8],
    content: &'a [u8],
}

/// The element with this tag that the bytes begin with, and what follows it (X.690 8.1).
fn element(bytes: &[u8], wanted: u8) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag != wanted {
        return None;
    }
    let (length, header) = match first {
        0..=0x7f => (usize::from(first), 2),
        0x81..=0x83 => {
            let digits = rest.get(..usize::from(first & 0x7f))?;
            let length = digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit));
            (length, 2 + digits.len())
        }
        _ => return None,
    };
    let (all, behind) = bytes.split_at_checked(header.checked_add(length)?)?;
    Some((Element { all, content: all.get(header..)? }, behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TVS: &[u8] = include_bytes!("../../tests/fixtures/wire/tvs.der");

    /// The certificate with the digits of its first date changed.
    fn with_a_date_that_is_none() -> Vec<u8> {
        let mut der = TVS.to_vec();
        let at = der.windows(2).position(|pair| pair == [0x17, 13]).unwrap();
        der[at + 4..at + 6].copy_from_slice(b"77");
        der
    }

    #[test]
    fn a_date_that_is_none_costs_only_the_dates() {
        let der = with_a_date_that_is_none();
        assert!(Certificate::from_der(&der).is_err());
        let (strict, lenient) = (Certificate::from_der(TVS).unwrap(), Certificate::shown(&der).unwrap());
        assert_eq!(
            (&lenient.serial, &lenient.subject, &lenient.issuer),
            (&strict.serial, &strict.subject, &strict.issuer)
        );
        assert_eq!((lenient.sha1, lenient.malformed), (Sha1Sum::of(&der), vec!["validity"]));
        assert!(strict.malformed.is_empty());
    }

    #[test]
    fn what_is_no_certificate_stays_none() {
        for bytes in [&b""[..], b"\x30\x00", b"\x30\x80", &TVS[..TVS.len() - 1], &[TVS, b"x"].concat()] {
            assert!(Certificate::shown(bytes).is_none());
        }
    }

    proptest! {
        #[test]
        fn damage_never_makes_another_serial_of_the_same_bytes(at in any::<prop::sample::Index>(), value in any::<u8>()) {
            let mut der = TVS.to_vec();
            let at = at.index(der.len());
            der[at] = value;
            if let Some(certificate) = Certificate::shown(&der) {
                prop_assert_eq!(certificate.sha1, Sha1Sum::of(&der));
                if let Ok(strict) = Certificate::from_der(&der) {
                    prop_assert_eq!(certificate.serial, strict.serial);
                }
            }
        }
    }
}
