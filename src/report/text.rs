//! The report for people: the answer first, then what is wrong with how many, a line a phone, and the frames that prove it.
//!
//! However many phones there are, the first screen tells it: causes are counted, phones with the same cause share a section.
//! Everything that came from the wire is escaped before it is written.

mod details;
mod layout;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};

use super::brief::{Brief, Severity};
use super::{Report, deletion_words};
use crate::phone::Phone;
use crate::verdict::{Assessment, Check, Deletion, Fleet, Group, Summary};

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
    /// Of those that need something to be done, the first of each cause; all where there are few.
    Wrong,
    /// None.
    None,
}

/// Where there are so few phones, all get a section.
const FEW: usize = 3;
/// Sections, unless all are asked for.
const MOST_SECTIONS: usize = 20;
/// Lines of the table, unless all are asked for.
const MOST_ROWS: usize = 50;
/// Causes that are listed.
const MOST_GROUPS: usize = 50;
/// Phones that are named with a cause.
const NAMED: usize = 3;

/// One line of the table, and enough to sort it and to find the phone again.
struct Row {
    index: usize,
    rank: (Severity, String),
    cells: [Cell; 7],
    /// The same for phones with the same cause, answer and advice.
    cause: u64,
}

impl Row {
    const fn needs_attention(&self) -> bool {
        self.rank.0.needs_attention()
    }
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
    report.assessments.look(|phones| {
        for (index, (phone, assessment)) in phones.enumerate() {
            fleet.add(phone, &assessment);
            rows.push(row(index, phone, &assessment));
        }
    });
    // Worst first: that is where the engineer looks.
    rows.sort_by(|a, b| a.rank.cmp(&b.rank));
    if rows.is_empty() {
        out.line(&[("No phone was seen: no TFTP, no TVS, no TLS on the ports that are examined.", Paint::None)])?;
        return Ok(fleet.summary);
    }
    summary(&fleet.summary, &mut out)?;
    causes(report, &fleet, &mut out)?;
    servers(report, &fleet, &mut out)?;
    table(&rows, style, &mut out)?;
    sections(report, &rows, style, &mut out)?;
    Ok(fleet.summary)
}

