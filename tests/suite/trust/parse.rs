//! Trust lists and signed files, read from files that another implementation made (`fixtures/trust/make.py`).

use itlscope::trust::testkit::{ListBuilder, RecordBuilder};
use itlscope::trust::{DigestAlgorithm, Function, ListKind, Origin, SignedFile, TrustFile, TrustList};
use itlscope::x509::DistinguishedName;

use super::{fixture, list};

/// Header length, record lengths and file length, as the source documents print them (domain.md 2.6).
#[test]
fn the_arithmetic_of_the_printed_lists() {
    for (name, header, records, total) in [
        ("itl-8.tlv", 296, &[1972, 1972, 743, 455][..], 5438),
        ("itl-10.tlv", 324, &[1115, 1115, 439, 455, 1141, 713], 5302),
        ("itl-10-recovery.tlv", 344, &[1115, 1115, 439, 455, 1141, 713], 5322),
        ("ctl-tokenless.tlv", 336, &[1156, 1156, 1138, 1161], 4947),
        ("ctl-nonsecure.tlv", 304, &[1186, 1186, 33, 1004, 33], 3746),
    ] {
        let list = list(name);
        let lengths: Vec<_> = list.records.iter().map(|record| record.length.unwrap()).collect();
        assert_eq!(list.header.header_length, Some(header), "{name}");
        assert_eq!(lengths, records, "{name}");
        assert_eq!(list.length, Some(total), "{name}");
        assert_eq!(header + lengths.iter().sum::<usize>(), total, "{name}");
        assert_eq!(list.warnings, Vec::<String>::new(), "{name}");
        assert_eq!(list.origin, Origin::File);
        assert!(list.is_whole());
    }
}

#[test]
fn an_itl_of_release_8() {
    let list = list("itl-8.tlv");
    assert_eq!(list.kind, ListKind::Itl);
    assert_eq!(list.header.version, Some((1, 2)));
    assert_eq!(list.header.digest, Some(DigestAlgorithm::Sha1));
    assert_eq!(list.header.file_name.as_deref(), Some("ITLFile.tlv"));
    assert_eq!(list.header.timestamp, Some(1_311_776_184));
    let signer = list.signer().unwrap();
    assert_eq!(signer.serial.as_ref().unwrap().to_string(), "21002D17000000000005");
    assert_eq!(signer.issuer, Some(DistinguishedName::from_text("CN=JASBURNS-AD")));
    assert_eq!(signer.short(), "CUCM8-Publisher.bbbburns.lab");
    let functions: Vec<_> = list.records.iter().map(|record| record.function.unwrap()).collect();
    assert_eq!(functions, [Function::SAST, Function::CCM_TFTP, Function::TVS, Function::CAPF]);
    let tvs = &list.records[2];
    assert_eq!(tvs.serial.as_ref().unwrap().to_string(), "2E3E1A7BDAA64D84");
    assert_eq!((tvs.certificate.is_none(), tvs.public_key_length), (true, Some(270)));
    assert_eq!(tvs.hash_algorithm.unwrap().name(), "SHA-1");
    assert_eq!(tvs.dns_name, None, "two zero bytes are a blank name");
    // The hash in the record is that of the certificate that make.py wrote beside it.
    let pem = fixture("TVS.pem");
    let reference = itlscope::trust::Reference::from_bytes("TVS.pem", None, &pem).unwrap();
    assert_eq!(tvs.certificate_sha1, Some(reference.certificates[0].sha1));
    assert_eq!(tvs.label(), "record 3 (TVS, CUCM8-Publisher.bbbburns.lab)");
}

#[test]
fn recovery_blank_records_and_addresses() {
    let itl = list("itl-10.tlv");
    assert_eq!(itl.itl_recovery().unwrap().index, 5);
    assert_eq!(list("itl-8.tlv").itl_recovery(), None);
    let ctl = list("ctl-nonsecure.tlv");
    assert_eq!(ctl.kind, ListKind::Ctl);
    assert!(ctl.records[2].is_blank() && ctl.records[4].is_blank() && !ctl.records[3].is_blank());
    assert_eq!(ctl.records[2].dns_name.as_deref(), Some("10.48.47.153"));
    assert_eq!(ctl.records[2].ip_address, Some("10.48.47.153".parse().unwrap()));
    assert_eq!(ctl.records[0].signature_length, None, "eToken records have none");
    assert!(!ctl.is_blank() && !ctl.looks_rolled_back());
}

