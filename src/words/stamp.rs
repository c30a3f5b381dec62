//! The times that phones, servers and pages print.
//!
//! In: a line. Out: the [`Stamp`] that it begins or ends with, and the rest. It refuses to know time zones: a phone's clock is
//! not the capture's (domain.md 9), so stamps compare among themselves only.

use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

/// A time as far as it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The day, where it is printed.
    pub date: Option<Date>,
    /// Microseconds since midnight.
    pub micros: u64,
}

/// A day of a stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// The year, where it is printed.
    pub year: Option<u16>,
    /// From 1 to 12.
    pub month: u8,
    /// From 1 to 31.
    pub day: u8,
    /// Whether month and day may be the other way round: `10/11/26`.
    pub is_ambiguous: bool,
    /// Whether it is printed with slashes and can only be read with the day first: `30/10/26`.
    pub was_day_first: bool,
}

impl Stamp {
    /// Whether it is earlier for sure: by dates with the same detail, never by times alone.
    pub fn is_before(self, other: Self) -> bool {
        let (Some(one), Some(two)) = (self.date, other.date) else { return false };
        one.year.is_some()
            && two.year.is_some()
            && !one.is_ambiguous
            && !two.is_ambiguous
            && (one.year, one.month, one.day, self.micros) < (two.year, two.month, two.day, other.micros)
    }

    /// The same with month and day the other way round, where that is possible.
    #[must_use]
    pub(super) fn other_way_round(self) -> Self {
        let turn = |date: Date| if date.is_ambiguous { Date { month: date.day, day: date.month, ..date } } else { date };
        Self { date: self.date.map(turn), ..self }
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(Date { year, month, day, .. }) = self.date {
            match year {
                Some(year) => write!(f, "{year}-{month:02}-{day:02} ")?,
                None => write!(f, "--{month:02}-{day:02} ")?,
            }
        }
        let seconds = self.micros / 1_000_000;
        write!(f, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// `9:12:01a`, `4:02:17pm`, `16:02`, `09:13:17.561856`, `4:02 PM`.
const TIME: &str =
    r"(?<h>\d{1,2}):(?<m>\d{2})(?::(?<s>\d{2})(?:[.,](?<f>\d{1,9}))?)?(?:(?<p>[AaPp])[Mm]?\b|\s(?<q>[AaPp])[Mm]\b)?";
/// `10/30/26`, `30.10.2026`, `2026-10-30`, `Oct 30`, `Oct 30 2026`, `30 Oct 2026`, a weekday before it.
const DATE: &str = r"(?:[A-Z][a-z]{2},?\s+)?(?:(?<y1>\d{4})[-/.](?<m1>\d{1,2})[-/.](?<d1>\d{1,2})|(?<a>\d{1,2})(?<sep>[/.-])(?<b>\d{1,2})[/.-](?<y2>\d{4}|\d{2})\b|(?<n1>[A-Z][a-z]{2})\s+(?<d2>\d{1,2})(?:,?\s+(?<y3>20\d{2})\b)?|(?<d3>\d{1,2})[ -](?<n2>[A-Z][a-z]{2})[ -](?<y4>20\d{2}|\d{2})\b)";
/// A zone or a year behind a time.
const BEHIND: &str = r"(?:\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})\b)?(?:\s+(?:[A-Z]{3,4}\s+)?(?<y5>20\d{2})\b(?:\s+(?:UTC|GMT))?)?";

struct Patterns {
    leading: [Regex; 2],
    trailing: [Regex; 2],
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let new = |pattern: String| Regex::new(&pattern).ok();
    Some(Patterns {
        leading: [
            new(format!(r"^\s*[\[(]?\s*{DATE}[,T\s]+{TIME}{BEHIND}\s*[\])]?(?:\s*[:|,-]+(?:\s|$))?"))?,
            new(format!(r"^\s*[\[(]?\s*{TIME}(?:[,\s]+{DATE})?\s*[\])]?(?:\s*[:|,-]+(?:\s|$))?"))?,
        ],
        trailing: [
            new(format!(r"[\s\[(,]+{DATE}[,T\s]+{TIME}{BEHIND}\s*[\])]?\s*$"))?,
            new(format!(r"[\s\[(,]+{TIME}[,\s]+{DATE}\s*[\])]?\s*$"))?,
        ],
    })
});

/// The stamp that a line begins with, and where the rest begins.
pub(super) fn leading(line: &str) -> Option<(Stamp, usize)> {
    // Regular expressions are not asked about lines that cannot have one.
    let head = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '[' | '('));
    let first = head.bytes().next()?;
    let may_be = first.is_ascii_digit() || first.is_ascii_uppercase();
    let near = head.bytes().take(40).any(|byte| byte == b':');
    if !may_be || !near {
        return None;
    }
    // The longest stamp has less than a hundred characters; a line may have a million.
    let end = (0..=128.min(line.len())).rev().find(|&at| line.is_char_boundary(at)).unwrap_or_default();
    let head = line.get(..end).unwrap_or_default();
    PATTERNS.as_ref()?.leading.iter().find_map(|pattern| {
        let found = pattern.captures(head)?;
        let whole = found.get(0)?;
        // `16:02Trust` is no time, nor is `16:02:17:44`.
        let next = line.get(whole.end()..).and_then(|rest| rest.chars().next());
        let ends = next.is_none_or(|next| next.is_whitespace() || !(next.is_alphanumeric() || next == ':' || next == '.'))
            || head.get(..whole.end()).is_some_and(|all| all.ends_with([']', ')', ' ', ':', '|', '-', '\t']));
        Some((stamp(&found).filter(|_| ends)?, whole.end()))
    })
}

