//! Every view as text, at three sizes; and how what is alarming looks.

use std::fmt::Write as _;

use itlscope::report::Severity;
use itlscope::testkit;
use itlscope::trust::testkit::ListBuilder;
use itlscope::tui::{Paint, Theme};
use itlscope::verdict::Case as VerdictCase;
use itlscope::watch::{FleetView, Status, Update};
use itlscope::words::Told;
use ratatui::style::{Color, Modifier};

use super::desk::{Case, Desk, row, told};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

/// How to come to each view from the one before, and back to the first.
const VIEWS: [(&str, &str); 7] = [
    ("phones", ""),
    ("ladder", "1 Enter"),
    ("trust list", "2"),
    ("certificates", "3"),
    ("verdict", "4"),
    ("fleet", "1 Esc f"),
    ("help", "f ?"),
];

/// Compares every view at every size with how it looked before.
fn assert_views(name: &str, mut desk: Desk) {
    for (width, height) in SIZES {
        let mut text = String::new();
        for (view, keys) in VIEWS {
            if !keys.is_empty() {
                desk.press(keys);
            }
            let screen = desk.screen(width, height);
            assert_eq!(screen.lines().count(), usize::from(height), "{view}: as many lines as there are");
            write!(text, "══ {view}\n{screen}\n").unwrap();
        }
        desk.press("?");
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text);
    }
}

fn assert_capture(name: &str, case: Case<'_>) {
    assert_views(name, Desk::open(case, Theme::FULL));
}

#[test]
fn no_phone_yet() {
    let mut desk = Desk::empty(Theme::FULL);
    let status = Status { source: "eth1".to_owned(), live: true, frames: 1204, rate: 87, ..Status::default() };
    desk.state.take(Update::Status(Box::new(status)));
    desk.state.take(Update::Fleet(Box::default()));
    assert_views("no_phone_yet", desk);
}

#[test]
fn one_healthy() {
    assert_capture("healthy", Case::new("healthy", "itl-old.tlv"));
}

#[test]
fn several_phones() {
    assert_capture("six_phones", Case::new("six-phones", "itl-old.tlv"));
}

/// One capture for each finding of `verdict`, named after it.
#[test]
fn one_of_each_finding() {
    let cases = [
        ("itl_mismatch", Case::new("itl-differs", "itl-old.tlv")),
        ("tvs_mismatch", Case::new("other-tvs", "itl-old.tlv")),
        ("tvs_refused", Case::new("recovery-before", "itl-old.tlv")),
        ("tvs_same_serial", Case::new("tvs-same-serial", "itl-old.tlv")),
        ("tvs_unreachable", Case::new("tvs-filtered", "itl-old.tlv")),
        ("tftp_unanswered", Case::new("tftp-silent", "itl-old.tlv")),
        ("holds_another_list", Case::new("sip-old-list", "itl-old.tlv")),
        ("begins_again", Case::new("both-regenerated", "itl-old.tlv")),
        (
            "disagreement",
            Case { told: told("SEP0011215A1AE3", "itl-both-new.tlv"), ..Case::new("both-regenerated", "itl-old.tlv") },
        ),
        (
            "contradiction",
            Case { told: told("SEPC80084AA8743", "itl-both-new.tlv"), ..Case::new("sip-old-list", "itl-old.tlv") },
        ),
        ("corrupt_list", Case { spoiled: Some(6), ..Case::new("itl-differs", "itl-old.tlv") }),
        ("empty_list", Case { made: Some(rollback()), ..Case::new("made/rollback", "itl-old.tlv") }),
        ("invalid_signature", Case { spoiled: Some(46), ..Case::new("sip-new-list", "itl-old.tlv") }),
    ];
    for (finding, case) in cases {
        let desk = Desk::open(case, Theme::FULL);
        let found = desk.findings();
        assert!(found.contains(&finding), "{finding} is among {found:?}");
        assert_views(finding, desk);
    }
}

/// A phone that is served the list of the rollback parameter: signed, and without a record.
fn rollback() -> Vec<u8> {
    let name = "CN=CUCM8-Publisher.bbbburns.lab;OU=TAC;O=Cisco;L=RTP;ST=North Carolina;C=US";
    let list =
        ListBuilder::itl().signer(name, &[0x21, 0, 0x2d, 0x17, 0, 0, 0, 0, 0, 5], "CN=JASBURNS-AD").build_unsigned(128);
    let frames = testkit::tftp("14.48.44.202:51500", "14.48.44.80:69", "ITLSEP0011215A1AE3.tlv", &list);
    testkit::pcap(1, true, &frames)
}

#[test]
fn one_that_must_be_deleted() {
    let case = Case { told: told("SEP0011215A1AE3", "itl-old.tlv"), ..Case::new("both-regenerated", "itl-old.tlv") };
    assert_capture("deletion_needed", case);
}

#[test]
fn sessions_without_certificates_and_lost_frames() {
    assert_capture("tls13", Case::new("tls13", "itl-old.tlv"));
    assert_capture("lossy", Case::new("lossy", "itl-old.tlv"));
    assert_capture("span_drops", Case::new("span-drops", "itl-old.tlv"));
}

