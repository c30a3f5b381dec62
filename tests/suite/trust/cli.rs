//! The commands `show` and `diff` as the program that people run.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/trust").join(name)
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("itlscope").unwrap();
    command.current_dir(path(".")).args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", out(output)))
}

#[test]
fn show_is_laid_out_like_cucm() {
    let shown = run(&["show", "--format", "cucm", "itl-8.tlv"]);
    assert_eq!(shown.status.code(), Some(0));
    let text = out(&shown);
    let expected = "\
        \n        ITL Record #:3\
        \n                  ----\
        \nBYTEPOS TAG             LENGTH  VALUE\
        \n------- ---             ------  -----\
        \n1       RECORDLENGTH    2       743\
        \n2       DNSNAME         2\
        \n3       SUBJECTNAME     76      CN=CUCM8-Publisher.bbbburns.lab;OU=TAC;O=Cisco;L=RTP;ST=North Carolina;C=US\
        \n4       FUNCTION        2       TVS\
        \n5       ISSUERNAME      76      CN=CUCM8-Publisher.bbbburns.lab;OU=TAC;O=Cisco;L=RTP;ST=North Carolina;C=US\
        \n6       SERIALNUMBER    8       2E:3E:1A:7B:DA:A6:4D:84\
        \n7       PUBLICKEY       270\
        \n8       SIGNATURE       256\
        \n11      CERTHASH        20      06 BB B3 95 ";
    assert!(text.contains(expected), "{text}");
    assert!(
        text.contains("\n8       DIGESTALGORTITHM        1\n9       SIGNATUREALGOINFO       2       8\n"),
        "{text}"
    );
    assert!(text.contains("(SHA1 Hash HEX)\nThis etoken was used to sign the ITL file.\n"), "{text}");
    assert!(text.ends_with("\n\nThe ITL file was verified successfully.\n"), "{text}");
}

/// The English edition of the tokenless note, whose lines were joined, prints the same rows with the same blanks.
#[test]
fn show_prints_the_very_rows_of_the_document() {
    let text = out(&run(&["show", "--format", "cucm", "ctl-nonsecure.tlv"]));
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let document = std::fs::read_to_string(path("text/nonsecure-joined.txt")).unwrap();
    for row in [
        "3       SIGNERID        2       117",
        "4       SIGNERNAME      56      cn=\"SAST-ADN0054f509        \";ou=IPCBU;o=\"Cisco Systems",
        "10      SIGNATUREALGORTITHM     1",
        "2       DNSNAME         13      10.48.47.153",
        "10      IPADDRESS       4",
    ] {
        assert!(text.contains(&format!("{row}\n")), "{row}");
        assert!(document.contains(&format!("{row} ")), "{row}");
    }
    assert!(
        joined(&text)
            .contains("HeaderLength: 304 (BYTES) BYTEPOS TAG LENGTH VALUE ------- --- ------ ----- 3 SIGNERID")
    );
}

#[test]
fn notes_tell_what_cucm_does_not() {
    let text = out(&run(&["show", "itl-10.tlv", "--at", "2018-06-01"]));
    assert!(text.contains("\nNotes by itlscope\n- Signature (sha1) valid: signed by test10pub.joemar2.lab"), "{text}");
    assert!(text.contains("is the recovery key: phones that hold this list accept"), "{text}");
    assert!(text.contains("certificate valid 2014-01-01 to 2019-01-01"), "{text}");
    let text = out(&run(&["show", "itl-8.tlv", "--at", "2018-06-01T00:00:00Z"]));
    assert!(text.contains("certificate EXPIRED (valid 2011-01-01 to 2016-01-01)"), "{text}");
    assert!(text.contains("No ITLRecovery record"), "{text}");
    let text = out(&run(&["show", "ctl-nonsecure.tlv"]));
    assert!(
        text.contains("2 records without a certificate: this CTL was made when the cluster was set from mixed"),
        "{text}"
    );
}

