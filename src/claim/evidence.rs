//! Where something can be looked up.

use std::sync::Arc;

use crate::capture::Moment;

/// Something that supports what is said: a frame of a capture, or a line of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Where it stands.
    pub place: Place,
    /// What was seen there, in words.
    pub text: String,
}

/// Where evidence stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A frame.
    Frame(Moment),
    /// A line of a file, from 1.
    Line(Arc<str>, usize),
}

impl Evidence {
    /// What a frame shows.
    pub fn new(moment: Moment, text: impl Into<String>) -> Self {
        Self { place: Place::Frame(moment), text: text.into() }
    }

    /// What a line says.
    pub fn line(path: Arc<str>, line: usize, text: impl Into<String>) -> Self {
        Self { place: Place::Line(path, line), text: text.into() }
    }

    /// The frame, where it is one.
    pub const fn moment(&self) -> Option<Moment> {
        match &self.place {
            Place::Frame(moment) => Some(*moment),
            Place::Line(..) => None,
        }
    }
}
