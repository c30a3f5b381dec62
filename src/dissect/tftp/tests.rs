//! Transfers as servers and networks make them.

mod taken;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use proptest::prelude::*;

use super::super::content::{ContentLimits, ContentStore};
use super::super::testkit::keep;
use super::{Limits, Tftp};
use crate::capture::{FrameId, Moment, Timestamp};
use crate::digest::Digests;
use crate::event::{Download, Event, Outcome};
use crate::packet::Datagram;

/// One datagram of an exchange.
#[derive(Debug, Clone)]
struct Sent {
    src: SocketAddr,
    dst: SocketAddr,
    payload: Vec<u8>,
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn phone() -> SocketAddr {
    address("14.48.44.202:30454")
}

fn server() -> SocketAddr {
    address("14.48.44.80:69")
}

/// The port that the server chose for the transfer.
fn tid() -> SocketAddr {
    address("14.48.44.80:40000")
}

fn up(payload: impl Into<Vec<u8>>) -> Sent {
    Sent { src: phone(), dst: tid(), payload: payload.into() }
}

fn down(payload: impl Into<Vec<u8>>) -> Sent {
    Sent { src: tid(), dst: phone(), payload: payload.into() }
}

fn read(file: &str, options: &[(&str, usize)]) -> Sent {
    let mut payload = format!("\0\u{1}{file}\0OCTET\0").into_bytes();
    payload.extend(options_text(options));
    Sent { src: phone(), dst: server(), payload }
}

fn options_text(options: &[(&str, usize)]) -> Vec<u8> {
    options.iter().flat_map(|(name, value)| format!("{name}\0{value}\0").into_bytes()).collect()
}

fn data(number: u16, bytes: &[u8]) -> Sent {
    down([&[0, 3], &number.to_be_bytes()[..], bytes].concat())
}

fn ack(number: u16) -> Sent {
    up([&[0, 4], &number.to_be_bytes()[..]].concat())
}

fn error(code: u8, text: &str) -> Vec<u8> {
    [&[0, 5, 0, code], text.as_bytes(), &[0]].concat()
}

fn oack(options: &[(&str, usize)]) -> Sent {
    down([&[0, 6], &options_text(options)[..]].concat())
}

/// What a transfer negotiates.
#[derive(Debug, Clone, Copy)]
struct Negotiated {
    block: Option<usize>,
    window: Option<usize>,
    size: bool,
}

/// An exchange in which nothing goes wrong.
fn exchange(file: &[u8], negotiated: Negotiated) -> Vec<Sent> {
    let Negotiated { block, window, size } = negotiated;
    let mut asked = Vec::new();
    let mut granted = Vec::new();
    for (name, value) in [("blksize", block), ("windowsize", window), ("tsize", size.then_some(file.len()))] {
        if let Some(value) = value {
            asked.push((name, if name == "tsize" { 0 } else { value }));
            granted.push((name, value));
        }
    }
    let mut sent = vec![read("ITLSEP0011215A1AE3.tlv", &asked)];
    if !asked.is_empty() {
        sent.extend([oack(&granted), ack(0)]);
    }
    let length = block.unwrap_or(512);
    let blocks = file.len() / length + 1;
    for number in 1..=blocks {
        let start = (number - 1) * length;
        let bytes = &file[start..file.len().min(start + length)];
        let wire = u16::try_from(number & 0xffff).unwrap();
        sent.push(data(wire, bytes));
        if number % window.unwrap_or(1) == 0 || number == blocks {
            sent.push(ack(wire));
        }
    }
    sent
}

const PLAIN: Negotiated = Negotiated { block: None, window: None, size: false };

/// What the dissector tells of these datagrams in the end, by download.
fn dissect(sent: &[Sent]) -> Vec<Download> {
    dissect_with(sent, ContentLimits::default())
}

fn dissect_with(sent: &[Sent], limits: ContentLimits) -> Vec<Download> {
    let mut tftp = Tftp::new(Limits::default());
    let mut store = ContentStore::new(limits);
    let mut events = Vec::new();
    for (index, Sent { src, dst, payload }) in sent.iter().enumerate() {
        let number = index as u64 + 1;
        let time = Timestamp::from_nanos(i64::try_from(number).unwrap() * 1_000_000);
        let moment = Moment { time, frame: FrameId { source: 0, number } };
        tftp.datagram(
            &Datagram { src: *src, dst: *dst, payload, missing: 0, hardware: None },
            moment,
            &mut store,
            &mut events,
        );
    }
    tftp.finish(&mut store, &mut events);
    assert_eq!(store.held(), 0, "nothing is left when everything is over");
    let mut downloads = BTreeMap::new();
    for event in events {
        let Event::Download(download) = event else { continue };
        assert_eq!(download.length().is_some(), download.outcome() == Outcome::Complete);
        assert_eq!(download.reason().is_some(), !matches!(download.outcome(), Outcome::Complete | Outcome::Pending));
        keep(&mut downloads, *download);
    }
    downloads.into_values().collect()
}

fn only(mut downloads: Vec<Download>) -> Download {
    assert_eq!(downloads.len(), 1, "{downloads:#?}");
    downloads.remove(0)
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from((n * 7 + n / 256) % 251).unwrap()).collect()
}

