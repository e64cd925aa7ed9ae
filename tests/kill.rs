//! A service that is killed in the middle of its work has lost nothing that it acknowledged; one that is told to stop finishes first.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "support/database.rs"]
mod database;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use database::{Backend, TestDatabase};
use serde_json::{Value, json};

/// The real binary over a database that outlives it.
struct Service {
    child: Child,
    address: String,
    token: String,
}

impl Service {
    async fn start(database: &TestDatabase) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let command = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_onemind"));
            command.env("ONEMIND_DATA_DIR", database.folder()).env("DATABASE_URL", database.url()).env("ONEMIND_LOG", "warn");
            command.env("ONEMIND_LISTEN", format!("127.0.0.1:{port}"));
            command
        };
        let printed = command().args(["token", "--scope", "all", "--all-agencies"]).output().unwrap();
        let token = String::from_utf8(printed.stdout).unwrap().trim().to_owned();
        let child = command().arg("serve").stderr(Stdio::null()).spawn().unwrap();
        let service = Self { child, address: format!("http://127.0.0.1:{port}"), token };
        for _ in 0..200 {
            if reqwest::get(format!("{}/readyz", service.address)).await.is_ok_and(|answer| answer.status().is_success()) {
                return service;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the service did not start within ten seconds");
    }

    /// Pushes records one after the other until the service is gone, and answers those that were acknowledged.
    async fn push_until_gone(address: String, token: String, pusher: usize, gone: Arc<AtomicBool>) -> BTreeSet<String> {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut acknowledged = BTreeSet::new();
        for number in 0..5_000 {
            let external_id = format!("rec-{pusher}-{number}");
            let record = json!({"external_id": external_id, "officer": {"email": "m.rivera@example.org"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
            let pushed = http.post(format!("{address}/v1/completions")).bearer_auth(&token).json(&record).send().await;
            match pushed {
                Ok(answer) if answer.status() == 202 => {
                    // Whole, not only its head: the body is part of the answer.
                    if answer.bytes().await.is_ok() {
                        acknowledged.insert(external_id);
                    }
                }
                Ok(answer) => panic!("answered {}", answer.status()),
                Err(_) => {
                    assert!(gone.load(Ordering::SeqCst), "a push failed while the service was running");
                    break;
                }
            }
        }
        acknowledged
    }

    async fn every_external_id(&self) -> BTreeSet<String> {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let (mut found, mut cursor) = (BTreeSet::new(), String::new());
        loop {
            let page = http.get(format!("{}/v1/completions?limit=500{cursor}", self.address)).bearer_auth(&self.token);
            let page: Value = page.send().await.unwrap().json().await.unwrap();
            found.extend(page["items"].as_array().unwrap().iter().map(|item| item["external_id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn nothing_acknowledged_is_gone(backend: Backend, signal: &str) {
    let database = TestDatabase::create(backend);
    let mut service = Service::start(&database).await;
    let gone = Arc::new(AtomicBool::new(false));
    let pushers: Vec<_> =
        (0..4).map(|pusher| tokio::spawn(Service::push_until_gone(service.address.clone(), service.token.clone(), pusher, gone.clone()))).collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    gone.store(true, Ordering::SeqCst);
    assert!(Command::new("kill").args([signal, &service.child.id().to_string()]).status().unwrap().success());
    let mut acknowledged = BTreeSet::new();
    for pusher in pushers {
        acknowledged.extend(pusher.await.unwrap());
    }
    let ended = service.child.wait().unwrap();
    assert_eq!(ended.success(), signal != "-KILL", "{ended}");
    assert!(!acknowledged.is_empty());

    let again = Service::start(&database).await;
    let found = again.every_external_id().await;
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    every_push_is_in_a_whole_audit_log(&database, &again, found.len()).await;
}

/// Each push has its entry, since both are written in one transaction; and the command finds every chain whole, until it isn't.
async fn every_push_is_in_a_whole_audit_log(database: &TestDatabase, service: &Service, pushes: usize) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (mut entries, mut cursor) = (0, String::new());
    loop {
        let page = http.get(format!("{}/v1/audit-log?operation=push_completion&outcome=changed&limit=500{cursor}", service.address));
        let page: Value = page.bearer_auth(&service.token).send().await.unwrap().json().await.unwrap();
        entries += page["items"].as_array().unwrap().len();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(entries, pushes);
    let audit = |command: &str| {
        let mut binary = Command::new(env!("CARGO_BIN_EXE_onemind"));
        binary.env("ONEMIND_DATA_DIR", database.folder()).env("DATABASE_URL", database.url()).args(["audit", command]).output().unwrap()
    };
    let whole = audit("verify");
    assert!(whole.status.success(), "{whole:?}");
    assert!(String::from_utf8_lossy(&whole.stdout).ends_with("every chain is whole\n"), "{whole:?}");
    let pruned = audit("prune");
    assert!(pruned.status.success() && pruned.stdout.starts_with(b"0 entries"), "{pruned:?}");
    let key = database.folder().join("keys/audit.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::write(&key, [7; 32]).unwrap();
    let foreign = audit("verify");
    assert_eq!(foreign.status.code(), Some(1), "{foreign:?}");
    assert!(String::from_utf8_lossy(&foreign.stdout).contains("which is not here"), "{foreign:?}");
    std::fs::write(&key, kept).unwrap();
    assert!(audit("verify").status.success());
}

#[actix_web::test]
async fn a_killed_service_has_lost_nothing_on_sqlite() {
    nothing_acknowledged_is_gone(Backend::Sqlite, "-KILL").await;
}

#[actix_web::test]
async fn a_killed_service_has_lost_nothing_on_postgres() {
    if Backend::postgres_is_here() {
        nothing_acknowledged_is_gone(Backend::Postgres, "-KILL").await;
    }
}

#[actix_web::test]
async fn a_service_told_to_stop_ends_in_peace_and_has_lost_nothing() {
    for signal in ["-TERM", "-INT"] {
        nothing_acknowledged_is_gone(Backend::Sqlite, signal).await;
    }
}

/// Streams records until the service is gone, and answers those of which it was told, each with its id. An answer that was told in part
/// counts as far as it came.
async fn stream_until_gone(address: String, token: String) -> BTreeSet<(String, String)> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let record = |number: i32| {
        json!({"external_id": format!("rec-{number}"), "officer": {"email": "m.rivera@example.org"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"}).to_string()
    };
    let lines = (0..20_000).map(record).collect::<Vec<_>>().join("\n");
    let push = http.post(format!("{address}/v1/completions/batch")).bearer_auth(token).header("content-type", "application/x-ndjson");
    let Ok(mut answer) = push.header("accept", "application/x-ndjson").body(lines).send().await else { return BTreeSet::new() };
    let mut heard = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        heard.extend_from_slice(&piece);
    }
    let whole = heard.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let outcomes = heard[..whole].split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let told = outcomes.filter_map(|told| Some((told["external_id"].as_str()?.to_owned(), told["id"].as_str()?.to_owned())));
    told.collect()
}

impl Service {
    /// The id of every record, by its `external_id`; each `external_id` once.
    async fn every_id(&self) -> BTreeSet<(String, String)> {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let (mut found, mut count, mut cursor) = (BTreeSet::new(), 0, String::new());
        loop {
            let page = http.get(format!("{}/v1/completions?limit=500{cursor}", self.address)).bearer_auth(&self.token);
            let page: Value = page.send().await.unwrap().json().await.unwrap();
            for item in page["items"].as_array().unwrap() {
                count += 1;
                found.insert((item["external_id"].as_str().unwrap().to_owned(), item["id"].as_str().unwrap().to_owned()));
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let names: BTreeSet<&String> = found.iter().map(|(name, _)| name).collect();
        assert_eq!((names.len(), found.len()), (count, count), "a record is there twice");
        found
    }
}

/// Kills the service in the middle of a streamed batch, again and again over the same database.
async fn nothing_told_of_in_a_stream_is_gone(backend: Backend) {
    let database = TestDatabase::create(backend);
    let (mut told, mut broken) = (BTreeSet::new(), 0);
    for round in 0..20 {
        let mut service = Service::start(&database).await;
        let streaming = tokio::spawn(stream_until_gone(service.address.clone(), service.token.clone()));
        tokio::time::sleep(Duration::from_millis(200 + 130 * (round * 7 % 20))).await;
        service.child.kill().unwrap();
        service.child.wait().unwrap();
        let heard = streaming.await.unwrap();
        broken += usize::from(!heard.is_empty() && heard.len() < 20_000);
        told.extend(heard);
    }
    assert!(broken > 0, "no kill came in the middle of an answer");
    let service = Service::start(&database).await;
    let held = service.every_id().await;
    let lost: Vec<_> = told.difference(&held).collect();
    assert!(lost.is_empty(), "told of and lost: {lost:?}");
    // The whole again: all of it is there, and nothing is there twice.
    let all = stream_until_gone(service.address.clone(), service.token.clone()).await;
    assert_eq!(all.len(), 20_000);
    assert_eq!(service.every_id().await, all);
    assert!(all.is_superset(&held));
}

#[actix_web::test]
async fn a_stream_that_is_killed_has_lost_nothing_that_it_told_of_on_sqlite() {
    nothing_told_of_in_a_stream_is_gone(Backend::Sqlite).await;
}

#[actix_web::test]
async fn a_stream_that_is_killed_has_lost_nothing_that_it_told_of_on_postgres() {
    if Backend::postgres_is_here() {
        nothing_told_of_in_a_stream_is_gone(Backend::Postgres).await;
    }
}

impl Service {
    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        reqwest::Client::builder().no_proxy().build().unwrap().request(method, format!("{}{path}", self.address)).bearer_auth(&self.token)
    }

    /// The import, once `is_so`.
    async fn once_import(&self, import: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1200 {
            let view: Value = self.request(reqwest::Method::GET, import).send().await.unwrap().json().await.unwrap();
            if is_so(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{import} is not so within a minute");
    }
}

/// Kills the service in the middle of an import, again and again, and once tells it to stop: whoever starts next goes on with it.
async fn an_import_is_gone_on_with(backend: Backend) {
    const COUNT: usize = 15_000;
    let database = TestDatabase::create(backend);
    let mut service = Service::start(&database).await;
    let lines: Vec<String> = (0..COUNT)
        .map(|number| {
            let record = json!({"external_id": format!("rec-{number}"), "officer": {"email": "m.rivera@example.org"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
            record.to_string()
        })
        .collect();
    let lines = lines.join("\n");
    let push = service.request(reqwest::Method::POST, "/v1/completions/batch").header("content-type", "application/x-ndjson");
    let accepted = push.header("prefer", "respond-async").body(lines).send().await.unwrap();
    assert_eq!(accepted.status(), 202);
    let import = accepted.headers()["location"].to_str().unwrap().to_owned();
    let received = |view: &Value| view["summary"]["received"].as_u64().unwrap();
    let mut before = 0;
    for signal in ["-KILL", "-TERM", "-KILL"] {
        let reached = service.once_import(&import, |view| received(view) > before).await;
        assert_eq!(reached["state"], "running", "no signal came in the middle of the import");
        before = received(&reached);
        assert!(Command::new("kill").args([signal, &service.child.id().to_string()]).status().unwrap().success());
        service.child.wait().unwrap();
        service = Service::start(&database).await;
    }
    let done = service.once_import(&import, |view| view["finished_at"].is_string()).await;
    assert_eq!((&done["state"], &done["summary"]["parked"], &done["summary"]["received"]), (&json!("done"), &json!(COUNT), &json!(COUNT)));
    let outcomes = service.request(reqwest::Method::GET, &format!("{import}/outcomes")).send().await.unwrap().text().await.unwrap();
    let told: Vec<Value> = outcomes.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), COUNT + 1);
    for (index, line) in told[..COUNT].iter().enumerate() {
        assert_eq!((&line["index"], &line["external_id"], &line["outcome"]), (&json!(index), &json!(format!("rec-{index}")), &json!("parked")));
    }
    let ids: BTreeSet<(String, String)> =
        told[..COUNT].iter().map(|line| (line["external_id"].as_str().unwrap().to_owned(), line["id"].as_str().unwrap().to_owned())).collect();
    assert_eq!(service.every_id().await, ids);
}

#[actix_web::test]
async fn an_import_that_is_killed_ends_with_every_record_once_on_sqlite() {
    an_import_is_gone_on_with(Backend::Sqlite).await;
}

#[actix_web::test]
async fn an_import_that_is_killed_ends_with_every_record_once_on_postgres() {
    if Backend::postgres_is_here() {
        an_import_is_gone_on_with(Backend::Postgres).await;
    }
}

/// The resident memory of a process in MiB, by a field of `/proc`: what it is now (`VmRSS:`), or the most that it ever was (`VmHWM:`).
fn resident(process: u32, field: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

/// How large a body is streamed, in MiB: 200, or what the environment says.
#[expect(clippy::disallowed_methods, reason = "a setting of the test, and not of the service")]
fn streamed() -> usize {
    std::env::var("ONEMIND_STREAMED_MIB").map_or(200, |size| size.parse().unwrap())
}

#[actix_web::test]
async fn memory_does_not_grow_with_a_body_that_is_streamed() {
    let database = TestDatabase::create(Backend::Sqlite);
    let service = Service::start(&database).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (record, padding) = (
        r#"{"external_id": "one", "officer": {"email": "m.rivera@example.org"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"}"#,
        "x".repeat(8_000),
    );
    let push = |megabytes: usize| {
        // Few records, and much that is no record: what is measured is the way of the bytes. Nothing of the answer is read meanwhile.
        let piece = format!("{record}\n{}", format!("{padding}\n").repeat(130));
        let count = megabytes * 1024 * 1024 / piece.len();
        let push =
            http.post(format!("{}/v1/completions/batch", service.address)).bearer_auth(&service.token).header("content-type", "application/x-ndjson");
        async move {
            let answer = push.header("prefer", "return=minimal").body(piece.repeat(count)).send().await.unwrap();
            let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            assert_eq!((answer["summary"]["received"].as_u64(), answer["problem"].is_null()), (Some(131 * count as u64), true));
        }
    };
    push(4).await;
    let before = resident(service.child.id(), "VmRSS:");
    push(streamed()).await;
    let peak = resident(service.child.id(), "VmHWM:");
    assert!(peak < before + 64, "{peak} MiB, {before} MiB before");
}
