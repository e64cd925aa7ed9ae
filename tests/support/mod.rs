//! What the tests stand on: a running service over a database of its own, on either system, and clients that call it.

pub mod client;
pub mod database;
pub mod document;
pub mod raw;
pub mod rows;
pub mod scene;
pub mod vendor;

use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web;
use jiff::SignedDuration;
use onemind::app::{self, Migrate, server};
use onemind::config::{Config, RateSetting, Settings};
use onemind::domain::agency::AgencyKey;
use onemind::domain::clock::{Clock as _, FixedClock};
use onemind::http::auth::SCOPES;
use onemind::http::registry::Registry;
use onemind::tokens::Grant;

pub use client::{Client, Reply};
pub use database::Backend;
use database::TestDatabase;

/// The instant at which every test begins.
pub const START: &str = "2026-11-21T12:00:00Z";

/// A running service.
pub struct TestApp {
    pub address: String,
    pub clock: Arc<FixedClock>,
    pub registry: web::Data<Registry>,
    pub config: Config,
    pub backend: Backend,
    server: ServerHandle,
    // Dropped last: the database goes after the server.
    _database: TestDatabase,
}

impl TestApp {
    /// Starts a service over a fresh database, with no limits to how much is asked of it.
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, |_| ()).await
    }

    /// Starts a service with other settings.
    #[expect(clippy::unused_async, reason = "the server needs a runtime to start in")]
    pub async fn start_with(backend: Backend, change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::create(backend);
        let settings = Settings {
            data_dir: Some(database.folder().to_owned()),
            database_url: Some(database.url().to_owned()),
            pool_size: Some(4),
            workers: Some(1),
            rate_limit_client: Some(RateSetting(None)),
            rate_limit_address: Some(RateSetting(None)),
            auth_failures: Some(0),
            ..Settings::default()
        };
        let mut config = Config::load(&settings).unwrap();
        change(&mut config);
        let clock = Arc::new(FixedClock::at(START.parse().unwrap()));
        let (address, registry, handle) = run(&config, clock.clone());
        Self { address, clock, registry, config, backend, server: handle, _database: database }
    }

    /// Another process over the same database and keys.
    pub fn replica(&self) -> Replica {
        self.replica_with(|_| ())
    }

    /// The same with other settings.
    pub fn replica_with(&self, change: impl FnOnce(&mut Config)) -> Replica {
        let mut config = self.config.clone();
        change(&mut config);
        let (address, registry, server) = run(&config, self.clock.clone());
        Replica { address, registry, server }
    }

    /// Works on imports, as a process does that serves, until it is dropped.
    pub fn worker(&self) -> Worker {
        Worker(actix_web::rt::spawn(onemind::http::imports::work(self.registry.clone().into_inner())))
    }

    /// Tells of agencies that stand elsewhere, as a process does that serves, until it is dropped.
    pub fn announcer(&self) -> Worker {
        Worker(actix_web::rt::spawn(onemind::http::announcing::work(self.registry.clone().into_inner())))
    }

    /// Delivers events to webhooks, as a process does that serves, until it is dropped.
    pub fn courier(&self) -> Worker {
        Worker(actix_web::rt::spawn(onemind::http::webhooks::work(self.registry.clone().into_inner())))
    }

    /// The same service over the same database, started again with something else in what its handlers share.
    pub fn restarted(mut self, change: impl FnOnce(&mut Registry)) -> Self {
        drop(self.server.stop(false));
        let (address, registry, server) = run_with(&self.config, self.clock.clone(), change);
        (self.address, self.registry, self.server) = (address, registry, server);
        self
    }

    /// A token for a client with these scopes (`all` for every one) and agencies (`None`: all).
    pub fn token(&self, client: &str, scope: &str, agencies: Option<&[&str]>) -> String {
        let every: Vec<&str> = SCOPES.iter().map(|(name, _)| *name).collect();
        let grant = Grant {
            client: client.to_owned(),
            scope: if scope == "all" { every.join(" ") } else { scope.to_owned() },
            agencies: agencies.map(|keys| keys.iter().map(|key| AgencyKey::parse(key).unwrap()).collect()),
            lifetime: SignedDuration::from_hours(24 * 365 * 50),
        };
        self.registry.tokens.sign(&grant, self.clock.now()).unwrap()
    }

    /// A client with every scope for all agencies.
    pub fn staff(&self) -> Client {
        self.client("iacp", "all", None)
    }

    /// A client with these scopes (`all` for every one) and agencies (`None`: all).
    pub fn client(&self, name: &str, scope: &str, agencies: Option<&[&str]>) -> Client {
        Client::new(&self.address, Some(self.token(name, scope, agencies)))
    }

    /// A caller without a token.
    pub fn stranger(&self) -> Client {
        Client::new(&self.address, None)
    }

    /// Registers an agency under an ORI and answers its id.
    pub async fn agency(&self, ori: &str) -> String {
        let body = serde_json::json!({"name": format!("Agency {ori}"), "kind": "municipal_police", "country": "US"});
        let reply = self.staff().put(&format!("/v1/agencies/ori:{ori}"), &body).await;
        reply.expect(201)["id"].as_str().unwrap().to_owned()
    }

    /// Enters a training of this program and category in the catalogue, recognizes it, and answers its id.
    pub async fn recognized_training(&self, code: &str, program: &str, category: &str) -> String {
        let body = serde_json::json!({"code": code, "title": format!("Training {code}"), "program": program, "category": category});
        let id = self.staff().post("/v1/trainings", &body).await.expect(201)["id"].as_str().unwrap().to_owned();
        let recognition = serde_json::json!({"status": "recognized", "note": null});
        self.staff().put(&format!("/v1/trainings/{id}/recognition"), &recognition).await.expect(200);
        id
    }

    /// How an agency stands in training, as staff see it.
    pub async fn training_of(&self, ori: &str) -> serde_json::Value {
        let status = self.staff().get(&format!("/v1/agencies/ori:{ori}/certification-status")).await.expect(200);
        status["requirements"]["training"].clone()
    }

    /// Enters a training of crisis intervention in the catalogue, not yet recognized, and answers its id.
    pub async fn training(&self, code: &str) -> String {
        let body = serde_json::json!({"code": code, "title": format!("Training {code}"), "program": "cit", "category": "crisis_intervention"});
        self.staff().post("/v1/trainings", &body).await.expect(201)["id"].as_str().unwrap().to_owned()
    }
}

