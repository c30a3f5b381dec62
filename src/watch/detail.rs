//! One phone, whole: what the tabs of the dashboard show.
//!
//! In: a phone and its case. Out: [`Detail`], an immutable copy in which lists are laid beside each other record by record. It
//! refuses to judge: what differs is told by [`crate::trust::compare`], what it means by [`crate::verdict`].

use std::sync::Arc;

use crate::event::{Service, TlsSession};
use crate::phone::{DownloadRecord, FileKind, Phone, PhoneKey, ServedList};
use crate::trust::compare::{self, Change, ChangeKind};
use crate::trust::{Record, ReferenceKind, TrustList};
use crate::verdict::{self, Assessment, Case};
use crate::x509::Certificate;

/// One phone, whole.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Which phone.
    pub key: PhoneKey,
    /// What is recorded of it.
    pub phone: Phone,
    /// What that comes to.
    pub assessment: Assessment,
    /// The lists that it downloaded last, the ITL first.
    pub lists: Vec<ListDetail>,
    /// The certificates that servers presented to it, in the order in which they were first seen.
    pub certificates: Vec<CertificateDetail>,
}

/// A downloaded list beside the one that it is compared with.
#[derive(Debug, Clone)]
pub struct ListDetail {
    /// The download.
    pub download: Arc<DownloadRecord>,
    /// The list.
    pub served: Arc<ServedList>,
    /// What it is compared with, in words; `None` where there is nothing.
    pub against: Option<String>,
    /// Differences that are not of single records.
    pub header: Vec<Change>,
    /// The records of both.
    pub records: Vec<RecordLine>,
}

/// One record, and how it stands to the other list.
#[derive(Debug, Clone)]
pub struct RecordLine {
    /// How.
    pub mark: RecordMark,
    /// The record: of the downloaded list, or where that does not have it, of the other.
    pub record: Record,
    /// The difference in words.
    pub change: Option<String>,
}

/// How a record stands to the other list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordMark {
    /// There is no other list.
    Alone,
    /// Both have it.
    Same,
    /// Only the downloaded list has it.
    Added,
    /// Only the other list has it.
    Gone,
    /// The other has another certificate in its place.
    Replaced,
    /// The other has it with other words.
    Altered,
}

/// A certificate that a server presented.
#[derive(Debug, Clone)]
pub struct CertificateDetail {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// The sessions in which it was shown, the first one first.
    pub sessions: Vec<Arc<TlsSession>>,
    /// Where it stands in each list at hand.
    pub standings: Vec<Standing>,
}

/// Where a certificate stands in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The list in words.
    pub list: String,
    /// Whether it is the phone's own.
    pub own: bool,
    /// Where in it.
    pub found: Found,
}

/// Where in a list a certificate was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This record is of this certificate.
    Exactly(String),
    /// This record has its issuer and serial number, but of its hash the list says nothing.
    Serial(String),
    /// This record has its issuer and serial number, and another hash.
    OtherHash(String),
    /// No record.
    Nowhere,
}

impl Detail {
    /// The whole of `phone`.
    pub fn new(key: PhoneKey, phone: Phone, case: &Case) -> Self {
        let assessment = verdict::assess(&phone, case);
        let lists = [FileKind::Itl, FileKind::Ctl].into_iter().filter_map(|kind| list(kind, &phone, &assessment, case));
        let lists = lists.collect();
        let certificates = certificates(&phone, &assessment, case);
        Self { key, phone, assessment, lists, certificates }
    }

    /// TLS sessions that showed no certificate, with the reason.
    pub fn without_certificate(&self) -> impl Iterator<Item = &TlsSession> {
        self.phone
            .sessions
            .iter()
            .filter(|session| session.certificate.is_none() && session.service != Service::Other)
            .map(AsRef::as_ref)
    }
}

/// The phone's own list, where it is known and at hand.
fn own_list<'a>(kind: FileKind, assessment: &Assessment, case: &'a Case) -> Option<&'a TrustList> {
    let holds = &assessment.holds;
    let sha1 = if kind == FileKind::Ctl { holds.ctl_sha1? } else { holds.itl_sha1? };
    case.lists().find(|list| list.sha1 == Some(sha1))
}

fn list(kind: FileKind, phone: &Phone, assessment: &Assessment, case: &Case) -> Option<ListDetail> {
    let download = phone.downloads.iter().rev().find(|download| download.is_complete(kind))?;
    let served = Arc::clone(download.list.as_ref()?);
    let wanted = if kind == FileKind::Ctl { ReferenceKind::Ctl } else { ReferenceKind::Itl };
    let references =
        case.references_for(download.server.ip(), |reference| reference.kind == wanted && reference.list.is_some());
    let same = references.iter().find(|reference| reference.sha1.is_some() && reference.sha1 == served.list.sha1);
    let reference = same
        .or(references.first())
        .and_then(|reference| Some((format!("the reference {}", reference.path), reference.list.as_ref()?)));
    let own = || own_list(kind, assessment, case).map(|list| ("the list that the phone holds".to_owned(), list));
    let other = reference.or_else(own);
    let (against, changes) = match &other {
        Some((words, list)) => (Some(words.clone()), compare::compare(list, &served.list)),
        None => (None, Vec::new()),
    };
    let other = other.map(|(_, list)| list);
    let records = lines(&served.list, other, &changes);
    let header = changes.into_iter().filter(|change| change.records == (None, None)).collect();
    Some(ListDetail { download: Arc::clone(&download.record), served, against, header, records })
}

