//! A terminal that goes away while the dashboard is on it: as a closed window, a broken connection, a server of terminals that is killed.

use std::fs::{self, File};
use std::io::Read;
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Longer than anything takes that is not stuck.
const STUCK: Duration = Duration::from_secs(60);

/// The dashboard over six phones, on all three descriptors of a terminal that only this test holds.
fn dashboard(export_to: &Path) -> (Child, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    tcsetwinsize(&master, Winsize { ws_row: 36, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = || -> Stdio { rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap().into() };
    let mut command = Command::new(env!("CARGO_BIN_EXE_itlscope"));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"));
    command.args(["watch", "six-phones/capture.pcap", "-r", "references/itl-old.tlv", "--time", "utc", "--export-to"]);
    command.arg(export_to).env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8");
    let child = command.stdin(slave()).stdout(slave()).stderr(slave()).spawn().unwrap();
    (child, master)
}

/// Reads what is drawn until this stands on the screen.
fn wait_for(master: &OwnedFd, wanted: &str) {
    let mut file = File::from(master.try_clone().unwrap());
    let mut screen = vt100::Parser::new(NonZero::new(36).unwrap(), NonZero::new(120).unwrap(), 0);
    let mut bytes = [0; 4096];
    while !screen.screen().contents().contains(wanted) {
        let read = file.read(&mut bytes).unwrap();
        screen.process(&bytes[..read]);
    }
}

fn end(mut child: Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < STUCK || child.kill().is_err(), "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn assert_kept(folder: &Path, process: u32) {
    let report = fs::read_to_string(folder.join(format!("itlscope-report-{process}.txt"))).unwrap();
    assert!(report.contains("6 phones, 6 with a mismatch"), "{report}");
}

#[test]
fn terminal_that_hangs_up_leaves_the_report() {
    for signals in [0, 1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let (child, master) = dashboard(folder.path());
        wait_for(&master, "6 phones, 1 wrong");
        let process = child.id();
        drop(master);
        for _ in 0..signals {
            // The kernel sends one, the shell another.
            let _ = Command::new("kill").args(["-HUP", &process.to_string()]).stderr(Stdio::null()).status();
        }
        let status = end(child);
        assert_eq!((status.code(), status.signal()), (Some(2), None), "{signals} signals");
        assert_kept(folder.path(), process);
    }
}

#[test]
fn multiplexer_that_is_killed_leaves_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let exports = folder.path().join("exports");
    let tmux = |arguments: &[&str]| {
        let mut command = Command::new("tmux");
        command.env_remove("TMUX").arg("-S").arg(&socket).args(["-f", "/dev/null"]).args(arguments);
        command.output().map(|output| (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let command = format!(
        "cd {} && exec {} watch six-phones/capture.pcap -r references/itl-old.tlv --export-to {}",
        captures.display(),
        env!("CARGO_BIN_EXE_itlscope"),
        exports.display()
    );
    match tmux(&["new-session", "-d", "-x", "120", "-y", "36", &command]) {
        Ok((true, _)) => {}
        _ => return eprintln!("skipped: tmux cannot be started here"),
    }
    let begun = Instant::now();
    while !tmux(&["capture-pane", "-p"]).unwrap().1.contains("6 phones, 1 wrong") {
        assert!(begun.elapsed() < STUCK, "nothing is shown");
        std::thread::sleep(Duration::from_millis(50));
    }
    let process = tmux(&["list-panes", "-F", "#{pane_pid}"]).unwrap().1;
    let process: u32 = process.trim().parse().unwrap();
    assert!(tmux(&["kill-server"]).unwrap().0);
    while Path::new(&format!("/proc/{process}/exe")).exists() {
        assert!(begun.elapsed() < STUCK, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_kept(&exports, process);
}
