//! Lines of painted text, wrapped to a width. What is to be shown is escaped here, in one place.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::escape;
use crate::tui::theme::{Paint, Theme};

/// A piece of text with its meaning.
pub(crate) type Piece<'a> = (&'a str, Paint);

/// Lines of text.
#[derive(Debug)]
pub(crate) struct Sheet {
    theme: Theme,
    width: usize,
    lines: Vec<Line<'static>>,
    /// So many lines at the top stay while the others are scrolled.
    pinned: usize,
}

/// How much of a sheet there is to scroll through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Lines that are scrolled.
    pub(crate) lines: usize,
    /// Lines that fit on the screen.
    pub(crate) window: usize,
}

impl Extent {
    /// The furthest line to begin at.
    pub(crate) const fn furthest(self) -> usize {
        self.lines.saturating_sub(self.window)
    }
}

impl Sheet {
    pub(crate) const fn new(theme: Theme, width: u16) -> Self {
        Self { theme, width: width as usize, lines: Vec::new(), pinned: 0 }
    }

    pub(crate) const fn theme(&self) -> Theme {
        self.theme
    }

    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    pub(crate) fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.blank();
        }
        self.line(&[(text, Paint::Bold)]);
    }

    /// One line, cut where it is too long.
    pub(crate) fn line(&mut self, pieces: &[Piece<'_>]) {
        let line = line(self.theme, pieces, self.width);
        self.lines.push(line);
    }

    /// Wrapped between words; further lines begin after `indent` blanks. A word that is longer than a line is cut into lines.
    pub(crate) fn wrapped(&mut self, pieces: &[Piece<'_>], indent: usize) {
        let indent = indent.min(self.width / 2);
        let mut line: Vec<Span<'static>> = Vec::new();
        let (mut column, mut blanks) = (0, 0);
        // Nothing but blanks stands in the line yet.
        let mut fresh = true;
        for (text, paint) in pieces {
            let style = self.theme.style(*paint);
            let text = shown(text, self.theme);
            for word in text.split_inclusive(' ') {
                let (word, trailing) = word.split_at(word.trim_end_matches(' ').len());
                if !word.is_empty() {
                    if !fresh && column + blanks + word.width() > self.width {
                        self.lines.push(Line::from(std::mem::take(&mut line)));
                        (column, blanks) = (0, indent);
                    }
                    blanks = if column == 0 { blanks.min(self.width / 2) } else { blanks };
                    line.push(Span::raw(" ".repeat(blanks)));
                    column += blanks;
                    let mut rest = word;
                    loop {
                        let mut part = prefix(rest, self.width.saturating_sub(column));
                        if part.len() == rest.len() {
                            break;
                        }
                        if part.is_empty() && column == 0 {
                            // Wider than the whole sheet: nothing better can be done.
                            part = rest.split_at(rest.chars().next().map_or(0, char::len_utf8)).0;
                        }
                        rest = rest.split_at(part.len()).1;
                        line.push(Span::styled(part.to_owned(), style));
                        self.lines.push(Line::from(std::mem::take(&mut line)));
                        column = if part.is_empty() { 0 } else { indent };
                        line.push(Span::raw(" ".repeat(column)));
                    }
                    line.push(Span::styled(rest.to_owned(), style));
                    column += rest.width();
                    (blanks, fresh) = (0, false);
                }
                blanks += trailing.len();
            }
        }
        self.lines.push(Line::from(line));
    }

    /// The lines so far stay at the top.
    pub(crate) fn pin(&mut self) {
        self.pinned = self.lines.len();
    }

    /// How many lines there are besides those that stay, so far.
    pub(crate) fn scrolled(&self) -> usize {
        self.lines.len() - self.pinned
    }

    /// What there is to scroll through on so many lines of a screen.
    pub(crate) fn extent(&self, height: u16) -> Extent {
        let window = usize::from(height).saturating_sub(self.pinned).max(1);
        Extent { lines: self.scrolled(), window }
    }

    /// Draws the lines from `start` on, with a bar at the right that says where that is. Returns how many are below the screen.
    pub(crate) fn draw(&self, start: usize, area: Rect, buffer: &mut Buffer) -> usize {
        let extent = self.extent(area.height);
        let start = start.min(extent.furthest());
        let pinned = self.lines.iter().take(self.pinned);
        let shown = pinned.chain(self.lines.iter().skip(self.pinned + start));
        for (line, y) in shown.zip(area.y..area.bottom()) {
            buffer.set_line(area.x, y, line, area.width);
        }
        self.scroll_bar(start, extent, area, buffer);
        extent.lines.saturating_sub(start + extent.window)
    }

    /// Draws the lines from `start` on, without a bar at the right.
    pub(crate) fn draw_plain(&self, start: usize, area: Rect, buffer: &mut Buffer) {
        for (line, y) in self.lines.iter().skip(start).zip(area.y..area.bottom()) {
            buffer.set_line(area.x, y, line, area.width);
        }
    }

    fn scroll_bar(&self, start: usize, extent: Extent, area: Rect, buffer: &mut Buffer) {
        if extent.furthest() == 0 || area.width < 2 {
            return;
        }
        let thumb = (extent.window * extent.window / extent.lines).max(1);
        // At an end only where there is nothing more in that direction.
        let room = extent.window.saturating_sub(thumb);
        let top = match start {
            0 => 0,
            _ if start == extent.furthest() => room,
            _ => (room * start / extent.furthest()).clamp(1, room.saturating_sub(1).max(1)),
        };
        let first = area.bottom().saturating_sub(u16::try_from(extent.window).unwrap_or(0)).max(area.y);
        // Only the thumb: a rail would look like one of the ladder's lines.
        let mark = self.theme.glyph("┃", "#");
        for y in (first..area.bottom()).skip(top).take(thumb) {
            buffer.set_string(area.right() - 1, y, mark, self.theme.style(Paint::Key));
        }
    }
}

/// The text, fit for a terminal: escaped, and without anything beyond ASCII where the theme has none of it.
pub(crate) fn shown(text: &str, theme: Theme) -> Cow<'_, str> {
    let text = escape::line(text);
    if theme.is_unicode() || text.is_ascii() {
        return text;
    }
    let escaped = |character: char| character.escape_unicode().to_string();
    Cow::Owned(text.chars().map(|c| if c.is_ascii() { c.to_string() } else { escaped(c) }).collect())
}

