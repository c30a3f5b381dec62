//! Two recorders of one boot, whose clocks differ.

use itlscope::capture::{Arrangement, CaptureFile, FrameId, MergedCaptures, Moment, Source, Timestamp};
use itlscope::engine::{Engine, Limits};
use itlscope::packet::Sightings;
use itlscope::testkit::{self, Owned};

use super::case;
use super::containers::{folder, write};

/// Another recorder's view of the same frames: its clock is ahead, and it began later.
fn seen_elsewhere(frames: &[Owned], ahead: i64) -> Vec<Owned> {
    frames.iter().skip(10).map(|frame| Owned { time: frame.time + ahead, ..frame.clone() }).collect()
}

/// Both recorders' frames as one case: how many downloads are complete, and the clocks.
fn read(recorders: &[Vec<Owned>], compare: bool) -> (Vec<itlscope::phone::Phone>, Engine, itlscope::capture::Clocks) {
    let folder = folder();
    let names = ["here.pcap", "there.pcap", "elsewhere.pcap"];
    let paths: Vec<_> = names
        .iter()
        .zip(recorders)
        .map(|(name, frames)| write(folder.path(), name, &testkit::pcap(1, true, frames)))
        .collect();
    let mut sightings = Sightings::default();
    for path in &paths {
        let mut file = CaptureFile::open(path, 0).unwrap();
        sightings.add(Some(&mut file), paths.len()).unwrap();
    }
    let arrangement = Arrangement::of(paths.iter().map(|path| Some(path.as_path())));
    let arrangement = if compare { arrangement.comparing(sightings.skews()) } else { arrangement };
    let open = |path: &std::path::PathBuf, number| CaptureFile::open(path, number);
    let (mut source, errors) = MergedCaptures::arranged(&paths, arrangement, open);
    assert!(errors.is_empty());
    let mut engine = Engine::new(&Limits::default(), &[]);
    while let Some(frame) = source.next_frame().unwrap() {
        engine.push(&frame);
    }
    engine.finish();
    (engine.phones(), engine, source.clocks())
}

const HOURS: i64 = 7_200_000_000_000;

#[test]
fn what_both_recorded_counts_once() {
    let frames = case("healthy");
    let expected = testkit::phones(&frames);
    let (phones, engine, clocks) = read(&[frames.clone(), seen_elsewhere(&frames, HOURS)], true);
    let downloads = |phones: &[itlscope::phone::Phone]| -> Vec<_> {
        phones
            .iter()
            .flat_map(|phone| &phone.downloads)
            .map(|record| (record.file().map(str::to_owned), record.digests))
            .collect()
    };
    assert_eq!(downloads(&phones), downloads(&expected));
    assert_eq!(phones[0].sessions.len(), expected[0].sessions.len());
    assert!(engine.counters().duplicates.contains_key(&1), "the copies are told");
    let moment = |source: u16, nanos: i64| Moment {
        time: Timestamp::from_nanos(frames[0].time + nanos),
        frame: FrameId { source, number: 1 },
    };
    assert!(clocks.is_before(moment(0, 0), moment(1, 1_000_000_000)));
    assert_eq!(clocks.order(moment(0, 0), moment(1, 1_000_000)), None, "within what the comparison leaves open");
}

#[test]
fn each_side_of_a_boot_at_another_recorder() {
    // Of the downloads each recorder saw every other frame, of the TLS connections behind them all; one clock is hours behind.
    let frames = case("healthy");
    let is_odd = |index: usize| index % 2 == 1;
    let half = |wanted: bool| -> Vec<Owned> {
        let kept = frames.iter().enumerate().filter(|(index, _)| *index >= 90 || is_odd(*index) == wanted);
        kept.map(|(_, frame)| frame.clone()).collect()
    };
    let late: Vec<Owned> = half(false).into_iter().map(|frame| Owned { time: frame.time - HOURS, ..frame }).collect();
    let (phones, ..) = read(&[half(true), late], true);
    let complete = |phones: &[itlscope::phone::Phone]| -> Vec<_> {
        phones.iter().flat_map(|phone| &phone.downloads).filter_map(|record| record.digests).collect()
    };
    assert_eq!(complete(&phones), complete(&testkit::phones(&frames)));
}

#[test]
fn recorders_with_nothing_in_common_are_not_compared() {
    let frames = case("healthy");
    let other = case("two-tftp");
    let (_, _, clocks) = read(&[frames, other], true);
    assert!(!clocks.are_comparable(0, 1));
}
