//! Completions that are about to change, and for whom they count.

use diesel::prelude::*;
use uuid::Uuid;

use crate::storage::StorageError;
use crate::storage::conn::AnyConn;
use crate::storage::coverage::CoverageChange;
use crate::storage::dialect::{MAX_BINDS, lock_completions, per_backend};
use crate::storage::schema::completions;
use crate::storage::types::Id;

/// Holds off, until the transaction ends, other changes to completions that are about to change: what is read of them after this stays so.
///
/// # Errors
/// Where the database fails.
pub fn hold(conn: &mut AnyConn, ids: &[Uuid]) -> Result<(), StorageError> {
    let mut ids: Vec<Id> = ids.iter().map(|id| Id(*id)).collect();
    ids.sort_unstable_by_key(|id| id.0);
    lock_completions(conn, &ids)
}

/// Notes that completions are about to change, for whom they count now, and for whom they and others will. On PostgreSQL other
/// transactions that change them wait until this one ends. Taken for all of a transaction's at once, so that two of them take them in one order.
///
/// # Errors
/// Where the database fails.
pub fn touch(conn: &mut AnyConn, coverage: &mut CoverageChange, ids: &[Uuid], then: impl IntoIterator<Item = Uuid>) -> Result<(), StorageError> {
    let mut officers: Vec<Uuid> = then.into_iter().collect();
    hold(conn, ids)?;
    let ids: Vec<Id> = ids.iter().map(|id| Id(*id)).collect();
    for some in ids.chunks(MAX_BINDS) {
        let placed = completions::table.filter(completions::id.eq_any(some)).filter(completions::parked_reason.is_null());
        let now: Vec<Option<Id>> = per_backend!(conn, c => placed.select(completions::officer_id).load(c))?;
        officers.extend(now.into_iter().flatten().map(|officer| officer.0));
    }
    coverage.touch(conn, officers)
}
