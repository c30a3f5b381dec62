//! The room `trust` from outside: lists, signatures, the text of `show itl`, references, predictions, and the commands
//! `show` and `diff`.

mod cli;
mod format;
mod parse;
mod predict;
mod show;
mod signatures;
mod text;

/// A file that `fixtures/trust/make.py` made, or a text that names its origin in its first line.
fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/trust/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The list in such a file.
fn list(name: &str) -> itlscope::trust::TrustList {
    itlscope::trust::TrustList::parse(&fixture(name)).unwrap()
}
