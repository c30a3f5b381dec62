//! `itlscope extract`: the files and certificates that captures hold.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;

use super::{Exit, inputs, opened, privileges, read};
use crate::engine::Engine;
use crate::escape;
use crate::extract::{Extractor, FileSeen, Folder, Manifest, Options};
use crate::phone::Roster;
use crate::sandbox::Needs;

const EXAMPLES: &str = "\
Examples:
  itlscope extract boot.pcapng -o out
      Trust lists as out/SERVER/NAME, certificates as out/certificates/SERIAL.pem, and out/manifest.json
  itlscope triage later.pcapng -r out/14.48.44.80/ITLSEP0011215A1AE3.tlv
      A list taken from one capture as reference for another
  itlscope extract --with-configs boot.pcapng -o out
      Configurations too. They hold passwords

Exit status: 0 done, 2 a capture could not be read or a file could not be written";

/// Write the files that phones downloaded and the certificates that were presented, with a manifest of where each was seen
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    captures: inputs::Captures,

    /// The folder to write into; it is made where it does not exist
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: PathBuf,

    /// Write configurations too, and other files that may hold secrets: all but trust lists and firmware
    #[arg(long)]
    with_configs: bool,

    /// Replace files that exist
    #[arg(long)]
    force: bool,

    /// Files written at most
    #[arg(long, value_name = "NUMBER", value_parser = inputs::count, default_value_t = 100_000)]
    max_files: usize,

    #[command(flatten)]
    limits: inputs::LimitOptions,

    #[command(flatten)]
    sandbox: inputs::SandboxOption,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let files = &args.captures.files;
    read::refuse_too_many(files)?;
    opened::hold(files.iter().map(PathBuf::as_path));
    let became = privileges::become_caller()?;
    let folder = Folder::open(&args.output, args.force).with_context(|| args.output.display().to_string())?;
    let read = files.iter().chain([&args.output]).cloned().collect();
    args.sandbox.enter(became, &Needs { read, write: vec![args.output.clone()], ..Needs::default() })?;
    let options = Options { with_configs: args.with_configs, most_files: args.max_files };
    let mut extractor = Extractor::new(folder, options);
    let mut engine = Engine::new(&args.limits.limits(), &[]);
    engine.roster_mut().follow_files();
    let mut each = |roster: &mut Roster| {
        roster.take_files().iter().for_each(|kept| extractor.file(kept));
    };
    let read = read::read(&args.captures.files, args.captures.clocks, &mut engine, &mut each, &mut super::complain)?;
    let Some(read) = read else { return Ok(Exit::Failed) };
    let manifest = Manifest::new(&read.sources, read.notes);
    let (manifest, failed) = extractor
        .finish(&engine.phones(), &engine.roster().other_clients(), manifest)
        .with_context(|| args.output.join(Folder::MANIFEST).display().to_string())?;
    for failure in failed.iter().take(MOST_FAILURES) {
        super::complain(&args.output.join(&failure.text).display().to_string());
    }
    if failed.len() > MOST_FAILURES {
        super::complain(&format!("{} files more could not be written", failed.len() - MOST_FAILURES));
    }
    let whole = failed.iter().all(|failure| failure.in_the_way);
    if !whole {
        super::complain(&format!(
            "{} is written when everything else is: make room and run the same again, it goes on with what is missing",
            args.output.join(Folder::MANIFEST).display()
        ));
    }
    tell(&manifest, whole, &mut BufWriter::new(io::stdout().lock()))?;
    Ok(if failed.is_empty() && read.unreadable == 0 { Exit::Clean } else { Exit::Failed })
}

/// Files that messages name, of those that could not be written.
const MOST_FAILURES: usize = 20;

/// What was written, a line each, then what was not.
fn tell(manifest: &Manifest, whole: bool, out: &mut dyn Write) -> io::Result<()> {
    for file in &manifest.files {
        let bytes = file.bytes.unwrap_or_default();
        let sha1 = file.sha1.map(|sha1| format!(", SHA-1 {sha1}")).unwrap_or_default();
        writeln!(out, "{}  {bytes} bytes{sha1}{}", file.path, seen(&file.seen))?;
    }
    for certificate in &manifest.certificates {
        let Some(first) = certificate.presented.first() else { continue };
        let subject = certificate.subject.short();
        let who = if first.by == "phone" { "by a phone".to_owned() } else { format!("by {}", first.server) };
        let again = again(certificate.presented.len());
        let line = format!("{}  {subject}, presented {who} in frame {}{again}", certificate.path, first.frame);
        writeln!(out, "{}", escape::line(&line))?;
    }
    if whole {
        writeln!(out, "{}", Folder::MANIFEST)?;
    }
    let (withheld, others): (Vec<_>, Vec<_>) = manifest.not_written.iter().partition(|file| file.is_withheld());
    if !withheld.is_empty() {
        writeln!(
            out,
            "Left out, for it may hold secrets (--with-configs writes it): {} download{}.",
            withheld.len(),
            if withheld.len() == 1 { "" } else { "s" }
        )?;
    }
    for file in others.iter().take(20) {
        let name = file.name.as_deref().unwrap_or("a file whose name was not captured");
        writeln!(out, "{}", escape::line(&format!("Not written: {name}: {}", file.reason)))?;
    }
    if others.len() > 20 {
        writeln!(out, "Not written: {} further downloads; {} names them.", others.len() - 20, Folder::MANIFEST)?;
    }
    for note in &manifest.notes {
        writeln!(out, "Note: {note}")?;
    }
    out.flush()
}

fn seen(downloads: &[FileSeen]) -> String {
    let Some(first) = downloads.first() else { return String::new() };
    let phone = first.phone.as_deref().map(|phone| format!(", {phone}")).unwrap_or_default();
    let [from, to] = first.span.frames;
    format!("{phone}, frames {from}\u{2013}{to}{}", again(downloads.len()))
}

fn again(times: usize) -> String {
    if times > 1 { format!(", and again: {times} times in all") } else { String::new() }
}
