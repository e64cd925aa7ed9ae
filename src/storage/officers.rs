//! Officers, as a client sees them: with the appointments at agencies within its reach. An officer is a record of a person, of whom there
//! may be several: credit belongs to the person, and what describes them to the record.

mod candidates;
mod digest;
mod lookup;
mod people;

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::upsert::excluded;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::appointments::{self as spells, Appointment};
use super::conn::AnyConn;
use super::coverage::CoverageChange;
use super::dialect::{HALF_OF_BINDS, MAX_BINDS, per_backend, rows_per_statement};
use super::error::corrupt;
use super::joins::{self, Join};
use super::schema::{appointments, completions, grants, officer_identifiers, officers};
use super::types::{At, Id, On};
use crate::domain::lookup::Lookup;
use crate::domain::matching::name_key;
use crate::domain::names::fold;
use crate::domain::officer::{Identifier, Person};
use crate::domain::reach::{Granted, Reach};
use crate::domain::text::{Email, Name, Text};

pub use candidates::{candidates, whole};
pub use digest::{email_sha1s, fill_digests};
pub use lookup::{answering, folded_names, holders};
pub use people::{Records, addresses_of, become_person, current_ids, former_ids, of_people, people_of, records_of, set_person};

/// An officer as a client sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Officer {
    /// Who.
    pub id: Uuid,
    /// Given name.
    pub given_name: Name,
    /// Family name.
    pub family_name: Name,
    /// Address of electronic mail.
    pub email: Option<Email>,
    /// Keys in other systems, in their order, with those that were withheld.
    pub identifiers: Vec<Identifier>,
    /// Spells at agencies within reach, in the order of their first days.
    pub appointments: Vec<Appointment>,
    /// When the person was first described.
    pub created_at: Timestamp,
    /// When the person was last changed.
    pub updated_at: Timestamp,
    /// When a pseudonym was put in the place of who it is.
    pub pseudonymized_at: Option<Timestamp>,
    /// Of whom this is a record: itself, or the person as whom it was joined and not confirmed yet.
    pub person: Uuid,
    /// Identifiers that the client sent and that somebody else holds.
    pub joins: Vec<Join>,
}

/// Which officers a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfficerFilter {
    /// Only those with an appointment at this agency, whenever.
    pub agency: Option<Uuid>,
    /// Only those whom that agency has in force on this day.
    pub in_force: Option<Date>,
    /// Only those with this family name, folded.
    pub family_name: Option<String>,
    /// Only those with this given name, folded.
    pub given_name: Option<String>,
    /// Only those with this address, folded.
    pub email: Option<String>,
    /// Only the one with this identifier.
    pub identifier: Option<Identifier>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = officers)]
struct Row {
    id: Id,
    given_name: String,
    family_name: String,
    email: Option<String>,
    created_at: At,
    updated_at: At,
    pseudonymized_at: Option<At>,
    person_id: Id,
}

#[derive(Insertable)]
#[diesel(table_name = officers, treat_none_as_default_value = false)]
struct Values<'a> {
    id: Id,
    given_name: &'a str,
    family_name: &'a str,
    given_folded: String,
    family_folded: String,
    name_key: String,
    email: Option<&'a str>,
    email_folded: Option<String>,
    email_sha1: Option<String>,
    email_folded_sha1: Option<String>,
    created_at: At,
    updated_at: At,
    person_id: Id,
}

impl<'a> Values<'a> {
    fn of(officer: &'a Officer) -> Self {
        let (given_folded, family_folded) = (fold(officer.given_name.as_str()), fold(officer.family_name.as_str()));
        let [email_sha1, email_folded_sha1] = officer.email.as_ref().map_or([None, None], |email| email_sha1s(email).map(Some));
        Self {
            id: Id(officer.id),
            given_name: officer.given_name.as_str(),
            family_name: officer.family_name.as_str(),
            name_key: name_key(&family_folded, &given_folded),
            given_folded,
            family_folded,
            email: officer.email.as_ref().map(Email::as_str),
            email_folded: officer.email.as_ref().map(Email::folded),
            email_sha1,
            email_folded_sha1,
            created_at: At(officer.created_at),
            updated_at: At(officer.updated_at),
            person_id: Id(officer.person),
        }
    }
}

impl Row {
    fn read(self) -> Result<Officer, StorageError> {
        Ok(Officer {
            id: self.id.0,
            given_name: Name::parse(&self.given_name).map_err(corrupt("officers.given_name"))?,
            family_name: Name::parse(&self.family_name).map_err(corrupt("officers.family_name"))?,
            email: self.email.as_deref().map(Email::parse).transpose().map_err(corrupt("officers.email"))?,
            identifiers: Vec::new(),
            appointments: Vec::new(),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            pseudonymized_at: self.pseudonymized_at.map(|at| at.0),
            person: self.person_id.0,
            joins: Vec::new(),
        })
    }
}

