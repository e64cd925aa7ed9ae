//! Every setting, read once: a flag is stronger than the environment, the environment than the TOML file.

mod documents;
mod file;
mod limits;
mod web;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

pub use limits::{BodyPace, Limits, Rate, RateSetting};
pub use web::{Origin, TlsFiles, Web};

use crate::documents::Stationery;
use crate::storage::Database;
use crate::tokens::OutsideIssuer;

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
    /// The address of the service as callers know it, and the `iss` of its access tokens [default: <http://127.0.0.1:8080>].
    #[arg(long, env = "ONEMIND_ISSUER", global = true, value_name = "URL")]
    pub issuer: Option<String>,
    /// After how many days without a token a client is refused until it is reinstated [default: 90].
    #[arg(long, env = "ONEMIND_CLIENT_UNUSED_DAYS", global = true, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub client_unused_days: Option<u32>,
    /// Whom access tokens are for: their `aud` [default: onemind].
    #[arg(long, env = "ONEMIND_AUDIENCE", global = true, value_name = "NAME")]
    pub audience: Option<String>,
    /// The proxies, as networks such as `10.0.0.0/8`, whose `X-Forwarded-For` is believed [default: none].
    #[arg(long, env = "ONEMIND_TRUSTED_PROXIES", global = true, value_name = "NETWORKS", value_delimiter = ',')]
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// Requests of one client a minute, and at once; 0 is no limit [default: 6000:1000].
    #[arg(long, env = "ONEMIND_RATE_LIMIT_CLIENT", global = true, value_name = "RATE")]
    pub rate_limit_client: Option<RateSetting>,
    /// Requests without a client from one address a minute, and at once; 0 is no limit [default: 600:100].
    #[arg(long, env = "ONEMIND_RATE_LIMIT_ADDRESS", global = true, value_name = "RATE")]
    pub rate_limit_address: Option<RateSetting>,
    /// Failed authentications of a client from one address before it is slowed down; 0 is any number [default: 10].
    #[arg(long, env = "ONEMIND_AUTH_FAILURES", global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub auth_failures: Option<u32>,
    /// Requests that are worked on at once; 0 is any number [default: 512].
    #[arg(long, env = "ONEMIND_MAX_IN_FLIGHT", global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub max_in_flight: Option<u32>,
    /// NDJSON and CSV bodies that are streamed at once; of one client no more than half of them [default: 16].
    #[arg(long, env = "ONEMIND_MAX_STREAMS", global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=1000))]
    pub max_streams: Option<u16>,
    /// The most mebibytes of an NDJSON or CSV body that is streamed [default: 4096].
    #[arg(long, env = "ONEMIND_STREAM_LIMIT_MIB", global = true, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub stream_limit_mib: Option<u32>,
    /// The origins, such as `https://tools.example.org`, whose pages may call the service from a browser [default: none].
    #[arg(long, env = "ONEMIND_CORS_ORIGINS", global = true, value_name = "ORIGINS", value_delimiter = ',')]
    pub cors_origins: Option<Vec<Origin>>,
    /// The certificate chain, in PEM, to speak TLS with [default: none; plain HTTP].
    #[arg(long, env = "ONEMIND_TLS_CERTIFICATE", global = true, value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// The private key of the certificate, in PEM [default: none].
    #[arg(long, env = "ONEMIND_TLS_KEY", global = true, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// For how many days an entry of the audit log is kept at least [default: 730].
    #[arg(long, env = "ONEMIND_AUDIT_RETENTION_DAYS", global = true, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(365..=36_500))]
    pub audit_retention_days: Option<u32>,
    /// Imports that this process works on at once in the background; 0 leaves them to others [default: 1].
    #[arg(long, env = "ONEMIND_IMPORT_WORKERS", global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(..=64))]
    pub import_workers: Option<u16>,
    /// For how many days an import that has ended is kept, with its outcomes [default: 7].
    #[arg(long, env = "ONEMIND_IMPORT_RETENTION_DAYS", global = true, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=365))]
    pub import_retention_days: Option<u32>,
    /// Whether webhooks may call addresses that are not of the public internet, and plain HTTP: for tests and closed networks [default: false].
    #[arg(long, env = "ONEMIND_WEBHOOKS_ALLOW_PRIVATE", global = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub webhooks_allow_private: Option<bool>,
    /// Who issues certificates and letters [default: International Association of Chiefs of Police].
    #[arg(long, env = "ONEMIND_DOCUMENT_ISSUER", global = true, value_name = "NAME")]
    pub document_issuer: Option<String>,
    /// Who signs certificates and letters [default: none; the title alone stands there].
    #[arg(long, env = "ONEMIND_DOCUMENT_SIGNER", global = true, value_name = "NAME")]
    pub document_signer: Option<String>,
    /// The office of who signs [default: President].
    #[arg(long, env = "ONEMIND_DOCUMENT_SIGNER_TITLE", global = true, value_name = "TITLE")]
    pub document_signer_title: Option<String>,
    /// The organization of who signs [default: the issuer of the documents].
    #[arg(long, env = "ONEMIND_DOCUMENT_SIGNER_ORGANIZATION", global = true, value_name = "NAME")]
    pub document_signer_organization: Option<String>,
    /// Who signs certificates too [default: none].
    #[arg(long, env = "ONEMIND_DOCUMENT_SECOND_SIGNER", global = true, value_name = "NAME")]
    pub document_second_signer: Option<String>,
    /// The office of who signs too [default: none].
    #[arg(long, env = "ONEMIND_DOCUMENT_SECOND_SIGNER_TITLE", global = true, value_name = "TITLE")]
    pub document_second_signer_title: Option<String>,
    /// The organization of who signs too [default: the issuer of the documents].
    #[arg(long, env = "ONEMIND_DOCUMENT_SECOND_SIGNER_ORGANIZATION", global = true, value_name = "NAME")]
    pub document_second_signer_organization: Option<String>,
    /// What the letter says, as a Jinja template [default: a text of its own].
    #[arg(long, env = "ONEMIND_LETTER_TEMPLATE", global = true, value_name = "FILE")]
    pub letter_template: Option<PathBuf>,
    /// What is logged, such as `info,onemind=debug` [default: info; of the demo: warn].
    #[arg(long, env = "ONEMIND_LOG", global = true, value_name = "FILTER")]
    pub log: Option<String>,
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
    /// The `iss` of access tokens, and the address under which callers find the service; without a slash at its end.
    pub issuer: String,
    /// Who else issues access tokens that are accepted.
    pub issuers: Vec<OutsideIssuer>,
    /// After how many days without use a client is refused.
    pub client_unused_days: u32,
    /// The `aud` of access tokens.
    pub audience: String,
    /// For how many days an entry of the audit log is kept at least, 365..=36,500.
    pub audit_retention_days: u32,
    /// Imports that this process works on at once.
    pub import_workers: u16,
    /// For how many days an import that has ended is kept.
    pub import_retention_days: u32,
    /// Whether webhooks may call addresses that are not of the public internet.
    pub webhooks_allow_private: bool,
    /// Who issues and signs certificates and letters, and what they say.
    pub stationery: Stationery,
    /// What is logged.
    pub log: String,
    /// What callers may ask at once.
    pub limits: Limits,
    /// How the service meets browsers, and TLS.
    pub web: Web,
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
        let (file, issuers) = settings.config.as_deref().map_or_else(|| Ok((Settings::default(), Vec::new())), file::read)?;
        let data_dir = settings.data_dir.clone().or(file.data_dir.clone()).unwrap_or_else(|| defaults.data_dir.into());
        let issuer = issuer_of(settings.issuer.clone().or(file.issuer.clone()))?;
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            database: database(settings, &file, &data_dir)?,
            data_dir,
            listen: settings.listen.or(file.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            pool_size: settings.pool_size.or(file.pool_size).unwrap_or(8),
            workers: settings.workers.or(file.workers).map_or(processors, usize::from),
            limits: limits(settings, &file)?,
            web: web::read(settings, &file, &issuer)?,
            stationery: documents::read(settings, &file)?,
            issuer,
            issuers,
            client_unused_days: settings.client_unused_days.or(file.client_unused_days).unwrap_or(90),
            audience: settings.audience.clone().or(file.audience).unwrap_or_else(|| "onemind".into()),
            audit_retention_days: settings.audit_retention_days.or(file.audit_retention_days).unwrap_or(730),
            import_workers: settings.import_workers.or(file.import_workers).unwrap_or(1),
            import_retention_days: settings.import_retention_days.or(file.import_retention_days).unwrap_or(7),
            webhooks_allow_private: settings.webhooks_allow_private.or(file.webhooks_allow_private).unwrap_or(false),
            log: settings.log.clone().or(file.log).unwrap_or_else(|| defaults.log.into()),
        })
    }
}

