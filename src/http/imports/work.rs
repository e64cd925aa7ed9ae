//! What works on imports: in each process, for as long as it serves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;
use uuid::Uuid;

use super::job::Job;
use crate::http::registry::Registry;
use crate::service::imports as service;
use crate::service::{ServiceResult, new_id};

/// How often the database is asked whether there is anything to do, where nobody says so.
const LOOK: Duration = Duration::from_secs(1);

/// How long to wait where the database can't be asked.
const PAUSE: Duration = Duration::from_secs(5);

/// How often what is old is looked for.
const PURGE: SignedDuration = SignedDuration::from_mins(10);

/// The imports of a process.
#[derive(Debug)]
pub struct Imports {
    /// How many it works on at once.
    workers: u16,
    /// For how long those that have ended are kept.
    pub kept: SignedDuration,
    come: Notify,
    /// Which it works on, by what they are claimed with.
    held: Mutex<HashMap<Uuid, Uuid>>,
}

impl Imports {
    /// With so many workers; what has ended is kept for so many days.
    pub fn new(workers: u16, days: u32) -> Self {
        Self { workers, kept: SignedDuration::from_hours(24 * i64::from(days)), come: Notify::new(), held: Mutex::default() }
    }

    /// Says that there is something to do.
    pub fn nudge(&self) {
        self.come.notify_one();
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, Uuid>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works on imports, and takes away those that are old, for ever. Where it is dropped, what was begun is gone on with by whoever
/// claims it next.
pub async fn work(registry: Arc<Registry>) {
    let workers = (0..registry.imports.workers).map(|_| work_on_one_after_the_other(registry.clone()));
    futures_util::future::join(futures_util::future::join_all(workers), purge(registry.clone())).await;
}

async fn work_on_one_after_the_other(registry: Arc<Registry>) {
    loop {
        match claim(&registry).await {
            Ok(Some(job)) => {
                let claim = job.claim;
                job.run().await;
                registry.imports.held().remove(&claim);
            }
            Ok(None) => drop(tokio::time::timeout(LOOK, registry.imports.come.notified()).await),
            Err(error) => {
                tracing::warn!(error = %error, "no import can be claimed now");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn claim(registry: &Arc<Registry>) -> ServiceResult<Option<Job>> {
    let now = registry.clock.now();
    if !registry.store.ask(move |conn| service::is_due(conn, now)).await? {
        return Ok(None);
    }
    let claim = new_id();
    let import = registry.store.write(move |conn| service::claim(conn, claim, now)).await?;
    Ok(import.map(|import| {
        registry.imports.held().insert(claim, import.id);
        Job { registry: registry.clone(), import, claim }
    }))
}

/// Lets go of what the process works on, so that others need not wait until its claims run out.
pub async fn let_all_go(registry: &Registry) {
    let held: Vec<(Uuid, Uuid)> = registry.imports.held().drain().collect();
    let now = registry.clock.now();
    for (claim, id) in held {
        if let Err(error) = registry.store.write(move |conn| service::let_go(conn, id, claim, now)).await {
            tracing::warn!(error = %error, import.id = %id, "an import is not let go: its claim runs out by itself");
        }
    }
}

async fn purge(registry: Arc<Registry>) {
    let mut due = registry.clock.now();
    loop {
        let now = registry.clock.now();
        if now >= due {
            let shared = registry.clone();
            let purged = registry.store.write(move |conn| service::purge(conn, &shared.audit.keys, shared.imports.kept, now)).await;
            match purged {
                Ok(true) => {}
                Ok(false) => due = now.checked_add(PURGE).unwrap_or(now),
                Err(error) => tracing::warn!(error = %error, "old imports can't be deleted now"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
