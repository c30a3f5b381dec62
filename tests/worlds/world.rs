//! A world, as a plan: who is there, what is renewed when, who does what, who records it, what an engineer says of it.
//!
//! In: a seed. Out: [`World`], plain data without a cause, so that elements can be taken away one by one. It refuses to know
//! what comes of it.

use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::pki::{CAPF, CCM_TFTP, Cert, FORGER, Fault, Kind, List, Role, Row, SAST, TFTP, TVS};

/// Seconds of every world's beginning: 2025-06-02 08:00 UTC.
pub(crate) const START: i64 = 1_748_851_200;
/// Nanoseconds.
pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const MILLISECOND: i64 = 1_000_000;

/// What is as usual is not written down.
fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_true(value: &bool) -> bool {
    *value
}

const fn yes() -> bool {
    true
}

fn since_ever(from: &i64) -> bool {
    *from == i64::MIN / 2
}

const fn ever() -> i64 {
    i64::MIN / 2
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) phones: Vec<Phone>,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) hosts: Vec<Host>,
    pub(crate) recorders: Vec<Recorder>,
    /// Nothing is recorded from here on; seconds.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) end: Option<i64>,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) words: Vec<Word>,
}

/// Who signs what (domain-2026.md 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Release {
    /// 8.0 to 9.x: no ITLRecovery.
    Nine,
    /// 10.0 to 11.5: CallManager signs, ITLRecovery may.
    Eleven,
    /// 12.0 and later: ITLRecovery signs.
    Fourteen,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub(crate) release: Release,
    pub(crate) nodes: u8,
    /// The CTL's signer, in mixed mode.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) ctl: Option<CtlSigner>,
    /// So many of its TVS stand in configurations, beginning with the publisher's; all where none is said.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) group: Option<u8>,
    /// It was switched off, and its keys are gone.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) gone: bool,
    /// Old keys were saved.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) backup: bool,
    /// What the servers are like, from when; the first since ever.
    pub(crate) eras: Vec<Era>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CtlSigner {
    Token,
    CallManager,
}

/// The servers of a cluster for some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Era {
    /// Seconds after the start.
    #[serde(default = "ever", skip_serializing_if = "since_ever")]
    pub(crate) from: i64,
    /// Versions, by node.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) call_manager: [u8; 2],
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) tvs: [u8; 2],
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) recovery: u8,
    /// The versions that the TVS services present: they were not restarted, perhaps.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) presents: [u8; 2],
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) tvs_state: [TvsState; 2],
    /// The era whose list TFTP serves: it was not restarted, perhaps.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) served: usize,
    /// `utils itl reset localkey` was run.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) localkey: bool,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) fault: Option<Fault>,
    /// The served list is signed by another key under the signer's names.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) forged: bool,
    /// "Prepare Cluster for Rollback".
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) rollback: bool,
    /// Lists of phones are there under their own names.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub(crate) has_lists: bool,
    /// TFTP answers.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub(crate) answers: bool,
}

#[derive(Default, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TvsState {
    #[default]
    Up,
    /// Up, but knows nothing of new certificates.
    Ignorant,
    /// No answer to a SYN.
    Silent,
    /// RST to a SYN.
    Closed,
    /// Ends handshakes with `handshake_failure`.
    Mismatch,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Phone {
    pub(crate) mac: u32,
    /// Where it gets its files.
    pub(crate) cluster: u8,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) node: u8,
    /// What it had before: nothing, or the list of an era of a cluster.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) came_with: Option<(u8, usize)>,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) holds_ctl: bool,
    pub(crate) address: [u8; 4],
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) tls: Tls,
    pub(crate) refuses: Refusal,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) alarm: Alarm,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) http: bool,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) registers: bool,
    /// Takes up earlier sessions with a TVS that it knows, without seeing its certificate again.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) resumes: bool,
    /// Asks for further signed files.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) further: bool,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) sees_mac: bool,
    /// A phone that gets nowhere begins again, so often.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) again: u8,
    pub(crate) boots: Vec<Boot>,
}

