//! Which moments can be ordered.
//!
//! In: which sources were recorded by one clock, how far two clocks may differ, where a clock was set back. Out: which of two
//! [`Moment`]s came first, and whether much time lay between them, or that nobody can tell. It refuses to know what happened
//! at a moment. It is the only place that compares moments of different sources.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::{FrameId, Moment, Skew, Timestamp};

/// Frames at which a clock was set back that are remembered. Where there are more, no length of time is believed any longer.
const MOST_STEPS: usize = 256;

/// Nanoseconds in which two clocks may drift apart by one: 100 in a million, twice what cheap quartz does.
const DRIFT: u64 = 10_000;

/// The clocks of the sources. By default each source has a clock of its own, and nothing is known about how they differ.
///
/// Times of different clocks are those that the sources were merged by: where the difference of two clocks was measured, it is
/// taken off already, and only what the measurement leaves open is kept here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clocks {
    /// All sources were recorded by one machine.
    one: bool,
    /// Sources that follow each other in one capture.
    places: BTreeMap<u16, Place>,
    /// By clock: how it was compared with another.
    compared: BTreeMap<u16, Compared>,
    /// By how many nanoseconds any two clocks differ at most, as somebody who knows them said.
    stated: Option<u64>,
    /// Before these the clock of their source was set back.
    steps: BTreeSet<FrameId>,
}

/// Where a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    clock: u16,
    /// In a rotated set: which of its files this is.
    position: Option<usize>,
}

/// How a clock was compared with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Compared {
    base: u16,
    /// By how many nanoseconds it may still differ from it, between these times.
    bound: u64,
    from: Timestamp,
    to: Timestamp,
}

impl Compared {
    /// By how many nanoseconds it may differ at this time. Before and after it was compared, it may have drifted.
    fn bound_at(&self, time: Timestamp) -> u64 {
        let away = time.nanos_since(self.to).max(self.from.nanos_since(time));
        self.bound.saturating_add(away / DRIFT)
    }
}

impl Clocks {
    /// One clock for all sources: interfaces of one machine.
    pub fn one() -> Self {
        Self { one: true, ..Self::default() }
    }

    /// The files of a rotated set, in their order: one capture, one clock.
    pub fn add_set(&mut self, sources: &[u16]) {
        let Some(&clock) = sources.first() else { return };
        let places = sources.iter().enumerate();
        self.places.extend(places.map(|(position, &source)| (source, Place { clock, position: Some(position) })));
    }

    /// The clock of a source was compared with another's, and its times were moved by what was found.
    pub fn add_compared(&mut self, skew: &Skew) {
        let (clock, base) = (self.clock(skew.source), self.clock(skew.base));
        let &Skew { bound, from, to, .. } = skew;
        if clock != base {
            let known = self.compared.entry(clock).or_insert(Compared { base, bound, from, to });
            if bound < known.bound {
                *known = Compared { base, bound, from, to };
            }
        }
    }

    /// Any two clocks differ by `bound` nanoseconds at most, where nothing better is known.
    pub const fn state_bound(&mut self, bound: u64) {
        self.stated = Some(bound);
    }

    /// The clock of the frame's source was set back before this frame.
    pub fn add_step(&mut self, frame: FrameId) {
        if self.steps.len() < MOST_STEPS {
            self.steps.insert(frame);
        } else {
            // From the first one on, nothing is known of how long anything took.
            self.steps.insert(FrameId { number: u64::MAX, ..frame });
        }
    }

    /// The clock of a source; sources of one clock have the same.
    pub fn clock(&self, source: u16) -> u16 {
        self.place(source).clock
    }

    /// Whether moments of two sources can be ordered at all, if enough time lies between them.
    pub fn are_comparable(&self, a: u16, b: u16) -> bool {
        let [a, b] = [a, b].map(|source| {
            let clock = self.clock(source);
            self.compared.get(&clock).map_or(clock, |compared| compared.base)
        });
        a == b || self.stated.is_some()
    }

