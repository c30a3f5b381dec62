//! Sessions recorded from OpenSSL and tlslite-ng by `fixtures/wire/make.py`, against what OpenSSL says of the certificates.

use itlscope::engine::Limits;
use itlscope::event::{CertificateStatus, Service, SessionOutcome, TlsSession, TvsAnswer, TvsRequest};
use itlscope::testkit::{self, Owned, phones};

use super::fixture;

fn fact(who: &str, field: &str) -> String {
    let path = format!("{}/tests/fixtures/wire/facts.json", env!("CARGO_MANIFEST_DIR"));
    let facts: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    facts[who][field].as_str().unwrap().to_owned()
}

/// The sessions of everybody: of phones, and of clients of which no file of a phone was seen.
fn sessions_of(frames: &[Owned]) -> Vec<TlsSession> {
    let engine = testkit::engine(frames, &Limits::default());
    let phones = engine.phones();
    let of_phones = phones.iter().flat_map(|phone| phone.sessions.iter().map(|session| (**session).clone()));
    let others = engine.roster().other_clients();
    let of_others = others.iter().flat_map(|other| other.sessions.iter().map(|session| (**session).clone()));
    let mut sessions: Vec<TlsSession> = of_phones.chain(of_others).collect();
    sessions.sort_by_key(|session| session.span.first.frame);
    sessions
}

fn sessions(case: &str) -> Vec<TlsSession> {
    sessions_of(&fixture(&format!("tls-{case}.pcap")))
}

fn only(case: &str) -> TlsSession {
    let mut sessions = sessions(case);
    assert_eq!(sessions.len(), 1, "{case}");
    sessions.remove(0)
}

#[track_caller]
fn assert_presents(session: &TlsSession) {
    let certificate = session.certificate.as_ref().unwrap();
    assert_eq!(certificate.serial.to_string(), fact("tvs", "serial"));
    assert_eq!(certificate.sha1.to_string(), fact("tvs", "sha1"));
    assert_eq!(session.certificate_status, CertificateStatus::Seen);
}

#[test]
fn every_version_with_its_certificate() {
    for (case, version) in [
        ("ssl3", "SSL 3.0"),
        ("1.0", "TLS 1.0"),
        ("1.1", "TLS 1.1"),
        ("1.2", "TLS 1.2"),
        ("1.2-rsa-gcm", "TLS 1.2"),
        ("1.2-client-certificate", "TLS 1.2"),
        ("1.2-no-client-certificate", "TLS 1.2"),
    ] {
        let session = only(case);
        assert_presents(&session);
        assert_eq!(session.version.unwrap().to_string(), version);
        assert_eq!(session.outcome(), SessionOutcome::Established, "{case}");
    }
}

#[test]
fn tls_1_3_in_all_its_ways() {
    for (case, status) in [
        ("1.3", vec![CertificateStatus::Encrypted]),
        ("1.3-retry", vec![CertificateStatus::Encrypted]),
        ("1.3-client-certificate", vec![CertificateStatus::Encrypted]),
        ("1.3-resumed", vec![CertificateStatus::Encrypted, CertificateStatus::Resumed]),
    ] {
        let sessions = sessions(case);
        let found: Vec<_> = sessions.iter().map(|session| session.certificate_status).collect();
        assert_eq!(found, status, "{case}");
        for session in sessions {
            assert_eq!(session.version.unwrap().to_string(), "TLS 1.3");
            assert_eq!((session.outcome(), session.certificate), (SessionOutcome::Established, None), "{case}");
        }
    }
}

#[test]
fn resumed_sessions() {
    for case in ["resumed-by-id", "resumed-by-ticket"] {
        let [first, second] = &sessions(case)[..] else { panic!("{case}") };
        assert_presents(first);
        assert_eq!(
            (second.certificate_status, second.outcome()),
            (CertificateStatus::Resumed, SessionOutcome::Established)
        );
        assert!(second.certificate.is_none());
    }
}

#[test]
fn phones_are_named_by_their_certificates() {
    let phones = phones(&fixture("tls-1.2-client-certificate.pcap"));
    let phone = phones.iter().find(|phone| phone.name.is_some()).unwrap();
    assert_eq!((phone.label().as_str(), phone.model()), ("SEP0011215A1AE3", Some("CP-8861")));
    let certificate = phone.sessions[0].client_certificate.as_ref().unwrap();
    assert_eq!(certificate.serial.to_string(), fact("phone", "serial"));
    assert_eq!(certificate.sha1.to_string(), fact("phone", "sha1"));
}

