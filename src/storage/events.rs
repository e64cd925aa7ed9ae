//! What happened, to be read from the beginning without gap or repeat.
//!
//! Each event is written by the transaction that it tells of. On SQLite one writes at a time, and the number of its row is its position. On
//! PostgreSQL transactions end in another order than they begin in: an event gets its position when it is there to be read, by whoever reads
//! first, one at a time; so what comes later comes after.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};
use jiff::Timestamp;
use uuid::Uuid;

use super::StorageError;
use super::agencies::AgencyBrief;
use super::columns::columns;
use super::conn::AnyConn;
use super::error::corrupt;
use super::schema::{agencies, events};
use super::types::{At, Doc, Guid, Id, Instant, Json, Written};
use crate::domain::event::EventType;
use crate::domain::reach::Reach;

/// How many events get their positions at once.
const AT_ONCE: i64 = 10_000;

/// How many rows one statement writes on PostgreSQL.
const WRITTEN_AT_ONCE: usize = 5_000;

/// An event to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id.
    pub id: Uuid,
    /// What happened.
    pub kind: EventType,
    /// The agency that it is about.
    pub agency: Option<Uuid>,
    /// The client that hears of it whatever its grants are.
    pub client: Option<Uuid>,
    /// What there is to say: a JSON object.
    pub data: String,
    /// When.
    pub occurred_at: Timestamp,
}

/// An event as it is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: Uuid,
    /// In which order it is read; from 1.
    pub position: i64,
    /// What happened.
    pub kind: EventType,
    /// The agency that it is about.
    pub agency: Option<AgencyBrief>,
    /// The client that hears of it whatever its grants are.
    pub client: Option<Uuid>,
    /// What there is to say.
    pub data: serde_json::Value,
    /// When.
    pub occurred_at: Timestamp,
}

/// Which events are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only of these types; none: of all.
    pub kinds: Vec<EventType>,
    /// Only of these agencies; none: of all within reach.
    pub agencies: Option<Vec<Uuid>>,
}

columns! {
    /// An event to be written, as a row.
    struct Row, Events into "events" {
        id: Id as Guid,
        kind: &'static str as Text,
        agency_id: Option<Id> as Nullable<Guid>,
        client_id: Option<Id> as Nullable<Guid>,
        data: Written as Doc,
        occurred_at: At as Instant,
    }
}

impl Row {
    fn of(event: &NewEvent) -> Self {
        let NewEvent { id, kind, agency, client, ref data, occurred_at } = *event;
        Self {
            id: Id(id),
            kind: kind.as_str(),
            agency_id: agency.map(Id),
            client_id: client.map(Id),
            data: Written(data.clone()),
            occurred_at: At(occurred_at),
        }
    }
}

/// [`insert`] as a part of another statement of PostgreSQL, for what isn't much.
#[derive(Debug, QueryId)]
pub(super) struct Told(Events);

impl Told {
    /// Of these events.
    pub(super) fn of(events: &[NewEvent]) -> Self {
        Self(Events::of(events.iter().map(Row::of)))
    }
}

