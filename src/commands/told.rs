//! What only the engineer knows: the options, and the files that they name.
//!
//! In: arguments. Out: [`Told`]. It refuses to hold what the texts mean: [`crate::words`] reads them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use super::inputs;
use crate::phone::DeviceName;
use crate::trust::{ListKind, Reference, ReferenceKind, TrustList, text};
use crate::words::holds::{self, Value};
use crate::words::{self, By, Says, Shown, Told, ToldHolding, ToldList, Whose};

/// What only the engineer knows.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What only you know")]
pub(super) struct ToldOptions {
    /// The list on a phone: a file (.tlv or the text of 'show itl' or 'show ctl'), a checksum, or 'none'; 'ctl=' before it says
    /// that it is the CTL ('ctl=none': no CTL). Without 'DEVICE=', a file of such lines, md5sum's output, a table (CSV), or
    /// CUCM's syslog with DeviceTLInfo alarms as it is. DEVICE is a name, a MAC address or an IP address. Repeatable
    #[arg(long, value_name = "DEVICE=FILE|CHECKSUM")]
    holds: Vec<String>,

    /// What a phone's screen shows, in its own words, such as 'Trust List Verification Failed'; 'verification-failed' and 'ok'
    /// stand for any of the kind. Without 'DEVICE=', a file of such lines or of status messages. Repeatable
    #[arg(long, value_name = "DEVICE=WORDS")]
    phone_says: Vec<String>,

    /// What phones and servers say: console logs, status messages, saved pages, syslog, logs of TVS and TFTP; packed too
    /// (.gz, .tar.gz, .zip). The phone is the one that the text names, else DEVICE. Repeatable
    #[arg(long, value_name = "[DEVICE=]FILE")]
    console_log: Vec<String>,

    /// Which phone has an address, where the capture does not show it. Repeatable
    #[arg(long, value_name = "ADDRESS=DEVICE", value_parser = phone_at)]
    phone_at: Vec<(IpAddr, DeviceName)>,

    /// Whether a backup of the old CallManager or ITLRecovery key exists
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    old_key_backup: Option<bool>,

    /// The release of the cluster, such as 12.5 or 14: what can be done hangs on it
    #[arg(long, value_name = "RELEASE", value_parser = release)]
    cucm_release: Option<(u16, u16)>,
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("expected 'yes' or 'no'".to_owned()),
    }
}

fn phone_at(text: &str) -> Result<(IpAddr, DeviceName), String> {
    let expected = || "expected ADDRESS=DEVICE, as in 10.1.1.7=SEP0011215A1AE3".to_owned();
    match (holds::whose(text), text.split_once('=')) {
        (Some((Whose::Address(address), _)), Some((_, device))) => {
            words::device(device).map(|device| (address, device)).ok_or_else(expected)
        }
        _ => Err(expected()),
    }
}

fn release(text: &str) -> Result<(u16, u16), String> {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let (major, rest) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let major = digits(major).parse().ok().filter(|major| (8..=99).contains(major));
    let minor = digits(rest).parse().ok();
    major.zip(minor).ok_or_else(|| "expected a release such as 11.5, 12.5 or 14".to_owned())
}

impl ToldOptions {
    /// The files that the options name, and those that a file of `--holds` names.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = Vec::new();
        let file = |value: &str| match holds::value(value) {
            Value::File(_, path) => Some(PathBuf::from(path)).filter(|path| path.is_file()),
            _ => None,
        };
        for argument in self.holds.iter().chain(&self.console_log).chain(&self.phone_says) {
            paths.push(PathBuf::from(argument));
            paths.extend(holds::whose(argument).and_then(|(_, value)| file(value)));
        }
        for argument in self.holds.iter().filter(|argument| Path::new(argument).is_file()) {
            // A file of lines is only taken apart at its signs here; what else is in it is looked at later.
            let bytes = inputs::read(Path::new(argument)).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            paths.extend(text.lines().filter_map(holds::whose).filter_map(|(_, value)| file(value)).take(MOST_NAMED));
        }
        paths.retain(|path| path.exists());
        paths
    }

    /// Whether any of the options was given.
    pub(super) fn is_given(&self) -> bool {
        !(self.holds.is_empty() && self.phone_says.is_empty() && self.console_log.is_empty())
            || self.old_key_backup.is_some()
    }

    /// Reads the files that the options name.
    pub(super) fn read(&self) -> anyhow::Result<Told> {
        let told = Told::new(self.old_key_backup, self.cucm_release, self.phone_at.iter().cloned().collect());
        let mut reader = Reader { told, lists: HashMap::new() };
        for argument in &self.holds {
            reader.holds(argument).with_context(|| format!("--holds {argument}"))?;
        }
        for argument in &self.console_log {
            let (whose, path) = whose_or_path(argument);
            reader.text(&whose, path).with_context(|| format!("--console-log {argument}"))?;
        }
        for argument in &self.phone_says {
            reader.phone_says(argument).with_context(|| format!("--phone-says {argument}"))?;
        }
        Ok(reader.told)
    }
}

