//! New completions, and other content in the place of what they were, however many.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use jiff::Timestamp;
use uuid::Uuid;

use super::{NewCompletion, holding, pushed_reach, values};
use crate::domain::agency::AgencyKey;
use crate::domain::completion::CompletionDraft;
use crate::storage::StorageError;
use crate::storage::columns::{columns, push_list};
use crate::storage::conn::AnyConn;
use crate::storage::coverage::{CoverageChange, Gained};
use crate::storage::dialect::{MAX_BINDS, per_backend};
use crate::storage::lists::among;
use crate::storage::schema::{completion_revisions, completions};
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

/// Puts other content in the place of what completions of a client were, and keeps what they were.
///
/// # Errors
/// Where the database fails.
pub fn replace(
    conn: &mut AnyConn,
    coverage: &mut CoverageChange,
    client: Uuid,
    granted: Option<&[AgencyKey]>,
    changed: &[NewCompletion<'_>],
    now: Timestamp,
) -> Result<(), StorageError> {
    let ids: Vec<Uuid> = changed.iter().map(|new| new.id).collect();
    holding::touch(conn, coverage, &ids, changed.iter().filter_map(|new| new.placement.counts_for()))?;
    let granted = pushed_reach(granted);
    for some in ids.chunks(MAX_BINDS) {
        keep_former(conn, some, now)?;
    }
    match conn {
        AnyConn::Postgres(conn) => {
            for some in changed.chunks(if granted.is_none() { AT_ONCE } else { WITH_REACH }) {
                Replaced(Rows::of(some.iter().map(|new| Row::of(client, granted.as_ref(), new, now)))).execute(conn)?;
            }
        }
        AnyConn::Sqlite(conn) => {
            for new in changed {
                let own = completions::table.filter(completions::id.eq(Id(new.id))).filter(completions::client_id.eq(Id(client)));
                diesel::update(own).set(values(new, granted.as_ref(), now)).execute(conn)?;
            }
        }
    }
    Ok(())
}

/// Rows that are there by their ids, as they are to be from now on.
#[derive(Debug, QueryId)]
struct Replaced(Rows);

/// What a row stays with, whatever comes in its place.
const FIXED: [&str; 4] = ["id", "client_id", "external_id", "created_at"];

impl diesel::RunQueryDsl<PgConnection> for Replaced {}

impl QueryFragment<Pg> for Replaced {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut separator = "UPDATE completions SET ";
        for name in Rows::NAMES.iter().filter(|name| !FIXED.contains(name)) {
            for part in [separator, name, " = new.", name] {
                out.push_sql(part);
            }
            separator = ", ";
        }
        out.push_sql(" FROM ");
        self.0.push_rows(&mut out)?;
        out.push_sql(" AS new (");
        push_list(&mut out, Rows::NAMES);
        out.push_sql(") WHERE completions.id = new.id AND completions.client_id = new.client_id");
        Ok(())
    }
}

/// Keeps what completions are, which are about to become something else.
fn keep_former(conn: &mut AnyConn, ids: &[Uuid], now: Timestamp) -> Result<(), StorageError> {
    let columns =
        (completion_revisions::completion_id, completion_revisions::revision, completion_revisions::content, completion_revisions::replaced_at);
    per_backend!(conn, c => completions::table
        .filter(among(completions::id, ids))
        .select((completions::id, completions::revision, completions::content, At(now).into_sql::<Instant>()))
        .insert_into(completion_revisions::table)
        .into_columns(columns)
        .execute(c))?;
    Ok(())
}
