//! The day of the latest roster of an agency: one of whole rosters, one of changes alone.

use diesel::prelude::*;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::schema::roster_marks as marks;
use super::types::{At, Id, On};

/// The day of an agency's latest roster, whatever its mode.
///
/// # Errors
/// Where the database fails.
pub fn latest(conn: &mut AnyConn, agency: Uuid) -> Result<Option<Date>, StorageError> {
    let days: Vec<On> = marks::table.filter(marks::agency_id.eq(Id(agency))).select(marks::as_of).load(conn)?;
    Ok(days.into_iter().map(|day| day.0).max())
}

/// Forgets the days of an agency's rosters of these modes.
///
/// # Errors
/// Where the database fails.
pub fn forget(conn: &mut AnyConn, agency: Uuid, modes: &[&str]) -> Result<(), StorageError> {
    diesel::delete(marks::table.filter(marks::agency_id.eq(Id(agency))).filter(marks::mode.eq_any(modes))).execute(conn)?;
    Ok(())
}

/// Notes the day of a roster, of which mode there is no other.
///
/// # Errors
/// Where the database fails.
pub fn note(conn: &mut AnyConn, agency: Uuid, mode: &str, as_of: Date, client: Uuid, now: Timestamp) -> Result<(), StorageError> {
    let values = (
        marks::agency_id.eq(Id(agency)),
        marks::mode.eq(mode),
        marks::as_of.eq(On(as_of)),
        marks::client_id.eq(Id(client)),
        marks::applied_at.eq(At(now)),
    );
    diesel::insert_into(marks::table).values(values).execute(conn)?;
    Ok(())
}
