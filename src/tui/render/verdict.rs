//! The verdict: the answer, the four conditions with their evidence, the simulated decision step by step, the advice.

use super::sheet::Sheet;
use crate::claim::{Evidence, Place};
use crate::report::deletion_words;
use crate::tui::theme::Paint;
use crate::verdict::Deletion;
use crate::watch::Detail;

pub(super) fn sheet(detail: &Detail, sheet: &mut Sheet) {
    let assessment = &detail.assessment;
    let theme = sheet.theme();
    let paint = match assessment.deletion {
        Deletion::Needed => Paint::Alarm,
        Deletion::NotNeeded => Paint::Good,
        Deletion::Undetermined => Paint::Warn,
    };
    sheet.wrapped(
        &[
            ("ITL deletion ", Paint::Bold),
            (deletion_words(assessment.deletion), paint),
            (&format!(": {}", assessment.because), Paint::Plain),
        ],
        2,
    );
    instead(detail, sheet);
    sheet.heading("Deletion is needed only if all four of these hold");
    for (number, condition) in (1..).zip(assessment.conditions.all()) {
        let (word, paint) = theme.answer(condition.holds);
        sheet.wrapped(
            &[
                (&format!("{number} {:<25}", condition.id.words()), Paint::Plain),
                (&format!("{word:<8}"), paint),
                (&condition.why, Paint::Plain),
            ],
            36,
        );
        evidence(&condition.evidence, 6, sheet);
    }
    checks(detail, sheet);
    if !assessment.findings.is_empty() {
        sheet.heading("What is wrong");
    }
    for finding in &assessment.findings {
        sheet.wrapped(&[("! ", Paint::Bad), (&finding.text, Paint::Plain)], 2);
        evidence(&finding.evidence, 6, sheet);
    }
    decision(detail, sheet);
}

fn instead(detail: &Detail, sheet: &mut Sheet) {
    let assessment = &detail.assessment;
    if !assessment.advice.is_empty() {
        sheet.heading("What to do, in the order of effort");
    }
    for advice in &assessment.advice {
        let because = format!(" Here: {}.", advice.because);
        sheet.wrapped(&[("- ", Paint::Bold), (advice.text, Paint::Plain), (&because, Paint::Dim)], 2);
    }
    if !assessment.collect.is_empty() {
        sheet.heading("To decide it, collect");
    }
    for wanted in &assessment.collect {
        sheet.wrapped(&[("- ", Paint::Bold), (wanted, Paint::Plain)], 2);
    }
}

fn checks(detail: &Detail, sheet: &mut Sheet) {
    let theme = sheet.theme();
    let checks = &detail.assessment.checks;
    sheet.heading("Compared");
    let names = ["ITL checksum", "TVS serial", "TVS certificate"];
    for (name, checked) in names.into_iter().zip(checks.all()) {
        let (mark, paint) = theme.check(checked.result);
        sheet.wrapped(
            &[(&format!("{mark} "), paint), (&format!("{name:<16}"), Paint::Plain), (&checked.why, Paint::Plain)],
            18,
        );
    }
    let holds = &detail.assessment.holds;
    let sums = [("ITL", holds.itl_sha1), ("CTL", holds.ctl_sha1)];
    let sums: Vec<_> = sums.iter().filter_map(|(kind, sum)| sum.map(|sum| format!("{kind} SHA-1 {sum}"))).collect();
    let sums = if sums.is_empty() { String::new() } else { format!(" ({})", sums.join(", ")) };
    sheet.wrapped(
        &[("  ", Paint::Plain), ("It holds        ", Paint::Plain), (&holds.why, Paint::Plain), (&sums, Paint::Dim)],
        18,
    );
}

fn decision(detail: &Detail, sheet: &mut Sheet) {
    let assessment = &detail.assessment;
    if let Some(simulation) = &assessment.simulation {
        sheet.heading("The phone's own decision about the served list, simulated");
        let own = if simulation.own { Paint::Plain } else { Paint::Warn };
        sheet.wrapped(&[("taken to hold ", Paint::Dim), (&simulation.relation, own)], 2);
        for (number, step) in (1..).zip(&simulation.prediction.steps) {
            sheet.wrapped(&[(&format!("{number}. "), Paint::Dim), (step, Paint::Plain)], 3);
        }
        let outcome = simulation.prediction.outcome.name().replace('_', " ");
        sheet.wrapped(
            &[
                (sheet.theme().glyph("→ ", "> "), Paint::Bold),
                (&outcome, Paint::Bold),
                (&format!(": {}", simulation.prediction.why), Paint::Plain),
            ],
            3,
        );
    }
    if !assessment.observed.is_empty() {
        sheet.heading("What the wire shows it doing (inferred)");
    }
    for inference in &assessment.observed {
        sheet.wrapped(&[("- ", Paint::Dim), (&inference.text, Paint::Plain)], 2);
        evidence(&inference.evidence, 4, sheet);
    }
}

fn evidence(evidence: &[Evidence], indent: usize, sheet: &mut Sheet) {
    let blanks = " ".repeat(indent);
    for item in evidence {
        let frame = match &item.place {
            Place::Frame(moment) => format!("frame {:<7} ", moment.frame.number),
            Place::Line(path, line) => format!("{path}:{line} "),
        };
        sheet.wrapped(&[(&blanks, Paint::Plain), (&frame, Paint::Dim), (&item.text, Paint::Dim)], indent + 14);
    }
}
