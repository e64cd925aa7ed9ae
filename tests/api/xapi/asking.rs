//! What is asked for.

use serde_json::{Value, json};

use super::{COURSE, PATH, found, id, lms, put, statement, verb, void, with};
use crate::on_both_databases;
use crate::support::Client;

fn query(pairs: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(pairs).unwrap()
}

/// Statements of several kinds, each stored after the one before.
async fn fill(client: &Client) {
    let account = json!({"account": {"homePage": "https://lms.example", "name": "4711"}});
    let registration = "0199c1f0-0000-7000-8000-000000000007";
    let sub = json!({"objectType": "SubStatement", "actor": {"mbox": "mailto:sub@x.example"}, "verb": {"id": verb("attempted")}, "object": {"id": "https://lms.example/sub"}});
    let context = json!({"registration": registration, "instructor": {"mbox": "mailto:i@x.example"}, "contextActivities": {"parent": {"id": "https://lms.example/parent"}}});
    let all = [
        statement(1, "attempted"),
        with(statement(2, "experienced"), "/actor", account),
        with(statement(3, "attempted"), "/context", context),
        with(statement(4, "met"), "/object", json!({"objectType": "Agent", "mbox": "mailto:m.rivera@example.org"})),
        with(with(statement(5, "planned"), "/object", sub), "/actor/mbox", json!("mailto:b@x.example")),
        with(with(statement(6, "answered"), "/object/id", json!("https://lms.example/other")), "/actor/mbox", json!("mailto:b@x.example")),
    ];
    for statement in all {
        assert_eq!(put(client, &statement).await.status, 204);
    }
}

fn ids(numbers: &[u32]) -> Vec<String> {
    numbers.iter().map(|number| id(*number)).collect()
}

