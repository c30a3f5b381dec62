//! Captures that were made to do harm, in small sizes: the phones that boot among them get the same answers as without the
//! attack, and nothing that is counted grows beyond its bounds. How long it takes and how much memory is measured elsewhere:
//! `make bench-hostile`.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use crate::storm::{self, Attack, Plan};
use clap::ValueEnum;
use itlscope::capture::{CaptureFile, Source};
use itlscope::dissect;
use itlscope::engine::{Engine, Limits};
use serde_json::Value;

const PHONES: u32 = 3;
const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/references/itl-old.tlv");

fn plan(attack: Option<(Attack, u64)>) -> Plan {
    Plan { phones: PHONES, rtp: 500, seed: 7, seconds: None, attack, signed: true }
}

/// The report on a capture, from the real binary.
fn report(folder: &Path, plan: &Plan) -> Value {
    let capture = folder.join("capture.pcap");
    std::fs::write(&capture, storm::bytes(plan)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_itlscope"));
    command.arg("triage").arg(&capture).args(["-r", REFERENCE, "--format", "json"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {said}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// What a phone is told, without the frames, which the attack moves, and times.
fn answers(report: &Value, number: u32) -> Value {
    let name = storm::phone_name(number);
    let phones = report["phones"].as_array().unwrap();
    let phone =
        phones.iter().find(|phone| phone["name"] == *name).unwrap_or_else(|| panic!("{name} is not in the report"));
    let downloads = phone["downloads"].as_array().unwrap().iter();
    let downloads: Vec<_> = downloads
        .map(|download| {
            serde_json::json!([download["file"], download["outcome"], download["sha1"], download["signature"]])
        })
        .collect();
    let sessions = phone["tls"].as_array().unwrap().iter();
    let sessions: Vec<_> = sessions
        .map(|session| serde_json::json!([session["service"], session["outcome"], session["certificate"]["sha256"]]))
        .collect();
    let deletion = &phone["verdict"]["itl_deletion"];
    serde_json::json!({ "downloads": downloads, "tls": sessions, "checks": phone["checks"], "itl_deletion": deletion })
}

#[test]
fn phones_among_attacks_get_the_right_answer() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = report(folder.path(), &plan(None));
    for number in 0..PHONES {
        let well = answers(&quiet, number);
        assert_eq!(well["checks"]["itl_checksum"], "match");
        assert_eq!(well["checks"]["tvs_certificate"], "match");
        assert_eq!(well["downloads"].as_array().unwrap().len(), 3);
    }
    for &attack in Attack::value_variants() {
        let found = report(folder.path(), &plan(Some((attack, frames(attack)))));
        for number in 0..PHONES {
            let (found, expected) = (answers(&found, number), answers(&quiet, number));
            assert_eq!(found, expected, "{attack:?}, phone {number}");
        }
    }
}

/// Frames of an attack: enough to fill what holds its traces several times over with the limits of [`tight`], and most with
/// the usual ones too; few where a frame is large.
fn frames(attack: Attack) -> u64 {
    if attack == Attack::LongNames { 300 } else { 6000 }
}

/// So little room that a small capture fills it many times over.
fn tight() -> Limits {
    let mut limits = Limits::default();
    limits.packet.fragment_bytes = 64 << 10;
    limits.dissect.content.total = 256 << 10;
    limits.dissect.tftp.conversations = 50;
    limits.dissect.tcp.connections = 50;
    limits.dissect.tcp.total = 256 << 10;
    limits.phone.phones = 100;
    limits.phone.bytes = 1 << 20;
    limits
}

#[test]
fn what_is_held_stays_within_its_bounds() {
    /// What one packet may add before anything is given up: the largest IP packet.
    const PACKET: usize = 64 << 10;
    let limits = tight();
    let mut fullest = (0, dissect::Held::default(), 0);
    for &attack in Attack::value_variants() {
        let bytes = storm::bytes(&plan(Some((attack, frames(attack)))));
        let mut source = CaptureFile::from_reader(Box::new(Cursor::new(bytes)), "attack".to_owned(), 0).unwrap();
        let mut engine = Engine::new(&limits, &[]);
        while let Some(frame) = source.next_frame().unwrap() {
            engine.push(&frame);
            let (fragment_bytes, held) = engine.held();
            let (devices, addresses) = engine.roster().held();
            let id = frame.id.number;
            assert!(
                fragment_bytes <= limits.packet.fragment_bytes + PACKET,
                "{attack:?}, frame {id}: {fragment_bytes}"
            );
            assert!(held.conversations <= limits.dissect.tftp.conversations, "{attack:?}, frame {id}: {held:?}");
            assert!(held.connections <= limits.dissect.tcp.connections, "{attack:?}, frame {id}: {held:?}");
            assert!(held.stream_bytes <= limits.dissect.tcp.total + PACKET, "{attack:?}, frame {id}: {held:?}");
            assert!(held.content_bytes <= limits.dissect.content.total + PACKET, "{attack:?}, frame {id}: {held:?}");
            assert!(devices.max(addresses) <= limits.phone.phones, "{attack:?}, frame {id}: {devices}, {addresses}");
            fullest.0 = fullest.0.max(fragment_bytes);
            fullest.1.conversations = fullest.1.conversations.max(held.conversations);
            fullest.1.connections = fullest.1.connections.max(held.connections);
            fullest.1.stream_bytes = fullest.1.stream_bytes.max(held.stream_bytes);
            fullest.1.content_bytes = fullest.1.content_bytes.max(held.content_bytes);
            fullest.2 = fullest.2.max(devices);
        }
        engine.finish();
        assert_eq!(engine.held().1, dissect::Held::default(), "{attack:?}: something is left at the end");
    }
    // The attacks are strong enough to prove something: each bound was reached, or nearly.
    let (fragment_bytes, held, devices) = fullest;
    assert!(fragment_bytes > limits.packet.fragment_bytes / 2, "{fragment_bytes}");
    assert_eq!(held.conversations, limits.dissect.tftp.conversations);
    assert_eq!(held.connections, limits.dissect.tcp.connections);
    assert!(held.stream_bytes > limits.dissect.tcp.total / 2, "{held:?}");
    assert!(held.content_bytes > limits.dissect.content.total / 2, "{held:?}");
    assert_eq!(devices, limits.phone.phones);
}
