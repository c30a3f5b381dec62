//! The pcapng format: sections of blocks.
//!
//! In: the stream after its kind was recognised. Out: where each packet block's bytes are. Several sections, byte orders,
//! interfaces, link types and time resolutions in one file; enhanced, simple and the obsolete packet blocks. Blocks that hold
//! no packets are passed over; those that Wireshark numbers like frames all the same (custom blocks, journal entries, system
//! calls) are counted, so that numbers agree. Layout: draft-ietf-opsawg-pcapng. Interface descriptions are read by `pcap-parser`; packet
//! blocks, of which there are millions, by hand.

use pcap_parser::pcapng::{
    InterfaceDescriptionBlock, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
};

use super::buffer::BlockBuffer;
use super::error::Problem;
use super::pcap::{LARGEST_FRAME, Located};
use super::{LinkType, Loss, Losses, Timestamp};

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
/// Blocks that hold no packet but that Wireshark numbers: journal entries, custom blocks, system calls (wiretap/pcapng.c).
const NUMBERED: [u32; 6] = [9, 0x0bad, 0x4000_0bad, 0x204, 0x216, 0x221];

/// Interface descriptions larger than this, and more of them than this, are taken for damage.
const LARGEST_DESCRIPTION: u32 = 1 << 16;
const MOST_INTERFACES: usize = 4096;

/// Reads packet blocks of one pcapng stream.
pub(super) struct PcapNgReader {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// Simple packet blocks carry no time: they get that of the packet before.
    last_time: Timestamp,
    /// Numbered blocks without a packet since the last packet.
    others: u64,
    /// When frames were dropped while they were recorded, as far as statistics tell.
    losses: Losses,
}

struct Interface {
    link: LinkType,
    snap_length: u32,
    resolution: Resolution,
    offset_seconds: i64,
    /// Frames that were dropped up to this time, as its last statistics said.
    dropped: (u64, Option<Timestamp>),
}

/// How an interface's time units become nanoseconds: `units * multiplier / divisor`.
#[derive(Clone, Copy)]
struct Resolution {
    multiplier: u64,
    divisor: u64,
}

/// What one block turned out to be.
enum Block {
    Packet(Located),
    Other,
}

impl PcapNgReader {
    /// Starts reading if the stream begins with a section header block: `None` where it does not.
    pub(super) fn open(buffer: &mut BlockBuffer) -> Result<Option<Self>, Problem> {
        let window = buffer.peek(12)?;
        if window.first_chunk::<4>() != Some(&SECTION_HEADER.to_be_bytes()) {
            return Ok(None);
        }
        Ok(Some(Self {
            big_endian: false,
            interfaces: Vec::new(),
            last_time: Timestamp::default(),
            others: 0,
            losses: Losses::default(),
        }))
    }

    /// Finds the next packet: `None` at a clean end.
    #[inline]
    pub(super) fn next(&mut self, buffer: &mut BlockBuffer) -> Result<Option<Located>, Problem> {
        loop {
            let offset = buffer.offset();
            let window = buffer.peek(12)?;
            if window.is_empty() {
                return Ok(None);
            }
            if window.len() < 12 {
                return Err(Problem::Cut { offset, what: "a block's header", needed: 12, found: window.len() as u64 });
            }
            // The type of a section header reads the same in both byte orders.
            if window.first_chunk::<4>() == Some(&SECTION_HEADER.to_be_bytes()) {
                self.big_endian = match window.get(8..12) {
                    Some([0x1a, 0x2b, 0x3c, 0x4d]) => true,
                    Some([0x4d, 0x3c, 0x2b, 0x1a]) => false,
                    other => {
                        return Err(Problem::Damaged {
                            offset: offset + 8,
                            what: format!("a section header has the byte-order magic {other:02x?}"),
                        });
                    }
                };
                self.interfaces.clear();
            }
            let kind = self.u32_at(window, 0).unwrap_or(0);
            let length = self.u32_at(window, 4).unwrap_or(0);
            if length < 12 || !length.is_multiple_of(4) {
                return Err(Problem::Damaged {
                    offset: offset + 4,
                    what: format!("a block claims a length of {length}, expected a multiple of 4 from 12"),
                });
            }
            if let Block::Packet(located) = self.block(kind, length, buffer)? {
                return Ok(Some(located));
            }
        }
    }

