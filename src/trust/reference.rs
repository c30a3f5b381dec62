//! References: what an engineer compares a phone with.
//!
//! In: what the option `-r` was given, and the bytes of the file that it names. Out: [`Reference`]. It refuses to open
//! files: whoever calls reads them and hands over the bytes.

use std::net::IpAddr;
use std::str::FromStr;

use super::described::{self, Described};
use super::list::{ListKind, TrustList};
use super::role::{self, Role};
use super::tlv::ListError;
use super::{sniff, sums, text};
use crate::digest::{Md5Sum, Sha1Sum};
use crate::x509::{Certificate, Serial};

/// A known-good list, checksum or certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where it came from, for reports: the path, or the checksum as it was given.
    pub path: String,
    /// The TFTP server that it belongs to; every TFTP server has an ITL of its own (domain.md 1).
    pub server: Option<IpAddr>,
    /// What it is.
    pub kind: ReferenceKind,
    /// MD5 of the list's file.
    pub md5: Option<Md5Sum>,
    /// SHA-1 of the list's file.
    pub sha1: Option<Sha1Sum>,
    /// The list itself; `None` for checksums and certificates.
    pub list: Option<TrustList>,
    /// Certificates from a PEM or DER file; none for the other kinds.
    pub certificates: Vec<Certificate>,
    /// Certificates that a text describes; none for the other kinds.
    pub described: Vec<Described>,
    /// The service that the engineer says the certificates are of.
    pub role: Option<String>,
}

/// What a reference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// An identity trust list, or a list that does not say what it is.
    Itl,
    /// A certificate trust list.
    Ctl,
    /// A bare checksum of a list.
    Checksum,
    /// Certificates such as TVS.pem.
    Certificate,
}

impl ReferenceKind {
    /// `itl`, `ctl`, `checksum` or `certificate`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Itl => "itl",
            Self::Ctl => "ctl",
            Self::Checksum => "checksum",
            Self::Certificate => "certificate",
        }
    }
}

/// A file is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The file is nothing that a reference can be.
    #[error("{path}: neither a trust list, nor the text of 'show itl' or 'show ctl', nor a certificate, but {found}")]
    Nothing {
        /// The file.
        path: String,
        /// What its first bytes look like.
        found: String,
    },
    /// The file begins like a trust list, but is broken.
    #[error("{path}: {error}")]
    List {
        /// The file.
        path: String,
        /// Where and how it is broken.
        error: ListError,
    },
    /// The file is text that holds no list.
    #[error("{path}: {error}")]
    Text {
        /// The file.
        path: String,
        /// What is wrong with the text.
        error: text::TextError,
    },
    /// The file looks like a certificate, but is broken.
    #[error("{path}: {what}: {error}")]
    Certificate {
        /// The file.
        path: String,
        /// Which part of it.
        what: String,
        /// How it is broken.
        error: String,
    },
    /// The text holds several lists.
    #[error("{path}: the text holds {lists} lists, one was expected; save each to a file of its own")]
    Several {
        /// The file.
        path: String,
        /// How many.
        lists: usize,
    },
}

/// What the option was given, taken apart: `[SERVER=][ROLE:](CHECKSUM | SERIAL | PATH)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceArgument {
    /// The TFTP server before the `=`.
    pub server: Option<IpAddr>,
    /// What stands before the target and its `:`: `tvs`, `itl`, `ctl` and so on.
    pub role: Option<String>,
    /// What the server's list is compared with.
    pub target: ReferenceTarget,
}

/// Words that may stand before a target, with a colon behind them.
const ROLES: [&str; 7] = ["tvs", "itl", "ctl", "capf", "callmanager", "itlrecovery", "tomcat"];

/// The part of the option after the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceTarget {
    /// A bare MD5: 32 hexadecimal digits, with or without separators.
    Md5(Md5Sum),
    /// A bare SHA-1: 40 hexadecimal digits, with or without separators.
    Sha1(Sha1Sum),
    /// A serial number of a certificate: hexadecimal digits.
    Serial(Serial),
    /// Anything else names a file.
    Path(String),
}

impl FromStr for ReferenceArgument {
    type Err = EmptyArgument;

