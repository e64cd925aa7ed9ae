//! `/v1/course-mappings`

use actix_web::{HttpRequest, delete, get, patch, post, put};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Allowed, Caller, ClientsAdmin, Scope as _, TrainingsRead, TrainingsWrite};
use super::decode::{Day, Faults, Ref};
use super::extract::{Body, IdPath, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::text::Code;
use crate::domain::training::MappingDraft;
use crate::service::course_mappings::{self as service, Speaker};
use crate::service::{ServiceError, ServiceResult};
use crate::storage::course_mappings::{Mapping, MappingFilter};

/// What a client's course code means.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct CourseMappingInput {
    /// Whose code it is: the calling client's, unless who administers clients names another. It stays as it is.
    #[deserr(default)]
    client: Option<Ref>,
    /// The client's own course code, or an xAPI activity IRI.
    code: Code,
    /// The id of the training that it means.
    training: Ref,
    /// The first day on which it means that.
    effective_from: Day,
    /// The day after the last; null where there is no last.
    #[deserr(default)]
    effective_to: Option<Day>,
}

/// What a client's course code means.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CourseMapping)]
pub struct CourseMappingView {
    id: Uuid,
    /// Whose code it is.
    client: Uuid,
    /// The client's own course code, or an xAPI activity IRI.
    code: Code,
    /// The id of the training that it means.
    training: Uuid,
    /// The first day on which it means that.
    effective_from: Day,
    /// The day after the last; null where there is no last.
    effective_to: Option<Day>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// Filters of the list of course mappings.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CourseMappingQuery {
    /// Of this client, for who administers clients; the calling client's own, unless given.
    #[deserr(default)]
    #[param(inline)]
    client: Option<Ref>,
    /// Only of this code, to the letter.
    #[deserr(default)]
    #[param(inline)]
    code: Option<Code>,
    /// Only those that mean this training.
    #[deserr(default)]
    #[param(inline)]
    training: Option<Ref>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::ruled!(CourseMappingInput => MappingDraft);

impl From<CourseMappingInput> for MappingDraft {
    fn from(input: CourseMappingInput) -> Self {
        Self {
            code: input.code,
            training: input.training.0,
            effective_from: input.effective_from.0,
            effective_to: input.effective_to.map(|day| day.0),
        }
    }
}

impl From<&Mapping> for CourseMappingInput {
    fn from(mapping: &Mapping) -> Self {
        let draft = &mapping.draft;
        Self {
            client: Some(Ref(mapping.client)),
            code: draft.code.clone(),
            training: Ref(draft.training),
            effective_from: Day(draft.effective_from),
            effective_to: draft.effective_to.map(Day),
        }
    }
}

impl From<&Mapping> for CourseMappingView {
    fn from(mapping: &Mapping) -> Self {
        Self {
            id: mapping.id,
            client: mapping.client,
            code: mapping.draft.code.clone(),
            training: mapping.draft.training,
            effective_from: Day(mapping.draft.effective_from),
            effective_to: mapping.draft.effective_to.map(Day),
            created_at: mapping.created_at,
            updated_at: mapping.updated_at,
        }
    }
}

impl CourseMappingInput {
    /// What a mapping becomes; whose it is stays as it is.
    fn of(self, current: &Mapping) -> ServiceResult<MappingDraft> {
        if self.client.is_some_and(|client| client.0 != current.client) {
            return Err(ServiceError::invalid("/client", "immutable", "a mapping stays its client's: delete it, and map the code anew"));
        }
        Ok(MappingDraft::from(self))
    }
}

/// For whose codes a caller speaks.
fn speaker(caller: &Caller) -> Speaker {
    Speaker { administers: caller.may(ClientsAdmin::NAME) }
}

/// List course mappings
///
/// The calling client's own. Who administers clients, with a grant for all agencies, may ask for those of a client.
#[utoipa::path(tag = "trainings", params(CourseMappingQuery), security(("bearer" = ["trainings:read"])),
    responses((status = 200, description = "A page of course mappings.", body = Page<CourseMappingView>)))]
#[get("/v1/course-mappings")]
async fn list_course_mappings(caller: Allowed<TrainingsRead>, request: HttpRequest, query: Query<CourseMappingQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let filter = MappingFilter { code: query.code, training: query.training.map(|training| training.0) };
    let (speaker, client) = (speaker(&caller), query.client.map(|client| client.0));
    let found = caller.read(move |tx| service::list(tx, speaker, client, &filter, asked)).await?;
    page::respond(&request, found, asked.limit, |mapping| CourseMappingView::from(&mapping))
}

