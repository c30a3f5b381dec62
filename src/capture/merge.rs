//! Several captures as one case, in the order of their times.
//!
//! Files are opened, looked at and closed again; each is read when the case's time reaches it. So a hundred rotated files cost
//! the memory of one, and reassembly goes on across them.

use std::path::PathBuf;

use super::{CaptureError, CaptureFile, Frame, Source, SourceSummary, Timestamp};

/// Captures that are read as one, merged by time. Frames of one file keep their order, whatever their times.
pub struct MergedCaptures<O> {
    open: O,
    sources: Vec<State>,
    /// The source whose frame was given out last.
    current: Option<usize>,
}

enum State {
    /// Not read yet: its first frame has this time.
    Waiting(PathBuf, Timestamp),
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
        for (index, path) in paths.iter().enumerate() {
            let summary = || SourceSummary { path: path.display().to_string(), ..SourceSummary::default() };
            let number = u16::try_from(index).unwrap_or(u16::MAX);
            let opened = open(path, number).and_then(|mut file| {
                file.advance()?;
                Ok(file)
            });
            sources.push(match opened {
                Ok(file) => match file.time() {
                    // One file, or a stream that cannot be opened twice, stays open.
                    Some(_) if paths.len() == 1 || !path.is_file() => State::Reading(Box::new(file)),
                    Some(time) => State::Waiting(path.clone(), time),
                    None => State::Ended(file.summary()),
                },
                Err(error) => {
                    let mut summary = summary();
                    summary.warnings.push(error.problem.to_string());
                    errors.push(error);
                    State::Ended(summary)
                }
            });
        }
        (Self { open, sources, current: None }, errors)
    }

    /// Moves the source whose frame was given out to its next frame.
    fn step(&mut self) -> Result<(), CaptureError> {
        let Some(state) = self.current.take().and_then(|index| self.sources.get_mut(index)) else {
            return Ok(());
        };
        if let State::Reading(file) = state
            && !file.advance()?
        {
            *state = State::Ended(file.summary());
        }
        Ok(())
    }

    /// The source with the earliest frame; a waiting one is opened when its turn comes.
    fn choose(&mut self) -> Result<Option<usize>, CaptureError> {
        let earliest = self
            .sources
            .iter()
            .enumerate()
            .filter_map(|(index, state)| match state {
                State::Waiting(_, time) => Some((*time, index)),
                State::Reading(file) => Some((file.time()?, index)),
                State::Ended(_) => None,
            })
            .min();
        let Some((_, index)) = earliest else { return Ok(None) };
        let Some(state) = self.sources.get_mut(index) else {
            return Ok(None);
        };
        if let State::Waiting(path, _) = state {
            let mut file = (self.open)(path, u16::try_from(index).unwrap_or(u16::MAX))?;
            *state = if file.advance()? { State::Reading(Box::new(file)) } else { State::Ended(file.summary()) };
        }
        Ok(Some(index))
    }
}

impl<O> Source for MergedCaptures<O>
where
    O: FnMut(&PathBuf, u16) -> Result<CaptureFile, CaptureError>,
{
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        self.step()?;
        let index = match self.current {
            Some(index) => Some(index),
            None => self.choose()?,
        };
        self.current = index;
        Ok(index.and_then(|index| match self.sources.get(index)? {
            State::Reading(file) => file.frame(),
            _ => None,
        }))
    }

    fn summaries(&self) -> Vec<SourceSummary> {
        self.sources
            .iter()
            .map(|state| match state {
                State::Waiting(path, _) => {
                    SourceSummary { path: path.display().to_string(), ..SourceSummary::default() }
                }
                State::Reading(file) => file.summary(),
                State::Ended(summary) => summary.clone(),
            })
            .collect()
    }
}
