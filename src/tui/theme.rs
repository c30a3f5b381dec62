//! How things look: colours by meaning, and marks that differ by shape, so that nothing depends on colour.

use ratatui::style::{Color, Modifier, Style};

use crate::event::Outcome;
use crate::report::Severity;
use crate::trust::signature::SignatureStatus;
use crate::verdict::{Answer, Check};
use crate::watch::RecordMark;

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Nothing special.
    Plain,
    /// Beside the point.
    Dim,
    /// A heading.
    Bold,
    /// As it should be.
    Good,
    /// Not known, or odd.
    Warn,
    /// Wrong.
    Bad,
    /// The deletion of a list is needed.
    Alarm,
    /// The bars at the top and the bottom.
    Bar,
    /// A key in the key bar.
    Key,
}

/// Colours and marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Whether there are colours.
    colour: bool,
    /// Whether there is more than ASCII.
    unicode: bool,
}

impl Theme {
    /// The theme with colours, and with characters beyond ASCII.
    pub const FULL: Self = Self { colour: true, unicode: true };
    /// The theme without colours.
    pub const PLAIN: Self = Self { colour: false, unicode: true };

    /// A theme.
    pub const fn new(colour: bool, unicode: bool) -> Self {
        Self { colour, unicode }
    }

    /// Whether there is more than ASCII.
    pub const fn is_unicode(self) -> bool {
        self.unicode
    }

    /// The style of a meaning. Without colours, what is wrong is bold, and what matters most is reversed.
    pub const fn style(self, paint: Paint) -> Style {
        let style = Style::new();
        if !self.colour {
            return match paint {
                Paint::Plain | Paint::Good | Paint::Warn => style,
                Paint::Dim => style.add_modifier(Modifier::DIM),
                Paint::Bold | Paint::Bad | Paint::Key => style.add_modifier(Modifier::BOLD),
                Paint::Alarm | Paint::Bar => style.add_modifier(Modifier::REVERSED),
            };
        }
        match paint {
            Paint::Plain => style,
            Paint::Dim => style.add_modifier(Modifier::DIM),
            Paint::Bold => style.add_modifier(Modifier::BOLD),
            Paint::Good => style.fg(Color::Green),
            Paint::Warn => style.fg(Color::Yellow),
            Paint::Bad => style.fg(Color::Red).add_modifier(Modifier::BOLD),
            Paint::Alarm => style.fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
            Paint::Bar => style.fg(Color::Black).bg(Color::Cyan),
            Paint::Key => style.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        }
    }

    /// The style of the selected line: one colour from end to end, readable on dark and light terminals.
    pub const fn selected(self) -> Style {
        Style::new().fg(Color::Reset).bg(Color::Reset).add_modifier(Modifier::REVERSED).remove_modifier(Modifier::DIM)
    }

    /// One of two texts: beyond ASCII or not.
    pub const fn glyph(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// The mark of a check.
    pub const fn check(self, check: Check) -> (&'static str, Paint) {
        match check {
            Check::Match => (self.glyph("✓", "="), Paint::Good),
            Check::Mismatch => (self.glyph("✗", "X"), Paint::Bad),
            Check::Unknown => ("?", Paint::Warn),
        }
    }

    /// The mark of a signature.
    pub const fn signature(self, status: SignatureStatus) -> (&'static str, Paint) {
        match status {
            SignatureStatus::Valid => self.check(Check::Match),
            SignatureStatus::Invalid => self.check(Check::Mismatch),
            SignatureStatus::Unknown => self.check(Check::Unknown),
        }
    }

    /// The mark of a phone's state.
    pub const fn severity(self, severity: Severity) -> (&'static str, Paint) {
        match severity {
            Severity::DeletionNeeded => (self.glyph("✗✗", "XX"), Paint::Alarm),
            Severity::WrongUndetermined => ("!?", Paint::Bad),
            Severity::Wrong => ("! ", Paint::Bad),
            Severity::Undetermined => ("? ", Paint::Warn),
            Severity::Fine => (self.glyph("✓ ", "= "), Paint::Good),
        }
    }

    /// How a condition's answer is painted: a condition that holds is bad news.
    pub const fn answer(self, answer: Answer) -> (&'static str, Paint) {
        match answer {
            Answer::Yes => ("yes", Paint::Bad),
            Answer::No => ("no", Paint::Good),
            Answer::Unknown => ("unknown", Paint::Warn),
        }
    }

    /// The paint of a download's outcome.
    pub const fn outcome(self, outcome: Outcome) -> Paint {
        match outcome {
            Outcome::Complete => Paint::Good,
            Outcome::Pending => Paint::Dim,
            Outcome::Refused | Outcome::Incomplete => Paint::Warn,
            Outcome::Unanswered => Paint::Bad,
        }
    }

    /// The mark of a record beside another list.
    pub const fn record(self, mark: RecordMark) -> (&'static str, Paint) {
        match mark {
            RecordMark::Alone => (" ", Paint::Plain),
            RecordMark::Same => ("=", Paint::Good),
            RecordMark::Added => ("+", Paint::Bad),
            RecordMark::Gone => ("-", Paint::Bad),
            RecordMark::Replaced => (self.glyph("≠", "#"), Paint::Bad),
            RecordMark::Altered => ("~", Paint::Warn),
        }
    }
}
