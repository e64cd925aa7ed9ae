//! `/v1/trainings`

use actix_web::{HttpRequest, delete, get, patch, post, put};
use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Allowed, Scope as _, TrainingsRead, TrainingsRecognize, TrainingsWrite};
use super::decode::{Faults, Ref, refuse};
use super::extract::{Body, IdPath, IdempotencyKey, MergePatch, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::invalid::Invalid;
use crate::domain::text::{Code, Name, Note};
use crate::domain::training::{Category, Hours, Program, RecognitionStatus, TrainingDraft};
use crate::service::trainings as service;
use crate::storage::trainings::{Recognition, Training, TrainingFilter};

/// A number of months, 1..=1200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Months(pub u16);

impl Deserr<Faults> for Months {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef<'_>) -> Result<Self, Faults> {
        let months = i64::deserialize_from_value(value, location)?;
        match u16::try_from(months) {
            Ok(months @ 1..=1200) => Ok(Self(months)),
            _ => refuse(location, Invalid::new("invalid_validity", "must be 1 to 1200 months")),
        }
    }
}

/// A training as it is proposed.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct TrainingInput {
    /// The catalogue's code, which no other training has.
    code: Code,
    title: Name,
    /// Who gives it.
    #[deserr(default)]
    provider: Option<Name>,
    program: Program,
    category: Category,
    /// How long it takes.
    #[deserr(default)]
    hours: Option<Hours>,
    /// For how long it is valid; null where it never lapses.
    #[deserr(default)]
    validity_months: Option<Months>,
}

/// A training of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Training)]
pub struct TrainingView {
    id: Uuid,
    code: Code,
    title: Name,
    /// Who gives it.
    provider: Option<Name>,
    program: Program,
    category: Category,
    /// How long it takes.
    hours: Option<Hours>,
    /// For how long it is valid; null where it never lapses.
    validity_months: Option<Months>,
    recognition: RecognitionStatus,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// A decision on a training.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct RecognitionInput {
    status: RecognitionStatus,
    /// Why.
    #[deserr(default)]
    note: Option<Note>,
}

/// Where the recognition of a training stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recognition)]
pub struct RecognitionView {
    status: RecognitionStatus,
    /// Why.
    note: Option<Note>,
    /// When it was decided; null until it is.
    changed_at: Option<jiff::Timestamp>,
}

/// Filters of the list of trainings.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TrainingQuery {
    /// Only of this programme.
    #[deserr(default)]
    #[param(inline)]
    program: Option<Program>,
    /// Only what counts towards this.
    #[deserr(default)]
    #[param(inline)]
    category: Option<Category>,
    /// Only those whose recognition stands so.
    #[deserr(default)]
    #[param(inline)]
    recognition: Option<RecognitionStatus>,
    /// Only the one with this code, to the letter.
    #[deserr(default)]
    #[param(inline)]
    code: Option<Code>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::ruled!(TrainingInput => TrainingDraft);
super::rules::unruled!(RecognitionInput);

impl From<TrainingInput> for TrainingDraft {
    fn from(input: TrainingInput) -> Self {
        Self {
            code: input.code,
            title: input.title,
            provider: input.provider,
            program: input.program,
            category: input.category,
            hours: input.hours,
            validity_months: input.validity_months.map(|months| months.0),
        }
    }
}

impl From<&TrainingDraft> for TrainingInput {
    fn from(draft: &TrainingDraft) -> Self {
        Self {
            code: draft.code.clone(),
            title: draft.title.clone(),
            provider: draft.provider.clone(),
            program: draft.program,
            category: draft.category,
            hours: draft.hours,
            validity_months: draft.validity_months.map(Months),
        }
    }
}

impl From<&Training> for TrainingView {
    fn from(training: &Training) -> Self {
        let input = TrainingInput::from(&training.draft);
        Self {
            id: training.id,
            code: input.code,
            title: input.title,
            provider: input.provider,
            program: input.program,
            category: input.category,
            hours: input.hours,
            validity_months: input.validity_months,
            recognition: training.recognition.status,
            created_at: training.created_at,
            updated_at: training.updated_at,
        }
    }
}

impl From<&Recognition> for RecognitionView {
    fn from(recognition: &Recognition) -> Self {
        Self { status: recognition.status, note: recognition.note.clone(), changed_at: recognition.changed_at }
    }
}

/// List trainings
///
/// The catalogue, which is common to all clients.
#[utoipa::path(tag = "trainings", params(TrainingQuery), security(("bearer" = ["trainings:read"])),
    responses((status = 200, description = "A page of trainings.", body = Page<TrainingView>)))]
#[get("/v1/trainings")]
async fn list_trainings(caller: Allowed<TrainingsRead>, request: HttpRequest, query: Query<TrainingQuery>) -> ApiResult {
    let query = query.0;
    let asked = page::requested(&request, query.limit, query.cursor.as_ref())?;
    let filter = TrainingFilter { program: query.program, category: query.category, recognition: query.recognition, code: query.code };
    let found = caller.read(move |tx| service::list(tx, &filter, asked)).await?;
    page::respond(&request, found, asked.limit, |training| TrainingView::from(&training))
}

