//! The board: the roster, assessed, a little at a time.
//!
//! In: frames, and the case that phones are assessed in. Out: lines of the phones that changed, and the whole of one phone or of
//! the fleet when somebody asks. A phone that did not change is not assessed again, unless what it is compared with changed. It
//! refuses to know threads, channels and clocks: how long it may work is asked of whoever calls.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use super::detail::Detail;
use super::fleet::FleetView;
use super::row::{Cause, Row};
use crate::capture::{Clocks, Frame, Loss, Timestamp};
use crate::engine::{Engine, Limits};
use crate::phone::{Phone, PhoneKey};
use crate::trust::Reference;
use crate::verdict::{self, Assessment, Case, Share};
use crate::words::Told;

/// Distinct causes that are shared; texts come from the wire, so there is no end to them.
const MOST_CAUSES: usize = 10_000;

/// What [`Board::refresh`] found.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Lines that are new or different.
    pub rows: Vec<Arc<Row>>,
    /// Phones that are gone.
    pub gone: Vec<PhoneKey>,
    /// Phones that were assessed, whether or not their lines differ.
    pub assessed: Vec<PhoneKey>,
    /// Whether more is to be done than there was time for.
    pub unfinished: bool,
}

/// The roster, assessed.
#[derive(Debug)]
pub struct Board {
    engine: Engine,
    case: Case,
    seats: HashMap<PhoneKey, Seat>,
    /// Phones that changed and were not assessed since, in the order in which they changed.
    waiting: VecDeque<PhoneKey>,
    /// The same, to find them.
    queued: HashSet<PhoneKey>,
    /// Phones that did not change, but whose comparison with others may come out differently now.
    again: Vec<PhoneKey>,
    causes: BTreeMap<(&'static str, String), Arc<Cause>>,
}

#[derive(Debug)]
struct Seat {
    row: Arc<Row>,
    share: Option<Share>,
}

impl Board {
    /// An empty board.
    pub fn new(limits: &Limits, references: Vec<Reference>, told: Told) -> Self {
        let mut engine = Engine::new(limits, &references);
        engine.roster_mut().follow_changes();
        engine.roster_mut().set_told(told.phone_at.clone());
        Self {
            engine,
            case: Case::new(references, told, &[]),
            seats: HashMap::new(),
            waiting: VecDeque::new(),
            queued: HashSet::new(),
            again: Vec::new(),
            causes: BTreeMap::new(),
        }
    }

    /// Which moments can be ordered, as far as is known by now, and whether there are several captures.
    pub fn set_clocks(&mut self, clocks: Clocks, several_sources: bool) {
        self.engine.roster_mut().set_clocks(clocks);
        self.case.several_sources = several_sources;
    }

    /// Takes a frame.
    pub fn push(&mut self, frame: &Frame<'_>) {
        self.engine.push(frame);
    }

    /// Time goes on although no frame comes.
    pub fn tick(&mut self, now: Timestamp) {
        self.engine.tick(now);
    }

    /// Frames were lost on their way here.
    pub fn lose(&mut self, loss: Loss) {
        self.engine.lose(loss);
        self.case.losses = self.engine.losses().to_vec();
    }

    /// No more frames come.
    pub fn finish(&mut self) {
        self.engine.finish();
    }

    /// What was left out so far.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What phones are assessed in.
    pub const fn case(&self) -> &Case {
        &self.case
    }

    /// How many phones there are lines of.
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// How many phones wait to be assessed.
    pub fn backlog(&self) -> usize {
        self.waiting.len() + self.again.len()
    }

    /// Other references from now on: every phone is assessed again, a few at a time.
    pub fn set_references(&mut self, references: Vec<Reference>) {
        self.case.references = references;
        self.all_again();
    }

