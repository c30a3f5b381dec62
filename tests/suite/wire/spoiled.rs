//! A boot that went well, spoiled: every answer stays right or becomes unknown.

use std::collections::{BTreeMap, BTreeSet};

use itlscope::digest::Digests;
use itlscope::event::{Outcome, SessionOutcome};
use itlscope::phone::Phone;
use itlscope::testkit::{self, Owned, encapsulate, phones};
use proptest::prelude::*;

use super::case;

/// What must never come out different: checksums by file, certificates by service, and who accepted whom.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    files: BTreeMap<String, BTreeSet<Digests>>,
    certificates: BTreeMap<String, BTreeSet<String>>,
    outcomes: BTreeMap<String, BTreeSet<SessionOutcome>>,
}

fn facts(phones: &[Phone]) -> Facts {
    let mut facts = Facts::default();
    for phone in phones {
        for download in &phone.downloads {
            assert_eq!(download.digests.is_some(), download.outcome() == Outcome::Complete);
            if let (Some(digests), Some(file)) = (download.digests, download.file()) {
                facts.files.entry(file.to_owned()).or_default().insert(digests);
            }
        }
        for session in &phone.sessions {
            let key = format!("{} {}", session.client.ip(), session.server);
            if let Some(certificate) = &session.certificate {
                facts.certificates.entry(key.clone()).or_default().insert(certificate.sha256.to_string());
            }
            facts.outcomes.entry(key).or_default().insert(session.outcome());
        }
    }
    facts
}

/// Whether everything found stands in the truth. The file that a trust list is signed under is not the name that was asked
/// for, so a file whose request is missing is looked up by its checksum.
fn is_right_or_unknown(found: &Facts, truth: &Facts) -> Result<(), String> {
    let all: BTreeSet<_> = truth.files.values().flatten().collect();
    for (file, digests) in &found.files {
        let known = truth.files.get(file);
        if !digests.iter().all(|digests| known.map_or(all.contains(digests), |known| known.contains(digests))) {
            return Err(format!("{file}: {digests:?}, but {known:?}"));
        }
    }
    for (key, certificates) in &found.certificates {
        if !truth.certificates.get(key).is_some_and(|truth| certificates.is_subset(truth)) {
            return Err(format!("{key}: another certificate"));
        }
    }
    for (key, outcomes) in &found.outcomes {
        for claim in [SessionOutcome::Established, SessionOutcome::Refused] {
            if outcomes.contains(&claim) && !truth.outcomes.get(key).is_some_and(|truth| truth.contains(&claim)) {
                return Err(format!("{key}: {claim:?}"));
            }
        }
    }
    Ok(())
}

#[track_caller]
fn assert_right(found: &[Owned], truth: &Facts, what: &str) {
    if let Err(wrong) = is_right_or_unknown(&facts(&phones(found)), truth) {
        panic!("{what}: {wrong}");
    }
}

const CASES: [&str; 8] =
    ["healthy", "tls12", "tls13", "both-regenerated", "windowed", "resumed", "http-6970", "phone-certificate"];

#[test]
fn without_any_one_frame() {
    for name in CASES {
        let frames = case(name);
        let truth = facts(&phones(&frames));
        assert!(truth.files.len() > 1 && !truth.outcomes.is_empty(), "{name}");
        for lost in 0..frames.len() {
            let mut spoiled = frames.clone();
            spoiled.remove(lost);
            assert_right(&spoiled, &truth, &format!("{name} without frame {}", lost + 1));
        }
    }
}

#[test]
fn cut_at_any_snap_length() {
    let frames = case("healthy");
    let truth = facts(&phones(&frames));
    for length in (0..200).chain((200..1600).step_by(37)) {
        let cut: Vec<Owned> = frames
            .iter()
            .cloned()
            .map(|mut frame| {
                frame.data.truncate(length);
                frame
            })
            .collect();
        assert_right(&cut, &truth, &format!("snap length {length}"));
    }
}

#[test]
fn cut_anywhere_in_time() {
    let frames = case("healthy");
    let truth = facts(&phones(&frames));
    for at in 0..frames.len() {
        assert_right(&frames[..at], &truth, &format!("up to frame {at}"));
        assert_right(&frames[at..], &truth, &format!("from frame {}", at + 1));
    }
}

#[test]
fn every_frame_twice() {
    for name in CASES {
        let frames = case(name);
        let truth = facts(&phones(&frames));
        let twice: Vec<Owned> = frames
            .iter()
            .flat_map(|frame| {
                let mut copy = frame.clone();
                copy.time += 20_000;
                [frame.clone(), copy]
            })
            .collect();
        let found = phones(&twice);
        assert_eq!(facts(&found), truth, "{name}");
        let retransmits = |phones: &[Phone]| -> u32 {
            phones.iter().flat_map(|phone| &phone.downloads).map(|download| download.retransmits).sum()
        };
        assert_eq!(retransmits(&found), retransmits(&phones(&frames)), "{name}: copies are no retransmissions");
    }
}

