//! `/v1/resources`

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::Client;

fn entry(kind: &str, title: &str, summary: &str, topics: &[&str]) -> Value {
    json!({"kind": kind, "topics": topics, "title": title, "summary": summary, "link": "https://example.org/library/1", "publisher": "IACP",
        "published_on": "2025-04-01", "language": "en"})
}

async fn titles(client: &Client, query: &str) -> Vec<String> {
    client.all(&format!("/v1/resources{query}")).await.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn staff_keep_an_entry_and_whoever_may_read_it_does(app: TestApp) {
        let (staff, reader) = (app.staff(), app.client("agency tool", "resources:read", Some(&[])));
        let body = entry("model_policy", "Response to people in crisis", "A policy to adopt.", &["policy", "crisis-response", "policy"]);
        let created = staff.post("/v1/resources", &body).await;
        let held = created.expect(201);
        let path = format!("/v1/resources/{}", held["id"].as_str().unwrap());
        assert_eq!(created.header("location"), path);
        let mut expected = body.clone();
        for (name, value) in [("id", held["id"].clone()), ("topics", json!(["crisis-response", "policy"])), ("created_at", json!("2026-11-21T12:00:00Z")), ("updated_at", json!("2026-11-21T12:00:00Z"))] {
            expected[name] = value;
        }
        assert_eq!(held, expected);
        let read = reader.get(&path).await;
        assert_eq!((read.expect(200), read.header("etag")), (expected.clone(), created.header("etag")));

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        assert_eq!(staff.put(&path, &body).await.expect(200), expected);
        let changed = staff.patch(&path, &json!({"kind": "toolkit", "topics": []})).await.expect(200);
        expected["kind"] = json!("toolkit");
        expected["topics"] = json!([]);
        expected["updated_at"] = json!("2026-11-21T13:00:00Z");
        assert_eq!(changed, expected);
        let stale = staff.request(reqwest::Method::DELETE, &path).header("if-match", created.header("etag"));
        staff.send(stale).await.problem(412, "precondition-failed");
        assert_eq!(staff.delete(&path).await.status, 204);
        reader.get(&path).await.problem(404, "not-found");
    }

    async fn every_word_of_a_question_begins_a_word_of_the_entry(app: TestApp) {
        let staff = app.staff();
        for body in [
            entry("model_policy", "Response to people in crisis", "A policy to adopt or adapt.", &["policy"]),
            entry("webinar", "Café talk: co-response in Núñez County", "How clinicians ride along.", &["co-response", "policy"]),
            entry("podcast", "988 and you", "The line's first year. It's O’Brien who asks.", &["988"]),
        ] {
            staff.post("/v1/resources", &body).await.expect(201);
        }
        let (policy, talk, podcast) = ("Response to people in crisis", "Café talk: co-response in Núñez County", "988 and you");
        for (query, expected) in [
            ("", vec![policy, talk, podcast]),
            ("?q=CAFE", vec![talk]),
            ("?q=nunez+clin", vec![talk]),
            ("?q=respon", vec![policy, talk]),
            ("?q=esponse", vec![]),
            ("?q=policy+adopt", vec![policy]),
            ("?q=obrien", vec![podcast]),
            ("?q=98", vec![podcast]),
            ("?q=model", vec![policy]),
            ("?q=iacp+webinar", vec![talk]),
            ("?q=%21", vec![]),
            ("?q=%25", vec![]),
            ("?kind=podcast", vec![podcast]),
            ("?topic=policy", vec![policy, talk]),
            ("?topic=policy&kind=webinar&q=ride", vec![talk]),
            ("?limit=1&q=r", vec![policy, talk]),
        ] {
            assert_eq!(titles(&staff, query).await, expected, "{query}");
        }
        // What an entry no longer says doesn't find it.
        let held = staff.all("/v1/resources?q=clinicians").await;
        let path = format!("/v1/resources/{}", held[0]["id"].as_str().unwrap());
        staff.patch(&path, &json!({"summary": "How nurses ride along."})).await.expect(200);
        assert_eq!((titles(&staff, "?q=clinicians").await.len(), titles(&staff, "?q=nurses").await.len()), (0, 1));
    }

    async fn an_entry_has_a_safe_link_a_language_and_topics_in_their_form(app: TestApp) {
        let staff = app.staff();
        let mut body = entry("flyer", "", "x", &["Policy"]);
        body["link"] = json!("http://example.org");
        body["language"] = json!("English");
        let mut faults = staff.post("/v1/resources", &body).await.problem(422, "invalid-content");
        faults.sort();
        assert_eq!(faults, ["/kind invalid_kind", "/language invalid_language", "/link not_https", "/title empty", "/topics/0 invalid_topic"]);
        let topics: Vec<String> = (0..21).map(|n| format!("topic-{n}")).collect();
        let many = entry("toolkit", "T", "S", &topics.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(staff.post("/v1/resources", &many).await.problem(422, "invalid-content"), ["/topics too_many"]);
    }

    async fn the_library_is_changed_with_a_grant_for_all_agencies_alone(app: TestApp) {
        app.agency("TX2270000").await;
        let body = entry("toolkit", "T", "S", &[]);
        let id = app.staff().post("/v1/resources", &body).await.expect(201)["id"].as_str().unwrap().to_owned();
        let agency = app.client("agency tool", "all", Some(&["ori:TX2270000"]));
        agency.post("/v1/resources", &body).await.problem(403, "outside-grant");
        let path = format!("/v1/resources/{id}");
        agency.put(&path, &body).await.problem(403, "outside-grant");
        agency.delete(&path).await.problem(403, "outside-grant");
        agency.get(&path).await.expect(200);
    }
}
