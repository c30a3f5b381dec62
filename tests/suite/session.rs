//! What the dashboard asks of a session: references taken and read again, phones exported without their secrets.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use itlscope::capture::{CaptureFile, Loss, MergedCaptures, Source};
use itlscope::engine::Limits;
use itlscope::phone::{DeviceName, PhoneKey};
use itlscope::testkit::{self, Owned};
use itlscope::timestamp::Timestamp;
use itlscope::trust::Reference;
use itlscope::verdict::{self, Case, Check, Deletion};
use itlscope::watch::{self, Board, Exports, Input, References, Row, Session, Setup, Step};
use itlscope::words::Told;
use tempfile::TempDir;

use crate::support::captures;

fn reference(name: &str) -> Vec<Reference> {
    let bytes = fs::read(captures().join("references").join(name)).unwrap();
    Reference::all_from_bytes(name, None, &bytes).unwrap()
}

type Load = Box<dyn Fn() -> Result<Vec<Reference>, String> + Send>;

fn session(input: Input, load: Load, export_to: &Path) -> Session {
    let given = load().unwrap_or_default();
    let mut session = Session::new(Setup {
        label: "a capture".to_owned(),
        input,
        references: References { load, given },
        told: Told::default(),
        limits: Limits::default(),
        export_to: Exports::open(export_to),
        recording: None,
        privileges: None,
    });
    loop {
        match session.step() {
            Step::Ended => break,
            Step::More => {}
            Step::Idle => {
                let fed = session.feed().unwrap().queue().clone().recv().unwrap();
                session.take(fed);
            }
        }
    }
    refresh(&mut session);
    session
}

/// Assesses what has to be assessed.
fn refresh(session: &mut Session) {
    while session.board.refresh(|| true).unfinished {}
}

fn open(paths: &[PathBuf]) -> Box<dyn Source + Send> {
    let (source, errors) = MergedCaptures::new(paths, |path: &PathBuf, number| CaptureFile::open(path, number));
    assert!(errors.is_empty());
    Box::new(source)
}

fn file(case: &str) -> Input {
    let paths = vec![captures().join(case).join("capture.pcap")];
    let source = open(&paths);
    Input::Files { source, total: None, reopen: Some(Box::new(move || Ok(open(&paths)))) }
}

fn stream(case: &str) -> Input {
    let path = captures().join(case).join("capture.pcap");
    let open = move |_| Ok(Box::new(fs::File::open(path)?) as Box<dyn Read + Send>);
    Input::Stream(watch::read_stream(Box::new(open), "a stream".to_owned()).unwrap())
}

fn phone() -> PhoneKey {
    PhoneKey::Device(DeviceName::new("SEP0011215A1AE3").unwrap())
}

fn itl_check(session: &Session) -> Check {
    session.board.phone(&phone()).unwrap().1.checks.itl_checksum.result
}

#[test]
fn a_phones_list_becomes_its_servers_reference() {
    let folder = TempDir::new().unwrap();
    let load: Load = Box::new(|| Ok(reference("itl-both-new.tlv")));
    let mut session = session(file("healthy"), load, folder.path());
    assert_eq!(itl_check(&session), Check::Mismatch);
    let note = session.mark(&phone());
    assert!(!note.failed && note.text.contains("is the reference for 14.48.44.80 now"), "{note:?}");
    assert!(session.board.backlog() > 0, "phones are assessed again");
    refresh(&mut session);
    assert_eq!(itl_check(&session), Check::Match);
    assert_eq!(session.status().references.last().unwrap(), "the list of SEP0011215A1AE3 for 14.48.44.80");
    let note = session.mark(&phone());
    assert!(note.text.contains("no reference any more"), "{note:?}");
    assert_eq!(itl_check(&session), Check::Mismatch);
    let stranger = PhoneKey::Device(DeviceName::new("SEP000000000001").unwrap());
    assert!(session.mark(&stranger).failed);
}

#[test]
fn references_are_read_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("reference.tlv");
    fs::write(&path, fs::read(captures().join("references/itl-both-new.tlv")).unwrap()).unwrap();
    let from = path.clone();
    let load: Load = Box::new(move || {
        let bytes = fs::read(&from).map_err(|error| error.to_string())?;
        Reference::all_from_bytes("reference.tlv", None, &bytes).map_err(|error| error.to_string())
    });
    let mut session = session(file("healthy"), load, folder.path());
    assert_eq!(itl_check(&session), Check::Mismatch);
    fs::write(&path, fs::read(captures().join("references/itl-old.tlv")).unwrap()).unwrap();
    assert!(!session.reload().failed);
    assert_eq!(itl_check(&session), Check::Match);
    fs::remove_file(&path).unwrap();
    let note = session.reload();
    assert!(note.failed && note.text.starts_with("references stay as they were"), "{note:?}");
    assert_eq!(itl_check(&session), Check::Match);
}

