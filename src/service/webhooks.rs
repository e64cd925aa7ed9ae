//! Webhooks: made and changed by their clients, and told of what happens: signed (Standard Webhooks), in order for each agency, again and again
//! until it is taken or given up.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::Happened;
use super::page::{PageOf, PageRequest};
use super::{Fault, ServiceError, ServiceResult, Tx, agencies, new_id, reach};
use crate::domain::agency::AgencyKey;
use crate::domain::client::ClientStatus;
use crate::domain::event::EventType;
use crate::domain::reach::Reach;
use crate::domain::webhook::{DeliveryState, FAILS_FOR, SECRETS_OVERLAP, WebhookDraft, WebhookState, wait_after};
use crate::storage::events::{self, Event, EventFilter};
use crate::storage::webhooks::{self as rows, Attempt, Delivery, Webhook};
use crate::storage::{AnyConn, StorageError, clients};

/// How many webhooks a client has at the most.
pub const MOST: i64 = 100;

/// How many events are looked through for one webhook at a time.
const EVENTS_AT_ONCE: i64 = 500;

/// How many deliveries are made at once.
const DELIVERIES_AT_ONCE: i64 = 32;

/// For how long a delivery is nobody else's, in minutes: longer than a call takes.
const CLAIMED_FOR: i64 = 2;

/// For how long a delivery that was taken is listed.
const TAKEN_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many deliveries are forgotten in one transaction.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// What the secrets of webhooks follow from.
pub struct SecretKey(hmac::Key);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl SecretKey {
    /// Of random bytes, which stay the same.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    fn bytes(&self, webhook: Uuid, version: i32) -> hmac::Tag {
        hmac::sign(&self.0, format!("onemind webhook secret 1\n{webhook}\n{version}").as_bytes())
    }

    /// The secret of a webhook, as its client is told of it.
    pub fn secret(&self, webhook: &Webhook) -> String {
        format!("whsec_{}", STANDARD.encode(self.bytes(webhook.id, webhook.secret_version)))
    }

    /// The signatures of a message (Standard Webhooks): by the secret, and by the one before while that is good.
    pub fn signatures(&self, webhook: &Webhook, message: &str, now: Timestamp) -> String {
        let former = webhook.former_secret_until.is_some_and(|until| now < until).then_some(webhook.secret_version - 1);
        let versions = std::iter::once(webhook.secret_version).chain(former);
        let sign = |version| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes(webhook.id, version).as_ref());
            format!("v1,{}", STANDARD.encode(hmac::sign(&key, message.as_bytes())))
        };
        versions.map(sign).collect::<Vec<_>>().join(" ")
    }
}

/// A page of the client's webhooks.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, page: PageRequest) -> ServiceResult<PageOf<Webhook>> {
    let fetched = rows::list(tx.conn, tx.client, page.after, page.fetch())?;
    Ok(page.cut(fetched, |webhook| webhook.id))
}

/// A webhook of the client.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Webhook> {
    rows::by_id(tx.conn, Some(tx.client), id)?.ok_or(ServiceError::NotFound)
}

/// Makes a webhook, which is told of what happens from now on. `granted`: the agencies that the token names, where the client is not registered.
///
/// # Errors
/// Faults of the draft; `too_many_webhooks`.
pub fn create(tx: &mut Tx<'_>, draft: &WebhookDraft, granted: Option<Vec<AgencyKey>>, refusal: Option<&'static str>) -> ServiceResult<Webhook> {
    let draft = checked(tx, draft, refusal)?;
    if rows::count(tx.conn, tx.client)? >= MOST {
        return Err(ServiceError::conflict("too_many_webhooks", format!("a client has at most {MOST} webhooks")));
    }
    let webhook = Webhook {
        id: tx.new_id(),
        client: tx.client,
        granted,
        draft,
        state: WebhookState::Enabled,
        secret_version: 1,
        former_secret_until: None,
        position: events::last_position(tx.conn)?,
        failing_since: None,
        disabled_at: None,
        created_at: tx.now,
        updated_at: tx.now,
    };
    rows::insert(tx.conn, &webhook)?;
    tx.changed("webhook", webhook.id, vec!["url".into(), "event_types".into(), "agencies".into()]);
    Ok(webhook)
}

