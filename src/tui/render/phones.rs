//! The phone table and the titles of the tabs. Only lines on the screen are looked at.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::sheet::{line, number};
use crate::tui::columns::{self, Look};
use crate::tui::layout::tab_places;
use crate::tui::state::{Page, State};
use crate::tui::theme::Paint;

pub(super) fn table(state: &State, heads: Rect, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let places = columns::fit(area.width);
    let (sorted, reverse) = state.sort;
    for (column, at, width) in &places {
        let mark = match (column.id == sorted, reverse) {
            (false, _) => "",
            (true, false) => theme.glyph("▾", "v"),
            (true, true) => theme.glyph("▴", "^"),
        };
        let paint = if column.id == sorted { Paint::Bold } else { Paint::Dim };
        let text = line(theme, &[(column.head, paint), (mark, Paint::Bold)], usize::from(*width));
        buffer.set_line(heads.x + at, heads.y, &text, *width);
    }
    for (index, y) in (state.offset..).zip(area.y..area.bottom()) {
        let Some(row) = state.order.get(index) else { break };
        for (column, at, width) in &places {
            let pieces = column.cell(row, Look { theme, clock: &state.clock, width: *width });
            let pieces: Vec<_> = pieces.iter().map(|(text, paint)| (text.as_str(), *paint)).collect();
            let text = line(theme, &pieces, usize::from(*width));
            buffer.set_line(area.x + at, y, &text, *width);
        }
        if index == state.index {
            // The mark before it keeps its colour.
            let mark = places.first().map_or(0, |(_, _, width)| *width).min(area.width);
            buffer.set_style(Rect { x: area.x + mark, y, width: area.width - mark, height: 1 }, theme.selected());
        }
    }
    if state.order.is_empty() {
        nothing(state, area, buffer);
    }
}

/// Why the table is empty.
fn nothing(state: &State, area: Rect, buffer: &mut Buffer) {
    let text = if !state.rows.is_empty() {
        "No phone fits the filter. Esc takes it away."
    } else if state.status.ended {
        "No phone was seen: no TFTP, no TVS, no TLS on the ports that are examined."
    } else if state.status.live {
        "No phone yet: they show up when they ask for files or talk to TVS."
    } else {
        "Reading the capture"
    };
    let text = line(state.theme, &[(text, Paint::Warn)], usize::from(area.width));
    buffer.set_line(area.x, area.y, &text, area.width);
}

/// The titles of the tabs, and whose they are.
pub(super) fn tabs(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let mut end = area.x;
    for (tab, title, at, width) in tab_places(area) {
        let paint = if tab == state.tab { Paint::Bar } else { Paint::Plain };
        let text = line(theme, &[(&title, paint)], usize::from(width));
        buffer.set_line(at, area.y, &text, width);
        end = at + width;
    }
    let rest = area.right().saturating_sub(end);
    let rule = theme.glyph("─", "-").repeat(usize::from(rest));
    buffer.set_line(end, area.y, &line(theme, &[(&rule, Paint::Dim)], usize::from(rest)), rest);
    let Some(row) = state.selected() else { return };
    let mut text = format!(" {}", row.label());
    if let Some(address) = row.brief.address.filter(|_| matches!(row.key, crate::phone::PhoneKey::Device(_))) {
        text = format!("{text}  {address}");
    }
    if let Some(model) = &row.model {
        text = format!("{text}  {model}");
    }
    if state.page == Page::Phone {
        text = format!("{text}  ({} of {})", number(state.index as u64 + 1), number(state.order.len() as u64));
    }
    let room = area.right().saturating_sub(end + 1);
    let text = line(theme, &[(&text, Paint::Bold), (" ", Paint::Plain)], usize::from(room));
    let width = u16::try_from(text.width()).unwrap_or(0);
    buffer.set_line(area.right().saturating_sub(width), area.y, &text, width);
}
