//! The boot as a sequence of messages between the phone and its servers.
//!
//! ```text
//!                     phone              TFTP               TVS
//!                                        14.48.44.80        14.48.44.80
//! 14:20:28.848     26  │─ ITL….tlv ──────>│                  │
//! 14:20:28.901     48  │<─ 5438 bytes ────│                  │
//! ```

mod steps;

use unicode_width::UnicodeWidthStr;

use self::steps::{Ladder, Step};
use super::sheet::{Sheet, cut, shown};
use crate::capture::Moment;
use crate::event::Side;
use crate::tui::clock::Clock;
use crate::tui::theme::Paint;
use crate::watch::Detail;

/// Cells for time and frame number.
const GUTTER: usize = 22;
/// Cells between two lines of life: at least, at most.
const SPACING: (usize, usize) = (14, 46);
/// Beside the lines of life, notes need so many cells; where there are fewer, they get lines of their own.
const NOTE: usize = 30;

/// The ladder of a phone; the names of the servers stay on top. Returns the line at which its last boot begins.
pub(super) fn sheet(detail: &Detail, clock: &Clock, sheet: &mut Sheet) -> usize {
    let ladder = Ladder::new(&detail.phone, sheet.theme());
    let boots: Vec<Moment> = detail.phone.boots().iter().map(|boot| boot.started).collect();
    let places = Places::new(ladder.servers.len(), sheet.width());
    if ladder.steps.is_empty() {
        sheet.line(&[("Nothing was seen of this phone but who it is.", Paint::Dim)]);
        return 0;
    }
    heads(&ladder, &places, sheet);
    sheet.pin();
    let mut begun = 0;
    let mut last_boot = 0;
    for step in &ladder.steps {
        while boots.get(begun).is_some_and(|boot| *boot <= step.moment) {
            if boots.len() > 1 {
                last_boot = sheet.scrolled();
                let text = format!(" boot {} of {}, {} ", begun + 1, boots.len(), clock.date(step.moment.time));
                let dash = sheet.theme().glyph("──", "--");
                let rest = sheet.theme().glyph("─", "-").repeat(sheet.width().saturating_sub(text.width() + 2));
                sheet.line(&[(dash, Paint::Dim), (&text, Paint::Bold), (&rest, Paint::Dim)]);
            }
            begun += 1;
        }
        draw(step, &ladder, &places, clock, sheet);
    }
    last_boot
}

/// Where the lines of life stand.
struct Places {
    spacing: usize,
    servers: usize,
    note: usize,
}

impl Places {
    fn new(servers: usize, width: usize) -> Self {
        let room = width.saturating_sub(GUTTER + 1);
        let shown = servers.clamp(1, (room / SPACING.0).max(1));
        // Notes stand beside where that leaves enough for the lines.
        let beside = room.saturating_sub(NOTE) / shown;
        let spacing = if beside >= 24 { beside.min(SPACING.1) } else { (room / shown).min(SPACING.1) };
        let end = GUTTER + shown * spacing + 2;
        let note = if width.saturating_sub(end) >= NOTE - 2 { width - end } else { 0 };
        Self { spacing: spacing.max(4), servers: shown, note }
    }

    /// The lines of life from this server's on.
    fn bars(&self, server: usize, bar: &str) -> String {
        let gap = " ".repeat(self.spacing - 1);
        vec![bar; self.servers.saturating_sub(server)].join(&gap)
    }

    /// Where there are more servers than lines, the last ones share a line.
    fn server(&self, server: usize) -> usize {
        server.min(self.servers - 1)
    }
}

fn heads(ladder: &Ladder, places: &Places, sheet: &mut Sheet) {
    let theme = sheet.theme();
    for (first, role) in [("phone", true), ("", false)] {
        let mut line = format!("{:>1$}", "", GUTTER.saturating_sub(2));
        line.push_str(first);
        for at in 0..places.servers {
            let shared = at + 1 == places.servers && ladder.servers.len() > places.servers;
            let text = match (ladder.servers.get(at), role, shared) {
                (_, true, true) => "other servers".to_owned(),
                (_, false, true) => format!("{} of them", ladder.servers.len() - at),
                (Some(server), true, _) => server.role.to_owned(),
                (Some(server), false, _) => server.address.clone(),
                (None, ..) => String::new(),
            };
            let room = places.spacing - 1;
            let text = cut(&text, room.max(4), theme).into_owned();
            // Under the line of life, or a little to the left of it where the edge is near.
            let wanted = GUTTER + (at + 1) * places.spacing;
            let start = wanted.saturating_sub(text.width() / 2).min(sheet.width().saturating_sub(text.width()));
            let gap = start.saturating_sub(line.width()).max(1);
            line.push_str(&" ".repeat(gap));
            line.push_str(&text);
        }
        sheet.line(&[(&line, Paint::Bold)]);
    }
}

