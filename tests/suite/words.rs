//! Texts: the documents' own logs, what the program makes of any text, and `docs/words.md`. The cases of `tests/fixtures/words` are run by
//! `cases`.

use std::fmt::Write as _;
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

/// A console log is told with the line of its last word.
#[test]
fn last_word_is_told_with_its_line() {
    let folder = root().join("cases/status-failure-then-success");
    let arguments =
        ["triage", "../../captures/1.pcap.gz", "--console-log", "SEP0011215A1AE3=status.txt", "--format", "json"];
    let (_, json, err) = run(&arguments.map(str::to_owned), &folder);
    let report: Value = serde_json::from_str(&json).unwrap_or_else(|_| panic!("{err}"));
    let conditions = report["phones"][0]["verdict"]["conditions"].as_array().unwrap();
    let mut told = conditions.iter().filter_map(|condition| condition["why"].as_str());
    assert!(told.any(|why| why.contains("status.txt, line 2: Trust List updated")), "{conditions:?}");
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
        writeln!(table, "| `{example}` | {} | {} | {} |", row.proves, row.not, row.source).unwrap();
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
        for reading in readings {
            told.hear(reading);
        }
        let screens: Vec<Screen> =
            told.devices().into_iter().map(|name| told.about(Some(name), &[]).screen().0.screen).collect();
        assert_eq!(screens, [Screen::Failed], "{end}");
    }
}
