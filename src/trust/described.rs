//! Certificates as text describes them.
//!
//! In: the text that OS Administration, `openssl x509 -text`, `certutil` or `run sql` print of certificates. Out:
//! [`Described`]: what identifies a certificate, without its key. It refuses to invent what the text leaves out; where digits
//! may be decimal or hexadecimal, both readings are kept.

use crate::digest::{Sha1Sum, Sha256Sum, hex_bytes};
use crate::x509::{Certificate, DistinguishedName, Serial};

/// A certificate without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Described {
    /// Its subject.
    pub subject: Option<DistinguishedName>,
    /// Its issuer.
    pub issuer: Option<DistinguishedName>,
    /// Its serial number in every way in which the text can be read, the likeliest first.
    pub serials: Vec<Serial>,
    /// Its SHA-1.
    pub sha1: Option<Sha1Sum>,
    /// Its SHA-256.
    pub sha256: Option<Sha256Sum>,
    /// The service that the text says it is of, as the text calls it.
    pub role: Option<String>,
}

impl From<&Certificate> for Described {
    fn from(certificate: &Certificate) -> Self {
        Self {
            subject: Some(certificate.subject.clone()),
            issuer: Some(certificate.issuer.clone()),
            serials: vec![certificate.serial.clone()],
            sha1: Some(certificate.sha1),
            sha256: Some(certificate.sha256),
            role: None,
        }
    }
}

/// More certificates than any cluster has.
const MOST: usize = 4096;

/// Every certificate in a text; none where it describes none.
pub(super) fn read(text: &str) -> Vec<Described> {
    let rows = query(text);
    if rows.is_empty() { pages(text) } else { rows }
}

/// Pages: `Name: value`, or the value on the lines below.
fn pages(text: &str) -> Vec<Described> {
    let mut found: Vec<Described> = Vec::new();
    let mut now = Described::default();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some((name, value)) = line.split_once([':', '=']) else { continue };
        let name = name.trim().to_ascii_lowercase();
        let mut below = lines.iter().skip(at + 1).map(|line| line.trim());
        match name.as_str() {
            "serial number" | "serialnumber" => {
                if !now.serials.is_empty() && found.len() < MOST {
                    found.push(std::mem::take(&mut now));
                }
                let value = if value.trim().is_empty() { below.next().unwrap_or_default() } else { value };
                now.serials = serials(value);
            }
            "issuer" | "issuer name" => now.issuer = now.issuer.take().or_else(|| self::name(value, below)),
            "subject" | "subject name" => now.subject = now.subject.take().or_else(|| self::name(value, below)),
            _ if name.contains("fingerprint") || name.contains("cert hash") || name.contains("thumbprint") => {
                now.sha1 = now.sha1.or_else(|| value.trim().parse().ok());
                now.sha256 = now
                    .sha256
                    .or_else(|| hex_bytes(value.trim()).and_then(|bytes| bytes.try_into().ok()).map(Sha256Sum));
            }
            _ => {}
        }
    }
    found.push(now);
    found.retain(|one| !one.serials.is_empty() && (one.issuer.is_some() || one.subject.is_some()));
    found
}

/// A name in one line, or one attribute a line as certutil prints it.
fn name<'a>(value: &str, below: impl Iterator<Item = &'a str>) -> Option<DistinguishedName> {
    let value = if value.trim().is_empty() {
        below.take_while(|line| line.contains('=') && line.len() < 256).take(16).collect::<Vec<_>>().join(",")
    } else {
        value.trim().to_owned()
    };
    let value = value.replace(" = ", "=");
    // What is no name has no attribute.
    value.contains('=').then(|| DistinguishedName::from_text(&value.chars().take(1024).collect::<String>()))
}

/// A serial number as text prints it: hexadecimal, decimal, or both.
fn serials(value: &str) -> Vec<Serial> {
    let value = value.trim();
    if let Some((_, hex)) = value.split_once("(0x") {
        let hex = hex.split(')').next().unwrap_or_default();
        return hex.parse().into_iter().collect();
    }
    let value = value.strip_prefix("0x").unwrap_or(value);
    if value.len() > 120 {
        return Vec::new();
    }
    let mut serials: Vec<Serial> = value.parse().into_iter().collect();
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        serials.extend(decimal(value));
    }
    serials
}

/// A number in decimal digits.
fn decimal(digits: &str) -> Option<Serial> {
    let mut bytes: Vec<u8> = Vec::new();
    for digit in digits.bytes() {
        let mut carry = u16::from(digit.checked_sub(b'0').filter(|&digit| digit < 10)?);
        for byte in bytes.iter_mut().rev() {
            let value = u16::from(*byte) * 10 + carry;
            let [high, low] = value.to_be_bytes();
            (*byte, carry) = (low, u16::from(high));
        }
        if carry > 0 {
            bytes.insert(0, u8::try_from(carry).ok()?);
        }
    }
    (!digits.is_empty()).then(|| Serial::from_bytes(&bytes))
}

