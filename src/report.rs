//! The report: one result, seen as text or as JSON.
//!
//! In: phones with their assessments, sources and references. Out: [`Report`], the document that `docs/json.md` describes, and
//! its views. It refuses to compute facts: everything in it was found before.

mod brief;
mod json;
mod left_out;
mod model;
mod sources;
mod text;

pub use brief::{Brief, ConfigBrief, ConfigForm, Severity, deletion_words};
pub use json::write as write_json;
pub use left_out::{tell as tell_left_out, unreadable};
pub use model::{Report, SourceView, SpanView, Tool, parts};
pub use sources::tell as tell_sources;
pub use text::{Details, Style, write as write_text};
