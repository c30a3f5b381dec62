//! Whoever took files and was shown certificates: phones, and hosts that are none.
//!
//! In: phones and other clients, as the roster has them. Out: their records, each once. It refuses to know what is written.

use foldhash::{HashSet, HashSetExt};

use crate::event::TlsSession;
use crate::phone::{DeviceName, DownloadRecord, OtherClient, Phone};

/// One of them.
#[derive(Debug)]
pub(super) struct Client<'a> {
    /// Its device name, where it has one.
    pub name: Option<&'a DeviceName>,
    /// What it asked for.
    pub downloads: Vec<&'a DownloadRecord>,
    /// Its sessions.
    pub sessions: Vec<&'a TlsSession>,
}

/// All of them. What a phone's name and an address that is nobody's have in common is the phone's.
pub(super) fn all<'a>(phones: &'a [Phone], others: &'a [OtherClient]) -> Vec<Client<'a>> {
    let phones = phones.iter().map(|phone| Client {
        name: phone.name.as_ref(),
        downloads: phone.downloads.iter().map(|download| &**download).collect(),
        sessions: phone.sessions.iter().map(|session| &**session).collect(),
    });
    let others = others.iter().map(|other| Client {
        name: other.name.as_ref(),
        downloads: other.downloads.iter().map(|download| &**download).collect(),
        sessions: other.sessions.iter().map(|session| &**session).collect(),
    });
    let (mut downloads, mut sessions) = (HashSet::new(), HashSet::new());
    let mut clients: Vec<Client<'a>> = phones.chain(others).collect();
    for client in &mut clients {
        client.downloads.retain(|download| downloads.insert(download.id));
        client.sessions.retain(|session| sessions.insert(session.id));
    }
    clients
}
