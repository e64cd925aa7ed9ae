//! The whole story, from the pledge to a certificate that lapses in part: what each of those who take part in it sees.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, Reply, TestApp};
use crate::webhooks::{Receiver, start};

const ORI: &str = "TX2270000";
const KEY: &str = "ori:TX2270000";

/// Who takes part.
struct Cast {
    iacp: Client,
    chief: Client,
    rms: Client,
    lms: Client,
    reviewer: Client,
}

impl Cast {
    fn of(app: &TestApp) -> Self {
        let at = Some([KEY].as_slice());
        Self {
            iacp: app.staff(),
            chief: app.client("chief", "pledges:write pledges:read partnerships:write policies:write certifications:read certifications:write status:read webhooks:read webhooks:write", at),
            rms: app.client("rms", "officers:write status:read webhooks:read webhooks:write", at),
            lms: app.client("lms", "completions:write completions:read", at),
            reviewer: app.client("reviewer", "certifications:read certifications:decide", None),
        }
    }
}

async fn stage(client: &Client) -> Value {
    client.get(&format!("/v1/agencies/{KEY}/certification-status")).await.expect(200)["stage"].clone()
}

fn completion(badge: u32, code: &str) -> Value {
    json!({"external_id": format!("rec-{badge}"), "officer": {"agency": KEY, "badge_number": badge.to_string()}, "training": {"code": code}, "completed_on": "2026-10-01"})
}

/// A page of the public register, or whatever is there.
async fn public(app: &TestApp, path: &str, accept: &str) -> Reply {
    let client = app.stranger();
    client.send(client.request(reqwest::Method::GET, path).header("accept", accept)).await
}

