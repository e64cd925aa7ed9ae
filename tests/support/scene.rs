//! One of everything that has a path of its own, and what the tables hold.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::prelude::*;
use onemind::storage::{AnyConn, StorageError};
use serde_json::{Value, json};

use super::document::Operation;
use super::{Backend, Client, TestApp};

/// The agency of the scene; the examples of the document name it.
pub const AGENCY: &str = "ori:TX2270000";

/// One of everything, made by a client whose grant is for the agency alone.
pub struct Scene {
    /// The path of each, by its path in the document.
    paths: BTreeMap<&'static str, String>,
    /// Who made what can be made by a client with that grant.
    pub client: Client,
}

/// What a client sent that tells of somebody whom another agency holds.
async fn join(app: &TestApp) -> String {
    app.agency("TX0000009").await;
    let person = |agency: &str| {
        json!({"given_name": "Ada", "family_name": "Wong", "identifiers": [{"system": "post:US-TX", "value": "77-1"}],
            "appointments": [{"agency": agency, "sworn": true, "started_on": "2020-01-01"}]})
    };
    let elsewhere = app.client("rms-9", "officers:write", Some(&["ori:TX0000009"]));
    elsewhere.post("/v1/officers", &person("ori:TX0000009")).await.expect(201);
    let here = app.client("vendor", "all", Some(&[AGENCY]));
    here.post("/v1/officers", &person(AGENCY)).await.expect(201);
    app.staff().all("/v1/officer-joins").await[0]["id"].as_str().unwrap().to_owned()
}

