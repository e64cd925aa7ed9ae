//! Every operation that needs a token, with every kind of token that must not open it. A new operation of the document is tested
//! without being named here.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use onemind::domain::clock::Clock as _;
use onemind::http::auth::SCOPES;
use serde_json::{Value, json};

use crate::authorization::{OF_STAFF, SHARED, secured};
use crate::on_both_databases;
use crate::support::document::{Document, NO_ID, Operation};
use crate::support::scene::{AGENCY, Scene, held};
use crate::support::vendor::Vendor;
use crate::support::{Client, Reply, TestApp};

/// What any client may make, as its own: `tests/api/out_of_reach.rs` tells what it learns by it.
const OWN: [&str; 7] = [
    "POST /v1/completions",
    "POST /v1/completions/batch",
    "POST /v1/course-mappings",
    "POST /v1/csv-mappings",
    "POST /v1/webhooks",
    "POST /xapi/statements",
    "PUT /xapi/statements",
];

/// An ORI that nobody has.
pub const NOBODYS: &str = "ori:WA0000000";

/// The ORI of the scene's agency.
const ORI: &str = "TX2270000";

/// Registered clients that may do nothing to what the scene holds.
struct Callers {
    /// By the scope that their tokens lack.
    without: BTreeMap<&'static str, Client>,
    /// With every scope, and no grant that is in force for the agency of the scene; what each is.
    ungranted: Vec<(&'static str, Client)>,
    /// Those that are no clients any more, and what the refusal says.
    gone: Vec<(&'static str, Client)>,
}

fn body(name: &str) -> Value {
    let scopes: Vec<&str> = SCOPES.iter().map(|(name, _)| *name).collect();
    json!({"name": name, "kind": "lms", "scopes": scopes})
}

/// A client with every scope, whose only grant is for an agency from a day to another.
async fn granted(app: &TestApp, name: &str, agency: &str, starts_on: &str, ends_on: Value) -> Client {
    let vendor = Vendor::make(app, &body(name), &[]).await;
    let grant = json!({"client": vendor.id, "agency": agency, "starts_on": starts_on, "ends_on": ends_on});
    app.staff().post("/v1/grants", &grant).await.expect(201);
    vendor.client(app).await
}

impl Callers {
    /// Makes them; the clock moves on, so that there is a client that nobody used.
    async fn make(app: &TestApp) -> Self {
        let unused = Vendor::make(app, &body("unused"), &[AGENCY]).await;
        app.clock.advance(SignedDuration::from_hours(24 * 91));
        // It can't get a token any more: this one is as if it had been issued in time.
        let token = app.registry.tokens.sign_for_client(unused.id.parse().unwrap(), &every_scope_but(""), app.clock.now()).unwrap();
        let unused = Client::new(&app.address, Some(token));
        let revoked = Vendor::make(app, &body("revoked"), &[AGENCY]).await;
        let gone = revoked.client(app).await;
        app.staff().post(&format!("/v1/clients/{}/revocation", revoked.id), &json!({"reason": "its secret leaked"})).await.expect(200);
        let vendor = Vendor::make(app, &body("without a scope"), &[AGENCY]).await;
        let mut without = BTreeMap::new();
        for (scope, _) in SCOPES {
            let token = vendor.ask(app, &[("scope", &every_scope_but(scope))]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
            without.insert(*scope, Client::new(&app.address, Some(token)));
        }
        let ungranted = vec![
            ("no grant", Vendor::make(app, &body("no grant"), &[]).await.client(app).await),
            ("a grant for another agency", granted(app, "another", "ori:TX0000009", "2020-01-01", Value::Null).await),
            ("a grant that has ended", granted(app, "ended", AGENCY, "2020-01-01", json!("2026-11-21")).await),
            ("a grant that is yet to begin", granted(app, "yet to begin", AGENCY, "2027-11-21", Value::Null).await),
        ];
        Self { without, ungranted, gone: vec![("revoked", gone), ("not used", unused)] }
    }
}

fn every_scope_but(scope: &str) -> String {
    SCOPES.iter().map(|(name, _)| *name).filter(|name| *name != scope).collect::<Vec<_>>().join(" ")
}

/// A request on what the scene holds, and the same on what isn't there.
pub struct Pair {
    pub there: (String, Option<Value>),
    pub nowhere: (String, Option<Value>),
}

/// The value with what `by` makes of each text in it.
fn texts(value: &Value, by: &impl Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::String(text) => by(text).map_or_else(|| value.clone(), Value::String),
        Value::Array(items) => items.iter().map(|item| texts(item, by)).collect(),
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), texts(member, by))).collect::<serde_json::Map<_, _>>().into(),
        other => other.clone(),
    }
}

