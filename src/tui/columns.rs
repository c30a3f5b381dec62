//! The columns of the phone table: one table from which the list is drawn, sorted and fitted to the width.

use std::cmp::Ordering;

use super::clock::Clock;
use super::theme::{Paint, Theme};
use crate::event::Outcome;
use crate::watch::Row;

/// Which column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum ColumnId {
    /// How grave the phone's state is
    State,
    /// Device name
    Device,
    /// Address
    Address,
    /// Model
    Model,
    /// Trust list
    Itl,
    /// TVS certificate
    Tvs,
    /// Configuration
    Config,
    /// TFTP server
    Tftp,
    /// When it was seen last
    Seen,
    /// The answer, and what to do first
    Verdict,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Which.
    pub(super) id: ColumnId,
    /// Its head.
    pub(super) head: &'static str,
    /// Cells that it needs.
    pub(super) least: u16,
    /// Cells that it takes where there are enough.
    pub(super) most: u16,
    /// The lower, the longer it stays when the terminal is narrow.
    rank: u8,
    /// Order of two lines by this column; the first to look at comes first.
    compare: fn(&Row, &Row) -> Ordering,
    /// Its text in a line.
    cell: fn(&Row, Look<'_>) -> Vec<(String, Paint)>,
}

/// How cells look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    /// Colours and marks.
    pub(super) theme: Theme,
    /// How times are written.
    pub(super) clock: &'a Clock,
    /// How wide the cell is.
    pub(super) width: u16,
}

/// Cells that the answer gets before columns of these ranks and above get any: room for what to do, too.
const ANSWER: (u8, u16) = (4, 26);

/// All columns, from left to right.
pub(super) const COLUMNS: [Column; 10] = [
    Column { id: ColumnId::State, head: "", least: 2, most: 2, rank: 0, compare: by_state, cell: state },
    Column { id: ColumnId::Device, head: "DEVICE", least: 15, most: 20, rank: 0, compare: by_device, cell: device },
    Column { id: ColumnId::Address, head: "ADDRESS", least: 15, most: 24, rank: 4, compare: by_address, cell: address },
    Column { id: ColumnId::Model, head: "MODEL", least: 9, most: 16, rank: 6, compare: by_model, cell: model },
    Column { id: ColumnId::Itl, head: "ITL", least: 10, most: 10, rank: 1, compare: by_itl, cell: itl },
    Column { id: ColumnId::Tvs, head: "TVS", least: 10, most: 18, rank: 1, compare: by_tvs, cell: tvs },
    Column { id: ColumnId::Config, head: "CONFIG", least: 11, most: 11, rank: 2, compare: by_config, cell: config },
    Column { id: ColumnId::Tftp, head: "TFTP SERVER", least: 15, most: 24, rank: 5, compare: by_tftp, cell: tftp },
    Column { id: ColumnId::Seen, head: "SEEN", least: 8, most: 8, rank: 3, compare: by_seen, cell: seen },
    Column {
        id: ColumnId::Verdict,
        head: "ITL DELETION",
        least: 13,
        most: 40,
        rank: 0,
        compare: by_verdict,
        cell: verdict,
    },
];

impl Column {
    /// The column of this name.
    pub(super) fn of(id: ColumnId) -> &'static Self {
        COLUMNS.iter().find(|column| column.id == id).unwrap_or(&COLUMNS[0])
    }

    /// The order of two lines; equal ones by name.
    pub(super) fn compare(&self, one: &Row, other: &Row) -> Ordering {
        (self.compare)(one, other).then_with(|| one.key.cmp(&other.key))
    }

    /// Its text in a line.
    pub(super) fn cell(&self, row: &Row, look: Look<'_>) -> Vec<(String, Paint)> {
        (self.cell)(row, look)
    }

    /// What to call it in a sentence.
    pub(super) const fn name(&self) -> &'static str {
        if self.head.is_empty() { "STATE" } else { self.head }
    }
}

/// The column after this one, around the end.
pub(super) fn next(id: ColumnId) -> ColumnId {
    let at = COLUMNS.iter().position(|column| column.id == id).unwrap_or(0);
    COLUMNS.iter().cycle().nth(at + 1).map_or(id, |column| column.id)
}