/// The stamp that a line ends with, and where it begins.
pub(super) fn trailing(line: &str) -> Option<(Stamp, usize)> {
    if line.len() > 1024 || !line.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, ']' | ')')) || !line.contains(':') {
        return None;
    }
    PATTERNS.as_ref()?.trailing.iter().find_map(|pattern| {
        let found = pattern.captures(line)?;
        Some((stamp(&found)?, found.get(0)?.start()))
    })
}

fn stamp(found: &Captures<'_>) -> Option<Stamp> {
    let number = |name: &str| found.name(name).and_then(|text| text.as_str().parse::<u64>().ok());
    let (mut hour, minute) = (number("h")?, number("m")?);
    let half = found.name("p").or_else(|| found.name("q")).map(|half| half.as_str().to_ascii_lowercase());
    match half.as_deref() {
        Some("a") if hour == 12 => hour = 0,
        Some("p") if hour < 12 => hour += 12,
        _ => {}
    }
    let second = number("s").unwrap_or_default();
    let fraction = found.name("f").map(|text| text.as_str()).unwrap_or_default();
    let micros: u64 = fraction.bytes().chain(*b"000000").take(6).fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // A clock of twelve hours is of the phones' own form, which puts the month first.
    let date = date(found)?.map(|date| Date { is_ambiguous: date.is_ambiguous && half.is_none(), ..date });
    Some(Stamp { date, micros: ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros })
}

