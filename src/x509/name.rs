//! Distinguished names that compare across the notations of certificates, CUCM and other tools.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use x509_parser::x509::X509Name;

use crate::memo::Memo;

thread_local! {
    /// Names that were read lately: ten thousand files name the same signer.
    static LATELY: RefCell<Memo<String, DistinguishedName, 8>> = const { RefCell::new(Memo::new()) };
}

/// A distinguished name. It prints as it was written; it compares by its attributes, whatever their order, separator, letter
/// case and escaping, because CUCM joins them with `;`, other tools with `,`, and certificates order them as they like
/// (domain.md 2.2). Copies share what they say.
#[derive(Clone)]
pub struct DistinguishedName(Arc<Parts>);

struct Parts {
    text: String,
    /// The first common name as it was written: reports name everyone by it.
    common_name: Option<String>,
    /// Attribute type in its short upper-case form and folded value, sorted.
    attributes: Vec<(String, String)>,
}

impl DistinguishedName {
    /// Reads the textual form: attributes joined by `;` or `,`, values quoted, escaped or plain.
    pub fn from_text(text: &str) -> Self {
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        LATELY.with_borrow_mut(|lately| {
            if let Some(name) = lately.get(|known| known == text) {
                return name.clone();
            }
            let name = Self::parse(text);
            lately.put(text.to_owned(), name.clone());
            name
        })
    }

    fn parse(text: &str) -> Self {
        let parts = split(text);
        let pairs = parts.iter().filter_map(|part| {
            let (kind, value) = part.split_once('=')?;
            Some((kind.to_owned(), unescape(value)))
        });
        Self(Arc::new(Parts { attributes: normalize(pairs), common_name: common_name(&parts), text: text.to_owned() }))
    }

    /// Takes the name from a certificate; it prints as RFC 4514 orders it, most specific part first.
    pub(super) fn from_x509(name: &X509Name<'_>) -> Self {
        let mut pairs = Vec::new();
        for attribute in name.iter_attributes() {
            let oid = attribute.attr_type();
            let kind = x509_parser::objects::oid2abbrev(oid, x509_parser::objects::oid_registry())
                .map_or_else(|_| oid.to_id_string(), str::to_owned);
            pairs.push((kind, attribute_text(attribute)));
        }
        let parts = pairs.iter().rev().map(|(kind, value)| format!("{kind}={}", escape(value))).collect::<Vec<_>>();
        let text = parts.join(",");
        Self(Arc::new(Parts { common_name: common_name(&split(&text)), text, attributes: normalize(pairs) }))
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether there is no name at all.
    pub fn is_empty(&self) -> bool {
        self.0.text.is_empty()
    }

    /// The value of the first common name, in folded form (lower case); `None` where there is none.
    pub fn common_name_folded(&self) -> Option<&str> {
        self.0.attributes.iter().find(|(kind, _)| kind == "CN").map(|(_, value)| value.as_str())
    }

    /// The common name as it was written, else the whole name: what a person recognises.
    pub fn short(&self) -> &str {
        self.0.common_name.as_deref().unwrap_or(&self.0.text)
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (&self.0, &other.0);
        if one.attributes.is_empty() && other.attributes.is_empty() {
            return one.text == other.text;
        }
        Arc::ptr_eq(one, other) || one.attributes == other.attributes
    }
}

impl Eq for DistinguishedName {}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({:?})", self.0.text)
    }
}

impl serde::Serialize for DistinguishedName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text)
    }
}

/// The parts between separators. `;` always separates. `,` and `+` separate only before `TYPE=`, because CUCM writes
/// `O=Cisco Systems, Inc.` without escaping it. Nothing separates inside quotes that are closed.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut quoted = false;
    let mut escaped = false;
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        let after = rest.get(at + character.len_utf8()..).unwrap_or_default();
        let separates = match character {
            _ if escaped => false,
            // The source documents print names with a quote that is never closed.
            '"' => {
                quoted = !quoted && after.contains('"');
                false
            }
            ';' => !quoted,
            ',' | '+' => !quoted && starts_with_type(after),
            _ => false,
        };
        escaped = character == '\\' && !escaped;
        if separates {
            parts.push(rest.get(..at).unwrap_or_default());
            rest = after;
            characters = rest.char_indices();
        }
    }
    parts.push(rest);
    parts
}

/// The value of the first common name among the parts, as it was written.
fn common_name(parts: &[&str]) -> Option<String> {
    let mut pairs = parts.iter().filter_map(|part| part.split_once('='));
    let (_, value) = pairs.find(|(kind, _)| kind.trim().eq_ignore_ascii_case("CN"))?;
    Some(value.trim_matches(|c: char| c == '"' || c.is_whitespace()).to_owned())
}

fn starts_with_type(text: &str) -> bool {
    text.split_once('=').is_some_and(|(kind, _)| {
        let kind = kind.trim();
        !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
    })
}

