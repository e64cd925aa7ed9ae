//! Pseudonyms: what statements tell of somebody goes with who it was.

use serde_json::json;

use super::{PATH, found, id, lms, put, registry, statement, trained, with};
use crate::on_both_databases;
use crate::support::scene::everything;

on_both_databases! {
    async fn a_pseudonym_takes_the_person_out_of_every_statement(app: TestApp) {
        let client = lms(&app, "lms");
        let officer = registry(&app, &[&client]).await;
        let named = json!({"mbox": "mailto:M.Rivera@example.org", "name": "Mariquita Riveranova"});
        let told = json!({"response": "I am Riveranova", "success": true, "score": {"scaled": 0.9}});
        let about = with(with(statement(1, "completed"), "/actor", named.clone()), "/result", told);
        assert_eq!(put(&client, &about).await.status, 204);
        let silent = with(statement(2, "initialized"), "/actor", json!({"account": {"homePage": "https://lms.example", "name": "4711"}, "name": "Mariquita Riveranova"}));
        assert_eq!(put(&client, &silent).await.status, 204);
        let mentor = with(with(statement(3, "completed"), "/actor/mbox", json!("mailto:b@x.example")), "/context", json!({"instructor": named, "platform": "LMS"}));
        assert_eq!(put(&client, &mentor).await.status, 204);
        let before = trained(&app, "2026-03-07").await;
        app.staff().post(&format!("/v1/officers/{officer}/pseudonymization"), &json!({"reason": "a court said so"})).await.expect(200);
        assert_eq!(trained(&app, "2026-03-07").await, before);
        for number in 1..=3 {
            let text = client.get(&format!("{PATH}?statementId={}", id(number))).await;
            assert_eq!(text.status, 200);
            for secret in ["rivera", "mariquita", "4711"] {
                assert!(!text.text.to_lowercase().contains(secret), "{secret} in {}", text.text);
            }
            assert!(text.text.contains(&officer));
        }
        let left = client.get(&format!("{PATH}?statementId={}", id(1))).await.expect(200);
        assert_eq!((&left["result"], &left["object"]), (&json!({"score": {"scaled": 0.9}, "success": true}), &statement(1, "completed")["object"]));
        assert_eq!(client.get(&format!("{PATH}?statementId={}", id(3))).await.expect(200)["context"]["platform"], "LMS");
        let query = serde_urlencoded::to_string([("agent", "{\"mbox\":\"mailto:m.rivera@example.org\"}"), ("related_agents", "true")]).unwrap();
        assert_eq!(found(&client, &query).await, [""; 0]);
        // Sent again, it is the same, and brings nobody back.
        assert_eq!(put(&client, &about).await.status, 204);
        if app.backend == crate::support::Backend::Postgres {
            let all = everything(&app).await.to_lowercase();
            assert!(!all.contains("riveranova") && !all.contains("m.rivera"), "something is left");
        }
    }
}
