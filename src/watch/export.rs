//! One phone's report and frames, written to files.
//!
//! In: a phone, its assessment, and frames from a file that is read again or from [`super::keep`]. Out: three files that can be
//! sent to somebody: text, JSON, pcapng, into a folder that holds nothing else. What may be secret is left out of the frames unless
//! it is asked for ([`super::conceal`]), and each that was cut says so in its comment.

use std::fmt;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::conceal::Ends;
use super::write::{CaptureWriter, Format};
use crate::capture::{Frame, LinkType, SourceSummary, Timestamp};
use crate::phone::Phone;
use crate::private::Folder;
use crate::report::{self, Details, Report, Style};
use crate::verdict::{Assessments, Case};

/// The folder that exports go to: one of their own, so that the sandbox leaves nothing else within reach.
#[derive(Debug)]
pub struct Exports(Result<Folder, String>);

/// What an export folder is called where the one that was named holds other things already.
const OF_ITS_OWN: &str = "itlscope-exports";

impl Exports {
    /// A folder for exports: `folder` itself, made where it does not exist, if nothing is in it but earlier exports; a folder
    /// below it otherwise. Where neither can be had, exports say so.
    pub fn open(folder: &Path) -> Self {
        let opened = Folder::make(folder).and_then(|named| {
            let is_export = |name: &str| name.trim_start_matches('.').starts_with("itlscope-") && name != OF_ITS_OWN;
            if named.has_only(is_export) { Ok(named) } else { named.below(OF_ITS_OWN) }
        });
        Self(opened.map_err(|error| format!("{}: {error}", folder.display())))
    }

    /// No folder, for whoever exports nothing.
    pub fn none() -> Self {
        Self(Err("there is no folder for exports".to_owned()))
    }

    /// Where it is; `None` where there is none.
    pub fn path(&self) -> Option<&Path> {
        self.0.as_ref().ok().map(Folder::path)
    }

    /// Writes one more file, such as the report of a dashboard whose terminal is gone.
    ///
    /// # Errors
    /// In words, when it cannot be written.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        with_file(self.folder()?, name, |out| out.write_all(bytes)).map(|_| ())
    }

    fn folder(&self) -> Result<&Folder, String> {
        self.0.as_ref().map_err(Clone::clone)
    }
}

/// What is to be written.
pub(super) struct Request<'a> {
    /// The phone.
    pub(super) phone: &'a Phone,
    /// What it was compared with.
    pub(super) case: &'a Case,
    /// What was read.
    pub(super) sources: Vec<SourceSummary>,
    /// Where to.
    pub(super) folder: &'a Exports,
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
    let folder = request.folder.folder()?;
    let stem = format!("itlscope-{}-{}", file_name(&request.phone.label()), compact(request.time));
    let name = |extension: &str| format!("{stem}.{extension}");
    let phones = std::slice::from_ref(request.phone);
    let mut report = Report {
        sources: request.sources.clone(),
        notes: vec![format!("only {} is in this report", request.phone.label())],
        assessments: Assessments { phones, case: request.case },
        others: Vec::new(),
    };
    if !request.contents {
        report.notes.push("the pcapng file beside it does not hold what may be secret".to_owned());
    }
    let style = Style { colour: false, width: 118, details: Details::All };
    let text = with_file(folder, &name("txt"), |out| report::write_text(&report, style, out).map(|_| ()))?;
    let json = with_file(folder, &name("json"), |out| report::write_json(&report, out).map(|_| ()))?;
    let mut counts = (0, 0);
    let capture = with_file(folder, &name("pcapng"), |out| {
        let comment = format!("Frames of {}, written by itlscope", request.phone.label());
        let mut writer = CaptureWriter::new(out, Format::PcapNg, LinkType(1), &comment)?;
        let ends = Ends::of(request.phone);
        let mut result = Ok(());
        let mut take = |frame: &Frame<'_>| {
            if result.is_ok() && ends.concern(frame) {
                result = write_frame(frame, &ends, request, &mut writer, &mut counts);
            }
        };
        let read = frames(&mut take).map_err(std::io::Error::other);
        result.and(read)?;
        writer.flush()
    })?;
    Ok(Exported { files: vec![text, json, capture], frames: counts.0, blanked: counts.1 })
}

fn write_frame(
    frame: &Frame<'_>,
    ends: &Ends,
    request: &Request<'_>,
    writer: &mut CaptureWriter<&mut dyn Write>,
    counts: &mut (u64, u64),
) -> std::io::Result<()> {
    let source = request.sources.get(usize::from(frame.id.source)).map_or("the capture", |source| &source.path);
    let mut comment = format!("frame {} of {source}", frame.id.number);
    counts.0 += 1;
    let hidden = if request.contents { None } else { ends.hidden_from(frame) };
    let Some(kept) = hidden.and_then(|start| frame.data.get(..start)) else {
        return writer.frame(frame, Some(&comment));
    };
    comment.push_str("; contents left out (cut)");
    counts.1 += 1;
    writer.frame(&Frame { data: kept, ..*frame }, Some(&comment))
}

/// Writes a file, whole or not at all. Returns where it is.
fn with_file(
    folder: &Folder,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<PathBuf, String> {
    let path = folder.path().join(name);
    let written = folder.write(name, false, |file| {
        let mut out = BufWriter::new(file);
        write(&mut out).and_then(|()| out.flush())
    });
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
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
