//! Packets that two recorders both saw, and what they say of the recorders' clocks.
//!
//! In: frames of several sources. Out: by how much the clock of one is ahead of another's ([`Skew`]). Only packets count that no
//! boot ever repeats, because random numbers are in them: the answer to a TCP connection's opening (the server's initial sequence
//! number), and the hellos of TLS. The requests of a phone do not: it begins every boot with the same ports and numbers.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use super::walk::{self, Found, Layer};
use super::{Endpoint, Packet, TcpFlags};
use crate::capture::{CaptureError, Frame, Skew, Source, Timestamp};

/// Sources that are compared with each other at most, and sightings of all of them together.
const MOST_SOURCES: usize = 256;
const MOST_SIGHTINGS: usize = 1 << 18;
/// Captured bytes of a source that are searched for sightings: what both recorders saw is mostly near the beginning.
const LOOK_WITHIN: u64 = 64 << 20;
/// A packet that comes twice within this was captured twice; later, it tells nothing.
const CAPTURED_TWICE: u64 = 1_000_000_000;
/// So many packets have to agree. One TLS connection has three.
const FEWEST: usize = 3;
/// What is added to the spread of what was measured: the way from one recorder to the other, and whatever batches frames.
const MARGIN: u64 = 10_000_000;

/// The packets of several sources.
#[derive(Debug, Default)]
pub struct Sightings {
    hasher: foldhash::quality::RandomState,
    sources: Vec<BySource>,
}

/// When each was seen; `None` where it came again.
type BySource = HashMap<u64, Option<Timestamp>, foldhash::fast::RandomState>;

impl Sightings {
    /// Whether so many sources can be compared.
    pub const fn can_compare(sources: usize) -> bool {
        sources > 1 && sources <= MOST_SOURCES
    }

    /// Looks at the beginning of the next source, of `count`; none where it cannot be opened.
    ///
    /// # Errors
    /// As those of the source. What was seen before stays.
    pub fn add(&mut self, source: Option<&mut dyn Source>, count: usize) -> Result<(), CaptureError> {
        let most = MOST_SIGHTINGS / count.clamp(1, MOST_SOURCES);
        let mut seen = BySource::default();
        let mut bytes = 0;
        let result = source.map_or(Ok(()), |source| {
            while let Some(frame) = source.next_frame()? {
                bytes += frame.data.len() as u64;
                self.look(&frame, &mut seen);
                if bytes > LOOK_WITHIN || seen.len() >= most {
                    break;
                }
            }
            Ok(())
        });
        self.sources.push(seen);
        result
    }

    fn look(&self, frame: &Frame<'_>, seen: &mut BySource) {
        let Some(key) = self.fingerprint(frame) else { return };
        let first = seen.entry(key).or_insert(Some(frame.time));
        if first.is_some_and(|first| frame.time.nanos_since(first) > CAPTURED_TWICE) {
            *first = None;
        }
    }

    /// Of a packet that is like no other.
    fn fingerprint(&self, frame: &Frame<'_>) -> Option<u64> {
        let Found::Transport { transport, .. } = walk::walk(Layer::first(frame.link)?, frame.data, 0).0 else {
            return None;
        };
        let Some(Packet::Tcp(tcp)) = transport.packet(frame.data, None) else { return None };
        let is_answer = tcp.flags.has(TcpFlags::SYN) && tcp.ack.is_some();
        let is_hello = matches!(tcp.payload, [0x16, 3, _, _, _, 1 | 2, _, _, _, 3, _, rest @ ..] if rest.len() >= 32);
        let ends = (Endpoint::from(tcp.src), Endpoint::from(tcp.dst));
        (is_answer || is_hello).then(|| self.hasher.hash_one((ends, tcp.seq, tcp.ack, tcp.payload)))
    }

    /// By how much the clocks of the sources are ahead of those that they could be compared with, each named once. What could be
    /// compared with none is not in it.
    pub fn skews(&self) -> Vec<Skew> {
        let mut skews: BTreeMap<usize, Skew> = BTreeMap::new();
        for root in 0..self.sources.len() {
            if skews.contains_key(&root) {
                continue;
            }
            // Whatever is connected with the root, over others too, gets the root's times.
            let mut near = vec![root];
            while let Some(base) = near.pop() {
                let through = skews.get(&base).copied();
                for index in root + 1..self.sources.len() {
                    if index == base || skews.contains_key(&index) {
                        continue;
                    }
                    let Some(skew) = self.compare(index, base, root, through) else { continue };
                    skews.insert(index, skew);
                    near.push(index);
                }
            }
        }
        skews.into_values().collect()
    }

