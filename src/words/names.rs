//! Which phone a text is of: device names wherever they stand.
//!
//! In: a line, an option's word, a path. Out: device names, and whether they name the owner of the text. It refuses names in
//! other places of a log, which may be a neighbour's.

use crate::phone::DeviceName;

/// What is before the digits of a phone's name; they are its MAC address.
const PREFIX: &str = "sep";
const DIGITS: usize = 12;

/// A device as engineers write it: a name, a MAC address bare, with colons, dashes, or dots as on switches.
pub fn device(word: &str) -> Option<DeviceName> {
    let word = word.trim();
    let digits: String = word.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    let is_mac = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_mac && grouped_like_a_mac(word) {
        return DeviceName::new(&format!("SEP{digits}"));
    }
    let head = word.get(..3)?.to_ascii_uppercase();
    // Names that CUCM gives by the address, and what soft clients have.
    let is_name = matches!(head.as_str(), "SEP" | "ATA" | "VGC" | "AN0" | "CSF" | "BOT" | "TCT" | "TAB" | "DLC");
    (is_name && !word.contains('.')).then(|| DeviceName::new(word)).flatten()
}

fn grouped_like_a_mac(word: &str) -> bool {
    let groups: Vec<usize> = word.split([':', '-', '.']).map(str::len).collect();
    matches!(groups.as_slice(), [DIGITS] | [2, 2, 2, 2, 2, 2] | [4, 4, 4])
}

/// What a line says of its phone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mention {
    /// The phone that the line is of.
    pub owner: Option<DeviceName>,
    /// Whether the line is a title: what stands below it is of the same phone.
    pub is_title: bool,
    /// A phone that stands in it somewhere.
    pub other: Option<DeviceName>,
}

/// Looks for names. `lower` is the line in lower case of ASCII.
pub(super) fn mention(line: &str, lower: &str) -> Mention {
    let mut mention = Mention::default();
    let mut from = 0;
    while let Some(at) = lower.get(from..).and_then(|rest| rest.find(PREFIX)).map(|at| at + from) {
        from = at + PREFIX.len();
        let digits = lower.get(from..from + DIGITS).unwrap_or_default();
        let behind = lower.get(from + DIGITS..).unwrap_or_default();
        let is_name = digits.len() == DIGITS
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !behind.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !is_name {
            continue;
        }
        let name = line.get(at..from + DIGITS).and_then(DeviceName::new);
        let before = lower.get(..at).unwrap_or_default();
        if is_owner(before, behind) {
            mention.is_title |= mention.owner.is_none() && is_title(before, behind);
            mention.owner = mention.owner.or(name);
        } else {
            mention.other = mention.other.or(name);
        }
    }
    mention
}

/// Whether a name in parentheses or alone in its line is a title.
fn is_title(before: &str, behind: &str) -> bool {
    let is_alone =
        |text: &str| text.chars().all(|c| c.is_whitespace() || matches!(c, '#' | '=' | '-' | '*' | ':' | '_'));
    let in_parentheses = before.trim_end().ends_with('(') && behind.trim_start().starts_with(')');
    in_parentheses || (is_alone(before) && is_alone(behind))
}

/// Whether a name with this before and behind it says whose text it is.
fn is_owner(before: &str, behind: &str) -> bool {
    let is_file = behind.starts_with(".cnf.xml") || behind.starts_with(".tlv");
    let left = before.trim_end_matches([' ', '\t', '"', '\'']);
    let near: String = left.chars().rev().take(32).collect::<Vec<_>>().into_iter().rev().collect();
    let is_certificate = left.ends_with('-') && near.contains("cn=cp-") || near.ends_with("cn=");
    let is_value = left.ends_with(['=', ':', '>'])
        && ["name", "host", "device", "phone"].into_iter().any(|word| near.contains(word));
    let words = near.trim_end_matches(['-', ':', '=']).trim_end();
    let is_named = words.ends_with("host name") || words.ends_with("hostname") || words.ends_with("device name");
    is_file || is_title(before, behind) || is_certificate || is_value || is_named
}

/// Whether a line is the title of a part of the text that is of one phone.
pub(super) fn is_section(line: &str) -> bool {
    line.len() < 200 && mention(line, &line.to_ascii_lowercase()).is_title
}

/// The phone in the name of a file, as in `status-SEP0011215A1AE3.html`.
pub(super) fn of_path(path: &str) -> Option<DeviceName> {
    let lower = path.to_ascii_lowercase();
    let name_at = lower.rfind('/').map_or(0, |at| at + 1);
    let in_name = mention(path.get(name_at..)?, lower.get(name_at..)?);
    let found = in_name.owner.or(in_name.other);
    found.or_else(|| {
        let whole = mention(path, &lower);
        whole.owner.or(whole.other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(line: &str) -> Option<String> {
        mention(line, &line.to_ascii_lowercase()).owner.map(|name| name.to_string())
    }

    #[test]
    fn names_wherever_they_stand() {
        for line in [
            "[GT612][src=ITLSEP0011215A1AE3.tlv][dest=/tmp/ITLFile.tlv]",
            "Certificate subject name = /serialNumber=PID:CP-8861 SN:X/O=Example/CN=CP-8861-SEP0011215A1AE3",
            "sep0011215a1ae3.cnf.xml.sgn(HTTP)",
            "2:10:20a 14: Name=SEP0011215A1AE3 Load= 9.4(2SR3.1S) Last=Initialized",
            "Cisco IP Phone CP-8811 ( SEP0011215A1AE3 )",
            "TFTP Error : SEP0011215A1AE3.cnf.xml.sgn",
            "devicename.ccm.cisco.com=\"SEP0011215A1AE3\"",
            "Host name\tSEP0011215A1AE3",
            "=== SEP0011215A1AE3 ===",
            "<String name=\"DeviceName\">SEP0011215A1AE3</String>",
        ] {
            assert_eq!(owner(line).as_deref(), Some("SEP0011215A1AE3"), "{line}");
        }
        for line in ["neighbour SEP0011215A1AE3 on port 2", "SEP0011215A1AE", "SEP0011215A1AE3F.cnf.xml", "separate"] {
            assert_eq!(owner(line), None, "{line}");
        }
    }

    #[test]
    fn devices_in_every_spelling() {
        for word in [
            "SEP0011215A1AE3",
            "sep0011215a1ae3",
            "0011215A1AE3",
            "00:11:21:5a:1a:e3",
            "00-11-21-5A-1A-E3",
            "0011.215a.1ae3",
        ] {
            assert_eq!(device(word).unwrap().as_str(), "SEP0011215A1AE3", "{word}");
        }
        for word in ["14.48.44.202", "ITLFile", "0011215A1AE", "00112.15A1AE3", "", "Sé"] {
            assert_eq!(device(word), None, "{word}");
        }
        assert_eq!(device("CSFjdoe").unwrap().as_str(), "CSFJDOE");
    }

    #[test]
    fn names_of_files() {
        assert_eq!(of_path("a/status-SEP0011215A1AE3.html").unwrap().as_str(), "SEP0011215A1AE3");
        assert_eq!(of_path("status.html"), None);
    }
}
