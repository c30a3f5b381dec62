//! Captures in archives, as they are sent from place to place: zip, and tar, compressed or not.
//!
//! In: paths. Out: the [`Place`]s of the captures there, and of each the stream that it is read from, member by member: nothing
//! is unpacked. It refuses to look for archives in archives, and to read what is no capture. How many members are looked at is
//! bounded, and so is what has to be decompressed to get to them.

mod tar;
mod zip;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compressed::{self, BytesRead};
use super::error::{CaptureError, Problem};
use super::format;
use crate::escape;

/// Captures in one archive at most, and members that are looked at.
const MOST_CAPTURES: usize = 4096;
const MOST_MEMBERS: usize = 1 << 16;
/// Bytes of a compressed tar that may have to be decompressed to read all its captures.
const MOST_WORK: u64 = 64 << 30;
/// Bytes of a member by which it is told whether it is a capture; it may be compressed itself.
const LOOKED_AT: u64 = 32 << 10;
/// Names that a note lists.
const MOST_NAMES: usize = 3;
/// Characters of a member's name that are kept.
const LONGEST_NAME: usize = 200;

/// How files are opened: some are open already.
pub type Opener<'o> = &'o dyn Fn(&Path) -> io::Result<Arc<File>>;

/// A file that several may read at once, each where it stands.
struct Shared(Arc<File>);

impl Shared {
    /// At most so many bytes at an offset.
    fn read(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.from(offset).take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// All from an offset on.
    fn from(&self, offset: u64) -> Rest {
        Rest { file: Arc::clone(&self.0), offset }
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

/// A file from an offset on.
struct Rest {
    file: Arc<File>,
    offset: u64,
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset = self.offset.saturating_add(read as u64);
        Ok(read)
    }
}

/// Where a capture is: a file, or a member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    path: PathBuf,
    member: Option<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    name: String,
    how: Packed,
}

/// How a member stands in its archive.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Packed {
    /// So many bytes at an offset of the tar, once that is decompressed.
    Tar {
        offset: u64,
        length: u64,
    },
    Zip(zip::Entry),
}

/// What was found at several paths.
#[derive(Debug, Default)]
pub struct Places {
    /// In the order of the paths, members in the order of their archive.
    pub places: Vec<Place>,
    /// What else was in the archives.
    pub notes: Vec<String>,
    /// Archives out of which nothing can be read.
    pub errors: Vec<CaptureError>,
}

impl Place {
    /// A file.
    pub const fn file(path: PathBuf) -> Self {
        Self { path, member: None }
    }

    /// The places of the captures at these paths. What is no archive is a place by itself, whatever it turns out to be.
    pub fn of(paths: &[PathBuf], open: Opener<'_>) -> Places {
        let mut found = Places::default();
        for path in paths {
            match listing(path, open) {
                None => found.places.push(Self::file(path.clone())),
                Some(Ok(listing)) => {
                    let members = listing.captures.into_iter();
                    found.places.extend(members.map(|member| Self { path: path.clone(), member: Some(member) }));
                    found.notes.extend(note(path, &listing.others, listing.count_of_others));
                }
                Some(Err(what)) => {
                    let path = path.display().to_string();
                    found.errors.push(CaptureError { path, problem: Problem::Archive(what) });
                }
            }
        }
        found
    }

    /// Whether there is an archive with captures at the path.
    pub fn is_archive(path: &Path, open: Opener<'_>) -> bool {
        matches!(listing(path, open), Some(Ok(_)))
    }

    /// The file, or the member as if its archive were a folder.
    pub fn path(&self) -> PathBuf {
        match &self.member {
            None => self.path.clone(),
            Some(member) => self.path.join(&member.name),
        }
    }

    /// Whether it gives the same bytes again when it is opened again.
    pub fn can_be_opened_again(&self) -> bool {
        self.path.is_file()
    }

    /// The stream of a member; `None` for a file. What is read of the archive is added to `count`.
    pub fn open_member(&self, open: Opener<'_>, count: &BytesRead) -> Option<io::Result<Box<dyn Read + Send>>> {
        let member = self.member.as_ref()?;
        Some(open(&self.path).and_then(|file| member.open(&Shared(file), count)))
    }
}

