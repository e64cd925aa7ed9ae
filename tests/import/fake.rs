//! A service that keeps to the contract as far as an import needs it, and remembers what it was sent.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::{Method, StatusCode},
    web,
};
use serde_json::{Value, json};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

/// An answer that is given whatever was asked.
pub struct Canned {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: String,
}

#[derive(Default)]
pub struct State {
    pub seen: Vec<Seen>,
    pub canned: VecDeque<Canned>,
    pub agencies: BTreeMap<String, Value>,
    pub completions: BTreeMap<String, Value>,
    pub busy: usize,
    pub most_busy: usize,
}

/// The running service.
pub struct Fake {
    pub url: String,
    pub state: Arc<Mutex<State>>,
    handle: ServerHandle,
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl Fake {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).app_data(web::PayloadConfig::new(64 * 1024 * 1024)).default_service(web::to(answer))
        })
        .workers(1)
        .bind(("127.0.0.1", 0))
        .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, state, handle }
    }

    pub fn next(&self, status: u16, headers: Vec<(&'static str, &'static str)>, body: &impl ToString) {
        let body = body.to_string();
        let canned = Canned { status, headers, body };
        self.state.lock().unwrap().canned.push_back(canned);
    }

    pub fn next_problem(&self, status: u16, body: &Value) {
        self.next(status, vec![("content-type", "application/problem+json")], body);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, state: web::Data<Mutex<State>>) -> HttpResponse {
    let headers = request.headers().iter();
    let seen = Seen {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned())).collect(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    {
        let mut state = state.lock().unwrap();
        state.busy += 1;
        state.most_busy = state.most_busy.max(state.busy);
    }
    // Agencies are answered out of order, so that an importer which tells them as they come is found out.
    if request.method() == Method::PUT && !seen.path.ends_with("/roster") {
        let late = seen.path.bytes().map(u64::from).sum::<u64>() % 4;
        actix_web::rt::time::sleep(Duration::from_millis(late * 3)).await;
    }
    let mut state = state.lock().unwrap();
    state.busy -= 1;
    state.seen.push(seen.clone());
    if let Some(canned) = state.canned.pop_front() {
        let mut response = HttpResponse::build(StatusCode::from_u16(canned.status).unwrap());
        for header in canned.headers {
            response.insert_header(header);
        }
        return response.body(canned.body);
    }
    match (seen.method.as_str(), seen.path.as_str()) {
        ("POST", "/v1/agencies") => HttpResponse::Created().json(seen.body),
        ("POST", "/v1/completions/batch") => state.take_batch(&seen.body),
        ("PUT", path) if path.ends_with("/roster") => take_roster(&seen.body),
        ("PUT", path) => match path.strip_prefix("/v1/agencies/ori:") {
            Some(ori) => state.put_agency(ori, seen.body),
            None => HttpResponse::NotFound().finish(),
        },
        _ => HttpResponse::NotFound().finish(),
    }
}

fn fault(pointer: &str, code: &str, detail: &str) -> Value {
    json!({"type": "about:blank", "title": "The record is not valid", "status": 422,
           "errors": [{"pointer": pointer, "code": code, "detail": detail}]})
}

impl State {
    fn put_agency(&mut self, ori: &str, body: Value) -> HttpResponse {
        if ori.len() != 9 {
            return HttpResponse::UnprocessableEntity()
                .content_type("application/problem+json")
                .body(fault("/ori", "invalid_ori", "an ORI has nine characters").to_string());
        }
        let before = self.agencies.insert(ori.to_owned(), body.clone());
        let (mut response, word) = match before {
            None => (HttpResponse::Created(), "created"),
            Some(before) if before == body => (HttpResponse::Ok(), "unchanged"),
            Some(_) => (HttpResponse::Ok(), "updated"),
        };
        response.insert_header(("X-Outcome", word)).json(body)
    }

    /// Officers of the family `NOBODY` are parked; of negative hours the record is rejected.
    fn take_batch(&mut self, body: &Value) -> HttpResponse {
        let mut results = Vec::new();
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let records = body["completions"].as_array().unwrap();
        for (index, record) in records.iter().enumerate() {
            let id = record["external_id"].as_str().unwrap();
            let rejected = record["hours"].as_f64().is_some_and(|hours| hours < 0.0);
            let parked = record["officer"]["family_name"] == "NOBODY";
            let outcome = if rejected {
                "rejected"
            } else {
                let before = self.completions.insert(id.to_owned(), record.clone());
                match before {
                    _ if parked => "parked",
                    None => "created",
                    Some(before) if before == *record => "unchanged",
                    Some(_) => "updated",
                }
            };
            *counts.entry(outcome).or_default() += 1;
            match outcome {
                "parked" => results.push(json!({"index": index, "external_id": id, "outcome": "parked", "id": "0199", "reason": "no_match"})),
                "rejected" => results.push(json!({"index": index, "external_id": id, "outcome": "rejected",
                    "problem": fault("/hours", "out_of_range", "hours are more than 0")})),
                "updated" => results.push(json!({"index": index, "external_id": id, "outcome": "updated", "id": "0199"})),
                _ => {}
            }
        }
        let mut summary = json!({"received": records.len(), "created": 0, "updated": 0, "unchanged": 0, "parked": 0, "rejected": 0, "causes": []});
        for (outcome, count) in counts {
            summary[outcome] = count.into();
        }
        HttpResponse::MultiStatus().json(json!({"summary": summary, "results": results}))
    }
}

fn take_roster(body: &Value) -> HttpResponse {
    let received = body["officers"].as_array().unwrap().len();
    HttpResponse::Ok().json(json!({
        "summary": {"received": received, "created": received, "updated": 0, "unchanged": 0, "ended": 3, "rejected": 0, "reinstated": 2, "note": "x"},
        "results": [{"index": 0, "outcome": "created", "officer_id": "0199", "more": true}]
    }))
}
