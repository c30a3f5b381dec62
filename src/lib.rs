//! `itlscope` reads what Cisco IP phones say on the wire while they boot, and answers whether their ITL really has to be
//! deleted.
//!
//! # The way of the data
//!
//! ```text
//! bytes ─▶ frame ─▶ datagram / segment ─▶ event ─▶ phone ─┐
//! capture    packet       dissect                  phone  ├▶ claims ─▶ testimony ─▶ assessment ─▶ view
//!                                text ─▶ statement ───────┘  witness      claim      verdict       report
//!                                          words
//! ```
//!
//! Arrows only go right. Everything between [`capture`] and the views is sans-IO: state machines that are fed borrowed bytes
//! and the capture's own time. No clock, no thread, no file and no terminal in there, so one code serves a file, a live
//! interface, a fuzzer and a unit test. [`trust`] stands beside the way: it reads trust lists and knows no packets.

pub mod bytes;
pub mod capture;
pub mod claim;
pub mod commands;
pub mod digest;
pub mod dissect;
pub mod engine;
pub mod escape;
pub mod event;
pub mod extract;
mod memo;
pub mod packet;
pub mod phone;
mod private;
pub mod report;
pub mod sandbox;
#[doc(hidden)]
pub mod testkit;
pub mod timestamp;
pub mod trust;
pub mod tui;
pub mod verdict;
pub mod watch;
pub mod witness;
pub mod words;
pub mod x509;