/// Files that a file of `--holds` may name.
const MOST_NAMED: usize = 100_000;

/// Whose a file is said to be, and its path. A file of the argument's whole name goes first.
fn whose_or_path(argument: &str) -> (Whose, &str) {
    match holds::whose(argument) {
        Some((whose, path)) if !Path::new(argument).exists() => (whose, path),
        _ => (Whose::Unnamed, argument),
    }
}

/// Reads files for what is told.
struct Reader {
    told: Told,
    /// Lists by their paths: a file of thousands of lines may name one file again and again.
    lists: HashMap<String, Vec<(ListKind, ToldList)>>,
}

impl Reader {
    fn holds(&mut self, argument: &str) -> anyhow::Result<()> {
        let (whose, value) = whose_or_path(argument);
        if whose != Whose::Unnamed {
            return match holds::value(value) {
                Value::File(kind, path) => self.holds_file(&whose, kind, &path),
                value => self.value(&whose, value, "--holds", None),
            };
        }
        let bytes = inputs::read(Path::new(argument))?;
        if self.alarms(&whose, argument, &bytes) || self.rows(&whose, argument, &bytes)? {
            return Ok(());
        }
        bail!("holds neither lines DEVICE=FILE or DEVICE=CHECKSUM, nor checksums, nor a table, nor DeviceTLInfo alarms")
    }

    /// A file that was given for one phone.
    fn holds_file(&mut self, whose: &Whose, kind: Option<ListKind>, path: &str) -> anyhow::Result<()> {
        if self.lists.contains_key(path) {
            return self.value(whose, Value::File(kind, path.to_owned()), path, None);
        }
        let bytes = inputs::read(Path::new(path))?;
        let is_list =
            bytes.starts_with(&[1, 0, 2]) || text::decode(&bytes).is_some_and(|text| text::import(&text).is_ok());
        if !is_list && (self.alarms(whose, path, &bytes) || self.rows(whose, path, &bytes)?) {
            return Ok(());
        }
        self.value(whose, Value::File(kind, path.to_owned()), path, None)
    }

    /// Takes alarms, and whatever else a text with alarms says.
    fn alarms(&mut self, whose: &Whose, path: &str, bytes: &[u8]) -> bool {
        let (readings, _) = words::read(path, bytes, whose);
        let is_alarm = |reading: &words::Reading| {
            reading.statements.iter().any(|statement| matches!(statement.says, Says::Holds { .. }))
        };
        let any = readings.iter().any(is_alarm);
        if any {
            for reading in readings {
                self.told.hear(reading);
            }
        }
        any
    }

    fn rows(&mut self, whose: &Whose, path: &str, bytes: &[u8]) -> anyhow::Result<bool> {
        let mut any = false;
        for part in words::unpack(bytes).parts {
            for row in holds::rows(&part.text).unwrap_or_default() {
                let whose = if row.whose == Whose::Unnamed { whose.clone() } else { row.whose };
                if whose == Whose::Unnamed {
                    bail!("line {}: a checksum without its phone; give DEVICE={path}", row.line);
                }
                self.value(&whose, row.value, path, Some(row.line)).with_context(|| format!("line {}", row.line))?;
                any = true;
            }
        }
        Ok(any)
    }

