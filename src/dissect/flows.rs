//! A table of flows that stays within its bounds.
//!
//! Flows that were idle for too long, in capture time, are given back to be finished; so are the least recently used ones
//! where there are too many. Every dissector keeps its flows here, so the rule stands in one place.

use std::collections::VecDeque;
use std::hash::Hash;

use foldhash::{HashMap, HashMapExt};

use crate::capture::Timestamp;

/// Flows by key.
#[derive(Debug)]
pub(super) struct FlowTable<K, V> {
    flows: HashMap<K, Slot<V>>,
    /// When each flow is to be looked at again, soonest first.
    queue: VecDeque<(Timestamp, K)>,
    most: usize,
    lifetime: u64,
}

#[derive(Debug)]
struct Slot<V> {
    last_seen: Timestamp,
    /// The time of its entry in the queue; entries with another time are left over.
    queued: Timestamp,
    /// On its own, so that the table is small: looking up and growing it touch little memory.
    flow: Box<V>,
}

impl<K: Copy + Eq + Hash, V> FlowTable<K, V> {
    /// At most `most` flows, each for `lifetime` nanoseconds after it was seen last.
    pub(super) fn new(most: usize, lifetime: u64) -> Self {
        Self { flows: HashMap::new(), queue: VecDeque::new(), most: most.max(1), lifetime }
    }

    /// The flow of `key`, seen now.
    pub(super) fn get(&mut self, key: &K, now: Timestamp) -> Option<&mut V> {
        let slot = self.flows.get_mut(key)?;
        slot.last_seen = now;
        Some(&mut slot.flow)
    }

    /// The flow of `key`; it does not count as seen.
    pub(super) fn peek(&self, key: &K) -> Option<&V> {
        self.flows.get(key).map(|slot| &*slot.flow)
    }

    /// Whether there are more flows than there may be.
    pub(super) fn is_full(&self) -> bool {
        self.flows.len() > self.most
    }

    /// Whether there is a flow of `key`; it does not count as seen.
    pub(super) fn contains(&self, key: &K) -> bool {
        self.flows.contains_key(key)
    }

    /// The flow of `key`, seen now, made if there is none.
    pub(super) fn get_or_insert_with(&mut self, key: K, now: Timestamp, make: impl FnOnce() -> V) -> &mut V {
        if self.queue.len() > 2 * self.flows.len() + 64 {
            let flows = &self.flows;
            self.queue.retain(|(time, key)| flows.get(key).is_some_and(|slot| slot.queued == *time));
        }
        let queue = &mut self.queue;
        let slot = self.flows.entry(key).or_insert_with(|| {
            queue.push_back((now, key));
            Slot { last_seen: now, queued: now, flow: Box::new(make()) }
        });
        slot.last_seen = now;
        &mut slot.flow
    }

    /// Puts a flow in, seen now; gives back the one that was there.
    pub(super) fn insert(&mut self, key: K, now: Timestamp, flow: V) -> Option<V> {
        if let Some(existing) = self.get(&key, now) {
            return Some(std::mem::replace(existing, flow));
        }
        self.get_or_insert_with(key, now, || flow);
        None
    }

    /// Takes the flow of `key` out.
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.flows.remove(key).map(|slot| *slot.flow)
    }

    /// Takes one flow out that was idle for too long, or for which there is no room: where there are too many flows, or
    /// `no_room` says so. To be called until it gives none.
    pub(super) fn pop_expired(&mut self, now: Timestamp, no_room: bool) -> Option<(K, V)> {
        // Each turn drops a queue entry or moves it behind all others, so one round is the most that is useful.
        for _ in 0..self.queue.len() {
            let &(queued, key) = self.queue.front()?;
            let crowded = no_room || self.flows.len() > self.most;
            if !crowded && now.nanos_since(queued) <= self.lifetime {
                return None;
            }
            self.queue.pop_front();
            let Some(slot) = self.flows.get_mut(&key).filter(|slot| slot.queued == queued) else {
                continue;
            };
            let seen_since = slot.last_seen > queued;
            let expired = now.nanos_since(slot.last_seen) > self.lifetime;
            if expired || (crowded && !seen_since) {
                return self.remove(&key).map(|flow| (key, flow));
            }
            slot.queued = slot.last_seen;
            self.queue.push_back((slot.queued, key));
        }
        // Every flow was seen since it was queued: the one at the front was so the longest ago.
        if no_room || self.flows.len() > self.most {
            while let Some((_, key)) = self.queue.pop_front() {
                if let Some(flow) = self.remove(&key) {
                    return Some((key, flow));
                }
            }
        }
        None
    }

    /// Takes all flows out, in the order in which they were first seen or looked at. Nothing is left of the room for them.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (K, V)> + use<K, V> {
        let queue = std::mem::take(&mut self.queue);
        let mut flows = std::mem::take(&mut self.flows);
        queue.into_iter().filter_map(move |(_, key)| flows.remove(&key).map(|slot| (key, *slot.flow)))
    }

    /// How many flows there are.
    pub(super) fn len(&self) -> usize {
        self.flows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::at;

    #[test]
    fn idle_flows_are_given_back() {
        let mut table = FlowTable::new(10, 1_000_000_000);
        table.get_or_insert_with(1, at(0.0), || "one");
        table.get_or_insert_with(2, at(0.0), || "two");
        assert_eq!(table.get(&1, at(0.9)), Some(&mut "one"));
        assert_eq!(table.pop_expired(at(1.5), false), Some((2, "two")));
        assert_eq!(table.pop_expired(at(1.5), false), None);
        assert_eq!(table.pop_expired(at(2.0), false), Some((1, "one")));
        assert_eq!(table.pop_expired(at(9.0), false), None);
    }

    #[test]
    fn a_flood_does_not_push_out_flows_in_use() {
        let mut table = FlowTable::new(100, 60_000_000_000);
        table.get_or_insert_with(0, at(0.0), || ());
        for key in 1..10_000 {
            let now = at(f64::from(key) / 1000.0);
            table.get_or_insert_with(key, now, || ());
            table.get(&0, now);
            while let Some((gone, ())) = table.pop_expired(now, false) {
                assert_ne!(gone, 0);
            }
            assert!(table.len() <= 100);
            assert!(table.queue.len() <= 102);
        }
        assert!(table.contains(&0));
    }

    #[test]
    fn a_removed_and_remade_flow_is_not_taken_for_the_old_one() {
        let mut table = FlowTable::new(10, 1_000_000_000);
        table.get_or_insert_with(1, at(0.0), || "old");
        table.remove(&1);
        table.get_or_insert_with(1, at(0.8), || "new");
        assert_eq!(table.pop_expired(at(1.5), false), None);
        assert_eq!(table.drain().collect::<Vec<_>>(), [(1, "new")]);
        assert_eq!(table.drain().count(), 0);
    }

    #[test]
    fn remaking_one_flow_for_ever_does_not_grow_the_queue() {
        let mut table = FlowTable::new(10, 1_000_000_000);
        for turn in 0..10_000 {
            table.get_or_insert_with(1, at(f64::from(turn) / 1e6), || ());
            table.remove(&1);
        }
        assert!(table.queue.len() <= 128);
    }
}
