//! What there is in the soak and whose it is, as far as anybody was told.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use onemind::http::access::FRESH;
use serde_json::Value;

use crate::support::Client;

/// How long what was taken away may still be seen: as long as another process keeps what it knows, and some for a busy machine.
pub const LATE: Duration = FRESH.saturating_add(Duration::from_secs(2));

/// Whose something is.
#[derive(Default, Clone)]
struct Whose {
    /// Agencies, one of which a client must be granted to see it.
    agencies: BTreeSet<String>,
    /// Agencies of which an answer alone tells, until somebody looks: they say nothing of whether that answer was right.
    told: BTreeSet<(String, Instant)>,
    /// Clients that made it.
    clients: BTreeSet<String>,
    /// Whether it is everybody's.
    shared: bool,
}

/// Everything that was told of, by anybody.
#[derive(Default)]
pub struct World {
    whose: Mutex<HashMap<String, Whose>>,
    /// The ids of each collection, to be named by whoever wants to.
    pools: Mutex<HashMap<String, Vec<String>>>,
}

/// The ids and ORIs in an answer.
pub struct Seen {
    pub tenant: usize,
    pub began: Instant,
    pub ended: Instant,
    pub ids: BTreeSet<String>,
    pub what: String,
}

/// A grant for an agency, from when it was asked for until when it was known to be gone.
pub struct Granted {
    pub id: String,
    pub agency: String,
    pub ori: String,
    pub from: Instant,
    pub until: Option<Instant>,
}

/// Lists whose items belong to an agency, a client, or everybody.
pub const LISTS: [&str; 12] = [
    "agencies",
    "officers",
    "completions",
    "partnerships",
    "policies",
    "pledges",
    "certifications",
    "assistance-requests",
    "course-mappings",
    "trainings",
    "standards",
    "resources",
];

impl World {
    /// Takes in an object of a collection, whoever told of it.
    pub fn learn(&self, collection: &str, object: &Value, client: Option<&str>) {
        let Some(id) = object["id"].as_str() else { return };
        let mut whose = Whose { shared: matches!(collection, "trainings" | "standards" | "resources"), ..Whose::default() };
        match collection {
            "agencies" => {
                whose.agencies.insert(id.to_owned());
                if let Some(ori) = object["ori"].as_str() {
                    self.add("agencies", ori, whose.clone());
                }
            }
            "officers" => {
                for appointment in object["appointments"].as_array().into_iter().flatten() {
                    whose.agencies.extend(appointment["agency"]["id"].as_str().map(str::to_owned));
                    self.learn("appointments", appointment, None);
                }
            }
            "completions" => {
                whose.clients.extend(object["client"].as_str().map(str::to_owned));
                if let Some(officer) = object["officer_id"].as_str() {
                    let held = self.whose.lock().unwrap();
                    whose.agencies.extend(held.get(officer).map(|officer| officer.agencies.clone()).unwrap_or_default());
                }
            }
            _ => whose.agencies.extend(object["agency"]["id"].as_str().map(str::to_owned)),
        }
        whose.clients.extend(client.filter(|_| matches!(collection, "course-mappings" | "csv-mappings" | "webhooks")).map(str::to_owned));
        self.add(collection, id, whose);
    }

    /// Takes in that an officer was appointed at an agency, as the answer to what was asked at `began` told.
    pub fn appointed(&self, officer: &str, agency: &str, began: Instant) {
        let told = BTreeSet::from([(agency.to_owned(), began)]);
        self.add("officers", officer, Whose { told, ..Whose::default() });
    }

    fn add(&self, collection: &str, id: &str, more: Whose) {
        let mut held = self.whose.lock().unwrap();
        if !held.contains_key(id) && uuid::Uuid::try_parse(id).is_ok() {
            self.pools.lock().unwrap().entry(collection.to_owned()).or_default().push(id.to_owned());
        }
        let whose = held.entry(id.to_owned()).or_default();
        whose.agencies.extend(more.agencies);
        whose.told.extend(more.told);
        whose.clients.extend(more.clients);
        whose.shared |= more.shared;
    }

    /// Takes in everything that there is.
    pub async fn survey(&self, staff: &Client) {
        for list in LISTS {
            for object in staff.all(&format!("/v1/{list}?limit=500")).await {
                self.learn(list, &object, None);
            }
        }
    }

    /// One of a collection; `pick` is any number.
    pub fn any(&self, collection: &str, pick: usize) -> Option<String> {
        let pools = self.pools.lock().unwrap();
        let pool = pools.get(collection)?;
        pool.get(pick % pool.len().max(1)).cloned()
    }

    /// One of anything.
    pub fn anything(&self, pick: usize) -> Option<String> {
        let pools = self.pools.lock().unwrap();
        let mut all: Vec<&Vec<String>> = pools.values().filter(|pool| !pool.is_empty()).collect();
        all.sort();
        let pool = all.get(pick % all.len().max(1))?;
        pool.get(pick / 7 % pool.len()).cloned()
    }

    /// How many things there are.
    pub fn size(&self) -> usize {
        self.whose.lock().unwrap().len()
    }

    /// Those that a client was told of and should not have been, and those of which nobody knows what they are.
    pub fn leaked(&self, seen: &Seen, client: &str, grants: &[Granted], clients: &HashSet<String>) -> (Vec<String>, Vec<String>) {
        let covers = |grant: &&Granted| grant.from <= seen.ended && grant.until.is_none_or(|until| seen.began <= until + LATE);
        let agencies: BTreeSet<&String> = grants.iter().filter(covers).map(|grant| &grant.agency).collect();
        let held = self.whose.lock().unwrap();
        let of_them = |whose: &Whose| {
            let told = || whose.told.iter().any(|(agency, began)| *began != seen.began && agencies.contains(agency));
            whose.agencies.iter().any(|agency| agencies.contains(agency)) || told()
        };
        let (mut leaked, mut unknown) = (Vec::new(), Vec::new());
        for id in &seen.ids {
            match held.get(id) {
                None if clients.contains(id) => {}
                None => unknown.push(id.clone()),
                Some(whose) if whose.shared || whose.clients.contains(client) || of_them(whose) => {}
                Some(_) => leaked.push(id.clone()),
            }
        }
        (leaked, unknown)
    }
}
