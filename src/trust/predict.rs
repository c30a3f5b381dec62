//! Whether a phone accepts a file: the phone's own rule (domain.md 6).
//!
//! In: the lists that a phone holds, the signed file that it is offered, and what it meets when it asks TVS. Out:
//! [`Prediction`]: accepted, accepted by TVS, rejected or unknown, with the record it hangs on and the steps of the phone.
//! It refuses to guess: where a list is an excerpt or TVS is not known, the answer is unknown and says what is missing.

use std::fmt;

use super::compare;
use super::header::{Header, Signer};
use super::list::{ListKind, TrustList};
use super::record::{Function, Record};
use super::signature::{self, Candidate, Outcome as SignatureOutcome};
use crate::digest::{Sha1Sum, Sha256Sum};
use crate::x509::{Certificate, DistinguishedName, Serial};

/// What a phone holds. Neither list is state 1 of domain.md 6, a CTL alone is state 2.
#[derive(Debug, Clone, Copy, Default)]
pub struct Held<'a> {
    /// The certificate trust list.
    pub ctl: Option<&'a TrustList>,
    /// The identity trust list.
    pub itl: Option<&'a TrustList>,
    /// Why it may still have an answer of TVS in its cache, in one sentence without a full stop; `None` where nothing says so.
    pub cached: Option<&'a str>,
}

/// For how long a phone keeps an answer of TVS (domain.md 5.3).
pub const TVS_CACHE_SECONDS: u64 = 86_400;

/// The signed file that a phone is offered.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// What it is.
    pub kind: OfferKind,
    /// Its header.
    pub header: &'a Header,
    /// Its own records, when it is a list: they serve to check its signature where the held list has no keys.
    pub records: &'a [Record],
    /// Its complete bytes; without them its signature is taken to be good, and the steps say so.
    pub bytes: Option<&'a [u8]>,
}

/// What an offered file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfferKind {
    /// An ITL.
    Itl,
    /// A CTL.
    Ctl,
    /// A signed configuration or another signed file.
    File,
}

impl<'a> Offer<'a> {
    /// The offer of a list. `bytes` are those that it was read from, if it was.
    pub fn list(list: &'a TrustList, bytes: Option<&'a [u8]>) -> Self {
        Self {
            kind: if list.kind == ListKind::Ctl { OfferKind::Ctl } else { OfferKind::Itl },
            header: &list.header,
            records: &list.records,
            bytes,
        }
    }

    /// The offer of a signed file with its complete bytes.
    pub const fn file(header: &'a Header, bytes: &'a [u8]) -> Self {
        Self { kind: OfferKind::File, header, records: &[], bytes: Some(bytes) }
    }
}

/// What a phone meets when it asks the TVS servers that its configuration names.
#[derive(Debug, Clone, Copy)]
pub enum Tvs<'a> {
    /// Nothing is known about them.
    Unknown,
    /// None answers.
    Unreachable,
    /// They present these certificates and no others.
    Presents(&'a [TvsCertificate]),
    /// They present these certificates, and perhaps others that are not known.
    PresentsAtLeast(&'a [TvsCertificate]),
}

/// A certificate that a TVS server presents, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TvsCertificate {
    /// Issuer.
    pub issuer: Option<DistinguishedName>,
    /// Serial number.
    pub serial: Option<Serial>,
    /// SHA-1 over the certificate in DER.
    pub sha1: Option<Sha1Sum>,
    /// SHA-256 over the same.
    pub sha256: Option<Sha256Sum>,
    /// What to call it: its subject or server.
    pub label: String,
}

impl From<&Record> for TvsCertificate {
    fn from(record: &Record) -> Self {
        Self {
            issuer: record.issuer.clone(),
            serial: record.serial.clone(),
            sha1: record.certificate_sha1,
            sha256: record.certificate_sha256(),
            label: record.subject.as_ref().map_or_else(|| record.label(), |subject| subject.short().to_owned()),
        }
    }
}

impl From<&Certificate> for TvsCertificate {
    fn from(certificate: &Certificate) -> Self {
        Self {
            issuer: Some(certificate.issuer.clone()),
            serial: Some(certificate.serial.clone()),
            sha1: Some(certificate.sha1),
            sha256: Some(certificate.sha256),
            label: certificate.subject.short().to_owned(),
        }
    }
}

/// What a phone does with an offered file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It verifies the file with a list that it holds, or takes it on faith because it holds none.
    Accepted,
    /// It does not know the signer, asks a TVS server that it trusts, and accepts what that vouches for.
    AcceptedByTvs,
    /// It keeps what it has.
    Rejected,
    /// What is known does not decide it.
    Unknown,
}

