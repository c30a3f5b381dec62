//! What is captured, recorded to files (`--write`).
//!
//! In: frames as they are captured. Out: captures that others read while they grow; nobody but their owner can. A recording of
//! limited size goes on in a new file, and the oldest ones go. It refuses to write over anything, to follow a path twice (files are
//! made beneath the folder as it was opened), and to stop the capture when the disk is full: then it lacks frames, ends with
//! a whole record, and goes on when there is room again.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::session::wall_clock;
use super::write::{CaptureWriter, Format};
use crate::capture::{Frame, LinkType};
use crate::private::Folder;

/// Records are handed to the disk when they have so many bytes.
const BLOCK: usize = 256 << 10;
/// Between two looks whether the disk has room again.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Where to record, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The file, or what the files are called after.
    pub path: PathBuf,
    /// Bytes after which a new file is begun; `None` where one is enough.
    pub file_bytes: Option<u64>,
    /// Files that are kept of those; `None` for all.
    pub files: Option<usize>,
}

/// Records.
#[derive(Debug)]
pub struct Recorder {
    recording: Recording,
    folder: Folder,
    link: LinkType,
    /// What the frames are of.
    source: String,
    /// The file that is written at the moment.
    file: Growing,
    /// The names of the files so far, the oldest first.
    kept: VecDeque<OsString>,
    number: u32,
    /// Frames that could not be recorded.
    lost: u64,
    /// When the disk is tried again, where it failed.
    retry_at: Option<Instant>,
    /// What was not told yet.
    news: Vec<String>,
}

/// A file to which whole records are added.
#[derive(Debug)]
struct Growing {
    file: File,
    out: CaptureWriter<Vec<u8>>,
    /// Bytes of it that are whole records.
    whole: u64,
    /// Where the records end that are not in it yet.
    waiting: Vec<usize>,
}

impl Growing {
    fn begin(folder: &Folder, name: &OsStr, link: LinkType, source: &str) -> io::Result<Self> {
        let file = folder.create(name)?;
        let format = Format::of(Path::new(name));
        let out = CaptureWriter::new(Vec::new(), format, link, &format!("Captured from {source}"))?;
        let mut growing = Self { file, out, whole: 0, waiting: Vec::new() };
        let begun = growing.out.describe(link).and_then(|()| growing.flush());
        if begun.is_err() {
            // Without its header nobody can read it.
            let _ = folder.remove(name);
        }
        begun.map(|()| growing)
    }

    /// Hands the records to the disk. Where it does not take all of them it keeps whole ones: half a record ends a capture.
    fn flush(&mut self) -> io::Result<()> {
        let records = self.out.records();
        let (mut done, mut result) = (0, Ok(()));
        while let Some(rest) = records.get(done..).filter(|rest| !rest.is_empty() && result.is_ok()) {
            match self.file.write(rest) {
                Ok(0) => result = Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => result = Err(error),
            }
        }
        let kept = self.waiting.partition_point(|&end| end <= done);
        if result.is_err() {
            done = kept.checked_sub(1).and_then(|last| self.waiting.get(last).copied()).unwrap_or(0);
            let end = self.whole.saturating_add(done as u64);
            self.file.set_len(end)?;
            self.file.seek(SeekFrom::Start(end))?;
        }
        self.whole = self.whole.saturating_add(done as u64);
        records.drain(..done.min(records.len()));
        self.waiting.drain(..kept);
        self.waiting.iter_mut().for_each(|end| *end -= done);
        result
    }

    /// Forgets the records that the disk did not take. Returns how many frames are in them.
    fn forget(&mut self) -> u64 {
        self.out.records().clear();
        std::mem::take(&mut self.waiting).len() as u64
    }
}

