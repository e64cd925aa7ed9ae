//! What may be asked of the service at once: requests a minute, failed authentications, the size of a head, slow bodies, requests in flight.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use onemind::config::{BodyPace, Rate, RateSetting};
use onemind::http::limits::UNLIMITED;
use reqwest::Method;
use serde_json::json;

use crate::support::document::Document;
use crate::support::scene::{Scene, held};
use crate::support::{Backend, Client, Reply, TestApp};

#[expect(clippy::unnecessary_wraps, reason = "as the settings have it")]
fn rate(text: &str) -> Option<Rate> {
    Some(text.parse::<RateSetting>().unwrap().0.unwrap())
}

/// The state of a policy on an answer: what remains, and when it is full again.
#[track_caller]
fn standing(reply: &Reply) -> (String, String) {
    (reply.header("ratelimit-policy").to_owned(), reply.header("ratelimit").to_owned())
}

/// Asserts that an answer says to come back after some seconds, and answers how many.
#[track_caller]
fn told_to_wait(reply: &Reply) -> u64 {
    reply.problem(429, "too-many-requests");
    reply.header("retry-after").parse().unwrap()
}

#[actix_web::test]
async fn a_client_may_ask_so_much_a_minute_and_no_other_client_feels_it() {
    let app = TestApp::start_with(Backend::Sqlite, |config| config.limits.client = rate("60:3")).await;
    let (busy, other) = (app.client("busy", "status:read", None), app.client("other", "status:read", None));
    for left in ["\"client\";r=2;t=1", "\"client\";r=1;t=2", "\"client\";r=0;t=3"] {
        let reply = busy.get("/v1/whoami").await;
        reply.expect(200);
        assert_eq!(standing(&reply), ("\"client\";q=60;w=60".to_owned(), left.to_owned()));
    }
    let refused = busy.get("/v1/whoami").await;
    assert_eq!(told_to_wait(&refused), 1);
    assert_eq!(standing(&refused).1, "\"client\";r=0;t=3");
    let another_token = app.client("busy", "agencies:read", None);
    told_to_wait(&another_token.get("/v1/agencies").await);
    other.get("/v1/whoami").await.expect(200);
    app.stranger().get("/problems").await.expect(200);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    busy.get("/v1/whoami").await.expect(200);
    told_to_wait(&busy.get("/v1/whoami").await);
}

#[actix_web::test]
async fn what_comes_without_a_client_counts_for_its_address() {
    let app = TestApp::start_with(Backend::Sqlite, |config| config.limits.address = rate("60:5")).await;
    let stranger = app.stranger();
    let left = |reply: &Reply| reply.header("ratelimit").to_owned();
    assert_eq!(left(&stranger.get("/problems").await), "\"address\";r=4;t=1");
    assert_eq!(left(&stranger.get("/v1/agencies").await), "\"address\";r=3;t=2", "401");
    assert_eq!(left(&stranger.get("/nowhere").await), "\"address\";r=2;t=3", "404");
    let forged = Client::new(&app.address, Some("nonsense".into()));
    assert_eq!(left(&forged.get("/problems").await), "\"address\";r=1;t=4", "a token doesn't matter where none is asked for");
    assert_eq!(left(&forged.get("/v1/agencies").await), "\"address\";r=0;t=5", "a bad one is none");
    told_to_wait(&stranger.get("/problems").await);
    told_to_wait(&forged.get("/v1/agencies").await);
    let known = app.staff().get("/v1/agencies").await;
    known.expect(200);
    assert_eq!(known.headers.get("ratelimit"), None, "clients have no limit here");
}