#[test]
fn a_list_that_fails_its_own_signature_is_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ITLFile.tlv");
    let mut bytes = std::fs::read(path("itl-8.tlv")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let shown = run(&["show", file.to_str().unwrap()]);
    assert_eq!(shown.status.code(), Some(1));
    let text = out(&shown);
    assert!(text.contains("This etoken was not used to sign the ITL file.\n"), "{text}");
    assert!(text.contains("\nVerification of the ITL file failed.\nError parsing the ITL file!!\n"), "{text}");
    assert!(text.contains("is a fault of the server that made it"), "{text}");
    assert_eq!(json(&run(&["show", "--format", "json", file.to_str().unwrap()]))["signature"]["status"], "invalid");
}

#[test]
fn signed_files_are_checked_with_what_is_given() {
    let name = "SEP0011215A1AE3.cnf.xml.sgn";
    let status = |arguments: &[&str]| {
        let shown = run(&[&["show", "--format", "json", name], arguments].concat());
        let value = json(&shown);
        (value["signature"]["status"].as_str().unwrap().to_owned(), shown.status.code().unwrap())
    };
    assert_eq!(status(&[]), ("unknown".to_owned(), 0));
    assert_eq!(status(&["-r", "itl-8.tlv"]), ("valid".to_owned(), 0));
    assert_eq!(status(&["-r", "itl-10.tlv"]), ("unknown".to_owned(), 0));
    assert_eq!(status(&["--certificate", "CallManager.pem"]), ("valid".to_owned(), 0));
    assert_eq!(status(&["--certificate", "CallManager.der", "--certificate", "TVS.pem"]), ("valid".to_owned(), 0));
    let text = out(&run(&["show", name, "--certificate", "CallManager.pem"]));
    assert!(text.contains("The signed file was verified successfully."), "{text}");
    assert!(text.contains("Body: 88 bytes from byte 312, in clear"), "{text}");
}