fn ten_thousand(theme: Theme) -> Desk {
    let mut desk = Desk::empty(theme);
    let rows: Vec<_> = (0..10_000).map(row).collect();
    let case = VerdictCase::new(Vec::new(), Told::default(), &[]);
    let mut fleet = FleetView::new(rows.iter().map(AsRef::as_ref), [].iter(), &case);
    (fleet.boots, fleet.last_minute) = ((0..90).map(|minute| minute * minute % 131).collect(), 21_862_940);
    desk.state.take(Update::Rows(rows, Vec::new()));
    desk.state.take(Update::Fleet(Box::new(fleet)));
    let status = Status { source: "site.pcap".to_owned(), frames: 4_980_000, ended: true, ..Status::default() };
    desk.state.take(Update::Status(Box::new(status)));
    desk
}

#[test]
fn ten_thousand_phones() {
    assert_views("ten_thousand", ten_thousand(Theme::FULL));
}

#[test]
fn without_colours_and_without_anything_beyond_ascii() {
    let case = || Case { told: told("SEP0011215A1AE3", "itl-old.tlv"), ..Case::new("both-regenerated", "itl-old.tlv") };
    for (name, theme) in [("plain", Theme::PLAIN), ("ascii", Theme::new(false, false))] {
        let mut desk = Desk::open(case(), theme);
        let mut text = String::new();
        for (view, keys) in VIEWS {
            if !keys.is_empty() {
                desk.press(keys);
            }
            write!(text, "══ {view}\n{}\n", desk.screen(120, 36)).unwrap();
            let buffer = desk.buffer(120, 36);
            for cell in &buffer.content {
                assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{view} has no colours");
                assert!(theme.is_unicode() || cell.symbol().is_ascii(), "{view}: {:?} is not ASCII", cell.symbol());
            }
        }
        insta::assert_snapshot!(name, text);
    }
}

/// The styles of the cells in which `needle` stands on the screen.
fn styles(desk: &mut Desk, needle: &str) -> Vec<(Color, Color, Modifier)> {
    let screen = desk.screen(120, 36);
    let (y, line) = screen.lines().enumerate().find(|(_, line)| line.contains(needle)).expect(needle);
    let x = line[..line.find(needle).unwrap()].chars().count();
    let buffer = desk.buffer(120, 36);
    (x..x + needle.chars().count())
        .map(|x| &buffer[(u16::try_from(x).unwrap(), u16::try_from(y).unwrap())])
        .map(|cell| (cell.fg, cell.bg, cell.modifier - Modifier::REVERSED))
        .collect()
}

#[test]
fn what_is_alarming_looks_so() {
    let case = Case { told: told("SEP0011215A1AE3", "itl-old.tlv"), ..Case::new("both-regenerated", "itl-old.tlv") };
    let mut desk = Desk::open(case, Theme::FULL);
    let alarm = Theme::FULL.style(Paint::Alarm);
    let expect = (alarm.fg.unwrap(), alarm.bg.unwrap(), alarm.add_modifier);
    for needle in ["✗✗", "1 TO DELETE"] {
        assert!(styles(&mut desk, needle).iter().all(|style| *style == expect), "{needle}");
    }
    // The selected line has one colour, but for its mark; the lines below it have theirs.
    let mut many = ten_thousand(Theme::FULL);
    let second = styles(
        &mut many,
        "SEP0011215A0061 14.48.0.97      ✗ 479e04f3 ✗ 2E3E1A7… -           14.48.44.80     14:22:05 NEEDED",
    );
    assert_eq!(second.last(), Some(&expect));
    let bad = Theme::FULL.style(Paint::Bad);
    let bad = (bad.fg.unwrap(), Color::Reset, bad.add_modifier);
    assert_eq!(styles(&mut desk, "alert unknown_ca")[0], bad);
    let mut six = Desk::open(Case::new("six-phones", "itl-old.tlv"), Theme::FULL);
    let second = styles(&mut six, "SEP0011215A1AE3 14.48.44.202    ✗ 627a8bb0");
    assert_eq!((second[0].0, second[32]), (Color::Reset, bad), "the mismatch, not the name");
    desk.press("Space");
    assert_eq!(styles(&mut desk, "PAUSED")[0], expect, "a view that stands still says so");
    desk.press("Space W");
    assert_eq!(styles(&mut desk, "They may hold passwords")[0], expect);
}

#[test]
fn states_differ_by_shape_and_not_only_by_colour() {
    for theme in [Theme::FULL, Theme::PLAIN, Theme::new(false, false)] {
        let severities = [
            Severity::DeletionNeeded,
            Severity::WrongUndetermined,
            Severity::Wrong,
            Severity::Undetermined,
            Severity::Fine,
        ];
        let mut marks: Vec<_> = severities.into_iter().map(|severity| theme.severity(severity).0).collect();
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), severities.len());
    }
}