    fn value(&mut self, whose: &Whose, value: Value, source: &str, line: Option<usize>) -> anyhow::Result<()> {
        let (kind, list) = match value {
            Value::Nothing(kind) => (kind, None),
            Value::Md5(kind, md5) => (kind, Some(ToldList { md5: Some(md5), ..ToldList::default() })),
            Value::Sha1(kind, sha1) => (kind, Some(ToldList { sha1: Some(sha1), ..ToldList::default() })),
            Value::File(wanted, path) => {
                for (kind, list) in self.lists(&path)? {
                    let kind = wanted.unwrap_or(kind);
                    let holding = ToldHolding {
                        kind,
                        list: Some(list),
                        by: By::Option,
                        source: path.as_str().into(),
                        line: None,
                    };
                    self.told.hold(whose.clone(), holding);
                }
                return Ok(());
            }
        };
        self.told.hold(whose.clone(), ToldHolding { kind, list, by: By::Option, source: source.into(), line });
        Ok(())
    }

    /// The lists in a file.
    fn lists(&mut self, path: &str) -> anyhow::Result<Vec<(ListKind, ToldList)>> {
        if let Some(known) = self.lists.get(path) {
            return Ok(known.clone());
        }
        let bytes = inputs::read(Path::new(path))?;
        let mut lists = Vec::new();
        for Reference { kind, md5, sha1, list, .. } in Reference::all_from_bytes(path, None, &bytes)? {
            let kind = match kind {
                ReferenceKind::Certificate => bail!("{path}: is a certificate, expected a trust list or a checksum"),
                ReferenceKind::Ctl => ListKind::Ctl,
                ReferenceKind::Itl | ReferenceKind::Checksum => ListKind::Itl,
            };
            lists.push((kind, ToldList { md5, sha1, list: list.map(Arc::<TrustList>::new) }));
        }
        self.lists.insert(path.to_owned(), lists.clone());
        Ok(lists)
    }

    /// Takes a text of any kind.
    fn text(&mut self, whose: &Whose, path: &str) -> anyhow::Result<()> {
        let bytes = inputs::read(Path::new(path))?;
        let (readings, left_out) = words::read(path, &bytes, whose);
        if readings.is_empty() && left_out.is_empty() {
            self.told.notes.push(format!("{path}: is empty"));
        }
        self.told.notes.extend(left_out.into_iter().map(|what| format!("{path}: {what}")));
        let said = readings.iter().filter(|reading| reading.silent < reading.lines).count();
        for reading in readings {
            // Of an archive, members that say nothing are not told one by one.
            if said == 0 || reading.silent < reading.lines {
                self.told.hear(reading);
            }
        }
        Ok(())
    }

    fn phone_says(&mut self, argument: &str) -> anyhow::Result<()> {
        match whose_or_path(argument) {
            (Whose::Unnamed, path) if Path::new(path).exists() => self.says_file(path),
            (Whose::Unnamed, _) => bail!("expected DEVICE=WORDS or a file; {}", known_words()),
            (whose, words) => self.says(whose, words),
        }
    }

    fn says(&mut self, whose: Whose, words: &str) -> anyhow::Result<()> {
        let says = words::of_words(words).with_context(|| format!("no phone shows \"{words}\"; {}", known_words()))?;
        self.told.show(whose, Shown { says, words: words.to_owned() });
        Ok(())
    }

    /// Lines `DEVICE=WORDS` or `DEVICE,WORDS`; anything else is a text like others.
    fn says_file(&mut self, path: &str) -> anyhow::Result<()> {
        let bytes = inputs::read(Path::new(path))?;
        let rows = words::says_rows(&bytes);
        if rows.is_empty() {
            return self.text(&Whose::Unnamed, path);
        }
        for (line, whose, words) in rows {
            self.says(whose, &words).with_context(|| format!("line {line}"))?;
        }
        Ok(())
    }
}

fn known_words() -> String {
    let known: Vec<String> = words::SCREEN_WORDS.iter().map(|words| format!("'{words}'")).collect();
    format!("known are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_as_people_write_them() {
        for (text, expected) in [("14", (14, 0)), ("12.5", (12, 5)), ("11.5.1.12900-21", (11, 5)), ("14SU3", (14, 0))] {
            assert_eq!(release(text), Ok(expected), "{text}");
        }
        for text in ["", "x", "5", "7.1", "100"] {
            assert!(release(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_of_phones() {
        assert_eq!(phone_at("10.1.1.7=0011.215a.1ae3").unwrap().1.as_str(), "SEP0011215A1AE3");
        assert!(phone_at("SEP0011215A1AE3=10.1.1.7").is_err());
    }
}
