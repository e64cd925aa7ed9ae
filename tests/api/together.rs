//! Single pushes that come at once and are committed together: each is answered, told of and refused by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use futures_util::future::join_all;
use onemind::service::audit::{LaneReport, verify_lane};
use onemind::service::verify::compare_all;
use onemind::storage::{AnyConn, read_once};
use onemind::tokens::audit_keys;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Backend, Client, Reply, TestApp};

/// How many pushes come at once.
const AT_ONCE: usize = 24;

/// Two agencies with a sworn officer for each badge, and a training.
async fn scene(app: &TestApp) -> Client {
    app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
    for ori in ["TX0000001", "TX0000002"] {
        app.agency(ori).await;
        let officer = |badge: usize| {
            json!({"family_name": "Rivera", "given_name": format!("N{badge}"), "badge_number": badge.to_string(), "employee_number": format!("E-{badge}"),
                "sworn": true, "started_on": "2019-05-01", "identifiers": []})
        };
        let roster = json!({"as_of": "2026-01-01", "officers": (0..AT_ONCE).map(officer).collect::<Vec<_>>()});
        app.staff().put(&format!("/v1/agencies/ori:{ori}/roster"), &roster).await.expect(200);
    }
    app.client("lms", "completions:read completions:write", Some(&["ori:TX0000001"]))
}

fn record(number: usize, ori: &str) -> Value {
    json!({"external_id": format!("rec-{number}"), "officer": {"agency": format!("ori:{ori}"), "badge_number": number.to_string(), "family_name": "Rivera"},
        "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"})
}

fn open(app: &TestApp) -> AnyConn {
    app.config.database.connect().unwrap()
}

/// Sends requests while nothing can be committed, so that all of them wait for each other; answers what they were answered.
async fn held_up<T>(app: &TestApp, requests: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut conn = open(app);
    conn.batch_execute(match app.backend {
        Backend::Sqlite => "BEGIN IMMEDIATE",
        Backend::Postgres => "BEGIN; LOCK TABLE completions IN EXCLUSIVE MODE",
    })
    .unwrap();
    let freed = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        conn.batch_execute("COMMIT").unwrap();
    };
    futures_util::future::join(join_all(requests), freed).await.0
}

fn refuses(app: &TestApp, external_id: &str) {
    let mut conn = open(app);
    conn.batch_execute(&match app.backend {
        Backend::Sqlite => {
            format!("CREATE TRIGGER refusal BEFORE INSERT ON completions WHEN NEW.external_id = '{external_id}' BEGIN SELECT RAISE(ABORT, 'no'); END")
        }
        Backend::Postgres => format!(
            "CREATE FUNCTION refusal() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'; \
             CREATE TRIGGER refusal BEFORE INSERT ON completions FOR EACH ROW WHEN (NEW.external_id = '{external_id}') EXECUTE FUNCTION refusal()"
        ),
    })
    .unwrap();
}

/// What the audit log says of each request.
async fn entries(app: &TestApp, replies: &[Reply]) -> Vec<Value> {
    let all = app.client("auditor", "audit:read", None).all("/v1/audit-log?limit=500").await;
    let entry_of = |reply: &Reply| {
        let own: Vec<&Value> = all.iter().filter(|entry| entry["request_id"] == reply.header("x-request-id")).collect();
        assert_eq!(own.len(), 1, "{}: {own:?}", reply.text);
        own[0].clone()
    };
    replies.iter().map(entry_of).collect()
}

fn log_is_whole(app: &TestApp) {
    let keys = audit_keys(&app.config.data_dir).unwrap();
    for lane in 0..onemind::domain::audit::LANES {
        let report: LaneReport = read_once(&mut open(app), |conn| verify_lane(conn, &keys, lane)).unwrap();
        assert_eq!(report.faults, [], "lane {lane}");
    }
}

