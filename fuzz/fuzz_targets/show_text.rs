//! Bytes of a saved text, decoded, imported, shown and imported again.

#![no_main]

use itlscope::trust::{Reference, TrustList, compare, show, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Reference::all_from_bytes("x", None, bytes);
    let Some(decoded) = text::decode(bytes) else { return };
    let Ok(lists) = text::import(&decoded) else { return };
    assert!(!lists.is_empty());
    for list in &lists {
        assert!(list.records.len() <= TrustList::MOST_RECORDS);
        let shown = show::list(list, None);
        assert!(!shown.contains('\x1b'));
        let _ = text::import(&shown);
        assert_eq!(compare::compare(list, list), []);
    }
});
