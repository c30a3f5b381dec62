//! Many phones assessed, on all processors.
//!
//! In: phones and their case. Out: each phone with its assessment, in the order of the phones. It refuses to hold many
//! assessments at once: each is made a little before it is looked at, and forgotten by whoever looked.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::{Assessment, Case, assess};
use crate::phone::Phone;

/// Fewer phones are assessed sooner than threads are started.
const FEW: usize = 256;
/// Phones that a thread assesses in one go, and how many times it may do so before they are looked at.
const BATCH: usize = 32;
const AHEAD: usize = 2;
/// More processors than these would wait for whoever looks.
const MOST_THREADS: usize = 8;

/// Phones in their case. Each is assessed when it is looked at, so that ten thousand assessments are never held at once.
#[derive(Debug, Clone, Copy)]
pub struct Assessments<'a> {
    /// The phones.
    pub phones: &'a [Phone],
    /// What they are assessed with.
    pub case: &'a Case,
}

/// Each phone with its assessment.
pub type Assessed<'i, 'a> = &'i mut dyn Iterator<Item = (&'a Phone, Assessment)>;

impl<'a> Assessments<'a> {
    /// Gives `look` each phone with its assessment, in the order of the phones; where there are many, threads assess ahead of it.
    pub fn look<R>(self, look: impl FnOnce(Assessed<'_, 'a>) -> R) -> R {
        let processors = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        if self.phones.len() < FEW || processors == 1 {
            return look(&mut self.phones.iter().map(|phone| (phone, assess(phone, self.case))));
        }
        self.look_with(processors, look)
    }

    fn look_with<R>(self, threads: usize, look: impl FnOnce(Assessed<'_, 'a>) -> R) -> R {
        thread::scope(|scope| {
            let ahead: Vec<Receiver<Vec<Assessment>>> = (0..threads)
                .map(|first| {
                    let (done, assessed) = sync_channel(AHEAD);
                    scope.spawn(move || self.assess_ahead(first, threads, &done));
                    assessed
                })
                .collect();
            let batches = self.phones.chunks(BATCH).zip(ahead.iter().cycle());
            // A thread that gives none has panicked, and the scope will tell.
            let mut assessed =
                batches.flat_map(|(phones, assessed)| phones.iter().zip(assessed.recv().unwrap_or_default()));
            let result = look(&mut assessed);
            // Who does not look to the end lets the threads end.
            drop(assessed);
            drop(ahead);
            result
        })
    }

    /// Assesses every `threads`-th batch, from the `first` on, as long as somebody looks.
    fn assess_ahead(self, first: usize, threads: usize, done: &SyncSender<Vec<Assessment>>) {
        for phones in self.phones.chunks(BATCH).skip(first).step_by(threads) {
            if done.send(phones.iter().map(|phone| assess(phone, self.case)).collect()).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::phone::DeviceName;
    use crate::words::Told;

    fn phones(number: u8) -> Vec<Phone> {
        let phone = |last: u8| Phone {
            name: DeviceName::new(&format!("SEP0000000000{last:02X}")),
            addresses: vec![[10, 0, 0, last].into()],
            certain: Vec::new(),
            homes: Vec::new(),
            clocks: Arc::default(),
            downloads: Vec::new(),
            sessions: Vec::new(),
            reports: Vec::new(),
            identities: Vec::new(),
            shared_by: Vec::new(),
        };
        (0..number).map(phone).collect()
    }

    #[test]
    fn the_order_is_that_of_the_phones_whatever_the_number_of_threads() {
        for number in [0, 1, 31, 32, 33, 200] {
            let phones = phones(number);
            let case = Case::new(Vec::new(), Told::default(), &phones);
            let assessments = Assessments { phones: &phones, case: &case };
            let alone: Vec<_> = phones.iter().map(|phone| (phone.name.clone(), assess(phone, &case))).collect();
            assert_eq!(alone.len(), usize::from(number));
            for threads in 1..5 {
                let named = |(phone, assessment): (&Phone, Assessment)| (phone.name.clone(), assessment);
                assert_eq!(assessments.look_with(threads, |all| all.map(named).collect::<Vec<_>>()), alone);
                assert_eq!(assessments.look_with(threads, |all| all.map(named).next()), alone.first().cloned());
            }
            assert_eq!(assessments.look(|all| all.count()), alone.len());
        }
    }
}
