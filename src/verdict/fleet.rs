//! All phones together: what they have in common.
//!
//! In: each phone with its assessment, one after the other. Out: groups of phones with the same cause, and what each server
//! handed out. A thousand phones read as a few lines.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::{Assessment, Case, Deletion, FindingId};
use crate::capture::Moment;
use crate::digest::{Digests, Sha1Sum};
use crate::event::{Service, Taken, TlsSession};
use crate::phone::{FileKind, Phone, ServedList};
use crate::trust::compare::is_same_signer;
use crate::trust::{Reference, TrustList};
use crate::x509::{Certificate, Serial};

/// Phones named with a group, at most.
const EXAMPLES: usize = 5;
/// Groups, and lists or certificates of one server, that are told apart.
const MOST: usize = 1000;

/// What all phones have in common.
#[derive(Debug, Default)]
pub struct Fleet {
    groups: BTreeMap<(FindingId, String), Group>,
    lists: BTreeMap<IpAddr, BTreeMap<Digests, ServedLists>>,
    certificates: BTreeMap<SocketAddr, BTreeMap<Sha1Sum, Presented>>,
    /// Counts.
    pub summary: Summary,
}

/// Counts of phones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// All phones.
    pub phones: usize,
    /// Those with any check at mismatch.
    pub mismatched: usize,
    /// Those whose ITL need not be deleted.
    pub not_needed: usize,
    /// Those whose ITL has to be deleted.
    pub deletion_needed: usize,
    /// Those for which that is not known.
    pub undetermined: usize,
    /// Those that were seen by name only (DHCP, CDP, LLDP, registration), so that nothing is known of their lists.
    pub without_downloads: usize,
    /// Those with a finding, or with a check at mismatch.
    pub with_findings: usize,
    /// Those of them for which something has to be done; the others only differ from a reference.
    pub needing_attention: usize,
}

/// Phones with the same finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What is wrong.
    pub id: FindingId,
    /// The shared cause.
    pub text: String,
    /// How many phones.
    pub phones: usize,
    /// The first of them.
    pub examples: Vec<String>,
    /// How many of them need deletion, and for how many that is not known.
    pub needed: usize,
    /// For how many deletion is undetermined.
    pub undetermined: usize,
    /// How many of them need something to be done; the others only differ from a reference.
    pub attention: usize,
}

/// One list of one TFTP server.
#[derive(Debug, Clone)]
pub struct ServedLists {
    /// The list.
    pub list: Option<Arc<ServedList>>,
    /// Phones that got it last.
    pub phones: usize,
    /// When it was first seen.
    pub first: Moment,
    /// When it was last seen.
    pub last: Moment,
}

/// One certificate of one TVS server.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// Phones that were shown it.
    pub phones: usize,
    /// When it was first seen.
    pub first: Moment,
    /// When it was last seen.
    pub last: Moment,
}

impl Fleet {
    /// Takes the next phone.
    pub fn add(&mut self, phone: &Phone, assessment: &Assessment) {
        let summary = &mut self.summary;
        summary.phones += 1;
        summary.mismatched += usize::from(assessment.checks.any_mismatch());
        summary.with_findings += usize::from(assessment.has_findings());
        let attention = assessment.needs_attention();
        summary.needing_attention += usize::from(attention);
        match assessment.deletion {
            Deletion::Needed => summary.deletion_needed += 1,
            Deletion::NotNeeded => summary.not_needed += 1,
            Deletion::Undetermined if !assessment.has_downloads => summary.without_downloads += 1,
            Deletion::Undetermined => summary.undetermined += 1,
        }
        for finding in &assessment.findings {
            let key = (finding.id, finding.text.clone());
            if self.groups.len() >= MOST && !self.groups.contains_key(&key) {
                continue;
            }
            let group = self.groups.entry(key).or_insert_with(|| Group {
                id: finding.id,
                text: finding.text.clone(),
                phones: 0,
                examples: Vec::new(),
                needed: 0,
                undetermined: 0,
                attention: 0,
            });
            group.phones += 1;
            group.needed += usize::from(assessment.deletion == Deletion::Needed);
            group.undetermined += usize::from(assessment.deletion == Deletion::Undetermined);
            group.attention += usize::from(attention);
            if group.examples.len() < EXAMPLES {
                group.examples.push(phone.label());
            }
        }
        self.add_servers(phone);
    }

    /// Takes only what servers handed out to the phone.
    pub fn add_servers(&mut self, phone: &Phone) {
        self.add_lists(phone);
        self.take_certificates(phone.sessions.iter().map(AsRef::as_ref));
    }

    fn add_lists(&mut self, phone: &Phone) {
        let last = phone.last_list(FileKind::Itl).map(|download| download.id);
        let given = phone.downloads.iter().filter(|download| download.taken != Taken::Unasked);
        for download in given.filter(|download| download.is_complete(FileKind::Itl)) {
            let Some(digests) = download.digests else { continue };
            let lists = self.lists.entry(download.server.ip()).or_default();
            if lists.len() >= MOST && !lists.contains_key(&digests) {
                continue;
            }
            let (first, end) = (download.span.first, download.span.last);
            let served = lists.entry(digests).or_insert_with(|| ServedLists {
                list: download.list.clone(),
                phones: 0,
                first,
                last: end,
            });
            served.phones += usize::from(last == Some(download.id));
            served.first = served.first.min(first);
            served.last = served.last.max(end);
        }
    }

