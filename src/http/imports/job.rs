//! An import at work: its stored body goes through the door that it came for, in chunks as a streamed batch. The transaction of a chunk
//! also writes its outcomes and how far the import is, so that whoever goes on after it was broken off begins with the next record.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use super::accept::stored_records;
use crate::domain::import::ImportState;
use crate::http::auth::{Caller, CompletionsWrite};
use crate::http::completions::outcome::{Record, ResultView, SummaryView, Tally, count_metrics};
use crate::http::completions::stream::{Stop, fill, patiently, push};
use crate::http::completions::{read, whole};
use crate::http::doors::{Feed, Inlet, Item};
use crate::http::media::{CSV, JSON};
use crate::http::problem::{ApiError, Kind};
use crate::http::registry::Registry;
use crate::http::respond;
use crate::rows::fields::COMPLETIONS;
use crate::rows::kept;
use crate::rows::read::Format;
use crate::service::imports::{self as service, ATTEMPTS, Progress};
use crate::service::intake::Ready;
use crate::service::{ServiceError, ServiceResult};
use crate::storage::StorageError;
use crate::storage::imports::{self as rows, Import, ImportAuthority};
use crate::telemetry::IMPORTS;

/// How often a claim is kept: several times before it would run out.
const BEAT: Duration = Duration::from_secs(4);

/// How long an import rests that the database kept from going on.
const REST: SignedDuration = SignedDuration::from_secs(10);

/// How many bytes of outcomes are in a piece, but for a last line that is longer.
const PIECE: usize = 256 * 1024;

/// An import that this process has claimed.
pub struct Job {
    pub registry: Arc<Registry>,
    pub import: Import,
    /// With what it is claimed.
    pub claim: Uuid,
}

impl Job {
    /// Takes what is left of its records, unless it is cancelled or claimed by another.
    pub async fn run(self) {
        let id = self.import.id;
        tracing::info!(import.id = %id, records = self.import.summary["received"].as_u64(), "an import is begun or gone on with");
        let ended = if self.import.attempts > ATTEMPTS {
            // Whoever worked on it was ended by it, again and again.
            Err(ApiError::new(Kind::Internal))
        } else {
            tokio::select! {
                ended = self.take_all() => ended,
                () = self.keep_claim() => Err(ApiError::new(Kind::PreconditionFailed)),
            }
        };
        let state = match ended {
            Ok(()) => ImportState::Done,
            Err(problem) if problem.kind == Kind::PreconditionFailed => {
                tracing::info!(import.id = %id, "an import was cancelled, or is another's now");
                return;
            }
            Err(problem) => match self.give_up(&problem).await {
                Ok(true) => ImportState::Failed,
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(import.id = %id, error = %error, "an import is left: it is gone on with when its claim has run out");
                    return;
                }
            },
        };
        tracing::info!(import.id = %id, state = state.as_str(), "an import has ended");
        metrics::counter!(IMPORTS, "state" => state.as_str()).increment(1);
    }

    /// Keeps the claim until it is lost.
    async fn keep_claim(&self) {
        loop {
            tokio::time::sleep(BEAT).await;
            let (id, claim, now) = (self.import.id, self.claim, self.registry.clock.now());
            let kept = self.registry.store.write(move |conn| service::keep_claim(conn, id, claim, now)).await;
            match kept {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::debug!(import.id = %id, error = %error, "a claim is not kept this time"),
            }
        }
    }

    /// Ends the import for a reason that stays, and lets it rest otherwise. Answers whether it has ended.
    async fn give_up(&self, problem: &ApiError) -> Result<bool, ApiError> {
        let (id, claim) = (self.import.id, self.claim);
        let passes = matches!(problem.kind, Kind::Unavailable | Kind::Internal);
        if passes {
            let (cause, attempts) = (problem.cause.as_deref().unwrap_or_default(), self.import.attempts);
            tracing::error!(import.id = %id, problem = problem.kind.row().slug, cause, attempts, "an import can't be gone on with now");
        }
        if passes && self.import.attempts < ATTEMPTS {
            let now = self.registry.clock.now();
            let until = now.checked_add(REST).unwrap_or(now);
            self.registry.store.write(move |conn| service::let_go(conn, id, claim, until)).await?;
            return Ok(false);
        }
        let told = json!(problem.problem());
        let caller = Caller::of_import(self.registry.clone(), &self.import)?;
        patiently(|| {
            let told = told.clone();
            caller.write(move |tx| {
                tx.trail.status = told["status"].as_u64().and_then(|status| u16::try_from(status).ok());
                service::fail(tx, id, claim, told.clone())
            })
        })
        .await?;
        Ok(true)
    }

    async fn take_all(&self) -> Result<(), ApiError> {
        let summary: SummaryView = serde_json::from_value(self.import.summary.clone()).map_err(|_| corrupt("summary"))?;
        let caller = Caller::of_import(self.registry.clone(), &self.import)?;
        let brought = Arc::new(AtomicI64::new(0));
        let (feed, inlet) = self.open().await?;
        let taking = Taking { job: self, caller, tally: summary.into(), brought: brought.clone() };
        let bring = async {
            match inlet {
                Some(inlet) => self.bring(inlet, &brought).await,
                None => Ok(()),
            }
        };
        let (taken, bringing) = futures_util::future::join(taking.run(feed), bring).await;
        match (taken, bringing) {
            // The door gave no end, since the body could not be brought.
            (Err(Stop::Broken), Err(problem)) | (Err(Stop::Problem(problem)), _) => Err(problem),
            (Err(_), _) => Err(corrupt("body")),
            (Ok(()), _) => Ok(()),
        }
    }

    /// Opens the body by its door.
    async fn open(&self) -> Result<(Feed<Ready>, Option<Inlet>), ApiError> {
        let registry = self.registry.clone();
        if self.import.media_type == JSON {
            let (mut at, mut body) = (0, Vec::new());
            while i64::try_from(body.len()).is_ok_and(|length| length < self.import.bytes) {
                body.extend(self.piece(at).await?);
                at += 1;
            }
            let records = stored_records(&body)?;
            let feed = Feed::of(move || records.into_iter().map(move |value| whole(value, &registry)))?;
            return Ok((feed, None));
        }
        let format = if self.import.media_type == CSV { Format::Csv } else { Format::Ndjson };
        let layout = kept::read(&self.import.layout).ok_or_else(|| corrupt("layout"))?;
        let (feed, inlet) = Feed::open((format, &COMPLETIONS, layout), move |value| read(value, &registry))?;
        Ok((feed, Some(inlet)))
    }

    /// A piece of the stored body, which is gone where the import was cancelled meanwhile.
    async fn piece(&self, piece: i32) -> Result<Vec<u8>, ApiError> {
        let (id, claim, now) = (self.import.id, self.claim, self.registry.clock.now());
        if let Some(content) = self.registry.store.ask(move |conn| rows::piece(conn, id, piece)).await? {
            return Ok(content);
        }
        let claimed = self.registry.store.write(move |conn| service::keep_claim(conn, id, claim, now)).await?;
        Err(if claimed { corrupt("body") } else { ApiError::new(Kind::PreconditionFailed) })
    }

    /// Brings the stored body to its door.
    async fn bring(&self, inlet: Inlet, brought: &AtomicI64) -> Result<(), ApiError> {
        let (mut at, mut bytes) = (0, 0);
        while bytes < self.import.bytes {
            let piece = self.piece(at).await?;
            at += 1;
            bytes += i64::try_from(piece.len()).unwrap_or(i64::MAX);
            if !inlet.give(piece.into()).await {
                return Ok(());
            }
            brought.store(bytes, Ordering::Relaxed);
        }
        inlet.end().await;
        Ok(())
    }
}

