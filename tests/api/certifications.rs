//! `/v1/certifications`

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, TestApp};

const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// A pledge of an agency, and of its evidence all but the training.
async fn pledged(app: &TestApp, ori: &str) -> String {
    let staff = app.staff();
    let (id, agency) = (app.agency(ori).await, format!("ori:{ori}"));
    let pledge = json!({"agency": agency, "standard": "one-mind", "pledged_on": "2025-02-01", "term_months": 24,
        "signatory": {"name": "Maria Rivera", "title": "Chief of Police"}});
    staff.post("/v1/pledges", &pledge).await.expect(201);
    let document = json!({"url": "https://example.org/mou.pdf", "sha256": SHA256});
    let partnership = json!({"agency": agency, "organization": {"name": "Hill Country MHDD", "kind": "community_mental_health"}, "agreement": "mou",
        "effective_on": "2025-01-01", "ends_on": "2028-01-01", "document": document});
    staff.post("/v1/partnerships", &partnership).await.expect(201);
    let policy =
        json!({"agency": agency, "title": "Response to people in crisis", "adopted_on": "2025-01-01", "ends_on": null, "document": document});
    staff.post("/v1/policies", &policy).await.expect(201);
    id
}

/// Officers with badge numbers from 1, hired in 2019.
async fn staffed(app: &TestApp, ori: &str, count: usize) {
    for badge in 1..=count {
        let appointment = json!({"agency": format!("ori:{ori}"), "sworn": true, "badge_number": badge.to_string(), "started_on": "2019-05-01"});
        let officer = json!({"given_name": "Ada", "family_name": format!("Officer {badge}"), "appointments": [appointment]});
        app.staff().post("/v1/officers", &officer).await.expect(201);
    }
}

