//! Arrows only go right: which room may use which, and that the files of a room do not know each other in circles. It reads every path
//! that begins with `crate` or `super` in the sources; code for tests, and the rooms `testkit`, are exempt.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex_lite::Regex;

/// The rooms in their order: each may use those before it. `CONTRIBUTING.md` shows what stands where.
const ROOMS: &str = "bytes escape memo private timestamp digest x509 trust capture packet event dissect sensor claim phone engine \
                     words witness verdict report extract hub sandbox watch tui commands";

/// Rooms that still use one behind them. The list only shrinks.
const BACKWARDS: [&str; 0] = [];
/// Rooms whose files still know each other in circles. The list only shrinks.
const IN_CIRCLES: [&str; 6] = ["capture", "commands", "packet", "report", "sandbox", "verdict"];

/// A module by its names from the root on.
type Module = Vec<String>;

/// The sources without comments and without their tests, by module.
fn modules() -> BTreeMap<Module, String> {
    fn read(folder: &Path, above: &Module, found: &mut BTreeMap<Module, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let module = [above.as_slice(), std::slice::from_ref(&name)].concat();
            if ["tests", "testkit", "lib", "main"].contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                read(&path, &module, found);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let code = code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
            found.insert(module, code);
        }
    }
    let mut found = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &Vec::new(), &mut found);
    found
}

/// What `use` names, without braces: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn expanded(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else {
        return vec![path.split(" as ").next().unwrap().trim().to_owned()];
    };
    let inside = &rest[..rest.rfind('}').unwrap()];
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for character in inside.chars() {
        depth += i32::from(character == '{') - i32::from(character == '}');
        if character == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(character);
        }
    }
    parts
        .iter()
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| expanded(&format!("{}{}", before.trim(), part.trim())))
        .collect()
}

/// The paths in a module, each in its segments; those that it only hands on (`pub use`) apart from those that it uses.
fn paths(code: &str) -> (Vec<Module>, Vec<Module>) {
    let uses = Regex::new(r"(?m)^\s*(pub(?:\([a-z]+\))? )?use ([^;]+);").unwrap();
    let plain = Regex::new(r"\w+(?:::\w+)+").unwrap();
    let segments = |path: &str| path.split("::").map(|name| name.trim().to_owned()).collect::<Module>();
    let (mut handed_on, mut used) = (Vec::new(), Vec::new());
    for found in uses.captures_iter(code) {
        let list = if found.get(1).is_some() { &mut handed_on } else { &mut used };
        list.extend(expanded(&found[2]).iter().map(|path| segments(path)));
    }
    // How far a name is seen is no use of it.
    let sight = Regex::new(r"pub\(in [\w:]+\)").unwrap();
    let rest = uses.replace_all(code, "");
    let rest = sight.replace_all(&rest, "");
    used.extend(plain.find_iter(&rest).map(|path| segments(path.as_str())));
    (handed_on, used)
}

/// The modules that each module uses, by the files in which what it names is written.
fn arrows() -> BTreeMap<Module, BTreeSet<Module>> {
    let modules: BTreeMap<Module, _> = modules().into_iter().map(|(module, code)| (module, paths(&code))).collect();
    let resolve = |from: &Module, path: &Module| -> Option<Module> {
        let (mut at, mut path) = (from.clone(), path.clone());
        // What is handed on is written elsewhere: a path may lead on a few times.
        for _ in 0..4 {
            if path.first().is_some_and(|first| first == "crate") {
                (at, path) = (Vec::new(), path[1..].to_vec());
            }
            while path.first().is_some_and(|first| first == "super") {
                at.pop();
                path.remove(0);
            }
            while let Some(next) = path.first() {
                let inner = [at.as_slice(), std::slice::from_ref(next)].concat();
                if !modules.contains_key(&inner) {
                    break;
                }
                (at, path) = (inner, path[1..].to_vec());
            }
            let (handed_on, used) = modules.get(&at)?;
            let leads_on = handed_on.iter().chain(used).find(|known| known.len() > 1 && known.last() == path.first());
            match leads_on {
                Some(known) if path.len() < 3 && is_in(&modules, &at, known) => path.clone_from(known),
                _ => break,
            }
        }
        Some(at)
    };
    let used_by = |(module, (_, used)): (&Module, &(Vec<Module>, Vec<Module>))| {
        let local = used.iter().filter(|path| is_in(&modules, module, path));
        let targets = local.filter_map(|path| resolve(module, path)).filter(|target| target != module).collect();
        (module.clone(), targets)
    };
    modules.iter().map(used_by).collect()
}

/// Whether a path leads to a module of this project.
fn is_in<T>(modules: &BTreeMap<Module, T>, from: &Module, path: &Module) -> bool {
    let first = path.first().map_or("", String::as_str);
    let child = [from.as_slice(), &path[..1]].concat();
    ["crate", "super"].contains(&first) || modules.contains_key(&child)
}

fn room(module: &Module) -> &str {
    module[0].as_str()
}

#[test]
fn rooms_use_only_what_stands_before_them() {
    let place =
        |room: &str| ROOMS.split(' ').position(|known| known == room).unwrap_or_else(|| panic!("no room: {room}"));
    let mut backwards = BTreeSet::new();
    for (module, targets) in arrows() {
        let wrong = targets.iter().filter(|target| place(room(target)) > place(room(&module)));
        backwards.extend(wrong.map(|target| format!("{} uses {}", module.join("::"), target.join("::"))));
    }
    assert_eq!(backwards.iter().map(String::as_str).collect::<Vec<_>>(), BACKWARDS);
}

#[test]
fn files_of_a_room_know_each_other_one_way() {
    let arrows = arrows();
    let reached = |from: &Module| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            let inside = arrows.get(module).into_iter().flatten().filter(|target| room(target) == room(from));
            next.extend(inside.filter(|target| reached.insert((*target).clone())));
        }
        reached
    };
    let circles: BTreeSet<_> = arrows.keys().filter(|module| reached(module).contains(*module)).collect();
    let rooms: BTreeSet<_> = circles.iter().map(|module| room(module)).collect();
    assert!(rooms.iter().copied().eq(IN_CIRCLES), "{rooms:?} are not {IN_CIRCLES:?}; in circles: {circles:?}");
}

#[test]
fn the_files_that_contributing_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let named = Regex::new(r"`((?:src|tests|examples|docs)/[\w./-]+)`").unwrap();
    let named: Vec<_> = named.captures_iter(&page).map(|name| name[1].to_owned()).collect();
    assert!(named.len() > 15, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|name| !root.join(name).exists()).collect();
    assert!(missing.is_empty(), "CONTRIBUTING.md names {missing:?}");
    // The picture has every room.
    let words: BTreeSet<_> = page.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let rooms: BTreeSet<_> = modules().into_keys().map(|module| module[0].clone()).collect();
    assert!(rooms.iter().all(|room| words.contains(room.as_str())), "{rooms:?}");
}
