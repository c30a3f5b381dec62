//! Who did what: events find their phone here.
//!
//! A file name tells the device; a TLS session and a file like `CTLFile.tlv` tell only an address. What happened at an
//! address belongs to the device that was seen there. Where several were, one after the other with a long pause between, each
//! has what happened in its time; where they were there at once, the address is shared (NAT), and what happened there is
//! nobody's.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use super::changes::{Changed, Changes, PhoneKey};
use super::files::{FileKind, Files, Understood};
use super::name::DeviceName;
use super::record::{DownloadRecord, Phone};
use super::table::{Substantial, Table};
use super::weight::Weigh;
use crate::capture::{Moment, Timestamp};
use crate::event::Content;
use crate::event::{CertificateStatus, Download, Event, Identity, ListAlarm, Outcome, Service, TlsSession};

/// Devices at one address with less time between them share it. A released address is given out again much later.
const SHARED_WITHIN: u64 = 900_000_000_000;
/// The same report again within this time is the same request, sent again.
const REPEATED_WITHIN: u64 = 32_000_000_000;
/// Devices remembered at one address; more of them share it anyway.
const MOST_STAYS: usize = 16;

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
    devices: Table<DeviceName, Device>,
    stations: Table<IpAddr, Station>,
    forgotten: u64,
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
struct Device {
    downloads: VecDeque<Arc<DownloadRecord>>,
    reports: VecDeque<Arc<ListAlarm>>,
    identities: VecDeque<Arc<Identity>>,
    /// Addresses in the order in which it used them.
    addresses: Vec<IpAddr>,
    substantial: bool,
}

/// What happened at one address without a name.
#[derive(Debug, Default)]
struct Station {
    downloads: VecDeque<Arc<DownloadRecord>>,
    sessions: VecDeque<Arc<TlsSession>>,
    identities: VecDeque<Arc<Identity>>,
    /// Devices seen here: from when to when.
    devices: Vec<Stay>,
    substantial: bool,
}

#[derive(Debug, Clone)]
struct Stay {
    device: DeviceName,
    from: Timestamp,
    to: Timestamp,
}

impl Roster {
    /// An empty roster that reads downloaded files with `files`.
    pub fn new(files: Files, limits: Limits) -> Self {
        Self {
            limits,
            files,
            devices: Table::new(),
            stations: Table::new(),
            forgotten: 0,
            weight: 0,
            changes: Changes::default(),
            kept: None,
        }
    }

    /// Takes an event.
    pub fn event(&mut self, event: Event) {
        match event {
            Event::Download(download) => self.download(*download),
            Event::Tls(session) => self.session(*session),
            Event::ListAlarm(report) => self.report(*report),
            Event::Lease(_) => {}
            Event::Identity(identity) => self.identity(*identity),
        }
        if self.weight > self.limits.bytes {
            self.lighten();
        }
    }

