//! Where an agency stands, and when that changes next (rules 5 and 6).

use jiff::civil::Date;
use serde::Serialize;
use uuid::Uuid;

use super::readiness::Evaluation;
use super::words::words;

words! {
    /// Where an agency stands.
    pub enum Stage else "invalid_stage" {
        /// It never pledged.
        NotPledged = "not_pledged",
        /// It pledged, and its term runs.
        InProgress = "in_progress",
        /// It meets all requirements and hasn't applied.
        RequirementsMet = "requirements_met",
        /// Staff are looking at its application.
        InReview = "in_review",
        /// It is One Mind Certified.
        Certified = "certified",
        /// Its term is over and the requirements are not met.
        Overdue = "overdue",
        /// It withdrew its pledge.
        Withdrawn = "withdrawn",
        /// Its certification was revoked.
        Revoked = "revoked",
    }
}

/// The pledge in question, seen from a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PledgeView {
    /// Its id.
    pub id: Uuid,
    /// The day of the pledge.
    pub pledged_on: Date,
    /// The last day of its term.
    pub due_on: Date,
    /// Days from the day asked to the last day of the term; negative after it.
    pub days_left: i32,
}

/// The next day on which the status changes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NextChange {
    /// The day.
    pub on: Date,
    /// How many more people are trained from that day on.
    pub trained: i64,
    /// How many more people hold crisis intervention from that day on.
    pub crisis_intervention: i64,
    /// Whether all requirements are met from that day on.
    pub still_met: bool,
}

/// Where an agency stands on a day; for a future day, assuming that nothing new is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The code of the standard.
    pub standard: String,
    /// The day.
    pub as_of: Date,
    /// The stage.
    pub stage: Stage,
    /// For a certified agency: whether it still meets all requirements.
    pub maintained: Option<bool>,
    /// The pledge in question.
    pub pledge: Option<PledgeView>,
    /// The requirements.
    pub evaluation: Evaluation,
    /// The next day on which anything of this changes, other than the day itself and the days left.
    pub next_change: Option<NextChange>,
}
