//! `POST` that may be repeated: with an `Idempotency-Key`, the answer is kept for 24 hours in the transaction that it tells of.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::auth::Caller;
use super::extract::IdempotencyKey;
use super::problem::{ApiError, ApiResult, Kind};
use super::respond::Answer;
use super::transaction::Begin;
use crate::service::{ServiceError, ServiceResult, Tx};
use crate::storage::idempotency::{self, Kept};

/// The keys whose requests this process is working on.
#[derive(Debug, Default, Clone)]
pub struct InFlight(Arc<Mutex<HashSet<(Uuid, String)>>>);

/// Gives the key back when the request is answered, however it ends.
struct Working {
    all: InFlight,
    key: (Uuid, String),
}

impl InFlight {
    fn begin(&self, client: Uuid, key: &str) -> Option<Working> {
        let key = (client, key.to_owned());
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        begun.then(|| Working { all: self.clone(), key })
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// Runs `work` in a transaction that writes, once for each idempotency key, and answers what it settled.
///
/// # Errors
/// What `work` answered; 409 while the same key is in flight, 422 where it came with another request.
pub async fn once(
    caller: &Caller,
    key: IdempotencyKey,
    fingerprint: String,
    work: impl FnMut(&mut Tx<'_>) -> ServiceResult<Answer> + Send + 'static,
) -> ApiResult {
    once_begun(caller, Begin::Writing, key, fingerprint, work).await
}

/// As [`once`], for what pushes completions.
///
/// # Errors
/// As [`once`].
pub async fn once_matching(
    caller: &Caller,
    key: IdempotencyKey,
    fingerprint: String,
    work: impl FnMut(&mut Tx<'_>) -> ServiceResult<Answer> + Send + 'static,
) -> ApiResult {
    once_begun(caller, Begin::Matching, key, fingerprint, work).await
}

async fn once_begun(
    caller: &Caller,
    begin: Begin,
    key: IdempotencyKey,
    fingerprint: String,
    mut work: impl FnMut(&mut Tx<'_>) -> ServiceResult<Answer> + Send + 'static,
) -> ApiResult {
    let Some(key) = key.0 else {
        return Ok(caller.write_begun(begin, move |tx| work(tx).map(|answer| told(tx, answer))).await?.respond());
    };
    let Some(_working) = caller.registry().in_flight.begin(caller.client, &key) else {
        return Err(ApiError::new(Kind::RequestInFlight));
    };
    let answer = caller
        .write_begun(begin, move |tx| {
            if let Some(kept) = idempotency::find(tx.conn, tx.client, &key, tx.now)? {
                if kept.fingerprint != fingerprint {
                    return Err(ServiceError::KeyReused);
                }
                tx.trail.replayed = true;
                let kept = Answer { status: kept.status, location: kept.location, outcome: kept.outcome, body: kept.body, shown_once: None };
                return Ok(told(tx, kept));
            }
            let answer = work(tx)?;
            let kept = Kept {
                fingerprint: fingerprint.clone(),
                status: answer.status,
                location: answer.location.clone(),
                outcome: answer.outcome.clone(),
                body: answer.body.clone(),
            };
            idempotency::keep(tx.conn, tx.client, &key, &kept, tx.now)?;
            Ok(told(tx, answer))
        })
        .await?;
    Ok(answer.respond())
}

/// Notes with which status the request is answered.
fn told(tx: &mut Tx<'_>, answer: Answer) -> Answer {
    tx.trail.status = Some(answer.status);
    answer
}
