//! What the handlers of a process share.

use std::sync::Arc;

use super::access::AccessCache;
use super::announcing::Announcer;
use super::audit::Audit;
use super::completions::Together;
use super::imports::Imports;
use super::limits::Limits;
use super::once::InFlight;
use super::openapi::Documents;
use super::rules::{Rules, decode_by_rules};
use crate::config::Web;
use crate::documents::Stationery;
use crate::domain::clock::Clock;
use crate::outgoing::Outgoing;
use crate::service::Fault;
use crate::service::status::Statuses;
use crate::service::webhooks::SecretKey;
use crate::storage::Store;
use crate::storage::versions::Versions;
use crate::telemetry::Metrics;
use crate::tokens::{CredentialKeys, OutsideIssuers, Tokens};

/// Everything that a process shares between requests.
pub struct Registry {
    /// The database.
    pub store: Store,
    /// Verifies access tokens.
    pub tokens: Tokens,
    /// Signs credentials.
    pub credentials: Arc<CredentialKeys>,
    /// Who issues certificates and letters, and what they say.
    pub stationery: Arc<Stationery>,
    /// Verifies those of outside issuers.
    pub outside: OutsideIssuers,
    /// What registered clients may do.
    pub access: AccessCache,
    /// After how many days without use a client is refused.
    pub unused_days: u32,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The idempotency keys that are being worked on.
    pub in_flight: InFlight,
    /// The single pushes that wait for a transaction.
    pub together: Together,
    /// What works on imports.
    pub imports: Imports,
    /// What tells of agencies that stand elsewhere.
    pub announcer: Announcer,
    /// What the secrets of webhooks follow from.
    pub webhooks: SecretKey,
    /// Calls what clients gave it to call.
    pub outgoing: Outgoing,
    /// What callers may ask at once.
    pub limits: Limits,
    /// How the service meets browsers.
    pub web: Web,
    /// What the audit log is sealed with, and what of it is still to be written.
    pub audit: Audit,
    /// The questions for versions of agencies that wait for a statement.
    pub versions: Versions,
    /// What statuses are made of, as far as it is kept in memory.
    pub statuses: Arc<Statuses>,
    /// The OpenAPI document, and what follows from it.
    pub documents: Documents,
    /// The metrics.
    pub metrics: Metrics,
}

impl Registry {
    /// Reads a body as a `T`.
    ///
    /// # Errors
    /// Every fault, those between its fields among them where one of a single field keeps them from being asked later.
    pub(super) fn decode<T: Rules>(&self, value: serde_json::Value) -> Result<T, Vec<Fault>> {
        decode_by_rules(value, &self.documents, self.clock.today())
    }
}