    /// Weighs everything anew, for what was told again was counted again. Where it is really too much, what weighs most is
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
            self.forgotten += 1;
            match key {
                PhoneKey::Device(name) => self.devices.remove(&name),
                PhoneKey::Address(address) => self.stations.remove(&address),
            }
        }
        self.devices.forget_removed();
        self.stations.forget_removed();
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
        let Self { changes, stations, forgotten, .. } = self;
        let devices_at = |address| {
            stations.get(&address).into_iter().flat_map(|station| station.devices.iter().map(|stay| &stay.device))
        };
        changes.take(*forgotten, devices_at)
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

    /// The phone of this key, as it stands.
    pub fn find(&self, key: &PhoneKey) -> Option<Phone> {
        match key {
            PhoneKey::Device(name) => self.devices.get(name).map(|device| self.phone(name, device)),
            PhoneKey::Address(address) => nameless(*address, self.stations.get(address)?),
        }
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

    fn download(&mut self, download: Download) {
        let mut understood = match &download.content {
            Some(content) => self.files.read(download.asked_for.as_deref(), content),
            None => self.understood_before(&download).unwrap_or_default(),
        };
        understood.digests = understood.digests.or(download.hashed);
        let file = download.asked_for.or(understood.signed_name);
        let kind = match &understood.list {
            Some(list) => list.file_kind(),
            None => file.as_deref().map_or(FileKind::Other, FileKind::from_name),
        };
        let device = file.as_deref().and_then(DeviceName::from_file);
        let address = download.client.ip();
        let record = Arc::new(DownloadRecord {
            id: download.id,
            transport: download.transport,
            file,
            kind,
            client: download.client,
            server: download.server,
            outcome: download.ending.outcome(),
            reason: download.ending.reason(),
            length: download.ending.length(),
            digests: understood.digests,
            retransmits: download.retransmits,
            list: understood.list,
            signature: understood.signature,
            config: understood.config,
            span: download.span,
        });
        if let (Some(kept), Some(content)) = (&mut self.kept, download.content) {
            kept.push(KeptFile { record: Arc::clone(&record), content });
        }
        self.weight += record.weight();
        let substantial = record.outcome == Outcome::Complete;
        let most = self.limits.each;
        self.changes.address(address);
        let Some(name) = device else {
            let station = self.stations.get_or_insert(address, self.limits.phones, &mut self.forgotten);
            station.substantial |= substantial;
            self.forgotten += put(&mut station.downloads, record, most, |record| record.id);
            return;
        };
        let device = self.device_at(name, address, (record.span.first.time, record.span.last.time));
        device.substantial |= substantial;
        let gone = put(&mut device.downloads, record, most, |record| record.id);
        self.forgotten += gone;
    }

    /// What the file of a download turned out to be when it was told with its bytes.
    fn understood_before(&self, download: &Download) -> Option<Understood> {
        download.length()?;
        let station = self.stations.get(&download.client.ip())?;
        let named = download.asked_for.as_deref().and_then(DeviceName::from_file);
        let devices = named.iter().chain(station.devices.iter().rev().map(|stay| &stay.device));
        let of_devices = devices.filter_map(|name| self.devices.get(name)).map(|device| &device.downloads);
        let mut records = of_devices.chain([&station.downloads]).flat_map(|downloads| downloads.iter().rev());
        let record = records.find(|record| record.id == download.id && record.length == download.length())?;
        Some(Understood {
            // It is the name of the record where nobody saw the request.
            signed_name: record.file.clone(),
            list: record.list.clone(),
            signature: record.signature.clone(),
            config: record.config.clone(),
            digests: record.digests,
        })
    }

    fn session(&mut self, session: TlsSession) {
        self.weight += session.weight();
        self.changes.address(session.client.ip());
        let station = self.stations.get_or_insert(session.client.ip(), self.limits.phones, &mut self.forgotten);
        station.substantial |= session.certificate_status != CertificateStatus::NotCaptured;
        self.forgotten += put(&mut station.sessions, Arc::new(session), self.limits.each, |session| session.id);
    }

    fn report(&mut self, report: ListAlarm) {
        let Some(name) = report.device.as_deref().and_then(DeviceName::new) else { return };
        let (address, time, most) = (report.client.ip(), report.moment.time, self.limits.each);
        let device = self.device_at(name, address, (time, time));
        device.substantial = true;
        // Over UDP a phone repeats its request until it is answered (RFC 3261 17.1.2.2).
        let repeats = |last: &Arc<ListAlarm>| {
            time.nanos_since(last.moment.time) < REPEATED_WITHIN
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
        let identities = match (name, identity.address) {
            (Some(name), Some(address)) => {
                let time = identity.moment.time;
                &mut self.device_at(name, address, (time, time)).identities
            }
            (Some(name), None) => {
                self.changes.device(&name);
                &mut self.devices.get_or_insert(name, self.limits.phones, &mut self.forgotten).identities
            }
            (None, Some(address)) => {
                self.changes.address(address);
                &mut self.stations.get_or_insert(address, self.limits.phones, &mut self.forgotten).identities
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

    /// The device, seen at this address from one time to another.
    fn device_at(&mut self, name: DeviceName, address: IpAddr, (from, to): (Timestamp, Timestamp)) -> &mut Device {
        self.changes.device(&name);
        self.changes.address(address);
        let station = self.stations.get_or_insert(address, self.limits.phones, &mut self.forgotten);
        station.stay(&name, from, to);
        let most = self.limits.each;
        let device = self.devices.get_or_insert(name, self.limits.phones, &mut self.forgotten);
        if device.addresses.last() != Some(&address) && device.addresses.len() < most {
            device.addresses.retain(|&known| known != address);
            device.addresses.push(address);
        }
        device
    }

    /// All phones: those with a name by name, then the addresses without one.
    pub fn phones(&self) -> Vec<Phone> {
        let mut phones: Vec<Phone> = self.devices.iter().map(|(name, device)| self.phone(name, device)).collect();
        phones.sort_by(|a, b| a.name.cmp(&b.name));
        let mut nameless: Vec<Phone> =
            self.stations.iter().filter_map(|(&address, station)| nameless(address, station)).collect();
        nameless.sort_by(|a, b| a.addresses.cmp(&b.addresses));
        phones.extend(nameless);
        phones
    }

    fn phone(&self, name: &DeviceName, device: &Device) -> Phone {
        let mut downloads: Vec<_> = device.downloads.iter().cloned().collect();
        let mut sessions = Vec::new();
        let mut identities: Vec<_> = device.identities.iter().cloned().collect();
        for address in &device.addresses {
            let Some(station) = self.stations.get(address) else { continue };
            let owns = |moment: Moment| station.owner(moment.time) == Owner::One(name);
            downloads.extend(station.downloads.iter().filter(|download| owns(download.span.first)).cloned());
            sessions.extend(station.sessions.iter().filter(|session| owns(session.span.first)).cloned());
            identities.extend(station.identities.iter().filter(|identity| owns(identity.moment)).cloned());
        }
        downloads.sort_by_key(|download| (download.span.first, download.id));
        sessions.sort_by_key(|session: &Arc<TlsSession>| (session.span.first, session.id));
        identities.sort_by_key(|identity| identity.moment);
        Phone {
            name: Some(name.clone()),
            addresses: device.addresses.clone(),
            downloads,
            sessions,
            reports: device.reports.iter().cloned().collect(),
            identities,
            shared_by: Vec::new(),
        }
    }
}

/// Whose an event at an address is.
#[derive(Debug, PartialEq, Eq)]
enum Owner<'a> {
    One(&'a DeviceName),
    Shared,
    Nobody,
}

impl Station {
    fn stay(&mut self, device: &DeviceName, from: Timestamp, to: Timestamp) {
        if let Some(stay) = self.devices.iter_mut().find(|stay| stay.device == *device) {
            stay.from = stay.from.min(from);
            stay.to = stay.to.max(to);
        } else if self.devices.len() < MOST_STAYS {
            self.devices.push(Stay { device: device.clone(), from, to });
        }
    }

    fn is_shared(&self) -> bool {
        self.devices.len() >= MOST_STAYS
            || self.devices.iter().enumerate().any(|(index, one)| {
                self.devices.iter().skip(index + 1).any(|other| {
                    let (earlier, later) = if one.from <= other.from { (one, other) } else { (other, one) };
                    later.from.nanos_since(earlier.to) < SHARED_WITHIN
                })
            })
    }

    fn owner(&self, time: Timestamp) -> Owner<'_> {
        match &self.devices[..] {
            [] => Owner::Nobody,
            [only] => Owner::One(&only.device),
            _ if self.is_shared() => Owner::Shared,
            several => {
                let before = several.iter().filter(|stay| stay.from <= time).max_by_key(|stay| stay.from);
                let owner = before.or_else(|| several.iter().min_by_key(|stay| stay.from));
                owner.map_or(Owner::Nobody, |stay| Owner::One(&stay.device))
            }
        }
    }
}

/// An address as a phone of its own, where what happened there is of no device, or of nobody knows which.
fn nameless(address: IpAddr, station: &Station) -> Option<Phone> {
    let is_nobodys = |moment: Moment| !matches!(station.owner(moment.time), Owner::One(_));
    let downloads: Vec<_> =
        station.downloads.iter().filter(|download| is_nobodys(download.span.first)).cloned().collect();
    // TLS to ports that are not examined anyway is of interest only where a phone speaks it.
    let known = !downloads.is_empty() || !station.devices.is_empty();
    let sessions: Vec<_> = station
        .sessions
        .iter()
        .filter(|session| is_nobodys(session.span.first) && (known || session.service != Service::Other))
        .cloned()
        .collect();
    if downloads.is_empty() && sessions.is_empty() {
        return None;
    }
    let shared_by = station.devices.iter().map(|stay| stay.device.clone()).collect();
    let identities = station.identities.iter().filter(|identity| is_nobodys(identity.moment)).cloned().collect();
    let reports = Vec::new();
    Some(Phone { name: None, addresses: vec![address], downloads, sessions, reports, identities, shared_by })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{FrameId, Span};
    use crate::event::{DownloadEnding, Refusal, Taken, Transport};
    use crate::packet::at;

    fn roster(phones: usize) -> Roster {
        Roster::new(Files::new(&[]), Limits { phones, ..Limits::default() })
    }

    fn download(id: u64, file: &str, client: &str, seconds: f64, outcome: Outcome) -> Event {
        let moment = Moment { time: at(seconds), frame: FrameId { source: 0, number: id } };
        Event::Download(Box::new(Download {
            id,
            transport: Transport::Tftp,
            asked_for: Some(file.to_owned()),
            client: client.parse().unwrap(),
            server: "14.48.44.80:69".parse().unwrap(),
            ending: match outcome {
                Outcome::Complete => DownloadEnding::Complete { length: 1 },
                Outcome::Refused => {
                    DownloadEnding::Refused(Refusal::Tftp { code: 1, message: "File not found".to_owned() })
                }
                _ => DownloadEnding::Open,
            },
            taken: Taken::Open,
            client_seen: true,
            hardware: None,
            content: None,
            hashed: None,
            retransmits: 0,
            completed: None,
            span: Span::starting(moment),
        }))
    }

    fn labels(roster: &Roster) -> Vec<(String, usize)> {
        roster.phones().iter().map(|phone| (phone.label(), phone.downloads.len())).collect()
    }

    #[test]
    fn one_phone_in_two_spellings_and_its_nameless_files() {
        let mut roster = roster(10);
        roster.event(download(1, "CTLSEP0011215A1AE3.tlv", "10.0.0.1:1", 0.0, Outcome::Pending));
        roster.event(download(1, "CTLSEP0011215A1AE3.tlv", "10.0.0.1:1", 0.0, Outcome::Refused));
        roster.event(download(2, "CTLFile.tlv", "10.0.0.1:2", 1.0, Outcome::Refused));
        roster.event(download(3, "sep0011215a1ae3.cnf.xml", "10.0.0.1:3", 2.0, Outcome::Complete));
        assert_eq!(labels(&roster), [("SEP0011215A1AE3".to_owned(), 3)]);
    }

    #[test]
    fn an_address_without_a_name_is_listed_by_itself() {
        let mut roster = roster(10);
        roster.event(download(1, "CTLFile.tlv", "10.0.0.9:2", 1.0, Outcome::Refused));
        assert_eq!(labels(&roster), [("10.0.0.9".to_owned(), 1)]);
    }

    #[test]
    fn what_weighs_most_goes_first() {
        let bytes = 64 << 10;
        let mut roster = Roster::new(Files::new(&[]), Limits { bytes, ..Limits::default() });
        roster.event(download(1, "ITLSEP000000000001.tlv", "10.0.0.1:1", 0.0, Outcome::Complete));
        for id in 2..2000 {
            let address = format!("10.1.0.{}:1", id % 50);
            let long = format!("SEP{id:012X}.cnf.xml{}", "x".repeat(400));
            roster.event(download(id, &long, &address, 1.0, Outcome::Complete));
            assert!(roster.weight <= bytes);
            let (devices, addresses) = roster.held();
            assert!(devices <= 100 && addresses <= 51, "{devices}, {addresses}");
        }
        assert!(labels(&roster).iter().any(|(label, _)| label == "SEP000000000001"), "it weighs less than the others");
        assert!(roster.devices.queued() <= 100 && roster.stations.queued() <= 51);
    }

    #[test]
    fn told_again_is_not_more() {
        let bytes = 64 << 10;
        let mut roster = Roster::new(Files::new(&[]), Limits { bytes, ..Limits::default() });
        for second in 0..2000 {
            let time = f64::from(second);
            roster.event(download(1, "ITLSEP000000000001.tlv", "10.0.0.1:1", time, Outcome::Pending));
        }
        assert_eq!(labels(&roster), [("SEP000000000001".to_owned(), 1)]);
        assert_eq!(roster.forgotten, 0);
    }

    #[test]
    fn two_phones_behind_one_address_keep_what_is_theirs() {
        let mut roster = roster(10);
        roster.event(download(1, "ITLSEP000000000001.tlv", "10.0.0.1:1", 0.0, Outcome::Complete));
        roster.event(download(2, "ITLSEP000000000002.tlv", "10.0.0.1:2", 5.0, Outcome::Complete));
        roster.event(download(3, "CTLFile.tlv", "10.0.0.1:3", 6.0, Outcome::Refused));
        let phones = roster.phones();
        assert_eq!(phones.len(), 3);
        assert_eq!(phones[2].name, None, "whose CTLFile.tlv this was is not known");
        assert_eq!(phones[2].shared_by.len(), 2);
    }

    #[test]
    fn an_address_given_to_another_phone_later() {
        let mut roster = roster(10);
        roster.event(download(1, "ITLSEP000000000001.tlv", "10.0.0.1:1", 0.0, Outcome::Complete));
        roster.event(download(2, "CTLFile.tlv", "10.0.0.1:3", 1.0, Outcome::Refused));
        roster.event(download(3, "ITLSEP000000000002.tlv", "10.0.0.1:2", 9000.0, Outcome::Complete));
        roster.event(download(4, "CTLFile.tlv", "10.0.0.1:4", 9001.0, Outcome::Refused));
        assert_eq!(labels(&roster), [("SEP000000000001".to_owned(), 2), ("SEP000000000002".to_owned(), 2)]);
    }

    #[test]
    fn a_flood_of_names_does_not_push_out_real_phones() {
        let mut roster = roster(100);
        for number in 0..50u64 {
            let client = format!("10.0.0.{number}:1");
            roster.event(download(number, &format!("ITLSEP{number:012}.tlv"), &client, 0.0, Outcome::Complete));
        }
        for number in 100..20_000u64 {
            let file = format!("ITLSEP{number:012}.tlv");
            let client = format!("10.1.{}.{}:1", number / 250, number % 250);
            roster.event(download(number, &file, &client, 1.0, Outcome::Pending));
        }
        let phones = roster.phones();
        assert_eq!(phones.iter().filter(|phone| phone.last_list(FileKind::Itl).is_some()).count(), 50);
        assert!(roster.devices.len() <= 100 && roster.devices.queued() <= 100);
        assert!(roster.forgotten() > 0);
    }

    #[test]
    fn a_flood_of_names_from_one_address_is_no_work() {
        let mut roster = roster(1000);
        for number in 0..20_000u64 {
            roster.event(download(number, &format!("ITLSEP{number:012}.tlv"), "10.0.0.1:1", 0.0, Outcome::Pending));
        }
        let station = roster.stations.get(&"10.0.0.1".parse().unwrap()).unwrap();
        assert!(station.devices.len() <= MOST_STAYS);
        assert!(station.is_shared());
    }
}
