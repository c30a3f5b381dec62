//! Network namespaces that belong to one test, and what runs in them.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before the test gives up. Nothing is timed by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program.
pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_itlscope")
}

/// Runs a command to its end; what it printed, or why it failed.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}

/// A namespace with nothing but a loopback interface. It goes when this goes.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    pub(crate) fn new() -> Result<Self, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("itlscope-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        run(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Self { name };
        run(namespace.command("ip").args(["link", "set", "lo", "up"]))?;
        Ok(namespace)
    }

    /// A command inside.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Sends datagrams to the TFTP port of this machine: requests of `length` bytes each, all from one port.
    pub(crate) fn ask_for_lists(&self, number: u32, length: u32) -> Result<(), String> {
        let script = format!(
            "exec 3<>/dev/udp/127.0.0.1/69
             for i in $(seq {number}); do
                 # The answer to one, that nobody listens, fails the next.
                 until printf '\\000\\001ITLSEP0011215A1AE3.tlv\\000octet\\000%0{length}d' 1 >&3; do :; done
             done 2>/dev/null"
        );
        run(self.command("bash").args(["-c", &script])).map(|_| ())
    }

    /// Makes an interface inside, span0, with a peer that keeps it up.
    pub(crate) fn add_span(&self) -> Result<(), String> {
        let ip = |arguments: &[&str]| run(self.command("ip").args(arguments)).map(|_| ());
        ip(&["link", "add", "span0", "type", "veth", "peer", "name", "span1"])?;
        ip(&["link", "set", "span0", "up"])?;
        ip(&["link", "set", "span1", "up"])
    }

    /// Starts the program inside.
    pub(crate) fn watch(&self, arguments: &[&str]) -> Result<Watch, String> {
        let mut command = self.command(program());
        command.arg("watch").args(arguments);
        Watch::start(command)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = run(Command::new("ip").args(["netns", "del", &self.name]));
    }
}

/// The program, running headless.
pub(crate) struct Watch {
    child: Child,
    lines: Receiver<String>,
    errors: Option<ChildStderr>,
}

impl Watch {
    pub(crate) fn start(mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let out: ChildStdout = child.stdout.take().ok_or("no output")?;
        let errors = child.stderr.take();
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines, errors })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next event for which this holds.
    pub(crate) fn wait_for(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value, String> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let event: Value = serde_json::from_str(&line).map_err(|error| format!("{line}: {error}"))?;
                    if holds(&event) {
                        return Ok(event);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Err(format!("{what} did not come")),
                Err(RecvTimeoutError::Disconnected) => return Err(format!("ended without {what}: {}", self.errors())),
            }
        }
    }

    pub(crate) fn wait_for_event(&mut self, event: &str) -> Result<Value, String> {
        self.wait_for(event, |value| value["event"] == event)
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, signal: &str) -> Result<(), String> {
        run(Command::new("kill").args(["-s", signal, &self.id().to_string()])).map(|_| ())
    }

    /// Waits for its end: exit status and what it said on standard error.
    pub(crate) fn end(mut self) -> Result<(i32, String), String> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                let errors = self.errors();
                return Ok((status.code().unwrap_or(-1), errors));
            }
            if Instant::now() > until {
                return Err("does not end".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it said on standard error. Waits for its end.
    fn errors(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut errors) = self.errors.take() {
            let _ = errors.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
