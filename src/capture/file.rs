//! One capture, whatever its format and compression.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::buffer::BlockBuffer;
use super::compressed::{self, BytesRead, Compression};
use super::error::{CaptureError, Problem};
use super::format;
use super::pcap::{Located, PcapReader};
use super::pcapng::PcapNgReader;
use super::{Frame, FrameId, Loss, Place, SetBack, Source, SourceSummary, Timestamp};

/// A frame that is so much earlier than the one before it shows that the clock was set back. Frames that several processors
/// deliver come out of order by far less.
const SET_BACK: u64 = 1_000_000_000;
/// Times that a clock was set back that are kept of a source.
const MOST_SET_BACK: usize = 64;

/// A capture that is being read: a pcap or pcapng stream.
pub struct CaptureFile {
    buffer: BlockBuffer,
    format: Format,
    source: u16,
    /// What is added to the times of frames, in nanoseconds.
    shift: i64,
    summary: SourceSummary,
    located: Option<Located>,
    ended: bool,
    /// How it is compressed.
    compression: Option<Compression>,
}

enum Format {
    Pcap(PcapReader),
    PcapNg(PcapNgReader),
}

impl CaptureFile {
    /// Opens the file at `path`, or standard input where that is `-`; `source` becomes part of its frames' [`FrameId`].
    ///
    /// # Errors
    /// When the file cannot be opened, is a directory, is empty, or is no capture.
    pub fn open(path: &Path, source: u16) -> Result<Self, CaptureError> {
        Self::open_counted(path, source, &BytesRead::default())
    }

