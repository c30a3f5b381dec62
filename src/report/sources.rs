//! What is to be said of several captures together: which are one, and whether their times can be compared.
//!
//! In: what was read of each, and their clocks. Out: notes. Of one capture nothing is said.

use crate::capture::{Clocks, Skew, SourceSummary};

/// Sources whose numbers a note lists at most.
const MOST_NUMBERS: usize = 8;

/// The notes.
pub fn tell(sources: &[SourceSummary], clocks: &Clocks) -> Vec<String> {
    let mut notes = Vec::new();
    for (first, source) in (0..=u16::MAX).zip(sources) {
        if source.set == Some(first) {
            let of_set = (1..).zip(sources).filter(|(_, member)| member.set == Some(first));
            let numbers: Vec<usize> = of_set.map(|(number, _)| number).collect();
            notes.push(format!(
                "captures {} are the files of one rotated capture: one clock (--separate-captures says otherwise)",
                listed(&numbers)
            ));
        }
        if let Some(Skew { base, ahead, bound, packets, .. }) = source.skew {
            let direction = if ahead < 0 { "behind" } else { "ahead of" };
            let (number, base) = (u32::from(first) + 1, u32::from(base) + 1);
            notes.push(format!(
                "the clock of capture {number} is {} s {direction} that of capture {base}, within {} s: {packets} packets are in \
                 both; times of capture {number} are told by the clock of capture {base}",
                seconds(ahead.unsigned_abs()),
                seconds(bound)
            ));
        }
    }
    let with_frames = || (0..=u16::MAX).zip(sources).filter(|(_, source)| source.frames > 0).map(|(index, _)| index);
    let apart: Vec<usize> = with_frames()
        .filter(|&source| with_frames().next().is_some_and(|first| !clocks.are_comparable(first, source)))
        .map(|source| usize::from(source) + 1)
        .collect();
    if let Some(first) = with_frames().next().filter(|_| !apart.is_empty()) {
        notes.push(format!(
            "nothing shows how the clocks of captures {} and {} compare, so which of their frames came first is not known; \
             --clock-bound SECONDS says by how much they differ at most",
            u32::from(first) + 1,
            listed(&apart)
        ));
    }
    notes
}

fn listed(numbers: &[usize]) -> String {
    let consecutive = numbers.windows(2).all(|pair| matches!(pair, [a, b] if a + 1 == *b));
    match numbers {
        [first, .., last] if consecutive && numbers.len() > 2 => format!("{first} to {last}"),
        [all @ .., last] if !all.is_empty() => {
            let more = all.len().saturating_sub(MOST_NUMBERS);
            let shown: Vec<String> = all.iter().take(MOST_NUMBERS).map(ToString::to_string).collect();
            let more = if more > 0 { format!(", {more} more") } else { String::new() };
            format!("{}{more} and {last}", shown.join(", "))
        }
        [one] => one.to_string(),
        _ => String::new(),
    }
}

/// Nanoseconds as seconds, to the millisecond.
fn seconds(nanos: u64) -> String {
    let millis = nanos.div_ceil(1_000_000);
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    fn source(set: Option<u16>, skew: Option<Skew>) -> SourceSummary {
        SourceSummary { frames: 1, set, skew, ..SourceSummary::default() }
    }

    #[test]
    fn one_capture_needs_no_word() {
        assert!(tell(&[source(None, None)], &Clocks::default()).is_empty());
    }

    #[test]
    fn sets_skews_and_clocks_that_nothing_compares() {
        let time = Timestamp::default();
        let skew =
            Skew { source: 3, base: 0, ahead: -7_200_000_500_000, bound: 12_000_000, packets: 9, from: time, to: time };
        let mut clocks = Clocks::default();
        clocks.add_set(&[0, 1, 2]);
        clocks.add_compared(&skew);
        let set = source(Some(0), None);
        let sources = [set.clone(), set.clone(), set, source(None, Some(skew)), source(None, None)];
        let notes = tell(&sources, &clocks);
        assert!(notes[0].starts_with("captures 1 to 3 are the files of one rotated capture"), "{notes:?}");
        assert!(
            notes[1]
                .starts_with("the clock of capture 4 is 7200.001 s behind that of capture 1, within 0.012 s: 9 pack")
        );
        assert!(notes[2].starts_with("nothing shows how the clocks of captures 1 and 5 compare"), "{notes:?}");
        assert_eq!(notes.len(), 3);
        clocks.state_bound(1);
        assert_eq!(tell(&sources, &clocks).len(), 2);
    }

    #[test]
    fn numbers_in_words() {
        assert_eq!(listed(&[2]), "2");
        assert_eq!(listed(&[2, 3]), "2 and 3");
        assert_eq!(listed(&[2, 3, 4]), "2 to 4");
        assert_eq!(listed(&[2, 5, 9]), "2, 5 and 9");
        let odd: Vec<usize> = (0..20).map(|number| number * 2 + 1).collect();
        assert_eq!(listed(&odd), "1, 3, 5, 7, 9, 11, 13, 15, 11 more and 39");
    }
}
