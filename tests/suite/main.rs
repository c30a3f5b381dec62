//! Everything that needs more than one module to be tested, as one program: one link instead of twenty. What needs the kernel's help
//! is `tests/live`; what one module promises alone is tested beside its code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::format_collect,
    reason = "a test that cannot go on has failed, one that cannot begin says why, and none is a fast path"
)]

#[path = "../../examples/captures_to_json.rs"]
#[allow(dead_code, reason = "its `main`")]
mod captures_to_json;
mod cases;
mod cli;
mod dependencies;
mod example;
mod hostile;
mod json;
mod rooms;
#[cfg(target_os = "linux")]
mod sandbox;
mod session;
#[path = "../../examples/storm/lib.rs"]
mod storm;
mod support;
mod trust;
mod tui;
mod verdict;
mod wire;
mod words;
