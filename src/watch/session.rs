//! One session of watching: an input, the board that it fills, references, and what was counted.
//!
//! Whoever owns a session drives it from one thread: the engine thread behind the dashboard, or the headless stream itself.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::board::Board;
use super::export::{self, Exported, Exports, Request as ExportRequest};
use super::feed::{Batch, Fed, Feed};
use super::keep::FrameStore;
use super::message::{Drops, Note, Status};
use crate::capture::{CaptureError, Clocks, Frame, Source, SourceSummary, Timestamp};
use crate::engine::Limits;
use crate::phone::{FileKind, PhoneKey};
use crate::report;
use crate::trust::Reference;
use crate::words::Told;

/// Reads the captures from their beginning again, for exports.
pub type Reopen = Box<dyn Fn() -> Result<Box<dyn Source + Send>, String> + Send>;

/// Where frames come from.
pub enum Input {
    /// Captures.
    Files {
        /// The captures.
        source: Box<dyn Source + Send>,
        /// How many bytes there are, where that is known.
        total: Option<u64>,
        /// Opens them once more; `None` where that cannot be done, as for standard input.
        reopen: Option<Reopen>,
    },
    /// An interface.
    Live(Feed),
    /// Standard input, or a growing file: read in a thread of its own, because it comes when it comes.
    Stream(Feed),
}

/// References, and how to read them again.
pub struct References {
    /// Reads what was given by option.
    pub load: Box<dyn Fn() -> Result<Vec<Reference>, String> + Send>,
    /// What was read.
    pub given: Vec<Reference>,
}

/// What a session is started with.
pub struct Setup {
    /// What is read, in words: a file or an interface.
    pub label: String,
    /// Where frames come from.
    pub input: Input,
    /// References.
    pub references: References,
    /// What only the engineer knows.
    pub told: Told,
    /// What everything may cost, and which ports are examined.
    pub limits: Limits,
    /// Where exports go.
    pub export_to: Exports,
    /// Where frames are recorded to, in words.
    pub recording: Option<String>,
    /// What became of the privileges that capturing needs, in words.
    pub privileges: Option<String>,
}

/// One session.
pub struct Session {
    /// The phones.
    pub board: Board,
    label: String,
    input: Input,
    references: References,
    /// Lists of phones that were taken as references.
    marked: Vec<Reference>,
    store: Option<FrameStore>,
    /// Where exports go.
    pub export_to: Exports,
    recording: Option<String>,
    privileges: Option<String>,
    frames: u64,
    bytes: u64,
    first_time: Option<Timestamp>,
    last_time: Option<Timestamp>,
    ended: bool,
    fault: Option<String>,
    rate: Rate,
    last_frame_at: Instant,
    /// When time went on without a frame.
    ticked_at: Instant,
}

/// Frames in the last second.
struct Rate {
    since: Instant,
    frames: u64,
    last: u64,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There may be more.
    More,
    /// There is nothing at the moment.
    Idle,
    /// No more frames come.
    Ended,
}

/// Frames of a file that are read in one go before anything else gets its turn.
const FRAMES_A_STEP: usize = 2048;
/// Without a frame for so long, the clock of the capture goes on by the clock of the machine.
const QUIET: Duration = Duration::from_millis(500);
/// A stream that is silent may be held up on its way for so long.
const HELD_UP: Duration = Duration::from_secs(10);

impl Session {
    /// Begins.
    pub fn new(setup: Setup) -> Self {
        let Setup { label, input, references, told, limits, export_to, recording, privileges } = setup;
        let board = Board::new(&limits, references.given.clone(), told);
        let keeps = match &input {
            Input::Live(_) | Input::Stream(_) | Input::Files { reopen: None, .. } => true,
            Input::Files { .. } => false,
        };
        let now = Instant::now();
        Self {
            board,
            label,
            input,
            references,
            marked: Vec::new(),
            store: keeps.then(|| FrameStore::new(&limits.dissect.ports)),
            export_to,
            recording,
            privileges,
            frames: 0,
            bytes: 0,
            first_time: None,
            last_time: None,
            ended: false,
            fault: None,
            rate: Rate { since: now, frames: 0, last: 0 },
            last_frame_at: now,
            ticked_at: now,
        }
    }

