//! New completions, however many, by one statement that is prepared once on PostgreSQL.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text};
use jiff::Timestamp;
use uuid::Uuid;

use super::{NewCompletion, pushed_reach, values};
use crate::domain::agency::AgencyKey;
use crate::domain::completion::CompletionDraft;
use crate::storage::StorageError;
use crate::storage::conn::AnyConn;
use crate::storage::coverage::{CoverageChange, Gained};
use crate::storage::schema::completions;
use crate::storage::types::{At, Day, Doc, Guid, Id, Instant, Json, On, Written};

/// How many rows one statement writes on PostgreSQL, where it binds a list for each column.
const AT_ONCE: usize = 5_000;

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
    match conn {
        AnyConn::Postgres(conn) => {
            for some in new.chunks(AT_ONCE) {
                Rows::of(client, granted, some, now).execute(conn)?;
            }
        }
        AnyConn::Sqlite(conn) => {
            // One by one: its statement stays prepared.
            for new in new {
                let row = (
                    completions::id.eq(Id(new.id)),
                    completions::client_id.eq(Id(client)),
                    completions::external_id.eq(new.draft.external_id.as_str()),
                    completions::created_at.eq(At(now)),
                    values(new, granted, now),
                );
                diesel::insert_into(completions::table).values(row).execute(conn)?;
            }
        }
    }
    Ok(())
}

/// Makes [`Rows`]: a list for each column, which PostgreSQL puts together to rows again.
macro_rules! by_column {
    ($($column:ident: $rust:ty as $sql:ty),+ $(,)?) => {
        /// New rows, column by column; what all of them have in common once.
        #[derive(QueryId)]
        struct Rows {
            client: Id,
            pushed_reach: Option<Json>,
            now: At,
            id: Vec<Id>,
            external_id: Vec<String>,
            $($column: Vec<$rust>,)+
        }

        impl Rows {
            fn of(client: Uuid, granted: Option<&[AgencyKey]>, new: &[NewCompletion<'_>], now: Timestamp) -> Self {
                let mut rows = Self {
                    client: Id(client),
                    pushed_reach: pushed_reach(granted),
                    now: At(now),
                    id: new.iter().map(|new| Id(new.id)).collect(),
                    external_id: new.iter().map(|new| new.draft.external_id.as_str().to_owned()).collect(),
                    $($column: Vec::with_capacity(new.len()),)+
                };
                for new in new {
                    let values = values(new, None, now);
                    $(rows.$column.push(values.$column);)+
                }
                rows
            }
        }

        impl QueryFragment<Pg> for Rows {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql(concat!(
                    "INSERT INTO completions (client_id, pushed_reach, created_at, updated_at, id, external_id", $(", ", stringify!($column),)+ ") SELECT "
                ));
                out.push_bind_param::<Guid, _>(&self.client)?;
                out.push_sql(", ");
                out.push_bind_param::<Nullable<Doc>, _>(&self.pushed_reach)?;
                out.push_sql(", ");
                out.push_bind_param::<Instant, _>(&self.now)?;
                out.push_sql(", ");
                out.push_bind_param::<Instant, _>(&self.now)?;
                out.push_sql(", column_of.* FROM unnest(");
                out.push_bind_param::<Array<Guid>, _>(&self.id)?;
                out.push_sql(", ");
                out.push_bind_param::<Array<Text>, _>(&self.external_id)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<Array<$sql>, _>(&self.$column)?;
                )+
                out.push_sql(") AS column_of");
                Ok(())
            }
        }
    };
}

by_column! {
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
}

impl diesel::RunQueryDsl<PgConnection> for Rows {}
