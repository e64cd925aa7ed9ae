//! Officers: described, changed, listed, taken away; each as the client sees them.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::changes::Changes;
use super::page::{PageOf, PageRequest};
use super::pseudonyms::{forget_answers, refuse_pseudonymized};
use super::touched::Touched;
use super::{Fault, ServiceError, ServiceResult, Tx, agencies, appointments, identity, merges, statements};
use crate::domain::agency::AgencyKey;
use crate::domain::officer::{Identifier, OfficerDraft, Person};
use crate::domain::reach::Reach;
use crate::storage::agencies::{AgencyBrief, briefs};
use crate::storage::appointments::{self as spells, Appointment};
use crate::storage::dialect::{Lock, lock};
use crate::storage::joins;
use crate::storage::officers::{self as rows, Officer, OfficerFilter};

/// The officer of this id.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Officer> {
    rows::by_ids(tx.conn, &tx.reach, &[id])?.pop().ok_or(ServiceError::NotFound)
}

/// A page of officers.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, filter: &OfficerFilter, page: PageRequest) -> ServiceResult<PageOf<Officer>> {
    let fetched = rows::list(tx.conn, &tx.reach, filter, page.after, page.fetch())?;
    Ok(page.cut(fetched, |officer| officer.id))
}

/// The agencies of the officers' appointments in a few words.
///
/// # Errors
/// Where the database fails.
pub fn agencies_of(tx: &mut Tx<'_>, officers: &[Officer]) -> ServiceResult<HashMap<Uuid, AgencyBrief>> {
    let ids = officers.iter().flat_map(|officer| &officer.appointments).map(|appointment| appointment.agency);
    Ok(briefs(tx.conn, ids)?)
}

/// Describes an officer. Where an identifier belongs to somebody out of the caller's reach, the officer is that person when the
/// names agree, and is held without the identifier when they don't; the caller sees what it sent in both cases.
///
/// # Errors
/// `identifier_taken` where somebody within reach holds an identifier; faults of the draft, among them an agency out of reach.
pub fn create(tx: &mut Tx<'_>, draft: &OfficerDraft) -> ServiceResult<Officer> {
    lock(tx.conn, Lock::Place)?;
    let agencies = check(tx, draft)?;
    let person = draft.person();
    identity::refuse_taken(tx, None, &person.identifiers)?;
    let own: Vec<Appointment> = draft.appointments.iter().zip(agencies).map(|(draft, agency)| appointments::drafted(tx, agency, draft)).collect();
    let identity = identity::settle_one(tx, &person, own.iter().collect())?;
    let mut changes = Changes::default();
    let id = changes.describe(tx, &person, own, identity);
    changes.write(tx)?;
    tx.changed("officer", id, fields_of(draft));
    get(tx, id)
}

/// The agencies of a draft's appointments, where the draft holds.
fn check(tx: &mut Tx<'_>, draft: &OfficerDraft) -> ServiceResult<Vec<Uuid>> {
    let mut faults = Vec::new();
    let mut agencies = Vec::with_capacity(draft.appointments.len());
    // Two keys may name one agency: what overlaps is seen by its id.
    let mut by_id = draft.clone();
    for (index, appointment) in by_id.appointments.iter_mut().enumerate() {
        match agencies::named(tx, &appointment.agency, &format!("/appointments/{index}/agency")) {
            Ok(agency) => {
                appointment.agency = AgencyKey::Id(agency.id);
                agencies.push(agency.id);
            }
            Err(ServiceError::Invalid(unknown)) => faults.extend(unknown),
            Err(other) => return Err(other),
        }
    }
    faults.extend(by_id.check().into_iter().map(|(pointer, invalid)| Fault::at(pointer, invalid)));
    if draft.appointments.is_empty() && tx.reach != Reach::All {
        let detail = "give an appointment at an agency of yours, or you would not see the officer";
        faults.push(Fault::new("/appointments", "required", detail));
    }
    ServiceError::check(faults)?;
    Ok(agencies)
}

