//! From what is held to what a roster says.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::held::{Held, is_current};
use super::{Ended, EntryResult, Outcome, Report, Roster};
use crate::domain::names::fold;
use crate::domain::officer::{Identifier, Person};
use crate::domain::roster::{Assignment, Plan, RosterEntry, RosterMode};
use crate::domain::text::{Email, Text};
use crate::service::changes::Changes;
use crate::service::{Fault, ServiceResult, Tx, identity};
use crate::storage::appointments::Appointment;
use crate::storage::officers::Officer;

const OVERLAPS: &str = "the officer was at the agency on some of these days under another appointment, which is over";
const CONFLICTS: &str = "a number or an identifier means one person, and the names another";
const IS_AMBIGUOUS: &str = "several officers may be meant, and nothing tells which";

/// An entry of somebody held: what the person and the appointment become.
struct Revision<'a> {
    index: usize,
    current: &'a Officer,
    person: Person,
    was: Option<&'a Appointment>,
    now: Appointment,
    changes: Vec<&'static str>,
}

/// What is to be written, and what is told of it.
pub(super) fn between(tx: &mut Tx<'_>, agency: Uuid, roster: &Roster, held: &Held, plan: &Plan) -> ServiceResult<(Changes, Report)> {
    let mut results: Vec<Option<EntryResult>> = vec![None; roster.entries.len()];
    let (mut revisions, mut newcomers) = (Vec::new(), Vec::new());
    for (index, (entry, assignment)) in roster.entries.iter().zip(&plan.assignments).enumerate() {
        match *assignment {
            Assignment::Existing { officer, appointment } => {
                let revision = held.officers.get(&officer).and_then(|current| revise(tx, agency, roster, held, index, current, appointment));
                match revision {
                    Some(revision) => revisions.push(revision),
                    None => results[index] = Some(rejected(index, "overlapping_appointment", OVERLAPS)),
                }
            }
            Assignment::New => newcomers.push((index, person_of(entry), appointment_of(tx, agency, entry))),
            Assignment::Conflict => results[index] = Some(rejected(index, "conflict", CONFLICTS)),
            Assignment::Ambiguous => results[index] = Some(rejected(index, "ambiguous", IS_AMBIGUOUS)),
        }
    }
    // Who leaves is named by changes alone; a whole roster may name them, and is not held back for it.
    let ends_now =
        |revision: &Revision<'_>| revision.was.is_some_and(|was| is_current(was, roster.as_of)) && !is_current(&revision.now, roster.as_of);
    let said = if roster.mode == RosterMode::Delta { revisions.iter().filter(|revision| ends_now(revision)).count() } else { 0 };
    let mut changes = Changes::default();
    let mut assigned: HashSet<Uuid> = HashSet::with_capacity(revisions.len());
    apply_revisions(tx, roster, revisions, &mut changes, &mut assigned, &mut results)?;
    let identities = identity::settle(tx, &newcomers.iter().map(|(_, person, appointment)| (person, vec![appointment])).collect::<Vec<_>>())?;
    for ((index, person, appointment), identity) in newcomers.into_iter().zip(identities) {
        let id = changes.describe(tx, &person, vec![appointment], identity);
        results[index] =
            Some(EntryResult { outcome: Outcome::Created, officer: Some(id).filter(|_| !roster.dry_run), changes: Vec::new(), problem: None });
    }
    let results: Vec<EntryResult> = results.into_iter().flatten().collect();
    let spared = Spared::of(roster, &results, plan, held);
    let mut ended = Vec::new();
    let left_out = if roster.mode == RosterMode::Full { held.current_appointments() } else { Vec::new() };
    for appointment in left_out {
        let Some(officer) = held.officers.get(&appointment.officer) else { continue };
        if assigned.contains(&appointment.id) || spared.holds(officer, appointment) {
            continue;
        }
        let end = roster.as_of.max(appointment.started_on);
        changes.change(appointment.clone(), Appointment { ended_on: Some(end), updated_at: tx.now, ..appointment.clone() }, None);
        let (family_name, given_name) = (officer.family_name.clone(), officer.given_name.clone());
        ended.push(Ended { officer: officer.id, appointment: appointment.id, family_name, given_name });
    }
    let ends = ended.len() + said;
    let shrinks = ends * 2 > held.current();
    Ok((changes, Report { results, ended, ends, shrinks }))
}

