//! What a phone's screen says of verification, as far as texts tell: the last word.
//!
//! In: what was heard of one phone. Out: [`LastWord`]. A pure function. A success answers for a failure before it only where it
//! is of the same file, or of a later round of files; an update that failed leaves open why, and no older success answers for
//! it. It refuses to order what has no order: where the answer hangs on it, it is open.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::stamp::Stamp;
use super::statement::{Heard, Lists, Object, Says};

/// What the screen says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Screen {
    /// Nothing about verification.
    Silent,
    /// Verified or taken, and nothing to the contrary since.
    Well,
    /// An update failed, why is not said; or the texts contradict each other.
    Open,
    /// Verification failed.
    Failed,
}

/// The last word about verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWord {
    /// What it says.
    pub screen: Screen,
    /// Where and in which words, and why it counts; empty where nothing is said.
    pub why: String,
    /// The time beside it, where one is printed.
    pub stamp: Option<Stamp>,
    /// The text, the line and the words, where one line says it.
    pub place: Option<(Arc<str>, usize, String)>,
}

const SILENT: LastWord = LastWord { screen: Screen::Silent, why: String::new(), stamp: None, place: None };

/// A phone asks for its files within minutes; what is verified later than this is of another round.
const ROUND_MICROS: u64 = 5 * 60 * 1_000_000;
const DAY_MICROS: u64 = 24 * 3600 * 1_000_000;

/// The last word of what was heard of one phone, in the order in which it was read.
pub fn last_word(heard: &[&Heard]) -> LastWord {
    let mut texts: BTreeMap<&str, Vec<&Heard>> = BTreeMap::new();
    for heard in heard {
        texts.entry(&heard.path).or_default().push(heard);
    }
    let texts: Vec<Vec<At<'_>>> = texts.into_values().map(|text| timed(&text)).collect();
    if texts.len() > 1 && texts.iter().flatten().all(|at| at.days(false).is_some() && at.has_year()) {
        return of_orders(&orders(texts.concat()));
    }
    let mut words = texts.into_iter().map(|text| of_orders(&orders(text))).filter(|word| word.screen != Screen::Silent);
    let Some(first) = words.next() else { return SILENT };
    words.fold(first, |one, other| {
        if one.screen == other.screen {
            return other;
        }
        let why = format!("texts without comparable dates contradict each other: {}; {}", one.why, other.why);
        LastWord { screen: Screen::Open, why, stamp: None, place: None }
    })
}

/// Something heard, with its time.
#[derive(Clone, Copy)]
struct At<'a> {
    heard: &'a Heard,
    stamp: Option<Stamp>,
}

impl At<'_> {
    /// A number that grows with the date, with months and days the other way round if asked.
    fn days(&self, turned: bool) -> Option<u64> {
        let stamp = self.stamp?;
        let date = if turned { stamp.other_way_round() } else { stamp }.date?;
        Some((u64::from(date.year.unwrap_or_default()) * 12 + u64::from(date.month)) * 32 + u64::from(date.day))
    }

    fn has_year(&self) -> bool {
        self.stamp.and_then(|stamp| stamp.date).is_some_and(|date| date.year.is_some())
    }
}

/// Gives what has no time that of the line before it in the same text.
fn timed<'a>(text: &[&'a Heard]) -> Vec<At<'a>> {
    let mut last = None;
    let timed = text.iter().map(|heard| {
        last = heard.statement.stamp.or(last);
        At { heard, stamp: last }
    });
    timed.collect()
}

