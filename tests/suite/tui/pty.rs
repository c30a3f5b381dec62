//! A program in a pseudo terminal, and what is on its screen.
//!
//! Nothing here depends on how long anything takes: it is waited until the screen says what it should, and a screen that never
//! does fails with what it says instead.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longer than anything takes that is not stuck.
const STUCK: Duration = Duration::from_secs(120);
/// What stood on the screen before the program began.
pub(crate) const BEFORE: &str = "admin@jump:~$ itlscope watch";

/// A terminal with a program in it.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    pub(crate) screen: vt100::Parser,
    pub(crate) child: Box<dyn Child + Send + Sync>,
    /// Everything that the program wrote.
    pub(crate) raw: Vec<u8>,
    /// How the terminal was set before.
    settings: String,
}

impl Terminal {
    /// Starts a program in a terminal of this size.
    pub(crate) fn start(command: CommandBuilder, (cols, rows): (u16, u16)) -> Self {
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

    pub(crate) fn text(&self) -> String {
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

    pub(crate) fn wait_for(&mut self, needle: &str) {
        self.wait_until(needle, |screen| screen.contains(needle));
    }

    /// Waits until the program writes nothing any more: for pictures. No test may depend on it.
    #[allow(dead_code, reason = "the tests do not")]
    pub(crate) fn wait_until_quiet(&mut self) {
        let mut written = usize::MAX;
        while std::mem::replace(&mut written, self.raw.len()) != self.raw.len() {
            (0..5).for_each(|_| {
                self.take();
            });
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn resize(&mut self, rows: u16, cols: u16) {
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        self.screen.screen_mut().set_size(NonZero::new(rows).unwrap(), NonZero::new(cols).unwrap());
    }

    /// Waits for the end and gives the exit status. The terminal must be as it was before.
    pub(crate) fn end(&mut self) -> u32 {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            self.take();
            assert!(begun.elapsed() < STUCK, "it does not end:\n{}", self.text());
        }
        let settings = format!("{:?}", self.master.get_termios().unwrap());
        // What it wrote last is still on its way.
        while self.take() {
            assert!(begun.elapsed() < STUCK, "the terminal stays open");
        }
        assert_eq!(settings, self.settings, "the terminal is set as before");
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is the terminal's again");
        self.child.wait().unwrap().exit_code()
    }

    /// Nothing stands on the screen but what stood there before.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.text().trim_end(), BEFORE);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already, unless a test failed.
        let _ = self.child.kill();
    }
}