#[track_caller]
fn assert_complete(download: &Download, file: &[u8]) {
    assert_eq!(download.outcome(), Outcome::Complete, "{:?}", download.reason());
    assert_eq!(download.digests(), Some(Digests::of(file)));
    assert_eq!(download.length(), Some(file.len() as u64));
}

#[track_caller]
fn assert_incomplete(download: &Download, reason: &str) {
    assert_eq!((download.outcome(), download.reason().as_deref()), (Outcome::Incomplete, Some(reason)));
}

#[test]
fn the_list_of_the_source_documents() {
    // domain.md 4.3: 5438 bytes are 10 full blocks and 318 bytes.
    let file = bytes(5438);
    let sent = exchange(&file, PLAIN);
    assert_eq!(sent.len(), 1 + 2 * 11);
    let download = only(dissect(&sent));
    assert_complete(&download, &file);
    assert_eq!(download.asked_for.as_deref(), Some("ITLSEP0011215A1AE3.tlv"));
    assert_eq!((download.client, download.server), (phone(), server()));
    assert_eq!((download.span.first.frame.number, download.span.last.frame.number), (1, 23));
    assert_eq!(download.retransmits, 0);
}

#[test]
fn a_file_of_whole_blocks_ends_with_an_empty_one() {
    let file = bytes(1024);
    let mut sent = exchange(&file, PLAIN);
    assert_complete(&only(dissect(&sent)), &file);
    sent.truncate(sent.len() - 2);
    assert_incomplete(&only(dissect(&sent)), "the end is missing: nothing follows block 2 (512 bytes)");
    // Unless its size was announced.
    let mut sent = exchange(&file, Negotiated { size: true, ..PLAIN });
    sent.truncate(sent.len() - 2);
    assert_complete(&only(dissect(&sent)), &file);
    let empty = exchange(&[], PLAIN);
    assert_complete(&only(dissect(&empty)), &[]);
}

#[test]
fn a_block_that_the_capture_dropped() {
    let mut sent = exchange(&bytes(5438), PLAIN);
    sent.remove(1 + 2 * 6);
    let reason = "block 7 of 11 is missing from the capture; the phone acknowledged it, so the capture dropped it";
    assert_incomplete(&only(dissect(&sent)), reason);
    sent.retain(|sent| sent.payload[..2] != [0, 4]);
    assert_incomplete(&only(dissect(&sent)), "block 7 of 11 is missing from the capture");
    sent.remove(3);
    assert_incomplete(&only(dissect(&sent)), "2 blocks of 11 are missing from the capture, the first is block 3");
}

