//! What several commands are given: captures and references.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::capture::{Arrangement, Place};
use crate::dissect::{ContentLimits, tcp, tftp};
use crate::engine::Limits;
use crate::logs::{self, AlarmList, Says};
use crate::packet;
use crate::phone::{self, DeviceName};
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
    if log.not_understood > 0 && !log.entries.is_empty() {
        told.log_notes.push(format!(
            "{path}: {} of {} lines say nothing that is looked for, and are passed over",
            log.not_understood, log.lines
        ));
    }
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
    /// Captures to read: pcap or pcapng, also compressed, in a zip or in a tar. Several are one case, merged by time
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) clocks: ClockOptions,
}

/// What only somebody who was there knows of several captures.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct ClockOptions {
    /// Captures whose names are equal but for number or date are not the files of one rotated capture
    #[arg(long, hide_short_help = true)]
    separate_captures: bool,

    /// By how much the clocks of the captures differ at most, where packets that are in two of them do not show it
    #[arg(long, hide_short_help = true, value_name = "SECONDS", value_parser = bound)]
    clock_bound: Option<f64>,
}

impl ClockOptions {
    /// How captures stand to each other, before it is looked into them.
    pub(super) fn arrange(self, places: &[Place]) -> Arrangement {
        let paths: Vec<PathBuf> = places.iter().map(Place::path).collect();
        let named = paths.iter().map(|path| (!self.separate_captures).then_some(path.as_path()));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the parser bounds it")]
        Arrangement::of(named).stating(self.clock_bound.map(|seconds| (seconds * 1e9) as u64))
    }
}

fn bound(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=1e9).contains(seconds));
    seconds.ok_or_else(|| "expected a number of seconds, such as 0.5".to_owned())
}

/// Whether the process gives up what it does not need.
#[derive(Debug, clap::Args)]
pub(super) struct SandboxOption {
    /// Keep all rights of this process while it reads what was captured. Without this it can soon open no other file, connect
    /// nowhere and start nothing; '--version' says what this kernel enforces
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
            super::complain(&format!("the sandbox is not complete: {gaps}; --no-sandbox turns this note off"));
        }
    }
}

/// What reading may cost. Every limit that was hit is told in the report.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Limits (sizes are bytes, or have K, M or G behind them)")]
pub(super) struct LimitOptions {
    /// Also examine this TCP port as the Trust Verification Service (2445 always is). Repeatable
    #[arg(long, value_name = "PORT", help_heading = "Ports", value_parser = clap::value_parser!(u16).range(1..))]
    tvs_port: Vec<u16>,

    /// Also examine this TCP port as Tomcat (8443 always is). Repeatable
    #[arg(long, value_name = "PORT", help_heading = "Ports", value_parser = clap::value_parser!(u16).range(1..))]
    https_port: Vec<u16>,

    /// Device names remembered, and addresses; those that only asked and got nothing are forgotten first
    #[arg(long, hide_short_help = true, value_name = "NUMBER", value_parser = count,
          default_value_t = phone::Limits::default().phones)]
    max_phones: usize,

    /// Downloads remembered of one phone, and sessions; the oldest are forgotten first
    #[arg(long, hide_short_help = true, value_name = "NUMBER", value_parser = count,
          default_value_t = phone::Limits::default().each)]
    max_records: usize,

    /// Bytes that all phones may take together; what weighs most is forgotten first
    #[arg(long, hide_short_help = true, value_name = "SIZE", value_parser = size,
          default_value_t = Size(phone::Limits::default().bytes))]
    max_phone_memory: Size,

    /// TFTP transfers followed at once, and TCP connections
    #[arg(long, hide_short_help = true, value_name = "NUMBER", value_parser = count,
          default_value_t = tcp::Limits::default().connections)]
    max_flows: usize,

    /// Bytes of one file that are held; a larger one is hashed and then forgotten
    #[arg(long, hide_short_help = true, value_name = "SIZE", value_parser = size,
          default_value_t = Size(ContentLimits::default().file))]
    max_file: Size,

    /// Bytes of one transfer or stream that may wait for an earlier part that is late
    #[arg(long, hide_short_help = true, value_name = "SIZE", value_parser = size,
          default_value_t = Size(ContentLimits::default().reorder))]
    max_late: Size,

    /// Bytes that all TFTP transfers in progress may hold together
    #[arg(long, hide_short_help = true, value_name = "SIZE", value_parser = size,
          default_value_t = Size(ContentLimits::default().total))]
    max_tftp_memory: Size,

    /// Bytes that all TCP connections may hold together
    #[arg(long, hide_short_help = true, value_name = "SIZE", value_parser = size,
          default_value_t = Size(tcp::Limits::default().total))]
    max_tcp_memory: Size,

    /// Bytes of IP fragments that may wait for the rest of their packet
    #[arg(long, hide_short_help = true, value_name = "SIZE", value_parser = size,
          default_value_t = Size(packet::Limits::default().fragment_bytes))]
    max_fragments: Size,

    /// Seconds of the capture without a packet after which a TFTP transfer is over
    #[arg(long, hide_short_help = true, value_name = "SECONDS", value_parser = idle,
          default_value_t = seconds(tftp::Limits::default().idle))]
    tftp_idle: u32,

    /// Seconds of the capture without a segment after which a TCP connection is over
    #[arg(long, hide_short_help = true, value_name = "SECONDS", value_parser = idle,
          default_value_t = seconds(tcp::Limits::default().idle))]
    tcp_idle: u32,

    /// Seconds of the capture for which an IP fragment waits for the others
    #[arg(long, hide_short_help = true, value_name = "SECONDS", value_parser = idle,
          default_value_t = seconds(packet::Limits::default().fragment_lifetime))]
    fragment_idle: u32,
}