/// What the maker of the captures writes into every configuration where passwords stand.
const SECRET: &[u8] = b"never-print";

fn holds_secret(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET)
}

#[test]
fn exports_hold_no_secrets_unless_they_are_asked_for() {
    assert!(
        holds_secret(&fs::read(captures().join("healthy/capture.pcap")).unwrap()),
        "there is a secret to be left out"
    );
    for (case, input) in
        [("healthy", file("healthy")), ("healthy", stream("healthy")), ("fragments", file("fragments"))]
    {
        let folder = TempDir::new().unwrap();
        let mut session = session(input, Box::new(|| Ok(Vec::new())), folder.path());
        let exported = session.export(&phone(), false).unwrap();
        assert_eq!(exported.files.len(), 3, "{case}");
        assert!(exported.frames > 50 && exported.blanked > 5, "{case}: {exported}");
        for path in &exported.files {
            assert!(!holds_secret(&fs::read(path).unwrap()), "{case}: {}", path.display());
        }
        // What is left still shows the list: the same checksum comes out.
        let again = CaptureFile::open(&exported.files[2], 0).unwrap();
        let again = Input::Files { source: Box::new(again), total: None, reopen: None };
        let other = TempDir::new().unwrap();
        let again = self::session(again, Box::new(|| Ok(reference("itl-old.tlv"))), other.path());
        let expected = if case == "fragments" { Check::Unknown } else { Check::Match };
        assert_eq!(itl_check(&again), expected, "{case}");
    }
    let folder = TempDir::new().unwrap();
    let mut session = session(file("healthy"), Box::new(|| Ok(Vec::new())), folder.path());
    let exported = session.export(&phone(), true).unwrap();
    assert_eq!(exported.blanked, 0);
    assert!(holds_secret(&fs::read(&exported.files[2]).unwrap()), "asked for, it is there");
}

/// A phone that is served a configuration under the name of its list, and shows its password to an HTTP server.
fn leaking() -> Vec<Owned> {
    let secret = format!("<device><sshPassword>{}</sshPassword></device>", String::from_utf8_lossy(SECRET));
    let name = "ITLSEP0011215A1AE3.tlv";
    let mut frames = testkit::tftp("14.48.44.202:30000", "14.48.44.80:69", name, secret.as_bytes());
    let mut http = testkit::Connection::opened("14.48.44.202:40000", "14.48.44.80:6970");
    let head = format!("GET /{name} HTTP/1.1\r\nHost: a\r\nAuthori");
    http.from_client(head.as_bytes());
    http.from_client(format!("zation: Basic {}\r\n\r\n", String::from_utf8_lossy(SECRET)).as_bytes());
    let cookie = format!("HTTP/1.1 200 OK\r\nSet-Cookie: {}\r\n", String::from_utf8_lossy(SECRET));
    http.from_server(format!("{cookie}Content-Length: {}\r\n\r\n{secret}", secret.len()).as_bytes());
    http.close();
    frames.extend(http.frames);
    for (at, frame) in (1..).zip(&mut frames) {
        frame.time = at * 1_000_000;
    }
    frames
}

#[test]
fn exports_know_secrets_by_what_they_are() {
    let bytes = testkit::pcap(1, true, &leaking());
    assert!(holds_secret(&bytes), "there is a secret to be left out");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("leaking.pcap");
    fs::write(&path, bytes).unwrap();
    let paths = vec![path];
    let source = open(&paths);
    let input = Input::Files { source, total: None, reopen: Some(Box::new(move || Ok(open(&paths)))) };
    let mut session = session(input, Box::new(|| Ok(Vec::new())), &folder.path().join("exports"));
    let exported = session.export(&phone(), false).unwrap();
    assert!(exported.frames > 5 && exported.blanked >= 3, "{exported}");
    for path in &exported.files {
        assert!(!holds_secret(&fs::read(path).unwrap()), "{}", path.display());
    }
}

