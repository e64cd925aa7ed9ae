//! Pseudonyms and erasure: who somebody is goes from every table, and what counts stays.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use onemind::storage::{AnyConn, StorageError};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Backend, Client, TestApp};

/// Each tells who it is, and occurs in nothing else.
const SECRETS: [&str; 9] = ["Riveranova", "Mariquita", "riveranova", "mariquita", "R-ident-1001", "EMP-5517", "BADGE-8823", "BADGE-8824", "CERT-771"];

const AGENCY: &str = "ori:TX0000001";
const OTHER: &str = "ori:TX0000002";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn lines(conn: &mut AnyConn, query: &str) -> Vec<String> {
    diesel::sql_query(query).load::<Line>(conn).unwrap().into_iter().map(|line| line.line).collect()
}

/// Where in the database, table by table, a text occurs.
async fn places_of(app: &TestApp, text: &'static str) -> Vec<String> {
    let sqlite = app.backend == Backend::Sqlite;
    let search = move |conn: &mut AnyConn| -> Result<Vec<String>, StorageError> {
        let tables = if sqlite {
            "SELECT name AS line FROM sqlite_master WHERE type = 'table'"
        } else {
            "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public'"
        };
        let mut places = Vec::new();
        for table in lines(conn, tables) {
            let row = if sqlite {
                let columns = lines(conn, &format!("SELECT name AS line FROM pragma_table_info('{table}')"));
                columns.iter().map(|column| format!("coalesce(quote({column}), '')")).collect::<Vec<_>>().join(" || ")
            } else {
                "t::text".to_owned()
            };
            let query = format!("SELECT count(*) AS count FROM (SELECT {row} AS line FROM {table} AS t) AS rows WHERE line LIKE '%{text}%'");
            if diesel::sql_query(query).get_result::<Found>(conn)?.count > 0 {
                places.push(table);
            }
        }
        Ok(places)
    };
    app.registry.store.read(search).await.unwrap()
}

async fn traces(app: &TestApp) -> Vec<String> {
    let mut traces = Vec::new();
    for secret in SECRETS {
        traces.extend(places_of(app, secret).await.into_iter().map(|table| format!("{secret} in {table}")));
    }
    traces
}

fn officer(agency: &str) -> Value {
    json!({"given_name": "Mariquita", "family_name": "Riveranova", "email": "m.riveranova@example.org", "identifiers": [{"system": "post:US-TX", "value": "R-ident-1001"}],
        "appointments": [{"agency": agency, "sworn": true, "employee_number": "EMP-5517", "badge_number": "BADGE-8823", "started_on": "2019-05-01"}]})
}

async fn with_key(client: &Client, path: &str, key: &str, body: &Value) -> crate::support::Reply {
    client.send(client.request(reqwest::Method::POST, path).header("idempotency-key", key).json(body)).await
}

/// What everybody is told of readiness, on days past and to come.
async fn statuses(app: &TestApp) -> Vec<Value> {
    let staff = app.staff();
    let mut all = Vec::new();
    for agency in [AGENCY, OTHER] {
        for day in ["2019-04-30", "2020-01-01", "2026-03-05", "2026-03-06", "2026-11-21", "2030-01-01"] {
            all.push(staff.get(&format!("/v1/agencies/{agency}/certification-status?as_of={day}")).await.expect(200));
        }
    }
    all
}

struct Made {
    path: String,
    rms: Client,
    lms: Client,
    placed: Vec<String>,
    parked: String,
}

fn record(external_id: &str, officer: Value) -> Value {
    let mut record = json!({"external_id": external_id, "officer": null, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06", "certificate_number": "CERT-771",
        "evidence_url": "https://lms.example/riveranova"});
    record["officer"] = officer;
    record
}

