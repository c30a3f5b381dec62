//! The report for people: a line a phone, then what is wrong, with the frames that prove it.
//!
//! Everything that came from the wire is escaped before it is written.

mod details;
mod layout;

use std::io::{self, Write};

use super::Report;
use crate::dissect::event::Service;
use crate::phone::{FileKind, Phone};
use crate::verdict::{Assessment, Check, Deletion, Fleet, Summary};

use layout::{Cell, Paint, Printer};

/// How text is dressed, and how much there is of it.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether to colour.
    pub colour: bool,
    /// Columns to wrap at.
    pub width: usize,
    /// Which phones get a section of their own.
    pub details: Details,
}

/// Which phones get a section of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Details {
    /// All of them.
    All,
    /// Those with something wrong, the first of each cause; all where there are few.
    Wrong,
    /// None.
    None,
}

/// Where there are so few phones, all get a section.
const FEW: usize = 3;
/// Sections for phones with something wrong, unless all are asked for.
const MOST_SECTIONS: usize = 20;

/// One line of the table, and enough to sort it and to find the phone again.
struct Row {
    index: usize,
    rank: (u8, String),
    cells: [Cell; 7],
    wrong: bool,
}

/// Writes the report. Returns the counts.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<Summary> {
    let mut out = Printer::new(out, style.colour, style.width);
    sources(report, &mut out)?;
    let mut fleet = Fleet::default();
    let mut rows = Vec::new();
    for (index, (phone, assessment)) in report.assessments.iter().enumerate() {
        fleet.add(phone, &assessment);
        rows.push(row(index, phone, &assessment));
    }
    // Worst first: that is where the engineer looks.
    rows.sort_by(|a, b| a.rank.cmp(&b.rank));
    table(&rows, &mut out)?;
    summary(&fleet.summary, &mut out)?;
    causes(report, &fleet, &mut out)?;
    servers(report, &fleet, &mut out)?;
    sections(report, &rows, style, &mut out)?;
    Ok(fleet.summary)
}

