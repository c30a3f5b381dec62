//! Who a phone is, from how it gets its address (RFC 2131, 2132, 5859; domain.md 4.1).
//!
//! In: DHCP messages of clients and servers. Out: an [`Identity`]: the phone's name and model from the request, its address
//! and its TFTP servers from the answer; of a phone that nobody answers, its name all the same. Each acknowledgment is a [`Lease`]
//! besides.

use std::net::{IpAddr, Ipv4Addr};

use super::flows::FlowTable;
use super::model;
use crate::bytes::Reader;
use crate::capture::{Moment, Timestamp};
use crate::event::{Event, Identity, IdentitySource, Lease};
use crate::packet::Datagram;

/// Clients whose requests wait for an answer at once.
const MOST_CLIENTS: usize = 4096;
/// For so many nanoseconds.
const LIFETIME: u64 = 60_000_000_000;
/// TFTP servers in one message at most.
const MOST_SERVERS: usize = 8;

/// What clients said of themselves and has no answer yet.
#[derive(Debug)]
pub(super) struct Dhcp {
    clients: FlowTable<[u8; 6], Client>,
}

#[derive(Debug, Clone, Default)]
struct Client {
    device: Option<String>,
    model: Option<String>,
    /// When it asked.
    asked: Moment,
    /// Whether it was told already.
    is_told: bool,
}

impl Client {
    /// Who asked, and got no answer.
    fn unanswered(self) -> Option<Event> {
        let Self { device, model, asked, is_told } = self;
        (!is_told).then(|| identity(None, device, model, Vec::new(), asked))
    }
}

impl Default for Dhcp {
    fn default() -> Self {
        Self { clients: FlowTable::new(MOST_CLIENTS, LIFETIME) }
    }
}

/// Whether the datagram is between a DHCP client, or a relay, and a server.
pub(super) const fn is_dhcp(udp: &Datagram<'_>) -> bool {
    matches!((udp.src.port(), udp.dst.port()), (67 | 68, 67 | 68))
}

impl Dhcp {
    /// Takes a datagram.
    pub(super) fn datagram(&mut self, udp: &Datagram<'_>, moment: Moment, events: &mut Vec<Event>) {
        let Some(message) = Message::parse(udp.payload) else { return };
        self.expire(moment.time, events);
        if message.is_reply {
            self.reply(message, moment, events);
        } else {
            self.request(message, moment, events);
        }
    }

    /// Time goes on: tells who waits for an answer for too long.
    pub(super) fn expire(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        while let Some((_, client)) = self.clients.pop_expired(now, false) {
            events.extend(client.unanswered());
        }
    }

    /// The capture is over: tells who got no answer.
    pub(super) fn finish(&mut self, events: &mut Vec<Event>) {
        events.extend(self.clients.drain().filter_map(|(_, client)| client.unanswered()));
    }

    fn request(&mut self, message: Message, moment: Moment, events: &mut Vec<Event>) {
        let named = message.host.filter(|host| model::is_phone_name(host));
        let model = message.vendor.as_deref().and_then(model::of_platform);
        if named.is_none() && model.is_none() {
            return;
        }
        // A phone's name is made of its MAC address, whatever it calls itself.
        let device = Some(named.unwrap_or_else(|| model::phone_name(message.mac)));
        if let Some(address) = message.client_address {
            events.push(identity(Some(address), device.clone(), model.clone(), Vec::new(), moment));
        }
        let is_told = message.client_address.is_some();
        self.clients.insert(message.mac, moment.time, Client { device, model, asked: moment, is_told });
    }

    fn reply(&mut self, message: Message, moment: Moment, events: &mut Vec<Event>) {
        // An offer is not yet an address.
        if !message.is_acknowledgment {
            return;
        }
        let known = self.clients.remove(&message.mac);
        if let Some(address) = message.your_address.or(message.client_address) {
            events.push(Event::Lease(Box::new(Lease { address, hardware: message.mac, moment })));
        }
        let tells = known.is_some() || !message.tftp_servers.is_empty();
        if let (Some(address), true) = (message.your_address.or(message.client_address), tells) {
            let Client { device, model, .. } = known.unwrap_or_default();
            let device = device.or_else(|| message.host.filter(|host| model::is_phone_name(host)));
            events.push(identity(Some(address), device, model, message.tftp_servers, moment));
        }
    }
}

