//! Puts a phone together: whose the records of its name and of its addresses are.
//!
//! In: the roster's records of a device name and of the addresses at which it was seen. Out: a [`Phone`], in which every record
//! carries how it is known to be the phone's; and [`OtherClient`]s: whoever is no phone. It refuses to judge.

use std::net::IpAddr;
use std::sync::Arc;

use super::attribution::{Attributed, Attribution, Ground};
use super::changes::PhoneKey;
use super::files::FileKind;
use super::name::DeviceName;
use super::record::{DownloadRecord, Phone};
use super::roster::{Device, Roster, Station};
use super::tenancy::{Home, Rank, Tenure};
use crate::capture::{Clocks, Moment};
use crate::event::{Identity, ListAlarm, Outcome, Service, Taken, TlsSession};

/// A host that is no phone, as far as was seen: a router, a gateway, a scanner, an engineer's machine.
#[derive(Debug, Clone)]
pub struct OtherClient {
    /// Its address; `None` of a device that is known by its name alone.
    pub address: Option<IpAddr>,
    /// Its device name, where it has one.
    pub name: Option<DeviceName>,
    /// Files that it asked for, those of phones among them.
    pub downloads: Vec<Arc<DownloadRecord>>,
    /// TLS sessions that it made or tried.
    pub sessions: Vec<Arc<TlsSession>>,
}

impl Roster {
    /// All phones: those with a name by name, then the addresses without one.
    pub fn phones(&self) -> Vec<Phone> {
        let named = self.devices.iter().filter(|(name, _)| !name.is_no_phone());
        let mut phones: Vec<Phone> = named.map(|(name, device)| self.phone(name, device)).collect();
        phones.sort_by(|a, b| a.name.cmp(&b.name));
        let mut nameless: Vec<Phone> =
            self.stations.iter().filter_map(|(&address, station)| self.nameless(address, station)).collect();
        nameless.sort_by(|a, b| a.addresses.cmp(&b.addresses));
        phones.extend(nameless);
        phones
    }

    /// The phone of this key, as it stands.
    pub fn find(&self, key: &PhoneKey) -> Option<Phone> {
        match key {
            PhoneKey::Device(name) if name.is_no_phone() => None,
            PhoneKey::Device(name) => self.devices.get(name).map(|device| self.phone(name, device)),
            PhoneKey::Address(address) => self.nameless(*address, self.stations.get(address)?),
        }
    }

    /// Hosts that are no phones, by name and address.
    pub fn other_clients(&self) -> Vec<OtherClient> {
        let named = self.devices.iter().filter(|(name, _)| name.is_no_phone()).map(|(name, device)| {
            let stations = device.addresses.iter().filter_map(|address| self.stations.get(address));
            OtherClient {
                address: device.addresses.last().copied(),
                name: Some(name.clone()),
                downloads: device.downloads.iter().cloned().collect(),
                sessions: stations.flat_map(|station| &station.sessions).cloned().collect(),
            }
        });
        let nameless = self.stations.iter().filter_map(|(&address, station)| self.other_client(address, station));
        let mut others: Vec<OtherClient> = named.chain(nameless).collect();
        others.sort_by(|one, other| (&one.name, one.address).cmp(&(&other.name, other.address)));
        others
    }

    /// Where this device took its files, as each clock saw it.
    fn homes(&self, name: &DeviceName) -> Vec<Home> {
        self.devices.get(name).map(|device| self.homes_of(name, device)).unwrap_or_default()
    }

