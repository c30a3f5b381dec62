//! What actions do, without a terminal.

use itlscope::tui::{Action, ColumnId, Mode, Page, Tab, Theme};
use itlscope::watch::{Request, Update};
use proptest::prelude::*;

use super::desk::{Case, Desk, row};

fn six() -> Desk {
    Desk::open(Case::new("six-phones", "itl-old.tlv"), Theme::FULL)
}

fn selected(desk: &Desk) -> String {
    desk.state.selected().map(|row| row.label()).unwrap_or_default()
}

/// The names in the table, from top to bottom.
fn order(desk: &mut Desk) -> Vec<String> {
    let screen = desk.screen(120, 36);
    let names = screen.lines().skip(3).take_while(|line| !line.contains("1 Ladder"));
    names.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("SEP"))).map(str::to_owned).collect()
}

#[test]
fn the_worst_comes_first_and_is_selected() {
    let mut desk = six();
    assert_eq!(selected(&desk), "SEP001D45B6C0F2", "the only one that is stuck");
    assert_eq!(order(&mut desk)[0], "SEP001D45B6C0F2");
}

#[test]
fn every_column_sorts_and_sorts_the_other_way_round() {
    let mut desk = six();
    let columns = [
        ColumnId::State,
        ColumnId::Device,
        ColumnId::Address,
        ColumnId::Model,
        ColumnId::Itl,
        ColumnId::Tvs,
        ColumnId::Config,
        ColumnId::Tftp,
        ColumnId::Seen,
        ColumnId::Verdict,
    ];
    desk.act(Action::SortBy(ColumnId::Device));
    for column in columns {
        desk.act(Action::SortBy(column));
        let mut there = order(&mut desk);
        desk.act(Action::SortReverse);
        let mut back = order(&mut desk);
        back.reverse();
        assert_eq!(there, back, "{column:?}");
        there.sort();
        there.dedup();
        assert_eq!(there.len(), 6, "{column:?} loses nobody");
    }
    desk.act(Action::SortBy(ColumnId::Address));
    assert_eq!(order(&mut desk)[0], "SEP0011215A1AE3", "14.48.44.202");
    assert!(desk.screen(80, 24).contains("sorted by ADDRESS"), "a column that a narrow terminal does not show");
}

#[test]
fn a_filter_narrows_and_the_selection_stays() {
    let mut desk = six();
    desk.press("j j");
    let chosen = selected(&desk);
    desk.press("/ 1 9 E");
    assert_eq!(desk.state.mode(), Mode::Typing);
    assert_eq!(order(&mut desk), ["SEP0019E8F1A7C4"]);
    desk.press("Enter");
    assert!(desk.screen(120, 36).contains("1 of 6 with /19E"));
    desk.press("Esc");
    assert_eq!(order(&mut desk).len(), 6);
    assert!(order(&mut desk).contains(&chosen));
    desk.press("/ n o Space s u c h");
    assert!(desk.screen(80, 24).contains("No phone fits the filter"));
    desk.press("^u");
    assert_eq!(order(&mut desk).len(), 6);
    desk.press("Esc / 1 4 . 4 8 Space u n d e t Enter");
    assert_eq!(order(&mut desk), ["SEP001D45B6C0F2"], "all words must fit");
}

#[test]
fn q_leaves_what_is_open_before_it_quits() {
    let mut desk = six();
    for (keys, page) in [("Enter", Page::Phone), ("f", Page::Fleet)] {
        desk.press(keys);
        assert_eq!(desk.state.page(), page);
        desk.press("?");
        assert_eq!(desk.state.mode(), Mode::Helping);
        desk.press("q");
        assert_eq!((desk.state.mode(), desk.state.page()), (Mode::Browsing, page), "first help");
        desk.press("q");
        assert_eq!(desk.state.page(), Page::Phones, "then the page");
        assert!(!desk.state.wants_to_quit());
    }
    desk.press("q");
    assert!(desk.state.wants_to_quit());
    for keys in ["^c", "Enter ^c", "f ^c", "/ ^c", "W ^c", "? ^c"] {
        let mut desk = six();
        desk.press(keys);
        assert!(desk.state.wants_to_quit(), "{keys} quits at once");
    }
}