fn sources(report: &Report<'_>, out: &mut Printer<'_>) -> io::Result<()> {
    for source in &report.sources {
        let times = match (source.first_time, source.last_time) {
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        out.line(&[
            ("read      ", Paint::Dim),
            (&format!("{}: {} frames{times}", source.path, source.frames), Paint::None),
        ])?;
        for warning in &source.warnings {
            out.line(&[("warning   ", Paint::Warn), (&format!("{}: {warning}", source.path), Paint::None)])?;
        }
    }
    for reference in &report.assessments.case.references {
        let server = reference.server.map(|server| format!(" for TFTP server {server}")).unwrap_or_default();
        let sum = match (reference.sha1, reference.md5) {
            (Some(sha1), _) => format!(", SHA-1 {sha1}"),
            (None, Some(md5)) => format!(", MD5 {md5}"),
            (None, None) => String::new(),
        };
        let text = format!("{} ({}{sum}){server}", reference.path, reference.kind.name());
        out.line(&[("reference ", Paint::Dim), (&text, Paint::None)])?;
    }
    for note in &report.notes {
        out.wrapped(&[("note      ", Paint::Dim), (note, Paint::None)], 10)?;
    }
    out.blank()
}

fn row(index: usize, phone: &Phone, assessment: &Assessment) -> Row {
    let wrong = assessment.has_findings();
    let addresses = match &phone.addresses[..] {
        [] => String::new(),
        [only] => only.to_string(),
        [.., last] => format!("{last} (+{})", phone.addresses.len() - 1),
    };
    let name = match (&phone.name, phone.shared_by.is_empty()) {
        (Some(name), _) => name.to_string(),
        (None, true) => "(no name)".to_owned(),
        (None, false) => "(shared address)".to_owned(),
    };
    let tftp = phone.last_list(FileKind::Itl).or_else(|| phone.downloads.last().map(AsRef::as_ref));
    let tftp = tftp.map(|download| download.server.ip().to_string()).unwrap_or_default();
    let checks = &assessment.checks;
    let tvs = worse(checks.tvs_serial.result, checks.tvs_certificate.result);
    let deletion = match assessment.deletion {
        Deletion::Needed => ("NEEDED", Paint::Bad),
        Deletion::NotNeeded => ("not needed", Paint::Good),
        Deletion::Undetermined => ("undetermined", Paint::Warn),
    };
    let instead = match assessment.advice.first() {
        Some(advice) if assessment.deletion != Deletion::Undetermined || advice.comes_first => {
            advice.id.replace('_', " ")
        }
        _ if assessment.deletion == Deletion::Undetermined => "collect more".to_owned(),
        _ => String::new(),
    };
    let itl = phone.last_list(FileKind::Itl).and_then(|download| download.digests);
    let itl = itl.map(|digests| digests.sha1.to_string()).unwrap_or_default();
    let mut tvs_sessions = phone.sessions.iter().rev().filter(|session| session.service == Service::Tvs);
    let certificate = tvs_sessions.find_map(|session| session.certificate.as_ref());
    let serial = certificate.map(|certificate| certificate.serial.to_string()).unwrap_or_default();
    let severity = match (assessment.deletion, wrong) {
        (Deletion::Needed, _) => 0,
        (Deletion::Undetermined, true) => 1,
        (Deletion::NotNeeded, true) => 2,
        (Deletion::Undetermined, false) => 3,
        (Deletion::NotNeeded, false) => 4,
    };
    let cells = [
        Cell::plain(name.clone()),
        Cell::plain(addresses),
        check_cell(checks.itl_checksum.result, &itl),
        check_cell(tvs, &serial),
        Cell::plain(tftp),
        Cell::painted(deletion.0, deletion.1),
        Cell::plain(instead),
    ];
    Row { index, rank: (severity, name), cells, wrong }
}

/// Of two checks the one that says more: a mismatch, then a match.
const fn worse(one: Check, other: Check) -> Check {
    match (one, other) {
        (Check::Mismatch, _) | (_, Check::Mismatch) => Check::Mismatch,
        (Check::Match, _) | (_, Check::Match) => Check::Match,
        _ => Check::Unknown,
    }
}

/// The word and the paint of a check: they differ in shape as well as in colour.
const fn check_words(check: Check) -> (&'static str, Paint) {
    match check {
        Check::Match => ("match", Paint::Good),
        Check::Mismatch => ("MISMATCH", Paint::Bad),
        Check::Unknown => ("unknown", Paint::Warn),
    }
}

/// The result and the beginning of the value that was compared.
fn check_cell(check: Check, value: &str) -> Cell {
    let (word, paint) = check_words(check);
    let short = value.get(..8).unwrap_or(value);
    Cell::painted(format!("{word:<8} {short}").trim_end(), paint)
}

fn table(rows: &[Row], out: &mut Printer<'_>) -> io::Result<()> {
    if rows.is_empty() {
        return out
            .line(&[("No phone was seen: no TFTP, no TVS, no TLS on the ports that are examined.", Paint::None)]);
    }
    let heads = ["PHONE", "ADDRESS", "ITL", "TVS", "TFTP SERVER", "ITL DELETION", "WHAT TO DO FIRST"];
    let cells: Vec<&[Cell]> = rows.iter().map(|row| &row.cells[..]).collect();
    out.table(&heads, &cells)
}

fn summary(summary: &Summary, out: &mut Printer<'_>) -> io::Result<()> {
    let Summary { phones, mismatched, not_needed, deletion_needed, undetermined, .. } = *summary;
    out.blank()?;
    let noun = if phones == 1 { "phone" } else { "phones" };
    out.wrapped(
        &[
            (&format!("{phones} {noun}, {mismatched} with a mismatch. ITL deletion needed: "), Paint::None),
            (&deletion_needed.to_string(), if deletion_needed > 0 { Paint::Bad } else { Paint::Bold }),
            (&format!(", not needed: {not_needed}, undetermined: {undetermined}."), Paint::None),
        ],
        0,
    )
}

fn causes(report: &Report<'_>, fleet: &Fleet, out: &mut Printer<'_>) -> io::Result<()> {
    let groups = fleet.groups();
    let warnings = fleet.warnings(report.assessments.case);
    if groups.is_empty() && warnings.is_empty() {
        return Ok(());
    }
    out.heading("What is wrong")?;
    for group in groups.iter().take(50) {
        let noun = if group.phones == 1 { "phone: " } else { "phones:" };
        let names = match group.examples.len() {
            shown if shown < group.phones => format!("{} and {} more", group.examples.join(", "), group.phones - shown),
            _ => group.examples.join(", "),
        };
        out.wrapped(
            &[
                (&format!("{:>6} {noun} ", group.phones), Paint::Bold),
                (&group.text, Paint::None),
                (&format!(" ({names})"), Paint::Dim),
            ],
            15,
        )?;
    }
    if groups.len() > 50 {
        out.line(&[(
            &format!("       and {} further causes; all of them are in --format json", groups.len() - 50),
            Paint::Dim,
        )])?;
    }
    for warning in &warnings {
        out.wrapped(&[("warning:       ", Paint::Warn), (warning, Paint::None)], 15)?;
    }
    Ok(())
}

fn servers(report: &Report<'_>, fleet: &Fleet, out: &mut Printer<'_>) -> io::Result<()> {
    if report.assessments.phones.len() <= FEW {
        return Ok(());
    }
    out.heading("Servers")?;
    for (server, lists) in fleet.lists() {
        for (digests, served) in lists {
            let list = served.list.as_deref().map(|served| &served.list);
            let signer = list.and_then(|list| list.signer()).map_or_else(|| "unknown".to_owned(), ToString::to_string);
            let text = format!(
                "TFTP {server}: ITL with SHA-1 {}, signed by {signer}; {} phones got it last",
                digests.sha1, served.phones
            );
            out.wrapped(&[("  ", Paint::None), (&text, Paint::None)], 4)?;
        }
    }
    for (server, certificates) in fleet.certificates() {
        for presented in certificates {
            let text = format!(
                "TVS {server}: {}, serial {}; {} phones were shown it",
                presented.certificate.subject.short(),
                presented.certificate.serial,
                presented.phones
            );
            out.wrapped(&[("  ", Paint::None), (&text, Paint::None)], 4)?;
        }
    }
    Ok(())
}

fn sections(report: &Report<'_>, rows: &[Row], style: Style, out: &mut Printer<'_>) -> io::Result<()> {
    let all = style.details == Details::All || (style.details == Details::Wrong && rows.len() <= FEW);
    let most = if all { usize::MAX } else { MOST_SECTIONS };
    let wanted: Vec<&Row> = match style.details {
        Details::None => Vec::new(),
        _ => rows.iter().filter(|row| all || row.wrong).collect(),
    };
    for row in wanted.iter().take(most) {
        let Some(phone) = report.assessments.phones.get(row.index) else { continue };
        let assessment = crate::verdict::assess(phone, report.assessments.case);
        details::section(report, phone, &assessment, style.details == Details::All, out)?;
    }
    if wanted.len() > most {
        out.blank()?;
        let text = format!("{} further phones with something wrong: --details all shows them.", wanted.len() - most);
        out.line(&[(&text, Paint::Dim)])?;
    }
    Ok(())
}
