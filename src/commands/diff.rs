//! `itlscope diff`: compare two trust lists and predict what phones that hold the old one do with the new one.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;

use super::{Exit, inputs};
use crate::escape;
use crate::trust::compare::ChangeKind;
use crate::trust::document::{Comparison, DiffDocument};
use crate::trust::predict::{Held, Offer, Outcome, Prediction, Tvs, TvsCertificate, predict};
use crate::trust::{ListKind, Origin, Reference, TrustList, compare, outlook};

const EXAMPLES: &str = "\
Examples:
  itlscope diff ITLFile-before.tlv ITLFile-after.tlv
      Before a maintenance window: will phones that hold the old list take the new one?
  itlscope diff --ctl CTLFile.tlv ITLFile-before.tlv ITLFile-after.tlv
      The same, and also for phones that hold this CTL
  itlscope diff saved-show-itl.txt ITLFile.tlv
      What changed since somebody saved the text of 'show itl'
  itlscope diff --tvs TVS.pem --itl ITLFile.tlv CTLFile-before.tlv CTLFile-after.tlv
      Two CTLs, for phones that also hold this ITL, with the certificate that TVS presents today

Without --tvs, the TVS servers are taken to present the certificates that NEW lists. \
TVS is taken to know the new signer, as it does when the signer is a certificate of its own cluster.

Exit status: 0 phones accept the new list; 1 they will reject it, or that is not known; 2 it could not be done";

/// Compare two trust lists and predict, by the phone's own rules, whether phones that hold OLD accept NEW
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The list that phones hold: a .tlv file, or the saved text of 'show itl' or 'show ctl'
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The list that they will be offered, in the same forms
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// Predict also for phones that hold this CTL beside OLD
    #[arg(long, value_name = "CTL")]
    ctl: Option<PathBuf>,

    /// When OLD is a CTL: the ITL that phones hold beside it
    #[arg(long, value_name = "ITL")]
    itl: Option<PathBuf>,

    /// A certificate that a TVS server presents (PEM or DER). Repeatable; with it, what NEW lists does not count
    #[arg(long = "tvs", value_name = "CERT")]
    tvs: Vec<PathBuf>,

    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    sandbox: inputs::SandboxOption,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

/// A list and where it came from.
struct Input {
    path: String,
    list: TrustList,
    /// Its bytes, to check its signature with; `None` for text.
    bytes: Option<Vec<u8>>,
}

/// Compares and predicts.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let beside = args.ctl.iter().chain(&args.itl).chain(&args.tvs);
    let lists = [&args.old, &args.new].into_iter().chain(beside).map(PathBuf::as_path);
    args.sandbox.enter_to_read(&[], lists, Vec::new())?;
    let (old, new) = (input(&args.old)?, input(&args.new)?);
    let beside = |path: &Option<PathBuf>, option: &str, kind: ListKind| -> anyhow::Result<Option<Input>> {
        let Some(path) = path else { return Ok(None) };
        let input = input(path)?;
        if input.list.kind != kind && input.list.kind != ListKind::Unknown {
            bail!("{option} {}: is an {}, expected a {}", input.path, input.list.kind.name(), kind.name());
        }
        Ok(Some(input))
    };
    let ctl = beside(&args.ctl, "--ctl", ListKind::Ctl)?;
    let itl = beside(&args.itl, "--itl", ListKind::Itl)?;
    let old_is_ctl = old.list.kind == ListKind::Ctl;
    let shown = |path: &Option<PathBuf>| path.as_ref().map_or_else(String::new, |path| path.display().to_string());
    if old_is_ctl && ctl.is_some() {
        bail!("--ctl {}: OLD is a CTL already; give the ITL beside it with --itl", shown(&args.ctl));
    }
    if !old_is_ctl && itl.is_some() {
        bail!("--itl {}: OLD is an ITL already; give the CTL beside it with --ctl", shown(&args.itl));
    }
    let presented = presented(&args.tvs, &new.list)?;
    let is_all = !args.tvs.is_empty() || (new.list.is_whole() && new.list.kind != ListKind::Ctl);
    let tvs = match presented.as_slice() {
        all if is_all => Tvs::Presents(all),
        // A CTL lists no TVS servers at all.
        [] => Tvs::Unknown,
        some => Tvs::PresentsAtLeast(some),
    };
    let offer = Offer::list(&new.list, new.bytes.as_deref());
    let (itl_only, with_ctl) = if old_is_ctl {
        let held = Held { ctl: Some(&old.list), itl: itl.as_ref().map(|input| &input.list), ..Held::default() };
        (None, Some(predict(held, &offer, tvs)))
    } else {
        let held = Held { itl: Some(&old.list), ..Held::default() };
        let with_ctl = ctl.as_ref().map(|ctl| {
            let ctl = Some(&ctl.list);
            predict(Held { ctl, ..held }, &offer, tvs)
        });
        (Some(predict(held, &offer, tvs)), with_ctl)
    };
    let changes = compare::compare(&old.list, &new.list);
    let meaning = outlook(&old.list, &new.list, itl_only.as_ref(), with_ctl.as_ref());
    let comparison = Comparison {
        old: (&old.path, &old.list),
        new: (&new.path, &new.list),
        changes: &changes,
        itl_only: itl_only.as_ref(),
        with_ctl: with_ctl.as_ref(),
        meaning: &meaning,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    match args.format {
        Format::Json => {
            escape::json_pretty(&mut out, &DiffDocument::from(comparison))?;
            writeln!(out)?;
        }
        Format::Text => write_text(&comparison, ctl.as_ref().map(|input| input.path.as_str()), &mut out)?,
    }
    out.flush()?;
    let accepted = |prediction: &Prediction| matches!(prediction.outcome, Outcome::Accepted | Outcome::AcceptedByTvs);
    let all = [&itl_only, &with_ctl].into_iter().flatten().all(accepted);
    Ok(if all { Exit::Clean } else { Exit::Findings })
}