#[test]
fn show_as_json() {
    let value = json(&run(&["show", "--format", "json", "--at", "2018-01-01", "itl-10.tlv"]));
    assert_eq!(value["schema"], "itlscope.list/1");
    assert_eq!(value["path"], "itl-10.tlv");
    assert_eq!(value["kind"], "itl");
    assert_eq!(value["length"], 5302);
    assert_eq!(value["header"]["version"], "1.2");
    assert_eq!(value["header"]["header_length"], 324);
    assert_eq!(value["header"]["signer"]["serial"], "614052E91EE97C779B7B5E810AB146A5");
    assert_eq!(value["header"]["digest"], "sha1");
    assert_eq!(value["header"]["signature_length"], 128);
    assert_eq!(value["header"]["file_name"], "ITLFile.tlv");
    assert_eq!(value["header"]["timestamp"], "2014-02-26T18:24:27.000000Z");
    let records = value["records"].as_array().unwrap();
    assert_eq!(records.len(), 6);
    assert_eq!(records[3]["function"], serde_json::json!({"number": 21, "name": "TVS"}));
    assert_eq!(records[3]["offset"], 324 + 1115 + 1115 + 439);
    assert_eq!(records[3]["certificate_length"], serde_json::Value::Null);
    assert_eq!(records[3]["hash_algorithm"], "SHA-1");
    assert_eq!(records[3]["certificate_sha1"].as_str().unwrap().len(), 40);
    let signed: Vec<_> = records.iter().map(|record| record["signed_this_file"].as_bool().unwrap()).collect();
    assert_eq!(signed, [true, true, false, false, false, false]);
    assert_eq!(value["signature"]["status"], "valid");
    assert_eq!(value["warnings"], serde_json::json!([]));
    assert_eq!(json(&run(&["show", "--format", "json", "SEP0011215A1AE3.cnf.xml.enc.sgn"]))["kind"], "signed_file");
    // Several files are a stream of lines.
    let several = out(&run(&["show", "--format", "json", "itl-10.tlv", "ctl-tokenless.tlv"]));
    let kinds: Vec<_> = several
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["itl", "ctl"]);
    // Of text, what is not printed is null.
    let value = json(&run(&["show", "--format", "json", "text/sbd-german.txt"]));
    assert_eq!((&value["md5"], &value["header"]["timestamp"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!(value["records"][0]["signed_this_file"], true);
    assert_eq!(value["signature"]["status"], "unknown");
}

#[test]
fn several_files_and_standard_input() {
    let text = out(&run(&["show", "itl-8.tlv", "ctl-tokenless.tlv"]));
    assert!(text.starts_with("==> itl-8.tlv <==\n"), "{text}");
    assert!(text.contains("\n\n==> ctl-tokenless.tlv <==\n"), "{text}");
    let mut command = Command::cargo_bin("itlscope").unwrap();
    let output = command.args(["show", "-"]).write_stdin(std::fs::read(path("itl-8.tlv")).unwrap()).output().unwrap();
    assert!(out(&output).contains("Length of ITL file: 5438"));
}

/// Every failure is one line on standard error that names the file, what is wrong and where; the exit status is 2.
#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let good = std::fs::read(path("itl-8.tlv")).unwrap();
    let cases = [
        (write("empty", b""), "byte 0: expected a trust list or signed file (01 00 02), found an empty file"),
        (
            write("cut.tlv", &good[..4500]),
            "byte 4500: expected 743 bytes of record #3, found the end of the file after 260",
        ),
        (
            write("zero.tlv", &[&good[..299], &[0, 0], &good[301..]].concat()),
            "byte 299: expected a length of at least 5",
        ),
        (
            write("boot.pcap", &[0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0]),
            "found a pcap capture; name a file in it with --file",
        ),
        (write("notes.txt", b"nothing of interest\n"), "nothing is recognised in its 1 line(s)"),
        (folder.path().to_str().unwrap().to_owned(), "is a directory, expected a file"),
        (folder.path().join("missing").to_str().unwrap().to_owned(), "No such file or directory"),
        (path("TVS.pem").to_str().unwrap().to_owned(), "found PEM; give certificates with --certificate"),
        (
            path("text/tokenless-no-ctl.txt").to_str().unwrap().to_owned(),
            "line 7: the server says that it has no such file",
        ),
        (write("b\u{1b}[31mad", b"\0\0\0\0"), "b\\x1b[31mad: byte 0: expected"),
    ];
    for (file, expected) in &cases {
        let shown = run(&["show", file]);
        let error = err(&shown);
        assert_eq!(shown.status.code(), Some(2), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with("itlscope: ") && error.contains(expected), "{error}");
        assert!(!error.contains('\x1b'), "{error}");
        assert_eq!(out(&shown), "");
        let diffed = run(&["diff", file, "itl-8.tlv"]);
        assert_eq!(diffed.status.code(), Some(2));
        assert_eq!(err(&diffed).lines().count(), 1, "{}", err(&diffed));
    }
    // The other files are shown all the same.
    let mixed = run(&["show", &cases[0].0, "itl-8.tlv"]);
    assert_eq!((mixed.status.code(), err(&mixed).lines().count()), (Some(2), 1));
    assert!(out(&mixed).contains("The ITL file was verified successfully."));
}

#[test]
fn wrong_options() {
    for arguments in [
        &["show"][..],
        &["show", "--format", "xml", "itl-8.tlv"],
        &["show", "--at", "yesterday", "itl-8.tlv"],
        &["show", "-r", "9d7da73d16c1501b4d27dc1ed79211f390659982", "itl-8.tlv"],
        &["show", "-r", "", "itl-8.tlv"],
        &["show", "--file", "ITLFile.tlv", "itl-8.tlv"],
        &["diff", "itl-8.tlv"],
        &["diff", "--ctl", "itl-10.tlv", "itl-8.tlv", "itl-10.tlv"],
        &["diff", "--ctl", "ctl-tokenless.tlv", "ctl-tokenless.tlv", "itl-10.tlv"],
        &["diff", "--itl", "itl-8.tlv", "itl-8.tlv", "itl-10.tlv"],
        &["diff", "--tvs", "itl-8.tlv", "itl-8.tlv", "itl-10.tlv"],
        &["diff", "TVS.pem", "itl-10.tlv"],
        &["diff", "SEP0011215A1AE3.cnf.xml.sgn", "itl-10.tlv"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", out(&output));
        assert!(!err(&output).is_empty(), "{arguments:?}");
    }
}

#[test]
fn diff_predicts_and_its_exit_status_says_so() {
    let accepted = run(&["diff", "itl-10.tlv", "itl-10-recovery.tlv"]);
    assert_eq!(accepted.status.code(), Some(0));
    let text = out(&accepted);
    assert!(text.contains("  and holds no CTL: ACCEPTS it\n"), "{text}");
    assert!(text.contains("  ~ length in bytes: 5302 -> 5322\n"), "{text}");
    let rejected = run(&["diff", "itl-8.tlv", "itl-10.tlv"]);
    assert_eq!(rejected.status.code(), Some(1));
    assert!(out(&rejected).contains("Regenerating CallManager and TVS together strands these phones"));
    let unknown = run(&["diff", "text/sbd-german-record-3.txt", "itl-10.tlv"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(out(&unknown).contains("is UNDECIDED"));
    let same = run(&["diff", "itl-8.tlv", "itl-8.tlv"]);
    assert!(out(&same).contains("none: it is the same file"));
}

#[test]
fn diff_as_json() {
    let value =
        json(&run(&["diff", "--format", "json", "--ctl", "ctl-tokenless.tlv", "itl-10.tlv", "itl-10-recovery.tlv"]));
    assert_eq!(value["schema"], "itlscope.diff/1");
    assert_eq!(value["prediction"]["itl_only"], "accepted");
    assert_eq!(value["prediction"]["with_ctl"], "accepted");
    assert_eq!(value["prediction"]["through"], "ITL record 5 (SAST, ITLRECOVERY_t10pub.joemar2.lab)");
    assert!(value["prediction"]["why"].is_string());
    let kinds: Vec<_> =
        value["changes"].as_array().unwrap().iter().map(|change| change["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["checksum", "length", "signer", "timestamp"]);
    let value = json(&run(&["diff", "--format", "json", "itl-8.tlv", "itl-10.tlv"]));
    assert_eq!(value["prediction"]["itl_only"], "rejected");
    assert_eq!(value["prediction"]["with_ctl"], serde_json::Value::Null);
    assert_eq!(value["prediction"]["through"], serde_json::Value::Null);
    let arguments = ["diff", "--format", "json", "--itl", "itl-8.tlv", "--tvs", "TVS.pem", "ctl-tokenless.tlv"];
    let value = json(&run(&[&arguments[..], &["ctl-nonsecure.tlv"]].concat()));
    assert_eq!(value["prediction"]["itl_only"], serde_json::Value::Null);
    assert_eq!(value["prediction"]["with_ctl"], "unknown", "the lists are of two clusters");
}

#[test]
fn hostile_names_never_reach_the_terminal_raw() {
    use itlscope::trust::testkit::{ListBuilder, RecordBuilder};
    let name = "CN=a\x1b]0;owned\x07\u{202e}b\nITL Record #:9";
    let record = RecordBuilder::new().subject(name).issuer(name).function(0).dns("x\x1b[2Jy").serial(&[1]);
    let mut builder = ListBuilder::itl().signer(name, &[1], name).record(&record);
    builder.file_name = "ITL\x1bFile.tlv".to_owned();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.tlv");
    std::fs::write(&file, builder.build_unsigned(128)).unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        &["show", file][..],
        &["show", "--format", "cucm", file],
        &["show", "--format", "json", file],
        &["diff", file, "itl-8.tlv"],
        &["diff", "itl-8.tlv", file],
    ] {
        let output = run(arguments);
        let text = out(&output) + &err(&output);
        assert!(!text.contains(['\x1b', '\x07', '\u{202e}']) || arguments.contains(&"json"), "{arguments:?}: {text:?}");
        assert!(!text.contains('\x1b'), "{arguments:?}");
        assert!(!text.contains("\nITL Record #:9"), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("itlscope"))
        .args(["show", "itl-10.tlv", "itl-8.tlv", "itl-10.tlv", "itl-8.tlv", "itl-10.tlv", "itl-8.tlv"])
        .current_dir(path("."))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(err(&output), "");
    assert!(output.status.success());
}
