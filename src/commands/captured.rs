//! Files that phones downloaded in a capture, for commands that read single files.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;

use super::inputs::ClockOptions;
use super::{opened, read};
use crate::capture::{BytesRead, Place};
use crate::digest::Digests;
use crate::engine::{Engine, Limits};
use crate::event::Content;
use crate::event::Outcome;
use crate::phone::{DownloadRecord, KeptFile, Phone, Roster};

/// Different files of one name that are shown at most.
const MOST_VERSIONS: usize = 64;
/// Names that a message lists at most.
const MOST_NAMES: usize = 16;

/// A file out of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CapturedFile {
    /// What to call it: capture, name, who downloaded it from whom, in which frames.
    pub(super) label: String,
    /// What is in it.
    pub(super) content: Arc<Content>,
}

/// Whether there is a capture at the path, by its content. What can be read only once is not looked at.
pub(super) fn is_capture(path: &Path) -> bool {
    path.is_file()
        && (read::capture(&Place::file(path.to_owned()), 0, &BytesRead::default()).is_ok()
            || Place::is_archive(path, &opened::shared))
}

/// The complete files of this name in a capture, each version once, in the order in which they were first downloaded. The name
/// is the one that was asked for, with or without its folders; where nobody asked for it, the one that a file was signed under.
///
/// # Errors
/// When the capture cannot be read, or there is no such file; then the error says what there is.
pub(super) fn files(path: &Path, name: &str) -> anyhow::Result<Vec<CapturedFile>> {
    let mut kept: Vec<KeptFile> = Vec::new();
    let phones = phones(path, &mut |file| {
        let same = |known: &KeptFile| known.content.digests() == file.content.digests();
        if (is_asked_for(&file.record, name) || is_signed_as(&file.record, name))
            && kept.len() < MOST_VERSIONS
            && !kept.iter().any(same)
        {
            kept.push(file);
        }
    })?;
    let by_request = versions(path, &phones, &kept, |record| is_asked_for(record, name));
    let found = if by_request.is_empty() {
        versions(path, &phones, &kept, |record| is_signed_as(record, name))
    } else {
        by_request
    };
    if !found.is_empty() {
        return Ok(found);
    }
    let incomplete = downloads(&phones).map(|(_, record)| record).find(|record| is_asked_for(record, name));
    let why = incomplete.map(|record| match (record.reason(), record.digests) {
        (Some(reason), _) => format!(": {reason}"),
        (None, Some(_)) => ": the file is larger than what is held of one".to_owned(),
        (None, None) => String::new(),
    });
    bail!("{}: no complete download of {name}{}; {}", path.display(), why.unwrap_or_default(), names(&phones));
}

/// In words, which complete files there are in a capture.
pub(super) fn what_there_is(path: &Path) -> anyhow::Result<String> {
    phones(path, &mut |_| {}).map(|phones| names(&phones))
}

fn phones(path: &Path, file: &mut dyn FnMut(KeptFile)) -> anyhow::Result<Vec<Phone>> {
    let mut engine = Engine::new(&Limits::default(), &[]);
    engine.roster_mut().follow_files();
    let mut each = |roster: &mut Roster| roster.take_files().into_iter().for_each(&mut *file);
    let mut problem = None;
    let mut complain = |text: &str| problem = Some(text.to_owned());
    if read::read(&[path.to_owned()], ClockOptions::default(), &mut engine, &mut each, &mut complain)?.is_none() {
        bail!(problem.unwrap_or_else(|| format!("{}: cannot be read", path.display())));
    }
    Ok(engine.phones())
}

/// The versions that `wanted` downloads brought, as long as their phones' records say that they are complete.
fn versions(
    path: &Path,
    phones: &[Phone],
    kept: &[KeptFile],
    wanted: impl Fn(&DownloadRecord) -> bool,
) -> Vec<CapturedFile> {
    let mut all: Vec<_> = downloads(phones).filter(|(_, record)| wanted(record)).collect();
    all.sort_by_key(|(_, record)| record.span.first);
    // And how often each was downloaded.
    let mut found: Vec<(Digests, CapturedFile, usize)> = Vec::new();
    for (phone, record) in all {
        let Some(digests) = record.digests else { continue };
        if let Some((.., times)) = found.iter_mut().find(|(known, ..)| *known == digests) {
            *times += 1;
        } else if let Some(file) = kept.iter().find(|file| file.content.digests() == digests) {
            let label = label(path, phone, record);
            found.push((digests, CapturedFile { label, content: Arc::clone(&file.content) }, 1));
        }
    }
    let label = |(_, mut file, times): (_, CapturedFile, usize)| {
        if times > 1 {
            // Writing to a string cannot fail.
            let _ = write!(file.label, ", and again: {times} downloads of the same");
        }
        file
    };
    found.into_iter().map(label).collect()
}

fn label(path: &Path, phone: &Phone, record: &DownloadRecord) -> String {
    let name = record.file().unwrap_or_default();
    let (first, last) = (record.span.first.frame.number, record.span.last.frame.number);
    let server = record.server.ip();
    format!("{}: {name}, by {} from {server}, frames {first}\u{2013}{last}", path.display(), phone.label())
}

fn downloads(phones: &[Phone]) -> impl Iterator<Item = (&Phone, &DownloadRecord)> {
    phones.iter().flat_map(|phone| phone.downloads.iter().map(move |record| (phone, record.as_ref())))
}

fn is_asked_for(record: &DownloadRecord, name: &str) -> bool {
    record.file().is_some_and(|file| {
        let last = file.rsplit(['/', '\\']).next().unwrap_or_default();
        file.eq_ignore_ascii_case(name) || last.eq_ignore_ascii_case(name)
    })
}

fn is_signed_as(record: &DownloadRecord, name: &str) -> bool {
    let signed = record.list.as_ref().and_then(|served| served.list.header.file_name.as_deref());
    signed.is_some_and(|signed| signed.eq_ignore_ascii_case(name))
}

/// The names of complete downloads, trust lists first.
fn names(phones: &[Phone]) -> String {
    let complete = downloads(phones).map(|(_, record)| record).filter(|record| record.outcome() == Outcome::Complete);
    let named = complete.filter_map(|record| Some((!record.kind.is_list(), record.file()?)));
    let all: std::collections::BTreeSet<_> = named.collect();
    let mut names: Vec<&str> = all.iter().map(|&(_, name)| name).collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    match (names.is_empty(), more) {
        (true, _) => "no download in it is complete".to_owned(),
        (false, 0) => format!("name a file with --file: {}", names.join(", ")),
        (false, more) => format!("name a file with --file: {} and {more} more", names.join(", ")),
    }
}
