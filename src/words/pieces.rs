//! Lines cut and joined to statements.
//!
//! In: lines as a person sees them. Out: [`Piece`]s: one statement's text each, with its time and the host that sent it. Lines
//! are wrapped, joined, prefixed by syslog, and pages print time and message on two lines. It refuses to know what the
//! statements mean.

use std::net::IpAddr;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::stamp::{self, Stamp};
use super::{names, table};

/// One statement's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// How many lines it takes.
    pub lines: usize,
    /// The host in the prefix that syslog put before it.
    pub host: Option<Host>,
    pub stamp: Option<Stamp>,
    /// Whether a phone's console begins it in its own way, and with the family's form.
    pub console: Option<Console>,
    pub text: String,
}

/// Who sent a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Host {
    Address(IpAddr),
    Name(String),
}

/// How a console begins its statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Console {
    /// `837: NOT 09:13:17.561856`: 79xx.
    Older,
    /// `4938 NOT Mar 09 18:32:40.184220`: 78xx, 88xx and later.
    Newer,
}

/// A statement that goes on for longer than this is two texts that were pasted together.
const LONGEST: usize = 2000;

struct Patterns {
    /// `837: NOT 09:13:17.561856 SECD: …`, several in one line.
    head: Regex,
    /// `[8:52:30am 10/01/26]` within a line: a page in one line.
    bracket: Regex,
    /// `14.48.44.202 :`, `cm-a : 57:`, `tftp-a in.tftpd[811]:`, `SEP0011215A1AE3 837:`.
    host: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    Some(Patterns {
        head: Regex::new(
            r"(?:^|\s)\d+:?\s+(?:ERR|WRN|NOT|INF|DEB)\s+(?:[A-Z][a-z]{2}\s+\d{1,2}\s+)?\d{1,2}:\d{2}:\d{2}\.\d+",
        )
        .ok()?,
        bracket: Regex::new(r"\[\s*\d{1,4}[:/.-]\d{1,2}[^\]\[]{0,24}[:/.-]\d{1,4}[^\]\[]{0,4}\]").ok()?,
        host: Regex::new(r"^\s*([0-9A-Za-z][0-9A-Za-z.:_-]*)(?:\s*:\s|\s+)").ok()?,
    })
});

/// The statements of a text.
pub(super) fn pieces(lines: &[(usize, String)]) -> Vec<Piece> {
    let mut out = Pieces { pieces: Vec::new(), open: false };
    for (number, line) in lines {
        out.line(*number, line);
    }
    out.pieces
}

struct Pieces {
    pieces: Vec<Piece>,
    /// Whether the next line may go on with the last piece.
    open: bool,
}

impl Pieces {
    fn line(&mut self, number: usize, line: &str) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with("```") {
            self.open = false;
            return;
        }
        let (host, stamp, rest) = without_syslog(trimmed);
        if host.is_some() {
            self.open = false;
        }
        let heads = heads(rest);
        let before = heads.first().copied().unwrap_or(rest.len());
        // What stands before the first head goes on with the statement before; without one it is a statement of its own.
        let first = rest.get(..before).unwrap_or_default();
        if heads.is_empty() || !first.trim().is_empty() {
            self.text(number, host.as_ref(), stamp, first);
        }
        for (index, &start) in heads.iter().enumerate() {
            let end = heads.get(index + 1).copied().unwrap_or(rest.len());
            let text = rest.get(start..end).unwrap_or_default().trim();
            let (console, own, at) = head(text);
            let text = text.get(at..).unwrap_or_default().trim().to_owned();
            let lines = usize::from(index == 0);
            // The day of syslog's stamp is that of the phone's own, which may have the time alone.
            let stamp = if own.is_some_and(|own| own.date.is_some()) { own } else { stamp.or(own) };
            self.pieces.push(Piece { line: number, lines, host: host.clone(), stamp, console, text });
            self.open = true;
        }
    }

    /// A line, or the part of it before the first console statement.
    fn text(&mut self, number: usize, host: Option<&Host>, stamp: Option<Stamp>, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            // A time alone: the message is on the next line.
            if let Some(stamp) = stamp {
                self.push(number, host, Some(stamp), String::new());
                self.open = true;
            }
            return;
        }
        let own = if stamp.is_none() { stamp::leading(text) } else { None };
        let (stamp, rest, begins) = match own {
            Some((own, at)) => (Some(own), text.get(at..).unwrap_or_default().trim(), true),
            None => (stamp, text, stamp.is_some()),
        };
        if !begins && let Some((behind, at)) = stamp::trailing(text) {
            let message = text.get(..at).unwrap_or_default().trim().to_owned();
            self.push(number, host, Some(behind), message);
            self.open = false;
            return;
        }
        if !begins && host.is_none() && self.open && self.goes_on(text) {
            return;
        }
        self.push(number, host, stamp, rest.to_owned());
        self.open = begins || host.is_some();
    }

    fn push(&mut self, line: usize, host: Option<&Host>, stamp: Option<Stamp>, text: String) {
        self.pieces.push(Piece { line, lines: 1, host: host.cloned(), stamp, console: None, text });
    }

    /// Takes a line as the rest of the statement before it, unless it says something by itself.
    fn goes_on(&mut self, text: &str) -> bool {
        let Some(last) = self.pieces.last_mut() else { return false };
        let is_whole = !last.text.is_empty() && is_understood(text) && is_understood(&last.text);
        if last.text.len() + text.len() >= LONGEST || is_whole || names::is_section(text) {
            return false;
        }
        // Names in logs of TVS are wrapped after a hyphen and before a quotation mark.
        if !last.text.is_empty() && !last.text.ends_with('-') && !text.starts_with(['"', ';']) {
            last.text.push(' ');
        }
        last.text.push_str(text);
        last.lines += 1;
        true
    }
}

