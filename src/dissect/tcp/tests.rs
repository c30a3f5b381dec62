//! Connections as networks make them.

mod numbers;

use proptest::prelude::*;

use super::super::content::{ContentLimits, ContentStore};
use super::{Limits, Ports, Tcp};
use crate::capture::Moment;
use crate::event::{CertificateStatus, Event, Service, SessionEnding, SessionOutcome, TlsSession};
use crate::packet::{Decoder, Packet};
use crate::testkit::tls::{self, Turn};
use crate::testkit::{ACK, Connection, FIN, Owned, RST, SYN};

const TVS: &[u8] = include_bytes!("../../../tests/fixtures/wire/tvs.der");
const PHONE: &str = "14.48.44.202:33980";
const SERVER: &str = "14.48.44.80:2445";

fn events_within(frames: &[Owned], limits: Limits) -> Vec<Event> {
    let mut decoder = Decoder::default();
    let mut tcp = Tcp::new(Ports::default(), limits);
    let mut store = ContentStore::new(ContentLimits::default());
    let mut events = Vec::new();
    for (number, frame) in (1..).zip(frames) {
        let frame = frame.frame(number);
        if let Some(Packet::Tcp(segment)) = decoder.decode(&frame) {
            tcp.segment(&segment, Moment::from(&frame), &mut store, &mut events);
            while tcp.is_full() {
                tcp.expire(frame.time, &mut store, &mut events);
            }
        }
    }
    tcp.finish(&mut store, &mut events);
    assert_eq!(tcp.held, 0);
    events
}

/// The sessions in the end, by their ids.
fn sessions_within(frames: &[Owned], limits: Limits) -> Vec<TlsSession> {
    let mut sessions = std::collections::BTreeMap::new();
    for event in events_within(frames, limits) {
        if let Event::Tls(session) = event {
            sessions.insert(session.id, *session);
        }
    }
    sessions.into_values().collect()
}

fn sessions(frames: &[Owned]) -> Vec<TlsSession> {
    sessions_within(frames, Limits::default())
}

fn only(frames: &[Owned]) -> TlsSession {
    let mut sessions = sessions(frames);
    assert_eq!(sessions.len(), 1, "{sessions:#?}");
    sessions.remove(0)
}

fn play(connection: &mut Connection, turns: &[Turn]) {
    for turn in turns {
        match turn {
            Turn::Client(bytes) => connection.from_client(bytes),
            Turn::Server(bytes) => connection.from_server(bytes),
        }
    }
}

/// A whole session, from its SYN to its last FIN.
fn full() -> Connection {
    let mut connection = Connection::opened(PHONE, SERVER);
    play(&mut connection, &tls::full(TVS));
    connection.close();
    connection
}

fn is_right(session: &TlsSession) -> bool {
    session.outcome() == SessionOutcome::Established
        && session.certificate.as_ref().is_some_and(|certificate| certificate.serial.to_string() == "2E3E1A7BDAA64D84")
}

#[test]
fn a_session_from_syn_to_fin() {
    let frames = full().frames;
    let session = only(&frames);
    assert!(is_right(&session), "{session:#?}");
    assert_eq!((session.client.to_string(), session.server.to_string()), (PHONE.to_owned(), SERVER.to_owned()));
    assert_eq!(session.span.first.frame.number, 1);
    assert_eq!(session.span.last.frame.number, frames.len() as u64);
    assert_eq!(session.service, Service::Tvs);
}

#[test]
fn nobody_listens() {
    let mut connection = Connection::new(PHONE, SERVER);
    connection.client_segment(SYN, &[]);
    connection.server_segment(RST | ACK, &[]);
    let session = only(&connection.frames);
    let reason = "the server refused the connection (RST in answer to the SYN)";
    assert_eq!((session.outcome(), session.reason().as_deref()), (SessionOutcome::Reset, Some(reason)));
    // The same SYN again, as some systems do: still one attempt. Another number is another attempt.
    let again = connection.frames.clone();
    let mut twice = [again.clone(), again].concat();
    for frame in &mut twice[2..] {
        frame.time += 3_000_000_000;
    }
    assert_eq!(sessions(&twice).len(), 1);
    connection.client_seq = 77;
    connection.client_segment(SYN, &[]);
    assert_eq!(sessions(&connection.frames).len(), 2);
}

