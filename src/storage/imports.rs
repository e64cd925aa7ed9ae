//! Imports: batches that are taken later, in pieces that fit in memory.

use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::conn::AnyConn;
use super::schema::{import_bodies as bodies, import_outcomes as outcomes, imports};
use super::types::{At, Id, Json};
use super::{StorageError, dialect};
use crate::domain::agency::AgencyKey;
use crate::domain::import::ImportState;

/// How many imports are taken away in one transaction.
const AT_ONCE: i64 = 100;

/// An import as it is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub client: Uuid,
    /// Who sent it.
    pub subject: String,
    /// In which right its records are taken.
    pub authority: ImportAuthority,
    /// Of its body.
    pub media_type: String,
    /// How a CSV body is read, as JSON.
    pub layout: Value,
    /// Whether outcomes that are as usual are left out.
    pub minimal: bool,
    /// How far it is.
    pub state: ImportState,
    /// How long its body is.
    pub bytes: i64,
    /// How much of it was read when the last records were taken.
    pub bytes_read: i64,
    /// How many records fared how, as JSON.
    pub summary: Value,
    /// In how many pieces its outcomes are.
    pub outcome_pieces: i32,
    /// Why it failed, as JSON.
    pub problem: Option<Value>,
    /// How often it was begun since records of it were last taken.
    pub attempts: i32,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
    /// When somebody first began with it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// In which right the records of an import are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportAuthority {
    /// That of a registered client, by its grants as they are then.
    Client,
    /// That of a token which names agencies; `None`: all.
    Token(Option<Vec<AgencyKey>>),
}

#[derive(Queryable)]
struct Row {
    id: Id,
    client_id: Id,
    subject: String,
    registered: bool,
    agencies: Option<Json>,
    media_type: String,
    layout: String,
    minimal: bool,
    state: String,
    bytes: i64,
    bytes_read: i64,
    summary: String,
    outcome_pieces: i32,
    problem: Option<String>,
    attempts: i32,
    _claim: Option<Id>,
    _claimed_until: Option<At>,
    created_at: At,
    updated_at: At,
    started_at: Option<At>,
    finished_at: Option<At>,
}

/// JSON that is kept as text: names of fields that a sender made up may hold what `jsonb` doesn't take.
fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

impl TryFrom<Row> for Import {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let corrupt = |what| StorageError::Corrupt(format!("imports.{what}"));
        let key = |key: &Value| key.as_str().and_then(|key| AgencyKey::parse(key).ok()).ok_or_else(|| corrupt("agencies"));
        let keys = row.agencies.map(|keys| keys.0.as_array().into_iter().flatten().map(key).collect::<Result<_, _>>()).transpose()?;
        Ok(Self {
            id: row.id.0,
            client: row.client_id.0,
            subject: row.subject,
            authority: if row.registered { ImportAuthority::Client } else { ImportAuthority::Token(keys) },
            media_type: row.media_type,
            layout: read(&row.layout).ok_or_else(|| corrupt("layout"))?,
            minimal: row.minimal,
            state: ImportState::parse(&row.state).map_err(|_| corrupt("state"))?,
            bytes: row.bytes,
            bytes_read: row.bytes_read,
            summary: read(&row.summary).ok_or_else(|| corrupt("summary"))?,
            outcome_pieces: row.outcome_pieces,
            problem: row.problem.map(|problem| read(&problem).ok_or_else(|| corrupt("problem"))).transpose()?,
            attempts: row.attempts,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            started_at: row.started_at.map(|at| at.0),
            finished_at: row.finished_at.map(|at| at.0),
        })
    }
}

