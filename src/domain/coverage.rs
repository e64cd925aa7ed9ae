//! Who is sworn and who is trained, as a step function over days (rules 1 and 2).

use jiff::civil::Date;
use uuid::Uuid;

use super::training::Category;

/// A sworn appointment at the agency: the days `[started_on, ended_on)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spell {
    /// Who.
    pub officer: Uuid,
    /// First day.
    pub started_on: Date,
    /// The day after the last.
    pub ended_on: Option<Date>,
}

/// A completion that counts on the days `[completed_on, expires_on)`: recognized, passed, not revoked, and placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credit {
    /// Who.
    pub officer: Uuid,
    /// Towards what it counts.
    pub category: Category,
    /// First day.
    pub completed_on: Date,
    /// The first day on which it no longer counts, as sent or by the training's validity.
    pub expires_on: Option<Date>,
}

/// The numbers of people on a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sworn on the roster.
    pub roster: u32,
    /// Of these, trained as the standard asks of everybody.
    pub trained: u32,
    /// Of these, with credit in crisis intervention.
    pub crisis: u32,
}
