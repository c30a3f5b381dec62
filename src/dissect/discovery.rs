//! Who a phone is, from what it announces to the switch: CDP and LLDP-MED (ANSI/TIA-1057).
//!
//! In: the TLVs of an announcement. Out: an [`Identity`] where a phone announces itself. Announcements of switches are none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::model;
use crate::bytes::Reader;
use crate::capture::Moment;
use crate::event::{Event, Identity, IdentitySource};

/// TLVs that are read of one announcement, and the longest text that is kept.
const MOST_TLVS: usize = 64;
const LONGEST_TEXT: usize = 256;

/// Reads a CDP announcement, from its version on.
pub(super) fn cdp(announcement: &[u8], moment: Moment) -> Option<Event> {
    let mut reader = Reader::new(announcement);
    reader.skip(4)?;
    let mut told = empty(IdentitySource::Cdp, moment);
    let mut platform = None;
    for _ in 0..MOST_TLVS {
        let (Some(kind), Some(length)) = (reader.u16(), reader.u16()) else { break };
        let Some(value) = usize::from(length).checked_sub(4).and_then(|length| reader.take(length)) else { break };
        match kind {
            1 => told.device = text(value),
            2 => told.address = told.address.or(cdp_address(value)),
            5 => told.software = text(value),
            6 => platform = text(value),
            _ => {}
        }
    }
    told.model = platform.as_deref().and_then(model::of_platform);
    finish(told)
}

/// The first address of a list (one byte for the kind of protocol, its length, the protocol, then the address).
fn cdp_address(value: &[u8]) -> Option<IpAddr> {
    let mut reader = Reader::new(value);
    let count = reader.u32()?.min(8);
    for _ in 0..count {
        let kind = reader.u8()?;
        let length = reader.u8()?;
        let protocol = reader.take(length.into())?;
        let length = reader.u16()?;
        let address = reader.take(length.into())?;
        match (kind, protocol) {
            (1, [0xcc]) => return address.first_chunk::<4>().map(|&octets| Ipv4Addr::from(octets).into()),
            (2, [.., 0x86, 0xdd]) => return address.first_chunk::<16>().map(|&octets| Ipv6Addr::from(octets).into()),
            _ => {}
        }
    }
    None
}

/// Reads an LLDP announcement (IEEE 802.1AB 8).
pub(super) fn lldp(announcement: &[u8], moment: Moment) -> Option<Event> {
    let mut reader = Reader::new(announcement);
    let mut told = empty(IdentitySource::Lldp, moment);
    let (mut description, mut port, mut port_mac) = (None, None, None);
    for _ in 0..MOST_TLVS {
        let Some(header) = reader.u16() else { break };
        let Some(value) = reader.take(usize::from(header & 0x1ff)) else { break };
        match (header >> 9, value) {
            (0, _) => break,
            // A chassis or a management address that is a network address: family 1 or 2.
            (1 | 8, [5, 1, rest @ ..]) if rest.len() >= 4 => {
                told.address = rest.first_chunk::<4>().map(|&octets| Ipv4Addr::from(octets).into());
            }
            (1, [5, 2, rest @ ..]) | (8, [17, 2, rest @ ..]) if rest.len() >= 16 => {
                told.address = told.address.or(rest.first_chunk::<16>().map(|&octets| Ipv6Addr::from(octets).into()));
            }
            // 88xx name their port by its MAC address, others by that and `:P1`.
            (2, [3, rest @ ..]) => port_mac = rest.first_chunk::<6>().map(|&mac| model::phone_name(mac)),
            (2, [_, rest @ ..]) => port = text(rest),
            (5, value) => told.device = text(value),
            (6, value) => description = text(value),
            // LLDP-MED's inventory: software and model.
            (127, [0x00, 0x12, 0xbb, 7, rest @ ..]) => told.software = text(rest),
            (127, [0x00, 0x12, 0xbb, 10, rest @ ..]) => told.model = text(rest),
            _ => {}
        }
    }
    // `SEP0011215A1AE3.example`, else the port `0011215A1AE3:P1` of a phone.
    let name = told.device.take().and_then(|name| name.split('.').next().map(str::to_owned));
    let from_port = || {
        let mac = port.as_deref()?.split(':').next()?;
        Some(format!("SEP{mac}")).filter(|name| model::is_phone_name(name))
    };
    told.model = told.model.or_else(|| description.as_deref().and_then(model::of_platform));
    let is_phone = told.model.as_deref().is_some_and(model::is_article);
    let by_port = || is_phone.then(|| from_port().or(port_mac)).flatten();
    told.device = name.filter(|name| model::is_phone_name(name)).or_else(by_port);
    finish(told)
}

const fn empty(source: IdentitySource, moment: Moment) -> Identity {
    Identity { source, address: None, device: None, model: None, software: None, tftp_servers: Vec::new(), moment }
}