#[test]
fn help_is_of_the_view_that_it_is_asked_on() {
    let mut desk = six();
    desk.press("?");
    let phones = desk.screen(120, 60);
    desk.press("? f ?");
    let fleet = desk.screen(120, 60);
    assert!(phones.contains("write this phone's report") && !fleet.contains("write this phone's report"));
    assert!(fleet.contains("the phones of the selected cause") && !phones.contains("the phones of the selected cause"));
    assert!(fleet.contains(" q back "), "the key bar too");
}

#[test]
fn a_cause_of_the_fleet_opens_its_phones() {
    let mut desk = six();
    desk.press("f j j Enter");
    assert_eq!(desk.state.page(), Page::Phones);
    assert_eq!(order(&mut desk), ["SEP001D45B6C0F2"]);
    assert!(desk.screen(120, 36).contains("1 of 6 with: phones begin their files again and again"));
    assert_eq!(desk.asked.iter().filter(|request| matches!(request, Request::Fleet(_))).count(), 2);
    desk.press("Esc");
    assert_eq!(order(&mut desk).len(), 6);
}

#[test]
fn what_stands_below_the_causes_is_scrolled() {
    let mut desk = six();
    desk.press("f");
    assert!(!desk.screen(80, 24).contains("reference itl-old.tlv\n") && desk.screen(80, 24).contains(" more"));
    desk.press("J J J J J J J J J J J J J J J J J J J J J J J J J J J J");
    let end = desk.screen(80, 24);
    assert!(end.contains("Compared with") && !end.contains(" more"), "{end}");
    desk.press("K");
    assert_ne!(desk.screen(80, 24), end, "never further than the end");
}

#[test]
fn a_phone_is_asked_for_once_per_selection() {
    let mut desk = six();
    let asked = |desk: &Desk| desk.asked.iter().filter(|request| matches!(request, Request::Select(_))).count();
    assert_eq!(asked(&desk), 1);
    desk.press("2 3 4 1 J K Enter Esc");
    assert_eq!(asked(&desk), 1);
    desk.press("j");
    assert_eq!(asked(&desk), 2);
}

#[test]
fn marking_and_reloading_change_what_is_compared_with() {
    let mut desk = six();
    assert!(order(&mut desk).len() == 6 && desk.screen(120, 36).contains("✗ 627a8bb0"));
    desk.press("m");
    let screen = desk.screen(120, 36);
    assert!(screen.contains("is the reference for 14.48.44.80 now"), "{screen}");
    assert!(screen.contains("✓ 627a8bb0") && !screen.contains("✗ 627a8bb0"), "{screen}");
    desk.press("m");
    assert!(desk.screen(120, 36).contains("✗ 627a8bb0"));
    desk.press("r");
    assert!(desk.screen(120, 36).contains("the reference was read again"));
}