#[actix_web::test]
async fn every_operation_is_limited_but_those_that_ask_for_health_and_says_so() {
    let limit = |config: &mut onemind::config::Config| (config.limits.client, config.limits.address) = (rate("1:1"), rate("1:1"));
    let document = Document::current();
    for backend in [Backend::Sqlite, Backend::Postgres] {
        if backend == Backend::Postgres && !Backend::postgres_is_here() {
            continue;
        }
        let app = TestApp::start_with(backend, limit).await;
        let before = held(&app, &[]).await;
        let (staff, stranger) = (app.staff(), app.stranger());
        staff.get("/v1/whoami").await.expect(200);
        stranger.get("/problems").await.expect(200);
        for operation in document.operations() {
            let limited = !UNLIMITED.contains(&operation.path.as_str());
            for client in [&staff, &stranger] {
                let mut request = client.request(operation.verb(), &operation.path_to_nothing());
                if let Some((media_type, schema)) = operation.body() {
                    request = request.header("content-type", media_type).body(document.example(schema).unwrap().to_string());
                }
                let reply = client.send(request).await;
                assert_eq!(reply.status, if limited { 429 } else { 200 }, "{}: {}", operation.name(), reply.text);
                if limited {
                    assert!(told_to_wait(&reply) > 50);
                }
                assert_eq!(reply.headers.contains_key("ratelimit"), limited, "{}", operation.name());
            }
            for (status, response) in operation.value["responses"].as_object().unwrap() {
                let headers = &document.resolve(response)["headers"];
                let named = ["RateLimit", "RateLimit-Policy"].iter().all(|name| headers.get(name).is_some());
                assert_eq!(named, limited, "{} {status}", operation.name());
            }
            for status in ["414", "429", "431", "503"] {
                assert!(
                    operation.value["responses"].get(status).is_some() == limited || operation.path == "/readyz",
                    "{} {status}",
                    operation.name()
                );
            }
        }
        assert_eq!(held(&app, &[]).await, before);
    }
}

#[actix_web::test]
async fn a_good_token_gets_past_an_address_that_has_used_up_its_requests() {
    let app = TestApp::start_with(Backend::Sqlite, |config| config.limits.address = rate("1:1")).await;
    app.stranger().get("/problems").await.expect(200);
    told_to_wait(&app.stranger().get("/problems").await);
    for operation in Document::current().operations().iter().filter(|operation| operation.scopes().is_some()) {
        let client = app.staff();
        let reply = client.send(client.request(operation.verb(), &operation.path_to_nothing())).await;
        assert_ne!(reply.status, 429, "{}", operation.name());
        assert_eq!(reply.headers.get("ratelimit"), None, "{}", operation.name());
    }
}

#[actix_web::test]
async fn many_bad_tokens_slow_down_whoever_sends_them_and_nobody_with_a_good_one() {
    let app = TestApp::start_with(Backend::Sqlite, |config| config.limits.auth_failures = NonZeroU32::new(2)).await;
    let forger = Client::new(&app.address, Some("nonsense".into()));
    for _ in 0..11 {
        forger.get("/v1/whoami").await.problem(401, "unauthorized");
    }
    assert_eq!(told_to_wait(&forger.get("/v1/whoami").await), 1);
    assert_eq!(told_to_wait(&forger.get("/v1/whoami").await), 2);
    assert_eq!(told_to_wait(&forger.get("/v1/whoami").await), 4);
    app.staff().get("/v1/whoami").await.expect(200);
    app.stranger().get("/v1/whoami").await.problem(401, "unauthorized");
}

/// Asks for something open, as `X-Forwarded-For` says, and answers the status.
async fn forwarded(app: &TestApp, lines: &[&str]) -> u16 {
    let mut request = app.stranger().request(Method::GET, "/problems");
    for line in lines {
        request = request.header("x-forwarded-for", *line);
    }
    app.stranger().send(request).await.status
}

#[actix_web::test]
async fn who_is_no_trusted_proxy_is_not_believed_about_addresses() {
    let app = TestApp::start_with(Backend::Sqlite, |config| config.limits.address = rate("2:2")).await;
    assert_eq!(forwarded(&app, &["198.51.100.1"]).await, 200);
    assert_eq!(forwarded(&app, &["198.51.100.2"]).await, 200);
    assert_eq!(forwarded(&app, &["198.51.100.3"]).await, 429);
}

