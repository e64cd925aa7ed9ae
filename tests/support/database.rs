//! A database for each test, copied from a migrated template.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use diesel::RunQueryDsl as _;
use onemind::storage::{AnyConn, Database, migrations};
use tempfile::TempDir;

/// Which database system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// Whether the tests have a PostgreSQL; says so where they don't, and fails where they must.
    pub fn postgres_is_here() -> bool {
        let here = admin_url().is_some();
        if !here {
            assert!(std::env::var_os("REQUIRE_POSTGRES").is_none(), "REQUIRE_POSTGRES is set, and ONEMIND_TEST_POSTGRES is not");
            println!("skipped: ONEMIND_TEST_POSTGRES names no PostgreSQL");
        }
        here
    }
}

/// The URL of a PostgreSQL on which databases may be created.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the service")]
fn admin_url() -> Option<String> {
    std::env::var("ONEMIND_TEST_POSTGRES").ok()
}

/// A database of one test's own, which goes with it.
pub struct TestDatabase {
    folder: TempDir,
    url: String,
    name: Option<String>,
}

impl TestDatabase {
    /// A fresh one.
    pub fn create(backend: Backend) -> Self {
        let folder = TempDir::new().unwrap();
        match backend {
            Backend::Sqlite => {
                let path = folder.path().join("onemind.db");
                std::fs::copy(sqlite_template(), &path).unwrap();
                Self { url: format!("sqlite:{}", path.display()), folder, name: None }
            }
            Backend::Postgres => {
                static NUMBER: AtomicU32 = AtomicU32::new(0);
                let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
                administer(&[format!("CREATE DATABASE {name} TEMPLATE {}", postgres_template())]);
                Self { url: url_of(&name), folder, name: Some(name) }
            }
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            administer(&[format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]);
        }
    }
}

fn migrate(url: &str) {
    let mut conn = Database::parse(url).unwrap().connect().unwrap();
    migrations::apply(&mut conn).unwrap();
}

fn sqlite_template() -> &'static PathBuf {
    static TEMPLATE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = TEMPLATE.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("template.db");
        migrate(&format!("sqlite:{}", path.display()));
        (folder, path)
    });
    path
}

fn postgres_template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("template_{}", std::process::id());
        administer(&[format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")]);
        migrate(&url_of(&name));
        name
    })
}

/// The admin URL with another database name.
fn url_of(name: &str) -> String {
    let admin = admin_url().unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// Runs statements on the PostgreSQL server, one test at a time.
fn administer(statements: &[String]) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut conn: AnyConn = Database::parse(&admin_url().unwrap()).unwrap().connect().unwrap();
    for statement in statements {
        diesel::sql_query(statement).execute(&mut conn).unwrap();
    }
}
