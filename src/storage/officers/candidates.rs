//! Officers as matching looks at them (rule 7).

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use super::{Identifier, Within, agencies_within, answering, former_ids, identifiers_of, while_granted};
use crate::domain::lookup::Lookup;
use crate::domain::matching::{Candidate, CandidateAppointment, NumberSpell};
use crate::domain::numbers::NumberKind;
use crate::domain::reach::Reach;
use crate::storage::conn::AnyConn;
use crate::storage::dialect::per_backend;
use crate::storage::error::corrupt;
use crate::storage::lists::{among, looked_at};
use crate::storage::schema::{appointments, grants, number_spells, officers};
use crate::storage::types::{Id, On};
use crate::storage::{StorageError, joins};

/// Everybody within reach to whom any of the lookups leads, and every other record of them there, with the appointments within reach.
/// A few statements, however many they are. What none of the lookups speaks of is left out: identifiers and former ids.
///
/// # Errors
/// Where the database fails.
pub fn candidates(conn: &mut AnyConn, reach: &Reach, lookups: &[Lookup]) -> Result<Vec<Candidate>, StorageError> {
    let found = answering(conn, reach, lookups)?;
    let mut candidates = load(conn, reach, &found)?;
    let ids: Vec<Uuid> = candidates.iter().map(|candidate| candidate.officer).collect();
    if lookups.iter().any(|lookup| matches!(lookup, Lookup::Identifier(..))) {
        add_identifiers(conn, reach, &ids, &mut candidates)?;
    }
    if lookups.iter().any(|lookup| matches!(lookup, Lookup::Id(_))) {
        add_former_ids(conn, &ids, &mut candidates)?;
    }
    Ok(candidates)
}

/// Officers, wherever they are, with all by which they may be found.
///
/// # Errors
/// Where the database fails.
pub fn whole(conn: &mut AnyConn, ids: &[Uuid]) -> Result<Vec<Candidate>, StorageError> {
    let lookups: Vec<Lookup> = ids.iter().copied().map(Lookup::Id).collect();
    let ids = answering(conn, &Reach::All, &lookups)?;
    let mut candidates = load(conn, &Reach::All, &ids)?;
    candidates.retain(|candidate| ids.binary_search(&candidate.officer).is_ok());
    add_identifiers(conn, &Reach::All, &ids, &mut candidates)?;
    add_former_ids(conn, &ids, &mut candidates)?;
    Ok(candidates)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = officers)]
struct Row {
    id: Id,
    person_id: Id,
    given_folded: String,
    family_folded: String,
    email_folded: Option<String>,
    email_sha1: Option<String>,
    email_folded_sha1: Option<String>,
}

/// Where, from when, until when.
type Spell = (Id, Id, On, Option<On>);
/// Kind, number, from when, until when.
type Number = (String, String, On, Option<On>);

/// The records within reach of the people of whom these officers are records, in the order of their ids.
fn load(conn: &mut AnyConn, reach: &Reach, ids: &[Uuid]) -> Result<Vec<Candidate>, StorageError> {
    let mut all: HashMap<Uuid, (Candidate, HashMap<Uuid, CandidateAppointment>)> = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    for agencies in agencies_within(reach) {
        let rows: Vec<(Row, Option<Spell>, Option<Number>)> = per_backend!(conn, c => {
            let given = diesel::alias!(officers as given);
            let people = given.filter(among(given.field(officers::id), ids)).select(given.field(officers::person_id));
            let query = officers::table
                // Side by side: SQLite would make all of a join within a join.
                .left_join(appointments::table.on(appointments::officer_id.eq(officers::id)))
                .left_join(number_spells::table.on(number_spells::appointment_id.eq(appointments::id)))
                .filter(officers::person_id.eq_any(people))
                .filter(officers::merged_into.is_null())
                .select((
                    Row::as_select(),
                    (appointments::id, appointments::agency_id, appointments::started_on, appointments::ended_on).nullable(),
                    (number_spells::kind, number_spells::number, number_spells::from_on, number_spells::until_on).nullable(),
                ))
                .into_boxed();
            match &agencies {
                Within::All => query.load(c)?,
                Within::Ids(agencies) => query.filter(looked_at(appointments::agency_id).eq_any(agencies)).load(c)?,
                Within::Grants { client, on, ids } => {
                    while_granted!(query.filter(looked_at(appointments::agency_id).eq_any(ids)), *client, *on).load(c)?
                }
            }
        });
        for (row, spell, number) in rows {
            let (_, spells) = all.entry(row.id.0).or_insert_with(|| (row.candidate(), HashMap::new()));
            let Some((id, agency, started_on, ended_on)) = spell else { continue };
            let spell = spells.entry(id.0).or_insert_with(|| CandidateAppointment {
                agency: agency.0,
                started_on: started_on.0,
                ended_on: ended_on.map(|day| day.0),
                employee_numbers: Vec::new(),
                badge_numbers: Vec::new(),
            });
            let Some((kind, number, from, until)) = number else { continue };
            let number = NumberSpell { number, from: from.0, until: until.map(|day| day.0) };
            match NumberKind::parse(&kind).map_err(corrupt("number_spells.kind"))? {
                NumberKind::Employee => spell.employee_numbers.push(number),
                NumberKind::Badge => spell.badge_numbers.push(number),
            }
        }
    }
    let with_spells = |(candidate, spells): (Candidate, HashMap<Uuid, CandidateAppointment>)| Candidate {
        appointments: spells.into_values().collect(),
        ..candidate
    };
    let mut candidates: Vec<Candidate> = all.into_values().map(with_spells).collect();
    candidates.sort_unstable_by_key(|candidate| candidate.officer);
    Ok(candidates)
}

impl Row {
    fn candidate(self) -> Candidate {
        Candidate {
            officer: self.id.0,
            person: self.person_id.0,
            former_ids: Vec::new(),
            identifiers: Vec::new(),
            email: self.email_folded,
            email_sha1s: self.email_sha1.into_iter().chain(self.email_folded_sha1).collect(),
            family_name: self.family_folded,
            given_name: self.given_folded,
            appointments: Vec::new(),
        }
    }
}

/// Adds the identifiers, those among them that were withheld from a record that the client described by them.
fn add_identifiers(conn: &mut AnyConn, reach: &Reach, ids: &[Uuid], candidates: &mut [Candidate]) -> Result<(), StorageError> {
    let mut held = identifiers_of(conn, ids)?;
    // Who sees everything sees who holds an identifier, too.
    let mut joins = if reach.ids().is_some() { joins::unconfirmed(conn, reach, ids)? } else { HashMap::new() };
    for candidate in candidates {
        let mut own: Vec<Identifier> = held.remove(&candidate.officer).unwrap_or_default();
        own.extend(joins.remove(&candidate.officer).unwrap_or_default().into_iter().flat_map(|join| join.identifiers));
        candidate.identifiers = own.iter().map(|i| (i.system.as_str().to_owned(), i.value.as_str().to_owned())).collect();
    }
    Ok(())
}

fn add_former_ids(conn: &mut AnyConn, ids: &[Uuid], candidates: &mut [Candidate]) -> Result<(), StorageError> {
    let mut former = former_ids(conn, ids)?;
    for candidate in candidates {
        candidate.former_ids = former.remove(&candidate.officer).unwrap_or_default();
    }
    Ok(())
}
