//! Whether a file was signed by who it says (domain.md 2.3).
//!
//! In: a header, the file's complete bytes, and keys: records of lists or certificates from outside. Out:
//! [`Verification`]: what was verified, by which key, and which keys did not. It refuses to judge whether a phone would
//! accept the signer: that is [`super::predict`].

use std::fmt;

use super::header::{Header, Signature, Signer};
use super::key::{Digest, Message, PublicKey};
use super::record::{Function, Record};
use crate::x509::{Certificate, DistinguishedName, Serial};

/// A key that may have signed.
#[derive(Debug, Clone, Copy)]
pub enum Candidate<'a> {
    /// A record of a list. `list` says which one ("this list", "old.tlv"), for the words of the result.
    Record {
        /// Which list the record stands in.
        list: &'a str,
        /// The record.
        record: &'a Record,
    },
    /// A certificate from outside.
    Certificate {
        /// Where the certificate came from.
        source: &'a str,
        /// The certificate.
        certificate: &'a Certificate,
    },
}

/// What became of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The key of the signer that the header names made the signature over exactly these bytes.
    Valid,
    /// The named signer's key did not: bytes were changed, or another key signed.
    Invalid,
    /// None of the keys at hand is the named signer's.
    NoSuchSigner,
    /// The check cannot be made: no signature, no key bytes, or an algorithm that is not supported.
    Cannot,
}

/// The same in three words, as reports print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureStatus {
    /// Verified.
    Valid,
    /// Refuted.
    Invalid,
    /// Neither.
    Unknown,
}

impl SignatureStatus {
    /// `valid`, `invalid` or `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for SignatureStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The result of checking a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// What was found.
    pub outcome: Outcome,
    /// Why, in one sentence without a full stop.
    pub why: String,
    /// What became of each key that was tried or should have been.
    pub attempts: Vec<Attempt>,
}

impl Verification {
    /// The outcome in the three words of reports.
    pub const fn status(&self) -> SignatureStatus {
        match self.outcome {
            Outcome::Valid => SignatureStatus::Valid,
            Outcome::Invalid => SignatureStatus::Invalid,
            Outcome::NoSuchSigner | Outcome::Cannot => SignatureStatus::Unknown,
        }
    }

    /// The keys that made the signature. Several records may hold the same key.
    pub fn signed_by(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| attempt.result == AttemptResult::Verified)
    }

    /// Whether the candidate at this position, in the order in which candidates were given, made the signature and is the
    /// signer that the header names.
    pub fn is_by(&self, position: usize) -> bool {
        self.signed_by().any(|attempt| attempt.position == position && attempt.named)
    }

    fn cannot(why: impl Into<String>) -> Self {
        Self { outcome: Outcome::Cannot, why: why.into(), attempts: Vec::new() }
    }
}

/// One key and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Position of the candidate, in the order in which candidates were given.
    pub position: usize,
    /// What the candidate is: "record 1 (SAST, …)", "CallManager.pem".
    pub key: String,
    /// The record's role; `None` for certificates from outside.
    pub function: Option<Function>,
    /// Whether the candidate has the issuer and serial that the header names.
    pub named: bool,
    /// What became of it.
    pub result: AttemptResult,
}

/// What became of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptResult {
    /// The key made the signature.
    Verified,
    /// The key did not.
    Failed,
    /// The key could not be tried, and why.
    Cannot(String),
}

/// More keys than this are not tried for one file: a list has a handful, and each costs a pass over the file.
const MOST_KEYS: usize = 16;

/// Checks the signature of a file whose complete bytes are `file`.
///
/// The bytes that are signed are the whole file without the SIGNATURE field, its tag and length included (domain.md 2.3).
/// The signer is the candidate with the header's issuer and serial. Other candidates are tried only to explain a failure.
pub fn verify(header: &Header, file: &[u8], candidates: &[Candidate<'_>]) -> Verification {
    let Some(signature) = &header.signature else {
        let text = "the text leaves the signature out, and from text alone none can be checked";
        return Verification::cannot(if file.is_empty() { text } else { "the file carries no signature" });
    };
    let (Some(bytes), Some(message)) = (&signature.bytes, signed_message(signature, file)) else {
        return Verification::cannot("from text alone no signature can be checked, the file itself is needed");
    };
    let Some(signer) = &header.signer else {
        return Verification::cannot("the file names no signer");
    };
    if candidates.is_empty() {
        return Verification {
            outcome: Outcome::NoSuchSigner,
            why: format!("no key at hand to check it with; it says that {signer} signed"),
            attempts: Vec::new(),
        };
    }
    let mut trial = Trial { header, message, signature: bytes, tried: Vec::new() };
    let is_named: Vec<bool> = candidates.iter().map(|candidate| candidate.is(signer)).collect();
    let numbered = || candidates.iter().zip(&is_named).enumerate();
    let mut attempts: Vec<Attempt> = numbered()
        .filter(|(_, (_, named))| **named)
        .map(|(position, (candidate, _))| trial.attempt(position, candidate, true))
        .collect();
    if !attempts.iter().any(|attempt| attempt.result == AttemptResult::Verified) {
        // A blank record holds no key: it is no candidate at all.
        let others = numbered().filter(|(_, (candidate, named))| !**named && !candidate.is_blank());
        attempts.extend(others.map(|(position, (candidate, _))| {
            let mut attempt = trial.attempt(position, candidate, false);
            // Its key settles that it is the signer, although one tool wrote less of the issuer than the other.
            attempt.named = attempt.result == AttemptResult::Verified && candidate.resembles(signer);
            attempt
        }));
    }
    conclude(signer, attempts)
}

/// What a signature is made over: the file without the SIGNATURE field (domain.md 2.3). `None` where the header is not of this
/// file.
pub(super) fn signed_message<'f>(signature: &Signature, file: &'f [u8]) -> Option<Message<'f>> {
    let start = signature.offset?;
    let end = start.checked_add(3)?.checked_add(signature.length)?;
    Some(Message([file.get(..start)?, file.get(end..)?]))
}

