//! `/v1/statistics`

use std::collections::BTreeMap;

use actix_web::get;
use deserr::Deserr;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::auth::{Allowed, StatusRead};
use super::decode::{Day, Faults};
use super::extract::{Preconditions, Query};
use super::problem::ApiResult;
use super::respond;
use crate::domain::placement::ParkedReason;
use crate::domain::stage::Stage;
use crate::service::statistics::{self as service, Numbers, Statistics};
use crate::storage::facts::AgencyGroup;

/// The campaign in numbers, over the agencies that the caller may see.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statistics)]
struct StatisticsView {
    as_of: Date,
    #[serde(flatten)]
    all: NumbersView,
    /// The same of the agencies of each kind in each subdivision of each country.
    groups: Vec<GroupView>,
    parked: ParkedView,
}

/// Some agencies in numbers, each by the standard that it pledged itself to. Officers are added up as agencies count them: somebody who
/// serves at two agencies counts at both.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignNumbers)]
struct NumbersView {
    agencies: u32,
    stages: StagesView,
    /// Of the certified agencies, those that no longer meet all requirements.
    not_maintained: u32,
    requirements_met: RequirementsMetView,
    officers: OfficersView,
}

/// How many agencies stand at each stage.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stages)]
struct StagesView {
    not_pledged: u32,
    in_progress: u32,
    requirements_met: u32,
    in_review: u32,
    certified: u32,
    overdue: u32,
    withdrawn: u32,
    revoked: u32,
}

/// How many agencies meet each requirement, whether or not they pledged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequirementsMet)]
struct RequirementsMetView {
    partnership: u32,
    policy: u32,
    training: u32,
}

/// The sworn officers of the agencies.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfficerNumbers)]
struct OfficersView {
    /// Of each agency the larger of roster and declaration.
    sworn: u64,
    /// Those on the rosters.
    roster: u64,
    /// Trained as the agency's standard asks of everybody.
    trained: u64,
    /// With credit in crisis intervention.
    crisis_intervention: u64,
    /// How many agencies have a roster that is smaller than what they declare.
    rosters_incomplete: u32,
}

/// The agencies of a kind in a place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignGroup)]
struct GroupView {
    #[schema(example = "US")]
    country: String,
    #[schema(required, example = "US-TX")]
    subdivision: Option<String>,
    #[schema(example = "sheriff")]
    kind: String,
    #[serde(flatten)]
    numbers: NumbersView,
}

/// Completions that wait now, whatever day is asked for: everybody's for a caller with a grant for all agencies, else the caller's own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ParkedNumbers)]
struct ParkedView {
    total: u64,
    no_match: u64,
    ambiguous: u64,
    conflict: u64,
    unknown_training: u64,
}

#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatisticsQuery {
    /// The day, past or future; today (UTC) when absent.
    #[deserr(default)]
    #[param(inline)]
    as_of: Option<Day>,
}

impl From<&Numbers> for NumbersView {
    fn from(numbers: &Numbers) -> Self {
        let stage = |stage: Stage| numbers.stages.get(&stage).copied().unwrap_or(0);
        let [partnership, policy, training] = numbers.met;
        Self {
            agencies: numbers.agencies,
            stages: StagesView {
                not_pledged: stage(Stage::NotPledged),
                in_progress: stage(Stage::InProgress),
                requirements_met: stage(Stage::RequirementsMet),
                in_review: stage(Stage::InReview),
                certified: stage(Stage::Certified),
                overdue: stage(Stage::Overdue),
                withdrawn: stage(Stage::Withdrawn),
                revoked: stage(Stage::Revoked),
            },
            not_maintained: numbers.not_maintained,
            requirements_met: RequirementsMetView { partnership, policy, training },
            officers: OfficersView {
                sworn: numbers.sworn,
                roster: numbers.roster,
                trained: numbers.trained,
                crisis_intervention: numbers.crisis_intervention,
                rosters_incomplete: numbers.roster_incomplete,
            },
        }
    }
}

impl From<(&AgencyGroup, &Numbers)> for GroupView {
    fn from((AgencyGroup { country, subdivision, kind }, numbers): (&AgencyGroup, &Numbers)) -> Self {
        Self { country: country.clone(), subdivision: subdivision.clone(), kind: kind.clone(), numbers: NumbersView::from(numbers) }
    }
}

impl From<&BTreeMap<ParkedReason, u64>> for ParkedView {
    fn from(parked: &BTreeMap<ParkedReason, u64>) -> Self {
        let of = |reason: ParkedReason| parked.get(&reason).copied().unwrap_or(0);
        Self {
            total: parked.values().sum(),
            no_match: of(ParkedReason::NoMatch),
            ambiguous: of(ParkedReason::Ambiguous),
            conflict: of(ParkedReason::Conflict),
            unknown_training: of(ParkedReason::UnknownTraining),
        }
    }
}

/// Get the campaign in numbers
///
/// Agencies by stage, place and kind, their officers and how many of them are trained, and the completions that wait to be placed.
#[utoipa::path(tag = "status", params(StatisticsQuery), security(("bearer" = ["status:read"])),
    responses((status = 200, description = "The numbers.", body = StatisticsView)))]
#[get("/v1/statistics")]
async fn get_statistics(caller: Allowed<StatusRead>, query: Query<StatisticsQuery>, preconditions: Preconditions) -> ApiResult {
    let as_of = query.0.as_of.map(|day| day.0);
    let statuses = caller.registry().statuses.clone();
    let Statistics { as_of, all, groups, parked } = caller.read(move |tx| service::get(tx, &statuses, as_of)).await?;
    let view = StatisticsView {
        as_of,
        all: NumbersView::from(&all),
        groups: groups.iter().map(GroupView::from).collect(),
        parked: ParkedView::from(&parked),
    };
    respond::resource(&preconditions, &view)
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(get_statistics);
}
