//! Device names, as they stand in the names of files (domain.md 4.2).

use std::fmt;

/// The name of a device: `SEP` and its MAC address for a desk phone. Two spellings that differ in letter case are one
/// device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceName(String);

/// Longer names are not devices: CUCM allows 15 characters for phones and 50 for soft clients.
const LONGEST: usize = 64;

impl DeviceName {
    /// The device whose file this is: `CTLSEP….tlv`, `ITLSEP….tlv`, `SEP….cnf.xml` with what may follow. `None` for files
    /// that are not of one device, such as `CTLFile.tlv` and `XMLDefault.cnf.xml`.
    pub fn from_file(path: &str) -> Option<Self> {
        let file = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_uppercase();
        let device = if let Some(list) = file.strip_suffix(".TLV") {
            list.strip_prefix("CTL").or_else(|| list.strip_prefix("ITL")).filter(|&device| device != "FILE")
        } else {
            file.find(".CNF.XML").and_then(|at| file.get(..at)).filter(|&device| device != "XMLDEFAULT")
        };
        device.and_then(Self::new)
    }

    /// A device name from text; `None` where it cannot be one.
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= LONGEST;
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        (fits && plain).then(|| Self(text.to_ascii_uppercase()))
    }

    /// The name in capitals.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_files() {
        for file in [
            "CTLSEP0011215A1AE3.tlv",
            "ITLSEP0011215A1AE3.tlv",
            "SEP0011215A1AE3.cnf.xml",
            "SEP0011215A1AE3.cnf.xml.sgn",
            "SEP0011215A1AE3.cnf.xml.enc.sgn",
            "sep0011215a1ae3.CNF.XML.sgn",
            "/some/where/SEP0011215A1AE3.cnf.xml.sgn",
        ] {
            assert_eq!(DeviceName::from_file(file).unwrap().as_str(), "SEP0011215A1AE3", "{file}");
        }
        for file in [
            "CTLFile.tlv",
            "ITLFile.tlv",
            "XMLDefault.cnf.xml",
            "tzupdate.jar.sgn",
            "CTL.tlv",
            ".cnf.xml",
            "CTL\u{1b}[2J.tlv",
            "",
        ] {
            assert_eq!(DeviceName::from_file(file), None, "{file}");
        }
        assert_eq!(DeviceName::from_file("CSFjdoe.cnf.xml").unwrap().as_str(), "CSFJDOE");
    }
}
