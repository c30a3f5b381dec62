//! The one kind of time that the core knows: that of the capture.
//!
//! In: what a capture says of a frame, or a certificate of its validity. Out: [`Timestamp`], which prints as RFC 3339. It refuses to
//! know what time it is now.

use std::fmt;

/// A point in capture time: nanoseconds since 1970-01-01T00:00:00Z. The only time that the core knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A time from nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A time from seconds and nanoseconds since the Unix epoch; it saturates where the sum leaves the range (year 2262).
    pub fn from_seconds_and_nanos(seconds: i64, nanos: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// So many nanoseconds later, or earlier; it saturates.
    #[must_use]
    pub const fn plus(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// Nanoseconds from `earlier` to `self`, zero when `earlier` is the later one.
    pub fn nanos_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with microseconds, as the JSON report wants it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.0)).map_err(|_| fmt::Error)?;
        // Cut to microseconds rather than rounded: a time is never shown later than it was.
        let micros = jiff::Timestamp::from_microsecond(time.as_microsecond()).map_err(|_| fmt::Error)?;
        write!(f, "{micros:.6}")
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_rfc_3339_with_microseconds() {
        let time = Timestamp::from_seconds_and_nanos(1_311_776_428, 848_123_999);
        assert_eq!(time.to_string(), "2011-07-27T14:20:28.848123Z");
        assert_eq!(Timestamp::default().to_string(), "1970-01-01T00:00:00.000000Z");
    }
}
