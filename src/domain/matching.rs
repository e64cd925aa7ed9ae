//! Which officer a reference means (rule 7).

use jiff::civil::Date;
use uuid::Uuid;

use super::agency::AgencyKey;
use super::invalid::{Faults, Invalid};
use super::names::fold;
use super::officer::Identifier;
use super::text::{Email, Name, Number};

/// How a completion names an officer: a conjunction, every key of which must agree with one and the same officer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfficerReference {
    /// The id that the registry gave.
    pub id: Option<Uuid>,
    /// A key in another system.
    pub identifier: Option<Identifier>,
    /// Address of electronic mail.
    pub email: Option<Email>,
    /// An agency of the officer.
    pub agency: Option<AgencyKey>,
    /// Number in the agency's payroll, as it stood on the day of completion.
    pub employee_number: Option<Number>,
    /// Badge or star, as it stood on the day of completion.
    pub badge_number: Option<Number>,
    /// Family name.
    pub family_name: Option<Name>,
    /// Given name.
    pub given_name: Option<Name>,
    /// First day of an appointment.
    pub appointed_on: Option<Date>,
}

/// A number that an officer bore on the days `[from, until)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberSpell {
    /// The number.
    pub number: String,
    /// First day.
    pub from: Date,
    /// The day after the last.
    pub until: Option<Date>,
}

/// An appointment of a candidate, with the numbers borne in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateAppointment {
    /// Where.
    pub agency: Uuid,
    /// First day.
    pub started_on: Date,
    /// The day after the last.
    pub ended_on: Option<Date>,
    /// Employee numbers over time.
    pub employee_numbers: Vec<NumberSpell>,
    /// Badge numbers over time.
    pub badge_numbers: Vec<NumberSpell>,
}

/// An officer within the caller's reach, as far as matching asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub officer: Uuid,
    /// `(system, value)` of each identifier.
    pub identifiers: Vec<(String, String)>,
    /// Address of electronic mail, folded.
    pub email: Option<String>,
    /// Family name, folded.
    pub family_name: String,
    /// Given name, folded.
    pub given_name: String,
    /// Spells within the caller's reach.
    pub appointments: Vec<CandidateAppointment>,
}

/// What a reference came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Match {
    /// Exactly one officer agrees with every key.
    Matched(Uuid),
    /// Nobody does.
    NoMatch,
    /// Several do.
    Ambiguous,
    /// The keys mean different people.
    Conflict,
}

impl OfficerReference {
    /// Faults, pointers relative to the reference: `agency_required` for a number without its agency, and
    /// `insufficient_reference` for one that has neither a strong key (id, identifier, email, or number within an
    /// agency) nor family name, given name, `appointed_on` and agency; `forbidden_identifier`.
    pub fn check(&self) -> Faults {
        let mut faults = Faults::new();
        if let Some(invalid) = self.identifier.as_ref().and_then(Identifier::check) {
            faults.push(("/identifier".into(), invalid));
        }
        let numbered = self.employee_number.is_some() || self.badge_number.is_some();
        if numbered && self.agency.is_none() {
            let invalid = Invalid::new("agency_required", "a number means something only within an agency");
            faults.push(("/agency".into(), invalid));
        } else if !self.has_strong_key() && !self.has_name_key() {
            let invalid = Invalid::new(
                "insufficient_reference",
                "needs id, identifier, email, or agency with employee_number or badge_number, or family_name, \
                 given_name, appointed_on and agency together",
            );
            faults.push((String::new(), invalid));
        }
        faults
    }

    /// Whether it gives an id, identifier, email, or a number within an agency.
    pub(super) fn has_strong_key(&self) -> bool {
        let numbered = self.employee_number.is_some() || self.badge_number.is_some();
        self.id.is_some() || self.identifier.is_some() || self.email.is_some() || (numbered && self.agency.is_some())
    }

    /// Whether it gives family name, given name, `appointed_on` and agency.
    pub(super) fn has_name_key(&self) -> bool {
        self.family_name.is_some() && self.given_name.is_some() && self.appointed_on.is_some() && self.agency.is_some()
    }

    /// Every key by which candidates are looked up: an officer who shares none of them cannot change the answer.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        keys.extend(self.id.map(|id| format!("id:{id}")));
        keys.extend(self.identifier.as_ref().map(|i| identifier_key(i.system.as_str(), i.value.as_str())));
        keys.extend(self.email.as_ref().map(|email| format!("email:{}", email.folded())));
        keys.extend(self.employee_number.as_ref().map(|number| format!("employee:{number}")));
        keys.extend(self.badge_number.as_ref().map(|number| format!("badge:{number}")));
        if let (Some(family), Some(given)) = (&self.family_name, &self.given_name) {
            keys.push(name_key(&fold(family.as_str()), &fold(given.as_str())));
        }
        keys
    }
}

impl Candidate {
    /// Every key under which the officer is found, in the vocabulary of [`OfficerReference::keys`], each once.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = vec![format!("id:{}", self.officer), name_key(&self.family_name, &self.given_name)];
        keys.extend(self.identifiers.iter().map(|(system, value)| identifier_key(system, value)));
        keys.extend(self.email.as_ref().map(|email| format!("email:{email}")));
        for appointment in &self.appointments {
            keys.extend(appointment.employee_numbers.iter().map(|spell| format!("employee:{}", spell.number)));
            keys.extend(appointment.badge_numbers.iter().map(|spell| format!("badge:{}", spell.number)));
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

fn identifier_key(system: &str, value: &str) -> String {
    format!("identifier:{system}|{value}")
}

fn name_key(family: &str, given: &str) -> String {
    format!("name:{family}|{given}")
}
