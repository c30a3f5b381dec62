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
        read: vec![named.clone(), folder.path().join("missing"), out.clone()],
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

/// What a decoder that was taken over would try next. Each is answered as by a kernel that does not have the call.
#[expect(deprecated, reason = "the one way to ask for namespaces that needs no unsafe code")]
#[test]
fn calls_that_only_an_attacker_needs_do_not_exist() {
    use rustix::fs::{self as rfs, AtFlags, CWD, FileType, MemfdFlags, Mode, Timestamps, XattrFlags};
    use rustix::mount::{self, FsOpenFlags, MountFlags, MountPropagationFlags, OpenTreeFlags, UnmountFlags};
    use rustix::net::{self, AddressFamily as Family, SendAncillaryBuffer, SendFlags, SocketType};
    use rustix::process::{self, PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, Signal};
    use rustix::thread::{self as rthread, LinkNameSpaceType, UnshareFlags};

    // Somebody to be harmed: a process of this test.
    let mut victim = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = process::Pid::from_child(&victim);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "whole").unwrap();
    let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
    let null = File::open("/dev/null").unwrap();
    let needs =
        Needs { read: vec![folder.path().to_owned()], write: vec![folder.path().to_owned()], ..Needs::default() };
    let at = file.clone();
    restricted(needs, move |restrictions| {
        if !holds(&restrictions.calls, "seccomp") {
            return;
        }
        let limits = Rlimit { current: Some(0), maximum: Some(0) };
        let time = rustix::fs::Timespec { tv_sec: 0, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        let new = at.with_file_name("new");
        let socket = |family, kind| net::socket(family, kind, None).map(drop);
        let probes: Vec<(&str, rustix::io::Result<()>)> = vec![
            ("limits of another process", process::prlimit(Some(pid), Resource::Core, limits).map(drop)),
            ("a signal to another process", process::kill_process(pid, Signal::TERM)),
            ("a signal to a group", process::kill_process_group(pid, Signal::TERM)),
            ("a handle of another process", process::pidfd_open(pid, PidfdFlags::empty()).map(drop)),
            ("a file of another process", process::pidfd_getfd(&null, 0, PidfdGetfdFlags::empty()).map(drop)),
            ("the priority of another process", process::setpriority_process(Some(pid), 19)),
            ("the processors of another process", {
                rthread::sched_setaffinity(Some(pid), &rthread::sched_getaffinity(None).unwrap())
            }),
            ("a session", process::setsid().map(drop)),
            ("a group of processes", process::setpgid(None, None)),
            ("another root", process::chroot("/")),
            ("another folder", process::chdir("/")),
            ("another user", rthread::set_thread_uid(rustix::fs::Uid::ROOT)),
            ("another group", rthread::set_thread_gid(rustix::fs::Gid::ROOT)),
            ("new namespaces", rthread::unshare(UnshareFlags::NEWNET)),
            ("a new user namespace", rthread::unshare(UnshareFlags::NEWUSER)),
            ("another namespace", {
                use std::os::fd::AsFd;
                rthread::move_into_link_name_space(null.as_fd(), Some(LinkNameSpaceType::Network))
            }),
            ("a mount", mount::mount("none", at.parent().unwrap(), "nothing", MountFlags::empty(), None)),
            ("an unmount", mount::unmount("/nothing", UnmountFlags::empty())),
            ("the propagation of mounts", mount::mount_change("/", MountPropagationFlags::PRIVATE)),
            ("a file system", mount::fsopen("tmpfs", FsOpenFlags::empty()).map(drop)),
            ("a copy of the tree", mount::open_tree(CWD, "/", OpenTreeFlags::OPEN_TREE_CLONE).map(drop)),
            ("a socket of IPv4", socket(Family::INET, SocketType::STREAM)),
            ("a socket of IPv4 without connection", socket(Family::INET, SocketType::DGRAM)),
            ("a socket of IPv6", socket(Family::INET6, SocketType::STREAM)),
            ("a socket of this machine", socket(Family::UNIX, SocketType::STREAM)),
            ("a socket of the kernel", socket(Family::NETLINK, SocketType::RAW)),
            ("a socket for frames", socket(Family::PACKET, SocketType::RAW)),
            ("a socket for packets", socket(Family::INET, SocketType::RAW)),
            ("a listener", net::listen(&one, 1)),
            ("a descriptor sent away", {
                let data = [std::io::IoSlice::new(b"x")];
                let none = &mut SendAncillaryBuffer::default();
                net::sendmsg(&one, &data, none, SendFlags::empty()).map(drop)
            }),
            ("a file without a name", rfs::memfd_create("x", MemfdFlags::empty()).map(drop)),
            ("a device", rfs::mknodat(CWD, &new, FileType::CharacterDevice, Mode::RUSR, 0)),
            ("a pipe with a name", rfs::mknodat(CWD, &new, FileType::Fifo, Mode::RUSR, 0)),
            ("a link", rfs::symlinkat("/etc/passwd", CWD, &new)),
            ("a second name", rfs::linkat(CWD, &at, CWD, &new, AtFlags::empty())),
            ("other rights of a file", rfs::chmodat(CWD, &at, Mode::all(), AtFlags::empty())),
            ("another owner of a file", rfs::chownat(CWD, &at, None, None, AtFlags::empty())),
            ("other times of a file", rfs::utimensat(CWD, &at, &times, AtFlags::empty())),
            ("an attribute of a file", rfs::setxattr(&at, "user.x", b"x", XattrFlags::empty())),
        ];
        for (what, result) in probes {
            assert_eq!(result.err(), Some(rustix::io::Errno::NOSYS), "{what}");
        }
        // Its own limits it may know.
        assert!(process::getrlimit(Resource::Core).current.is_none_or(|_| true));
        drop(other);
    });
    assert!(victim.try_wait().unwrap().is_none(), "the other process lives");
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_eq!(fs::read_to_string(file).unwrap(), "whole");
}

