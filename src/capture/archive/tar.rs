//! Members of a tar (POSIX 1003.1 ustar), as far as they are read here: where each stands, and how it begins.
//!
//! Extended headers and long names are passed over, for a header may ask for a name of any length: a name is then cut.

use std::io::Read;

use super::{LOOKED_AT, Listing, MOST_WORK, Packed};

/// Whether the bytes are those of a tar.
pub(super) fn begins(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar")
}

/// The members.
pub(super) fn list(reader: impl Read, is_compressed: bool) -> Result<Listing, String> {
    let damaged = |error: std::io::Error| {
        let what = super::compressed::in_words(&error);
        format!("is a tar archive that cannot be read to its end ({what}): unpack what is left of it")
    };
    let mut listing = Listing::default();
    let mut work = 0u64;
    let mut archive = ::tar::Archive::new(reader);
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        let mut entry = entry.map_err(damaged)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let (offset, length) = (entry.raw_file_position(), entry.size());
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut start = Vec::new();
        (&mut entry).take(LOOKED_AT).read_to_end(&mut start).map_err(damaged)?;
        let captures = listing.captures.len();
        listing.add(&name, Packed::Tar { offset, length }, start)?;
        // Each capture is opened twice: to see when it begins, and to read it.
        if listing.captures.len() > captures {
            work = work.saturating_add(offset.saturating_mul(2).saturating_add(length));
        }
        if is_compressed && work.max(offset) > MOST_WORK {
            return Err(
                "is a compressed tar archive too large to be read without unpacking: unpack it, and give the captures \
                        that are in it"
                    .to_owned(),
            );
        }
    }
    Ok(listing)
}
