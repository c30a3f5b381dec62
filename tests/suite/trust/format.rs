//! What lists in the wild differ in: the order of fields, tags that only newer signers write, other hashes than SHA-1.

use itlscope::digest::{Sha1Sum, Sha256Sum};
use itlscope::trust::predict::{Held, Offer, Outcome, Tvs, TvsCertificate, predict};
use itlscope::trust::signature::SignatureStatus;
use itlscope::trust::testkit::{ListBuilder, RecordBuilder, TestKey};
use itlscope::trust::{Reference, TrustList, show, text};

use super::{fixture, list};

/// The fields of a header or a container, one after the other; padding (tag 13) is left out.
fn fields(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = Vec::new();
    while let Some(&tag) = bytes.first() {
        if tag == 13 {
            bytes = &bytes[1..];
            continue;
        }
        let length = 3 + usize::from(u16::from_be_bytes([bytes[1], bytes[2]]));
        fields.push(bytes[..length].to_vec());
        bytes = &bytes[length..];
    }
    fields
}

/// The fields of the SIGNERID container in another order.
fn turn_signer(field: &[u8], by: usize) -> Vec<u8> {
    let mut inner = fields(&field[3..]);
    inner.rotate_left(by);
    [&field[..3], &inner.concat()].concat()
}

#[test]
fn the_order_of_header_fields_does_not_matter() {
    let file = fixture("itl-10.tlv");
    let original = TrustList::parse(&file).unwrap();
    let end = original.header.header_length.unwrap();
    let all = fields(&file[..end]);
    let padding = vec![13; end - all.concat().len()];
    for by in 0..all.len() - 2 {
        // VERSION and HEADERLENGTH come first, or nothing tells that it is a list.
        let mut rest = all[2..].to_vec();
        rest.iter_mut().filter(|field| field[0] == 3).for_each(|field| *field = turn_signer(field, by % 3));
        rest.rotate_left(by);
        // Padding stands wherever a writer put it.
        rest.insert(by % rest.len(), padding.clone());
        let turned = [all[..2].concat(), rest.concat(), file[end..].to_vec()].concat();
        let list = TrustList::parse(&turned).unwrap();
        assert_eq!(list.signer(), original.signer(), "turned by {by}");
        let header = |list: &TrustList| (list.header.digest, list.header.file_name.clone(), list.header.timestamp);
        assert_eq!(header(&list), header(&original), "turned by {by}");
        assert_eq!(list.records.len(), original.records.len());
        assert_eq!(list.warnings, Vec::<String>::new(), "turned by {by}");
        assert_ne!(list.sha1, original.sha1, "another file has another checksum");
        // Not a byte of it may change after it was signed, the order neither.
        assert_eq!(list.verify(&turned).status(), SignatureStatus::Invalid, "turned by {by}");
    }
}

#[test]
fn the_version_of_the_signer() {
    let list = list("rsa4096-sha512.tlv");
    assert_eq!(list.header.signer_version, Some((1, 1)));
    let shown = show::list(&list, None);
    let row = shown.lines().find(|line| line.starts_with("28 ")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["28", "SIGNERVERSION", "2", "1.1"]);
    assert_eq!(text::import(&shown).unwrap()[0].header.signer_version, Some((1, 1)));
    assert_eq!(super::list("itl-10.tlv").header.signer_version, None);
}

/// A TVS record whose hash is SHA-256.
fn hashed(certificate: &[u8]) -> RecordBuilder {
    let (name, hash) = ("CN=tvs;O=Cisco", Sha256Sum::of(certificate));
    RecordBuilder::new()
        .blank_dns()
        .subject(name)
        .function(21)
        .issuer(name)
        .serial(&[0x2E, 0x3E])
        .raw(11, &hash.0)
        .raw(12, &[2])
}

#[test]
fn a_certificate_hash_of_another_algorithm() {
    let key = TestKey::generate();
    let signer = RecordBuilder::new().hashed(0, "CN=cm", &[1], key.point(), [1; 20]);
    let builder = ListBuilder::itl().digest(2).signer("CN=cm", &[1], "CN=cm").record(&signer);
    let file = builder.record(&hashed(b"certificate")).build_signed(&key);
    let held = TrustList::parse(&file).unwrap();
    let record = &held.records[1];
    assert_eq!(record.hash_algorithm.unwrap().name(), "SHA-256");
    assert_eq!(record.certificate_sha1, None, "it is no SHA-1, and none can be made of it");
    assert_eq!(record.certificate_sha256(), Some(Sha256Sum::of(b"certificate")));
    // As text and back.
    let shown = show::list(&held, Some(&held.verify(&file)));
    assert!(shown.contains("12      HASH ALGORITHM  1       SHA-256\n"), "{shown}");
    let reference = Reference::from_bytes("saved.txt", None, shown.as_bytes()).unwrap();
    let printed = reference.list.unwrap();
    assert_eq!(printed.records[1].certificate_sha256(), record.certificate_sha256());
    assert_eq!(printed.records[1].certificate_sha1, None);
    // The same serial number with another certificate is another certificate.
    let other = TestKey::generate();
    let offered = ListBuilder::itl().digest(2).signer("CN=cm", &[2], "CN=cm").build_signed(&other);
    let offered_list = TrustList::parse(&offered).unwrap();
    let decision = |list: &TrustList, certificate: &[u8]| {
        let presented = TvsCertificate {
            issuer: record.issuer.clone(),
            serial: record.serial.clone(),
            sha1: Some(Sha1Sum::of(certificate)),
            sha256: Some(Sha256Sum::of(certificate)),
            label: String::new(),
        };
        let held = Held { itl: Some(list), ..Held::default() };
        predict(held, &Offer::list(&offered_list, Some(&offered)), Tvs::Presents(&[presented])).outcome
    };
    for list in [&held, &printed] {
        assert_eq!(decision(list, b"certificate"), Outcome::AcceptedByTvs);
        assert_eq!(decision(list, b"another one"), Outcome::Rejected);
    }
}
