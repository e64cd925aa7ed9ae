//! An agency's commitment to a standard.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use uuid::Uuid;

use super::agency::AgencyKey;
use super::invalid::Invalid;
use super::text::{Code, Name};
use super::words::words;

/// The term of a pledge: 12 to 36 months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TermMonths(u8);

/// Who signed a pledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signatory {
    /// Name.
    pub name: Name,
    /// Office, such as Chief of Police.
    pub title: Name,
}

/// A pledge as a caller describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PledgeDraft {
    /// Who pledges.
    pub agency: AgencyKey,
    /// The code of the standard.
    pub standard: Code,
    /// The day of the pledge.
    pub pledged_on: Date,
    /// Its term.
    pub term_months: TermMonths,
    /// Who signed.
    pub signatory: Signatory,
    /// Whether the public register lists it before the agency is certified on it.
    pub listed_before_certified: bool,
}

/// A pledge as far as the rules ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pledge {
    /// Its id.
    pub id: Uuid,
    /// The code of the standard.
    pub standard: String,
    /// The day of the pledge.
    pub pledged_on: Date,
    /// Its term.
    pub term_months: TermMonths,
    /// The last day of it where it was extended.
    pub extended_to: Option<Date>,
    /// The first day on which it holds no longer.
    pub withdrawn_on: Option<Date>,
}

words! {
    /// How a pledge stands on a day.
    pub enum PledgeState else "invalid_state" {
        /// Its first day is to come.
        Upcoming = "upcoming",
        /// Its term runs.
        Running = "running",
        /// Its term runs, for 90 days more at the most.
        DueSoon = "due_soon",
        /// Its term is over, and nothing was awarded on it.
        Overdue = "overdue",
        /// A certification was awarded on it.
        Fulfilled = "fulfilled",
        /// The agency gave it up.
        Withdrawn = "withdrawn",
    }
}

/// For how many days before its last a pledge is due soon.
pub const DUE_SOON_DAYS: i32 = 90;

/// The last day on which a pledge ends that is due soon on a day.
pub fn due_soon_until(on: Date) -> Date {
    on.saturating_add(DUE_SOON_DAYS.days())
}

/// For how many months a pledge is extended at a time at the most.
pub const MAX_EXTENSION_MONTHS: i32 = 36;

/// Checks the day to which a pledge that ends on `due_on` is to be extended.
///
/// # Errors
/// `not_later`, and `extension_too_long` beyond [`MAX_EXTENSION_MONTHS`].
pub fn check_extension(due_on: Date, to: Date) -> Result<(), Invalid> {
    if to <= due_on {
        return Err(Invalid::new("not_later", format_args!("must be after the last day as it stands, {due_on}")));
    }
    let latest = due_on.saturating_add(MAX_EXTENSION_MONTHS.months());
    if to > latest {
        return Err(Invalid::new("extension_too_long", format_args!("must not be after {latest}: {MAX_EXTENSION_MONTHS} months at a time")));
    }
    Ok(())
}

impl TermMonths {
    /// Checks a term.
    ///
    /// # Errors
    /// `invalid_term` for what isn't 12 to 36.
    pub fn parse(months: i64) -> Result<Self, Invalid> {
        match u8::try_from(months) {
            Ok(months @ 12..=36) => Ok(Self(months)),
            _ => Err(Invalid::new("invalid_term", "must be 12 to 36 months")),
        }
    }

    /// The number of months.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Pledge {
    /// The last day of the term, or of its extension. A pledge of 31 January ends on the last day of a shorter month.
    pub fn due_on(&self) -> Date {
        self.extended_to.unwrap_or_else(|| due_on(self.pledged_on, self.term_months))
    }

    /// How it stands on a day; `awarded_on`: the day of a certification that was awarded on it and holds.
    pub fn state(&self, awarded_on: Option<Date>, on: Date) -> PledgeState {
        if self.withdrawn_by(on) {
            PledgeState::Withdrawn
        } else if awarded_on.is_some_and(|awarded| awarded <= on) {
            PledgeState::Fulfilled
        } else if on < self.pledged_on {
            PledgeState::Upcoming
        } else if on > self.due_on() {
            PledgeState::Overdue
        } else if self.due_on() <= due_soon_until(on) {
            PledgeState::DueSoon
        } else {
            PledgeState::Running
        }
    }

    /// Whether it is withdrawn by a day.
    pub fn withdrawn_by(&self, day: Date) -> bool {
        self.withdrawn_on.is_some_and(|withdrawn| withdrawn <= day)
    }

    /// Whether a day is in its term, and it is not withdrawn by then.
    pub fn running_on(&self, day: Date) -> bool {
        self.pledged_on <= day && day <= self.due_on() && !self.withdrawn_by(day)
    }

    /// Whether there is a day on which both run.
    pub fn runs_beside(&self, other: &Self) -> bool {
        // Each runs without a break from its first day, so where they share a day they share the later of the first days.
        let later = self.pledged_on.max(other.pledged_on);
        self.running_on(later) && other.running_on(later)
    }
}

/// The pledge that an agency is asked about on a day: the latest that was made by then, withdrawn or not.
pub fn in_question(pledges: &[Pledge], on: Date) -> Option<&Pledge> {
    pledges.iter().filter(|pledge| pledge.pledged_on <= on).max_by_key(|pledge| (pledge.pledged_on, pledge.id))
}

