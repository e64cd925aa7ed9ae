//! The records that the registry holds of one person.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::text::Email;
use crate::storage::StorageError;
use crate::storage::conn::AnyConn;
use crate::storage::dialect::MAX_BINDS;
use crate::storage::error::corrupt;
use crate::storage::schema::officers;
use crate::storage::types::Id;

/// Officers and of whom they are records.
pub type Records = HashMap<Uuid, Uuid>;

/// Every record of the persons of whom these officers are records, those that were merged into others left out: by officer, the person.
///
/// # Errors
/// Where the database fails.
pub fn of_people(conn: &mut AnyConn, officers: &[Uuid]) -> Result<Records, StorageError> {
    let mut people: Vec<Id> = Vec::new();
    for some in ids(officers).chunks(MAX_BINDS) {
        people.extend(officers::table.filter(officers::id.eq_any(some)).select(officers::person_id).load::<Id>(conn)?);
    }
    people.sort_unstable_by_key(|id| id.0);
    people.dedup();
    let mut records = HashMap::with_capacity(people.len());
    for some in people.chunks(MAX_BINDS) {
        let rows: Vec<(Id, Id)> = officers::table
            .filter(officers::person_id.eq_any(some))
            .filter(officers::merged_into.is_null())
            .select((officers::id, officers::person_id))
            .load(conn)?;
        records.extend(rows.into_iter().map(|(officer, person)| (officer.0, person.0)));
    }
    Ok(records)
}

/// Of whom officers are records, those that were merged among them.
///
/// # Errors
/// Where the database fails.
pub fn people_of(conn: &mut AnyConn, officers: &[Uuid]) -> Result<Records, StorageError> {
    let mut people = HashMap::with_capacity(officers.len());
    for some in ids(officers).chunks(MAX_BINDS) {
        let rows: Vec<(Id, Id)> = officers::table.filter(officers::id.eq_any(some)).select((officers::id, officers::person_id)).load(conn)?;
        people.extend(rows.into_iter().map(|(officer, person)| (officer.0, person.0)));
    }
    Ok(people)
}

/// Every record of a person, those that were merged into others among them, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn records_of(conn: &mut AnyConn, person: Uuid) -> Result<Vec<Uuid>, StorageError> {
    let all = officers::table.filter(officers::person_id.eq(Id(person))).order(officers::id).select(officers::id);
    Ok(all.load::<Id>(conn)?.into_iter().map(|id| id.0).collect())
}

/// The addresses of these officers, those that were merged into others among them.
///
/// # Errors
/// Where the database fails.
pub fn addresses_of(conn: &mut AnyConn, officers: &[Uuid]) -> Result<Vec<Email>, StorageError> {
    let mut addresses = Vec::new();
    for some in ids(officers).chunks(MAX_BINDS) {
        let query = officers::table.filter(officers::id.eq_any(some)).filter(officers::email.is_not_null());
        for email in query.select(officers::email).load::<Option<String>>(conn)?.into_iter().flatten() {
            addresses.push(Email::parse(&email).map_err(corrupt("officers.email"))?);
        }
    }
    Ok(addresses)
}

/// Those of these officers that were merged, and which stand in their places.
///
/// # Errors
/// Where the database fails.
pub fn current_ids(conn: &mut AnyConn, officers: &[Uuid]) -> Result<HashMap<Uuid, Uuid>, StorageError> {
    let mut current = HashMap::new();
    for some in ids(officers).chunks(MAX_BINDS) {
        let rows: Vec<(Id, Option<Id>)> = officers::table
            .filter(officers::id.eq_any(some))
            .filter(officers::merged_into.is_not_null())
            .select((officers::id, officers::merged_into))
            .load(conn)?;
        current.extend(rows.into_iter().filter_map(|(merged, kept)| Some((merged.0, kept?.0))));
    }
    Ok(current)
}

/// The officers that were merged into these, by the officer that stands in their places.
///
/// # Errors
/// Where the database fails.
pub fn former_ids(conn: &mut AnyConn, officers: &[Uuid]) -> Result<HashMap<Uuid, Vec<Uuid>>, StorageError> {
    let mut former: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for some in ids(officers).chunks(MAX_BINDS) {
        let into: Vec<Option<Id>> = some.iter().copied().map(Some).collect();
        let rows: Vec<(Id, Option<Id>)> =
            officers::table.filter(officers::merged_into.eq_any(into)).select((officers::id, officers::merged_into)).load(conn)?;
        for (merged, kept) in rows {
            former.entry(kept.map_or(merged.0, |kept| kept.0)).or_default().push(merged.0);
        }
    }
    Ok(former)
}

/// Says of whom officers are records.
///
/// # Errors
/// Where the database fails.
pub fn set_person(conn: &mut AnyConn, officers: &[Uuid], person: Uuid) -> Result<(), StorageError> {
    for some in ids(officers).chunks(MAX_BINDS - 1) {
        diesel::update(officers::table.filter(officers::id.eq_any(some))).set(officers::person_id.eq(Id(person))).execute(conn)?;
    }
    Ok(())
}

/// Puts another record in the place of one that is about to go, for those that are of the same person; answers which.
///
/// # Errors
/// Where the database fails.
pub fn become_person(conn: &mut AnyConn, going: Uuid) -> Result<Option<Uuid>, StorageError> {
    let others = officers::table.filter(officers::person_id.eq(Id(going))).filter(officers::id.ne(Id(going)));
    let standing = others.filter(officers::merged_into.is_null()).order(officers::id).select(officers::id);
    let Some(next) = standing.first::<Id>(conn).optional()? else { return Ok(None) };
    diesel::update(officers::table.filter(officers::person_id.eq(Id(going)))).set(officers::person_id.eq(next)).execute(conn)?;
    Ok(Some(next.0))
}

fn ids(officers: &[Uuid]) -> Vec<Id> {
    officers.iter().map(|id| Id(*id)).collect()
}