/// The output of `run sql select c.subjectname, …`: columns as wide as the marks below their names.
fn query(text: &str) -> Vec<Described> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &&str| line.contains("===") && line.chars().all(|c| c == '=' || c == ' ');
    let Some(at) = lines.iter().position(|line| is_rule(&line.trim_end())) else { return Vec::new() };
    let (Some(rule), Some(header)) = (lines.get(at), at.checked_sub(1).and_then(|before| lines.get(before))) else {
        return Vec::new();
    };
    let columns = columns(rule);
    let column = |names: &[&str]| {
        columns.iter().copied().find(|&column| names.contains(&cell(header, column).to_ascii_lowercase().as_str()))
    };
    let (Some(subject), Some(serial)) = (column(&["subjectname"]), column(&["serialnumber"])) else {
        return Vec::new();
    };
    let (issuer, role) = (column(&["issuername"]), column(&["name", "moniker", "role"]));
    let rows =
        lines.iter().skip(at + 1).take_while(|line| !line.trim().is_empty() && !line.starts_with("admin:")).take(MOST);
    let name = |text: String| (!text.is_empty()).then(|| DistinguishedName::from_text(&text));
    rows.map(|line| Described {
        subject: name(cell(line, subject)),
        issuer: issuer.and_then(|issuer| name(cell(line, issuer))),
        serials: cell(line, serial).parse().into_iter().collect(),
        role: role.map(|role| cell(line, role)).filter(|role| !role.is_empty()),
        ..Described::default()
    })
    .filter(|one| !one.serials.is_empty())
    .collect()
}

/// First and last characters of the columns under a rule; the last column goes on to the end of the line.
fn columns(rule: &str) -> Vec<(usize, usize)> {
    let mut columns: Vec<(usize, usize)> = Vec::new();
    let mut before = ' ';
    for (at, mark) in rule.chars().enumerate() {
        match (before, mark, columns.last_mut()) {
            (_, '=', Some(last)) if before == '=' => last.1 = at + 1,
            (_, '=', _) => columns.push((at, at + 1)),
            _ => {}
        }
        before = mark;
    }
    if let Some(last) = columns.last_mut() {
        last.1 = usize::MAX;
    }
    columns
}

fn cell(line: &str, (from, to): (usize, usize)) -> String {
    line.chars().skip(from).take(to.saturating_sub(from)).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_every_tool() {
        let openssl = "Certificate:\n    Data:\n        Serial Number:\n            b1:f0:c3:52:7d:91:e8:0e\n        Issuer: CN = a, O = b\n        Subject: CN = a, O = b\n";
        let short = "        Serial Number: 12821962898185250830 (0xb1f0c3527d91e80e)\n        Issuer: CN = a, O = b\n";
        let administration = "[\n  Version: V3\n  Serial Number: B1F0C3527D91E80E\n  Issuer Name: CN=a, O=b\n  Subject Name: CN=a, O=b\n]\n";
        let decimal = "  Serial Number: 12821962898185250830\n  Issuer Name: CN=a, O=b\n";
        let certutil = "Serial Number: b1f0c3527d91e80e\nIssuer:\n    CN=a\n    O=b\n\nCert Hash(sha1): 90 c3 7e eb eb 6c 09 b2 04 63 ff bf d7 ed c1 f4 7c 1d c9 71\n";
        let serial: Serial = "B1F0C3527D91E80E".parse().unwrap();
        for text in [openssl, short, administration, decimal, certutil] {
            let found = read(text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].serials.contains(&serial), "{text}");
            assert_eq!(found[0].issuer, Some(DistinguishedName::from_text("CN=a;O=b")), "{text}");
        }
        assert!(read(certutil)[0].sha1.is_some());
        assert_eq!(read("Serial Number: 12\nnothing else\n"), []);
    }

    #[test]
    fn rows_of_the_query() {
        let text = "admin:run sql select c.subjectname, …\nsubjectname serialnumber name\n=========== ============ ====\nCN=a;O=b    B1F0         TVS\nCN=c        05           CCM+TFTP\n\nadmin:\n";
        let found = read(text);
        let short: Vec<_> = found
            .iter()
            .map(|one| {
                (one.subject.as_ref().unwrap().as_str(), one.serials[0].to_string(), one.role.as_deref().unwrap())
            })
            .collect();
        assert_eq!(short, [("CN=a;O=b", "B1F0".to_owned(), "TVS"), ("CN=c", "05".to_owned(), "CCM+TFTP")]);
    }

    #[test]
    fn decimal_numbers() {
        assert_eq!(decimal("155841343000354463154181").unwrap().to_string(), "21002D17000000000005");
        assert_eq!(decimal("0").unwrap().to_string(), "00");
    }

    proptest::proptest! {
        #[test]
        fn any_text_does_no_harm(text in "((Serial Number|Issuer|subjectname|serialnumber|===|[0-9a-fx(): =é]{0,12}|CN=a)[:\\n ]?){0,20}") {
            read(&text);
        }
    }
}
