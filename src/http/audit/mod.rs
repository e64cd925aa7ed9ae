//! What the audit log hears of requests: changes in their own transaction, reads of people's data and refusals before they are answered.

mod floods;
mod log;
mod waiting;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::{HttpMessage as _, HttpRequest, ResponseError as _, web};
use jiff::Timestamp;
use serde_json::json;
use tracing_actix_web::RequestId;
use uuid::Uuid;

use super::address::client_address;
use super::openapi::Operation;
use super::problem::{ApiError, Problem};
use super::registry::Registry;
use super::routing::Routed;
use super::strict;
use crate::domain::agency::AgencyKey;
use crate::domain::audit::{AuditOutcome, Entry};
use crate::domain::standard_draft::StandardKey;
use crate::service::audit::{Keys, Trail, close, close_all};
use crate::service::{ServiceResult, Tx, new_id};

pub use floods::Floods;
pub use log::routes;
pub use waiting::{Waiting, keep_told, tell_due};

/// What the process keeps for the audit log.
#[derive(Debug)]
pub struct Audit {
    /// What entries are sealed with.
    pub keys: Keys,
    /// Refusals that come again and again.
    pub floods: Floods,
    /// Refusals that are to be written.
    pub waiting: Waiting,
}

impl Audit {
    /// With these keys.
    pub fn new(keys: Keys) -> Self {
        Self { keys, floods: Floods::default(), waiting: Waiting::default() }
    }
}

/// How many items the page holds that is answered.
#[derive(Debug, Clone, Copy)]
pub struct PageSize(pub usize);

/// A request, as the audit log tells of it.
#[derive(Debug)]
pub struct Asked {
    operation: Arc<Operation>,
    kind: Option<String>,
    key: Option<String>,
    filters: Vec<String>,
    request: Option<Uuid>,
    address: Option<IpAddr>,
    noted: Mutex<Noted>,
}

/// What turned out while the request was worked on.
#[derive(Debug, Default, Clone)]
struct Noted {
    client: Option<Uuid>,
    subject: Option<Arc<str>>,
    agency: Option<Uuid>,
    claimed: Option<Uuid>,
    written: bool,
}

/// The request as the audit log tells of it; `None` where no operation of the document answers it.
pub fn asked(request: &HttpRequest) -> Option<Arc<Asked>> {
    if let Some(asked) = request.extensions().get::<Arc<Asked>>() {
        return Some(asked.clone());
    }
    let asked = Arc::new(Asked::of(request)?);
    request.extensions_mut().insert(asked.clone());
    Some(asked)
}

impl Asked {
    fn of(request: &HttpRequest) -> Option<Self> {
        let registry = request.app_data::<web::Data<Registry>>()?;
        let routed = Routed::of(request);
        let (pattern, operation) = (routed.pattern()?, routed.operation()?.clone());
        let (kind, key) = resource_of(pattern, request.path());
        let names: BTreeSet<String> = strict::pairs(request.query_string()).unwrap_or_default().into_iter().map(|(name, _)| name).collect();
        let is_filter = |name: &String| name != "limit" && name != "cursor" && takes(registry, request, pattern, name);
        Some(Self {
            operation,
            kind,
            key,
            filters: names.into_iter().filter(is_filter).collect(),
            request: request.extensions().get::<RequestId>().and_then(|id| Uuid::try_parse(&id.to_string()).ok()),
            address: request.peer_addr().map(|_| client_address(request)),
            noted: Mutex::default(),
        })
    }

    /// A batch that is taken in the background. Its entries name the import, as that of its acceptance does.
    pub(super) fn of_import(registry: &Registry, import: Uuid) -> Option<Self> {
        Some(Self {
            operation: registry.documents.operation(&Method::POST, "/v1/completions/batch")?.clone(),
            kind: Some("import".into()),
            key: Some(import.to_string()),
            filters: Vec::new(),
            request: None,
            address: None,
            noted: Mutex::default(),
        })
    }

