//! `itlscope watch`: the dashboard over a capture or an interface, or the same as a stream of events.

mod headless;
mod input;
mod signals;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ValueEnum;
use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{Exit, inputs, opened, privileges, told};
use crate::report::{self, Details, Report, Style};
use crate::sandbox::{self, Needs};
use crate::trust::ReferenceArgument;
use crate::tui::{self, Clock, ColumnId, Ending, State, Theme};
use crate::verdict::{Assessments, Summary};
use crate::watch::{self, Exports, Form, References, Request, Session, Setup};

const EXAMPLES: &str = "\
Examples:
  itlscope watch -i eth1 -r ITLFile.tlv
      Phones on a SPAN port, while they boot
  itlscope watch boot.pcapng -r ITLFile.tlv
      Open a capture in the dashboard; needs no permission
  itlscope watch -i eth1 -r ITLFile.tlv --write boot.pcapng --write-size 100 --write-files 10
      Record what is captured as well, the last 1000 MiB of it
  itlscope watch -i eth1 -r ITLFile.tlv --headless --format json
      Events for a program or a service, one JSON object a line
  ssh root@cucm-lab tcpdump -i eth0 -U -w - | itlscope watch - -r ITLFile.tlv
      What another machine captures

Keys: ? shows them all, q quits.

Exit status: 0 nothing needs attention and nothing differs from a reference that was given; 1 something does, also where \
a bound cost phones; 2 it could not be done";

/// Watch phones boot: a dashboard over a capture or an interface
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Captures to open: pcap or pcapng, '-' for standard input. Several are one case, merged by time
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Go on with the file while it grows
    #[arg(long, requires = "files")]
    follow: bool,

    #[command(flatten)]
    clocks: inputs::ClockOptions,

    #[command(flatten)]
    live: input::LiveArgs,

    /// What to compare with: an ITL or CTL (.tlv, or the saved text of 'show itl' or 'show ctl'), a checksum or the output of
    /// md5sum, a certificate such as TVS.pem, its text or its serial number, or the rows of 'run sql'. 'SERVER=' before it
    /// binds it to one TFTP server, 'tvs:' says that it is TVS's, 'ctl:' that a checksum is a CTL's. Repeatable
    #[arg(short = 'r', long = "reference", value_name = "[SERVER=]REF")]
    references: Vec<ReferenceArgument>,

    /// Where 'w' writes a phone's report and frames: into this folder where nothing else is in it, else into 'itlscope-exports'
    /// below it
    #[arg(long, value_name = "DIR", default_value = ".")]
    export_to: PathBuf,

    #[command(flatten)]
    events: EventOptions,

    #[command(flatten)]
    look: Look,

    #[command(flatten)]
    told: told::ToldOptions,

    #[command(flatten)]
    sandbox: inputs::SandboxOption,

    #[command(flatten)]
    limits: inputs::LimitOptions,
}

/// Events instead of a dashboard.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Events instead of a dashboard")]
struct EventOptions {
    /// Print what happens, one line an event, until no more frames come or a signal comes
    #[arg(long)]
    headless: bool,

    /// How to print events
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text, requires = "headless")]
    format: Format,

    /// Of an interface or standard input, print how things stand so often
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "headless",
          value_parser = clap::value_parser!(u32).range(1..=86_400))]
    heartbeat: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people and logs
    Text,
    /// One JSON object a line, described in docs/events.md
    Json,
}

/// How the dashboard looks.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Looks")]
struct Look {
    /// Times of this machine's zone, or in UTC
    #[arg(long, value_enum, value_name = "ZONE", default_value_t = Zone::Local)]
    time: Zone,

    /// Colours and marks. `NO_COLOR` in the environment is obeyed too
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
    /// Colours unless `NO_COLOR` is set; marks beyond ASCII where the locale is UTF-8
    Auto,
    /// No colours
    Plain,
    /// No colours, and nothing beyond ASCII
    Ascii,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let events = &args.events;
    if !events.headless && !io::stdout().is_terminal() {
        bail!(
            "watch: standard output is no terminal; --headless prints events, 'itlscope triage' a report of captures"
        );
    }
    let setup = setup(args)?;
    let signals = signals::catch().context("signals")?;
    let mut session = Session::new(setup);
    let clock = Clock::new(args.look.time == Zone::Utc);
    if events.headless {
        let form = match events.format {
            Format::Text => Form::Text(Box::new(move |time| clock.moment(time))),
            Format::Json => Form::Json,
        };
        headless::run(&mut session, form, Duration::from_secs(events.heartbeat.into()), &signals)
    } else {
        dashboard(args, session, clock, &signals)
    }
}

