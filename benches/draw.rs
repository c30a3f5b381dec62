//! What a frame of the dashboard costs with 10,000 phones.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use itlscope::capture::Timestamp;
use itlscope::digest::Sha1Sum;
use itlscope::phone::{DeviceName, PhoneKey};
use itlscope::report::{Brief, Severity};
use itlscope::tui::{Action, Clock, ColumnId, State, Theme};
use itlscope::verdict::{Case, Check, Deletion};
use itlscope::watch::{Cause, FleetView, Row, Update};
use itlscope::words::Told;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const PHONES: u32 = 10_000;

/// A phone that differs from the one before it in everything that is sorted by.
fn row(number: u32, causes: &[Arc<Cause>]) -> Arc<Row> {
    let device = DeviceName::new(&format!("SEP{number:012X}")).unwrap();
    let severities = [
        (Severity::Fine, Deletion::NotNeeded),
        (Severity::Wrong, Deletion::NotNeeded),
        (Severity::WrongUndetermined, Deletion::Undetermined),
    ];
    let (severity, deletion) = severities.into_iter().cycle().nth((number % 3) as usize).unwrap();
    let address = Ipv4Addr::from(0x0a00_0000 + number.wrapping_mul(2_654_435_761) % 65_536);
    let sha1 = Sha1Sum::of(&(number % 5).to_be_bytes());
    let brief = Brief {
        name: device.to_string(),
        address: Some(address.into()),
        other_addresses: 0,
        itl: Check::Match,
        itl_sha1: Some(sha1),
        tvs: Check::Mismatch,
        tvs_serial: Some("2E3E1A7BDAA64D84".parse().unwrap()),
        config: None,
        tftp: Some(Ipv4Addr::new(14, 48, 44, 80).into()),
        deletion,
        instead: "collect more".to_owned(),
        severity,
    };
    let wrong = severity != Severity::Fine;
    Arc::new(Row {
        search: format!("{} {address} {sha1} 2e3e1a7bdaa64d84 undetermined tvs mismatch", brief.name.to_lowercase()),
        key: PhoneKey::Device(device),
        brief,
        model: Some("CP-7975".to_owned()),
        last_seen: Timestamp::from_seconds_and_nanos(1_311_776_428 + i64::from(number), 0),
        causes: causes.iter().skip((number % 4) as usize).filter(|_| wrong).take(2).cloned().collect(),
        boots: vec![Timestamp::from_seconds_and_nanos(1_311_776_428 + i64::from(number), 0)],
    })
}

fn dashboard() -> (State, Vec<Arc<Row>>) {
    let text =
        |number| format!("TVS on 10.0.0.{number}:2445 presents another certificate than the list of its cluster names");
    let causes: Vec<_> = (0..6).map(|number| Arc::new(Cause { id: "tvs_mismatch", text: text(number) })).collect();
    let rows: Vec<_> = (0..PHONES).map(|number| row(number, &causes)).collect();
    let case = Case::new(Vec::new(), Told::default(), &[]);
    let fleet = FleetView::new(rows.iter().map(AsRef::as_ref), [].iter(), &case);
    let mut state = State::new(Theme::FULL, Clock::new(true), ColumnId::State);
    state.take(Update::Rows(rows.clone(), Vec::new()));
    state.take(Update::Fleet(Box::new(fleet)));
    state.apply(Action::Resize(200, 60));
    (state, rows)
}

fn draw(terminal: &mut Terminal<TestBackend>, state: &State) {
    terminal.draw(|frame| frame.render_widget(state, frame.area())).unwrap();
}

fn frames(criterion: &mut Criterion) {
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    let mut group = criterion.benchmark_group("10,000 phones at 200x60");
    let (mut state, rows) = dashboard();
    group.bench_function("a frame", |bencher| bencher.iter(|| draw(&mut terminal, black_box(&state))));
    group.bench_function("a page down and a frame", |bencher| {
        bencher.iter(|| {
            state.apply(Action::PageDown);
            draw(&mut terminal, &state);
        });
    });
    state.apply(Action::First);
    // What a busy SPAN port costs: lines change, so that all are filtered and sorted anew.
    group.bench_function("a hundred phones change, and a frame", |bencher| {
        let mut changed = rows.chunks(100).cycle();
        bencher.iter(|| {
            state.take(Update::Rows(changed.next().unwrap().to_vec(), Vec::new()));
            state.look(&mut Vec::new());
            draw(&mut terminal, &state);
        });
    });
    group.bench_function("a letter of a filter, and a frame", |bencher| {
        state.apply(Action::Filter);
        bencher.iter(|| {
            state.apply(Action::Type('1'));
            draw(&mut terminal, &state);
            state.apply(Action::Erase);
        });
        state.apply(Action::Back);
    });
    state.apply(Action::Fleet);
    group.bench_function("a frame of the fleet", |bencher| bencher.iter(|| draw(&mut terminal, black_box(&state))));
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
