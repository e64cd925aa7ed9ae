//! `/v1/standards`

use actix_web::{HttpRequest, delete, get, patch, post, put};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Allowed, CertificationsDecide, StatusRead};
use super::decode::Faults;
use super::extract::{Body, IdempotencyKey, MergePatch, Preconditions, Query, StandardPath};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::standard::Share;
use crate::domain::standard_draft::{StandardCode, StandardDraft, StandardKey};
use crate::domain::text::Name;
use crate::service::ServiceResult;
use crate::service::standards as service;
use crate::storage::standards::HeldStandard;

/// A standard as it is published: a version of the campaign's rules.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct StandardInput {
    code: StandardCode,
    /// Its title.
    title: Name,
    crisis_share: ShareInput,
    /// Whether crisis intervention training stands in for awareness training.
    crisis_counts_as_awareness: bool,
    /// Whether credit counts after it has lapsed.
    lapsed_credit_counts: bool,
}

/// The share of sworn officers who hold crisis intervention training: from none of them to all.
#[derive(Debug, Clone, Copy, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = Share)]
pub struct ShareInput {
    /// Above the line; at most the denominator.
    #[schema(minimum = 0, maximum = 1_000_000, example = 1)]
    numerator: u32,
    /// Below the line.
    #[schema(minimum = 1, maximum = 1_000_000, example = 5)]
    denominator: u32,
}

/// A standard as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Standard)]
pub struct StandardView {
    id: Uuid,
    code: StandardCode,
    title: Name,
    crisis_share: ShareInput,
    crisis_counts_as_awareness: bool,
    lapsed_credit_counts: bool,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// The page of standards.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StandardQuery {
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::ruled!(StandardInput => StandardDraft);

impl From<StandardInput> for StandardDraft {
    fn from(input: StandardInput) -> Self {
        Self {
            code: input.code,
            title: input.title,
            crisis_share: Share { numerator: input.crisis_share.numerator, denominator: input.crisis_share.denominator },
            crisis_counts_as_awareness: input.crisis_counts_as_awareness,
            lapsed_credit_counts: input.lapsed_credit_counts,
        }
    }
}

impl From<&StandardDraft> for StandardInput {
    fn from(draft: &StandardDraft) -> Self {
        Self {
            code: draft.code.clone(),
            title: draft.title.clone(),
            crisis_share: ShareInput { numerator: draft.crisis_share.numerator, denominator: draft.crisis_share.denominator },
            crisis_counts_as_awareness: draft.crisis_counts_as_awareness,
            lapsed_credit_counts: draft.lapsed_credit_counts,
        }
    }
}

impl From<&HeldStandard> for StandardView {
    fn from(standard: &HeldStandard) -> Self {
        let input = StandardInput::from(&standard.draft);
        Self {
            id: standard.id,
            code: input.code,
            title: input.title,
            crisis_share: input.crisis_share,
            crisis_counts_as_awareness: input.crisis_counts_as_awareness,
            lapsed_credit_counts: input.lapsed_credit_counts,
            created_at: standard.created_at,
            updated_at: standard.updated_at,
        }
    }
}

fn guard(preconditions: &Preconditions, current: &HeldStandard) -> ServiceResult<()> {
    preconditions.check(Some(&etag_of(&StandardView::from(current))?))
}

/// List standards
///
/// In the order in which they were published.
#[utoipa::path(tag = "pledges", params(StandardQuery), security(("bearer" = ["status:read"])),
    responses((status = 200, description = "A page of standards.", body = Page<StandardView>)))]
#[get("/v1/standards")]
async fn list_standards(caller: Allowed<StatusRead>, request: HttpRequest, query: Query<StandardQuery>) -> ApiResult {
    let asked = page::requested(&request, query.0.limit, query.0.cursor.as_ref())?;
    let found = caller.read(move |tx| service::list(tx, asked)).await?;
    page::respond(&request, found, asked.limit, |standard| StandardView::from(&standard))
}

/// Publish a standard
///
/// Needs a grant for all agencies.
#[utoipa::path(tag = "pledges", request_body = StandardInput, security(("bearer" = ["certifications:decide"])),
    responses((status = 201, description = "The standard is published.", body = StandardView)))]
#[post("/v1/standards")]
async fn create_standard(caller: Allowed<CertificationsDecide>, key: IdempotencyKey, body: Body<StandardInput>) -> ApiResult {
    let draft = StandardDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let standard = service::create(tx, &draft)?;
        Answer::created(format!("/v1/standards/{}", standard.id), &StandardView::from(&standard))
    })
    .await
}

/// Get a standard
#[utoipa::path(tag = "pledges", params(("standard" = StandardKey, Path)), security(("bearer" = ["status:read"])),
    responses((status = 200, description = "The standard.", body = StandardView)))]
#[get("/v1/standards/{standard}")]
async fn get_standard(caller: Allowed<StatusRead>, path: StandardPath, preconditions: Preconditions) -> ApiResult {
    let standard = caller.read(move |tx| service::get(tx, &path.0)).await?;
    respond::resource(&preconditions, &StandardView::from(&standard))
}

/// Replace a standard
///
/// Needs a grant for all agencies. The title can be replaced at any time; the rest only while no pledge is to the standard, and
/// not where it ships with the registry.
#[utoipa::path(tag = "pledges", params(("standard" = StandardKey, Path)), request_body = StandardInput, security(("bearer" = ["certifications:decide"])),
    responses((status = 200, description = "The standard is as sent.", body = StandardView)))]
#[put("/v1/standards/{standard}")]
async fn put_standard(
    caller: Allowed<CertificationsDecide>,
    path: StandardPath,
    preconditions: Preconditions,
    body: Body<StandardInput>,
) -> ApiResult {
    let draft = StandardDraft::from(body.value);
    let standard = caller.write(move |tx| service::change(tx, &path.0, |current| guard(&preconditions, current).map(|()| draft.clone()))).await?;
    respond::changed(&StandardView::from(&standard))
}

/// Change a standard
///
/// Needs a grant for all agencies. The title can be changed at any time; the rest only while no pledge is to the standard, and
/// not where it ships with the registry.
#[utoipa::path(tag = "pledges", params(("standard" = StandardKey, Path)), security(("bearer" = ["certifications:decide"])),
    request_body(content = StandardInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The standard as it is now.", body = StandardView)))]
#[patch("/v1/standards/{standard}")]
async fn change_standard(caller: Allowed<CertificationsDecide>, path: StandardPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let standard = caller
        .write(move |tx| {
            service::change(tx, &path.0, |current| {
                guard(&preconditions, current)?;
                patch.apply(&StandardInput::from(&current.draft)).map(StandardDraft::from)
            })
        })
        .await?;
    respond::changed(&StandardView::from(&standard))
}

/// Delete a standard
///
/// Needs a grant for all agencies, and that no pledge is to the standard and it doesn't ship with the registry.
#[utoipa::path(tag = "pledges", params(("standard" = StandardKey, Path)), security(("bearer" = ["certifications:decide"])),
    responses((status = 204, description = "The standard is deleted.")))]
#[delete("/v1/standards/{standard}")]
async fn delete_standard(caller: Allowed<CertificationsDecide>, path: StandardPath, preconditions: Preconditions) -> ApiResult {
    caller.write(move |tx| service::delete(tx, &path.0, |current| guard(&preconditions, current))).await?;
    respond::no_content()
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config
        .service(list_standards)
        .service(create_standard)
        .service(get_standard)
        .service(put_standard)
        .service(change_standard)
        .service(delete_standard);
}
