//! What this program is and what was built in.

use std::sync::LazyLock;

/// For `--version`.
pub(super) fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        format!("{}\nlive capture: {}\nsandbox: {}", env!("CARGO_PKG_VERSION"), live_capture(), sandbox())
    });
    &TEXT
}

/// What the sandbox can do here. clap wants the text at every start: it is tried out only where it will be printed.
fn sandbox() -> String {
    let asked = std::env::args_os().any(|argument| argument == "--version");
    if asked { crate::sandbox::describe() } else { String::new() }
}

#[cfg(feature = "live")]
fn live_capture() -> String {
    let library = crate::capture::live::library().unwrap_or_else(|| "libpcap".to_owned());
    format!("yes, through {library}; privileges are dropped when the interface is open")
}

#[cfg(not(feature = "live"))]
fn live_capture() -> String {
    "no (built without the feature 'live')".to_owned()
}
