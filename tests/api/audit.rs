//! The audit log: who did what, who was refused, who read people's data; and that nobody can change it unseen.

use diesel::connection::SimpleConnection as _;
use onemind::domain::audit::LANES;
use onemind::service::ServiceError;
use onemind::service::audit::{Fault, LaneReport, prune, verify_lane};
use onemind::storage::{AnyConn, read_once, write_once};
use onemind::tokens::{audit_keys, client_id};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::document::{Document, NO_ID, Operation};
use crate::support::scene::{AGENCY, Scene, held};
use crate::support::{Backend, Client, Reply, TestApp};

const PERSONAL: [&str; 4] = ["family_name", "email", "identifiers", "mbox"];

fn auditor(app: &TestApp) -> Client {
    app.client("auditor", "audit:read", None)
}

/// What was written of a request.
async fn entries_of(app: &TestApp, reply: &Reply) -> Vec<Value> {
    let id = reply.header("x-request-id");
    let all = auditor(app).all("/v1/audit-log?limit=500").await;
    all.into_iter().filter(|entry| entry["request_id"] == id).collect()
}

/// The one entry of a request, with the places of its own taken out: id, lane, sequence, request and time.
async fn entry_of(app: &TestApp, reply: &Reply) -> Value {
    let mut entries = entries_of(app, reply).await;
    assert_eq!(entries.len(), 1, "{}: {entries:?}", reply.text);
    let mut entry = entries.remove(0);
    for name in ["id", "lane", "sequence", "request_id"] {
        entry.as_object_mut().unwrap().remove(name);
    }
    entry
}

fn told(operation: &str, outcome: &str, status: u16, resource: Value, more: Value) -> Value {
    let mut entry = json!({"at": "2026-11-21T12:00:00Z", "client": client_id("vendor"), "subject": "vendor", "operation": operation, "outcome": outcome,
        "status": status, "resource": null, "agency": null, "fields": [], "detail": null, "address": "127.0.0.1"});
    entry["resource"] = resource;
    if let Value::Object(more) = more {
        entry.as_object_mut().unwrap().extend(more);
    }
    entry
}

fn officer() -> Value {
    json!({"given_name": "Maria", "family_name": "Rivera", "identifiers": [{"system": "post:US-TX", "value": "1001"}],
        "appointments": [{"agency": AGENCY, "sworn": true, "badge_number": "88", "started_on": "2019-05-01"}]})
}

/// The vendor of the tests, whose grant is for one agency, and the agency's id.
async fn vendor(app: &TestApp) -> (Client, String) {
    let agency = app.agency("TX2270000").await;
    (app.client("vendor", "all", Some(&[AGENCY])), agency)
}

async fn with_example(client: &Client, document: &Document, operation: &Operation, path: &str) -> Reply {
    let request = client.request(operation.verb(), path);
    match operation.body() {
        None => client.send(request).await,
        Some((media_type, schema)) => {
            client.send(request.header("content-type", media_type).body(document.example(schema).unwrap().to_string())).await
        }
    }
}