fn identity(
    address: Option<IpAddr>,
    device: Option<String>,
    model: Option<String>,
    tftp_servers: Vec<String>,
    moment: Moment,
) -> Event {
    let source = IdentitySource::Dhcp;
    Event::Identity(Box::new(Identity { source, address, device, model, software: None, tftp_servers, moment }))
}

/// What a message says.
#[derive(Debug, Default)]
struct Message {
    is_reply: bool,
    is_acknowledgment: bool,
    mac: [u8; 6],
    client_address: Option<IpAddr>,
    your_address: Option<IpAddr>,
    host: Option<String>,
    vendor: Option<String>,
    tftp_servers: Vec<String>,
}

impl Message {
    fn parse(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let &[operation, hardware, length, _] = reader.take(4)?.first_chunk()?;
        // Ethernet (RFC 1700).
        if !matches!(operation, 1 | 2) || (hardware, length) != (1, 6) {
            return None;
        }
        reader.skip(8)?;
        let client_address = address(reader.u32()?);
        let your_address = address(reader.u32()?);
        reader.skip(8)?;
        let mac = reader.array()?;
        reader.skip(10 + 64 + 128)?;
        if reader.u32()? != 0x6382_5363 {
            return None;
        }
        let is_reply = operation == 2;
        let mut message = Self { is_reply, mac, client_address, your_address, ..Self::default() };
        // What is cut off is not read; what stands before is whole.
        while let Some(code) = reader.u8() {
            let value = match code {
                0 => continue,
                255 => break,
                _ => reader.u8().and_then(|length| reader.take(length.into())),
            };
            let Some(value) = value else { break };
            match code {
                12 => message.host = text(value),
                53 => message.is_acknowledgment = value == [5],
                60 => message.vendor = text(value),
                66 => message.tftp_servers.extend(text(value)),
                150 => message.tftp_servers.extend(
                    value
                        .chunks_exact(4)
                        .filter_map(<[u8]>::first_chunk::<4>)
                        .map(|&octets| Ipv4Addr::from(octets).to_string()),
                ),
                _ => {}
            }
        }
        message.tftp_servers.truncate(MOST_SERVERS);
        Some(message)
    }
}

fn address(bits: u32) -> Option<IpAddr> {
    (bits != 0).then(|| IpAddr::V4(Ipv4Addr::from_bits(bits)))
}

