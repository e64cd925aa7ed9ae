//! `/v1/agencies/{agency}/certification-status`

use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::rows::Rows;
use crate::support::{Client, TestApp};

const TX: &str = "/v1/agencies/ori:TX0000001/certification-status";

/// The status of `ori:TX0000001` on a day.
async fn on(client: &Client, day: &str) -> Value {
    client.get(&format!("{TX}?as_of={day}")).await.expect(200)
}

/// A member of that status on each of some days.
async fn each<const N: usize>(app: &TestApp, pointer: &str, days: [&str; N]) -> Vec<Value> {
    let reader = app.client("rms", "status:read", Some(&["ori:TX0000001"]));
    let mut values = Vec::new();
    for day in days {
        values.push(on(&reader, day).await.pointer(pointer).unwrap().clone());
    }
    values
}

fn agency(rows: &mut Rows) -> Uuid {
    rows.agency("TX0000001", None)
}

const ROSTER: &str = "/requirements/training/roster";
const TRAINED: &str = "/requirements/training/trained/count";
const CRISIS: &str = "/requirements/training/crisis_intervention/count";

on_both_databases! {
    async fn the_status_has_the_shape_of_the_contract(app: TestApp) {
        let mut rows = Rows::default();
        let agency = rows.agency("TX0000001", Some(6));
        let (crisis, awareness) = (rows.crisis(), rows.awareness());
        let officers: Vec<_> = (0..5).map(|_| rows.sworn(agency, "2020-01-01")).collect();
        rows.completion(officers[0], crisis, "2025-03-01").expires("2027-03-01");
        rows.completion(officers[1], crisis, "2025-03-01");
        rows.completion(officers[2], awareness, "2025-03-01").expires("2027-03-01");
        rows.completion(officers[3], awareness, "2025-03-01");
        rows.partnership(agency, "2024-01-01", None);
        rows.partnership(agency, "2025-01-01", Some("2029-01-01"));
        rows.policy(agency, "2024-01-01", None);
        rows.pledge(agency, "one-mind", "2025-02-01", 36);
        let pledge = rows.pledge_id();
        rows.write(&app).await;

        let expected = json!({
            "agency": {"id": agency, "ori": "TX0000001", "name": "Agency TX0000001"}, "standard": "one-mind", "as_of": "2026-11-21",
            "stage": "in_progress", "maintained": null,
            "pledge": {"id": pledge, "pledged_on": "2025-02-01", "due_on": "2028-02-01", "days_left": 437},
            "requirements": {
                "partnership": {"met": true, "in_force": 2},
                "policy": {"met": true, "in_force": 1},
                "training": {"met": false, "sworn": 6, "roster": 5, "declared": 6, "roster_incomplete": true,
                    "trained": {"count": 4, "needed": 6, "short": 2, "met": false},
                    "crisis_intervention": {"count": 2, "needed": 2, "short": 0, "met": true}}},
            "next_change": {"on": "2027-03-01", "trained": -2, "crisis_intervention": -1, "still_met": false}});
        let staff = app.staff();
        let today = staff.get(TX).await;
        assert_eq!(today.expect(200).to_string(), expected.to_string(), "in the order of the contract");
        assert_eq!(on(&staff, "2026-11-21").await, expected);
        assert_eq!(staff.get(&format!("/v1/agencies/{agency}/certification-status")).await.expect(200), expected);

        let tag = today.header("etag").to_owned();
        let again = staff.send(staff.request(reqwest::Method::GET, TX).header("if-none-match", &tag)).await;
        assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag.as_str()));
        app.clock.advance(jiff::SignedDuration::from_hours(24));
        let tomorrow = staff.send(staff.request(reqwest::Method::GET, TX).header("if-none-match", &tag)).await.expect(200);
        assert_eq!((&tomorrow["as_of"], &tomorrow["pledge"]["days_left"]), (&json!("2026-11-22"), &json!(436)));
    }

    async fn what_is_absent_is_null_and_an_agency_with_nobody_sworn_meets_nothing(app: TestApp) {
        let mut rows = Rows::default();
        let agency = agency(&mut rows);
        rows.write(&app).await;
        let none = json!({"count": 0, "needed": 0, "short": 0, "met": false});
        assert_eq!(on(&app.staff(), "2026-11-21").await, json!({
            "agency": {"id": agency, "ori": "TX0000001", "name": "Agency TX0000001"}, "standard": "one-mind", "as_of": "2026-11-21",
            "stage": "not_pledged", "maintained": null, "pledge": null,
            "requirements": {"partnership": {"met": false, "in_force": 0}, "policy": {"met": false, "in_force": 0},
                "training": {"met": false, "sworn": 0, "roster": 0, "declared": null, "roster_incomplete": false, "trained": none, "crisis_intervention": none}},
            "next_change": null}));
    }

    async fn the_roster_is_those_sworn_on_the_day(app: TestApp) {
        let mut rows = Rows::default();
        let agency = agency(&mut rows);
        let stays = rows.sworn(agency, "2020-01-01");
        rows.appoint(stays, agency, "2025-06-01", Some("2025-07-01"));
        let leaves = rows.officer("Bo", "Chan");
        rows.appoint(leaves, agency, "2020-01-01", Some("2025-05-01"));
        let comes = rows.officer("Cy", "Diaz");
        rows.appoint(comes, agency, "2027-01-04", None);
        let never = rows.officer("Di", "Eng");
        rows.appoint(never, agency, "2025-05-01", Some("2025-05-01"));
        let dispatcher = rows.officer("Ed", "Fox");
        rows.appoint(dispatcher, agency, "2020-01-01", None).not_sworn();
        let awareness = rows.awareness();
        rows.completion(dispatcher, awareness, "2021-01-01");
        rows.completion(comes, awareness, "2021-01-01");
        rows.write(&app).await;
        let days = ["2019-12-31", "2020-01-01", "2025-04-30", "2025-05-01", "2025-06-01", "2027-01-03", "2027-01-04"];
        assert_eq!(each(&app, ROSTER, days).await, [0, 2, 2, 1, 1, 1, 2]);
        assert_eq!(each(&app, TRAINED, days).await, [0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(each(&app, "/next_change", ["2027-01-03"]).await, [json!({"on": "2027-01-04", "trained": 1, "crisis_intervention": 0, "still_met": false})]);
    }

    async fn a_roster_below_the_declared_strength_is_incomplete_and_never_fully_trained(app: TestApp) {
        for (number, declared, incomplete, sworn, met) in [(1, Some(3), true, 3, false), (2, Some(2), false, 2, true), (3, Some(1), false, 2, true)] {
            let mut rows = Rows::default();
            let agency = rows.agency(&format!("TX000000{number}"), declared);
            let crisis = rows.training(&format!("CIT-{number}"), "crisis_intervention", None);
            for _ in 0..2 {
                let officer = rows.sworn(agency, "2020-01-01");
                rows.completion(officer, crisis, "2020-02-01");
            }
            rows.write(&app).await;
            let status = app.staff().get(&format!("/v1/agencies/{agency}/certification-status")).await.expect(200);
            let training = &status["requirements"]["training"];
            assert_eq!((&training["roster_incomplete"], &training["sworn"], &training["met"]), (&json!(incomplete), &json!(sworn), &json!(met)), "{declared:?}");
        }
    }

    async fn credit_counts_from_its_day_until_it_lapses_and_the_status_foretells_it(app: TestApp) {
        let mut rows = Rows::default();
        let agency = agency(&mut rows);
        let officer = rows.sworn(agency, "2020-01-01");
        let yearly = rows.training("CIT-Y", "crisis_intervention", Some(12));
        rows.completion(officer, yearly, "2024-02-29");
        rows.completion(officer, yearly, "2026-01-10").expires("2026-03-10");
        rows.partnership(agency, "2020-01-01", None);
        rows.policy(agency, "2020-01-01", None);
        rows.pledge(agency, "one-mind", "2024-01-15", 36);
        rows.write(&app).await;
        let days = ["2024-02-28", "2024-02-29", "2025-02-27", "2025-02-28", "2026-01-09", "2026-01-10", "2026-03-09", "2026-03-10"];
        assert_eq!(each(&app, CRISIS, days).await, [0, 1, 1, 0, 0, 1, 1, 0]);
        assert_eq!(each(&app, TRAINED, days).await, [0, 1, 1, 0, 0, 1, 1, 0]);
        let (met, not) = ("requirements_met", "in_progress");
        assert_eq!(each(&app, "/stage", days).await, [not, met, met, not, not, met, met, not]);
        assert_eq!(each(&app, "/next_change", ["2024-02-28", "2024-02-29", "2025-02-28", "2026-03-10"]).await, [
            json!({"on": "2024-02-29", "trained": 1, "crisis_intervention": 1, "still_met": true}),
            json!({"on": "2025-02-28", "trained": -1, "crisis_intervention": -1, "still_met": false}),
            json!({"on": "2026-01-10", "trained": 1, "crisis_intervention": 1, "still_met": true}),
            json!({"on": "2027-01-16", "trained": 0, "crisis_intervention": 0, "still_met": false}),
        ]);
    }

    async fn only_a_completion_that_counts_is_credit_and_it_follows_the_person(app: TestApp) {
        let mut rows = Rows::default();
        let agency = agency(&mut rows);
        let elsewhere = rows.agency("TX0000002", None);
        let (awareness, crisis) = (rows.awareness(), rows.crisis());
        let proposed = rows.training("NEW", "crisis_intervention", None);
        rows.the_training().recognition = "proposed".into();
        let declined = rows.training("OLD", "crisis_intervention", None);
        rows.the_training().recognition = "declined".into();
        let people: Vec<_> = (0..7).map(|_| rows.sworn(agency, "2026-01-01")).collect();
        rows.appoint(people[0], elsewhere, "2010-01-01", Some("2026-01-01"));
        // Twice and of both kinds, at another agency, each pushed by another client: one person.
        rows.completion(people[0], crisis, "2015-01-01");
        rows.completion(people[0], crisis, "2016-01-01");
        rows.completion(people[0], awareness, "2016-01-01");
        rows.completion(people[1], crisis, "2026-02-01").failed();
        rows.completion(people[2], crisis, "2026-02-01").revoked();
        rows.completion(people[3], crisis, "2026-02-01").parked("conflict");
        rows.completion(people[4], proposed, "2026-02-01");
        rows.completion(people[5], declined, "2026-02-01");
        rows.completion(people[6], crisis, "2026-02-01").officer_id = None;
        rows.write(&app).await;
        assert_eq!(each(&app, TRAINED, ["2026-01-01", "2026-02-01"]).await, [1, 1]);
        assert_eq!(each(&app, CRISIS, ["2026-01-01", "2026-02-01"]).await, [1, 1]);
        let left = app.staff().get(&format!("/v1/agencies/{elsewhere}/certification-status?as_of=2025-12-31")).await.expect(200);
        assert_eq!(left.pointer(CRISIS).unwrap(), &json!(1));
        let left = app.staff().get(&format!("/v1/agencies/{elsewhere}/certification-status?as_of=2026-01-01")).await.expect(200);
        assert_eq!((left.pointer(CRISIS).unwrap(), left.pointer(ROSTER).unwrap()), (&json!(0), &json!(0)));
    }

    async fn the_standard_is_that_of_the_latest_pledge_of_the_day(app: TestApp) {
        let mut rows = Rows::default();
        let agency = agency(&mut rows);
        let (crisis, awareness) = (rows.crisis(), rows.awareness());
        for training in [crisis, awareness] {
            let officer = rows.sworn(agency, "2016-01-01");
            rows.completion(officer, training, "2016-02-01");
        }
        rows.partnership(agency, "2016-01-01", None);
        rows.policy(agency, "2016-01-01", None);
        rows.pledge(agency, "one-mind-2016", "2017-01-01", 12);
        rows.pledge(agency, "one-mind", "2020-01-01", 12).withdrawn("2022-06-01");
        rows.write(&app).await;
        let days = ["2016-12-31", "2017-01-01", "2018-01-01", "2018-01-02", "2019-12-31", "2020-01-01", "2022-05-31", "2022-06-01"];
        let (now, then) = ("one-mind", "one-mind-2016");
        assert_eq!(each(&app, "/standard", days).await, [now, then, then, then, then, now, now, now]);
        assert_eq!(each(&app, TRAINED, days).await, [2, 1, 1, 1, 1, 2, 2, 2]);
        assert_eq!(each(&app, "/stage", days).await,
            ["not_pledged", "in_progress", "in_progress", "overdue", "overdue", "requirements_met", "requirements_met", "withdrawn"]);
        assert_eq!(each(&app, "/next_change", ["2019-12-31", "2022-06-01"]).await,
            [json!({"on": "2020-01-01", "trained": 1, "crisis_intervention": 0, "still_met": true}), json!(null)]);
    }

    async fn partnership_and_policy_hold_while_one_is_in_force(app: TestApp) {
        let mut rows = Rows::default();
        let agency = agency(&mut rows);
        rows.partnership(agency, "2025-01-01", Some("2025-03-01"));
        rows.partnership(agency, "2025-02-01", None);
        rows.policy(agency, "2025-01-01", Some("2025-03-01"));
        rows.write(&app).await;
        let days = ["2024-12-31", "2025-01-01", "2025-02-01", "2025-02-28", "2025-03-01"];
        assert_eq!(each(&app, "/requirements/partnership/in_force", days).await, [0, 1, 2, 2, 1]);
        assert_eq!(each(&app, "/requirements/partnership/met", days).await, [false, true, true, true, true]);
        assert_eq!(each(&app, "/requirements/policy/in_force", days).await, [0, 1, 1, 1, 0]);
        assert_eq!(each(&app, "/requirements/policy/met", days).await, [false, true, true, true, false]);
    }

    async fn thousands_of_officers_are_counted_as_people(app: TestApp) {
        let mut rows = Rows::default();
        let agency = agency(&mut rows);
        let (crisis, awareness) = (rows.crisis(), rows.awareness());
        for number in 0..3_000 {
            let officer = rows.sworn(agency, "2020-01-01");
            // Every fifth holds crisis training, half of them twice; all but every tenth of the others awareness.
            match number % 10 {
                0 => { rows.completion(officer, crisis, "2021-01-01"); rows.completion(officer, crisis, "2022-01-01"); }
                5 => { rows.completion(officer, crisis, "2021-01-01").expires("2030-01-01"); }
                9 => {}
                _ => { rows.completion(officer, awareness, "2021-01-01"); }
            }
        }
        rows.write(&app).await;
        let status = on(&app.staff(), "2026-11-21").await;
        assert_eq!(status["requirements"]["training"], json!({"met": false, "sworn": 3000, "roster": 3000, "declared": null, "roster_incomplete": false,
            "trained": {"count": 2700, "needed": 3000, "short": 300, "met": false},
            "crisis_intervention": {"count": 600, "needed": 600, "short": 0, "met": true}}));
        assert_eq!(status["next_change"], json!({"on": "2030-01-01", "trained": -300, "crisis_intervention": -300, "still_met": false}));
    }

    async fn who_may_not_see_an_agency_may_not_see_its_status(app: TestApp) {
        let mut rows = Rows::default();
        agency(&mut rows);
        let theirs = rows.agency("TX0000002", None);
        rows.write(&app).await;
        let client = app.client("rms", "status:read", Some(&["ori:TX0000001"]));
        assert_eq!(client.get(TX).await.status, 200);
        for path in [format!("/v1/agencies/{theirs}"), "/v1/agencies/ori:TX0000002".into(), "/v1/agencies/ori:TX9999999".into(), "/v1/agencies/nonsense".into()] {
            assert_eq!(client.get(&format!("{path}/certification-status")).await.problem(404, "not-found"), [""; 0]);
        }
        let other = app.client("lms", "agencies:read officers:read", None);
        other.get(TX).await.problem(403, "missing-scope");
        other.get("/v1/certification-status").await.problem(403, "missing-scope");
        app.stranger().get(TX).await.problem(401, "unauthorized");
    }

    async fn a_day_that_is_none_is_refused(app: TestApp) {
        let mut rows = Rows::default();
        agency(&mut rows);
        rows.write(&app).await;
        let staff = app.staff();
        for (query, faults) in [
            ("as_of=2026-02-30", vec!["/as_of invalid_date"]),
            ("as_of=", vec!["/as_of invalid_date"]),
            ("as_of=tomorrow", vec!["/as_of invalid_date"]),
            ("as_of=2026-11-21T12:00:00Z", vec!["/as_of invalid_date"]),
            ("as_of=1899-12-31", vec!["/as_of invalid_date"]),
            ("as_of=2026-01-01&as_of=2026-01-02", vec!["/as_of repeated"]),
            ("on=2026-01-01", vec!["/on unknown_field"]),
        ] {
            assert_eq!(staff.get(&format!("{TX}?{query}")).await.problem(400, "invalid-parameter"), faults, "{query}");
        }
        for edge in ["1900-01-01", "9999-12-31"] {
            assert_eq!(on(&staff, edge).await["as_of"], edge);
        }
    }
}
