//! Every setting, read once: a flag is stronger than the environment, the environment than the TOML file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::storage::Database;

/// Settings as flags and environment; each may also stand in the TOML file, without the prefix.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Settings {
    /// A TOML file with settings that neither a flag nor the environment gives.
    #[arg(long, env = "ONEMIND_CONFIG", global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder of the signing keys and of the SQLite database [default: data; of the demo: data/demo].
    #[arg(long, env = "ONEMIND_DATA_DIR", global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// `postgres://…` or `sqlite:PATH` [default: onemind.db in the data folder].
    #[arg(long, env = "DATABASE_URL", global = true, value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// The address to listen on [default: 127.0.0.1:8080].
    #[arg(long, env = "ONEMIND_LISTEN", global = true, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Connections to the database at the most [default: 8].
    #[arg(long, env = "ONEMIND_POOL_SIZE", global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub pool_size: Option<u32>,
    /// Threads that answer requests [default: one for each processor].
    #[arg(long, env = "ONEMIND_WORKERS", global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub workers: Option<u16>,
    /// Who issues access tokens: their `iss` [default: onemind].
    #[arg(long, env = "ONEMIND_ISSUER", global = true, value_name = "NAME")]
    pub issuer: Option<String>,
    /// Whom access tokens are for: their `aud` [default: onemind].
    #[arg(long, env = "ONEMIND_AUDIENCE", global = true, value_name = "NAME")]
    pub audience: Option<String>,
    /// For how many days an entry of the audit log is kept at least [default: 730].
    #[arg(long, env = "ONEMIND_AUDIT_RETENTION_DAYS", global = true, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(365..=36_500))]
    pub audit_retention_days: Option<u32>,
    /// What is logged, such as `info,onemind=debug` [default: info; of the demo: warn].
    #[arg(long, env = "ONEMIND_LOG", global = true, value_name = "FILTER")]
    pub log: Option<String>,
}

/// The settings of the TOML file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data_dir: Option<PathBuf>,
    database_url: Option<String>,
    listen: Option<SocketAddr>,
    pool_size: Option<u32>,
    workers: Option<u16>,
    issuer: Option<String>,
    audience: Option<String>,
    audit_retention_days: Option<u32>,
    log: Option<String>,
}

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of the signing keys and of the SQLite database.
    pub data_dir: PathBuf,
    /// Where the data is.
    pub database: Database,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Connections to the database at the most.
    pub pool_size: u32,
    /// Threads that answer requests.
    pub workers: usize,
    /// The `iss` of access tokens.
    pub issuer: String,
    /// The `aud` of access tokens.
    pub audience: String,
    /// For how many days an entry of the audit log is kept at least, 365..=36,500.
    pub audit_retention_days: u32,
    /// What is logged.
    pub log: String,
}

/// What holds where no setting says otherwise, and differs by command.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    data_dir: &'static str,
    log: &'static str,
}

impl Defaults {
    /// For the service and the commands beside it.
    pub const SERVICE: Self = Self { data_dir: "data", log: "info" };
    /// For the demo, which has a folder of its own and tells what it does by itself.
    pub const DEMO: Self = Self { data_dir: "data/demo", log: "warn" };
}

impl Config {
    /// Joins flags and environment with the file that they name, over the defaults of the service.
    ///
    /// # Errors
    /// A sentence that names the setting and what is wrong with it.
    pub fn load(settings: &Settings) -> Result<Self, String> {
        Self::load_over(Defaults::SERVICE, settings)
    }

    /// The SQLite file of a data folder, where no other database is named.
    pub fn own_database(data_dir: &Path) -> PathBuf {
        data_dir.join("onemind.db")
    }

    /// Joins flags and environment with the file that they name.
    ///
    /// # Errors
    /// A sentence that names the setting and what is wrong with it.
    pub fn load_over(defaults: Defaults, settings: &Settings) -> Result<Self, String> {
        let file = match &settings.config {
            None => File::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|cause| format!("{}: {cause}", path.display()))?;
                toml::from_str(&text).map_err(|cause| format!("{}: {cause}", path.display()))?
            }
        };
        let data_dir = settings.data_dir.clone().or(file.data_dir).unwrap_or_else(|| defaults.data_dir.into());
        let database = match settings.database_url.as_deref().or(file.database_url.as_deref()) {
            Some(url) => Database::parse(url).map_err(|cause| format!("DATABASE_URL: {cause}"))?,
            None => Database::Sqlite(Self::own_database(&data_dir)),
        };
        let audit_retention_days = settings.audit_retention_days.or(file.audit_retention_days).unwrap_or(730);
        if !(365..=36_500).contains(&audit_retention_days) {
            return Err(format!("audit_retention_days: {audit_retention_days} is not in 365..=36500"));
        }
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            data_dir,
            database,
            listen: settings.listen.or(file.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            pool_size: settings.pool_size.or(file.pool_size).unwrap_or(8).max(1),
            workers: settings.workers.or(file.workers).map_or(processors, usize::from).max(1),
            issuer: settings.issuer.clone().or(file.issuer).unwrap_or_else(|| "onemind".into()),
            audience: settings.audience.clone().or(file.audience).unwrap_or_else(|| "onemind".into()),
            audit_retention_days,
            log: settings.log.clone().or(file.log).unwrap_or_else(|| defaults.log.into()),
        })
    }
}
