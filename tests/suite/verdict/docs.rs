//! `docs/verdict.md` against the program: what it lists is what there is.

use std::collections::BTreeSet;

use itlscope::phone::{Attribution, Ground};
use itlscope::verdict::advice_table;

use super::scenarios::scenarios;

fn page() -> String {
    std::fs::read_to_string(format!("{}/docs/verdict.md", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What stands under a heading.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    page.split("\n## ").find(|section| section.starts_with(heading)).unwrap()
}

/// The first cells of the table under a heading, without their back quotes.
fn ids(page: &str, heading: &str) -> Vec<String> {
    let rows = section(page, heading).lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned())).collect()
}

#[test]
fn the_advice_table_is_the_programs() {
    let page = page();
    let table: Vec<_> = advice_table().collect();
    let wanted: Vec<_> = table.iter().map(|(id, ..)| (*id).to_owned()).collect();
    assert_eq!(ids(&page, "Advice"), wanted, "in the order of effort");
    for (id, _, source) in table {
        let row = section(&page, "Advice").lines().find(|line| line.starts_with(&format!("| `{id}`"))).unwrap();
        assert!(row.contains(source), "{id} is from {source}: {row}");
    }
}

#[test]
fn every_finding_and_inference_is_listed() {
    let page = page();
    let listed = |heading| ids(&page, heading).into_iter().collect::<BTreeSet<_>>();
    let (findings, inferences) = (listed("Findings"), listed("Inferences"));
    let (mut found, mut inferred) = (BTreeSet::new(), BTreeSet::new());
    for file in ["decision-table", "source-documents", "inferences"] {
        for scenario in scenarios(file) {
            let assessment = scenario.assess();
            found.extend(assessment.findings.iter().map(|finding| finding.id.name().to_owned()));
            inferred.extend(assessment.observed.iter().map(|inference| inference.id.to_owned()));
        }
    }
    assert!(found.is_subset(&findings), "{:?}", found.difference(&findings));
    assert!(inferred.is_subset(&inferences), "{:?}", inferred.difference(&inferences));
    // What the scenarios do not reach needs files of the wire: two servers that fail, a log, a damaged file.
    let rest: Vec<_> = findings.difference(&found).map(String::as_str).collect();
    assert_eq!(rest, ["ctl_mismatch", "invalid_signature", "tftp_unanswered", "tvs_does_not_vouch", "tvs_same_serial"]);
    let rest: Vec<_> = inferences.difference(&inferred).map(String::as_str).collect();
    let rest: Vec<_> = rest.into_iter().filter(|id| !id.starts_with("log_") && !id.starts_with("tvs_log_")).collect();
    assert_eq!(rest, ["falls_back_to_tftp", "tvs_closed"]);
}

#[test]
fn every_attribution_is_listed_with_what_it_may_do() {
    let grounds = [Ground::Told, Ground::Certificate, Ground::Hardware, Ground::Files].map(Attribution::Own);
    let others = [Attribution::AtItsAddress, Attribution::Shared, Attribution::Named];
    let page = page();
    let all: Vec<Attribution> = grounds.into_iter().chain(others).collect();
    assert!(all.is_sorted_by(|one, other| one > other), "the strongest first");
    let rows = section(&page, "The four questions").lines().filter(|line| line.starts_with("| `"));
    let wanted = all.iter().map(|how| (format!("| `{}` |", how.name()), if how.is_own() { "yes |" } else { "no |" }));
    let rows: Vec<_> = rows.skip_while(|row| row.starts_with("| `attribution`")).collect();
    assert_eq!(rows.len(), all.len());
    for (row, (name, may_decide)) in rows.into_iter().zip(wanted) {
        assert!(row.starts_with(&name) && row.ends_with(may_decide), "{row}");
    }
}

#[test]
fn conditions_stand_in_their_order() {
    let scenarios = scenarios("decision-table");
    let assessment = scenarios.first().unwrap().assess();
    let wanted = assessment.conditions.all().map(|condition| condition.id.name());
    assert_eq!(ids(&page(), "The four conditions"), wanted);
}
