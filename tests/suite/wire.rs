//! From frames to phones: captures of real software, and captures written byte by byte, spoiled in every way that networks
//! and capture devices know. What is read stays the same, or becomes unknown; it never becomes different.

mod archives;
mod clocks;
mod containers;
mod evidence;
mod recorded;
mod spoiled;

use itlscope::testkit::Owned;

/// The frames of a capture in this folder's fixtures.
fn fixture(name: &str) -> Vec<Owned> {
    itlscope::testkit::read(&format!("{}/tests/fixtures/wire/{name}", env!("CARGO_MANIFEST_DIR")))
}

/// The frames of a case in `captures/`.
fn case(name: &str) -> Vec<Owned> {
    let folder = format!("{}/captures/{name}", env!("CARGO_MANIFEST_DIR"));
    let path = ["pcap", "pcapng"].map(|extension| format!("{folder}/capture.{extension}"));
    let path = path.into_iter().find(|path| std::fs::metadata(path).is_ok());
    itlscope::testkit::read(&path.unwrap_or_else(|| panic!("{folder} holds no capture")))
}
