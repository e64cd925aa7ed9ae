//! `/v1/agencies`

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, get, patch, post, put};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{AgenciesRead, AgenciesWrite, Allowed};
use super::decode::{Day, Faults, Headcount};
use super::extract::{AgencyPath, Body, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::{ApiError, ApiResult};
use super::respond::{self, Answer, etag_of};
use crate::domain::agency::{AgencyDraft, AgencyKey, AgencyKind, Country, Subdivision, SwornStrength};
use crate::domain::ori::Ori;
use crate::domain::text::Name;
use crate::service::agencies::{self as service, Put};
use crate::service::{ServiceResult, Tx};
use crate::storage::agencies::{Agency, AgencyBrief, AgencyFilter};

/// An agency as it is registered.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct AgencyInput {
    /// Its primary ORI; null outside the United States and its territories. `PUT` by ORI may leave it out.
    #[deserr(default)]
    ori: Option<Ori>,
    /// Other ORIs that it goes by.
    #[deserr(default)]
    #[schema(max_items = 100, required = false)]
    other_oris: Vec<Ori>,
    /// Its name, which needs not be unique.
    name: Name,
    kind: AgencyKind,
    country: Country,
    #[deserr(default)]
    subdivision: Option<Subdivision>,
    /// The agency's own declaration of how many sworn officers it has; null where there is none.
    #[deserr(default)]
    sworn_strength: Option<SwornStrengthInput>,
}

/// A declared number of sworn officers.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = SwornStrength)]
pub struct SwornStrengthInput {
    /// How many.
    count: Headcount,
    /// The day that the number is of.
    as_of: Day,
}

/// An agency as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agency)]
pub struct AgencyView {
    id: Uuid,
    ori: Option<Ori>,
    /// Whether the ORI was sent with seven characters, and its last two are assumed.
    ori_assumed: bool,
    other_oris: Vec<Ori>,
    name: Name,
    kind: AgencyKind,
    country: Country,
    subdivision: Option<Subdivision>,
    sworn_strength: Option<SwornStrengthInput>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// An agency in a few words.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AgencyBrief)]
pub struct AgencyBriefView {
    id: Uuid,
    /// Its primary ORI.
    #[schema(example = "TX2270000")]
    ori: Option<String>,
    name: String,
}

/// Filters of the list of agencies.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AgencyQuery {
    /// Only of this kind.
    #[deserr(default)]
    #[param(inline)]
    kind: Option<AgencyKind>,
    /// Only in this country.
    #[deserr(default)]
    #[param(inline)]
    country: Option<Country>,
    /// Only in this subdivision.
    #[deserr(default)]
    #[param(inline)]
    subdivision: Option<Subdivision>,
    /// Only those whose name begins so, to the letter.
    #[deserr(default)]
    #[param(inline)]
    name: Option<Name>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl super::rules::Rules for AgencyInput {
    fn broken(self, _: jiff::civil::Date) -> crate::domain::invalid::Faults {
        AgencyDraft::from(self).check()
    }

    fn rests_on(code: &str) -> Option<&'static str> {
        ["wrong_country", "ori_outside_us"].contains(&code).then_some("/country")
    }
}

impl From<AgencyInput> for AgencyDraft {
    fn from(input: AgencyInput) -> Self {
        Self {
            ori: input.ori,
            other_oris: input.other_oris,
            name: input.name,
            kind: input.kind,
            country: input.country,
            subdivision: input.subdivision,
            sworn_strength: input.sworn_strength.map(|strength| SwornStrength { count: strength.count.0, as_of: strength.as_of.0 }),
        }
    }
}

impl From<&AgencyDraft> for AgencyInput {
    fn from(draft: &AgencyDraft) -> Self {
        Self {
            ori: draft.ori.clone(),
            other_oris: draft.other_oris.clone(),
            name: draft.name.clone(),
            kind: draft.kind,
            country: draft.country.clone(),
            subdivision: draft.subdivision.clone(),
            sworn_strength: draft.sworn_strength.map(|strength| SwornStrengthInput { count: Headcount(strength.count), as_of: Day(strength.as_of) }),
        }
    }
}

impl From<&Agency> for AgencyView {
    fn from(agency: &Agency) -> Self {
        let input = AgencyInput::from(&agency.draft);
        Self {
            id: agency.id,
            ori_assumed: input.ori.as_ref().is_some_and(Ori::assumed),
            ori: input.ori,
            other_oris: input.other_oris,
            name: input.name,
            kind: input.kind,
            country: input.country,
            subdivision: input.subdivision,
            sworn_strength: input.sworn_strength,
            created_at: agency.created_at,
            updated_at: agency.updated_at,
        }
    }
}

impl From<&AgencyBrief> for AgencyBriefView {
    fn from(brief: &AgencyBrief) -> Self {
        Self { id: brief.id, ori: brief.ori.clone(), name: brief.name.clone() }
    }
}

/// List agencies
///
/// The agencies within the caller's grants, in the order in which they were registered.
#[utoipa::path(tag = "agencies", params(AgencyQuery), security(("bearer" = ["agencies:read"])),
    responses((status = 200, description = "A page of agencies.", body = Page<AgencyView>)))]
