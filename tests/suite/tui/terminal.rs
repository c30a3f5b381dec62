//! The real program in a pseudo terminal: what it shows, and that it leaves the terminal as it was.

use std::path::Path;
use std::thread;

use portable_pty::CommandBuilder;

use super::pty::Terminal;

const SIZE: (u16, u16) = (120, 36);

/// `itlscope watch` over the six phones, exporting to this folder.
fn watch(export_to: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_itlscope"));
    command.cwd(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"));
    command.args(["watch", "six-phones/capture.pcap", "-r", "references/itl-old.tlv", "--time", "utc", "--export-to"]);
    command.arg(export_to);
    command.env("TERM", "xterm-256color");
    command.env("LC_ALL", "C.UTF-8");
    command.env_remove("NO_COLOR");
    command
}

#[test]
fn a_session_from_the_first_key_to_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(watch(folder.path()), SIZE);
    terminal.wait_for("6 phones, 1 wrong");
    terminal.wait_for("alert unknown_ca");
    assert!(terminal.screen.screen().alternate_screen() && terminal.screen.screen().hide_cursor());
    // Move: the second phone took the new list.
    terminal.press("j");
    terminal.wait_for("SEP0011215A1AE3  14.48.44.202");
    terminal.press("k");
    terminal.wait_for("boot 2 of 2");
    // Tabs, by key and by mouse.
    terminal.press("4");
    terminal.wait_for("ITL deletion undetermined");
    terminal.press("\t");
    terminal.wait_for("── boot 2 of 2");
    terminal.press("\x1b[<0;25;10M\x1b[<0;25;10m");
    terminal.wait_for("serial B1F0C3527D91E80E, TLS 1.0");
    terminal.press("2");
    terminal.wait_for("differs from the reference");
    // A filter, kept and taken away.
    terminal.press("/0019");
    terminal.wait_for("1 of 6 phones");
    terminal.press("\r");
    terminal.wait_for("1 of 6 with /0019");
    terminal.press("\x1b");
    terminal.wait_for("SEP001D45B6C0F2");
    // The fleet, help, and back.
    terminal.press("f");
    terminal.wait_for("Boots per minute, 11:53");
    terminal.press("?");
    terminal.wait_for("the phones of the selected cause");
    terminal.press("qq");
    terminal.wait_for("ITL DELETION");
    // A terminal that becomes too small, and large again.
    terminal.resize(10, 40);
    terminal.wait_for("40x10 is too small");
    terminal.resize(36, 120);
    terminal.wait_for("ITL DELETION");
    terminal.press("w");
    terminal.wait_for("written: ");
    terminal.press("q");
    assert_eq!(terminal.end(), 1, "something is wrong with these phones");
    terminal.assert_clean();
    let mut written: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path().extension().unwrap().to_string_lossy().into_owned())
        .collect();
    written.sort();
    assert_eq!(written, ["json", "pcapng", "txt"]);
}

#[test]
fn control_c_leaves_the_terminal_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(watch(folder.path()), SIZE);
    terminal.wait_for("6 phones, 1 wrong");
    terminal.press("/abc\x03");
    assert_eq!(terminal.end(), 1);
    terminal.assert_clean();
}

#[test]
fn a_signal_leaves_the_report_on_a_clean_terminal() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        let folder = tempfile::tempdir().unwrap();
        let mut terminal = Terminal::start(watch(folder.path()), SIZE);
        terminal.wait_for("6 phones, 1 wrong");
        let id = terminal.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(terminal.end(), 1, "{signal}");
        let raw = String::from_utf8_lossy(&terminal.raw).into_owned();
        let after = raw.rsplit("\x1b[?1049l").next().unwrap();
        assert!(after.contains("6 phones, 6 with a mismatch"), "{signal}: {after}");
    }
}

/// A pipe with a name, which somebody holds open who wrote these bytes and writes no more.
fn pipe(path: &Path, bytes: Vec<u8>) -> thread::JoinHandle<std::fs::File> {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let path = path.to_owned();
    thread::spawn(move || {
        let mut pipe = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        std::io::Write::write_all(&mut pipe, &bytes).unwrap();
        pipe
    })
}

