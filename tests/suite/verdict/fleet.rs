//! Many phones: what they have in common, and how a thousand read.

use itlscope::phone::Phone;
use itlscope::report::{Details, Report, Style, write_text};
use itlscope::verdict::{Assessments, Case, Fleet, assess};
use itlscope::words::Told;

use super::lab::Scenario;
use super::scenarios::scenarios;

fn scenario(file: &str, name: &str) -> Scenario {
    scenarios(file).into_iter().find(|scenario| scenario.name == name).unwrap_or_else(|| panic!("{name}"))
}

/// So many phones to which this happened.
fn phones(scenario: &Scenario, from: usize, count: usize) -> Vec<Phone> {
    (from..from + count).map(|number| scenario.phone_named(&format!("SEP{number:012X}"))).collect()
}

fn text(phones: &[Phone], case: &Case, details: Details) -> String {
    let report = Report {
        sources: Vec::new(),
        notes: Vec::new(),
        assessments: Assessments { phones, case },
        others: Vec::new(),
    };
    let mut out = Vec::new();
    write_text(&report, Style { colour: false, width: 118, details }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// 412 stuck phones and 588 that are well, of one cluster.
fn thousand() -> (Vec<Phone>, Case) {
    let stuck = scenario("decision-table", "the reference trap: today's list matches what a stranded phone is offered");
    let well = scenario("inferences", "a phone that acts unlike one with the reference");
    let phones = [phones(&stuck, 1, 412), phones(&well, 1001, 588)].concat();
    let case = Case::new(well.reference().into_iter().collect(), Told::default(), &phones);
    (phones, case)
}

#[test]
fn a_thousand_phones_read_as_a_few_lines() {
    let (phones, case) = thousand();
    let text = text(&phones, &case, Details::Wrong);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[2],
        "1000 phones, 1000 with a mismatch, 412 need attention. ITL deletion needed: 0, not needed: 588, undetermined: 412."
    );
    let head = lines.iter().position(|line| line.starts_with("PHONE ")).unwrap();
    assert!(head <= 24, "the answer stands on the first screen:\n{}", lines[..head].join("\n"));
    let first_screen = lines[..head].join("\n");
    for wanted in [
        "   412 phones: phones begin their files again and again (SEP000000000001, SEP000000000002, SEP000000000003 and",
        "   412 phones: TVS on 10.0.1.1:2445: the phone sent the fatal alert",
        "588 of them are well",
        "and TVS (",
    ] {
        assert!(first_screen.contains(wanted), "{wanted:?} is not in\n{first_screen}");
    }
    // One section for all that are stuck alike, none for those that are well.
    let sections: Vec<_> =
        lines.iter().filter(|line| line.starts_with("SEP") && line.ends_with("(10.0.0.1)")).collect();
    assert_eq!(sections, [&"SEP000000000001 (10.0.0.1)"]);
    assert!(text.contains("  the same of 411 more phones: SEP000000000002, SEP000000000003,"), "{text}");
    // The table lists those that need attention, as far as anybody reads.
    assert_eq!(lines.iter().filter(|line| line.starts_with("SEP") && line.contains("collect more")).count(), 50);
    assert!(text.contains("and 362 more phones that need attention, and 588 phones that need none; --details all"));
    assert!(lines.len() < 150, "{} lines", lines.len());
}

#[test]
fn all_means_all() {
    let (phones, case) = thousand();
    let text = text(&phones[400..430], &case, Details::All);
    assert_eq!(text.lines().filter(|line| line.ends_with("(10.0.0.1)")).count(), 30);
    assert!(!text.contains("the same of"));
    assert!(!self::text(&phones[400..430], &case, Details::None).contains("ITL deletion undetermined"));
}

#[test]
fn what_servers_did_over_time() {
    let stuck = scenario("decision-table", "all but what the phone holds");
    let before = scenario("inferences", "it takes list and configuration, goes on, and has no trouble with TVS");
    let phones = [phones(&before, 1, 3), phones(&stuck, 11, 2)].concat();
    let case = Case::new(Vec::new(), Told::default(), &phones);
    let mut fleet = Fleet::default();
    for phone in &phones {
        fleet.add(phone, &assess(phone, &case));
    }
    let warnings = fleet.warnings(&case);
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].starts_with("TVS on 10.0.1.1:2445 presented 2 certificates: "), "{warnings:?}");
    assert!(warnings[1].starts_with("TFTP server 10.0.1.1 handed out 2 different ITLs"), "{warnings:?}");
    assert!(
        warnings[2].contains("both CallManager (signer ")
            && warnings[2].contains("phones with the old list know neither"),
        "{warnings:?}"
    );
    let lists: Vec<_> = fleet.lists().map(|(server, lists)| (server.to_string(), lists.len())).collect();
    assert_eq!(lists, [("10.0.1.1".to_owned(), 2)]);
    let counts: Vec<_> = fleet
        .certificates()
        .map(|(_, presented)| presented.iter().map(|presented| presented.phones).collect::<Vec<_>>())
        .collect();
    assert_eq!(counts, [vec![2, 3]], "the earliest first");
}
