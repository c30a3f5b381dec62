//! Bytes of a list or signed file, read, verified, shown, read back, compared and predicted with.

#![no_main]

use itlscope::capture::Timestamp;
use itlscope::trust::document::ListDocument;
use itlscope::trust::predict::{Held, Offer, Tvs, predict};
use itlscope::trust::{TrustFile, TrustList, compare, notes, outlook, show, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let now = Timestamp::default();
    match TrustFile::parse(bytes) {
        Ok(TrustFile::Signed(file)) => {
            assert!(file.body_offset <= bytes.len());
            let verification = itlscope::trust::signature::verify(&file.header, bytes, &[]);
            let _ = show::signed_file(&file, itlscope::digest::Digests::of(bytes), &verification);
            let _ = notes::signed_file(&file, &verification);
        }
        Ok(TrustFile::List(list)) => examine(&list, bytes, now),
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
});

fn examine(list: &TrustList, bytes: &[u8], now: Timestamp) {
    let records: usize = list.records.iter().filter_map(|record| record.length).sum();
    assert_eq!(list.header.header_length.unwrap() + records, bytes.len());
    let verification = list.verify(bytes);
    let shown = show::list(list, Some(&verification));
    assert!(!shown.contains('\x1b'));
    let _ = text::import(&shown);
    let _ = notes::list(list, &verification, now);
    let _ = serde_json::to_string(&ListDocument::of_list("x", list, &verification, now)).unwrap();
    assert_eq!(compare::compare(list, list), []);
    let held = Held { itl: Some(list), ..Held::default() };
    let prediction = predict(held, &Offer::list(list, Some(bytes)), Tvs::Unknown);
    let _ = outlook(list, list, Some(&prediction), None);
}