    /// Compares a source with another whose own skew against the root is known.
    fn compare(&self, index: usize, base: usize, root: usize, through: Option<Skew>) -> Option<Skew> {
        let (seen, of_base) = (self.sources.get(index)?, self.sources.get(base)?);
        let common = seen.iter().filter_map(|(key, time)| {
            let (time, of_base) = ((*time)?, (*of_base.get(key)?)?);
            Some((time.nanos().saturating_sub(of_base.nanos()), of_base))
        });
        let mut common: Vec<(i64, Timestamp)> = common.collect();
        if common.len() < FEWEST {
            return None;
        }
        common.sort_unstable();
        let middle = common.get(common.len() / 2)?.0;
        let spread = common.iter().map(|(ahead, _)| ahead.abs_diff(middle)).max()?;
        let times = || common.iter().map(|&(_, time)| time);
        let (ahead, bound) = through.map_or((0, 0), |skew| (skew.ahead, skew.bound));
        Some(Skew {
            source: u16::try_from(index).ok()?,
            base: u16::try_from(root).ok()?,
            ahead: middle.saturating_add(ahead),
            bound: spread.saturating_add(MARGIN).saturating_add(bound),
            packets: common.len(),
            from: times().min()?.plus(ahead.saturating_neg()),
            to: times().max()?.plus(ahead.saturating_neg()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::SourceSummary;
    use crate::testkit::{self, Owned, address, ethernet, ip, tcp};

    /// Frames of a source.
    struct Frames(Vec<Owned>, u64);

    impl Source for Frames {
        fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
            self.1 += 1;
            Ok(usize::try_from(self.1 - 1).ok().and_then(|index| self.0.get(index)).map(|owned| owned.frame(self.1)))
        }

        fn summaries(&self) -> Vec<SourceSummary> {
            Vec::new()
        }
    }

    const SECOND: i64 = 1_000_000_000;

    fn answer(time: i64, seq: u32) -> Owned {
        let segment = tcp(2445, 50_000, (seq, 77), testkit::SYN | testkit::ACK, b"");
        let (src, dst) = (address("10.0.0.1:1").ip(), address("10.0.0.2:1").ip());
        Owned::ethernet(time, ethernet(&ip(src, dst, 6, 1, &segment)))
    }

    fn skews(sources: Vec<Vec<Owned>>) -> Vec<Skew> {
        let (mut sightings, count) = (Sightings::default(), sources.len());
        for frames in sources {
            sightings.add(Some(&mut Frames(frames, 0)), count).unwrap();
        }
        sightings.skews()
    }

    fn answers(shift: i64, seqs: std::ops::Range<u32>) -> Vec<Owned> {
        seqs.map(|seq| answer(SECOND * i64::from(seq) + shift + i64::from(seq % 3) * 1_000_000, seq)).collect()
    }

    #[test]
    fn clocks_two_hours_apart() {
        let [skew] = skews(vec![answers(0, 0..9), answers(7200 * SECOND + 5, 3..20)])[..] else { panic!() };
        assert_eq!((skew.source, skew.base, skew.ahead, skew.packets), (1, 0, 7200 * SECOND + 5, 6));
        assert_eq!(skew.bound, MARGIN);
        assert_eq!((skew.from.nanos(), skew.to.nanos()), (3 * SECOND, 8 * SECOND + 2_000_000));
    }

    #[test]
    fn over_a_third_recorder() {
        let all = skews(vec![answers(0, 0..9), answers(SECOND, 50..60), answers(3 * SECOND, 5..55)]);
        let told: Vec<_> = all.iter().map(|skew| (skew.source, skew.base, skew.ahead)).collect();
        assert_eq!(told, [(1, 0, SECOND), (2, 0, 3 * SECOND)]);
        assert_eq!(all[0].bound, 2 * MARGIN);
        assert_eq!(all[0].from.nanos(), 50 * SECOND + 2_000_000, "in the times of the first");
    }

    #[test]
    fn too_little_or_nothing_in_common() {
        assert!(skews(vec![answers(0, 0..9), answers(0, 7..20)]).is_empty());
        assert!(skews(vec![answers(0, 0..9), answers(0, 10..20)]).is_empty());
        assert!(skews(vec![answers(0, 0..9)]).is_empty());
    }

    #[test]
    fn what_comes_again_tells_nothing() {
        let twice = |mut frames: Vec<Owned>, later: i64| {
            let again: Vec<_> =
                frames.iter().map(|frame| Owned { time: frame.time + later, ..frame.clone() }).collect();
            frames.extend(again);
            frames
        };
        assert!(skews(vec![twice(answers(0, 0..9), 100 * SECOND), answers(SECOND, 0..9)]).is_empty());
        let [skew] = skews(vec![twice(answers(0, 0..9), 1000), answers(SECOND, 0..9)])[..] else { panic!() };
        assert_eq!(skew.ahead, SECOND, "captured twice");
    }

    #[test]
    fn a_spread_is_part_of_the_bound() {
        let mut second = answers(0, 0..4);
        second.extend(answers(400_000_000, 4..9));
        let [skew] = skews(vec![answers(0, 0..9), second])[..] else { panic!() };
        assert_eq!((skew.ahead, skew.bound), (400_000_000, 400_000_000 + MARGIN));
    }

    #[test]
    fn requests_that_every_boot_repeats_do_not_count() {
        let boot = |time: i64| -> Vec<Owned> {
            let request = |number: u16| {
                let data = testkit::udp_frame("10.0.0.2:50000", "10.0.0.1:69", number, b"\0\x01ITLFile.tlv\0octet\0");
                Owned::ethernet(time + i64::from(number), data)
            };
            (1..9).map(request).collect()
        };
        assert!(skews(vec![boot(0), boot(86_400 * SECOND)]).is_empty());
    }
}
