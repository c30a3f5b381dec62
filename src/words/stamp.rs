//! The times that phones, servers and pages print.
//!
//! In: a line. Out: the [`Stamp`] that it begins or ends with, and the rest. It refuses to know time zones: a phone's clock is
//! not the capture's (domain.md 9), so stamps compare among themselves only.

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
        let turn =
            |date: Date| if date.is_ambiguous { Date { month: date.day, day: date.month, ..date } } else { date };
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

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The longest stamp with a zone behind it has fewer bytes.
const LONGEST: usize = 64;

/// The stamp that a line begins with, and where the rest begins.
pub(super) fn leading(line: &str) -> Option<(Stamp, usize)> {
    let mut cursor = Cursor { text: line, at: 0 };
    cursor.blanks();
    cursor.one_of("[(");
    cursor.blanks();
    let begin = cursor;
    let stamp = cursor.date_and_time().or_else(|| {
        cursor = begin;
        cursor.time_and_date()
    })?;
    let is_closed = {
        cursor.blanks();
        cursor.one_of("])")
    };
    // `16:02Trust` is no time, nor is `16:02:17:44`.
    let (before, at) = (line.as_bytes().get(cursor.at.wrapping_sub(1)), cursor.at);
    let is_apart = is_closed || before.is_some_and(u8::is_ascii_whitespace);
    let next = cursor.peek();
    let is_mark = next.is_some_and(|next| matches!(next, ':' | '|' | ',' | '-'));
    if is_mark {
        while cursor.one_of(":|,-") {}
        if !cursor.peek().is_none_or(char::is_whitespace) {
            cursor.at = at;
        }
    }
    let ends =
        is_apart || cursor.at > at || next.is_none_or(|next| !(next.is_alphanumeric() || matches!(next, ':' | '.')));
    ends.then_some((stamp, cursor.at))
}

/// The stamp with a date that a line ends with, and where it begins.
pub(super) fn trailing(line: &str) -> Option<(Stamp, usize)> {
    let line = line.trim_end();
    if !line.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, ']' | ')')) {
        return None;
    }
    let from = (line.len().saturating_sub(LONGEST)..line.len()).find(|&at| line.is_char_boundary(at))?;
    let tail = line.get(from..)?;
    // Anything but a time has no two digits around a colon.
    if !tail.contains(':') {
        return None;
    }
    let begins = tail.char_indices().filter(|&(at, c)| {
        let is_after_blank = at > 0 && tail.get(..at).is_some_and(|before| before.ends_with([' ', '\t', ',']));
        is_after_blank && (c.is_ascii_digit() || c.is_ascii_uppercase() || matches!(c, '[' | '('))
    });
    begins.into_iter().find_map(|(at, _)| {
        let (stamp, length) = leading(tail.get(at..)?)?;
        (stamp.date.is_some() && at + length == tail.len()).then_some((stamp, from + at))
    })
}