impl Outcome {
    /// `accepted`, `accepted_by_tvs`, `rejected` or `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::AcceptedByTvs => "accepted_by_tvs",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a decision hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Through {
    /// The phone holds no list and takes the first one on faith.
    NoList,
    /// The phone holds an empty list.
    BlankList,
    /// The record of a held list that the signer was found in.
    Record {
        /// Which list.
        list: ListKind,
        /// Number of the record in it.
        index: usize,
        /// The role in which the signer was found.
        function: Function,
        /// The record in words.
        label: String,
    },
    /// The TVS records of the held ITL whose certificates are still presented.
    Tvs {
        /// Their numbers.
        records: Vec<usize>,
        /// The records in words.
        label: String,
    },
}

impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoList => f.write_str("no list on the phone"),
            Self::BlankList => f.write_str("the empty list on the phone"),
            Self::Record { list, label, .. } => write!(f, "{} {label}", list.name()),
            Self::Tvs { label, .. } => write!(f, "ITL {label}"),
        }
    }
}

/// What a phone will do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// What it does.
    pub outcome: Outcome,
    /// Why, in one sentence without a full stop.
    pub why: String,
    /// What the decision hangs on; `None` unless the file is accepted.
    pub through: Option<Through>,
    /// The phone's steps in order, each in a sentence without a full stop.
    pub steps: Vec<String>,
}

/// Predicts what a phone that holds `held` does with `offer`.
pub fn predict(held: Held<'_>, offer: &Offer<'_>, tvs: Tvs<'_>) -> Prediction {
    let mut phone = Phone { held, offer, steps: Vec::new() };
    let (outcome, why, through) = phone.decide(tvs);
    Prediction { outcome, why, through, steps: phone.steps }
}

type Decision = (Outcome, String, Option<Through>);

struct Phone<'a> {
    held: Held<'a>,
    offer: &'a Offer<'a>,
    steps: Vec<String>,
}

impl<'a> Phone<'a> {
    fn decide(&mut self, tvs: Tvs<'_>) -> Decision {
        if let Some(decision) = self.on_faith() {
            return decision;
        }
        let Some(signer) = &self.offer.header.signer else {
            return (Outcome::Unknown, "it is not known who signed the offered file".to_owned(), None);
        };
        self.step(format!("the offered file says that it was signed by {signer}"));
        // CTL first, then ITL (domain.md 6).
        for list in [self.held.ctl, self.held.itl].into_iter().flatten() {
            if let Some(decision) = self.search(list, signer) {
                return decision;
            }
        }
        self.ask_tvs(signer, tvs)
    }

    /// State 1: nothing on the phone to verify with.
    fn on_faith(&mut self) -> Option<Decision> {
        match self.held {
            Held { ctl: None, itl: None, .. } => {
                self.step("the phone holds no list, so it takes the next one without verifying it".to_owned());
                Some((Outcome::Accepted, "the phone holds no list".to_owned(), Some(Through::NoList)))
            }
            // Rollback does not blank a CTL (domain.md 1).
            Held { ctl: None, itl: Some(itl), .. } if itl.looks_rolled_back() => {
                self.step("the phone holds an empty list, so it takes the next one without verifying it".to_owned());
                Some((
                    Outcome::Accepted,
                    "the list on the phone is empty (rollback)".to_owned(),
                    Some(Through::BlankList),
                ))
            }
            _ => None,
        }
    }

    /// Looks the signer up in one list; `None` when it is not there with a role that may sign.
    fn search(&mut self, list: &'a TrustList, signer: &Signer) -> Option<Decision> {
        let name = list.kind.name();
        let found: Vec<&Record> =
            list.records.iter().filter(|record| signature::is_record_of(record, signer)).collect();
        let able: Vec<&Record> = found.iter().copied().filter(|record| record.may_sign_lists()).collect();
        // State 2 of domain.md 6: an ITL for a phone with only a CTL.
        let first_itl = self.held.itl.is_none() && self.offer.kind == OfferKind::Itl;
        let wanted = if first_itl { Function::CCM_TFTP } else { Function::SAST };
        let Some((record, function)) = best(&able, wanted) else {
            self.step(match found.first() {
                Some(record) => {
                    format!("the {name} on the phone has it, but only as {}, which may not sign", record.label())
                }
                None if list.is_whole() => format!("the {name} on the phone does not have it"),
                None => format!("what there is of the {name} on the phone does not have it, but that is an excerpt"),
            });
            return None;
        };
        self.step(format!("the {name} on the phone has it as {}", record.label()));
        if first_itl && function != wanted {
            self.step(format!(
                "Cisco names CCM+TFTP as the role that lets a phone with only a CTL take an ITL; here it is {}",
                function.short()
            ));
        }
        if let Some(other) = self.reissued(&able) {
            let why = format!(
                "the {name} on the phone has the issuer and serial of the signer as {}, but with the hash of another \
                 certificate than the offered {}",
                record.label(),
                other.label()
            );
            self.step(why.clone());
            return Some((Outcome::Unknown, why, None));
        }
        let checked = self.check(&able);
        self.step(checked.1.clone());
        if checked.0 == SignatureOutcome::Invalid {
            let why = format!("the {name} on the phone knows the signer, but the signature is not good: {}", checked.1);
            return Some((Outcome::Rejected, why, None));
        }
        let why = format!("the {name} on the phone has the signer as {}", record.label());
        let through = Through::Record { list: list.kind, index: record.index, function, label: record.label() };
        Some((Outcome::Accepted, why, Some(through)))
    }

