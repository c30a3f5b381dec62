//! DeviceTLInfo alarms in text: as XML in a SIP trace, as CUCM's syslog, event viewers and debug pages print them
//! (domain.md 4.6).
//!
//! In: a text without entities. Out: alarms with their lines. How a viewer lays an alarm out differs, what it calls the
//! parameters does not: they are looked for by name, and each `DeviceName` begins another alarm. It refuses a hash that is not
//! all there: a list whose hash is cut is unknown, never none.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem;
use regex_lite::Regex;

use super::stamp::{self, Stamp};
use crate::digest::Sha1Sum;
use crate::event::Holding;
use crate::phone::DeviceName;

/// One alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alarm {
    /// The line on which it begins, from 1.
    pub line: usize,
    pub stamp: Option<Stamp>,
    pub device: DeviceName,
    /// `None` where the alarm does not say, or is cut.
    pub itl: Option<Holding>,
    pub ctl: Option<Holding>,
}

/// Digits of a SHA-1.
const DIGITS: usize = 40;
/// An alarm is not longer than this; what stands further behind is of another one whose beginning is lost.
const LONGEST: usize = 4096;

/// Every alarm in the text.
pub(super) fn find(text: &str) -> Vec<Alarm> {
    let mut alarms: Vec<Alarm> = Vec::new();
    if memmem::find(text.as_bytes(), b"DeviceName").is_none() {
        return alarms;
    }
    let text = &without_prefixes(text);
    let (mut line, mut counted, mut begins) = (1, 0, 0);
    for (at, name) in parameters(text) {
        let between = text.get(counted..at).unwrap_or_default();
        line += memchr::memchr_iter(b'\n', between.as_bytes()).count();
        counted = at;
        let Some(value) = value(text.get(at + name.len()..).unwrap_or_default()) else { continue };
        if name == "DeviceName" {
            let end = value
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
                .unwrap_or(value.len());
            if let Some(device) = value.get(..end).and_then(DeviceName::new) {
                let stamp = stamp::leading(line_before(text, at)).map(|(stamp, _)| stamp);
                alarms.push(Alarm { line, stamp, device, itl: None, ctl: None });
                begins = at;
            }
            continue;
        }
        let Some(alarm) = alarms.last_mut() else { continue };
        let between = text.get(begins..at).unwrap_or_default();
        if between.len() > LONGEST || between.lines().skip(1).any(|line| stamp::leading(line).is_some()) {
            continue;
        }
        let slot = if name.starts_with("ITL") { &mut alarm.itl } else { &mut alarm.ctl };
        *slot = slot.or_else(|| list(value));
    }
    alarms.retain(|alarm| alarm.itl.is_some() || alarm.ctl.is_some());
    alarms
}

/// The line that ends here; nothing where it began too far before.
fn line_before(text: &str, at: usize) -> &str {
    let near = (at.saturating_sub(LONGEST)..=at).find(|&at| text.is_char_boundary(at)).unwrap_or(at);
    let before = text.get(near..at).unwrap_or_default();
    match before.rfind('\n') {
        Some(end) => before.get(end + 1..).unwrap_or_default(),
        None if near == 0 => before,
        None => "",
    }
}

/// Where the parameters stand, and which.
fn parameters(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let bytes = text.as_bytes();
    let mut devices = memmem::find_iter(bytes, b"DeviceName").peekable();
    let mut lists = memmem::find_iter(bytes, b"TL_Signature").peekable();
    std::iter::from_fn(move || {
        loop {
            let is_device = match (devices.peek(), lists.peek()) {
                (Some(device), Some(list)) => device < list,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => return None,
            };
            if is_device {
                return devices.next().map(|at| (at, "DeviceName"));
            }
            let at = lists.next()?;
            match at.checked_sub(1).and_then(|before| bytes.get(before)) {
                Some(b'I') => return Some((at - 1, "ITL_Signature")),
                Some(b'C') => return Some((at - 1, "CTL_Signature")),
                _ => {}
            }
        }
    })
}

/// What stands behind a parameter's name and `=`, `:`, `">` or `]`.
fn value(rest: &str) -> Option<&str> {
    let blank = |c: char| c == ' ' || c == '\t' || c == '"' || c == '\'';
    let rest = rest.trim_start_matches(blank);
    let rest = rest.strip_prefix(['=', ':', '>', ']'])?;
    Some(rest.trim_start_matches(|c: char| blank(c) || c == '\n' || c == '\r'))
}

