//! Signed files: `.sgn`, `.enc.sgn` and COP packages (domain.md 2.7).
//!
//! In: the complete bytes of a file. Out: [`SignedFile`]: the header and where the body begins. It refuses to know what the
//! body says, and it decrypts nothing: the key is for the phone alone.

use super::header::{self, DigestAlgorithm, Header};
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
