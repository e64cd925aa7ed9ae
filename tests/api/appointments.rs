//! `/v1/officers/{id}/appointments`

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::TestApp;

fn spell(agency: &str, start: &str, end: Option<&str>) -> Value {
    json!({"agency": agency, "sworn": true, "badge_number": "88", "started_on": start, "ended_on": end})
}

/// An officer at `TX0000001` from 2019-05-01, and the path of their appointments.
async fn scene(app: &TestApp) -> (String, String) {
    app.agency("TX0000001").await;
    app.agency("TX0000002").await;
    let body = json!({"given_name": "Maria", "family_name": "Rivera", "appointments": [spell("ori:TX0000001", "2019-05-01", None)]});
    let officer = app.staff().post("/v1/officers", &body).await.expect(201);
    let path = format!("/v1/officers/{}/appointments", officer["id"].as_str().unwrap());
    let appointment = format!("{path}/{}", officer["appointments"][0]["id"].as_str().unwrap());
    (path, appointment)
}

/// Where a completion by badge at `TX0000001` on a day ends up.
async fn by_badge(app: &TestApp, badge: &str, day: &str) -> Value {
    let record = json!({"external_id": format!("{badge} {day}"), "officer": {"agency": "ori:TX0000001", "badge_number": badge},
        "training": {"code": "none"}, "completed_on": day});
    app.staff().post("/v1/completions", &record).await.expect(202)["reason"].clone()
}

on_both_databases! {
    async fn spells_at_one_agency_do_not_overlap_and_at_two_they_may(app: TestApp) {
        let (path, appointment) = scene(&app).await;
        let staff = app.staff();
        assert_eq!(staff.post(&path, &spell("ori:TX0000001", "2026-01-01", None)).await.problem(409, "conflict"), [" overlapping_appointment"]);
        let second = staff.post(&path, &spell("ori:TX0000002", "2026-01-01", None)).await;
        let second_path = second.header("location").to_owned();
        assert_eq!(second.expect(201)["employment"], "full_time");
        assert_eq!(staff.get(&second_path).await.expect(200), second.json());
        staff.patch(&appointment, &json!({"ended_on": "2026-01-01"})).await.expect(200);
        let back = staff.post(&path, &spell("ori:TX0000001", "2026-01-01", None)).await.expect(201);
        assert_eq!(staff.patch(&appointment, &json!({"ended_on": null})).await.problem(409, "conflict"), [" overlapping_appointment"]);
        let all = staff.all(&format!("{path}?limit=1")).await;
        assert_eq!(all.len(), 3);
        assert_eq!(all[2], back);
    }

    async fn faults_of_an_appointment_are_named(app: TestApp) {
        let (path, appointment) = scene(&app).await;
        let staff = app.staff();
        let cases = [
            (spell("ori:TX0000009", "2026-01-01", None), vec!["/agency unknown_agency"]),
            (spell("ori:TX0000002", "2026-01-01", Some("2025-01-01")), vec!["/ended_on ends_before_start"]),
            (spell("ori:TX0000002", "2026-02-30", None), vec!["/started_on invalid_date"]),
            (json!({"agency": "ori:TX0000002", "employment": "retired"}), vec!["/employment invalid_employment", "/sworn required", "/started_on required"]),
        ];
        for (body, faults) in cases {
            assert_eq!(staff.post(&path, &body).await.problem(422, "invalid-content"), faults, "{body}");
        }
        let changes = [
            (json!({"agency": "ori:TX0000002"}), vec!["/agency unknown_field"]),
            (json!({"ended_on": "2019-04-30"}), vec!["/ended_on ends_before_start"]),
            (json!({"started_on": null}), vec!["/started_on wrong_type"]),
            (json!({"badge_number": "1", "numbers_effective_on": "2019-04-30"}), vec!["/numbers_effective_on outside_appointment"]),
            (json!({"badge_number": "1", "ended_on": "2020-01-01", "numbers_effective_on": "2020-01-01"}), vec!["/numbers_effective_on outside_appointment"]),
        ];
        let before = staff.get(&appointment).await.expect(200);
        for (patch, faults) in changes {
            let said = staff.patch(&appointment, &patch).await.problem(422, "invalid-content");
            assert!(said == faults || (patch["started_on"].is_null() && patch.get("started_on").is_some() && said == ["/started_on required"]), "{patch} {said:?}");
        }
        assert_eq!(staff.get(&appointment).await.expect(200), before);
    }

    async fn a_number_is_found_as_it_stood(app: TestApp) {
        let (_, appointment) = scene(&app).await;
        let staff = app.staff();
        let unknown_course = json!("unknown_training");
        let changed = staff.patch(&appointment, &json!({"badge_number": "99", "numbers_effective_on": "2024-01-01"})).await.expect(200);
        assert_eq!(changed["badge_number"], "99");
        assert_eq!(changed.get("numbers_effective_on"), None);
        for (badge, day, found) in [("88", "2023-12-31", true), ("88", "2024-01-01", false), ("99", "2023-12-31", false), ("99", "2024-01-01", true)] {
            assert_eq!(by_badge(&app, badge, day).await == unknown_course, found, "{badge} {day}");
        }
        // A correction: it was 98 from the first day of 99.
        staff.patch(&appointment, &json!({"badge_number": "98"})).await.expect(200);
        staff.patch(&appointment, &json!({"ended_on": "2025-01-01"})).await.expect(200);
        for (badge, day, found) in [("88", "2023-12-30", true), ("99", "2024-01-02", false), ("98", "2024-01-02", true), ("98", "2025-01-01", false)] {
            assert_eq!(by_badge(&app, badge, day).await == unknown_course, found, "{badge} {day}");
        }
    }

    async fn an_appointment_recorded_in_error_is_struck_out(app: TestApp) {
        let (path, appointment) = scene(&app).await;
        let staff = app.staff();
        let stale = staff.request(reqwest::Method::DELETE, &appointment).header("if-match", "\"other\"");
        staff.send(stale).await.problem(412, "precondition-failed");
        assert_eq!(staff.delete(&appointment).await.status, 204);
        staff.get(&appointment).await.problem(404, "not-found");
        assert_eq!(staff.all(&path).await.len(), 0);
        assert_eq!(by_badge(&app, "88", "2023-12-31").await, "no_match");
    }
}