/// Reads a line byte by byte: a stamp is ASCII.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes one of these ASCII characters.
    fn one_of(&mut self, characters: &str) -> bool {
        let found = self.peek().is_some_and(|next| next.is_ascii() && characters.contains(next));
        self.at += usize::from(found);
        found
    }

    /// Takes blanks; whether there were any.
    fn blanks(&mut self) -> bool {
        let before = self.at;
        while self.one_of(" \t") {}
        self.at > before
    }

    /// A number of so many digits that no further digit follows.
    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<u64> {
        let count = self.rest().bytes().take(digits.end() + 1).take_while(u8::is_ascii_digit).count();
        let number = self.rest().get(..count)?.parse().ok().filter(|_| digits.contains(&count))?;
        self.at += count;
        Some(number)
    }

    /// The place of the word that stands here among words of three letters.
    fn word(&mut self, words: &[&str]) -> Option<usize> {
        let found = self.rest().get(..3)?.to_ascii_lowercase();
        let place = words.iter().position(|word| *word == found)?;
        let is_whole = !self.rest().get(3..)?.starts_with(|c: char| c.is_ascii_alphabetic());
        self.at += if is_whole { 3 } else { 0 };
        is_whole.then_some(place)
    }

    /// `9:12:01a`, `4:02:17pm`, `16:02`, `09:13:17.561856`, `4:02 PM`: microseconds, and whether it is of a clock of twelve hours.
    fn time(&mut self) -> Option<(u64, bool)> {
        let mut hour = self.number(1..=2)?;
        if !self.one_of(":") {
            return None;
        }
        let minute = self.number(2..=2)?;
        let (mut second, mut micros) = (0, 0);
        let before = *self;
        if self.one_of(":") {
            if let Some(number) = self.number(2..=2) {
                second = number;
                let before = *self;
                if self.one_of(".,") {
                    let digits = self.rest().bytes().take(9).take_while(u8::is_ascii_digit);
                    let digits: Vec<u8> = digits.collect();
                    if digits.is_empty() {
                        *self = before;
                    }
                    self.at += digits.len();
                    micros = digits
                        .iter()
                        .copied()
                        .chain(*b"000000")
                        .take(6)
                        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
                }
            } else {
                *self = before;
            }
        }
        let half = self.half();
        match half {
            Some('a') if hour == 12 => hour = 0,
            Some('p') if hour < 12 => hour += 12,
            _ => {}
        }
        let is_time = hour <= 23 && minute <= 59 && second <= 60;
        is_time.then_some((((hour * 60 + minute) * 60 + second) * 1_000_000 + micros, half.is_some()))
    }

    /// `a`, `pm`, ` PM`.
    fn half(&mut self) -> Option<char> {
        let before = *self;
        let is_apart = self.blanks();
        let half = self.peek()?.to_ascii_lowercase();
        let is_half = self.one_of("aApP");
        let has_m = self.one_of("mM");
        let ends = !self.peek().is_some_and(char::is_alphanumeric);
        if is_half && ends && (has_m || !is_apart) {
            return Some(half);
        }
        *self = before;
        None
    }

    /// `10/30/26`, `30.10.2026`, `2026-10-30`, `Oct 30`, `Oct 30 2026`, `30 Oct 2026`, a weekday before it.
    fn date(&mut self) -> Option<Date> {
        if self.word(&WEEKDAYS).is_some() {
            self.one_of(",");
            self.blanks();
        }
        if let Some(month) = self.word(&MONTHS) {
            if !self.blanks() {
                return None;
            }
            let day = self.number(1..=2)?;
            let before = *self;
            self.one_of(",");
            let year = if self.blanks() { self.year() } else { None };
            if year.is_none() {
                *self = before;
            }
            return Date::new(year, month + 1, day, false, false);
        }
        let before = *self;
        if let Some(year) = self.number(4..=4) {
            let month = self.separated("-/.")?;
            let day = self.separated("-/.")?;
            return Date::new(Some(year), usize::try_from(month).ok()?, day, false, false);
        }
        *self = before;
        let first = self.number(1..=2)?;
        let separator = self.peek()?;
        if !self.one_of("/.- ") {
            return None;
        }
        if let Some(month) = self.word(&MONTHS) {
            self.one_of("- ");
            let year = self.number(4..=4).or_else(|| self.number(2..=2));
            return Date::new(Some(year?), month + 1, first, false, false);
        }
        if separator == ' ' {
            return None;
        }
        let second = self.number(1..=2)?;
        if !self.one_of("/.-") {
            return None;
        }
        let year = self.number(4..=4).or_else(|| self.number(2..=2))?;
        // Dots are of places that put the day first.
        let is_day_first = first > 12 || separator == '.';
        let (month, day) = if is_day_first { (second, first) } else { (first, second) };
        let is_ambiguous = !is_day_first && second <= 12 && first != second;
        Date::new(Some(year), usize::try_from(month).ok()?, day, is_ambiguous, first > 12)
    }

    fn separated(&mut self, separators: &str) -> Option<u64> {
        if self.one_of(separators) { self.number(1..=2) } else { None }
    }

    /// A year of this century that no colon follows.
    fn year(&mut self) -> Option<u64> {
        let before = *self;
        let year = self.number(4..=4).filter(|year| (2000..2100).contains(year) && self.peek() != Some(':'));
        if year.is_none() {
            *self = before;
        }
        year
    }

    fn date_and_time(&mut self) -> Option<Stamp> {
        let mut date = self.date()?;
        let mut is_apart = self.one_of("T");
        while self.one_of(", \t") {
            is_apart = true;
        }
        let (micros, is_half) = if is_apart { self.time()? } else { return None };
        date.is_ambiguous &= !is_half;
        self.zone();
        let before = *self;
        if self.blanks() {
            // `Fri Oct 30 16:02:17 UTC 2026`, `16:02:17.419 2026 UTC`.
            match self.year().and_then(|year| u16::try_from(year).ok()) {
                Some(year) if date.year.is_none() => {
                    date.year = Some(year);
                    self.zone();
                }
                _ => *self = before,
            }
        }
        Some(Stamp { date: Some(date), micros })
    }

    /// Takes a zone behind a time: `Z`, ` UTC`, `+02:00`, ` CEST` before a year.
    fn zone(&mut self) {
        let before = *self;
        self.blanks();
        let letters = self.rest().bytes().take(6).take_while(u8::is_ascii_uppercase).count();
        let word = self.rest().get(..letters).unwrap_or_default();
        let is_before_year = || {
            let mut next = Cursor { at: self.at + letters, ..*self };
            next.blanks() && next.year().is_some()
        };
        if matches!(word, "Z" | "UTC" | "GMT") || ((3..=4).contains(&letters) && is_before_year()) {
            self.at += letters;
            if !self.peek().is_some_and(char::is_alphanumeric) {
                return;
            }
        } else if self.one_of("+-") && self.number(2..=4).is_some() {
            if self.one_of(":") {
                self.number(2..=2);
            }
            return;
        }
        *self = before;
    }

    fn time_and_date(&mut self) -> Option<Stamp> {
        let (micros, is_half) = self.time()?;
        let before = *self;
        let mut is_apart = false;
        while self.one_of(", \t") {
            is_apart = true;
        }
        let mut date = if is_apart { self.date() } else { None };
        if date.is_none() {
            *self = before;
        }
        // A clock of twelve hours is of the phones' own form, which puts the month first.
        if let Some(date) = &mut date {
            date.is_ambiguous &= !is_half;
        }
        Some(Stamp { date, micros })
    }
}

