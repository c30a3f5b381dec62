//! Where things stand on the screen.
//!
//! ```text
//! status   boot.pcapng  file  124 frames            │ two lines
//! status   reference itl-old.tlv                    │
//! heads    DEVICE           ITL        TVS          │ one line
//! table    SEP0011215A1AE3  ✓ 9d7da73d ✓ 2E3E1A7B   │ a line for each phone, at most two fifths
//! tabs     1 Ladder  2 Trust list  …                │ one line
//! body     14:20:28.848  RRQ ITL….tlv ────▶         │ the rest
//! keys     q quit  ? help  …                        │ one line
//! ```

use ratatui::layout::Rect;

use super::state::{Page, State, Tab};

/// Smaller terminals show nothing but that they are too small.
pub(super) const LEAST: (u16, u16) = (60, 14);

/// The places; those that a page does not have are empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    /// The status bar.
    pub(super) status: Rect,
    /// The heads of the columns.
    pub(super) heads: Rect,
    /// The lines of the table.
    pub(super) table: Rect,
    /// The titles of the tabs.
    pub(super) tabs: Rect,
    /// The tab, the fleet, or help.
    pub(super) body: Rect,
    /// The key bar.
    pub(super) keys: Rect,
}

/// The places at the size that the terminal said it has; `None` where that is too small.
pub(super) fn regions(state: &State) -> Option<Regions> {
    regions_at(state, state.size)
}

/// The places at this size: a terminal may have been made smaller, and have said nothing of it yet.
pub(super) fn regions_at(state: &State, (width, height): (u16, u16)) -> Option<Regions> {
    if width < LEAST.0 || height < LEAST.1 {
        return None;
    }
    let line = |y, lines| Rect { x: 0, y, width, height: lines };
    let (status, keys) = (line(0, 2), line(height - 1, 1));
    let rest = height - 3;
    let mut regions = Regions { status, keys, ..Regions::default() };
    match state.page {
        Page::Fleet => regions.body = line(2, rest),
        Page::Phone => {
            regions.tabs = line(2, 1);
            regions.body = line(3, rest - 1);
        }
        Page::Phones => {
            // Of all phones, not of those that fit the filter: nothing moves while it is typed.
            let phones = u16::try_from(state.rows.len()).unwrap_or(u16::MAX);
            let table = ((rest - 2) * 2 / 5).min(phones).max(3);
            regions.heads = line(2, 1);
            regions.table = line(3, table);
            regions.tabs = line(3 + table, 1);
            regions.body = line(4 + table, rest - 2 - table);
        }
    }
    Some(regions)
}

/// Where help stands: between the status bar and the key bar.
pub(super) fn help((width, height): (u16, u16)) -> Rect {
    Rect { x: 0, y: 2, width, height: height.saturating_sub(3) }
}

/// The titles of the tabs, with the cells that each takes.
pub(super) fn tab_places(tabs: Rect) -> impl Iterator<Item = (Tab, String, u16, u16)> {
    let mut at = tabs.x;
    (1..).zip(Tab::ALL).map(move |(number, tab)| {
        let title = format!(" {number} {} ", tab.title());
        let width = u16::try_from(title.len()).unwrap_or(0);
        let place = at;
        at = at.saturating_add(width);
        (tab, title, place, width)
    })
}