/// The draft with its agencies by id, where it has no faults.
fn checked(tx: &mut Tx<'_>, draft: &WebhookDraft, refusal: Option<&'static str>) -> ServiceResult<WebhookDraft> {
    let mut faults: Vec<Fault> = refusal.into_iter().map(|refusal| Fault::new("/url", "forbidden_address", refusal)).collect();
    if draft.event_types.as_ref().is_some_and(Vec::is_empty) {
        faults.push(Fault::new("/event_types", "empty", "must name a type, or be null for all"));
    }
    let mut named = Vec::new();
    for (index, key) in draft.agencies.iter().flatten().enumerate() {
        let agency = super::evidence::gather(&mut faults, agencies::named(tx, key, &format!("/agencies/{index}")))?;
        named.extend(agency.map(|agency| AgencyKey::Id(agency.id)));
    }
    if draft.agencies.as_ref().is_some_and(Vec::is_empty) {
        faults.push(Fault::new("/agencies", "empty", "must name an agency, or be null for all"));
    }
    ServiceError::check(faults)?;
    let mut draft = WebhookDraft { agencies: draft.agencies.as_ref().map(|_| named), ..draft.clone() };
    if let Some(kinds) = &mut draft.event_types {
        kinds.sort_unstable();
        kinds.dedup();
    }
    Ok(draft)
}

/// A webhook of the client as it stays until the transaction ends.
fn for_change(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Webhook> {
    get(tx, id)?;
    rows::hold(tx.conn, id)?.ok_or(ServiceError::NotFound)
}

/// Changes a webhook to what `edit` makes of it; `refusal` says why an address is never called.
///
/// # Errors
/// [`ServiceError::NotFound`], faults of the outcome, and what `edit` says.
pub fn change(
    tx: &mut Tx<'_>,
    id: Uuid,
    edit: impl FnOnce(&Webhook) -> ServiceResult<WebhookDraft>,
    refusal: impl FnOnce(&WebhookDraft) -> Option<&'static str>,
) -> ServiceResult<Webhook> {
    let current = for_change(tx, id)?;
    let draft = edit(&current)?;
    let refusal = refusal(&draft);
    let draft = checked(tx, &draft, refusal)?;
    if draft == current.draft {
        return Ok(current);
    }
    let webhook = Webhook { draft, updated_at: tx.now, ..current };
    rows::update(tx.conn, &webhook)?;
    tx.changed("webhook", id, vec!["url".into(), "event_types".into(), "agencies".into()]);
    Ok(webhook)
}

/// Takes a webhook out, unless `guard` refuses.
///
/// # Errors
/// [`ServiceError::NotFound`], and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, guard: impl FnOnce(&Webhook) -> ServiceResult<()>) -> ServiceResult<()> {
    guard(&for_change(tx, id)?)?;
    tx.changed("webhook", id, Vec::new());
    Ok(rows::delete(tx.conn, id)?)
}

/// Gives a webhook a new secret; the one before is good beside it for a day.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn rotate(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Webhook> {
    let current = for_change(tx, id)?;
    let until = tx.now.checked_add(SECRETS_OVERLAP).unwrap_or(Timestamp::MAX);
    let webhook = Webhook { secret_version: current.secret_version + 1, former_secret_until: Some(until), updated_at: tx.now, ..current };
    rows::update(tx.conn, &webhook)?;
    tx.changed("webhook", id, vec!["secret".into()]);
    Ok(webhook)
}

/// Lets a webhook be called again that was disabled: it is told of all that happened since, too.
///
/// # Errors
/// [`ServiceError::NotFound`]; `already_enabled`.
pub fn enable(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Webhook> {
    let current = for_change(tx, id)?;
    if current.state == WebhookState::Enabled {
        return Err(ServiceError::conflict("already_enabled", "the webhook is called already"));
    }
    let webhook = Webhook { state: WebhookState::Enabled, failing_since: None, disabled_at: None, updated_at: tx.now, ..current };
    rows::update(tx.conn, &webhook)?;
    tx.changed("webhook", id, vec!["state".into()]);
    Ok(webhook)
}

/// A page of the deliveries to a webhook of the client.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn list_deliveries(tx: &mut Tx<'_>, id: Uuid, state: Option<DeliveryState>, page: PageRequest) -> ServiceResult<PageOf<Delivery>> {
    get(tx, id)?;
    let fetched = rows::list_deliveries(tx.conn, id, state, page.after, page.fetch())?;
    Ok(page.cut(fetched, |delivery| delivery.id))
}

/// Makes a delivery anew, whatever became of it.
///
/// # Errors
/// [`ServiceError::NotFound`]; `still_pending`.
pub fn replay(tx: &mut Tx<'_>, id: Uuid, delivery: Uuid) -> ServiceResult<Delivery> {
    for_change(tx, id)?;
    let current = rows::delivery(tx.conn, id, delivery)?.ok_or(ServiceError::NotFound)?;
    if current.state == DeliveryState::Pending {
        return Err(ServiceError::conflict("still_pending", "the delivery is tried still"));
    }
    let delivery = Delivery { state: DeliveryState::Pending, attempts: 0, due_at: tx.now, updated_at: tx.now, ..current };
    rows::update_delivery(tx.conn, &delivery).map_err(gone)?;
    tx.changed("webhook", id, vec!["deliveries".into()]);
    Ok(delivery)
}