    /// Which of two moments was first; `None` where nobody can tell. In one capture frames order them, also where its clock was
    /// set back.
    ///
    /// This is no total order: two moments of one capture, and a third of another, may come in a circle where a clock was set
    /// back. Compare with it, never sort by it.
    pub fn order(&self, a: Moment, b: Moment) -> Option<Ordering> {
        let [of_a, of_b] = [a, b].map(|moment| self.place(moment.frame.source));
        if a.frame.source == b.frame.source {
            return Some(a.frame.number.cmp(&b.frame.number));
        }
        if of_a.clock == of_b.clock {
            return Some(match (of_a.position, of_b.position) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => (a.time, a.frame).cmp(&(b.time, b.frame)),
            });
        }
        let bound = self.bound(a, b)?;
        if b.time.nanos_since(a.time) > bound {
            Some(Ordering::Less)
        } else if a.time.nanos_since(b.time) > bound {
            Some(Ordering::Greater)
        } else {
            None
        }
    }

    /// Whether `a` was certainly before `b`.
    pub fn is_before(&self, a: Moment, b: Moment) -> bool {
        self.order(a, b) == Some(Ordering::Less)
    }

    /// Whether `a` was before `b` by more than `nanos` nanoseconds; `None` where nobody can tell: no difference of the clocks is
    /// known, what is known of it leaves both open, or a clock was set back in between.
    pub fn is_before_by(&self, a: Moment, b: Moment, nanos: u64) -> Option<bool> {
        let order = self.order(a, b);
        if matches!(order, Some(Ordering::Greater | Ordering::Equal)) {
            return Some(false);
        }
        let between = b.time.nanos_since(a.time);
        let [clock_a, clock_b] = [a, b].map(|moment| self.clock(moment.frame.source));
        if clock_a == clock_b {
            return (!self.was_set_back(a.frame, b.frame)).then_some(between > nanos);
        }
        let bound = self.bound(a, b)?;
        if between.saturating_sub(bound) > nanos {
            Some(true)
        } else if between.saturating_add(bound) <= nanos {
            Some(false)
        } else {
            None
        }
    }

    /// By how many nanoseconds the clocks of two moments differ at most.
    fn bound(&self, a: Moment, b: Moment) -> Option<u64> {
        let [(base_a, of_a), (base_b, of_b)] = [a, b].map(|moment| {
            let clock = self.clock(moment.frame.source);
            let compared = self.compared.get(&clock);
            compared.map_or((clock, 0), |compared| (compared.base, compared.bound_at(moment.time)))
        });
        if base_a == base_b { Some(of_a.saturating_add(of_b)) } else { self.stated }
    }

    fn place(&self, source: u16) -> Place {
        let clock = if self.one { 0 } else { source };
        self.places.get(&source).copied().unwrap_or(Place { clock, position: None })
    }

    /// Whether the clock was set back behind `a`, up to `b`, which are of one clock.
    fn was_set_back(&self, a: FrameId, b: FrameId) -> bool {
        let key = |frame: FrameId| (self.place(frame.source).position, frame.source, frame.number);
        let clock = self.clock(a.source);
        self.steps.iter().any(|&step| {
            let between = key(a) < key(step) && key(step) <= key(b);
            self.clock(step.source) == clock && (between || step.number == u64::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Timestamp;
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn moment(source: u16, number: u64, seconds: i64) -> Moment {
        Moment { time: Timestamp::from_nanos(seconds * SECOND), frame: FrameId { source, number } }
    }

    fn skew(source: u16, bound: u64) -> Skew {
        let (from, to) = (moment(0, 1, 0).time, moment(0, 1, 1000).time);
        Skew { source, base: 0, ahead: 0, bound, packets: 9, from, to }
    }

    fn nanos(seconds: u64) -> u64 {
        seconds * 1_000_000_000
    }

    #[test]
    fn one_source_is_ordered_by_its_frames() {
        for clocks in [Clocks::default(), Clocks::one()] {
            let (first, second) = (moment(0, 1, 100), moment(0, 2, 50));
            assert_eq!(clocks.order(first, second), Some(Ordering::Less), "the clock was set back");
            assert_eq!(clocks.order(second, first), Some(Ordering::Greater));
            assert_eq!(clocks.order(first, first), Some(Ordering::Equal));
            assert!(clocks.is_before(first, second) && !clocks.is_before(second, first));
        }
    }

    #[test]
    fn two_clocks_are_not_ordered() {
        let clocks = Clocks::default();
        let (first, second) = (moment(0, 1, 100), moment(1, 1, 100_000));
        assert_eq!(clocks.order(first, second), None);
        assert!(!clocks.are_comparable(0, 1) && clocks.are_comparable(0, 0));
        assert_eq!(clocks.is_before_by(first, second, 5), None);
        assert_ne!(clocks.clock(0), clocks.clock(1));
    }

    #[test]
    fn interfaces_of_one_machine_are_ordered_by_time() {
        let clocks = Clocks::one();
        let (first, second) = (moment(1, 9, 100), moment(0, 1, 101));
        assert_eq!(clocks.order(first, second), Some(Ordering::Less));
        assert_eq!(clocks.order(moment(0, 7, 100), first), Some(Ordering::Less), "at the same time by source");
        assert_eq!(clocks.is_before_by(first, second, nanos(1)), Some(false));
        assert_eq!(clocks.is_before_by(first, second, nanos(1) - 1), Some(true));
        assert_eq!(clocks.clock(0), clocks.clock(1));
    }

    #[test]
    fn a_rotated_set_is_ordered_by_its_files() {
        let mut clocks = Clocks::default();
        clocks.add_set(&[2, 0]);
        let (first, second) = (moment(2, 9, 100), moment(0, 1, 40));
        assert_eq!(clocks.order(first, second), Some(Ordering::Less), "also where the clock was set back");
        assert_eq!(clocks.order(moment(2, 1, 1), moment(1, 1, 50)), None, "another clock");
        assert_eq!((clocks.clock(0), clocks.clock(2), clocks.clock(1)), (2, 2, 1));
    }

    #[test]
    fn what_is_left_between_two_clocks_is_left_open() {
        let mut compared = Clocks::default();
        compared.add_compared(&skew(1, nanos(2)));
        compared.add_compared(&skew(2, nanos(1)));
        let mut stated = Clocks::default();
        stated.state_bound(nanos(2));
        let first = moment(0, 1, 100);
        for clocks in [&compared, &stated] {
            assert_eq!(clocks.order(first, moment(1, 1, 103)), Some(Ordering::Less));
            assert_eq!(clocks.order(first, moment(1, 1, 97)), Some(Ordering::Greater));
            assert_eq!(clocks.order(first, moment(1, 1, 102)), None);
            assert_eq!(clocks.is_before_by(first, moment(1, 1, 110), nanos(7)), Some(true));
            assert_eq!(clocks.is_before_by(first, moment(1, 1, 110), nanos(12)), Some(false));
            assert_eq!(clocks.is_before_by(first, moment(1, 1, 110), nanos(9)), None);
            assert_eq!(clocks.is_before_by(first, moment(1, 1, 90), 0), Some(false));
        }
        assert_eq!(compared.order(moment(1, 1, 100), moment(2, 1, 103)), None, "both bounds count");
        assert_eq!(compared.order(moment(1, 1, 100), moment(2, 1, 104)), Some(Ordering::Less));
        assert_eq!(compared.order(first, moment(3, 1, 900)), None, "never compared");
    }

    #[test]
    fn clocks_drift_away_from_where_they_were_compared() {
        let mut clocks = Clocks::default();
        clocks.add_compared(&skew(1, 0));
        assert_eq!(clocks.order(moment(0, 1, 100), moment(1, 1, 101)), Some(Ordering::Less));
        assert_eq!(clocks.order(moment(0, 1, 100_000), moment(1, 1, 100_001)), None, "a day later");
        assert_eq!(clocks.order(moment(0, 1, 100_000), moment(1, 1, 100_020)), Some(Ordering::Less));
    }

    #[test]
    fn no_length_of_time_where_a_clock_was_set_back() {
        let mut clocks = Clocks::default();
        clocks.add_step(FrameId { source: 0, number: 5 });
        let (before, at, after) = (moment(0, 4, 100), moment(0, 5, 50), moment(0, 9, 400));
        assert_eq!(clocks.is_before_by(before, after, 1), None);
        assert_eq!(clocks.is_before_by(at, after, 1), Some(true));
        assert_eq!(clocks.order(before, after), Some(Ordering::Less));
        assert_eq!(clocks.is_before_by(moment(1, 1, 0), moment(1, 9, 9), 1), Some(true), "another source");
        let mut rotated = Clocks::default();
        rotated.add_set(&[1, 0]);
        rotated.add_step(FrameId { source: 0, number: 1 });
        assert_eq!(rotated.is_before_by(moment(1, 9, 1), moment(0, 2, 9), 1), None);
    }

    #[test]
    fn steps_without_end_are_bounded() {
        let mut clocks = Clocks::default();
        for number in 0..10_000 {
            clocks.add_step(FrameId { source: 0, number: number * 2 });
        }
        assert!(clocks.steps.len() <= MOST_STEPS + 1);
        assert_eq!(clocks.is_before_by(moment(0, 19_001, 1), moment(0, 19_002, 9), 1), None);
    }
}