    /// Notes who asks.
    pub fn by(&self, client: Uuid, subject: Arc<str>) {
        let mut noted = self.noted();
        noted.client = Some(client);
        noted.subject = Some(subject);
    }

    /// Notes in whose name somebody asks who has not proved it yet: the entry is of that client, not by it.
    pub fn in_the_name_of(&self, client: Uuid) {
        self.noted().claimed = Some(client);
    }

    /// Notes whose data was read.
    pub fn of_agency(&self, agency: Option<Uuid>) {
        let mut noted = self.noted();
        noted.agency = agency.or(noted.agency);
    }

    /// Notes that an entry tells of the request already.
    pub fn written(&self) {
        self.noted().written = true;
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An entry of the request at an instant, as far as it is known.
    fn entry(&self, at: Timestamp, outcome: AuditOutcome, status: u16) -> Entry {
        let noted = self.noted().clone();
        let agency = noted.agency.filter(|_| self.key.is_some() && self.kind.as_deref() == Some("agency")).map(|id| id.to_string());
        Entry {
            id: new_id(),
            at,
            client: noted.client,
            subject: noted.subject.map(|subject| subject.to_string()),
            operation: self.operation.id.clone(),
            outcome,
            status,
            resource: noted.claimed.map(|_| "client".to_owned()).or_else(|| self.kind.clone()),
            resource_id: agency.or_else(|| self.key.clone()).or_else(|| noted.claimed.map(|id| id.to_string())),
            agency: noted.agency,
            request: self.request,
            address: self.address.map(|address| address.to_string()),
            fields: None,
            detail: None,
            ids: None,
        }
    }

    /// Writes what a transaction of the request did, as the last thing in it.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn write(&self, tx: &mut Tx<'_>, keys: &Keys) -> ServiceResult<()> {
        let entry = self.entry(tx.now, AuditOutcome::Unchanged, self.operation.success);
        close(tx, keys, entry)
    }
}

/// Writes what a transaction of several requests did for each of them, as the last thing in it.
///
/// # Errors
/// Where the database fails.
pub fn write_all<'a>(tx: &mut Tx<'_>, keys: &Keys, told: impl Iterator<Item = (&'a Asked, Trail)>) -> ServiceResult<()> {
    let now = tx.now;
    let told = told.map(|(asked, trail)| (asked.entry(now, AuditOutcome::Unchanged, asked.operation.success), trail)).collect();
    close_all(tx, keys, told)
}

/// Whether the document knows a parameter of the query: another may be anything, even a name or a secret.
fn takes(registry: &Registry, request: &HttpRequest, pattern: &str, name: &str) -> bool {
    let parameters = &registry.documents.value()["paths"][pattern][request.method().as_str().to_lowercase()]["parameters"];
    parameters.as_array().into_iter().flatten().any(|parameter| parameter["in"] == "query" && parameter["name"] == name)
}

/// The kind and key of the last resource that a path names; the key only where it has the form of one.
fn resource_of(pattern: &str, path: &str) -> (Option<String>, Option<String>) {
    let segments: Vec<(&str, &str)> = pattern.split('/').zip(path.split('/')).collect();
    let last = segments.iter().rposition(|(pattern, _)| pattern.starts_with('{'));
    let collection = last.map_or_else(|| segments.iter().map(|(pattern, _)| *pattern).nth(2), |at| at.checked_sub(1).map(|at| segments[at].0));
    let kind = collection.map(singular).filter(|kind| !kind.is_empty());
    let key = last
        .map(|at| segments[at].1)
        .filter(|key| AgencyKey::parse(key).is_ok() || (kind.as_deref() == Some("standard") && StandardKey::parse(key).is_ok()));
    (kind, key.map(str::to_owned))
}

/// `course-mappings` is of `course_mapping`.
fn singular(collection: &str) -> String {
    let one = collection.strip_suffix("ies").map(|stem| format!("{stem}y"));
    one.unwrap_or_else(|| collection.strip_suffix('s').unwrap_or(collection).to_owned()).replace('-', "_")
}