    /// The queue of an input that has one, to wait for it.
    pub const fn feed(&self) -> Option<&Feed> {
        match &self.input {
            Input::Live(feed) | Input::Stream(feed) => Some(feed),
            Input::Files { .. } => None,
        }
    }

    /// Whether no more frames come.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Why no more frames come, where that is a fault.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// What the recording lacks, where it lacks anything: in words, and whether it ended before the capture did.
    pub fn unrecorded(&self) -> Option<(String, bool)> {
        let counters = &self.feed()?.counters;
        let ended = counters.recording_failed.load(Ordering::Relaxed);
        let frames = counters.drops().unrecorded;
        let what = if ended { "ended before the capture did, and lacks" } else { "lacks" };
        (frames > 0).then(|| (format!("the recording {what} {frames} frames"), ended))
    }

    /// Reads on in a file, or takes what waits in the queue.
    pub fn step(&mut self) -> Step {
        if self.ended {
            return Step::Ended;
        }
        match &mut self.input {
            Input::Files { .. } => self.read_on(),
            Input::Live(feed) | Input::Stream(feed) => match feed.queue().try_recv() {
                Ok(fed) => self.take(fed),
                Err(crossbeam_channel::TryRecvError::Empty) => {
                    self.quiet();
                    Step::Idle
                }
                Err(crossbeam_channel::TryRecvError::Disconnected) => self.end(None),
            },
        }
    }

    /// Takes what came out of the queue.
    pub fn take(&mut self, fed: Fed) -> Step {
        match fed {
            Fed::Batch(batch) => {
                self.take_batch(&batch);
                if let Some(feed) = self.feed() {
                    feed.give_back(batch);
                }
                self.take_losses();
                Step::More
            }
            Fed::Ended(fault) => self.end(fault),
        }
    }

    /// Hands on when frames were lost, and how many.
    fn take_losses(&mut self) {
        let losses = self.feed().map(|feed| feed.counters.take_losses()).unwrap_or_default();
        for loss in losses {
            self.board.lose(loss);
        }
    }

    fn take_batch(&mut self, batch: &Batch) {
        for frame in batch.frames() {
            self.first_time.get_or_insert(frame.time);
            self.last_time = Some(frame.time);
            self.frames += 1;
            self.bytes += frame.data.len() as u64;
            if let Some(store) = &mut self.store {
                store.offer(&frame);
            }
            self.board.push(&frame);
        }
        self.last_frame_at = Instant::now();
    }

    /// Nothing comes: time goes on all the same, so that what waits for an answer ends. A stream may be of another day, and may have
    /// been held up on its way: its time goes on from its last frame, and later.
    fn quiet(&mut self) {
        let Some(last) = self.last_time else { return };
        let silent = self.last_frame_at.elapsed();
        if silent < QUIET || self.ticked_at.elapsed() < QUIET {
            return;
        }
        self.ticked_at = Instant::now();
        let live = matches!(self.input, Input::Live(_));
        let held_up = silent.saturating_sub(HELD_UP).as_nanos();
        let later = Timestamp::from_nanos(last.nanos().saturating_add(i64::try_from(held_up).unwrap_or(i64::MAX)));
        self.board.tick(if live { wall_clock() } else { later });
    }

    fn read_on(&mut self) -> Step {
        let Input::Files { source, .. } = &mut self.input else { return Step::Ended };
        self.board.set_clocks(source.clocks(), source.summaries().len() > 1);
        for _ in 0..FRAMES_A_STEP {
            match source.next_frame() {
                Ok(Some(frame)) => {
                    self.frames += 1;
                    self.first_time.get_or_insert(frame.time);
                    self.last_time = Some(frame.time);
                    if let Some(store) = &mut self.store {
                        store.offer(&frame);
                    }
                    self.board.push(&frame);
                }
                Ok(None) => return self.end(None),
                Err(error) => return self.end(Some(error.to_string())),
            }
        }
        Step::More
    }