/// An officer of whom many tables tell.
async fn make(app: &TestApp) -> Made {
    app.agency("TX0000001").await;
    app.agency("TX0000002").await;
    let training = app.training("CIT-40").await;
    app.staff().put(&format!("/v1/trainings/{training}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
    let rms = app.client("rms", "all", Some(&[AGENCY]));
    let lms = app.client("lms", "completions:read completions:write", Some(&[AGENCY]));
    let created = with_key(&rms, "/v1/officers", "k-1", &officer(AGENCY)).await.expect(201);
    let path = format!("/v1/officers/{}", created["id"].as_str().unwrap());
    let spell = format!("{path}/appointments/{}", created["appointments"][0]["id"].as_str().unwrap());
    rms.patch(&spell, &json!({"badge_number": "BADGE-8824", "numbers_effective_on": "2025-01-01"})).await.expect(200);
    // Somebody else's vendor describes the same person.
    app.client("rms-2", "all", Some(&[OTHER])).post("/v1/officers", &officer(OTHER)).await.expect(201);
    let mut placed = Vec::new();
    for (id, reference) in [
        ("rec-1", json!({"email": "m.riveranova@example.org"})),
        ("rec-2", json!({"agency": AGENCY, "badge_number": "BADGE-8824", "family_name": "Riveranova"})),
        ("rec-3", json!({"agency": AGENCY, "family_name": "Riveranova", "given_name": "Mariquita", "appointed_on": "2019-05-01"})),
    ] {
        placed.push(with_key(&lms, "/v1/completions", id, &record(id, reference)).await.expect(201)["id"].as_str().unwrap().to_owned());
    }
    let mut revised = record("rec-1", json!({"email": "m.riveranova@example.org", "family_name": "Riveranova"}));
    revised["score"] = json!(0.5);
    lms.post("/v1/completions", &revised).await.expect(200);
    let conflict = record("rec-4", json!({"identifier": {"system": "post:US-TX", "value": "R-ident-1001"}, "family_name": "Somebody"}));
    let parked = lms.post("/v1/completions", &conflict).await.expect(202)["id"].as_str().unwrap().to_owned();
    Made { path, rms, lms, placed, parked }
}

on_both_databases! {
    async fn a_pseudonym_leaves_no_trace_of_who_it_is_and_every_count(app: TestApp) {
        let made = make(&app).await;
        assert!(traces(&app).await.len() > 20, "{:?}", traces(&app).await);
        let before = statuses(&app).await;
        assert!(before.iter().any(|status| status["requirements"]["training"]["crisis_intervention"]["count"] == 1));
        app.clock.advance(jiff::SignedDuration::from_secs(1));
        let done = with_key(&app.staff(), &format!("{}/pseudonymization", made.path), "k-9", &json!({"reason": "file 17"})).await.expect(200);
        assert_eq!((&done["given_name"], &done["email"], &done["identifiers"]), (&json!("Officer"), &json!(null), &json!([])));
        assert!(done["family_name"].as_str().unwrap().starts_with("Pseudonym "));
        assert_eq!(done["pseudonymized_at"], "2026-11-21T12:00:01Z");
        assert_eq!(traces(&app).await, [""; 0]);
        assert_eq!(statuses(&app).await, before);
        assert_eq!(made.rms.get(&made.path).await.expect(200)["family_name"], done["family_name"]);
        for id in &made.placed {
            let seen = made.lms.get(&format!("/v1/completions/{id}")).await.expect(200);
            assert_eq!((&seen["status"], &seen["officer"]), (&json!("placed"), &json!({"id": done["id"]})));
        }
        assert_eq!(made.lms.get(&format!("/v1/completions/{}", made.parked)).await.expect(200)["status"], "parked");
        // Answers that are kept are given again, without who it was.
        let again = with_key(&made.rms, "/v1/officers", "k-1", &officer(AGENCY)).await.expect(201);
        assert_eq!((&again["family_name"], &again["email"], &again["appointments"][0]["badge_number"]), (&done["family_name"], &json!(null), &json!(null)));
        let told = app.staff().get("/v1/audit-log?operation=pseudonymize_officer").await.expect(200)["items"][0].clone();
        assert_eq!((&told["outcome"], &told["resource"]["id"], &told["detail"]), (&json!("changed"), &done["id"], &json!({"reduced": 4})));
    }

    async fn what_is_pushed_again_does_not_bring_the_name_back(app: TestApp) {
        let made = make(&app).await;
        app.staff().post(&format!("{}/pseudonymization", made.path), &json!({"reason": "file 17"})).await.expect(200);
        let before = statuses(&app).await;
        let same = record("rec-2", json!({"agency": AGENCY, "badge_number": "BADGE-8824", "family_name": "Riveranova"}));
        let reply = made.lms.post("/v1/completions", &same).await;
        reply.expect(200);
        assert_eq!(reply.header("x-outcome"), "unchanged");
        let mut other = same.clone();
        other["hours"] = json!(40);
        let reply = made.lms.post("/v1/completions", &other).await;
        assert_eq!(reply.expect(200)["hours"], json!(40));
        assert_eq!(reply.header("x-outcome"), "updated");
        let batch = json!({"completions": [other, record("rec-4", json!({"identifier": {"system": "post:US-TX", "value": "R-ident-1001"}}))]});
        let pushed = made.lms.post("/v1/completions/batch", &batch).await.expect(207);
        assert_eq!(pushed["results"].as_array().unwrap().iter().map(|result| &result["outcome"]).collect::<Vec<_>>(), ["unchanged", "parked"]);
        assert_eq!(traces(&app).await, [""; 0]);
        assert_eq!(statuses(&app).await, before);
        // The course may still change.
        let mut unknown = other.clone();
        unknown["training"] = json!({"code": "NEW-1"});
        let parked = made.lms.post("/v1/completions", &unknown).await.expect(202);
        assert_eq!((&parked["reason"], parked["officer_id"].is_string()), (&json!("unknown_training"), true));
        app.training("NEW-1").await;
        assert_eq!(made.lms.get(&format!("/v1/completions/{}", made.placed[1])).await.expect(200)["status"], "placed");
        assert_eq!(traces(&app).await, [""; 0]);
    }

    async fn a_pseudonym_is_for_staff_and_for_good(app: TestApp) {
        let made = make(&app).await;
        let path = format!("{}/pseudonymization", made.path);
        let reason = json!({"reason": "file 17"});
        made.rms.post(&path, &reason).await.problem(403, "outside-grant");
        assert_eq!(app.staff().post(&path, &json!({})).await.problem(422, "invalid-content"), ["/reason required"]);
        let done = app.staff().post(&path, &reason).await.expect(200);
        assert_eq!(app.staff().post(&path, &reason).await.problem(409, "conflict"), [" already_pseudonymized"]);
        for patch in [json!({"family_name": "Riveranova"}), json!({"email": "m.riveranova@example.org"}), json!({"identifiers": [{"system": "a", "value": "b"}]})] {
            assert_eq!(made.rms.patch(&made.path, &patch).await.problem(409, "conflict"), [" officer_pseudonymized"]);
        }
        let spell = format!("{}/appointments/{}", made.path, done["appointments"][0]["id"].as_str().unwrap());
        assert_eq!(made.rms.patch(&spell, &json!({"badge_number": "BADGE-8824"})).await.problem(409, "conflict"), [" officer_pseudonymized"]);
        made.rms.patch(&spell, &json!({"ended_on": "2026-06-01"})).await.expect(200);
    }

    async fn who_is_erased_is_gone_from_every_table(app: TestApp) {
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let rms = app.client("rms", "all", Some(&[AGENCY]));
        let ended = |agency: &str| {
            let mut officer = officer(agency);
            officer["appointments"][0]["ended_on"] = json!("2026-06-01");
            officer
        };
        let created = with_key(&rms, "/v1/officers", "k-1", &ended(AGENCY)).await.expect(201);
        app.client("rms-2", "all", Some(&[OTHER])).post("/v1/officers", &ended(OTHER)).await.expect(201);
        let path = format!("/v1/officers/{}", created["id"].as_str().unwrap());
        assert_eq!(app.staff().delete(&path).await.status, 204);
        assert_eq!(traces(&app).await, [""; 0]);
    }
}
