//! What a client can't see, it can't find out either: by what it writes, by filters, by keys that others used, by what is taken.

use reqwest::Method;
use serde_json::{Value, json};

use crate::authorization::{SHARED, secured};
use crate::matrix::{NOBODYS, pairs, told};
use crate::on_both_databases;
use crate::support::document::{Document, NO_ID, Operation};
use crate::support::scene::{AGENCY, Scene};
use crate::support::{Client, Reply, TestApp};

/// The agency of the client that asks.
const OURS: &str = "ori:WA0000001";

/// A client with a grant for an agency of its own, as another vendor's.
async fn neighbour(app: &TestApp) -> Client {
    app.agency("WA0000001").await;
    app.client("another vendor", "all", Some(&[OURS]))
}

/// What a reply tells but for the ids, instants and digests of what it made.
fn made(scene: &Scene, reply: &Reply) -> (u16, Value, Vec<String>) {
    let (status, _, headers) = told(scene, reply);
    let mut body = reply.json();
    let own = ["id", "officer_id", "created_at", "updated_at", "external_id", "code", "instance", "value"];
    strip(&mut body, &own);
    (status, body, headers.into_iter().map(|(name, _)| name).collect())
}

fn strip(value: &mut Value, names: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, names)),
        Value::Object(members) => {
            members.retain(|name, _| !names.contains(&name.as_str()));
            members.values_mut().for_each(|member| strip(member, names));
        }
        _ => {}
    }
}

