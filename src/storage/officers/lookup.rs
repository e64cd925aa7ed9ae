//! Who answers to a key, in the vocabulary of [`crate::domain::matching`].

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;
use uuid::Uuid;

use super::{Identifier, Within, agencies_within, appointed, current_ids, while_granted};
use crate::domain::numbers::NumberKind;
use crate::domain::reach::Reach;
use crate::storage::conn::AnyConn;
use crate::storage::dialect::{HALF_OF_BINDS, MAX_BINDS, per_backend};
use crate::storage::schema::{appointments, grants, number_spells, officer_identifiers, officers};
use crate::storage::types::Id;
use crate::storage::{StorageError, joins};

/// Keys by their kind, without its prefix.
#[derive(Default)]
struct Wanted<'a> {
    ids: Vec<Id>,
    emails: Vec<&'a str>,
    email_sha1s: Vec<&'a str>,
    /// With the prefix: that is how the column holds them.
    names: Vec<&'a str>,
    identifiers: Vec<&'a str>,
    employee_numbers: Vec<&'a str>,
    badge_numbers: Vec<&'a str>,
}

impl<'a> Wanted<'a> {
    fn sort(keys: &'a [String]) -> Self {
        let mut wanted = Self::default();
        for key in keys {
            match key.split_once(':') {
                Some(("id", id)) => wanted.ids.extend(Uuid::try_parse(id).ok().map(Id)),
                Some(("email", email)) => wanted.emails.push(email),
                Some(("email_sha1", digest)) => wanted.email_sha1s.push(digest),
                Some(("name", _)) => wanted.names.push(key),
                Some(("identifier", identifier)) => wanted.identifiers.push(identifier),
                Some(("employee", number)) => wanted.employee_numbers.push(number),
                Some(("badge", number)) => wanted.badge_numbers.push(number),
                _ => {}
            }
        }
        wanted
    }
}

/// The officers within reach who answer to any of the keys, in the order of their ids: one statement for each kind of key, by
/// thousands of keys at once.
///
/// # Errors
/// Where the database fails.
pub fn answering(conn: &mut AnyConn, reach: &Reach, keys: &[String]) -> Result<Vec<Uuid>, StorageError> {
    let mut wanted = Wanted::sort(keys);
    if !wanted.ids.is_empty() {
        let named: Vec<Uuid> = wanted.ids.iter().map(|id| id.0).collect();
        let current = current_ids(conn, &named)?;
        wanted.ids = named.into_iter().map(|id| Id(current.get(&id).copied().unwrap_or(id))).collect();
    }
    let mut found: Vec<Uuid> = Vec::new();
    for agencies in &agencies_within(reach) {
        for some in wanted.ids.chunks(HALF_OF_BINDS) {
            let query = officers::table.filter(officers::id.eq_any(some)).select(officers::id);
            let ids = per_backend!(conn, c => appointed!(query.into_boxed(), officers::id, agencies).load(c))?;
            extend(&mut found, ids);
        }
        for some in wanted.emails.chunks(HALF_OF_BINDS) {
            let bearers = officers::table.filter(officers::email_folded.eq_any(some)).filter(officers::merged_into.is_null());
            let ids = per_backend!(conn, c => appointed!(bearers.select(officers::id).into_boxed(), officers::id, agencies).load(c))?;
            extend(&mut found, ids);
        }
        for some in wanted.email_sha1s.chunks(HALF_OF_BINDS) {
            let bearers = officers::table.filter(officers::email_sha1.eq_any(some)).filter(officers::merged_into.is_null());
            let ids = per_backend!(conn, c => appointed!(bearers.select(officers::id).into_boxed(), officers::id, agencies).load(c))?;
            extend(&mut found, ids);
            let bearers = officers::table.filter(officers::email_folded_sha1.eq_any(some)).filter(officers::merged_into.is_null());
            let ids = per_backend!(conn, c => appointed!(bearers.select(officers::id).into_boxed(), officers::id, agencies).load(c))?;
            extend(&mut found, ids);
        }
        for some in wanted.names.chunks(HALF_OF_BINDS) {
            let bearers = officers::table.filter(officers::name_key.eq_any(some)).filter(officers::merged_into.is_null());
            let ids = per_backend!(conn, c => appointed!(bearers.select(officers::id).into_boxed(), officers::id, agencies).load(c))?;
            extend(&mut found, ids);
        }
        let numbers = [(NumberKind::Employee, &wanted.employee_numbers), (NumberKind::Badge, &wanted.badge_numbers)];
        for (kind, some) in numbers.into_iter().flat_map(|(kind, numbers)| numbers.chunks(HALF_OF_BINDS).map(move |some| (kind, some))) {
            let ids = per_backend!(conn, c => {
                let query = number_spells::table
                    .inner_join(appointments::table)
                    .filter(number_spells::kind.eq(kind.as_str()))
                    .filter(number_spells::number.eq_any(some))
                    .select(appointments::officer_id)
                    .into_boxed();
                match agencies {
                    Within::All => query,
                    Within::Ids(agencies) => query.filter(number_spells::agency_id.eq_any(agencies)),
                    Within::Grants { client, on, ids } => while_granted!(query.filter(number_spells::agency_id.eq_any(ids)), *client, *on),
                }
                .load(c)
            })?;
            extend(&mut found, ids);
        }
        found.extend(by_identifier(conn, agencies, &wanted.identifiers)?);
    }
    // Who sees everything sees the holder, and takes along the records that are joined with it.
    let keys: Vec<&str> = keys.iter().filter(|key| key.starts_with("identifier:")).map(String::as_str).collect();
    found.extend(joins::officers_by_keys(conn, reach, &keys)?);
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn extend(found: &mut Vec<Uuid>, ids: Vec<Id>) {
    found.extend(ids.into_iter().map(|id| id.0));
}

/// `system|value`; where the bar stands in either, every reading is looked up.
fn by_identifier(conn: &mut AnyConn, agencies: &Within, identifiers: &[&str]) -> Result<Vec<Uuid>, StorageError> {
    let mut by_system: HashMap<&str, Vec<&str>> = HashMap::new();
    for identifier in identifiers {
        for (bar, _) in identifier.match_indices('|') {
            by_system.entry(&identifier[..bar]).or_default().push(&identifier[bar + 1..]);
        }
    }
    let mut found = Vec::new();
    for (system, values) in by_system {
        for some in values.chunks(HALF_OF_BINDS) {
            let bearers = officer_identifiers::table
                .filter(officer_identifiers::system.eq(system))
                .filter(officer_identifiers::value.eq_any(some))
                .select(officer_identifiers::officer_id);
            let ids = per_backend!(conn, c => appointed!(bearers.into_boxed(), officer_identifiers::officer_id, agencies).load(c))?;
            extend(&mut found, ids);
        }
    }
    Ok(found)
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