    fn homes_of(&self, name: &DeviceName, device: &Device) -> Vec<Home> {
        let clocks = &*self.clocks;
        let mut seen: Vec<Seen> = Vec::new();
        for download in device.downloads.iter().filter(|download| download.asked_for.is_some()) {
            Seen::note(&mut seen, download, clocks, |seen| seen.take(download, name, clocks));
        }
        if seen.is_empty() {
            // Of a server's side alone, names stand in the files: they say whose they are, and no more.
            for download in device.downloads.iter().filter(|download| !download.client_seen) {
                Seen::note(&mut seen, download, clocks, |seen| seen.is_answered |= download.is_answered());
            }
        }
        for (&address, _) in self.told.iter().filter(|(_, told)| *told == name) {
            seen.iter_mut().filter(|seen| seen.home.address == address).for_each(|seen| seen.home.rank = Rank::Told);
        }
        for seen in &mut seen {
            // Many models take the common list, which has no device in its name.
            let station = self.stations.get(&seen.home.address);
            let common = station.into_iter().flat_map(|station| &station.downloads);
            common
                .filter(|download| download.kind.is_list())
                .for_each(|download| seen.took_list |= download.is_answered());
            seen.rank();
        }
        // A server that fetches the phone's files from another fetches them for the phone.
        let mut homes: Vec<Home> =
            seen.iter().map(|seen| seen.home).filter(|home| !self.servers.contains(&home.address)).collect();
        let best = homes.iter().map(|home| home.rank).max();
        let foreign = |home: &Home| seen.iter().any(|seen| seen.home.is_at(home) && seen.is_foreign);
        match best {
            Some(best @ (Rank::Told | Rank::Hardware)) => {
                homes.retain(|home| {
                    home.rank >= Rank::Hardware
                        || (home.rank == Rank::Files && best == Rank::Hardware && !foreign(home))
                });
            }
            Some(Rank::Files) => {
                // Whoever fetches the files of several phones is none of them, where the phone itself was seen elsewhere.
                let is_alone = |home: &Home| {
                    self.stations.get(&home.address).is_none_or(|station| !station.tenants.has_others(name))
                };
                let has_own = homes.iter().any(|home| home.rank == Rank::Files && is_alone(home));
                homes.retain(|home| home.rank == Rank::Files && (is_alone(home) || !has_own));
            }
            Some(best) => homes.retain(|home| home.rank == best),
            None => {}
        }
        homes
    }

    fn phone(&self, name: &DeviceName, device: &Device) -> Phone {
        let clocks = &*self.clocks;
        let homes = self.homes_of(name, device);
        let home_at = |address: IpAddr, moment: Moment| {
            let clock = clocks.clock(moment.frame.source);
            homes.iter().find(|home| home.address == address && home.clock == clock)
        };
        let is_at_home = |address: IpAddr| homes.iter().any(|home| home.address == address);
        let mut downloads: Vec<Attributed<DownloadRecord>> = Vec::new();
        for download in &device.downloads {
            let how = match home_at(download.client.ip(), download.span.first) {
                Some(home) if download.asked_for.is_some() => home.rank.attribution(),
                Some(_) => Attribution::AtItsAddress,
                None => Attribution::Named,
            };
            downloads.push(Attributed::new(Arc::clone(download), how));
        }
        let mut sessions: Vec<Attributed<TlsSession>> = Vec::new();
        let mut identities: Vec<Arc<Identity>> = device.identities.iter().cloned().collect();
        let mut shared_by: Vec<DeviceName> = Vec::new();
        let mut addresses: Vec<IpAddr> = homes.iter().map(|home| home.address).collect();
        // Two clocks may have seen it at the same address.
        addresses.sort_unstable();
        addresses.dedup();
        for &address in &addresses {
            // Where an address was forgotten and seen again, nothing says that what is seen there now is still of this phone.
            let station =
                self.stations.get(&address).filter(|station| station.tenants.devices().any(|one| one == name));
            let Some(station) = station else { continue };
            let place = self.place(name, address, station, &homes);
            if place.is_shared() {
                shared_by.extend(station.tenants.devices().filter(|other| *other != name).cloned());
            }
            for download in &station.downloads {
                if let Some(how) = place.of_moment(download.span.first) {
                    downloads.push(Attributed::new(Arc::clone(download), how));
                }
            }
            for session in &station.sessions {
                if let Some(how) = place.of_session(session) {
                    sessions.push(Attributed::new(Arc::clone(session), how));
                }
            }
            identities.extend(station.identities.iter().filter(|identity| place.is_listed(identity.moment)).cloned());
        }
        // Where it took no files, only its own certificate says that a session is its.
        let elsewhere = device.addresses.iter().filter(|address| !addresses.contains(address));
        for station in elsewhere.filter_map(|address| self.stations.get(address)) {
            let own = station.sessions.iter().filter(|session| certificate_name(session).as_ref() == Some(name));
            let certified = Attribution::Own(Ground::Certificate);
            sessions.extend(own.map(|session| Attributed::new(Arc::clone(session), certified)));
        }
        let how_reported = |report: &ListAlarm| match home_at(report.client.ip(), report.moment) {
            Some(home) if home.rank >= Rank::Took => Attribution::Own(match home.rank {
                Rank::Told => Ground::Told,
                _ => Ground::Files,
            }),
            Some(_) => Attribution::AtItsAddress,
            None if is_at_home(report.client.ip()) => Attribution::AtItsAddress,
            None => Attribution::Named,
        };
        let reports =
            device.reports.iter().map(|report| Attributed::new(Arc::clone(report), how_reported(report))).collect();
        shared_by.sort();
        shared_by.dedup();
        Phone {
            name: Some(name.clone()),
            addresses: device.addresses.clone(),
            certain: homes.iter().filter(|home| self.is_certain(name, home)).map(|home| home.address).collect(),
            homes: homes.iter().map(|home| (home.address, home.clock)).collect(),
            downloads,
            sessions,
            reports,
            identities,
            shared_by,
            clocks: Arc::clone(&self.clocks),
        }
        .sorted()
    }

