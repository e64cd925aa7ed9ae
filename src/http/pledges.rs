//! `/v1/pledges`

use actix_web::{HttpRequest, delete, get, patch, post, put};
use deserr::Deserr;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, CertificationsDecide, PledgesRead, PledgesWrite};
use super::decode::{Day, Faults, Ref, parsed};
use super::extract::{Body, IdPath, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::agency::AgencyKey;
use crate::domain::pledge::{PledgeDraft, PledgeState, Signatory, TermMonths};
use crate::domain::text::{Code, Name, Note};
use crate::service::ServiceResult;
use crate::service::pledges::{self as service, PledgeQuestion};
use crate::storage::pledges::{Extension, HeldPledge, Withdrawal};

parsed!(PledgeState);

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
    /// Whether the public register lists the pledge before the agency is certified on it. A certified agency is listed whatever this says.
    #[deserr(default = true)]
    #[schema(required = false, default = true)]
    listed_before_certified: bool,
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

/// How a pledge is extended.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = PledgeExtensionInput)]
pub struct ExtensionInput {
    /// The last day of the pledge from now on: later than it is, by 36 months at the most.
    due_on: Day,
    /// Why.
    reason: Note,
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
    /// Whether the public register lists it before the agency is certified on it.
    listed_before_certified: bool,
    /// How it stands today.
    state: PledgeState,
    /// The last day of the term, or of its last extension.
    due_on: Day,
    /// How it was extended, the first time first.
    extensions: Vec<ExtensionView>,
    /// The first day on which the pledge holds no longer, where it was withdrawn.
    withdrawn_on: Option<Day>,
    /// Why it was withdrawn.
    withdrawal_reason: Option<Note>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// How a pledge was extended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PledgeExtension)]
struct ExtensionView {
    /// The last day before.
    former_due_on: Day,
    /// The last day since.
    due_on: Day,
    reason: Note,
    /// Which client extended it.
    client: Uuid,
    extended_at: jiff::Timestamp,
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
    /// Only those that stand so today.
    #[deserr(default)]
    #[param(inline)]
    state: Option<PledgeState>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::unruled!(PledgeInput, ExtensionInput, WithdrawalInput);

impl From<PledgeInput> for PledgeDraft {
    fn from(input: PledgeInput) -> Self {
        Self {
            agency: input.agency,
            standard: input.standard,
            pledged_on: input.pledged_on.0,
            term_months: input.term_months,
            signatory: Signatory { name: input.signatory.name, title: input.signatory.title },
            listed_before_certified: input.listed_before_certified,
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
            listed_before_certified: draft.listed_before_certified,
        }
    }
}

impl From<&Extension> for ExtensionView {
    fn from(extension: &Extension) -> Self {
        let Extension { former_due_on, due_on, ref reason, client, extended_at, .. } = *extension;
        Self { former_due_on: Day(former_due_on), due_on: Day(due_on), reason: reason.clone(), client, extended_at }
    }
}

impl PledgeView {
    fn of(pledge: &HeldPledge, today: Date) -> Self {
        let (input, facts) = (PledgeInput::from(&pledge.draft), pledge.facts());
        Self {
            id: pledge.id,
            agency: AgencyBriefView::from(&pledge.agency),
            standard: input.standard,
            pledged_on: input.pledged_on,
            term_months: input.term_months,
            signatory: input.signatory,
            listed_before_certified: input.listed_before_certified,
            state: facts.state(pledge.awarded_on, today),
            due_on: Day(facts.due_on()),
            extensions: pledge.extensions.iter().map(ExtensionView::from).collect(),
            withdrawn_on: pledge.withdrawal.as_ref().map(|withdrawal| Day(withdrawal.withdrawn_on)),
            withdrawal_reason: pledge.withdrawal.as_ref().map(|withdrawal| withdrawal.reason.clone()),
            created_at: pledge.created_at,
            updated_at: pledge.updated_at,
        }
    }
}

fn guard(preconditions: &Preconditions, current: &HeldPledge, today: Date) -> ServiceResult<()> {
    preconditions.check(Some(&etag_of(&PledgeView::of(current, today))?))
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
    let question =
        PledgeQuestion { agency: query.agency, standard: query.standard, running_on: query.running_on.map(|day| day.0), state: query.state };
    let today = caller.registry().clock.today();
    let found = caller.read(move |tx| service::list(tx, &question, asked)).await?;
    page::respond(&request, found, asked.limit, |pledge| PledgeView::of(&pledge, today))
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
        Answer::created(format!("/v1/pledges/{}", pledge.id), &PledgeView::of(&pledge, tx.today()))
    })
    .await
}

/// Get a pledge
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), security(("bearer" = ["pledges:read"])),
    responses((status = 200, description = "The pledge.", body = PledgeView)))]
