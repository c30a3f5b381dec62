//! `itlscope triage`: read captures, print the report.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, IsTerminal, Write};

use clap::ValueEnum;

use super::{Exit, inputs, read};
use crate::engine::Engine;
use crate::phone::Phone;
use crate::report::{self, Details, Report, Style};
use crate::trust::ReferenceArgument;
use crate::verdict::{Assessments, Case};

const EXAMPLES: &str = "\
Examples:
  itlscope triage boot.pcap -r ITLFile.tlv
      Compare with the list that the phones should have
  itlscope triage trace.pcap* -r 10.1.1.5=pub.txt -r 10.1.1.6=sub.txt --format json
      Rotated captures are one case; each TFTP server has a list of its own
  itlscope triage boot.pcap -r old.tlv --holds SEP0011215A1AE3=old.tlv
      What only you know decides what no capture can

Exit status: 0 nothing is wrong, 1 a mismatch was found, 2 it could not be done";

/// Read captures and say, per phone, what it downloaded, whether that matches, and whether its ITL has to be deleted
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    captures: inputs::Captures,

    /// What to compare with: an ITL (.tlv or the saved text of 'show itl'), a bare MD5 or SHA-1, or a certificate such as
    /// TVS.pem; 'SERVER=' before it binds it to one TFTP server. Repeatable
    #[arg(short = 'r', long = "reference", value_name = "[SERVER=]REF")]
    references: Vec<ReferenceArgument>,

    /// How to print the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Which phones the text shows in detail
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = DetailsOption::Wrong)]
    details: DetailsOption,

    #[command(flatten)]
    told: inputs::ToldOptions,

    #[command(flatten)]
    sandbox: inputs::SandboxOption,

    #[command(flatten)]
    limits: inputs::LimitOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DetailsOption {
    /// All phones
    All,
    /// Of those that need something to be done, the first of each cause; all where there are few
    Wrong,
    /// None
    None,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let files = &args.captures.files;
    read::refuse_too_many(files)?;
    args.sandbox.enter_to_read(files, inputs::reference_paths(&args.references), args.told.paths())?;
    let references = inputs::references(&args.references)?;
    let told = args.told.read()?;
    let mut engine = Engine::new(&args.limits.limits(), &references);
    if args.format == Format::Text && args.details != DetailsOption::All {
        engine.roster_mut().hash_only_lists();
    }
    let Some(read) =
        read::read(&args.captures.files, args.captures.clocks, &mut engine, &mut |_| {}, &mut super::complain)?
    else {
        return Ok(Exit::Failed);
    };
    let phones = engine.phones();
    let others = engine.roster().other_clients();
    let losses = engine.losses().to_vec();
    // Its tables are as large as the report will be.
    drop(engine);
    let mut case = Case::new(references, told, &phones);
    case.several_sources = read.sources.len() > 1;
    case.losses = losses;
    let report = Report {
        sources: read.sources,
        notes: notes(&case, &phones).into_iter().chain(read.notes).collect(),
        assessments: Assessments { phones: &phones, case: &case },
        others,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let summary = match args.format {
        Format::Text => report::write_text(&report, style(args.details), &mut out)?,
        Format::Json => report::write_json(&report, &mut out)?,
    };
    out.flush()?;
    // The process is about to end: nobody needs ten thousand phones freed one by one.
    std::mem::forget(phones);
    Ok(if read.unreadable > 0 { Exit::Failed } else { Exit::of(&summary) })
}

/// What is to be said once for all phones.
fn notes(case: &Case, phones: &[Phone]) -> Vec<String> {
    let mut notes = Vec::new();
    if case.references.is_empty() {
        notes.push(
            "no reference was given (-r): the phones of each TFTP server are compared with each other".to_owned(),
        );
    }
    notes.extend(case.told.log_notes.iter().cloned());
    let seen: BTreeSet<_> = phones.iter().filter_map(|phone| phone.name.as_ref()).collect();
    let strangers: Vec<_> = case.told.devices().difference(&seen).map(ToString::to_string).collect();
    match strangers.as_slice() {
        [] => {}
        [one] => notes.push(format!("{one} is not in the capture: what was said of it is not used")),
        [first, ..] => notes.push(format!(
            "{} devices are not in the capture, {first} the first of them: what was said of them is not used",
            strangers.len()
        )),
    }
    notes
}

/// Colours are for terminals, and for nobody who sets `NO_COLOR` (no-color.org).
fn style(details: DetailsOption) -> Style {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = io::stdout().is_terminal() && !refused && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let details = match details {
        DetailsOption::All => Details::All,
        DetailsOption::Wrong => Details::Wrong,
        DetailsOption::None => Details::None,
    };
    Style { colour, width: width(), details }
}

/// As wide as the terminal, as far as lines can be read well; where there is none, as wide as most are.
fn width() -> usize {
    let columns = io::stdout().is_terminal().then(crossterm::terminal::size).and_then(Result::ok);
    columns.map_or(118, |(columns, _)| usize::from(columns).clamp(80, 160))
}