    /// Whether more than its files says that an address is a device's.
    fn is_certain(&self, name: &DeviceName, home: &Home) -> bool {
        let station = self.stations.get(&home.address);
        let leased =
            name.hardware().is_some_and(|own| station.is_some_and(|station| station.tenants.is_leased_to(own)));
        home.rank >= Rank::Hardware || leased
    }

    fn place<'p>(&'p self, name: &'p DeviceName, address: IpAddr, station: &'p Station, homes: &[Home]) -> Place<'p> {
        let homes_of = |device: &DeviceName| if device == name { homes.to_vec() } else { self.homes(device) };
        let tenures = homes.iter().filter(|home| home.address == address).map(|home| {
            let mut tenure = station.tenants.tenure(name, home, &homes_of, &self.clocks);
            tenure.is_shared |= self.lost.contains(&address);
            (*home, tenure)
        });
        let tenures = tenures.collect();
        let rivals = station
            .tenants
            .devices()
            .filter(|device| *device != name)
            .any(|device| self.homes(device).iter().any(|home| home.address == address));
        Place {
            name,
            station,
            tenures,
            has_rivals: rivals,
            clocks: &self.clocks,
            is_told: self.told.get(&address) == Some(name),
        }
    }

    /// Whether a device with a name has this address for its own: then what happened there is listed with it.
    fn is_home_of_any(&self, address: IpAddr, station: &Station) -> bool {
        let mut phones = station.tenants.devices().filter(|device| !device.is_no_phone());
        phones.any(|device| self.homes(device).iter().any(|home| home.address == address))
    }

    /// An address as a phone of its own: trust lists were asked for there, and nothing says by which device.
    fn nameless(&self, address: IpAddr, station: &Station) -> Option<Phone> {
        let is_phone = station.downloads.iter().any(|download| download.kind.is_list());
        if !is_phone || self.servers.contains(&address) || self.is_home_of_any(address, station) {
            return None;
        }
        let mut homes: Vec<(IpAddr, u16)> = station
            .downloads
            .iter()
            .map(|download| (address, self.clocks.clock(download.span.first.frame.source)))
            .collect();
        homes.sort_unstable();
        homes.dedup();
        let here = Attribution::AtItsAddress;
        let phone = Phone {
            name: None,
            addresses: vec![address],
            homes,
            certain: Vec::new(),
            downloads: station.downloads.iter().map(|record| Attributed::new(Arc::clone(record), here)).collect(),
            sessions: station.sessions.iter().map(|record| Attributed::new(Arc::clone(record), here)).collect(),
            reports: Vec::new(),
            identities: station.identities.iter().cloned().collect(),
            shared_by: station.tenants.devices().cloned().collect(),
            clocks: Arc::clone(&self.clocks),
        };
        Some(phone.sorted())
    }

    fn other_client(&self, address: IpAddr, station: &Station) -> Option<OtherClient> {
        let is_phone =
            station.downloads.iter().any(|download| download.kind.is_list()) && !self.servers.contains(&address);
        // One with a name of its own is listed by that.
        let is_named = station.tenants.devices().any(DeviceName::is_no_phone);
        if is_phone || is_named || self.is_home_of_any(address, station) {
            return None;
        }
        // TLS to ports that are not examined anyway is of interest only where somebody asks for files as well.
        let of_phones = station.tenants.devices().filter_map(|device| self.devices.get(device));
        let of_phones =
            of_phones.flat_map(|device| &device.downloads).filter(|download| download.client.ip() == address);
        let downloads: Vec<_> = station.downloads.iter().chain(of_phones).cloned().collect();
        let is_of_phone = |session: &TlsSession| certificate_name(session).is_some_and(|name| !name.is_no_phone());
        let is_known = |session: &&Arc<TlsSession>| {
            !is_of_phone(session) && (!downloads.is_empty() || session.service != Service::Other)
        };
        let sessions: Vec<_> = station.sessions.iter().filter(is_known).cloned().collect();
        let is_anybody = !downloads.is_empty() || !sessions.is_empty();
        is_anybody.then_some(OtherClient { address: Some(address), name: None, downloads, sessions })
    }
}

