//! Statuses that are asked for at once share the statements that ask for versions: each is answered by itself, and none with what was true
//! before it was asked for.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use futures_util::future::{join, join_all, join3};
use onemind::storage::StorageError;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, TestApp};

const AGENCIES: usize = 12;

fn ori(number: usize) -> String {
    format!("TX00000{number:02}")
}

fn path(key: &str) -> String {
    format!("/v1/agencies/{key}/certification-status")
}

/// Agencies, by their ids.
async fn scene(app: &TestApp) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..AGENCIES {
        ids.push(app.agency(&ori(number)).await);
    }
    ids
}

/// Holds every connection of the process for a while, so that whatever asks for one waits for the others.
async fn hold(app: &TestApp, time: Duration) {
    let size = app.registry.store.pool_use().size;
    let held = (0..size).map(|_| {
        app.registry.store.read(move |_| -> Result<(), StorageError> {
            std::thread::sleep(time);
            Ok(())
        })
    });
    join_all(held).await.into_iter().for_each(Result::unwrap);
}

/// Asks a moment after the connections are held.
async fn ask_while_held(client: &Client, keys: &[String]) -> Vec<(u16, Value)> {
    tokio::time::sleep(Duration::from_millis(200)).await;
    ask(client, keys).await
}

async fn ask(client: &Client, keys: &[String]) -> Vec<(u16, Value)> {
    let replies = join_all(keys.iter().map(async |key| client.get(&path(key)).await)).await;
    replies.into_iter().map(|reply| (reply.status, serde_json::from_str(&reply.text).unwrap_or_default())).collect()
}

async fn policy(client: &Client, agency: &str) {
    let policy = json!({"agency": agency, "title": "Response to people in crisis", "adopted_on": "2025-01-01", "ends_on": null, "document": null});
    client.post("/v1/policies", &policy).await.expect(201);
}

fn in_force(answer: &(u16, Value)) -> (u16, u64) {
    (answer.0, answer.1["requirements"]["policy"]["in_force"].as_u64().unwrap_or_default())
}

on_both_databases! {
    async fn each_that_waits_with_others_has_the_answer_to_its_own_question(app: TestApp) {
        let ids = scene(&app).await;
        let reached: Vec<String> = (0..AGENCIES / 2).map(|number| format!("ori:{}", ori(number))).collect();
        let reached: Vec<&str> = reached.iter().map(String::as_str).collect();
        let rms = app.client("rms", "status:read", Some(&reached));
        let mut keys: Vec<String> = (0..AGENCIES).flat_map(|number| [ids[number].clone(), format!("ori:{}", ori(number)), ids[number].clone()]).collect();
        keys.extend(["ori:TX9999999".to_owned(), "0199c1f0-0000-7000-8000-00000000dead".to_owned(), uuid::Uuid::nil().to_string()]);
        let expected: Vec<(u16, Option<&str>)> = (0..keys.len())
            .map(|place| (place / 3, place % 3))
            .map(|(number, _)| if number < AGENCIES / 2 { (200, Some(ids[number].as_str())) } else { (404, None) })
            .collect();
        // First nothing is kept in memory, and then all is.
        for turn in 0..3 {
            let ((), answers) = join(hold(&app, Duration::from_millis(500)), ask_while_held(&rms, &keys)).await;
            let told: Vec<(u16, Option<&str>)> = answers.iter().map(|(status, body)| (*status, body["agency"]["id"].as_str())).collect();
            assert_eq!(told, expected, "turn {turn}");
        }
    }

    async fn what_another_process_changed_is_seen_by_whoever_asks_after_it_though_others_wait(app: TestApp) {
        let ids = scene(&app).await;
        let replica = app.replica();
        let (staff, other) = (app.staff(), Client::new(&replica.address, app.staff().token));
        let keys = [ids[0].clone(), format!("ori:{}", ori(0)), ids[1].clone(), format!("ori:{}", ori(2))];
        assert!(ask(&staff, &keys).await.iter().all(|answer| in_force(answer) == (200, 0)));
        let changing = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            policy(&other, &ids[0]).await;
            policy(&other, &ids[2]).await;
            ask(&staff, &keys).await
        };
        let ((), before, after) = join3(hold(&app, Duration::from_millis(1500)), ask_while_held(&staff, &keys), changing).await;
        assert!(before.iter().all(|answer| answer.0 == 200));
        assert_eq!(after.iter().map(in_force).collect::<Vec<_>>(), [(200, 1), (200, 1), (200, 0), (200, 1)]);
    }

    async fn who_asks_after_a_change_is_told_of_it_however_many_ask_all_the_time(app: TestApp) {
        let ids = scene(&app).await;
        let staff = app.staff();
        let keys: Vec<String> = ids.iter().cloned().chain((0..AGENCIES).map(|number| format!("ori:{}", ori(number)))).collect();
        let changing = async {
            for turn in 1..=12 {
                policy(&staff, &ids[turn % 3]).await;
                let answers = ask(&staff, &keys).await;
                for number in 0..3 {
                    let so_far = u64::try_from((1..=turn).filter(|turn| turn % 3 == number).count()).unwrap();
                    assert_eq!((in_force(&answers[number]), in_force(&answers[AGENCIES + number])), ((200, so_far), (200, so_far)), "turn {turn}, {number}");
                }
            }
        };
        let asking = join_all((0..6).map(async |_| {
            for _ in 0..12 {
                assert!(ask(&staff, &keys).await.iter().all(|answer| answer.0 == 200));
            }
        }));
        join(changing, asking).await;
    }

    async fn all_that_wait_are_told_that_the_database_has_no_time_or_fails_and_the_next_are_answered(app: TestApp) {
        let ids = scene(&app).await;
        let staff = app.staff();
        let statuses = async |keys: &[String]| ask(&staff, keys).await.iter().map(|answer| answer.0).collect::<Vec<_>>();
        let ((), busy) = join(hold(&app, Duration::from_millis(4500)), ask_while_held(&staff, &ids)).await;
        assert!(busy.iter().all(|(status, body)| *status == 503 && body["type"].as_str().is_some_and(|kind| kind.ends_with("/unavailable"))), "{busy:?}");
        assert_eq!(statuses(&ids).await, [200; AGENCIES]);

        let mut conn = app.config.database.connect().unwrap();
        conn.batch_execute("ALTER TABLE agency_versions RENAME TO versions_away").unwrap();
        let ((), failed) = join(hold(&app, Duration::from_millis(500)), ask_while_held(&staff, &ids)).await;
        assert!(failed.iter().all(|answer| answer.0 == 500), "{failed:?}");
        conn.batch_execute("ALTER TABLE versions_away RENAME TO agency_versions").unwrap();
        assert_eq!(statuses(&ids).await, [200; AGENCIES]);
    }
}
