//! What can go wrong in the database, by what a caller could do about it.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of storage.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// No such row.
    #[error("no such row")]
    NotFound,
    /// A constraint was violated.
    #[error("a constraint was violated: {0}")]
    Conflict(Constraint),
    /// Another transaction was in the way; the same work may go through when tried again.
    #[error("the database was busy: {0}")]
    Busy(String),
    /// The database can't be reached.
    #[error("the database can't be reached: {0}")]
    Unavailable(String),
    /// A stored value can't be read.
    #[error("a stored value can't be read: {0}")]
    Corrupt(String),
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(String),
}

/// The constraints that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// Another agency has the ORI.
    AgencyOri,
    /// Another officer has the identifier.
    OfficerIdentifier,
    /// Another training has the code.
    TrainingCode,
    /// Another standard has the code.
    StandardCode,
    /// The client pushed a record with this `external_id` before.
    CompletionExternalId,
    /// The client used this idempotency key before.
    IdempotencyKey,
    /// Something still refers to the row, or the row refers to nothing.
    Reference,
    /// Any other.
    Unnamed,
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Constraint {
    /// PostgreSQL gives a constraint's name, SQLite `table.column, table.column` in its message.
    fn named(name: Option<&str>, message: &str) -> Self {
        let text = name.unwrap_or(message);
        match text {
            _ if text.contains("agency_oris") => Self::AgencyOri,
            _ if text.contains("officer_identifiers") => Self::OfficerIdentifier,
            _ if text.contains("trainings") => Self::TrainingCode,
            _ if text.contains("standards") => Self::StandardCode,
            // The revision that another transaction has just replaced.
            _ if text.contains("completions") || text.contains("completion_revisions") => Self::CompletionExternalId,
            _ if text.contains("idempotency_keys") => Self::IdempotencyKey,
            _ => Self::Unnamed,
        }
    }
}

impl StorageError {
    /// The same failure, for another who waited for the same.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::NotFound => Self::NotFound,
            Self::Conflict(constraint) => Self::Conflict(*constraint),
            Self::Busy(cause) => Self::Busy(cause.clone()),
            Self::Unavailable(cause) => Self::Unavailable(cause.clone()),
            Self::Corrupt(cause) => Self::Corrupt(cause.clone()),
            Self::Other(cause) => Self::Other(cause.clone()),
        }
    }

    /// Whether the same transaction may succeed when it is run again from the start.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Conflict(Constraint::CompletionExternalId | Constraint::IdempotencyKey))
    }
}

/// What a stored value that the domain refuses comes to.
pub(super) fn corrupt(what: &'static str) -> impl FnOnce(crate::domain::invalid::Invalid) -> StorageError {
    move |invalid| StorageError::Corrupt(format!("{what}: {invalid}"))
}

impl From<DieselError> for StorageError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                Self::Conflict(Constraint::named(info.constraint_name(), info.message()))
            }
            DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => Self::Conflict(Constraint::Reference),
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, info) => Self::Busy(info.message().to_owned()),
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, info) => {
                Self::Unavailable(info.message().to_owned())
            }
            DieselError::DatabaseError(_, info) if ["deadlock detected", "database is locked"].contains(&info.message()) => {
                Self::Busy(info.message().to_owned())
            }
            DieselError::DeserializationError(cause) => Self::Corrupt(cause.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}
