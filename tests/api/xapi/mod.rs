//! `/xapi/statements` and `/xapi/about`.

mod asking;
mod attachments;
mod basic;
mod completions;
mod people;
mod real_input;
mod sending;
mod voiding;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp};

pub const PATH: &str = "/xapi/statements";
pub const COURSE: &str = "https://lms.example/courses/cit-40";
pub const AGENCY: &str = "ori:TX2270000";

/// The IRI of a verb of the ADL.
pub fn verb(word: &str) -> String {
    format!("http://adlnet.gov/expapi/verbs/{word}")
}

/// An id by its number.
pub fn id(number: u32) -> String {
    format!("6690e6c9-3ef0-4ed3-8b37-{number:012x}")
}

/// A statement of a person who did something with the course.
pub fn statement(number: u32, word: &str) -> Value {
    json!({
        "id": id(number),
        "actor": {"mbox": "mailto:m.rivera@example.org"},
        "verb": {"id": verb(word)},
        "object": {"id": COURSE},
        "timestamp": "2026-03-06T23:30:00-06:00",
    })
}

/// The same with something else at a pointer, whose parents are there.
pub fn with(mut statement: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    statement.pointer_mut(parent).unwrap()[name] = value;
    statement
}

pub fn void(number: u32, target: &str) -> Value {
    with(statement(number, "voided"), "/object", json!({"objectType": "StatementRef", "id": target}))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

pub async fn put(client: &Client, statement: &Value) -> Reply {
    let id = statement["id"].as_str().unwrap();
    client.put(&format!("{PATH}?statementId={id}"), statement).await
}

/// The ids of what a query finds.
pub async fn found(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("{PATH}?{query}")).await.expect(200);
    page["statements"].as_array().unwrap().iter().map(|statement| statement["id"].as_str().unwrap().to_owned()).collect()
}

/// An LMS with a grant for one agency.
pub fn lms(app: &TestApp, name: &str) -> Client {
    app.client(name, "completions:read completions:write trainings:read trainings:write", Some(&[AGENCY]))
}

/// An agency with one officer, a recognized training, and a mapping of the course of each of some clients to it. Answers the officer's id.
pub async fn registry(app: &TestApp, clients: &[&Client]) -> String {
    app.agency("TX2270000").await;
    let training = app.training("CIT-40").await;
    app.staff().put(&format!("/v1/trainings/{training}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
    for client in clients {
        let mapping = json!({"code": COURSE, "training": training, "effective_from": "2020-01-01"});
        client.post("/v1/course-mappings", &mapping).await.expect(201);
    }
    officer(app).await
}

pub async fn officer(app: &TestApp) -> String {
    let officer = json!({"given_name": "Maria", "family_name": "Rivera", "email": "M.Rivera@example.org",
        "identifiers": [{"system": "xapi:https://lms.example", "value": "4711"}, {"system": "openid", "value": "https://id.example/m.rivera"}],
        "appointments": [{"agency": AGENCY, "sworn": true, "started_on": "2019-05-01"}]});
    app.staff().post("/v1/officers", &officer).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// How many sworn officers of the agency hold crisis training on a day.
pub async fn trained(app: &TestApp, day: &str) -> Value {
    let status = app.staff().get(&format!("/v1/agencies/{AGENCY}/certification-status?as_of={day}")).await.expect(200);
    status["requirements"]["training"]["crisis_intervention"]["count"].clone()
}

/// A request without the header that the tests add by themselves.
pub async fn without_version(client: &Client, method: Method, version: Option<&str>) -> Reply {
    // A path that the client doesn't know as one for statements, and the service does.
    let mut request = client.request(method, "/xapi/%73tatements");
    if let Some(version) = version {
        request = request.header("x-experience-api-version", version);
    }
    client.send(request).await
}
