//! What claims about one thing come to.

/// What is known of something. A contradiction is a value, not an exception.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Known<T> {
    /// Nobody says anything of it.
    #[default]
    Unknown,
    /// All who speak of it say the same.
    Settled {
        /// What they say.
        value: T,
        /// Who: indices of claims, the strongest first.
        by: Vec<usize>,
    },
    /// They say different things. Indices of the claims, the strongest of each side first.
    Disputed(Vec<usize>, Vec<usize>),
}

impl<T> Known<T> {
    /// What all say, where they do.
    pub const fn settled(&self) -> Option<&T> {
        match self {
            Self::Settled { value, .. } => Some(value),
            Self::Unknown | Self::Disputed(..) => None,
        }
    }

    /// Whether they say different things.
    pub const fn is_disputed(&self) -> bool {
        matches!(self, Self::Disputed(..))
    }

    /// The claims that it rests on.
    pub fn by(&self) -> Vec<usize> {
        match self {
            Self::Unknown => Vec::new(),
            Self::Settled { by, .. } => by.clone(),
            Self::Disputed(one, other) => one.iter().chain(other).copied().collect(),
        }
    }
}

impl<T: PartialEq> Known<T> {
    /// Whether all say this.
    pub fn is(&self, value: &T) -> bool {
        self.settled() == Some(value)
    }
}
