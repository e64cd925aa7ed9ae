//! `/v1/completions/batch`

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, post};
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::dto::CompletionInput;
use super::outcome::{BatchView, Record, SummaryView, Tally, count_metrics};
use super::stream::{self, Shape, push};
use crate::domain::completion::CompletionDraft;
use crate::domain::csv_mapping::{CsvKind, DateFormat, Delimiter};
use crate::domain::text::{Name, Text};
use crate::http::auth::{Allowed, Caller, CompletionsWrite};
use crate::http::decode::{AtMost, Faults, Ref};
use crate::http::doors::{CsvQuery, Given, layout_of};
use crate::http::extract::{BATCH_LIMIT, Body, IdempotencyKey, ListQuery, prefers_async, prefers_minimal};
use crate::http::imports::{self, ImportView, Sent};
use crate::http::media::{self, CSV, JSON, NDJSON};
use crate::http::once::once_matching;
use crate::http::paced::Paced;
use crate::http::problem::{ApiError, ApiResult, Kind, ProblemError};
use crate::http::registry::Registry;
use crate::http::respond::Answer;
use crate::rows::read::Format;
use crate::service::Fault;
use crate::service::intake::Ready;

/// How many records a batch in JSON has at the most.
const MAX_RECORDS: usize = 10_000;

/// Completions, each read on its own: one that is malformed is refused alone.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct CompletionBatchInput {
    /// The records.
    #[schema(value_type = Vec<CompletionInput>, min_items = 1, max_items = 10_000)]
    completions: Vec<Value>,
}

crate::http::rules::unruled!(CompletionBatchInput);

/// How a CSV body is read.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BatchQuery {
    /// Of CSV: a CSV mapping of the client, by its id. What else the query says is stronger.
    #[deserr(default)]
    #[param(inline)]
    mapping: Option<Ref>,
    /// Of CSV: `field=column`, any number of times. A column named like a field needs none.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Given>>, inline, explode = true, max_items = 200, example = json!(["officer.badge_number=Star"]))]
    map: AtMost<Given, 200>,
    /// Of CSV: `field=value`, the same for every row, any number of times.
    #[deserr(default)]
    #[param(value_type = Option<Vec<Given>>, inline, explode = true, max_items = 200, example = json!(["training.code=CIT-40"]))]
    set: AtMost<Given, 200>,
    /// Of CSV: what stands between cells; found out where it isn't said.
    #[deserr(default)]
    #[param(inline)]
    delimiter: Option<Delimiter>,
    /// Of CSV: what it is written in, where neither a byte order mark nor the media type says; UTF-8 otherwise.
    #[deserr(default)]
    #[param(value_type = Option<String>, max_length = 50, example = "windows-1252")]
    encoding: Option<Text<50>>,
    /// Of CSV: how dates are written.
    #[deserr(default)]
    #[param(inline)]
    date_format: Option<DateFormat>,
    /// Of CSV: how the first row after the last record begins.
    #[deserr(default)]
    #[param(inline)]
    footer: Option<Name>,
}

impl From<BatchQuery> for CsvQuery {
    fn from(query: BatchQuery) -> Self {
        Self {
            mapping: query.mapping,
            map: query.map.0,
            set: query.set.0,
            delimiter: query.delimiter,
            encoding: query.encoding,
            date_format: query.date_format,
            footer: query.footer,
        }
    }
}

/// A body by its media type.
enum BatchBody {
    Json(Body<CompletionBatchInput, BATCH_LIMIT>),
    Streamed(Format, Paced),
}

impl FromRequest for BatchBody {
    type Error = ApiError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let format = match media::expect(&request, &[JSON, NDJSON, CSV], HeaderName::from_static("accept-post"))? {
                JSON => return Body::from_request(&request, &mut payload).await.map(Self::Json),
                NDJSON => Format::Ndjson,
                _ => Format::Csv,
            };
            Ok(Self::Streamed(format, Paced::streamed(&request, payload)))
        })
    }
}

/// Push completions
///
/// JSON has at most 10,000 records and 16 MiB, and its accepted records are written in one transaction. NDJSON (`application/x-ndjson`, one
/// record a line) and CSV (`text/csv`) are streamed and may have any number: every thousand records or so are written in a transaction of
/// their own, and the answer is streamed as they are. A batch that could be read is answered 207, however its records fared: each is
/// created, updated, unchanged, parked or rejected, in order; what is answered is kept. Where a streamed batch ends early, `problem` at its end
/// says why. Sending the whole batch again is safe. `Accept: application/x-ndjson` gets one outcome a line, and then `{"summary": …}`.
/// `Prefer: return=minimal` leaves out the results that are `created` or `unchanged`. A streamed batch takes no `Idempotency-Key`.
///
/// `Prefer: respond-async` stores the body, answers 202, and takes the records in the background: `Location` is the import, which tells how
/// far it is, and has the outcomes. It goes on where it was when the service is started again. It takes an `Idempotency-Key`, however it is sent.
#[utoipa::path(tag = "completions", security(("bearer" = ["completions:write"])),
    request_body(content((CompletionBatchInput = "application/json"),
        (String = "application/x-ndjson", example = json!("{\"external_id\": \"rec-8842\", \"officer\": {\"email\": \"m.rivera@example.org\"}, \"training\": {\"code\": \"CIT-40\"}, \"completed_on\": \"2026-03-06\"}\n")),
        (String = "text/csv", example = json!("external_id,officer.email,training.code,completed_on\nrec-8842,m.rivera@example.org,CIT-40,2026-03-06\n")))),
    params(BatchQuery,
        ("Prefer" = Option<String>, Header, description = "`return=minimal` (RFC 7240) leaves out the results that are `created` or `unchanged`; `respond-async` takes the records in the background. Both may be given.", example = "return=minimal")),
    responses((status = 207, description = "Every record is accounted for.", content((BatchView = "application/json"), (String = "application/x-ndjson"))),
        (status = 202, description = "The body is stored, and its records are taken in the background.", body = ImportView)))]
