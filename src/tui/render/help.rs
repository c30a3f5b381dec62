//! Help: the keys, printed from their table, and what the marks mean.

use super::sheet::Sheet;
use crate::tui::keys::BINDINGS;
use crate::tui::theme::{Paint, Theme};

pub(super) fn sheet(sheet: &mut Sheet) {
    let theme = sheet.theme();
    sheet.line(&[("Keys", Paint::Bold)]);
    for binding in BINDINGS {
        let keys = if theme.is_unicode() { binding.shown.to_owned() } else { ascii(binding.shown) };
        sheet.wrapped(&[(&format!("  {keys:<10}"), Paint::Key), (binding.help, Paint::Plain)], 12);
    }
    sheet.wrapped(
        &[
            ("  mouse     ", Paint::Key),
            ("select a line, a tab, a column's head to sort by; the wheel scrolls", Paint::Plain),
        ],
        12,
    );
    sheet.heading("Marks");
    marks(theme, sheet);
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

fn marks(theme: Theme, sheet: &mut Sheet) {
    use crate::report::Severity;
    use crate::verdict::Check;
    let states = [
        (Severity::DeletionNeeded, "the ITL has to be deleted: all four conditions are known to hold"),
        (Severity::WrongUndetermined, "something is wrong; whether the ITL has to be deleted is not known"),
        (Severity::Wrong, "something is wrong, but the ITL need not be deleted"),
        (Severity::Undetermined, "nothing is known to be wrong, but not everything is known"),
        (Severity::Fine, "nothing is wrong"),
    ];
    for (severity, text) in states {
        let (mark, paint) = theme.severity(severity);
        sheet.wrapped(&[("  ", Paint::Plain), (mark, paint), ("        ", Paint::Plain), (text, Paint::Plain)], 12);
    }
    let checks = [
        (Check::Match, "equal to the reference; of a signature: it verifies"),
        (Check::Mismatch, "not equal; of a signature: it does not verify"),
        (Check::Unknown, "nothing to compare, or nothing to compare with: never taken for health"),
    ];
    for (check, text) in checks {
        let (mark, paint) = theme.check(check);
        sheet.wrapped(&[("  ", Paint::Plain), (mark, paint), ("         ", Paint::Plain), (text, Paint::Plain)], 12);
    }
}

fn ascii(keys: &str) -> String {
    keys.replace('↑', "Up").replace('↓', "Down").replace('→', "Right").replace('←', "Left")
}
