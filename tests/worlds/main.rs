//! Worlds drawn at random, and whether everything that is said of them is true.
//!
//! A simulator of its own plays phones, servers, other hosts, recorders and an engineer; the program sees captures and words,
//! and is heard only through its JSON report. `make test` tries 300 worlds; `make soundness N=20000` more.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test that cannot go on has failed; and what it found is printed"
)]

mod check;
mod dice;
mod hosts;
mod phone;
mod pki;
mod story;
mod truth;
mod wire;
mod words;
mod world;

use std::collections::BTreeMap;

use serde_json::Value;

use check::{Checked, check};
use story::Story;
use world::World;

/// What the program says of a world.
fn report(world: &World, story: &Story) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let arguments = words::arguments(world, story, folder.path());
    let mut out = Vec::new();
    match itlscope::commands::triage(&arguments, &mut out) {
        Ok(_) => serde_json::from_slice(&out).unwrap_or(Value::Null),
        Err(error) => panic!("world {}: {error:#}: {arguments:?}", world.seed),
    }
}

fn try_world(world: &World) -> Checked {
    let story = Story::of(world);
    // A capture without a frame is no question.
    if story.captures.iter().all(Vec::is_empty) {
        return Checked::default();
    }
    let report = report(world, &story);
    check(world, &story, &report)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
#[ignore = "the verdict is being made sound"]
fn worlds_hold_no_false_statement() {
    let (first, count) = (number("WORLDS_FIRST", 0), number("WORLDS", 300));
    let mut kinds: BTreeMap<String, Vec<(u64, String, String)>> = BTreeMap::new();
    let mut statements = 0;
    for seed in first..first + count {
        let world = World::draw(seed);
        let checked = try_world(&world);
        statements += checked.statements;
        for falsehood in checked.falsehoods {
            kinds.entry(falsehood.kind).or_default().push((seed, falsehood.said, falsehood.truth));
        }
    }
    println!("{count} worlds, {statements} statements");
    for (kind, cases) in &kinds {
        println!("{:5} {kind}", cases.len());
        for (seed, said, truth) in cases.iter().take(usize::try_from(number("WORLDS_SHOW", 3)).unwrap()) {
            println!("        world {seed}: {said}\n            truth: {truth}");
        }
    }
    assert!(kinds.is_empty(), "{} kinds of false statements", kinds.len());
}