#[test]
fn the_end_that_the_capture_dropped() {
    let mut sent = exchange(&bytes(1100), PLAIN);
    sent.remove(5);
    let reason = "the end is missing: block 2 is the last one seen, block 3 and what follows is not in the capture; \
                  the phone acknowledged it, so the capture dropped it";
    assert_incomplete(&only(dissect(&sent)), reason);
}

#[test]
fn a_server_that_gives_up() {
    let mut sent = exchange(&bytes(1100), PLAIN);
    sent.truncate(4);
    sent.extend([sent[3].clone(), sent[3].clone()]);
    let download = only(dissect(&sent));
    let reason = "the end is missing: nothing follows block 2 (512 bytes), which the phone did not acknowledge; \
                  the server sent it 3 times";
    assert_incomplete(&download, reason);
    assert_eq!(download.retransmits, 2);
}

#[test]
fn retransmissions_are_counted_and_do_no_harm() {
    let file = bytes(700);
    let plain = exchange(&file, PLAIN);
    let order = [0, 0, 1, 1, 2, 1, 2, 3, 4, 3, 4];
    let sent: Vec<_> = order.iter().map(|&index| plain[index].clone()).collect();
    let download = only(dissect(&sent));
    assert_complete(&download, &file);
    assert_eq!(download.retransmits, 4, "one request, block 1 twice and block 2 once");
}

#[test]
fn two_copies_that_differ_give_no_checksum() {
    let file = bytes(1100);
    for at in [2, 4, 6] {
        let mut sent = exchange(&file, PLAIN);
        let mut copy = sent[at - 1].clone();
        copy.payload[10] ^= 1;
        sent.insert(at, copy);
        assert_incomplete(&only(dissect(&sent)), &format!("two copies of block {} differ", at / 2));
    }
}

#[test]
fn copies_that_differ_before_their_turn() {
    let file = bytes(2000);
    let mut sent = exchange(&file, Negotiated { block: Some(100), window: Some(8), size: false });
    let mut copy = sent[5].clone();
    copy.payload[10] ^= 1;
    sent.swap(3, 4);
    sent.insert(6, copy);
    assert_incomplete(&only(dissect(&sent)), "two copies of block 3 differ");
}

#[test]
fn an_error_is_an_answer() {
    let missing = Sent { src: tid(), dst: phone(), payload: error(1, "File not found") };
    let download = only(dissect(&[read("CTLSEP0011215A1AE3.tlv", &[]), missing.clone()]));
    assert_eq!(download.outcome(), Outcome::Refused);
    assert_eq!(download.reason().as_deref(), Some("ERROR 1 (File not found)"));
    let text = Sent { payload: error(0, "no such\u{1b}[31m luck"), ..missing };
    let download = only(dissect(&[read("CTLSEP0011215A1AE3.tlv", &[]), text]));
    assert_eq!(download.reason().as_deref(), Some("ERROR 0 (not defined): no such\u{1b}[31m luck"));
}

#[test]
fn refused_options_and_the_request_without_them() {
    let file = bytes(900);
    let mut sent = vec![
        read("ITLSEP0011215A1AE3.tlv", &[("blksize", 1428)]),
        Sent { src: tid(), dst: phone(), payload: error(8, "") },
    ];
    sent.extend(exchange(&file, PLAIN));
    let downloads = dissect(&sent);
    assert_eq!(downloads.len(), 2);
    assert_eq!(downloads[0].reason().as_deref(), Some("ERROR 8 (Options refused)"));
    assert_complete(&downloads[1], &file);
}

#[test]
fn an_error_in_the_middle_from_either_side() {
    let sent = exchange(&bytes(5438), PLAIN);
    let full = [&sent[..4], &[up(error(3, "too large"))]].concat();
    let reason = "the phone ended the transfer with ERROR 3 (Disk full or allocation exceeded): too large";
    assert_incomplete(&only(dissect(&full)), reason);
    let server = [&sent[..4], &[down(error(0, "read failed"))]].concat();
    assert_incomplete(&only(dissect(&server)), "the server ended the transfer with ERROR 0 (not defined): read failed");
}

