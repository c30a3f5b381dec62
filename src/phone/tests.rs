//! Whose is what: phones, hosts and addresses.

use super::*;
use crate::capture::{FrameId, Moment, Span};
use crate::event::{Download, DownloadEnding, Event, Lease, Refusal, Service, Taken, TlsSession, Transport};
use crate::packet::at;

const ONE: &str = "SEP000000000001";
const TWO: &str = "SEP000000000002";

fn roster(phones: usize) -> Roster {
    Roster::new(Files::new(&[]), Limits { phones, ..Limits::default() })
}

fn moment(number: u64, seconds: f64) -> Moment {
    Moment { time: at(seconds), frame: FrameId { source: 0, number } }
}

/// A download: whole and acknowledged, refused, or merely asked for.
fn download(id: u64, file: &str, client: &str, seconds: f64, ending: DownloadEnding) -> Event {
    let taken = if matches!(ending, DownloadEnding::Complete { .. }) { Taken::Acknowledged } else { Taken::Open };
    Event::Download(Box::new(Download {
        id,
        transport: Transport::Tftp,
        asked_for: Some(file.to_owned()),
        client: format!("{client}:{}", 1000 + id % 60_000).parse().unwrap(),
        server: "14.48.44.80:69".parse().unwrap(),
        ending,
        taken,
        client_seen: true,
        hardware: None,
        content: None,
        hashed: None,
        retransmits: 0,
        completed: Some(moment(id, seconds)),
        span: Span::starting(moment(id, seconds)),
    }))
}

const WHOLE: DownloadEnding = DownloadEnding::Complete { length: 1 };

fn not_found() -> DownloadEnding {
    DownloadEnding::Refused(Refusal::Tftp { code: 1, message: String::new() })
}

/// List and configuration of a device, from one address.
fn boot(roster: &mut Roster, id: u64, device: &str, client: &str, seconds: f64) {
    roster.event(download(id, &format!("ITL{device}.tlv"), client, seconds, WHOLE));
    roster.event(download(id + 1, &format!("{device}.cnf.xml.sgn"), client, seconds + 1.0, WHOLE));
}

fn session(roster: &mut Roster, number: u64, client: &str, seconds: f64) {
    let (client, server) = (format!("{client}:40000").parse().unwrap(), "14.48.44.80:2445".parse().unwrap());
    let begun = TlsSession::begun(number, Service::Tvs, client, server, moment(number, seconds));
    roster.event(Event::Tls(Box::new(TlsSession { server_answered: true, ..begun })));
}

fn lease(roster: &mut Roster, number: u64, address: &str, hardware: [u8; 6]) {
    let moment = moment(number, 0.0);
    roster.event(Event::Lease(Box::new(Lease { address: address.parse().unwrap(), hardware, moment })));
}

fn labels(roster: &Roster) -> Vec<(String, usize)> {
    roster.phones().iter().map(|phone| (phone.label(), phone.downloads.len())).collect()
}

/// How the sessions of a phone are its own.
fn how(roster: &Roster, device: &str) -> Vec<Attribution> {
    let phone = roster.find(&PhoneKey::Device(DeviceName::new(device).unwrap())).unwrap();
    phone.sessions.iter().map(|session| session.how).collect()
}

#[test]
fn one_phone_in_two_spellings_and_its_common_files() {
    let mut roster = roster(10);
    roster.event(download(1, "CTLSEP0011215A1AE3.tlv", "10.0.0.1", 0.0, DownloadEnding::Open));
    roster.event(download(1, "CTLSEP0011215A1AE3.tlv", "10.0.0.1", 0.0, not_found()));
    roster.event(download(2, "CTLFile.tlv", "10.0.0.1", 1.0, not_found()));
    roster.event(download(3, "sep0011215a1ae3.cnf.xml", "10.0.0.1", 2.0, WHOLE));
    assert_eq!(labels(&roster), [("SEP0011215A1AE3".to_owned(), 3)]);
}

#[test]
fn address_without_a_name_is_listed_by_itself() {
    let mut roster = roster(10);
    roster.event(download(1, "CTLFile.tlv", "10.0.0.9", 1.0, not_found()));
    assert_eq!(labels(&roster), [("10.0.0.9".to_owned(), 1)]);
}

