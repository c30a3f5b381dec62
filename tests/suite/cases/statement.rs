//! Statements about a report: a path that leads to values, and a condition that may hold of one.
//!
//! In: a report as JSON, and a statement of a `case.json`. Out: the values, and whether the condition holds. It refuses to know
//! what is right: that a statement must or must never hold, its case says.

use regex_lite::Regex;
use serde_json::Value;

/// All values that a path names: fields with dots, elements with `[0]`, all with `[*]`, some with `[name=SEP…]`.
pub(super) fn select<'a>(report: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![report];
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, behind) = inner.split_once(']').unwrap_or_else(|| panic!("{path}: a bracket is open"));
            let elements = found.into_iter().filter_map(Value::as_array);
            found = match (step, step.parse::<usize>(), step.split_once('=')) {
                ("*", ..) => elements.flatten().collect(),
                (_, Ok(index), _) => elements.filter_map(|all| all.get(index)).collect(),
                (.., Some((field, wanted))) => elements.flatten().filter(|one| has(one, field, wanted)).collect(),
                _ => panic!("{path}: nothing is known of [{step}]"),
            };
            rest = behind;
        } else {
            let path = rest.strip_prefix('.').unwrap_or(rest);
            let (field, behind) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
            // A field of a list is that of each of its elements.
            let each = |value: &'a Value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            found = found.into_iter().flat_map(each).filter_map(|value| value.get(field)).collect();
            rest = behind;
        }
    }
    found
}

/// Whether this field of an element is, or has in its list, what is wanted.
fn has(element: &Value, field: &str, wanted: &str) -> bool {
    let is = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned) == wanted;
    match element.get(field) {
        Some(Value::Array(values)) => values.iter().any(is),
        value => is(value.unwrap_or(&Value::Null)),
    }
}

/// Whether the condition of a statement holds of a value.
pub(super) fn holds(value: &Value, how: &Value) -> bool {
    if let Some(wanted) = how.get("is") {
        same(value, wanted)
    } else if let Some(wanted) = how.get("in") {
        wanted.as_array().unwrap().iter().any(|wanted| same(value, wanted))
    } else if let Some(part) = how.get("contains") {
        value.as_str().map_or_else(|| value.to_string(), str::to_owned).contains(part.as_str().unwrap())
    } else if let Some(pattern) = how.get("matches") {
        let unless = how.get("unless").map(regex);
        value.as_str().is_some_and(|text| matches(text, &regex(pattern), unless.as_ref()))
    } else if let Some(most) = how.get("most") {
        value.as_f64().is_some_and(|number| number <= most.as_f64().unwrap())
    } else {
        panic!("no condition in {how}")
    }
}

fn same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
}

fn regex(pattern: &Value) -> Regex {
    Regex::new(pattern.as_str().unwrap()).unwrap()
}

/// Whether a pattern matches, at any place, something in which `unless` does not.
fn matches(text: &str, pattern: &Regex, unless: Option<&Regex>) -> bool {
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let mut found = starts.filter_map(|at| pattern.find_at(text, at));
    found.any(|found| unless.is_none_or(|unless| !unless.is_match(found.as_str())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_to_values() {
        let report = json!({"phones": [
            {"name": "A", "addresses": ["1", "2"], "tls": [{"port": 1}, {"port": 2}], "boots": 1},
            {"name": null, "addresses": [], "tls": [], "boots": 2},
        ]});
        for (path, wanted) in [
            ("phones[*].boots", vec![json!(1), json!(2)]),
            ("phones.boots", vec![json!(1), json!(2)]),
            ("phones[1].boots", vec![json!(2)]),
            ("phones[2].boots", vec![]),
            ("phones[name=A].tls[*].port", vec![json!(1), json!(2)]),
            ("phones[name=A].tls[port=2].port", vec![json!(2)]),
            ("phones[name=null].boots", vec![json!(2)]),
            ("phones[addresses=2].name", vec![json!("A")]),
            ("phones[name=B].boots", vec![]),
            ("fleet.warnings[*]", vec![]),
        ] {
            assert_eq!(select(&report, path), wanted.iter().collect::<Vec<_>>(), "{path}");
        }
    }

    #[test]
    fn conditions_hold_or_not() {
        for (value, how, wanted) in [
            (json!("no"), json!({"is": "no"}), true),
            (json!(1), json!({"is": 1.0}), true),
            (json!(true), json!({"is": 1}), false),
            (json!(null), json!({"is": null}), true),
            (json!("b"), json!({"in": ["a", "b"]}), true),
            (json!("c"), json!({"in": ["a", "b"]}), false),
            (json!("abc"), json!({"contains": "b"}), true),
            (json!(["abc"]), json!({"contains": "b"}), true),
            (json!(256), json!({"most": 256}), true),
            (json!(257), json!({"most": 256}), false),
            (json!("frame 12"), json!({"matches": "frame \\d+"}), true),
            (json!(12), json!({"matches": "12"}), false),
        ] {
            assert_eq!(holds(&value, &how), wanted, "{value} {how}");
        }
    }

    #[test]
    fn every_place_of_a_pattern_counts() {
        let bare = json!({"matches": "\\bframe \\d+\\b[^,;]*", "unless": "\\.pcap"});
        for (text, wanted) in [
            ("frame 1", true),
            ("frame 1 of a.pcap", false),
            ("frame 1 and frame 2 of a.pcap", false),
            ("frame 1 of a.pcap and frame 2", true),
            ("frame 1 of a.pcap, frame 2", true),
            ("no frames", false),
        ] {
            assert_eq!(holds(&text.into(), &bare), wanted, "{text}");
        }
    }
}