#[test]
fn nobody_answers() {
    let mut connection = Connection::new(PHONE, SERVER);
    for _ in 0..3 {
        connection.client_segment(SYN, &[]);
        connection.client_seq -= 1;
    }
    let session = only(&connection.frames);
    assert_eq!(
        (session.outcome(), session.reason().as_deref()),
        (SessionOutcome::Incomplete, Some("no answer to 3 SYNs"))
    );
    let mut connected = Connection::opened(PHONE, SERVER);
    connected.close();
    assert_eq!(only(&connected.frames).reason().as_deref(), Some("TCP connected, but nothing was sent"));
}

#[test]
fn reset_in_the_handshake() {
    let turns = tls::full(TVS);
    for (played, text) in
        [(1, "after the ClientHello"), (2, "after the server's certificate"), (3, "after its key exchange")]
    {
        let mut connection = Connection::opened(PHONE, SERVER);
        play(&mut connection, &turns[..played]);
        connection.client_segment(RST, &[]);
        let session = only(&connection.frames);
        assert_eq!(session.reason(), Some(format!("the phone reset the connection {text}")));
        assert_eq!(session.outcome(), SessionOutcome::Reset);
    }
}

#[test]
fn a_reset_of_another_connection_is_not_believed() {
    let mut connection = Connection::opened(PHONE, SERVER);
    play(&mut connection, &tls::full(TVS)[..2]);
    let right = connection.client_seq;
    connection.client_seq = right.wrapping_add(0x4000_0000);
    connection.client_segment(RST, &[]);
    connection.client_seq = right;
    play(&mut connection, &tls::full(TVS)[2..]);
    assert!(is_right(&only(&connection.frames)));
}

#[test]
fn a_key_exchange_that_the_capture_lost_is_not_a_refusal() {
    // Only the sequence numbers of what follows tell that there was something.
    let turns = tls::full(TVS);
    for ending in [FIN | ACK, RST | ACK] {
        let mut connection = Connection::opened(PHONE, SERVER);
        play(&mut connection, &turns[..2]);
        let Turn::Client(lost) = &turns[2] else { panic!() };
        connection.client_seq += u32::try_from(lost.len()).unwrap();
        connection.client_segment(ending, &[]);
        let session = only(&connection.frames);
        assert_ne!(session.outcome(), SessionOutcome::Refused, "{session:#?}");
    }
    let mut connection = Connection::opened(PHONE, SERVER);
    play(&mut connection, &turns[..2]);
    connection.client_segment(FIN | ACK, &[]);
    assert_eq!(only(&connection.frames).outcome(), SessionOutcome::Refused, "nothing is missing here");
}

#[test]
fn ports_used_again_at_once() {
    let mut connection = full();
    connection.client_seq = 500_000;
    connection.server_seq = 9_000_000;
    connection.open();
    play(&mut connection, &tls::full(TVS));
    let sessions = sessions(&connection.frames);
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(is_right));
    // Without the end of the first and the SYN of the second.
    let whole = full().frames;
    let frames = [&whole[..whole.len() - 3], &connection.frames[whole.len() + 1..]].concat();
    let sessions = self::sessions(&frames);
    assert_eq!(sessions.len(), 2);
    assert!(is_right(&sessions[0]));
}

#[test]
fn other_ports_are_read_when_they_speak_tls() {
    for (client, server) in [(PHONE, "14.48.44.80:5061"), ("14.48.44.202:443", "14.48.44.80:50000")] {
        let mut connection = Connection::opened(client, server);
        play(&mut connection, &tls::full(TVS));
        let session = only(&connection.frames);
        assert!(is_right(&session));
        assert_eq!((session.service, session.client.to_string()), (Service::Other, client.to_owned()));
        // Without its SYN, the hello tells who the client is.
        let session = only(&connection.frames[3..]);
        assert_eq!(session.client.to_string(), client);
    }
    let mut plain = Connection::opened(PHONE, "14.48.44.80:8080");
    plain.from_client(b"GET / HTTP/1.1\r\n\r\n");
    assert!(sessions(&plain.frames).is_empty());
}

