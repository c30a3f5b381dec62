//! What was written, and from which frames it came: `docs/manifest.md` describes it.

use std::io;
use std::net::IpAddr;

use serde::Serialize;

use super::client::Client;
use super::folder::Folder;
use crate::capture::{Moment, SourceSummary};
use crate::digest::{Md5Sum, Sha1Sum, Sha256Sum};
use crate::escape;
use crate::event::{Side, TlsSession};
use crate::phone::DownloadRecord;
use crate::report::{SourceView, SpanView, Tool};
use crate::x509::{Certificate, DistinguishedName, Serial};

/// The document. Its fields are a promise, as those of the report are.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    schema: &'static str,
    tool: Tool,
    sources: Vec<SourceView>,
    /// What was left out by limits.
    pub notes: Vec<String>,
    /// Files, in the order of their first frames.
    pub files: Vec<FileEntry>,
    /// Certificates, in the order in which they were first presented.
    pub certificates: Vec<CertificateEntry>,
    /// Downloads that were not written, and why.
    pub not_written: Vec<NotWritten>,
}

/// A file that was written.
#[derive(Debug, Clone, Serialize)]
pub struct FileEntry {
    /// Where, below the folder.
    pub path: String,
    /// The name that it was asked for by, as it stood on the wire.
    pub name: Option<String>,
    /// `itl`, `ctl`, `config` or `other`.
    pub kind: &'static str,
    /// The server that gave it.
    pub server: IpAddr,
    /// Its length.
    pub bytes: Option<u64>,
    /// Its MD5.
    pub md5: Option<Md5Sum>,
    /// Its SHA-1.
    pub sha1: Option<Sha1Sum>,
    /// The downloads of which each was this file.
    #[serde(rename = "downloads")]
    pub seen: Vec<FileSeen>,
}

/// A download.
#[derive(Debug, Clone, Serialize)]
pub struct FileSeen {
    /// The name of the phone, where it is known.
    pub phone: Option<String>,
    transport: &'static str,
    client: String,
    server: String,
    /// Where it was seen.
    #[serde(flatten)]
    pub span: SpanView,
}

/// A download that was not written.
#[derive(Debug, Clone, Serialize)]
pub struct NotWritten {
    /// The name that it was asked for by.
    pub name: Option<String>,
    kind: &'static str,
    bytes: Option<u64>,
    md5: Option<Md5Sum>,
    sha1: Option<Sha1Sum>,
    /// Why.
    pub reason: String,
    #[serde(skip)]
    withheld: bool,
    #[serde(flatten)]
    seen: FileSeen,
}

/// Why a download was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// It may hold secrets.
    Withheld,
    /// Something else.
    Other(String),
}

/// A certificate that was written.
#[derive(Debug, Clone, Serialize)]
pub struct CertificateEntry {
    /// Where, below the folder.
    pub path: String,
    /// Its serial.
    pub serial: Serial,
    /// Its subject.
    pub subject: DistinguishedName,
    issuer: DistinguishedName,
    sha1: Sha1Sum,
    sha256: Sha256Sum,
    /// The sessions in which it was presented.
    pub presented: Vec<Presented>,
}

/// A session in which a certificate was presented.
#[derive(Debug, Clone, Serialize)]
pub struct Presented {
    /// `server` or `phone`.
    pub by: &'static str,
    phone: Option<String>,
    /// `tvs`, `tomcat`, `https` or `other`.
    pub service: &'static str,
    client: String,
    /// Whom the phone connected to.
    pub server: String,
    /// The frame that completed it.
    pub frame: u64,
    source: u16,
}

impl Manifest {
    /// A manifest of what was read, with nothing written yet.
    pub fn new(sources: &[SourceSummary], notes: Vec<String>) -> Self {
        Self {
            schema: "itlscope.manifest/1",
            tool: Tool::THIS,
            sources: (1..).zip(sources).map(SourceView::from).collect(),
            notes,
            files: Vec::new(),
            certificates: Vec::new(),
            not_written: Vec::new(),
        }
    }

    pub(super) fn write(&self, folder: &Folder) -> io::Result<()> {
        let mut text = Vec::new();
        escape::json_pretty(&mut text, self)?;
        text.push(b'\n');
        folder.write(Folder::MANIFEST, &text)
    }
}

impl FileEntry {
    pub(super) fn new(path: String, record: &DownloadRecord) -> Self {
        Self {
            path,
            name: record.file().map(str::to_owned),
            kind: record.kind.name(),
            server: record.server.ip(),
            bytes: record.length(),
            md5: record.digests.map(|digests| digests.md5),
            sha1: record.digests.map(|digests| digests.sha1),
            seen: Vec::new(),
        }
    }

    /// Where the first of its downloads began.
    pub(super) fn first_frame(&self) -> Option<(u16, u64)> {
        let position = |seen: &FileSeen| (seen.span.frame_sources[0], seen.span.frames[0]);
        self.seen.iter().map(position).min()
    }
}

impl FileSeen {
    pub(super) fn new(client: &Client<'_>, record: &DownloadRecord) -> Self {
        Self {
            phone: client.name.map(ToString::to_string),
            transport: record.transport.name(),
            client: record.client.to_string(),
            server: record.server.to_string(),
            span: record.span.into(),
        }
    }
}

impl NotWritten {
    /// Whether it is only because it may hold secrets.
    pub const fn is_withheld(&self) -> bool {
        self.withheld
    }

    pub(super) fn new(client: &Client<'_>, record: &DownloadRecord, why: Why) -> Self {
        let withheld = why == Why::Withheld;
        let reason = match why {
            Why::Withheld => "it may hold secrets: --with-configs writes it".to_owned(),
            Why::Other(reason) => reason,
        };
        Self {
            name: record.file().map(str::to_owned),
            kind: record.kind.name(),
            bytes: record.length(),
            md5: record.digests.map(|digests| digests.md5),
            sha1: record.digests.map(|digests| digests.sha1),
            reason,
            withheld,
            seen: FileSeen::new(client, record),
        }
    }
}

impl CertificateEntry {
    pub(super) fn new(path: String, certificate: &Certificate, presented: Vec<Presented>) -> Self {
        Self {
            path,
            serial: certificate.serial.clone(),
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            sha1: certificate.sha1,
            sha256: certificate.sha256,
            presented,
        }
    }
}

impl Presented {
    pub(super) fn new(client: &Client<'_>, session: &TlsSession, by: Side, moment: Moment) -> Self {
        Self {
            by: if by == Side::Server { "server" } else { "phone" },
            phone: client.name.map(ToString::to_string),
            service: session.service.name(),
            client: session.client.to_string(),
            server: session.server.to_string(),
            frame: moment.frame.number,
            source: moment.frame.source,
        }
    }

    /// For the order of frames.
    pub(super) const fn position(&self) -> (u16, u64) {
        (self.source, self.frame)
    }
}
