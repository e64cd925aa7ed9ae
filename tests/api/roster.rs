//! `/v1/agencies/{agency}/roster`

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, TestApp};

const ROSTER: &str = "/v1/agencies/ori:TX0000001/roster";

fn entry(family_name: &str, given_name: &str, badge: Option<&str>) -> Value {
    json!({"family_name": family_name, "given_name": given_name, "badge_number": badge, "sworn": true, "started_on": "2015-06-01"})
}

fn with(mut entry: Value, name: &str, value: Value) -> Value {
    entry[name] = value;
    entry
}

fn roster(as_of: &str, officers: &[Value]) -> Value {
    json!({"as_of": as_of, "officers": officers})
}

async fn rms(app: &TestApp) -> Client {
    app.agency("TX0000001").await;
    app.client("rms", "officers:read officers:write", Some(&["ori:TX0000001"]))
}

fn outcomes(answer: &Value) -> Vec<String> {
    answer["results"].as_array().unwrap().iter().map(|result| result["outcome"].as_str().unwrap().to_owned()).collect()
}

async fn people(client: &Client, as_of: &str) -> Vec<String> {
    let mut names: Vec<String> = client
        .all(&format!("{ROSTER}?as_of={as_of}"))
        .await
        .iter()
        .map(|officer| {
            let appointment = &officer["appointments"][0];
            format!("{} {} {}", officer["family_name"].as_str().unwrap(), appointment["badge_number"], appointment["ended_on"])
        })
        .collect();
    names.sort();
    names
}

