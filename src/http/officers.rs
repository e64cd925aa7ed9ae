//! `/v1/officers`

use std::collections::HashMap;

use actix_web::{HttpRequest, delete, get, patch, post, put};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::appointments::{AppointmentInput, AppointmentView};
use super::auth::{Allowed, OfficersRead, OfficersWrite};
use super::decode::{AtMost, Faults};
use super::extract::{Body, IdPath, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::{ApiError, ApiResult, Kind};
use super::respond::{self, Answer, etag_of};
use crate::domain::agency::AgencyKey;
use crate::domain::names::fold;
use crate::domain::officer::{Identifier, OfficerDraft, Person};
use crate::domain::text::{Email, Name, Text};
use crate::service::officers as service;
use crate::service::page::PageOf;
use crate::service::{Fault, ServiceResult, Tx, agencies};
use crate::storage::agencies::AgencyBrief;
use crate::storage::officers::{Officer, OfficerFilter};

/// A key of the officer in another system, unique across the registry.
#[derive(Debug, Clone, PartialEq, Eq, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = Identifier)]
pub struct IdentifierInput {
    /// Who gives it out. Never a Social Security number.
    #[schema(example = "post:US-WA")]
    system: Text<100>,
    /// The value there, compared to the letter.
    #[schema(example = "1001-6142")]
    value: Text<200>,
}

/// An officer as a caller describes one.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct OfficerInput {
    #[schema(example = "Maria")]
    given_name: Name,
    #[schema(example = "Rivera")]
    family_name: Name,
    #[deserr(default)]
    email: Option<Email>,
    /// Keys in other systems, such as the state's register of officers.
    #[deserr(default)]
    #[schema(value_type = Vec<IdentifierInput>, required = false, max_items = 100)]
    identifiers: AtMost<IdentifierInput, 100>,
    /// Spells at agencies; at least one at an agency of the caller's, unless its grant is for all.
    #[deserr(default)]
    #[schema(value_type = Vec<AppointmentInput>, required = false, max_items = 100)]
    appointments: AtMost<AppointmentInput, 100>,
}

/// What describes the person; appointments are changed at their own place.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct PersonInput {
    #[schema(example = "Maria")]
    given_name: Name,
    #[schema(example = "Rivera")]
    family_name: Name,
    #[deserr(default)]
    email: Option<Email>,
    /// Keys in other systems: all of them, since what is left out is taken away.
    #[deserr(default)]
    #[schema(value_type = Vec<IdentifierInput>, required = false, max_items = 100)]
    identifiers: AtMost<IdentifierInput, 100>,
}

/// An officer as the caller sees them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Officer)]
pub struct OfficerView {
    id: Uuid,
    #[schema(example = "Maria")]
    given_name: Name,
    #[schema(example = "Rivera")]
    family_name: Name,
    email: Option<Email>,
    identifiers: Vec<IdentifierInput>,
    /// Spells at agencies within the caller's grants.
    appointments: Vec<AppointmentView>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
    /// When IACP staff put a pseudonym in the place of who it is; absent for everybody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pseudonymized_at: Option<jiff::Timestamp>,
}

/// Filters of the list of officers.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfficerQuery {
    /// Only those who have, had or will have an appointment at this agency.
    #[deserr(default)]
    #[param(inline)]
    agency: Option<AgencyKey>,
    /// Only those with this family name; case, accents, punctuation and suffixes such as JR don't matter.
    #[deserr(default)]
    #[param(inline)]
    family_name: Option<Name>,
    /// Only those with this given name; case, accents, punctuation and suffixes don't matter.
    #[deserr(default)]
    #[param(inline)]
    given_name: Option<Name>,
    /// Only those with this address; case doesn't matter.
    #[deserr(default)]
    #[param(inline)]
    email: Option<Email>,
    /// With `identifier_value`: only the one with this identifier.
    #[deserr(default)]
    #[param(inline)]
    identifier_system: Option<Text<100>>,
    /// With `identifier_system`: only the one with this identifier.
    #[deserr(default)]
    #[param(inline)]
    identifier_value: Option<Text<200>>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl From<IdentifierInput> for Identifier {
    fn from(input: IdentifierInput) -> Self {
        Self { system: input.system, value: input.value }
    }
}

