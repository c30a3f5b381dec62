//! Captures into an engine, for every command that reads them whole.

use std::path::PathBuf;

use super::progress::Bar;
use super::pump;
use crate::capture::{BytesRead, CaptureFile, MergedCaptures, Source, SourceSummary};
use crate::engine::Engine;
use crate::phone::Roster;
use crate::report;

/// What was read.
pub(super) struct Read {
    /// The captures, with what was left out of each.
    pub(super) sources: Vec<SourceSummary>,
    /// What else was left out.
    pub(super) notes: Vec<String>,
    /// How many captures could not be read.
    pub(super) unreadable: usize,
}

/// Reads the captures as one case. `each` is called every now and then, and at the end; `complain` is told of each capture that
/// cannot be read. `None` where nothing could be read.
///
/// # Errors
/// When reading fails for a reason that is not in the captures.
pub(super) fn read(
    paths: &[PathBuf],
    engine: &mut Engine,
    each: &mut dyn FnMut(&mut Roster),
    complain: &mut dyn FnMut(&str),
) -> anyhow::Result<Option<Read>> {
    let count = BytesRead::default();
    let open = |path: &PathBuf, number| CaptureFile::open_counted(path, number, &count);
    let (mut source, errors) = MergedCaptures::new(paths, open);
    for error in &errors {
        complain(&error.to_string());
    }
    if errors.len() == paths.len() {
        return Ok(None);
    }
    let bar = Bar::new(paths);
    let result = pump::pump(&mut source, engine, &mut |roster| {
        bar.tell(count.get());
        each(roster);
    });
    bar.end();
    result?;
    engine.finish();
    each(engine.roster_mut());
    let mut sources = source.summaries();
    let foreign = report::unreadable(engine, &sources);
    for (index, why) in &foreign {
        let path = sources.get(*index).map_or("", |source| &source.path);
        complain(&format!("{path}: {why}"));
    }
    let unreadable = errors.len() + foreign.len();
    if unreadable == paths.len() {
        return Ok(None);
    }
    let notes = report::tell_left_out(engine, &mut sources);
    Ok(Some(Read { sources, notes, unreadable }))
}
