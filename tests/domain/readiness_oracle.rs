//! DESIGN §3, rules 1 to 6, for one person and one day at a time.

use jiff::ToSpan;
use jiff::civil::Date;
use onemind::domain::completion::Record;
use onemind::domain::coverage::Spell;
use onemind::domain::evidence::InForce;
use onemind::domain::pledge::Pledge;
use onemind::domain::readiness::CertificationFact;
use onemind::domain::stage::Stage;
use onemind::domain::standard::Standard;
use onemind::domain::training::{Category, RecognitionStatus};
use uuid::Uuid;

/// An agency with the completions as they are held, whether or not they count.
#[derive(Debug, Clone)]
pub struct World {
    pub standard: Standard,
    pub people: Vec<Uuid>,
    pub spells_here: Vec<Spell>,
    pub declared: Option<u32>,
    pub records: Vec<Record>,
    pub partnerships: Vec<InForce>,
    pub policies: Vec<InForce>,
    pub pledges: Vec<Pledge>,
    pub certifications: Vec<CertificationFact>,
}

/// What the rules say of a day, all that may be told to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    pub stage: Stage,
    pub maintained: Option<bool>,
    pub pledge: Option<(Uuid, Date, Date)>,
    pub partnerships: u32,
    pub policies: u32,
    pub sworn: u32,
    pub roster: u32,
    pub roster_incomplete: bool,
    pub trained: (u32, bool),
    pub crisis: (u32, bool),
    pub training_met: bool,
    pub met: bool,
}

impl World {
    pub fn is_sworn(&self, person: Uuid, day: Date) -> bool {
        self.spells_here.iter().any(|spell| spell.officer == person && spell.started_on <= day && spell.ended_on.is_none_or(|end| day < end))
    }

    pub fn holds(&self, person: Uuid, category: Category, day: Date) -> bool {
        self.records.iter().any(|record| {
            let Some(training) = record.training else { return false };
            let expires_on = match (record.expires_on, training.validity_months) {
                (Some(sent), _) => Some(sent),
                (None, Some(months)) => Some(months_later(record.completed_on, months)),
                (None, None) => None,
            };
            let never_was = expires_on.is_some_and(|end| end <= record.completed_on);
            record.officer == Some(person)
                && training.category == category
                && training.recognition == RecognitionStatus::Recognized
                && record.passed
                && !record.revoked
                && !never_was
                && record.completed_on <= day
                && (self.standard.lapsed_credit_counts || expires_on.is_none_or(|end| day < end))
        })
    }

    pub fn has_crisis(&self, person: Uuid, day: Date) -> bool {
        self.holds(person, Category::CrisisIntervention, day)
    }

    /// Under the standard of 2016 everybody holds awareness training; under the current one, one or the other.
    pub fn is_trained(&self, person: Uuid, day: Date) -> bool {
        let aware = self.holds(person, Category::MentalHealthAwareness, day);
        if self.standard.crisis_counts_as_awareness { aware || self.has_crisis(person, day) } else { aware }
    }

    fn count(&self, day: Date, holds: impl Fn(Uuid) -> bool) -> u32 {
        let mut count = 0;
        for person in &self.people {
            if self.is_sworn(*person, day) && holds(*person) {
                count += 1;
            }
        }
        count
    }

    pub fn day(&self, day: Date) -> Day {
        let roster = self.count(day, |_| true);
        let sworn = if self.declared > Some(roster) { self.declared.unwrap_or(0) } else { roster };
        let trained = self.count(day, |person| self.is_trained(person, day));
        let crisis = self.count(day, |person| self.has_crisis(person, day));
        let trained_met = sworn > 0 && trained >= sworn;
        let crisis_met = sworn > 0 && 5 * crisis >= sworn;
        let in_force = |all: &[InForce]| {
            let mut count = 0;
            for one in all {
                if one.from <= day && (one.until.is_none() || one.until > Some(day)) {
                    count += 1;
                }
            }
            count
        };
        let (partnerships, policies) = (in_force(&self.partnerships), in_force(&self.policies));
        let training_met = trained_met && crisis_met;
        let met = partnerships > 0 && policies > 0 && training_met;
        let stage = self.stage(day, met);
        Day {
            stage,
            maintained: if stage == Stage::Certified { Some(met) } else { None },
            pledge: self.pledge(day).map(|pledge| (pledge.id, pledge.pledged_on, due(pledge))),
            partnerships,
            policies,
            sworn,
            roster,
            roster_incomplete: self.declared.is_some_and(|declared| declared > roster),
            trained: (trained, trained_met),
            crisis: (crisis, crisis_met),
            training_met,
            met,
        }
    }

    /// The latest pledge made by the day, of several on one day that with the greatest id.
    fn pledge(&self, day: Date) -> Option<&Pledge> {
        let mut made: Vec<&Pledge> = self.pledges.iter().filter(|pledge| pledge.pledged_on <= day).collect();
        made.sort_by_key(|pledge| (pledge.pledged_on, pledge.id));
        made.last().copied()
    }

    fn stage(&self, day: Date, met: bool) -> Stage {
        let mut awards_that_stand = Vec::new();
        let mut revocations = Vec::new();
        let mut reviews = Vec::new();
        for fact in &self.certifications {
            match fact {
                CertificationFact::InReview { since, until } if *since <= day && until.is_none_or(|until| until > day) => reviews.push(*since),
                CertificationFact::Revoked { revoked_on, .. } if *revoked_on <= day => revocations.push(*revoked_on),
                CertificationFact::Certified { awarded_on } | CertificationFact::Revoked { awarded_on, .. } if *awarded_on <= day => {
                    awards_that_stand.push(*awarded_on);
                }
                _ => {}
            }
        }
        let awarded_since = |revoked: &Date| awards_that_stand.iter().any(|awarded| awarded >= revoked);
        if revocations.iter().any(|revoked| !awarded_since(revoked)) {
            return Stage::Revoked;
        }
        if !awards_that_stand.is_empty() {
            return Stage::Certified;
        }
        if !reviews.is_empty() {
            return Stage::InReview;
        }
        let Some(pledge) = self.pledge(day) else { return Stage::NotPledged };
        if pledge.withdrawn_on.is_some_and(|withdrawn| withdrawn <= day) {
            Stage::Withdrawn
        } else if met {
            Stage::RequirementsMet
        } else if day > due(pledge) {
            Stage::Overdue
        } else {
            Stage::InProgress
        }
    }
}

pub fn due(pledge: &Pledge) -> Date {
    pledge.extended_to.unwrap_or_else(|| months_later(pledge.pledged_on, u16::from(pledge.term_months.get())))
}

/// The same day so many months later, or the last day of that month when it has no such day.
fn months_later(from: Date, months: u16) -> Date {
    let index = i32::from(from.year()) * 12 + i32::from(from.month()) - 1 + i32::from(months);
    let year = i16::try_from(index.div_euclid(12)).unwrap();
    let month = i8::try_from(index.rem_euclid(12) + 1).unwrap();
    (1..=from.day()).rev().find_map(|day| Date::new(year, month, day).ok()).unwrap()
}

pub fn day_after(day: Date) -> Date {
    day.checked_add(1.day()).unwrap()
}
