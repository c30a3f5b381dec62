//! The thread that captures from an interface.
//!
//! In: an open interface, and perhaps a recording. Out: frames in the queue, and counts of what was lost. It never waits for the
//! engine: what the queue does not take is counted and gone, but recorded all the same. It writes the recording itself: a disk
//! that is slow for a moment is what the kernel's buffer is for, and one that is full costs the recording, not the capture.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Builder;
use std::time::Duration;

use super::feed::{Batch, Feed, Feeder, LiveCounters, feed};
use super::record::Recorder;
use crate::capture::live::{BLOCK, LiveCapture};
use crate::capture::{Frame, FrameId};

/// Waiting for frames, before anything else is looked at.
const WAIT: Duration = Duration::from_millis(250);
/// Frames that are taken in one go.
const MOST_FRAMES: usize = 4096;

/// Starts to capture.
///
/// # Errors
/// When the system gives no thread.
pub fn capture(capture: LiveCapture, recorder: Option<Recorder>) -> io::Result<Feed> {
    let (feeder, feed) = feed();
    let counters = Arc::clone(feeder.counters());
    let live = Live { capture, recorder, feeder, counters, batch: Batch::default(), heard: true };
    Builder::new().name("capture".to_owned()).spawn(move || live.run())?;
    Ok(feed)
}

struct Live {
    capture: LiveCapture,
    recorder: Option<Recorder>,
    feeder: Feeder,
    counters: Arc<LiveCounters>,
    batch: Batch,
    /// Whether anybody still listens.
    heard: bool,
}

impl Live {
    fn run(mut self) {
        let mut number = 0;
        let fault = loop {
            let stopping = self.counters.is_stopped();
            if stopping {
                // What came before is still handed over by the kernel.
                std::thread::sleep(BLOCK + BLOCK / 4);
            } else {
                self.capture.wait(WAIT);
            }
            if let Err(fault) = self.take(&mut number) {
                break Some(fault);
            }
            self.count();
            if stopping || !self.heard {
                break None;
            }
        };
        self.count();
        self.flush();
        self.feeder.end(fault);
    }

    /// Takes everything that is there.
    fn take(&mut self, number: &mut u64) -> Result<(), String> {
        loop {
            let Self { capture, recorder, feeder, counters, batch, heard } = self;
            let link = capture.link();
            let taken = capture.take(MOST_FRAMES, |time, data, original_len| {
                *number += 1;
                let frame = Frame { id: FrameId { source: 0, number: *number }, time, link, data, original_len };
                record(recorder, counters, &frame);
                batch.push(&frame);
                if batch.is_full() {
                    (*batch, *heard) = feeder.send(std::mem::take(batch));
                }
            })?;
            self.counters.captured.store(*number, Ordering::Relaxed);
            if taken < MOST_FRAMES || !self.heard || self.counters.is_stopped() {
                self.flush();
                return Ok(());
            }
            self.count();
        }
    }

    /// What was taken goes on its way, and to the disk.
    fn flush(&mut self) {
        if !self.batch.is_empty() {
            (self.batch, self.heard) = self.feeder.send(std::mem::take(&mut self.batch));
        }
        if let Some(recorder) = &mut self.recorder
            && let Err(error) = recorder.flush()
        {
            give_up(&mut self.recorder, &self.counters, &error);
        }
    }

    fn count(&mut self) {
        if let Some(lost) = self.capture.lost() {
            self.counters.kernel_dropped.store(lost.kernel, Ordering::Relaxed);
            self.counters.interface_dropped.store(lost.interface, Ordering::Relaxed);
        }
    }
}

fn record(recorder: &mut Option<Recorder>, counters: &LiveCounters, frame: &Frame<'_>) {
    match recorder {
        Some(writing) => {
            if let Err(error) = writing.frame(frame) {
                give_up(recorder, counters, &error);
            }
        }
        // Only where it was given up are frames missed.
        None if counters.unrecorded.load(Ordering::Relaxed) > 0 => {
            counters.unrecorded.fetch_add(1, Ordering::Relaxed);
        }
        None => {}
    }
}

fn give_up(recorder: &mut Option<Recorder>, counters: &LiveCounters, error: &str) {
    *recorder = None;
    counters.unrecorded.fetch_add(1, Ordering::Relaxed);
    counters.warn(format!("recording ended: {error}"));
}
