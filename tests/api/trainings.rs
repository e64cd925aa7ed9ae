//! `/v1/trainings`

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, Reply, TestApp};

fn cit() -> Value {
    json!({"code": "CIT-40", "title": "Crisis Intervention Team", "provider": "CIT International", "program": "cit",
        "category": "crisis_intervention", "hours": 40, "validity_months": 36})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

fn path(training: &Value) -> String {
    format!("/v1/trainings/{}", training["id"].as_str().unwrap())
}

async fn recognized(app: &TestApp) -> Value {
    let training = app.staff().post("/v1/trainings", &cit()).await.expect(201);
    app.staff().put(&format!("{}/recognition", path(&training)), &json!({"status": "recognized"})).await.expect(200);
    training
}

async fn with_if_match(client: &Client, method: reqwest::Method, path: &str, tag: &str, body: &Value) -> Reply {
    client.send(client.request(method, path).header("if-match", tag).json(body)).await
}

on_both_databases! {
    async fn a_training_is_proposed_read_listed_and_taken_out(app: TestApp) {
        let staff = app.staff();
        let created = staff.post("/v1/trainings", &cit()).await;
        let training = created.expect(201);
        assert_eq!(training, json!({"id": training["id"], "code": "CIT-40", "title": "Crisis Intervention Team", "provider": "CIT International",
            "program": "cit", "category": "crisis_intervention", "hours": 40, "validity_months": 36, "recognition": "proposed",
            "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"}));
        assert_eq!(created.header("location"), path(&training));

        let read = staff.get(&path(&training)).await;
        assert_eq!(read.expect(200), training);
        assert_eq!(read.header("etag"), created.header("etag"));
        let has = staff.request(reqwest::Method::GET, &path(&training)).header("if-none-match", read.header("etag"));
        assert_eq!(staff.send(has).await.status, 304);
        assert_eq!(staff.all("/v1/trainings").await, std::slice::from_ref(&training));

        assert_eq!(staff.delete(&path(&training)).await.status, 204);
        staff.get(&path(&training)).await.problem(404, "not-found");
        staff.delete(&path(&training)).await.problem(404, "not-found");
        assert_eq!(staff.all("/v1/trainings").await, [Value::Null; 0]);
    }

    async fn what_a_proposal_leaves_out_is_null(app: TestApp) {
        let body = json!({"code": "MHFA", "title": "Mental Health First Aid", "program": "mhfa", "category": "mental_health_awareness"});
        let training = app.staff().post("/v1/trainings", &body).await.expect(201);
        for field in ["provider", "hours", "validity_months"] {
            assert_eq!(training.get(field), Some(&Value::Null), "{field}");
        }
        let half = with(with(body, "hours", json!(7.5)), "code", json!("MHFA-7"));
        assert_eq!(app.staff().post("/v1/trainings", &half).await.expect(201)["hours"], json!(7.5));
    }

    async fn a_code_belongs_to_one_training_to_the_letter(app: TestApp) {
        let staff = app.staff();
        staff.post("/v1/trainings", &cit()).await.expect(201);
        assert_eq!(staff.post("/v1/trainings", &cit()).await.problem(409, "conflict"), [" code_taken"]);
        let other = staff.post("/v1/trainings", &with(cit(), "code", json!("cit-40"))).await.expect(201);
        assert_eq!(staff.patch(&path(&other), &json!({"code": "CIT-40"})).await.problem(409, "conflict"), [" code_taken"]);
        assert_eq!(staff.put(&path(&other), &cit()).await.problem(409, "conflict"), [" code_taken"]);
        assert_eq!(staff.get(&path(&other)).await.expect(200), other);
    }

    async fn a_list_holds_what_its_filters_ask_for(app: TestApp) {
        let staff = app.staff();
        let first = recognized(&app).await;
        let mhfa = json!({"code": "MHFA", "title": "Mental Health First Aid", "program": "mhfa", "category": "mental_health_awareness"});
        let second = staff.post("/v1/trainings", &mhfa).await.expect(201);
        for (query, expected) in [
            ("program=cit", vec![&first]),
            ("category=mental_health_awareness", vec![&second]),
            ("recognition=recognized", vec![&first]),
            ("recognition=declined", vec![]),
            ("code=MHFA", vec![&second]),
            ("code=mhfa", vec![]),
            ("program=cit&category=mental_health_awareness", vec![]),
            ("limit=1", vec![&first, &second]),
        ] {
            let ids: Vec<Value> = staff.all(&format!("/v1/trainings?{query}")).await.iter().map(|item| item["id"].clone()).collect();
            assert_eq!(ids, expected.iter().map(|training| training["id"].clone()).collect::<Vec<_>>(), "{query}");
        }
        let faults = staff.get("/v1/trainings?program=yoga&recognition=yes&colour=red").await.problem(400, "invalid-parameter");
        assert_eq!(faults, ["/program invalid_program", "/recognition invalid_recognition", "/colour unknown_field"]);
    }

    async fn a_training_is_changed_while_if_match_holds(app: TestApp) {
        let staff = app.staff();
        let created = staff.post("/v1/trainings", &cit()).await;
        let (training, tag) = (created.expect(201), created.header("etag").to_owned());
        app.clock.advance(jiff::SignedDuration::from_hours(1));
        assert_eq!(staff.put(&path(&training), &cit()).await.expect(200), training, "the same again changes nothing");
        let patched = staff.patch(&path(&training), &json!({"title": "CIT", "provider": null})).await.expect(200);
        let mut expected = training.clone();
        (expected["title"], expected["provider"], expected["updated_at"]) = (json!("CIT"), json!(null), json!("2026-11-21T13:00:00Z"));
        assert_eq!(patched, expected);
        assert_eq!(staff.get(&path(&training)).await.expect(200), expected);

        with_if_match(&staff, reqwest::Method::PUT, &path(&training), &tag, &cit()).await.problem(412, "precondition-failed");
        with_if_match(&staff, reqwest::Method::DELETE, &path(&training), &tag, &json!(null)).await.problem(412, "precondition-failed");
        let current = staff.get(&path(&training)).await.header("etag").to_owned();
        let replaced = with_if_match(&staff, reqwest::Method::PUT, &path(&training), &current, &cit()).await.expect(200);
        assert_eq!(replaced["title"], training["title"]);
        assert_eq!(staff.patch(&path(&training), &json!({"title": null, "titel": "x"})).await.problem(422, "invalid-content"),
            ["/titel unknown_field", "/title required"]);
    }

    async fn bad_input_is_refused_with_every_fault(app: TestApp) {
        let staff = app.staff();
        for (field, value, fault) in [
            ("code", json!(""), "/code empty"),
            ("code", json!("x".repeat(201)), "/code too_long"),
            ("code", json!("a\u{0}b"), "/code invalid_text"),
            ("title", json!(7), "/title wrong_type"),
            ("program", json!("yoga"), "/program invalid_program"),
            ("category", json!("cit"), "/category invalid_category"),
            ("hours", json!(0), "/hours invalid_hours"),
            ("hours", json!(-1.5), "/hours invalid_hours"),
            ("hours", json!(10_000.5), "/hours invalid_hours"),
            ("hours", json!("40"), "/hours wrong_type"),
            ("validity_months", json!(0), "/validity_months invalid_validity"),
            ("validity_months", json!(1201), "/validity_months invalid_validity"),
            ("validity_months", json!(-1), "/validity_months invalid_validity"),
            ("validity_months", json!(70_000), "/validity_months invalid_validity"),
            ("validity_months", json!(1.5), "/validity_months wrong_type"),
            ("recognition", json!("recognized"), "/recognition unknown_field"),
        ] {
            assert_eq!(staff.post("/v1/trainings", &with(cit(), field, value.clone())).await.problem(422, "invalid-content"), [fault], "{field} {value}");
        }
        let all = staff.post("/v1/trainings", &json!({"code": "", "hours": 0})).await.problem(422, "invalid-content");
        assert_eq!(all, ["/code empty", "/hours invalid_hours", "/title required", "/program required", "/category required"]);
        assert_eq!(staff.all("/v1/trainings").await.len(), 0);
        staff.get("/v1/trainings/CIT-40").await.problem(404, "not-found");
    }

    async fn recognition_is_decided_and_read(app: TestApp) {
        let staff = app.staff();
        let training = staff.post("/v1/trainings", &cit()).await.expect(201);
        let recognition = format!("{}/recognition", path(&training));
        let before = staff.get(&recognition).await;
        assert_eq!(before.expect(200), json!({"status": "proposed", "note": null, "changed_at": null}));

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let decision = json!({"status": "recognized", "note": "40 hours, Memphis model"});
        let decided = staff.put(&recognition, &decision).await;
        let expected = json!({"status": "recognized", "note": "40 hours, Memphis model", "changed_at": "2026-11-21T13:00:00Z"});
        assert_eq!(decided.expect(200), expected);
        let shown = staff.get(&path(&training)).await.expect(200);
        assert_eq!((&shown["recognition"], &shown["updated_at"]), (&json!("recognized"), &json!("2026-11-21T13:00:00Z")));

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        assert_eq!(staff.put(&recognition, &decision).await.expect(200), expected, "the same again changes nothing");
        let read = staff.get(&recognition).await;
        assert_eq!((read.expect(200), read.header("etag")), (expected, decided.header("etag")));
        with_if_match(&staff, reqwest::Method::PUT, &recognition, before.header("etag"), &json!({"status": "declined"})).await
            .problem(412, "precondition-failed");
        let declined = with_if_match(&staff, reqwest::Method::PUT, &recognition, read.header("etag"), &json!({"status": "declined"})).await;
        assert_eq!(declined.expect(200), json!({"status": "declined", "note": null, "changed_at": "2026-11-21T14:00:00Z"}));

        assert_eq!(staff.put(&recognition, &json!({"status": "maybe", "by": "me"})).await.problem(422, "invalid-content"),
            ["/status invalid_recognition", "/by unknown_field"]);
        let nothing = "/v1/trainings/0199c1f0-0000-7000-8000-000000000000/recognition";
        staff.get(nothing).await.problem(404, "not-found");
        staff.put(nothing, &decision).await.problem(404, "not-found");
    }

    async fn the_catalogue_is_common_to_all_clients_and_recognition_is_not(app: TestApp) {
        app.agency("TX0000001").await;
        let training = app.staff().post("/v1/trainings", &cit()).await.expect(201);
        let recognition = format!("{}/recognition", path(&training));
        let lms = app.client("lms", "trainings:read trainings:write", Some(&["ori:TX0000001"]));
        assert_eq!(lms.get(&path(&training)).await.expect(200), training);
        assert_eq!(lms.get(&recognition).await.status, 200);
        assert_eq!(lms.patch(&path(&training), &json!({"hours": 44})).await.expect(200)["hours"], json!(44));

        let decision = json!({"status": "recognized"});
        let refused = lms.put(&recognition, &decision).await;
        refused.problem(403, "missing-scope");
        assert_eq!(refused.json()["detail"], "the operation needs the scope `trainings:recognize`");
        let of_one = app.client("local", "trainings:recognize", Some(&["ori:TX0000001"]));
        of_one.put(&recognition, &decision).await.problem(403, "outside-grant");
        assert_eq!(app.staff().get(&recognition).await.expect(200)["status"], "proposed");
        app.client("iacp", "trainings:recognize", None).put(&recognition, &decision).await.expect(200);

        let reader = app.client("lms", "trainings:read", None);
        reader.post("/v1/trainings", &cit()).await.problem(403, "missing-scope");
        reader.delete(&path(&training)).await.problem(403, "missing-scope");
        app.client("lms", "trainings:write", None).get(&path(&training)).await.problem(403, "missing-scope");
        app.stranger().get(&path(&training)).await.problem(401, "unauthorized");
    }

    async fn what_was_recognized_becomes_something_else_only_by_who_may_recognize(app: TestApp) {
        app.agency("TX0000001").await;
        let training = recognized(&app).await;
        let writer = app.client("lms", "trainings:read trainings:write", None);
        for (field, value) in [("category", json!("mental_health_awareness")), ("program", json!("crit")), ("hours", json!(8)), ("validity_months", json!(null))] {
            let refused = writer.patch(&path(&training), &json!({field: value})).await;
            refused.problem(403, "missing-scope");
            assert_eq!(refused.json()["detail"], "the operation needs the scope `trainings:recognize`", "{field}");
            assert!(refused.header("www-authenticate").contains("scope=\"trainings:recognize\""));
            writer.put(&path(&training), &with(cit(), field, value)).await.problem(403, "missing-scope");
        }
        assert_eq!(writer.put(&path(&training), &with(cit(), "title", json!("CIT, basic"))).await.expect(200)["title"], "CIT, basic");

        let of_one = app.client("local", "trainings:write trainings:recognize", Some(&["ori:TX0000001"]));
        of_one.patch(&path(&training), &json!({"hours": 8})).await.problem(403, "outside-grant");
        let staff = app.client("iacp", "trainings:write trainings:recognize", None);
        assert_eq!(staff.patch(&path(&training), &json!({"hours": 36})).await.expect(200)["hours"], json!(36));

        app.staff().put(&format!("{}/recognition", path(&training)), &json!({"status": "declined"})).await.expect(200);
        assert_eq!(writer.patch(&path(&training), &json!({"hours": 8})).await.expect(200)["hours"], json!(8));
    }

    async fn a_training_that_something_refers_to_stays(app: TestApp) {
        let staff = app.staff();
        let training = app.training("CIT-40").await;
        let body = json!({"code": "vendor-4711", "training": training, "effective_from": "2020-01-01"});
        let mapping = staff.post("/v1/course-mappings", &body).await.expect(201)["id"].as_str().unwrap().to_owned();
        assert_eq!(staff.delete(&format!("/v1/trainings/{training}")).await.problem(409, "conflict"), [" training_in_use"]);
        staff.get(&format!("/v1/trainings/{training}")).await.expect(200);
        assert_eq!(staff.delete(&format!("/v1/course-mappings/{mapping}")).await.status, 204);
        assert_eq!(staff.delete(&format!("/v1/trainings/{training}")).await.status, 204);
    }

    async fn a_completion_that_waits_for_its_training_gets_it_when_the_training_comes(app: TestApp) {
        let staff = app.staff();
        let push = |id: &str, code: &str| json!({"external_id": id, "officer": {"email": "nobody@example.org"}, "training": {"code": code}, "completed_on": "2026-03-06"});
        let mut waiting = Vec::new();
        for (id, code) in [("rec-1", "CIT-40"), ("rec-2", "CIT-8")] {
            let outcome = staff.post("/v1/completions", &push(id, code)).await.json();
            waiting.push(format!("/v1/completions/{}", outcome["id"].as_str().unwrap()));
        }
        assert_eq!(staff.get(&waiting[0]).await.expect(200)["training_id"], json!(null));
        let training = app.training("CIT-40").await;
        assert_eq!(staff.get(&waiting[0]).await.expect(200)["training_id"], json!(training));
        assert_eq!(staff.get(&waiting[1]).await.expect(200)["training_id"], json!(null));
        assert_eq!(staff.delete(&format!("/v1/trainings/{training}")).await.problem(409, "conflict"), [" training_in_use"]);

        staff.patch(&format!("/v1/trainings/{training}"), &json!({"code": "CIT-8"})).await.expect(200);
        assert_eq!(staff.get(&waiting[1]).await.expect(200)["training_id"], json!(training));
    }
}
