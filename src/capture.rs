//! Frames from capture files.
//!
//! In: bytes of pcap and pcapng files. Out: [`Frame`]s with the number that Wireshark shows, a time and a link type. It
//! refuses to know any protocol: what the bytes of a frame mean is not its business.

mod frame;

pub use frame::{Frame, FrameId, LinkType, Timestamp};
