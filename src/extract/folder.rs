//! The folder that files are written into.

use std::io::{self, Write};
use std::path::Path;

use crate::private;

/// A folder, and whether what is in it may be replaced.
#[derive(Debug)]
pub struct Folder {
    root: private::Folder,
    force: bool,
}

impl Folder {
    /// Where the manifest is.
    pub const MANIFEST: &str = "manifest.json";

    /// The folder at `root`, made where it does not exist. With `force`, files in it may be replaced.
    ///
    /// # Errors
    /// When it cannot be made, or holds the manifest of an earlier run and nothing may be replaced.
    pub fn open(root: &Path, force: bool) -> io::Result<Self> {
        let root = private::Folder::make(root)?;
        if !force && root.has(Self::MANIFEST) {
            let text = format!("holds {} already: give another folder, or --force", Self::MANIFEST);
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Ok(Self { root, force })
    }

    /// Writes a new file at this path below the folder, which has one folder in it at most. Where it stands there already as
    /// it should be, an earlier run wrote it, and this one goes on.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let within = |folder: &private::Folder, name: &str| {
            if folder.holds(name, bytes) {
                return Ok(());
            }
            folder.write(name, self.force, |file| file.write_all(bytes)).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    io::Error::new(error.kind(), "exists already, and is not replaced without --force")
                }
                _ => error,
            })
        };
        match path.split_once('/') {
            Some((above, name)) => within(&self.root.below(above)?, name),
            None => within(&self.root, path),
        }
    }

    /// Removes a file that was written.
    pub(super) fn remove(&self, path: &str) -> io::Result<()> {
        match path.split_once('/') {
            Some((above, name)) => self.root.below(above)?.remove(name),
            None => self.root.remove(path),
        }
    }
}
