//! What is to be written of officers in one go: gathered first, then written by a few statements however many they are.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::civil::Date;
use uuid::Uuid;

use super::events;
use super::identity::{Identity, join};
use super::touched::Touched;
use super::{ServiceError, ServiceResult, Tx};
use crate::domain::join::JoinStatus;
use crate::domain::matching::NumberSpell;
use crate::domain::numbers::spells_after;
use crate::domain::officer::{Identifier, Person};
use crate::domain::text::Number;
use crate::storage::Constraint;
use crate::storage::appointments::{self, Appointment};
use crate::storage::joins::{self, Join};
use crate::storage::numbers::{self, Numbers};
use crate::storage::officers::{self, Officer};

/// An appointment that is new or changed.
#[derive(Debug)]
struct Spell {
    now: Appointment,
    was: Option<Appointment>,
    /// The day as of which numbers that differ are borne; absent: they are corrected.
    numbers_effective_on: Option<Date>,
}

/// Changes to officers that are to be written together.
#[derive(Debug, Default)]
pub struct Changes {
    officers: Vec<Officer>,
    given: Vec<(Uuid, Identifier)>,
    taken: Vec<(Uuid, Vec<Identifier>)>,
    spells: Vec<Spell>,
    /// Officer and appointment.
    struck: Vec<(Uuid, Uuid)>,
    joins: Vec<Join>,
    changed_joins: Vec<Join>,
    dropped_joins: Vec<Uuid>,
    created: HashSet<Uuid>,
}

impl Changes {
    /// Takes in somebody new to the caller, with their appointments, and answers who it is.
    pub fn describe(&mut self, tx: &Tx<'_>, person: &Person, own: Vec<Appointment>, identity: Identity) -> Uuid {
        let id = tx.new_id();
        let Identity { joins, withheld } = identity;
        self.created.insert(id);
        self.given.extend(person.identifiers.iter().filter(|i| !withheld.contains(i)).map(|i| (id, i.clone())));
        let mut agencies: BTreeSet<Uuid> = own.iter().map(|appointment| appointment.agency).collect();
        if joins.is_none() {
            agencies = own.first().filter(|_| !withheld.is_empty()).map(|appointment| appointment.agency).into_iter().collect();
        }
        let status = if joins.is_some() { JoinStatus::Joined } else { JoinStatus::Parked };
        self.joins.extend(agencies.into_iter().map(|agency| join(tx, id, agency, person, status, withheld.clone())));
        self.officers.push(Officer {
            id,
            given_name: person.given_name.clone(),
            family_name: person.family_name.clone(),
            email: person.email.clone(),
            identifiers: Vec::new(),
            appointments: Vec::new(),
            created_at: tx.now,
            updated_at: tx.now,
            pseudonymized_at: None,
            person: joins.unwrap_or(id),
            joins: Vec::new(),
        });
        self.spells.extend(own.into_iter().map(|now| Spell { now: Appointment { officer: id, ..now }, was: None, numbers_effective_on: None }));
        id
    }

    /// Makes an officer whom the caller sees what `person` says. Of the identifiers that are new to the officer, those in
    /// `withheld` belong to others.
    pub fn revise(&mut self, tx: &Tx<'_>, current: &Officer, person: &Person, withheld: &[Identifier]) {
        let parked: HashSet<&Identifier> = current.joins.iter().flat_map(|join| &join.identifiers).collect();
        for join in &current.joins {
            let kept: Vec<Identifier> = join.identifiers.iter().filter(|i| person.identifiers.contains(i)).cloned().collect();
            if kept.is_empty() && join.status == JoinStatus::Parked {
                self.dropped_joins.push(join.id);
                continue;
            }
            let (given_name, family_name, email) = (person.given_name.clone(), person.family_name.clone(), person.email.clone());
            let now = Join { given_name, family_name, email, identifiers: kept, ..join.clone() };
            if now != *join {
                self.changed_joins.push(Join { updated_at: tx.now, ..now });
            }
        }
        let new = |i: &&Identifier| !current.identifiers.contains(i) && !withheld.contains(i);
        self.given.extend(person.identifiers.iter().filter(new).map(|i| (current.id, i.clone())));
        let gone = |i: &&Identifier| !person.identifiers.contains(i) && !parked.contains(i);
        let gone: Vec<Identifier> = current.identifiers.iter().filter(gone).cloned().collect();
        if !gone.is_empty() {
            self.taken.push((current.id, gone));
        }
        if let Some(appointment) = current.appointments.last().filter(|_| !withheld.is_empty()) {
            self.joins.push(join(tx, current.id, appointment.agency, person, JoinStatus::Parked, withheld.to_vec()));
        }
        self.officers.push(Officer {
            given_name: person.given_name.clone(),
            family_name: person.family_name.clone(),
            email: person.email.clone(),
            updated_at: tx.now,
            ..current.clone()
        });
    }

