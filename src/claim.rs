//! The vocabulary of testimony: what anybody says of a phone, in one language.
//!
//! In: nothing; every witness speaks it. Out: [`Claim`]s, what they come to ([`Known`]), and [`reconcile()`], the one place that
//! decides whom to believe. It refuses to know who the witnesses are and how they read: files, packets and the roster.
//!
//! Four questions stand before every yes or no (docs/verdict.md): whose is it, when was it, how strong is it, what speaks
//! against it. *Whose* is answered by the witness, who says nothing of things that are not the phone's; *when* by [`When`]; *how
//! strong* by [`Strength`]; *what speaks against it* by [`reconcile()`].

mod evidence;
mod known;
mod reconcile;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::digest::{Digests, Md5Sum, Sha1Sum};
use crate::trust::ListKind;
use crate::x509::Certificate;

pub use evidence::{Evidence, Place};
pub use known::Known;
pub use reconcile::{ServerSeen, Testimony, reconcile};

/// One statement of one witness about one phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What is said.
    pub says: Fact,
    /// Of which time.
    pub when: When,
    /// By whom.
    pub by: Source,
    /// How strong it is.
    pub strength: Strength,
    /// Where it can be looked up.
    pub evidence: Vec<Evidence>,
}

/// What can be said of a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// It holds this list of this kind, or none.
    Holds(ListKind, Holding),
    /// It asked for its configuration signed, as a phone with a list does; or unsigned, as one without.
    AsksSigned(bool),
    /// The server has no list of this kind for it.
    NotServed(ListKind),
    /// It accepted or refused something.
    Judged(Object, Judgement),
    /// A TVS server presented this certificate.
    Presented(SocketAddr, Arc<Certificate>),
    /// A TVS server answered: whether it knows what it was asked about. No address where a log does not name it.
    Vouched(Option<SocketAddr>, bool),
    /// A TVS server gave no sign of life.
    Silent(SocketAddr),
    /// It finds the certificate of TVS in its list. No address where a log does not name it.
    KnowsTvs(Option<SocketAddr>),
    /// Its screen shows that verification failed, or that it did not.
    ShowsFailure(bool),
    /// A backup of the old key exists.
    OldKeySaved(bool),
}

/// What a phone can accept or refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// The list of this kind that it was served.
    List(ListKind),
    /// The configuration that it was served.
    Config,
    /// The certificate that this TVS server presented.
    Tvs(SocketAddr),
}

/// What it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judgement {
    /// It took it.
    Accepted,
    /// It did not.
    Refused,
}

/// What is said to be on a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// No list.
    Nothing,
    /// The file with these checksums; one of them is known at least.
    File(Option<Md5Sum>, Option<Sha1Sum>),
}

impl Holding {
    /// A file of which both checksums are known.
    pub const fn of(digests: Digests) -> Self {
        Self::File(Some(digests.md5), Some(digests.sha1))
    }

    /// Whether both are the same; `None` where they have no checksum in common.
    pub fn is(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => Some(true),
            (Self::File(md5, sha1), Self::File(other_md5, other_sha1)) => {
                let same = sha1.zip(*other_sha1).map(|(one, other)| one == other);
                same.or_else(|| md5.zip(*other_md5).map(|(one, other)| one == other))
            }
            _ => Some(false),
        }
    }

    /// SHA-1 of the file, where it is known.
    pub const fn sha1(&self) -> Option<Sha1Sum> {
        match self {
            Self::Nothing => None,
            Self::File(_, sha1) => *sha1,
        }
    }
}

/// Of which time a claim is. Times of different witnesses cannot be compared; what counts is the last list that the phone was
/// offered in its last boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// Of an earlier boot: history.
    Earlier,
    /// Of the last boot, before the last list was there.
    BeforeOffer,
    /// Of the last boot, after it was there.
    AfterOffer,
    /// Of no time in particular: what somebody says who does not say when.
    Standing,
}

impl When {
    /// Whether it speaks of today.
    pub const fn is_now(self) -> bool {
        !matches!(self, Self::Earlier)
    }
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// What the phone was seen to do.
    Wire,
    /// The phone's own alarm (DeviceTLInfo), on the wire or in a log.
    ListAlarm,
    /// The phone's console log or status messages, or a server's log.
    Log,
    /// The engineer.
    Told,
}

/// How strong a claim is, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Concluded from what was done.
    Inferred,
    /// Said.
    Stated,
    /// Seen.
    Shown,
}