impl Phone {
    /// What a server sent without a packet of this client beside it is served from one side only where the capture has no packet
    /// of that client to any server of files. Else nobody asked for it.
    fn tell_unasked(&mut self) {
        let seen = self.downloads.iter().filter(|download| download.client_seen);
        let spoke: Vec<_> = seen.map(|download| download.client.ip()).collect();
        for download in &mut self.downloads {
            if !download.client_seen && download.taken == Taken::Open && spoke.contains(&download.client.ip()) {
                Arc::make_mut(&mut download.record).taken = Taken::Unasked;
            }
        }
    }

    fn sorted(mut self) -> Self {
        self.tell_unasked();
        // Numbers were given in the order of the capture, which its clock need not keep.
        self.downloads.sort_by_key(|download| download.id);
        self.sessions.sort_by_key(|session| session.id);
        self.identities.sort_by_key(|identity| identity.moment);
        self
    }
}

impl Rank {
    const fn attribution(self) -> Attribution {
        match self {
            Self::Asked | Self::Took => Attribution::Named,
            Self::Files => Attribution::Own(Ground::Files),
            Self::Hardware => Attribution::Own(Ground::Hardware),
            Self::Told => Attribution::Own(Ground::Told),
        }
    }
}

impl Home {
    fn is_at(&self, other: &Self) -> bool {
        self.address == other.address && self.clock == other.clock
    }
}

/// What was seen of a device's files at one address.
struct Seen {
    home: Home,
    took_list: bool,
    took_config: bool,
    acknowledged: bool,
    is_answered: bool,
    is_hardware: bool,
    /// The frames come from another hardware address than the phone's: another host's, or a router's.
    is_foreign: bool,
}

impl Seen {
    /// Notes something of the address of a download.
    fn note(all: &mut Vec<Self>, download: &DownloadRecord, clocks: &Clocks, note: impl FnOnce(&mut Self)) {
        let (address, clock) = (download.client.ip(), clocks.clock(download.span.first.frame.source));
        if let Some(seen) = all.iter_mut().find(|seen| seen.home.address == address && seen.home.clock == clock) {
            return note(seen);
        }
        let home = Home { address, clock, rank: Rank::Asked, first: download.span.first, last: download.span.last };
        let mut seen = Self {
            home,
            took_list: false,
            took_config: false,
            acknowledged: false,
            is_answered: false,
            is_hardware: false,
            is_foreign: false,
        };
        note(&mut seen);
        all.push(seen);
    }