/// Removes RFC 4514 escapes: `\,` and `\2C`.
fn unescape(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        let hex = after
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        if let Some(byte) = hex {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else if let Some((&escaped, after)) = after.split_first() {
            bytes.push(escaped);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes a value so that [`split`] reads it back.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, ',' | ';' | '+' | '"' | '\\' | '<' | '>') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn normalize(pairs: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut attributes: Vec<_> = pairs.into_iter().map(|(kind, value)| (short_type(&kind), fold(&value))).collect();
    attributes.sort();
    attributes
}

fn short_type(kind: &str) -> String {
    let kind = kind.trim().to_ascii_uppercase();
    let kind = kind.strip_prefix("OID.").unwrap_or(&kind);
    match kind {
        "2.5.4.3" | "COMMONNAME" => "CN",
        "2.5.4.5" | "SN" => "SERIALNUMBER",
        "2.5.4.6" | "COUNTRYNAME" => "C",
        "2.5.4.7" | "LOCALITYNAME" => "L",
        "2.5.4.8" | "S" | "SP" | "STATEORPROVINCENAME" => "ST",
        "2.5.4.10" | "ORGANIZATIONNAME" => "O",
        "2.5.4.11" | "ORGANIZATIONALUNITNAME" => "OU",
        "1.2.840.113549.1.9.1" | "EMAIL" | "E" => "EMAILADDRESS",
        "0.9.2342.19200300.100.1.25" => "DC",
        other => other,
    }
    .to_owned()
}

/// RFC 5280 7.1: names compare without regard to case and runs of blanks. Quotes are notation, not content.
fn fold(value: &str) -> String {
    let value = value.replace('"', "");
    value
        .split(|c: char| c.is_whitespace() || c == '\0')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

fn attribute_text(attribute: &x509_parser::x509::AttributeTypeAndValue<'_>) -> String {
    if let Ok(text) = attribute.as_str() {
        return text.to_owned();
    }
    let value = attribute.attr_value();
    // BMPString is UTF-16 in network order; the rest of the old string types are read as Latin-1.
    if value.header.tag() == x509_parser::der_parser::asn1_rs::Tag::BmpString {
        let units = value.data.chunks_exact(2).map(|pair| match *pair {
            [high, low] => u16::from_be_bytes([high, low]),
            _ => 0,
        });
        return char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    }
    value.data.iter().map(|&byte| char::from(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DistinguishedName {
        DistinguishedName::from_text(text)
    }

    #[test]
    fn notations_of_one_name_are_equal() {
        let cucm = name("CN=CUCM8-Publisher.bbbburns.lab;OU=TAC;O=Cisco;L=RTP;ST=North Carolina;C=US\0");
        assert_eq!(cucm, name("CN=CUCM8-Publisher.bbbburns.lab; OU=TAC;O=Cisco;L=RTP;ST=North  Carolina;C=US"));
        assert_eq!(cucm, name("C=US,ST=North Carolina,L=RTP,O=Cisco,OU=TAC,CN=cucm8-publisher.bbbburns.lab"));
        assert_eq!(cucm, name("2.5.4.6=US, S=North Carolina, L=RTP, O=Cisco, OU=TAC, CN=CUCM8-Publisher.bbbburns.lab"));
        assert_ne!(cucm, name("CN=CUCM8-Publisher.bbburns.lab;OU=TAC;O=Cisco;L=RTP;ST=North Carolina;C=US"));
        assert_eq!(cucm.short(), "CUCM8-Publisher.bbbburns.lab");
    }

    #[test]
    fn commas_inside_values_do_not_separate() {
        let cucm = name("CN=Cisco Manufacturing CA;O=Cisco Systems, Inc.");
        assert_eq!(cucm, name(r"O=Cisco Systems\, Inc.,CN=Cisco Manufacturing CA"));
        assert_eq!(cucm, name(r#"CN=Cisco Manufacturing CA,O="Cisco Systems, Inc.""#));
        assert_eq!(cucm, name(r"CN=Cisco Manufacturing CA,O=Cisco Systems\2C Inc."));
    }

    #[test]
    fn quotes_that_were_lost_do_not_matter() {
        // domain.md 2.6: eToken names lost quotes and runs of blanks.
        let one = name(r#"cn="SAST-ADN008580ef ";ou=IPCBU;o="Cisco Systems"#);
        assert_eq!(one, name(r#"cn="SAST-ADN008580ef ";ou=IPCBU;o=Cisco Systems"#));
        assert_eq!(one.short(), "SAST-ADN008580ef");
    }

    #[test]
    fn repeated_attributes_count() {
        assert_ne!(name("CN=a,DC=x,DC=x"), name("CN=a,DC=x"));
        assert_eq!(name("DC=lab,DC=bbburns,CN=a"), name("CN=a;DC=bbburns;DC=lab"));
    }

    #[test]
    fn anything_else_compares_as_text() {
        assert_eq!(name("no attributes"), name(" no attributes "));
        assert_ne!(name("no attributes"), name("other"));
        assert_ne!(name(""), name("CN=a"));
        assert_eq!(name("CN=é\\"), name("cn=É"));
    }
}
