//! Captures into an engine, for every command that reads them whole.

use std::path::PathBuf;

use super::inputs::ClockOptions;
use super::progress::Bar;
use super::pump;
use crate::capture::{
    Arrangement, BytesRead, CaptureFile, Clocks, MergedCaptures, Place, Places, Source, SourceSummary,
};
use crate::engine::Engine;
use crate::packet::Sightings;
use crate::phone::Roster;
use crate::report;

/// What was read.
pub(super) struct Read {
    /// The captures, with what was left out of each.
    pub(super) sources: Vec<SourceSummary>,
    /// Which of their moments can be ordered.
    #[expect(dead_code, reason = "judgement orders moments by it")]
    pub(super) clocks: Clocks,
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
    clocks: ClockOptions,
    engine: &mut Engine,
    each: &mut dyn FnMut(&mut Roster),
    complain: &mut dyn FnMut(&str),
) -> anyhow::Result<Option<Read>> {
    let count = BytesRead::default();
    let open = |place: &Place, number| CaptureFile::open_place(place, number, &count);
    let Places { places, mut notes, mut errors } = Place::of(paths);
    let count_of_all = places.len() + errors.len();
    let (mut source, of_files) = MergedCaptures::arranged(&places, arrange(&places, clocks), open);
    errors.extend(of_files);
    for error in &errors {
        complain(&error.to_string());
    }
    if errors.len() == count_of_all {
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
    let (mut sources, clocks) = (source.summaries(), source.clocks());
    let foreign = report::unreadable(engine, &sources);
    for (index, why) in &foreign {
        let path = sources.get(*index).map_or("", |source| &source.path);
        complain(&format!("{path}: {why}"));
    }
    let unreadable = errors.len() + foreign.len();
    if unreadable == count_of_all {
        return Ok(None);
    }
    notes.extend(report::tell_sources(&sources, &clocks));
    notes.extend(report::tell_left_out(engine, &mut sources));
    Ok(Some(Read { sources, clocks, notes, unreadable }))
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
        let mut file = CaptureFile::open_place(place, 0, &BytesRead::default()).ok();
        let _ = sightings.add(file.as_mut().map(|file| file as &mut dyn Source), places.len());
    }
    arrangement.comparing(sightings.skews())
}