    /// Looks what changed and assesses it, as long as `may_go_on` says so, but at least one phone.
    pub fn refresh(&mut self, mut may_go_on: impl FnMut() -> bool) -> Refreshed {
        let mut refreshed = Refreshed::default();
        let changed = self.engine.roster_mut().take_changes();
        for key in changed.phones {
            if self.queued.insert(key.clone()) {
                self.waiting.push_back(key);
            }
        }
        if changed.forgotten {
            self.remove_forgotten(&mut refreshed.gone);
        }
        while let Some(key) = self.waiting.pop_front() {
            self.queued.remove(&key);
            self.assess(key, &mut refreshed);
            if !may_go_on() {
                break;
            }
        }
        while self.waiting.is_empty() && may_go_on() {
            let Some(key) = self.again.pop() else { break };
            self.assess(key, &mut refreshed);
        }
        refreshed.unfinished = self.backlog() > 0;
        refreshed
    }

    /// One phone, whole, as it stands now.
    pub fn detail(&self, key: &PhoneKey) -> Option<Detail> {
        let phone = self.engine.roster().find(key)?;
        Some(Detail::new(key.clone(), phone, &self.case))
    }

    /// One phone and its assessment as they stand now.
    pub fn phone(&self, key: &PhoneKey) -> Option<(Phone, Assessment)> {
        let phone = self.engine.roster().find(key)?;
        let assessment = verdict::assess(&phone, &self.case);
        Some((phone, assessment))
    }

    /// All phones together, as far as they were assessed.
    pub fn fleet(&self) -> FleetView {
        FleetView::new(self.seats.values().map(|seat| seat.row.as_ref()), self.engine.phones().iter(), &self.case)
    }

    fn assess(&mut self, key: PhoneKey, refreshed: &mut Refreshed) {
        let Some(phone) = self.engine.roster().find(&key) else {
            if let Some(seat) = self.seats.remove(&key) {
                self.give_back(&seat);
                refreshed.gone.push(key);
            }
            return;
        };
        refreshed.assessed.push(key.clone());
        let before = self.seats.get(&key).and_then(|seat| seat.share);
        let taken = self.case.take(&phone, before);
        if taken.others_differ {
            self.all_again();
        }
        let assessment = verdict::assess(&phone, &self.case);
        let causes = &mut self.causes;
        let row = Row::new(key.clone(), &phone, &assessment, |id, text| share_cause(causes, id, text));
        if let Some(seat) = self.seats.get_mut(&key) {
            seat.share = taken.share;
            if *seat.row == row {
                return;
            }
            seat.row = Arc::new(row);
            refreshed.rows.push(Arc::clone(&seat.row));
        } else {
            let row = Arc::new(row);
            refreshed.rows.push(Arc::clone(&row));
            self.seats.insert(key, Seat { row, share: taken.share });
        }
    }

    fn all_again(&mut self) {
        self.again.clear();
        self.again.extend(self.seats.keys().cloned());
    }

    fn give_back(&mut self, seat: &Seat) {
        if seat.share.is_some_and(|share| self.case.give_back(share)) {
            self.all_again();
        }
    }

    fn remove_forgotten(&mut self, gone: &mut Vec<PhoneKey>) {
        let known: HashSet<PhoneKey> = self.engine.roster().keys().collect();
        let lost: Vec<PhoneKey> = self.seats.keys().filter(|key| !known.contains(*key)).cloned().collect();
        for key in lost {
            if let Some(seat) = self.seats.remove(&key) {
                self.give_back(&seat);
            }
            gone.push(key);
        }
    }
}

fn share_cause(causes: &mut BTreeMap<(&'static str, String), Arc<Cause>>, id: &'static str, text: &str) -> Arc<Cause> {
    let key = (id, text.to_owned());
    if let Some(known) = causes.get(&key) {
        return Arc::clone(known);
    }
    if causes.len() >= MOST_CAUSES {
        // Those that no phone has any more go first; were all in use, the table would only cost more without sharing.
        causes.retain(|_, cause| Arc::strong_count(cause) > 1);
        if causes.len() >= MOST_CAUSES {
            causes.clear();
        }
    }
    let cause = Arc::new(Cause { id, text: text.to_owned() });
    causes.insert(key, Arc::clone(&cause));
    cause
}