    /// Takes the option's value apart. What stands before the first `=` is a server only when it is an IPv4 or IPv6 address,
    /// the latter with or without brackets; otherwise it belongs to the path. A file whose name looks like a checksum can be
    /// given as `./NAME`.
    fn from_str(text: &str) -> Result<Self, EmptyArgument> {
        let (server, target) = match text.split_once('=') {
            Some((before, after)) => match address(before) {
                Some(server) => (Some(server), after),
                None => (None, text),
            },
            None => (None, text),
        };
        let (role, target) = match target.split_once(':') {
            Some((role, rest)) if ROLES.iter().any(|known| role.eq_ignore_ascii_case(known)) => {
                (Some(role.to_ascii_lowercase()), rest)
            }
            _ => (None, target),
        };
        if target.trim().is_empty() {
            return Err(EmptyArgument);
        }
        // Of a certificate, digits are its serial number.
        let is_certificate = role.as_deref().is_some_and(|role| !matches!(role, "itl" | "ctl"));
        if let Some(serial) = serial(target).filter(|_| is_certificate) {
            return Ok(Self { server, role, target: ReferenceTarget::Serial(serial) });
        }
        let md5 = target.parse().map(ReferenceTarget::Md5);
        let checksum = md5.or_else(|_| target.parse().map(ReferenceTarget::Sha1));
        let target = checksum.unwrap_or_else(|_| ReferenceTarget::Path(target.to_owned()));
        Ok(Self { server, role, target })
    }
}

/// A serial number in hexadecimal digits, with or without colons.
fn serial(text: &str) -> Option<Serial> {
    let digits = text.trim().strip_prefix("0x").unwrap_or(text.trim());
    let count = digits.bytes().filter(u8::is_ascii_hexdigit).count();
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    (is_plain && (6..=40).contains(&count)).then(|| digits.parse().ok()).flatten()
}

/// What a word of digits is that names no file: a serial number, or a checksum of which something is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Digits {
    /// A serial number.
    Serial(Serial),
    /// So many digits, about as many as a checksum has.
    NoChecksum(usize),
}

impl Digits {
    /// Looks at an argument that names no file; `None` where it is no number at all.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b' '));
        let count = text.bytes().filter(u8::is_ascii_hexdigit).count();
        match count {
            _ if !is_hex => None,
            29..=31 | 33..=35 | 39 | 41..=46 | 64 | 96 | 128 => Some(Self::NoChecksum(count)),
            _ => serial(text).map(Self::Serial),
        }
    }
}

/// The option names no file and no checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a file or a checksum, as in 14.48.44.80=ITLFile.tlv")]
pub struct EmptyArgument;

fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

impl Reference {
    /// Recognises a file by its content: a trust list, the text of one `show itl` or `show ctl`, or certificates in PEM or
    /// DER. `path` is for words and reports only.
    ///
    /// # Errors
    /// In one line that names the file, what was found, and at which byte or line.
    pub fn from_bytes(path: &str, server: Option<IpAddr>, bytes: &[u8]) -> Result<Self, ReferenceError> {
        let mut references = Self::all_from_bytes(path, server, bytes)?;
        let lists = references.len();
        match (references.pop(), lists) {
            (Some(reference), 1) => Ok(reference),
            _ => Err(ReferenceError::Several { path: path.to_owned(), lists }),
        }
    }

    /// The same for text that may hold several lists, such as the log of a session: one reference for each, at least one.
    ///
    /// # Errors
    /// As [`Self::from_bytes`], but several lists are none.
    pub fn all_from_bytes(path: &str, server: Option<IpAddr>, bytes: &[u8]) -> Result<Vec<Self>, ReferenceError> {
        let owned = || path.to_owned();
        match bytes {
            [1, 0, 2, ..] => {
                let list = TrustList::parse(bytes).map_err(|error| not_a_list(path, bytes, error))?;
                Ok(vec![Self::from_list(path, server, list)])
            }
            [0x30, 0x80..=0x84, ..] => {
                let certificate = Certificate::from_der(bytes).map_err(|error| ReferenceError::Certificate {
                    path: owned(),
                    what: "DER at byte 0".to_owned(),
                    error: error.to_string(),
                })?;
                Ok(vec![Self::from_certificates(path, server, vec![certificate])])
            }
            _ => Self::all_from_text(path, server, bytes),
        }
    }

    /// Lists first: a log may hold certificates beside them, a certificate's file holds no lists.
    fn all_from_text(path: &str, server: Option<IpAddr>, bytes: &[u8]) -> Result<Vec<Self>, ReferenceError> {
        let decoded = text::decode(bytes)
            .ok_or_else(|| ReferenceError::Nothing { path: path.to_owned(), found: sniff::what_is(bytes) })?;
        match text::import(&decoded) {
            Ok(lists) => Ok(lists.into_iter().map(|list| Self::from_list(path, server, list)).collect()),
            Err(_) if decoded.contains("-----BEGIN ") => {
                let certificates = certificates_from_pem(path, decoded.as_bytes())?;
                Ok(vec![Self::from_certificates(path, server, certificates)])
            }
            Err(_) if !described::read(&decoded).is_empty() => {
                let described = described::read(&decoded);
                Ok(vec![Self { described, ..Self::nothing(path, server, ReferenceKind::Certificate) }])
            }
            Err(_) if !sums::read(&decoded).is_empty() => {
                let sums = sums::read(&decoded).into_iter();
                Ok(sums
                    .map(|sum| {
                        let kind = match sum.kind {
                            Some(ListKind::Ctl) => ReferenceKind::Ctl,
                            Some(ListKind::Itl) => ReferenceKind::Itl,
                            Some(ListKind::Unknown) | None => ReferenceKind::Checksum,
                        };
                        Self { md5: sum.md5, sha1: sum.sha1, ..Self::nothing(path, server, kind) }
                    })
                    .collect())
            }
            Err(error) => Err(ReferenceError::Text { path: path.to_owned(), error }),
        }
    }

