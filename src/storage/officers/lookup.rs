//! Who answers to a lookup of [`crate::domain::lookup`].

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;
use uuid::Uuid;

use super::{Identifier, Within, agencies_within, appointed, current_ids, while_granted};
use crate::domain::lookup::Lookup;
use crate::domain::matching::identifier_key;
use crate::domain::numbers::NumberKind;
use crate::domain::reach::Reach;
use crate::storage::conn::AnyConn;
use crate::storage::dialect::{MAX_BINDS, per_backend};
use crate::storage::lists::{among, looked_at, pairs_among};
use crate::storage::schema::{appointments, grants, number_spells, officer_identifiers, officers};
use crate::storage::types::Id;
use crate::storage::{StorageError, joins};

/// Lookups by their kind.
#[derive(Default)]
struct Wanted<'a> {
    ids: Vec<Uuid>,
    emails: Vec<&'a str>,
    email_sha1s: Vec<&'a str>,
    /// Wherever they are.
    names: Vec<&'a str>,
    names_at: Vec<(Uuid, &'a str)>,
    identifiers: Vec<(&'a str, &'a str)>,
    employee_numbers: Vec<(Uuid, &'a str)>,
    badge_numbers: Vec<(Uuid, &'a str)>,
}

impl<'a> Wanted<'a> {
    fn sort(lookups: &'a [Lookup]) -> Self {
        let mut wanted = Self::default();
        for lookup in lookups {
            match lookup {
                Lookup::Id(id) => wanted.ids.push(*id),
                Lookup::Email(email) => wanted.emails.push(email),
                Lookup::EmailSha1(digest) => wanted.email_sha1s.push(digest),
                Lookup::Name(None, key) => wanted.names.push(key),
                Lookup::Name(Some(agency), key) => wanted.names_at.push((*agency, key)),
                Lookup::Identifier(system, value) => wanted.identifiers.push((system, value)),
                Lookup::Number(agency, NumberKind::Employee, number) => wanted.employee_numbers.push((*agency, number)),
                Lookup::Number(agency, NumberKind::Badge, number) => wanted.badge_numbers.push((*agency, number)),
            }
        }
        wanted
    }
}

/// The officers within reach to whom any of the lookups leads, in the order of their ids: one statement for each kind, however many they are.
///
/// # Errors
/// Where the database fails.
pub fn answering(conn: &mut AnyConn, reach: &Reach, lookups: &[Lookup]) -> Result<Vec<Uuid>, StorageError> {
    let mut wanted = Wanted::sort(lookups);
    if !wanted.ids.is_empty() {
        let current = current_ids(conn, &wanted.ids)?;
        wanted.ids = wanted.ids.into_iter().map(|id| current.get(&id).copied().unwrap_or(id)).collect();
    }
    let mut found: Vec<Uuid> = Vec::new();
    for agencies in &agencies_within(reach) {
        macro_rules! bearers {
            ($condition:expr) => {{
                let query = officers::table.filter($condition).filter(officers::merged_into.is_null()).select(officers::id).into_boxed();
                appointed!(query, officers::id, agencies)
            }};
        }
        if !wanted.ids.is_empty() {
            extend(&mut found, per_backend!(conn, c => bearers!(among(officers::id, &wanted.ids)).load(c))?);
        }
        if !wanted.emails.is_empty() {
            extend(&mut found, per_backend!(conn, c => bearers!(among(officers::email_folded, &wanted.emails)).load(c))?);
        }
        if !wanted.email_sha1s.is_empty() {
            extend(&mut found, per_backend!(conn, c => bearers!(among(officers::email_sha1, &wanted.email_sha1s)).load(c))?);
            extend(&mut found, per_backend!(conn, c => bearers!(among(officers::email_folded_sha1, &wanted.email_sha1s)).load(c))?);
        }
        if !wanted.names.is_empty() {
            extend(&mut found, per_backend!(conn, c => bearers!(among(officers::name_key, &wanted.names)).load(c))?);
        }
        macro_rules! here {
            ($query:expr, $agency:expr) => {
                match agencies {
                    Within::All => $query.into_boxed(),
                    Within::Ids(agencies) => $query.filter(looked_at($agency).eq_any(agencies)).into_boxed(),
                    Within::Grants { client, on, ids } => while_granted!($query.filter(looked_at($agency).eq_any(ids)), *client, *on).into_boxed(),
                }
            };
        }
        if !wanted.names_at.is_empty() {
            extend(
                &mut found,
                per_backend!(conn, c => {
                    let query = appointments::table
                        .inner_join(officers::table)
                        .filter(pairs_among(looked_at(appointments::agency_id), officers::name_key, &wanted.names_at))
                        .filter(officers::merged_into.is_null())
                        .select(officers::id);
                    here!(query, appointments::agency_id).load(c)
                })?,
            );
        }
        for (kind, pairs) in [(NumberKind::Employee, &wanted.employee_numbers), (NumberKind::Badge, &wanted.badge_numbers)] {
            if pairs.is_empty() {
                continue;
            }
            extend(
                &mut found,
                per_backend!(conn, c => {
                    let query = number_spells::table
                        .inner_join(appointments::table)
                        .filter(number_spells::kind.eq(kind.as_str()))
                        .filter(pairs_among(number_spells::agency_id, number_spells::number, pairs))
                        .select(appointments::officer_id);
                    here!(query, number_spells::agency_id).load(c)
                })?,
            );
        }
        if !wanted.identifiers.is_empty() {
            extend(
                &mut found,
                per_backend!(conn, c => {
                    let query = officer_identifiers::table
                        .filter(pairs_among(officer_identifiers::system, officer_identifiers::value, &wanted.identifiers))
                        .select(officer_identifiers::officer_id)
                        .into_boxed();
                    appointed!(query, officer_identifiers::officer_id, agencies).load(c)
                })?,
            );
        }
    }
    // Who sees everything sees the holder, and takes along the records that are joined with it.
    let keys: Vec<String> = wanted.identifiers.iter().map(|(system, value)| identifier_key(system, value)).collect();
    found.extend(joins::officers_by_keys(conn, reach, &keys.iter().map(String::as_str).collect::<Vec<_>>())?);
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn extend(found: &mut Vec<Uuid>, ids: Vec<Id>) {
    found.extend(ids.into_iter().map(|id| id.0));
}

/// Who holds these identifiers, anywhere: only to settle to whom they belong, and not to be shown.
///
/// # Errors
/// Where the database fails.
pub fn holders(conn: &mut AnyConn, identifiers: &[&Identifier]) -> Result<HashMap<Identifier, Uuid>, StorageError> {
    let mut by_system: HashMap<&str, HashMap<&str, &Identifier>> = HashMap::new();
    for identifier in identifiers {
        by_system.entry(identifier.system.as_str()).or_default().insert(identifier.value.as_str(), identifier);
    }
    let mut held = HashMap::new();
    for (system, values) in by_system {
        let all: Vec<&str> = values.keys().copied().collect();
        for some in all.chunks(MAX_BINDS - 1) {
            let rows: Vec<(String, Id)> = officer_identifiers::table
                .filter(officer_identifiers::system.eq(system))
                .filter(officer_identifiers::value.eq_any(some))
                .select((officer_identifiers::value, officer_identifiers::officer_id))
                .load(conn)?;
            held.extend(rows.into_iter().filter_map(|(value, officer)| Some(((*values.get(value.as_str())?).clone(), officer.0))));
        }
    }
    Ok(held)
}

/// `(family, given)` of officers, folded, wherever they are: only to settle whether two descriptions mean one person.
///
/// # Errors
/// Where the database fails.
pub fn folded_names(conn: &mut AnyConn, ids: &[Uuid]) -> Result<HashMap<Uuid, (String, String)>, StorageError> {
    let ids: Vec<Id> = ids.iter().map(|id| Id(*id)).collect();
    let mut names = HashMap::new();
    for some in ids.chunks(MAX_BINDS) {
        let rows: Vec<(Id, String, String)> =
            officers::table.filter(officers::id.eq_any(some)).select((officers::id, officers::family_folded, officers::given_folded)).load(conn)?;
        names.extend(rows.into_iter().map(|(id, family, given)| (id.0, (family, given))));
    }
    Ok(names)
}
