//! Folds the write-ahead log of SQLite into the file, beside whoever writes: a commit need not wait for the disk.
//!
//! Every connection does it in a commit where the log has grown too long. This keeps it from getting there as long as the disk is fast enough.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use diesel::sql_types::Integer;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

use super::StorageError;
use super::conn::{AnyConn, Database};
use super::dialect::is_in_process;

/// How many pages it would fold at a time: many commits write the same ones, so that it costs less to fold them seldom, and fewer than a commit
/// would fold by itself.
const PAGES: i32 = 8_000;

/// How long it rests at the least and at the most between two times.
const REST: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Told of commits.
#[derive(Clone)]
pub(super) struct Checkpoints(Option<Arc<Folding>>);

/// The thread, which ends when nobody is left who tells of commits: whoever closes the last connection after it folds what is left.
struct Folding {
    /// Taken as it ends.
    commits: Option<SyncSender<()>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Folding {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        drop(self.commits.take());
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the thread that folds the write-ahead log panicked");
            }
        }
    }
}

impl Checkpoints {
    /// Begins to fold, where the database has such a log.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] where the database can't be reached, or the system gives no thread.
    pub fn begin(database: &Database) -> Result<Self, StorageError> {
        if !is_in_process(database) {
            return Ok(Self(None));
        }
        let conn = database.connect().map_err(|cause| StorageError::Unavailable(cause.to_string()))?;
        let (sender, commits) = sync_channel(1);
        let ended = Arc::new(AtomicBool::new(false));
        let ending = ended.clone();
        let spawned = thread::Builder::new().name("checkpoints".into()).spawn(move || fold(conn, &commits, &ending));
        let thread = spawned.map_err(|cause| StorageError::Unavailable(format!("no thread for checkpoints: {cause}")))?;
        Ok(Self(Some(Arc::new(Folding { commits: Some(sender), ended, thread: Some(thread) }))))
    }

    /// Says that something was committed.
    pub fn committed(&self) {
        if let Some(commits) = self.0.as_ref().and_then(|folding| folding.commits.as_ref()) {
            // Where one is told of already, that will do.
            let _ = commits.try_send(());
        }
    }
}

/// What SQLite says of a checkpoint: how many pages the log has, and how many of them are in the file.
#[derive(QueryableByName)]
struct Folded {
    #[diesel(sql_type = Integer)]
    log: i32,
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

/// Folds after commits, until nobody is left who commits.
fn fold(mut conn: AnyConn, commits: &Receiver<()>, ended: &AtomicBool) {
    let (mut rest, mut before) = (REST.1, 0);
    while commits.recv().is_ok() {
        let until = Instant::now() + rest;
        while !ended.load(Ordering::Acquire) && Instant::now() < until {
            thread::park_timeout(until.saturating_duration_since(Instant::now()));
        }
        if ended.load(Ordering::Acquire) {
            return;
        }
        // It waits for nobody, and nobody for it: what it can't fold now, the next time or a commit will.
        match sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result::<Folded>(&mut conn) {
            Ok(Folded { log, checkpointed }) => {
                let new = if log < before { log } else { log - before }.max(1);
                before = checkpointed;
                rest = rest.mul_f64(f64::from(PAGES) / f64::from(new)).clamp(REST.0, REST.1);
            }
            Err(error) => tracing::debug!(error = %error, "the write-ahead log is not folded this time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::*;

    #[test]
    fn what_is_committed_comes_into_the_file_while_its_writer_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("onemind.db");
        let database = Database::Sqlite(path.clone());
        let mut writer = database.connect().unwrap();
        writer.batch_execute("CREATE TABLE kept (it BLOB); INSERT INTO kept VALUES (randomblob(500000))").unwrap();
        let size = || std::fs::metadata(&path).unwrap().len();
        assert!(size() < 500_000);
        let checkpoints = Checkpoints::begin(&database).unwrap();
        checkpoints.committed();
        let begun = Instant::now();
        while size() < 500_000 {
            assert!(begun.elapsed() < Duration::from_secs(30));
            thread::sleep(Duration::from_millis(50));
        }
        writer.batch_execute("INSERT INTO kept VALUES (randomblob(10))").unwrap();
        // It ends with the last who tells of commits, though it is about to rest, and whoever closes last leaves one file.
        checkpoints.committed();
        let ending = Instant::now();
        drop(checkpoints);
        assert!(ending.elapsed() < REST.1);
        drop(writer);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