#[test]
fn pipe_that_says_nothing_more_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let capture = std::fs::read(captures.join("six-phones/capture.pcap")).unwrap();
    for key in ["q", ""] {
        let path = folder.path().join(format!("pipe{key}"));
        let writer = pipe(&path, capture.clone());
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_itlscope"));
        command.args([
            "watch",
            &path.display().to_string(),
            "--export-to",
            &folder.path().join("x").display().to_string(),
        ]);
        command.env("TERM", "xterm-256color");
        let mut terminal = Terminal::start(command, SIZE);
        terminal.wait_for("6 phones, 1 wrong");
        if key.is_empty() {
            let id = terminal.child.process_id().unwrap().to_string();
            assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        }
        terminal.press(key);
        assert_eq!(terminal.end(), 1, "one of them needs attention");
        drop(writer.join());
    }
}

#[test]
fn references_of_a_pipe_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/references/itl-old.tlv");
    let path = folder.path().join("reference");
    let writer = pipe(&path, std::fs::read(reference).unwrap());
    let mut command = watch(&folder.path().join("x"));
    command.args(["-r", &path.display().to_string()]);
    let child = thread::spawn(move || Terminal::start(command, SIZE));
    // Its end is the end of the reference.
    drop(writer.join());
    let mut terminal = child.join().unwrap();
    terminal.wait_for("6 phones, 1 wrong");
    terminal.press("r");
    terminal.wait_for("could be read only once");
    terminal.press("q");
    assert_eq!(terminal.end(), 1);
}

#[test]
fn without_colours_where_they_are_not_wanted() {
    let coloured = |terminal: &Terminal| {
        let screen = terminal.screen.screen();
        let (rows, cols) = screen.size();
        (0..rows.get()).flat_map(|row| (0..cols.get()).map(move |col| (row, col))).any(|(row, col)| {
            let cell = screen.cell(row, col).unwrap();
            cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default
        })
    };
    for no_color in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = watch(folder.path());
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let mut terminal = Terminal::start(command, SIZE);
        terminal.wait_for("alert unknown_ca");
        assert_eq!(coloured(&terminal), !no_color);
        terminal.press("q");
        terminal.end();
    }
}

#[test]
fn in_a_locale_without_utf_8_everything_is_ascii() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = watch(folder.path());
    command.env("LC_ALL", "C");
    let mut terminal = Terminal::start(command, SIZE);
    terminal.wait_for("alert unknown_ca");
    assert!(terminal.text().is_ascii(), "{}", terminal.text());
    terminal.press("q");
    terminal.end();
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was() {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tui::terminal::dashboard_whose_engine_panics", "--ignored", "--nocapture"]);
    command.env("TERM", "xterm-256color");
    command.cwd(env!("CARGO_MANIFEST_DIR"));
    let mut terminal = Terminal::start(command, SIZE);
    terminal.wait_for("No phone yet");
    terminal.press("r");
    terminal.end();
    terminal.wait_for("the engine failed on purpose");
}

#[test]
#[ignore = "is run by the test of what a panic leaves, in a terminal of its own"]
fn dashboard_whose_engine_panics() {
    use itlscope::tui::{self, Clock, ColumnId, Ending, State, Theme};
    use itlscope::watch::{Request, Status, Update};

    let (requests, asked) = crossbeam_channel::bounded(8);
    let (updates, shown) = crossbeam_channel::bounded(8);
    let (_signal, signals) = crossbeam_channel::bounded(1);
    let status = Status { source: "eth1".to_owned(), live: true, ..Status::default() };
    updates.send(Update::Status(Box::new(status))).unwrap();
    let engine = thread::spawn(move || {
        let _updates = updates;
        // Somebody pressed `r`.
        let request = asked.iter().find(|request| *request == Request::Reload);
        panic!("the engine failed on purpose after {request:?}");
    });
    let state = State::new(Theme::FULL, Clock::new(true), ColumnId::State);
    let ending = tui::run(state, &requests, &shown, &signals).unwrap();
    assert_eq!(ending, Ending::CaptureEnded);
    assert!(engine.join().is_err());
}
