//! `/public/…`

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, Reply, TestApp};

/// An agency with a name.
async fn agency(app: &TestApp, ori: &str, name: &str, kind: &str, subdivision: &str) {
    let body = json!({"name": name, "kind": kind, "country": "US", "subdivision": subdivision});
    app.staff().put(&format!("/v1/agencies/ori:{ori}"), &body).await.expect(201);
}

/// A pledge of 24 months; answers its path.
async fn pledge(app: &TestApp, ori: &str, pledged_on: &str, listed: bool) -> String {
    pledge_of(app, &format!("ori:{ori}"), pledged_on, listed).await
}

async fn pledge_of(app: &TestApp, agency: &str, pledged_on: &str, listed: bool) -> String {
    let body = json!({"agency": agency, "standard": "one-mind", "pledged_on": pledged_on, "term_months": 24,
        "signatory": {"name": "Maria Rivera", "title": "Chief of Police"}, "listed_before_certified": listed});
    format!("/v1/pledges/{}", app.staff().post("/v1/pledges", &body).await.expect(201)["id"].as_str().unwrap())
}

/// Gives an agency that pledged all that it needs, and certifies it; answers the path of the certification, and its number.
async fn certify(app: &TestApp, ori: &str) -> (String, String) {
    certify_agency(app, &format!("ori:{ori}")).await
}

