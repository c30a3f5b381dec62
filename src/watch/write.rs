//! Captures, written: pcapng with comments, or pcap.
//!
//! In: frames. Out: bytes that Wireshark and this program read. It refuses to open files, except for [`super::record`].

use std::io::{self, Write};

use crate::capture::{Frame, LinkType};

/// The format of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// pcapng (draft-ietf-opsawg-pcapng).
    PcapNg,
    /// pcap with nanoseconds (draft-ietf-opsawg-pcap). It has one link type and no comments.
    Pcap,
}

impl Format {
    /// The format that the name asks for: pcap only where it ends in `.pcap` or `.cap`.
    pub fn of(path: &std::path::Path) -> Self {
        let extension = path.extension().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
        if extension.eq_ignore_ascii_case("pcap") || extension.eq_ignore_ascii_case("cap") {
            Self::Pcap
        } else {
            Self::PcapNg
        }
    }
}

/// Writes a capture.
#[derive(Debug)]
pub struct CaptureWriter<W> {
    out: W,
    format: Format,
    /// Link types that have an interface description, in their order.
    interfaces: Vec<LinkType>,
    written: u64,
}

/// Bytes of a frame that are recorded at most: what libpcap and Wireshark take (`MAXIMUM_SNAPLEN`).
const LARGEST_FRAME: usize = 262_144;

impl<W: Write> CaptureWriter<W> {
    /// Begins a capture. `link` is the link type of all frames, where that is known: pcap must know it. `comment` tells a reader
    /// what this is; pcap has no place for it.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn new(out: W, format: Format, link: LinkType, comment: &str) -> io::Result<Self> {
        let mut writer = Self { out, format, interfaces: Vec::new(), written: 0 };
        match format {
            Format::Pcap => {
                let mut header = Vec::with_capacity(24);
                header.extend(0xa1b2_3c4d_u32.to_le_bytes());
                header.extend([2, 0, 4, 0]);
                header.extend([0; 8]);
                header.extend(LARGEST_FRAME.to_le_bytes().get(..4).unwrap_or_default());
                header.extend(on_disk(link).to_le_bytes());
                writer.put(&header)?;
                writer.interfaces.push(link);
            }
            Format::PcapNg => {
                let mut body = Vec::new();
                body.extend(0x1a2b_3c4d_u32.to_le_bytes());
                body.extend([1, 0, 0, 0]);
                body.extend((-1_i64).to_le_bytes());
                option(&mut body, 1, comment.as_bytes());
                option(&mut body, 4, concat!("itlscope ", env!("CARGO_PKG_VERSION")).as_bytes());
                option(&mut body, 0, &[]);
                writer.block(0x0a0d_0d0a, &body)?;
            }
        }
        Ok(writer)
    }

    /// Writes a frame; `comment` stands with it in pcapng.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn frame(&mut self, frame: &Frame<'_>, comment: Option<&str>) -> io::Result<()> {
        let data = frame.data.get(..LARGEST_FRAME).unwrap_or(frame.data);
        let captured = u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes();
        let original = frame.original_len.max(u32::from_le_bytes(captured)).to_le_bytes();
        let nanos = u64::try_from(frame.time.nanos()).unwrap_or(0);
        if self.format == Format::Pcap {
            let seconds = u32::try_from(nanos / 1_000_000_000).unwrap_or(u32::MAX);
            let rest = u32::try_from(nanos % 1_000_000_000).unwrap_or(0);
            let mut record = Vec::with_capacity(16 + data.len());
            record.extend(seconds.to_le_bytes());
            record.extend(rest.to_le_bytes());
            record.extend(captured);
            record.extend(original);
            record.extend_from_slice(data);
            return self.put(&record);
        }
        let interface = self.interface(frame.link)?;
        let mut body = Vec::with_capacity(40 + data.len());
        body.extend(interface.to_le_bytes());
        let [low, high] = [nanos & 0xffff_ffff, nanos >> 32].map(|half| u32::try_from(half).unwrap_or(0));
        body.extend(high.to_le_bytes());
        body.extend(low.to_le_bytes());
        body.extend(captured);
        body.extend(original);
        body.extend_from_slice(data);
        pad(&mut body);
        if let Some(comment) = comment {
            option(&mut body, 1, comment.as_bytes());
            option(&mut body, 0, &[]);
        }
        self.block(6, &body)
    }

    /// Describes the interface of frames of this link type before the first of them comes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn describe(&mut self, link: LinkType) -> io::Result<()> {
        if self.format == Format::PcapNg {
            self.interface(link)?;
        }
        Ok(())
    }

    /// Bytes written so far.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Hands everything on to whoever is behind.
    ///
    /// # Errors
    /// When that fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The number of the interface for this link type, described where that was not done yet.
    fn interface(&mut self, link: LinkType) -> io::Result<u32> {
        if let Some(known) = self.interfaces.iter().position(|&known| known == link) {
            return Ok(u32::try_from(known).unwrap_or(0));
        }
        let mut body = Vec::new();
        body.extend(u16::try_from(on_disk(link)).unwrap_or(u16::MAX).to_le_bytes());
        body.extend([0; 2]);
        body.extend(LARGEST_FRAME.to_le_bytes().get(..4).unwrap_or_default());
        // Times in nanoseconds.
        option(&mut body, 9, &[9]);
        option(&mut body, 0, &[]);
        self.block(1, &body)?;
        self.interfaces.push(link);
        Ok(u32::try_from(self.interfaces.len() - 1).unwrap_or(0))
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 12).unwrap_or(u32::MAX).to_le_bytes();
        let mut block = Vec::with_capacity(body.len() + 12);
        block.extend(kind.to_le_bytes());
        block.extend(length);
        block.extend_from_slice(body);
        block.extend(length);
        self.put(&block)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

