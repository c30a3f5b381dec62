//! What is recorded of a phone.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::changes::PhoneKey;
use super::config::ConfigFacts;
use super::files::{FileKind, ServedList, SignatureFound};
use super::name::DeviceName;
use crate::capture::Span;
use crate::digest::Digests;
use crate::event::{Identity, ListAlarm, Outcome, TlsSession, Transport};

/// One phone, put together from what its name and its addresses did.
#[derive(Debug, Clone)]
pub struct Phone {
    /// The device name; `None` where only an address is known.
    pub name: Option<DeviceName>,
    /// Addresses that it used, in order.
    pub addresses: Vec<IpAddr>,
    /// Downloads in the order of their first frames.
    pub downloads: Vec<Arc<DownloadRecord>>,
    /// TLS sessions in the order of their first frames.
    pub sessions: Vec<Arc<TlsSession>>,
    /// What it said of the lists that it holds, in order.
    pub reports: Vec<Arc<ListAlarm>>,
    /// What else told who it is, in order.
    pub identities: Vec<Arc<Identity>>,
    /// Devices that share this address, so that what was seen there cannot be said to be of one of them.
    pub shared_by: Vec<DeviceName>,
}

/// One download, without the bytes of the file.
#[derive(Debug, Clone)]
pub struct DownloadRecord {
    /// Tells downloads apart within one run.
    pub id: u64,
    /// How it was asked for.
    pub transport: Transport,
    /// The name as it was asked for; where that was not captured, the one that the file was signed under.
    pub file: Option<String>,
    /// What the file is for.
    pub kind: FileKind,
    /// Who asked.
    pub client: SocketAddr,
    /// Who was asked.
    pub server: SocketAddr,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it did not complete.
    pub reason: Option<String>,
    /// Length of the complete file in bytes.
    pub length: Option<u64>,
    /// Checksums of the complete file; of other files than lists only where they are wanted.
    pub digests: Option<Digests>,
    /// Requests and blocks that were sent again.
    pub retransmits: u32,
    /// The trust list, where it is one.
    pub list: Option<Arc<ServedList>>,
    /// Its signature, where it has one.
    pub signature: Option<SignatureFound>,
    /// What it says, where it is a configuration that can be read.
    pub config: Option<Arc<ConfigFacts>>,
    /// Its frames.
    pub span: Span,
}

impl DownloadRecord {
    /// Whether this is a complete trust list of this kind.
    pub fn is_complete(&self, kind: FileKind) -> bool {
        self.kind == kind && self.outcome == Outcome::Complete
    }
}

impl Phone {
    /// The last complete list of this kind that was served to it.
    pub fn last_list(&self, kind: FileKind) -> Option<&DownloadRecord> {
        self.downloads.iter().rev().find(|download| download.is_complete(kind)).map(AsRef::as_ref)
    }

    /// What the last complete configuration that was served to it says.
    pub fn config(&self) -> Option<&ConfigFacts> {
        self.downloads.iter().rev().find_map(|download| download.config.as_deref())
    }

    /// The model, where something told it.
    pub fn model(&self) -> Option<&str> {
        self.identities.iter().rev().find_map(|identity| identity.model.as_deref())
    }

    /// The key that finds it again; `None` where nothing is known of it.
    pub fn key(&self) -> Option<PhoneKey> {
        let address = || self.addresses.first().copied().map(PhoneKey::Address);
        self.name.clone().map(PhoneKey::Device).or_else(address)
    }

    /// What to call it: its name, else its address.
    pub fn label(&self) -> String {
        match (&self.name, self.addresses.first()) {
            (Some(name), _) => name.to_string(),
            (None, Some(address)) => address.to_string(),
            (None, None) => "unknown".to_owned(),
        }
    }
}
