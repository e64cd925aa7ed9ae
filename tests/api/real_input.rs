//! The files that a real deployment holds, through the importer and the public interface. They lie beside the project, and are not part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, TestApp};

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

/// Runs `onemind import` and answers its exit code and the counts of its summary.
async fn import(app: &TestApp, client: &str, what: &str, file: PathBuf, options: &[&str]) -> (i32, BTreeMap<String, u64>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onemind"));
    let rejected = app.config.data_dir.join("rejected.csv");
    command.arg("import").arg(what).arg(file).args(options).arg("--rejected").arg(rejected);
    command.env("ONEMIND_URL", &app.address).env("ONEMIND_TOKEN", app.token(client, "all", None)).env("ONEMIND_LOG", "warn");
    let output = actix_web::rt::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let counts = text.lines().skip(1).filter_map(|line| {
        let (word, count) = line.trim().split_once(' ')?;
        Some((word.to_owned(), count.trim().replace(',', "").parse().ok()?)).filter(|(_, count)| *count > 0)
    });
    let code = output.status.code().unwrap();
    assert!(code <= 1, "{text}{}", String::from_utf8_lossy(&output.stderr));
    (code, counts.collect())
}

fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
}

const ROSTER: &[&str] = &[
    "--agency",
    "ori:ILCPD0000",
    "--as-of",
    "2016-06-28",
    "--map",
    "family_name=last_name",
    "--map",
    "given_name=first_name",
    "--map",
    "badge_number=star",
    "--map",
    "rank=position",
    "--map",
    "started_on=appointed",
];

const BY_NAME: &[&str] = &[
    "--set",
    "officer.agency=ori:ILCPD0000",
    "--set",
    "training.code=CIT-40",
    "--map",
    "officer.family_name=last_name",
    "--map",
    "officer.given_name=first_name",
    "--map",
    "officer.appointed_on=appointed",
    "--map",
    "completed_on=session_end",
];

fn by_name_and_badge() -> Vec<&'static str> {
    [BY_NAME, &["--map", "officer.badge_number=star"]].concat()
}

