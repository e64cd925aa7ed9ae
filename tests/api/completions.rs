//! `/v1/completions`

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, TestApp};

/// An agency with one officer, Maria Rivera with badge 88, and a recognized training CIT-40.
async fn scene(app: &TestApp) -> Scene {
    let staff = app.staff();
    let agency = app.agency("TX0000001").await;
    let officer = staff
        .post(
            "/v1/officers",
            &json!({"given_name": "María", "family_name": "Rivera", "appointments": [
                {"agency": "ori:TX0000001", "sworn": true, "employment": "full_time", "badge_number": "88", "started_on": "2019-05-01"}]}),
        )
        .await
        .expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let training = recognized(&staff, "CIT-40", "crisis_intervention").await;
    Scene { agency, officer, training, lms: app.client("lms", "completions:read completions:write", Some(&["ori:TX0000001"])) }
}

struct Scene {
    agency: String,
    officer: String,
    training: String,
    lms: Client,
}

async fn recognized(staff: &Client, code: &str, category: &str) -> String {
    let body = json!({"code": code, "title": code, "program": "equivalent", "category": category});
    let id = staff.post("/v1/trainings", &body).await.expect(201)["id"].as_str().unwrap().to_owned();
    staff.put(&format!("/v1/trainings/{id}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
    id
}

fn record(external_id: &str) -> Value {
    json!({"external_id": external_id, "officer": {"agency": "ori:TX0000001", "badge_number": "88", "family_name": "Rivera"},
        "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"})
}

fn with(mut record: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    record.pointer_mut(parent).unwrap()[name] = value;
    record
}

on_both_databases! {
    async fn a_push_is_created_then_unchanged_then_updated_with_its_former_revision_kept(app: TestApp) {
        let scene = scene(&app).await;
        let created = scene.lms.post("/v1/completions", &record("rec-1")).await;
        let completion = created.expect(201);
        assert_eq!(created.header("x-outcome"), "created");
        assert_eq!(created.header("location"), format!("/v1/completions/{}", completion["id"].as_str().unwrap()));
        assert_eq!(completion, json!({"id": completion["id"], "client": completion["client"], "external_id": "rec-1", "status": "placed", "reason": null,
            "officer_id": scene.officer, "training_id": scene.training, "placed_by_hand": false,
            "officer": {"agency": "ori:TX0000001", "badge_number": "88", "family_name": "Rivera"}, "training": {"code": "CIT-40"},
            "completed_on": "2026-03-06", "completed_at": null, "expires_on": null, "hours": null, "score": null, "passed": true,
            "certificate_number": null, "evidence_url": null, "sender_revision": null, "sender_updated_at": null, "revision": 1,
            "revoked_at": null, "revocation_reason": null, "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"}));
        let again = scene.lms.post("/v1/completions", &record("rec-1")).await;
        assert_eq!(again.header("x-outcome"), "unchanged");
        assert_eq!(again.expect(200), completion);
        let updated = scene.lms.post("/v1/completions", &with(record("rec-1"), "/hours", json!(40))).await;
        assert_eq!(updated.header("x-outcome"), "updated");
        assert_eq!((&updated.expect(200)["revision"], &updated.json()["hours"], &updated.json()["id"]), (&json!(2), &json!(40), &completion["id"]));
        assert_eq!(scene.lms.all("/v1/completions").await.len(), 1);
    }

    async fn an_older_revision_that_arrives_late_changes_nothing(app: TestApp) {
        let scene = scene(&app).await;
        let revision = |number: u64, hours: u32| with(with(record("rec-1"), "/revision", json!(number)), "/hours", json!(hours));
        scene.lms.post("/v1/completions", &revision(2, 40)).await.expect(201);
        let late = scene.lms.post("/v1/completions", &revision(1, 8)).await;
        assert_eq!((late.header("x-outcome"), &late.expect(200)["hours"]), ("unchanged", &json!(40)));
        assert_eq!(scene.lms.post("/v1/completions", &revision(3, 41)).await.expect(200)["hours"], json!(41));
    }

    async fn a_timestamp_gives_the_date_in_the_offset_that_was_written(app: TestApp) {
        let scene = scene(&app).await;
        let pushed = scene.lms.post("/v1/completions", &with(record("rec-1"), "/completed_on", json!("2026-03-06T23:30:00-06:00"))).await.expect(201);
        assert_eq!((&pushed["completed_on"], &pushed["completed_at"]), (&json!("2026-03-06"), &json!("2026-03-07T05:30:00Z")));
    }

    async fn what_cannot_be_placed_is_parked_and_says_why(app: TestApp) {
        let scene = scene(&app).await;
        for (external_id, pointer, value, reason) in [
            ("a", "/officer/badge_number", json!("99"), "no_match"),
            ("b", "/officer/family_name", json!("Smith"), "conflict"),
            ("c", "/training/code", json!("XYZ"), "unknown_training"),
            ("d", "/officer/agency", json!("ori:TX0000009"), "no_match"),
        ] {
            let parked = scene.lms.post("/v1/completions", &with(record(external_id), pointer, value)).await;
            let body = parked.expect(202);
            assert_eq!((&body["status"], &body["reason"], parked.header("x-outcome")), (&json!("parked"), &json!(reason), "parked"), "{external_id}");
        }
        assert_eq!(scene.lms.all("/v1/completions?status=parked").await.len(), 4);
        assert_eq!(scene.lms.all("/v1/completions?reason=no_match").await.len(), 2);
    }

    async fn a_parked_completion_is_placed_when_the_officer_or_the_training_arrives(app: TestApp) {
        let staff = app.staff();
        let lms = app.client("lms", "completions:read completions:write", Some(&["ori:TX0000001"]));
        let parked = lms.post("/v1/completions", &record("rec-1")).await.expect(202);
        assert_eq!(parked["reason"], "no_match");
        let path = format!("/v1/completions/{}", parked["id"].as_str().unwrap());
        let scene = scene(&app).await;
        let placed = lms.get(&path).await.expect(200);
        assert_eq!((&placed["status"], &placed["officer_id"], &placed["training_id"]), (&json!("placed"), &json!(scene.officer), &json!(scene.training)));

        let unknown = lms.post("/v1/completions", &with(record("rec-2"), "/training/code", json!("vendor-1"))).await.expect(202);
        assert_eq!(unknown["reason"], "unknown_training");
        let mapping = json!({"code": "vendor-1", "training": scene.training, "effective_from": "2020-01-01", "effective_to": null});
        app.client("lms", "trainings:write", Some(&["ori:TX0000001"])).post("/v1/course-mappings", &mapping).await.expect(201);
        let placed = lms.get(&format!("/v1/completions/{}", unknown["id"].as_str().unwrap())).await.expect(200);
        assert_eq!((&placed["status"], &placed["training_id"]), (&json!("placed"), &json!(scene.training)));
        assert_eq!(staff.all("/v1/completions?status=parked").await, [Value::Null; 0]);
    }

    async fn matching_sees_only_officers_within_the_grants(app: TestApp) {
        let scene = scene(&app).await;
        app.agency("TX0000002").await;
        let other = app.client("other", "completions:read completions:write", Some(&["ori:TX0000002"]));
        let parked = other.post("/v1/completions", &record("rec-1")).await.expect(202);
        assert_eq!(parked["reason"], "no_match");
        let by_id = json!({"external_id": "rec-2", "officer": {"id": scene.officer}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
        assert_eq!(other.post("/v1/completions", &by_id).await.expect(202)["reason"], "no_match");
        // The officer's coming to the agency places the one, whose keys hold for him there or anywhere; the other names an agency out of reach.
        let appointment = json!({"agency": "ori:TX0000002", "sworn": true, "employment": "part_time", "started_on": "2026-01-01"});
        app.staff().post(&format!("/v1/officers/{}/appointments", scene.officer), &appointment).await.expect(201);
        assert_eq!(other.all("/v1/completions?status=placed").await.len(), 1);
        assert_eq!(other.all("/v1/completions?status=parked").await[0]["external_id"], "rec-1");
    }

    async fn a_client_reads_its_own_and_those_of_officers_it_sees_and_changes_its_own(app: TestApp) {
        let scene = scene(&app).await;
        let pushed = scene.lms.post("/v1/completions", &record("rec-1")).await.expect(201);
        let path = format!("/v1/completions/{}", pushed["id"].as_str().unwrap());
        let colleague = app.client("rms", "completions:read completions:write", Some(&["ori:TX0000001"]));
        let mut seen = pushed.clone();
        seen["officer"] = json!({"id": scene.officer});
        assert_eq!(colleague.get(&path).await.expect(200), seen);
        colleague.post(&format!("{path}/revocation"), &json!({"reason": "no"})).await.problem(403, "outside-grant");
        app.agency("TX0000002").await;
        let stranger = app.client("other", "completions:read completions:write", Some(&["ori:TX0000002"]));
        stranger.get(&path).await.problem(404, "not-found");
        stranger.post(&format!("{path}/revocation"), &json!({"reason": "no"})).await.problem(404, "not-found");
        assert_eq!(stranger.all("/v1/completions").await, [Value::Null; 0]);
        // The same external_id of another client is another record.
        assert_eq!(stranger.post("/v1/completions", &record("rec-1")).await.status, 202);
    }

    async fn former_revisions_are_read_in_pages_and_by_others_without_the_senders_words(app: TestApp) {
        let scene = scene(&app).await;
        let held = scene.lms.post("/v1/completions", &record("rec-1")).await.expect(201);
        let path = format!("/v1/completions/{}/revisions", held["id"].as_str().unwrap());
        assert_eq!(scene.lms.all(&path).await.len(), 0);
        for hours in [8, 16, 24] {
            scene.lms.post("/v1/completions", &with(record("rec-1"), "/hours", json!(hours))).await.expect(200);
        }
        let revisions = scene.lms.all(&format!("{path}?limit=1")).await;
        let told: Vec<_> = revisions.iter().map(|former| (former["revision"].clone(), former["hours"].clone())).collect();
        assert_eq!(told, [(json!(1), json!(null)), (json!(2), json!(8)), (json!(3), json!(16))]);
        assert_eq!(revisions[0]["officer"]["badge_number"], "88");
        let agency = app.client("agency", "completions:read", Some(&["ori:TX0000001"]));
        let seen = agency.all(&path).await;
        assert_eq!((seen.len(), &seen[0]["training"], seen[0]["officer"].as_object().unwrap().values().all(Value::is_null)),
            (3, &json!({"code": "CIT-40"}), true));
        app.agency("TX0000007").await;
        app.client("elsewhere", "completions:read", Some(&["ori:TX0000007"])).get(&path).await.problem(404, "not-found");
    }

    async fn a_revoked_completion_is_reinstated_and_counts_again(app: TestApp) {
        let scene = scene(&app).await;
        let held = scene.lms.post("/v1/completions", &record("rec-1")).await.expect(201);
        let path = format!("/v1/completions/{}", held["id"].as_str().unwrap());
        let trained = async || app.training_of("TX0000001").await["crisis_intervention"]["count"].clone();
        assert_eq!(trained().await, 1);
        assert_eq!(scene.lms.post(&format!("{path}/reinstatement"), &json!({})).await.problem(409, "conflict"), [" not_revoked"]);
        scene.lms.post(&format!("{path}/revocation"), &json!({"reason": "wrong person"})).await.expect(200);
        assert_eq!(trained().await, 0);
        scene.lms.post("/v1/completions", &with(record("rec-1"), "/hours", json!(8))).await.expect(200);
        assert_eq!(trained().await, 0, "pushed again, it stays revoked");
        app.client("other", "completions:write", Some(&["ori:TX0000001"])).post(&format!("{path}/reinstatement"), &json!({})).await.problem(403, "outside-grant");
        let back = scene.lms.post(&format!("{path}/reinstatement"), &json!({})).await.expect(200);
        assert_eq!((&back["status"], &back["revoked_at"], &back["revocation_reason"], &back["hours"]), (&json!("placed"), &json!(null), &json!(null), &json!(8)));
        assert_eq!(trained().await, 1);
    }

    async fn a_revoked_completion_stays_and_counts_for_nothing(app: TestApp) {
        let scene = scene(&app).await;
        let pushed = scene.lms.post("/v1/completions", &record("rec-1")).await.expect(201);
        let path = format!("/v1/completions/{}", pushed["id"].as_str().unwrap());
        let revoked = scene.lms.post(&format!("{path}/revocation"), &json!({"reason": "entered for the wrong person"})).await.expect(200);
        assert_eq!((&revoked["status"], &revoked["revocation_reason"]), (&json!("revoked"), &json!("entered for the wrong person")));
        assert_eq!(scene.lms.post(&format!("{path}/revocation"), &json!({"reason": "again"})).await.problem(409, "conflict"), [" already_revoked"]);
        assert_eq!(scene.lms.get(&path).await.expect(200), revoked);
        let status = app.staff().get(&format!("/v1/agencies/{}/certification-status", scene.agency)).await.expect(200);
        assert_eq!(status["requirements"]["training"]["crisis_intervention"]["count"], 0);
    }

    async fn staff_place_by_hand_and_a_correction_of_the_sender_does_not_undo_it(app: TestApp) {
        let scene = scene(&app).await;
        let parked = scene.lms.post("/v1/completions", &with(record("rec-1"), "/officer/badge_number", json!("99"))).await.expect(202);
        let path = format!("/v1/completions/{}", parked["id"].as_str().unwrap());
        let nobody = json!({"officer": {"id": "0199c1f0-0000-7000-8000-000000000000"}});
        assert_eq!(app.staff().post(&format!("{path}/placement"), &nobody).await.problem(422, "invalid-content"), ["/officer/id unknown_officer"]);
        assert_eq!(app.staff().post(&format!("{path}/placement"), &json!({})).await.problem(422, "invalid-content"), [" required"]);
        let placed = app.staff().post(&format!("{path}/placement"), &json!({"officer": {"id": scene.officer}})).await.expect(200);
        assert_eq!((&placed["status"], &placed["placed_by_hand"], &placed["training_id"]), (&json!("placed"), &json!(true), &json!(scene.training)));
        let corrected = with(with(record("rec-1"), "/officer/badge_number", json!("99")), "/hours", json!(40));
        assert_eq!(scene.lms.post("/v1/completions", &corrected).await.expect(200)["officer_id"], json!(scene.officer));
        let another = with(record("rec-1"), "/officer/badge_number", json!("98"));
        assert_eq!(scene.lms.post("/v1/completions", &another).await.expect(202)["officer_id"], Value::Null);
    }

    async fn a_batch_answers_record_by_record(app: TestApp) {
        let scene = scene(&app).await;
        let mut records: Vec<Value> = (0..100).map(|number| record(&format!("rec-{number}"))).collect();
        records[50] = json!({"external_id": "rec-50", "officer": {"badge_number": "88"}, "training": {}, "completed_on": "2026-02-30", "nonsense": 1});
        records[51] = with(record("rec-51"), "/officer/badge_number", json!("99"));
        let answer = scene.lms.post("/v1/completions/batch", &json!({"completions": records})).await.expect(207);
        assert_eq!(answer["summary"], json!({"received": 100, "created": 98, "updated": 0, "unchanged": 0, "parked": 1, "rejected": 1, "causes": [
            {"code": "agency_required", "pointer": "/officer/agency", "count": 1, "first_index": 50},
            {"code": "exactly_one", "pointer": "/training", "count": 1, "first_index": 50},
            {"code": "invalid_date", "pointer": "/completed_on", "count": 1, "first_index": 50},
            {"code": "unknown_field", "pointer": "/nonsense", "count": 1, "first_index": 50},
            {"code": "no_match", "count": 1, "first_index": 51}]}));
        let results = answer["results"].as_array().unwrap();
        assert_eq!(results.len(), 100);
        assert_eq!(results[0], json!({"index": 0, "external_id": "rec-0", "outcome": "created", "id": results[0]["id"]}));
        assert_eq!(results[50]["problem"]["type"], "/problems/invalid-content");
        assert_eq!(results[51], json!({"index": 51, "external_id": "rec-51", "outcome": "parked", "id": results[51]["id"], "reason": "no_match"}));
        assert_eq!(scene.lms.all("/v1/completions?limit=500").await.len(), 99);

        let again = scene.lms.request(reqwest::Method::POST, "/v1/completions/batch").header("prefer", "return=minimal");
        let again = scene.lms.send(again.json(&json!({"completions": records}))).await.expect(207);
        assert_eq!((&again["summary"]["unchanged"], &again["summary"]["rejected"]), (&json!(99), &json!(1)));
        assert_eq!(again["results"].as_array().unwrap().len(), 1);
    }

    async fn a_record_that_comes_twice_in_a_batch_is_one(app: TestApp) {
        let scene = scene(&app).await;
        let records = [record("rec-1"), record("rec-1"), with(record("rec-1"), "/hours", json!(8)), record("rec-2")];
        let answer = scene.lms.post("/v1/completions/batch", &json!({"completions": records})).await.expect(207);
        let outcomes: Vec<&str> = answer["results"].as_array().unwrap().iter().map(|result| result["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["created", "unchanged", "updated", "created"]);
        assert_eq!(scene.lms.all("/v1/completions").await.len(), 2);
    }

    async fn two_pushes_of_one_record_at_once_make_one(app: TestApp) {
        let scene = scene(&app).await;
        let record = record("rec-1");
        let pushes = (0..8).map(|_| scene.lms.post("/v1/completions", &record));
        let mut statuses: Vec<u16> = futures_util::future::join_all(pushes).await.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201]);
        assert_eq!(scene.lms.all("/v1/completions").await.len(), 1);
    }

    async fn a_joined_client_sees_the_completions_of_others_only_when_staff_have_confirmed(app: TestApp) {
        let scene = scene(&app).await;
        let known = json!({"identifiers": [{"system": "post:US-TX", "value": "1001"}]});
        app.staff().patch(&format!("/v1/officers/{}", scene.officer), &known).await.expect(200);
        scene.lms.post("/v1/completions", &record("rec-1")).await.expect(201);
        app.agency("TX0000002").await;
        let rms = app.client("rms", "officers:read officers:write completions:read", Some(&["ori:TX0000002"]));
        let same = json!({"given_name": "Maria", "family_name": "Rivera", "identifiers": [{"system": "post:US-TX", "value": "1001"}],
            "appointments": [{"agency": "ori:TX0000002", "sworn": true, "employment": "full_time", "started_on": "2026-05-01"}]});
        rms.post("/v1/officers", &same).await.expect(201);
        assert_eq!(rms.all("/v1/completions").await, [Value::Null; 0]);
        let join = app.staff().all("/v1/officer-joins").await[0]["id"].as_str().unwrap().to_owned();
        app.staff().send(app.staff().request(reqwest::Method::POST, &format!("/v1/officer-joins/{join}/confirmation"))).await.expect(200);
        assert_eq!(rms.all("/v1/completions").await.len(), 1);
    }

    async fn a_repeat_under_an_idempotency_key_gets_the_whole_first_answer(app: TestApp) {
        let scene = scene(&app).await;
        let push = || scene.lms.request(reqwest::Method::POST, "/v1/completions").header("idempotency-key", "k").json(&record("rec-1"));
        let (first, second) = (scene.lms.send(push()).await, scene.lms.send(push()).await);
        assert_eq!(first.expect(201), second.expect(201));
        for header in ["x-outcome", "location", "etag"] {
            assert_eq!(first.header(header), second.header(header));
        }
    }
}