#[derive(Default, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tls {
    #[default]
    One,
    OneTwo,
    OneThree,
}

/// How a phone ends a session whose certificate it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    UnknownCa,
    BadCertificate,
    Fin,
    Rst,
}

#[derive(Default, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Alarm {
    #[default]
    No,
    Udp,
    Tcp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Boot {
    /// Seconds after the start.
    pub(crate) at: i64,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) dhcp: bool,
    /// A new address from here on.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) moves_to: Option<[u8; 4]>,
    /// Presses Directories afterwards.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) directory: bool,
    /// Milliseconds between what it does.
    pub(crate) pace: i64,
    /// The server repeats the last block of the list so many milliseconds later.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) late_block: Option<i64>,
    /// Every so-many-th request or block is sent twice.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) repeats: Option<u8>,
    /// Somebody deleted its lists before.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) erased: bool,
    /// Another host answers its request for the list as well, later, with an empty one.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) rival: bool,
    /// It has no room for the list, and says so behind the last block.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) aborts: bool,
}

/// Somebody else who does something, at a time, for a phone's files or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) does: Deed,
    /// The phone that it is about.
    pub(crate) phone: usize,
    pub(crate) address: [u8; 4],
    pub(crate) at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deed {
    /// An engineer's PC fetches the phone's list, and looks at TVS.
    LooksAtList,
    /// A host reads the phone's configuration, and connects to TVS.
    ReadsConfig,
    /// A host connects to TVS.
    Scans,
    /// One request with the phone's name that nobody answers, and a connection to TVS.
    Misspells,
    /// Forwards the phone's alarm and registration from its own address, and connects to TVS.
    Relays,
    /// A central TFTP server fetches the phone's files for it, and connects to TVS.
    Central,
    /// Somebody else sends an alarm in the phone's name, with the checksum of another list.
    Forges,
    /// Somebody else sends another list in blocks that nobody asked for.
    Injects,
    /// A router fetches its own configuration.
    Router,
    /// Somebody behind the phone's own address, without any file, connects to TVS: NAT, or the address was leased to another.
    SharesAddress,
    /// The same after a DHCP ACK gave the address to it.
    Leases,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recorder {
    pub(crate) sees: Sees,
    /// Of so many frames one is lost.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) loses: Option<u64>,
    /// Every frame is there twice.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) twice: bool,
    /// Its clock is ahead by so many milliseconds.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) skew: i64,
    /// From this second on the clock is ahead by so many seconds more.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) step: Option<(i64, i64)>,
    /// Of a frame no more than this is written down.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) snaps: Option<u32>,
    /// Frames before this second are missing.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub(crate) from: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sees {
    All,
    FromPhones,
    ToPhones,
    Udp,
    Tcp,
}

/// What an engineer says or gives, all of it true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word {
    /// The list that a node serves at the end, bound to it or not.
    Serves { cluster: u8, node: u8, bound: bool, whole: bool },
    /// The list of an earlier era, unbound.
    OldList { cluster: u8, node: u8, era: usize },
    /// The certificate that a TVS presents at the end.
    TvsCertificate { cluster: u8, node: u8 },
    /// The list on the phone at the end.
    Holds { phone: usize, whole: bool },
    /// What its screen shows at the end.
    Says { phone: usize },
    /// Its console log of one of its rounds, the last being 0.
    Console { phone: usize, back: usize },
    /// Its status messages, all of them.
    Status { phone: usize, dated: bool },
    /// CUCM's syslog, with the alarms of this phone up to the end.
    Syslog { phone: usize },
    /// Whether old keys were saved; all clusters are one world to the engineer.
    Backup,
}

impl Cluster {
    pub(crate) fn era_at(&self, seconds: i64) -> usize {
        self.eras.iter().rposition(|era| era.from <= seconds).unwrap_or(0)
    }
}

