//! Records by key, so many at most.
//!
//! In: keys as they come. Out: their records. Where there are too many, the oldest has to go for a new one, first those that
//! tell nothing. It refuses to know what the records are: they say themselves whether they tell something.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use foldhash::{HashMap, HashMapExt};

/// Whether more than requests is known of a record.
pub(super) trait Substantial {
    fn is_substantial(&self) -> bool;
}

/// Records by key, within bounds.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    records: HashMap<K, V>,
    /// Keys in the order in which they came.
    order: VecDeque<K>,
    /// Keys that came to the front of `order` and stayed, because more than requests was known of them.
    kept: VecDeque<K>,
    /// Records that had to go and were not asked for since.
    gone: Vec<(K, V)>,
}

impl<K: Clone + Eq + Hash, V: Default + Substantial> Table<K, V> {
    pub(super) fn new() -> Self {
        Self { records: HashMap::new(), order: VecDeque::new(), kept: VecDeque::new(), gone: Vec::new() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.records.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.records.get_mut(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.records.iter()
    }

    /// The record of `key`; a new one is made room for where there are `most`: see [`Self::take_gone`].
    pub(super) fn get_or_insert(&mut self, key: K, most: usize) -> &mut V {
        if self.records.len() >= most && !self.records.contains_key(&key) {
            self.make_room();
        }
        match self.records.entry(key) {
            Entry::Occupied(record) => record.into_mut(),
            Entry::Vacant(place) => {
                self.order.push_back(place.key().clone());
                place.insert(V::default())
            }
        }
    }

    /// Takes a record out; its key stays in the queues until [`Self::forget_removed`].
    pub(super) fn remove(&mut self, key: &K) {
        self.gone.extend(self.records.remove_entry(key));
    }

    /// The records that had to go since this was asked last.
    pub(super) fn take_gone(&mut self) -> Vec<(K, V)> {
        std::mem::take(&mut self.gone)
    }

    /// Brings the queues in line with what is left.
    pub(super) fn forget_removed(&mut self) {
        let Self { records, order, kept, .. } = self;
        order.retain(|key| records.contains_key(key));
        kept.retain(|key| records.contains_key(key));
    }

    /// Forgets the oldest record of which nothing but requests is known, else the oldest. Every record is kept once at most, so
    /// a flood of them costs no more than itself.
    fn make_room(&mut self) {
        while let Some(key) = self.order.pop_front() {
            if self.records.get(&key).is_some_and(Substantial::is_substantial) {
                self.kept.push_back(key);
                continue;
            }
            return self.remove(&key);
        }
        if let Some(key) = self.kept.pop_front() {
            self.remove(&key);
        }
    }
}
