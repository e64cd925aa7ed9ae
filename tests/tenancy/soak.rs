//! Fifty clients with grants at random read and write everything that they can name, while grants come and go and clients are
//! revoked: no answer holds an id or an ORI of something out of the grants that its client had.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use onemind::http::auth::SCOPES;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::ALONE;
use crate::support::document::{Document, NO_ID, Operation};
use crate::support::scene::AGENCY;
use crate::support::vendor::Vendor;
use crate::support::{Backend, Client, Reply, TestApp};
use crate::world::{Granted, LATE, Seen, World};

const CLIENTS: usize = 50;
const AGENCIES: usize = 40;

/// For how long they call; at most a minute.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the service")]
fn seconds() -> u64 {
    std::env::var("ONEMIND_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(20).min(60)
}

struct Tenant {
    id: String,
    /// At the service, and at another process over the same database.
    clients: [Client; 2],
    grants: Mutex<Vec<Granted>>,
    /// Since when it was known to be revoked, and since when it was being revoked.
    revoked: Mutex<Option<(Instant, Option<Instant>)>>,
}

struct Soak {
    document: Document,
    operations: Vec<Operation>,
    world: World,
    tenants: Vec<Tenant>,
    oris: Vec<(String, String)>,
    seen: Mutex<Vec<Seen>>,
    faults: Mutex<Vec<String>>,
    counts: Mutex<Counts>,
    until: Instant,
}

#[derive(Default, Debug)]
struct Counts {
    answers: usize,
    good: usize,
    gone: usize,
}

/// Numbers at random.
struct Dice(TestRunner);

impl Dice {
    fn new() -> Self {
        Self(TestRunner::new(ProptestConfig::default()))
    }

    fn roll(&mut self) -> usize {
        any::<u32>().new_tree(&mut self.0).unwrap().current() as usize
    }

    fn below(&mut self, end: usize) -> usize {
        self.roll() % end
    }
}

fn ori(index: usize) -> String {
    format!("TX{index:05}00")
}

/// The client that made what an agency has at the beginning.
fn operator(index: usize) -> String {
    format!("operator-{index}")
}

/// Something of every kind at an agency.
async fn furnish(app: &TestApp, index: usize) -> (String, String) {
    let (ori, key) = (ori(index), format!("ori:{}", ori(index)));
    let id = app.agency(&ori).await;
    let operator = app.client(&operator(index), "all", Some(&[&key]));
    let person = json!({"given_name": "Ada", "family_name": format!("Officer{index}"), "identifiers": [{"system": "post:US-TX", "value": format!("P-{index}")}],
        "appointments": [{"agency": key, "sworn": true, "badge_number": "88", "started_on": "2019-05-01"}]});
    operator.post("/v1/officers", &person).await.expect(201);
    let completion = json!({"external_id": "rec-1", "officer": {"agency": key, "badge_number": "88"}, "training": {"code": "CIT-40"}, "completed_on": "2026-03-06"});
    operator.post("/v1/completions", &completion).await.expect(201);
    let policy = json!({"agency": key, "title": "Response to people in crisis", "adopted_on": "2025-01-01", "ends_on": null, "document": null});
    operator.post("/v1/policies", &policy).await.expect(201);
    let partnership = json!({"agency": key, "organization": {"name": "Hill Country MHDD", "kind": "community_mental_health"}, "agreement": "mou",
        "effective_on": "2025-01-01", "ends_on": null, "document": null});
    operator.post("/v1/partnerships", &partnership).await.expect(201);
    let pledge = json!({"agency": key, "standard": "one-mind", "pledged_on": "2025-02-01", "term_months": 24,
        "signatory": {"name": "Maria Rivera", "title": "Chief of Police"}});
    operator.post("/v1/pledges", &pledge).await.expect(201);
    (id, ori)
}

/// Has each officer serve at the next agency too: who sees that agency sees the officer and their credit, and nothing of the first.
async fn share_officers(app: &TestApp, agencies: &[(String, String)]) {
    let staff = app.staff();
    for (officer, next) in staff.all("/v1/officers").await.iter().zip(agencies.iter().cycle().skip(1)) {
        let spell = json!({"agency": next.0, "sworn": true, "employment": "part_time", "started_on": "2024-05-01"});
        staff.post(&format!("/v1/officers/{}/appointments", officer["id"].as_str().unwrap()), &spell).await.expect(201);
    }
}

async fn grant(staff: &Client, tenant: &str, (agency, ori): &(String, String)) -> Granted {
    let from = Instant::now();
    let body = json!({"client": tenant, "agency": agency, "starts_on": "2020-01-01", "ends_on": null});
    let made = staff.post("/v1/grants", &body).await.expect(201);
    Granted { id: made["id"].as_str().unwrap().to_owned(), agency: agency.clone(), ori: ori.clone(), from, until: None }
}

impl Soak {
    async fn make(app: &TestApp, replica: &str) -> Self {
        app.training("CIT-40").await;
        let mut oris = Vec::new();
        for index in 0..AGENCIES {
            oris.push(furnish(app, index).await);
        }
        share_officers(app, &oris).await;
        let scopes: Vec<&str> = SCOPES.iter().map(|(name, _)| *name).collect();
        let (staff, mut dice, mut tenants) = (app.staff(), Dice::new(), Vec::new());
        for index in 0..CLIENTS {
            let vendor = Vendor::make(app, &json!({"name": format!("Client {index}"), "kind": "lms", "scopes": scopes}), &[]).await;
            let here = vendor.client(app).await;
            let there = Client::new(replica, here.token.clone());
            let mut grants = Vec::new();
            for _ in 0..=dice.below(3) {
                grants.push(grant(&staff, &vendor.id, &oris[dice.below(AGENCIES)]).await);
            }
            tenants.push(Tenant { id: vendor.id, clients: [here, there], grants: Mutex::new(grants), revoked: Mutex::default() });
        }
        let world = World::default();
        world.survey(&staff).await;
        let document = Document::current();
        let operations = document.operations().into_iter().filter(|operation| operation.scopes().is_some()).collect();
        let until = Instant::now() + Duration::from_secs(seconds());
        let (seen, faults, counts) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { document, operations, world, tenants, oris, seen, faults, counts, until }
    }

    fn fault(&self, what: String) {
        self.faults.lock().unwrap().push(what);
    }

    /// An agency by id or ORI: more often than not one of the client's own.
    fn agency(&self, tenant: &Tenant, dice: &mut Dice) -> String {
        let grants = tenant.grants.lock().unwrap();
        let own: Vec<(&String, &String)> = grants.iter().filter(|grant| grant.until.is_none()).map(|grant| (&grant.agency, &grant.ori)).collect();
        let (id, ori) = if own.is_empty() || dice.below(5) < 2 {
            let (id, ori) = &self.oris[dice.below(AGENCIES)];
            (id, ori)
        } else {
            own[dice.below(own.len())]
        };
        if dice.below(2) == 0 { id.clone() } else { format!("ori:{ori}") }
    }

    fn path(&self, tenant: &Tenant, operation: &Operation, dice: &mut Dice) -> String {
        let mut before = String::new();
        let mut path = String::new();
        for segment in operation.path.split('/').skip(1) {
            let filled = match segment {
                "{agency}" => self.agency(tenant, dice),
                _ if segment.starts_with('{') => self.world.any(&before, dice.roll()).unwrap_or_else(|| NO_ID.to_owned()),
                _ => segment.to_owned(),
            };
            segment.clone_into(&mut before);
            path = format!("{path}/{filled}");
        }
        let filters: Vec<&str> = operation.parameters("query").iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
        if operation.is_list() {
            path += "?limit=100";
            match (dice.below(3), filters.contains(&"agency"), filters.contains(&"officer")) {
                (0, true, _) => path = format!("{path}&agency={}", self.agency(tenant, dice)),
                (0, _, true) => path = format!("{path}&officer={}", self.world.any("officers", dice.roll()).unwrap_or_else(|| NO_ID.to_owned())),
                _ => {}
            }
        }
        path
    }

    /// The example with agencies, ids and keys at random.
    fn body(&self, tenant: &Tenant, value: &Value, dice: &mut Dice) -> Value {
        match value {
            Value::String(text) if text == AGENCY => self.agency(tenant, dice).into(),
            Value::String(text) if text == "TX2270000" => ori(dice.below(AGENCIES)).into(),
            Value::String(text) if uuid::Uuid::try_parse(text).is_ok() => self.world.anything(dice.roll()).unwrap_or_else(|| NO_ID.to_owned()).into(),
            Value::Array(items) => items.iter().map(|item| self.body(tenant, item, dice)).collect(),
            Value::Object(members) => {
                let mut body: serde_json::Map<String, Value> =
                    members.iter().map(|(name, member)| (name.clone(), self.body(tenant, member, dice))).collect();
                for name in ["external_id", "code", "badge_number", "family_name"] {
                    if body.get(name).is_some_and(Value::is_string) && dice.below(2) == 0 {
                        body.insert(name.into(), format!("X{}", dice.below(200)).into());
                    }
                }
                if body.contains_key("identifiers") && dice.below(2) == 0 {
                    body.insert("identifiers".into(), json!([{"system": "post:US-TX", "value": format!("P-{}", dice.below(200))}]));
                }
                body.into()
            }
            other => other.clone(),
        }
    }

    /// Calls until the time is over.
    async fn act(self: Arc<Self>, index: usize) {
        let (tenant, mut dice) = (&self.tenants[index], Dice::new());
        while Instant::now() < self.until {
            let operation = &self.operations[dice.below(self.operations.len())];
            let client = &tenant.clients[dice.below(2)];
            let path = self.path(tenant, operation, &mut dice);
            let mut request = client.request(operation.verb(), &path);
            let mut sent = String::new();
            if let Some((media_type, schema)) = operation.body() {
                sent = self.body(tenant, &self.document.example(schema).unwrap(), &mut dice).to_string();
                request = request.header("content-type", media_type).body(sent.clone());
            }
            let began = Instant::now();
            let reply = client.send(request).await;
            self.take_in(index, operation, &format!("{path} {sent}"), began, &reply);
            if reply.status == 401 {
                sleep(Duration::from_millis(100)).await;
            }
        }
    }

    fn take_in(&self, index: usize, operation: &Operation, asked: &str, began: Instant, reply: &Reply) {
        let (tenant, ended) = (&self.tenants[index], Instant::now());
        let revoked = *tenant.revoked.lock().unwrap();
        {
            let mut counts = self.counts.lock().unwrap();
            counts.answers += 1;
            counts.good += usize::from(reply.status < 300);
            counts.gone += usize::from(reply.status == 401);
        }
        let what = || format!("{} {asked}: {} {}", operation.method, reply.status, reply.text);
        match (reply.status, revoked) {
            (500.., _) | (401, None) => self.fault(what()),
            (status, Some((_, Some(known)))) if status != 401 && began > known + LATE => self.fault(format!("after it was revoked: {}", what())),
            _ => {}
        }
        let mut body = if reply.text.starts_with('{') { reply.json() } else { Value::Null };
        if reply.status == 201 {
            let collection = operation.path.rsplit('/').next().unwrap();
            self.world.learn(collection, &body, Some(&tenant.id));
        }
        if reply.status < 300 {
            self.appointments(operation, asked, began, &body);
        }
        if operation.path == "/v1/completions/batch" {
            for result in body["results"].as_array().into_iter().flatten() {
                self.world.learn("completions", &json!({"id": result["id"], "client": tenant.id}), None);
            }
        } else if operation.path.contains("/completions") && reply.status < 300 {
            self.own_completions(&tenant.id, &mut body);
        }
        if operation.path == "/v1/events" {
            // Of what is told of an event, the agency says whose it is.
            let items = body["items"].as_array().cloned().unwrap_or_default();
            body = items.iter().map(|item| item["agency"].clone()).collect();
        }
        if let Some(members) = body.as_object_mut() {
            members.remove("instance");
        }
        if operation.path.starts_with("/v1/webhooks") {
            without_agencies(&mut body);
        }
        let location = reply.headers.get("location").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let mut ids = names_in(&format!("{body} {location}"));
        // What is wrong is told in the words of who sent it.
        if reply.status >= 400 || reply.status == 207 {
            ids.retain(|id| !asked.contains(id.as_str()));
        }
        self.seen.lock().unwrap().push(Seen { tenant: index, began, ended, ids, what: format!("{} {asked}", operation.method) });
    }

    /// Learns who was appointed where: it may have been struck out again before anybody looked.
    fn appointments(&self, operation: &Operation, asked: &str, began: Instant, body: &Value) {
        if operation.path == "/v1/officers/{id}/appointments" && operation.method == "POST" {
            self.world.appointed(body["officer_id"].as_str().unwrap(), body["agency"]["id"].as_str().unwrap(), began);
        }
        if operation.path == "/v1/agencies/{agency}/roster" {
            let named = asked.split('/').nth(3).unwrap();
            let (agency, _) = self.oris.iter().find(|(id, ori)| named == id || named.strip_prefix("ori:") == Some(ori)).unwrap();
            let results = body["results"].as_array().into_iter().flatten();
            results.filter_map(|result| result["officer_id"].as_str()).for_each(|officer| self.world.appointed(officer, agency, began));
        }
    }

    /// Learns whose the completions are that the client pushed itself, and leaves out by what it named the officer, and whom it meant:
    /// that is the client's own to see, whatever its grants are now.
    fn own_completions(&self, client: &str, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.own_completions(client, item)),
            Value::Object(members) if members.get("client").and_then(Value::as_str) == Some(client) => {
                self.world.learn("completions", &json!({"id": members["id"], "client": client}), None);
                members.remove("officer");
                members.remove("officer_id");
            }
            Value::Object(members) => members.values_mut().for_each(|member| self.own_completions(client, member)),
            _ => {}
        }
    }

    /// Gives and takes grants, revokes clients, and looks at what there is.
    async fn administer(self: Arc<Self>, staff: Client) {
        let (mut dice, mut turn) = (Dice::new(), 0);
        while Instant::now() < self.until {
            turn += 1;
            let tenant = &self.tenants[dice.below(CLIENTS)];
            let running: Vec<String> =
                tenant.grants.lock().unwrap().iter().filter(|grant| grant.until.is_none()).map(|grant| grant.id.clone()).collect();
            if turn % 10 == 0 && turn <= 100 {
                *tenant.revoked.lock().unwrap() = Some((Instant::now(), None));
                staff.post(&format!("/v1/clients/{}/revocation", tenant.id), &json!({"reason": "the soak"})).await.expect(200);
                *tenant.revoked.lock().unwrap() = Some((Instant::now(), Some(Instant::now())));
            } else if running.len() > 1 && dice.below(2) == 0 {
                let id = &running[dice.below(running.len())];
                staff.delete(&format!("/v1/grants/{id}")).await.expect(204);
                let mut grants = tenant.grants.lock().unwrap();
                grants.iter_mut().filter(|grant| grant.id == *id).for_each(|grant| grant.until = Some(Instant::now()));
            } else {
                let new = grant(&staff, &tenant.id, &self.oris[dice.below(AGENCIES)]).await;
                tenant.grants.lock().unwrap().push(new);
            }
            if turn % 15 == 0 {
                self.world.survey(&staff).await;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Every answer with an id of something that its client was not granted; how many ids there were, and those that nobody knows.
    fn leaks(&self) -> (Vec<String>, usize, Vec<String>) {
        let mut clients: HashSet<String> = self.tenants.iter().map(|tenant| tenant.id.clone()).collect();
        clients.extend((0..AGENCIES).map(|index| onemind::tokens::client_id(&operator(index)).to_string()));
        let (mut leaks, mut ids, mut unknown) = (Vec::new(), 0, Vec::new());
        for seen in self.seen.lock().unwrap().iter() {
            let tenant = &self.tenants[seen.tenant];
            let (leaked, nobodys) = self.world.leaked(seen, &tenant.id, &tenant.grants.lock().unwrap(), &clients);
            ids += seen.ids.len();
            unknown.extend(nobodys.into_iter().map(|id| format!("{id} in the answer to {}", seen.what)));
            if !leaked.is_empty() {
                leaks.push(format!("{leaked:?} in the answer to {}", seen.what));
            }
        }
        (leaks, ids, unknown)
    }
}

/// Leaves out the agencies that a client named itself for a webhook of its own.
fn without_agencies(value: &mut Value) {
    if let Some(members) = value.as_object_mut() {
        members.remove("agencies");
        members.values_mut().for_each(without_agencies);
    }
    value.as_array_mut().into_iter().flatten().for_each(without_agencies);
}

/// The ids and ORIs in a text.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words
        .filter(|word| (word.len() == 9 && word.starts_with("TX000")) || (word.len() == 36 && uuid::Uuid::try_parse(word).is_ok()))
        .map(str::to_owned)
        .collect()
}

async fn soak(backend: Backend) {
    let _alone = ALONE.lock().await;
    let app = TestApp::start_with(backend, |config| config.pool_size = 8).await;
    let replica = app.replica();
    let soak = Arc::new(Soak::make(&app, &replica.address).await);
    let mut tasks: Vec<_> = (0..CLIENTS).map(|index| actix_web::rt::spawn(soak.clone().act(index))).collect();
    tasks.push(actix_web::rt::spawn(soak.clone().administer(app.staff())));
    for task in tasks {
        task.await.unwrap();
    }
    soak.world.survey(&app.staff()).await;
    let (leaks, ids, unknown) = soak.leaks();
    let counts = soak.counts.lock().unwrap();
    println!(
        "{backend:?}: {counts:?}, {ids} ids and ORIs in them, {} things, {} ids of what was gone before anybody looked",
        soak.world.size(),
        unknown.len()
    );
    let faults = soak.faults.lock().unwrap();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.iter().take(10).cloned().collect::<Vec<_>>().join("\n"));
    assert!(leaks.is_empty(), "{} answers:\n{}", leaks.len(), leaks.iter().take(10).cloned().collect::<Vec<_>>().join("\n"));
    assert!(counts.good > 500 && counts.gone > 0 && ids > 1000, "{counts:?}: too little was asked to show anything");
    assert!(
        unknown.len() * 50 < ids,
        "{} of {ids} ids can't be told whose they are:\n{}",
        unknown.len(),
        unknown.iter().take(10).cloned().collect::<Vec<_>>().join("\n")
    );
    crate::log::check(&app);
}

#[actix_web::test]
async fn fifty_clients_see_nothing_out_of_their_grants_sqlite() {
    soak(Backend::Sqlite).await;
}

#[actix_web::test]
async fn fifty_clients_see_nothing_out_of_their_grants_postgres() {
    if Backend::postgres_is_here() {
        soak(Backend::Postgres).await;
    }
}
