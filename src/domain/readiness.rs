//! Which requirements are met on a day (rules 1 to 5).

use jiff::civil::Date;
use serde::Serialize;

use super::coverage::{Credit, Spell};
use super::evidence::InForce;
use super::pledge::Pledge;

/// A certification as far as the rules ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificationFact {
    /// Staff are looking at it.
    InReview {
        /// First day.
        since: Date,
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
}

/// A number of people beside the number that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Whether at least one is in force.
    pub met: bool,
    /// How many are in force.
    pub in_force: u32,
}

/// Which requirements are met on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
