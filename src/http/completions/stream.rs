//! A batch of any length: taken in chunks as it comes, each in a transaction of its own, and told of as they are committed.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::batch::read;
use super::outcome::{Record, Tally, count_metrics};
use crate::http::auth::{Caller, CompletionsWrite};
use crate::http::doors::{Feed, Item, Pump, Spill};
use crate::http::media::{JSON, NDJSON};
use crate::http::paced::Paced;
use crate::http::problem::{ApiError, ApiResult, Kind};
use crate::rows::fields::COMPLETIONS;
use crate::rows::read::Format;
use crate::rows::sheet::Layout;
use crate::service::intake::{self, Pushed, Ready};
use crate::service::{ServiceResult, Tx};

/// How many records one transaction takes at the most.
const CHUNK: usize = 1000;

/// How long a chunk waits to be filled: who sends a record now and then hears of it soon.
const IDLE: Duration = Duration::from_millis(200);

/// How long to wait before a chunk is tried again that a busy database did not take.
const PAUSES: [Duration; 4] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(6)];

/// How long the answer waits for somebody who reads nothing of it, once the body has ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// The status of a batch, whose records have outcomes of their own.
const MULTI_STATUS: u16 = 207;

/// How the answer is written.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// One outcome a line, and not one document.
    pub ndjson: bool,
    /// Without outcomes that are as usual.
    pub minimal: bool,
}

/// Takes a batch, and answers while it comes.
///
/// # Errors
/// Where it can't be read at all, or nothing of it could be taken.
pub async fn answer(caller: &Caller, body: Paced, (format, layout): (Format, Layout), shape: Shape) -> ApiResult {
    let limits = &caller.registry().limits;
    let place = limits.streams.enter(caller.client)?;
    let registry = caller.registry().clone();
    let reading = move |value| read(value, &registry);
    let (feed, pump) = Feed::start(body, limits.settings.stream_bytes, (format, &COMPLETIONS, layout), reading)?;
    let answer = Reader(Spill::default());
    let (begun, beginning) = oneshot::channel();
    let teller = Teller { shape, spill: answer.0.clone(), tally: Tally::default(), is_first: true };
    let batch = Batch { caller: caller.clone(), begun: Some(begun) };
    let span = tracing::Span::current();
    // It ends with the body, or when nobody reads the answer any more: the reader says so when it is dropped.
    drop(actix_web::rt::spawn(tracing::Instrument::instrument(
        async move {
            run(batch, teller, feed, pump).await;
            drop(place);
        },
        span,
    )));
    match beginning.await {
        Ok(Ok(())) => {
            let mut response = HttpResponse::MultiStatus();
            response.insert_header((CACHE_CONTROL, "private, no-cache")).content_type(if shape.ndjson { NDJSON } else { JSON });
            Ok(response.streaming(answer.into_stream()))
        }
        Ok(Err(problem)) => Err(problem),
        Err(_) => Err(ApiError::new(Kind::Internal)),
    }
}

/// Who reads the answer.
struct Reader(Spill);

