//! `/problems/{slug}`: what each kind of problem means.

use actix_web::{HttpRequest, HttpResponse, get, http::header::ACCEPT};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{ApiError, ApiResult, KINDS, Kind, KindRow};

/// What a kind of problem means.
#[derive(Debug, Serialize, ToSchema)]
struct ProblemKind {
    /// The `type` of such problems.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    kind: String,
    /// Its title.
    #[schema(example = "Not found")]
    title: &'static str,
    /// Its HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What it means, and what a caller does about it.
    explanation: &'static str,
}

impl From<&KindRow> for ProblemKind {
    fn from(row: &KindRow) -> Self {
        Self { kind: format!("/problems/{}", row.slug), title: row.title, status: row.status, explanation: row.explanation }
    }
}

/// Every kind of problem
#[utoipa::path(tag = "operations", security(()), responses((status = 200, description = "The kinds of problem that the service answers with.", body = Vec<ProblemKind>)))]
#[get("/problems")]
async fn list_problems() -> HttpResponse {
    HttpResponse::Ok().json(KINDS.iter().map(ProblemKind::from).collect::<Vec<_>>())
}

/// What does a problem mean?
///
/// Where the `type` of a problem leads; a page for people where the `Accept` header asks for HTML.
#[utoipa::path(tag = "operations", security(()), params(("slug" = String, Path, description = "The last segment of a problem's `type`.", max_length = 50, pattern = "^[a-z-]+$", example = "not-found")),
    responses((status = 200, description = "The explanation.", content((ProblemKind = "application/json"), (String = "text/html")))))]
#[get("/problems/{slug}")]
async fn get_problem(request: HttpRequest) -> ApiResult {
    let slug = request.match_info().get("slug").unwrap_or_default();
    let row = KINDS.iter().find(|row| row.slug == slug).ok_or_else(|| ApiError::new(Kind::NotFound))?;
    let html = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    if !html {
        return Ok(HttpResponse::Ok().json(ProblemKind::from(row)));
    }
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a}}code{{background:#f0f0f0;padding:.1em .3em}}</style>\
         <main><h1>{title}</h1><p>HTTP status <code>{status}</code>, type <code>/problems/{slug}</code></p><p>{explanation}</p></main></html>",
        title = row.title,
        status = row.status,
        slug = row.slug,
        explanation = row.explanation,
    );
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page))
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(list_problems).service(get_problem);
}
