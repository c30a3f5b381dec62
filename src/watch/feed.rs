//! Frames on their way from a capture thread to the engine: in batches, through a bounded queue.
//!
//! What happens when the queue is full: the thread that captures from an interface never waits. It drops the batch and counts its
//! frames, and views show the count beside the kernel's. A thread that reads a stream waits. For files there is no queue: the
//! engine reads them itself, as fast as it can work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::message::Drops;
use crate::capture::{Frame, FrameId, LinkType, Loss, Losses, Timestamp};

/// Batches that wait at most. With [`BATCH_BYTES`] it bounds the queue to 32 MiB and a little.
const MOST_BATCHES: usize = 128;
/// A batch is sent on when it holds so many bytes.
const BATCH_BYTES: usize = 256 << 10;
/// A batch is sent on when it holds so many frames.
const BATCH_FRAMES: usize = 1024;

/// Frames captured one after the other.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    frames: Vec<Captured>,
}

#[derive(Debug, Clone, Copy)]
struct Captured {
    id: FrameId,
    time: Timestamp,
    link: LinkType,
    start: usize,
    len: usize,
    original_len: u32,
}

impl Batch {
    /// Adds a frame.
    pub fn push(&mut self, frame: &Frame<'_>) {
        let &Frame { id, time, link, data, original_len } = frame;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(data);
        self.frames.push(Captured { id, time, link, start, len: data.len(), original_len });
    }

    /// Whether it is to be sent on.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH_BYTES || self.frames.len() >= BATCH_FRAMES
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// How many frames it holds.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Its frames.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.frames.iter().filter_map(|captured| {
            let &Captured { id, time, link, start, len, original_len } = captured;
            let data = self.bytes.get(start..start.checked_add(len)?)?;
            Some(Frame { id, time, link, data, original_len })
        })
    }

    /// What it means to lose it.
    fn loss(&self) -> Option<Loss> {
        let times = self.frames.iter().map(|frame| frame.time);
        let source = self.frames.first()?.id.source;
        Some(Loss { source, from: times.clone().min()?, to: times.max()?, frames: self.frames.len() as u64 })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
    }
}

/// What comes out of the queue.
#[derive(Debug)]
pub enum Fed {
    /// Frames.
    Batch(Batch),
    /// No more come: a reason where that is a fault, such as an interface that vanished.
    Ended(Option<String>),
}

/// Counted by the capture thread, read by views.
#[derive(Debug, Default)]
pub struct LiveCounters {
    /// Frames that were captured.
    pub captured: AtomicU64,
    /// Frames that the kernel dropped because its buffer was full.
    pub kernel_dropped: AtomicU64,
    /// Frames that the interface or its driver dropped.
    pub interface_dropped: AtomicU64,
    /// Frames dropped because the queue was full.
    pub queue_dropped: AtomicU64,
    /// Frames that could not be recorded (`--write`).
    pub unrecorded: AtomicU64,
    /// Whether the disk does not take what is recorded at the moment.
    pub recording_failed: AtomicBool,
    warnings: Mutex<Vec<String>>,
    losses: Mutex<Losses>,
    stop: Arc<AtomicBool>,
}

/// Warnings that are kept: more say nothing new.
const MOST_WARNINGS: usize = 64;

impl LiveCounters {
    /// Asks the capture thread to end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// What was lost so far.
    pub fn drops(&self) -> Drops {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Drops {
            kernel: count(&self.kernel_dropped),
            interface: count(&self.interface_dropped),
            queue: count(&self.queue_dropped),
            unrecorded: count(&self.unrecorded),
        }
    }

    /// The same flag, for whoever knows nothing of counters.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Frames were lost.
    pub fn lose(&self, loss: Loss) {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).add(loss);
    }

    /// What was lost since this was asked last, and when.
    pub fn take_losses(&self) -> Vec<Loss> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Says something that a reader of the report must know.
    pub fn warn(&self, text: String) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if warnings.len() < MOST_WARNINGS && !warnings.contains(&text) {
            warnings.push(text);
        }
    }

    /// What was said so.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The capture thread's end of the queue.
