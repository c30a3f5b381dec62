//! The library in the fewest calls: captures and references in, the report of `itlscope triage --format json` out.
//!
//! ```text
//! cargo run --example captures_to_json -- captures/references/itl-old.tlv captures/healthy/capture.pcap
//! ```

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use itlscope::capture::{CaptureFile, MergedCaptures, Source};
use itlscope::engine::{Engine, Limits};
use itlscope::report::{self, Report};
use itlscope::trust::Reference;
use itlscope::verdict::{Assessments, Case};
use itlscope::words::Told;

fn main() -> anyhow::Result<()> {
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    let reference = paths.next().context("usage: captures_to_json REFERENCE CAPTURE...")?;
    report(&reference, &paths.collect::<Vec<_>>(), &mut io::stdout().lock())
}

/// Writes the report on these captures, compared with this reference: a list, the text of `show itl`, or a certificate.
pub(crate) fn report(reference: &Path, captures: &[PathBuf], out: &mut dyn Write) -> anyhow::Result<()> {
    let bytes = std::fs::read(reference).with_context(|| reference.display().to_string())?;
    let references = Reference::all_from_bytes(&reference.display().to_string(), None, &bytes)?;
    // Frames of all captures, in the order of their times.
    let (mut source, errors) = MergedCaptures::new(captures, |path: &PathBuf, number| CaptureFile::open(path, number));
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    let mut engine = Engine::new(&Limits::default(), &references);
    while let Some(frame) = source.next_frame()? {
        engine.push(&frame);
    }
    engine.finish();
    let mut sources = source.summaries();
    let notes = report::tell_left_out(&engine, &mut sources);
    let phones = engine.phones();
    let others = engine.roster().other_clients();
    // What only an engineer knows would stand here; nothing was told.
    let case = Case::new(references, Told::default(), &phones);
    let assessments = Assessments { phones: &phones, case: &case };
    report::write_json(&Report { sources, notes, assessments, others }, out)?;
    Ok(())
}