#[get("/v1/pledges/{id}")]
async fn get_pledge(caller: Allowed<PledgesRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let pledge = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &PledgeView::of(&pledge, caller.registry().clock.today()))
}

/// Replace a pledge
///
/// Whether it was extended or withdrawn stays as it is. Of a pledge that was extended, day and term can't be changed: 409 `pledge_extended`;
/// of one on which a certificate was awarded, the standard neither: 409 `pledge_certified`.
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), request_body = PledgeInput, security(("bearer" = ["pledges:write"])),
    responses((status = 200, description = "The pledge is as sent.", body = PledgeView)))]
#[put("/v1/pledges/{id}")]
async fn put_pledge(caller: Allowed<PledgesWrite>, path: IdPath, preconditions: Preconditions, body: Body<PledgeInput>) -> ApiResult {
    let (draft, today) = (PledgeDraft::from(body.value), caller.registry().clock.today());
    let pledge = caller.write(move |tx| service::change(tx, path.0, |current| guard(&preconditions, current, today).map(|()| draft.clone()))).await?;
    respond::changed(&PledgeView::of(&pledge, today))
}

/// Change a pledge
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), security(("bearer" = ["pledges:write"])),
    request_body(content = PledgeInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The pledge as it is now.", body = PledgeView)))]
#[patch("/v1/pledges/{id}")]
async fn change_pledge(caller: Allowed<PledgesWrite>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let today = caller.registry().clock.today();
    let pledge = caller
        .write(move |tx| {
            service::change(tx, path.0, |current| {
                guard(&preconditions, current, today)?;
                patch.apply(&PledgeInput::from(&current.draft)).map(PledgeDraft::from)
            })
        })
        .await?;
    respond::changed(&PledgeView::of(&pledge, today))
}

/// Extend a pledge
///
/// The IACP gives an agency more time, also when its term is over: the pledge ends on the day that is given, as if it had been so from the
/// beginning, and its own day and term stay. At most 36 months at a time. 409 `pledge_running` where another pledge of the agency runs by then.
/// It takes a grant for all agencies.
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), request_body = ExtensionInput,
    security(("bearer" = ["pledges:write", "certifications:decide"])),
    responses((status = 200, description = "The pledge is extended.", body = PledgeView)))]
#[post("/v1/pledges/{id}/extension")]
async fn extend_pledge(
    caller: Allowed<(PledgesWrite, CertificationsDecide)>,
    path: IdPath,
    key: IdempotencyKey,
    body: Body<ExtensionInput>,
) -> ApiResult {
    let ExtensionInput { due_on, reason } = body.value;
    once(&caller, key, body.fingerprint, move |tx| {
        let pledge = service::extend(tx, path.0, due_on.0, &reason)?;
        Answer::ok(&PledgeView::of(&pledge, tx.today()))
    })
    .await
}

/// Withdraw a pledge
///
/// Once: a pledge that is withdrawn already answers 409 `already_withdrawn`.
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), request_body = WithdrawalInput, security(("bearer" = ["pledges:write"])),
    responses((status = 200, description = "The pledge is withdrawn.", body = PledgeView)))]
#[post("/v1/pledges/{id}/withdrawal")]
async fn withdraw_pledge(caller: Allowed<PledgesWrite>, path: IdPath, key: IdempotencyKey, body: Body<WithdrawalInput>) -> ApiResult {
    let withdrawal = Withdrawal { withdrawn_on: body.value.withdrawn_on.0, reason: body.value.reason };
    once(&caller, key, body.fingerprint, move |tx| {
        let pledge = service::withdraw(tx, path.0, &withdrawal)?;
        Answer::ok(&PledgeView::of(&pledge, tx.today()))
    })
    .await
}

/// Delete a pledge
///
/// For what was recorded in error: it leaves no trace in any status. A pledge that an agency gives up is withdrawn instead. 409
/// `pledge_applied_on` where an application for certification is on it.
#[utoipa::path(tag = "pledges", params(("id" = Ref, Path)), security(("bearer" = ["pledges:write"])),
    responses((status = 204, description = "The pledge is deleted.")))]
#[delete("/v1/pledges/{id}")]
async fn delete_pledge(caller: Allowed<PledgesWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let today = caller.registry().clock.today();
    caller.write(move |tx| service::delete(tx, path.0, |current| guard(&preconditions, current, today))).await?;
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
        .service(extend_pledge)
        .service(withdraw_pledge)
        .service(delete_pledge);
}
