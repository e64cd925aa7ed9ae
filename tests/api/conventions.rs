//! What holds for every answer: request ids, problems that are explained, versions, HEAD, compression, and how the service is.

use std::collections::BTreeSet;
use std::io::Read as _;

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::START;
use crate::support::document::{Document, Operation};
use crate::support::scene::Scene;

/// Whether it answers a single resource, which has a version.
fn is_single(operation: &Operation) -> bool {
    operation.method == "GET" && operation.takes("header", "If-None-Match")
}

fn unpacked(bytes: &[u8]) -> Value {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

on_both_databases! {
    async fn every_answer_has_a_request_id_of_its_own(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let mut ids = BTreeSet::new();
        let mut count = 0;
        let others = ["/nowhere", "/openapi.json", "/openapi-3.0.json", "/docs", "/docs/", "/docs/swagger-ui.css"];
        let paths = document.operations().into_iter().map(|operation| (operation.verb(), scene.path(&operation)));
        for (verb, path) in paths.chain(others.map(|path| (Method::GET, path.to_owned()))) {
            for client in [&staff, &app.stranger()] {
                let reply = client.send(client.request(verb.clone(), &path)).await;
                let id = reply.header("x-request-id");
                assert!(uuid::Uuid::try_parse(id).is_ok() && ids.insert(id.to_owned()), "{verb} {path}: {id}");
                assert_eq!(reply.header("x-content-type-options"), "nosniff");
                assert!(reply.status < 500, "{verb} {path}: {}", reply.text);
                // The token endpoint answers as RFC 6749 has it.
                if reply.status >= 400 && path != "/oauth/token" {
                    assert_eq!(reply.json()["instance"], format!("urn:uuid:{id}"), "{verb} {path}");
                }
                count += 1;
            }
        }
        assert_eq!(ids.len(), count);
    }

    async fn every_type_of_problem_is_explained_where_it_leads(app: TestApp) {
        let document = Document::current();
        let stranger = app.stranger();
        let listed = stranger.get("/problems").await.expect(200);
        let mut types: BTreeSet<String> = listed.as_array().unwrap().iter().map(|kind| kind["type"].as_str().unwrap().to_owned()).collect();
        // The document tells of some in words and of some by name.
        for word in document.0.to_string().split(['"', '`', ' ', ')', '(']).filter(|word| word.starts_with("/problems/") && !word.contains('{')) {
            types.insert(word.trim_end_matches(['\\', '.']).to_owned());
        }
        assert!(types.len() >= 15, "{types:?}");
        for kind in types {
            let explained = stranger.get(&kind).await.expect(200);
            assert_eq!(explained["type"], kind);
            for field in ["title", "explanation"] {
                assert!(!explained[field].as_str().unwrap().is_empty(), "{kind}");
            }
            let page = stranger.send(stranger.request(Method::GET, &kind).header("accept", "text/html")).await;
            assert!(page.header("content-type").starts_with("text/html") && page.text.contains(explained["title"].as_str().unwrap()), "{kind}");
        }
    }

    async fn every_single_resource_has_a_version(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let mut seen = 0;
        for operation in document.operations().iter().filter(|operation| operation.method == "GET" && operation.path.starts_with("/v1/") && !operation.is_list()) {
            assert!(is_single(operation), "{}: a single resource takes If-None-Match", operation.name());
            let (path, caller) = (scene.path(operation), scene.caller(&staff, operation));
            let read = caller.get(&path).await;
            assert_eq!(read.status, 200, "{path}: {}", read.text);
            let tag = read.header("etag").to_owned();
            assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{}: {tag}", operation.name());
            let with = |value: &str| caller.send(caller.request(Method::GET, &path).header("if-none-match", value));
            for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
                let same = with(&known).await;
                assert_eq!((same.status, same.text.as_str(), same.header("etag")), (304, "", tag.as_str()), "{} with {known}", operation.name());
            }
            let other = with("\"other\"").await;
            assert_eq!((other.status, other.text), (200, read.text), "{}", operation.name());
            seen += 1;
        }
        assert!(seen >= 10, "{seen}");
    }

    async fn a_change_is_done_while_if_match_names_the_current_version(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let operations = document.operations();
        let mut seen = 0;
        for operation in operations.iter().filter(|operation| operation.method == "PATCH") {
            let (path, caller) = (scene.path(operation), scene.caller(&staff, operation));
            let tag = caller.get(&path).await.header("etag").to_owned();
            let patch = |tag: &str| {
                let request = caller.request(Method::PATCH, &path).header("if-match", tag).header("content-type", "application/merge-patch+json");
                caller.send(request.body("{}"))
            };
            let patched = patch(&tag).await;
            assert_eq!((patched.status, patched.header("etag")), (200, tag.as_str()), "{}: {}", operation.name(), patched.text);
            assert_eq!(patch("*").await.status, 200, "{}", operation.name());
            assert_eq!(patch(&format!("\"other\", {tag}")).await.status, 200, "{}", operation.name());
            // Weak tags compare as different where a change is guarded (RFC 9110 §13.1.1).
            patch(&format!("W/{tag}")).await.problem(412, "precondition-failed");
            seen += 1;
        }
        assert!(seen >= 6, "{seen}");
    }

    async fn head_is_get_without_the_body(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let client = app.staff();
        for operation in document.operations().iter().filter(|operation| operation.method == "GET" && operation.path != "/metrics") {
            let (mut path, client) = (scene.path(operation), scene.caller(&client, operation));
            if path == "/v1/audit-log" {
                // Each look into the log is an entry in it.
                path = format!("{path}?until={START}");
            }
            let (get, head) = (client.get(&path).await, client.send(client.request(Method::HEAD, &path)).await);
            assert_eq!((get.status, head.status, head.text.as_str()), (200, 200, ""), "{path}");
            for name in ["content-type", "etag", "link", "cache-control", "content-length"] {
                assert_eq!(head.headers.get(name), get.headers.get(name), "{path}: {name}");
            }
        }
        let nothing = app.staff().send(app.staff().request(Method::HEAD, "/v1/agencies/ori:TX9999999")).await;
        assert_eq!((nothing.status, nothing.text.as_str()), (404, ""));
    }

    async fn answers_are_compressed_for_those_who_read_it(app: TestApp) {
        let scene = Scene::make(&app).await;
        let client = &scene.client;
        for number in 0..20 {
            app.agency(&format!("WA00000{number:02}")).await;
        }
        let staff = app.staff();
        for (path, status) in [("/v1/agencies", 200), ("/v1/agencies/ori:TX2270000", 200), ("/openapi.json", 200), ("/v1/agencies?limit=0&nonsense=1", 400), ("/v1/nothing", 404)] {
            let plain = staff.get(path).await;
            assert_eq!((plain.status, plain.headers.get("content-encoding")), (status, None), "{path}");
            let response = staff.request(Method::GET, path).header("accept-encoding", "gzip").send().await.unwrap();
            assert_eq!((response.status().as_u16(), response.headers()["content-encoding"].to_str().unwrap()), (status, "gzip"), "{path}");
            assert!(response.headers()["vary"].to_str().unwrap().to_lowercase().contains("accept-encoding"), "{path}");
            let id = format!("urn:uuid:{}", response.headers()["x-request-id"].to_str().unwrap());
            let mut body = unpacked(&response.bytes().await.unwrap());
            let mut expected = plain.json();
            if status >= 400 {
                assert_eq!(body["instance"], json!(id), "{path}");
                (body["instance"], expected["instance"]) = (json!(null), json!(null));
            }
            assert_eq!(body, expected, "{path}");
        }
        let refused = client.request(Method::POST, "/v1/agencies").header("accept-encoding", "gzip").json(&json!({"name": 5})).send().await.unwrap();
        assert_eq!((refused.status().as_u16(), refused.headers()["content-type"].to_str().unwrap()), (422, "application/problem+json"));
        let gzipped = refused.headers().get("content-encoding").is_some();
        let bytes = refused.bytes().await.unwrap();
        let problem: Value = if gzipped { unpacked(&bytes) } else { serde_json::from_slice(&bytes).unwrap() };
        assert_eq!(problem["type"], "/problems/invalid-content");
        let none = staff.send(staff.request(Method::GET, "/v1/agencies").header("accept-encoding", "identity, *;q=0")).await;
        assert_eq!((none.status, none.headers.get("content-encoding")), (200, None));
    }

    async fn the_service_tells_how_it_is(app: TestApp) {
        let stranger = app.stranger();
        assert_eq!(stranger.get("/livez").await.expect(200), json!({"status": "ok"}));
        let system = if app.backend == crate::support::Backend::Sqlite { "sqlite" } else { "postgresql" };
        assert_eq!(stranger.get("/readyz").await.expect(200), json!({"status": "ok", "database": system}));
        app.staff().get("/v1/agencies").await.expect(200);
        app.staff().get("/v1/agencies/ori:TX9999999").await.problem(404, "not-found");
        let metrics = stranger.get("/metrics").await;
        assert_eq!((metrics.status, metrics.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
        for part in ["http_route=\"/v1/agencies\"", "http_route=\"/v1/agencies/{agency}\"", "http_response_status_code=\"404\"", "http_route=\"/readyz\""] {
            assert!(metrics.text.contains(part), "{part} is not in\n{}", metrics.text);
        }
        assert!(!metrics.text.contains("TX9999999"), "what is asked for is no label of a metric");
    }

    async fn the_documents_are_those_of_this_code_and_the_page_loads_nothing_from_elsewhere(app: TestApp) {
        let stranger = app.stranger();
        let document = stranger.get("/openapi.json").await;
        assert_eq!((document.status, &document.json()), (200, &Document::current().0));
        assert_eq!(stranger.get("/openapi-3.0.json").await.expect(200)["openapi"], "3.0.3");
        let page = stranger.get("/docs/").await;
        assert_eq!(page.status, 200);
        let elsewhere = page.text.split(['"', '\'', ' ', '<', '>']).find(|word| word.starts_with("http://") || word.starts_with("https://") || word.starts_with("//"));
        assert_eq!(elsewhere, None, "nothing is loaded from elsewhere");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    }
}