/// The agency, and the courses that count.
async fn catalogue(app: &TestApp, iacp: &Client) {
    let mhfa = json!({"code": "MHFA-8", "title": "Mental Health First Aid", "program": "mhfa", "category": "mental_health_awareness", "validity_months": 36});
    let mhfa = iacp.post("/v1/trainings", &mhfa).await.expect(201)["id"].as_str().unwrap().to_owned();
    iacp.put(&format!("/v1/trainings/{mhfa}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
    app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
    let agency = json!({"name": "Hill County Sheriff", "kind": "sheriff", "country": "US", "subdivision": "US-TX"});
    iacp.put(&format!("/v1/agencies/{KEY}"), &agency).await.expect(201);
}

/// What the agency receives, and what the world sees.
async fn seen(app: &TestApp, chief: &Client, path: &str) {
    for document in ["certificate.pdf", "letter.pdf"] {
        let pdf = chief.get(&format!("{path}/{document}")).await;
        assert_eq!((pdf.status, pdf.header("content-type")), (200, "application/pdf"), "{document}");
    }
    assert_eq!(chief.get(&format!("{path}/credential")).await.status, 200);
    let check = public(app, "/public/certificates/OMC-2026-000001", "application/json").await.expect(200);
    assert_eq!((&check["valid"], &check["awarded_on"], &check["revoked_on"]), (&json!(true), &json!("2026-11-21"), &Value::Null));
    let listed = public(app, "/public/register?stage=certified", "application/json").await.expect(200);
    assert!(listed.to_string().contains("OMC-2026-000001"), "{listed}");
    let news = public(app, "/public/highlights", "application/feed+json").await;
    assert!(news.status == 200 && news.text.contains("Hill County Sheriff"), "{}", news.text);
    assert_eq!(public(app, &format!("/public/agencies/{ORI}/badge.svg"), "*/*").await.status, 200);
}

/// Three years after the training an MHFA certificate lapses, nobody having pushed anything.
async fn lapses(app: &TestApp, rms: &Client, receivers: [&Receiver; 2]) {
    let lapses = |events: &[Value]| events.iter().filter(|event| event["type"] == "requirement.lapsed").cloned().collect::<Vec<_>>();
    // The last day of September: whoever looks for days that begin has looked.
    app.clock.advance(SignedDuration::from_hours(24 * (365 * 3 - 51)));
    actix_web::rt::time::sleep(Duration::from_secs(3)).await;
    for receiver in receivers {
        assert_eq!(lapses(&receiver.wait_for(|_| true).await), Vec::<Value>::new());
    }
    app.clock.advance(SignedDuration::from_hours(24));
    for receiver in receivers {
        receiver.wait_for(|events| !lapses(events).is_empty()).await;
    }
    actix_web::rt::time::sleep(Duration::from_secs(2)).await;
    for receiver in receivers {
        let told = lapses(&receiver.wait_for(|_| true).await);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((&told[0]["data"]["requirement"], &told[0]["data"]["on"]), (&json!("training"), &json!("2029-10-01")));
        assert!(told[0]["timestamp"].as_str().unwrap().starts_with("2029-10-01T"), "{told:?}");
    }
    let status = rms.get(&format!("/v1/agencies/{KEY}/certification-status")).await.expect(200);
    assert_eq!((&status["stage"], &status["maintained"]), (&json!("certified"), &json!(false)));
}

/// From the pledge to the award, and to the day on which training lapses; calls go to `first` and `second` in turn, which may be one.
async fn tell(app: &TestApp, second: &str) {
    let cast = Cast::of(app);
    let elsewhere = |client: &Client| Client::new(second, client.token.clone());
    catalogue(app, &cast.iacp).await;

    // Two receivers: one of the agency's own tool, and one of its records system, which fails at first.
    let (steady, failing) = (Receiver::start(), Receiver::start());
    failing.answer(503);
    let types = json!([
        "pledge.made",
        "roster.changed",
        "completion.parked",
        "completion.created",
        "requirement.met",
        "requirement.lapsed",
        "status.changed",
        "certification.applied",
        "certification.returned",
        "certification.awarded"
    ]);
    for (client, receiver) in [(&cast.chief, &steady), (&cast.rms, &failing)] {
        client.post("/v1/webhooks", &json!({"url": receiver.url, "event_types": types, "agencies": [KEY]})).await.expect(201);
    }

    let pledge = json!({"agency": KEY, "standard": "one-mind", "pledged_on": "2026-01-01", "term_months": 24, "signatory": {"name": "Maria Rivera", "title": "Sheriff"}});
    cast.chief.post("/v1/pledges", &pledge).await.expect(201);
    let partnership = json!({"agency": KEY, "organization": {"name": "Hill Country MHDD", "kind": "community_mental_health"}, "agreement": "mou", "effective_on": "2026-02-01"});
    elsewhere(&cast.chief).post("/v1/partnerships", &partnership).await.expect(201);
    let policy = json!({"agency": KEY, "title": "Response to people in crisis", "adopted_on": "2026-03-01"});
    cast.chief.post("/v1/policies", &policy).await.expect(201);
    let officers: Vec<Value> = (1..=5)
        .map(|badge| json!({"family_name": format!("Officer {badge}"), "given_name": "Ada", "badge_number": badge.to_string(), "sworn": true, "started_on": "2019-05-01"}))
        .collect();
    // The LMS is early with one of them: nothing is lost.
    cast.lms.post("/v1/completions", &completion(1, "CIT-40")).await.expect(202);
    cast.rms.put(&format!("/v1/agencies/{KEY}/roster"), &json!({"as_of": "2026-11-01", "officers": officers})).await.expect(200);
    let refused = cast.chief.post("/v1/certifications", &json!({"agency": KEY})).await;
    assert_eq!(refused.problem(409, "conflict"), ["/requirements/training/trained requirement_not_met"]);
    assert!(refused.text.contains("1 of 5 sworn officers are trained as the standard asks of everybody, 5 are needed: 4 short"), "{}", refused.text);
    let rest: Vec<Value> = (2..=5).map(|badge| completion(badge, "MHFA-8")).collect();
    let pushed = elsewhere(&cast.lms).post("/v1/completions/batch", &json!({"completions": rest})).await.expect(207);
    assert_eq!(pushed["summary"]["created"], 4);
    assert_eq!(stage(&cast.rms).await, "requirements_met");
    let listed = public(app, "/public/register", "application/json").await.expect(200);
    assert!(listed.to_string().contains("Hill County Sheriff"), "{listed}");

    let application = cast.chief.post("/v1/certifications", &json!({"agency": KEY})).await.expect(201);
    let path = format!("/v1/certifications/{}", application["id"].as_str().unwrap());
    for decision in ["start_review", "return"] {
        cast.reviewer.post(&format!("{path}/decision"), &json!({"decision": decision, "note": "as discussed"})).await.expect(200);
    }
    elsewhere(&cast.chief).post(&format!("{path}/resubmission"), &json!({"note": "The county trained them"})).await.expect(200);
    steady.wait_for(|events| events.iter().any(|event| event["data"]["stage"] == "in_review")).await;
    let awarded = Client::new(second, cast.reviewer.token.clone()).post(&format!("{path}/decision"), &json!({"decision": "award"})).await.expect(200);
    assert_eq!((&awarded["number"], stage(&cast.rms).await), (&json!("OMC-2026-000001"), json!("certified")));

    seen(app, &cast.chief, &path).await;

    // An hour later the one that failed answers again, and has all of it, once and in order.
    for _ in 0..12 {
        app.clock.advance(SignedDuration::from_mins(5));
        actix_web::rt::time::sleep(Duration::from_millis(300)).await;
    }
    failing.answer(200);
    app.clock.advance(SignedDuration::from_hours(2));
    let certified = |events: &[Value]| events.iter().any(|event| event["data"]["stage"] == "certified");
    let here = steady.wait_for(certified).await;
    let there = failing.wait_for(certified).await;
    assert_eq!(here, there);
    let feed = cast.chief.get(&format!("/v1/events?agency={KEY}&limit=500")).await.expect(200);
    let ids = |events: &[Value]| events.iter().map(|event| event["id"].clone()).collect::<Vec<_>>();
    let wanted: Vec<Value> =
        feed["items"].as_array().unwrap().iter().filter(|event| types.as_array().unwrap().contains(&event["type"])).cloned().collect();
    assert_eq!(ids(&here), ids(&wanted));
    let times = |kind: &str| here.iter().filter(|event| event["type"] == kind).count();
    for (kind, count) in [
        ("pledge.made", 1),
        ("roster.changed", 1),
        ("completion.created", 1),
        ("requirement.met", 3),
        ("certification.applied", 1),
        ("certification.returned", 1),
        ("certification.awarded", 1),
    ] {
        assert_eq!(times(kind), count, "{kind}: {here:?}");
    }

    lapses(app, &cast.rms, [&steady, &failing]).await;
}

on_both_databases! {
    async fn an_agency_goes_from_its_pledge_to_its_certificate_and_everybody_hears_of_it(app: TestApp) {
        let app = { let backend = app.backend; drop(app); start(backend).await };
        let _background = (app.announcer(), app.courier());
        tell(&app, &app.address).await;
    }

    async fn the_same_with_two_processes(app: TestApp) {
        let app = { let backend = app.backend; drop(app); start(backend).await };
        let replica = app.replica();
        let _background = (app.announcer(), app.courier(), replica.announcer(), replica.courier());
        tell(&app, &replica.address).await;
    }
}