/// The issuer as a URL (RFC 8414 §2) without query or fragment, and without a slash at its end.
fn issuer_of(given: Option<String>) -> Result<String, String> {
    let Some(text) = given else { return Ok("http://127.0.0.1:8080".into()) };
    match reqwest::Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() && url.fragment().is_none() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(format!("issuer: `{text}` is not the address of the service, such as https://registry.example.org")),
    }
}

fn database(settings: &Settings, file: &Settings, data_dir: &Path) -> Result<Database, String> {
    match settings.database_url.as_deref().or(file.database_url.as_deref()) {
        Some(url) => {
            let database = Database::parse(url).map_err(|cause| format!("DATABASE_URL: {cause}"))?;
            // What the URL says is stronger.
            if let Some(mode) = environment("PGSSLMODE").filter(|_| !url.contains("sslmode=")) {
                database.check_tls(&mode).map_err(|cause| format!("PGSSLMODE: {cause}"))?;
            }
            Ok(database)
        }
        None => Ok(Database::Sqlite(Config::own_database(data_dir))),
    }
}

/// A variable that is no setting of ours, and yet heeded by what we use.
#[expect(clippy::disallowed_methods, reason = "the one home of reading settings")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn limits(settings: &Settings, file: &Settings) -> Result<Limits, String> {
    let rate = |set: Option<RateSetting>, default: &str| set.map_or_else(|| default.parse(), Ok).map(|rate: RateSetting| rate.0);
    Ok(Limits {
        client: rate(settings.rate_limit_client.or(file.rate_limit_client), RateSetting::CLIENT)?,
        address: rate(settings.rate_limit_address.or(file.rate_limit_address), RateSetting::ADDRESS)?,
        auth_failures: NonZeroU32::new(settings.auth_failures.or(file.auth_failures).unwrap_or(10)),
        max_in_flight: settings.max_in_flight.or(file.max_in_flight).unwrap_or(512) as usize,
        trusted_proxies: settings.trusted_proxies.clone().or(file.trusted_proxies.clone()).unwrap_or_default(),
        head: Duration::from_secs(30),
        body: BodyPace::default(),
        max_streams: settings.max_streams.or(file.max_streams).unwrap_or(16).into(),
        stream_bytes: u64::from(settings.stream_limit_mib.or(file.stream_limit_mib).unwrap_or(4096)) * 1024 * 1024,
    })
}