/// Starts a service that shares nothing with others but its settings and its clock.
fn run(config: &Config, clock: Arc<FixedClock>) -> (String, web::Data<Registry>, ServerHandle) {
    run_with(config, clock, |_| ())
}

fn run_with(config: &Config, clock: Arc<FixedClock>, change: impl FnOnce(&mut Registry)) -> (String, web::Data<Registry>, ServerHandle) {
    let mut registry = app::open(config, Migrate::Always).unwrap();
    registry.clock = clock;
    change(&mut registry);
    let registry = web::Data::new(registry);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let scheme = if config.web.tls.is_some() { "https" } else { "http" };
    let address = format!("{scheme}://{}", listener.local_addr().unwrap());
    let running = server(config, listener, registry.clone()).unwrap();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    (address, registry, handle)
}

/// What works on the imports of a [`TestApp`].
pub struct Worker(actix_web::rt::task::JoinHandle<()>);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Another service over the database of a [`TestApp`].
pub struct Replica {
    pub address: String,
    registry: web::Data<Registry>,
    server: ServerHandle,
}

impl Replica {
    /// As [`TestApp::worker`].
    pub fn worker(&self) -> Worker {
        Worker(actix_web::rt::spawn(onemind::http::imports::work(self.registry.clone().into_inner())))
    }

    /// As [`TestApp::courier`].
    pub fn courier(&self) -> Worker {
        Worker(actix_web::rt::spawn(onemind::http::webhooks::work(self.registry.clone().into_inner())))
    }

    /// As [`TestApp::announcer`].
    pub fn announcer(&self) -> Worker {
        Worker(actix_web::rt::spawn(onemind::http::announcing::work(self.registry.clone().into_inner())))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

/// Defines a test that runs on each database.
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($app:ident: TestApp) $body:block)+) => { $(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $(#[$meta])*
            async fn run($app: $crate::support::TestApp) $body

            #[actix_web::test]
            async fn sqlite() {
                run($crate::support::TestApp::start($crate::support::Backend::Sqlite).await).await;
            }

            #[actix_web::test]
            async fn postgres() {
                if $crate::support::Backend::postgres_is_here() {
                    run($crate::support::TestApp::start($crate::support::Backend::Postgres).await).await;
                }
            }
        }
    )+ };
}