fn apply_revisions(
    tx: &mut Tx<'_>,
    roster: &Roster,
    revisions: Vec<Revision<'_>>,
    changes: &mut Changes,
    assigned: &mut HashSet<Uuid>,
    results: &mut [Option<EntryResult>],
) -> ServiceResult<()> {
    let added = |revision: &Revision<'_>| -> Vec<Identifier> {
        revision.person.identifiers.iter().filter(|i| !revision.current.identifiers.contains(i)).cloned().collect()
    };
    let all: Vec<Identifier> = revisions.iter().flat_map(added).collect();
    let held_elsewhere: HashSet<Identifier> = identity::held_elsewhere(tx, &all)?.into_iter().collect();
    for revision in revisions {
        let withheld: Vec<Identifier> = added(&revision).into_iter().filter(|i| held_elsewhere.contains(i)).collect();
        let Revision { index, current, person, was, now, changes: fields } = revision;
        if person != current.person() {
            changes.revise(tx, current, &person, &withheld);
        }
        match was {
            None => changes.appoint(tx, current, now),
            Some(was) => {
                assigned.insert(was.id);
                if now != *was {
                    let inside = now.started_on < roster.as_of && now.ended_on.is_none_or(|end| roster.as_of < end);
                    let now = Appointment { updated_at: tx.now, ..now };
                    changes.change(was.clone(), now, Some(roster.as_of).filter(|_| inside));
                }
            }
        }
        let outcome = if fields.is_empty() { Outcome::Unchanged } else { Outcome::Updated };
        results[index] = Some(EntryResult { outcome, officer: Some(current.id), changes: fields, problem: None });
    }
    Ok(())
}

/// What somebody held becomes; `None` where an appointment at the agency that stays as it is stands against it.
fn revise<'a>(
    tx: &Tx<'_>,
    agency: Uuid,
    roster: &Roster,
    held: &Held,
    index: usize,
    current: &'a Officer,
    appointment: Option<Uuid>,
) -> Option<Revision<'a>> {
    let entry = &roster.entries[index];
    let was = held.here(current).find(|held| Some(held.id) == appointment);
    let drafted = Appointment { officer: current.id, ..appointment_of(tx, agency, entry) };
    let now = match was {
        None => drafted,
        Some(was) => Appointment { id: was.id, created_at: was.created_at, updated_at: was.updated_at, ..drafted },
    };
    // What else is current is left out, and so it will end, unless what is left out stays.
    let others: Vec<Appointment> = held
        .here(current)
        .filter(|other| other.id != now.id)
        .map(|other| {
            let end = if roster.mode == RosterMode::Full && is_current(other, roster.as_of) {
                Some(roster.as_of.max(other.started_on))
            } else {
                other.ended_on
            };
            Appointment { ended_on: end, ..other.clone() }
        })
        .collect();
    if !was.map_or_else(|| identity::fits(&now, &others), |was| identity::still_fits(was, &now, &others)) {
        return None;
    }
    let mut person = person_of(entry);
    // An address that the roster doesn't know is not one that the person doesn't have.
    person.email = person.email.or_else(|| current.email.clone());
    person.identifiers.extend(current.identifiers.iter().cloned());
    person.identifiers.sort_unstable();
    person.identifiers.dedup();
    let changes = changed_fields(current, &person, was, &now);
    Some(Revision { index, current, person, was, now, changes })
}

