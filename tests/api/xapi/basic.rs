//! HTTP Basic: as good as a token at `/xapi/`, and nowhere else.

use std::num::NonZeroU32;

use reqwest::Method;
use serde_json::json;

use super::{PATH, id, statement};
use crate::on_both_databases;
use crate::support::vendor::Vendor;
use crate::support::{Backend, Client, Reply, TestApp};

async fn with_basic(app: &TestApp, method: Method, path: &str, user: &str, secret: &str) -> Reply {
    let client = Client::new(&app.address, None);
    let mut request = client.request(method.clone(), path).basic_auth(user, Some(secret));
    if method == Method::POST {
        request = request.json(&statement(1, "experienced"));
    }
    client.send(request).await
}

fn body(scopes: &[&str]) -> serde_json::Value {
    json!({"name": "Moodle", "kind": "lms", "scopes": scopes})
}

on_both_databases! {
    async fn a_registered_client_sends_and_asks_with_its_secret(app: TestApp) {
        app.agency("TX2270000").await;
        let vendor = Vendor::make(&app, &body(&["completions:read", "completions:write"]), &["ori:TX2270000"]).await;
        let ask = |method: Method| with_basic(&app, method, PATH, &vendor.id, &vendor.secret);
        assert_eq!(ask(Method::POST).await.expect(200), json!([id(1)]));
        let page = ask(Method::GET).await.expect(200);
        assert_eq!(page["statements"][0]["authority"]["account"]["name"], json!(vendor.id));
        // By a token it is the same client.
        assert_eq!(vendor.client(&app).await.get(PATH).await.expect(200), page);
        let held = app.staff().get(&format!("/v1/clients/{}", vendor.id)).await.expect(200);
        assert_eq!((&held["last_used_at"], &held["secrets"][0]["last_used_at"]), (&json!("2026-11-21T12:00:00Z"), &json!("2026-11-21T12:00:00Z")));
    }

    async fn it_is_taken_nowhere_else(app: TestApp) {
        let vendor = Vendor::make(&app, &body(&["completions:read", "completions:write"]), &[]).await;
        for path in ["/v1/whoami", "/v1/completions"] {
            let reply = with_basic(&app, Method::GET, path, &vendor.id, &vendor.secret).await;
            reply.problem(401, "unauthorized");
            assert!(reply.header("www-authenticate").starts_with("Bearer "));
        }
    }

    async fn scopes_and_revocation_hold(app: TestApp) {
        let reader = Vendor::make(&app, &body(&["completions:read"]), &[]).await;
        with_basic(&app, Method::GET, PATH, &reader.id, &reader.secret).await.expect(200);
        with_basic(&app, Method::POST, PATH, &reader.id, &reader.secret).await.problem(403, "missing-scope");
        app.staff().post(&format!("/v1/clients/{}/revocation", reader.id), &json!({"reason": "gone"})).await.expect(200);
        with_basic(&app, Method::GET, PATH, &reader.id, &reader.secret).await.problem(401, "unauthorized");
    }

    async fn whatever_is_wrong_is_refused_in_the_same_words(app: TestApp) {
        let vendor = Vendor::make(&app, &body(&["completions:read"]), &[]).await;
        let unknown = "0199c1f0-0000-7000-8000-00000000dead";
        let upper = vendor.id.to_uppercase();
        let mut details = Vec::new();
        for (user, secret) in [(vendor.id.as_str(), "wrong"), (vendor.id.as_str(), ""), (unknown, vendor.secret.as_str()), ("", ""), ("lms", "x"), (upper.as_str(), vendor.secret.as_str())] {
            let reply = with_basic(&app, Method::GET, PATH, user, secret).await;
            reply.problem(401, "unauthorized");
            assert_eq!(reply.header("www-authenticate"), "Basic realm=\"onemind\", charset=\"UTF-8\"");
            details.push(reply.json()["detail"].clone());
        }
        for header in ["Basic", "Basic %%%", "Basic bm9jb2xvbg==", "basic /w=="] {
            let client = app.stranger();
            client.send(client.request(Method::GET, PATH).header("authorization", header)).await.problem(401, "unauthorized");
        }
        details.dedup();
        assert_eq!(details.len(), 1);
        let challenges = app.stranger().get(PATH).await;
        assert_eq!(challenges.headers.get_all("www-authenticate").iter().count(), 2);
        let refused = app.client("auditor", "audit:read", None).all("/v1/audit-log?operation=get_statements&status=401").await;
        assert!(!refused.is_empty());
    }
}

#[actix_web::test]
async fn who_fails_often_waits_and_locks_out_nobody_else() {
    let app = TestApp::start_with(Backend::Sqlite, |config| config.limits.auth_failures = NonZeroU32::new(3)).await;
    let vendor = Vendor::make(&app, &body(&["completions:read"]), &[]).await;
    let other = Vendor::make(&app, &json!({"name": "other", "kind": "lms", "scopes": ["completions:read"]}), &[]).await;
    for _ in 0..4 {
        with_basic(&app, Method::GET, PATH, &vendor.id, "wrong").await.problem(401, "unauthorized");
    }
    let reply = with_basic(&app, Method::GET, PATH, &vendor.id, &vendor.secret).await;
    reply.problem(429, "too-many-requests");
    assert!(!reply.header("retry-after").is_empty());
    with_basic(&app, Method::GET, PATH, &other.id, &other.secret).await.expect(200);
}