/// Changes what describes the person to what `edit` makes of it.
///
/// # Errors
/// [`ServiceError::NotFound`], `identifier_taken`, faults of the outcome, and what `edit` says.
pub fn change(tx: &mut Tx<'_>, id: Uuid, edit: impl FnOnce(&mut Tx<'_>, &Officer) -> ServiceResult<Person>) -> ServiceResult<Officer> {
    lock(tx.conn, Lock::Place)?;
    let current = get(tx, id)?;
    let mut person = edit(tx, &current)?;
    ServiceError::check(Fault::all(person.check()))?;
    person.identifiers.sort_unstable();
    if person == current.person() {
        return Ok(current);
    }
    refuse_pseudonymized(&current, "officer_pseudonymized")?;
    let added: Vec<Identifier> = person.identifiers.iter().filter(|i| !current.identifiers.contains(i)).cloned().collect();
    identity::refuse_taken(tx, Some(current.id), &added)?;
    let withheld = identity::held_elsewhere(tx, &added)?;
    let mut changes = Changes::default();
    changes.revise(tx, &current, &person, &withheld);
    changes.write(tx)?;
    let today = tx.today();
    tx.trail.heard_by.extend(current.appointments.iter().filter(|spell| spell.covers(today)).map(|spell| spell.agency));
    tx.changed("officer", current.id, fields_between(&current.person(), &person));
    get(tx, id)
}

/// Takes an officer away who was recorded in error. Of a person who serves at agencies out of the caller's reach too, only what
/// the caller sees goes.
///
/// # Errors
/// [`ServiceError::NotFound`]; `officer_in_use` where a completion is placed with the officer, or an appointment is in force
/// today; what `guard` says.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, guard: impl FnOnce(&mut Tx<'_>, &Officer) -> ServiceResult<()>) -> ServiceResult<()> {
    lock(tx.conn, Lock::Place)?;
    let officer = get(tx, id)?;
    guard(tx, &officer)?;
    let id = officer.id;
    // Who erases a person for everybody erases every record that is taken for theirs.
    let mut records = vec![id];
    if tx.reach == Reach::All {
        records = rows::of_people(tx.conn, &[id])?.into_keys().collect();
        records.sort_unstable();
    }
    let today = tx.today();
    for record in rows::by_ids(tx.conn, &tx.reach, &records)? {
        if record.appointments.iter().any(|appointment| appointment.covers(today)) {
            return Err(ServiceError::conflict("officer_in_use", "an appointment is in force; end it first"));
        }
        if rows::has_completions(tx.conn, record.id)? {
            return Err(ServiceError::conflict("officer_in_use", "completions are placed with the officer"));
        }
    }
    let touched = Touched::before(tx, records.clone(), &HashSet::new())?;
    let all = rows::by_ids(tx.conn, &Reach::All, &[id])?.pop().map_or(0, |all| all.appointments.len());
    if all > officer.appointments.len() {
        for appointment in &officer.appointments {
            spells::delete(tx.conn, &mut tx.coverage, appointment.id)?;
        }
        let sent: Vec<Uuid> = officer.joins.iter().map(|join| join.id).collect();
        joins::delete(tx.conn, &sent)?;
    } else {
        if tx.reach == Reach::All {
            statements::forget(tx, id, &records, &[])?;
        }
        for record in records {
            erase(tx, record)?;
        }
    }
    tx.trail.heard_by.extend(officer.appointments.iter().map(|spell| spell.agency));
    tx.changed("officer", id, Vec::new());
    touched.place(tx)
}

fn erase(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<()> {
    let next = rows::become_person(tx.conn, &mut tx.coverage, id)?;
    rows::delete(tx.conn, &mut tx.coverage, id)?;
    if let Some(next) = next {
        // What the officer held is free for the record that stands for the person now.
        for join in joins::unconfirmed(tx.conn, &Reach::All, &[next])?.remove(&next).unwrap_or_default() {
            merges::separate(tx, join)?;
        }
    }
    forget_answers(tx, id)
}