impl World {
    pub(crate) fn cert(&self, cluster: u8, role: Role, node: u8, era: usize) -> Cert {
        let era = &self.clusters[usize::from(cluster)].eras[era];
        let version = match role {
            Role::CallManager => era.call_manager[usize::from(node)],
            Role::Tvs => era.presents[usize::from(node)],
            Role::Recovery => era.recovery,
            _ => 0,
        };
        Cert::new(cluster, role, node, version)
    }

    /// The ITL that a node makes of the certificates of an era.
    pub(crate) fn itl(&self, cluster: u8, node: u8, index: usize) -> List {
        let Cluster { release, nodes, eras, .. } = &self.clusters[usize::from(cluster)];
        let era = &eras[index];
        let call_manager = self.cert(cluster, Role::CallManager, node, index);
        let publisher = self.cert(cluster, Role::CallManager, 0, index);
        let recovery = self.cert(cluster, Role::Recovery, 0, index);
        let row = |function, of| Row { function, of };
        let mut rows = match release {
            Release::Nine => vec![row(SAST, call_manager)],
            Release::Eleven => vec![row(SAST, call_manager), row(SAST, recovery)],
            Release::Fourteen => vec![row(SAST, recovery), row(SAST, publisher)],
        };
        rows.push(row(if *release == Release::Nine { CCM_TFTP } else { TFTP }, call_manager));
        rows.extend((0..*nodes).map(|node| row(TVS, Cert::new(cluster, Role::Tvs, node, era.tvs[usize::from(node)]))));
        rows.push(row(CAPF, Cert::new(cluster, Role::Capf, 0, 0)));
        let signer = match (release, era.localkey) {
            (Release::Nine, _) | (Release::Eleven, false) => call_manager,
            (Release::Eleven, true) | (Release::Fourteen, false) => recovery,
            (Release::Fourteen, true) => publisher,
        };
        if era.rollback {
            rows.clear();
        }
        let key = if era.forged { FORGER } else { signer.key() };
        let stamp = u32::try_from(START + i64::try_from(index).unwrap() * 1000 - 1_000_000).unwrap();
        let sha512 = *release == Release::Fourteen && cluster == 1;
        List { kind: Kind::Itl, signer, key, sha512, rows, fault: era.fault, stamp }
    }

    /// The list that a node serves in an era.
    pub(crate) fn served(&self, cluster: u8, node: u8, era: usize) -> List {
        self.itl(cluster, node, self.clusters[usize::from(cluster)].eras[era].served)
    }

    pub(crate) fn ctl(&self, cluster: u8, era: usize) -> Option<List> {
        let Cluster { ctl, nodes, .. } = &self.clusters[usize::from(cluster)];
        let publisher = self.cert(cluster, Role::CallManager, 0, era);
        let signer = match ctl.as_ref()? {
            CtlSigner::Token => Cert::new(cluster, Role::Token, 0, 0),
            CtlSigner::CallManager => publisher,
        };
        let row = |function, of| Row { function, of };
        let mut rows = vec![row(SAST, signer)];
        rows.extend((0..*nodes).map(|node| row(CCM_TFTP, self.cert(cluster, Role::CallManager, node, era))));
        rows.push(row(CAPF, Cert::new(cluster, Role::Capf, 0, 0)));
        let stamp = u32::try_from(START + i64::try_from(era).unwrap() * 1000 - 2_000_000).unwrap();
        Some(List { kind: Kind::Ctl, signer, key: signer.key(), sha512: false, rows, fault: None, stamp })
    }

    pub(crate) const fn address(cluster: u8, node: u8) -> [u8; 4] {
        [10, cluster + 1, 0, 10 + node]
    }

