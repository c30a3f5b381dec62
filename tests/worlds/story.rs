//! A world lived through, and what its recorders made of it.
//!
//! In: a [`World`]. Out: [`Story`]: captures, the lives of its phones, and everything that truly went over the wire. It refuses
//! to know the program.

use itlscope::testkit::Owned;

use super::dice::Dice;
use super::truth::{Life, State};
use super::wire::{Packet, Whose, Wire};
use super::world::{Recorder, SECOND, START, Sees, World};
use super::{hosts, phone};

pub(crate) struct Story {
    /// One for each recorder; Ethernet frames.
    pub(crate) captures: Vec<Vec<Owned>>,
    pub(crate) wire: Wire,
    pub(crate) lives: Vec<Life>,
    /// Nothing counts that is later; nanoseconds, and seconds after the start.
    pub(crate) end: i64,
    /// For each phone, the rounds of which any frame was captured.
    pub(crate) seen: Vec<Vec<usize>>,
}

impl Story {
    pub(crate) fn of(world: &World) -> Self {
        let mut wire = Wire::default();
        let lives: Vec<_> = (0..world.phones.len()).map(|index| phone::live(world, index, &mut wire)).collect();
        for (index, host) in world.hosts.iter().enumerate() {
            let state = lives[host.phone].at((START + host.at) * SECOND);
            hosts::act(world, host, index, &state, &mut wire);
        }
        wire.packets.sort_by_key(|packet| packet.time);
        // What phones conclude from the last packet they conclude a little later.
        let last = wire.packets.last().map_or(START * SECOND, |packet| packet.time + SECOND);
        let end = world.end.map_or(last, |end| last.min((START + end) * SECOND));
        wire.packets.retain(|packet| packet.time <= end);
        let mut seen = vec![Vec::new(); lives.len()];
        let mut captures = Vec::new();
        for (number, recorder) in world.recorders.iter().enumerate() {
            captures.push(record(world.seed ^ number as u64, recorder, &wire.packets, &mut seen));
        }
        Self { captures, wire, lives, end, seen }
    }

    /// The end in seconds after the start.
    pub(crate) const fn seconds(&self) -> i64 {
        (self.end - START * SECOND).div_euclid(SECOND)
    }

    /// When anything happened to a phone last; seconds after the start.
    pub(crate) fn last_of(&self, phone: usize) -> i64 {
        let mut facts = self.lives[phone].facts.iter().filter(|(at, _)| *at <= self.end && *at != i64::MIN);
        facts.next_back().map_or(self.seconds(), |(at, _)| (at - START * SECOND).div_euclid(SECOND))
    }

    /// A phone as it is at the end.
    pub(crate) fn state(&self, phone: usize) -> State {
        self.lives[phone].at(self.end)
    }
}

/// The frames that a recorder writes down.
fn record(seed: u64, recorder: &Recorder, packets: &[Packet], seen: &mut [Vec<usize>]) -> Vec<Owned> {
    let mut dice = Dice::new(seed);
    let mut frames = Vec::new();
    for packet in packets {
        let sees = match recorder.sees {
            Sees::All => true,
            Sees::FromPhones => packet.from_client,
            Sees::ToPhones => !packet.from_client,
            Sees::Udp => packet.is_udp,
            Sees::Tcp => !packet.is_udp,
        };
        let lost = recorder.loses.is_some_and(|of| dice.below(of) == 0);
        let at = packet.time - START * SECOND;
        if !sees || lost || recorder.from.is_some_and(|from| at < from * SECOND) {
            continue;
        }
        if let Whose::Phone { phone, round } = packet.whose
            && !seen[phone].contains(&round)
        {
            seen[phone].push(round);
        }
        let step = recorder.step.filter(|(from, _)| at >= from * SECOND).map_or(0, |(_, ahead)| ahead * SECOND);
        let time = packet.time + recorder.skew * 1_000_000 + step;
        let data = [&packet.macs[0][..], &packet.macs[1], &[8, 0], &packet.bytes].concat();
        for copy in 0..=i64::from(recorder.twice) {
            let mut frame = Owned::ethernet(time + copy * 20_000, data.clone());
            frame.data.truncate(recorder.snaps.map_or(usize::MAX, |most| most as usize));
            frames.push(frame);
        }
    }
    frames
}
