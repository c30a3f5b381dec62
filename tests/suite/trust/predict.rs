//! The phone's rule, scenario by scenario (domain.md 6, 7.3).

use itlscope::trust::predict::{Held, Offer, Outcome, Prediction, Through, Tvs, TvsCertificate, predict};
use itlscope::trust::testkit::{ListBuilder, RecordBuilder, TestKey};
use itlscope::trust::{Function, ListKind, SignedFile, TrustList, compare, outlook, show, text};

use super::{fixture, list};

/// A key with a name and a serial: a certificate as lists see it.
struct Node {
    name: &'static str,
    serial: u8,
    key: TestKey,
}

impl Node {
    fn new(name: &'static str, serial: u8) -> Self {
        let key = TestKey::generate();
        Self { name, serial, key }
    }

    fn record(&self, function: Function) -> RecordBuilder {
        RecordBuilder::new().hashed(function.0, self.name, &[self.serial], self.key.point(), [self.serial; 20])
    }
}

/// A list that `signer` signs, with these records.
fn signed(file: &str, signer: &Node, records: &[(&Node, Function)]) -> (TrustList, Vec<u8>) {
    let mut builder = ListBuilder::new(file).digest(2).signer(signer.name, &[signer.serial], signer.name);
    for (node, function) in records {
        builder = builder.record(&node.record(*function));
    }
    let bytes = builder.build_signed(&signer.key);
    (TrustList::parse(&bytes).unwrap(), bytes)
}

fn itl(manager: &Node, tvs: &[&Node]) -> (TrustList, Vec<u8>) {
    let mut records = vec![(manager, Function::SAST), (manager, Function::TFTP)];
    records.extend(tvs.iter().map(|node| (*node, Function::TVS)));
    signed("ITLFile.tlv", manager, &records)
}

/// A phone with `old` is offered `new`, and TVS presents what `new` lists.
fn change(old: &TrustList, new: &(TrustList, Vec<u8>)) -> Prediction {
    let presented: Vec<_> = new.0.tvs_records().map(TvsCertificate::from).collect();
    let held = Held { itl: Some(old), ctl: None, ..Held::default() };
    predict(held, &Offer::list(&new.0, Some(&new.1)), Tvs::Presents(&presented))
}

fn nodes() -> (Node, Node, Node, Node) {
    (Node::new("CN=pub", 1), Node::new("CN=pub", 2), Node::new("CN=tvs", 11), Node::new("CN=tvs", 12))
}

#[test]
fn one_certificate_at_a_time() {
    let (manager, new_manager, tvs, new_tvs) = nodes();
    let (old, _) = itl(&manager, &[&tvs]);
    // Nothing changed but the time.
    let same = change(&old, &itl(&manager, &[&tvs]));
    assert_eq!(same.outcome, Outcome::Accepted);
    let through = Through::Record {
        list: ListKind::Itl,
        index: 1,
        function: Function::SAST,
        label: "record 1 (SAST, pub)".to_owned(),
    };
    assert_eq!(same.through, Some(through));
    assert_eq!(same.steps.last().unwrap(), "its signature verifies with that key");
    // TVS.pem regenerated: the signer is still known.
    assert_eq!(change(&old, &itl(&manager, &[&new_tvs])).outcome, Outcome::Accepted);
    // CallManager.pem regenerated: TVS vouches for it.
    let by_tvs = change(&old, &itl(&new_manager, &[&tvs]));
    assert_eq!(by_tvs.outcome, Outcome::AcceptedByTvs, "{by_tvs:?}");
    assert!(matches!(by_tvs.through, Some(Through::Tvs { ref records, .. }) if *records == [3]));
    // Both: stranded.
    let new = itl(&new_manager, &[&new_tvs]);
    let both = change(&old, &new);
    assert_eq!((both.outcome, &both.through), (Outcome::Rejected, &None), "{both:?}");
    let meaning = outlook(&old, &new.0, Some(&both), None);
    assert!(meaning[0].starts_with("Regenerating CallManager and TVS together strands these phones"), "{meaning:?}");
    // Both, but another node's TVS is still in the list.
    let other = Node::new("CN=sub", 13);
    let (old, _) = itl(&manager, &[&tvs, &other]);
    let saved = change(&old, &itl(&new_manager, &[&new_tvs, &other]));
    assert_eq!(saved.outcome, Outcome::AcceptedByTvs);
    assert!(matches!(saved.through, Some(Through::Tvs { ref records, .. }) if *records == [4]));
}