#[test]
fn contents_are_written_only_when_asked_twice() {
    let mut desk = six();
    let exports = |desk: &Desk| {
        desk.asked
            .iter()
            .filter_map(|request| match request {
                Request::Export { contents, .. } => Some(*contents),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    desk.press("w");
    assert_eq!(exports(&desk), [false]);
    desk.press("W n");
    assert_eq!(exports(&desk), [false], "anything but y means no");
    desk.press("W y");
    assert_eq!(exports(&desk), [false, true]);
    desk.press("f w W y");
    assert_eq!(exports(&desk).len(), 2, "no phone is selected in the fleet");
}

#[test]
fn a_paused_view_stands_still_until_it_goes_on() {
    let mut desk = six();
    desk.press("Space");
    let before = desk.screen(120, 36);
    desk.state.take(Update::Rows(vec![row(1)], Vec::new()));
    assert_eq!(desk.screen(120, 36), before);
    assert!(before.contains("PAUSED"));
    desk.press("Space");
    assert_eq!(order(&mut desk).len(), 7);
}

#[test]
fn the_mouse_selects_sorts_and_scrolls() {
    let mut desk = six();
    desk.screen(120, 36);
    desk.act(Action::Click(5, 5));
    assert_eq!(order(&mut desk)[2], selected(&desk));
    desk.act(Action::Click(4, 2));
    assert!(desk.screen(120, 36).contains("DEVICE▾"));
    desk.act(Action::Click(4, 2));
    assert!(desk.screen(120, 36).contains("DEVICE▴"));
    let (tabs, screen) = (9, desk.screen(120, 36));
    assert!(screen.lines().nth(tabs).unwrap().contains("4 Verdict"), "{screen}");
    desk.act(Action::Click(45, 9));
    assert!(desk.screen(120, 36).contains("ITL deletion"));
    let before = desk.screen(120, 36);
    desk.act(Action::Wheel(10, 20, false));
    assert_ne!(desk.screen(120, 36), before, "the detail is scrolled");
    desk.act(Action::Wheel(10, 20, true));
    assert_eq!(desk.screen(120, 36), before);
    desk.press("f");
    desk.screen(120, 36);
    desk.act(Action::Click(30, 9));
    desk.act(Action::Click(30, 9));
    assert_eq!(desk.state.page(), Page::Phones, "the second click opens");
    // Anywhere else, nothing happens.
    for (x, y) in [(0, 0), (119, 35), (200, 200), (u16::MAX, u16::MAX)] {
        desk.act(Action::Click(x, y));
    }
}

#[test]
fn the_heads_of_the_ladder_stay_while_it_is_scrolled() {
    let mut desk = six();
    desk.press("Enter");
    for keys in ["g", "G", "k", "PgDn"] {
        desk.press(keys);
        let screen = desk.screen(80, 24);
        let heads = screen.lines().nth(3).unwrap();
        assert!(heads.contains("phone") && heads.contains("TFTP") && heads.contains("TVS"), "{keys}: {screen}");
    }
}

#[test]
fn a_terminal_that_is_too_small_says_so() {
    let mut desk = six();
    for (width, height) in [(59, 24), (80, 13), (40, 10), (20, 5)] {
        let screen = desk.screen(width, height);
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.starts_with(&format!("{width}x{height} is too small, 60x14 is needed")), "{screen}");
    }
    desk.screen(1, 1);
    assert!(desk.screen(60, 14).contains("SEP001D45B6C0F2"));
}

#[test]
fn a_phone_among_ten_thousand_stays_in_sight() {
    let mut desk = Desk::empty(Theme::FULL);
    desk.state.take(Update::Rows((0..10_000).map(row).collect(), Vec::new()));
    desk.screen(80, 24);
    for keys in ["G", "k", "PgDn", "g", "PgDn", "PgDn", "j", "^b", "S", "s"] {
        desk.press(keys);
        let chosen = selected(&desk);
        assert!(desk.screen(80, 24).contains(&chosen), "{chosen} after {keys}");
    }
}

fn any_action() -> impl Strategy<Value = Action> {
    let at = || (0..260u16, 0..80u16);
    prop_oneof![
        proptest::sample::select(vec![
            Action::Up,
            Action::Down,
            Action::PageUp,
            Action::PageDown,
            Action::First,
            Action::Last,
            Action::ScrollUp,
            Action::ScrollDown,
            Action::NextTab,
            Action::PreviousTab,
            Action::Tab(Tab::List),
            Action::Tab(Tab::Verdict),
            Action::NextPhone,
            Action::PreviousPhone,
            Action::Open,
            Action::Back,
            Action::Leave,
            Action::Filter,
            Action::Erase,
            Action::EraseAll,
            Action::Accept,
            Action::SortNext,
            Action::SortReverse,
            Action::SortBy(ColumnId::Tvs),
            Action::Fleet,
            Action::Pause,
            Action::ExportContents,
            Action::Confirm,
            Action::Mark,
            Action::Reload,
            Action::Clock,
            Action::Help,
        ]),
        any::<char>().prop_map(Action::Type),
        at().prop_map(|(x, y)| Action::Click(x, y)),
        (at(), any::<bool>()).prop_map(|((x, y), up)| Action::Wheel(x, y, up)),
        at().prop_map(|(width, height)| Action::Resize(width, height)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is done, at whatever size, also where the terminal has another size than it said.
    #[test]
    fn nothing_that_is_done_ends_in_a_panic(
        actions in proptest::collection::vec((any_action(), 1..230u16, 1..70u16), 1..40),
    ) {
        let mut desk = six();
        for (action, width, height) in actions {
            desk.act(action);
            let buffer = desk.buffer(width, height);
            prop_assert!(buffer.content.iter().all(|cell| !cell.symbol().contains(char::is_control)));
        }
    }
}
