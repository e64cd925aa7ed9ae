//! What others are told of a change, in the transaction that makes it; and the feed in which they read it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::audit::Trail;
use super::{ServiceResult, Tx, new_id};
use crate::domain::audit::Entry;
use crate::domain::event::{EventType, of_operation};
use crate::domain::join::JoinStatus;
use crate::domain::reach::Reach;
use crate::storage::events::{self as rows, Event, EventFilter, NewEvent};
use crate::storage::joins::Join;
use crate::storage::{AnyConn, Store, appointments, officers};

/// Something that happened, as a transaction notes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    kind: EventType,
    agency: Option<Uuid>,
    client: Option<Uuid>,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// Told together with others of the kind, agency and client.
    Completion(Uuid),
    Other(Value),
}

impl Happened {
    /// To a completion of a client; the agency hears of it, too.
    pub fn to_completion(kind: EventType, completion: Uuid, client: Uuid, agency: Option<Uuid>) -> Self {
        Self { kind, agency, client: Some(client), what: What::Completion(completion) }
    }

    /// At an agency; `data` is an object.
    pub fn at(kind: EventType, agency: Uuid, data: Value) -> Self {
        Self { kind, agency: Some(agency), client: None, what: What::Other(data) }
    }

    /// To something of a client's own; `data` is an object.
    pub fn to_own(kind: EventType, client: Uuid, data: Value) -> Self {
        Self { kind, agency: None, client: Some(client), what: What::Other(data) }
    }

    /// As it is written, with the completions that it happened to.
    pub(super) fn written(self, completions: &[Uuid], now: Timestamp) -> NewEvent {
        let Self { kind, agency, client, what } = self;
        let data = match what {
            What::Completion(_) => json!({"completions": completions}).to_string(),
            What::Other(data) => data.to_string(),
        };
        NewEvent { id: new_id(), kind, agency, client, data, occurred_at: now }
    }
}

/// The events that a transaction comes to, of requests in their order: what each noted, completions of a kind, client and agency together, and
/// what its operation is to others.
pub fn of(told: &[(Entry, Trail)], client: Uuid, now: Timestamp) -> Vec<NewEvent> {
    let mut all: Vec<(Happened, Vec<Uuid>)> = Vec::new();
    for (entry, trail) in told.iter().filter(|(_, trail)| trail.changed && !trail.replayed) {
        all.extend(of_the_operation(entry, trail, client).into_iter().map(|happened| (happened, Vec::new())));
        for happened in &trail.told {
            let What::Completion(completion) = happened.what else {
                all.push((happened.clone(), Vec::new()));
                continue;
            };
            let same = |(other, _): &&mut (Happened, Vec<Uuid>)| {
                matches!(other.what, What::Completion(_))
                    && (other.kind, other.agency, other.client) == (happened.kind, happened.agency, happened.client)
            };
            match all.iter_mut().find(same) {
                Some((_, completions)) => completions.push(completion),
                None => all.push((happened.clone(), vec![completion])),
            }
        }
    }
    all.into_iter().map(|(happened, completions)| happened.written(&completions, now)).collect()
}

/// What an operation is to others: to the agencies that it is about, else to whoever did it; to everybody, where it changes what all share.
fn of_the_operation(entry: &Entry, trail: &Trail, client: Uuid) -> Vec<Happened> {
    let Some(kind) = of_operation(&entry.operation) else { return Vec::new() };
    let mut data: Map<String, Value> = trail.groups.iter().map(|group| (group.outcome.to_owned(), group.count.into())).collect();
    // What a request had placed elsewhere is told by itself.
    data.remove("moved");
    if let Some((resource, id)) = &trail.resource {
        data.insert((*resource).to_owned(), id.as_str().into());
    }
    if !trail.fields.is_empty() {
        data.insert("fields".to_owned(), trail.fields.clone().into());
    }
    let what = What::Other(Value::Object(data));
    if matches!(kind, EventType::TrainingChanged | EventType::StandardChanged | EventType::ResourceChanged) {
        return vec![Happened { kind, agency: None, client: None, what }];
    }
    let mut agencies = trail.heard_by.clone();
    agencies.extend(trail.agency);
    if agencies.is_empty() {
        return vec![Happened { kind, agency: None, client: Some(client), what }];
    }
    agencies.into_iter().map(|agency| Happened { kind, agency: Some(agency), client: None, what: what.clone() }).collect()
}

/// The officers among these who serve somewhere today, wherever that is, each with each such agency.
///
/// # Errors
/// Where the database fails.
pub(super) fn agencies_of(tx: &mut Tx<'_>, officers: &[Uuid]) -> ServiceResult<Vec<(Uuid, Uuid)>> {
    let today = tx.today();
    let mut found = Vec::new();
    for (officer, spells) in appointments::of_officers(tx.conn, &Reach::All, officers)? {
        found.extend(spells.iter().filter(|spell| spell.covers(today)).map(|spell| (officer, spell.agency)));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Notes that somebody described a person whom others hold, for the agencies at which that person serves by their records.
///
/// # Errors
/// Where the database fails.
pub(super) fn tell_of_joins(tx: &mut Tx<'_>, joins: &[Join]) -> ServiceResult<()> {
    for join in joins.iter().filter(|join| join.status == JoinStatus::Joined) {
        let records = officers::of_people(tx.conn, &[join.officer])?;
        let others: Vec<Uuid> = records.into_keys().filter(|record| *record != join.officer).collect();
        for (officer, agency) in agencies_of(tx, &others)? {
            tx.trail.told.push(Happened::at(EventType::OfficerJoined, agency, json!({"officer": officer})));
        }
    }
    Ok(())
}

/// A piece of the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The position after which the next piece begins.
    pub next: i64,
    /// Whether there is more by now.
    pub more: bool,
}

/// A piece of the feed after a position: what the client hears of.
///
/// # Errors
/// Where the database fails.
pub fn read(tx: &mut Tx<'_>, filter: &EventFilter, after: i64, limit: i64) -> ServiceResult<Piece> {
    let last = rows::last_position(tx.conn)?;
    let mut events = rows::after(tx.conn, &tx.reach, tx.client, filter, (after, last), limit + 1)?;
    for event in &mut events {
        hide(&tx.reach, event);
    }
    let more = i64::try_from(events.len()).is_ok_and(|found| found > limit);
    events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = match events.last() {
        Some(event) if more => event.position,
        // Nobody need look through again what is not for them.
        _ => last.max(after),
    };
    Ok(Piece { events, next, more })
}

/// Leaves out which agency an event is about for whom it is out of reach, who hears of it since it is about their own record.
pub(super) fn hide(reach: &Reach, event: &mut Event) {
    event.agency.take_if(|agency| !reach.holds(agency.id));
}

/// Gives positions to what was committed, so that it can be read.
///
/// # Errors
/// Where the database fails.
pub async fn settle(store: &Store) -> ServiceResult<()> {
    if store.ask(|conn| ServiceResult::Ok(rows::has_new(conn)?)).await? {
        while store.write(|conn: &mut AnyConn| ServiceResult::Ok(rows::give_positions(conn)?)).await? {}
    }
    Ok(())
}