#[test]
fn signed_files() {
    let bytes = fixture("SEP0011215A1AE3.cnf.xml.sgn");
    let file = SignedFile::parse(&bytes).unwrap();
    assert_eq!(file.header.version, Some((1, 0)));
    assert!(!file.is_encrypted());
    assert!(file.body(&bytes).starts_with(b"<?xml version"));
    assert_eq!(file.header.file_name.as_deref(), Some("SEP0011215A1AE3.cnf.xml.sgn"));
    let bytes = fixture("SEP0011215A1AE3.cnf.xml.enc.sgn");
    let file = SignedFile::parse(&bytes).unwrap();
    assert_eq!(file.header.version, Some((2, 0)));
    let encryption = file.header.encryption.as_ref().unwrap();
    assert_eq!(encryption.iv, (16..32).collect::<Vec<u8>>());
    assert_eq!((encryption.key_bits, encryption.encrypted_key_length), (Some(128), Some(128)));
    assert_eq!(encryption.content_digest_algorithm, Some(DigestAlgorithm::Sha512));
    assert_eq!(encryption.content_digest.len(), 64);
    assert_eq!(file.body(&bytes).len() % 16, 0);
    assert_eq!(file.warnings, Vec::<String>::new());
    assert!(matches!(TrustFile::parse(&bytes), Ok(TrustFile::Signed(_))));
    assert!(matches!(TrustFile::parse(&fixture("itl-8.tlv")), Ok(TrustFile::List(_))));
}

#[test]
fn every_truncation_is_an_error_that_names_a_byte() {
    for name in ["itl-10.tlv", "ctl-nonsecure.tlv", "p256-sha256.tlv"] {
        let bytes = fixture(name);
        let whole = TrustList::parse(&bytes).unwrap();
        // Cut between records, what is left is a list in itself: fewer records, another checksum.
        let ends: Vec<_> = whole.records.iter().map(|record| record.offset.unwrap()).collect();
        for length in 0..bytes.len() {
            match TrustList::parse(&bytes[..length]) {
                Ok(_) => assert!(ends.contains(&length), "{name} cut to {length}"),
                Err(error) => {
                    assert!(!ends.contains(&length), "{name} cut to {length}: {error}");
                    assert!(error.offset <= length, "{name} cut to {length}: {error}");
                    assert!(!error.expected.is_empty() && !error.found.is_empty());
                }
            }
        }
    }
}

#[test]
fn lengths_that_lie() {
    let good = fixture("itl-10.tlv");
    let error = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        TrustList::parse(&file).unwrap_err().to_string()
    };
    assert_eq!(error(0, &[2]), "byte 0: expected VERSION (01 00 02), found the bytes 02 00 02 01");
    assert_eq!(error(6, &[0, 3]), "byte 6: expected a length of 2 for HEADERLENGTH, found 3");
    assert_eq!(error(8, &[0, 0]), "byte 8: expected a header length of at least 10, found 0");
    assert_eq!(error(8, &[0xFF, 0xFF]), "byte 5302: expected a header of 65535 bytes, found the end of the file");
    // The first record stands at 324: tag, length, value.
    assert_eq!(error(324, &[7]), "byte 324: expected RECORDLENGTH (tag 1) of record #1, found tag 7");
    assert_eq!(error(327, &[0, 0]), "byte 327: expected a length of at least 5 for record #1, found 0");
    assert_eq!(error(327, &[0, 4]), "byte 327: expected a length of at least 5 for record #1, found 4");
    assert_eq!(
        error(327, &[0xFF, 0xFF]),
        "byte 5302: expected 65535 bytes of record #1, found the end of the file after 4978"
    );
    assert_eq!(
        error(330, &[0xFF, 0xFF]),
        "byte 332: expected 65535 bytes of DNSNAME, found the end of record #1 after 1107"
    );
}