/// Map a course code
///
/// From then on, completions that the client pushes with this code are of the training, for the days that the mapping covers. No two mappings
/// of a code cover the same day. Who administers clients, with a grant for all agencies, may map the codes of another `client`.
#[utoipa::path(tag = "trainings", request_body = CourseMappingInput, security(("bearer" = ["trainings:write"])),
    responses((status = 201, description = "The code is mapped.", body = CourseMappingView)))]
#[post("/v1/course-mappings")]
async fn create_course_mapping(caller: Allowed<TrainingsWrite>, key: IdempotencyKey, body: Body<CourseMappingInput>) -> ApiResult {
    let (speaker, client) = (speaker(&caller), body.value.client.map(|client| client.0));
    let draft = MappingDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let mapping = service::create(tx, speaker, client, &draft)?;
        Answer::created(format!("/v1/course-mappings/{}", mapping.id), &CourseMappingView::from(&mapping))
    })
    .await
}

/// Get a course mapping
#[utoipa::path(tag = "trainings", params(("id" = Ref, Path)), security(("bearer" = ["trainings:read"])),
    responses((status = 200, description = "The course mapping.", body = CourseMappingView)))]
#[get("/v1/course-mappings/{id}")]
async fn get_course_mapping(caller: Allowed<TrainingsRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let speaker = speaker(&caller);
    let mapping = caller.read(move |tx| service::get(tx, speaker, path.0)).await?;
    respond::resource(&preconditions, &CourseMappingView::from(&mapping))
}

/// Replace a course mapping
///
/// Completions that are placed already stay where they are.
#[utoipa::path(tag = "trainings", params(("id" = Ref, Path)), request_body = CourseMappingInput, security(("bearer" = ["trainings:write"])),
    responses((status = 200, description = "The course mapping is as sent.", body = CourseMappingView)))]
#[put("/v1/course-mappings/{id}")]
async fn replace_course_mapping(
    caller: Allowed<TrainingsWrite>,
    path: IdPath,
    preconditions: Preconditions,
    body: Body<CourseMappingInput>,
) -> ApiResult {
    let (speaker, input) = (speaker(&caller), body.value);
    let mapping = caller
        .write(move |tx| {
            service::change(tx, speaker, path.0, |current| {
                preconditions.check(Some(&etag_of(&CourseMappingView::from(current))?))?;
                input.clone().of(current)
            })
        })
        .await?;
    respond::changed(&CourseMappingView::from(&mapping))
}

/// Change a course mapping
///
/// Completions that are placed already stay where they are.
#[utoipa::path(tag = "trainings", params(("id" = Ref, Path)), security(("bearer" = ["trainings:write"])),
    request_body(content = CourseMappingInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The course mapping as it is now.", body = CourseMappingView)))]
#[patch("/v1/course-mappings/{id}")]
async fn change_course_mapping(caller: Allowed<TrainingsWrite>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let speaker = speaker(&caller);
    let mapping = caller
        .write(move |tx| {
            service::change(tx, speaker, path.0, |current| {
                preconditions.check(Some(&etag_of(&CourseMappingView::from(current))?))?;
                patch.apply::<CourseMappingInput>(&CourseMappingInput::from(current))?.of(current)
            })
        })
        .await?;
    respond::changed(&CourseMappingView::from(&mapping))
}

/// Delete a course mapping
///
/// Completions that are placed already stay where they are.
#[utoipa::path(tag = "trainings", params(("id" = Ref, Path)), security(("bearer" = ["trainings:write"])),
    responses((status = 204, description = "The course mapping is gone.")))]
#[delete("/v1/course-mappings/{id}")]
async fn delete_course_mapping(caller: Allowed<TrainingsWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let speaker = speaker(&caller);
    caller
        .write(move |tx| service::delete(tx, speaker, path.0, |current| preconditions.check(Some(&etag_of(&CourseMappingView::from(current))?))))
        .await?;
    respond::no_content()
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_course_mappings).service(create_course_mapping).service(get_course_mapping);
    config.service(replace_course_mapping).service(change_course_mapping).service(delete_course_mapping);
}