fn conclude(signer: &Signer, attempts: Vec<Attempt>) -> Verification {
    let names = |wanted: &dyn Fn(&Attempt) -> bool| {
        let names: Vec<_> =
            attempts.iter().filter(|attempt| wanted(attempt)).map(|attempt| attempt.key.as_str()).collect();
        names.join(", ")
    };
    let named_and = |result: &dyn Fn(&AttemptResult) -> bool| {
        attempts.iter().any(|attempt| attempt.named && result(&attempt.result))
    };
    let verified = |result: &AttemptResult| *result == AttemptResult::Verified;
    let others = names(&|attempt| !attempt.named && verified(&attempt.result));
    let (outcome, why) = if named_and(&verified) {
        let keys = names(&|attempt| attempt.named && verified(&attempt.result));
        (Outcome::Valid, format!("signed by {signer}: verified with the key of {keys}"))
    } else if named_and(&|result| *result == AttemptResult::Failed) {
        let keys = names(&|attempt| attempt.named);
        let hint = if others.is_empty() {
            "the file was changed after it was signed, or another key signed it".to_owned()
        } else {
            format!("the key that signed it is that of {others}")
        };
        (Outcome::Invalid, format!("it says that {signer} signed, but the key of {keys} does not verify it: {hint}"))
    } else if attempts.iter().any(|attempt| attempt.named) {
        let reasons: Vec<_> = attempts
            .iter()
            .filter(|attempt| attempt.named)
            .filter_map(|attempt| match &attempt.result {
                AttemptResult::Cannot(why) => Some(format!("{}: {why}", attempt.key)),
                _ => None,
            })
            .collect();
        (Outcome::Cannot, reasons.join("; "))
    } else if others.is_empty() {
        let why = format!("no such signer: it says that {signer} signed, and none of the keys at hand is that one");
        (Outcome::NoSuchSigner, why)
    } else {
        let why = format!(
            "no such signer: it says that {signer} signed; the key of {others} verifies it, but has another issuer or serial, \
             and phones look the signer up by these"
        );
        (Outcome::NoSuchSigner, why)
    };
    Verification { outcome, why, attempts }
}

/// One file's signature and what was tried on it.
struct Trial<'a> {
    header: &'a Header,
    message: Message<'a>,
    signature: &'a [u8],
    /// Results by key: the same certificate usually stands in several records.
    tried: Vec<(PublicKey, AttemptResult)>,
}

impl Trial<'_> {
    fn attempt(&mut self, position: usize, candidate: &Candidate<'_>, named: bool) -> Attempt {
        // The better of the record's key and its certificate's key counts.
        let mut result = None;
        for key in candidate.keys() {
            let this = match key {
                Ok(key) => self.try_key(key),
                Err(why) => AttemptResult::Cannot(why),
            };
            if result.is_none() || !matches!(this, AttemptResult::Cannot(_)) {
                result = Some(this);
            }
            if result == Some(AttemptResult::Verified) {
                break;
            }
        }
        Attempt {
            position,
            key: candidate.label(),
            function: candidate.function(),
            named,
            result: result.unwrap_or(AttemptResult::Failed),
        }
    }

    fn try_key(&mut self, key: PublicKey) -> AttemptResult {
        if let Some((_, result)) = self.tried.iter().find(|(tried, _)| *tried == key) {
            return result.clone();
        }
        if self.tried.len() >= MOST_KEYS {
            return AttemptResult::Cannot(format!("{MOST_KEYS} other keys were tried before it"));
        }
        let result = self.try_digests(&key);
        self.tried.push((key, result.clone()));
        result
    }

    fn try_digests(&self, key: &PublicKey) -> AttemptResult {
        let mut result = None;
        for &digest in Digest::candidates(self.header.digest) {
            match key.verifies(self.message, self.signature, digest) {
                Ok(true) => return AttemptResult::Verified,
                // The first digest is the one that the header names: what it says counts.
                Ok(false) => result = result.or(Some(AttemptResult::Failed)),
                Err(why) => result = result.or(Some(AttemptResult::Cannot(why))),
            }
        }
        result.unwrap_or(AttemptResult::Failed)
    }
}