/// Propose a training
///
/// It counts once IACP staff recognize it.
#[utoipa::path(tag = "trainings", request_body = TrainingInput, security(("bearer" = ["trainings:write"])),
    responses((status = 201, description = "The training is in the catalogue, as `proposed`.", body = TrainingView)))]
#[post("/v1/trainings")]
async fn create_training(caller: Allowed<TrainingsWrite>, key: IdempotencyKey, body: Body<TrainingInput>) -> ApiResult {
    let draft = TrainingDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let training = service::create(tx, &draft)?;
        Answer::created(format!("/v1/trainings/{}", training.id), &TrainingView::from(&training))
    })
    .await
}

/// Get a training
#[utoipa::path(tag = "trainings", params(("id" = Ref, Path)), security(("bearer" = ["trainings:read"])),
    responses((status = 200, description = "The training.", body = TrainingView)))]
#[get("/v1/trainings/{id}")]
async fn get_training(caller: Allowed<TrainingsRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let training = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &TrainingView::from(&training))
}

/// Replace a training
///
/// Another `category`, `program`, `hours` or `validity_months` of a training that is recognized needs the scope
/// `trainings:recognize` too, and a grant for all agencies.
#[utoipa::path(tag = "trainings", params(("id" = Ref, Path)), request_body = TrainingInput, security(("bearer" = ["trainings:write"])),
    responses((status = 200, description = "The training is as sent.", body = TrainingView)))]
#[put("/v1/trainings/{id}")]
async fn replace_training(caller: Allowed<TrainingsWrite>, path: IdPath, preconditions: Preconditions, body: Body<TrainingInput>) -> ApiResult {
    let draft = TrainingDraft::from(body.value);
    let may_recognize = caller.may(TrainingsRecognize::NAME);
    let training = caller
        .write(move |tx| {
            service::change(tx, path.0, may_recognize, |current| {
                preconditions.check(Some(&etag_of(&TrainingView::from(current))?))?;
                Ok(draft.clone())
            })
        })
        .await?;
    respond::changed(&TrainingView::from(&training))
}

/// Change a training
///
/// Another `category`, `program`, `hours` or `validity_months` of a training that is recognized needs the scope
/// `trainings:recognize` too, and a grant for all agencies.
#[utoipa::path(tag = "trainings", params(("id" = Ref, Path)), security(("bearer" = ["trainings:write"])),
    request_body(content = TrainingInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The training as it is now.", body = TrainingView)))]
#[patch("/v1/trainings/{id}")]
async fn change_training(caller: Allowed<TrainingsWrite>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let may_recognize = caller.may(TrainingsRecognize::NAME);
    let training = caller
        .write(move |tx| {
            service::change(tx, path.0, may_recognize, |current| {
                preconditions.check(Some(&etag_of(&TrainingView::from(current))?))?;
                patch.apply::<TrainingInput>(&TrainingInput::from(&current.draft)).map(TrainingDraft::from)
            })
        })
        .await?;
    respond::changed(&TrainingView::from(&training))
}

/// Delete a training
///
/// Only while no course mapping and no completion refers to it.
#[utoipa::path(tag = "trainings", params(("id" = Ref, Path)), security(("bearer" = ["trainings:write"])),
    responses((status = 204, description = "The training is gone.")))]
#[delete("/v1/trainings/{id}")]
async fn delete_training(caller: Allowed<TrainingsWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    caller.write(move |tx| service::delete(tx, path.0, |current| preconditions.check(Some(&etag_of(&TrainingView::from(current))?)))).await?;
    respond::no_content()
}

/// Get the recognition of a training
#[utoipa::path(tag = "trainings", params(("id" = Ref, Path)), security(("bearer" = ["trainings:read"])),
    responses((status = 200, description = "Where its recognition stands.", body = RecognitionView)))]
#[get("/v1/trainings/{id}/recognition")]
async fn get_recognition(caller: Allowed<TrainingsRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let training = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &RecognitionView::from(&training.recognition))
}

/// Recognize or decline a training
///
/// IACP staff decide which trainings count; it needs a grant for all agencies.
#[utoipa::path(tag = "trainings", params(("id" = Ref, Path)), request_body = RecognitionInput, security(("bearer" = ["trainings:recognize"])),
    responses((status = 200, description = "The decision is as sent.", body = RecognitionView)))]
#[put("/v1/trainings/{id}/recognition")]
async fn put_recognition(caller: Allowed<TrainingsRecognize>, path: IdPath, preconditions: Preconditions, body: Body<RecognitionInput>) -> ApiResult {
    let RecognitionInput { status, note } = body.value;
    let recognition = caller
        .write(move |tx| {
            let guard = |current: &Recognition| preconditions.check(Some(&etag_of(&RecognitionView::from(current))?));
            service::recognize(tx, path.0, status, note.clone(), guard)
        })
        .await?;
    respond::changed(&RecognitionView::from(&recognition))
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_trainings).service(create_training).service(get_training).service(replace_training);
    config.service(change_training).service(delete_training).service(get_recognition).service(put_recognition);
}
