//! Input that is well formed and still can't be: rules between fields, batches, cursors, preconditions and idempotency keys.

use futures_util::future::{Either, select};
use onemind::storage::StorageError;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::Backend;
use crate::support::document::Document;
use crate::support::scene::{AGENCY, Scene, held};

fn agency(field: &str, value: Value) -> Value {
    let mut body = json!({"name": "Travis County", "kind": "sheriff", "country": "US"});
    body[field] = value;
    body
}

fn record(field: &str, value: Value) -> Value {
    let mut body = json!({"external_id": "bad", "officer": {"agency": AGENCY, "badge_number": "88"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
    body[field] = value;
    body
}

fn officer(appointment: &Value) -> Value {
    json!({"given_name": "Ann", "family_name": "Lee", "appointments": [appointment]})
}

fn appointment(field: &str, value: Value) -> Value {
    let mut body = json!({"agency": AGENCY, "sworn": true, "started_on": "2020-05-01"});
    body[field] = value;
    body
}

fn pledge(field: &str, value: Value) -> Value {
    let mut body =
        json!({"agency": AGENCY, "standard": "one-mind", "pledged_on": "2030-01-01", "term_months": 24, "signatory": {"name": "A", "title": "B"}});
    body[field] = value;
    body
}

fn policy(field: &str, value: Value) -> Value {
    let mut body = json!({"agency": AGENCY, "title": "Crisis response", "adopted_on": "2025-01-01"});
    body[field] = value;
    body
}

/// What is posted where, and the fault that it has.
fn faulty() -> Vec<(&'static str, Value, &'static str)> {
    let mut table = Vec::new();
    for ori in ["TX227000", "TX22700000", "T12270000", "tx2270000", " ", "TX-270000", "ＴＸ2270000"] {
        table.push(("/v1/agencies", agency("ori", json!(ori)), "/ori invalid_ori"));
    }
    for day in [
        "2026-02-29",
        "2026-02-30",
        "2026-13-01",
        "2026-00-10",
        "2026-1-1",
        "20260306",
        "06/03/2026",
        "1899-12-31",
        "10000-01-01",
        "-2026-01-01",
        "today",
    ] {
        table.push(("/v1/policies", policy("adopted_on", json!(day)), "/adopted_on invalid_date"));
    }
    table.extend([
        ("/v1/agencies", agency("country", json!("USA")), "/country invalid_country"),
        ("/v1/agencies", agency("subdivision", json!("CA-ON")), "/subdivision wrong_country"),
        ("/v1/agencies", agency("sworn_strength", json!({"count": 1_000_001, "as_of": "2025-01-01"})), "/sworn_strength/count too_large"),
        ("/v1/completions", record("expires_on", json!("2026-03-06")), "/expires_on expires_before_completion"),
        ("/v1/completions", record("expires_on", json!("2025-03-06")), "/expires_on expires_before_completion"),
        ("/v1/completions", record("completed_on", json!("2026-11-23")), "/completed_on in_the_future"),
        ("/v1/completions", record("completed_on", json!("2026-03-06T14:00:00")), "/completed_on offset_required"),
        ("/v1/completions", record("completed_on", json!("2026-02-29")), "/completed_on invalid_date"),
        ("/v1/completions", record("updated_at", json!("2026-03-06T14:00:00")), "/updated_at offset_required"),
        ("/v1/completions", record("updated_at", json!("2026-03-06T14:00:00-06:00[America/Chicago]")), "/updated_at invalid_instant"),
        ("/v1/completions", record("updated_at", json!("2026-03-06T24:00:01Z")), "/updated_at invalid_instant"),
        ("/v1/completions", record("score", json!(1.01)), "/score invalid_score"),
        ("/v1/completions", record("training", json!({})), "/training exactly_one"),
        ("/v1/completions", record("evidence_url", json!("javascript:alert(1)")), "/evidence_url invalid_url"),
        ("/v1/officers", officer(&appointment("ended_on", json!("2020-04-30"))), "/appointments/0/ended_on ends_before_start"),
        ("/v1/officers", officer(&appointment("agency", json!("ori:TX9999999"))), "/appointments/0/agency unknown_agency"),
        ("/v1/policies", policy("ends_on", json!("2024-12-31")), "/ends_on ends_before_start"),
        ("/v1/policies", policy("agency", json!("ori:TX9999999")), "/agency unknown_agency"),
        ("/v1/pledges", pledge("term_months", json!(11)), "/term_months invalid_term"),
        ("/v1/pledges", pledge("term_months", json!(37)), "/term_months invalid_term"),
        ("/v1/pledges", pledge("standard", json!("two-minds")), "/standard unknown_standard"),
        (
            "/v1/course-mappings",
            json!({"code": "c", "training": "0199c1f0-0000-7000-8000-00000000dead", "effective_from": "2020-01-01", "effective_to": null}),
            "/training unknown_training",
        ),
    ]);
    table
}

on_both_databases! {
    async fn what_breaks_a_rule_is_refused_with_its_pointer_and_code(app: TestApp) {
        let document = Document::current();
        let _scene = Scene::make(&app).await;
        let staff = app.staff();
        let before = held(&app, &document.operations()).await;
        let mut wrong = Vec::new();
        for (path, body, fault) in faulty() {
            let reply = staff.post(path, &body).await;
            let found = if reply.status == 422 { reply.problem(422, "invalid-content") } else { Vec::new() };
            if found != [fault] {
                wrong.push(format!("{path} {body}: {} {found:?} where {fault} is expected", reply.status));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn all_faults_of_a_body_are_told_at_once(app: TestApp) {
        let body = json!({"name": 5, "kind": "army", "country": "usa", "subdivision": "", "ori": "x", "nonsense": {}, "sworn_strength": {"count": -1}});
        let mut faults = app.staff().post("/v1/agencies", &body).await.problem(422, "invalid-content");
        faults.sort();
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.split(' ').next().unwrap()).collect();
        assert_eq!(pointers, ["/country", "/kind", "/name", "/nonsense", "/ori", "/subdivision", "/sworn_strength/as_of", "/sworn_strength/count"]);
    }

    async fn faults_between_fields_are_told_with_those_of_single_fields(app: TestApp) {
        let _scene = Scene::make(&app).await;
        let staff = app.staff();
        let mut wrong = Vec::new();
        // Whatever is wrong with a body is told beside a field that is not known, and beside one that is of the wrong type.
        for (path, body, fault) in faulty().into_iter().filter(|(_, _, fault)| !fault.contains("unknown_")) {
            let mut body = body;
            body["nonsense"] = json!(1);
            let found = staff.post(path, &body).await.problem(422, "invalid-content");
            if found.len() != 2 || !found.iter().any(|found| found == fault) {
                wrong.push(format!("{path} {body}: {found:?} where {fault} is expected too"));
            }
        }
        let reference = json!({"badge_number": "88"});
        let table = [
            ("/v1/completions", record("officer", reference.clone()), ("external_id", json!(5)), vec!["/external_id wrong_type", "/officer/agency agency_required"]),
            ("/v1/completions", record("expires_on", json!("2025-03-06")), ("completed_on", json!("x")), vec!["/completed_on invalid_date"]),
            ("/v1/completions", record("expires_on", json!("1900-01-01")), ("completed_on", json!("x")), vec!["/completed_on invalid_date", "/expires_on expires_before_completion"]),
            ("/v1/completions", record("expires_on", json!("x")), ("completed_on", json!("2027-01-01")), vec!["/completed_on in_the_future", "/expires_on invalid_date"]),
            ("/v1/completions", record("officer", json!({"badge_number": 88, "agency": AGENCY})), ("hours", json!(-1)), vec!["/hours invalid_hours", "/officer/badge_number wrong_type"]),
            ("/v1/policies", policy("ends_on", json!("2024-01-01")), ("title", json!("")), vec!["/ends_on ends_before_start", "/title empty"]),
            ("/v1/policies", policy("ends_on", json!("2024-01-01")), ("adopted_on", json!(null)), vec!["/adopted_on wrong_type"]),
            ("/v1/agencies", agency("subdivision", json!("CA-ON")), ("country", json!("usa")), vec!["/country invalid_country"]),
            ("/v1/agencies", agency("subdivision", json!("CA-ON")), ("kind", json!("army")), vec!["/kind invalid_kind", "/subdivision wrong_country"]),
        ];
        for (path, mut body, (field, value), expected) in table {
            body[field] = value;
            let mut found = staff.post(path, &body).await.problem(422, "invalid-content");
            found.sort();
            if found != expected {
                wrong.push(format!("{path} {body}: {found:?} where {expected:?} is expected"));
            }
            if path == "/v1/completions" {
                let batch = staff.post("/v1/completions/batch", &json!({"completions": [body]})).await.expect(207);
                let told = batch["results"][0]["problem"]["errors"].as_array().unwrap().len();
                assert_eq!(told, expected.len(), "{batch}");
            }
        }
        let spell = |start: &str, end: Value| json!({"agency": AGENCY, "sworn": true, "started_on": start, "ended_on": end});
        let mut twice = officer(&spell("x", json!("2019-01-01")));
        twice["appointments"].as_array_mut().unwrap().extend([spell("2020-01-01", Value::Null), spell("2021-01-01", json!("2020-06-01"))]);
        let mut found = staff.post("/v1/officers", &twice).await.problem(422, "invalid-content");
        found.sort();
        assert_eq!(found, ["/appointments/0/started_on invalid_date", "/appointments/2/ended_on ends_before_start"]);
        let entry = json!({"family_name": "Lee", "given_name": "", "sworn": true, "started_on": "2020-01-01", "ended_on": "2019-01-01"});
        let roster = staff.put(&format!("/v1/agencies/{AGENCY}/roster"), &json!({"as_of": "2026-01-01", "officers": [entry]})).await;
        let mut found = roster.problem(422, "invalid-content");
        found.sort();
        assert_eq!(found, ["/officers/0/ended_on ends_before_start", "/officers/0/given_name empty"]);
        let policy = staff.all("/v1/policies").await[0]["id"].as_str().unwrap().to_owned();
        let patch = json!({"ends_on": "1990-01-01", "title": 5});
        let mut found = staff.patch(&format!("/v1/policies/{policy}"), &patch).await.problem(422, "invalid-content");
        found.sort();
        assert_eq!(found, ["/ends_on ends_before_start", "/title wrong_type"]);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    async fn a_batch_has_one_to_ten_thousand_records(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let before = held(&app, &document.operations()).await;
        let too_many = json!({"completions": vec![json!({}); 10_001]});
        let refused = scene.client.post("/v1/completions/batch", &too_many).await;
        refused.problem(413, "content-too-large");
        assert!(refused.json()["detail"].as_str().unwrap().contains("10000"), "{}", refused.text);
        assert_eq!(scene.client.post("/v1/completions/batch", &json!({"completions": []})).await.problem(422, "invalid-content"), ["/completions empty"]);
        for bad in [json!({}), json!([]), json!({"completions": {}}), json!({"completions": [], "more": 1}), json!(null)] {
            assert_eq!(scene.client.post("/v1/completions/batch", &bad).await.status, 422, "{bad}");
        }
        let odd: Vec<Value> = vec![json!(null), json!(5), json!("x"), json!([]), json!({}), json!({"external_id": 7})];
        let answer = scene.client.post("/v1/completions/batch", &json!({"completions": odd})).await.expect(207);
        assert_eq!((&answer["summary"]["received"], &answer["summary"]["rejected"]), (&json!(6), &json!(6)));
        let most = json!({"completions": vec![json!({}); 10_000]});
        assert_eq!(scene.client.post("/v1/completions/batch", &most).await.expect(207)["summary"]["rejected"], 10_000);
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn one_bad_record_of_a_hundred_is_left_out_alone(app: TestApp) {
        let scene = Scene::make(&app).await;
        let mut records: Vec<Value> = (0..100).map(|number| record("external_id", json!(format!("r{number}")))).collect();
        records[42]["completed_on"] = json!("2026-02-30");
        records[99]["external_id"] = json!("r0");
        let answer = scene.client.post("/v1/completions/batch", &json!({"completions": records})).await.expect(207);
        let summary = &answer["summary"];
        assert_eq!((&summary["created"], &summary["unchanged"], &summary["rejected"]), (&json!(98), &json!(1), &json!(1)), "{summary}");
        let rejected = &answer["results"][42];
        assert_eq!((&rejected["outcome"], &rejected["external_id"], rejected.get("id")), (&json!("rejected"), &json!("r42"), None));
        assert_eq!(rejected["problem"]["errors"][0]["pointer"], "/completed_on");
        assert_eq!(scene.client.all("/v1/completions?limit=500").await.len(), 99);
    }

    async fn a_cursor_holds_for_the_list_that_gave_it(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        for number in 0..3 {
            app.agency(&format!("WA000000{number}")).await;
        }
        let staff = app.staff();
        let cursor = staff.get("/v1/agencies?limit=1").await.expect(200)["next_cursor"].as_str().unwrap().to_owned();
        staff.get(&format!("/v1/agencies?cursor={cursor}")).await.expect(200);
        let mut tampered: Vec<String> = (0..cursor.len())
            .map(|place| {
                let mut bytes = cursor.clone().into_bytes();
                bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
                String::from_utf8(bytes).unwrap()
            })
            .collect();
        tampered.extend([String::new(), "x".into(), "%00".into(), format!("{cursor}A"), cursor[1..].to_owned(), "A".repeat(32), "A".repeat(5000), "💥".into()]);
        for operation in document.operations().iter().filter(|operation| operation.is_list()) {
            let path = scene.path(operation);
            for bad in &tampered {
                let reply = staff.get(&format!("{path}?cursor={bad}")).await;
                assert_eq!(reply.status, 400, "{path}: {bad}: {}", reply.text);
                assert_eq!(reply.problem(400, "invalid-parameter"), ["/cursor invalid_cursor"], "{path}: {bad}");
            }
            if operation.path != "/v1/agencies" {
                assert_eq!(staff.get(&format!("{path}?cursor={cursor}")).await.problem(400, "invalid-parameter"), ["/cursor invalid_cursor"], "{path}");
            }
        }
    }

    async fn a_stale_if_match_changes_nothing(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let before = held(&app, &document.operations()).await;
        let mut seen = 0;
        for operation in document.operations().iter().filter(|operation| operation.takes("header", "If-Match")) {
            let (path, caller) = (scene.path(operation), scene.caller(&staff, operation));
            for stale in ["\"AAAAAAAAAAAAAAAAAAAAAA\"", "W/\"x\"", "nonsense", "", "\"a\", \"b\""] {
                let mut request = caller.request(operation.verb(), &path).header("if-match", stale);
                if let Some((media_type, schema)) = operation.body() {
                    let body = if operation.method == "PATCH" { json!({}) } else { document.example(schema).unwrap() };
                    request = request.header("content-type", media_type).body(body.to_string());
                }
                let reply = caller.send(request).await;
                assert_eq!(reply.status, 412, "{} with If-Match {stale:?}: {}", operation.name(), reply.text);
                reply.problem(412, "precondition-failed");
                seen += 1;
            }
        }
        assert!(seen > 50, "{seen}");
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn an_idempotency_key_is_one_short_word(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let before = held(&app, &document.operations()).await;
        let long = "k".repeat(256);
        let longer = "k".repeat(2000);
        for operation in document.operations().iter().filter(|operation| operation.takes("header", "Idempotency-Key")) {
            for key in ["", " ", "two words", "k\u{e9}y", long.as_str(), longer.as_str()] {
                let mut request = staff.request(operation.verb(), &scene.path(operation)).header("idempotency-key", key);
                if let Some((media_type, schema)) = operation.body() {
                    request = request.header("content-type", media_type).body(document.example(schema).unwrap().to_string());
                }
                let reply = staff.send(request).await;
                assert_eq!(reply.status, 400, "{} with the key {key:?}: {}", operation.name(), reply.text);
                assert_eq!(reply.problem(400, "invalid-header"), ["/idempotency-key invalid_header"]);
            }
        }
        let twice = staff.request(Method::POST, "/v1/agencies").header("idempotency-key", "a").header("idempotency-key", "b");
        let twice = staff.send(twice.json(&agency("name", json!("Twice")))).await;
        assert_eq!(twice.problem(400, "invalid-header"), ["/idempotency-key invalid_header"]);
        assert_eq!(held(&app, &document.operations()).await, before);
    }

    async fn the_same_key_at_the_same_time_is_refused_until_the_first_is_answered(app: TestApp) {
        let staff = app.staff();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let mut begin = Some(begin);
        let store = app.registry.store.clone();
        let postgres = app.backend == Backend::Postgres;
        // Somebody else's transaction, for which the first request has to wait.
        let other = actix_web::rt::spawn(async move {
            store
                .write(move |conn| -> Result<(), StorageError> {
                    if postgres {
                        diesel::RunQueryDsl::execute(diesel::sql_query("LOCK TABLE agencies IN ACCESS EXCLUSIVE MODE"), conn)?;
                    }
                    begin.take().unwrap().send(()).unwrap();
                    released.recv().unwrap();
                    Ok(())
                })
                .await
        });
        begun.await.unwrap();
        let body = agency("name", json!("Once"));
        let post = || Box::pin(staff.send(staff.request(Method::POST, "/v1/agencies").header("idempotency-key", "k1").json(&body)));
        let (refused, waiting) = match select(post(), post()).await {
            Either::Left(pair) | Either::Right(pair) => pair,
        };
        refused.problem(409, "request-in-flight");
        release.send(()).unwrap();
        other.await.unwrap().unwrap();
        let created = waiting.await.expect(201);
        assert_eq!(post().await.expect(201), created);
        assert_eq!(staff.all("/v1/agencies").await, [created]);
    }
}
