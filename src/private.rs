//! Files and folders that only their owner can read: what captures hold may be secret.
//!
//! In: a path. Out: a new file or folder. It refuses to open what exists: nothing is overwritten, no link is followed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// A new file (mode 0600).
///
/// # Errors
/// When something of that name exists, a link that leads nowhere too; when it cannot be created.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A folder, made (mode 0700) with those above it where it does not exist.
///
/// # Errors
/// When it cannot be made, or something else has that name.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A folder below one of ours: it must not be a link, which might lead elsewhere.
///
/// # Errors
/// As [`folder`], and where the name is a link.
pub(crate) fn folder_below(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::new(io::ErrorKind::NotADirectory, "is not a folder")),
        Err(_) => folder(path),
    }
}
