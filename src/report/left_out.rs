//! What was left out, in words: frames that could not be read, and limits that were hit.
//!
//! In: the counters of an [`Engine`]. Out: warnings of single captures, and notes for the whole case. What nothing was left out
//! of is not spoken of.

use crate::capture::{FrameId, LinkType, SetBack, SourceSummary};
use crate::dissect::LimitsHit;
use crate::engine::Engine;
use crate::packet;

/// Times that a clock was set back that are told of a capture.
const MOST_SET_BACK: usize = 3;

/// Adds to each capture's warnings what was left out of it; returns what cannot be said of one capture.
pub fn tell(engine: &Engine, sources: &mut [SourceSummary]) -> Vec<String> {
    let counters = engine.counters();
    for source in sources.iter_mut() {
        let told = source.set_back.iter().take(MOST_SET_BACK).map(set_back).collect::<Vec<_>>();
        source.warnings.extend(told);
    }
    let mut warn = |source: u16, text: String| {
        if let Some(source) = sources.get_mut(usize::from(source)) {
            source.warnings.push(text);
        }
    };
    for (&(source, link), &(frames, first)) in &counters.unsupported {
        warn(source, of_link_type(link, frames, first));
    }
    for (&(source, foreign), &(frames, first)) in &counters.foreign {
        let name = foreign.name();
        let text = if frames == 1 {
            format!("frame {} is {name}, which is not decoded", first.number)
        } else {
            format!("{frames} frames of {name} are not decoded, the first is frame {}", first.number)
        };
        warn(source, text);
    }
    for (&source, &(frames, first)) in &counters.duplicates {
        let text = several(frames, "captured twice (as by a SPAN of two VLANs or of both directions)", first);
        warn(source, format!("{text}; each counts once"));
    }
    for (&source, &(frames, first)) in &counters.cut {
        let text = several(frames, "cut by the snap length where they matter", first);
        warn(source, format!("{text}; capture whole frames (tcpdump -s 0)"));
    }
    let LimitsHit { files_not_held, transfers_too_late, conversations, streams_too_late, connections } =
        engine.limits_hit();
    let mut notes = Vec::new();
    for (count, what, why) in [
        (
            counters.fragments_dropped,
            "IP fragments that belong to no whole packet",
            "the others are not in the capture, contradict them, or were not waited for (--fragment-idle, --max-fragments)",
        ),
        (
            files_not_held,
            "files larger than what is held of one",
            "they have checksums, but were not read (--max-file)",
        ),
        (transfers_too_late, "TFTP transfers given up for a late block", "too much came before it (--max-late)"),
        (conversations, "TFTP transfers given up unfinished", "for want of room (--max-flows, --max-tftp-memory)"),
        (streams_too_late, "holes in TCP streams given up", "too much came before what was late (--max-late)"),
        (connections, "TCP connections given up", "for want of room (--max-flows, --max-tcp-memory)"),
        (
            engine.roster().forgotten(),
            "records of phones forgotten",
            "for want of room (--max-phones, --max-records, --max-phone-memory)",
        ),
    ] {
        if count > 0 {
            notes.push(format!("{what}: {count}; {why}"));
        }
    }
    notes
}

/// The captures of which no frame could be read, by their place in `sources`, and why.
pub fn unreadable(engine: &Engine, sources: &[SourceSummary]) -> Vec<(usize, String)> {
    let counters = engine.counters();
    let why = |(index, source): (usize, &SourceSummary)| {
        let of_source = || counters.unsupported.iter().filter(|((of, _), _)| usize::from(*of) == index);
        let frames: u64 = of_source().map(|(_, (frames, _))| frames).sum();
        let texts = of_source().map(|(&(_, link), &(frames, first))| of_link_type(link, frames, first));
        (frames > 0 && frames == source.frames).then(|| (index, texts.collect::<Vec<_>>().join("; ")))
    };
    sources.iter().enumerate().filter_map(why).collect()
}

fn set_back(step: &SetBack) -> String {
    let SetBack { frame, by } = *step;
    let (seconds, millis) = (by / 1_000_000_000, by / 1_000_000 % 1000);
    format!(
        "its clock was set back by {seconds}.{millis:03} s before frame {frame}; frames, not times, order what it holds"
    )
}

fn of_link_type(link: u32, frames: u64, first: FrameId) -> String {
    several(frames, &format!("of link type {}, which is not read", packet::link_name(LinkType(link))), first)
}

fn several(frames: u64, what: &str, first: FrameId) -> String {
    if frames == 1 {
        format!("frame {} is {what}", first.number)
    } else {
        format!("{frames} frames are {what}, the first is frame {}", first.number)
    }
}
