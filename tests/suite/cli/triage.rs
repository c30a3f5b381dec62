//! `itlscope triage` as a person meets it: text, colours, exit statuses, bad input.

use std::fs;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin_cmd;
use itlscope::testkit;
use tempfile::TempDir;

use crate::support::{captures, run, run_unread};

/// What must be said, in one line, and an exit status of 2.
#[track_caller]
fn fails(arguments: &[&str], wanted: &[&str]) {
    let (exit, out, err) = run(arguments);
    assert_eq!(exit, 2, "{out}{err}");
    for wanted in wanted {
        assert!(err.contains(wanted), "{wanted:?} is not in {err:?}");
    }
    assert_eq!(err.lines().count(), 1, "one line: {err}");
    assert!(out.is_empty(), "{out}");
}

fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> String {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path.to_string_lossy().into_owned()
}

/// The text without its line breaks.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_phones_line_comes_first_frames_prove_it() {
    let (exit, out, err) = run(&["triage", "tvs-regenerated/capture.pcap", "-r", "references/itl-old.tlv"]);
    assert_eq!((exit, err.as_str()), (1, ""));
    let lines: Vec<&str> = out.lines().collect();
    let head = lines.iter().position(|line| line.starts_with("PHONE ")).unwrap();
    let row = lines[head + 1];
    for wanted in ["SEP0011215A1AE3", "14.48.44.202", "match", "MISMATCH B1F0C352", "not needed", "reset phone"] {
        assert!(row.contains(wanted), "{wanted} is not in {row}");
    }
    for wanted in ["presents B1F0C3527D91E80E", "in frame 82", "unknown_ca in frame 84", "TVS record #3"] {
        assert!(unwrapped(&out).contains(wanted), "{wanted} is not in {out}");
    }
    assert!(out.lines().all(|line| line.trim_end() == line), "no blanks at the end of lines");
}

#[test]
fn colour_is_for_terminals() {
    let (_, out, _) = run(&["triage", "tvs-regenerated/capture.pcap", "-r", "references/itl-old.tlv"]);
    assert!(!out.contains('\u{1b}'));
}

#[test]
fn exit_statuses() {
    assert_eq!(run(&["triage", "healthy/capture.pcap", "-r", "references/itl-old.tlv"]).0, 0);
    assert_eq!(run(&["triage", "itl-differs/capture.pcap", "-r", "references/itl-old.tlv"]).0, 1);
    assert_eq!(run(&["triage", "nowhere.pcap"]).0, 2);
    assert_eq!(run(&["triage"]).0, 2);
}

#[test]
fn without_reference_it_says_how_it_compared() {
    let (exit, out, _) = run(&["triage", "six-phones/capture.pcap"]);
    assert_eq!(exit, 1, "one of them refuses what it is offered");
    assert!(out.contains("compared with each other"), "{out}");
    assert_eq!(run(&["triage", "healthy/capture.pcap"]).0, 0);
}

