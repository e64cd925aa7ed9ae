//! A roster: the whole of it in one request.
//!
//! An officer whom a roster leaves out gets an end date. So a file with a row that can't be read is not sent at all: the faults are
//! named, and nothing changes.

use bytes::Bytes;
use jiff::civil::Date;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    client::{Answer, Client, Request},
    completions::{read_answer, what_of},
    feed::Feed,
    problem::Stop,
    report::{Out, Report},
};
use crate::rows::mapping::Mapping;
use crate::rows::read::Row;

/// What is asked of the service.
pub struct Order {
    /// The agency, as in the path.
    pub agency: String,
    /// The day on which the roster was true.
    pub as_of: Date,
    /// Change nothing.
    pub dry_run: bool,
    /// End more than half of the agency, if it must be.
    pub allow_shrink: bool,
}

/// Puts the roster.
///
/// # Errors
/// Where it couldn't be sent, or was refused whole.
pub async fn run(mut feed: Feed, mapping: &Mapping, client: &Client, order: &Order, report: &mut Report) -> Result<(), Stop> {
    let mut entries: Vec<(Row, Map<String, Value>)> = Vec::new();
    while let Some(item) = feed.next().await? {
        match item.record {
            Ok(body) => entries.push((item.row, body)),
            Err(faults) => {
                report.count("rejected", 1);
                let out = Out { outcome: "rejected", faults, id: None };
                report.keep(&item.row, &out)?;
                report.pass(&item.row);
            }
        }
    }
    if !report.is_clean() {
        for (row, _) in &entries {
            report.pass(row);
        }
        report.count("not sent", entries.len() as u64);
        report.remark(
            "Nothing was sent: an officer whom a roster leaves out gets an end date, so it goes whole or not at all. Correct those rows in the file itself."
                .to_owned(),
        );
        return Ok(());
    }
    report.note(&format!("sending {} officers", entries.len()));
    let body = match client.send(&request(order, &entries)).await? {
        Answer::Done { body, .. } => body,
        Answer::Refused(problem) if problem.status >= 500 => {
            return Err(Stop::Unreachable(problem.in_full()));
        }
        Answer::Refused(problem) => return Err(Stop::Refused(problem.in_full())),
    };
    let told = read_answer(&body, entries.len(), report)?;
    for told in told {
        let Some((row, body)) = entries.get(told.index) else {
            continue;
        };
        if let Some(out) = what_of(&told, body, None, mapping) {
            report.keep(row, &out)?;
        }
    }
    for (row, _) in &entries {
        report.pass(row);
    }
    if order.dry_run {
        report.remark("This was a dry run: nothing was changed.".to_owned());
    } else if !report.is_clean() {
        report.remark(
            "Correct those rows in the roster itself and import the whole of it again: an officer whom a roster leaves out gets an end date."
                .to_owned(),
        );
    }
    Ok(())
}

fn request(order: &Order, entries: &[(Row, Map<String, Value>)]) -> Request {
    let officers: Vec<&Map<String, Value>> = entries.iter().map(|(_, body)| body).collect();
    let body = json!({"as_of": order.as_of, "officers": officers});
    let mut query = Vec::new();
    if order.dry_run {
        query.push(("dry_run", "true"));
    }
    if order.allow_shrink {
        query.push(("allow_shrink", "true"));
    }
    Request {
        method: Method::PUT,
        path: vec!["v1".to_owned(), "agencies".to_owned(), order.agency.clone(), "roster".to_owned()],
        query,
        headers: Vec::new(),
        body: Bytes::from(body.to_string()),
    }
}