#[test]
fn nobody_answers() {
    let request = read("SEP0011215A1AE3.cnf.xml.sgn", &[]);
    let download = only(dissect(&[request.clone(), request.clone(), request]));
    assert_eq!((download.outcome(), download.retransmits), (Outcome::Unanswered, 2));
    assert_eq!(download.reason().as_deref(), Some("no answer to 3 requests in 0.0 s"));
}

#[test]
fn only_the_phones_side() {
    let mut sent = exchange(&bytes(5438), PLAIN);
    sent.retain(|sent| sent.src == phone());
    sent.push(Sent { src: address("14.48.44.203:1111"), ..read("CTLSEP0011215A1AE4.tlv", &[]) });
    let downloads = dissect(&sent);
    let reason = "only the phone's packets were captured: it acknowledged blocks up to 11, the data was not seen";
    assert_incomplete(&downloads[0], reason);
    let reason = "only the phones' packets to this server were captured: whether it answered is not known";
    assert_incomplete(&downloads[1], reason);
}

#[test]
fn only_the_servers_side() {
    let file = bytes(5438);
    let mut sent = exchange(&file, PLAIN);
    sent.retain(|sent| sent.dst == phone());
    let download = only(dissect(&sent));
    assert_complete(&download, &file);
    assert_eq!((download.asked_for, download.server), (None, tid()));
    // One block alone does not say how long a full block is.
    assert!(dissect(&[data(1, &bytes(100))]).is_empty(), "nothing says what this is");
    assert!(dissect(&[data(2, &bytes(100))]).is_empty(), "nor this");
}

#[test]
fn options_accepted_and_the_acceptance_lost() {
    let file = bytes(3000);
    let sent = exchange(&file, Negotiated { block: Some(1428), window: None, size: true });
    assert_complete(&only(dissect(&sent)), &file);
    let without_oack = [&sent[..1], &sent[2..]].concat();
    assert_complete(&only(dissect(&without_oack)), &file);
    // One block of 512 bytes: the whole file if the server took 1428, the first block if it ignored the option.
    let ambiguous = [read("f", &[("blksize", 1428)]), data(1, &bytes(512))];
    assert_incomplete(&only(dissect(&ambiguous)), "the end is missing: nothing follows block 1 (512 bytes)");
    // Acknowledged at once: there was no option acknowledgment.
    let short = [read("f", &[("blksize", 1428)]), data(1, &bytes(511)), ack(1)];
    assert_complete(&only(dissect(&short)), &bytes(511));
    assert_incomplete(&only(dissect(&short[..2])), "the end is missing: nothing follows block 1 (511 bytes)");
}

#[test]
fn an_announced_size_that_is_wrong() {
    let sent = [read("f", &[("tsize", 0)]), oack(&[("tsize", 999)]), data(1, &bytes(100)), ack(1)];
    assert_incomplete(&only(dissect(&sent)), "the server announced 999 bytes (tsize) but sent 100");
}

#[test]
fn sizes_that_no_transfer_has() {
    let sent = [read("f", &[]), data(1, &bytes(512)), data(2, &bytes(100)), data(3, &bytes(5))];
    assert_incomplete(&only(dissect(&sent)), "block 3 follows block 2, which was short and so the last");
    let sent = [read("f", &[("blksize", 600)]), data(1, &bytes(512)), data(2, &bytes(600))];
    assert_incomplete(&only(dissect(&sent)), "block 2 is longer than the blocks before it");
}

#[test]
fn a_slow_server_answers_twice_from_two_ports() {
    let file = bytes(900);
    let mut sent = exchange(&file, PLAIN);
    let second = address("14.48.44.80:40001");
    let again = sent[0].clone();
    sent.insert(1, again);
    let late = Sent { src: second, ..sent[2].clone() };
    sent.insert(4, late);
    sent.insert(5, Sent { src: phone(), dst: second, payload: error(5, "Unknown transfer ID") });
    let download = only(dissect(&sent));
    assert_complete(&download, &file);
    assert_eq!(download.retransmits, 1);
}

