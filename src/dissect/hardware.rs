//! The hardware address from which a client sends.

/// What is known of it so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Hardware {
    /// No frame had one.
    #[default]
    Unseen,
    /// All that had one had this.
    One([u8; 6]),
    /// They differ: the frames came over several links, or from several hosts.
    Several,
}

impl Hardware {
    /// Takes the source of one more frame.
    pub(super) fn note(&mut self, source: Option<[u8; 6]>) {
        let Some(source) = source else { return };
        *self = match *self {
            Self::Unseen => Self::One(source),
            Self::One(known) if known == source => return,
            Self::One(_) | Self::Several => Self::Several,
        };
    }

    /// The address, where it is one.
    pub(super) const fn one(self) -> Option<[u8; 6]> {
        match self {
            Self::One(address) => Some(address),
            Self::Unseen | Self::Several => None,
        }
    }
}
