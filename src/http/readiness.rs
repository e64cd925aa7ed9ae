//! `/v1/agencies/{agency}/readiness`

use actix_web::get;
use deserr::Deserr;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, StatusRead};
use super::decode::{Day, Faults};
use super::extract::{AgencyPath, Preconditions, Query};
use super::media::SVG;
use super::problem::{ApiError, ApiResult, Kind};
use super::public::page::{private, rendered};
use super::readiness_plot::Plot;
use super::respond;
use super::status::Requirements;
use crate::domain::agency::AgencyKey;
use crate::domain::stage::{Stage, Status};
use crate::service::{Fault, status as service};

/// The status of an agency over time, as far as is known now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
struct ReadinessView {
    agency: AgencyBriefView,
    from: Date,
    to: Date,
    /// The first day, and each later day on which the status changes; it stays so until the next.
    steps: Vec<StepView>,
}

/// Where the agency stands from a day on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadinessStep)]
struct StepView {
    on: Date,
    /// The code of the standard: that of the pledge, else `one-mind`.
    #[schema(example = "one-mind")]
    standard: String,
    stage: Stage,
    /// Whether all three requirements are met.
    met: bool,
    requirements: Requirements,
}

#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReadinessQuery {
    /// The first day; today (UTC) when absent.
    #[deserr(default)]
    #[param(inline)]
    from: Option<Day>,
    /// The last day, at most 50 years after the first; two years after the first when absent.
    #[deserr(default)]
    #[param(inline)]
    to: Option<Day>,
}

/// How many years the answer covers at the most.
const MAX_YEARS: i32 = 50;

impl ReadinessQuery {
    /// The first day and the last.
    fn days(&self, today: Date) -> Result<(Date, Date), ApiError> {
        let from = self.from.as_ref().map_or(today, |day| day.0);
        let to = self.to.as_ref().map_or_else(|| from.saturating_add(2.years()), |day| day.0);
        let fault = if to < from {
            Fault::new("/to", "before_from", "must not be before `from`")
        } else if from.saturating_add(MAX_YEARS.years()) < to {
            Fault::new("/to", "too_far", format!("must be within {MAX_YEARS} years after `from`"))
        } else {
            return Ok((from, to));
        };
        Err(ApiError::new(Kind::InvalidParameter).faults(vec![fault]))
    }
}

impl From<&Status> for StepView {
    fn from(status: &Status) -> Self {
        Self {
            on: status.as_of,
            standard: status.standard.clone(),
            stage: status.stage,
            met: status.evaluation.met(),
            requirements: Requirements::from(status.evaluation),
        }
    }
}

/// Get the readiness of an agency over time
///
/// The certification status as a step function: a row for the first day and for each day on which it changes by itself. Of days to come it
/// assumes that nothing new is pushed, and so foretells what lapses when.
#[utoipa::path(tag = "status", params(("agency" = AgencyKey, Path), ReadinessQuery), security(("bearer" = ["status:read"])),
    responses((status = 200, description = "Where the agency stands from day to day.", body = ReadinessView)))]
#[get("/v1/agencies/{agency}/readiness")]
async fn get_readiness(caller: Allowed<StatusRead>, path: AgencyPath, query: Query<ReadinessQuery>, preconditions: Preconditions) -> ApiResult {
    let (from, to) = query.0.days(caller.registry().clock.today())?;
    let statuses = caller.registry().statuses.clone();
    let (known, steps) = caller.read(move |tx| service::steps(tx, &statuses, &path.0, from, to)).await?;
    let agency = AgencyBriefView::from(&known.known.agency);
    respond::resource(&preconditions, &ReadinessView { agency, from, to, steps: steps.iter().map(StepView::from).collect() })
}

/// Get a plot of the readiness of an agency over time
///
/// The same as a picture: the shares of sworn officers who are trained, what the standard needs, and when all requirements are met.
#[utoipa::path(tag = "status", params(("agency" = AgencyKey, Path), ReadinessQuery), security(("bearer" = ["status:read"])),
    responses((status = 200, description = "The plot.", body = String, content_type = "image/svg+xml")))]
#[get("/v1/agencies/{agency}/readiness.svg")]
async fn get_readiness_plot(caller: Allowed<StatusRead>, path: AgencyPath, query: Query<ReadinessQuery>, preconditions: Preconditions) -> ApiResult {
    let (from, to) = query.0.days(caller.registry().clock.today())?;
    let statuses = caller.registry().statuses.clone();
    let (known, steps) = caller.read(move |tx| service::steps(tx, &statuses, &path.0, from, to)).await?;
    Ok(private(&preconditions, SVG, rendered(&Plot::of(&known.known.agency.name, from, to, &steps))?))
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(get_readiness).service(get_readiness_plot);
}
