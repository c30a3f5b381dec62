//! Who a phone is, from how it registers over SCCP in clear.
//!
//! In: the streams of a connection to port 2000. Out: an [`Identity`] from the phone's first messages. It refuses to know calls.
//!
//! A message is a little-endian length that counts from the message's number on, a version, the number, and its fields
//! (as Wireshark's `packet-skinny.c` reads them).

use std::net::SocketAddr;

use super::model;
use super::reader::{ConnectionFacts, Piece, Shared, StreamReader};
use crate::capture::{Moment, Span};
use crate::event::{Event, Identity, IdentitySource, Side};

/// Messages of phones.
const REGISTER: u32 = 0x0001;
const ALARM: u32 = 0x0020;
/// What follows the header of a message of interest is not longer.
const LONGEST: usize = 512;
/// Longer messages do not exist.
const LARGEST: u32 = 16 << 10;

/// Reads the messages of the phone's side.
#[derive(Debug)]
pub(super) struct SccpStreams {
    client: SocketAddr,
    state: State,
    buffer: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the twelve bytes up to the message's number.
    Header,
    /// In the fields of a message of interest: its number, and how many bytes it has.
    Fields(u32, usize),
    /// In a message that is passed over.
    Skip(usize),
    /// Somewhere; the next segment that begins like a message is believed.
    Lost,
}

impl SccpStreams {
    pub(super) const fn new(client: SocketAddr) -> Self {
        Self { client, state: State::Header, buffer: Vec::new() }
    }

    fn lose(&mut self) {
        self.state = State::Lost;
        self.buffer = Vec::new();
    }

    /// Takes what is needed to have `wanted` bytes together; whether they are.
    fn collect<'a>(&mut self, wanted: usize, bytes: &'a [u8]) -> (bool, &'a [u8]) {
        let (taken, rest) = bytes.split_at(wanted.saturating_sub(self.buffer.len()).min(bytes.len()));
        self.buffer.extend_from_slice(taken);
        (self.buffer.len() >= wanted, rest)
    }

    fn data(&mut self, mut bytes: &[u8], moment: Moment, events: &mut Vec<Event>) {
        if self.state == State::Lost && header(bytes).is_some() {
            self.state = State::Header;
        }
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Header => {
                    let (whole, rest) = self.collect(12, bytes);
                    if whole {
                        match header(&self.buffer) {
                            Some((number, length)) => {
                                let wanted = matches!(number, REGISTER | ALARM) && length <= LONGEST;
                                self.state = if wanted { State::Fields(number, length) } else { State::Skip(length) };
                                if length == 0 {
                                    self.state = State::Header;
                                }
                                self.buffer = Vec::new();
                            }
                            None => self.lose(),
                        }
                    }
                    rest
                }
                State::Fields(number, length) => {
                    let (whole, rest) = self.collect(length, bytes);
                    if whole {
                        let fields = std::mem::take(&mut self.buffer);
                        self.state = State::Header;
                        let told = if number == REGISTER { register(&fields) } else { alarm(&fields) };
                        events.extend(told.map(|told| {
                            let address = Some(self.client.ip());
                            Event::Identity(Box::new(Identity { address, moment, ..told }))
                        }));
                    }
                    rest
                }
                State::Skip(left) => {
                    let skipped = left.min(bytes.len());
                    self.state = if skipped == left { State::Header } else { State::Skip(left - skipped) };
                    bytes.get(skipped..).unwrap_or_default()
                }
                State::Lost => return,
            };
        }
    }
}

impl StreamReader for SccpStreams {
    fn piece(&mut self, side: Side, piece: Piece<'_>, moment: Moment, shared: &mut Shared<'_>) {
        if side == Side::Server {
            return;
        }
        match (piece, self.state) {
            (Piece::Data(bytes), _) => self.data(bytes, moment, shared.events),
            (Piece::Gap(length), State::Skip(left)) if length < left as u64 => {
                self.state = State::Skip(left - usize::try_from(length).unwrap_or(left));
            }
            (Piece::Gap(_) | Piece::Conflict(_), _) => self.lose(),
        }
    }

    fn begin_in_the_middle(&mut self, side: Side) {
        if side == Side::Client {
            self.lose();
        }
    }

