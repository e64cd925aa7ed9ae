//! `/v1/completions/batch` by NDJSON: streamed, in chunks, with an answer that is streamed too.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::scene::rows;
use crate::support::{Client, Reply, TestApp};

const BATCH: &str = "/v1/completions/batch";

fn record(id: usize) -> Value {
    json!({"external_id": format!("rec-{id}"), "officer": {"agency": "ori:TX0000001", "badge_number": format!("{id}")}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"})
}

fn lines(records: impl IntoIterator<Item = Value>) -> String {
    records.into_iter().flat_map(|record| [record.to_string(), "\n".to_owned()]).collect()
}

async fn lms(app: &TestApp) -> Client {
    app.agency("TX0000001").await;
    app.training("CIT-40").await;
    app.client("lms", "completions:read completions:write", Some(&["ori:TX0000001"]))
}

async fn send(client: &Client, accept: Option<&str>, body: impl Into<reqwest::Body>) -> Reply {
    let mut request = client.request(Method::POST, BATCH).header("content-type", "application/x-ndjson");
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    client.send(request.body(body)).await
}

fn summary(received: usize, created: usize, unchanged: usize, parked: usize, rejected: usize) -> Value {
    json!({"received": received, "created": created, "updated": 0, "unchanged": unchanged, "parked": parked, "rejected": rejected})
}

fn without_causes(answer: &Value) -> Value {
    let mut summary = answer["summary"].clone();
    summary.as_object_mut().unwrap().remove("causes");
    summary
}

/// Waits until something is so.
async fn soon(is_so: impl AsyncFn() -> bool) {
    for _ in 0..1500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it is not so within thirty seconds");
}

/// A connection that is written and read by hand, as a client does that knows nothing of streams.
fn connect(app: &TestApp, token: &str, head: &str) -> TcpStream {
    let address = app.address.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(socket, "POST {BATCH} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n{head}\r\n").unwrap();
    socket
}

/// The head of an answer, and its body with its chunks joined.
fn read_answer(mut socket: &TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).unwrap();
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
    let mut rest = &bytes[split + 4..];
    if !head.to_lowercase().contains("transfer-encoding: chunked") {
        return (head, String::from_utf8(rest.to_vec()).unwrap());
    }
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return (head, String::from_utf8(body).unwrap());
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
    panic!("the answer has no end: {}", String::from_utf8_lossy(&body));
}

on_both_databases! {
    async fn lines_are_taken_as_json_is_and_told_in_order(app: TestApp) {
        let lms = lms(&app).await;
        let mut malformed = record(2);
        malformed["completed_on"] = json!("2026-02-30");
        malformed["nonsense"] = json!(1);
        let body = format!("\u{feff}{}\r\n\n{malformed}\n{{\"external_id\": 1,\n  \n[]\n{}", record(1), record(3));
        let answer = send(&lms, None, body.clone()).await;
        assert_eq!(answer.header("content-type"), "application/json");
        let answer = answer.expect(207);
        assert_eq!(without_causes(&answer), summary(5, 0, 0, 2, 3));
        let told: Vec<Value> = answer["results"].as_array().unwrap().iter().map(|result| json!([result["index"], result["line"], result["external_id"], result["outcome"]])).collect();
        assert_eq!(told, [json!([0, 1, "rec-1", "parked"]), json!([1, 3, "rec-2", "rejected"]), json!([2, 4, null, "rejected"]), json!([3, 6, null, "rejected"]), json!([4, 7, "rec-3", "parked"])]);
        let faults = |at: usize| answer["results"][at]["problem"]["errors"].as_array().unwrap().iter().map(|error| json!([error["pointer"], error["code"], error["line"]])).collect::<Vec<_>>();
        assert_eq!(faults(1), [json!(["/completed_on", "invalid_date", 3]), json!(["/nonsense", "unknown_field", 3])]);
        assert_eq!((faults(2), faults(3)), (vec![json!(["", "malformed_json", 4])], vec![json!(["", "wrong_type", 6])]));
        assert!(!answer["results"][2]["problem"]["errors"][0]["detail"].as_str().unwrap().contains("line 1"));

        // The same as lines, the summary last.
        let again = send(&lms, Some("application/x-ndjson"), body).await;
        assert_eq!((again.status, again.header("content-type")), (207, "application/x-ndjson"));
        let told: Vec<Value> = again.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((told.len(), &told[0]["outcome"], &told[0]["id"]), (6, &json!("unchanged"), &answer["results"][0]["id"]));
        assert_eq!(without_causes(&told[5]), summary(5, 0, 2, 0, 3));
        assert_eq!(told[5]["summary"]["causes"], answer["summary"]["causes"].as_array().unwrap().iter().filter(|cause| cause["code"] != "no_match").cloned().collect::<Value>());

        // JSON by the same door, and answered as lines.
        let json_body = json!({"completions": [record(1), record(4)]});
        let request = lms.request(Method::POST, BATCH).header("accept", "application/x-ndjson").json(&json_body);
        let reply = lms.send(request).await;
        let told: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((reply.status, told.len(), &told[1]["outcome"], &told[2]["summary"]["received"]), (207, 3, &json!("parked"), &json!(2)));
        assert!(told[0].get("line").is_none());

        let minimal = lms.request(Method::POST, BATCH).header("content-type", "application/x-ndjson").header("prefer", "return=minimal");
        let minimal = lms.send(minimal.body(lines([record(1), record(9)]))).await.expect(207);
        assert_eq!((minimal["results"].as_array().unwrap().len(), &minimal["results"][0]["index"]), (1, &json!(1)));
    }

    async fn a_batch_of_several_chunks_is_one_answer(app: TestApp) {
        let lms = lms(&app).await;
        let answer = send(&lms, None, lines((0..2500).map(record))).await.expect(207);
        assert_eq!(without_causes(&answer), summary(2500, 0, 0, 2500, 0));
        assert_eq!(answer["summary"]["causes"], json!([{"code": "no_match", "count": 2500, "first_index": 0}]));
        let indices: Vec<u64> = answer["results"].as_array().unwrap().iter().map(|result| result["index"].as_u64().unwrap()).collect();
        assert_eq!(indices, (0..2500).collect::<Vec<u64>>());
        let ids: BTreeSet<&str> = answer["results"].as_array().unwrap().iter().map(|result| result["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 2500);
        // Each transaction has its entry in the audit log.
        let entries = app.staff().all("/v1/audit-log?operation=push_completions").await;
        let parked: u64 = entries.iter().map(|entry| entry["detail"]["parked"].as_u64().unwrap_or(0)).sum();
        assert!(entries.len() >= 3 && parked == 2500, "{entries:?}");
        assert_eq!(without_causes(&send(&lms, None, lines((0..2500).map(record))).await.expect(207)), summary(2500, 0, 2500, 0, 0));
    }

    async fn what_is_wrong_with_the_request_is_a_problem_before_anything_is_taken(app: TestApp) {
        let lms = lms(&app).await;
        let post = |content_type: &str| lms.request(Method::POST, BATCH).header("content-type", content_type).body(lines([record(1)]));
        let keyed = lms.send(post("application/x-ndjson").header("idempotency-key", "k")).await;
        assert_eq!(keyed.problem(400, "invalid-header"), ["/idempotency-key not_streamed"]);
        let zipped = lms.send(post("application/x-ndjson").header("content-encoding", "gzip")).await;
        zipped.problem(415, "unsupported-media-type");
        let odd = lms.send(post("application/xml")).await;
        odd.problem(415, "unsupported-media-type");
        assert_eq!(odd.header("accept-post"), "application/json, application/x-ndjson, text/csv");
        let request = lms.request(Method::POST, &format!("{BATCH}?map=a=b&footer=x")).header("content-type", "application/x-ndjson");
        assert_eq!(lms.send(request.body(lines([record(1)]))).await.problem(400, "invalid-parameter"), ["/map not_csv", "/footer not_csv"]);
        let empty = send(&lms, None, "").await.expect(207);
        assert_eq!((without_causes(&empty), &empty["results"]), (summary(0, 0, 0, 0, 0), &json!([])));
        assert_eq!(lms.all("/v1/completions").await.len(), 0);
    }

    async fn a_line_that_is_too_long_is_refused_alone(app: TestApp) {
        let lms = lms(&app).await;
        let mut long = record(2);
        long["certificate_number"] = json!("x".repeat(3 * 1024 * 1024));
        let answer = send(&lms, None, lines([record(1), long, record(3)])).await.expect(207);
        assert_eq!(without_causes(&answer), summary(3, 0, 0, 2, 1));
        let error = &answer["results"][1]["problem"]["errors"][0];
        assert_eq!((&error["code"], &error["line"]), (&json!("too_long"), &json!(2)));
    }

    async fn who_sends_everything_before_reading_is_answered_everything(app: TestApp) {
        let lms = lms(&app).await;
        let token = lms.token.clone().unwrap();
        // Every record is refused, so that the answer is longer than the body, and nothing waits for the database.
        let line = format!("{}\n", "x".repeat(499));
        let count = 100_000;
        let socket = connect(&app, &token, &format!("Content-Length: {}\r\n", line.len() * count));
        let answer = actix_web::rt::task::spawn_blocking(move || {
            let mut writing = &socket;
            let piece = line.repeat(1000);
            for _ in 0..count / 1000 {
                writing.write_all(piece.as_bytes()).unwrap();
            }
            std::thread::sleep(Duration::from_millis(500));
            read_answer(&socket)
        })
        .await
        .unwrap();
        assert!(answer.0.starts_with("HTTP/1.1 207"), "{}", answer.0);
        assert!(answer.1.len() > 25 * 1024 * 1024, "{}", answer.1.len());
        assert!(answer.1.ends_with("}]}}"), "{}", &answer.1[answer.1.len() - 500..]);
        assert!(answer.1.contains(&format!("\"summary\":{{\"received\":{count},")));
        assert_eq!(answer.1.matches("\"outcome\":\"rejected\"").count(), count);
    }

    async fn who_sends_a_record_now_and_then_hears_of_it_soon(app: TestApp) {
        let lms = lms(&app).await;
        let token = lms.token.clone().unwrap();
        let socket = connect(&app, &token, "Transfer-Encoding: chunked\r\nAccept: application/x-ndjson\r\n");
        actix_web::rt::task::spawn_blocking(move || {
            let mut stream = &socket;
            for number in 0..3 {
                let line = lines([record(number)]);
                write!(stream, "{:x}\r\n{line}\r\n", line.len()).unwrap();
                let mut heard = String::new();
                while !heard.contains(&format!("rec-{number}")) {
                    let mut buffer = [0; 4096];
                    let read = stream.read(&mut buffer).unwrap();
                    assert!(read > 0, "{heard}");
                    heard.push_str(&String::from_utf8_lossy(&buffer[..read]));
                }
            }
        })
        .await
        .unwrap();
    }

    async fn a_client_has_half_of_the_places_and_who_finds_none_is_told_to_come_again(app: TestApp) {
        let lms = lms(&app).await;
        let token = lms.token.clone().unwrap();
        let places = app.config.limits.max_streams / 2;
        let mut held = Vec::new();
        for number in 0..places {
            let socket = connect(&app, &token, "Transfer-Encoding: chunked\r\nAccept: application/x-ndjson\r\n");
            let line = lines([record(number)]);
            write!(&socket, "{:x}\r\n{line}\r\n", line.len()).unwrap();
            held.push(socket);
        }
        // Each of them has its place once its record is in.
        let all_in = async || lms.get("/v1/completions?limit=500").await.json()["items"].as_array().unwrap().len() == places;
        soon(all_in).await;
        let refused = send(&lms, None, lines([record(100)])).await;
        assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().is_ok());
        refused.problem(503, "unavailable");
        let other = app.client("another", "completions:read completions:write", Some(&["ori:TX0000001"]));
        assert_eq!(send(&other, None, lines([record(100)])).await.expect(207)["summary"]["received"], 1);
        drop(held);
        soon(async || send(&lms, None, lines([record(100)])).await.status == 207).await;
    }

    async fn a_body_that_is_too_long_ends_with_a_problem_and_what_was_told_is_kept(app: TestApp) {
        let app = app.restarted(|registry| registry.limits.settings.stream_bytes = 400_000);
        let lms = lms(&app).await;
        let answer = send(&lms, None, lines((0..6000).map(record))).await.expect(207);
        let kept = answer["results"].as_array().unwrap().len();
        assert_eq!(answer["problem"]["status"], 413, "{}", answer["problem"]);
        assert!((1000..4000).contains(&kept), "{kept}");
        assert_eq!(answer["summary"]["received"], kept);
        assert_eq!(usize::try_from(rows(&app).await["completions"]).unwrap(), kept);
    }

    async fn a_connection_that_breaks_leaves_what_was_answered_and_no_half_record(app: TestApp) {
        let lms = lms(&app).await;
        let token = lms.token.clone().unwrap();
        let socket = connect(&app, &token, "Content-Length: 1000000\r\nAccept: application/x-ndjson\r\n");
        let told = actix_web::rt::task::spawn_blocking(move || {
            let mut stream = &socket;
            stream.write_all(lines((0..1500).map(record)).as_bytes()).unwrap();
            // The second half of the last record never comes; without it, it would be one in JSON already.
            stream.write_all(record(9999).to_string().as_bytes()).unwrap();
            let mut heard = String::new();
            let mut buffer = vec![0; 65536];
            while heard.matches("rec-").count() < 1200 {
                let read = stream.read(&mut buffer).unwrap();
                assert!(read > 0, "{heard}");
                heard.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            heard.matches("\"rec-").count()
        })
        .await
        .unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let held: BTreeSet<String> = lms.all("/v1/completions?limit=500").await.iter().map(|completion| completion["external_id"].as_str().unwrap().to_owned()).collect();
        assert!(held.len() >= told && held.len() <= 1500, "{} {told}", held.len());
        assert!(!held.contains("rec-9999"));
        assert_eq!(send(&lms, None, lines((0..1500).map(record))).await.expect(207)["summary"]["received"], 1500);
        assert_eq!(lms.all("/v1/completions?limit=500").await.len(), 1500);
    }

    async fn a_client_that_is_revoked_meanwhile_goes_no_further(app: TestApp) {
        app.agency("TX0000001").await;
        app.training("CIT-40").await;
        let body = json!({"name": "lms", "kind": "lms", "scopes": ["completions:write", "completions:read"]});
        let vendor = crate::support::vendor::Vendor::make(&app, &body, &["ori:TX0000001"]).await;
        let token = vendor.client(&app).await.token.unwrap();
        let socket = connect(&app, &token, "Transfer-Encoding: chunked\r\nAccept: application/x-ndjson\r\n");
        let push = |socket: TcpStream, number: usize, until: &'static str| {
            actix_web::rt::task::spawn_blocking(move || {
                let mut stream = &socket;
                let line = lines([record(number)]);
                write!(stream, "{:x}\r\n{line}\r\n", line.len()).unwrap();
                let mut heard = String::new();
                while !heard.contains(until) {
                    let mut buffer = [0; 4096];
                    let read = stream.read(&mut buffer).unwrap();
                    assert!(read > 0, "{heard}");
                    heard.push_str(&String::from_utf8_lossy(&buffer[..read]));
                }
                (socket, heard)
            })
        };
        let (socket, _) = push(socket, 1, "rec-1").await.unwrap();
        app.staff().post(&format!("/v1/clients/{}/revocation", vendor.id), &json!({"reason": "gone"})).await.expect(200);
        let (_, heard) = push(socket, 2, "\"summary\"").await.unwrap();
        assert!(heard.contains("/problems/unauthorized") && !heard.contains("rec-2"), "{heard}");
    }

    async fn a_database_that_fails_half_way_is_told_of_at_the_end_and_the_batch_can_be_sent_again(app: TestApp) {
        let lms = lms(&app).await;
        let token = lms.token.clone().unwrap();
        let rename = |from: &'static str, to: &'static str| {
            let store = app.registry.store.clone();
            async move {
                let alter = move |conn: &mut onemind::storage::AnyConn| -> Result<(), onemind::storage::StorageError> {
                    use diesel::RunQueryDsl as _;
                    diesel::sql_query(format!("ALTER TABLE {from} RENAME TO {to}")).execute(conn)?;
                    Ok(())
                };
                store.write(alter).await.unwrap();
            }
        };
        let socket = connect(&app, &token, "Transfer-Encoding: chunked\r\n");
        let (socket, first) = actix_web::rt::task::spawn_blocking(move || {
            let mut stream = &socket;
            let line = lines((0..10).map(record));
            write!(stream, "{:x}\r\n{line}\r\n", line.len()).unwrap();
            let mut heard = Vec::new();
            while !String::from_utf8_lossy(&heard).contains("rec-9") {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).unwrap();
                heard.extend_from_slice(&buffer[..read]);
            }
            (socket, heard)
        })
        .await
        .unwrap();
        rename("waiting_keys", "waiting_keys_away").await;
        let heard = actix_web::rt::task::spawn_blocking(move || {
            let mut stream = &socket;
            let line = lines((10..20_010).map(record));
            write!(stream, "{:x}\r\n{line}\r\n0\r\n\r\n", line.len()).unwrap();
            let mut heard = first;
            stream.read_to_end(&mut heard).unwrap();
            String::from_utf8(heard).unwrap()
        })
        .await
        .unwrap();
        rename("waiting_keys_away", "waiting_keys").await;
        assert!(heard.contains("\"summary\":{\"received\":10,") && heard.contains("/problems/internal-error"), "{heard}");
        assert_eq!(lms.all("/v1/completions").await.len(), 10);
        assert_eq!(without_causes(&send(&lms, None, lines((0..30).map(record))).await.expect(207)), summary(30, 0, 10, 20, 0));
    }
}
