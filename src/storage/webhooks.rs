//! Webhooks, and the deliveries to them.

use diesel::prelude::*;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::dialect::{per_backend, rows_per_statement};
use super::error::corrupt;
use super::schema::{webhook_deliveries as deliveries, webhooks};
use super::types::{At, Id, Instant, Json};
use crate::domain::agency::AgencyKey;
use crate::domain::event::EventType;
use crate::domain::invalid::Invalid;
use crate::domain::text::Url;
use crate::domain::webhook::{DeliveryState, WebhookDraft, WebhookState};

/// A webhook as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub client: Uuid,
    /// The agencies that its token named, where the client is not registered; `None`: all.
    pub granted: Option<Vec<AgencyKey>>,
    /// What it is.
    pub draft: WebhookDraft,
    /// Whether it is called.
    pub state: WebhookState,
    /// Which secret it has.
    pub secret_version: i32,
    /// Until when the secret before is good too.
    pub former_secret_until: Option<Timestamp>,
    /// Up to which event deliveries were made for it.
    pub position: i64,
    /// Since when each call failed.
    pub failing_since: Option<Timestamp>,
    /// When it was disabled.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// A delivery as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: Uuid,
    /// To which webhook.
    pub webhook: Uuid,
    /// Of which event.
    pub event: Uuid,
    /// The position of the event.
    pub position: i64,
    /// The agency, or zeros: deliveries of a line are made one after the other.
    pub line: Uuid,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried since it was last to be made anew.
    pub attempts: i32,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// Each attempt, the first first.
    pub log: Vec<Attempt>,
    /// When it was found to be made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// An attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// What went wrong without one.
    pub error: Option<String>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Row {
    id: Id,
    client_id: Id,
    granted: Option<Json>,
    url: String,
    event_types: Option<Json>,
    agencies: Option<Json>,
    state: String,
    secret_version: i32,
    former_secret_until: Option<At>,
    position: i64,
    failing_since: Option<At>,
    disabled_at: Option<At>,
    created_at: At,
    updated_at: At,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = deliveries, treat_none_as_default_value = false, treat_none_as_null = true)]
struct DeliveryRow {
    id: Id,
    webhook_id: Id,
    event_id: Id,
    position: i64,
    line: Id,
    state: String,
    attempts: i32,
    due_at: At,
    claimed_until: Option<At>,
    log: Json,
    created_at: At,
    updated_at: At,
}

/// A list of words as JSON.
fn words<T>(json: Option<Json>, what: &'static str, parse: impl Fn(&str) -> Result<T, Invalid>) -> Result<Option<Vec<T>>, StorageError> {
    let Some(Json(value)) = json else { return Ok(None) };
    let words: Vec<String> = serde_json::from_value(value).map_err(|cause| StorageError::Corrupt(format!("{what}: {cause}")))?;
    words.iter().map(|word| parse(word).map_err(corrupt(what))).collect::<Result<_, _>>().map(Some)
}

fn json_of<T: ToString>(list: Option<&[T]>) -> Option<Json> {
    list.map(|list| Json(list.iter().map(ToString::to_string).collect()))
}

impl Row {
    fn of(webhook: &Webhook) -> Self {
        Self {
            id: Id(webhook.id),
            client_id: Id(webhook.client),
            granted: json_of(webhook.granted.as_deref()),
            url: webhook.draft.url.as_str().to_owned(),
            event_types: json_of(webhook.draft.event_types.as_deref()),
            agencies: json_of(webhook.draft.agencies.as_deref()),
            state: webhook.state.as_str().to_owned(),
            secret_version: webhook.secret_version,
            former_secret_until: webhook.former_secret_until.map(At),
            position: webhook.position,
            failing_since: webhook.failing_since.map(At),
            disabled_at: webhook.disabled_at.map(At),
            created_at: At(webhook.created_at),
            updated_at: At(webhook.updated_at),
        }
    }

