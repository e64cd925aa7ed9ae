//! What answers tell browsers, whose pages may call, and TLS of the service's own.

use std::path::Path;

use onemind::config::{Config, TlsFiles};
use reqwest::Method;
use serde_json::json;

use crate::on_both_databases;
use crate::support::document::Document;
use crate::support::scene::Scene;
use crate::support::{Backend, Client, Reply, TestApp};

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.headers.get(name).map(|value| value.to_str().unwrap())
}

on_both_databases! {
    async fn every_answer_bears_headers_that_keep_browsers_from_mischief(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let (staff, stranger) = (app.staff(), app.stranger());
        let mut replies = Vec::new();
        for operation in document.operations() {
            for (client, path) in [(&staff, scene.path(&operation)), (&staff, operation.path_to_nothing()), (&stranger, scene.path(&operation))] {
                replies.push((format!("{} {path}", operation.method), client.send(client.request(operation.verb(), &path)).await));
            }
        }
        for path in ["/docs", "/docs/", "/docs/swagger-ui.css", "/openapi.json", "/openapi-3.0.json", "/nowhere", "/problems"] {
            replies.push((path.to_owned(), stranger.get(path).await));
        }
        replies.push(("TRACE".into(), stranger.send(stranger.request(Method::TRACE, "/livez")).await));
        let mut failed = 0;
        for (what, reply) in replies {
            assert_eq!(header(&reply, "x-content-type-options"), Some("nosniff"), "{what}");
            assert_eq!(header(&reply, "referrer-policy"), Some("no-referrer"), "{what}");
            // What is public may be shown on anybody's pages.
            let shared = if what.contains("/public/") && reply.status < 400 { "cross-origin" } else { "same-origin" };
            assert_eq!(header(&reply, "cross-origin-resource-policy"), Some(shared), "{what}");
            let policy = header(&reply, "content-security-policy").unwrap();
            assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
            assert_eq!(header(&reply, "strict-transport-security"), None, "{what}: plain HTTP is all there is");
            assert_eq!(header(&reply, "access-control-allow-origin"), None, "{what}");
            assert_eq!(header(&reply, "server"), None, "{what}");
            let is_page = header(&reply, "content-type").is_some_and(|kind| kind.starts_with("text/html"));
            assert_eq!(header(&reply, "permissions-policy").is_some(), is_page, "{what}");
            if reply.status >= 400 {
                failed += 1;
                assert_eq!(header(&reply, "cache-control"), Some("no-store"), "{what}");
            } else if what.contains("/v1/") && reply.status != 204 {
                // A secret is shown once, and kept nowhere.
                let expected = if reply.text.contains("\"client_secret\"") { "no-store" } else { "private, no-cache" };
                assert_eq!(header(&reply, "cache-control"), Some(expected), "{what}");
            }
        }
        assert!(failed > 50, "{failed}");
    }

    async fn no_other_origin_may_call_unless_it_is_named(app: TestApp) {
        let preflight = preflight(&app, "https://tools.example.org", "PUT", "authorization").await;
        preflight.problem(405, "method-not-allowed");
        let asked = app.staff().request(Method::GET, "/v1/whoami").header("origin", "https://tools.example.org");
        let reply = app.staff().send(asked).await;
        reply.expect(200);
        for reply in [preflight, reply] {
            assert!(reply.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{:?}", reply.headers);
        }
    }
}

async fn preflight(app: &TestApp, origin: &str, method: &str, headers: &str) -> Reply {
    let request = app.stranger().request(Method::OPTIONS, "/v1/agencies/ori:TX2270000").header("origin", origin);
    app.stranger().send(request.header("access-control-request-method", method).header("access-control-request-headers", headers)).await
}

fn with_origins(config: &mut Config) {
    config.web.cors_origins = vec!["https://tools.example.org".parse().unwrap(), "http://localhost:3000".parse().unwrap()];
}

#[actix_web::test]
async fn a_named_origin_may_call_with_everything_that_operations_take() {
    let app = TestApp::start_with(Backend::Sqlite, |config| {
        with_origins(config);
        config.limits.client = Some("60:1".parse::<onemind::config::RateSetting>().unwrap().0.unwrap());
    })
    .await;
    for origin in ["https://tools.example.org", "http://localhost:3000"] {
        let mut taken: Vec<String> = vec!["authorization".into(), "content-type".into()];
        for operation in Document::current().operations() {
            taken.extend(operation.parameters("header").iter().map(|parameter| parameter["name"].as_str().unwrap().to_lowercase()));
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let reply = preflight(&app, origin, method, &taken.join(", ")).await;
            assert_eq!((reply.status, header(&reply, "access-control-allow-origin")), (200, Some(origin)), "{method}: {}", reply.text);
            assert!(header(&reply, "access-control-allow-methods").unwrap().contains(method));
            let allowed = header(&reply, "access-control-allow-headers").unwrap().to_lowercase();
            assert!(taken.iter().all(|name| allowed.contains(name)), "{taken:?} in {allowed}");
            assert_eq!(header(&reply, "access-control-max-age"), Some("3600"));
            assert!(header(&reply, "vary").unwrap().to_lowercase().contains("origin"));
            assert_eq!(header(&reply, "access-control-allow-credentials"), None, "no cookies");
        }
        assert_eq!(preflight(&app, origin, "GET", "cookie").await.problem(400, "invalid-header"), ["/access-control-request-headers invalid_header"]);
        assert_eq!(
            preflight(&app, origin, "TRACE", "authorization").await.problem(400, "invalid-header"),
            ["/access-control-request-method invalid_header"]
        );
    }
    // 200, 429 and 401: a page can read each of them.
    for (client, status) in [(app.staff(), 200), (app.staff(), 429), (app.stranger(), 401)] {
        let reply = client.send(client.request(Method::GET, "/v1/whoami").header("origin", "https://tools.example.org")).await;
        assert_eq!((reply.status, header(&reply, "access-control-allow-origin")), (status, Some("https://tools.example.org")));
        let exposed = header(&reply, "access-control-expose-headers").unwrap().to_lowercase();
        for name in reply
            .headers
            .keys()
            .filter(|name| ["etag", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id", "www-authenticate"].contains(&name.as_str()))
        {
            assert!(exposed.contains(name.as_str()), "{name} in {exposed}");
        }
    }
}

#[actix_web::test]
async fn an_origin_that_is_not_named_gets_no_leave() {
    let app = TestApp::start_with(Backend::Sqlite, with_origins).await;
    for origin in
        ["https://evil.example", "https://tools.example.org.evil.example", "http://tools.example.org", "https://tools.example.org:8443", "null"]
    {
        let refused = preflight(&app, origin, "PUT", "authorization").await;
        assert_eq!(refused.problem(400, "invalid-header"), ["/origin invalid_header"]);
        let reply = app.staff().send(app.staff().request(Method::GET, "/v1/whoami").header("origin", origin)).await;
        for reply in [refused, reply] {
            assert_eq!(header(&reply, "access-control-allow-origin"), None, "{origin}");
        }
    }
    app.staff().send(app.staff().request(Method::OPTIONS, "/v1/whoami")).await.problem(405, "method-not-allowed");
}

#[actix_web::test]
async fn a_service_that_is_reached_by_https_alone_says_so_to_browsers() {
    let app = TestApp::start_with(Backend::Sqlite, |config| config.web.https_only = true).await;
    for path in ["/livez", "/v1/whoami", "/docs/"] {
        assert_eq!(header(&app.stranger().get(path).await, "strict-transport-security"), Some("max-age=31536000"), "{path}");
    }
}

/// A certificate for `localhost` and 127.0.0.1 that it signed itself, in a folder.
fn certificate(folder: &Path) -> (TlsFiles, reqwest::Certificate) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let files = TlsFiles { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (files, reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap())
}

fn trusting(certificate: reqwest::Certificate) -> reqwest::Client {
    reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap()
}

on_both_databases! {
    async fn the_certificate_of_the_settings_is_shown_and_plain_http_is_not_spoken_then(app: TestApp) {
        let folder = tempfile::TempDir::new().unwrap();
        let (files, root) = certificate(folder.path());
        let elsewhere = tempfile::TempDir::new().unwrap();
        let (_, other_root) = certificate(elsewhere.path());
        let secure = TestApp::start_with(app.backend, |config| {
            config.web.tls = Some(files);
            config.web.https_only = true;
        })
        .await;
        assert!(secure.address.starts_with("https://"));
        let http = trusting(root);
        let token = secure.token("iacp", "all", None);
        let body = json!({"name": "Over TLS", "kind": "sheriff", "country": "US"});
        let created = http.put(format!("{}/v1/agencies/ori:TX2270000", secure.address)).bearer_auth(&token).json(&body).send().await.unwrap();
        assert_eq!((created.status().as_u16(), created.headers()["strict-transport-security"].to_str().unwrap()), (201, "max-age=31536000"));
        let read = http.get(format!("{}/v1/agencies/ori:TX2270000", secure.address)).bearer_auth(&token).send().await.unwrap();
        assert_eq!(read.json::<serde_json::Value>().await.unwrap()["name"], "Over TLS");

        let mistaken = trusting(other_root).get(format!("{}/livez", secure.address)).send().await.unwrap_err();
        assert!(format!("{mistaken:?}").contains("InvalidCertificate"), "{mistaken:?}");
        let plain = Client::new(&secure.address.replace("https", "http"), None);
        assert!(plain.request(Method::GET, "/livez").send().await.is_err());
    }
}

#[test]
fn a_certificate_that_can_not_be_shown_is_told_of_by_its_file() {
    let folder = tempfile::TempDir::new().unwrap();
    let (files, _) = certificate(folder.path());
    assert!(onemind::tls::server(&files).is_ok());
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let (others, _) = certificate(&other);
    let garbage = folder.path().join("garbage.pem");
    std::fs::write(&garbage, "no certificate").unwrap();
    let missing = folder.path().join("missing.pem");
    let cases = [
        (&missing, &files.key, "missing.pem"),
        (&files.certificate, &missing, "missing.pem"),
        (&garbage, &files.key, "garbage.pem: there is no certificate in it"),
        (&files.certificate, &garbage, "garbage.pem"),
        (&files.certificate, &others.key, "key.pem"),
    ];
    for (certificate, key, part) in cases {
        let refused = onemind::tls::server(&TlsFiles { certificate: certificate.clone(), key: key.clone() }).unwrap_err();
        assert!(refused.contains(part), "{refused}");
    }
}
