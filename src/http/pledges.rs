//! `/v1/pledges`

use actix_web::{HttpRequest, delete, get, patch, post, put};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, PledgesRead, PledgesWrite};
use super::decode::{Day, Faults, Ref};
use super::extract::{Body, IdPath, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::agency::AgencyKey;
use crate::domain::pledge::{PledgeDraft, Signatory, TermMonths, due_on};
use crate::domain::text::{Code, Name, Note};
use crate::service::ServiceResult;
use crate::service::pledges::{self as service, PledgeQuestion};
use crate::storage::pledges::{HeldPledge, Withdrawal};

/// A pledge as it is made: an agency's commitment to a standard.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct PledgeInput {
    /// Who pledges; it can't be changed.
    agency: AgencyKey,
    /// The code of the standard.
    #[schema(example = "one-mind")]
    standard: Code,
    /// The day of the pledge, which may be to come.
    pledged_on: Day,
    term_months: TermMonths,
    signatory: SignatoryInput,
}

/// Who signed a pledge.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = Signatory)]
pub struct SignatoryInput {
    /// Name.
    #[schema(example = "Maria Rivera")]
    name: Name,
    /// Office.
    #[schema(example = "Chief of Police")]
    title: Name,
}

/// How a pledge is withdrawn.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = PledgeWithdrawal)]
pub struct WithdrawalInput {
    /// The first day on which the pledge holds no longer; not before the day of the pledge.
    withdrawn_on: Day,
    /// Why.
    reason: Note,
}

/// A pledge as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pledge)]
pub struct PledgeView {
    id: Uuid,
    agency: AgencyBriefView,
    /// The code of the standard.
    #[schema(example = "one-mind")]
    standard: Code,
    pledged_on: Day,
    term_months: TermMonths,
    signatory: SignatoryInput,
    /// The last day of the term.
    due_on: Day,
    /// The first day on which the pledge holds no longer, where it was withdrawn.
    withdrawn_on: Option<Day>,
    /// Why it was withdrawn.
    withdrawal_reason: Option<Note>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// Filters of the list of pledges.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PledgeQuery {
    /// Only of this agency.
    #[deserr(default)]
    #[param(inline)]
    agency: Option<AgencyKey>,
    /// Only to the standard of this code.
    #[deserr(default)]
    #[param(inline)]
    standard: Option<Code>,
    /// Only those in whose term this day is, and that are not withdrawn by then.
    #[deserr(default)]
    #[param(inline)]
    running_on: Option<Day>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::unruled!(PledgeInput, WithdrawalInput);

impl From<PledgeInput> for PledgeDraft {
    fn from(input: PledgeInput) -> Self {
        Self {
            agency: input.agency,
            standard: input.standard,
            pledged_on: input.pledged_on.0,
            term_months: input.term_months,
            signatory: Signatory { name: input.signatory.name, title: input.signatory.title },
        }
    }
}

impl From<&PledgeDraft> for PledgeInput {
    fn from(draft: &PledgeDraft) -> Self {
        Self {
            agency: draft.agency.clone(),
            standard: draft.standard.clone(),
            pledged_on: Day(draft.pledged_on),
            term_months: draft.term_months,
            signatory: SignatoryInput { name: draft.signatory.name.clone(), title: draft.signatory.title.clone() },
        }
    }
}

impl From<&HeldPledge> for PledgeView {
    fn from(pledge: &HeldPledge) -> Self {
        let input = PledgeInput::from(&pledge.draft);
        Self {
            id: pledge.id,
            agency: AgencyBriefView::from(&pledge.agency),
            standard: input.standard,
            pledged_on: input.pledged_on,
            term_months: input.term_months,
            signatory: input.signatory,
            due_on: Day(due_on(pledge.draft.pledged_on, pledge.draft.term_months)),
            withdrawn_on: pledge.withdrawal.as_ref().map(|withdrawal| Day(withdrawal.withdrawn_on)),
            withdrawal_reason: pledge.withdrawal.as_ref().map(|withdrawal| withdrawal.reason.clone()),
            created_at: pledge.created_at,
            updated_at: pledge.updated_at,
        }
    }
}

fn guard(preconditions: &Preconditions, current: &HeldPledge) -> ServiceResult<()> {
    preconditions.check(Some(&etag_of(&PledgeView::from(current))?))
}

/// List pledges
///
/// Those of the agencies within the caller's grants, in the order in which they were recorded.
#[utoipa::path(tag = "pledges", params(PledgeQuery), security(("bearer" = ["pledges:read"])),
    responses((status = 200, description = "A page of pledges.", body = Page<PledgeView>)))]
