//! `/v1/certification-status`

use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::rows::Rows;
use crate::support::{Client, TestApp};

/// Agencies of every sort, `ori:TX0000000` and on: those with an even number pledged, those whose number 3 divides meet the requirements, those
/// whose number 5 divides have somebody who lapses or who comes.
async fn agencies(app: &TestApp, count: usize) -> Vec<Uuid> {
    let mut rows = Rows::default();
    let (crisis, awareness) = (rows.crisis(), rows.awareness());
    let mut ids = Vec::new();
    let mut shared = None;
    for number in 0..count {
        let agency = rows.agency(&format!("TX{number:07}"), (number % 7 == 0).then_some(4));
        let row = rows.the_agency();
        row.kind = if number % 4 == 0 { "sheriff" } else { "campus" }.into();
        row.subdivision = Some(if number < count / 2 { "US-TX" } else { "US-OK" }.to_owned());
        for officer in 0..number % 6 {
            let id = rows.sworn(agency, "2020-01-01");
            if number % 3 == 0 || officer == 0 {
                let completion = rows.completion(id, if officer < 2 { crisis } else { awareness }, "2024-05-01");
                if number % 5 == 0 {
                    completion.expires("2027-01-01");
                }
            }
            // Somebody serves at two agencies, and is credited at both.
            if let Some(other) = shared.replace(id)
                && number % 5 == 0
            {
                rows.appoint(other, agency, "2027-06-01", None);
            }
        }
        if number % 3 == 0 {
            rows.partnership(agency, "2020-01-01", None);
            rows.policy(agency, "2020-01-01", Some("2028-01-01"));
        }
        if number % 2 == 0 {
            rows.pledge(agency, if number % 8 == 0 { "one-mind-2016" } else { "one-mind" }, "2025-01-01", 24);
        }
        ids.push(agency);
    }
    rows.write(app).await;
    ids
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["agency"]["id"].as_str().unwrap()).collect()
}

async fn each_by_itself(client: &Client, agencies: &[Uuid], day: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for agency in agencies {
        all.push(client.get(&format!("/v1/agencies/{agency}/certification-status?as_of={day}")).await.expect(200));
    }
    all
}

