//! Who did what: events find their device and their address here.
//!
//! In: events in the order of the capture. Out: what is recorded of each device name and of each address, within bounds, and
//! which of them changed. Whose the records of an address are is decided when a phone is put together: see `assemble`. It
//! refuses to judge.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::HashSet;

use super::changes::{Changed, Changes, PhoneKey};
use super::files::{FileKind, Files, Understood};
use super::name::DeviceName;
use super::record::{DownloadRecord, SignedAs};
use super::table::{Substantial, Table};
use super::tenancy::Tenants;
use super::weight::Weigh;
use crate::capture::{Clocks, Moment};
use crate::event::{
    CertificateStatus, Content, Download, Event, Identity, Lease, ListAlarm, Outcome, Service, Taken, TlsSession,
};

/// The same report again within this time is the same request, sent again.
const REPEATED_WITHIN: u64 = 32_000_000_000;
/// Servers remembered, and addresses of which something was forgotten; beyond that every address is taken for one of these.
const MOST_ADDRESSES: usize = 1 << 17;

/// What the roster may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Device names, and addresses, at most. Those of which nothing but requests is known go first.
    pub phones: usize,
    /// Downloads, and sessions, of one phone at most. The oldest go first.
    pub each: usize,
    /// Bytes that all phones may take together, nearly. What weighs most goes first.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { phones: 50_000, each: 256, bytes: 96 << 20 }
    }
}

/// All phones seen so far.
#[derive(Debug)]
pub struct Roster {
    limits: Limits,
    files: Files,
    pub(super) devices: Table<DeviceName, Device>,
    pub(super) stations: Table<IpAddr, Station>,
    /// Addresses that handed out files, or showed the certificate of a service of CUCM.
    pub(super) servers: Addresses,
    /// Addresses of which something was forgotten: whoever is seen there, somebody else may have been there as well.
    pub(super) lost: Addresses,
    /// What can be ordered.
    pub(super) clocks: Arc<Clocks>,
    /// Whose some addresses are, as the engineer says.
    pub(super) told: BTreeMap<IpAddr, DeviceName>,
    forgotten: u64,
    lost_phones: u64,
    /// What was recorded since it was weighed last, and what weighed then.
    weight: usize,
    changes: Changes,
    /// Files that came since they were asked for last; `None` where nobody asks.
    kept: Option<Vec<KeptFile>>,
}

/// A complete file, handed on for whoever wants more than the record: the roster itself keeps no bytes but those of lists.
#[derive(Debug, Clone)]
pub struct KeptFile {
    /// Its download. A later event may still take it back: what counts in the end is the phone's own record.
    pub record: Arc<DownloadRecord>,
    /// Its bytes.
    pub content: Arc<Content>,
}

/// What one device did under its name.
#[derive(Debug, Default)]
pub(super) struct Device {
    pub(super) downloads: VecDeque<Arc<DownloadRecord>>,
    pub(super) reports: VecDeque<Arc<ListAlarm>>,
    pub(super) identities: VecDeque<Arc<Identity>>,
    /// Addresses in the order in which it used them.
    pub(super) addresses: Vec<IpAddr>,
    substantial: bool,
}

/// What happened at one address without a name.
#[derive(Debug, Default)]
pub(super) struct Station {
    pub(super) downloads: VecDeque<Arc<DownloadRecord>>,
    pub(super) sessions: VecDeque<Arc<TlsSession>>,
    pub(super) identities: VecDeque<Arc<Identity>>,
    /// Who was seen here.
    pub(super) tenants: Tenants,
    substantial: bool,
}

/// A set of addresses that is bounded: once it is full, every address is in it.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    known: HashSet<IpAddr>,
    is_full: bool,
}

impl Addresses {
    fn insert(&mut self, address: IpAddr) {
        if self.known.len() < MOST_ADDRESSES {
            self.known.insert(address);
        } else {
            self.is_full |= !self.known.contains(&address);
        }
    }

    pub(super) fn contains(&self, address: &IpAddr) -> bool {
        self.is_full || self.known.contains(address)
    }
}