/// Whether the answer to a success tells who somebody is.
fn is_personal(document: &Document, operation: &Operation) -> bool {
    let answers = operation.value["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
    let schemas = answers.flat_map(|(_, answer)| answer["content"].as_object().into_iter().flatten()).map(|(_, content)| &content["schema"]);
    let places: Vec<String> = schemas.flat_map(|schema| document.places(schema)).map(|(pointer, _)| pointer).collect();
    places.iter().any(|pointer| PERSONAL.iter().any(|name| pointer.split('/').any(|member| member == *name)))
}

fn on_tables<T>(app: &TestApp, work: impl FnMut(&mut AnyConn) -> Result<T, ServiceError>) -> Result<T, ServiceError> {
    let mut conn = app.config.database.connect().unwrap();
    write_once(&mut conn, work)
}

/// Does what an attacker may do who owns the database: with the triggers out of the way.
fn tamper(app: &TestApp, statement: &str) {
    let mut conn = app.config.database.connect().unwrap();
    match &mut conn {
        AnyConn::Postgres(conn) => {
            let off = "ALTER TABLE audit_log DISABLE TRIGGER USER; ALTER TABLE audit_lanes DISABLE TRIGGER USER";
            conn.batch_execute(&format!("{off}; {statement}; {}", off.replace("DISABLE", "ENABLE"))).unwrap();
        }
        AnyConn::Sqlite(conn) => {
            let triggers = ["audit_log_not_changed", "audit_log_not_shortened", "audit_lanes_only_grow", "audit_lanes_not_deleted"];
            let off: Vec<String> = triggers.iter().map(|name| format!("DROP TRIGGER IF EXISTS {name};")).collect();
            conn.batch_execute(&format!("{} {statement}", off.concat())).unwrap();
        }
    }
}

fn verified(app: &TestApp, lane: i32) -> LaneReport {
    let keys = audit_keys(&app.config.data_dir).unwrap();
    let mut conn = app.config.database.connect().unwrap();
    read_once(&mut conn, |conn| verify_lane(conn, &keys, lane)).unwrap()
}

/// The lane with the most entries, and how many there are at the least.
async fn longest_lane(app: &TestApp) -> (i32, i64) {
    let mut counts = vec![0; usize::try_from(LANES).unwrap()];
    for entry in auditor(app).all("/v1/audit-log?limit=500").await {
        counts[usize::try_from(entry["lane"].as_i64().unwrap()).unwrap()] += 1;
    }
    let (lane, count) = counts.into_iter().enumerate().max_by_key(|(_, count)| *count).unwrap();
    (i32::try_from(lane).unwrap(), count)
}

/// Refused requests until some lane holds a few entries.
async fn fill(app: &TestApp) -> (i32, i64) {
    let (client, _) = vendor(app).await;
    for _ in 0..200 {
        client.delete(&format!("/v1/officers/{NO_ID}")).await.problem(404, "not-found");
    }
    let (lane, count) = longest_lane(app).await;
    assert!(count >= 6, "{count}");
    (lane, verified(app, lane).sequence)
}

on_both_databases! {
    async fn a_change_is_told_with_who_what_and_which_members(app: TestApp) {
        let (client, agency) = vendor(&app).await;
        let created = client.post("/v1/officers", &officer()).await;
        let body = created.expect(201);
        let id = body["id"].as_str().unwrap();
        let resource = |kind: &str, id: &str| json!({"kind": kind, "id": id});
        assert_eq!(entry_of(&app, &created).await, told("create_officer", "changed", 201, resource("officer", id),
            json!({"agency": agency, "fields": ["given_name", "family_name", "identifiers", "appointments"]})));
        let path = format!("/v1/officers/{id}");
        let patched = client.patch(&path, &json!({"family_name": "Lopez", "email": "m.lopez@example.org", "given_name": "Maria"})).await;
        patched.expect(200);
        assert_eq!(entry_of(&app, &patched).await, told("change_officer", "changed", 200, resource("officer", id), json!({"fields": ["family_name", "email"]})));
        let same = client.patch(&path, &json!({"family_name": "Lopez"})).await;
        same.expect(200);
        assert_eq!(entry_of(&app, &same).await, told("change_officer", "unchanged", 200, resource("officer", id), json!({})));
        let spell = body["appointments"][0]["id"].as_str().unwrap();
        let ended = client.patch(&format!("{path}/appointments/{spell}"), &json!({"ended_on": "2026-01-01", "badge_number": null})).await;
        ended.expect(200);
        assert_eq!(entry_of(&app, &ended).await, told("change_appointment", "changed", 200, resource("appointment", spell),
            json!({"agency": agency, "fields": ["badge_number", "ended_on"]})));
        let partnership = json!({"agency": AGENCY, "organization": {"name": "MHDD", "kind": "community_mental_health"}, "agreement": "mou", "effective_on": "2025-01-01"});
        let partnership = client.post("/v1/partnerships", &partnership).await.expect(201)["id"].as_str().unwrap().to_owned();
        let changed = client.patch(&format!("/v1/partnerships/{partnership}"), &json!({"organization": {"name": "Other"}})).await;
        assert_eq!(entry_of(&app, &changed).await, told("change_partnership", "changed", 200, resource("partnership", &partnership),
            json!({"agency": agency, "fields": ["organization.name"]})));
        let gone = client.delete(&path).await;
        assert_eq!(entry_of(&app, &gone).await, told("delete_officer", "changed", 204, resource("officer", id), json!({})));
        let log = auditor(&app).get("/v1/audit-log?limit=500").await.text;
        assert!(["Maria", "Rivera", "Lopez", "1001", "lopez@"].iter().all(|name| !log.contains(name)), "{log}");
    }

    async fn an_answer_that_is_given_again_is_told_as_such(app: TestApp) {
        let (client, _) = vendor(&app).await;
        let send = || async {
            let request = client.request(reqwest::Method::POST, "/v1/officers").header("idempotency-key", "k-1").json(&officer());
            client.send(request).await
        };
        let (first, again) = (send().await, send().await);
        assert_eq!(first.expect(201), again.expect(201));
        assert_eq!(entry_of(&app, &first).await["outcome"], "changed");
        let entry = entry_of(&app, &again).await;
        assert_eq!((&entry["outcome"], &entry["status"], &entry["operation"]), (&json!("replayed"), &json!(201), &json!("create_officer")));
    }

    async fn a_batch_and_a_roster_are_one_entry_each_that_names_all_they_touched(app: TestApp) {
        let (client, agency) = vendor(&app).await;
        app.training("CIT-40").await;
        let record = |id: &str, badge: &str| json!({"external_id": id, "officer": {"agency": AGENCY, "badge_number": badge}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
        let batch = json!({"completions": [record("1", "88"), record("2", "89"), {"external_id": "3"}]});
        let pushed = client.post("/v1/completions/batch", &batch).await;
        let ids: Vec<Value> = pushed.expect(207)["results"].as_array().unwrap().iter().filter(|result| !result["id"].is_null()).map(|result| result["id"].clone()).collect();
        assert_eq!(entry_of(&app, &pushed).await, told("push_completions", "changed", 207, json!({"kind": "completion", "id": null}),
            json!({"detail": {"parked": 2, "rejected": 1}})));
        let id = entries_of(&app, &pushed).await[0]["id"].as_str().unwrap().to_owned();
        let full = auditor(&app).get(&format!("/v1/audit-log/{id}")).await.expect(200);
        assert_eq!(full["touched"], json!([{"outcome": "parked", "ids": ids}]));

        let member = |badge: &str, name: &str| json!({"family_name": name, "given_name": "Ana", "badge_number": badge, "sworn": true, "started_on": "2019-05-01"});
        let path = format!("/v1/agencies/{AGENCY}/roster");
        let put = client.put(&path, &json!({"as_of": "2026-01-01", "officers": [member("88", "Rivera"), member("90", "Wong")]})).await;
        let officers: Vec<Value> = put.expect(200)["results"].as_array().unwrap().iter().map(|result| result["officer_id"].clone()).collect();
        assert_eq!(entry_of(&app, &put).await, told("put_roster", "changed", 200, json!({"kind": "agency", "id": agency}),
            json!({"agency": agency, "detail": {"moved": 1, "created": 2}})));
        let id = entries_of(&app, &put).await[0]["id"].as_str().unwrap().to_owned();
        let full = auditor(&app).get(&format!("/v1/audit-log/{id}")).await.expect(200);
        assert_eq!(full["touched"], json!([{"outcome": "moved", "ids": [ids[0]]}, {"outcome": "created", "ids": officers}]));

        let of = |entries: Vec<Value>| entries.into_iter().map(|entry| entry["operation"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let touched = auditor(&app).all(&format!("/v1/audit-log?resource={}", ids[0].as_str().unwrap())).await;
        assert_eq!(of(touched), ["push_completions", "put_roster"]);
        let dry = client.put(&format!("{path}?dry_run=true"), &json!({"as_of": "2026-01-02", "officers": [member("88", "Rivera")]})).await;
        assert_eq!(entry_of(&app, &dry).await, told("put_roster", "read", 200, json!({"kind": "agency", "id": agency}),
            json!({"agency": agency, "detail": {"filters": ["dry_run"]}})));
    }

    async fn a_read_of_peoples_data_is_told_and_what_was_looked_for_is_not(app: TestApp) {
        let (client, agency) = vendor(&app).await;
        let id = client.post("/v1/officers", &officer()).await.expect(201)["id"].as_str().unwrap().to_owned();
        let read = client.get(&format!("/v1/officers/{id}")).await;
        assert_eq!(entry_of(&app, &read).await, told("get_officer", "read", 200, json!({"kind": "officer", "id": id}), json!({})));
        let list = client.get(&format!("/v1/officers?agency={AGENCY}&family_name=Rivera&limit=5")).await;
        assert_eq!(entry_of(&app, &list).await, told("list_officers", "read", 200, json!({"kind": "officer", "id": null}),
            json!({"agency": agency, "detail": {"count": 1, "filters": ["agency", "family_name"]}})));
        let roster = client.get(&format!("/v1/agencies/{AGENCY}/roster")).await;
        assert_eq!(entry_of(&app, &roster).await, told("get_roster", "read", 200, json!({"kind": "agency", "id": agency}), json!({"agency": agency, "detail": {"count": 1}})));
        let open = client.get("/v1/trainings").await;
        assert_eq!(entries_of(&app, &open).await, [Value::Null; 0]);
    }

    async fn whatever_tells_who_somebody_is_leaves_an_entry(app: TestApp) {
        let document = Document::current();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let mut seen = 0;
        for operation in document.operations().iter().filter(|operation| operation.method == "GET" && is_personal(&document, operation)) {
            let reply = scene.caller(&staff, operation).get(&scene.path(operation)).await;
            reply.expect(200);
            let entry = entry_of(&app, &reply).await;
            assert_eq!((&entry["operation"], &entry["outcome"]), (&operation.value["operationId"], &json!("read")), "{}", operation.name());
            assert_eq!(entry["client"].is_null(), operation.scopes().is_none(), "{}", operation.name());
            seen += 1;
        }
        assert!(seen >= 8, "{seen}");
    }

    async fn whatever_changes_something_leaves_an_entry_that_says_so(app: TestApp) {
        let document = Document::current();
        let all = document.operations();
        let scene = Scene::make(&app).await;
        let staff = app.staff();
        let mut changed = 0;
        for operation in all.iter().filter(|operation| operation.method != "GET" && operation.scopes().is_some()) {
            let before = held(&app, &all).await;
            app.clock.advance(jiff::SignedDuration::from_secs(1));
            let reply = with_example(scene.caller(&staff, operation), &document, operation, &scene.path(operation)).await;
            let entry = entry_of(&app, &reply).await;
            assert_eq!((&entry["operation"], &entry["status"]), (&operation.value["operationId"], &json!(reply.status)), "{}", operation.name());
            let outcome = entry["outcome"].as_str().unwrap();
            if reply.status >= 400 {
                assert_eq!(outcome, "refused", "{}", operation.name());
                continue;
            }
            let differs = held(&app, &all).await != before;
            assert_eq!(outcome == "changed", differs, "{}: {entry}", operation.name());
            changed += usize::from(differs);
            if let Some((_, schema)) = operation.body().filter(|_| operation.path.starts_with("/v1/") && operation.method == "PATCH") {
                let members: Vec<String> = document.places(schema).into_iter().map(|(pointer, _)| pointer.trim_start_matches('/').replace('/', ".")).collect();
                for field in entry["fields"].as_array().unwrap() {
                    assert!(members.iter().any(|member| field == member), "{}: {field} of {members:?}", operation.name());
                }
            }
        }
        assert!(changed >= 15, "{changed}");
    }

    async fn whatever_is_refused_leaves_an_entry(app: TestApp) {
        let document = Document::current();
        let stranger = app.stranger();
        let nobody = app.client("nobody", "", Some(&[]));
        let elsewhere = app.client("elsewhere", "all", Some(&[]));
        for operation in document.operations().iter().filter(|operation| operation.scopes().is_some()) {
            let path = operation.path_to_nothing();
            let mut refused = Vec::new();
            for client in [&stranger, &nobody, &elsewhere] {
                let reply = with_example(client, &document, operation, &path).await;
                refused.extend(Some(reply).filter(|reply| [401, 403, 404].contains(&reply.status) || (operation.method != "GET" && reply.status >= 400)));
            }
            if let Some((_, _)) = operation.body() {
                let staff = app.staff();
                let wrong = staff.request(operation.verb(), &path).header("content-type", "text/plain").body("{}");
                let reply = staff.send(wrong).await;
                assert_eq!(reply.status, 415, "{}", operation.name());
                refused.push(reply);
            }
            assert!(!refused.is_empty(), "{}", operation.name());
            for reply in refused {
                let entry = entry_of(&app, &reply).await;
                assert_eq!((&entry["operation"], &entry["outcome"], &entry["status"]), (&operation.value["operationId"], &json!("refused"), &json!(reply.status)), "{}", operation.name());
                assert_eq!(entry["client"].is_null(), reply.status == 401, "{}", operation.name());
                assert_eq!(entry["detail"]["problem"], reply.json()["type"].as_str().unwrap().replace("/problems/", ""), "{entry}");
            }
        }
    }

    async fn whoever_is_refused_again_and_again_is_counted(app: TestApp) {
        let stranger = app.stranger();
        for _ in 0..50 {
            stranger.get("/v1/officers").await.problem(401, "unauthorized");
        }
        let of_strangers = || async { auditor(&app).all("/v1/audit-log?operation=list_officers&status=401").await };
        assert_eq!(of_strangers().await.len(), 1);
        app.clock.advance(jiff::SignedDuration::from_secs(60));
        let told = of_strangers().await;
        assert_eq!(told.len(), 2);
        assert_eq!(told[1]["detail"], json!({"again": 49, "since": "2026-11-21T12:00:00Z"}));
        assert_eq!((&told[1]["at"], &told[1]["address"]), (&json!("2026-11-21T12:01:00Z"), &json!("127.0.0.1")));
        stranger.get("/v1/officers").await.problem(401, "unauthorized");
        assert_eq!(of_strangers().await.len(), 3);
    }

    async fn the_log_is_narrowed_by_what_is_asked(app: TestApp) {
        let (client, _) = vendor(&app).await;
        let id = client.post("/v1/officers", &officer()).await.expect(201)["id"].as_str().unwrap().to_owned();
        app.clock.advance(jiff::SignedDuration::from_hours(1));
        client.get(&format!("/v1/officers/{id}")).await.expect(200);
        client.get(&format!("/v1/officers/{NO_ID}")).await.problem(404, "not-found");
        let log = |query: String| {
            let app = &app;
            async move { auditor(app).all(&format!("/v1/audit-log?{query}")).await.iter().map(|entry| entry["operation"].as_str().unwrap().to_owned()).collect::<Vec<_>>() }
        };
        let vendor = client_id("vendor");
        assert_eq!(log(format!("client={vendor}")).await, ["create_officer", "get_officer", "get_officer"]);
        assert_eq!(log(format!("client={vendor}&limit=1")).await, ["create_officer", "get_officer", "get_officer"]);
        assert_eq!(log(format!("resource={id}")).await, ["create_officer", "get_officer"]);
        assert_eq!(log(format!("client={vendor}&outcome=refused")).await, ["get_officer"]);
        assert_eq!(log(format!("client={vendor}&status=201")).await, ["create_officer"]);
        assert_eq!(log(format!("client={vendor}&operation=get_officer")).await, ["get_officer"; 2]);
        assert_eq!(log(format!("client={vendor}&from=2026-11-21T13:00:00Z")).await, ["get_officer"; 2]);
        assert_eq!(log(format!("client={vendor}&until=2026-11-21T13:00:00Z")).await, ["create_officer"]);
        assert_eq!(auditor(&app).get("/v1/audit-log?outcome=lost&status=7").await.problem(400, "invalid-parameter"), ["/outcome invalid_outcome", "/status invalid_number"]);
        client.get("/v1/audit-log").await.problem(403, "outside-grant");
        app.client("iacp", "officers:read", None).get("/v1/audit-log").await.problem(403, "missing-scope");
    }

    async fn nothing_in_the_log_can_be_changed_or_taken_away(app: TestApp) {
        let (lane, sequence) = fill(&app).await;
        let refused = [
            "UPDATE audit_log SET operation = 'nothing'".to_owned(),
            "DELETE FROM audit_log".to_owned(),
            format!("UPDATE audit_lanes SET sequence = {} WHERE lane = {lane}", sequence - 1),
            "DELETE FROM audit_lanes".to_owned(),
            format!("UPDATE audit_lanes SET pruned_sequence = {} WHERE lane = {lane}", sequence + 1),
        ];
        for statement in &refused {
            let done = on_tables(&app, |conn| Ok(conn.batch_execute(statement).map_err(onemind::storage::StorageError::from)?));
            assert!(done.is_err(), "{statement}");
        }
        if app.backend == Backend::Postgres {
            assert!(on_tables(&app, |conn| Ok(conn.batch_execute("TRUNCATE audit_log").map_err(onemind::storage::StorageError::from)?)).is_err());
        }
        for lane in 0..LANES {
            assert_eq!(verified(&app, lane).faults, []);
        }
    }

    async fn what_was_done_to_the_log_behind_its_back_is_found(app: TestApp) {
        let (lane, last) = fill(&app).await;
        let copy = format!("INSERT INTO audit_log SELECT {}, lane, NUMBER, at, client_id, subject, operation, outcome, status, resource, resource_id, agency_id, \
            request_id, address, fields, detail, ids, key_name, hash FROM audit_log WHERE lane = {lane} AND sequence = 2",
            if app.backend == Backend::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" });
        let cases = [
            (format!("UPDATE audit_log SET status = 200 WHERE lane = {lane} AND sequence = 2"), vec![Fault::Altered(2)]),
            (format!("UPDATE audit_log SET hash = (SELECT hash FROM audit_log WHERE lane = {lane} AND sequence = 3) WHERE lane = {lane} AND sequence = 4"),
                vec![Fault::Altered(2), Fault::Altered(4)]),
            (copy.replace("NUMBER", &(last + 1).to_string()), vec![Fault::Altered(2), Fault::Altered(4), Fault::Inserted(last + 1)]),
            (format!("DELETE FROM audit_log WHERE lane = {lane} AND sequence = 4"), vec![Fault::Altered(2), Fault::Missing(4, 4), Fault::Inserted(last + 1)]),
            (copy.replace("NUMBER", "4"), vec![Fault::Altered(2), Fault::Altered(4), Fault::Inserted(last + 1)]),
            (format!("DELETE FROM audit_log WHERE lane = {lane} AND sequence >= {last}"), vec![Fault::Altered(2), Fault::Altered(4), Fault::CutOff(last, last)]),
            (format!("UPDATE audit_lanes SET sequence = {}, hash = (SELECT hash FROM audit_log WHERE lane = {lane} AND sequence = {}) WHERE lane = {lane}", last - 1, last - 1),
                vec![Fault::HeadAltered, Fault::Altered(2), Fault::Altered(4)]),
            (format!("DELETE FROM audit_lanes WHERE lane = {lane}"), vec![Fault::HeadMissing, Fault::Altered(2), Fault::Altered(4)]),
        ];
        for (statement, faults) in cases {
            tamper(&app, &statement);
            let mut found = verified(&app, lane).faults;
            // An entry that was put after another can't be told from one that was altered.
            found.dedup_by_key(|fault| fault.to_string());
            let after_four = found.iter().position(|fault| *fault == Fault::Altered(5));
            if let Some(position) = after_four {
                found.remove(position);
            }
            assert_eq!(found, faults, "{statement}");
        }
    }

    async fn a_lane_that_was_tampered_with_is_left_as_it_is_and_the_work_goes_on(app: TestApp) {
        let (lane, last) = fill(&app).await;
        let hash = format!("(SELECT hash FROM audit_log WHERE lane = {lane} AND sequence = {})", last - 1);
        tamper(&app, &format!("DELETE FROM audit_log WHERE lane = {lane} AND sequence = {last}; \
            UPDATE audit_lanes SET sequence = {}, hash = {} WHERE lane = {lane}", last - 1, hash));
        assert_eq!(verified(&app, lane).faults, [Fault::HeadAltered]);
        let client = app.client("vendor", "all", Some(&[AGENCY]));
        for _ in 0..100 {
            client.delete(&format!("/v1/officers/{NO_ID}")).await.problem(404, "not-found");
        }
        let report = verified(&app, lane);
        assert_eq!((report.sequence, report.faults), (last - 1, vec![Fault::HeadAltered]));
    }

    async fn a_log_whose_beginning_was_pruned_is_whole(app: TestApp) {
        let (lane, last) = fill(&app).await;
        app.clock.advance(jiff::SignedDuration::from_hours(24 * 400));
        let client = app.client("vendor", "all", Some(&[AGENCY]));
        client.delete(&format!("/v1/officers/{NO_ID}")).await.problem(404, "not-found");
        let keys = audit_keys(&app.config.data_dir).unwrap();
        let before = "2027-01-01T00:00:00Z".parse().unwrap();
        let entry = |detail: String| onemind::domain::audit::Entry {
            id: uuid::Uuid::new_v4(), at: before, client: None, subject: None, operation: "audit_prune".into(), outcome: onemind::domain::audit::AuditOutcome::Changed,
            status: 0, resource: None, resource_id: None, agency: None, request: None, address: None, fields: None, detail: Some(detail), ids: None,
        };
        let mut pruned = 0;
        for lane in 0..LANES {
            pruned += on_tables(&app, |conn| prune(conn, &keys, lane, before, entry)).unwrap().entries;
        }
        assert!(pruned > 200, "{pruned}");
        for lane in 0..LANES {
            assert_eq!(verified(&app, lane).faults, [], "{lane}");
        }
        assert!(verified(&app, lane).sequence >= last);
        let left = auditor(&app).all("/v1/audit-log?limit=500").await;
        assert!(left.iter().all(|entry| entry["at"].as_str().unwrap() > "2027"), "{left:?}");
        // Of a lane in which something is left, which may be another.
        let lane = i32::try_from(left[0]["lane"].as_i64().unwrap()).unwrap();
        let shorter = format!("UPDATE audit_lanes SET pruned_sequence = sequence, pruned_hash = hash WHERE lane = {lane}");
        tamper(&app, &format!("{shorter}; DELETE FROM audit_log WHERE lane = {lane}"));
        assert_eq!(verified(&app, lane).faults, [Fault::HeadAltered]);
    }

    async fn another_key_is_found_out(app: TestApp) {
        let (lane, _) = fill(&app).await;
        let other = tempfile::TempDir::new().unwrap();
        let keys = audit_keys(other.path()).unwrap();
        let mut conn = app.config.database.connect().unwrap();
        let report = read_once(&mut conn, |conn| verify_lane(conn, &keys, lane)).unwrap();
        assert_eq!(report.faults[0], Fault::HeadAltered);
        assert!(matches!(&report.faults[1], Fault::ForeignKey(1, to, _) if *to == report.sequence), "{:?}", report.faults);
        let refused = write_once(&mut conn, |conn| onemind::service::audit::prepare(conn, &keys)).unwrap_err();
        assert!(refused.to_string().contains("onemind audit adopt"), "{refused}");
    }
}