#[test]
fn the_second_answer_after_the_first_is_done() {
    let file = bytes(900);
    let mut sent = exchange(&file, PLAIN);
    sent.push(Sent { src: address("14.48.44.80:40001"), ..sent[1].clone() });
    assert_complete(&only(dissect(&sent)), &file);
}

#[test]
fn answers_from_port_69_and_from_another_address() {
    let file = bytes(1500);
    for answering in [server(), address("14.48.44.81:50000")] {
        let mut sent = exchange(&file, PLAIN);
        for sent in &mut sent[1..] {
            for end in [&mut sent.src, &mut sent.dst] {
                if *end == tid() {
                    *end = answering;
                }
            }
        }
        let download = only(dissect(&sent));
        assert_complete(&download, &file);
        assert_eq!(download.server, server(), "the one that was asked");
    }
}

#[test]
fn two_phones_use_one_port_number_and_the_server_answers_both_from_69() {
    let files = [bytes(1500), bytes(1400)];
    let phones = [phone(), address("14.48.44.203:30454")];
    let exchanges = [0, 1].map(|index: usize| {
        let mut sent = exchange(&files[index], PLAIN);
        for sent in &mut sent {
            for end in [&mut sent.src, &mut sent.dst] {
                *end = if *end == phone() { phones[index] } else { server() };
            }
        }
        sent
    });
    let sent: Vec<_> = exchanges[0].iter().zip(&exchanges[1]).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    let downloads = dissect(&sent);
    assert_eq!(downloads.len(), 2);
    assert_complete(&downloads[0], &files[0]);
    assert_complete(&downloads[1], &files[1]);
}

#[test]
fn a_client_port_used_at_once_for_the_next_file() {
    let (first, second) = (bytes(1300), bytes(1200));
    let mut sent = exchange(&first, PLAIN);
    let last_data = sent[5].clone();
    sent.extend(exchange(&second, PLAIN));
    // The server missed the last acknowledgment and repeats the last block into the next transfer.
    sent.insert(8, last_data);
    for file_server in [tid(), address("14.48.44.80:40009")] {
        let mut sent = sent.clone();
        for sent in &mut sent[9..] {
            for end in [&mut sent.src, &mut sent.dst] {
                if *end == tid() {
                    *end = file_server;
                }
            }
        }
        let downloads = dissect(&sent);
        assert_eq!(downloads.len(), 2);
        assert_complete(&downloads[0], &first);
        assert_complete(&downloads[1], &second);
    }
}

#[test]
fn files_without_their_requests_at_one_client_port() {
    let (first, second) = (bytes(1300), bytes(5000));
    let other = address("14.48.44.80:40009");
    for (answering, expected) in [(tid(), 2), (other, 2)] {
        let mut sent = exchange(&first, PLAIN);
        sent.extend(exchange(&second[1..], PLAIN).into_iter().map(|mut sent| {
            if sent.src == tid() {
                sent.src = answering;
            }
            sent
        }));
        sent.retain(|sent| sent.dst == phone());
        let downloads = dissect(&sent);
        assert_eq!(downloads.len(), expected);
        assert_complete(&downloads[0], &first);
        assert_complete(&downloads[1], &second[1..]);
    }
}

#[test]
fn what_is_written_to_the_server_is_no_download() {
    let write = Sent { src: phone(), dst: server(), payload: b"\0\x02f\0octet\0".to_vec() };
    let sent = [write, down([0, 4, 0, 0]), up([&[0, 3, 0, 1][..], &bytes(100)].concat()), down([0, 4, 0, 1])];
    assert!(dissect(&sent).is_empty());
}

