//! `/v1/certifications`

use actix_web::{HttpRequest, get, post};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, CertificationsDecide, CertificationsRead, CertificationsWrite};
use super::decode::{Day, Faults, Ref, parsed};
use super::extract::{Body, IdPath, IdempotencyKey, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer};
use super::status::Requirements;
use crate::domain::agency::AgencyKey;
use crate::domain::certification::{CertificationState, Decision, Step};
use crate::domain::frozen::{Frozen, FrozenAgency, FrozenDocument, FrozenPartnership, FrozenPolicy, FrozenSignatory};
use crate::domain::text::Note;
use crate::service::certifications as service;
use crate::storage::certifications::{HeldCertification, TakenStep};

parsed!(CertificationState);
parsed!(Decision);

/// An application for certification.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct CertificationInput {
    /// Who applies.
    agency: AgencyKey,
    /// What staff should know.
    #[deserr(default)]
    note: Option<Note>,
}

/// What staff decide on an application.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = CertificationDecision)]
pub struct DecisionInput {
    decision: Decision,
    /// Why, or what is asked; needed to `return`, `decline` and `revoke`.
    #[deserr(default)]
    note: Option<Note>,
}

/// What an agency answers to what staff asked.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = CertificationResubmission)]
pub struct ResubmissionInput {
    /// The answer.
    note: Note,
}

