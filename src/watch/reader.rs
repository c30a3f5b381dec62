//! A thread that reads a stream: standard input, or a file that grows.
//!
//! In: bytes of a capture, whenever they come. Out: its frames in the queue, at once: what was read is handed on before anybody
//! waits for more. The thread waits where the queue is full, because whoever writes the stream can wait too.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use super::feed::{Batch, Feed, Feeder, feed};
use crate::capture::CaptureFile;

/// Opens the stream; it should end when the flag becomes true, where it can.
pub type OpenStream = Box<dyn FnOnce(Arc<AtomicBool>) -> io::Result<Box<dyn Read + Send>> + Send>;

/// Starts to read. `label` is how messages name the stream.
///
/// # Errors
/// When the stream cannot be opened, or the system gives no thread.
pub fn read_stream(open: OpenStream, label: String) -> io::Result<Feed> {
    let (feeder, feed) = feed();
    let stream = open(feed.counters.stop_flag())?;
    let outlet = Arc::new(Mutex::new(Outlet { feeder, batch: Batch::default(), heard: true }));
    Builder::new().name("reader".to_owned()).spawn(move || {
        let fault = read(stream, label, &outlet).err();
        let mut outlet = outlet.lock().unwrap_or_else(PoisonError::into_inner);
        outlet.flush();
        outlet.feeder.end(fault);
    })?;
    Ok(feed)
}

fn read(stream: Box<dyn Read + Send>, label: String, outlet: &Arc<Mutex<Outlet>>) -> Result<(), String> {
    let stream = Box::new(Handing { stream, outlet: Arc::clone(outlet) });
    let mut file = CaptureFile::from_reader(stream, label, 0).map_err(|error| error.to_string())?;
    while file.advance().map_err(|error| error.to_string())? {
        let Some(frame) = file.frame() else { break };
        let mut outlet = outlet.lock().unwrap_or_else(PoisonError::into_inner);
        outlet.feeder.counters().captured.fetch_add(1, Ordering::Relaxed);
        outlet.batch.push(&frame);
        if outlet.batch.is_full() {
            outlet.flush();
        }
        if !outlet.heard {
            return Ok(());
        }
    }
    let outlet = outlet.lock().unwrap_or_else(PoisonError::into_inner);
    let counters = outlet.feeder.counters();
    // A stream that was stopped ends where it ends.
    if !counters.is_stopped() {
        file.summary().warnings.into_iter().for_each(|warning| counters.warn(warning));
    }
    Ok(())
}

/// The way to the queue, and what was not sent yet.
struct Outlet {
    feeder: Feeder,
    batch: Batch,
    /// Whether anybody still listens.
    heard: bool,
}

impl Outlet {
    fn flush(&mut self) {
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            (self.batch, self.heard) = self.feeder.send_waiting(batch);
        }
    }
}

/// The stream, which hands on what was read before it waits for more.
struct Handing {
    stream: Box<dyn Read + Send>,
    outlet: Arc<Mutex<Outlet>>,
}

impl Read for Handing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner).flush();
        self.stream.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Frame, FrameId, LinkType, Timestamp};
    use crate::watch::{CaptureWriter, Fed, Format};
    use std::sync::mpsc::{Receiver, channel};

    /// Gives out what it is sent, and waits in between.
    struct Drip(Receiver<Vec<u8>>, io::Cursor<Vec<u8>>);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.1.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            let Ok(bytes) = self.0.recv() else { return Ok(0) };
            self.1 = io::Cursor::new(bytes);
            self.1.read(buffer)
        }
    }

    fn capture(frames: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = CaptureWriter::new(&mut bytes, Format::Pcap, LinkType(1), "").unwrap();
        for number in 1..=frames {
            let id = FrameId { source: 0, number };
            let frame = Frame { id, time: Timestamp::default(), link: LinkType(1), data: &[7; 10], original_len: 10 };
            writer.frame(&frame, None).unwrap();
        }
        bytes
    }

    #[test]
    fn frames_are_handed_on_before_more_is_waited_for() {
        let (send, drip) = channel();
        let feed =
            read_stream(Box::new(|_| Ok(Box::new(Drip(drip, io::Cursor::default())))), "a stream".to_owned()).unwrap();
        let bytes = capture(3);
        send.send(bytes[..24 + 26].to_vec()).unwrap();
        let Ok(Fed::Batch(batch)) = feed.queue().recv() else { panic!("a batch was expected") };
        assert_eq!(batch.len(), 1);
        send.send(bytes[24 + 26..].to_vec()).unwrap();
        let Ok(Fed::Batch(batch)) = feed.queue().recv() else { panic!("a batch was expected") };
        assert_eq!(batch.frames().map(|frame| frame.id.number).collect::<Vec<_>>(), [2, 3]);
        drop(send);
        assert!(matches!(feed.queue().recv(), Ok(Fed::Ended(None))));
        assert!(feed.counters.warnings().is_empty());
    }

    #[test]
    fn what_is_no_capture_and_what_is_cut_is_said() {
        let read = |bytes: Vec<u8>| {
            let open = |_| Ok(Box::new(io::Cursor::new(bytes)) as Box<dyn Read + Send>);
            let feed = read_stream(Box::new(open), "a stream".to_owned()).unwrap();
            let ended = feed.queue().iter().find_map(|fed| match fed {
                Fed::Ended(fault) => Some(fault),
                Fed::Batch(_) => None,
            });
            (ended.unwrap(), feed.counters.warnings())
        };
        let (fault, _) = read(b"hello, this is no capture".to_vec());
        assert!(fault.unwrap().starts_with("a stream: is not a capture"));
        let (fault, warnings) = read(capture(3)[..24 + 26 + 20].to_vec());
        assert_eq!(fault, None);
        assert!(warnings[0].contains("read up to there: 1 frames"), "{warnings:?}");
    }
}
