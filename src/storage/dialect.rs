//! The only place that knows there are two databases.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Nullable};
use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use uuid::Uuid;

use super::StorageError;
use super::conn::{AnyConn, Database};
use super::schema::{agencies, clients, completions, imports, resources, standards};
use super::types::{At, Id};

/// Runs one expression on the connection behind [`AnyConn`]: for what the joined backend doesn't carry, such as inserts of
/// many rows and `ON CONFLICT`.
macro_rules! per_backend {
    ($conn:expr, $inner:ident => $body:expr) => {
        match $conn {
            $crate::storage::conn::AnyConn::Postgres($inner) => $body,
            $crate::storage::conn::AnyConn::Sqlite($inner) => $body,
        }
    };
}
pub(crate) use per_backend;

/// How many values one statement binds at the most, on either database (SQLite takes 32,766).
pub const MAX_BINDS: usize = 32_000;

/// How many values each of two lists in one statement has at the most.
pub const HALF_OF_BINDS: usize = MAX_BINDS / 2;

/// How many rows of `columns` values go into one statement.
pub const fn rows_per_statement(columns: usize) -> usize {
    MAX_BINDS / columns
}

/// What has to be kept from happening at the same time. SQLite has one writer at a time as it is.
#[derive(Debug, Clone, Copy)]
pub enum Lock {
    /// A push that matches completions against officers and trainings; any number at a time.
    Match,
    /// A change to officers, trainings or mappings that places what is parked. Excludes pushes, or a completion that is
    /// being parked at this moment would be overlooked and wait for ever. Excludes other such changes too, so that what one
    /// of them has checked (no two mappings of a code overlap) still holds when it commits. Take it before the first write:
    /// waiting for it with a row in hand that another such change waits for is a deadlock.
    Place,
}

/// Takes a lock until the transaction ends.
///
/// # Errors
/// Where the database fails.
pub fn lock(conn: &mut AnyConn, lock: Lock) -> Result<(), StorageError> {
    if let AnyConn::Postgres(conn) = conn {
        conn.batch_execute(&statement_of(lock))?;
    }
    Ok(())
}

/// What takes a lock on PostgreSQL.
fn statement_of(lock: Lock) -> String {
    const MATCHING: i64 = 0x6f6e_656d_696e_6401;
    let function = match lock {
        Lock::Match => "pg_advisory_xact_lock_shared",
        Lock::Place => "pg_advisory_xact_lock",
    };
    format!("SELECT {function}({MATCHING})")
}

/// Holds off, until the transaction ends, other changes to what an agency has of evidence and pledges: read it after this,
/// and it stays so. Rows that merely refer to the agency don't wait.
///
/// # Errors
/// Where the database fails.
pub fn lock_agency(conn: &mut AnyConn, agency: Uuid) -> Result<(), StorageError> {
    if let AnyConn::Postgres(conn) = conn {
        agencies::table.filter(agencies::id.eq(Id(agency))).select(agencies::id).for_no_key_update().load::<Id>(conn)?;
    }
    Ok(())
}

/// Holds off, until the transaction ends, other changes to a standard, and pledges to it.
///
/// # Errors
/// Where the database fails.
pub fn lock_standard(conn: &mut AnyConn, standard: Uuid) -> Result<(), StorageError> {
    if let AnyConn::Postgres(conn) = conn {
        standards::table.filter(standards::id.eq(Id(standard))).select(standards::id).for_update().load::<Id>(conn)?;
    }
    Ok(())
}

/// Holds off, until the transaction ends, other changes to an entry of the library.
///
/// # Errors
/// Where the database fails.
pub fn lock_resource(conn: &mut AnyConn, resource: Uuid) -> Result<(), StorageError> {
    if let AnyConn::Postgres(conn) = conn {
        resources::table.filter(resources::id.eq(Id(resource))).select(resources::id).for_update().load::<Id>(conn)?;
    }
    Ok(())
}

/// Holds off, until the transaction ends, other changes to a client and its secrets.
///
/// # Errors
/// Where the database fails.
pub fn lock_client(conn: &mut AnyConn, client: Uuid) -> Result<(), StorageError> {
    if let AnyConn::Postgres(conn) = conn {
        clients::table.filter(clients::id.eq(Id(client))).select(clients::id).for_no_key_update().load::<Id>(conn)?;
    }
    Ok(())
}

/// Holds off, until the transaction ends, other statements of a client: so that they are stored in the order in which they are committed.
/// Take it before [`Lock::Match`].
///
/// # Errors
/// Where the database fails.
pub fn lock_statements(conn: &mut AnyConn, client: Uuid) -> Result<(), StorageError> {
    const STATEMENTS: i32 = 0x7841_5049;
    if let AnyConn::Postgres(conn) = conn {
        let [.., a, b, c, d] = *client.as_bytes();
        diesel::sql_query(format!("SELECT pg_advisory_xact_lock({STATEMENTS}, {})", i32::from_be_bytes([a, b, c, d]))).execute(conn)?;
    }
    Ok(())
}

