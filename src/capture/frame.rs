//! What a capture consists of: frames, their numbers, times and link types.

use crate::timestamp::Timestamp;

/// Which frame of which capture: the pair that lets a reader look a fact up in Wireshark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FrameId {
    /// Index of the source among those given on the command line, from 0.
    pub source: u16,
    /// The frame's number in that source as Wireshark shows it, from 1.
    pub number: u64,
}

impl FrameId {
    /// The number, with that of its capture (from 1) before it where there are `several`: `2:118`.
    pub fn label(self, several: bool) -> String {
        if several { format!("{}:{}", self.source + 1, self.number) } else { self.number.to_string() }
    }
}

/// The link type of a frame: a `LINKTYPE_` value as registered by the tcpdump group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u32);

/// One captured frame, borrowed from its source.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Where the frame stands.
    pub id: FrameId,
    /// When it was captured.
    pub time: Timestamp,
    /// What its first bytes are.
    pub link: LinkType,
    /// The captured bytes.
    pub data: &'a [u8],
    /// How many bytes the frame had on the wire; more than `data` holds when the capture cut it.
    pub original_len: u32,
}

/// When and where something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment {
    /// Capture time.
    pub time: Timestamp,
    /// The frame.
    pub frame: FrameId,
}

impl Moment {
    /// The later of two: by frame in one source, else by time.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        let is_later = if self.frame.source == other.frame.source {
            other.frame.number > self.frame.number
        } else {
            other.time > self.time
        };
        if is_later { other } else { self }
    }
}

impl From<&Frame<'_>> for Moment {
    fn from(frame: &Frame<'_>) -> Self {
        Self { time: frame.time, frame: frame.id }
    }
}

/// From the first to the last frame of something that took several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Its first frame.
    pub first: Moment,
    /// Its last frame so far.
    pub last: Moment,
}

impl Span {
    /// Begins, and so far ends, at `moment`.
    pub const fn starting(moment: Moment) -> Self {
        Self { first: moment, last: moment }
    }

    /// Goes on to `moment`.
    pub fn extend(&mut self, moment: Moment) {
        self.last = moment;
    }
}