/// A delivery that was forgotten at this moment.
fn gone(error: StorageError) -> ServiceError {
    if matches!(error, StorageError::NotFound) { ServiceError::NotFound } else { error.into() }
}

/// Makes every delivery anew that was given up; answers how many.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn replay_all(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<usize> {
    for_change(tx, id)?;
    let revived = rows::revive(tx.conn, id, tx.now)?;
    if revived > 0 {
        tx.changed("webhook", id, vec!["deliveries".into()]);
    }
    Ok(revived)
}

/// The webhooks for which there are events that deliveries are to be made of.
///
/// # Errors
/// Where the database fails.
pub fn behind(conn: &mut AnyConn) -> ServiceResult<Vec<Uuid>> {
    let last = events::last_position(conn)?;
    Ok(rows::behind(conn, last)?)
}

/// Finds what is to be told to a webhook; in a transaction of its own. Answers whether there is more to look through.
///
/// # Errors
/// Where the database fails.
pub fn spread(conn: &mut AnyConn, id: Uuid, unused_days: u32, now: Timestamp) -> ServiceResult<bool> {
    let Some(webhook) = rows::hold(conn, id)?.filter(|webhook| webhook.state == WebhookState::Enabled) else { return Ok(false) };
    let last = events::last_position(conn)?;
    let until = last.min(webhook.position + EVENTS_AT_ONCE);
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    if may_call(conn, webhook.client, unused_days, now)? {
        let reach = reach::of_pusher(conn, webhook.client, webhook.granted.as_deref(), today)?;
        let ids = |keys: &[AgencyKey]| keys.iter().filter_map(|key| if let AgencyKey::Id(id) = key { Some(*id) } else { None }).collect();
        let filter =
            EventFilter { kinds: webhook.draft.event_types.clone().unwrap_or_default(), agencies: webhook.draft.agencies.as_deref().map(ids) };
        let found = events::after(conn, &reach, webhook.client, &filter, (webhook.position, until), EVENTS_AT_ONCE)?;
        let new: Vec<Delivery> = found.iter().map(|event| to_be_made(&webhook, event, now)).collect();
        rows::insert_deliveries(conn, &new)?;
    }
    rows::update(conn, &Webhook { position: until, ..webhook })?;
    Ok(until < last)
}

fn to_be_made(webhook: &Webhook, event: &Event, now: Timestamp) -> Delivery {
    Delivery {
        id: new_id(),
        webhook: webhook.id,
        event: event.id,
        position: event.position,
        line: event.agency.as_ref().map_or(Uuid::nil(), |agency| agency.id),
        state: DeliveryState::Pending,
        attempts: 0,
        due_at: now,
        log: Vec::new(),
        created_at: now,
        updated_at: now,
    }
}

/// A call that is to be made.
#[derive(Debug)]
pub struct Call {
    /// The delivery that it is for.
    pub delivery: Delivery,
    /// Whom to call.
    pub webhook: Webhook,
    /// What it is about.
    pub event: Event,
}

/// Claims what is to be delivered now; in a transaction of its own. What its client may not hear of any more is given up. Answers whether there was
/// anything, too.
///
/// # Errors
/// Where the database fails.
pub fn claim(conn: &mut AnyConn, unused_days: u32, now: Timestamp) -> ServiceResult<(bool, Vec<Call>)> {
    let until = now.checked_add(SignedDuration::from_mins(CLAIMED_FOR)).unwrap_or(Timestamp::MAX);
    let claimed = rows::claim(conn, now, until, DELIVERIES_AT_ONCE)?;
    let any = !claimed.is_empty();
    let events = events::by_positions(conn, &claimed.iter().map(|delivery| delivery.position).collect::<Vec<_>>())?;
    let mut listeners: HashMap<Uuid, Option<Listener>> = HashMap::new();
    let mut calls = Vec::new();
    for delivery in claimed {
        let listener = match listeners.entry(delivery.webhook) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(Listener::of(conn, delivery.webhook, unused_days, now)?),
        };
        let event = events.get(&delivery.position);
        match (listener, event) {
            (Some(listener), Some(event)) if listener.hears(event) => {
                let mut event = event.clone();
                super::events::hide(&listener.reach, &mut event);
                calls.push(Call { delivery, webhook: listener.webhook.clone(), event });
            }
            _ => give_up(conn, delivery, now)?,
        }
    }
    Ok((any, calls))
}

/// A webhook, and what its client may hear of now.
struct Listener {
    webhook: Webhook,
    reach: Reach,
}