    /// Numbered blocks without a packet that were not counted yet.
    pub(super) const fn take_others(&mut self) -> u64 {
        std::mem::replace(&mut self.others, 0)
    }

    /// When frames were dropped while they were recorded; the source of each is 0.
    pub(super) fn losses(&self) -> &[Loss] {
        self.losses.as_slice()
    }

    #[inline]
    fn block(&mut self, kind: u32, length: u32, buffer: &mut BlockBuffer) -> Result<Block, Problem> {
        let offset = buffer.offset();
        let is_packet = matches!(kind, ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET);
        if !is_packet && kind != INTERFACE_DESCRIPTION {
            if kind == INTERFACE_STATISTICS && length <= LARGEST_DESCRIPTION {
                let window = buffer.peek(length as usize)?;
                let loss = window.get(..length as usize).and_then(|block| self.statistics(block));
                if let Some(loss) = loss {
                    self.losses.add(loss);
                }
            }
            let skipped = buffer.skip(u64::from(length))?;
            if skipped < u64::from(length) {
                return Err(cut(offset, length, skipped));
            }
            self.others += u64::from(NUMBERED.contains(&kind));
            return Ok(Block::Other);
        }
        let (largest, what) = if is_packet {
            (LARGEST_FRAME + (1 << 16), "packet block")
        } else {
            (LARGEST_DESCRIPTION, "interface description")
        };
        if length > largest {
            return Err(Problem::Damaged {
                offset,
                what: format!("a {what} claims {length} bytes, more than one can have ({largest})"),
            });
        }
        let window = buffer.peek(length as usize)?;
        let Some(block) = window.get(..length as usize) else {
            let found = window.len() as u64;
            return Err(cut(offset, length, found));
        };
        if is_packet {
            let located = self.packet(kind, block).map_err(|what| Problem::Damaged { offset, what })?;
            self.last_time = located.time;
            return Ok(Block::Packet(Located { others: self.take_others(), ..located }));
        }
        let interface = self.interface(block).map_err(|what| Problem::Damaged { offset, what })?;
        self.interfaces.push(interface);
        buffer.consume(length as usize);
        Ok(Block::Other)
    }

