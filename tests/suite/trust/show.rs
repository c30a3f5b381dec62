//! What the notes beside a listing say.

use itlscope::capture::Timestamp;
use itlscope::trust::testkit::{ListBuilder, RecordBuilder, TestKey};
use itlscope::trust::{TrustList, notes, show, text};

use super::{fixture, list};

fn notes_of(bytes: &[u8]) -> String {
    let list = TrustList::parse(bytes).unwrap();
    notes::list(&list, &list.verify(bytes), Timestamp::from_seconds_and_nanos(1_700_000_000, 0)).join("\n")
}

#[test]
fn an_empty_list_is_a_rollback_list_not_a_corrupt_one() {
    let builder = ListBuilder::itl().signer("CN=a", &[1], "CN=a");
    for builder in [
        builder.clone(),
        builder
            .record(&RecordBuilder::new().blank_dns().function(2))
            .record(&RecordBuilder::new().blank_dns().function(21)),
    ] {
        let notes = notes_of(&builder.build_unsigned(128));
        assert!(notes.contains("Prepare Cluster for Rollback to pre 8.0"), "{notes}");
        assert!(notes.contains("It is not corrupt."), "{notes}");
        assert!(!notes.contains("ITLRecovery") && !notes.contains("fault of the server"), "{notes}");
    }
    // The recovery key may stay in such a list; what makes it one are the empty entries.
    let recovery = RecordBuilder::new().hashed(0, "CN=ITLRECOVERY_pub", &[7], &[4; 65], [7; 20]);
    let builder = ListBuilder::itl().record(&recovery).record(&RecordBuilder::new().function(3));
    let list = TrustList::parse(&builder.build_unsigned(128)).unwrap();
    assert!(list.looks_rolled_back() && !list.is_blank());
    // A list that only lacks TVS is none.
    let other = ListBuilder::itl().record(&recovery).build_unsigned(128);
    assert!(!TrustList::parse(&other).unwrap().looks_rolled_back());
    assert!(notes_of(&other).contains("No TVS record"));
}

#[test]
fn lists_that_are_odd() {
    let key = TestKey::generate();
    let record = RecordBuilder::new().hashed(21, "CN=tvs", &[1], key.point(), [1; 20]);
    let mut builder = ListBuilder::itl().signer("CN=a", &[1], "CN=a");
    for _ in 0..400 {
        builder = builder.record(&record);
    }
    assert!(notes_of(&builder.build_unsigned(128)).contains("larger than 64 KB: phones fail to load it"));
    let unknown = ListBuilder::new("x").record(&RecordBuilder::new().function(40)).build_unsigned(128);
    assert!(notes_of(&unknown).contains("does not say whether it is an ITL or a CTL"));
    // A record that contradicts its certificate.
    let der = fixture("CallManager.der");
    let record = RecordBuilder::new().function(0).serial(&[9]).public_key(key.point()).certificate(&der);
    let notes = notes_of(&ListBuilder::itl().record(&record).build_unsigned(128));
    assert!(notes.contains("its certificate has another serial number, 21002D17000000000005"), "{notes}");
    assert!(notes.contains("its public key is not that of its certificate"), "{notes}");
    let record = RecordBuilder::new().function(0).certificate(b"no certificate");
    let notes = notes_of(&ListBuilder::itl().record(&record).build_unsigned(128));
    assert!(notes.contains("not an X.509 certificate in DER"), "{notes}");
}

#[test]
fn what_the_server_said_is_passed_on() {
    let shown =
        show::list(&list("itl-8.tlv"), None) + "Verification of the ITL file failed.\nError parsing the ITL file!!\n";
    let list = text::import(&shown).unwrap().remove(0);
    assert_eq!(list.said_verified, Some(false));
    let notes = notes::list(&list, &list.verify(&[]), Timestamp::default()).join("\n");
    assert!(notes.contains("The server said that the verification of this list failed."), "{notes}");
    assert!(notes.contains("CSCtn50405"), "{notes}");
    assert!(notes.contains("Read from text"), "{notes}");
}
