//! The thread that captures from an interface.
//!
//! In: an open interface, and perhaps a recording. Out: frames in the queue, and counts of what was lost. It never waits for the
//! engine: what the queue does not take is counted and gone, but recorded all the same. It writes the recording itself: a disk
//! that is slow for a moment is what the kernel's buffer is for, and one that is full costs the recording frames, not the capture.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::feed::{Batch, Feed, Feeder, LiveCounters, feed};
use super::record::Recorder;
use super::session::wall_clock;
use crate::capture::live::{BLOCK, LinkState, LiveCapture, Lost};
use crate::capture::{Frame, FrameId, Loss, Timestamp};

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
    let around = Around::begin(wall_clock());
    let live = Live { capture, recorder, feeder, counters, batch: Batch::default(), heard: true, around };
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
    around: Around,
}

/// What is looked at beside the frames, and how it was when it was looked at last.
struct Around {
    at: Instant,
    /// The same moment by the clock that frames are stamped with.
    clock: Timestamp,
    lost: Lost,
    counted_at: Timestamp,
    link: LinkState,
}

/// Between two looks around.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Nanoseconds by which a clock is set and not merely slow: NTP slews less than that in a second, by far.
const STEP: i64 = 500_000_000;

impl Around {
    fn begin(clock: Timestamp) -> Self {
        Self { at: Instant::now(), clock, lost: Lost::default(), counted_at: clock, link: LinkState::Up }
    }

    /// By how many nanoseconds the clock was set since the last look, when so much time has gone by in truth.
    fn step(&self, elapsed: Duration, clock: Timestamp) -> Option<i64> {
        let elapsed = i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX);
        let step = clock.nanos().saturating_sub(self.clock.nanos()).saturating_sub(elapsed);
        (step.saturating_abs() >= STEP).then_some(step)
    }
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
            self.look_around();
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
            let Self { capture, recorder, feeder, batch, heard, .. } = self;
            let link = capture.link();
            let taken = capture.take(MOST_FRAMES, |time, data, original_len| {
                *number += 1;
                let frame = Frame { id: FrameId { source: 0, number: *number }, time, link, data, original_len };
                if let Some(recorder) = recorder {
                    recorder.frame(&frame);
                }
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
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
            self.counters.unrecorded.store(recorder.lost(), Ordering::Relaxed);
            self.counters.recording_failed.store(!recorder.goes_on(), Ordering::Relaxed);
            recorder.take_news().into_iter().for_each(|news| self.counters.warn(news));
        }
    }

    fn count(&mut self) {
        let now = wall_clock();
        let around = &mut self.around;
        if let Some(lost) = self.capture.lost() {
            self.counters.kernel_dropped.store(lost.kernel, Ordering::Relaxed);
            self.counters.interface_dropped.store(lost.interface, Ordering::Relaxed);
            let new = |now: u64, before: u64| now.saturating_sub(before);
            let frames = new(lost.kernel, around.lost.kernel) + new(lost.interface, around.lost.interface);
            if frames > 0 {
                let (from, to) = (around.counted_at.min(now), around.counted_at.max(now));
                self.counters.lose(Loss { source: 0, from, to, frames });
            }
            around.lost = lost;
        }
        around.counted_at = now;
    }

    /// Tells what makes frames stay away, or their times jump.
    fn look_around(&mut self) {
        let elapsed = self.around.at.elapsed();
        if elapsed < LOOK_EVERY {
            return;
        }
        let now = wall_clock();
        if let Some(step) = self.around.step(elapsed, now) {
            let (way, millis) = (if step < 0 { "back" } else { "forward" }, step.unsigned_abs() / 1_000_000);
            self.counters.warn(format!(
                "the clock of this machine was set {way} by {}.{:03} s; it was {} and is {now}",
                millis / 1000,
                millis % 1000,
                self.around.clock
            ));
        }
        (self.around.at, self.around.clock) = (Instant::now(), now);
        if let Some(link) = self.capture.link_state()
            && link != self.around.link
        {
            self.around.link = link;
            self.counters.warn(format!("{now}: {} {}", self.capture.interface(), link.words()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_that_is_set_is_told_from_one_that_is_slow() {
        let around = Around::begin(Timestamp::from_nanos(1_000_000_000_000));
        let step = |clock: i64| around.step(Duration::from_secs(1), Timestamp::from_nanos(clock));
        assert_eq!(step(1_001_000_000_000), None);
        assert_eq!(step(1_001_400_000_000), None, "a thread that came late");
        assert_eq!(step(1_061_000_000_000), Some(60_000_000_000));
        assert_eq!(step(941_000_000_000), Some(-60_000_000_000));
    }
}