    /// Draws a world.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut world = Self::any(seed, &mut dice);
        // Phones that are stranded, and of which that is known, are rare among all worlds.
        if dice.chance(30) {
            strand(&mut dice, &mut world);
        }
        world
    }

    fn any(seed: u64, dice: &mut Dice) -> Self {
        let two = dice.chance(15);
        let clusters: Vec<_> = (0..=u8::from(two)).map(|_| cluster(dice)).collect();
        let count = dice.weighed(&[(50, 1), (30, 2), (20, 3)]);
        let mut phones: Vec<_> = (0..count).map(|index| phone(dice, index, &clusters)).collect();
        if phones.len() > 1 && dice.chance(12) {
            phones[1].address = phones[0].address;
            phones[1].sees_mac = false;
            phones[0].sees_mac = false;
        }
        if phones.len() > 1 && dice.chance(8) {
            // A lease goes from one to the other.
            phones[1].boots[0].at = phones[0].boots[0].at + 900;
            phones[1].boots.truncate(1);
            phones[1].boots[0].moves_to = Some(phones[0].address);
            phones[0].boots.truncate(1);
        }
        let last = phones.iter().flat_map(|phone| &phone.boots).map(|boot| boot.at).max().unwrap_or(0);
        let mut hosts = Vec::new();
        while hosts.len() < 3 && dice.chance(30) {
            hosts.push(host(dice, phones.len(), last));
        }
        let end = dice.chance(10).then(|| dice.between(2, last + 20));
        let recorders = recorders(dice, last);
        let words = words(dice, &clusters, &phones);
        Self { seed, clusters, phones, hosts, recorders, end, words }
    }
}

/// Both keys were renewed, nothing was saved, and an engineer says what he knows of the first phone.
fn strand(dice: &mut Dice, world: &mut World) {
    let cluster = &mut world.clusters[0];
    cluster.backup = false;
    let mut era = cluster.eras[0].clone();
    (era.from, era.served) = (-3600, 1);
    for node in 0..2 {
        if node == 0 || dice.chance(85) {
            (era.call_manager[node], era.tvs[node], era.presents[node]) = (1, 1, 1);
        }
    }
    era.recovery = u8::from(dice.chance(80));
    cluster.eras.truncate(1);
    cluster.eras.push(era);
    if dice.chance(85) {
        cluster.ctl = None;
    }
    world.clusters.iter_mut().for_each(|cluster| cluster.backup = false);
    for phone in &mut world.phones {
        phone.came_with = if dice.chance(85) { Some((0, 0)) } else { phone.came_with.map(|(of, _)| (of, 0)) };
        phone.holds_ctl = phone.came_with.is_some_and(|(of, _)| world.clusters[usize::from(of)].ctl.is_some());
        phone.boots.iter_mut().for_each(|boot| (boot.erased, boot.aborts) = (false, false));
        phone.tls = if dice.chance(85) { Tls::One } else { phone.tls };
    }
    if dice.chance(60) {
        world.recorders.truncate(1);
        world.recorders[0] =
            Recorder { sees: Sees::All, loses: None, twice: false, skew: 0, step: None, snaps: None, from: None };
        world.end = None;
    }
    world.words.retain(|word| match word {
        Word::Serves { .. } => true,
        Word::OldList { era, .. } => *era == 0,
        _ => false,
    });
    let whole = dice.chance(90);
    world.words.extend([Word::Holds { phone: 0, whole }, Word::Says { phone: 0 }]);
    if dice.chance(92) {
        world.words.push(Word::Backup);
    }
}

