//! Completions by CSV, and the mappings that clients keep for their files.

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, Reply, TestApp};

const BATCH: &str = "/v1/completions/batch";
const BY: &str = "map=officer.badge_number=Star&map=completed_on=Session%20end&set=officer.agency=ori:TX0000001&set=training.code=CIT-40";

async fn lms(app: &TestApp) -> Client {
    app.agency("TX0000001").await;
    app.training("CIT-40").await;
    app.client("lms", "completions:read completions:write mappings:read mappings:write", Some(&["ori:TX0000001"]))
}

async fn send(client: &Client, query: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Reply {
    let request = client.request(Method::POST, &format!("{BATCH}?{query}")).header("content-type", content_type);
    client.send(request.body(body)).await
}

/// `line column pointer code` of each fault of a result.
fn faults(result: &Value) -> Vec<String> {
    let errors = result["problem"]["errors"].as_array().unwrap().iter();
    errors
        .map(|error| {
            format!(
                "{} {} {} {}",
                error["line"],
                error["column"].as_str().unwrap_or("-"),
                error["pointer"].as_str().unwrap(),
                error["code"].as_str().unwrap()
            )
        })
        .collect()
}

/// What is held of the client's records: badge and day.
async fn held(client: &Client) -> Vec<String> {
    let mut held: Vec<String> = client
        .all("/v1/completions?limit=500")
        .await
        .iter()
        .map(|completion| {
            format!("{} {}", completion["officer"]["badge_number"].as_str().unwrap_or("-"), completion["completed_on"].as_str().unwrap())
        })
        .collect();
    held.sort();
    held
}

on_both_databases! {
    async fn a_file_as_it_really_comes_is_read(app: TestApp) {
        let lms = lms(&app).await;
        let text = "Training report;;\r\nfrom 2026-01-01, to 2026-06-30\r\n\r\n\"Star\";Name; Session end \r\n7;\"Rivera\r\nMaria\";3/4/2026 4:00 PM\r\n;;\r\n8;Jos\u{e9};12/31/2025\r\nTotal;2;\r\nprinted by;me;\r\n";
        let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(text);
        let query = format!("{BY}&map=officer.family_name=Name&date_format=mdy&footer=Total");
        let answer = send(&lms, &format!("{query}&encoding=windows-1252"), "text/csv", windows.to_vec()).await.expect(207);
        // The break within a cell is no name.
        assert_eq!(faults(&answer["results"][0]), ["5 Name /officer/family_name invalid_text"]);
        assert_eq!((&answer["results"][1]["line"], &answer["results"][1]["outcome"], &answer["summary"]["received"]), (&json!(8), &json!("parked"), &json!(2)));
        assert_eq!(held(&lms).await, ["8 2025-12-31"]);
        assert_eq!(lms.all("/v1/completions").await[0]["officer"]["family_name"], "José");
        // The same in other clothes is the same record.
        let unmarked = text.replace("\r\n", "\n").replace(';', "\t");
        let mut utf16: Vec<u8> = vec![0xFF, 0xFE];
        utf16.extend(unmarked.encode_utf16().flat_map(u16::to_le_bytes));
        for (content_type, body) in [
            ("text/csv; charset=windows-1252", windows.to_vec()),
            ("text/csv", format!("\u{feff}{text}").into_bytes()),
            ("text/csv", unmarked.clone().into_bytes()),
            ("text/csv; charset=windows-1252", utf16),
        ] {
            let again = send(&lms, &query, content_type, body).await.expect(207);
            assert_eq!(again["summary"]["unchanged"], 1, "{again}");
        }
        assert_eq!(held(&lms).await.len(), 1);
        // Without its encoding, it is refused and not guessed.
        let unnamed = send(&lms, &query, "text/csv", windows.to_vec()).await.expect(207);
        assert_eq!(faults(&unnamed["results"][1]), ["8 Name /officer/family_name not_utf8"]);
    }

    async fn a_date_that_may_be_two_is_refused_and_each_fault_names_line_and_column(app: TestApp) {
        let lms = lms(&app).await;
        let text = "Star,Session end,hours,expires_on\n7,03/04/2026,40,\n8,2026-02-30,x,\n,2026-03-04,40,\n9,2026-03-04,40,2026-03-04\n10,2026-03-04\n11,2026-03-04,,\n";
        let answer = send(&lms, BY, "text/csv", text).await.expect(207);
        let told: Vec<Vec<String>> = (0..5).map(|at| faults(&answer["results"][at])).collect();
        assert_eq!(told, [
            vec!["2 Session end /completed_on ambiguous_date".to_owned()],
            vec!["3 Session end /completed_on not_a_date".to_owned(), "3 hours /hours not_a_number".to_owned()],
            vec!["4 - /officer insufficient_reference".to_owned()],
            vec!["5 expires_on /expires_on expires_before_completion".to_owned()],
            vec!["6 -  wrong_width".to_owned()],
        ]);
        assert_eq!((&answer["results"][5]["line"], &answer["results"][5]["outcome"]), (&json!(7), &json!("parked")));
        let days = |format: &'static str| {
            let lms = lms.clone();
            async move { send(&lms, &format!("{BY}&date_format={format}"), "text/csv", "Star,Session end\n7,03/04/2026\n").await.expect(207)["summary"]["parked"].clone() }
        };
        assert_eq!((days("mdy").await, days("dmy").await), (json!(1), json!(1)));
        assert_eq!(held(&lms).await, ["11 2026-03-04", "7 2026-03-04", "7 2026-04-03"]);
    }

    async fn what_does_not_fit_the_file_is_a_problem_before_anything_is_taken(app: TestApp) {
        let lms = lms(&app).await;
        let text = "Star,Day\n7,2026-03-04\n";
        let refused = send(&lms, BY, "text/csv", text).await;
        assert_eq!(refused.problem(422, "invalid-content"), [" invalid_csv"]);
        assert!(refused.json()["errors"][0]["detail"].as_str().unwrap().contains("no column \"Session end\"; its columns are Star, Day"), "{}", refused.text);
        assert_eq!(send(&lms, "", "text/csv", "").await.problem(422, "invalid-content"), [" invalid_csv"]);
        for (query, fault) in [
            ("map=nonsense=Star", "/map/0 unknown_field"),
            ("map=Star", "/map/0 invalid_pair"),
            ("set=hours=1&set=x=1", "/set/1 unknown_field"),
            ("date_format=us", "/date_format invalid_date_format"),
            ("delimiter=%7C", "/delimiter invalid_delimiter"),
            ("encoding=ebcdic", "/encoding unknown_encoding"),
            ("mapping=0199c1f0-0000-7000-8000-00000000dead", "/mapping unknown_mapping"),
            ("footer=a&footer=b", "/footer repeated"),
            ("nonsense=1", "/nonsense unknown_field"),
        ] {
            assert_eq!(send(&lms, query, "text/csv", text).await.problem(400, "invalid-parameter"), [fault], "{query}");
        }
        assert_eq!(held(&lms).await, [""; 0]);
    }

    async fn a_mapping_that_is_kept_reads_a_file_and_the_query_is_stronger(app: TestApp) {
        let lms = lms(&app).await;
        let mapping = json!({"name": "nightly", "kind": "completions", "map": [{"field": "officer.badge_number", "column": "Star"}, {"field": "completed_on", "column": "End"}],
            "set": [{"field": "officer.agency", "value": "TX0000001"}, {"field": "training.code", "value": "CIT-40"}], "delimiter": "semicolon", "encoding": "windows-1252", "date_format": "mdy", "footer": "Total"});
        let created = lms.post("/v1/csv-mappings", &mapping).await;
        let id = created.expect(201)["id"].as_str().unwrap().to_owned();
        let text = "Star;End\n7;3/4/2026\nTotal;1\n";
        let answer = send(&lms, &format!("mapping={id}"), "text/csv", text).await.expect(207);
        assert_eq!((&answer["summary"]["received"], &answer["summary"]["parked"]), (&json!(1), &json!(1)));
        let answer = send(&lms, &format!("mapping={id}&date_format=dmy&set=hours=8"), "text/csv", text).await.expect(207);
        assert_eq!(answer["summary"]["parked"], 1);
        assert_eq!(held(&lms).await, ["7 2026-03-04", "7 2026-04-03"]);

        // It is the client's own, and for its kind.
        let other = app.client("other", "all", Some(&["ori:TX0000001"]));
        assert_eq!(send(&other, &format!("mapping={id}"), "text/csv", text).await.problem(400, "invalid-parameter"), ["/mapping unknown_mapping"]);
        other.get(&format!("/v1/csv-mappings/{id}")).await.problem(404, "not-found");
        assert_eq!(other.all("/v1/csv-mappings").await, [Value::Null; 0]);
        let request = other.request(Method::PUT, &format!("/v1/agencies/ori:TX0000001/roster?as_of=2026-01-01&mapping={id}")).header("content-type", "text/csv");
        assert_eq!(other.send(request.body(text)).await.problem(400, "invalid-parameter"), ["/mapping unknown_mapping"]);

        // Like every resource: a tag, a guard, faults by their place, and gone.
        let held = lms.get(&format!("/v1/csv-mappings/{id}")).await;
        assert_eq!(held.json(), created.json());
        let changed = json!({"name": "nightly", "kind": "completions"});
        let path = format!("/v1/csv-mappings/{id}");
        let put = |tag: &str| lms.request(Method::PUT, &path).header("if-match", tag.to_owned()).json(&changed);
        lms.send(put("\"other\"")).await.problem(412, "precondition-failed");
        let now = lms.send(put(held.header("etag"))).await.expect(200);
        assert_eq!((&now["map"], &now["date_format"], &now["delimiter"]), (&json!([]), &json!("iso"), &Value::Null));
        let bad = json!({"name": "x", "kind": "roster", "map": [{"field": "completed_on", "column": "a"}, {"field": "rank", "column": "b"}], "set": [{"field": "rank", "value": "c"}], "encoding": "ebcdic"});
        assert_eq!(lms.post("/v1/csv-mappings", &bad).await.problem(422, "invalid-content"), ["/map/0/field unknown_field", "/set/0/field repeated", "/encoding unknown_encoding"]);
        assert_eq!(lms.delete(&path).await.status, 204);
        lms.get(&path).await.problem(404, "not-found");
        assert_eq!(send(&lms, &format!("mapping={id}"), "text/csv", text).await.problem(400, "invalid-parameter"), ["/mapping unknown_mapping"]);
    }
}
