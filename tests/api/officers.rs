//! `/v1/officers`

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, TestApp};

fn appointment(agency: &str) -> Value {
    json!({"agency": agency, "sworn": true, "employment": "full_time", "rank": null, "employee_number": "E-17", "badge_number": "88",
        "started_on": "2019-05-01", "ended_on": null})
}

fn rivera(agency: &str) -> Value {
    json!({"given_name": "María", "family_name": "Rivera", "email": "M.Rivera@example.org",
        "identifiers": [{"system": "post:US-TX", "value": "1001"}], "appointments": [appointment(agency)]})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

fn vendor(app: &TestApp, name: &str, agency: &str) -> Client {
    app.client(name, "officers:read officers:write", Some(&[agency]))
}

async fn ids(client: &Client, path: &str) -> Vec<Value> {
    client.all(path).await.into_iter().map(|officer| officer["id"].clone()).collect()
}

on_both_databases! {
    async fn an_officer_is_described_read_changed_and_deleted(app: TestApp) {
        let agency = app.agency("TX0000001").await;
        let rms = vendor(&app, "rms", "ori:TX0000001");
        let created = rms.post("/v1/officers", &rivera("ori:TX0000001")).await;
        let officer = created.expect(201);
        let path = format!("/v1/officers/{}", officer["id"].as_str().unwrap());
        assert_eq!(created.header("location"), path);
        assert_eq!(officer, json!({"id": officer["id"], "given_name": "María", "family_name": "Rivera", "email": "M.Rivera@example.org",
            "identifiers": [{"system": "post:US-TX", "value": "1001"}],
            "appointments": [{"id": officer["appointments"][0]["id"], "officer_id": officer["id"],
                "agency": {"id": agency, "ori": "TX0000001", "name": "Agency TX0000001"}, "sworn": true, "employment": "full_time", "rank": null,
                "employee_number": "E-17", "badge_number": "88", "started_on": "2019-05-01", "ended_on": null,
                "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"}],
            "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"}));
        let read = rms.get(&path).await;
        assert_eq!(read.expect(200), officer);
        let tag = read.header("etag").to_owned();

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let patch = json!({"email": null, "identifiers": [{"system": "hr", "value": "7"}, {"system": "post:US-TX", "value": "1001"}]});
        let changed = rms.patch(&path, &patch).await.expect(200);
        assert_eq!((&changed["email"], &changed["identifiers"], &changed["updated_at"]), (&json!(null), &patch["identifiers"], &json!("2026-11-21T13:00:00Z")));
        let stale = rms.request(reqwest::Method::PUT, &path).header("if-match", tag).json(&json!({"given_name": "M", "family_name": "R"}));
        rms.send(stale).await.problem(412, "precondition-failed");
        let put = rms.put(&path, &json!({"given_name": "Maria", "family_name": "Rivera-Lopez"})).await.expect(200);
        assert_eq!((&put["family_name"], &put["identifiers"]), (&json!("Rivera-Lopez"), &json!([])));
        assert_eq!(rms.get(&path).await.expect(200), put);

        assert_eq!(rms.delete(&path).await.problem(409, "conflict"), [" officer_in_use"]);
        rms.patch(&format!("{path}/appointments/{}", officer["appointments"][0]["id"].as_str().unwrap()), &json!({"ended_on": "2026-01-01"})).await.expect(200);
        assert_eq!(rms.delete(&path).await.status, 204);
        rms.get(&path).await.problem(404, "not-found");
    }

    async fn an_officer_who_has_completions_stays(app: TestApp) {
        app.agency("TX0000001").await;
        let staff = app.staff();
        let body = with(rivera("ori:TX0000001"), "appointments", json!([with(appointment("ori:TX0000001"), "ended_on", json!("2026-06-01"))]));
        let officer = staff.post("/v1/officers", &body).await.expect(201);
        let training = json!({"code": "CIT-40", "title": "CIT", "program": "cit", "category": "crisis_intervention"});
        staff.post("/v1/trainings", &training).await.expect(201);
        let record = json!({"external_id": "1", "officer": {"id": officer["id"]}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
        staff.post("/v1/completions", &record).await.expect(201);
        let path = format!("/v1/officers/{}", officer["id"].as_str().unwrap());
        assert_eq!(staff.delete(&path).await.problem(409, "conflict"), [" officer_in_use"]);
    }

    async fn bad_input_is_refused_with_every_fault(app: TestApp) {
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let rms = vendor(&app, "rms", "ori:TX0000001");
        let good = rivera("ori:TX0000001");
        let identifier = |system: &str, value: &str| json!([{"system": system, "value": value}]);
        let spell = |start: &str, end: Value| with(with(appointment("ori:TX0000001"), "started_on", json!(start)), "ended_on", end);
        let cases = [
            (with(good.clone(), "appointments", json!([])), vec!["/appointments required"]),
            (with(good.clone(), "appointments", json!([appointment("ori:TX0000002")])), vec!["/appointments/0/agency unknown_agency"]),
            (with(good.clone(), "appointments", json!([appointment("ori:TX9999999"), spell("2020-01-01", json!("2019-01-01"))])),
                vec!["/appointments/0/agency unknown_agency", "/appointments/1/ended_on ends_before_start"]),
            (with(good.clone(), "appointments", json!([spell("2019-01-01", json!(null)), spell("2020-01-01", json!(null))])),
                vec!["/appointments/1 overlapping_appointment"]),
            (with(good.clone(), "appointments", json!([with(appointment("ori:TX1"), "started_on", json!("2019-02-29"))])),
                vec!["/appointments/0/agency invalid_ori", "/appointments/0/started_on invalid_date"]),
            (with(good.clone(), "identifiers", identifier("us-ssn", "1")), vec!["/identifiers/0 forbidden_identifier"]),
            (with(good.clone(), "identifiers", identifier("hr", "123-45-6789")), vec!["/identifiers/0 forbidden_identifier"]),
            (with(good.clone(), "identifiers", json!(vec![json!({"system": "hr", "value": "1"}); 2])), vec!["/identifiers/1 duplicate_identifier"]),
            (with(good.clone(), "identifiers", (0..101).map(|n| json!({"system": "hr", "value": n.to_string()})).collect()), vec!["/identifiers too_many"]),
            (with(good.clone(), "birth_date", json!("1980-01-01")), vec!["/birth_date unknown_field"]),
            (with(good.clone(), "given_name", json!("a\u{0}b")), vec!["/given_name invalid_text"]),
            (with(good.clone(), "family_name", json!("x".repeat(10_000))), vec!["/family_name too_long"]),
            (with(good.clone(), "email", json!(17)), vec!["/email wrong_type"]),
            (json!({}), vec!["/given_name required", "/family_name required"]),
        ];
        for (body, faults) in cases {
            assert_eq!(rms.post("/v1/officers", &body).await.problem(422, "invalid-content"), faults, "{body}");
        }
        assert!(ids(&app.staff(), "/v1/officers").await.is_empty());
    }

    async fn a_list_is_narrowed_by_what_describes_officers(app: TestApp) {
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let staff = app.staff();
        let first = staff.post("/v1/officers", &rivera("ori:TX0000001")).await.expect(201)["id"].clone();
        let other = json!({"given_name": "Maria", "family_name": "O'Brien Jr.", "identifiers": [{"system": "a|b", "value": "c|d"}],
            "appointments": [appointment("ori:TX0000002")]});
        let second = staff.post("/v1/officers", &other).await.expect(201)["id"].clone();
        let nobody: [Value; 0] = [];
        assert_eq!(ids(&staff, "/v1/officers").await, [first.clone(), second.clone()]);
        assert_eq!(ids(&staff, "/v1/officers?limit=1").await, [first.clone(), second.clone()]);
        assert_eq!(ids(&staff, "/v1/officers?agency=ori:TX0000002").await, std::slice::from_ref(&second));
        assert_eq!(ids(&staff, "/v1/officers?agency=ori:TX0000009").await, nobody);
        assert_eq!(ids(&staff, "/v1/officers?given_name=MARIA").await, [first.clone(), second.clone()]);
        assert_eq!(ids(&staff, "/v1/officers?family_name=obrien").await, std::slice::from_ref(&second));
        assert_eq!(ids(&staff, "/v1/officers?email=m.rivera@EXAMPLE.org").await, std::slice::from_ref(&first));
        assert_eq!(ids(&staff, "/v1/officers?email=m.rivera@example.org&family_name=obrien").await, nobody);
        assert_eq!(ids(&staff, "/v1/officers?identifier_system=post:US-TX&identifier_value=1001").await, std::slice::from_ref(&first));
        assert_eq!(ids(&staff, "/v1/officers?identifier_system=a%7Cb&identifier_value=c%7Cd").await, [second]);
        assert_eq!(ids(&staff, "/v1/officers?identifier_system=a&identifier_value=b%7Cc%7Cd").await, nobody);
        assert_eq!(staff.get("/v1/officers?identifier_system=a").await.problem(400, "invalid-parameter"), ["/identifier_value required"]);
        assert_eq!(staff.get("/v1/officers?badge=88").await.problem(400, "invalid-parameter"), ["/badge unknown_field"]);
    }

    async fn a_client_sees_officers_by_the_appointments_within_its_grant(app: TestApp) {
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let staff = app.staff();
        let body = with(rivera("ori:TX0000001"), "appointments", json!([appointment("ori:TX0000001"), appointment("ori:TX0000002")]));
        let both = staff.post("/v1/officers", &body).await.expect(201);
        let mut theirs = rivera("ori:TX0000002");
        theirs["identifiers"] = json!([]);
        let theirs = staff.post("/v1/officers", &theirs).await.expect(201)["id"].as_str().unwrap().to_owned();
        let rms = vendor(&app, "rms", "ori:TX0000001");
        let seen = rms.all("/v1/officers").await;
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0]["appointments"], json!([both["appointments"][0]]));
        let path = format!("/v1/officers/{theirs}");
        rms.get(&path).await.problem(404, "not-found");
        rms.patch(&path, &json!({"given_name": "X"})).await.problem(404, "not-found");
        rms.put(&path, &json!({"given_name": "X", "family_name": "Y"})).await.problem(404, "not-found");
        rms.delete(&path).await.problem(404, "not-found");
        rms.get(&format!("{path}/appointments")).await.problem(404, "not-found");
        rms.post(&format!("{path}/appointments"), &appointment("ori:TX0000001")).await.problem(404, "not-found");
        let elsewhere = both["appointments"][1]["id"].as_str().unwrap();
        let elsewhere = format!("/v1/officers/{}/appointments/{elsewhere}", both["id"].as_str().unwrap());
        rms.get(&elsewhere).await.problem(404, "not-found");
        rms.patch(&elsewhere, &json!({"ended_on": "2026-01-01"})).await.problem(404, "not-found");
        rms.delete(&elsewhere).await.problem(404, "not-found");
        assert_eq!(ids(&rms, "/v1/officers?agency=ori:TX0000002").await.len(), 0);

        // Of somebody who serves elsewhere too, a delete takes what the caller sees.
        let path = format!("/v1/officers/{}", both["id"].as_str().unwrap());
        rms.patch(&format!("{path}/appointments/{}", both["appointments"][0]["id"].as_str().unwrap()), &json!({"ended_on": "2026-01-01"})).await.expect(200);
        assert_eq!(rms.delete(&path).await.status, 204);
        rms.get(&path).await.problem(404, "not-found");
        assert_eq!(staff.get(&path).await.expect(200)["appointments"], json!([both["appointments"][1]]));
    }

    async fn an_identifier_belongs_to_one_officer(app: TestApp) {
        app.agency("TX0000001").await;
        let rms = vendor(&app, "rms", "ori:TX0000001");
        rms.post("/v1/officers", &rivera("ori:TX0000001")).await.expect(201);
        assert_eq!(rms.post("/v1/officers", &rivera("ori:TX0000001")).await.problem(409, "conflict"), [" identifier_taken"]);
        let other = with(rivera("ori:TX0000001"), "identifiers", json!([]));
        let other = rms.post("/v1/officers", &other).await.expect(201)["id"].as_str().unwrap().to_owned();
        let patch = json!({"identifiers": [{"system": "post:US-TX", "value": "1001"}]});
        assert_eq!(rms.patch(&format!("/v1/officers/{other}"), &patch).await.problem(409, "conflict"), [" identifier_taken"]);
    }

    async fn an_officer_who_arrives_gets_the_completions_that_waited(app: TestApp) {
        app.agency("TX0000001").await;
        let staff = app.staff();
        let training = json!({"code": "CIT-40", "title": "CIT", "program": "cit", "category": "crisis_intervention"});
        staff.post("/v1/trainings", &training).await.expect(201);
        let lms = app.client("lms", "completions:read completions:write", Some(&["ori:TX0000001"]));
        let push = |external_id: &str, officer: Value| {
            let record = json!({"external_id": external_id, "officer": officer, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
            let lms = lms.clone();
            async move { lms.post("/v1/completions", &record).await.expect(202)["id"].as_str().unwrap().to_owned() }
        };
        let by_badge = push("1", json!({"agency": "ori:TX0000001", "badge_number": "88", "family_name": "RIVERA"})).await;
        let by_key = push("2", json!({"identifier": {"system": "post:US-TX", "value": "1001"}})).await;
        let by_name = push("3", json!({"agency": "ori:TX0000001", "family_name": "Rivera", "given_name": "Maria", "appointed_on": "2019-05-01"})).await;
        let by_new_badge = push("4", json!({"agency": "ori:TX0000001", "badge_number": "99"})).await;
        let officer = staff.post("/v1/officers", &rivera("ori:TX0000001")).await.expect(201);
        for id in [by_badge, by_key, by_name] {
            assert_eq!(lms.get(&format!("/v1/completions/{id}")).await.expect(200)["officer_id"], officer["id"]);
        }
        let path = format!("/v1/completions/{by_new_badge}");
        assert_eq!(lms.get(&path).await.expect(200)["status"], "parked");
        let spell = format!("/v1/officers/{}/appointments/{}", officer["id"].as_str().unwrap(), officer["appointments"][0]["id"].as_str().unwrap());
        staff.patch(&spell, &json!({"badge_number": "99", "numbers_effective_on": "2026-03-07"})).await.expect(200);
        assert_eq!(lms.get(&path).await.expect(200)["status"], "parked");
        staff.patch(&spell, &json!({"badge_number": "98"})).await.expect(200);
        staff.patch(&spell, &json!({"badge_number": "99", "numbers_effective_on": "2026-03-06"})).await.expect(200);
        assert_eq!(lms.get(&path).await.expect(200)["officer_id"], officer["id"]);
    }
}
