//! Files that are opened before rights are given up, for a caller who may lose the right to open them.
//!
//! In: the paths that a command was given. Out: the files themselves, as often as they are wanted, from their beginning. Rights
//! belong to the process, and so does this. It refuses to open for writing, and to read: what is in a file is looked at when
//! the rights are gone. Nothing is held where there are no rights to lose, nor what can be read only once, such as a pipe.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::OFlag;

use super::privileges;

/// Files that are held at most: a process may have a thousand, as systems are set up.
const MOST: usize = 512;

static HELD: Mutex<BTreeMap<PathBuf, Arc<File>>> = Mutex::new(BTreeMap::new());

/// Opens the files at these paths, once in the life of the process. What cannot be opened says so when it is wanted.
pub(super) fn hold<'a>(paths: impl Iterator<Item = &'a Path>) {
    if !privileges::any() {
        return;
    }
    let open = |path: &'a Path| {
        // A pipe is not even opened: whoever writes into it would take this for its reader.
        if !path.is_file() {
            return None;
        }
        let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path).ok()?;
        file.metadata().is_ok_and(|metadata| metadata.is_file()).then(|| (path.to_owned(), Arc::new(file)))
    };
    held().extend(paths.filter_map(open).take(MOST));
}

/// The file at a path, from its beginning.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn open(path: &Path) -> io::Result<Opened> {
    let known = held().get(path).cloned();
    Ok(match known {
        Some(file) => Opened { file, at: Some(0) },
        None => Opened { file: Arc::new(File::open(path)?), at: None },
    })
}

/// The file at a path, for whoever reads it where he wants.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn shared(path: &Path) -> io::Result<Arc<File>> {
    let known = held().get(path).cloned();
    known.map_or_else(|| File::open(path).map(Arc::new), Ok)
}

/// Lets go of this file: it may have been replaced, and whoever opens it again wants the new one.
pub(super) fn let_go(path: &Path) {
    held().remove(path);
}

fn held() -> MutexGuard<'static, BTreeMap<PathBuf, Arc<File>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that is read from its beginning.
#[derive(Debug)]
pub(super) struct Opened {
    file: Arc<File>,
    /// Where it is read next, where others read it too.
    at: Option<u64>,
}

impl Opened {
    /// Whether it is a folder, and whether it is a file that can be read as often as wanted.
    pub(super) fn kind(&self) -> io::Result<(bool, bool)> {
        let metadata = self.file.metadata()?;
        Ok((metadata.is_dir(), metadata.is_file()))
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(at) = &mut self.at else { return (&*self.file).read(buffer) };
        let read = self.file.read_at(buffer, *at)?;
        *at += read as u64;
        Ok(read)
    }
}