#[test]
fn tvs_that_is_unknown_or_away() {
    let (manager, new_manager, tvs, _) = nodes();
    let (old, _) = itl(&manager, &[&tvs]);
    let new = itl(&new_manager, &[&tvs]);
    let held = Held { itl: Some(&old), ctl: None, ..Held::default() };
    let with = |tvs: Tvs<'_>| predict(held, &Offer::list(&new.0, Some(&new.1)), tvs).outcome;
    assert_eq!(with(Tvs::Unknown), Outcome::Unknown);
    assert_eq!(with(Tvs::Unreachable), Outcome::Rejected);
    assert_eq!(with(Tvs::PresentsAtLeast(&[])), Outcome::Unknown);
    assert_eq!(with(Tvs::Presents(&[])), Outcome::Rejected);
    // What TVS answered within the last day may still be in the phone's cache.
    let cached = Held { cached: Some("TVS answered it an hour before"), ..held };
    let maybe = predict(cached, &Offer::list(&new.0, Some(&new.1)), Tvs::Unreachable);
    assert_eq!(maybe.outcome, Outcome::Unknown);
    assert!(maybe.why.contains("cache") && maybe.steps.iter().any(|step| step.contains("86400 s")), "{maybe:?}");
    let certificate = |serial: u8, hash: Option<u8>| TvsCertificate {
        issuer: old.records[2].issuer.clone(),
        serial: Some(itlscope::x509::Serial::from_bytes(&[serial])),
        sha1: hash.map(|byte| itlscope::digest::Sha1Sum([byte; 20])),
        sha256: None,
        label: String::new(),
    };
    assert_eq!(with(Tvs::Presents(&[certificate(11, None)])), Outcome::AcceptedByTvs, "by issuer and serial");
    assert_eq!(with(Tvs::Presents(&[certificate(11, Some(11))])), Outcome::AcceptedByTvs);
    // The same serial with another hash is another certificate.
    let other = [certificate(11, Some(99))];
    let prediction = predict(held, &Offer::list(&new.0, Some(&new.1)), Tvs::Presents(&other));
    assert_eq!(prediction.outcome, Outcome::Rejected);
    assert!(prediction.steps.iter().any(|step| step.contains("the same serial but another hash")));
}

#[test]
fn phones_that_hold_nothing_or_an_empty_list() {
    let (manager, _, tvs, _) = nodes();
    let new = itl(&manager, &[&tvs]);
    let offer = Offer::list(&new.0, Some(&new.1));
    let nothing = predict(Held::default(), &offer, Tvs::Unknown);
    assert_eq!((nothing.outcome, nothing.through), (Outcome::Accepted, Some(Through::NoList)));
    for records in
        [vec![], vec![RecordBuilder::new().blank_dns().function(2), RecordBuilder::new().blank_dns().function(21)]]
    {
        let mut builder = ListBuilder::itl().signer("CN=old", &[9], "CN=old");
        for record in &records {
            builder = builder.record(record);
        }
        let blank = TrustList::parse(&builder.build_unsigned(128)).unwrap();
        assert!(blank.is_blank() && blank.looks_rolled_back());
        let held = Held { itl: Some(&blank), ctl: None, ..Held::default() };
        let prediction = predict(held, &offer, Tvs::Unreachable);
        assert_eq!((prediction.outcome, prediction.through), (Outcome::Accepted, Some(Through::BlankList)));
        // Rollback does not blank the CTL: with one, the phone still verifies.
        let (ctl, _) = signed("CTLFile.tlv", &Node::new("CN=x", 77), &[]);
        let ctl = Some(&ctl);
        assert_eq!(predict(Held { ctl, ..held }, &offer, Tvs::Unreachable).outcome, Outcome::Rejected);
    }
}

#[test]
fn a_ctl_is_searched_first() {
    let (manager, new_manager, tvs, new_tvs) = nodes();
    let (old, _) = itl(&manager, &[&tvs]);
    let (ctl, _) =
        signed("CTLFile.tlv", &new_manager, &[(&new_manager, Function::SAST), (&new_manager, Function::CCM_TFTP)]);
    let new = itl(&new_manager, &[&new_tvs]);
    let offer = Offer::list(&new.0, Some(&new.1));
    let both = Held { ctl: Some(&ctl), itl: Some(&old), ..Held::default() };
    let prediction = predict(both, &offer, Tvs::Unknown);
    assert!(
        matches!(prediction.through, Some(Through::Record { list: ListKind::Ctl, index: 1, .. })),
        "{prediction:?}"
    );
    // A phone with only a CTL takes an ITL whose signer has CCM+TFTP.
    let alone = Held { ctl: Some(&ctl), itl: None, ..Held::default() };
    let prediction = predict(alone, &offer, Tvs::Unknown);
    assert!(matches!(prediction.through, Some(Through::Record { function: Function::CCM_TFTP, .. })), "{prediction:?}");
    // A CTL names no TVS, so an unknown signer is rejected without asking anyone.
    let stranger = itl(&Node::new("CN=stranger", 5), &[&tvs]);
    let prediction = predict(alone, &Offer::list(&stranger.0, Some(&stranger.1)), Tvs::Unknown);
    assert_eq!(prediction.outcome, Outcome::Rejected);
    assert!(prediction.why.contains("none names a TVS server"));
}

