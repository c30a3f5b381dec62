//! Checksums of whole files and certificates.
//!
//! In: complete bytes, or the hexadecimal text of a checksum. Out: typed checksums that print as lower-case hex. It refuses
//! to know whether the bytes are complete: whoever asks for a checksum answers for that.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest as hash;
use sha1::Digest as _;

macro_rules! checksum {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $digest:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// The checksum of `bytes`.
            pub fn of(bytes: &[u8]) -> Self {
                Self($digest(bytes).into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                data_encoding::HEXLOWER.encode_display(&self.0).fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl FromStr for $name {
            type Err = NotHex;

            fn from_str(text: &str) -> Result<Self, NotHex> {
                hex_bytes(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(NotHex)
            }
        }
    };
}

checksum!(
    /// An MD5 checksum, as `md5sum` and older phones' screens print it.
    Md5Sum, 16, md5::Md5::digest
);
checksum!(
    /// A SHA-1 checksum, as `show itl`, newer phones' screens and the DeviceTLInfo alarm print it.
    Sha1Sum, 20, sha1::Sha1::digest
);
checksum!(
    /// A SHA-256 checksum, the usual fingerprint of a certificate.
    Sha256Sum, 32, sha256
);

fn sha256(bytes: &[u8]) -> [u8; 32] {
    // It is as long as that, always.
    hash::digest(&hash::SHA256, bytes).as_ref().try_into().unwrap_or_default()
}

/// The text is not the hexadecimal form of this checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a checksum in hexadecimal")]
pub struct NotHex;

/// The two checksums that engineers compare: of one file's complete bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digests {
    /// MD5 of the whole file.
    pub md5: Md5Sum,
    /// SHA-1 of the whole file.
    pub sha1: Sha1Sum,
}

impl Digests {
    /// Both checksums of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self { md5: Md5Sum::of(bytes), sha1: Sha1Sum::of(bytes) }
    }
}

/// Both checksums of bytes that arrive piece by piece.
#[derive(Clone, Default)]
pub struct DigestsInProgress {
    md5: md5::Md5,
    sha1: sha1::Sha1,
}

impl DigestsInProgress {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha1.update(bytes);
    }

    /// The checksums of all pieces so far.
    pub fn finish(self) -> Digests {
        Digests { md5: Md5Sum(self.md5.finalize().into()), sha1: Sha1Sum(self.sha1.finalize().into()) }
    }
}

impl fmt::Debug for DigestsInProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestsInProgress")
    }
}

/// The bytes of hexadecimal text in which `:`, `-`, `.` and blanks may separate bytes; `None` where anything else stands or a
/// byte has one digit only.
pub fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high: Option<u8> = None;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
            match high.take() {
                None => high = Some(digit << 4),
                Some(high) => bytes.push(high | digit),
            }
        } else if !(matches!(character, ':' | '-' | '.') || character.is_whitespace()) || high.is_some() {
            return None;
        }
    }
    high.is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // RFC 1321 A.5 and RFC 3174 7.3: the message "abc".
        let digests = Digests::of(b"abc");
        assert_eq!(digests.md5.to_string(), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(digests.sha1.to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        // FIPS 180-2, B.1: the same.
        assert_eq!(
            Sha256Sum::of(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let mut pieces = DigestsInProgress::default();
        pieces.update(b"a");
        pieces.update(b"bc");
        assert_eq!(pieces.finish(), digests);
    }

    #[test]
    fn hexadecimal_text_in_the_forms_that_people_paste() {
        let sum: Sha1Sum = "C7 E1 D9 7A CC B0 2B C2 A8 B2 90 FB AA FE 66 5B EC 41 42 5D".parse().unwrap();
        assert_eq!(sum.to_string(), "c7e1d97accb02bc2a8b290fbaafe665bec41425d");
        assert_eq!("2E:3E:1A".parse::<Md5Sum>(), Err(NotHex), "too short");
        assert_eq!(hex_bytes("2e3e"), Some(vec![0x2e, 0x3e]));
        assert_eq!(hex_bytes("2:e3"), None, "a separator inside a byte");
        assert_eq!(hex_bytes("2e3"), None);
        assert_eq!(hex_bytes("xy"), None);
    }
}
