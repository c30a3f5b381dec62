//! A file that is still being written: where it ends today is not the end.
//!
//! In: a path. Out: its bytes, and those that are appended later, until it is stopped. It refuses to know what they mean.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two looks whether more was appended.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A growing file.
#[derive(Debug)]
pub struct FollowedFile {
    file: File,
    stop: Arc<AtomicBool>,
}

impl FollowedFile {
    /// Opens the file; it ends for its reader when `stop` becomes true.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, stop: Arc<AtomicBool>) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        Ok(Self { file, stop })
    }
}

impl Read for FollowedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Asked first: what was appended before it was stopped is still read.
            let stopped = self.stop.load(Ordering::Relaxed);
            let read = self.file.read(buffer)?;
            if read > 0 || buffer.is_empty() || stopped {
                return Ok(read);
            }
            if self.file.metadata()?.len() < self.file.stream_position()? {
                return Err(io::Error::other("the file became shorter: somebody writes it anew"));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_appended_is_read_until_it_is_stopped() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("growing");
        let mut writer = File::create(&path).unwrap();
        writer.write_all(b"one").unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let mut file = FollowedFile::open(&path, Arc::clone(&stop)).unwrap();
        let mut three = [0; 3];
        file.read_exact(&mut three).unwrap();
        assert_eq!(&three, b"one");
        let reader = std::thread::spawn(move || {
            file.read_exact(&mut three).unwrap();
            let mut rest = Vec::new();
            file.read_to_end(&mut rest).unwrap();
            (three, rest)
        });
        writer.write_all(b"two").unwrap();
        writer.flush().unwrap();
        stop.store(true, Ordering::Relaxed);
        let (three, rest) = reader.join().unwrap();
        assert_eq!((&three, &rest[..]), (b"two", &b""[..]));
    }

    #[test]
    fn a_file_that_is_written_anew_is_no_longer_the_same() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("growing");
        std::fs::write(&path, b"something").unwrap();
        let mut file = FollowedFile::open(&path, Arc::default()).unwrap();
        let mut nine = [0; 9];
        file.read_exact(&mut nine).unwrap();
        std::fs::write(&path, b"new").unwrap();
        assert!(file.read(&mut nine).unwrap_err().to_string().contains("shorter"));
    }
}
