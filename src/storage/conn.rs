//! One connection type over both databases, chosen by the scheme of the URL.
#![expect(clippy::disallowed_methods, reason = "the one home of opening a connection")]
#![expect(missing_docs, reason = "the derive makes types and methods that nobody names")]

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, ConnectionError, ConnectionResult, PgConnection, SqliteConnection};

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum AnyConn {
    /// PostgreSQL, by the libpq that is built in.
    Postgres(PgConnection),
    /// SQLite, built in.
    Sqlite(SqliteConnection),
}

/// Where the data is.
#[derive(Clone, Debug)]
pub enum Database {
    /// A PostgreSQL URL or a file path, as [`Database::parse`] read it.
    Postgres(secrecy::SecretString),
    /// The path of a SQLite file.
    Sqlite(std::path::PathBuf),
}

impl Database {
    /// Reads `postgres://…`, `postgresql://…` or `sqlite:PATH`.
    ///
    /// # Errors
    /// A sentence that names the schemes, for anything else: a mistyped URL must not become a new, empty SQLite file.
    pub fn parse(url: &str) -> Result<Self, String> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let database = Self::Postgres(url.into());
            for mode in url.split(['?', '&']).filter_map(|part| part.strip_prefix("sslmode=")) {
                database.check_tls(mode)?;
            }
            return Ok(database);
        }
        match url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            _ => Err("a database URL begins with postgres://, postgresql:// or sqlite:".into()),
        }
    }

    /// Checks that this build can keep to what libpq calls `sslmode`, of a URL or of the environment.
    ///
    /// # Errors
    /// A sentence that names the feature to build with, where the mode asks for TLS and the build has none.
    pub fn check_tls(&self, mode: &str) -> Result<(), String> {
        let needs_tls = matches!(self, Self::Postgres(_)) && matches!(mode, "require" | "verify-ca" | "verify-full");
        if needs_tls && !cfg!(feature = "tls") {
            return Err("this build speaks no TLS to PostgreSQL: build it with `--features tls`, or ask for no sslmode that needs it".into());
        }
        Ok(())
    }

    /// The name of the database system, as metrics and logs say it.
    pub fn system(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgresql",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Opens a connection and sets what every connection has set.
    ///
    /// # Errors
    /// What the database said.
    pub fn connect(&self) -> ConnectionResult<AnyConn> {
        match self {
            Self::Postgres(url) => {
                let mut conn = PgConnection::establish(secrecy::ExposeSecret::expose_secret(url))?;
                conn.batch_execute("SET statement_timeout = '120s'; SET idle_in_transaction_session_timeout = '120s'; SET client_min_messages = warning; SET timezone = 'UTC'")
                    .map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(AnyConn::Postgres(conn))
            }
            Self::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
                conn.batch_execute(&format!(
                    "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16000;",
                    SQLITE_BUSY.as_millis()
                ))
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(AnyConn::Sqlite(conn))
            }
        }
    }
}

/// How long a SQLite connection waits for another writer.
const SQLITE_BUSY: Duration = Duration::from_secs(30);
