//! From the state to the screen.
//!
//! In: a [`State`]. Out: cells of a [`Buffer`]. Nothing is decided and nothing is changed here; every text is escaped on its way,
//! in [`sheet`]. The screen is laid out in [`super::layout`].

mod certificates;
mod fleet;
mod help;
mod ladder;
mod list;
mod phones;
pub(crate) mod sheet;
mod status;
mod verdict;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::layout::{self, LEAST};
use super::state::{Mode, Page, State, Tab};
use super::theme::Paint;
use sheet::{Extent, Sheet};

/// Wider text is hard to read.
const WIDEST_TEXT: u16 = 140;

impl Widget for &State {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let size = (area.width, area.height);
        let Some(regions) = layout::regions_at(self, size) else {
            too_small(self, area, buffer);
            return;
        };
        status::bar(self, regions.status, buffer);
        let below = match (self.mode, self.page) {
            (Mode::Helping, _) => help_sheet(self).draw(self.help_scroll, layout::help(size), buffer),
            (_, Page::Fleet) => fleet::draw(self, regions.body, buffer),
            (_, Page::Phone) => detail(self, regions.tabs, regions.body, buffer),
            (_, Page::Phones) => {
                phones::table(self, regions.heads, regions.table, buffer);
                detail(self, regions.tabs, regions.body, buffer)
            }
        };
        status::key_bar(self, below, regions.keys, buffer);
    }
}

fn too_small(state: &State, area: Rect, buffer: &mut Buffer) {
    let text = format!("{}x{} is too small, {}x{} is needed; q quits", area.width, area.height, LEAST.0, LEAST.1);
    let mut sheet = Sheet::new(state.theme, area.width.max(4));
    sheet.wrapped(&[(&text, Paint::Warn)], 0);
    sheet.draw(0, area, buffer);
}

/// The tabs. Returns how many lines are below the screen.
fn detail(state: &State, tabs: Rect, body: Rect, buffer: &mut Buffer) -> usize {
    phones::tabs(state, tabs, buffer);
    let (sheet, start) = tab_sheet(state, body);
    let start = state.scroll.get(state.tab.index()).copied().flatten().unwrap_or(start);
    sheet.draw(start, body, buffer)
}

/// What the tab shows, and the line at which it begins by itself.
fn tab_sheet(state: &State, body: Rect) -> (Sheet, usize) {
    // A column is kept for the bar that shows where one is.
    let room = body.width.saturating_sub(1);
    let width = if matches!(state.tab, Tab::Ladder | Tab::List) { room } else { room.min(WIDEST_TEXT) };
    let mut sheet = Sheet::new(state.theme, width);
    let Some(detail) = state.current_detail() else {
        if state.selected().is_some() {
            sheet.line(&[(state.theme.glyph("…", "..."), Paint::Dim)]);
        }
        return (sheet, 0);
    };
    let mut start = 0;
    match state.tab {
        Tab::Ladder => start = ladder::sheet(detail, &state.clock, &mut sheet),
        Tab::List => list::sheet(detail, &state.clock, &mut sheet),
        Tab::Certificates => certificates::sheet(detail, &state.clock, &mut sheet),
        Tab::Verdict => verdict::sheet(detail, &mut sheet),
    }
    (sheet, start)
}

/// How much of the tab there is to scroll through, and at which line it begins by itself.
pub(super) fn tab_extent(state: &State, body: Rect) -> (Extent, usize) {
    let (sheet, start) = tab_sheet(state, body);
    (sheet.extent(body.height), start)
}

fn help_sheet(state: &State) -> Sheet {
    let mut sheet = Sheet::new(state.theme, state.size.0.saturating_sub(1).clamp(4, WIDEST_TEXT));
    help::sheet(state.page, state.tab, &mut sheet);
    sheet
}

/// How much help there is to scroll through.
pub(super) fn help_extent(state: &State) -> Extent {
    help_sheet(state).extent(layout::help(state.size).height)
}

/// How much there is to scroll through below the causes of the fleet.
pub(super) fn fleet_extent(state: &State, body: Rect) -> Option<Extent> {
    fleet::extent(state, body)
}

/// The group of the fleet at this line of the screen.
pub(super) fn fleet_group_at(state: &State, body: Rect, row: u16) -> Option<usize> {
    fleet::group_at(state, body, row)
}