on_both_databases! {
    async fn a_roster_creates_and_again_changes_nothing(app: TestApp) {
        let rms = rms(&app).await;
        // Two of them are told apart by nothing, and are two people.
        let all = [entry("Rivera", "Maria", Some("88")), entry("Smith", "John", None), entry("Smith", "John", None)];
        let body = roster("2026-01-01", &all);
        let dry = rms.put(&format!("{ROSTER}?dry_run=true"), &body).await.expect(200);
        assert_eq!(dry["summary"], json!({"received": 3, "created": 3, "updated": 0, "unchanged": 0, "ended": 0, "rejected": 0, "dry_run": true, "shrinks": false}));
        assert_eq!(dry["results"][0], json!({"index": 0, "outcome": "created"}));
        assert_eq!(people(&rms, "2026-01-01").await.len(), 0);

        let first = rms.put(ROSTER, &body).await.expect(200);
        assert_eq!(first["summary"], json!({"received": 3, "created": 3, "updated": 0, "unchanged": 0, "ended": 0, "rejected": 0, "dry_run": false, "shrinks": false}));
        assert_eq!(people(&rms, "2026-01-01").await, ["Rivera \"88\" null", "Smith null null", "Smith null null"]);
        assert_eq!(people(&rms, "2015-05-31").await.len(), 0);
        let officer = rms.get(&format!("/v1/officers/{}", first["results"][0]["officer_id"].as_str().unwrap())).await.expect(200);
        assert_eq!((&officer["appointments"][0]["employment"], &officer["identifiers"]), (&json!("full_time"), &json!([])));

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let again = rms.put(ROSTER, &body).await.expect(200);
        assert_eq!(outcomes(&again), ["unchanged"; 3]);
        let ids = |answer: &Value| -> Vec<Value> { answer["results"].as_array().unwrap().iter().map(|result| result["officer_id"].clone()).collect() };
        assert_eq!(ids(&again), ids(&first));
        assert_eq!(rms.get(&format!("/v1/officers/{}", officer["id"].as_str().unwrap())).await.expect(200), officer);

        let minimal = rms.request(reqwest::Method::PUT, ROSTER).header("prefer", "return=minimal").json(&body);
        assert_eq!(rms.send(minimal).await.expect(200)["results"], json!([]));
    }

    async fn a_roster_updates_ends_and_takes_back(app: TestApp) {
        let rms = rms(&app).await;
        let key = json!([{"system": "hr", "value": "7"}]);
        let jones = with(entry("Jones", "Ann", Some("7")), "identifiers", key.clone());
        let start = [entry("Rivera", "Maria", Some("88")), entry("Smith", "John", Some("12")), jones.clone(), entry("Brown", "Al", None)];
        rms.put(ROSTER, &roster("2026-01-01", &start)).await.expect(200);
        let future = with(entry("Young", "Bo", None), "started_on", json!("2027-01-01"));
        let changed = [
            with(with(entry("Rivera", "Maria", Some("99")), "rank", json!("Sergeant")), "email", json!("rivera@example.org")),
            entry("Smith", "John", Some("12")),
            with(entry("Brown", "Al", None), "employment", json!("part_time")),
            future.clone(),
        ];
        let answer = rms.put(ROSTER, &roster("2026-03-01", &changed)).await.expect(200);
        assert_eq!(outcomes(&answer), ["updated", "unchanged", "updated", "created"]);
        assert_eq!(answer["results"][0]["changes"], json!(["email", "badge_number", "rank"]));
        assert_eq!(answer["results"][2]["changes"], json!(["employment"]));
        assert_eq!(answer["ended"], json!([{"officer_id": answer["ended"][0]["officer_id"], "appointment_id": answer["ended"][0]["appointment_id"],
            "family_name": "Jones", "given_name": "Ann"}]));
        assert_eq!(people(&rms, "2026-02-28").await.len(), 4);
        assert_eq!(people(&rms, "2026-03-01").await, ["Brown null null", "Rivera \"99\" null", "Smith \"12\" null"]);

        // The former badge is found on the days on which it was borne.
        let staff = app.staff();
        for (badge, day, found) in [("88", "2026-02-28", true), ("88", "2026-03-01", false), ("99", "2026-02-28", false), ("99", "2026-03-01", true), ("7", "2026-02-28", true), ("7", "2026-03-01", false)] {
            let record = json!({"external_id": format!("{badge} {day}"), "officer": {"agency": "ori:TX0000001", "badge_number": badge},
                "training": {"code": "none"}, "completed_on": day});
            assert_eq!(staff.post("/v1/completions", &record).await.expect(202)["reason"] != "no_match", found, "{badge} {day}");
        }

        // An address that the roster leaves out stays; a rehire is the same officer; who hadn't begun never was.
        let rehired = with(with(jones, "started_on", json!("2026-05-01")), "badge_number", json!("70"));
        let third = [with(entry("Rivera", "Maria", Some("99")), "rank", json!("Sergeant")), entry("Smith", "John", Some("12")),
            with(entry("Brown", "Al", None), "employment", json!("part_time")), rehired];
        let back = rms.put(ROSTER, &roster("2026-05-01", &third)).await.expect(200);
        assert_eq!(outcomes(&back), ["unchanged", "unchanged", "unchanged", "updated"]);
        assert_eq!(back["results"][3]["officer_id"], answer["ended"][0]["officer_id"]);
        assert_eq!(back["results"][3]["changes"], json!(["appointment"]));
        assert_eq!(back["ended"][0]["family_name"], "Young");
        let jones = rms.get(&format!("/v1/officers/{}", answer["ended"][0]["officer_id"].as_str().unwrap())).await.expect(200);
        let spells: Vec<Value> = jones["appointments"].as_array().unwrap().iter().map(|a| json!([a["started_on"], a["ended_on"]])).collect();
        assert_eq!(spells, [json!(["2015-06-01", "2026-03-01"]), json!(["2026-05-01", null])]);
        let young = rms.get(&format!("/v1/officers/{}", back["ended"][0]["officer_id"].as_str().unwrap())).await.expect(200);
        assert_eq!(young["appointments"][0]["ended_on"], "2027-01-01");
        assert_eq!(outcomes(&rms.put(ROSTER, &roster("2026-05-01", &third)).await.expect(200)), ["unchanged"; 4]);
    }

    async fn a_roster_that_ends_more_than_half_asks_first(app: TestApp) {
        let rms = rms(&app).await;
        let all: Vec<Value> = (0..4).map(|n| entry(&format!("Name{n}x"), "Ann", None)).collect();
        rms.put(ROSTER, &roster("2026-01-01", &all)).await.expect(200);
        assert_eq!(rms.put(ROSTER, &roster("2026-02-01", &all[..1])).await.problem(409, "conflict"), [" roster_shrinks"]);
        assert_eq!(rms.put(ROSTER, &roster("2026-02-01", &[])).await.problem(409, "conflict"), [" roster_shrinks"]);
        assert_eq!(people(&rms, "2026-02-01").await.len(), 4);
        let dry = rms.put(&format!("{ROSTER}?dry_run=true"), &roster("2026-02-01", &all[..1])).await.expect(200);
        assert_eq!((&dry["summary"]["ended"], &dry["summary"]["shrinks"]), (&json!(3), &json!(true)));
        assert_eq!(rms.put(ROSTER, &roster("2026-02-01", &all[..2])).await.expect(200)["summary"]["ended"], 2);
        assert_eq!(rms.put(&format!("{ROSTER}?allow_shrink=true"), &roster("2026-03-01", &[])).await.expect(200)["summary"]["ended"], 2);
        assert_eq!(people(&rms, "2026-03-01").await.len(), 0);
    }

    async fn who_may_be_meant_by_a_rejected_entry_is_not_ended(app: TestApp) {
        let rms = rms(&app).await;
        let start = [entry("Rivera", "Maria", Some("88")), with(entry("Smith", "John", Some("1")), "rank", json!("Sergeant")), entry("Smith", "John", Some("2")),
            entry("Brown", "Al", None), entry("Young", "Bo", None)];
        rms.put(ROSTER, &roster("2026-01-01", &start)).await.expect(200);
        // Other names under Rivera's badge since her first day; a Smith without a badge, who may be either.
        let next = [entry("Lopez", "Ana", Some("88")), entry("Smith", "John", None), entry("Young", "Bo", None)];
        let answer = rms.put(ROSTER, &roster("2026-02-01", &next)).await.expect(200);
        assert_eq!(outcomes(&answer), ["rejected", "rejected", "unchanged"]);
        let problem = |index: usize| answer["results"][index]["problem"]["errors"][0].clone();
        assert_eq!((&problem(0)["pointer"], &problem(0)["code"]), (&json!("/officers/0"), &json!("conflict")));
        assert_eq!((&problem(1)["pointer"], &problem(1)["code"]), (&json!("/officers/1"), &json!("ambiguous")));
        let ended: Vec<&Value> = answer["ended"].as_array().unwrap().iter().map(|ended| &ended["family_name"]).collect();
        assert_eq!(ended, ["Brown"]);
        assert_eq!(people(&rms, "2026-02-01").await.len(), 4);
    }

    async fn an_entry_that_would_overlap_a_spell_that_is_over_is_rejected_and_ends_nobody(app: TestApp) {
        let rms = rms(&app).await;
        let key = json!([{"system": "hr", "value": "7"}]);
        let spell = |start: &str, end: Value| json!({"agency": "ori:TX0000001", "sworn": true, "started_on": start, "ended_on": end});
        let body = json!({"given_name": "Ann", "family_name": "Jones", "identifiers": key,
            "appointments": [spell("2015-06-01", json!("2020-01-01")), spell("2021-01-01", json!(null))]});
        let jones = rms.post("/v1/officers", &body).await.expect(201);
        let answer = rms.put(ROSTER, &roster("2026-01-01", &[with(entry("Jones", "Ann", None), "identifiers", key)])).await.expect(200);
        assert_eq!(answer["results"][0]["problem"]["errors"][0]["code"], "overlapping_appointment");
        assert_eq!(answer["ended"], json!([]));
        assert_eq!(rms.get(&format!("/v1/officers/{}", jones["id"].as_str().unwrap())).await.expect(200), jones);
    }

    async fn a_faulty_entry_refuses_the_whole_roster(app: TestApp) {
        let rms = rms(&app).await;
        rms.put(ROSTER, &roster("2026-01-01", &[entry("Rivera", "Maria", Some("88"))])).await.expect(200);
        let bad = [
            entry("Rivera", "Maria", Some("89")),
            json!({"family_name": "Smith", "given_name": "John", "sworn": "yes", "started_on": "2019-02-29"}),
            with(entry("Brown", "Al", None), "ended_on", json!("2015-05-31")),
            json!([]),
            with(entry("Young", "Bo", None), "ssn", json!("123-45-6789")),
            with(entry("Young", "Bo", None), "identifiers", json!([{"system": "ssn", "value": "1"}])),
        ];
        assert_eq!(rms.put(ROSTER, &roster("2026-02-01", &bad)).await.problem(422, "invalid-content"), ["/officers/1/sworn wrong_type",
            "/officers/1/started_on invalid_date", "/officers/2/ended_on ends_before_start", "/officers/3 wrong_type", "/officers/4/ssn unknown_field",
            "/officers/5/identifiers/0 forbidden_identifier"]);
        assert_eq!(people(&rms, "2026-02-01").await, ["Rivera \"88\" null"]);
        assert_eq!(rms.put(ROSTER, &json!({"officers": {}})).await.problem(422, "invalid-content"), ["/officers wrong_type", "/as_of required"]);
        assert_eq!(rms.put(&format!("{ROSTER}?dry_run=yes"), &roster("2026-02-01", &[])).await.problem(400, "invalid-parameter"), ["/dry_run invalid_flag"]);
        let many = roster("2026-02-01", &vec![json!({}); 100_001]);
        rms.put(ROSTER, &many).await.problem(413, "content-too-large");
        let other = app.agency("TX0000002").await;
        rms.put(&format!("/v1/agencies/{other}/roster"), &roster("2026-02-01", &[])).await.problem(404, "not-found");
        rms.get(&format!("/v1/agencies/{other}/roster")).await.problem(404, "not-found");
    }

    async fn a_roster_joins_who_is_known_elsewhere_and_parks_who_is_not(app: TestApp) {
        let rms = rms(&app).await;
        app.agency("TX0000002").await;
        let elsewhere = app.client("other", "officers:read officers:write", Some(&["ori:TX0000002"]));
        let key = |value: &str| json!([{"system": "post:US-TX", "value": value}]);
        let at_two = |family: &str, value: &str| json!({"given_name": "Maria", "family_name": family, "identifiers": key(value),
            "appointments": [{"agency": "ori:TX0000002", "sworn": true, "started_on": "2010-01-01"}]});
        let rivera = elsewhere.post("/v1/officers", &at_two("Rivera", "1")).await.expect(201);
        let lopez = elsewhere.post("/v1/officers", &at_two("Lopez", "2")).await.expect(201);
        let body = roster("2026-01-01", &[with(entry("RIVERA", "María", None), "identifiers", key("1")), with(entry("Smith", "Maria", None), "identifiers", key("2"))]);
        let answer = rms.put(ROSTER, &body).await.expect(200);
        assert_eq!(outcomes(&answer), ["created", "created"]);
        for result in answer["results"].as_array().unwrap() {
            assert!(result["officer_id"].as_str() > lopez["id"].as_str() && result["officer_id"].as_str() > rivera["id"].as_str(), "a new id");
        }
        let seen = rms.all(ROSTER).await;
        let names: Vec<_> = seen.iter().map(|officer| (officer["family_name"].as_str().unwrap(), &officer["identifiers"])).collect();
        assert_eq!(names, [("RIVERA", &key("1")), ("Smith", &key("2"))]);
        let statuses: Vec<Value> = app.staff().all("/v1/officer-joins").await.iter().map(|join| join["status"].clone()).collect();
        assert_eq!(statuses, ["joined", "parked"]);
        assert_eq!(outcomes(&rms.put(ROSTER, &body).await.expect(200)), ["unchanged", "unchanged"]);
        assert_eq!(app.staff().all("/v1/officer-joins").await.len(), 2);
        assert_eq!(elsewhere.get(&format!("/v1/officers/{}", rivera["id"].as_str().unwrap())).await.expect(200), rivera);
    }

    async fn a_roster_by_lines_and_by_columns_is_the_same_roster(app: TestApp) {
        let rms = rms(&app).await;
        let put = |query: &str, content_type: &'static str, body: String| rms.request(reqwest::Method::PUT, &format!("{ROSTER}?{query}")).header("content-type", content_type).body(body);
        let jones = with(entry("Jones", "Ann", Some("7")), "identifiers", json!([{"system": "hr", "value": "9"}]));
        let lines = format!("{}\n\n{jones}\n", entry("Rivera", "Maria", Some("88")));
        let created = rms.send(put("as_of=2026-01-01", "application/x-ndjson", lines.clone())).await.expect(200);
        assert_eq!(outcomes(&created), ["created", "created"]);
        let text = "Personnel\n\nLast;First;Star;Since;HR\nRivera;Maria;88;6/1/2015;\nJones;Ann;7;6/1/2015;9\nEnd of list\n";
        let by = "as_of=2026-02-01&map=family_name=Last&map=given_name=First&map=badge_number=Star&map=started_on=Since&map=identifiers.hr=HR&set=sworn=yes&date_format=mdy&footer=End";
        let again = rms.send(put(by, "text/csv", text.to_owned())).await.expect(200);
        assert_eq!(outcomes(&again), ["unchanged", "unchanged"]);
        assert_eq!(people(&rms, "2026-02-01").await, ["Jones \"7\" null", "Rivera \"88\" null"]);

        // A faulty row refuses the whole, and says where it stands.
        let bad = rms.send(put(by, "text/csv", text.replace("Jones;Ann;7;6/1/2015", "Jones;;7;13/1/2015"))).await;
        assert_eq!(bad.problem(422, "invalid-content"), ["/officers/1/given_name required", "/officers/1/started_on not_a_date"]);
        let errors = bad.json()["errors"].clone();
        assert_eq!((&errors[0]["line"], &errors[0]["column"], &errors[1]["column"]), (&json!(5), &json!("First"), &json!("Since")));
        let bad = rms.send(put("as_of=2026-02-01", "application/x-ndjson", format!("{lines}{{\n"))).await;
        assert_eq!((bad.problem(422, "invalid-content"), &bad.json()["errors"][0]["line"]), (vec!["/officers/2 malformed_json".to_owned()], &json!(4)));
        assert_eq!(rms.send(put("", "application/x-ndjson", lines.clone())).await.problem(400, "invalid-parameter"), ["/as_of required"]);
        assert_eq!(rms.put(&format!("{ROSTER}?as_of=2026-01-01"), &roster("2026-01-01", &[])).await.problem(400, "invalid-parameter"), ["/as_of in_the_body"]);
        assert_eq!(rms.put(&format!("{ROSTER}?map=rank=x"), &roster("2026-01-01", &[])).await.problem(400, "invalid-parameter"), ["/map not_csv"]);
        let large = "x".repeat(17 * 1024 * 1024);
        rms.send(put("as_of=2026-02-01", "text/csv", large)).await.problem(413, "content-too-large");
        rms.send(put("as_of=2026-02-01", "application/x-ndjson", lines).header("if-match", "*")).await.problem(412, "precondition-failed");
    }

    async fn changes_alone_leave_everybody_else_as_they_are(app: TestApp) {
        let rms = rms(&app).await;
        app.agency("TX0000002").await;
        let hr = |entry: Value, number: &str| with(entry, "identifiers", json!([{"system": "hr", "value": number}]));
        let all: Vec<Value> = (0..6).map(|n| hr(entry(&format!("Name{n}x"), "Ann", Some(&format!("{n}"))), &n.to_string())).collect();
        rms.put(ROSTER, &roster("2026-01-01", &all)).await.expect(200);
        // One of them serves elsewhere, too.
        let both = app.client("both", "all", Some(&["ori:TX0000001", "ori:TX0000002"]));
        let first = rms.all(ROSTER).await.into_iter().find(|officer| officer["family_name"] == "Name0x").unwrap();
        let elsewhere = json!({"agency": "ori:TX0000002", "sworn": true, "started_on": "2020-01-01"});
        both.post(&format!("/v1/officers/{}/appointments", first["id"].as_str().unwrap()), &elsewhere).await.expect(201);
        let changes = [
            with(all[0].clone(), "ended_on", json!("2026-02-01")),
            with(with(all[1].clone(), "badge_number", json!("99")), "rank", json!("Sergeant")),
            hr(entry("New", "Bo", Some("50")), "50"),
            all[2].clone(),
        ];
        let delta = format!("{ROSTER}?mode=delta");
        let dry = rms.put(&format!("{delta}&dry_run=true"), &roster("2026-02-01", &changes)).await.expect(200);
        assert_eq!(outcomes(&dry), ["updated", "updated", "created", "unchanged"]);
        assert_eq!(people(&rms, "2026-02-01").await.len(), 6);
        let answer = rms.put(&delta, &roster("2026-02-01", &changes)).await.expect(200);
        assert_eq!(outcomes(&answer), ["updated", "updated", "created", "unchanged"]);
        assert_eq!((&answer["results"][0]["changes"], &answer["results"][1]["changes"], &answer["ended"]), (&json!(["ended_on"]), &json!(["badge_number", "rank"]), &json!([])));
        assert_eq!(people(&rms, "2026-02-01").await, ["Name1x \"99\" null", "Name2x \"2\" null", "Name3x \"3\" null", "Name4x \"4\" null", "Name5x \"5\" null", "New \"50\" null"]);
        let spells = both.get(&format!("/v1/officers/{}", first["id"].as_str().unwrap())).await.expect(200)["appointments"].clone();
        let spells: Vec<Value> = spells.as_array().unwrap().iter().map(|spell| json!([spell["agency"]["ori"], spell["ended_on"]])).collect();
        assert_eq!(spells, [json!(["TX0000001", "2026-02-01"]), json!(["TX0000002", null])]);
        // Again it changes nothing; a rehire is the same officer.
        assert_eq!(outcomes(&rms.put(&delta, &roster("2026-02-01", &changes)).await.expect(200)), ["unchanged"; 4]);
        let rehired = with(all[0].clone(), "started_on", json!("2026-03-01"));
        let back = rms.put(&delta, &roster("2026-03-01", &[rehired])).await.expect(200);
        assert_eq!((&back["results"][0]["officer_id"], &back["results"][0]["changes"]), (&first["id"], &json!(["appointment"])));
        // More than half of the agency is not ended by the way.
        let ends: Vec<Value> = all[2..].iter().map(|entry| with(entry.clone(), "ended_on", json!("2026-04-01"))).collect();
        assert_eq!(rms.put(&delta, &roster("2026-04-01", &ends)).await.problem(409, "conflict"), [" roster_shrinks"]);
        rms.put(&format!("{delta}&allow_shrink=true"), &roster("2026-04-01", &ends)).await.expect(200);
        assert_eq!(people(&rms, "2026-04-01").await.len(), 3);
    }

    async fn an_older_roster_does_not_undo_a_later_one(app: TestApp) {
        let rms = rms(&app).await;
        let (one, two) = ([entry("Rivera", "Maria", Some("88"))], [entry("Rivera", "Maria", Some("88")), entry("Smith", "John", Some("12"))]);
        rms.put(ROSTER, &roster("2026-03-01", &two)).await.expect(200);
        for path in [ROSTER.to_owned(), format!("{ROSTER}?mode=delta"), format!("{ROSTER}?dry_run=true")] {
            assert_eq!(rms.put(&path, &roster("2026-02-28", &one)).await.problem(409, "conflict"), [" roster_outdated"], "{path}");
        }
        assert_eq!(people(&rms, "2026-03-01").await.len(), 2);
        // Changes of a later day stand against an older roster, too; one of the same day doesn't.
        let hire = [entry("Young", "Bo", Some("13"))];
        rms.put(&format!("{ROSTER}?mode=delta"), &roster("2026-03-05", &hire)).await.expect(200);
        assert_eq!(rms.put(ROSTER, &roster("2026-03-04", &two)).await.problem(409, "conflict"), [" roster_outdated"]);
        assert_eq!(rms.put(ROSTER, &roster("2026-03-05", &two)).await.expect(200)["summary"]["ended"], 1);
        // Who insists is believed, also about the day that counts from now on.
        rms.put(&format!("{ROSTER}?allow_older=true&allow_shrink=true"), &roster("2026-02-01", &one)).await.expect(200);
        assert_eq!(people(&rms, "2026-03-05").await.len(), 1);
        rms.put(ROSTER, &roster("2026-02-15", &two)).await.expect(200);
        // A day far ahead would make every other an older one.
        assert_eq!(rms.put(ROSTER, &roster("2026-12-23", &two)).await.problem(422, "invalid-content"), ["/as_of too_far_ahead"]);
        rms.put(ROSTER, &roster("2026-12-22", &two)).await.expect(200);
    }

    async fn thousands_of_parked_completions_are_placed_with_the_roster(app: TestApp) {
        let rms = rms(&app).await;
        let training = app.training("CIT-40").await;
        app.staff().put(&format!("/v1/trainings/{training}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
        let lms = app.client("lms", "completions:read completions:write", Some(&["ori:TX0000001"]));
        let records = (0..7000).map(|n| json!({"external_id": n.to_string(), "officer": {"agency": "ori:TX0000001", "badge_number": (n % 3500).to_string()},
            "training": {"code": if n < 3500 { "CIT-40" } else { "unknown" }}, "completed_on": "2026-01-01"}).to_string() + "\n");
        let request = lms.request(reqwest::Method::POST, "/v1/completions/batch").header("content-type", "application/x-ndjson");
        assert_eq!(lms.send(request.body(records.collect::<String>())).await.expect(207)["summary"]["parked"], 7000);
        let officers: Vec<Value> = (0..3400).map(|n| entry(&format!("Name{n}x"), "Ann", Some(&n.to_string()))).collect();
        rms.put(ROSTER, &roster("2026-01-01", &officers)).await.expect(200);
        let (mut placed, mut reasons) = (0, std::collections::BTreeMap::new());
        for completion in lms.all("/v1/completions?limit=500").await {
            if completion["status"] == "placed" {
                placed += 1;
                assert!(completion["officer_id"].is_string() && completion["training_id"] == training.as_str());
            } else {
                *reasons.entry(completion["reason"].as_str().unwrap().to_owned()).or_insert(0) += 1;
            }
        }
        assert_eq!((placed, reasons), (3400, [("no_match".to_owned(), 200), ("unknown_training".to_owned(), 3400)].into()));
    }
}
