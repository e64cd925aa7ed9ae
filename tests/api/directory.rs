//! What a process has read of agencies, trainings and mappings holds for pushes no longer than it is so, whichever process changes it.

use onemind::service::verify::compare_all;
use onemind::storage::{AnyConn, read_once};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::Client;

const WITHIN: &[&str] = &["ori:TX0000001", "ori:TX0000009"];

fn record(id: &str, agency: &str, badge: &str, code: &str) -> Value {
    json!({"external_id": id, "officer": {"agency": format!("ori:{agency}"), "badge_number": badge}, "training": {"code": code}, "completed_on": "2026-03-06"})
}

fn roster() -> Value {
    let officer = |badge: usize| {
        json!({"family_name": format!("Rivera {badge}"), "given_name": "Ana", "badge_number": badge.to_string(), "employee_number": null, "sworn": true,
            "started_on": "2019-05-01", "identifiers": []})
    };
    json!({"as_of": "2026-01-01", "officers": (0..40).map(officer).collect::<Vec<_>>()})
}

/// Pushes a record by itself, one in a batch and one with a key; each must come out so.
async fn push(lms: &Client, name: &str, agency: &str, badges: [&str; 3], code: &str, outcome: &str) {
    let records = [0, 1, 2].map(|at| record(&format!("{name}-{at}"), agency, badges[at], code));
    let single = lms.post("/v1/completions", &records[0]).await;
    assert_eq!(single.header("x-outcome"), outcome, "{name}: {}", single.text);
    let batch = lms.post("/v1/completions/batch", &json!({"completions": [records[1]]})).await.expect(207);
    assert_eq!(batch["results"][0]["outcome"], outcome, "{name}: {batch}");
    let keyed = lms.request(reqwest::Method::POST, "/v1/completions").header("idempotency-key", name).json(&records[2]);
    let keyed = lms.send(keyed).await;
    assert_eq!(keyed.header("x-outcome"), outcome, "{name}: {}", keyed.text);
}

on_both_databases! {
    async fn what_another_process_changes_is_so_for_the_next_push(app: TestApp) {
        let replica = app.replica();
        let elsewhere = Client::new(&replica.address, app.staff().token);
        let training = app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
        let other = app.recognized_training("CIT-24", "cit", "crisis_intervention").await;
        app.agency("TX0000001").await;
        app.staff().put("/v1/agencies/ori:TX0000001/roster", &roster()).await.expect(200);
        let lms = app.client("lms", "completions:write", Some(WITHIN));
        let own = Client::new(&replica.address, Some(app.token("lms", "trainings:read trainings:write", Some(WITHIN))));

        // A code that the client maps, maps to another training, and takes back.
        push(&lms, "unmapped", "TX0000001", ["0", "1", "2"], "4711", "parked").await;
        let mapping = json!({"code": "4711", "training": training, "effective_from": "2020-01-01", "effective_to": null});
        let mapping = own.post("/v1/course-mappings", &mapping).await.expect(201);
        push(&lms, "mapped", "TX0000001", ["3", "4", "5"], "4711", "created").await;
        let path = format!("/v1/course-mappings/{}", mapping["id"].as_str().unwrap());
        own.patch(&path, &json!({"effective_to": "2021-01-01"})).await.expect(200);
        push(&lms, "mapped-before", "TX0000001", ["6", "7", "8"], "4711", "parked").await;
        own.patch(&path, &json!({"effective_to": null})).await.expect(200);
        push(&lms, "mapped-again", "TX0000001", ["9", "10", "11"], "4711", "created").await;
        assert_eq!(own.delete(&path).await.status, 204);
        push(&lms, "taken-back", "TX0000001", ["12", "13", "14"], "4711", "parked").await;

        // A code that comes into the catalogue, and leaves it.
        push(&lms, "unknown", "TX0000001", ["15", "16", "17"], "NEW-8", "parked").await;
        let new = elsewhere.post("/v1/trainings", &json!({"code": "NEW-8", "title": "New", "program": "cit", "category": "crisis_intervention"})).await.expect(201);
        push(&lms, "known", "TX0000001", ["15", "16", "17"], "NEW-8", "created").await;

        // What counts.
        let counted = || async { app.training_of("TX0000001").await["trained"]["count"].as_i64().unwrap() };
        let before = counted().await;
        push(&lms, "recognized", "TX0000001", ["20", "21", "22"], "CIT-24", "created").await;
        assert_eq!(counted().await, before + 3);
        elsewhere.put(&format!("/v1/trainings/{other}/recognition"), &json!({"status": "declined", "note": "no"})).await.expect(200);
        assert_eq!(counted().await, before);
        push(&lms, "declined", "TX0000001", ["23", "24", "25"], "CIT-24", "created").await;
        assert_eq!(counted().await, before);
        let recognition = format!("/v1/trainings/{}/recognition", new["id"].as_str().unwrap());
        elsewhere.put(&recognition, &json!({"status": "recognized", "note": null})).await.expect(200);
        push(&lms, "recognized-since", "TX0000001", ["26", "27", "28"], "NEW-8", "created").await;
        assert_eq!(counted().await, before + 6);

        // An agency that is registered, and one that goes by another ORI.
        push(&lms, "nowhere", "TX0000009", ["0", "1", "2"], "CIT-40", "parked").await;
        let body = |name: &str, ori: &str| json!({"name": name, "kind": "municipal_police", "country": "US", "ori": ori});
        elsewhere.put("/v1/agencies/ori:TX0000009", &body("Nine", "TX0000009")).await.expect(201);
        elsewhere.put("/v1/agencies/ori:TX0000009/roster", &roster()).await.expect(200);
        push(&lms, "somewhere", "TX0000009", ["3", "4", "5"], "CIT-40", "created").await;
        elsewhere.patch("/v1/agencies/ori:TX0000009", &json!({"ori": "TX0000008"})).await.expect(200);
        push(&lms, "moved", "TX0000009", ["33", "34", "35"], "CIT-40", "parked").await;
        elsewhere.patch("/v1/agencies/ori:TX0000001", &json!({"other_oris": ["TX0000009"]})).await.expect(200);
        push(&lms, "taken-over", "TX0000009", ["30", "31", "32"], "CIT-40", "created").await;
        assert_eq!(app.training_of("TX0000001").await["trained"]["count"].as_i64().unwrap(), before + 9 + 3, "those of `moved` were placed, too");

        let mut conn: AnyConn = app.config.database.connect().unwrap();
        assert_eq!(read_once(&mut conn, compare_all).unwrap().differences, []);
    }
}
