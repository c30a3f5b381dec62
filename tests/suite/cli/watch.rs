//! `watch --headless` of captures, streams and growing files, with the real program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;

use crate::support::{capture_in, captures, cases, keys, run, run_unread};

const JSON: [&str; 5] = ["--headless", "--format", "json", "-r", "references/itl-old.tlv"];

fn events(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn watch(capture: &Path) -> (i32, Vec<Value>) {
    let (status, out, err) = run(&[&["watch", capture.to_str().unwrap()], &JSON[..]].concat());
    assert_eq!(err, "");
    (status, events(&out))
}

fn sorted(values: impl Iterator<Item = Value>) -> Vec<String> {
    let mut texts: Vec<_> = values.map(|value| value.to_string()).collect();
    texts.sort();
    texts
}

#[test]
fn events_say_what_the_report_says() {
    for folder in cases() {
        let capture = capture_in(&folder);
        let (status, events) = watch(&capture);
        let (report_status, out, _) =
            run(&["triage", capture.to_str().unwrap(), "-r", "references/itl-old.tlv", "--format", "json"]);
        let report: Value = serde_json::from_str(&out).unwrap();
        let phones = report["phones"].as_array().unwrap();
        // Whose something is, is decided when the phone is looked at.
        let without_attribution = |value: &Value| {
            let mut value = value.clone();
            assert!(value.as_object_mut().unwrap().remove("attribution").is_some());
            value
        };
        for (event, list) in [("download", "downloads"), ("tls", "tls")] {
            let told = events.iter().filter(|value| value["event"] == event);
            let told = sorted(told.map(|value| without_attribution(&value[event])));
            let listed = phones.iter().flat_map(|phone| phone[list].as_array().unwrap());
            assert_eq!(told, sorted(listed.map(without_attribution)), "{}", capture.display());
        }
        let mut last: BTreeMap<String, &Value> = BTreeMap::new();
        for event in events.iter().filter(|value| value["event"] == "verdict") {
            let phone = &event["phone"];
            let who = phone["name"].as_str().or_else(|| phone["address"].as_str()).unwrap();
            last.insert(who.to_owned(), event);
        }
        for phone in phones {
            let address = || phone["addresses"].as_array().unwrap().last().and_then(Value::as_str);
            let event = last[phone["name"].as_str().or_else(address).unwrap()];
            for field in ["checks", "findings", "verdict"] {
                assert_eq!(event[field], phone[field], "{field} in {}", capture.display());
            }
        }
        let (first, end) = (events.first().unwrap(), events.last().unwrap());
        assert_eq!((first["event"].as_str(), end["event"].as_str()), (Some("begun"), Some("end")));
        assert_eq!(first["references"], report["references"]);
        assert_eq!((&end["summary"], &end["sources"]), (&report["summary"], &report["sources"]));
        assert_eq!(end["reason"], "end_of_input");
        assert_eq!(status, report_status, "{}", capture.display());
    }
}

#[test]
fn every_field_is_documented() {
    let pages = ["docs/events.md", "docs/json.md"]
        .map(|path| fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap());
    let words: BTreeSet<&str> =
        pages.iter().flat_map(|page| page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')).collect();
    let mut kinds = BTreeSet::new();
    let mut found = BTreeSet::new();
    let streamed = {
        let capture = File::open(captures().join("sip-new-list/capture.pcap")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_itlscope"))
            .args(["watch", "-", "--headless", "--format", "json", "--heartbeat", "1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The stream stays open until a heartbeat came.
        let mut stdin = child.stdin.take().unwrap();
        std::io::copy(&mut BufReader::new(capture), &mut stdin).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut text: Vec<String> = Vec::new();
        while !text.last().is_some_and(|line| line.contains(r#""event":"status""#)) {
            text.push(lines.next().unwrap());
        }
        drop(stdin);
        text.extend(lines);
        child.wait().unwrap();
        text.join("\n")
    };
    for event in events(&streamed) {
        assert_eq!(event["schema"], "itlscope.event/1");
        kinds.insert(event["event"].as_str().unwrap().to_owned());
        keys(&event, &mut found);
    }
    let all: BTreeSet<String> =
        ["begun", "download", "end", "holds", "status", "tls", "verdict"].map(str::to_owned).into();
    assert_eq!(kinds, all);
    for key in found.iter().chain(&kinds) {
        assert!(words.contains(key.as_str()), "'{key}' is not documented");
    }
}

#[test]
fn text_for_people() {
    let (status, out, _) =
        run(&["watch", "tvs-regenerated/capture.pcap", "-r", "references/itl-old.tlv", "--headless", "--time", "utc"]);
    assert_eq!(status, 1);
    for part in [
        "begun: tvs-regenerated/capture.pcap; compared with references/itl-old.tlv",
        "+00:00 SEP0011215A1AE3 ITL ITLSEP0011215A1AE3.tlv from 14.48.44.80: complete, 5438 bytes, MD5 69f8bf9f4ba131f87e24b48441a48459",
        "SEP0011215A1AE3 TLS with TVS 14.48.44.80:2445: refused, TLS 1.0, certificate B1F0C3527D91E80E",
        "alert unknown_ca from the phone (frame 84)",
        "SEP0011215A1AE3 verdict: ITL deletion not needed",
        "TVS serial MISMATCH",
        "end: no more frames; 92 frames, 1 phones, 1 with findings",
    ] {
        assert!(out.contains(part), "'{part}' is missing in\n{out}");
    }
}

#[test]
fn standard_input_is_a_source_like_any_other() {
    let capture = captures().join("six-phones/capture.pcap");
    let (status, from_file) = watch(&capture);
    let output = cargo_bin_cmd!("itlscope")
        .args(["watch", "-"])
        .args(JSON)
        .current_dir(captures())
        .write_stdin(fs::read(&capture).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(status));
    let from_stream = events(&String::from_utf8(output.stdout).unwrap());
    let told = |events: &[Value]| {
        sorted(events.iter().filter(|event| event["event"] == "download" || event["event"] == "tls").cloned())
    };
    assert_eq!(told(&from_stream), told(&from_file));
    assert_eq!(from_stream.last().unwrap()["summary"], from_file.last().unwrap()["summary"]);
}

#[test]
fn what_is_no_capture_is_a_fault() {
    let output = cargo_bin_cmd!("itlscope")
        .args(["watch", "-", "--headless", "--format", "json"])
        .write_stdin("hello, this is no capture")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let events = events(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(events.last().unwrap()["reason"], "fault");
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard input: is not a capture"));
}

#[test]
fn a_growing_file_is_followed_until_a_signal() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("growing.pcap");
    let bytes = fs::read(captures().join("tvs-regenerated/capture.pcap")).unwrap();
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    fs::write(&path, first).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_itlscope"))
        .args(["watch", path.to_str().unwrap(), "--follow"])
        .args(JSON)
        .current_dir(captures())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    events.find(|event| event["event"] == "download").unwrap();
    File::options().append(true).open(&path).unwrap().write_all(rest).unwrap();
    events.find(|event| event["download"]["kind"] == "config").unwrap();
    let killed = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let end = events.last().unwrap();
    assert_eq!(end["reason"], "signal");
    assert_eq!(end["summary"]["mismatched"], 1);
    assert_eq!(end["sources"][0]["warnings"], Value::Array(Vec::new()));
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn when_nobody_reads_it_ends_quietly() {
    let output = run_unread(&["watch", "six-phones/capture.pcap", "--headless"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn options_that_do_not_go_together() {
    let fails = |arguments: &[&str], part: &str| {
        let (status, _, err) = run(arguments);
        assert_eq!(status, 2, "{arguments:?}");
        assert!(err.contains(part), "'{part}' is missing in\n{err}");
    };
    fails(&["watch", "healthy/capture.pcap"], "standard output is no terminal; --headless prints events");
    fails(&["watch", "-i", "eth0", "healthy/capture.pcap"], "cannot be used with");
    fails(&["watch", "healthy/capture.pcap", "--format", "json"], "--headless");
    fails(&["watch", "-i", "lo", "--write-size", "5"], "--write");
    fails(&["watch", "healthy/capture.pcap", "six-phones/capture.pcap", "--follow", "--headless"], "one file");
    fails(&["watch", "nowhere.pcap", "--headless"], "nowhere.pcap: No such file");
    fails(&["watch", "nowhere.pcap", "--follow", "--headless"], "nowhere.pcap: No such file");
}
