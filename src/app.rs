//! Wires the parts together: what the process shares, and the actix application that `main` and the tests run alike.

mod signals;

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, Error, HttpServer, web};
use utoipa_actix_web::AppExt as _;

use crate::config::Config;
use crate::domain::clock::SystemClock;
use crate::http::access::AccessCache;
use crate::http::announcing::{self, Announcer};
use crate::http::audit::Audit;
use crate::http::completions::Together;
use crate::http::imports::{self, Imports};
use crate::http::limits::Limits;
use crate::http::once::InFlight;
use crate::http::registry::Registry;
use crate::http::{self, openapi::Documents, webhooks};
use crate::outgoing::Outgoing;
use crate::private;
use crate::service::ServiceError;
use crate::service::audit::{self, Keys};
use crate::storage::versions::Versions;
use crate::storage::{Database, StorageError, Store, migrations, write_once};
use crate::telemetry;
use crate::tokens::{CredentialKeys, KeyError, KeyRing, OutsideIssuers, Tokens, audit_keys, webhook_key};

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error("{0}")]
    Storage(#[from] StorageError),
    /// The schema is older than the binary.
    #[error("the database lacks these migrations: {}; run `onemind migrate`, or serve with --migrate", .0.join(", "))]
    Unmigrated(Vec<String>),
    /// The signing keys.
    #[error("signing keys: {0}")]
    Keys(#[from] KeyError),
    /// The audit log is sealed with another key.
    #[error("{0}")]
    Audit(String),
    /// The data folder or the address.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// What to do with a schema that is older than the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// Bring it up to date.
    Always,
    /// Bring a SQLite file up to date, and refuse to start on PostgreSQL.
    SqliteOnly,
}

/// Opens database and keys.
///
/// # Errors
/// [`StartError`].
pub fn open(config: &Config, migrate: Migrate) -> Result<Registry, StartError> {
    prepare(config, migrate)?;
    let store = Store::open(&config.database, config.pool_size)?;
    let keys = audit_keys(&config.data_dir)?;
    prepare_audit(config, &keys)?;
    let tokens = Tokens::new(KeyRing::open(&config.data_dir)?, &config.issuer, &config.audience);
    Ok(Registry {
        store,
        tokens,
        credentials: Arc::new(CredentialKeys::in_folder(&config.data_dir)),
        stationery: Arc::new(config.stationery.clone()),
        outside: OutsideIssuers::new(&config.issuers)?,
        access: AccessCache::default(),
        unused_days: config.client_unused_days,
        clock: Arc::new(SystemClock),
        in_flight: InFlight::default(),
        together: Together::default(),
        announcer: Announcer::default(),
        imports: Imports::new(config.import_workers, config.import_retention_days),
        webhooks: webhook_key(&config.data_dir)?,
        outgoing: Outgoing::new(config.webhooks_allow_private)?,
        limits: Limits::new(&config.limits),
        web: config.web.clone(),
        audit: Audit::new(keys),
        versions: Versions::default(),
        statuses: Arc::default(),
        documents: Documents::new(),
        metrics: telemetry::metrics(),
    })
}

/// Makes the data folder, and the SQLite file with its folder, where they are missing: for the eyes of the service's own account.
///
/// # Errors
/// Where the system refuses.
pub fn make_folders(config: &Config) -> std::io::Result<()> {
    private::make_folder(&config.data_dir)?;
    if let Database::Sqlite(path) = &config.database {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private::make_folder(folder)?;
        }
        private::make_file(path)?;
    }
    Ok(())
}

fn prepare(config: &Config, migrate: Migrate) -> Result<(), StartError> {
    make_folders(config)?;
    let mut conn = config.database.connect().map_err(|cause| StorageError::Unavailable(cause.to_string()))?;
    let pending = migrations::pending(&mut conn)?;
    if pending.is_empty() {
        return Ok(());
    }
    if migrate == Migrate::SqliteOnly && matches!(config.database, Database::Postgres(_)) {
        return Err(StartError::Unmigrated(pending));
    }
    let applied = migrations::apply(&mut conn)?;
    tracing::info!(migrations = applied.join(", "), "the database is up to date");
    Ok(())
}

/// Seals the lanes of a fresh audit log, and sees that the keys are those of an older one.
fn prepare_audit(config: &Config, keys: &Keys) -> Result<(), StartError> {
    let mut conn = config.database.connect().map_err(|cause| StorageError::Unavailable(cause.to_string()))?;
    write_once(&mut conn, |conn| audit::prepare(conn, keys)).map_err(|error| match error {
        ServiceError::Storage(error) => error.into(),
        other => StartError::Audit(other.to_string()),
    })
}

/// The application over what the process shares.
pub fn build(
    registry: web::Data<Registry>,
) -> App<impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<impl MessageBody>, Error = Error, InitError = ()>> {
    App::new()
        .wrap(from_fn(http::auth::first))
        .wrap(from_fn(http::limits::keep))
        .wrap(http::cors::policy(&registry.web))
        .wrap(from_fn(http::middleware::answer))
        .wrap(Compress::default())
        .wrap(telemetry::request_span())
        .into_utoipa_app()
        .app_data(registry)
        .configure(http::routes)
        .into_app()
        .configure(http::docs::routes)
        .default_service(web::to(http::fallback::answer))
}

/// Listens and answers until the process is told to stop; what was accepted is finished first.
///
/// # Errors
/// Where the address can't be listened on.
pub async fn serve(config: &Config, registry: web::Data<Registry>) -> std::io::Result<()> {
    let server = server(config, std::net::TcpListener::bind(config.listen)?, registry.clone())?;
    http::audit::keep_told(registry.clone().into_inner(), run(server, registry)).await
}

/// Runs a server to its end. `SIGTERM` and `SIGINT` (Ctrl-C) finish what was accepted, and then end it; a second one, or `SIGQUIT`,
/// ends it at once.
///
/// # Errors
/// Where the server fails.
pub async fn run(server: Server, registry: web::Data<Registry>) -> std::io::Result<()> {
    let handle = server.handle();
    let until_stopped = async {
        let graceful = signals::told_to_stop().await;
        tracing::info!(graceful, "told to stop");
        let stopping = handle.stop(graceful);
        tokio::select! {
            () = stopping => {}
            _ = signals::told_to_stop() => handle.stop(false).await,
        }
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        ended = server => ended,
        () = until_stopped => Ok(()),
        () = registry.limits.upkeep() => Ok(()),
        () = imports::work(registry.clone().into_inner()) => Ok(()),
        () = announcing::work(registry.clone().into_inner()) => Ok(()),
        () = webhooks::work(registry.clone().into_inner()) => Ok(()),
    };
    imports::let_all_go(&registry).await;
    ended
}

/// The server on an address that is bound already, for callers that need to know it. Signals are left to [`run`].
///
/// # Errors
/// Where the address can't be listened on, or the certificate can't be read.
pub fn server(config: &Config, listener: std::net::TcpListener, registry: web::Data<Registry>) -> std::io::Result<Server> {
    let tls = config.web.tls.as_ref().map(crate::tls::server).transpose().map_err(std::io::Error::other)?;
    tracing::info!(address = %listener.local_addr()?, tls = tls.is_some(), database = registry.store.system(), "listening");
    let server = HttpServer::new(move || build(registry.clone()))
        .workers(config.workers)
        .disable_signals()
        .client_request_timeout(config.limits.head)
        .keep_alive(Duration::from_secs(75))
        .shutdown_timeout(30);
    let server = match tls {
        None => server.listen(listener)?,
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
    };
    Ok(server.run())
}
