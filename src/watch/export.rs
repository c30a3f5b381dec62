//! One phone's report and frames, written to files.
//!
//! In: a phone, its assessment, and frames from a file that is read again or from [`super::keep`]. Out: three files that can be
//! sent to somebody: text, JSON, pcapng. What files contain that are no trust lists is left out of the frames unless it is asked
//! for, because configuration files hold passwords: those frames are cut there, as a short snap length would, so that nobody takes
//! what is left for a whole file, and each says so in its comment.

use std::fmt;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::write::{CaptureWriter, Format};
use crate::capture::{Frame, LinkType, SourceSummary, Timestamp};
use crate::event::Transport;
use crate::packet::{self, Whereabouts};
use crate::phone::Phone;
use crate::private;
use crate::report::{self, Details, Report, Style};
use crate::verdict::{Assessments, Case};

/// What is to be written.
pub(super) struct Request<'a> {
    /// The phone.
    pub(super) phone: &'a Phone,
    /// What it was compared with.
    pub(super) case: &'a Case,
    /// What was read.
    pub(super) sources: Vec<SourceSummary>,
    /// Where to.
    pub(super) folder: &'a Path,
    /// Whether the contents of files are wanted too.
    pub(super) contents: bool,
    /// When.
    pub(super) time: Timestamp,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Frames written.
    pub frames: u64,
    /// Frames of which contents were left out.
    pub blanked: u64,
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stem = self.files.first().map(|path| path.with_extension("")).unwrap_or_default();
        let extensions = self.files.iter().filter_map(|path| path.extension()?.to_str()).collect::<Vec<_>>();
        write!(f, "written: {}.{{{}}}, {} frames", stem.display(), extensions.join(","), self.frames)?;
        match self.blanked {
            0 => Ok(()),
            blanked => write!(f, ", contents of {blanked} left out"),
        }
    }
}

/// Gives frames one after the other to whoever is handed to it.
pub(super) type Frames<'a> = dyn FnMut(&mut dyn FnMut(&Frame<'_>)) -> Result<(), String> + 'a;

/// Writes the files. None that exists is overwritten; nobody but their owner can read them.
///
/// # Errors
/// In words: a file cannot be written, or frames cannot be read.
pub(super) fn write(request: &Request<'_>, frames: &mut Frames<'_>) -> Result<Exported, String> {
    let stem = request.folder.join(format!("itlscope-{}-{}", file_name(&request.phone.label()), compact(request.time)));
    let path = |extension: &str| stem.with_extension(extension);
    let phones = std::slice::from_ref(request.phone);
    let mut report = Report {
        sources: request.sources.clone(),
        notes: vec![format!("only {} is in this report", request.phone.label())],
        assessments: Assessments { phones, case: request.case },
    };
    if !request.contents {
        report.notes.push("the pcapng file beside it does not hold what configuration files contain".to_owned());
    }
    let text = path("txt");
    let style = Style { colour: false, width: 118, details: Details::All };
    with_file(&text, |out| report::write_text(&report, style, out).map(|_| ()))?;
    let json = path("json");
    with_file(&json, |out| report::write_json(&report, out).map(|_| ()))?;
    let capture = path("pcapng");
    let mut counts = (0, 0);
    let mut failed = None;
    with_file(&capture, |out| {
        let comment = format!("Frames of {}, written by itlscope", request.phone.label());
        let mut writer = CaptureWriter::new(out, Format::PcapNg, LinkType(1), &comment)?;
        let ends = Ends::of(request.phone);
        let mut result = Ok(());
        let mut take = |frame: &Frame<'_>| {
            if result.is_ok() && ends.concern(frame) {
                result = ends.write(frame, request, &mut writer, &mut counts);
            }
        };
        if let Err(error) = frames(&mut take) {
            failed = Some(error);
        }
        result?;
        writer.flush()
    })?;
    match failed {
        Some(error) => Err(error),
        None => Ok(Exported { files: vec![text, json, capture], frames: counts.0, blanked: counts.1 }),
    }
}

fn with_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut out = BufWriter::new(private::create(path).map_err(failed)?);
    write(&mut out).and_then(|()| out.flush()).map_err(failed)
}

/// A label that is safe in the name of a file.
fn file_name(label: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    label.chars().map(safe).take(80).collect()
}

/// `20260131T120000.123Z` without what file systems dislike.
fn compact(time: Timestamp) -> String {
    let text = time.to_string();
    let digits: String = text.chars().take(23).filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    format!("{digits}Z")
}

