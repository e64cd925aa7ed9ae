//! The database: one [`Store`] with short transactions on blocking threads, and query functions by resource.

pub mod agencies;
pub mod appointments;
pub mod assistance;
pub mod audit;
mod catalogue;
pub mod certifications;
mod checkpoints;
pub mod clients;
mod columns;
pub mod completions;
pub mod conn;
pub mod course_mappings;
pub mod coverage;
pub mod csv_mappings;
pub mod dialect;
pub mod directory;
mod error;
pub mod events;
pub mod evidence;
pub mod facts;
pub mod grants;
pub mod idempotency;
pub mod imports;
pub mod joins;
pub mod library;
mod lists;
pub mod merges;
pub mod migrations;
mod near;
pub mod numbers;
pub mod officers;
pub mod partnerships;
pub mod pledges;
pub mod policies;
pub mod pseudonyms;
pub mod register;
pub mod roster_marks;
pub mod schema;
pub mod standards;
pub mod standings;
pub mod statements;
pub mod timelines;
pub mod trainings;
pub mod types;
pub mod versions;
pub mod webhooks;

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::r2d2::{ManageConnection, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use conn::{AnyConn, Database};
pub use directory::Directory;
pub use error::{Constraint, StorageError};

/// How long a request waits for a free connection before it is answered 503.
const WAIT: Duration = Duration::from_secs(3);

/// How long a transaction waits for its turn to write, where one may at a time.
const TURN: Duration = Duration::from_secs(30);

/// How often a transaction that another one got in the way of is run again.
const ATTEMPTS: usize = 4;

/// A pool of connections and the way to run a transaction on one of them.
#[derive(Clone)]
pub struct Store {
    pool: Pool<Manager>,
    permits: Arc<Semaphore>,
    system: &'static str,
    directory: Directory,
    /// Whose turn it is to write, where one transaction may at a time: in the order in which they came. SQLite itself lets go first whoever asks
    /// at the right moment, and one that writes again and again would keep all others waiting.
    turn: Option<Arc<Semaphore>>,
    near: near::Near,
    checkpoints: checkpoints::Checkpoints,
}

/// How busy the pool is.
#[derive(Debug, Clone, Copy)]
pub struct PoolUse {
    /// Connections that a transaction holds now.
    pub busy: u32,
    /// Connections that may be held at once.
    pub size: u32,
}

impl Store {
    /// Opens a pool of at most `size` connections; the first is made at once.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] where the database can't be reached.
    pub fn open(database: &Database, size: u32) -> Result<Self, StorageError> {
        drop(database.connect().map_err(|cause| StorageError::Unavailable(cause.to_string()))?);
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(WAIT)
            .test_on_check_out(matches!(database, Database::Postgres(_)))
            .build_unchecked(Manager(database.clone()));
        Ok(Self {
            pool,
            permits: Arc::new(Semaphore::new(size as usize)),
            system: database.system(),
            directory: Directory::default(),
            turn: dialect::is_in_process(database).then(|| Arc::new(Semaphore::new(1))),
            near: near::Near::open(database)?,
            checkpoints: checkpoints::Checkpoints::begin(database)?,
        })
    }

    /// `postgresql` or `sqlite`.
    pub fn system(&self) -> &'static str {
        self.system
    }

    /// How busy the pool is now.
    #[expect(clippy::cast_possible_truncation, reason = "a pool has a few connections")]
    pub fn pool_use(&self) -> PoolUse {
        let size = self.pool.max_size();
        PoolUse { busy: size.saturating_sub(self.permits.available_permits() as u32), size }
    }

    /// Runs `work` in a transaction that sees one state of the database and changes nothing.
    ///
    /// # Errors
    /// What `work` answered; [`StorageError::Busy`] or [`StorageError::Unavailable`] where no transaction could be had.
    pub async fn read<T, E>(&self, work: impl FnMut(&mut AnyConn) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Transient + Send + 'static,
    {
        self.run(Some(dialect::begin_read), false, work).await
    }

    /// Asks one statement, which needs no transaction to see one state of the database.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn ask<T, E>(&self, question: impl FnMut(&mut AnyConn) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Transient + Send + 'static,
    {
        self.run(None, false, question).await
    }

    /// Runs `work` in one transaction, which is committed when it answers `Ok` and leaves no trace otherwise. `work` is run
    /// again where another transaction got in its way, so it must do nothing but change the database.
    ///
    /// # Errors
    /// What `work` answered; [`StorageError::Busy`] or [`StorageError::Unavailable`] where no transaction could be had.
    pub async fn write<T, E>(&self, work: impl FnMut(&mut AnyConn) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Transient + Send + 'static,
    {
        self.run(Some(dialect::begin_write), true, work).await
    }

    /// As [`Self::write`], for what matches completions: `work` runs under [`dialect::Lock::Match`], and is given what this process knows of the
    /// directory, which holds as long.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_matching<T, E>(&self, mut work: impl FnMut(&mut AnyConn, &Directory) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Transient + Send + 'static,
    {
        let directory = self.directory.clone();
        let work = move |conn: &mut AnyConn| {
            directory.renew(conn)?;
            work(conn, &directory)
        };
        self.run(Some(dialect::begin_matching), true, work).await
    }

    /// Lets `work` ask statements on a thread and a connection of its own, as soon as they can be had; nobody waits for it here. `work` is given
    /// [`StorageError::Busy`] or [`StorageError::Unavailable`] where they can't, and answers whether its connection did all that was asked of it.
    fn detach(&self, work: impl FnOnce(Result<&mut AnyConn, StorageError>) -> bool + Send + 'static) {
        let (pool, permits) = (self.pool.clone(), self.permits.clone());
        match permits.clone().try_acquire_owned() {
            Ok(permit) => begin_detached(pool, permit, work),
            Err(_) => drop(tokio::spawn(async move {
                match tokio::time::timeout(WAIT, permits.acquire_owned()).await {
                    Ok(Ok(permit)) => begin_detached(pool, permit, work),
                    _ => drop(work(Err(StorageError::Busy("every connection is in use".into())))),
                }
            })),
        }
    }

    async fn run<T, E>(
        &self,
        begin: Option<fn(&mut AnyConn) -> diesel::QueryResult<()>>,
        writes: bool,
        mut work: impl FnMut(&mut AnyConn) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Transient + Send + 'static,
    {
        let turn = match self.turn.clone().filter(|_| writes) {
            None => None,
            Some(turn) => match tokio::time::timeout(TURN, turn.acquire_owned()).await {
                Ok(Ok(turn)) => Some(turn),
                _ => return Err(StorageError::Busy("other transactions write for long".into()).into()),
            },
        };
        let Ok(Ok(permit)) = tokio::time::timeout(WAIT, self.permits.clone().acquire_owned()).await else {
            return Err(StorageError::Busy("every connection is in use".into()).into());
        };
        let (pool, checkpoints) = (self.pool.clone(), self.checkpoints.clone());
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let _held = (permit, turn);
            let _entered = span.entered();
            let mut pooled = pool.get().map_err(|cause| StorageError::Unavailable(cause.to_string()))?;
            let mut attempt = 1;
            loop {
                let outcome = match begin {
                    Some(begin) => transaction(&mut pooled.conn, begin, &mut work),
                    None => work(&mut pooled.conn),
                };
                pooled.proved = outcome.is_ok().then(Instant::now);
                if outcome.is_ok() && writes {
                    checkpoints.committed();
                }
                match outcome {
                    Err(error) if attempt < ATTEMPTS && error.is_transient() => {
                        tracing::debug!(attempt, "a transaction is run again");
                        attempt += 1;
                    }
                    outcome => return outcome,
                }
            }
        });
        done.await.unwrap_or_else(|cause| Err(StorageError::Other(format!("a transaction panicked: {cause}")).into()))
    }
}

fn begin_detached(pool: Pool<Manager>, permit: OwnedSemaphorePermit, work: impl FnOnce(Result<&mut AnyConn, StorageError>) -> bool + Send + 'static) {
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        match pool.get() {
            Ok(mut pooled) => pooled.proved = work(Ok(&mut pooled.conn)).then(Instant::now),
            Err(cause) => drop(work(Err(StorageError::Unavailable(cause.to_string())))),
        }
    });
}

