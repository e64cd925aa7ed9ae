//! What is sent: kept once, refused with every fault, its client's own.

use reqwest::Method;
use serde_json::{Value, json};

use super::{PATH, found, id, lms, put, statement, void, with, without_version};
use crate::on_both_databases;
use crate::support::scene::rows;

/// What is wrong with a statement: where something else stands, and the fault.
fn faulty() -> Vec<(&'static str, Value, &'static str)> {
    let agent = json!({"mbox": "mailto:a@x.example"});
    vec![
        ("/id", json!("6690e6c9"), "/id invalid_id"),
        ("/id", json!(7), "/id wrong_type"),
        ("/id", Value::Null, "/id null"),
        ("/nonsense", json!(1), "/nonsense unknown_field"),
        ("/Actor", agent.clone(), "/Actor unknown_field"),
        ("/actor", json!("Maria"), "/actor wrong_type"),
        ("/actor", json!({"name": "Maria"}), "/actor exactly_one"),
        ("/actor", json!({"mbox": "mailto:a@x.example", "openid": "https://a.example"}), "/actor exactly_one"),
        ("/actor/mbox", json!("m.rivera@example.org"), "/actor/mbox invalid_mbox"),
        ("/actor", json!({"mbox_sha1sum": "abc"}), "/actor/mbox_sha1sum invalid_sha1"),
        ("/actor", json!({"openid": "id.example"}), "/actor/openid invalid_iri"),
        ("/actor", json!({"account": {"homePage": "lms.example", "name": "x"}}), "/actor/account/homePage invalid_iri"),
        ("/actor", json!({"account": {"homePage": "https://lms.example"}}), "/actor/account/name required"),
        ("/actor", json!({"account": {"homePage": "https://lms.example", "name": "123-45-6789"}}), "/actor/account forbidden_identifier"),
        ("/actor/objectType", json!("Person"), "/actor/objectType invalid_word"),
        ("/actor", json!({"objectType": "Group"}), "/actor/member required"),
        ("/actor", json!({"objectType": "Group", "member": [{"name": "x"}]}), "/actor/member/0 exactly_one"),
        ("/actor", json!({"objectType": "Group", "member": [{"objectType": "Group", "member": []}]}), "/actor/member/0/member unknown_field"),
        ("/verb", json!({}), "/verb/id required"),
        ("/verb/id", json!("completed"), "/verb/id invalid_iri"),
        ("/verb/display", json!({"not a tag": "x"}), "/verb/display/not a tag invalid_language"),
        ("/verb/display", json!({"en": 1}), "/verb/display/en wrong_type"),
        ("/object", json!({"objectType": "Thing", "id": "https://x.example"}), "/object/objectType invalid_word"),
        ("/object", json!({"objectType": "Activity"}), "/object/id required"),
        ("/object", json!({"objectType": "StatementRef", "id": "7"}), "/object/id invalid_id"),
        ("/object/definition", json!({"choices": []}), "/object/definition/interactionType required"),
        ("/object/definition", json!({"interactionType": "guess"}), "/object/definition/interactionType invalid_word"),
        ("/object/definition", json!({"interactionType": "choice", "choices": [{"id": "a"}, {"id": "a"}]}), "/object/definition/choices repeated"),
        ("/object/definition", json!({"extensions": {"x": 1}}), "/object/definition/extensions/x invalid_iri"),
        ("/result", json!({"score": {"scaled": 1.1}}), "/result/score/scaled out_of_range"),
        ("/result", json!({"score": {"raw": 11, "min": 0, "max": 10}}), "/result/score/raw out_of_range"),
        ("/result", json!({"score": {"min": 10, "max": 0}}), "/result/score/max out_of_range"),
        ("/result", json!({"success": "true"}), "/result/success wrong_type"),
        ("/result", json!({"duration": "40 hours"}), "/result/duration invalid_duration"),
        ("/result", json!({"response": null}), "/result/response null"),
        ("/context", json!({"registration": "x"}), "/context/registration invalid_id"),
        ("/context", json!({"language": "english language"}), "/context/language invalid_language"),
        ("/context", json!({"team": {"mbox": "mailto:a@x.example"}}), "/context/team/objectType invalid_word"),
        ("/context", json!({"contextActivities": {"sibling": []}}), "/context/contextActivities/sibling unknown_field"),
        ("/context", json!({"contextActivities": {"parent": [{"id": "x"}]}}), "/context/contextActivities/parent/0/id invalid_iri"),
        ("/context", json!({"contextAgents": []}), "/context/contextAgents unknown_field"),
        ("/context", json!({"statement": {"objectType": "StatementRef"}}), "/context/statement/id required"),
        ("/timestamp", json!("2026-03-06T10:00:00"), "/timestamp offset_required"),
        ("/timestamp", json!("2026-03-06"), "/timestamp invalid_instant"),
        ("/timestamp", json!("2026-03-06T10:00:00-00:00"), "/timestamp invalid_instant"),
        ("/timestamp", json!("2026-11-23T10:00:00Z"), "/timestamp in_the_future"),
        ("/version", json!("0.95"), "/version invalid_version"),
        ("/version", json!("2.0.0"), "/version invalid_version"),
        ("/authority", json!({"name": "x"}), "/authority exactly_one"),
        ("/attachments", json!([{"usageType": "x"}]), "/attachments/0/sha2 required"),
        (
            "/object",
            json!({"objectType": "SubStatement", "actor": agent, "verb": {"id": "x:y"}, "object": {"objectType": "SubStatement"}}),
            "/object/object/objectType invalid_word",
        ),
        (
            "/object",
            json!({"objectType": "SubStatement", "id": id(1), "actor": agent, "verb": {"id": "x:y"}, "object": {"id": "x:y"}}),
            "/object/id unknown_field",
        ),
    ]
}

