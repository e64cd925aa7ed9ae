//! Agencies: one request a row, several under way, told in the order of the file.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use reqwest::Method;
use serde_json::{Map, Value};
use tokio::task::JoinHandle;

use super::{
    client::{Answer, Client, Request},
    feed::{Feed, Item},
    problem::{Problem, Stop},
    report::{Out, Report},
};
use crate::rows::mapping::Mapping;
use crate::rows::read::Row;
use crate::rows::record::{Fault, derived_id};

const IN_FLIGHT: usize = 8;

struct Pending {
    row: Row,
    path: Vec<String>,
    state: State,
}

enum State {
    Faulty(Vec<Fault>),
    Sent(Map<String, Value>, Sending),
}

/// A request under way, which ends with its owner.
struct Sending(JoinHandle<Result<Answer, Stop>>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Puts every row.
///
/// # Errors
/// Where no further row could be sent.
pub async fn run(mut feed: Feed, mapping: &Mapping, client: &Arc<Client>, report: &mut Report) -> Result<(), Stop> {
    let mut pending = VecDeque::new();
    let ended = loop {
        match feed.next().await {
            Ok(Some(item)) => {
                let next = begin(item, client, &mut pending, mapping, report).await?;
                pending.push_back(next);
                while pending.len() >= IN_FLIGHT {
                    settle(&mut pending, mapping, report).await?;
                }
            }
            Ok(None) => break Ok(()),
            Err(stop) => break Err(stop),
        }
    };
    while !pending.is_empty() {
        settle(&mut pending, mapping, report).await?;
    }
    ended
}

async fn begin(item: Item, client: &Arc<Client>, pending: &mut VecDeque<Pending>, mapping: &Mapping, report: &mut Report) -> Result<Pending, Stop> {
    let body = match item.record {
        Ok(body) => body,
        Err(faults) => {
            return Ok(Pending { row: item.row, path: Vec::new(), state: State::Faulty(faults) });
        }
    };
    let request = request(&body);
    // Of two rows with one ORI the later stands: they must not overtake each other.
    while request.method == Method::PUT && pending.iter().any(|other| other.path == request.path) {
        settle(pending, mapping, report).await?;
    }
    let path = request.path.clone();
    let client = Arc::clone(client);
    let sending = tokio::spawn(async move { client.send(&request).await });
    Ok(Pending { row: item.row, path, state: State::Sent(body, Sending(sending)) })
}

fn request(body: &Map<String, Value>) -> Request {
    let mut path = vec!["v1".to_owned(), "agencies".to_owned()];
    let mut headers = Vec::new();
    let method = if let Some(ori) = body.get("ori").and_then(Value::as_str) {
        path.push(format!("ori:{ori}"));
        Method::PUT
    } else {
        headers.push(("Idempotency-Key", derived_id(body)));
        Method::POST
    };
    Request { method, path, query: Vec::new(), headers, body: Bytes::from(Value::Object(body.clone()).to_string()) }
}

async fn settle(pending: &mut VecDeque<Pending>, mapping: &Mapping, report: &mut Report) -> Result<(), Stop> {
    let Some(first) = pending.pop_front() else {
        return Ok(());
    };
    let faults = match first.state {
        State::Faulty(faults) => faults,
        State::Sent(body, mut sending) => {
            let answer = (&mut sending.0).await.map_err(|error| Stop::Unreachable(error.to_string()))??;
            match answer {
                Answer::Done { status, outcome, .. } => {
                    let told = outcome.unwrap_or_else(|| if status == 201 { "created" } else { "updated" }.to_owned());
                    report.count(&told, 1);
                    report.pass(&first.row);
                    return Ok(());
                }
                Answer::Refused(problem) => faults_of(&problem, &body, mapping),
            }
        }
    };
    report.count("rejected", 1);
    let out = Out { outcome: "rejected", faults, id: None };
    report.keep(&first.row, &out)?;
    report.pass(&first.row);
    Ok(())
}

/// The faults that a problem names, by the columns of the file.
pub fn faults_of(problem: &Problem, body: &Map<String, Value>, mapping: &Mapping) -> Vec<Fault> {
    if problem.errors.is_empty() {
        return vec![Fault {
            code: format!("status_{}", problem.status).into(),
            pointer: String::new(),
            place: String::new(),
            detail: problem.headline(),
        }];
    }
    let faults = problem.errors.iter();
    faults
        .map(|fault| Fault {
            code: fault.code.clone().into(),
            pointer: fault.pointer.clone(),
            place: mapping.place_of(&fault.pointer, body),
            detail: fault.detail.clone(),
        })
        .collect()
}
