//! The report for people: a line a phone, then what is wrong, with the frames that prove it.

use std::io::{self, Write};

use super::Report;

/// How text is dressed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Whether to colour.
    pub colour: bool,
}

/// Writes the report.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} phones", report.summary.phones)
}
