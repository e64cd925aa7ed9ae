//! Completions as they are pushed, and when one becomes credit (rules 2 and 10).

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use uuid::Uuid;

use super::coverage::Credit;
use super::dates::{parse_date, parse_local_instant};
use super::invalid::{Faults, Invalid, under};
use super::matching::OfficerReference;
use super::text::{Code, Url};
use super::training::{Category, Hours, RecognitionStatus, TrainingReference};

/// When a training was completed: the local calendar date, and the instant when one was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompletedOn {
    /// The date where it happened.
    pub date: Date,
    /// The instant, to the microsecond.
    pub instant: Option<Timestamp>,
}

/// A result between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Score(f64);

/// A completion as a caller pushes it.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletionDraft {
    /// The sender's own id of the record.
    pub external_id: Code,
    /// Who completed.
    pub officer: OfficerReference,
    /// What was completed.
    pub training: TrainingReference,
    /// When.
    pub completed: CompletedOn,
    /// The first day on which it no longer counts, as sent.
    pub expires_on: Option<Date>,
    /// How long it took.
    pub hours: Option<Hours>,
    /// With which result.
    pub score: Option<Score>,
    /// Whether it was passed.
    pub passed: bool,
    /// The number on the certificate.
    pub certificate_number: Option<Code>,
    /// Where the evidence lies.
    pub evidence_url: Option<Url>,
    /// The sender's revision of the record.
    pub revision: Option<u64>,
    /// When the sender last changed the record.
    pub updated_at: Option<Timestamp>,
}

/// What is held of a completion, as far as it decides about credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Who completed, once that is known.
    pub officer: Option<Uuid>,
    /// What was completed, once that is known.
    pub training: Option<TrainingTerms>,
    /// When.
    pub completed_on: Date,
    /// The first day on which it no longer counts, as sent.
    pub expires_on: Option<Date>,
    /// Whether it was passed.
    pub passed: bool,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// What a training says about the credit it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingTerms {
    /// What it counts towards.
    pub category: Category,
    /// Whether it counts at all.
    pub recognition: RecognitionStatus,
    /// For how many months it is valid.
    pub validity_months: Option<u16>,
}

impl CompletedOn {
    /// Reads an ISO date, or an RFC 3339 instant: its date in the offset that the sender wrote, never shifted to UTC.
    ///
    /// # Errors
    /// `invalid_date`, `invalid_instant`, or `offset_required` for an instant without one.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.len() <= 10 {
            return parse_date(text).map(|date| Self { date, instant: None });
        }
        parse_local_instant(text).map(|(date, instant)| Self { date, instant: Some(instant) })
    }
}