#[actix_web::test]
async fn behind_a_trusted_proxy_each_address_counts_for_itself_and_can_not_pass_for_another() {
    let app = TestApp::start_with(Backend::Sqlite, |config| {
        config.limits.address = rate("1:1");
        config.limits.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    assert_eq!(forwarded(&app, &["198.51.100.1"]).await, 200);
    assert_eq!(forwarded(&app, &["198.51.100.2"]).await, 200);
    assert_eq!(forwarded(&app, &["198.51.100.3, 198.51.100.1"]).await, 429, "what the client wrote itself stands left");
    assert_eq!(forwarded(&app, &["198.51.100.4", "198.51.100.1, 127.0.0.9"]).await, 429, "several lines are one list");
    assert_eq!(forwarded(&app, &["2001:db8::1"]).await, 200);
    assert_eq!(forwarded(&app, &["2001:db8::2"]).await, 429, "a subscriber of IPv6 has a whole network");
}

#[actix_web::test]
async fn paths_queries_and_headers_have_a_size() {
    let app = TestApp::start(Backend::Sqlite).await;
    for (client, path) in [(app.staff(), "/v1/whoami"), (app.stranger(), "/problems")] {
        let query = |bytes: usize| format!("{path}?a={}", "x".repeat(bytes - path.len() - 3));
        client.get(&query(8 * 1024 + 1)).await.problem(414, "uri-too-long");
        assert_ne!(client.get(&query(8 * 1024)).await.status, 414);
        let with = |count: usize, bytes: usize| {
            let mut request = client.request(Method::GET, path);
            for number in 0..count {
                request = request.header(format!("x-filler-{number:03}"), "x".repeat(bytes));
            }
            client.send(request)
        };
        with(5, 4000).await.problem(431, "headers-too-large");
        with(70, 1).await.problem(431, "headers-too-large");
        assert_eq!(with(3, 4000).await.status, 200);
        assert_eq!(with(55, 1).await.status, 200);
    }
}

#[actix_web::test]
async fn a_body_that_nests_too_deep_is_refused_with_the_place() {
    let app = TestApp::start(Backend::Sqlite).await;
    let before = held(&app, &[]).await;
    for depth in [33, 10_000] {
        let body = format!("{{\"completions\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let request = app.staff().request(Method::POST, "/v1/completions/batch").header("content-type", "application/json").body(body);
        let reply = app.staff().send(request).await;
        reply.problem(400, "malformed-json");
        assert_eq!(reply.json()["detail"], "arrays and objects nest deeper than 32 levels at line 1 column 47");
    }
    assert_eq!(held(&app, &[]).await, before);
}

/// A connection on which a request is written by hand.
struct Slow(TcpStream);

impl Slow {
    fn post(app: &TestApp, token: &str, framing: &str) -> Self {
        Self::send(app, "POST /v1/agencies", token, "application/json", framing)
    }

    /// Sends the head of a request; `framing` is what says how long its body will be.
    fn send(app: &TestApp, line: &str, token: &str, media_type: &str, framing: &str) -> Self {
        let mut stream = TcpStream::connect(app.address.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let head = format!("{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: {media_type}\r\n{framing}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        Self(stream)
    }

    /// Writes pieces, with a pause before each, as long as the service takes them.
    fn drip(&mut self, piece: &[u8], pause: Duration, times: usize) {
        for _ in 0..times {
            std::thread::sleep(pause);
            if self.0.write_all(piece).is_err() {
                return;
            }
        }
    }

    /// All that comes until the service closes the connection.
    fn answer(mut self) -> String {
        let mut answer = Vec::new();
        // A reset after the answer is no loss.
        self.0.read_to_end(&mut answer).unwrap_or_default();
        String::from_utf8(answer).unwrap()
    }
}

async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    actix_web::rt::task::spawn_blocking(work).await.unwrap()
}

/// Patience for tests: 400 ms of silence, 1000 bytes a second after 600 ms, 1.5 s altogether.
fn impatient(config: &mut onemind::config::Config) {
    config.limits.body = BodyPace {
        silence: Duration::from_millis(400),
        grace: Duration::from_millis(600),
        bytes_per_second: NonZeroU32::new(1000).unwrap(),
        total: Duration::from_millis(1_500),
    };
}

#[actix_web::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let app = TestApp::start_with(Backend::Sqlite, impatient).await;
    let token = app.token("iacp", "all", None);
    // Silence; a drop now and then; enough, but without an end.
    let cases: [(&str, &[u8], u64, usize, std::ops::Range<u128>); 5] = [
        ("Content-Length: 1000", b"{", 1, 1, 400..3_000),
        ("Transfer-Encoding: chunked", b"1\r\n{\r\n", 1, 1, 400..3_000),
        ("Content-Length: 1000", b" ", 100, 30, 600..2_500),
        ("Transfer-Encoding: chunked", b"1\r\n \r\n", 100, 30, 600..2_500),
        ("Content-Length: 1000000", &[b' '; 1000], 100, 40, 1_500..3_800),
    ];
    for (framing, piece, pause, times, expected) in cases {
        let began = Instant::now();
        let mut slow = Slow::post(&app, &token, framing);
        let (answer, took) = apart(move || {
            let mut reader = Slow(slow.0.try_clone().unwrap());
            let writer = std::thread::spawn(move || slow.drip(piece, Duration::from_millis(pause), times));
            let mut first = [0; 12];
            reader.0.read_exact(&mut first).unwrap();
            let took = began.elapsed().as_millis();
            let answer = format!("{}{}", String::from_utf8_lossy(&first), reader.answer());
            writer.join().unwrap();
            (answer, took)
        })
        .await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("/problems/request-timeout"), "{framing}: {answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
        assert!(expected.contains(&took), "{framing}: answered after {took} ms");
    }
    assert_eq!(app.staff().get("/v1/agencies").await.expect(200)["items"], json!([]));
}

#[actix_web::test]
async fn no_operation_waits_for_a_body_that_does_not_come() {
    let app = TestApp::start_with(Backend::Sqlite, |config| config.limits.body.silence = Duration::from_millis(100)).await;
    let scene = Scene::make(&app).await;
    let token = app.token("iacp", "all", None);
    let mut seen = 0;
    for operation in Document::current().operations() {
        let Some(content) = operation.value["requestBody"]["content"].as_object() else { continue };
        for media_type in content.keys() {
            let target = format!("{} {}", operation.method, scene.path(&operation));
            let headers = "Content-Length: 100\r\nX-Experience-API-Version: 2.0.0";
            let slow = Slow::send(&app, &target, &token, media_type, headers);
            let answer = apart(move || slow.answer()).await;
            assert!(
                answer.starts_with("HTTP/1.1 408") && answer.contains("/problems/request-timeout"),
                "{} {media_type}: {answer}",
                operation.name()
            );
            assert!(operation.value["responses"].get("408").is_some(), "{}", operation.name());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[actix_web::test]
async fn a_body_that_comes_in_pieces_and_yet_fast_enough_is_taken() {
    let app = TestApp::start_with(Backend::Sqlite, impatient).await;
    let token = app.token("iacp", "all", None);
    let body = format!("{:<1200}", json!({"name": "Slow", "kind": "sheriff", "country": "US"}).to_string());
    let mut slow = Slow::post(&app, &token, &format!("Content-Length: {}\r\nConnection: close", body.len()));
    let answer = apart(move || {
        for piece in body.as_bytes().chunks(150) {
            slow.drip(piece, Duration::from_millis(100), 1);
        }
        slow.answer()
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[actix_web::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let app = TestApp::start_with(Backend::Sqlite, |config| config.limits.head = Duration::from_millis(300)).await;
    let mut stream = Slow(TcpStream::connect(app.address.trim_start_matches("http://")).unwrap());
    let answer = apart(move || {
        stream.0.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.0.write_all(b"GET /livez HTTP/1.1\r\nHost:").unwrap();
        stream.answer()
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[actix_web::test]
async fn above_so_many_requests_in_flight_others_are_told_to_come_back_and_health_is_not() {
    let app = TestApp::start_with(Backend::Sqlite, |config| config.limits.max_in_flight = 4).await;
    let token = app.token("iacp", "all", None);
    let body = json!({"name": "Slow", "kind": "sheriff", "country": "US"}).to_string();
    let held: Vec<Slow> = (0..4).map(|_| Slow::post(&app, &token, &format!("Content-Length: {}\r\nConnection: close", body.len()))).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    for (client, path) in [(app.staff(), "/v1/agencies"), (app.stranger(), "/problems"), (app.stranger(), "/openapi.json")] {
        let reply = client.get(path).await;
        reply.problem(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1");
    }
    for path in UNLIMITED {
        assert_eq!(app.stranger().get(path).await.status, 200, "{path}");
    }
    for mut slow in held {
        let body = body.clone();
        let answer = apart(move || {
            slow.drip(body.as_bytes(), Duration::ZERO, 1);
            slow.answer()
        })
        .await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    assert_eq!(app.staff().get("/v1/agencies").await.expect(200)["items"].as_array().unwrap().len(), 4);
}

/// A burst of pushes of which no more than a few may be worked on: each is done or told to come back, and none is half done.
async fn burst(backend: Backend) {
    let app = TestApp::start_with(backend, |config| {
        config.limits.max_in_flight = 8;
        config.workers = 2;
    })
    .await;
    let staff = app.staff();
    let record = |number: usize| json!({"external_id": format!("rec-{number}"), "officer": {"email": "m.rivera@example.org"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
    let pushes: Vec<_> = (0..300)
        .map(|number| {
            let staff = staff.clone();
            let record = record(number);
            tokio::spawn(async move { (number, staff.post("/v1/completions", &record).await) })
        })
        .collect();
    let (mut done, mut turned_away) = (Vec::new(), 0);
    for push in pushes {
        let (number, reply) = push.await.unwrap();
        if reply.status == 202 {
            done.push(format!("rec-{number}"));
        } else {
            reply.problem(503, "unavailable");
            assert!(reply.header("retry-after").parse::<u64>().unwrap() > 0);
            turned_away += 1;
        }
    }
    assert!(!done.is_empty() && turned_away > 0, "{} done, {turned_away} turned away", done.len());
    let mut held: Vec<String> =
        staff.all("/v1/completions?limit=500").await.iter().map(|item| item["external_id"].as_str().unwrap().to_owned()).collect();
    held.sort();
    done.sort();
    assert_eq!(held, done);
    staff.post("/v1/completions", &record(1000)).await.expect(202);
}

#[actix_web::test]
async fn a_burst_beyond_what_may_be_in_flight_is_turned_away_and_loses_nothing_on_sqlite() {
    burst(Backend::Sqlite).await;
}

#[actix_web::test]
async fn a_burst_beyond_what_may_be_in_flight_is_turned_away_and_loses_nothing_on_postgres() {
    if Backend::postgres_is_here() {
        burst(Backend::Postgres).await;
    }
}

#[actix_web::test]
async fn the_longest_head_that_is_read_at_all_is_still_answered() {
    let app = TestApp::start(Backend::Sqlite).await;
    let scene = Scene::make(&app).await;
    for head in [
        format!("X-Filler: {}", "x".repeat(200_000)),
        "X-Filler: x\r\n".repeat(200).trim_end().to_owned(),
        "X-Filler: x\r\n".repeat(90).trim_end().to_owned(),
    ] {
        let mut stream = Slow(TcpStream::connect(app.address.trim_start_matches("http://")).unwrap());
        let answer = apart(move || {
            stream.0.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let _ = stream.0.write_all(format!("GET /problems HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n\r\n").as_bytes());
            stream.answer()
        })
        .await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    scene.client.get("/v1/whoami").await.expect(200);
}