    /// Checks the offered file with the keys of the held records, or with its own where the held ones came from text.
    fn check(&self, held: &[&Record]) -> (SignatureOutcome, String) {
        let Some(bytes) = self.offer.bytes else {
            let why = "its signature is taken to be good: only its text is at hand".to_owned();
            return (SignatureOutcome::Cannot, why);
        };
        let has_key = |record: &&&Record| record.public_key.is_some() || record.certificate.is_some();
        let list = "the list on the phone";
        let mut candidates: Vec<_> =
            held.iter().filter(has_key).map(|&record| Candidate::Record { list, record }).collect();
        if candidates.is_empty() {
            // The same certificate in the offered list has the same key.
            let same = |record: &&Record| held.iter().any(|held| compare::is_same_certificate(held, record));
            let list = "the offered list";
            candidates =
                self.offer.records.iter().filter(same).map(|record| Candidate::Record { list, record }).collect();
        }
        if candidates.is_empty() {
            let why = "its signature is taken to be good: there is no key to check it with".to_owned();
            return (SignatureOutcome::Cannot, why);
        }
        let verification = signature::verify(self.offer.header, bytes, &candidates);
        let why = match verification.outcome {
            SignatureOutcome::Valid => "its signature verifies with that key".to_owned(),
            SignatureOutcome::Invalid => verification.why,
            SignatureOutcome::NoSuchSigner | SignatureOutcome::Cannot => {
                format!("its signature is taken to be good: {}", verification.why)
            }
        };
        (verification.outcome, why)
    }

