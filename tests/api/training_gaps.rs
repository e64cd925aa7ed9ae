//! `/v1/agencies/{agency}/training-gaps`

use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::rows::Rows;
use crate::support::{Client, TestApp};

const TX: &str = "/v1/agencies/ori:TX0000001/training-gaps";

/// Five sworn officers of `ori:TX0000001`, in the order of their ids: without training, with awareness training until 2026-12-01, with crisis
/// intervention training until 2027-01-01 and awareness for good, with crisis intervention training for good, and one who leaves on 2026-12-01 untrained.
async fn five(app: &TestApp, standard: &str) -> [Uuid; 5] {
    let mut rows = Rows::default();
    let agency = rows.agency("TX0000001", None);
    let (crisis, awareness) = (rows.crisis(), rows.awareness());
    let people = ["Ana", "Bo", "Cy", "Di", "Ed"].map(|given| rows.officer(given, "Ng"));
    for (number, officer) in people.into_iter().enumerate() {
        let until = (number == 4).then_some("2026-12-01");
        rows.appoint(officer, agency, "2020-01-01", until).numbers(&format!("E-{number}"), &number.to_string());
    }
    rows.completion(people[1], awareness, "2024-12-01").expires("2026-12-01");
    rows.completion(people[2], crisis, "2025-01-01").expires("2027-01-01");
    rows.completion(people[2], awareness, "2025-01-01");
    rows.completion(people[3], crisis, "2025-01-01");
    let dispatcher = rows.officer("Flo", "Ng");
    rows.appoint(dispatcher, agency, "2020-01-01", None).not_sworn();
    rows.pledge(agency, standard, "2026-01-01", 24);
    rows.write(app).await;
    people
}

