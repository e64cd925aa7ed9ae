//! `/v1/webhooks`

mod work;

use actix_web::{HttpRequest, delete, get, patch, post};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Allowed, Authority, WebhooksRead, WebhooksWrite};
use super::decode::{Faults, Ref, parsed};
use super::extract::{Body, DeliveryPath, IdPath, IdempotencyKey, MergePatch, NoBody, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer, etag_of};
use crate::domain::agency::AgencyKey;
use crate::domain::event::EventType;
use crate::domain::text::Url;
use crate::domain::webhook::{DeliveryState, WebhookDraft, WebhookState};
use crate::service::ServiceResult;
use crate::service::webhooks as service;
use crate::storage::webhooks::{Attempt, Delivery, Webhook};

pub use work::{tidy, work};

parsed!(DeliveryState);

/// Where a client wants to be told of what happens.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct WebhookInput {
    /// An https address of the public internet, which takes `POST`.
    url: Url,
    /// Of which events; null: of all.
    #[deserr(default)]
    #[schema(max_items = 50)]
    event_types: Option<Vec<EventType>>,
    /// Of which agencies; null: of all that the client hears of.
    #[deserr(default)]
    #[schema(max_items = 1000)]
    agencies: Option<Vec<AgencyKey>>,
}

/// A webhook as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
struct WebhookView {
    id: Uuid,
    url: Url,
    #[schema(required)]
    event_types: Option<Vec<EventType>>,
    /// The ids of the agencies.
    #[schema(required)]
    agencies: Option<Vec<Uuid>>,
    state: WebhookState,
    /// Since when each call failed; it is disabled after five days of that.
    #[schema(required)]
    failing_since: Option<jiff::Timestamp>,
    #[schema(required)]
    disabled_at: Option<jiff::Timestamp>,
    /// Until when messages are signed by the former secret, too.
    #[schema(required)]
    former_secret_until: Option<jiff::Timestamp>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// A webhook with its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewWebhook)]
struct NewWebhookView {
    #[serde(flatten)]
    webhook: WebhookView,
    /// What messages are signed with (Standard Webhooks); it is shown this once, and is null where the answer is given again.
    #[schema(required, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
}

/// A delivery of an event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
struct DeliveryView {
    id: Uuid,
    /// The event, which is the `webhook-id` of each attempt.
    event: Uuid,
    state: DeliveryState,
    /// When it is tried next; null where it isn't.
    #[schema(required)]
    due_at: Option<jiff::Timestamp>,
    /// Each attempt, the first first.
    attempts: Vec<AttemptView>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// An attempt to deliver.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
struct AttemptView {
    at: jiff::Timestamp,
    /// The HTTP status of the answer.
    #[schema(required, example = 204)]
    status: Option<u16>,
    /// What went wrong without one.
    #[schema(required)]
    error: Option<String>,
}

/// What was made anew.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookReplay {
    /// How many deliveries.
    replayed: usize,
}

/// Where a page of webhooks begins.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WebhookQuery {
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Filters of the list of deliveries.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeliveryQuery {
    /// Only those that are so far.
    #[deserr(default)]
    #[param(inline)]
    state: Option<DeliveryState>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::unruled!(WebhookInput);

impl From<WebhookInput> for WebhookDraft {
    fn from(WebhookInput { url, event_types, agencies }: WebhookInput) -> Self {
        Self { url, event_types, agencies }
    }
}

impl From<&WebhookDraft> for WebhookInput {
    fn from(draft: &WebhookDraft) -> Self {
        let WebhookDraft { url, event_types, agencies } = draft.clone();
        Self { url, event_types, agencies }
    }
}

impl From<&Webhook> for WebhookView {
    fn from(webhook: &Webhook) -> Self {
        let id_of = |key: &AgencyKey| if let AgencyKey::Id(id) = key { Some(*id) } else { None };
        Self {
            id: webhook.id,
            url: webhook.draft.url.clone(),
            event_types: webhook.draft.event_types.clone(),
            agencies: webhook.draft.agencies.as_ref().map(|keys| keys.iter().filter_map(id_of).collect()),
            state: webhook.state,
            failing_since: webhook.failing_since,
            disabled_at: webhook.disabled_at,
            former_secret_until: webhook.former_secret_until,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        let attempt = |Attempt { at, status, error }: &Attempt| AttemptView { at: *at, status: *status, error: error.clone() };
        Self {
            id: delivery.id,
            event: delivery.event,
            state: delivery.state,
            due_at: Some(delivery.due_at).filter(|_| delivery.state == DeliveryState::Pending),
            attempts: delivery.log.iter().map(attempt).collect(),
            created_at: delivery.created_at,
            updated_at: delivery.updated_at,
        }
    }
}

fn guard(preconditions: &Preconditions, current: &Webhook) -> ServiceResult<()> {
    preconditions.check(Some(&etag_of(&WebhookView::from(current))?))
}

/// List webhooks
///
/// Those of the calling client, in the order in which they were made.
#[utoipa::path(tag = "events", params(WebhookQuery), security(("bearer" = ["webhooks:read"])),
    responses((status = 200, description = "A page of webhooks.", body = Page<WebhookView>)))]
#[get("/v1/webhooks")]
async fn list_webhooks(caller: Allowed<WebhooksRead>, request: HttpRequest, query: Query<WebhookQuery>) -> ApiResult {
    let asked = page::requested(&request, query.0.limit, query.0.cursor.as_ref())?;
    let found = caller.read(move |tx| service::list(tx, asked)).await?;
    page::respond(&request, found, asked.limit, |webhook| WebhookView::from(&webhook))
}

/// Make a webhook
///
/// It is told of what happens from now on: each event once it was taken (2xx), in order for each agency, tried again for over a day where it is
/// not. Messages are signed as Standard Webhooks says. At most 100 for a client.
#[utoipa::path(tag = "events", request_body = WebhookInput, security(("bearer" = ["webhooks:write"])),
    responses((status = 201, description = "The webhook is made; its secret is shown this once.", body = NewWebhookView)))]
