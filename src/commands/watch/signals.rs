//! Signals that end a watch: the first one asks for a clean end. Where nobody obeys it within a moment, because a read or a write
//! does not come back, it is obeyed here; and so is a second one. A terminal that closes sends SIGHUP more than once (the
//! kernel, then the shell): that is no second wish.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Whoever takes the message takes it within this time, or hangs.
const PATIENCE: Duration = Duration::from_millis(800);

/// From now on a message comes out here instead.
pub(super) fn catch() -> io::Result<Receiver<()>> {
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(&again))?;
        flag::register(signal, Arc::clone(&again))?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let (send, receive) = bounded(1);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            // One is enough.
            let _ = send.try_send(());
            std::thread::sleep(PATIENCE);
            if !send.is_empty() {
                // The message still lies there: whoever should take it hangs.
                let _ = emulate_default_handler(signal);
            }
        }
    })?;
    Ok(receive)
}