/// An error that knows whether running the same transaction again may help.
pub trait Transient {
    /// Whether it may.
    fn is_transient(&self) -> bool;
}

impl Transient for StorageError {
    fn is_transient(&self) -> bool {
        StorageError::is_transient(self)
    }
}

/// Runs `work` in one transaction of a connection of one's own, as commands do.
///
/// # Errors
/// What `work` answered, or the database.
pub fn write_once<T, E: From<StorageError>>(conn: &mut AnyConn, mut work: impl FnMut(&mut AnyConn) -> Result<T, E>) -> Result<T, E> {
    transaction(conn, dialect::begin_write, &mut work)
}

/// As [`write_once`], in a transaction that sees one state of the database and changes nothing.
///
/// # Errors
/// What `work` answered, or the database.
pub fn read_once<T, E: From<StorageError>>(conn: &mut AnyConn, mut work: impl FnMut(&mut AnyConn) -> Result<T, E>) -> Result<T, E> {
    transaction(conn, dialect::begin_read, &mut work)
}

fn transaction<T, E: From<StorageError>>(
    conn: &mut AnyConn,
    begin: fn(&mut AnyConn) -> diesel::QueryResult<()>,
    work: &mut impl FnMut(&mut AnyConn) -> Result<T, E>,
) -> Result<T, E> {
    begin(conn).map_err(StorageError::from)?;
    match work(conn) {
        Ok(value) => {
            finish(conn, true).map_err(StorageError::from)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(rollback) = finish(conn, false) {
                tracing::warn!(error = %rollback, "a transaction could not be rolled back");
            }
            Err(error)
        }
    }
}

fn finish(conn: &mut AnyConn, commit: bool) -> diesel::QueryResult<()> {
    dialect::per_backend!(conn, c => if commit {
        AnsiTransactionManager::commit_transaction(c)
    } else {
        AnsiTransactionManager::rollback_transaction(c)
    })
}

/// For how long a connection that did its work is taken to be alive, without the question of its own that would cost each request as
/// much as a short answer.
const PROVED: Duration = Duration::from_secs(1);

/// A connection, and when it last did what was asked of it; absent after an error.
struct Pooled {
    conn: AnyConn,
    proved: Option<Instant>,
}

/// Opens connections for the pool.
#[derive(Debug)]
struct Manager(Database);

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Pooled, Self::Error> {
        let conn = self.0.connect().map_err(diesel::r2d2::Error::ConnectionError)?;
        Ok(Pooled { conn, proved: None })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), Self::Error> {
        if pooled.proved.is_some_and(|at| at.elapsed() < PROVED) {
            return Ok(());
        }
        diesel::r2d2::R2D2Connection::ping(&mut pooled.conn).map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(&mut pooled.conn)
    }
}
