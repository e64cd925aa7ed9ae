//! Records that turned out to be of one person: what went from the one to the other, and back.

use diesel::prelude::*;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::dialect::MAX_BINDS;
use super::schema::{appointments, completions, officer_identifiers, officer_joins, officer_merges, officers};
use super::types::{At, Id, Json};

/// A merge, as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Its id.
    pub id: Uuid,
    /// The officer who stands for both.
    pub kept: Uuid,
    /// The officer who went into the other.
    pub merged: Uuid,
    /// The join that it confirmed, where it did.
    pub join: Option<Uuid>,
    /// Why.
    pub reason: String,
    /// What went from the one to the other.
    pub moved: Moved,
    /// When.
    pub merged_at: Timestamp,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
    /// Why it was undone.
    pub undone_reason: Option<String>,
}

/// What went from one officer to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moved {
    /// Appointments.
    pub appointments: Vec<Uuid>,
    /// Completions.
    pub completions: Vec<Uuid>,
    /// `(system, value)` of identifiers.
    pub identifiers: Vec<(String, String)>,
    /// The address, where the officer who is kept had none.
    pub email: Option<String>,
    /// Officers who had been merged into the one who went.
    pub merged: Vec<Uuid>,
    /// Officers, and of whom they were records before.
    pub people: Vec<(Uuid, Uuid)>,
    /// Joins that stay what they were, and went along.
    pub joins: Vec<Uuid>,
    /// Joins that were confirmed by it.
    pub confirmed_joins: Vec<Uuid>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = officer_merges, treat_none_as_default_value = false)]
struct Row {
    id: Id,
    kept_id: Id,
    merged_id: Id,
    join_id: Option<Id>,
    reason: String,
    moved: Json,
    merged_at: At,
    undone_at: Option<At>,
    undone_reason: Option<String>,
}

impl Row {
    fn read(self) -> Result<Merge, StorageError> {
        Ok(Merge {
            id: self.id.0,
            kept: self.kept_id.0,
            merged: self.merged_id.0,
            join: self.join_id.map(|id| id.0),
            reason: self.reason,
            moved: serde_json::from_value(self.moved.0).map_err(|cause| StorageError::Corrupt(format!("officer_merges.moved: {cause}")))?,
            merged_at: self.merged_at.0,
            undone_at: self.undone_at.map(|at| at.0),
            undone_reason: self.undone_reason,
        })
    }
}

/// Writes a merge.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, merge: &Merge) -> Result<(), StorageError> {
    let row = Row {
        id: Id(merge.id),
        kept_id: Id(merge.kept),
        merged_id: Id(merge.merged),
        join_id: merge.join.map(Id),
        reason: merge.reason.clone(),
        moved: Json(serde_json::to_value(&merge.moved).map_err(|cause| StorageError::Other(cause.to_string()))?),
        merged_at: At(merge.merged_at),
        undone_at: merge.undone_at.map(At),
        undone_reason: merge.undone_reason.clone(),
    };
    diesel::insert_into(officer_merges::table).values(row).execute(conn)?;
    Ok(())
}

/// A merge by its id.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, id: Uuid) -> Result<Option<Merge>, StorageError> {
    let row = officer_merges::table.filter(officer_merges::id.eq(Id(id))).select(Row::as_select()).first(conn).optional()?;
    row.map(Row::read).transpose()
}

/// A page of merges, in the order of their ids; with an officer, only those that the officer had a part in.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, officer: Option<Uuid>, after: Option<Uuid>, fetch: i64) -> Result<Vec<Merge>, StorageError> {
    let mut query = officer_merges::table.order(officer_merges::id).limit(fetch).select(Row::as_select()).into_boxed();
    if let Some(officer) = officer {
        query = query.filter(officer_merges::kept_id.eq(Id(officer)).or(officer_merges::merged_id.eq(Id(officer))));
    }
    if let Some(after) = after {
        query = query.filter(officer_merges::id.gt(Id(after)));
    }
    query.load(conn)?.into_iter().map(Row::read).collect()
}

/// Whether an officer went into another by a merge that was not undone.
///
/// # Errors
/// Where the database fails.
pub fn is_merged(conn: &mut AnyConn, officer: Uuid) -> Result<bool, StorageError> {
    let into: Option<Option<Id>> = officers::table.filter(officers::id.eq(Id(officer))).select(officers::merged_into).first(conn).optional()?;
    Ok(into.flatten().is_some())
}

/// Says that a merge was undone.
///
/// # Errors
/// Where the database fails.
pub fn set_undone(conn: &mut AnyConn, id: Uuid, at: Timestamp, reason: &str) -> Result<(), StorageError> {
    diesel::update(officer_merges::table.filter(officer_merges::id.eq(Id(id))))
        .set((officer_merges::undone_at.eq(Some(At(at))), officer_merges::undone_reason.eq(Some(reason))))
        .execute(conn)?;
    Ok(())
}