/// The body with every id of its example replaced by `id`, its agency by `agency`, and its ORI by `ori`.
fn naming(example: &Value, id: &str, agency: &str, ori: &str) -> Value {
    texts(example, &|text| match text {
        AGENCY => Some(agency.to_owned()),
        ORI => Some(ori.to_owned()),
        other if uuid::Uuid::try_parse(other).is_ok() => Some(id.to_owned()),
        _ => None,
    })
}

/// The ways to name what the scene holds in an operation: by its path, and by each id or key in its body.
pub fn pairs(document: &Document, scene: &Scene, operation: &Operation) -> Vec<Pair> {
    let mut example = operation.body().map(|(_, schema)| document.example(schema).unwrap());
    if let Some(oris) = example.as_mut().and_then(|example| example.get_mut("other_oris")) {
        // The example has the same in `ori`.
        *oris = json!([]);
    }
    let mut paths = vec![(scene.path(operation), operation.path_to_nothing())];
    if operation.path.starts_with("/v1/agencies/{agency}") {
        let of = |key: &str| operation.path.replace("{agency}", key);
        paths.push((of(AGENCY), of(NOBODYS)));
    }
    let nobodys = NOBODYS.trim_start_matches("ori:");
    let mut all = Vec::new();
    for (there, nowhere) in paths {
        let Some(example) = &example else {
            all.push(Pair { there: (there, None), nowhere: (nowhere, None) });
            continue;
        };
        let mut bodies = vec![(naming(example, NO_ID, AGENCY, ORI), naming(example, NO_ID, NOBODYS, nobodys))];
        for id in scene.ids() {
            bodies.push((naming(example, &id, AGENCY, ORI), naming(example, NO_ID, NOBODYS, nobodys)));
            bodies.push((naming(example, NO_ID, &id, ORI), naming(example, NO_ID, NO_ID, nobodys)));
        }
        bodies.dedup();
        all.extend(bodies.into_iter().map(|(a, b)| Pair { there: (there.clone(), Some(a)), nowhere: (nowhere.clone(), Some(b)) }));
    }
    all
}

async fn send(client: &Client, operation: &Operation, (path, body): &(String, Option<Value>)) -> Reply {
    let mut request = client.request(operation.verb(), path);
    if let (Some((media_type, _)), Some(body)) = (operation.body(), body) {
        request = request.header("content-type", media_type).body(body.to_string());
    }
    client.send(request).await
}

/// What a caller can tell a reply by: all of it but its own id and its instant, with the names of what was asked for as if they were
/// those of nothing.
pub fn told(scene: &Scene, reply: &Reply) -> (u16, String, Vec<(String, String)>) {
    let mut text = reply.text.replace(reply.header("x-request-id"), "").replace(ORI, NOBODYS.trim_start_matches("ori:"));
    for id in scene.ids() {
        text = text.replace(&id, NO_ID);
    }
    let own = ["x-request-id", "date"];
    let headers = reply.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let mut headers: Vec<(String, String)> = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (reply.status, text, headers)
}