/// Reads a list in any form.
fn input(path: &Path) -> anyhow::Result<Input> {
    let bytes = inputs::read(path)?;
    let path = path.display().to_string();
    let reference = Reference::from_bytes(&path, None, &bytes)?;
    let Some(list) = reference.list else {
        bail!("{path}: a certificate, expected a trust list or the text of 'show itl' or 'show ctl'");
    };
    Ok(Input { bytes: (list.origin == Origin::File).then_some(bytes), path, list })
}

/// The certificates that TVS presents: those given, else those that the new list has.
fn presented(paths: &[PathBuf], new: &TrustList) -> anyhow::Result<Vec<TvsCertificate>> {
    if paths.is_empty() {
        return Ok(new.tvs_records().map(TvsCertificate::from).collect());
    }
    let mut presented = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let reference = Reference::from_bytes(&name, None, &inputs::read(path)?)?;
        if reference.certificates.is_empty() {
            bail!("--tvs {name}: not a certificate");
        }
        // The first of a chain is the server's own.
        presented.extend(reference.certificates.first().map(TvsCertificate::from));
    }
    Ok(presented)
}

fn write_text(comparison: &Comparison<'_>, ctl: Option<&str>, out: &mut dyn Write) -> anyhow::Result<()> {
    for (side, (path, list)) in [("OLD", comparison.old), ("NEW", comparison.new)] {
        writeln!(out, "{side}  {}", escape::line(&headline(path, list)))?;
    }
    writeln!(out, "\nChanges")?;
    if comparison.changes.is_empty() {
        let same = compare::is_same_file(comparison.old.1, comparison.new.1) == Some(true);
        writeln!(out, "  none{}", if same { ": it is the same file" } else { " in what both say" })?;
    }
    for change in comparison.changes {
        let sign = match change.kind {
            ChangeKind::RecordAdded => '+',
            ChangeKind::RecordRemoved => '-',
            _ => '~',
        };
        writeln!(out, "  {sign} {}", escape::line(&change.text))?;
    }
    for (side, (_, list)) in [("OLD", comparison.old), ("NEW", comparison.new)] {
        for warning in &list.warnings {
            writeln!(out, "  ({side}: {})", escape::line(warning))?;
        }
    }
    writeln!(out, "\nA phone that holds OLD and is offered NEW")?;
    if let Some(prediction) = comparison.itl_only {
        write_prediction("and holds no CTL", prediction, out)?;
    }
    if let Some(prediction) = comparison.with_ctl {
        let which = ctl.map_or_else(|| "OLD being its CTL".to_owned(), |ctl| format!("and holds the CTL {ctl}"));
        write_prediction(&which, prediction, out)?;
    }
    if !comparison.meaning.is_empty() {
        writeln!(out, "\nWhat it means")?;
        for text in comparison.meaning {
            writeln!(out, "  - {}", escape::line(text))?;
        }
    }
    Ok(())
}

fn write_prediction(which: &str, prediction: &Prediction, out: &mut dyn Write) -> anyhow::Result<()> {
    let outcome = match prediction.outcome {
        Outcome::Accepted => "ACCEPTS it",
        Outcome::AcceptedByTvs => "ACCEPTS it THROUGH TVS",
        Outcome::Rejected => "REJECTS it",
        Outcome::Unknown => "is UNDECIDED",
    };
    writeln!(out, "  {}: {outcome}", escape::line(which))?;
    writeln!(out, "    {}", escape::line(&prediction.why))?;
    for (at, step) in prediction.steps.iter().enumerate() {
        writeln!(out, "    {}. {}", at + 1, escape::line(step))?;
    }
    Ok(())
}

/// `ITLFile.tlv: ITL of 5302 bytes, 6 records, SHA-1 9d7d…, signed by test10pub.joemar2.lab (serial 6140…)`.
fn headline(path: &str, list: &TrustList) -> String {
    let mut parts = vec![match list.length {
        Some(length) => format!("{} of {length} bytes", list.kind.name()),
        None => list.kind.name().to_owned(),
    }];
    let records = list.records.len();
    parts.push(if list.is_whole() { format!("{records} records") } else { format!("{records} records of an excerpt") });
    if let Some(sha1) = list.sha1 {
        parts.push(format!("SHA-1 {sha1}"));
    } else if let Some(md5) = list.md5 {
        parts.push(format!("MD5 {md5}"));
    }
    if let Some(signer) = list.signer() {
        parts.push(format!("signed by {signer}"));
    }
    format!("{path}: {}", parts.join(", "))
}
