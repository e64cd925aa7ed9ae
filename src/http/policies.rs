//! `/v1/policies`

use actix_web::{HttpRequest, delete, get, patch, post, put};
use deserr::Deserr;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, PoliciesRead, PoliciesWrite};
use super::decode::{Day, Faults, Ref};
use super::evidence::{DocumentInput, EvidenceQuery};
use super::extract::{Body, IdPath, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::agency::AgencyKey;
use crate::domain::evidence::PolicyDraft;
use crate::domain::text::Name;
use crate::service::ServiceResult;
use crate::service::policies as service;
use crate::storage::policies::Policy;

/// A policy as it is recorded: evidence for the second requirement on the days from `adopted_on` to before `ends_on`.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct PolicyInput {
    /// Whose it is; it can't be changed.
    agency: AgencyKey,
    /// Its title.
    title: Name,
    /// The first day on which it is in force.
    adopted_on: Day,
    /// The first day on which it is in force no longer; null while that isn't known.
    #[deserr(default)]
    ends_on: Option<Day>,
    /// Its text; null where there is none.
    #[deserr(default)]
    document: Option<DocumentInput>,
}

/// A policy as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Policy)]
pub struct PolicyView {
    id: Uuid,
    agency: AgencyBriefView,
    title: Name,
    adopted_on: Day,
    ends_on: Option<Day>,
    document: Option<DocumentInput>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

super::rules::ruled!(PolicyInput => PolicyDraft);

impl From<PolicyInput> for PolicyDraft {
    fn from(input: PolicyInput) -> Self {
        Self {
            agency: input.agency,
            title: input.title,
            adopted_on: input.adopted_on.0,
            ends_on: input.ends_on.map(|day| day.0),
            document: input.document.map(Into::into),
        }
    }
}

impl From<&PolicyDraft> for PolicyInput {
    fn from(draft: &PolicyDraft) -> Self {
        Self {
            agency: draft.agency.clone(),
            title: draft.title.clone(),
            adopted_on: Day(draft.adopted_on),
            ends_on: draft.ends_on.map(Day),
            document: draft.document.as_ref().map(Into::into),
        }
    }
}

impl From<&Policy> for PolicyView {
    fn from(policy: &Policy) -> Self {
        let input = PolicyInput::from(&policy.draft);
        Self {
            id: policy.id,
            agency: AgencyBriefView::from(&policy.agency),
            title: input.title,
            adopted_on: input.adopted_on,
            ends_on: input.ends_on,
            document: input.document,
            created_at: policy.created_at,
            updated_at: policy.updated_at,
        }
    }
}

fn guard(preconditions: &Preconditions, current: &Policy) -> ServiceResult<()> {
    preconditions.check(Some(&etag_of(&PolicyView::from(current))?))
}

/// List policies
///
/// Those of the agencies within the caller's grants, in the order in which they were recorded.
#[utoipa::path(tag = "evidence", params(EvidenceQuery), security(("bearer" = ["policies:read"])),
    responses((status = 200, description = "A page of policies.", body = Page<PolicyView>)))]
#[get("/v1/policies")]
async fn list_policies(caller: Allowed<PoliciesRead>, request: HttpRequest, query: Query<EvidenceQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let found = caller.read(move |tx| service::list(tx, query.agency.as_ref(), query.in_force_on.map(|day| day.0), asked)).await?;
    page::respond(&request, found, asked.limit, |policy| PolicyView::from(&policy))
}

/// Record a policy
#[utoipa::path(tag = "evidence", request_body = PolicyInput, security(("bearer" = ["policies:write"])),
    responses((status = 201, description = "The policy is recorded.", body = PolicyView)))]
#[post("/v1/policies")]
async fn create_policy(caller: Allowed<PoliciesWrite>, key: IdempotencyKey, body: Body<PolicyInput>) -> ApiResult {
    let draft = PolicyDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let policy = service::create(tx, &draft)?;
        Answer::created(format!("/v1/policies/{}", policy.id), &PolicyView::from(&policy))
    })
    .await
}

/// Get a policy
#[utoipa::path(tag = "evidence", params(("id" = Ref, Path)), security(("bearer" = ["policies:read"])),
    responses((status = 200, description = "The policy.", body = PolicyView)))]
#[get("/v1/policies/{id}")]
async fn get_policy(caller: Allowed<PoliciesRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let policy = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &PolicyView::from(&policy))
}

/// Replace a policy
#[utoipa::path(tag = "evidence", params(("id" = Ref, Path)), request_body = PolicyInput, security(("bearer" = ["policies:write"])),
    responses((status = 200, description = "The policy is as sent.", body = PolicyView)))]
#[put("/v1/policies/{id}")]
async fn put_policy(caller: Allowed<PoliciesWrite>, path: IdPath, preconditions: Preconditions, body: Body<PolicyInput>) -> ApiResult {
    let draft = PolicyDraft::from(body.value);
    let policy = caller.write(move |tx| service::change(tx, path.0, |current| guard(&preconditions, current).map(|()| draft.clone()))).await?;
    respond::changed(&PolicyView::from(&policy))
}

/// Change a policy
///
/// A policy that ends is given its `ends_on`.
#[utoipa::path(tag = "evidence", params(("id" = Ref, Path)), security(("bearer" = ["policies:write"])),
    request_body(content = PolicyInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The policy as it is now.", body = PolicyView)))]
#[patch("/v1/policies/{id}")]
async fn change_policy(caller: Allowed<PoliciesWrite>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let policy = caller
        .write(move |tx| {
            service::change(tx, path.0, |current| {
                guard(&preconditions, current)?;
                patch.apply(&PolicyInput::from(&current.draft)).map(PolicyDraft::from)
            })
        })
        .await?;
    respond::changed(&PolicyView::from(&policy))
}

/// Delete a policy
///
/// For what was recorded in error: it leaves no trace in any status. A policy that ends is given its `ends_on` instead.
#[utoipa::path(tag = "evidence", params(("id" = Ref, Path)), security(("bearer" = ["policies:write"])),
    responses((status = 204, description = "The policy is deleted.")))]
#[delete("/v1/policies/{id}")]
async fn delete_policy(caller: Allowed<PoliciesWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    caller.write(move |tx| service::delete(tx, path.0, |current| guard(&preconditions, current))).await?;
    respond::no_content()
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_policies).service(create_policy).service(get_policy).service(put_policy).service(change_policy).service(delete_policy);
}
