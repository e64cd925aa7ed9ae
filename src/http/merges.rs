//! `/v1/officer-merges`

use actix_web::{HttpRequest, get, post};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Allowed, OfficersWrite};
use super::decode::{ById, Faults, Ref};
use super::extract::{Body, IdPath, IdempotencyKey, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer};
use crate::domain::text::Note;
use crate::service::merges as service;
use crate::storage::merges::Merge;

/// Two officers who are one person.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct OfficerMergeInput {
    /// Who stands for both from now on.
    kept: ById,
    /// Who goes into the other.
    merged: ById,
    /// Why.
    reason: Note,
}

/// Why a merge is undone.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct OfficerMergeReversalInput {
    /// Why.
    reason: Note,
}

super::rules::unruled!(OfficerMergeInput, OfficerMergeReversalInput);

/// Two officers who turned out to be one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfficerMerge)]
struct MergeView {
    id: Uuid,
    /// Who stands for both.
    kept_id: Uuid,
    /// Who went into the other; the id answers as the one who was kept.
    merged_id: Uuid,
    /// The join that was confirmed by it.
    join_id: Option<Uuid>,
    reason: String,
    /// How many appointments went along.
    appointments: usize,
    /// How many completions went along.
    completions: usize,
    merged_at: jiff::Timestamp,
    /// When it was undone.
    undone_at: Option<jiff::Timestamp>,
    /// Why it was undone.
    undone_reason: Option<String>,
}

/// Filters of the list of merges.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MergeQuery {
    /// Only those that this officer had a part in.
    #[deserr(default)]
    #[param(inline)]
    officer: Option<Ref>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl From<&Merge> for MergeView {
    fn from(merge: &Merge) -> Self {
        Self {
            id: merge.id,
            kept_id: merge.kept,
            merged_id: merge.merged,
            join_id: merge.join,
            reason: merge.reason.clone(),
            appointments: merge.moved.appointments.len(),
            completions: merge.moved.completions.len(),
            merged_at: merge.merged_at,
            undone_at: merge.undone_at,
            undone_reason: merge.undone_reason.clone(),
        }
    }
}

/// Merge two officers who are one person
///
/// For IACP staff: needs a grant for all agencies. Appointments, completions and identifiers go to the one who is kept, who also answers to the
/// id of the other. Where each has an appointment at an agency on the same day, both stand, and the person counts once. It can be undone.
#[utoipa::path(tag = "officers", request_body = OfficerMergeInput, security(("bearer" = ["officers:write"])),
    responses((status = 201, description = "The officers are merged.", body = MergeView)))]
#[post("/v1/officer-merges")]
async fn merge_officers(caller: Allowed<OfficersWrite>, key: IdempotencyKey, body: Body<OfficerMergeInput>) -> ApiResult {
    let input = body.value;
    once(&caller, key, body.fingerprint, move |tx| {
        let merge = service::merge(tx, input.kept.id.0, input.merged.id.0, &input.reason)?;
        Answer::created(format!("/v1/officer-merges/{}", merge.id), &MergeView::from(&merge))
    })
    .await
}

/// List merges of officers
///
/// For IACP staff: needs a grant for all agencies.
#[utoipa::path(tag = "officers", params(MergeQuery), security(("bearer" = ["officers:write"])),
    responses((status = 200, description = "A page of merges.", body = Page<MergeView>)))]
#[get("/v1/officer-merges")]
async fn list_officer_merges(caller: Allowed<OfficersWrite>, request: HttpRequest, query: Query<MergeQuery>) -> ApiResult {
    let asked = page::requested(&request, query.0.limit, query.0.cursor.as_ref())?;
    let officer = query.0.officer.map(|id| id.0);
    let found = caller.read(move |tx| service::list(tx, officer, asked)).await?;
    page::respond(&request, found, asked.limit, |merge| MergeView::from(&merge))
}

/// Get a merge of officers
///
/// For IACP staff: needs a grant for all agencies.
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The merge.")), security(("bearer" = ["officers:write"])),
    responses((status = 200, description = "The merge.", body = MergeView)))]
#[get("/v1/officer-merges/{id}")]
async fn get_officer_merge(caller: Allowed<OfficersWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let merge = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &MergeView::from(&merge))
}

/// Undo a merge of officers
///
/// For IACP staff: needs a grant for all agencies. What went from the one to the other goes back, as far as it is still there; what came after
/// the merge stays with the officer who was kept. Where the merge confirmed a join, the two are no longer taken for one person.
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The merge.")), request_body = OfficerMergeReversalInput,
    security(("bearer" = ["officers:write"])), responses((status = 200, description = "The merge is undone.", body = MergeView)))]
#[post("/v1/officer-merges/{id}/reversal")]
async fn undo_officer_merge(caller: Allowed<OfficersWrite>, path: IdPath, key: IdempotencyKey, body: Body<OfficerMergeReversalInput>) -> ApiResult {
    let reason = body.value.reason;
    once(&caller, key, body.fingerprint, move |tx| Answer::ok(&MergeView::from(&service::undo(tx, path.0, &reason)?))).await
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(merge_officers).service(list_officer_merges).service(get_officer_merge).service(undo_officer_merge);
}
