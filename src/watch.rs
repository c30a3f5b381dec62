//! What runs behind the dashboard and the headless stream.
//!
//! In: frames of a file or an interface, references, wishes of whoever looks. Out: immutable pieces for views: lines of phones
//! that changed, one phone whole, the fleet. It refuses to know terminals.

mod board;
mod conceal;
mod detail;
mod export;
mod feed;
mod fleet;
mod happenings;
mod keep;
mod lines;
#[cfg(feature = "live")]
mod live;
mod message;
mod reader;
mod record;
mod row;
mod session;
mod worker;
mod write;

pub use board::{Board, Refreshed};
pub use detail::{CertificateDetail, Detail, Found, ListDetail, RecordLine, RecordMark, Standing};
pub use export::{Exported, Exports};
pub use feed::{Batch, Fed, Feed, Feeder, LiveCounters, feed};
pub use fleet::{FleetGroup, FleetView, PresentedLine, ServedLine};
pub use happenings::{Follower, Happening, What, Who};
pub use keep::{Bounds, FrameStore};
pub use lines::{Begun, Form, Lines, Over};
#[cfg(feature = "live")]
pub use live::capture;
pub use message::{Drops, Note, Request, Status, Update};
pub use reader::{OpenStream, read_stream};
pub use record::{Recorder, Recording};
pub use row::{Cause, Row};
pub use session::{Input, References, Reopen, Session, Setup, Step};
pub use worker::{Link, spawn};
pub use write::{CaptureWriter, Format};
