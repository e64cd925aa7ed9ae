//! Connections for questions so short that it takes longer to bring them to another thread than to ask them: those to a database that is in
//! the process, of a row or two.

use std::sync::{Arc, Mutex, TryLockError};
use std::thread::available_parallelism;

use diesel::connection::SimpleConnection as _;

use super::StorageError;
use super::conn::{AnyConn, Database};
use super::dialect::is_in_process;

/// How many there are at the most.
const MOST: usize = 8;

/// The connections, one for each who may ask at once; none where the database is elsewhere, and an answer would have to be waited for.
#[derive(Clone)]
pub(super) struct Near(Arc<[Mutex<AnyConn>]>);

impl Near {
    /// Opens them.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] where the database can't be reached.
    pub fn open(database: &Database) -> Result<Self, StorageError> {
        let count = if is_in_process(database) { available_parallelism().map_or(1, usize::from).min(MOST) } else { 0 };
        let connect = |_| {
            let mut conn = database.connect().map_err(|cause| StorageError::Unavailable(cause.to_string()))?;
            // It waits for nobody: whoever asks has others to serve.
            conn.batch_execute("PRAGMA busy_timeout = 0; PRAGMA query_only = ON; PRAGMA cache_size = -4096;")?;
            Ok(Mutex::new(conn))
        };
        (0..count).map(connect).collect::<Result<_, _>>().map(Self)
    }

    /// Asks at once; nothing where that can't be, or fails: who has time for it may ask again, and be told why.
    pub fn ask<T>(&self, question: impl FnOnce(&mut AnyConn) -> Result<T, StorageError>) -> Option<T> {
        let free = self.0.iter().find_map(|conn| match conn.try_lock() {
            Ok(conn) => Some(conn),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        question(&mut *free?).ok()
    }
}