on_both_databases! {
    async fn each_filter_narrows_and_all_of_them_together(app: TestApp) {
        let client = lms(&app, "lms");
        fill(&client).await;
        let rivera = "{\"mbox\":\"mailto:m.rivera@example.org\"}";
        let (attempted, parent, authority) = (verb("attempted"), "https://lms.example/parent",
            json!({"account": {"homePage": app.registry.tokens.issuer(), "name": client.get("/v1/whoami").await.expect(200)["client"]}}).to_string());
        let cases: Vec<(Vec<(&str, &str)>, &[u32])> = vec![
            (vec![], &[6, 5, 4, 3, 2, 1]),
            (vec![("ascending", "true")], &[1, 2, 3, 4, 5, 6]),
            (vec![("limit", "2")], &[6, 5]),
            (vec![("limit", "0")], &[6, 5, 4, 3, 2, 1]),
            (vec![("verb", &attempted)], &[3, 1]),
            (vec![("activity", COURSE)], &[3, 2, 1]),
            (vec![("activity", parent)], &[]),
            (vec![("activity", parent), ("related_activities", "true")], &[3]),
            (vec![("activity", "https://lms.example/sub"), ("related_activities", "true")], &[5]),
            (vec![("agent", rivera)], &[4, 3, 1]),
            (vec![("agent", "{\"mbox\":\"mailto:M.Rivera@EXAMPLE.org\",\"name\":\"anything\"}")], &[4, 3, 1]),
            (vec![("agent", "{\"account\":{\"homePage\":\"https://lms.example\",\"name\":\"4711\"}}")], &[2]),
            (vec![("agent", "{\"mbox\":\"mailto:i@x.example\"}")], &[]),
            (vec![("agent", "{\"mbox\":\"mailto:i@x.example\"}"), ("related_agents", "true")], &[3]),
            (vec![("agent", "{\"mbox\":\"mailto:sub@x.example\"}"), ("related_agents", "true")], &[5]),
            (vec![("agent", &authority), ("related_agents", "true")], &[6, 5, 4, 3, 2, 1]),
            (vec![("registration", "0199C1F0-0000-7000-8000-000000000007")], &[3]),
            (vec![("agent", rivera), ("verb", &attempted), ("activity", COURSE)], &[3, 1]),
            (vec![("agent", rivera), ("verb", &attempted), ("registration", "0199c1f0-0000-7000-8000-000000000007")], &[3]),
            (vec![("agent", rivera), ("verb", "http://adlnet.gov/expapi/verbs/answered")], &[]),
        ];
        for (pairs, numbers) in cases {
            assert_eq!(found(&client, &query(&pairs)).await, ids(numbers), "{pairs:?}");
        }
        // Each was stored a microsecond after the one before, since the clock stands still.
        let third = client.get(&format!("{PATH}?statementId={}", id(3))).await.expect(200)["stored"].as_str().unwrap().to_owned();
        assert_eq!(found(&client, &query(&[("since", &third)])).await, ids(&[6, 5, 4]));
        assert_eq!(found(&client, &query(&[("until", &third)])).await, ids(&[3, 2, 1]));
    }

    async fn more_leads_from_page_to_page(app: TestApp) {
        let client = lms(&app, "lms");
        fill(&client).await;
        let mut path = format!("{PATH}?limit=2&format=ids");
        let mut seen = Vec::new();
        while !path.is_empty() {
            let body = client.get(&path).await.expect(200);
            seen.extend(body["statements"].as_array().unwrap().iter().map(|statement| statement["id"].as_str().unwrap().to_owned()));
            body["more"].as_str().unwrap().clone_into(&mut path);
            // What comes meanwhile moves nothing.
            let number = 100 + u32::try_from(seen.len()).unwrap();
            assert_eq!(put(&client, &statement(number, "attempted")).await.status, 204);
        }
        assert_eq!(seen, ids(&[6, 5, 4, 3, 2, 1]));
        let oldest = client.get(&format!("{PATH}?limit=4&ascending=true")).await.expect(200);
        let rest = client.get(oldest["more"].as_str().unwrap()).await.expect(200);
        assert_eq!(rest["statements"].as_array().unwrap().len(), 4);
        assert_eq!(rest["statements"][1]["id"], id(6));
        let more = client.get(&format!("{PATH}?limit=2")).await.expect(200)["more"].as_str().unwrap().to_owned();
        let other = more.replace("limit=2", "limit=3");
        client.get(&other).await.expect(200);
        assert_eq!(client.get(&format!("{more}&ascending=true")).await.problem(400, "invalid-parameter"), ["/page invalid_cursor"]);
        assert_eq!(client.get(&format!("{PATH}?page=nonsense")).await.problem(400, "invalid-parameter"), ["/page invalid_cursor"]);
        lms(&app, "another").get(&more).await.expect(200);
        assert_eq!(lms(&app, "another").get(&more).await.json()["statements"], json!([]));
    }

    async fn who_is_about_a_statement_is_found_with_it(app: TestApp) {
        let client = lms(&app, "lms");
        fill(&client).await;
        let about = with(with(statement(7, "commented"), "/object", json!({"objectType": "StatementRef", "id": id(6)})), "/actor/mbox", json!("mailto:c@x.example"));
        assert_eq!(put(&client, &about).await.status, 204);
        let answered = verb("answered");
        assert_eq!(found(&client, &query(&[("verb", &answered)])).await, ids(&[7, 6]));
        // Its own verb and the other's agent are not of one statement.
        assert_eq!(found(&client, &query(&[("verb", &verb("commented")), ("agent", "{\"mbox\":\"mailto:b@x.example\"}")])).await, [""; 0]);
        assert_eq!(put(&client, &void(8, &id(6))).await.status, 204);
        assert_eq!(found(&client, &query(&[("verb", &answered)])).await, ids(&[8, 7]));
        // Who is about one that is about it is found, too, and about that one, and so on; a circle has no end, and an answer.
        for (number, of) in [(9, 7), (10, 9), (11, 12), (12, 11)] {
            let about = with(statement(number, "commented"), "/object", json!({"objectType": "StatementRef", "id": id(of)}));
            assert_eq!(put(&client, &about).await.status, 204);
        }
        assert_eq!(found(&client, &query(&[("verb", &answered)])).await, ids(&[10, 9, 8, 7]));
        assert_eq!(found(&client, &query(&[("verb", &verb("commented")), ("limit", "2")])).await, ids(&[12, 11]));
        assert_eq!(found(&lms(&app, "another"), &query(&[("verb", &answered)])).await, [""; 0]);
    }

    async fn what_goes_not_together_is_refused(app: TestApp) {
        let client = lms(&app, "lms");
        fill(&client).await;
        let (one, other) = (id(1), id(2));
        let refusals: Vec<(Vec<(&str, &str)>, &str)> = vec![
            (vec![("statementId", &one), ("voidedStatementId", &other)], "/voidedStatementId exactly_one"),
            (vec![("statementId", &one), ("verb", "x:y")], "/verb not_allowed"),
            (vec![("voidedStatementId", &one), ("limit", "1")], "/limit not_allowed"),
            (vec![("statementId", &one), ("ascending", "true")], "/ascending not_allowed"),
            (vec![("statementid", &one)], "/statementid unknown_field"),
            (vec![("statementId", "7")], "/statementId invalid_id"),
            (vec![("agent", "mailto:a@x.example")], "/agent invalid_json"),
            (vec![("agent", "{\"mbox\":\"a@x.example\"}")], "/agent/mbox invalid_mbox"),
            (vec![("agent", "{\"objectType\":\"Group\",\"member\":[]}")], "/agent exactly_one"),
            (vec![("verb", "completed")], "/verb invalid_iri"),
            (vec![("activity", "")], "/activity invalid_iri"),
            (vec![("registration", "7")], "/registration invalid_id"),
            (vec![("since", "2026-03-06T10:00:00")], "/since offset_required"),
            (vec![("until", "yesterday")], "/until invalid_instant"),
            (vec![("limit", "-1")], "/limit invalid_limit"),
            (vec![("limit", "ten")], "/limit invalid_limit"),
            (vec![("format", "full")], "/format invalid_format"),
            (vec![("attachments", "1")], "/attachments invalid_flag"),
            (vec![("related_agents", "yes")], "/related_agents invalid_flag"),
        ];
        for (pairs, fault) in refusals {
            assert_eq!(client.get(&format!("{PATH}?{}", query(&pairs))).await.problem(400, "invalid-parameter"), [fault], "{pairs:?}");
        }
        client.get(&format!("{PATH}?statementId={one}&format=ids&attachments=false")).await.expect(200);
    }

    async fn a_statement_is_answered_in_each_form(app: TestApp) {
        let client = lms(&app, "lms");
        let mut sent = with(statement(1, "experienced"), "/verb/display", json!({"en-US": "experienced", "es": "experimentó"}));
        sent = with(sent, "/object/definition", json!({"name": {"es": "Curso", "en": "Course"}}));
        sent = with(sent, "/actor/name", json!("Maria"));
        assert_eq!(put(&client, &sent).await.status, 204);
        let path = |format: &str| format!("{PATH}?statementId={}&format={format}", id(1));
        let ids = client.get(&path("ids")).await.expect(200);
        assert_eq!((&ids["actor"], &ids["verb"], &ids["object"]), (&json!({"mbox": "mailto:m.rivera@example.org"}), &json!({"id": verb("experienced")}), &json!({"id": COURSE})));
        let exact = client.get(&path("exact")).await.expect(200);
        assert_eq!((&exact["actor"], &exact["verb"], &exact["object"]), (&sent["actor"], &sent["verb"], &sent["object"]));
        let spanish = client.request(reqwest::Method::GET, &path("canonical")).header("accept-language", "de;q=0.9, es-MX");
        let canonical: Value = client.send(spanish).await.expect(200);
        assert_eq!((&canonical["verb"]["display"], &canonical["object"]["definition"]["name"]), (&json!({"es": "experimentó"}), &json!({"es": "Curso"})));
        let multipart = client.get(&format!("{PATH}?attachments=true")).await;
        assert_eq!(multipart.status, 200);
        let boundary = multipart.header("content-type").strip_prefix("multipart/mixed; boundary=\"").unwrap().trim_end_matches('"');
        let parts: Vec<&str> = multipart.text.split(&format!("--{boundary}")).collect();
        assert_eq!((parts.len(), parts[0], parts[2]), (3, "", "--\r\n"));
        let json: Value = serde_json::from_str(parts[1].strip_prefix("\r\nContent-Type: application/json\r\n\r\n").unwrap()).unwrap();
        assert_eq!(json, client.get(PATH).await.expect(200));
    }
}
