//! Whether a description means a person whom the registry holds out of the caller's reach.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{ServiceError, ServiceResult, Tx};
use crate::domain::appointment::overlaps;
use crate::domain::join::JoinStatus;
use crate::domain::lookup::Lookup;
use crate::domain::officer::{Identifier, Person};
use crate::domain::reach::Reach;
use crate::storage::appointments::{self, Appointment};
use crate::storage::joins::Join;
use crate::storage::officers::{self, Officer};

/// Who somebody is who is new to the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The person of whom the registry holds a record already, out of the caller's reach: names and an identifier agree.
    pub joins: Option<Uuid>,
    /// Identifiers that others hold, and that are not given to the record.
    pub withheld: Vec<Identifier>,
}

/// Who people are who are new to the caller, each described with the spells that they are to have.
///
/// None of them has an identifier of somebody whom the caller sees. No two of them join the same person.
///
/// # Errors
/// Where the database fails.
pub fn settle(tx: &mut Tx<'_>, people: &[(&Person, Vec<&Appointment>)]) -> ServiceResult<Vec<Identity>> {
    let all: Vec<&Identifier> = people.iter().flat_map(|(person, _)| &person.identifiers).collect();
    let holders = officers::holders(tx.conn, &all)?;
    let held: HashSet<Uuid> = holders.values().copied().collect();
    let records = officers::of_people(tx.conn, &held.into_iter().collect::<Vec<_>>())?;
    let ids: Vec<Uuid> = records.keys().copied().collect();
    let names = officers::folded_names(tx.conn, &ids)?;
    let mut spells: HashMap<Uuid, Vec<Appointment>> = HashMap::new();
    for (officer, own) in appointments::of_officers(tx.conn, &Reach::All, &ids)? {
        spells.entry(records.get(&officer).copied().unwrap_or(officer)).or_default().extend(own);
    }
    let mut joined = HashSet::new();
    let settled = people.iter().map(|(person, own)| {
        let those = person.identifiers.iter().filter_map(|identifier| holders.get(identifier));
        let folded = person.folded_names();
        let mut same = those.filter(|holder| names.get(*holder) == Some(&folded)).filter_map(|holder| records.get(holder).copied());
        let joins = same.find(|held| {
            let theirs = spells.get(held).map(Vec::as_slice).unwrap_or_default();
            !joined.contains(held) && own.iter().all(|spell| fits(spell, theirs))
        });
        joined.extend(joins);
        Identity { joins, withheld: person.identifiers.iter().filter(|identifier| holders.contains_key(*identifier)).cloned().collect() }
    });
    Ok(settled.collect())
}

/// Whether an appointment overlaps none of the others at its agency.
pub fn fits(appointment: &Appointment, others: &[Appointment]) -> bool {
    let beside = |other: &&Appointment| other.id != appointment.id && other.agency == appointment.agency;
    !others.iter().filter(beside).any(|other| overlaps(other.spell(), appointment.spell()))
}

/// Whether an appointment that was so before overlaps no more of the others at its agency than it did: those of somebody who was merged may
/// overlap.
pub fn still_fits(was: &Appointment, now: &Appointment, others: &[Appointment]) -> bool {
    let apart: Vec<Appointment> = others.iter().filter(|other| !overlaps(other.spell(), was.spell())).cloned().collect();
    fits(now, &apart)
}

/// Who one person is; as [`settle`].
///
/// # Errors
/// Where the database fails.
pub fn settle_one(tx: &mut Tx<'_>, person: &Person, own: Vec<&Appointment>) -> ServiceResult<Identity> {
    Ok(settle(tx, &[(person, own)])?.pop().unwrap_or_default())
}

/// Those of the identifiers that somebody holds, anywhere.
///
/// # Errors
/// Where the database fails.
pub fn held_elsewhere(tx: &mut Tx<'_>, identifiers: &[Identifier]) -> ServiceResult<Vec<Identifier>> {
    let all: Vec<&Identifier> = identifiers.iter().collect();
    let holders = officers::holders(tx.conn, &all)?;
    Ok(identifiers.iter().filter(|identifier| holders.contains_key(*identifier)).cloned().collect())
}

/// Refuses identifiers that somebody other than `officer` holds, as far as the caller sees.
///
/// # Errors
/// `identifier_taken`.
pub fn refuse_taken(tx: &mut Tx<'_>, officer: Option<Uuid>, identifiers: &[Identifier]) -> ServiceResult<()> {
    for holder in seen_holders(tx, identifiers)? {
        if Some(holder.id) == officer {
            continue;
        }
        if let Some(taken) = identifiers.iter().find(|identifier| holder.identifiers.contains(identifier)) {
            let detail = format!("the officer {} has the identifier `{}` of `{}`", holder.id, taken.value, taken.system);
            return Err(ServiceError::conflict("identifier_taken", detail));
        }
    }
    Ok(())
}

/// The officers whom the caller sees with any of these identifiers.
///
/// # Errors
/// Where the database fails.
pub fn seen_holders(tx: &mut Tx<'_>, identifiers: &[Identifier]) -> ServiceResult<Vec<Officer>> {
    let lookups: Vec<Lookup> = identifiers.iter().map(Identifier::lookup).collect();
    let ids = officers::answering(tx.conn, &tx.reach, &lookups)?;
    let wanted: HashSet<&Identifier> = identifiers.iter().collect();
    let mut holders = officers::by_ids(tx.conn, &tx.reach, &ids)?;
    holders.retain(|officer| officer.identifiers.iter().any(|identifier| wanted.contains(identifier)));
    Ok(holders)
}

/// The record that a client's description met somebody out of its reach.
pub fn join(tx: &Tx<'_>, officer: Uuid, agency: Uuid, person: &Person, status: JoinStatus, identifiers: Vec<Identifier>) -> Join {
    Join {
        id: tx.new_id(),
        officer,
        agency,
        client: tx.client,
        given_name: person.given_name.clone(),
        family_name: person.family_name.clone(),
        email: person.email.clone(),
        identifiers,
        status,
        confirmed_at: None,
        created_at: tx.now,
        updated_at: tx.now,
    }
}
