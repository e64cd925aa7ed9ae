//! Acceptance: the body is stored, in pieces as it comes, and then the import is queued.

use std::io::Cursor;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::web::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::LOOK_AGAIN;
use super::view::ImportView;
use crate::domain::import::ImportState;
use crate::http::auth::{Authority, Caller};
use crate::http::completions::outcome::SummaryView;
use crate::http::doors::{Door, unreadable};
use crate::http::extract::{Fingerprint, IdempotencyKey, prefers_minimal};
use crate::http::media::{CSV, JSON, NDJSON};
use crate::http::once::once;
use crate::http::paced::Paced;
use crate::http::problem::{ApiError, ApiResult, Kind};
use crate::http::registry::Registry;
use crate::http::respond::{self, Answer};
use crate::rows::fields::COMPLETIONS;
use crate::rows::kept;
use crate::rows::read::Format;
use crate::rows::sheet::{Layout, OpenError};
use crate::service::imports as service;
use crate::service::{ServiceError, new_id};
use crate::storage::imports::{Import, ImportAuthority};

/// How many bytes a piece has at the most.
const PIECE: usize = 1024 * 1024;

/// How much of a body is looked at before it is stored: more than any header has, however it is written.
const HEAD: usize = 256 * 1024;

/// What was sent.
pub enum Sent {
    /// JSON, read already: the records, and what marks the request.
    Whole(Vec<Value>, String),
    /// NDJSON or CSV, on its way.
    Streamed(Format, Layout, Paced),
}

/// Stores a body, and answers where its import is.
///
/// # Errors
/// What is wrong with the body as a whole, or with its transfer; then nothing of it is kept.
pub async fn accept(caller: &Caller, request: &HttpRequest, key: IdempotencyKey, sent: Sent) -> ApiResult {
    let limits = &caller.registry().limits;
    let _place = limits.streams.enter(caller.client)?;
    let (media_type, layout) = match &sent {
        Sent::Whole(..) => (JSON, Layout::default()),
        Sent::Streamed(Format::Ndjson, ..) => (NDJSON, Layout::default()),
        Sent::Streamed(Format::Csv, layout, _) => (CSV, layout.clone()),
    };
    let import = import(caller, media_type, &layout, prefers_minimal(request))?;
    let mut staged = Staged::begin(caller.registry().clone(), import).await?;
    let stored = match sent {
        Sent::Whole(records, fingerprint) => {
            let body = respond::json(&records)?;
            staged.add(&body).await.map(|()| fingerprint)
        }
        Sent::Streamed(format, layout, body) => staged.receive(body, (format, layout), Fingerprint::of(request)).await,
    };
    let accepted = match stored {
        Ok(fingerprint) => staged.accept(caller, key, fingerprint).await,
        Err(problem) => Err(problem),
    };
    match accepted {
        Ok(response) => {
            caller.registry().imports.nudge();
            Ok(response)
        }
        Err(problem) => {
            staged.discard().await;
            Err(problem)
        }
    }
}

fn import(caller: &Caller, media_type: &str, layout: &Layout, minimal: bool) -> Result<Import, ApiError> {
    let now = caller.registry().clock.now();
    let summary = serde_json::to_value(SummaryView::default()).map_err(|_| ApiError::new(Kind::Internal))?;
    let authority = match &caller.authority {
        Authority::Client(_) => ImportAuthority::Client,
        Authority::Token(keys) => ImportAuthority::Token(keys.as_ref().map(|keys| keys.to_vec())),
    };
    Ok(Import {
        id: new_id(),
        client: caller.client,
        subject: caller.subject.to_string(),
        authority,
        media_type: media_type.to_owned(),
        layout: kept::document(layout),
        minimal,
        state: ImportState::Receiving,
        bytes: 0,
        bytes_read: 0,
        summary,
        outcome_pieces: 0,
        problem: None,
        attempts: 0,
        created_at: now,
        updated_at: now,
        started_at: None,
        finished_at: None,
    })
}

/// An import whose body is coming. Where it is left so, it is taken away after a while.
struct Staged {
    registry: Arc<Registry>,
    id: Uuid,
    bytes: i64,
    pieces: i32,
    /// What is not stored yet.
    held: Vec<u8>,
}

impl Staged {
    async fn begin(registry: Arc<Registry>, import: Import) -> Result<Self, ApiError> {
        let id = import.id;
        registry.store.write(move |conn| service::begin(conn, &import)).await?;
        Ok(Self { registry, id, bytes: 0, pieces: 0, held: Vec::new() })
    }

