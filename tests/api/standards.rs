//! `/v1/standards`

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;

fn body(code: &str) -> Value {
    json!({"code": code, "title": "One Mind 2030", "crisis_share": {"numerator": 1, "denominator": 4}, "crisis_counts_as_awareness": false, "lapsed_credit_counts": true})
}

fn pledge(standard: &str) -> Value {
    json!({"agency": "ori:TX2270000", "standard": standard, "pledged_on": "2026-01-01", "term_months": 12, "signatory": {"name": "A", "title": "B"}})
}

on_both_databases! {
    async fn the_two_that_ship_are_there_from_the_start(app: TestApp) {
        let reader = app.client("rms", "status:read", Some(&["ori:TX2270000"]));
        let items = reader.all("/v1/standards?limit=1").await;
        let brief: Vec<_> = items.iter().map(|item| (item["code"].as_str().unwrap(), &item["crisis_share"], &item["crisis_counts_as_awareness"], &item["lapsed_credit_counts"])).collect();
        let fifth = json!({"numerator": 1, "denominator": 5});
        assert_eq!(brief, [("one-mind-2016", &fifth, &json!(false), &json!(false)), ("one-mind", &fifth, &json!(true), &json!(false))]);
        let by_code = reader.get("/v1/standards/one-mind").await;
        assert_eq!(by_code.expect(200), items[1]);
        assert_eq!(reader.get(&format!("/v1/standards/{}", items[1]["id"].as_str().unwrap())).await.expect(200), items[1]);
        let known = reader.request(Method::GET, "/v1/standards/one-mind").header("if-none-match", by_code.header("etag"));
        assert_eq!(reader.send(known).await.status, 304);
        for nobody in ["one-mind-1999", "One-Mind", "01940000-0000-7000-8000-00000000ffff", "a--b"] {
            reader.get(&format!("/v1/standards/{nobody}")).await.problem(404, "not-found");
        }
        assert_eq!(reader.get("/v1/standards?code=one-mind").await.problem(400, "invalid-parameter"), ["/code unknown_field"]);
    }

    async fn a_standard_is_published_changed_and_deleted_while_unused(app: TestApp) {
        let staff = app.staff();
        let created = staff.post("/v1/standards", &body("one-mind-2030")).await;
        let standard = created.expect(201);
        assert_eq!(created.header("location"), format!("/v1/standards/{}", standard["id"].as_str().unwrap()));
        let mut expected = body("one-mind-2030");
        for (field, value) in [("id", standard["id"].clone()), ("created_at", json!("2026-11-21T12:00:00Z")), ("updated_at", json!("2026-11-21T12:00:00Z"))] {
            expected[field] = value;
        }
        assert_eq!(standard, expected);
        assert_eq!(staff.get("/v1/standards/one-mind-2030").await.expect(200), expected);

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        assert_eq!(staff.put("/v1/standards/one-mind-2030", &body("one-mind-2030")).await.expect(200), expected);
        let changed = staff.patch("/v1/standards/one-mind-2030", &json!({"code": "one-mind-2031", "crisis_share": {"numerator": 2}, "lapsed_credit_counts": false})).await;
        expected["code"] = json!("one-mind-2031");
        expected["crisis_share"]["numerator"] = json!(2);
        expected["lapsed_credit_counts"] = json!(false);
        expected["updated_at"] = json!("2026-11-21T13:00:00Z");
        assert_eq!(changed.expect(200), expected);
        staff.get("/v1/standards/one-mind-2030").await.problem(404, "not-found");

        let stale = |method: Method| staff.request(method, "/v1/standards/one-mind-2031").header("if-match", created.header("etag"));
        staff.send(stale(Method::DELETE)).await.problem(412, "precondition-failed");
        staff.send(stale(Method::PUT).json(&body("one-mind-2031"))).await.problem(412, "precondition-failed");
        let patch = stale(Method::PATCH).header("content-type", "application/merge-patch+json").body("{}");
        staff.send(patch).await.problem(412, "precondition-failed");
        assert_eq!(staff.get("/v1/standards/one-mind-2031").await.expect(200), expected);

        let current = staff.request(Method::DELETE, "/v1/standards/one-mind-2031").header("if-match", changed.header("etag"));
        assert_eq!(staff.send(current).await.status, 204);
        staff.delete("/v1/standards/one-mind-2031").await.problem(404, "not-found");
        assert_eq!(staff.all("/v1/standards").await.len(), 2);
    }

    async fn the_rules_of_a_standard_are_fixed_once_an_agency_pledged_to_it(app: TestApp) {
        let staff = app.staff();
        app.agency("TX2270000").await;
        staff.post("/v1/standards", &body("one-mind-2030")).await.expect(201);
        let made = staff.post("/v1/pledges", &pledge("one-mind-2030")).await.expect(201);
        let path = "/v1/standards/one-mind-2030";
        for rule in [json!({"code": "renamed"}), json!({"crisis_share": {"denominator": 5}}), json!({"crisis_counts_as_awareness": true}), json!({"lapsed_credit_counts": false})] {
            assert_eq!(staff.patch(path, &rule).await.problem(409, "conflict"), [" standard_in_use"], "{rule}");
        }
        assert_eq!(staff.put(path, &body("renamed")).await.problem(409, "conflict"), [" standard_in_use"]);
        assert_eq!(staff.delete(path).await.problem(409, "conflict"), [" standard_in_use"]);
        let mut expected = body("one-mind-2030");
        let retitled = staff.patch(path, &json!({"title": "Retitled"})).await.expect(200);
        expected["title"] = json!("Retitled");
        assert_eq!(staff.put(path, &expected).await.expect(200), retitled);
        assert_eq!((&retitled["title"], &retitled["crisis_share"]), (&json!("Retitled"), &json!({"numerator": 1, "denominator": 4})));

        assert_eq!(staff.delete(&format!("/v1/pledges/{}", made["id"].as_str().unwrap())).await.status, 204);
        staff.patch(path, &json!({"crisis_share": {"denominator": 5}})).await.expect(200);
        assert_eq!(staff.delete(path).await.status, 204);
    }

    async fn of_a_standard_that_ships_the_title_alone_can_be_changed(app: TestApp) {
        let staff = app.staff();
        for code in ["one-mind", "one-mind-2016"] {
            let path = format!("/v1/standards/{code}");
            assert_eq!(staff.patch(&path, &json!({"crisis_share": {"numerator": 2}})).await.problem(409, "conflict"), [" standard_built_in"]);
            assert_eq!(staff.patch(&path, &json!({"code": "other"})).await.problem(409, "conflict"), [" standard_built_in"]);
            assert_eq!(staff.put(&path, &body(code)).await.problem(409, "conflict"), [" standard_built_in"]);
            assert_eq!(staff.delete(&path).await.problem(409, "conflict"), [" standard_built_in"]);
            assert_eq!(staff.patch(&path, &json!({"title": "Retitled"})).await.expect(200)["title"], "Retitled");
        }
    }

    async fn a_code_belongs_to_one_standard(app: TestApp) {
        let staff = app.staff();
        assert_eq!(staff.post("/v1/standards", &body("one-mind")).await.problem(409, "conflict"), [" code_taken"]);
        staff.post("/v1/standards", &body("one-mind-2030")).await.expect(201);
        assert_eq!(staff.patch("/v1/standards/one-mind-2030", &json!({"code": "one-mind"})).await.problem(409, "conflict"), [" code_taken"]);
        assert_eq!(staff.all("/v1/standards").await.len(), 3);
    }

    async fn publishing_needs_the_scope_and_a_grant_for_all_agencies(app: TestApp) {
        app.agency("TX2270000").await;
        app.staff().post("/v1/standards", &body("one-mind-2030")).await.expect(201);
        let path = "/v1/standards/one-mind-2030";
        for (client, slug) in [
            (app.client("agency", "certifications:decide status:read", Some(&["ori:TX2270000"])), "outside-grant"),
            (app.client("reader", "status:read pledges:write", None), "missing-scope"),
        ] {
            client.post("/v1/standards", &body("mine")).await.problem(403, slug);
            client.put(path, &body("one-mind-2030")).await.problem(403, slug);
            client.patch(path, &json!({"title": "Mine"})).await.problem(403, slug);
            client.delete(path).await.problem(403, slug);
            client.get(path).await.expect(200);
        }
        let decider = app.client("decider", "certifications:decide", None);
        decider.get(path).await.problem(403, "missing-scope");
        decider.get("/v1/standards").await.problem(403, "missing-scope");
        decider.post("/v1/standards", &body("another")).await.expect(201);
        app.stranger().get("/v1/standards").await.problem(401, "unauthorized");
    }

    async fn bad_input_names_every_fault(app: TestApp) {
        let staff = app.staff();
        staff.post("/v1/standards", &body("one-mind-2030")).await.expect(201);
        let with = |field: &str, value: Value| {
            let mut body = body("x");
            body[field] = value;
            body
        };
        for (bad, faults) in [
            (json!({}), vec!["/code required", "/title required", "/crisis_share required", "/crisis_counts_as_awareness required", "/lapsed_credit_counts required"]),
            (with("code", json!("One Mind")), vec!["/code invalid_standard_code"]),
            (with("code", json!("01940000-0000-7000-8000-000000002020")), vec!["/code too_long"]),
            (with("title", json!("")), vec!["/title empty"]),
            (with("title", json!("x".repeat(201))), vec!["/title too_long"]),
            (with("crisis_share", json!(0.2)), vec!["/crisis_share wrong_type"]),
            (with("crisis_share", json!({"numerator": 1})), vec!["/crisis_share/denominator required"]),
            (with("crisis_share", json!({"numerator": 1, "denominator": 0})), vec!["/crisis_share/denominator too_small"]),
            (with("crisis_share", json!({"numerator": 6, "denominator": 5})), vec!["/crisis_share/numerator share_above_one"]),
            (with("crisis_share", json!({"numerator": 1, "denominator": 1_000_001})), vec!["/crisis_share/denominator too_large"]),
            (with("crisis_share", json!({"numerator": -1, "denominator": 5})), vec!["/crisis_share/numerator wrong_type"]),
            (with("crisis_share", json!({"numerator": 0.5, "denominator": 4_294_967_296_u64})), vec!["/crisis_share/numerator wrong_type", "/crisis_share/denominator invalid_value"]),
            (with("crisis_counts_as_awareness", json!("yes")), vec!["/crisis_counts_as_awareness wrong_type"]),
            (with("awareness_share", json!(1)), vec!["/awareness_share unknown_field"]),
        ] {
            assert_eq!(staff.post("/v1/standards", &bad).await.problem(422, "invalid-content"), faults, "POST {bad}");
            assert_eq!(staff.put("/v1/standards/one-mind-2030", &bad).await.problem(422, "invalid-content"), faults, "PUT {bad}");
        }
        assert_eq!(staff.patch("/v1/standards/one-mind-2030", &json!({"crisis_share": null})).await.problem(422, "invalid-content"), ["/crisis_share required"]);
        assert_eq!(staff.all("/v1/standards").await.len(), 3);
    }
}
