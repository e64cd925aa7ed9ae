//! Who may do what, for every operation that the document tells of: a new one is tested without being named here.

use onemind::http::auth::SCOPES;
use serde_json::{Value, json};

use crate::bad_tokens::bad_tokens;
use crate::on_both_databases;
use crate::support::document::{Document, Operation};
use crate::support::scene::{Scene, held};
use crate::support::{Client, Reply};

/// What anybody may ask, and nothing else.
const PUBLIC: [&str; 14] = [
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /livez",
    "GET /metrics",
    "POST /oauth/token",
    "GET /problems",
    "GET /problems/{slug}",
    "GET /public/agencies/{ori}/badge.svg",
    "GET /public/certificates/{number}",
    "GET /public/highlights",
    "GET /public/register",
    "GET /public/status-lists/{year}",
    "GET /readyz",
    "GET /xapi/about",
];

/// What all clients share: the catalogue, the library, the standards, what happens to them, what is public, and the service itself. A client
/// without grants sees it too.
pub const SHARED: [&str; 6] = ["/v1/trainings/", "/v1/resources/", "/v1/standards/", "/v1/events/", "/problems/", "/public/"];

/// What needs a grant for all agencies, whatever there is.
pub const OF_STAFF: [&str; 5] = ["/v1/officer-joins", "/v1/officer-merges", "/v1/clients", "/v1/grants", "/v1/audit-log"];

/// Sends an operation with each body that it might come with: none, one that is no JSON, one that it takes.
pub async fn with_each_body(client: &Client, document: &Document, operation: &Operation, path: &str) -> Vec<Reply> {
    let mut replies = vec![client.send(client.request(operation.verb(), path)).await];
    if let Some((media_type, schema)) = operation.body() {
        for body in ["{".to_owned(), document.example(schema).unwrap().to_string()] {
            let request = client.request(operation.verb(), path).header("content-type", media_type);
            replies.push(client.send(request.body(body)).await);
        }
    }
    replies
}

/// The operations that need a token.
pub fn secured(document: &Document) -> Vec<Operation> {
    document.operations().into_iter().filter(|operation| operation.scopes().is_some()).collect()
}

#[test]
fn only_these_operations_are_open_to_anybody() {
    let open = Document::current().operations().into_iter().filter(|operation| operation.scopes().is_none());
    assert_eq!(open.map(|operation| operation.name()).collect::<Vec<_>>(), PUBLIC);
}