    /// The same; what is read of the file itself is added to `count`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_counted(path: &Path, source: u16, count: &BytesRead) -> Result<Self, CaptureError> {
        if is_standard_input(path) {
            let label = "standard input".to_owned();
            return Self::over(Box::new(io::stdin()), BlockBuffer::reading_ahead, label, source, count);
        }
        let label = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.is_dir(), file)));
        match opened {
            Ok((true, _)) => Err(CaptureError { path: label, problem: Problem::Directory }),
            Ok((false, file)) => Self::over(Box::new(file), BlockBuffer::reading_ahead, label, source, count),
            Err(error) => Err(CaptureError { path: label, problem: Problem::Io(error) }),
        }
    }

    /// Opens a capture wherever it is; what is read of it is added to `count`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_place(place: &Place, source: u16, count: &BytesRead) -> Result<Self, CaptureError> {
        let path = place.path();
        let open = |path: &Path| File::open(path).map(Arc::new);
        let Some(opened) = place.open_member(&open, count) else { return Self::open_counted(&path, source, count) };
        let label = path.display().to_string();
        match opened {
            Ok(reader) => Self::from_file(reader, label, source, &BytesRead::default()),
            Err(error) => Err(CaptureError { path: label, problem: Problem::Io(error) }),
        }
    }

    /// Reads a capture from a file that is open already; it may be read ahead. `label` is how messages name it; what is read of
    /// the file itself is added to `count`.
    ///
    /// # Errors
    /// When the file is empty or no capture.
    pub fn from_file(
        file: Box<dyn Read + Send>,
        label: String,
        source: u16,
        count: &BytesRead,
    ) -> Result<Self, CaptureError> {
        Self::over(file, BlockBuffer::reading_ahead, label, source, count)
    }

    /// Reads a capture from any stream, nothing of which is read before it is needed. `label` is how messages name it.
    ///
    /// # Errors
    /// When the stream is empty or no capture.
    pub fn from_reader(reader: Box<dyn Read + Send>, label: String, source: u16) -> Result<Self, CaptureError> {
        Self::over(reader, BlockBuffer::new, label, source, &BytesRead::default())
    }

    fn over(
        reader: Box<dyn Read + Send>,
        window: fn(Box<dyn Read + Send>) -> BlockBuffer,
        label: String,
        source: u16,
        count: &BytesRead,
    ) -> Result<Self, CaptureError> {
        let opened = compressed::open(reader, count).map_err(Problem::Io);
        let recognised = opened.and_then(|(reader, compression)| {
            let mut buffer = window(reader);
            match recognise(&mut buffer) {
                Ok(format) => Ok((buffer, format, compression)),
                Err(problem) => Err(explain(problem, compression.as_ref())),
            }
        });
        let (buffer, format, compression) =
            recognised.map_err(|problem| CaptureError { path: label.clone(), problem })?;
        Ok(Self {
            buffer,
            format,
            source,
            shift: 0,
            summary: SourceSummary { path: label, ..SourceSummary::default() },
            located: None,
            ended: false,
            compression,
        })
    }

    /// Moves to the next frame. A capture that is cut or damaged ends there with a warning; it is an error only when not even
    /// its first frame could be read.
    ///
    /// # Errors
    /// When nothing could be read, or the operating system fails.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, CaptureError> {
        if self.ended {
            return Ok(false);
        }
        if let Some(located) = &self.located {
            self.buffer.consume(located.total);
        }
        let next = match &mut self.format {
            Format::Pcap(reader) => reader.next(&mut self.buffer),
            Format::PcapNg(reader) => reader.next(&mut self.buffer),
        };
        match next {
            Ok(Some(located)) => {
                self.summary.frames += 1 + located.others;
                if let Some(last) = self.summary.last_time.replace(located.time) {
                    self.note_set_back(last.nanos_since(located.time));
                } else {
                    (self.summary.first_time, self.summary.link) = (Some(located.time), Some(located.link));
                }
                self.located = Some(located);
                Ok(true)
            }
            Ok(None) => {
                (self.ended, self.located) = (true, None);
                if let Format::PcapNg(reader) = &mut self.format {
                    self.summary.frames += reader.take_others();
                }
                self.note_losses();
                if self.summary.frames == 0 {
                    self.summary.warnings.push("holds no frames".to_owned());
                }
                Ok(false)
            }
            Err(problem) => self.end(problem),
        }
    }

    /// It is one of so many that may be open at once.
    pub(super) fn share_memory(&mut self, captures: usize) {
        self.buffer.share(captures);
    }

    /// The clock of the source differs from that of others: its frames get the times of theirs.
    pub(super) const fn shift_times(&mut self, nanos: i64) {
        self.shift = nanos;
    }

    /// Of a capture that is over.
    fn note_losses(&mut self) {
        let Format::PcapNg(reader) = &self.format else { return };
        let (source, shift) = (self.source, self.shift);
        let losses = reader.losses().iter();
        let moved = |loss: &Loss| Loss { source, from: loss.from.plus(shift), to: loss.to.plus(shift), ..*loss };
        self.summary.losses = losses.map(moved).collect();
        let frames = self.summary.losses.iter().fold(0_u64, |sum, loss| sum.saturating_add(loss.frames));
        if frames > 0 {
            self.summary.warnings.push(format!(
                "{frames} frames were dropped while it was recorded: files and handshakes may be incomplete"
            ));
        }
    }

    fn note_set_back(&mut self, by: u64) {
        if by > SET_BACK && self.summary.set_back.len() < MOST_SET_BACK {
            self.summary.set_back.push(SetBack { frame: self.summary.frames, by });
        }
    }

    #[cold]
    fn end(&mut self, problem: Problem) -> Result<bool, CaptureError> {
        (self.ended, self.located) = (true, None);
        self.note_losses();
        let problem = explain(problem, self.compression.as_ref());
        if self.summary.frames == 0 {
            return Err(CaptureError { path: self.summary.path.clone(), problem });
        }
        self.summary.warnings.push(format!("{problem}; read up to there: {} frames", self.summary.frames));
        Ok(false)
    }

    /// The frame that [`Self::advance`] moved to.
    #[inline]
    pub fn frame(&self) -> Option<Frame<'_>> {
        let located = self.located.as_ref()?;
        let data = self.buffer.window().get(located.start..located.start + located.len)?;
        Some(Frame {
            id: FrameId { source: self.source, number: self.summary.frames },
            time: located.time.plus(self.shift),
            link: located.link,
            data,
            original_len: located.original_len,
        })
    }

    /// Time of the frame that [`Self::advance`] moved to.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.located.as_ref().map(|located| located.time.plus(self.shift))
    }

    /// What was read so far.
    pub fn summary(&self) -> SourceSummary {
        SourceSummary { bytes: self.buffer.offset(), ..self.summary.clone() }
    }
}

impl Source for CaptureFile {
    #[inline]
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        Ok(if self.advance()? { self.frame() } else { None })
    }

    fn summaries(&self) -> Vec<SourceSummary> {
        vec![self.summary()]
    }
}

/// Whether a path stands for standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What cannot be decompressed is damage, not a fault of the system; where it is, the file's own offset says.
fn explain(problem: Problem, compression: Option<&Compression>) -> Problem {
    match (problem, compression) {
        (Problem::Io(error), Some(compression)) if error.raw_os_error().is_none() => {
            let what = compressed::in_words(&error);
            Problem::Compressed { compression: compression.name, offset: compression.taken.get(), what }
        }
        (problem, _) => problem,
    }
}

fn recognise(buffer: &mut BlockBuffer) -> Result<Format, Problem> {
    if let Some(reader) = PcapReader::open(buffer)? {
        return Ok(Format::Pcap(reader));
    }
    if let Some(reader) = PcapNgReader::open(buffer)? {
        return Ok(Format::PcapNg(reader));
    }
    if buffer.window().is_empty() {
        return Err(Problem::Empty);
    }
    let window = buffer.peek(format::LOOKED_AT)?;
    if let Some((what, way)) = format::foreign(window) {
        return Err(Problem::Foreign { what, way });
    }
    let found = window.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    Err(Problem::NotACapture { found })
}
