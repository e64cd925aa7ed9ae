//! Completions: batches, one after another.

use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    agencies::faults_of,
    client::{Answer, Client, Request},
    feed::{Feed, Item},
    problem::{Problem, Stop},
    report::{Out, Report},
};
use crate::rows::mapping::Mapping;
use crate::rows::read::Row;
use crate::rows::record::{Fault, derived_id};

/// A batch is also sent when it holds this much, well below the 16 MiB that the service takes.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

#[derive(Default)]
struct Batch {
    rows: Vec<Entry>,
    records: Vec<Bytes>,
    bytes: usize,
}

struct Entry {
    row: Row,
    state: State,
}

enum State {
    Faulty(Vec<Fault>),
    /// The record, the id if one was made for it, and its place in the batch.
    Queued(Map<String, Value>, Option<String>, usize),
}

/// What the service says of one record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Told {
    /// Its place in the batch.
    pub index: usize,
    /// What became of it.
    pub outcome: String,
    /// Why it was parked.
    pub reason: Option<String>,
    /// Why it was rejected.
    pub problem: Option<Problem>,
}

/// Pushes every row.
///
/// # Errors
/// Where no further row could be sent.
pub async fn run(mut feed: Feed, mapping: &Mapping, client: &Client, batch_size: usize, report: &mut Report) -> Result<(), Stop> {
    let mut batch = Batch::default();
    let ended = loop {
        match feed.next().await {
            Ok(Some(item)) => batch.add(item),
            Ok(None) => break Ok(()),
            Err(stop) => break Err(stop),
        }
        if batch.is_full(batch_size) {
            send(std::mem::take(&mut batch), mapping, client, report).await?;
        }
    };
    send(batch, mapping, client, report).await?;
    ended
}

impl Batch {
    /// Rows at fault are never sent, but they too are held until the batch is told of.
    fn is_full(&self, records: usize) -> bool {
        self.records.len() >= records || self.bytes >= LARGEST_BODY || self.rows.len() >= 2 * records
    }

    fn add(&mut self, item: Item) {
        let state = match item.record {
            Err(faults) => State::Faulty(faults),
            Ok(mut body) => {
                let made = (!body.contains_key("external_id")).then(|| derived_id(&body));
                if let Some(id) = &made {
                    body.insert("external_id".to_owned(), json!(id));
                }
                let text = Bytes::from(Value::Object(body.clone()).to_string());
                self.bytes += text.len() + 1;
                self.records.push(text);
                State::Queued(body, made, self.records.len() - 1)
            }
        };
        self.rows.push(Entry { row: item.row, state });
    }

    fn request(&self) -> Request {
        let mut body = Vec::with_capacity(self.bytes + 20);
        body.extend_from_slice(b"{\"completions\":[");
        body.extend_from_slice(&self.records.join(&b','));
        body.extend_from_slice(b"]}");
        Request {
            method: Method::POST,
            path: ["v1", "completions", "batch"].map(str::to_owned).to_vec(),
            query: Vec::new(),
            headers: vec![("Prefer", "return=minimal".to_owned())],
            body: body.into(),
        }
    }
}

async fn send(batch: Batch, mapping: &Mapping, client: &Client, report: &mut Report) -> Result<(), Stop> {
    let mut told = if batch.records.is_empty() {
        Vec::new()
    } else {
        match client.send(&batch.request()).await? {
            Answer::Refused(problem) if problem.status >= 500 => {
                return Err(Stop::Unreachable(problem.in_full()));
            }
            Answer::Refused(problem) => return Err(Stop::Refused(problem.in_full())),
            Answer::Done { body, .. } => read_answer(&body, batch.records.len(), report)?,
        }
    };
    told.sort_by_key(|told| told.index);
    for entry in &batch.rows {
        let out = match &entry.state {
            State::Faulty(faults) => {
                report.count("rejected", 1);
                Some(Out { outcome: "rejected", faults: faults.clone(), id: None })
            }
            State::Queued(body, made, at) => {
                told.binary_search_by_key(at, |told| told.index).ok().and_then(|found| what_of(&told[found], body, made.clone(), mapping))
            }
        };
        if let Some(out) = out {
            report.keep(&entry.row, &out)?;
        }
        report.pass(&entry.row);
    }
    Ok(())
}

/// Counts what the summary says, and gives what is said of single records.
///
/// # Errors
/// Where the answer doesn't account for every record.
pub fn read_answer(body: &Value, sent: usize, report: &mut Report) -> Result<Vec<Told>, Stop> {
    let odd = |what: &str| Stop::Unreachable(format!("the service's answer {what}"));
    let summary = body["summary"].as_object().ok_or_else(|| odd("has no summary"))?;
    let told: Vec<Told> = match body.get("results") {
        None => Vec::new(),
        Some(results) => Deserialize::deserialize(results).map_err(|error| odd(&format!("has results that can't be read: {error}")))?,
    };
    let number = |key: &str| summary.get(key).and_then(Value::as_u64).unwrap_or(0);
    if number("received") != sent as u64 {
        return Err(odd(&format!("speaks of {} records where {sent} were sent", number("received"))));
    }
    for outcome in ["parked", "rejected"] {
        let named = told.iter().filter(|told| told.outcome == outcome).count() as u64;
        if named != number(outcome) {
            return Err(odd(&format!("counts {} {outcome} and names {named}", number(outcome))));
        }
    }
    for (key, value) in summary {
        if let (Some(rows), true) = (value.as_u64(), key != "received") {
            report.count(key, rows);
        }
    }
    Ok(told)
}

/// A row that wants looking after, if it is one.
pub fn what_of(told: &Told, body: &Map<String, Value>, id: Option<String>, mapping: &Mapping) -> Option<Out> {
    let outcome = match told.outcome.as_str() {
        "parked" => "parked",
        "rejected" => "rejected",
        _ => return None,
    };
    let faults = match (&told.problem, &told.reason) {
        (Some(problem), _) => faults_of(problem, body, mapping),
        (None, reason) => {
            let code = reason.clone().unwrap_or_else(|| outcome.to_owned());
            vec![Fault { detail: explain(&code), code: code.into(), pointer: String::new(), place: String::new() }]
        }
    };
    Some(Out { outcome, faults, id })
}

fn explain(reason: &str) -> String {
    match reason {
        "no_match" => "no_match: no officer within reach fits this reference".to_owned(),
        "ambiguous" => "ambiguous: more than one officer fits this reference".to_owned(),
        "conflict" => "conflict: the number or identifier belongs to somebody of another name".to_owned(),
        other => other.to_owned(),
    }
}
