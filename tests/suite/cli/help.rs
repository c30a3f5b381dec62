//! Help, version, completions and manual pages: what a user sees before anything was read.

use std::fs;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin_cmd;

/// Exit status, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = cargo_bin_cmd!("itlscope").args(arguments).env("COLUMNS", "100").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The names of all commands, as the program lists them.
fn commands() -> Vec<String> {
    let (_, help, _) = run(&["--help"]);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    let first_word = |line: &str| line.strip_prefix("  ")?.split_whitespace().next().map(str::to_owned);
    list.lines().filter(|line| !line.starts_with("   ")).filter_map(first_word).filter(|name| name != "help").collect()
}

#[test]
fn help_texts() {
    insta::assert_snapshot!("help", run(&["--help"]).1);
    for command in commands() {
        let (status, help, _) = run(&[&command, "--help"]);
        assert_eq!(status, 0);
        assert!(help.contains("Examples:\n"), "{command} shows no examples");
        insta::assert_snapshot!(format!("help_{command}"), help);
    }
}

#[test]
fn exit_status_is_told_in_the_same_words() {
    const OF_REPORTS: [&str; 3] = [
        "nothing needs attention and nothing differs from a reference that was given",
        "something does, also where a bound cost phones",
        "it could not be done",
    ];
    const OF_DIFF: [&str; 3] =
        ["phones accept the new list", "they will reject it, or that is not known", "it could not be done"];
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = |name: &str| fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let help = |arguments: &[&str]| run(arguments).1;
    let reports = [
        help(&["--help"]),
        help(&["triage", "--help"]),
        help(&["watch", "--help"]),
        page("README.md"),
        page("docs/verdict.md"),
        page("docs/json.md"),
        page("docs/events.md"),
    ];
    let diffs = [help(&["diff", "--help"]), page("README.md"), page("docs/verdict.md")];
    for (texts, words) in [(&reports[..], OF_REPORTS), (&diffs[..], OF_DIFF)] {
        for text in texts.iter().map(|text| joined(text)) {
            for words in words {
                assert!(text.contains(words), "'{words}' is missing in\n{text}");
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_printed_has_failed() {
    for arguments in [&["--help"][..], &["--version"], &["triage", "--help"], &["man"], &["completions", "bash"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_itlscope"));
        let output = command.args(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(err.contains("No space left") && err.lines().count() == 1, "{arguments:?}: {err}");
    }
}

#[test]
fn without_a_command_it_helps() {
    let (status, _, err) = run(&[]);
    assert_eq!(status, 2);
    assert!(err.contains("Usage: itlscope") && err.contains("Examples:"), "{err}");
}

#[test]
fn a_wrong_option_or_command_names_the_right_one() {
    for (arguments, right) in [
        (&["triage", "a.pcap", "--referense", "b"][..], "'--reference'"),
        (&["watch", "--interfase", "eth0"], "'--interface'"),
        (&["show", "--fromat", "json", "x"], "'--format'"),
        (&["triag", "a.pcap"], "'triage'"),
        (&["watch", "a.pcap", "--theme", "plane"], "'plain'"),
        (&["completions", "bahs"], "'bash'"),
    ] {
        let (status, _, err) = run(arguments);
        assert_eq!(status, 2, "{arguments:?}");
        assert!(err.contains(right), "{right} is not named: {err}");
    }
}

#[test]
fn version_says_what_was_built_in() {
    let (status, out, _) = run(&["--version"]);
    assert_eq!(status, 0);
    assert!(out.starts_with(concat!("itlscope ", env!("CARGO_PKG_VERSION"), "\nlive capture: ")), "{out}");
    assert_eq!(out.contains("live capture: yes, through libpcap"), cfg!(feature = "live"), "{out}");
    assert_eq!(run(&["-V"]).1, concat!("itlscope ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn completions_are_scripts() {
    let folder = tempfile::TempDir::new().unwrap();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let (status, script, _) = run(&["completions", shell]);
        assert_eq!(status, 0);
        for word in ["triage", "watch", "interface", "heartbeat"] {
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
        let path = folder.path().join(shell);
        fs::write(&path, script).unwrap();
        // Where the shell is at hand, it says whether it understands.
        if let Ok(output) = Command::new(shell).arg(check).arg(&path).stdin(Stdio::null()).output() {
            assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn manual_pages() {
    let (status, page, _) = run(&["man"]);
    assert_eq!(status, 0);
    for part in [".TH itlscope 1", ".SH NAME", ".SH SYNOPSIS", "itlscope\\-triage(1)"] {
        assert!(page.contains(part), "'{part}' is missing in\n{page}");
    }
    let (_, page, _) = run(&["man", "watch"]);
    assert!(page.contains(".TH itlscope-watch 1") && page.contains("heartbeat"), "{page}");
    let (status, _, err) = run(&["man", "wach"]);
    assert!(status == 2 && err.contains("'wach' is no command; there are triage, watch"), "{err}");
    let folder = tempfile::TempDir::new().unwrap();
    assert_eq!(run(&["man", "--output", folder.path().to_str().unwrap()]).0, 0);
    let mut files: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let mut expected: Vec<_> = commands().iter().map(|command| format!("itlscope-{command}.1")).collect();
    expected.push("itlscope.1".to_owned());
    expected.sort();
    assert_eq!(files, expected);
    // Where groff is at hand, it says whether it understands.
    let groff = Command::new("groff")
        .args(["-man", "-Tutf8", "-ww", "-z"])
        .arg(folder.path().join("itlscope-watch.1"))
        .output();
    if let Ok(output) = groff {
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