fn draw(step: &Step, ladder: &Ladder, places: &Places, clock: &Clock, sheet: &mut Sheet) {
    let theme = sheet.theme();
    let (bar, dash) = (theme.glyph("│", "|"), theme.glyph("─", "-"));
    let target = places.server(step.server);
    let gutter = format!("{:<12} {:>7} ", clock.precise(step.moment.time), ladder.frame(step.moment.frame));
    let gutter = cut(&gutter, GUTTER, theme).into_owned();
    let pad = " ".repeat(GUTTER.saturating_sub(gutter.width()));
    // Between the phone's line and the server's.
    let room = (target + 1) * places.spacing - 1;
    let most = room.saturating_sub(4);
    let name = shown(&step.label, theme);
    let whole = format!("{name}{}", shown(&step.more, theme));
    let fits = whole.width() <= most;
    let label = if fits { whole } else { cut(&name, most, theme).into_owned() };
    let label_width = label.width();
    let rest = room.saturating_sub(label_width + 4);
    // An arrow that nobody answered ends on its way.
    let (before, after, end, pad_after) = match (step.from, step.lost) {
        (Side::Client, false) => (format!("{dash} "), format!(" {}", dash.repeat(rest)), ">", 0),
        (Side::Client, true) => {
            (format!("{dash} "), format!(" {}", dash.repeat(rest / 2)), theme.glyph("✗", "X"), rest - rest / 2)
        }
        (Side::Server, _) => (format!("<{dash} "), format!(" {}", dash.repeat(rest)), "", 0),
    };
    let pad_after = " ".repeat(pad_after);
    let beyond = places.bars(target, bar);
    let mut note = String::new();
    if places.servers <= step.server {
        // Its line is shared: say who it is.
        let server = ladder.servers.get(step.server);
        note = server.map(|server| format!("{} {}  ", server.role, server.address)).unwrap_or_default();
    }
    // What was cut is repeated whole; what goes on from it is not.
    let cut_off = if name.width() > most { step.label.as_str() } else { "" };
    let rest = if fits { "" } else { step.more.trim_start_matches([',', ' ']) };
    let parts = [cut_off, rest, step.note.as_deref().unwrap_or_default()];
    note.push_str(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "));
    let beside = if note.width() <= places.note { note.as_str() } else { "" };
    sheet.line(&[
        (&gutter, Paint::Dim),
        (&pad, Paint::Plain),
        (bar, Paint::Dim),
        (&before, Paint::Dim),
        (&label, step.paint),
        (&after, Paint::Dim),
        (end, if step.lost { step.paint } else { Paint::Dim }),
        (&pad_after, Paint::Plain),
        (&beyond, Paint::Dim),
        (" ", Paint::Plain),
        (beside, Paint::Dim),
    ]);
    if beside.is_empty() && !note.is_empty() {
        below(&note, step, places, sheet);
    }
}

/// A note on a line of its own; the lines of life that it does not reach go on.
fn below(note: &str, step: &Step, places: &Places, sheet: &mut Sheet) {
    let theme = sheet.theme();
    let bar = theme.glyph("│", "|");
    let indent = " ".repeat(GUTTER);
    let note = shown(note, theme);
    let paint = if matches!(step.paint, Paint::Bad | Paint::Warn) { step.paint } else { Paint::Dim };
    let mut pieces = vec![(indent.as_str(), Paint::Plain), (bar, Paint::Dim), ("   ", Paint::Plain), (&*note, paint)];
    let beyond = (0..places.servers).find_map(|server| {
        // The bar itself, three blanks before the note and one after it.
        let pad = ((server + 1) * places.spacing).checked_sub(note.width() + 5)? + 1;
        Some(" ".repeat(pad) + &places.bars(server, bar))
    });
    match &beyond {
        Some(beyond) => {
            pieces.push((beyond, Paint::Dim));
            sheet.line(&pieces);
        }
        None => sheet.wrapped(&pieces, GUTTER + 4),
    }
}
