//! What the registry does, one file per resource: load, decide by the rules of [`crate::domain`], save. No HTTP and no SQL text.
//!
//! Every function works within the transaction that a [`Tx`] stands for, and sees the agencies within its reach alone.

pub mod agencies;
pub mod announce;
pub mod appointments;
pub mod assistance;
pub mod audit;
pub mod certifications;
mod changes;
pub mod clients;
pub mod completions;
pub mod course_mappings;
pub mod credentials;
pub mod csv_mappings;
pub mod events;
mod evidence;
pub mod gaps;
pub mod grants;
mod identity;
pub mod imports;
pub mod intake;
pub mod joins;
pub mod library;
pub mod merges;
pub mod officers;
pub mod page;
pub mod partnerships;
pub mod placement;
pub mod pledges;
pub mod policies;
pub mod pseudonyms;
pub mod reach;
pub mod register;
pub mod roster;
pub mod standards;
pub mod standings;
pub mod statements;
pub mod statistics;
pub mod status;
pub mod timelines;
mod touched;
pub mod trainings;
pub mod verify;
pub mod webhooks;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::invalid::{Faults, Invalid};
use crate::domain::reach::Reach;
use crate::storage::coverage::CoverageChange;
use crate::storage::{AnyConn, Constraint, Directory, StorageError};

/// A transaction on behalf of a client.
pub struct Tx<'a> {
    /// The connection that the transaction runs on.
    pub conn: &'a mut AnyConn,
    /// The agencies that the client may see and change.
    pub reach: Reach,
    /// The client.
    pub client: Uuid,
    /// When the request came, to the microsecond: every row that it writes bears this instant.
    pub now: Timestamp,
    /// What was done so far, for the audit log.
    pub trail: audit::Trail,
    /// Whose coverage it changes, to be written as it ends.
    pub coverage: CoverageChange,
    /// The agencies whose status may be another when it has ended, or [`crate::storage::timelines::STANDARDS`]: known when it is closed.
    pub raised: Vec<Uuid>,
    /// What is known of the directory; absent where [`crate::storage::dialect::Lock::Match`] is not held from the beginning.
    pub directory: Option<Directory>,
}

impl<'a> Tx<'a> {
    /// A transaction in which nothing was done yet.
    pub fn new(conn: &'a mut AnyConn, reach: Reach, client: Uuid, now: Timestamp) -> Self {
        Self { conn, reach, client, now, trail: audit::Trail::default(), coverage: CoverageChange::default(), raised: Vec::new(), directory: None }
    }
}

impl Tx<'_> {
    /// The calendar date of [`Tx::now`] in UTC.
    pub fn today(&self) -> Date {
        self.now.to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    /// `Ok` for whoever has a grant for all agencies.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`], which says why it takes that.
    pub fn needs_all_agencies(&self, why: &str) -> ServiceResult<()> {
        if self.reach == Reach::All { Ok(()) } else { Err(ServiceError::Forbidden(why.to_owned())) }
    }

    /// A new id (`UUIDv7`: ids sort by the time they were made).
    pub fn new_id(&self) -> Uuid {
        new_id()
    }
}

/// A new id, outside of a client's transaction; as [`Tx::new_id`].
#[expect(clippy::disallowed_methods, reason = "the one home of new ids")]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// A fault of the input, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the body, or `/name` of a query parameter.
    pub pointer: String,
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }

    /// What the domain found.
    pub fn all(faults: Faults) -> Vec<Self> {
        faults.into_iter().map(|(pointer, invalid)| Self::at(pointer, invalid)).collect()
    }

    /// What a parser refused at `pointer`.
    pub fn at(pointer: impl Into<String>, invalid: Invalid) -> Self {
        Self::new(pointer, invalid.code, invalid.detail)
    }
}

/// Why a request could not be done, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It isn't there, or it is out of the caller's reach; the two can't be told apart.
    #[error("not found")]
    NotFound,
    /// The input breaks a rule: change it.
    #[error("the input breaks a rule")]
    Invalid(Vec<Fault>),
    /// It contradicts what the registry holds: look, and decide.
    #[error("{code}: {detail}")]
    Conflict {
        /// A stable word for programs.
        code: &'static str,
        /// A sentence for people.
        detail: String,
    },
    /// It contradicts what the registry holds in several ways: at each place of the resource that it is about.
    #[error("the registry holds otherwise")]
    Conflicts(Vec<Fault>),
    /// The resource changed since the caller read it: read it again.
    #[error("the resource has changed")]
    PreconditionFailed,
    /// The caller's grants don't allow it: ask for a wider grant.
    #[error("{0}")]
    Forbidden(String),
    /// The token lacks a scope that what is asked for turned out to need.
    #[error("the scope `{0}` is missing")]
    MissingScope(&'static str),
    /// The `Idempotency-Key` came with another request before: take a new key.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The database.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ServiceError {
    /// One fault of the input.
    pub fn invalid(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(pointer, code, detail)])
    }

    /// A contradiction to what is held.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    /// `Ok` without faults.
    pub fn check(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self::Invalid(faults)) }
    }

    /// Puts `error` in the place of a violation of `constraint`.
    pub fn on(constraint: Constraint, error: Self) -> impl FnOnce(StorageError) -> Self {
        move |storage| match storage {
            StorageError::Conflict(violated) if violated == constraint => error,
            other => Self::Storage(other),
        }
    }
}

impl crate::storage::Transient for ServiceError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_transient())
    }
}

/// The result of a service function.
pub type ServiceResult<T> = Result<T, ServiceError>;