fn changed_fields(current: &Officer, person: &Person, was: Option<&Appointment>, now: &Appointment) -> Vec<&'static str> {
    let mut fields = vec![
        ("family_name", person.family_name != current.family_name),
        ("given_name", person.given_name != current.given_name),
        ("email", person.email != current.email),
        ("identifiers", person.identifiers != current.identifiers),
    ];
    match was {
        None => fields.push(("appointment", true)),
        Some(was) => fields.extend([
            ("employee_number", now.employee_number != was.employee_number),
            ("badge_number", now.badge_number != was.badge_number),
            ("rank", now.rank != was.rank),
            ("employment", now.employment != was.employment),
            ("sworn", now.sworn != was.sworn),
            ("started_on", now.started_on != was.started_on),
            ("ended_on", now.ended_on != was.ended_on),
        ]),
    }
    fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
}

fn person_of(entry: &RosterEntry) -> Person {
    Person {
        given_name: entry.given_name.clone(),
        family_name: entry.family_name.clone(),
        email: entry.email.clone(),
        identifiers: entry.identifiers.clone(),
    }
}

fn appointment_of(tx: &Tx<'_>, agency: Uuid, entry: &RosterEntry) -> Appointment {
    Appointment {
        id: tx.new_id(),
        officer: Uuid::nil(),
        agency,
        sworn: entry.sworn,
        employment: entry.employment,
        rank: entry.rank.clone(),
        employee_number: entry.employee_number.clone(),
        badge_number: entry.badge_number.clone(),
        started_on: entry.started_on,
        ended_on: entry.ended_on,
        created_at: tx.now,
        updated_at: tx.now,
    }
}

fn rejected(index: usize, code: &'static str, detail: &str) -> EntryResult {
    let problem = Fault::new(format!("/officers/{index}"), code, detail);
    EntryResult { outcome: Outcome::Rejected, officer: None, changes: Vec::new(), problem: Some(problem) }
}

/// Who must not be ended, since an entry that was rejected may mean them.
#[derive(Default)]
struct Spared<'a> {
    officers: HashSet<Uuid>,
    names: HashSet<(String, String)>,
    identifiers: HashSet<&'a Identifier>,
    emails: HashSet<String>,
    employee_numbers: HashSet<&'a str>,
    badge_numbers: HashSet<&'a str>,
}

impl<'a> Spared<'a> {
    fn of(roster: &'a Roster, results: &[EntryResult], plan: &Plan, held: &Held) -> Self {
        let mut spared = Self { officers: plan.contested.iter().copied().filter(|id| held.officers.contains_key(id)).collect(), ..Self::default() };
        let assigned: HashMap<usize, Uuid> = plan
            .assignments
            .iter()
            .enumerate()
            .filter_map(|(index, assignment)| match assignment {
                Assignment::Existing { officer, .. } => Some((index, *officer)),
                _ => None,
            })
            .collect();
        for (index, entry) in roster.entries.iter().enumerate().filter(|(index, _)| results[*index].outcome == Outcome::Rejected) {
            spared.officers.extend(assigned.get(&index));
            spared.names.insert((fold(entry.family_name.as_str()), fold(entry.given_name.as_str())));
            spared.identifiers.extend(&entry.identifiers);
            spared.emails.extend(entry.email.as_ref().map(Email::folded));
            spared.employee_numbers.extend(entry.employee_number.as_ref().map(Text::as_str));
            spared.badge_numbers.extend(entry.badge_number.as_ref().map(Text::as_str));
        }
        spared
    }

    fn holds(&self, officer: &Officer, appointment: &Appointment) -> bool {
        self.officers.contains(&officer.id)
            || (!self.names.is_empty() && self.names.contains(&officer.person().folded_names()))
            || officer.identifiers.iter().any(|identifier| self.identifiers.contains(identifier))
            || officer.email.as_ref().is_some_and(|email| self.emails.contains(&email.folded()))
            || appointment.employee_number.as_ref().is_some_and(|number| self.employee_numbers.contains(number.as_str()))
            || appointment.badge_number.as_ref().is_some_and(|number| self.badge_numbers.contains(number.as_str()))
    }
}
