//! Bytes of a file for --holds or --phone-says, and of an argument.

#![no_main]

use itlscope::words::holds;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = holds::says_rows(bytes);
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().count();
    for row in holds::rows(&text).unwrap_or_default() {
        assert!((1..=lines).contains(&row.line), "{row:?}");
    }
    if let Some((_, value)) = holds::whose(&text) {
        let _ = holds::value(value);
    }
});
