//! The audit log: entries that are only ever added, and the heads of its lanes.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
use jiff::Timestamp;
use uuid::Uuid;

use super::StorageError;
use super::columns::columns;
use super::conn::AnyConn;
use super::error::corrupt;
use super::schema::{audit_lanes, audit_log};
use super::timelines::{self, Settled, Settlement};
use super::types::{At, Guid, Id, Instant};
use crate::domain::audit::{AuditOutcome, Entry, Head, LANES};

/// An entry where it stands in its lane, with its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which lane.
    pub lane: i32,
    /// Its number in the lane, from 1.
    pub sequence: i64,
    /// What it says.
    pub entry: Entry,
    /// The name of the key that it is sealed with.
    pub key_name: String,
    /// Its seal.
    pub hash: Vec<u8>,
}

/// The head of a lane with its seal, which it lacks until the service first starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// What the head says.
    pub head: Head,
    /// The name of the key and the seal.
    pub seal: Option<(String, Vec<u8>)>,
}

/// Which entries a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only of this client.
    pub client: Option<Uuid>,
    /// Only of this operation.
    pub operation: Option<String>,
    /// Only those that touched the resource with this id or natural key.
    pub resource: Option<String>,
    /// Only those of which this became.
    pub outcome: Option<AuditOutcome>,
    /// Only those answered so.
    pub status: Option<u16>,
    /// Only those at this instant or later.
    pub from: Option<Timestamp>,
    /// Only those before this instant.
    pub until: Option<Timestamp>,
}

columns! {
    /// An entry as a row holds it.
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = audit_log)]
    struct Row, Entries into "audit_log" {
        id: Id as Guid,
        lane: i32 as Integer,
        sequence: i64 as BigInt,
        at: At as Instant,
        client_id: Option<Id> as Nullable<Guid>,
        subject: Option<String> as Nullable<Text>,
        operation: String as Text,
        outcome: String as Text,
        status: i32 as Integer,
        resource: Option<String> as Nullable<Text>,
        resource_id: Option<String> as Nullable<Text>,
        agency_id: Option<Id> as Nullable<Guid>,
        request_id: Option<Id> as Nullable<Guid>,
        address: Option<String> as Nullable<Text>,
        fields: Option<String> as Nullable<Text>,
        detail: Option<String> as Nullable<Text>,
        ids: Option<String> as Nullable<Text>,
        key_name: String as Text,
        hash: Vec<u8> as Binary,
    }
}

impl From<Sealed> for Row {
    fn from(Sealed { lane, sequence, entry, key_name, hash }: Sealed) -> Self {
        Self {
            id: Id(entry.id),
            lane,
            sequence,
            at: At(entry.at),
            client_id: entry.client.map(Id),
            subject: entry.subject,
            operation: entry.operation,
            outcome: entry.outcome.as_str().to_owned(),
            status: i32::from(entry.status),
            resource: entry.resource,
            resource_id: entry.resource_id,
            agency_id: entry.agency.map(Id),
            request_id: entry.request.map(Id),
            address: entry.address,
            fields: entry.fields,
            detail: entry.detail,
            ids: entry.ids,
            key_name,
            hash,
        }
    }
}

impl Row {
    fn read(self) -> Result<Sealed, StorageError> {
        let entry = Entry {
            id: self.id.0,
            at: self.at.0,
            client: self.client_id.map(|id| id.0),
            subject: self.subject,
            operation: self.operation,
            outcome: AuditOutcome::parse(&self.outcome).map_err(corrupt("audit_log.outcome"))?,
            status: u16::try_from(self.status).map_err(|_| StorageError::Corrupt("audit_log.status".into()))?,
            resource: self.resource,
            resource_id: self.resource_id,
            agency: self.agency_id.map(|id| id.0),
            request: self.request_id.map(|id| id.0),
            address: self.address,
            fields: self.fields,
            detail: self.detail,
            ids: self.ids,
        };
        Ok(Sealed { lane: self.lane, sequence: self.sequence, entry, key_name: self.key_name, hash: self.hash })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_lanes)]
struct LaneRow {
    lane: i32,
    sequence: i64,
    hash: Vec<u8>,
    pruned_sequence: i64,
    pruned_hash: Vec<u8>,
    key_name: Option<String>,
    seal: Option<Vec<u8>>,
}

impl From<LaneRow> for Lane {
    fn from(row: LaneRow) -> Self {
        let LaneRow { lane, sequence, hash, pruned_sequence, pruned_hash, key_name, seal } = row;
        Self { head: Head { lane, sequence, hash, pruned_sequence, pruned_hash }, seal: key_name.zip(seal) }
    }
}

/// In which order to ask for lanes: any that nobody holds among the first few, else the others one after the other. SQLite has
/// one writer at a time, and so one lane.
pub fn lanes_in_turn(conn: &AnyConn, random: u8) -> Vec<i32> {
    match conn {
        AnyConn::Sqlite(_) => (0..LANES).collect(),
        // An odd step meets each of a power of two once, and spreads the first few.
        AnyConn::Postgres(_) => (0..LANES).map(|n| (i32::from(random) + n * 37) % LANES).collect(),
    }
}

