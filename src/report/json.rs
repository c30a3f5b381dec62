//! The report as one JSON document.

use std::io::{self, Write};

use super::Report;
use super::model::Document;
use crate::escape;
use crate::verdict::{Fleet, Summary};

/// Writes the report, indented, with a line break at the end. Returns the counts.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<Summary> {
    let document = Document { report, fleet: std::cell::RefCell::new(Fleet::default()) };
    escape::json_pretty(out, &document)?;
    writeln!(out)?;
    Ok(document.fleet.into_inner().summary)
}
