//! Times as an engineer reads them: local or in UTC.

use jiff::tz::TimeZone;

use crate::capture::Timestamp;

/// Turns times into text.
#[derive(Debug, Clone)]
pub struct Clock {
    local: TimeZone,
    utc: bool,
}

impl Clock {
    /// Times in UTC, or of the machine's own zone.
    pub fn new(utc: bool) -> Self {
        Self::in_zone(TimeZone::system(), utc)
    }

    /// Times of this zone, or in UTC.
    pub const fn in_zone(local: TimeZone, utc: bool) -> Self {
        Self { local, utc }
    }

    /// From local to UTC and back.
    pub const fn toggle(&mut self) {
        self.utc = !self.utc;
    }

    /// `UTC` or `local`.
    pub const fn name(&self) -> &'static str {
        if self.utc { "UTC" } else { "local" }
    }

    /// `14:20:28`.
    pub fn time(&self, time: Timestamp) -> String {
        self.format(time, "%H:%M:%S")
    }

    /// `14:20:28.848`.
    pub fn precise(&self, time: Timestamp) -> String {
        self.format(time, "%H:%M:%S%.3f")
    }

    /// `2011-07-27 14:20:28`.
    pub fn date(&self, time: Timestamp) -> String {
        self.format(time, "%Y-%m-%d %H:%M:%S")
    }

    /// `2011-07-27T14:20:28.848+02:00`: for lines that nobody looks at today.
    pub fn moment(&self, time: Timestamp) -> String {
        self.format(time, "%Y-%m-%dT%H:%M:%S%.3f%:z")
    }

    /// `2011-07-27`.
    pub fn day(&self, time: Timestamp) -> String {
        self.format(time, "%Y-%m-%d")
    }

    /// `14:20`, of a minute since 1970.
    pub fn minute(&self, minute: i64) -> String {
        self.format(Timestamp::from_seconds_and_nanos(minute.saturating_mul(60), 0), "%H:%M")
    }

    fn format(&self, time: Timestamp, format: &str) -> String {
        // Cut to milliseconds: a time is never shown later than it was.
        let Ok(instant) = jiff::Timestamp::from_millisecond(time.nanos().div_euclid(1_000_000)) else {
            return "?".to_owned();
        };
        let zone = if self.utc { TimeZone::UTC } else { self.local.clone() };
        instant.to_zoned(zone).strftime(format).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_zone_and_in_utc() {
        let time = Timestamp::from_seconds_and_nanos(1_311_776_428, 848_999_999);
        let mut clock = Clock::in_zone(TimeZone::fixed(jiff::tz::offset(2)), false);
        assert_eq!((clock.precise(time).as_str(), clock.name()), ("16:20:28.848", "local"));
        assert_eq!(clock.moment(time), "2011-07-27T16:20:28.848+02:00");
        clock.toggle();
        assert_eq!(clock.date(time), "2011-07-27 14:20:28");
        assert_eq!(clock.minute(1_311_776_428 / 60), "14:20");
        assert_eq!(clock.time(Timestamp::from_nanos(i64::MAX)), "23:47:16");
    }
}
