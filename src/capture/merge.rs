//! Several captures as one case, in the order of their times.
//!
//! Files are opened, looked at and closed again; each is read when the case's time reaches it. So a hundred rotated files cost
//! the memory of one, those that overlap share what one may take, and reassembly goes on across them. A file that cannot be read any more when its turn comes is left out
//! with a warning. Of a set whose names say in which order it was written, a file is read when the one before it is over,
//! whatever its clock says.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::path::PathBuf;

use super::{Arrangement, CaptureError, CaptureFile, Clocks, Frame, Place, Problem, Source, SourceSummary, Timestamp};

/// What a source is opened by.
pub trait Whence: Clone {
    /// How messages name it.
    fn label(&self) -> String;
    /// Whether it gives the same bytes again when it is opened again.
    fn can_be_opened_again(&self) -> bool;
}

impl Whence for PathBuf {
    fn label(&self) -> String {
        self.display().to_string()
    }

    fn can_be_opened_again(&self) -> bool {
        self.is_file()
    }
}

impl Whence for Place {
    fn label(&self) -> String {
        self.path().display().to_string()
    }

    fn can_be_opened_again(&self) -> bool {
        Self::can_be_opened_again(self)
    }
}

/// Captures that are read as one, merged by time. Frames of one file keep their order, whatever their times.
pub struct MergedCaptures<P, O> {
    open: O,
    arrangement: Arrangement,
    /// How many there are.
    captures: usize,
    /// Captures that could not be read any more when their turn came.
    late: Vec<CaptureError>,
    sources: Vec<State<P>>,
    /// Which source is read when this one is over: its time and place.
    next: BTreeMap<usize, (Timestamp, usize)>,
    /// The source whose frame was given out last.
    current: Option<usize>,
    /// The others that have frames, the one with the earliest first.
    queue: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

enum State<P> {
    /// Not read yet.
    Waiting(P),
    /// Being read; it stands at a frame.
    Reading(Box<CaptureFile>),
    Ended(Box<SourceSummary>),
}

impl<P, O> MergedCaptures<P, O>
where
    P: Whence,
    O: FnMut(&P, u16) -> Result<CaptureFile, CaptureError>,
{
    /// Looks at the first frame of every path. `open` opens a path as the source of that number. Returns the merged captures
    /// and what could not be read.
    pub fn new(paths: &[P], open: O) -> (Self, Vec<CaptureError>) {
        Self::arranged(paths, Arrangement::default(), open)
    }

    /// The same for sources of which something is known.
    pub fn arranged(paths: &[P], arrangement: Arrangement, open: O) -> (Self, Vec<CaptureError>) {
        let mut merged = Self {
            open,
            arrangement,
            captures: paths.len(),
            late: Vec::new(),
            sources: Vec::with_capacity(paths.len()),
            next: BTreeMap::new(),
            current: None,
            queue: BinaryHeap::new(),
        };
        let mut errors = Vec::new();
        let mut first_times = BTreeMap::new();
        for (index, path) in paths.iter().enumerate() {
            let state = match merged.open(path, index) {
                Ok((true, file)) => {
                    first_times.insert(index, file.time().unwrap_or_default());
                    // One file, or a stream that cannot be opened twice, stays open.
                    let stays = paths.len() == 1 || !path.can_be_opened_again();
                    if stays { State::Reading(Box::new(file)) } else { State::Waiting(path.clone()) }
                }
                Ok((false, file)) => State::Ended(Box::new(file.summary())),
                Err(error) => {
                    let ended = State::failed(path, &error);
                    errors.push((index, error));
                    ended
                }
            };
            merged.sources.push(state);
        }
        // A recorder begins its next file before there is anything to write: of a set that is a warning.
        let is_fault = |(index, error): (usize, CaptureError)| {
            let others = merged.arrangement.others_of_its_group(index);
            let of_a_set = others.is_some_and(|mut others| others.any(|other| first_times.contains_key(&other)));
            (!matches!(error.problem, Problem::Empty) || !of_a_set).then_some(error)
        };
        let errors = errors.into_iter().filter_map(is_fault).collect();
        for sequence in merged.arrangement.sequences() {
            let with_frames: Vec<usize> =
                sequence.iter().copied().filter(|index| first_times.contains_key(index)).collect();
            for pair in with_frames.windows(2) {
                let &[before, index] = pair else { continue };
                let time = first_times.remove(&index).unwrap_or_default();
                merged.next.insert(before, (time, index));
            }
        }
        merged.queue.extend(first_times.into_iter().map(|(index, time)| Reverse((time, index))));
        (merged, errors)
    }

    /// Opens a source and moves to its first frame; whether it has one.
    fn open(&mut self, path: &P, index: usize) -> Result<(bool, CaptureFile), CaptureError> {
        let number = u16::try_from(index).unwrap_or(u16::MAX);
        let mut file = (self.open)(path, number)?;
        file.shift_times(self.arrangement.shift(number));
        file.share_memory(self.captures);
        Ok((file.advance()?, file))
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
            *state = State::Ended(Box::new(summary));
        }
        self.current = None;
        self.follow(index);
    }

    /// The next file of the set, when this one is over.
    fn follow(&mut self, index: usize) {
        self.queue.extend(self.next.remove(&index).map(Reverse));
    }

    /// Captures that could not be read any more when their turn came, and were not told yet.
    pub fn take_late_errors(&mut self) -> Vec<CaptureError> {
        std::mem::take(&mut self.late)
    }

    /// The source with the earliest frame; a waiting one is opened when its turn comes.
    fn choose(&mut self) {
        while self.current.is_none()
            && let Some(Reverse((_, index))) = self.queue.pop()
        {
            if let Some(State::Waiting(path)) = self.sources.get(index) {
                let path = path.clone();
                let state = match self.open(&path, index) {
                    Ok((true, file)) => State::Reading(Box::new(file)),
                    Ok((false, file)) => State::Ended(Box::new(file.summary())),
                    Err(error) => {
                        let ended = State::failed(&path, &error);
                        self.late.push(error);
                        ended
                    }
                };
                if let Some(slot) = self.sources.get_mut(index) {
                    *slot = state;
                }
            }
            match self.sources.get(index) {
                Some(State::Reading(_)) => self.current = Some(index),
                _ => self.follow(index),
            }
        }
    }
}

impl<P: Whence> State<P> {
    fn failed(path: &P, error: &CaptureError) -> Self {
        Self::Ended(Box::new(SourceSummary {
            path: path.label(),
            warnings: vec![error.problem.to_string()],
            ..SourceSummary::default()
        }))
    }
}

impl<P, O> Source for MergedCaptures<P, O>
where
    P: Whence,
    O: FnMut(&P, u16) -> Result<CaptureFile, CaptureError>,
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
        let summary = |state: &State<P>| match state {
            State::Waiting(path) => SourceSummary { path: path.label(), ..SourceSummary::default() },
            State::Reading(file) => file.summary(),
            State::Ended(summary) => (**summary).clone(),
        };
        let mut summaries: Vec<_> = self.sources.iter().map(summary).collect();
        self.arrangement.note_in(&mut summaries);
        summaries
    }

    fn clocks(&self) -> Clocks {
        self.arrangement.clocks(&self.summaries())
    }
}