async fn chicago_without_people(app: &TestApp) {
    let staff = app.staff();
    let agency = json!({"name": "Chicago Police Department", "kind": "municipal_police", "country": "US", "subdivision": "US-IL"});
    staff.put("/v1/agencies/ori:ILCPD0000", &agency).await.expect(201);
    let training = json!({"code": "CIT-40", "title": "Crisis Intervention Team", "program": "cit", "category": "crisis_intervention", "hours": 40});
    let id = staff.post("/v1/trainings", &training).await.expect(201)["id"].as_str().unwrap().to_owned();
    staff.put(&format!("/v1/trainings/{id}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
}

/// Where each completion of a client stands, with the person that it was placed with, told by what does not depend on when rows were made.
async fn standing(app: &TestApp, lms: &Client) -> BTreeMap<String, (String, Value, String)> {
    let mut people = BTreeMap::new();
    for officer in app.staff().all("/v1/officers?limit=500").await {
        let appointment = &officer["appointments"][0];
        let who = format!(
            "{} {} {} {} {}",
            officer["family_name"], officer["given_name"], appointment["started_on"], appointment["badge_number"], appointment["sworn"]
        );
        people.insert(officer["id"].as_str().unwrap().to_owned(), who);
    }
    let completions = lms.all("/v1/completions?limit=500").await;
    let standing = completions.into_iter().map(|completion| {
        let who = completion["officer_id"].as_str().map(|id| people[id].clone()).unwrap_or_default();
        let status = completion["status"].as_str().unwrap().to_owned();
        (completion["external_id"].as_str().unwrap().to_owned(), (status, completion["reason"].clone(), who))
    });
    standing.collect()
}

fn tally(standing: &BTreeMap<String, (String, Value, String)>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (status, reason, _) in standing.values() {
        *counts.entry(reason.as_str().unwrap_or(status).to_owned()).or_insert(0) += 1;
    }
    counts
}

on_both_databases! {
    async fn every_agency_of_the_fbi_list_goes_in_and_again_without_change(app: TestApp) {
        let Some(data) = data() else { return };
        let options = ["--map", "ori=ori9", "--map", "name=agency_name", "--map", "kind=agency_type_name", "--map", "subdivision=state_abbr", "--set", "country=US"];
        let file = data.join("us_agencies.csv");
        assert_eq!(import(&app, "iacp", "agencies", file.clone(), &options).await, (0, counts(&[("created", 18_459)])));
        assert_eq!(import(&app, "iacp", "agencies", file, &options).await, (0, counts(&[("unchanged", 18_459)])));
        let namesakes = app.staff().all("/v1/agencies?limit=500&name=Washington%20County%20Sheriff's%20Office").await;
        let oris: BTreeSet<&str> = namesakes.iter().map(|agency| agency["ori"].as_str().unwrap()).collect();
        assert_eq!((namesakes.len(), oris.len()), (29, 29));
        assert!(namesakes.iter().all(|agency| agency["kind"] == "sheriff"));
    }

    async fn the_chicago_files_come_to_the_same_in_either_order_and_a_second_time(app: TestApp) {
        let Some(data) = data() else { return };
        let (roster, file) = (data.join("chicago_roster_2016.csv"), data.join("chicago_cit_completions_2016.csv"));
        let with_badge = by_name_and_badge();

        // The roster first.
        chicago_without_people(&app).await;
        assert_eq!(import(&app, "rms", "roster", roster.clone(), ROSTER).await.1["created"], 13_527);
        assert_eq!(import(&app, "by-name", "completions", file.clone(), BY_NAME).await.1, counts(&[("created", 2_153), ("parked", 83)]));
        let badge = import(&app, "by-badge", "completions", file.clone(), &with_badge).await.1;
        assert_eq!((badge["created"], badge["parked"]), (2_138, 98));

        let mine = |name: &str| app.client(name, "completions:read", Some(&[]));
        let first = [standing(&app, &mine("by-name")).await, standing(&app, &mine("by-badge")).await];
        assert_eq!(tally(&first[0]), counts(&[("placed", 2_153), ("no_match", 83)]));
        assert_eq!(tally(&first[1])["placed"], 2_138);
        let people: BTreeSet<&String> = first[0].values().map(|(_, _, who)| who).filter(|who| !who.is_empty()).collect();
        assert_eq!(people.len(), 2_081);
        assert!(people.iter().all(|who| who.ends_with("true")), "all of them are sworn");
        // Who carries another star than the roster says is told apart from those whom nobody knows.
        let other_star = first[1].iter().filter(|(_, (status, ..))| status == "parked").count();
        assert_eq!(other_star, 98);
        assert!(tally(&first[1])["conflict"] >= 15);

        let status = app.staff().get("/v1/agencies/ori:ILCPD0000/certification-status?as_of=2016-08-06").await.expect(200);
        let training = &status["requirements"]["training"];
        assert_eq!((&status["standard"], &training["sworn"], &training["roster"]), (&json!("one-mind"), &json!(12_005), &json!(12_005)));
        assert_eq!(training["trained"], json!({"count": 2_081, "needed": 12_005, "short": 9_924, "met": false}));
        assert_eq!(training["crisis_intervention"], json!({"count": 2_081, "needed": 2_401, "short": 320, "met": false}));

        // A second time: nothing changes.
        let again = import(&app, "rms", "roster", roster.clone(), ROSTER).await.1;
        assert_eq!((again.get("unchanged"), again.get("created").copied().unwrap_or(0), again.get("ended").copied().unwrap_or(0)), (Some(&13_527), 0, 0));
        assert_eq!(import(&app, "by-name", "completions", file.clone(), BY_NAME).await.1["unchanged"], 2_236);
        assert_eq!(import(&app, "by-badge", "completions", file.clone(), &with_badge).await.1["unchanged"], 2_236);
        assert_eq!([standing(&app, &mine("by-name")).await, standing(&app, &mine("by-badge")).await], first);

        // The completions first, in a registry of their own.
        let other = TestApp::start(app.backend).await;
        chicago_without_people(&other).await;
        assert_eq!(import(&other, "by-badge", "completions", file.clone(), &with_badge).await.1["parked"], 2_236);
        assert_eq!(import(&other, "by-name", "completions", file, BY_NAME).await.1["parked"], 2_236);
        assert_eq!(import(&other, "rms", "roster", roster, ROSTER).await.1["created"], 13_527);
        let mine = |name: &str| other.client(name, "completions:read", Some(&[]));
        assert_eq!([standing(&other, &mine("by-name")).await, standing(&other, &mine("by-badge")).await], first);
        let later = other.staff().get("/v1/agencies/ori:ILCPD0000/certification-status?as_of=2016-08-06").await.expect(200);
        assert_eq!(later["requirements"], status["requirements"]);
    }

    async fn the_chicago_files_come_to_the_same_by_columns_and_by_lines(app: TestApp) {
        let Some(data) = data() else { return };
        let (roster, file) = (data.join("chicago_roster_2016.csv"), data.join("chicago_cit_completions_2016.csv"));
        // As JSON first, by the importer.
        chicago_without_people(&app).await;
        import(&app, "rms", "roster", roster.clone(), ROSTER).await;
        import(&app, "by-name", "completions", file.clone(), BY_NAME).await;
        let mine = |app: &TestApp| app.client("by-name", "completions:read completions:write", None);
        let expected = standing(&app, &mine(&app)).await;
        assert_eq!(tally(&expected), counts(&[("placed", 2_153), ("no_match", 83)]));
        let status = |app: &TestApp| { let staff = app.staff(); async move { staff.get("/v1/agencies/ori:ILCPD0000/certification-status?as_of=2016-08-06").await.expect(200)["requirements"].clone() } };
        let requirements = status(&app).await;

        // As CSV behind a preamble, with the very same records: nothing changes.
        let (people, completions) = (std::fs::read_to_string(&roster).unwrap(), std::fs::read_to_string(&file).unwrap());
        let parameters = |options: &[&str]| -> String {
            let pairs = options.chunks(2).filter(|pair| pair[0] == "--map" || pair[0] == "--set");
            pairs.flat_map(|pair| ["&", &pair[0][2..], "=", pair[1]]).collect()
        };
        let behind = |text: &str| format!("\u{feff}Chicago Police Department;\r\n\r\n{}Total\r\n", text.replace(',', ";").replace('\n', "\r\n"));
        let send = |client: Client, method: reqwest::Method, path: String, content_type: &'static str, body: String| async move {
            client.send(client.request(method, &path).header("content-type", content_type).header("prefer", "return=minimal").body(body)).await
        };
        let again = send(mine(&app), reqwest::Method::POST, format!("/v1/completions/batch?footer=Total{}", parameters(BY_NAME)), "text/csv", behind(&completions)).await.expect(207);
        assert_eq!((&again["summary"]["unchanged"], &again["summary"]["received"]), (&json!(2_236), &json!(2_236)));

        // Into a registry of its own, by columns; the completions first.
        let other = TestApp::start(app.backend).await;
        chicago_without_people(&other).await;
        let pushed = send(mine(&other), reqwest::Method::POST, format!("/v1/completions/batch?footer=Total{}", parameters(BY_NAME)), "text/csv", behind(&completions)).await.expect(207);
        assert_eq!(pushed["summary"]["parked"], 2_236);
        let rms = other.client("rms", "officers:write", None);
        let put = send(rms, reqwest::Method::PUT, format!("/v1/agencies/ori:ILCPD0000/roster?as_of=2016-06-28&footer=Total{}", parameters(ROSTER)), "text/csv", behind(&people)).await.expect(200);
        assert_eq!(put["summary"]["created"], 13_527);
        assert_eq!(standing(&other, &mine(&other)).await, expected);
        assert_eq!(status(&other).await, requirements);

        // And by lines.
        let third = TestApp::start(app.backend).await;
        chicago_without_people(&third).await;
        let mut lines = String::new();
        for row in people.lines().skip(1) {
            let cells: Vec<&str> = row.split(',').collect();
            let mut entry = json!({"family_name": cells[0], "given_name": cells[1], "rank": cells[3], "started_on": cells[5], "sworn": cells[6] == "Y"});
            if !cells[2].is_empty() {
                entry["badge_number"] = json!(cells[2]);
            }
            lines.push_str(&entry.to_string());
            lines.push('\n');
        }
        let rms = third.client("rms", "officers:write", None);
        let put = send(rms, reqwest::Method::PUT, "/v1/agencies/ori:ILCPD0000/roster?as_of=2016-06-28".to_owned(), "application/x-ndjson", lines).await.expect(200);
        assert_eq!(put["summary"]["created"], 13_527);
        let lines: Vec<String> = mine(&app).all("/v1/completions?limit=500").await.iter().map(|held| {
            json!({"external_id": held["external_id"], "officer": held["officer"], "training": held["training"], "completed_on": held["completed_on"]}).to_string()
        }).collect();
        let lines = lines.join("\n");
        let pushed = send(mine(&third), reqwest::Method::POST, "/v1/completions/batch".to_owned(), "application/x-ndjson", lines).await.expect(207);
        assert_eq!((&pushed["summary"]["created"], &pushed["summary"]["parked"]), (&json!(2_153), &json!(83)));
        assert_eq!(standing(&third, &mine(&third)).await, expected);
        assert_eq!(status(&third).await, requirements);
    }
}