    fn take(&mut self, download: &DownloadRecord, name: &DeviceName, clocks: &Clocks) {
        if clocks.is_before(download.span.first, self.home.first) {
            self.home.first = download.span.first;
        }
        if clocks.is_before(self.home.last, download.span.last) {
            self.home.last = download.span.last;
        }
        let answered = download.is_answered();
        self.is_answered |= answered;
        self.took_list |= answered && download.kind.is_list();
        self.took_config |= answered && download.kind == FileKind::Config;
        self.acknowledged |= download.outcome() == Outcome::Complete && download.taken == Taken::Acknowledged;
        if let (Some(own), Some(seen)) = (name.hardware(), download.hardware) {
            self.is_hardware |= own == seen;
            self.is_foreign |= own != seen;
        }
    }

    fn rank(&mut self) {
        let rank = if self.took_list && self.took_config && self.acknowledged {
            Rank::Files
        } else if self.is_answered {
            Rank::Took
        } else {
            Rank::Asked
        };
        let rank = if self.is_hardware && !self.is_foreign && rank >= Rank::Took { Rank::Hardware } else { rank };
        self.home.rank = self.home.rank.max(rank);
    }
}

/// One device at one address.
struct Place<'p> {
    name: &'p DeviceName,
    station: &'p Station,
    /// For each clock that saw it there.
    tenures: Vec<(Home, Tenure)>,
    /// Other devices took their files there as well.
    has_rivals: bool,
    clocks: &'p Clocks,
    is_told: bool,
}

impl Place<'_> {
    fn is_shared(&self) -> bool {
        self.tenures.iter().any(|(_, tenure)| tenure.is_shared)
    }

    /// Whether what happened there then is shown with this device: with the one that came last before it.
    fn is_listed(&self, moment: Moment) -> bool {
        !self.has_rivals || self.station.tenants.latest(moment, self.clocks) == Some(self.name)
    }

    /// The home in whose time a moment falls.
    fn covering(&self, moment: Moment) -> Option<&Home> {
        self.tenures.iter().find(|(_, tenure)| tenure.covers(moment, self.clocks)).map(|(home, _)| home)
    }

    fn of_session(&self, session: &TlsSession) -> Option<Attribution> {
        let moment = session.span.first;
        if let Some(named) = certificate_name(session) {
            // Its own word for who it is counts more than the address.
            return if named == *self.name {
                Some(Attribution::Own(Ground::Certificate))
            } else {
                (!self.has_rivals).then_some(Attribution::Shared)
            };
        }
        if let (Some(own), Some(seen)) = (self.name.hardware(), session.hardware)
            && self.tenures.iter().any(|(home, _)| home.rank == Rank::Hardware)
        {
            if own == seen {
                return Some(Attribution::Own(Ground::Hardware));
            }
            return self.is_listed(moment).then_some(Attribution::Shared);
        }
        if self.is_told {
            return Some(Attribution::Own(Ground::Told));
        }
        self.of_moment(moment)
    }

    /// Whose what happened there then is, as far as the address says.
    fn of_moment(&self, moment: Moment) -> Option<Attribution> {
        self.is_listed(moment).then(|| match self.covering(moment) {
            Some(home) if home.rank >= Rank::Files => home.rank.attribution(),
            _ if self.is_shared() => Attribution::Shared,
            _ => Attribution::AtItsAddress,
        })
    }
}

/// The device that the client's own certificate names, where it showed one.
fn certificate_name(session: &TlsSession) -> Option<DeviceName> {
    let certificate = session.client_certificate.as_ref()?;
    DeviceName::from_common_name(certificate.subject.short())
}
