//! Frames that were lost before they could be read, and when.
//!
//! In: what a kernel, an interface or a full queue dropped. Out: intervals in which silence proves nothing. It refuses to know
//! what the frames would have been.

use super::Timestamp;

/// Frames of a source that were lost somewhere between two times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The source, as in [`super::FrameId`].
    pub source: u16,
    /// None was lost before this.
    pub from: Timestamp,
    /// Nor after this.
    pub to: Timestamp,
    /// How many.
    pub frames: u64,
}

/// Intervals that are told apart; beyond that they grow together, for too much unknown is safe and too little is not.
const MOST: usize = 256;
/// Intervals that are closer to each other than this are one.
const NEAR: i64 = 1_000_000_000;

/// All losses of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses(Vec<Loss>);

impl Losses {
    /// Adds one.
    pub fn add(&mut self, loss: Loss) {
        let room = self.0.len() < MOST;
        let joins = |known: &&mut Loss| known.source == loss.source && (!room || is_near(known, &loss));
        match self.0.iter_mut().rev().find(joins) {
            Some(known) => {
                known.from = known.from.min(loss.from);
                known.to = known.to.max(loss.to);
                known.frames = known.frames.saturating_add(loss.frames);
            }
            // There are no more sources than captures, so this ends too.
            None => self.0.push(loss),
        }
    }

    /// The intervals.
    pub fn as_slice(&self) -> &[Loss] {
        &self.0
    }

    /// Takes them away.
    pub fn take(&mut self) -> Vec<Loss> {
        std::mem::take(&mut self.0)
    }
}

const fn is_near(known: &Loss, new: &Loss) -> bool {
    new.from.nanos() <= known.to.nanos().saturating_add(NEAR)
        && known.from.nanos() <= new.to.nanos().saturating_add(NEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(source: u16, from: i64, to: i64) -> Loss {
        let at = |seconds| Timestamp::from_seconds_and_nanos(seconds, 0);
        Loss { source, from: at(from), to: at(to), frames: 1 }
    }

    #[test]
    fn losses_that_touch_are_one() {
        let mut losses = Losses::default();
        for one in [loss(0, 10, 11), loss(0, 12, 13), loss(1, 12, 13), loss(0, 20, 21), loss(0, 9, 10)] {
            losses.add(one);
        }
        let first = Loss { frames: 3, ..loss(0, 9, 13) };
        assert_eq!(losses.as_slice(), [first, loss(1, 12, 13), loss(0, 20, 21)]);
    }

    #[test]
    fn losses_without_end_cover_everything_and_stay_few() {
        let mut losses = Losses::default();
        (0..5000).for_each(|at| losses.add(loss(0, at * 10, at * 10 + 1)));
        assert_eq!(losses.as_slice().len(), MOST);
        assert_eq!(losses.as_slice().iter().map(|loss| loss.frames).sum::<u64>(), 5000);
        let last = losses.take().into_iter().map(|loss| loss.to.nanos()).max();
        assert_eq!(last, Some(49_991_000_000_000));
    }
}
