//! The lists that the phone downloaded, record by record, against the reference.

use unicode_width::UnicodeWidthStr;

use super::sheet::{Sheet, cut, shown};
use crate::trust::Record;
use crate::tui::clock::Clock;
use crate::tui::theme::Paint;
use crate::watch::{Detail, ListDetail, RecordMark};

pub(super) fn sheet(detail: &Detail, clock: &Clock, sheet: &mut Sheet) {
    if detail.lists.is_empty() {
        sheet.line(&[("No complete trust list of this phone was captured.", Paint::Bold)]);
        sheet.wrapped(&[(&detail.assessment.checks.itl_checksum.why, Paint::Plain)], 0);
        return;
    }
    for list in &detail.lists {
        one(list, clock, sheet);
    }
}

fn one(list: &ListDetail, clock: &Clock, sheet: &mut Sheet) {
    let ListDetail { download, served, .. } = list;
    let kind = served.list.kind.name();
    let file = download.file().unwrap_or(kind);
    let bytes = download.length().map(|length| format!(", {length} bytes")).unwrap_or_default();
    let (first, last) = (download.span.first.frame.number, download.span.last.frame.number);
    let frames = format!("frames {first}{}{last}", sheet.theme().glyph("–", "-"));
    if sheet.len() > 0 {
        sheet.blank();
    }
    sheet.wrapped(
        &[
            (&format!("{kind} "), Paint::Bold),
            (file, Paint::Bold),
            (&format!(" from {}{bytes}, {frames}", download.server.ip()), Paint::Plain),
        ],
        2,
    );
    if let Some(digests) = download.digests {
        sheet.wrapped(&[(&format!("SHA-1 {}  MD5 {}", digests.sha1, digests.md5), Paint::Plain)], 6);
    }
    let (mark, paint) = sheet.theme().signature(served.verification.status());
    let signer = served.list.signer().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let signed = served.list.header.timestamp.map(|seconds| {
        let time = crate::capture::Timestamp::from_seconds_and_nanos(i64::from(seconds), 0);
        format!(" on {}", clock.date(time))
    });
    sheet.wrapped(
        &[
            (&format!("{mark} "), paint),
            (&format!("signed by {signer}{}: ", signed.unwrap_or_default()), Paint::Plain),
            (&format!("signature {}", served.verification.status()), paint),
            (&format!(", {}", served.verification.why), Paint::Dim),
        ],
        2,
    );
    match &list.against {
        Some(against) if list.records.iter().all(|line| line.mark == RecordMark::Same) && list.header.is_empty() => {
            sheet.wrapped(&[("= ", Paint::Good), ("the same as ", Paint::Plain), (against, Paint::Plain)], 2);
        }
        Some(against) => {
            sheet.wrapped(&[("! ", Paint::Bad), ("differs from ", Paint::Bold), (against, Paint::Bold)], 2);
        }
        None => {
            sheet.wrapped(&[("? no list to compare it with: give one with -r, or mark one with m", Paint::Warn)], 2);
        }
    }
    for change in &list.header {
        sheet.wrapped(&[("    ", Paint::Plain), (&change.text, Paint::Warn)], 6);
    }
    records(list, sheet);
    for warning in &served.list.warnings {
        sheet.wrapped(&[("! ", Paint::Warn), (warning, Paint::Warn)], 2);
    }
}

fn records(list: &ListDetail, sheet: &mut Sheet) {
    let theme = sheet.theme();
    // Mark, number, role, serial; what is left is the subject's, and the hash's where there is much.
    let wide = sheet.width() >= 110;
    let subject = sheet.width().saturating_sub(if wide { 44 + 43 } else { 44 }).max(8);
    let head = format!(
        "  {:>3} {:<10} {:<24} {:<subject$} {}",
        "#",
        "ROLE",
        "SERIAL",
        "SUBJECT",
        if wide { "CERTIFICATE SHA-1" } else { "" }
    );
    sheet.line(&[(&head, Paint::Dim)]);
    for line in &list.records {
        let record = &line.record;
        let (mark, paint) = theme.record(line.mark);
        let text = |value: Option<String>, width: usize| {
            let value = value.unwrap_or_default();
            let value = shown(&value, theme);
            let value = cut(&value, width, theme);
            format!("{value}{}", " ".repeat(width.saturating_sub(value.width())))
        };
        let number = if line.mark == RecordMark::Gone { "-".to_owned() } else { record.index.to_string() };
        let role = text(Some(role(record)), 10);
        let serial = text(record.serial.as_ref().map(ToString::to_string), 24);
        let name = text(record.subject.as_ref().map(|subject| subject.as_str().to_owned()), subject);
        let hash = if wide { text(record.certificate_sha1.map(|sum| sum.to_string()), 40) } else { String::new() };
        let rest = if matches!(line.mark, RecordMark::Same | RecordMark::Alone) { Paint::Plain } else { paint };
        sheet.line(&[
            (mark, paint),
            (&format!(" {number:>3} "), Paint::Dim),
            (&format!("{role} {serial} {name} {hash}"), rest),
        ]);
        if let Some(change) = &line.change {
            sheet.wrapped(&[("      ", Paint::Plain), (change, Paint::Dim)], 8);
        }
    }
}

fn role(record: &Record) -> String {
    record.function.map(|function| function.short().into_owned()).unwrap_or_default()
}
