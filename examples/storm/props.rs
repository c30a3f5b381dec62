//! What the phones of a storm are given: taken from the recorded boot in `captures/healthy`.

use std::io::Cursor;

use itlscope::capture::{CaptureFile, Moment, Source};
use itlscope::dissect::{Dissector, Settings};
use itlscope::event::Event;
use itlscope::packet::{Decoder, Packet};
use itlscope::trust::SignedFile;

use super::key::SigningKey;
use super::phones;

const HEALTHY: &[u8] = include_bytes!("../../captures/healthy/capture.pcap");
const KEY: &[u8] = include_bytes!("../../captures/pki/keys/callmanager-old.key");
/// The list that `HEALTHY` serves, and the reference to compare with.
pub const LIST: &[u8] = include_bytes!("../../captures/references/itl-old.tlv");
/// The phone that `HEALTHY` shows.
const DEVICE: &[u8] = b"SEP0011215A1AE3";
/// Length of every configuration: 19 blocks.
const CONFIG: usize = 9700;

/// Everything that is the same for all phones.
pub struct Props {
    config: Vec<u8>,
    /// Where the signature stands in `config`, its tag and length included.
    signature: std::ops::Range<usize>,
    /// Where the device's name stands in `config`.
    names: Vec<usize>,
    key: SigningKey,
    pub segments: Vec<Replay>,
}

/// A TCP segment to be replayed.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Nanoseconds after the first of all.
    pub at: u64,
    /// The server's port tells the connection.
    pub port: u16,
    pub from_client: bool,
    pub seq: u32,
    pub ack: Option<u32>,
    pub flags: u8,
    pub payload: Vec<u8>,
}

impl Props {
    pub fn load() -> Self {
        let mut source =
            CaptureFile::from_reader(Box::new(Cursor::new(HEALTHY)), "healthy".to_owned(), 0).expect("a capture");
        let (mut decoder, mut dissector) = (Decoder::default(), Dissector::new(&Settings::default()));
        let (mut segments, mut events, mut begun) = (Vec::new(), Vec::new(), None);
        while let Some(frame) = source.next_frame().expect("a whole capture") {
            let Some(packet) = decoder.decode(&frame) else { continue };
            dissector.packet(&packet, Moment::from(&frame), &mut events);
            let Packet::Tcp(segment) = packet else { continue };
            let begun = *begun.get_or_insert(frame.time);
            let from_client = segment.src.port() > segment.dst.port();
            segments.push(Replay {
                at: frame.time.nanos_since(begun),
                port: if from_client { segment.dst.port() } else { segment.src.port() },
                from_client,
                seq: segment.seq,
                ack: segment.ack,
                flags: segment.flags.0,
                payload: segment.payload.to_vec(),
            });
        }
        relative(&mut segments);
        let config = events
            .into_iter()
            .filter_map(|event| match event {
                Event::Download(download) if download.asked_for.as_ref()?.ends_with(".cnf.xml.sgn") => download.content,
                _ => None,
            })
            .next_back()
            .expect("a configuration");
        let header = SignedFile::parse(&config.bytes).expect("a signed file").header;
        let signature = header.signature.expect("a signature");
        let start = signature.offset.expect("its place");
        let mut config = config.bytes.clone();
        // White space after the document does not change what it says.
        config.resize(CONFIG, b'\n');
        let names = config.windows(DEVICE.len()).enumerate().filter(|(_, window)| *window == DEVICE);
        let names = names.map(|(at, _)| at).collect();
        let key = SigningKey::from_pem(KEY);
        assert_eq!(signature.length, key.length());
        Self { config, signature: start..start + 3 + signature.length, names, key, segments }
    }

    /// The configuration of one phone.
    pub fn config(&self, phone: u32, signed: bool) -> Vec<u8> {
        let mut config = self.config.clone();
        let name = phones::name(phone);
        for &at in &self.names {
            config[at..at + name.len()].copy_from_slice(name.as_bytes());
        }
        if signed {
            let message = [&config[..self.signature.start], &config[self.signature.end..]].concat();
            config[self.signature.start + 3..self.signature.end].copy_from_slice(&self.key.sign(&message));
        }
        config
    }

    /// Bytes of every configuration.
    pub const fn config_length(&self) -> usize {
        self.config.len()
    }

    /// The certificate that TVS presents, as it stands in the replayed flight.
    pub fn certificate(&self) -> Vec<u8> {
        let flight = self.segments.iter().find(|segment| segment.port == 2445 && segment.payload.len() > 1000);
        let payload = &flight.expect("the server's flight").payload;
        let at = payload.windows(2).position(|bytes| bytes == [0x30, 0x82]).expect("a certificate");
        let length = usize::from(u16::from_be_bytes([payload[at + 2], payload[at + 3]])) + 4;
        payload[at..at + length].to_vec()
    }
}

/// Counts sequence numbers from each side's first one.
fn relative(segments: &mut [Replay]) {
    for port in [2445, 8443] {
        let first = |client: bool| {
            let mut of_side = segments.iter().filter(|segment| segment.port == port && segment.from_client == client);
            of_side.next().map_or(0, |segment| segment.seq)
        };
        let (client, server) = (first(true), first(false));
        for segment in segments.iter_mut().filter(|segment| segment.port == port) {
            let (own, other) = if segment.from_client { (client, server) } else { (server, client) };
            segment.seq = segment.seq.wrapping_sub(own);
            segment.ack = segment.ack.map(|ack| ack.wrapping_sub(other));
        }
    }
}
