//! Which key does what: one table, from which keys are obeyed, help is shown and the key bar is written.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::action::Action;
use super::state::{Mode, Page, Tab};

/// A key of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    control: bool,
}

const fn key(code: KeyCode) -> Key {
    Key { code, control: false }
}

const fn letter(letter: char) -> Key {
    key(KeyCode::Char(letter))
}

const fn control(letter: char) -> Key {
    Key { code: KeyCode::Char(letter), control: true }
}

/// What keys do, with the words that help and the key bar use.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Any of these.
    pub keys: &'static [Key],
    /// What they do.
    pub action: Action,
    /// How the keys are written.
    pub shown: &'static str,
    /// In one or two words, for the key bar; empty where it does not stand there.
    pub short: &'static str,
    /// In a sentence, for help.
    pub help: &'static str,
    /// Where they do it.
    pub pages: &'static [Page],
}

impl Binding {
    /// The same, only on these pages.
    const fn on(self, pages: &'static [Page]) -> Self {
        Self { pages, ..self }
    }
}

const fn binding(
    keys: &'static [Key],
    action: Action,
    shown: &'static str,
    short: &'static str,
    help: &'static str,
) -> Binding {
    Binding { keys, action, shown, short, help, pages: &Page::ALL }
}

const PHONES: &[Page] = &[Page::Phones];
const PHONE: &[Page] = &[Page::Phone];
const FLEET: &[Page] = &[Page::Fleet];
/// Where a phone is selected.
const DETAIL: &[Page] = &[Page::Phones, Page::Phone];
const OPENED: &[Page] = &[Page::Phone, Page::Fleet];

/// Unless something is typed or asked. What stands first stays longest in the key bar of a narrow terminal.
pub const BINDINGS: &[Binding] = &[
    binding(&[letter('q')], Action::Leave, "q", "quit", "quit").on(PHONES),
    binding(&[letter('q')], Action::Leave, "q", "back", "back to the phones").on(OPENED),
    binding(&[letter('?'), key(KeyCode::F(1))], Action::Help, "?", "help", "these keys and marks; again to go back"),
    binding(&[key(KeyCode::Enter)], Action::Open, "Enter", "open", "the selected phone on the whole screen").on(PHONES),
    binding(&[key(KeyCode::Enter)], Action::Open, "Enter", "", "back to the phones").on(PHONE),
    binding(&[key(KeyCode::Enter)], Action::Open, "Enter", "its phones", "the phones of the selected cause").on(FLEET),
    binding(
        &[letter('/')],
        Action::Filter,
        "/",
        "filter",
        "filter by typing: name, address, model, server, serial, checksum, verdict, finding",
    ),
    binding(&[letter('f')], Action::Fleet, "f", "fleet", "all phones by cause, servers, boots per minute").on(DETAIL),
    binding(&[letter('f')], Action::Fleet, "f", "", "back to the phones").on(FLEET),
    binding(
        &[key(KeyCode::Tab), key(KeyCode::Right), letter('l')],
        Action::NextTab,
        "Tab",
        "next tab",
        "next tab (l, →)",
    )
    .on(DETAIL),
    binding(&[letter('n')], Action::NextPhone, "n", "next", "next phone").on(PHONE),
    binding(&[letter('s')], Action::SortNext, "s", "sort", "sort by the next column (or click its head)").on(PHONES),
    binding(
        &[letter('w')],
        Action::Export,
        "w",
        "write",
        "write this phone's report and frames to files, without what configuration files contain",
    )
    .on(DETAIL),
    binding(
        &[letter('m')],
        Action::Mark,
        "m",
        "mark",
        "take this phone's list as the reference for its TFTP server; again: no longer",
    )
    .on(DETAIL),
    binding(&[letter('r')], Action::Reload, "r", "reload", "read the references (-r) again"),
    binding(
        &[letter(' ')],
        Action::Pause,
        "Space",
        "pause",
        "hold the view still while capture goes on; again to go on",
    ),
    binding(&[letter('t')], Action::Clock, "t", "", "times local or in UTC"),
    binding(&[letter('S')], Action::SortReverse, "S", "", "sort the other way round").on(PHONES),
    binding(&[letter('W')], Action::ExportContents, "W", "", "as w, with their contents (passwords!); asks first")
        .on(DETAIL),
    binding(&[letter('1')], Action::Tab(Tab::Ladder), "1", "", "ladder: the boot as a sequence of messages").on(DETAIL),
    binding(&[letter('2')], Action::Tab(Tab::List), "2", "", "trust list: what it downloaded, against the reference")
        .on(DETAIL),
    binding(
        &[letter('3')],
        Action::Tab(Tab::Certificates),
        "3",
        "",
        "certificates that servers presented, against the lists",
    )
    .on(DETAIL),
    binding(
        &[letter('4')],
        Action::Tab(Tab::Verdict),
        "4",
        "",
        "verdict: the four conditions, the decision, what to do",
    )
    .on(DETAIL),
    binding(&[key(KeyCode::BackTab), key(KeyCode::Left), letter('h')], Action::PreviousTab, "h ←", "", "tab before")
        .on(DETAIL),
    binding(&[key(KeyCode::Up), letter('k')], Action::Up, "k ↑", "", "up"),
    binding(&[key(KeyCode::Down), letter('j')], Action::Down, "j ↓", "", "down"),
    binding(&[key(KeyCode::PageUp), control('b')], Action::PageUp, "PgUp", "", "a page up (Ctrl-b)"),
    binding(&[key(KeyCode::PageDown), control('f')], Action::PageDown, "PgDn", "", "a page down (Ctrl-f)"),
    binding(&[key(KeyCode::Home), letter('g')], Action::First, "g Home", "", "to the first"),
    binding(&[key(KeyCode::End), letter('G')], Action::Last, "G End", "", "to the last"),
    binding(&[letter('K'), control('y')], Action::ScrollUp, "K", "", "scroll what is below up"),
    binding(&[letter('J'), control('e')], Action::ScrollDown, "J", "", "scroll what is below down"),
    binding(&[letter('n')], Action::NextPhone, "n", "", "next phone").on(PHONES),
    binding(&[letter('p')], Action::PreviousPhone, "p", "", "phone before").on(DETAIL),
    binding(&[key(KeyCode::Esc), key(KeyCode::Backspace)], Action::Back, "Esc", "", "take the filter away").on(PHONES),
    binding(&[key(KeyCode::Esc), key(KeyCode::Backspace)], Action::Back, "Esc", "", "back to the phones").on(OPENED),
    binding(&[control('c'), letter('Q')], Action::Quit, "Ctrl-c", "", "quit from anywhere (Q)"),
];

