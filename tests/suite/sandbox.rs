//! What is given up before captures are read, tried out: on a thread of the test, and seen on the real process.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use itlscope::sandbox::{self, Layer, Needs, Restrictions};

/// Restrictions are a thread's: what the closure does is restricted, the rest of the test is not.
fn restricted<T: Send + 'static>(needs: Needs, act: impl FnOnce(&Restrictions) -> T + Send + 'static) -> T {
    thread::spawn(move || act(&sandbox::enter(&needs))).join().unwrap()
}

fn holds(layer: &Layer, what: &str) -> bool {
    match layer {
        Layer::Active(_) => true,
        Layer::Missing(why) => {
            eprintln!("skipped: no {what} here: {why}");
            false
        }
    }
}

#[test]
fn only_the_named_files_can_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (named, other) = (folder.path().join("named"), folder.path().join("other"));
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(&named, "named").unwrap();
    fs::write(&other, "other").unwrap();
    let needs = Needs {
        read: vec![named.clone(), folder.path().join("missing")],
        write: vec![out.clone()],
        ..Needs::default()
    };
    restricted(needs, move |restrictions| {
        if !holds(&restrictions.files, "Landlock") {
            return;
        }
        assert_eq!(fs::read_to_string(&named).unwrap(), "named");
        let denied = |result: std::io::Result<File>| result.unwrap_err().kind() == ErrorKind::PermissionDenied;
        assert!(denied(File::open(&other)), "a file that was not named");
        assert!(denied(File::open("/etc/passwd")));
        assert!(denied(File::options().append(true).open(&named)), "named for reading only");
        assert!(denied(File::create(folder.path().join("new"))));
        assert_eq!(
            File::open(folder.path().join("gone")).unwrap_err().kind(),
            ErrorKind::NotFound,
            "the usual message"
        );
        let made = out.join("made");
        File::create_new(&made).unwrap().write_all(b"made").unwrap();
        assert_eq!(fs::read_to_string(&made).unwrap(), "made");
        fs::remove_file(made).unwrap();
        fs::create_dir(out.join("folder")).unwrap();
        File::create_new(out.join("folder/made")).unwrap();
        assert!(fs::create_dir(folder.path().join("folder")).is_err(), "a folder beside the named ones");
        // A thread that starts later is no way out.
        assert!(thread::spawn(move || denied(File::open(&other))).join().unwrap());
    });
}

#[test]
fn a_replaced_file_is_still_found_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let reference = folder.path().join("reference");
    fs::write(&reference, "old").unwrap();
    let needs = Needs { read: vec![sandbox::folder_of(&reference)], ..Needs::default() };
    let (enter, entered) = std::sync::mpsc::channel();
    let (replace, replaced) = std::sync::mpsc::channel::<()>();
    let path = reference.clone();
    let reader = thread::spawn(move || {
        sandbox::enter(&needs);
        enter.send(()).unwrap();
        replaced.recv().unwrap();
        fs::read_to_string(path).unwrap()
    });
    entered.recv().unwrap();
    let new = folder.path().join("new");
    fs::write(&new, "new").unwrap();
    fs::rename(new, reference).unwrap();
    replace.send(()).unwrap();
    assert_eq!(reader.join().unwrap(), "new");
    assert_eq!(sandbox::folder_of(Path::new("plain")), Path::new("."));
}

#[test]
fn nothing_is_started_and_nobody_is_called() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    restricted(Needs::default(), move |restrictions| {
        if !holds(&restrictions.calls, "seccomp") {
            return;
        }
        assert!(Command::new("/bin/true").status().is_err(), "a program was started");
        assert!(TcpStream::connect(address).is_err());
        assert!(UdpSocket::bind("127.0.0.1:0").is_err());
        assert!(TcpListener::bind("127.0.0.1:0").is_err());
    });
    assert!(TcpStream::connect(address).is_ok(), "the rest of the process is as it was");
}

#[test]
fn what_readers_do_still_works() {
    restricted(Needs::default(), |_| {
        let bytes = vec![7_u8; 32 << 20];
        let sum = thread::scope(|scope| scope.spawn(|| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>()).join());
        assert_eq!(sum.unwrap(), 7 * (32 << 20));
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || sender.send(std::time::Instant::now()));
        receiver.recv().unwrap();
        assert!(thread::spawn(|| panic!("on purpose")).join().is_err(), "a panic is caught as usual");
    });
}

/// A process that waits for its capture on standard input.
fn waiting(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_itlscope"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// A field of `/proc/PID/status`.
fn status(child: &Child, field: &str) -> String {
    let all = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = all.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

#[test]
fn readers_are_restricted_before_the_first_byte() {
    if ["Seccomp:\t0", "NoNewPrivs:\t0"]
        .iter()
        .any(|free| !fs::read_to_string("/proc/self/status").unwrap().contains(free))
    {
        eprintln!("skipped: this test runs in a sandbox itself");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let commands: [(&[&str], &str); 3] = [
        (&["triage", "-"], "SEP0011215A1AE3"),
        (&["extract", "-", "-o", &out], "ITLSEP0011215A1AE3.tlv"),
        (&["show", "--file", "ITLSEP0011215A1AE3.tlv", "-"], "627a8bb0e4bcd329b6ac69e4a454f64e1934dba4(SHA1)"),
    ];
    for (arguments, told) in commands {
        let mut child = waiting(arguments);
        // Nothing is written to it until it is restricted.
        let mut turns = 0;
        while status(&child, "Seccomp") != "2" {
            turns += 1;
            assert!(turns < 6000, "{arguments:?} never gave anything up");
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(status(&child, "NoNewPrivs"), "1");
        child.stdin.as_mut().unwrap().write_all(&capture()).unwrap();
        finish(child, told);
    }
    assert!(Path::new(&out).join("manifest.json").is_file());
}

#[test]
fn without_the_sandbox_everything_is_as_it_was() {
    let mut child = waiting(&["triage", "-", "--no-sandbox"]);
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let own =
        |field: &str| own.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(":\t").map(str::to_owned));
    // More than a pipe holds: when that is written, reading has begun.
    let capture = capture();
    assert!(capture.len() > 70_000);
    child.stdin.as_mut().unwrap().write_all(&capture).unwrap();
    assert_eq!(Some(status(&child, "Seccomp")), own("Seccomp"));
    assert_eq!(Some(status(&child, "NoNewPrivs")), own("NoNewPrivs"));
    finish(child, "SEP0011215A1AE3");
}

fn capture() -> Vec<u8> {
    fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/captures/six-phones/capture.pcap")).unwrap()
}

/// The capture is over: takes the report, in which this is told.
fn finish(mut child: Child, told: &str) {
    drop(child.stdin.take());
    let mut report = String::new();
    child.stdout.take().unwrap().read_to_string(&mut report).unwrap();
    assert!(report.contains(told), "{report}");
    assert!(child.wait().unwrap().code().is_some_and(|code| code < 2));
}
