//! Signatures made by another implementation (`fixtures/trust/make.py`), and one printed in a Cisco document.

use aws_lc_rs::digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY};
use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};
use itlscope::digest::{Sha1Sum, hex_bytes};
use itlscope::trust::signature::{AttemptResult, Candidate, Outcome, SignatureStatus, Verification, verify};
use itlscope::trust::testkit::{ListBuilder, RecordBuilder, TestKey};
use itlscope::trust::{Reference, SignedFile, TrustFile, TrustList};

use super::fixture;

fn own(file: &[u8]) -> Verification {
    TrustList::parse(file).unwrap().verify(file)
}

/// The signature and the CallManager key that "CUCM Mixed Mode with Tokenless CTL" prints: `show ctl` of the list of 4947
/// bytes, and the certificate details of CallManager.pem. domain.md 2.3 names the digest.
#[test]
fn the_golden_signature() {
    let signature = "
        65 ba 26 b4 ba de 2b 13  b8 18 2  4a 2b 6c 2d 20  7d e7 2f bd 6d b3 84 c5  bf 5  f2 74 cb f2 59 bc
        b5 c1 9f cd 4d 97 3a dd  6e 7c 75 19 a2 59 66 49  b7 64 e8 9a 25 7f 5a c8  56 bb ed 6f 96 95 c3 b3
        72 7  91 10 6b f1 12 f4  d5 72 e  8f 30 21 fa 80  bc 5d f6 c5 fb 6a 82 ec  f1 6d 40 17 1b 7d 63 7b
        52 f7 7a 39 67 e1 1d 45  b6 fe 82 0  62 e3 db 57  8c 31 2  56 66 c8 91 c8  d8 10 cb 5e c3 1f ef a";
    let mut bytes: Vec<u8> = signature.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    let modulus = "950c9f8791e7677c5bf1a48f1a933549f73ef58d7c0c871b5b77d23a842aa14f5b29390e586e5945060b109bdf859b4c98\
                   3cdf21699e3e4abdb0a47ba6f3c04cd7d4f59efeff4a60f6cf3c5db2ec32988605ae4352e77d647da25fae619dedf9ebb0\
                   e0bdd98f8ce70307ba106507a8919df8b8fd9f903068a52640a6a84487a9";
    let key = RsaPublicKeyComponents { n: hex_bytes(modulus).unwrap(), e: vec![1, 0, 1] };
    let digest: Sha1Sum = "7af4a1e532835fc78215c2f504eb67e411524f61".parse().unwrap();
    let digest = Digest::import_less_safe(&digest.0, &SHA1_FOR_LEGACY_USE_ONLY).unwrap();
    let verifies = |signature: &[u8]| {
        let key = key.to_parsed_public_key(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY).unwrap();
        key.verify_digest_sig(&digest, signature).is_ok()
    };
    assert!(verifies(&bytes));
    bytes[127] ^= 1;
    assert!(!verifies(&bytes));
}

#[test]
fn genuine_signatures_verify_with_the_signer_record() {
    for (name, signers) in [
        ("itl-8.tlv", &[1, 2][..]),
        ("itl-10.tlv", &[1, 2]),
        ("itl-10-recovery.tlv", &[5]),
        ("ctl-tokenless.tlv", &[1, 2]),
        ("ctl-nonsecure.tlv", &[1]),
        ("rsa1024-sha1.tlv", &[1, 2]),
        ("rsa1024-sha512.tlv", &[1, 2]),
        ("rsa2048-sha256.tlv", &[1, 2]),
        ("rsa2048-sha512.tlv", &[1, 2]),
        ("rsa4096-sha512.tlv", &[1, 2]),
        ("p256-sha1.tlv", &[1, 2]),
        ("p256-sha256.tlv", &[1, 2]),
        ("p256-sha512.tlv", &[1, 2]),
        ("p384-sha1.tlv", &[1, 2]),
        ("p384-sha256.tlv", &[1, 2]),
        ("p384-sha512.tlv", &[1, 2]),
        ("p521-sha1.tlv", &[1, 2]),
        ("p521-sha256.tlv", &[1, 2]),
        ("p521-sha512.tlv", &[1, 2]),
    ] {
        let file = fixture(name);
        let list = TrustList::parse(&file).unwrap();
        let verification = list.verify(&file);
        assert_eq!(verification.status(), SignatureStatus::Valid, "{name}: {}", verification.why);
        let by: Vec<_> = list.records.iter().filter(|record| verification.is_by(record.index - 1)).collect();
        assert_eq!(by.iter().map(|record| record.index).collect::<Vec<_>>(), signers, "{name}");
    }
}

#[test]
fn the_result_says_who() {
    let verification = own(&fixture("itl-10-recovery.tlv"));
    assert_eq!(
        verification.why,
        "signed by ITLRECOVERY_t10pub.joemar2.lab (serial 6E3F65C297B3E01FE74281AB52CC55DC): verified with the key of \
         record 5 (SAST, ITLRECOVERY_t10pub.joemar2.lab)"
    );
}

#[test]
fn one_flipped_byte_is_found() {
    for name in ["itl-10.tlv", "rsa4096-sha512.tlv", "p256-sha256.tlv", "p384-sha1.tlv", "p521-sha512.tlv"] {
        let good = fixture(name);
        let list = TrustList::parse(&good).unwrap();
        let signature = list.header.signature.as_ref().unwrap().offset.unwrap();
        let header = list.header.header_length.unwrap();
        // In the signature; in the header's time; in the last record's last byte.
        for at in [signature + 3, signature + 40, header - 5, good.len() - 1] {
            let mut file = good.clone();
            file[at] ^= 0x01;
            let verification = own(&file);
            assert_eq!(verification.outcome, Outcome::Invalid, "{name} at {at}: {}", verification.why);
            assert!(verification.why.contains("changed after it was signed"), "{}", verification.why);
        }
    }
}

