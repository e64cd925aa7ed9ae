//! `/v1/completions/batch`

use std::collections::HashMap;

use actix_web::{HttpRequest, post};
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::dto::CompletionInput;
use crate::domain::completion::CompletionDraft;
use crate::http::auth::{Allowed, CompletionsWrite};
use crate::http::decode::Faults;
use crate::http::extract::{BATCH_LIMIT, Body, IdempotencyKey, prefers_minimal};
use crate::http::once::once;
use crate::http::problem::{ApiError, ApiResult, Kind, Problem};
use crate::http::registry::Registry;
use crate::http::respond::Answer;
use crate::service::intake::{self, Pushed};
use crate::service::{Fault, ServiceResult, Tx};
use crate::telemetry::RECORDS;

/// How many records a batch has at the most.
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

/// What became of a batch: every record is accounted for, in order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompletionBatchOutcome)]
struct BatchView {
    summary: SummaryView,
    /// The outcome of each record; with `Prefer: return=minimal` without those that are `created` or `unchanged`.
    results: Vec<ResultView>,
}

/// How many records fared how.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = CompletionBatchSummary)]
struct SummaryView {
    received: usize,
    created: usize,
    updated: usize,
    unchanged: usize,
    parked: usize,
    rejected: usize,
    /// What parked or rejected records, and how many, in the order of the first.
    causes: Vec<CauseView>,
}

/// A cause that parked or rejected records.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompletionBatchCause)]
struct CauseView {
    #[schema(example = "no_match")]
    code: String,
    /// Where in the record the fault is, for rejected ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/external_id")]
    pointer: Option<String>,
    /// How many records.
    count: usize,
    /// The first of them.
    first_index: usize,
}

/// What became of a record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompletionBatchResult)]
struct ResultView {
    /// Its place in the batch, from 0.
    index: usize,
    /// Its `external_id`, as far as it could be read.
    external_id: Option<String>,
    /// `created`, `updated`, `unchanged`, `parked` or `rejected`.
    #[schema(example = "created")]
    outcome: &'static str,
    /// The completion; absent when rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// Why it is parked, also when it was parked before and is unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Why it is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// A record as it could be read.
struct Record {
    external_id: Option<String>,
    read: Result<CompletionDraft, Vec<Fault>>,
}

crate::http::rules::unruled!(CompletionBatchInput);

/// Push completions
///
/// At most 10,000 records or 16 MiB. A batch that could be read is answered 207, however its records fared: each is created, updated,
/// unchanged, parked or rejected, in order. The accepted records are written in one transaction. Sending the whole batch again is safe.
/// `Prefer: return=minimal` leaves out the results that are `created` or `unchanged`.
#[utoipa::path(tag = "completions", request_body = CompletionBatchInput, security(("bearer" = ["completions:write"])),
    params(("Prefer" = Option<String>, Header, description = "`return=minimal` (RFC 7240) leaves out the results that are `created` or `unchanged`.", example = "return=minimal")),
    responses((status = 207, description = "Every record is accounted for.", body = BatchView)))]
#[post("/v1/completions/batch")]
pub async fn push_completions(
    caller: Allowed<CompletionsWrite>,
    request: HttpRequest,
    key: IdempotencyKey,
    body: Body<CompletionBatchInput, BATCH_LIMIT>,
) -> ApiResult {
    let raw = body.value.completions;
    if raw.len() > MAX_RECORDS {
        return Err(ApiError::new(Kind::ContentTooLarge).detail(format!("a batch has at most {MAX_RECORDS} records, and this one has {}", raw.len())));
    }
    if raw.is_empty() {
        return Err(ApiError::new(Kind::InvalidContent).faults(vec![Fault::new("/completions", "empty", "a batch has at least one record")]));
    }
    let minimal = prefers_minimal(&request);
    let registry = caller.registry().clone();
    let response = once(&caller, key, body.fingerprint, move |tx| {
        // Read within, since it is the time of the transaction that decides what lies in the future.
        let records: Vec<Record> = raw.iter().map(|value| read(value, &registry, tx)).collect();
        let drafts: Vec<CompletionDraft> = records.iter().filter_map(|record| record.read.as_ref().ok().cloned()).collect();
        let pushed = intake::push(tx, &drafts)?;
        tx.left_many("rejected", records.len() - drafts.len());
        answer(records, pushed, minimal)
    })
    .await?;
    Ok(response)
}