/// Writes a new import. Until `until` its body comes, or it is given up.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, import: &Import, until: Timestamp) -> Result<(), StorageError> {
    let (registered, keys) = match &import.authority {
        ImportAuthority::Client => (true, None),
        ImportAuthority::Token(keys) => (false, keys.as_ref()),
    };
    let keys = keys.map(|keys| Json(keys.iter().map(|key| Value::from(key.to_string())).collect()));
    diesel::insert_into(imports::table)
        .values((
            imports::id.eq(Id(import.id)),
            imports::client_id.eq(Id(import.client)),
            imports::subject.eq(&import.subject),
            imports::registered.eq(registered),
            imports::agencies.eq(keys),
            imports::media_type.eq(&import.media_type),
            imports::layout.eq(import.layout.to_string()),
            imports::minimal.eq(import.minimal),
            imports::state.eq(import.state.as_str()),
            imports::bytes.eq(import.bytes),
            imports::bytes_read.eq(import.bytes_read),
            imports::summary.eq(import.summary.to_string()),
            imports::outcome_pieces.eq(import.outcome_pieces),
            imports::attempts.eq(import.attempts),
            imports::claimed_until.eq(Some(At(until))),
            imports::created_at.eq(At(import.created_at)),
            imports::updated_at.eq(At(import.updated_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// The import with an id, where there is one.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, id: Uuid) -> Result<Option<Import>, StorageError> {
    let row: Option<Row> = imports::table.filter(imports::id.eq(Id(id))).first(conn).optional()?;
    row.map(Import::try_from).transpose()
}

/// A page of the client's imports whose body is stored, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, client: Uuid, after: Option<Uuid>, fetch: i64) -> Result<Vec<Import>, StorageError> {
    let own = imports::table.filter(imports::client_id.eq(Id(client))).filter(imports::state.ne(ImportState::Receiving.as_str()));
    let mut query = own.order(imports::id).limit(fetch).into_boxed();
    if let Some(after) = after {
        query = query.filter(imports::id.gt(Id(after)));
    }
    query.load::<Row>(conn)?.into_iter().map(Import::try_from).collect()
}

/// How many imports of a client are not over, those whose body is coming among them.
///
/// # Errors
/// Where the database fails.
pub fn count_open(conn: &mut AnyConn, client: Uuid) -> Result<i64, StorageError> {
    let open = [ImportState::Receiving, ImportState::Queued, ImportState::Running].map(ImportState::as_str);
    Ok(imports::table.filter(imports::client_id.eq(Id(client))).filter(imports::state.eq_any(open)).count().get_result(conn)?)
}

/// Adds a piece to a body that is coming; from now until `until`, the next is waited for. Answers whether it is still waited for.
///
/// # Errors
/// Where the database fails.
pub fn add_piece(conn: &mut AnyConn, id: Uuid, piece: i32, content: &[u8], until: Timestamp) -> Result<bool, StorageError> {
    let coming = imports::table.filter(imports::id.eq(Id(id))).filter(imports::state.eq(ImportState::Receiving.as_str()));
    if diesel::update(coming).set(imports::claimed_until.eq(Some(At(until)))).execute(conn)? == 0 {
        return Ok(false);
    }
    diesel::insert_into(bodies::table).values((bodies::import_id.eq(Id(id)), bodies::piece.eq(piece), bodies::content.eq(content))).execute(conn)?;
    Ok(true)
}

/// A piece of a body, from 0; nothing after the last.
///
/// # Errors
/// Where the database fails.
pub fn piece(conn: &mut AnyConn, id: Uuid, piece: i32) -> Result<Option<Vec<u8>>, StorageError> {
    let own = bodies::table.filter(bodies::import_id.eq(Id(id))).filter(bodies::piece.eq(piece));
    Ok(own.select(bodies::content).first(conn).optional()?)
}

/// A piece of the outcomes, from 0: lines of JSON.
///
/// # Errors
/// Where the database fails.
pub fn outcome_piece(conn: &mut AnyConn, id: Uuid, piece: i32) -> Result<Option<String>, StorageError> {
    let own = outcomes::table.filter(outcomes::import_id.eq(Id(id))).filter(outcomes::piece.eq(piece));
    Ok(own.select(outcomes::content).first(conn).optional()?)
}

/// Adds a piece to the outcomes.
///
/// # Errors
/// Where the database fails.
pub fn add_outcomes(conn: &mut AnyConn, id: Uuid, piece: i32, content: &str) -> Result<(), StorageError> {
    let row = (outcomes::import_id.eq(Id(id)), outcomes::piece.eq(piece), outcomes::content.eq(content));
    diesel::insert_into(outcomes::table).values(row).execute(conn)?;
    Ok(())
}

/// Writes how far an import is, which is held by [`dialect::lock_import`].
///
/// # Errors
/// Where the database fails.
pub fn update(conn: &mut AnyConn, import: &Import) -> Result<(), StorageError> {
    diesel::update(imports::table.filter(imports::id.eq(Id(import.id))))
        .set((
            imports::state.eq(import.state.as_str()),
            imports::bytes.eq(import.bytes),
            imports::bytes_read.eq(import.bytes_read),
            imports::summary.eq(import.summary.to_string()),
            imports::outcome_pieces.eq(import.outcome_pieces),
            imports::problem.eq(import.problem.as_ref().map(Value::to_string)),
            imports::attempts.eq(import.attempts),
            imports::updated_at.eq(At(import.updated_at)),
            imports::started_at.eq(import.started_at.map(At)),
            imports::finished_at.eq(import.finished_at.map(At)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes away the body of an import.
///
/// # Errors
/// Where the database fails.
pub fn delete_body(conn: &mut AnyConn, id: Uuid) -> Result<(), StorageError> {
    diesel::delete(bodies::table.filter(bodies::import_id.eq(Id(id)))).execute(conn)?;
    Ok(())
}

/// Whether there is an import to begin or to go on with: one question that holds nothing.
///
/// # Errors
/// Where the database fails.
pub fn is_due(conn: &mut AnyConn, now: Timestamp) -> Result<bool, StorageError> {
    let queued = imports::state.eq(ImportState::Queued.as_str());
    let left = imports::state.eq(ImportState::Running.as_str()).and(imports::claimed_until.le(At(now)));
    let found: Option<Id> = imports::table.filter(queued.or(left)).select(imports::id).limit(1).first(conn).optional()?;
    Ok(found.is_some())
}

/// Claims an import until `until`.
///
/// # Errors
/// Where the database fails.
pub fn claim(conn: &mut AnyConn, id: Uuid, claim: Uuid, until: Timestamp) -> Result<(), StorageError> {
    let own = imports::table.filter(imports::id.eq(Id(id)));
    diesel::update(own).set((imports::claim.eq(Some(Id(claim))), imports::claimed_until.eq(Some(At(until))))).execute(conn)?;
    Ok(())
}

/// Keeps what was claimed until `until`. Answers whether it was still so.
///
/// # Errors
/// Where the database fails.
pub fn keep_claim(conn: &mut AnyConn, id: Uuid, claim: Uuid, until: Timestamp) -> Result<bool, StorageError> {
    let own = imports::table.filter(imports::id.eq(Id(id))).filter(imports::claim.eq(Some(Id(claim))));
    let own = own.filter(imports::state.eq(ImportState::Running.as_str()));
    Ok(diesel::update(own).set(imports::claimed_until.eq(Some(At(until)))).execute(conn)? > 0)
}

/// Whether an import is claimed so. To be asked while it is held.
///
/// # Errors
/// Where the database fails.
pub fn is_claimed(conn: &mut AnyConn, id: Uuid, claim: Uuid) -> Result<bool, StorageError> {
    dialect::lock_import(conn, id)?;
    let own = imports::table.filter(imports::id.eq(Id(id))).filter(imports::claim.eq(Some(Id(claim))));
    Ok(own.filter(imports::state.eq(ImportState::Running.as_str())).count().get_result::<i64>(conn)? > 0)
}

/// Takes an import away, with all that belongs to it.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, ids: &[Uuid]) -> Result<(), StorageError> {
    let ids: Vec<Id> = ids.iter().map(|id| Id(*id)).collect();
    diesel::delete(imports::table.filter(imports::id.eq_any(ids))).execute(conn)?;
    Ok(())
}

/// Some imports that ended before `before`.
///
/// # Errors
/// Where the database fails.
pub fn ended_before(conn: &mut AnyConn, before: Timestamp) -> Result<Vec<Uuid>, StorageError> {
    let old = imports::table.filter(imports::finished_at.lt(At(before))).order(imports::id).limit(AT_ONCE);
    Ok(old.select(imports::id).load::<Id>(conn)?.into_iter().map(|id| id.0).collect())
}

/// Takes away what was begun and never came.
///
/// # Errors
/// Where the database fails.
pub fn delete_abandoned(conn: &mut AnyConn, now: Timestamp) -> Result<usize, StorageError> {
    let coming = imports::table.filter(imports::state.eq(ImportState::Receiving.as_str()));
    Ok(diesel::delete(coming.filter(imports::claimed_until.le(At(now)))).execute(conn)?)
}
