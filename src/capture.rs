//! Frames from capture files and interfaces.
//!
//! In: bytes of pcap and pcapng files, compressed or not, read in large blocks, or what an interface gives. Out: [`Frame`]s with the number that Wireshark shows, a time and
//! a link type, and a [`SourceSummary`] of what was read. It refuses to know any protocol: what the bytes of a frame mean is
//! not its business.

mod ahead;
mod archive;
mod arrangement;
mod buffer;
mod clocks;
mod compressed;
mod error;
mod file;
mod follow;
mod format;
mod frame;
#[cfg(feature = "live")]
pub mod live;
mod loss;
mod merge;
mod pcap;
mod pcapng;
mod rotated;

pub use archive::{Opener, Place, Places};
pub use arrangement::{Arrangement, Skew};
pub use clocks::Clocks;
pub use compressed::BytesRead;
pub use error::{CaptureError, Problem};
pub use file::CaptureFile;
pub use follow::FollowedFile;
pub use frame::{Frame, FrameId, LinkType, Moment, Span};
pub use loss::{Loss, Losses};
pub use merge::{MergedCaptures, Whence};

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

    /// Which of their moments can be ordered, as far as it is known by now. One source needs nothing to be known.
    fn clocks(&self) -> Clocks {
        Clocks::default()
    }
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
    /// Link type of the first frame.
    pub link: Option<LinkType>,
    /// Where its clock was set back, the first times.
    pub set_back: Vec<SetBack>,
    /// The first file of the rotated set that this one is of.
    pub set: Option<u16>,
    /// How its clock compares with another source's, where both recorded the same packets.
    pub skew: Option<Skew>,
    /// When frames were dropped while it was recorded, as far as it tells.
    pub losses: Vec<Loss>,
    /// What a reader of the report must know: the capture was cut, records were damaged.
    pub warnings: Vec<String>,
}

/// A clock was set back while its source was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetBack {
    /// The first frame that has a time of the new clock.
    pub frame: u64,
    /// By so many nanoseconds.
    pub by: u64,
}
