//! The real binary: what it prints, and how it ends.

mod captures;
mod extract;
mod help;
mod triage;
mod watch;
