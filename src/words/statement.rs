//! What texts say, as data.
//!
//! In: nothing. Out: the vocabulary [`Statement`], [`Whose`], [`Says`]. It refuses to judge: what a statement proves and what
//! not stands in the table of [`super::table`], what follows from it in the verdict.

use std::net::IpAddr;
use std::sync::Arc;

use super::stamp::Stamp;
use crate::event::Holding;
use crate::phone::{DeviceName, FileKind};
use crate::trust::ListKind;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Whose it is.
    pub whose: Whose,
    /// When, as far as it is printed.
    pub stamp: Option<Stamp>,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Its words, cut to [`super::LONGEST_QUOTE`].
    pub quote: String,
    /// What it says.
    pub says: Says,
}

/// A statement with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The path of the text.
    pub path: Arc<str>,
    /// What it says.
    pub statement: Statement,
}

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}: {}", self.path, self.statement.line, self.statement.quote)
    }
}

/// Whose a statement is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// A device's, by its name in the text or by what the engineer says.
    Device(DeviceName),
    /// Whoever has this address.
    Address(IpAddr),
    /// It does not say whose it is, or several devices could be meant.
    Unnamed,
}

/// Which lists are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lists {
    /// The ITL.
    Itl,
    /// The CTL.
    Ctl,
    /// Both.
    Both,
    /// "Trust List": one or the other or both.
    Unsaid,
}

impl Lists {
    /// Whether this says something of all that `other` may mean.
    pub const fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Both | Self::Unsaid, _) | (Self::Itl, Self::Itl | Self::Unsaid) | (Self::Ctl, Self::Ctl) => true,
            (Self::Itl, Self::Ctl | Self::Both) | (Self::Ctl, Self::Itl | Self::Both | Self::Unsaid) => false,
        }
    }

    /// Whether the ITL is among them, or may be.
    pub const fn may_be_itl(self) -> bool {
        !matches!(self, Self::Ctl)
    }
}

impl From<ListKind> for Lists {
    fn from(kind: ListKind) -> Self {
        match kind {
            ListKind::Itl => Self::Itl,
            ListKind::Ctl => Self::Ctl,
            ListKind::Unknown => Self::Unsaid,
        }
    }
}

/// What was verified, or could not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// Trust lists.
    List(Lists),
    /// The phone's configuration.
    Configuration,
    /// A file that has nothing to do with lists or the configuration, such as firmware.
    Other,
    /// A list or the configuration; which is not said.
    Unnamed,
    /// Any file, firmware too; which is not said.
    AnyFile,
}

impl Object {
    /// What a file is, by its name or path.
    pub fn of_file(path: &str) -> Self {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        match FileKind::from_name(name) {
            FileKind::Itl => Self::List(Lists::Itl),
            FileKind::Ctl => Self::List(Lists::Ctl),
            FileKind::Config => Self::Configuration,
            FileKind::Other => Self::Other,
        }
    }
}

/// What TVS says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TvsAnswer {
    /// It knows it.
    Known,
    /// It is in none of its caches.
    NotFound,
    /// The log ends before the answer.
    Open,
}

/// A request to TVS, by the log of TVS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TvsRequest {
    /// Subject of the certificate that is asked about.
    pub subject: Option<String>,
    /// Its issuer.
    pub issuer: Option<String>,
    /// Its serial number, as printed.
    pub serial: Option<String>,
    /// The answer.
    pub answer: TvsAnswer,
    /// The roles that TVS knows it in; 21 is TVS, 2 is CCM+TFTP and so on, as the log prints them.
    pub roles: Vec<u16>,
}

/// What texts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// The phone verified something.
    Verified(Object),
    /// The phone could not verify something.
    VerificationFailed(Object),
    /// Lists were not updated: the network, the server or a signer that is not known.
    UpdateFailed(Lists),
    /// Lists were taken.
    Taken(Lists),
    /// Lists are not there.
    NotInstalled(Lists),
    /// Somebody deletes lists.
    Erased(Lists),
    /// The phone reports its lists (DeviceTLInfo).
    Holds {
        /// Its ITL; `None` where the alarm does not say, or is cut.
        itl: Option<Holding>,
        /// Its CTL, likewise.
        ctl: Option<Holding>,
    },
    /// The phone asks for a file.
    Requests {
        /// The file.
        file: String,
        /// Who is asked, where that is said.
        server: Option<IpAddr>,
    },
    /// The phone received a file.
    Received {
        /// Its length.
        bytes: u64,
    },
    /// A file did not come, or the network or a server gave trouble.
    Trouble {
        /// The file, where it is named.
        file: Option<String>,
    },
    /// The phone treats its server as not secure, because it holds no list.
    AssumesNonsecure,
    /// A service was not found or not accepted.
    HostNotFound,
    /// The phone turns to TVS.
    AsksTvs(Option<IpAddr>),
    /// The phone found TVS's certificate in its list.
    TvsInList(Option<IpAddr>),
    /// TVS answered the phone: whether it vouches for the certificate.
    TvsAnswered(bool),
    /// A web server's certificate is in neither list of the phone; TVS is asked next.
    WebNotInList(Option<IpAddr>),
    /// The phone trusts a web server because TVS vouched for it.
    WebThroughTvs,
    /// The phone empties its cache of TVS's answers.
    CacheFlushed,
    /// It only says which phone this is.
    Names,
    /// By the log of TVS: the phone at this address completed a TLS handshake with it.
    TvsHandshake,
    /// By the log of TVS: it was asked about a certificate.
    TvsRequest(TvsRequest),
    /// By the log of TVS: it reads its certificates anew.
    TvsRefreshed,
    /// By the log of a TFTP server: it was asked for a file.
    TftpAsked {
        /// The file.
        file: String,
        /// Whether it said that it has no such file.
        is_missing: bool,
    },
}

impl Says {
    /// Whether it is a word about verification: what a phone's screen would show of it.
    pub const fn is_of_screen(&self) -> bool {
        matches!(
            self,
            Self::Verified(_)
                | Self::VerificationFailed(_)
                | Self::UpdateFailed(_)
                | Self::Taken(_)
                | Self::NotInstalled(_)
                | Self::Erased(_)
        )
    }
}
