//! What several commands are given: captures and references.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::trust::{Reference, ReferenceArgument, ReferenceTarget};

/// Reads what `-r` was given.
pub(super) fn references(arguments: &[ReferenceArgument]) -> anyhow::Result<Vec<Reference>> {
    let mut references = Vec::new();
    for argument in arguments {
        match &argument.target {
            ReferenceTarget::Path(path) => {
                let bytes = read(Path::new(path))?;
                references.extend(Reference::all_from_bytes(path, argument.server, &bytes)?);
            }
            _ => references.extend(Reference::from_checksum(argument)),
        }
    }
    Ok(references)
}

/// Larger files are no trust lists, texts or logs.
pub(super) const LARGEST: u64 = 64 << 20;

/// Reads a small file whole.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || path.display().to_string();
    let metadata = fs::metadata(path).with_context(name)?;
    if metadata.is_dir() {
        bail!("{}: is a directory, expected a file", name());
    }
    if metadata.len() > LARGEST {
        bail!("{}: has {} bytes, more than any such file has", name(), metadata.len());
    }
    fs::read(path).with_context(name)
}

/// The captures to read, in the order given.
#[derive(Debug, clap::Args)]
pub(super) struct Captures {
    /// Captures to read: pcap or pcapng. Several are one case, merged by time
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
}
