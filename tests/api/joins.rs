//! `/v1/officer-joins`, and what clients that share no vendor see of one person

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, TestApp};

fn officer(agency: &str, family_name: &str, identifiers: &[&str]) -> Value {
    let identifiers: Vec<Value> = identifiers.iter().map(|value| json!({"system": "post:US-TX", "value": value})).collect();
    json!({"given_name": "Maria", "family_name": family_name, "email": null, "identifiers": identifiers,
        "appointments": [{"agency": agency, "sworn": true, "started_on": "2019-05-01"}]})
}

/// Maria Rivera, `post:US-TX` 1001, at the first agency; clients of either agency.
struct Scene {
    officer: Value,
    here: Client,
    there: Client,
}

async fn scene(app: &TestApp) -> Scene {
    app.agency("TX0000001").await;
    app.agency("TX0000002").await;
    let scopes = "officers:read officers:write completions:read completions:write";
    let here = app.client("rms-1", scopes, Some(&["ori:TX0000001"]));
    let there = app.client("rms-2", scopes, Some(&["ori:TX0000002"]));
    let mut body = officer("ori:TX0000001", "Rivera", &["1001"]);
    body["email"] = json!("rivera@one.example");
    let officer = here.post("/v1/officers", &body).await.expect(201);
    Scene { officer, here, there }
}

/// What a create answers, without ids and instants.
fn gist(officer: &Value) -> Value {
    let appointments: Vec<Value> =
        officer["appointments"].as_array().unwrap().iter().map(|a| json!([a["agency"]["ori"], a["started_on"], a["badge_number"]])).collect();
    json!([officer["given_name"], officer["family_name"], officer["email"], officer["identifiers"], appointments])
}

fn path(officer: &Value) -> String {
    format!("/v1/officers/{}", officer["id"].as_str().unwrap())
}

