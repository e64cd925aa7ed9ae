//! What registered clients may do, kept in memory for a few seconds: so that a request costs no question of its own, and a client
//! that was revoked is out at once where it was done and within [`FRESH`] on every other replica.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::storage::clients::{self, Client, Secret};
use crate::storage::grants::{self, Grant};
use crate::storage::{StorageError, Store};

/// How old what is known of a client may be.
pub const FRESH: Duration = Duration::from_secs(5);

/// How often the use of a client by people of an outside issuer is written.
const USES: SignedDuration = SignedDuration::from_hours(1);

/// How many clients are kept before the old ones are dropped.
const KEPT: usize = 10_000;

/// A registered client, and its grants whenever they are in force.
#[derive(Debug)]
pub struct Access {
    /// The client.
    pub client: Client,
    /// Its grants.
    pub grants: Vec<Grant>,
}

/// The clients that called of late.
#[derive(Debug, Default)]
pub struct AccessCache(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    clients: HashMap<Uuid, (Instant, Known)>,
    /// How often something was forgotten: what was asked before, and is answered after, is not kept.
    forgotten: u64,
}

/// A client, or that there is none.
type Known = Option<Arc<Access>>;

impl AccessCache {
    /// The client of an id; `None` where there is none.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn of(&self, store: &Store, client: Uuid) -> Result<Known, StorageError> {
        if let Some(access) = self.fresh(client) {
            return Ok(access);
        }
        // As old as the question, not as the answer.
        let (asked, forgotten) = (Instant::now(), self.held().forgotten);
        let access: Known = store
            .read(move |conn| -> Result<_, StorageError> {
                let Some(client) = clients::by_id(conn, client)? else { return Ok(None) };
                let grants = grants::of_client(conn, client.id)?;
                Ok(Some(Arc::new(Access { client, grants })))
            })
            .await?;
        let mut held = self.held();
        if held.clients.len() >= KEPT {
            held.clients.retain(|_, (asked, _)| asked.elapsed() < FRESH);
        }
        if held.forgotten == forgotten {
            held.clients.insert(client, (asked, access.clone()));
        }
        Ok(access)
    }

    /// Notes that a client is used which gets no token itself, by people of an outside issuer or by one of its secrets: once an hour.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn note_use(&self, store: &Store, access: &Access, secret: Option<&Secret>, now: Timestamp) -> Result<(), StorageError> {
        let id = access.client.id;
        let fresh = |used: Option<Timestamp>| used.is_some_and(|used| now.duration_since(used) < USES);
        if fresh(access.client.times.last_used_at) && secret.is_none_or(|secret| fresh(secret.last_used_at)) {
            return Ok(());
        }
        let secret = secret.map(|secret| secret.id);
        store.write(move |conn| clients::use_at(conn, id, secret, now)).await?;
        self.forget(id);
        Ok(())
    }

    /// What was answered a moment ago.
    fn fresh(&self, client: Uuid) -> Option<Known> {
        self.held().clients.get(&client).filter(|(asked, _)| asked.elapsed() < FRESH).map(|(_, known)| known.clone())
    }

    /// Asks again at the next request: something was changed.
    pub fn forget(&self, client: Uuid) {
        let mut held = self.held();
        held.clients.remove(&client);
        held.forgotten += 1;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
