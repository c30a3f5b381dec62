//! Rotated sets: files that one recorder wrote one after the other.
//!
//! In: the paths of the sources, and afterwards what was read of each. Out: which of them are one capture, and in which order.
//! The name says which files may belong together; whether they do is decided by their times and link types. It refuses to look
//! into files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{SourceSummary, Timestamp};

/// Files follow each other where no more time than this lies between the last frame of one and the first of the next. Voice and
/// keepalives leave no such gaps, and whoever records twice in ten minutes hardly moves to another machine.
const LONGEST_GAP: u64 = 600_000_000_000;
/// Frames near the end of a file may be written behind those of the next: processors deliver them out of order.
const LARGEST_OVERLAP: u64 = 100_000_000;
/// Sources are called alike by their ending, too.
const COMPRESSIONS: [&str; 7] = [".gz", ".zst", ".xz", ".bz2", ".lz4", ".zstd", ".Z"];

/// Sources whose names are equal but for number or date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// By number and date.
    sources: Vec<usize>,
    /// Whether the names say which file was written first, and that one recorder wrote all.
    is_certain: bool,
}

/// Which sources may be files of a rotated set.
pub(super) fn groups<'p>(paths: impl Iterator<Item = Option<&'p Path>>) -> Vec<Group> {
    let mut named: BTreeMap<(PathBuf, OsString), Vec<(Numbers, usize)>> = BTreeMap::new();
    for (index, path) in paths.enumerate() {
        let Some(path) = path else { continue };
        let Some((stem, numbers)) = path.file_name().and_then(|name| split(name.to_str()?)) else { continue };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        named.entry((folder, stem.into())).or_default().push((numbers, index));
    }
    let several = named.into_values().filter(|files| files.len() > 1);
    several.filter_map(Group::new).collect()
}

/// What counts the files of a set, in the order in which it stands in their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Numbers(Vec<u64>);

impl Numbers {
    /// `00012_20260828103000`: how dumpcap, and with it Wireshark, numbers the files of a set. The number only grows.
    fn are_of_dumpcap(&self) -> bool {
        matches!(self.0.as_slice(), [_, 19_700_101_000_000..=22_621_231_235_959])
    }
}

impl Group {
    /// `None` where the names do not count alike, or two count the same.
    fn new(mut files: Vec<(Numbers, usize)>) -> Option<Self> {
        files.sort();
        let distinct = files.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if a != b));
        // tcpdump -C leaves the first of its files without a number, and does not come back to it.
        let first_is_bare = files.first().is_some_and(|(numbers, _)| numbers.0.is_empty());
        let counted = files.get(usize::from(first_is_bare)..)?;
        let length = counted.first()?.0.0.len();
        let alike = counted.iter().all(|(numbers, _)| numbers.0.len() == length);
        let of_dumpcap = files.iter().all(|(numbers, _)| numbers.are_of_dumpcap());
        (distinct && alike).then(|| Self {
            sources: files.iter().map(|&(_, index)| index).collect(),
            is_certain: of_dumpcap || (first_is_bare && length == 1),
        })
    }

    /// Which they are.
    pub(super) fn sources(&self) -> &[usize] {
        &self.sources
    }

    /// Whether the source is one of the group.
    pub(super) fn has(&self, source: u16) -> bool {
        self.sources.contains(&usize::from(source))
    }

    /// The sources in the order in which they were written, where the names say it.
    pub(super) fn sequence(&self) -> Option<&[usize]> {
        self.is_certain.then_some(&self.sources)
    }

    /// The sets that the group turned out to be, each in its order: files of one link type whose times adjoin. Where two files
    /// overlap, two recorders wrote them, and nothing is one set.
    pub(super) fn sets(&self, summaries: &[SourceSummary]) -> Vec<Vec<u16>> {
        let read = |&index: &usize| {
            let summary = summaries.get(index)?;
            let source = u16::try_from(index).ok()?;
            Some(File { source, link: summary.link?.0, first: summary.first_time?, last: summary.last_time? })
        };
        let mut files: Vec<File> = self.sources.iter().filter_map(read).collect();
        let one_link = files.windows(2).all(|pair| matches!(pair, [a, b] if a.link == b.link));
        if !one_link {
            return Vec::new();
        }
        if !self.is_certain {
            files.sort_by_key(|file| (file.first, file.source));
            if files.windows(2).any(|pair| matches!(pair, [a, b] if a.last.nanos_since(b.first) > LARGEST_OVERLAP)) {
                return Vec::new();
            }
        }
        let adjoin = |a: &File, b: &File| self.is_certain || b.first.nanos_since(a.last) <= LONGEST_GAP;
        let chains = files.chunk_by(adjoin).filter(|chain| chain.len() > 1);
        chains.map(|chain| chain.iter().map(|file| file.source).collect()).collect()
    }
}

/// What was read of a file.
struct File {
    source: u16,
    link: u32,
    first: Timestamp,
    last: Timestamp,
}