impl From<&Identifier> for IdentifierInput {
    fn from(identifier: &Identifier) -> Self {
        Self { system: identifier.system.clone(), value: identifier.value.clone() }
    }
}

/// Identifiers as the domain has them.
pub(super) fn identifiers(input: Vec<IdentifierInput>) -> Vec<Identifier> {
    input.into_iter().map(Identifier::from).collect()
}

super::rules::ruled!(OfficerInput => OfficerDraft, PersonInput => Person);

impl From<OfficerInput> for OfficerDraft {
    fn from(input: OfficerInput) -> Self {
        Self {
            given_name: input.given_name,
            family_name: input.family_name,
            email: input.email,
            identifiers: identifiers(input.identifiers.0),
            appointments: input.appointments.0.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PersonInput> for Person {
    fn from(input: PersonInput) -> Self {
        Self { given_name: input.given_name, family_name: input.family_name, email: input.email, identifiers: identifiers(input.identifiers.0) }
    }
}

impl From<&Officer> for PersonInput {
    fn from(officer: &Officer) -> Self {
        Self {
            given_name: officer.given_name.clone(),
            family_name: officer.family_name.clone(),
            email: officer.email.clone(),
            identifiers: AtMost(officer.identifiers.iter().map(IdentifierInput::from).collect()),
        }
    }
}

impl OfficerView {
    /// An officer, given the agencies of the appointments.
    pub(super) fn of(officer: &Officer, agencies: &HashMap<Uuid, AgencyBrief>) -> Self {
        Self {
            id: officer.id,
            given_name: officer.given_name.clone(),
            family_name: officer.family_name.clone(),
            email: officer.email.clone(),
            identifiers: officer.identifiers.iter().map(IdentifierInput::from).collect(),
            appointments: officer.appointments.iter().map(|appointment| AppointmentView::of(appointment, agencies)).collect(),
            created_at: officer.created_at,
            updated_at: officer.updated_at,
            pseudonymized_at: officer.pseudonymized_at,
        }
    }
}

pub(super) fn view(tx: &mut Tx<'_>, officer: &Officer) -> ServiceResult<OfficerView> {
    let agencies = service::agencies_of(tx, std::slice::from_ref(officer))?;
    Ok(OfficerView::of(officer, &agencies))
}

/// A page of officers as views.
pub(super) fn views(tx: &mut Tx<'_>, page: PageOf<Officer>) -> ServiceResult<PageOf<OfficerView>> {
    let agencies = service::agencies_of(tx, &page.items)?;
    Ok(page.map(|officer| OfficerView::of(&officer, &agencies)))
}

impl OfficerQuery {
    fn identifier(&self) -> Result<Option<Identifier>, ApiError> {
        match (&self.identifier_system, &self.identifier_value) {
            (Some(system), Some(value)) => Ok(Some(Identifier { system: system.clone(), value: value.clone() })),
            (None, None) => Ok(None),
            (given, _) => {
                let missing = if given.is_some() { "/identifier_value" } else { "/identifier_system" };
                let fault = Fault::new(missing, "required", "`identifier_system` and `identifier_value` go together");
                Err(ApiError::new(Kind::InvalidParameter).faults(vec![fault]))
            }
        }
    }
}

/// List officers
///
/// The officers who have an appointment at an agency within the caller's grants, in the order in which they were first described.
#[utoipa::path(tag = "officers", params(OfficerQuery), security(("bearer" = ["officers:read"])),
    responses((status = 200, description = "A page of officers.", body = Page<OfficerView>)))]
#[get("/v1/officers")]
async fn list_officers(caller: Allowed<OfficersRead>, request: HttpRequest, query: Query<OfficerQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let folded = |name: &Option<Name>| name.as_ref().map(|name| fold(name.as_str()));
    let filter = OfficerFilter {
        family_name: folded(&query.family_name),
        given_name: folded(&query.given_name),
        email: query.email.as_ref().map(Email::folded),
        identifier: query.identifier()?,
        ..OfficerFilter::default()
    };
    let found = caller
        .read(move |tx| {
            let mut filter = filter.clone();
            if let Some(key) = &query.agency {
                // Nobody is at an agency that isn't there.
                let Some(agency) = agencies::find(tx, key)? else { return Ok(PageOf { items: Vec::new(), next: None }) };
                filter.agency = Some(agency.id);
            }
            let page = service::list(tx, &filter, asked)?;
            views(tx, page)
        })
        .await?;
    page::respond(&request, found, asked.limit, |view| view)
}

/// Describe an officer
///
/// With the appointments that the officer holds or held. An identifier that another officer has is a conflict.
#[utoipa::path(tag = "officers", request_body = OfficerInput, security(("bearer" = ["officers:write"])),
    responses((status = 201, description = "The officer is recorded.", body = OfficerView)))]