#[test]
fn several_captures_are_one_case() {
    let (_, out, _) = run(&["triage", "two-tftp/capture.pcap", "healthy/capture.pcap", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["sources"].as_array().unwrap().len(), 2);
    let sources: Vec<_> = report["phones"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|phone| phone["downloads"].as_array().unwrap())
        .map(|download| download["frame_sources"][0].as_u64().unwrap())
        .collect();
    assert!(sources.contains(&0) && sources.contains(&1));
}

#[test]
fn one_unreadable_capture_of_several() {
    let (exit, out, err) = run(&["triage", "nowhere.pcap", "healthy/capture.pcap"]);
    assert_eq!(exit, 2, "not everything was read");
    assert!(err.contains("nowhere.pcap: No such file or directory"), "{err}");
    assert!(out.contains("SEP0011215A1AE3"), "the rest is reported");
    assert!(out.contains("warning"), "and what is missing is said: {out}");
}

#[test]
fn captures_that_are_none() {
    let folder = TempDir::new().unwrap();
    fails(&["triage", "nowhere.pcap"], &["nowhere.pcap", "No such file"]);
    fails(&["triage", "references"], &["references", "directory"]);
    let empty = file(&folder, "empty.pcap", b"");
    fails(&["triage", &empty], &["empty.pcap", "empty (0 bytes)"]);
    let text = file(&folder, "text.pcap", b"hello, this is no capture");
    fails(&["triage", &text], &["text.pcap", "not a capture", "byte 0", "68 65 6c 6c"]);
    let header = &fs::read(captures().join("healthy/capture.pcap")).unwrap()[..20];
    let short = file(&folder, "short.pcap", header);
    fails(&["triage", &short], &["short.pcap", "cut", "24", "20"]);
}

#[test]
fn a_capture_that_is_cut_is_reported_up_to_the_cut() {
    let folder = TempDir::new().unwrap();
    let whole = fs::read(captures().join("healthy/capture.pcap")).unwrap();
    let cut = file(&folder, "cut.pcap", &whole[..20_000]);
    let (exit, out, err) = run(&["triage", &cut, "--format", "json"]);
    assert_eq!((exit, err.as_str()), (0, ""));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let warning = report["sources"][0]["warnings"][0].as_str().unwrap();
    assert!(warning.contains("cut at byte") && warning.contains("frames"), "{warning}");
    assert_eq!(report["phones"][0]["downloads"][0]["outcome"], "complete");
}

#[test]
fn references_that_are_none() {
    let folder = TempDir::new().unwrap();
    let capture = "healthy/capture.pcap";
    fails(&["triage", capture, "-r", "nowhere.tlv"], &["nowhere.tlv", "No such file"]);
    fails(&["triage", capture, "-r", "references"], &["references", "directory"]);
    let text = file(&folder, "text.tlv", b"hello");
    fails(&["triage", capture, "-r", &text], &["text.tlv", "expected", "show itl"]);
    let list = fs::read(captures().join("references/itl-old.tlv")).unwrap();
    let cut = file(&folder, "cut.tlv", &list[..1000]);
    fails(&["triage", capture, "-r", &cut], &["cut.tlv", "byte"]);
}

#[test]
fn references_of_every_kind() {
    let md5 = "69f8bf9f4ba131f87e24b48441a48459";
    let sha1 = "90C37EEBEB6C09B20463FFBFD7EDC1F47C1DC971";
    for reference in [
        "references/itl-old.tlv".to_owned(),
        md5.to_owned(),
        sha1.to_owned(),
        format!("14.48.44.80={md5}"),
        "14.48.44.80=references/itl-old.tlv".to_owned(),
    ] {
        let (exit, out, err) = run(&["triage", "healthy/capture.pcap", "-r", &reference, "--format", "json"]);
        assert_eq!(exit, 0, "{reference}: {err}");
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["phones"][0]["checks"]["itl_checksum"], "match", "{reference}");
    }
    let other =
        run(&["triage", "healthy/capture.pcap", "-r", "10.9.9.9=00000000000000000000000000000000", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&other.1).unwrap();
    assert_eq!(report["phones"][0]["checks"]["itl_checksum"], "unknown", "another server's list says nothing");
}

#[test]
fn what_only_the_engineer_knows() {
    let capture = "both-regenerated/capture.pcap";
    let stuck = |extra: &[&str]| {
        let mut arguments = vec!["triage", capture, "--format", "json"];
        arguments.extend(extra);
        let (_, out, err) = run(&arguments);
        let report: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
        report["phones"][0]["verdict"]["itl_deletion"].as_str().unwrap().to_owned()
    };
    let holds = ["--holds", "SEP0011215A1AE3=references/itl-old.tlv"];
    let says = ["--phone-says", "sep0011215a1ae3=verification-failed"];
    let backup = ["--old-key-backup", "no"];
    let no_ctl = ["--holds", "SEP0011215A1AE3=ctl=none"];
    assert_eq!(stuck(&[holds, no_ctl, says].concat()), "undetermined");
    assert_eq!(stuck(&[holds, says, backup].concat()), "undetermined", "it may hold a CTL that can still sign");
    assert_eq!(stuck(&[holds, no_ctl, says, backup].concat()), "needed");
    assert_eq!(stuck(&[holds, says, ["--old-key-backup", "yes"]].concat()), "not_needed");
    let folder = TempDir::new().unwrap();
    let lines = file(
        &folder,
        "holds.txt",
        b"# from the phones' screens\nSEP0011215A1AE3=references/itl-old.tlv\nSEP0011215A1AE3=ctl=none\n",
    );
    let log = file(&folder, "console.log", b"10:00:00 Trust List Verification Failed\n");
    let log = format!("SEP0011215A1AE3={log}");
    assert_eq!(stuck(&["--holds", &lines, "--console-log", &log, "--old-key-backup", "no"]), "needed");
    // CUCM's syslog as it is, with the SHA-1 of the old list; the list itself comes with -r.
    let syslog = file(
        &folder,
        "CiscoSyslog",
        b"Mar  9 13:32:45 cucm : 56: %UC_CTI-3-Other: %[Reason=8]: nothing of ours\n\
          Mar  9 13:32:45 cucm : 57: %UC_-6-DeviceTLInfo: %[DeviceName=SEP0011215A1AE3][IPv4Address=14.48.44.202]\
          [CTL_Signature=Not Installed][ITL_Signature=90 C3 7E EB EB 6C 09 B2 04 63 FF BF D7 ED C1 F4 7C 1D C9 71]\
          [StatusCode=3]: phone\n",
    );
    let old = ["-r", "references/itl-old.tlv"];
    assert_eq!(stuck(&[&["--holds", &syslog][..], &old, &says, &backup].concat()), "needed");
    assert_eq!(stuck(&[&["--holds", &syslog][..], &says, &backup].concat()), "undetermined", "the list is not at hand");
}

#[test]
fn what_a_log_says_beside_is_counted() {
    let folder = TempDir::new().unwrap();
    let log = file(&folder, "console.log", b"something else\n\n10:00:00 Trust List Verification Failed\n\nmore\n");
    let log = format!("SEP0011215A1AE3={log}");
    let (_, out, err) = run(&["triage", "healthy/capture.pcap", "--console-log", &log]);
    assert_eq!(err, "");
    assert!(
        unwrapped(&out)
            .contains("console.log: read as status messages of a phone; 2 of 3 lines say nothing that is looked for"),
        "{out}"
    );
}

#[test]
fn options_that_contradict_each_other_or_say_nothing() {
    let capture = "healthy/capture.pcap";
    let device = "SEP0011215A1AE3";
    let old = format!("{device}=references/itl-old.tlv");
    let new = format!("{device}=references/itl-both-new.tlv");
    let (exit, out, _) = run(&["triage", capture, "--holds", &old, "--holds", &new]);
    let out = unwrapped(&out);
    assert_eq!(exit, 1, "a contradiction is a finding");
    assert!(
        out.contains("it is disputed which ITL the phone held")
            && out.contains("90c37eebeb6c09b20463ffbfd7edc1f47c1dc971")
            && out.contains("627a8bb0e4bcd329b6ac69e4a454f64e1934dba4"),
        "{out}"
    );
    let failed = format!("{device}=verification-failed");
    let ok = format!("{device}=ok");
    let (_, out, _) = run(&["triage", capture, "--phone-says", &failed, "--phone-says", &ok, "--details", "all"]);
    assert!(unwrapped(&out).contains("but the option says that verification succeeded"), "{out}");
    fails(&["triage", capture, "--phone-says", "SEP1=perhaps"], &["--phone-says", "verification-failed"]);
    let folder = TempDir::new().unwrap();
    let nonsense = file(&folder, "nonsense.txt", b"one\ntwo\n");
    fails(&["triage", capture, "--holds", &nonsense], &["nonsense.txt", "neither"]);
    let (exit, out, _) = run(&["triage", capture, "--console-log", &nonsense]);
    assert_eq!(exit, 0, "a text that says nothing is a note");
    assert!(unwrapped(&out).contains("nonsense.txt: none of its 2 lines says anything"), "{out}");
    let certificate = format!("{device}=references/tvs-old.pem");
    fails(&["triage", capture, "--holds", &certificate], &["tvs-old.pem", "certificate"]);
}

#[test]
fn a_device_that_is_not_in_the_capture_is_named() {
    let (exit, out, _) = run(&["triage", "healthy/capture.pcap", "--phone-says", "SEP000000000009=ok"]);
    assert_eq!(exit, 0);
    assert!(out.contains("SEP000000000009") && out.contains("not seen on the wire"), "{out}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let output = run_unread(&["triage", "six-phones/capture.pcap", "--details", "all", "--format", "json"]);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The table of `docs/limits.md`: options and their defaults.
fn documented_limits() -> Vec<(String, String)> {
    let text = fs::read_to_string(captures().join("../docs/limits.md")).unwrap();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `--")?.split('|').map(str::trim);
        Some((format!("--{}", cells.next()?.trim_end_matches('`')), cells.next()?.to_owned()))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn every_limit_is_an_option_as_documented() {
    let documented = documented_limits();
    assert_eq!(documented.len(), 12);
    for command in ["triage", "watch", "extract"] {
        let help = unwrapped(&run(&[command, "--help"]).1);
        let limits = help.split("Limits (").nth(1).unwrap();
        for (option, default) in &documented {
            let described = limits.split(&format!("{option} <")).nth(1).unwrap_or_else(|| panic!("{command} {option}"));
            let found = described.split("[default: ").nth(1).unwrap().split(']').next().unwrap();
            assert_eq!(found, default, "{command} {option}");
        }
        assert_eq!(limits.matches("[default: ").count(), documented.len(), "{command}: a limit is not documented");
    }
}

#[test]
fn limits_that_make_no_sense() {
    for (option, _) in documented_limits() {
        for value in ["0", "-1", "x", "99999999999999999999"] {
            let (exit, out, err) = run(&["triage", "healthy/capture.pcap", &format!("{option}={value}")]);
            assert_eq!((exit, out.as_str()), (2, ""), "{option} {value}");
            assert!(err.contains(&option) && err.contains("expected"), "{option} {value}: {err}");
        }
    }
}

/// The exit status of `triage` over a capture of these frames, and its report.
fn triage(frames: &[testkit::Owned], options: &[&str]) -> (i32, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "written.pcap", &testkit::pcap(1, true, frames));
    let (exit, out, err) = run(&[&["triage", &path, "--format", "json"], options].concat());
    assert_eq!(err, "");
    (exit, serde_json::from_str(&out).unwrap())
}

/// What `triage` notes of them.
fn notes_of(frames: &[testkit::Owned], options: &[&str]) -> String {
    let (exit, report) = triage(frames, options);
    assert!(exit < 2, "{exit}");
    format!("{} {}", report["notes"], report["sources"][0]["warnings"])
}

#[test]
fn bound_that_costs_phones_is_no_clean_end() {
    let frames = testkit::read(captures().join("healthy/capture.pcap").to_str().unwrap());
    assert_eq!(triage(&frames, &[]).0, 0);
    assert_eq!(triage(&frames, &["--max-phone-memory", "4K"]).0, 1);
}

#[test]
fn list_that_was_not_held_is_not_called_corrupt() {
    let frames = testkit::read(captures().join("healthy/capture.pcap").to_str().unwrap());
    let (exit, report) = triage(&frames, &["--max-file", "4K"]);
    let phone = &report["phones"][0];
    assert_eq!((exit, &phone["findings"]), (0, &serde_json::json!([])));
    let itl = phone["downloads"].as_array().unwrap().iter().find(|download| download["kind"] == "itl").unwrap();
    assert_eq!((&itl["bytes"], &itl["signature"]), (&5438.into(), &serde_json::Value::Null));
}

#[test]
fn every_limit_that_was_hit_is_told() {
    let recorded = |case: &str| testkit::read(captures().join(case).join("capture.pcap").to_str().unwrap());
    let (healthy, many) = (recorded("healthy"), recorded("six-phones"));
    assert!(!notes_of(&many, &[]).contains("--max"), "by default none is hit");
    for (frames, option, value, wanted) in [
        (&many, "--max-phones", "2", "records of phones forgotten: "),
        (&many, "--max-records", "1", "records of phones forgotten: "),
        (&many, "--max-phone-memory", "4K", "records of phones forgotten: "),
        (&healthy, "--max-file", "4K", "files larger than what is held of one: "),
        (&many, "--max-flows", "1", "TCP connections given up: "),
    ] {
        let notes = notes_of(frames, &[option, value]);
        assert!(notes.contains(wanted) && notes.contains(option), "{option}: {notes}");
    }
    // Everything waits for block 1, which comes last.
    let mut late = testkit::tftp("10.0.0.1:4000", "10.0.0.2:69", "ITLFile.tlv", &vec![7; 20_000]);
    let first = late.remove(1);
    late.push(first);
    assert!(notes_of(&late, &["--max-late", "4K"]).contains("TFTP transfers given up for a late block: 1;"));
    // Thirty transfers that stop in the middle, all at once.
    let open: Vec<_> = (0..30)
        .flat_map(|number| {
            let client = format!("10.0.0.{}:4000", number + 10);
            let file: Vec<u8> = (0..9000u32).map(|byte| u8::try_from((byte * 7 + number) % 251).unwrap()).collect();
            let mut frames = testkit::tftp(&client, "10.0.0.2:69", &format!("file{number}"), &file);
            frames.truncate(20);
            frames
        })
        .collect();
    assert!(notes_of(&open, &["--max-tftp-memory", "16K"]).contains("TFTP transfers given up unfinished: "));
    assert!(notes_of(&open, &["--max-flows", "4"]).contains("TFTP transfers given up unfinished: "));
    // A handshake whose first segment is late, and thirty like it.
    let streams = |connections: u8, bytes: usize| -> Vec<testkit::Owned> {
        (0..connections)
            .flat_map(|number| {
                let mut connection =
                    testkit::Connection::opened(&format!("10.0.0.{}:50000", number + 10), "10.0.0.2:2445");
                let hello = [&[22, 3, 1, 0x3f, 0xff, 2, 0, 0x3f, 0xfb][..], &vec![1; bytes]].concat();
                connection.from_server(&hello);
                connection.frames.remove(3);
                connection.frames
            })
            .collect()
    };
    assert!(notes_of(&streams(1, 12_000), &["--max-late", "4K"]).contains("holes in TCP streams given up: "));
    assert!(notes_of(&streams(30, 3000), &["--max-tcp-memory", "16K"]).contains("TCP connections given up: "));
    // Fragments without their rest.
    let fragments: Vec<_> = (1..200u16)
        .map(|number| {
            let packet = &testkit::udp_frame("10.0.0.1:69", "10.0.0.2:4000", number, &[0; 400])[14..];
            testkit::Owned::ethernet(0, testkit::ethernet(&testkit::fragments(packet, 200)[0]))
        })
        .collect();
    assert!(notes_of(&fragments, &["--max-fragments", "16K"]).contains("--max-fragments"));
}

#[test]
fn what_was_left_out_of_a_capture_is_told_once() {
    let (_, out, _) = run(&["triage", "seen-twice/capture.pcap"]);
    let warnings: Vec<_> = out.lines().filter(|line| line.starts_with("warning ")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("frames are captured twice"), "{warnings:?}");
    let mut frames = testkit::read(captures().join("healthy/capture.pcap").to_str().unwrap());
    for frame in &mut frames {
        frame.data.truncate(96);
    }
    assert!(notes_of(&frames, &[]).contains("cut by the snap length"));
    let folder = tempfile::tempdir().unwrap();
    let radio = file(&folder, "radio.pcap", &testkit::pcap(195, true, &frames[..3]));
    let told = "3 frames are of link type LINKTYPE_IEEE802_15_4_WITHFCS, which is not read, the first is frame 1";
    fails(&["triage", &radio], &["radio.pcap", told]);
    let (exit, out, err) = run(&["triage", &radio, "healthy/capture.pcap"]);
    assert_eq!((exit, err.lines().count()), (2, 1), "{err}");
    assert!(out.contains(told) && out.contains("SEP0011215A1AE3"), "the rest is reported: {out}");
}

/// What a report says of phones, whatever the captures are called.
fn phones(arguments: &[&str]) -> serde_json::Value {
    let (_, out, err) = run(&[&["triage", "--format", "json"], arguments].concat());
    assert_eq!(err, "");
    serde_json::from_str::<serde_json::Value>(&out).unwrap()["phones"].take()
}

#[test]
fn standard_input_is_read_as_a_file_is() {
    let whole = fs::read(captures().join("healthy/capture.pcap")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &whole).unwrap();
    let expected = phones(&["healthy/capture.pcap"]);
    for bytes in [whole, gzip.finish().unwrap()] {
        let mut command = cargo_bin_cmd!("itlscope");
        let output = command.args(["triage", "-", "--format", "json"]).write_stdin(bytes).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["sources"][0]["path"], "standard input");
        assert_eq!(report["phones"], expected);
    }
}

#[test]
fn a_rotated_set_is_one_capture_with_one_reassembly() {
    let frames = testkit::read(captures().join("healthy/capture.pcap").to_str().unwrap());
    let folder = tempfile::tempdir().unwrap();
    // As tcpdump -C writes them, and the shell sorts them: trace.pcap10 stands before trace.pcap2.
    let mut paths: Vec<_> = frames
        .chunks(10)
        .enumerate()
        .map(|(index, part)| file(&folder, &format!("trace.pcap{index}"), &testkit::pcap(1, true, part)))
        .collect();
    paths.sort();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let facts = |phones: &serde_json::Value| -> Vec<String> {
        let fields = ["file", "outcome", "sha1", "retransmits", "service", "certificate_status"];
        let downloads = phones[0]["downloads"].as_array().unwrap();
        let sessions = phones[0]["tls"].as_array().unwrap();
        downloads.iter().chain(sessions).map(|one| fields.map(|field| one[field].to_string()).join(" ")).collect()
    };
    let (parts, whole) = (phones(&paths), phones(&["healthy/capture.pcap"]));
    assert_eq!(facts(&parts), facts(&whole));
    assert!(facts(&whole).len() >= 6);
}

#[test]
fn falling_back_from_http_to_tftp_is_told() {
    let (_, out, _) = run(&["triage", "http-6970/capture.pcap"]);
    let told = "it tried HTTP on 14.48.44.80:6970 first and fell back to TFTP for CTLSEP0011215A1AE3.tlv: HTTP 503";
    assert!(unwrapped(&out).contains(told), "{out}");
    // Nobody listens on 6970: no request is ever seen.
    let mut connection = testkit::Connection::new("14.48.44.202:40001", "14.48.44.80:6970");
    connection.client_segment(testkit::SYN, &[]);
    connection.server_segment(testkit::RST | testkit::ACK, &[]);
    let mut frames = connection.frames;
    frames.extend(testkit::tftp("14.48.44.202:30000", "14.48.44.80:69", "ITLSEP0011215A1AE3.tlv", b"x"));
    for (index, frame) in (0..).zip(&mut frames) {
        frame.time = index * 1_000_000;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "written.pcap", &testkit::pcap(1, true, &frames));
    let (_, out, _) = run(&["triage", &path]);
    let out = unwrapped(&out);
    let refused = "the server refused the connection (RST in answer to the SYN)";
    assert!(out.contains(&format!("fell back to TFTP for ITLSEP0011215A1AE3.tlv: {refused}")), "{out}");
    assert!(!out.contains("does not answer"), "{out}");
}

/// 20 MiB of frames that matter to nobody.
fn large(folder: &TempDir) -> String {
    let frame = testkit::Owned::ethernet(0, testkit::udp_frame("10.0.0.1:16384", "10.0.0.2:16384", 1, &[0x80; 1400]));
    let once = testkit::pcap(1, true, &vec![frame; 15_000]);
    file(folder, "large.pcap", &once)
}

#[test]
fn progress_is_shown_on_a_terminal_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = large(&folder);
    let (exit, _, err) = run(&["triage", &path]);
    assert_eq!((exit, err.as_str()), (0, ""), "standard error is no terminal");
    // script (bsdutils) runs a command on a terminal of its own.
    let program = cargo_bin_cmd!("itlscope").get_program().to_owned();
    let on_a_terminal = |path: &str, term: &str| {
        let command = format!("{} triage {path} > /dev/null", program.to_str().unwrap());
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env("TERM", term)
            .stdin(Stdio::null())
            .output()
            .expect("script is installed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let shown = on_a_terminal(&path, "xterm");
    assert!(shown.contains("reading") && shown.contains('%'), "{shown:?}");
    assert_eq!(on_a_terminal(&path, "dumb"), "");
    let small = captures().join("healthy/capture.pcap");
    assert_eq!(on_a_terminal(small.to_str().unwrap(), "xterm"), "", "too little to be worth it");
}

#[test]
fn more_captures_than_can_be_told_apart_are_refused_with_words() {
    let many = vec!["x"; 70_000];
    let (exit, out, err) = run(&[&["triage"], &many[..]].concat());
    assert_eq!((exit, out.as_str(), err.lines().count()), (2, "", 1));
    assert!(err.contains("70000 captures were given, at most 65536"), "{err}");
}

#[test]
fn inputs_without_end_are_refused() {
    let capture = captures().join("healthy/capture.pcap").display().to_string();
    for arguments in [
        &["show", "/dev/zero"][..],
        &["triage", &capture, "-r", "/dev/zero"],
        &["triage", &capture, "--holds", "/dev/zero"],
        &["triage", &capture, "--console-log", "/dev/zero"],
        &["diff", "/dev/zero", "/dev/zero"],
    ] {
        let (exit, _, err) = run(arguments);
        assert_eq!((exit, err.lines().count()), (2, 1), "{arguments:?}: {err}");
        assert!(err.contains("/dev/zero") && err.contains("has more than 128 MiB"), "{arguments:?}: {err}");
    }
}

#[test]
fn messages_do_not_repeat_a_line_of_a_megabyte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long");
    std::fs::write(&path, format!("SEP0011215A1AE3={}", "x".repeat(1 << 20))).unwrap();
    let capture = captures().join("healthy/capture.pcap").display().to_string();
    let (exit, _, err) = run(&["triage", &capture, "--holds", &path.display().to_string()]);
    assert_eq!(exit, 2);
    assert!(err.len() < 20_000 && err.contains("line 1"), "{}", err.len());
}
