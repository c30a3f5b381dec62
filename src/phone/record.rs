//! What is recorded of a phone.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::attribution::Attributed;
use super::changes::PhoneKey;
use super::config::ConfigFacts;
use super::files::{FileKind, ServedList, SignatureFound};
use super::name::DeviceName;
use crate::capture::{Clocks, Moment, Span};
use crate::digest::Digests;
use crate::event::{DownloadEnding, Identity, ListAlarm, Outcome, Taken, TlsSession, Transport};

/// One phone, put together from what its name and its addresses did.
#[derive(Debug, Clone, Default)]
pub struct Phone {
    /// The device name; `None` where only an address is known.
    pub name: Option<DeviceName>,
    /// Addresses that it used, in order.
    pub addresses: Vec<IpAddr>,
    /// Those at which it took its files, each with the clock that saw it there; where none did, those at which they were asked
    /// for.
    pub homes: Vec<(IpAddr, u16)>,
    /// Addresses of which more than files says that they are its: its hardware address, a DHCP ACK to that, the engineer.
    pub certain: Vec<IpAddr>,
    /// Downloads in the order of their first frames.
    pub downloads: Vec<Attributed<DownloadRecord>>,
    /// TLS sessions in the order of their first frames.
    pub sessions: Vec<Attributed<TlsSession>>,
    /// What it said of the lists that it holds, in order.
    pub reports: Vec<Attributed<ListAlarm>>,
    /// What else told who it is, in order.
    pub identities: Vec<Arc<Identity>>,
    /// Devices that share its address, so that not all that was seen there can be said to be of one of them.
    pub shared_by: Vec<DeviceName>,
    /// Which moments can be ordered.
    pub clocks: Arc<Clocks>,
}

/// One download, without the bytes of the file.
#[derive(Debug, Clone)]
pub struct DownloadRecord {
    /// Tells downloads apart within one run.
    pub id: u64,
    /// How it was asked for.
    pub transport: Transport,
    /// The name as it was asked for; `None` where the request was not captured.
    pub asked_for: Option<String>,
    /// The name that it was signed under.
    pub signed_as: SignedAs,
    /// What the file is for.
    pub kind: FileKind,
    /// Who asked.
    pub client: SocketAddr,
    /// Who was asked.
    pub server: SocketAddr,
    /// How it ended.
    pub ending: DownloadEnding,
    /// Whether the client took it.
    pub taken: Taken,
    /// Whether any packet of the client in it was captured.
    pub client_seen: bool,
    /// The Ethernet source of the client's frames.
    pub hardware: Option<[u8; 6]>,
    /// When its last new byte was there.
    pub completed: Option<Moment>,
    /// Checksums of the complete file; of other files than lists only where they are wanted.
    pub digests: Option<Digests>,
    /// Requests and blocks that were sent again.
    pub retransmits: u32,
    /// Whether its bytes were there to be read: not those of a file larger than what is held of one.
    pub was_read: bool,
    /// The trust list, where it is one.
    pub list: Option<Arc<ServedList>>,
    /// Its signature, where it has one.
    pub signature: Option<SignatureFound>,
    /// What it says, where it is a configuration that can be read.
    pub config: Option<Arc<ConfigFacts>>,
    /// Its frames.
    pub span: Span,
}

/// The name that a file was signed under: mostly the one that it was asked for by, which is not kept twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SignedAs {
    /// It carries none.
    #[default]
    Nothing,
    /// As it was asked for.
    AsAsked,
    /// Another.
    Other(Box<str>),
}

impl SignedAs {
    /// The signed name beside the one that was asked for.
    pub fn new(signed: Option<String>, asked_for: Option<&str>) -> Self {
        match signed {
            None => Self::Nothing,
            Some(signed) if Some(signed.as_str()) == asked_for => Self::AsAsked,
            Some(signed) => Self::Other(signed.into()),
        }
    }
}

impl DownloadRecord {
    /// Whether this is a complete trust list of this kind.
    pub fn is_complete(&self, kind: FileKind) -> bool {
        self.kind == kind && self.outcome() == Outcome::Complete
    }

    /// How it ended, in one word.
    pub fn outcome(&self) -> Outcome {
        self.ending.outcome()
    }

    /// Why it did not complete, in an engineer's words.
    pub fn reason(&self) -> Option<String> {
        self.ending.reason()
    }

    /// Length of the complete file in bytes.
    pub fn length(&self) -> Option<u64> {
        self.ending.length()
    }

    /// The name that the file was signed under.
    pub fn signed_as(&self) -> Option<&str> {
        match &self.signed_as {
            SignedAs::Nothing => None,
            SignedAs::AsAsked => self.asked_for.as_deref(),
            SignedAs::Other(name) => Some(name),
        }
    }

    /// What to call the file: as it was asked for, else as it was signed.
    pub fn file(&self) -> Option<&str> {
        self.asked_for.as_deref().or_else(|| self.signed_as())
    }

    /// Whether the server answered the request: with the whole file, or that it has none.
    pub fn is_answered(&self) -> bool {
        self.taken != Taken::Unasked && matches!(self.outcome(), Outcome::Complete | Outcome::Refused)
    }

    /// When the file was there; the start of the download where it never was.
    pub fn end(&self) -> Moment {
        self.completed.unwrap_or(self.span.last)
    }
}

impl Phone {
    /// The last complete list of this kind that was served to it.
    pub fn last_list(&self, kind: FileKind) -> Option<&DownloadRecord> {
        let given =
            |download: &&Attributed<DownloadRecord>| download.is_complete(kind) && download.taken != Taken::Unasked;
        self.downloads.iter().rev().filter(|download| self.is_home(download)).find(given).map(AsRef::as_ref)
    }

    /// Whether a download came to an address of the phone.
    pub fn is_home(&self, download: &DownloadRecord) -> bool {
        let clock = self.clocks.clock(download.span.first.frame.source);
        self.homes.contains(&(download.client.ip(), clock))
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