    fn take_certificates<'s>(&mut self, sessions: impl Iterator<Item = &'s TlsSession>) {
        let mut counted: Vec<(SocketAddr, Sha1Sum)> = Vec::new();
        for session in sessions.filter(|session| session.service == Service::Tvs) {
            let (Some(certificate), Some(moment)) = (&session.certificate, session.milestones.certificate) else {
                continue;
            };
            let presented = self.certificates.entry(session.server).or_default();
            if presented.len() >= MOST && !presented.contains_key(&certificate.sha1) {
                continue;
            }
            let entry = presented.entry(certificate.sha1).or_insert_with(|| Presented {
                certificate: Arc::clone(certificate),
                phones: 0,
                first: moment,
                last: moment,
            });
            entry.first = entry.first.min(moment);
            entry.last = entry.last.max(moment);
            if !counted.contains(&(session.server, certificate.sha1)) {
                counted.push((session.server, certificate.sha1));
                entry.phones += 1;
            }
        }
    }

    /// Takes what a host that is no phone was shown: what a server shows needs no phone.
    pub fn add_other(&mut self, sessions: &[Arc<TlsSession>]) {
        self.take_certificates(sessions.iter().map(AsRef::as_ref));
    }

    /// The groups, the largest first.
    pub fn groups(&self) -> Vec<&Group> {
        let mut groups: Vec<_> = self.groups.values().collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(group.phones), group.id, &group.text));
        groups
    }

    /// The ITLs of each TFTP server, the earliest first.
    pub fn lists(&self) -> impl Iterator<Item = (IpAddr, Vec<(Digests, &ServedLists)>)> {
        self.lists.iter().map(|(&server, lists)| {
            let mut lists: Vec<_> = lists.iter().map(|(&digests, served)| (digests, served)).collect();
            lists.sort_by_key(|(_, served)| served.first);
            (server, lists)
        })
    }

    /// The certificates of each TVS server, the earliest first.
    pub fn certificates(&self) -> impl Iterator<Item = (SocketAddr, Vec<&Presented>)> {
        self.certificates.iter().map(|(&server, presented)| {
            let mut presented: Vec<_> = presented.values().collect();
            presented.sort_by_key(|presented| presented.first);
            (server, presented)
        })
    }

    /// What the servers did that endangers all phones: more than one certificate or list over time, and both of a phone's trust
    /// anchors changed at once (domain.md 7.3).
    pub fn warnings(&self, case: &Case) -> Vec<String> {
        let mut warnings = Vec::new();
        for (server, presented) in self.certificates() {
            if presented.len() > 1 {
                let serials: Vec<_> = presented
                    .iter()
                    .map(|presented| format!("{} from {}", presented.certificate.serial, case.frame(presented.first)))
                    .collect();
                warnings.push(format!(
                    "TVS on {server} presented {} certificates: {}",
                    presented.len(),
                    serials.join(", ")
                ));
            }
        }
        for (server, lists) in self.lists() {
            let itls: Vec<&TrustList> =
                lists.iter().filter_map(|(_, served)| served.list.as_deref()).map(|served| &served.list).collect();
            if lists.len() > 1 {
                warnings
                    .push(format!("TFTP server {server} handed out {} different ITLs in this capture", lists.len()));
            }
            let references = case.references_for(server, |reference: &Reference| reference.list.is_some());
            let olds =
                references.iter().filter_map(|reference| Some((reference.path.as_str(), reference.list.as_ref()?)));
            let within = itls.split_first().map(|(first, _)| ("the first of them", *first));
            for (name, old) in olds.chain(within) {
                let Some(new) = itls.last() else { continue };
                if let Some(text) = both_changed(old, new) {
                    warnings.push(format!("TFTP server {server}: between {name} and the list served last, {text}"));
                }
            }
        }
        warnings.dedup();
        warnings
    }
}

/// Both trust anchors of a phone changed between two lists: the signer, and every TVS certificate.
fn both_changed(old: &TrustList, new: &TrustList) -> Option<String> {
    let (old_signer, new_signer) = old.signer().zip(new.signer())?;
    let gone: Vec<_> = old
        .tvs_records()
        .filter(|old| !new.tvs_records().any(|new| crate::trust::compare::is_same_certificate(old, new)))
        .collect();
    let changed =
        !is_same_signer(old_signer, new_signer) && !gone.is_empty() && gone.len() == old.tvs_records().count();
    changed.then(|| {
        let serial = |serial: Option<&Serial>| serial.map_or_else(|| "of unknown serial".to_owned(), ToString::to_string);
        let names: Vec<_> = gone.iter().map(|record| serial(record.serial.as_ref())).collect();
        format!(
            "both CallManager (signer {} became {}) and TVS ({} is gone) changed: phones with the old list know neither",
            serial(old_signer.serial.as_ref()),
            serial(new_signer.serial.as_ref()),
            names.join(", ")
        )
    })
}