#[test]
fn hosts_that_fetch_other_files_are_no_phones() {
    let mut roster = roster(10);
    roster.event(download(1, "network-confg", "10.0.0.9", 1.0, not_found()));
    roster.event(download(2, "CFB0011215A1AE3.cnf.xml", "10.0.0.8", 1.0, WHOLE));
    session(&mut roster, 3, "10.0.0.7", 2.0);
    assert_eq!(labels(&roster), []);
    let others: Vec<_> = roster.other_clients().iter().map(|other| other.address.unwrap().to_string()).collect();
    assert_eq!(others, ["10.0.0.7", "10.0.0.9", "10.0.0.8"]);
}

#[test]
fn session_at_the_address_that_took_the_files() {
    let mut roster = roster(10);
    session(&mut roster, 1, "10.0.0.1", 0.0);
    boot(&mut roster, 10, ONE, "10.0.0.1", 1.0);
    session(&mut roster, 20, "10.0.0.1", 5.0);
    assert_eq!(how(&roster, ONE), [Attribution::AtItsAddress, Attribution::Own(Ground::Files)]);
}

#[test]
fn a_list_alone_makes_no_home() {
    let mut roster = roster(10);
    roster.event(download(1, &format!("ITL{ONE}.tlv"), "10.0.0.1", 0.0, WHOLE));
    session(&mut roster, 2, "10.0.0.1", 5.0);
    assert_eq!(how(&roster, ONE), [Attribution::AtItsAddress]);
}

#[test]
fn who_reads_the_list_elsewhere_is_not_the_phone() {
    let mut roster = roster(10);
    boot(&mut roster, 1, ONE, "10.0.0.1", 0.0);
    roster.event(download(5, &format!("ITL{ONE}.tlv"), "10.0.0.99", 60.0, WHOLE));
    session(&mut roster, 6, "10.0.0.99", 61.0);
    assert_eq!(how(&roster, ONE), []);
    assert_eq!(roster.other_clients().len(), 1);
}

#[test]
fn a_server_that_fetches_for_phones_is_none() {
    let mut roster = roster(10);
    boot(&mut roster, 1, ONE, "10.0.0.1", 0.0);
    // The central server hands out files, and fetches the phone's.
    boot(&mut roster, 5, TWO, "14.48.44.80", 2.0);
    session(&mut roster, 9, "14.48.44.80", 3.0);
    assert_eq!(how(&roster, TWO), []);
}

#[test]
fn two_phones_at_one_address_share_it_for_good() {
    for pause in [5.0, 3600.0, 864_000.0] {
        let mut roster = roster(10);
        boot(&mut roster, 1, ONE, "10.0.0.1", 0.0);
        session(&mut roster, 5, "10.0.0.1", 2.0);
        boot(&mut roster, 10, TWO, "10.0.0.1", pause);
        session(&mut roster, 15, "10.0.0.1", pause + 2.0);
        assert_eq!((how(&roster, ONE), how(&roster, TWO)), (vec![Attribution::Shared], vec![Attribution::Shared]));
    }
}

#[test]
fn an_address_that_was_given_away_is_the_new_ones() {
    let own = vec![Attribution::Own(Ground::Files)];
    let mut roster = roster(10);
    boot(&mut roster, 1, ONE, "10.0.0.1", 0.0);
    session(&mut roster, 5, "10.0.0.1", 2.0);
    lease(&mut roster, 8, "10.0.0.1", [0, 0, 0, 0, 0, 2]);
    boot(&mut roster, 10, TWO, "10.0.0.1", 5.0);
    session(&mut roster, 15, "10.0.0.1", 7.0);
    assert_eq!((how(&roster, ONE), how(&roster, TWO)), (own.clone(), own));
}

#[test]
fn a_phone_that_moved_left_its_address() {
    let mut roster = roster(10);
    boot(&mut roster, 1, ONE, "10.0.0.1", 0.0);
    boot(&mut roster, 10, TWO, "10.0.0.1", 100.0);
    session(&mut roster, 15, "10.0.0.1", 102.0);
    assert_eq!(how(&roster, TWO), [Attribution::Shared]);
    boot(&mut roster, 20, ONE, "10.0.0.2", 200.0);
    assert_eq!(how(&roster, TWO), [Attribution::Own(Ground::Files)]);
}

