//! The progress of a long read, on a terminal.

use std::io::IsTerminal;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Less is read before anybody would look.
const WORTH_A_BAR: u64 = 16 << 20;

/// A bar on standard error, or nothing: where that is no terminal, where there is little to read, and where nobody knows how
/// much there is.
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar for these files.
    pub(super) fn new(paths: &[PathBuf]) -> Self {
        let length =
            |path: &PathBuf| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|is| is.len());
        let total: Option<u64> = paths.iter().map(length).sum();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let wanted = std::io::stderr().is_terminal() && !dumb;
        Self(total.filter(|&total| wanted && total >= WORTH_A_BAR).map(|total| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("reading {bar:40} {percent:>3}% of {total_bytes}, {eta} left");
            if let Ok(style) = style {
                bar.set_style(style.progress_chars("##-"));
            }
            bar
        }))
    }

    /// So many bytes of the files were read.
    pub(super) fn tell(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            // Files that were looked at before their turn count twice.
            bar.set_position(bytes.min(bar.length().unwrap_or(bytes)));
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