impl LimitOptions {
    /// The limits that were asked for, and the ports.
    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.dissect.ports.tvs.extend(&self.tvs_port);
        limits.dissect.ports.tomcat.extend(&self.https_port);
        limits.phone =
            phone::Limits { phones: self.max_phones, each: self.max_records, bytes: self.max_phone_memory.0 };
        limits.dissect.content =
            ContentLimits { file: self.max_file.0, reorder: self.max_late.0, total: self.max_tftp_memory.0 };
        limits.dissect.tftp = tftp::Limits { conversations: self.max_flows, idle: nanos(self.tftp_idle) };
        limits.dissect.tcp = tcp::Limits {
            connections: self.max_flows,
            idle: nanos(self.tcp_idle),
            reorder: self.max_late.0,
            total: self.max_tcp_memory.0,
        };
        limits.packet =
            packet::Limits { fragment_bytes: self.max_fragments.0, fragment_lifetime: nanos(self.fragment_idle) };
        limits
    }
}

/// Bytes, with `K`, `M` or `G` behind them where they are whole ones of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) usize);

const UNITS: [(char, u32); 3] = [('G', 30), ('M', 20), ('K', 10)];
/// Less than this holds no packet; more than that no machine for this has.
const SIZES: std::ops::RangeInclusive<usize> = 4 << 10..=1 << 38;

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match UNITS.into_iter().find(|&(_, shift)| self.0 > 0 && self.0.trailing_zeros() >= shift) {
            Some((unit, shift)) => write!(f, "{}{unit}", self.0 >> shift),
            None => self.0.fmt(f),
        }
    }
}

fn size(text: &str) -> Result<Size, String> {
    let capitals = text.trim().to_ascii_uppercase();
    let capitals = capitals.strip_suffix("IB").or_else(|| capitals.strip_suffix('B')).unwrap_or(&capitals);
    let (digits, shift) = UNITS
        .into_iter()
        .find_map(|(unit, shift)| Some((capitals.strip_suffix(unit)?, shift)))
        .unwrap_or((capitals, 0));
    let number: usize =
        digits.trim().parse().map_err(|_| "expected a number of bytes, such as 65536, 64K, 8M or 1G".to_owned())?;
    let bytes = number.checked_mul(1 << shift).filter(|bytes| SIZES.contains(bytes));
    bytes.map(Size).ok_or_else(|| format!("expected {} to {}", Size(*SIZES.start()), Size(*SIZES.end())))
}

pub(super) fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=100_000_000).contains(number));
    number.ok_or_else(|| "expected a number from 1 to 100000000".to_owned())
}

fn idle(text: &str) -> Result<u32, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
    seconds.ok_or_else(|| "expected a number of seconds from 1 to 86400".to_owned())
}

fn seconds(nanos: u64) -> u32 {
    u32::try_from(nanos / 1_000_000_000).unwrap_or(u32::MAX)
}

fn nanos(seconds: u32) -> u64 {
    u64::from(seconds) * 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_they_print() {
        for (text, bytes, printed) in [
            ("65536", 65_536, "64K"),
            ("64k", 65_536, "64K"),
            ("64 KiB", 65_536, "64K"),
            ("8M", 8 << 20, "8M"),
            ("1GB", 1 << 30, "1G"),
            ("5001", 5001, "5001"),
        ] {
            let read = size(text).unwrap();
            assert_eq!((read, read.to_string().as_str()), (Size(bytes), printed));
        }
        for text in ["", "0", "-1", "M", "1T", "12x", "1000G", "99999999999999999999G", "4095"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn limits_by_default_are_the_defaults() {
        #[derive(Debug, clap::Parser)]
        struct Only {
            #[command(flatten)]
            limits: LimitOptions,
        }
        let read = |arguments: &[&str]| {
            let all = std::iter::once("x").chain(arguments.iter().copied());
            <Only as clap::Parser>::parse_from(all).limits.limits()
        };
        assert_eq!(format!("{:?}", read(&[])), format!("{:?}", Limits::default()));
        let set = read(&["--max-late", "8K", "--tcp-idle", "5", "--tvs-port", "12445"]);
        assert_eq!((set.dissect.tcp.reorder, set.dissect.content.reorder), (8192, 8192));
        assert_eq!(set.dissect.tcp.idle, 5_000_000_000);
        assert_eq!(set.dissect.ports.tvs, [2445, 12445]);
    }
}
