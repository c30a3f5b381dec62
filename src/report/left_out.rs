//! What was left out, in words: frames that could not be read, and limits that were hit.
//!
//! In: the counters of an [`Engine`]. Out: warnings of single captures, and notes for the whole case. What nothing was left out
//! of is not spoken of.

use crate::capture::{FrameId, LinkType, SourceSummary};
use crate::dissect::LimitsHit;
use crate::engine::Engine;
use crate::packet;

/// Adds to each capture's warnings what was left out of it; returns what cannot be said of one capture.
pub fn tell(engine: &Engine, sources: &mut [SourceSummary]) -> Vec<String> {
    let counters = engine.counters();
    let mut warn = |source: u16, text: String| {
        if let Some(source) = sources.get_mut(usize::from(source)) {
            source.warnings.push(text);
        }
    };
    for (&(source, link), &(frames, first)) in &counters.unsupported {
        let what = format!("of link type {}, which is not read", packet::link_name(LinkType(link)));
        warn(source, several(frames, &what, first));
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
    for (count, text) in [
        (
            counters.fragments_dropped,
            "IP fragments belong to no whole packet: the others are not in the capture, contradict them, or were not \
             waited for (--fragment-idle, --max-fragments)",
        ),
        (
            files_not_held,
            "files are larger than what is held of one (--max-file): they have checksums, but were not read",
        ),
        (transfers_too_late, "TFTP transfers were given up: too much came before a block that was late (--max-late)"),
        (conversations, "TFTP transfers were given up unfinished for want of room (--max-flows, --max-tftp-memory)"),
        (streams_too_late, "times a hole in a TCP stream was not waited for any longer (--max-late)"),
        (connections, "TCP connections were given up for want of room (--max-flows, --max-tcp-memory)"),
        (
            engine.roster().forgotten(),
            "records of phones were forgotten for want of room (--max-phones, --max-records)",
        ),
    ] {
        if count > 0 {
            notes.push(format!("{count} {text}"));
        }
    }
    notes
}

fn several(frames: u64, what: &str, first: FrameId) -> String {
    if frames == 1 {
        format!("frame {} is {what}", first.number)
    } else {
        format!("{frames} frames are {what}, the first is frame {}", first.number)
    }
}
