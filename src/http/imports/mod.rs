//! `/v1/imports`: batches that are accepted first and taken in the background.

mod accept;
mod job;
mod outcomes;
mod view;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::auth::{Allowed, CompletionsWrite};
use super::decode::Ref;
use super::extract::{IdPath, IdempotencyKey, NoBody, Preconditions, Query};
use super::once::once;
use super::page::{self, Page, PageQuery};
use super::problem::ApiResult;
use super::respond::{self, Answer};
use crate::service::imports as service;
use crate::telemetry::IMPORTS;

pub use accept::{Sent, accept};
pub use view::ImportView;
pub use work::{Imports, let_all_go, work};

/// After how many seconds to look again at an import that is not over.
const LOOK_AGAIN: HeaderValue = HeaderValue::from_static("2");

/// List imports
///
/// The calling client's own. One that has ended is kept until `expires_at`.
#[utoipa::path(tag = "completions", security(("bearer" = ["completions:write"])),
    params(("limit" = Option<u16>, Query, description = "How many items a page has.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "Where the page begins, as the page before gave it.")),
    responses((status = 200, description = "A page of imports.", body = Page<ImportView>)))]
#[get("/v1/imports")]
async fn list_imports(caller: Allowed<CompletionsWrite>, request: HttpRequest, query: Query<PageQuery>) -> ApiResult {
    let asked = page::requested(&request, query.0.limit, query.0.cursor.as_ref())?;
    let found = caller.read(move |tx| service::list(tx, asked)).await?;
    let kept = caller.registry().imports.kept;
    page::respond(&request, found, asked.limit, |import| ImportView::of(import, kept))
}

/// Get an import
///
/// How far it is, and what became of its records so far. Until it has ended, `Retry-After` says when to ask again.
#[utoipa::path(tag = "completions", params(("id" = Ref, Path, description = "The import.")), security(("bearer" = ["completions:write"])),
    responses((status = 200, description = "The import.", body = ImportView)))]
#[get("/v1/imports/{id}")]
async fn get_import(caller: Allowed<CompletionsWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let import = caller.read(move |tx| service::get(tx, path.0)).await?;
    let is_over = import.state.is_over();
    let mut response = respond::resource(&preconditions, &ImportView::of(import, caller.registry().imports.kept))?;
    if !is_over {
        response.headers_mut().insert(RETRY_AFTER, LOOK_AGAIN);
    }
    Ok(response)
}

/// Download the outcomes of an import
///
/// One outcome a line, in order, of the records that were taken so far; the same lines as a streamed batch is answered with. The
/// last line of an import that has ended is `{"summary": …}`, with `problem` where it failed.
#[utoipa::path(tag = "completions", params(("id" = Ref, Path, description = "The import.")), security(("bearer" = ["completions:write"])),
    responses((status = 200, description = "The outcomes.", content((String = "application/x-ndjson")))))]
#[get("/v1/imports/{id}/outcomes")]
async fn download_import_outcomes(caller: Allowed<CompletionsWrite>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let import = caller.read(move |tx| service::get(tx, path.0)).await?;
    Ok(outcomes::answer(&caller, &import, &preconditions))
}

/// Cancel an import
///
/// No more of its records are taken; those that were are kept, and told of in its outcomes. The body is deleted.
#[utoipa::path(tag = "completions", params(("id" = Ref, Path, description = "The import.")), security(("bearer" = ["completions:write"])),
    responses((status = 200, description = "The import as it is now.", body = ImportView)))]
#[post("/v1/imports/{id}/cancellation")]
async fn cancel_import(caller: Allowed<CompletionsWrite>, path: IdPath, key: IdempotencyKey, body: NoBody) -> ApiResult {
    let kept = caller.registry().imports.kept;
    let ended = Arc::new(AtomicBool::new(false));
    let telling = ended.clone();
    let response = once(&caller, key, body.fingerprint, move |tx| {
        let import = service::cancel(tx, path.0)?;
        // One that was cancelled before was counted then.
        telling.store(tx.trail.changed, Ordering::Relaxed);
        Answer::ok(&ImportView::of(import, kept))
    })
    .await?;
    if ended.load(Ordering::Relaxed) {
        metrics::counter!(IMPORTS, "state" => "cancelled").increment(1);
    }
    Ok(response)
}

/// Every operation of this folder.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_imports).service(get_import).service(download_import_outcomes).service(cancel_import);
}
