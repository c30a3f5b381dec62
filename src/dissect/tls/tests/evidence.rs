//! What looks like acceptance, or like a certificate, and is none.

use super::*;
use crate::event::{How, SessionEnding, SessionGap, TvsAnswer};
use crate::testkit::tls::{change_cipher_spec, encrypted, message};

fn ending(turns: &[Turn], end: End) -> SessionEnding {
    session(turns, end).ending
}

/// TLS 1.3 up to the client's Finished, and then these records of the client.
fn behind_finished_1_3(lengths: &[usize]) -> TlsSession {
    let mut turns = tls::full_1_3();
    turns.truncate(4);
    turns.extend(lengths.iter().map(|&length| Turn::Client(encrypted(23, length))));
    session(&turns, closed_by(Side::Client))
}

#[test]
fn record_behind_finished_in_tls_1_3_need_not_be_data() {
    for lengths in [&[][..], &[19], &[40], &[512], &[19, 19], &[40, 40]] {
        let session = behind_finished_1_3(lengths);
        assert_eq!(session.milestones.client_data, None, "{lengths:?}");
        assert!(session.client_data.is_empty(), "{lengths:?}");
        assert!(matches!(session.ending, SessionEnding::Established { judged: false, .. }), "{:?}", session.ending);
    }
    // What another record follows is no alert that refuses.
    let session = behind_finished_1_3(&[170, 19]);
    assert_eq!(session.client_data, [170]);
    assert!(matches!(session.ending, SessionEnding::Established { judged: true, .. }));
}

/// A ClientHello or ServerHello with this session ID.
fn with_session_id(hello: &[u8], id: &[u8]) -> Vec<u8> {
    let length = u8::try_from(id.len()).unwrap();
    let body = [&hello[4..4 + 2 + 32], &[length], id, &hello[4 + 2 + 32 + 1..]].concat();
    message(hello[0], &body)
}

#[test]
fn session_id_that_the_server_repeats_is_a_resumption() {
    let hello = with_session_id(&tls::client_hello(0x0303, &[]), &[5; 32]);
    let answer = with_session_id(&tls::server_hello(0x0303, 0x35, &[]), &[5; 32]);
    let finished = [change_cipher_spec(), encrypted(22, 64)].concat();
    let (hello, answer) = (record(22, &hello), record(22, &answer));
    let (data, reply) = (encrypted(23, 224), encrypted(23, 1520));
    let whole = [
        (Side::Client, Piece::Data(&hello)),
        (Side::Server, Piece::Data(&answer)),
        (Side::Server, Piece::Gap(75)),
        (Side::Client, Piece::Data(&finished)),
        (Side::Client, Piece::Data(&data)),
        (Side::Server, Piece::Data(&reply)),
    ];
    let half = last(events(&whole, OPEN, &[]));
    assert_eq!((half.certificate_status, half.certificate), (CertificateStatus::Resumed, None));
    assert!(!matches!(half.ending, SessionEnding::Established { judged: true, .. }), "{:?}", half.ending);
}

#[test]
fn change_of_cipher_without_key_exchange_is_a_resumption() {
    let flight = record(22, &tls::server_hello(0x0303, 0x35, &[]));
    let turns = [
        Turn::Client(record(22, &tls::client_hello(0x0303, &[]))),
        Turn::Server(flight),
        Turn::Client([change_cipher_spec(), encrypted(22, 64)].concat()),
    ];
    assert_eq!(session(&turns, OPEN).certificate_status, CertificateStatus::Resumed);
}

#[test]
fn server_that_never_proves_its_key_establishes_nothing() {
    let mut turns = tls::full(TVS);
    turns.truncate(3);
    assert!(matches!(ending(&turns, OPEN), SessionEnding::Unseen(_)));
    // Nor does the client's data, before the server's Finished.
    turns.push(Turn::Client(encrypted(23, 224)));
    assert!(matches!(ending(&turns, OPEN), SessionEnding::Unseen(_)));
}

#[test]
fn record_in_clear_before_the_key_exchange_is_no_data() {
    for forged in [encrypted(23, 80), [change_cipher_spec(), encrypted(22, 48), encrypted(23, 80)].concat()] {
        let mut turns = tls::full(TVS);
        turns.truncate(2);
        turns.push(Turn::Server(forged));
        turns.push(Turn::Client(tls::alert(2, 48)));
        let session = session(&turns, closed_by(Side::Client));
        let refused =
            SessionEnding::Refused { by: Side::Client, how: How::Fatal(crate::event::AlertCode(48)), at: moment(4) };
        assert_eq!(session.ending, refused);
    }
}

#[test]
fn refusal_by_the_server_is_told_as_the_servers() {
    let mut turns = tls::full(TVS);
    turns.truncate(3);
    turns.push(Turn::Server(tls::alert(2, 20)));
    assert!(matches!(ending(&turns, closed_by(Side::Server)), SessionEnding::Refused { by: Side::Server, .. }));
    turns.truncate(2);
    let closed = ending(&turns, closed_by(Side::Server));
    assert!(matches!(closed, SessionEnding::Unseen(SessionGap::Closed { by: Side::Server, .. })), "{closed:?}");
}

#[test]
fn answer_too_short_for_a_certificate_is_a_no() {
    let mut turns = tls::full(TVS);
    turns[4] = Turn::Client(encrypted(23, 208));
    turns[5] = Turn::Server(encrypted(23, 48));
    assert_eq!(session(&turns, OPEN).tvs_exchange.unwrap().answer, TvsAnswer::No);
    // Also where the hello of the server, and the suite with it, is missing.
    let Turn::Server(flight) = &turns[1] else { panic!() };
    let flight = Piece::Gap(flight.len() as u64);
    let mut pieces = pieces(&turns);
    pieces[1] = (Side::Server, flight);
    let half = last(events(&pieces, OPEN, &[]));
    assert_eq!((half.cipher, half.tvs_exchange.unwrap().answer), (None, TvsAnswer::No));
    // Where part of the answer is missing, it may be longer.
    pieces.insert(6, (Side::Server, Piece::Gap(1500)));
    assert_eq!(last(events(&pieces, OPEN, &[])).tvs_exchange.unwrap().answer, TvsAnswer::Unknown);
}

#[test]
fn handshake_over_the_own_limit_says_so() {
    let hello = record(22, &tls::server_hello(0x0303, 0x35, &[]));
    let long = record(22, &[&[11, 3, 0, 0][..], &[0; 1000]].concat());
    let turns = [Turn::Client(record(22, &tls::client_hello(0x0303, &[]))), Turn::Server([hello, long].concat())];
    let reason = session(&turns, OPEN).reason().unwrap();
    assert_eq!(reason, "a handshake message has 196608 bytes; those of more than 131072 are not read");
}

#[test]
fn certificate_with_a_date_that_is_none_keeps_hash_and_serial() {
    let mut der = TVS.to_vec();
    let at = der.windows(2).position(|pair| pair == [0x17, 13]).unwrap();
    der[at + 4..at + 6].copy_from_slice(b"77");
    let session = session(&tls::full(&der), OPEN);
    assert_presents(&session);
    assert_eq!(session.certificate.unwrap().sha1, crate::digest::Sha1Sum::of(&der));
}