#[test]
fn a_phone_that_begins_again() {
    let file = bytes(1500);
    let sent = exchange(&file, PLAIN);
    let twice = [&sent[..3], &sent[..]].concat();
    let downloads = dissect(&twice);
    assert_eq!(downloads.len(), 2);
    assert_eq!(downloads[0].outcome(), Outcome::Incomplete);
    assert_complete(&downloads[1], &file);
}

/// Found by fuzzing: the block far behind waited for ever for those before it, and the file stayed complete.
#[test]
fn a_block_far_behind_the_last_takes_the_file_back() {
    let asked = [read("f", &[("blksize", 4096)]), oack(&[("blksize", 4096)]), ack(0)];
    let sent = [&asked[..], &[data(1, &bytes(2048)), data(11, &bytes(318)), ack(11)]].concat();
    assert_incomplete(&only(dissect(&sent)), "block 11 follows block 1, which was short and so the last");
}

#[test]
fn block_numbers_roll_over_to_zero() {
    let file = bytes(8 * 65_540);
    let negotiated = Negotiated { block: Some(8), window: None, size: false };
    let sent = exchange(&file, negotiated);
    assert_complete(&only(dissect(&sent)), &file);
    let is_block_zero = |sent: &Sent| sent.payload.len() > 4 && sent.payload[..4] == [0, 3, 0, 0];
    let without: Vec<_> = sent.iter().filter(|sent| !is_block_zero(sent)).cloned().collect();
    assert_eq!(without.len(), sent.len() - 1);
    assert_eq!(only(dissect(&without)).outcome(), Outcome::Incomplete);
    let one_sided: Vec<_> = without.iter().filter(|sent| sent.src != phone()).cloned().collect();
    assert_eq!(only(dissect(&one_sided)).outcome(), Outcome::Incomplete);
}

#[test]
fn block_numbers_roll_over_to_one() {
    for (size, one_sided, outcome) in [
        (false, false, Outcome::Complete),
        (true, true, Outcome::Complete),
        // Neither acknowledgments nor a size: block 0 may have been lost, so nothing is claimed.
        (false, true, Outcome::Incomplete),
    ] {
        let file = bytes(8 * 65_540);
        let mut sent = exchange(&file, Negotiated { block: Some(8), window: None, size });
        for sent in sent.iter_mut().skip_while(|sent| sent.payload[..4] != [0, 4, 0xff, 0xff]).skip(1) {
            let number = u16::from_be_bytes([sent.payload[2], sent.payload[3]]) + 1;
            sent.payload[2..4].copy_from_slice(&number.to_be_bytes());
        }
        if one_sided {
            sent.retain(|sent| sent.src != phone());
        }
        let download = only(dissect(&sent));
        assert_eq!(download.outcome(), outcome, "{size} {one_sided} {:?}", download.reason());
        if outcome == Outcome::Complete {
            assert_complete(&download, &file);
        }
    }
}

#[test]
fn netascii_gives_the_file_that_the_server_holds() {
    let mut payload = b"\0\x01RINGLIST.XML\0NetASCII\0".to_vec();
    let request = Sent { src: phone(), dst: server(), payload: std::mem::take(&mut payload) };
    let wire = [b"a\r\nb\r\0c".to_vec(), vec![b'x'; 504], b"\r\nend".to_vec()].concat();
    let sent = [request, data(1, &wire[..512]), ack(1), data(2, &wire[512..]), ack(2)];
    let file = [b"a\nb\rc".to_vec(), vec![b'x'; 504], b"\nend".to_vec()].concat();
    assert_complete(&only(dissect(&sent)), &file);
}