fn lines(served: &TrustList, other: Option<&TrustList>, changes: &[Change]) -> Vec<RecordLine> {
    let mark = |kind: ChangeKind| match kind {
        ChangeKind::RecordAdded => RecordMark::Added,
        ChangeKind::RecordRemoved => RecordMark::Gone,
        ChangeKind::RecordReplaced => RecordMark::Replaced,
        _ => RecordMark::Altered,
    };
    let unchanged = if other.is_some() { RecordMark::Same } else { RecordMark::Alone };
    let mut lines: Vec<RecordLine> = served
        .records
        .iter()
        .map(|record| {
            let change = changes.iter().find(|change| change.records.1 == Some(record.index));
            RecordLine {
                mark: change.map_or(unchanged, |change| mark(change.kind)),
                record: record.clone(),
                change: change.map(|change| change.text.clone()),
            }
        })
        .collect();
    let gone = changes.iter().filter_map(|change| match change.records {
        (Some(index), None) => {
            let record = other?.records.iter().find(|record| record.index == index)?.clone();
            Some(RecordLine { mark: RecordMark::Gone, record, change: Some(change.text.clone()) })
        }
        _ => None,
    });
    lines.extend(gone);
    lines
}

fn certificates(phone: &Phone, assessment: &Assessment, case: &Case) -> Vec<CertificateDetail> {
    let mut details: Vec<CertificateDetail> = Vec::new();
    for session in &phone.sessions {
        let Some(certificate) = &session.certificate else { continue };
        let known = details.iter_mut().find(|detail| {
            detail.certificate.sha1 == certificate.sha1
                && detail.sessions.first().is_some_and(|first| first.server == session.server)
        });
        match known {
            Some(detail) => detail.sessions.push(Arc::clone(&session.record)),
            None => details.push(CertificateDetail {
                certificate: Arc::clone(certificate),
                sessions: vec![Arc::clone(&session.record)],
                standings: standings(certificate, phone, assessment, case),
            }),
        }
    }
    details
}

fn standings(certificate: &Certificate, phone: &Phone, assessment: &Assessment, case: &Case) -> Vec<Standing> {
    let mut standings: Vec<Standing> = Vec::new();
    for kind in [FileKind::Itl, FileKind::Ctl] {
        if let Some(list) = own_list(kind, assessment, case) {
            let words = format!("the {} that the phone holds", list.kind.name());
            standings.push(Standing { list: words, own: true, found: find(certificate, list) });
        }
    }
    let tftp = phone.last_list(FileKind::Itl).or_else(|| phone.downloads.last().map(AsRef::as_ref));
    if let Some(server) = tftp.map(|download| download.server.ip()) {
        for reference in case.references_for(server, |reference| reference.list.is_some()) {
            let Some(list) = &reference.list else { continue };
            let found = find(certificate, list);
            standings.push(Standing { list: format!("the reference {}", reference.path), own: false, found });
        }
        let certificates = case.references_for(server, |reference| !reference.certificates.is_empty());
        for reference in certificates {
            let same = reference.certificates.iter().any(|known| known.sha1 == certificate.sha1);
            let found = if same { Found::Exactly("the certificate itself".to_owned()) } else { Found::Nowhere };
            standings.push(Standing { list: format!("the reference {}", reference.path), own: false, found });
        }
    }
    if let Some(served) = phone.last_list(FileKind::Itl).and_then(|download| download.list.as_ref()) {
        let found = find(certificate, &served.list);
        standings.push(Standing { list: "the list that it was served".to_owned(), own: false, found });
    }
    standings
}

fn find(certificate: &Certificate, list: &TrustList) -> Found {
    if let Some(record) = list.records.iter().find(|record| record.certificate_sha1 == Some(certificate.sha1)) {
        return Found::Exactly(record.label());
    }
    let numbered = list.records.iter().find(|record| {
        record.serial.as_ref() == Some(&certificate.serial)
            && record.issuer.as_ref().is_none_or(|issuer| *issuer == certificate.issuer)
    });
    match numbered {
        Some(record) if record.certificate_sha1.is_some() => Found::OtherHash(record.label()),
        Some(record) => Found::Serial(record.label()),
        None => Found::Nowhere,
    }
}