    #[inline]
    fn packet(&self, kind: u32, block: &[u8]) -> Result<Located, String> {
        let short = || "a packet block is shorter than its own header".to_owned();
        let word = |at| self.u32_at(block, at).ok_or_else(short);
        let (interface, start) = match kind {
            SIMPLE_PACKET => (0, 12),
            // The obsolete block has a 16-bit interface and a drop count where the enhanced one has 32 bits.
            OBSOLETE_PACKET => {
                let bytes = *block.get(8..).and_then(<[u8]>::first_chunk::<2>).ok_or_else(short)?;
                (u32::from(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }), 28)
            }
            _ => (word(8)?, 28),
        };
        let description = self.interfaces.get(interface as usize).ok_or_else(|| {
            format!("a packet names interface {interface}, but only {} are described", self.interfaces.len())
        })?;
        let space = block.len().saturating_sub(start + 4);
        let (time, captured, original_len) = if kind == SIMPLE_PACKET {
            let original = word(8)?;
            let limit = if description.snap_length == 0 { u32::MAX } else { description.snap_length };
            let captured = original.min(limit).min(u32::try_from(space).unwrap_or(u32::MAX));
            (self.last_time, captured, original)
        } else {
            let units = u64::from(word(12)?) << 32 | u64::from(word(16)?);
            (description.time(units), word(20)?, word(24)?)
        };
        if captured as usize > space {
            return Err(format!("a packet block claims {captured} captured bytes but has room for {space}"));
        }
        Ok(Located {
            time,
            link: description.link,
            original_len: original_len.max(captured),
            start,
            len: captured as usize,
            total: block.len(),
            others: 0,
        })
    }

    fn interface(&self, block: &[u8]) -> Result<Interface, String> {
        if self.interfaces.len() >= MOST_INTERFACES {
            return Err(format!("more than {MOST_INTERFACES} interfaces are described"));
        }
        let parsed = if self.big_endian {
            parse_interfacedescriptionblock_be(block)
        } else {
            parse_interfacedescriptionblock_le(block)
        };
        let (_, description) = parsed.map_err(|_| "an interface description breaks off".to_owned())?;
        Ok(Interface::from(&description))
    }

    /// What was dropped since the last statistics of the same interface: the counters are of the whole section. Without a
    /// beginning, it may have been at any time before.
    fn statistics(&mut self, block: &[u8]) -> Option<Loss> {
        let units =
            |bytes: &[u8], at| Some(u64::from(self.u32_at(bytes, at)?) << 32 | u64::from(self.u32_at(bytes, at + 4)?));
        let index = self.u32_at(block, 8)? as usize;
        let known = self.interfaces.get(index)?;
        let (mut from, mut to) = (known.dropped.1, known.time(units(block, 12)?));
        let mut dropped = 0_u64;
        let mut options = block.get(20..block.len().checked_sub(4)?)?;
        while let Some((code, value, rest)) = self.option(options) {
            match code {
                2 => from = from.or(units(value, 0).map(|units| known.time(units))),
                3 => to = units(value, 0).map_or(to, |units| known.time(units)),
                // Dropped by the interface, and by the operating system.
                5 | 7 => dropped = dropped.saturating_add(self.u64_at(value).unwrap_or(0)),
                _ => {}
            }
            options = rest;
        }
        let known = self.interfaces.get_mut(index)?;
        let before = std::mem::replace(&mut known.dropped, (dropped, Some(to))).0;
        let frames = dropped.checked_sub(before).filter(|&frames| frames > 0)?;
        let from = from.unwrap_or(Timestamp::from_nanos(i64::MIN)).min(to);
        Some(Loss { source: 0, from, to, frames })
    }

    /// The first option: its code, its value, and what follows it.
    fn option<'b>(&self, bytes: &'b [u8]) -> Option<(u16, &'b [u8], &'b [u8])> {
        let word = |at: usize| {
            let bytes = *bytes.get(at..)?.first_chunk::<2>()?;
            Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
        };
        let (code, length) = (word(0)?, usize::from(word(2)?));
        let value = bytes.get(4..4 + length)?;
        let rest = bytes.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        (code != 0).then_some((code, value, rest))
    }

    fn u64_at(&self, bytes: &[u8]) -> Option<u64> {
        let bytes = *bytes.first_chunk::<8>()?;
        Some(if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    #[inline]
    fn u32_at(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }
}

impl From<&InterfaceDescriptionBlock<'_>> for Interface {
    fn from(description: &InterfaceDescriptionBlock<'_>) -> Self {
        Self {
            link: LinkType(u32::try_from(description.linktype.0).unwrap_or(u32::MAX)),
            snap_length: description.snaplen,
            resolution: Resolution::new(description.if_tsresol),
            offset_seconds: description.if_tsoffset,
            dropped: (0, None),
        }
    }
}

impl Interface {
    #[inline]
    fn time(&self, units: u64) -> Timestamp {
        let Resolution { multiplier, divisor } = self.resolution;
        let nanos = if divisor == 1 {
            i64::try_from(units.saturating_mul(multiplier)).unwrap_or(i64::MAX)
        } else {
            let nanos = u128::from(units) * u128::from(multiplier) / u128::from(divisor);
            i64::try_from(nanos).unwrap_or(i64::MAX)
        };
        Timestamp::from_seconds_and_nanos(self.offset_seconds, nanos)
    }
}

