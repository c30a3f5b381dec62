//! Cases through the whole program: what a report must say, and what it must never say (`tests/fixtures/soundness`,
//! `tests/fixtures/words`).

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

mod statement;

use statement::{holds, select};

/// What a folder of cases is called, and how many there are at least: none is lost unseen.
const FOLDERS: [(&str, usize); 2] = [("soundness", 109), ("words/cases", 121)];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// What the program printed, and how it ended.
struct Run {
    exit: i32,
    out: String,
    err: String,
}

fn run(folder: &Path, arguments: &[String]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_itlscope"));
    command.args(arguments).current_dir(folder);
    // Whole paragraphs on one line: what is looked for may be wrapped.
    let output = command.env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8").env("COLUMNS", "4000").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { exit: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// A case: its folder, its `case.json`, and what the program reports of it.
struct Case {
    name: String,
    folder: PathBuf,
    says: Value,
    report: Value,
    exit: Value,
    text: OnceCell<Value>,
    peak: OnceCell<Value>,
}

impl Case {
    /// Runs the case; an error is that there is no report.
    fn new(folder: &Path) -> Result<Self, String> {
        let name = folder.strip_prefix(fixtures()).unwrap().display().to_string();
        let case: Value = serde_json::from_str(&fs::read_to_string(folder.join("case.json")).unwrap()).unwrap();
        assert!(case["truth"].as_str().is_some_and(|truth| !truth.is_empty()), "{name}: what really happened?");
        let run = run(folder, &arguments(&case, true));
        let report = serde_json::from_str(&run.out)
            .map_err(|_| format!("{name}: no report, exit status {}: {}", run.exit, run.err))?;
        let (folder, exit) = (folder.to_owned(), run.exit.into());
        Ok(Self { name, folder, says: case, report, exit, text: OnceCell::new(), peak: OnceCell::new() })
    }

    /// The values that a path leads to: in the report, or beside it.
    fn values(&self, path: &str) -> Vec<&Value> {
        match path {
            "exit" => vec![&self.exit],
            "stdout_text" => vec![self.text.get_or_init(|| {
                let text = run(&self.folder, &arguments(&self.says, false)).out;
                text.split_whitespace().collect::<Vec<_>>().join(" ").into()
            })],
            // A system that does not tell says neither that much was taken nor little.
            "peak_memory_mib" => vec![self.peak.get_or_init(|| peak_memory_mib(&self.folder).into())],
            path => select(&self.report, path),
        }
    }

    /// What is said that is not so, and what is not said that is so.
    fn violations(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (key, is_wanted) in [("never", false), ("must", true)] {
            for how in self.says[key].as_array().unwrap() {
                let values = self.values(how["path"].as_str().unwrap());
                if values.iter().any(|value| holds(value, how)) != is_wanted {
                    wrong.push(format!("{}: {key} {how}: said {}", self.name, short(&values)));
                }
            }
        }
        // What was read is told, by its name: a text that is passed over in silence is no help to anybody.
        for file in self.says["told"].as_array().into_iter().flatten() {
            let told = ["notes", "references", "phones"].map(|field| self.report[field].to_string()).concat();
            if !told.contains(file.as_str().unwrap()) {
                wrong.push(format!("{}: {file} is not told of", self.name));
            }
        }
        wrong.extend(self.misquoted());
        wrong.extend(self.without_a_line());
        wrong
    }

    /// Evidence that names a line of a file which has no such line.
    fn misquoted(&self) -> Vec<String> {
        let mut evidence = Vec::new();
        lines_of(&self.report, &mut evidence);
        let is_there = |&(path, line): &(&str, usize)| match fs::read(self.folder.join(path)).map(String::from_utf8) {
            Ok(Ok(text)) => (1..=text.lines().count()).contains(&line),
            // Of what is packed, or in UTF-16, the program alone counts lines.
            Ok(Err(_)) => true,
            Err(_) => Path::new(path).ancestors().skip(1).any(|packed| self.folder.join(packed).is_file()),
        };
        let missing = evidence.into_iter().filter(|place| !is_there(place));
        missing.map(|(path, line)| format!("{}: {path} has no line {line}", self.name)).collect()
    }

    /// What a text decides of a phone's screen, and does not name the line for.
    fn without_a_line(&self) -> Vec<String> {
        let screens = select(&self.report, "phones[*].verdict.conditions[id=phone_reports_failure]");
        let decided = screens.into_iter().filter(|screen| {
            let is_by_option = screen["why"].as_str().unwrap().contains("said by option");
            screen["holds"] != "unknown" && !is_by_option
        });
        let has_line = |screen: &&Value| {
            let mut lines = Vec::new();
            lines_of(&screen["evidence"], &mut lines);
            !lines.is_empty()
        };
        let without = decided.filter(|screen| !has_line(screen));
        without.map(|screen| format!("{}: {} names no line", self.name, screen["why"])).collect()
    }
}

/// The lines of files that anything in a report names as evidence.
fn lines_of<'a>(value: &'a Value, found: &mut Vec<(&'a str, usize)>) {
    match value {
        Value::Object(fields) => {
            let line = fields.get("line").and_then(Value::as_u64).and_then(|line| usize::try_from(line).ok());
            found.extend(fields.get("path").and_then(Value::as_str).zip(line));
            fields.values().for_each(|value| lines_of(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| lines_of(value, found)),
        _ => {}
    }
}

fn arguments(case: &Value, is_json: bool) -> Vec<String> {
    let own = case["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap());
    own.chain(is_json.then_some(["--format", "json"]).into_iter().flatten()).map(str::to_owned).collect()
}

fn short(values: &[&Value]) -> String {
    let text = values.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if text.is_empty() { "nothing".to_owned() } else { text.chars().take(400).collect() }
}

/// Runs every case of a folder, by two threads, and gives what is wrong.
fn wrong_in(folder: &str, at_least: usize) -> Vec<String> {
    let entries = fs::read_dir(fixtures().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = entries.filter(|path| path.join("case.json").is_file()).collect();
    cases.sort();
    assert!(cases.len() >= at_least, "{folder}: {} cases", cases.len());
    let (cases, wrong) = (Mutex::new(cases), Mutex::new(Vec::new()));
    let next = || cases.lock().unwrap().pop();
    let work = || {
        while let Some(case) = next() {
            let found = Case::new(&case).map_or_else(|none| vec![none], |case| case.violations());
            wrong.lock().unwrap().extend(found);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    wrong
}

#[test]
fn reports_say_what_the_evidence_carries() {
    let wrong: Vec<_> = FOLDERS.into_iter().flat_map(|(folder, at_least)| wrong_in(folder, at_least)).collect();
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The name of the folder whose case [`alone`] runs.
const ALONE: &str = "ITLSCOPE_CASE_ALONE";
/// What [`alone`] says before the number of MiB.
const PEAK: &str = "peak of memory in MiB:";

/// The most memory that a run of the case took, in MiB. A process is told only of the largest of all its children, so one of
/// its own runs it.
fn peak_memory_mib(folder: &Path) -> u64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["cases::alone", "--exact", "--ignored", "--nocapture"]).env(ALONE, folder).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let (_, behind) = text.split_once(PEAK).unwrap_or_else(|| panic!("{text}"));
    behind.split_whitespace().next().unwrap().parse().unwrap()
}

#[cfg(unix)]
#[test]
#[ignore = "no test: what peak_memory_mib starts"]
#[allow(clippy::print_stdout, reason = "the number is for whoever started it")]
fn alone() {
    use nix::sys::resource::{UsageWho, getrusage};

    let Some(folder) = std::env::var_os(ALONE).map(PathBuf::from) else { return };
    let case: Value = serde_json::from_str(&fs::read_to_string(folder.join("case.json")).unwrap()).unwrap();
    run(&folder, &arguments(&case, true));
    let peak = u64::try_from(getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()).unwrap();
    // Linux counts KiB, macOS bytes.
    println!("{PEAK} {}", if cfg!(target_os = "macos") { peak >> 20 } else { peak >> 10 });
}
