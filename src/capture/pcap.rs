//! The classic pcap format: a file header, then records.
//!
//! In: the stream after its kind was recognised. Out: where each record's bytes are. Both byte orders, micro- and
//! nanoseconds, and the variants that other tools write: Kuznetzov's (longer record headers) and IXIA's (nanoseconds, the
//! file's length in the header). Layout: draft-ietf-opsawg-pcap; variants as Wireshark's wiretap reads them.

use std::io::Read;

use super::buffer::BlockBuffer;
use super::error::Problem;
use super::{LinkType, Timestamp};

/// Records larger than this are taken for damage: libpcap's own limit is 256 KiB.
pub(super) const LARGEST_FRAME: u32 = 1 << 20;

/// Reads records of one pcap stream.
pub(super) struct PcapReader {
    big_endian: bool,
    nanoseconds: bool,
    record_header: usize,
    link: LinkType,
}

/// Where a frame stands in the buffer's window, and what its record says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Located {
    pub(super) time: Timestamp,
    pub(super) link: LinkType,
    pub(super) original_len: u32,
    /// Offset of the frame's first byte in the window.
    pub(super) start: usize,
    /// Captured length.
    pub(super) len: usize,
    /// Bytes of the whole record or block: what is to be consumed with it.
    pub(super) total: usize,
}

impl PcapReader {
    /// Reads the file header if the stream is a pcap: `None` where its magic number is another.
    pub(super) fn open<R: Read>(buffer: &mut BlockBuffer<R>) -> Result<Option<Self>, Problem> {
        let window = buffer.peek(24)?;
        let Some(magic) = window.first_chunk::<4>() else {
            return Ok(None);
        };
        let (big_endian, nanoseconds, record_header, file_header) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, false, 16, 24),
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, false, 16, 24),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, true, 16, 24),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, true, 16, 24),
            // Kuznetzov's libpcap: interface index, protocol and packet type follow the usual record header.
            [0xa1, 0xb2, 0xcd, 0x34] => (true, false, 24, 24),
            [0x34, 0xcd, 0xb2, 0xa1] => (false, false, 24, 24),
            // IXIA hardware and software captures.
            [0x1c, 0x00, 0x01, 0xac | 0xab] => (true, true, 16, 28),
            [0xac | 0xab, 0x01, 0x00, 0x1c] => (false, true, 16, 28),
            _ => return Ok(None),
        };
        let found = buffer.peek(file_header)?.len();
        if found < file_header {
            return Err(Problem::Cut {
                offset: 0,
                what: "the file header",
                needed: file_header as u64,
                found: found as u64,
            });
        }
        let mut reader = Self { big_endian, nanoseconds, record_header, link: LinkType(0) };
        // The upper bits hold the length of a frame check sequence at the end of each frame, which nobody here reads.
        reader.link = LinkType(reader.u32_at(buffer.window(), 20).unwrap_or(0) & 0xffff);
        buffer.consume(file_header);
        Ok(Some(reader))
    }

    /// Finds the next record: `None` at a clean end.
    #[inline]
    pub(super) fn next<R: Read>(&self, buffer: &mut BlockBuffer<R>) -> Result<Option<Located>, Problem> {
        let offset = buffer.offset();
        let window = buffer.peek(self.record_header)?;
        let header = (self.u32_at(window, 0), self.u32_at(window, 4), self.u32_at(window, 8), self.u32_at(window, 12));
        let (Some(seconds), Some(fraction), Some(captured), Some(original_len)) = header else {
            return match window.len() {
                0 => Ok(None),
                found => Err(self.cut_header(offset, found)),
            };
        };
        if window.len() < self.record_header {
            return Err(self.cut_header(offset, window.len()));
        }
        if captured > LARGEST_FRAME {
            return Err(Problem::Damaged {
                offset,
                what: format!("a record claims {captured} bytes, more than a frame can have ({LARGEST_FRAME})"),
            });
        }
        let len = captured as usize;
        let total = self.record_header + len;
        let found = buffer.peek(total)?.len();
        if found < total {
            return Err(Problem::Cut { offset, what: "a record", needed: total as u64, found: found as u64 });
        }
        let nanos = i64::from(fraction) * if self.nanoseconds { 1 } else { 1000 };
        Ok(Some(Located {
            time: Timestamp::from_seconds_and_nanos(i64::from(seconds), nanos),
            link: self.link,
            original_len: original_len.max(captured),
            start: self.record_header,
            len,
            total,
        }))
    }

    fn cut_header(&self, offset: u64, found: usize) -> Problem {
        Problem::Cut { offset, what: "a record's header", needed: self.record_header as u64, found: found as u64 }
    }

    #[inline]
    fn u32_at(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }
}