impl Member {
    fn open(&self, file: &Shared, count: &BytesRead) -> io::Result<Box<dyn Read + Send>> {
        match &self.how {
            Packed::Zip(entry) => entry.open(file),
            Packed::Tar { offset, length } => {
                let (mut all, _) = decompressed(file, count)?;
                let skipped = io::copy(&mut (&mut all).take(*offset), &mut io::sink())?;
                if skipped < *offset {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(Box::new(all.take(*length)))
            }
        }
    }
}

/// What is in an archive.
#[derive(Debug, Default)]
struct Listing {
    captures: Vec<Member>,
    /// The first names of what is no capture, and how many there are.
    others: Vec<String>,
    count_of_others: usize,
}

impl Listing {
    fn add(&mut self, name: &str, how: Packed, start: Vec<u8>) -> Result<(), String> {
        let name: String = escape::line(name).chars().take(LONGEST_NAME).collect();
        if is_capture(start) {
            if self.captures.len() == MOST_CAPTURES {
                return Err(format!(
                    "holds more than {MOST_CAPTURES} captures: unpack it, and give them a part at a time"
                ));
            }
            self.captures.push(Member { name, how });
            return Ok(());
        }
        self.count_of_others += 1;
        if self.others.len() < MOST_NAMES {
            self.others.push(name);
        }
        if self.count_of_others + self.captures.len() > MOST_MEMBERS {
            return Err(format!(
                "holds more than {MOST_MEMBERS} files: unpack it, and give the captures that are in it"
            ));
        }
        Ok(())
    }
}

/// What is in the archive at the path, or why nothing of it can be read; `None` where there is no archive.
fn listing(path: &Path, open: Opener<'_>) -> Option<Result<Listing, String>> {
    if !path.is_file() {
        return None;
    }
    let file = Shared(open(path).ok()?);
    let start = file.read(0, 4).ok()?;
    let listing = if start == b"PK\x03\x04" || start == b"PK\x05\x06" {
        zip::list(&file)
    } else {
        let (mut all, is_compressed) = decompressed(&file, &BytesRead::default()).ok()?;
        let mut start = Vec::new();
        // A compressed capture that is damaged is told when it is read.
        let _ = (&mut all).take(format::LOOKED_AT as u64).read_to_end(&mut start);
        if !tar::begins(&start) {
            return None;
        }
        tar::list(Cursor::new(start).chain(all), is_compressed)
    };
    Some(listing.and_then(|listing| match (listing.captures.is_empty(), listing.count_of_others) {
        (false, _) => Ok(listing),
        (true, 0) => Err("is an archive without a file in it".to_owned()),
        (true, count) => Err(format!("is an archive that holds no capture, only {}", named(&listing.others, count))),
    }))
}

/// A file without its compression, and whether it has one.
fn decompressed(file: &Shared, count: &BytesRead) -> io::Result<(Box<dyn Read + Send>, bool)> {
    let (reader, compression) = compressed::open(Box::new(file.from(0)), count)?;
    Ok((reader, compression.is_some()))
}

/// Whether a file that begins like this is a capture, compressed or not.
fn is_capture(start: Vec<u8>) -> bool {
    let mut first = Vec::new();
    // The start of a compressed file breaks off; what was decompressed before that is there.
    compressed::open(Box::new(Cursor::new(start)), &BytesRead::default())
        .map(|(reader, _)| reader.take(4).read_to_end(&mut first))
        .is_ok_and(|_| format::is_capture(&first))
}

fn note(path: &Path, others: &[String], count: usize) -> Option<String> {
    let why = if count == 1 { "is not read, for it is no capture" } else { "are not read, for they are no captures" };
    (count > 0).then(|| format!("{}: {} {why}", path.display(), named(others, count)))
}

fn named(names: &[String], count: usize) -> String {
    let more = count.saturating_sub(names.len());
    let names = names.join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}
