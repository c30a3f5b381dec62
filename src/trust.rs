//! Trust lists: ITL, CTL, signed files, and the text that CUCM prints of them.
//!
//! In: complete bytes or text. Out: [`TrustList`], [`SignedFile`], [`Reference`], [`signature::Verification`]. It refuses
//! to know packets, files and clocks: whoever calls reads the file, reassembles the download, and says what time it is.
//!
//! The format is described in domain.md 2, the text in domain.md 3, the phone's rules in domain.md 6; every item names its
//! section. Lengths and offsets are in bytes, times in seconds since 1970-01-01T00:00:00Z. Nothing in here panics on any
//! input, and memory stays a small multiple of the input plus a constant.

pub mod compare;
mod described;
pub mod document;
mod envelope;
mod header;
mod key;
mod list;
pub mod notes;
mod outlook;
pub mod predict;
mod record;
mod reference;
mod role;
pub mod show;
pub mod signature;
mod sniff;
pub(crate) mod sums;
#[doc(hidden)]
pub mod testkit;
pub mod text;
mod tlv;

pub use described::Described;
pub use envelope::SignedFile;
pub use header::{DigestAlgorithm, Encryption, Header, Signature, Signer};
pub use list::{ListKind, Origin, TrustList};
pub use outlook::outlook;
pub use record::{Function, HashAlgorithm, Record};
pub use reference::{
    Digits, EmptyArgument, Reference, ReferenceArgument, ReferenceError, ReferenceKind, ReferenceTarget,
};
pub use role::{Role, role};
pub use sniff::what_is;
pub use tlv::{ListError, Row};

use signature::{Candidate, Verification};

/// A file with the header that lists and signed files share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustFile {
    /// A trust list.
    List(TrustList),
    /// A signed file.
    Signed(SignedFile),
}

impl TrustFile {
    /// Reads either. A file is a list when it was signed under a name that ends in `.tlv`, or begins with a record where a
    /// body would begin.
    ///
    /// # Errors
    /// As [`TrustList::parse`] and [`SignedFile::parse`].
    pub fn parse(file: &[u8]) -> Result<Self, ListError> {
        let signed = SignedFile::parse(file)?;
        if is_list(&signed.header, signed.body(file)) {
            TrustList::parse(file).map(Self::List)
        } else {
            Ok(Self::Signed(signed))
        }
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        match self {
            Self::List(list) => &list.header,
            Self::Signed(signed) => &signed.header,
        }
    }
}

/// Whether the header is of a list, rather than of a signed file with this body.
fn is_list(header: &Header, body: &[u8]) -> bool {
    let name = header.file_name.as_deref().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    match extension {
        Some(extension) if extension.eq_ignore_ascii_case("tlv") => true,
        Some(extension) if extension.eq_ignore_ascii_case("sgn") => false,
        _ => body.starts_with(&[1, 0, 2]) || (body.is_empty() && header.version != Some((1, 0))),
    }
}

impl TrustList {
    /// Checks the list's own signature with its own records. `file` are the bytes that the list was read from.
    pub fn verify(&self, file: &[u8]) -> Verification {
        signature::verify(&self.header, file, &Candidate::records("", &self.records))
    }
}