/// The day; `Some(None)` where there is none, `None` where there is one that no calendar has.
fn date(found: &Captures<'_>) -> Option<Option<Date>> {
    let text = |name: &str| found.name(name).map(|text| text.as_str());
    let small = |name: &str| text(name).and_then(|text| text.parse::<u8>().ok());
    let year = ["y1", "y2", "y3", "y4", "y5"].into_iter().find_map(text).and_then(|year| year.parse::<u16>().ok());
    let year = year.map(|year| if year < 100 { 2000 + year } else { year });
    let named = text("n1").or_else(|| text("n2"));
    let mut was_day_first = false;
    let (month, day, is_ambiguous) = if let (Some(month), Some(day)) = (small("m1"), small("d1")) {
        (month, day, false)
    } else if let (Some(first), Some(second)) = (small("a"), small("b")) {
        was_day_first = first > 12;
        // Dots are of places that put the day first.
        if first > 12 || text("sep") == Some(".") { (second, first, false) } else { (first, second, second <= 12) }
    } else if let Some(named) = named {
        let lower = named.to_ascii_lowercase();
        let month = MONTHS.iter().position(|month| *month == lower)?;
        (u8::try_from(month + 1).ok()?, small("d2").or_else(|| small("d3"))?, false)
    } else {
        return Some(None);
    };
    let is_day = (1..=12).contains(&month) && (1..=31).contains(&day);
    is_day.then_some(Some(Date { year, month, day, is_ambiguous: is_ambiguous && month != day, was_day_first }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (String, &str) {
        let (stamp, at) = leading(line).unwrap_or_else(|| panic!("{line}"));
        (stamp.to_string(), &line[at..])
    }

    #[test]
    fn every_form_that_is_printed() {
        for (line, stamp, rest) in [
            ("[1:15:20pm 10/30/26] ITL installed", "2026-10-30 13:15:20", " ITL installed"),
            ("9:12:01a ITL installed", "09:12:01", " ITL installed"),
            ("12:03:15a Trust", "00:03:15", " Trust"),
            ("12:03:15p Trust", "12:03:15", " Trust"),
            ("16:02 No Trust List", "16:02:00", " No Trust List"),
            ("30/10/26 16:02:17 ITL", "2026-10-30 16:02:17", " ITL"),
            ("30.10.2026 16:02 ITL", "2026-10-30 16:02:00", " ITL"),
            ("2026-10-30T16:02:17Z Trust", "2026-10-30 16:02:17", " Trust"),
            ("2026-10-30 16:02:17.123 Trust", "2026-10-30 16:02:17", " Trust"),
            ("2026-10-30T16:02:17+02:00 Trust", "2026-10-30 16:02:17", " Trust"),
            ("08:31:02, 10/30/2026 : SEP", "2026-10-30 08:31:02", "SEP"),
            ("Oct 30 16:20:01 host", "--10-30 16:20:01", " host"),
            ("Oct 30 16:02:17.419 2026 UTC :  %UC", "2026-10-30 16:02:17", " %UC"),
            ("Fri Oct 30 16:02:17 UTC 2026 a", "2026-10-30 16:02:17", " a"),
            ("15:21:01.954 | debug x", "15:21:01", "debug x"),
            ("4:02:17p <?xml", "16:02:17", " <?xml"),
            ("10:11:12 a file", "10:11:12", " a file"),
            ("4:02 PM Trust", "16:02:00", " Trust"),
        ] {
            let (found, after) = read(line);
            assert_eq!((found.as_str(), after.trim_start()), (stamp, rest.trim_start()), "{line}");
        }
        for line in ["ITL installed", "00:11:21:5a:1a:e3 x", "25:00:00 x", "13/13/26 10:00 x", "admin: 10:00", "12:3"] {
            assert_eq!(leading(line), None, "{line}");
        }
    }

    #[test]
    fn stamps_behind_the_message() {
        for line in ["Trust List updated\t[6:31:02pm 10/29/26]", "Trust List updated 2026-10-29 18:31:02"] {
            let (stamp, at) = trailing(line).unwrap();
            assert_eq!((stamp.to_string().as_str(), line[..at].trim()), ("2026-10-29 18:31:02", "Trust List updated"));
        }
        assert_eq!(trailing("from 14.48.44.202:49152"), None);
    }

    #[test]
    fn day_and_month_may_be_the_other_way_round() {
        let (stamp, _) = leading("05/10/26 16:02:17 ITL").unwrap();
        assert_eq!((stamp.to_string().as_str(), stamp.other_way_round().to_string().as_str()), ("2026-05-10 16:02:17", "2026-10-05 16:02:17"));
        let (stamp, _) = leading("30/10/26 16:02:17 ITL").unwrap();
        assert_eq!(stamp, stamp.other_way_round());
    }

    proptest::proptest! {
        #[test]
        fn any_line_does_no_harm(line in ".{0,80}", digits in "[0-9:/. \\[apmT-]{0,30}") {
            for line in [&line, &digits] {
                if let Some((_, at)) = leading(line) { proptest::prop_assert!(line.is_char_boundary(at)); }
                if let Some((_, at)) = trailing(line) { proptest::prop_assert!(line.is_char_boundary(at)); }
            }
        }
    }
}
