//! `/v1/resources`

use actix_web::{HttpRequest, delete, get, patch, post, put};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Allowed, ResourcesRead, ResourcesWrite};
use super::decode::{Day, Faults, Ref, parsed};
use super::extract::{Body, IdPath, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::library::{Language, Link, ResourceDraft, ResourceKind, Topic};
use crate::domain::text::{Name, Note};
use crate::service::ServiceResult;
use crate::service::library as service;
use crate::storage::library::HeldResource;

parsed!(ResourceKind, Topic, Link, Language);

/// An entry of the library as staff describe it.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct ResourceInput {
    kind: ResourceKind,
    /// What it is about; a topic counts once, however often it is named.
    #[deserr(default)]
    #[schema(required = false, max_items = 20)]
    topics: Vec<Topic>,
    /// Its title.
    #[schema(example = "Response to people in crisis: a model policy")]
    title: Name,
    /// What it has to say.
    summary: Note,
    link: Link,
    /// Who published it.
    #[schema(example = "IACP")]
    publisher: Name,
    /// When it was published.
    published_on: Day,
    language: Language,
}

/// An entry of the library as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Resource)]
pub struct ResourceView {
    id: Uuid,
    kind: ResourceKind,
    /// What it is about, in the order of the alphabet.
    topics: Vec<Topic>,
    title: Name,
    summary: Note,
    link: Link,
    publisher: Name,
    published_on: Day,
    language: Language,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ResourceQuery {
    /// Only of this kind.
    #[deserr(default)]
    #[param(inline)]
    kind: Option<ResourceKind>,
    /// Only about this.
    #[deserr(default)]
    #[param(inline)]
    topic: Option<Topic>,
    /// Only those in which each of these words begins a word of title, summary, publisher, kind or topics, whatever its case and accents.
    #[deserr(default)]
    #[param(inline)]
    q: Option<Name>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::ruled!(ResourceInput => ResourceDraft);

impl From<ResourceInput> for ResourceDraft {
    fn from(input: ResourceInput) -> Self {
        Self {
            kind: input.kind,
            topics: input.topics.into_iter().collect(),
            title: input.title,
            summary: input.summary,
            link: input.link,
            publisher: input.publisher,
            published_on: input.published_on.0,
            language: input.language,
        }
    }
}

impl From<&ResourceDraft> for ResourceInput {
    fn from(draft: &ResourceDraft) -> Self {
        Self {
            kind: draft.kind,
            topics: draft.topics.iter().cloned().collect(),
            title: draft.title.clone(),
            summary: draft.summary.clone(),
            link: draft.link.clone(),
            publisher: draft.publisher.clone(),
            published_on: Day(draft.published_on),
            language: draft.language.clone(),
        }
    }
}

impl From<&HeldResource> for ResourceView {
    fn from(held: &HeldResource) -> Self {
        let ResourceInput { kind, topics, title, summary, link, publisher, published_on, language } = ResourceInput::from(&held.draft);
        let (id, created_at, updated_at) = (held.id, held.created_at, held.updated_at);
        Self { id, kind, topics, title, summary, link, publisher, published_on, language, created_at, updated_at }
    }
}

fn guard(preconditions: &Preconditions, current: &HeldResource) -> ServiceResult<()> {
    preconditions.check(Some(&etag_of(&ResourceView::from(current))?))
}

/// Search the library
///
/// Model policies, trainings, webinars, podcasts, toolkits, spotlights and peer learning sites, in the order in which they were entered.
#[utoipa::path(tag = "resources", params(ResourceQuery), security(("bearer" = ["resources:read"])),
    responses((status = 200, description = "A page of entries.", body = Page<ResourceView>)))]
#[get("/v1/resources")]
async fn list_resources(caller: Allowed<ResourcesRead>, request: HttpRequest, query: Query<ResourceQuery>) -> ApiResult {
    let ResourceQuery { kind, topic, q, limit, cursor } = query.0;
    let asked = page::requested(&request, limit, cursor.as_ref())?;
    let q = q.map_or_else(String::new, Name::into_string);
    let found = caller.read(move |tx| service::list(tx, kind, topic.clone(), &q, asked)).await?;
    page::respond(&request, found, asked.limit, |held| ResourceView::from(&held))
}

/// Enter something in the library
///
/// Needs a grant for all agencies.
#[utoipa::path(tag = "resources", request_body = ResourceInput, security(("bearer" = ["resources:write"])),
    responses((status = 201, description = "It is entered.", body = ResourceView)))]
#[post("/v1/resources")]
async fn create_resource(caller: Allowed<ResourcesWrite>, key: IdempotencyKey, body: Body<ResourceInput>) -> ApiResult {
    let draft = ResourceDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let held = service::create(tx, &draft)?;
        Answer::created(format!("/v1/resources/{}", held.id), &ResourceView::from(&held))
    })
    .await
}

/// Get an entry of the library
#[utoipa::path(tag = "resources", params(("id" = Ref, Path)), security(("bearer" = ["resources:read"])),
    responses((status = 200, description = "The entry.", body = ResourceView)))]
#[get("/v1/resources/{id}")]
async fn get_resource(caller: Allowed<ResourcesRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let held = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &ResourceView::from(&held))
}

/// Replace an entry of the library
///
/// Needs a grant for all agencies.
#[utoipa::path(tag = "resources", params(("id" = Ref, Path)), request_body = ResourceInput, security(("bearer" = ["resources:write"])),
    responses((status = 200, description = "The entry is as sent.", body = ResourceView)))]
#[put("/v1/resources/{id}")]
async fn put_resource(caller: Allowed<ResourcesWrite>, path: IdPath, preconditions: Preconditions, body: Body<ResourceInput>) -> ApiResult {
    let draft = ResourceDraft::from(body.value);
    let held = caller.write(move |tx| service::change(tx, path.0, |current| guard(&preconditions, current).map(|()| draft.clone()))).await?;
    respond::changed(&ResourceView::from(&held))
}

/// Change an entry of the library
///
/// Needs a grant for all agencies.
#[utoipa::path(tag = "resources", params(("id" = Ref, Path)), security(("bearer" = ["resources:write"])),
    request_body(content = ResourceInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The entry as it is now.", body = ResourceView)))]
#[patch("/v1/resources/{id}")]
async fn change_resource(caller: Allowed<ResourcesWrite>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let held = caller
        .write(move |tx| {
            service::change(tx, path.0, |current| {
                guard(&preconditions, current)?;
                patch.apply(&ResourceInput::from(&current.draft)).map(ResourceDraft::from)
            })
        })
        .await?;
    respond::changed(&ResourceView::from(&held))
}

/// Delete an entry of the library
///
/// Needs a grant for all agencies.
#[utoipa::path(tag = "resources", params(("id" = Ref, Path)), security(("bearer" = ["resources:write"])),
    responses((status = 204, description = "The entry is deleted.")))]
#[delete("/v1/resources/{id}")]
async fn delete_resource(caller: Allowed<ResourcesWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    caller.write(move |tx| service::delete(tx, path.0, |current| guard(&preconditions, current))).await?;
    respond::no_content()
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config
        .service(list_resources)
        .service(create_resource)
        .service(get_resource)
        .service(put_resource)
        .service(change_resource)
        .service(delete_resource);
}
