//! Sessions as phones and servers make them, and as networks and captures spoil them.

mod evidence;

use proptest::prelude::*;

use super::super::certificates::CertificateCache;
use super::super::content::{ContentLimits, ContentStore};
use super::super::reader::{ConnectionFacts, Piece, Shared, StreamReader};
use super::TlsDissector;
use crate::capture::{FrameId, Moment, Span};
use crate::event::{CertificateStatus, Event, IdentitySource, Service, SessionOutcome, Side, TlsSession};
use crate::testkit::tls::{self, Turn, record, record_of};

const TVS: &[u8] = include_bytes!("../../../tests/fixtures/wire/tvs.der");
const PHONE: &[u8] = include_bytes!("../../../tests/fixtures/wire/phone.der");

/// The serial that OpenSSL names for it (`tests/fixtures/wire/facts.json`).
const SERIAL: &str = "2E3E1A7BDAA64D84";

fn moment(number: u64) -> Moment {
    Moment { frame: FrameId { source: 0, number }, ..Moment::default() }
}

/// How the connection ended, besides what was said in it.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    closed_by: Option<Side>,
    reset_by: Option<Side>,
}

const OPEN: End = End { closed_by: None, reset_by: None };

fn closed_by(side: Side) -> End {
    End { closed_by: Some(side), ..OPEN }
}

fn reset_by(side: Side) -> End {
    End { reset_by: Some(side), ..OPEN }
}

