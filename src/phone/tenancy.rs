//! Who lives at an address, and from when to when.
//!
//! In: signs of devices at addresses, and the hardware addresses that DHCP gives them to. Out: for one device at one address,
//! the time in which what happens there is its own. It refuses to know what happened.
//!
//! Two devices at one address share it (NAT), whatever the pause between them, unless something shows that it passed from one
//! to the other: a DHCP ACK to another hardware address, or the former one took its files from another address since.

use std::net::IpAddr;

use super::name::DeviceName;
use crate::capture::{Clocks, Moment};

/// Devices remembered at one address; where there are more, it is shared for good.
pub(super) const MOST_STAYS: usize = 16;
/// DHCP ACKs remembered of one address, the latest.
const MOST_LEASES: usize = 16;

/// How surely an address is a device's, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Files of its name were asked for.
    Asked,
    /// One was handed out.
    Took,
    /// Its list and its configuration were, and it acknowledged them.
    Files,
    /// The same from the hardware address in its name.
    Hardware,
    /// The engineer says so.
    Told,
}

/// An address of a device, as one clock saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home {
    pub(super) address: IpAddr,
    pub(super) clock: u16,
    pub(super) rank: Rank,
    /// Its first and last own file there.
    pub(super) first: Moment,
    pub(super) last: Moment,
}

/// One device at one address: its first and its last sign.
#[derive(Debug, Clone)]
pub(super) struct Stay {
    pub(super) device: DeviceName,
    pub(super) clock: u16,
    pub(super) first: Moment,
    pub(super) last: Moment,
}

/// Everybody who was seen at an address.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    pub(super) stays: Vec<Stay>,
    leases: Vec<(Moment, [u8; 6])>,
    /// Whoever else was seen here was forgotten, or there were too many to remember.
    pub(super) has_lost_some: bool,
}

/// The time in which what happens at an address is one device's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tenure {
    from: Moment,
    until: Option<Moment>,
    /// Somebody else was there as well, and nothing tells them apart.
    pub(super) is_shared: bool,
}

impl Tenure {
    /// Whether this moment certainly falls into it.
    pub(super) fn covers(&self, moment: Moment, clocks: &Clocks) -> bool {
        !self.is_shared
            && (moment == self.from || clocks.is_before(self.from, moment))
            && self.until.is_none_or(|until| clocks.is_before(moment, until))
    }
}

impl Tenants {
    /// A sign of a device, from one moment to another.
    pub(super) fn sign(&mut self, device: &DeviceName, (first, last): (Moment, Moment), clocks: &Clocks) {
        let clock = clocks.clock(first.frame.source);
        let known = self.stays.iter_mut().find(|stay| stay.clock == clock && stay.device == *device);
        if let Some(stay) = known {
            if clocks.is_before(first, stay.first) {
                stay.first = first;
            }
            if clocks.is_before(stay.last, last) {
                stay.last = last;
            }
        } else if self.stays.len() < MOST_STAYS {
            self.stays.push(Stay { device: device.clone(), clock, first, last });
        } else {
            self.has_lost_some = true;
        }
    }

    /// DHCP gave the address to this hardware address.
    pub(super) fn lease(&mut self, moment: Moment, hardware: [u8; 6]) {
        if self.leases.last().is_some_and(|&(_, last)| last == hardware) {
            return;
        }
        if self.leases.len() >= MOST_LEASES {
            self.leases.remove(0);
        }
        self.leases.push((moment, hardware));
    }

    /// Whether DHCP gave the address to this hardware address.
    pub(super) fn is_leased_to(&self, hardware: [u8; 6]) -> bool {
        self.leases.iter().any(|&(_, to)| to == hardware)
    }

    /// The devices that were seen here.
    pub(super) fn devices(&self) -> impl Iterator<Item = &DeviceName> {
        self.stays.iter().map(|stay| &stay.device)
    }

    /// Whether anybody but this device was seen here.
    pub(super) fn has_others(&self, device: &DeviceName) -> bool {
        self.has_lost_some || self.devices().any(|other| other != device)
    }

    /// The device that came last before this moment, else the first that came after it.
    pub(super) fn latest(&self, moment: Moment, clocks: &Clocks) -> Option<&DeviceName> {
        let before = self.stays.iter().filter(|stay| stay.first == moment || clocks.is_before(stay.first, moment));
        let latest = before.reduce(|one, other| if clocks.is_before(one.first, other.first) { other } else { one });
        latest.or_else(|| self.stays.first()).map(|stay| &stay.device)
    }

    /// When what happens at `home` is the device's own. `homes` gives the homes of a device.
    pub(super) fn tenure(
        &self,
        device: &DeviceName,
        home: &Home,
        homes: &dyn Fn(&DeviceName) -> Vec<Home>,
        clocks: &Clocks,
    ) -> Tenure {
        let mut tenure = Tenure { from: home.first, until: None, is_shared: self.has_lost_some };
        let mut end = |at: Moment| {
            if tenure.until.is_none_or(|until| clocks.is_before(at, until)) {
                tenure.until = Some(at);
            }
        };
        let own = device.hardware();
        for &(at, hardware) in &self.leases {
            if own.is_some_and(|own| own != hardware) && clocks.is_before(home.first, at) {
                end(at);
            }
        }
        // It took its files from another address since: nobody knows when it left this one.
        let elsewhere = |of: &DeviceName, since: Moment| {
            homes(of).iter().any(|other| {
                other.address != home.address && other.rank >= Rank::Files && clocks.is_before(since, other.first)
            })
        };
        if elsewhere(device, home.last) {
            end(home.last);
        }
        let given_away = |from: &DeviceName, since: Moment, before: Moment| {
            let own = from.hardware();
            self.leases.iter().find_map(|&(at, hardware)| {
                let is_between = clocks.is_before(since, at) && clocks.is_before(at, before);
                (own.is_some_and(|own| own != hardware) && is_between).then_some(at)
            })
        };
        let mut is_shared = tenure.is_shared;
        for stay in self.stays.iter().filter(|stay| stay.device != *device) {
            if clocks.is_before(stay.last, home.first) {
                let left = given_away(&stay.device, stay.last, home.first).is_some();
                is_shared |= !left && !elsewhere(&stay.device, stay.last);
            } else if clocks.is_before(home.last, stay.first) {
                match given_away(device, home.last, stay.first) {
                    Some(_) => {}
                    None => is_shared |= !elsewhere(device, home.last),
                }
            } else {
                is_shared = true;
            }
        }
        tenure.is_shared = is_shared;
        tenure
    }
}
