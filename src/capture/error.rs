//! Why a capture could not be read, in words that name the file and the place.

use std::io;

/// A capture could not be read (further).
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct CaptureError {
    /// The path as it was given.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a capture.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The operating system refused.
    #[error("{}", plain(.0))]
    Io(#[from] io::Error),
    /// A directory was given where a file is needed.
    #[error("is a directory, not a capture file")]
    Directory,
    /// Zero bytes.
    #[error("is empty (0 bytes), not a capture")]
    Empty,
    /// The first bytes are of no known capture format.
    #[error("is not a capture: it begins with {found} at byte 0, expected the magic number of a pcap or pcapng file")]
    NotACapture {
        /// The first bytes in hex.
        found: String,
    },
    /// A format that others write, or an archive that is not unpacked.
    #[error("is {what}, which is not read: {way}")]
    Foreign {
        /// What it is.
        what: &'static str,
        /// How to make something of it that is read.
        way: &'static str,
    },
    /// An archive out of which nothing can be read.
    #[error("{0}")]
    Archive(String),
    /// The bytes end inside a structure.
    #[error("is cut at byte {offset}: {what} needs {needed} bytes, only {found} are there")]
    Cut {
        /// Where the structure begins.
        offset: u64,
        /// Which structure.
        what: &'static str,
        /// How many bytes it has.
        needed: u64,
        /// How many are in the file.
        found: u64,
    },
    /// What is compressed cannot be decompressed.
    #[error("{compression} data cannot be read near byte {offset} of the file: {what}")]
    Compressed {
        /// How it is compressed.
        compression: &'static str,
        /// How far the file was read.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// The bytes contradict the format.
    #[error("is damaged at byte {offset}: {what}")]
    Damaged {
        /// Where.
        offset: u64,
        /// What was found and what was expected.
        what: String,
    },
}

/// The operating system's words without Rust's "(os error N)".
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