on_both_databases! {
    async fn nothing_is_done_without_a_token_that_holds(app: TestApp) {
        let document = Document::current();
        let before = held(&app, &document.operations()).await;
        let bad: Vec<(&str, Client)> = bad_tokens(&app).into_iter().map(|(what, token)| (what, Client::new(&app.address, Some(token)))).collect();
        let stranger = app.stranger();
        for operation in secured(&document) {
            let path = operation.path_to_nothing();
            for reply in with_each_body(&stranger, &document, &operation, &path).await {
                assert_eq!(reply.status, 401, "{} without a token: {}", operation.name(), reply.text);
                reply.problem(401, "unauthorized");
                assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"onemind\"");
            }
            for (what, client) in &bad {
                let reply = with_body(client, &document, &operation, &path).await;
                assert_eq!(reply.status, 401, "{} with a token {what}: {}", operation.name(), reply.text);
                reply.problem(401, "unauthorized");
                assert!(reply.header("www-authenticate").starts_with("Bearer realm=\"onemind\", error=\"invalid_token\""), "{what}");
            }
        }
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn nothing_is_done_without_each_scope_that_it_needs(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let before = held(&app, &document.operations()).await;
        for operation in secured(&document) {
            for needed in operation.scopes().unwrap() {
                let others: Vec<&str> = SCOPES.iter().map(|(name, _)| *name).filter(|name| *name != needed).collect();
                let client = app.client("iacp", &others.join(" "), None);
                for path in [operation.path_to_nothing(), scene.path(&operation)] {
                    for reply in with_each_body(&client, &document, &operation, &path).await {
                        assert_eq!(reply.status, 403, "{} without {needed}: {}", operation.name(), reply.text);
                        reply.problem(403, "missing-scope");
                        assert!(reply.json()["detail"].as_str().unwrap().contains(&format!("`{needed}`")), "{}", reply.text);
                        let challenge = reply.header("www-authenticate");
                        assert!(challenge.contains("error=\"insufficient_scope\"") && challenge.contains(needed), "{challenge}");
                    }
                }
            }
        }
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn with_its_scopes_alone_every_operation_gets_past_the_door(app: TestApp) {
        let document = Document::current();
        for operation in secured(&document) {
            let client = app.client("iacp", &operation.scopes().unwrap().join(" "), None);
            let reply = client.send(client.request(operation.verb(), &operation.path_to_nothing())).await;
            assert!(![401, 403].contains(&reply.status) && reply.status < 500, "{}: {} {}", operation.name(), reply.status, reply.text);
        }
    }

    async fn what_is_out_of_reach_can_not_be_told_from_what_is_not_there(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let before = held(&app, &document.operations()).await;
        let stranger = app.client("another vendor", "all", Some(&[]));
        let mut seen = 0;
        for operation in document.operations().iter().filter(|operation| operation.path.contains('{')) {
            if SHARED.iter().any(|shared| operation.path.starts_with(shared)) {
                continue;
            }
            let path = scene.path(operation);
            let of_staff = OF_STAFF.iter().any(|staff| operation.path.starts_with(staff));
            if operation.method == "GET" && !of_staff {
                assert_eq!(scene.client.get(&path).await.status, 200, "{path}: the scene's own client sees it");
            }
            let mut pairs = vec![(path.clone(), operation.path_to_nothing())];
            if operation.path.starts_with("/v1/agencies/{agency}") && operation.method != "PUT" {
                let of = |ori: &str| operation.path.replace("{agency}", &format!("ori:{ori}"));
                pairs.push((of("TX2270000"), of("WA0000000")));
            }
            for (there, nowhere) in pairs {
                let (there, nowhere) = (with_body(&stranger, &document, operation, &there).await, with_body(&stranger, &document, operation, &nowhere).await);
                let expected = if of_staff { (403, "outside-grant") } else { (404, "not-found") };
                assert_eq!(there.status, expected.0, "{}: {}", operation.name(), there.text);
                there.problem(expected.0, expected.1);
                assert_eq!(nowhere.status, expected.0, "{}: {}", operation.name(), nowhere.text);
                let bare = |reply: &Reply| reply.text.replace(reply.header("x-request-id"), "");
                assert_eq!(bare(&there), bare(&nowhere), "{}", operation.name());
                let names = |reply: &Reply| reply.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
                assert_eq!(names(&there), names(&nowhere), "{}", operation.name());
                seen += 1;
            }
        }
        assert!(seen > 20, "{seen}");
        for operation in document.operations().iter().filter(|operation| operation.is_list() && !operation.path.contains('{')) {
            if OF_STAFF.contains(&operation.path.as_str()) {
                stranger.get(&operation.path).await.problem(403, "outside-grant");
            } else if SHARED.iter().all(|shared| !format!("{}/", operation.path).starts_with(shared)) {
                assert_eq!(stranger.all(&operation.path).await, [Value::Null; 0], "{}", operation.name());
            }
        }
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn the_token_alone_says_what_may_be_done(app: TestApp) {
        let client = app.client("vendor", "status:read agencies:read", Some(&["ori:TX2270000"]));
        let said = client.get("/v1/whoami").await.expect(200);
        assert_eq!((&said["subject"], &said["scopes"], &said["agencies"]), (&json!("vendor"), &json!(["status:read", "agencies:read"]), &json!(["ori:TX2270000"])));
        assert_eq!(app.staff().get("/v1/whoami").await.expect(200)["agencies"], Value::Null);
        assert_eq!(app.client("nobody", "", Some(&[])).get("/v1/whoami").await.expect(200)["scopes"], json!([]));
        let basic = app.stranger().request(reqwest::Method::GET, "/v1/whoami").header("authorization", "Basic aWFjcDphbGw=");
        app.stranger().send(basic).await.problem(401, "unauthorized");
    }
}

/// Sends an operation with a body that it takes, if it takes one.
pub async fn with_body(client: &Client, document: &Document, operation: &Operation, path: &str) -> Reply {
    let request = client.request(operation.verb(), path);
    match operation.body() {
        None => client.send(request).await,
        Some((media_type, schema)) => {
            client.send(request.header("content-type", media_type).body(document.example(schema).unwrap().to_string())).await
        }
    }
}