/// Holds, until the transaction ends, one of `lanes` that nobody else holds; waits for the first where all of them are held.
///
/// # Errors
/// Where the database fails.
pub fn hold_lane(conn: &mut AnyConn, lanes: &[i32]) -> Result<Option<Lane>, StorageError> {
    let row: Option<LaneRow> = match conn {
        AnyConn::Sqlite(conn) => {
            audit_lanes::table.filter(audit_lanes::lane.eq_any(lanes)).order(audit_lanes::lane).select(LaneRow::as_select()).first(conn).optional()?
        }
        AnyConn::Postgres(conn) => {
            let free = audit_lanes::table.filter(audit_lanes::lane.eq_any(lanes)).select(LaneRow::as_select()).limit(1).for_update().skip_locked();
            if let Some(row) = free.load::<LaneRow>(conn)?.pop() {
                Some(row)
            } else {
                let first = lanes.first().copied().unwrap_or_default();
                audit_lanes::table.filter(audit_lanes::lane.eq(first)).select(LaneRow::as_select()).for_update().first(conn).optional()?
            }
        }
    };
    Ok(row.map(Lane::from))
}

/// The heads of all lanes, in their order.
///
/// # Errors
/// Where the database fails.
pub fn lanes(conn: &mut AnyConn) -> Result<Vec<Lane>, StorageError> {
    let rows: Vec<LaneRow> = audit_lanes::table.order(audit_lanes::lane).select(LaneRow::as_select()).load(conn)?;
    Ok(rows.into_iter().map(Lane::from).collect())
}

/// The head of a lane, held until the transaction ends.
///
/// # Errors
/// [`StorageError::NotFound`].
pub fn lane(conn: &mut AnyConn, lane: i32) -> Result<Lane, StorageError> {
    hold_lane(conn, &[lane])?.ok_or(StorageError::NotFound)
}

/// Writes the head of a lane.
///
/// # Errors
/// Where the database fails.
pub fn write_head(conn: &mut AnyConn, head: &Head, key_name: &str, seal: &[u8]) -> Result<(), StorageError> {
    diesel::update(audit_lanes::table.filter(audit_lanes::lane.eq(head.lane)))
        .set((
            audit_lanes::sequence.eq(head.sequence),
            audit_lanes::hash.eq(&head.hash),
            audit_lanes::pruned_sequence.eq(head.pruned_sequence),
            audit_lanes::pruned_hash.eq(&head.pruned_hash),
            audit_lanes::key_name.eq(key_name),
            audit_lanes::seal.eq(seal),
        ))
        .execute(conn)?;
    Ok(())
}

/// Adds entries, in their order, at the end of a lane that is held, and moves the head of the lane to the last; and writes in the rows of that
/// lane what became of timelines, and what is told to others. Where that isn't much, it is one statement on PostgreSQL.
///
/// # Errors
/// Where the database fails.
pub fn append(conn: &mut AnyConn, entries: Vec<Sealed>, seal: &[u8], settlement: &Settlement) -> Result<(), StorageError> {
    let rows: Vec<Row> = entries.into_iter().map(Row::from).collect();
    let lane = rows.last().map_or(0, |last| last.lane);
    let mut settled = match conn {
        AnyConn::Postgres(_) if !rows.is_empty() => Settled::of(lane, settlement),
        _ => None,
    };
    if settled.is_none() {
        timelines::settle(conn, lane, settlement)?;
    }
    match conn {
        AnyConn::Postgres(conn) => {
            let append = |some: Vec<Row>| {
                let last = some.last()?;
                let head = (last.sequence, last.hash.clone(), last.key_name.clone(), last.lane);
                Some(Append { entries: Entries::of(some), head, seal: seal.to_vec() })
            };
            for append in chunks(rows, AT_ONCE).into_iter().filter_map(append) {
                match settled.take() {
                    Some(settled) => Close { settled, append }.execute(conn)?,
                    None => append.execute(conn)?,
                };
            }
        }
        AnyConn::Sqlite(conn) => {
            let Some(last) = rows.last() else { return Ok(()) };
            let (lane, sequence, hash, key_name) = (last.lane, last.sequence, last.hash.clone(), last.key_name.clone());
            for row in rows {
                row.execute(conn)?;
            }
            diesel::update(audit_lanes::table.filter(audit_lanes::lane.eq(lane)))
                .set((audit_lanes::sequence.eq(sequence), audit_lanes::hash.eq(hash), audit_lanes::key_name.eq(key_name), audit_lanes::seal.eq(seal)))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// How many entries one statement writes on PostgreSQL.
const AT_ONCE: usize = 1_000;

fn chunks(mut rows: Vec<Row>, size: usize) -> Vec<Vec<Row>> {
    let mut all = Vec::new();
    while !rows.is_empty() {
        let rest = rows.split_off(size.min(rows.len()));
        all.push(std::mem::replace(&mut rows, rest));
    }
    all
}

/// Entries added, and the head of their lane moved to the last: its sequence, seal, key and lane.
#[derive(Debug, QueryId)]
struct Append {
    entries: Entries,
    head: (i64, Vec<u8>, String, i32),
    seal: Vec<u8>,
}

impl diesel::RunQueryDsl<PgConnection> for Append {}

impl QueryFragment<Pg> for Append {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH ");
        self.walk_parts(out)
    }
}

/// The same with what became of timelines.
#[derive(Debug, QueryId)]
struct Close {
    settled: Settled,
    append: Append,
}

impl diesel::RunQueryDsl<PgConnection> for Close {}

impl QueryFragment<Pg> for Close {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH ");
        self.settled.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.append.walk_parts(out)
    }
}

impl Append {
    /// Writes what comes after `WITH`.
    fn walk_parts<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (sequence, hash, key_name, lane) = &self.head;
        out.push_sql("added AS (");
        self.entries.walk_ast(out.reborrow())?;
        out.push_sql(") UPDATE audit_lanes SET sequence = ");
        out.push_bind_param::<BigInt, _>(sequence)?;
        out.push_sql(", hash = ");
        out.push_bind_param::<Binary, _>(hash)?;
        out.push_sql(", key_name = ");
        out.push_bind_param::<Text, _>(key_name)?;
        out.push_sql(", seal = ");
        out.push_bind_param::<Binary, _>(&self.seal)?;
        out.push_sql(" WHERE lane = ");
        out.push_bind_param::<Integer, _>(lane)
    }
}