    /// Appoints an officer whom the caller sees. Who was joined for another agency of the caller is joined for this one too.
    pub fn appoint(&mut self, tx: &Tx<'_>, current: &Officer, appointment: Appointment) {
        let mut joined = current.joins.iter().filter(|join| join.status == JoinStatus::Joined);
        if let Some(join) = joined.next().filter(|join| join.agency != appointment.agency && joined.all(|other| other.agency != appointment.agency)) {
            self.joins.push(Join { id: tx.new_id(), agency: appointment.agency, created_at: tx.now, updated_at: tx.now, ..join.clone() });
        }
        self.spells.push(Spell { now: Appointment { officer: current.id, ..appointment }, was: None, numbers_effective_on: None });
    }

    /// Changes an appointment. Numbers that differ are borne as of a day, or are corrected.
    pub fn change(&mut self, was: Appointment, now: Appointment, numbers_effective_on: Option<Date>) {
        self.spells.push(Spell { now, was: Some(was), numbers_effective_on });
    }

    /// Takes an appointment away that was recorded in error.
    pub fn strike(&mut self, officer: Uuid, appointment: Uuid) {
        self.struck.push((officer, appointment));
    }

    /// Whose anything changes.
    fn officers(&self) -> Vec<Uuid> {
        let mut ids: Vec<Uuid> = self.officers.iter().map(|officer| officer.id).collect();
        ids.extend(self.spells.iter().map(|spell| spell.now.officer));
        ids.extend(self.struck.iter().map(|(officer, _)| *officer));
        ids.extend(self.joins.iter().chain(&self.changed_joins).map(|join| join.officer));
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Writes everything, and places the completions that waited for it.
    ///
    /// # Errors
    /// `identifier_taken` where somebody was given one of the identifiers at the same moment.
    pub fn write(self, tx: &mut Tx<'_>) -> ServiceResult<()> {
        let touched = Touched::before(tx, self.officers(), &self.created)?;
        tx.trail.heard_by.extend(self.spells.iter().map(|spell| spell.now.agency));
        officers::save(tx.conn, &self.officers)?;
        for (officer, identifiers) in &self.taken {
            officers::remove_identifiers(tx.conn, *officer, identifiers)?;
        }
        let taken = || ServiceError::conflict("identifier_taken", "another officer has one of these identifiers");
        officers::add_identifiers(tx.conn, &self.given).map_err(ServiceError::on(Constraint::OfficerIdentifier, taken()))?;
        for (_, appointment) in &self.struck {
            appointments::delete(tx.conn, &mut tx.coverage, *appointment)?;
        }
        write_spells(tx, self.spells)?;
        joins::delete(tx.conn, &self.dropped_joins)?;
        for join in &self.changed_joins {
            joins::update(tx.conn, join)?;
        }
        joins::insert(tx.conn, &self.joins)?;
        events::tell_of_joins(tx, &self.joins)?;
        touched.place(tx)
    }
}

fn write_spells(tx: &mut Tx<'_>, spells: Vec<Spell>) -> ServiceResult<()> {
    let changed: Vec<Uuid> = spells.iter().filter_map(|spell| spell.was.as_ref().map(|was| was.id)).collect();
    let mut held: HashMap<Uuid, Numbers> = numbers::of_appointments(tx.conn, &changed)?;
    let (mut new, mut replaced, mut rows) = (Vec::new(), Vec::new(), Vec::with_capacity(spells.len()));
    for Spell { now, was, numbers_effective_on } in spells {
        let before = held.remove(&now.id).unwrap_or_default();
        let term = was.as_ref().map_or(now.spell(), Appointment::spell);
        let after = |held: &[NumberSpell], number: &Option<Number>| {
            spells_after(held.to_vec(), term, now.spell(), number.as_ref().map(Number::as_str), numbers_effective_on)
        };
        let numbers = Numbers { employee: after(&before.employee, &now.employee_number), badge: after(&before.badge, &now.badge_number) };
        if was.is_none() {
            new.push((now.id, now.agency, numbers));
        } else if numbers != before {
            replaced.push((now.id, now.agency, numbers));
        }
        rows.push(now);
    }
    appointments::save(tx.conn, &mut tx.coverage, &rows)?;
    numbers::insert(tx.conn, &new)?;
    numbers::replace(tx.conn, &replaced)?;
    Ok(())
}
