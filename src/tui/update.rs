//! From one state of the dashboard to the next.
//!
//! In: a [`State`] and an [`Action`]. Out: the state as it is then, and what is to be asked of the engine. No terminal is needed
//! for it, so all of it can be tested without one.

use super::action::Action;
use super::columns;
use super::layout::{self, Regions};
use super::render::{self, sheet::Extent};
use super::state::{Held, Mode, Page, State, Tab};
use crate::watch::{Note, Request};

/// Lines that the mouse wheel moves.
const WHEEL: usize = 3;
/// Lines that a page of help moves.
const HELP_PAGE: usize = 10;

impl State {
    /// Does what was asked for. Returns what the engine has to do for it.
    pub fn apply(&mut self, action: Action) -> Vec<Request> {
        self.settle();
        let mut requests = Vec::new();
        if !matches!(action, Action::Resize(..) | Action::Wheel(..)) {
            self.note = None;
        }
        match self.mode {
            Mode::Asking => self.answer(action, &mut requests),
            Mode::Helping => self.help(action),
            Mode::Typing => {
                if !self.typed(action) {
                    self.browse(action, &mut requests);
                }
            }
            Mode::Browsing => self.browse(action, &mut requests),
        }
        self.look(&mut requests);
        requests
    }

    /// Brings order and selection up to date; asks for the detail of the selected phone, where that is another now.
    pub fn look(&mut self, requests: &mut Vec<Request>) {
        self.settle();
        let wanted = self.selected().map(|row| row.key.clone());
        if wanted != self.asked {
            self.asked.clone_from(&wanted);
            requests.push(Request::Select(wanted));
        }
        if let Some(regions) = layout::regions(self) {
            self.keep_in_sight(usize::from(regions.table.height));
        }
    }

    fn keep_in_sight(&mut self, height: usize) {
        let most = self.order.len().saturating_sub(height);
        self.offset = self.offset.min(most).min(self.index);
        if height > 0 {
            self.offset = self.offset.max((self.index + 1).saturating_sub(height));
        }
    }

    fn answer(&mut self, action: Action, requests: &mut Vec<Request>) {
        self.mode = Mode::Browsing;
        match action {
            Action::Resize(width, height) => {
                self.mode = Mode::Asking;
                self.size = (width, height);
            }
            Action::Confirm => self.export(true, requests),
            Action::Quit => self.quit = true,
            _ => self.note = Some(Note::done("nothing was written")),
        }
    }

    fn help(&mut self, action: Action) {
        match action {
            Action::Resize(width, height) => self.size = (width, height),
            Action::Down | Action::ScrollDown | Action::Wheel(.., false) => self.help_scroll += 1,
            Action::Up | Action::ScrollUp | Action::Wheel(.., true) => {
                self.help_scroll = self.help_scroll.saturating_sub(1);
            }
            Action::PageDown => self.help_scroll += HELP_PAGE,
            Action::PageUp => self.help_scroll = self.help_scroll.saturating_sub(HELP_PAGE),
            Action::First => self.help_scroll = 0,
            Action::Last => self.help_scroll = usize::MAX,
            Action::Quit => self.quit = true,
            _ => self.mode = Mode::Browsing,
        }
        self.help_scroll = self.help_scroll.min(render::help_extent(self).furthest());
    }

    /// Whether the action was about the filter that is typed.
    fn typed(&mut self, action: Action) -> bool {
        match action {
            Action::Type(typed) if self.filter.chars().count() < 200 => self.filter.push(typed),
            Action::Type(_) => {}
            Action::Erase => {
                self.filter.pop();
            }
            Action::EraseAll => self.filter.clear(),
            Action::Accept => self.mode = Mode::Browsing,
            Action::Back => {
                self.filter.clear();
                self.mode = Mode::Browsing;
            }
            _ => return false,
        }
        self.stale = true;
        true
    }

