//! The JSON document against its description and against strict types of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{capture_in, captures, cases, keys, run};

fn report(folder: &Path, arguments: &[&str]) -> Value {
    let capture = capture_in(folder);
    let (_, out, _) = run(&[&["triage", capture.to_str().unwrap(), "--format", "json"], arguments].concat());
    serde_json::from_str(&out).unwrap()
}

fn reports() -> Vec<Value> {
    let references = ["-r", "references/itl-old.tlv", "-r", "references/tvs-old.pem"];
    cases().iter().map(|folder| report(folder, &references)).collect()
}

/// The words of a page that fields and ids are made of.
fn words(page: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map(str::to_owned).collect()
}

#[test]
fn every_field_is_described() {
    let words = words("docs/json.md");
    let mut found = BTreeSet::new();
    for report in reports() {
        keys(&report, &mut found);
    }
    let missing: Vec<_> = found.difference(&words).collect();
    assert!(missing.is_empty(), "docs/json.md does not describe {missing:?}");
}

#[test]
fn every_id_is_listed() {
    let words = words("docs/verdict.md");
    let mut ids = BTreeSet::new();
    for report in reports() {
        for phone in report["phones"].as_array().unwrap() {
            let lists = [&phone["findings"], &phone["verdict"]["advice"], &phone["verdict"]["observed"]];
            let items = lists.into_iter().flat_map(|list| list.as_array().unwrap());
            ids.extend(items.map(|item| item["id"].as_str().unwrap().to_owned()));
        }
    }
    let missing: Vec<_> = ids.difference(&words).collect();
    assert!(missing.is_empty(), "docs/verdict.md does not list {missing:?}");
}

/// A string that must be one of these.
#[track_caller]
fn one_of(value: &Value, allowed: &[&str]) {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no string"));
    assert!(allowed.contains(&text), "{text} is none of {allowed:?}");
}

fn is_hex(value: &Value, digits: usize, upper: bool) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == digits
            && text
                .chars()
                .all(|c| c.is_ascii_digit() || if upper { c.is_ascii_uppercase() } else { c.is_ascii_lowercase() })
    })
}

fn is_time(value: &Value) -> bool {
    // RFC 3339, UTC, six digits of a second: 2011-07-27T14:20:28.848123Z.
    value
        .as_str()
        .is_some_and(|text| text.len() == 27 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok())
}

#[test]
fn values_have_the_forms_that_are_promised() {
    for report in reports() {
        assert_eq!(report["schema"], "itlscope.report/1");
        assert_eq!(report["tool"]["name"], "itlscope");
        for source in report["sources"].as_array().unwrap() {
            assert!(is_time(&source["first_time"]) && is_time(&source["last_time"]));
        }
        for phone in report["phones"].as_array().unwrap() {
            for download in phone["downloads"].as_array().unwrap() {
                one_of(&download["kind"], &["itl", "ctl", "config", "other"]);
                one_of(&download["transport"], &["tftp", "http"]);
                one_of(&download["outcome"], &["complete", "incomplete", "refused", "unanswered"]);
                let complete = download["outcome"] == "complete";
                assert_eq!(is_hex(&download["md5"], 32, false), complete);
                assert_eq!(is_hex(&download["sha1"], 40, false), complete);
                assert_eq!(download["bytes"].is_u64(), complete);
                assert_eq!(download["reason"].is_string(), !complete);
                assert!(is_time(&download["started"]) && is_time(&download["ended"]));
                assert!(download["frames"][0].as_u64().unwrap() <= download["frames"][1].as_u64().unwrap());
            }
            for session in phone["tls"].as_array().unwrap() {
                one_of(&session["service"], &["tvs", "tomcat", "https", "other"]);
                one_of(&session["outcome"], &["established", "refused", "reset", "incomplete"]);
                one_of(&session["certificate_status"], &["seen", "encrypted", "resumed", "not_captured"]);
                assert_eq!(session["certificate_status"] == "seen", session["certificate"].is_object());
                if session["certificate"].is_object() {
                    assert!(is_hex(&session["certificate"]["sha1"], 40, false));
                    assert!(is_hex(&session["certificate"]["sha256"], 64, false));
                    let serial = session["certificate"]["serial"].as_str().unwrap();
                    assert!(
                        is_hex(&session["certificate"]["serial"], serial.len(), true) && serial.len().is_multiple_of(2)
                    );
                    assert!(!serial.starts_with("00") || serial == "00");
                }
                for alert in session["alerts"].as_array().unwrap() {
                    one_of(&alert["from"], &["phone", "server"]);
                    assert_eq!(alert["encrypted"].as_bool().unwrap(), alert["description"].is_null());
                }
            }
            for check in ["itl_checksum", "tvs_serial", "tvs_certificate"] {
                one_of(&phone["checks"][check], &["match", "mismatch", "unknown"]);
                assert!(!phone["check_details"][check]["why"].as_str().unwrap().is_empty());
            }
            let verdict = &phone["verdict"];
            one_of(&verdict["itl_deletion"], &["needed", "not_needed", "undetermined"]);
            assert_ne!(verdict["itl_deletion"], "needed", "no capture alone can say so");
            let ids: Vec<_> =
                verdict["conditions"].as_array().unwrap().iter().map(|condition| condition["id"].clone()).collect();
            assert_eq!(
                ids,
                ["itl_signer_differs", "tvs_certificate_differs", "phone_reports_failure", "no_old_key_backup"]
            );
            for condition in verdict["conditions"].as_array().unwrap() {
                one_of(&condition["holds"], &["yes", "no", "unknown"]);
            }
        }
        let phones = report["phones"].as_array().unwrap();
        let count = |deletion: &str| phones.iter().filter(|phone| phone["verdict"]["itl_deletion"] == deletion).count();
        let summary = &report["summary"];
        assert_eq!(summary["phones"], phones.len());
        assert_eq!(summary["not_needed"], count("not_needed"));
        assert_eq!(summary["undetermined"], count("undetermined"));
        assert_eq!(summary["deletion_needed"], count("needed"));
    }
}

#[test]
fn the_same_capture_gives_the_same_document() {
    let arguments = ["-r", "references/itl-old.tlv"];
    let folder = captures().join("six-phones");
    assert_eq!(report(&folder, &arguments), report(&folder, &arguments));
}
