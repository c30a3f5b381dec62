//! From datagrams and segments to events.
//!
//! In: [`Packet`](crate::packet::Packet)s with the [`Moment`](crate::capture::Moment) at which they were seen. Out:
//! [`Event`]s: downloads and TLS sessions, with frame numbers and times. It refuses to know what a phone is, and judges nothing: what
//! is missing from the capture is said to be missing, never guessed.

mod content;
pub mod event;
mod flows;
mod tftp;

pub use content::{Content, ContentLimits};
pub use event::Event;
pub use tftp::Tftp;
