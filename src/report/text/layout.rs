//! Aligned, wrapped, perhaps coloured text. What is to be shown is escaped here, in one place.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::escape;

/// How a piece of text is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    None,
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
}

impl Paint {
    const fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::None => style,
            Self::Bold => style.bold(),
            Self::Dim => style.dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warn => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
        }
    }
}

/// One cell of a table.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::painted(text, Paint::None)
    }

    pub(super) fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self { text: escape::line(&text.into()).into_owned(), paint }
    }
}

/// Writes lines.
pub(super) struct Printer<'a> {
    out: &'a mut dyn Write,
    colour: bool,
    width: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut dyn Write, colour: bool, width: usize) -> Self {
        Self { out, colour, width: width.max(40) }
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        self.blank()?;
        self.line(&[(text, Paint::Bold)])
    }

    /// One line of painted pieces, not wrapped.
    pub(super) fn line(&mut self, pieces: &[(&str, Paint)]) -> io::Result<()> {
        for (text, paint) in pieces {
            self.piece(&escape::line(text), *paint)?;
        }
        writeln!(self.out)
    }

    /// Painted pieces, wrapped between words; further lines begin after `indent` blanks.
    pub(super) fn wrapped(&mut self, pieces: &[(&str, Paint)], indent: usize) -> io::Result<()> {
        let mut column = 0;
        // Blanks are written before the next word, so that none is left at the end of a line.
        let mut blanks = String::new();
        for (text, paint) in pieces {
            let text = escape::line(text);
            for word in text.split_inclusive(' ') {
                let (word, trailing) = word.split_at(word.trim_end_matches(' ').len());
                if !word.is_empty() {
                    if column > indent && column + blanks.len() + word.width() > self.width {
                        write!(self.out, "\n{:indent$}", "")?;
                        column = indent;
                    } else {
                        write!(self.out, "{blanks}")?;
                        column += blanks.len();
                    }
                    blanks.clear();
                    self.piece(word, *paint)?;
                    column += word.width();
                }
                blanks.push_str(trailing);
            }
        }
        writeln!(self.out)
    }

    /// Rows under heads, in columns as wide as they need to be.
    pub(super) fn table(&mut self, heads: &[&str], rows: &[&[Cell]]) -> io::Result<()> {
        let mut widths: Vec<usize> = heads.iter().map(|head| head.width()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(*row) {
                *width = (*width).max(cell.text.width());
            }
        }
        let heads: Vec<Cell> = heads.iter().map(|head| Cell::painted(*head, Paint::Bold)).collect();
        self.row(&heads, &widths)?;
        rows.iter().try_for_each(|row| self.row(row, &widths))
    }

    fn row(&mut self, cells: &[Cell], widths: &[usize]) -> io::Result<()> {
        let last = cells.len().saturating_sub(1);
        for (index, (cell, &width)) in cells.iter().zip(widths).enumerate() {
            self.piece(&cell.text, cell.paint)?;
            if index < last {
                let gap = width.saturating_sub(cell.text.width()) + 2;
                write!(self.out, "{:gap$}", "")?;
            }
        }
        writeln!(self.out)
    }

    fn piece(&mut self, text: &str, paint: Paint) -> io::Result<()> {
        if !self.colour || paint == Paint::None || text.is_empty() {
            return write!(self.out, "{text}");
        }
        let style = paint.style();
        write!(self.out, "{style}{text}{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(colour: bool, width: usize, write: impl FnOnce(&mut Printer<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut Printer::new(&mut out, colour, width)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_came_from_the_wire_cannot_reach_the_terminal() {
        let text = print(false, 80, |out| out.line(&[("a\u{1b}[2J\nb", Paint::Bad)]));
        assert_eq!(text, "a\\x1b[2J\\nb\n");
        let text = print(false, 80, |out| out.table(&["H"], &[&[Cell::plain("\u{1b}]0;x\u{7}")]]));
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn columns_are_aligned_whatever_the_width_of_characters() {
        let rows = [[Cell::plain("전화"), Cell::plain("x")], [Cell::plain("a"), Cell::plain("y")]];
        let rows: Vec<&[Cell]> = rows.iter().map(|row| &row[..]).collect();
        let text = print(false, 80, |out| out.table(&["N", "V"], &rows));
        assert_eq!(text, "N     V\n전화  x\na     y\n");
    }

    #[test]
    fn long_text_is_wrapped_between_words() {
        let words = "word ".repeat(12);
        let text = print(false, 40, |out| out.wrapped(&[("head ", Paint::None), (&words, Paint::None)], 5));
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().all(|line| line.trim_end() == line && line.len() <= 40));
        assert!(text.lines().nth(1).unwrap().starts_with("     word"));
    }

    #[test]
    fn colour_only_where_asked_for() {
        assert_eq!(print(false, 80, |out| out.line(&[("x", Paint::Bad)])), "x\n");
        assert!(print(true, 80, |out| out.line(&[("x", Paint::Bad)])).contains("\u{1b}["));
    }
}