/// The columns that fit, with their places: offset from the left, and width. The last takes what is left.
pub(super) fn fit(width: u16) -> Vec<(&'static Column, u16, u16)> {
    let mut shown: Vec<&Column> = Vec::new();
    let mut needed = 0;
    for rank in 0..=6 {
        for column in COLUMNS.iter().filter(|column| column.rank == rank) {
            let more = column.least + u16::from(!shown.is_empty());
            let answer = if rank < ANSWER.0 { 0 } else { ANSWER.1 - Column::of(ColumnId::Verdict).least };
            if rank == 0 || needed + more + answer <= width {
                needed += more;
                shown.push(column);
            }
        }
    }
    let mut spare = width.saturating_sub(needed);
    // The answer grows first.
    shown.sort_by_key(|column| (column.rank, column.id != ColumnId::Verdict));
    let mut fitted: Vec<(&Column, u16)> = Vec::new();
    for column in shown {
        let grow = (column.most - column.least).min(spare);
        spare -= grow;
        fitted.push((column, column.least + grow));
    }
    let place = |id| COLUMNS.iter().position(|column| column.id == id);
    fitted.sort_by_key(|(column, _)| place(column.id));
    let mut at = 0;
    let mut places = Vec::new();
    for (column, wanted) in fitted {
        let width = wanted.min(width.saturating_sub(at));
        places.push((column, at, width));
        at = at.saturating_add(wanted + 1);
    }
    if let Some((_, at, last)) = places.last_mut() {
        *last = width.saturating_sub(*at);
    }
    places
}

fn plain(text: impl Into<String>) -> Vec<(String, Paint)> {
    vec![(text.into(), Paint::Plain)]
}

fn marked((mark, paint): (&str, Paint), value: &str) -> Vec<(String, Paint)> {
    vec![(format!("{mark} "), paint), (value.to_owned(), if paint == Paint::Bad { paint } else { Paint::Plain })]
}

fn by_state(one: &Row, other: &Row) -> Ordering {
    one.brief.severity.cmp(&other.brief.severity)
}

fn state(row: &Row, Look { theme, .. }: Look<'_>) -> Vec<(String, Paint)> {
    let (mark, paint) = theme.severity(row.brief.severity);
    vec![(mark.to_owned(), paint)]
}

fn by_device(one: &Row, other: &Row) -> Ordering {
    one.key.cmp(&other.key)
}

fn device(row: &Row, _: Look<'_>) -> Vec<(String, Paint)> {
    let nameless = matches!(row.key, crate::phone::PhoneKey::Address(_));
    let text = if nameless { row.label() } else { row.brief.name.clone() };
    vec![(text, if nameless { Paint::Dim } else { Paint::Plain })]
}

fn by_address(one: &Row, other: &Row) -> Ordering {
    one.brief.address.cmp(&other.brief.address)
}

fn address(row: &Row, _: Look<'_>) -> Vec<(String, Paint)> {
    let mut text = row.brief.address.map(|address| address.to_string()).unwrap_or_default();
    if row.brief.other_addresses > 0 {
        text = format!("{text} +{}", row.brief.other_addresses);
    }
    plain(text)
}

fn by_model(one: &Row, other: &Row) -> Ordering {
    (one.model.is_none(), &one.model).cmp(&(other.model.is_none(), &other.model))
}

fn model(row: &Row, _: Look<'_>) -> Vec<(String, Paint)> {
    plain(row.model.clone().unwrap_or_default())
}

fn by_itl(one: &Row, other: &Row) -> Ordering {
    (one.brief.itl, one.brief.itl_sha1).cmp(&(other.brief.itl, other.brief.itl_sha1))
}

fn itl(row: &Row, Look { theme, .. }: Look<'_>) -> Vec<(String, Paint)> {
    let sum = row.brief.itl_sha1.map(|sum| sum.to_string());
    match sum.as_deref().and_then(|sum| sum.get(..8)) {
        Some(short) => marked(theme.check(row.brief.itl), short),
        None => vec![("-".to_owned(), Paint::Dim)],
    }
}

