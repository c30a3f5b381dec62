//! The engine thread behind the dashboard.
//!
//! In: a [`Session`] and [`Request`]s. Out: [`Update`]s through a bounded channel. The thread never waits for the view: what the
//! view did not take yet is replaced by what is newer, phone by phone, and offered again. It never works for long without looking
//! at requests, and assesses phones only in a part of its time while frames come.

use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, never, select};
use foldhash::{HashMap, HashSet};

use super::detail::Detail;
use super::fleet::FleetView;
use super::message::{Note, Request, Status, Update};
use super::row::Row;
use super::session::{Session, Step};
use crate::phone::PhoneKey;

/// Updates that wait for the view at most; more are merged until it takes them.
const MOST_UPDATES: usize = 16;
/// Requests that wait for the engine at most: more than anybody types in a tenth of a second.
const MOST_REQUESTS: usize = 256;
/// Between two looks at what changed.
const REFRESH_EVERY: Duration = Duration::from_millis(100);
/// Of that time, what may go to assessing phones while frames come.
const ASSESS_FOR: Duration = Duration::from_millis(30);
/// Between two views of the fleet, which cost a look at every phone.
const FLEET_EVERY: Duration = Duration::from_secs(2);
/// Lines sent in one update.
const ROWS_AN_UPDATE: usize = 2000;

/// A view's end.
pub struct Link {
    /// What the view wishes.
    pub requests: Sender<Request>,
    /// What the engine says.
    pub updates: Receiver<Update>,
    /// The session comes back here when the thread ends; where the thread panics, the channel ends without it. Whoever waits
    /// decides for how long: the thread may wait for a file that does not answer.
    pub session: Receiver<Session>,
}

/// Starts the engine thread.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn(session: Session) -> std::io::Result<Link> {
    let (requests, wishes) = bounded(MOST_REQUESTS);
    let (out, updates) = bounded(MOST_UPDATES);
    let worker = Worker {
        session,
        out,
        outbox: Outbox::default(),
        selected: None,
        fleet: false,
        fleet_at: None,
        fleet_stale: true,
        stopping: false,
        told_end: false,
    };
    let (give_back, session) = bounded(1);
    Builder::new().name("engine".to_owned()).spawn(move || {
        // Nobody has to want it.
        let _ = give_back.send(worker.run(&wishes));
    })?;
    Ok(Link { requests, updates, session })
}

struct Worker {
    session: Session,
    out: Sender<Update>,
    outbox: Outbox,
    selected: Option<PhoneKey>,
    fleet: bool,
    fleet_at: Option<Instant>,
    fleet_stale: bool,
    stopping: bool,
    told_end: bool,
}

/// What the view did not take yet.
#[derive(Default)]
struct Outbox {
    rows: HashMap<PhoneKey, Arc<Row>>,
    gone: HashSet<PhoneKey>,
    status: Option<Box<Status>>,
    sent_status: Option<Status>,
    detail: Option<Option<Box<Detail>>>,
    fleet: Option<Box<FleetView>>,
    notes: Vec<Note>,
    ended: Option<Option<String>>,
}

impl Worker {
    fn run(mut self, wishes: &Receiver<Request>) -> Session {
        let mut refresh_at = Instant::now();
        while !self.stopping {
            while let Ok(wish) = wishes.try_recv() {
                self.obey(wish);
            }
            let step = self.session.step();
            let now = Instant::now();
            if now >= refresh_at || step == Step::Ended {
                self.refresh(step);
                if self.outbox.flush(&self.out).is_err() {
                    break;
                }
                refresh_at = Instant::now() + REFRESH_EVERY;
            }
            // Whoever asked for the end sends nothing after it: there is nothing to wait for.
            if step != Step::More && !self.stopping {
                self.wait(wishes, refresh_at);
            }
        }
        self.session
    }

    /// Nothing is to be read at the moment: waits for frames, for a wish, or until something else is due.
    fn wait(&mut self, wishes: &Receiver<Request>, refresh_at: Instant) {
        let is_done = self.session.has_ended() && self.session.board.backlog() == 0 && self.outbox.is_empty();
        let fleet_due = self.fleet && self.fleet_stale;
        let unlimited = is_done && !fleet_due;
        if self.session.has_ended() && self.session.board.backlog() > 0 {
            return;
        }
        let nothing = never();
        let frames = self.session.feed().filter(|_| !self.session.has_ended());
        let frames = frames.map_or_else(|| nothing, |feed| feed.queue().clone());
        let timeout =
            if unlimited { Duration::from_secs(3600) } else { refresh_at.saturating_duration_since(Instant::now()) };
        select! {
            recv(wishes) -> wish => match wish {
                Ok(wish) => self.obey(wish),
                // The view is gone.
                Err(_) => self.stopping = true,
            },
            recv(frames) -> fed => if let Ok(fed) = fed {
                self.session.take(fed);
            },
            default(timeout) => {}
        }
    }