    /// The offered list's record with the same issuer and serial but another certificate. Where the held key itself could
    /// be tried, that decided already; from text alone it cannot be.
    fn reissued(&self, held: &[&Record]) -> Option<&'a Record> {
        if held.iter().any(|record| record.public_key.is_some() || record.certificate.is_some()) {
            return None;
        }
        self.offer.records.iter().find(|record| {
            held.iter()
                .any(|held| compare::is_same_identity(held, record) && !compare::is_same_certificate(held, record))
        })
    }

    fn ask_tvs(&mut self, signer: &Signer, tvs: Tvs<'_>) -> Decision {
        let who = signer.short();
        let excerpt = [self.held.ctl, self.held.itl].into_iter().flatten().any(|list| !list.is_whole());
        let cached = self.held.cached;
        let otherwise = |why: String| {
            if let Some(cached) = cached {
                let why = format!("{why}; but {cached}, so an answer of TVS may still be in its cache");
                (Outcome::Unknown, why, None)
            } else if excerpt {
                let why =
                    format!("{why}; but of a list on the phone only an excerpt is at hand, which decides nothing");
                (Outcome::Unknown, why, None)
            } else {
                (Outcome::Rejected, why, None)
            }
        };
        let known: Vec<&Record> = self.held.itl.into_iter().flat_map(TrustList::tvs_records).collect();
        if known.is_empty() {
            // A CTL has no TVS records (domain.md 2.4).
            self.step("no list on the phone names a TVS server, so there is nobody to ask".to_owned());
            return otherwise(format!("no list on the phone has the signer {who}, and none names a TVS server to ask"));
        }
        let names = labels(&known);
        self.step(match cached {
            Some(cached) => {
                format!("the phone looks in its cache of TVS answers, kept for {TVS_CACHE_SECONDS} s: {cached}")
            }
            None => format!(
                "the phone looks in its cache of TVS answers, kept for {TVS_CACHE_SECONDS} s; taken to be empty"
            ),
        });
        self.step(format!("the phone asks TVS, which must present one of these certificates: {names}"));
        let presented = match tvs {
            Tvs::Unknown => {
                let why = format!(
                    "no list on the phone has the signer {who}; whether TVS can vouch for it depends on whether one of these \
                     certificates is still presented: {names}"
                );
                return (Outcome::Unknown, why, None);
            }
            Tvs::Unreachable => {
                self.step("no TVS server answers".to_owned());
                return otherwise(format!("no list on the phone has the signer {who}, and no TVS server answers"));
            }
            Tvs::Presents(presented) | Tvs::PresentsAtLeast(presented) => presented,
        };
        let (good, bad): (Vec<&Record>, Vec<&Record>) =
            known.iter().partition(|record| presented.iter().any(|one| is_presented(record, one)));
        for record in &bad {
            if presented.iter().any(|one| has_identity(record, one)) {
                self.step(format!(
                    "{}: a certificate with the same serial but another hash is presented",
                    record.label()
                ));
            }
        }
        if good.is_empty() && matches!(tvs, Tvs::PresentsAtLeast(_)) {
            let why = format!(
                "no list on the phone has the signer {who}; whether TVS can vouch for it depends on whether one of these \
                 certificates is still presented: {names}"
            );
            return (Outcome::Unknown, why, None);
        }
        if good.is_empty() {
            self.step("none of them is presented any more".to_owned());
            return otherwise(format!(
                "no list on the phone has the signer {who}, and no TVS server presents a certificate that the phone knows"
            ));
        }
        if let Some(why) = self.is_a_strangers(&known, presented) {
            self.step(why.clone());
            return (Outcome::Unknown, format!("no list on the phone has the signer {who}, and {why}"), None);
        }
        let label = labels(&good);
        self.step(format!("still presented: {label}; it vouches for the signer, if it knows the signer's certificate"));
        let why =
            format!("no list on the phone has the signer {who}, but TVS can vouch for it: {label} is still presented");
        let through = Through::Tvs { records: good.iter().map(|record| record.index).collect(), label };
        (Outcome::AcceptedByTvs, why, Some(through))
    }

    /// TVS vouches for the signers of its own cluster, and for others only where somebody put their certificates there. Why an
    /// offered list is of no cluster that these servers are known to be of; `None` where it is of theirs, or no list.
    fn is_a_strangers(&self, known: &[&Record], presented: &[TvsCertificate]) -> Option<String> {
        let records = self.offer.records;
        let held = self.held.itl?;
        let shares = |record: &Record| held.records.iter().any(|own| compare::is_same_certificate(own, record));
        let is_theirs = |record: &Record| presented.iter().any(|one| is_presented(record, one));
        let same_name = |record: &Record| {
            known
                .iter()
                .chain(&held.records.iter().collect::<Vec<_>>())
                .any(|own| own.subject.is_some() && own.subject == record.subject)
        };
        let is_known =
            records.is_empty() || records.iter().any(|record| shares(record) || is_theirs(record) || same_name(record));
        (!is_known).then(|| {
            "the offered list has no certificate and no name in common with the phone's: its TVS vouches for the signer only if \
             somebody put that certificate there"
                .to_owned()
        })
    }

    fn step(&mut self, text: String) {
        self.steps.push(text);
    }
}

/// The record in the wanted role, else the first.
fn best<'a>(records: &[&'a Record], wanted: Function) -> Option<(&'a Record, Function)> {
    let in_role = records.iter().find(|record| record.function == Some(wanted));
    let record = in_role.or_else(|| records.first())?;
    Some((record, record.function?))
}

/// Issuer and serial first, then the hash, as the phone compares (domain.md 6).
fn is_presented(record: &Record, presented: &TvsCertificate) -> bool {
    let sha1 = (record.certificate_sha1, presented.sha1);
    compare::is_same_hash(sha1, || (record.certificate_sha256(), presented.sha256))
        .unwrap_or_else(|| has_identity(record, presented))
}

/// Lists leave out attributes such as DC, so an equal common name beside an equal serial will do (domain.md 2.6).
fn has_identity(record: &Record, presented: &TvsCertificate) -> bool {
    let (issuer, listed) = (presented.issuer.as_ref(), record.issuer.as_ref());
    record.serial.is_some()
        && record.serial == presented.serial
        && issuer.is_some()
        && (issuer == listed || signature::have_same_common_name(issuer, listed))
}

fn labels(records: &[&Record]) -> String {
    records.iter().map(|record| record.label()).collect::<Vec<_>>().join(", ")
}
