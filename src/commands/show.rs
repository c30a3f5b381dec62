//! `itlscope show`: print trust lists and signed files, and say whether their signatures verify.

use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::{Exit, captured, inputs, opened};
use crate::capture::Timestamp;
use crate::digest::Digests;
use crate::escape;
use crate::trust::document::ListDocument;
use crate::trust::signature::{self, Candidate, SignatureStatus, Verification};
use crate::trust::{Origin, Reference, ReferenceArgument, SignedFile, TrustFile, TrustList, notes, show, text};

const EXAMPLES: &str = "\
Examples:
  itlscope show ITLFile.tlv
      The list in the layout of CUCM's 'show itl', then what CUCM does not say
  itlscope show --format cucm ITLFile.tlv | diff - saved-show-itl.txt
      What truly differs from the text saved on the server
  itlscope show -r ITLFile.tlv SEP0011215A1AE3.cnf.xml.sgn
      Does the signed configuration verify with a record of that list?
  itlscope show --certificate CallManager.pem SEP0011215A1AE3.cnf.xml.enc.sgn
      Does it verify with that certificate? (encrypted files too: the signature covers them as they are)
  itlscope show --file ITLFile.tlv boot.pcapng
      The list that a phone downloaded in a capture

Exit status: 0 no signature is wrong, 1 a signature is invalid, or the text says that the server could not \
verify it or that no record signed it, 2 a file could not be read";

/// Print an ITL, CTL or signed file field by field, and say whether its signature verifies and by which record
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Trust lists (.tlv), signed files (.sgn, .enc.sgn), or the saved text of 'show itl' or 'show ctl'; '-' reads standard
    /// input. With --file: captures
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Show the file of this name, as phones downloaded it, out of the captures given as FILE
    #[arg(long, value_name = "NAME")]
    file: Option<String>,

    /// Check signatures with the records of this list too, or with the certificates in this file. Repeatable
    #[arg(short = 'r', long = "reference", value_name = "LIST")]
    references: Vec<ReferenceArgument>,

    /// Check signatures with this certificate too (PEM or DER, such as CallManager.pem). Repeatable
    #[arg(long = "certificate", value_name = "CERT")]
    certificates: Vec<PathBuf>,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Judge the validity of certificates at this time instead of now, as 2026-01-31 or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,

    #[command(flatten)]
    sandbox: inputs::SandboxOption,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The layout of CUCM's 'show itl', then notes
    Text,
    /// The layout of CUCM's 'show itl' and nothing else, for comparison with text saved from CUCM
    Cucm,
    /// One JSON document per file and line
    Json,
}

/// Shows every file.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let certificates = args.certificates.iter().map(PathBuf::as_path);
    let beside = inputs::reference_paths(&args.references).chain(certificates);
    args.sandbox.enter_to_read(&args.files, beside, Vec::new())?;
    let mut references = inputs::references(&args.references)?;
    for path in &args.certificates {
        references.push(Reference::from_bytes(&path.display().to_string(), None, &inputs::read(path)?)?);
    }
    if let Some(checksum) = references.iter().find(|one| one.list.is_none() && one.certificates.is_empty()) {
        bail!("-r {}: a checksum holds no keys to check a signature with, give a list or a certificate", checksum.path);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut view = View {
        references: &references,
        format: args.format,
        now: args.at.unwrap_or_else(now),
        several: args.files.len() > 1,
        shown: 0,
        exit: Exit::Clean,
    };
    for path in &args.files {
        if let Err(error) = view.file(path, args.file.as_deref(), &mut out) {
            if super::is_broken_pipe(&error) {
                return Err(error);
            }
            // What was shown so far stands before what went wrong.
            out.flush()?;
            super::complain(&format!("{error:#}"));
            view.exit = Exit::Failed;
        }
    }
    out.flush()?;
    Ok(view.exit)
}

/// How files are shown.
struct View<'a> {
    references: &'a [Reference],
    format: Format,
    now: Timestamp,
    several: bool,
    shown: usize,
    exit: Exit,
}

