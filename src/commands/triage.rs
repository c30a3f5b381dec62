//! `itlscope triage`: read captures, print the report.

use std::collections::HashSet;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;

use super::{Exit, inputs, read, told};
use crate::engine::Engine;
use crate::phone::Phone;
use crate::report::{self, Details, Report, Style};
use crate::trust::{ReferenceArgument, Role, TrustList};
use crate::verdict::{self, Assessments, Case};
use crate::words::{self, Told, Whose};

const EXAMPLES: &str = "\
Examples:
  itlscope triage boot.pcap -r ITLFile.tlv
      Compare with the list that the phones should have
  itlscope triage trace.pcap* -r 10.1.1.5=pub.txt -r 10.1.1.6=sub.txt --format json
      Rotated captures are one case; each TFTP server has a list of its own
  itlscope triage boot.pcap -r old.tlv --holds SEP0011215A1AE3=old.tlv
      What only you know decides what no capture can

Exit status: 0 nothing needs attention and nothing differs from a reference that was given; 1 something does, also where \
a bound cost phones; 2 it could not be done";

/// Read captures and say, per phone, what it downloaded, whether that matches, and whether its ITL has to be deleted
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Captures to read: pcap or pcapng. Several are one case, merged by time. None is needed where references and what you
    /// know say enough
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    clocks: inputs::ClockOptions,

    /// What to compare with: an ITL or CTL (.tlv, or the saved text of 'show itl' or 'show ctl'), a checksum or the output of
    /// md5sum, a certificate such as TVS.pem, its text or its serial number, or the rows of 'run sql'. 'SERVER=' before it
    /// binds it to one TFTP server, 'tvs:' says that it is TVS's, 'ctl:' that a checksum is a CTL's. Repeatable
    #[arg(short = 'r', long = "reference", value_name = "[SERVER=]REF")]
    references: Vec<ReferenceArgument>,

    /// How to print the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Which phones the text shows in detail
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = DetailsOption::Wrong)]
    details: DetailsOption,

    #[command(flatten)]
    told: told::ToldOptions,

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
    let mut out = BufWriter::new(io::stdout().lock());
    let exit = report(args, true, &mut out)?;
    out.flush()?;
    Ok(exit)
}

/// The report alone, in a process that has other things to do and keeps its rights.
#[derive(Debug, clap::Parser)]
#[command(name = "triage")]
pub(super) struct Alone {
    #[command(flatten)]
    pub(super) args: Args,
}

/// Writes the report. With `gives_up` the process gives up, for good, what rights it does not need.
pub(super) fn report(args: &Args, gives_up: bool, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if args.files.is_empty() && args.references.is_empty() && !args.told.is_given() {
        bail!(
            "triage: nothing to read: give captures, or references (-r) and what you know (--holds, --phone-says, --console-log)"
        );
    }
    let files = &args.files;
    read::refuse_too_many(files)?;
    if gives_up {
        args.sandbox.enter_to_read(files, inputs::reference_paths(&args.references), args.told.paths())?;
    }
    let references = inputs::references(&args.references)?;
    let told = args.told.read()?;
    let mut engine = Engine::new(&args.limits.limits(), &references);
    engine.roster_mut().set_told(told.phone_at.clone());
    if args.format == Format::Text && args.details != DetailsOption::All {
        engine.roster_mut().hash_only_lists();
    }
    let Some(read) = read::read(&args.files, args.clocks, &mut engine, &mut |_| {}, &mut super::complain)? else {
        return Ok(Exit::Failed);
    };
    let mut phones = engine.phones();
    let others = engine.roster().other_clients();
    let losses = engine.losses().to_vec();
    let lost = engine.roster().lost_phones();
    // Its tables are as large as the report will be.
    drop(engine);
    let seen = phones.len();
    phones.extend(only_told(&told, &phones));
    let mut case = Case::new(references, told, &phones);
    case.several_sources = read.sources.len() > 1;
    case.losses = losses;
    // The CTL is the cluster's, and so is a list that its own server does not trust: neither is counted phone by phone.
    let other_ctl = phones.iter().any(|phone| verdict::has_other_ctl(phone, &case));
    let doubtful =
        other_ctl || case.references.iter().any(|one| one.list.as_ref().and_then(TrustList::doubt).is_some());
    let report = Report {
        sources: read.sources,
        notes: notes(&case, &phones, seen).into_iter().chain(read.notes).collect(),
        assessments: Assessments { phones: &phones, case: &case },
        others,
    };
    let summary = match args.format {
        Format::Text => report::write_text(&report, style(args.details), out)?,
        Format::Json => report::write_json(&report, out)?,
    };
    // The process is about to end: nobody needs ten thousand phones freed one by one.
    if gives_up {
        std::mem::forget(phones);
    }
    let exit = Exit::of(&summary, lost);
    Ok(match (read.unreadable, doubtful) {
        (0, false) => exit,
        (0, true) => exit.max(Exit::Findings),
        _ => Exit::Failed,
    })
}

