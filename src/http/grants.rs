//! `/v1/grants`

use std::collections::HashMap;

use actix_web::{HttpRequest, delete, get, patch, post};
use deserr::{Deserr, IntoValue, ValuePointerRef};
use serde::{Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Allowed, ClientsAdmin};
use super::decode::{Day, Faults, Ref};
use super::extract::{Body, IdPath, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::agency::AgencyKey;
use crate::domain::client::GrantDraft;
use crate::service::grants as service;
use crate::service::{ServiceResult, Tx};
use crate::storage::agencies::{AgencyBrief, briefs};
use crate::storage::grants::Grant;

/// An agency, or null for all of them: it must be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrAll(Option<AgencyKey>);

impl Deserr<Faults> for OneOrAll {
    fn deserialize_from_value<V: IntoValue>(value: deserr::Value<V>, location: ValuePointerRef<'_>) -> Result<Self, Faults> {
        match value {
            deserr::Value::Null => Ok(Self(None)),
            other => AgencyKey::deserialize_from_value(other, location).map(|key| Self(Some(key))),
        }
    }
}

impl Serialize for OneOrAll {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A grant as it is given: a client may act for an agency, on the days from its start to before its end.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct GrantInput {
    /// The id of the client; it can't be changed.
    client: Ref,
    /// For which agency, null for all; it can't be changed. An ORI that no agency goes by yet lets the client register that agency.
    #[schema(value_type = Option<AgencyKey>, required)]
    agency: OneOrAll,
    /// The first day, in UTC.
    starts_on: Day,
    /// The day after the last, in UTC; null where there is no last.
    #[deserr(default)]
    ends_on: Option<Day>,
}

/// The days of a grant.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct GrantDaysInput {
    /// The first day, in UTC.
    starts_on: Day,
    /// The day after the last, in UTC; null where there is no last.
    #[deserr(default)]
    ends_on: Option<Day>,
}

/// A grant as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grant)]
pub struct GrantView {
    id: Uuid,
    /// The id of the client.
    client: Uuid,
    /// For which agency; null for all.
    #[schema(required)]
    agency: Option<GrantedAgencyView>,
    starts_on: Day,
    /// The day after the last; null where there is no last.
    #[schema(required)]
    ends_on: Option<Day>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// An agency of a grant, or one that is not registered yet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GrantedAgency)]
pub struct GrantedAgencyView {
    /// Null until it is registered.
    #[schema(required)]
    id: Option<Uuid>,
    /// Its primary ORI.
    #[schema(required, example = "TX2270000")]
    ori: Option<String>,
    /// Null until it is registered.
    #[schema(required)]
    name: Option<String>,
}

/// Filters of the list of grants.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct GrantQuery {
    /// Only of this client.
    #[deserr(default)]
    #[param(inline)]
    client: Option<Ref>,
    /// Only for this agency.
    #[deserr(default)]
    #[param(inline)]
    agency: Option<AgencyKey>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::ruled!(GrantInput => GrantDraft);

impl super::rules::Rules for GrantDaysInput {
    fn broken(self, _: jiff::civil::Date) -> crate::domain::invalid::Faults {
        self.of(Uuid::nil()).check()
    }
}

impl From<GrantInput> for GrantDraft {
    fn from(input: GrantInput) -> Self {
        Self { client: input.client.0, agency: input.agency.0, starts_on: input.starts_on.0, ends_on: input.ends_on.map(|day| day.0) }
    }
}

impl GrantDaysInput {
    fn of(self, client: Uuid) -> GrantDraft {
        GrantDraft { client, agency: None, starts_on: self.starts_on.0, ends_on: self.ends_on.map(|day| day.0) }
    }
}

impl GrantView {
    fn of(grant: &Grant, agencies: &HashMap<Uuid, AgencyBrief>) -> Self {
        let agency = grant.agency.as_ref().map(|key| match key {
            AgencyKey::Ori(ori) => GrantedAgencyView { id: None, ori: Some(ori.as_str().to_owned()), name: None },
            AgencyKey::Id(id) => {
                let brief = agencies.get(id);
                let (ori, name) = (brief.and_then(|brief| brief.ori.clone()), brief.map(|brief| brief.name.clone()));
                GrantedAgencyView { id: Some(*id), ori, name }
            }
        });
        Self {
            id: grant.id,
            client: grant.client,
            agency,
            starts_on: Day(grant.starts_on),
            ends_on: grant.ends_on.map(Day),
            created_at: grant.created_at,
            updated_at: grant.updated_at,
        }
    }
}

fn agency_id(grant: &Grant) -> Option<Uuid> {
    match grant.agency {
        Some(AgencyKey::Id(id)) => Some(id),
        _ => None,
    }
}

fn view(tx: &mut Tx<'_>, grant: &Grant) -> ServiceResult<GrantView> {
    Ok(GrantView::of(grant, &briefs(tx.conn, agency_id(grant))?))
}

/// List grants
///
/// For IACP staff: needs a grant for all agencies.
#[utoipa::path(tag = "clients", params(GrantQuery), security(("bearer" = ["clients:admin"])),
    responses((status = 200, description = "A page of grants.", body = Page<GrantView>)))]