/// An application for certification, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Certification)]
struct CertificationView {
    id: Uuid,
    agency: AgencyBriefView,
    /// The pledge that it is on.
    pledge: Uuid,
    state: CertificationState,
    /// The steps that lead on from here.
    possible: Vec<Step>,
    /// The number of the certificate, where it was awarded.
    #[schema(required, example = "OMC-2026-000123")]
    number: Option<String>,
    applied_on: Day,
    #[schema(required)]
    awarded_on: Option<Day>,
    #[schema(required)]
    declined_on: Option<Day>,
    /// The first day on which the certification no longer holds.
    #[schema(required)]
    revoked_on: Option<Day>,
    /// What was done with it, the first step first.
    steps: Vec<StepView>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// A step that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CertificationStep)]
struct StepView {
    step: Step,
    /// Why, or what is asked or answered.
    #[schema(required)]
    note: Option<Note>,
    /// Which client took it.
    client: Uuid,
    taken_at: jiff::Timestamp,
    /// How the agency stood, of `apply`, `resubmit` and `award`: kept as it was, whatever becomes of what it follows from.
    #[schema(required)]
    evaluation: Option<EvaluationView>,
}

/// How an agency stood on a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrozenEvaluation)]
struct EvaluationView {
    as_of: Day,
    agency: AgencyTerms,
    signatory: SignatoryTerms,
    standard: StandardTerms,
    pledge: PledgeTerms,
    requirements: Requirements,
    /// The partnerships in force.
    partnerships: Vec<PartnershipView>,
    /// The policies in force.
    policies: Vec<PolicyView>,
}

/// The agency as it was called.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrozenAgency)]
struct AgencyTerms {
    id: Uuid,
    /// Its primary ORI.
    #[schema(required, example = "TX2270000")]
    ori: Option<String>,
    name: String,
}

/// Who signed the pledge, as the pledge said it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrozenSignatory)]
struct SignatoryTerms {
    name: String,
    /// Office, such as Chief of Police.
    title: String,
}

/// The rules as they were.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrozenStandard)]
struct StandardTerms {
    #[schema(example = "one-mind")]
    code: String,
    title: String,
    crisis_share: ShareView,
    crisis_counts_as_awareness: bool,
    lapsed_credit_counts: bool,
}

/// A share in whole numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrozenShare)]
struct ShareView {
    #[schema(example = 1)]
    numerator: u32,
    #[schema(example = 5)]
    denominator: u32,
}

/// The pledge as it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrozenPledge)]
struct PledgeTerms {
    id: Uuid,
    pledged_on: Day,
    due_on: Day,
}

/// A partnership as it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrozenPartnership)]
struct PartnershipView {
    id: Uuid,
    organization: String,
    #[schema(example = "mou")]
    agreement: String,
    effective_on: Day,
    #[schema(required)]
    ends_on: Option<Day>,
    #[schema(required)]
    document: Option<PaperView>,
}

/// A policy as it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrozenPolicy)]
struct PolicyView {
    id: Uuid,
    title: String,
    adopted_on: Day,
    #[schema(required)]
    ends_on: Option<Day>,
    #[schema(required)]
    document: Option<PaperView>,
}

/// A document as it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FrozenDocument)]
struct PaperView {
    url: String,
    /// Its SHA-256.
    sha256: String,
}

/// Filters of the list of applications.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CertificationQuery {
    /// Only of this agency.
    #[deserr(default)]
    #[param(inline)]
    agency: Option<AgencyKey>,
    /// Only those that stand there.
    #[deserr(default)]
    #[param(inline)]
    state: Option<CertificationState>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::unruled!(CertificationInput, DecisionInput, ResubmissionInput);

impl From<&HeldCertification> for CertificationView {
    fn from(held: &HeldCertification) -> Self {
        let state = held.certification.state();
        let awarded = held.certification.award_of();
        let ended = |as_state| held.certification.ended_on().filter(|_| state == as_state).map(Day);
        Self {
            id: held.id,
            agency: AgencyBriefView::from(&held.agency),
            pledge: held.pledge,
            state,
            possible: state.possible().to_vec(),
            number: awarded.map(|awarded| awarded.number.to_string()),
            applied_on: Day(held.certification.applied_on()),
            awarded_on: awarded.map(|awarded| Day(awarded.awarded_on)),
            declined_on: ended(CertificationState::Declined),
            revoked_on: ended(CertificationState::Revoked),
            steps: held.steps.iter().map(StepView::from).collect(),
            created_at: held.created_at,
            updated_at: held.updated_at,
        }
    }
}

impl From<&TakenStep> for StepView {
    fn from(taken: &TakenStep) -> Self {
        let TakenStep { step, note, client, evaluation, taken_at } = taken;
        Self { step: *step, note: note.clone(), client: *client, taken_at: *taken_at, evaluation: evaluation.as_ref().map(EvaluationView::from) }
    }
}

impl From<&Frozen> for EvaluationView {
    fn from(frozen: &Frozen) -> Self {
        let Frozen { agency, signatory, standard, pledge, evaluation, partnerships, policies, stationery: _ } = frozen;
        let share = standard.crisis_share;
        Self {
            as_of: Day(evaluation.as_of),
            agency: AgencyTerms::from(agency),
            signatory: SignatoryTerms::from(signatory),
            standard: StandardTerms {
                code: standard.code.clone(),
                title: standard.title.clone(),
                crisis_share: ShareView { numerator: share.numerator, denominator: share.denominator },
                crisis_counts_as_awareness: standard.crisis_counts_as_awareness,
                lapsed_credit_counts: standard.lapsed_credit_counts,
            },
            pledge: PledgeTerms { id: pledge.id, pledged_on: Day(pledge.pledged_on), due_on: Day(pledge.due_on) },
            requirements: Requirements::from(*evaluation),
            partnerships: partnerships.iter().map(PartnershipView::from).collect(),
            policies: policies.iter().map(PolicyView::from).collect(),
        }
    }
}

impl From<&FrozenAgency> for AgencyTerms {
    fn from(agency: &FrozenAgency) -> Self {
        Self { id: agency.id, ori: agency.ori.clone(), name: agency.name.clone() }
    }
}

impl From<&FrozenSignatory> for SignatoryTerms {
    fn from(signatory: &FrozenSignatory) -> Self {
        Self { name: signatory.name.clone(), title: signatory.title.clone() }
    }
}

impl From<&FrozenPartnership> for PartnershipView {
    fn from(one: &FrozenPartnership) -> Self {
        Self {
            id: one.id,
            organization: one.organization.clone(),
            agreement: one.agreement.clone(),
            effective_on: Day(one.effective_on),
            ends_on: one.ends_on.map(Day),
            document: one.document.as_ref().map(PaperView::from),
        }
    }
}

impl From<&FrozenPolicy> for PolicyView {
    fn from(one: &FrozenPolicy) -> Self {
        Self {
            id: one.id,
            title: one.title.clone(),
            adopted_on: Day(one.adopted_on),
            ends_on: one.ends_on.map(Day),
            document: one.document.as_ref().map(PaperView::from),
        }
    }
}

impl From<&FrozenDocument> for PaperView {
    fn from(document: &FrozenDocument) -> Self {
        Self { url: document.url.clone(), sha256: document.sha256.clone() }
    }
}

/// List applications for certification
///
/// Those of the agencies within the caller's grants, in the order in which they came.
#[utoipa::path(tag = "certifications", params(CertificationQuery), security(("bearer" = ["certifications:read"])),
    responses((status = 200, description = "A page of applications.", body = Page<CertificationView>)))]
