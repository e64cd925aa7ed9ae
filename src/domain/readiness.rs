//! Which requirements are met on a day (rules 1 to 5).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::coverage::{Counts, Coverage, Credit, Spell};
use super::evidence::InForce;
use super::pledge::Pledge;
use super::standard::{Share, Standard};

/// A certification as far as the rules ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificationFact {
    /// It was applied for, and is or was to be decided.
    InReview {
        /// First day.
        since: Date,
        /// The day of the decision.
        until: Option<Date>,
    },
    /// It was awarded.
    Certified {
        /// The day.
        awarded_on: Date,
    },
    /// It was awarded and then revoked.
    Revoked {
        /// The day of the award.
        awarded_on: Date,
        /// The first day on which it no longer holds.
        revoked_on: Date,
    },
}

/// All that is known about one agency, as far as the rules ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Sworn appointments at the agency, past, present and future.
    pub sworn: Vec<Spell>,
    /// The declared sworn strength.
    pub declared: Option<u32>,
    /// Credit of these officers, wherever it was earned; that of others doesn't matter.
    pub credits: Vec<Credit>,
    /// When each partnership is in force.
    pub partnerships: Vec<InForce>,
    /// When each policy is in force.
    pub policies: Vec<InForce>,
    /// Every pledge.
    pub pledges: Vec<Pledge>,
    /// Every certification that reached review.
    pub certifications: Vec<CertificationFact>,
    /// The pledges on which a certification was awarded that holds, each with the day of the award.
    pub fulfilled: Vec<(Uuid, Date)>,
}

/// A number of people beside the number that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// How many there are.
    pub count: u32,
    /// How many are needed.
    pub needed: u32,
    /// How many are missing.
    pub short: u32,
    /// Whether there are enough; never when nobody is sworn.
    pub met: bool,
}

/// The third requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    /// Whether both measures are met.
    pub met: bool,
    /// The denominator: the larger of roster and declaration.
    pub sworn: u32,
    /// Sworn officers on the roster.
    pub roster: u32,
    /// The declared sworn strength.
    pub declared: Option<u32>,
    /// Whether the roster is smaller than the declaration.
    pub roster_incomplete: bool,
    /// Officers trained as the standard asks of everybody.
    pub trained: Measure,
    /// Officers with credit in crisis intervention.
    pub crisis_intervention: Measure,
}

/// The first or second requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Whether at least one is in force.
    pub met: bool,
    /// How many are in force.
    pub in_force: u32,
}

/// Which requirements are met on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The day.
    pub as_of: Date,
    /// Partnership.
    pub partnership: Evidence,
    /// Policy.
    pub policy: Evidence,
    /// Training.
    pub training: Training,
}

impl Evaluation {
    /// Whether all three requirements are met.
    pub fn met(&self) -> bool {
        self.partnership.met && self.policy.met && self.training.met
    }
}

/// Which requirements are met on a day, past or future, as far as is known.
pub fn evaluate(standard: &Standard, facts: &Facts, on: Date) -> Evaluation {
    let coverage = Coverage::build(standard, &facts.sworn, &facts.credits);
    evaluate_counts(standard, facts, coverage.at(on), on)
}

/// The same, when the people are counted already.
pub(super) fn evaluate_counts(standard: &Standard, facts: &Facts, counts: Counts, on: Date) -> Evaluation {
    let sworn = counts.roster.max(facts.declared.unwrap_or(0));
    let everybody = Share { numerator: 1, denominator: 1 };
    let trained = measure(counts.trained, everybody, sworn);
    let crisis_intervention = measure(counts.crisis, standard.crisis_share, sworn);
    Evaluation {
        as_of: on,
        partnership: evidence(&facts.partnerships, on),
        policy: evidence(&facts.policies, on),
        training: Training {
            met: trained.met && crisis_intervention.met,
            sworn,
            roster: counts.roster,
            declared: facts.declared,
            roster_incomplete: facts.declared.is_some_and(|declared| counts.roster < declared),
            trained,
            crisis_intervention,
        },
    }
}

fn measure(count: u32, share: Share, sworn: u32) -> Measure {
    let needed = share.needed(sworn);
    Measure { count, needed, short: needed.saturating_sub(count), met: sworn > 0 && share.holds(count, sworn) }
}

