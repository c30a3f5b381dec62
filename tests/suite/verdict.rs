//! The verdict: scenarios from data, and properties.

mod answers;
mod docs;
mod fleet;
mod lab;
mod properties;
mod scenarios;
