//! `/v1/partnerships`

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;

fn body(agency: &str) -> Value {
    json!({"agency": agency, "organization": {"name": "Integral Care", "kind": "community_mental_health"}, "agreement": "mou",
        "effective_on": "2025-01-01", "ends_on": null, "document": {"url": "https://example.org/mou.pdf", "sha256": "AB".repeat(32)}})
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

on_both_databases! {
    async fn a_partnership_is_recorded_read_ended_and_deleted(app: TestApp) {
        let staff = app.staff();
        let agency = app.agency("TX2270000").await;
        let created = staff.post("/v1/partnerships", &body("ori:TX2270000")).await;
        let partnership = created.expect(201);
        let path = format!("/v1/partnerships/{}", partnership["id"].as_str().unwrap());
        assert_eq!(created.header("location"), path);
        let expected = json!({"id": partnership["id"], "agency": {"id": agency, "ori": "TX2270000", "name": "Agency TX2270000"},
            "organization": {"name": "Integral Care", "kind": "community_mental_health"}, "agreement": "mou", "effective_on": "2025-01-01", "ends_on": null,
            "document": {"url": "https://example.org/mou.pdf", "sha256": "ab".repeat(32)},
            "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"});
        assert_eq!(partnership, expected);
        let read = staff.get(&path).await;
        assert_eq!(read.expect(200), expected);
        assert_eq!(read.header("etag"), created.header("etag"));
        assert_eq!(staff.send(staff.request(Method::GET, &path).header("if-none-match", read.header("etag"))).await.status, 304);

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let ended = staff.patch(&path, &json!({"ends_on": "2026-01-01", "document": null, "organization": {"kind": "hospital"}})).await.expect(200);
        let mut expected = expected;
        expected["ends_on"] = json!("2026-01-01");
        expected["document"] = json!(null);
        expected["organization"]["kind"] = json!("hospital");
        expected["updated_at"] = json!("2026-11-21T13:00:00Z");
        assert_eq!(ended, expected);
        assert_eq!(staff.get(&path).await.expect(200), expected);

        assert_eq!(staff.delete(&path).await.status, 204);
        staff.get(&path).await.problem(404, "not-found");
        staff.delete(&path).await.problem(404, "not-found");
        assert_eq!(staff.all("/v1/partnerships").await, [json!(null); 0]);
    }

    async fn a_put_replaces_and_is_no_change_when_repeated(app: TestApp) {
        let staff = app.staff();
        let agency = app.agency("TX2270000").await;
        let created = staff.post("/v1/partnerships", &body(&agency)).await.expect(201);
        let path = format!("/v1/partnerships/{}", created["id"].as_str().unwrap());
        app.clock.advance(jiff::SignedDuration::from_hours(1));
        assert_eq!(staff.put(&path, &body("ori:TX2270000")).await.expect(200), created);
        let minimal = json!({"agency": agency, "organization": {"name": "Peers", "kind": "peer_organization"}, "agreement": "letter", "effective_on": "2024-06-01"});
        let replaced = staff.put(&path, &minimal).await.expect(200);
        assert_eq!((&replaced["document"], &replaced["updated_at"]), (&json!(null), &json!("2026-11-21T13:00:00Z")));
        assert_eq!(staff.get(&path).await.expect(200), replaced);
        staff.put("/v1/partnerships/0199c1f0-0000-7000-8000-000000000000", &minimal).await.problem(404, "not-found");
    }

    async fn a_change_is_done_only_on_what_the_caller_read(app: TestApp) {
        let staff = app.staff();
        app.agency("TX2270000").await;
        let created = staff.post("/v1/partnerships", &body("ori:TX2270000")).await;
        let path = format!("/v1/partnerships/{}", created.expect(201)["id"].as_str().unwrap());
        let tag = created.header("etag").to_owned();
        let guarded = |method: Method, body: Value| {
            let media_type = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
            staff.send(staff.request(method, &path).header("if-match", &tag).header("content-type", media_type).body(body.to_string()))
        };
        guarded(Method::PATCH, json!({"agreement": "contract"})).await.expect(200);
        guarded(Method::PATCH, json!({"agreement": "letter"})).await.problem(412, "precondition-failed");
        guarded(Method::PUT, body("ori:TX2270000")).await.problem(412, "precondition-failed");
        guarded(Method::DELETE, json!({})).await.problem(412, "precondition-failed");
        assert_eq!(staff.get(&path).await.expect(200)["agreement"], "contract");
    }

    async fn a_list_is_filtered_by_agency_and_by_the_day_of_force(app: TestApp) {
        let staff = app.staff();
        let (first, second) = (app.agency("TX0000001").await, app.agency("TX0000002").await);
        for (agency, from, until) in [(&first, "2025-01-01", json!("2025-07-01")), (&first, "2025-07-01", json!(null)), (&second, "2025-03-01", json!(null))] {
            let body = with(with(body(agency), "/effective_on", json!(from)), "/ends_on", until);
            staff.post("/v1/partnerships", &body).await.expect(201);
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
            let found: Vec<_> = staff.all(&format!("/v1/partnerships{query}")).await.iter().map(|item| item["effective_on"].as_str().unwrap().to_owned()).collect();
            assert_eq!(found, expected, "{query}");
        }
        let bad = staff.get("/v1/partnerships?agency=TX0000001&in_force_on=2025-02-30&since=x").await;
        assert_eq!(bad.problem(400, "invalid-parameter"), ["/agency invalid_agency", "/in_force_on invalid_date", "/since unknown_field"]);
    }

    async fn a_partnership_outside_the_grant_is_not_found(app: TestApp) {
        let staff = app.staff();
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let theirs = staff.post("/v1/partnerships", &body("ori:TX0000002")).await.expect(201);
        let path = format!("/v1/partnerships/{}", theirs["id"].as_str().unwrap());
        let client = app.client("tool", "partnerships:read partnerships:write", Some(&["ori:TX0000001"]));
        client.get(&path).await.problem(404, "not-found");
        client.patch(&path, &json!({"agreement": "other"})).await.problem(404, "not-found");
        client.put(&path, &body("ori:TX0000001")).await.problem(404, "not-found");
        client.delete(&path).await.problem(404, "not-found");
        assert_eq!(client.post("/v1/partnerships", &body("ori:TX0000002")).await.problem(422, "invalid-content"), ["/agency unknown_agency"]);
        let mine = client.post("/v1/partnerships", &body("ori:TX0000001")).await.expect(201);
        assert_eq!(client.all("/v1/partnerships").await, [mine]);
        assert_eq!(client.all("/v1/partnerships?agency=ori:TX0000002").await.len(), 0);
        assert_eq!(staff.get(&path).await.expect(200), theirs);
    }

    async fn each_scope_opens_its_own_operations_alone(app: TestApp) {
        app.agency("TX2270000").await;
        let reader = app.client("reader", "partnerships:read policies:write", None);
        let writer = app.client("writer", "partnerships:write policies:read", None);
        reader.post("/v1/partnerships", &body("ori:TX2270000")).await.problem(403, "missing-scope");
        let created = writer.post("/v1/partnerships", &body("ori:TX2270000")).await.expect(201);
        let path = format!("/v1/partnerships/{}", created["id"].as_str().unwrap());
        reader.get(&path).await.expect(200);
        writer.get(&path).await.problem(403, "missing-scope");
        writer.get("/v1/partnerships").await.problem(403, "missing-scope");
        reader.patch(&path, &json!({})).await.problem(403, "missing-scope");
        reader.put(&path, &body("ori:TX2270000")).await.problem(403, "missing-scope");
        reader.delete(&path).await.problem(403, "missing-scope");
        app.stranger().get(&path).await.problem(401, "unauthorized");
    }

    async fn a_partnership_stays_with_its_agency(app: TestApp) {
        let staff = app.staff();
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let created = staff.post("/v1/partnerships", &body("ori:TX0000001")).await.expect(201);
        let path = format!("/v1/partnerships/{}", created["id"].as_str().unwrap());
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
        let created = staff.post("/v1/partnerships", &good).await.expect(201);
        let path = format!("/v1/partnerships/{}", created["id"].as_str().unwrap());
        for (bad, faults) in [
            (json!({}), vec!["/agency required", "/organization required", "/agreement required", "/effective_on required"]),
            (json!([]), vec![" wrong_type"]),
            (with(good.clone(), "/ends_on", json!("2024-12-31")), vec!["/ends_on ends_before_start"]),
            (with(with(good.clone(), "/ends_on", json!("2024-12-31")), "/agency", json!("ori:TX9999999")), vec!["/ends_on ends_before_start", "/agency unknown_agency"]),
            (with(good.clone(), "/effective_on", json!("2025-02-30")), vec!["/effective_on invalid_date"]),
            (with(good.clone(), "/effective_on", json!("2025-01-01T00:00:00Z")), vec!["/effective_on invalid_date"]),
            (with(good.clone(), "/agreement", json!("handshake")), vec!["/agreement invalid_agreement"]),
            (with(good.clone(), "/organization", json!({"name": " ", "kind": "x", "city": "y"})),
                vec!["/organization/name empty", "/organization/kind invalid_organization_kind", "/organization/city unknown_field"]),
            (with(good.clone(), "/organization/name", json!("a\u{0}b")), vec!["/organization/name invalid_text"]),
            (with(good.clone(), "/organization/name", json!("x".repeat(10_000))), vec!["/organization/name too_long"]),
            (with(good.clone(), "/document", json!({"url": "ftp://x/y", "sha256": "12"})), vec!["/document/url invalid_url", "/document/sha256 invalid_sha256"]),
            (with(good.clone(), "/document", json!({"url": "https://x/y"})), vec!["/document/sha256 required"]),
            (with(good.clone(), "/agency", json!("TX2270000")), vec!["/agency invalid_agency"]),
        ] {
            assert_eq!(staff.post("/v1/partnerships", &bad).await.problem(422, "invalid-content"), faults, "POST {bad}");
            assert_eq!(staff.put(&path, &bad).await.problem(422, "invalid-content"), faults, "PUT {bad}");
        }
        assert_eq!(staff.patch(&path, &json!({"agreement": null, "ends_on": "2024-01-01"})).await.problem(422, "invalid-content"), ["/agreement required", "/ends_on ends_before_start"]);
        assert_eq!(staff.all("/v1/partnerships").await, [created]);
    }

    async fn a_post_with_an_idempotency_key_records_one(app: TestApp) {
        let staff = app.staff();
        app.agency("TX2270000").await;
        let post = || staff.send(staff.request(Method::POST, "/v1/partnerships").header("idempotency-key", "p1").json(&body("ori:TX2270000")));
        let first = post().await.expect(201);
        assert_eq!(post().await.expect(201), first);
        assert_eq!(staff.all("/v1/partnerships").await, [first]);
    }
}
