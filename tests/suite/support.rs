//! What tests of the real binary have in common.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;

/// The recorded captures and their references.
pub(crate) fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

/// The folders of all cases, in the order of their names.
pub(crate) fn cases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(captures()).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = entries.filter(|folder| folder.join("expected.json").is_file()).collect();
    cases.sort();
    cases
}

/// The capture of a case.
pub(crate) fn capture_in(folder: &Path) -> PathBuf {
    let paths = ["capture.pcap", "capture.pcapng"].map(|name| folder.join(name));
    paths.into_iter().find(|path| path.is_file()).unwrap_or_else(|| panic!("{} holds no capture", folder.display()))
}

/// Runs the program among the captures: exit status, standard output, standard error.
pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = cargo_bin_cmd!("itlscope").args(arguments).current_dir(captures()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Runs the program among the captures while nobody reads what it prints.
pub(crate) fn run_unread(arguments: &[&str]) -> Output {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("itlscope"))
        .args(arguments)
        .current_dir(captures())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.wait_with_output().unwrap()
}

/// The names of all fields in a document.
pub(crate) fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}
