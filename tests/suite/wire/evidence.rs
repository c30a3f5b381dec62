//! What captures show of acceptance, of refusal, and of what a phone took: nothing more than their frames carry.

use std::collections::BTreeMap;
use std::path::Path;

use itlscope::capture::Moment;
use itlscope::digest::Digests;
use itlscope::dissect::{Dissector, Settings};
use itlscope::event::{
    CertificateStatus, Download, Event, How, Outcome, Service, SessionEnding, SessionOutcome, Side, Taken, TlsSession,
    TvsAnswer,
};
use itlscope::packet::Decoder;
use itlscope::testkit::{self, Owned};

use super::case;

/// What is told of these frames in the end.
fn told(frames: &[Owned]) -> (Vec<Download>, Vec<TlsSession>) {
    let (mut decoder, mut dissector) = (Decoder::default(), Dissector::new(&Settings::default()));
    let mut events = Vec::new();
    for (number, frame) in (1..).zip(frames) {
        let frame = frame.frame(number);
        if let Some(packet) = decoder.decode(&frame) {
            dissector.packet(&packet, Moment::from(&frame), &mut events);
        }
    }
    dissector.finish(&mut events);
    let (mut downloads, mut sessions) = (BTreeMap::<u64, Download>::new(), BTreeMap::new());
    for event in events {
        match event {
            Event::Download(mut download) => {
                let before = downloads.remove(&download.id);
                if download.outcome() == Outcome::Complete {
                    download.content = download.content.or(before.and_then(|before| before.content));
                }
                downloads.insert(download.id, *download);
            }
            Event::Tls(session) => {
                sessions.insert(session.id, *session);
            }
            _ => {}
        }
    }
    (downloads.into_values().collect(), sessions.into_values().collect())
}

fn evidence(name: &str) -> (Vec<Download>, Vec<TlsSession>) {
    told(&testkit::read(&format!("{}/tests/fixtures/evidence/{name}.pcap", env!("CARGO_MANIFEST_DIR"))))
}

/// The sessions with TVS.
fn tvs(name: &str) -> Vec<TlsSession> {
    let sessions: Vec<_> = evidence(name).1.into_iter().filter(|session| session.service == Service::Tvs).collect();
    assert!(!sessions.is_empty(), "{name}");
    sessions
}

/// The downloads of the ITL: what was asked for, and what came besides.
fn lists(name: &str) -> (Download, Vec<Download>) {
    let (downloads, _) = evidence(name);
    let is_asked = |download: &Download| download.asked_for.as_deref().is_some_and(|file| file.starts_with("ITLSEP"));
    let asked = downloads.iter().find(|download| is_asked(download)).unwrap().clone();
    (asked, downloads.into_iter().filter(|download| download.asked_for.is_none()).collect())
}

fn is_judged(session: &TlsSession) -> bool {
    matches!(session.ending, SessionEnding::Established { judged: true, .. })
}

#[test]
fn stale_acknowledgments_change_nothing() {
    for (odd, plain) in [("challenge-ack-healthy", "healthy"), ("challenge-ack-http-6970", "http-6970")] {
        let facts = |(downloads, sessions): (Vec<Download>, Vec<TlsSession>)| {
            let downloads: Vec<(Option<String>, Outcome, Option<Digests>, Taken)> = downloads
                .into_iter()
                .map(|download| (download.asked_for.clone(), download.outcome(), download.digests(), download.taken))
                .collect();
            let sessions: Vec<(SessionOutcome, Option<String>, CertificateStatus)> = sessions
                .into_iter()
                .map(|session| (session.outcome(), session.reason(), session.certificate_status))
                .collect();
            (downloads, sessions)
        };
        assert_eq!(facts(evidence(odd)), facts(told(&case(plain))), "{odd}");
    }
}

#[test]
fn tls_1_3_without_proved_data_shows_no_acceptance() {
    for name in ["tls13-alert-instead-of-data", "tls13-padded-alert", "tls13-finished-and-no-more"] {
        for session in tvs(name) {
            assert_eq!((session.milestones.client_data, is_judged(&session)), (None, false), "{name}");
        }
    }
}

#[test]
fn clear_record_does_not_hide_the_refusal() {
    for session in tvs("clear-record-hides-the-refusal") {
        let refused = matches!(session.ending, SessionEnding::Refused { by: Side::Client, how: How::Fatal(_), .. });
        assert!(refused, "{:?}", session.ending);
    }
}