impl Reader {
    fn into_stream(self) -> impl Stream<Item = std::io::Result<Bytes>> {
        stream::unfold(self, |reader| async move { reader.0.read().await.transpose().map(|bytes| (bytes, reader)) })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A batch that is being taken.
struct Batch {
    caller: Caller,
    /// Told when the first records are in, or why none is.
    begun: Option<oneshot::Sender<Result<(), ApiError>>>,
}

/// Who tells of the records of a batch, while the next are taken.
struct Teller {
    shape: Shape,
    spill: Spill,
    tally: Tally,
    /// Whether no result was written yet.
    is_first: bool,
}

/// Records of a chunk that is committed, and what became of those that could be read.
type Committed = (Arc<Vec<Record>>, Vec<Pushed>);

/// How many chunks wait to be told of, besides the one that is.
const CHUNKS_AHEAD: usize = 1;

/// Why no more records are taken.
pub enum Stop {
    /// There are none.
    End,
    /// The body broke off; the pump knows why.
    Broken,
    /// The rest can't be taken.
    Problem(ApiError),
    /// Nobody reads the answer any more.
    Gone,
}

/// Takes a whole batch, and tells of it.
async fn run(mut batch: Batch, mut teller: Teller, feed: Feed<Ready>, pump: Pump) {
    let (committed, to_tell) = mpsc::channel(CHUNKS_AHEAD);
    let spill = teller.spill.clone();
    let take = async {
        let stop = batch.take_all(feed, committed, &spill).await;
        if let Stop::Problem(problem) = &stop
            && let Some(begun) = batch.begun.take()
        {
            let _ = begun.send(Err(problem.again()));
            return Stop::Gone;
        }
        stop
    };
    // What is left of the body after a failure is still brought, and thrown away: its sender may read nothing before.
    let (pumped, stop, ()) = futures_util::future::join3(pump.run(), take, teller.tell_all(to_tell)).await;
    let problem = match (stop, pumped) {
        (Stop::Gone, _) => return,
        (Stop::Problem(problem), _) | (Stop::Broken | Stop::End, Err(problem)) => Some(problem),
        (Stop::Broken, Ok(())) => Some(ApiError::new(Kind::Internal)),
        (Stop::End, Ok(())) => None,
    };
    if let (Some(begun), Some(problem)) = (batch.begun.take_if(|_| problem.is_some()), &problem) {
        let _ = begun.send(Err(problem.again()));
        return;
    }
    if teller.finish(problem.as_ref()).await.is_ok() {
        teller.spill.end();
        teller.spill.wait_for_reader(PATIENCE).await;
    }
}

impl Batch {
    /// Takes all records, a chunk at a time; who tells of them gets those that are committed.
    async fn take_all(&mut self, mut feed: Feed<Ready>, committed: mpsc::Sender<Committed>, spill: &Spill) -> Stop {
        let mut left = None;
        while left.is_none() {
            let mut records = Vec::new();
            left = fill(&mut feed, &mut records).await;
            let is_wanted = matches!(left, None | Some(Stop::End)) && (!records.is_empty() || self.begun.is_some());
            if !is_wanted {
                continue;
            }
            if spill.is_gone() {
                return Stop::Gone;
            }
            let taken = match self.take(records).await {
                Ok(taken) => taken,
                Err(problem) => return Stop::Problem(problem),
            };
            if committed.send(taken).await.is_err() {
                return Stop::Gone;
            }
        }
        left.unwrap_or(Stop::End)
    }

    /// Commits a chunk; where the database is busy, after a while.
    async fn take(&mut self, records: Vec<Record>) -> Result<Committed, ApiError> {
        self.caller = self.caller.renewed::<CompletionsWrite>().await?;
        let records = Arc::new(records);
        let pushed = patiently(|| {
            let records = records.clone();
            self.caller.write_matching(move |tx| push(tx, &records))
        })
        .await?;
        if let Some(begun) = self.begun.take() {
            let _ = begun.send(Ok(()));
        }
        Ok((records, pushed))
    }
}

impl Teller {
    /// Tells of chunks until there are no more; where nobody reads of them, the metrics alone.
    async fn tell_all(&mut self, mut committed: mpsc::Receiver<Committed>) {
        while let Some((records, pushed)) = committed.recv().await {
            let before = self.tally.summary.clone();
            let results = self.tally.tell(&records, pushed, self.shape.minimal);
            count_metrics(&before, &self.tally.summary);
            let mut text = Vec::new();
            for result in results {
                self.write(&mut text, &result);
            }
            if !text.is_empty() {
                // Who takes the records asks whether it is read.
                let _ = self.spill.write(text).await;
            }
        }
    }

    /// Adds a result to the answer.
    fn write(&mut self, text: &mut Vec<u8>, result: &impl Serialize) {
        if !self.shape.ndjson {
            text.extend_from_slice(if self.is_first { b"{\"results\":[" } else { b"," });
        }
        self.is_first = false;
        // A view has string keys and finite numbers.
        text.extend(serde_json::to_vec(result).unwrap_or_default());
        if self.shape.ndjson {
            text.push(b'\n');
        }
    }

    /// Ends the answer with the summary, and with why the batch ended early, where it did.
    async fn finish(&mut self, problem: Option<&ApiError>) -> Result<(), crate::http::doors::Gone> {
        let mut last = json!({"summary": self.tally.summary});
        if let Some(problem) = problem {
            if let Some(cause) = &problem.cause {
                tracing::error!(problem = problem.kind.row().slug, cause, "a batch ended early");
            }
            last["problem"] = json!(problem.problem());
        }
        let text = last.to_string();
        let text = match (self.shape.ndjson, self.is_first) {
            (true, _) => format!("{text}\n"),
            (false, true) => format!("{{\"results\":[],{}", &text[1..]),
            (false, false) => format!("],{}", &text[1..]),
        };
        self.spill.write(text.into_bytes()).await
    }
}

/// Takes a chunk in a transaction: those of its records that could be read.
///
/// # Errors
/// Where the database fails.
pub fn push(tx: &mut Tx<'_>, records: &[Record]) -> ServiceResult<Vec<Pushed>> {
    let ready: Vec<&Ready> = records.iter().filter_map(|record| record.read.as_ref().ok()).collect();
    let pushed = intake::push(tx, &ready)?;
    tx.left_many("rejected", records.len() - ready.len());
    tx.trail.status = Some(MULTI_STATUS);
    Ok(pushed)
}

/// Tries again, after a while, what a busy database did not take.
///
/// # Errors
/// What the last try came to.
pub async fn patiently<T, F: Future<Output = Result<T, ApiError>>>(mut attempt: impl FnMut() -> F) -> Result<T, ApiError> {
    let mut pauses = PAUSES.into_iter();
    loop {
        match (attempt().await, pauses.next()) {
            (Err(problem), Some(pause)) if problem.kind == Kind::Unavailable => tokio::time::sleep(pause).await,
            (outcome, _) => return outcome,
        }
    }
}

/// Fills a chunk with what comes; answers why no more will.
pub async fn fill(feed: &mut Feed<Ready>, records: &mut Vec<Record>) -> Option<Stop> {
    while records.len() < CHUNK {
        let next = if records.is_empty() {
            feed.next().await
        } else {
            match tokio::time::timeout(IDLE, feed.next()).await {
                Ok(next) => next,
                Err(_) => return None,
            }
        };
        match next {
            Some(Item::Record(record)) => records.push(record),
            Some(Item::End) => return Some(Stop::End),
            Some(Item::Refused(problem)) => return Some(Stop::Problem(problem)),
            None => return Some(Stop::Broken),
        }
    }
    None
}
