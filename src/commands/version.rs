//! What this program is and what was built in.

use std::sync::LazyLock;

/// For `--version`. clap wants the text at every start: what it says is looked up only where it will be printed.
pub(super) fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let version = env!("CARGO_PKG_VERSION");
        format!("{version}\nlive capture: {}\nsandbox: {}", live_capture(), crate::sandbox::describe())
    });
    let asked = std::env::args_os().any(|argument| argument == "--version");
    if asked { &TEXT } else { env!("CARGO_PKG_VERSION") }
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
