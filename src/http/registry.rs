//! What the handlers of a process share.

use std::sync::Arc;

use super::once::InFlight;
use super::openapi::Documents;
use crate::domain::clock::Clock;
use crate::storage::Store;
use crate::telemetry::Metrics;
use crate::tokens::Tokens;

/// Everything that a process shares between requests.
pub struct Registry {
    /// The database.
    pub store: Store,
    /// Verifies access tokens.
    pub tokens: Tokens,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The idempotency keys that are being worked on.
    pub in_flight: InFlight,
    /// The OpenAPI document, and what follows from it.
    pub documents: Documents,
    /// The metrics.
    pub metrics: Metrics,
}
