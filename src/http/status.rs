//! `/v1/certification-status`, for one agency and for all

use std::sync::Arc;

use actix_web::http::header::{HeaderValue, VARY};
use actix_web::{HttpRequest, get};
use deserr::Deserr;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, Caller, StatusRead};
use super::decode::{Day, Faults, parsed};
use super::extract::{AgencyPath, Preconditions, Query};
use super::media::{self, HTML, JSON};
use super::page::{self, Cursor, Limit, Page};
use super::problem::{ApiError, ApiResult};
use super::public::page::{private, rendered};
use super::respond;
use super::status_page::StatusPage;
use crate::domain::agency::{AgencyKey, AgencyKind, Country, Subdivision};
use crate::domain::readiness::{Evaluation, Evidence, Measure, Training};
use crate::domain::stage::{NextChange, PledgeView, Stage, Status};
use crate::service::status::{self as service, AgencyStatus};
use crate::service::timelines::{Known, Told};
use crate::storage::agencies::{AgencyBrief, AgencyFilter};

parsed!(Stage);

/// Where an agency stands on a day. For a future day it assumes that nothing new is pushed, and so foretells lapses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CertificationStatus)]
pub struct StatusView {
    agency: AgencyBriefView,
    /// The code of the standard: that of the pledge, else `one-mind`.
    #[schema(example = "one-mind")]
    standard: String,
    as_of: Date,
    stage: Stage,
    /// For a certified agency: whether it still meets all requirements. Null for any other.
    #[schema(required)]
    maintained: Option<bool>,
    /// The latest pledge made by the day.
    #[schema(required)]
    pledge: Option<PledgeInQuestion>,
    requirements: Requirements,
    /// The first later day on which anything of this changes by itself, other than `as_of` and `days_left`.
    #[schema(required)]
    next_change: Option<NextChangeView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PledgeInQuestion {
    id: Uuid,
    pledged_on: Date,
    /// The last day of its term.
    due_on: Date,
    /// Days from `as_of` to the last day of the term; negative after it.
    #[schema(example = 437)]
    days_left: i32,
}

/// The three requirements of the campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Requirements {
    partnership: EvidenceView,
    policy: EvidenceView,
    training: TrainingView,
}

/// Partnerships or policies.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
struct EvidenceView {
    /// Whether at least one is in force.
    met: bool,
    /// How many are in force.
    in_force: u32,
}

/// The training of the sworn officers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrainingRequirement)]
struct TrainingView {
    /// Whether both measures are met; never when nobody is sworn.
    met: bool,
    /// The denominator: the larger of `roster` and `declared`.
    #[schema(example = 120)]
    sworn: u32,
    /// Sworn officers on the roster.
    #[schema(example = 118)]
    roster: u32,
    /// The agency's own declaration of its sworn strength.
    #[schema(required, example = 120)]
    declared: Option<u32>,
    /// Whether the roster is smaller than the declaration.
    roster_incomplete: bool,
    trained: MeasureView,
    crisis_intervention: MeasureView,
}

/// How many officers there are, and how many are needed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Measure)]
struct MeasureView {
    #[schema(example = 117)]
    count: u32,
    #[schema(example = 120)]
    needed: u32,
    #[schema(example = 3)]
    short: u32,
    met: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NextChange)]
struct NextChangeView {
    on: Date,
    /// How many more officers are trained from that day on.
    #[schema(example = -14)]
    trained: i64,
    /// How many more hold crisis intervention training from that day on.
    #[schema(example = 0)]
    crisis_intervention: i64,
    /// Whether all requirements are met from that day on.
    still_met: bool,
}

#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatusQuery {
    /// The day, past or future; today (UTC) when absent.
    #[deserr(default)]
    #[param(inline)]
    as_of: Option<Day>,
}

#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatusListQuery {
    /// The day, past or future; today (UTC) when absent.
    #[deserr(default)]
    #[param(inline)]
    as_of: Option<Day>,
    /// Only agencies that stand there on the day.
    #[deserr(default)]
    #[param(inline)]
    stage: Option<Stage>,
    /// Only agencies of this kind.
    #[deserr(default)]
    #[param(inline)]
    kind: Option<AgencyKind>,
    /// Only agencies in this country.
    #[deserr(default)]
    #[param(inline)]
    country: Option<Country>,
    /// Only agencies in this subdivision.
    #[deserr(default)]
    #[param(inline)]
    subdivision: Option<Subdivision>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl StatusView {
    pub(super) fn of(agency: &AgencyBrief, status: &Status) -> Self {
        Self {
            agency: AgencyBriefView::from(agency),
            standard: status.standard.clone(),
            as_of: status.as_of,
            stage: status.stage,
            maintained: status.maintained,
            pledge: status.pledge.map(PledgeInQuestion::from),
            requirements: Requirements::from(status.evaluation),
            next_change: status.next_change.map(NextChangeView::from),
        }
    }
}

