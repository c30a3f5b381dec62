//! All phones together: boots per minute, groups with the same cause, servers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::sheet::{Extent, Sheet, line, number};
use crate::tui::state::State;
use crate::tui::theme::{Paint, Theme};
use crate::watch::{FleetGroup, FleetView, Status};

/// Lines above the groups: the counts, the sparkline with its rule, a heading.
const ABOVE: u16 = 5;

/// Returns how many lines are below the screen.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) -> usize {
    let theme = state.theme;
    let width = usize::from(area.width);
    let Some(fleet) = &state.fleet else {
        let text = line(theme, &[("Counting", Paint::Dim), (theme.glyph("…", "..."), Paint::Dim)], width);
        buffer.set_line(area.x, area.y, &text, area.width);
        return 0;
    };
    let put = |text: &ratatui::text::Line<'_>, y: u16, buffer: &mut Buffer| {
        if y < area.bottom() {
            buffer.set_line(area.x, y, text, area.width);
        }
    };
    put(&counts(fleet, theme, width), area.y, buffer);
    sparkline(state, fleet, Rect { y: area.y + 1, height: 3, ..area }, buffer);
    let groups = Groups::new(state, fleet, area);
    let (heading, more) = match fleet.groups.len() {
        0 => ("Nothing was found".to_owned(), String::new()),
        1 => ("What was found".to_owned(), String::new()),
        causes => ("What was found".to_owned(), format!("  ({} of {causes} causes)", state.fleet_index + 1)),
    };
    put(&line(theme, &[(&heading, Paint::Bold), (&more, Paint::Dim)], width), area.y + 4, buffer);
    let place = Rect { height: groups.shown, ..groups.area };
    groups.sheet.draw_plain(groups.first, place, buffer);
    for y in place.y..place.bottom() {
        if groups.at(y) == Some(state.fleet_index) {
            buffer.set_style(Rect { y, height: 1, ..area }, theme.selected());
        }
    }
    let rest = groups.rest();
    below(state, fleet, rest.width).draw(state.fleet_scroll, rest, buffer)
}

/// The groups around the selected one, as lines, and which of them are on the screen.
struct Groups {
    sheet: Sheet,
    /// Which group each line is of.
    owners: Vec<usize>,
    /// The first line on the screen.
    first: usize,
    /// How many lines are.
    shown: u16,
    /// Where they stand.
    area: Rect,
}

impl Groups {
    fn new(state: &State, fleet: &FleetView, area: Rect) -> Self {
        let height = area.height.saturating_sub(ABOVE);
        let room = usize::from(height);
        // The groups come first, but a glance at the servers stays.
        let kept = below(state, fleet, area.width).len().min(room / 3);
        let room = room - kept;
        let mut sheet = Sheet::new(state.theme, area.width);
        let mut owners = Vec::new();
        let mut last_of_selected = 0;
        // Each has a line at least: what is further away than the screen is high is not seen.
        let nearest = state.fleet_index.saturating_sub(room);
        for (index, group) in fleet.groups.iter().enumerate().skip(nearest).take(2 * room + 1) {
            group_lines(group, &mut sheet);
            owners.resize(sheet.len(), index);
            if index == state.fleet_index {
                last_of_selected = sheet.len();
            }
        }
        let shown = sheet.len().min(room);
        let first = last_of_selected.saturating_sub(shown);
        Self {
            sheet,
            owners,
            first,
            shown: u16::try_from(shown).unwrap_or(0),
            area: Rect { y: area.y + ABOVE, height, ..area },
        }
    }

    /// What is left below them.
    fn rest(&self) -> Rect {
        let y = self.area.y + self.shown;
        Rect { y, height: self.area.bottom().saturating_sub(y), ..self.area }
    }

    /// The group at this line of the screen.
    fn at(&self, row: u16) -> Option<usize> {
        let line = row.checked_sub(self.area.y).filter(|line| *line < self.shown)?;
        self.owners.get(self.first + usize::from(line)).copied()
    }
}

/// How much of what stands below the groups there is to scroll through.
pub(super) fn extent(state: &State, area: Rect) -> Option<Extent> {
    let fleet = state.fleet.as_ref()?;
    Some(below(state, fleet, area.width).extent(Groups::new(state, fleet, area).rest().height))
}

/// The group at this line of the screen.
pub(super) fn group_at(state: &State, area: Rect, row: u16) -> Option<usize> {
    Groups::new(state, state.fleet.as_ref()?, area).at(row)
}

fn counts(fleet: &FleetView, theme: Theme, width: usize) -> ratatui::text::Line<'static> {
    let summary = &fleet.summary;
    let text = |count: usize| number(count as u64);
    let phones = if summary.phones == 1 { "phone" } else { "phones" };
    let all =
        format!("{} {phones}, {} with findings. ITL deletion: ", text(summary.phones), text(summary.with_findings));
    let needed = format!("{} needed", text(summary.deletion_needed));
    let paint = if summary.deletion_needed > 0 { Paint::Alarm } else { Paint::Bold };
    let others = format!(", {} not needed, {} undetermined", text(summary.not_needed), text(summary.undetermined));
    line(theme, &[(&all, Paint::Plain), (&needed, paint), (&others, Paint::Plain)], width)
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

fn group_lines(group: &FleetGroup, sheet: &mut Sheet) {
    let (mark, paint) = sheet.theme().severity(group.worst);
    let phones =
        format!(" {:>7} {:<7}", number(group.phones as u64), if group.phones == 1 { "phone" } else { "phones" });
    sheet.wrapped(&[(mark, paint), (&phones, Paint::Bold), (&group.cause.text, Paint::Plain)], 18);
}

/// What stands below the groups: warnings, servers, and what phones are compared with.
fn below(state: &State, fleet: &FleetView, width: u16) -> Sheet {
    // A column is kept for the bar that shows where one is.
    let mut sheet = Sheet::new(state.theme, width.saturating_sub(1));
    sheet.blank();
    for warning in fleet.warnings.iter().chain(&state.status.warnings) {
        sheet.wrapped(&[("warning: ", Paint::Warn), (warning, Paint::Plain)], 9);
    }
    servers(fleet, &mut sheet);
    capture(&state.status, &mut sheet);
    sheet
}

/// What the second line of the status bar may have no room for.
fn capture(status: &Status, sheet: &mut Sheet) {
    sheet.line(&[("Compared with", Paint::Bold)]);
    if status.references.is_empty() {
        sheet.line(&[("each other, since no reference was given (-r)", Paint::Dim)]);
    }
    for reference in &status.references {
        sheet.wrapped(&[("reference ", Paint::Dim), (reference, Paint::Plain)], 10);
    }
    if let Some(recording) = &status.recording {
        sheet.wrapped(&[("recording to ", Paint::Dim), (recording, Paint::Plain)], 10);
    }
    if let Some(privileges) = &status.privileges {
        sheet.wrapped(&[("privileges: ", Paint::Dim), (privileges, Paint::Plain)], 10);
    }
}

fn servers(fleet: &FleetView, sheet: &mut Sheet) {
    if !(fleet.lists.is_empty() && fleet.certificates.is_empty()) {
        sheet.line(&[("Servers", Paint::Bold)]);
    }
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
}