#[post("/v1/webhooks")]
async fn create_webhook(caller: Allowed<WebhooksWrite>, key: IdempotencyKey, body: Body<WebhookInput>) -> ApiResult {
    let draft = WebhookDraft::from(body.value);
    let granted = match &caller.authority {
        Authority::Token(keys) => keys.as_ref().map(|keys| keys.to_vec()),
        Authority::Client(_) => None,
    };
    let registry = caller.registry().clone();
    once(&caller, key, body.fingerprint, move |tx| {
        let refusal = registry.outgoing.refusal(draft.url.as_str());
        let webhook = service::create(tx, &draft, granted.clone(), refusal)?;
        let view = |secret| NewWebhookView { webhook: WebhookView::from(&webhook), secret };
        let answer = Answer::created(format!("/v1/webhooks/{}", webhook.id), &view(None))?;
        answer.showing_once(&view(Some(registry.webhooks.secret(&webhook))))
    })
    .await
}

/// Get a webhook
#[utoipa::path(tag = "events", params(("id" = Ref, Path)), security(("bearer" = ["webhooks:read"])),
    responses((status = 200, description = "The webhook.", body = WebhookView)))]
#[get("/v1/webhooks/{id}")]
async fn get_webhook(caller: Allowed<WebhooksRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let webhook = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &WebhookView::from(&webhook))
}

/// Change a webhook
#[utoipa::path(tag = "events", params(("id" = Ref, Path)), security(("bearer" = ["webhooks:write"])),
    request_body(content = WebhookInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The webhook as it is now.", body = WebhookView)))]
#[patch("/v1/webhooks/{id}")]
async fn change_webhook(caller: Allowed<WebhooksWrite>, path: IdPath, preconditions: Preconditions, patch: MergePatch) -> ApiResult {
    let registry = caller.registry().clone();
    let webhook = caller
        .write(move |tx| {
            let edit = |current: &Webhook| {
                guard(&preconditions, current)?;
                patch.apply(&WebhookInput::from(&current.draft)).map(WebhookDraft::from)
            };
            service::change(tx, path.0, edit, |draft| registry.outgoing.refusal(draft.url.as_str()))
        })
        .await?;
    respond::changed(&WebhookView::from(&webhook))
}

/// Delete a webhook
///
/// With its deliveries: what was not taken yet is not delivered any more.
#[utoipa::path(tag = "events", params(("id" = Ref, Path)), security(("bearer" = ["webhooks:write"])),
    responses((status = 204, description = "The webhook is deleted.")))]
#[delete("/v1/webhooks/{id}")]
async fn delete_webhook(caller: Allowed<WebhooksWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    caller.write(move |tx| service::delete(tx, path.0, |current| guard(&preconditions, current))).await?;
    respond::no_content()
}

