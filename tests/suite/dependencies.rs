//! What this project is built from: every dependency has its reason in `docs/dependencies.md`, comes from crates.io, and has a
//! licence that suits. `make deny` checks more, with a tool of its own; this needs nothing but cargo.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use toml::Table;

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Names in the tables of a manifest called `kind`, those for some targets only included.
fn chosen(manifest: &Table, kind: &str) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(|targets| targets.as_table());
    let of_targets = targets.into_iter().flat_map(|targets| targets.values().filter_map(|target| target.get(kind)));
    let tables = manifest.get(kind).into_iter().chain(of_targets);
    tables.flat_map(|table| table.as_table().unwrap().keys().cloned()).collect()
}

/// The first cells of a table in Markdown under this heading, each with a reason in the second.
fn explained(page: &str, heading: &str) -> BTreeSet<String> {
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")).skip(2);
    let cells = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    cells
        .map(|cells| {
            assert!(cells.len() == 2 && cells[1].len() > 10, "{cells:?}: no reason");
            cells[0].to_owned()
        })
        .collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest: Table = read("Cargo.toml").parse().unwrap();
    let page = read("docs/dependencies.md");
    assert_eq!(chosen(&manifest, "dependencies"), explained(&page, "In the program"));
    assert_eq!(chosen(&manifest, "dev-dependencies"), explained(&page, "In tests and benchmarks"));
}

#[test]
fn crates_come_from_the_registry_with_checksums() {
    let lock: Table = read("Cargo.lock").parse().unwrap();
    for package in lock["package"].as_array().unwrap() {
        if package["name"].as_str() == Some("itlscope") {
            continue;
        }
        let source = package.get("source").and_then(|source| source.as_str());
        assert!(source.is_some_and(|source| source.starts_with("registry+")), "{package}");
        assert_eq!(package["checksum"].as_str().map(str::len), Some(64), "{package}");
    }
}

/// The licences that `deny.toml` allows.
fn allowed() -> BTreeSet<String> {
    let rules: Table = read("deny.toml").parse().unwrap();
    let names = rules["licenses"]["allow"].as_array().unwrap().iter();
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Whether an expression of SPDX can be satisfied. `/` is an old way to write OR; parentheses stand around alternatives only.
fn may_be_used(licence: &str, allowed: &BTreeSet<String>) -> bool {
    let licence = licence.replace('/', " OR ");
    let all = licence.split(" AND ").map(|part| part.trim_matches(['(', ')']));
    all.into_iter().all(|part| part.split(" OR ").any(|one| allowed.contains(one.trim())))
}

#[test]
fn every_licence_suits() {
    let allowed = allowed();
    assert!(may_be_used("(MIT OR GPL-3.0) AND ISC", &allowed));
    assert!(!may_be_used("MIT AND GPL-3.0", &allowed) && !may_be_used("LGPL-3.0", &allowed));
    // Crates for other systems were never fetched here.
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(may_be_used(licence, &allowed), "{}: {licence:?}", package["name"]);
    }
}
