//! What delivers events to webhooks: in each process, for as long as it serves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::http::registry::Registry;
use crate::outgoing::Called;
use crate::service::webhooks::{self as service, Call};
use crate::service::{ServiceResult, events, new_id};
use crate::storage::webhooks::Attempt;

/// How often it is asked whether there is anything to deliver.
const LOOK: Duration = Duration::from_millis(500);

/// How long to wait where the database can't be asked.
const PAUSE: Duration = Duration::from_secs(5);

/// How often deliveries are looked for that were taken long ago.
const TIDY: Duration = Duration::from_secs(3600);

/// Delivers, for ever. Where it is dropped, what was begun is gone on with by whoever claims it next.
pub async fn work(registry: Arc<Registry>) {
    let mut tidied: Option<Instant> = None;
    loop {
        // Some at a time, so that nobody who is to be told waits for it.
        if tidied.is_none_or(|last| last.elapsed() >= TIDY) {
            match tidy(&registry).await {
                Ok(true) => {}
                Ok(false) => tidied = Some(Instant::now()),
                Err(error) => tracing::warn!(error = %error, "deliveries that were taken long ago can't be forgotten now"),
            }
        }
        match deliver(&registry).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(LOOK).await,
            Err(error) => {
                tracing::warn!(error = %error, "events can't be delivered now");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Forgets some of the deliveries that were taken long ago; answers whether there may be more.
///
/// # Errors
/// Where the database fails.
pub async fn tidy(registry: &Arc<Registry>) -> ServiceResult<bool> {
    let now = registry.clock.now();
    registry.store.write(move |conn| service::forget(conn, now)).await
}

/// Finds what is to be delivered, and delivers some of it; answers whether there was anything.
async fn deliver(registry: &Arc<Registry>) -> ServiceResult<bool> {
    events::settle(&registry.store).await?;
    for webhook in registry.store.read(service::behind).await? {
        let (days, now) = (registry.unused_days, registry.clock.now());
        while registry.store.write(move |conn| service::spread(conn, webhook, days, now)).await? {}
    }
    let now = registry.clock.now();
    if !registry.store.ask(move |conn| service::is_due(conn, now)).await? {
        return Ok(false);
    }
    let days = registry.unused_days;
    let (any, calls) = registry.store.write(move |conn| service::claim(conn, days, now)).await?;
    for settled in join_all(calls.into_iter().map(|call| make(registry, call))).await {
        settled?;
    }
    Ok(any)
}

/// Makes a call, and writes what became of it.
async fn make(registry: &Arc<Registry>, Call { delivery, webhook, event }: Call) -> ServiceResult<()> {
    let (at, body) = (registry.clock.now(), service::body(&event));
    let timestamp = at.as_second().to_string();
    let signatures = registry.webhooks.signatures(&webhook, &format!("{}.{timestamp}.{body}", event.id), at);
    let headers = [("webhook-id", event.id.to_string()), ("webhook-timestamp", timestamp), ("webhook-signature", signatures)];
    let called = registry.outgoing.post(webhook.draft.url.as_str(), headers, body).await;
    let attempt = match called {
        Called::Answered(status) => Attempt { at, status: Some(status), error: None },
        Called::Failed(error) => Attempt { at, status: None, error: Some(error) },
    };
    tracing::debug!(webhook.id = %webhook.id, event.id = %event.id, status = attempt.status, error = attempt.error, "an event was delivered or not");
    let (random, now) = (new_id().as_bytes()[15], registry.clock.now());
    registry.store.write(move |conn| service::settle(conn, &delivery, &attempt, random, now)).await
}
