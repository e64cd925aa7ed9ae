//! `/xapi`: statements of the Experience API, for learning systems that speak it.

mod answer;
mod body;
mod multipart;
mod query;
mod schema;
mod version;

use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, get, post, put};
use serde_json::{Value, json};

pub use version::mark;

use self::body::StatementBody;
use self::query::{PutQuery, StatementQuery};
use self::schema::{About, StatementAnswer, StatementSchema, StatementsInput};
use self::version::ApiVersion;
use super::auth::{Allowed, Caller, CompletionsRead, CompletionsWrite};
use super::extract::Query;
use super::problem::{ApiError, ApiResult, Kind};
use crate::service::statements::{self as service, Kept, Sent};
use crate::telemetry::RECORDS;

/// The Agent that stands for a client.
fn authority(caller: &Caller) -> Value {
    json!({"objectType": "Agent", "account": {"homePage": caller.registry().tokens.issuer(), "name": caller.client}})
}

/// Keeps statements, and counts what became of them.
async fn keep(caller: &Caller, sent: Sent) -> Result<Kept, ApiError> {
    let kept = caller.write(move |tx| service::store(tx, &sent)).await.map_err(|mut problem| {
        if problem.kind == Kind::InvalidContent {
            problem.kind = Kind::InvalidStatement;
        }
        problem
    })?;
    for (outcome, count) in [("created", kept.new), ("unchanged", kept.ids.len() - kept.new)] {
        metrics::counter!(RECORDS, "kind" => "statement", "outcome" => outcome).increment(count as u64);
    }
    for pushed in &kept.pushed {
        metrics::counter!(RECORDS, "kind" => "completion", "outcome" => pushed.word()).increment(1);
    }
    Ok(kept)
}

/// Send xAPI statements
///
/// One, or an array of at most 1,000; at most 16 MiB. All are kept or none: one that is not as the specification has it refuses the request, with
/// every fault and its pointer. Those that were sent before, and are the same, change nothing; one with the same id that says something else is 409.
/// `completed`, `passed` and `failed` of an Agent on an Activity become completions, whose course code is the IRI of the activity; `voided` takes back the completion
/// of the statement that it names. Others are kept, and count for nothing. `multipart/mixed` is taken too; files are checked, and not kept.
#[utoipa::path(tag = "xapi", request_body = StatementsInput, security(("bearer" = ["completions:write"]), ("client" = [])),
    params(("X-Experience-API-Version" = String, Header, description = "The edition that the request follows.", example = "1.0.3")),
    responses((status = 200, description = "The id of each statement, in order.", body = Vec<uuid::Uuid>)))]
#[post("/xapi/statements")]
async fn store_statements(caller: Allowed<CompletionsWrite>, version: ApiVersion, body: StatementBody) -> ApiResult {
    let sent = body.read(version.0, authority(&caller))?;
    let kept = keep(&caller, sent).await?;
    Ok(answer::consistent(HttpResponse::Ok(), kept.consistent_through).json(kept.ids))
}

/// Send one xAPI statement under its id
///
/// As `POST` does with one. Where the statement has an id, it is that of the query.
#[utoipa::path(tag = "xapi", request_body = StatementSchema, security(("bearer" = ["completions:write"]), ("client" = [])),
    params(PutQuery, ("X-Experience-API-Version" = String, Header, description = "The edition that the request follows.", example = "1.0.3")),
    responses((status = 204, description = "The statement is kept.")))]
#[put("/xapi/statements")]
async fn store_statement(caller: Allowed<CompletionsWrite>, version: ApiVersion, body: StatementBody, query: Query<PutQuery>) -> ApiResult {
    let sent = body.read_one(version.0, authority(&caller), query.0.statement_id.0)?;
    let kept = keep(&caller, sent).await?;
    Ok(answer::consistent(HttpResponse::NoContent(), kept.consistent_through).finish())
}

/// Get xAPI statements
///
/// One by `statementId` or `voidedStatementId`, or a list by the other parameters; of those that the client itself sent. With `attachments=true` the answer is
/// `multipart/mixed` of one part, the statements: files are not kept.
#[utoipa::path(tag = "xapi", security(("bearer" = ["completions:read"]), ("client" = [])),
    params(StatementQuery, ("X-Experience-API-Version" = String, Header, description = "The edition that the request follows.", example = "1.0.3")),
    responses((status = 200, description = "The statement, or a page of a list.",
        content((StatementAnswer = "application/json"), (String = "multipart/mixed")))))]
#[get("/xapi/statements")]
async fn get_statements(caller: Allowed<CompletionsRead>, version: ApiVersion, request: HttpRequest, query: Query<StatementQuery>) -> ApiResult {
    let asked = query.0.asked(&request, version.0)?;
    let (attachments, format) = (asked.attachments, asked.format.clone());
    let found = caller.read(move |tx| asked.find(tx)).await?;
    answer::respond(&request, found, &format, attachments)
}

/// What of xAPI this is
///
/// A client that says that it follows 1.0 is told of that edition alone: some know of no other, and fail where they hear of one.
#[utoipa::path(tag = "xapi", security(()), responses((status = 200, description = "The editions that are spoken.", body = About)))]
#[get("/xapi/about")]
async fn get_xapi_about(request: HttpRequest) -> HttpResponse {
    let about = About::of(version::asked(request.headers()));
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).insert_header((VARY, version::NAME.as_str())).json(about)
}

/// Every operation of this folder.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config.service(store_statements).service(store_statement).service(get_statements).service(get_xapi_about);
}
