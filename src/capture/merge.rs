//! Several captures as one case, in the order of their times.
//!
//! Files are opened, looked at and closed again; each is read when the case's time reaches it. So a hundred rotated files cost
//! the memory of one, and reassembly goes on across them. A file that cannot be read any more when its turn comes is left out
//! with a warning.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;

use super::{CaptureError, CaptureFile, Frame, Source, SourceSummary, Timestamp};

/// Captures that are read as one, merged by time. Frames of one file keep their order, whatever their times.
pub struct MergedCaptures<O> {
    open: O,
    sources: Vec<State>,
    /// The source whose frame was given out last.
    current: Option<usize>,
    /// The others that have frames, the one with the earliest first.
    queue: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

enum State {
    /// Not read yet.
    Waiting(PathBuf),
    /// Being read; it stands at a frame.
    Reading(Box<CaptureFile>),
    Ended(SourceSummary),
}

impl<O> MergedCaptures<O>
where
    O: FnMut(&PathBuf, u16) -> Result<CaptureFile, CaptureError>,
{
    /// Looks at the first frame of every path. `open` opens a path as the source of that number. Returns the merged captures
    /// and what could not be read.
    pub fn new(paths: &[PathBuf], mut open: O) -> (Self, Vec<CaptureError>) {
        let mut errors = Vec::new();
        let mut sources = Vec::with_capacity(paths.len());
        let mut queue = BinaryHeap::new();
        for (index, path) in paths.iter().enumerate() {
            let number = u16::try_from(index).unwrap_or(u16::MAX);
            let opened = open(path, number).and_then(|mut file| {
                file.advance()?;
                Ok(file)
            });
            sources.push(match opened {
                Ok(file) => match file.time() {
                    Some(time) => {
                        queue.push(Reverse((time, index)));
                        // One file, or a stream that cannot be opened twice, stays open.
                        let stays = paths.len() == 1 || !path.is_file();
                        if stays { State::Reading(Box::new(file)) } else { State::Waiting(path.clone()) }
                    }
                    None => State::Ended(file.summary()),
                },
                Err(error) => {
                    let ended = State::failed(path, &error);
                    errors.push(error);
                    ended
                }
            });
        }
        (Self { open, sources, current: None, queue }, errors)
    }

    /// Moves the source whose frame was given out to its next frame. It stays the current one as long as no other has an
    /// earlier frame.
    fn step(&mut self) {
        let Some(index) = self.current else { return };
        let Some(State::Reading(file)) = self.sources.get_mut(index) else {
            self.current = None;
            return;
        };
        match file.advance() {
            Ok(true) => {
                let time = file.time().unwrap_or_default();
                if self.queue.peek().is_some_and(|&Reverse(other)| other < (time, index)) {
                    self.queue.push(Reverse((time, index)));
                    self.current = None;
                }
            }
            Ok(false) => {
                let summary = file.summary();
                self.end(index, summary);
            }
            Err(error) => {
                let mut summary = file.summary();
                summary.warnings.push(error.problem.to_string());
                self.end(index, summary);
            }
        }
    }

    fn end(&mut self, index: usize, summary: SourceSummary) {
        if let Some(state) = self.sources.get_mut(index) {
            *state = State::Ended(summary);
        }
        self.current = None;
    }

    /// The source with the earliest frame; a waiting one is opened when its turn comes.
    fn choose(&mut self) {
        while self.current.is_none()
            && let Some(Reverse((_, index))) = self.queue.pop()
        {
            let Some(state) = self.sources.get_mut(index) else { continue };
            if let State::Waiting(path) = state {
                let number = u16::try_from(index).unwrap_or(u16::MAX);
                let opened = (self.open)(path, number).and_then(|mut file| Ok((file.advance()?, file)));
                *state = match opened {
                    Ok((true, file)) => State::Reading(Box::new(file)),
                    Ok((false, file)) => State::Ended(file.summary()),
                    Err(error) => State::failed(path, &error),
                };
            }
            if matches!(state, State::Reading(_)) {
                self.current = Some(index);
            }
        }
    }
}

impl State {
    fn failed(path: &std::path::Path, error: &CaptureError) -> Self {
        Self::Ended(SourceSummary {
            path: path.display().to_string(),
            warnings: vec![error.problem.to_string()],
            ..SourceSummary::default()
        })
    }
}

impl<O> Source for MergedCaptures<O>
where
    O: FnMut(&PathBuf, u16) -> Result<CaptureFile, CaptureError>,
{
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        self.step();
        if self.current.is_none() {
            self.choose();
        }
        Ok(self.current.and_then(|index| match self.sources.get(index)? {
            State::Reading(file) => file.frame(),
            _ => None,
        }))
    }

    fn summaries(&self) -> Vec<SourceSummary> {
        self.sources
            .iter()
            .map(|state| match state {
                State::Waiting(path) => SourceSummary { path: path.display().to_string(), ..SourceSummary::default() },
                State::Reading(file) => file.summary(),
                State::Ended(summary) => summary.clone(),
            })
            .collect()
    }
}