    fn obey(&mut self, wish: Request) {
        match wish {
            Request::Select(key) => {
                self.selected = key;
                self.look_at_selected();
            }
            Request::Fleet(wanted) => {
                self.fleet = wanted;
                self.fleet_stale = true;
                self.fleet_at = None;
            }
            Request::Export { key, contents } => {
                let note = match self.session.export(&key, contents) {
                    Ok(exported) => Note::done(exported.to_string()),
                    Err(error) => Note::failed(format!("not written: {error}")),
                };
                self.outbox.notes.push(note);
            }
            Request::Mark(key) => {
                let note = self.session.mark(&key);
                self.outbox.notes.push(note);
                self.look_at_selected();
            }
            Request::Reload => {
                let note = self.session.reload();
                self.outbox.notes.push(note);
                self.look_at_selected();
            }
            Request::Stop => self.stopping = true,
        }
        // An answer that can be given at once is given at once.
        let _ = self.outbox.flush(&self.out);
    }

    fn look_at_selected(&mut self) {
        let detail = self.selected.as_ref().and_then(|key| self.session.board.detail(key));
        self.outbox.detail = Some(detail.map(Box::new));
    }

    fn refresh(&mut self, step: Step) {
        let until = Instant::now() + if step == Step::More { ASSESS_FOR } else { REFRESH_EVERY };
        let refreshed = self.session.board.refresh(|| Instant::now() < until);
        if refreshed.rows.iter().any(|row| Some(&row.key) == self.selected.as_ref())
            || refreshed.gone.iter().any(|key| Some(key) == self.selected.as_ref())
        {
            self.look_at_selected();
        }
        self.fleet_stale |= !refreshed.rows.is_empty() || !refreshed.gone.is_empty();
        if self.fleet && self.fleet_stale && self.fleet_at.is_none_or(|at| at.elapsed() >= FLEET_EVERY) {
            self.outbox.fleet = Some(Box::new(self.session.board.fleet()));
            self.fleet_stale = false;
            self.fleet_at = Some(Instant::now());
        }
        for row in refreshed.rows {
            self.outbox.gone.remove(&row.key);
            self.outbox.rows.insert(row.key.clone(), row);
        }
        for key in refreshed.gone {
            self.outbox.rows.remove(&key);
            self.outbox.gone.insert(key);
        }
        self.outbox.status = Some(Box::new(self.session.status()));
        if self.session.has_ended() && !self.told_end && self.session.board.backlog() == 0 {
            self.told_end = true;
            self.outbox.ended = Some(self.session.fault().map(str::to_owned));
        }
    }
}

/// The view is gone.
struct Gone;

impl Outbox {
    fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.gone.is_empty()
            && self.status.is_none()
            && self.detail.is_none()
            && self.fleet.is_none()
            && self.notes.is_empty()
            && self.ended.is_none()
    }

    /// Hands over what the view takes; the rest stays.
    fn flush(&mut self, out: &Sender<Update>) -> Result<(), Gone> {
        while !self.rows.is_empty() || !self.gone.is_empty() {
            let keys: Vec<PhoneKey> = self.rows.keys().take(ROWS_AN_UPDATE).cloned().collect();
            let rows = keys.iter().filter_map(|key| self.rows.remove(key)).collect();
            let gone = self.gone.drain().collect();
            match offer(out, Update::Rows(rows, gone))? {
                None => {}
                Some(Update::Rows(rows, gone)) => {
                    self.rows.extend(rows.into_iter().map(|row| (row.key.clone(), row)));
                    self.gone.extend(gone);
                    return Ok(());
                }
                Some(_) => return Ok(()),
            }
        }
        for note in std::mem::take(&mut self.notes) {
            if let Some(Update::Note(note)) = offer(out, Update::Note(note))? {
                self.notes.push(note);
            }
        }
        if let Some(detail) = self.detail.take()
            && let Some(Update::Detail(detail)) = offer(out, Update::Detail(detail))?
        {
            self.detail = Some(detail);
        }
        if let Some(fleet) = self.fleet.take()
            && let Some(Update::Fleet(fleet)) = offer(out, Update::Fleet(fleet))?
        {
            self.fleet = Some(fleet);
        }
        // Nothing new is no news: an idle dashboard is not drawn again.
        if let Some(status) = self.status.take()
            && self.sent_status.as_ref() != Some(&*status)
        {
            let copy = (*status).clone();
            match offer(out, Update::Status(status))? {
                None => self.sent_status = Some(copy),
                Some(Update::Status(status)) => self.status = Some(status),
                Some(_) => {}
            }
        }
        if let Some(ended) = self.ended.take()
            && let Some(Update::Ended(ended)) = offer(out, Update::Ended(ended))?
        {
            self.ended = Some(ended);
        }
        Ok(())
    }
}

/// Offers an update; gives it back where the view has not taken the earlier ones yet.
fn offer(out: &Sender<Update>, update: Update) -> Result<Option<Update>, Gone> {
    match out.try_send(update) {
        Ok(()) => Ok(None),
        Err(TrySendError::Full(update)) => Ok(Some(update)),
        Err(TrySendError::Disconnected(_)) => Err(Gone),
    }
}
