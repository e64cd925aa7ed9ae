//! `/v1/completions`

mod batch;
mod dto;
pub(super) mod outcome;
pub(super) mod stream;
mod together;

pub(super) use batch::{read, whole};

use actix_web::{HttpRequest, get, post};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

pub use self::together::Together;

use self::dto::{CompletionInput, CompletionView, RevisionView};
use super::auth::{Allowed, CompletionsRead, CompletionsWrite};
use super::decode::{ById, Faults, Ref};
use super::extract::{Body, IdPath, IdempotencyKey, NoBody, Preconditions, Query};
use super::once::{once, once_matching};
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer};
use crate::domain::completion::CompletionDraft;
use crate::domain::placement::{CompletionStatus, ParkedReason};
use crate::domain::text::{Code, Note};
use crate::service::completions as service;
use crate::service::intake::{self, Pushed, Ready};
use crate::service::{Fault, ServiceError};
use crate::storage::completions::CompletionFilter;
use crate::telemetry::RECORDS;

/// Filters of the list of completions.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CompletionQuery {
    /// Only those that stand so.
    #[deserr(default)]
    #[param(inline)]
    status: Option<CompletionStatus>,
    /// Only those parked for this.
    #[deserr(default)]
    #[param(inline)]
    reason: Option<ParkedReason>,
    /// Only the record that its sender calls so.
    #[deserr(default)]
    #[param(inline)]
    external_id: Option<Code>,
    /// Only this officer's.
    #[deserr(default)]
    #[param(inline)]
    officer: Option<Ref>,
    /// Only of this training.
    #[deserr(default)]
    #[param(inline)]
    training: Option<Ref>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Why a completion is taken back.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct RevocationInput {
    /// Why.
    reason: Note,
}

/// Where staff place a completion; what is not given stays as it is.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct PlacementInput {
    /// Whose it is.
    #[deserr(default)]
    officer: Option<ById>,
    /// Of which training it is.
    #[deserr(default)]
    training: Option<ById>,
}

crate::http::rules::unruled!(RevocationInput, PlacementInput);

/// Push one completion
///
/// The record is known by the client and its `external_id`: the same content again is 200 and changes nothing, other content is 200 and
/// keeps the former revision. A record whose officer or course is not known yet is 202: it is parked, and placed by itself when the
/// roster, training or mapping arrives. `X-Outcome` tells `created`, `updated`, `unchanged` or `parked`.
#[utoipa::path(tag = "completions", request_body = CompletionInput, security(("bearer" = ["completions:write"])),
    responses((status = 201, description = "The completion is created and placed.", body = CompletionView),
        (status = 200, description = "The completion is unchanged, or updated.", body = CompletionView),
        (status = 202, description = "The completion is kept, and parked.", body = CompletionView)))]
#[post("/v1/completions")]
async fn push_completion(caller: Allowed<CompletionsWrite>, key: IdempotencyKey, body: Body<CompletionInput>) -> ApiResult {
    let record = Ready::from(CompletionDraft::from(body.value));
    let response = if key.0.is_none() {
        ServiceError::check(Fault::all(record.draft.check(caller.registry().clock.today())))?;
        caller.registry().together.push(&caller, record).await?.respond()
    } else {
        once_matching(&caller, key, body.fingerprint, move |tx| {
            ServiceError::check(Fault::all(record.draft.check(tx.today())))?;
            let pushed = intake::push(tx, &[&record])?;
            let Some(outcome) = pushed.first() else { return Err(ServiceError::NotFound) };
            let view = CompletionView::from(&service::get(tx, outcome.id)?);
            let location = Some(format!("/v1/completions/{}", outcome.id));
            Ok(Answer { location, outcome: Some(outcome.word().to_owned()), ..Answer::of(status(outcome), &view)? })
        })
        .await?
    };
    if let Some(outcome) = response.headers().get("x-outcome").and_then(|outcome| outcome.to_str().ok()) {
        metrics::counter!(RECORDS, "kind" => "completion", "outcome" => outcome.to_owned()).increment(1);
    }
    Ok(response)
}

fn status(outcome: &Pushed) -> u16 {
    match outcome.word() {
        "created" => 201,
        "parked" => 202,
        _ => 200,
    }
}

/// List completions
///
/// Those that the client pushed, and those of officers within its grants.
#[utoipa::path(tag = "completions", params(CompletionQuery), security(("bearer" = ["completions:read"])),
    responses((status = 200, description = "A page of completions.", body = Page<CompletionView>)))]
#[get("/v1/completions")]
async fn list_completions(caller: Allowed<CompletionsRead>, request: HttpRequest, query: Query<CompletionQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let filter = CompletionFilter {
        status: query.status,
        reason: query.reason,
        external_id: query.external_id.map(Code::into_string),
        officer: query.officer.map(|id| id.0),
        training: query.training.map(|id| id.0),
    };
    let found = caller.read(move |tx| service::list(tx, &filter, asked)).await?;
    page::respond(&request, found, asked.limit, |completion| CompletionView::from(&completion))
}