#[post("/v1/officers")]
async fn create_officer(caller: Allowed<OfficersWrite>, key: IdempotencyKey, body: Body<OfficerInput>) -> ApiResult {
    let draft = OfficerDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let officer = service::create(tx, &draft)?;
        Answer::created(format!("/v1/officers/{}", officer.id), &view(tx, &officer)?)
    })
    .await
}

/// Get an officer
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The officer.")), security(("bearer" = ["officers:read"])),
    responses((status = 200, description = "The officer.", body = OfficerView)))]
#[get("/v1/officers/{id}")]
async fn get_officer(caller: Allowed<OfficersRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let officer = caller.read(move |tx| service::get(tx, path.0).and_then(|officer| view(tx, &officer))).await?;
    respond::resource(&preconditions, &officer)
}

/// Replace what describes an officer
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The officer.")), request_body = PersonInput, security(("bearer" = ["officers:write"])),
    responses((status = 200, description = "The officer as they are now.", body = OfficerView)))]
#[put("/v1/officers/{id}")]
async fn put_officer(caller: Allowed<OfficersWrite>, path: IdPath, preconditions: Preconditions, body: Body<PersonInput>) -> ApiResult {
    let person = Person::from(body.value);
    let officer = caller.write(move |tx| change(tx, path.0, &preconditions, |_| Ok(person.clone()))).await?;
    respond::changed(&officer)
}

/// Change what describes an officer
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The officer.")), security(("bearer" = ["officers:write"])),
    request_body(content = PersonInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The officer as they are now.", body = OfficerView)))]
#[patch("/v1/officers/{id}")]
async fn change_officer(caller: Allowed<OfficersWrite>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let apply = move |current: &Officer| patch.apply::<PersonInput>(&PersonInput::from(current)).map(Person::from);
    let officer = caller.write(move |tx| change(tx, path.0, &preconditions, &apply)).await?;
    respond::changed(&officer)
}

fn change(
    tx: &mut Tx<'_>,
    id: Uuid,
    preconditions: &Preconditions,
    edit: impl FnOnce(&Officer) -> ServiceResult<Person>,
) -> ServiceResult<OfficerView> {
    let officer = service::change(tx, id, |tx, current| {
        preconditions.check(Some(&etag_of(&view(tx, current)?)?))?;
        edit(current)
    })?;
    view(tx, &officer)
}

/// Delete an officer
///
/// One who was recorded in error: without an appointment in force today and without completions.
#[utoipa::path(tag = "officers", params(("id" = Uuid, Path, description = "The officer.")), security(("bearer" = ["officers:write"])),
    responses((status = 204, description = "The officer is gone.")))]
#[delete("/v1/officers/{id}")]
async fn delete_officer(caller: Allowed<OfficersWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    caller.write(move |tx| service::delete(tx, path.0, |tx, current| preconditions.check(Some(&etag_of(&view(tx, current)?)?)))).await?;
    respond::no_content()
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config
        .service(super::pseudonyms::pseudonymize_officer)
        .service(list_officers)
        .service(create_officer)
        .service(get_officer)
        .service(put_officer)
        .service(change_officer)
        .service(delete_officer);
}
