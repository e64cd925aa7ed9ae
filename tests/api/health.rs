//! `/livez` and `/readyz`

use diesel::RunQueryDsl as _;
use serde_json::json;

use crate::on_both_databases;

on_both_databases! {
    async fn a_migrated_database_is_ready_and_one_that_lacks_a_migration_is_not(app: TestApp) {
        let stranger = app.stranger();
        assert_eq!(stranger.get("/livez").await.expect(200), json!({"status": "ok"}));
        let ready = stranger.get("/readyz").await.expect(200);
        assert_eq!(ready, json!({"status": "ok", "database": app.registry.store.system()}));

        let mut conn = app.config.database.connect().unwrap();
        diesel::sql_query("DELETE FROM __diesel_schema_migrations WHERE version = '0001'").execute(&mut conn).unwrap();
        let lacking = stranger.get("/readyz").await;
        assert_eq!(lacking.problem(503, "unavailable"), Vec::<String>::new());
        assert_eq!(lacking.json()["detail"], "the database lacks migrations: 0001_create_registry");
        assert_eq!(stranger.get("/livez").await.expect(200), json!({"status": "ok"}));
    }
}
