//! Time as an argument: nothing in the domain reads the clock by itself.

use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};

/// Who knows what time it is.
pub trait Clock: Send + Sync {
    /// The present instant, in whole microseconds, which is what both databases keep.
    fn now(&self) -> Timestamp;

    /// The present date in UTC.
    fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        whole_microseconds(Timestamp::now())
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    /// A clock that stands at an instant.
    pub fn at(instant: Timestamp) -> Self {
        Self(Mutex::new(whole_microseconds(instant)))
    }

    /// Puts the clock at another instant.
    pub fn set(&self, instant: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = whole_microseconds(instant);
    }

    /// Moves the clock by a duration; it stays where it is when the result would leave the range of time.
    pub fn advance(&self, by: SignedDuration) {
        let mut instant = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *instant = instant.checked_add(by).map_or(*instant, whole_microseconds);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rounds to what both databases keep; an instant at the edge of time stays as it is.
pub fn whole_microseconds(instant: Timestamp) -> Timestamp {
    instant.round(Unit::Microsecond).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = FixedClock::at("2026-11-21T23:30:00.1234567Z".parse().unwrap());
        assert_eq!(clock.now().to_string(), "2026-11-21T23:30:00.123457Z");
        assert_eq!(clock.today().to_string(), "2026-11-21");
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!(clock.today().to_string(), "2026-11-22");
        clock.set("2027-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(clock.today().to_string(), "2027-01-01");
    }
}
