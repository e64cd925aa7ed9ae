//! `/v1/statistics` and `/v1/agencies/{agency}/readiness`

use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::TestApp;
use crate::support::rows::Rows;

/// Three agencies: one that meets everything until 2027, one that declares more than its roster, one of another kind with nobody.
async fn agencies(app: &TestApp) -> [Uuid; 3] {
    let mut rows = Rows::default();
    let (crisis, awareness) = (rows.crisis(), rows.awareness());
    let first = rows.agency("TX0000001", None);
    rows.the_agency().subdivision = Some("US-TX".to_owned());
    let shared = rows.sworn(first, "2020-01-01");
    rows.completion(shared, crisis, "2024-05-01").expires("2027-01-01");
    let other = rows.sworn(first, "2020-01-01");
    rows.completion(other, awareness, "2024-05-01");
    rows.partnership(first, "2020-01-01", None);
    rows.policy(first, "2020-01-01", None);
    rows.pledge(first, "one-mind", "2025-01-01", 36);
    let second = rows.agency("TX0000002", Some(5));
    rows.the_agency().subdivision = Some("US-TX".to_owned());
    rows.appoint(shared, second, "2026-01-01", None);
    rows.pledge(second, "one-mind-2016", "2024-01-01", 12);
    let third = rows.agency("TX0000003", None);
    "campus".clone_into(&mut rows.the_agency().kind);
    rows.write(app).await;
    [first, second, third]
}

fn stages(told: &Value) -> Vec<(String, u64)> {
    let all = told["stages"].as_object().unwrap().iter().map(|(name, count)| (name.clone(), count.as_u64().unwrap()));
    all.filter(|(_, count)| *count > 0).collect()
}