/// Only phones are told. One that has no address yet announces 0.0.0.0.
fn finish(mut told: Identity) -> Option<Event> {
    told.address = told.address.filter(|address| !address.is_unspecified());
    let named = told.device.as_deref().is_some_and(model::is_phone_name);
    named.then(|| Event::Identity(Box::new(told)))
}

fn text(value: &[u8]) -> Option<String> {
    let value = value.get(..value.len().min(LONGEST_TEXT)).unwrap_or_default();
    let text = String::from_utf8_lossy(value).trim_end_matches('\0').trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cdp_of(tlvs: &[(u16, &[u8])]) -> Vec<u8> {
        let each = |(kind, value): &(u16, &[u8])| {
            [&kind.to_be_bytes()[..], &u16::try_from(value.len() + 4).unwrap().to_be_bytes(), value].concat()
        };
        [&[2, 180, 0, 0][..], &tlvs.iter().flat_map(each).collect::<Vec<_>>()].concat()
    }

    fn lldp_of(tlvs: &[(u16, &[u8])]) -> Vec<u8> {
        let each = |(kind, value): &(u16, &[u8])| {
            [&(kind << 9 | u16::try_from(value.len()).unwrap()).to_be_bytes()[..], value].concat()
        };
        tlvs.iter().flat_map(each).chain([0, 0]).collect()
    }

    fn identity(event: Option<Event>) -> Option<Identity> {
        if let Some(Event::Identity(identity)) = event { Some(*identity) } else { None }
    }

    const ADDRESS: &[u8] = &[0, 0, 0, 1, 1, 1, 0xcc, 0, 4, 14, 48, 44, 202];

    #[test]
    fn a_phone_on_cdp() {
        let tlvs: &[(u16, &[u8])] = &[
            (1, b"SEP0011215A1AE3"),
            (2, ADDRESS),
            (3, b"Port 1"),
            (4, &[0, 0, 0, 0x90]),
            (5, b"SCCP75.9-1-1SR1S"),
            (6, b"Cisco IP Phone 7975"),
        ];
        let told = identity(cdp(&cdp_of(tlvs), Moment::default())).unwrap();
        assert_eq!(told.device.as_deref(), Some("SEP0011215A1AE3"));
        assert_eq!(told.address, Some("14.48.44.202".parse().unwrap()));
        assert_eq!((told.model.as_deref(), told.software.as_deref()), (Some("CP-7975"), Some("SCCP75.9-1-1SR1S")));
        let switch: &[(u16, &[u8])] = &[(1, b"switch.example"), (2, ADDRESS), (6, b"cisco WS-C3750")];
        assert!(cdp(&cdp_of(switch), Moment::default()).is_none());
    }

    #[test]
    fn a_phone_on_lldp() {
        let inventory = [&[0x00, 0x12, 0xbb, 10][..], b"CP-8861"].concat();
        let software = [&[0x00, 0x12, 0xbb, 7][..], b"sip88xx.12-1-1-12"].concat();
        let tlvs: &[(u16, &[u8])] = &[
            (1, &[5, 1, 14, 48, 44, 202]),
            (2, b"\x070011215A1AE3:P1"),
            (3, &[0, 180]),
            (5, b"SEP0011215A1AE3.example"),
            (6, b"Cisco IP Phone 8861, V1, sip88xx.12-1-1-12"),
            (127, &software),
            (127, &inventory),
        ];
        let told = identity(lldp(&lldp_of(tlvs), Moment::default())).unwrap();
        assert_eq!(told.device.as_deref(), Some("SEP0011215A1AE3"));
        assert_eq!(told.address, Some("14.48.44.202".parse().unwrap()));
        assert_eq!((told.model.as_deref(), told.software.as_deref()), (Some("CP-8861"), Some("sip88xx.12-1-1-12")));
        let unnamed: Vec<_> = tlvs.iter().copied().filter(|(kind, _)| *kind != 5).collect();
        let told = identity(lldp(&lldp_of(&unnamed), Moment::default())).unwrap();
        assert_eq!(told.device.as_deref(), Some("SEP0011215A1AE3"), "by its port");
        let by_mac: &[(u16, &[u8])] = &[
            (1, &[5, 1, 0, 0, 0, 0]),
            (2, &[3, 0x00, 0x11, 0x21, 0x5a, 0x1a, 0xe3]),
            (6, b"Cisco IP Phone CP-8865,V1, sip8845_65.12-5-1SR2-2"),
        ];
        let told = identity(lldp(&lldp_of(by_mac), Moment::default())).unwrap();
        assert_eq!((told.device.as_deref(), told.model.as_deref()), (Some("SEP0011215A1AE3"), Some("CP-8865")));
        assert_eq!(told.address, None, "it has none yet");
        let switch: &[(u16, &[u8])] =
            &[(1, &[4, 0, 1, 2, 3, 4, 5]), (2, &[3, 0, 1, 2, 3, 4, 5]), (5, b"switch.example")];
        assert!(lldp(&lldp_of(switch), Moment::default()).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            cdp(&bytes, Moment::default());
            lldp(&bytes, Moment::default());
        }
    }
}