fn by_tvs(one: &Row, other: &Row) -> Ordering {
    (one.brief.tvs, &one.brief.tvs_serial).cmp(&(other.brief.tvs, &other.brief.tvs_serial))
}

fn tvs(row: &Row, Look { theme, .. }: Look<'_>) -> Vec<(String, Paint)> {
    match &row.brief.tvs_serial {
        Some(serial) => marked(theme.check(row.brief.tvs), &serial.to_string()),
        None if row.causes.iter().any(|cause| cause.id == "tvs_unreachable") => {
            vec![(theme.glyph("✗ ", "X ").to_owned(), Paint::Bad), ("silent".to_owned(), Paint::Bad)]
        }
        None => vec![("-".to_owned(), Paint::Dim)],
    }
}

fn by_config(one: &Row, other: &Row) -> Ordering {
    let key =
        |row: &Row| row.brief.config.map(|config| (config.outcome != Outcome::Unanswered, config.form, config.words()));
    (key(one).is_none(), key(one)).cmp(&(key(other).is_none(), key(other)))
}

fn config(row: &Row, Look { theme, .. }: Look<'_>) -> Vec<(String, Paint)> {
    let Some(config) = row.brief.config else { return vec![("-".to_owned(), Paint::Dim)] };
    let paint = theme.outcome(config.outcome);
    match config.signature {
        Some(status) => marked(theme.signature(status), config.words()),
        None if config.outcome == Outcome::Complete => plain(format!("  {}", config.words())),
        None => vec![("  ".to_owned(), Paint::Plain), (config.words().to_owned(), paint)],
    }
}

fn by_tftp(one: &Row, other: &Row) -> Ordering {
    one.brief.tftp.cmp(&other.brief.tftp)
}

fn tftp(row: &Row, _: Look<'_>) -> Vec<(String, Paint)> {
    plain(row.brief.tftp.map(|address| address.to_string()).unwrap_or_default())
}

fn by_seen(one: &Row, other: &Row) -> Ordering {
    other.last_seen.cmp(&one.last_seen)
}

fn seen(row: &Row, Look { clock, .. }: Look<'_>) -> Vec<(String, Paint)> {
    plain(clock.time(row.last_seen))
}

fn by_verdict(one: &Row, other: &Row) -> Ordering {
    (one.brief.deletion, &one.brief.instead).cmp(&(other.brief.deletion, &other.brief.instead))
}

fn verdict(row: &Row, look: Look<'_>) -> Vec<(String, Paint)> {
    use crate::verdict::Deletion;
    let paint = match row.brief.deletion {
        Deletion::Needed => Paint::Alarm,
        Deletion::NotNeeded => Paint::Good,
        Deletion::Undetermined => Paint::Warn,
    };
    let mut cell = vec![(row.brief.deletion_words().to_owned(), paint)];
    let words = row.brief.deletion_words();
    let more = format!(": {}", row.brief.instead);
    // That more must be collected goes without saying where it would be cut.
    let said = row.brief.instead == "collect more" && words.len() + more.len() > usize::from(look.width);
    if !row.brief.instead.is_empty() && row.brief.instead != "nothing" && !said {
        cell.push((more, Paint::Plain));
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_every_width() {
        for width in 20..300 {
            let places = fit(width);
            let mut end = 0;
            for &(column, at, cells) in &places {
                assert!(at == 0 || at > end || cells == 0, "{} at {at} overlaps at width {width}", column.head);
                assert!(at + cells <= width || cells == 0, "width {width}");
                end = at + cells;
            }
        }
        let heads = |width| fit(width).iter().map(|(column, ..)| column.head).collect::<Vec<_>>();
        assert_eq!(heads(80), ["", "DEVICE", "ITL", "TVS", "CONFIG", "SEEN", "ITL DELETION"]);
        assert_eq!(heads(200).len(), COLUMNS.len());
    }

    #[test]
    fn every_column_has_a_place_and_a_next_one() {
        for (index, column) in COLUMNS.iter().enumerate() {
            assert_eq!(Column::of(column.id).id, column.id);
            assert_eq!(next(column.id), COLUMNS[(index + 1) % COLUMNS.len()].id);
        }
    }
}