#[test]
fn records_cannot_blow_memory_up() {
    let mut builder = ListBuilder::itl().signer("CN=a", &[1], "CN=a");
    builder.records = vec![RecordBuilder::new().build(); 1000];
    let blank = TrustList::parse(&builder.build_unsigned(128)).unwrap();
    assert!(blank.is_blank() && blank.looks_rolled_back());
    builder.records.push(RecordBuilder::new().build());
    let error = TrustList::parse(&builder.build_unsigned(128)).unwrap_err();
    assert_eq!(error.to_string(), "byte 5204: expected at most 1000 records, found one more");
    // One warning for each of 20,000 unknown tags would be twenty times the file.
    let mut record = RecordBuilder::new();
    for _ in 0..20_000 {
        record = record.raw(200, b"");
    }
    let list = TrustList::parse(&ListBuilder::itl().record(&record).build_unsigned(128)).unwrap();
    assert_eq!(list.warnings.len(), 33);
}

#[test]
fn order_and_unknown_tags_do_not_matter() {
    let record = RecordBuilder::new()
        .raw(99, b"new in some release")
        .serial(&[0x83, 0xE9])
        .issuer("CN=ca,O=Cisco")
        .function(40)
        .subject("CN=node")
        .raw(9, b"");
    let list = TrustList::parse(&ListBuilder::new("other").record(&record).build_unsigned(128)).unwrap();
    let record = &list.records[0];
    assert_eq!(record.function.unwrap().name(), "FUNCTION-40");
    assert_eq!(record.issuer, Some(DistinguishedName::from_text("O=Cisco;CN=ca")));
    assert_eq!(record.certificate, None);
    assert_eq!(list.kind, ListKind::Unknown);
    assert_eq!(list.warnings.len(), 2, "{:?}", list.warnings);
    assert!(list.warnings[1].contains("unknown tag 99 of 19 bytes in record #1"));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = TrustFile::parse(&bytes);
        let _ = TrustList::parse(&[&[1, 0, 2, 1, 2, 2, 0, 2, 0, 10][..], &bytes].concat());
    }

    #[test]
    fn one_changed_byte_never_goes_unnoticed(at in 0usize..5302, to: u8) {
        let good = fixture("itl-10.tlv");
        let mut file = good.clone();
        file[at] = to;
        if let Ok(list) = TrustList::parse(&file)
            && file != good
        {
            proptest::prop_assert_ne!(list.sha1, TrustList::parse(&good).unwrap().sha1);
            proptest::prop_assert_ne!(list.verify(&file).status(), itlscope::trust::signature::SignatureStatus::Valid);
        }
    }

    #[test]
    fn one_changed_byte_in_a_list_with_ec_keys(at in 0usize..2064, to: u8) {
        let good = fixture("p521-sha512.tlv");
        let mut file = good.clone();
        file[at] = to;
        if let Ok(list) = TrustList::parse(&file)
            && file != good
        {
            proptest::prop_assert_ne!(list.verify(&file).status(), itlscope::trust::signature::SignatureStatus::Valid);
        }
    }

    #[test]
    fn what_is_built_is_read(functions in proptest::collection::vec(0u16..30, 0..20), serial: [u8; 8]) {
        let mut builder = ListBuilder::itl().signer("CN=signer;O=x", &serial, "CN=ca");
        for (index, function) in functions.iter().enumerate() {
            let name = format!("CN=node{index}");
            builder = builder.record(&RecordBuilder::new().hashed(*function, &name, &serial, &[4; 65], [9; 20]));
        }
        let file = builder.build_unsigned(128);
        let list = TrustList::parse(&file).unwrap();
        proptest::prop_assert_eq!(list.header.header_length.unwrap() % 4, 0);
        let read: Vec<_> = list.records.iter().map(|record| record.function.unwrap().0).collect();
        proptest::prop_assert_eq!(read, functions);
        proptest::prop_assert!(list.warnings.is_empty());
    }
}
