//! Statements that become completions.

use serde_json::{Value, json};

use super::{COURSE, PATH, hex, id, lms, officer, put, registry, statement, trained, with};
use crate::on_both_databases;

on_both_databases! {
    async fn each_way_to_name_the_actor_finds_the_officer(app: TestApp) {
        let client = lms(&app, "lms");
        let officer = registry(&app, &[&client]).await;
        let sha1 = |text: &str| {
            hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref())
        };
        let actors = [
            json!({"mbox": "mailto:m.rivera@example.org"}),
            json!({"mbox": "mailto:M.RIVERA@EXAMPLE.ORG"}),
            json!({"mbox_sha1sum": sha1("mailto:M.Rivera@example.org")}),
            json!({"mbox_sha1sum": sha1("mailto:m.rivera@example.org").to_uppercase()}),
            json!({"openid": "https://id.example/m.rivera"}),
            json!({"objectType": "Agent", "name": "Somebody", "account": {"homePage": "https://lms.example", "name": "4711"}}),
        ];
        for (number, actor) in (1..).zip(actors) {
            assert_eq!(put(&client, &with(statement(number, "completed"), "/actor", actor.clone())).await.status, 204);
            let external_id = format!("xapi:{}", id(number));
            let completion = &client.all(&format!("/v1/completions?external_id={external_id}")).await[0];
            assert_eq!((&completion["officer_id"], &completion["status"]), (&json!(officer), &json!("placed")), "{actor}");
            assert_eq!((&completion["completed_on"], &completion["completed_at"]), (&json!("2026-03-06"), &json!("2026-03-07T05:30:00Z")), "{actor}");
        }
        // Six records, one person.
        assert_eq!(trained(&app, "2026-03-06").await, 1);
        assert_eq!(trained(&app, "2026-03-05").await, 0);
        for (number, actor) in (20..).zip([json!({"mbox": "mailto:m@example.org"}), json!({"mbox_sha1sum": "0".repeat(40)}), json!({"account": {"homePage": "https://other.example", "name": "4711"}})]) {
            assert_eq!(put(&client, &with(statement(number, "completed"), "/actor", actor)).await.status, 204);
        }
        assert_eq!(client.all("/v1/completions?status=parked&reason=no_match").await.len(), 3);
    }

    async fn only_what_was_completed_counts(app: TestApp) {
        let client = lms(&app, "lms");
        registry(&app, &[&client]).await;
        let silent = ["initialized", "terminated", "attempted", "experienced", "uncompleted"];
        for (number, word) in (1..).zip(silent) {
            assert_eq!(put(&client, &statement(number, word)).await.status, 204);
        }
        assert_eq!(put(&client, &with(statement(10, "completed"), "/result", json!({"completion": false}))).await.status, 204);
        let group = json!({"objectType": "Group", "member": [{"mbox": "mailto:m.rivera@example.org"}]});
        assert_eq!(put(&client, &with(statement(11, "completed"), "/actor", group)).await.status, 204);
        assert_eq!(client.all("/v1/completions").await, [Value::Null; 0]);
        // Recorded, and counted for nothing.
        assert_eq!(put(&client, &statement(12, "failed")).await.status, 204);
        assert_eq!(put(&client, &with(statement(13, "completed"), "/result", json!({"success": false}))).await.status, 204);
        let failed = client.all("/v1/completions").await;
        assert_eq!(failed.iter().map(|completion| &completion["passed"]).collect::<Vec<_>>(), [&json!(false); 2]);
        assert_eq!(trained(&app, "2026-03-07").await, 0);
        let result = json!({"completion": true, "success": true, "duration": "PT39H30M", "score": {"scaled": 0.875, "raw": 35, "min": 0, "max": 40}});
        assert_eq!(put(&client, &with(statement(14, "passed"), "/result", result)).await.status, 204);
        let passed = &client.all(&format!("/v1/completions?external_id=xapi:{}", id(14))).await[0];
        assert_eq!((&passed["hours"], &passed["score"], &passed["passed"]), (&json!(39.5), &json!(0.875), &json!(true)));
        assert_eq!(trained(&app, "2026-03-07").await, 1);
    }

    async fn a_statement_that_comes_too_early_is_placed_when_its_course_and_officer_come(app: TestApp) {
        let client = lms(&app, "lms");
        app.agency("TX2270000").await;
        client.post(PATH, &json!([statement(1, "completed"), with(statement(2, "completed"), "/actor", json!({"mbox_sha1sum": "D90D1CDEC81849AAF5AEE4D9A2010285D9F46332"}))])).await.expect(200);
        assert_eq!(client.all("/v1/completions?status=parked").await.len(), 2);
        let training = app.training("CIT-40").await;
        app.staff().put(&format!("/v1/trainings/{training}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
        client.post("/v1/course-mappings", &json!({"code": COURSE, "training": training, "effective_from": "2020-01-01"})).await.expect(201);
        assert_eq!(client.all("/v1/completions?status=parked&reason=no_match").await.len(), 2);
        let somebody = officer(&app).await;
        let placed: Vec<Value> = client.all("/v1/completions?status=placed").await;
        assert!(placed.iter().all(|completion| completion["officer_id"] == somebody.as_str()));
        assert_eq!(placed.len(), 2);
        assert_eq!(trained(&app, "2026-03-07").await, 1);
    }

    async fn an_actor_by_whom_nobody_can_be_known_waits_for_staff(app: TestApp) {
        let client = lms(&app, "lms");
        let somebody = registry(&app, &[&client]).await;
        let actor = json!({"account": {"homePage": format!("https://lms.example/{}", "x".repeat(200)), "name": "4711"}});
        assert_eq!(put(&client, &with(statement(1, "completed"), "/actor", actor)).await.status, 204);
        let waiting = &client.all("/v1/completions").await[0];
        assert_eq!((&waiting["status"], &waiting["reason"], &waiting["officer"]), (&json!("parked"), &json!("no_match"), &json!({})));
        let place = format!("/v1/completions/{}/placement", waiting["id"].as_str().unwrap());
        app.staff().post(&place, &json!({"officer": {"id": somebody}})).await.expect(200);
        assert_eq!(trained(&app, "2026-03-07").await, 1);
    }

    async fn the_log_tells_of_statements_by_their_members(app: TestApp) {
        let client = lms(&app, "lms");
        registry(&app, &[&client]).await;
        let reply = put(&client, &statement(1, "completed")).await;
        let again = put(&client, &statement(1, "completed")).await;
        let log = app.client("auditor", "audit:read", None).all("/v1/audit-log?operation=store_statement").await;
        let entries: Vec<&Value> = log.iter().collect();
        assert_eq!(entries.iter().map(|entry| &entry["outcome"]).collect::<Vec<_>>(), [&json!("changed"), &json!("unchanged")]);
        assert_eq!(entries[0]["request_id"], reply.header("x-request-id"));
        assert_eq!(entries[1]["request_id"], again.header("x-request-id"));
        assert_eq!(entries[0]["resource"]["kind"], "statement");
        assert!(entries[0]["fields"].as_array().unwrap().contains(&json!("actor")), "{}", entries[0]);
        assert!(!json!(log).to_string().contains("rivera"));
    }
}
