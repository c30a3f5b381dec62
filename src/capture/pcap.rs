//! The classic pcap format: a file header, then records.
//!
//! In: the stream after its kind was recognised. Out: where each record's bytes are. Both byte orders, micro- and
//! nanoseconds, and the variants that other tools write: Kuznetzov's and Nokia's (longer record headers, told by what makes
//! sense of the first records), IXIA's (nanoseconds, the file's length in the header), AIX's (nanoseconds, other link types),
//! and lengths in the other order, as libpcap wrote them before 1999. Layout: draft-ietf-opsawg-pcap; variants as
//! Wireshark's wiretap reads them.

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
    /// Captured and original length may stand in the other order.
    may_be_swapped: bool,
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
    /// What the format numbers like frames and was passed over before this one.
    pub(super) others: u64,
}

/// Headers of the first records that are looked at to tell variants apart, and the part of the file that they must stand in.
const LOOKED_AT: usize = 4;
const LOOK_WITHIN: usize = 16 << 10;

/// What the first records are like under one reading of the file.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Records whose fields all make sense.
    sound: u32,
    /// Records with a field that makes none: recorders write such things.
    odd: u32,
    end: End,
}

/// Where the records led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Beyond what was looked at.
    Open,
    /// To the end of the stream, with the end of a record.
    Clean,
    /// To the end of the stream, in the middle of a record.
    Cut,
    /// To a record that is larger than any.
    Broken,
}

impl End {
    const fn is_fine(self) -> bool {
        matches!(self, Self::Open | Self::Clean)
    }
}

