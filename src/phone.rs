//! The roster: which phone did what.
//!
//! In: [`Event`]s in the order of the capture. Out: one [`Phone`] for each device, with its downloads, its TLS sessions and
//! what those files say. A phone is known by the device name in the files that it asks for, before that by its address. It
//! refuses to judge: whether a list matches or a certificate is the right one is not its business.

mod assemble;
mod attribution;
mod boot;
mod changes;
mod config;
mod files;
mod name;
mod record;
mod roster;
mod table;
mod tenancy;
#[cfg(test)]
mod tests;
mod weight;

pub use assemble::OtherClient;
pub use attribution::{Attributed, Attribution, Ground};
pub use boot::Boot;
pub use changes::{Changed, PhoneKey};
pub use config::{CallManagerMember, ConfigFacts, TvsMember};
pub use files::{FileKind, Files, ServedList, SignatureFound};
pub use name::DeviceName;
pub use record::{DownloadRecord, Phone, SignedAs};
pub use roster::{KeptFile, Limits, Roster};

#[cfg(doc)]
use crate::event::Event;