impl QueryFragment<Pg> for Told {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

/// Writes events, in their order.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, events: &[NewEvent]) -> Result<(), StorageError> {
    match conn {
        AnyConn::Postgres(conn) => {
            for some in events.chunks(WRITTEN_AT_ONCE) {
                Events::of(some.iter().map(Row::of)).execute(conn)?;
            }
        }
        AnyConn::Sqlite(conn) => {
            for event in events {
                Row::of(event).execute(conn)?;
            }
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Whether there are events that can't be read yet, since nobody gave them their positions.
///
/// # Errors
/// Where the database fails.
pub fn has_new(conn: &mut AnyConn) -> Result<bool, StorageError> {
    let AnyConn::Postgres(conn) = conn else { return Ok(false) };
    let new = diesel::sql_query("SELECT count(*) AS count FROM (SELECT 1 FROM events WHERE position IS NULL LIMIT 1) AS new");
    Ok(new.get_result::<Count>(conn)?.count > 0)
}

/// Gives positions to the events that were committed, in the order in which they were written: one after the other, so that two who do so at
/// once give them in one order. Answers whether there may be more. In a transaction of its own.
///
/// # Errors
/// Where the database fails.
pub fn give_positions(conn: &mut AnyConn) -> Result<bool, StorageError> {
    const READING: i64 = 0x6f6e_656d_696e_6402;
    let AnyConn::Postgres(conn) = conn else { return Ok(false) };
    diesel::sql_query(format!("SELECT pg_advisory_xact_lock({READING})")).execute(conn)?;
    // A statement of its own: it sees what whoever held the lock has committed.
    let given = diesel::sql_query(format!(
        "UPDATE events SET position = given.position FROM (\
            SELECT id, (SELECT coalesce(max(position), 0) FROM events) + row_number() OVER (ORDER BY ordinal) AS position \
            FROM (SELECT id, ordinal FROM events WHERE position IS NULL ORDER BY ordinal LIMIT {AT_ONCE}) AS new\
         ) AS given WHERE events.id = given.id"
    ))
    .execute(conn)?;
    Ok(i64::try_from(given).is_ok_and(|given| given == AT_ONCE))
}

/// The position of the last event that can be read; 0 where there is none.
///
/// # Errors
/// Where the database fails.
pub fn last_position(conn: &mut AnyConn) -> Result<i64, StorageError> {
    let last: Option<i64> = events::table.select(diesel::dsl::max(events::position)).first(conn)?;
    Ok(last.unwrap_or(0))
}

type EventRow = (Id, Option<i64>, String, Option<Id>, Option<Id>, Json, At, Option<String>, Option<String>);

/// Events with their agencies, as an [`EventRow`] each.
macro_rules! told {
    () => {
        events::table.left_join(agencies::table.on(events::agency_id.eq(agencies::id.nullable()))).select((
            events::id,
            events::position,
            events::kind,
            events::agency_id,
            events::client_id,
            events::data,
            events::occurred_at,
            agencies::ori.nullable(),
            agencies::name.nullable(),
        ))
    };
}

fn read((id, position, kind, agency, client, data, occurred_at, ori, name): EventRow) -> Result<Event, StorageError> {
    Ok(Event {
        id: id.0,
        position: position.unwrap_or_default(),
        kind: EventType::parse(&kind).map_err(corrupt("events.kind"))?,
        agency: agency.zip(name).map(|(id, name)| AgencyBrief { id: id.0, ori, name }),
        client: client.map(|id| id.0),
        data: data.0,
        occurred_at: occurred_at.0,
    })
}

/// The events at some positions, by these.
///
/// # Errors
/// Where the database fails.
pub fn by_positions(conn: &mut AnyConn, positions: &[i64]) -> Result<HashMap<i64, Event>, StorageError> {
    let wanted: Vec<Option<i64>> = positions.iter().copied().map(Some).collect();
    let rows: Vec<EventRow> = told!().filter(events::position.eq_any(wanted)).load(conn)?;
    rows.into_iter().map(|row| read(row).map(|event| (event.position, event))).collect()
}

/// What a client hears of, after a position up to another, in order: of the agencies within reach, of its own records, and of what is
/// everybody's.
///
/// # Errors
/// Where the database fails.
pub fn after(
    conn: &mut AnyConn,
    reach: &Reach,
    client: Uuid,
    filter: &EventFilter,
    (after, until): (i64, i64),
    fetch: i64,
) -> Result<Vec<Event>, StorageError> {
    let mut query =
        told!().filter(events::position.gt(Some(after))).filter(events::position.le(Some(until))).order(events::position).limit(fetch).into_boxed();
    if let Some(ids) = reach.ids() {
        let within: Vec<Option<Id>> = ids.iter().map(|id| Some(Id(*id))).collect();
        let everybodys = events::agency_id.is_null().and(events::client_id.is_null());
        query = query.filter(events::agency_id.eq_any(within).or(events::client_id.eq(Some(Id(client)))).or(everybodys));
    }
    if !filter.kinds.is_empty() {
        query = query.filter(events::kind.eq_any(filter.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>()));
    }
    if let Some(agencies) = &filter.agencies {
        query = query.filter(events::agency_id.eq_any(agencies.iter().map(|id| Some(Id(*id))).collect::<Vec<_>>()));
    }
    let rows: Vec<EventRow> = query.load(conn)?;
    rows.into_iter().map(read).collect()
}