/// A page of entries, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, filter: &AuditFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<Sealed>, StorageError> {
    let mut query = audit_log::table.order(audit_log::id).limit(fetch).select(Row::as_select()).into_boxed();
    if let Some(client) = filter.client {
        query = query.filter(audit_log::client_id.eq(Id(client)));
    }
    if let Some(operation) = &filter.operation {
        query = query.filter(audit_log::operation.eq(operation.clone()));
    }
    if let Some(resource) = &filter.resource {
        let own = audit_log::resource_id.eq(resource.clone());
        query = match Uuid::try_parse(resource) {
            // Among those of a change to many, too.
            Ok(id) => query.filter(own.or(audit_log::ids.is_not_null().and(audit_log::ids.like(format!("%{}%", id.simple()))))),
            Err(_) => query.filter(own),
        };
    }
    if let Some(outcome) = filter.outcome {
        query = query.filter(audit_log::outcome.eq(outcome.as_str()));
    }
    if let Some(status) = filter.status {
        query = query.filter(audit_log::status.eq(i32::from(status)));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit_log::at.ge(At(from)));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit_log::at.lt(At(until)));
    }
    if let Some(after) = after {
        query = query.filter(audit_log::id.gt(Id(after)));
    }
    query.load(conn)?.into_iter().map(Row::read).collect()
}

/// The entry with an id.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, id: Uuid) -> Result<Option<Sealed>, StorageError> {
    audit_log::table.filter(audit_log::id.eq(Id(id))).select(Row::as_select()).first(conn).optional()?.map(Row::read).transpose()
}

/// The next entries of a lane after a number, in their order.
///
/// # Errors
/// Where the database fails, and where a row is no entry.
pub fn of_lane(conn: &mut AnyConn, lane: i32, after: Option<i64>, fetch: i64) -> Result<Vec<Sealed>, StorageError> {
    let mut query = audit_log::table.filter(audit_log::lane.eq(lane)).order((audit_log::sequence, audit_log::id)).limit(fetch).into_boxed();
    if let Some(after) = after {
        query = query.filter(audit_log::sequence.gt(after));
    }
    query.select(Row::as_select()).load(conn)?.into_iter().map(Row::read).collect()
}

/// The lanes that entries name.
///
/// # Errors
/// Where the database fails.
pub fn lanes_named(conn: &mut AnyConn) -> Result<Vec<i32>, StorageError> {
    Ok(audit_log::table.select(audit_log::lane).distinct().order(audit_log::lane).load(conn)?)
}

/// The last entry of a lane, from its beginning, such that it and all before it are older than `before`.
///
/// # Errors
/// Where the database fails.
pub fn last_before(conn: &mut AnyConn, lane: i32, before: Timestamp) -> Result<Option<(i64, Vec<u8>)>, StorageError> {
    let kept: Option<i64> = audit_log::table
        .filter(audit_log::lane.eq(lane))
        .filter(audit_log::at.ge(At(before)))
        .order(audit_log::sequence)
        .select(audit_log::sequence)
        .first(conn)
        .optional()?;
    let mut older = audit_log::table.filter(audit_log::lane.eq(lane)).order(audit_log::sequence.desc()).into_boxed();
    if let Some(kept) = kept {
        older = older.filter(audit_log::sequence.lt(kept));
    }
    Ok(older.select((audit_log::sequence, audit_log::hash)).first(conn).optional()?)
}

/// Takes the entries of a lane away up to a number; the head must say that they are pruned.
///
/// # Errors
/// Where the database fails.
pub fn delete_until(conn: &mut AnyConn, lane: i32, sequence: i64) -> Result<usize, StorageError> {
    Ok(diesel::delete(audit_log::table.filter(audit_log::lane.eq(lane)).filter(audit_log::sequence.le(sequence))).execute(conn)?)
}
