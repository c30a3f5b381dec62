//! Connections whose numbers do not fit each other, and segments that are not of the connection that they seem to be of.

use super::*;
use crate::event::Side;

/// A SYN, the bare ACK of a server that remembers another connection, the RST that it earns, and the same SYN again
/// (RFC 5961 4).
fn challenged() -> Connection {
    let mut connection = Connection::new(PHONE, SERVER);
    let (client, server) = (connection.client_seq, connection.server_seq);
    connection.client_segment(SYN, &[]);
    connection.client_seq = 0x5000_0000;
    connection.server_seq = 0x7000_0000;
    connection.server_segment(ACK, &[]);
    connection.client_segment(RST, &[]);
    (connection.client_seq, connection.server_seq) = (client, server);
    connection.open();
    connection
}

#[test]
fn challenge_ack_changes_nothing() {
    let mut connection = challenged();
    play(&mut connection, &tls::full(TVS));
    connection.close();
    assert!(is_right(&only(&connection.frames)), "{:#?}", only(&connection.frames));
}

#[test]
fn stale_number_near_the_new_one_changes_nothing() {
    let mut connection = Connection::new(PHONE, SERVER);
    connection.client_segment(SYN, &[]);
    let (client, server) = (connection.client_seq, connection.server_seq);
    (connection.client_seq, connection.server_seq) = (client.wrapping_sub(3000), server.wrapping_sub(5000));
    connection.server_segment(ACK, &[]);
    connection.client_segment(RST, &[]);
    (connection.client_seq, connection.server_seq) = (client.wrapping_sub(1), server);
    connection.open();
    play(&mut connection, &tls::full(TVS));
    assert!(is_right(&only(&connection.frames)));
}

#[test]
fn second_syn_ack_with_another_number() {
    for takes_second in [true, false] {
        let mut connection = Connection::new(PHONE, SERVER);
        connection.client_segment(SYN, &[]);
        let [first, second] = [0x1234_5678, 0x7654_3210];
        for number in [first, second] {
            connection.server_seq = number;
            connection.server_segment(SYN | ACK, &[]);
        }
        connection.server_seq = if takes_second { second + 1 } else { first + 1 };
        connection.client_segment(ACK, &[]);
        play(&mut connection, &tls::full(TVS));
        assert!(is_right(&only(&connection.frames)), "{takes_second}");
    }
}

#[test]
fn port_pair_used_again_without_its_syn() {
    let mut connection = Connection::opened(PHONE, SERVER);
    play(&mut connection, &tls::full(TVS)[..2]);
    connection.client_seq = connection.client_seq.wrapping_add(100_000);
    connection.server_seq = connection.server_seq.wrapping_add(90_000);
    play(&mut connection, &tls::full(TVS));
    let sessions = sessions(&connection.frames);
    assert_eq!(sessions.len(), 2);
    assert_ne!(sessions[0].outcome(), SessionOutcome::Established);
    assert!(is_right(&sessions[1]));
}

#[test]
fn port_pair_used_again_behind_a_whole_connection() {
    let mut connection = full();
    connection.client_seq = connection.client_seq.wrapping_add(9_000_000);
    connection.server_seq = connection.server_seq.wrapping_add(9_000_000);
    play(&mut connection, &tls::full(TVS));
    let sessions = sessions(&connection.frames);
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(is_right));
}

#[test]
fn server_flight_captured_behind_the_reset() {
    let mut connection = Connection::opened(PHONE, SERVER);
    play(&mut connection, &tls::full(TVS)[..2]);
    connection.client_segment(RST | ACK, &[]);
    let in_order = only(&connection.frames);
    // The RST overtakes the server's flight and its acknowledgment.
    let mut frames = connection.frames;
    let reset = frames.pop().unwrap();
    frames.insert(5, reset);
    let session = only(&frames);
    assert!(session.certificate.is_some());
    assert_eq!(session.reason(), in_order.reason());
}

#[test]
fn acknowledgments_of_the_client_show_that_the_server_answered() {
    let mut connection = Connection::opened(PHONE, SERVER);
    play(&mut connection, &tls::full(TVS)[..2]);
    connection.close();
    let client: Vec<Owned> =
        connection.frames.into_iter().filter(|frame| frame.data[26..30] == [14, 48, 44, 202]).collect();
    for frames in [&client[..], &client[..2]] {
        let session = only(frames);
        assert!(session.server_answered);
        assert!(!matches!(session.ending, SessionEnding::Silent { .. }), "{:?}", session.ending);
    }
    let silent = only(&client[..1]);
    assert!(!silent.server_answered);
    assert!(matches!(silent.ending, SessionEnding::Silent { syns: 1, reset: false, .. }));
}

#[test]
fn frame_that_shows_the_end_is_not_the_last_frame() {
    let mut connection = Connection::opened(PHONE, SERVER);
    play(&mut connection, &tls::full(TVS)[..2]);
    connection.client_segment(ACK, &tls::alert(2, 48));
    let alert = connection.frames.len() as u64;
    connection.close();
    let session = only(&connection.frames);
    let SessionEnding::Refused { by: Side::Client, at, .. } = session.ending else { panic!("{:?}", session.ending) };
    assert_eq!(at.frame.number, alert);
}

#[test]
fn padding_inside_the_packet_is_no_copy_that_differs() {
    let mut connection = Connection::opened(PHONE, SERVER);
    for turn in tls::full(TVS) {
        // A bare acknowledgment of each side as the smallest frame carries it, with its padding in the packet's length.
        let (client, server) = (connection.client_seq, connection.server_seq);
        connection.client_segment(ACK, &[0; 6]);
        connection.server_segment(ACK, &[0; 6]);
        (connection.client_seq, connection.server_seq) = (client, server);
        play(&mut connection, &[turn]);
    }
    assert!(is_right(&only(&connection.frames)));
}

#[test]
fn hardware_of_the_client_is_told_where_it_is_one() {
    let mut frames = full().frames;
    assert_eq!(only(&frames).hardware, Some([0, 0x1b, 0x54, 1, 2, 3]));
    // A frame of the server does not matter, one of the client does.
    frames[1].data[6] = 2;
    assert_eq!(only(&frames).hardware, Some([0, 0x1b, 0x54, 1, 2, 3]));
    frames[2].data[6] = 2;
    assert_eq!(only(&frames).hardware, None);
}