impl OfficerFilter {
    /// What leads to a few officers among whom are all that the filter lets through, where it has that.
    fn lookup(&self) -> Option<Lookup> {
        let by_email = || self.email.clone().map(Lookup::Email);
        self.identifier.as_ref().map(Identifier::lookup).or_else(by_email)
    }

    /// Whether an officer, as the client sees them, is in the list.
    fn holds(&self, officer: &Officer) -> bool {
        let folded = |wanted: &Option<String>, name: &Name| wanted.as_ref().is_none_or(|wanted| *wanted == fold(name.as_str()));
        self.email.as_ref().is_none_or(|email| officer.email.as_ref().is_some_and(|held| held.folded() == *email))
            && self.identifier.as_ref().is_none_or(|identifier| officer.identifiers.contains(identifier))
            && self.agency.is_none_or(|agency| {
                let there = |appointment: &Appointment| appointment.agency == agency && self.in_force.is_none_or(|day| appointment.covers(day));
                officer.appointments.iter().any(there)
            })
            && folded(&self.family_name, &officer.family_name)
            && folded(&self.given_name, &officer.given_name)
    }
}

impl Officer {
    /// What describes the person.
    pub fn person(&self) -> Person {
        Person {
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            email: self.email.clone(),
            identifiers: self.identifiers.clone(),
        }
    }

    /// Adds the identifiers that the client sent and that somebody else holds.
    fn with_joins(&mut self, joins: Vec<Join>) {
        self.identifiers.extend(joins.iter().flat_map(|join| join.identifiers.clone()));
        self.identifiers.sort_unstable();
        self.identifiers.dedup();
        self.joins = joins;
    }
}

/// Agencies whose officers a client sees, as much of a reach as one statement can ask for.
pub(super) enum Within {
    /// All.
    All,
    /// Those that a token names.
    Ids(Vec<Id>),
    /// Those of a client's grants that are in force on a day, with the officers who were there while the grant holds.
    Grants {
        /// Whose.
        client: Id,
        /// The day.
        on: On,
        /// Their ids.
        ids: Vec<Id>,
    },
}

impl Within {
    /// The ids of the agencies; `None`: all.
    pub(super) fn ids(&self) -> Option<&[Id]> {
        match self {
            Self::All => None,
            Self::Ids(ids) | Self::Grants { ids, .. } => Some(ids),
        }
    }
}

/// The agencies within reach, in lists that one statement can bind.
pub(super) fn agencies_within(reach: &Reach) -> Vec<Within> {
    let Some(ids) = reach.ids() else { return vec![Within::All] };
    let lists = ids.chunks(HALF_OF_BINDS).map(|some| some.iter().map(|id| Id(*id)).collect());
    match reach.granted() {
        None => lists.map(Within::Ids).collect(),
        Some(Granted { client, on }) => lists.map(|ids| Within::Grants { client: Id(client), on: On(on), ids }).collect(),
    }
}

/// The appointments of a statement that share a day with a grant of the client that is in force on the day.
macro_rules! while_granted {
    ($spells:expr, $client:expr, $on:expr) => {
        $spells.filter(diesel::dsl::exists(
            grants::table
                .filter(grants::client_id.eq($client))
                .filter(grants::agency_id.eq(appointments::agency_id.nullable()))
                .filter(grants::starts_on.le($on))
                .filter(grants::ends_on.is_null().or(grants::ends_on.gt($on)))
                .filter(appointments::ended_on.is_null().or(appointments::ended_on.gt(grants::starts_on.nullable())))
                .filter(grants::ends_on.is_null().or(grants::ends_on.gt(appointments::started_on.nullable()))),
        ))
    };
}
pub(super) use while_granted;

/// Only officers who have an appointment at one of the agencies.
macro_rules! appointed {
    ($query:expr, $officer:expr, $agencies:expr) => {
        match $agencies {
            Within::All => $query,
            Within::Ids(agencies) => $query
                .filter(exists(appointments::table.filter(appointments::officer_id.eq($officer)).filter(appointments::agency_id.eq_any(agencies)))),
            Within::Grants { client, on, ids } => {
                let there = appointments::table.filter(appointments::officer_id.eq($officer)).filter(appointments::agency_id.eq_any(ids));
                $query.filter(exists(while_granted!(there, *client, *on)))
            }
        }
    };
}
use appointed;

