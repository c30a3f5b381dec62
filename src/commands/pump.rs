//! Frames from a source into the engine.
//!
//! In: a [`Source`] and an [`Engine`]. Out: the engine, fed. A small capture is read on the spot. Where there is more, one
//! thread reads and throws away what a glance at the headers dismisses, and the engine takes the rest from it in batches: the
//! frames that count are copied once, into memory that goes back and forth between the two and is never more than a few
//! batches. It refuses to know what the frames hold.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::capture::{CaptureError, Frame, FrameId, LinkType, Source, Timestamp};
use crate::engine::Engine;
use crate::packet::glance;

/// Captured bytes that are read before a thread is worth its start.
const ON_THE_SPOT: u64 = 2 << 20;
/// A batch is handed over when it has so many bytes, or so many entries, or so many frames were read for it.
const BATCH_BYTES: usize = 192 << 10;
const BATCH_ENTRIES: usize = 1024;
const BATCH_FRAMES: u64 = 1 << 15;
/// Batches between reader and engine, those in work included.
const BATCHES: usize = 4;
/// Dismissed frames still tell the time, this often: nanoseconds of capture time.
const TELL_TIME_EVERY: u64 = 100_000_000;

/// How far reading got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Frames read, dismissed ones included.
    pub(super) frames: u64,
    /// Captured bytes of these frames.
    pub(super) bytes: u64,
}

/// Feeds all frames of `source` to `engine`; `told` is called every now and then, with the engine as it stands.
///
/// # Errors
/// Those of the source. What was read before the error is in the engine.
pub(super) fn pump<S: Source + Send>(
    source: &mut S,
    engine: &mut Engine,
    told: &mut dyn FnMut(Progress, &mut Engine),
) -> Result<(), CaptureError> {
    let mut progress = Progress::default();
    while progress.bytes < ON_THE_SPOT {
        let Some(frame) = source.next_frame()? else {
            told(progress, engine);
            return Ok(());
        };
        progress.count(&frame);
        engine.push(&frame);
    }
    told(progress, engine);
    let (full, batches) = sync_channel(BATCHES);
    let (empty, room) = sync_channel(BATCHES);
    for _ in 0..BATCHES {
        // There is room for all of them.
        let _ = empty.send(Batch::new());
    }
    thread::scope(|scope| {
        let reader = scope.spawn(move || Reader { source, progress, told: Timestamp::default() }.run(&full, &room));
        for mut batch in batches {
            batch.deliver(engine);
            told(batch.progress, engine);
            batch.clear();
            // The reader may be through and gone.
            let _ = empty.send(batch);
        }
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Progress {
    #[inline]
    const fn count(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        self.bytes += frame.data.len() as u64;
    }
}

/// Frames on their way, their bytes one after the other.
struct Batch {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    progress: Progress,
}

enum Entry {
    Frame {
        id: FrameId,
        time: Timestamp,
        link: LinkType,
        original_len: u32,
        length: u32,
    },
    /// Frames that do not matter came up to this time.
    Time(Timestamp),
}

impl Batch {
    fn new() -> Self {
        let (entries, bytes) = (Vec::with_capacity(BATCH_ENTRIES), Vec::with_capacity(BATCH_BYTES));
        Self { entries, bytes, progress: Progress::default() }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.bytes.clear();
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH_BYTES || self.entries.len() >= BATCH_ENTRIES
    }

    #[inline]
    fn add(&mut self, frame: &Frame<'_>) {
        let &Frame { id, time, link, data, original_len } = frame;
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(data);
        self.entries.push(Entry::Frame { id, time, link, original_len, length });
    }

    fn deliver(&self, engine: &mut Engine) {
        let mut rest = &self.bytes[..];
        for entry in &self.entries {
            match *entry {
                Entry::Frame { id, time, link, original_len, length } => {
                    let (data, after) = rest.split_at((length as usize).min(rest.len()));
                    rest = after;
                    engine.push_glanced_at(&Frame { id, time, link, data, original_len });
                }
                Entry::Time(time) => engine.pass(time),
            }
        }
    }
}

/// The reading side.
struct Reader<'s, S> {
    source: &'s mut S,
    progress: Progress,
    /// The time of the last entry.
    told: Timestamp,
}

impl<S: Source> Reader<'_, S> {
    fn run(mut self, full: &SyncSender<Batch>, room: &Receiver<Batch>) -> Result<(), CaptureError> {
        loop {
            // Without an engine on the other side there is nothing to read for.
            let Ok(mut batch) = room.recv() else { return Ok(()) };
            let more = self.fill(&mut batch);
            batch.progress = self.progress;
            if full.send(batch).is_err() || !more? {
                return Ok(());
            }
        }
    }

    /// Reads until the batch is full. Returns whether there may be more.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, CaptureError> {
        let until = self.progress.frames + BATCH_FRAMES;
        while self.progress.frames < until && !batch.is_full() {
            let Some(frame) = self.source.next_frame()? else { return Ok(false) };
            self.progress.count(&frame);
            if glance::may_matter(frame.link, frame.data) {
                batch.add(&frame);
            } else if frame.time.nanos_since(self.told) >= TELL_TIME_EVERY {
                batch.entries.push(Entry::Time(frame.time));
            } else {
                continue;
            }
            self.told = frame.time;
        }
        Ok(true)
    }
}
