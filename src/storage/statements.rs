//! xAPI statements, each its client's own: what another client sent is never looked at.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::StorageError;
use super::conn::{AnyConn, MultiBackend};
use super::dialect::{MAX_BINDS, per_backend, rows_per_statement};
use super::schema::{statement_keys, statements};
use super::types::{At, Guid, Id};

/// A statement to be written.
#[derive(Debug, Clone)]
pub struct NewStatement {
    /// The row's id.
    pub id: Uuid,
    /// What its sender calls it.
    pub statement: Uuid,
    /// When it is stored.
    pub stored_at: Timestamp,
    /// When it happened, as its sender said.
    pub sent_at: Option<Timestamp>,
    /// As it is answered.
    pub content: Value,
    /// The digest of what makes it the same as another.
    pub content_hash: String,
    /// The statement that it is about.
    pub refers_to: Option<Uuid>,
    /// Whether it takes that one back.
    pub voids: bool,
    /// Whether it was taken back before it came.
    pub voided: bool,
    /// The completion that it made.
    pub completion: Option<Uuid>,
    /// Digests of what it is found by.
    pub lookups: Vec<String>,
}

/// What decides about a statement that comes again, or is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldStatement {
    /// The digest of what makes it the same as another.
    pub content_hash: String,
    /// When it happened, as its sender said.
    pub sent_at: Option<Timestamp>,
    /// Whether it takes another back.
    pub voids: bool,
    /// The completion that it made.
    pub completion: Option<Uuid>,
}

/// Which statements a list holds, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementFilter {
    /// Digests of all that a statement, or one that it is about, is found by.
    pub lookups: Vec<String>,
    /// Only those stored after.
    pub since: Option<Timestamp>,
    /// Only those stored then or before.
    pub until: Option<Timestamp>,
    /// The oldest first.
    pub ascending: bool,
    /// Only those behind this one, in that order.
    pub after: Option<Uuid>,
}

/// When the last statement of a client was stored.
///
/// # Errors
/// Where the database fails.
pub fn last_stored(conn: &mut AnyConn, client: Uuid) -> Result<Option<Timestamp>, StorageError> {
    let own = statements::table.filter(statements::client_id.eq(Id(client))).order(statements::stored_at.desc());
    let last: Option<At> = own.select(statements::stored_at).first(conn).optional()?;
    Ok(last.map(|at| at.0))
}

/// What is held of a client's statements, by what it calls them.
///
/// # Errors
/// Where the database fails.
pub fn held(conn: &mut AnyConn, client: Uuid, ids: &[Uuid]) -> Result<HashMap<Uuid, HeldStatement>, StorageError> {
    let ids: Vec<Id> = ids.iter().map(|id| Id(*id)).collect();
    let mut found = HashMap::new();
    for some in ids.chunks(MAX_BINDS - 1) {
        let rows: Vec<(Id, String, Option<At>, bool, Option<Id>)> = statements::table
            .filter(statements::client_id.eq(Id(client)))
            .filter(statements::statement_id.eq_any(some))
            .select((statements::statement_id, statements::content_hash, statements::sent_at, statements::voids, statements::completion_id))
            .load(conn)?;
        found.extend(rows.into_iter().map(|(id, content_hash, sent_at, voids, completion)| {
            (id.0, HeldStatement { content_hash, sent_at: sent_at.map(|at| at.0), voids, completion: completion.map(|id| id.0) })
        }));
    }
    Ok(found)
}

/// Which of these statements are taken back by one that the client sent.
///
/// # Errors
/// Where the database fails.
pub fn taken_back(conn: &mut AnyConn, client: Uuid, ids: &[Uuid]) -> Result<HashSet<Uuid>, StorageError> {
    let ids: Vec<Option<Id>> = ids.iter().map(|id| Some(Id(*id))).collect();
    let mut found = HashSet::new();
    for some in ids.chunks(MAX_BINDS - 1) {
        let rows: Vec<Option<Id>> = statements::table
            .filter(statements::client_id.eq(Id(client)))
            .filter(statements::refers_to.eq_any(some.to_vec()))
            .filter(statements::voids.eq(true))
            .select(statements::refers_to)
            .load(conn)?;
        found.extend(rows.into_iter().flatten().map(|id| id.0));
    }
    Ok(found)
}