#[test]
fn exports_have_a_folder_of_their_own() {
    let folder = TempDir::new().unwrap();
    let mut first = session(file("healthy"), Box::new(|| Ok(Vec::new())), folder.path());
    let exported = first.export(&phone(), false).unwrap();
    assert_eq!(exported.files[0].parent(), Some(folder.path()), "nothing else is in it");
    assert_eq!(Exports::open(folder.path()).path(), Some(folder.path()), "but earlier exports");
    fs::write(folder.path().join("letter.txt"), "mine").unwrap();
    let below = folder.path().join("itlscope-exports");
    assert_eq!(Exports::open(folder.path()).path(), Some(below.as_path()));
    let nowhere = Exports::open(Path::new("/dev/null/x"));
    assert_eq!(nowhere.path(), None);
    assert!(nowhere.keep("x", b"x").unwrap_err().starts_with("/dev/null/x: "));
}

/// The lines of a board, looked at until nothing changes any more.
fn look(board: &mut Board, lines: &mut BTreeMap<PhoneKey, Arc<Row>>) {
    loop {
        let refreshed = board.refresh(|| true);
        refreshed.gone.iter().for_each(|key| drop(lines.remove(key)));
        lines.extend(refreshed.rows.into_iter().map(|row| (row.key.clone(), row)));
        if !refreshed.unfinished {
            return;
        }
    }
}

/// What `triage` would say of the phones that this board holds.
fn fresh(board: &Board, told: &Told) -> BTreeMap<PhoneKey, (Deletion, Vec<&'static str>)> {
    let phones = board.engine().phones();
    let case = Case::new(board.case().references.clone(), told.clone(), &phones);
    let keys: Vec<PhoneKey> = board.engine().roster().keys().collect();
    let said = |key: PhoneKey| {
        let (phone, _) = board.phone(&key)?;
        let assessment = verdict::assess(&phone, &case);
        Some((key, (assessment.deletion, assessment.findings.iter().map(|finding| finding.id.name()).collect())))
    };
    keys.into_iter().filter_map(said).collect()
}

#[test]
fn lines_say_at_every_moment_what_triage_would() {
    for folder in crate::support::cases() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let frames = testkit::read(&crate::support::capture_in(&folder).display().to_string());
        let references = reference("itl-old.tlv");
        // Forgetting: with and without a limit that few phones fit in.
        for phones in [usize::MAX >> 8, 2] {
            let mut limits = Limits::default();
            limits.phone.phones = phones;
            let mut board = Board::new(&limits, references.clone(), Told::default());
            let mut lines = BTreeMap::new();
            let every = frames.len() / 25 + 1;
            for (number, frame) in (1_usize..).zip(&frames) {
                board.push(&frame.frame(u64::try_from(number).unwrap()));
                if !number.is_multiple_of(every) {
                    continue;
                }
                if number == every * 12 {
                    board.set_references(references.clone());
                }
                look(&mut board, &mut lines);
                let said = fresh(&board, &Told::default());
                assert!(lines.keys().eq(said.keys()), "{name}, frame {number}");
                for (key, (deletion, findings)) in said {
                    let line = &lines[&key];
                    let causes: Vec<_> = line.causes.iter().map(|cause| cause.id).collect();
                    assert_eq!((line.brief.deletion, causes), (deletion, findings), "{name}, frame {number}, {key:?}");
                }
            }
        }
    }
}

#[test]
fn nothing_rests_on_silence_that_we_caused() {
    const SILENCE: [&str; 2] = ["tftp_unanswered", "tvs_unreachable"];
    let mut told = BTreeMap::new();
    for folder in crate::support::cases() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let phones = testkit::phones(&testkit::read(&crate::support::capture_in(&folder).display().to_string()));
        let whole = Case::new(reference("itl-old.tlv"), Told::default(), &phones);
        let mut lossy = Case::new(reference("itl-old.tlv"), Told::default(), &phones);
        let (from, to) = (Timestamp::from_nanos(0), Timestamp::from_nanos(i64::MAX));
        lossy.losses = vec![Loss { source: 0, from, to, frames: 1 }];
        for phone in &phones {
            let (all, less) = (verdict::assess(phone, &whole), verdict::assess(phone, &lossy));
            assert!(less.deletion == Deletion::Undetermined || less.deletion == all.deletion, "{name}");
            for finding in &all.findings {
                *told.entry(finding.id.name()).or_insert(0) += 1;
            }
            let rests = less.findings.iter().any(|finding| SILENCE.contains(&finding.id.name()));
            assert!(!rests, "{name}: {:?}", less.findings);
        }
    }
    assert!(SILENCE.iter().all(|id| told.contains_key(id)), "{told:?}");
}