#[test]
fn files_that_only_an_attacker_needs_cannot_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let (exports, beside) = (folder.path().join("exports"), folder.path().join("beside"));
    fs::create_dir(&exports).unwrap();
    fs::write(&beside, "private").unwrap();
    fs::write(exports.join("earlier"), "an export").unwrap();
    let needs = Needs { write: vec![exports.clone()], interfaces: true, terminal: true, ..Needs::default() };
    restricted(needs, move |restrictions| {
        if !holds(&restrictions.files, "Landlock") {
            return;
        }
        let reads =
            ["/etc/passwd", "/etc/shadow", "/proc/self/mem", "/proc/1/environ", "/proc/self/environ", "/dev/mem"];
        for path in reads.iter().map(Path::new).chain([beside.as_path(), &exports.join("earlier")]) {
            assert!(File::open(path).is_err(), "{} was opened", path.display());
        }
        assert!(fs::read_dir(folder.path()).is_err() && fs::read_dir("/").is_err());
        assert!(fs::remove_file(&beside).is_err(), "what stands beside the exports was removed");
        assert!(fs::rename(&beside, exports.join("mine")).is_err(), "what stands beside the exports was taken");
        assert!(fs::rename(exports.join("earlier"), folder.path().join("out")).is_err(), "an export was moved out");
        assert!(File::options().write(true).open(&beside).is_err());
        assert!(File::options().write(true).open("/proc/self/oom_score_adj").is_err());
        assert!(File::create(folder.path().join("new")).is_err() && fs::create_dir(folder.path().join("new")).is_err());
        let mut new = File::options().write(true).create_new(true).open(exports.join("new")).unwrap();
        new.write_all(b"an export").unwrap();
    });
}

#[test]
fn nothing_is_sent_on_the_socket_of_a_capture() {
    use std::os::fd::AsRawFd;

    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sender = || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(receiver.local_addr().unwrap()).unwrap();
        socket
    };
    let (capture, other, file) = (sender(), sender(), tempfile::tempfile().unwrap());
    (&file).write_all(b"frame").unwrap();
    let needs = Needs { capture: Some(capture.as_raw_fd()), ..Needs::default() };
    let sent = restricted(needs, move |restrictions| {
        if !holds(&restrictions.calls, "seccomp") {
            return false;
        }
        let capture = &capture;
        assert!(capture.send(b"frame").is_err(), "send");
        assert!(capture.send_to(b"frame", "127.0.0.1:9").is_err(), "sendto");
        assert!(rustix::io::write(capture, b"frame").is_err(), "write");
        assert!(rustix::io::writev(capture, &[std::io::IoSlice::new(b"frame")]).is_err(), "writev");
        assert!(rustix::io::pwrite(capture, b"frame", 0).is_err(), "pwrite");
        assert!(rustix::fs::sendfile(capture, &file, Some(&mut 0), 5).is_err(), "sendfile");
        assert!(rustix::io::dup(capture).is_err() && capture.try_clone().is_err(), "another number for it");
        // Everything else is as it was.
        other.send(b"other").is_ok() && other.try_clone().is_ok()
    });
    if sent {
        let mut bytes = [0; 16];
        assert_eq!(receiver.recv(&mut bytes).unwrap(), 5);
        assert_eq!(&bytes[..5], b"other");
    }
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
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            // What root may lose, root has lost; nobody else had any.
            let is_root = status(&child, "Uid").starts_with("0\t");
            assert!(status(&child, set) == "0000000000000000" || !is_root, "{arguments:?}: {set}");
        }
        let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        let words: Vec<_> = core.split_whitespace().collect();
        assert_eq!(words[4..6], ["0", "0"], "{arguments:?}");
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