impl Roster {
    /// An empty roster that reads downloaded files with `files`.
    pub fn new(files: Files, limits: Limits) -> Self {
        Self {
            limits,
            files,
            devices: Table::new(),
            stations: Table::new(),
            servers: Addresses::default(),
            lost: Addresses::default(),
            clocks: Arc::default(),
            told: BTreeMap::new(),
            forgotten: 0,
            lost_phones: 0,
            weight: 0,
            changes: Changes::default(),
            kept: None,
        }
    }

    /// Which moments can be ordered, as far as is known by now.
    pub fn set_clocks(&mut self, clocks: Clocks) {
        self.clocks = Arc::new(clocks);
    }

    /// Whose some addresses are, as the engineer says. To be set before the first event.
    pub fn set_told(&mut self, told: BTreeMap<IpAddr, DeviceName>) {
        self.told = told;
    }

    /// Takes an event.
    pub fn event(&mut self, event: Event) {
        match event {
            Event::Download(download) => self.download(*download),
            Event::Tls(session) => self.session(*session),
            Event::ListAlarm(report) => self.report(*report),
            Event::Identity(identity) => self.identity(*identity),
            Event::Lease(lease) => self.lease(&lease),
        }
        if self.weight > self.limits.bytes {
            self.lighten();
        }
        self.note_lost();
    }

    /// Weighs everything anew, for what was announced again was counted again. Where it is really too much, what weighs most is
    /// forgotten until half of what there may be is left, so that the next time is far away.
    #[cold]
    fn lighten(&mut self) {
        let devices = self.devices.iter().map(|(name, device)| (device.weight(), PhoneKey::Device(name.clone())));
        let stations = self.stations.iter().map(|(address, station)| (station.weight(), PhoneKey::Address(*address)));
        let mut all: Vec<_> = devices.chain(stations).collect();
        self.weight = all.iter().map(|(weight, _)| weight).sum();
        if self.weight <= self.limits.bytes / 4 * 3 {
            return;
        }
        all.sort_by(|one, other| other.cmp(one));
        for (weight, key) in all {
            if self.weight <= self.limits.bytes / 2 {
                break;
            }
            self.weight -= weight;
            match key {
                PhoneKey::Device(name) => self.devices.remove(&name),
                PhoneKey::Address(address) => self.stations.remove(&address),
            }
        }
        self.devices.forget_removed();
        self.stations.forget_removed();
    }

    /// Counts what had to go. What is forgotten of an address is remembered to be forgotten: else the next one seen there would be
    /// taken for the only one.
    fn note_lost(&mut self) {
        for (_, device) in self.devices.take_gone() {
            self.forgotten += 1;
            self.lost_phones += u64::from(device.substantial);
            for &address in &device.addresses {
                self.lost.insert(address);
                self.changes.address(address);
            }
        }
        for (address, station) in self.stations.take_gone() {
            self.forgotten += 1;
            self.lost_phones += u64::from(station.substantial);
            self.lost.insert(address);
            // What was seen there is missing in the phones that had the address.
            station.tenants.devices().for_each(|device| self.changes.device(device));
        }
    }

    /// How many device names are held, and how many addresses.
    pub fn held(&self) -> (usize, usize) {
        (self.devices.len(), self.stations.len())
    }

    /// From now on, notes which phones change: see [`Self::take_changes`].
    pub fn follow_changes(&mut self) {
        self.changes.follow();
    }

    /// The phones that changed since this was asked last.
    pub fn take_changes(&mut self) -> Changed {
        let Self { changes, stations, devices, forgotten, .. } = self;
        let devices_at = |address| stations.get(&address).into_iter().flat_map(|station| station.tenants.devices());
        let addresses_of =
            |device: &DeviceName| devices.get(device).into_iter().flat_map(|device| &device.addresses).copied();
        changes.take(*forgotten, devices_at, addresses_of)
    }

    /// From now on, only trust lists get checksums: those of configurations cost the most time, and a report that shows none
    /// has no use for them.
    pub const fn hash_only_lists(&mut self) {
        self.files.hash_only_lists();
    }

    /// From now on, keeps complete files for [`Self::take_files`].
    pub fn follow_files(&mut self) {
        self.kept.get_or_insert_default();
    }

