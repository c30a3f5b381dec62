//! Why a file is not there.
//!
//! In: what writing came to. Out: words, and whether another run may do better. It refuses to know what the file is.

use std::io;

/// A file that could not be written.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Its path, and what is wrong.
    pub text: String,
    /// Whether another file stands in its place. Where not, the disk is full or broken, and another run may do better.
    pub in_the_way: bool,
}

impl Failure {
    pub(super) fn new(path: &str, error: &io::Error) -> Self {
        let in_the_way = matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory);
        Self { text: format!("{path}: {error}"), in_the_way }
    }
}
