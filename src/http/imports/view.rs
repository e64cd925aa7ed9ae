//! Imports on the wire.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::import::ImportState;
use crate::http::completions::outcome::SummaryView;
use crate::http::problem::Problem;
use crate::storage::imports::Import;

/// A batch that is taken in the background.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Import)]
pub struct ImportView {
    id: Uuid,
    /// `queued`, `running`, `done`, `cancelled` or `failed`.
    #[schema(example = "running")]
    state: &'static str,
    /// Of the body.
    #[schema(example = "application/x-ndjson")]
    media_type: String,
    /// How long the body is.
    #[schema(minimum = 0)]
    bytes: i64,
    /// How much of it was read when the last records were taken.
    #[schema(minimum = 0)]
    bytes_read: i64,
    /// How many records were taken so far, and how they fared.
    #[schema(value_type = SummaryView)]
    summary: Value,
    /// Why it failed: what is told of in the outcomes is kept, the rest was not taken.
    #[schema(required, value_type = Option<Problem>)]
    problem: Option<Value>,
    /// Where the outcomes are.
    #[schema(example = "/v1/imports/0199c1f0-0000-7000-8000-000000000000/outcomes")]
    outcomes: String,
    /// When it was accepted.
    created_at: Timestamp,
    /// When it changed.
    updated_at: Timestamp,
    /// When it was begun.
    #[schema(required)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(required)]
    finished_at: Option<Timestamp>,
    /// Until when it is kept, once it has ended.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

impl ImportView {
    /// An import that is kept for so long after it ended.
    pub fn of(import: Import, kept: SignedDuration) -> Self {
        // What is being received is told to nobody.
        let state = if import.state == ImportState::Receiving { ImportState::Queued } else { import.state };
        Self {
            id: import.id,
            state: state.as_str(),
            media_type: import.media_type,
            bytes: import.bytes,
            bytes_read: import.bytes_read,
            summary: import.summary,
            problem: import.problem,
            outcomes: format!("/v1/imports/{}/outcomes", import.id),
            created_at: import.created_at,
            updated_at: import.updated_at,
            started_at: import.started_at,
            finished_at: import.finished_at,
            expires_at: import.finished_at.and_then(|at| at.checked_add(kept).ok()),
        }
    }
}