/// The list that a value names; `None` where it is cut.
fn list(value: &str) -> Option<Holding> {
    let head: String = value.chars().take(32).collect::<String>().to_ascii_lowercase();
    if let Some(rest) = head.strip_prefix("not") {
        return rest.trim_start().starts_with("installed").then_some(Holding::Nothing);
    }
    let mut digits = String::with_capacity(DIGITS);
    let mut after_break = false;
    let mut end = value.len();
    for (at, character) in value.char_indices() {
        match character {
            _ if character.is_ascii_hexdigit() && digits.len() < DIGITS => {
                digits.push(character);
                after_break = false;
            }
            // What begins with a time is another statement.
            '\n' if stamp::leading(value.get(at + 1..).unwrap_or_default().lines().next().unwrap_or_default())
                .is_some() =>
            {
                end = at;
                break;
            }
            '\n' | '\r' if digits.len() < DIGITS => after_break = true,
            // A byte may be broken by the end of a line, by nothing else.
            ' ' | ':' | '-' if digits.len() < DIGITS && (digits.len().is_multiple_of(2) || after_break) => {}
            _ => {
                end = at;
                break;
            }
        }
    }
    let sum: Sha1Sum = digits.parse().ok().filter(|_| digits.len() == DIGITS)?;
    ends(value.get(end..).unwrap_or_default()).then_some(Holding::List(sum))
}

/// Whether a value is over here: another digit, or a word that is no parameter's name, belongs to something else.
fn ends(rest: &str) -> bool {
    let line_ends = rest.trim_start_matches([' ', '\t', '\r']);
    let Some(next) = line_ends.chars().next() else { return true };
    if matches!(next, '\n' | ']' | '<' | '"' | '\'' | ',' | ';' | ')' | '|' | '}') {
        return true;
    }
    let name = line_ends.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default();
    let behind = line_ends.get(name.len()..).unwrap_or_default().trim_start();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic());
    line_ends.len() < rest.len() && is_name && behind.starts_with(['=', ':'])
}

/// `72 DEB Oct 30 16:20:45.500001 (618:927) JAVA-`: phones break what they log, in words and hashes, and put this between.
static PREFIX: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^\s*\d+:?\s+(?:ERR|WRN|NOT|INF|DEB)\s+(?:[A-Z][a-z]{2}\s+\d{1,2}\s+)?\d{1,2}:\d{2}:\d{2}\.\d+\s*(?:\(\d+:\d+\)\s)?\s*(?:[A-Za-z]{2,12}-)?",
    )
    .ok()
});

/// The text with lines that phones broke put together again. Line feeds stay where the lines are counted by them, behind what
/// was put together.
fn without_prefixes(text: &str) -> Cow<'_, str> {
    let has_any = [" DEB ", " NOT ", " INF ", " ERR ", " WRN "].iter().any(|level| text.contains(level));
    let Some(pattern) = PREFIX.as_ref().filter(|_| has_any) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    let mut owed = 0;
    for line in text.lines() {
        let head: String = line.chars().take(96).collect();
        if let Some(prefix) = pattern.find(&head) {
            let rest = line.get(prefix.end()..).unwrap_or_default();
            // Only what is broken goes on: a value or a name that the line before did not end.
            if !out.is_empty() && is_broken(&out) {
                owed += 1;
                out.push_str(rest);
            } else {
                end_line(&mut out, &mut owed);
                out.push_str(rest);
            }
        } else {
            end_line(&mut out, &mut owed);
            out.push_str(line);
        }
    }
    Cow::Owned(out)
}

fn end_line(out: &mut String, owed: &mut usize) {
    if !out.is_empty() || *owed > 0 {
        out.push('\n');
    }
    out.extend(std::iter::repeat_n('\n', std::mem::take(owed)));
}

