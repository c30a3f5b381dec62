//! Everything that the dashboard shows, and nothing of how.
//!
//! In: [`Update`]s of the engine. What the user does is in [`super::update`]. It refuses to know terminals and keys.

use std::collections::HashMap;
use std::sync::Arc;

use super::clock::Clock;
use super::columns::{Column, ColumnId};
use super::theme::Theme;
use crate::phone::PhoneKey;
use crate::report::Severity;
use crate::watch::{Cause, Detail, FleetView, Note, Row, Status, Update};

/// A tab of the detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// The boot as a sequence of messages.
    Ladder,
    /// The downloaded list against the reference.
    List,
    /// Presented certificates against the lists.
    Certificates,
    /// The four conditions, the decision, the advice.
    Verdict,
}

impl Tab {
    /// All, from left to right.
    pub const ALL: [Self; 4] = [Self::Ladder, Self::List, Self::Certificates, Self::Verdict];

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ladder => "Ladder",
            Self::List => "Trust list",
            Self::Certificates => "Certificates",
            Self::Verdict => "Verdict",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The table, and the detail of the selected phone below it.
    Phones,
    /// The detail alone.
    Phone,
    /// All phones together.
    Fleet,
}

impl Page {
    /// All.
    pub const ALL: [Self; 3] = [Self::Phones, Self::Phone, Self::Fleet];
}

/// What keys mean at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They move and do.
    Browsing,
    /// They are typed into the filter.
    Typing,
    /// They answer a question.
    Asking,
    /// Help is shown.
    Helping,
}

/// What arrived while the view was held still.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) rows: HashMap<PhoneKey, Option<Arc<Row>>>,
    pub(super) detail: Option<Option<Box<Detail>>>,
    pub(super) fleet: Option<Box<FleetView>>,
}

/// The dashboard.
#[derive(Debug)]
pub struct State {
    /// All phones.
    pub(super) rows: HashMap<PhoneKey, Arc<Row>>,
    /// Those that are shown, in their order.
    pub(super) order: Vec<Arc<Row>>,
    /// Whether `order` must be made again before it is used.
    pub(super) stale: bool,
    /// The selected phone; `None` until somebody chose: then it is the first.
    pub(super) selected: Option<PhoneKey>,
    /// Where the selected phone stands in `order`.
    pub(super) index: usize,
    /// The first line of the table on the screen.
    pub(super) offset: usize,
    pub(super) sort: (ColumnId, bool),
    pub(super) filter: String,
    /// Only phones with this cause.
    pub(super) group: Option<Arc<Cause>>,
    pub(super) page: Page,
    pub(super) mode: Mode,
    pub(super) tab: Tab,
    /// The first line on the screen, for each tab; `None`: where the view begins by itself.
    pub(super) scroll: [Option<usize>; 4],
    pub(super) detail: Option<Box<Detail>>,
    /// The phone that the engine was asked for last.
    pub(super) asked: Option<PhoneKey>,
    pub(super) fleet: Option<Box<FleetView>>,
    pub(super) fleet_index: usize,
    /// The first line on the screen of what stands below the causes.
    pub(super) fleet_scroll: usize,
    pub(super) help_scroll: usize,
    pub(super) status: Status,
    pub(super) note: Option<Note>,
    pub(super) held: Option<Held>,
    pub(super) clock: Clock,
    pub(super) theme: Theme,
    pub(super) size: (u16, u16),
    /// Why there are no more frames, when there are none: a reason where that is a fault.
    pub(super) ended: Option<Option<String>>,
    pub(super) quit: bool,
    /// Seconds since a live capture began.
    pub(super) elapsed: u64,
    pub(super) counts: Counts,
}

/// Counts of all phones, whatever the filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) phones: usize,
    pub(super) wrong: usize,
    pub(super) needed: usize,
}

impl State {
    /// An empty dashboard.
    pub fn new(theme: Theme, clock: Clock, sort: ColumnId) -> Self {
        Self {
            rows: HashMap::new(),
            order: Vec::new(),
            stale: false,
            selected: None,
            index: 0,
            offset: 0,
            sort: (sort, false),
            filter: String::new(),
            group: None,
            page: Page::Phones,
            mode: Mode::Browsing,
            tab: Tab::Ladder,
            scroll: [None; 4],
            detail: None,
            asked: None,
            fleet: None,
            fleet_index: 0,
            fleet_scroll: 0,
            help_scroll: 0,
            status: Status::default(),
            note: None,
            held: None,
            clock,
            theme,
            size: (80, 24),
            ended: None,
            quit: false,
            elapsed: 0,
            counts: Counts::default(),
        }
    }

