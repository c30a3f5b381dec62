//! The status bar and the key bar.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::sheet::{cut_front, line, number, shown};
use crate::tui::keys;
use crate::tui::state::{Mode, Page, State};
use crate::tui::theme::Paint;

/// Cells for the first reference; the fleet view shows all of them whole.
const LONGEST_REFERENCE: usize = 40;

pub(super) fn bar(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    buffer.set_style(Rect { height: 1, ..area }, theme.style(Paint::Bar));
    let counts = counts(state);
    let counts: Vec<_> = counts.iter().map(|(text, paint)| (text.as_str(), *paint)).collect();
    let right = line(theme, &counts, usize::from(area.width));
    let width = u16::try_from(right.width()).unwrap_or(0);
    let room = usize::from(area.width - width.min(area.width));
    let (source, rest) = (&state.status.source, progress(state));
    // The end of a path says more than its beginning.
    let shortest = source.width().min(14);
    let source = shown(source, theme);
    let source = cut_front(&source, room.saturating_sub(rest.width() + 2).max(shortest), theme);
    let text = line(theme, &[(" ", Paint::Bar), (&source, Paint::Bar), (&rest, Paint::Bar)], room.saturating_sub(1));
    buffer.set_line(area.x, area.y, &text, area.width);
    buffer.set_line(area.right().saturating_sub(width), area.y, &right, width);
    second(state, Rect { y: area.y + 1, height: 1, ..area }, buffer);
}

/// How reading goes.
fn progress(state: &State) -> String {
    let status = &state.status;
    let mut parts = vec![String::new()];
    if status.live {
        let elapsed = state.elapsed;
        let clock = format!("{:02}:{:02}:{:02}", elapsed / 3600, elapsed / 60 % 60, elapsed % 60);
        parts.push(if status.ended { format!("ended after {clock}") } else { format!("live {clock}") });
    } else if !status.ended {
        parts.push(status.progress.map_or_else(|| "reading".to_owned(), |percent| format!("reading {percent}%")));
    } else if let Some((first, last)) = status.first_time.zip(status.last_time) {
        let seconds = last.nanos_since(first) / 1_000_000_000;
        parts.push(format!("file, {}, {}", state.clock.date(first), span(seconds)));
    } else {
        parts.push("file".to_owned());
    }
    let frames = if status.frames == 1 { "frame" } else { "frames" };
    parts.push(format!("{} {frames}", number(status.frames)));
    if !status.ended && status.rate > 0 {
        parts.push(format!("{}/s", number(status.rate)));
    }
    if status.live {
        parts.push(match status.drops.lost() {
            0 => "0 dropped".to_owned(),
            lost => format!("{} DROPPED", number(lost)),
        });
    }
    if status.backlog > 0 {
        parts.push(format!("{} to assess", number(status.backlog as u64)));
    }
    parts.join(state.theme.glyph(" │ ", " | "))
}

