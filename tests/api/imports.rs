//! Batches that are accepted first and taken in the background: `Prefer: respond-async`, and `/v1/imports`.

use std::time::Duration;

use jiff::SignedDuration;
use onemind::domain::clock::Clock as _;
use onemind::service::imports as service;
use onemind::service::new_id;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::scene::rows;
use crate::support::vendor::Vendor;
use crate::support::{Client, Reply, TestApp};

const BATCH: &str = "/v1/completions/batch";
const SCOPES: &str = "completions:read completions:write mappings:write";

fn record(id: usize) -> Value {
    json!({"external_id": format!("rec-{id}"), "officer": {"agency": "ori:TX0000001", "badge_number": format!("{id}")}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"})
}

fn lines(count: usize) -> String {
    (0..count).flat_map(|id| [record(id).to_string(), "\n".to_owned()]).collect()
}

async fn lms(app: &TestApp) -> Client {
    app.agency("TX0000001").await;
    app.training("CIT-40").await;
    app.client("lms", SCOPES, Some(&["ori:TX0000001"]))
}

async fn send(client: &Client, path: &str, media_type: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Reply {
    let mut request = client.request(Method::POST, path).header("content-type", media_type);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request.body(body)).await
}

async fn send_later(client: &Client, body: impl Into<reqwest::Body>) -> String {
    let accepted = send(client, BATCH, "application/x-ndjson", &[("prefer", "respond-async")], body).await;
    accepted.expect(202);
    accepted.header("location").to_owned()
}

/// The import, once `is_so`.
async fn once_it(client: &Client, import: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..600 {
        let view = client.get(import).await.expect(200);
        if is_so(&view) {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{import} is not so within thirty seconds: {}", client.get(import).await.text);
}

async fn ended(client: &Client, import: &str) -> Value {
    once_it(client, import, |view| view["finished_at"].is_string()).await
}

async fn outcomes(client: &Client, import: &str) -> Vec<Value> {
    let reply = client.get(&format!("{import}/outcomes")).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/x-ndjson"), "{}", reply.text);
    reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Lines without the ids of completions, which no two clients share.
fn without_ids(mut lines: Vec<Value>) -> Vec<Value> {
    for line in &mut lines {
        line.as_object_mut().unwrap().remove("id");
    }
    lines
}

/// Lines that are outcomes of so many records, each once and in order, and nothing else.
fn assert_whole(told: &[Value], count: usize) {
    let indices: Vec<usize> = told.iter().filter_map(|line| line["index"].as_u64()).map(|index| usize::try_from(index).unwrap()).collect();
    assert!(indices == (0..count).collect::<Vec<_>>(), "{} outcomes of {count}", indices.len());
}

on_both_databases! {
    async fn what_is_taken_later_is_told_as_if_it_were_taken_at_once(app: TestApp) {
        let at_once = lms(&app).await;
        let later = app.client("later", SCOPES, Some(&["ori:TX0000001"]));
        let mut bad = record(2);
        bad["completed_on"] = json!("2026-02-30");
        bad["non\u{0}sense"] = json!(1);
        let csv = "Report\nId;Star;Day\nrec-1;7;03/06/2026\nrec-2;8;13/13/2026\n;9;03/07/2026\nTotal;;\n";
        let query = "?map=external_id=Id&map=officer.badge_number=Star&map=completed_on=Day&set=officer.agency=ori:TX0000001&set=training.code=CIT-40&date_format=mdy&footer=Total";
        let bodies = [
            ("application/json", BATCH.to_owned(), json!({"completions": [record(1), bad, 7, record(1)]}).to_string(), 4),
            ("application/x-ndjson", BATCH.to_owned(), format!("{}\n\n{bad}\n{{\n{}", record(1), record(5)), 4),
            ("text/csv", format!("{BATCH}{query}"), csv.to_owned(), 3),
        ];
        let _worker = app.worker();
        for (media_type, path, body, count) in bodies {
            for prefer in ["respond-async", "Respond-Async, return=minimal"] {
                let minimal = if prefer.contains("minimal") { "return=minimal" } else { "return=representation" };
                let told = send(&at_once, &path, media_type, &[("prefer", minimal), ("accept", "application/x-ndjson")], body.clone()).await;
                let expected: Vec<Value> = told.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                let accepted = send(&later, &path, media_type, &[("prefer", prefer)], body.clone()).await;
                let view = accepted.expect(202);
                assert_eq!((accepted.header("preference-applied"), accepted.header("retry-after")), ("respond-async", "2"));
                assert_eq!(accepted.header("location"), format!("/v1/imports/{}", view["id"].as_str().unwrap()));
                assert_eq!((&view["state"], &view["media_type"], &view["outcomes"]), (&json!("queued"), &json!(media_type), &json!(format!("{}/outcomes", accepted.header("location")))));
                let import = accepted.header("location");
                let done = ended(&later, import).await;
                assert_eq!((&done["state"], &done["problem"], &done["bytes_read"]), (&json!("done"), &Value::Null, &done["bytes"]), "{done}");
                assert_eq!((&done["summary"]["received"], &done["summary"]), (&json!(count), &expected.last().unwrap()["summary"]));
                assert_eq!(without_ids(outcomes(&later, import).await), without_ids(expected), "{media_type} {prefer}");
            }
        }
        // Nothing of the bodies is kept.
        assert_eq!(rows(&app).await["import_bodies"], 0);
        assert_eq!(later.all("/v1/imports").await.len(), 6);
    }

    async fn many_chunks_are_one_import(app: TestApp) {
        let lms = lms(&app).await;
        let import = send_later(&lms, lines(2500)).await;
        let waiting = lms.get(&import).await;
        assert_eq!((&waiting.expect(200)["state"], waiting.header("retry-after")), (&json!("queued"), "2"));
        assert_eq!(outcomes(&lms, &import).await, [Value::Null; 0]);
        let _worker = app.worker();
        let done = ended(&lms, &import).await;
        assert_eq!(done["summary"], json!({"received": 2500, "created": 0, "updated": 0, "unchanged": 0, "parked": 2500, "rejected": 0, "causes": [{"code": "no_match", "count": 2500, "first_index": 0}]}));
        assert!(lms.get(&import).await.headers.get("retry-after").is_none());
        let told = outcomes(&lms, &import).await;
        assert_whole(&told, 2500);
        assert_eq!(told[2500], json!({"summary": done["summary"]}));
        // The acceptance and each chunk have their entries, which name the import.
        let id = done["id"].as_str().unwrap();
        let entries = app.staff().all("/v1/audit-log?operation=push_completions").await;
        let of_import: Vec<&Value> = entries.iter().filter(|entry| entry["resource"]["id"] == id || entry["resource_id"] == id).collect();
        let parked: u64 = of_import.iter().map(|entry| entry["detail"]["parked"].as_u64().unwrap_or(0)).sum();
        let statuses: Vec<u64> = of_import.iter().map(|entry| entry["status"].as_u64().unwrap()).collect();
        assert_eq!((parked, statuses.iter().filter(|status| **status == 202).count()), (2500, 1), "{entries:?}");
        assert!(statuses.len() >= 4 && statuses.iter().all(|status| [202, 207].contains(status)), "{statuses:?}");
    }

    async fn what_is_wrong_with_the_whole_is_told_at_once_and_nothing_is_stored(app: TestApp) {
        let lms = lms(&app).await;
        let prefer = [("prefer", "respond-async")];
        let csv = |query: &str| format!("{BATCH}?{query}");
        let post = async |path: String, media_type: &str, body: String| send(&lms, &path, media_type, &prefer, body).await;
        let unknown = post(csv(&format!("mapping={}", new_id())), "text/csv", "a\n1\n".into()).await;
        assert_eq!(unknown.problem(400, "invalid-parameter"), ["/mapping unknown_mapping"]);
        assert_eq!(post(csv("map=hours=Nowhere"), "text/csv", "a,b\n1,2\n".into()).await.problem(422, "invalid-content"), [" invalid_csv"]);
        let large = format!("a,b\n{}", "1,2\n".repeat(200_000));
        assert_eq!(post(csv("map=hours=Nowhere"), "text/csv", large).await.problem(422, "invalid-content"), [" invalid_csv"]);
        assert_eq!(post(csv("footer=x"), "application/x-ndjson", lines(1)).await.problem(400, "invalid-parameter"), ["/footer not_csv"]);
        assert_eq!(post(BATCH.into(), "application/json", json!({"completions": []}).to_string()).await.problem(422, "invalid-content"), ["/completions empty"]);
        post(BATCH.into(), "application/json", "{".into()).await.problem(400, "malformed-json");
        post(BATCH.into(), "application/xml", "<a/>".into()).await.problem(415, "unsupported-media-type");
        let held = rows(&app).await;
        assert_eq!((held["imports"], held["import_bodies"]), (0, 0));
    }

    async fn the_same_key_again_is_the_same_import(app: TestApp) {
        let lms = lms(&app).await;
        let keyed = [("prefer", "respond-async"), ("idempotency-key", "night-1")];
        let first = send(&lms, BATCH, "application/x-ndjson", &keyed, lines(3)).await;
        let again = send(&lms, BATCH, "application/x-ndjson", &keyed, lines(3)).await;
        assert_eq!((again.expect(202), again.header("location"), again.header("preference-applied")), (first.expect(202), first.header("location"), "respond-async"));
        send(&lms, BATCH, "application/x-ndjson", &keyed, lines(4)).await.problem(422, "idempotency-key-reused");
        let held = rows(&app).await;
        assert_eq!((held["imports"], held["import_bodies"]), (1, 1));
        let at_once = send(&lms, BATCH, "application/x-ndjson", &[("idempotency-key", "night-2")], lines(3)).await;
        assert_eq!(at_once.problem(400, "invalid-header"), ["/idempotency-key not_streamed"]);
    }

    async fn an_import_is_its_clients_alone(app: TestApp) {
        let lms = lms(&app).await;
        let import = send_later(&lms, lines(1)).await;
        for other in [app.client("other", SCOPES, Some(&["ori:TX0000001"])), app.staff()] {
            other.get(&import).await.problem(404, "not-found");
            other.get(&format!("{import}/outcomes")).await.problem(404, "not-found");
            other.post(&format!("{import}/cancellation"), &Value::Null).await.problem(404, "not-found");
            assert_eq!(other.all("/v1/imports").await, [Value::Null; 0]);
        }
        assert_eq!(lms.all("/v1/imports?limit=1").await[0], lms.get(&import).await.expect(200));
        app.client("lms", "completions:read", None).get(&import).await.problem(403, "missing-scope");
        let held = lms.get(&import).await;
        let known = lms.send(lms.request(Method::GET, &import).header("if-none-match", held.header("etag"))).await;
        assert_eq!(known.status, 304);
    }

    async fn an_import_that_is_cancelled_goes_no_further(app: TestApp) {
        let lms = lms(&app).await;
        let waiting = send_later(&lms, lines(10)).await;
        let cancelled = lms.post(&format!("{waiting}/cancellation"), &Value::Null).await.expect(200);
        assert_eq!((&cancelled["state"], &cancelled["summary"]["received"]), (&json!("cancelled"), &json!(0)));
        assert_eq!(lms.post(&format!("{waiting}/cancellation"), &Value::Null).await.expect(200), cancelled);

        let import = send_later(&lms, lines(30_000)).await;
        let worker = app.worker();
        once_it(&lms, &import, |view| view["summary"]["received"].as_u64().unwrap() > 0).await;
        let cancelled = lms.post(&format!("{import}/cancellation"), &Value::Null).await.expect(200);
        let received = usize::try_from(cancelled["summary"]["received"].as_u64().unwrap()).unwrap();
        assert_eq!(cancelled["state"], "cancelled");
        assert!((1000..30_000).contains(&received), "{cancelled}");
        // Another one is taken meanwhile, so that the worker had its time.
        let other = send_later(&lms, format!("{}\n", record(999_999))).await;
        assert_eq!(ended(&lms, &other).await["state"], "done");
        assert_eq!(lms.get(&import).await.expect(200), cancelled);
        let told = outcomes(&lms, &import).await;
        assert_whole(&told, received);
        assert_eq!(told[received], json!({"summary": cancelled["summary"]}));
        assert_eq!(rows(&app).await["completions"], i64::try_from(received).unwrap() + 1);
        let refused = lms.post(&format!("{other}/cancellation"), &Value::Null).await;
        assert_eq!(refused.problem(409, "conflict"), [" import_ended"]);
        drop(worker);
    }

    async fn a_client_that_was_revoked_or_lost_its_grant_goes_no_further(app: TestApp) {
        app.agency("TX0000001").await;
        app.training("CIT-40").await;
        let rms = json!({"given_name": "Ada", "family_name": "Wong", "appointments": [{"agency": "ori:TX0000001", "sworn": true, "badge_number": "0", "started_on": "2020-01-01"}]});
        app.staff().post("/v1/officers", &rms).await.expect(201);
        let body = json!({"name": "lms", "kind": "lms", "scopes": ["completions:write"]});
        let vendor = Vendor::make(&app, &body, &["ori:TX0000001"]).await;
        let client = vendor.client(&app).await;
        let placed = send_later(&client, lines(1)).await;
        let worker = app.worker();
        assert_eq!(ended(&client, &placed).await["summary"]["created"], 1);
        drop(worker);

        let other = send_later(&client, lines(2).replace("rec-", "other-")).await;
        let last = send_later(&client, lines(2)).await;
        let grants = app.staff().all("/v1/grants").await;
        let grant = grants.iter().find(|grant| grant["client"]["id"] == vendor.id.as_str() || grant["client"] == vendor.id.as_str()).unwrap();
        let ended_grant = app.staff().delete(&format!("/v1/grants/{}", grant["id"].as_str().unwrap())).await;
        assert!(ended_grant.status < 300, "{}", ended_grant.text);
        let worker = app.worker();
        assert_eq!(ended(&client, &other).await["summary"]["parked"], 2, "without the grant nobody is matched");
        ended(&client, &last).await;
        drop(worker);

        let never = send_later(&client, lines(3).replace("rec-", "never-")).await;
        app.staff().post(&format!("/v1/clients/{}/revocation", vendor.id), &json!({"reason": "its secret leaked"})).await.expect(200);
        client.get(&never).await.problem(401, "unauthorized");
        let _worker = app.worker();
        let audited = async || app.staff().all("/v1/audit-log?operation=push_completions").await.into_iter().find(|entry| entry["status"] == 401 && entry.to_string().contains(never.rsplit('/').next().unwrap()));
        for _ in 0..200 {
            if rows(&app).await["import_bodies"] == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let held = rows(&app).await;
        assert_eq!((held["import_bodies"], held["completions"]), (0, 4));
        assert!(audited().await.is_some());
    }

    async fn two_processes_share_what_there_is_to_do(app: TestApp) {
        let lms = lms(&app).await;
        let mut imports = Vec::new();
        for number in 0..6 {
            imports.push(send_later(&lms, lines(1200).replace("rec-", &format!("rec-{number}-"))).await);
        }
        let replica = app.replica();
        let _workers = (app.worker(), replica.worker());
        for import in &imports {
            let done = ended(&lms, import).await;
            assert_eq!((&done["state"], &done["summary"]["parked"]), (&json!("done"), &json!(1200)), "{done}");
            assert_whole(&outcomes(&lms, import).await, 1200);
        }
        assert_eq!(rows(&app).await["completions"], 7200);
    }

    async fn who_has_many_keeps_nobody_else_waiting(app: TestApp) {
        let one = lms(&app).await;
        let other = app.client("another", "completions:read completions:write", Some(&["ori:TX0000001"]));
        let mut sent = Vec::new();
        for client in [&one, &one, &one, &other, &other] {
            sent.push(send_later(client, lines(3)).await);
            app.clock.advance(SignedDuration::from_secs(1));
        }
        let mut begun = Vec::new();
        for _ in &sent {
            let (claim, now) = (new_id(), app.clock.now());
            let claimed = app.registry.store.write(move |conn| service::claim(conn, claim, now)).await.unwrap().unwrap();
            begun.push(sent.iter().position(|import| import.ends_with(&claimed.id.to_string())).unwrap());
            app.clock.advance(SignedDuration::from_secs(1));
        }
        assert_eq!(begun, [0, 3, 1, 4, 2]);
        // What was left by whoever worked on it comes before what waits.
        send_later(&app.client("a third", "completions:read completions:write", Some(&["ori:TX0000001"])), lines(3)).await;
        app.clock.advance(service::CLAIM);
        let (claim, now) = (new_id(), app.clock.now());
        let claimed = app.registry.store.write(move |conn| service::claim(conn, claim, now)).await.unwrap().unwrap();
        assert!(sent.iter().any(|import| import.ends_with(&claimed.id.to_string())));
    }

    async fn what_was_broken_off_is_gone_on_with_where_it_was(app: TestApp) {
        let lms = lms(&app).await;
        let import = send_later(&lms, lines(6000)).await;
        for _ in 0..3 {
            let before = lms.get(&import).await.expect(200)["summary"]["received"].as_u64().unwrap();
            let worker = app.worker();
            once_it(&lms, &import, |view| view["summary"]["received"].as_u64().unwrap() > before).await;
            // As if its process had been killed: what is claimed stays so until the claim runs out.
            drop(worker);
            app.clock.advance(SignedDuration::from_secs(20));
        }
        let _worker = app.worker();
        let done = ended(&lms, &import).await;
        assert_eq!((&done["state"], &done["summary"]["parked"], &done["summary"]["unchanged"]), (&json!("done"), &json!(6000), &json!(0)), "{done}");
        let told = outcomes(&lms, &import).await;
        assert_whole(&told, 6000);
        assert_eq!(rows(&app).await["completions"], 6000);
    }

    async fn a_claim_that_ran_out_is_anothers(app: TestApp) {
        let lms = lms(&app).await;
        let import = send_later(&lms, lines(3)).await;
        let claim = async |app: &TestApp| {
            let (claim, now) = (new_id(), app.clock.now());
            let claimed = app.registry.store.write(move |conn| service::claim(conn, claim, now)).await.unwrap();
            (claim, claimed)
        };
        let (first, held) = claim(&app).await;
        let id = held.unwrap().id;
        assert_eq!(claim(&app).await.1, None);
        let now = app.clock.now();
        assert!(app.registry.store.write(move |conn| service::keep_claim(conn, id, first, now)).await.unwrap());
        app.clock.advance(service::CLAIM);
        let (second, again) = claim(&app).await;
        assert_eq!(again.unwrap().id, id);
        let now = app.clock.now();
        let keep = |claim| app.registry.store.write(move |conn| service::keep_claim(conn, id, claim, now));
        assert_eq!((keep(first).await.unwrap(), keep(second).await.unwrap()), (false, true));
        app.clock.advance(service::CLAIM);
        let _worker = app.worker();
        assert_eq!(ended(&lms, &import).await["state"], "done");
    }

    async fn what_has_ended_is_kept_for_a_week(app: TestApp) {
        let lms = lms(&app).await;
        let import = send_later(&lms, lines(3)).await;
        let worker = app.worker();
        let done = ended(&lms, &import).await;
        drop(worker);
        assert_eq!(done["expires_at"], "2026-11-28T12:00:00Z");
        app.clock.advance(SignedDuration::from_hours(24 * 7));
        let worker = app.worker();
        tokio::time::sleep(Duration::from_millis(300)).await;
        lms.get(&import).await.expect(200);
        drop(worker);
        app.clock.advance(SignedDuration::from_secs(1));
        let _worker = app.worker();
        for _ in 0..100 {
            if lms.get(&import).await.status == 404 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        lms.get(&import).await.problem(404, "not-found");
        let held = rows(&app).await;
        assert_eq!((held["imports"], held["import_outcomes"], held["completions"]), (0, 0, 3));
        let entries = app.staff().all("/v1/audit-log?operation=purge_imports").await;
        assert_eq!((entries.len(), &entries[0]["detail"]["deleted"]), (1, &json!(1)));
    }
}
