//! The verdict: scenarios from data, and properties.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod answers;
mod docs;
mod fleet;
mod lab;
mod properties;
mod scenarios;
#[path = "../support/mod.rs"]
mod support;
