//! `/v1/audit-log`

use actix_web::{HttpRequest, get};
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::audit::AuditOutcome;
use crate::domain::invalid::Invalid;
use crate::domain::text::Text;
use crate::http::auth::{Allowed, AuditRead};
use crate::http::decode::{Faults, Moment, Ref, parsed};
use crate::http::extract::{IdPath, Preconditions, Query};
use crate::http::page::{self, Cursor, Limit, Page};
use crate::http::problem::ApiResult;
use crate::http::respond;
use crate::service::audit as service;
use crate::storage::audit::{AuditFilter, Sealed};

/// The kind of resource that an entry is, as paths tell it.
pub const KIND: &str = "audit_log";

/// `status`, 100..=599.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Status(u16);

impl Status {
    /// # Errors
    /// `invalid_number`.
    fn parse(text: &str) -> Result<Self, Invalid> {
        match text.parse::<u16>() {
            Ok(status @ 100..=599) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(Self(status)),
            _ => Err(Invalid::new("invalid_number", "must be an HTTP status, 100 to 599")),
        }
    }
}

parsed!(AuditOutcome, Status);

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct AuditView {
    id: Uuid,
    /// The chain that the entry stands in.
    #[schema(minimum = 0, example = 17)]
    lane: i32,
    /// Its number in the chain.
    #[schema(minimum = 1, example = 4711)]
    sequence: i64,
    at: jiff::Timestamp,
    /// The client; null where no token said so.
    #[schema(required)]
    client: Option<Uuid>,
    /// Who acted for it.
    #[schema(required, example = "riverside-lms")]
    subject: Option<String>,
    /// The id of the operation in this document, or the name of a command.
    #[schema(example = "put_officer")]
    operation: String,
    outcome: AuditOutcome,
    /// The HTTP status; null for a command.
    #[schema(required, minimum = 100, maximum = 599, example = 200)]
    status: Option<u16>,
    /// What was asked for or changed.
    #[schema(required)]
    resource: Option<ResourceView>,
    /// The agency that it is about, where that is known.
    #[schema(required)]
    agency: Option<Uuid>,
    /// The members that were given or changed, dotted; never what they say.
    #[schema(example = json!(["badge_number"]))]
    fields: Vec<String>,
    /// Counts and names of filters: what else there is to say.
    #[schema(required, value_type = Option<Object>)]
    detail: Option<Value>,
    /// Of a change to many, which of them, by what became of them. Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    touched: Option<Vec<TouchedView>>,
    /// As in `X-Request-Id`.
    #[schema(required)]
    request_id: Option<Uuid>,
    /// The network address that it came from.
    #[schema(required, example = "192.0.2.7")]
    address: Option<String>,
}

/// A resource by its kind and key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditResource)]
struct ResourceView {
    #[schema(example = "officer")]
    kind: String,
    /// Its id, or the natural key by which it was asked for; null for a list.
    #[schema(required, example = "0199c1f0-0000-7000-8000-000000000000")]
    id: Option<String>,
}

/// Which of many fared so.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditTouched)]
struct TouchedView {
    #[schema(example = "created")]
    outcome: String,
    ids: Vec<Uuid>,
}

/// Filters of the log.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Only of this client.
    #[deserr(default)]
    #[param(inline)]
    client: Option<Ref>,
    /// Only of the operation with this id.
    #[deserr(default)]
    #[param(inline)]
    operation: Option<Text<100>>,
    /// Only what asked for, or touched, the resource with this id or natural key, in a batch or roster too.
    #[deserr(default)]
    #[param(inline)]
    resource: Option<Text<100>>,
    /// Only what became this.
    #[deserr(default)]
    #[param(inline)]
    outcome: Option<AuditOutcome>,
    /// Only what was answered with this HTTP status.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 100, maximum = 599)]
    status: Option<Status>,
    /// Only at this instant or later.
    #[deserr(default)]
    #[param(inline)]
    from: Option<Moment>,
    /// Only before this instant.
    #[deserr(default)]
    #[param(inline)]
    until: Option<Moment>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl AuditView {
    fn brief(sealed: Sealed) -> Self {
        let Sealed { lane, sequence, entry, .. } = sealed;
        Self {
            id: entry.id,
            lane,
            sequence,
            at: entry.at,
            client: entry.client,
            subject: entry.subject,
            operation: entry.operation,
            outcome: entry.outcome,
            status: Some(entry.status).filter(|status| *status > 0),
            resource: entry.resource.map(|kind| ResourceView { kind, id: entry.resource_id }),
            agency: entry.agency,
            fields: entry.fields.map(|fields| fields.split(',').map(str::to_owned).collect()).unwrap_or_default(),
            detail: entry.detail.and_then(|detail| serde_json::from_str(&detail).ok()),
            touched: None,
            request_id: entry.request,
            address: entry.address,
        }
    }

    fn full(sealed: Sealed) -> Self {
        let touched = sealed.entry.ids.as_deref().map(touched);
        Self { touched, ..Self::brief(sealed) }
    }
}

fn touched(ids: &str) -> Vec<TouchedView> {
    let groups = ids.split(';').filter_map(|group| group.split_once(':'));
    groups
        .map(|(outcome, ids)| TouchedView { outcome: outcome.to_owned(), ids: ids.split(',').filter_map(|id| Uuid::try_parse(id).ok()).collect() })
        .collect()
}

/// List entries of the audit log
///
/// Who did what, who was refused, and who read people's data, in the order in which it was written. For a grant for all agencies.
#[utoipa::path(tag = "operations", params(AuditQuery), security(("bearer" = ["audit:read"])),
    responses((status = 200, description = "A page of entries.", body = Page<AuditView>)))]
#[get("/v1/audit-log")]
async fn list_audit_log(caller: Allowed<AuditRead>, request: HttpRequest, query: Query<AuditQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let filter = AuditFilter {
        client: query.client.map(|id| id.0),
        operation: query.operation.map(Text::into_string),
        resource: query.resource.map(Text::into_string),
        outcome: query.outcome,
        status: query.status.map(|status| status.0),
        from: query.from.map(|moment| moment.0),
        until: query.until.map(|moment| moment.0),
    };
    super::tell_due(caller.registry()).await;
    let found = caller.read(move |tx| service::list(tx, &filter, asked)).await?;
    page::respond(&request, found, asked.limit, AuditView::brief)
}

/// Get an entry of the audit log
///
/// With the ids of all that it touched. For a grant for all agencies.
#[utoipa::path(tag = "operations", params(("id" = Ref, Path, description = "The entry.")), security(("bearer" = ["audit:read"])),
    responses((status = 200, description = "The entry.", body = AuditView)))]
#[get("/v1/audit-log/{id}")]
async fn get_audit_entry(caller: Allowed<AuditRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let found = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &AuditView::full(found))
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_audit_log).service(get_audit_entry);
}
