//! Single pushes that come at once are committed together: while a transaction of a client runs, what else the client pushes waits for
//! the next, which takes all of it. Each has its own answer and its own entry in the audit log.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::dto::CompletionView;
use super::status;
use crate::http::auth::Caller;
use crate::http::problem::{ApiError, Kind};
use crate::http::respond::Answer;
use crate::service::audit::Trail;
use crate::service::intake::{self, Ready, Single};
use crate::service::{ServiceResult, Tx};
use crate::storage::StorageError;

/// How many pushes one transaction takes at the most.
const MOST: usize = 64;

/// How long the next transaction waits for those whom the last one answered.
const MOMENT: Duration = Duration::from_millis(1);

/// How long a push waits for its transaction to begin before it is answered 503, as it would wait for a connection.
const WAIT: Duration = Duration::from_secs(3);

/// The pushes of a process that wait, by client: of those of whom a transaction runs, since who finds none begins one.
#[derive(Debug, Default, Clone)]
pub struct Together(Arc<Mutex<HashMap<Uuid, Queue>>>);

/// What a client pushed that waits.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Push>,
    /// Told when as many wait as the next transaction would have.
    gathered: Arc<Notify>,
    enough: usize,
}

/// A push that waits.
struct Push {
    caller: Caller,
    record: Arc<Ready>,
    /// Set by whoever has the last word on it: the transaction that takes it, or its sender who waits no longer.
    taken: Arc<AtomicBool>,
    answer: oneshot::Sender<Result<Answer, ApiError>>,
}

impl std::fmt::Debug for Push {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Push").finish_non_exhaustive()
    }
}

impl Together {
    /// Pushes a record that keeps all rules of its own; answers once it is committed.
    ///
    /// # Errors
    /// Where the database fails, or has no time for it.
    pub async fn push(&self, caller: &Caller, record: Ready) -> Result<Answer, ApiError> {
        let (answer, mut answered) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        let push = Push { caller: caller.clone(), record: Arc::new(record), taken: taken.clone(), answer };
        if let Some(running) = self.add(push) {
            // Where it outlives the workers: on a server that is about to end, this one may be done before those whose pushes wait here.
            actix_web::rt::System::current().arbiter().spawn(running.run());
        }
        let outcome = match tokio::time::timeout(WAIT, &mut answered).await {
            Ok(outcome) => outcome,
            Err(_) if !taken.swap(true, Ordering::AcqRel) => return Err(StorageError::Busy("other pushes take long".into()).into()),
            Err(_) => answered.await,
        };
        // The transaction was broken off by the end of the server, and may have been committed or not: sent again, it is told.
        outcome.unwrap_or_else(|_| Err(StorageError::Unavailable("the service is about to end".into()).into()))
    }

    /// Lets a push wait; answers who is to run, where nobody does.
    fn add(&self, push: Push) -> Option<Running> {
        let client = push.caller.client;
        let mut queues = self.held();
        let idle = !queues.contains_key(&client);
        let queue = queues.entry(client).or_default();
        queue.waiting.push_back(push);
        if queue.waiting.len() >= queue.enough {
            queue.gathered.notify_one();
        }
        idle.then(|| Running { all: self.clone(), client, ended: false })
    }

    /// The pushes of the next transaction: those at the front that came with the same authority, and of which no two are of one record.
    /// Where none waits, none runs from here on.
    fn next(&self, client: Uuid) -> Option<Vec<Push>> {
        let mut queues = self.held();
        let queue = queues.get_mut(&client)?;
        let mut pushes: Vec<Push> = Vec::new();
        while let Some(next) = queue.waiting.front().filter(|_| pushes.len() < MOST) {
            let fits = |first: &Push| first.caller.has_authority_of(&next.caller);
            let is_of_one = |other: &Push| other.record.draft.external_id == next.record.draft.external_id;
            if !pushes.first().is_none_or(fits) || pushes.iter().any(is_of_one) {
                break;
            }
            let Some(next) = queue.waiting.pop_front() else { break };
            // Who has gone is not pushed for.
            if !next.answer.is_closed() && !next.taken.swap(true, Ordering::AcqRel) {
                pushes.push(next);
            }
        }
        if pushes.is_empty() {
            queues.remove(&client);
            return None;
        }
        Some(pushes)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Commits what a client pushed until nothing waits.
struct Running {
    all: Together,
    client: Uuid,
    ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            // What still waits is broken off with it: nobody would come for it.
            self.all.held().remove(&self.client);
        }
    }
}

impl Running {
    /// Waits until those who were just answered have pushed again, or a moment has passed: or the first of them would have the next
    /// transaction for itself, and all others wait for it.
    async fn gather(&self, count: usize) {
        let gathered = {
            let mut queues = self.all.held();
            let Some(queue) = queues.get_mut(&self.client) else { return };
            queue.enough = count;
            if queue.waiting.len() >= count {
                return;
            }
            queue.gathered.clone()
        };
        let enough = async {
            while self.all.held().get(&self.client).is_some_and(|queue| queue.waiting.len() < count) {
                gathered.notified().await;
            }
        };
        let _ = tokio::time::timeout(MOMENT, enough).await;
    }

    async fn run(mut self) {
        while let Some(pushes) = self.all.next(self.client) {
            let count = pushes.len();
            commit(pushes).await;
            self.gather(count).await;
        }
        self.ended = true;
    }
}

/// Commits pushes in one transaction, and answers each. Where that fails for a reason that may lie in one of them, each has a transaction
/// of its own, so that none suffers for its neighbours.
async fn commit(pushes: Vec<Push>) {
    let several = pushes.len() > 1;
    match commit_together(&pushes).await {
        Ok(answers) => {
            for (push, answer) in pushes.into_iter().zip(answers) {
                push.caller.asked().written();
                // Whoever has gone since is not answered, and the record is kept.
                let _ = push.answer.send(Ok(answer));
            }
        }
        Err(problem) if several && problem.kind != Kind::Unavailable => {
            for push in pushes {
                Box::pin(commit(vec![push])).await;
            }
        }
        Err(problem) => {
            for push in pushes {
                let _ = push.answer.send(Err(problem.again()));
            }
        }
    }
}

async fn commit_together(pushes: &[Push]) -> Result<Vec<Answer>, ApiError> {
    let Some(first) = pushes.first() else { return Ok(Vec::new()) };
    let records: Vec<Arc<Ready>> = pushes.iter().map(|push| push.record.clone()).collect();
    let all = pushes.iter().map(|push| push.caller.asked().clone()).collect();
    first.caller.write_together(all, move |tx| push_all(tx, &records)).await
}

/// The answers to pushes, each with what the audit log is told of it.
fn push_all(tx: &mut Tx<'_>, records: &[Arc<Ready>]) -> ServiceResult<Vec<(Answer, Trail)>> {
    let answer = |Single { pushed, completion, mut trail }| {
        let status = status(&pushed);
        trail.status = Some(status);
        let location = Some(format!("/v1/completions/{}", pushed.id));
        let answer = Answer { location, outcome: Some(pushed.word().to_owned()), ..Answer::of(status, &CompletionView::from(&completion))? };
        Ok((answer, trail))
    };
    let records: Vec<&Ready> = records.iter().map(AsRef::as_ref).collect();
    intake::push_singles(tx, &records)?.into_iter().map(answer).collect()
}