/// What a client without a grant must hear from an operation.
enum Expected {
    /// It is for all clients.
    Shared,
    /// What it makes is its own.
    Own,
    /// A problem.
    Problem(u16, &'static str),
    /// A list without anything of the scene.
    List,
    /// A refusal of what the body names.
    Refused,
    /// An answer about the caller alone.
    Itself,
}

fn expected(operation: &Operation) -> Expected {
    let under = |prefixes: &[&str]| prefixes.iter().any(|prefix| format!("{}/", operation.path).starts_with(prefix));
    match operation.method.as_str() {
        _ if under(&SHARED) => Expected::Shared,
        _ if under(&OF_STAFF) => Expected::Problem(403, "outside-grant"),
        _ if operation.path.contains('{') => Expected::Problem(404, "not-found"),
        _ if operation.is_list() => Expected::List,
        "POST" | "PUT" if OWN.contains(&operation.name().as_str()) => Expected::Own,
        "GET" => Expected::Itself,
        _ => Expected::Refused,
    }
}

/// Asserts what a client without a grant hears, and answers how many cases that were.
async fn without_a_grant(document: &Document, scene: &Scene, operation: &Operation, (what, client): &(&str, Client)) -> usize {
    let expected = expected(operation);
    if matches!(expected, Expected::Shared | Expected::Own) {
        return 0;
    }
    let pairs = pairs(document, scene, operation);
    for pair in &pairs {
        let (there, nowhere) = (send(client, operation, &pair.there).await, send(client, operation, &pair.nowhere).await);
        let name = format!("{} with {what}: {:?}: {}", operation.name(), pair.there, there.text);
        assert_eq!(told(scene, &there), told(scene, &nowhere), "{name}");
        match expected {
            // An ORI that is to be registered takes a grant for it, whoever has it.
            Expected::Problem(404, _) if operation.method == "PUT" && pair.there.0 == format!("/v1/agencies/{AGENCY}") => {
                assert!([403, 422].contains(&there.status), "{name}");
            }
            Expected::Problem(status, slug) => {
                assert_eq!((there.status, &there.json()["type"]), (status, &json!(format!("/problems/{slug}"))), "{name}");
            }
            Expected::List => {
                assert_eq!(there.status, 200, "{name}");
                let items = there.json()["items"].as_array().unwrap().len();
                assert!(items == 0 || *what == "a grant for another agency", "{name}");
                assert!(!there.text.contains(ORI) && scene.ids().iter().all(|id| !there.text.contains(id)), "{name}");
            }
            Expected::Refused => assert!([403, 422].contains(&there.status), "{name}"),
            Expected::Itself => assert_eq!(there.status, 200, "{name}"),
            Expected::Shared | Expected::Own => {}
        }
    }
    pairs.len()
}

on_both_databases! {
    async fn who_calls_is_asked_before_what_they_send(app: TestApp) {
        let document = Document::current();
        let revoked = Vendor::make(&app, &body("revoked"), &[]).await;
        let poor = Vendor::make(&app, &json!({"name": "poor", "kind": "lms", "scopes": ["agencies:read"]}), &[]).await;
        let (gone, poor_client) = (revoked.client(&app).await, poor.client(&app).await);
        app.staff().post(&format!("/v1/clients/{}/revocation", revoked.id), &json!({"reason": "gone"})).await.expect(200);
        for operation in secured(&document) {
            for (vendor, client, status) in [(&revoked, &gone, 401), (&poor, &poor_client, 403)] {
                if status == 403 && operation.scopes().unwrap().iter().all(|scope| *scope == "agencies:read") {
                    continue;
                }
                // What is known of the client is to be looked up, and all else is there to be looked at.
                app.registry.access.forget(vendor.id.parse().unwrap());
                let path = format!("{}?nonsense=%ZZ", operation.path_with(|_| "nonsense".to_owned()));
                let request = client.request(operation.verb(), &path).header("content-type", "text/nonsense").header("if-match", "nonsense");
                let reply = client.send(request.body("{")).await;
                assert_eq!(reply.status, status, "{}: {}", operation.name(), reply.text);
            }
        }
    }

    async fn no_operation_opens_to_a_token_that_is_not_for_it(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let callers = Callers::make(&app).await;
        let good = callers.ungranted[0].1.token.clone().unwrap();
        let (begin, end) = good.split_at(good.len() - 20);
        let altered = Client::new(&app.address, Some(format!("{begin}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, &end[1..])));
        let before = held(&app, &document.operations()).await;
        let operations = secured(&document);
        let mut cases = 0;
        for operation in &operations {
            let there = pairs(&document, &scene, operation).remove(0).there;
            let reply = send(&app.stranger(), operation, &there).await;
            reply.problem(401, "unauthorized");
            assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"onemind\"", "{}", operation.name());
            for (what, client) in [("signature", &altered)].into_iter().chain(callers.gone.iter().map(|(what, client)| (*what, client))) {
                let reply = send(client, operation, &there).await;
                reply.problem(401, "unauthorized");
                let challenge = reply.header("www-authenticate");
                assert!(challenge.contains("error=\"invalid_token\"") && challenge.contains(what), "{} {what}: {challenge}", operation.name());
            }
            for scope in operation.scopes().unwrap() {
                let reply = send(&callers.without[scope], operation, &there).await;
                reply.problem(403, "missing-scope");
                assert!(reply.json()["detail"].as_str().unwrap().contains(&format!("`{scope}`")), "{}", reply.text);
            }
            cases += 4 + operation.scopes().unwrap().len();
            for caller in &callers.ungranted {
                cases += without_a_grant(&document, &scene, operation, caller).await;
            }
        }
        assert_eq!(held(&app, &document.operations()).await, before);
        println!("{:?}: {} operations, {cases} cases", app.backend, operations.len());
    }
}