#[get("/v1/certifications")]
async fn list_certifications(caller: Allowed<CertificationsRead>, request: HttpRequest, query: Query<CertificationQuery>) -> ApiResult {
    let CertificationQuery { agency, state, limit, cursor } = query.0;
    let asked = page::requested(&request, limit, cursor.as_ref())?;
    let found = caller.read(move |tx| service::list(tx, agency.as_ref(), state, asked)).await?;
    page::respond(&request, found, asked.limit, |held| CertificationView::from(&held))
}

/// Apply for certification
///
/// For an agency that meets all requirements of the standard that it pledged itself to, today. What is short is told in `errors` of a 409,
/// each as `requirement_not_met` with its place in the agency's certification status. An agency has one application at a time.
#[utoipa::path(tag = "certifications", request_body = CertificationInput, security(("bearer" = ["certifications:write"])),
    responses((status = 201, description = "The application was sent.", body = CertificationView)))]
#[post("/v1/certifications")]
async fn create_certification(caller: Allowed<CertificationsWrite>, key: IdempotencyKey, body: Body<CertificationInput>) -> ApiResult {
    let CertificationInput { agency, note } = body.value;
    let statuses = caller.registry().statuses.clone();
    once(&caller, key, body.fingerprint, move |tx| {
        let held = service::apply(tx, &statuses, &agency, note.clone())?;
        Answer::created(format!("/v1/certifications/{}", held.id), &CertificationView::from(&held))
    })
    .await
}

/// Get an application for certification
#[utoipa::path(tag = "certifications", params(("id" = Ref, Path)), security(("bearer" = ["certifications:read"])),
    responses((status = 200, description = "The application.", body = CertificationView)))]
#[get("/v1/certifications/{id}")]
async fn get_certification(caller: Allowed<CertificationsRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let held = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &CertificationView::from(&held))
}

/// Decide on an application for certification
///
/// `start_review` what was sent, `return` it with questions, `award` or `decline` it, `revoke` what was awarded. A decision that does not lead on
/// from where the application stands answers 409 `impossible_step`, and names those that do. An award needs all requirements to be met on its day,
/// and draws the number of the certificate. It takes a grant for all agencies, and the client that applied does not decide: 403.
#[utoipa::path(tag = "certifications", params(("id" = Ref, Path)), request_body = DecisionInput, security(("bearer" = ["certifications:decide"])),
    responses((status = 200, description = "It is decided.", body = CertificationView)))]
#[post("/v1/certifications/{id}/decision")]
async fn decide_certification(caller: Allowed<CertificationsDecide>, path: IdPath, key: IdempotencyKey, body: Body<DecisionInput>) -> ApiResult {
    let DecisionInput { decision, note } = body.value;
    let (statuses, stationery) = (caller.registry().statuses.clone(), caller.registry().stationery.frozen());
    once(&caller, key, body.fingerprint, move |tx| {
        let held = service::decide(tx, &statuses, &stationery, path.0, decision, note.clone())?;
        Answer::ok(&CertificationView::from(&held))
    })
    .await
}

/// Resubmit an application for certification
///
/// The agency answers what was asked when the application was returned; its requirements have to be met still.
#[utoipa::path(tag = "certifications", params(("id" = Ref, Path)), request_body = ResubmissionInput,
    security(("bearer" = ["certifications:write"])),
    responses((status = 200, description = "The application is in review again.", body = CertificationView)))]
#[post("/v1/certifications/{id}/resubmission")]
async fn resubmit_certification(caller: Allowed<CertificationsWrite>, path: IdPath, key: IdempotencyKey, body: Body<ResubmissionInput>) -> ApiResult {
    let ResubmissionInput { note } = body.value;
    let statuses = caller.registry().statuses.clone();
    once(&caller, key, body.fingerprint, move |tx| {
        let held = service::resubmit(tx, &statuses, path.0, note.clone())?;
        Answer::ok(&CertificationView::from(&held))
    })
    .await
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config
        .service(list_certifications)
        .service(create_certification)
        .service(get_certification)
        .service(decide_certification)
        .service(resubmit_certification);
}
