//! By what officers are found who may be meant (rule 7).

use uuid::Uuid;

use super::matching::{Candidate, OfficerReference, name_key};
use super::names::fold;
use super::numbers::NumberKind;
use super::officer::Identifier;
use super::text::Email;

/// Something of an officer that a reference may name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lookup {
    /// The id, or one that it stands in place of.
    Id(Uuid),
    /// System and value of an identifier.
    Identifier(String, String),
    /// Address of electronic mail, folded.
    Email(String),
    /// Digest of the address.
    EmailSha1(String),
    /// A number borne at an agency: everywhere else it is another officer's.
    Number(Uuid, NumberKind, String),
    /// The key of a name; of those who were ever appointed at an agency, or of all.
    Name(Option<Uuid>, String),
}

impl Identifier {
    /// What leads to who has it.
    pub fn lookup(&self) -> Lookup {
        Lookup::Identifier(self.system.as_str().to_owned(), self.value.as_str().to_owned())
    }
}

impl OfficerReference {
    /// Everything by which candidates are looked up, where `agency` is the one that it names: an officer to whom none of it belongs
    /// cannot change the answer.
    pub fn lookups(&self, agency: Option<Uuid>) -> Vec<Lookup> {
        if self.agency.is_some() && agency.is_none() {
            return Vec::new();
        }
        let mut lookups = Vec::new();
        lookups.extend(self.id.map(Lookup::Id));
        lookups.extend(self.identifier.as_ref().map(Identifier::lookup));
        lookups.extend(self.email.as_ref().map(Email::folded).map(Lookup::Email));
        lookups.extend(self.email_sha1.as_ref().map(|digest| Lookup::EmailSha1(digest.as_str().to_owned())));
        for (kind, number) in [(NumberKind::Employee, &self.employee_number), (NumberKind::Badge, &self.badge_number)] {
            lookups.extend(agency.zip(number.as_ref()).map(|(agency, number)| Lookup::Number(agency, kind, number.as_str().to_owned())));
        }
        if let (Some(family), Some(given)) = (&self.family_name, &self.given_name) {
            lookups.push(Lookup::Name(agency, name_key(&fold(family.as_str()), &fold(given.as_str()))));
        }
        lookups
    }
}

impl Candidate {
    /// Everything by which the officer is found, in the vocabulary of [`OfficerReference::lookups`], each once.
    pub fn lookups(&self) -> Vec<Lookup> {
        let name = name_key(&self.family_name, &self.given_name);
        let mut lookups = vec![Lookup::Id(self.officer)];
        lookups.extend(self.former_ids.iter().copied().map(Lookup::Id));
        lookups.extend(self.identifiers.iter().map(|(system, value)| Lookup::Identifier(system.clone(), value.clone())));
        lookups.extend(self.email.clone().map(Lookup::Email));
        lookups.extend(self.email_sha1s.iter().cloned().map(Lookup::EmailSha1));
        for appointment in &self.appointments {
            let numbers = [(NumberKind::Employee, &appointment.employee_numbers), (NumberKind::Badge, &appointment.badge_numbers)];
            for (kind, spells) in numbers {
                lookups.extend(spells.iter().map(|spell| Lookup::Number(appointment.agency, kind, spell.number.clone())));
            }
            lookups.push(Lookup::Name(Some(appointment.agency), name.clone()));
        }
        lookups.push(Lookup::Name(None, name));
        lookups.sort_unstable();
        lookups.dedup();
        lookups
    }
}