/// Phones of which something is told and nothing was seen.
fn only_told(told: &Told, phones: &[Phone]) -> Vec<Phone> {
    let names: HashSet<_> = phones.iter().filter_map(|phone| phone.name.as_ref()).collect();
    let addresses: HashSet<_> = phones.iter().flat_map(|phone| &phone.addresses).collect();
    let devices =
        told.devices().into_iter().filter(|name| !names.contains(name)).map(|name| Whose::Device(name.clone()));
    let others = told.addresses().filter(|address| !addresses.contains(address)).map(Whose::Address);
    devices
        .chain(others)
        // Whom servers' logs alone name was somewhere else at another time.
        .filter(|whose| told.of(whose).is_some_and(words::Of::is_of_a_phone))
        .map(|whose| match whose {
            Whose::Device(name) => Phone { name: Some(name), ..Phone::default() },
            Whose::Address(address) => Phone { addresses: vec![address], ..Phone::default() },
            Whose::Unnamed => Phone::default(),
        })
        .collect()
}

/// What is to be said once for all phones. The first so many of them were seen.
fn notes(case: &Case, phones: &[Phone], seen: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if case.references.is_empty() {
        notes.push(
            "no reference was given (-r): the phones of each TFTP server are compared with each other".to_owned(),
        );
    }
    notes.extend(of_references(case, phones));
    notes.extend(case.told.notes.iter().cloned());
    notes.extend(case.told.of_nobody());
    let told: Vec<String> = phones.iter().skip(seen).map(Phone::label).collect();
    match told.as_slice() {
        [] => {}
        [one] => notes.push(format!("{one} was not seen on the wire: what is said of it is all that is known")),
        [first, ..] => notes.push(format!(
            "{} phones were not seen on the wire, {first} the first of them: what is said of them is all that is known",
            told.len()
        )),
    }
    notes
}

/// What is odd about the references.
fn of_references(case: &Case, phones: &[Phone]) -> Vec<String> {
    let servers: HashSet<IpAddr> = phones
        .iter()
        .flat_map(|phone| {
            let downloads = phone.downloads.iter().map(|download| download.server.ip());
            downloads.chain(phone.sessions.iter().map(|session| session.server.ip()))
        })
        .collect();
    let mut notes = Vec::new();
    for reference in &case.references {
        let path = &reference.path;
        if let Some(server) = reference.server.filter(|server| !servers.contains(server)) {
            notes.push(format!(
                "{path} is given for {server}, which is not in the capture: it is compared with nothing"
            ));
        }
        if let Some(doubt) = reference.list.as_ref().and_then(TrustList::doubt) {
            notes.push(format!(
                "{path}: {doubt}, as after restoring a backup without the CallManager key (CSCtn50405); deleting lists on phones \
                 does not help: regenerate CallManager.pem on that server, restart TVS and TFTP"
            ));
        }
        for (_, role) in reference.with_roles(|| Box::new(case.lists())) {
            match role {
                Role::Tvs => {}
                Role::Other(of) => notes.push(format!("{path} is a certificate of {of}: it says nothing of TVS")),
                Role::Unknown => notes.push(format!(
                    "{path}: whether this is TVS's certificate cannot be told, so that it differs would mean nothing; -r tvs:{path} says that it is"
                )),
            }
        }
    }
    notes.dedup();
    notes.truncate(MOST_NOTES);
    notes
}

/// Notes on references; a database has thousands of certificates.
const MOST_NOTES: usize = 24;

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