    fn browse(&mut self, action: Action, requests: &mut Vec<Request>) {
        let page = layout::regions(self).map_or(1, |regions| {
            let shown = if self.page == Page::Phones { regions.table } else { regions.body };
            usize::from(shown.height.saturating_sub(1)).max(1)
        });
        match action {
            Action::Up => self.move_by(false, 1),
            Action::Down => self.move_by(true, 1),
            Action::PageUp => self.move_by(false, page),
            Action::PageDown => self.move_by(true, page),
            Action::First => self.move_by(false, usize::MAX),
            Action::Last => self.move_by(true, usize::MAX),
            Action::ScrollUp => self.scroll_by(false, 1),
            Action::ScrollDown => self.scroll_by(true, 1),
            Action::NextTab => self.turn(1),
            Action::PreviousTab => self.turn(Tab::ALL.len() - 1),
            Action::Tab(tab) => self.tab = tab,
            Action::NextPhone => self.select_by(true, 1),
            Action::PreviousPhone => self.select_by(false, 1),
            Action::Open => self.open(requests),
            Action::Filter => {
                self.leave_fleet(requests);
                self.mode = Mode::Typing;
            }
            Action::SortNext => self.sort_by((columns::next(self.sort.0), false)),
            Action::SortReverse => self.sort_by((self.sort.0, !self.sort.1)),
            Action::SortBy(column) => {
                let reverse = self.sort.0 == column && !self.sort.1;
                self.sort_by((column, reverse));
            }
            Action::Fleet if self.page == Page::Fleet => self.leave_fleet(requests),
            Action::Fleet => {
                self.page = Page::Fleet;
                requests.push(Request::Fleet(true));
            }
            Action::Pause => self.pause(),
            Action::Export => self.export(false, requests),
            Action::ExportContents if self.selected().is_some() => self.mode = Mode::Asking,
            Action::Mark => requests.extend(self.selected().map(|row| Request::Mark(row.key.clone()))),
            Action::Reload => requests.push(Request::Reload),
            Action::Clock => self.clock.toggle(),
            Action::Help => {
                self.help_scroll = 0;
                self.mode = Mode::Helping;
            }
            Action::Click(column, row) => self.click(column, row, requests),
            Action::Wheel(column, row, up) => self.wheel(column, row, !up),
            Action::Resize(width, height) => self.size = (width, height),
            Action::Leave if self.page == Page::Phones => self.quit = true,
            Action::Back | Action::Leave => self.back(requests),
            Action::Quit => self.quit = true,
            Action::ExportContents
            | Action::Confirm
            | Action::Type(_)
            | Action::Erase
            | Action::EraseAll
            | Action::Accept => {}
        }
    }

    /// Moves in whatever fills the screen.
    fn move_by(&mut self, down: bool, lines: usize) {
        match self.page {
            Page::Phones => self.select_by(down, lines),
            Page::Phone => self.scroll_by(down, lines),
            Page::Fleet => {
                let last = self.fleet.as_ref().map_or(0, |fleet| fleet.groups.len().saturating_sub(1));
                self.fleet_index = moved(self.fleet_index, down, lines).min(last);
            }
        }
    }

    fn select_by(&mut self, down: bool, lines: usize) {
        let last = self.order.len().saturating_sub(1);
        self.select_at(moved(self.index, down, lines).min(last));
    }

    fn select_at(&mut self, index: usize) {
        if let Some(row) = self.order.get(index) {
            self.selected = Some(row.key.clone());
            self.index = index;
        }
    }

    fn scroll_by(&mut self, down: bool, lines: usize) {
        let Some(regions) = layout::regions(self) else { return };
        if self.page == Page::Fleet {
            let most = render::fleet_extent(self, regions.body).map_or(0, Extent::furthest);
            self.fleet_scroll = moved(self.fleet_scroll.min(most), down, lines).min(most);
            return;
        }
        let (extent, start) = render::tab_extent(self, regions.body);
        let most = extent.furthest();
        let index = self.tab.index();
        if let Some(scroll) = self.scroll.get_mut(index) {
            let now = scroll.unwrap_or(start).min(most);
            *scroll = Some(moved(now, down, lines).min(most));
        }
    }

