//! What records cost in memory, so that all phones together stay within a bound.
//!
//! In: records. Out: bytes, nearly. A list, a certificate or a configuration that many phones were shown is held once and costs
//! nobody anything; one that a single phone was shown is that phone's. So what a hostile sender makes up weighs, and the phones
//! of a healthy cluster do not.

use std::sync::Arc;

use super::config::ConfigFacts;
use super::files::SignatureFound;
use super::record::{DownloadRecord, SignedAs};
use crate::event::{Identity, ListAlarm, TlsSession};
use crate::trust::Signer;
use crate::x509::Certificate;

/// What allocation and the tables around a record cost.
const AROUND: usize = 128;

/// What something costs.
pub(super) trait Weigh {
    /// Bytes, nearly.
    fn weight(&self) -> usize;
}

/// What a shared thing costs one of its holders, where `others` hold it besides all phones.
fn own<T>(thing: &Arc<T>, others: usize, weight: impl Fn(&T) -> usize) -> usize {
    if Arc::strong_count(thing) <= 1 + others { weight(thing) } else { 0 }
}

impl Weigh for DownloadRecord {
    fn weight(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        // The reader of files knows each list, configuration and signer as well, and those seen lately in up to three places.
        let list =
            self.list.as_ref().map_or(0, |list| own(list, 3, |list| list.content.bytes.len() + list.list.weight()));
        let config = self.config.as_ref().map_or(0, |config| own(config, 2, ConfigFacts::weight));
        let signature = self.signature.as_ref().map_or(0, SignatureFound::weight);
        size_of::<Self>() + AROUND + text(&self.asked_for) + self.signed_as.weight() + list + config + signature
    }
}

impl Weigh for SignedAs {
    fn weight(&self) -> usize {
        match self {
            Self::Nothing | Self::AsAsked => 0,
            Self::Other(name) => name.len(),
        }
    }
}

impl Weigh for SignatureFound {
    fn weight(&self) -> usize {
        self.why.len() + self.signer.as_ref().map_or(0, |signer| own(signer, 2, Signer::weight))
    }
}

impl Weigh for Signer {
    fn weight(&self) -> usize {
        // A name holds its text and its attributes.
        let names = self.name.iter().chain(&self.issuer).map(|name| 2 * name.as_str().len());
        size_of::<Self>() + names.sum::<usize>()
    }
}

impl Weigh for ConfigFacts {
    fn weight(&self) -> usize {
        let one = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let tvs = self.tvs.iter().map(|member| size_of_val(member) + member.address.len());
        let members = self.call_managers.iter();
        let members = members.map(|member| size_of_val(member) + one(&member.name) + one(&member.address));
        let hosts = self.secured_hosts.iter().map(|host| size_of_val(host) + host.0.len());
        size_of::<Self>() + tvs.chain(members).chain(hosts).sum::<usize>()
    }
}

impl Weigh for TlsSession {
    fn weight(&self) -> usize {
        let certificate = |certificate: &Certificate| size_of::<Certificate>() + certificate.der.len() * 5 / 4;
        let certificates = self.certificate.iter().chain(&self.client_certificate);
        // The dissector remembers those seen lately, and the session while it goes on.
        let certificates: usize = certificates.map(|shown| own(shown, 2, certificate)).sum();
        let name = self.server_name.as_ref().map_or(0, String::len);
        size_of::<Self>() + AROUND + name + certificates + size_of_val(self.alerts.as_slice())
    }
}

impl Weigh for ListAlarm {
    fn weight(&self) -> usize {
        let texts = [&self.device, &self.itl_tftp_server, &self.ctl_tftp_server, &self.status_code];
        size_of::<Self>() + AROUND + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

impl Weigh for Identity {
    fn weight(&self) -> usize {
        // Its texts come from fields of 255 bytes at most, or of one datagram.
        size_of::<Self>() + 4 * AROUND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_weighs_nothing() {
        let thing = Arc::new(());
        assert_eq!(own(&thing, 0, |()| 7), 7);
        let reader = Arc::clone(&thing);
        assert_eq!((own(&thing, 0, |()| 7), own(&thing, 1, |()| 7)), (0, 7));
        let _another_phone = Arc::clone(&reader);
        assert_eq!(own(&thing, 1, |()| 7), 0);
    }
}
