//! New completions, however many.

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use jiff::Timestamp;
use uuid::Uuid;

use super::{NewCompletion, pushed_reach, values};
use crate::domain::agency::AgencyKey;
use crate::domain::completion::CompletionDraft;
use crate::storage::StorageError;
use crate::storage::columns::columns;
use crate::storage::conn::AnyConn;
use crate::storage::coverage::{CoverageChange, Gained};
use crate::storage::types::{At, Day, Doc, Guid, Id, Instant, On, Written};

/// How many rows one statement writes on PostgreSQL, where it binds a list for each column.
const AT_ONCE: usize = 5_000;

/// The same of rows of which each has the agencies that a token names.
const WITH_REACH: usize = 250;

/// Writes new completions of a client, whose token named the agencies `granted`, where it did.
///
/// # Errors
/// [`super::Constraint::CompletionExternalId`] where another transaction has just written one of them.
pub fn insert(
    conn: &mut AnyConn,
    coverage: &mut CoverageChange,
    client: Uuid,
    granted: Option<&[AgencyKey]>,
    new: &[NewCompletion<'_>],
    now: Timestamp,
) -> Result<(), StorageError> {
    let gained = |new: &NewCompletion<'_>| {
        let officer = new.placement.counts_for()?;
        let CompletionDraft { completed, expires_on, passed, .. } = *new.draft;
        Some(Gained { officer, terms: new.terms, completed_on: completed.date, expires_on, passed })
    };
    coverage.gain(conn, &new.iter().filter_map(gained).collect::<Vec<_>>())?;
    let granted = pushed_reach(granted);
    let row = |new: &NewCompletion<'_>| Row::of(client, granted.as_ref(), new, now);
    match conn {
        AnyConn::Postgres(conn) => {
            for some in new.chunks(if granted.is_none() { AT_ONCE } else { WITH_REACH }) {
                Rows::of(some.iter().map(row)).execute(conn)?;
            }
        }
        AnyConn::Sqlite(conn) => {
            for new in new {
                row(new).execute(conn)?;
            }
        }
    }
    Ok(())
}

columns! {
    /// A new row.
    struct Row, Rows into "completions" {
        id: Id as Guid,
        client_id: Id as Guid,
        external_id: String as Text,
        officer_id: Option<Id> as Nullable<Guid>,
        training_id: Option<Id> as Nullable<Guid>,
        parked_reason: Option<&'static str> as Nullable<Text>,
        completed_on: On as Day,
        completed_at: Option<At> as Nullable<Instant>,
        expires_on: Option<On> as Nullable<Day>,
        passed: bool as Bool,
        content: Written as Doc,
        content_hash: String as Text,
        revision: i32 as Integer,
        sender_revision: Option<i64> as Nullable<BigInt>,
        sender_updated_at: Option<At> as Nullable<Instant>,
        placed_by_hand: bool as Bool,
        pushed_reach: Option<Written> as Nullable<Doc>,
        created_at: At as Instant,
        updated_at: At as Instant,
    }
}

impl Row {
    fn of(client: Uuid, granted: Option<&Written>, new: &NewCompletion<'_>, now: Timestamp) -> Self {
        let values = values(new, granted, now);
        Self {
            id: Id(new.id),
            client_id: Id(client),
            external_id: new.draft.external_id.as_str().to_owned(),
            officer_id: values.officer_id,
            training_id: values.training_id,
            parked_reason: values.parked_reason,
            completed_on: values.completed_on,
            completed_at: values.completed_at,
            expires_on: values.expires_on,
            passed: values.passed,
            content: values.content,
            content_hash: values.content_hash,
            revision: values.revision,
            sender_revision: values.sender_revision,
            sender_updated_at: values.sender_updated_at,
            placed_by_hand: values.placed_by_hand,
            pushed_reach: values.pushed_reach,
            created_at: At(now),
            updated_at: values.updated_at,
        }
    }
}