#[get("/v1/agencies")]
async fn list_agencies(caller: Allowed<AgenciesRead>, request: HttpRequest, query: Query<AgencyQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let filter = AgencyFilter {
        kind: query.kind,
        country: query.country,
        subdivision: query.subdivision,
        name: query.name.map(|name| name.as_str().to_owned()),
    };
    let found = caller.read(move |tx| service::list(tx, &filter, asked)).await?;
    page::respond(&request, found, asked.limit, |agency| AgencyView::from(&agency))
}

/// Register an agency
///
/// An agency of the United States is better registered by `PUT` under its ORI, which may be repeated.
#[utoipa::path(tag = "agencies", request_body = AgencyInput, security(("bearer" = ["agencies:write"])),
    responses((status = 201, description = "The agency is registered.", body = AgencyView)))]
#[post("/v1/agencies")]
async fn create_agency(caller: Allowed<AgenciesWrite>, key: IdempotencyKey, body: Body<AgencyInput>) -> ApiResult {
    let draft = AgencyDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let agency = service::create(tx, &draft)?;
        Answer::created(format!("/v1/agencies/{}", agency.id), &AgencyView::from(&agency))
    })
    .await
}

/// Get an agency
#[utoipa::path(tag = "agencies", params(("agency" = AgencyKey, Path)), security(("bearer" = ["agencies:read"])),
    responses((status = 200, description = "The agency.", body = AgencyView)))]
#[get("/v1/agencies/{agency}")]
async fn get_agency(caller: Allowed<AgenciesRead>, path: AgencyPath, preconditions: Preconditions) -> ApiResult {
    let agency = caller.read(move |tx| service::get(tx, &path.0)).await?;
    respond::resource(&preconditions, &AgencyView::from(&agency))
}

/// Create or replace an agency
///
/// Under an ORI, the agency is created where there is none; under an id, it must exist. `X-Outcome` tells `created`, `updated`
/// or `unchanged`.
#[utoipa::path(tag = "agencies", params(("agency" = AgencyKey, Path)), request_body = AgencyInput, security(("bearer" = ["agencies:write"])),
    responses((status = 200, description = "The agency is as sent.", body = AgencyView), (status = 201, description = "The agency is registered.", body = AgencyView)))]
#[put("/v1/agencies/{agency}")]
async fn put_agency(caller: Allowed<AgenciesWrite>, path: AgencyPath, preconditions: Preconditions, body: Body<AgencyInput>) -> ApiResult {
    let mut draft = AgencyDraft::from(body.value);
    if let (None, AgencyKey::Ori(ori)) = (&draft.ori, &path.0) {
        draft.ori = Some(ori.clone());
    }
    let (put, agency) = caller.write(move |tx| put_in(tx, &path.0, &draft, &preconditions)).await?;
    let view = AgencyView::from(&agency);
    let mut response = match put {
        Put::Created => Answer::created(format!("/v1/agencies/{}", agency.id), &view).map_err(ApiError::from)?.respond(),
        Put::Updated | Put::Unchanged => respond::changed(&view)?,
    };
    let outcome = match put {
        Put::Created => "created",
        Put::Updated => "updated",
        Put::Unchanged => "unchanged",
    };
    response.headers_mut().insert(HeaderName::from_static("x-outcome"), HeaderValue::from_static(outcome));
    Ok(response)
}

fn put_in(tx: &mut Tx<'_>, key: &AgencyKey, draft: &AgencyDraft, preconditions: &Preconditions) -> ServiceResult<(Put, Agency)> {
    let guard = |current: Option<&Agency>| preconditions.check(current.map(|agency| etag_of(&AgencyView::from(agency))).transpose()?.as_deref());
    match key {
        AgencyKey::Ori(ori) => {
            let done = service::put(tx, ori, draft, guard)?;
            tx.trail.status = (done.0 == Put::Created).then_some(201);
            Ok(done)
        }
        AgencyKey::Id(_) => {
            let before = service::get(tx, key)?;
            guard(Some(&before))?;
            let after = service::change(tx, key, |_| Ok(draft.clone()))?;
            Ok((if after == before { Put::Unchanged } else { Put::Updated }, after))
        }
    }
}

/// Change an agency
#[utoipa::path(tag = "agencies", params(("agency" = AgencyKey, Path)), security(("bearer" = ["agencies:write"])),
    request_body(content = AgencyInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The agency as it is now.", body = AgencyView)))]
#[patch("/v1/agencies/{agency}")]
async fn change_agency(caller: Allowed<AgenciesWrite>, path: AgencyPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let agency = caller
        .write(move |tx| {
            service::change(tx, &path.0, |current| {
                preconditions.check(Some(&etag_of(&AgencyView::from(current))?))?;
                patch.apply::<AgencyInput>(&AgencyInput::from(&current.draft)).map(AgencyDraft::from)
            })
        })
        .await?;
    respond::changed(&AgencyView::from(&agency))
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_agencies).service(create_agency).service(get_agency).service(put_agency).service(change_agency);
}
