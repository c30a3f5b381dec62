//! The dashboard: what it shows, what it does, and how it leaves the terminal.

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
