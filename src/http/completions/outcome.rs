//! What is told of a batch of completions.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::placement::ParkedReason;
use crate::http::doors::Taken;
use crate::http::problem::{ApiError, Kind, Problem, ProblemError};
use crate::service::intake::{Pushed, Ready};
use crate::telemetry::RECORDS;

/// How many causes are told apart by their pointer.
const MOST_CAUSES: usize = 200;

/// A record as a door read it.
pub type Record = Taken<Ready>;

/// What became of a batch: every record is accounted for, in order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompletionBatchOutcome)]
pub struct BatchView {
    pub summary: SummaryView,
    /// The outcome of each record; with `Prefer: return=minimal` without those that are `created` or `unchanged`.
    pub results: Vec<ResultView>,
    /// Why a streamed batch ended early: what is told of above is kept, the rest was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// How many records fared how.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = CompletionBatchSummary)]
pub struct SummaryView {
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
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = CompletionBatchCause)]
pub struct CauseView {
    #[schema(example = "no_match")]
    code: String,
    /// Where in the record the fault is, for rejected ones.
    #[serde(skip_serializing_if = "Option::is_none", default)]
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
pub struct ResultView {
    /// Its place in the batch, from 0.
    index: usize,
    /// Of NDJSON and CSV: the line of the body on which it begins, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    line: Option<u64>,
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

impl ResultView {
    /// What became of a record that could be read.
    fn accepted(index: usize, record: &Record, pushed: Pushed) -> Self {
        let reason = pushed.parked.map(ParkedReason::as_str);
        let (line, external_id) = (record.line, record.external_id.clone());
        Self { index, line, external_id, outcome: pushed.word(), id: Some(pushed.id), reason, problem: None }
    }

    /// What became of a record that couldn't.
    fn rejected(index: usize, record: &Record, faults: Vec<ProblemError>) -> Self {
        let problem = ApiError::new(Kind::InvalidContent).located(faults).problem();
        let (line, external_id) = (record.line, record.external_id.clone());
        Self { index, line, external_id, outcome: "rejected", id: None, reason: None, problem: Some(problem) }
    }

    /// Whether it is left out with `Prefer: return=minimal`.
    fn is_usual(&self) -> bool {
        matches!(self.outcome, "created" | "unchanged")
    }

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

    fn counts(&self) -> [(&'static str, usize); 5] {
        [("created", self.created), ("updated", self.updated), ("unchanged", self.unchanged), ("parked", self.parked), ("rejected", self.rejected)]
    }
}

/// Counts in the metrics what was committed since `before`.
pub fn count_metrics(before: &SummaryView, after: &SummaryView) {
    for ((outcome, before), (_, after)) in before.counts().into_iter().zip(after.counts()) {
        metrics::counter!(RECORDS, "kind" => "completion", "outcome" => outcome).increment((after - before) as u64);
    }
}

/// What is told of a batch so far.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// How many records fared how.
    pub summary: SummaryView,
    /// The places of causes in the summary.
    causes: HashMap<(String, Option<String>), usize>,
}

impl From<SummaryView> for Tally {
    fn from(summary: SummaryView) -> Self {
        let places = summary.causes.iter().enumerate().map(|(at, cause)| ((cause.code.clone(), cause.pointer.clone()), at));
        Self { causes: places.collect(), summary }
    }
}

impl Tally {
    /// How many records were told of.
    pub fn received(&self) -> usize {
        self.summary.received
    }

    /// Tells of the next records, given what became of those of them that could be read. Without those that are as usual, where the
    /// caller would rather not hear of them.
    pub fn tell(&mut self, records: &[Record], pushed: Vec<Pushed>, minimal: bool) -> Vec<ResultView> {
        let mut pushed = pushed.into_iter();
        let mut results = Vec::with_capacity(if minimal { 0 } else { records.len() });
        for record in records {
            let index = self.summary.received;
            let result = match &record.read {
                Ok(_) => pushed.next().map(|pushed| ResultView::accepted(index, record, pushed)),
                Err(faults) => Some(ResultView::rejected(index, record, faults.clone())),
            };
            let Some(result) = result else { continue };
            self.summary.received += 1;
            self.count(&result, index);
            if !minimal || !result.is_usual() {
                results.push(result);
            }
        }
        results
    }

    fn count(&mut self, result: &ResultView, first_index: usize) {
        self.summary.count(result);
        for (code, pointer) in result.causes() {
            // Where the pointers of a cause are without number, they are not told apart any more.
            let full = self.summary.causes.len() >= MOST_CAUSES;
            let key = (code.clone(), pointer.clone());
            let (code, pointer) = if full && !self.causes.contains_key(&key) { (code, None) } else { (code, pointer) };
            let causes = &mut self.summary.causes;
            let position = *self.causes.entry((code.clone(), pointer.clone())).or_insert_with(|| {
                causes.push(CauseView { code, pointer, count: 0, first_index });
                causes.len() - 1
            });
            self.summary.causes[position].count += 1;
        }
    }
}
