//! What SQLite does without the service and without diesel: prepared inserts into a copy of its database.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params_from_iter};
use tempfile::TempDir;

use crate::Outcome;
use crate::rate::{Rate, Watch};

/// What each connection of the service has set (`storage/conn.rs`).
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536;";

/// The database of a service, and a copy in a file of its own: the same tables, constraints, indexes, foreign keys and rows.
pub struct Sqlite {
    original: Connection,
    twin: Connection,
    _folder: TempDir,
}

impl Sqlite {
    /// Copies the database in this file, which may be in use.
    pub fn twin(file: &Path) -> Outcome<Self> {
        let folder = TempDir::new()?;
        let path = folder.path().join("twin.db");
        let original = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        original.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
        let twin = Connection::open(&path)?;
        twin.execute_batch(SETTINGS)?;
        Ok(Self { original, twin, _folder: folder })
    }

    /// Inserts the rows that the service made of the records named `name-…` into the copy's table of completions, in one transaction.
    pub fn insert(&mut self, name: &str, rows: u32) -> Outcome<Rate> {
        let (columns, written) = self.written(name)?;
        let marks = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO completions ({}) VALUES ({marks})", columns.join(", "));
        let watch = Watch::start(std::process::id());
        let transaction = self.twin.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut statement = transaction.prepare(&insert)?;
        let mut count = 0;
        for row in &written {
            count += statement.execute(params_from_iter(row))?;
        }
        drop(statement);
        transaction.commit()?;
        let rate = watch.stop(rows);
        if u32::try_from(count)? != rows {
            return Err(format!("{rows} rows should be inserted, not {count}").into());
        }
        Ok(Rate { service: None, ..rate })
    }

    /// The names of the columns, and the rows.
    fn written(&self, name: &str) -> Outcome<(Vec<String>, Vec<Vec<Value>>)> {
        let mut statement = self.original.prepare("SELECT * FROM completions WHERE external_id LIKE ?1 ORDER BY id")?;
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let row = |row: &rusqlite::Row<'_>| (0..columns.len()).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>();
        let rows = statement.query_map([format!("{name}-%")], row)?.collect::<rusqlite::Result<_>>()?;
        Ok((columns, rows))
    }
}
