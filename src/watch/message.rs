//! What the engine and a view say to each other.

use std::sync::Arc;

use super::detail::Detail;
use super::fleet::FleetView;
use super::row::Row;
use crate::capture::Timestamp;
use crate::phone::PhoneKey;

/// From the engine to a view. Everything in it is a copy or shared and immutable: no lock is held while a view is drawn.
#[derive(Debug)]
pub enum Update {
    /// Lines that are new or different, and phones that are gone.
    Rows(Vec<Arc<Row>>, Vec<PhoneKey>),
    /// How things stand.
    Status(Box<Status>),
    /// The phone that was asked for, whole; `None` where there is no such phone any more.
    Detail(Option<Box<Detail>>),
    /// All phones together.
    Fleet(Box<FleetView>),
    /// Something worth telling.
    Note(Note),
    /// No more frames come: a reason where that is a fault.
    Ended(Option<String>),
}

/// From a view to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// This phone is wanted whole, and again whenever it changes; `None`: no phone.
    Select(Option<PhoneKey>),
    /// Whether the fleet is wanted, and again whenever it changes.
    Fleet(bool),
    /// Write this phone's report and frames to files; with or without what its configuration files contain.
    Export {
        /// Which phone.
        key: PhoneKey,
        /// Whether the contents of files are wanted too.
        contents: bool,
    },
    /// Take this phone's list as a reference, or no longer, where it is one already.
    Mark(PhoneKey),
    /// Read the references again.
    Reload,
    /// End.
    Stop,
}

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// In words.
    pub text: String,
    /// Whether something failed.
    pub failed: bool,
}

impl Note {
    /// Something went well.
    pub fn done(text: impl Into<String>) -> Self {
        Self { text: text.into(), failed: false }
    }

    /// Something failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), failed: true }
    }
}

/// How things stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// What is read: the file or the interface.
    pub source: String,
    /// Whether it is an interface.
    pub live: bool,
    /// Whether no more frames come.
    pub ended: bool,
    /// Frames so far.
    pub frames: u64,
    /// Frames in the last second.
    pub rate: u64,
    /// How much of the file is read, in percent.
    pub progress: Option<u8>,
    /// Time of the first frame.
    pub first_time: Option<Timestamp>,
    /// Time of the last frame.
    pub last_time: Option<Timestamp>,
    /// What was lost.
    pub drops: Drops,
    /// References in use, in words.
    pub references: Vec<String>,
    /// Phones that wait to be assessed.
    pub backlog: usize,
    /// Where frames are recorded to.
    pub recording: Option<String>,
    /// What became of the privileges that capturing needs.
    pub privileges: Option<String>,
    /// What else must be known: a cut capture, link types that are not supported.
    pub warnings: Vec<String>,
}

/// Frames that were lost, by who lost them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Drops {
    /// The kernel: its buffer was full.
    pub kernel: u64,
    /// The interface or its driver.
    pub interface: u64,
    /// This program: the engine was behind.
    pub queue: u64,
    /// The recording: the disk was full or failed.
    pub unrecorded: u64,
}

impl Drops {
    /// Frames that the analysis did not get.
    pub const fn lost(self) -> u64 {
        self.kernel.saturating_add(self.interface).saturating_add(self.queue)
    }
}