impl Recorder {
    /// Begins the first file. `link` is the link type of all frames, `source` names where they come from.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn create(recording: Recording, link: LinkType, source: &str) -> io::Result<Self> {
        let folder = Folder::open(&crate::sandbox::folder_of(&recording.path))?;
        let name = file_name(&recording, 1);
        let file = Growing::begin(&folder, &name, link, source)?;
        Ok(Self {
            recording,
            folder,
            link,
            source: source.to_owned(),
            file,
            kept: VecDeque::from([name]),
            number: 1,
            lost: 0,
            retry_at: None,
            news: Vec::new(),
        })
    }

    /// Records a frame, or counts it where the disk does not take it.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            self.lost += 1;
            return;
        }
        let full = self.recording.file_bytes.is_some_and(|limit| self.file.out.written() >= limit);
        if full && let Err(error) = self.go_on() {
            self.lost += 1;
            return self.interrupt(&error);
        }
        // Memory takes everything.
        if self.file.out.frame(frame, None).is_ok() {
            let end = self.file.out.records().len();
            self.file.waiting.push(end);
        }
        if self.retry_at.is_some() || self.file.out.records().len() >= BLOCK {
            self.flush();
        }
    }

    /// Makes everything readable that was recorded.
    pub fn flush(&mut self) {
        // Nothing to write shows nothing of the disk.
        if self.file.waiting.is_empty() {
            return;
        }
        match self.file.flush() {
            Err(error) => self.interrupt(&error),
            Ok(()) if self.retry_at.take().is_some() => {
                let text =
                    format!("{}: recording goes on; it lacks {} frames so far", self.path().display(), self.lost);
                self.news.push(text);
            }
            Ok(()) => {}
        }
    }

    /// The file that is written at the moment.
    pub fn path(&self) -> PathBuf {
        self.kept.back().map_or_else(|| self.recording.path.clone(), |name| self.recording.path.with_file_name(name))
    }

    /// Frames that could not be recorded.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether the disk took what was given to it last.
    pub const fn goes_on(&self) -> bool {
        self.retry_at.is_none()
    }

    /// What was not told yet.
    pub fn take_news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    fn interrupt(&mut self, error: &io::Error) {
        self.lost += self.file.forget();
        if self.retry_at.replace(Instant::now() + RETRY_EVERY).is_none() {
            let path = self.path();
            self.news.push(format!("{}: {error}; recording goes on when the disk takes it", path.display()));
        }
    }

    fn go_on(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let number = self.number.saturating_add(1);
        let name = file_name(&self.recording, number);
        self.file = Growing::begin(&self.folder, &name, self.link, &self.source)?;
        self.number = number;
        self.kept.push_back(name);
        while self.recording.files.is_some_and(|most| self.kept.len() > most.max(1))
            && let Some(oldest) = self.kept.pop_front()
        {
            match self.folder.remove(&oldest) {
                // Somebody else removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.news.push(format!("{}: cannot be removed: {error}", oldest.display())),
                Ok(()) => {}
            }
        }
        Ok(())
    }
}

impl Recording {
    /// In words, for whoever watches.
    pub fn label(&self) -> String {
        let path = self.path.display();
        let size = |bytes: u64| format!("{} MiB", bytes >> 20);
        match (self.file_bytes, self.files) {
            (None, _) => path.to_string(),
            (Some(bytes), None) => format!("{path}, a new file every {}", size(bytes)),
            (Some(bytes), Some(files)) => format!("{path}, the last {files} files of {}", size(bytes)),
        }
    }
}

/// Of several files each has its number and its time, as dumpcap calls them: `boot_00001_20260131120000.pcapng`, in UTC.
fn file_name(recording: &Recording, number: u32) -> OsString {
    let path = &recording.path;
    if recording.file_bytes.is_none() {
        return path.file_name().unwrap_or_default().to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map_or_else(|| "pcapng".into(), std::ffi::OsStr::to_string_lossy);
    let time: String = wall_clock().to_string().chars().take(19).filter(char::is_ascii_digit).collect();
    format!("{stem}_{number:05}_{time}.{extension}").into()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::capture::{CaptureFile, FrameId, Source, Timestamp};

    fn frame(number: u64, data: &[u8]) -> Frame<'_> {
        let id = FrameId { source: 0, number };
        Frame { id, time: Timestamp::from_nanos(5), link: LinkType(1), data, original_len: 100 }
    }

    fn frames(path: &Path) -> u64 {
        let mut file = CaptureFile::open(path, 0).unwrap();
        while file.next_frame().unwrap().is_some() {}
        assert!(file.summary().warnings.iter().all(|warning| warning == "holds no frames"));
        file.summary().frames
    }

    #[test]
    fn a_recording_can_be_read_while_it_grows_and_is_never_written_over() {
        let folder = tempfile::TempDir::new().unwrap();
        let recording = Recording { path: folder.path().join("a.pcapng"), file_bytes: None, files: None };
        let mut recorder = Recorder::create(recording.clone(), LinkType(1), "eth0").unwrap();
        assert_eq!(frames(&recording.path), 0);
        recorder.frame(&frame(1, &[1; 60]));
        recorder.flush();
        assert_eq!(frames(&recording.path), 1);
        assert!(Recorder::create(recording, LinkType(1), "eth0").is_err());
    }

    #[test]
    fn the_oldest_files_go() {
        let folder = tempfile::TempDir::new().unwrap();
        let recording = Recording { path: folder.path().join("a.pcap"), file_bytes: Some(200), files: Some(2) };
        let mut recorder = Recorder::create(recording, LinkType(1), "eth0").unwrap();
        for number in 1..=10 {
            recorder.frame(&frame(number, &[1; 84]));
        }
        recorder.flush();
        let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        // 24 bytes, then 100 a frame: two frames a file.
        assert_eq!(files.iter().map(|path| frames(path)).collect::<Vec<_>>(), [2, 2]);
        let name = files[1].file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with("a_00005_2") && name.len() == "a_00005_20260131120000.pcap".len(), "{name}");
        assert_eq!(recorder.path(), files[1]);
    }
}
