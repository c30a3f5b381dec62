//! The whole way from frames to phones.
//!
//! In: [`Frame`]s, one after the other. Out: the [`Phone`]s, and what was left out on the way. Files, live interfaces, fuzzers
//! and tests drive the same three calls: [`Engine::push`], [`Engine::tick`], [`Engine::finish`].

use crate::capture::{Frame, Loss, Losses, Moment, Timestamp};
use crate::dissect::{self, Dissector, LimitsHit, Settings};
use crate::event::Event;
use crate::packet::{self, Counters, Decoder, glance};
use crate::phone::{self, Files, Phone, Roster};
use crate::trust::Reference;

/// Everything that is kept within bounds, and where to look.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// IP fragments.
    pub packet: packet::Limits,
    /// Conversations, connections, files; ports.
    pub dissect: Settings,
    /// Phones.
    pub phone: phone::Limits,
}

/// The first half of the way: from frames to events. It may run on another thread than the roster.
#[derive(Debug)]
pub struct Witness {
    decoder: Decoder,
    dissector: Dissector,
}

impl Witness {
    /// Takes a frame; what it makes known is added to `events`.
    #[inline]
    pub fn push(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) {
        if glance::may_matter(frame.link, frame.data) {
            if let Some(packet) = self.decoder.decode(frame) {
                self.dissector.packet(&packet, Moment::from(frame), events);
            }
        } else if self.dissector.is_time_to_tick(frame.time) {
            // It cannot matter, but time goes on.
            self.dissector.tick(frame.time, events);
        }
    }
}

/// The way from frames to phones.
#[derive(Debug)]
pub struct Engine {
    witness: Witness,
    roster: Roster,
    events: Vec<Event>,
    losses: Losses,
}

impl Engine {
    /// An engine within these limits; the keys of `references` are tried on signed files.
    pub fn new(limits: &Limits, references: &[Reference]) -> Self {
        Self {
            witness: Witness { decoder: Decoder::new(limits.packet), dissector: Dissector::new(&limits.dissect) },
            roster: Roster::new(Files::new(references), limits.phone),
            events: Vec::new(),
            losses: Losses::default(),
        }
    }

    /// Takes a frame.
    pub fn push(&mut self, frame: &Frame<'_>) {
        self.witness.push(frame, &mut self.events);
        self.deliver();
    }

    /// Both halves, for a thread each: what the witness tells must reach the roster in its order.
    pub const fn halves(&mut self) -> (&mut Witness, &mut Roster) {
        (&mut self.witness, &mut self.roster)
    }

    /// Time goes on although no frame comes: ends what was idle for too long.
    pub fn tick(&mut self, now: Timestamp) {
        self.witness.dissector.tick(now, &mut self.events);
        self.deliver();
    }

    /// Frames were lost on their way here: what was not seen meanwhile may have been there.
    pub fn lose(&mut self, loss: Loss) {
        self.losses.add(loss);
    }

    /// When frames were lost.
    pub fn losses(&self) -> &[Loss] {
        self.losses.as_slice()
    }

    /// The capture is over: ends everything.
    pub fn finish(&mut self) {
        self.witness.dissector.finish(&mut self.events);
        self.deliver();
    }

    /// The phones as they stand.
    pub fn phones(&self) -> Vec<Phone> {
        self.roster.phones()
    }

    /// The roster itself, to look at single phones.
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The roster, to follow what changes in it.
    pub const fn roster_mut(&mut self) -> &mut Roster {
        &mut self.roster
    }

    /// What is held just now: bytes of fragments, and what the dissectors hold. Phones are the roster's: [`Roster::held`].
    pub fn held(&self) -> (usize, dissect::Held) {
        (self.witness.decoder.held(), self.witness.dissector.held())
    }

    /// What was left out so far.
    pub fn counters(&self) -> Counters {
        self.witness.decoder.counters()
    }

    /// How often the limits of the dissectors cost something so far; those of the roster are counted there.
    pub const fn limits_hit(&self) -> LimitsHit {
        self.witness.dissector.limits_hit()
    }

    fn deliver(&mut self) {
        for event in self.events.drain(..) {
            self.roster.event(event);
        }
    }
}
