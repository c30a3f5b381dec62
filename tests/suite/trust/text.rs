//! The text of `show itl` and `show ctl`: every dump that the Cisco documents print, and what terminals do to one.

use itlscope::trust::testkit::{ListBuilder, RecordBuilder};
use itlscope::trust::text::{TextError, decode, import};
use itlscope::trust::{Function, ListKind, Origin, Reference, ReferenceKind, TrustList, show};

use super::{fixture, list};

fn text(name: &str) -> String {
    decode(&fixture(&format!("text/{name}"))).unwrap()
}

fn one(name: &str) -> TrustList {
    let mut lists = import(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(lists.len(), 1, "{name}");
    lists.remove(0)
}

/// A list in one line per fact, for comparison with what a person reads in the text.
fn facts(list: &TrustList) -> Vec<String> {
    let mut facts = vec![format!(
        "{} {:?} {} {:?} {}",
        list.kind.name(),
        list.length,
        list.md5.map_or_else(|| "-".to_owned(), |sum| sum.to_string()),
        list.header.header_length,
        list.signer().map_or_else(|| "-".to_owned(), |signer| signer.serial.as_ref().unwrap().to_string()),
    )];
    facts.extend(list.records.iter().map(|record| {
        format!(
            "{} {:?} {} {} {} {}",
            record.index,
            record.length,
            record.function.unwrap().short(),
            record.subject.as_ref().map_or("-", |name| name.short()),
            record.serial.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            record.certificate_sha1.map_or_else(|| "-".to_owned(), |sum| sum.to_string()),
        )
    }));
    facts
}

#[test]
fn security_by_default_in_three_languages() {
    for name in ["sbd-german.txt", "sbd-japanese.txt", "sbd-korean.txt"] {
        let list = one(name);
        let mut facts = facts(&list);
        // The editions print the signer's serial with nine or ten bytes (domain.md 2.6); the German one does both.
        for fact in &mut facts {
            *fact = fact.replace("21002D17000000000005", "…").replace("21002D170000000005", "…");
        }
        let node = "CUCM8-Publisher.bbbburns.lab";
        assert_eq!(
            facts,
            [
                "ITL Some(5438) - Some(296) …".to_owned(),
                format!("1 Some(1972) SAST {node} … 0e1e280e5b5dcc7a202961f58ade3040515bc489"),
                format!("2 Some(1972) CCM+TFTP {node} … 0e1e280e5b5dcc7a202961f58ade3040515bc489"),
                format!("3 Some(743) TVS {node} 2E3E1A7BDAA64D84 c7e1d97accb02bc2a8b290fbaafe665bec41425d"),
                "4 Some(455) CAPF CAPF-9c4cba7d 0ADC6E7742914A53 c73dea77945e0614d290b1a1437b69841d2d852e".to_owned(),
            ],
            "{name}"
        );
        assert_eq!(list.modified.as_deref(), Some("Wed Jul 27 10:16:24 EDT 2011"));
        assert_eq!((list.origin, list.said_verified, list.is_whole()), (Origin::Text, Some(true), true));
        let said: Vec<_> = list.records.iter().map(|record| record.said_to_have_signed).collect();
        assert_eq!(said, [Some(true), None, None, None]);
        assert_eq!(list.header.signature, None, "omitted for brevity is not a signature");
        assert_eq!((list.header.digest, list.header.timestamp), (None, None), "values that are not printed");
        assert_eq!(list.records[2].hash_algorithm.unwrap().name(), "SHA-1");
        assert_eq!((list.records[0].certificate_length, list.records[0].public_key_length), (Some(1442), Some(140)));
        assert!(list.records[0].certificate.is_none() && list.records[0].public_key.is_none());
    }
    for name in ["sbd-german-record-3.txt", "sbd-japanese-record-3.txt", "sbd-korean-record-3.txt"] {
        let list = one(name);
        assert_eq!(list.records.len(), 1, "{name}");
        assert_eq!(list.records[0].index, 3);
        assert_eq!(list.records[0].serial.as_ref().unwrap().to_string(), "2E3E1A7BDAA64D84");
        assert!(list.records[0].is_tvs() && list.records[0].certificate_sha1.is_none());
        assert_eq!(list.warnings, ["the text leaves out records 1 to 2"]);
    }
    // Two sentences that a document quotes are no list.
    assert!(matches!(import(&text("sbd-german-failed.txt")), Err(TextError::NoList { .. })));
}

#[test]
fn the_enhancements_of_release_10() {
    let before = one("enhancements.txt");
    let node = "test10pub.joemar2.lab";
    assert_eq!(
        facts(&before),
        [
            "ITL Some(5302) b331e5bfb450926e816be37f2d8c24a2 Some(324) 614052E91EE97C779B7B5E810AB146A5".to_owned(),
            format!(
                "1 Some(1115) SAST {node} 614052E91EE97C779B7B5E810AB146A5 019c4c3d27d74d82cbb18484d42a639f7178bea9"
            ),
            format!(
                "2 Some(1115) TFTP {node} 614052E91EE97C779B7B5E810AB146A5 019c4c3d27d74d82cbb18484d42a639f7178bea9"
            ),
            "3 Some(439) CAPF CAPF-75638ad9 42BF37779B16AF1CD23088C217249DAA bbc34a1dde1739c5361a156bf065febed1e61903"
                .to_owned(),
            format!("4 Some(455) TVS {node} 765984D8B730606336E5C7B6A7DDB9D6 7abfceb6bee2060274d9ebae584852937a1ea555"),
            format!(
                "5 Some(1141) SAST ITLRECOVERY_{node} 6E3F65C297B3E01FE74281AB52CC55DC \
                 cdc74a39878752fab0890c28abcb3632eb8716dc"
            ),
            "6 Some(713) TVS test10sub.joemar2.lab 67D1A19EF8AB91E6C0A610352630EE02 \
             af288916f994e662a365c2883b94081c667c49c9"
                .to_owned(),
        ]
    );
    assert_eq!(before.sha1.unwrap().to_string(), "9d7da73d16c1501b4d27dc1ed79211f390659982");
    let signature = before.header.signature.as_ref().unwrap().bytes.as_ref().unwrap();
    assert_eq!((signature.len(), &signature[..4], signature[127]), (128, &[0x8f, 0xd4, 0x00, 0xcb][..], 0x0b));
    assert_eq!(before.itl_recovery().unwrap().index, 5);
    assert!(before.is_whole());

    let after = one("enhancements-after-reset.txt");
    assert_eq!(after.signer().unwrap().short(), "ITLRECOVERY_test10pub.joemar2.lab");
    assert_eq!(after.modified.as_deref(), Some("Wed Feb 26 10:34:46 PST 2014"), "without the stray <");
    assert_eq!(after.records[4].said_to_have_signed, Some(true));
    assert_eq!(after.records[0].said_to_have_signed, Some(false));
    // 15 of 16 rows of the signature are printed: what is not whole is not there.
    let signature = after.header.signature.as_ref().unwrap();
    assert_eq!((signature.length, &signature.bytes), (128, &None));
    assert!(after.warnings.contains(&"the signature has 120 of 128 bytes, lines were lost".to_owned()));

    let checksum = one("enhancements-checksum.txt");
    assert_eq!(checksum.md5, before.md5);
    assert_eq!((checksum.sha1, checksum.length, checksum.records.len()), (before.sha1, None, 0));
    assert!(!checksum.is_blank(), "no record was printed, which is not the same as no records");
}

#[test]
fn tokenless_ctls() {
    let whole = one("tokenless-whole.txt");
    let publisher = "cucm-1051-a-pub 70CAF64E090751B9DF22F49F754FC5BB e9d433645bc88ced514d8fe5ea5b6d21a5a38c9c";
    assert_eq!(
        facts(&whole),
        [
            "CTL Some(4947) 1d97d9089dd558a062cccfcb1dc4c57f Some(336) 70CAF64E090751B9DF22F49F754FC5BB".to_owned(),
            format!("1 Some(1156) SAST {publisher}"),
            format!("2 Some(1156) CCM+TFTP {publisher}"),
            "3 Some(1138) CAPF CAPF-e41e7d87 744B4999770496E799E91E81D3C8109B 46ee5a972465b0177e5f7e44f76c0af363354fa7"
                .to_owned(),
            "4 Some(1161) CCM+TFTP cucm-1051-a-sub1 6BEBFDCDCD8CA277CB2FD1D183A60E72 \
             217f23deafff0485767270bfb1ba44db5e90ed66"
                .to_owned(),
        ]
    );
    assert_eq!((whole.kind, whole.is_whole()), (ListKind::Ctl, true));
    assert_eq!(whole.warnings, Vec::<String>::new());
    assert_eq!(whole.records[3].dns_name.as_deref(), Some("cucm-1051-a-sub1"));
    assert_eq!(whole.header.signature.as_ref().unwrap().bytes.as_ref().unwrap().len(), 128);

    for (name, md5, records) in [
        ("tokenless-1.txt", "0c05655de63fe2a042cf252d96c6d609", &[1156, 1156][..]),
        ("tokenless-2.txt", "1d97d9089dd558a062cccfcb1dc4c57f", &[1156, 1156]),
        ("tokenless-before.txt", "7b7c10c4a7fa6de651d9b694b74db25f", &[1156, 1156]),
        ("tokenless-after.txt", "ebc649598280a4477bb3e453345c8c9d", &[1675, 1675]),
    ] {
        let list = one(name);
        assert_eq!(list.md5.unwrap().to_string(), md5, "{name}");
        let lengths: Vec<_> = list.records.iter().map(|record| record.length.unwrap()).collect();
        assert_eq!(lengths, records, "{name}");
        assert_eq!(list.records[0].said_to_have_signed, Some(true), "{name}");
        // The header's table is left out, but the signer is named by "This etoken was used to sign".
        assert_eq!(list.signer().unwrap().serial, list.records[0].serial, "{name}");
        assert_eq!(list.warnings, ["the text leaves out records at the end"], "{name}");
        assert!(!list.is_whole() && list.sha1.is_some() && list.said_verified == Some(true));
    }
}

#[test]
fn token_ctls() {
    let list = one("tokenless-etoken.txt");
    assert_eq!(list.records.len(), 1);
    assert_eq!((list.records[0].index, list.records[0].signature_length), (5, None));
    assert_eq!(list.records[0].subject.as_ref().unwrap().short(), "SAST-ADN008580ef");
    assert_eq!(list.records[0].issuer.as_ref().unwrap().short(), "Cisco Manufacturing CA");
    let list = one("tokenless-etokens.txt");
    let signed: Vec<_> = list.records.iter().map(|record| (record.index, record.said_to_have_signed)).collect();
    assert_eq!(signed, [(1, Some(false)), (5, Some(true))]);
    assert!(list.warnings.contains(&"the text leaves out records 2 to 4".to_owned()));
    let missing = import(&text("tokenless-no-ctl.txt")).unwrap_err();
    assert!(missing.to_string().starts_with("line 7: the server says that it has no such file (CTL File not found."));
}

#[test]
fn a_whole_dump_on_one_line() {
    let list = one("nonsecure-joined.txt");
    assert_eq!((list.kind, list.length, list.is_whole()), (ListKind::Ctl, Some(3746), true));
    assert_eq!(list.warnings, Vec::<String>::new());
    let blank: Vec<_> = list.records.iter().map(itlscope::trust::Record::is_blank).collect();
    assert_eq!(blank, [false, false, true, false, true]);
    assert_eq!(list.records[4].dns_name.as_deref(), Some("10.48.47.154"));
    assert_eq!(list.header.signature.as_ref().unwrap().bytes.as_ref().unwrap()[..3], [0x45, 0xec, 0x05]);
}

/// What another tool prints in CUCM's manner: other titles, no values for names and serials of the header.
#[test]
fn the_older_layout_with_other_words() {
    let text = "
        Parse CTL File

Version:        1.2
HeaderLength:   312 (BYTES)

BYTEPOS TAG             LENGTH  VALUE
------- ---             ------  -----
3       SIGNERID        2       127
4       SIGNERNAME      55
5       SERIALNUMBER    8
6       CANAME  55
7       SIGNATUREINFO   2       55
9       SIGNATUREALGOINFO       2
12      SIGNATURE       128
14      FILENAME        12
15      TIMESTAMP       4

        Start CTL Records
        -----------------

        CTL Record  #: 1
                     ----
1       RECORDLENGTH    2       1147
2       DNSNAME         11      gigantic-6
3       SUBJECTNAME     55      CN=gigantic-6.example.com;OU=VTG;O=Alpha;L=SJ;ST=CA;C=US
4       FUNCTION        2       Security Token
6       SERIAL NUMBER   8
9       CERTIFICATE     712
Signature Verified successfully
10      IPADDRESS       4

        CTL Record  #: 2
4       FUNCTION        2       CCM+TFTP
Signature verification failed,openssl reason=106
";
    let list = import(text).unwrap().remove(0);
    // The header prints no names; the record that verified is the signer, as far as it is printed.
    assert_eq!(
        (list.signer().unwrap().short().as_str(), &list.signer().unwrap().serial),
        ("gigantic-6.example.com", &None)
    );
    assert_eq!((list.records.len(), list.header.signature.as_ref().unwrap().length), (2, 128));
    let record = &list.records[0];
    assert_eq!((record.function, record.serial.as_ref()), (Some(Function::SAST), None));
    assert_eq!((record.certificate_length, record.certificate_sha1), (Some(712), None));
    assert_eq!(record.said_to_have_signed, Some(true));
    assert_eq!(list.records[1].said_to_have_signed, None);
}

#[test]
fn a_session_with_both_lists() {
    let itl = show::list(&list("itl-8.tlv"), None);
    let ctl = show::list(&list("ctl-tokenless.tlv"), None);
    let log = format!(
        "login: admin\nadmin:show itl\n{itl}\nadmin:\nadmin:show ctl\n{ctl}\nadmin:show itl\n{itl}admin:exit\n"
    );
    let lists = import(&log).unwrap();
    let kinds: Vec<_> = lists.iter().map(|list| (list.kind, list.records.len())).collect();
    assert_eq!(kinds, [(ListKind::Itl, 4), (ListKind::Ctl, 4), (ListKind::Itl, 4)]);
    let references = Reference::all_from_bytes("session.log", None, log.as_bytes()).unwrap();
    let kinds: Vec<_> = references.iter().map(|reference| reference.kind).collect();
    assert_eq!(kinds, [ReferenceKind::Itl, ReferenceKind::Ctl, ReferenceKind::Itl]);
    let error = Reference::from_bytes("session.log", None, log.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "session.log: the text holds 3 lists, one was expected; save each to a file of its own"
    );
}

/// What text can say of a list: the same before and after a round trip.
fn assert_same(printed: &TrustList, original: &TrustList, why: &str) {
    assert_eq!(facts(printed), facts(original), "{why}");
    assert_eq!(printed.sha1, original.sha1, "{why}");
    assert_eq!(printed.header.version, original.header.version, "{why}");
    assert_eq!(printed.signer(), original.signer(), "{why}");
    let (one, other) = (printed.header.signature.as_ref(), original.header.signature.as_ref());
    assert_eq!(one.and_then(|one| one.bytes.as_ref()), other.and_then(|other| other.bytes.as_ref()), "{why}");
    assert!(printed.is_whole(), "{why}");
    for (one, other) in printed.records.iter().zip(&original.records) {
        assert_eq!(one.dns_name, other.dns_name, "{why}");
        assert_eq!(one.issuer, other.issuer, "{why}");
        assert_eq!(one.public_key_length, other.public_key_length, "{why}");
        assert_eq!(one.signature_length, other.signature_length, "{why}");
        assert_eq!(one.certificate_length, other.certificate_length, "{why}");
        assert_eq!(one.hash_algorithm, other.hash_algorithm, "{why}");
        assert_eq!(one.is_blank(), other.is_blank(), "{why}");
        assert_eq!(one.rows.len(), other.rows.len(), "{why}");
    }
}

#[test]
fn what_is_shown_is_read_back() {
    for name in [
        "itl-8.tlv",
        "itl-10.tlv",
        "itl-10-recovery.tlv",
        "ctl-tokenless.tlv",
        "ctl-nonsecure.tlv",
        "rsa4096-sha512.tlv",
        "p256-sha256.tlv",
        "p521-sha512.tlv",
        "wrong-signer.tlv",
    ] {
        let file = fixture(name);
        let original = TrustList::parse(&file).unwrap();
        let verification = original.verify(&file);
        let shown = show::list(&original, Some(&verification));
        let printed = import(&shown).unwrap().remove(0);
        assert_same(&printed, &original, name);
        assert_eq!(printed.warnings, Vec::<String>::new(), "{name}");
        assert_eq!(show::list(&printed, None), shown, "{name}: shown again from the text");
        let reference = Reference::from_bytes("saved.txt", None, shown.as_bytes()).unwrap();
        assert_eq!((reference.md5, reference.sha1), (original.md5, original.sha1));
    }
}

#[test]
fn what_terminals_do_to_it() {
    let original = list("itl-10.tlv");
    let shown = show::list(&original, None);
    let windows = shown.replace('\n', "\r\n");
    let tabs: String = shown.lines().map(|line| line.split("  ").collect::<Vec<_>>().join("\t") + "\n").collect();
    let squeezed: String =
        shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect();
    let joined = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let spread = shown.replace('\n', "\n\n");
    let prompt = "Press <enter> for 1 line, <space> for one page, or <q> to quit";
    let paged: String = shown
        .lines()
        .enumerate()
        .map(
            |(at, line)| {
                if at % 24 == 23 { format!("{prompt}\r{}\r{line}\n", " ".repeat(70)) } else { format!("{line}\n") }
            },
        )
        .collect();
    let coloured: String = shown.lines().map(|line| format!("\x1b[0m{line}\x1b[K\r\n")).collect();
    let quoted: String = shown.lines().map(|line| format!("{line}   \n")).collect();
    for (why, text) in [
        ("CR LF", &windows),
        ("tabs", &tabs),
        ("squeezed", &squeezed),
        ("joined", &joined),
        ("blank lines between", &spread),
        ("paged", &paged),
        ("coloured", &coloured),
        ("blanks at the end", &quoted),
    ] {
        assert_same(&import(text).unwrap().remove(0), &original, why);
    }
}

/// Values over very many lines: counting them anew with every line would take minutes here.
#[test]
fn long_values_take_linear_time() {
    let signature = "12 SIGNATURE 65000\n".to_owned() + &"ab cd ef 1 2 3 4 5\n".repeat(100_000);
    let list = import(&signature).unwrap().remove(0);
    assert_eq!(list.header.signature.unwrap().length, 65000);
    let hash = "11 CERTHASH 65000\n".to_owned() + &"a\n".repeat(100_000);
    assert!(import(&hash).unwrap()[0].records[0].certificate_hash.is_none(), "65000 bytes are not there");
    let name = "3 SUBJECTNAME 65000 CN=\n".to_owned() + &"abcdef;\n".repeat(100_000);
    assert!(import(&name).unwrap()[0].records[0].subject.as_ref().unwrap().as_str().len() <= 1024);
    let lists = "admin:show itl\nLength of ITL file: 5\n".repeat(10_000);
    let lists = import(&lists).unwrap();
    assert_eq!(lists.len(), 256);
    assert!(lists[255].warnings[0].contains("goes on with more lists"));
}

/// A terminal breaks lines wherever they get too long; so do mail programs, at blanks.
fn wrapped(text: &str, width: usize) -> String {
    let mut wrapped = String::new();
    for line in text.lines() {
        let characters: Vec<char> = line.chars().collect();
        for piece in characters.chunks(width) {
            wrapped.extend(piece);
            wrapped.push('\n');
        }
        if characters.is_empty() {
            wrapped.push('\n');
        }
    }
    wrapped
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,400}") {
        let _ = import(&text);
    }

    #[test]
    fn any_lines_of_a_dump_are_read_or_refused(picked in proptest::collection::vec(0usize..150, 0..200)) {
        let shown = show::list(&list("itl-10.tlv"), None);
        let lines: Vec<_> = shown.lines().collect();
        let text: String = picked.iter().filter_map(|&at| lines.get(at)).map(|line| format!("{line}\n")).collect();
        for list in import(&text).unwrap_or_default() {
            proptest::prop_assert!(list.records.len() <= picked.len());
            let _ = show::list(&list, None);
        }
    }

    #[test]
    fn any_width_of_terminal(width in 64usize..140) {
        for name in ["itl-8.tlv", "itl-10.tlv", "ctl-tokenless.tlv"] {
            let original = list(name);
            let shown = show::list(&original, None);
            let printed = import(&wrapped(&shown, width)).unwrap().remove(0);
            assert_same(&printed, &original, &format!("{name} at {width}"));
        }
    }

    #[test]
    fn any_list_survives_the_round_trip(
        names in proptest::collection::vec("[A-Za-z0-9 ._-]{1,20}", 1..6),
        serial in proptest::collection::vec(proptest::num::u8::ANY, 1..17),
        function in 0u16..40,
    ) {
        let mut builder = ListBuilder::itl().signer(&format!("CN={}", names[0].trim()), &serial, "CN=ca;O=x");
        for name in &names {
            let name = format!("CN={};OU=TAC;C=US", name.trim());
            builder = builder.record(&RecordBuilder::new().hashed(function, &name, &serial, &[4; 65], [9; 20]));
        }
        let original = TrustList::parse(&builder.build_unsigned(128)).unwrap();
        let printed = import(&show::list(&original, None)).unwrap().remove(0);
        assert_same(&printed, &original, "built");
    }
}