fn dashboard(args: &Args, session: Session, clock: Clock, signals: &Receiver<()>) -> anyhow::Result<Exit> {
    let link = watch::spawn(session).context("engine thread")?;
    let state = State::new(theme(args.look.theme), clock, args.look.sort);
    let ending = tui::run(state, &link.requests, &link.updates, signals);
    // Where the engine has ended already, nobody has to be asked.
    let _ = link.requests.try_send(Request::Stop);
    drop((link.requests, link.updates));
    let mut session = match link.session.recv_timeout(ENGINE_PATIENCE) {
        Ok(session) => session,
        Err(RecvTimeoutError::Timeout) => bail!("what was read does not answer: it ends without a report"),
        Err(RecvTimeoutError::Disconnected) => bail!("the engine thread failed"),
    };
    session.stop();
    finish(&mut session, ending)
}

/// How long the engine may take to notice that it is over. It looks every tenth of a second, unless a read does not come back.
const ENGINE_PATIENCE: Duration = Duration::from_millis(700);

/// First everything is opened that may need a privilege, then privileges go and the sandbox closes, then bytes are looked at.
fn setup(args: &Args) -> anyhow::Result<Setup> {
    let told_paths = args.told.paths();
    let named = || args.files.iter().chain(&told_paths).map(PathBuf::as_path);
    opened::hold(named().chain(inputs::reference_paths(&args.references)));
    let opened = input::open((&args.files, args.clocks), args.follow, &args.live)?;
    // The user's own rights are enough for what is written: see `input::open`.
    let export_to = if args.events.headless { Exports::none() } else { Exports::open(&args.export_to) };
    let needs = needs(args, &told_paths, &opened, &export_to);
    let privileges = if opened.is_live {
        let privileges = privileges::give_up(opened.became).context("privileges cannot be dropped")?;
        args.sandbox.enter_without_privileges(&needs);
        Some(privileges)
    } else {
        args.sandbox.enter(opened.became, &needs)?;
        None
    };
    let given = inputs::references(&args.references)?;
    let told = args.told.read()?;
    let arguments = args.references.clone();
    let load = move || {
        inputs::can_be_read_again(&arguments)?;
        inputs::references_anew(&arguments).map_err(|error| format!("{error:#}"))
    };
    // Last: from here on there may be threads, and frames that wait for the engine.
    let input = (opened.start)()?;
    Ok(Setup {
        label: opened.label,
        input,
        references: References { load: Box::new(load), given },
        told,
        limits: args.limits.limits(),
        export_to,
        recording: opened.recording,
        privileges,
    })
}

/// Captures are read again for exports, references when `r` is pressed: those may have been replaced by then.
fn needs(args: &Args, told: &[PathBuf], opened: &input::Opened, exports: &Exports) -> Needs {
    let references = || inputs::reference_paths(&args.references);
    let folders = references().map(sandbox::folder_of);
    let read = args.files.iter().chain(told).cloned().chain(references().map(Path::to_owned)).chain(folders).collect();
    let write = exports.path().map(Path::to_owned).into_iter().chain(args.live.rotates_in()).collect();
    Needs { read, write, terminal: true, interfaces: opened.is_live, capture: opened.capture }
}

/// What is left to say when the dashboard is gone.
fn finish(session: &mut Session, ending: io::Result<Ending>) -> anyhow::Result<Exit> {
    let summary = summary(session);
    if matches!(ending, Ok(Ending::Quit)) {
        return Ok(exit(session, summary));
    }
    let report = report(session)?;
    let print = |_| {
        let mut out = io::stdout().lock();
        out.write_all(&report).and_then(|()| out.flush())
    };
    if let Err(error) = ending.and_then(print) {
        // The terminal is gone, as when a connection breaks: there is nobody left to be told where the report is.
        let _ = session.keep(&format!("itlscope-report-{}.txt", std::process::id()), &report);
        return Err(error).context("terminal");
    }
    Ok(exit(session, summary))
}

/// How a watch ended, as scripts see it; a fault is said on the way.
fn exit(session: &Session, summary: Summary) -> Exit {
    if let Some(fault) = session.fault() {
        super::complain(fault);
        return Exit::Failed;
    }
    if let Some((what, ended)) = session.unrecorded() {
        super::complain(&what);
        if ended {
            return Exit::Failed;
        }
    }
    Exit::of(&summary, session.board.engine().roster().lost_phones())
}

fn summary(session: &mut Session) -> Summary {
    while session.board.refresh(|| true).unfinished {}
    session.board.fleet().summary
}

/// The report that stays when the screen is gone.
fn report(session: &Session) -> anyhow::Result<Vec<u8>> {
    let phones = session.board.engine().phones();
    let (sources, notes) = session.summaries_and_notes();
    let others = session.board.engine().roster().other_clients();
    let report =
        Report { sources, notes, assessments: Assessments { phones: &phones, case: session.board.case() }, others };
    let style = Style { colour: false, width: 118, details: Details::None };
    let mut text = Vec::new();
    report::write_text(&report, style, &mut text)?;
    Ok(text)
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