fn cluster(dice: &mut Dice) -> Cluster {
    let release = dice.pick(&[Release::Nine, Release::Eleven, Release::Fourteen]);
    let nodes = dice.weighed(&[(65, 1), (35, 2)]);
    let ctl = match dice.below(100) {
        0..10 => Some(CtlSigner::CallManager),
        10..15 => Some(CtlSigner::Token),
        _ => None,
    };
    let mut eras = vec![Era {
        from: i64::MIN / 2,
        call_manager: [0; 2],
        tvs: [0; 2],
        recovery: 0,
        presents: [0; 2],
        tvs_state: [TvsState::Up; 2],
        served: 0,
        localkey: false,
        fault: None,
        forged: false,
        rollback: false,
        has_lists: true,
        answers: true,
    }];
    let more = dice.weighed(&[(15, 0), (60, 1), (25, 2)]);
    for index in 1..=more {
        let before = eras.last().unwrap().clone();
        let from = if index == 1 && dice.chance(60) { -3600 } else { before.from.max(0) + dice.between(30, 4000) };
        let mut era =
            Era { from, served: index, fault: None, forged: false, rollback: false, localkey: false, ..before };
        let (call_manager, tvs, recovery) = dice.weighed(&[
            (20, (true, false, false)),
            (15, (false, true, false)),
            (35, (true, true, false)),
            (20, (true, true, true)),
            (5, (false, false, true)),
            (5, (false, false, false)),
        ]);
        let whole = dice.chance(75);
        for node in 0..2 {
            if whole || node == 0 {
                era.call_manager[node] += u8::from(call_manager);
                era.tvs[node] += u8::from(tvs);
            }
        }
        era.recovery += u8::from(recovery);
        if !dice.chance(10) {
            era.presents = era.tvs;
        }
        if dice.chance(12) {
            era.served = index - 1;
        }
        for node in 0..2 {
            era.tvs_state[node] = dice.weighed(&[
                (78, TvsState::Up),
                (5, TvsState::Ignorant),
                (6, TvsState::Silent),
                (5, TvsState::Closed),
                (3, TvsState::Mismatch),
            ]);
        }
        era.localkey = dice.chance(8);
        era.forged = dice.chance(3);
        era.fault = dice.weighed(&[(94, None), (4, Some(Fault::Corrupt)), (2, Some(Fault::Short))]);
        era.rollback = dice.chance(4);
        era.has_lists = !dice.chance(5);
        era.answers = !dice.chance(3);
        eras.push(era);
    }
    let group = (nodes > 1 && dice.chance(40)).then_some(1);
    Cluster { release, nodes, ctl, group, gone: dice.chance(25), backup: dice.chance(25), eras }
}

fn phone(dice: &mut Dice, index: u8, clusters: &[Cluster]) -> Phone {
    let at = &clusters[0];
    let node = u8::from(at.nodes > 1 && dice.chance(35));
    let foreign = clusters.len() > 1 && dice.chance(70);
    let came_with = match dice.below(100) {
        0..10 => None,
        _ if foreign => Some((1, 0)),
        10..85 => Some((0, 0)),
        _ => Some((0, at.era_at(0))),
    };
    let mut boots = Vec::new();
    let mut time = dice.between(5, 60);
    for _ in 0..dice.weighed(&[(55, 1), (30, 2), (15, 3)]) {
        boots.push(Boot {
            at: time,
            dhcp: dice.chance(30),
            moves_to: None,
            directory: dice.chance(20),
            pace: dice.pick(&[5, 20, 100, 600]),
            late_block: dice.chance(6).then(|| dice.between(50, 9000)),
            repeats: dice.chance(15).then(|| dice.pick(&[2, 5, 9])),
            erased: !boots.is_empty() && dice.chance(8),
            rival: dice.chance(4),
            aborts: dice.chance(4),
        });
        time += dice.pick(&[100, 400, 1500, 5000, 90_000]) + dice.between(0, 60);
    }
    if boots.len() > 1 && dice.chance(12) {
        boots[1].moves_to = Some([10, 20, 2, 20 + index]);
    }
    Phone {
        mac: 0x5a_1a_e0 + u32::from(index),
        cluster: 0,
        node,
        came_with,
        holds_ctl: came_with.is_some_and(|(cluster, _)| clusters[usize::from(cluster)].ctl.is_some()),
        address: [10, 20, 1, 20 + index],
        tls: dice.weighed(&[(50, Tls::One), (35, Tls::OneTwo), (15, Tls::OneThree)]),
        refuses: dice.pick(&[Refusal::UnknownCa, Refusal::BadCertificate, Refusal::Fin, Refusal::Rst]),
        alarm: dice.weighed(&[(50, Alarm::No), (25, Alarm::Udp), (25, Alarm::Tcp)]),
        http: dice.chance(15),
        registers: dice.chance(50),
        resumes: dice.chance(20),
        further: dice.chance(60),
        sees_mac: dice.chance(60),
        again: dice.weighed(&[(70, 0), (20, 1), (10, 2)]),
        boots,
    }
}