fn text(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value).trim_end_matches('\0').trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAC: [u8; 6] = [0x00, 0x11, 0x21, 0x5a, 0x1a, 0xe3];

    fn message(operation: u8, client: [u8; 4], your: [u8; 4], options: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = [&[operation, 1, 6, 0][..], &[9; 4], &[0; 4], &client, &your, &[0; 8], &MAC, &[0; 10]].concat();
        bytes.extend([0; 64 + 128]);
        bytes.extend([0x63, 0x82, 0x53, 0x63]);
        for (code, value) in options {
            bytes.extend([*code, u8::try_from(value.len()).unwrap()]);
            bytes.extend(*value);
        }
        bytes.push(255);
        bytes
    }

    fn read(messages: &[Vec<u8>]) -> Vec<Identity> {
        let mut dhcp = Dhcp::default();
        let mut events = Vec::new();
        for payload in messages {
            let (src, dst) = ("0.0.0.0:68".parse().unwrap(), "255.255.255.255:67".parse().unwrap());
            let udp = Datagram { src, dst, payload, missing: 0, hardware: None };
            assert!(is_dhcp(&udp));
            dhcp.datagram(&udp, Moment::default(), &mut events);
        }
        dhcp.finish(&mut events);
        let identity = |event| if let Event::Identity(identity) = event { Some(*identity) } else { None };
        events.into_iter().filter_map(identity).collect()
    }

    const HOST: (u8, &[u8]) = (12, b"SEP0011215A1AE3");
    const VENDOR: (u8, &[u8]) = (60, b"Cisco Systems, Inc. IP Phone CP-7975G\0");
    const SERVERS: (u8, &[u8]) = (150, &[14, 48, 44, 80, 14, 48, 44, 81]);

    #[test]
    fn a_phone_and_the_address_that_it_gets() {
        let request = message(1, [0; 4], [0; 4], &[(53, &[3]), HOST, VENDOR]);
        let offer = message(2, [0; 4], [14, 48, 44, 200], &[(53, &[2]), SERVERS]);
        let answer = message(2, [0; 4], [14, 48, 44, 202], &[(53, &[5]), SERVERS, (66, b"cucm.example")]);
        let [identity] = &read(&[request, offer, answer])[..] else { panic!() };
        assert_eq!(identity.address, Some("14.48.44.202".parse().unwrap()));
        assert_eq!(identity.device.as_deref(), Some("SEP0011215A1AE3"));
        assert_eq!(identity.model.as_deref(), Some("CP-7975G"));
        assert_eq!(identity.tftp_servers, ["14.48.44.80", "14.48.44.81", "cucm.example"]);
    }

    #[test]
    fn one_side_alone_and_renewals() {
        let renewal = message(1, [14, 48, 44, 202], [0; 4], &[(53, &[3]), VENDOR]);
        let [identity] = &read(&[renewal])[..] else { panic!() };
        assert_eq!(identity.device.as_deref(), Some("SEP0011215A1AE3"), "by its MAC address");
        let answer = message(2, [0; 4], [14, 48, 44, 202], &[(53, &[5]), SERVERS]);
        let [identity] = &read(&[answer])[..] else { panic!() };
        assert_eq!((identity.device.as_deref(), identity.tftp_servers.len()), (None, 2));
    }

    #[test]
    fn a_phone_that_nobody_answers() {
        let discover = message(1, [0; 4], [0; 4], &[(53, &[1]), HOST, VENDOR]);
        let offer = message(2, [0; 4], [14, 48, 44, 202], &[(53, &[2]), SERVERS]);
        let [identity] = &read(&[discover.clone(), discover.clone(), offer])[..] else { panic!() };
        assert_eq!((identity.device.as_deref(), identity.address), (Some("SEP0011215A1AE3"), None));
        let mut dhcp = Dhcp::default();
        let mut events = Vec::new();
        let (src, dst) = ("0.0.0.0:68".parse().unwrap(), "255.255.255.255:67".parse().unwrap());
        dhcp.datagram(
            &Datagram { src, dst, payload: &discover, missing: 0, hardware: None },
            Moment::default(),
            &mut events,
        );
        dhcp.expire(Timestamp::from_nanos(60_000_000_000), &mut events);
        assert!(events.is_empty(), "it may still be answered");
        dhcp.expire(Timestamp::from_nanos(61_000_000_000), &mut events);
        assert_eq!(events.len(), 1);
    }

    #[test]
    fn others_tell_nothing() {
        let request = message(1, [10, 0, 0, 9], [0; 4], &[(53, &[3]), (12, b"laptop"), (60, b"MSFT 5.0")]);
        let answer = message(2, [0; 4], [10, 0, 0, 9], &[(53, &[5])]);
        assert!(read(&[request, answer]).is_empty());
    }

    proptest! {
        #[test]
        fn cut_or_damaged_it_does_no_harm(cut in 0usize..400, at in 0usize..300, value in any::<u8>()) {
            let mut bytes = message(2, [0; 4], [1, 2, 3, 4], &[(53, &[5]), HOST, SERVERS]);
            bytes.truncate(cut);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            read(&[bytes]);
        }
    }
}
