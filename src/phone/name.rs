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

    /// The phone that the common name of its certificate names: `CP-8861-SEP0011215A1AE3` (domain.md 4.1).
    pub fn from_common_name(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        let name = Self::new(text.get(text.rfind("SEP")?..)?)?;
        name.hardware().is_some().then_some(name)
    }

    /// A device name from text; `None` where it cannot be one.
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= LONGEST;
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        (fits && plain).then(|| Self(text.to_ascii_uppercase()))
    }

    /// The hardware address in the name of a desk phone, `SEP0011215A1AE3`; `None` for other devices.
    pub fn hardware(&self) -> Option<[u8; 6]> {
        let digits = self.0.strip_prefix("SEP").filter(|digits| digits.len() == 12)?;
        let mut hardware = [0; 6];
        for (byte, pair) in hardware.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(hardware)
    }

    /// Whether this is a device of another kind than phones, by the names that CUCM gives them: conference bridges, media
    /// termination points, gateways (domain-2026, 4).
    pub fn is_no_phone(&self) -> bool {
        const OTHERS: [&str; 13] =
            ["CFB", "MTP", "XCODE", "ANN_", "MOH_", "IVR_", "SKIGW", "VGC", "VG2", "VG3", "VG4", "ATA", "NONSECURE"];
        OTHERS.iter().any(|begins| self.0.starts_with(begins))
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