#[test]
fn one_direction_of_the_capture() {
    let frames = full().frames;
    let from = |address: [u8; 4]| -> Vec<Owned> {
        frames.iter().filter(|frame| frame.data[26..30] == address).cloned().collect()
    };
    let server = only(&from([14, 48, 44, 80]));
    assert!(is_right(&server));
    assert_eq!(server.client.to_string(), PHONE);
    let client = only(&from([14, 48, 44, 202]));
    assert_eq!(
        (client.outcome(), client.certificate_status),
        (SessionOutcome::Established, CertificateStatus::NotCaptured)
    );
}

#[test]
fn a_flood_of_connections_is_bounded_and_spares_those_in_use() {
    let limits = Limits { connections: 50, ..Limits::default() };
    let turns = tls::full(TVS);
    let mut good = Connection::opened(PHONE, SERVER);
    let mut frames = good.frames.clone();
    for (number, turn) in turns.iter().enumerate() {
        for port in 0..40 {
            let client = format!("10.9.0.{number}:{}", 1000 + port);
            let mut flood = Connection::new(&client, SERVER);
            flood.client_segment(SYN, &[]);
            frames.extend(flood.frames);
        }
        let before = good.frames.len();
        play(&mut good, std::slice::from_ref(turn));
        frames.extend_from_slice(&good.frames[before..]);
    }
    let sessions = sessions_within(&frames, limits);
    assert_eq!(sessions.len(), 1 + 40 * turns.len());
    assert!(is_right(&sessions[0]), "{:#?}", sessions[0]);
}

#[test]
fn endless_data_out_of_order_is_bounded() {
    let limits = Limits { reorder: 10_000, total: 100_000, ..Limits::default() };
    let mut frames = Vec::new();
    for host in 0..200u8 {
        let mut connection = Connection::opened(&format!("10.9.0.{host}:1000"), SERVER);
        connection.client_seq += 100;
        for _ in 0..30 {
            connection.client_segment(ACK, &[0x16; 1000]);
            connection.client_seq += 7;
        }
        frames.extend(connection.frames);
    }
    sessions_within(&frames, limits);
}

proptest! {

    #[test]
    fn spoiled_anyhow_the_answer_is_right_or_unknown(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, 0usize..6), 0..12),
        played in 0usize..9,
        closing in 0u8..3,
    ) {
        let mut connection = Connection::opened(PHONE, SERVER);
        play(&mut connection, &tls::full(TVS)[..played.min(8)]);
        match closing {
            0 => connection.close(),
            1 => connection.client_segment(RST | ACK, &[]),
            _ => {}
        }
        let truth = only(&connection.frames);
        let mut frames = connection.frames;
        for (index, kind, distance) in changes {
            if frames.is_empty() {
                break;
            }
            let at = index.index(frames.len());
            match kind {
                // Lost.
                0 => { frames.remove(at); }
                // Repeated, later.
                1 => {
                    let mut copy = frames[at].clone();
                    copy.time += 2_000_000_000;
                    let to = (at + distance).min(frames.len());
                    frames.insert(to, copy);
                }
                // Overtaken.
                2 => {
                    let frame = frames.remove(at);
                    let to = (at + distance).min(frames.len());
                    frames.insert(to, frame);
                }
                // Cut by the snap length.
                _ => {
                    let kept = frames[at].data.len().min(60 + distance * 30);
                    frames[at].data.truncate(kept);
                }
            }
        }
        for session in sessions(&frames) {
            if let Some(certificate) = &session.certificate {
                prop_assert_eq!(certificate.serial.to_string(), "2E3E1A7BDAA64D84");
            }
            if session.outcome() == SessionOutcome::Established {
                prop_assert_eq!(truth.outcome(), SessionOutcome::Established, "{:#?}", session);
            }
            if matches!(session.ending, SessionEnding::Established { judged: true, .. }) {
                let judged = matches!(truth.ending, SessionEnding::Established { judged: true, .. });
                prop_assert!(judged, "{:#?}", session);
            }
            if session.outcome() == SessionOutcome::Refused {
                prop_assert_eq!(truth.outcome(), SessionOutcome::Refused, "{:#?}", session);
            }
            prop_assert!(session.certificate_status != CertificateStatus::Resumed);
        }
    }
}
