//! Statements that take others back.

use serde_json::json;

use super::{PATH, found, id, lms, put, registry, statement, trained, void};
use crate::on_both_databases;
use crate::support::Client;

async fn voided(client: &Client, number: u32) -> bool {
    let one = client.get(&format!("{PATH}?statementId={}", id(number))).await.status;
    let other = client.get(&format!("{PATH}?voidedStatementId={}", id(number))).await.status;
    assert!((one == 200) != (other == 200), "{one} {other}");
    other == 200
}

on_both_databases! {
    async fn a_voided_statement_takes_its_completion_with_it(app: TestApp) {
        let client = lms(&app, "lms");
        registry(&app, &[&client]).await;
        assert_eq!(put(&client, &statement(1, "completed")).await.status, 204);
        assert_eq!(trained(&app, "2026-03-07").await, 1);
        assert_eq!(put(&client, &void(2, &id(1))).await.status, 204);
        assert_eq!(trained(&app, "2026-03-07").await, 0);
        assert!(voided(&client, 1).await && !voided(&client, 2).await);
        assert_eq!(found(&client, "").await, [id(2)]);
        let completion = &client.all("/v1/completions").await[0];
        assert_eq!((&completion["status"], &completion["revocation_reason"]), (&json!("revoked"), &json!(format!("the xAPI statement {} was voided", id(1)))));
        // Sent again, it stays taken back; a second void changes nothing more.
        assert_eq!(put(&client, &statement(1, "completed")).await.status, 204);
        assert_eq!(put(&client, &void(3, &id(1))).await.status, 204);
        assert_eq!(trained(&app, "2026-03-07").await, 0);
    }

    async fn a_void_that_comes_first_is_remembered(app: TestApp) {
        let client = lms(&app, "lms");
        registry(&app, &[&client]).await;
        assert_eq!(put(&client, &void(2, &id(1))).await.status, 204);
        assert_eq!(put(&client, &statement(1, "completed")).await.status, 204);
        assert!(voided(&client, 1).await);
        assert_eq!((trained(&app, "2026-03-07").await, client.all("/v1/completions").await.len()), (json!(0), 0));
        client.post(PATH, &json!([void(4, &id(3)), statement(3, "completed")])).await.expect(200);
        assert!(voided(&client, 3).await);
        assert_eq!(trained(&app, "2026-03-07").await, 0);
    }

    async fn a_void_can_not_be_voided(app: TestApp) {
        let client = lms(&app, "lms");
        assert_eq!(put(&client, &void(2, &id(1))).await.status, 204);
        assert_eq!(put(&client, &void(3, &id(2))).await.problem(400, "invalid-statement"), ["/object/id voids_a_void"]);
        let both = json!([void(5, &id(4)), void(4, &id(9))]);
        assert_eq!(client.post(PATH, &both).await.problem(400, "invalid-statement"), ["/0/object/id voids_a_void"]);
        assert!(!voided(&client, 2).await);
        // Another that was named before it came can't be either: it is in force.
        assert_eq!(put(&client, &void(7, &id(6))).await.status, 204);
        assert_eq!(put(&client, &void(6, &id(8))).await.status, 204);
        assert!(!voided(&client, 6).await);
    }
}
