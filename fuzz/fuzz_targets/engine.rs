//! Whole captures, from bytes to both reports, twice: the same bytes give the same answer.

#![no_main]

use std::io::Cursor;

use itlscope::capture::{CaptureFile, Source};
use itlscope::engine::{Engine, Limits};
use itlscope::report::{self, Details, Report, Style};
use itlscope::trust::Reference;
use itlscope::verdict::{Assessments, Case, Deletion, assess};
use itlscope::words::Told;
use libfuzzer_sys::fuzz_target;

const REFERENCE: &[u8] = include_bytes!("../../captures/references/itl-old.tlv");
/// Frames read at most: a few compressed bytes hold any number of them.
const MOST: usize = 5000;

fn run(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut source = CaptureFile::from_reader(Box::new(Cursor::new(bytes.to_vec())), "x".to_owned(), 0).ok()?;
    let references = Reference::all_from_bytes("itl-old.tlv", None, REFERENCE).unwrap();
    let mut engine = Engine::new(&Limits::default(), &references);
    for _ in 0..MOST {
        let Ok(Some(frame)) = source.next_frame() else { break };
        engine.push(&frame);
    }
    engine.finish();
    let phones = engine.phones();
    let case = Case::new(references, Told::default(), &phones);
    for phone in &phones {
        let deletion = assess(phone, &case).deletion;
        assert_ne!(deletion, Deletion::Needed, "a capture alone never shows that: {}", phone.label());
    }
    let assessments = Assessments { phones: &phones, case: &case };
    let report = Report { sources: source.summaries(), notes: Vec::new(), assessments, others: engine.roster().other_clients() };
    let (mut text, mut json) = (Vec::new(), Vec::new());
    let style = Style { colour: false, width: 118, details: Details::All };
    report::write_text(&report, style, &mut text).unwrap();
    report::write_json(&report, &mut json).unwrap();
    Some((text, json))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((text, json)) = run(bytes) else { return };
    let text = String::from_utf8(text).unwrap();
    let raw = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(raw), "a control character reaches the terminal");
    let _: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(run(bytes).map(|(_, json)| json), Some(json));
});
