//! The folder that files are written into.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::private;

/// A folder, and whether what is in it may be replaced.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
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
        private::folder(root)?;
        if !force && fs::symlink_metadata(root.join(Self::MANIFEST)).is_ok() {
            let text = format!("holds {} already: give another folder, or --force", Self::MANIFEST);
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Ok(Self { root: root.to_owned(), force })
    }

    /// Writes a new file at this path below the folder, which has one folder in it at most.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let full = self.root.join(path);
        if let Some(above) = full.parent().filter(|above| *above != self.root) {
            private::folder_below(above)?;
        }
        let created = match private::create(&full) {
            // A link goes, not what it leads to.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.force => {
                fs::remove_file(&full)?;
                private::create(&full)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let text = "exists already, and is not replaced without --force";
                Err(io::Error::new(io::ErrorKind::AlreadyExists, text))
            }
            other => other,
        };
        created?.write_all(bytes)
    }

    /// Removes a file that was written.
    pub(super) fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.root.join(path))
    }
}