/// Give a webhook another secret
///
/// Messages are signed by both for 24 hours, so that one can follow the other without a gap.
#[utoipa::path(tag = "events", params(("id" = Ref, Path)), security(("bearer" = ["webhooks:write"])),
    responses((status = 200, description = "The webhook; its secret is shown this once.", body = NewWebhookView)))]
#[post("/v1/webhooks/{id}/rotation")]
async fn rotate_webhook(caller: Allowed<WebhooksWrite>, path: IdPath, key: IdempotencyKey, body: NoBody) -> ApiResult {
    let registry = caller.registry().clone();
    once(&caller, key, body.fingerprint, move |tx| {
        let webhook = service::rotate(tx, path.0)?;
        let view = |secret| NewWebhookView { webhook: WebhookView::from(&webhook), secret };
        Answer::ok(&view(None))?.showing_once(&view(Some(registry.webhooks.secret(&webhook))))
    })
    .await
}

/// Enable a webhook
///
/// One that was disabled since it failed for five days. It is told of all that happened since, too.
#[utoipa::path(tag = "events", params(("id" = Ref, Path)), security(("bearer" = ["webhooks:write"])),
    responses((status = 200, description = "The webhook is called again.", body = WebhookView)))]
#[post("/v1/webhooks/{id}/activation")]
async fn enable_webhook(caller: Allowed<WebhooksWrite>, path: IdPath, key: IdempotencyKey, body: NoBody) -> ApiResult {
    once(&caller, key, body.fingerprint, move |tx| Answer::ok(&WebhookView::from(&service::enable(tx, path.0)?))).await
}

/// List deliveries to a webhook
///
/// Each with its attempts, in the order in which they were found to be made.
#[utoipa::path(tag = "events", params(("id" = Ref, Path), DeliveryQuery), security(("bearer" = ["webhooks:read"])),
    responses((status = 200, description = "A page of deliveries.", body = Page<DeliveryView>)))]
#[get("/v1/webhooks/{id}/deliveries")]
async fn list_webhook_deliveries(caller: Allowed<WebhooksRead>, request: HttpRequest, path: IdPath, query: Query<DeliveryQuery>) -> ApiResult {
    let DeliveryQuery { state, limit, cursor } = query.0;
    let asked = page::requested(&request, limit, cursor.as_ref())?;
    let found = caller.read(move |tx| service::list_deliveries(tx, path.0, state, asked)).await?;
    page::respond(&request, found, asked.limit, |delivery| DeliveryView::from(&delivery))
}

/// Deliver an event anew
///
/// Whether it was taken or given up.
#[utoipa::path(tag = "events", params(("id" = Ref, Path, description = "The webhook."), ("delivery" = Ref, Path, description = "The delivery.")),
    security(("bearer" = ["webhooks:write"])), responses((status = 200, description = "It is to be delivered.", body = DeliveryView)))]
#[post("/v1/webhooks/{id}/deliveries/{delivery}/replay")]
async fn replay_webhook_delivery(caller: Allowed<WebhooksWrite>, path: DeliveryPath, key: IdempotencyKey, body: NoBody) -> ApiResult {
    let DeliveryPath { webhook, delivery } = path;
    once(&caller, key, body.fingerprint, move |tx| Answer::ok(&DeliveryView::from(&service::replay(tx, webhook, delivery)?))).await
}

/// Deliver anew what was given up
#[utoipa::path(tag = "events", params(("id" = Ref, Path)), security(("bearer" = ["webhooks:write"])),
    responses((status = 200, description = "It is to be delivered.", body = WebhookReplay)))]
#[post("/v1/webhooks/{id}/replay")]
async fn replay_webhook(caller: Allowed<WebhooksWrite>, path: IdPath, key: IdempotencyKey, body: NoBody) -> ApiResult {
    once(&caller, key, body.fingerprint, move |tx| Answer::ok(&WebhookReplay { replayed: service::replay_all(tx, path.0)? })).await
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config
        .service(list_webhooks)
        .service(create_webhook)
        .service(get_webhook)
        .service(change_webhook)
        .service(delete_webhook)
        .service(rotate_webhook)
        .service(enable_webhook)
        .service(list_webhook_deliveries)
        .service(replay_webhook_delivery)
        .service(replay_webhook);
}