#[get("/v1/pledges")]
async fn list_pledges(caller: Allowed<PledgesRead>, request: HttpRequest, query: Query<PledgeQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let question = PledgeQuestion { agency: query.agency, standard: query.standard, running_on: query.running_on.map(|day| day.0) };
    let found = caller.read(move |tx| service::list(tx, &question, asked)).await?;
    page::respond(&request, found, asked.limit, |pledge| PledgeView::from(&pledge))
}

/// Make a pledge
///
/// An agency has one pledge running at a time: while another runs on a day of the new one's term, the answer is 409
/// `pledge_running`.
#[utoipa::path(tag = "pledges", request_body = PledgeInput, security(("bearer" = ["pledges:write"])),
    responses((status = 201, description = "The pledge is made.", body = PledgeView)))]
#[post("/v1/pledges")]
async fn create_pledge(caller: Allowed<PledgesWrite>, key: IdempotencyKey, body: Body<PledgeInput>) -> ApiResult {
    let draft = PledgeDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let pledge = service::create(tx, &draft)?;
        Answer::created(format!("/v1/pledges/{}", pledge.id), &PledgeView::from(&pledge))
    })
    .await
}

/// Get a pledge
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), security(("bearer" = ["pledges:read"])),
    responses((status = 200, description = "The pledge.", body = PledgeView)))]
#[get("/v1/pledges/{id}")]
async fn get_pledge(caller: Allowed<PledgesRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let pledge = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &PledgeView::from(&pledge))
}

/// Replace a pledge
///
/// Whether it was withdrawn stays as it is.
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), request_body = PledgeInput, security(("bearer" = ["pledges:write"])),
    responses((status = 200, description = "The pledge is as sent.", body = PledgeView)))]
#[put("/v1/pledges/{id}")]
async fn put_pledge(caller: Allowed<PledgesWrite>, path: IdPath, preconditions: Preconditions, body: Body<PledgeInput>) -> ApiResult {
    let draft = PledgeDraft::from(body.value);
    let pledge = caller.write(move |tx| service::change(tx, path.0, |current| guard(&preconditions, current).map(|()| draft.clone()))).await?;
    respond::changed(&PledgeView::from(&pledge))
}

/// Change a pledge
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), security(("bearer" = ["pledges:write"])),
    request_body(content = PledgeInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The pledge as it is now.", body = PledgeView)))]
#[patch("/v1/pledges/{id}")]
async fn change_pledge(caller: Allowed<PledgesWrite>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let pledge = caller
        .write(move |tx| {
            service::change(tx, path.0, |current| {
                guard(&preconditions, current)?;
                patch.apply(&PledgeInput::from(&current.draft)).map(PledgeDraft::from)
            })
        })
        .await?;
    respond::changed(&PledgeView::from(&pledge))
}

/// Withdraw a pledge
///
/// Once: a pledge that is withdrawn already answers 409 `already_withdrawn`.
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), request_body = WithdrawalInput, security(("bearer" = ["pledges:write"])),
    responses((status = 200, description = "The pledge is withdrawn.", body = PledgeView)))]
#[post("/v1/pledges/{id}/withdrawal")]
async fn withdraw_pledge(caller: Allowed<PledgesWrite>, path: IdPath, key: IdempotencyKey, body: Body<WithdrawalInput>) -> ApiResult {
    let withdrawal = Withdrawal { withdrawn_on: body.value.withdrawn_on.0, reason: body.value.reason };
    once(&caller, key, body.fingerprint, move |tx| Answer::ok(&PledgeView::from(&service::withdraw(tx, path.0, &withdrawal)?))).await
}

/// Delete a pledge
///
/// For what was recorded in error: it leaves no trace in any status. A pledge that an agency gives up is withdrawn instead.
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), security(("bearer" = ["pledges:write"])),
    responses((status = 204, description = "The pledge is deleted.")))]
#[delete("/v1/pledges/{id}")]
async fn delete_pledge(caller: Allowed<PledgesWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    caller.write(move |tx| service::delete(tx, path.0, |current| guard(&preconditions, current))).await?;
    respond::no_content()
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config
        .service(list_pledges)
        .service(create_pledge)
        .service(get_pledge)
        .service(put_pledge)
        .service(change_pledge)
        .service(withdraw_pledge)
        .service(delete_pledge);
}