/// The last day of a term that begins on a day.
pub fn due_on(pledged_on: Date, term: TermMonths) -> Date {
    pledged_on.saturating_add(i32::from(term.0).months())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_term_is_12_to_36_months() {
        for good in [12, 24, 36] {
            assert_eq!(i64::from(TermMonths::parse(good).unwrap().get()), good);
        }
        for bad in [0, 11, 37, -12, 256 + 12, i64::MAX] {
            assert_eq!(TermMonths::parse(bad).unwrap_err().code, "invalid_term", "{bad}");
        }
    }

    #[test]
    fn a_pledge_is_due_on_the_same_day_of_its_last_month() {
        for (from, months, due) in [
            (date(2025, 2, 1), 24, date(2027, 2, 1)),
            (date(2024, 2, 29), 12, date(2025, 2, 28)),
            (date(2025, 8, 31), 18, date(2027, 2, 28)),
            (date(9999, 1, 1), 12, date(9999, 12, 31)),
        ] {
            assert_eq!(due_on(from, TermMonths::parse(months).unwrap()), due);
        }
    }

    #[test]
    fn two_pledges_run_beside_each_other_where_they_share_a_day() {
        let first = date(2025, 1, 30);
        let pledge = |starts_after: i32, withdrawn_after: Option<i32>| Pledge {
            id: Uuid::nil(),
            standard: "one-mind".into(),
            pledged_on: first.saturating_add(starts_after.days()),
            term_months: TermMonths::parse(12).unwrap(),
            extended_to: None,
            withdrawn_on: withdrawn_after.map(|days| first.saturating_add((starts_after + days).days())),
        };
        let withdrawals = [None, Some(0), Some(1), Some(364), Some(365), Some(366)];
        for (starts_after, own, other) in [-367, -366, -365, -364, -1, 0, 1, 364, 365, 366, 367]
            .into_iter()
            .flat_map(|starts| withdrawals.into_iter().flat_map(move |own| withdrawals.map(|other| (starts, own, other))))
        {
            let (a, b) = (pledge(0, own), pledge(starts_after, other));
            let shared = (-800..800).map(|days| first.saturating_add(days.days())).any(|day| a.running_on(day) && b.running_on(day));
            assert_eq!((a.runs_beside(&b), b.runs_beside(&a)), (shared, shared), "{a:?} {b:?}");
        }
    }

    #[test]
    fn a_pledge_runs_to_the_end_of_its_term_or_until_it_is_withdrawn() {
        let pledge = Pledge {
            id: Uuid::nil(),
            standard: "one-mind".into(),
            pledged_on: date(2025, 2, 1),
            term_months: TermMonths::parse(12).unwrap(),
            extended_to: None,
            withdrawn_on: Some(date(2025, 3, 1)),
        };
        let days = [date(2025, 1, 31), date(2025, 2, 1), date(2025, 2, 28), date(2025, 3, 1)];
        assert_eq!(days.map(|day| pledge.running_on(day)), [false, true, true, false]);
        assert_eq!(days.map(|day| pledge.withdrawn_by(day)), [false, false, false, true]);
        let kept = Pledge { withdrawn_on: None, ..pledge };
        let days = [date(2025, 1, 31), date(2025, 2, 1), date(2026, 2, 1), date(2026, 2, 2)];
        assert_eq!(days.map(|day| kept.running_on(day)), [false, true, true, false]);
    }

    #[test]
    fn an_extended_pledge_runs_to_the_day_that_it_was_extended_to() {
        let pledge = Pledge {
            id: Uuid::nil(),
            standard: "one-mind".into(),
            pledged_on: date(2025, 2, 1),
            term_months: TermMonths::parse(12).unwrap(),
            extended_to: Some(date(2026, 8, 1)),
            withdrawn_on: None,
        };
        assert_eq!(pledge.due_on(), date(2026, 8, 1));
        assert_eq!([date(2026, 2, 2), date(2026, 8, 1), date(2026, 8, 2)].map(|day| pledge.running_on(day)), [true, true, false]);
    }

    #[test]
    fn an_extension_is_later_than_the_term_and_not_by_more_than_three_years() {
        let due = date(2027, 2, 1);
        for good in [date(2027, 2, 2), date(2030, 2, 1)] {
            check_extension(due, good).unwrap();
        }
        for (bad, code) in [(due, "not_later"), (date(2026, 1, 1), "not_later"), (date(2030, 2, 2), "extension_too_long")] {
            assert_eq!(check_extension(due, bad).unwrap_err().code, code, "{bad}");
        }
    }

    #[test]
    fn the_state_of_a_pledge_follows_from_the_day() {
        let pledge = Pledge {
            id: Uuid::nil(),
            standard: "one-mind".into(),
            pledged_on: date(2025, 2, 1),
            term_months: TermMonths::parse(12).unwrap(),
            extended_to: None,
            withdrawn_on: None,
        };
        let awarded = Some(date(2025, 12, 1));
        for (day, alone, fulfilled) in [
            (date(2025, 1, 31), PledgeState::Upcoming, PledgeState::Upcoming),
            (date(2025, 2, 1), PledgeState::Running, PledgeState::Running),
            (date(2025, 11, 2), PledgeState::Running, PledgeState::Running),
            (date(2025, 11, 3), PledgeState::DueSoon, PledgeState::DueSoon),
            (date(2025, 12, 1), PledgeState::DueSoon, PledgeState::Fulfilled),
            (date(2026, 2, 1), PledgeState::DueSoon, PledgeState::Fulfilled),
            (date(2026, 2, 2), PledgeState::Overdue, PledgeState::Fulfilled),
        ] {
            assert_eq!((pledge.state(None, day), pledge.state(awarded, day)), (alone, fulfilled), "{day}");
        }
        let withdrawn = Pledge { withdrawn_on: Some(date(2025, 3, 1)), ..pledge };
        assert_eq!(withdrawn.state(None, date(2025, 2, 28)), PledgeState::Running);
        assert_eq!(withdrawn.state(awarded, date(2026, 3, 1)), PledgeState::Withdrawn);
    }
}
