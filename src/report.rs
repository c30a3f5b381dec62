//! The report: one result, seen as text or as JSON.
//!
//! In: phones with their assessments, sources and references. Out: [`Report`], the document that `docs/json.md` describes, and
//! its views. It refuses to compute facts: everything in it was found before.

mod brief;
mod json;
mod model;
mod text;

pub use brief::{Brief, ConfigBrief, ConfigForm, Severity, deletion_words};
pub use json::write as write_json;
pub use model::{Report, parts};
pub use text::{Details, Style, write as write_text};
