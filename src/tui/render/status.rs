//! The status bar and the key bar.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::sheet::{line, number};
use crate::tui::keys;
use crate::tui::state::{Mode, State};
use crate::tui::theme::Paint;

pub(super) fn bar(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    buffer.set_style(Rect { height: 1, ..area }, theme.style(Paint::Bar));
    let counts = counts(state);
    let room = usize::from(area.width).saturating_sub(counts.len() + 1);
    let text = line(theme, &[(&source(state), Paint::Bar)], room);
    buffer.set_line(area.x, area.y, &text, area.width);
    let text = line(theme, &[(&counts, Paint::Bar)], usize::from(area.width));
    let width = u16::try_from(text.width()).unwrap_or(0);
    buffer.set_line(area.right().saturating_sub(width), area.y, &text, width);
    second(state, Rect { y: area.y + 1, height: 1, ..area }, buffer);
}

/// What is read, and how that goes.
fn source(state: &State) -> String {
    let status = &state.status;
    let mut parts = vec![format!(" {}", status.source)];
    if status.live {
        let elapsed = state.elapsed;
        let clock = format!("{:02}:{:02}:{:02}", elapsed / 3600, elapsed / 60 % 60, elapsed % 60);
        parts.push(if status.ended { "ended".to_owned() } else { format!("live {clock}") });
    } else if let Some(percent) = status.progress {
        parts.push(format!("reading {percent}%"));
    } else if !status.ended {
        parts.push("reading".to_owned());
    } else if let Some((first, last)) = status.first_time.zip(status.last_time) {
        let seconds = last.nanos_since(first) / 1_000_000_000;
        parts.push(format!("{}, {seconds} s", state.clock.date(first)));
    }
    parts.push(format!("{} frames", number(status.frames)));
    if status.live && !status.ended {
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
    if state.is_paused() {
        parts.push("PAUSED".to_owned());
    }
    parts.join(theme_bar(state))
}

const fn theme_bar(state: &State) -> &'static str {
    state.theme.glyph(" │ ", " | ")
}

fn counts(state: &State) -> String {
    let counts = state.counts;
    let mut text = match counts.phones {
        1 => "1 phone".to_owned(),
        phones => format!("{} phones", number(phones as u64)),
    };
    if counts.wrong > 0 {
        text = format!("{text}, {} wrong", number(counts.wrong as u64));
    }
    if counts.needed > 0 {
        text = format!("{text}, {} TO DELETE", number(counts.needed as u64));
    }
    format!("{text} ")
}

/// What is typed, asked or said; else references, filter and drops.
fn second(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let width = usize::from(area.width);
    let status = &state.status;
    let mut pieces: Vec<(String, Paint)> = Vec::new();
    let mut add = |text: String, paint| pieces.push((text, paint));
    let shown = format!("{} of {}", number(state.order.len() as u64), number(state.rows.len() as u64));
    if state.mode == Mode::Typing {
        add(" filter: ".to_owned(), Paint::Bold);
        add(state.filter.clone(), Paint::Plain);
        add(theme.glyph("█", "_").to_owned(), Paint::Plain);
        add(format!("  {shown} phones"), Paint::Dim);
    } else if state.mode == Mode::Asking {
        add(
            " Write what configuration files contain too? They may hold passwords. y: yes, any other key: no"
                .to_owned(),
            Paint::Alarm,
        );
    } else if let Some(note) = &state.note {
        add(format!(" {}", note.text), if note.failed { Paint::Bad } else { Paint::Bold });
    } else {
        if let Some(group) = &state.group {
            add(format!(" {shown} with: "), Paint::Bold);
            add(group.text.clone(), Paint::Plain);
            add("  (Esc: all)".to_owned(), Paint::Dim);
        }
        if !state.filter.is_empty() {
            add(format!(" {shown} with "), Paint::Bold);
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
        for warning in &status.warnings {
            add(format!(" {warning}."), Paint::Warn);
        }
        match &status.references[..] {
            [] => add(" no reference (-r): phones are compared with each other".to_owned(), Paint::Dim),
            [first, rest @ ..] => {
                add(" reference ".to_owned(), Paint::Dim);
                add(first.clone(), Paint::Plain);
                if !rest.is_empty() {
                    add(format!(" and {} more", rest.len()), Paint::Dim);
                }
            }
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

/// The key bar.
pub(super) fn key_bar(state: &State, area: Rect, buffer: &mut Buffer) {
    let table = keys::table(state.mode);
    let shown = table.iter().filter(|binding| !binding.short.is_empty());
    let pieces: Vec<_> = shown
        .flat_map(|binding| {
            [
                (" ", Paint::Plain),
                (binding.shown, Paint::Key),
                (" ", Paint::Plain),
                (binding.short, Paint::Plain),
                (" ", Paint::Plain),
            ]
        })
        .collect();
    buffer.set_line(area.x, area.y, &line(state.theme, &pieces, usize::from(area.width)), area.width);
}
