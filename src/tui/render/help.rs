//! Help: what the view shows, its keys, printed from their table, and what its marks mean.

use unicode_width::UnicodeWidthStr;

use super::sheet::Sheet;
use crate::report::Severity;
use crate::tui::keys;
use crate::tui::state::{Mode, Page, Tab};
use crate::tui::theme::Paint;
use crate::verdict::Check;
use crate::watch::RecordMark;

/// Cells for what is explained.
const TERM: usize = 10;

pub(super) fn sheet(page: Page, tab: Tab, sheet: &mut Sheet) {
    match page {
        Page::Phones => {
            about(sheet, "Phones", "Every phone that was seen, the worst first; below, the selected one, whole.");
        }
        Page::Phone => about(sheet, "Phone", "The selected phone on the whole screen."),
        Page::Fleet => about(
            sheet,
            "Fleet",
            "All phones together: boots per minute, what was found and with how many, which lists TFTP servers handed out, which \
             certificates TVS presented.",
        ),
    }
    if page != Page::Fleet {
        about(sheet, tab.title(), tab_text(tab));
    }
    sheet.heading("Keys");
    for binding in keys::table(Mode::Browsing, page) {
        term(sheet, binding.shown, Paint::Key, binding.help);
    }
    term(sheet, "mouse", Paint::Key, mouse(page));
    marks(page, tab, sheet);
    sheet.heading("What it cannot see");
    sheet.wrapped(
        &[(
            "Nobody sees a phone accept or refuse a list; what it does next tells. Certificates are encrypted in TLS 1.3 and not \
             sent in resumed sessions. What the phone's screen says and whether an old key is backed up come from you: \
             --phone-says, --holds, --old-key-backup.",
            Paint::Plain,
        )],
        0,
    );
}

const fn tab_text(tab: Tab) -> &'static str {
    match tab {
        Tab::Ladder => {
            "Time, frame number as in Wireshark, and the message: to the right from the phone, to the left from the server. A \
             file's name stands at its request, its size at its last frame. In … stands the phone's own name."
        }
        Tab::List => "The lists that the phone downloaded last, record by record, beside the reference.",
        Tab::Certificates => "Each certificate that a server presented, and where it stands in the lists at hand.",
        Tab::Verdict => {
            "Whether the ITL has to be deleted, what to do, what to collect, the four conditions with the frames that carry \
             them, and the phone's own decision, simulated."
        }
    }
}

const fn mouse(page: Page) -> &'static str {
    match page {
        Page::Phones => "select a phone, a tab, a column's head to sort by; the wheel scrolls",
        Page::Phone => "select a tab; the wheel scrolls",
        Page::Fleet => "select a cause, again to open it; the wheel moves",
    }
}

fn about(sheet: &mut Sheet, title: &str, text: &str) {
    sheet.wrapped(&[(title, Paint::Bold), (": ", Paint::Bold), (text, Paint::Plain)], 2);
}

fn term(sheet: &mut Sheet, term: &str, paint: Paint, text: &str) {
    let theme = sheet.theme();
    let plain = if theme.is_unicode() { (term.to_owned(), text.to_owned()) } else { (ascii(term), ascii(text)) };
    let pad = " ".repeat(TERM.saturating_sub(plain.0.width()).max(1));
    sheet.wrapped(&[("  ", Paint::Plain), (&plain.0, paint), (&pad, Paint::Plain), (&plain.1, Paint::Plain)], TERM + 2);
}

fn marks(page: Page, tab: Tab, sheet: &mut Sheet) {
    let theme = sheet.theme();
    sheet.heading("Marks");
    let states = [
        (Severity::DeletionNeeded, "the ITL has to be deleted: all four conditions are known to hold"),
        (Severity::WrongUndetermined, "something is wrong; whether the ITL has to be deleted is not known"),
        (Severity::Wrong, "something is wrong, but the ITL need not be deleted"),
        (Severity::Undetermined, "nothing is known to be wrong, but not everything is known"),
        (Severity::Fine, "nothing is wrong; it may still differ from a reference"),
    ];
    for (severity, text) in states {
        let (mark, paint) = theme.severity(severity);
        term(sheet, mark, paint, text);
    }
    let checks = [
        (Check::Match, "equal to the reference; of a signature: it verifies"),
        (Check::Mismatch, "not equal; of a signature: it does not verify"),
        (Check::Unknown, "nothing to compare, or nothing to compare with: never taken for health"),
    ];
    if page == Page::Fleet {
        return;
    }
    for (check, text) in checks {
        let (mark, paint) = theme.check(check);
        term(sheet, mark, paint, text);
    }
    match tab {
        Tab::Ladder => {
            term(sheet, theme.glyph("─>  <─", "->  <-"), Paint::Plain, "a message of the phone, of the server");
            term(sheet, theme.glyph("── ✗", "-- X"), Paint::Bad, "a message that was not answered");
        }
        Tab::List => {
            let records = [
                (RecordMark::Same, "a record that both lists have"),
                (RecordMark::Replaced, "the other list has another certificate in its place"),
                (RecordMark::Added, "only the downloaded list has it"),
                (RecordMark::Gone, "only the other list has it"),
                (RecordMark::Altered, "the other list has it with other words"),
            ];
            for (mark, text) in records {
                let (mark, paint) = theme.record(mark);
                term(sheet, mark, paint, text);
            }
        }
        Tab::Certificates | Tab::Verdict => {}
    }
}

fn ascii(text: &str) -> String {
    text.replace('↑', "Up").replace('↓', "Down").replace('→', "Right").replace('←', "Left").replace('…', "~")
}
