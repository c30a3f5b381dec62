//! What the option `--holds` and its files say of lists on phones.
//!
//! In: the value of the option behind `DEVICE=`, or the text of a file: lines of such values, md5sum's output, or a table with
//! a header. Out: devices with [`Value`]s. It refuses to open files.

use super::names;
use super::statement::Whose;
use crate::digest::{Md5Sum, Sha1Sum};
use crate::phone::DeviceName;
use crate::trust::{ListKind, sums};

/// What a phone is said to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// It holds no list of this kind.
    Nothing(ListKind),
    /// The list with this MD5.
    Md5(ListKind, Md5Sum),
    /// The list with this SHA-1.
    Sha1(ListKind, Sha1Sum),
    /// The list in this file; of which kind, the file says, unless it is said.
    File(Option<ListKind>, String),
}

/// Whom an argument names before its first `=`, and what stands behind it.
pub fn whose(argument: &str) -> Option<(Whose, &str)> {
    let (before, value) = argument.split_once('=')?;
    let before = before.trim();
    if let Some(device) = names::device(before) {
        return Some((Whose::Device(device), value.trim()));
    }
    let bare = before.strip_prefix('[').and_then(|before| before.strip_suffix(']')).unwrap_or(before);
    if let Ok(address) = bare.parse() {
        return Some((Whose::Address(address), value.trim()));
    }
    // Any other name; paths are told by their separators and dots.
    let is_name = before.len() <= 64 && !before.contains(['.', '/', '\\']);
    let device = DeviceName::new(before).filter(|_| is_name)?;
    Some((Whose::Device(device), value.trim()))
}

/// A value: `none`, a checksum or a file, with `itl=` or `ctl=` before it where it does not say itself which list it is of.
pub fn value(text: &str) -> Value {
    let (kind, rest) = match text.split_once(['=', ':']) {
        Some((kind, rest)) if kind.trim().eq_ignore_ascii_case("itl") => (Some(ListKind::Itl), rest),
        Some((kind, rest)) if kind.trim().eq_ignore_ascii_case("ctl") => (Some(ListKind::Ctl), rest),
        _ => (None, text),
    };
    let rest = rest.trim();
    // A bare word is of the list that the option is about.
    let or_itl = kind.unwrap_or(ListKind::Itl);
    let lower = rest.to_ascii_lowercase();
    match lower.as_str() {
        "none" | "not installed" => return Value::Nothing(or_itl),
        "no ctl" => return Value::Nothing(ListKind::Ctl),
        "no itl" => return Value::Nothing(ListKind::Itl),
        _ => {}
    }
    checksum(or_itl, rest).unwrap_or_else(|| Value::File(kind, rest.to_owned()))
}

fn checksum(kind: ListKind, text: &str) -> Option<Value> {
    let sha1 = text.parse().ok().map(|sum| Value::Sha1(kind, sum));
    sha1.or_else(|| text.parse().ok().map(|sum| Value::Md5(kind, sum)))
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line, from 1.
    pub line: usize,
    /// Whose; unnamed where the line does not say.
    pub whose: Whose,
    /// What is said.
    pub value: Value,
}

