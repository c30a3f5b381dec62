//! Where the frames of a watch come from.

use std::io::{self, Read};
#[cfg(feature = "live")]
use std::io::{IsTerminal, Write};
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};

use crate::capture::{Arrangement, BytesRead, CaptureError, FollowedFile, MergedCaptures, Place, Places, Source};
use crate::commands::inputs::ClockOptions;
use crate::commands::{opened, privileges, read};
use crate::sandbox;
use crate::watch::{self, Input, Reopen};

/// Options of live capture.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Live capture")]
pub(super) struct LiveArgs {
    /// Capture from this interface; 'any' is all of them. Without it and without FILE, choose one from a list
    #[arg(short, long, value_name = "IFACE", conflicts_with_all = ["files", "follow"])]
    interface: Option<String>,

    /// Keep only frames for which this holds too, in the words of tcpdump, such as 'net 10.1.0.0/16'. Voice is left out anyway
    #[arg(long, value_name = "EXPR", conflicts_with = "files")]
    filter: Option<String>,

    /// What the kernel holds while this program is busy: more for a fast link, if frames are dropped
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=2047))]
    buffer_size: u32,

    /// Bytes of each frame that are captured. Files whose frames are cut cannot be put together
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(64..=262_144))]
    snap_length: u32,

    /// Record what is captured, readable while it grows: pcapng, or pcap where the name ends so. Never writes over a file
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    write: Option<PathBuf>,

    /// Begin a new file after so much; each has its number and its time in its name
    #[arg(long, value_name = "MIB", requires = "write", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    write_size: Option<u64>,

    /// Keep only so many of those files, the last ones
    #[arg(long, value_name = "N", requires = "write_size", value_parser = clap::value_parser!(u32).range(1..))]
    write_files: Option<u32>,
}

impl LiveArgs {
    /// The folder in which files of the recording begin and go while it goes on; a single file is open already.
    pub(super) fn rotates_in(&self) -> Option<PathBuf> {
        self.write_size?;
        self.write.as_deref().map(sandbox::folder_of)
    }
}

/// An input that is open as far as privileges are needed for it, and what is to be said of it.
pub(super) struct Opened {
    pub(super) label: String,
    pub(super) recording: Option<String>,
    /// Whether it is an interface.
    pub(super) is_live: bool,
    /// The descriptor of its capture.
    pub(super) capture: Option<RawFd>,
    /// Whom the process became, in words.
    pub(super) became: Option<String>,
    /// Begins to read.
    pub(super) start: Box<dyn FnOnce() -> anyhow::Result<Input>>,
}

/// Opens what was asked for. When this returns, the process is the user who called it, and whatever is written is made with that
/// user's rights. Not a byte was read.
pub(super) fn open(
    (files, clocks): (&[PathBuf], ClockOptions),
    follow: bool,
    live: &LiveArgs,
) -> anyhow::Result<Opened> {
    let from_files = |label: String, start: Box<dyn FnOnce() -> anyhow::Result<Input>>| {
        let became = privileges::become_caller()?;
        anyhow::Ok(Opened { label, recording: None, is_live: false, capture: None, became, start })
    };
    let label = |path: &Path| path.display().to_string();
    match files {
        [] => interface(live),
        [only] if only.as_os_str() == "-" => from_files("standard input".to_owned(), Box::new(standard_input)),
        [only] if follow => {
            let path = only.clone();
            from_files(label(only), Box::new(move || followed(&path, label(&path)).map(Input::Stream)))
        }
        _ if follow => bail!("watch: --follow takes one file"),
        // A pipe may be silent for as long as it likes, and nobody shall wait for it.
        [only] if is_pipe(only) => {
            let path = only.clone();
            from_files(label(only), Box::new(move || piped(&path, label(&path)).map(Input::Stream)))
        }
        [only] => {
            let files = files.to_vec();
            from_files(label(only), Box::new(move || captures(&files, clocks)))
        }
        several => {
            let files = files.to_vec();
            from_files(format!("{} captures", several.len()), Box::new(move || captures(&files, clocks)))
        }
    }
}

fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn standard_input() -> anyhow::Result<Input> {
    let open = |_: Arc<AtomicBool>| Ok(Box::new(io::stdin()) as Box<dyn Read + Send>);
    let feed = watch::read_stream(Box::new(open), "standard input".to_owned()).context("standard input")?;
    Ok(Input::Stream(feed))
}

fn piped(path: &Path, label: String) -> anyhow::Result<watch::Feed> {
    let path = path.to_owned();
    let open = move |_: Arc<AtomicBool>| Ok(Box::new(opened::open(&path)?) as Box<dyn Read + Send>);
    watch::read_stream(Box::new(open), label.clone()).context(label)
}

fn followed(path: &Path, label: String) -> anyhow::Result<watch::Feed> {
    let path = path.to_owned();
    let open = move |stop: Arc<AtomicBool>| Ok(Box::new(FollowedFile::open(&path, stop)?) as Box<dyn Read + Send>);
    watch::read_stream(Box::new(open), label.clone()).context(label)
}

fn captures(paths: &[PathBuf], clocks: ClockOptions) -> anyhow::Result<Input> {
    read::refuse_too_many(paths.len())?;
    let Places { places, errors, .. } = read::places(paths);
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    read::refuse_too_many(places.len())?;
    let arrangement = read::arrange(&places, clocks);
    let source = merged(&places, arrangement.clone())?;
    let sizes = paths.iter().map(|path| std::fs::metadata(path).ok().map(|metadata| metadata.len()));
    let total = sizes.sum::<Option<u64>>();
    let reopen: Reopen = Box::new(move || merged(&places, arrangement.clone()).map_err(|error| error.to_string()));
    Ok(Input::Files { source, total, reopen: Some(reopen) })
}