impl Listener {
    /// That of a webhook; nobody where it is gone, or its client may not call.
    fn of(conn: &mut AnyConn, webhook: Uuid, unused_days: u32, now: Timestamp) -> ServiceResult<Option<Self>> {
        let Some(webhook) = rows::by_id(conn, None, webhook)? else { return Ok(None) };
        if !may_call(conn, webhook.client, unused_days, now)? {
            return Ok(None);
        }
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let reach = reach::of_pusher(conn, webhook.client, webhook.granted.as_deref(), today)?;
        Ok(Some(Self { webhook, reach }))
    }

    /// As the feed: what is of an agency within reach, of the client's own, or everybody's.
    fn hears(&self, event: &Event) -> bool {
        let own = event.client == Some(self.webhook.client);
        own || event.agency.as_ref().map_or(event.client.is_none(), |agency| self.reach.holds(agency.id)) || self.reach == Reach::All
    }
}

/// Whether a client may be told of anything: one that is registered must be active.
fn may_call(conn: &mut AnyConn, client: Uuid, unused_days: u32, now: Timestamp) -> ServiceResult<bool> {
    Ok(clients::by_id(conn, client)?.is_none_or(|client| client.times.status(now, unused_days) == ClientStatus::Active))
}

fn give_up(conn: &mut AnyConn, mut delivery: Delivery, now: Timestamp) -> ServiceResult<()> {
    delivery.state = DeliveryState::Dead;
    delivery.updated_at = now;
    delivery.log.push(Attempt { at: now, status: None, error: Some("not sent: the client may not hear of it any more".to_owned()) });
    Ok(rows::update_delivery(conn, &delivery)?)
}

/// Forgets the deliveries that were taken long ago; in a transaction of its own. Answers whether there may be more.
///
/// # Errors
/// Where the database fails.
pub fn forget(conn: &mut AnyConn, now: Timestamp) -> ServiceResult<bool> {
    let before = now.checked_sub(TAKEN_KEPT).unwrap_or(Timestamp::MIN);
    Ok(i64::try_from(rows::forget(conn, before, FORGOTTEN_AT_ONCE)?).is_ok_and(|forgotten| forgotten == FORGOTTEN_AT_ONCE))
}

/// The body of a call.
pub fn body(event: &Event) -> String {
    let agency = event.agency.as_ref().map(|agency| json!({"id": agency.id, "ori": agency.ori, "name": agency.name}));
    let told: Value = json!({"id": event.id, "type": event.kind, "timestamp": event.occurred_at, "agency": agency, "data": event.data});
    told.to_string()
}

/// Writes what became of a call; in a transaction of its own. `random` spreads the next attempt.
///
/// # Errors
/// Where the database fails.
pub fn settle(conn: &mut AnyConn, call: &Delivery, attempt: &Attempt, random: u8, now: Timestamp) -> ServiceResult<()> {
    let Some(webhook) = rows::hold(conn, call.webhook)? else { return Ok(()) };
    let Some(mut delivery) = rows::delivery(conn, call.webhook, call.id)? else { return Ok(()) };
    delivery.log.push(attempt.clone());
    delivery.attempts += 1;
    delivery.updated_at = now;
    let taken = attempt.status.is_some_and(|status| (200..300).contains(&status));
    if taken {
        delivery.state = DeliveryState::Delivered;
        rows::update_delivery(conn, &delivery)?;
        if webhook.failing_since.is_some() {
            rows::update(conn, &Webhook { failing_since: None, ..webhook })?;
        }
        return Ok(());
    }
    match wait_after(delivery.attempts.unsigned_abs(), random) {
        Some(wait) => delivery.due_at = now.checked_add(wait).unwrap_or(Timestamp::MAX),
        None => delivery.state = DeliveryState::Dead,
    }
    rows::update_delivery(conn, &delivery)?;
    let since = webhook.failing_since.unwrap_or(now);
    if webhook.state == WebhookState::Enabled && now.duration_since(since) >= FAILS_FOR {
        let data = json!({"webhook": webhook.id, "failing_since": since});
        let notice = Happened::to_own(EventType::WebhookDisabled, webhook.client, data);
        events::insert(conn, &[notice.written(&[], now)])?;
        tracing::warn!(webhook.id = %webhook.id, client.id = %webhook.client, since = %since, "a webhook is disabled: nothing was taken for days");
        let disabled = Webhook { state: WebhookState::Disabled, failing_since: Some(since), disabled_at: Some(now), updated_at: now, ..webhook };
        return Ok(rows::update(conn, &disabled)?);
    }
    if webhook.failing_since.is_none() {
        rows::update(conn, &Webhook { failing_since: Some(since), ..webhook })?;
    }
    Ok(())
}

/// Whether anything is to be delivered now.
///
/// # Errors
/// Where the database fails.
pub fn is_due(conn: &mut AnyConn, now: Timestamp) -> ServiceResult<bool> {
    Ok(rows::is_due(conn, now)?)
}
