//! What several commands are given: captures and references.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::logs::{self, AlarmList, Says};
use crate::phone::DeviceName;
use crate::sandbox::{self, Needs};
use crate::trust::{Reference, ReferenceArgument, ReferenceKind, ReferenceTarget};
use crate::verdict::{Logged, Told, ToldList};

/// Reads what `-r` was given.
pub(super) fn references(arguments: &[ReferenceArgument]) -> anyhow::Result<Vec<Reference>> {
    let mut references = Vec::new();
    for argument in arguments {
        match &argument.target {
            ReferenceTarget::Path(path) => {
                let bytes = read(Path::new(path))?;
                references.extend(Reference::all_from_bytes(path, argument.server, &bytes)?);
            }
            _ => references.extend(Reference::from_checksum(argument)),
        }
    }
    Ok(references)
}

/// What only the engineer knows.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What only you know")]
pub(super) struct ToldOptions {
    /// The list on a phone: a file (.tlv or the text of 'show itl' or 'show ctl'), a checksum, or 'none'. Without 'DEVICE=', a
    /// file of such lines, or CUCM's syslog with DeviceTLInfo alarms as it is. Repeatable
    #[arg(long, value_name = "DEVICE=FILE|CHECKSUM")]
    holds: Vec<String>,

    /// What a phone shows: 'verification-failed' or 'ok'. Repeatable
    #[arg(long, value_name = "DEVICE=STATE")]
    phone_says: Vec<String>,

    /// The console log or the status messages of a phone; CUCM's TVS log. The phone is the one that the log names, or DEVICE.
    /// Repeatable
    #[arg(long, value_name = "[DEVICE=]FILE")]
    console_log: Vec<String>,

    /// Whether a backup of the old CallManager or ITLRecovery key exists
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    old_key_backup: Option<bool>,
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("expected 'yes' or 'no'".to_owned()),
    }
}

impl ToldOptions {
    /// Reads the files that the options name.
    pub(super) fn read(&self) -> anyhow::Result<Told> {
        let mut told = Told { old_key_backup: self.old_key_backup, ..Told::default() };
        for argument in &self.holds {
            match device_and_value(argument) {
                Some((device, value)) => {
                    holds(&mut told, &device, value).with_context(|| format!("--holds {argument}"))?;
                }
                None => holds_file(&mut told, argument).with_context(|| format!("--holds {argument}"))?,
            }
        }
        for argument in &self.console_log {
            console_log(&mut told, argument).with_context(|| format!("--console-log {argument}"))?;
        }
        for argument in &self.phone_says {
            let (device, value) = device_and_value(argument).with_context(|| {
                format!("--phone-says {argument}: expected DEVICE=verification-failed or DEVICE=ok")
            })?;
            let failed = match value.to_ascii_lowercase().as_str() {
                "verification-failed" => true,
                "ok" => false,
                _ => bail!("--phone-says {argument}: expected 'verification-failed' or 'ok' after {device}="),
            };
            if told.says_failed.insert(device.clone(), failed).is_some_and(|before| before != failed) {
                bail!("--phone-says: {device} is said to show both 'verification-failed' and 'ok'");
            }
        }
        Ok(told)
    }
}

fn device_and_value(argument: &str) -> Option<(DeviceName, &str)> {
    let (device, value) = argument.split_once('=')?;
    Some((DeviceName::new(device.trim())?, value.trim()))
}

/// Takes a file of lines `DEVICE=FILE|CHECKSUM`, or any text with DeviceTLInfo alarms.
fn holds_file(told: &mut Told, path: &str) -> anyhow::Result<()> {
    let bytes = read(Path::new(path))?;
    let text = String::from_utf8_lossy(&bytes);
    let log = logs::read(&text);
    let alarms = log.alarms();
    for (_, alarm) in &alarms {
        for (list, is_itl) in [(alarm.itl, true), (alarm.ctl, false)] {
            let Some(list) = list else { continue };
            let lists = told.holds.entry(alarm.device.clone()).or_default();
            let slot = if is_itl { &mut lists.itl } else { &mut lists.ctl };
            let list = match list {
                AlarmList::NotInstalled => None,
                AlarmList::Installed(sha1) => Some(ToldList {
                    sha1: Some(sha1),
                    label: format!("the list with the checksum {sha1}, reported in {path}"),
                    ..ToldList::default()
                }),
            };
            if slot
                .as_ref()
                .is_some_and(|before| before.as_ref().map(|list| list.sha1) != list.as_ref().map(|list| list.sha1))
            {
                bail!("{} is said to hold two different lists", alarm.device);
            }
            *slot = Some(list);
        }
    }
    if !alarms.is_empty() {
        return Ok(());
    }
    let mut found = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (device, value) = device_and_value(line).with_context(|| {
            format!("line {number}: expected DEVICE=FILE or DEVICE=CHECKSUM, or DeviceTLInfo alarms")
        })?;
        holds(told, &device, value).with_context(|| format!("line {number}"))?;
        found = true;
    }
    if !found {
        bail!("holds neither lines DEVICE=CHECKSUM nor DeviceTLInfo alarms");
    }
    Ok(())
}