/// Holds off, until the transaction ends, other changes to these completions. Given in their order, and taken before officers.
///
/// # Errors
/// Where the database fails.
pub fn lock_completions(conn: &mut AnyConn, ids: &[Id]) -> Result<(), StorageError> {
    if let AnyConn::Postgres(conn) = conn
        && !ids.is_empty()
    {
        completions::table.filter(completions::id.eq_any(ids)).order(completions::id).select(completions::id).for_no_key_update().load::<Id>(conn)?;
    }
    Ok(())
}

/// Holds off, until the transaction ends, other changes to an import. Take it before [`Lock::Match`].
///
/// # Errors
/// Where the database fails.
pub fn lock_import(conn: &mut AnyConn, import: Uuid) -> Result<(), StorageError> {
    if let AnyConn::Postgres(conn) = conn {
        imports::table.filter(imports::id.eq(Id(import))).select(imports::id).for_no_key_update().load::<Id>(conn)?;
    }
    Ok(())
}

/// An import whose claim has run out, or else the oldest that waits of the client of which none was begun for the longest time: so that
/// who has many keeps nobody else waiting. One that no other transaction is looking at; it is held until the transaction ends.
///
/// # Errors
/// Where the database fails.
pub fn next_import(conn: &mut AnyConn, now: At) -> Result<Option<Uuid>, StorageError> {
    let due = imports::state.eq("queued").or(imports::state.eq("running").and(imports::claimed_until.le(now)));
    // The databases don't agree on where nothing stands in an order.
    let last_begun = "(SELECT MAX(own.started_at) FROM imports AS own WHERE own.client_id = imports.client_id) NULLS FIRST";
    let order = (imports::state.eq("queued"), sql::<Nullable<BigInt>>(last_begun), imports::id);
    let due = imports::table.filter(due).order(order).limit(1).select(imports::id);
    let found: Option<Id> = match conn {
        AnyConn::Postgres(conn) => due.for_no_key_update().skip_locked().first(conn).optional()?,
        AnyConn::Sqlite(conn) => due.first(conn).optional()?,
    };
    Ok(found.map(|id| id.0))
}

/// Whether a database is in the process: a question goes nowhere, one transaction writes at a time, and a log must be folded into the file.
pub fn is_in_process(database: &Database) -> bool {
    matches!(database, Database::Sqlite(_))
}

/// Begins a transaction that may write.
///
/// # Errors
/// Where the database fails.
pub fn begin_write(conn: &mut AnyConn) -> diesel::QueryResult<()> {
    use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
    match conn {
        AnyConn::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
        // A deferred transaction that reads first can't wait for its turn to write.
        AnyConn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
    }
}

/// Begins a transaction that may write, and takes [`Lock::Match`] in it. What matches completions looks a few rows up by their keys, again
/// and again: PostgreSQL is kept from planning that anew for each list that it sees, which would take longer than to run it.
///
/// # Errors
/// Where the database fails.
pub fn begin_matching(conn: &mut AnyConn) -> diesel::QueryResult<()> {
    use diesel::connection::AnsiTransactionManager;
    match conn {
        AnyConn::Postgres(conn) => {
            let begun = AnsiTransactionManager::begin_transaction_sql(
                conn,
                &format!("BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; {}", statement_of(Lock::Match)),
            );
            if begun.is_err() {
                // It may have begun, and failed to get the lock.
                let _ = conn.batch_execute("ROLLBACK");
            }
            begun
        }
        AnyConn::Sqlite(_) => begin_write(conn),
    }
}

/// Begins a transaction that only reads, and sees one state of the database throughout.
///
/// # Errors
/// Where the database fails.
pub fn begin_read(conn: &mut AnyConn) -> diesel::QueryResult<()> {
    use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
    match conn {
        AnyConn::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        AnyConn::Sqlite(conn) => AnsiTransactionManager::begin_transaction(conn),
    }
}

/// Whether a database holds nothing: no table, whosever. It is left as it is; a SQLite file that isn't there isn't made.
///
/// # Errors
/// Where the database can't be reached.
pub fn is_empty(database: &Database) -> Result<bool, StorageError> {
    #[derive(diesel::QueryableByName)]
    struct Tables {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    match database {
        Database::Sqlite(path) => match std::fs::metadata(path) {
            Ok(file) => Ok(file.len() == 0),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(cause) => Err(StorageError::Unavailable(format!("{}: {cause}", path.display()))),
        },
        Database::Postgres(_) => {
            let mut conn = database.connect().map_err(|cause| StorageError::Unavailable(cause.to_string()))?;
            let tables: Tables = diesel::sql_query(
                "SELECT count(*) AS count FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'",
            )
            .get_result(&mut conn)?;
            Ok(tables.count == 0)
        }
    }
}

/// Holds off other migrators of the same database while `work` runs.
///
/// # Errors
/// What `work` said, or the database.
pub fn while_migrating<T>(conn: &mut AnyConn, work: impl FnOnce(&mut AnyConn) -> Result<T, StorageError>) -> Result<T, StorageError> {
    const MIGRATING: i64 = 0x6f6e_656d_696e_6402;
    if let AnyConn::Postgres(conn) = conn {
        conn.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATING})"))?;
    }
    let outcome = work(conn);
    if let AnyConn::Postgres(conn) = conn {
        conn.batch_execute(&format!("SELECT pg_advisory_unlock({MIGRATING})"))?;
    }
    outcome
}
