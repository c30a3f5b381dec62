//! Frames from a source into the engine.
//!
//! In: a [`Source`] and an [`Engine`]. Out: the engine, fed. A small capture is read on the spot. Where there is more, one
//! thread reads and takes frames apart, and this one tells the roster what came of it, in batches: few frames become events,
//! so little goes from one to the other, and files and signatures are read while the next frames are. It refuses to know what
//! the frames hold.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::capture::{CaptureError, Source};
use crate::engine::{Engine, Witness};
use crate::event::Event;
use crate::phone::Roster;

/// Captured bytes that are read before a thread is worth its start.
const ON_THE_SPOT: u64 = 2 << 20;
/// A batch is handed over when it has so many events, or files of so many bytes, or so many frames were read for it.
const BATCH_EVENTS: usize = 128;
const BATCH_BYTES: usize = 1 << 20;
const BATCH_FRAMES: u64 = 1 << 14;
/// Batches that wait for the roster.
const BATCHES: usize = 4;

/// Feeds all frames of `source` to `engine`; `told` is called every now and then, with the roster as it stands.
///
/// # Errors
/// Those of the source. What was read before the error is in the engine.
pub(super) fn pump<S: Source + Send>(
    source: &mut S,
    engine: &mut Engine,
    told: &mut dyn FnMut(&mut Roster),
) -> Result<(), CaptureError> {
    let mut bytes = 0;
    while bytes < ON_THE_SPOT {
        let Some(frame) = source.next_frame()? else {
            told(engine.roster_mut());
            return Ok(());
        };
        bytes += frame.data.len() as u64;
        engine.push(&frame);
    }
    told(engine.roster_mut());
    let (witness, roster) = engine.halves();
    let (full, batches) = sync_channel(BATCHES);
    thread::scope(|scope| {
        let reader = scope.spawn(move || Reader { source, witness }.run(&full));
        for events in batches {
            for event in events {
                roster.event(event);
            }
            told(roster);
        }
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The reading side.
struct Reader<'s, S> {
    source: &'s mut S,
    witness: &'s mut Witness,
}

impl<S: Source> Reader<'_, S> {
    fn run(mut self, full: &SyncSender<Vec<Event>>) -> Result<(), CaptureError> {
        loop {
            let mut events = Vec::with_capacity(BATCH_EVENTS);
            let more = self.fill(&mut events);
            // Without a roster on the other side there is nothing to read for.
            if full.send(events).is_err() || !more? {
                return Ok(());
            }
        }
    }

    /// Reads until the batch is full. Returns whether there may be more.
    fn fill(&mut self, events: &mut Vec<Event>) -> Result<bool, CaptureError> {
        let (mut frames, mut bytes) = (0, 0);
        while frames < BATCH_FRAMES && events.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
            let Some(frame) = self.source.next_frame()? else { return Ok(false) };
            frames += 1;
            let before = events.len();
            self.witness.push(&frame, events);
            // Most frames tell nothing.
            if events.len() > before {
                bytes += events.iter().skip(before).map(file_bytes).sum::<usize>();
            }
        }
        Ok(true)
    }
}

/// Bytes of the file that an event brings.
fn file_bytes(event: &Event) -> usize {
    match event {
        Event::Download(download) => download.content.as_ref().map_or(0, |content| content.bytes.len()),
        _ => 0,
    }
}