/// One line of pieces, cut to a width.
pub(crate) fn line(theme: Theme, pieces: &[Piece<'_>], width: usize) -> Line<'static> {
    let mut spans = Vec::new();
    let mut left = width;
    for (text, paint) in pieces {
        let text = shown(text, theme);
        let text = cut(&text, left, theme);
        left = left.saturating_sub(text.width());
        spans.push(Span::styled(text.into_owned(), theme.style(*paint)));
    }
    Line::from(spans)
}

/// The text, or as much of it as fits, with a mark that there was more.
pub(crate) fn cut(text: &str, width: usize, theme: Theme) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mark = theme.glyph("…", "~");
    let Some(room) = width.checked_sub(mark.width()) else { return Cow::Borrowed("") };
    Cow::Owned(format!("{}{mark}", prefix(text, room)))
}

/// The longest beginning of the text that is not wider.
pub(crate) fn prefix(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        used += character.width().unwrap_or(0);
        (used > width).then_some(at)
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The text, or as much of its end as fits, with a mark that there was more.
pub(crate) fn cut_front(text: &str, width: usize, theme: Theme) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mark = theme.glyph("…", "~");
    let Some(room) = width.checked_sub(mark.width()) else { return Cow::Borrowed("") };
    let mut used = 0;
    let rest = text.char_indices().rev().take_while(|(_, character)| {
        used += character.width().unwrap_or(0);
        used <= room
    });
    let end = rest.last().and_then(|(at, _)| text.get(at..)).unwrap_or_default();
    Cow::Owned(format!("{mark}{end}"))
}

/// A number with separators: `4,980,000`.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sheet: &Sheet) -> Vec<String> {
        sheet.lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn text_is_wrapped_and_hostile_text_is_shown() {
        let mut sheet = Sheet::new(Theme::FULL, 20);
        sheet.wrapped(&[("head ", Paint::Bold), ("one two three four\x1b[2J", Paint::Plain)], 4);
        sheet.wrapped(&[("a-word-that-is-much-longer-than-a-line", Paint::Plain)], 2);
        let lines = text(&sheet);
        assert_eq!(lines[0], "head one two three");
        assert!(lines.iter().all(|line| line.width() <= 20 && !line.contains('\x1b')), "{lines:?}");
        assert_eq!(
            lines[2..].iter().map(|line| line.trim()).collect::<String>(),
            "a-word-that-is-much-longer-than-a-line"
        );
    }

    #[test]
    fn cutting_respects_wide_characters() {
        assert_eq!(cut("전화기", 6, Theme::FULL), "전화기");
        assert_eq!(cut("전화기", 5, Theme::FULL), "전화…");
        assert_eq!(cut("전화기", 4, Theme::FULL), "전…");
        assert_eq!(cut("abc", 0, Theme::FULL), "");
        assert_eq!(cut_front("captures/전화기", 7, Theme::FULL), "…전화기");
        assert_eq!(cut_front("captures/전화기", 6, Theme::FULL), "…화기");
        assert_eq!(cut_front("abc", 0, Theme::FULL), "");
        assert_eq!(shown("é\x1b", Theme::new(false, false)), "\\u{e9}\\x1b");
        assert_eq!(number(4_980_000), "4,980,000");
        assert_eq!(number(12), "12");
    }

    #[test]
    fn pinned_lines_stay_and_the_bar_shows_the_place() {
        let mut sheet = Sheet::new(Theme::new(false, false), 8);
        sheet.line(&[("head", Paint::Bold)]);
        sheet.pin();
        (0..10).for_each(|number| sheet.line(&[(&number.to_string(), Paint::Plain)]));
        let drawn = |start| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 9, 5));
            let more = sheet.draw(start, buffer.area, &mut buffer);
            let text = |y| (0..9).map(|x| buffer[(x, y)].symbol()).collect::<String>();
            ((0..5).map(text).collect::<Vec<_>>(), more)
        };
        assert_eq!(
            drawn(0),
            (
                vec![
                    "head     ".into(),
                    "0       #".into(),
                    "1        ".into(),
                    "2        ".into(),
                    "3        ".into()
                ],
                6
            )
        );
        assert_eq!(drawn(3).0[1..3], ["3        ", "4       #"]);
        assert_eq!((drawn(99).0[4].as_str(), drawn(99).1), ("9       #", 0), "never beyond the end");
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_wider_than_the_sheet(text in ".{0,80}", width in 2u16..40, indent in 0usize..30) {
            let mut sheet = Sheet::new(Theme::FULL, width);
            sheet.wrapped(&[(&text, Paint::Plain), (" ", Paint::Dim), (&text, Paint::Bad)], indent);
            sheet.line(&[(&text, Paint::Plain)]);
            for line in &sheet.lines {
                proptest::prop_assert!(line.width() <= usize::from(width).max(2), "{:?}", line);
            }
        }
    }
}