#[get("/v1/grants")]
async fn list_grants(caller: Allowed<ClientsAdmin>, request: HttpRequest, query: Query<GrantQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let found = caller
        .read(move |tx| {
            let page = service::list(tx, query.client.map(|client| client.0), query.agency.as_ref(), asked)?;
            let agencies = briefs(tx.conn, page.items.iter().filter_map(agency_id))?;
            Ok(page.map(|grant| GrantView::of(&grant, &agencies)))
        })
        .await?;
    page::respond(&request, found, asked.limit, |view| view)
}

/// Grant a client an agency, or all
///
/// What the client pushed and could not be placed within its grants is looked at again.
#[utoipa::path(tag = "clients", request_body = GrantInput, security(("bearer" = ["clients:admin"])),
    responses((status = 201, description = "The grant is given.", body = GrantView)))]
#[post("/v1/grants")]
async fn create_grant(caller: Allowed<ClientsAdmin>, key: IdempotencyKey, body: Body<GrantInput>) -> ApiResult {
    let draft = GrantDraft::from(body.value);
    let client = draft.client;
    let answer = once(&caller, key, body.fingerprint, move |tx| {
        let grant = service::create(tx, &draft)?;
        Answer::created(format!("/v1/grants/{}", grant.id), &view(tx, &grant)?)
    })
    .await;
    caller.registry().access.forget(client);
    answer
}

/// Get a grant
///
/// For IACP staff: needs a grant for all agencies.
#[utoipa::path(tag = "clients", params(("id" = Ref, Path, description = "The grant.")), security(("bearer" = ["clients:admin"])),
    responses((status = 200, description = "The grant.", body = GrantView)))]
#[get("/v1/grants/{id}")]
async fn get_grant(caller: Allowed<ClientsAdmin>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let found = caller.read(move |tx| service::get(tx, path.0).and_then(|grant| view(tx, &grant))).await?;
    respond::resource(&preconditions, &found)
}

/// Change the days of a grant
///
/// To end one is to set `ends_on`.
#[utoipa::path(tag = "clients", params(("id" = Ref, Path, description = "The grant.")), security(("bearer" = ["clients:admin"])),
    request_body(content = GrantDaysInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The grant as it is now.", body = GrantView)))]
#[patch("/v1/grants/{id}")]
async fn change_grant(caller: Allowed<ClientsAdmin>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let changed = caller
        .write(move |tx| {
            let grant = service::change(tx, path.0, |tx, current| {
                preconditions.check(Some(&etag_of(&view(tx, current)?)?))?;
                let days = GrantDaysInput { starts_on: Day(current.starts_on), ends_on: current.ends_on.map(Day) };
                patch.apply(&days).map(|days| days.of(current.client))
            })?;
            view(tx, &grant)
        })
        .await?;
    caller.registry().access.forget(changed.client);
    respond::changed(&changed)
}

/// Take a grant away
///
/// At once here, within a minute on every replica.
#[utoipa::path(tag = "clients", params(("id" = Ref, Path, description = "The grant.")), security(("bearer" = ["clients:admin"])),
    responses((status = 204, description = "The grant is gone.")))]
#[delete("/v1/grants/{id}")]
async fn delete_grant(caller: Allowed<ClientsAdmin>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let grant = caller.write(move |tx| service::delete(tx, path.0, |tx, current| preconditions.check(Some(&etag_of(&view(tx, current)?)?)))).await?;
    caller.registry().access.forget(grant.client);
    respond::no_content()
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_grants).service(create_grant).service(get_grant).service(change_grant).service(delete_grant);
}
