//! `/v1/officer-joins`

use std::collections::HashMap;

use actix_web::{HttpRequest, get, post};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, OfficersWrite};
use super::decode::Faults;
use super::extract::{IdPath, IdempotencyKey, NoBody, Preconditions, Query};
use super::officers::IdentifierInput;
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer};
use crate::domain::join::JoinStatus;
use crate::domain::text::{Email, Name};
use crate::service::joins as service;
use crate::service::{ServiceResult, Tx};
use crate::storage::agencies::{AgencyBrief, briefs};
use crate::storage::joins::Join;
use crate::storage::officers::{Records, people_of};

/// An officer whom a client described by an identifier that somebody out of its reach holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfficerJoin)]
struct JoinView {
    id: Uuid,
    status: JoinStatus,
    /// The record that the client made, without the identifiers; once the join is confirmed, it answers as the officer whom it was merged into.
    officer_id: Uuid,
    /// The officer as whom it is taken for the same person; absent where it isn't.
    joined_with: Option<Uuid>,
    /// For which agency the client described the officer.
    agency: AgencyBriefView,
    /// The client.
    client: Uuid,
    /// As the client sent it.
    #[schema(example = "Maria")]
    given_name: Name,
    /// As the client sent it.
    #[schema(example = "Rivera")]
    family_name: Name,
    /// As the client sent it.
    email: Option<Email>,
    /// Those of the identifiers as sent that somebody else holds.
    identifiers: Vec<IdentifierInput>,
    /// When staff confirmed it.
    confirmed_at: Option<jiff::Timestamp>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// Filters of the list of joins.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct JoinQuery {
    /// Only those that stand so.
    #[deserr(default)]
    #[param(inline)]
    status: Option<JoinStatus>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl JoinView {
    fn of(join: &Join, people: &Records, agencies: &HashMap<Uuid, AgencyBrief>) -> Self {
        let unnamed = || AgencyBrief { id: join.agency, ori: None, name: String::new() };
        Self {
            id: join.id,
            status: join.status,
            officer_id: join.officer,
            joined_with: people.get(&join.officer).copied().filter(|person| *person != join.officer),
            agency: AgencyBriefView::from(&agencies.get(&join.agency).cloned().unwrap_or_else(unnamed)),
            client: join.client,
            given_name: join.given_name.clone(),
            family_name: join.family_name.clone(),
            email: join.email.clone(),
            identifiers: join.identifiers.iter().map(IdentifierInput::from).collect(),
            confirmed_at: join.confirmed_at,
            created_at: join.created_at,
            updated_at: join.updated_at,
        }
    }
}

fn view(tx: &mut Tx<'_>, join: &Join) -> ServiceResult<JoinView> {
    let people = people_of(tx.conn, &[join.officer])?;
    Ok(JoinView::of(join, &people, &briefs(tx.conn, [join.agency])?))
}

/// List officers whom two clients describe
///
/// For IACP staff: needs a grant for all agencies.
#[utoipa::path(tag = "officers", params(JoinQuery), security(("bearer" = ["officers:write"])),
    responses((status = 200, description = "A page of joins.", body = Page<JoinView>)))]
#[get("/v1/officer-joins")]
async fn list_officer_joins(caller: Allowed<OfficersWrite>, request: HttpRequest, query: Query<JoinQuery>) -> ApiResult {
    let asked = page::requested(&request, query.0.limit, query.0.cursor.as_ref())?;
    let found = caller
        .read(move |tx| {
            let page = service::list(tx, query.0.status, asked)?;
            let agencies = briefs(tx.conn, page.items.iter().map(|join| join.agency))?;
            let people = people_of(tx.conn, &page.items.iter().map(|join| join.officer).collect::<Vec<_>>())?;
            Ok(page.map(|join| JoinView::of(&join, &people, &agencies)))
        })
        .await?;
    page::respond(&request, found, asked.limit, |view| view)
}

/// Get an officer whom two clients describe
///
/// For IACP staff: needs a grant for all agencies.
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The join.")), security(("bearer" = ["officers:write"])),
    responses((status = 200, description = "The join.", body = JoinView)))]
#[get("/v1/officer-joins/{id}")]
async fn get_officer_join(caller: Allowed<OfficersWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let found = caller.read(move |tx| service::get(tx, path.0).and_then(|join| view(tx, &join))).await?;
    respond::resource(&preconditions, &found)
}

/// Confirm that two clients describe one person
///
/// For IACP staff: needs a grant for all agencies. The record of the client that was joined is merged into the one that was held, and the
/// client sees the person from now on. A parked one is a conflict: correct the officer who has the wrong identifier, or merge the two.
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The join.")), security(("bearer" = ["officers:write"])),
    responses((status = 200, description = "The join is confirmed.", body = JoinView)))]
#[post("/v1/officer-joins/{id}/confirmation")]
async fn confirm_officer_join(caller: Allowed<OfficersWrite>, path: IdPath, key: IdempotencyKey, body: NoBody) -> ApiResult {
    once(&caller, key, body.fingerprint, move |tx| {
        let join = service::confirm(tx, path.0)?;
        Answer::ok(&view(tx, &join)?)
    })
    .await
}

/// Say that two clients describe two people
///
/// For IACP staff: needs a grant for all agencies. Credit no longer passes between them, and the identifiers stay withheld. A join that was
/// confirmed is a conflict: undo the merge.
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The join.")), security(("bearer" = ["officers:write"])),
    responses((status = 200, description = "Nobody is joined any more.", body = JoinView)))]
#[post("/v1/officer-joins/{id}/separation")]
async fn separate_officer_join(caller: Allowed<OfficersWrite>, path: IdPath, key: IdempotencyKey, body: NoBody) -> ApiResult {
    once(&caller, key, body.fingerprint, move |tx| {
        let join = service::separate(tx, path.0)?;
        Answer::ok(&view(tx, &join)?)
    })
    .await
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_officer_joins).service(get_officer_join).service(confirm_officer_join).service(separate_officer_join);
}
