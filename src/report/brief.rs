//! One phone in a line: what the table of the text report and the dashboard both show.
//!
//! In: a phone and its assessment. Out: [`Brief`]: values and words, not yet escaped. It refuses to decide anything: what is
//! wrong was found before.

use std::net::IpAddr;

use crate::digest::Sha1Sum;
use crate::event::{Outcome, Service};
use crate::phone::{FileKind, Phone};
use crate::trust::signature::SignatureStatus;
use crate::verdict::{Assessment, Check, Deletion};
use crate::x509::Serial;

/// One phone in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// Its name, or what stands for it.
    pub name: String,
    /// The address that it used last.
    pub address: Option<IpAddr>,
    /// How many other addresses it used.
    pub other_addresses: usize,
    /// The list that it was served, against the reference.
    pub itl: Check,
    /// That list's checksum.
    pub itl_sha1: Option<Sha1Sum>,
    /// The certificate that TVS presented, against the reference.
    pub tvs: Check,
    /// Its serial number.
    pub tvs_serial: Option<Serial>,
    /// The configuration that it asked for last.
    pub config: Option<ConfigBrief>,
    /// The server of its list, else of its last file.
    pub tftp: Option<IpAddr>,
    /// Whether its list has to be deleted.
    pub deletion: Deletion,
    /// What to do first; empty where there is nothing to say.
    pub instead: String,
    /// How grave it is.
    pub severity: Severity,
}

/// The configuration that a phone asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigBrief {
    /// In which form, by its name.
    pub form: ConfigForm,
    /// What came of it.
    pub outcome: Outcome,
    /// Its signature, where it has one and was captured whole.
    pub signature: Option<SignatureStatus>,
}

/// In which form a configuration was asked for (domain.md 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigForm {
    /// Without a signature: the phone holds no usable list.
    Plain,
    /// Signed.
    Signed,
    /// Encrypted and signed.
    Encrypted,
}

impl ConfigBrief {
    /// In a word or two: `signed`, or why there is none.
    pub const fn words(self) -> &'static str {
        match (self.outcome, self.form) {
            (Outcome::Complete, ConfigForm::Plain) => "plain",
            (Outcome::Complete, ConfigForm::Signed) => "signed",
            (Outcome::Complete, ConfigForm::Encrypted) => "encrypted",
            (Outcome::Pending, _) => "loading",
            (Outcome::Incomplete, _) => "partial",
            (Outcome::Refused, _) => "refused",
            (Outcome::Unanswered, _) => "no answer",
        }
    }
}

/// How grave a phone's state is, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Its list has to be deleted.
    DeletionNeeded,
    /// Something is wrong, and whether its list has to be deleted is not known.
    WrongUndetermined,
    /// Something is wrong, but its list need not be deleted.
    Wrong,
    /// Nothing is known to be wrong, but not everything is known.
    Undetermined,
    /// Nothing is wrong.
    Fine,
}

impl Severity {
    /// Whether somebody has to do something.
    pub const fn needs_attention(self) -> bool {
        matches!(self, Self::DeletionNeeded | Self::WrongUndetermined | Self::Wrong)
    }
}

impl Brief {
    /// The line of this phone.
    pub fn new(phone: &Phone, assessment: &Assessment) -> Self {
        let name = match (&phone.name, phone.shared_by.is_empty()) {
            (Some(name), _) => name.to_string(),
            (None, true) => "(no name)".to_owned(),
            (None, false) => "(shared address)".to_owned(),
        };
        let list = phone.last_list(FileKind::Itl);
        let tftp = list.or_else(|| phone.downloads.last().map(AsRef::as_ref));
        let checks = &assessment.checks;
        let mut tvs = phone.sessions.iter().rev().filter(|session| session.service == Service::Tvs);
        let certificate = tvs.find_map(|session| session.certificate.as_ref());
        Self {
            name,
            address: phone.addresses.last().copied(),
            other_addresses: phone.addresses.len().saturating_sub(1),
            itl: checks.itl_checksum.result,
            itl_sha1: list.and_then(|download| download.digests).map(|digests| digests.sha1),
            tvs: worse(checks.tvs_serial.result, checks.tvs_certificate.result),
            tvs_serial: certificate.map(|certificate| certificate.serial.clone()),
            config: config(phone),
            tftp: tftp.map(|download| download.server.ip()),
            deletion: assessment.deletion,
            instead: instead(assessment),
            severity: severity(assessment),
        }
    }

    /// The answer, for people.
    pub const fn deletion_words(&self) -> &'static str {
        deletion_words(self.deletion)
    }
}

/// The answer, for people.
pub const fn deletion_words(deletion: Deletion) -> &'static str {
    match deletion {
        Deletion::Needed => "NEEDED",
        Deletion::NotNeeded => "not needed",
        Deletion::Undetermined => "undetermined",
    }
}

/// What to do first, in two or three words.
fn instead(assessment: &Assessment) -> String {
    match assessment.advice.first() {
        Some(advice) if assessment.deletion != Deletion::Undetermined || advice.comes_first => advice.short.to_owned(),
        _ if assessment.deletion == Deletion::Undetermined => "collect more".to_owned(),
        _ => String::new(),
    }
}

fn severity(assessment: &Assessment) -> Severity {
    match (assessment.deletion, assessment.needs_attention()) {
        (Deletion::Needed, _) => Severity::DeletionNeeded,
        (Deletion::Undetermined, true) => Severity::WrongUndetermined,
        (Deletion::NotNeeded, true) => Severity::Wrong,
        (Deletion::Undetermined, false) => Severity::Undetermined,
        (Deletion::NotNeeded, false) => Severity::Fine,
    }
}

/// Of two checks the one that says more: a mismatch, then a match.
const fn worse(one: Check, other: Check) -> Check {
    match (one, other) {
        (Check::Mismatch, _) | (_, Check::Mismatch) => Check::Mismatch,
        (Check::Match, _) | (_, Check::Match) => Check::Match,
        _ => Check::Unknown,
    }
}

fn config(phone: &Phone) -> Option<ConfigBrief> {
    let download = phone.downloads.iter().rev().find(|download| download.kind == FileKind::Config)?;
    let name = download.file().unwrap_or_default().to_ascii_lowercase();
    let form = match name.split_once(".cnf.xml").map(|(_, form)| form) {
        Some(".enc.sgn") => ConfigForm::Encrypted,
        Some(".sgn") => ConfigForm::Signed,
        _ => ConfigForm::Plain,
    };
    let signature = download.signature.as_ref().map(|found| found.status);
    Some(ConfigBrief { form, outcome: download.outcome(), signature })
}
