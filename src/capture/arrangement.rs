//! How several sources stand to each other.
//!
//! In: their paths, and by how much their clocks were found to differ. Out: which are read one after the other, what is taken
//! off the times of each, and, when they were read, the [`Clocks`] that order their moments. It refuses to read anything.

use std::path::Path;

use super::rotated::{self, Group};
use super::{Clocks, FrameId, SourceSummary, Timestamp};

/// How far the clock of a source is ahead of another's, as frames show that both recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// Of this source.
    pub source: u16,
    /// Of this one.
    pub base: u16,
    /// Nanoseconds.
    pub ahead: i64,
    /// Nanoseconds by which that may be wrong.
    pub bound: u64,
    /// Packets that both recorded.
    pub packets: usize,
    /// The first of them, in the times of `base`.
    pub from: Timestamp,
    /// The last of them, likewise.
    pub to: Timestamp,
}

/// What is known of several sources before they are read. By default each stands for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrangement {
    groups: Vec<Group>,
    skews: Vec<Skew>,
    stated: Option<u64>,
}

impl Arrangement {
    /// What the paths of the sources say; `None` for a source that has none.
    pub fn of<'p>(paths: impl Iterator<Item = Option<&'p Path>>) -> Self {
        Self { groups: rotated::groups(paths), ..Self::default() }
    }

    /// Somebody says that any two clocks differ by so many nanoseconds at most.
    #[must_use]
    pub const fn stating(mut self, bound: Option<u64>) -> Self {
        self.stated = bound;
        self
    }

    /// The clocks of these sources were compared.
    #[must_use]
    pub fn comparing(mut self, skews: Vec<Skew>) -> Self {
        self.skews = skews;
        self
    }

    /// Whether the names of all `count` sources say that one recorder wrote them: then there is nothing to compare.
    pub fn is_one_recorder(&self, count: usize) -> bool {
        count < 2 || self.sequences().any(|sequence| sequence.len() == count)
    }

    /// Sources that are read one after the other.
    pub(super) fn sequences(&self) -> impl Iterator<Item = &[usize]> {
        self.groups.iter().filter_map(Group::sequence)
    }

    /// The other sources whose names are equal to a source's but for number or date; `None` where there are none.
    pub(super) fn others_of_its_group(&self, index: usize) -> Option<impl Iterator<Item = usize>> {
        let has = |group: &&Group| group.sources().contains(&index);
        let group = self.groups.iter().find(has)?;
        Some(group.sources().iter().copied().filter(move |&other| other != index))
    }

    /// What is added to the times of a source, in nanoseconds, so that they are those of the clock that it was compared with. The
    /// files of what may be one set are moved together.
    pub(super) fn shift(&self, source: u16) -> i64 {
        let of = |source: u16| self.skews.iter().find(|skew| skew.source == source);
        let of_its_group = || {
            let group = self.groups.iter().find(|group| group.has(source))?;
            // What was compared with another file of the group stands still.
            let is_base = |skew: &&Skew| group.has(skew.base);
            self.skews.iter().find(|skew| group.has(skew.source)).filter(|skew| !is_base(skew))
        };
        of(source).or_else(of_its_group).map_or(0, |skew| skew.ahead.saturating_neg())
    }

    /// The rotated sets that the sources turned out to be, when they were read.
    pub fn sets(&self, sources: &[SourceSummary]) -> Vec<Vec<u16>> {
        // No packet is in two files of one recorder.
        let by_two = |group: &&Group| self.skews.iter().any(|skew| group.has(skew.source) && group.has(skew.base));
        self.groups.iter().filter(|group| !by_two(group)).flat_map(|group| group.sets(sources)).collect()
    }

    /// Says of each source what set it is of, and how its clock compares.
    pub(super) fn note_in(&self, sources: &mut [SourceSummary]) {
        for set in self.sets(sources) {
            for &member in &set {
                if let Some(source) = sources.get_mut(usize::from(member)) {
                    source.set = set.first().copied();
                }
            }
        }
        for skew in &self.skews {
            if let Some(source) = sources.get_mut(usize::from(skew.source)) {
                source.skew = Some(*skew);
            }
        }
    }

    /// The clocks of the sources, when they were read.
    pub fn clocks(&self, sources: &[SourceSummary]) -> Clocks {
        let mut clocks = Clocks::default();
        for set in self.sets(sources) {
            clocks.add_set(&set);
        }
        for skew in &self.skews {
            clocks.add_compared(skew);
        }
        if let Some(bound) = self.stated {
            clocks.state_bound(bound);
        }
        for (source, summary) in (0..=u16::MAX).zip(sources) {
            for step in &summary.set_back {
                clocks.add_step(FrameId { source, number: step.frame });
            }
        }
        clocks
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LinkType, Moment};
    use super::*;
    use std::path::PathBuf;

    fn of(names: &[&str]) -> Arrangement {
        let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        Arrangement::of(paths.iter().map(|path| Some(path.as_path())))
    }

    fn skew(source: u16, base: u16, ahead: i64) -> Skew {
        let time = Timestamp::default();
        Skew { source, base, ahead, bound: 50, packets: 9, from: time, to: time }
    }

    fn moment(source: u16, nanos: i64) -> Moment {
        Moment { time: Timestamp::from_nanos(nanos), frame: FrameId { source, number: 1 } }
    }

    #[test]
    fn files_of_a_group_are_moved_together() {
        let arrangement = of(&["other.pcap", "t1.pcap", "t2.pcap"]).comparing(vec![skew(1, 0, 700)]);
        assert_eq!([0, 1, 2].map(|source| arrangement.shift(source)), [0, -700, -700]);
        let among = of(&["t1.pcap", "t2.pcap"]).comparing(vec![skew(1, 0, 700)]);
        assert_eq!([0, 1].map(|source| among.shift(source)), [0, -700], "two recorders of one group");
        assert_eq!(Arrangement::default().shift(5), 0);
    }

    #[test]
    fn one_recorder_by_its_names() {
        assert!(of(&["t.pcap", "t.pcap1"]).is_one_recorder(2));
        assert!(!of(&["t.pcap", "t.pcap1", "other.pcap"]).is_one_recorder(3));
        assert!(!of(&["t1.pcap", "t2.pcap"]).is_one_recorder(2));
        assert!(of(&["t1.pcap"]).is_one_recorder(1));
    }

    #[test]
    fn clocks_of_sets_and_of_what_was_compared() {
        let read = |first: i64, last: i64| SourceSummary {
            first_time: Some(Timestamp::from_nanos(first)),
            last_time: Some(Timestamp::from_nanos(last)),
            link: Some(LinkType(1)),
            ..SourceSummary::default()
        };
        let sources = [read(0, 10), read(10, 20), read(0, 20)];
        let arrangement = of(&["t1.pcap", "t2.pcap", "other.pcap"]).comparing(vec![skew(2, 1, 700)]);
        assert_eq!(arrangement.sets(&sources), [[0, 1]]);
        let clocks = arrangement.clocks(&sources);
        assert_eq!(clocks.clock(0), clocks.clock(1));
        assert!(clocks.is_before(moment(0, 0), moment(2, 60)), "by what the other file of the set showed");
        assert_eq!(clocks.order(moment(0, 0), moment(2, 40)), None);
        let two_recorders = of(&["t1.pcap", "t2.pcap"]).comparing(vec![skew(1, 0, 700)]);
        assert!(two_recorders.sets(&sources).is_empty());
        let stated = of(&["a", "b"]).stating(Some(5)).clocks(&sources);
        assert!(stated.is_before(moment(0, 0), moment(1, 6)));
    }
}