    /// A reference out of a list that was read elsewhere.
    pub fn from_list(path: &str, server: Option<IpAddr>, list: TrustList) -> Self {
        Self {
            path: path.to_owned(),
            server,
            kind: if list.kind == ListKind::Ctl { ReferenceKind::Ctl } else { ReferenceKind::Itl },
            md5: list.md5,
            sha1: list.sha1,
            list: Some(list),
            certificates: Vec::new(),
            described: Vec::new(),
            role: None,
        }
    }

    fn nothing(path: &str, server: Option<IpAddr>, kind: ReferenceKind) -> Self {
        let (path, role) = (path.to_owned(), None);
        Self {
            path,
            server,
            kind,
            md5: None,
            sha1: None,
            list: None,
            certificates: Vec::new(),
            described: Vec::new(),
            role,
        }
    }

    /// The same with what the engineer says of it: which service a certificate is of, which list a checksum.
    #[must_use]
    pub fn said_to_be(mut self, role: Option<&str>) -> Self {
        match (self.kind, role) {
            (ReferenceKind::Checksum, Some("itl")) => self.kind = ReferenceKind::Itl,
            (ReferenceKind::Checksum, Some("ctl")) => self.kind = ReferenceKind::Ctl,
            (ReferenceKind::Certificate, Some(role)) => self.role = Some(role.to_owned()),
            _ => {}
        }
        self
    }

    /// A reference that is only the serial number of a certificate.
    pub fn from_serial(argument: &ReferenceArgument, serial: Serial) -> Self {
        let of = Self::nothing(&serial.to_string(), argument.server, ReferenceKind::Certificate);
        let described = vec![Described { serials: vec![serial], ..Described::default() }];
        Self { described, ..of }.said_to_be(argument.role.as_deref())
    }

    /// Its certificates, whole or described, each with the service that it is of. `lists` may have them.
    pub fn with_roles<'a>(
        &self,
        lists: impl Fn() -> Box<dyn Iterator<Item = &'a TrustList> + 'a>,
    ) -> Vec<(Described, Role)> {
        let whole = self.certificates.iter().map(Described::from);
        let all = whole.chain(self.described.iter().cloned());
        all.map(|certificate| {
            let role = role::role(&certificate, self.role.as_deref(), &self.path, lists());
            (certificate, role)
        })
        .collect()
    }

    /// A reference that is only a checksum; `None` when the argument names a file.
    pub fn from_checksum(argument: &ReferenceArgument) -> Option<Self> {
        let (path, md5, sha1) = match argument.target {
            ReferenceTarget::Md5(sum) => (sum.to_string(), Some(sum), None),
            ReferenceTarget::Sha1(sum) => (sum.to_string(), None, Some(sum)),
            ReferenceTarget::Serial(ref serial) => return Some(Self::from_serial(argument, serial.clone())),
            ReferenceTarget::Path(_) => return None,
        };
        let of = Self { md5, sha1, ..Self::nothing(&path, argument.server, ReferenceKind::Checksum) };
        Some(of.said_to_be(argument.role.as_deref()))
    }

    fn from_certificates(path: &str, server: Option<IpAddr>, certificates: Vec<Certificate>) -> Self {
        Self { certificates, ..Self::nothing(path, server, ReferenceKind::Certificate) }
    }
}

/// A broken list, or a signed file, which begins in the same way.
fn not_a_list(path: &str, bytes: &[u8], error: ListError) -> ReferenceError {
    let path = path.to_owned();
    match super::SignedFile::parse(bytes) {
        Ok(file) if !super::is_list(&file.header, file.body(bytes)) => {
            ReferenceError::Nothing { path, found: "a signed file, which lists no certificates".to_owned() }
        }
        _ => ReferenceError::List { path, error },
    }
}