#[test]
fn the_signature_and_the_role_count() {
    let (manager, _, tvs, _) = nodes();
    let (old, _) = itl(&manager, &[&tvs]);
    let (list, mut bytes) = itl(&manager, &[&tvs]);
    *bytes.last_mut().unwrap() ^= 1;
    let held = Held { itl: Some(&old), ctl: None, ..Held::default() };
    let damaged = predict(held, &Offer::list(&list, Some(&bytes)), Tvs::Unknown);
    assert_eq!(damaged.outcome, Outcome::Rejected);
    assert!(damaged.why.contains("the signature is not good"), "{}", damaged.why);
    // Without the bytes the signature is taken to be good, and the steps say so.
    let unchecked = predict(held, &Offer::list(&list, None), Tvs::Unknown);
    assert_eq!(unchecked.outcome, Outcome::Accepted);
    assert!(unchecked.steps.last().unwrap().contains("taken to be good"));
    // Known as CAPF only: that role does not sign.
    let capf = Node::new("CN=capf", 3);
    let (old, _) = signed("ITLFile.tlv", &manager, &[(&capf, Function::CAPF), (&manager, Function::SAST)]);
    let (new, bytes) = signed("ITLFile.tlv", &capf, &[(&capf, Function::SAST)]);
    let held = Held { itl: Some(&old), ctl: None, ..Held::default() };
    let prediction = predict(held, &Offer::list(&new, Some(&bytes)), Tvs::Unknown);
    assert_eq!(prediction.outcome, Outcome::Rejected);
    assert!(prediction.steps.iter().any(|step| step.contains("which may not sign")), "{:?}", prediction.steps);
}

#[test]
fn signed_configurations() {
    let itl = list("itl-8.tlv");
    let held = Held { itl: Some(&itl), ctl: None, ..Held::default() };
    for name in ["SEP0011215A1AE3.cnf.xml.sgn", "SEP0011215A1AE3.cnf.xml.enc.sgn"] {
        let bytes = fixture(name);
        let file = SignedFile::parse(&bytes).unwrap();
        assert_eq!(predict(held, &Offer::file(&file.header, &bytes), Tvs::Unknown).outcome, Outcome::Accepted);
        let other = list("itl-10.tlv");
        let held = Held { itl: Some(&other), ctl: None, ..Held::default() };
        assert_eq!(predict(held, &Offer::file(&file.header, &bytes), Tvs::Unknown).outcome, Outcome::Unknown);
    }
}

#[test]
fn text_serves_as_the_old_list() {
    let file = fixture("itl-10-recovery.tlv");
    let new = (TrustList::parse(&file).unwrap(), file);
    // The text of the list before has the same ITLRecovery certificate.
    let old = text::import(&show::list(&list("itl-10.tlv"), None)).unwrap().remove(0);
    let prediction = change(&old, &new);
    assert_eq!(prediction.outcome, Outcome::Accepted, "{prediction:?}");
    assert_eq!(prediction.steps.last().unwrap(), "its signature verifies with that key", "the offered list has it");
    // The document's dump names a certificate with the same serial, but it is another one.
    let printed = fixture("text/enhancements.txt");
    let old = text::import(std::str::from_utf8(&printed).unwrap()).unwrap().remove(0);
    let bytes = fixture("itl-10.tlv");
    let prediction = change(&old, &(TrustList::parse(&bytes).unwrap(), bytes));
    assert_eq!(prediction.outcome, Outcome::Unknown, "{prediction:?}");
    // An excerpt decides nothing.
    let printed = fixture("text/sbd-german-record-3.txt");
    let old = text::import(std::str::from_utf8(&printed).unwrap()).unwrap().remove(0);
    assert_eq!(change(&old, &new).outcome, Outcome::Unknown);
}

#[test]
fn changes_record_by_record() {
    let (manager, new_manager, tvs, _) = nodes();
    let capf = Node::new("CN=capf", 3);
    let (old, _) = itl(&manager, &[&tvs]);
    let mut records = vec![(&new_manager, Function::SAST), (&manager, Function::TFTP), (&capf, Function::CAPF)];
    records.reverse();
    let (new, _) = signed("ITLFile.tlv", &new_manager, &records);
    let kinds: Vec<_> = compare::compare(&old, &new)
        .iter()
        .filter(|change| change.records != (None, None))
        .map(|change| (change.kind.name(), change.records))
        .collect();
    assert_eq!(
        kinds,
        [
            ("record_replaced", (Some(1), Some(3))),
            ("record_removed", (Some(3), None)),
            ("record_added", (None, Some(1))),
        ]
    );
    assert_eq!(compare::compare(&old, &old), []);
    assert_eq!(compare::is_same_file(&old, &new), Some(false));
    // Signed anew with the same records and size is still another list.
    let (again, _) = itl(&manager, &[&tvs]);
    assert_eq!(compare::is_same_file(&old, &again), Some(false));
    // A damaged serial is not a change.
    let german = text::import(std::str::from_utf8(&fixture("text/sbd-german.txt")).unwrap()).unwrap().remove(0);
    let korean = text::import(std::str::from_utf8(&fixture("text/sbd-korean.txt")).unwrap()).unwrap().remove(0);
    assert_eq!(compare::compare(&german, &korean), []);
}