impl CaptureWriter<Vec<u8>> {
    /// What was written and not taken yet: whole records.
    pub const fn records(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    body.extend_from_slice(value);
    pad(body);
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

/// Raw IP has other numbers while it is captured than in files.
const fn on_disk(link: LinkType) -> u32 {
    match link.0 {
        12 | 14 => 101,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{CaptureFile, FrameId, Source, Timestamp};

    fn write(format: Format, links: &[u32]) -> Vec<u8> {
        let mut writer = CaptureWriter::new(Vec::new(), format, LinkType(links[0]), "a comment").unwrap();
        for (number, &link) in (1..).zip(links) {
            let time = Timestamp::from_seconds_and_nanos(1_700_000_000, 123_456_789);
            let id = FrameId { source: 0, number };
            let data = &b"abcdefg"[..usize::try_from(number).unwrap()];
            writer.frame(&Frame { id, time, link: LinkType(link), data, original_len: 60 }, Some("seen")).unwrap();
        }
        assert_eq!(writer.written(), writer.out.len() as u64);
        writer.out
    }

    fn read(bytes: Vec<u8>) -> Vec<(i64, u32, Vec<u8>, u32)> {
        let reader: Box<dyn io::Read + Send> = Box::new(io::Cursor::new(bytes));
        let mut file = CaptureFile::from_reader(reader, "written".to_owned(), 0).unwrap();
        let mut frames = Vec::new();
        while let Some(frame) = file.next_frame().unwrap() {
            frames.push((frame.time.nanos(), frame.link.0, frame.data.to_vec(), frame.original_len));
        }
        assert!(file.summary().warnings.is_empty());
        frames
    }

    #[test]
    fn what_is_written_can_be_read() {
        let time = 1_700_000_000_123_456_789;
        assert_eq!(
            read(write(Format::PcapNg, &[1, 276, 1])),
            [(time, 1, b"a".to_vec(), 60), (time, 276, b"ab".to_vec(), 60), (time, 1, b"abc".to_vec(), 60)]
        );
        assert_eq!(read(write(Format::Pcap, &[12])), [(time, 101, b"a".to_vec(), 60)]);
    }

    #[test]
    fn the_name_tells_the_format() {
        assert_eq!(Format::of("a.pcap".as_ref()), Format::Pcap);
        assert_eq!(Format::of("a.pcapng".as_ref()), Format::PcapNg);
        assert_eq!(Format::of("a".as_ref()), Format::PcapNg);
    }
}