async fn certify_agency(app: &TestApp, agency: &str) -> (String, String) {
    let staff = app.staff();
    let partnership = json!({"agency": agency, "organization": {"name": "Hill Country MHDD", "kind": "community_mental_health"}, "agreement": "mou",
        "effective_on": "2025-01-01", "ends_on": null, "document": null});
    staff.post("/v1/partnerships", &partnership).await.expect(201);
    let policy = json!({"agency": agency, "title": "Response to people in crisis", "adopted_on": "2025-01-01", "ends_on": null, "document": null});
    staff.post("/v1/policies", &policy).await.expect(201);
    let appointment = json!({"agency": agency, "sworn": true, "badge_number": "1", "started_on": "2019-05-01"});
    staff.post("/v1/officers", &json!({"given_name": "Ada", "family_name": "Wong", "appointments": [appointment]})).await.expect(201);
    let completion = json!({"external_id": agency, "officer": {"agency": agency, "badge_number": "1"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
    staff.post("/v1/completions", &completion).await.expect(201);
    let applicant = app.client("agency tool", "all", Some(&[agency]));
    let applied = applicant.post("/v1/certifications", &json!({"agency": agency})).await.expect(201);
    let path = format!("/v1/certifications/{}", applied["id"].as_str().unwrap());
    let decide = format!("{path}/decision");
    staff.post(&decide, &json!({"decision": "start_review", "note": null})).await.expect(200);
    let awarded = staff.post(&decide, &json!({"decision": "award", "note": null})).await.expect(200);
    (path, awarded["number"].as_str().unwrap().to_owned())
}

async fn accepting(client: &Client, path: &str, accept: &str) -> Reply {
    client.send(client.request(Method::GET, path).header("accept", accept)).await
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["name"].as_str().unwrap()).collect()
}

/// Travis is certified, Austin and Ñu-Dallas pledged, Waco pledged and is not to be listed, El Paso withdrew, Plano never pledged.
async fn campaign(app: &TestApp) -> (String, String) {
    app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
    agency(app, "TX2270000", "Travis County Sheriff's Office", "sheriff", "US-TX").await;
    agency(app, "TX2270100", "Austin Police Department", "municipal_police", "US-TX").await;
    agency(app, "TX0570100", "Ñu-Dallas Police Department", "municipal_police", "US-TX").await;
    agency(app, "TX1550200", "Waco Police Department", "municipal_police", "US-TX").await;
    agency(app, "TX0710200", "El Paso Police Department", "municipal_police", "US-TX").await;
    agency(app, "TX0430800", "Plano Police Department", "municipal_police", "US-TX").await;
    agency(app, "WA0170100", "Aberdeen Police Department", "municipal_police", "US-WA").await;
    pledge(app, "TX2270000", "2025-02-01", true).await;
    pledge(app, "TX2270100", "2026-01-15", true).await;
    pledge(app, "TX0570100", "2022-05-01", true).await;
    pledge(app, "TX1550200", "2026-02-01", false).await;
    let given_up = pledge(app, "TX0710200", "2026-03-01", true).await;
    app.staff()
        .post(&format!("{given_up}/withdrawal"), &json!({"withdrawn_on": "2026-11-01", "reason": "The council decided otherwise"}))
        .await
        .expect(200);
    pledge(app, "WA0170100", "2027-01-01", true).await;
    certify(app, "TX2270000").await
}

on_both_databases! {
    async fn the_register_shows_who_pledged_and_who_is_certified_and_nobody_else(app: TestApp) {
        let (_, number) = campaign(&app).await;
        let public = app.stranger();
        let reply = public.get("/public/register").await;
        let pledged = |ori: &str, name: &str, from: &str, to: &str| json!({"ori": ori, "name": name, "kind": "municipal_police", "country": "US",
            "subdivision": "US-TX", "stage": "pledged", "standard": "one-mind", "pledged_on": from, "due_on": to, "awarded_on": null, "number": null});
        let austin = pledged("TX2270100", "Austin Police Department", "2026-01-15", "2028-01-15");
        let overdue = pledged("TX0570100", "Ñu-Dallas Police Department", "2022-05-01", "2024-05-01");
        let travis = json!({"ori": "TX2270000", "name": "Travis County Sheriff's Office", "kind": "sheriff", "country": "US", "subdivision": "US-TX",
            "stage": "certified", "standard": "one-mind", "pledged_on": "2025-02-01", "due_on": "2027-02-01", "awarded_on": "2026-11-21", "number": number});
        assert_eq!(reply.expect(200), json!({"items": [austin, travis, overdue], "next_cursor": null}));
        assert_eq!((reply.header("cache-control"), reply.header("content-type")), ("public, max-age=60", "application/json"));
        assert!(reply.header("vary").to_lowercase().contains("accept"));

        // Filters, names as anybody would write them, and pages.
        for (query, expected) in [
            ("stage=certified", vec!["Travis County Sheriff's Office"]),
            ("stage=pledged", vec!["Austin Police Department", "Ñu-Dallas Police Department"]),
            ("kind=sheriff", vec!["Travis County Sheriff's Office"]),
            ("subdivision=US-WA", vec![]),
            ("country=US&subdivision=US-TX&stage=pledged&kind=municipal_police&name=austin", vec!["Austin Police Department"]),
            ("name=NU+dallas", vec!["Ñu-Dallas Police Department"]),
            ("name=pol+depart", vec!["Austin Police Department", "Ñu-Dallas Police Department"]),
            ("name=sheriffs", vec!["Travis County Sheriff's Office"]),
            ("name=olice", vec![]),
        ] {
            assert_eq!(names(&public.all(&format!("/public/register?{query}")).await), expected, "{query}");
        }
        let paged = public.all("/public/register?limit=1").await;
        assert_eq!(paged, [austin, travis, overdue]);
        let searched = public.all("/public/register?limit=1&name=police").await;
        assert_eq!(names(&searched), ["Austin Police Department", "Ñu-Dallas Police Department"]);
        assert_eq!(public.get("/public/register?stage=overdue&name=").await.problem(400, "invalid-parameter").len(), 2);
    }

    async fn whoever_is_certified_is_listed_whatever_the_pledge_says_and_is_no_longer_when_that_is_revoked(app: TestApp) {
        app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
        agency(&app, "TX1550200", "Waco Police Department", "municipal_police", "US-TX").await;
        let path = pledge(&app, "TX1550200", "2026-02-01", false).await;
        let (public, staff) = (app.stranger(), app.staff());
        assert_eq!(staff.get(&path).await.expect(200)["listed_before_certified"], json!(false));
        assert_eq!(public.all("/public/register").await, Vec::<Value>::new());
        public.get("/public/agencies/TX1550200/badge.svg").await.problem(404, "not-found");
        let (certification, number) = certify(&app, "TX1550200").await;
        assert_eq!(public.all("/public/register").await[0]["stage"], json!("certified"));
        let valid = json!({"number": number, "valid": true, "agency": {"ori": "TX1550200", "name": "Waco Police Department"}, "standard": "one-mind",
            "awarded_on": "2026-11-21", "revoked_on": null});
        let checked = public.get(&format!("/public/certificates/{number}")).await;
        assert_eq!(checked.expect(200), valid);
        assert_eq!(public.get(&format!("/public/certificates/{}", number.to_lowercase())).await.expect(200), valid);
        let page = accepting(&public, &format!("/public/certificates/{number}"), "text/html").await;
        assert!(page.text.contains("Waco Police Department") && page.text.contains(">Valid<") && page.text.contains("21 November 2026"), "{}", page.text);

        app.clock.advance(jiff::SignedDuration::from_hours(48));
        staff.post(&format!("{certification}/decision"), &json!({"decision": "revoke", "note": "The roster was made up"})).await.expect(200);
        assert_eq!(public.all("/public/register").await, Vec::<Value>::new());
        let revoked = json!({"number": number, "valid": false, "agency": valid["agency"], "standard": "one-mind",
            "awarded_on": "2026-11-21", "revoked_on": "2026-11-23"});
        let request = public.request(Method::GET, &format!("/public/certificates/{number}")).header("if-none-match", checked.header("etag"));
        assert_eq!(public.send(request).await.expect(200), revoked);
        let page = accepting(&public, &format!("/public/certificates/{number}"), "text/html").await;
        assert!(page.text.contains("was revoked on 23 November 2026"), "{}", page.text);
        staff.patch(&path, &json!({"listed_before_certified": true})).await.expect(200);
        assert_eq!(public.all("/public/register").await[0]["stage"], json!("pledged"));
        for nothing in ["OMC-2026-999999", "OMC-2026-1", "nonsense"] {
            public.get(&format!("/public/certificates/{nothing}")).await.problem(404, "not-found");
        }
    }

    async fn a_certificate_says_what_it_said_when_it_was_awarded(app: TestApp) {
        app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
        agency(&app, "TX1550200", "Waco Police Department", "municipal_police", "US-TX").await;
        let pledge = pledge(&app, "TX1550200", "2026-02-01", true).await;
        let (_, number) = certify(&app, "TX1550200").await;
        let check = format!("/public/certificates/{number}");
        let said = app.stranger().get(&check).await.expect(200);
        let staff = app.staff();
        staff.patch("/v1/agencies/ori:TX1550200", &json!({"name": "McLennan County Police"})).await.expect(200);
        // What the register says of the certificate stays so, too.
        for other in [json!({"standard": "one-mind-2016"}), json!({"pledged_on": "2026-02-02"}), json!({"term_months": 30})] {
            assert_eq!(staff.patch(&pledge, &other).await.problem(409, "conflict"), [" pledge_certified"]);
        }
        staff.patch(&pledge, &json!({"signatory": {"name": "Ana Rivera", "title": "Chief of Police"}})).await.expect(200);
        assert_eq!(app.stranger().get(&check).await.expect(200), said);
        assert_eq!(said["agency"]["name"], "Waco Police Department");
        assert_eq!(app.stranger().all("/public/register").await[0]["name"], "McLennan County Police");
    }

    async fn only_the_latest_pledge_and_the_latest_award_of_an_agency_are_shown(app: TestApp) {
        app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
        agency(&app, "TX1550200", "Waco Police Department", "municipal_police", "US-TX").await;
        pledge(&app, "TX1550200", "2020-02-01", true).await;
        let second = pledge(&app, "TX1550200", "2024-03-01", true).await;
        let public = app.stranger();
        let shown = public.all("/public/register").await;
        assert_eq!((shown.len(), &shown[0]["pledged_on"]), (1, &json!("2024-03-01")));
        app.staff().post(&format!("{second}/withdrawal"), &json!({"withdrawn_on": "2026-11-22", "reason": "Another mayor"})).await.expect(200);
        assert_eq!(public.all("/public/register").await.len(), 1);
        app.clock.advance(jiff::SignedDuration::from_hours(24));
        assert_eq!(public.all("/public/register").await, Vec::<Value>::new());
        pledge(&app, "TX1550200", "2026-11-22", true).await;
        let (_, first) = certify(&app, "TX1550200").await;
        let shown = public.all("/public/register").await;
        assert_eq!((shown.len(), &shown[0]["number"], &shown[0]["pledged_on"]), (1, &json!(first), &json!("2026-11-22")));
    }

    async fn the_register_is_csv_or_a_page_where_that_is_asked_for(app: TestApp) {
        let (_, number) = campaign(&app).await;
        agency(&app, "TX0000001", "=HYPERLINK(\"x\", 1)", "other", "US-TX").await;
        agency(&app, "TX0000002", "<script>alert(1)</script>", "other", "US-TX").await;
        pledge(&app, "TX0000001", "2026-01-01", true).await;
        pledge(&app, "TX0000002", "2026-01-01", true).await;
        let public = app.stranger();
        let csv = accepting(&public, "/public/register?limit=1", "text/csv, application/json;q=0.5").await;
        assert_eq!((csv.status, csv.header("content-type")), (200, "text/csv; charset=utf-8"));
        let expected = format!("ori,name,kind,country,subdivision,stage,standard,pledged_on,due_on,awarded_on,number\r\n\
            TX2270000,Travis County Sheriff's Office,sheriff,US,US-TX,certified,one-mind,2025-02-01,2027-02-01,2026-11-21,{number}\r\n\
            TX0000002,<script>alert(1)</script>,other,US,US-TX,pledged,one-mind,2026-01-01,2028-01-01,,\r\n\
            TX0000001,\"'=HYPERLINK(\"\"x\"\", 1)\",other,US,US-TX,pledged,one-mind,2026-01-01,2028-01-01,,\r\n\
            TX2270100,Austin Police Department,municipal_police,US,US-TX,pledged,one-mind,2026-01-15,2028-01-15,,\r\n\
            TX0570100,Ñu-Dallas Police Department,municipal_police,US,US-TX,pledged,one-mind,2022-05-01,2024-05-01,,\r\n");
        assert_eq!(csv.text, expected);

        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let page = accepting(&public, "/public/register?name=&country=us&subdivision=us-tx&kind=&stage=", browser).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        assert!(page.text.contains("Austin Police Department") && page.text.contains(&number) && !page.text.contains("<script"), "{}", page.text);
        assert!(page.text.find("One Mind Certified</h2>").unwrap() < page.text.find("Pledged</h2>").unwrap());
        assert!(!page.text.contains("Waco") && !page.text.contains("El Paso") && !page.text.contains("Aberdeen"));
        let kept = public.request(Method::GET, "/public/register?name=&country=us&subdivision=us-tx&kind=&stage=").header("accept", browser);
        assert_eq!(public.send(kept.header("if-none-match", page.header("etag"))).await.status, 304);

        // Both parts show their first page; each part by itself has links from page to page.
        let both = accepting(&public, "/public/register?limit=1", browser).await;
        assert!(both.text.contains("href=\"/public/register?stage=pledged\""), "{}", both.text);
        let (mut path, mut pages) = ("/public/register?stage=pledged&limit=1".to_owned(), Vec::new());
        loop {
            let page = accepting(&public, &path, browser).await;
            assert_eq!(page.status, 200, "{path}");
            pages.push(page.text.matches("<h3>").count());
            let Some(link) = page.text.split("<p class=\"more\"><a href=\"").nth(1) else { break };
            path = link.split('"').next().unwrap().replace("&#38;", "&");
        }
        assert_eq!(pages, [1, 1, 1, 1]);
    }

    async fn a_badge_says_whether_an_agency_pledged_or_is_certified(app: TestApp) {
        campaign(&app).await;
        let public = app.stranger();
        let certified = public.get("/public/agencies/TX2270000/badge.svg").await;
        assert_eq!((certified.status, certified.header("content-type")), (200, "image/svg+xml; charset=utf-8"));
        assert_eq!((certified.header("cache-control"), certified.header("cross-origin-resource-policy")), ("public, max-age=60", "cross-origin"));
        assert!(certified.text.contains("<title id=\"t\">One Mind Certified</title>") && certified.text.contains("Travis County Sheriff&#39;s Office"), "{}", certified.text);
        let pledged = public.get("/public/agencies/TX2270100/badge.svg").await;
        assert!(pledged.text.contains("One Mind Pledged") && pledged.text.contains("since January 2026"), "{}", pledged.text);
        // Not to be listed, withdrawn, never pledged, to come, unknown, and no ORI at all.
        for nobody in ["TX1550200", "TX0710200", "TX0430800", "WA0170100", "TX9999999", "nonsense"] {
            public.get(&format!("/public/agencies/{nobody}/badge.svg")).await.problem(404, "not-found");
        }
        let request = public.request(Method::GET, "/public/agencies/TX2270000/badge.svg").header("if-none-match", certified.header("etag"));
        assert_eq!(public.send(request).await.status, 304);
    }

    async fn an_agency_outside_the_united_states_is_listed_and_has_its_papers_and_its_badge(app: TestApp) {
        app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
        let staff = app.staff();
        let peel = json!({"name": "Peel Regional Police", "kind": "municipal_police", "country": "CA", "subdivision": "CA-ON"});
        let id = staff.post("/v1/agencies", &peel).await.expect(201)["id"].as_str().unwrap().to_owned();
        agency(&app, "TX2270100", "Austin Police Department", "municipal_police", "US-TX").await;
        pledge(&app, "TX2270100", "2026-01-15", true).await;
        pledge_of(&app, &id, "2026-01-15", true).await;
        let public = app.stranger();
        let badge = format!("/public/agencies/{id}/badge.svg");
        assert!(public.get(&badge).await.text.contains("One Mind Pledged"));
        let (path, number) = certify_agency(&app, &id).await;
        for (query, expected) in [("country=CA", vec!["Peel Regional Police"]), ("country=US", vec!["Austin Police Department"]), ("subdivision=CA-ON", vec!["Peel Regional Police"])] {
            assert_eq!(names(&public.all(&format!("/public/register?{query}")).await), expected, "{query}");
        }
        let listed = &public.all("/public/register?country=CA").await[0];
        assert_eq!((&listed["ori"], &listed["number"]), (&Value::Null, &json!(number)));
        assert_eq!(public.get(&format!("/public/certificates/{number}")).await.expect(200)["agency"]["ori"], Value::Null);
        assert!(public.get(&badge).await.text.contains("One Mind Certified"));
        for document in ["certificate.pdf", "letter.pdf", "credential"] {
            assert_eq!(staff.get(&format!("{path}/{document}")).await.status, 200, "{document}");
        }
    }

    async fn highlights_are_a_feed_of_what_is_new(app: TestApp) {
        let empty = app.stranger().get("/public/highlights").await;
        assert!(empty.status == 200 && empty.text.contains("<updated>"), "{}", empty.text);
        let (certification, number) = campaign(&app).await;
        let public = app.stranger();
        let feed = accepting(&public, "/public/highlights", "application/feed+json").await;
        assert_eq!(feed.header("content-type"), "application/feed+json");
        let feed = feed.expect(200);
        assert_eq!((&feed["version"], &feed["language"]), (&json!("https://jsonfeed.org/version/1.1"), &json!("en")));
        let told: Vec<(&str, &str)> = feed["items"].as_array().unwrap().iter().map(|item| (item["date_published"].as_str().unwrap(), item["title"].as_str().unwrap())).collect();
        assert_eq!(told, [
            ("2026-11-21T00:00:00Z", "Travis County Sheriff's Office is One Mind Certified"),
            ("2026-01-15T00:00:00Z", "Austin Police Department took the One Mind pledge"),
            ("2025-02-01T00:00:00Z", "Travis County Sheriff's Office took the One Mind pledge"),
            ("2022-05-01T00:00:00Z", "Ñu-Dallas Police Department took the One Mind pledge"),
        ]);
        let first = &feed["items"][0];
        assert_eq!(first["id"].as_str().unwrap(), certification.replace("/v1/certifications/", "urn:uuid:"));
        assert!(first["url"].as_str().unwrap().ends_with(&format!("/public/certificates/{number}")));
        assert_eq!(first["tags"], json!(["certified"]));

        let atom = public.get("/public/highlights").await;
        assert_eq!((atom.status, atom.header("content-type")), (200, "application/atom+xml"));
        assert!(atom.text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\""), "{}", atom.text);
        assert_eq!((atom.text.matches("<entry>").count(), atom.text.matches("<id>").count(), atom.text.matches("<updated>").count()), (4, 5, 5));
        assert!(atom.text.contains("Travis County Sheriff&#39;s Office is One Mind Certified"));
        assert_eq!(accepting(&public, "/public/highlights", "application/json").await.expect(200), feed);

        let page = accepting(&public, "/public/highlights", "text/html,application/xml;q=0.9,*/*;q=0.8").await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
        assert_eq!(page.text.matches("<li>\n<h2>").count(), 4, "{}", page.text);
        let link = format!("/public/certificates/{number}\" aria-label=\"Certificate: Travis County Sheriff&#39;s Office is One Mind Certified\">Certificate</a>");
        assert!(page.text.contains(&link), "{}", page.text);
    }

    async fn the_status_is_a_page_and_readiness_a_picture_for_whoever_may_see_them(app: TestApp) {
        campaign(&app).await;
        let reader = app.client("agency tool", "status:read", Some(&["ori:TX2270000"]));
        let path = "/v1/agencies/ori:TX2270000/certification-status";
        let page = accepting(&reader, path, "text/html,*/*;q=0.8").await;
        assert_eq!((page.status, page.header("content-type"), page.header("cache-control")), (200, "text/html; charset=utf-8", "private, no-cache"));
        assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
        assert_eq!(page.text.matches("<progress ").count(), 4, "{}", page.text);
        assert!(page.text.contains(">Certified</span>") && page.text.contains("max=\"1\" value=\"1\" class=\"met\""), "{}", page.text);
        let data = reader.get(path).await;
        assert_eq!((data.expect(200)["stage"].as_str(), data.header("vary").to_lowercase().contains("accept")), (Some("certified"), true));
        accepting(&reader, "/v1/agencies/ori:TX2270100/certification-status", "text/html").await.problem(404, "not-found");

        let plot = reader.get("/v1/agencies/ori:TX2270000/readiness.svg?from=2026-01-01&to=2026-12-31").await;
        assert_eq!((plot.status, plot.header("content-type")), (200, "image/svg+xml; charset=utf-8"));
        let told = "On 1 January 2026: 1 sworn officers, 0 of 1 needed trained, 0 of 1 needed with crisis intervention training; all three requirements not met. \
            From 6 March 2026, all three requirements are met. On 31 December 2026: ";
        assert!(plot.text.contains("<title id=\"t\">Readiness of Travis County Sheriff&#39;s Office</title>") && plot.text.contains(told), "{}", plot.text);
        reader.get("/v1/agencies/ori:TX2270000/readiness.svg?from=2026-01-01&to=2025-12-31").await.problem(400, "invalid-parameter");
        reader.get("/v1/agencies/ori:TX2270100/readiness.svg").await.problem(404, "not-found");
    }

    async fn a_spelling_of_the_ori_that_is_assumed_finds_the_badge(app: TestApp) {
        campaign(&app).await;
        assert_eq!(app.stranger().get("/public/agencies/TX22700/badge.svg").await.status, 200);
    }
}