fn host(dice: &mut Dice, phones: usize, last: i64) -> Host {
    let does = dice.pick(&[
        Deed::LooksAtList,
        Deed::ReadsConfig,
        Deed::Scans,
        Deed::Misspells,
        Deed::Relays,
        Deed::Router,
        Deed::Central,
        Deed::Forges,
        Deed::Injects,
        Deed::SharesAddress,
        Deed::Leases,
    ]);
    let phone = usize::try_from(dice.below(phones as u64)).unwrap();
    let address = [10, 20, 9, u8::try_from(dice.below(200)).unwrap() + 5];
    Host { does, phone, address, at: dice.between(0, last + 400) }
}

fn recorders(dice: &mut Dice, last: i64) -> Vec<Recorder> {
    let plain = Recorder { sees: Sees::All, loses: None, twice: false, skew: 0, step: None, snaps: None, from: None };
    match dice.below(100) {
        0..50 => vec![plain],
        50..58 => vec![Recorder { sees: dice.pick(&[Sees::FromPhones, Sees::ToPhones]), ..plain }],
        58..70 => vec![Recorder { loses: Some(dice.pick(&[20, 50, 200])), ..plain }],
        70..75 => vec![Recorder { twice: true, ..plain }],
        75..80 => vec![Recorder { step: Some((dice.between(5, last + 5), dice.pick(&[-3600, -40, 3600]))), ..plain }],
        86..88 => vec![Recorder { snaps: Some(dice.pick(&[96, 300, 600])), ..plain }],
        80..86 => vec![Recorder { from: Some(dice.between(0, last + 1)), ..plain }],
        88..95 => {
            let skew = dice.pick(&[-7_200_000, -5000, -300, 300, 5000]);
            vec![Recorder { sees: Sees::Udp, ..plain.clone() }, Recorder { sees: Sees::Tcp, skew, ..plain }]
        }
        _ => {
            let skew = dice.pick(&[-5000, 300, 5000]);
            vec![Recorder { loses: Some(30), ..plain.clone() }, Recorder { skew, ..plain }]
        }
    }
}

fn words(dice: &mut Dice, clusters: &[Cluster], phones: &[Phone]) -> Vec<Word> {
    let mut words = Vec::new();
    let node = |dice: &mut Dice| u8::try_from(dice.below(u64::from(clusters[0].nodes))).unwrap();
    if dice.chance(35) {
        let (bound, whole) = (dice.chance(40), dice.chance(70));
        words.push(Word::Serves { cluster: 0, node: node(dice), bound, whole });
    }
    if dice.chance(35) {
        words.push(Word::OldList { cluster: 0, node: node(dice), era: 0 });
    }
    if dice.chance(8) {
        words.push(Word::TvsCertificate { cluster: 0, node: node(dice) });
    }
    for phone in 0..phones.len() {
        let holds = dice.chance(45);
        if holds {
            words.push(Word::Holds { phone, whole: dice.chance(75) });
        }
        match dice.below(100) {
            0..40 => words.push(Word::Says { phone }),
            40..50 => words.push(Word::Console { phone, back: usize::try_from(dice.below(2)).unwrap() }),
            50..60 => words.push(Word::Status { phone, dated: dice.chance(60) }),
            60..66 if !holds => words.push(Word::Syslog { phone }),
            _ => {}
        }
    }
    if dice.chance(50) {
        words.push(Word::Backup);
    }
    words
}