/// The certificates of a PEM file; text around the blocks and blocks of other kinds are passed over.
fn certificates_from_pem(path: &str, bytes: &[u8]) -> Result<Vec<Certificate>, ReferenceError> {
    let mut certificates = Vec::new();
    let mut others = Vec::new();
    for (at, block) in x509_parser::pem::Pem::iter_from_buffer(bytes).enumerate() {
        let broken = |error: String| ReferenceError::Certificate {
            path: path.to_owned(),
            what: format!("PEM block {}", at + 1),
            error,
        };
        let block = block.map_err(|error| broken(error.to_string()))?;
        if matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE") {
            certificates.push(Certificate::from_der(&block.contents).map_err(|error| broken(error.to_string()))?);
        } else if others.len() < 3 {
            others.push(block.label);
        }
    }
    if certificates.is_empty() {
        let found = if others.is_empty() {
            "PEM without a complete block".to_owned()
        } else {
            format!("PEM with {} and no certificate", crate::escape::line(&others.join(", ")))
        };
        return Err(ReferenceError::Nothing { path: path.to_owned(), found });
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(text: &str) -> ReferenceArgument {
        text.parse().unwrap()
    }

    #[test]
    fn a_server_stands_before_the_first_equals_sign() {
        let bound = argument("14.48.44.80=old=new.tlv");
        assert_eq!(bound.server, Some("14.48.44.80".parse().unwrap()));
        assert_eq!(bound.target, ReferenceTarget::Path("old=new.tlv".to_owned()));
        for text in ["2001:db8::1=a.tlv", "[2001:db8::1]=a.tlv"] {
            assert_eq!(argument(text).server, Some("2001:db8::1".parse().unwrap()));
        }
        assert_eq!(argument("day=1/ITLFile.tlv").server, None);
        assert_eq!(argument("day=1/ITLFile.tlv").target, ReferenceTarget::Path("day=1/ITLFile.tlv".to_owned()));
        assert_eq!(argument("[14.48.44.80]=x").server, None, "brackets are for IPv6");
        assert_eq!("".parse::<ReferenceArgument>(), Err(EmptyArgument));
        assert_eq!("14.48.44.80=".parse::<ReferenceArgument>(), Err(EmptyArgument));
    }

    #[test]
    fn a_checksum_is_recognised() {
        let md5 = argument("B331E5BFB450926E816BE37F2D8C24A2");
        assert!(matches!(md5.target, ReferenceTarget::Md5(_)));
        let spaced = argument("14.48.44.80=9D 7D A7 3D 16 C1 50 1B 4D 27 DC 1E D7 92 11 F3 90 65 99 82");
        let reference = Reference::from_checksum(&spaced).unwrap();
        assert_eq!(reference.sha1.unwrap().to_string(), "9d7da73d16c1501b4d27dc1ed79211f390659982");
        assert_eq!((reference.kind.name(), reference.md5), ("checksum", None));
        assert!(matches!(argument("./b331e5bfb450926e816be37f2d8c24a2").target, ReferenceTarget::Path(_)));
        assert!(matches!(argument("b331e5bfb450926e816be37f2d8c24a").target, ReferenceTarget::Path(_)));
        assert_eq!(Reference::from_checksum(&argument("file")), None);
    }

    #[test]
    fn what_is_no_reference_is_said_in_one_line() {
        let error = |bytes: &[u8]| {
            let error = Reference::from_bytes("x", None, bytes).unwrap_err().to_string();
            assert_eq!(error.lines().count(), 1, "{error}");
            error
        };
        let nothing = "x: neither a trust list, nor the text of 'show itl' or 'show ctl', nor a certificate, but ";
        assert_eq!(error(b""), format!("{nothing}an empty file"));
        assert_eq!(error(&[0xD4, 0xC3, 0xB2, 0xA1, 2, 0]), format!("{nothing}a pcap capture"));
        assert_eq!(
            error(&[1, 0, 2, 1, 2, 9]),
            "x: byte 6: expected two length bytes for SIGNATUREALGOINFO, found the end of the file"
        );
        assert!(error(b"hello\n").starts_with("x: nothing is recognised in its 1 line"));
        assert!(error(&[0x30, 0x82, 0, 1, 2]).starts_with("x: DER at byte 0: not an X.509 certificate"));
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(error(key.as_bytes()), format!("{nothing}PEM with PRIVATE KEY and no certificate"));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(error(broken.as_bytes()).starts_with("x: PEM block 1: not an X.509 certificate"));
        assert!(error(b"-----BEGIN CERTIFICATE-----\nAA").starts_with("x: "));
        let signed = crate::trust::testkit::ListBuilder::signed_file("a.cnf.xml.sgn", b"<x/>").build_unsigned(128);
        assert_eq!(error(&signed), format!("{nothing}a signed file, which lists no certificates"));
    }
}
