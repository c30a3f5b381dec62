//! Captures into an engine, for every command that reads them whole.

use std::path::{Path, PathBuf};

use super::progress::Bar;
use super::{opened, pump};
use crate::capture::{BytesRead, CaptureError, CaptureFile, MergedCaptures, Problem, Source, SourceSummary};
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

/// The capture at a path, or on standard input where that is `-`.
///
/// # Errors
/// When it cannot be opened, or is none.
pub(super) fn capture(path: &Path, number: u16, count: &BytesRead) -> Result<CaptureFile, CaptureError> {
    if path.as_os_str() == "-" {
        return CaptureFile::open_counted(path, number, count);
    }
    let failed = |problem| CaptureError { path: path.display().to_string(), problem };
    let file = opened::open(path).map_err(|error| failed(error.into()))?;
    if matches!(file.kind(), Ok((true, _))) {
        return Err(failed(Problem::Directory));
    }
    CaptureFile::from_file(Box::new(file), path.display().to_string(), number, count)
}

/// Captures that are read as one case at most: their frames name them by a number of 16 bits.
const MOST_CAPTURES: usize = 1 << 16;

/// Says so where there are more.
///
/// # Errors
/// Where there are.
pub(super) fn refuse_too_many(paths: &[PathBuf]) -> anyhow::Result<()> {
    if paths.len() > MOST_CAPTURES {
        let given = paths.len();
        anyhow::bail!(
            "{given} captures were given, at most {MOST_CAPTURES} are read as one case: merge some (mergecap)"
        );
    }
    Ok(())
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
    refuse_too_many(paths)?;
    let count = BytesRead::default();
    let open = |path: &PathBuf, number| capture(path, number, &count);
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