    /// The complete files that came since this was asked last. To be asked often: until then they are held.
    pub fn take_files(&mut self) -> Vec<KeptFile> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The keys of all phones, in no order; those of addresses where nothing is of nobody are among them.
    pub fn keys(&self) -> impl Iterator<Item = PhoneKey> {
        let devices = self.devices.iter().map(|(name, _)| PhoneKey::Device(name.clone()));
        devices.chain(self.stations.iter().map(|(&address, _)| PhoneKey::Address(address)))
    }

    /// Records forgotten because of the limits.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Of those, names and addresses of which a file or a certificate was seen: phones that a report lacks.
    pub const fn lost_phones(&self) -> u64 {
        self.lost_phones
    }

    fn download(&mut self, download: Download) {
        let mut understood = match &download.content {
            Some(content) => self.files.read(download.asked_for.as_deref(), content),
            None => self.understood_before(&download).unwrap_or_default(),
        };
        understood.digests = understood.digests.or(download.hashed);
        let name = download.asked_for.as_deref().or(understood.signed_name.as_deref());
        let kind = match &understood.list {
            Some(list) => list.file_kind(),
            None => name.map_or(FileKind::Other, FileKind::from_name),
        };
        let device = name.and_then(DeviceName::from_file);
        let address = download.client.ip();
        let record = Arc::new(DownloadRecord {
            id: download.id,
            transport: download.transport,
            signed_as: SignedAs::new(understood.signed_name, download.asked_for.as_deref()),
            asked_for: download.asked_for,
            kind,
            client: download.client,
            server: download.server,
            ending: download.ending,
            taken: download.taken,
            client_seen: download.client_seen,
            hardware: download.hardware,
            completed: download.completed,
            digests: understood.digests,
            retransmits: download.retransmits,
            was_read: understood.was_read,
            list: understood.list,
            signature: understood.signature,
            config: understood.config,
            span: download.span,
        });
        if let (Some(kept), Some(content)) = (&mut self.kept, download.content) {
            kept.push(KeptFile { record: Arc::clone(&record), content });
        }
        self.weight += record.weight();
        let substantial = record.outcome() == Outcome::Complete;
        if substantial && record.taken == Taken::Acknowledged {
            self.servers.insert(record.server.ip());
        }
        let most = self.limits.each;
        self.changes.address(address);
        let Some(name) = device else {
            let station = self.stations.get_or_insert(address, self.limits.phones);
            station.substantial |= substantial;
            self.forgotten += put(&mut station.downloads, record, most, |record| record.id);
            return;
        };
        let device = self.device_at(name, address, (record.span.first, record.span.last));
        device.substantial |= substantial;
        let gone = put(&mut device.downloads, record, most, |record| record.id);
        self.forgotten += gone;
    }

    /// What the file of a download turned out to be when it was announced with its bytes.
    fn understood_before(&self, download: &Download) -> Option<Understood> {
        download.length()?;
        let station = self.stations.get(&download.client.ip())?;
        let named = download.asked_for.as_deref().and_then(DeviceName::from_file);
        let devices = named.iter().chain(station.tenants.stays.iter().rev().map(|stay| &stay.device));
        let of_devices = devices.filter_map(|name| self.devices.get(name)).map(|device| &device.downloads);
        let mut records = of_devices.chain([&station.downloads]).flat_map(|downloads| downloads.iter().rev());
        let record = records.find(|record| record.id == download.id && record.length() == download.length())?;
        Some(Understood {
            signed_name: record.signed_as().map(str::to_owned),
            list: record.list.clone(),
            signature: record.signature.clone(),
            config: record.config.clone(),
            digests: record.digests,
            was_read: record.was_read,
        })
    }

    fn session(&mut self, session: TlsSession) {
        self.weight += session.weight();
        self.changes.address(session.client.ip());
        if session.service != Service::Other && session.certificate.is_some() {
            self.servers.insert(session.server.ip());
        }
        let station = self.stations.get_or_insert(session.client.ip(), self.limits.phones);
        station.substantial |= session.certificate_status != CertificateStatus::NotCaptured;
        self.forgotten += put(&mut station.sessions, Arc::new(session), self.limits.each, |session| session.id);
    }

