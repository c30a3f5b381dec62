//! Laws that hold of every capture, drawn or recorded: what may not change an answer.
//!
//! In: captures and words, and the same with something done to them. Out: each answer that broke a law. It refuses to know which
//! answer is right.

use std::collections::BTreeMap;
use std::path::Path;

use itlscope::testkit::{Owned, RAW, ethernet, ip, udp};
use serde_json::Value;

use super::check::{items, text};
use super::dice::Dice;

/// What was asked of which phone, and the answer; nothing where it is open.
pub(crate) type Answers = BTreeMap<(String, String), String>;

/// What a change may do to answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Law {
    /// Nothing at all.
    Same,
    /// No answer that was open is decided, and none turns round.
    Undecided,
    /// No answer turns round.
    Unturned,
}

/// Something done to captures.
pub(crate) struct Change {
    pub(crate) name: &'static str,
    pub(crate) law: Law,
    pub(crate) apply: fn(&mut Vec<Vec<Owned>>, &mut Dice),
}

pub(crate) const CHANGES: &[Change] = &[
    Change { name: "frames are left out", law: Law::Unturned, apply: leave_out },
    Change { name: "a stretch is left out", law: Law::Unturned, apply: leave_out_a_stretch },
    Change { name: "other hosts talk", law: Law::Same, apply: others_talk },
    Change { name: "the files come in another order", law: Law::Same, apply: |captures, _| captures.reverse() },
    Change { name: "one file is 5 s later", law: Law::Undecided, apply: later },
    Change { name: "frames are repeated", law: Law::Undecided, apply: repeat },
    Change { name: "ports are renumbered", law: Law::Undecided, apply: renumber },
    Change { name: "the link type is another", law: Law::Undecided, apply: without_link },
];

fn leave_out(captures: &mut Vec<Vec<Owned>>, dice: &mut Dice) {
    let of = dice.pick(&[3, 10, 40]);
    captures.iter_mut().for_each(|frames| frames.retain(|_| dice.below(of) > 0));
}

/// Too few to hide a whole round of files.
fn leave_out_a_stretch(captures: &mut Vec<Vec<Owned>>, dice: &mut Dice) {
    for frames in captures {
        let from = usize::try_from(dice.below(frames.len() as u64)).unwrap();
        let to = (from + usize::try_from(dice.below(12)).unwrap()).min(frames.len());
        frames.drain(from..to);
    }
}

/// A voice call, and a device of another kind that fetches its files, between all frames.
fn others_talk(captures: &mut Vec<Vec<Owned>>, dice: &mut Dice) {
    for frames in captures {
        let mut mixed = Vec::new();
        for frame in frames.drain(..) {
            let time = frame.time;
            mixed.push(frame);
            let payload = match dice.below(3) {
                0 => udp(24_000, 24_002, &[0x80; 172]),
                1 => udp(50_001, 69, b"\0\x01switch-confg\0octet\0"),
                _ => continue,
            };
            let other = ethernet(&ip([198, 51, 100, 7].into(), [198, 51, 100, 9].into(), 17, 1, &payload));
            // In a capture without Ethernet a host without it.
            let link = mixed[0].link;
            if link.0 == 1 {
                mixed.push(Owned::ethernet(time, other));
            }
        }
        *frames = mixed;
    }
}

fn later(captures: &mut Vec<Vec<Owned>>, _: &mut Dice) {
    if captures.len() > 1 {
        captures[1].iter_mut().for_each(|frame| frame.time += 5_000_000_000);
    }
}

fn repeat(captures: &mut Vec<Vec<Owned>>, dice: &mut Dice) {
    for frames in captures {
        let twice = |frame: Owned, dice: &mut Dice| {
            let copy = dice.chance(50).then(|| Owned { time: frame.time + 10_000, ..frame.clone() });
            std::iter::once(frame).chain(copy)
        };
        *frames = frames.drain(..).flat_map(|frame| twice(frame, dice)).collect();
    }
}

/// Ports that hosts choose get another number, each number its own.
fn renumber(captures: &mut Vec<Vec<Owned>>, _: &mut Dice) {
    for frame in captures.iter_mut().flatten() {
        let bytes = &mut frame.data;
        // Plain Ethernet with IPv4 without options, as the worlds have it; others stay as they are.
        if frame.link.0 != 1 || bytes.len() < 38 || bytes[12..15] != [8, 0, 0x45] || !matches!(bytes[23], 6 | 17) {
            continue;
        }
        for at in [34, 36] {
            let port = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
            if port >= 32_768 {
                bytes[at + 1] ^= 1;
            }
        }
    }
}

/// Without Ethernet nobody has a hardware address.
fn without_link(captures: &mut Vec<Vec<Owned>>, _: &mut Dice) {
    for frame in captures.iter_mut().flatten() {
        if frame.link.0 == 1 && frame.data.len() > 14 && frame.data[12..14] == [8, 0] {
            let data = frame.data.split_off(14);
            *frame = Owned { time: frame.time, link: RAW, original_len: data.len() as u32, data };
        }
    }
}

/// Every answer of a report about phones that have a name.
pub(crate) fn answers(report: &Value) -> Answers {
    let mut answers = Answers::new();
    for phone in items(report, "phones") {
        let name = text(phone, "name").to_owned();
        if name.is_empty() {
            continue;
        }
        let mut add = |question: &str, answer: &str| {
            if !matches!(answer, "unknown" | "undetermined" | "") {
                answers.insert((name.clone(), question.to_owned()), answer.to_owned());
            }
        };
        let verdict = &phone["verdict"];
        add("deletion", text(verdict, "itl_deletion"));
        for condition in items(verdict, "conditions") {
            add(text(condition, "id"), text(condition, "holds"));
        }
        for check in ["itl_checksum", "tvs_serial", "tvs_certificate"] {
            add(check, text(&phone["checks"], check));
        }
    }
    answers
}

/// Which answers break the law.
pub(crate) fn broken(law: Law, before: &Answers, after: &Answers) -> Vec<String> {
    let mut broken = Vec::new();
    for (question, answer) in after {
        let was = before.get(question);
        let is_kept = match law {
            Law::Same | Law::Undecided => was == Some(answer),
            Law::Unturned => was.is_none_or(|was| was == answer),
        };
        if !is_kept {
            broken.push(format!("{question:?}: {} became {answer}", was.map_or("open", String::as_str)));
        }
    }
    if law == Law::Same {
        let lost = before.iter().filter(|(question, _)| !after.contains_key(*question));
        broken.extend(lost.map(|(question, was)| format!("{question:?}: {was} became open")));
    }
    broken
}

/// The report of these captures with these words; `refused` with the reason where the program takes them for no words.
pub(crate) fn report(captures: &[Vec<Owned>], words: &[String], folder: &Path) -> Value {
    let mut arguments: Vec<String> = Vec::new();
    for (number, frames) in captures.iter().enumerate() {
        let path = folder.join(format!("law{number}.pcap"));
        let link = frames.first().map_or(1, |frame| frame.link.0);
        // A pcap has one link type: what is of another is of no use to it.
        let same: Vec<_> = frames.iter().filter(|frame| frame.link.0 == link).cloned().collect();
        std::fs::write(&path, itlscope::testkit::pcap(link, true, &same)).unwrap();
        arguments.push(path.display().to_string());
    }
    arguments.extend(words.iter().cloned());
    let mut out = Vec::new();
    match itlscope::commands::triage(&arguments, &mut out) {
        Ok(_) => serde_json::from_slice(&out).unwrap_or(Value::Null),
        Err(error) => serde_json::json!({ "refused": format!("{error:#}") }),
    }
}
