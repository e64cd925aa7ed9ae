//! `/v1/agencies`

use serde_json::json;

use crate::on_both_databases;

on_both_databases! {
    async fn an_agency_put_under_its_ori_is_created_then_unchanged_then_updated(app: TestApp) {
        let staff = app.staff();
        let body = json!({"name": "Travis County Sheriff's Office", "kind": "sheriff", "country": "US", "subdivision": "US-TX",
            "sworn_strength": {"count": 42, "as_of": "2025-10-31"}});
        let created = staff.put("/v1/agencies/ori:TX2270000", &body).await;
        let agency = created.expect(201);
        assert_eq!(created.header("x-outcome"), "created");
        assert_eq!(created.header("location"), format!("/v1/agencies/{}", agency["id"].as_str().unwrap()));
        assert_eq!(agency, json!({"id": agency["id"], "ori": "TX2270000", "ori_assumed": false, "other_oris": [], "name": "Travis County Sheriff's Office",
            "kind": "sheriff", "country": "US", "subdivision": "US-TX", "sworn_strength": {"count": 42, "as_of": "2025-10-31"},
            "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"}));

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let again = staff.put("/v1/agencies/ori:TX2270000", &body).await;
        assert_eq!(again.header("x-outcome"), "unchanged");
        assert_eq!(again.expect(200), agency);

        let mut changed = body.clone();
        changed["sworn_strength"] = json!(null);
        let updated = staff.put("/v1/agencies/ori:TX2270000", &changed).await;
        assert_eq!(updated.header("x-outcome"), "updated");
        assert_eq!(updated.expect(200)["sworn_strength"], json!(null));
        assert_eq!(updated.json()["updated_at"], "2026-11-21T13:00:00Z");
        assert_eq!(staff.get("/v1/agencies/ori:TX2270000").await.expect(200), updated.json());
    }

    async fn a_seven_character_ori_is_the_same_agency_as_its_nine(app: TestApp) {
        let staff = app.staff();
        let body = json!({"name": "Riverside", "kind": "municipal_police", "country": "US"});
        let created = staff.put("/v1/agencies/ori:TX22701", &body).await.expect(201);
        assert_eq!((&created["ori"], &created["ori_assumed"]), (&json!("TX2270100"), &json!(true)));
        assert_eq!(staff.get("/v1/agencies/ori:TX2270100").await.expect(200)["id"], created["id"]);
    }

    async fn an_ori_belongs_to_one_agency(app: TestApp) {
        let staff = app.staff();
        app.agency("TX0000001").await;
        let body = json!({"ori": "TX0000002", "other_oris": ["TX0000001"], "name": "Second", "kind": "other", "country": "US"});
        assert_eq!(staff.post("/v1/agencies", &body).await.problem(409, "conflict"), [" ori_taken"]);
        assert_eq!(staff.get("/v1/agencies/ori:TX0000002").await.problem(404, "not-found"), [""; 0]);
    }

    async fn a_merge_patch_changes_what_it_names_while_if_match_holds(app: TestApp) {
        let staff = app.staff();
        app.agency("TX0000001").await;
        let read = staff.get("/v1/agencies/ori:TX0000001").await;
        let tag = read.header("etag").to_owned();
        let changed = staff.patch("/v1/agencies/ori:TX0000001", &json!({"name": "Renamed", "subdivision": "US-TX"})).await.expect(200);
        assert_eq!((&changed["name"], &changed["subdivision"], &changed["kind"]), (&json!("Renamed"), &json!("US-TX"), &json!("municipal_police")));
        let stale = staff.request(reqwest::Method::PATCH, "/v1/agencies/ori:TX0000001").header("content-type", "application/merge-patch+json");
        staff.send(stale.header("if-match", tag).body("{}")).await.problem(412, "precondition-failed");
        assert_eq!(staff.patch("/v1/agencies/ori:TX0000001", &json!({"name": null, "nmae": "x"})).await.problem(422, "invalid-content"),
            ["/nmae unknown_field", "/name required"]);
    }

    async fn what_lies_outside_the_grant_is_not_found(app: TestApp) {
        let mine = app.agency("TX0000001").await;
        let theirs = app.agency("TX0000002").await;
        let client = app.client("rms", "agencies:read agencies:write", Some(&["ori:TX0000001"]));
        assert_eq!(client.get(&format!("/v1/agencies/{mine}")).await.status, 200);
        client.get(&format!("/v1/agencies/{theirs}")).await.problem(404, "not-found");
        client.get("/v1/agencies/ori:TX0000002").await.problem(404, "not-found");
        assert_eq!(client.all("/v1/agencies").await.len(), 1);
        client.patch(&format!("/v1/agencies/{theirs}"), &json!({"name": "Mine now"})).await.problem(404, "not-found");
    }

    async fn a_post_with_an_idempotency_key_is_done_once(app: TestApp) {
        let staff = app.staff();
        let body = json!({"name": "Ottawa Police Service", "kind": "municipal_police", "country": "CA", "subdivision": "CA-ON"});
        let post = |body: serde_json::Value| staff.send(staff.request(reqwest::Method::POST, "/v1/agencies").header("idempotency-key", "k1").json(&body));
        let first = post(body.clone()).await.expect(201);
        assert_eq!(post(body).await.expect(201), first);
        post(json!({"name": "Another", "kind": "other", "country": "CA"})).await.problem(422, "idempotency-key-reused");
        assert_eq!(staff.all("/v1/agencies").await.len(), 1);
        app.clock.advance(jiff::SignedDuration::from_hours(25));
        post(json!({"name": "Another", "kind": "other", "country": "CA"})).await.expect(201);
    }

    async fn pages_follow_one_another_while_rows_are_written(app: TestApp) {
        let staff = app.staff();
        for number in 1..=5 {
            app.agency(&format!("TX000000{number}")).await;
        }
        let first = staff.get("/v1/agencies?limit=2").await;
        assert!(first.header("link").contains("rel=\"next\""));
        let cursor = first.expect(200)["next_cursor"].as_str().unwrap().to_owned();
        app.agency("TX0000006").await;
        let second = staff.get(&format!("/v1/agencies?limit=2&cursor={cursor}")).await.expect(200);
        let oris: Vec<_> = second["items"].as_array().unwrap().iter().map(|agency| agency["ori"].as_str().unwrap()).collect();
        assert_eq!(oris, ["TX0000003", "TX0000004"]);
        assert_eq!(staff.all("/v1/agencies?limit=2").await.len(), 6);
        let tampered = format!("{}{}", &cursor[..cursor.len() - 1], if cursor.ends_with('A') { 'B' } else { 'A' });
        assert_eq!(staff.get(&format!("/v1/agencies?limit=2&cursor={tampered}")).await.problem(400, "invalid-parameter"), ["/cursor invalid_cursor"]);
        assert_eq!(staff.get(&format!("/v1/agencies?kind=sheriff&cursor={cursor}")).await.problem(400, "invalid-parameter"), ["/cursor invalid_cursor"]);
    }
}