/// A file name without what counts it, and what does: the digits at its end, before the ending or (tcpdump) behind it.
fn split(name: &str) -> Option<(String, Numbers)> {
    let name = COMPRESSIONS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    let is_separator = |c: char| matches!(c, '-' | '_' | '.' | ':' | ' ');
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let counts_behind = bare.ends_with(|c: char| c.is_ascii_alphabetic()) && bare.contains('.');
    if counts_behind && bare.len() < name.len() {
        return Some((bare.to_owned(), numbers(name.strip_prefix(bare)?)?));
    }
    let (body, ending) = match name.rsplit_once('.') {
        Some((body, ending)) if ending.starts_with(|c: char| c.is_ascii_alphabetic()) => (body, ending),
        _ => (name, ""),
    };
    let stem = body.trim_end_matches(|c: char| c.is_ascii_digit() || is_separator(c));
    let counting = body.strip_prefix(stem)?;
    // An address at the end says who recorded, not when.
    let is_address = counting.trim_matches(is_separator).parse::<std::net::Ipv4Addr>().is_ok();
    if is_address || !counting.contains(|c: char| c.is_ascii_digit()) {
        return Some((name.to_owned(), Numbers::default()));
    }
    Some((format!("{stem}\0.{ending}"), numbers(counting)?))
}

fn numbers(text: &str) -> Option<Numbers> {
    let runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    runs.map(|run| run.parse().ok()).collect::<Option<_>>().map(Numbers)
}

#[cfg(test)]
mod tests {
    use super::super::LinkType;
    use super::*;

    fn of(names: &[&str]) -> Vec<(Vec<usize>, bool)> {
        let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        let groups = groups(paths.iter().map(|path| Some(path.as_path())));
        groups.into_iter().map(|group| (group.sources, group.is_certain)).collect()
    }

    #[test]
    fn names_equal_but_for_number_or_date() {
        let dumpcap = ["t_00002_20260828113000.pcapng", "t_00001_20260828103000.pcapng.gz"];
        assert_eq!(of(&dumpcap), [(vec![1, 0], true)]);
        assert_eq!(of(&["trace.pcap", "trace.pcap10", "trace.pcap2"]), [(vec![0, 2, 1], true)], "tcpdump -C");
        assert_eq!(of(&["trace.pcap1", "trace.pcap0"]), [(vec![1, 0], false)], "tcpdump -W comes back to the first");
        assert_eq!(of(&["t-2026-08-28_10-30.pcap", "t-2026-08-28_09-30.pcap"]), [(vec![1, 0], false)]);
        assert_eq!(of(&["2.pcap", "1.pcap", "10.pcap"]), [(vec![1, 0, 2], false)]);
    }

    #[test]
    fn names_that_differ_otherwise() {
        assert!(of(&["before.pcap", "after.pcap"]).is_empty());
        assert!(of(&["a/t1.pcap", "b/t2.pcap"]).is_empty(), "another folder");
        assert!(of(&["t1.pcap", "t2.pcapng"]).is_empty(), "another ending");
        assert!(of(&["t1.pcap", "t1.pcap"]).is_empty(), "the same twice");
        assert!(of(&["t1.pcap", "t1-2.pcap"]).is_empty(), "they count in different ways");
        assert!(of(&["sw10.1.1.5.pcap", "sw10.1.1.6.pcap"]).is_empty(), "addresses");
        assert!(of(&["99999999999999999999999.pcap", "1.pcap"]).is_empty(), "no number");
    }

    fn summary(first: i64, last: i64, link: u32) -> SourceSummary {
        let time = |seconds: i64| Some(Timestamp::from_nanos(seconds * 1_000_000_000));
        let link = Some(LinkType(link));
        SourceSummary { first_time: time(first), last_time: time(last), link, ..SourceSummary::default() }
    }

    fn sets(names: &[&str], read: &[SourceSummary]) -> Vec<Vec<u16>> {
        let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        let groups = groups(paths.iter().map(|path| Some(path.as_path())));
        groups.iter().flat_map(|group| group.sets(read)).collect()
    }

    #[test]
    fn times_decide_where_names_leave_it_open() {
        let names = ["t1.pcap", "t2.pcap", "t3.pcap"];
        let adjoining = [summary(0, 100, 1), summary(100, 200, 1), summary(230, 300, 1)];
        assert_eq!(sets(&names, &adjoining), [[0, 1, 2]]);
        let ring = [summary(200, 300, 1), summary(0, 100, 1), summary(100, 200, 1)];
        assert_eq!(sets(&names, &ring), [[1, 2, 0]], "the oldest file of a ring has any number");
        let overlapping = [summary(0, 150, 1), summary(100, 200, 1), summary(200, 300, 1)];
        assert!(sets(&names, &overlapping).is_empty());
        let apart = [summary(0, 100, 1), summary(100, 200, 1), summary(90_000, 90_100, 1)];
        assert_eq!(sets(&names, &apart), [[0, 1]]);
        let links = [summary(0, 100, 1), summary(100, 200, 113), summary(200, 300, 1)];
        assert!(sets(&names, &links).is_empty());
        let empty = [summary(0, 100, 1), SourceSummary::default(), summary(100, 200, 1)];
        assert_eq!(sets(&names, &empty), [[0, 2]]);
    }

    #[test]
    fn names_of_dumpcap_decide_whatever_the_clock_says() {
        let names = ["t_00001_20260828113000.pcapng", "t_00002_20260828103000.pcapng"];
        assert_eq!(sets(&names, &[summary(7200, 7300, 1), summary(3600, 3700, 1)]), [[0, 1]]);
        assert_eq!(sets(&names, &[summary(0, 100, 1), summary(90_000, 90_100, 1)]), [[0, 1]]);
    }
}