    fn conclude(&mut self, _: &ConnectionFacts, _: Span, _: &mut Shared<'_>) {}

    fn held(&self) -> usize {
        self.buffer.capacity()
    }

    fn compares_copies(&self, side: Side) -> bool {
        side == Side::Client
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// The number of the message, and how many bytes follow its header.
fn header(bytes: &[u8]) -> Option<(u32, usize)> {
    let (length, version, number) = (word(bytes, 0)?, word(bytes, 4)?, word(bytes, 8)?);
    let sound = (4..=LARGEST).contains(&length) && version < 0x100 && number < 0x1_0000;
    sound.then_some((number, usize::try_from(length).ok()? - 4))
}

const fn empty() -> Identity {
    let source = IdentitySource::SccpRegister;
    let moment = Moment {
        time: crate::capture::Timestamp::from_nanos(0),
        frame: crate::capture::FrameId { source: 0, number: 0 },
    };
    Identity { source, address: None, device: None, model: None, software: None, tftp_servers: Vec::new(), moment }
}

/// The device's name in 16 bytes, two numbers, its address, its type; in later versions the name of its firmware, at byte 92.
fn register(fields: &[u8]) -> Option<Identity> {
    let device = text(fields.get(..16)?)?;
    let model = word(fields, 28).map(model::of_device_type);
    let software = fields.get(92..124).and_then(text);
    Some(Identity { device: Some(device), model, software, ..empty() })
}

/// `25: Name=SEP0011215A1AE3 Load= 9.1(1SR1) Last=Initialized`, behind a number that says how grave it is.
fn alarm(fields: &[u8]) -> Option<Identity> {
    let text = text(fields.get(4..fields.len().min(84))?)?;
    let word = |key: &str| {
        let rest = text.get(text.find(key)? + key.len()..)?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    Some(Identity { device: Some(word("Name=")?), software: word("Load="), ..empty() })
}

fn text(value: &[u8]) -> Option<String> {
    let value = value.split(|&byte| byte == 0).next()?;
    let text = std::str::from_utf8(value).ok()?.trim();
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::certificates::CertificateCache;
    use super::super::content::{ContentLimits, ContentStore};
    use super::*;
    use proptest::prelude::*;

    fn message(number: u32, fields: &[u8]) -> Vec<u8> {
        let length = u32::try_from(fields.len() + 4).unwrap();
        [&length.to_le_bytes()[..], &[0; 4], &number.to_le_bytes(), fields].concat()
    }

    fn registration() -> Vec<u8> {
        let mut fields = b"SEP0011215A1AE3\0".to_vec();
        fields.extend([0; 8]);
        fields.extend([14, 48, 44, 202]);
        fields.extend(437u32.to_le_bytes());
        fields.resize(92, 0);
        fields.extend(b"SCCP75.9-1-1SR1S");
        fields.resize(124, 0);
        message(REGISTER, &fields)
    }

    fn alarmed() -> Vec<u8> {
        let mut fields = vec![2, 0, 0, 0];
        fields.extend(b"25: Name=SEP0011215A1AE3 Load= 9.1(1SR1) Last=Initialized");
        fields.resize(92, 0);
        message(ALARM, &fields)
    }

    fn read(pieces: &[Piece<'_>], middle: bool) -> Vec<Identity> {
        let mut streams = SccpStreams::new("14.48.44.202:50000".parse().unwrap());
        let (mut certificates, mut store) = (CertificateCache::default(), ContentStore::new(ContentLimits::default()));
        let mut events = Vec::new();
        let mut shared = Shared {
            certificates: &mut certificates,
            store: &mut store,
            events: &mut events,
            facts: ConnectionFacts::default(),
        };
        if middle {
            streams.begin_in_the_middle(Side::Client);
        }
        for piece in pieces {
            streams.piece(Side::Client, *piece, Moment::default(), &mut shared);
        }
        let identity = |event| if let Event::Identity(identity) = event { Some(*identity) } else { None };
        events.into_iter().filter_map(identity).collect()
    }

    #[test]
    fn who_registers() {
        let all = [message(0, &[]), alarmed(), message(0x002d, &[7; 40]), registration(), message(0, &[])].concat();
        let [alarm, register] = &read(&[Piece::Data(&all)], false)[..] else { panic!() };
        assert_eq!((alarm.device.as_deref(), alarm.software.as_deref()), (Some("SEP0011215A1AE3"), Some("9.1(1SR1)")));
        assert_eq!(
            (register.device.as_deref(), register.model.as_deref()),
            (Some("SEP0011215A1AE3"), Some("CP-7975G"))
        );
        assert_eq!(register.software.as_deref(), Some("SCCP75.9-1-1SR1S"));
        assert_eq!(register.address, Some("14.48.44.202".parse().unwrap()));
    }

    #[test]
    fn from_the_middle_and_behind_a_gap() {
        let (first, second) = (alarmed(), registration());
        assert_eq!(read(&[Piece::Data(&first[30..]), Piece::Data(&second)], true).len(), 1);
        assert_eq!(
            read(&[Piece::Data(&first[..20]), Piece::Gap(50), Piece::Data(&first[70..]), Piece::Data(&second)], false)
                .len(),
            1
        );
        assert!(read(&[Piece::Data(b"GET / HTTP/1.1\r\n\r\n"), Piece::Data(&second[5..])], false).is_empty());
    }

    proptest! {
        #[test]
        fn cut_anywhere_it_says_the_same(size in 1usize..60) {
            let all = [message(0x002d, &[7; 40]), registration(), alarmed()].concat();
            let pieces: Vec<_> = all.chunks(size).map(Piece::Data).collect();
            prop_assert_eq!(read(&pieces, false).len(), 2);
        }

        #[test]
        fn any_bytes_do_no_harm(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let pieces: Vec<_> = pieces.iter().map(|bytes| Piece::Data(bytes)).collect();
            read(&pieces, false);
        }
    }
}
