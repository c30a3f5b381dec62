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
use sheet::Sheet;

/// Wider text is hard to read.
const WIDEST_TEXT: u16 = 140;

impl Widget for &State {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let Some(regions) = layout::regions(self).filter(|_| area.width >= LEAST.0 && area.height >= LEAST.1) else {
            too_small(self, area, buffer);
            return;
        };
        status::bar(self, regions.status, buffer);
        status::key_bar(self, regions.keys, buffer);
        if self.mode == Mode::Helping {
            let below = Rect { y: 2, height: area.height - 3, ..area };
            help_sheet(self).draw(self.help_scroll, below, buffer);
            return;
        }
        match self.page {
            Page::Fleet => fleet::draw(self, regions.body, buffer),
            Page::Phone => detail(self, regions.tabs, regions.body, buffer),
            Page::Phones => {
                phones::table(self, regions.heads, regions.table, buffer);
                detail(self, regions.tabs, regions.body, buffer);
            }
        }
    }
}

fn too_small(state: &State, area: Rect, buffer: &mut Buffer) {
    let text = format!("{}x{} is too small, {}x{} is needed; q quits", area.width, area.height, LEAST.0, LEAST.1);
    let mut sheet = Sheet::new(state.theme, area.width.max(4));
    sheet.wrapped(&[(&text, Paint::Warn)], 0);
    sheet.draw(0, area, buffer);
}

fn detail(state: &State, tabs: Rect, body: Rect, buffer: &mut Buffer) {
    phones::tabs(state, tabs, buffer);
    let (sheet, start) = tab_sheet(state, body);
    let most = sheet.len().saturating_sub(usize::from(body.height));
    let start = state.scroll.get(state.tab.index()).copied().flatten().unwrap_or(start).min(most);
    sheet.draw(start, body, buffer);
}

/// What the tab shows, and the line at which it begins by itself.
fn tab_sheet(state: &State, body: Rect) -> (Sheet, usize) {
    let ladder = state.tab == Tab::Ladder || state.tab == Tab::List;
    let width = if ladder { body.width } else { body.width.min(WIDEST_TEXT) };
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

/// How many lines the tab has, and at which one it begins by itself.
pub(super) fn tab_extent(state: &State, body: Rect) -> (usize, usize) {
    let (sheet, start) = tab_sheet(state, body);
    (sheet.len(), start)
}

fn help_sheet(state: &State) -> Sheet {
    let mut sheet = Sheet::new(state.theme, state.size.0.min(WIDEST_TEXT));
    help::sheet(&mut sheet);
    sheet
}

/// How many lines help has.
pub(super) fn help_length(state: &State) -> usize {
    help_sheet(state).len()
}

/// The group of the fleet at this line of the screen.
pub(super) fn fleet_group_at(state: &State, body: Rect, row: u16) -> Option<usize> {
    fleet::group_at(state, body, row)
}
