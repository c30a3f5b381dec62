//! Files and certificates out of captures, into a folder.
//!
//! In: complete files as the roster hands them on, in the end the phones and the other clients. Out: files on disk under names that are safe, each
//! certificate as PEM, and a [`Manifest`] that says from which frames each came. It refuses to write what is not complete, to
//! follow a path from the wire, to overwrite unless it is told to, and to write what may hold secrets unless it is asked for.
//!
//! Files are written when they are complete and not held: in the end those are removed again that a later frame took back.

mod certificates;
mod client;
mod failure;
mod folder;
mod manifest;
mod names;
mod secrets;

use std::io;
use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt};

pub use failure::Failure;
pub use folder::Folder;
pub use manifest::{CertificateEntry, FileEntry, FileSeen, Manifest, NotWritten, Presented};

use crate::digest::Digests;
use crate::event::Outcome;
use crate::phone::{DownloadRecord, KeptFile, OtherClient, Phone};
use manifest::Why;
use names::Names;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether files that may hold secrets are wanted: configurations, and whatever else is not known to hold none.
    pub with_configs: bool,
    /// Files written at most.
    pub most_files: usize,
}

/// One file: the server that gave it, the name that it was asked for by, what is in it.
type Key = (IpAddr, Option<String>, Digests);

/// Writes files as they come.
#[derive(Debug)]
pub struct Extractor {
    folder: Folder,
    options: Options,
    names: Names,
    files: HashMap<Key, State>,
}

/// What became of a file.
#[derive(Debug)]
enum State {
    /// It is written here.
    Written(String),
    /// It could not be written there, and why.
    Failed(Failure),
    /// It may hold secrets.
    Withheld,
}

impl Extractor {
    /// Begins with a folder.
    pub fn new(folder: Folder, options: Options) -> Self {
        Self { folder, options, names: Names::default(), files: HashMap::new() }
    }

    /// Takes a file that is complete for now.
    pub fn file(&mut self, kept: &KeptFile) {
        let Some(key) = key(&kept.record) else { return };
        if self.files.contains_key(&key) || self.files.len() >= self.options.most_files {
            return;
        }
        let withheld = !self.options.with_configs && secrets::possible(&kept.record, &kept.content.bytes);
        let state = if withheld { State::Withheld } else { self.write(&kept.record, &kept.content.bytes) };
        self.files.insert(key, state);
    }

    fn write(&mut self, record: &DownloadRecord, bytes: &[u8]) -> State {
        let server = names::of_address(record.server.ip());
        let path = self.names.take(&server, record.file().unwrap_or("unnamed"));
        match self.folder.write(&path, bytes) {
            Ok(()) => State::Written(path),
            Err(error) => State::Failed(Failure::new(&path, &error)),
        }
    }

    /// The capture is over, and these are its phones and other clients: removes what turned out not to be complete, and writes certificates and
    /// the manifest. `manifest` says what was read. Returns it, and what could not be written, each with its path. Where the disk
    /// failed, the manifest is not written: what is missing is no result, and another run goes on.
    ///
    /// # Errors
    /// When the manifest cannot be written.
    pub fn finish(
        mut self,
        phones: &[Phone],
        others: &[OtherClient],
        mut manifest: Manifest,
    ) -> io::Result<(Manifest, Vec<Failure>)> {
        let clients = client::all(phones, others);
        let mut written: HashMap<String, FileEntry> = HashMap::new();
        for client in &clients {
            for record in client.downloads.iter().copied() {
                match self.account(record) {
                    Some(Ok(path)) => {
                        let new = || FileEntry::new(path.to_owned(), record);
                        written.entry(path.to_owned()).or_insert_with(new).seen.push(FileSeen::new(client, record));
                    }
                    Some(Err(why)) => manifest.not_written.push(NotWritten::new(client, record, why)),
                    None => {}
                }
            }
        }
        let mut failed = Vec::new();
        let mut removed = 0;
        for state in self.files.values() {
            match state {
                State::Written(path) if !written.contains_key(path) => {
                    self.folder.remove(path)?;
                    removed += 1;
                }
                State::Failed(failure) => failed.push(failure.clone()),
                State::Written(_) | State::Withheld => {}
            }
        }
        if removed > 0 {
            manifest.notes.push(format!(
                "files removed again: {removed}; a later frame took them back, or their phones were forgotten (--max-phones, --max-phone-memory)"
            ));
        }
        manifest.files = written.into_values().collect();
        manifest.files.sort_by(|a, b| (a.first_frame(), &a.path).cmp(&(b.first_frame(), &b.path)));
        failed.sort_by(|a: &Failure, b: &Failure| a.text.cmp(&b.text));
        failed.extend(certificates::write(&clients, &self.folder, &mut self.names, &mut manifest));
        if failed.iter().all(|failure| failure.in_the_way) {
            manifest.write(&self.folder)?;
        }
        Ok((manifest, failed))
    }

    /// What became of a download: where it was written, or why it was not; `None` where there was nothing to write.
    fn account(&self, record: &DownloadRecord) -> Option<Result<&str, Why>> {
        let Some(key) = key(record) else {
            let reason = || record.reason().unwrap_or_else(|| "it is not complete".to_owned());
            let begun = matches!(record.outcome(), Outcome::Incomplete | Outcome::Pending);
            return begun.then(|| Err(Why::Other(reason())));
        };
        Some(match self.files.get(&key) {
            Some(State::Written(path)) => Ok(path),
            Some(State::Failed(failure)) => Err(Why::Other(failure.text.clone())),
            Some(State::Withheld) => Err(Why::Withheld),
            None if self.files.len() >= self.options.most_files => {
                Err(Why::Other(format!("{} files were written already (--max-files)", self.options.most_files)))
            }
            None => Err(Why::Other(
                "it is larger than what is held of a file: it was hashed, not held (--max-file)".to_owned(),
            )),
        })
    }
}

/// The key of a complete download.
fn key(record: &DownloadRecord) -> Option<Key> {
    record.digests.map(|digests| (record.server.ip(), record.file().map(str::to_owned), digests))
}