#[derive(Debug)]
pub struct Feeder {
    queue: Sender<Fed>,
    emptied: Receiver<Batch>,
    counters: Arc<LiveCounters>,
}

/// The engine's end of the queue.
#[derive(Debug)]
pub struct Feed {
    queue: Receiver<Fed>,
    emptied: Sender<Batch>,
    /// What the capture thread counts.
    pub counters: Arc<LiveCounters>,
}

/// A queue for frames.
pub fn feed() -> (Feeder, Feed) {
    let (queue, out) = bounded(MOST_BATCHES);
    let (give_back, emptied) = bounded(MOST_BATCHES);
    let counters = Arc::new(LiveCounters::default());
    let feeder = Feeder { queue, emptied, counters: Arc::clone(&counters) };
    (feeder, Feed { queue: out, emptied: give_back, counters })
}

impl Feeder {
    /// What is counted.
    pub const fn counters(&self) -> &Arc<LiveCounters> {
        &self.counters
    }

    /// Sends a batch on, or drops and counts it. Returns an empty one for the next, and whether anybody still listens.
    pub fn send(&self, batch: Batch) -> (Batch, bool) {
        let empty = || self.emptied.try_recv().unwrap_or_default();
        match self.queue.try_send(Fed::Batch(batch)) {
            Ok(()) | Err(TrySendError::Full(Fed::Ended(_))) => (empty(), true),
            Err(TrySendError::Full(Fed::Batch(mut batch))) => {
                self.counters.queue_dropped.fetch_add(batch.len() as u64, Ordering::Relaxed);
                batch.loss().into_iter().for_each(|loss| self.counters.lose(loss));
                batch.clear();
                (batch, true)
            }
            Err(TrySendError::Disconnected(_)) => (Batch::default(), false),
        }
    }

    /// Sends a batch on and waits until there is room for it. Returns the same as [`Self::send`].
    pub fn send_waiting(&self, batch: Batch) -> (Batch, bool) {
        let listens = self.queue.send(Fed::Batch(batch)).is_ok();
        (self.emptied.try_recv().unwrap_or_default(), listens)
    }

    /// Says that no more frames come.
    pub fn end(&self, fault: Option<String>) {
        // Nobody listens any more: then nobody has to be told.
        let _ = self.queue.send(Fed::Ended(fault));
    }
}

impl Feed {
    /// The queue itself, to wait for it together with others.
    pub const fn queue(&self) -> &Receiver<Fed> {
        &self.queue
    }

    /// Gives an emptied batch back for reuse.
    pub fn give_back(&self, mut batch: Batch) {
        batch.clear();
        // Where enough of them wait already, this one is not needed.
        let _ = self.emptied.try_send(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(frames: u64) -> Batch {
        let mut batch = Batch::default();
        (0..frames).for_each(|number| batch.push(&frame(number, 0, &[1, 2, 3])));
        batch
    }

    fn frame(number: u64, nanos: i64, data: &[u8]) -> Frame<'_> {
        let id = FrameId { source: 0, number };
        Frame { id, time: Timestamp::from_nanos(nanos), link: LinkType(113), data, original_len: 60 }
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let (feeder, feed) = feed();
        for _ in 0..MOST_BATCHES + 3 {
            assert!(feeder.send(batch(2)).1);
        }
        assert_eq!(feeder.counters().queue_dropped.load(Ordering::Relaxed), 6);
        let losses = feed.counters.take_losses();
        assert_eq!(losses.iter().map(|loss| loss.frames).sum::<u64>(), 6);
        assert!(matches!(feed.queue().recv(), Ok(Fed::Batch(batch)) if batch.len() == 2));
        drop(feed);
        assert!(!feeder.send(batch(1)).1, "nobody listens");
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let mut batch = Batch::default();
        batch.push(&frame(7, 5, &[9; 4]));
        let frame = batch.frames().next().unwrap();
        assert_eq!(frame.link, LinkType(113));
        assert_eq!((frame.id.number, frame.time.nanos(), frame.data, frame.original_len), (7, 5, &[9; 4][..], 60));
        assert!(!batch.is_full() && !batch.is_empty());
    }
}
