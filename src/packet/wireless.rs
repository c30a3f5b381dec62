//! Frames of wireless networks (IEEE 802.11 9.2), and what capture tools put before them.
//!
//! In: the bytes of a frame. Out: where the packet inside begins. Only data frames in clear are decoded; those with a key are
//! told, management and control frames carry nothing that matters.

use super::tunnel::{Foreign, Inside};
use super::walk::Layer;
use crate::bytes::Reader;

/// Bits of the second byte of the frame control.
const TO_AND_FROM_DISTRIBUTION: u8 = 0x03;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
/// Bits of the subtype of a data frame, in the first byte.
const WITHOUT_DATA: u8 = 0x40;
const WITH_QOS: u8 = 0x80;

/// Whether the first byte of a frame control is that of a data frame.
pub(super) const fn is_data(first: u8) -> bool {
    first & 0x0f == 0x08
}

/// What a frame carries; `None` where that is nothing, or the frame is cut. `swapped`: the bytes of the frame control are in the other order; `padded`: its
/// header was filled up to words of four bytes.
pub(super) fn frame(bytes: &[u8], swapped: bool, padded: bool) -> Option<Inside> {
    let mut reader = Reader::new(bytes);
    let (a, b) = (reader.u8()?, reader.u8()?);
    let (kind, flags) = if swapped { (b, a) } else { (a, b) };
    if !is_data(kind) || kind & WITHOUT_DATA != 0 {
        return None;
    }
    reader.skip(2 + 3 * 6)?;
    let fragment = reader.u16()?.swap_bytes() & 0x0f;
    if flags & TO_AND_FROM_DISTRIBUTION == TO_AND_FROM_DISTRIBUTION {
        reader.skip(6)?;
    }
    let mut is_aggregate = false;
    if kind & WITH_QOS != 0 {
        is_aggregate = reader.u8()? & 0x80 != 0;
        reader.skip(1)?;
        if flags & ORDER != 0 {
            reader.skip(4)?;
        }
    }
    if flags & PROTECTED != 0 {
        return Some(Inside::Foreign(Foreign::EncryptedWireless));
    }
    if is_aggregate || fragment != 0 || flags & MORE_FRAGMENTS != 0 {
        return Some(Inside::Foreign(Foreign::AggregatedWireless));
    }
    let length = reader.position();
    Some(Inside::Layer(Layer::Llc, if padded { length.next_multiple_of(4) } else { length }))
}

/// Radiotap (radiotap.org): a length, then fields, of which only the flags matter. Frames whose check sequence is wrong are damaged.
pub(super) fn radiotap(bytes: &[u8]) -> Option<Inside> {
    let mut reader = Reader::new(bytes);
    let version = reader.u8()?;
    reader.skip(1)?;
    let length = usize::from(reader.u16()?.swap_bytes());
    if version != 0 {
        return None;
    }
    let header = bytes.get(..length)?;
    let mut fields = Reader::new(header.get(4..)?);
    let present = fields.u32()?.swap_bytes();
    let mut more = present;
    while more & 1 << 31 != 0 {
        more = fields.u32()?.swap_bytes();
    }
    let mut at = 4 + fields.position();
    if present & 1 != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    let flags = if present & 2 != 0 { *header.get(at)? } else { 0 };
    if flags & 0x40 != 0 {
        return None;
    }
    Some(Inside::Layer(if flags & 0x20 != 0 { Layer::WirelessPadded } else { Layer::Wireless }, length))
}

/// Per-packet information of CACE: a length, and the link type of what follows.
pub(super) fn ppi(bytes: &[u8]) -> Option<Inside> {
    let mut reader = Reader::new(bytes);
    reader.skip(2)?;
    let length = usize::from(reader.u16()?.swap_bytes());
    let link = reader.u32()?.swap_bytes();
    Some(Inside::Layer(Layer::first(crate::capture::LinkType(link))?, length.max(8)))
}
