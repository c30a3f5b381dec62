//! Lists and comparisons as JSON documents: `itlscope.list/1` and `itlscope.diff/1`.
//!
//! In: lists, signed files, verifications, predictions. Out: values that serialise to the documents. It refuses to compute
//! facts. Fields may be added; none is renamed without a new schema. Hashes are lower-case hex, serials upper-case hex, times
//! RFC 3339 in UTC; what is not known is `null`.

use std::net::IpAddr;

use serde::Serialize;

use super::compare::Change;
use super::header::Header;
use super::list::{ListKind, TrustList};
use super::predict::Prediction;
use super::record::Record;
use super::signature::{AttemptResult, Outcome, Verification};
use super::{SignedFile, notes};
use crate::digest::{Digests, Md5Sum, Sha1Sum};
use crate::timestamp::Timestamp;
use crate::x509::{Certificate, DistinguishedName, Serial};

/// One list or signed file: `itlscope.list/1`.
#[derive(Debug, Serialize)]
pub struct ListDocument<'a> {
    schema: &'static str,
    path: &'a str,
    kind: &'static str,
    origin: &'static str,
    length: Option<usize>,
    md5: Option<Md5Sum>,
    sha1: Option<Sha1Sum>,
    header: HeaderPart<'a>,
    records: Vec<RecordPart<'a>>,
    encrypted: bool,
    signature: SignaturePart<'a>,
    notes: Vec<String>,
    warnings: &'a [String],
}

#[derive(Debug, Serialize)]
struct HeaderPart<'a> {
    version: Option<String>,
    header_length: Option<usize>,
    signer: Option<SignerPart<'a>>,
    signer_version: Option<String>,
    digest: Option<String>,
    signature_length: Option<usize>,
    file_name: Option<&'a str>,
    timestamp: Option<String>,
}

#[derive(Debug, Serialize)]
struct SignerPart<'a> {
    name: Option<&'a DistinguishedName>,
    serial: Option<&'a Serial>,
    issuer: Option<&'a DistinguishedName>,
}

#[derive(Debug, Serialize)]
struct RecordPart<'a> {
    index: usize,
    offset: Option<usize>,
    length: Option<usize>,
    function: Option<FunctionPart>,
    dns_name: Option<&'a str>,
    ip_address: Option<IpAddr>,
    subject: Option<&'a DistinguishedName>,
    issuer: Option<&'a DistinguishedName>,
    serial: Option<&'a Serial>,
    public_key_length: Option<usize>,
    signature_length: Option<usize>,
    certificate_length: Option<usize>,
    certificate_sha1: Option<Sha1Sum>,
    hash_algorithm: Option<String>,
    signed_this_file: bool,
    itl_recovery: bool,
    certificate: Option<CertificatePart>,
}

#[derive(Debug, Serialize)]
struct FunctionPart {
    number: u16,
    name: String,
}

#[derive(Debug, Serialize)]
struct CertificatePart {
    not_before: String,
    not_after: String,
    expired: bool,
}

#[derive(Debug, Serialize)]
struct SignaturePart<'a> {
    status: &'static str,
    outcome: &'static str,
    why: &'a str,
    keys: Vec<KeyPart<'a>>,
    /// What the server said of it, in lists that came from text.
    server_said_verified: Option<bool>,
}

#[derive(Debug, Serialize)]
struct KeyPart<'a> {
    key: &'a str,
    is_named_signer: bool,
    result: &'static str,
}