    fn end(&mut self, fault: Option<String>) -> Step {
        self.ended = true;
        self.fault = fault;
        self.take_losses();
        if let Input::Files { source, .. } = &self.input {
            source.summaries().into_iter().flat_map(|source| source.losses).for_each(|loss| self.board.lose(loss));
        }
        self.board.finish();
        Step::Ended
    }

    /// Stops a capture thread and takes what is still in the queue.
    pub fn stop(&mut self) {
        // Whoever reads a stream may wait for it without end: a moment is enough for what was read.
        let patience = if matches!(self.input, Input::Stream(_)) { 300 } else { 600 };
        if let Some(feed) = self.feed() {
            feed.counters.stop();
            let queue = feed.queue().clone();
            let until = Instant::now() + Duration::from_millis(patience);
            while !self.ended {
                match queue.recv_deadline(until) {
                    Ok(fed) => {
                        self.take(fed);
                    }
                    Err(_) => break,
                }
            }
        }
        if !self.ended {
            self.end(None);
        }
    }

    /// How things stand.
    pub fn status(&mut self) -> Status {
        let elapsed = self.rate.since.elapsed();
        if elapsed >= Duration::from_secs(1) {
            let frames = self.frames.saturating_sub(self.rate.frames);
            let millis = u64::try_from(elapsed.as_millis()).unwrap_or(1).max(1);
            self.rate = Rate { since: Instant::now(), frames: self.frames, last: frames.saturating_mul(1000) / millis };
        }
        let mut status = Status {
            source: self.label.clone(),
            ended: self.ended,
            frames: self.frames,
            rate: if self.ended { 0 } else { self.rate.last },
            first_time: self.first_time,
            last_time: self.last_time,
            references: self.board.case().references.iter().map(in_words).collect(),
            backlog: self.board.backlog(),
            recording: self.recording.clone(),
            privileges: self.privileges.clone(),
            ..Status::default()
        };
        let captures = match &self.input {
            Input::Live(feed) | Input::Stream(feed) => {
                status.live = matches!(self.input, Input::Live(_));
                status.drops = feed.counters.drops();
                status.warnings.extend(feed.counters.warnings());
                1
            }
            Input::Files { source, total, .. } => {
                let summaries = source.summaries();
                let read: u64 = summaries.iter().map(|summary| summary.bytes).sum();
                let percent =
                    |total: u64| u8::try_from(read.saturating_mul(100) / total.max(1)).unwrap_or(100).min(100);
                status.progress = if self.ended { None } else { total.map(percent) };
                let warnings = summaries.iter().flat_map(|summary| {
                    summary.warnings.iter().map(move |warning| format!("{}: {warning}", summary.path))
                });
                status.warnings.extend(warnings);
                summaries.len()
            }
        };
        let mut sources = vec![SourceSummary::default(); captures];
        let notes = report::tell_left_out(self.board.engine(), &mut sources);
        status.warnings.extend(sources.into_iter().flat_map(|source| source.warnings).chain(notes));
        status.warnings.extend(self.fault.iter().cloned());
        status
    }

    /// What was read, for reports.
    pub fn summaries(&self) -> Vec<SourceSummary> {
        match &self.input {
            Input::Files { source, .. } => source.summaries(),
            Input::Live(feed) | Input::Stream(feed) => {
                let mut warnings = feed.counters.warnings();
                let Drops { kernel, interface, queue, unrecorded: _ } = feed.counters.drops();
                let lost = [(kernel, "the kernel"), (interface, "the interface"), (queue, "this program")];
                warnings.extend(lost.into_iter().filter(|&(frames, _)| frames > 0).map(|(frames, who)| {
                    format!("{who} dropped {frames} frames: files and handshakes may be incomplete")
                }));
                warnings.extend(self.fault.iter().cloned());
                vec![SourceSummary {
                    path: self.label.clone(),
                    frames: self.frames,
                    bytes: self.bytes,
                    first_time: self.first_time,
                    last_time: self.last_time,
                    warnings,
                    ..SourceSummary::default()
                }]
            }
        }
    }

    /// The same with what was left out of each, and what else was left out.
    pub fn summaries_and_notes(&self) -> (Vec<SourceSummary>, Vec<String>) {
        let mut sources = self.summaries();
        let mut notes = report::tell_sources(&sources, &self.clocks());
        notes.extend(report::tell_left_out(self.board.engine(), &mut sources));
        (sources, notes)
    }

