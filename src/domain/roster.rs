//! Which officers the entries of a whole roster are (rule 7, one to one).

mod assign;

use std::collections::HashSet;

use jiff::civil::Date;
use uuid::Uuid;

use super::appointment::{Employment, check_dates};
use super::invalid::Faults;
use super::officer::{Identifier, check_identifiers};
use super::text::{Email, Name, Number};
use super::words::words;

pub use assign::plan;

words! {
    /// What a roster leaves out.
    #[derive(Default)]
    pub enum RosterMode else "invalid_mode" {
        /// Whoever doesn't serve at the agency any more: it is the whole of it.
        #[default]
        Full = "full",
        /// Whoever is as before: it names changes alone.
        Delta = "delta",
    }
}

/// An entry of a roster: an officer with one appointment, flattened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterEntry {
    /// Family name.
    pub family_name: Name,
    /// Given name.
    pub given_name: Name,
    /// Address of electronic mail.
    pub email: Option<Email>,
    /// Number in the agency's payroll.
    pub employee_number: Option<Number>,
    /// Badge or star.
    pub badge_number: Option<Number>,
    /// Rank.
    pub rank: Option<Name>,
    /// How the officer is employed.
    pub employment: Employment,
    /// Whether the officer is sworn.
    pub sworn: bool,
    /// First day.
    pub started_on: Date,
    /// The day after the last, when it is known.
    pub ended_on: Option<Date>,
    /// Keys in other systems.
    pub identifiers: Vec<Identifier>,
}

/// What the store holds of somebody who may be on the roster.
///
/// Pass the open appointments at the agency; the closed ones that started on a day that an entry names (so that an entry
/// for a spell that is over finds it again); and, with `appointment` absent, officers within reach who hold an identifier
/// of an entry (rehires, transfers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub officer: Uuid,
    /// The appointment at the agency.
    pub appointment: Option<Uuid>,
    /// Family name, folded.
    pub family_name: String,
    /// Given name, folded.
    pub given_name: String,
    /// Address of electronic mail, folded.
    pub email: Option<String>,
    /// `(system, value)` of each identifier.
    pub identifiers: Vec<(String, String)>,
    /// Number in the agency's payroll.
    pub employee_number: Option<String>,
    /// Badge or star.
    pub badge_number: Option<String>,
    /// Rank.
    pub rank: Option<String>,
    /// Whether the appointment is sworn.
    pub sworn: bool,
    /// First day of the appointment.
    pub started_on: Option<Date>,
    /// The day after its last.
    pub ended_on: Option<Date>,
}

/// Who an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Assignment {
    /// Somebody held, in that appointment, or in a new one when there is none.
    Existing {
        /// Who.
        officer: Uuid,
        /// The appointment at the agency that the entry describes.
        appointment: Option<Uuid>,
    },
    /// Nobody held.
    New,
    /// A strong key means one person and the names another.
    Conflict,
    /// Several held, and nothing tells which.
    Ambiguous,
}

impl RosterEntry {
    /// Faults: `ends_before_start`, forbidden and repeated identifiers.
    pub fn check(&self) -> Faults {
        let mut faults = check_identifiers(&self.identifiers);
        faults.extend(check_dates(self.started_on, self.ended_on));
        faults
    }
}

/// Who the entries of a whole roster are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// For each entry, in the order of the roster.
    pub assignments: Vec<Assignment>,
    /// Officers whom an entry in conflict, or an ambiguous one, may mean: no entry was assigned to them, and yet they must not
    /// be ended as missing.
    pub contested: HashSet<Uuid>,
}

/// Who each entry of a whole roster is, in the order of the roster.
///
/// One to one, since real rosters hold people whom nothing tells apart. In passes, from the surest evidence to the weakest:
///
/// 1. an identifier (`Conflict` when both names differ, or when it is given twice);
/// 2. everything equal; employee number, then email, with at least one of the names;
/// 3. names, first day and badge number, absent being equal to absent;
/// 4. badge number with both names, or with the first day and one of the names;
/// 5. names and first day, where that leaves no choice (`Ambiguous` where it leaves one).
///
/// Of what is left, an entry is in `Conflict` when its number is borne by somebody left of two other names since the same
/// first day, and `New` otherwise. Two different keys in one system mean two people where no number agrees. The order of
/// the roster doesn't matter, save among entries that are equal. Takes O(n log n).
pub fn assign(entries: &[RosterEntry], members: &[Member]) -> Vec<Assignment> {
    plan(entries, members).assignments
}

#[cfg(test)]
mod tests;