    fn read(self) -> Result<Webhook, StorageError> {
        Ok(Webhook {
            id: self.id.0,
            client: self.client_id.0,
            granted: words(self.granted, "webhooks.granted", AgencyKey::parse)?,
            draft: WebhookDraft {
                url: Url::parse(&self.url).map_err(corrupt("webhooks.url"))?,
                event_types: words(self.event_types, "webhooks.event_types", EventType::parse)?,
                agencies: words(self.agencies, "webhooks.agencies", AgencyKey::parse)?,
            },
            state: WebhookState::parse(&self.state).map_err(corrupt("webhooks.state"))?,
            secret_version: self.secret_version,
            former_secret_until: self.former_secret_until.map(|at| at.0),
            position: self.position,
            failing_since: self.failing_since.map(|at| at.0),
            disabled_at: self.disabled_at.map(|at| at.0),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl DeliveryRow {
    fn of(delivery: &Delivery) -> Result<Self, StorageError> {
        Ok(Self {
            id: Id(delivery.id),
            webhook_id: Id(delivery.webhook),
            event_id: Id(delivery.event),
            position: delivery.position,
            line: Id(delivery.line),
            state: delivery.state.as_str().to_owned(),
            attempts: delivery.attempts,
            due_at: At(delivery.due_at),
            claimed_until: None,
            log: Json(serde_json::to_value(&delivery.log).map_err(|cause| StorageError::Other(cause.to_string()))?),
            created_at: At(delivery.created_at),
            updated_at: At(delivery.updated_at),
        })
    }

    fn read(self) -> Result<Delivery, StorageError> {
        Ok(Delivery {
            id: self.id.0,
            webhook: self.webhook_id.0,
            event: self.event_id.0,
            position: self.position,
            line: self.line.0,
            state: DeliveryState::parse(&self.state).map_err(corrupt("webhook_deliveries.state"))?,
            attempts: self.attempts,
            due_at: self.due_at.0,
            log: serde_json::from_value(self.log.0).map_err(|cause| StorageError::Corrupt(format!("webhook_deliveries.log: {cause}")))?,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

/// A webhook of a client, or with `None` of whichever.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, client: Option<Uuid>, id: Uuid) -> Result<Option<Webhook>, StorageError> {
    let mut query = webhooks::table.filter(webhooks::id.eq(Id(id))).select(Row::as_select()).into_boxed();
    if let Some(client) = client {
        query = query.filter(webhooks::client_id.eq(Id(client)));
    }
    query.first(conn).optional()?.map(Row::read).transpose()
}

/// A page of a client's webhooks, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, client: Uuid, after: Option<Uuid>, fetch: i64) -> Result<Vec<Webhook>, StorageError> {
    let mut query = webhooks::table.filter(webhooks::client_id.eq(Id(client))).order(webhooks::id).limit(fetch).select(Row::as_select()).into_boxed();
    if let Some(after) = after {
        query = query.filter(webhooks::id.gt(Id(after)));
    }
    query.load(conn)?.into_iter().map(Row::read).collect()
}

/// How many webhooks a client has.
///
/// # Errors
/// Where the database fails.
pub fn count(conn: &mut AnyConn, client: Uuid) -> Result<i64, StorageError> {
    Ok(webhooks::table.filter(webhooks::client_id.eq(Id(client))).count().get_result(conn)?)
}

/// Writes a new webhook.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, webhook: &Webhook) -> Result<(), StorageError> {
    diesel::insert_into(webhooks::table).values(Row::of(webhook)).execute(conn)?;
    Ok(())
}

/// Writes what a webhook has become.
///
/// # Errors
/// Where the database fails.
pub fn update(conn: &mut AnyConn, webhook: &Webhook) -> Result<(), StorageError> {
    diesel::update(webhooks::table.filter(webhooks::id.eq(Id(webhook.id)))).set(Row::of(webhook)).execute(conn)?;
    Ok(())
}

/// Takes a webhook out, with its deliveries.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, id: Uuid) -> Result<(), StorageError> {
    diesel::delete(webhooks::table.filter(webhooks::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}

/// A webhook, held until the transaction ends: others who would change it wait.
///
/// # Errors
/// Where the database fails.
pub fn hold(conn: &mut AnyConn, id: Uuid) -> Result<Option<Webhook>, StorageError> {
    let row: Option<Row> = match conn {
        AnyConn::Postgres(conn) => webhooks::table.filter(webhooks::id.eq(Id(id))).select(Row::as_select()).for_update().first(conn).optional()?,
        AnyConn::Sqlite(conn) => webhooks::table.filter(webhooks::id.eq(Id(id))).select(Row::as_select()).first(conn).optional()?,
    };
    row.map(Row::read).transpose()
}

/// The enabled webhooks for which there are events after the last that deliveries were made of.
///
/// # Errors
/// Where the database fails.
pub fn behind(conn: &mut AnyConn, last: i64) -> Result<Vec<Uuid>, StorageError> {
    let behind = webhooks::table.filter(webhooks::state.eq(WebhookState::Enabled.as_str())).filter(webhooks::position.lt(last));
    Ok(behind.order(webhooks::id).select(webhooks::id).load::<Id>(conn)?.into_iter().map(|id| id.0).collect())
}

/// Writes new deliveries.
///
/// # Errors
/// Where the database fails.
pub fn insert_deliveries(conn: &mut AnyConn, new: &[Delivery]) -> Result<(), StorageError> {
    for some in new.chunks(rows_per_statement(12)) {
        let rows = some.iter().map(DeliveryRow::of).collect::<Result<Vec<_>, _>>()?;
        per_backend!(conn, c => diesel::insert_into(deliveries::table).values(rows).execute(c))?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = super::types::Guid)]
    id: Id,
}

/// Claims deliveries that are due, the first of their lines, until an instant: nobody else claims them before then. At most so many.
///
/// # Errors
/// Where the database fails.
pub fn claim(conn: &mut AnyConn, now: Timestamp, until: Timestamp, most: i64) -> Result<Vec<Delivery>, StorageError> {
    let due = format!(
        "SELECT d.id FROM webhook_deliveries AS d JOIN webhooks AS w ON w.id = d.webhook_id \
         WHERE d.state = 'pending' AND d.due_at <= $1 AND (d.claimed_until IS NULL OR d.claimed_until <= $2) AND w.state = 'enabled' \
         AND NOT EXISTS (SELECT 1 FROM webhook_deliveries AS e WHERE e.webhook_id = d.webhook_id AND e.line = d.line AND e.state = 'pending' \
         AND e.position < d.position) ORDER BY d.due_at LIMIT {most}"
    );
    let found: Vec<Found> = match conn {
        AnyConn::Postgres(conn) => {
            diesel::sql_query(format!("{due} FOR UPDATE OF d SKIP LOCKED")).bind::<Instant, _>(At(now)).bind::<Instant, _>(At(now)).load(conn)?
        }
        AnyConn::Sqlite(conn) => diesel::sql_query(due).bind::<Instant, _>(At(now)).bind::<Instant, _>(At(now)).load(conn)?,
    };
    let ids: Vec<Id> = found.into_iter().map(|found| found.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    diesel::update(deliveries::table.filter(deliveries::id.eq_any(&ids))).set(deliveries::claimed_until.eq(Some(At(until)))).execute(conn)?;
    let rows: Vec<DeliveryRow> = per_backend!(conn, c => deliveries::table.filter(deliveries::id.eq_any(&ids)).order(deliveries::position).select(DeliveryRow::as_select()).load(c))?;
    rows.into_iter().map(DeliveryRow::read).collect()
}

/// Writes what a delivery has become, and lets go of it.
///
/// # Errors
/// [`StorageError::NotFound`] where it was forgotten meanwhile.
pub fn update_delivery(conn: &mut AnyConn, delivery: &Delivery) -> Result<(), StorageError> {
    let row = DeliveryRow::of(delivery)?;
    let written = diesel::update(deliveries::table.filter(deliveries::id.eq(Id(delivery.id)))).set(row).execute(conn)?;
    if written == 0 { Err(StorageError::NotFound) } else { Ok(()) }
}

/// A delivery to a webhook.
///
/// # Errors
/// Where the database fails.
pub fn delivery(conn: &mut AnyConn, webhook: Uuid, id: Uuid) -> Result<Option<Delivery>, StorageError> {
    let one = deliveries::table.filter(deliveries::webhook_id.eq(Id(webhook))).filter(deliveries::id.eq(Id(id)));
    one.select(DeliveryRow::as_select()).first(conn).optional()?.map(DeliveryRow::read).transpose()
}

/// A page of the deliveries to a webhook, in the order of their ids; only of a state, where one is given.
///
/// # Errors
/// Where the database fails.
pub fn list_deliveries(
    conn: &mut AnyConn,
    webhook: Uuid,
    state: Option<DeliveryState>,
    after: Option<Uuid>,
    fetch: i64,
) -> Result<Vec<Delivery>, StorageError> {
    let mut query = deliveries::table
        .filter(deliveries::webhook_id.eq(Id(webhook)))
        .order(deliveries::id)
        .limit(fetch)
        .select(DeliveryRow::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(deliveries::state.eq(state.as_str()));
    }
    if let Some(after) = after {
        query = query.filter(deliveries::id.gt(Id(after)));
    }
    query.load(conn)?.into_iter().map(DeliveryRow::read).collect()
}

/// Lets every delivery that was given up be made anew; answers how many.
///
/// # Errors
/// Where the database fails.
pub fn revive(conn: &mut AnyConn, webhook: Uuid, now: Timestamp) -> Result<usize, StorageError> {
    let dead = deliveries::table.filter(deliveries::webhook_id.eq(Id(webhook))).filter(deliveries::state.eq(DeliveryState::Dead.as_str()));
    let anew = (
        deliveries::state.eq(DeliveryState::Pending.as_str()),
        deliveries::attempts.eq(0),
        deliveries::due_at.eq(At(now)),
        deliveries::claimed_until.eq(None::<At>),
        deliveries::updated_at.eq(At(now)),
    );
    Ok(diesel::update(dead).set(anew).execute(conn)?)
}

/// Forgets deliveries that were taken before an instant, the oldest first and at most so many; answers how many.
///
/// # Errors
/// Where the database fails.
pub fn forget(conn: &mut AnyConn, before: Timestamp, most: i64) -> Result<usize, StorageError> {
    let taken = deliveries::table.filter(deliveries::state.eq(DeliveryState::Delivered.as_str())).filter(deliveries::updated_at.lt(At(before)));
    let ids: Vec<Id> = taken.order(deliveries::updated_at).limit(most).select(deliveries::id).load(conn)?;
    // One that is made anew at this moment is taken no more.
    let still = deliveries::table.filter(deliveries::id.eq_any(ids)).filter(deliveries::state.eq(DeliveryState::Delivered.as_str()));
    Ok(diesel::delete(still).execute(conn)?)
}

/// Whether a delivery may be due: one that is claimed counts when its claim has run out.
///
/// # Errors
/// Where the database fails.
pub fn is_due(conn: &mut AnyConn, now: Timestamp) -> Result<bool, StorageError> {
    let due = deliveries::table.filter(deliveries::state.eq(DeliveryState::Pending.as_str())).filter(deliveries::due_at.le(At(now)));
    let free = due.filter(deliveries::claimed_until.is_null().or(deliveries::claimed_until.assume_not_null().le(At(now))));
    Ok(free.select(deliveries::id).first::<Id>(conn).optional()?.is_some())
}
