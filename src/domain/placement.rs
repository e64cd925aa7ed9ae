//! Where a completion stands: placed with an officer and a training, or parked until both are known (rule 8).

use uuid::Uuid;

use super::matching::Match;
use super::words::words;

words! {
    /// Why a completion waits.
    pub enum ParkedReason else "invalid_reason" {
        /// Nobody answers to the reference.
        NoMatch = "no_match",
        /// Several officers do.
        Ambiguous = "ambiguous",
        /// Its keys mean different people.
        Conflict = "conflict",
        /// The officer is known, the course is not.
        UnknownTraining = "unknown_training",
    }
}

words! {
    /// Where a completion stands.
    pub enum CompletionStatus else "invalid_status" {
        /// With its officer and training.
        Placed = "placed",
        /// Waiting for one of them.
        Parked = "parked",
        /// Taken back; it counts for nothing.
        Revoked = "revoked",
    }
}

/// What matching made of a completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The officer, where exactly one was meant.
    pub officer: Option<Uuid>,
    /// The training, where the course is known.
    pub training: Option<Uuid>,
    /// Why it waits; `None` when both are known.
    pub reason: Option<ParkedReason>,
}

impl Placement {
    /// Joins what the officer reference and the training reference came to. Who is meant is told before what.
    pub fn of(officer: Match, training: Option<Uuid>) -> Self {
        let (officer, reason) = match officer {
            Match::Matched(id) => (Some(id), training.is_none().then_some(ParkedReason::UnknownTraining)),
            Match::NoMatch => (None, Some(ParkedReason::NoMatch)),
            Match::Ambiguous => (None, Some(ParkedReason::Ambiguous)),
            Match::Conflict => (None, Some(ParkedReason::Conflict)),
        };
        Self { officer, training, reason }
    }

    /// The officer for whom the completion may count; `None` while it waits.
    pub fn counts_for(&self) -> Option<Uuid> {
        self.officer.filter(|_| self.reason.is_none())
    }

    /// What staff said stands before what matching found.
    #[must_use]
    pub fn or(self, found: Self) -> Self {
        let (officer, training) = (self.officer.or(found.officer), self.training.or(found.training));
        let reason = match (officer, training) {
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some(ParkedReason::UnknownTraining),
            (None, _) => found.reason.or(self.reason).or(Some(ParkedReason::NoMatch)),
        };
        Self { officer, training, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_is_placed_when_both_are_known_and_waits_for_the_officer_first() {
        let (officer, training) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let placed = Placement::of(Match::Matched(officer), Some(training));
        assert_eq!((placed.officer, placed.training, placed.reason), (Some(officer), Some(training), None));
        assert_eq!(Placement::of(Match::Matched(officer), None).reason, Some(ParkedReason::UnknownTraining));
        assert_eq!(Placement::of(Match::Conflict, None).reason, Some(ParkedReason::Conflict));
        assert_eq!(Placement::of(Match::Ambiguous, Some(training)).reason, Some(ParkedReason::Ambiguous));
        assert_eq!(Placement::of(Match::NoMatch, Some(training)).training, Some(training));
    }

    #[test]
    fn what_staff_placed_is_not_undone_by_matching() {
        let (officer, other, training) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let by_hand = Placement { officer: Some(officer), training: None, reason: Some(ParkedReason::UnknownTraining) };
        let found = Placement::of(Match::Matched(other), Some(training));
        assert_eq!(by_hand.or(found), Placement { officer: Some(officer), training: Some(training), reason: None });
        assert_eq!(by_hand.or(Placement::of(Match::NoMatch, None)), by_hand);
    }
}
