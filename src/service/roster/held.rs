//! What the registry holds of those who may be on a roster.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use uuid::Uuid;

use super::Roster;
use crate::domain::names::fold;
use crate::domain::officer::Identifier;
use crate::domain::roster::Member;
use crate::domain::text::{Email, Name, Number};
use crate::service::identity::seen_holders;
use crate::service::{ServiceResult, Tx};
use crate::storage::appointments::{Appointment, officers_at};
use crate::storage::officers::{self, Officer};

/// Everybody who was, is or will be at the agency, and whoever else within reach has an identifier of an entry.
pub(super) struct Held {
    agency: Uuid,
    as_of: Date,
    /// By id.
    pub(super) officers: HashMap<Uuid, Officer>,
    /// Whom the entries are matched against.
    pub(super) members: Vec<Member>,
}

/// Whether an appointment is in force on a day or begins later; one that ends on its first day never was.
pub(super) fn is_current(appointment: &Appointment, as_of: Date) -> bool {
    appointment.ended_on.is_none_or(|end| end > as_of && end > appointment.started_on)
}

impl Held {
    /// The appointments of an officer at the agency.
    pub(super) fn here<'a>(&self, officer: &'a Officer) -> impl Iterator<Item = &'a Appointment> + use<'a> {
        let agency = self.agency;
        officer.appointments.iter().filter(move |appointment| appointment.agency == agency)
    }

    /// Every current appointment at the agency, in the order of their ids.
    pub(super) fn current_appointments(&self) -> Vec<&Appointment> {
        let mut current: Vec<&Appointment> =
            self.officers.values().flat_map(|officer| self.here(officer)).filter(|appointment| is_current(appointment, self.as_of)).collect();
        current.sort_unstable_by_key(|appointment| appointment.id);
        current
    }

    /// How many current appointments the agency has.
    pub(super) fn current(&self) -> usize {
        self.current_appointments().len()
    }
}

/// Loads what is held.
pub(super) fn load(tx: &mut Tx<'_>, agency: Uuid, roster: &Roster) -> ServiceResult<Held> {
    let identifiers: Vec<Identifier> = roster.entries.iter().flat_map(|entry| entry.identifiers.clone()).collect();
    let at_agency = officers_at(tx.conn, agency)?;
    let mut all: HashMap<Uuid, Officer> =
        officers::by_ids(tx.conn, &tx.reach, &at_agency)?.into_iter().map(|officer| (officer.id, officer)).collect();
    let named: HashSet<Uuid> = {
        let holders = if identifiers.is_empty() { Vec::new() } else { seen_holders(tx, &identifiers)? };
        let ids = holders.iter().map(|officer| officer.id).collect();
        all.extend(holders.into_iter().map(|officer| (officer.id, officer)));
        ids
    };
    let mut held = Held { agency, as_of: roster.as_of, officers: all, members: Vec::new() };
    let starts: HashSet<Date> = roster.entries.iter().map(|entry| entry.started_on).collect();
    let mut members = Vec::with_capacity(held.officers.len());
    // Of a person with a record here, no other record is meant.
    let people: HashSet<Uuid> = held.officers.values().filter(|officer| held.here(officer).next().is_some()).map(|officer| officer.person).collect();
    for officer in held.officers.values() {
        let before = members.len();
        let fits = |appointment: &&Appointment| is_current(appointment, held.as_of) || starts.contains(&appointment.started_on);
        members.extend(held.here(officer).filter(fits).map(|appointment| member(officer, Some(appointment))));
        let elsewhere = held.here(officer).next().is_none() && people.contains(&officer.person);
        if members.len() == before && named.contains(&officer.id) && !elsewhere {
            members.push(member(officer, None));
        }
    }
    // A hash map has no order, and the plan shall not depend on one.
    members.sort_unstable_by_key(|member| (member.officer, member.appointment));
    held.members = members;
    Ok(held)
}

fn member(officer: &Officer, appointment: Option<&Appointment>) -> Member {
    let number = |number: &Option<Number>| number.as_ref().map(|number| number.as_str().to_owned());
    Member {
        officer: officer.id,
        appointment: appointment.map(|appointment| appointment.id),
        family_name: fold(officer.family_name.as_str()),
        given_name: fold(officer.given_name.as_str()),
        email: officer.email.as_ref().map(Email::folded),
        identifiers: officer.identifiers.iter().map(|i| (i.system.as_str().to_owned(), i.value.as_str().to_owned())).collect(),
        employee_number: appointment.and_then(|appointment| number(&appointment.employee_number)),
        badge_number: appointment.and_then(|appointment| number(&appointment.badge_number)),
        rank: appointment.and_then(|appointment| appointment.rank.as_ref().map(Name::as_str).map(str::to_owned)),
        sworn: appointment.is_some_and(|appointment| appointment.sworn),
        started_on: appointment.map(|appointment| appointment.started_on),
        ended_on: appointment.and_then(|appointment| appointment.ended_on),
    }
}