/// Two officers of an agency that nothing else is at, merged; answers the id of the merge.
async fn merge(app: &TestApp) -> String {
    let staff = app.staff();
    app.agency("TX0000008").await;
    let mut ids = Vec::new();
    for given_name in ["Ana", "Anna"] {
        let appointment = json!({"agency": "ori:TX0000008", "sworn": true, "started_on": "2019-05-01"});
        let officer = json!({"given_name": given_name, "family_name": "Diaz", "appointments": [appointment]});
        ids.push(staff.post("/v1/officers", &officer).await.expect(201)["id"].clone());
    }
    let merge = json!({"kept": {"id": ids[0]}, "merged": {"id": ids[1]}, "reason": "entered twice"});
    staff.post("/v1/officer-merges", &merge).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// An application of the agency, which meets everything, on which an award was made that was revoked since; answers its path.
async fn former_award(app: &TestApp, client: &Client) -> String {
    let application = client.post("/v1/certifications", &json!({"agency": AGENCY})).await.expect(201);
    let path = format!("/v1/certifications/{}", application["id"].as_str().unwrap());
    let reviewer = app.client("reviewer", "certifications:decide", None);
    for decision in ["start_review", "award", "revoke"] {
        reviewer.post(&format!("{path}/decision"), &json!({"decision": decision, "note": "as discussed"})).await.expect(200);
    }
    path
}

/// An agency that nothing else is at, certified; answers the number of its certificate. The training CIT-40 counts by then.
async fn certificate(app: &TestApp) -> String {
    app.agency("TX0000007").await;
    let (staff, agency) = (app.staff(), "ori:TX0000007");
    let signatory = json!({"name": "Maria Rivera", "title": "Chief of Police"});
    let appointment = json!({"agency": agency, "sworn": true, "badge_number": "7", "started_on": "2019-05-01"});
    let organization = json!({"name": "Hill Country MHDD", "kind": "community_mental_health"});
    for (path, body) in [
        ("/v1/pledges", json!({"agency": agency, "standard": "one-mind", "pledged_on": "2025-02-01", "term_months": 24, "signatory": signatory})),
        ("/v1/partnerships", json!({"agency": agency, "organization": organization, "agreement": "mou", "effective_on": "2025-01-01"})),
        ("/v1/policies", json!({"agency": agency, "title": "Response to people in crisis", "adopted_on": "2025-01-01"})),
        ("/v1/officers", json!({"given_name": "Lee", "family_name": "Park", "appointments": [appointment]})),
        (
            "/v1/completions",
            json!({"external_id": "rec-7", "officer": {"agency": agency, "badge_number": "7"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"}),
        ),
    ] {
        staff.post(path, &body).await.expect(201);
    }
    let applied = app.client("applicant", "all", Some(&[agency])).post("/v1/certifications", &json!({"agency": agency})).await.expect(201);
    let decide = format!("/v1/certifications/{}/decision", applied["id"].as_str().unwrap());
    staff.post(&decide, &json!({"decision": "start_review"})).await.expect(200);
    staff.post(&decide, &json!({"decision": "award"})).await.expect(200)["number"].as_str().unwrap().to_owned()
}

impl Scene {
    pub async fn make(app: &TestApp) -> Self {
        let agency = app.agency("TX2270000").await;
        let staff = app.staff();
        let client = app.client("vendor", "all", Some(&[AGENCY]));
        let created = |reply: super::Reply| reply.expect(201)["id"].as_str().unwrap().to_owned();
        let appointment = json!({"agency": AGENCY, "sworn": true, "badge_number": "88", "started_on": "2019-05-01"});
        let officer = json!({"given_name": "Maria", "family_name": "Rivera", "appointments": [appointment]});
        let officer = client.post("/v1/officers", &officer).await.expect(201);
        let appointment = officer["appointments"][0]["id"].as_str().unwrap();
        let officer = officer["id"].as_str().unwrap();
        let training = app.training("CIT-40").await;
        staff.put(&format!("/v1/trainings/{training}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
        let mapping = json!({"code": "vendor-4711", "training": training, "effective_from": "2020-01-01", "effective_to": null});
        let mapping = created(client.post("/v1/course-mappings", &mapping).await);
        let columns = json!({"name": "nightly", "kind": "completions", "map": [{"field": "completed_on", "column": "Day"}]});
        let columns = created(client.post("/v1/csv-mappings", &columns).await);
        let completion = json!({"external_id": "rec-1", "officer": {"agency": AGENCY, "badge_number": "88", "family_name": "Rivera"},
            "training": {"code": "vendor-4711"}, "completed_on": "2026-03-06"});
        let completion = created(client.post("/v1/completions", &completion).await);
        let partnership = json!({"agency": AGENCY, "organization": {"name": "Hill Country MHDD", "kind": "community_mental_health"}, "agreement": "mou",
            "effective_on": "2025-01-01", "ends_on": null, "document": null});
        let partnership = created(client.post("/v1/partnerships", &partnership).await);
        let policy =
            json!({"agency": AGENCY, "title": "Response to people in crisis", "adopted_on": "2025-01-01", "ends_on": null, "document": null});
        let policy = created(client.post("/v1/policies", &policy).await);
        let pledge = json!({"agency": AGENCY, "standard": "one-mind", "pledged_on": "2025-02-01", "term_months": 24,
            "signatory": {"name": "Maria Rivera", "title": "Chief of Police"}});
        let batch = json!({"completions": [{"external_id": "later", "officer": {"email": "m.rivera@example.org"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"}]});
        let batch = client.request(reqwest::Method::POST, "/v1/completions/batch").header("prefer", "respond-async").json(&batch);
        let import = client.send(batch).await.expect(202)["id"].as_str().unwrap().to_owned();
        let pledge = created(client.post("/v1/pledges", &pledge).await);
        let awarded = former_award(app, &client).await;
        let certification = created(client.post("/v1/certifications", &json!({"agency": AGENCY})).await);
        let webhook = json!({"url": "https://hooks.example.org/onemind", "event_types": ["pledge.made"], "agencies": null});
        let webhook = created(client.post("/v1/webhooks", &webhook).await);
        let delivery = onemind::service::new_id();
        let resource = json!({"kind": "toolkit", "topics": ["policy"], "title": "A toolkit", "summary": "What to do.", "link": "https://example.org/toolkit",
            "publisher": "IACP", "published_on": "2025-04-01", "language": "en"});
        let resource = created(staff.post("/v1/resources", &resource).await);
        let assistance = json!({"agency": AGENCY, "kind": "technical_assistance", "topic": "policy", "question": "Where to begin?",
            "contact": {"name": "Maria Rivera", "email": "m.rivera@example.org"}});
        let assistance = created(client.post("/v1/assistance-requests", &assistance).await);
        let standard = json!({"code": "one-mind-2030", "title": "One Mind 2030", "crisis_share": {"numerator": 1, "denominator": 4},
            "crisis_counts_as_awareness": true, "lapsed_credit_counts": false});
        created(staff.post("/v1/standards", &standard).await);
        let key = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
        let vendor = json!({"name": "Riverside LMS", "kind": "lms", "scopes": ["completions:write"], "jwks": key});
        let vendor = staff.post("/v1/clients", &vendor).await.expect(201);
        let (secret, vendor) = (vendor["secrets"][0]["id"].as_str().unwrap(), vendor["id"].as_str().unwrap());
        let grant = json!({"client": vendor, "agency": AGENCY, "starts_on": "2026-01-01", "ends_on": null});
        let grant = created(staff.post("/v1/grants", &grant).await);
        let entry = staff.get("/v1/audit-log?limit=1").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let paths = BTreeMap::from([
            ("/v1/audit-log/{id}", format!("/v1/audit-log/{entry}")),
            ("/v1/agencies/{agency}", format!("/v1/agencies/{agency}")),
            ("/v1/certifications/{id}", format!("/v1/certifications/{certification}")),
            ("/v1/certifications/{id}/certificate.pdf", format!("{awarded}/certificate.pdf")),
            ("/v1/certifications/{id}/credential", format!("{awarded}/credential")),
            ("/v1/certifications/{id}/letter.pdf", format!("{awarded}/letter.pdf")),
            ("/v1/clients/{id}", format!("/v1/clients/{vendor}")),
            ("/v1/clients/{id}/secrets/{secret}", format!("/v1/clients/{vendor}/secrets/{secret}")),
            ("/v1/grants/{id}", format!("/v1/grants/{grant}")),
            ("/v1/completions/{id}", format!("/v1/completions/{completion}")),
            ("/v1/course-mappings/{id}", format!("/v1/course-mappings/{mapping}")),
            ("/v1/csv-mappings/{id}", format!("/v1/csv-mappings/{columns}")),
            ("/v1/imports/{id}", format!("/v1/imports/{import}")),
            ("/v1/officer-joins/{id}", format!("/v1/officer-joins/{}", join(app).await)),
            ("/v1/officer-merges/{id}", format!("/v1/officer-merges/{}", merge(app).await)),
            ("/v1/officers/{id}", format!("/v1/officers/{officer}")),
            ("/v1/officers/{id}/appointments/{appointment}", format!("/v1/officers/{officer}/appointments/{appointment}")),
            ("/v1/partnerships/{id}", format!("/v1/partnerships/{partnership}")),
            ("/v1/pledges/{id}", format!("/v1/pledges/{pledge}")),
            ("/v1/policies/{id}", format!("/v1/policies/{policy}")),
            ("/v1/standards/{standard}", "/v1/standards/one-mind-2030".to_owned()),
            ("/v1/webhooks/{id}", format!("/v1/webhooks/{webhook}")),
            ("/v1/webhooks/{id}/deliveries/{delivery}", format!("/v1/webhooks/{webhook}/deliveries/{delivery}")),
            ("/v1/trainings/{id}", format!("/v1/trainings/{training}")),
            ("/public/status-lists/{year}", "/public/status-lists/2026".to_owned()),
            ("/v1/resources/{id}", format!("/v1/resources/{resource}")),
            ("/v1/assistance-requests/{id}", format!("/v1/assistance-requests/{assistance}")),
            ("/public/agencies/{ori}", "/public/agencies/TX2270000".to_owned()),
            ("/public/certificates/{number}", format!("/public/certificates/{}", certificate(app).await)),
            ("/problems/{slug}", "/problems/not-found".to_owned()),
        ]);
        Self { paths, client }
    }

    /// Who may see and change what the operation is on: staff, except for a client's own course codes.
    pub fn caller<'a>(&'a self, staff: &'a Client, operation: &Operation) -> &'a Client {
        let own = ["/v1/course-mappings/", "/v1/csv-mappings/", "/v1/imports/", "/v1/webhooks/"];
        if own.iter().any(|own| operation.path.starts_with(own)) { &self.client } else { staff }
    }

    /// The ids of what a client without grants doesn't see.
    pub fn ids(&self) -> BTreeSet<String> {
        let tenants = self.paths.iter().filter(|(pattern, _)| !pattern.starts_with("/v1/trainings/") && !pattern.starts_with("/v1/resources/"));
        let segments = tenants.flat_map(|(_, path)| path.split('/'));
        segments.filter(|segment| uuid::Uuid::try_parse(segment).is_ok()).map(str::to_owned).collect()
    }

    /// The path of the operation on what the scene holds.
    pub fn path(&self, operation: &Operation) -> String {
        if operation.name() == "PUT /xapi/statements" {
            return format!("{}?statementId=6690e6c9-3ef0-4ed3-8b37-7f3964730bee", operation.path);
        }
        let held = self.paths.iter().filter(|(pattern, _)| operation.path.starts_with(*pattern)).max_by_key(|(pattern, _)| pattern.len());
        let path = held.map_or_else(|| operation.path.clone(), |(pattern, path)| operation.path.replacen(pattern, path, 1));
        assert!(!path.contains('{'), "the scene holds nothing for {}: add it in tests/support/scene.rs", operation.path);
        path
    }
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// How many rows each table holds, the audit log aside: a refusal is an entry there.
pub async fn rows(app: &TestApp) -> BTreeMap<String, i64> {
    let tables = match app.backend {
        Backend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'audit%'",
        Backend::Postgres => "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'audit%'",
    };
    let count = move |conn: &mut AnyConn| -> Result<BTreeMap<String, i64>, StorageError> {
        let mut counts = BTreeMap::new();
        for Name { name } in diesel::sql_query(tables).load::<Name>(conn)? {
            let count = diesel::sql_query(format!("SELECT count(*) AS count FROM {name}")).get_result::<Count>(conn)?.count;
            counts.insert(name, count);
        }
        Ok(counts)
    };
    app.registry.store.read(count).await.unwrap()
}

/// What the registry holds: the rows of each table, and every list in full as staff see it, the audit log aside.
pub async fn held(app: &TestApp, operations: &[Operation]) -> (BTreeMap<String, i64>, BTreeMap<String, Vec<Value>>) {
    let staff = app.staff();
    let mut lists = BTreeMap::new();
    for operation in operations.iter().filter(|operation| operation.is_list() && !operation.path.contains('{') && operation.path != "/v1/audit-log") {
        lists.insert(operation.path.clone(), staff.all(&operation.path).await);
    }
    (rows(app).await, lists)
}

/// Everything that the database holds, as text.
pub async fn everything(app: &TestApp) -> String {
    match app.backend {
        Backend::Sqlite => {
            let folder = std::fs::read_dir(&app.config.data_dir).unwrap().map(|entry| entry.unwrap().path());
            let files = folder.filter(|path| path.to_string_lossy().contains("onemind.db"));
            files.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
        }
        Backend::Postgres => {
            let tables: Vec<String> = rows(app).await.into_keys().collect();
            let read = move |conn: &mut AnyConn| -> Result<String, StorageError> {
                let mut all = String::new();
                for table in &tables {
                    let text = format!("SELECT coalesce(string_agg(t::text, ' '), '') AS name FROM {table} AS t");
                    all += &diesel::sql_query(text).get_result::<Name>(conn)?.name;
                }
                Ok(all)
            };
            app.registry.store.read(read).await.unwrap()
        }
    }
}