fn sources(report: &Report<'_>, out: &mut Printer<'_>) -> io::Result<()> {
    let several = report.sources.len() > 1;
    for (number, source) in (1..).zip(&report.sources) {
        // By its number frames are named, where there are several.
        let number = if several { format!("{number}: ") } else { String::new() };
        let times = match (source.first_time, source.last_time) {
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        out.line(&[
            ("read      ", Paint::Dim),
            (&format!("{number}{}: {} frames{times}", source.path, source.frames), Paint::None),
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
    let brief = Brief::new(phone, assessment);
    let address = brief.address.map(|address| address.to_string()).unwrap_or_default();
    let others = if brief.other_addresses > 0 { format!(" (+{})", brief.other_addresses) } else { String::new() };
    let itl = brief.itl_sha1.map(|sha1| sha1.to_string()).unwrap_or_default();
    let serial = brief.tvs_serial.map(|serial| serial.to_string()).unwrap_or_default();
    let cells = [
        Cell::plain(brief.name.clone()),
        Cell::plain(address + &others),
        check_cell(brief.itl, &itl),
        check_cell(brief.tvs, &serial),
        Cell::plain(brief.tftp.map(|server| server.to_string()).unwrap_or_default()),
        Cell::painted(deletion_words(brief.deletion), deletion_paint(brief.deletion)),
        Cell::plain(brief.instead),
    ];
    Row { index, rank: (brief.severity, brief.name), cells, cause: cause(assessment) }
}

/// A number for the cause, the answer and the advice.
fn cause(assessment: &Assessment) -> u64 {
    let mut hasher = DefaultHasher::new();
    assessment.deletion.hash(&mut hasher);
    assessment.findings.iter().for_each(|finding| (finding.id, &finding.text).hash(&mut hasher));
    assessment.conditions.all().into_iter().for_each(|condition| condition.holds.hash(&mut hasher));
    assessment.advice.iter().for_each(|advice| advice.id.hash(&mut hasher));
    hasher.finish()
}

const fn deletion_paint(deletion: Deletion) -> Paint {
    match deletion {
        Deletion::Needed => Paint::Bad,
        Deletion::NotNeeded => Paint::Good,
        Deletion::Undetermined => Paint::Warn,
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

fn table(rows: &[Row], style: Style, out: &mut Printer<'_>) -> io::Result<()> {
    let heads = ["PHONE", "ADDRESS", "ITL", "TVS", "TFTP SERVER", "ITL DELETION", "WHAT TO DO FIRST"];
    out.blank()?;
    let all = style.details == Details::All || rows.len() <= MOST_ROWS;
    let shown: Vec<&Row> = if all {
        rows.iter().collect()
    } else {
        rows.iter().filter(|row| row.needs_attention()).take(MOST_ROWS).collect()
    };
    let cells: Vec<&[Cell]> = shown.iter().map(|row| &row.cells[..]).collect();
    out.table(&heads, &cells)?;
    if shown.len() < rows.len() {
        let attention = rows.iter().filter(|row| row.needs_attention()).count() - shown.len();
        let others = rows.len() - shown.len() - attention;
        let more =
            if attention > 0 { format!("{attention} more phones that need attention, and ") } else { String::new() };
        let text =
            format!("and {more}{others} phones that need none; --details all lists them, --format json has all of it");
        out.wrapped(&[(&text, Paint::Dim)], 0)?;
    }
    Ok(())
}

fn phones(count: usize) -> String {
    format!("{count} {}", if count == 1 { "phone" } else { "phones" })
}

fn summary(summary: &Summary, out: &mut Printer<'_>) -> io::Result<()> {
    let Summary { mismatched, needing_attention, not_needed, deletion_needed, undetermined, .. } = *summary;
    out.wrapped(
        &[
            (&format!("{}, {mismatched} with a mismatch, ", phones(summary.phones)), Paint::Bold),
            (&needing_attention.to_string(), if needing_attention > 0 { Paint::Bad } else { Paint::Bold }),
            (if needing_attention == 1 { " needs attention." } else { " need attention." }, Paint::Bold),
            (" ITL deletion needed: ", Paint::None),
            (&deletion_needed.to_string(), if deletion_needed > 0 { Paint::Bad } else { Paint::Bold }),
            (&format!(", not needed: {not_needed}, undetermined: {undetermined}."), Paint::None),
        ],
        0,
    )
}

fn causes(report: &Report<'_>, fleet: &Fleet, out: &mut Printer<'_>) -> io::Result<()> {
    let warnings = fleet.warnings(report.assessments.case);
    let (wrong, harmless): (Vec<&Group>, Vec<&Group>) =
        fleet.groups().into_iter().partition(|group| group.attention > 0);
    if !wrong.is_empty() || !warnings.is_empty() {
        out.heading("What is wrong")?;
        groups(&wrong, out)?;
        for warning in &warnings {
            out.wrapped(&[("warning:       ", Paint::Warn), (warning, Paint::None)], 15)?;
        }
    }
    if !harmless.is_empty() {
        out.heading("What differs, and does no harm: these phones are well")?;
        groups(&harmless, out)?;
    }
    Ok(())
}

fn groups(groups: &[&Group], out: &mut Printer<'_>) -> io::Result<()> {
    for group in groups.iter().take(MOST_GROUPS) {
        let noun = if group.phones == 1 { "phone: " } else { "phones:" };
        let names = group.examples.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = match group.phones.saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        // Of phones with one cause some may be well all the same.
        let well = match group.phones - group.attention {
            well if group.attention > 0 && well > 0 => format!("; {well} of them are well"),
            _ => String::new(),
        };
        out.wrapped(
            &[
                (&format!("{:>6} {noun} ", group.phones), Paint::Bold),
                (&group.text, Paint::None),
                (&format!(" ({names}{more}{well})"), Paint::Dim),
            ],
            15,
        )?;
    }
    if groups.len() > MOST_GROUPS {
        let text = format!("       and {} further causes; --format json has them", groups.len() - MOST_GROUPS);
        out.line(&[(&text, Paint::Dim)])?;
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
            let signed = list.and_then(|list| list.header.timestamp);
            let signed = signed.map(|time| format!("of {}, ", crate::trust::show::date(time))).unwrap_or_default();
            let text = format!(
                "TFTP {server}: ITL with SHA-1 {}, {signed}signed by {signer}; {} got it last",
                digests.sha1,
                phones(served.phones)
            );
            out.wrapped(&[("  ", Paint::None), (&text, Paint::None)], 4)?;
        }
    }
    let several = report.sources.len() > 1;
    for (server, certificates) in fleet.certificates() {
        for presented in certificates {
            let text = format!(
                "TVS {server}: {}, serial {}; shown to {}, frames {} to {}",
                presented.certificate.subject.short(),
                presented.certificate.serial,
                phones(presented.phones),
                presented.first.frame.label(several),
                presented.last.frame.label(several)
            );
            out.wrapped(&[("  ", Paint::None), (&text, Paint::None)], 4)?;
        }
    }
    Ok(())
}

fn sections(report: &Report<'_>, rows: &[Row], style: Style, out: &mut Printer<'_>) -> io::Result<()> {
    let each = style.details == Details::All || (style.details == Details::Wrong && rows.len() <= FEW);
    let mut alike: HashMap<u64, Vec<&Row>> = HashMap::new();
    let mut wanted: Vec<&Row> = Vec::new();
    for row in rows.iter().filter(|row| style.details != Details::None && (each || row.needs_attention())) {
        let others = alike.entry(row.cause).or_default();
        if each || others.is_empty() {
            wanted.push(row);
        }
        others.push(row);
    }
    let most = if each { usize::MAX } else { MOST_SECTIONS };
    for row in wanted.iter().take(most) {
        let Some(phone) = report.assessments.phones.get(row.index) else { continue };
        let others: Vec<&str> = match alike.get(&row.cause) {
            Some(rows) if !each => rows.iter().skip(1).map(|row| row.rank.1.as_str()).collect(),
            _ => Vec::new(),
        };
        let assessment = crate::verdict::assess(phone, report.assessments.case);
        let amount = details::Amount { all: style.details == Details::All, others: &others };
        details::section(report, phone, &assessment, &amount, out)?;
    }
    if wanted.len() > most {
        out.blank()?;
        let text = format!("{} further causes: --details all shows their phones.", wanted.len() - most);
        out.line(&[(&text, Paint::Dim)])?;
    }
    Ok(())
}