/// What the lines of a file say: values behind `DEVICE=`, md5sum's output, checksums beside "ITL" and "CTL", or a table with a
/// header such as CUCM's export. Lines that say nothing are left out; `None` where all are.
pub fn rows(text: &str) -> Option<Vec<Row>> {
    let lines = || (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'));
    let (first, header) = lines().next()?;
    if let Some(columns) = Columns::of(header) {
        let rows: Vec<Row> =
            lines().filter(|&(line, _)| line > first).flat_map(|(line, text)| columns.read(line, text)).collect();
        return (!rows.is_empty()).then_some(rows);
    }
    let rows: Vec<Row> = lines().filter_map(|(line, text)| row(line, text.trim())).collect();
    (!rows.is_empty()).then_some(rows)
}

/// Lines `DEVICE=WORDS`, or `DEVICE,WORDS` and the like: what phones show, by line. Empty where a line is none of these.
pub fn says_rows(bytes: &[u8]) -> Vec<(usize, Whose, String)> {
    let Some(text) = crate::trust::text::decode(bytes) else { return Vec::new() };
    let mut rows = Vec::new();
    for (line, text) in
        (1..).zip(text.lines().map(str::trim)).filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
    {
        let row = whose(text).map(|(whose, words)| (whose, words.to_owned())).or_else(|| {
            let separator = [',', ';', '\t'].into_iter().find(|&separator| text.contains(separator))?;
            let cells = cells(text, separator);
            let device = cells.first().and_then(|cell| names::device(cell))?;
            Some((Whose::Device(device), cells.get(1..)?.iter().rfind(|cell| !cell.is_empty())?.clone()))
        });
        match row {
            Some((whose, words)) => rows.push((line, whose, words)),
            // The header of a table.
            None if rows.is_empty() && line == 1 && text.contains([',', ';', '\t']) => {}
            None => return Vec::new(),
        }
    }
    rows
}

fn row(line: usize, text: &str) -> Option<Row> {
    if let Some((whose, text)) = whose(text).filter(|(whose, _)| !is_list_name(whose)) {
        return Some(Row { line, whose, value: value(text) });
    }
    if let Some((sum, file)) = sums::split(text) {
        let kind = sums::kind(file).unwrap_or(ListKind::Itl);
        let whose = names::of_path(file).map_or(Whose::Unnamed, Whose::Device);
        return Some(Row { line, whose, value: checksum(kind, sum)? });
    }
    // The screen as somebody typed it: "ITL File: 0e0f…", or the checksum alone.
    let upper = text.to_ascii_uppercase();
    let kind = if upper.contains("CTL") && !upper.contains("ITL") { ListKind::Ctl } else { ListKind::Itl };
    let sum = text.rsplit([':', '=']).next().unwrap_or(text).trim();
    let value = checksum(kind, sum).or_else(|| checksum(kind, text.split_whitespace().next_back()?))?;
    Some(Row { line, whose: Whose::Unnamed, value })
}

fn is_list_name(whose: &Whose) -> bool {
    matches!(whose, Whose::Device(name) if matches!(name.as_str(), "ITL" | "CTL"))
}

/// The columns of a table that say something.
struct Columns {
    separator: char,
    device: usize,
    lists: Vec<(usize, ListKind)>,
}

impl Columns {
    fn of(header: &str) -> Option<Self> {
        let separator = [',', ';', '\t'].into_iter().find(|&separator| header.contains(separator))?;
        let cells: Vec<String> = cells(header, separator).iter().map(|cell| cell.to_ascii_lowercase()).collect();
        // A row of values is no header.
        if cells.iter().any(|cell| names::device(cell).is_some()) {
            return None;
        }
        let device = ["device name", "device", "name", "mac"];
        let device = device.iter().find_map(|word| cells.iter().position(|cell| cell.contains(word)))?;
        let lists = cells.iter().enumerate().filter(|&(at, _)| at != device).filter_map(|(at, cell)| {
            let kind = if cell.contains("itl") {
                ListKind::Itl
            } else if cell.contains("ctl") {
                ListKind::Ctl
            } else {
                let is_sum =
                    ["checksum", "hash", "signature", "md5", "sha"].into_iter().any(|word| cell.contains(word));
                return is_sum.then_some((at, ListKind::Itl));
            };
            Some((at, kind))
        });
        let lists: Vec<_> = lists.collect();
        (!lists.is_empty()).then_some(Self { separator, device, lists })
    }

    fn read(&self, line: usize, text: &str) -> Vec<Row> {
        let cells = cells(text, self.separator);
        let Some(device) = cells.get(self.device).and_then(|cell| names::device(cell)) else { return Vec::new() };
        let rows = self.lists.iter().filter_map(|&(at, kind)| {
            let cell = cells.get(at)?;
            let value = match cell.to_ascii_lowercase().as_str() {
                "not installed" | "none" => Value::Nothing(kind),
                // "Match", "Mismatch", "Unknown" say how it compares, not what it is.
                _ => checksum(kind, cell)?,
            };
            Some(Row { line, whose: Whose::Device(device.clone()), value })
        });
        rows.collect()
    }
}

/// The cells of a row, without the quotation marks around them.
fn cells(row: &str, separator: char) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    for character in row.trim_end_matches('\r').chars() {
        match character {
            '"' => quoted = !quoted,
            c if c == separator && !quoted => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            c => cell.push(c),
        }
    }
    cells.push(cell.trim().to_owned());
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "0e0f593da04840e24621e19a50541e3b";
    const SHA1: &str = "90c37eebeb6c09b20463ffbfd7edc1f47c1dc971";

    fn device(name: &str) -> Whose {
        Whose::Device(DeviceName::new(name).unwrap())
    }

    #[test]
    fn values_of_the_option() {
        let md5 = |kind| Value::Md5(kind, MD5.parse().unwrap());
        for (text, expected) in [
            ("none", Value::Nothing(ListKind::Itl)),
            ("ctl=none", Value::Nothing(ListKind::Ctl)),
            ("itl=none", Value::Nothing(ListKind::Itl)),
            ("no CTL", Value::Nothing(ListKind::Ctl)),
            (MD5, md5(ListKind::Itl)),
            (&format!("ctl={MD5}"), md5(ListKind::Ctl)),
            (&format!("CTL: {MD5}"), md5(ListKind::Ctl)),
            (SHA1, Value::Sha1(ListKind::Itl, SHA1.parse().unwrap())),
            ("old.tlv", Value::File(None, "old.tlv".to_owned())),
            ("ctl=old.tlv", Value::File(Some(ListKind::Ctl), "old.tlv".to_owned())),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn whose_stands_before_the_equals_sign() {
        assert_eq!(whose("00:11:21:5a:1a:e3=x"), Some((device("SEP0011215A1AE3"), "x")));
        assert_eq!(whose("14.48.44.202=a=b"), Some((Whose::Address("14.48.44.202".parse().unwrap()), "a=b")));
        assert_eq!(whose("[2001:db8::1]=x"), Some((Whose::Address("2001:db8::1".parse().unwrap()), "x")));
        assert_eq!(whose("phone1=x"), Some((device("PHONE1"), "x")));
        assert_eq!(whose("./day=1"), None);
        assert_eq!(whose("file.txt"), None);
    }

    #[test]
    fn files_of_every_form() {
        let sha1 = Value::Sha1(ListKind::Itl, SHA1.parse().unwrap());
        let one = |text: &str| {
            rows(text).unwrap().into_iter().map(|row| (row.line, row.whose, row.value)).collect::<Vec<_>>()
        };
        let a = || device("SEP0011215A1AE3");
        assert_eq!(one(&format!("# x\nSEP0011215A1AE3={SHA1}\n")), [(2, a(), sha1.clone())]);
        assert_eq!(one(&format!("{SHA1} *ITLFile.tlv\n")), [(1, Whose::Unnamed, sha1.clone())]);
        assert_eq!(one(&format!("{SHA1}  ITLSEP0011215A1AE3.tlv\n")), [(1, a(), sha1.clone())]);
        assert_eq!(one(&format!("SHA1 (ITLFile.tlv) = {SHA1}\n")), [(1, Whose::Unnamed, sha1.clone())]);
        assert_eq!(one(&format!("ITL File: {SHA1}\n")), [(1, Whose::Unnamed, sha1.clone())]);
        let csv = format!(
            "\"Device Name\",Pool,\"ITL Hash\",CTL Hash\nSEP0011215A1AE3,\"a, b\",{SHA1},Not Installed\nx,y,z,\n"
        );
        assert_eq!(one(&csv), [(2, a(), sha1), (2, a(), Value::Nothing(ListKind::Ctl))]);
        assert_eq!(rows("Device Name,ITL File Status\nSEP0011215A1AE3,Mismatch\n"), None);
        assert_eq!(rows("nothing of this\n"), None);
    }

    #[test]
    fn words_of_many_phones() {
        let csv =
            "Device Name,Message\nSEP0011215A1AE3,Trust List Verification Failed\nSEP00235EB73A10,\"TFTP timeout\"\n";
        let expected = [
            (2, device("SEP0011215A1AE3"), "Trust List Verification Failed".to_owned()),
            (3, device("SEP00235EB73A10"), "TFTP timeout".to_owned()),
        ];
        assert_eq!(says_rows(csv.as_bytes()), expected);
        assert_eq!(says_rows(b"SEP0011215A1AE3=ok\n"), [(1, device("SEP0011215A1AE3"), "ok".to_owned())]);
        assert_eq!(says_rows(b"[1:15:20pm 10/30/26] ITL installed\n"), []);
    }

    proptest::proptest! {
        #[test]
        fn any_text_does_no_harm(text in "([A-Za-z0-9=:,;\\t \"().*#é-]{0,20}\\n?){0,8}") {
            rows(&text);
            whose(&text);
            value(&text);
        }
    }
}