/// The given names in a list of gaps.
async fn names(client: &Client, query: &str) -> Vec<String> {
    let items = client.all(&format!("{TX}?{query}")).await;
    items.iter().map(|item| item["officer"]["given_name"].as_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn those_who_lack_training_are_named_with_what_they_lack(app: TestApp) {
        let [ana, bo, cy, _, ed] = five(&app, "one-mind").await;
        let reader = app.client("agency", "status:read officers:read", Some(&["ori:TX0000001"]));
        let item = |id: Uuid, given: &str, number: u8, lacks: Value, trained: Value, crisis: Value| json!({
            "officer": {"id": id, "given_name": given, "family_name": "Ng"}, "employee_number": format!("E-{number}"), "badge_number": number.to_string(),
            "lacks": lacks, "trained_until": trained, "crisis_intervention_until": crisis});
        let both = || json!(["trained", "crisis_intervention"]);
        let (lacks_ana, lacks_ed) = (item(ana, "Ana", 0, both(), json!(null), json!(null)), item(ed, "Ed", 4, both(), json!(null), json!(null)));
        assert_eq!(reader.get(TX).await.expect(200).to_string(), json!({"items": [&lacks_ana, &lacks_ed], "next_cursor": null}).to_string());
        let lapses_bo = item(bo, "Bo", 1, json!(["crisis_intervention"]), json!("2026-12-01"), json!(null));
        let lapses_cy = item(cy, "Cy", 2, json!([]), json!(null), json!("2027-01-01"));
        assert_eq!(reader.get(&format!("{TX}?within_days=41")).await.expect(200),
            json!({"items": [lacks_ana, lapses_bo, lapses_cy, lacks_ed], "next_cursor": null}));
    }

    async fn filters_and_days_choose(app: TestApp) {
        five(&app, "one-mind").await;
        let staff = app.staff();
        for (query, expected) in [
            ("within_days=0", vec!["Ana", "Ed"]),
            ("within_days=9", vec!["Ana", "Ed"]),
            ("within_days=10", vec!["Ana", "Bo", "Ed"]),
            ("within_days=40", vec!["Ana", "Bo", "Ed"]),
            ("within_days=41", vec!["Ana", "Bo", "Cy", "Ed"]),
            ("missing=trained", vec!["Ana", "Ed"]),
            ("missing=trained&within_days=41", vec!["Ana", "Bo", "Ed"]),
            ("missing=crisis_intervention", vec!["Ana", "Bo", "Ed"]),
            ("missing=crisis_intervention&within_days=41", vec!["Ana", "Bo", "Cy", "Ed"]),
            ("as_of=2026-11-30", vec!["Ana", "Ed"]),
            ("as_of=2026-12-01", vec!["Ana", "Bo"]),
            ("as_of=2026-12-31&missing=crisis_intervention", vec!["Ana", "Bo"]),
            ("as_of=2027-01-01&missing=crisis_intervention", vec!["Ana", "Bo", "Cy"]),
            ("as_of=2024-11-30", vec!["Ana", "Bo", "Cy", "Di", "Ed"]),
            ("as_of=2019-12-31&within_days=3660", vec![]),
            ("as_of=9999-12-31&within_days=3660", vec!["Ana", "Bo"]),
        ] {
            assert_eq!(names(&staff, query).await, expected, "{query}");
        }
        for (query, fault) in [
            ("within_days=3661", "/within_days invalid_number"),
            ("within_days=-1", "/within_days invalid_number"),
            ("within_days=%2B5", "/within_days invalid_number"),
            ("missing=cit", "/missing invalid_lack"),
            ("as_of=2026-02-29", "/as_of invalid_date"),
            ("limit=501", "/limit invalid_limit"),
            ("days=3", "/days unknown_field"),
        ] {
            assert_eq!(staff.get(&format!("{TX}?{query}")).await.problem(400, "invalid-parameter"), [fault], "{query}");
        }
    }

    async fn under_the_standard_of_2016_crisis_training_alone_is_a_gap(app: TestApp) {
        five(&app, "one-mind-2016").await;
        let staff = app.staff();
        assert_eq!(names(&staff, "").await, ["Ana", "Di", "Ed"]);
        let page = staff.get(TX).await.expect(200);
        assert_eq!(page["items"][1]["lacks"], json!(["trained"]));
        // Before the pledge the current standard is asked about.
        assert_eq!(names(&staff, "as_of=2025-12-31").await, ["Ana", "Ed"]);
    }

    async fn the_numbers_are_those_of_the_spell_that_began_last(app: TestApp) {
        let mut rows = Rows::default();
        let agency = rows.agency("TX0000001", None);
        let officer = rows.officer("Ana", "Ng");
        rows.appoint(officer, agency, "2025-01-01", None).numbers("E-new", "2");
        rows.appoint(officer, agency, "2020-01-01", None).numbers("E-old", "1");
        rows.appoint(officer, agency, "2027-01-01", None).numbers("E-next", "3");
        rows.appoint(officer, agency, "2026-01-01", None).numbers("E-clerk", "9").not_sworn();
        let elsewhere = rows.agency("TX0000002", None);
        rows.appoint(officer, elsewhere, "2026-06-01", None).numbers("E-else", "7");
        rows.write(&app).await;
        let staff = app.staff();
        for (day, number) in [("2024-12-31", "E-old"), ("2025-01-01", "E-new"), ("2026-11-21", "E-new"), ("2027-01-01", "E-next")] {
            let page = staff.get(&format!("{TX}?as_of={day}")).await.expect(200);
            assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][0]["employee_number"]), (1, &json!(number)), "{day}");
        }
    }

    async fn a_person_joined_by_an_identifier_is_named_as_the_caller_sent_it(app: TestApp) {
        let mut rows = Rows::default();
        let (agency, elsewhere) = (rows.agency("TX0000001", None), rows.agency("TX0000002", None));
        let officer = rows.officer("María", "Rivera Ortiz");
        rows.appoint(officer, elsewhere, "2020-01-01", None).numbers("E-else", "7");
        let joined = rows.record_of(officer, "Maria", "RIVERA-ORTIZ");
        rows.appoint(joined, agency, "2025-01-01", None).numbers("E-here", "8");
        rows.write(&app).await;
        for agencies in [Some(["ori:TX0000001"].as_slice()), Some(["ori:TX0000001", "ori:TX0000002"].as_slice()), None] {
            let client = app.client("agency", "status:read officers:read", agencies);
            let item = client.get(TX).await.expect(200)["items"][0].clone();
            assert_eq!(item["officer"], json!({"id": joined, "given_name": "Maria", "family_name": "RIVERA-ORTIZ"}), "{agencies:?}");
            assert_eq!(item["employee_number"], "E-here");
        }
    }

    async fn pages_follow_one_another_in_the_order_of_ids(app: TestApp) {
        let mut rows = Rows::default();
        let agency = rows.agency("TX0000001", None);
        let awareness = rows.awareness();
        let mut lacking = Vec::new();
        for number in 0..1_200 {
            let officer = rows.sworn(agency, "2020-01-01");
            if number % 2 == 0 { lacking.push(officer.to_string()); } else { rows.completion(officer, awareness, "2021-01-01"); }
        }
        rows.write(&app).await;
        let staff = app.staff();
        for limit in [150, 500] {
            let found = staff.all(&format!("{TX}?limit={limit}")).await;
            assert_eq!(found.iter().map(|item| item["officer"]["id"].as_str().unwrap()).collect::<Vec<_>>(), lacking);
        }
        let link = staff.get(&format!("{TX}?limit=500&missing=trained")).await;
        assert!(link.header("link").contains("missing=trained&limit=500&cursor="), "{}", link.header("link"));
    }

    async fn naming_people_needs_both_scopes_and_the_agency(app: TestApp) {
        five(&app, "one-mind").await;
        for (scopes, missing) in [("status:read", "`officers:read`"), ("officers:read", "`status:read`"), ("agencies:read", "`status:read` and `officers:read`")] {
            let refused = app.client("agency", scopes, None).get(TX).await;
            refused.problem(403, "missing-scope");
            assert_eq!(refused.json()["detail"], format!("the operation needs the scope {missing}"));
            assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"onemind\", error=\"insufficient_scope\", scope=\"status:read officers:read\"");
        }
        let elsewhere = app.client("agency", "status:read officers:read", Some(&["ori:TX0000002"]));
        assert_eq!(elsewhere.get(TX).await.problem(404, "not-found"), [""; 0]);
        app.stranger().get(TX).await.problem(401, "unauthorized");
    }
}