/// Where a phone's frames are told by: its ends of conversations, and which of them carried trust lists when.
struct Ends {
    clients: Vec<SocketAddr>,
    /// Ends that fetched a trust list, the source of its frames, and its first and last frame.
    lists: Vec<(SocketAddr, u16, u64, u64)>,
    http: Vec<SocketAddr>,
}

impl Ends {
    fn of(phone: &Phone) -> Self {
        let downloads = phone.downloads.iter();
        let mut clients: Vec<SocketAddr> = downloads.clone().map(|download| download.client).collect();
        clients.extend(phone.sessions.iter().map(|session| session.client));
        clients.extend(phone.reports.iter().map(|report| report.client));
        clients.sort_unstable();
        clients.dedup();
        let lists = downloads
            .clone()
            .filter(|download| download.kind.is_list())
            .map(|download| {
                let (first, last) = (download.span.first.frame, download.span.last.frame);
                (download.client, first.source, first.number, last.number)
            })
            .collect();
        let http = downloads.filter(|download| download.transport == Transport::Http);
        Self { clients, lists, http: http.map(|download| download.client).collect() }
    }

    fn concern(&self, frame: &Frame<'_>) -> bool {
        match packet::whereabouts(frame) {
            Some(Whereabouts::Transport { src, dst, .. }) => {
                self.clients.binary_search(&src).is_ok() || self.clients.binary_search(&dst).is_ok()
            }
            Some(Whereabouts::Fragment { src, dst, .. }) => {
                self.clients.iter().any(|client| client.ip() == src || client.ip() == dst)
            }
            None => false,
        }
    }

    fn write(
        &self,
        frame: &Frame<'_>,
        request: &Request<'_>,
        writer: &mut CaptureWriter<&mut dyn Write>,
        counts: &mut (u64, u64),
    ) -> std::io::Result<()> {
        let source = request.sources.get(usize::from(frame.id.source)).map_or("the capture", |source| &source.path);
        let mut comment = format!("frame {} of {source}", frame.id.number);
        counts.0 += 1;
        if request.contents {
            return writer.frame(frame, Some(&comment));
        }
        let kept = self.contents(frame).and_then(|contents| frame.data.get(..contents.start));
        let Some(kept) = kept else { return writer.frame(frame, Some(&comment)) };
        comment.push_str("; contents left out (cut)");
        counts.1 += 1;
        writer.frame(&Frame { data: kept, ..*frame }, Some(&comment))
    }

    /// Where the frame holds contents of a file that is no trust list.
    fn contents(&self, frame: &Frame<'_>) -> Option<std::ops::Range<usize>> {
        let is_list = |client: SocketAddr| {
            let id = frame.id;
            self.lists.iter().any(|&(end, source, first, last)| {
                end == client && source == id.source && (first..=last).contains(&id.number)
            })
        };
        match packet::whereabouts(frame)? {
            Whereabouts::Fragment { payload, first, .. } => {
                // Whose a fragment is, only its first one says. A datagram's header and TFTP's stay.
                let start = if first { payload.start.saturating_add(12) } else { payload.start };
                (start < payload.end).then_some(start..payload.end)
            }
            Whereabouts::Transport { src, dst, tcp: false, payload } => {
                let is_data = matches!(frame.data.get(payload.clone()), Some([0, 3, ..]));
                let start = payload.start.saturating_add(4);
                (is_data && start < payload.end && !is_list(src) && !is_list(dst)).then_some(start..payload.end)
            }
            Whereabouts::Transport { dst, payload, .. } => {
                if !self.http.contains(&dst) || is_list(dst) || payload.is_empty() {
                    return None;
                }
                // The head of a response may stay.
                let bytes = frame.data.get(payload.clone())?;
                let head = bytes.starts_with(b"HTTP/1.").then(|| find(bytes, b"\r\n\r\n")).flatten();
                let start = payload.start.saturating_add(head.map_or(0, |at| at + 4));
                (start < payload.end).then_some(start..payload.end)
            }
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_make_safe_names() {
        assert_eq!(file_name("SEP0011215A1AE3"), "SEP0011215A1AE3");
        assert_eq!(file_name("fe80::1"), "fe80--1");
        assert_eq!(file_name("../../etc/passwd"), "------etc-passwd");
        assert_eq!(compact(Timestamp::from_seconds_and_nanos(1_700_000_000, 123_456_789)), "20231114T221320123Z");
    }
}
