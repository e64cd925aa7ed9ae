//! `/v1/partnerships`

use actix_web::{HttpRequest, delete, get, patch, post, put};
use deserr::Deserr;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, PartnershipsRead, PartnershipsWrite};
use super::decode::{Day, Faults, Ref};
use super::evidence::{DocumentInput, EvidenceQuery};
use super::extract::{Body, IdPath, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::agency::AgencyKey;
use crate::domain::evidence::{Agreement, Organization, OrganizationKind, PartnershipDraft};
use crate::domain::text::Name;
use crate::service::ServiceResult;
use crate::service::partnerships as service;
use crate::storage::partnerships::Partnership;

/// A partnership as it is recorded: evidence for the first requirement on the days from `effective_on` to before `ends_on`.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct PartnershipInput {
    /// Whose it is; it can't be changed.
    agency: AgencyKey,
    organization: OrganizationInput,
    agreement: Agreement,
    /// The first day on which it is in force.
    effective_on: Day,
    /// The first day on which it is in force no longer; null while that isn't known.
    #[deserr(default)]
    ends_on: Option<Day>,
    /// The paper; null where there is none.
    #[deserr(default)]
    document: Option<DocumentInput>,
}

/// The organization that an agency works with.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = Organization)]
pub struct OrganizationInput {
    /// Its name.
    name: Name,
    kind: OrganizationKind,
}

/// A partnership as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Partnership)]
pub struct PartnershipView {
    id: Uuid,
    agency: AgencyBriefView,
    organization: OrganizationInput,
    agreement: Agreement,
    effective_on: Day,
    ends_on: Option<Day>,
    document: Option<DocumentInput>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

super::rules::ruled!(PartnershipInput => PartnershipDraft);

impl From<PartnershipInput> for PartnershipDraft {
    fn from(input: PartnershipInput) -> Self {
        Self {
            agency: input.agency,
            organization: Organization { name: input.organization.name, kind: input.organization.kind },
            agreement: input.agreement,
            effective_on: input.effective_on.0,
            ends_on: input.ends_on.map(|day| day.0),
            document: input.document.map(Into::into),
        }
    }
}

impl From<&PartnershipDraft> for PartnershipInput {
    fn from(draft: &PartnershipDraft) -> Self {
        Self {
            agency: draft.agency.clone(),
            organization: OrganizationInput { name: draft.organization.name.clone(), kind: draft.organization.kind },
            agreement: draft.agreement,
            effective_on: Day(draft.effective_on),
            ends_on: draft.ends_on.map(Day),
            document: draft.document.as_ref().map(Into::into),
        }
    }
}

impl From<&Partnership> for PartnershipView {
    fn from(partnership: &Partnership) -> Self {
        let input = PartnershipInput::from(&partnership.draft);
        Self {
            id: partnership.id,
            agency: AgencyBriefView::from(&partnership.agency),
            organization: input.organization,
            agreement: input.agreement,
            effective_on: input.effective_on,
            ends_on: input.ends_on,
            document: input.document,
            created_at: partnership.created_at,
            updated_at: partnership.updated_at,
        }
    }
}

fn guard(preconditions: &Preconditions, current: &Partnership) -> ServiceResult<()> {
    preconditions.check(Some(&etag_of(&PartnershipView::from(current))?))
}

/// List partnerships
///
/// Those of the agencies within the caller's grants, in the order in which they were recorded.
#[utoipa::path(tag = "evidence", params(EvidenceQuery), security(("bearer" = ["partnerships:read"])),
    responses((status = 200, description = "A page of partnerships.", body = Page<PartnershipView>)))]
#[get("/v1/partnerships")]
async fn list_partnerships(caller: Allowed<PartnershipsRead>, request: HttpRequest, query: Query<EvidenceQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let found = caller.read(move |tx| service::list(tx, query.agency.as_ref(), query.in_force_on.map(|day| day.0), asked)).await?;
    page::respond(&request, found, asked.limit, |partnership| PartnershipView::from(&partnership))
}

/// Record a partnership
#[utoipa::path(tag = "evidence", request_body = PartnershipInput, security(("bearer" = ["partnerships:write"])),
    responses((status = 201, description = "The partnership is recorded.", body = PartnershipView)))]
#[post("/v1/partnerships")]
async fn create_partnership(caller: Allowed<PartnershipsWrite>, key: IdempotencyKey, body: Body<PartnershipInput>) -> ApiResult {
    let draft = PartnershipDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let partnership = service::create(tx, &draft)?;
        Answer::created(format!("/v1/partnerships/{}", partnership.id), &PartnershipView::from(&partnership))
    })
    .await
}

/// Get a partnership
#[utoipa::path(tag = "evidence", params(("id" = Ref, Path)), security(("bearer" = ["partnerships:read"])),
    responses((status = 200, description = "The partnership.", body = PartnershipView)))]
#[get("/v1/partnerships/{id}")]
async fn get_partnership(caller: Allowed<PartnershipsRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let partnership = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &PartnershipView::from(&partnership))
}

/// Replace a partnership
#[utoipa::path(tag = "evidence", params(("id" = Ref, Path)), request_body = PartnershipInput, security(("bearer" = ["partnerships:write"])),
    responses((status = 200, description = "The partnership is as sent.", body = PartnershipView)))]
#[put("/v1/partnerships/{id}")]
async fn put_partnership(caller: Allowed<PartnershipsWrite>, path: IdPath, preconditions: Preconditions, body: Body<PartnershipInput>) -> ApiResult {
    let draft = PartnershipDraft::from(body.value);
    let partnership = caller.write(move |tx| service::change(tx, path.0, |current| guard(&preconditions, current).map(|()| draft.clone()))).await?;
    respond::changed(&PartnershipView::from(&partnership))
}

/// Change a partnership
///
/// A partnership that ends is given its `ends_on`.
#[utoipa::path(tag = "evidence", params(("id" = Ref, Path)), security(("bearer" = ["partnerships:write"])),
    request_body(content = PartnershipInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The partnership as it is now.", body = PartnershipView)))]
#[patch("/v1/partnerships/{id}")]
async fn change_partnership(caller: Allowed<PartnershipsWrite>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let partnership = caller
        .write(move |tx| {
            service::change(tx, path.0, |current| {
                guard(&preconditions, current)?;
                patch.apply(&PartnershipInput::from(&current.draft)).map(PartnershipDraft::from)
            })
        })
        .await?;
    respond::changed(&PartnershipView::from(&partnership))
}

/// Delete a partnership
///
/// For what was recorded in error: it leaves no trace in any status. A partnership that ends is given its `ends_on` instead.
#[utoipa::path(tag = "evidence", params(("id" = Ref, Path)), security(("bearer" = ["partnerships:write"])),
    responses((status = 204, description = "The partnership is deleted.")))]
#[delete("/v1/partnerships/{id}")]
async fn delete_partnership(caller: Allowed<PartnershipsWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    caller.write(move |tx| service::delete(tx, path.0, |current| guard(&preconditions, current))).await?;
    respond::no_content()
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config
        .service(list_partnerships)
        .service(create_partnership)
        .service(get_partnership)
        .service(put_partnership)
        .service(change_partnership)
        .service(delete_partnership);
}