    /// Stores a body as it comes; answers what marks the request.
    async fn receive(&mut self, mut body: Paced, form: (Format, Layout), mut fingerprint: Fingerprint) -> Result<String, ApiError> {
        let limit = self.registry.limits.settings.stream_bytes;
        let (mut head, mut looked_at) = (Vec::new(), form.0 == Format::Ndjson);
        let mut received = 0;
        while let Some(piece) = body.next().await? {
            let piece: Bytes = piece.map_err(|cause| ApiError::new(Kind::MalformedJson).detail(format!("the body broke off: {cause}")))?;
            received += piece.len() as u64;
            if received > limit {
                return Err(ApiError::new(Kind::ContentTooLarge).detail(format!("a streamed body is limited to {limit} bytes")));
            }
            fingerprint.update(&piece);
            if !looked_at {
                head.extend_from_slice(&piece);
                if head.len() >= HEAD {
                    look(std::mem::take(&mut head), &form)?;
                    looked_at = true;
                }
            }
            self.add(&piece).await?;
        }
        if !looked_at {
            look(head, &form)?;
        }
        Ok(fingerprint.finish())
    }

    async fn add(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        self.bytes += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        for part in bytes.chunks(PIECE) {
            if self.held.len() + part.len() > PIECE {
                self.store().await?;
            }
            self.held.extend_from_slice(part);
        }
        Ok(())
    }

    async fn store(&mut self) -> Result<(), ApiError> {
        let content = std::mem::take(&mut self.held);
        if content.is_empty() {
            return Ok(());
        }
        let (id, piece, now) = (self.id, self.pieces, self.registry.clock.now());
        self.registry.store.write(move |conn| service::add_piece(conn, id, piece, &content, now)).await.map_err(given_up)?;
        self.pieces += 1;
        Ok(())
    }

    /// Queues what is stored, once for each key.
    async fn accept(&mut self, caller: &Caller, key: IdempotencyKey, fingerprint: String) -> ApiResult {
        self.store().await?;
        let (id, bytes, kept) = (self.id, self.bytes, self.registry.imports.kept);
        let mut response = once(caller, key, fingerprint, move |tx| {
            let import = service::accept(tx, id, bytes)?;
            let location = format!("/v1/imports/{id}");
            Ok(Answer { location: Some(location), ..Answer::of(202, &ImportView::of(import, kept))? })
        })
        .await?;
        let own = format!("/v1/imports/{id}");
        let location = response.headers().get(actix_web::http::header::LOCATION).and_then(|value| value.to_str().ok());
        if location != Some(own.as_str()) {
            // The key had an answer: what was sent again is not needed.
            self.discard().await;
        }
        if response.status() == 202 {
            let headers = response.headers_mut();
            headers.insert(HeaderName::from_static("preference-applied"), HeaderValue::from_static("respond-async"));
            headers.insert(RETRY_AFTER, LOOK_AGAIN);
        }
        Ok(response)
    }

    async fn discard(&mut self) {
        let id = self.id;
        if let Err(error) = self.registry.store.write(move |conn| service::discard(conn, id)).await {
            tracing::warn!(error = %error, import.id = %id, "an import that was not accepted is left, and taken away later");
        }
    }
}

fn given_up(error: ServiceError) -> ApiError {
    match error {
        ServiceError::NotFound => ApiError::new(Kind::RequestTimeout).detail("nothing came of the body for too long"),
        other => other.into(),
    }
}

/// Looks for the header of a CSV body, so that what is wrong with the whole of it is told at once.
fn look(head: Vec<u8>, (format, layout): &(Format, Layout)) -> Result<(), ApiError> {
    match Door::open(Box::new(Cursor::new(head)), *format, &COMPLETIONS, layout) {
        // What can't be read of it is told row by row.
        Ok(_) | Err(OpenError::Read(_)) => Ok(()),
        Err(error) => Err(unreadable(&error)),
    }
}

/// The records of a JSON body, as [`Sent::Whole`] was stored.
///
/// # Errors
/// A problem of the kind [`Kind::Internal`], which none is expected to meet.
pub fn stored_records(body: &[u8]) -> Result<Vec<Value>, ApiError> {
    serde_json::from_slice(body).map_err(|cause| {
        let mut problem = ApiError::new(Kind::Internal);
        problem.cause = Some(json!({"a stored body is not JSON": cause.to_string()}).to_string());
        problem
    })
}