/// While a filter is typed. Characters are typed.
pub const TYPING: &[Binding] = &[
    binding(&[key(KeyCode::Enter)], Action::Accept, "Enter", "keep", "keep the filter"),
    binding(&[key(KeyCode::Esc)], Action::Back, "Esc", "drop", "take the filter away"),
    binding(&[control('c')], Action::Quit, "Ctrl-c", "", "quit"),
    binding(&[key(KeyCode::Backspace), control('h')], Action::Erase, "Backspace", "", "take back a character"),
    binding(&[control('u')], Action::EraseAll, "Ctrl-u", "clear", "take back everything"),
    binding(&[key(KeyCode::Up)], Action::Up, "↑", "", "up"),
    binding(&[key(KeyCode::Down)], Action::Down, "↓", "", "down"),
];

/// While something is asked. Every other key means no.
pub const ASKING: &[Binding] = &[
    binding(&[letter('y'), letter('Y')], Action::Confirm, "y", "yes", "yes"),
    binding(&[control('c')], Action::Quit, "Ctrl-c", "", "quit"),
];

/// The keys that count at the moment.
pub(super) fn table(mode: Mode, page: Page) -> impl Iterator<Item = &'static Binding> {
    let table = match mode {
        Mode::Typing => TYPING,
        Mode::Asking => ASKING,
        Mode::Browsing | Mode::Helping => BINDINGS,
    };
    table.iter().filter(move |binding| binding.pages.contains(&page))
}

/// What a key press asks for.
pub fn action(mode: Mode, page: Page, event: KeyEvent) -> Option<Action> {
    if event.kind == KeyEventKind::Release || event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::META) {
        return None;
    }
    let pressed = Key { code: event.code, control: event.modifiers.contains(KeyModifiers::CONTROL) };
    let found = table(mode, page).find(|binding| binding.keys.contains(&pressed));
    match (found, mode, pressed) {
        (Some(binding), ..) => Some(binding.action),
        (None, Mode::Typing, Key { code: KeyCode::Char(typed), control: false }) => Some(Action::Type(typed)),
        (None, Mode::Asking, _) => Some(Action::Back),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        for mode in [Mode::Browsing, Mode::Typing, Mode::Asking] {
            for page in Page::ALL {
                let keys: Vec<Key> = table(mode, page).flat_map(|binding| binding.keys).copied().collect();
                for (at, key) in keys.iter().enumerate() {
                    assert!(!keys[at + 1..].contains(key), "{key:?} stands twice among the keys of {page:?}");
                }
            }
        }
        for binding in [BINDINGS, TYPING, ASKING].into_iter().flatten() {
            assert!(!binding.keys.is_empty() && !binding.help.is_empty() && !binding.shown.is_empty());
        }
    }

    #[test]
    fn keys_do_what_the_table_says() {
        let on = |page, mode, code| action(mode, page, KeyEvent::new(code, KeyModifiers::NONE));
        let press = |mode, code| on(Page::Phones, mode, code);
        assert_eq!(press(Mode::Browsing, KeyCode::Char('j')), Some(Action::Down));
        assert_eq!(press(Mode::Typing, KeyCode::Char('j')), Some(Action::Type('j')));
        assert_eq!(press(Mode::Browsing, KeyCode::Char('ü')), None);
        assert_eq!(press(Mode::Asking, KeyCode::Char('q')), Some(Action::Back), "anything but y means no");
        assert_eq!(press(Mode::Browsing, KeyCode::Char('w')), Some(Action::Export));
        assert_eq!(on(Page::Fleet, Mode::Browsing, KeyCode::Char('w')), None, "no phone is selected there");
        let control =
            |mode, letter| action(mode, Page::Phones, KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
        assert_eq!(control(Mode::Typing, 'c'), Some(Action::Quit));
        let released = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(action(Mode::Browsing, Page::Phones, released), None);
    }
}
