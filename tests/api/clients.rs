//! Clients, their secrets and grants, and the tokens that they get for them.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::scene::{AGENCY, everything};
use crate::support::vendor::Vendor;
use crate::support::{Client, TestApp};

fn lms(name: &str) -> Value {
    json!({"name": name, "kind": "lms", "scopes": ["completions:write", "completions:read", "officers:read", "agencies:read", "agencies:write", "status:read"]})
}

async fn officer(app: &TestApp, agency: &str, badge: &str, started: &str, ended: Value) -> String {
    let spell = json!({"agency": agency, "sworn": true, "badge_number": badge, "started_on": started, "ended_on": ended});
    let person = json!({"given_name": "Maria", "family_name": "Rivera", "appointments": [spell]});
    app.staff().post("/v1/officers", &person).await.expect(201)["id"].as_str().unwrap().to_owned()
}

fn completion(id: &str, agency: &str, badge: &str) -> Value {
    json!({"external_id": id, "officer": {"agency": agency, "badge_number": badge}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"})
}

on_both_databases! {
    async fn a_vendor_gets_a_token_and_does_what_its_grants_allow(app: TestApp) {
        app.agency("TX2270000").await;
        app.agency("WA0000001").await;
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &[AGENCY]).await;
        let client = vendor.client(&app).await;
        let said = client.get("/v1/whoami").await.expect(200);
        assert_eq!((&said["client"], &said["subject"]), (&json!(vendor.id), &json!(vendor.id)));
        assert_eq!(said["agencies"].as_array().unwrap().len(), 1, "{said}");
        let seen = client.all("/v1/agencies").await;
        assert_eq!(seen.iter().map(|agency| &agency["ori"]).collect::<Vec<_>>(), [&json!("TX2270000")]);
        client.get("/v1/agencies/ori:WA0000001").await.problem(404, "not-found");
        let used = app.staff().get(&format!("/v1/clients/{}", vendor.id)).await.expect(200);
        assert_eq!((&used["status"], &used["last_used_at"]), (&json!("active"), &used["secrets"][0]["last_used_at"]));
        assert!(used["last_used_at"].is_string() && !used.to_string().contains(vendor.secret.as_str()), "{used}");
    }

    async fn a_client_that_is_revoked_is_out_at_once_and_back_when_it_is_reinstated(app: TestApp) {
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &[]).await;
        let (client, staff) = (vendor.client(&app).await, app.staff());
        client.get("/v1/agencies").await.expect(200);
        let revoked = staff.post(&format!("/v1/clients/{}/revocation", vendor.id), &json!({"reason": "its secret leaked"})).await.expect(200);
        assert_eq!((&revoked["status"], &revoked["revocation_reason"]), (&json!("revoked"), &json!("its secret leaked")));
        let refused = client.get("/v1/agencies").await;
        refused.problem(401, "unauthorized");
        assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""));
        assert_eq!(vendor.ask(&app, &[]).await.expect(401)["error"], "invalid_client");
        staff.send(staff.request(Method::POST, &format!("/v1/clients/{}/reinstatement", vendor.id))).await.expect(200);
        client.get("/v1/agencies").await.expect(200);
        vendor.ask(&app, &[]).await.expect(200);
    }

    async fn a_scope_that_is_taken_away_is_out_of_every_token(app: TestApp) {
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &[]).await;
        let client = vendor.client(&app).await;
        client.get("/v1/agencies").await.expect(200);
        app.staff().patch(&format!("/v1/clients/{}", vendor.id), &json!({"scopes": ["status:read"]})).await.expect(200);
        client.get("/v1/agencies").await.problem(403, "missing-scope");
        assert_eq!(client.get("/v1/whoami").await.expect(200)["scopes"], json!(["status:read"]));
        assert_eq!(vendor.ask(&app, &[("scope", "agencies:read")]).await.expect(400)["error"], "invalid_scope");
    }

    async fn two_secrets_are_good_at_a_time(app: TestApp) {
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &[]).await;
        let staff = app.staff();
        let path = format!("/v1/clients/{}/secrets", vendor.id);
        let new = staff.send(staff.request(Method::POST, &path)).await.expect(201);
        let rotated = Vendor { id: vendor.id.clone(), secret: new["client_secret"].as_str().unwrap().to_owned() };
        vendor.ask(&app, &[]).await.expect(200);
        rotated.ask(&app, &[]).await.expect(200);
        assert_eq!(staff.send(staff.request(Method::POST, &path)).await.problem(409, "conflict"), [" too_many_secrets"]);
        let held = staff.get(&format!("/v1/clients/{}", vendor.id)).await.expect(200);
        let old = held["secrets"][0]["id"].as_str().unwrap();
        staff.delete(&format!("{path}/{old}")).await.expect(204);
        staff.delete(&format!("{path}/{old}")).await.problem(404, "not-found");
        assert_eq!(vendor.ask(&app, &[]).await.expect(401)["error"], "invalid_client");
        rotated.ask(&app, &[]).await.expect(200);
    }

    async fn a_secret_is_shown_once_and_stored_nowhere(app: TestApp) {
        let staff = app.staff();
        let post = || staff.send(staff.request(Method::POST, "/v1/clients").header("idempotency-key", "c1").json(&lms("Once")));
        let first = post().await.expect(201);
        let secret = first["client_secret"].as_str().unwrap();
        let again = post().await.expect(201);
        assert_eq!((&again["id"], &again["client_secret"]), (&first["id"], &Value::Null));
        let text = format!("{}{}", staff.get("/v1/clients").await.text, everything(&app).await);
        assert!(text.contains("Once") && !text.contains(secret));
    }

    async fn a_client_that_nobody_used_for_ninety_days_is_refused_until_it_is_reinstated(app: TestApp) {
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &[]).await;
        vendor.ask(&app, &[]).await.expect(200);
        app.clock.advance(SignedDuration::from_hours(24 * 90));
        vendor.ask(&app, &[]).await.expect(200);
        app.clock.advance(SignedDuration::from_hours(24 * 90 + 1));
        assert_eq!(vendor.ask(&app, &[]).await.expect(401)["error"], "invalid_client");
        let staff = app.staff();
        assert_eq!(staff.get(&format!("/v1/clients/{}", vendor.id)).await.expect(200)["status"], "unused");
        staff.send(staff.request(Method::POST, &format!("/v1/clients/{}/reinstatement", vendor.id))).await.expect(200);
        vendor.ask(&app, &[]).await.expect(200);
    }

    async fn a_token_is_good_for_fifteen_minutes(app: TestApp) {
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &[]).await;
        let answer = vendor.ask(&app, &[]).await.expect(200);
        assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(900)));
        let client = Client::new(&app.address, Some(answer["access_token"].as_str().unwrap().to_owned()));
        app.clock.advance(SignedDuration::from_mins(15));
        client.get("/v1/agencies").await.expect(200);
        app.clock.advance(SignedDuration::from_secs(6));
        let expired = client.get("/v1/agencies").await;
        expired.problem(401, "unauthorized");
        assert!(expired.text.contains("expired"), "{}", expired.text);
    }

    async fn a_grant_holds_from_its_first_day_to_before_its_end(app: TestApp) {
        app.agency("TX2270000").await;
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &[]).await;
        let staff = app.staff();
        let days = |starts: &str, ends: Value| json!({"client": vendor.id, "agency": AGENCY, "starts_on": starts, "ends_on": ends});
        let grant = staff.post("/v1/grants", &days("2026-11-22", json!("2026-11-24"))).await.expect(201);
        assert_eq!(grant["agency"]["ori"], "TX2270000");
        let path = format!("/v1/agencies/{AGENCY}");
        for expected in [404, 200, 200, 404] {
            assert_eq!(vendor.client(&app).await.get(&path).await.status, expected, "{:?}", app.clock);
            app.clock.advance(SignedDuration::from_hours(24));
        }
        let grant = format!("/v1/grants/{}", grant["id"].as_str().unwrap());
        assert_eq!(staff.patch(&grant, &json!({"ends_on": "2026-11-21"})).await.problem(422, "invalid-content"), ["/ends_on ends_before_start"]);
        let client = vendor.client(&app).await;
        staff.patch(&grant, &json!({"ends_on": null})).await.expect(200);
        client.get(&path).await.expect(200);
        staff.delete(&grant).await.expect(204);
        client.get(&path).await.problem(404, "not-found");
        staff.get(&grant).await.problem(404, "not-found");
    }

    async fn a_grant_for_an_ori_that_nobody_has_lets_its_client_register_it_and_follows_the_agency(app: TestApp) {
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &["ori:TX2270000"]).await;
        let client = vendor.client(&app).await;
        let body = |ori: &str| json!({"ori": ori, "name": "Travis County", "kind": "sheriff", "country": "US"});
        let grants = app.staff().all("/v1/grants").await;
        assert_eq!(grants[0]["agency"], json!({"id": null, "ori": "TX2270000", "name": null}));
        client.put("/v1/agencies/ori:WA0000001", &body("WA0000001")).await.problem(403, "outside-grant");
        let made = client.put("/v1/agencies/ori:TX2270000", &body("TX2270000")).await.expect(201);
        assert_eq!(app.staff().all("/v1/grants").await[0]["agency"]["id"], made["id"]);
        // The agency goes by another ORI now; the grant is for the agency.
        app.staff().put(&format!("/v1/agencies/{}", made["id"].as_str().unwrap()), &body("TX2270009")).await.expect(200);
        app.agency("TX2270000").await;
        let seen = vendor.client(&app).await.all("/v1/agencies").await;
        assert_eq!(seen.iter().map(|agency| &agency["ori"]).collect::<Vec<_>>(), [&json!("TX2270009")]);
    }

    async fn an_ori_that_another_agency_holds_is_refused_like_one_that_nobody_holds(app: TestApp) {
        app.agency("WA0000001").await;
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &["ori:TX2270000"]).await;
        app.agency("TX2270000").await;
        let client = vendor.client(&app).await;
        let with = |ori: &str| json!({"other_oris": [ori]});
        let bare = |reply: crate::support::Reply| (reply.status, reply.text.replace(reply.header("x-request-id"), ""));
        let held = bare(client.patch("/v1/agencies/ori:TX2270000", &with("WA0000001")).await);
        let free = bare(client.patch("/v1/agencies/ori:TX2270000", &with("WA0000002")).await);
        assert_eq!(held, free);
        assert_eq!(held.0, 403, "{}", held.1);
        let new = |ori: &str| json!({"ori": ori, "name": "Another", "kind": "sheriff", "country": "US"});
        let held = bare(client.post("/v1/agencies", &new("WA0000001")).await);
        assert_eq!(held, bare(client.post("/v1/agencies", &new("WA0000002")).await));
        assert_eq!(held.0, 403, "{}", held.1);
    }

    async fn what_a_client_pushed_before_its_grant_is_placed_when_the_grant_comes(app: TestApp) {
        app.agency("TX2270000").await;
        app.training("CIT-40").await;
        officer(&app, AGENCY, "88", "2019-05-01", Value::Null).await;
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &[]).await;
        let client = vendor.client(&app).await;
        let parked = client.post("/v1/completions", &completion("rec-1", AGENCY, "88")).await.expect(202);
        assert_eq!((&parked["reason"], &parked["officer_id"]), (&json!("no_match"), &Value::Null));
        let grant = json!({"client": vendor.id, "agency": AGENCY, "starts_on": "2026-01-01", "ends_on": null});
        app.staff().post("/v1/grants", &grant).await.expect(201);
        let placed = client.get(&format!("/v1/completions/{}", parked["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(placed["status"], "placed");
        // Another's parked completion stays where it is.
        let other = Vendor::make(&app, &lms("Another LMS"), &[]).await.client(&app).await;
        other.post("/v1/completions", &completion("rec-1", AGENCY, "88")).await.expect(202);
        app.staff().post("/v1/grants", &grant).await.expect(201);
        assert_eq!(other.all("/v1/completions?status=parked").await.len(), 1);
    }

    async fn a_client_sees_the_officers_who_were_there_while_its_grant_holds(app: TestApp) {
        app.agency("TX2270000").await;
        let before = officer(&app, AGENCY, "1", "2015-01-01", json!("2020-01-01")).await;
        let during = officer(&app, AGENCY, "2", "2015-01-01", json!("2026-06-01")).await;
        let since = officer(&app, AGENCY, "3", "2026-05-01", Value::Null).await;
        let later = officer(&app, AGENCY, "4", "2027-05-01", Value::Null).await;
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &[]).await;
        let grant = json!({"client": vendor.id, "agency": AGENCY, "starts_on": "2026-01-01", "ends_on": "2027-01-01"});
        app.staff().post("/v1/grants", &grant).await.expect(201);
        let client = vendor.client(&app).await;
        let seen: Vec<Value> = client.all("/v1/officers").await.into_iter().map(|officer| officer["id"].clone()).collect();
        assert_eq!(seen, [json!(during), json!(since)]);
        for (id, status) in [(before, 404), (during, 200), (since, 200), (later, 404)] {
            assert_eq!(client.get(&format!("/v1/officers/{id}")).await.status, status);
        }
    }

    async fn clients_are_administered_by_who_has_a_grant_for_all_agencies(app: TestApp) {
        app.agency("TX2270000").await;
        let body = json!({"name": "Tool", "kind": "agency", "scopes": ["clients:admin"]});
        let tool = Vendor::make(&app, &body, &[AGENCY]).await.client(&app).await;
        tool.post("/v1/clients", &lms("Escalation")).await.problem(403, "outside-grant");
        tool.get("/v1/clients").await.problem(403, "outside-grant");
        assert_eq!(app.staff().all("/v1/clients").await.len(), 1);
    }

    async fn another_replica_refuses_a_revoked_client_within_a_minute(app: TestApp) {
        let vendor = Vendor::make(&app, &lms("Riverside LMS"), &[]).await;
        let client = vendor.client(&app).await;
        let replica = app.replica();
        let there = Client::new(&replica.address, client.token.clone());
        there.get("/v1/agencies").await.expect(200);
        app.staff().post(&format!("/v1/clients/{}/revocation", vendor.id), &json!({"reason": "gone"})).await.expect(200);
        client.get("/v1/agencies").await.problem(401, "unauthorized");
        let began = std::time::Instant::now();
        while there.get("/v1/agencies").await.status != 401 {
            assert!(began.elapsed() < std::time::Duration::from_secs(60));
            actix_web::rt::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
}
