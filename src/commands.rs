//! The command line: what was asked for, and the wiring that does it.
//!
//! In: arguments. Out: files opened, the core driven, views written, an exit status. It refuses to hold logic worth testing.

mod captured;
mod diff;
mod extract;
mod inputs;
mod interfaces;
mod opened;
mod privileges;
mod progress;
mod pump;
mod read;
mod shell;
mod show;
mod told;
mod triage;
mod version;
mod watch;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::escape;
use crate::verdict::Summary;

const EXAMPLES: &str = "\
Examples:
  itlscope triage boot.pcap -r ITLFile.tlv
      What a capture of booting phones shows, against the list that they should have
  itlscope watch -i eth1 -r ITLFile.tlv
      The same on a SPAN port, while they boot
  itlscope diff ITLFile-before.tlv ITLFile-after.tlv
      What phones that hold the old list will do with the new one
  itlscope show ITLFile.tlv
      A trust list, laid out as 'show itl' does

Exit status: 0 nothing needs attention and nothing differs from a reference that was given; 1 something does, also where \
a bound cost phones; 2 it could not be done";

/// See what Cisco IP phones do when they boot, and whether their ITL really has to be deleted.
#[derive(Debug, Parser)]
#[command(name = "itlscope", version, long_version = version::long(), max_term_width = 110, arg_required_else_help = true)]
#[command(after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Triage(triage::Args),
    Watch(watch::Args),
    Show(show::Args),
    Diff(diff::Args),
    Extract(extract::Args),
    Interfaces(interfaces::Args),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
}

/// How a run ended, as scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing needs attention, and nothing differs from a reference.
    Clean,
    /// Something does.
    Findings,
    /// It could not be done.
    Failed,
}

impl Exit {
    /// What the counts of a report come to. Of phones that a bound cost, nobody can say that nothing is wrong.
    const fn of(summary: &Summary, lost_phones: u64) -> Self {
        let finds = summary.mismatched > 0 || summary.needing_attention > 0 || lost_phones > 0;
        if finds { Self::Findings } else { Self::Clean }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Clean => Self::from(0),
            Exit::Findings => Self::from(1),
            Exit::Failed => Self::from(2),
        }
    }
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and versions are errors to clap, and whether they could be printed is for us to look at.
        Err(asked) => return said(&asked).into(),
    };
    let result = match cli.command {
        Command::Triage(args) => triage::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Extract(args) => extract::run(&args),
        Command::Interfaces(args) => interfaces::run(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    };
    match result {
        Ok(exit) => exit.into(),
        // Whoever reads has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where even this cannot be said, the exit status says it.
            let _ = writeln!(std::io::stderr(), "itlscope: {}", escape::message(&format!("{error:#}")));
            Exit::Failed.into()
        }
    }
}

/// Writes the report that `itlscope triage` with these arguments would print, for programs that want it without a process of its
/// own: no sandbox, and the exit status instead of the end.
///
/// # Errors
/// When the arguments are wrong, a file that they name cannot be read, or `out` cannot be written to.
pub fn triage<A: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let name = OsString::from("triage");
    let alone = triage::Alone::try_parse_from(std::iter::once(name).chain(arguments.into_iter().map(Into::into)))?;
    triage::report(&alone.args, false, out)
}

/// Prints what clap has to say: help, a version, or what is wrong with the arguments.
fn said(asked: &clap::Error) -> Exit {
    let printed = asked.print().and_then(|()| std::io::stdout().flush());
    match printed {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            complain(&format!("standard output: {error}"));
            Exit::Failed
        }
        _ if asked.use_stderr() => Exit::Failed,
        _ => Exit::Clean,
    }
}

/// Says on standard error what is wrong, in one line.
fn complain(problem: &str) {
    // Where even this cannot be said, the exit status says it.
    let _ = writeln!(std::io::stderr(), "itlscope: {}", escape::message(&escape::line(problem)));
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_that_a_bound_cost_are_no_clean_end() {
        let clean = Summary::default();
        assert_eq!((Exit::of(&clean, 0), Exit::of(&clean, 1)), (Exit::Clean, Exit::Findings));
        let attention = Summary { needing_attention: 1, ..clean };
        let mismatched = Summary { mismatched: 1, ..clean };
        assert_eq!([attention, mismatched].map(|summary| Exit::of(&summary, 0)), [Exit::Findings; 2]);
    }
}