/// Takes a log of a phone or of TVS.
fn console_log(told: &mut Told, argument: &str) -> anyhow::Result<()> {
    let (device, path) = match device_and_value(argument) {
        Some((device, path)) if !Path::new(argument).exists() => (Some(device), path),
        _ => (None, argument),
    };
    let bytes = read(Path::new(path))?;
    let log = logs::read(&String::from_utf8_lossy(&bytes));
    for entry in &log.entries {
        if let Says::TvsHandshake(phone) = entry.says {
            told.tvs_handshakes.insert(phone, format!("{path}, line {}", entry.line));
        }
    }
    let device = device.or_else(|| log.device());
    match (log.verification(), device) {
        (Some((failed, line, text)), Some(device)) => {
            let logged = Logged { failed, source: format!("{path}, line {line}: {text}") };
            if told.logged.insert(device.clone(), logged).is_some_and(|before| before.failed != failed) {
                bail!("two logs of {device} say different things of verification; give the later one only");
            }
        }
        (Some((_, line, _)), None) => {
            bail!("line {line} speaks of verification, but the log does not name its phone: give DEVICE=FILE");
        }
        (None, _) if log.entries.is_empty() => bail!(
            "nothing in its {} lines is understood; expected a phone's console log or status messages, or a TVS log",
            log.lines
        ),
        (None, _) => {}
    }
    Ok(())
}

/// Takes one statement of what a phone holds; a second one about the same list must say the same.
fn holds(told: &mut Told, device: &DeviceName, value: &str) -> anyhow::Result<()> {
    let lists = told.holds.entry(device.clone()).or_default();
    let contradiction = || anyhow::anyhow!("{device} is said to hold two different lists");
    if value.eq_ignore_ascii_case("none") {
        if matches!(lists.itl, Some(Some(_))) {
            return Err(contradiction());
        }
        lists.itl = Some(None);
        return Ok(());
    }
    let argument: ReferenceArgument = value.parse()?;
    for reference in references(&[argument])? {
        let label = match reference.list.as_ref() {
            Some(_) => format!("the list of {}", reference.path),
            None => format!("the list with the checksum {}", reference.path),
        };
        let slot = match reference.kind {
            ReferenceKind::Certificate => {
                bail!("{}: is a certificate, expected a trust list or a checksum", reference.path)
            }
            ReferenceKind::Ctl => &mut lists.ctl,
            ReferenceKind::Itl | ReferenceKind::Checksum => &mut lists.itl,
        };
        let list = ToldList { md5: reference.md5, sha1: reference.sha1, list: reference.list, label };
        let same = |before: &ToldList| {
            (before.sha1.is_none() || list.sha1.is_none() || before.sha1 == list.sha1)
                && (before.md5.is_none() || list.md5.is_none() || before.md5 == list.md5)
        };
        match slot {
            Some(Some(before)) if same(before) => {}
            None => *slot = Some(Some(list)),
            Some(_) => return Err(contradiction()),
        }
    }
    Ok(())
}

/// Larger files are no trust lists, texts or logs.
pub(super) const LARGEST: u64 = 64 << 20;

/// Reads a small file whole.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || path.display().to_string();
    let metadata = fs::metadata(path).with_context(name)?;
    if metadata.is_dir() {
        bail!("{}: is a directory, expected a file", name());
    }
    if metadata.len() > LARGEST {
        bail!("{}: has {} bytes, more than any such file has", name(), metadata.len());
    }
    fs::read(path).with_context(name)
}

/// The captures to read, in the order given.
#[derive(Debug, clap::Args)]
pub(super) struct Captures {
    /// Captures to read: pcap or pcapng. Several are one case, merged by time
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
}

/// Whether the process gives up what it does not need.
#[derive(Debug, clap::Args)]
pub(super) struct SandboxOption {
    /// Keep all rights of this process while it reads captures. Without this it can soon open no other file, connect nowhere and
    /// start nothing; '--version' says what this kernel enforces
    #[arg(long, help_heading = "Safety")]
    no_sandbox: bool,
}

impl SandboxOption {
    /// To be called when everything else that has to be opened is open, and before there is a second thread.
    pub(super) fn enter(&self, needs: &Needs) {
        if self.no_sandbox {
            return;
        }
        if let Some(gaps) = sandbox::enter(needs).gaps() {
            // Where this cannot be said, the report still can.
            let _ = writeln!(io::stderr(), "itlscope: the sandbox is not complete: {gaps}; --no-sandbox turns this note off");
        }
    }
}
