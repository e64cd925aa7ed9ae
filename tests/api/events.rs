//! `/v1/events`

use std::collections::HashSet;
use std::time::Duration;

use jiff::SignedDuration;
use onemind::domain::event::{TOLD_OTHERWISE, of_operation};
use onemind::http::announcing;
use serde_json::{Value, json};

use crate::certifications::{applied, decided, ready, recognized, reviewer};
use crate::on_both_databases;
use crate::support::Client;
use crate::support::document::Document;

/// Everything that a client hears of, in pieces of so many.
async fn heard(client: &Client, query: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let after = cursor.as_ref().map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let piece = client.get(&format!("/v1/events?limit={limit}{query}{after}")).await.expect(200);
        let items = piece["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        all.extend(items.iter().cloned());
        cursor = Some(piece["cursor"].as_str().unwrap().to_owned());
        match piece["next_cursor"].as_str() {
            None => return all,
            Some(next) => assert_eq!(Some(next), cursor.as_deref()),
        }
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// Asks until what is heard is as long as it should be, for as long as a busy machine may take.
async fn heard_in_the_end(client: &Client, query: &str, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        let events = heard(client, query, 500).await;
        if events.len() >= count {
            return events;
        }
        actix_web::rt::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?}", heard(client, query, 500).await)
}

fn pledge(ori: &str) -> Value {
    json!({"agency": format!("ori:{ori}"), "standard": "one-mind", "pledged_on": "2025-02-01", "term_months": 24,
        "signatory": {"name": "Maria Rivera", "title": "Chief of Police"}})
}

fn officer(ori: &str, badge: &str) -> Value {
    json!({"given_name": "Ada", "family_name": format!("Officer {badge}"),
        "appointments": [{"agency": format!("ori:{ori}"), "sworn": true, "badge_number": badge, "started_on": "2019-05-01"}]})
}

fn completion(id: &str, ori: &str, badge: &str) -> Value {
    json!({"external_id": id, "officer": {"agency": format!("ori:{ori}"), "badge_number": badge}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"})
}

#[test]
fn every_operation_that_writes_is_told_or_said_not_to_be() {
    for operation in Document::current().operations() {
        let id = operation.value["operationId"].as_str().unwrap().to_owned();
        let told = of_operation(&id).is_some();
        if operation.method == "GET" {
            assert!(!told, "{id} reads");
        } else {
            assert_ne!(told, TOLD_OTHERWISE.contains(&id.as_str()), "{id}: say in domain/event.rs what it is to others");
        }
    }
}

on_both_databases! {
    async fn each_hears_of_its_own_and_of_its_agencies_in_order(app: TestApp) {
        app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
        app.agency("TX0000001").await;
        app.agency("TX0000002").await;
        let staff = app.staff();
        let one = app.client("tool 1", "webhooks:read", Some(&["ori:TX0000001"]));
        let lms = app.client("lms", "completions:write completions:read webhooks:read", Some(&["ori:TX0000001", "ori:TX0000002"]));
        let made = staff.post("/v1/pledges", &pledge("TX0000001")).await.expect(201);
        staff.post("/v1/pledges", &pledge("TX0000002")).await.expect(201);
        let person = staff.post("/v1/officers", &officer("TX0000001", "1")).await.expect(201);
        let batch = json!({"completions": [completion("a", "TX0000001", "1"), completion("b", "TX0000001", "2"), completion("c", "TX0000001", "1"), completion("d", "TX0000002", "9")]});
        let results = lms.post("/v1/completions/batch", &batch).await.expect(207)["results"].clone();
        let ids: Vec<&Value> = results.as_array().unwrap().iter().map(|result| &result["id"]).collect();
        lms.post("/v1/completions/batch", &batch).await.expect(207);
        let second = staff.post("/v1/officers", &officer("TX0000001", "2")).await.expect(201);
        staff.post(&format!("/v1/completions/{}/revocation", ids[0].as_str().unwrap()), &json!({"reason": "a mistake"})).await.expect(200);

        let events = heard(&one, "", 2).await;
        assert_eq!(types(&events), ["training.changed", "training.changed", "agency.changed", "pledge.made", "officer.changed", "completion.created",
            "completion.parked", "officer.changed", "completion.placed", "completion.revoked"]);
        let agency = json!({"id": made["agency"]["id"], "ori": "TX0000001", "name": "Agency TX0000001"});
        let event = |index: usize, kind: &str, data: Value| json!({"id": events[index]["id"], "type": kind, "agency": agency, "occurred_at": "2026-11-21T12:00:00Z", "data": data});
        let fields = &events[3]["data"]["fields"];
        assert_eq!(events[3], event(3, "pledge.made", json!({"pledge": made["id"], "fields": fields})));
        assert_eq!(events[4]["data"]["officer"], person["id"]);
        assert_eq!(events[5], event(5, "completion.created", json!({"completions": [ids[0], ids[2]]})));
        assert_eq!(events[6], event(6, "completion.parked", json!({"completions": [ids[1]]})));
        assert_eq!(events[7]["data"]["officer"], second["id"]);
        assert_eq!(events[8], event(8, "completion.placed", json!({"completions": [ids[1]]})));
        assert_eq!(events[9], event(9, "completion.revoked", json!({"completions": [ids[0]]})));

        // The pusher hears of its records at whichever agency; a client without any, of what all share.
        let pushed = heard(&lms, "&type=completion.parked", 500).await;
        assert_eq!(pushed.iter().map(|event| event["data"]["completions"].clone()).collect::<Vec<_>>(), [json!([ids[1]]), json!([ids[3]])]);
        let stranger = app.client("stranger", "webhooks:read", Some(&[]));
        assert_eq!(types(&heard(&stranger, "", 500).await), ["training.changed", "training.changed"]);
        assert_eq!(types(&heard(&one, "&agency=ori:TX0000002", 500).await), [""; 0]);
        assert_eq!(types(&heard(&staff, "&agency=ori:TX0000002", 500).await), ["agency.changed", "pledge.made", "completion.parked"]);
        assert_eq!(heard(&staff, "", 3).await, heard(&staff, "", 500).await);

        // Who comes back hears of what came since.
        let read = one.get("/v1/events?limit=500").await.expect(200);
        let after = format!("/v1/events?limit=500&cursor={}", read["cursor"].as_str().unwrap());
        assert_eq!(one.get(&after).await.expect(200)["items"], json!([]));
        staff.post(&format!("/v1/pledges/{}/withdrawal", made["id"].as_str().unwrap()), &json!({"withdrawn_on": "2026-11-21", "reason": "x"})).await.expect(200);
        let since = one.get(&after).await.expect(200);
        assert_eq!(types(since["items"].as_array().unwrap()), ["pledge.withdrawn"]);
        one.get("/v1/events?cursor=AAAA").await.problem(400, "invalid-parameter");
        assert_eq!(one.get("/v1/events?type=pledge&limit=0").await.problem(400, "invalid-parameter"), ["/type invalid_event_type", "/limit invalid_limit"]);
        app.client("other", "status:read", None).get("/v1/events").await.problem(403, "missing-scope");
    }

    async fn who_reads_on_while_others_write_misses_nothing_and_hears_nothing_twice(app: TestApp) {
        const WRITERS: usize = 6;
        const EACH: usize = 15;
        let replica = app.replica();
        let staff = app.staff();
        for writer in 0..WRITERS {
            app.agency(&format!("TX000000{writer}")).await;
        }
        let tasks: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let address = if writer % 2 == 0 { &app.address } else { &replica.address };
                let (client, ori) = (Client::new(address, staff.token.clone()), format!("TX000000{writer}"));
                actix_web::rt::spawn(async move {
                    for number in 0..EACH {
                        client.post("/v1/officers", &officer(&ori, &number.to_string())).await.expect(201);
                    }
                })
            })
            .collect();
        let readers = [&app.address, &replica.address].map(|address| Client::new(address, staff.token.clone()));
        let (mut seen, mut cursor, mut turn) = (Vec::new(), None::<String>, 0);
        while seen.len() < WRITERS * EACH {
            let after = cursor.as_ref().map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
            let piece = readers[turn % 2].get(&format!("/v1/events?type=officer.changed&limit=7{after}")).await.expect(200);
            seen.extend(piece["items"].as_array().unwrap().iter().cloned());
            cursor = Some(piece["cursor"].as_str().unwrap().to_owned());
            turn += 1;
            assert!(turn < 10_000, "{} of {}", seen.len(), WRITERS * EACH);
        }
        for task in tasks {
            task.await.unwrap();
        }
        let ids: HashSet<&str> = seen.iter().map(|event| event["id"].as_str().unwrap()).collect();
        assert_eq!((ids.len(), seen.len()), (WRITERS * EACH, WRITERS * EACH));
        assert_eq!(heard(&staff, "&type=officer.changed", 500).await, seen);
    }

    async fn a_standard_that_is_published_keeps_nobody_from_hearing(app: TestApp) {
        let staff = app.staff();
        app.agency("TX0000001").await;
        let standard = json!({"code": "one-mind-2030", "title": "One Mind 2030", "crisis_share": {"numerator": 1, "denominator": 4},
            "crisis_counts_as_awareness": true, "lapsed_credit_counts": false});
        staff.post("/v1/standards", &standard).await.expect(201);
        staff.post("/v1/pledges", &pledge("TX0000001")).await.expect(201);
        let registry = app.registry.clone().into_inner();
        assert!(onemind::http::announcing::tell(&registry, false).await.unwrap());
        assert_eq!(types(&heard(&staff, "&type=status.changed", 500).await), ["status.changed"]);
    }

    async fn a_pledge_is_overdue_on_its_day_wherever_its_agency_stands(app: TestApp) {
        recognized(&app).await;
        let path = {
            ready(&app, "TX0000001").await;
            ready(&app, "TX0000002").await;
            applied(&app, "TX0000002").await
        };
        for decision in ["start_review", "award"] {
            decided(&reviewer(&app), &path, decision).await;
        }
        let registry = app.registry.clone().into_inner();
        let told = async || announcing::tell(&registry, false).await.unwrap();
        let heard = async |kind: &str| {
            let events = heard(&app.staff(), &format!("&type={kind}"), 500).await;
            events.iter().map(|event| (event["agency"]["ori"].as_str().unwrap().to_owned(), event["data"]["on"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
        };
        assert!(told().await);
        // The one has met everything and applied for nothing, the other is certified: its pledge is fulfilled.
        assert_eq!(heard("pledge.due_soon").await, [("TX0000001".to_owned(), "2026-11-21".to_owned())]);
        app.clock.advance(SignedDuration::from_hours(24 * 72));
        told().await;
        assert_eq!(heard("pledge.overdue").await, []);
        app.clock.advance(SignedDuration::from_hours(24));
        assert!(told().await);
        assert_eq!(heard("pledge.overdue").await, [("TX0000001".to_owned(), "2027-02-02".to_owned())]);
        assert!(!told().await);
        // Once the certificate is revoked, its pledge is overdue as well.
        app.clock.advance(SignedDuration::from_hours(24));
        decided(&reviewer(&app), &path, "revoke").await;
        assert!(told().await);
        assert_eq!(heard("pledge.overdue").await[1..], [("TX0000002".to_owned(), "2027-02-03".to_owned())]);
    }

    async fn a_requirement_that_is_met_or_lapses_is_told_once_however_many_tell(app: TestApp) {
        let training = json!({"code": "CIT-40", "title": "CIT", "program": "cit", "category": "crisis_intervention", "validity_months": 12});
        let staff = app.staff();
        let training = staff.post("/v1/trainings", &training).await.expect(201)["id"].as_str().unwrap().to_owned();
        staff.put(&format!("/v1/trainings/{training}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
        let replica = app.replica();
        let _workers = [app.announcer(), replica.announcer(), app.announcer()];
        app.agency("TX0000001").await;
        staff.post("/v1/officers", &officer("TX0000001", "1")).await.expect(201);
        staff.post("/v1/pledges", &pledge("TX0000001")).await.expect(201);
        let told = "&agency=ori:TX0000001&type=status.changed";
        let first = heard_in_the_end(&staff, told, 1).await;
        assert_eq!(first[0]["data"], json!({"from": "not_pledged", "stage": "in_progress", "maintained": null, "on": "2026-11-21", "standard": "one-mind"}));
        let due = heard_in_the_end(&staff, "&type=pledge.due_soon", 1).await;
        assert_eq!(due[0]["data"]["on"], "2026-11-21");
        let there = Client::new(&replica.address, staff.token.clone());
        there.post("/v1/completions", &completion("a", "TX0000001", "1")).await.expect(201);
        let met = heard_in_the_end(&staff, "&type=requirement.met", 1).await;
        assert_eq!(met[0]["data"], json!({"requirement": "training", "on": "2026-11-21", "standard": "one-mind"}));
        let evidence = json!({"agency": "ori:TX0000001", "title": "Response to people in crisis", "adopted_on": "2025-01-01", "ends_on": "2027-01-15", "document": null});
        staff.post("/v1/policies", &evidence).await.expect(201);
        heard_in_the_end(&staff, "&type=requirement.met", 2).await;

        // The policy ends on 15 January, the term on 1 February, the training on 6 March 2027: nobody pushes anything.
        app.clock.advance(SignedDuration::from_hours(24 * 60));
        let lapsed = heard_in_the_end(&staff, "&type=requirement.lapsed", 1).await;
        assert_eq!(lapsed[0]["data"], json!({"requirement": "policy", "on": "2027-01-15", "standard": "one-mind"}));
        app.clock.advance(SignedDuration::from_hours(24 * 60));
        let lapsed = heard_in_the_end(&staff, "&type=requirement.lapsed", 2).await;
        assert_eq!(lapsed[1]["data"], json!({"requirement": "training", "on": "2027-03-06", "standard": "one-mind"}));
        assert_eq!(heard_in_the_end(&staff, "&type=pledge.overdue", 1).await[0]["data"]["on"], "2027-02-02");
        actix_web::rt::time::sleep(Duration::from_secs(3)).await;
        let all = heard(&staff, "&agency=ori:TX0000001", 500).await;
        let derived: Vec<(&str, &str)> = all
            .iter()
            .filter(|event| event["data"]["standard"].is_string())
            .map(|event| (event["type"].as_str().unwrap(), event["data"]["on"].as_str().unwrap()))
            .collect();
        assert_eq!(derived, [
            ("pledge.due_soon", "2026-11-21"), ("status.changed", "2026-11-21"), ("requirement.met", "2026-11-21"), ("requirement.met", "2026-11-21"),
            ("requirement.lapsed", "2027-01-15"), ("pledge.overdue", "2027-02-02"), ("status.changed", "2027-02-02"), ("requirement.lapsed", "2027-03-06"),
        ]);
    }
}
