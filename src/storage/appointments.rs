//! Dated spells of officers at agencies.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::coverage::CoverageChange;
use super::dialect::{HALF_OF_BINDS, per_backend, rows_per_statement};
use super::error::corrupt;
use super::lists::looked_at;
use super::officers::{Within, agencies_within, while_granted};
use super::schema::{appointments, grants};
use super::types::{At, Id, On};
use crate::domain::appointment::Employment;
use crate::domain::reach::Reach;
use crate::domain::text::{Name, Number};

/// An appointment as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub officer: Uuid,
    /// Where.
    pub agency: Uuid,
    /// Whether the officer is sworn.
    pub sworn: bool,
    /// How the officer is employed.
    pub employment: Employment,
    /// Rank.
    pub rank: Option<Name>,
    /// Number in the agency's payroll.
    pub employee_number: Option<Number>,
    /// Badge or star.
    pub badge_number: Option<Number>,
    /// First day.
    pub started_on: Date,
    /// The day after the last, when it is known.
    pub ended_on: Option<Date>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = appointments)]
struct Row {
    id: Id,
    officer_id: Id,
    agency_id: Id,
    sworn: bool,
    employment: String,
    rank: Option<String>,
    employee_number: Option<String>,
    badge_number: Option<String>,
    started_on: On,
    ended_on: Option<On>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable)]
#[diesel(table_name = appointments, treat_none_as_default_value = false)]
struct Values<'a> {
    id: Id,
    officer_id: Id,
    agency_id: Id,
    sworn: bool,
    employment: &'a str,
    rank: Option<&'a str>,
    employee_number: Option<&'a str>,
    badge_number: Option<&'a str>,
    started_on: On,
    ended_on: Option<On>,
    created_at: At,
    updated_at: At,
}

impl Appointment {
    /// The days that it covers, `[start, end)`.
    pub fn spell(&self) -> (Date, Option<Date>) {
        (self.started_on, self.ended_on)
    }

    /// Whether it is in force on a day.
    pub fn covers(&self, day: Date) -> bool {
        self.started_on <= day && self.ended_on.is_none_or(|end| day < end)
    }
}

impl Row {
    fn read(self) -> Result<Appointment, StorageError> {
        let number = |number: Option<String>| number.as_deref().map(Number::parse).transpose();
        Ok(Appointment {
            id: self.id.0,
            officer: self.officer_id.0,
            agency: self.agency_id.0,
            sworn: self.sworn,
            employment: Employment::parse(&self.employment).map_err(corrupt("appointments.employment"))?,
            rank: self.rank.as_deref().map(Name::parse).transpose().map_err(corrupt("appointments.rank"))?,
            employee_number: number(self.employee_number).map_err(corrupt("appointments.employee_number"))?,
            badge_number: number(self.badge_number).map_err(corrupt("appointments.badge_number"))?,
            started_on: self.started_on.0,
            ended_on: self.ended_on.map(|day| day.0),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl<'a> Values<'a> {
    fn of(appointment: &'a Appointment) -> Self {
        Self {
            id: Id(appointment.id),
            officer_id: Id(appointment.officer),
            agency_id: Id(appointment.agency),
            sworn: appointment.sworn,
            employment: appointment.employment.as_str(),
            rank: appointment.rank.as_ref().map(Name::as_str),
            employee_number: appointment.employee_number.as_ref().map(Number::as_str),
            badge_number: appointment.badge_number.as_ref().map(Number::as_str),
            started_on: On(appointment.started_on),
            ended_on: appointment.ended_on.map(On),
            created_at: At(appointment.created_at),
            updated_at: At(appointment.updated_at),
        }
    }
}

/// The appointments of officers at agencies within reach, by officer, in the order of their first days.
///
/// # Errors
/// Where the database fails.
pub fn of_officers(conn: &mut AnyConn, reach: &Reach, officers: &[Uuid]) -> Result<HashMap<Uuid, Vec<Appointment>>, StorageError> {
    let ids: Vec<Id> = officers.iter().map(|id| Id(*id)).collect();
    let mut all: HashMap<Uuid, Vec<Appointment>> = HashMap::new();
    for agencies in agencies_within(reach) {
        for some in ids.chunks(HALF_OF_BINDS) {
            let rows: Vec<Row> = per_backend!(conn, c => {
                let query = appointments::table.filter(appointments::officer_id.eq_any(some)).select(Row::as_select()).into_boxed();
                match &agencies {
                    Within::All => query,
                    Within::Ids(agencies) => query.filter(looked_at(appointments::agency_id).eq_any(agencies)),
                    Within::Grants { client, on, ids } => while_granted!(query.filter(looked_at(appointments::agency_id).eq_any(ids)), *client, *on),
                }
                .load(c)
            })?;
            for row in rows {
                all.entry(row.officer_id.0).or_default().push(row.read()?);
            }
        }
    }
    for appointments in all.values_mut() {
        appointments.sort_unstable_by_key(|appointment| (appointment.started_on, appointment.id));
    }
    Ok(all)
}

/// Everybody who was, is or will be appointed at an agency; whoever asks has the agency within reach.
///
/// # Errors
/// Where the database fails.
pub fn officers_at(conn: &mut AnyConn, agency: Uuid) -> Result<Vec<Uuid>, StorageError> {
    let query = appointments::table.filter(appointments::agency_id.eq(Id(agency))).select(appointments::officer_id).distinct();
    Ok(query.load::<Id>(conn)?.into_iter().map(|id| id.0).collect())
}

/// Writes appointments, new or changed.
///
/// # Errors
/// Where the database fails.
pub fn save(conn: &mut AnyConn, coverage: &mut CoverageChange, changed: &[Appointment]) -> Result<(), StorageError> {
    coverage.touch(conn, changed.iter().map(|appointment| appointment.officer))?;
    for some in changed.chunks(rows_per_statement(12)) {
        let values: Vec<Values<'_>> = some.iter().map(Values::of).collect();
        per_backend!(conn, c => diesel::insert_into(appointments::table)
            .values(&values)
            .on_conflict(appointments::id)
            .do_update()
            .set((
                appointments::sworn.eq(excluded(appointments::sworn)),
                appointments::employment.eq(excluded(appointments::employment)),
                appointments::rank.eq(excluded(appointments::rank)),
                appointments::employee_number.eq(excluded(appointments::employee_number)),
                appointments::badge_number.eq(excluded(appointments::badge_number)),
                appointments::started_on.eq(excluded(appointments::started_on)),
                appointments::ended_on.eq(excluded(appointments::ended_on)),
                appointments::updated_at.eq(excluded(appointments::updated_at)),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Takes an appointment away, and its numbers with it.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, coverage: &mut CoverageChange, id: Uuid) -> Result<(), StorageError> {
    let whose: Vec<Id> = appointments::table.filter(appointments::id.eq(Id(id))).select(appointments::officer_id).load(conn)?;
    coverage.touch(conn, whose.into_iter().map(|officer| officer.0))?;
    diesel::delete(appointments::table.filter(appointments::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}
