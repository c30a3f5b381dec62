//! Names for files, made of names from the wire.
//!
//! In: what a phone asked for, any bytes in it. Out: one path below the folder, of letters, digits and `-_.` only, that no file
//! of this run has yet and that no usual file system takes for anything else.

use std::net::IpAddr;

use foldhash::{HashMap, HashSet};

/// Longer names are cut in the middle: their beginning and their end tell what they are.
const LONGEST: usize = 120;
/// Names that Windows takes for devices, whatever follows the first dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// The names given so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// In small letters: some file systems see no difference.
    taken: HashSet<String>,
    /// How often each name was asked for.
    asked: HashMap<String, u32>,
}

impl Names {
    /// A path for a file of this name in this folder. The second file of a name is `name-2.tlv`.
    pub(super) fn take(&mut self, folder: &str, name: &str) -> String {
        let name = safe(name);
        let times = self.asked.entry(format!("{folder}/{}", name.to_ascii_lowercase())).or_default();
        loop {
            *times += 1;
            let path = match *times {
                1 => format!("{folder}/{name}"),
                times => {
                    let (stem, extension) = name.split_at(name.find('.').unwrap_or(name.len()));
                    format!("{folder}/{stem}-{times}{extension}")
                }
            };
            if self.taken.insert(path.to_ascii_lowercase()) {
                return path;
            }
        }
    }
}

/// The folder of a server's files.
pub(super) fn of_address(address: IpAddr) -> String {
    address.to_string().replace(':', "-")
}

/// The name without anything that leads out of a folder or that a file system might take for something else. Folders of the
/// name stay in it, joined by `_`.
fn safe(name: &str) -> String {
    let harmless = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let mut safe: String = name.trim_start_matches(['/', '\\']).chars().map(harmless).collect();
    if safe.len() > LONGEST {
        // All of it is ASCII by now.
        let (start, rest) = safe.split_at(LONGEST / 2);
        let (_, end) = rest.split_at(rest.len() - LONGEST / 2);
        safe = format!("{start}_{end}");
    }
    let device = safe.split('.').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    if safe.starts_with(['.', '-']) || safe.is_empty() || DEVICES.contains(&&*device.to_ascii_lowercase()) {
        safe.insert(0, '_');
    }
    if safe.ends_with('.') {
        safe.push('_');
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_from_the_wire() {
        for (name, expected) in [
            ("ITLSEP0011215A1AE3.tlv", "ITLSEP0011215A1AE3.tlv"),
            ("/ITLFile.tlv", "ITLFile.tlv"),
            ("Desktops/320x212x12/List.xml", "Desktops_320x212x12_List.xml"),
            ("../../etc/passwd", "_.._.._etc_passwd"),
            ("..\\..\\autoexec.bat", "_.._.._autoexec.bat"),
            ("..", "_.._"),
            (".bashrc", "_.bashrc"),
            ("-rf", "_-rf"),
            ("", "_"),
            ("a\0b\x1b[2J\nc", "a_b__2J_c"),
            ("ключ.tlv", "____.tlv"),
            ("con.tlv", "_con.tlv"),
            ("LPT1", "_LPT1"),
            ("C:\\x", "C__x"),
        ] {
            assert_eq!(safe(name), expected);
        }
        let long = safe(&format!("ITL{}.tlv", "A".repeat(5000)));
        assert!(long.len() <= LONGEST + 1 && long.starts_with("ITLA") && long.ends_with("A.tlv"));
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut names = Names::default();
        let taken: Vec<_> = ["a.cnf.xml", "A.cnf.xml", "a.cnf.xml", "a-2.cnf.xml", "b", "b"]
            .map(|name| names.take("10.0.0.1", name))
            .to_vec();
        assert_eq!(
            taken,
            [
                "10.0.0.1/a.cnf.xml",
                "10.0.0.1/A-2.cnf.xml",
                "10.0.0.1/a-3.cnf.xml",
                "10.0.0.1/a-2-2.cnf.xml",
                "10.0.0.1/b",
                "10.0.0.1/b-2"
            ]
        );
        assert_eq!(names.take("10.0.0.2", "b"), "10.0.0.2/b");
    }

    proptest! {
        #[test]
        fn every_name_is_one_safe_component_and_new(wire in prop::collection::vec("\\PC{0,20}|[./\\\\a-]{0,8}", 1..20)) {
            let mut names = Names::default();
            let mut seen = std::collections::HashSet::new();
            for name in wire {
                let path = names.take("f", &name);
                let component = path.strip_prefix("f/").unwrap();
                prop_assert!(!component.is_empty() && component.len() <= LONGEST + 20);
                prop_assert!(!component.starts_with('.') && !component.ends_with('.'));
                prop_assert!(component.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)));
                prop_assert!(seen.insert(path.to_ascii_lowercase()));
            }
        }
    }
}
