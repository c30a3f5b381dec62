//! Texts through the whole program: the cases of `tests/fixtures/words`, the documents' own logs, and `docs/words.md`.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use itlscope::words::{self, Kind, ROWS, Reading, Says, Screen, TvsAnswer, Whose};
use serde_json::Value;
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/words")
}

fn run(arguments: &[String], folder: &Path) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_itlscope"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// All values that a path names: dotted, with `[*]` and `[key=value]`.
fn select<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for step in path.split_inclusive([']']).flat_map(|part| part.split('.')).filter(|step| !step.is_empty()) {
        let (field, filter) =
            step.split_once('[').map_or((step, None), |(field, filter)| (field, Some(filter.trim_end_matches(']'))));
        if !field.is_empty() {
            found = found.iter().filter_map(|value| value.get(field)).collect();
        }
        match filter.map(|filter| filter.split_once('=')) {
            Some(Some((key, wanted))) => {
                let is = |value: &&Value| {
                    value
                        .get(key)
                        .is_some_and(|value| value.as_str().map_or(value.to_string() == wanted, |text| text == wanted))
                };
                found = found.iter().filter_map(|value| value.as_array()).flatten().filter(is).collect();
            }
            Some(None) => {
                let at: Option<usize> = filter.and_then(|filter| filter.parse().ok());
                let all = found.iter().filter_map(|value| value.as_array());
                found = all
                    .flat_map(|all| all.iter().enumerate().filter(move |(index, _)| at.is_none_or(|at| at == *index)))
                    .map(|(_, value)| value)
                    .collect();
            }
            None => {}
        }
    }
    found
}

fn holds(value: &Value, how: &Value) -> bool {
    if let Some(part) = how.get("contains").and_then(Value::as_str) {
        return value.as_str().map_or_else(|| value.to_string(), str::to_owned).contains(part);
    }
    value == how.get("is").unwrap()
}

