//! Members of a zip (PKWARE's APPNOTE 4.3 to 4.5), as far as they are read here: stored or deflated, with 64-bit sizes.
//!
//! The directory is read by hand, because it is bounded by hand: libraries reserve memory for as many members as an archive
//! claims to have. What is decompressed is compared with its checksum.

use std::io::{self, Read};

use super::compressed::damaged;
use super::{LOOKED_AT, Listing, Packed, Shared};

/// Bytes of a directory that are read.
const LARGEST_DIRECTORY: u64 = 16 << 20;
/// The end of the directory has a comment at most so long behind it.
const END: u64 = 22;
const LONGEST_COMMENT: u64 = u16::MAX as u64;

/// What is said of a member that cannot be decompressed.
const DAMAGED: &str = "is damaged in the zip archive";

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Offset of its own header.
    header: u64,
    compressed: u64,
    length: u64,
    is_deflated: bool,
    checksum: u32,
}

impl Entry {
    /// What is in it.
    pub(super) fn open(&self, file: &Shared) -> io::Result<Box<dyn Read + Send>> {
        let header = file.read(self.header, 30)?;
        let mut fields = Fields(&header);
        let begins = fields.take(4) == Some(b"PK\x03\x04");
        let lengths = fields.skip(22).and_then(|()| Some((fields.u16()?, fields.u16()?)));
        let (name, extra) = lengths.filter(|_| begins).ok_or_else(|| damaged(DAMAGED))?;
        let data = file.from(self.header.saturating_add(30 + u64::from(name) + u64::from(extra))).take(self.compressed);
        let inner: Box<dyn Read + Send> =
            if self.is_deflated { Box::new(flate2::read::DeflateDecoder::new(data)) } else { Box::new(data) };
        Ok(Box::new(Checked { inner, crc: flate2::Crc::new(), left: self.length, expected: Some(self.checksum) }))
    }
}

/// Reads so many bytes, and compares them with their checksum at the end: when all of them were given.
struct Checked {
    inner: Box<dyn Read + Send>,
    crc: flate2::Crc,
    left: u64,
    /// Taken when they were compared.
    expected: Option<u32>,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if self.left == 0 {
            let is_right = self.expected.take().is_none_or(|expected| expected == self.crc.sum());
            return if is_right { Ok(0) } else { Err(damaged("its checksum in the zip archive is another")) };
        }
        let Some(free) = buffer.get_mut(..most).filter(|free| !free.is_empty()) else { return Ok(0) };
        // The words of decompressors are for programmers.
        let read = self.inner.read(free).map_err(|error| match error.raw_os_error() {
            None if error.kind() != io::ErrorKind::Interrupted => damaged(DAMAGED),
            _ => error,
        })?;
        if read == 0 {
            return Err(damaged(DAMAGED));
        }
        self.crc.update(free.get(..read).unwrap_or_default());
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

/// The members.
pub(super) fn list(file: &Shared) -> Result<Listing, String> {
    let directory =
        directory(file).map_err(|_| "is a zip archive that breaks off: its directory is missing".to_owned())?;
    let directory =
        directory.ok_or_else(|| "is a zip archive whose directory is damaged, or too large: unpack it".to_owned())?;
    let mut listing = Listing::default();
    let mut fields = Fields(&directory);
    while let Some(entry) = next(&mut fields) {
        let (name, entry) = entry
            .map_err(|what| format!("is a zip archive with {what}: unpack it, and give the captures that are in it"))?;
        if name.ends_with('/') {
            continue;
        }
        let mut start = Vec::new();
        let opened = entry.open(file);
        // A member that is damaged at its very start is no capture.
        let _ = opened.map(|member| member.take(LOOKED_AT).read_to_end(&mut start));
        listing.add(&name, Packed::Zip(entry), start)?;
    }
    Ok(listing)
}

/// The directory's bytes; `None` where it is not sound.
fn directory(file: &Shared) -> io::Result<Option<Vec<u8>>> {
    let length = file.length()?;
    let from = length.saturating_sub(END + LONGEST_COMMENT);
    let tail = file.read(from, length - from)?;
    let at = tail.windows(4).rposition(|window| window == b"PK\x05\x06").ok_or(io::ErrorKind::UnexpectedEof)?;
    let end = tail.get(at..).unwrap_or_default();
    let small = || {
        let mut fields = Fields(end);
        fields.skip(12)?;
        Some((u64::from(fields.u32()?), u64::from(fields.u32()?)))
    };
    let Some((mut size, mut offset)) = small() else { return Ok(None) };
    if size == u64::from(u32::MAX) || offset == u64::from(u32::MAX) {
        // A locator right before it says where the larger record is.
        let locator = at.checked_sub(20).and_then(|before| tail.get(before..at)).unwrap_or_default();
        let mut fields = Fields(locator);
        if fields.take(4) != Some(b"PK\x06\x07") || fields.skip(4).is_none() {
            return Ok(None);
        }
        let Some(record) = fields.u64() else { return Ok(None) };
        let record = file.read(record, 56)?;
        let mut fields = Fields(&record);
        if fields.take(4) != Some(b"PK\x06\x06") || fields.skip(36).is_none() {
            return Ok(None);
        }
        let (Some(large), Some(at)) = (fields.u64(), fields.u64()) else { return Ok(None) };
        (size, offset) = (large, at);
    }
    if size > LARGEST_DIRECTORY {
        return Ok(None);
    }
    let directory = file.read(offset, size)?;
    Ok((directory.len() as u64 == size).then_some(directory))
}

/// The next member of a directory, or what cannot be read of it; `None` at the end.
fn next(fields: &mut Fields<'_>) -> Option<Result<(String, Entry), &'static str>> {
    if fields.take(4)? != b"PK\x01\x02" {
        return None;
    }
    fields.skip(4)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.skip(4)?;
    let (checksum, compressed, length) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
    fields.skip(8)?;
    let header = fields.u32()?;
    let name = String::from_utf8_lossy(fields.take(name.into())?).into_owned();
    let mut large = Fields(zip64(fields.take(extra.into())?));
    fields.skip(comment.into())?;
    let mut either = |small: u32| if small == u32::MAX { large.u64() } else { Some(u64::from(small)) };
    let (Some(length), Some(compressed), Some(header)) = (either(length), either(compressed), either(header)) else {
        return Some(Err("sizes that contradict each other"));
    };
    if flags & 1 != 0 {
        return Some(Err("a password"));
    }
    let is_deflated = match method {
        0 => false,
        8 => true,
        _ => return Some(Err("a compression that is not read")),
    };
    Some(Ok((name, Entry { header, compressed, length, is_deflated, checksum })))
}

/// The extra field with sizes of 64 bits.
fn zip64(extra: &[u8]) -> &[u8] {
    let mut fields = Fields(extra);
    let field = |fields: &mut Fields<'_>| Some((fields.u16()?, fields.u16()?));
    while let Some((kind, length)) = field(&mut fields) {
        match fields.take(length.into()) {
            Some(value) if kind == 1 => return value,
            Some(_) => {}
            None => break,
        }
    }
    &[]
}

/// Little-endian fields, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}
