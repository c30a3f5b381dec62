//! Connections to port 6970 as servers and captures make them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::certificates::CertificateCache;
use super::super::content::{ContentLimits, ContentStore};
use super::super::reader::{ConnectionFacts, Piece, Shared, StreamReader};
use super::super::testkit::keep;
use super::HttpStreams;
use crate::capture::{FrameId, Moment, Span};
use crate::digest::Digests;
use crate::event::{Download, Event, Outcome, Side, Transport};

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from((n * 7 + n / 256) % 251).unwrap()).collect()
}

fn get(file: &str) -> (Side, Vec<u8>) {
    (Side::Client, format!("GET /{file} HTTP/1.1\r\nHost: 14.48.44.80:6970\r\n\r\n").into_bytes())
}

/// An answer as CUCM gives it (domain.md 4.4).
fn ok(body: &[u8]) -> (Side, Vec<u8>) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-length: {}\r\nCache-Control: no-store\r\nContent-type: */*\r\n\r\n",
        body.len()
    );
    (Side::Server, [head.as_bytes(), body].concat())
}

fn answer(head: &str, body: &[u8]) -> (Side, Vec<u8>) {
    (Side::Server, [head.as_bytes(), b"\r\n\r\n", body].concat())
}

fn chunked(body: &[u8], size: usize) -> (Side, Vec<u8>) {
    let mut coded = Vec::new();
    for chunk in body.chunks(size) {
        coded.extend(format!("{:X};ext=1\r\n", chunk.len()).into_bytes());
        coded.extend(chunk);
        coded.extend(b"\r\n");
    }
    coded.extend(b"0\r\nX-Trailer: y\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", &coded)
}

/// A connection that the server ended.
fn ended() -> ConnectionFacts {
    ConnectionFacts {
        syns: 1,
        syn_acked: true,
        closed: Some((Side::Server, Moment::default())),
        server_ended: true,
        server_answered: true,
        client_seen: true,
        ..ConnectionFacts::default()
    }
}

fn read_pieces(pieces: &[(Side, Piece<'_>)], facts: ConnectionFacts, middle: bool) -> Vec<Download> {
    let mut streams = HttpStreams::new(1, "14.48.44.202:36196".parse().unwrap(), "14.48.44.80:6970".parse().unwrap());
    let mut events = Vec::new();
    let (mut certificates, mut store) = (CertificateCache::default(), ContentStore::new(ContentLimits::default()));
    let mut shared = Shared { certificates: &mut certificates, store: &mut store, events: &mut events, facts: ended() };
    if middle {
        streams.begin_in_the_middle(Side::Client);
        streams.begin_in_the_middle(Side::Server);
    }
    let moment = |number| Moment { frame: FrameId { source: 0, number }, ..Moment::default() };
    for (number, (side, piece)) in (1..).zip(pieces) {
        streams.piece(*side, *piece, moment(number), &mut shared);
    }
    streams.conclude(&facts, Span { first: moment(1), last: moment(99) }, &mut shared);
    let mut downloads = BTreeMap::new();
    for event in events {
        let Event::Download(download) = event else { continue };
        assert_eq!(download.transport, Transport::Http);
        assert_eq!(download.length().is_some(), download.outcome() == Outcome::Complete);
        assert_eq!(download.reason().is_some(), !matches!(download.outcome(), Outcome::Complete | Outcome::Pending));
        keep(&mut downloads, *download);
    }
    assert!(downloads.values().all(|download| download.outcome() != Outcome::Pending), "{downloads:?}");
    downloads.into_values().collect()
}

fn pieces(sent: &[(Side, Vec<u8>)]) -> Vec<(Side, Piece<'_>)> {
    sent.iter().map(|(side, bytes)| (*side, Piece::Data(bytes))).collect()
}

fn read(sent: &[(Side, Vec<u8>)]) -> Vec<Download> {
    read_pieces(&pieces(sent), ended(), false)
}

#[track_caller]
fn assert_complete(download: &Download, file: Option<&str>, body: &[u8]) {
    assert_eq!(download.outcome(), Outcome::Complete, "{:?}", download.reason());
    assert_eq!((download.asked_for.as_deref(), download.length()), (file, Some(body.len() as u64)));
    assert_eq!(download.digests(), Some(Digests::of(body)));
}

#[track_caller]
fn assert_not(download: &Download, outcome: Outcome, reason: &str) {
    assert_eq!((download.outcome(), download.reason().as_deref()), (outcome, Some(reason)));
}

#[test]
fn files_one_after_the_other_on_one_connection() {
    let (list, config) = (bytes(5438), bytes(7652));
    let absent = answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3", b"no!");
    let missing = answer("HTTP/1.1 404 \r\nContent-Length: 0", b"");
    let sent = [
        get("CTLSEP0011215A1AE3.tlv"),
        absent,
        get("ITLSEP0011215A1AE3.tlv"),
        ok(&list),
        get("x"),
        missing,
        get("SEP0011215A1AE3.cnf.xml.sgn"),
        ok(&config),
    ];
    let downloads = read(&sent);
    assert_eq!(downloads.len(), 4);
    assert_not(&downloads[0], Outcome::Refused, "HTTP 503 (Service Unavailable): the file is absent");
    assert_complete(&downloads[1], Some("ITLSEP0011215A1AE3.tlv"), &list);
    assert_not(&downloads[2], Outcome::Refused, "HTTP 404 (Not Found): the file is absent");
    assert_complete(&downloads[3], Some("SEP0011215A1AE3.cnf.xml.sgn"), &config);
    let span = downloads[1].span;
    assert_eq!((span.first.frame.number, span.last.frame.number), (3, 4));
}

#[test]
fn several_requests_before_the_first_answer() {
    let files = [bytes(100), bytes(200), bytes(0)];
    let requests = ["a", "b", "c"].map(|file| get(file).1).concat();
    let answers = files.iter().flat_map(|file| ok(file).1).collect();
    let downloads = read(&[(Side::Client, requests), (Side::Server, answers)]);
    for (download, (name, file)) in downloads.iter().zip(["a", "b", "c"].iter().zip(&files)) {
        assert_complete(download, Some(name), file);
    }
}

#[test]
fn chunked_and_until_the_end() {
    let file = bytes(3000);
    for size in [1, 7, 1024, 5000] {
        assert_complete(&read(&[get("f"), chunked(&file, size)])[0], Some("f"), &file);
    }
    let open = [get("f"), answer("HTTP/1.0 200 OK", &file)];
    assert_complete(&read(&open)[0], Some("f"), &file);
    // Without the server's FIN nothing says that this was all.
    for facts in [
        ConnectionFacts { server_ended: false, ..ended() },
        ConnectionFacts { reset: Some((Side::Server, Moment::default())), ..ended() },
    ] {
        let download = &read_pieces(&pieces(&open), facts, false)[0];
        assert_eq!(download.outcome(), Outcome::Incomplete);
    }
    let unended = [get("f"), (Side::Server, chunked(&file, 100).1[..1000].to_vec())];
    assert_eq!(read(&unended)[0].outcome(), Outcome::Incomplete);
}

#[test]
fn what_has_no_body() {
    let head = (Side::Client, b"HEAD /f HTTP/1.1\r\n\r\n".to_vec());
    let length_only = answer("HTTP/1.1 200 OK\r\nContent-Length: 5000", b"");
    let unchanged = answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 5000", b"");
    let go_on = answer("HTTP/1.1 100 Continue", b"");
    let file = bytes(10);
    let downloads = read(&[head, length_only, get("g"), unchanged, get("h"), go_on, ok(&file)]);
    assert_eq!(downloads.len(), 2, "HEAD fetches nothing");
    assert_not(&downloads[0], Outcome::Incomplete, "HTTP 304 (Not Modified)");
    assert_complete(&downloads[1], Some("h"), &file);
}

fn range(file: &[u8], first: usize, last: usize, tag: &str) -> (Side, Vec<u8>) {
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{last}/{}\r\nContent-Length: {}{tag}",
        file.len(),
        last - first + 1
    );
    answer(&head, &file[first..=last])
}

#[test]
fn parts_make_a_file_only_if_they_cover_it() {
    let file = bytes(2500);
    let tag = "\r\nETag: \"1\"";
    let all = [
        get("f"),
        range(&file, 0, 999, tag),
        get("f"),
        range(&file, 1000, 1999, tag),
        get("f"),
        range(&file, 2000, 2499, tag),
    ];
    let downloads = read(&all);
    assert_not(&downloads[0], Outcome::Incomplete, "only bytes 0 to 999 of 2500 were sent, as asked");
    assert_eq!(downloads[1].outcome(), Outcome::Incomplete);
    assert_complete(&downloads[2], Some("f"), &file);
    assert_complete(&read(&[get("f"), range(&file, 0, 2499, "")])[0], Some("f"), &file);
    // One left out, one of another version, none with a version, one of another file.
    let left_out = [&all[..2], &all[4..]].concat();
    let mut other_version = all.to_vec();
    other_version[3] = range(&file, 1000, 1999, "\r\nETag: \"2\"");
    let mut no_version = all.to_vec();
    no_version[1] = range(&file, 0, 999, "");
    let mut other_file = all.to_vec();
    other_file[2] = get("g");
    for sent in [left_out, other_version, no_version, other_file] {
        assert!(read(&sent).iter().all(|download| download.outcome() == Outcome::Incomplete));
    }
}

#[test]
fn a_hole_in_the_body_spoils_only_its_file() {
    let (first, second) = (bytes(3000), bytes(500));
    let (_, sent) = ok(&first);
    let (request, next, last) = (get("a").1, get("b").1, ok(&second).1);
    let pieces = [
        (Side::Client, Piece::Data(&request)),
        (Side::Server, Piece::Data(&sent[..1000])),
        (Side::Server, Piece::Gap(500)),
        (Side::Server, Piece::Data(&sent[1500..])),
        (Side::Client, Piece::Data(&next)),
        (Side::Server, Piece::Data(&last)),
    ];
    let downloads = read_pieces(&pieces, ended(), false);
    assert_not(&downloads[0], Outcome::Incomplete, "500 of 3000 bytes are missing from the capture");
    assert_complete(&downloads[1], Some("b"), &second);
}

#[test]
fn a_hole_elsewhere_leaves_files_without_names() {
    let (first, second) = (bytes(3000), bytes(500));
    let (request, next) = (get("a").1, get("b").1);
    let (sent, last) = (ok(&first).1, ok(&second).1);
    let lost_request = [
        (Side::Client, Piece::Gap(request.len() as u64)),
        (Side::Server, Piece::Data(&sent)),
        (Side::Client, Piece::Data(&next)),
        (Side::Server, Piece::Data(&last)),
    ];
    let downloads = read_pieces(&lost_request, ended(), false);
    let complete: Vec<_> = downloads.iter().filter(|download| download.outcome() == Outcome::Complete).collect();
    assert_eq!(complete.len(), 2);
    assert_complete(complete[0], None, &first);
    assert_complete(complete[1], None, &second);
    // The head of an answer.
    let lost_head = [
        (Side::Client, Piece::Data(&request)),
        (Side::Server, Piece::Gap(20)),
        (Side::Server, Piece::Data(&sent[20..])),
        (Side::Client, Piece::Data(&next)),
        (Side::Server, Piece::Data(&last)),
    ];
    let downloads = read_pieces(&lost_head, ended(), false);
    assert_eq!(downloads[0].outcome(), Outcome::Incomplete);
    assert_complete(downloads.last().unwrap(), None, &second);
}

#[test]
fn one_side_alone() {
    let file = bytes(5438);
    let server = read(&[ok(&file), answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0", b""), ok(&file)]);
    assert_eq!(server.len(), 2, "whose refusal the second is, nobody knows");
    assert_complete(&server[0], None, &file);
    let unseen = ConnectionFacts { syns: 1, ..ConnectionFacts::default() };
    let client = read_pieces(&pieces(&[get("a"), get("b")]), unseen, false);
    let reason = "only the phone's side was captured: whether the server answered is not known";
    assert_not(&client[0], Outcome::Incomplete, reason);
    assert_not(&client[1], Outcome::Incomplete, reason);
}

#[test]
fn requests_that_nobody_answers() {
    assert_not(&read(&[get("a")])[0], Outcome::Unanswered, "no answer to the request");
    let reset = ConnectionFacts { reset: Some((Side::Server, Moment::default())), server_ended: false, ..ended() };
    assert_not(
        &read_pieces(&pieces(&[get("a")]), reset, false)[0],
        Outcome::Unanswered,
        "the server reset the connection",
    );
    let (side, sent) = ok(&bytes(100));
    let cut = [get("a"), (side, sent[..sent.len() - 10].to_vec())];
    assert_not(&read(&cut)[0], Outcome::Incomplete, "the end is missing: nothing more was captured after 90 bytes");
}

#[test]
fn a_port_that_nobody_listens_on() {
    let refused = ConnectionFacts {
        syns: 1,
        reset_answers_syn: true,
        reset: Some((Side::Server, Moment::default())),
        ..ConnectionFacts::default()
    };
    let [only] = &read_pieces(&[], refused, false)[..] else { panic!() };
    assert_not(only, Outcome::Unanswered, "the server refused the connection (RST in answer to the SYN)");
    assert_eq!(only.asked_for, None);
    let silent = ConnectionFacts { syns: 3, ..ConnectionFacts::default() };
    assert_not(&read_pieces(&[], silent, false)[0], Outcome::Unanswered, "no answer to 3 SYNs");
    assert!(read_pieces(&[], ended(), false).is_empty(), "it connected and asked nothing");
}

#[test]
fn copies_that_differ_take_the_file_back() {
    let file = bytes(500);
    let (request, sent) = (get("a").1, ok(&file).1);
    let told = [(Side::Client, Piece::Data(request.as_slice())), (Side::Server, Piece::Data(&sent))];
    let late = [&told[..], &[(Side::Server, Piece::Conflict(100))]].concat();
    assert_not(&read_pieces(&late, ended(), false)[0], Outcome::Incomplete, "two copies of the same bytes differ");
    let behind = [&told[..], &[(Side::Server, Piece::Conflict(sent.len() as u64))]].concat();
    assert_complete(&read_pieces(&behind, ended(), false)[0], Some("a"), &file);
    let (start, end) = sent.split_at(300);
    let amid = [
        (Side::Client, Piece::Data(request.as_slice())),
        (Side::Server, Piece::Data(start)),
        (Side::Server, Piece::Conflict(200)),
        (Side::Server, Piece::Data(end)),
    ];
    assert_eq!(read_pieces(&amid, ended(), false)[0].outcome(), Outcome::Incomplete);
}

#[test]
fn from_the_middle() {
    let file = bytes(700);
    let (_, earlier) = ok(&bytes(2000));
    let sent = [(Side::Server, earlier[500..].to_vec()), get("a"), ok(&file)];
    let downloads = read_pieces(&pieces(&sent), ended(), true);
    // What was asked before the capture began may be answered behind it.
    assert_complete(downloads.last().unwrap(), None, &file);
}

#[test]
fn a_request_that_comes_late_is_not_given_the_next_answer() {
    let (first, second) = (bytes(700), bytes(800));
    let downloads = read(&[ok(&first), get("a"), get("b"), ok(&second)]);
    for download in downloads.iter().filter(|download| download.outcome() == Outcome::Complete) {
        assert_eq!(download.asked_for, None);
    }
}

#[test]
fn files_in_a_coding_that_is_not_read() {
    let sent = [get("a"), answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4", b"\x1f\x8b\x08\0")];
    assert_not(&read(&sent)[0], Outcome::Incomplete, "the file was sent in a coding that is not read");
}

#[test]
fn large_files_are_hashed_not_held() {
    let file = bytes(3 << 20);
    let download = &read(&[get("sip78xx.sbn"), ok(&file)])[0];
    assert_complete(download, Some("sip78xx.sbn"), &file);
    assert!(download.content.is_none());
}

/// Files, and what was sent to fetch them.
type Exchange = (Vec<Vec<u8>>, Vec<(Side, Vec<u8>)>);

fn any_exchange() -> impl Strategy<Value = Exchange> {
    prop::collection::vec((0usize..600, 0u8..3), 1..5).prop_map(|files| {
        let last = files.len() - 1;
        let mut sent = Vec::new();
        let mut contents = Vec::new();
        for (index, (length, kind)) in files.into_iter().enumerate() {
            let file = bytes(length + 1)[1..].to_vec();
            sent.push(get(&format!("file{index}")));
            sent.push(match kind {
                0 => chunked(&file, 100),
                1 if index == last => answer("HTTP/1.0 200 OK", &file),
                _ => ok(&file),
            });
            contents.push(file);
        }
        (contents, sent)
    })
}

proptest! {
    #[test]
    fn cut_anywhere_the_files_are_the_same((files, sent) in any_exchange(), size in 1usize..200) {
        let cut: Vec<_> = sent.iter().flat_map(|(side, bytes)| bytes.chunks(size).map(|chunk| (*side, Piece::Data(chunk)))).collect();
        let downloads = read_pieces(&cut, ended(), false);
        prop_assert_eq!(downloads.len(), files.len());
        for (index, (download, file)) in downloads.iter().zip(&files).enumerate() {
            prop_assert_eq!(download.digests(), Some(Digests::of(file)));
            let name = format!("file{index}");
            prop_assert_eq!(download.asked_for.as_deref(), Some(name.as_str()));
        }
    }

    #[test]
    fn whatever_is_missing_or_moved_checksums_and_names_are_right_or_absent(
        (files, sent) in any_exchange(),
        size in 20usize..400,
        kept in prop::collection::vec(prop::bool::weighted(0.85), 120),
        moved in prop::option::of((any::<prop::sample::Index>(), 0usize..6)),
        middle in any::<bool>(),
        by_server in any::<bool>(),
    ) {
        let mut kept = kept.iter().cycle();
        let mut spoiled: Vec<_> = sent.iter().flat_map(|(side, bytes)| bytes.chunks(size).map(|chunk| (*side, chunk)))
            .map(|(side, chunk)| (side, if *kept.next().unwrap() { Piece::Data(chunk) } else { Piece::Gap(chunk.len() as u64) }))
            .collect();
        if let Some((index, distance)) = moved {
            // Order holds within a direction; the two directions may be captured in any order.
            let at = index.index(spoiled.len());
            let piece = spoiled.remove(at);
            let same = spoiled[at..].iter().position(|(side, _)| *side == piece.0).unwrap_or(spoiled.len() - at);
            spoiled.insert(at + distance.min(same), piece);
        }
        // The last file may have no length: then only the server's FIN ends it, and a gap before that is known by its number.
        let facts = ConnectionFacts { server_ended: by_server, ..ended() };
        for download in read_pieces(&spoiled, facts, middle) {
            if let (Some(digests), Some(name)) = (download.digests(), &download.asked_for) {
                let index: usize = name.strip_prefix("file").unwrap().parse().unwrap();
                prop_assert_eq!(digests, Digests::of(&files[index]), "{}", name);
            } else if let Some(digests) = download.digests() {
                prop_assert!(files.iter().any(|file| Digests::of(file) == digests));
            }
        }
    }

    #[test]
    fn any_bytes_do_no_harm(all in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..80), 0u8..6), 0..30)) {
        let starts = [&b"GET /a HTTP/1.1\r\n"[..], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 206\r\nContent-Range: bytes 0-", b"\r\n\r\n"];
        let sent: Vec<_> = all.into_iter().map(|(client, bytes, kind)| {
            let start = starts.get(usize::from(kind)).copied().unwrap_or_default();
            (if client { Side::Client } else { Side::Server }, [start, &bytes].concat())
        }).collect();
        read(&sent);
    }
}
