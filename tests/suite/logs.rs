//! The logs that the source documents print, as they print them.

use std::net::IpAddr;

use itlscope::logs::{self, Log, Says};

fn read(name: &str) -> Log {
    let path = format!("{}/tests/fixtures/logs/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    logs::read(&std::fs::read_to_string(path).unwrap())
}

fn count(log: &Log, wanted: impl Fn(&Says) -> bool) -> usize {
    log.entries.iter().filter(|entry| wanted(&entry.says)).count()
}

#[test]
fn security_by_default_in_three_languages() {
    let server: IpAddr = "14.48.44.80".parse().unwrap();
    for language in ["german", "japanese", "korean"] {
        let log = read(&format!("security-by-default-{language}"));
        assert_eq!(log.device().unwrap().as_str(), "SEP0011215A1AE3", "{language}");
        for (file, at_least) in
            [("CTLSEP0011215A1AE3.tlv", 2), ("ITLSEP0011215A1AE3.tlv", 1), ("SEP0011215A1AE3.cnf.xml.sgn", 1)]
        {
            let found = count(&log, |says| matches!(says, Says::Requests { file: asked, .. } if asked == file));
            assert!(found >= at_least, "{language} {file}: {found}");
        }
        let from = |says: &Says| matches!(says, Says::Requests { server: Some(asked), .. } if *asked == server);
        assert_eq!(count(&log, from), 3, "{language}");
        let received = log.entries.iter().filter_map(|entry| match entry.says {
            Says::Received { bytes } => Some(bytes),
            _ => None,
        });
        assert_eq!(received.collect::<Vec<_>>(), [4762, 5438, 7652], "{language}");
        assert_eq!(count(&log, |says| *says == Says::Verified), 2, "{language}: the list and the configuration");
        assert_eq!(log.verification().map(|(failed, ..)| failed), Some(false), "{language}");
        assert_eq!(count(&log, |says| *says == Says::ConnectsToTvs(server)), 1, "{language}");
        assert_eq!(count(&log, |says| *says == Says::TvsVerified(Some(server))), 1, "{language}");
        assert_eq!(count(&log, |says| *says == Says::TvsAnswers(true)), 1, "{language}");
        // The Japanese edition lost the address.
        let web = (language != "japanese").then_some(server);
        assert_eq!(count(&log, |says| *says == Says::WebCertificateNotInList(web)), 1, "{language}");
        assert_eq!(count(&log, |says| *says == Says::WebTrustedViaTvs), 1, "{language}");
        let phone = "14.48.44.202".parse().unwrap();
        assert_eq!(count(&log, |says| *says == Says::TvsHandshake(phone)), 1, "{language}");
        assert_eq!(count(&log, |says| *says == Says::TvsLookup(true)), 1, "{language}");
        assert!(log.not_understood < log.lines);
    }
}

#[test]
fn tvs_finds_an_etoken_in_another_store() {
    let log = read("mixed-mode-tokenless-ctl-german");
    let lookups: Vec<bool> = log
        .entries
        .iter()
        .filter_map(|entry| match entry.says {
            Says::TvsLookup(found) => Some(found),
            _ => None,
        })
        .collect();
    // A miss in the database's cache, a hit in the CTL's; later the new CallManager certificate at once.
    assert_eq!(lookups, [false, true, true]);
    assert_eq!(log.verification(), None);
    assert_eq!(log.device(), None);
}