impl Resolution {
    /// `if_tsresol`: a negative power of 10, or of 2 where the top bit is set. Finer than nanoseconds is cut.
    fn new(option: u8) -> Self {
        let exponent = u32::from(option & 0x7f);
        if option & 0x80 != 0 {
            return Self { multiplier: 1_000_000_000, divisor: 1u64.checked_shl(exponent).unwrap_or(u64::MAX).max(1) };
        }
        match exponent {
            0..=9 => Self { multiplier: 10u64.pow(9 - exponent), divisor: 1 },
            _ => Self { multiplier: 1, divisor: 10u64.checked_pow(exponent - 9).unwrap_or(u64::MAX) },
        }
    }
}

fn cut(offset: u64, needed: u32, found: u64) -> Problem {
    Problem::Cut { offset, what: "a block", needed: u64::from(needed), found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(option: u8, offset_seconds: i64, units: u64) -> i64 {
        let resolution = Resolution::new(option);
        Interface { link: LinkType(1), snap_length: 0, resolution, offset_seconds, dropped: (0, None) }
            .time(units)
            .nanos()
    }

    #[test]
    fn statistics_tell_when_frames_were_dropped() {
        use crate::capture::{CaptureFile, Source};
        use crate::testkit;

        let statistics = |seconds: u64, options: &[(u16, u64)]| {
            let split = |units: u64| {
                [units >> 32, units & 0xffff_ffff].map(|half| u32::try_from(half).unwrap().to_le_bytes()).concat()
            };
            let mut body = [&0_u32.to_le_bytes()[..], &split(seconds * 1_000_000)].concat();
            for &(code, value) in options {
                body.extend(code.to_le_bytes());
                body.extend(8_u16.to_le_bytes());
                body.extend(if code < 4 { split(value * 1_000_000) } else { value.to_le_bytes().to_vec() });
            }
            testkit::block(INTERFACE_STATISTICS, &body)
        };
        let all = [
            testkit::section(),
            testkit::interface(1, 0, &[]),
            testkit::enhanced_packet(0, 10_000_000, &[0; 60]),
            statistics(20, &[(2, 10), (3, 20), (4, 99), (5, 1), (7, 2)]),
            statistics(30, &[(5, 1), (7, 2)]),
            statistics(40, &[(5, 1), (7, 6)]),
        ];
        let bytes: Box<dyn std::io::Read + Send> = Box::new(std::io::Cursor::new(all.concat()));
        let mut file = CaptureFile::from_reader(bytes, "x".to_owned(), 3).unwrap();
        while file.next_frame().unwrap().is_some() {}
        let at = |seconds| Timestamp::from_seconds_and_nanos(seconds, 0);
        let loss = |from, to, frames| Loss { source: 3, from: at(from), to: at(to), frames };
        assert_eq!(file.summary().losses, [loss(10, 20, 3), loss(30, 40, 4)]);
        assert!(file.summary().warnings[0].starts_with("7 frames were dropped while it was recorded"));
    }

    #[test]
    fn time_resolutions() {
        assert_eq!(nanos(6, 0, 1_000_001), 1_000_001_000);
        assert_eq!(nanos(9, 2, 5), 2_000_000_005);
        assert_eq!(nanos(3, 0, 7), 7_000_000);
        assert_eq!(nanos(0, 0, 7), 7_000_000_000);
        assert_eq!(nanos(12, 0, 7_999), 7, "picoseconds are cut");
        assert_eq!(nanos(0x80 | 1, 0, 3), 1_500_000_000, "halves of a second");
        assert_eq!(nanos(0x80 | 127, 0, u64::MAX), 1_000_000_000, "no overflow");
        assert_eq!(nanos(127, 0, 3), 0);
        assert_eq!(nanos(0, i64::MAX, u64::MAX), i64::MAX);
    }
}
