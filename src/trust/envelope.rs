//! Signed files: `.sgn`, `.enc.sgn` and COP packages (domain.md 2.7).
//!
//! In: the complete bytes of a file. Out: [`SignedFile`]: the header and where the body begins. It refuses to know what the
//! body says, and it decrypts nothing: the key is for the phone alone.

use super::header::{self, Header};
use super::tlv::{ListError, Warnings};

/// A file in a signed envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFile {
    /// The envelope's header: signer, signature, name.
    pub header: Header,
    /// Offset of the first byte of the body.
    pub body_offset: usize,
    /// Length of the whole file in bytes.
    pub length: usize,
    /// What is odd about the file without making it unreadable.
    pub warnings: Vec<String>,
}

impl SignedFile {
    /// Reads the envelope of a complete file.
    ///
    /// # Errors
    /// When the header is not one; the error names the byte.
    pub fn parse(file: &[u8]) -> Result<Self, ListError> {
        let mut warnings = Warnings::default();
        let header = header::parse(file, &mut warnings)?;
        Ok(Self {
            body_offset: header.header_length.unwrap_or_default(),
            header,
            length: file.len(),
            warnings: warnings.finish(),
        })
    }

    /// Whether the body is encrypted for one phone.
    pub const fn is_encrypted(&self) -> bool {
        self.header.encryption.is_some()
    }

    /// The body, out of the bytes that this was read from; nothing out of other bytes that are too short.
    pub fn body<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        file.get(self.body_offset..).unwrap_or_default()
    }
}