    fn turn(&mut self, by: usize) {
        let next = (self.tab.index() + by) % Tab::ALL.len();
        self.tab = Tab::ALL.get(next).copied().unwrap_or(Tab::Ladder);
    }

    fn open(&mut self, requests: &mut Vec<Request>) {
        match self.page {
            Page::Phones if self.selected().is_some() => self.page = Page::Phone,
            Page::Phones => {}
            Page::Phone => self.page = Page::Phones,
            Page::Fleet => {
                let group = self.fleet.as_ref().and_then(|fleet| fleet.groups.get(self.fleet_index));
                let Some(cause) = group.map(|group| group.cause.clone()) else { return };
                self.group = Some(cause);
                self.filter.clear();
                self.selected = None;
                self.stale = true;
                self.leave_fleet(requests);
            }
        }
    }

    fn back(&mut self, requests: &mut Vec<Request>) {
        match self.page {
            Page::Phone => self.page = Page::Phones,
            Page::Fleet => self.leave_fleet(requests),
            Page::Phones if !self.filter.is_empty() => {
                self.filter.clear();
                self.stale = true;
            }
            Page::Phones => {
                self.stale |= self.group.take().is_some();
            }
        }
    }

    fn leave_fleet(&mut self, requests: &mut Vec<Request>) {
        if self.page == Page::Fleet {
            requests.push(Request::Fleet(false));
        }
        self.page = Page::Phones;
    }

    fn sort_by(&mut self, sort: (columns::ColumnId, bool)) {
        // The column may be one that a narrow terminal does not show.
        let order = if sort.1 { ", the other way round" } else { "" };
        self.note = Some(Note::done(format!("sorted by {}{order}", columns::Column::of(sort.0).name())));
        self.sort = sort;
        self.stale = true;
    }

    fn pause(&mut self) {
        match self.held.take() {
            None => self.held = Some(Held::default()),
            Some(held) => {
                self.put(held.rows.into_iter());
                if let Some(detail) = held.detail {
                    self.put_detail(detail);
                }
                if let Some(fleet) = held.fleet {
                    self.fleet = Some(fleet);
                }
            }
        }
    }

    fn export(&mut self, contents: bool, requests: &mut Vec<Request>) {
        if let Some(row) = self.selected() {
            requests.push(Request::Export { key: row.key.clone(), contents });
        }
    }

    fn click(&mut self, column: u16, row: u16, requests: &mut Vec<Request>) {
        let Some(regions) = layout::regions(self) else { return };
        let Regions { heads, table, tabs, body, .. } = regions;
        let inside = |area: ratatui::layout::Rect| area.contains(ratatui::layout::Position { x: column, y: row });
        if inside(heads) {
            let places = columns::fit(heads.width);
            let clicked = places.iter().find(|(_, at, width)| (*at..=at.saturating_add(*width)).contains(&column));
            if let Some((clicked, ..)) = clicked {
                let reverse = self.sort.0 == clicked.id && !self.sort.1;
                self.sort_by((clicked.id, reverse));
            }
        } else if inside(table) {
            self.select_at(self.offset + usize::from(row - table.y));
        } else if inside(tabs) {
            let clicked = layout::tab_places(tabs).find(|(_, _, at, width)| (*at..at + width).contains(&column));
            if let Some((tab, ..)) = clicked {
                self.tab = tab;
            }
        } else if inside(body)
            && self.page == Page::Fleet
            && let Some(group) = render::fleet_group_at(self, body, row)
        {
            if self.fleet_index == group {
                self.open(requests);
            } else {
                self.fleet_index = group;
            }
        }
    }

    fn wheel(&mut self, column: u16, row: u16, down: bool) {
        let Some(regions) = layout::regions(self) else { return };
        let over_body = regions.body.contains(ratatui::layout::Position { x: column, y: row });
        if over_body && self.page != Page::Fleet {
            self.scroll_by(down, WHEEL);
        } else {
            self.move_by(down, WHEEL);
        }
    }
}

const fn moved(from: usize, down: bool, lines: usize) -> usize {
    if down { from.saturating_add(lines) } else { from.saturating_sub(lines) }
}