impl From<PledgeView> for PledgeInQuestion {
    fn from(PledgeView { id, pledged_on, due_on, days_left }: PledgeView) -> Self {
        Self { id, pledged_on, due_on, days_left }
    }
}

impl From<Evaluation> for Requirements {
    fn from(evaluation: Evaluation) -> Self {
        Self { partnership: evaluation.partnership.into(), policy: evaluation.policy.into(), training: evaluation.training.into() }
    }
}

impl From<Evidence> for EvidenceView {
    fn from(Evidence { met, in_force }: Evidence) -> Self {
        Self { met, in_force }
    }
}

impl From<Training> for TrainingView {
    fn from(training: Training) -> Self {
        let Training { met, sworn, roster, declared, roster_incomplete, trained, crisis_intervention } = training;
        Self { met, sworn, roster, declared, roster_incomplete, trained: trained.into(), crisis_intervention: crisis_intervention.into() }
    }
}

impl From<Measure> for MeasureView {
    fn from(Measure { count, needed, short, met }: Measure) -> Self {
        Self { count, needed, short, met }
    }
}

impl From<NextChange> for NextChangeView {
    fn from(NextChange { on, trained, crisis_intervention, still_met }: NextChange) -> Self {
        Self { on, trained, crisis_intervention, still_met }
    }
}

/// Get the certification status of an agency
///
/// Which requirements the agency meets on a day, by the standard that it pledged itself to. Cheap to poll: give the `ETag` back as
/// `If-None-Match`. A page for people where `Accept` prefers HTML.
#[utoipa::path(tag = "status", params(("agency" = AgencyKey, Path), StatusQuery), security(("bearer" = ["status:read"])),
    responses((status = 200, description = "Where the agency stands.", content((StatusView = "application/json"), (String = "text/html")))))]
#[get("/v1/agencies/{agency}/certification-status")]
async fn get_certification_status(
    caller: Allowed<StatusRead>,
    request: HttpRequest,
    path: AgencyPath,
    query: Query<StatusQuery>,
    preconditions: Preconditions,
) -> ApiResult {
    let on = query.0.as_of.map_or_else(|| caller.registry().clock.today(), |day| day.0);
    let known = known(&caller, path.0).await?;
    if media::preferred(&request, &[JSON, HTML]) == HTML {
        return Ok(private(&preconditions, HTML, rendered(&StatusPage::of(&known, on))?));
    }
    let told = known.told(on, |known| {
        let body = respond::json(&StatusView::of(&known.known.agency, &known.status(on)))?;
        Ok::<_, ApiError>(Told { tag: respond::etag(&body), body: body.into() })
    })?;
    let mut response = respond::kept(&preconditions, told);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// What the status of an agency follows from. Where it is kept in memory and the caller's reach is plain, that takes one statement, which
/// asks for its version and for those of others that are asked for at the same time.
pub(super) async fn known(caller: &Caller, key: AgencyKey) -> Result<Arc<Known>, ApiError> {
    let statuses = caller.registry().statuses.clone();
    let version = caller.registry().versions.of(&caller.registry().store, key.clone()).await?;
    let kept = version.filter(|(id, _)| caller.plainly_reaches(&key, *id)).and_then(|(id, version)| statuses.timelines.kept(id, version));
    match kept {
        Some(known) => Ok(known),
        None => caller.read(move |tx| service::known(tx, &statuses, &key)).await,
    }
}

/// List the certification status of agencies
///
/// The same for every agency within the caller's grants, in the order in which they were registered. With `stage`, one request looks
/// through at most 20,000 agencies: a page may hold fewer items than its limit, or none, and still have a `next_cursor` to go on with.
#[utoipa::path(tag = "status", params(StatusListQuery), security(("bearer" = ["status:read"])),
    responses((status = 200, description = "A page of agencies and where they stand.", body = Page<StatusView>)))]
#[get("/v1/certification-status")]
async fn list_certification_status(caller: Allowed<StatusRead>, request: HttpRequest, query: Query<StatusListQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let (stage, as_of) = (query.stage, query.as_of.map(|day| day.0));
    let filter = AgencyFilter { kind: query.kind, country: query.country, subdivision: query.subdivision, name: None };
    let statuses = caller.registry().statuses.clone();
    let found = caller.read(move |tx| service::list(tx, &statuses, &filter, stage, as_of, asked)).await?;
    page::respond(&request, found, asked.limit, |AgencyStatus { agency, status }| StatusView::of(&agency, &status))
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(get_certification_status).service(list_certification_status);
}
