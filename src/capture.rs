//! Frames from capture files and interfaces.
//!
//! In: bytes of pcap and pcapng files, compressed or not, read in large blocks, or what an interface gives. Out: [`Frame`]s with the number that Wireshark shows, a time and
//! a link type, and a [`SourceSummary`] of what was read. It refuses to know any protocol: what the bytes of a frame mean is
//! not its business.

mod ahead;
mod buffer;
mod compressed;
mod error;
mod file;
mod follow;
mod frame;
#[cfg(feature = "live")]
pub mod live;
mod merge;
mod pcap;
mod pcapng;

pub use compressed::BytesRead;
pub use error::{CaptureError, Problem};
pub use file::CaptureFile;
pub use follow::FollowedFile;
pub use frame::{Frame, FrameId, LinkType, Moment, Span};
pub use merge::MergedCaptures;

pub use crate::timestamp::Timestamp;

/// Anything that yields frames one after the other.
pub trait Source {
    /// The next frame, or `None` at the end.
    ///
    /// # Errors
    /// When nothing more can be read and the reason is worth more than a warning. What was read before stays valid.
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError>;

    /// What was read so far, one entry a source, in the order of [`FrameId::source`].
    fn summaries(&self) -> Vec<SourceSummary>;
}

/// What was read of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceSummary {
    /// The path as it was given.
    pub path: String,
    /// Frames read.
    pub frames: u64,
    /// Bytes read of the capture itself (after decompression, where it was compressed).
    pub bytes: u64,
    /// Time of the first frame.
    pub first_time: Option<Timestamp>,
    /// Time of the last frame.
    pub last_time: Option<Timestamp>,
    /// What a reader of the report must know: the capture was cut, records were damaged.
    pub warnings: Vec<String>,
}