/// Writes new statements of a client.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, client: Uuid, new: &[NewStatement]) -> Result<(), StorageError> {
    for some in new.chunks(rows_per_statement(11)) {
        let rows: Vec<_> = some
            .iter()
            .map(|new| {
                (
                    statements::id.eq(Id(new.id)),
                    statements::client_id.eq(Id(client)),
                    statements::statement_id.eq(Id(new.statement)),
                    statements::stored_at.eq(At(new.stored_at)),
                    statements::sent_at.eq(new.sent_at.map(At)),
                    statements::content.eq(new.content.to_string()),
                    statements::content_hash.eq(&new.content_hash),
                    statements::refers_to.eq(new.refers_to.map(Id)),
                    statements::voids.eq(new.voids),
                    statements::voided.eq(new.voided),
                    statements::completion_id.eq(new.completion.map(Id)),
                )
            })
            .collect();
        per_backend!(conn, c => diesel::insert_into(statements::table).values(rows).execute(c))?;
    }
    let keys: Vec<(&String, Uuid)> = new.iter().flat_map(|new| new.lookups.iter().map(|lookup| (lookup, new.statement))).collect();
    for some in keys.chunks(rows_per_statement(3)) {
        let rows: Vec<_> = some
            .iter()
            .map(|(lookup, id)| {
                (statement_keys::client_id.eq(Id(client)), statement_keys::lookup.eq(*lookup), statement_keys::statement_id.eq(Id(*id)))
            })
            .collect();
        per_backend!(conn, c => diesel::insert_into(statement_keys::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// Notes that statements are taken back; those that take others back can't be.
///
/// # Errors
/// Where the database fails.
pub fn take_back(conn: &mut AnyConn, client: Uuid, ids: &[Uuid]) -> Result<(), StorageError> {
    let ids: Vec<Id> = ids.iter().map(|id| Id(*id)).collect();
    for some in ids.chunks(MAX_BINDS - 2) {
        let own = statements::table.filter(statements::client_id.eq(Id(client))).filter(statements::statement_id.eq_any(some));
        diesel::update(own.filter(statements::voids.eq(false))).set(statements::voided.eq(true)).execute(conn)?;
    }
    Ok(())
}

fn read(content: &str) -> Result<Value, StorageError> {
    serde_json::from_str(content).map_err(|cause| StorageError::Corrupt(format!("statements.content: {cause}")))
}

/// A client's statement, where there is one that is, or is not, taken back.
///
/// # Errors
/// Where the database fails.
pub fn find(conn: &mut AnyConn, client: Uuid, id: Uuid, voided: bool) -> Result<Option<Value>, StorageError> {
    let own = statements::table.filter(statements::client_id.eq(Id(client))).filter(statements::statement_id.eq(Id(id)));
    let content: Option<String> = own.filter(statements::voided.eq(voided)).select(statements::content).first(conn).optional()?;
    content.as_deref().map(read).transpose()
}

type Condition = Box<dyn BoxableExpression<statements::table, MultiBackend, SqlType = Bool>>;

/// A page of a client's statements that are not taken back, in the order in which they were stored, each with the id of its row.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, client: Uuid, filter: &StatementFilter, fetch: i64) -> Result<Vec<(Uuid, Value)>, StorageError> {
    let mut query = statements::table
        .filter(statements::client_id.eq(Id(client)))
        .filter(statements::voided.eq(false))
        .select((statements::id, statements::content))
        .limit(fetch)
        .into_boxed();
    if let Some(found) = found_by(client, &filter.lookups) {
        query = query.filter(found);
    }
    if let Some(since) = filter.since {
        query = query.filter(statements::stored_at.gt(At(since)));
    }
    if let Some(until) = filter.until {
        query = query.filter(statements::stored_at.le(At(until)));
    }
    if let Some(after) = filter.after {
        let own = statements::table.filter(statements::client_id.eq(Id(client))).filter(statements::id.eq(Id(after)));
        let at: Option<At> = own.select(statements::stored_at).first(conn).optional()?;
        let Some(at) = at else { return Ok(Vec::new()) };
        query = if filter.ascending { query.filter(statements::stored_at.gt(at)) } else { query.filter(statements::stored_at.lt(at)) };
    }
    query = if filter.ascending { query.order(statements::stored_at.asc()) } else { query.order(statements::stored_at.desc()) };
    let rows: Vec<(Id, String)> = query.load(conn)?;
    rows.into_iter().map(|(id, content)| Ok((id.0, read(&content)?))).collect()
}

/// That a statement is found by each of the digests, or is about one that is, or about one that is about such a one, however far
/// (xAPI-Communication §2.1.3). There are four at the most: of an agent, a verb, an activity and a registration.
fn found_by(client: Uuid, lookups: &[String]) -> Option<Condition> {
    if lookups.is_empty() {
        return None;
    }
    let different = lookups.iter().collect::<BTreeSet<_>>().len();
    // What is asked for twice is found by the same.
    let [one, two, three, four] = std::array::from_fn(|place| lookups[place % lookups.len()].clone());
    let found = sql::<Bool>("statements.statement_id IN (WITH RECURSIVE found (id) AS (SELECT statement_id FROM statement_keys WHERE client_id = ")
        .bind::<Guid, _>(Id(client))
        .sql(" AND lookup IN (")
        .bind::<Text, _>(one)
        .sql(", ")
        .bind::<Text, _>(two)
        .sql(", ")
        .bind::<Text, _>(three)
        .sql(", ")
        .bind::<Text, _>(four)
        .sql(") GROUP BY statement_id HAVING COUNT(*) = ")
        .bind::<BigInt, _>(i64::try_from(different).unwrap_or(i64::MAX))
        .sql(" UNION SELECT about.statement_id FROM statements AS about JOIN found ON about.refers_to = found.id WHERE about.client_id = ")
        .bind::<Guid, _>(Id(client))
        .sql(") SELECT id FROM found)");
    Some(Box::new(found))
}

/// A statement of whichever client that tells of somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling {
    /// Its row's id.
    pub id: Uuid,
    /// Whose it is.
    pub client: Uuid,
    /// What its sender calls it.
    pub statement: Uuid,
    /// What it says.
    pub content: Value,
    /// The completion that it made.
    pub completion: Option<Uuid>,
}

/// The statements, of whichever client, that are found by one of the digests or made one of the completions.
///
/// # Errors
/// Where the database fails.
pub fn telling_of(conn: &mut AnyConn, lookups: &[String], completions: &[Uuid]) -> Result<Vec<Telling>, StorageError> {
    let columns = (statements::id, statements::client_id, statements::statement_id, statements::content, statements::completion_id);
    let mut rows: Vec<(Id, Id, Id, String, Option<Id>)> = Vec::new();
    let completions: Vec<Option<Id>> = completions.iter().map(|id| Some(Id(*id))).collect();
    for some in completions.chunks(MAX_BINDS) {
        rows.extend(statements::table.filter(statements::completion_id.eq_any(some.to_vec())).select(columns).load(conn)?);
    }
    let named: Vec<(Id, Id)> = statement_keys::table
        .filter(statement_keys::lookup.eq_any(lookups))
        .select((statement_keys::client_id, statement_keys::statement_id))
        .load(conn)?;
    for (client, id) in named {
        let own = statements::table.filter(statements::client_id.eq(client)).filter(statements::statement_id.eq(id));
        rows.extend(own.select(columns).load(conn)?);
    }
    rows.sort_by_key(|row| row.0.0);
    rows.dedup_by_key(|row| row.0.0);
    let telling = |(id, client, statement, content, completion): (Id, Id, Id, String, Option<Id>)| {
        let content = read(&content)?;
        Ok(Telling { id: id.0, client: client.0, statement: statement.0, content, completion: completion.map(|id| id.0) })
    };
    rows.into_iter().map(telling).collect()
}

/// Puts what is left of a statement in its place, and forgets that it is found by the digests.
///
/// # Errors
/// Where the database fails.
pub fn reduce(conn: &mut AnyConn, telling: &Telling, left: &Value, lookups: &[String]) -> Result<(), StorageError> {
    diesel::update(statements::table.filter(statements::id.eq(Id(telling.id)))).set(statements::content.eq(left.to_string())).execute(conn)?;
    let own = statement_keys::table.filter(statement_keys::client_id.eq(Id(telling.client)));
    let own = own.filter(statement_keys::statement_id.eq(Id(telling.statement)));
    diesel::delete(own.filter(statement_keys::lookup.eq_any(lookups))).execute(conn)?;
    Ok(())
}