/// The orders in which a text may have been written; one where that is sure.
fn orders(text: Vec<At<'_>>) -> Vec<Vec<At<'_>>> {
    let years = text.iter().filter(|at| at.has_year()).count();
    let is_dated = text.iter().all(|at| at.days(false).is_some()) && (years == 0 || years == text.len());
    if is_dated {
        let is_ambiguous =
            text.iter().any(|at| at.stamp.and_then(|stamp| stamp.date).is_some_and(|date| date.is_ambiguous));
        let ways: &[bool] = if is_ambiguous && !day_first_or_month_first(&text) { &[false, true] } else { &[false] };
        let turned = is_ambiguous && day_first(&text);
        return ways.iter().map(|&way| by_date(text.clone(), way != turned)).collect();
    }
    if runs_backwards(&text) {
        let reversed = text.iter().rev().copied().collect();
        return vec![text, reversed];
    }
    vec![text]
}

/// Whether the text itself tells which of two numbers is the day: one above twelve, or a clock of twelve hours with slashes.
fn day_first_or_month_first(text: &[At<'_>]) -> bool {
    day_first(text) || text.iter().filter_map(|at| at.stamp?.date).any(|date| date.day > 12)
}

/// Whether one of the days of the text can only be read with the day first.
fn day_first(text: &[At<'_>]) -> bool {
    text.iter().filter_map(|at| at.stamp?.date).any(|date| date.was_day_first)
}

fn by_date(mut text: Vec<At<'_>>, turned: bool) -> Vec<At<'_>> {
    let months = text.iter().filter_map(|at| at.days(turned)).map(|days| days / 32);
    let (least, most) = months.fold((u64::MAX, 0), |(least, most), month| (least.min(month), most.max(month)));
    let has_year = text.iter().all(At::has_year);
    // Without a year, January comes after December where both are there.
    let wraps = !has_year && most.saturating_sub(least) > 6;
    text.sort_by_key(|at| {
        let days = at.days(turned).unwrap_or_default();
        let days = if wraps && days / 32 <= 6 { days + 12 * 32 } else { days };
        (days, at.stamp.map(|stamp| stamp.micros))
    });
    text
}

/// Whether times without dates only ever step back: then the newest may stand first. A step over midnight goes forward.
fn runs_backwards(text: &[At<'_>]) -> bool {
    let times: Vec<u64> = text.iter().filter_map(|at| at.heard.statement.stamp.map(|stamp| stamp.micros)).collect();
    let steps =
        times.iter().zip(times.iter().skip(1)).map(|(before, after)| (after + DAY_MICROS - before) % DAY_MICROS);
    let steps: Vec<u64> = steps.filter(|&step| step > 0).collect();
    !steps.is_empty() && steps.iter().all(|&step| step > DAY_MICROS / 2)
}

fn of_orders(orders: &[Vec<At<'_>>]) -> LastWord {
    let mut words = orders.iter().map(|order| of_sequence(order));
    let Some(first) = words.next() else { return SILENT };
    words.fold(first, |one, other| {
        if one.screen == other.screen {
            return one;
        }
        let why = format!(
            "in which order the lines were written is not sure, and the last word hangs on it: {}; {}",
            one.why, other.why
        );
        LastWord { screen: Screen::Open, why, stamp: None, place: None }
    })
}

/// A failure, or an update that failed, for which nothing answers yet.
struct Pending<'a> {
    object: Object,
    screen: Screen,
    at: At<'a>,
    /// Whether the phone began to ask for its lists again since.
    is_of_earlier_round: bool,
}

/// The last word of statements in order.
fn of_sequence(sequence: &[At<'_>]) -> LastWord {
    let mut pending: Vec<Pending<'_>> = Vec::new();
    let mut well: Option<At<'_>> = None;
    for &at in sequence {
        match &at.heard.statement.says {
            Says::Requests { file, .. } => {
                if matches!(Object::of_file(file), Object::List(_)) {
                    for pending in &mut pending {
                        pending.is_of_earlier_round = true;
                    }
                }
            }
            Says::VerificationFailed(Object::Other) | Says::Verified(Object::Other) => {}
            Says::VerificationFailed(object) => {
                let screen = if *object == Object::AnyFile { Screen::Open } else { Screen::Failed };
                pending.push(Pending { object: *object, screen, at, is_of_earlier_round: false });
                well = None;
            }
            Says::UpdateFailed(lists) => {
                let object = Object::List(*lists);
                pending.push(Pending { object, screen: Screen::Open, at, is_of_earlier_round: false });
                well = None;
            }
            Says::Verified(object) => succeed(*object, at, &mut pending, &mut well),
            Says::Taken(lists) => succeed(Object::List(*lists), at, &mut pending, &mut well),
            // Without a list the next one is taken as it comes: what was before says nothing of it.
            Says::NotInstalled(lists) | Says::Erased(lists) if lists.may_be_itl() => {
                pending.clear();
                well = None;
            }
            _ => {}
        }
        // What failed a hundred times is no more than what failed last.
        if pending.len() > 64 {
            pending.remove(0);
        }
    }
    // The last of the gravest.
    let worst = pending.iter().max_by_key(|pending| pending.screen);
    match (worst, well) {
        (Some(pending), _) => word(pending.screen, pending.at),
        (None, Some(at)) => word(Screen::Well, at),
        (None, None) => SILENT,
    }
}

fn succeed<'a>(object: Object, at: At<'a>, pending: &mut Vec<Pending<'a>>, well: &mut Option<At<'a>>) {
    pending.retain(|pending| {
        let is_later = pending.is_of_earlier_round || is_later_round(pending.at, at);
        !answers_for(object, pending.object, is_later)
    });
    *well = Some(at);
}

/// Whether a success with one thing answers for a failure of another.
fn answers_for(success: Object, failure: Object, is_later: bool) -> bool {
    match (success, failure) {
        (Object::List(taken), Object::List(failed)) => taken.covers(failed),
        (Object::List(taken), Object::Unnamed | Object::AnyFile) => taken.covers(Lists::Itl),
        (Object::Configuration, Object::Configuration) | (Object::Unnamed, Object::Unnamed | Object::AnyFile) => true,
        // Another file: only in a later round, where the phone would have failed again.
        (Object::List(_) | Object::Configuration | Object::Unnamed, _) => is_later,
        (Object::Other | Object::AnyFile, _) => false,
    }
}

fn is_later_round(before: At<'_>, after: At<'_>) -> bool {
    let (Some(one), Some(two)) = (before.stamp, after.stamp) else { return false };
    match (before.days(false), after.days(false)) {
        (Some(one_day), Some(two_day)) if one_day != two_day => {
            two_day > one_day + 1 || two.micros + DAY_MICROS > one.micros + ROUND_MICROS
        }
        _ => (two.micros + DAY_MICROS - one.micros) % DAY_MICROS > ROUND_MICROS,
    }
}

fn word(screen: Screen, at: At<'_>) -> LastWord {
    let Heard { path, statement } = at.heard;
    let place = (Arc::clone(path), statement.line, statement.quote.clone());
    LastWord { screen, why: at.heard.to_string(), stamp: at.stamp, place: Some(place) }
}

#[cfg(test)]
mod tests {
    use super::super::{Whose, read};
    use super::*;

    fn heard(text: &str) -> Vec<Heard> {
        heard_in("a.txt", text)
    }

    fn heard_in(path: &str, text: &str) -> Vec<Heard> {
        let (readings, _) = read(path, text.as_bytes(), &Whose::Unnamed);
        let statements = readings.into_iter().flat_map(|reading| reading.statements);
        statements.map(|statement| Heard { path: path.into(), statement }).collect()
    }

    fn screen(text: &str) -> Screen {
        let heard = heard(text);
        last_word(&heard.iter().collect::<Vec<_>>()).screen
    }

    const FAILED: &str = "Trust List Verification Failed";

    #[test]
    fn last_word_counts() {
        for (text, expected) in [
            ("", Screen::Silent),
            ("ITL installed\nTrust List Verification Failed", Screen::Failed),
            ("Trust List Verification Failed\nTrust List updated", Screen::Well),
            ("Trust List Verification Failed\nCTL installed", Screen::Failed),
            ("ITL verification failed\nITL installed", Screen::Well),
            ("8:00:12a CTL and ITL installed\n9:04:31a Trust List Update Failed", Screen::Open),
            ("Trust List Update Failed\nTrust List Verification Failed\nTFTP timeout", Screen::Failed),
            ("Trust List Verification Failed\nTrust List Update Failed", Screen::Failed),
            ("Trust List update failed, verification failure", Screen::Failed),
            ("ITL installed\nNo ITL installed", Screen::Silent),
            ("Trust List Verification Failed\nNo CTL installed", Screen::Failed),
            ("Trust List Verification Failed\nErasing CTL and ITL files", Screen::Silent),
            ("ITL installed\nFile auth error", Screen::Open),
            ("ITL installed\nFile auth error : term88.default.loads", Screen::Well),
            ("ITL installed\nFile auth error : SEP0011215A1AE3.cnf.xml.sgn", Screen::Failed),
        ] {
            assert_eq!(screen(text), expected, "{text}");
        }
    }

    #[test]
    fn success_of_another_file_answers_in_a_later_round_only() {
        let text = |second: &str| {
            format!(
                "1: ERR 05:01:11.2 SECD: EROR:verifyFile: verify FAIL </usr/tmp/ITLFile.tlv>\n\
                 2: NOT {second} SECD: verifyFile: verify SUCCESS </usr/ram/SEP0011215A1AE3.cnf.xml>\n"
            )
        };
        assert_eq!(screen(&text("05:01:14.1")), Screen::Failed);
        assert_eq!(screen(&text("05:30:03.1")), Screen::Well);
    }

    #[test]
    fn dates_decide_in_any_order() {
        for (text, expected) in [
            ("[4:05:02pm 10/30/26] Trust List Verification Failed\n[7:41:05am 03/14/22] ITL installed", Screen::Failed),
            ("[4:05:02pm 10/30/26] ITL installed\n[7:41:05am 03/14/22] Trust List Verification Failed", Screen::Well),
            ("30/10/26 16:02:17 ITL installed\n02/11/26 16:41:59 Trust List Verification Failed", Screen::Failed),
            ("02/11/26 16:41:59 Trust List Verification Failed\n30/10/26 16:02:17 ITL installed", Screen::Failed),
            ("11:58:40p Trust List Verification Failed\n12:03:15a Trust List updated", Screen::Well),
            ("Dec 31 23:59:00 ITL installed\nJan 1 00:10:00 Trust List Verification Failed", Screen::Failed),
        ] {
            assert_eq!(screen(text), expected, "{text}");
        }
    }

    #[test]
    fn order_that_is_not_sure_leaves_it_open() {
        assert_eq!(screen("9:04:00a Trust List Verification Failed\n8:00:00a Trust List updated"), Screen::Open);
        assert_eq!(
            screen("05/10/26 16:02:17 Trust List updated\n03/11/26 16:02:17 Trust List Verification Failed"),
            Screen::Open
        );
    }

    #[test]
    fn texts_are_compared_by_their_dates() {
        let old = heard_in("old.txt", "[7:41:05am 03/14/22] ITL installed");
        let new = heard_in("a.txt", "[4:05:02pm 10/30/26] Trust List Verification Failed");
        let undated = heard_in("b.txt", FAILED);
        let word = |texts: &[&[Heard]]| last_word(&texts.iter().copied().flatten().collect::<Vec<_>>()).screen;
        assert_eq!(word(&[&new, &old]), Screen::Failed);
        assert_eq!(word(&[&old, &undated]), Screen::Open);
        assert_eq!(word(&[&new, &undated]), Screen::Failed);
    }

    #[test]
    fn word_names_its_place() {
        let heard = heard("x\nITL installed\n");
        assert_eq!(last_word(&heard.iter().collect::<Vec<_>>()).why, "a.txt, line 2: ITL installed");
    }

    proptest::proptest! {
        /// Whatever is lost behind a failure, the rest never turns into a success.
        #[test]
        fn cut_log_is_no_success(head in "(ITL installed\n|TFTP timeout\n|x\n){0,4}", cut in 0_usize..40) {
            let text = format!("{head}Trust List Verification Failed\nTrust List Update Failed\nx");
            let start = head.len() + FAILED.len();
            let end = (start + cut).min(text.len());
            proptest::prop_assert_eq!(screen(text.get(..end).unwrap()), Screen::Failed);
        }

        /// Of undated lines a failure for which no success of the same kind is there stays, in any order.
        #[test]
        fn failure_stays_in_any_order(mut lines in proptest::sample::subsequence(vec!["TFTP timeout", "CTL installed", "x", "No CTL installed", "SEP0011215A1AE3.cnf.xml.sgn(HTTP)"], 0..5), at in 0_usize..6) {
            lines.insert(at.min(lines.len()), FAILED);
            proptest::prop_assert_eq!(screen(&lines.join("\n")), Screen::Failed);
        }
    }
}
