//! What several commands are given: captures and references.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{opened, privileges};
use crate::capture::{Arrangement, Place};
use crate::dissect::{ContentLimits, tcp, tftp};
use crate::engine::Limits;
use crate::packet;
use crate::phone;
use crate::sandbox::{self, Needs};
use crate::trust::{Digits, Reference, ReferenceArgument, ReferenceTarget};
use crate::x509::Serial;

/// Reads what `-r` was given.
pub(super) fn references(arguments: &[ReferenceArgument]) -> anyhow::Result<Vec<Reference>> {
    let mut references = Vec::new();
    for argument in arguments {
        match &argument.target {
            ReferenceTarget::Path(path) => {
                if let Some(serial) = digits(path)? {
                    references.push(Reference::from_serial(argument, serial));
                } else {
                    let bytes = read(Path::new(path))?;
                    let all = Reference::all_from_bytes(path, argument.server, &bytes)?;
                    references.extend(all.into_iter().map(|one| one.said_to_be(argument.role.as_deref())));
                }
            }
            _ => references.extend(Reference::from_checksum(argument)),
        }
    }
    Ok(references)
}

/// Reads it again, from where it stands by now: a file that was replaced is another one.
pub(super) fn references_anew(arguments: &[ReferenceArgument]) -> anyhow::Result<Vec<Reference>> {
    reference_paths(arguments).for_each(opened::let_go);
    references(arguments)
}

/// The serial number that an argument is where it names no file; a checksum of which something is missing is called that.
fn digits(argument: &str) -> anyhow::Result<Option<Serial>> {
    if Path::new(argument).exists() {
        return Ok(None);
    }
    match Digits::of(argument) {
        Some(Digits::Serial(serial)) => Ok(Some(serial)),
        Some(Digits::NoChecksum(digits)) => {
            bail!(
                "{argument}: {digits} hexadecimal digits and no file of this name: an MD5 has 32 digits, a SHA-1 has 40"
            )
        }
        None => Ok(None),
    }
}

/// Larger files are no trust lists, texts or logs: a syslog of 160,000 phones has half of this.
pub(super) const LARGEST: u64 = 128 << 20;

/// Reads a small file whole, or what comes through a pipe: no more than such a file has, whatever the system says of its length.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || path.display().to_string();
    let file = opened::open(path).with_context(name)?;
    if file.kind().with_context(name)?.0 {
        bail!("{}: is a directory, expected a file", name());
    }
    read_bounded(file, LARGEST).with_context(name)
}

/// Reads to the end, which must come within so many bytes.
pub(super) fn read_bounded(stream: impl Read, most: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        bail!("has more than {} MiB, more than any such file has", most >> 20);
    }
    Ok(bytes)
}

/// Whether what is at the path can be read again: a pipe is empty by then, and waiting for it would never end.
pub(super) fn can_be_read_again(arguments: &[ReferenceArgument]) -> Result<(), String> {
    for path in reference_paths(arguments) {
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(format!("{}: is no regular file, and could be read only once", path.display()));
        }
    }
    Ok(())
}

/// The files that `-r` names.
pub(super) fn reference_paths(arguments: &[ReferenceArgument]) -> impl Iterator<Item = &Path> {
    arguments.iter().filter_map(|argument| match &argument.target {
        ReferenceTarget::Path(path) => Some(Path::new(path.as_str())),
        _ => None,
    })
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
    /// To be called when everything that needs a privilege is open, before a byte of it is looked at, and before there is a second
    /// thread. `became` is the user that the process became, in words. Says what became of privileges.
    ///
    /// # Errors
    /// When privileges cannot be dropped.
    pub(super) fn enter(&self, became: Option<String>, needs: &Needs) -> anyhow::Result<String> {
        if self.no_sandbox {
            return Ok("privileges: kept".to_owned());
        }
        let privileges = privileges::give_up(became).context("privileges cannot be dropped")?;
        self.enter_without_privileges(needs);
        Ok(privileges)
    }

    /// The same for a command that reads these files and writes none: they are opened before.
    ///
    /// # Errors
    /// When privileges cannot be dropped.
    pub(super) fn enter_to_read<'a>(
        &self,
        captures: &'a [PathBuf],
        references: impl Iterator<Item = &'a Path>,
        told: Vec<PathBuf>,
    ) -> anyhow::Result<()> {
        let all = references.map(Path::to_owned).chain(told).chain(captures.iter().cloned());
        let read: Vec<PathBuf> = all.collect();
        opened::hold(read.iter().map(PathBuf::as_path));
        let became = if self.no_sandbox { None } else { privileges::become_caller()? };
        self.enter(became, &Needs { read, ..Needs::default() })?;
        Ok(())
    }

    /// The same, where there are none any more.
    pub(super) fn enter_without_privileges(&self, needs: &Needs) {
        if self.no_sandbox {
            return;
        }
        if let Err(error) = sandbox::leave_no_core() {
            super::complain(&format!("a crash may leave this process's memory in a file: {error}"));
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