#[post("/v1/completions/batch")]
pub async fn push_completions(
    caller: Allowed<CompletionsWrite>,
    request: HttpRequest,
    key: IdempotencyKey,
    query: ListQuery<BatchQuery>,
    body: BatchBody,
) -> ApiResult {
    let shape = Shape { ndjson: media::prefers_ndjson(&request), minimal: prefers_minimal(&request) };
    let query = CsvQuery::from(query.0);
    let later = prefers_async(&request);
    match body {
        BatchBody::Json(body) if later => {
            query.refuse()?;
            let sent = Sent::Whole(checked(body.value)?, body.fingerprint);
            imports::accept(&caller, &request, key, sent).await
        }
        BatchBody::Json(body) => {
            query.refuse()?;
            push_at_once(&caller, key, body, shape).await
        }
        BatchBody::Streamed(format, body) => {
            if key.0.is_some() && !later {
                return Err(no_key());
            }
            let layout = if format == Format::Csv {
                layout_of(&caller, query, CsvKind::Completions, media::charset(&request)).await?
            } else {
                query.refuse()?;
                crate::rows::sheet::Layout::default()
            };
            if later {
                return imports::accept(&caller, &request, key, Sent::Streamed(format, layout, body)).await;
            }
            stream::answer(&caller, body, (format, layout), shape).await
        }
    }
}

/// The same body again gets no kept answer, since nobody knows that it is the same before it was read. Nothing is lost by it.
fn no_key() -> ApiError {
    let detail = "a streamed batch takes no key: its records are the same by their `external_id`, and the whole of it may be sent again";
    ApiError::new(Kind::InvalidHeader).faults(vec![Fault::new("/idempotency-key", "not_streamed", detail)])
}

/// Pushes a batch that is whole in memory, in one transaction.
async fn push_at_once(caller: &Caller, key: IdempotencyKey, body: Body<CompletionBatchInput, BATCH_LIMIT>, shape: Shape) -> ApiResult {
    let raw = checked(body.value)?;
    let registry = caller.registry().clone();
    // Up to ten thousand: whoever else is served by this thread need not wait for it.
    let reading = tokio::task::spawn_blocking(move || raw.into_iter().map(|value| whole(value, &registry)).collect());
    let records: Vec<Record> = reading.await.map_err(|_| ApiError::new(Kind::Internal))?;
    // Nothing where the answer is one that was kept.
    let told: Arc<Mutex<Option<SummaryView>>> = Arc::default();
    let telling = told.clone();
    let response = once_matching(caller, key, body.fingerprint, move |tx| {
        let pushed = push(tx, &records)?;
        let mut tally = Tally::default();
        let results = tally.tell(&records, pushed, shape.minimal);
        *telling.lock().unwrap_or_else(PoisonError::into_inner) = Some(tally.summary.clone());
        Answer::of(207, &BatchView { summary: tally.summary, results, problem: None })
    })
    .await?;
    if let Some(summary) = told.lock().unwrap_or_else(PoisonError::into_inner).take() {
        count_metrics(&SummaryView::default(), &summary);
    }
    if shape.ndjson { in_lines(response).await } else { Ok(response) }
}

/// The records of a batch, where it has as many as it may.
fn checked(batch: CompletionBatchInput) -> Result<Vec<Value>, ApiError> {
    let raw = batch.completions;
    if raw.len() > MAX_RECORDS {
        return Err(ApiError::new(Kind::ContentTooLarge).detail(format!("a batch has at most {MAX_RECORDS} records, and this one has {}", raw.len())));
    }
    if raw.is_empty() {
        return Err(ApiError::new(Kind::InvalidContent).faults(vec![Fault::new("/completions", "empty", "a batch has at least one record")]));
    }
    Ok(raw)
}

/// A record of a body that is whole in memory.
pub fn whole(value: Value, registry: &Registry) -> Record {
    let external_id = value["external_id"].as_str().map(str::to_owned);
    let read = read(value, registry).map_err(|faults| faults.into_iter().map(ProblemError::from).collect());
    Record { line: None, external_id, read }
}

/// Reads a record, whatever the door that it came by.
///
/// # Errors
/// All its faults.
pub fn read(value: Value, registry: &Registry) -> Result<Ready, Vec<Fault>> {
    let draft = CompletionDraft::from(registry.decode::<CompletionInput>(value)?);
    let faults = Fault::all(draft.check(registry.clock.today()));
    if faults.is_empty() { Ok(Ready::from(draft)) } else { Err(faults) }
}

/// The same answer with one outcome a line, and the summary last.
async fn in_lines(response: HttpResponse) -> ApiResult {
    let (mut response, body) = response.into_parts();
    let broken = || ApiError::new(Kind::Internal);
    let bytes = actix_web::body::to_bytes(body).await.map_err(|_| broken())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| broken())?;
    let mut lines = String::new();
    for result in value["results"].as_array().into_iter().flatten() {
        lines.extend([result.to_string().as_str(), "\n"]);
    }
    lines.extend([serde_json::json!({"summary": value["summary"]}).to_string().as_str(), "\n"]);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    headers.remove(CONTENT_LENGTH);
    headers.remove(ETAG);
    Ok(response.set_body(actix_web::body::BoxBody::new(lines)))
}