impl<'a> ListDocument<'a> {
    /// The document of a list. `now` is the time to judge validity by.
    pub fn of_list(path: &'a str, list: &'a TrustList, verification: &'a Verification, now: Timestamp) -> Self {
        let said = |record: &Record| record.said_to_have_signed == Some(true);
        let signed =
            |(at, record): (usize, &'a Record)| RecordPart::new(record, verification.is_by(at) || said(record), now);
        Self {
            schema: "itlscope.list/1",
            path,
            // A list that says neither is treated like an ITL everywhere.
            kind: if list.kind == ListKind::Ctl { "ctl" } else { "itl" },
            origin: if list.origin == super::Origin::File { "file" } else { "text" },
            length: list.length,
            md5: list.md5,
            sha1: list.sha1,
            header: HeaderPart::new(&list.header),
            records: list.records.iter().enumerate().map(signed).collect(),
            encrypted: false,
            signature: SignaturePart::new(verification, list.said_verified),
            notes: notes::list(list, verification, now),
            warnings: &list.warnings,
        }
    }

    /// The document of a signed file; the checksums are those of all of it.
    pub fn of_signed_file(
        path: &'a str,
        file: &'a SignedFile,
        digests: Digests,
        verification: &'a Verification,
    ) -> Self {
        Self {
            schema: "itlscope.list/1",
            path,
            kind: "signed_file",
            origin: "file",
            length: Some(file.length),
            md5: Some(digests.md5),
            sha1: Some(digests.sha1),
            header: HeaderPart::new(&file.header),
            records: Vec::new(),
            encrypted: file.is_encrypted(),
            signature: SignaturePart::new(verification, None),
            notes: notes::signed_file(file, verification),
            warnings: &file.warnings,
        }
    }
}

impl<'a> HeaderPart<'a> {
    fn new(header: &'a Header) -> Self {
        let version = |numbers: Option<(u8, u8)>| numbers.map(|(major, minor)| format!("{major}.{minor}"));
        Self {
            version: version(header.version),
            header_length: header.header_length,
            signer: header.signer.as_ref().map(|signer| SignerPart {
                name: signer.name.as_ref(),
                serial: signer.serial.as_ref(),
                issuer: signer.issuer.as_ref(),
            }),
            signer_version: version(header.signer_version),
            digest: header.digest.map(|digest| digest.to_string()),
            signature_length: header.signature.as_ref().map(|signature| signature.length),
            file_name: header.file_name.as_deref(),
            timestamp: header
                .timestamp
                .map(|seconds| Timestamp::from_seconds_and_nanos(i64::from(seconds), 0).to_string()),
        }
    }
}

impl<'a> RecordPart<'a> {
    fn new(record: &'a Record, signed_this_file: bool, now: Timestamp) -> Self {
        let certificate = record.certificate.as_deref().and_then(|der| Certificate::from_der(der).ok());
        Self {
            index: record.index,
            offset: record.offset,
            length: record.length,
            function: record
                .function
                .map(|function| FunctionPart { number: function.0, name: function.name().into_owned() }),
            dns_name: record.dns_name.as_deref(),
            ip_address: record.ip_address,
            subject: record.subject.as_ref(),
            issuer: record.issuer.as_ref(),
            serial: record.serial.as_ref(),
            public_key_length: record.public_key_length,
            signature_length: record.signature_length,
            certificate_length: record.certificate_length,
            certificate_sha1: record.certificate_sha1,
            hash_algorithm: record.hash_algorithm.map(|algorithm| algorithm.name().into_owned()),
            signed_this_file,
            itl_recovery: record.is_itl_recovery(),
            certificate: certificate.map(|certificate| CertificatePart {
                not_before: certificate.not_before.to_string(),
                not_after: certificate.not_after.to_string(),
                expired: now > certificate.not_after,
            }),
        }
    }
}

impl<'a> SignaturePart<'a> {
    fn new(verification: &'a Verification, server_said_verified: Option<bool>) -> Self {
        let key = |attempt: &'a super::signature::Attempt| KeyPart {
            key: &attempt.key,
            is_named_signer: attempt.named,
            result: match attempt.result {
                AttemptResult::Verified => "verified",
                AttemptResult::Failed => "failed",
                AttemptResult::Cannot(_) => "cannot",
            },
        };
        Self {
            status: verification.status().name(),
            outcome: match verification.outcome {
                Outcome::Valid => "valid",
                Outcome::Invalid => "invalid",
                Outcome::NoSuchSigner => "no_such_signer",
                Outcome::Cannot => "cannot",
            },
            why: &verification.why,
            keys: verification.attempts.iter().map(key).collect(),
            server_said_verified,
        }
    }
}