/// All of the captures, or why one of them cannot be read.
fn merged(places: &[Place], arrangement: Arrangement) -> Result<Box<dyn Source + Send>, CaptureError> {
    let open = |place: &Place, number| read::capture(place, number, &BytesRead::default());
    let (source, errors) = MergedCaptures::arranged(places, arrangement, open);
    errors.into_iter().next().map_or_else(|| Ok(Box::new(source) as Box<dyn Source + Send>), Err)
}

#[cfg(not(feature = "live"))]
fn interface(_live: &LiveArgs) -> anyhow::Result<Opened> {
    bail!(
        "watch: this itlscope was built without live capture; give a capture to open, or '-' and pipe one in:\n  \
         tcpdump -i IFACE -U -w - | itlscope watch -"
    )
}

#[cfg(feature = "live")]
fn interface(live: &LiveArgs) -> anyhow::Result<Opened> {
    use crate::capture::live::{LiveCapture, LiveOptions};
    use crate::watch::{Recorder, Recording};

    let name = match &live.interface {
        Some(name) => name.clone(),
        None => choose()?,
    };
    let options = LiveOptions { buffer: live.buffer_size << 20, snap_length: live.snap_length };
    let capture = LiveCapture::open(&name, options, crate::packet::kernel_filter, live.filter.as_deref())
        .map_err(|error| explain(&error))?;
    // Before any file is made: root's right to write anywhere is not the caller's.
    let became = privileges::become_caller()?;
    let recording = live.write.as_ref().map(|path| Recording {
        path: path.clone(),
        file_bytes: live.write_size.map(|size| size << 20),
        files: live.write_files.and_then(|files| usize::try_from(files).ok()),
    });
    let recorder = match &recording {
        None => None,
        Some(recording) => Some(
            Recorder::create(recording.clone(), capture.link(), &name)
                .with_context(|| format!("--write {}", recording.path.display()))?,
        ),
    };
    let label = match &live.filter {
        None => name,
        Some(filter) => format!("{name} ({filter})"),
    };
    Ok(Opened {
        label,
        recording: recording.map(|recording| recording.label()),
        is_live: true,
        capture: Some(capture.descriptor()),
        became,
        start: Box::new(move || Ok(Input::Live(watch::capture(capture, recorder).context("capture thread")?))),
    })
}

#[cfg(feature = "live")]
fn explain(error: &crate::capture::live::LiveError) -> anyhow::Error {
    use crate::capture::live::{LiveError, interfaces};
    match error {
        LiveError::Permission { .. } => anyhow::anyhow!("{error}\n{}", crate::commands::privileges::how_to_get()),
        LiveError::NoSuchInterface(_) => {
            let names: Vec<_> = interfaces().unwrap_or_default().into_iter().map(|interface| interface.name).collect();
            anyhow::anyhow!("{error}; there are {}", names.join(", "))
        }
        LiveError::Filter { .. } | LiveError::Other { .. } => anyhow::anyhow!("{error}"),
    }
}

/// Lets somebody choose an interface; where nobody can, says which there are.
#[cfg(feature = "live")]
fn choose() -> anyhow::Result<String> {
    use crate::capture::live;
    use crate::commands::interfaces;

    let known = live::interfaces().map_err(|reason| anyhow::anyhow!("the interfaces cannot be listed: {reason}"))?;
    let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !can_ask || known.is_empty() {
        let lines = interfaces::lines(&known).join("\n  ");
        bail!("watch: give a capture to open, or an interface with -i:\n  {lines}");
    }
    let mut err = io::stderr().lock();
    for (number, line) in (1..).zip(interfaces::lines(&known)) {
        writeln!(err, "{number:3}  {line}")?;
    }
    loop {
        write!(err, "Which interface carries the phones? [1-{}, q] ", known.len())?;
        err.flush()?;
        let mut answer = String::new();
        if io::stdin().read_line(&mut answer)? == 0 || answer.trim() == "q" {
            bail!("watch: no interface was chosen");
        }
        if let Some(name) = chosen(&known, answer.trim()) {
            return Ok(name);
        }
    }
}

/// The interface that an answer means: its number in the list, or its name.
#[cfg(feature = "live")]
fn chosen(known: &[crate::capture::live::Interface], answer: &str) -> Option<String> {
    let by_number = answer.parse::<usize>().ok().and_then(|number| known.get(number.checked_sub(1)?));
    let found = known.iter().find(|interface| interface.name == answer).or(by_number);
    found.map(|interface| interface.name.clone())
}

#[cfg(feature = "live")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::live::Interface;

    #[test]
    fn an_interface_is_chosen_by_number_or_name() {
        let interface = |name: &str| Interface {
            name: name.to_owned(),
            description: None,
            addresses: Vec::new(),
            up: true,
            running: true,
            loopback: false,
        };
        let known = [interface("eth0"), interface("1")];
        assert_eq!(chosen(&known, "eth0").as_deref(), Some("eth0"));
        assert_eq!(chosen(&known, "1").as_deref(), Some("1"), "a name counts before a number");
        assert_eq!(chosen(&known, "2").as_deref(), Some("1"));
        for nothing in ["", "0", "3", "eth1", "-1"] {
            assert_eq!(chosen(&known, nothing), None);
        }
    }
}
