//! Names from the wire that are made to do harm.

use std::sync::Arc;

use itlscope::report::Severity;
use itlscope::tui::{Action, Theme};
use itlscope::watch::{Cause, FleetView, Update};
use unicode_width::UnicodeWidthStr;

use super::desk::{Case, Desk, row, text};

fn names() -> Vec<String> {
    vec![
        "\x1b[2J\x1b]0;owned\x07SEP\r\nnew line\ttab\u{9b}31m".to_owned(),
        "전화기テレフォン電話機".repeat(20),
        "\u{202e}tlv.PES\u{2066}\u{200b}\u{feff}مرحبا بالعالم".to_owned(),
        "x".repeat(2000),
        "e\u{301}\u{301}\u{301}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}".repeat(40),
        "../../../../etc/passwd\0".to_owned(),
    ]
}

/// A dashboard in which `name` stands wherever the wire may put a text.
fn desk(name: &str) -> Desk {
    let mut desk = Desk::open(Case::new("six-phones", "itl-old.tlv"), Theme::FULL);
    let cause = Arc::new(Cause { id: "tvs_refused", text: name.to_owned() });
    let mut hostile = (*row(0)).clone();
    name.clone_into(&mut hostile.brief.name);
    name.clone_into(&mut hostile.brief.instead);
    hostile.model = Some(name.to_owned());
    hostile.causes = vec![Arc::clone(&cause)];
    let mut fleet = FleetView::default();
    fleet.warnings.push(name.to_owned());
    fleet.groups.push(itlscope::watch::FleetGroup { cause, phones: 1, worst: Severity::DeletionNeeded });
    desk.state.take(Update::Rows(vec![Arc::new(hostile)], Vec::new()));
    desk.state.take(Update::Fleet(Box::new(fleet)));
    desk.act(Action::Resize(120, 36));
    desk
}

#[test]
fn hostile_names_do_no_harm() {
    for name in names() {
        let mut desk = desk(&name);
        for keys in ["g", "Enter", "2", "3", "4", "1 j", "Esc /", "Esc f"] {
            desk.press(keys);
            for (width, height) in [(80, 24), (120, 36), (61, 15)] {
                desk.act(Action::Resize(width, height));
                let buffer = desk.buffer(width, height);
                for cell in &buffer.content {
                    assert!(!cell.symbol().contains(char::is_control), "{:?} reaches the terminal", cell.symbol());
                    assert!(!cell.symbol().contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}']));
                }
                for line in text(&buffer).lines() {
                    assert!(line.width() <= usize::from(width), "{line:?} is wider than {width}");
                }
            }
        }
    }
}

#[test]
fn a_hostile_filter_is_shown_and_not_obeyed() {
    let mut desk = desk("plain");
    desk.press("/");
    for typed in "\x1b[2J\u{202e}전화".chars() {
        desk.act(Action::Type(typed));
    }
    let screen = desk.screen(80, 24);
    assert!(screen.contains("\\x1b[2J\\u{202e}전화"), "{screen}");
}

#[test]
fn escapes_are_visible_in_the_table() {
    let mut desk = desk("\x1b[2J");
    assert!(desk.screen(120, 36).contains("\\x1b[2J"));
}
