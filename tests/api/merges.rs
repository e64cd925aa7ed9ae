//! `/v1/officer-merges`: two officers who turn out to be one person, merged and taken apart again

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::{Client, TestApp};

const HERE: &str = "ori:TX0000001";
const THERE: &str = "ori:TX0000002";

fn path(officer: &Value) -> String {
    format!("/v1/officers/{}", officer["id"].as_str().unwrap())
}

fn merge_of(kept: &Value, merged: &Value) -> Value {
    json!({"kept": {"id": kept["id"]}, "merged": {"id": merged["id"]}, "reason": "entered twice"})
}

/// Maria Rivera at one agency and Maria Rivera-Lopez at the other, each with a completion; clients of either agency.
struct Scene {
    maria: Value,
    married: Value,
    here: Client,
    there: Client,
}

async fn scene(app: &TestApp) -> Scene {
    app.agency("TX0000001").await;
    app.agency("TX0000002").await;
    app.recognized_training("CIT-40", "cit", "crisis_intervention").await;
    app.recognized_training("MHFA", "mhfa", "mental_health_awareness").await;
    let scopes = "officers:read officers:write completions:read completions:write";
    let (here, there) = (app.client("rms-1", scopes, Some(&[HERE])), app.client("rms-2", scopes, Some(&[THERE])));
    let officer = |agency: &str, family_name: &str, badge: &str, value: &str| {
        json!({"given_name": "Maria", "family_name": family_name, "identifiers": [{"system": "post:US-TX", "value": value}],
            "appointments": [{"agency": agency, "sworn": true, "badge_number": badge, "started_on": "2019-05-01"}]})
    };
    let maria = here.post("/v1/officers", &officer(HERE, "Rivera", "88", "1001")).await.expect(201);
    let married = there.post("/v1/officers", &officer(THERE, "Rivera-Lopez", "99", "1002")).await.expect(201);
    here.post("/v1/completions", &record("1", &maria, "CIT-40")).await.expect(201);
    there.post("/v1/completions", &record("1", &married, "MHFA")).await.expect(201);
    Scene { maria, married, here, there }
}

fn record(external_id: &str, officer: &Value, training: &str) -> Value {
    json!({"external_id": external_id, "officer": {"id": officer["id"]}, "training": {"code": training}, "completed_on": "2026-03-06", "passed": true})
}

/// Trained and crisis-trained of both agencies, by the standard that asks for both.
async fn counts(app: &TestApp) -> Value {
    let of = async |ori: &str| {
        let training = app.training_of(ori).await;
        json!([training["trained"]["count"], training["crisis_intervention"]["count"], training["sworn"]])
    };
    json!([of("TX0000001").await, of("TX0000002").await])
}