#[test]
fn the_engineer_says_whose_an_address_is() {
    let mut roster = roster(10);
    roster.set_told([("10.0.0.1".parse().unwrap(), DeviceName::new(ONE).unwrap())].into());
    roster.event(download(1, &format!("ITL{ONE}.tlv"), "10.0.0.1", 0.0, WHOLE));
    session(&mut roster, 2, "10.0.0.1", 5.0);
    assert_eq!(how(&roster, ONE), [Attribution::Own(Ground::Told)]);
}

#[test]
fn what_was_forgotten_of_an_address_makes_it_shared() {
    let mut roster = roster(1);
    boot(&mut roster, 1, ONE, "10.0.0.1", 0.0);
    boot(&mut roster, 10, TWO, "10.0.0.1", 100.0);
    session(&mut roster, 15, "10.0.0.1", 102.0);
    assert!(roster.forgotten() > 0 && roster.lost_phones() > 0);
    assert_eq!(how(&roster, TWO), [Attribution::Shared]);
}

#[test]
fn data_beside_requests_was_not_asked_for() {
    let mut roster = roster(10);
    boot(&mut roster, 1, ONE, "10.0.0.1", 0.0);
    let Event::Download(mut late) = download(9, "ITLFile.tlv", "10.0.0.1", 50.0, WHOLE) else { unreachable!() };
    (late.client_seen, late.asked_for, late.taken) = (false, None, Taken::Open);
    roster.event(Event::Download(late));
    let phone = roster.phones().remove(0);
    assert_eq!(phone.downloads.iter().map(|download| download.taken).next_back(), Some(Taken::Unasked));
}

#[test]
fn what_weighs_most_goes_first() {
    let bytes = 64 << 10;
    let mut roster = Roster::new(Files::new(&[]), Limits { bytes, ..Limits::default() });
    roster.event(download(1, "ITLSEP000000000001.tlv", "10.0.0.1", 0.0, WHOLE));
    for id in 2..2000 {
        let address = format!("10.1.0.{}", id % 50);
        let long = format!("SEP{id:012X}.cnf.xml{}", "x".repeat(400));
        roster.event(download(id, &long, &address, 1.0, WHOLE));
        let (devices, addresses) = roster.held();
        assert!(devices <= 100 && addresses <= 51, "{devices}, {addresses}");
    }
    assert!(labels(&roster).iter().any(|(label, _)| label == ONE), "it weighs less than the others");
}

#[test]
fn announced_again_is_not_more() {
    let bytes = 64 << 10;
    let mut roster = Roster::new(Files::new(&[]), Limits { bytes, ..Limits::default() });
    for second in 0..2000 {
        roster.event(download(1, "ITLSEP000000000001.tlv", "10.0.0.1", f64::from(second), DownloadEnding::Open));
    }
    assert_eq!((labels(&roster), roster.forgotten()), (vec![(ONE.to_owned(), 1)], 0));
}

#[test]
fn a_flood_of_names_does_not_push_out_real_phones() {
    let mut roster = roster(100);
    for number in 0..50u64 {
        roster.event(download(number, &format!("ITLSEP{number:012}.tlv"), &format!("10.0.0.{number}"), 0.0, WHOLE));
    }
    for number in 100..20_000u64 {
        let file = format!("ITLSEP{number:012}.tlv");
        let client = format!("10.1.{}.{}", number / 250, number % 250);
        roster.event(download(number, &file, &client, 1.0, DownloadEnding::Open));
    }
    let phones = roster.phones();
    let with_list = |phone: &&Phone| phone.downloads.iter().any(|download| download.is_complete(FileKind::Itl));
    assert_eq!(phones.iter().filter(with_list).count(), 50);
    assert!(roster.held().0 <= 100 && roster.forgotten() > 0);
    assert_eq!(roster.lost_phones(), 0, "names alone are no phones");
}

#[test]
fn a_flood_of_names_from_one_address_is_no_work() {
    let mut roster = roster(1000);
    for number in 0..20_000u64 {
        roster.event(download(number, &format!("ITLSEP{number:012}.tlv"), "10.0.0.1", 0.0, DownloadEnding::Open));
    }
    let station = roster.stations.get(&"10.0.0.1".parse().unwrap()).unwrap();
    assert!(station.tenants.stays.len() <= tenancy::MOST_STAYS && station.tenants.has_lost_some);
}