/// `4 s`, `12 min 5 s`, `26 h 3 min`.
fn span(seconds: u64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn counts(state: &State) -> Vec<(String, Paint)> {
    let counts = state.counts;
    let mut text = match counts.phones {
        1 => " 1 phone".to_owned(),
        phones => format!(" {} phones", number(phones as u64)),
    };
    if counts.wrong > 0 {
        text = format!("{text}, {} wrong", number(counts.wrong as u64));
    }
    let mut pieces = vec![(format!("{text} "), Paint::Bar)];
    if counts.needed > 0 {
        pieces.push((format!(" {} TO DELETE ", number(counts.needed as u64)), Paint::Alarm));
    }
    if state.is_paused() {
        pieces.push((" PAUSED ".to_owned(), Paint::Alarm));
    }
    pieces
}

/// What is typed, asked or said; else references, filter and drops.
fn second(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let width = usize::from(area.width);
    let status = &state.status;
    let mut pieces: Vec<(String, Paint)> = Vec::new();
    let mut add = |text: String, paint| pieces.push((text, paint));
    let count = format!("{} of {}", number(state.order.len() as u64), number(state.rows.len() as u64));
    if state.mode == Mode::Typing {
        add(" filter: ".to_owned(), Paint::Bold);
        add(state.filter.clone(), Paint::Plain);
        add(theme.glyph("█", "_").to_owned(), Paint::Plain);
        add(format!("  {count} phones"), Paint::Dim);
    } else if state.mode == Mode::Asking {
        add(
            " Write configuration files too? They may hold passwords. y: yes, other keys: no ".to_owned(),
            Paint::Alarm,
        );
    } else if let Some(note) = &state.note {
        add(format!(" {}", note.text), if note.failed { Paint::Bad } else { Paint::Bold });
    } else {
        if let Some(group) = &state.group {
            add(format!(" {count} with: "), Paint::Bold);
            add(group.text.clone(), Paint::Plain);
            add("  (Esc: all)".to_owned(), Paint::Dim);
        }
        if !state.filter.is_empty() {
            add(format!(" {count} with "), Paint::Bold);
            add(format!("/{}", state.filter), Paint::Bold);
            add("  (Esc: all)".to_owned(), Paint::Dim);
        }
        let drops = status.drops;
        for (who, frames) in [("kernel", drops.kernel), ("interface", drops.interface), ("this program", drops.queue)] {
            if frames > 0 {
                add(format!(" {who} dropped {},", number(frames)), Paint::Bad);
            }
        }
        if drops.unrecorded > 0 {
            add(format!(" {} not recorded,", number(drops.unrecorded)), Paint::Bad);
        }
        match &status.references[..] {
            [] => add(" no reference (-r): phones are compared with each other".to_owned(), Paint::Dim),
            [first, rest @ ..] => {
                add(" reference ".to_owned(), Paint::Dim);
                add(cut_front(&shown(first, theme), LONGEST_REFERENCE, theme).into_owned(), Paint::Plain);
                if !rest.is_empty() {
                    add(format!(" and {} more", rest.len()), Paint::Dim);
                }
            }
        }
        for warning in &status.warnings {
            add(format!("  {warning}."), Paint::Warn);
        }
        if let Some(recording) = &status.recording {
            add("  recording to ".to_owned(), Paint::Dim);
            add(recording.clone(), Paint::Plain);
        }
        add(format!("  times {}", state.clock.name()), Paint::Dim);
    }
    let pieces: Vec<_> = pieces.iter().map(|(text, paint)| (text.as_str(), *paint)).collect();
    buffer.set_line(area.x, area.y, &line(theme, &pieces, width), area.width);
}

/// The key bar: the keys that fit, and at the right how much is `below` the screen.
pub(super) fn key_bar(state: &State, below: usize, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let mut right = String::new();
    if below > 0 {
        let key = if state.mode == Mode::Helping || state.page == Page::Phone { "j" } else { "J" };
        right = format!(" {key} {}{} more ", theme.glyph("↓ ", ""), number(below as u64));
    }
    let mut room = usize::from(area.width).saturating_sub(right.width());
    let mut pieces = Vec::new();
    for binding in keys::table(state.mode, state.page).filter(|binding| !binding.short.is_empty()) {
        let Some(rest) = room.checked_sub(binding.shown.width() + binding.short.width() + 3) else { break };
        room = rest;
        pieces.extend([(" ", Paint::Plain), (binding.shown, Paint::Key), (" ", Paint::Plain)]);
        pieces.extend([(binding.short, Paint::Plain), (" ", Paint::Plain)]);
    }
    buffer.set_line(area.x, area.y, &line(theme, &pieces, usize::from(area.width)), area.width);
    let text = line(theme, &[(&right, Paint::Dim)], usize::from(area.width));
    let width = u16::try_from(right.width()).unwrap_or(0);
    buffer.set_line(area.right().saturating_sub(width), area.y, &text, width);
}
