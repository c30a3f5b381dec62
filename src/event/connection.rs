//! What everything over a connection has.

use std::fmt;

/// One side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who connected.
    Client,
    /// Who was connected to.
    Server,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// Its name in a sentence: in this field clients are phones.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Client => "the phone",
            Self::Server => "the server",
        }
    }
}

/// The server never took the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotConnected {
    /// How often the client sent its SYN.
    pub syns: u32,
    /// A RST answered.
    pub reset: bool,
}

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.syns {
            _ if self.reset => f.write_str("the server refused the connection (RST in answer to the SYN)"),
            1 => f.write_str("no answer to the SYN"),
            syns => write!(f, "no answer to {syns} SYNs"),
        }
    }
}