impl<'a> Candidate<'a> {
    /// All records of a list, in order.
    pub fn records(list: &'a str, records: &'a [Record]) -> Vec<Self> {
        records.iter().map(|record| Self::Record { list, record }).collect()
    }

    /// Whether the candidate is the signer that a header names.
    pub fn is(&self, signer: &Signer) -> bool {
        match self {
            Self::Record { record, .. } => is_record_of(record, signer),
            Self::Certificate { certificate, .. } => is_certificate_of(certificate, signer),
        }
    }

    /// Whether serial and the issuer's common name are those of the signer.
    fn resembles(&self, signer: &Signer) -> bool {
        match self {
            Self::Record { record, .. } => {
                record.serial.is_some()
                    && record.serial == signer.serial
                    && have_same_common_name(record.issuer.as_ref(), signer.issuer.as_ref())
            }
            Self::Certificate { certificate, .. } => is_certificate_of(certificate, signer),
        }
    }

    fn is_blank(&self) -> bool {
        matches!(self, Self::Record { record, .. } if record.is_blank())
    }

    const fn function(&self) -> Option<Function> {
        match self {
            Self::Record { record, .. } => record.function,
            Self::Certificate { .. } => None,
        }
    }

    fn label(&self) -> String {
        match self {
            Self::Record { list: "", record } => record.label(),
            Self::Record { list, record } => format!("{} of {list}", record.label()),
            Self::Certificate { source, certificate } => format!("{source} ({})", certificate.subject.short()),
        }
    }

    /// The record's own key first, then its certificate's: they should be one.
    fn keys(&self) -> Vec<Result<PublicKey, String>> {
        match self {
            Self::Certificate { certificate, .. } => vec![PublicKey::from_certificate(&certificate.der)],
            Self::Record { record, .. } => {
                let own = record.public_key.as_deref().map(PublicKey::from_record);
                let inside = record.certificate.as_deref().map(PublicKey::from_certificate);
                match (own, inside) {
                    (None, None) => vec![Err("it holds no key".to_owned())],
                    (Some(Ok(own)), Some(Ok(inside))) if own == inside => vec![Ok(own)],
                    // A key that cannot be read does not hide one that can.
                    (Some(Err(_)), Some(Ok(inside))) => vec![Ok(inside)],
                    (Some(Ok(own)), Some(Err(_))) => vec![Ok(own)],
                    (own, inside) => own.into_iter().chain(inside).collect(),
                }
            }
        }
    }
}

/// Whether a record is the signer that a header names: by issuer and serial, as phones look it up (domain.md 6). A serial
/// that text printed with lost bytes agrees with one that it can have come from.
pub fn is_record_of(record: &Record, signer: &Signer) -> bool {
    let (Some(serial), Some(wanted)) = (&record.serial, &signer.serial) else {
        return false;
    };
    let damaged = record.serial_damaged || signer.serial_damaged;
    let serials = if damaged { is_cut_from(serial, wanted) } else { serial == wanted };
    serials && names_agree(record.issuer.as_ref(), signer.issuer.as_ref())
}

/// Whether a certificate from outside is the signer that a header names. Lists leave out attributes such as DC
/// (domain.md 2.6, the list signed below `CN=JASBURNS-AD`), so an equal common name beside an equal serial will do.
pub fn is_certificate_of(certificate: &Certificate, signer: &Signer) -> bool {
    signer.serial.as_ref() == Some(&certificate.serial)
        && (signer.issuer.as_ref() == Some(&certificate.issuer)
            || have_same_common_name(signer.issuer.as_ref(), Some(&certificate.issuer)))
}

pub(super) fn have_same_common_name(one: Option<&DistinguishedName>, other: Option<&DistinguishedName>) -> bool {
    let name = |name: Option<&DistinguishedName>| name.and_then(|name| name.common_name_folded().map(str::to_owned));
    name(one).is_some() && name(one) == name(other)
}

fn names_agree(one: Option<&DistinguishedName>, other: Option<&DistinguishedName>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one == other)
}

/// Whether one serial can be had from the other by losing bytes in one place, as text conversion does (domain.md 2.6).
pub(super) fn is_cut_from(one: &Serial, other: &Serial) -> bool {
    let (short, long) = if one.bytes().len() < other.bytes().len() { (one, other) } else { (other, one) };
    let same_start = short.bytes().iter().zip(long.bytes()).take_while(|(a, b)| a == b).count();
    let same_end = short.bytes().iter().rev().zip(long.bytes().iter().rev()).take_while(|(a, b)| a == b).count();
    // Half of a serial says nothing.
    same_start + same_end >= short.bytes().len() && short.bytes().len() * 2 > long.bytes().len()
}