/// The officers of these ids who are within reach, in the order of their ids; those in whose place another stands, by that one.
///
/// # Errors
/// Where the database fails.
pub fn by_ids(conn: &mut AnyConn, reach: &Reach, ids: &[Uuid]) -> Result<Vec<Officer>, StorageError> {
    let mut wanted = ids.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let mut rows = rows_of(conn, reach, &wanted)?;
    if rows.len() < wanted.len() {
        let found = |id: &Uuid| rows.binary_search_by_key(id, |row| row.id.0).is_ok();
        let missing: Vec<Uuid> = wanted.iter().copied().filter(|id| !found(id)).collect();
        let kept: Vec<Uuid> = current_ids(conn, &missing)?.into_values().filter(|id| !found(id)).collect();
        rows.extend(rows_of(conn, reach, &kept)?);
        rows.sort_unstable_by_key(|row| row.id.0);
        rows.dedup_by_key(|row| row.id.0);
    }
    seen(conn, reach, rows)
}

fn rows_of(conn: &mut AnyConn, reach: &Reach, ids: &[Uuid]) -> Result<Vec<Row>, StorageError> {
    let ids: Vec<Id> = ids.iter().map(|id| Id(*id)).collect();
    let mut rows: Vec<Row> = Vec::new();
    for agencies in agencies_within(reach) {
        for some in ids.chunks(HALF_OF_BINDS) {
            let query = officers::table.filter(officers::id.eq_any(some)).filter(officers::merged_into.is_null());
            let found: Vec<Row> = per_backend!(conn, c => appointed!(query.select(Row::as_select()).into_boxed(), officers::id, &agencies).load(c))?;
            rows.extend(found);
        }
    }
    rows.sort_unstable_by_key(|row| row.id.0);
    rows.dedup_by_key(|row| row.id.0);
    Ok(rows)
}

/// A page of the officers within reach, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, reach: &Reach, filter: &OfficerFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<Officer>, StorageError> {
    if let Some(lookup) = filter.lookup() {
        let found = answering(conn, reach, &[lookup])?;
        let mut officers = by_ids(conn, reach, &found)?;
        officers.retain(|officer| after.is_none_or(|after| after < officer.id) && filter.holds(officer));
        officers.truncate(usize::try_from(fetch).unwrap_or(usize::MAX));
        return Ok(officers);
    }
    let mut rows: Vec<Row> = Vec::new();
    for agencies in agencies_within(reach) {
        let mut query =
            officers::table.filter(officers::merged_into.is_null()).order(officers::id).limit(fetch).select(Row::as_select()).into_boxed();
        query = appointed!(query, officers::id, &agencies);
        if let Some(agency) = filter.agency {
            let there = appointments::table.filter(appointments::officer_id.eq(officers::id)).filter(appointments::agency_id.eq(Id(agency)));
            query = match filter.in_force.map(On) {
                None => query.filter(exists(there)),
                Some(day) => {
                    let unended = appointments::ended_on.is_null().or(appointments::ended_on.gt(day));
                    query.filter(exists(there.filter(appointments::started_on.le(day)).filter(unended)))
                }
            };
        }
        if let Some(name) = &filter.family_name {
            query = query.filter(officers::family_folded.eq(name));
        }
        if let Some(name) = &filter.given_name {
            query = query.filter(officers::given_folded.eq(name));
        }
        if let Some(after) = after {
            query = query.filter(officers::id.gt(Id(after)));
        }
        rows.extend(query.load(conn)?);
    }
    rows.sort_unstable_by_key(|row| row.id.0);
    rows.dedup_by_key(|row| row.id.0);
    rows.truncate(usize::try_from(fetch).unwrap_or(usize::MAX));
    seen(conn, reach, rows)
}

/// The next officers after an id, wherever they are, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn ids_after(conn: &mut AnyConn, after: Option<Uuid>, fetch: usize) -> Result<Vec<Uuid>, StorageError> {
    let mut query = officers::table.order(officers::id).limit(i64::try_from(fetch).unwrap_or(i64::MAX)).select(officers::id).into_boxed();
    if let Some(after) = after {
        query = query.filter(officers::id.gt(Id(after)));
    }
    Ok(query.load::<Id>(conn)?.into_iter().map(|id| id.0).collect())
}

/// Completes officers by what is seen of them.
fn seen(conn: &mut AnyConn, reach: &Reach, rows: Vec<Row>) -> Result<Vec<Officer>, StorageError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
    let mut appointments = spells::of_officers(conn, reach, &ids)?;
    let mut identifiers = identifiers_of(conn, &ids)?;
    // Who sees everything sees who holds an identifier, too.
    let mut joins = if reach.ids().is_some() { joins::unconfirmed(conn, reach, &ids)? } else { HashMap::new() };
    rows.into_iter()
        .map(|row| {
            let mut officer = row.read()?;
            officer.appointments = appointments.remove(&officer.id).unwrap_or_default();
            officer.identifiers = identifiers.remove(&officer.id).unwrap_or_default();
            if let Some(joins) = joins.remove(&officer.id) {
                officer.with_joins(joins);
            }
            Ok(officer)
        })
        .collect()
}

