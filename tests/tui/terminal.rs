//! The real program in a pseudo terminal: what it shows, and that it leaves the terminal as it was.
//!
//! Nothing here depends on how long anything takes: it is waited until the screen says what it should, and a screen that never
//! does fails with what it says instead.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longer than anything takes that is not stuck.
const STUCK: Duration = Duration::from_secs(60);
/// What stood on the screen before the program began.
const BEFORE: &str = "admin@jump:~$ itlscope watch";

/// A terminal with a program in it.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    child: Box<dyn Child + Send + Sync>,
    /// Everything that the program wrote.
    raw: Vec<u8>,
    /// How the terminal was set before.
    settings: String,
}

impl Terminal {
    fn start(command: CommandBuilder) -> Self {
        let (rows, cols) = (36, 120);
        let pair = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        let settings = format!("{:?}", pair.master.get_termios().unwrap());
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let (send, output) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if send.send(bytes[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut screen = vt100::Parser::new(NonZero::new(rows).unwrap(), NonZero::new(cols).unwrap(), 0);
        screen.process(BEFORE.as_bytes());
        // The slave stays open in the child only, so that its end is seen here; the settings are those of the master.
        Self { master: pair.master, keys, output, screen, child, raw: Vec::new(), settings }
    }

    fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Takes what the program wrote; `false` where it has ended.
    fn take(&mut self) -> bool {
        match self.output.recv_timeout(Duration::from_millis(100)) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.raw.extend(bytes);
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    fn wait_until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !is_so(&self.text()) {
            let goes_on = self.take();
            assert!(goes_on || is_so(&self.text()), "ended before {what}:\n{}", self.text());
            assert!(begun.elapsed() < STUCK, "never {what}:\n{}", self.text());
        }
    }

    fn wait_for(&mut self, needle: &str) {
        self.wait_until(needle, |screen| screen.contains(needle));
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn resize(&mut self, rows: u16, cols: u16) {
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        self.screen.screen_mut().set_size(NonZero::new(rows).unwrap(), NonZero::new(cols).unwrap());
    }

    /// Waits for the end and gives the exit status. The terminal must be as it was before.
    fn end(&mut self) -> u32 {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            self.take();
            assert!(begun.elapsed() < STUCK, "it does not end:\n{}", self.text());
        }
        let settings = format!("{:?}", self.master.get_termios().unwrap());
        while self.take() && !String::from_utf8_lossy(&self.raw).contains("\x1b[?1049l") {
            assert!(begun.elapsed() < STUCK, "the alternate screen is not left");
        }
        assert_eq!(settings, self.settings, "the terminal is set as before");
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is the terminal's again");
        assert!(self.text().starts_with(BEFORE), "what stood there stands there again:\n{}", self.text());
        self.child.wait().unwrap().exit_code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already, unless a test failed.
        let _ = self.child.kill();
    }
}

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
    let mut terminal = Terminal::start(watch(folder.path()));
    terminal.wait_for("6 phones, 6 wrong");
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
    let mut terminal = Terminal::start(watch(folder.path()));
    terminal.wait_for("6 phones, 6 wrong");
    terminal.press("/abc\x03");
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
        let mut terminal = Terminal::start(command);
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
    let mut terminal = Terminal::start(command);
    terminal.wait_for("alert unknown_ca");
    assert!(terminal.text().is_ascii(), "{}", terminal.text());
    terminal.press("q");
    terminal.end();
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was() {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "terminal::dashboard_whose_engine_panics", "--ignored", "--nocapture"]);
    command.env("TERM", "xterm-256color");
    command.cwd(env!("CARGO_MANIFEST_DIR"));
    let mut terminal = Terminal::start(command);
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