#[test]
fn refusals() {
    for (case, outcome, reason) in [
        ("1.2-refused", SessionOutcome::Refused, "the phone sent the fatal alert unknown_ca"),
        ("1.3-refused", SessionOutcome::Refused, "the phone sent the fatal alert unknown_ca"),
        ("no-common-suite", SessionOutcome::Refused, "the server sent the fatal alert handshake_failure"),
        ("no-common-version", SessionOutcome::Refused, "the server sent the fatal alert protocol_version"),
        ("plain-http", SessionOutcome::Incomplete, "the server sent plain HTTP, not TLS"),
    ] {
        let session = only(case);
        assert_eq!((session.outcome(), session.reason().as_deref()), (outcome, Some(reason)), "{case}");
    }
    assert_presents(&only("1.2-refused"));
}

#[test]
fn every_port_is_read_for_what_it_is_for() {
    // The same session with the server on another port: Ethernet, IPv4 without options, TCP.
    for (port, service) in [
        (2445u16, Service::Tvs),
        (8443, Service::Tomcat),
        (6971, Service::Https),
        (6972, Service::Https),
        (5061, Service::Other),
    ] {
        let mut frames = fixture("tls-1.2.pcap");
        for frame in &mut frames {
            for at in [34, 36] {
                if frame.data[at..at + 2] == 2445u16.to_be_bytes() {
                    frame.data[at..at + 2].copy_from_slice(&port.to_be_bytes());
                }
            }
        }
        // Other ports are listed for phones only: this file says that it is one.
        frames.extend(testkit::tftp(
            &format!("{}:4000", client(&frames)),
            "10.9.9.9:69",
            "SEP0011215A1AE3.cnf.xml",
            b"x",
        ));
        let sessions = sessions_of(&frames);
        let [only] = &sessions[..] else { panic!("{port}: {sessions:#?}") };
        assert_presents(only);
        assert_eq!((only.service, only.server.port()), (service, port));
    }
}

/// The address that sent the first frame.
fn client(frames: &[Owned]) -> std::net::Ipv4Addr {
    <[u8; 4]>::try_from(&frames[0].data[26..30]).unwrap().into()
}

#[test]
fn what_was_asked_of_tvs() {
    // captures/maker/phone.py asks by the rules of the phones, and captures/maker/tvs.py answers: an unknown signer by name,
    // Tomcat's certificate by itself.
    for (case, expected) in [
        ("itl-differs", (TvsRequest::Query, TvsAnswer::Yes)),
        ("other-tvs", (TvsRequest::Query, TvsAnswer::Yes)),
        ("healthy", (TvsRequest::Verify, TvsAnswer::Unknown)),
        ("tls12", (TvsRequest::Verify, TvsAnswer::Yes)),
        ("tls13", (TvsRequest::Verify, TvsAnswer::Unknown)),
    ] {
        let sessions = sessions_of(&super::case(case));
        let exchanges: Vec<_> = sessions.iter().filter_map(|session| session.tvs_exchange.as_ref()).collect();
        let found = exchanges.iter().any(|exchange| (exchange.request, exchange.answer) == expected);
        assert!(found, "{case}: {exchanges:#?}");
    }
}

#[test]
fn an_old_hello_and_a_suite_without_certificates() {
    let old = only("old-hello");
    assert_presents(&old);
    assert!(old.milestones.client_hello.is_some());
    let anonymous = only("anonymous");
    let expected = (CertificateStatus::NotCaptured, SessionOutcome::Established);
    assert_eq!((anonymous.certificate_status, anonymous.outcome()), expected);
}

#[test]
fn without_any_one_frame_nothing_is_wrong() {
    for entry in std::fs::read_dir(format!("{}/tests/fixtures/wire", env!("CARGO_MANIFEST_DIR"))).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("tls-") {
            continue;
        }
        let frames = fixture(&name);
        let truth = sessions_of(&frames);
        for lost in 0..frames.len() {
            let mut spoiled = frames.clone();
            spoiled.remove(lost);
            for found in sessions_of(&spoiled) {
                let (certificate, client) = (&found.certificate, &found.client_certificate);
                let right = certificate.as_ref().is_none_or(|found| found.serial.to_string() == fact("tvs", "serial"));
                assert!(right, "{name} without frame {}", lost + 1);
                let right = client.as_ref().is_none_or(|found| found.serial.to_string() == fact("phone", "serial"));
                assert!(right, "{name} without frame {}", lost + 1);
                let Some(truth) = truth.iter().find(|truth| truth.client == found.client) else { continue };
                for claim in [SessionOutcome::Established, SessionOutcome::Refused] {
                    let wrong = found.outcome() == claim && truth.outcome() != claim;
                    assert!(!wrong, "{name} without frame {}: {found:#?}", lost + 1);
                }
                let resumed = found.certificate_status == CertificateStatus::Resumed;
                assert!(
                    !resumed || truth.certificate_status == CertificateStatus::Resumed,
                    "{name} without {}",
                    lost + 1
                );
            }
        }
    }
}
