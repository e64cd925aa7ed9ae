//! Refusals that come again and again: the first of a kind within a minute is written at once, the others are counted into one entry
//! when the minute is over. So whoever sends refused requests as fast as they can fills no disk.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::audit::Entry;
use crate::service::new_id;

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
    pub(super) fn count(&self, address: Option<IpAddr>, entry: &Entry) -> bool {
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

    /// Counts a refusal by its status alone.
    pub(super) fn count_roughly(&self, entry: &Entry) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = Kind { status: entry.status, address: None, client: None, operation: None };
        kinds.entry(kind).or_insert_with(|| Counted { since: entry.at, again: 0, first: entry.clone() }).again += 1;
    }

    /// Takes out, as entries, what has been counted for a minute, or everything that there is.
    pub(super) fn take(&self, now: Timestamp, everything: bool) -> Vec<Entry> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |counted: &Counted| everything || now.duration_since(counted.since) >= MINUTE;
        kinds.extract_if(|_, counted| over(counted)).filter_map(|(kind, counted)| told(&kind, &counted, now)).collect()
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
        assert_eq!(floods.0.lock().unwrap().len(), MOST + 1);
        assert_eq!(floods.take("2026-11-21T12:00:59Z".parse().unwrap(), false), []);
        let now = "2026-11-21T12:01:00Z".parse().unwrap();
        let told = floods.take(now, false);
        let again =
            told.iter().map(|entry| serde_json::from_str::<serde_json::Value>(entry.detail.as_ref().unwrap()).unwrap()["again"].as_u64().unwrap());
        assert_eq!((told.len(), again.sum::<u64>() + first as u64), (2, 10_001));
        assert!(floods.count(address(3), &refusal("get_officer", "2026-11-21T12:01:00Z")), "a new minute begins");
    }
}
