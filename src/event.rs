//! What a sensor can say, as plain values: the one vocabulary in which dissectors speak to the rest.
//!
//! In: nothing. Out: the types of what was seen on the wire. It refuses to know how it was found out, and whose it is. What
//! people read is `Display`; nothing reads that text back.

mod alarm;
mod answer;
mod codes;
mod connection;
mod content;
mod download;
mod gap;
mod identity;
mod service;
mod session;

pub use alarm::{Holding, ListAlarm};
pub use codes::{Alert, AlertCode, CipherSuite, TlsVersion};
pub use connection::{NotConnected, Side};
pub use content::Content;
pub use download::{Download, DownloadEnding, Outcome, Refusal, Silence, Taken, Transport};
pub use gap::DownloadGap;
pub use identity::{Identity, IdentitySource, Lease};
pub use service::{Ports, Service};
pub use session::{
    CertificateStatus, How, Milestones, SessionEnding, SessionGap, SessionOutcome, Stage, TlsSession, TvsAnswer,
    TvsExchange, TvsRequest,
};

/// Something that was seen on the wire. An event with the `id` of an earlier one of its kind replaces it: more is known now.
#[derive(Debug, Clone)]
pub enum Event {
    /// A file was asked for, or sent.
    Download(Box<Download>),
    /// A TLS connection was made or tried.
    Tls(Box<TlsSession>),
    /// A phone said which lists it holds.
    ListAlarm(Box<ListAlarm>),
    /// Something told who is behind an address.
    Identity(Box<Identity>),
    /// An address was given to a device.
    Lease(Box<Lease>),
}