    fn report(&mut self, report: ListAlarm) {
        let Some(name) = report.device.as_deref().and_then(DeviceName::new) else { return };
        let (address, moment, most) = (report.client.ip(), report.moment, self.limits.each);
        let device = self.device_at(name, address, (moment, moment));
        device.substantial = true;
        // Over UDP a phone repeats its request until it is answered (RFC 3261 17.1.2.2).
        let repeats = |last: &Arc<ListAlarm>| {
            moment.time.nanos_since(last.moment.time) < REPEATED_WITHIN
                && ListAlarm { moment: last.moment, ..report.clone() } == **last
        };
        if device.reports.back().is_some_and(repeats) {
            return;
        }
        let weight = report.weight();
        device.reports.push_back(Arc::new(report));
        if device.reports.len() > most {
            device.reports.pop_front();
            self.forgotten += 1;
        }
        self.weight += weight;
    }

    fn identity(&mut self, identity: Identity) {
        let name = identity.device.as_deref().and_then(DeviceName::new);
        let most = self.limits.each;
        let moment = identity.moment;
        let identities = match (name, identity.address) {
            (Some(name), Some(address)) => &mut self.device_at(name, address, (moment, moment)).identities,
            (Some(name), None) => {
                self.changes.device(&name);
                &mut self.devices.get_or_insert(name, self.limits.phones).identities
            }
            (None, Some(address)) => {
                self.changes.address(address);
                &mut self.stations.get_or_insert(address, self.limits.phones).identities
            }
            (None, None) => return,
        };
        // The same announcement comes every minute: only what is new is kept.
        let news = |known: &Arc<Identity>| Identity { moment: identity.moment, ..(**known).clone() } != identity;
        if identities.iter().all(news) {
            let weight = identity.weight();
            identities.push_back(Arc::new(identity));
            if identities.len() > most {
                identities.pop_front();
                self.forgotten += 1;
            }
            self.weight += weight;
        }
    }

    /// An address that nobody was seen at needs no note of who has it.
    fn lease(&mut self, lease: &Lease) {
        if let Some(station) = self.stations.get_mut(&lease.address) {
            station.tenants.lease(lease.moment, lease.hardware);
            self.changes.address(lease.address);
        }
    }

    /// The device, seen at this address from one moment to another.
    fn device_at(&mut self, name: DeviceName, address: IpAddr, seen: (Moment, Moment)) -> &mut Device {
        self.changes.device(&name);
        self.changes.address(address);
        let station = self.stations.get_or_insert(address, self.limits.phones);
        station.tenants.sign(&name, seen, &self.clocks);
        station.tenants.has_lost_some |= self.lost.contains(&address);
        let most = self.limits.each;
        let device = self.devices.get_or_insert(name, self.limits.phones);
        if device.addresses.last() != Some(&address) && device.addresses.len() < most {
            device.addresses.retain(|&known| known != address);
            device.addresses.push(address);
        }
        device
    }
}

/// Puts a record in the place of the earlier one with its id, else at the end. Returns how many had to go for it.
fn put<T>(records: &mut VecDeque<Arc<T>>, record: Arc<T>, most: usize, id: impl Fn(&T) -> u64) -> u64 {
    let wanted = id(&record);
    if let Some(earlier) = records.iter_mut().rev().find(|earlier| id(earlier) == wanted) {
        *earlier = record;
        return 0;
    }
    records.push_back(record);
    if records.len() > most {
        records.pop_front();
        return 1;
    }
    0
}

impl Substantial for Device {
    fn is_substantial(&self) -> bool {
        self.substantial
    }
}

impl Substantial for Station {
    fn is_substantial(&self) -> bool {
        self.substantial
    }
}

impl Weigh for Device {
    fn weight(&self) -> usize {
        let downloads = self.downloads.iter().map(|download| download.weight());
        let reports = self.reports.iter().map(|report| report.weight());
        let identities = self.identities.iter().map(|identity| identity.weight());
        size_of::<Self>() + downloads.chain(reports).chain(identities).sum::<usize>()
    }
}

impl Weigh for Station {
    fn weight(&self) -> usize {
        let downloads = self.downloads.iter().map(|download| download.weight());
        let sessions = self.sessions.iter().map(|session| session.weight());
        let identities = self.identities.iter().map(|identity| identity.weight());
        size_of::<Self>() + downloads.chain(sessions).chain(identities).sum::<usize>()
    }
}