/// Writes of an answer what no transaction of it has written: that people's data was read, or that it was refused. An answer of people's
/// data that can't be written of isn't given.
pub async fn settle(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let Some(asked) = asked(response.request()) else { return response };
    let Some(registry) = response.request().app_data::<web::Data<Registry>>().map(|data| data.clone().into_inner()) else { return response };
    let status = response.status().as_u16();
    let Some(outcome) = outcome_of(&asked, response.request(), status) else { return response };
    let mut entry = asked.entry(registry.clock.now(), outcome, status);
    entry.detail = detail_of(&asked, &response, outcome).map(|detail| detail.to_string());
    if outcome == AuditOutcome::Refused {
        waiting::write(&registry, asked.address, entry).await;
        return response;
    }
    match waiting::append_now(&registry, vec![entry]).await {
        Ok(()) => response,
        Err(error) => {
            let problem = ApiError::from(error).error_response();
            ServiceResponse::new(response.into_parts().0, problem)
        }
    }
}

/// What an answer comes to, where it is to be written of.
fn outcome_of(asked: &Asked, request: &HttpRequest, status: u16) -> Option<AuditOutcome> {
    let reads = request.method() == Method::GET;
    if asked.noted().written || (reads && !asked.operation.secured) {
        return None;
    }
    match status {
        200..=399 if !reads || asked.operation.personal || asked.is_of_the_log(request) => Some(AuditOutcome::Read),
        401 | 403 | 404 | 429 => Some(AuditOutcome::Refused),
        400..=499 if !reads => Some(AuditOutcome::Refused),
        _ => None,
    }
}

impl Asked {
    /// Whether the log itself is looked into; its later pages are part of the first, or who reads to the end would never get there.
    fn is_of_the_log(&self, request: &HttpRequest) -> bool {
        let later = strict::pairs(request.query_string()).unwrap_or_default().iter().any(|(name, _)| name == "cursor");
        self.kind.as_deref() == Some(log::KIND) && !later
    }
}

fn detail_of(asked: &Asked, response: &ServiceResponse<BoxBody>, outcome: AuditOutcome) -> Option<serde_json::Value> {
    let mut detail = serde_json::Map::new();
    let extensions = response.response().extensions();
    if outcome == AuditOutcome::Refused {
        if let Some(problem) = extensions.get::<Problem>() {
            detail.insert("problem".into(), json!(problem.kind.rsplit('/').next()));
        }
    } else if let Some(PageSize(count)) = extensions.get() {
        detail.insert("count".into(), json!(count));
    }
    if !asked.filters.is_empty() {
        detail.insert("filters".into(), json!(asked.filters));
    }
    Some(detail).filter(|detail| !detail.is_empty()).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_last_resource_in_it() {
        let id = "0199c1f0-0000-7000-8000-00000000dead";
        let cases = [
            ("/v1/officers", "/v1/officers".to_owned(), "officer", None),
            ("/v1/officers/{id}", format!("/v1/officers/{id}"), "officer", Some(id)),
            ("/v1/officers/{id}/appointments", format!("/v1/officers/{id}/appointments"), "officer", Some(id)),
            ("/v1/officers/{id}/appointments/{appointment}", format!("/v1/officers/x/appointments/{id}"), "appointment", Some(id)),
            ("/v1/agencies/{agency}/roster", "/v1/agencies/ori:TX2270000/roster".to_owned(), "agency", Some("ori:TX2270000")),
            ("/v1/standards/{standard}", "/v1/standards/one-mind".to_owned(), "standard", Some("one-mind")),
            ("/v1/policies/{id}", "/v1/policies/Maria%20Rivera".to_owned(), "policy", None),
            ("/v1/officers/{id}", "/v1/officers/rivera".to_owned(), "officer", None),
            ("/v1/course-mappings", "/v1/course-mappings".to_owned(), "course_mapping", None),
        ];
        for (pattern, path, kind, key) in cases {
            assert_eq!(resource_of(pattern, &path), (Some(kind.to_owned()), key.map(str::to_owned)), "{path}");
        }
    }
}
