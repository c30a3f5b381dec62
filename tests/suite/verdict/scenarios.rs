//! Scenarios from `tests/scenarios`: every row of the decision table, and what the source documents describe.

use serde::Deserialize;

use super::lab::Scenario;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scenario: Vec<Scenario>,
}

/// The scenarios of one file.
pub(crate) fn scenarios(file: &str) -> Vec<Scenario> {
    let path = format!("{}/tests/scenarios/{file}.toml", env!("CARGO_MANIFEST_DIR"));
    let file: File = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file.scenario
}

fn run(file: &str) {
    let mut wrong = Vec::new();
    for scenario in &scenarios(file) {
        let assessment = scenario.assess();
        let expect = &scenario.expect;
        let mut differ = |what: &str, expected: &str, found: &str| {
            if expected != found {
                wrong.push(format!(
                    "{} ({}): {what}: expected {expected}, found {found}",
                    scenario.name, scenario.source
                ));
            }
        };
        differ("deletion", &expect.deletion, assessment.deletion.name());
        if let Some(conditions) = &expect.conditions {
            for (expected, found) in conditions.iter().zip(assessment.conditions.all()) {
                let expected = if expected == "?" { "unknown" } else { expected };
                let what = format!("{} ({})", found.id.name(), found.why);
                differ(&what, expected, found.holds.name());
            }
        }
        let advice: Vec<_> = assessment.advice.iter().map(|advice| advice.id).collect();
        for wanted in &expect.advice {
            let found = if advice.contains(&wanted.as_str()) { wanted.clone() } else { format!("{advice:?}") };
            differ("advice", wanted, &found);
        }
        for unwanted in &expect.not_advice {
            let found = if advice.contains(&unwanted.as_str()) { "given" } else { "not given" };
            differ(&format!("advice {unwanted}"), "not given", found);
        }
        if let Some(simulated) = &expect.simulated {
            let found =
                assessment.simulation.as_ref().map_or("none", |simulation| simulation.prediction.outcome.name());
            differ("simulation", simulated, found);
        }
        let observed: Vec<_> = assessment.observed.iter().map(|inference| inference.id).collect();
        for wanted in &expect.observed {
            let found = if observed.contains(&wanted.as_str()) { wanted.clone() } else { format!("{observed:?}") };
            differ("observed", wanted, &found);
        }
        for unwanted in &expect.not_observed {
            let found = if observed.contains(&unwanted.as_str()) { "inferred" } else { "not inferred" };
            differ(&format!("observed {unwanted}"), "not inferred", found);
        }
        // An inference that names no frames is a guess; the log of TVS has none.
        for inference in assessment.observed.iter().filter(|inference| inference.id != "tvs_log_handshake") {
            differ(inference.id, "frames", if inference.evidence.is_empty() { "none" } else { "frames" });
        }
        if let Some(because) = &expect.because {
            let found = if assessment.because.contains(because) { because } else { &assessment.because };
            differ("because", because, found);
        }
        // Whoever is left without an answer is told what to collect; everybody else what to do.
        match assessment.deletion.name() {
            "undetermined" => {
                differ("collect", "something", if assessment.collect.is_empty() { "nothing" } else { "something" });
            }
            _ => differ("advice", "something", if advice.is_empty() { "nothing" } else { "something" }),
        }
        assert!(!assessment.because.is_empty(), "{}", scenario.name);
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_decision_table() {
    run("decision-table");
}

#[test]
fn what_the_wire_shows() {
    run("inferences");
}

#[test]
fn what_the_source_documents_describe() {
    run("source-documents");
}