fn identifiers_of(conn: &mut AnyConn, officers: &[Uuid]) -> Result<HashMap<Uuid, Vec<Identifier>>, StorageError> {
    let ids: Vec<Id> = officers.iter().map(|id| Id(*id)).collect();
    let mut all: HashMap<Uuid, Vec<Identifier>> = HashMap::new();
    for some in ids.chunks(MAX_BINDS) {
        let rows: Vec<(Id, String, String)> = per_backend!(conn, c => officer_identifiers::table
            .filter(officer_identifiers::officer_id.eq_any(some))
            .order((officer_identifiers::system, officer_identifiers::value))
            .select((officer_identifiers::officer_id, officer_identifiers::system, officer_identifiers::value))
            .load(c))?;
        for (id, system, value) in rows {
            let read = || Ok(Identifier { system: Text::parse(&system)?, value: Text::parse(&value)? });
            all.entry(id.0).or_default().push(read().map_err(corrupt("officer_identifiers"))?);
        }
    }
    Ok(all)
}

/// Writes officers, new or changed; identifiers and appointments are written by themselves.
///
/// # Errors
/// Where the database fails.
pub fn save(conn: &mut AnyConn, changed: &[Officer]) -> Result<(), StorageError> {
    for some in changed.chunks(rows_per_statement(13)) {
        let values: Vec<Values<'_>> = some.iter().map(Values::of).collect();
        per_backend!(conn, c => diesel::insert_into(officers::table)
            .values(&values)
            .on_conflict(officers::id)
            .do_update()
            .set((
                officers::given_name.eq(excluded(officers::given_name)),
                officers::family_name.eq(excluded(officers::family_name)),
                officers::given_folded.eq(excluded(officers::given_folded)),
                officers::family_folded.eq(excluded(officers::family_folded)),
                officers::name_key.eq(excluded(officers::name_key)),
                officers::email.eq(excluded(officers::email)),
                officers::email_folded.eq(excluded(officers::email_folded)),
                officers::email_sha1.eq(excluded(officers::email_sha1)),
                officers::email_folded_sha1.eq(excluded(officers::email_folded_sha1)),
                officers::updated_at.eq(excluded(officers::updated_at)),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Gives identifiers to officers.
///
/// # Errors
/// [`super::Constraint::OfficerIdentifier`] where somebody holds one of them.
pub fn add_identifiers(conn: &mut AnyConn, given: &[(Uuid, Identifier)]) -> Result<(), StorageError> {
    let row = |(officer, identifier): &(Uuid, Identifier)| {
        (
            officer_identifiers::system.eq(identifier.system.as_str().to_owned()),
            officer_identifiers::value.eq(identifier.value.as_str().to_owned()),
            officer_identifiers::officer_id.eq(Id(*officer)),
        )
    };
    for some in given.chunks(rows_per_statement(3)) {
        let rows: Vec<_> = some.iter().map(row).collect();
        per_backend!(conn, c => diesel::insert_into(officer_identifiers::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// Takes identifiers from an officer.
///
/// # Errors
/// Where the database fails.
pub fn remove_identifiers(conn: &mut AnyConn, officer: Uuid, taken: &[Identifier]) -> Result<(), StorageError> {
    for identifier in taken {
        let held = officer_identifiers::table
            .filter(officer_identifiers::officer_id.eq(Id(officer)))
            .filter(officer_identifiers::system.eq(identifier.system.as_str()))
            .filter(officer_identifiers::value.eq(identifier.value.as_str()));
        diesel::delete(held).execute(conn)?;
    }
    Ok(())
}

/// Whether a completion is placed with an officer.
///
/// # Errors
/// Where the database fails.
pub fn has_completions(conn: &mut AnyConn, officer: Uuid) -> Result<bool, StorageError> {
    let found: Option<Id> =
        completions::table.filter(completions::officer_id.eq(Some(Id(officer)))).select(completions::id).limit(1).get_result(conn).optional()?;
    Ok(found.is_some())
}

/// Takes an officer away, and all that belongs to them.
///
/// # Errors
/// [`super::Constraint::Reference`] where a completion is placed with them.
pub fn delete(conn: &mut AnyConn, coverage: &mut CoverageChange, id: Uuid) -> Result<(), StorageError> {
    coverage.touch(conn, [id])?;
    diesel::delete(officers::table.filter(officers::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}