on_both_databases! {
    async fn two_officers_are_merged_and_taken_apart_with_the_counts_right_throughout(app: TestApp) {
        let Scene { maria, married, here, there } = scene(&app).await;
        let staff = app.staff();
        let apart = counts(&app).await;
        assert_eq!(apart, json!([[1, 1, 1], [1, 0, 1]]));
        let before = [here.get(&path(&maria)).await.expect(200), there.get(&path(&married)).await.expect(200)];

        let merge = staff.post("/v1/officer-merges", &merge_of(&maria, &married)).await.expect(201);
        assert_eq!(merge, json!({"id": merge["id"], "kept_id": maria["id"], "merged_id": married["id"], "join_id": null, "reason": "entered twice",
            "appointments": 1, "completions": 1, "merged_at": "2026-11-21T12:00:00Z", "undone_at": null, "undone_reason": null}));
        assert_eq!(counts(&app).await, json!([[1, 1, 1], [1, 1, 1]]), "credit belongs to the one person");
        assert_eq!(staff.all("/v1/officers").await.len(), 1);
        let whole = staff.get(&path(&maria)).await.expect(200);
        assert_eq!((whole["appointments"].as_array().unwrap().len(), whole["identifiers"].as_array().unwrap().len()), (2, 2));
        assert_eq!(staff.get(&path(&married)).await.expect(200), whole, "the id of the one who went answers as the one who was kept");
        assert_eq!(staff.all(&format!("/v1/completions?officer={}", married["id"].as_str().unwrap())).await.len(), 2);
        assert_eq!(staff.all(&format!("{}/completions", path(&married))).await.len(), 2);
        // The client of the other agency goes on with the id that it knows, and with numbers and identifiers.
        let seen = there.get(&path(&married)).await.expect(200);
        assert_eq!((&seen["id"], &seen["family_name"]), (&maria["id"], &json!("Rivera")));
        assert_eq!(there.post("/v1/completions", &record("2", &married, "CIT-40")).await.expect(201)["officer_id"], maria["id"]);
        assert_eq!(there.post("/v1/completions", &record("1", &married, "MHFA")).await.expect(200)["officer_id"], maria["id"]);
        let patched = there.patch(&path(&married), &json!({"email": "maria@two.example"})).await.expect(200);
        assert_eq!((&patched["id"], &patched["email"]), (&maria["id"], &json!("maria@two.example")));
        assert_eq!(staff.post("/v1/officer-merges", &merge_of(&maria, &married)).await.problem(409, "conflict"), [" same_officer"]);

        let reversal = format!("/v1/officer-merges/{}/reversal", merge["id"].as_str().unwrap());
        let undone = staff.post(&reversal, &json!({"reason": "two sisters"})).await.expect(200);
        assert_eq!((&undone["undone_reason"], undone["undone_at"].is_string()), (&json!("two sisters"), true));
        assert_eq!(staff.get(&reversal.replace("/reversal", "")).await.expect(200), undone);
        assert_eq!(staff.all(&format!("/v1/officer-merges?officer={}", married["id"].as_str().unwrap())).await, [undone]);
        assert_eq!(staff.post(&reversal, &json!({"reason": "again"})).await.problem(409, "conflict"), [" already_undone"]);
        let after = [here.get(&path(&maria)).await.expect(200), there.get(&path(&married)).await.expect(200)];
        let gist = |officer: &Value| json!([officer["id"], officer["family_name"], officer["identifiers"], officer["appointments"][0]["badge_number"]]);
        assert_eq!(after.each_ref().map(gist), before.each_ref().map(gist));
        // What came after the merge stays with the officer who was kept: the second completion, and the address.
        assert_eq!(counts(&app).await, json!([[1, 1, 1], [1, 0, 1]]));
        assert_eq!(staff.all(&format!("{}/completions", path(&maria))).await.len(), 2);
        assert_eq!(staff.all(&format!("{}/completions", path(&married))).await.len(), 1);
    }

    async fn somebody_entered_twice_at_one_agency_counts_once_and_the_roster_goes_on(app: TestApp) {
        let Scene { maria, here, .. } = scene(&app).await;
        let again = json!({"given_name": "Maria", "family_name": "Rivera", "appointments": [{"agency": HERE, "sworn": true, "started_on": "2019-05-02"}]});
        let again = here.post("/v1/officers", &again).await.expect(201);
        assert_eq!(app.training_of("TX0000001").await["sworn"], 2);
        here.post("/v1/completions", &record("9", &again, "MHFA")).await.expect(201);
        let merge = app.staff().post("/v1/officer-merges", &merge_of(&again, &maria)).await.expect(201);
        let training = app.training_of("TX0000001").await;
        assert_eq!((&training["sworn"], &training["trained"]["count"], &training["crisis_intervention"]["count"]), (&json!(1), &json!(1), &json!(1)));
        let listed = app.client("agency", "status:read officers:read", Some(&[HERE])).all(&format!("/v1/agencies/{HERE}/training-gaps?within_days=3660")).await;
        assert_eq!(listed.len(), 0, "{listed:?}");
        // The nightly roster names the person once, and the second spell ends.
        let roster = json!({"as_of": "2026-11-21", "officers": [{"family_name": "Rivera", "given_name": "Maria", "badge_number": "88", "sworn": true,
            "started_on": "2019-05-01", "identifiers": [{"system": "post:US-TX", "value": "1001"}]}]});
        let put = here.put(&format!("/v1/agencies/{HERE}/roster"), &roster).await.expect(200);
        assert_eq!((&put["summary"]["received"], &put["summary"]["ended"], &put["summary"]["rejected"]), (&json!(1), &json!(1), &json!(0)), "{put}");
        assert_eq!(app.training_of("TX0000001").await["sworn"], 1);
        app.staff().post(&format!("/v1/officer-merges/{}/reversal", merge["id"].as_str().unwrap()), &json!({"reason": "no"})).await.expect(200);
        assert_eq!(app.training_of("TX0000001").await["sworn"], 1, "the second spell has ended, whosever it is");
    }

    async fn a_confirmed_join_can_be_undone_and_credit_no_longer_passes(app: TestApp) {
        let Scene { maria, here, .. } = scene(&app).await;
        app.agency("TX0000003").await;
        let third = app.client("rms-3", "officers:read officers:write completions:read completions:write", Some(&["ori:TX0000003"]));
        let joined = json!({"given_name": "Maria", "family_name": "Rivera", "identifiers": maria["identifiers"],
            "appointments": [{"agency": "ori:TX0000003", "sworn": true, "started_on": "2019-05-01"}]});
        let joined = third.post("/v1/officers", &joined).await.expect(201);
        let trained = async || app.training_of("TX0000003").await["trained"]["count"].clone();
        assert_eq!(trained().await, 1);
        let join = app.staff().all("/v1/officer-joins").await[0]["id"].as_str().unwrap().to_owned();
        app.staff().post(&format!("/v1/officer-joins/{join}/confirmation"), &json!({})).await.expect(200);
        assert_eq!(trained().await, 1);
        let merge = app.staff().all("/v1/officer-merges").await.remove(0);
        assert_eq!((&merge["join_id"], &merge["kept_id"], &merge["merged_id"]), (&json!(join), &maria["id"], &joined["id"]));
        app.staff().post(&format!("/v1/officer-merges/{}/reversal", merge["id"].as_str().unwrap()), &json!({"reason": "no"})).await.expect(200);
        assert_eq!(trained().await, 0);
        let seen = third.get(&path(&joined)).await.expect(200);
        assert_eq!((&seen["id"], &seen["identifiers"]), (&joined["id"], &maria["identifiers"]), "the client sees what it sent");
        assert_eq!(here.get(&path(&maria)).await.expect(200)["identifiers"], maria["identifiers"]);
        let join = app.staff().get(&format!("/v1/officer-joins/{join}")).await.expect(200);
        assert_eq!((&join["status"], &join["joined_with"], &join["confirmed_at"]), (&json!("parked"), &json!(null), &json!(null)));
    }

    async fn a_pseudonym_takes_the_address_of_who_was_merged_too(app: TestApp) {
        let Scene { maria, married, there, .. } = scene(&app).await;
        let staff = app.staff();
        staff.patch(&path(&maria), &json!({"email": "maria@one.example"})).await.expect(200);
        staff.patch(&path(&married), &json!({"email": "maria@two.example"})).await.expect(200);
        let parked = json!({"external_id": "9", "officer": {"email": "maria@two.example", "family_name": "Other"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
        let parked = there.post("/v1/completions", &parked).await.expect(202);
        staff.post("/v1/officer-merges", &merge_of(&maria, &married)).await.expect(201);
        staff.post(&format!("{}/pseudonymization", path(&maria)), &json!({"reason": "asked"})).await.expect(200);
        let left = there.get(&format!("/v1/completions/{}", parked["id"].as_str().unwrap())).await.expect(200);
        assert!(!left.to_string().contains("maria@two.example"), "{left}");
    }

    async fn merges_are_undone_from_the_last(app: TestApp) {
        let Scene { maria, married, here, .. } = scene(&app).await;
        let other = json!({"given_name": "Mia", "family_name": "Rivera", "appointments": [{"agency": HERE, "sworn": true, "started_on": "2010-05-02"}]});
        let other = here.post("/v1/officers", &other).await.expect(201);
        let staff = app.staff();
        let apart = counts(&app).await;
        let first = staff.post("/v1/officer-merges", &merge_of(&maria, &married)).await.expect(201);
        let second = staff.post("/v1/officer-merges", &merge_of(&other, &maria)).await.expect(201);
        assert_eq!(staff.get(&path(&married)).await.expect(200)["id"], other["id"]);
        assert_eq!(counts(&app).await, json!([[1, 1, 1], [1, 1, 1]]));
        let reversal = |merge: &Value| format!("/v1/officer-merges/{}/reversal", merge["id"].as_str().unwrap());
        assert_eq!(staff.post(&reversal(&first), &json!({"reason": "no"})).await.problem(409, "conflict"), [" merged_further"]);
        staff.post(&reversal(&second), &json!({"reason": "no"})).await.expect(200);
        assert_eq!(staff.get(&path(&married)).await.expect(200)["id"], maria["id"]);
        staff.post(&reversal(&first), &json!({"reason": "no"})).await.expect(200);
        assert_eq!(staff.get(&path(&married)).await.expect(200)["id"], married["id"]);
        assert_eq!(counts(&app).await, apart);
    }

    async fn what_cannot_be_merged_is_told_at_once(app: TestApp) {
        let Scene { maria, married, there, .. } = scene(&app).await;
        let staff = app.staff();
        let nobody = json!({"kept": {"id": uuid::Uuid::nil()}, "merged": {"id": uuid::Uuid::nil()}, "reason": "x"});
        let faults = staff.post("/v1/officer-merges", &nobody).await.problem(422, "invalid-content");
        assert_eq!(faults, ["/kept/id unknown_officer", "/merged/id unknown_officer"]);
        there.post("/v1/officer-merges", &merge_of(&maria, &married)).await.problem(403, "outside-grant");
        staff.post(&format!("{}/pseudonymization", path(&married)), &json!({"reason": "asked"})).await.expect(200);
        assert_eq!(staff.post("/v1/officer-merges", &merge_of(&maria, &married)).await.problem(409, "conflict"), [" officer_pseudonymized"]);
    }
}