fn evidence(all: &[InForce], on: Date) -> Evidence {
    let in_force = u32::try_from(all.iter().filter(|one| one.covers(on)).count()).unwrap_or(u32::MAX);
    Evidence { met: in_force > 0, in_force }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use uuid::Uuid;

    use super::super::standard::{one_mind, one_mind_2016};
    use super::super::training::Category::{CrisisIntervention, MentalHealthAwareness};
    use super::*;

    const DAY: Date = date(2026, 11, 21);

    /// Sworn officers numbered from 1, the first `crisis` of them with crisis training, the next `awareness` with the other.
    fn agency(sworn: u128, declared: Option<u32>, crisis: u128, awareness: u128) -> Facts {
        let start = date(2020, 1, 1);
        Facts {
            sworn: (1..=sworn).map(|n| Spell { officer: Uuid::from_u128(n), started_on: start, ended_on: None }).collect(),
            declared,
            credits: (1..=crisis + awareness)
                .map(|n| Credit {
                    officer: Uuid::from_u128(n),
                    category: if n <= crisis { CrisisIntervention } else { MentalHealthAwareness },
                    completed_on: start,
                    expires_on: None,
                })
                .collect(),
            ..Facts::default()
        }
    }

    #[test]
    fn the_larger_of_roster_and_declaration_is_the_denominator() {
        let facts = agency(118, Some(120), 30, 87);
        let training = evaluate(&one_mind(), &facts, DAY).training;
        assert_eq!(
            training,
            Training {
                met: false,
                sworn: 120,
                roster: 118,
                declared: Some(120),
                roster_incomplete: true,
                trained: Measure { count: 117, needed: 120, short: 3, met: false },
                crisis_intervention: Measure { count: 30, needed: 24, short: 0, met: true },
            }
        );
        let whole_roster_trained = evaluate(&one_mind(), &agency(118, Some(120), 30, 88), DAY).training;
        assert!(!whole_roster_trained.met, "a roster that leaves people out is not at 100 %");
        let declared_less = evaluate(&one_mind(), &agency(118, Some(100), 30, 88), DAY).training;
        assert_eq!((declared_less.sworn, declared_less.roster_incomplete, declared_less.met), (118, false, true));
    }

    #[test]
    fn an_agency_with_nobody_sworn_meets_nothing() {
        for declared in [None, Some(0)] {
            let training = evaluate(&one_mind(), &agency(0, declared, 3, 0), DAY).training;
            assert!(!training.met && !training.trained.met && !training.crisis_intervention.met);
            assert_eq!((training.trained.needed, training.crisis_intervention.needed), (0, 0));
        }
    }

    #[test]
    fn a_fifth_is_enough_and_one_less_is_not() {
        for (sworn, crisis, met) in [(5, 1, true), (6, 1, false), (6, 2, true), (10, 2, true), (11, 2, false), (11, 3, true)] {
            let training = evaluate(&one_mind(), &agency(sworn, None, crisis, sworn - crisis), DAY).training;
            assert_eq!((training.trained.met, training.crisis_intervention.met), (true, met), "{crisis} of {sworn}");
        }
    }

    #[test]
    fn crisis_training_stands_in_for_awareness_only_under_the_current_standard() {
        let mut facts = agency(5, None, 1, 4);
        assert!(evaluate(&one_mind(), &facts, DAY).training.met);
        let old = evaluate(&one_mind_2016(), &facts, DAY).training;
        assert_eq!(old.trained, Measure { count: 4, needed: 5, short: 1, met: false });
        facts.credits.push(Credit { category: MentalHealthAwareness, ..facts.credits[0] });
        assert!(evaluate(&one_mind_2016(), &facts, DAY).training.met);
    }

    #[test]
    fn credit_counts_from_the_day_of_completion_to_before_its_expiry() {
        let mut facts = agency(1, None, 1, 0);
        facts.credits[0].completed_on = date(2026, 3, 6);
        facts.credits[0].expires_on = Some(date(2026, 9, 6));
        let trained = |standard: &Standard, day| evaluate(standard, &facts, day).training.trained.count;
        let days = [date(2026, 3, 5), date(2026, 3, 6), date(2026, 9, 5), date(2026, 9, 6)];
        assert_eq!(days.map(|day| trained(&one_mind(), day)), [0, 1, 1, 0]);
        let lenient = Standard { lapsed_credit_counts: true, ..one_mind() };
        assert_eq!(days.map(|day| trained(&lenient, day)), [0, 1, 1, 1]);
    }

    #[test]
    fn evidence_holds_when_at_least_one_is_in_force() {
        let mut facts = agency(1, None, 1, 0);
        facts.partnerships =
            vec![InForce { from: date(2025, 1, 1), until: Some(DAY) }, InForce { from: date(2025, 1, 1), until: Some(date(2026, 11, 22)) }];
        let evaluation = evaluate(&one_mind(), &facts, DAY);
        assert_eq!(evaluation.partnership, Evidence { met: true, in_force: 1 });
        assert_eq!(evaluation.policy, Evidence { met: false, in_force: 0 });
        assert!(!evaluation.met());
    }
}
