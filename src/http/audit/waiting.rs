//! Entries of refusals on their way into the log. A refusal is answered once its entry is written, but waits no longer than a second for a
//! database that is busy with something else: the entry is written as soon as it lets it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::registry::Registry;
use crate::domain::audit::Entry;
use crate::service::ServiceResult;
use crate::service::audit::append;

/// How long the answer to a refusal waits for its entry.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many entries wait at the most; what comes beyond is counted.
const MOST: usize = 1000;

/// Entries that are to be written.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<Vec<Entry>>);

impl Waiting {
    /// Adds entries, and answers those for which there is no room.
    fn add(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST.saturating_sub(waiting.len()).min(entries.len());
        let beyond = entries.split_off(room);
        waiting.extend(entries);
        beyond
    }

    fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes a refusal, at once or by counting it.
pub async fn write(registry: &Arc<Registry>, address: Option<IpAddr>, entry: Entry) {
    let repeats = matches!(entry.status, 401 | 429);
    let mut entries = registry.audit.floods.take(entry.at, false);
    if !repeats || registry.audit.floods.count(address, &entry) {
        entries.push(entry);
    }
    add(registry, entries);
    tell(registry).await;
}

/// Writes what waits, and what has been counted for a minute.
pub async fn tell_due(registry: &Arc<Registry>) {
    add(registry, registry.audit.floods.take(registry.clock.now(), false));
    tell(registry).await;
}

fn add(registry: &Registry, entries: Vec<Entry>) {
    for beyond in registry.audit.waiting.add(entries) {
        registry.audit.floods.count_roughly(&beyond);
    }
}

async fn tell(registry: &Arc<Registry>) {
    let entries = registry.audit.waiting.take();
    if entries.is_empty() {
        return;
    }
    // It goes on where nobody waits for it any more, and ends when the transaction does.
    let writing = actix_web::rt::spawn(write_or_keep(registry.clone(), entries));
    if tokio::time::timeout(PATIENCE, writing).await.is_err() {
        tracing::warn!("the database is busy: refusals are answered before they are in the audit log");
    }
}

async fn write_or_keep(registry: Arc<Registry>, entries: Vec<Entry>) {
    if entries.is_empty() {
        return;
    }
    if let Err(error) = append_now(&registry, entries.clone()).await {
        tracing::error!(error = %error, entries = entries.len(), "refusals are not in the audit log yet");
        add(&registry, entries);
    }
}

/// Writes entries in a transaction of their own.
///
/// # Errors
/// Where the database fails.
pub async fn append_now(registry: &Arc<Registry>, entries: Vec<Entry>) -> ServiceResult<()> {
    let shared = registry.clone();
    registry.store.write(move |conn| append(conn, &shared.audit.keys, entries.clone())).await
}

/// Writes every few seconds, while the server runs, what waits or has been counted for a minute; and the rest when it has ended.
///
/// # Errors
/// As the server.
pub async fn keep_told(registry: Arc<Registry>, server: impl Future<Output = std::io::Result<()>>) -> std::io::Result<()> {
    let telling = async {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            tell_due(&registry).await;
        }
    };
    let ended = tokio::select! {
        ended = server => ended,
        () = telling => Ok(()),
    };
    add(&registry, registry.audit.floods.take(registry.clock.now(), true));
    write_or_keep(registry.clone(), registry.audit.waiting.take()).await;
    ended
}