/// Forgets what went from officer to officer, for those with a part in it who stand behind a pseudonym now.
///
/// # Errors
/// Where the database fails.
pub fn forget(conn: &mut AnyConn, officer: Uuid) -> Result<(), StorageError> {
    let own = officer_merges::kept_id.eq(Id(officer)).or(officer_merges::merged_id.eq(Id(officer)));
    diesel::update(officer_merges::table.filter(own)).set(officer_merges::moved.eq(Json(serde_json::json!({})))).execute(conn)?;
    Ok(())
}

/// Moves all that one officer has to another, and answers what that was; names, the address, joins and persons are left to the caller.
///
/// # Errors
/// Where the database fails.
pub fn move_all(conn: &mut AnyConn, from: Uuid, to: Uuid, now: Timestamp) -> Result<Moved, StorageError> {
    let (old, new) = (Id(from), Id(to));
    let spells: Vec<Id> = appointments::table.filter(appointments::officer_id.eq(old)).select(appointments::id).load(conn)?;
    diesel::update(appointments::table.filter(appointments::officer_id.eq(old)))
        .set((appointments::officer_id.eq(new), appointments::updated_at.eq(At(now))))
        .execute(conn)?;
    let earned: Vec<Id> = completions::table.filter(completions::officer_id.eq(Some(old))).select(completions::id).load(conn)?;
    diesel::update(completions::table.filter(completions::officer_id.eq(Some(old))))
        .set((completions::officer_id.eq(Some(new)), completions::updated_at.eq(At(now))))
        .execute(conn)?;
    let identifiers: Vec<(String, String)> = officer_identifiers::table
        .filter(officer_identifiers::officer_id.eq(old))
        .select((officer_identifiers::system, officer_identifiers::value))
        .load(conn)?;
    diesel::update(officer_identifiers::table.filter(officer_identifiers::officer_id.eq(old)))
        .set(officer_identifiers::officer_id.eq(new))
        .execute(conn)?;
    let merged: Vec<Id> = officers::table.filter(officers::merged_into.eq(Some(old))).select(officers::id).load(conn)?;
    set_merged(conn, &merged, Some(new))?;
    set_merged(conn, &[old], Some(new))?;
    let ids = |ids: Vec<Id>| ids.into_iter().map(|id| id.0).collect();
    Ok(Moved { appointments: ids(spells), completions: ids(earned), identifiers, merged: ids(merged), ..Moved::default() })
}

/// Moves back what a merge moved, as far as it still is where the merge brought it.
///
/// # Errors
/// Where the database fails.
pub fn move_back(conn: &mut AnyConn, merge: &Merge, now: Timestamp) -> Result<(), StorageError> {
    let (kept, merged) = (Id(merge.kept), Id(merge.merged));
    for some in ids(&merge.moved.appointments).chunks(MAX_BINDS / 2) {
        diesel::update(appointments::table.filter(appointments::officer_id.eq(kept)).filter(appointments::id.eq_any(some)))
            .set((appointments::officer_id.eq(merged), appointments::updated_at.eq(At(now))))
            .execute(conn)?;
    }
    for some in ids(&merge.moved.completions).chunks(MAX_BINDS / 2) {
        diesel::update(completions::table.filter(completions::officer_id.eq(Some(kept))).filter(completions::id.eq_any(some)))
            .set((completions::officer_id.eq(Some(merged)), completions::updated_at.eq(At(now))))
            .execute(conn)?;
    }
    for (system, value) in &merge.moved.identifiers {
        let held = officer_identifiers::table
            .filter(officer_identifiers::officer_id.eq(kept))
            .filter(officer_identifiers::system.eq(system))
            .filter(officer_identifiers::value.eq(value));
        diesel::update(held).set(officer_identifiers::officer_id.eq(merged)).execute(conn)?;
    }
    set_merged(conn, &ids(&merge.moved.merged), Some(merged))?;
    set_merged(conn, &[merged], None)
}

fn set_merged(conn: &mut AnyConn, officers: &[Id], into: Option<Id>) -> Result<(), StorageError> {
    diesel::update(officers::table.filter(officers::id.eq_any(officers))).set(officers::merged_into.eq(into)).execute(conn)?;
    Ok(())
}

/// Gives joins to another officer.
///
/// # Errors
/// Where the database fails.
pub fn move_joins(conn: &mut AnyConn, joins: &[Uuid], to: Uuid) -> Result<(), StorageError> {
    diesel::update(officer_joins::table.filter(officer_joins::id.eq_any(ids(joins)))).set(officer_joins::officer_id.eq(Id(to))).execute(conn)?;
    Ok(())
}

fn ids(all: &[Uuid]) -> Vec<Id> {
    all.iter().map(|id| Id(*id)).collect()
}
