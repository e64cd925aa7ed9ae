//! Pseudonyms: who somebody is goes, and what counts stays. And what goes with somebody who is erased.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use super::touched::Touched;
use super::{ServiceError, ServiceResult, Tx, officers, statements};
use crate::domain::matching::identifier_key;
use crate::domain::officer::Person;
use crate::domain::placement::Placement;
use crate::domain::reach::Reach;
use crate::domain::text::Note;
use crate::service::placement::{Moved, settle};
use crate::storage::completions::{Completion, of_officer, waiting_for};
use crate::storage::dialect::{Lock, lock};
use crate::storage::officers::{self as officer_rows, Officer, email_sha1s};
use crate::storage::{StorageError, joins, merges, pseudonyms as rows};

/// Puts a pseudonym in the place of an officer's names; takes away e-mail, identifiers and numbers, here, in every other record of the person, in joins, in what was pushed of the
/// officer's completions with every former revision, and in answers that are kept under idempotency keys. Appointments, days and credit stay
/// as they are.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies, [`ServiceError::NotFound`], `already_pseudonymized`.
pub fn pseudonymize(tx: &mut Tx<'_>, id: Uuid, reason: &Note) -> ServiceResult<Officer> {
    lock(tx.conn, Lock::Place)?;
    let officer = officers::get(tx, id)?;
    tx.needs_all_agencies("a pseudonym takes a person from everybody's sight: it needs a grant for all agencies")?;
    refuse_pseudonymized(&officer, "already_pseudonymized")?;
    let records = officer_rows::records_of(tx.conn, officer.person)?;
    let touched = Touched::before(tx, records.clone(), &HashSet::new())?;
    let mut earned = Vec::new();
    for record in &records {
        earned.extend(of_officer(tx.conn, *record)?.into_iter().map(|completion| completion.id));
    }
    statements::forget(tx, officer.id, &records, &earned)?;
    for record in &records {
        reduce_record(tx, *record, reason)?;
    }
    let removed = ["given_name", "family_name", "email", "identifiers", "appointments.employee_number", "appointments.badge_number"];
    tx.changed("officer", officer.id, removed.map(str::to_owned).to_vec());
    touched.place(tx)?;
    officers::get(tx, officer.id)
}

/// Reduces one record of a person, which may have been merged into another.
fn reduce_record(tx: &mut Tx<'_>, id: Uuid, reason: &Note) -> ServiceResult<()> {
    let mut completions = of_officer(tx.conn, id)?;
    let person = pseudonym(id)?;
    if let Some(officer) = officer_rows::by_ids(tx.conn, &Reach::All, &[id])?.pop() {
        completions.extend(waiting_by_own_keys(tx, id, &officer)?);
        let (given_name, family_name) = (person.given_name.clone(), person.family_name.clone());
        officer_rows::save(tx.conn, &[Officer { id, given_name, family_name, email: None, updated_at: tx.now, ..officer }])?;
    }
    rows::reduce_officer(tx.conn, id, &person, reason.as_str(), tx.now)?;
    merges::forget(tx.conn, id)?;
    rows::reduce_completions(tx.conn, &completions, tx.now)?;
    stay(tx, &completions)?;
    let mut named: Vec<Uuid> = completions.iter().map(|completion| completion.id).collect();
    named.push(id);
    reduce_answers(tx, &named, &person)?;
    tx.changed_many("reduced", completions.iter().map(|completion| completion.id).collect());
    Ok(())
}

/// Refuses what would bring back who somebody was.
///
/// # Errors
/// A conflict with this code.
pub fn refuse_pseudonymized(officer: &Officer, code: &'static str) -> ServiceResult<()> {
    match officer.pseudonymized_at {
        None => Ok(()),
        Some(_) => Err(ServiceError::conflict(code, "a pseudonym stands in the place of this officer")),
    }
}

/// Takes the names from answers that are kept of somebody who is erased.
///
/// # Errors
/// Where the database fails.
pub fn forget_answers(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<()> {
    let person = pseudonym(id)?;
    reduce_answers(tx, &[id], &person)
}

fn pseudonym(officer: Uuid) -> ServiceResult<Person> {
    Person::pseudonym(officer).map_err(|invalid| StorageError::Other(format!("a pseudonym is no name: {invalid}")).into())
}

/// The parked completions that name the officer by an identifier or an address, which are nobody else's.
fn waiting_by_own_keys(tx: &mut Tx<'_>, record: Uuid, officer: &Officer) -> ServiceResult<Vec<Completion>> {
    let mut keys: Vec<String> = officer.identifiers.iter().map(|i| identifier_key(i.system.as_str(), i.value.as_str())).collect();
    // Who was merged has an address that the officer who was kept need not have.
    let addresses = officer_rows::addresses_of(tx.conn, &[record])?;
    keys.extend(addresses.iter().map(|email| format!("email:{}", email.folded())));
    keys.extend(addresses.iter().flat_map(email_sha1s).map(|digest| format!("email_sha1:{digest}")));
    let sent = joins::unconfirmed(tx.conn, &Reach::All, &[officer.id])?;
    let own = |key: &String| ["identifier:", "email:", "email_sha1:"].iter().any(|kind| key.starts_with(kind));
    keys.extend(sent.values().flatten().flat_map(joins::Join::keys).filter(own));
    let waiting = waiting_for(tx.conn, &keys)?.into_iter().map(|waiting| waiting.completion);
    Ok(waiting.filter(|completion| completion.placement.officer.is_none()).collect())
}

/// Completions stay where they are, and no longer wait under what they don't say any more.
fn stay(tx: &mut Tx<'_>, completions: &[Completion]) -> ServiceResult<()> {
    let reduced: Vec<_> = completions.iter().map(|completion| completion.draft.reduced(completion.placement.officer)).collect();
    let moved: Vec<Moved<'_>> = completions
        .iter()
        .zip(&reduced)
        .map(|(completion, draft)| {
            let placement: Placement = completion.placement;
            Moved { id: completion.id, placement, by_hand: completion.placed_by_hand || placement.officer.is_some(), draft }
        })
        .collect();
    settle(tx, &moved)
}

fn reduce_answers(tx: &mut Tx<'_>, ids: &[Uuid], person: &Person) -> ServiceResult<()> {
    for (client, key, body) in rows::answers_naming(tx.conn, ids)? {
        // Every kept answer is JSON; one that isn't says nothing.
        let mut answer: Value = serde_json::from_str(&body).unwrap_or_default();
        reduce(&mut answer, person);
        rows::replace_answer(tx.conn, &(client, key, answer.to_string()))?;
    }
    Ok(())
}

/// Takes from an answer whatever tells who somebody is.
fn reduce(answer: &mut Value, person: &Person) {
    match answer {
        Value::Object(members) => {
            for (name, value) in members.iter_mut().filter(|(_, value)| !value.is_null()) {
                match name.as_str() {
                    "given_name" => *value = person.given_name.as_str().into(),
                    "family_name" => *value = person.family_name.as_str().into(),
                    "email" | "email_sha1" | "identifier" | "employee_number" | "badge_number" | "certificate_number" | "evidence_url" => {
                        *value = Value::Null;
                    }
                    "identifiers" => *value = Value::Array(Vec::new()),
                    _ => reduce(value, person),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| reduce(item, person)),
        _ => {}
    }
}
