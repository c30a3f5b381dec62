//! What is captured, recorded to files (`--write`).
//!
//! In: frames as they are captured. Out: captures that others read while they grow; nobody but their owner can. A recording of
//! limited size goes on in a new file, and the oldest ones go. It refuses to write over anything, and to stop the capture when the
//! disk is full.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::session::wall_clock;
use super::write::{CaptureWriter, Format};
use crate::capture::{Frame, LinkType};
use crate::private::create;

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
    link: LinkType,
    /// What the frames are of.
    source: String,
    out: CaptureWriter<BufWriter<File>>,
    /// The files so far, the oldest first.
    kept: VecDeque<PathBuf>,
    number: u32,
}

impl Recorder {
    /// Begins the first file. `link` is the link type of all frames, `source` names where they come from.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn create(recording: Recording, link: LinkType, source: &str) -> io::Result<Self> {
        let path = file_path(&recording, 1);
        let out = begin(&path, link, source)?;
        Ok(Self { recording, link, source: source.to_owned(), out, kept: VecDeque::from([path]), number: 1 })
    }

    /// Records a frame.
    ///
    /// # Errors
    /// When it cannot be written; in words that name the file.
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        if self.recording.file_bytes.is_some_and(|limit| self.out.written() >= limit) {
            self.go_on().map_err(|error| self.in_words(&error))?;
        }
        self.out.frame(frame, None).map_err(|error| self.in_words(&error))
    }

    /// Makes everything readable that was recorded.
    ///
    /// # Errors
    /// When it cannot be written; in words that name the file.
    pub fn flush(&mut self) -> Result<(), String> {
        self.out.flush().map_err(|error| self.in_words(&error))
    }

    /// The file that is written at the moment.
    pub fn path(&self) -> &Path {
        self.kept.back().unwrap_or(&self.recording.path)
    }

    fn in_words(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.path().display())
    }

    fn go_on(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.number = self.number.saturating_add(1);
        let path = file_path(&self.recording, self.number);
        self.out = begin(&path, self.link, &self.source)?;
        self.kept.push_back(path);
        while self.recording.files.is_some_and(|most| self.kept.len() > most.max(1))
            && let Some(oldest) = self.kept.pop_front()
        {
            fs::remove_file(oldest)?;
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

fn begin(path: &Path, link: LinkType, source: &str) -> io::Result<CaptureWriter<BufWriter<File>>> {
    let mut out =
        CaptureWriter::new(BufWriter::new(create(path)?), Format::of(path), link, &format!("Captured from {source}"))?;
    out.flush()?;
    Ok(out)
}

/// Of several files each has its number and its time, as dumpcap calls them: `boot_00001_20260131120000.pcapng`, in UTC.
fn file_path(recording: &Recording, number: u32) -> PathBuf {
    let path = &recording.path;
    if recording.file_bytes.is_none() {
        return path.clone();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map_or_else(|| "pcapng".into(), std::ffi::OsStr::to_string_lossy);
    let time: String = wall_clock().to_string().chars().take(19).filter(char::is_ascii_digit).collect();
    path.with_file_name(format!("{stem}_{number:05}_{time}.{extension}"))
}

#[cfg(test)]
mod tests {
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
        recorder.frame(&frame(1, &[1; 60])).unwrap();
        recorder.flush().unwrap();
        assert_eq!(frames(&recording.path), 1);
        assert!(Recorder::create(recording, LinkType(1), "eth0").is_err());
    }

    #[test]
    fn the_oldest_files_go() {
        let folder = tempfile::TempDir::new().unwrap();
        let recording = Recording { path: folder.path().join("a.pcap"), file_bytes: Some(200), files: Some(2) };
        let mut recorder = Recorder::create(recording, LinkType(1), "eth0").unwrap();
        for number in 1..=10 {
            recorder.frame(&frame(number, &[1; 84])).unwrap();
        }
        recorder.flush().unwrap();
        let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        // 24 bytes, then 100 a frame: two frames a file.
        assert_eq!(files.iter().map(|path| frames(path)).collect::<Vec<_>>(), [2, 2]);
        let name = files[1].file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with("a_00005_2") && name.len() == "a_00005_20260131120000.pcap".len(), "{name}");
        assert_eq!(recorder.path(), files[1]);
    }
}
