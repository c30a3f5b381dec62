//! The real binary over real captures: what it reports against facts from other sources (`captures/README.md`).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{captures, cases, run};

/// Every case: its folder and its facts.
fn expectations() -> Vec<(PathBuf, Value)> {
    let cases: Vec<_> = cases()
        .into_iter()
        .map(|folder| {
            let text = fs::read_to_string(folder.join("expected.json")).unwrap();
            let expected: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(expected["schema"], "itlscope.expected/1");
            (folder, expected)
        })
        .collect();
    assert!(cases.len() >= 11, "the captures are there");
    cases
}

/// Runs `triage` on a capture and gives its exit status and its report.
fn triage(capture: &Path, arguments: &[String]) -> (i32, Value) {
    let mut line = vec!["triage", capture.to_str().unwrap(), "--format", "json"];
    line.extend(arguments.iter().map(String::as_str));
    let (exit, text, err) = run(&line);
    assert!(!text.contains("never-print"), "a password was printed");
    let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{err}"));
    (exit, report)
}

/// Fields that are true but no fields of the report, or compared in another way.
const NOT_COMPARED: [&str; 8] =
    ["missing_blocks", "error", "asked_for", "true_name", "look_at", "phone_log", "because", "server"];

/// Differences between what is expected and what was found; a field that is not expected is not compared.
fn compare(path: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), _) => {
            for (field, expected) in expected {
                let path = format!("{path}.{field}");
                if field == "not_before" || field == "not_after" {
                    compare_instants(&path, expected, &found[field], differences);
                } else if !NOT_COMPARED.contains(&field.as_str()) {
                    compare(&path, expected, &found[field], differences);
                } else if field == "server" {
                    let found = found[field].as_str().unwrap_or_default();
                    let expected = expected.as_str().unwrap();
                    let address = found.rsplit_once(':').map_or(found, |(address, _)| address);
                    if found != expected && address != expected && address != format!("[{expected}]") {
                        differences.push(format!("{path}: expected {expected}, found {found}"));
                    }
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{path}[{index}]"), expected, found, differences);
            }
        }
        _ if expected == found => {}
        _ => differences.push(format!("{path}: expected {expected}, found {found}")),
    }
}

fn compare_instants(path: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    let instant = |value: &Value| value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    if instant(expected).is_none() || instant(expected) != instant(found) {
        differences.push(format!("{path}: expected {expected}, found {found}"));
    }
}

/// The phone of the report that an expected one is: by name, else by address.
fn find<'a>(report: &'a Value, expected: &Value) -> Option<&'a Value> {
    let phones = report["phones"].as_array().unwrap();
    let name = expected.get("name").filter(|name| !name.is_null());
    phones.iter().find(|phone| match name {
        Some(name) => phone["name"] == *name,
        None => phone["addresses"] == expected["addresses"],
    })
}

#[test]
fn what_was_seen_is_what_happened() {
    let mut differences = Vec::new();
    for (folder, expected) in expectations() {
        let case = folder.file_name().unwrap().to_string_lossy().into_owned();
        let (_, report) = triage(&folder.join(expected["capture"].as_str().unwrap()), &[]);
        compare(&format!("{case}.frames"), &expected["frames"], &report["sources"][0]["frames"], &mut differences);
        for phone in expected["phones"].as_array().unwrap() {
            let path = format!("{case} {}", phone.get("name").unwrap_or(&phone["addresses"]));
            match find(&report, phone) {
                Some(found) => compare(&path, phone, found, &mut differences),
                None => differences.push(format!("{path}: not found")),
            }
        }
        compare(
            &format!("{case} number of phones"),
            &expected["phones"].as_array().unwrap().len().into(),
            &report["summary"]["phones"],
            &mut differences,
        );
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn questions_have_their_answers() {
    let mut differences = Vec::new();
    for (folder, expected) in expectations() {
        let case = folder.file_name().unwrap().to_string_lossy().into_owned();
        for question in expected["questions"].as_array().into_iter().flatten() {
            let texts = |field: &str| -> Vec<String> {
                question[field].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
            };
            let mut arguments = Vec::new();
            for reference in texts("references") {
                arguments.extend(["-r".to_owned(), reference]);
            }
            arguments.extend(texts("arguments"));
            let path = format!("{case} {}", arguments.join(" "));
            let (exit, report) = triage(&folder.join(expected["capture"].as_str().unwrap()), &arguments);
            if !question["exit_code"].is_null() {
                compare(&format!("{path}: exit status"), &question["exit_code"], &exit.into(), &mut differences);
            }
            for phone in question["phones"].as_array().unwrap() {
                match find(&report, phone) {
                    Some(found) => compare(&path, phone, found, &mut differences),
                    None => differences.push(format!("{path}: {} not found", phone["name"])),
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// Captures of cases with one oddity of real traffic put in, and the case that each is of.
const ODD: [(&str, &str); 3] = [
    ("challenge-ack-healthy", "healthy"),
    ("challenge-ack-http-6970", "http-6970"),
    ("microseconds-beyond-a-second", "tvs-regenerated"),
];

fn without_frames(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("frame");
            fields.values_mut().for_each(without_frames);
        }
        Value::Array(values) => values.iter_mut().for_each(without_frames),
        _ => {}
    }
}

#[test]
fn oddities_of_real_traffic_change_nothing() {
    let mut differences = Vec::new();
    for (odd, case) in ODD {
        let (_, expected) = expectations().into_iter().find(|(folder, _)| folder.ends_with(case)).unwrap();
        let (_, report) = triage(&captures().join(format!("../tests/fixtures/wire/{odd}.pcap")), &[]);
        let mut phones = expected["phones"].as_array().unwrap().clone();
        if odd.starts_with("challenge") {
            // Frames that were put in before them move the others.
            phones.iter_mut().for_each(without_frames);
        }
        assert_eq!(report["summary"]["phones"], phones.len(), "{odd}");
        for phone in &phones {
            compare(odd, phone, find(&report, phone).unwrap(), &mut differences);
        }
        if odd.starts_with("microseconds") {
            compare(odd, &expected["frames"], &report["sources"][0]["frames"], &mut differences);
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