on_both_databases! {
    async fn the_statistics_add_up_what_each_status_says(app: TestApp) {
        agencies(&app).await;
        let staff = app.staff();
        let told = staff.get("/v1/statistics").await.expect(200);
        let tx = json!({"country": "US", "subdivision": "US-TX", "kind": "municipal_police", "agencies": 2,
            "stages": {"not_pledged": 0, "in_progress": 0, "requirements_met": 1, "in_review": 0, "certified": 0, "overdue": 1, "withdrawn": 0, "revoked": 0},
            "not_maintained": 0, "requirements_met": {"partnership": 1, "policy": 1, "training": 1},
            "officers": {"sworn": 7, "roster": 3, "trained": 2, "crisis_intervention": 2, "rosters_incomplete": 1}});
        let campus = json!({"country": "US", "subdivision": null, "kind": "campus", "agencies": 1,
            "stages": {"not_pledged": 1, "in_progress": 0, "requirements_met": 0, "in_review": 0, "certified": 0, "overdue": 0, "withdrawn": 0, "revoked": 0},
            "not_maintained": 0, "requirements_met": {"partnership": 0, "policy": 0, "training": 0},
            "officers": {"sworn": 0, "roster": 0, "trained": 0, "crisis_intervention": 0, "rosters_incomplete": 0}});
        assert_eq!(told, json!({"as_of": "2026-11-21", "agencies": 3,
            "stages": {"not_pledged": 1, "in_progress": 0, "requirements_met": 1, "in_review": 0, "certified": 0, "overdue": 1, "withdrawn": 0, "revoked": 0},
            "not_maintained": 0, "requirements_met": {"partnership": 1, "policy": 1, "training": 1},
            "officers": {"sworn": 7, "roster": 3, "trained": 2, "crisis_intervention": 2, "rosters_incomplete": 1}, "groups": [campus, tx],
            "parked": {"total": 0, "no_match": 0, "ambiguous": 0, "conflict": 0, "unknown_training": 0}}));
        // The first officer is sworn at both, and is no longer trained in 2027.
        let later = staff.get("/v1/statistics?as_of=2027-01-01").await.expect(200);
        assert_eq!(stages(&later), [("not_pledged".into(), 1), ("in_progress".into(), 1), ("overdue".into(), 1)]);
        assert_eq!(later["officers"], json!({"sworn": 7, "roster": 3, "trained": 1, "crisis_intervention": 0, "rosters_incomplete": 1}));
        assert_eq!(staff.get("/v1/statistics").await.expect(200), told, "a day that was asked for before");
    }

    async fn what_changes_is_in_the_next_answer_and_in_its_tag(app: TestApp) {
        let [_, second, third] = agencies(&app).await;
        let staff = app.staff();
        let first = staff.get("/v1/statistics").await;
        let again = staff.send(staff.request(reqwest::Method::GET, "/v1/statistics").header("if-none-match", first.header("etag"))).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        let pledge = json!({"agency": third, "standard": "one-mind", "pledged_on": "2026-01-01", "term_months": 12,
            "signatory": {"name": "Lee Park", "title": "Chief of Police"}});
        staff.post("/v1/pledges", &pledge).await.expect(201);
        staff.patch(&format!("/v1/agencies/{second}"), &json!({"sworn_strength": {"count": 50, "as_of": "2026-01-01"}})).await.expect(200);
        let record = json!({"external_id": "rec-1", "officer": {"agency": "ori:TX0000001", "badge_number": "none"}, "training": {"code": "none"},
            "completed_on": "2026-03-06"});
        app.client("lms", "completions:write", Some(&["ori:TX0000001"])).post("/v1/completions", &record).await.expect(202);
        let changed = staff.send(staff.request(reqwest::Method::GET, "/v1/statistics").header("if-none-match", first.header("etag"))).await;
        let told = changed.expect(200);
        assert_eq!(stages(&told), [("in_progress".into(), 1), ("requirements_met".into(), 1), ("overdue".into(), 1)]);
        assert_eq!((&told["officers"]["sworn"], &told["parked"]["no_match"], &told["parked"]["total"]), (&json!(52), &json!(1), &json!(1)));
    }

    async fn a_client_sees_its_own_agencies_and_what_waits_of_its_own(app: TestApp) {
        agencies(&app).await;
        let record = |agency: &str| json!({"external_id": "rec-1", "officer": {"agency": agency, "badge_number": "none"}, "training": {"code": "none"},
            "completed_on": "2026-03-06"});
        let vendor = app.client("lms", "completions:write status:read", Some(&["ori:TX0000002"]));
        vendor.post("/v1/completions", &record("ori:TX0000002")).await.expect(202);
        app.client("other", "completions:write", Some(&["ori:TX0000002"])).post("/v1/completions", &record("ori:TX0000002")).await.expect(202);
        let told = vendor.get("/v1/statistics").await.expect(200);
        assert_eq!((&told["agencies"], &told["officers"]["sworn"], told["groups"].as_array().unwrap().len()), (&json!(1), &json!(5), 1));
        assert_eq!(told["parked"]["total"], 1);
        assert_eq!(app.staff().get("/v1/statistics").await.expect(200)["parked"]["total"], 2);
        let nobody = app.client("new", "status:read", Some(&[])).get("/v1/statistics").await.expect(200);
        assert_eq!((&nobody["agencies"], &nobody["groups"]), (&json!(0), &json!([])));
        assert_eq!(vendor.get("/v1/statistics?as_of=2026-02-30").await.problem(400, "invalid-parameter"), ["/as_of invalid_date"]);
    }

    async fn readiness_is_the_status_of_each_day_on_which_it_changes(app: TestApp) {
        let [first, ..] = agencies(&app).await;
        let reader = app.client("rms", "status:read", Some(&["ori:TX0000001"]));
        let path = |query: &str| format!("/v1/agencies/{first}/readiness{query}");
        let whole = reader.get(&path("?from=2019-12-31&to=2030-12-31")).await.expect(200);
        let steps: Vec<_> = whole["steps"].as_array().unwrap().iter().map(|step| (step["on"].as_str().unwrap(), step["stage"].as_str().unwrap())).collect();
        assert_eq!(steps, [("2019-12-31", "not_pledged"), ("2020-01-01", "not_pledged"), ("2024-05-01", "not_pledged"), ("2025-01-01", "requirements_met"),
            ("2027-01-01", "in_progress"), ("2028-01-02", "overdue")]);
        for step in whole["steps"].as_array().unwrap() {
            let on = step["on"].as_str().unwrap();
            let status = reader.get(&format!("/v1/agencies/{first}/certification-status?as_of={on}")).await.expect(200);
            assert_eq!((&step["requirements"], &step["standard"], &step["stage"]), (&status["requirements"], &status["standard"], &status["stage"]), "{on}");
        }
        let coming = reader.get(&path("")).await;
        let told = coming.expect(200);
        assert_eq!((&told["from"], &told["to"], &told["agency"]["ori"]), (&json!("2026-11-21"), &json!("2028-11-21"), &json!("TX0000001")));
        assert_eq!(told["steps"].as_array().unwrap().len(), 3);
        assert_eq!(told["steps"][0]["met"], true);
        let again = reader.send(reader.request(reqwest::Method::GET, &path("")).header("if-none-match", coming.header("etag"))).await;
        assert_eq!(again.status, 304);
        for (query, fault) in [("?from=2026-01-02&to=2026-01-01", "/to before_from"), ("?from=2026-01-01&to=2076-01-02", "/to too_far")] {
            assert_eq!(reader.get(&path(query)).await.problem(400, "invalid-parameter"), [fault]);
        }
        reader.get(&path("?from=2026-01-01&to=2076-01-01")).await.expect(200);
        reader.get("/v1/agencies/ori:TX0000002/readiness").await.problem(404, "not-found");
    }
}
