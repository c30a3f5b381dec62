//! Results that are remembered for the inputs seen last.
//!
//! Ten thousand phones are shown the same certificates and served the same lists; what was found out about one of them is true
//! for all. Inputs are compared byte by byte, so a remembered result is the result. It refuses to grow: a few entries, the one
//! used longest ago goes first.

use std::collections::VecDeque;

/// Values by keys, the last `MOST` of them.
#[derive(Debug, Clone)]
pub(crate) struct Memo<K, V, const MOST: usize> {
    /// The one used last is at the end.
    entries: VecDeque<(K, V)>,
}

impl<K, V, const MOST: usize> Default for Memo<K, V, MOST> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V, const MOST: usize> Memo<K, V, MOST> {
    /// Remembers nothing yet.
    pub(crate) const fn new() -> Self {
        Self { entries: VecDeque::new() }
    }

    /// The value of the key that `is` recognises.
    pub(crate) fn get(&mut self, is: impl Fn(&K) -> bool) -> Option<&V> {
        let index = self.entries.iter().rposition(|(key, _)| is(key))?;
        if index + 1 < self.entries.len()
            && let Some(entry) = self.entries.remove(index)
        {
            self.entries.push_back(entry);
        }
        self.entries.back().map(|(_, value)| value)
    }

    /// Remembers a value.
    pub(crate) fn put(&mut self, key: K, value: V) {
        if self.entries.len() >= MOST {
            self.entries.pop_front();
        }
        self.entries.push_back((key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_used_longest_ago_is_forgotten() {
        let mut memo = Memo::<u8, &str, 2>::new();
        memo.put(1, "one");
        memo.put(2, "two");
        assert_eq!(memo.get(|&key| key == 1), Some(&"one"));
        memo.put(3, "three");
        assert_eq!(memo.get(|&key| key == 2), None);
        assert_eq!(memo.get(|&key| key == 1), Some(&"one"));
        assert_eq!(memo.get(|&key| key == 3), Some(&"three"));
    }
}