    /// Which moments of what was read can be ordered.
    pub fn clocks(&self) -> Clocks {
        match &self.input {
            Input::Files { source, .. } => source.clocks(),
            Input::Live(_) | Input::Stream(_) => Clocks::one(),
        }
    }

    /// Reads the references again.
    pub fn reload(&mut self) -> Note {
        match (self.references.load)() {
            Ok(references) => {
                self.references.given = references;
                self.apply_references();
                match self.references.given.len() {
                    0 => Note::failed("no reference was given with -r, so there is none to read again"),
                    1 => Note::done("the reference was read again"),
                    number => Note::done(format!("{number} references were read again")),
                }
            }
            Err(error) => Note::failed(format!("references stay as they were: {error}")),
        }
    }

    /// Takes the list that this phone downloaded last as a reference for its TFTP server, or no longer, where it is one.
    pub fn mark(&mut self, key: &PhoneKey) -> Note {
        let Some(phone) = self.board.engine().roster().find(key) else {
            return Note::failed("this phone is gone");
        };
        let Some((download, served)) =
            phone.last_list(FileKind::Itl).and_then(|download| Some((download, download.list.as_ref()?)))
        else {
            return Note::failed("no complete ITL of this phone was captured");
        };
        let server = download.server.ip();
        let known = |reference: &Reference| reference.server == Some(server) && reference.sha1 == served.list.sha1;
        let before = self.marked.len();
        self.marked.retain(|reference| !known(reference));
        let note = if self.marked.len() < before {
            Note::done(format!("the list of {} is no reference any more", phone.label()))
        } else {
            // One marked list for each server: the last one counts.
            self.marked.retain(|reference| reference.server != Some(server));
            let path = format!("the list of {}", phone.label());
            self.marked.push(Reference::from_list(&path, Some(server), served.list.clone()));
            Note::done(format!("{path} is the reference for {server} now"))
        };
        self.apply_references();
        note
    }

    fn apply_references(&mut self) {
        // A list that was marked stands for its server, whatever was given by option.
        let superseded = |reference: &&Reference| {
            !(reference.server.is_some() && self.marked.iter().any(|marked| marked.server == reference.server))
        };
        let given = self.references.given.iter().filter(superseded);
        let references = given.chain(&self.marked).cloned().collect();
        self.board.set_references(references);
    }

    /// Keeps a file beside the exports.
    ///
    /// # Errors
    /// In words.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.export_to.keep(name, bytes)
    }

    /// Writes a phone's report and its frames to files.
    ///
    /// # Errors
    /// In words.
    pub fn export(&mut self, key: &PhoneKey, contents: bool) -> Result<Exported, String> {
        let (phone, _) = self.board.phone(key).ok_or("this phone is gone")?;
        let request = ExportRequest {
            phone: &phone,
            case: self.board.case(),
            sources: self.summaries(),
            folder: &self.export_to,
            contents,
            time: wall_clock(),
        };
        match (&self.input, &self.store) {
            (Input::Files { reopen: Some(reopen), .. }, _) => {
                let mut source = reopen()?;
                export::write(&request, &mut |take: &mut dyn FnMut(&Frame<'_>)| {
                    let failed = |error: CaptureError| error.to_string();
                    while let Some(frame) = source.next_frame().map_err(failed)? {
                        take(&frame);
                    }
                    Ok(())
                })
            }
            (_, Some(store)) => export::write(&request, &mut |take: &mut dyn FnMut(&Frame<'_>)| {
                store.frames_of(&phone.addresses).iter().for_each(take);
                Ok(())
            }),
            _ => Err("no frames are kept".to_owned()),
        }
    }
}

/// What is on the clock of the machine.
pub(super) fn wall_clock() -> Timestamp {
    let nanos = jiff::Timestamp::now().as_nanosecond();
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

fn in_words(reference: &Reference) -> String {
    let server = reference.server.map(|server| format!(" for {server}")).unwrap_or_default();
    format!("{}{server}", reference.path)
}
