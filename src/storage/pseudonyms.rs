//! What is left of who somebody is, once a pseudonym stands in its place.

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::StorageError;
use super::completions::{self as content, Completion};
use super::conn::AnyConn;
use super::schema::{
    appointments, completion_revisions, completions, idempotency_keys, number_spells, officer_identifiers, officer_join_keys, officer_joins, officers,
};
use super::types::{At, Id, Json};
use crate::domain::officer::Person;

/// How many ids are looked for in one statement.
const AT_ONCE: usize = 50;

/// Takes from an officer, whose names are replaced already, what else tells who they are: identifiers, and numbers in all appointments
/// and on all days; and puts the same names into what clients sent of them in joins.
///
/// # Errors
/// Where the database fails.
pub fn reduce_officer(conn: &mut AnyConn, id: Uuid, person: &Person, reason: &str, now: Timestamp) -> Result<(), StorageError> {
    diesel::update(officers::table.filter(officers::id.eq(Id(id))))
        .set((officers::pseudonymized_at.eq(Some(At(now))), officers::pseudonymization_reason.eq(Some(reason))))
        .execute(conn)?;
    diesel::delete(officer_identifiers::table.filter(officer_identifiers::officer_id.eq(Id(id)))).execute(conn)?;
    let own: Vec<Id> = appointments::table.filter(appointments::officer_id.eq(Id(id))).select(appointments::id).load(conn)?;
    diesel::delete(number_spells::table.filter(number_spells::appointment_id.eq_any(own))).execute(conn)?;
    diesel::update(appointments::table.filter(appointments::officer_id.eq(Id(id))))
        .set((appointments::employee_number.eq(None::<String>), appointments::badge_number.eq(None::<String>), appointments::updated_at.eq(At(now))))
        .execute(conn)?;
    let joins: Vec<Id> = officer_joins::table.filter(officer_joins::officer_id.eq(Id(id))).select(officer_joins::id).load(conn)?;
    diesel::delete(officer_join_keys::table.filter(officer_join_keys::join_id.eq_any(joins))).execute(conn)?;
    diesel::update(officer_joins::table.filter(officer_joins::officer_id.eq(Id(id))))
        .set((
            officer_joins::given_name.eq(person.given_name.as_str()),
            officer_joins::family_name.eq(person.family_name.as_str()),
            officer_joins::email.eq(None::<String>),
            officer_joins::identifiers.eq(Json(serde_json::json!([]))),
            officer_joins::updated_at.eq(At(now)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Reduces what was pushed of completions, in every revision, to what doesn't tell who somebody is.
///
/// # Errors
/// Where the database fails.
pub fn reduce_completions(conn: &mut AnyConn, reduced: &[Completion], now: Timestamp) -> Result<(), StorageError> {
    for completion in reduced {
        let (id, officer) = (Id(completion.id), completion.placement.officer);
        let document = Json(content::document(&completion.draft.reduced(officer)));
        diesel::update(completions::table.filter(completions::id.eq(id)))
            .set((completions::content.eq(document), completions::reduced.eq(true), completions::updated_at.eq(At(now))))
            .execute(conn)?;
        let own = completion_revisions::table.filter(completion_revisions::completion_id.eq(id));
        let former: Vec<(i32, Json)> = own.select((completion_revisions::revision, completion_revisions::content)).load(conn)?;
        for (revision, document) in former {
            let document = Json(content::document(&content::read_document(&document.0)?.reduced(officer)));
            diesel::update(own.filter(completion_revisions::revision.eq(revision))).set(completion_revisions::content.eq(document)).execute(conn)?;
        }
    }
    Ok(())
}

/// An answer that is kept under an idempotency key: client, key and body.
pub type KeptAnswer = (Uuid, String, String);

/// The kept answers that name one of these ids.
///
/// # Errors
/// Where the database fails.
pub fn answers_naming(conn: &mut AnyConn, ids: &[Uuid]) -> Result<Vec<KeptAnswer>, StorageError> {
    let mut found = Vec::new();
    for some in ids.chunks(AT_ONCE) {
        let mut query =
            idempotency_keys::table.select((idempotency_keys::client_id, idempotency_keys::idempotency_key, idempotency_keys::body)).into_boxed();
        for id in some {
            query = query.or_filter(idempotency_keys::body.like(format!("%{id}%")));
        }
        found.extend(query.load::<(Id, String, String)>(conn)?.into_iter().map(|(client, key, body)| (client.0, key, body)));
    }
    Ok(found)
}

/// Puts another body into a kept answer.
///
/// # Errors
/// Where the database fails.
pub fn replace_answer(conn: &mut AnyConn, (client, key, body): &KeptAnswer) -> Result<(), StorageError> {
    let own = idempotency_keys::table.filter(idempotency_keys::client_id.eq(Id(*client))).filter(idempotency_keys::idempotency_key.eq(key));
    diesel::update(own).set(idempotency_keys::body.eq(body)).execute(conn)?;
    Ok(())
}