/// A comparison: `itlscope.diff/1`.
#[derive(Debug, Serialize)]
pub struct DiffDocument<'a> {
    schema: &'static str,
    old: SidePart<'a>,
    new: SidePart<'a>,
    changes: Vec<ChangePart<'a>>,
    prediction: PredictionPart<'a>,
    meaning: &'a [String],
}

#[derive(Debug, Serialize)]
struct SidePart<'a> {
    path: &'a str,
    kind: &'static str,
    md5: Option<Md5Sum>,
    sha1: Option<Sha1Sum>,
    whole: bool,
}

#[derive(Debug, Serialize)]
struct ChangePart<'a> {
    kind: &'static str,
    text: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
    old_record: Option<usize>,
    new_record: Option<usize>,
}

/// `why` and `through` are those of `itl_only`, or of `with_ctl` where that alone was predicted.
#[derive(Debug, Serialize)]
struct PredictionPart<'a> {
    itl_only: Option<&'static str>,
    with_ctl: Option<&'static str>,
    why: Option<&'a str>,
    through: Option<String>,
    steps: &'a [String],
    with_ctl_why: Option<&'a str>,
    with_ctl_through: Option<String>,
    with_ctl_steps: &'a [String],
}

/// What a comparison is made of.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// The list that phones hold, and its path.
    pub old: (&'a str, &'a TrustList),
    /// The list that they are offered, and its path.
    pub new: (&'a str, &'a TrustList),
    /// What differs.
    pub changes: &'a [Change],
    /// For phones without a CTL.
    pub itl_only: Option<&'a Prediction>,
    /// For phones with a CTL.
    pub with_ctl: Option<&'a Prediction>,
    /// What it means.
    pub meaning: &'a [String],
}

impl<'a> From<Comparison<'a>> for DiffDocument<'a> {
    fn from(comparison: Comparison<'a>) -> Self {
        let side = |(path, list): (&'a str, &'a TrustList)| SidePart {
            path,
            kind: if list.kind == ListKind::Ctl { "ctl" } else { "itl" },
            md5: list.md5,
            sha1: list.sha1,
            whole: list.is_whole(),
        };
        let through = |prediction: Option<&Prediction>| {
            prediction.and_then(|prediction| prediction.through.as_ref()).map(ToString::to_string)
        };
        let (itl_only, with_ctl) = (comparison.itl_only, comparison.with_ctl);
        let first = itl_only.or(with_ctl);
        let steps = |prediction: Option<&'a Prediction>| prediction.map_or(&[][..], |one| one.steps.as_slice());
        Self {
            schema: "itlscope.diff/1",
            old: side(comparison.old),
            new: side(comparison.new),
            changes: comparison
                .changes
                .iter()
                .map(|change| ChangePart {
                    kind: change.kind.name(),
                    text: &change.text,
                    old: change.old.as_deref(),
                    new: change.new.as_deref(),
                    old_record: change.records.0,
                    new_record: change.records.1,
                })
                .collect(),
            prediction: PredictionPart {
                itl_only: itl_only.map(|prediction| prediction.outcome.name()),
                with_ctl: with_ctl.map(|prediction| prediction.outcome.name()),
                why: first.map(|prediction| prediction.why.as_str()),
                through: through(first),
                steps: steps(first),
                with_ctl_why: with_ctl.map(|prediction| prediction.why.as_str()),
                with_ctl_through: through(with_ctl),
                with_ctl_steps: steps(with_ctl),
            },
            meaning: comparison.meaning,
        }
    }
}
