//! Whether a description means a person whom the registry holds out of the caller's reach.

use std::collections::HashSet;

use uuid::Uuid;

use super::{ServiceError, ServiceResult, Tx};
use crate::domain::appointment::overlaps;
use crate::domain::join::JoinStatus;
use crate::domain::officer::{Identifier, Person};
use crate::domain::reach::Reach;
use crate::storage::appointments::{self, Appointment};
use crate::storage::joins::Join;
use crate::storage::officers::{self, Officer};

/// What became of the identifiers of a description of somebody new to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The person is held: names and an identifier agree.
    Joins(Uuid),
    /// The person is new, without these identifiers, which others hold.
    New {
        /// Not to be given to the person.
        withheld: Vec<Identifier>,
    },
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
    let ids: Vec<Uuid> = held.into_iter().collect();
    let names = officers::folded_names(tx.conn, &ids)?;
    let spells = appointments::of_officers(tx.conn, &Reach::All, &ids)?;
    let mut joined = HashSet::new();
    let settled = people.iter().map(|(person, own)| {
        let mut those = person.identifiers.iter().filter_map(|identifier| holders.get(identifier));
        let folded = person.folded_names();
        let same = those.find(|holder| {
            let theirs = spells.get(*holder).map(Vec::as_slice).unwrap_or_default();
            names.get(*holder) == Some(&folded) && !joined.contains(*holder) && own.iter().all(|spell| fits(spell, theirs))
        });
        if let Some(holder) = same {
            joined.insert(*holder);
            return Identity::Joins(*holder);
        }
        Identity::New { withheld: person.identifiers.iter().filter(|identifier| holders.contains_key(*identifier)).cloned().collect() }
    });
    Ok(settled.collect())
}

/// Whether an appointment overlaps none of the others at its agency.
pub fn fits(appointment: &Appointment, others: &[Appointment]) -> bool {
    let beside = |other: &&Appointment| other.id != appointment.id && other.agency == appointment.agency;
    !others.iter().filter(beside).any(|other| overlaps(other.spell(), appointment.spell()))
}

/// Who one person is; as [`settle`].
///
/// # Errors
/// Where the database fails.
pub fn settle_one(tx: &mut Tx<'_>, person: &Person, own: Vec<&Appointment>) -> ServiceResult<Identity> {
    Ok(settle(tx, &[(person, own)])?.pop().unwrap_or(Identity::New { withheld: Vec::new() }))
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
    let key = |i: &Identifier| crate::domain::matching::identifier_key(i.system.as_str(), i.value.as_str());
    let keys: Vec<String> = identifiers.iter().map(key).collect();
    let ids = officers::answering(tx.conn, &tx.reach, &keys)?;
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
