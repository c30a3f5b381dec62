//! `itlscope watch`: the dashboard over a capture or an interface, or the same as a stream of events.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::{Exit, inputs};
use crate::capture::{CaptureFile, MergedCaptures, Source};
use crate::dissect::tcp::Ports;
use crate::engine::Limits;
use crate::report::{self, Details, Report, Style};
use crate::sandbox::{self, Needs};
use crate::trust::{ReferenceArgument, ReferenceTarget};
use crate::tui::{self, Clock, ColumnId, Ending, State, Theme};
use crate::verdict::{Assessments, Summary};
use crate::watch::{self, Input, References, Reopen, Request, Session, Setup};

const EXAMPLES: &str = "\
Examples:
  itlscope watch boot.pcapng -r ITLFile.tlv
      Open a capture in the dashboard; needs no permission

Keys: ? shows them all, q quits.

Exit status: 0 nothing is wrong, 1 a mismatch was found, 2 it could not be done";

/// Watch phones boot: a dashboard over a capture or an interface
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Captures to open: pcap or pcapng. Several are one case, merged by time
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// What to compare with: an ITL (.tlv or the saved text of 'show itl'), a bare MD5 or SHA-1, or a certificate such as
    /// TVS.pem; 'SERVER=' before it binds it to one TFTP server. Repeatable
    #[arg(short = 'r', long = "reference", value_name = "[SERVER=]REF")]
    references: Vec<ReferenceArgument>,

    /// Where 'w' writes a phone's report and frames
    #[arg(long, value_name = "DIR", default_value = ".")]
    export_to: PathBuf,

    /// Also examine this TCP port as the Trust Verification Service (2445 always is). Repeatable
    #[arg(long, value_name = "PORT")]
    tvs_port: Vec<u16>,

    /// Also examine this TCP port as Tomcat (8443 always is). Repeatable
    #[arg(long, value_name = "PORT")]
    https_port: Vec<u16>,

    #[command(flatten)]
    look: Look,

    #[command(flatten)]
    told: inputs::ToldOptions,

    #[command(flatten)]
    sandbox: inputs::SandboxOption,
}

/// How the dashboard looks.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Looks")]
struct Look {
    /// Times of this machine's zone, or in UTC
    #[arg(long, value_enum, value_name = "ZONE", default_value_t = Zone::Local)]
    time: Zone,

    /// Colours and marks. NO_COLOR in the environment is obeyed too
    #[arg(long, value_enum, default_value_t = ThemeOption::Auto)]
    theme: ThemeOption,

    /// Sort the phones by this column; 'state' puts the worst first
    #[arg(long, value_enum, value_name = "COLUMN", default_value_t = ColumnId::State)]
    sort: ColumnId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Zone {
    /// Of this machine
    Local,
    /// UTC
    Utc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ThemeOption {
    /// Colours unless NO_COLOR is set; marks beyond ASCII where the locale is UTF-8
    Auto,
    /// No colours
    Plain,
    /// No colours, and nothing beyond ASCII
    Ascii,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.files.is_empty() {
        bail!("watch: give a capture to open");
    }
    if !io::stdout().is_terminal() {
        bail!("watch: standard output is no terminal; 'itlscope triage' prints a report");
    }
    let session = Session::new(setup(args)?);
    let (_signal, signals) = crossbeam_channel::bounded(1);
    let link = watch::spawn(session).context("engine thread")?;
    let state = State::new(theme(args.look.theme), Clock::new(args.look.time == Zone::Utc), args.look.sort);
    let ending = tui::run(state, &link.requests, &link.updates, &signals);
    // Where the engine has ended already, nobody has to be asked.
    let _ = link.requests.try_send(Request::Stop);
    drop(link.updates);
    let Ok(mut session) = link.thread.join() else { bail!("the engine thread failed") };
    session.stop();
    finish(&mut session, ending?)
}

fn setup(args: &Args) -> anyhow::Result<Setup> {
    let given = inputs::references(&args.references)?;
    let told = args.told.read()?;
    args.sandbox.enter(&needs(args));
    let mut limits = Limits::default();
    let Ports { tvs, tomcat, .. } = &mut limits.dissect.ports;
    tvs.extend(&args.tvs_port);
    tomcat.extend(&args.https_port);
    let arguments = args.references.clone();
    let load = move || inputs::references(&arguments).map_err(|error| format!("{error:#}"));
    let label = match &args.files[..] {
        [only] => only.display().to_string(),
        several => format!("{} captures", several.len()),
    };
    Ok(Setup {
        label,
        input: files(&args.files)?,
        references: References { load: Box::new(load), given },
        told,
        limits,
        export_to: args.export_to.clone(),
        recording: None,
    })
}

/// Captures are read again for exports, references when `r` is pressed: those may have been replaced by then.
fn needs(args: &Args) -> Needs {
    let references = args.references.iter().filter_map(|argument| match &argument.target {
        ReferenceTarget::Path(path) => Some(sandbox::folder_of(Path::new(path))),
        _ => None,
    });
    let read = args.files.iter().cloned().chain(references).collect();
    Needs { read, write: vec![args.export_to.clone()], terminal: true, interfaces: false }
}

fn files(paths: &[PathBuf]) -> anyhow::Result<Input> {
    let (source, errors) = MergedCaptures::new(paths, |path: &PathBuf, number| CaptureFile::open(path, number));
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    let sizes = paths.iter().map(|path| std::fs::metadata(path).ok().map(|metadata| metadata.len()));
    let total = sizes.sum::<Option<u64>>();
    let paths = paths.to_vec();
    let reopen: Reopen = Box::new(move || {
        let (source, errors) = MergedCaptures::new(&paths, |path: &PathBuf, number| CaptureFile::open(path, number));
        match errors.into_iter().next() {
            Some(error) => Err(error.to_string()),
            None => Ok(Box::new(source) as Box<dyn Source + Send>),
        }
    });
    Ok(Input::Files { source: Box::new(source), total, reopen: Some(reopen) })
}

/// What is left to say when the dashboard is gone.
fn finish(session: &mut Session, ending: Ending) -> anyhow::Result<Exit> {
    let summary = if ending == Ending::Quit { summary(session) } else { print_report(session)? };
    let wrong = summary.mismatched > 0 || summary.deletion_needed > 0;
    Ok(if wrong { Exit::Findings } else { Exit::Clean })
}

fn summary(session: &mut Session) -> Summary {
    while session.board.refresh(|| true).unfinished {}
    session.board.fleet().summary
}

/// The report that stays when the screen is gone.
fn print_report(session: &Session) -> anyhow::Result<Summary> {
    let phones = session.board.engine().phones();
    let report = Report {
        sources: session.summaries(),
        notes: Vec::new(),
        assessments: Assessments { phones: &phones, case: session.board.case() },
    };
    let style = Style { colour: false, width: 118, details: Details::None };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let summary = report::write_text(&report, style, &mut out)?;
    out.flush()?;
    Ok(summary)
}

fn theme(option: ThemeOption) -> Theme {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    // The first that is set counts (setlocale(3)).
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    let is_utf8 = locale.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    match option {
        ThemeOption::Auto => {
            let coloured = variable("NO_COLOR").is_none() && variable("TERM").is_none_or(|term| term != "dumb");
            Theme::new(coloured, is_utf8)
        }
        ThemeOption::Plain => Theme::new(false, is_utf8),
        ThemeOption::Ascii => Theme::new(false, false),
    }
}
