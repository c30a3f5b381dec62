//! What happens to phones, one thing after the other: what a stream of events tells.
//!
//! In: the board, and which of its phones were looked at. Out: downloads and TLS sessions that ended, lists that a phone reported,
//! verdicts that came out differently, each told once. It refuses to put anything into words.

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use serde::Serialize;

use super::board::{Board, Refreshed};
use crate::capture::{FrameId, Timestamp};
use crate::event::{ListAlarm, Outcome, SessionOutcome, TlsSession};
use crate::phone::{DownloadRecord, Phone, PhoneKey};
use crate::verdict::{Assessment, Check, Deletion};

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Happening {
    /// When, by the clock of the capture.
    pub time: Timestamp,
    /// To whom.
    pub who: Who,
    /// What.
    pub what: What,
}

/// A phone, as far as it was known then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Who {
    /// Its name.
    pub name: Option<String>,
    /// The address that it used last.
    pub address: Option<IpAddr>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// A download ended.
    Download(Arc<DownloadRecord>),
    /// A TLS session ended.
    Session(Arc<TlsSession>),
    /// The phone said which lists it holds.
    ListAlarm(Arc<ListAlarm>),
    /// The verdict, or something that is wrong, is another than before.
    Verdict(Box<Assessment>),
}

/// Knows what was told.
#[derive(Debug, Default)]
pub struct Follower {
    told: HashSet<Id>,
    verdicts: HashMap<PhoneKey, Gist>,
    /// When `told` is looked through for what no phone has any more.
    prune_at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Id {
    Download(u64),
    Session(u64),
    ListAlarm(FrameId),
}

/// What makes one verdict another than the one before.
#[derive(Debug, PartialEq, Eq)]
struct Gist {
    checks: [Check; 3],
    deletion: Deletion,
    advice: Option<&'static str>,
    findings: Vec<(&'static str, String)>,
}

/// So many things told are remembered in any case.
const LEAST_TOLD: usize = 100_000;

impl Follower {
    /// What happened to the phones that were looked at, in the order of time.
    pub fn follow(&mut self, board: &Board, refreshed: &Refreshed) -> Vec<Happening> {
        for key in &refreshed.gone {
            self.verdicts.remove(key);
        }
        let mut happenings = Vec::new();
        for key in &refreshed.assessed {
            if let Some((phone, assessment)) = board.phone(key) {
                self.look(key, &phone, assessment, &mut happenings);
            }
        }
        // Of one moment, causes come before their verdict: the sort is stable.
        happenings.sort_by_key(|happening| happening.time);
        if self.told.len() > self.prune_at.max(LEAST_TOLD) {
            self.prune(board);
        }
        happenings
    }

    fn look(&mut self, key: &PhoneKey, phone: &Phone, assessment: Assessment, happenings: &mut Vec<Happening>) {
        let who = Who { name: phone.name.as_ref().map(ToString::to_string), address: phone.addresses.last().copied() };
        let mut latest = Timestamp::default();
        let mut tell = |time: Timestamp, id: Option<Id>, what: What| {
            latest = latest.max(time);
            if id.is_none_or(|id| self.told.insert(id)) {
                happenings.push(Happening { time, who: who.clone(), what });
            }
        };
        for download in phone.downloads.iter().filter(|download| download.outcome() != Outcome::Pending) {
            let what = What::Download(Arc::clone(&download.record));
            tell(download.span.last.time, Some(Id::Download(download.id)), what);
        }
        for session in phone.sessions.iter().filter(|session| session.outcome() != SessionOutcome::Pending) {
            tell(session.span.last.time, Some(Id::Session(session.id)), What::Session(Arc::clone(&session.record)));
        }
        for report in &phone.reports {
            let moment = report.moment;
            tell(moment.time, Some(Id::ListAlarm(moment.frame)), What::ListAlarm(Arc::clone(&report.record)));
        }
        let gist = Gist::of(&assessment);
        if self.verdicts.get(key) != Some(&gist) {
            self.verdicts.insert(key.clone(), gist);
            happenings.push(Happening { time: latest, who, what: What::Verdict(Box::new(assessment)) });
        }
    }

    fn prune(&mut self, board: &Board) {
        let mut there: HashSet<Id> = HashSet::default();
        for phone in board.engine().phones() {
            there.extend(phone.downloads.iter().map(|download| Id::Download(download.id)));
            there.extend(phone.sessions.iter().map(|session| Id::Session(session.id)));
            there.extend(phone.reports.iter().map(|report| Id::ListAlarm(report.moment.frame)));
        }
        self.told.retain(|id| there.contains(id));
        self.prune_at = self.told.len() * 2;
    }
}

impl Gist {
    fn of(assessment: &Assessment) -> Self {
        Self {
            checks: assessment.checks.all().map(|checked| checked.result),
            deletion: assessment.deletion,
            advice: assessment.advice.first().map(|advice| advice.id),
            findings: assessment.findings.iter().map(|finding| (finding.id.name(), finding.text.clone())).collect(),
        }
    }
}