/// The IPv4 packet of an Ethernet frame, tagged or not, without the padding behind it.
fn packet(frame: &Owned) -> Option<&[u8]> {
    let start = if frame.data.get(12..14)? == [0x81, 0] { 18 } else { 14 };
    if frame.data.get(start - 2..start)? != [8, 0] {
        return None;
    }
    let packet = &frame.data[start..];
    packet.get(..usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?])))
}

/// The frame with its packet carried in another way; itself where that cannot be.
fn carried(frame: &Owned, way: usize) -> Owned {
    let (_, link, wrap) = encapsulate::ALL[way % encapsulate::ALL.len()];
    packet(frame).map_or_else(
        || frame.clone(),
        |packet| {
            let data = wrap(packet);
            Owned { time: frame.time, link, original_len: u32::try_from(data.len()).unwrap(), data }
        },
    )
}

/// The frame's packet in fragments with payloads of `size` bytes, under an identification of its own.
fn in_fragments(frame: &Owned, size: usize, identification: u16) -> Vec<Owned> {
    let Some(packet) = packet(frame).filter(|packet| packet[6..8] == [0, 0] || packet[6..8] == [0x40, 0]) else {
        return vec![frame.clone()];
    };
    let mut packet = packet.to_vec();
    packet[4..6].copy_from_slice(&identification.to_be_bytes());
    packet[6..8].copy_from_slice(&[0, 0]);
    let fragments = testkit::fragments(&packet, size);
    fragments.into_iter().map(|fragment| Owned::ethernet(frame.time, testkit::ethernet(&fragment))).collect()
}

#[test]
fn in_every_encapsulation() {
    let frames = case("healthy");
    let truth = facts(&phones(&frames));
    for (way, (name, ..)) in encapsulate::ALL.iter().enumerate() {
        let wrapped: Vec<Owned> = frames.iter().map(|frame| carried(frame, way)).collect();
        assert_eq!(facts(&phones(&wrapped)), truth, "{name}");
    }
}

#[test]
fn in_fragments_in_any_order() {
    let frames = case("healthy");
    let truth = facts(&phones(&frames));
    for (size, reversed) in [(8, false), (64, true), (256, false), (512, true)] {
        let fragmented: Vec<Owned> = (1..)
            .zip(&frames)
            .flat_map(|(identification, frame)| {
                let mut fragments = in_fragments(frame, size, identification);
                if reversed {
                    fragments.reverse();
                }
                fragments
            })
            .collect();
        assert!(fragmented.len() > frames.len());
        assert_eq!(facts(&phones(&fragmented)), truth, "{size}");
    }
}

proptest! {

    #[test]
    fn spoiled_captures_give_the_same_or_unknown(
        name in prop::sample::select(CASES.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..7, 0usize..9), 0..40),
    ) {
        let mut frames = case(name);
        let truth = facts(&phones(&frames));
        for (identification, (index, kind, distance)) in (1..).zip(changes) {
            let at = index.index(frames.len());
            let to = (at + distance).min(frames.len() - 1);
            match kind {
                0 => { frames.remove(at); }
                1 => {
                    let copy = frames[at].clone();
                    frames.insert(to, copy);
                }
                2 => {
                    let frame = frames.remove(at);
                    frames.insert(to, frame);
                }
                3 => {
                    let length = frames[at].data.len().min(60 + 40 * distance);
                    frames[at].data.truncate(length);
                }
                4 => {
                    let mut fragments = in_fragments(&frames[at], 8 << distance, identification);
                    if distance % 2 == 1 {
                        fragments.reverse();
                    }
                    frames.splice(at..=at, fragments);
                }
                5 => frames[at] = carried(&frames[at], usize::from(identification) * 5 + distance),
                // Another time, as captures on two clocks have it.
                _ => frames[at].time += i64::try_from(distance).unwrap() * 300_000_000,
            }
        }
        let right = is_right_or_unknown(&facts(&phones(&frames)), &truth);
        prop_assert!(right.is_ok(), "{name}: {right:?}");
    }

    #[test]
    fn bytes_that_changed_do_no_harm(
        name in prop::sample::select(CASES.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..60),
    ) {
        let mut frames = case(name);
        for (frame, byte, value) in changes {
            let at = frame.index(frames.len());
            let position = byte.index(frames[at].data.len());
            frames[at].data[position] = value;
        }
        phones(&frames);
    }
}