#[test]
fn a_frame_cut_by_the_snap_length_is_missing_data() {
    let mut tftp = Tftp::new(Limits::default());
    let mut store = ContentStore::new(ContentLimits::default());
    let mut events = Vec::new();
    let file = bytes(700);
    for (index, Sent { src, dst, payload }) in exchange(&file, PLAIN).iter().enumerate() {
        let moment = Moment { frame: FrameId { source: 0, number: index as u64 + 1 }, ..Moment::default() };
        let kept = payload.len().min(60);
        let missing = payload.len() - kept;
        let udp = Datagram { src: *src, dst: *dst, payload: &payload[..kept], missing, hardware: None };
        tftp.datagram(&udp, moment, &mut store, &mut events);
    }
    tftp.finish(&mut store, &mut events);
    let Some(Event::Download(download)) = events.pop() else { panic!() };
    let reason = "block 1 is cut by the capture's snap length: frame 2 holds 56 of its 512 bytes";
    assert_incomplete(&download, reason);
}

#[test]
fn memory_for_late_blocks_is_bounded() {
    let limits = ContentLimits { reorder: 2000, ..ContentLimits::default() };
    let mut sent = exchange(&bytes(10_000), PLAIN);
    sent.remove(1);
    let download = only(dissect_with(&sent, limits));
    let reason = "block 1 of 20 is missing from the capture; the phone acknowledged it, so the capture dropped it";
    assert_incomplete(&download, reason);
}

fn any_exchange() -> impl Strategy<Value = (Vec<u8>, Vec<Sent>)> {
    let options = (
        prop::option::of(prop::sample::select(vec![8usize, 100, 512, 1000])),
        prop::option::of(1usize..6),
        any::<bool>(),
    );
    (0usize..3000, options).prop_map(|(length, (block, window, size))| {
        let file = bytes(length);
        let sent = exchange(&file, Negotiated { block, window, size });
        (file, sent)
    })
}

/// Whatever was done to the exchange: a download that claims to be complete has the file's checksum.
fn assert_right_or_absent(sent: &[Sent], file: &[u8]) -> Result<(), TestCaseError> {
    for download in dissect(sent) {
        if download.outcome() == Outcome::Complete {
            prop_assert_eq!(download.digests(), Some(Digests::of(file)));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_undisturbed_exchange_is_complete((file, sent) in any_exchange()) {
        let download = only(dissect(&sent));
        prop_assert_eq!(download.outcome(), Outcome::Complete, "{:?}", download.reason());
        prop_assert_eq!(download.digests(), Some(Digests::of(&file)));
        prop_assert_eq!(download.retransmits, 0);
    }

    #[test]
    fn without_any_one_packet_the_checksum_is_right_or_absent((file, sent) in any_exchange(), lost in any::<prop::sample::Index>()) {
        let mut sent = sent;
        sent.remove(lost.index(sent.len()));
        assert_right_or_absent(&sent, &file)?;
    }

    #[test]
    fn without_many_packets_the_checksum_is_right_or_absent(
        (file, sent) in any_exchange(),
        kept in prop::collection::vec(prop::bool::weighted(0.8), 800),
    ) {
        let sent: Vec<_> = sent.iter().zip(kept.iter().cycle()).filter(|(_, kept)| **kept).map(|(sent, _)| sent.clone()).collect();
        assert_right_or_absent(&sent, &file)?;
    }

    #[test]
    fn order_and_repetition_do_not_change_the_checksum(
        (file, sent) in any_exchange(),
        moves in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, any::<bool>()), 0..20),
    ) {
        let mut sent = sent;
        for (index, distance, copy) in moves {
            let from = index.index(sent.len());
            if from == 0 {
                continue;
            }
            let packet = if copy { sent[from].clone() } else { sent.remove(from) };
            let to = (from + distance).min(sent.len());
            sent.insert(to, packet);
        }
        let downloads = dissect(&sent);
        prop_assert!(downloads.iter().any(|download| download.outcome() == Outcome::Complete));
        assert_right_or_absent(&sent, &file)?;
    }

    #[test]
    fn any_bytes_do_no_harm(sent in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..40), 0u8..7), 0..30)) {
        let sent: Vec<_> = sent.into_iter().map(|(from_phone, mut payload, opcode)| {
            payload.splice(0..0, [0, opcode]);
            if from_phone { up(payload) } else { down(payload) }
        }).collect();
        dissect(&sent);
    }
}
