//! `/v1/policies`

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;

fn body(agency: &str) -> Value {
    json!({"agency": agency, "title": "Response to people in crisis", "adopted_on": "2025-01-01", "ends_on": null,
        "document": {"url": "https://example.org/order-7.pdf", "sha256": "AB".repeat(32)}})
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

on_both_databases! {
    async fn a_policy_is_recorded_read_ended_and_deleted(app: TestApp) {
        let staff = app.staff();
        let agency = app.agency("TX2270000").await;
        let created = staff.post("/v1/policies", &body("ori:TX2270000")).await;
        let policy = created.expect(201);
        let path = format!("/v1/policies/{}", policy["id"].as_str().unwrap());
        assert_eq!(created.header("location"), path);
        let expected = json!({"id": policy["id"], "agency": {"id": agency, "ori": "TX2270000", "name": "Agency TX2270000"},
            "title": "Response to people in crisis", "adopted_on": "2025-01-01", "ends_on": null,
            "document": {"url": "https://example.org/order-7.pdf", "sha256": "ab".repeat(32)},
            "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"});
        assert_eq!(policy, expected);
        let read = staff.get(&path).await;
        assert_eq!(read.expect(200), expected);
        assert_eq!(read.header("etag"), created.header("etag"));
        assert_eq!(staff.send(staff.request(Method::GET, &path).header("if-none-match", read.header("etag"))).await.status, 304);

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let ended = staff.patch(&path, &json!({"ends_on": "2026-01-01", "document": null, "title": "General order 7"})).await.expect(200);
        let mut expected = expected;
        expected["ends_on"] = json!("2026-01-01");
        expected["document"] = json!(null);
        expected["title"] = json!("General order 7");
        expected["updated_at"] = json!("2026-11-21T13:00:00Z");
        assert_eq!(ended, expected);
        assert_eq!(staff.get(&path).await.expect(200), expected);

        assert_eq!(staff.delete(&path).await.status, 204);
        staff.get(&path).await.problem(404, "not-found");
        staff.delete(&path).await.problem(404, "not-found");
        assert_eq!(staff.all("/v1/policies").await, [json!(null); 0]);
    }

    async fn a_put_replaces_and_is_no_change_when_repeated(app: TestApp) {
        let staff = app.staff();
        let agency = app.agency("TX2270000").await;
        let created = staff.post("/v1/policies", &body(&agency)).await.expect(201);
        let path = format!("/v1/policies/{}", created["id"].as_str().unwrap());
        app.clock.advance(jiff::SignedDuration::from_hours(1));
        assert_eq!(staff.put(&path, &body("ori:TX2270000")).await.expect(200), created);
        let minimal = json!({"agency": agency, "title": "General order 6", "adopted_on": "2024-06-01"});
        let replaced = staff.put(&path, &minimal).await.expect(200);
        assert_eq!((&replaced["document"], &replaced["updated_at"]), (&json!(null), &json!("2026-11-21T13:00:00Z")));
        assert_eq!(staff.get(&path).await.expect(200), replaced);
        staff.put("/v1/policies/0199c1f0-0000-7000-8000-000000000000", &minimal).await.problem(404, "not-found");
    }

    async fn a_change_is_done_only_on_what_the_caller_read(app: TestApp) {
        let staff = app.staff();
        app.agency("TX2270000").await;
        let created = staff.post("/v1/policies", &body("ori:TX2270000")).await;
        let path = format!("/v1/policies/{}", created.expect(201)["id"].as_str().unwrap());
        let tag = created.header("etag").to_owned();
        let guarded = |method: Method, body: Value| {
            let media_type = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
            staff.send(staff.request(method, &path).header("if-match", &tag).header("content-type", media_type).body(body.to_string()))
        };
        guarded(Method::PATCH, json!({"title": "First"})).await.expect(200);
        guarded(Method::PATCH, json!({"title": "Second"})).await.problem(412, "precondition-failed");
        guarded(Method::PUT, body("ori:TX2270000")).await.problem(412, "precondition-failed");
        guarded(Method::DELETE, json!({})).await.problem(412, "precondition-failed");
        assert_eq!(staff.get(&path).await.expect(200)["title"], "First");
    }

    async fn a_list_is_filtered_by_agency_and_by_the_day_of_force(app: TestApp) {
        let staff = app.staff();
        let (first, second) = (app.agency("TX0000001").await, app.agency("TX0000002").await);
        for (agency, from, until) in [(&first, "2025-01-01", json!("2025-07-01")), (&first, "2025-07-01", json!(null)), (&second, "2025-03-01", json!(null))] {
            let body = with(with(body(agency), "/adopted_on", json!(from)), "/ends_on", until);
            staff.post("/v1/policies", &body).await.expect(201);
        }
        for (query, expected) in [
            ("", vec!["2025-01-01", "2025-07-01", "2025-03-01"]),
            ("?in_force_on=2024-12-31", vec![]),
            ("?in_force_on=2025-01-01", vec!["2025-01-01"]),
            ("?in_force_on=2025-06-30", vec!["2025-01-01", "2025-03-01"]),
            ("?in_force_on=2025-07-01", vec!["2025-07-01", "2025-03-01"]),
            ("?agency=ori:TX0000001", vec!["2025-01-01", "2025-07-01"]),
            ("?agency=ori:TX0000001&in_force_on=2025-06-30&limit=1", vec!["2025-01-01"]),
            ("?agency=ori:TX0000002&limit=1", vec!["2025-03-01"]),
            ("?agency=ori:TX0000009", vec![]),
            ("?agency=0199c1f0-0000-7000-8000-000000000000", vec![]),
        ] {
            let found: Vec<_> = staff.all(&format!("/v1/policies{query}")).await.iter().map(|item| item["adopted_on"].as_str().unwrap().to_owned()).collect();
            assert_eq!(found, expected, "{query}");
        }
        let bad = staff.get("/v1/policies?agency=TX0000001&in_force_on=2025-02-30&since=x").await;
        assert_eq!(bad.problem(400, "invalid-parameter"), ["/agency invalid_agency", "/in_force_on invalid_date", "/since unknown_field"]);
    }

    async fn a_policy_outside_the_grant_is_not_found(app: TestApp) {
        let staff = app.staff();
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let theirs = staff.post("/v1/policies", &body("ori:TX0000002")).await.expect(201);
        let path = format!("/v1/policies/{}", theirs["id"].as_str().unwrap());
        let client = app.client("tool", "policies:read policies:write", Some(&["ori:TX0000001"]));
        client.get(&path).await.problem(404, "not-found");
        client.patch(&path, &json!({"title": "Mine now"})).await.problem(404, "not-found");
        client.put(&path, &body("ori:TX0000001")).await.problem(404, "not-found");
        client.delete(&path).await.problem(404, "not-found");
        assert_eq!(client.post("/v1/policies", &body("ori:TX0000002")).await.problem(422, "invalid-content"), ["/agency unknown_agency"]);
        let mine = client.post("/v1/policies", &body("ori:TX0000001")).await.expect(201);
        assert_eq!(client.all("/v1/policies").await, [mine]);
        assert_eq!(client.all("/v1/policies?agency=ori:TX0000002").await.len(), 0);
        assert_eq!(staff.get(&path).await.expect(200), theirs);
    }

    async fn each_scope_opens_its_own_operations_alone(app: TestApp) {
        app.agency("TX2270000").await;
        let reader = app.client("reader", "policies:read partnerships:write", None);
        let writer = app.client("writer", "policies:write partnerships:read", None);
        reader.post("/v1/policies", &body("ori:TX2270000")).await.problem(403, "missing-scope");
        let created = writer.post("/v1/policies", &body("ori:TX2270000")).await.expect(201);
        let path = format!("/v1/policies/{}", created["id"].as_str().unwrap());
        reader.get(&path).await.expect(200);
        writer.get(&path).await.problem(403, "missing-scope");
        writer.get("/v1/policies").await.problem(403, "missing-scope");
        reader.patch(&path, &json!({})).await.problem(403, "missing-scope");
        reader.put(&path, &body("ori:TX2270000")).await.problem(403, "missing-scope");
        reader.delete(&path).await.problem(403, "missing-scope");
        app.stranger().get(&path).await.problem(401, "unauthorized");
    }

    async fn a_policy_stays_with_its_agency(app: TestApp) {
        let staff = app.staff();
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let created = staff.post("/v1/policies", &body("ori:TX0000001")).await.expect(201);
        let path = format!("/v1/policies/{}", created["id"].as_str().unwrap());
        for (agency, fault) in [("ori:TX0000002", "/agency agency_fixed"), ("ori:TX0000009", "/agency unknown_agency")] {
            assert_eq!(staff.patch(&path, &json!({"agency": agency})).await.problem(422, "invalid-content"), [fault]);
            assert_eq!(staff.put(&path, &body(agency)).await.problem(422, "invalid-content"), [fault]);
        }
        assert_eq!(staff.patch(&path, &json!({"agency": "ori:TX0000001"})).await.expect(200), created);
    }

    async fn bad_input_names_every_fault(app: TestApp) {
        let staff = app.staff();
        app.agency("TX2270000").await;
        let good = body("ori:TX2270000");
        let created = staff.post("/v1/policies", &good).await.expect(201);
        let path = format!("/v1/policies/{}", created["id"].as_str().unwrap());
        for (bad, faults) in [
            (json!({}), vec!["/agency required", "/title required", "/adopted_on required"]),
            (json!([]), vec![" wrong_type"]),
            (with(good.clone(), "/ends_on", json!("2024-12-31")), vec!["/ends_on ends_before_start"]),
            (with(with(good.clone(), "/ends_on", json!("2024-12-31")), "/agency", json!("ori:TX9999999")), vec!["/ends_on ends_before_start", "/agency unknown_agency"]),
            (with(good.clone(), "/adopted_on", json!("2025-02-30")), vec!["/adopted_on invalid_date"]),
            (with(good.clone(), "/adopted_on", json!("2025-01-01T00:00:00Z")), vec!["/adopted_on invalid_date"]),
            (with(good.clone(), "/title", json!(" ")), vec!["/title empty"]),
            (with(good.clone(), "/title", json!(7)), vec!["/title wrong_type"]),
            (with(good.clone(), "/title", json!("a\u{0}b")), vec!["/title invalid_text"]),
            (with(good.clone(), "/title", json!("x".repeat(10_000))), vec!["/title too_long"]),
            (with(good.clone(), "/document", json!({"url": "ftp://x/y", "sha256": "12"})), vec!["/document/url invalid_url", "/document/sha256 invalid_sha256"]),
            (with(good.clone(), "/document", json!({"url": "https://x/y"})), vec!["/document/sha256 required"]),
            (with(good.clone(), "/agency", json!("TX2270000")), vec!["/agency invalid_agency"]),
        ] {
            assert_eq!(staff.post("/v1/policies", &bad).await.problem(422, "invalid-content"), faults, "POST {bad}");
            assert_eq!(staff.put(&path, &bad).await.problem(422, "invalid-content"), faults, "PUT {bad}");
        }
        assert_eq!(staff.patch(&path, &json!({"title": null, "ends_on": "2024-01-01"})).await.problem(422, "invalid-content"), ["/title required", "/ends_on ends_before_start"]);
        assert_eq!(staff.all("/v1/policies").await, [created]);
    }

    async fn a_post_with_an_idempotency_key_records_one(app: TestApp) {
        let staff = app.staff();
        app.agency("TX2270000").await;
        let post = || staff.send(staff.request(Method::POST, "/v1/policies").header("idempotency-key", "p1").json(&body("ori:TX2270000")));
        let first = post().await.expect(201);
        assert_eq!(post().await.expect(201), first);
        assert_eq!(staff.all("/v1/policies").await, [first]);
    }
}
