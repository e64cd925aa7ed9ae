//! `/v1/pledges`

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::certifications::{applied, decided, ready, recognized, reviewer};
use crate::on_both_databases;
use crate::support::Client;

fn body(agency: &str, pledged_on: &str, term_months: u32) -> Value {
    json!({"agency": agency, "standard": "one-mind", "pledged_on": pledged_on, "term_months": term_months,
        "signatory": {"name": "Maria Rivera", "title": "Chief of Police"}})
}

async fn made(client: &Client, agency: &str, pledged_on: &str, term_months: u32) -> String {
    let pledge = client.post("/v1/pledges", &body(agency, pledged_on, term_months)).await.expect(201);
    format!("/v1/pledges/{}", pledge["id"].as_str().unwrap())
}

fn withdrawal(day: &str) -> Value {
    json!({"withdrawn_on": day, "reason": "The council decided otherwise"})
}

on_both_databases! {
    async fn a_pledge_is_made_read_changed_withdrawn_and_deleted(app: TestApp) {
        let staff = app.staff();
        let agency = app.agency("TX2270000").await;
        let created = staff.post("/v1/pledges", &body("ori:TX2270000", "2025-08-31", 18)).await;
        let pledge = created.expect(201);
        let path = format!("/v1/pledges/{}", pledge["id"].as_str().unwrap());
        assert_eq!(created.header("location"), path);
        let mut expected = json!({"id": pledge["id"], "agency": {"id": agency, "ori": "TX2270000", "name": "Agency TX2270000"}, "standard": "one-mind",
            "pledged_on": "2025-08-31", "term_months": 18, "signatory": {"name": "Maria Rivera", "title": "Chief of Police"}, "listed_before_certified": true, "due_on": "2027-02-28", "state": "running", "extensions": [],
            "withdrawn_on": null, "withdrawal_reason": null, "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"});
        assert_eq!(pledge, expected);
        let read = staff.get(&path).await;
        assert_eq!((read.expect(200), read.header("etag")), (expected.clone(), created.header("etag")));

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        assert_eq!(staff.put(&path, &body(&agency, "2025-08-31", 18)).await.expect(200), expected);
        let changed = staff.patch(&path, &json!({"term_months": 36, "standard": "one-mind-2016", "signatory": {"title": "Sheriff"}})).await.expect(200);
        expected["term_months"] = json!(36);
        expected["due_on"] = json!("2028-08-31");
        expected["standard"] = json!("one-mind-2016");
        expected["signatory"]["title"] = json!("Sheriff");
        expected["updated_at"] = json!("2026-11-21T13:00:00Z");
        assert_eq!(changed, expected);

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let withdrawn = staff.post(&format!("{path}/withdrawal"), &withdrawal("2026-11-21")).await;
        expected["withdrawn_on"] = json!("2026-11-21");
        expected["state"] = json!("withdrawn");
        expected["withdrawal_reason"] = json!("The council decided otherwise");
        expected["updated_at"] = json!("2026-11-21T14:00:00Z");
        assert_eq!(withdrawn.expect(200), expected);
        let read = staff.get(&path).await;
        assert_eq!((read.expect(200), read.header("etag")), (expected, withdrawn.header("etag")));

        assert_eq!(staff.delete(&path).await.status, 204);
        staff.get(&path).await.problem(404, "not-found");
        staff.delete(&path).await.problem(404, "not-found");
        staff.post(&format!("{path}/withdrawal"), &withdrawal("2026-11-21")).await.problem(404, "not-found");
    }

    async fn a_pledge_is_withdrawn_once_and_not_before_it_was_made(app: TestApp) {
        let staff = app.staff();
        app.agency("TX2270000").await;
        let path = made(&staff, "ori:TX2270000", "2025-02-01", 24).await;
        let withdraw = format!("{path}/withdrawal");
        assert_eq!(staff.post(&withdraw, &withdrawal("2025-01-31")).await.problem(422, "invalid-content"), ["/withdrawn_on before_pledge"]);
        for (bad, faults) in [
            (json!({}), vec!["/withdrawn_on required", "/reason required"]),
            (json!({"withdrawn_on": "2025-13-01", "reason": "", "by": "x"}), vec!["/withdrawn_on invalid_date", "/reason empty", "/by unknown_field"]),
            (json!({"withdrawn_on": "2025-03-01", "reason": "x".repeat(2001)}), vec!["/reason too_long"]),
        ] {
            assert_eq!(staff.post(&withdraw, &bad).await.problem(422, "invalid-content"), faults, "{bad}");
        }
        let post = || staff.send(staff.request(Method::POST, &withdraw).header("idempotency-key", "w1").json(&withdrawal("2025-02-01")));
        let first = post().await.expect(200);
        assert_eq!(first["withdrawn_on"], "2025-02-01");
        assert_eq!(post().await.expect(200), first);
        assert_eq!(staff.post(&withdraw, &withdrawal("2025-02-01")).await.problem(409, "conflict"), [" already_withdrawn"]);
        assert_eq!(staff.patch(&path, &json!({"pledged_on": "2025-02-02"})).await.problem(422, "invalid-content"), ["/pledged_on after_withdrawal"]);
        assert_eq!(staff.patch(&path, &json!({"pledged_on": "2025-01-02"})).await.expect(200)["withdrawn_on"], "2025-02-01");
    }

    async fn a_pledge_is_extended_with_a_reason_by_who_decides(app: TestApp) {
        let staff = app.staff();
        app.agency("TX2270000").await;
        // Over since 2 February 2026, and overdue on the day of the tests, 21 November 2026.
        let path = made(&staff, "ori:TX2270000", "2025-02-01", 12).await;
        let status = "/v1/agencies/ori:TX2270000/certification-status";
        assert_eq!(staff.get(status).await.expect(200)["stage"], "overdue");
        let extend = format!("{path}/extension");
        let to = |day: &str| json!({"due_on": day, "reason": "The hurricane"});
        for (bad, faults) in [
            (json!({}), vec!["/due_on required", "/reason required"]),
            (json!({"due_on": "soon", "reason": "", "months": 6}), vec!["/due_on invalid_date", "/reason empty", "/months unknown_field"]),
            (to("2026-02-01"), vec!["/due_on not_later"]),
            (to("2029-02-02"), vec!["/due_on extension_too_long"]),
        ] {
            assert_eq!(staff.post(&extend, &bad).await.problem(422, "invalid-content"), faults, "{bad}");
        }
        let own = app.client("tool", "pledges:read pledges:write", Some(&["ori:TX2270000"]));
        own.post(&extend, &to("2027-02-01")).await.problem(403, "missing-scope");

        let before = staff.get(&path).await.expect(200);
        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let post = || staff.send(staff.request(Method::POST, &extend).header("idempotency-key", "e1").json(&to("2027-01-31")));
        let extended = post().await.expect(200);
        let mut expected = before;
        let first = json!({"former_due_on": "2026-02-01", "due_on": "2027-01-31", "reason": "The hurricane", "client": extended["extensions"][0]["client"],
            "extended_at": "2026-11-21T13:00:00Z"});
        assert_eq!(expected["state"], "overdue");
        expected["due_on"] = json!("2027-01-31");
        expected["state"] = json!("due_soon");
        expected["extensions"] = json!([first]);
        expected["updated_at"] = json!("2026-11-21T13:00:00Z");
        assert_eq!(extended, expected);
        assert_eq!(post().await.expect(200), expected);
        assert_eq!(staff.get(&path).await.expect(200), expected);
        let now = staff.get(status).await.expect(200);
        assert_eq!((&now["stage"], &now["pledge"]["due_on"], &now["pledge"]["days_left"]), (&json!("in_progress"), &json!("2027-01-31"), &json!(71)));
        assert_eq!(staff.get(&format!("{status}?as_of=2026-03-01")).await.expect(200)["stage"], "in_progress");
        assert_eq!(staff.get(&format!("{status}?as_of=2027-02-01")).await.expect(200)["stage"], "overdue");

        let twice = staff.post(&extend, &to("2027-06-30")).await.expect(200);
        assert_eq!(twice["extensions"][0], first);
        assert_eq!((&twice["extensions"][1]["former_due_on"], &twice["due_on"]), (&json!("2027-01-31"), &json!("2027-06-30")));
        assert_eq!(staff.all("/v1/pledges?running_on=2027-06-30").await, [twice]);
        assert_eq!(staff.all("/v1/pledges?running_on=2027-07-01").await.len(), 0);

        assert_eq!(staff.patch(&path, &json!({"term_months": 13})).await.problem(409, "conflict"), [" pledge_extended"]);
        let renamed = staff.patch(&path, &json!({"signatory": {"name": "Another"}})).await.expect(200);
        assert_eq!((&renamed["due_on"], renamed["extensions"].as_array().unwrap().len()), (&json!("2027-06-30"), 2));
        let next = body("ori:TX2270000", "2027-06-30", 12);
        assert_eq!(staff.post("/v1/pledges", &next).await.problem(409, "conflict"), [" pledge_running"]);
        made(&staff, "ori:TX2270000", "2027-07-01", 12).await;
        assert_eq!(staff.post(&extend, &to("2027-07-01")).await.problem(409, "conflict"), [" pledge_running"]);
        staff.post(&format!("{path}/withdrawal"), &withdrawal("2026-11-21")).await.expect(200);
        assert_eq!(staff.post(&extend, &to("2027-06-30")).await.problem(409, "conflict"), [" already_withdrawn"]);
        assert_eq!(staff.delete(&path).await.status, 204);
    }

    async fn an_agency_has_one_pledge_running_at_a_time(app: TestApp) {
        let staff = app.staff();
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let first = made(&staff, "ori:TX0000001", "2025-02-01", 12).await;
        for (pledged_on, term_months) in [("2025-02-01", 12), ("2026-02-01", 12), ("2024-02-01", 12), ("2024-06-01", 36), ("2025-06-01", 12)] {
            let refused = staff.post("/v1/pledges", &body("ori:TX0000001", pledged_on, term_months)).await;
            assert_eq!(refused.problem(409, "conflict"), [" pledge_running"], "{pledged_on} for {term_months} months");
        }
        let before = made(&staff, "ori:TX0000001", "2024-01-31", 12).await;
        let after = made(&staff, "ori:TX0000001", "2026-02-02", 12).await;
        made(&staff, "ori:TX0000002", "2025-02-01", 12).await;
        for (path, patch) in [
            (&first, json!({"term_months": 13})),
            (&first, json!({"pledged_on": "2025-01-31"})),
            (&before, json!({"term_months": 13})),
            (&after, json!({"pledged_on": "2026-02-01"})),
        ] {
            let read = staff.get(path).await.expect(200);
            assert_eq!(staff.patch(path, &patch).await.problem(409, "conflict"), [" pledge_running"], "{patch}");
            assert_eq!(staff.get(path).await.expect(200), read);
        }
        assert_eq!(staff.put(&before, &body("ori:TX0000001", "2025-03-01", 12)).await.problem(409, "conflict"), [" pledge_running"]);
        staff.patch(&first, &json!({"signatory": {"name": "Another"}})).await.expect(200);

        staff.post(&format!("{first}/withdrawal"), &withdrawal("2025-06-01")).await.expect(200);
        assert_eq!(staff.post("/v1/pledges", &body("ori:TX0000001", "2025-05-31", 12)).await.problem(409, "conflict"), [" pledge_running"]);
        assert_eq!(staff.delete(&after).await.status, 204);
        made(&staff, "ori:TX0000001", "2025-06-01", 36).await;
        staff.patch(&first, &json!({"term_months": 36})).await.expect(200);
        assert_eq!(staff.all("/v1/pledges?agency=ori:TX0000001").await.len(), 3);
    }

    async fn of_pledges_made_at_once_one_is_kept(app: TestApp) {
        let staff = app.staff();
        for round in 1..=5 {
            let ori = format!("ori:TX000000{round}");
            app.agency(&ori[4..]).await;
            let tasks: Vec<_> = (0..8)
                .map(|_| {
                    let (staff, body) = (staff.clone(), body(&ori, "2026-01-01", 24));
                    actix_web::rt::spawn(async move { staff.post("/v1/pledges", &body).await })
                })
                .collect();
            let mut statuses = Vec::new();
            for task in tasks {
                let reply = task.await.unwrap();
                if reply.status == 409 {
                    assert_eq!(reply.problem(409, "conflict"), [" pledge_running"]);
                }
                statuses.push(reply.status);
            }
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
            assert_eq!(staff.all(&format!("/v1/pledges?agency={ori}")).await.len(), 1);
        }
    }

    async fn of_changes_made_at_once_to_what_was_read_one_is_done(app: TestApp) {
        let staff = app.staff();
        for round in 1..=5 {
            let ori = format!("TX000000{round}");
            app.agency(&ori).await;
            let path = made(&staff, &format!("ori:{ori}"), "2026-01-01", 24).await;
            let tag = staff.get(&path).await.header("etag").to_owned();
            let tasks: Vec<_> = (0..8)
                .map(|number| {
                    let request = staff.request(Method::PATCH, &path).header("if-match", &tag).header("content-type", "application/merge-patch+json");
                    let request = request.body(json!({"signatory": {"name": format!("Signatory {number}")}}).to_string());
                    let staff = staff.clone();
                    actix_web::rt::spawn(async move { staff.send(request).await.status })
                })
                .collect();
            let mut statuses = Vec::new();
            for task in tasks {
                statuses.push(task.await.unwrap());
            }
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
        }
    }

    async fn a_list_is_filtered_by_agency_standard_and_day(app: TestApp) {
        let staff = app.staff();
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        made(&staff, "ori:TX0000001", "2024-01-01", 12).await;
        let withdrawn = made(&staff, "ori:TX0000001", "2025-02-01", 24).await;
        staff.post(&format!("{withdrawn}/withdrawal"), &withdrawal("2025-06-01")).await.expect(200);
        let future = made(&staff, "ori:TX0000002", "2027-03-01", 36).await;
        staff.patch(&future, &json!({"standard": "one-mind-2016"})).await.expect(200);
        for (query, expected) in [
            ("", vec!["2024-01-01", "2025-02-01", "2027-03-01"]),
            ("?agency=ori:TX0000001", vec!["2024-01-01", "2025-02-01"]),
            ("?agency=ori:TX0000001&limit=1", vec!["2024-01-01", "2025-02-01"]),
            ("?agency=ori:TX0000009", vec![]),
            ("?standard=one-mind-2016", vec!["2027-03-01"]),
            ("?standard=unheard-of", vec![]),
            ("?running_on=2023-12-31", vec![]),
            ("?running_on=2024-01-01", vec!["2024-01-01"]),
            ("?running_on=2025-01-01", vec!["2024-01-01"]),
            ("?running_on=2025-01-02", vec![]),
            ("?running_on=2025-05-31", vec!["2025-02-01"]),
            ("?running_on=2025-06-01", vec![]),
            ("?running_on=2030-03-01", vec!["2027-03-01"]),
            ("?running_on=2030-03-02", vec![]),
            ("?running_on=2030-03-01&standard=one-mind", vec![]),
        ] {
            let found: Vec<_> = staff.all(&format!("/v1/pledges{query}")).await.iter().map(|item| item["pledged_on"].as_str().unwrap().to_owned()).collect();
            assert_eq!(found, expected, "{query}");
        }
        let bad = staff.get("/v1/pledges?agency=x&running_on=today&limit=0").await;
        assert_eq!(bad.problem(400, "invalid-parameter"), ["/agency invalid_agency", "/running_on invalid_date", "/limit invalid_limit"]);
    }

    async fn a_pledge_outside_the_grant_is_not_found(app: TestApp) {
        let staff = app.staff();
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let theirs = made(&staff, "ori:TX0000002", "2025-02-01", 24).await;
        let before = staff.get(&theirs).await.expect(200);
        let client = app.client("tool", "pledges:read pledges:write", Some(&["ori:TX0000001"]));
        client.get(&theirs).await.problem(404, "not-found");
        client.patch(&theirs, &json!({"term_months": 12})).await.problem(404, "not-found");
        client.put(&theirs, &body("ori:TX0000001", "2025-02-01", 24)).await.problem(404, "not-found");
        client.post(&format!("{theirs}/withdrawal"), &withdrawal("2025-06-01")).await.problem(404, "not-found");
        client.delete(&theirs).await.problem(404, "not-found");
        let refused = client.post("/v1/pledges", &body("ori:TX0000002", "2025-02-01", 24)).await;
        assert_eq!(refused.problem(422, "invalid-content"), ["/agency unknown_agency"]);
        made(&client, "ori:TX0000001", "2025-02-01", 24).await;
        assert_eq!(client.all("/v1/pledges").await.len(), 1);
        assert_eq!(client.all("/v1/pledges?agency=ori:TX0000002").await.len(), 0);
        assert_eq!(staff.get(&theirs).await.expect(200), before);
    }

    async fn each_scope_opens_its_own_operations_alone(app: TestApp) {
        app.agency("TX2270000").await;
        let (reader, writer) = (app.client("reader", "pledges:read", None), app.client("writer", "pledges:write", None));
        reader.post("/v1/pledges", &body("ori:TX2270000", "2025-02-01", 24)).await.problem(403, "missing-scope");
        let path = made(&writer, "ori:TX2270000", "2025-02-01", 24).await;
        reader.get(&path).await.expect(200);
        writer.get(&path).await.problem(403, "missing-scope");
        writer.get("/v1/pledges").await.problem(403, "missing-scope");
        reader.patch(&path, &json!({})).await.problem(403, "missing-scope");
        reader.put(&path, &body("ori:TX2270000", "2025-02-01", 24)).await.problem(403, "missing-scope");
        reader.post(&format!("{path}/withdrawal"), &withdrawal("2025-06-01")).await.problem(403, "missing-scope");
        reader.delete(&path).await.problem(403, "missing-scope");
        app.stranger().get("/v1/pledges").await.problem(401, "unauthorized");
    }

    async fn bad_input_names_every_fault(app: TestApp) {
        let staff = app.staff();
        app.agency("TX2270000").await;
        app.agency("TX0000002").await;
        let good = body("ori:TX2270000", "2025-02-01", 24);
        let path = made(&staff, "ori:TX2270000", "2025-02-01", 24).await;
        let with = |pointer: &str, value: Value| {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            bad
        };
        for (bad, faults) in [
            (json!({}), vec!["/agency required", "/standard required", "/pledged_on required", "/term_months required", "/signatory required"]),
            (with("/term_months", json!(11)), vec!["/term_months invalid_term"]),
            (with("/term_months", json!(37)), vec!["/term_months invalid_term"]),
            (with("/term_months", json!(-12)), vec!["/term_months invalid_term"]),
            (with("/term_months", json!(268)), vec!["/term_months invalid_term"]),
            (with("/term_months", json!("24")), vec!["/term_months wrong_type"]),
            (with("/term_months", json!(24.5)), vec!["/term_months wrong_type"]),
            (with("/standard", json!("two-minds")), vec!["/standard unknown_standard"]),
            (with("/standard", json!("ONE-MIND")), vec!["/standard unknown_standard"]),
            (with("/standard", json!("")), vec!["/standard empty"]),
            (with("/pledged_on", json!("2025-02-29")), vec!["/pledged_on invalid_date"]),
            (with("/signatory", json!({"name": "A\u{0}", "office": "B"})), vec!["/signatory/name invalid_text", "/signatory/office unknown_field", "/signatory/title required"]),
            (json!({"agency": "ori:TX9999999", "standard": "two-minds", "pledged_on": "2025-02-01", "term_months": 12, "signatory": {"name": "A", "title": "B"}}),
                vec!["/standard unknown_standard", "/agency unknown_agency"]),
        ] {
            assert_eq!(staff.post("/v1/pledges", &bad).await.problem(422, "invalid-content"), faults, "POST {bad}");
            assert_eq!(staff.put(&path, &bad).await.problem(422, "invalid-content"), faults, "PUT {bad}");
        }
        let moved = staff.patch(&path, &json!({"agency": "ori:TX0000002"})).await;
        assert_eq!(moved.problem(422, "invalid-content"), ["/agency agency_fixed"]);
        assert_eq!(staff.patch(&path, &json!({"withdrawn_on": "2025-06-01"})).await.problem(422, "invalid-content"), ["/withdrawn_on unknown_field"]);
        assert_eq!(staff.all("/v1/pledges").await.len(), 1);
    }

    async fn the_filter_by_state_finds_what_says_that_state(app: TestApp) {
        recognized(&app).await;
        let staff = app.staff();
        let mut paths = Vec::new();
        let terms = [("2024-11-22", 24), ("2024-11-23", 24), ("2025-02-19", 24), ("2025-02-20", 24), ("2026-11-22", 12), ("2025-06-01", 36)];
        for (count, (pledged_on, months)) in terms.into_iter().enumerate() {
            let agency = format!("TX00001{count:02}");
            app.agency(&agency).await;
            paths.push(made(&staff, &format!("ori:{agency}"), pledged_on, months).await);
        }
        staff.post(&format!("{}/extension", paths[1]), &json!({"due_on": "2027-02-20", "reason": "Another mayor"})).await.expect(200);
        staff.post(&format!("{}/withdrawal", paths[5]), &json!({"withdrawn_on": "2026-11-23", "reason": "Another mayor"})).await.expect(200);
        ready(&app, "TX0000001").await;
        let certification = applied(&app, "TX0000001").await;
        for decision in ["start_review", "award"] {
            decided(&reviewer(&app), &certification, decision).await;
        }
        let mut seen = std::collections::BTreeSet::new();
        // 90 days before the terms end, on their last days, and on the days after.
        for days in [0, 1, 1, 89, 1, 1] {
            app.clock.advance(SignedDuration::from_hours(24 * days));
            let staff = app.staff();
            let all = staff.all("/v1/pledges").await;
            assert_eq!(all.len(), 7);
            for state in ["upcoming", "running", "due_soon", "overdue", "fulfilled", "withdrawn"] {
                let ids = |pledges: Vec<Value>| pledges.into_iter().map(|pledge| pledge["id"].clone()).collect::<Vec<_>>();
                let expected: Vec<Value> = all.iter().filter(|pledge| pledge["state"] == state).cloned().collect();
                if !expected.is_empty() {
                    seen.insert(state);
                }
                assert_eq!(ids(staff.all(&format!("/v1/pledges?state={state}")).await), ids(expected), "{state} after {days} days more");
            }
        }
        assert_eq!(seen.len(), 6, "{seen:?}");
    }
}