impl Date {
    /// The day, where a calendar has it.
    fn new(year: Option<u64>, month: usize, day: u64, is_ambiguous: bool, was_day_first: bool) -> Option<Self> {
        let year = year.map(|year| if year < 100 { 2000 + year } else { year }).map(u16::try_from).transpose().ok()?;
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        let is_day = (1..=12).contains(&month) && (1..=31).contains(&day);
        is_day.then_some(Self { year, month, day, is_ambiguous, was_day_first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (String, &str) {
        let (stamp, at) = leading(line).unwrap_or_else(|| panic!("{line}"));
        (stamp.to_string(), line.get(at..).unwrap())
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
        for line in [
            "ITL installed",
            "00:11:21:5a:1a:e3 x",
            "25:00:00 x",
            "13/13/26 10:00 x",
            "admin: 10:00",
            "12:3",
            "16:02Trust",
            "16:02:17:44 x",
        ] {
            assert_eq!(leading(line), None, "{line}");
        }
    }

    #[test]
    fn stamps_behind_the_message() {
        for line in ["Trust List updated\t[6:31:02pm 10/29/26]", "Trust List updated 2026-10-29 18:31:02"] {
            let (stamp, at) = trailing(line).unwrap();
            assert_eq!(
                (stamp.to_string().as_str(), line.get(..at).unwrap().trim()),
                ("2026-10-29 18:31:02", "Trust List updated")
            );
        }
        assert_eq!(trailing("from 14.48.44.202:49152"), None);
    }

    #[test]
    fn day_and_month_may_be_the_other_way_round() {
        let (stamp, _) = leading("05/10/26 16:02:17 ITL").unwrap();
        assert_eq!(
            (stamp.to_string().as_str(), stamp.other_way_round().to_string().as_str()),
            ("2026-05-10 16:02:17", "2026-10-05 16:02:17")
        );
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
