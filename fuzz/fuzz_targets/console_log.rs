//! Bytes of any text or archive that people have: console logs, status messages, pages, logs of servers.

#![no_main]

use itlscope::words::{self, LONGEST_QUOTE, Told, Whose};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (readings, _) = words::read("x", bytes, &Whose::Unnamed);
    let mut told = Told::default();
    for reading in readings {
        assert!(reading.silent <= reading.lines);
        for statement in &reading.statements {
            assert!(statement.line > 0 && statement.quote.chars().count() <= LONGEST_QUOTE, "{statement:?}");
        }
        told.hear(reading);
    }
    let _ = told.of_nobody();
    for name in told.devices() {
        let _ = told.about(Some(name), &[]).screen();
    }
});