fn completion(external_id: &str, officer: &Value) -> Value {
    json!({"external_id": external_id, "officer": officer, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"})
}

fn officer(identifier: &str, family_name: &str) -> Value {
    json!({"given_name": "Ada", "family_name": family_name, "identifiers": [{"system": "post:US-TX", "value": identifier}],
        "appointments": [{"agency": OURS, "sworn": true, "started_on": "2021-01-01", "ended_on": "2022-01-01"}]})
}

/// Takes the cursor out of an answer that has one.
fn without_cursor(reply: &mut Reply) {
    let Ok(mut body) = serde_json::from_str::<Value>(&reply.text) else { return };
    if let Some(members) = body.as_object_mut() {
        members.remove("cursor");
        reply.text = body.to_string();
    }
}

on_both_databases! {
    async fn filters_of_lists_don_t_tell_of_it(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let client = neighbour(&app).await;
        let mut asked = 0;
        // What is public tells anybody.
        let tells = |operation: &&Operation| operation.is_list() && !operation.path.contains('{') && operation.scopes().is_some();
        for operation in document.operations().iter().filter(tells) {
            for parameter in operation.parameters("query").iter().map(|parameter| parameter["name"].as_str().unwrap()) {
                let mut values: Vec<(String, &str)> = scene.ids().into_iter().map(|id| (id, NO_ID)).collect();
                values.extend([(AGENCY.to_owned(), NOBODYS), ("Rivera".into(), "Nobody"), ("rec-1".into(), "rec-0"), ("vendor-4711".into(), "vendor-0000"), ("Agency TX2270000".into(), "Agency WA0000000")]);
                for (there, nowhere_value) in values {
                    let ask = |value: &str| {
                        let query = serde_urlencoded::to_string([(parameter, value)]).unwrap();
                        let (client, path) = (client.clone(), format!("{}?{query}", operation.path));
                        async move { client.get(&path).await }
                    };
                    let (asked_there, mut there, mut nowhere) = (there.clone(), ask(&there).await, ask(nowhere_value).await);
                    there.text = there.text.replace(&asked_there, nowhere_value);
                    if operation.path == "/v1/events" {
                        // Where to go on from here is sealed with the question.
                        without_cursor(&mut there);
                        without_cursor(&mut nowhere);
                    }
                    assert_eq!(told(&scene, &there), told(&scene, &nowhere), "{} by {parameter}", operation.name());
                    asked += 1;
                }
            }
        }
        assert!(asked > 100, "{asked}");
        let by_identifier = |value: &str| format!("/v1/officers?identifier_system=post%3AUS-TX&identifier_value={value}");
        let (there, nowhere) = (client.get(&by_identifier("77-1")).await, client.get(&by_identifier("77-2")).await);
        assert_eq!(told(&scene, &there), told(&scene, &nowhere));
    }

    async fn preconditions_don_t_tell_of_it(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let client = neighbour(&app).await;
        let mut asked = 0;
        for operation in secured(&document) {
            let Some(pair) = pairs(&document, &scene, &operation).into_iter().next_back() else { continue };
            for header in ["if-match", "if-none-match"] {
                if !operation.parameters("header").iter().any(|parameter| parameter["name"].as_str().unwrap().eq_ignore_ascii_case(header)) {
                    continue;
                }
                for value in ["*", "\"an-etag\""] {
                    let ask = |(path, body): (String, Option<Value>)| {
                        let mut request = client.request(operation.verb(), &path).header(header, value);
                        if let (Some((media_type, _)), Some(body)) = (operation.body(), body) {
                            request = request.header("content-type", media_type).body(body.to_string());
                        }
                        client.send(request)
                    };
                    let (there, nowhere) = (ask(pair.there.clone()).await, ask(pair.nowhere.clone()).await);
                    if SHARED.iter().all(|shared| !operation.path.starts_with(shared)) {
                        assert_eq!(told(&scene, &there), told(&scene, &nowhere), "{} with {header}: {value}", operation.name());
                        asked += 1;
                    }
                }
            }
        }
        assert!(asked > 40, "{asked}");
    }

    async fn a_push_does_not_tell_of_it(app: TestApp) {
        let scene = Scene::make(&app).await;
        let client = neighbour(&app).await;
        let mine = app.staff().all("/v1/officers").await;
        let rivera = mine.iter().find(|officer| officer["family_name"] == "Rivera").unwrap()["id"].clone();
        let pairs = [
            (json!({"agency": AGENCY, "badge_number": "88", "family_name": "Rivera"}), json!({"agency": NOBODYS, "badge_number": "88", "family_name": "Rivera"})),
            (json!({"id": rivera}), json!({"id": NO_ID})),
            (json!({"identifier": {"system": "post:US-TX", "value": "77-1"}}), json!({"identifier": {"system": "post:US-TX", "value": "77-2"}})),
            (json!({"agency": AGENCY, "family_name": "Rivera", "given_name": "Maria", "appointed_on": "2019-05-01"}), json!({"agency": NOBODYS, "family_name": "Rivera", "given_name": "Maria", "appointed_on": "2019-05-01"})),
        ];
        for (index, (there, nowhere)) in pairs.iter().enumerate() {
            // Of the names, those that were sent come back.
            let bare = |reply: &Reply| {
                let (status, mut body, headers) = made(&scene, reply);
                strip(&mut body, &["agency"]);
                (status, body, headers)
            };
            let there = client.post("/v1/completions", &completion(&format!("there-{index}"), there)).await;
            let nowhere = client.post("/v1/completions", &completion(&format!("nowhere-{index}"), nowhere)).await;
            assert_eq!(there.status, 202, "{}", there.text);
            assert_eq!(bare(&there), bare(&nowhere), "{}", there.text);
        }
        let batch = |id: &str, officer: &Value| json!({"completions": [completion(id, officer)]});
        let there = client.post("/v1/completions/batch", &batch("there-b", &pairs[0].0)).await;
        let nowhere = client.post("/v1/completions/batch", &batch("nowhere-b", &pairs[0].1)).await;
        assert_eq!(there.status, 207);
        assert_eq!(made(&scene, &there), made(&scene, &nowhere));
    }

    async fn keys_that_another_client_used_are_free(app: TestApp) {
        let scene = Scene::make(&app).await;
        let client = neighbour(&app).await;
        // The scene's client pushed rec-1, and gave vendor-4711 a meaning.
        let who = json!({"agency": OURS, "badge_number": "5"});
        let there = client.post("/v1/completions", &completion("rec-1", &who)).await;
        let nowhere = client.post("/v1/completions", &completion("rec-2", &who)).await;
        assert_eq!(there.status, 202, "{}", there.text);
        assert_eq!(made(&scene, &there), made(&scene, &nowhere));
        let training = app.staff().all("/v1/trainings").await[0]["id"].clone();
        let mapping = |code: &str| json!({"code": code, "training": training, "effective_from": "2020-01-01", "effective_to": null});
        let there = client.post("/v1/course-mappings", &mapping("vendor-4711")).await;
        let nowhere = client.post("/v1/course-mappings", &mapping("vendor-4712")).await;
        assert_eq!(there.status, 201, "{}", there.text);
        assert_eq!(made(&scene, &there), made(&scene, &nowhere));
        // Nor does an idempotency key of theirs answer with what it made for them, or say that it was used for something else.
        let policy = |agency: &str, title: &str| json!({"agency": agency, "title": title, "adopted_on": "2025-01-01", "ends_on": null, "document": null});
        let post = |client: &Client, key: &str, body: &Value| {
            let request = client.request(Method::POST, "/v1/policies").header("idempotency-key", key).json(body);
            let client = client.clone();
            async move { client.send(request).await }
        };
        let first = post(&scene.client, "k1", &policy(AGENCY, "Theirs")).await;
        first.expect(201);
        let (there, nowhere) = (post(&client, "k1", &policy(OURS, "Ours")).await, post(&client, "k2", &policy(OURS, "Ours")).await);
        assert_eq!(there.status, 201, "{}", there.text);
        assert_eq!(made(&scene, &there), made(&scene, &nowhere));
        let (there, nowhere) = (post(&client, "k3", &policy(AGENCY, "Theirs")).await, post(&client, "k4", &policy(NOBODYS, "Theirs")).await);
        assert_eq!(there.status, 422, "{}", there.text);
        assert_eq!(told(&scene, &there), told(&scene, &nowhere));
        let replayed = post(&client, "k1", &policy(AGENCY, "Theirs")).await;
        replayed.problem(422, "idempotency-key-reused");
        assert_eq!(post(&scene.client, "k1", &policy(AGENCY, "Theirs")).await.expect(201)["id"], first.json()["id"]);
    }

    async fn identifiers_that_somebody_out_of_reach_has_are_answered_like_free_ones(app: TestApp) {
        let scene = Scene::make(&app).await;
        let client = neighbour(&app).await;
        // Ada Wong has 77-1 elsewhere; nobody has 78-1 and 78-2.
        for (taken, free, name) in [("77-1", "78-1", "Smith"), ("77-1", "78-2", "Wong")] {
            let there = client.post("/v1/officers", &officer(taken, name)).await;
            let nowhere = client.post("/v1/officers", &officer(free, name)).await;
            assert_eq!(there.status, 201, "{}", there.text);
            assert_eq!(made(&scene, &there), made(&scene, &nowhere));
            assert_eq!(there.json()["created_at"], nowhere.json()["created_at"], "a new one, as far as is told");
            let (a, b) = (there.header("location").to_owned(), nowhere.header("location").to_owned());
            assert_eq!(made(&scene, &client.get(&a).await), made(&scene, &client.get(&b).await));
            let (there, nowhere) = (client.delete(&a).await, client.delete(&b).await);
            assert_eq!(there.status, 204, "{}", there.text);
            assert_eq!(made(&scene, &there), made(&scene, &nowhere));
        }
        let new = client.post("/v1/officers", &officer("79-1", "Jones")).await.expect(201);
        let path = format!("/v1/officers/{}", new["id"].as_str().unwrap());
        let with = |value: &str| json!({"identifiers": [{"system": "post:US-TX", "value": value}]});
        let there = client.patch(&path, &with("77-1")).await;
        let nowhere = client.patch(&path, &with("79-2")).await;
        assert_eq!(there.status, 200, "{}", there.text);
        assert_eq!(made(&scene, &there), made(&scene, &nowhere));
        let roster = |value: &str, family_name: &str| json!({"as_of": "2026-01-01", "officers": [{"family_name": family_name, "given_name": "Ada", "sworn": true,
            "started_on": "2019-05-01", "identifiers": [{"system": "post:US-TX", "value": value}]}]});
        let dry = format!("/v1/agencies/{OURS}/roster?dry_run=true&allow_shrink=true");
        for name in ["Stone", "Wong"] {
            let there = client.put(&dry, &roster("77-1", name)).await;
            assert_eq!(there.status, 200, "{}", there.text);
            assert_eq!(made(&scene, &there), made(&scene, &client.put(&dry, &roster("79-3", name)).await));
        }
    }

    async fn what_another_client_pushed_for_an_officer_names_no_agency_out_of_reach(app: TestApp) {
        let scene = Scene::make(&app).await;
        let client = neighbour(&app).await;
        let staff = app.staff();
        let officers = staff.all("/v1/officers").await;
        let rivera = officers.iter().find(|officer| officer["family_name"] == "Rivera").unwrap()["id"].as_str().unwrap().to_owned();
        // She serves at both agencies; the completion was pushed by the client of the other.
        let spell = json!({"agency": OURS, "sworn": true, "started_on": "2026-01-01"});
        staff.post(&format!("/v1/officers/{rivera}/appointments"), &spell).await.expect(201);
        let seen = client.all("/v1/completions").await;
        assert_eq!(seen.len(), 1, "credit follows the person");
        assert_eq!((&seen[0]["officer_id"], &seen[0]["officer"]["id"]), (&json!(rivera), &json!(rivera)));
        assert!(!seen[0].to_string().contains("TX2270000") && seen[0]["officer"]["badge_number"] == Value::Null, "{}", seen[0]);
        let own = client.get(&format!("/v1/completions/{}", seen[0]["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(own, seen[0]);
        assert_eq!(client.all(&format!("/v1/officers/{rivera}/completions")).await, seen);
        assert_eq!(scene.client.all("/v1/completions").await[0]["officer"]["agency"], json!(AGENCY), "who pushed it sees what was pushed");
        assert_eq!(staff.all("/v1/completions").await[0]["officer"]["badge_number"], json!("88"));
    }
}