on_both_databases! {
    async fn each_has_its_own_answer_and_its_own_entry(app: TestApp) {
        let lms = scene(&app).await;
        lms.post("/v1/completions", &record(1, "TX0000001")).await.expect(201);
        // One is there already, one comes with other content, one names an agency out of reach, and one comes twice.
        let mut records: Vec<Value> = (0..AT_ONCE).map(|number| record(number, "TX0000001")).collect();
        records.push(record(2, "TX0000001"));
        records[3] = record(3, "TX0000002");
        lms.post("/v1/completions", &record(4, "TX0000001")).await.expect(201);
        records[4]["score"] = json!(0.5);
        let replies = held_up(&app, records.iter().map(|record| lms.post("/v1/completions", record))).await;
        let entries = entries(&app, &replies).await;
        for (number, ((record, reply), entry)) in records.iter().zip(&replies).zip(&entries).enumerate() {
            let expected = match number {
                1 => (200, "unchanged", "unchanged"),
                3 => (202, "parked", "changed"),
                4 => (200, "updated", "changed"),
                2 | AT_ONCE => (reply.status, reply.header("x-outcome"), if reply.status == 201 { "changed" } else { "unchanged" }),
                _ => (201, "created", "changed"),
            };
            assert_eq!((reply.status, reply.header("x-outcome"), entry["outcome"].as_str().unwrap()), expected, "{number}: {}", reply.text);
            let view = reply.expect(expected.0);
            assert_eq!(view["external_id"], record["external_id"]);
            assert_eq!(view["score"], record["score"]);
            let path = format!("/v1/completions/{}", view["id"].as_str().unwrap());
            let held = lms.get(&path).await;
            assert_eq!(held.expect(200), view, "what was answered is what is held");
            assert_eq!((held.header("etag"), reply.header("location")), (reply.header("etag"), path.as_str()));
            assert_eq!((&entry["resource"]["id"], &entry["status"]), (&view["id"], &json!(expected.0)));
            assert_eq!(entry["detail"], json!({expected.1: 1}));
        }
        let mut twice = [replies[2].status, replies[AT_ONCE].status];
        twice.sort_unstable();
        assert_eq!(twice, [200, 201]);
        assert_eq!(entries[4]["fields"], json!(["score"]));
        // An entry of one transaction stands beside the others of it.
        let lanes: BTreeSet<i64> = entries.iter().map(|entry| entry["lane"].as_i64().unwrap()).collect();
        assert!(lanes.len() < AT_ONCE / 2, "{lanes:?}");
        log_is_whole(&app);
        assert_eq!(read_once(&mut open(&app), compare_all).unwrap().differences, []);
        assert_eq!(app.training_of("TX0000001").await["trained"]["count"], AT_ONCE - 1);
    }

    async fn none_suffers_for_its_neighbour(app: TestApp) {
        let lms = scene(&app).await;
        refuses(&app, "rec-7");
        let records: Vec<Value> = (0..AT_ONCE).map(|number| record(number, "TX0000001")).collect();
        let replies = held_up(&app, records.iter().map(|record| lms.post("/v1/completions", record))).await;
        for (number, reply) in replies.iter().enumerate() {
            if number == 7 {
                reply.problem(500, "internal-error");
            } else {
                reply.expect(201);
            }
        }
        assert_eq!(lms.all("/v1/completions?limit=500").await.len(), AT_ONCE - 1);
        log_is_whole(&app);
        assert_eq!(read_once(&mut open(&app), compare_all).unwrap().differences, []);
    }

    async fn each_sees_what_its_own_token_reaches(app: TestApp) {
        let narrow = scene(&app).await;
        let wide = app.client("lms", "completions:read completions:write", Some(&["ori:TX0000001", "ori:TX0000002"]));
        let push = |number: usize| {
            let by = if number.is_multiple_of(2) { &wide } else { &narrow };
            let record = record(number, "TX0000002");
            async move { by.post("/v1/completions", &record).await }
        };
        for (number, reply) in held_up(&app, (0..AT_ONCE).map(push)).await.iter().enumerate() {
            reply.expect(if number % 2 == 0 { 201 } else { 202 });
        }
        assert_eq!(read_once(&mut open(&app), compare_all).unwrap().differences, []);
    }

    async fn who_waits_too_long_is_told_so_and_the_record_is_taken_when_it_comes_again(app: TestApp) {
        let lms = scene(&app).await;
        let mut conn = open(&app);
        conn.batch_execute(match app.backend {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN; LOCK TABLE completions IN EXCLUSIVE MODE",
        })
        .unwrap();
        // As many as run at once wait within their transactions; the last for one.
        let records: Vec<Value> = (0..3).map(|number| record(number, "TX0000001")).collect();
        let sent = |(place, record): (u64, &Value)| {
            let (lms, record) = (&lms, record.clone());
            async move {
                tokio::time::sleep(Duration::from_millis(100 * place)).await;
                lms.post("/v1/completions", &record).await.status
            }
        };
        let freed = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            conn.batch_execute("COMMIT").unwrap();
        };
        let (mut statuses, ()) = futures_util::future::join(join_all((0..).zip(&records).map(sent)), freed).await;
        statuses.sort_unstable();
        assert_eq!((statuses[0], statuses[2]), (201, 503), "{statuses:?}");
        for record in &records {
            assert!(matches!(lms.post("/v1/completions", record).await.status, 200 | 201));
        }
        assert_eq!(lms.all("/v1/completions").await.len(), 3);
    }
}
