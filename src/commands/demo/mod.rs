//! `onemind demo`

mod agencies;
mod batch;
mod catalogue;
mod client;
mod fill;
mod folder;
mod library;
mod people;
mod status;
mod story;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::web;
use jiff::SignedDuration;
use tokio::task::JoinError;

use self::folder::Folder;
use self::story::Stage;
use super::Failure;
use crate::app::{self, Migrate};
use crate::config::Config;
use crate::http::auth::SCOPES;
use crate::http::registry::Registry;
use crate::storage::{Database, dialect};
use crate::tokens::Grant;

/// How long the tokens of a demo are good for.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How long a server takes at the most to end by itself after a signal, when the demo's own requests have ended.
const SIGNALLED: Duration = Duration::from_secs(2);

/// Arguments of `onemind demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// End when all is printed, instead of serving on.
    #[arg(long)]
    exit: bool,
}

/// Serves a fresh registry with sample data, shows what it does, and serves on until told to stop.
///
/// # Errors
/// [`Failure::Usage`] where the folder or the database holds what is not a demo's, [`Failure::Unreachable`] where the address is
/// taken.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    if config.web.tls.is_some() {
        return Err(Failure::Usage("the demo speaks plain HTTP: give it no tls_certificate".to_owned()));
    }
    let listener = TcpListener::bind(config.listen).map_err(|cause| refused(config.listen, &cause))?;
    let own = own_database(config);
    if !own && !dialect::is_empty(&config.database).map_err(|cause| Failure::Unreachable(cause.to_string()))? {
        return Err(Failure::Usage("DATABASE_URL names a database that is not empty: give the demo one of its own, or none".to_owned()));
    }
    let folder = Folder::claim(&config.data_dir)?;
    if own {
        folder.clear()?;
    }
    let registry = web::Data::new(app::open(config, Migrate::Always)?);
    let outcome = actix_web::rt::System::new().block_on(serve(config, listener, registry, args.exit));
    drop(folder);
    outcome
}

/// Whether the database is the demo's own file in its own folder.
fn own_database(config: &Config) -> bool {
    matches!(&config.database, Database::Sqlite(path) if *path == Config::own_database(&config.data_dir))
}

async fn serve(config: &Config, listener: TcpListener, registry: web::Data<Registry>, exit: bool) -> Result<(), Failure> {
    let stage = set(config, &listener, &registry)?;
    let server = app::server(config, listener, registry.clone()).map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    let handle = server.handle();
    let mut serving = actix_web::rt::spawn(app::run(server, registry));
    let told = tokio::select! {
        // Told to stop before all is told.
        ended = &mut serving => return finished(ended),
        told = story::tell(&stage) => told,
    };
    let told = if exit { told } else { told.and_then(|()| story::say(&format!("Serving on {} until Ctrl-C.\n", stage.url))) };
    if told.is_err()
        && let Ok(ended) = tokio::time::timeout(SIGNALLED, &mut serving).await
    {
        // It failed since the server is going: told to stop, too.
        return finished(ended);
    }
    if exit || told.is_err() {
        handle.stop(true).await;
    }
    told.and(finished(serving.await))
}

/// How the server ended.
fn finished(ended: Result<io::Result<()>, JoinError>) -> Result<(), Failure> {
    ended.unwrap_or_else(|cause| Err(io::Error::other(cause))).map_err(|cause| Failure::Unreachable(cause.to_string()))
}

/// Addresses and tokens.
fn set(config: &Config, listener: &TcpListener, registry: &Registry) -> Result<Stage, Failure> {
    let address = listener.local_addr().map_err(|cause| Failure::Unreachable(cause.to_string()))?;
    let scope = SCOPES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ");
    let token = |client: &str| {
        let grant = Grant { client: client.to_owned(), scope: scope.clone(), agencies: None, lifetime: DAY };
        registry.tokens.sign(&grant, registry.clock.now()).map_err(|cause| Failure::Unreachable(cause.to_string()))
    };
    let database = match &config.database {
        Database::Sqlite(path) => format!("SQLite, {}, made anew", path.display()),
        Database::Postgres(_) => "PostgreSQL, the empty one of DATABASE_URL".to_owned(),
    };
    Ok(Stage {
        url: format!("http://{}", reachable(address)),
        database,
        staff: token("demo-staff")?,
        vendor: token("demo-vendor")?,
        today: registry.clock.today(),
    })
}

/// The address as a client on this machine calls it.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn refused(address: SocketAddr, cause: &io::Error) -> Failure {
    Failure::Unreachable(match cause.kind() {
        ErrorKind::AddrInUse => format!("{address} is taken by another program: stop that one, or give --listen 127.0.0.1:8081"),
        _ => format!("{address}: {cause}"),
    })
}
