//! Serial numbers: numbers, not texts.

use std::fmt;
use std::str::FromStr;

use crate::digest::{NotHex, hex_bytes};

/// A certificate's serial number. DER puts `00` before a top bit and lists begin with `0A` or `00`, so it is held as the
/// shortest whole bytes of an unsigned number and compares as one (domain.md 2.2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Box<[u8]>);

impl Serial {
    /// A serial from big-endian bytes; leading zero bytes mean nothing.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        Self(bytes.get(zeros..).unwrap_or_default().into())
    }

    /// The number's bytes, big-endian, without leading zero bytes; none for zero.
    pub const fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    /// Upper-case hex without separators, in whole bytes: `2E3E1A7BDAA64D84`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("00");
        }
        data_encoding::HEXUPPER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

impl serde::Serialize for Serial {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Serial {
    type Err = NotHex;

    /// Reads hexadecimal text, with or without separators; an odd digit count is read as if `0` stood before it.
    fn from_str(text: &str) -> Result<Self, NotHex> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NotHex);
        }
        hex_bytes(text).or_else(|| hex_bytes(&format!("0{text}"))).map(|bytes| Self::from_bytes(&bytes)).ok_or(NotHex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_numbers() {
        let der = Serial::from_bytes(&[0x00, 0x83, 0xE9]);
        let list = Serial::from_bytes(&[0x83, 0xE9]);
        assert_eq!(der, list);
        assert_eq!(der.to_string(), "83E9");
        assert_eq!("00:83:e9".parse::<Serial>().unwrap(), der);
        assert_eq!("ADC6E77".parse::<Serial>().unwrap().to_string(), "0ADC6E77");
        assert_eq!(Serial::from_bytes(&[0, 0]).to_string(), "00");
        assert_eq!("0".parse::<Serial>().unwrap(), Serial::from_bytes(&[]));
        assert!("".parse::<Serial>().is_err());
        assert!("serial".parse::<Serial>().is_err());
    }
}