impl PcapReader {
    /// Reads the file header if the stream is a pcap: `None` where its magic number is another.
    pub(super) fn open(buffer: &mut BlockBuffer) -> Result<Option<Self>, Problem> {
        let window = buffer.peek(24)?;
        let Some(magic) = window.first_chunk::<4>() else {
            return Ok(None);
        };
        // The lengths that record headers may have, the likeliest first.
        let (big_endian, nanoseconds, record_headers, file_header): (_, _, &[usize], _) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, false, &[16, 24, 20], 24),
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, false, &[16, 24, 20], 24),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, true, &[16], 24),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, true, &[16], 24),
            // Kuznetzov's libpcap: interface index, protocol and packet type follow the usual record header.
            [0xa1, 0xb2, 0xcd, 0x34] => (true, false, &[24, 28], 24),
            [0x34, 0xcd, 0xb2, 0xa1] => (false, false, &[24, 28], 24),
            // IXIA hardware and software captures.
            [0x1c, 0x00, 0x01, 0xac | 0xab] => (true, true, &[16], 28),
            [0xac | 0xab, 0x01, 0x00, 0x1c] => (false, true, &[16], 28),
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
        let mut reader = Self { big_endian, nanoseconds, record_header: 16, link: LinkType(0), may_be_swapped: false };
        let window = buffer.window();
        // The upper bits hold the length of a frame check sequence at the end of each frame, which nobody here reads.
        let link = reader.u32_at(window, 20).unwrap_or(0) & 0xffff;
        let version = (reader.u16_at(window, 4).unwrap_or(0), reader.u16_at(window, 6).unwrap_or(0));
        reader.may_be_swapped = version.0 == 2 && version.1 <= 3;
        reader.link = LinkType(link);
        if version == (2, 2) {
            // AIX writes interface types of RFC 1573.
            let aix = match link {
                6 => Some(1),
                9 => Some(6),
                15 => Some(10),
                24 => Some(0),
                _ => None,
            };
            if let Some(link) = aix {
                reader.link = LinkType(link);
                reader.nanoseconds = true;
            }
        }
        buffer.consume(file_header);
        let usual = record_headers.first().copied().unwrap_or(16);
        reader.record_header = usual;
        if record_headers.len() > 1 {
            // A stream may hold nothing but its first frames yet: no more is waited for than the usual form needs.
            let needed = reader.length_of_first(usual, buffer)?;
            let first = reader.look(usual, first_bytes(needed, buffer)?, needed);
            if first.odd > 0 || !first.end.is_fine() {
                reader.record_header = reader.likeliest(record_headers, first_bytes(LOOK_WITHIN, buffer)?);
            }
        }
        Ok(Some(reader))
    }

    /// How far the headers of the first records reach, if each has `header` bytes.
    fn length_of_first(&self, header: usize, buffer: &mut BlockBuffer) -> Result<usize, Problem> {
        let mut needed = header;
        for _ in 1..LOOKED_AT {
            let window = buffer.peek(needed)?;
            let [Some(first), Some(second)] = [4, 8].map(|at| self.u32_at(window, needed - header + 4 + at)) else {
                break;
            };
            let next = needed.saturating_add(self.lengths(first, second).0 as usize).saturating_add(header);
            needed = next.min(LOOK_WITHIN);
        }
        Ok(needed)
    }

    /// What the first records are like if each has a header of so many bytes. The stream ends with `window` where that is
    /// shorter than what was `asked` for.
    fn look(&self, header: usize, window: &[u8], asked: usize) -> Look {
        let (mut at, mut look) = (0, Look { sound: 0, odd: 0, end: End::Open });
        loop {
            let rest = window.get(at..).unwrap_or_default();
            if rest.len() < header {
                let is_over = window.len() < asked;
                // What a record claims may reach beyond what is looked at.
                look.end = match (is_over, at.cmp(&window.len())) {
                    (false, _) => End::Open,
                    (true, std::cmp::Ordering::Equal) => End::Clean,
                    (true, _) => End::Cut,
                };
                return look;
            }
            let [fraction, first, second] = [4, 8, 12].map(|at| self.u32_at(rest, at).unwrap_or(u32::MAX));
            let (captured, original) = self.lengths(first, second);
            if captured > LARGEST_FRAME {
                return Look { end: End::Broken, ..look };
            }
            let fraction_fits = fraction < if self.nanoseconds { 1_000_000_000 } else { 1_000_000 };
            let is_sound = fraction_fits && captured <= original && original > 0;
            *(if is_sound { &mut look.sound } else { &mut look.odd }) += 1;
            at += header + captured as usize;
        }
    }

    /// The record header with which the start of the file makes sense. One odd record does not make a file another variant: the
    /// first of `lengths` stays, unless records do not follow each other with it and do, without any oddity, with another.
    fn likeliest(&self, lengths: &[usize], window: &[u8]) -> usize {
        let usual = lengths.first().copied().unwrap_or(16);
        let as_usual = self.look(usual, window, LOOK_WITHIN);
        if as_usual.end.is_fine() && as_usual.odd <= as_usual.sound.max(1) {
            return usual;
        }
        let fits = |&&header: &&usize| {
            let look = self.look(header, window, LOOK_WITHIN);
            look.odd == 0 && look.end.is_fine() && look.sound > 1
        };
        lengths.iter().skip(1).find(fits).copied().unwrap_or(usual)
    }

    /// Captured and original length.
    #[inline]
    const fn lengths(&self, first: u32, second: u32) -> (u32, u32) {
        if self.may_be_swapped && first > second { (second, first) } else { (first, second) }
    }

    /// Finds the next record: `None` at a clean end.
    #[inline]
    pub(super) fn next(&self, buffer: &mut BlockBuffer) -> Result<Option<Located>, Problem> {
        match self.whole(buffer.window()) {
            Some(located) => Ok(Some(located)),
            None => self.next_or_why_not(buffer),
        }
    }

    /// The next record, where all of it stands in the window already.
    #[inline]
    fn whole(&self, window: &[u8]) -> Option<Located> {
        let header = window.first_chunk::<16>()?;
        let words = [0, 4, 8, 12].map(|at| self.u32_at(header, at).unwrap_or(u32::MAX));
        let located = self.located(words);
        (located.total <= window.len() && located.len <= LARGEST_FRAME as usize).then_some(located)
    }

    /// Where the record stands whose header says this.
    #[inline]
    fn located(&self, [seconds, fraction, first, second]: [u32; 4]) -> Located {
        let (captured, original_len) = self.lengths(first, second);
        let nanos = i64::from(fraction) * if self.nanoseconds { 1 } else { 1000 };
        Located {
            time: Timestamp::from_seconds_and_nanos(i64::from(seconds), nanos),
            link: self.link,
            original_len: original_len.max(captured),
            start: self.record_header,
            len: captured as usize,
            total: self.record_header + captured as usize,
            others: 0,
        }
    }

    /// The same at the edge of the window, at the end and at damage.
    #[cold]
    fn next_or_why_not(&self, buffer: &mut BlockBuffer) -> Result<Option<Located>, Problem> {
        let offset = buffer.offset();
        let window = buffer.peek(self.record_header)?;
        let header = (self.u32_at(window, 0), self.u32_at(window, 4), self.u32_at(window, 8), self.u32_at(window, 12));
        let (Some(seconds), Some(fraction), Some(first), Some(second)) = header else {
            return match window.len() {
                0 => Ok(None),
                found => Err(self.cut_header(offset, found)),
            };
        };
        if window.len() < self.record_header {
            return Err(self.cut_header(offset, window.len()));
        }
        let located = self.located([seconds, fraction, first, second]);
        let captured = located.len;
        if captured > LARGEST_FRAME as usize {
            return Err(Problem::Damaged {
                offset,
                what: format!("a record claims {captured} bytes, more than a frame can have ({LARGEST_FRAME})"),
            });
        }
        let found = buffer.peek(located.total)?.len();
        if found < located.total {
            return Err(Problem::Cut { offset, what: "a record", needed: located.total as u64, found: found as u64 });
        }
        Ok(Some(located))
    }

    fn cut_header(&self, offset: u64, found: usize) -> Problem {
        Problem::Cut { offset, what: "a record's header", needed: self.record_header as u64, found: found as u64 }
    }

    fn u16_at(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    #[inline]
    fn u32_at(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }
}

/// The first bytes of what is left, as far as they are there, and no more than `count`: how much stands in the window is chance.
fn first_bytes(count: usize, buffer: &mut BlockBuffer) -> Result<&[u8], Problem> {
    let window = buffer.peek(count)?;
    Ok(window.get(..count).unwrap_or(window))
}