/// A completion of CIT-40 by whoever bears a badge number.
async fn trained(app: &TestApp, ori: &str, badge: usize) {
    let completion = json!({"external_id": format!("{ori}-{badge}"), "officer": {"agency": format!("ori:{ori}"), "badge_number": badge.to_string()},
        "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
    app.staff().post("/v1/completions", &completion).await.expect(201);
}

pub async fn recognized(app: &TestApp) {
    let training = app.training("CIT-40").await;
    app.staff().put(&format!("/v1/trainings/{training}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
}

/// An agency that meets everything.
pub async fn ready(app: &TestApp, ori: &str) -> String {
    let id = pledged(app, ori).await;
    staffed(app, ori, 1).await;
    trained(app, ori, 1).await;
    id
}

/// The agency's own tool.
pub fn tool(app: &TestApp, ori: &str) -> Client {
    app.client("agency tool", "certifications:read certifications:write status:read", Some(&[&format!("ori:{ori}")]))
}

/// Who decides.
pub fn reviewer(app: &TestApp) -> Client {
    app.client("reviewer", "certifications:read certifications:decide pledges:read status:read", None)
}

pub async fn applied(app: &TestApp, ori: &str) -> String {
    let application = tool(app, ori).post("/v1/certifications", &json!({"agency": format!("ori:{ori}")})).await.expect(201);
    format!("/v1/certifications/{}", application["id"].as_str().unwrap())
}

pub async fn decided(reviewer: &Client, path: &str, decision: &str) -> Value {
    reviewer.post(&format!("{path}/decision"), &json!({"decision": decision, "note": "as discussed"})).await.expect(200)
}

async fn stage(client: &Client, ori: &str, as_of: &str) -> String {
    let status = client.get(&format!("/v1/agencies/ori:{ori}/certification-status?as_of={as_of}")).await.expect(200);
    status["stage"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn an_application_is_refused_with_exactly_what_is_short(app: TestApp) {
        recognized(&app).await;
        app.agency("TX0000001").await;
        let apply = json!({"agency": "ori:TX0000001"});
        let own = tool(&app, "TX0000001");
        assert_eq!(own.post("/v1/certifications", &apply).await.problem(409, "conflict"), [" no_pledge"]);
        let pledge = json!({"agency": "ori:TX0000001", "standard": "one-mind", "pledged_on": "2025-02-01", "term_months": 24,
            "signatory": {"name": "Maria Rivera", "title": "Chief of Police"}});
        app.staff().post("/v1/pledges", &pledge).await.expect(201);
        let refused = own.post("/v1/certifications", &apply).await;
        assert_eq!(refused.problem(409, "conflict"),
            ["/requirements/partnership", "/requirements/policy", "/requirements/training/sworn"].map(|place| format!("{place} requirement_not_met")));

        pledged(&app, "TX0000002").await;
        staffed(&app, "TX0000002", 4).await;
        trained(&app, "TX0000002", 1).await;
        let strength = json!({"ori": "TX0000002", "name": "Agency TX0000002", "kind": "sheriff", "country": "US", "subdivision": "US-TX",
            "sworn_strength": {"count": 6, "as_of": "2026-01-01"}});
        app.staff().put("/v1/agencies/ori:TX0000002", &strength).await.expect(200);
        let own = tool(&app, "TX0000002");
        let refused = own.post("/v1/certifications", &json!({"agency": "ori:TX0000002"})).await;
        let places = ["/requirements/training/trained", "/requirements/training/crisis_intervention"];
        assert_eq!(refused.problem(409, "conflict"), places.map(|place| format!("{place} requirement_not_met")));
        let details: Vec<String> = refused.json()["errors"].as_array().unwrap().iter().map(|error| error["detail"].as_str().unwrap().to_owned()).collect();
        assert_eq!(details, [
            "1 of 6 sworn officers are trained as the standard asks of everybody, 6 are needed: 5 short; 2 of the 6 declared are not on the roster",
            "1 of 6 sworn officers hold crisis intervention training, 2 are needed: 1 short; 2 of the 6 declared are not on the roster",
        ]);
        let staff = app.staff();
        assert_eq!(staff.all("/v1/certifications").await, [Value::Null; 0]);
        let gone = staff.all("/v1/pledges?agency=ori:TX0000002").await[0]["id"].as_str().unwrap().to_owned();
        staff.post(&format!("/v1/pledges/{gone}/withdrawal"), &json!({"withdrawn_on": "2026-11-21", "reason": "x"})).await.expect(200);
        assert_eq!(own.post("/v1/certifications", &json!({"agency": "ori:TX0000002"})).await.problem(409, "conflict"), [" no_pledge"]);
    }

    async fn an_application_is_as_it_was_sent_and_goes_no_way_but_forward(app: TestApp) {
        recognized(&app).await;
        let agency = ready(&app, "TX2270000").await;
        let (own, reviewer, staff) = (tool(&app, "TX2270000"), reviewer(&app), app.staff());
        let created = own.post("/v1/certifications", &json!({"agency": "ori:TX2270000", "note": "All done"})).await;
        let application = created.expect(201);
        let path = format!("/v1/certifications/{}", application["id"].as_str().unwrap());
        assert_eq!(created.header("location"), path);
        let pledge = &staff.all("/v1/pledges").await[0]["id"];
        let (partnership, policy) = (&staff.all("/v1/partnerships").await[0]["id"], &staff.all("/v1/policies").await[0]["id"]);
        let document = json!({"url": "https://example.org/mou.pdf", "sha256": SHA256});
        let one = json!({"count": 1, "needed": 1, "short": 0, "met": true});
        let evaluation = json!({
            "as_of": "2026-11-21",
            "agency": {"id": agency, "ori": "TX2270000", "name": "Agency TX2270000"},
            "signatory": {"name": "Maria Rivera", "title": "Chief of Police"},
            "standard": {"code": "one-mind", "title": application["steps"][0]["evaluation"]["standard"]["title"],
                "crisis_share": {"numerator": 1, "denominator": 5}, "crisis_counts_as_awareness": true, "lapsed_credit_counts": false},
            "pledge": {"id": pledge, "pledged_on": "2025-02-01", "due_on": "2027-02-01"},
            "requirements": {"partnership": {"met": true, "in_force": 1}, "policy": {"met": true, "in_force": 1},
                "training": {"met": true, "sworn": 1, "roster": 1, "declared": null, "roster_incomplete": false, "trained": one, "crisis_intervention": one}},
            "partnerships": [{"id": partnership, "organization": "Hill Country MHDD", "agreement": "mou", "effective_on": "2025-01-01", "ends_on": "2028-01-01",
                "document": document}],
            "policies": [{"id": policy, "title": "Response to people in crisis", "adopted_on": "2025-01-01", "ends_on": null, "document": document}],
        });
        let who = &application["steps"][0]["client"];
        let expected = json!({"id": application["id"], "agency": {"id": agency, "ori": "TX2270000", "name": "Agency TX2270000"}, "pledge": pledge,
            "state": "applied", "possible": ["start_review"], "number": null, "applied_on": "2026-11-21", "awarded_on": null, "declined_on": null,
            "revoked_on": null, "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z",
            "steps": [{"step": "apply", "note": "All done", "client": who, "taken_at": "2026-11-21T12:00:00Z", "evaluation": evaluation}]});
        assert_eq!(application, expected);
        let read = own.get(&path).await;
        assert_eq!((read.expect(200), read.header("etag")), (expected.clone(), created.header("etag")));
        assert_eq!(stage(&own, "TX2270000", "2026-11-21").await, "in_review");
        assert_eq!(stage(&own, "TX2270000", "2026-11-20").await, "requirements_met");
        let again = own.post("/v1/certifications", &json!({"agency": "ori:TX2270000"})).await;
        assert_eq!(again.problem(409, "conflict"), [" application_open"]);

        let decision = format!("{path}/decision");
        let premature = reviewer.post(&decision, &json!({"decision": "award"})).await;
        assert_eq!(premature.problem(409, "conflict"), [" impossible_step"]);
        assert_eq!(premature.json()["detail"], "the application is applied, from where `award` leads nowhere; possible: start_review");
        let early = own.post(&format!("{path}/resubmission"), &json!({"note": "here"})).await;
        assert_eq!(early.problem(409, "conflict"), [" impossible_step"]);
        own.post(&decision, &json!({"decision": "start_review"})).await.problem(403, "missing-scope");
        for (bad, faults) in [
            (json!({}), vec!["/decision required"]),
            (json!({"decision": "approve", "note": "", "by": "x"}), vec!["/decision invalid_decision", "/note empty", "/by unknown_field"]),
        ] {
            assert_eq!(reviewer.post(&decision, &bad).await.problem(422, "invalid-content"), faults, "{bad}");
        }
    }

    async fn an_application_is_returned_resubmitted_and_awarded(app: TestApp) {
        recognized(&app).await;
        ready(&app, "TX2270000").await;
        let (own, reviewer, staff) = (tool(&app, "TX2270000"), reviewer(&app), app.staff());
        let path = applied(&app, "TX2270000").await;
        let decision = format!("{path}/decision");
        let mut expected = own.get(&path).await.expect(200);
        let (who, pledge) = (expected["steps"][0]["client"].clone(), expected["pledge"].clone());
        let evaluation = expected["steps"][0]["evaluation"].clone();
        app.clock.advance(SignedDuration::from_hours(24));
        assert_eq!(decided(&reviewer, &path, "start_review").await["state"], "in_review");
        for needs in ["return", "decline"] {
            assert_eq!(reviewer.post(&decision, &json!({"decision": needs})).await.problem(422, "invalid-content"), ["/note required"], "{needs}");
        }
        let returned = reviewer.post(&decision, &json!({"decision": "return", "note": "Who trained them?"})).await.expect(200);
        assert_eq!((&returned["state"], &returned["possible"]), (&json!("returned"), &json!(["resubmit", "decline"])));
        assert_eq!(stage(&own, "TX2270000", "2026-11-22").await, "in_review");
        assert_eq!(own.post(&format!("{path}/resubmission"), &json!({})).await.problem(422, "invalid-content"), ["/note required"]);
        let resubmitted = own.post(&format!("{path}/resubmission"), &json!({"note": "The county did"})).await.expect(200);
        assert_eq!((&resubmitted["state"], &resubmitted["steps"][3]["note"]), (&json!("in_review"), &json!("The county did")));
        assert_eq!(resubmitted["steps"][3]["evaluation"]["as_of"], "2026-11-22");

        app.clock.advance(SignedDuration::from_hours(24));
        let post = || reviewer.send(reviewer.request(Method::POST, &decision).header("idempotency-key", "a1").json(&json!({"decision": "award"})));
        let awarded = post().await.expect(200);
        assert_eq!(post().await.expect(200), awarded);
        let by = &awarded["steps"][4]["client"];
        assert_ne!(*by, who);
        let mut last = evaluation.clone();
        last["as_of"] = json!("2026-11-23");
        let step = |step: &str, note: &str, client: &Value, day: &str| {
            json!({"step": step, "note": note, "client": client, "taken_at": format!("{day}T12:00:00Z"), "evaluation": null})
        };
        let mut second = step("resubmit", "The county did", &who, "2026-11-22");
        second["evaluation"] = resubmitted["steps"][3]["evaluation"].clone();
        expected["state"] = json!("awarded");
        expected["possible"] = json!(["revoke"]);
        expected["number"] = json!("OMC-2026-000001");
        expected["awarded_on"] = json!("2026-11-23");
        expected["updated_at"] = json!("2026-11-23T12:00:00Z");
        expected["steps"] = json!([
            expected["steps"][0], step("start_review", "as discussed", by, "2026-11-22"), step("return", "Who trained them?", by, "2026-11-22"), second,
            {"step": "award", "note": null, "client": by, "taken_at": "2026-11-23T12:00:00Z", "evaluation": last},
        ]);
        assert_eq!(awarded, expected);
        assert_eq!(own.get(&path).await.expect(200), expected);
        let days = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2030-01-01"];
        let mut stages = Vec::new();
        for day in days {
            stages.push(stage(&own, "TX2270000", day).await);
        }
        assert_eq!(stages, ["requirements_met", "in_review", "in_review", "certified", "certified"]);
        assert_eq!(reviewer.all("/v1/pledges?state=fulfilled").await[0]["state"], "fulfilled");
        assert_eq!(own.post("/v1/certifications", &json!({"agency": "ori:TX2270000"})).await.problem(409, "conflict"), [" already_certified"]);
        let held = staff.delete(&format!("/v1/pledges/{}", pledge.as_str().unwrap())).await;
        assert_eq!(held.problem(409, "conflict"), [" pledge_applied_on"]);
    }

    async fn what_was_awarded_stays_as_it_was_until_it_is_revoked(app: TestApp) {
        recognized(&app).await;
        ready(&app, "TX2270000").await;
        let (own, reviewer, staff) = (tool(&app, "TX2270000"), reviewer(&app), app.staff());
        let path = applied(&app, "TX2270000").await;
        let decision = format!("{path}/decision");
        decided(&reviewer, &path, "start_review").await;
        let expected = decided(&reviewer, &path, "award").await;
        let policy = staff.all("/v1/policies").await[0]["id"].clone();
        staff.patch(&format!("/v1/policies/{}", policy.as_str().unwrap()), &json!({"title": "Another", "ends_on": "2026-11-22", "document": null})).await.expect(200);
        assert_eq!(own.get(&path).await.expect(200), expected);
        app.clock.advance(SignedDuration::from_hours(24));
        let status = own.get("/v1/agencies/ori:TX2270000/certification-status").await.expect(200);
        assert_eq!((&status["stage"], &status["maintained"]), (&json!("certified"), &json!(false)));

        assert_eq!(reviewer.post(&decision, &json!({"decision": "revoke"})).await.problem(422, "invalid-content"), ["/note required"]);
        let revoked = decided(&reviewer, &path, "revoke").await;
        assert_eq!((&revoked["state"], &revoked["possible"], &revoked["revoked_on"]), (&json!("revoked"), &json!([]), &json!("2026-11-22")));
        assert_eq!((&revoked["number"], &revoked["awarded_on"]), (&expected["number"], &expected["awarded_on"]));
        assert_eq!([stage(&own, "TX2270000", "2026-11-21").await, stage(&own, "TX2270000", "2026-11-22").await], ["certified", "revoked"]);
        assert_eq!(reviewer.all("/v1/pledges?state=fulfilled").await, [Value::Null; 0]);
        let over = reviewer.post(&decision, &json!({"decision": "start_review"})).await;
        assert!(over.problem(409, "conflict") == [" impossible_step"] && over.text.contains("possible: nothing more"), "{}", over.text);
    }

    async fn who_applied_does_not_decide(app: TestApp) {
        recognized(&app).await;
        ready(&app, "TX0000001").await;
        let both = app.client("both", "certifications:read certifications:write certifications:decide", None);
        let application = both.post("/v1/certifications", &json!({"agency": "ori:TX0000001"})).await.expect(201);
        let path = format!("/v1/certifications/{}", application["id"].as_str().unwrap());
        both.post(&format!("{path}/decision"), &json!({"decision": "start_review"})).await.problem(403, "outside-grant");
        let reviewer = reviewer(&app);
        decided(&reviewer, &path, "start_review").await;
        decided(&reviewer, &path, "return").await;
        // Whoever answers for the agency is on its side, too.
        let other = app.client("other", "certifications:write certifications:decide", None);
        other.post(&format!("{path}/resubmission"), &json!({"note": "here"})).await.expect(200);
        other.post(&format!("{path}/decision"), &json!({"decision": "award"})).await.problem(403, "outside-grant");
        both.post(&format!("{path}/decision"), &json!({"decision": "award"})).await.problem(403, "outside-grant");
        // Nor does another client of the agency's own, whatever scopes it was given.
        let second = app.client("second tool", "certifications:decide", Some(&["ori:TX0000001"]));
        second.post(&format!("{path}/decision"), &json!({"decision": "award"})).await.problem(403, "outside-grant");
        assert_eq!(decided(&reviewer, &path, "award").await["state"], "awarded");
    }

    async fn an_award_needs_what_an_application_needs(app: TestApp) {
        recognized(&app).await;
        ready(&app, "TX0000001").await;
        let (path, reviewer) = (applied(&app, "TX0000001").await, reviewer(&app));
        decided(&reviewer, &path, "start_review").await;
        let appointment = json!({"agency": "ori:TX0000001", "sworn": true, "badge_number": "99", "started_on": "2026-03-01"});
        let officer = json!({"given_name": "Lee", "family_name": "Newcomer", "appointments": [appointment]});
        app.staff().post("/v1/officers", &officer).await.expect(201);
        let before = reviewer.get(&path).await.expect(200);
        let refused = reviewer.post(&format!("{path}/decision"), &json!({"decision": "award"})).await;
        assert_eq!(refused.problem(409, "conflict"), ["/requirements/training/trained requirement_not_met"]);
        assert_eq!(reviewer.get(&path).await.expect(200), before);
        assert_eq!(stage(&reviewer, "TX0000001", "2026-11-21").await, "in_review");
        let declined = decided(&reviewer, &path, "decline").await;
        assert_eq!((&declined["state"], &declined["declined_on"], &declined["number"]), (&json!("declined"), &json!("2026-11-21"), &Value::Null));
        assert_eq!(stage(&reviewer, "TX0000001", "2026-11-21").await, "in_progress");
        trained(&app, "TX0000001", 99).await;
        let again = applied(&app, "TX0000001").await;
        assert_ne!(again, path);
        decided(&reviewer, &again, "start_review").await;
        assert_eq!(decided(&reviewer, &again, "award").await["number"], "OMC-2026-000001");
    }

    async fn numbers_have_neither_gaps_nor_doubles_however_many_award_at_once(app: TestApp) {
        const AGENCIES: usize = 12;
        recognized(&app).await;
        let replica = app.replica();
        let here = reviewer(&app);
        let there = Client::new(&replica.address, here.token.clone());
        let mut paths = Vec::new();
        for number in 0..AGENCIES {
            let ori = format!("TX00000{number:02}");
            ready(&app, &ori).await;
            let path = applied(&app, &ori).await;
            decided(&here, &path, "start_review").await;
            if number % 4 == 3 {
                // It draws a number that comes to nothing: somebody new isn't trained.
                let appointment = json!({"agency": format!("ori:{ori}"), "sworn": true, "started_on": "2026-11-01"});
                app.staff().post("/v1/officers", &json!({"given_name": "Lee", "family_name": "New", "appointments": [appointment]})).await.expect(201);
            }
            paths.push(path);
        }
        let tasks: Vec<_> = paths
            .iter()
            .flat_map(|path| [&here, &there].map(|client| (client.clone(), format!("{path}/decision"))))
            .map(|(client, path)| actix_web::rt::spawn(async move { client.post(&path, &json!({"decision": "award"})).await }))
            .collect();
        let (mut numbers, mut refused) = (Vec::new(), 0);
        for task in tasks {
            let reply = task.await.unwrap();
            match reply.status {
                200 => numbers.push(reply.json()["number"].as_str().unwrap().to_owned()),
                status => {
                    assert_eq!(status, 409, "{}", reply.text);
                    refused += 1;
                }
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=AGENCIES * 3 / 4).map(|count| format!("OMC-2026-{count:06}")).collect::<Vec<_>>());
        assert_eq!(refused, AGENCIES * 2 - numbers.len());
        let held = here.all("/v1/certifications?state=awarded").await;
        let mut kept: Vec<&str> = held.iter().map(|one| one["number"].as_str().unwrap()).collect();
        kept.sort_unstable();
        assert_eq!(kept, numbers);
        // The next year begins anew.
        app.clock.advance(SignedDuration::from_hours(24 * 60));
        ready(&app, "TX0000099").await;
        let path = applied(&app, "TX0000099").await;
        let reviewer = reviewer(&app);
        decided(&reviewer, &path, "start_review").await;
        assert_eq!(decided(&reviewer, &path, "award").await["number"], "OMC-2027-000001");
    }

    async fn a_list_is_filtered_by_agency_and_state(app: TestApp) {
        recognized(&app).await;
        for ori in ["TX0000001", "TX0000002", "TX0000003"] {
            ready(&app, ori).await;
            applied(&app, ori).await;
        }
        let reviewer = reviewer(&app);
        let all = reviewer.all("/v1/certifications").await;
        decided(&reviewer, &format!("/v1/certifications/{}", all[1]["id"].as_str().unwrap()), "start_review").await;
        for (query, expected) in [
            ("", vec!["TX0000001", "TX0000002", "TX0000003"]),
            ("?limit=2", vec!["TX0000001", "TX0000002", "TX0000003"]),
            ("?agency=ori:TX0000002", vec!["TX0000002"]),
            ("?agency=ori:TX0000009", vec![]),
            ("?state=applied", vec!["TX0000001", "TX0000003"]),
            ("?state=in_review", vec!["TX0000002"]),
            ("?state=awarded", vec![]),
            ("?state=applied&agency=ori:TX0000002", vec![]),
        ] {
            let found = reviewer.all(&format!("/v1/certifications{query}")).await;
            assert_eq!(found.iter().map(|one| one["agency"]["ori"].as_str().unwrap()).collect::<Vec<_>>(), expected, "{query}");
        }
        let bad = reviewer.get("/v1/certifications?agency=x&state=done").await;
        assert_eq!(bad.problem(400, "invalid-parameter"), ["/agency invalid_agency", "/state invalid_state"]);
        let own = tool(&app, "TX0000003");
        assert_eq!(own.all("/v1/certifications").await.len(), 1);
        assert_eq!(own.all("/v1/certifications?agency=ori:TX0000001").await.len(), 0);
        let theirs = format!("/v1/certifications/{}", all[0]["id"].as_str().unwrap());
        own.get(&theirs).await.problem(404, "not-found");
        own.post(&format!("{theirs}/resubmission"), &json!({"note": "x"})).await.problem(404, "not-found");
        assert_eq!(own.post("/v1/certifications", &json!({"agency": "ori:TX0000001"})).await.problem(422, "invalid-content"), ["/agency unknown_agency"]);
    }
}
