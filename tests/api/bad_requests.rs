//! Requests whose path, query, method, headers or size can't be: whatever the operation, each is answered with a clear problem.

use reqwest::Method;
use serde_json::json;

use crate::on_both_databases;
use crate::support::document::Document;
use crate::support::raw::exchange;
use crate::support::scene::{Scene, held};

const MIB: usize = 1024 * 1024;

on_both_databases! {
    async fn queries_hold_what_the_operation_takes_and_each_once(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let before = held(&app, &document.operations()).await;
        for operation in document.operations().iter().filter(|operation| operation.path.starts_with("/v1/")) {
            let mut bad: Vec<(String, String)> = vec![
                ("nonsense=1".into(), "/nonsense unknown_field".into()),
                ("a%ZZ=1".into(), " malformed_query".into()),
                ("a=%f".into(), " malformed_query".into()),
                ("a=%".into(), " malformed_query".into()),
                ("a=%FF%FE".into(), " malformed_query".into()),
                ("a=%ed%a0%80".into(), " malformed_query".into()),
            ];
            for parameter in operation.parameters("query") {
                let name = parameter["name"].as_str().unwrap();
                let value = document.example(&parameter["schema"]).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_else(|| "7".into());
                if parameter["schema"]["type"].to_string().contains("array") {
                    // It may come any number of times: what is wrong is told of each.
                    bad.push((format!("{name}=7&{name}="), format!("/{name}/1 invalid_pair")));
                    continue;
                }
                bad.push((format!("{name}={value}&{name}={value}"), format!("/{name} repeated")));
                if parameter["schema"]["maxLength"].is_u64() || parameter["schema"]["pattern"].is_string() || parameter["schema"]["format"].is_string() {
                    bad.push((format!("{name}=a%00b"), format!("/{name} ")));
                    bad.push((format!("{name}={}", "x".repeat(5_000)), format!("/{name} ")));
                }
                bad.push((format!("{name}="), format!("/{name} ")));
            }
            if operation.takes("query", "limit") {
                bad.extend(["0", "501", "abc", "-1", "+5", "1.5", "1e2", "99999999999999999999", "٥", "%2050"].map(|limit| (format!("limit={limit}"), "/limit invalid_limit".into())));
            }
            for (query, fault) in bad {
                let mut request = staff.request(operation.verb(), &format!("{}?{query}", scene.path(operation)));
                if let Some((media_type, schema)) = operation.body() {
                    request = request.header("content-type", media_type).body(document.example(schema).unwrap().to_string());
                }
                let reply = staff.send(request).await;
                assert_eq!(reply.status, 400, "{}?{query}: {}", operation.name(), reply.text);
                let faults = reply.problem(400, "invalid-parameter");
                assert!(faults.iter().any(|found| found.starts_with(&fault)), "{}?{query}: {faults:?}, and not {fault}", operation.name());
            }
        }
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn a_path_that_names_nothing_is_not_found(app: TestApp) {
        let document = Document::current();
        let staff = app.staff();
        let long = "a".repeat(3000);
        for operation in document.operations().iter().filter(|operation| operation.path.contains('{')) {
            for key in ["x", "0", "-1", "%ZZ", "%", "%00", "%FF%FE", "%2F", "ori:", "ori:x", "ori:TX22700000", "ori:TX22%2000", "null", "0199c1f0", "0199c1f0-0000-7000-8000-00000000000g",
                "{0199c1f0-0000-7000-8000-000000000000}", "urn:uuid:0199c1f0-0000-7000-8000-000000000000", "💥", "' OR 1=1 --", long.as_str()]
            {
                let path = operation.path_with(|_| key.to_owned());
                let mut request = staff.request(operation.verb(), &path);
                if let Some((media_type, schema)) = operation.body() {
                    request = request.header("content-type", media_type).body(document.example(schema).unwrap().to_string());
                }
                let reply = staff.send(request).await;
                assert_eq!(reply.status, 404, "{} with {key}: {}", operation.method, reply.text);
                reply.problem(404, "not-found");
            }
        }
        for path in ["/", "/v1", "/v1/", "/v2/agencies", "/v1/agencies/", "/v1//agencies", "/v1/agencies/x/y/z", "/.env", "/../etc/passwd", "/problems/nothing"] {
            staff.get(path).await.problem(404, "not-found");
        }
    }

    async fn a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let before = held(&app, &document.operations()).await;
        let operations = document.operations();
        let mut paths: Vec<(String, String)> = operations.iter().map(|operation| (operation.path.clone(), scene.path(operation))).collect();
        paths.dedup();
        paths.extend(["/openapi.json", "/openapi-3.0.json", "/docs"].map(|path| (path.to_owned(), path.to_owned())));
        for (pattern, path) in paths {
            let mut has: Vec<&str> = operations.iter().filter(|operation| operation.path == pattern).map(|operation| operation.method.as_str()).collect();
            if has.is_empty() {
                has.push("GET");
            }
            if has.contains(&"GET") {
                has.push("HEAD");
            }
            has.sort_unstable();
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "QUERY"] {
                if has.contains(&method) {
                    continue;
                }
                let reply = staff.send(staff.request(method.parse().unwrap(), &path).json(&json!({}))).await;
                assert_eq!((reply.status, reply.headers.get("allow").map(|allow| allow.to_str().unwrap())), (405, Some(has.join(", ").as_str())), "{method} {path}");
                if method != "HEAD" {
                    reply.problem(405, "method-not-allowed");
                }
            }
        }
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn headers_have_a_length(app: TestApp) {
        let scene = Scene::make(&app).await;
        let document = Document::current();
        let staff = app.staff();
        let long = "x".repeat(1001);
        for operation in document.operations().iter().filter(|operation| operation.path.starts_with("/v1/")) {
            for header in operation.parameters("header").iter().map(|parameter| parameter["name"].as_str().unwrap()) {
                let reply = staff.send(staff.request(operation.verb(), &scene.path(operation)).header(header, &long)).await;
                assert_eq!(reply.status, 400, "{} with a long {header}: {}", operation.name(), reply.text);
                assert_eq!(reply.problem(400, "invalid-header"), [format!("/{} invalid_header", header.to_lowercase())]);
            }
        }
    }

    async fn a_body_that_is_too_large_is_refused_and_the_client_hears_of_it(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let (staff, stranger) = (app.staff(), app.stranger());
        let before = held(&app, &document.operations()).await;
        let fifty = vec![b' '; 50 * MIB];
        for (verb, path, media_type) in [
            (Method::POST, "/v1/agencies".to_owned(), "application/json"),
            (Method::POST, "/v1/completions/batch".to_owned(), "application/json"),
            (Method::PATCH, "/v1/agencies/ori:TX2270000".to_owned(), "application/merge-patch+json"),
            (Method::PUT, "/v1/agencies/ori:TX2270000/roster".to_owned(), "application/json"),
        ] {
            let request = |client: &crate::support::Client| client.request(verb.clone(), &path).header("content-type", media_type).body(fifty.clone());
            let reply = staff.send(request(&staff)).await;
            reply.problem(413, "content-too-large");
            assert!(reply.json()["detail"].as_str().unwrap().contains("bytes"), "{}", reply.text);
            stranger.send(request(&stranger)).await.problem(401, "unauthorized");
            let untyped = staff.request(verb.clone(), &path).header("content-type", "text/html").body(fifty.clone());
            staff.send(untyped).await.problem(415, "unsupported-media-type");
        }
        staff.send(staff.request(Method::POST, "/nowhere").body(fifty.clone())).await.problem(404, "not-found");
        staff.send(staff.request(Method::POST, "/v1/whoami").body(fifty)).await.problem(405, "method-not-allowed");

        let token = app.token("iacp", "all", None);
        let head = |framing: &str| {
            format!("POST /v1/agencies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n")
        };
        let chunk = [format!("{MIB:x}\r\n").into_bytes(), vec![b' '; MIB], b"\r\n".to_vec()].concat();
        let chunked = exchange(&app.address, head("Transfer-Encoding: chunked"), chunk, 50, b"0\r\n\r\n").await;
        assert_eq!(chunked.status, 413, "{}", chunked.head);
        assert!(chunked.head.contains("application/problem+json"));
        let announced = exchange(&app.address, head(&format!("Content-Length: {}", 50 * MIB)), vec![b' '; MIB], 50, b"").await;
        assert_eq!(announced.status, 413, "{}", announced.head);
        // One byte over, in chunks, and one that is just not over.
        let over = exchange(&app.address, head("Transfer-Encoding: chunked\r\nConnection: close"), [b"100001\r\n".to_vec(), vec![b' '; MIB + 1], b"\r\n".to_vec()].concat(), 1, b"0\r\n\r\n").await;
        assert_eq!(over.status, 413, "{}", over.head);
        let full = exchange(&app.address, head("Transfer-Encoding: chunked\r\nConnection: close"), [b"100000\r\n".to_vec(), vec![b' '; MIB], b"\r\n".to_vec()].concat(), 1, b"0\r\n\r\n").await;
        assert_eq!(full.status, 400, "{}", full.head);
        let broken_off = exchange(&app.address, head("Content-Length: 1000"), b"{\"name\":".to_vec(), 1, b"").await;
        assert_eq!(broken_off.status, 400, "{}", broken_off.head);
        drop(scene);
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn curl_hears_that_a_body_is_too_large(app: TestApp) {
        if std::process::Command::new("curl").arg("--version").output().is_err() {
            println!("skipped: there is no curl");
            return;
        }
        let file = app.config.data_dir.join("large.json");
        std::fs::write(&file, vec![b' '; 50 * MIB]).unwrap();
        let token = app.token("iacp", "all", None);
        for (path, extra) in [("/v1/agencies", "Expect:"), ("/v1/agencies", "X-None: 1"), ("/v1/completions/batch", "Transfer-Encoding: chunked")] {
            let mut command = std::process::Command::new("curl");
            command.args(["--silent", "--show-error", "--max-time", "30", "--noproxy", "*", "--write-out", "\n%{http_code}", "--header", extra]);
            command.args(["--header", "Content-Type: application/json", "--header", &format!("Authorization: Bearer {token}")]);
            command.arg("--data-binary").arg(format!("@{}", file.display())).arg(format!("{}{path}", app.address));
            let output = actix_web::rt::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.contains("/problems/content-too-large") && text.ends_with("\n413"), "{path} {extra}: {text} {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
