//! The bytes of a complete file.

use std::fmt;
use std::sync::OnceLock;

use crate::digest::Digests;

/// A complete file.
pub struct Content {
    /// Its bytes.
    pub bytes: Vec<u8>,
    digests: OnceLock<Digests>,
}

impl Content {
    /// A file of these bytes.
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, digests: OnceLock::new() }
    }

    /// Its checksums, computed when they are asked for first: of a configuration nobody may want them.
    pub fn digests(&self) -> Digests {
        *self.digests.get_or_init(|| Digests::of(&self.bytes))
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.bytes.len())
    }
}