on_both_databases! {
    async fn who_is_known_elsewhere_by_identifier_and_name_is_joined_and_looks_new(app: TestApp) {
        let Scene { officer: held, here, there } = scene(&app).await;
        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let before = there.post("/v1/officers", &officer("ori:TX0000002", "Smith", &[])).await.expect(201);
        let mut sent = officer("ori:TX0000002", "RIVERA", &["1001", "2002"]);
        sent["email"] = json!("maria@two.example");
        let joined = there.post("/v1/officers", &sent).await.expect(201);
        // A record of its own, whose id tells of its own time: nothing tells that somebody knew the person.
        assert!(joined["id"].as_str() > before["id"].as_str() && before["id"].as_str() > held["id"].as_str());
        assert_eq!(there.all("/v1/officers").await, [before, joined.clone()]);
        assert_eq!(gist(&joined), json!(["Maria", "RIVERA", "maria@two.example", sent["identifiers"], [["TX0000002", "2019-05-01", null]]]));
        assert_eq!(joined["created_at"], "2026-11-21T13:00:00Z");
        there.get(&path(&held)).await.problem(404, "not-found");
        assert_eq!(there.get(&path(&joined)).await.expect(200), joined);
        assert_eq!(there.all("/v1/officers?email=maria@two.example").await, std::slice::from_ref(&joined));
        for value in ["1001", "2002"] {
            let found = there.all(&format!("/v1/officers?identifier_system=post:US-TX&identifier_value={value}")).await;
            assert_eq!(found, std::slice::from_ref(&joined), "{value}");
        }
        assert_eq!(there.all("/v1/officers?email=rivera@one.example").await.len(), 0);
        assert_eq!(here.get(&path(&held)).await.expect(200), held);
        assert_eq!(there.post("/v1/officers", &sent).await.problem(409, "conflict"), [" identifier_taken"]);

        // What the joined caller changes, it changes for itself.
        let changed = there.patch(&path(&joined), &json!({"given_name": "Mary", "email": null})).await.expect(200);
        assert_eq!((&changed["given_name"], &changed["email"], &changed["identifiers"]), (&json!("Mary"), &json!(null), &sent["identifiers"]));
        assert_eq!(here.get(&path(&held)).await.expect(200), held);

        let joins = app.staff().all("/v1/officer-joins?status=joined").await;
        assert_eq!(joins, [json!({"id": joins[0]["id"], "status": "joined", "officer_id": joined["id"], "joined_with": held["id"],
            "agency": joined["appointments"][0]["agency"], "client": joins[0]["client"], "given_name": "Mary", "family_name": "RIVERA", "email": null,
            "identifiers": held["identifiers"], "confirmed_at": null, "created_at": "2026-11-21T13:00:00Z", "updated_at": "2026-11-21T13:00:00Z"})]);
        let join = format!("/v1/officer-joins/{}", joins[0]["id"].as_str().unwrap());
        assert_eq!(app.staff().get(&join).await.expect(200), joins[0]);
        let confirmed = app.staff().post(&format!("{join}/confirmation"), &json!({})).await.expect(200);
        assert_eq!((&confirmed["confirmed_at"], &confirmed["joined_with"]), (&json!("2026-11-21T13:00:00Z"), &held["id"]));
        assert_eq!(app.staff().post(&format!("{join}/confirmation"), &json!({})).await.expect(200), confirmed);
        assert_eq!(app.staff().post(&format!("{join}/separation"), &json!({})).await.problem(409, "conflict"), [" join_confirmed"]);
        // The id that the client knows means the person from now on.
        let seen = there.get(&path(&joined)).await.expect(200);
        assert_eq!(seen["id"], held["id"]);
        assert_eq!(gist(&seen), json!(["Maria", "Rivera", "rivera@one.example", sent["identifiers"], [["TX0000002", "2019-05-01", null]]]));
        assert_eq!(there.get(&path(&held)).await.expect(200), seen);
        assert_eq!(app.staff().get(&path(&held)).await.expect(200)["appointments"].as_array().unwrap().len(), 2);
    }

    async fn credit_belongs_to_the_person_of_a_join_and_no_longer_once_it_is_separated(app: TestApp) {
        let Scene { officer: held, here, there } = scene(&app).await;
        let joined = there.post("/v1/officers", &officer("ori:TX0000002", "Rivera", &["1001"])).await.expect(201);
        app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
        let record = |id: &str, officer: Value| json!({"external_id": id, "officer": officer, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06", "passed": true});
        let pushed = here.post("/v1/completions", &record("1", json!({"id": held["id"]}))).await.expect(201);
        assert_eq!(there.all("/v1/completions").await.len(), 0);
        assert_eq!(there.all(&format!("{}/completions", path(&joined))).await.len(), 0);
        let trained = async |ori: &str| app.training_of(ori).await["trained"]["count"].clone();
        assert_eq!((trained("TX0000001").await, trained("TX0000002").await), (json!(1), json!(1)));
        let gaps = app.staff().all("/v1/agencies/ori:TX0000002/training-gaps?within_days=3650").await;
        assert_eq!(gaps, Vec::<Value>::new());

        // Who sees both records, and names the person by the identifier and a number of the one agency, means one person.
        let wide = app.client("lms-wide", "completions:write completions:read officers:read", Some(&["ori:TX0000001", "ori:TX0000002"]));
        let by_both = json!({"identifier": {"system": "post:US-TX", "value": "1001"}, "agency": "ori:TX0000002"});
        assert_eq!(wide.post("/v1/completions", &record("2", by_both.clone())).await.expect(201)["officer_id"], joined["id"]);
        let at_the_other = json!({"identifier": {"system": "post:US-TX", "value": "1001"}, "agency": "ori:TX0000001"});
        assert_eq!(wide.post("/v1/completions", &record("3", at_the_other)).await.expect(201)["officer_id"], held["id"]);
        let staff = app.client("lms-all", "completions:write completions:read", None);
        assert_eq!(staff.post("/v1/completions", &record("4", by_both)).await.expect(201)["officer_id"], joined["id"]);
        assert_eq!((trained("TX0000001").await, trained("TX0000002").await), (json!(1), json!(1)));

        let join = app.staff().all("/v1/officer-joins").await[0]["id"].as_str().unwrap().to_owned();
        let separated = app.staff().post(&format!("/v1/officer-joins/{join}/separation"), &json!({})).await.expect(200);
        assert_eq!((&separated["status"], &separated["joined_with"]), (&json!("parked"), &json!(null)));
        assert_eq!((trained("TX0000001").await, trained("TX0000002").await), (json!(1), json!(1)), "each has credit of its own");
        for external_id in ["2", "4"] {
            let client = if external_id == "2" { &wide } else { &staff };
            let own = &client.all(&format!("/v1/completions?external_id={external_id}")).await[0];
            client.post(&format!("/v1/completions/{}/revocation", own["id"].as_str().unwrap()), &json!({"reason": "no"})).await.expect(200);
        }
        assert_eq!((trained("TX0000001").await, trained("TX0000002").await), (json!(1), json!(0)), "credit no longer passes");
        assert_eq!(there.get(&path(&joined)).await.expect(200)["identifiers"], held["identifiers"]);
        assert_eq!(here.get(&format!("/v1/completions/{}", pushed["id"].as_str().unwrap())).await.expect(200)["officer_id"], held["id"]);
    }

    async fn who_stood_for_a_person_may_be_erased_and_the_joined_record_stands_alone(app: TestApp) {
        let Scene { officer: held, here, there } = scene(&app).await;
        let joined = there.post("/v1/officers", &officer("ori:TX0000002", "Rivera", &["1001"])).await.expect(201);
        let spell = held["appointments"][0]["id"].as_str().unwrap();
        here.patch(&format!("{}/appointments/{spell}", path(&held)), &json!({"ended_on": "2020-01-01"})).await.expect(200);
        here.delete(&path(&held)).await.expect(204);
        assert_eq!(there.get(&path(&joined)).await.expect(200)["identifiers"], held["identifiers"]);
        assert_eq!(app.staff().get(&path(&joined)).await.expect(200)["identifiers"], held["identifiers"], "it is the record's own now");
        assert_eq!(app.staff().all("/v1/officer-joins").await.len(), 0);
    }

    async fn an_identifier_whose_names_disagree_is_withheld_and_parked(app: TestApp) {
        let Scene { officer: held, here, there } = scene(&app).await;
        let sent = officer("ori:TX0000002", "Smith", &["1001", "2002"]);
        let created = there.post("/v1/officers", &sent).await.expect(201);
        assert_ne!(created["id"], held["id"]);
        assert_eq!(gist(&created), json!(["Maria", "Smith", null, sent["identifiers"], [["TX0000002", "2019-05-01", null]]]));
        assert_eq!(there.all("/v1/officers?identifier_system=post:US-TX&identifier_value=1001").await, std::slice::from_ref(&created));
        assert_eq!(there.post("/v1/officers", &sent).await.problem(409, "conflict"), [" identifier_taken"]);
        assert_eq!(here.all("/v1/officers?identifier_system=post:US-TX&identifier_value=1001").await, std::slice::from_ref(&held));
        let own = app.staff().get(&path(&created)).await.expect(200);
        assert_eq!(own["identifiers"], json!([{"system": "post:US-TX", "value": "2002"}]));
        let parked = app.staff().all("/v1/officer-joins?status=parked").await;
        assert_eq!((parked.len(), &parked[0]["identifiers"]), (1, &json!([{"system": "post:US-TX", "value": "1001"}])));
        let join = format!("/v1/officer-joins/{}/confirmation", parked[0]["id"].as_str().unwrap());
        assert_eq!(app.staff().post(&join, &json!({})).await.problem(409, "conflict"), [" join_parked"]);

        // A completion that the caller pushes under the identifier that it sent finds the officer whom it means.
        let record = json!({"external_id": "1", "officer": {"identifier": {"system": "post:US-TX", "value": "1001"}}, "training": {"code": "x"},
            "completed_on": "2026-03-06"});
        let of = |reply: Value| reply["officer_id"].clone();
        assert_eq!(of(there.post("/v1/completions", &record).await.expect(202)), created["id"]);
        assert_eq!(of(here.post("/v1/completions", &record).await.expect(202)), held["id"]);

        let patched = there.patch(&path(&created), &json!({"identifiers": []})).await.expect(200);
        assert_eq!(patched["identifiers"], json!([]));
        assert_eq!(app.staff().all("/v1/officer-joins").await.len(), 0);
        let again = there.patch(&path(&created), &json!({"identifiers": sent["identifiers"]})).await.expect(200);
        assert_eq!(again["identifiers"], sent["identifiers"]);
        assert_eq!(app.staff().all("/v1/officer-joins?status=parked").await.len(), 1);
    }

    async fn an_appointment_elsewhere_does_not_unmask_an_unconfirmed_join(app: TestApp) {
        let Scene { officer: held, .. } = scene(&app).await;
        app.agency("TX0000003").await;
        let wide = app.client("rms-3", "officers:read officers:write", Some(&["ori:TX0000002", "ori:TX0000003"]));
        let joined = wide.post("/v1/officers", &officer("ori:TX0000002", "Rivera", &["1001"])).await.expect(201);
        let spell = json!({"agency": "ori:TX0000003", "sworn": false, "started_on": "2020-01-01"});
        wide.post(&format!("{}/appointments", path(&held)), &spell).await.problem(404, "not-found");
        wide.post(&format!("{}/appointments", path(&joined)), &spell).await.expect(201);
        let seen = wide.get(&path(&joined)).await.expect(200);
        let third = app.client("rms-4", "officers:read", Some(&["ori:TX0000003"])).get(&path(&joined)).await.expect(200);
        assert_eq!(third["identifiers"], joined["identifiers"]);
        assert_eq!(seen["email"], json!(null));
        assert_eq!(seen["appointments"].as_array().unwrap().len(), 2);
    }

    async fn joins_are_for_staff(app: TestApp) {
        let Scene { there, .. } = scene(&app).await;
        there.post("/v1/officers", &officer("ori:TX0000002", "Rivera", &["1001"])).await.expect(201);
        let join = app.staff().all("/v1/officer-joins").await[0]["id"].as_str().unwrap().to_owned();
        there.get("/v1/officer-joins").await.problem(403, "outside-grant");
        there.get(&format!("/v1/officer-joins/{join}")).await.problem(403, "outside-grant");
        there.post(&format!("/v1/officer-joins/{join}/confirmation"), &json!({})).await.problem(403, "outside-grant");
        there.post(&format!("/v1/officer-joins/{join}/separation"), &json!({})).await.problem(403, "outside-grant");
        let reader = app.client("reader", "officers:read", None);
        reader.get("/v1/officer-joins").await.problem(403, "missing-scope");
        app.staff().get(&format!("/v1/officer-joins/{}", uuid::Uuid::nil())).await.problem(404, "not-found");
    }
}
