//! `tests/answers.txt`: what the program answers about every recorded capture and every scenario, a line for each phone, so that
//! whoever moves code sees that no answer moved with it, and whoever changes an answer shows it.

use std::fmt::Write as _;

use serde_json::Value;

use super::scenarios::scenarios;
use crate::support::{capture_in, cases, run};

/// The ids in a list of the report, each once: advice, findings, observations.
fn ids(list: &Value) -> String {
    let ids = list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap());
    ids.collect::<Vec<_>>().join(" ")
}

/// Where the evidence stands: frames, or the words of what has none.
fn evidence(of: &Value) -> String {
    let places = of["evidence"].as_array().unwrap().iter().map(|item| match &item["frame"] {
        Value::Null => item["text"].as_str().unwrap().to_owned(),
        frame => frame.to_string(),
    });
    places.collect::<Vec<_>>().join(" ")
}

/// One line for a phone of a report.
fn line(what: &str, phone: &Value) -> String {
    let verdict = &phone["verdict"];
    let mut line = format!("{what}: {}", verdict["itl_deletion"].as_str().unwrap());
    for (number, condition) in (1..).zip(verdict["conditions"].as_array().unwrap()) {
        let holds = condition["holds"].as_str().unwrap();
        write!(line, " | {number} {holds} ({})", evidence(condition)).unwrap();
    }
    let checks =
        ["itl_checksum", "tvs_serial", "tvs_certificate"].map(|check| phone["checks"][check].as_str().unwrap());
    let holds = phone["holds"]["source"].as_str().unwrap_or("unknown");
    write!(line, " | checks {} | holds {holds} ({})", checks.join(" "), evidence(&phone["holds"])).unwrap();
    for (name, list) in
        [("findings", &phone["findings"]), ("observed", &verdict["observed"]), ("advice", &verdict["advice"])]
    {
        write!(line, " | {name} {}", ids(list)).unwrap();
    }
    if let Some(outcome) = verdict["simulation"]["outcome"].as_str() {
        write!(line, " | simulation {outcome}").unwrap();
    }
    line
}

/// Every recorded capture, alone and with each question that it is recorded for.
fn of_captures() -> Vec<String> {
    let mut lines = Vec::new();
    for folder in cases() {
        let capture = capture_in(&folder);
        let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let texts = |list: &Value| -> Vec<String> {
            list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let mut asked = vec![Vec::new()];
        for question in expected["questions"].as_array().into_iter().flatten() {
            let references = texts(&question["references"]);
            let references = references.into_iter().flat_map(|reference| ["-r".to_owned(), reference]);
            let arguments: Vec<_> = references.chain(texts(&question["arguments"])).collect();
            if !asked.contains(&arguments) {
                asked.push(arguments);
            }
        }
        for arguments in asked {
            let fixed = ["triage", capture.to_str().unwrap(), "--format", "json"].map(str::to_owned);
            let all: Vec<String> = fixed.into_iter().chain(arguments.clone()).collect();
            let (_, report, said) = run(&all.iter().map(String::as_str).collect::<Vec<_>>());
            let report: Value = serde_json::from_str(&report).unwrap_or_else(|error| panic!("{error}: {said}"));
            for phone in report["phones"].as_array().unwrap() {
                let name = phone["name"].as_str().or(phone["addresses"][0].as_str()).unwrap();
                let case = folder.file_name().unwrap().to_str().unwrap();
                let asked: String = arguments.iter().map(|argument| format!(" {argument}")).collect();
                lines.push(line(&format!("{case}{asked}, {name}"), phone));
            }
        }
    }
    lines
}

/// Every scenario.
fn of_scenarios() -> Vec<String> {
    let mut lines = Vec::new();
    for file in ["decision-table", "inferences", "source-documents"] {
        for scenario in scenarios(file) {
            let report = scenario.document();
            lines.extend(
                report["phones"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|phone| line(&format!("{file}, {}", scenario.name), phone)),
            );
        }
    }
    lines
}

#[test]
fn no_answer_changes_unseen() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers.txt");
    let lines = [of_captures(), of_scenarios()].concat();
    assert!(lines.len() > 150, "captures and scenarios are there");
    let found = lines.join("\n") + "\n";
    if std::env::var_os("UPDATE_ANSWERS").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap();
    let gone = known.lines().filter(|line| !found.lines().any(|found| found == *line)).map(|line| format!("- {line}"));
    let new = found.lines().filter(|line| !known.lines().any(|known| known == *line)).map(|line| format!("+ {line}"));
    let changed: Vec<_> = gone.chain(new).collect();
    assert!(
        known == found,
        "{} lines changed; `UPDATE_ANSWERS=1 cargo test --test suite answers` takes them over:\n{}",
        changed.len(),
        changed.join("\n")
    );
}
