//! Whose something is, and how that is known.
//!
//! In: a record of what happened at an address. Out: the record with the ground on which it is taken for the phone's. It
//! refuses to judge what follows from it: that is said where claims are reconciled.
//!
//! An address is not a phone. It is taken for one where it took the phone's own files, from the first frame of that boot to the
//! next sign of anybody else there; a name alone, in a request, an alarm or a registration, may be anybody's (a relay's, an
//! engineer's, a forger's).

use std::ops::Deref;
use std::sync::Arc;

/// How it is known whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribution {
    /// Only a name says so, from an address that is not known to be the phone's: shown, but no ground for a yes or no.
    Named,
    /// Somebody else was seen at the address as well, and nothing says whose it is.
    Shared,
    /// At an address of the phone, but outside the time in which that address is known to be its.
    AtItsAddress,
    /// The phone's own.
    Own(Ground),
}

/// On what ground something is the phone's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    /// The address took the phone's list and its configuration in this boot.
    Files,
    /// The Ethernet source is the MAC address in the phone's name.
    Hardware,
    /// The phone's own certificate (MIC, LSC) names it.
    Certificate,
    /// The engineer says that the phone has this address.
    Told,
}

impl Attribution {
    /// Whether a yes or no may rest on it.
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// For machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Shared => "shared_address",
            Self::AtItsAddress => "at_its_address",
            Self::Own(Ground::Files) => "files",
            Self::Own(Ground::Hardware) => "hardware_address",
            Self::Own(Ground::Certificate) => "certificate",
            Self::Own(Ground::Told) => "option",
        }
    }
}

/// A record, and how it is known to be the phone's.
#[derive(Debug)]
pub struct Attributed<T> {
    /// What is recorded.
    pub record: Arc<T>,
    /// How it is known whose it is.
    pub how: Attribution,
}

impl<T> Attributed<T> {
    /// A record with its attribution.
    pub const fn new(record: Arc<T>, how: Attribution) -> Self {
        Self { record, how }
    }
}

impl<T> Clone for Attributed<T> {
    fn clone(&self) -> Self {
        Self { record: Arc::clone(&self.record), how: self.how }
    }
}

impl<T> Deref for Attributed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.record
    }
}

impl<T> AsRef<T> for Attributed<T> {
    fn as_ref(&self) -> &T {
        &self.record
    }
}
