//! `/v1/webhooks`

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use onemind::domain::clock::Clock as _;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::vendor::Vendor;
use crate::support::{Client, TestApp};

/// A message that was taken, or not.
#[derive(Debug, Clone)]
pub struct Message {
    id: String,
    timestamp: String,
    signatures: String,
    body: String,
}

/// Takes messages, and answers what it is told to.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    messages: Arc<Mutex<Vec<(Message, u16)>>>,
    answers: Arc<Mutex<u16>>,
    /// What came where a redirect leads.
    elsewhere: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    pub fn start() -> Self {
        let (messages, answers, elsewhere) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(204)), Arc::new(Mutex::new(Vec::new())));
        let shared = (messages.clone(), answers.clone(), elsewhere.clone());
        let server = HttpServer::new(move || {
            let (messages, answers, elsewhere) = shared.clone();
            let elsewhere = web::to(move |request: HttpRequest| {
                elsewhere.lock().unwrap().push(request.path().to_owned());
                async { HttpResponse::Ok().finish() }
            });
            App::new().route("/elsewhere", elsewhere).default_service(web::to(move |request: HttpRequest, body: String| {
                let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
                let message =
                    Message { id: header("webhook-id"), timestamp: header("webhook-timestamp"), signatures: header("webhook-signature"), body };
                let status = *answers.lock().unwrap();
                messages.lock().unwrap().push((message, status));
                let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap());
                if status == 307 {
                    response.insert_header(("location", "/elsewhere"));
                }
                let response = response.finish();
                async move { response }
            }))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let url = format!("http://{}/hook", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { url, messages, answers, elsewhere }
    }

    pub fn answer(&self, status: u16) {
        *self.answers.lock().unwrap() = status;
    }

    /// Those that were answered with a status.
    pub fn answered(&self, status: u16) -> Vec<Message> {
        self.messages.lock().unwrap().iter().filter(|(_, answered)| *answered == status).map(|(message, _)| message.clone()).collect()
    }

    /// Waits until what was taken, in the order in which it came, is as it should be; answers it.
    pub async fn wait_for(&self, is_enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let taken = || {
            let messages =
                self.messages.lock().unwrap().iter().filter(|(_, status)| *status < 300).map(|(message, _)| message.clone()).collect::<Vec<_>>();
            told(&messages)
        };
        for _ in 0..600 {
            let events = taken();
            if is_enough(&events) {
                return events;
            }
            actix_web::rt::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{:?}", taken());
    }

    /// Waits until so many were answered with a status, for as long as a busy machine may take.
    async fn wait(&self, status: u16, count: usize) -> Vec<Message> {
        for _ in 0..300 {
            let messages = self.answered(status);
            if messages.len() >= count {
                return messages;
            }
            actix_web::rt::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{count} with {status} were waited for: {:?}", self.messages.lock().unwrap());
    }
}

/// Whether a message bears a signature by a secret (Standard Webhooks).
fn is_signed(message: &Message, secret: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap());
    let signed = format!("{}.{}.{}", message.id, message.timestamp, message.body);
    let expected = format!("v1,{}", STANDARD.encode(hmac::sign(&key, signed.as_bytes())));
    message.signatures.split(' ').any(|signature| signature == expected)
}

pub fn told(messages: &[Message]) -> Vec<Value> {
    messages.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
}

pub async fn start(backend: crate::support::Backend) -> TestApp {
    TestApp::start_with(backend, |config| config.webhooks_allow_private = true).await
}

fn subscriber(app: &TestApp, agencies: &[&str]) -> Client {
    app.client("subscriber", "webhooks:read webhooks:write policies:write", Some(agencies))
}

async fn subscribed(client: &Client, url: &str, types: Value) -> (String, String) {
    let made = client.post("/v1/webhooks", &json!({"url": url, "event_types": types, "agencies": null})).await.expect(201);
    (format!("/v1/webhooks/{}", made["id"].as_str().unwrap()), made["secret"].as_str().unwrap().to_owned())
}

/// Waits until so many deliveries are listed; answers them.
async fn settled(client: &Client, path: &str, count: usize) -> Vec<Value> {
    for _ in 0..300 {
        let listed = client.all(path).await;
        if listed.len() == count {
            return listed;
        }
        actix_web::rt::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{count} were waited for: {:?}", client.all(path).await);
}

async fn policy(client: &Client, ori: &str, title: &str) -> String {
    let policy = json!({"agency": format!("ori:{ori}"), "title": title, "adopted_on": "2025-01-01", "ends_on": null, "document": null});
    client.post("/v1/policies", &policy).await.expect(201)["id"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn a_webhook_is_made_read_changed_and_deleted(app: TestApp) {
        app.agency("TX0000001").await;
        let own = subscriber(&app, &["ori:TX0000001"]);
        let body = json!({"url": "https://hooks.example.org/onemind", "event_types": ["status.changed", "requirement.lapsed", "status.changed"], "agencies": ["ori:TX0000001"]});
        let created = own.post("/v1/webhooks", &body).await;
        let made = created.expect(201);
        let path = created.header("location").to_owned();
        let agency = app.staff().get("/v1/agencies/ori:TX0000001").await.expect(200)["id"].clone();
        let mut expected = json!({"id": made["id"], "url": "https://hooks.example.org/onemind", "event_types": ["requirement.lapsed", "status.changed"],
            "agencies": [agency], "state": "enabled", "failing_since": null, "disabled_at": null, "former_secret_until": null,
            "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z", "secret": made["secret"]});
        assert_eq!(made, expected);
        assert_eq!(STANDARD.decode(made["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap().len(), 32);
        expected.as_object_mut().unwrap().remove("secret");
        assert_eq!(own.get(&path).await.expect(200), expected);
        assert_eq!(own.all("/v1/webhooks").await, [expected.clone()]);
        let changed = own.patch(&path, &json!({"event_types": null, "agencies": null})).await.expect(200);
        assert_eq!((&changed["event_types"], &changed["agencies"]), (&Value::Null, &Value::Null));
        for (bad, faults) in [
            (json!({}), vec!["/url required"]),
            (json!({"url": "ftp://x", "event_types": ["status"], "agencies": ["x"], "secret": "x"}),
                vec!["/url invalid_url", "/event_types/0 invalid_event_type", "/agencies/0 invalid_agency", "/secret unknown_field"]),
            (json!({"url": "https://127.0.0.1/", "event_types": [], "agencies": []}),
                vec!["/url forbidden_address", "/event_types empty", "/agencies empty"]),
            (json!({"url": "http://hooks.example.org/"}), vec!["/url forbidden_address"]),
            (json!({"url": "https://[fd00::1]:8443/"}), vec!["/url forbidden_address"]),
            (json!({"url": "https://hooks.example.org/", "agencies": ["ori:TX9999999"]}), vec!["/agencies/0 unknown_agency"]),
        ] {
            assert_eq!(own.post("/v1/webhooks", &bad).await.problem(422, "invalid-content"), faults, "{bad}");
        }
        assert_eq!(own.patch(&path, &json!({"url": "https://10.0.0.1/"})).await.problem(422, "invalid-content"), ["/url forbidden_address"]);
        // Another client's is nobody else's business, staff's either.
        app.staff().get(&path).await.problem(404, "not-found");
        app.staff().delete(&path).await.problem(404, "not-found");
        assert_eq!(own.post(&format!("{path}/activation"), &json!({})).await.problem(409, "conflict"), [" already_enabled"]);
        assert_eq!(own.delete(&path).await.status, 204);
        own.get(&path).await.problem(404, "not-found");
    }

    async fn each_event_comes_once_signed_and_in_order_to_who_hears_of_it(app: TestApp) {
        let app = { let backend = app.backend; drop(app); start(backend).await };
        let replica = app.replica();
        let _couriers = [app.courier(), replica.courier(), app.courier()];
        for ori in ["TX0000001", "TX0000002"] {
            app.agency(ori).await;
        }
        let (receiver, own, staff) = (Receiver::start(), subscriber(&app, &["ori:TX0000001"]), app.staff());
        let (path, secret) = subscribed(&own, &receiver.url, json!(["policy.changed"])).await;
        let mut made = Vec::new();
        for number in 0..12 {
            policy(&staff, "TX0000002", "Not theirs").await;
            made.push(policy(&staff, "TX0000001", &format!("Policy {number}")).await);
        }
        let messages = receiver.wait(204, 12).await;
        let events = told(&messages);
        assert_eq!(events.iter().map(|event| event["data"]["policy"].as_str().unwrap()).collect::<Vec<_>>(), made);
        assert!(messages.iter().all(|message| is_signed(message, &secret)));
        assert!(messages.iter().zip(&events).all(|(message, event)| message.id == event["id"].as_str().unwrap()));
        assert_eq!(messages[0].timestamp, app.clock.now().as_second().to_string());
        let feed = own.get("/v1/events?type=policy.changed").await.expect(200)["items"].clone();
        let expected = |event: &Value| json!({"id": event["id"], "type": event["type"], "timestamp": event["occurred_at"], "agency": event["agency"], "data": event["data"]});
        assert_eq!(events, feed.as_array().unwrap().iter().map(expected).collect::<Vec<_>>());
        actix_web::rt::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(receiver.messages.lock().unwrap().len(), 12);
        let log = own.all(&format!("{path}/deliveries?state=delivered")).await;
        assert_eq!((log.len(), &log[0]["attempts"]), (12, &json!([{"at": "2026-11-21T12:00:00Z", "status": 204, "error": null}])));

        // Messages are signed by both secrets for a day, and one that was taken may be had again.
        let rotated = own.post(&format!("{path}/rotation"), &json!({})).await.expect(200);
        let second = rotated["secret"].as_str().unwrap();
        assert_ne!(second, secret);
        own.post(&format!("{path}/deliveries/{}/replay", log[0]["id"].as_str().unwrap()), &json!({})).await.expect(200);
        let both = receiver.wait(204, 13).await.pop().unwrap();
        assert_eq!((both.id.as_str(), is_signed(&both, &secret), is_signed(&both, second)), (messages[0].id.as_str(), true, true));
        app.clock.advance(SignedDuration::from_hours(24));
        policy(&staff, "TX0000001", "Later").await;
        let later = receiver.wait(204, 14).await.pop().unwrap();
        assert_eq!((is_signed(&later, &secret), is_signed(&later, second)), (false, true));
    }

    async fn what_is_not_taken_is_tried_again_in_order_for_each_agency_until_it_is_given_up(app: TestApp) {
        let app = { let backend = app.backend; drop(app); start(backend).await };
        let _courier = app.courier();
        for ori in ["TX0000001", "TX0000002"] {
            app.agency(ori).await;
        }
        let (receiver, own, staff) = (Receiver::start(), subscriber(&app, &["ori:TX0000001", "ori:TX0000002"]), app.staff());
        let (path, _) = subscribed(&own, &receiver.url, json!(["policy.changed"])).await;
        receiver.answer(503);
        let first = policy(&staff, "TX0000001", "First").await;
        receiver.wait(503, 1).await;
        let second = policy(&staff, "TX0000001", "Second").await;
        let other = policy(&staff, "TX0000002", "Other").await;
        // The second of the agency waits for the first; the other agency's doesn't.
        let tried = told(&receiver.wait(503, 2).await);
        assert_eq!(tried.iter().map(|event| event["data"]["policy"].as_str().unwrap()).collect::<Vec<_>>(), [first.as_str(), other.as_str()]);
        assert_eq!(own.get(&path).await.expect(200)["failing_since"], "2026-11-21T12:00:00Z");
        // An hour of failures, then it is taken: each once, in order.
        for _ in 0..12 {
            app.clock.advance(SignedDuration::from_mins(5));
            actix_web::rt::time::sleep(Duration::from_millis(700)).await;
        }
        assert!(receiver.answered(503).len() > 6, "{:?}", receiver.answered(503).len());
        receiver.answer(200);
        app.clock.advance(SignedDuration::from_hours(2));
        let taken = told(&receiver.wait(200, 3).await);
        let of = |ori: &str| taken.iter().filter(|event| event["agency"]["ori"] == ori).map(|event| event["data"]["policy"].as_str().unwrap()).collect::<Vec<_>>();
        assert_eq!((of("TX0000001"), of("TX0000002")), (vec![first.as_str(), second.as_str()], vec![other.as_str()]));
        assert_eq!(own.get(&path).await.expect(200)["failing_since"], Value::Null);

        // Neither a redirect nor a refusal is a yes. What is given up lets the next go on, and may be had again.
        receiver.answer(307);
        let lost = policy(&staff, "TX0000001", "Lost").await;
        for _ in 0..14 {
            app.clock.advance(SignedDuration::from_hours(8));
            actix_web::rt::time::sleep(Duration::from_millis(700)).await;
        }
        let dead = own.all(&format!("{path}/deliveries?state=dead")).await;
        assert_eq!((dead.len(), dead[0]["attempts"].as_array().unwrap().len(), &dead[0]["due_at"]), (1, 14, &Value::Null));
        receiver.answer(202);
        let next = policy(&staff, "TX0000001", "Next").await;
        assert_eq!(told(&receiver.wait(202, 1).await)[0]["data"]["policy"], next.as_str());
        assert_eq!(own.post(&format!("{path}/replay"), &json!({})).await.expect(200), json!({"replayed": 1}));
        assert_eq!(told(&receiver.wait(202, 2).await)[1]["data"]["policy"], lost.as_str());
        assert!(receiver.elsewhere.lock().unwrap().is_empty(), "a redirect was followed");
    }

    async fn what_fails_for_days_is_disabled_and_its_client_is_told(app: TestApp) {
        let app = { let backend = app.backend; drop(app); start(backend).await };
        let _courier = app.courier();
        app.agency("TX0000001").await;
        let (receiver, own, staff) = (Receiver::start(), subscriber(&app, &["ori:TX0000001"]), app.staff());
        let (path, _) = subscribed(&own, &receiver.url, json!(null)).await;
        receiver.answer(500);
        policy(&staff, "TX0000001", "First").await;
        for day in 0..6 {
            policy(&staff, "TX0000001", &format!("Day {day}")).await;
            receiver.wait(500, receiver.answered(500).len() + 1).await;
            app.clock.advance(SignedDuration::from_hours(24));
        }
        for _ in 0..100 {
            if own.get(&path).await.expect(200)["state"] == "disabled" {
                break;
            }
            actix_web::rt::time::sleep(Duration::from_millis(100)).await;
        }
        let disabled = own.get(&path).await.expect(200);
        assert_eq!(disabled["state"], "disabled", "{disabled}");
        let notice = own.get("/v1/events?type=webhook.disabled").await.expect(200)["items"].clone();
        assert_eq!((notice.as_array().unwrap().len(), &notice[0]["data"]["webhook"]), (1, &disabled["id"]));
        assert_eq!(app.client("other", "webhooks:read", Some(&[])).get("/v1/events?type=webhook.disabled").await.expect(200)["items"], json!([]));
        let before = receiver.messages.lock().unwrap().len();
        policy(&staff, "TX0000001", "While it is disabled").await;
        actix_web::rt::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(receiver.messages.lock().unwrap().len(), before);
        receiver.answer(204);
        own.post(&format!("{path}/activation"), &json!({})).await.expect(200);
        app.clock.advance(SignedDuration::from_hours(24));
        let last = own.get("/v1/events?type=policy.changed").await.expect(200)["items"].as_array().unwrap().last().unwrap()["id"].clone();
        for _ in 0..100 {
            if receiver.answered(204).iter().any(|message| json!(message.id) == last) {
                return;
            }
            actix_web::rt::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("what happened while it was disabled is not told");
    }

    async fn what_waits_is_not_sent_to_who_may_not_hear_of_it_any_more(app: TestApp) {
        let app = { let backend = app.backend; drop(app); start(backend).await };
        let _courier = app.courier();
        for ori in ["TX0000001", "TX0000002"] {
            app.agency(ori).await;
        }
        let body = json!({"name": "Riverside RMS", "kind": "rms", "scopes": ["webhooks:read", "webhooks:write"]});
        let vendor = Vendor::make(&app, &body, &["ori:TX0000001", "ori:TX0000002"]).await;
        let (receiver, own, staff) = (Receiver::start(), vendor.client(&app).await, app.staff());
        let (path, _) = subscribed(&own, &receiver.url, json!(["policy.changed"])).await;
        receiver.answer(503);
        for ori in ["TX0000001", "TX0000002"] {
            policy(&staff, ori, "First").await;
        }
        receiver.wait(503, 2).await;
        let grants = staff.all(&format!("/v1/grants?client={}", vendor.id)).await;
        let ended = grants.iter().find(|grant| grant["agency"]["ori"] == "TX0000001").unwrap();
        assert_eq!(staff.delete(&format!("/v1/grants/{}", ended["id"].as_str().unwrap())).await.status, 204);
        let before = receiver.answered(503).len();
        receiver.answer(204);
        app.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(told(&receiver.wait(204, 1).await)[0]["agency"]["ori"], "TX0000002");
        let own = vendor.client(&app).await;
        let dead = settled(&own, &format!("{path}/deliveries?state=dead"), 1).await;
        assert_eq!(dead[0]["attempts"].as_array().unwrap().last().unwrap()["error"], "not sent: the client may not hear of it any more");
        assert_eq!((receiver.answered(503).len(), receiver.answered(204).len()), (before, 1));

        // A client that is revoked is told of nothing, and may have it again once it is back.
        receiver.answer(503);
        policy(&staff, "TX0000002", "Second").await;
        receiver.wait(503, before + 1).await;
        staff.post(&format!("/v1/clients/{}/revocation", vendor.id), &json!({"reason": "its secret leaked"})).await.expect(200);
        let before = receiver.answered(503).len();
        app.clock.advance(SignedDuration::from_hours(1));
        actix_web::rt::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(receiver.answered(503).len(), before);
        staff.post(&format!("/v1/clients/{}/reinstatement", vendor.id), &json!({})).await.expect(200);
        let own = vendor.client(&app).await;
        receiver.answer(204);
        assert_eq!(settled(&own, &format!("{path}/deliveries?state=dead"), 2).await.len(), 2);
        assert_eq!(own.post(&format!("{path}/replay"), &json!({})).await.expect(200), json!({"replayed": 2}));
        assert_eq!(told(&receiver.wait(204, 2).await)[1]["agency"]["ori"], "TX0000002");
        assert_eq!(settled(&own, &format!("{path}/deliveries?state=dead"), 1).await.len(), 1, "the agency's is out of reach still");
    }

    async fn what_was_taken_is_listed_for_a_month(app: TestApp) {
        let app = { let backend = app.backend; drop(app); start(backend).await };
        let _courier = app.courier();
        app.agency("TX0000001").await;
        let (receiver, own, staff) = (Receiver::start(), subscriber(&app, &["ori:TX0000001"]), app.staff());
        let (path, _) = subscribed(&own, &receiver.url, json!(["policy.changed"])).await;
        policy(&staff, "TX0000001", "First").await;
        receiver.wait(204, 1).await;
        settled(&own, &format!("{path}/deliveries?state=delivered"), 1).await;
        for (days, left) in [(30, 1), (1, 0)] {
            app.clock.advance(SignedDuration::from_hours(24 * days));
            assert!(!onemind::http::webhooks::tidy(&app.registry.clone().into_inner()).await.unwrap());
            assert_eq!(subscriber(&app, &["ori:TX0000001"]).all(&format!("{path}/deliveries")).await.len(), left);
        }
    }
}
