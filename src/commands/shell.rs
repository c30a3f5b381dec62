//! `itlscope completions` and `itlscope man`: for shells and for `man`.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Exit};
use crate::private;

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  itlscope completions bash > ~/.local/share/bash-completion/completions/itlscope
  itlscope completions zsh > ~/.zfunc/_itlscope
  itlscope completions fish > ~/.config/fish/completions/itlscope.fish";

/// Print the completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(super) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

const MAN_EXAMPLES: &str = "\
Examples:
  itlscope man | man -l -
      Read the manual page
  itlscope man triage | man -l -
      That of a command
  itlscope man --output /usr/local/share/man/man1
      Install all of them";

/// Print the manual page, or write those of all commands
#[derive(Debug, clap::Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(super) struct ManArgs {
    /// The command whose page to print; the program's own without it
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    command: Option<String>,

    /// Write all pages into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "itlscope", &mut script);
    print(&script)?;
    Ok(Exit::Clean)
}

pub(super) fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    let mut program = Cli::command();
    program.build();
    if let Some(folder) = &args.output {
        write_all(&program, folder)?;
        return Ok(Exit::Clean);
    }
    let page = match &args.command {
        None => page(program)?,
        Some(name) => {
            let known = program.get_subcommands().map(clap::Command::get_name).collect::<Vec<_>>().join(", ");
            let command = program
                .find_subcommand(name)
                .with_context(|| format!("man: '{name}' is no command; there are {known}"))?;
            page(command.clone())?
        }
    };
    print(&page)?;
    Ok(Exit::Clean)
}

/// Prints, and makes sure that it is printed.
fn print(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

fn write_all(program: &clap::Command, folder: &Path) -> anyhow::Result<()> {
    // Whoever installs them may be root, and the folder somebody else's: no link in it is followed.
    let beneath = private::Folder::open(folder).with_context(|| folder.display().to_string())?;
    let write = |command: &clap::Command| {
        let name = format!("{}.1", file_stem(command));
        let page = page(command.clone())?;
        let written = beneath.write(&name, true, |file| {
            file.write_all(&page)?;
            // For everybody, as manual pages are.
            file.set_permissions(fs::Permissions::from_mode(0o644))
        });
        written.with_context(|| folder.join(&name).display().to_string())
    };
    write(program)?;
    program.get_subcommands().filter(|command| command.get_name() != "help").try_for_each(write)
}

/// `itlscope-triage`: what `man` calls the page of a command.
fn file_stem(command: &clap::Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).replace(' ', "-")
}

fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let title = file_stem(&command);
    clap_mangen::Man::new(command).title(title).render(&mut page)?;
    Ok(page)
}