on_both_databases! {
    async fn about_is_open_to_anybody_and_needs_no_version(app: TestApp) {
        let about = app.stranger().get("/xapi/about").await;
        assert_eq!(about.expect(200), json!({"version": ["2.0.0", "1.0.3"], "extensions": {}}));
        assert_eq!(about.header("x-experience-api-version"), "2.0.0");
        // tincan fails where it hears of an edition that it doesn't know.
        let first = app.stranger().request(Method::GET, "/xapi/about").header("x-experience-api-version", "1.0.1");
        assert_eq!(app.stranger().send(first).await.expect(200)["version"], json!(["1.0.3"]));
    }

    async fn a_statement_comes_back_as_it_was_sent(app: TestApp) {
        let client = lms(&app, "lms");
        let sent = with(statement(1, "experienced"), "/result", json!({"extensions": {"x:y": {"b": null, "a": ["\u{0}", 1.0, 1e30]}}}));
        let reply = client.post(PATH, &sent).await;
        assert_eq!(reply.expect(200), json!([id(1)]));
        assert_eq!(reply.header("x-experience-api-consistent-through"), "2026-11-21T12:00:00Z");
        assert_eq!(reply.header("x-experience-api-version"), "1.0.3");
        let reply = client.get(&format!("{PATH}?statementId={}", id(1))).await;
        let mut held = reply.expect(200);
        let me = client.get("/v1/whoami").await.expect(200)["client"].clone();
        let home = app.registry.tokens.issuer();
        assert_eq!(held["authority"], json!({"objectType": "Agent", "account": {"homePage": home, "name": me}}));
        assert_eq!((&held["stored"], &held["version"]), (&json!("2026-11-21T12:00:00Z"), &json!("1.0.3")));
        assert_eq!(reply.header("last-modified"), "Sat, 21 Nov 2026 12:00:00 GMT");
        for name in ["authority", "stored", "version"] {
            held.as_object_mut().unwrap().remove(name);
        }
        assert_eq!(held, sent);
        client.get(&format!("{PATH}?statementId={}", id(2))).await.problem(404, "not-found");
    }

    async fn what_the_sender_leaves_out_the_service_says(app: TestApp) {
        let client = lms(&app, "lms");
        let mut sent = statement(1, "experienced");
        sent.as_object_mut().unwrap().remove("id");
        sent.as_object_mut().unwrap().remove("timestamp");
        let given = client.post(PATH, &sent).await.expect(200)[0].as_str().unwrap().to_owned();
        let held = client.get(&format!("{PATH}?statementId={given}")).await.expect(200);
        assert_eq!((&held["id"], &held["timestamp"]), (&json!(given), &held["stored"]));
    }

    async fn every_request_says_which_edition_it_follows(app: TestApp) {
        let client = lms(&app, "lms");
        for method in [Method::GET, Method::POST, Method::PUT] {
            for version in [None, Some(""), Some("0.95"), Some("1.1.0"), Some("3.0.0"), Some("1.0.3, 2.0.0")] {
                let reply = without_version(&client, method.clone(), version).await;
                assert_eq!(reply.problem(400, "invalid-header"), ["/x-experience-api-version invalid_version"], "{method} {version:?}");
                assert_eq!(reply.header("x-experience-api-version"), "2.0.0");
            }
        }
        for (version, answered) in [("1.0", "1.0.3"), ("1.0.0", "1.0.3"), ("1.0.3", "1.0.3"), ("2.0.0", "2.0.0")] {
            let reply = without_version(&client, Method::GET, Some(version)).await;
            reply.expect(200);
            assert_eq!(reply.header("x-experience-api-version"), answered);
        }
        let stranger = app.stranger().get(PATH).await;
        stranger.problem(401, "unauthorized");
        assert_eq!(stranger.header("x-experience-api-version"), "1.0.3");
    }

    async fn each_fault_is_told_with_its_pointer_and_nothing_is_kept(app: TestApp) {
        let client = lms(&app, "lms");
        let before = rows(&app).await;
        for (pointer, value, fault) in faulty() {
            let bad = with(statement(1, "completed"), pointer, value);
            let faults = client.post(PATH, &bad).await.problem(400, "invalid-statement");
            assert!(faults.contains(&fault.to_owned()), "{bad}: {faults:?}, and not {fault}");
            let again = client.post(PATH, &json!([statement(2, "completed"), bad])).await.problem(400, "invalid-statement");
            assert!(again.contains(&format!("/1{fault}")), "{again:?}");
        }
        let missing = client.post(PATH, &json!({"context": {"platform": 5}})).await.problem(400, "invalid-statement");
        assert_eq!(missing, ["/context/platform wrong_type", "/actor required", "/verb required", "/object required"]);
        let of_people = with(with(statement(1, "met"), "/object", json!({"objectType": "Agent", "mbox": "mailto:b@x.example"})), "/context", json!({"revision": "3"}));
        assert_eq!(client.post(PATH, &of_people).await.problem(400, "invalid-statement"), ["/context/revision not_allowed"]);
        let void = with(statement(1, "voided"), "/object/id", json!("https://lms.example/c"));
        assert_eq!(client.post(PATH, &void).await.problem(400, "invalid-statement"), ["/object/objectType invalid_word"]);
        for other in [json!(5), json!("x"), Value::Null, json!([5])] {
            client.post(PATH, &other).await.problem(400, "invalid-statement");
        }
        let twice = json!([statement(1, "completed"), statement(1, "completed")]);
        assert_eq!(client.post(PATH, &twice).await.problem(400, "invalid-statement"), ["/1/id repeated"]);
        let many: Vec<Value> = (0..1001).map(|number| statement(number, "completed")).collect();
        client.post(PATH, &json!(many)).await.problem(413, "content-too-large");
        assert_eq!(rows(&app).await, before);
    }

    async fn the_second_edition_has_agents_and_groups_of_the_context(app: TestApp) {
        let client = lms(&app, "lms");
        let context = json!({
            "contextAgents": [{"objectType": "contextAgent", "agent": {"mbox": "mailto:i@x.example"}, "relevantTypes": ["https://x.example/instructor"]}],
            "contextGroups": [{"objectType": "contextGroup", "group": {"objectType": "Group", "member": [{"mbox": "mailto:g@x.example"}]}}],
        });
        let sent = with(with(statement(1, "attended"), "/context", context), "/version", json!("2.0.0"));
        let two = |body: &Value| {
            let request = client.request(Method::POST, "/xapi/%73tatements").header("x-experience-api-version", "2.0.0");
            client.send(request.json(body))
        };
        assert_eq!(two(&sent).await.expect(200), json!([id(1)]));
        for agent in ["i", "g"] {
            let query = serde_urlencoded::to_string([("agent", format!("{{\"mbox\":\"mailto:{agent}@x.example\"}}")), ("related_agents", "true".into())]).unwrap();
            assert_eq!(found(&client, &query).await, [id(1)]);
        }
        let bad = with(sent, "/context/contextAgents", json!([{"objectType": "Agent", "agent": {"mbox": "mailto:i@x.example"}, "relevantTypes": []}]));
        let faults = two(&bad).await.problem(400, "invalid-statement");
        assert_eq!(faults, ["/context/contextAgents/0/relevantTypes empty", "/context/contextAgents/0/objectType invalid_word"]);
    }

    async fn the_same_again_changes_nothing_and_other_content_is_refused(app: TestApp) {
        let client = lms(&app, "lms");
        let sent = statement(1, "experienced");
        assert_eq!(put(&client, &sent).await.status, 204);
        let before = (rows(&app).await, client.get(PATH).await.text);
        let mut same = with(with(sent.clone(), "/verb/display", json!({"en": "experienced"})), "/timestamp", json!("2026-03-07T05:30:00Z"));
        assert_eq!(put(&client, &same).await.status, 204);
        assert_eq!(client.post(PATH, &same).await.expect(200), json!([id(1)]));
        same.as_object_mut().unwrap().remove("timestamp");
        assert_eq!(client.post(PATH, &json!([same])).await.expect(200), json!([id(1)]));
        for other in [with(sent.clone(), "/object/id", json!("https://lms.example/other")), with(sent.clone(), "/timestamp", json!("2026-03-06T23:30:01-06:00"))] {
            assert_eq!(put(&client, &other).await.problem(409, "conflict"), [" statement_differs"]);
            client.post(PATH, &json!([statement(2, "experienced"), other])).await.problem(409, "conflict");
        }
        assert_eq!((rows(&app).await, client.get(PATH).await.text), before);
    }

    async fn put_takes_one_statement_under_its_id(app: TestApp) {
        let client = lms(&app, "lms");
        let mut sent = statement(1, "experienced");
        assert_eq!(client.put(&format!("{PATH}?statementId={}", id(2)), &sent).await.problem(400, "invalid-statement"), ["/id other_id"]);
        assert_eq!(client.put(PATH, &sent).await.problem(400, "invalid-parameter"), ["/statementId required"]);
        assert_eq!(client.put(&format!("{PATH}?statementId=7"), &sent).await.problem(400, "invalid-parameter"), ["/statementId invalid_id"]);
        assert_eq!(client.put(&format!("{PATH}?statementId={}", id(1)), &json!([sent])).await.problem(400, "invalid-statement"), [" wrong_type"]);
        sent.as_object_mut().unwrap().remove("id");
        assert_eq!(client.put(&format!("{PATH}?statementId={}", id(3)), &sent).await.status, 204);
        assert_eq!(found(&client, "").await, [id(3)]);
        assert_eq!(client.post(&format!("{PATH}?method=PUT"), &sent).await.problem(400, "invalid-parameter"), ["/method unknown_field"]);
    }

    async fn what_one_client_sent_another_never_meets(app: TestApp) {
        let (one, other) = (lms(&app, "lms"), lms(&app, "another"));
        assert_eq!(put(&one, &statement(1, "experienced")).await.status, 204);
        other.get(&format!("{PATH}?statementId={}", id(1))).await.problem(404, "not-found");
        assert_eq!(found(&other, "").await, [""; 0]);
        let theirs = with(statement(1, "attempted"), "/actor/mbox", json!("mailto:b@x.example"));
        assert_eq!(put(&other, &theirs).await.status, 204);
        assert_eq!(put(&other, &void(2, &id(1))).await.status, 204);
        assert_eq!(one.get(&format!("{PATH}?statementId={}", id(1))).await.expect(200)["verb"], statement(1, "experienced")["verb"]);
        other.get(&format!("{PATH}?statementId={}", id(1))).await.problem(404, "not-found");
        // Not even with a grant for all agencies: statements are their client's own.
        assert_eq!(found(&app.staff(), "").await, [""; 0]);
    }
}
