//! Ten writers push overlapping and contradictory batches for the same agencies while others read: no deadlock reaches a client, no credit is lost
//! or doubled, and the timeline is what the facts come to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use onemind::service::verify::compare_all;
use onemind::storage::StorageError;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, Reply};

const AGENCIES: [&str; 3] = ["TX0000001", "TX0000002", "TX0000003"];
const PEOPLE: usize = 24;
const RECORDS: usize = 60;
const TURNS: usize = 5;

/// What a writer says of a record in a turn. Writers contradict each other in whose it is, of what, when, and whether it was passed; the sender's
/// revision says who is right: the highest, whenever it arrives.
fn record(writer: usize, turn: usize, number: usize) -> Value {
    let revision = turn * 10 + writer;
    let person = (number + revision) % PEOPLE;
    json!({"external_id": format!("rec-{number}"), "officer": {"agency": format!("ori:{}", AGENCIES[person % 3]), "badge_number": format!("{person}")},
        "training": {"code": if (number + revision).is_multiple_of(2) { "CIT-40" } else { "MHFA" }},
        "completed_on": format!("2025-{:02}-{:02}", 1 + (number + revision) % 12, 1 + number % 28), "passed": !(number + revision).is_multiple_of(5), "revision": revision})
}

/// Sends the records by one of the doors, in an order of the writer's own.
async fn send(client: &Client, writer: usize, turn: usize) -> Reply {
    let records: Vec<Value> = (0..RECORDS).map(|place| record(writer, turn, (place * 7 + writer * 11) % RECORDS)).collect();
    if (writer + turn).is_multiple_of(2) {
        return client.post("/v1/completions/batch", &json!({"completions": records})).await;
    }
    let lines = records.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let request = client.request(reqwest::Method::POST, "/v1/completions/batch").header("content-type", "application/x-ndjson");
    client.send(request.body(lines)).await
}

on_both_databases! {
    async fn who_writes_again_and_again_keeps_nobody_else_waiting(app: TestApp) {
        let store = app.registry.store.clone();
        let written = Arc::new(AtomicUsize::new(0));
        let write = async |work: fn()| {
            store.write(move |_| { work(); Ok::<_, StorageError>(()) }).await.unwrap();
        };
        let again_and_again = async {
            for _ in 0..100 {
                write(|| std::thread::sleep(Duration::from_millis(20))).await;
                written.fetch_add(1, Ordering::Relaxed);
            }
        };
        let once = async {
            while written.load(Ordering::Relaxed) < 3 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let before = written.load(Ordering::Relaxed);
            write(|| ()).await;
            written.load(Ordering::Relaxed) - before
        };
        let (waited_for, ()) = join(once, again_and_again).await;
        // The one that runs when it comes, and what may be counted before it is told.
        assert!(waited_for <= 3, "{waited_for}");
    }

    async fn ten_writers_contradict_each_other_and_no_credit_is_lost_or_doubled(app: TestApp) {
        app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
        app.recognized_training("MHFA", "mhfa", "mental_health_awareness").await;
        for (index, ori) in AGENCIES.iter().enumerate() {
            app.agency(ori).await;
            for person in (index..PEOPLE).step_by(3) {
                let appointment = json!({"agency": format!("ori:{ori}"), "sworn": true, "badge_number": format!("{person}"), "started_on": "2019-05-01"});
                app.staff().post("/v1/officers", &json!({"given_name": "Ana", "family_name": format!("Officer {person}"), "appointments": [appointment]})).await.expect(201);
            }
        }
        // Half of the writers call another process.
        let replica = app.replica();
        let scopes = "completions:read completions:write status:read";
        let clients: Vec<Client> = (0..10)
            .map(|writer| {
                let client = app.client("lms", scopes, None);
                if writer % 2 == 0 { client } else { Client::new(&replica.address, client.token) }
            })
            .collect();
        let writing = join_all(clients.iter().enumerate().map(|(writer, client)| async move {
            for turn in 0..TURNS {
                let reply = send(client, writer, turn).await;
                let told = reply.expect(207);
                assert_eq!((&told["summary"]["received"], &told["summary"]["rejected"]), (&json!(RECORDS), &json!(0)), "{}", reply.text);
            }
        }));
        let reading = join_all((0..3).map(|reader| {
            let client = if reader == 0 { app.staff() } else { Client::new(&replica.address, app.staff().token) };
            async move {
                for turn in 0..40 {
                    client.get(&format!("/v1/agencies/ori:{}/certification-status", AGENCIES[(turn + reader) % 3])).await.expect(200);
                    client.get("/v1/statistics").await.expect(200);
                }
            }
        }));
        join(writing, reading).await;

        let held = app.client("lms", scopes, None).all("/v1/completions?limit=500").await;
        let names: BTreeSet<&str> = held.iter().filter_map(|one| one["external_id"].as_str()).collect();
        assert_eq!((held.len(), names.len()), (RECORDS, RECORDS), "each record once");
        // Whatever the order in which they came, the highest revision holds.
        let last: BTreeMap<String, Value> =
            (0..RECORDS).map(|number| record(9, TURNS - 1, number)).map(|record| (record["external_id"].as_str().unwrap().to_owned(), record)).collect();
        for one in &held {
            let right = &last[one["external_id"].as_str().unwrap()];
            for (ours, theirs) in [("sender_revision", "revision"), ("officer", "officer"), ("training", "training"), ("completed_on", "completed_on"), ("passed", "passed")] {
                assert_eq!(one[ours], right[theirs], "{one}");
            }
            assert_eq!(one["status"], "placed");
        }
        let compared = app.registry.store.read(compare_all).await.unwrap();
        assert!(compared.differences.is_empty(), "{:#?}", compared.differences);
        // Counted once more by hand: people, never rows.
        for ori in AGENCIES {
            let mut trained = BTreeSet::new();
            let mut crisis = BTreeSet::new();
            for record in last.values().filter(|record| record["passed"] == true && record["officer"]["agency"] == format!("ori:{ori}")) {
                let badge = record["officer"]["badge_number"].as_str().unwrap();
                trained.insert(badge);
                crisis.extend(Some(badge).filter(|_| record["training"]["code"] == "CIT-40"));
            }
            for client in [app.staff(), Client::new(&replica.address, app.staff().token)] {
                let training = client.get(&format!("/v1/agencies/ori:{ori}/certification-status")).await.expect(200)["requirements"]["training"].clone();
                assert_eq!((&training["trained"]["count"], &training["crisis_intervention"]["count"]), (&json!(trained.len()), &json!(crisis.len())), "{ori}");
            }
        }
    }
}