fn is_understood(text: &str) -> bool {
    table::read(text, &text.to_ascii_lowercase()).is_some()
}

/// Takes off what syslog puts before a line: priority, time, host.
fn without_syslog(line: &str) -> (Option<Host>, Option<Stamp>, &str) {
    let nothing = (None, None, line);
    let rest = line
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .filter(|(priority, _)| priority.len() <= 3 && priority.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(line, |(_, rest)| rest.trim_start_matches("1 "));
    let Some((stamp, at)) = stamp::leading(rest).filter(|(stamp, _)| stamp.date.is_some()) else { return nothing };
    let after = rest.get(at..).unwrap_or_default();
    let Some(found) = PATTERNS.as_ref().and_then(|patterns| patterns.host.captures(after)) else { return nothing };
    let (Some(whole), Some(host)) = (found.get(0), found.get(1)) else { return nothing };
    let behind = after.get(whole.end()..).unwrap_or_default();
    let name = host.as_str().trim_end_matches(':');
    if let Ok(address) = name.parse() {
        return (Some(Host::Address(address)), Some(stamp), behind);
    }
    // Other words are a host only where something of a log stands behind them: `: `, `57:`, `in.tftpd[811]:`.
    let next = behind.split_whitespace().next().unwrap_or_default();
    let is_log = whole.as_str().trim_end().ends_with(':')
        || (next.ends_with(':')
            && (next.contains('[') || next.trim_end_matches(':').bytes().all(|byte| byte.is_ascii_digit())))
        || names::device(name).is_some();
    let is_host = name.len() <= 64 && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    if is_log && is_host {
        return (Some(Host::Name(name.to_ascii_lowercase())), Some(stamp), behind);
    }
    nothing
}

/// Where the statements within a line begin that have a head of their own.
fn heads(line: &str) -> Vec<usize> {
    let Some(patterns) = PATTERNS.as_ref() else { return Vec::new() };
    let has_level = ["NOT ", "ERR ", "WRN ", "INF ", "DEB "].iter().any(|level| line.contains(level));
    if has_level {
        let heads: Vec<usize> = patterns.head.find_iter(line).map(|found| found.start()).collect();
        if !heads.is_empty() {
            return heads;
        }
    }
    // A page in one line: times in brackets, each before its message.
    if line.starts_with('[') && line.matches('[').count() > 1 {
        return patterns
            .bracket
            .find_iter(line)
            .filter(|found| stamp::leading(found.as_str()).is_some())
            .map(|found| found.start())
            .collect();
    }
    Vec::new()
}

/// The head of a statement: which form, its time, and where the text begins.
fn head(text: &str) -> (Option<Console>, Option<Stamp>, usize) {
    let level = ["NOT ", "ERR ", "WRN ", "INF ", "DEB "].iter().filter_map(|level| text.find(level)).min();
    let Some(level) = level.filter(|_| text.starts_with(|c: char| c.is_ascii_digit())) else {
        return stamp::leading(text).map_or((None, None, 0), |(stamp, at)| (None, Some(stamp), at));
    };
    let rest = text.get(level + 4..).unwrap_or_default();
    let begins = level + 4 + (rest.len() - rest.trim_start().len());
    let Some((stamp, at)) = stamp::leading(text.get(begins..).unwrap_or_default()) else { return (None, None, 0) };
    let console = if stamp.date.is_some() { Console::Newer } else { Console::Older };
    (Some(console), Some(stamp), begins + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, Option<String>, String)> {
        let lines: Vec<_> = (1..).zip(text.lines().map(str::to_owned)).collect();
        pieces(&lines)
            .into_iter()
            .map(|piece| (piece.line, piece.stamp.map(|stamp| stamp.to_string()), piece.text))
            .collect()
    }

    fn texts(text: &str) -> Vec<String> {
        read(text).into_iter().map(|(.., text)| text).collect()
    }

    #[test]
    fn wrapped_and_joined_statements() {
        let text = "846: NOT 09:13:17.670439 TFTP: [27]:Requesting CTLSEP0011215A1AE3.tlv from\n14.48.44.80 \
                    847: NOT 09:13:17.685264 TFTP: [27]:Finished --> rcvd 4762 bytes\n\nsomething else\n";
        assert_eq!(
            texts(text),
            [
                "TFTP: [27]:Requesting CTLSEP0011215A1AE3.tlv from 14.48.44.80",
                "TFTP: [27]:Finished --> rcvd 4762 bytes",
                "something else"
            ]
        );
    }

    #[test]
    fn page_in_one_line_and_on_two_lines() {
        let one = "[8:52:30am 10/01/26] ITL installed [9:12:44am 10/02/26] Trust List Verification Failed";
        let two = "[8:52:30am 10/01/26]\nITL installed\n[9:12:44am 10/02/26]\nTrust List Verification\nFailed";
        for text in [one, two] {
            let read: Vec<_> = read(text).into_iter().map(|(_, stamp, text)| (stamp.unwrap(), text)).collect();
            assert_eq!(
                read,
                [
                    ("2026-10-01 08:52:30".to_owned(), "ITL installed".to_owned()),
                    ("2026-10-02 09:12:44".to_owned(), "Trust List Verification Failed".to_owned())
                ],
                "{text}"
            );
        }
    }

    #[test]
    fn status_messages_below_each_other_are_apart() {
        assert_eq!(
            texts("9:00:00a ITL installed\nTrust List Verification Failed\n"),
            ["ITL installed", "Trust List Verification Failed"]
        );
        assert_eq!(texts("Trust List updated\t[6:31:02pm 10/29/26]\nx"), ["Trust List updated", "x"]);
    }

    #[test]
    fn prefixes_of_syslog() {
        let hosts = |text: &str| {
            pieces(&[(1, text.to_owned())]).into_iter().map(|piece| (piece.host, piece.text)).next().unwrap()
        };
        let address = || Some(Host::Address("14.48.44.202".parse().unwrap()));
        let name = |name: &str| Some(Host::Name(name.to_owned()));
        for (text, host, rest) in [
            ("<133>Oct 30 13:15:20 14.48.44.202 : ITL installed", address(), "ITL installed"),
            ("<133>Oct 30 13:15:20 14.48.44.202: ITL installed", address(), "ITL installed"),
            ("Oct 30 09:13:18 14.48.44.202 877: NOT 09:13:18.925249 SECD: x", address(), "SECD: x"),
            ("2026-10-30T13:15:20Z 14.48.44.202 ITL installed", address(), "ITL installed"),
            ("<134>1 2026-10-30T13:15:20Z 14.48.44.202 ITL installed", address(), "ITL installed"),
            (
                "Oct 30 16:20:01 tftp-a in.tftpd[811]: RRQ from 1.2.3.4 filename a",
                name("tftp-a"),
                "in.tftpd[811]: RRQ from 1.2.3.4 filename a",
            ),
            ("Oct 30 13:15:20 SEP0011215A1AE3 ITL installed", name("sep0011215a1ae3"), "ITL installed"),
            ("2026-10-30T16:02:17Z Trust List updated", None, "Trust List updated"),
            ("Oct 30 16:02 ITL installed", None, "ITL installed"),
        ] {
            assert_eq!(hosts(text), (host, rest.to_owned()), "{text}");
        }
    }
}
