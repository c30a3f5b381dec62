//! Files and folders that only their owner can read: what captures hold may be secret.
//!
//! In: the path of a folder, once; names in it from then on. Out: new files and folders beneath it. A folder is held by its
//! descriptor: whoever moves it, or puts a link in its place, leads nobody elsewhere. It refuses to follow a link at a name, to
//! open what exists for writing, and to leave half a file under the name of a whole one.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Files are compared with what they should hold in pieces of this length.
const PIECE: usize = 64 << 10;

/// A folder that is open.
#[derive(Debug)]
pub(crate) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// The folder at this path, which exists.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let fd = nix::fcntl::open(path, FOLDER, Mode::empty())?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// The folder at this path, made (mode 0700) with those above it where it does not exist.
    ///
    /// # Errors
    /// When it cannot be made, or something else has that name.
    pub(crate) fn make(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Self::open(path)
    }

    /// A folder in this one, made where it does not exist. It must not be a link, which might lead elsewhere.
    ///
    /// # Errors
    /// As [`Self::make`], and where the name is a link.
    pub(crate) fn below(&self, name: &str) -> io::Result<Self> {
        match mkdirat(&self.fd, name, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let fd = openat(&self.fd, name, FOLDER | OFlag::O_NOFOLLOW, Mode::empty()).map_err(|error| match error {
            Errno::ELOOP | Errno::ENOTDIR => io::Error::new(io::ErrorKind::NotADirectory, "is not a folder"),
            error => error.into(),
        })?;
        Ok(Self { fd, path: self.path.join(name) })
    }

    /// Where it was when it was opened, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is anything of this name, a link that leads nowhere too.
    pub(crate) fn has(&self, name: &(impl AsRef<Path> + ?Sized)) -> bool {
        fstatat(&self.fd, name.as_ref(), AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
    }

    /// A new file in it (mode 0600).
    ///
    /// # Errors
    /// When something of that name exists; when it cannot be created.
    pub(crate) fn create(&self, name: &(impl AsRef<Path> + ?Sized)) -> io::Result<File> {
        let new = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(openat(&self.fd, name.as_ref(), new, Mode::S_IRUSR | Mode::S_IWUSR)?.into())
    }

    /// A file of this name that is whole or not there: it is written beside its place, and put there when all of it is on the
    /// disk. What stands there already is replaced only where that is wanted.
    ///
    /// # Errors
    /// When something of that name exists and is not to be replaced; when `fill` fails, or the disk does. Nothing stays then.
    pub(crate) fn write(
        &self,
        name: &str,
        replace: bool,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        let exists = || if replace || !self.has(name) { Ok(()) } else { Err(io::ErrorKind::AlreadyExists.into()) };
        exists()?;
        let part = format!(".{name}.part");
        // Left by a run that was killed.
        let _ = self.remove(&part);
        let mut file = self.create(&part)?;
        let put = fill(&mut file)
            .and_then(|()| sync(&file))
            .and_then(|()| exists())
            .and_then(|()| renameat(&self.fd, part.as_str(), &self.fd, name).map_err(io::Error::from));
        if put.is_err() {
            let _ = self.remove(&part);
        }
        put
    }

    /// Whether this file holds exactly these bytes; a link does not.
    pub(crate) fn holds(&self, name: &str, bytes: &[u8]) -> bool {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let Ok(mut file) = openat(&self.fd, name, flags, Mode::empty()).map(File::from) else { return false };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let may = file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == length);
        let mut piece = vec![0; PIECE.min(bytes.len())];
        may && bytes.chunks(PIECE).all(|expected| {
            let Some(read) = piece.get_mut(..expected.len()) else { return false };
            file.read_exact(read).is_ok() && read == expected
        })
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When there is none, or it cannot be removed.
    pub(crate) fn remove(&self, name: &(impl AsRef<Path> + ?Sized)) -> io::Result<()> {
        Ok(unlinkat(&self.fd, name.as_ref(), UnlinkatFlags::NoRemoveDir)?)
    }

    /// Whether every name in it satisfies this.
    pub(crate) fn has_only(&self, is_so: impl Fn(&str) -> bool) -> bool {
        let Ok(mut entries) = fs::read_dir(&self.path) else { return false };
        entries.all(|entry| entry.is_ok_and(|entry| entry.file_name().to_str().is_some_and(&is_so)))
    }
}

const FOLDER: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// Onto the disk, as far as the file system has one.
fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn put(folder: &Folder, name: &str, replace: bool, bytes: &[u8]) -> io::Result<()> {
        folder.write(name, replace, |file| file.write_all(bytes))
    }

    #[test]
    fn files_are_whole_or_not_there() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::make(&temporary.path().join("a/b")).unwrap();
        put(&folder, "x", false, b"one").unwrap();
        assert_eq!(put(&folder, "x", false, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(folder.holds("x", b"one") && !folder.holds("x", b"two") && !folder.holds("y", b""));
        let failed = folder.write("y", false, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(folder.has_only(|name| name == "x"));
        fs::write(folder.path().join(".x.part"), b"left by a run that was killed").unwrap();
        put(&folder, "x", true, b"three").unwrap();
        assert!(folder.holds("x", b"three") && folder.has_only(|name| name == "x"));
    }

    #[test]
    fn links_are_not_followed() {
        let temporary = tempfile::tempdir().unwrap();
        let elsewhere = temporary.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let folder = Folder::make(&temporary.path().join("a")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(elsewhere.join("new"), folder.path().join("file")).unwrap();
        assert_eq!(folder.below("link").unwrap_err().to_string(), "is not a folder");
        assert!(folder.create("file").is_err() && put(&folder, "file", false, b"x").is_err());
        put(&folder, "file", true, b"x").unwrap();
        assert!(folder.holds("file", b"x"), "the link went, not what it leads to");
        assert!(fs::read_dir(elsewhere).unwrap().next().is_none());
    }

    #[test]
    fn a_folder_that_is_moved_stays_the_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let (before, after) = (temporary.path().join("before"), temporary.path().join("after"));
        let folder = Folder::make(&before).unwrap();
        fs::rename(&before, &after).unwrap();
        fs::create_dir(&before).unwrap();
        put(&folder, "x", false, b"x").unwrap();
        assert!(after.join("x").is_file() && !before.join("x").exists());
    }
}