/// Everything that is told of these pieces.
fn events(pieces: &[(Side, Piece<'_>)], end: End, middle: &[Side]) -> Vec<Event> {
    let (client, server) = ("14.48.44.202:33980".parse().unwrap(), "14.48.44.80:2445".parse().unwrap());
    let mut reader = TlsDissector::new(1, Service::Tvs, client, server, moment(1));
    let mut events = Vec::new();
    let (mut certificates, mut store) = (CertificateCache::default(), ContentStore::new(ContentLimits::default()));
    let mut shared = Shared {
        certificates: &mut certificates,
        store: &mut store,
        events: &mut events,
        facts: ConnectionFacts::default(),
    };
    let seen = |wanted| pieces.iter().any(|(side, _)| *side == wanted);
    for &side in middle {
        reader.begin_in_the_middle(side);
    }
    for (number, (side, piece)) in (1..).zip(pieces) {
        reader.piece(*side, *piece, moment(number), &mut shared);
    }
    let facts = ConnectionFacts {
        syns: u32::from(middle.is_empty() && seen(Side::Client)),
        syn_acked: middle.is_empty() && seen(Side::Server),
        server_answered: seen(Side::Server),
        reset: end.reset_by.map(|side| (side, moment(98))),
        closed: end.closed_by.map(|side| (side, moment(97))),
        ..ConnectionFacts::default()
    };
    reader.conclude(&facts, Span::default(), &mut shared);
    events
}

fn last(events: Vec<Event>) -> TlsSession {
    let sessions =
        events.into_iter().filter_map(|event| if let Event::Tls(session) = event { Some(*session) } else { None });
    sessions.last().unwrap()
}

fn pieces(turns: &[Turn]) -> Vec<(Side, Piece<'_>)> {
    turns
        .iter()
        .map(|turn| match turn {
            Turn::Client(bytes) => (Side::Client, Piece::Data(bytes)),
            Turn::Server(bytes) => (Side::Server, Piece::Data(bytes)),
        })
        .collect()
}

fn session(turns: &[Turn], end: End) -> TlsSession {
    last(events(&pieces(turns), end, &[]))
}

#[track_caller]
fn assert_outcome(session: &TlsSession, outcome: SessionOutcome, reason: Option<&str>) {
    assert_eq!((session.outcome(), session.reason().as_deref()), (outcome, reason));
}

#[track_caller]
fn assert_presents(session: &TlsSession) {
    assert_eq!(session.certificate_status, CertificateStatus::Seen);
    assert_eq!(session.certificate.as_ref().unwrap().serial.to_string(), SERIAL);
}

#[test]
fn the_session_of_the_source_documents() {
    let session = session(&tls::full(TVS), closed_by(Side::Client));
    assert_presents(&session);
    assert_outcome(&session, SessionOutcome::Established, None);
    assert_eq!(session.version.unwrap().to_string(), "TLS 1.0");
    assert_eq!(session.cipher.unwrap().to_string(), "TLS_RSA_WITH_AES_256_CBC_SHA");
    assert_eq!((session.client_data.as_slice(), session.server_data.as_slice()), (&[1008][..], &[64][..]));
    assert_eq!(session.alerts.iter().filter(|alert| alert.clear.is_none()).count(), 2);
    let frames = [session.milestones.certificate, session.milestones.key_exchange, session.milestones.established];
    assert_eq!(frames.map(|moment| moment.unwrap().frame.number), [2, 3, 4]);
}

#[test]
fn every_version_says_its_name() {
    for (version, name) in [(0x0300, "SSL 3.0"), (0x0301, "TLS 1.0"), (0x0302, "TLS 1.1"), (0x0303, "TLS 1.2")] {
        let hello = tls::server_hello(version, 0x35, &[]);
        let turns = [
            Turn::Client(record_of(22, 0x0300, &tls::client_hello(version, &[]))),
            Turn::Server(record_of(22, version, &[hello, tls::certificate(&[TVS])].concat())),
        ];
        let session = session(&turns, OPEN);
        assert_eq!(session.version.unwrap().to_string(), name);
        assert_presents(&session);
    }
}

#[test]
fn only_the_first_certificate_of_a_chain_is_the_servers() {
    let flight = [tls::server_hello(0x0303, 0x9d, &[]), tls::certificate(&[TVS, PHONE])].concat();
    assert_presents(&session(&[Turn::Server(record(22, &flight))], OPEN));
    let twice = [flight, tls::certificate(&[PHONE])].concat();
    assert_presents(&session(&[Turn::Server(record(22, &twice))], OPEN));
}

#[test]
fn messages_in_records_of_their_own_and_split_over_many() {
    let messages = [tls::server_hello(0x0301, 0x35, &[]), tls::certificate(&[TVS]), tls::server_hello_done()];
    let own: Vec<u8> = messages.iter().flat_map(|message| record(22, message)).collect();
    assert_presents(&session(&[Turn::Server(own)], OPEN));
    let all = messages.concat();
    for size in [1, 2, 3, 5, 100, 1000] {
        let split: Vec<u8> = all.chunks(size).flat_map(|chunk| record(22, chunk)).collect();
        assert_presents(&session(&[Turn::Server(split)], OPEN));
    }
    // An empty record, as some stacks send it.
    let empty = [record(22, &[]), record(22, &all)].concat();
    assert_presents(&session(&[Turn::Server(empty)], OPEN));
}

#[test]
fn the_phone_refuses() {
    let mut turns = tls::full(TVS);
    turns.truncate(2);
    let silent = session(&turns, closed_by(Side::Client));
    let reason = "the phone closed the connection after the server's certificate, without a key exchange";
    assert_outcome(&silent, SessionOutcome::Refused, Some(reason));
    assert_presents(&silent);
    let reset = session(&turns, reset_by(Side::Client));
    assert_outcome(
        &reset,
        SessionOutcome::Reset,
        Some("the phone reset the connection after the server's certificate"),
    );
    for (level, description, text) in [
        (2, 48, "the phone sent the fatal alert unknown_ca"),
        (2, 42, "the phone sent the fatal alert bad_certificate"),
        (2, 200, "the phone sent the fatal alert alert_200"),
        (1, 46, "the phone ended the handshake with an alert after the server's certificate: certificate_unknown"),
        (1, 0, "the phone ended the handshake with an alert after the server's certificate: close_notify"),
    ] {
        let turns = [turns.as_slice(), &[Turn::Client(tls::alert(level, description))]].concat();
        for end in [closed_by(Side::Client), reset_by(Side::Client)] {
            assert_outcome(&session(&turns, end), SessionOutcome::Refused, Some(text));
        }
    }
}

#[test]
fn a_warning_alone_ends_nothing() {
    let mut turns = tls::full(TVS);
    let warned = turns.remove(1);
    let Turn::Server(flight) = warned else { panic!() };
    turns.insert(1, Turn::Server([tls::alert(1, 112), flight].concat()));
    assert_outcome(&session(&turns, OPEN), SessionOutcome::Established, None);
    turns.truncate(2);
    let reason = "the phone reset the connection after the server's certificate";
    assert_outcome(&session(&turns, reset_by(Side::Client)), SessionOutcome::Reset, Some(reason));
}

#[test]
fn the_server_refuses() {
    let hello = Turn::Client(record(22, &tls::client_hello(0x0301, &[])));
    let turns = [hello.clone(), Turn::Server(tls::alert(2, 40))];
    let reason = "the server sent the fatal alert handshake_failure";
    assert_outcome(&session(&turns, closed_by(Side::Server)), SessionOutcome::Refused, Some(reason));
    let both = [hello.clone(), Turn::Server(record(21, &[2, 70, 1, 0]))];
    let reason = "the server sent the fatal alert protocol_version";
    assert_outcome(&session(&both, closed_by(Side::Server)), SessionOutcome::Refused, Some(reason));
    let reason = "the server closed the connection after the ClientHello";
    assert_outcome(&session(&[hello], closed_by(Side::Server)), SessionOutcome::Incomplete, Some(reason));
}

#[test]
fn plain_http_and_worse() {
    let hello = Turn::Client(record(22, &tls::client_hello(0x0301, &[])));
    let turns = [hello.clone(), Turn::Server(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())];
    let reason = "the server sent plain HTTP, not TLS";
    assert_outcome(&session(&turns, closed_by(Side::Server)), SessionOutcome::Incomplete, Some(reason));
    let alerted = [turns.as_slice(), &[Turn::Client(tls::alert(2, 10))]].concat();
    assert_outcome(&session(&alerted, OPEN), SessionOutcome::Refused, Some(reason));
    let turns = [hello, Turn::Server(b"SSH-2.0-OpenSSH_9\r\n".to_vec())];
    let reason = "the server sent no TLS (it begins with 53 53 48 2d 32)";
    assert_outcome(&session(&turns, OPEN), SessionOutcome::Incomplete, Some(reason));
}

#[test]
fn a_hello_in_the_form_of_ssl_2() {
    let body = [&[1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x35][..], &[7; 16]].concat();
    let hello = [&(0x8000 | u16::try_from(body.len()).unwrap()).to_be_bytes()[..], &body].concat();
    let mut turns = tls::full(TVS);
    turns[0] = Turn::Client(hello);
    let session = session(&turns, OPEN);
    assert_presents(&session);
    assert_outcome(&session, SessionOutcome::Established, None);
    assert_eq!(session.milestones.client_hello.unwrap().frame.number, 1);
}

#[test]
fn a_resumed_session_shows_no_certificate() {
    let resumed = |ticket: bool| {
        let ticket = if ticket { record(22, &tls::message(4, &[0; 200])) } else { Vec::new() };
        vec![
            Turn::Client(record(22, &tls::client_hello(0x0303, &[]))),
            Turn::Server(
                [
                    record(22, &tls::server_hello(0x0303, 0x35, &[])),
                    ticket,
                    tls::change_cipher_spec(),
                    tls::encrypted(22, 48),
                ]
                .concat(),
            ),
            Turn::Client([tls::change_cipher_spec(), tls::encrypted(22, 48)].concat()),
        ]
    };
    for ticket in [false, true] {
        let whole = session(&resumed(ticket), OPEN);
        assert_eq!(whole.certificate_status, CertificateStatus::Resumed);
        assert_outcome(&whole, SessionOutcome::Established, None);
        let half = session(&resumed(ticket)[..2], OPEN);
        assert_eq!((half.certificate_status, half.outcome()), (CertificateStatus::Resumed, SessionOutcome::Incomplete));
    }
    // Where something before the change of cipher is missing, it may have been the certificate.
    let turns = resumed(false);
    let Turn::Server(flight) = &turns[1] else { panic!() };
    let (hello, rest) = flight.split_at(flight.len() - 59);
    let pieces =
        [(Side::Server, Piece::Data(hello)), (Side::Server, Piece::Gap(900)), (Side::Server, Piece::Data(rest))];
    let lossy = last(events(&pieces, OPEN, &[]));
    assert_eq!(lossy.certificate_status, CertificateStatus::NotCaptured);
}

#[test]
fn a_suite_without_certificates_is_not_a_resumed_session() {
    let flight =
        [tls::server_hello(0x0303, 0x00a6, &[]), tls::message(12, &[1; 100]), tls::server_hello_done()].concat();
    let mut turns = tls::full(TVS);
    turns[1] = Turn::Server(record(22, &flight));
    let session = session(&turns, OPEN);
    assert_eq!(session.certificate_status, CertificateStatus::NotCaptured);
    assert_outcome(&session, SessionOutcome::Established, None);
}

#[test]
fn tls_1_3_hides_the_certificate_but_not_how_it_went() {
    let turns = tls::full_1_3();
    let whole = session(&turns, OPEN);
    assert_eq!(whole.version.unwrap().to_string(), "TLS 1.3");
    assert_eq!(whole.certificate_status, CertificateStatus::Encrypted);
    assert_outcome(&whole, SessionOutcome::Established, None);
    assert_eq!(whole.milestones.established.unwrap().frame.number, 3);
    assert_eq!((whole.client_data.as_slice(), whole.server_data.as_slice()), (&[170][..], &[250, 43][..]));
    assert_eq!(whole.alerts.len(), 1, "its farewell");
    let reason = "nothing more was captured after the ServerHello";
    assert_outcome(&session(&turns[..2], OPEN), SessionOutcome::Incomplete, Some(reason));
    // Refused, with an alert in clear or not.
    let refused = [&turns[..2], &[Turn::Client([tls::change_cipher_spec(), tls::encrypted(23, 19)].concat())]].concat();
    let refused = session(&refused, closed_by(Side::Client));
    let reason = "the phone ended the handshake with an alert after the ServerHello: an encrypted one";
    assert_outcome(&refused, SessionOutcome::Refused, Some(reason));
    let refused = [&turns[..2], &[Turn::Client(tls::alert(2, 48))]].concat();
    assert_eq!(session(&refused, OPEN).reason().as_deref(), Some("the phone sent the fatal alert unknown_ca"));
}

#[test]
fn tls_1_3_with_a_key_of_an_earlier_session_has_no_certificate() {
    let mut turns = tls::full_1_3();
    turns[1] = Turn::Server(record_of(22, 0x0303, &tls::server_hello(0x0303, 0x1301, &[(43, &[3, 4]), (41, &[0, 0])])));
    assert_eq!(session(&turns, OPEN).certificate_status, CertificateStatus::Resumed);
}

#[test]
fn a_hello_retry_request_is_no_server_hello() {
    let full = tls::full_1_3();
    let second = Turn::Client([tls::change_cipher_spec(), record(22, &tls::client_hello(0x0303, &[]))].concat());
    let retry =
        Turn::Server([record_of(22, 0x0303, &tls::hello_retry_request(0x1301)), tls::change_cipher_spec()].concat());
    let turns = [&full[..1], &[retry, second], &full[1..]].concat();
    let session = session(&turns, OPEN);
    assert_eq!(session.version.unwrap().to_string(), "TLS 1.3");
    assert_eq!(session.certificate_status, CertificateStatus::Encrypted);
    assert_outcome(&session, SessionOutcome::Established, None);
    assert_eq!(session.milestones.server_hello.unwrap().frame.number, 4);
}

#[test]
fn a_phones_certificate_names_it() {
    let mut turns = tls::full(TVS);
    let flight = [tls::certificate(&[PHONE]), tls::client_key_exchange()].concat();
    turns[2] = Turn::Client([record(22, &flight), tls::change_cipher_spec(), tls::encrypted(22, 48)].concat());
    let events = events(&pieces(&turns), OPEN, &[]);
    let identity =
        events.iter().find_map(|event| if let Event::Identity(identity) = event { Some(identity) } else { None });
    let identity = identity.unwrap();
    assert_eq!(identity.source, IdentitySource::Certificate);
    assert_eq!((identity.model.as_deref(), identity.device.as_deref()), (Some("CP-8861"), Some("SEP0011215A1AE3")));
    let session = last(events);
    assert_eq!(session.client_certificate.unwrap().serial.to_string(), "AB01");
    assert_presents(&TlsSession { client_certificate: None, ..session });
}

#[test]
fn a_client_without_a_certificate_of_its_own() {
    let mut turns = tls::full(TVS);
    let flight = [tls::certificate(&[]), tls::client_key_exchange()].concat();
    turns[2] = Turn::Client([record(22, &flight), tls::change_cipher_spec(), tls::encrypted(22, 48)].concat());
    let session = session(&turns, OPEN);
    assert!(session.client_certificate.is_none());
    assert_outcome(&session, SessionOutcome::Established, None);
}

#[test]
fn one_side_alone() {
    let turns = tls::full(TVS);
    let sides = |wanted: Side| -> Vec<_> { pieces(&turns).into_iter().filter(|(side, _)| *side == wanted).collect() };
    let server = last(events(&sides(Side::Server), OPEN, &[]));
    assert_presents(&server);
    assert_outcome(&server, SessionOutcome::Established, None);
    let flight = last(events(&sides(Side::Server)[..1], OPEN, &[]));
    assert_presents(&flight);
    assert_outcome(&flight, SessionOutcome::Incomplete, Some("only the server's side was captured"));
    let client = last(events(&sides(Side::Client), OPEN, &[]));
    assert_eq!(client.certificate_status, CertificateStatus::NotCaptured);
    assert_outcome(&client, SessionOutcome::Established, None);
    let hello = last(events(&sides(Side::Client)[..1], OPEN, &[]));
    assert_outcome(&hello, SessionOutcome::Incomplete, Some("only the phone's side was captured"));
}

#[test]
fn data_before_the_servers_finished_is_no_proof() {
    // A client may send so much (RFC 7918), and then the server refuses what it sent.
    let mut turns = tls::full(TVS);
    turns[3] = Turn::Server(tls::alert(2, 42));
    let early = Turn::Client(tls::encrypted(23, 100));
    turns.truncate(4);
    turns.insert(3, early);
    assert_eq!(session(&turns, OPEN).reason().as_deref(), Some("the server sent the fatal alert bad_certificate"));
}

#[test]
fn from_the_middle() {
    let turns = tls::full(TVS);
    let both = [Side::Client, Side::Server];
    let handshake = last(events(&pieces(&turns[1..]), OPEN, &both));
    assert_presents(&handshake);
    assert_outcome(&handshake, SessionOutcome::Established, None);
    let after = last(events(&pieces(&turns[4..]), OPEN, &both));
    assert_outcome(&after, SessionOutcome::Incomplete, Some("the capture begins after the handshake"));
    assert_eq!(after.certificate_status, CertificateStatus::NotCaptured);
}

#[test]
fn a_gap_in_the_handshake_is_told() {
    let turns = tls::full(TVS);
    let Turn::Server(flight) = &turns[1] else { panic!() };
    for (from, to) in [(0, 10), (50, 60), (100, 700), (flight.len() - 4, flight.len())] {
        let mut pieces = pieces(&turns);
        let (before, after) = (&flight[..from], &flight[to..]);
        let spoiled = [
            (Side::Server, Piece::Data(before)),
            (Side::Server, Piece::Gap((to - from) as u64)),
            (Side::Server, Piece::Data(after)),
        ];
        pieces.splice(1..2, spoiled);
        let session = last(events(&pieces, OPEN, &[]));
        if session.certificate.is_some() {
            assert!(from > 700, "the certificate was whole");
            assert_presents(&session);
        } else {
            assert_eq!(session.certificate_status, CertificateStatus::NotCaptured);
        }
        // That both sides went on to encryption was seen all the same.
        assert_outcome(&session, SessionOutcome::Established, None);
    }
}

#[test]
fn a_gap_in_data_is_no_harm() {
    let turns = tls::full(TVS);
    let mut pieces = pieces(&turns);
    pieces[4] = (Side::Client, Piece::Gap(1013));
    let session = last(events(&pieces, OPEN, &[]));
    assert_presents(&session);
    assert_outcome(&session, SessionOutcome::Established, None);
}

#[test]
fn copies_that_differ_in_the_handshake_are_not_believed() {
    let turns = tls::full(TVS);
    for at in 1..=8 {
        let mut pieces = pieces(&turns);
        pieces.insert(at, (Side::Server, Piece::Conflict(5)));
        let session = last(events(&pieces, OPEN, &[]));
        assert!(session.certificate.is_none(), "{at}");
        assert_eq!(session.certificate_status, CertificateStatus::NotCaptured);
    }
    // In the data behind the handshake they do not matter.
    let mut pieces = pieces(&turns);
    pieces.push((Side::Server, Piece::Conflict(2000)));
    assert_presents(&last(events(&pieces, OPEN, &[])));
}

#[test]
fn a_certificate_that_is_none() {
    let flight =
        [tls::server_hello(0x0301, 0x35, &[]), tls::certificate(&[&TVS[..TVS.len() - 1]]), tls::server_hello_done()]
            .concat();
    let mut turns = tls::full(TVS);
    turns[1] = Turn::Server(record(22, &flight));
    turns.truncate(2);
    let session = session(&turns, OPEN);
    assert_eq!(session.certificate_status, CertificateStatus::NotCaptured);
    assert_outcome(&session, SessionOutcome::Incomplete, Some("the server's certificate cannot be parsed"));
}

#[test]
fn records_that_never_end_hold_nothing() {
    let start = [record(22, &tls::server_hello(0x0301, 0x35, &[])), record(22, &[11, 0xff, 0xff, 0xff])].concat();
    let endless: Vec<u8> = (0..100).flat_map(|_| record(22, &[0x41; 16_000])).collect();
    let turns = [Turn::Server(start), Turn::Server(endless)];
    let session = session(&turns, OPEN);
    assert_eq!(session.certificate_status, CertificateStatus::NotCaptured);
}

proptest! {
    #[test]
    fn cut_anywhere_the_session_is_the_same(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40), new in any::<bool>()) {
        let turns = if new { tls::full_1_3() } else { tls::full(TVS) };
        let expected = session(&turns, OPEN);
        let total: usize = turns.iter().map(|turn| { let (Turn::Client(bytes) | Turn::Server(bytes)) = turn; bytes.len() }).sum();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(total)).collect();
        cuts.sort_unstable();
        let mut at = 0;
        let mut cut_up = Vec::new();
        for (side, piece) in pieces(&turns) {
            let Piece::Data(mut bytes) = piece else { unreachable!() };
            for &cut in &cuts {
                if cut > at && cut < at + bytes.len() {
                    let (before, after) = bytes.split_at(cut - at);
                    cut_up.push((side, Piece::Data(before)));
                    (at, bytes) = (cut, after);
                }
            }
            cut_up.push((side, Piece::Data(bytes)));
            at += bytes.len();
        }
        let found = last(events(&cut_up, OPEN, &[]));
        prop_assert_eq!(found.outcome(), expected.outcome());
        prop_assert_eq!(found.certificate_status, expected.certificate_status);
        prop_assert_eq!(found.certificate, expected.certificate);
        prop_assert_eq!(found.client_data, expected.client_data);
        prop_assert_eq!(found.server_data, expected.server_data);
    }

    #[test]
    fn whatever_is_missing_the_serial_is_right_or_absent(
        kept in prop::collection::vec(prop::bool::weighted(0.8), 60),
        size in 5usize..400,
        turn_limit in 1usize..9,
        end in prop::sample::select(vec![OPEN, closed_by(Side::Client), reset_by(Side::Client), closed_by(Side::Server)]),
        middle in any::<bool>(),
    ) {
        // The truth: without the client's third turn there is no acceptance.
        let mut turns = tls::full(TVS);
        turns.truncate(turn_limit);
        let truth = session(&turns, end);
        let mut spoiled: Vec<(Side, Piece<'_>)> = Vec::new();
        let mut kept = kept.iter().cycle();
        for turn in &turns {
            let (side, bytes) = match turn {
                Turn::Client(bytes) => (Side::Client, bytes),
                Turn::Server(bytes) => (Side::Server, bytes),
            };
            for chunk in bytes.chunks(size) {
                spoiled.push((side, if *kept.next().unwrap() { Piece::Data(chunk) } else { Piece::Gap(chunk.len() as u64) }));
            }
        }
        let both = [Side::Client, Side::Server];
        let found = last(events(&spoiled, end, if middle { &both } else { &[] }));
        if let Some(certificate) = &found.certificate {
            prop_assert_eq!(certificate.serial.to_string(), SERIAL);
        }
        prop_assert!(found.certificate_status != CertificateStatus::Resumed);
        if found.outcome() == SessionOutcome::Established {
            prop_assert_eq!(truth.outcome(), SessionOutcome::Established);
        }
        if found.outcome() == SessionOutcome::Refused {
            prop_assert_eq!(truth.outcome(), SessionOutcome::Refused);
        }
    }

    #[test]
    fn any_bytes_do_no_harm(all in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..80), 0u8..8), 0..30)) {
        let spoiled: Vec<(Side, Vec<u8>)> = all.into_iter().map(|(client, mut bytes, kind)| {
            if kind < 5 {
                bytes = record(20 + kind, &bytes);
            }
            (if client { Side::Client } else { Side::Server }, bytes)
        }).collect();
        let pieces: Vec<_> = spoiled.iter().map(|(side, bytes)| (*side, Piece::Data(bytes))).collect();
        prop_assert!(last(events(&pieces, OPEN, &[])).certificate.is_none());
    }
}