impl Score {
    /// Checks a result.
    ///
    /// # Errors
    /// `invalid_score` for what isn't between 0 and 1.
    pub fn parse(score: f64) -> Result<Self, Invalid> {
        // A negative zero would be another content than zero, and is none to a sender.
        if (0.0..=1.0).contains(&score) { Ok(Self(score.abs())) } else { Err(Invalid::new("invalid_score", "must be between 0 and 1")) }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl CompletionDraft {
    /// The same without whatever tells who somebody is: of the reference the officer's id alone where it is known, else the agency;
    /// neither number nor address of a certificate.
    #[must_use]
    pub fn reduced(&self, officer: Option<Uuid>) -> Self {
        let agency = self.officer.agency.clone().filter(|_| officer.is_none());
        let officer = OfficerReference { id: officer, agency, ..OfficerReference::default() };
        Self { officer, certificate_number: None, evidence_url: None, ..self.clone() }
    }

    /// Every fault between the fields: `expires_before_completion`, `in_the_future` when it was completed more than one
    /// day after `today` (a day of grace, since dates are local), and those of the officer reference under `/officer`.
    pub fn check(&self, today: Date) -> Faults {
        let mut faults = under("/officer", self.officer.check());
        if self.completed.date > today.saturating_add(1.day()) {
            let invalid = Invalid::new("in_the_future", "must not be in the future");
            faults.push(("/completed_on".into(), invalid));
        }
        if self.expires_on.is_some_and(|expiry| expiry <= self.completed.date) {
            let invalid = Invalid::new("expires_before_completion", "must be after completed_on");
            faults.push(("/expires_on".into(), invalid));
        }
        faults
    }
}

/// The first day on which a completion no longer counts: as sent, else by the validity of the training, else never.
///
/// A month that has no such day ends on its last one; a day beyond the year 9999 is never.
pub fn effective_expiry(completed_on: Date, sent: Option<Date>, validity_months: Option<u16>) -> Option<Date> {
    sent.or_else(|| completed_on.checked_add(i32::from(validity_months?).months()).ok())
}

/// The credit that a completion gives: only when officer and training are known, the training is recognized, and it was
/// passed, is not revoked, and counts on at least one day.
pub fn credit(record: &Record) -> Option<Credit> {
    let (officer, training) = (record.officer?, record.training?);
    let counts = training.recognition == RecognitionStatus::Recognized && record.passed && !record.revoked;
    let expires_on = effective_expiry(record.completed_on, record.expires_on, training.validity_months);
    let lasts = expires_on.is_none_or(|expiry| record.completed_on < expiry);
    (counts && lasts).then_some(Credit { officer, category: training.category, completed_on: record.completed_on, expires_on })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_completion_keeps_the_date_that_the_sender_wrote() {
        let plain = CompletedOn::parse("2026-03-06").unwrap();
        assert_eq!(plain, CompletedOn { date: date(2026, 3, 6), instant: None });
        for (sent, day, instant) in [
            ("2026-03-06T23:30:00-06:00", date(2026, 3, 6), "2026-03-07T05:30:00Z"),
            ("2026-03-06T00:30:00+10:00", date(2026, 3, 6), "2026-03-05T14:30:00Z"),
            ("2026-03-06T00:30:00Z", date(2026, 3, 6), "2026-03-06T00:30:00Z"),
        ] {
            let read = CompletedOn::parse(sent).unwrap();
            assert_eq!(read.date, day, "{sent}");
            assert_eq!(read.instant.unwrap().to_string(), instant, "{sent}");
        }
        for (bad, code) in [
            ("2026-03-06T23:30:00", "offset_required"),
            ("2026-02-30", "invalid_date"),
            ("yesterday", "invalid_date"),
            ("the day before yesterday", "invalid_instant"),
        ] {
            assert_eq!(CompletedOn::parse(bad).unwrap_err().code, code, "{bad}");
        }
    }

    #[test]
    fn a_score_is_a_share() {
        assert_eq!(Score::parse(-0.0).unwrap().get().to_bits(), 0.0_f64.to_bits());
        for bad in [-0.1, 1.01, f64::NAN, 93.0] {
            assert_eq!(Score::parse(bad).unwrap_err().code, "invalid_score", "{bad}");
        }
    }

    #[test]
    fn what_was_sent_is_stronger_than_the_validity() {
        let on = date(2024, 2, 29);
        assert_eq!(effective_expiry(on, None, None), None);
        assert_eq!(effective_expiry(on, None, Some(12)), Some(date(2025, 2, 28)));
        assert_eq!(effective_expiry(on, Some(date(2024, 3, 1)), Some(12)), Some(date(2024, 3, 1)));
        assert_eq!(effective_expiry(date(9990, 1, 1), None, Some(1200)), None);
    }

    #[test]
    fn only_what_counts_becomes_credit() {
        let terms = TrainingTerms { category: Category::CrisisIntervention, recognition: RecognitionStatus::Recognized, validity_months: Some(24) };
        let good = Record {
            officer: Some(Uuid::max()),
            training: Some(terms),
            completed_on: date(2025, 1, 31),
            expires_on: None,
            passed: true,
            revoked: false,
        };
        let expected = Credit {
            officer: Uuid::max(),
            category: Category::CrisisIntervention,
            completed_on: date(2025, 1, 31),
            expires_on: Some(date(2027, 1, 31)),
        };
        assert_eq!(credit(&good), Some(expected));
        for bad in [
            Record { officer: None, ..good },
            Record { training: None, ..good },
            Record { passed: false, ..good },
            Record { revoked: true, ..good },
            Record { expires_on: Some(date(2025, 1, 31)), ..good },
            Record { training: Some(TrainingTerms { recognition: RecognitionStatus::Proposed, ..terms }), ..good },
            Record { training: Some(TrainingTerms { recognition: RecognitionStatus::Declined, ..terms }), ..good },
        ] {
            assert_eq!(credit(&bad), None, "{bad:?}");
        }
    }
}
