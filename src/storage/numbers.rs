//! Employee and badge numbers as they stood.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::dialect::{MAX_BINDS, per_backend, rows_per_statement};
use super::error::corrupt;
use super::schema::number_spells;
use super::types::{Id, On};
use crate::domain::matching::NumberSpell;
use crate::domain::numbers::NumberKind;

/// The numbers that were borne in an appointment, each kind in the order of its days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Employee numbers.
    pub employee: Vec<NumberSpell>,
    /// Badge numbers.
    pub badge: Vec<NumberSpell>,
}

#[derive(Insertable)]
#[diesel(table_name = number_spells, treat_none_as_default_value = false)]
struct SpellRow<'a> {
    appointment_id: Id,
    agency_id: Id,
    kind: &'a str,
    number: &'a str,
    from_on: On,
    until_on: Option<On>,
}

/// The numbers borne in appointments; whoever asks was shown the appointments.
///
/// # Errors
/// Where the database fails.
pub fn of_appointments(conn: &mut AnyConn, appointments: &[Uuid]) -> Result<HashMap<Uuid, Numbers>, StorageError> {
    let ids: Vec<Id> = appointments.iter().map(|id| Id(*id)).collect();
    let mut all: HashMap<Uuid, Numbers> = HashMap::new();
    for some in ids.chunks(MAX_BINDS) {
        let rows: Vec<(Id, String, String, On, Option<On>)> = per_backend!(conn, c => number_spells::table
            .filter(number_spells::appointment_id.eq_any(some))
            .order((number_spells::appointment_id, number_spells::kind, number_spells::from_on))
            .select((number_spells::appointment_id, number_spells::kind, number_spells::number, number_spells::from_on, number_spells::until_on))
            .load(c))?;
        for (id, kind, number, from, until) in rows {
            let numbers = all.entry(id.0).or_default();
            let spell = NumberSpell { number, from: from.0, until: until.map(|until| until.0) };
            match NumberKind::parse(&kind).map_err(corrupt("number_spells.kind"))? {
                NumberKind::Employee => numbers.employee.push(spell),
                NumberKind::Badge => numbers.badge.push(spell),
            }
        }
    }
    Ok(all)
}

/// Puts numbers in the place of those that were held of these appointments (`(appointment, agency, numbers)`).
///
/// # Errors
/// Where the database fails.
pub fn replace(conn: &mut AnyConn, appointments: &[(Uuid, Uuid, Numbers)]) -> Result<(), StorageError> {
    let ids: Vec<Id> = appointments.iter().map(|(id, ..)| Id(*id)).collect();
    for some in ids.chunks(MAX_BINDS) {
        diesel::delete(number_spells::table.filter(number_spells::appointment_id.eq_any(some))).execute(conn)?;
    }
    insert(conn, appointments)
}

/// Writes the numbers of new appointments (`(appointment, agency, numbers)`).
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, appointments: &[(Uuid, Uuid, Numbers)]) -> Result<(), StorageError> {
    let mut rows = Vec::new();
    for (appointment, agency, numbers) in appointments {
        for (kind, spells) in [(NumberKind::Employee, &numbers.employee), (NumberKind::Badge, &numbers.badge)] {
            rows.extend(spells.iter().map(|spell| SpellRow {
                appointment_id: Id(*appointment),
                agency_id: Id(*agency),
                kind: kind.as_str(),
                number: &spell.number,
                from_on: On(spell.from),
                until_on: spell.until.map(On),
            }));
        }
    }
    for some in rows.chunks(rows_per_statement(6)) {
        per_backend!(conn, c => diesel::insert_into(number_spells::table).values(some).execute(c))?;
    }
    Ok(())
}