fn corrupt(what: &str) -> ApiError {
    StorageError::Corrupt(format!("imports.{what}")).into()
}

/// The records of an import, on their way.
struct Taking<'a> {
    job: &'a Job,
    caller: Caller,
    tally: Tally,
    /// How much of the body went to the door.
    brought: Arc<AtomicI64>,
}

impl Taking<'_> {
    async fn run(mut self, mut feed: Feed<Ready>) -> Result<(), Stop> {
        for _ in 0..self.tally.received() {
            match feed.next().await {
                Some(Item::Record(_)) => {}
                Some(Item::Refused(problem)) => return Err(Stop::Problem(problem)),
                // The door gives the same records whenever it reads the same body.
                Some(Item::End) | None => return Err(Stop::Broken),
            }
        }
        loop {
            let mut records = Vec::new();
            match fill(&mut feed, &mut records).await {
                None => self.take(records, false).await.map_err(Stop::Problem)?,
                Some(Stop::End) => return self.take(records, true).await.map_err(Stop::Problem),
                Some(stop) => return Err(stop),
            }
        }
    }

    /// Takes a chunk, as far as the client may by now.
    async fn take(&mut self, records: Vec<Record>, is_last: bool) -> Result<(), ApiError> {
        let caller = match self.job.import.authority {
            ImportAuthority::Client => self.caller.as_registered::<CompletionsWrite>().await?,
            ImportAuthority::Token(_) => self.caller.clone(),
        };
        let records = Arc::new(records);
        let (id, claim, minimal) = (self.job.import.id, self.job.claim, self.job.import.minimal);
        let bytes_read = self.brought.load(Ordering::Relaxed);
        let after = patiently(|| {
            let (records, before) = (records.clone(), self.tally.clone());
            caller.write(move |tx| {
                let held = service::hold(tx, id, claim)?;
                let pushed = push(tx, &records)?;
                let mut tally = before.clone();
                let results = tally.tell(&records, pushed, minimal);
                let summary = serde_json::to_value(&tally.summary).map_err(|cause| not_json(&cause.to_string()))?;
                service::advance(tx, held, &Progress { summary, bytes_read, outcomes: in_pieces(&results)?, is_last })?;
                Ok(tally)
            })
        })
        .await?;
        count_metrics(&self.tally.summary, &after.summary);
        self.tally = after;
        Ok(())
    }
}

fn not_json(cause: &str) -> ServiceError {
    StorageError::Other(format!("a view is not JSON: {cause}")).into()
}

/// Results as lines, in pieces that fit in memory.
fn in_pieces(results: &[ResultView]) -> ServiceResult<Vec<String>> {
    let mut pieces: Vec<String> = Vec::new();
    for result in results {
        let line = respond::json(result).map_err(|problem| not_json(&problem.to_string()))?;
        let line = String::from_utf8(line).map_err(|cause| not_json(&cause.to_string()))?;
        match pieces.last_mut() {
            Some(piece) if piece.len() + line.len() < PIECE => piece.extend([line.as_str(), "\n"]),
            _ => pieces.push(line + "\n"),
        }
    }
    Ok(pieces)
}