#[test]
fn the_wrong_signer_is_named() {
    let file = fixture("wrong-signer.tlv");
    let list = TrustList::parse(&file).unwrap();
    assert_eq!(list.verify(&file).outcome, Outcome::Invalid);
    // The list that names A and is signed by B, with B in a record of its own.
    let (a, b) = (TestKey::generate(), TestKey::generate());
    let file = ListBuilder::itl()
        .digest(2)
        .signer("CN=a", &[1], "CN=a")
        .record(&RecordBuilder::new().hashed(0, "CN=a", &[1], a.point(), [1; 20]))
        .record(&RecordBuilder::new().hashed(0, "CN=b", &[2], b.point(), [2; 20]))
        .build_signed(&b);
    let verification = own(&file);
    assert_eq!(verification.outcome, Outcome::Invalid);
    assert!(verification.why.ends_with("the key that signed it is that of record 2 (SAST, b)"), "{}", verification.why);
    assert_eq!(verification.attempts.len(), 2);
    assert_eq!(verification.attempts[0].result, AttemptResult::Failed);
}

#[test]
fn no_such_signer_and_cannot() {
    let key = TestKey::generate();
    let record = |serial: u8| RecordBuilder::new().hashed(0, "CN=a", &[serial], key.point(), [1; 20]);
    let builder = ListBuilder::itl().digest(2).signer("CN=a", &[1], "CN=a");
    let renewed = own(&builder.clone().record(&record(2)).build_signed(&key));
    assert_eq!((renewed.outcome, renewed.status()), (Outcome::NoSuchSigner, SignatureStatus::Unknown));
    assert!(renewed.why.contains("has another issuer or serial"), "{}", renewed.why);
    let empty = own(&builder.build_signed(&key));
    assert_eq!(empty.outcome, Outcome::NoSuchSigner);
    // A key that is no key.
    let broken = RecordBuilder::new().hashed(0, "CN=a", &[1], b"no key", [1; 20]);
    let broken = own(&builder.clone().record(&broken).build_signed(&key));
    assert_eq!(broken.outcome, Outcome::Cannot);
}

#[test]
fn a_digest_number_nobody_knows_is_no_obstacle() {
    let key = TestKey::generate();
    let file = ListBuilder::itl()
        .digest(4)
        .signer("CN=a", &[1], "CN=a")
        .record(&RecordBuilder::new().hashed(0, "CN=a", &[1], key.point(), [1; 20]))
        .build_signed(&key);
    assert_eq!(TrustList::parse(&file).unwrap().header.digest.unwrap().to_string(), "unknown-4");
    assert_eq!(own(&file).outcome, Outcome::Valid);
}

#[test]
fn signed_files_verify_with_records_and_certificates() {
    let list = TrustList::parse(&fixture("itl-8.tlv")).unwrap();
    let from_records = Candidate::records("ITLFile.tlv", &list.records);
    for name in ["SEP0011215A1AE3.cnf.xml.sgn", "SEP0011215A1AE3.cnf.xml.enc.sgn"] {
        let file = fixture(name);
        let envelope = SignedFile::parse(&file).unwrap();
        let by_list = verify(&envelope.header, &file, &from_records);
        assert_eq!(by_list.outcome, Outcome::Valid, "{}", by_list.why);
        assert!(by_list.why.contains("record 1 (SAST, CUCM8-Publisher.bbbburns.lab) of ITLFile.tlv"));
        // The certificate's issuer has two DC more than the list says (domain.md 2.6).
        for outside in ["CallManager.pem", "CallManager.der"] {
            let reference = Reference::from_bytes(outside, None, &fixture(outside)).unwrap();
            let candidate = Candidate::Certificate { source: outside, certificate: &reference.certificates[0] };
            assert_eq!(verify(&envelope.header, &file, &[candidate]).outcome, Outcome::Valid);
        }
        let tvs = Reference::from_bytes("TVS.pem", None, &fixture("TVS.pem")).unwrap();
        let candidate = Candidate::Certificate { source: "TVS.pem", certificate: &tvs.certificates[0] };
        assert_eq!(verify(&envelope.header, &file, &[candidate]).outcome, Outcome::NoSuchSigner);
        assert_eq!(verify(&envelope.header, &file, &[]).outcome, Outcome::NoSuchSigner);
        for at in [file.len() - 1, envelope.body_offset] {
            let mut changed = file.clone();
            changed[at] ^= 0x80;
            assert_eq!(verify(&envelope.header, &changed, &from_records).outcome, Outcome::Invalid);
        }
    }
}

#[test]
fn many_keys_are_not_all_tried() {
    let mut builder = ListBuilder::itl().digest(2).signer("CN=a", &[1], "CN=a");
    for serial in 0..40_u8 {
        let key = TestKey::generate();
        builder = builder.record(&RecordBuilder::new().hashed(0, "CN=b", &[2, serial], key.point(), [serial; 20]));
    }
    let verification = own(&builder.build_signed(&TestKey::generate()));
    assert_eq!(verification.outcome, Outcome::NoSuchSigner);
    let tried = verification.attempts.iter().filter(|attempt| attempt.result == AttemptResult::Failed).count();
    assert_eq!(tried, 16);
}

#[test]
fn a_header_of_another_file_is_no_proof() {
    let file = fixture("itl-10.tlv");
    let TrustFile::List(list) = TrustFile::parse(&file).unwrap() else { panic!("a list") };
    let verification = verify(&list.header, &file[..50], &Candidate::records("", &list.records));
    assert_eq!(verification.outcome, Outcome::Cannot);
}