impl View<'_> {
    fn file(&mut self, path: &Path, name: Option<&str>, out: &mut dyn Write) -> anyhow::Result<()> {
        let label = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        let Some(name) = name else {
            if captured::is_capture(path) {
                bail!("{label}: is a capture; {}", captured::what_there_is(path)?);
            }
            let bytes = read(path)?;
            return self.content(&label, &bytes, out);
        };
        let files = captured::files(path, name)?;
        self.several |= files.len() > 1;
        files.iter().try_for_each(|file| self.content(&file.label, &file.content.bytes, out))
    }

    fn content(&mut self, label: &str, bytes: &[u8], out: &mut dyn Write) -> anyhow::Result<()> {
        if bytes.starts_with(&[1, 0, 2]) {
            return match TrustFile::parse(bytes).with_context(|| label.to_owned())? {
                TrustFile::List(list) => self.list(label, &list, bytes, out),
                TrustFile::Signed(file) => self.signed_file(label, &file, bytes, out),
            };
        }
        let lists = text::decode(bytes).map(|text| text::import(&text));
        match lists {
            Some(Ok(lists)) => {
                self.several |= lists.len() > 1;
                lists.iter().try_for_each(|list| self.list(label, list, &[], out))
            }
            Some(Err(error)) if !looks_like_pem(bytes) => bail!("{label}: {error}"),
            _ => {
                let what = if looks_like_pem(bytes) { "PEM".to_owned() } else { crate::trust::what_is(bytes) };
                let hint = match what.as_str() {
                    "PEM" | "DER" => "; give certificates with --certificate",
                    what if what.ends_with("capture") => "; name a file in it with --file",
                    _ => "",
                };
                bail!("{label}: byte 0: expected a trust list or signed file (01 00 02), found {what}{hint}")
            }
        }
    }

    fn list(&mut self, label: &str, list: &TrustList, bytes: &[u8], out: &mut dyn Write) -> anyhow::Result<()> {
        // Its own records come first, so that positions among the candidates are positions among the records.
        let own = Candidate::records("", &list.records);
        let verification = self.verify(&list.header, bytes, own);
        self.count(&verification);
        if list.doubt().is_some() {
            self.exit = self.exit.max(Exit::Findings);
        }
        // Text says itself what the server found.
        let checked = (list.origin == Origin::File).then_some(&verification);
        match self.format {
            Format::Json => self.json(&ListDocument::of_list(label, list, &verification, self.now), out),
            Format::Cucm => self.text(label, &show::list(list, checked), &[], out),
            Format::Text => {
                self.text(label, &show::list(list, checked), &notes::list(list, &verification, self.now), out)
            }
        }
    }

    fn signed_file(&mut self, label: &str, file: &SignedFile, bytes: &[u8], out: &mut dyn Write) -> anyhow::Result<()> {
        let digests = Digests::of(bytes);
        let verification = self.verify(&file.header, bytes, Vec::new());
        self.count(&verification);
        match self.format {
            Format::Json => self.json(&ListDocument::of_signed_file(label, file, digests, &verification), out),
            Format::Cucm => self.text(label, &show::signed_file(file, digests, &verification), &[], out),
            Format::Text => {
                let notes = notes::signed_file(file, &verification);
                self.text(label, &show::signed_file(file, digests, &verification), &notes, out)
            }
        }
    }

    fn verify(&self, header: &crate::trust::Header, bytes: &[u8], own: Vec<Candidate<'_>>) -> Verification {
        let mut candidates = own;
        for reference in self.references {
            if let Some(list) = &reference.list {
                candidates.extend(Candidate::records(&reference.path, &list.records));
            }
            candidates.extend(
                reference
                    .certificates
                    .iter()
                    .map(|certificate| Candidate::Certificate { source: &reference.path, certificate }),
            );
        }
        signature::verify(header, bytes, &candidates)
    }

    fn count(&mut self, verification: &Verification) {
        if verification.status() == SignatureStatus::Invalid {
            self.exit = self.exit.max(Exit::Findings);
        }
    }

    fn text(&mut self, label: &str, text: &str, notes: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
        if self.shown > 0 {
            writeln!(out)?;
        }
        self.shown += 1;
        if self.several {
            writeln!(out, "==> {} <==", escape::line(label))?;
        }
        out.write_all(text.as_bytes())?;
        if !notes.is_empty() {
            writeln!(out, "\nNotes by itlscope")?;
            for note in notes {
                writeln!(out, "- {note}")?;
            }
        }
        Ok(())
    }

    fn json(&self, document: &ListDocument<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
        // One document for one file, for people too; lines for several, for streams.
        if self.several {
            escape::json(out, document)?;
        } else {
            escape::json_pretty(out, document)?;
        }
        writeln!(out)?;
        Ok(())
    }
}

/// A signed package may be as large as firmware, anything else that is large is no list.
const LARGEST_PACKAGE: u64 = 512 << 20;

/// Reads a file or standard input, no more than its kind may have.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        return read_stream(io::stdin().lock()).context("standard input");
    }
    let name = || path.display().to_string();
    let file = opened::open(path).with_context(name)?;
    if file.kind().with_context(name)?.0 {
        bail!("{}: is a directory, expected a file", name());
    }
    read_stream(file).with_context(name)
}

fn read_stream(mut stream: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut first = Vec::new();
    (&mut stream).take(3).read_to_end(&mut first)?;
    let most = if first == [1, 0, 2] { LARGEST_PACKAGE } else { inputs::LARGEST };
    inputs::read_bounded(first.as_slice().chain(stream), most)
}

fn looks_like_pem(bytes: &[u8]) -> bool {
    bytes.get(..bytes.len().min(4096)).unwrap_or_default().windows(11).any(|window| window == b"-----BEGIN ")
}

fn now() -> Timestamp {
    Timestamp::from_seconds_and_nanos(jiff::Timestamp::now().as_second(), 0)
}

/// A date or a time in RFC 3339, in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let whole = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    let time: jiff::Timestamp =
        whole.parse().map_err(|_| "expected a date as 2026-01-31 or a time as 2026-01-31T12:00:00Z".to_owned())?;
    Ok(Timestamp::from_seconds_and_nanos(time.as_second(), 0))
}