/// List an officer's completions
#[utoipa::path(tag = "completions", security(("bearer" = ["completions:read"])),
    params(("id" = Ref, Path, description = "The officer."),
        ("limit" = Option<u16>, Query, description = "How many items a page has.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "Where the page begins, as the page before gave it.")),
    responses((status = 200, description = "A page of completions.", body = Page<CompletionView>)))]
#[get("/v1/officers/{id}/completions")]
async fn list_officer_completions(caller: Allowed<CompletionsRead>, path: IdPath, request: HttpRequest, query: Query<page::PageQuery>) -> ApiResult {
    let asked = page::requested(&request, query.0.limit, query.0.cursor.as_ref())?;
    let found = caller.read(move |tx| service::list_of_officer(tx, path.0, asked)).await?;
    page::respond(&request, found, asked.limit, |completion| CompletionView::from(&completion))
}

/// Get a completion
#[utoipa::path(tag = "completions", params(("id" = Ref, Path, description = "The completion.")), security(("bearer" = ["completions:read"])),
    responses((status = 200, description = "The completion.", body = CompletionView)))]
#[get("/v1/completions/{id}")]
async fn get_completion(caller: Allowed<CompletionsRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let completion = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &CompletionView::from(&completion))
}

/// Revoke a completion
///
/// It counts for nothing until it is reinstated; the record stays, with the reason.
#[utoipa::path(tag = "completions", params(("id" = Ref, Path, description = "The completion.")), request_body = RevocationInput,
    security(("bearer" = ["completions:write"])), responses((status = 200, description = "The completion as it is now.", body = CompletionView)))]
#[post("/v1/completions/{id}/revocation")]
async fn revoke_completion(caller: Allowed<CompletionsWrite>, path: IdPath, key: IdempotencyKey, body: Body<RevocationInput>) -> ApiResult {
    let reason = body.value.reason;
    once(&caller, key, body.fingerprint, move |tx| Answer::ok(&CompletionView::from(&service::revoke(tx, path.0, &reason)?))).await
}

/// Reinstate a completion
///
/// One that was revoked counts again, as it stands: where it was placed or parked.
#[utoipa::path(tag = "completions", params(("id" = Ref, Path, description = "The completion.")), security(("bearer" = ["completions:write"])),
    responses((status = 200, description = "The completion as it is now.", body = CompletionView)))]
#[post("/v1/completions/{id}/reinstatement")]
async fn reinstate_completion(caller: Allowed<CompletionsWrite>, path: IdPath, key: IdempotencyKey, body: NoBody) -> ApiResult {
    once(&caller, key, body.fingerprint, move |tx| Answer::ok(&CompletionView::from(&service::reinstate(tx, path.0)?))).await
}

/// List what a completion was
///
/// Each former revision, from the first; the present one is the completion itself.
#[utoipa::path(tag = "completions", security(("bearer" = ["completions:read"])),
    params(("id" = Ref, Path, description = "The completion."),
        ("limit" = Option<u16>, Query, description = "How many items a page has.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "Where the page begins, as the page before gave it.")),
    responses((status = 200, description = "A page of former revisions.", body = Page<RevisionView>)))]
#[get("/v1/completions/{id}/revisions")]
async fn list_completion_revisions(caller: Allowed<CompletionsRead>, path: IdPath, request: HttpRequest, query: Query<page::PageQuery>) -> ApiResult {
    let asked = page::requested(&request, query.0.limit, query.0.cursor.as_ref())?;
    let found = caller.read(move |tx| service::revisions(tx, path.0, asked)).await?;
    page::respond(&request, found, asked.limit, RevisionView::from)
}

/// Place a completion by hand
///
/// For one that is parked, or that was placed wrongly. What staff placed is not moved by matching.
#[utoipa::path(tag = "completions", params(("id" = Ref, Path, description = "The completion.")), request_body = PlacementInput,
    security(("bearer" = ["completions:write"])), responses((status = 200, description = "The completion as it is now.", body = CompletionView)))]
#[post("/v1/completions/{id}/placement")]
async fn place_completion(caller: Allowed<CompletionsWrite>, path: IdPath, key: IdempotencyKey, body: Body<PlacementInput>) -> ApiResult {
    let (officer, training) = (body.value.officer.map(|by| by.id.0), body.value.training.map(|by| by.id.0));
    once(&caller, key, body.fingerprint, move |tx| Answer::ok(&CompletionView::from(&service::place(tx, path.0, officer, training)?))).await
}

/// Every operation of this folder.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(batch::push_completions).service(push_completion).service(list_completions).service(list_officer_completions);
    config.service(get_completion).service(revoke_completion).service(reinstate_completion).service(place_completion);
    config.service(list_completion_revisions);
}
