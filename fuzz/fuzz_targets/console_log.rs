//! Bytes of a console log, of status messages, of CUCM's logs.

#![no_main]

use itlscope::logs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let log = logs::read(&text);
    let lines = text.lines().count();
    let _ = log.device();
    if let Some((_, line, said)) = log.verification() {
        assert!(line <= lines && !said.contains('\x1b'), "{line}: {said:?}");
    }
    for (line, alarm) in log.alarms() {
        assert!(line <= lines, "{line}: {alarm:?}");
    }
});
