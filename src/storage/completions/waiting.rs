//! What parked completions wait for.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use uuid::Uuid;

use super::{Completion, CompletionRow};
use crate::domain::agency::AgencyKey;
use crate::domain::placement::ParkedReason;
use crate::storage::StorageError;
use crate::storage::conn::AnyConn;
use crate::storage::dialect::{MAX_BINDS, per_backend, rows_per_statement};
use crate::storage::error::corrupt;
use crate::storage::schema::{completions, waiting_keys};
use crate::storage::types::{Id, Json};

/// A parked completion, and the agencies that its client was granted when it pushed it (`None`: all).
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The completion.
    pub completion: Completion,
    /// The agencies, as the grant named them.
    pub granted: Option<Vec<AgencyKey>>,
}

/// Puts `keys` in the place of what completions waited for.
///
/// # Errors
/// Where the database fails.
pub fn set_waiting(conn: &mut AnyConn, completions: &[Uuid], keys: &[(Uuid, String)]) -> Result<(), StorageError> {
    let ids: Vec<Id> = completions.iter().map(|id| Id(*id)).collect();
    for some in ids.chunks(MAX_BINDS) {
        diesel::delete(waiting_keys::table.filter(waiting_keys::completion_id.eq_any(some))).execute(conn)?;
    }
    for some in keys.chunks(rows_per_statement(2)) {
        let rows: Vec<_> = some.iter().map(|(id, key)| (waiting_keys::wanted.eq(key), waiting_keys::completion_id.eq(Id(*id)))).collect();
        per_backend!(conn, c => diesel::insert_into(waiting_keys::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// The completions that wait for one of `keys`, in the order in which they came.
///
/// # Errors
/// Where the database fails.
pub fn waiting_for(conn: &mut AnyConn, keys: &[String]) -> Result<Vec<Waiting>, StorageError> {
    let mut ids: BTreeSet<Uuid> = BTreeSet::new();
    for some in keys.chunks(MAX_BINDS) {
        let found: Vec<Id> = waiting_keys::table.filter(waiting_keys::wanted.eq_any(some)).select(waiting_keys::completion_id).load(conn)?;
        ids.extend(found.into_iter().map(|id| id.0));
    }
    load(conn, ids)
}

/// The completions of a client that wait, in the order in which they came.
///
/// # Errors
/// Where the database fails.
pub fn waiting_of(conn: &mut AnyConn, client: Uuid) -> Result<Vec<Waiting>, StorageError> {
    let ids: Vec<Id> = completions::table
        .filter(completions::client_id.eq(Id(client)))
        .filter(completions::parked_reason.is_not_null())
        .select(completions::id)
        .load(conn)?;
    load(conn, ids.into_iter().map(|id| id.0).collect())
}

fn load(conn: &mut AnyConn, ids: BTreeSet<Uuid>) -> Result<Vec<Waiting>, StorageError> {
    let ids: Vec<Id> = ids.into_iter().map(Id).collect();
    let mut waiting = Vec::with_capacity(ids.len());
    for some in ids.chunks(MAX_BINDS) {
        let rows: Vec<(CompletionRow, Option<Json>)> = completions::table
            .filter(completions::id.eq_any(some))
            .order(completions::id)
            .select((CompletionRow::as_select(), completions::pushed_reach))
            .load(conn)?;
        for (row, reach) in rows {
            let granted = reach.map(|keys| read_keys(&keys)).transpose()?;
            waiting.push(Waiting { completion: row.into_completion()?, granted });
        }
    }
    Ok(waiting)
}

fn read_keys(keys: &Json) -> Result<Vec<AgencyKey>, StorageError> {
    let corrupt = || StorageError::Corrupt("completions.pushed_reach".into());
    let keys = keys.0.as_array().ok_or_else(corrupt)?;
    keys.iter().map(|key| key.as_str().and_then(|key| AgencyKey::parse(key).ok()).ok_or_else(corrupt)).collect()
}

/// How many completions wait, and why: of one client, or with `None` of all.
///
/// # Errors
/// Where the database fails.
pub fn waiting_by_reason(conn: &mut AnyConn, client: Option<Uuid>) -> Result<BTreeMap<ParkedReason, u64>, StorageError> {
    macro_rules! counts {
        ($query:expr) => {
            $query.group_by(completions::parked_reason).select((completions::parked_reason, diesel::dsl::count_star()))
        };
    }
    let waiting = completions::table.filter(completions::parked_reason.is_not_null()).filter(completions::revoked_at.is_null());
    let counts: Vec<(Option<String>, i64)> = match client {
        None => per_backend!(conn, c => counts!(waiting).load(c))?,
        Some(client) => per_backend!(conn, c => counts!(waiting.filter(completions::client_id.eq(Id(client)))).load(c))?,
    };
    let read = |(reason, count): (Option<String>, i64)| {
        let reason = ParkedReason::parse(&reason.unwrap_or_default()).map_err(corrupt("completions.parked_reason"))?;
        Ok((reason, u64::try_from(count).unwrap_or(0)))
    };
    counts.into_iter().map(read).collect()
}