/// What a case says that is not so, in words.
fn violations(name: &str) -> Vec<String> {
    let folder = root().join("cases").join(name);
    let case: Value = serde_json::from_str(&fs::read_to_string(folder.join("case.json")).unwrap()).unwrap();
    let arguments: Vec<String> =
        case["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap().to_owned()).collect();
    let (exit, json, err) = run(&[arguments.clone(), vec!["--format".to_owned(), "json".to_owned()]].concat(), &folder);
    let Ok(report) = serde_json::from_str::<Value>(&json) else {
        return vec![format!("{name}: no report, exit {exit}: {err}")];
    };
    let exit = Value::from(exit);
    let text = Value::from(run(&arguments, &folder).1.split_whitespace().collect::<Vec<_>>().join(" "));
    let values = |path: &str| match path {
        "exit" => vec![&exit],
        "stdout_text" => vec![&text],
        path => select(&report, path),
    };
    let mut wrong = Vec::new();
    for (key, is_wanted) in [("must", true), ("never", false)] {
        for how in case[key].as_array().unwrap() {
            let path = how["path"].as_str().unwrap();
            if values(path).into_iter().any(|value| holds(value, how)) != is_wanted {
                wrong.push(format!("{name}: {key} {how}: said {:?}", values(path)));
            }
        }
    }
    // What was read is told, by its name: a text that is passed over in silence is no help to anybody.
    for file in case.get("told").and_then(Value::as_array).into_iter().flatten() {
        let notes = report["notes"].to_string() + &report["references"].to_string() + &report["phones"].to_string();
        if !notes.contains(file.as_str().unwrap()) {
            wrong.push(format!("{name}: {file} is not told of"));
        }
    }
    wrong
}

#[test]
fn every_case_is_read_as_it_says() {
    let mut cases: Vec<String> = fs::read_dir(root().join("cases"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    cases.sort();
    assert!(cases.len() > 100, "{}", cases.len());
    let wrong: Vec<String> = cases.iter().flat_map(|case| violations(case)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A console log is told with the line of its last word.
#[test]
fn last_word_is_told_with_its_line() {
    let folder = root().join("cases/status-failure-then-success");
    let arguments =
        ["triage", "../../captures/1.pcap.gz", "--console-log", "SEP0011215A1AE3=status.txt", "--format", "json"];
    let (_, json, err) = run(&arguments.map(str::to_owned), &folder);
    let report: Value = serde_json::from_str(&json).unwrap_or_else(|_| panic!("{err}"));
    let why = select(&report, "phones[*].verdict.conditions[id=phone_reports_failure].why");
    assert!(why.iter().any(|why| why.as_str().unwrap().contains("status.txt, line 2: Trust List updated")), "{why:?}");
}

fn document(name: &str) -> Reading {
    let path = root().join("documents").join(format!("{name}.txt"));
    let (mut readings, left_out) = words::read(name, &fs::read(path).unwrap(), &Whose::Unnamed);
    assert!(readings.len() == 1 && left_out.is_empty());
    readings.remove(0)
}

#[test]
fn security_by_default_in_three_languages() {
    let server: IpAddr = "14.48.44.80".parse().unwrap();
    let phone: IpAddr = "14.48.44.202".parse().unwrap();
    for language in ["german", "japanese", "korean"] {
        let reading = document(&format!("security-by-default-{language}"));
        let count = |wanted: &dyn Fn(&Says) -> bool| reading.statements.iter().filter(|one| wanted(&one.says)).count();
        for (file, at_least) in
            [("CTLSEP0011215A1AE3.tlv", 2), ("ITLSEP0011215A1AE3.tlv", 1), ("SEP0011215A1AE3.cnf.xml.sgn", 1)]
        {
            let found = count(&|says| matches!(says, Says::Requests { file: asked, .. } if asked == file));
            assert!(found >= at_least, "{language} {file}: {found}");
        }
        let lengths: Vec<u64> = reading
            .statements
            .iter()
            .filter_map(|one| if let Says::Received { bytes } = one.says { Some(bytes) } else { None })
            .collect();
        assert_eq!(lengths, [4762, 5438, 7652], "{language}");
        assert_eq!(count(&|says| matches!(says, Says::Verified(_))), 2, "{language}: the list and the configuration");
        assert_eq!(count(&|says| *says == Says::AsksTvs(Some(server))), 1, "{language}");
        assert_eq!(count(&|says| *says == Says::TvsInList(Some(server))), 1, "{language}");
        assert!(count(&|says| *says == Says::TvsAnswered(true)) >= 1, "{language}");
        // The Japanese edition lost the address.
        let web = (language != "japanese").then_some(server);
        assert_eq!(count(&|says| *says == Says::WebNotInList(web)), 1, "{language}");
        assert_eq!(count(&|says| *says == Says::WebThroughTvs), 1, "{language}");
        let handshakes = reading.statements.iter().filter(|one| one.says == Says::TvsHandshake);
        assert_eq!(handshakes.map(|one| one.whose.clone()).collect::<Vec<_>>(), [Whose::Address(phone)], "{language}");
        assert!(reading.silent < reading.lines);
    }
}

#[test]
fn tvs_finds_an_etoken_in_its_second_cache() {
    let reading = document("mixed-mode-tokenless-ctl-german");
    assert_eq!(reading.kind, Kind::Tvs);
    let answers = reading.statements.iter().filter_map(|one| match &one.says {
        Says::TvsRequest(request) => Some(request.answer),
        _ => None,
    });
    // A miss in the database's cache, a hit in the CTL's; later the new CallManager certificate at once.
    assert_eq!(answers.collect::<Vec<_>>(), [TvsAnswer::Known, TvsAnswer::Known]);
}

#[test]
fn page_of_the_documentation_is_the_table() {
    let mut table = String::from("| wording | proves | does not prove | source |\n| --- | --- | --- | --- |\n");
    for row in ROWS {
        let example = row.example.replace('|', "\\|");
        table += &format!("| `{example}` | {} | {} | {} |\n", row.proves, row.not, row.source);
    }
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/words.md")).unwrap();
    assert!(page.contains(&table), "docs/words.md should have this table:\n{table}");
}

#[test]
fn fleet_in_words_takes_memory_by_its_phones() {
    let folder = TempDir::new().unwrap();
    let mut syslog = fs::File::create(folder.path().join("syslog.txt")).unwrap();
    for number in 0..2000 {
        writeln!(
            syslog,
            "Oct 30 16:02:17 cm-a : {number}: %UC_CALLMANAGER-6-DeviceTLInfo: %[DeviceName=SEP{number:012X}]\
             [CTL_Signature=Not Installed][ITL_Signature={number:040x}][StatusCode=3]: x"
        )
        .unwrap();
    }
    let arguments = ["triage", "--holds", "syslog.txt", "--format", "json"].map(str::to_owned);
    let (exit, json, err) = run(&arguments, folder.path());
    let report: Value = serde_json::from_str(&json).unwrap_or_else(|_| panic!("{err}"));
    assert_eq!((exit, report["phones"].as_array().unwrap().len()), (0, 2000));
    let held = report["phones"][7]["holds"]["itl_sha1"].as_str().unwrap();
    assert_eq!(held, format!("{:040x}", 7));
    assert!(report["notes"].to_string().contains("2000 phones were not seen on the wire"));
}

#[cfg(unix)]
#[test]
fn endless_file_is_an_error_in_bounded_memory() {
    for option in ["--console-log", "--holds", "-r"] {
        let (exit, _, err) = run(&["triage", option, "/dev/zero"].map(str::to_owned), &root());
        assert_eq!(exit, 2);
        assert!(err.contains("/dev/zero") && err.contains("MiB"), "{err}");
    }
}

#[test]
fn cut_log_never_turns_into_a_success() {
    let text = fs::read_to_string(root().join("cases/console-79xx-rejected/console.log")).unwrap();
    let failure = text.find("verify FAIL").unwrap() + "verify FAIL".len();
    for end in (failure..=text.len()).filter(|&end| text.is_char_boundary(end)) {
        let (readings, _) = words::read("x", &text.as_bytes()[..end], &Whose::Unnamed);
        let mut told = words::Told::default();
        readings.into_iter().for_each(|reading| told.hear(reading));
        let screens: Vec<Screen> =
            told.devices().into_iter().map(|name| told.about(Some(name), &[]).screen().0.screen).collect();
        assert_eq!(screens, [Screen::Failed], "{end}");
    }
}
