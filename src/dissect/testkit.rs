//! What the tests of dissectors share.

use std::collections::BTreeMap;

use crate::event::{Download, Outcome};

/// Keeps what was told last of each download, and the bytes that were told with it before.
pub(super) fn keep(downloads: &mut BTreeMap<u64, Download>, mut told: Download) {
    if let Some(before) = downloads.remove(&told.id).filter(|_| told.outcome() == Outcome::Complete) {
        told.content = told.content.or(before.content);
    }
    downloads.insert(told.id, told);
}
