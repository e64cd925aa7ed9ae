//! Both sets of migrations, embedded, and the command over them.

use std::collections::HashSet;

use diesel::backend::Backend;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::conn::AnyConn;
use super::dialect::{per_backend, while_migrating};
use super::{StorageError, officers};

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

mod applied {
    diesel::table! {
        __diesel_schema_migrations (version) {
            version -> Text,
        }
    }
}
use applied::__diesel_schema_migrations;

fn set_for(conn: &AnyConn) -> EmbeddedMigrations {
    match conn {
        AnyConn::Postgres(_) => POSTGRES,
        AnyConn::Sqlite(_) => SQLITE,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn failed(cause: Box<dyn std::error::Error + Send + Sync>) -> StorageError {
    StorageError::Other(format!("migrations: {cause}"))
}

/// The names of all migrations, which both databases have in common, in order.
///
/// # Errors
/// None is expected: they are in the binary.
pub fn all() -> Result<Vec<String>, StorageError> {
    Ok(versions::<Sqlite>(&SQLITE)?.into_iter().map(|(_, name)| name).collect())
}

/// The names of the migrations that this binary has and the database doesn't, in order.
///
/// # Errors
/// Where the database fails.
pub fn pending(conn: &mut AnyConn) -> Result<Vec<String>, StorageError> {
    let set = set_for(conn);
    let pending = per_backend!(conn, c => c.pending_migrations(set).map(|list| list.iter().map(|m| m.name().to_string()).collect()));
    pending.map_err(failed)
}

/// The same of a database that was migrated before, by reading alone: [`pending`] would make the table of what was applied.
///
/// # Errors
/// Where the database fails, or was never migrated.
pub fn lacking(conn: &mut AnyConn) -> Result<Vec<String>, StorageError> {
    let known = match conn {
        AnyConn::Postgres(_) => versions::<Pg>(&POSTGRES)?,
        AnyConn::Sqlite(_) => versions::<Sqlite>(&SQLITE)?,
    };
    let applied: Vec<String> = __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(conn)?;
    let applied: HashSet<String> = applied.into_iter().collect();
    Ok(known.into_iter().filter(|(version, _)| !applied.contains(version)).map(|(_, name)| name).collect())
}

/// The versions of a set and their names, in order.
fn versions<DB: Backend>(set: &EmbeddedMigrations) -> Result<Vec<(String, String)>, StorageError> {
    let migrations = MigrationSource::<DB>::migrations(set).map_err(failed)?;
    let mut versions: Vec<_> = migrations.iter().map(|m| (m.name().version().to_string(), m.name().to_string())).collect();
    versions.sort();
    Ok(versions)
}

/// Applies what is pending and answers its names. Safe while another process does the same.
///
/// # Errors
/// Where the database fails; what was applied before the failure stays.
pub fn apply(conn: &mut AnyConn) -> Result<Vec<String>, StorageError> {
    while_migrating(conn, |conn| {
        let set = set_for(conn);
        let applied = per_backend!(conn, c => c.run_pending_migrations(set).map(|list| list.iter().map(ToString::to_string).collect()));
        let applied = applied.map_err(failed)?;
        // What SQL can't work out on either database.
        officers::fill_digests(conn)?;
        Ok(applied)
    })
}
