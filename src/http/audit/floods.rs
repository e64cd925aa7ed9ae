//! Refusals that come again and again: the first of a kind within a minute is written at once, the others are counted into one entry
//! when the minute is over. So whoever sends refused requests as fast as they can fills no disk.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::super::registry::Registry;
use crate::domain::audit::Entry;
use crate::service::audit::append;
use crate::service::{ServiceError, ServiceResult, new_id};

/// How long refusals of one kind are counted together.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// How many kinds are told apart within a minute; whatever is beyond is counted by its status alone.
const MOST: usize = 256;

/// What is counted together: without a valid token, or too often, from one address, for one operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    status: u16,
    address: Option<IpAddr>,
    client: Option<Uuid>,
    operation: Option<String>,
}

#[derive(Debug, Clone)]
struct Counted {
    since: Timestamp,
    /// Without the first.
    again: u64,
    first: Entry,
}

/// The refusals of the last minute; of a bounded size.
#[derive(Debug, Default)]
pub struct Floods(Mutex<HashMap<Kind, Counted>>);

impl Floods {
    /// Counts a refusal; `true` where it is the first of its kind, and is to be written at once.
    fn count(&self, address: Option<IpAddr>, entry: &Entry) -> bool {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = Kind { status: entry.status, address, client: entry.client, operation: Some(entry.operation.clone()) };
        let kind = if kinds.contains_key(&own) || kinds.len() < MOST {
            own
        } else {
            Kind { status: entry.status, address: None, client: None, operation: None }
        };
        let mut first = false;
        let counted = kinds.entry(kind).or_insert_with(|| {
            first = true;
            Counted { since: entry.at, again: 0, first: entry.clone() }
        });
        if !first {
            counted.again += 1;
        }
        first
    }

    /// Takes out what has been counted for a minute, or everything.
    fn take(&self, now: Option<Timestamp>) -> Vec<(Kind, Counted)> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |counted: &Counted| now.is_none_or(|now| now.duration_since(counted.since) >= MINUTE);
        kinds.extract_if(|_, counted| over(counted)).collect()
    }

    /// Puts back what could not be written.
    fn put_back(&self, taken: Vec<(Kind, Counted)>) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, counted) in taken {
            kinds.entry(kind).and_modify(|held| held.again += counted.again).or_insert(counted);
        }
    }
}

/// The entry of what was counted, where anything came again.
fn told(kind: &Kind, counted: &Counted, now: Timestamp) -> Option<Entry> {
    let detail = serde_json::json!({"again": counted.again, "since": counted.since});
    let first = &counted.first;
    (counted.again > 0).then(|| Entry {
        id: new_id(),
        at: now,
        client: kind.client,
        subject: first.subject.clone().filter(|_| kind.client.is_some()),
        operation: kind.operation.clone().unwrap_or_else(|| "any".into()),
        outcome: first.outcome,
        status: kind.status,
        resource: None,
        resource_id: None,
        agency: None,
        request: None,
        address: kind.address.map(|address| address.to_string()),
        fields: None,
        detail: Some(detail.to_string()),
        ids: None,
    })
}

/// Writes a refusal, at once or by counting it.
///
/// # Errors
/// Where the database fails.
pub async fn write(registry: &Arc<Registry>, address: Option<IpAddr>, entry: Entry) -> ServiceResult<()> {
    let repeats = matches!(entry.status, 401 | 429);
    if repeats && !registry.audit.floods.count(address, &entry) {
        return tell_due(registry).await;
    }
    let due = registry.audit.floods.take(Some(entry.at));
    let mut entries: Vec<Entry> = due.iter().filter_map(|(kind, counted)| told(kind, counted, entry.at)).collect();
    entries.push(entry);
    keeping(registry, due, entries).await
}

/// Writes what has been counted for a minute.
///
/// # Errors
/// Where the database fails.
pub async fn tell_due(registry: &Arc<Registry>) -> ServiceResult<()> {
    let now = registry.clock.now();
    tell(registry, registry.audit.floods.take(Some(now)), now).await
}

async fn tell(registry: &Arc<Registry>, due: Vec<(Kind, Counted)>, now: Timestamp) -> ServiceResult<()> {
    let entries: Vec<Entry> = due.iter().filter_map(|(kind, counted)| told(kind, counted, now)).collect();
    if entries.is_empty() {
        return Ok(());
    }
    keeping(registry, due, entries).await
}

async fn keeping(registry: &Arc<Registry>, due: Vec<(Kind, Counted)>, entries: Vec<Entry>) -> ServiceResult<()> {
    let written = append_now(registry, entries).await;
    if written.is_err() {
        registry.audit.floods.put_back(due);
    }
    written
}

/// Writes entries in a transaction of their own.
///
/// # Errors
/// Where the database fails.
pub async fn append_now(registry: &Arc<Registry>, entries: Vec<Entry>) -> ServiceResult<()> {
    let shared = registry.clone();
    registry.store.write(move |conn| append(conn, &shared.audit.keys, entries.clone()).map_err(ServiceError::from)).await
}

/// Writes, until it is dropped, what has been counted for a minute; call [`keep_told`] beside the server, and it tells the rest when
/// the server has ended.
pub async fn keep_told(registry: Arc<Registry>, server: impl Future<Output = std::io::Result<()>>) -> std::io::Result<()> {
    let telling = async {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            if let Err(error) = tell_due(&registry).await {
                tracing::error!(error = %error, "counted refusals are not in the audit log yet");
            }
        }
    };
    let ended = tokio::select! {
        ended = server => ended,
        () = telling => Ok(()),
    };
    if let Err(error) = tell(&registry, registry.audit.floods.take(None), registry.clock.now()).await {
        tracing::error!(error = %error, "counted refusals are not in the audit log");
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::AuditOutcome;

    fn refusal(operation: &str, at: &str) -> Entry {
        Entry {
            id: Uuid::nil(),
            at: at.parse().unwrap(),
            client: None,
            subject: None,
            operation: operation.into(),
            outcome: AuditOutcome::Refused,
            status: 401,
            resource: None,
            resource_id: None,
            agency: None,
            request: None,
            address: None,
            fields: None,
            detail: None,
            ids: None,
        }
    }

    #[test]
    fn whatever_comes_the_memory_is_bounded_and_everything_is_counted() {
        let floods = Floods::default();
        let address = |n: u32| Some(IpAddr::from(n.to_be_bytes()));
        let first = (0..10_000).filter(|n| floods.count(address(*n), &refusal("get_officer", "2026-11-21T12:00:00Z"))).count();
        assert_eq!(first, MOST + 1);
        assert!(!floods.count(address(3), &refusal("get_officer", "2026-11-21T12:00:59Z")));
        assert!(floods.take(Some("2026-11-21T12:00:59Z".parse().unwrap())).is_empty());
        let now = "2026-11-21T12:01:00Z".parse().unwrap();
        let taken = floods.take(Some(now));
        assert_eq!(taken.len(), MOST + 1);
        let told: Vec<Entry> = taken.iter().filter_map(|(kind, counted)| told(kind, counted, now)).collect();
        let again: u64 = taken.iter().map(|(_, counted)| counted.again).sum();
        assert_eq!((told.len(), again + first as u64), (2, 10_001));
        assert!(floods.count(address(3), &refusal("get_officer", "2026-11-21T12:01:00Z")), "a new minute begins");
    }
}
