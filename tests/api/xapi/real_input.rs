//! The Chicago completions as statements come to the same as through JSON.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{COURSE, PATH, id, verb};
use crate::on_both_databases;
use crate::support::{Client, TestApp};

const HOME: &str = "https://lms.chicago.example";

/// The folder with the real files; says so where it is absent, and fails where it must be there.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the service")]
fn data() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("REQUIRE_SHARED_DATA").is_err(), "REQUIRE_SHARED_DATA is set, and {} is not there", folder.display());
    println!("skipped: {} is not there", folder.display());
    None
}

type Row = HashMap<String, String>;

fn rows(file: PathBuf) -> Vec<Row> {
    csv::Reader::from_path(file).unwrap().deserialize().map(Result::unwrap).collect()
}

/// By what a row of either file names somebody. The files have no ids: a learning system would know people by one of its own.
fn key(row: &Row) -> (String, String, String) {
    (row["last_name"].clone(), row["first_name"].clone(), row["appointed"].clone())
}

/// The roster, with an account at the learning system for each person whose key is theirs alone; and those accounts.
async fn push_roster(app: &TestApp, roster: &[Row]) -> HashMap<(String, String, String), String> {
    let mut bearers: HashMap<(String, String, String), usize> = HashMap::new();
    for row in roster {
        *bearers.entry(key(row)).or_default() += 1;
    }
    let mut accounts = HashMap::new();
    let entries: Vec<Value> = roster
        .iter()
        .enumerate()
        .map(|(number, row)| {
            let mut entry = json!({"family_name": row["last_name"], "given_name": row["first_name"], "sworn": row["sworn"] == "Y", "started_on": row["appointed"], "identifiers": []});
            if !row["star"].is_empty() {
                entry["badge_number"] = json!(row["star"]);
            }
            if bearers[&key(row)] == 1 {
                entry["identifiers"] = json!([{"system": format!("xapi:{HOME}"), "value": format!("u{number}")}]);
                accounts.insert(key(row), format!("u{number}"));
            }
            entry
        })
        .collect();
    let body = json!({"as_of": "2016-06-28", "officers": entries});
    let answer = app.staff().put("/v1/agencies/ori:ILCPD0000/roster", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    accounts
}

async fn trained(app: &TestApp) -> Value {
    let status = app.staff().get("/v1/agencies/ori:ILCPD0000/certification-status?as_of=2016-08-06").await.expect(200);
    status["requirements"]["training"].clone()
}

async fn chicago(app: &TestApp, lms: &Client, roster: &[Row]) -> HashMap<(String, String, String), String> {
    let agency = json!({"name": "Chicago Police Department", "kind": "municipal_police", "country": "US", "subdivision": "US-IL"});
    app.staff().put("/v1/agencies/ori:ILCPD0000", &agency).await.expect(201);
    let training = app.training("CIT-40").await;
    app.staff().put(&format!("/v1/trainings/{training}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
    lms.post("/v1/course-mappings", &json!({"code": COURSE, "training": training, "effective_from": "2000-01-01"})).await.expect(201);
    push_roster(app, roster).await
}

on_both_databases! {
    async fn the_chicago_completions_count_the_same_as_statements_and_as_json(app: TestApp) {
        let Some(data) = data() else { return };
        let (roster, completions) = (rows(data.join("chicago_roster_2016.csv")), rows(data.join("chicago_cit_completions_2016.csv")));
        let lms = app.client("lms", "all", Some(&["ori:ILCPD0000"]));
        let accounts = chicago(&app, &lms, &roster).await;
        let account = |row: &Row| accounts.get(&key(row)).cloned().unwrap_or_else(|| format!("unknown {:?}", key(row)));
        let statements: Vec<Value> = completions
            .iter()
            .enumerate()
            .map(|(number, row)| json!({
                "id": id(u32::try_from(number).unwrap()),
                "actor": {"account": {"homePage": HOME, "name": account(row)}},
                "verb": {"id": verb("completed")},
                "object": {"id": COURSE},
                "result": {"duration": "PT40H", "completion": true},
                "timestamp": format!("{}:00-06:00", row["session_end"].replace(' ', "T")),
            }))
            .collect();
        for some in statements.chunks(1000) {
            lms.post(PATH, &json!(some)).await.expect(200);
        }
        let by_statements = trained(&app).await;

        let other = TestApp::start(app.backend).await;
        let lms = other.client("lms", "all", Some(&["ori:ILCPD0000"]));
        assert_eq!(chicago(&other, &lms, &roster).await, accounts);
        let records: Vec<Value> = completions
            .iter()
            .enumerate()
            .map(|(number, row)| json!({"external_id": format!("r{number}"), "officer": {"identifier": {"system": format!("xapi:{HOME}"), "value": account(row)}},
                "training": {"code": COURSE}, "completed_on": row["session_end"][..10], "hours": 40}))
            .collect();
        lms.post("/v1/completions/batch", &json!({"completions": records})).await.expect(207);
        assert_eq!(by_statements, trained(&other).await);
        assert_eq!((&by_statements["sworn"], &by_statements["crisis_intervention"]["count"]), (&json!(12_005), &json!(2_081)));
    }
}