on_both_databases! {
    async fn the_list_says_of_each_agency_what_its_own_status_says(app: TestApp) {
        let agencies = agencies(&app, 60).await;
        let staff = app.staff();
        for day in ["2019-12-31", "2024-05-01", "2026-12-31", "2027-01-01", "2027-06-01"] {
            let single = each_by_itself(&staff, &agencies, day).await;
            assert_eq!(staff.all(&format!("/v1/certification-status?as_of={day}")).await, single);
            assert_eq!(staff.all(&format!("/v1/certification-status?as_of={day}&limit=7")).await, single);
            let mut stages = 0;
            for stage in ["not_pledged", "in_progress", "requirements_met", "overdue", "certified", "in_review", "withdrawn", "revoked"] {
                let expected: Vec<_> = single.iter().filter(|status| status["stage"] == stage).cloned().collect();
                stages += expected.len();
                assert_eq!(staff.all(&format!("/v1/certification-status?as_of={day}&stage={stage}&limit=3")).await, expected, "{stage}");
            }
            assert_eq!(stages, 60);
        }
        let today = staff.all("/v1/certification-status").await;
        assert_eq!(today, each_by_itself(&staff, &agencies, "2026-11-21").await);
    }

    async fn a_page_ends_where_the_agencies_end(app: TestApp) {
        let agencies = agencies(&app, 6).await;
        let staff = app.staff();
        let whole = staff.get("/v1/certification-status?limit=6").await.expect(200);
        assert_eq!((whole["items"].as_array().unwrap().len(), &whole["next_cursor"]), (6, &json!(null)));
        let first = staff.get("/v1/certification-status?limit=5").await;
        assert!(first.header("link").starts_with("</v1/certification-status?limit=5&cursor="));
        let cursor = first.expect(200)["next_cursor"].as_str().unwrap().to_owned();
        let second = staff.get(&format!("/v1/certification-status?limit=5&cursor={cursor}")).await.expect(200);
        assert_eq!(ids(second["items"].as_array().unwrap()), [agencies[5].to_string()]);
        assert_eq!(second["next_cursor"], json!(null));
        let odd = staff.get("/v1/certification-status?stage=not_pledged&limit=3").await.expect(200);
        assert_eq!((odd["items"].as_array().unwrap().len(), &odd["next_cursor"]), (3, &json!(null)));
        // After number 4 there is another agency to look at, but none to show.
        let even = staff.get("/v1/certification-status?stage=in_progress&limit=3").await.expect(200);
        assert_eq!(even["items"].as_array().unwrap().len(), 3);
        let cursor = even["next_cursor"].as_str().unwrap();
        let rest = staff.get(&format!("/v1/certification-status?stage=in_progress&limit=3&cursor={cursor}")).await.expect(200);
        assert_eq!(rest, json!({"items": [], "next_cursor": null}));
    }

    async fn filters_choose_and_the_grant_bounds(app: TestApp) {
        let agencies = agencies(&app, 12).await;
        let staff = app.staff();
        let texts: Vec<String> = agencies.iter().map(Uuid::to_string).collect();
        for (query, expected) in [
            ("kind=sheriff", vec![0, 4, 8]),
            ("subdivision=US-OK", vec![6, 7, 8, 9, 10, 11]),
            ("subdivision=US-OK&kind=sheriff", vec![8]),
            ("country=US&kind=sheriff&stage=in_progress", vec![0, 4, 8]),
            ("country=CA", vec![]),
        ] {
            let found = staff.all(&format!("/v1/certification-status?{query}")).await;
            assert_eq!(ids(&found), expected.iter().map(|number: &usize| texts[*number].as_str()).collect::<Vec<_>>(), "{query}");
        }
        let reader = app.client("rms", "status:read", Some(&["ori:TX0000003", "ori:TX0000008", "ori:TX7777777"]));
        assert_eq!(ids(&reader.all("/v1/certification-status").await), [texts[3].as_str(), &texts[8]]);
        assert_eq!(ids(&reader.all("/v1/certification-status?stage=not_pledged").await), [texts[3].as_str()]);
        assert_eq!(app.client("new", "status:read", Some(&[])).all("/v1/certification-status").await, [] as [Value; 0]);
        for (query, fault) in [
            ("stage=pledged", "/stage invalid_stage"),
            ("kind=army", "/kind invalid_kind"),
            ("limit=0", "/limit invalid_limit"),
            ("as_of=2026-13-01", "/as_of invalid_date"),
            ("name=Agency", "/name unknown_field"),
            ("cursor=AAAA", "/cursor invalid_cursor"),
        ] {
            assert_eq!(staff.get(&format!("/v1/certification-status?{query}")).await.problem(400, "invalid-parameter"), [fault], "{query}");
        }
    }

    async fn a_rare_stage_is_found_among_thousands_in_one_request(app: TestApp) {
        let mut rows = Rows::default();
        for number in 0..2_300 {
            let agency = rows.agency(&format!("TX{number:07}"), None);
            if number == 1_700 || number == 2_200 {
                rows.pledge(agency, "one-mind", "2026-01-01", 12);
            }
        }
        rows.write(&app).await;
        let staff = app.staff();
        let ori = |item: &Value| item["agency"]["ori"].clone();
        let found = staff.get("/v1/certification-status?stage=in_progress").await.expect(200);
        assert_eq!(found["items"].as_array().unwrap().iter().map(ori).collect::<Vec<_>>(), ["TX0001700", "TX0002200"]);
        assert_eq!(found["next_cursor"], json!(null));
        let in_turns = staff.all("/v1/certification-status?stage=in_progress&limit=1").await;
        assert_eq!(in_turns.iter().map(ori).collect::<Vec<_>>(), ["TX0001700", "TX0002200"]);
        let none = staff.get("/v1/certification-status?stage=overdue").await.expect(200);
        assert_eq!((&none["items"], &none["next_cursor"]), (&json!([]), &json!(null)));
        assert_eq!(staff.all("/v1/certification-status?stage=not_pledged&limit=500").await.len(), 2_298);
    }
}