    /// What keys mean at the moment.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// What fills the screen.
    pub const fn page(&self) -> Page {
        self.page
    }

    /// Whether it is over.
    pub const fn wants_to_quit(&self) -> bool {
        self.quit
    }

    /// Whether no more frames come, and why where that is a fault.
    pub const fn ended(&self) -> Option<&Option<String>> {
        self.ended.as_ref()
    }

    /// So many seconds have passed. Returns whether that changes anything on the screen.
    pub const fn tick(&mut self, elapsed: u64) -> bool {
        let changed = self.elapsed != elapsed;
        self.elapsed = elapsed;
        changed
    }

    /// Takes what the engine says.
    pub fn take(&mut self, update: Update) {
        match update {
            Update::Rows(rows, gone) => {
                let rows = rows.into_iter().map(|row| (row.key.clone(), Some(row)));
                let all = gone.into_iter().map(|key| (key, None)).chain(rows);
                match &mut self.held {
                    Some(held) => held.rows.extend(all),
                    None => self.put(all),
                }
            }
            Update::Status(status) => self.status = *status,
            Update::Detail(detail) => match &mut self.held {
                // A phone that is selected while the view is held still is shown all the same.
                Some(held) if self.detail.is_some() && same_phone(self.detail.as_deref(), detail.as_deref()) => {
                    held.detail = Some(detail);
                }
                _ => self.put_detail(detail),
            },
            Update::Fleet(fleet) => match &mut self.held {
                Some(held) if self.fleet.is_some() => held.fleet = Some(fleet),
                _ => self.fleet = Some(fleet),
            },
            Update::Note(note) => self.note = Some(note),
            Update::Ended(fault) => self.ended = Some(fault),
        }
    }

    pub(super) fn put(&mut self, rows: impl Iterator<Item = (PhoneKey, Option<Arc<Row>>)>) {
        for (key, row) in rows {
            match row {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
        self.stale = true;
    }

    pub(super) fn put_detail(&mut self, detail: Option<Box<Detail>>) {
        if !same_phone(self.detail.as_deref(), detail.as_deref()) {
            self.scroll = [None; 4];
        }
        self.detail = detail;
    }

    /// Makes the order anew, where something changed.
    pub(super) fn settle(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let shown = |row: &&Arc<Row>| {
            let in_group = self.group.as_ref().is_none_or(|group| row.causes.contains(group));
            in_group && words.iter().all(|word| row.search.contains(word.as_str()))
        };
        let mut order: Vec<Arc<Row>> = self.rows.values().filter(shown).cloned().collect();
        let (column, reverse) = self.sort;
        let column = Column::of(column);
        order.sort_unstable_by(|one, other| column.compare(one, other));
        if reverse {
            order.reverse();
        }
        self.order = order;
        self.counts = Counts { phones: self.rows.len(), ..Counts::default() };
        for row in self.rows.values() {
            // A list that only differs from a reference is nothing wrong: the same as the marks say.
            self.counts.wrong += usize::from(row.brief.severity <= Severity::Wrong);
            self.counts.needed += usize::from(row.brief.severity == Severity::DeletionNeeded);
        }
        let last = self.order.len().saturating_sub(1);
        let found = self.selected.as_ref().and_then(|key| self.order.iter().position(|row| row.key == *key));
        self.index = match (&self.selected, found) {
            (None, _) => 0,
            (Some(_), Some(index)) => index,
            // The phone is gone or filtered away: whoever stands in its place now is selected.
            (Some(_), None) => self.index.min(last),
        };
    }

    /// The selected line.
    pub fn selected(&self) -> Option<&Arc<Row>> {
        self.order.get(self.index)
    }

    /// The detail, where it is of the selected phone.
    pub(super) fn current_detail(&self) -> Option<&Detail> {
        let key = &self.selected()?.key;
        self.detail.as_deref().filter(|detail| detail.key == *key)
    }

    /// Whether the view is held still.
    pub const fn is_paused(&self) -> bool {
        self.held.is_some()
    }
}

fn same_phone(one: Option<&Detail>, other: Option<&Detail>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.key == other.key,
        (None, None) => true,
        _ => false,
    }
}
