//! Who calls: systems and tools, what kind they are, and for which agencies they may act.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::agency::AgencyKey;
use super::invalid::{Faults, Invalid};
use super::words::words;

words! {
    /// What a client is.
    pub enum ClientKind else "invalid_kind" {
        /// A learning system, which pushes completions.
        Lms = "lms",
        /// A records or personnel system, which pushes rosters and asks for status.
        Rms = "rms",
        /// A tool of an agency's own.
        Agency = "agency",
        /// A tool of the IACP.
        Iacp = "iacp",
    }
}

words! {
    /// Whether a client may call.
    pub enum ClientStatus else "invalid_status" {
        /// It may.
        Active = "active",
        /// It was revoked by hand.
        Revoked = "revoked",
        /// It was not used for so long that it is refused until it is reinstated.
        Unused = "unused",
    }
}

/// The times that decide whether a client may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientTimes {
    /// When it was made, or reinstated.
    pub enabled_at: Timestamp,
    /// When it last got a token.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ClientTimes {
    /// Whether the client may call now, given after how many unused days it may not.
    pub fn status(&self, now: Timestamp, unused_days: u32) -> ClientStatus {
        if self.revoked_at.is_some() {
            return ClientStatus::Revoked;
        }
        let since = self.last_used_at.map_or(self.enabled_at, |used| used.max(self.enabled_at));
        if now.duration_since(since) > SignedDuration::from_hours(24 * i64::from(unused_days)) { ClientStatus::Unused } else { ClientStatus::Active }
    }
}

/// A grant as it is given: `[starts_on, ends_on)`, in days of UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantDraft {
    /// Whose.
    pub client: Uuid,
    /// For which agency; `None`: all.
    pub agency: Option<AgencyKey>,
    /// The first day.
    pub starts_on: Date,
    /// The day after the last, where there is a last.
    pub ends_on: Option<Date>,
}

impl GrantDraft {
    /// `ends_before_start` at `/ends_on`.
    pub fn check(&self) -> Faults {
        if self.ends_on.is_some_and(|end| end < self.starts_on) {
            vec![("/ends_on".into(), Invalid::new("ends_before_start", "must not be before starts_on"))]
        } else {
            Faults::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_client_that_nobody_used_for_the_days_of_the_setting_is_refused_until_it_is_enabled_again() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let made = ClientTimes { enabled_at: at("2026-01-01T00:00:00Z"), last_used_at: None, revoked_at: None };
        assert_eq!(made.status(at("2026-04-01T00:00:00Z"), 90), ClientStatus::Active);
        assert_eq!(made.status(at("2026-04-01T00:00:01Z"), 90), ClientStatus::Unused);
        let used = ClientTimes { last_used_at: Some(at("2026-03-01T00:00:00Z")), ..made };
        assert_eq!(used.status(at("2026-05-30T00:00:00Z"), 90), ClientStatus::Active);
        assert_eq!(used.status(at("2026-05-31T00:00:00Z"), 90), ClientStatus::Unused);
        let again = ClientTimes { enabled_at: at("2026-06-01T00:00:00Z"), ..used };
        assert_eq!(again.status(at("2026-06-02T00:00:00Z"), 90), ClientStatus::Active);
        let revoked = ClientTimes { revoked_at: Some(at("2026-06-02T00:00:00Z")), ..again };
        assert_eq!(revoked.status(at("2026-06-02T00:00:00Z"), 90), ClientStatus::Revoked);
    }

    #[test]
    fn a_grant_does_not_end_before_it_starts() {
        let grant = GrantDraft { client: Uuid::nil(), agency: None, starts_on: date(2026, 1, 5), ends_on: Some(date(2026, 1, 5)) };
        assert!(grant.check().is_empty());
        assert_eq!(GrantDraft { ends_on: Some(date(2026, 1, 4)), ..grant }.check()[0].1.code, "ends_before_start");
    }
}