fn read(value: &Value, registry: &Registry, tx: &Tx<'_>) -> Record {
    let external_id = value["external_id"].as_str().map(str::to_owned);
    let read = registry.decode::<CompletionInput>(value.clone()).map(CompletionDraft::from).and_then(|draft| {
        let faults: Vec<Fault> = Fault::all(draft.check(tx.today()));
        if faults.is_empty() { Ok(draft) } else { Err(faults) }
    });
    Record { external_id, read }
}

fn answer(records: Vec<Record>, pushed: Vec<Pushed>, minimal: bool) -> ServiceResult<Answer> {
    let mut pushed = pushed.into_iter();
    let mut summary = SummaryView { received: records.len(), ..SummaryView::default() };
    let mut causes: HashMap<(String, Option<String>), usize> = HashMap::new();
    let mut results = Vec::with_capacity(if minimal { 0 } else { records.len() });
    for (index, record) in records.into_iter().enumerate() {
        let result = match record.read {
            Ok(_) => pushed.next().map(|pushed| accepted(index, record.external_id, pushed)),
            Err(faults) => Some(rejected(index, record.external_id, faults)),
        };
        let Some(result) = result else { continue };
        summary.count(&result);
        for (code, pointer) in result.causes() {
            let position = *causes.entry((code.clone(), pointer.clone())).or_insert_with(|| {
                summary.causes.push(CauseView { code, pointer, count: 0, first_index: index });
                summary.causes.len() - 1
            });
            summary.causes[position].count += 1;
        }
        if !minimal || !matches!(result.outcome, "created" | "unchanged") {
            results.push(result);
        }
    }
    summary.count_metrics();
    Answer::of(207, &BatchView { summary, results })
}

fn accepted(index: usize, external_id: Option<String>, pushed: Pushed) -> ResultView {
    let reason = pushed.parked.map(crate::domain::placement::ParkedReason::as_str);
    ResultView { index, external_id, outcome: pushed.word(), id: Some(pushed.id), reason, problem: None }
}

fn rejected(index: usize, external_id: Option<String>, faults: Vec<Fault>) -> ResultView {
    let problem = ApiError::new(Kind::InvalidContent).faults(faults).problem();
    ResultView { index, external_id, outcome: "rejected", id: None, reason: None, problem: Some(problem) }
}

impl ResultView {
    /// What parked or rejected it: a record counts once for each distinct fault.
    fn causes(&self) -> Vec<(String, Option<String>)> {
        let parked = self.reason.filter(|_| self.outcome == "parked").map(|reason| (reason.to_owned(), None));
        let faults = self.problem.iter().flat_map(|problem| &problem.errors).map(|error| (error.code.clone(), Some(error.pointer.clone())));
        let mut causes: Vec<_> = parked.into_iter().chain(faults).collect();
        causes.sort();
        causes.dedup();
        causes
    }
}

impl SummaryView {
    fn count(&mut self, result: &ResultView) {
        let count = match result.outcome {
            "created" => &mut self.created,
            "updated" => &mut self.updated,
            "unchanged" => &mut self.unchanged,
            "parked" => &mut self.parked,
            _ => &mut self.rejected,
        };
        *count += 1;
    }

    fn count_metrics(&self) {
        let outcomes = [
            ("created", self.created),
            ("updated", self.updated),
            ("unchanged", self.unchanged),
            ("parked", self.parked),
            ("rejected", self.rejected),
        ];
        for (outcome, count) in outcomes {
            metrics::counter!(RECORDS, "kind" => "completion", "outcome" => outcome).increment(count as u64);
        }
    }
}
