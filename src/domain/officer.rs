//! People, and the identifiers by which other systems know them.

use std::collections::HashSet;

use serde::Serialize;
use uuid::Uuid;

use super::appointment::{AppointmentDraft, overlaps};
use super::invalid::{Faults, Invalid, under};
use super::names::fold;
use super::text::{Email, Name, Text};

/// A key of one person in one system, unique across the registry, such as `post:US-WA` / `1001-6142`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Identifier {
    /// Who gives it out.
    pub system: Text<100>,
    /// The value there; compared exactly.
    pub value: Text<200>,
}

/// What describes a person, wherever they serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Given name.
    pub given_name: Name,
    /// Family name.
    pub family_name: Name,
    /// Address of electronic mail.
    pub email: Option<Email>,
    /// Keys in other systems.
    pub identifiers: Vec<Identifier>,
}

/// An officer as a caller describes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfficerDraft {
    /// Given name.
    pub given_name: Name,
    /// Family name.
    pub family_name: Name,
    /// Address of electronic mail.
    pub email: Option<Email>,
    /// Keys in other systems.
    pub identifiers: Vec<Identifier>,
    /// Spells at agencies.
    pub appointments: Vec<AppointmentDraft>,
}

impl Identifier {
    /// `forbidden_identifier` for what is named or shaped like a Social Security number: the registry never keeps one.
    pub fn check(&self) -> Option<Invalid> {
        let system = self.system.as_str().to_lowercase();
        let squeezed: String = system.chars().filter(|c| c.is_alphanumeric()).collect();
        let named = system.split(|c: char| !c.is_alphanumeric()).any(|word| word == "ssn") || squeezed.contains("socialsecurity");
        let shaped = self.value.as_str().len() == 11
            && self.value.as_str().bytes().enumerate().all(|(i, b)| if matches!(i, 3 | 6) { matches!(b, b'-' | b' ') } else { b.is_ascii_digit() });
        (named || shaped).then(|| Invalid::new("forbidden_identifier", "a Social Security number must never be sent to the registry"))
    }
}

/// Faults of a list of identifiers, pointers relative to its owner: forbidden ones, and `duplicate_identifier`.
pub(super) fn check_identifiers(identifiers: &[Identifier]) -> Faults {
    let mut faults = Faults::new();
    let mut seen = HashSet::new();
    for (index, identifier) in identifiers.iter().enumerate() {
        if let Some(invalid) = identifier.check() {
            faults.push((format!("/identifiers/{index}"), invalid));
        }
        if !seen.insert(identifier) {
            let invalid = Invalid::new("duplicate_identifier", "an identifier must not be given twice");
            faults.push((format!("/identifiers/{index}"), invalid));
        }
    }
    faults
}

impl Person {
    /// What stands in the place of a person: the same for the same officer.
    ///
    /// # Errors
    /// None: the names are of the form that names have.
    pub fn pseudonym(officer: Uuid) -> Result<Self, Invalid> {
        let id = officer.simple().to_string();
        let family_name = Name::parse(&format!("Pseudonym {}", &id[id.len() - 12..]))?;
        Ok(Self { given_name: Name::parse("Officer")?, family_name, email: None, identifiers: Vec::new() })
    }

    /// Every fault: forbidden and repeated identifiers.
    pub fn check(&self) -> Faults {
        check_identifiers(&self.identifiers)
    }

    /// `(family, given)` as names are compared.
    pub fn folded_names(&self) -> (String, String) {
        (fold(self.family_name.as_str()), fold(self.given_name.as_str()))
    }
}

impl OfficerDraft {
    /// Who it is, without the appointments.
    pub fn person(&self) -> Person {
        Person {
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            email: self.email.clone(),
            identifiers: self.identifiers.clone(),
        }
    }

    /// Every fault: forbidden and repeated identifiers, appointments that end before they start, and
    /// `overlapping_appointment` for two spells at one agency that share a day.
    pub fn check(&self) -> Faults {
        let mut faults = check_identifiers(&self.identifiers);
        for (index, appointment) in self.appointments.iter().enumerate() {
            faults.extend(under(&format!("/appointments/{index}"), appointment.check()));
            let spell = (appointment.started_on, appointment.ended_on);
            let overlapping = self.appointments[..index]
                .iter()
                .any(|earlier| earlier.agency == appointment.agency && overlaps((earlier.started_on, earlier.ended_on), spell));
            if overlapping {
                let detail = "two appointments at one agency must not overlap";
                faults.push((format!("/appointments/{index}"), Invalid::new("overlapping_appointment", detail)));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::super::agency::AgencyKey;
    use super::super::appointment::Employment;
    use super::*;

    fn identifier(system: &str, value: &str) -> Identifier {
        Identifier { system: Text::parse(system).unwrap(), value: Text::parse(value).unwrap() }
    }

    fn spell(agency: &str, from: Date, until: Option<Date>) -> AppointmentDraft {
        AppointmentDraft {
            agency: AgencyKey::parse(agency).unwrap(),
            sworn: true,
            employment: Employment::FullTime,
            rank: None,
            employee_number: None,
            badge_number: None,
            started_on: from,
            ended_on: until,
        }
    }

    #[test]
    fn a_social_security_number_is_never_taken() {
        for (system, value) in [("SSN", "1"), ("us-ssn", "1"), ("Social Security Number", "1"), ("hr", "123-45-6789"), ("hr", "123 45 6789")] {
            assert_eq!(identifier(system, value).check().unwrap().code, "forbidden_identifier", "{system} {value}");
        }
        for (system, value) in [("post:US-WA", "1001-6142"), ("lessness", "1"), ("hr", "123-456-789"), ("hr", "123456789")] {
            assert_eq!(identifier(system, value).check(), None, "{system} {value}");
        }
    }

    #[test]
    fn a_draft_tells_all_its_faults() {
        let d = |day| date(2025, 1, day);
        let draft = OfficerDraft {
            given_name: Name::parse("Ana").unwrap(),
            family_name: Name::parse("Rivera").unwrap(),
            email: None,
            identifiers: vec![identifier("a", "1"), identifier("a", "1"), identifier("a", "2")],
            appointments: vec![
                spell("ori:TX2270000", d(1), Some(d(9))),
                spell("ori:TX2270100", d(2), None),
                spell("ori:TX2270000", d(8), None),
                spell("ori:TX2270100", d(5), Some(d(4))),
            ],
        };
        let faults: Vec<_> = draft.check().into_iter().map(|(pointer, invalid)| (pointer, invalid.code)).collect();
        assert_eq!(
            faults,
            [
                ("/identifiers/1".to_owned(), "duplicate_identifier"),
                ("/appointments/2".to_owned(), "overlapping_appointment"),
                ("/appointments/3/ended_on".to_owned(), "ends_before_start"),
            ]
        );
    }
}
