//! `/v1/assistance-requests`

use serde_json::{Value, json};

use crate::on_both_databases;

fn body(agency: &str) -> Value {
    json!({"agency": agency, "kind": "peer_agency", "topic": "co-response", "question": "Who of our size rides with clinicians?",
        "contact": {"name": "Maria Rivera", "email": "m.rivera@example.org"}})
}

on_both_databases! {
    async fn an_agency_asks_both_sides_talk_and_staff_answer_with_a_peer(app: TestApp) {
        let (agency, peer) = (app.agency("TX2270000").await, app.agency("TX2270100").await);
        let staff = app.staff();
        let tool = app.client("agency tool", "assistance:read assistance:write", Some(&["ori:TX2270000"]));
        let created = tool.post("/v1/assistance-requests", &body("ori:TX2270000")).await;
        let mut expected = created.expect(201);
        let path = format!("/v1/assistance-requests/{}", expected["id"].as_str().unwrap());
        assert_eq!(created.header("location"), path);
        let asker = expected["client"].clone();
        assert_eq!(expected, json!({"id": expected["id"], "agency": {"id": agency, "ori": "TX2270000", "name": "Agency TX2270000"}, "kind": "peer_agency",
            "topic": "co-response", "question": "Who of our size rides with clinicians?", "contact": {"name": "Maria Rivera", "email": "m.rivera@example.org"},
            "state": "open", "possible_states": ["in_progress", "closed"], "peer_agency": null, "client": asker, "notes": [],
            "created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"}));

        app.clock.advance(jiff::SignedDuration::from_hours(1));
        let taken = staff.post(&format!("{path}/transition"), &json!({"state": "in_progress"})).await.expect(200);
        let handler = taken["notes"][0]["client"].clone();
        assert_ne!(handler, asker);
        tool.post(&format!("{path}/notes"), &json!({"note": "We have 40 officers."})).await.expect(200);
        staff.post(&format!("{path}/notes"), &json!({"note": "Thank you."})).await.expect(200);
        let answer = json!({"state": "answered", "note": "Talk to them.", "peer_agency": "ori:TX2270100"});
        let answered = staff.post(&format!("{path}/transition"), &answer).await.expect(200);
        let at = "2026-11-21T13:00:00Z";
        expected["state"] = json!("answered");
        expected["possible_states"] = json!(["in_progress", "closed"]);
        expected["peer_agency"] = json!({"id": peer, "ori": "TX2270100", "name": "Agency TX2270100"});
        expected["updated_at"] = json!(at);
        expected["notes"] = json!([
            {"note": null, "state": "in_progress", "client": handler, "written_at": at},
            {"note": "We have 40 officers.", "state": null, "client": asker, "written_at": at},
            {"note": "Thank you.", "state": null, "client": handler, "written_at": at},
            {"note": "Talk to them.", "state": "answered", "client": handler, "written_at": at},
        ]);
        assert_eq!(answered, expected);
        let read = tool.get(&path).await;
        assert_eq!(read.expect(200), expected);
        assert_eq!(staff.all("/v1/assistance-requests?state=answered&kind=peer_agency&topic=co-response&agency=ori:TX2270000").await, [expected]);
        for none in ["state=open", "kind=technical_assistance", "topic=policy", "agency=ori:TX2270100"] {
            assert_eq!(staff.all(&format!("/v1/assistance-requests?{none}")).await, Vec::<Value>::new(), "{none}");
        }
    }

    async fn a_state_that_can_not_be_reached_is_a_conflict_that_names_those_that_can(app: TestApp) {
        app.agency("TX2270000").await;
        let staff = app.staff();
        let id = staff.post("/v1/assistance-requests", &body("ori:TX2270000")).await.expect(201)["id"].as_str().unwrap().to_owned();
        let (path, notes) = (format!("/v1/assistance-requests/{id}/transition"), format!("/v1/assistance-requests/{id}/notes"));
        let refused = staff.post(&path, &json!({"state": "answered", "note": "x"})).await;
        assert_eq!(refused.problem(409, "conflict"), [" impossible_step"]);
        assert!(refused.text.contains("possible: in_progress, closed"), "{}", refused.text);
        staff.post(&path, &json!({"state": "in_progress"})).await.expect(200);
        assert_eq!(staff.post(&path, &json!({"state": "answered"})).await.problem(422, "invalid-content"), ["/note required"]);
        let own = json!({"state": "answered", "peer_agency": "ori:TX2270000"});
        assert_eq!(staff.post(&path, &own).await.problem(422, "invalid-content"), ["/note required", "/peer_agency same_agency"]);
        assert_eq!(staff.post(&path, &json!({"state": "closed", "peer_agency": "ori:TX9999999"})).await.problem(422, "invalid-content").len(), 1);
        staff.post(&path, &json!({"state": "closed", "note": "Answered by telephone."})).await.expect(200);
        let refused = staff.post(&path, &json!({"state": "open"})).await;
        assert_eq!(refused.problem(409, "conflict"), [" impossible_step"]);
        assert!(refused.text.contains("possible: nothing more"), "{}", refused.text);
        assert_eq!(staff.post(&notes, &json!({"note": "One thing more"})).await.problem(409, "conflict"), [" request_closed"]);
    }

    async fn requests_stay_within_reach_and_are_handled_by_staff_alone(app: TestApp) {
        app.agency("TX2270000").await;
        app.agency("TX2270100").await;
        let tool = app.client("agency tool", "all", Some(&["ori:TX2270000"]));
        let other = app.client("another tool", "all", Some(&["ori:TX2270100"]));
        let id = tool.post("/v1/assistance-requests", &body("ori:TX2270000")).await.expect(201)["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/assistance-requests/{id}");
        tool.post(&format!("{path}/transition"), &json!({"state": "in_progress"})).await.problem(403, "outside-grant");
        other.get(&path).await.problem(404, "not-found");
        other.post(&format!("{path}/notes"), &json!({"note": "x"})).await.problem(404, "not-found");
        assert_eq!(other.all("/v1/assistance-requests").await, Vec::<Value>::new());
        assert_eq!(other.post("/v1/assistance-requests", &body("ori:TX2270000")).await.problem(422, "invalid-content").len(), 1);
    }
}
