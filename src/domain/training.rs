//! The catalogue of trainings, and how other systems name its entries.

use jiff::civil::Date;
use serde::Serialize;
use uuid::Uuid;

use super::invalid::{Faults, Invalid};
use super::text::{Code, Name};
use super::words::words;

words! {
    /// The programme that a training follows.
    pub enum Program else "invalid_program" {
        /// Crisis Intervention Team.
        Cit = "cit",
        /// Crisis Response and Intervention Training.
        Crit = "crit",
        /// Mental Health First Aid.
        Mhfa = "mhfa",
        /// Mental Health First Aid for Public Safety.
        MhfaPublicSafety = "mhfa_public_safety",
        /// What IACP staff hold to be equivalent.
        Equivalent = "equivalent",
    }
}

words! {
    /// What a training counts towards. IACP staff decide; a title or a number of hours never does.
    pub enum Category else "invalid_category" {
        /// Crisis intervention.
        CrisisIntervention = "crisis_intervention",
        /// Mental health awareness.
        MentalHealthAwareness = "mental_health_awareness",
    }
}

words! {
    /// Where the recognition of a training stands.
    pub enum RecognitionStatus else "invalid_recognition" {
        /// It counts.
        Recognized = "recognized",
        /// It waits for a decision and doesn't count.
        Proposed = "proposed",
        /// It doesn't count.
        Declined = "declined",
    }
}

/// A number of hours: more than 0, at most 10,000.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Hours(f64);

impl Serialize for Hours {
    /// 40, not 40.0.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 1 to 10,000")]
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 { serializer.serialize_u16(self.0 as u16) } else { serializer.serialize_f64(self.0) }
    }
}

/// An entry of the catalogue as a caller describes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainingDraft {
    /// The catalogue's code.
    pub code: Code,
    /// Its title.
    pub title: Name,
    /// Who gives it.
    pub provider: Option<Name>,
    /// The programme that it follows.
    pub program: Program,
    /// What it counts towards.
    pub category: Category,
    /// How long it takes.
    pub hours: Option<Hours>,
    /// For how many months it is valid; never lapses when absent.
    pub validity_months: Option<u16>,
}

/// How a completion names its training.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TrainingReference {
    /// By the id that the registry gave.
    Id(Uuid),
    /// By the catalogue's code, or the client's own mapped code.
    Code(Code),
}

/// A client's own course code, mapped to a training for the days `[effective_from, effective_to)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappingDraft {
    /// The client's code, or an xAPI activity IRI.
    pub code: Code,
    /// The training that it means.
    pub training: Uuid,
    /// First day.
    pub effective_from: Date,
    /// The day after the last.
    pub effective_to: Option<Date>,
}

impl Hours {
    /// Checks a number of hours.
    ///
    /// # Errors
    /// `invalid_hours`.
    pub fn parse(hours: f64) -> Result<Self, Invalid> {
        if hours > 0.0 && hours <= 10_000.0 { Ok(Self(hours)) } else { Err(Invalid::new("invalid_hours", "must be more than 0 and at most 10000")) }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TrainingDraft {
    /// Whether another draft says the same of what IACP staff recognize: programme, category, hours and validity.
    pub fn recognized_alike(&self, other: &Self) -> bool {
        let decided = |draft: &Self| (draft.program, draft.category, draft.hours, draft.validity_months);
        decided(self) == decided(other)
    }

    /// `invalid_validity` at `/validity_months` for what isn't 1 to 1,200.
    pub fn check(&self) -> Faults {
        if self.validity_months.is_some_and(|months| !(1..=1200).contains(&months)) {
            vec![("/validity_months".into(), Invalid::new("invalid_validity", "must be 1 to 1200 months"))]
        } else {
            Faults::new()
        }
    }
}

impl MappingDraft {
    /// `ends_before_start` at `/effective_to`.
    pub fn check(&self) -> Faults {
        if self.effective_to.is_some_and(|end| end < self.effective_from) {
            let invalid = Invalid::new("ends_before_start", "must not be before effective_from");
            vec![("/effective_to".into(), invalid)]
        } else {
            Faults::new()
        }
    }

    /// Whether the mapping means something on a day.
    pub fn covers(&self, day: Date) -> bool {
        self.effective_from <= day && self.effective_to.is_none_or(|end| day < end)
    }

    /// Whether both mean something on the same day, for the same code.
    pub fn overlaps(&self, other: &Self) -> bool {
        let later = if self.effective_from < other.effective_from { other } else { self };
        self.code == other.code && self.covers(later.effective_from) && other.covers(later.effective_from)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn hours_are_positive_and_finite() {
        assert!((Hours::parse(0.5).unwrap().get() - 0.5).abs() < f64::EPSILON);
        for bad in [0.0, -1.0, 10_000.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Hours::parse(bad).unwrap_err().code, "invalid_hours", "{bad}");
        }
    }

    #[test]
    fn validity_is_1_to_1200_months_or_for_ever() {
        let with = |validity_months| TrainingDraft {
            code: Code::parse("CIT-40").unwrap(),
            title: Name::parse("CIT").unwrap(),
            provider: None,
            program: Program::Cit,
            category: Category::CrisisIntervention,
            hours: None,
            validity_months,
        };
        for good in [None, Some(1), Some(1200)] {
            assert!(with(good).check().is_empty());
        }
        for bad in [0, 1201] {
            assert_eq!(with(Some(bad)).check()[0].1.code, "invalid_validity");
        }
    }

    #[test]
    fn a_mapping_is_half_open() {
        let d = |day| date(2025, 1, day);
        let mapping = |to| MappingDraft { code: Code::parse("x").unwrap(), training: Uuid::nil(), effective_from: d(5), effective_to: to };
        let closed = mapping(Some(d(7)));
        assert_eq!([4, 5, 6, 7].map(|day| closed.covers(d(day))), [false, true, true, false]);
        assert!(mapping(None).covers(date(9999, 1, 1)));
        assert_eq!(mapping(Some(d(4))).check()[0].0, "/effective_to");
    }

    #[test]
    fn mappings_of_a_code_overlap_when_they_share_a_day() {
        let mapping = |code: &str, from, to: Option<i8>| MappingDraft {
            code: Code::parse(code).unwrap(),
            training: Uuid::nil(),
            effective_from: date(2025, 1, from),
            effective_to: to.map(|to| date(2025, 1, to)),
        };
        let held = mapping("x", 5, Some(10));
        for (from, to, overlaps) in [
            (1, Some(5), false),
            (1, Some(6), true),
            (1, None, true),
            (6, Some(7), true),
            (5, Some(10), true),
            (9, None, true),
            (10, None, false),
            (7, Some(7), false),
        ] {
            let other = mapping("x", from, to);
            assert_eq!((held.overlaps(&other), other.overlaps(&held)), (overlaps, overlaps), "{from}..{to:?}");
        }
        assert!(!held.overlaps(&mapping("X", 5, Some(10))));
    }

    #[test]
    fn every_word_reads_back() {
        for program in Program::ALL {
            assert_eq!(Program::parse(program.as_str()).unwrap(), *program);
        }
        for status in RecognitionStatus::ALL {
            assert_eq!(RecognitionStatus::parse(status.as_str()).unwrap(), *status);
        }
        assert_eq!(Category::parse("cit").unwrap_err().code, "invalid_category");
    }
}
