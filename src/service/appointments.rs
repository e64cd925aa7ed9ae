//! Appointments of an officer: made, changed, ended, struck out.

use jiff::civil::Date;
use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::changes::Changes;
use super::page::{PageOf, PageRequest};
use super::pseudonyms::refuse_pseudonymized;
use super::{Fault, ServiceError, ServiceResult, Tx, agencies, identity, officers};
use crate::domain::agency::AgencyKey;
use crate::domain::appointment::AppointmentDraft;
use crate::domain::invalid::{Faults, Invalid};
use crate::storage::appointments::Appointment;
use crate::storage::dialect::{Lock, lock};
use crate::storage::officers::Officer;

/// What an appointment becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentChange {
    /// The appointment; its agency stays as it is.
    pub draft: AppointmentDraft,
    /// The day as of which numbers that differ are borne, the former ones being kept; absent: they are corrected.
    pub numbers_effective_on: Option<Date>,
}

/// An appointment of an officer, within reach.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, officer: Uuid, id: Uuid) -> ServiceResult<Appointment> {
    of(&officers::get(tx, officer)?, id)
}

fn of(officer: &Officer, id: Uuid) -> ServiceResult<Appointment> {
    officer.appointments.iter().find(|appointment| appointment.id == id).cloned().ok_or(ServiceError::NotFound)
}

/// A page of the appointments of an officer within reach.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is no such officer.
pub fn list(tx: &mut Tx<'_>, officer: Uuid, page: PageRequest) -> ServiceResult<PageOf<Appointment>> {
    let mut appointments = officers::get(tx, officer)?.appointments;
    appointments.sort_unstable_by_key(|appointment| appointment.id);
    appointments.retain(|appointment| page.after.is_none_or(|after| after < appointment.id));
    Ok(page.cut(appointments, |appointment| appointment.id))
}

/// Appoints an officer.
///
/// # Errors
/// [`ServiceError::NotFound`], faults of the draft, and `overlapping_appointment`.
pub fn create(tx: &mut Tx<'_>, officer: Uuid, draft: &AppointmentDraft) -> ServiceResult<Appointment> {
    lock(tx.conn, Lock::Place)?;
    let officer = officers::get(tx, officer)?;
    ServiceError::check(Fault::all(draft.check()))?;
    let agency = agencies::named(tx, &draft.agency, "/agency")?.id;
    let appointment = Appointment { officer: officer.id, ..drafted(tx, agency, draft) };
    check_overlap(&officer, &appointment)?;
    refuse_numbers(&officer, &appointment)?;
    let mut changes = Changes::default();
    changes.appoint(tx, &officer, appointment.clone());
    changes.write(tx)?;
    tx.changed("appointment", appointment.id, fields_of(draft));
    tx.of_agency(agency);
    Ok(appointment)
}

/// Changes an appointment to what `edit` makes of it.
///
/// # Errors
/// As [`create`], and what `edit` says.
pub fn change(
    tx: &mut Tx<'_>,
    officer: Uuid,
    id: Uuid,
    edit: impl FnOnce(&mut Tx<'_>, &Appointment) -> ServiceResult<AppointmentChange>,
) -> ServiceResult<Appointment> {
    lock(tx.conn, Lock::Place)?;
    let officer = officers::get(tx, officer)?;
    let was = of(&officer, id)?;
    let change = edit(tx, &was)?;
    check(&change)?;
    let AppointmentChange { draft, numbers_effective_on } = change;
    let now = Appointment { id, officer: officer.id, created_at: was.created_at, updated_at: was.updated_at, ..drafted(tx, was.agency, &draft) };
    if now == was {
        return Ok(was);
    }
    let now = Appointment { updated_at: tx.now, ..now };
    if !identity::still_fits(&was, &now, &officer.appointments) {
        return Err(overlapping());
    }
    refuse_numbers(&officer, &now)?;
    let mut changes = Changes::default();
    let mut fields = fields_between(&draft_of(&was), &draft_of(&now));
    fields.extend(numbers_effective_on.map(|_| "numbers_effective_on".to_owned()));
    changes.change(was, now.clone(), numbers_effective_on);
    changes.write(tx)?;
    tx.changed("appointment", id, fields);
    tx.of_agency(now.agency);
    Ok(now)
}

/// Strikes an appointment out that was recorded in error.
///
/// # Errors
/// [`ServiceError::NotFound`], and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, officer: Uuid, id: Uuid, guard: impl FnOnce(&mut Tx<'_>, &Appointment) -> ServiceResult<()>) -> ServiceResult<()> {
    lock(tx.conn, Lock::Place)?;
    let appointment = get(tx, officer, id)?;
    guard(tx, &appointment)?;
    let mut changes = Changes::default();
    changes.strike(appointment.officer, appointment.id);
    tx.changed("appointment", id, Vec::new());
    tx.of_agency(appointment.agency);
    changes.write(tx)
}

/// An appointment as a draft would say it.
fn draft_of(appointment: &Appointment) -> AppointmentDraft {
    AppointmentDraft {
        agency: AgencyKey::Id(appointment.agency),
        sworn: appointment.sworn,
        employment: appointment.employment,
        rank: appointment.rank.clone(),
        employee_number: appointment.employee_number.clone(),
        badge_number: appointment.badge_number.clone(),
        started_on: appointment.started_on,
        ended_on: appointment.ended_on,
    }
}

/// A new appointment as a draft says, of nobody yet.
pub(super) fn drafted(tx: &Tx<'_>, agency: Uuid, draft: &AppointmentDraft) -> Appointment {
    Appointment {
        id: tx.new_id(),
        officer: Uuid::nil(),
        agency,
        sworn: draft.sworn,
        employment: draft.employment,
        rank: draft.rank.clone(),
        employee_number: draft.employee_number.clone(),
        badge_number: draft.badge_number.clone(),
        started_on: draft.started_on,
        ended_on: draft.ended_on,
        created_at: tx.now,
        updated_at: tx.now,
    }
}

/// The faults between the fields of a change.
pub fn faults_of(change: &AppointmentChange) -> Faults {
    let AppointmentChange { draft, numbers_effective_on } = change;
    let mut faults = draft.check();
    if numbers_effective_on.is_some_and(|day| day < draft.started_on || draft.ended_on.is_some_and(|end| end <= day)) {
        faults.push(("/numbers_effective_on".into(), Invalid::new("outside_appointment", "must be a day of the appointment")));
    }
    faults
}

fn check(change: &AppointmentChange) -> ServiceResult<()> {
    ServiceError::check(Fault::all(faults_of(change)))
}

/// `Ok` unless a number would tell who stands behind a pseudonym.
fn refuse_numbers(officer: &Officer, appointment: &Appointment) -> ServiceResult<()> {
    if appointment.employee_number.is_none() && appointment.badge_number.is_none() {
        return Ok(());
    }
    refuse_pseudonymized(officer, "officer_pseudonymized")
}

fn check_overlap(officer: &Officer, appointment: &Appointment) -> ServiceResult<()> {
    if identity::fits(appointment, &officer.appointments) {
        return Ok(());
    }
    Err(overlapping())
}

fn overlapping() -> ServiceError {
    ServiceError::conflict("overlapping_appointment", "the officer has another appointment at the agency on some of these days")
}