#[test]
fn half_a_resumption_shows_no_certificate() {
    for session in tvs("resumption-with-the-servers-flight-lost") {
        assert_eq!(session.certificate_status, CertificateStatus::Resumed);
        assert!(!is_judged(&session));
    }
}

#[test]
fn key_that_was_never_proved() {
    for session in tvs("certificate-shown-key-never-proved") {
        assert_ne!(session.outcome(), SessionOutcome::Established);
        assert!(session.certificate.is_some() && session.server_answered);
    }
}

#[test]
fn two_connections_on_one_port_pair() {
    let sessions = tvs("two-connections-on-one-port-pair");
    assert_eq!(sessions.len(), 2);
    let serials: Vec<_> =
        sessions.iter().map(|session| session.certificate.as_ref().unwrap().serial.to_string()).collect();
    assert_ne!(serials[0], serials[1]);
    assert_eq!([is_judged(&sessions[0]), is_judged(&sessions[1])], [false, true]);
}

#[test]
fn answers_without_a_certificate_are_a_no() {
    for session in tvs("tvs-answers-no") {
        assert_eq!(session.tvs_exchange.unwrap().answer, TvsAnswer::No);
    }
}

#[test]
fn phones_side_alone_shows_that_tvs_answered() {
    for session in tvs("only-the-phones-side-of-tvs") {
        assert!(session.server_answered);
        assert!(matches!(session.ending, SessionEnding::Unseen(_)), "{:?}", session.ending);
    }
}

#[test]
fn frame_of_the_alert_shows_the_refusal() {
    let sessions = tvs("frame-of-the-alert");
    let ends: Vec<_> = sessions.iter().map(|session| session.ending.at().unwrap().frame.number).collect();
    assert_eq!(ends, [47]);
}

#[test]
fn server_that_breaks_the_handshake() {
    for session in tvs("server-breaks-the-handshake") {
        assert!(matches!(session.ending, SessionEnding::Refused { by: Side::Server, .. }), "{:?}", session.ending);
    }
}

#[test]
fn answer_that_was_acknowledged_is_the_list() {
    for name in
        ["two-answers-one-acknowledged", "second-answer-longer-unacknowledged", "unacknowledged-answer-from-a-stranger"]
    {
        let (asked, others) = lists(name);
        assert_eq!((asked.outcome(), asked.taken), (Outcome::Complete, Taken::Acknowledged), "{name}");
        let [other] = &others[..] else { panic!("{name}: {others:#?}") };
        assert_eq!((other.outcome(), other.taken), (Outcome::Complete, Taken::Unasked), "{name}");
        assert_ne!(asked.digests(), other.digests(), "{name}");
    }
}

/// That nobody asked for it is only known beside what the client asked for elsewhere: `phone` says so.
#[test]
fn data_that_nobody_asked_for_is_no_answer() {
    let (asked, others) = lists("data-that-nobody-asked-for");
    assert_eq!((asked.outcome(), asked.taken), (Outcome::Complete, Taken::Acknowledged));
    let [other] = &others[..] else { panic!("{others:#?}") };
    assert_eq!((other.outcome(), other.taken, other.client_seen), (Outcome::Complete, Taken::Open, false));
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/evidence/data-that-nobody-asked-for.pcap");
    let [phone] = &testkit::phones(&testkit::read(&capture.display().to_string()))[..] else { panic!("one phone") };
    let known = phone.downloads.iter().find(|download| download.id == other.id).unwrap();
    assert_eq!(known.taken, Taken::Unasked);
}

#[test]
fn error_of_the_phone_behind_the_last_block() {
    let (asked, _) = lists("phone-ends-the-transfer-with-an-error");
    assert_eq!((asked.outcome(), asked.taken), (Outcome::Complete, Taken::Refused));
    assert!(asked.digests().is_some());
}

#[test]
fn repeated_last_block_moves_nothing() {
    let (asked, _) = lists("last-block-repeated-behind-the-refusal");
    let (_, sessions) = evidence("last-block-repeated-behind-the-refusal");
    let refused = sessions.iter().find_map(|session| session.ending.at()).unwrap();
    // Its acknowledgment came late: the file was whole before.
    assert!(asked.completed.unwrap().frame < refused.frame && refused.frame < asked.span.last.frame);
}
