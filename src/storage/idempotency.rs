//! The answers kept under idempotency keys.

use diesel::prelude::*;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::schema::idempotency_keys as keys;
use super::types::{At, Id};

/// How long an answer is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What marks the request.
    pub fingerprint: String,
    /// The status.
    pub status: u16,
    /// The path of what was created.
    pub location: Option<String>,
    /// What became of a record that was pushed.
    pub outcome: Option<String>,
    /// The JSON body.
    pub body: String,
}

fn horizon(now: Timestamp) -> At {
    At(now.checked_sub(KEPT_FOR).unwrap_or(now))
}

/// The answer kept under a client's key within the last 24 hours.
///
/// # Errors
/// Where the database fails.
pub fn find(conn: &mut AnyConn, client: Uuid, key: &str, now: Timestamp) -> Result<Option<Kept>, StorageError> {
    let row: Option<(String, i32, Option<String>, Option<String>, String)> = keys::table
        .filter(keys::client_id.eq(Id(client)))
        .filter(keys::idempotency_key.eq(key))
        .filter(keys::created_at.gt(horizon(now)))
        .select((keys::fingerprint, keys::status, keys::location, keys::outcome, keys::body))
        .first(conn)
        .optional()?;
    row.map(|(fingerprint, status, location, outcome, body)| {
        let status = u16::try_from(status).map_err(|_| StorageError::Corrupt("idempotency_keys.status".into()))?;
        Ok(Kept { fingerprint, status, location, outcome, body })
    })
    .transpose()
}

/// Keeps an answer; forgets the client's that are older than 24 hours.
///
/// # Errors
/// [`super::Constraint::IdempotencyKey`] where another process has just kept one.
pub fn keep(conn: &mut AnyConn, client: Uuid, key: &str, answer: &Kept, now: Timestamp) -> Result<(), StorageError> {
    diesel::delete(keys::table.filter(keys::client_id.eq(Id(client))).filter(keys::created_at.le(horizon(now)))).execute(conn)?;
    diesel::insert_into(keys::table)
        .values((
            keys::client_id.eq(Id(client)),
            keys::idempotency_key.eq(key),
            keys::fingerprint.eq(&answer.fingerprint),
            keys::status.eq(i32::from(answer.status)),
            keys::location.eq(answer.location.as_deref()),
            keys::outcome.eq(answer.outcome.as_deref()),
            keys::body.eq(&answer.body),
            keys::created_at.eq(At(now)),
        ))
        .execute(conn)?;
    Ok(())
}
