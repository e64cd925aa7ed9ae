//! Dated spells of an officer at an agency.

use jiff::civil::Date;
use serde::Serialize;

use super::agency::AgencyKey;
use super::invalid::{Faults, Invalid};
use super::text::{Name, Number};
use super::words::words;

words! {
    /// How an officer is employed.
    pub enum Employment else "invalid_employment" {
        /// Full time.
        FullTime = "full_time",
        /// Part time.
        PartTime = "part_time",
        /// In the reserve.
        Reserve = "reserve",
    }
}

/// An appointment as a caller describes it: the days `[started_on, ended_on)`.
///
/// One that ends on the day it starts is a spell that never was. A start in the future is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppointmentDraft {
    /// Where.
    pub agency: AgencyKey,
    /// Whether the officer is sworn; others are tracked and never counted.
    pub sworn: bool,
    /// How the officer is employed.
    pub employment: Employment,
    /// Rank.
    pub rank: Option<Name>,
    /// Number in the agency's payroll; means something only there, and is reissued.
    pub employee_number: Option<Number>,
    /// Badge or star; means something only there, and is reissued.
    pub badge_number: Option<Number>,
    /// First day.
    pub started_on: Date,
    /// The day after the last, when it is known.
    pub ended_on: Option<Date>,
}

impl AppointmentDraft {
    /// `ends_before_start` at `/ended_on`.
    pub fn check(&self) -> Faults {
        check_dates(self.started_on, self.ended_on)
    }
}

/// The fault of a spell that ends before it starts.
pub(super) fn check_dates(started_on: Date, ended_on: Option<Date>) -> Faults {
    if ended_on.is_some_and(|end| end < started_on) {
        vec![("/ended_on".into(), Invalid::new("ends_before_start", "must not be before started_on"))]
    } else {
        Faults::new()
    }
}

/// Whether two half-open spells share a day.
pub fn overlaps(a: (Date, Option<Date>), b: (Date, Option<Date>)) -> bool {
    let before = |start: Date, end: Option<Date>| end.is_none_or(|end| start < end);
    before(a.0, a.1) && before(b.0, b.1) && before(a.0, b.1) && before(b.0, a.1)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn spells_overlap_when_they_share_a_day() {
        let d = |day| date(2025, 1, day);
        assert!(overlaps((d(1), None), (d(9), None)));
        assert!(overlaps((d(1), Some(d(5))), (d(4), Some(d(9)))));
        assert!(!overlaps((d(1), Some(d(5))), (d(5), None)));
        assert!(!overlaps((d(5), None), (d(1), Some(d(5)))));
        assert!(!overlaps((d(3), Some(d(3))), (d(1), None)));
    }

    #[test]
    fn a_spell_may_be_empty_but_not_negative() {
        let d = |day| date(2025, 1, day);
        assert!(check_dates(d(5), Some(d(5))).is_empty());
        assert!(check_dates(d(5), None).is_empty());
        assert_eq!(check_dates(d(5), Some(d(4)))[0].1.code, "ends_before_start");
    }
}
