//! All phones together: boots per minute, groups with the same cause, servers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::sheet::{Sheet, line, number};
use crate::tui::state::State;
use crate::tui::theme::{Paint, Theme};
use crate::watch::{FleetGroup, FleetView};

/// Lines above the groups: the counts, the sparkline with its rule, a heading.
const ABOVE: u16 = 5;

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let width = usize::from(area.width);
    let Some(fleet) = &state.fleet else {
        let text = line(theme, &[("Counting…", Paint::Dim)], width);
        buffer.set_line(area.x, area.y, &text, area.width);
        return;
    };
    let put = |text: &ratatui::text::Line<'_>, y: u16, buffer: &mut Buffer| {
        if y < area.bottom() {
            buffer.set_line(area.x, y, text, area.width);
        }
    };
    put(&counts(fleet, theme, width), area.y, buffer);
    sparkline(state, fleet, Rect { y: area.y + 1, height: 3, ..area }, buffer);
    let places = places(state, fleet, area);
    let heading = if fleet.groups.is_empty() { "No phone has anything wrong" } else { "What is wrong" };
    let more = fleet.groups.len().saturating_sub(places.shown);
    let more = if more > 0 {
        format!("  ({} of {} causes; j and k move)", places.shown, fleet.groups.len())
    } else {
        String::new()
    };
    put(&line(theme, &[(heading, Paint::Bold), (&more, Paint::Dim)], width), area.y + 4, buffer);
    for (index, group) in fleet.groups.iter().enumerate().skip(places.first).take(places.shown) {
        let y = places.y + u16::try_from(index - places.first).unwrap_or(0);
        put(&group_line(group, theme, width), y, buffer);
        if index == state.fleet_index {
            buffer.set_style(Rect { y, height: 1, ..area }, theme.selected());
        }
    }
    let below = places.y + u16::try_from(places.shown).unwrap_or(0);
    let rest = Rect { y: below, height: area.bottom().saturating_sub(below), ..area };
    servers(fleet, theme, rest.width).draw(0, rest, buffer);
}

/// Where the groups stand: the first one shown, how many, from which line on.
struct Places {
    first: usize,
    shown: usize,
    y: u16,
}

fn places(state: &State, fleet: &FleetView, area: Rect) -> Places {
    let room = usize::from(area.height.saturating_sub(ABOVE));
    let below = servers(fleet, state.theme, area.width).len();
    // The groups come first, but a glance at the servers stays.
    let kept = below.min(room / 3);
    let shown = fleet.groups.len().min(room.saturating_sub(kept));
    let first = (state.fleet_index + 1).saturating_sub(shown.max(1)).min(fleet.groups.len().saturating_sub(shown));
    Places { first, shown, y: area.y + ABOVE }
}

/// The group at this line of the screen.
pub(super) fn group_at(state: &State, area: Rect, row: u16) -> Option<usize> {
    let fleet = state.fleet.as_ref()?;
    let places = places(state, fleet, area);
    let at = usize::from(row.checked_sub(places.y)?);
    (at < places.shown).then_some(places.first + at)
}

fn counts(fleet: &FleetView, theme: Theme, width: usize) -> ratatui::text::Line<'static> {
    let summary = &fleet.summary;
    let text = |count: usize| number(count as u64);
    line(
        theme,
        &[
            (
                &format!(
                    "{} phones, {} with something wrong. ITL deletion needed: ",
                    text(summary.phones),
                    text(summary.with_findings)
                ),
                Paint::Plain,
            ),
            (&text(summary.deletion_needed), if summary.deletion_needed > 0 { Paint::Alarm } else { Paint::Bold }),
            (
                &format!(", not needed: {}, undetermined: {}", text(summary.not_needed), text(summary.undetermined)),
                Paint::Plain,
            ),
        ],
        width,
    )
}

/// Boots per minute, the last minute at the right.
fn sparkline(state: &State, fleet: &FleetView, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let width = usize::from(area.width);
    if area.bottom() > buffer.area.bottom() {
        return;
    }
    let bars: Vec<u64> = fleet.boots.iter().rev().take(width).rev().copied().collect();
    let most = bars.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let steps: &[&str] = if theme.is_unicode() {
        &[" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    } else {
        &[" ", ".", ".", ":", ":", "+", "+", "#", "#"]
    };
    let chart: String = bars
        .iter()
        .map(|&bar| {
            let level = usize::try_from((bar * 8).div_ceil(most)).unwrap_or(8);
            steps.get(level.min(8)).copied().unwrap_or(" ")
        })
        .collect();
    let minutes = i64::try_from(bars.len()).unwrap_or(0);
    let (from, to) = (state.clock.minute(fleet.last_minute - minutes + 1), state.clock.minute(fleet.last_minute));
    let range = if minutes > 1 { format!("{from} to {to}") } else { to };
    let label = format!("Boots per minute, {range}, at most {}", number(most));
    buffer.set_line(area.x, area.y + 1, &line(theme, &[(&label, Paint::Dim)], width), area.width);
    buffer.set_line(area.x, area.y + 2, &line(theme, &[(&chart, Paint::Key)], width), area.width);
}

fn group_line(group: &FleetGroup, theme: Theme, width: usize) -> ratatui::text::Line<'static> {
    let mark = if group.needed > 0 {
        (theme.glyph("✗✗ ", "XX "), Paint::Alarm)
    } else if group.undetermined > 0 {
        ("!? ", Paint::Bad)
    } else {
        ("!  ", Paint::Bad)
    };
    let phones =
        format!("{:>7} {:<7}", number(group.phones as u64), if group.phones == 1 { "phone" } else { "phones" });
    line(theme, &[mark, (&phones, Paint::Bold), (&group.cause.text, Paint::Plain)], width)
}

fn servers(fleet: &FleetView, theme: Theme, width: u16) -> Sheet {
    let mut sheet = Sheet::new(theme, width);
    sheet.blank();
    for warning in &fleet.warnings {
        sheet.wrapped(&[("warning: ", Paint::Warn), (warning, Paint::Plain)], 9);
    }
    sheet.line(&[("Servers", Paint::Bold)]);
    for list in &fleet.lists {
        let sum = list.sha1.to_string();
        let signer = list.signer.as_deref().unwrap_or("unknown");
        let phones = number(list.phones as u64);
        let text = format!(" ITL {} signed by {signer}", sum.get(..8).unwrap_or(&sum));
        sheet.wrapped(
            &[
                (&format!("TFTP {}", list.server), Paint::Plain),
                (&text, Paint::Dim),
                (&format!(", {phones} got it last, first in frame {}", list.first.frame.number), Paint::Dim),
            ],
            5,
        );
    }
    for presented in &fleet.certificates {
        let phones = number(presented.phones as u64);
        sheet.wrapped(
            &[
                (&format!("TVS {}", presented.server), Paint::Plain),
                (&format!(" {} serial {}", presented.subject, presented.serial), Paint::Dim),
                (&format!(", {phones} were shown it, first in frame {}", presented.first.frame.number), Paint::Dim),
            ],
            5,
        );
    }
    sheet
}
