//! Captures into an engine, for every command that reads them whole.

use std::path::PathBuf;

use super::inputs::ClockOptions;
use super::progress::Bar;
use super::{opened, pump};
use crate::capture::{
    Arrangement, BytesRead, CaptureError, CaptureFile, MergedCaptures, Place, Places, Problem, Source, SourceSummary,
};
use crate::engine::Engine;
use crate::packet::Sightings;
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

/// The places of the captures at these paths, members of archives among them.
pub(super) fn places(paths: &[PathBuf]) -> Places {
    Place::of(paths, &opened::shared)
}

/// The capture at a place, or on standard input where that is `-`.
///
/// # Errors
/// When it cannot be opened, or is none.
pub(super) fn capture(place: &Place, number: u16, count: &BytesRead) -> Result<CaptureFile, CaptureError> {
    let path = place.path();
    if path.as_os_str() == "-" {
        return CaptureFile::open_counted(&path, number, count);
    }
    let label = path.display().to_string();
    let failed = |problem| CaptureError { path: label.clone(), problem };
    if let Some(member) = place.open_member(&opened::shared, count) {
        let member = member.map_err(|error| failed(error.into()))?;
        return CaptureFile::from_file(member, label, number, &BytesRead::default());
    }
    let file = opened::open(&path).map_err(|error| failed(error.into()))?;
    if matches!(file.kind(), Ok((true, _))) {
        return Err(failed(Problem::Directory));
    }
    CaptureFile::from_file(Box::new(file), label, number, count)
}

/// Captures that are read as one case at most: their frames name them by a number of 16 bits.
const MOST_CAPTURES: usize = 1 << 16;

/// Says so where there are more.
///
/// # Errors
/// Where there are.
pub(super) fn refuse_too_many(given: usize) -> anyhow::Result<()> {
    if given > MOST_CAPTURES {
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
    clocks: ClockOptions,
    engine: &mut Engine,
    each: &mut dyn FnMut(&mut Roster),
    complain: &mut dyn FnMut(&str),
) -> anyhow::Result<Option<Read>> {
    refuse_too_many(paths.len())?;
    let count = BytesRead::default();
    let open = |place: &Place, number| capture(place, number, &count);
    let Places { places, mut notes, mut errors } = places(paths);
    let count_of_all = places.len() + errors.len();
    refuse_too_many(places.len())?;
    allow_many_files(places.len());
    let (mut source, of_files) = MergedCaptures::arranged(&places, arrange(&places, clocks), open);
    errors.extend(of_files);
    for error in &errors {
        complain(&error.to_string());
    }
    if count_of_all > 0 && errors.len() == count_of_all {
        return Ok(None);
    }
    // More of them is known at the end: where a clock was set back.
    engine.roster_mut().set_clocks(source.clocks());
    let bar = Bar::new(paths);
    let result = pump::pump(&mut source, engine, &mut |roster| {
        bar.tell(count.get());
        each(roster);
    });
    bar.end();
    result?;
    let late = source.take_late_errors();
    for error in &late {
        complain(&error.to_string());
    }
    engine.finish();
    each(engine.roster_mut());
    let (mut sources, clocks) = (source.summaries(), source.clocks());
    sources.iter().flat_map(|source| &source.losses).for_each(|&loss| engine.lose(loss));
    let foreign = report::unreadable(engine, &sources);
    for (index, why) in &foreign {
        let path = sources.get(*index).map_or("", |source| &source.path);
        complain(&format!("{path}: {why}"));
    }
    let unreadable = errors.len() + late.len() + foreign.len();
    if count_of_all > 0 && unreadable == count_of_all {
        return Ok(None);
    }
    notes.extend(report::tell_sources(&sources, &clocks));
    notes.extend(report::tell_left_out(engine, &mut sources));
    engine.roster_mut().set_clocks(clocks);
    Ok(Some(Read { sources, notes, unreadable }))
}

/// Captures that overlap are open at once: the limit that may be raised is raised.
fn allow_many_files(captures: usize) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let wanted = u64::try_from(captures).unwrap_or(u64::MAX).saturating_add(64);
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < wanted
    {
        // Where it stays too low, the file that cannot be opened says so.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard);
    }
}

/// How the captures stand to each other. Where names do not tell that they are of one recorder, the beginnings are searched for
/// packets that several hold, which show how their clocks compare.
pub(super) fn arrange(places: &[Place], clocks: ClockOptions) -> Arrangement {
    let arrangement = clocks.arrange(places);
    let is_told = arrangement.is_one_recorder(places.len()) || !Sightings::can_compare(places.len());
    if is_told || !places.iter().all(Place::can_be_opened_again) {
        return arrangement;
    }
    let mut sightings = Sightings::default();
    for place in places {
        // What cannot be read is told when it is read.
        let mut file = capture(place, 0, &BytesRead::default()).ok();
        let _ = sightings.add(file.as_mut().map(|file| file as &mut dyn Source), places.len());
    }
    arrangement.comparing(sightings.skews())
}