/// Whether the text ends within an element or a value of it.
fn is_broken(text: &str) -> bool {
    let start = text.len().saturating_sub(256);
    let start = (start..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    let tail = text.get(start..).unwrap_or_default();
    let line = tail.rsplit('\n').next().unwrap_or_default().trim_end();
    let (open, close) = (line.rfind('<'), line.rfind('>'));
    // `<String name="CTL_Sig`, or `<String name="…">68 E3`, but not `</String>` and no line without an element.
    open.is_some() && (open > close || (close > open && !line.ends_with('>')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "1B A1 C9 07 E9 9E 4D 3C 53 9D C8 14 24 AF 6C 9F 7D CE 4D 6D";

    fn only(text: &str) -> Alarm {
        let mut alarms = find(text);
        assert_eq!(alarms.len(), 1, "{alarms:?}");
        alarms.remove(0)
    }

    #[test]
    fn same_alarm_in_every_layout() {
        let xml = format!(
            "<Alarm Name=\"DeviceTLInfo\">\n<String name=\"DeviceName\">SEPC80084AA8743</String>\n\
             <String name=\"CTL_Signature\">Not Installed</String>\n<String name=\"ITL_Signature\">{SUM} </String>\n"
        );
        let syslog = format!(
            "Mar  9 13:32:45 cucm-115 : 57: %UC_-6-DeviceTLInfo: %[DeviceName=SEPC80084AA8743][IPv4Address=192.168.7.104]\
             [CTL_Signature=Not Installed][ITL_Signature={SUM}][StatusCode=3]: phone"
        );
        let viewer = format!("\nDeviceName : SEPC80084AA8743\nCTL_Signature : Not Installed\nITL_Signature : {SUM}\n");
        let page = format!(
            "[4:02:17pm 10/30/26] DeviceTLInfo DeviceName=SEPC80084AA8743 CTL_Signature=Not Installed ITL_Signature={SUM} ITL_TFTP_Server=a"
        );
        let sum = SUM.parse().unwrap();
        for (text, line) in [(xml, 2), (syslog, 1), (viewer, 2), (page, 1)] {
            let alarm = only(&text);
            assert_eq!((alarm.device.as_str(), alarm.line), ("SEPC80084AA8743", line), "{text}");
            let lists = (alarm.itl, alarm.ctl);
            assert_eq!(lists, (Some(Holding::List(sum)), Some(Holding::Nothing)), "{text}");
        }
    }

    #[test]
    fn several_phones_and_other_alarms() {
        let text = format!(
            "[DeviceName=SEP000000000001][Reason=8]\n[DeviceName=SEP000000000002][ITL_Signature={SUM}]\n\
             [DeviceName=SEP000000000003][ITL_Signature=Not Installed]\n[DeviceName=SEP000000000004][ITL_Signature=12 34]\n"
        );
        let names: Vec<_> = find(&text).into_iter().map(|alarm| (alarm.line, alarm.device.to_string())).collect();
        assert_eq!(names, [(2, "SEP000000000002".to_owned()), (3, "SEP000000000003".to_owned())]);
    }

    /// Whatever is cut off, the list is the one in the alarm or unknown.
    #[test]
    fn cut_anywhere_is_unknown_or_right() {
        let sum = Holding::List(SUM.parse().unwrap());
        for tail in [
            "",
            "\nOct 30 16:02:17 cm-a : 58: another line",
            "\n30 Oct 10:11:12 x",
            "\nDec 12 12:12:12 a",
            "\n4D 6D 7E [1]",
        ] {
            let whole = format!(
                "Oct 30 16:02:17 cm-a : 57: %[DeviceName=SEP000000000002][CTL_Signature=Not Installed][ITL_Signature={SUM}]"
            );
            for end in 0..whole.len() {
                let text = format!("{}{tail}", whole.get(..end).unwrap());
                for alarm in find(&text).into_iter().filter(|alarm| alarm.device.as_str() == "SEP000000000002") {
                    assert!(alarm.itl.is_none() || alarm.itl == Some(sum), "{text}");
                    assert!(alarm.ctl.is_none_or(|ctl| ctl == Holding::Nothing), "{text}");
                }
            }
        }
    }

    #[test]
    fn hash_that_is_broken_over_lines_is_whole() {
        let sum = Some(Holding::List(SUM.parse().unwrap()));
        let head = "<String name=\"DeviceName\">SEP000000000002</String>\n<String name=\"ITL_Signature\">";
        for at in 1..SUM.len() {
            let (one, two) = SUM.split_at(at);
            for between in ["\n", "\n   ", "\n72 DEB Oct 30 16:20:45.500001 (618:927) JAVA-"] {
                let alarm = only(&format!("{head}{one}{between}{two}</String>\n"));
                assert_eq!(alarm.itl, sum, "{one:?}{between:?}{two:?}");
            }
        }
    }

    #[test]
    fn alarm_whose_beginning_is_lost_is_of_nobody() {
        let text = format!(
            "Oct 30 16:02:17 a : [DeviceName=SEP000000000002][CTL_Signature=Not Installed]\nOct 30 16:02:18 a : [ITL_Signature={SUM}]\n"
        );
        assert_eq!(only(&text).itl, None);
    }

    #[test]
    fn lines_that_phones_broke_are_counted() {
        let text = format!(
            "71 DEB Oct 30 16:20:45.4 (618:927) JAVA-<Alarm Name=\"DeviceT\n72 DEB Oct 30 16:20:45.5 (618:927) JAVA-LInfo\">\n\
             <String name=\"DeviceName\">SEP000000000002</String>\n<String name=\"ITL_Sig\n\
             73 DEB Oct 30 16:20:45.500001 (618:927) JAVA-nature\">{SUM}</String>\n"
        );
        let alarm = only(&text);
        assert_eq!((alarm.line, alarm.itl), (3, Some(Holding::List(SUM.parse().unwrap()))));
    }

    proptest::proptest! {
        #[test]
        fn any_text_does_no_harm(text in "((DeviceName|ITL_Signature|CTL_Signature|[=\\]>\": ]|[0-9A-F]{2} |Not |Installed|\\n|é|72 DEB Oct 30 16:20:45.5 ){1,3}){0,20}") {
            let lines = text.lines().count().max(1);
            for alarm in find(&text) {
                proptest::prop_assert!(alarm.line <= lines);
            }
        }
    }
}
