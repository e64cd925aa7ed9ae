//! What tells of agencies that stand elsewhere: in each process, for as long as it serves. What a process commits is told of at once; what was
//! committed by another that did not get to tell of it, within a minute; what comes from a day that begins, as it begins.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use uuid::Uuid;

use super::registry::Registry;
use crate::service::{ServiceResult, announce};
use crate::storage::timelines::STANDARDS;

/// How often it is asked whether anything follows from the day.
const LOOK: Duration = Duration::from_secs(1);

/// How often all agencies are looked at.
const LOOK_AT_ALL: Duration = Duration::from_secs(60);

/// How long to wait where the database can't be asked.
const PAUSE: Duration = Duration::from_secs(5);

/// How many times as long as it took is waited before the next is told: who pushes is not kept waiting by what is told of it.
const REST: u32 = 20;

/// How long that is at the least, so that what changes again and again is told of together, and at the most.
const RESTS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));

/// The agencies of which a process has yet to tell.
#[derive(Debug, Default)]
pub struct Announcer {
    changed: Mutex<HashSet<Uuid>>,
    come: Notify,
}

impl Announcer {
    /// Notes agencies whose status may be another since a transaction that has ended; [`STANDARDS`] for all of them.
    pub fn note(&self, agencies: Vec<Uuid>) {
        if !agencies.is_empty() {
            self.changed.lock().unwrap_or_else(PoisonError::into_inner).extend(agencies);
            self.come.notify_one();
        }
    }

    fn take(&self) -> HashSet<Uuid> {
        std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells, for ever.
pub async fn work(registry: Arc<Registry>) {
    let mut looked_at_all: Option<Instant> = None;
    loop {
        let began = Instant::now();
        let all = looked_at_all.is_none_or(|last| last.elapsed() >= LOOK_AT_ALL);
        match tell(&registry, all).await {
            Ok(told) => {
                if all {
                    looked_at_all = Some(began);
                }
                if told {
                    tokio::time::sleep((began.elapsed() * REST).clamp(RESTS.0, RESTS.1)).await;
                } else {
                    drop(tokio::time::timeout(LOOK, registry.announcer.come.notified()).await);
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "agencies that stand elsewhere can't be told of now");
                looked_at_all = None;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Tells of what was noted, and of what follows from the day; or of whatever is not told yet. Answers whether there was anything.
///
/// # Errors
/// Where the database fails.
pub async fn tell(registry: &Arc<Registry>, all: bool) -> ServiceResult<bool> {
    let mut agencies = registry.announcer.take();
    // The status of every agency follows from the standards.
    let all = agencies.remove(&STANDARDS) || all;
    let today = registry.clock.today();
    let others = registry.store.read(move |conn| if all { announce::untold(conn, today) } else { announce::due(conn, today) });
    agencies.extend(others.await?);
    let mut agencies: Vec<Uuid> = agencies.into_iter().collect();
    agencies.sort_unstable();
    for some in announce::portions(&agencies) {
        let (statuses, now) = (registry.statuses.clone(), registry.clock.now());
        let told = registry.store.write(move |conn| announce::tell(conn, &statuses, &some, now)).await?;
        tracing::debug!(events = told, "agencies that stand elsewhere were told of");
    }
    Ok(!agencies.is_empty())
}
