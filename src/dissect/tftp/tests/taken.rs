//! What a phone took of what was sent to it.

use super::*;
use crate::event::{DownloadEnding, DownloadGap, Taken};

fn from(server: &str, number: u16, bytes: &[u8]) -> Sent {
    Sent { src: address(server), dst: phone(), payload: [&[0, 3], &number.to_be_bytes()[..], bytes].concat() }
}

fn to(server: &str, payload: impl Into<Vec<u8>>) -> Sent {
    Sent { src: phone(), dst: address(server), payload: payload.into() }
}

fn ack_to(server: &str, number: u16) -> Sent {
    to(server, [&[0, 4], &number.to_be_bytes()[..]].concat())
}

const ONE: &str = "14.48.44.80:40000";
const TWO: &str = "14.48.44.80:40001";
const STRANGER: &str = "10.9.9.9:40000";

/// One request and two answers, block by block; the phone acknowledges those of `acked`.
fn two_answers(second: &str, files: [&[u8]; 2], acked: &[&str]) -> Vec<Sent> {
    let mut sent = vec![read("ITLSEP0011215A1AE3.tlv", &[])];
    let blocks = files.map(|file| file.len() / 512 + 1);
    for number in 1..=blocks[0].max(blocks[1]) {
        for ((server, file), blocks) in [ONE, second].into_iter().zip(files).zip(blocks) {
            if number <= blocks {
                let wire = u16::try_from(number).unwrap();
                sent.push(from(server, wire, &file[(number - 1) * 512..file.len().min(number * 512)]));
                if acked.contains(&server) {
                    sent.push(ack_to(server, wire));
                }
            }
        }
    }
    sent
}

fn asked_and_other(downloads: &[Download]) -> (&Download, &Download) {
    let [one, two] = downloads else { panic!("{downloads:#?}") };
    if one.asked_for.is_some() { (one, two) } else { (two, one) }
}

#[test]
fn file_that_the_phone_acknowledged() {
    let file = bytes(1000);
    let mut sent = exchange(&file, PLAIN);
    let download = only(dissect(&sent));
    assert_eq!((download.taken, download.client_seen), (Taken::Acknowledged, true));
    assert_eq!(download.completed.unwrap().frame.number, 4);
    // The last block comes again, and is acknowledged again: nothing moves.
    sent.extend([data(2, &file[512..]), ack(2)]);
    let again = only(dissect(&sent));
    assert_eq!((again.taken, again.span, again.completed), (Taken::Acknowledged, download.span, download.completed));
    assert_complete(&again, &file);
}

#[test]
fn end_that_nobody_acknowledged() {
    let file = bytes(1000);
    let mut sent = exchange(&file, PLAIN);
    sent.pop();
    let download = only(dissect(&sent));
    assert_complete(&download, &file);
    assert_eq!((download.taken, download.client_seen), (Taken::Open, true));
    // From the server's side only.
    sent.retain(|sent| sent.dst == phone());
    let download = only(dissect(&sent));
    assert_complete(&download, &file);
    assert_eq!((download.taken, download.client_seen), (Taken::Open, false));
}

#[test]
fn phone_that_ends_a_whole_transfer_with_an_error() {
    let file = bytes(1000);
    let mut sent = exchange(&file, PLAIN);
    *sent.last_mut().unwrap() = up(error(3, "Disk full"));
    let download = only(dissect(&sent));
    assert_complete(&download, &file);
    assert_eq!(download.taken, Taken::Refused);
}

#[test]
fn answer_that_was_acknowledged_is_the_download() {
    let (file, other) = (bytes(1000), bytes(3000));
    for second in [TWO, STRANGER] {
        let downloads = dissect(&two_answers(second, [&file, &other], &[ONE]));
        let (asked, unasked) = asked_and_other(&downloads);
        assert_complete(asked, &file);
        assert_complete(unasked, &other);
        assert_eq!((asked.taken, unasked.taken), (Taken::Acknowledged, Taken::Unasked));
        assert_eq!((unasked.asked_for.as_deref(), unasked.server), (None, address(second)));
    }
    // The second one, and the first is over before it begins.
    let mut sent = two_answers(TWO, [&file, &[]], &[]);
    sent.truncate(1 + 2);
    sent.retain(|sent| sent.src != address(TWO));
    sent.push(from(ONE, 2, &file[512..]));
    for (number, block) in (1..).zip(other.chunks(512)) {
        sent.extend([from(TWO, number, block), ack_to(TWO, number)]);
    }
    let downloads = dissect(&sent);
    let (asked, unasked) = asked_and_other(&downloads);
    assert_complete(asked, &other);
    assert_complete(unasked, &file);
    assert_eq!((asked.taken, unasked.taken), (Taken::Acknowledged, Taken::Unasked));
}

#[test]
fn answers_that_differ_and_nobody_acknowledged() {
    let (file, other) = (bytes(1000), bytes(1100));
    let download = only(dissect(&two_answers(TWO, [&file, &other], &[])));
    assert_eq!(download.ending, DownloadEnding::Incomplete(DownloadGap::AnswersDiffer(2)));
    // A repeated request is answered twice with one file.
    let download = only(dissect(&two_answers(TWO, [&file, &file], &[])));
    assert_complete(&download, &file);
}

#[test]
fn stranger_alone_answers() {
    let file = bytes(1000);
    let mut sent = two_answers(STRANGER, [&[], &file], &[]);
    sent.retain(|sent| sent.src != address(ONE));
    let downloads = dissect(&sent);
    let (asked, unasked) = asked_and_other(&downloads);
    // One request that was not repeated: its answer may be missing from the capture.
    assert_eq!(asked.outcome(), Outcome::Incomplete);
    assert_complete(unasked, &file);
    assert_eq!(unasked.taken, Taken::Unasked);
}

#[test]
fn data_that_nobody_asked_for() {
    let (file, other) = (bytes(1000), bytes(900));
    let mut sent = exchange(&file, PLAIN);
    sent.extend([from(TWO, 1, &other[1..513]), from(TWO, 2, &other[513..])]);
    let downloads = dissect(&sent);
    let (asked, unasked) = asked_and_other(&downloads);
    assert_eq!((asked.taken, unasked.taken), (Taken::Acknowledged, Taken::Unasked));
    assert_complete(unasked, &other[1..]);
}

#[test]
fn strangers_do_not_crowd_out_the_server() {
    let file = bytes(1000);
    let mut sent = exchange(&file, PLAIN);
    for port in 1..=8 {
        sent.insert(1, from(&format!("10.9.9.9:{port}"), 1, &[0; 512]));
    }
    let downloads = dissect(&sent);
    let asked = downloads.iter().find(|download| download.asked_for.is_some()).unwrap();
    assert_complete(asked, &file);
    assert_eq!(asked.taken, Taken::Acknowledged);
}

proptest! {
    #[test]
    fn unacknowledged_answer_never_becomes_the_file(
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        stranger in any::<bool>(),
    ) {
        let (file, other) = (bytes(1500), bytes(2500));
        let mut sent = two_answers(if stranger { STRANGER } else { TWO }, [&file, &other], &[ONE]);
        for index in order {
            let at = 1 + index.index(sent.len() - 1);
            let moved = sent.remove(at);
            sent.insert((at + 2).min(sent.len()), moved);
        }
        for download in dissect(&sent) {
            if download.asked_for.is_some() && download.outcome() == Outcome::Complete {
                prop_assert_eq!(download.digests(), Some(Digests::of(&file)));
            }
            if download.digests() == Some(Digests::of(&other)) {
                prop_assert_eq!(download.taken, Taken::Unasked);
            }
        }
    }
}
