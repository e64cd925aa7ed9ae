//! `/v1/course-mappings`

use futures_util::future::join_all;
use jiff::civil::date;
use onemind::domain::text::Code;
use onemind::domain::training::TrainingReference;
use onemind::storage::{StorageError, trainings};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;

const NO_TRAINING: &str = "0199c1f0-0000-7000-8000-000000000000";

fn mapping(code: &str, training: &str, from: &str, to: Option<&str>) -> Value {
    json!({"code": code, "training": training, "effective_from": from, "effective_to": to})
}

fn path(mapping: &Value) -> String {
    format!("/v1/course-mappings/{}", mapping["id"].as_str().unwrap())
}

on_both_databases! {
    async fn a_code_is_mapped_read_changed_and_taken_away(app: TestApp) {
        let staff = app.staff();
        let (cit, mhfa) = (app.training("CIT-40").await, app.training("MHFA").await);
        let created = staff.post("/v1/course-mappings", &mapping("vendor-4711", &cit, "2020-01-01", None)).await;
        let held = created.expect(201);
        assert_eq!(held, json!({"id": held["id"], "client": held["client"], "code": "vendor-4711", "training": cit, "effective_from": "2020-01-01", "effective_to": null,
            "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"}));
        assert_eq!(created.header("location"), path(&held));
        let read = staff.get(&path(&held)).await;
        assert_eq!((read.expect(200), read.header("etag")), (held.clone(), created.header("etag")));

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let same = staff.put(&path(&held), &mapping("vendor-4711", &cit, "2020-01-01", None)).await;
        assert_eq!(same.expect(200), held, "the same again changes nothing");
        let patched = staff.patch(&path(&held), &json!({"effective_to": "2024-01-01"})).await.expect(200);
        let mut expected = held.clone();
        (expected["effective_to"], expected["updated_at"]) = (json!("2024-01-01"), json!("2026-11-21T13:00:00Z"));
        assert_eq!(patched, expected);
        let replaced = staff.put(&path(&held), &mapping("https://lms.example/xapi/4711", &mhfa, "2021-01-01", None)).await.expect(200);
        assert_eq!((&replaced["code"], &replaced["training"], &replaced["effective_to"]), (&json!("https://lms.example/xapi/4711"), &json!(mhfa), &json!(null)));
        assert_eq!(staff.all("/v1/course-mappings").await, [replaced]);

        let stale = |method| staff.request(method, &path(&held)).header("if-match", created.header("etag"));
        staff.send(stale(reqwest::Method::PUT).json(&mapping("x", &cit, "2020-01-01", None))).await.problem(412, "precondition-failed");
        let patch = stale(reqwest::Method::PATCH).header("content-type", "application/merge-patch+json").body("{}");
        staff.send(patch).await.problem(412, "precondition-failed");
        staff.send(stale(reqwest::Method::DELETE)).await.problem(412, "precondition-failed");
        assert_eq!(staff.delete(&path(&held)).await.status, 204);
        staff.get(&path(&held)).await.problem(404, "not-found");
    }

    async fn a_client_sees_its_own_mappings_alone(app: TestApp) {
        let training = app.training("CIT-40").await;
        let mine = app.client("lms-a", "trainings:read trainings:write", None);
        let theirs = app.client("lms-b", "trainings:read trainings:write", None);
        let body = mapping("4711", &training, "2020-01-01", None);
        let held = mine.post("/v1/course-mappings", &body).await.expect(201);
        theirs.get(&path(&held)).await.problem(404, "not-found");
        theirs.put(&path(&held), &body).await.problem(404, "not-found");
        theirs.patch(&path(&held), &json!({"effective_to": "2021-01-01"})).await.problem(404, "not-found");
        theirs.delete(&path(&held)).await.problem(404, "not-found");
        assert_eq!(theirs.all("/v1/course-mappings").await, [Value::Null; 0]);
        theirs.post("/v1/course-mappings", &body).await.expect(201);
        assert_eq!(mine.all("/v1/course-mappings").await, [held]);

        let reader = app.client("lms-a", "trainings:read", None);
        reader.post("/v1/course-mappings", &body).await.problem(403, "missing-scope");
        app.client("lms-a", "trainings:write", None).get("/v1/course-mappings").await.problem(403, "missing-scope");
        app.stranger().get("/v1/course-mappings").await.problem(401, "unauthorized");
    }

    async fn a_list_holds_what_its_filters_ask_for(app: TestApp) {
        let staff = app.staff();
        let (cit, mhfa) = (app.training("CIT-40").await, app.training("MHFA").await);
        let mut ids = Vec::new();
        for body in [mapping("a", &cit, "2020-01-01", Some("2021-01-01")), mapping("a", &mhfa, "2021-01-01", None), mapping("b", &cit, "2020-01-01", None)] {
            ids.push(staff.post("/v1/course-mappings", &body).await.expect(201)["id"].clone());
        }
        for (query, expected) in [
            ("code=a".to_owned(), vec![0, 1]),
            ("code=A".to_owned(), vec![]),
            (format!("training={cit}"), vec![0, 2]),
            (format!("training={mhfa}&code=a"), vec![1]),
            (format!("training={NO_TRAINING}"), vec![]),
            ("limit=1".to_owned(), vec![0, 1, 2]),
        ] {
            let found: Vec<Value> = staff.all(&format!("/v1/course-mappings?{query}")).await.iter().map(|item| item["id"].clone()).collect();
            assert_eq!(found, expected.iter().map(|index: &usize| ids[*index].clone()).collect::<Vec<_>>(), "{query}");
        }
        assert_eq!(staff.get("/v1/course-mappings?training=CIT-40&vendor=me").await.problem(400, "invalid-parameter"),
            ["/training invalid_id", "/vendor unknown_field"]);
    }

    async fn a_code_means_one_training_a_day(app: TestApp) {
        let staff = app.staff();
        let training = app.training("CIT-40").await;
        let held = staff.post("/v1/course-mappings", &mapping("4711", &training, "2020-01-01", Some("2021-01-01"))).await.expect(201);
        for (from, to) in [("2019-06-01", Some("2020-01-02")), ("2020-12-31", None), ("2019-01-01", None), ("2020-03-01", Some("2020-04-01")), ("2020-01-01", Some("2021-01-01"))] {
            let refused = staff.post("/v1/course-mappings", &mapping("4711", &training, from, to)).await;
            assert_eq!(refused.problem(409, "conflict"), [" mapping_overlaps"], "{from}..{to:?}");
        }
        let before = staff.post("/v1/course-mappings", &mapping("4711", &training, "2019-01-01", Some("2020-01-01"))).await.expect(201);
        let after = staff.post("/v1/course-mappings", &mapping("4711", &training, "2021-01-01", None)).await.expect(201);
        let other = staff.post("/v1/course-mappings", &mapping("4711-b", &training, "2020-01-01", None)).await.expect(201);
        assert_eq!(staff.patch(&path(&before), &json!({"effective_to": null})).await.problem(409, "conflict"), [" mapping_overlaps"]);
        assert_eq!(staff.patch(&path(&other), &json!({"code": "4711"})).await.problem(409, "conflict"), [" mapping_overlaps"]);
        let to_itself = staff.patch(&path(&held), &json!({"effective_from": "2020-02-01", "effective_to": "2020-12-01"})).await;
        assert_eq!(to_itself.expect(200)["effective_from"], "2020-02-01");
        let again = staff.patch(&path(&after), &json!({"effective_from": "2020-12-01"})).await;
        assert_eq!(again.expect(200)["effective_from"], "2020-12-01");
    }

    async fn mappings_that_come_at_once_do_not_overlap(app: TestApp) {
        let lms = app.client("lms", "trainings:read trainings:write", None);
        let training = app.training("CIT-40").await;
        for round in 0..5 {
            let body = mapping(&format!("code-{round}"), &training, "2020-01-01", None);
            let mut statuses: Vec<u16> = join_all((0..4).map(|_| lms.post("/v1/course-mappings", &body))).await.iter().map(|reply| reply.status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409, 409, 409]);
        }
        assert_eq!(lms.all("/v1/course-mappings").await.len(), 5);
    }

    async fn bad_input_is_refused_with_every_fault(app: TestApp) {
        let staff = app.staff();
        let training = app.training("CIT-40").await;
        let good = mapping("4711", &training, "2020-01-01", None);
        for (field, value, fault) in [
            ("code", json!(" "), "/code empty"),
            ("code", json!("x".repeat(10_000)), "/code too_long"),
            ("training", json!("CIT-40"), "/training invalid_id"),
            ("training", json!(NO_TRAINING), "/training unknown_training"),
            ("effective_from", json!("2020-02-30"), "/effective_from invalid_date"),
            ("effective_from", json!(null), "/effective_from wrong_type"),
            ("effective_to", json!("2019-12-31"), "/effective_to ends_before_start"),
            ("effective_to", json!("2020-01-01T00:00:00Z"), "/effective_to invalid_date"),
            ("client", json!("lms"), "/client invalid_id"),
            ("client", json!(NO_TRAINING), "/client unknown_client"),
            ("vendor", json!(NO_TRAINING), "/vendor unknown_field"),
        ] {
            let mut body = good.clone();
            body[field] = value.clone();
            assert_eq!(staff.post("/v1/course-mappings", &body).await.problem(422, "invalid-content"), [fault], "{field} {value}");
        }
        let both = mapping("4711", NO_TRAINING, "2020-01-01", Some("2019-01-01"));
        assert_eq!(staff.post("/v1/course-mappings", &both).await.problem(422, "invalid-content"), ["/effective_to ends_before_start", "/training unknown_training"]);
        assert_eq!(staff.post("/v1/course-mappings", &json!({})).await.problem(422, "invalid-content"),
            ["/code required", "/training required", "/effective_from required"]);
        assert_eq!(staff.all("/v1/course-mappings").await.len(), 0);
        let held = staff.post("/v1/course-mappings", &good).await.expect(201);
        assert_eq!(staff.patch(&path(&held), &json!({"training": NO_TRAINING})).await.problem(422, "invalid-content"), ["/training unknown_training"]);
        assert_eq!(staff.get(&path(&held)).await.expect(200), held);
    }

    async fn who_administers_clients_maps_the_codes_of_a_client(app: TestApp) {
        let staff = app.staff();
        let training = app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
        let vendor = {
            let scopes = ["completions:write", "completions:read", "trainings:read", "trainings:write"];
            crate::support::vendor::Vendor::make(&app, &json!({"name": "Riverside LMS", "kind": "lms", "scopes": scopes}), &[]).await
        };
        let mut body = mapping("4711", &training, "2020-01-01", None);
        body["client"] = json!(vendor.id);
        let held = staff.post("/v1/course-mappings", &body).await.expect(201);
        assert_eq!(held["client"], json!(vendor.id));
        let own = vendor.client(&app).await;
        assert_eq!(own.all("/v1/course-mappings").await, std::slice::from_ref(&held), "the vendor finds what was mapped for it");
        assert_eq!(staff.all("/v1/course-mappings").await.len(), 0, "a list is of one client");
        assert_eq!(staff.all(&format!("/v1/course-mappings?client={}", vendor.id)).await, std::slice::from_ref(&held));
        assert_eq!(staff.get(&path(&held)).await.expect(200), held);
        let patched = staff.patch(&path(&held), &json!({"effective_to": "2030-01-01"})).await.expect(200);
        assert_eq!((&patched["client"], &patched["effective_to"]), (&json!(vendor.id), &json!("2030-01-01")));
        assert_eq!(staff.put(&path(&held), &body).await.expect(200)["effective_to"], json!(null));
        assert_eq!(staff.patch(&path(&held), &json!({"client": NO_TRAINING})).await.problem(422, "invalid-content"), ["/client immutable"]);
        let record = json!({"external_id": "1", "officer": {"email": "a@b.example"}, "training": {"code": "4711"}, "completed_on": "2026-03-06"});
        assert_eq!(own.post("/v1/completions", &record).await.expect(202)["training_id"], json!(training));

        // Who administers no clients, or not for all agencies, speaks for itself alone.
        for other in [app.client("lms-b", "trainings:read trainings:write", None), app.client("lms-c", "all", Some(&["ori:TX0000001"]))] {
            other.post("/v1/course-mappings", &body).await.problem(403, "outside-grant");
            other.get(&format!("/v1/course-mappings?client={}", vendor.id)).await.problem(403, "outside-grant");
            other.get(&path(&held)).await.problem(404, "not-found");
            other.delete(&path(&held)).await.problem(404, "not-found");
        }
        assert_eq!(staff.delete(&path(&held)).await.status, 204);
    }

    async fn a_reference_means_what_the_client_mapped_else_what_the_catalogue_says(app: TestApp) {
        let lms = app.client("lms", "trainings:read trainings:write", None);
        let (cit, mhfa) = (app.training("CIT-40").await, app.training("MHFA").await);
        lms.post("/v1/course-mappings", &mapping("CIT-40", &mhfa, "2025-01-05", Some("2025-01-07"))).await.expect(201);
        lms.post("/v1/course-mappings", &mapping("4711", &mhfa, "2025-01-01", None)).await.expect(201);
        let client: Uuid = lms.get("/v1/whoami").await.expect(200)["client"].as_str().unwrap().parse().unwrap();
        let stranger = Uuid::from_u128(7);
        let (cit, mhfa): (Uuid, Uuid) = (cit.parse().unwrap(), mhfa.parse().unwrap());
        let codes = ["CIT-40", "cit-40", "4711", "MHFA", "4711", "none"];
        let found = app.registry.store.read(move |conn| {
            let ids = [cit, client, cit];
            Ok::<_, StorageError>((trainings::resolve(conn, client, &codes, &ids)?, trainings::resolve(conn, stranger, &codes, &[])?, trainings::resolve(conn, client, &[], &ids)?))
        });
        let (own, others, by_id) = found.await.unwrap();
        let code = |code| TrainingReference::Code(Code::parse(code).unwrap());
        let day = |day| date(2025, 1, day);
        let [own, others, by_id] = [own, others, by_id].map(|catalogue| move |reference: &TrainingReference, on| catalogue.find(reference, on).map(|(id, _)| id));
        assert_eq!([4, 5, 6, 7].map(|on| own(&code("CIT-40"), day(on))), [Some(cit), Some(mhfa), Some(mhfa), Some(cit)]);
        assert_eq!(["cit-40", "4711", "MHFA", "none"].map(|name| own(&code(name), day(5))), [None, Some(mhfa), Some(mhfa), None]);
        assert_eq!(["CIT-40", "4711"].map(|name| others(&code(name), day(5))), [Some(cit), None]);
        assert_eq!([cit, client].map(|id| by_id(&TrainingReference::Id(id), day(5))), [Some(cit), None]);
        assert_eq!(own(&TrainingReference::Id(cit), day(5)), Some(cit));
    }

    async fn a_completion_that_waits_for_its_course_gets_it_when_the_mapping_comes_to_cover_the_day(app: TestApp) {
        let lms = app.client("lms", "all", None);
        let training = app.training("CIT-40").await;
        let push = json!({"external_id": "rec-1", "officer": {"email": "nobody@example.org"}, "training": {"code": "4711"}, "completed_on": "2026-03-06"});
        let outcome = lms.post("/v1/completions", &push).await.json();
        let completion = format!("/v1/completions/{}", outcome["id"].as_str().unwrap());
        app.client("other", "all", None).post("/v1/course-mappings", &mapping("4711", &training, "2020-01-01", None)).await.expect(201);
        let held = lms.post("/v1/course-mappings", &mapping("4711", &training, "2020-01-01", Some("2026-03-06"))).await.expect(201);
        assert_eq!(lms.get(&completion).await.expect(200)["training_id"], json!(null));
        lms.patch(&path(&held), &json!({"effective_to": "2026-03-07"})).await.expect(200);
        assert_eq!(lms.get(&completion).await.expect(200)["training_id"], json!(training));
    }
}
