//! The dashboard: what it shows, what it does, and how it leaves the terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed"
)]

mod behaviour;
mod desk;
#[cfg(target_os = "linux")]
mod hangup;
mod hostile;
mod keys_page;
#[cfg(unix)]
mod pty;
#[cfg(unix)]
mod terminal;
mod views;
