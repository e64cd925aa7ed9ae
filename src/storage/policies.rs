//! Policies of agencies on responding to people with mental health conditions.

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::StorageError;
use super::agencies::AgencyBrief;
use super::conn::AnyConn;
use super::error::corrupt;
use super::evidence::{EvidenceFilter, document};
use super::schema::{agencies, policies};
use super::types::{At, Id, On};
use crate::domain::agency::AgencyKey;
use crate::domain::evidence::PolicyDraft;
use crate::domain::reach::Reach;
use crate::domain::text::Name;

/// A policy as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub agency: AgencyBrief,
    /// What it is; it names its agency by id.
    pub draft: PolicyDraft,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = policies)]
struct PolicyRow {
    id: Id,
    agency_id: Id,
    title: String,
    adopted_on: On,
    ends_on: Option<On>,
    document_url: Option<String>,
    document_sha256: Option<String>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = policies, treat_none_as_default_value = false, treat_none_as_null = true)]
struct PolicyValues<'a> {
    title: &'a str,
    adopted_on: On,
    ends_on: Option<On>,
    document_url: Option<&'a str>,
    document_sha256: Option<&'a str>,
    updated_at: At,
}

impl PolicyRow {
    fn into_policy(self, ori: Option<String>, name: String) -> Result<Policy, StorageError> {
        Ok(Policy {
            id: self.id.0,
            agency: AgencyBrief { id: self.agency_id.0, ori, name },
            draft: PolicyDraft {
                agency: AgencyKey::Id(self.agency_id.0),
                title: Name::parse(&self.title).map_err(corrupt("policies.title"))?,
                adopted_on: self.adopted_on.0,
                ends_on: self.ends_on.map(|day| day.0),
                document: document(self.document_url.as_deref(), self.document_sha256.as_deref())?,
            },
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl<'a> PolicyValues<'a> {
    fn of(draft: &'a PolicyDraft, now: Timestamp) -> Self {
        Self {
            title: draft.title.as_str(),
            adopted_on: On(draft.adopted_on),
            ends_on: draft.ends_on.map(On),
            document_url: draft.document.as_ref().map(|document| document.url.as_str()),
            document_sha256: draft.document.as_ref().map(|document| document.sha256.as_str()),
            updated_at: At(now),
        }
    }
}

/// The policy with this id, where it is within reach.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, reach: &Reach, id: Uuid) -> Result<Option<Policy>, StorageError> {
    let mut query = policies::table
        .inner_join(agencies::table.on(agencies::id.eq(policies::agency_id)))
        .filter(policies::id.eq(Id(id)))
        .select((PolicyRow::as_select(), agencies::ori, agencies::name))
        .into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(policies::agency_id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    let found: Option<(PolicyRow, Option<String>, String)> = query.first(conn).optional()?;
    found.map(|(row, ori, name)| row.into_policy(ori, name)).transpose()
}

/// A page of policies within reach, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, reach: &Reach, filter: &EvidenceFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<Policy>, StorageError> {
    let mut query = policies::table
        .inner_join(agencies::table.on(agencies::id.eq(policies::agency_id)))
        .order(policies::id)
        .limit(fetch)
        .select((PolicyRow::as_select(), agencies::ori, agencies::name))
        .into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(policies::agency_id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(policies::agency_id.eq(Id(agency)));
    }
    if let Some(day) = filter.in_force_on {
        query =
            query.filter(policies::adopted_on.le(On(day))).filter(policies::ends_on.is_null().or(policies::ends_on.assume_not_null().gt(On(day))));
    }
    if let Some(after) = after {
        query = query.filter(policies::id.gt(Id(after)));
    }
    let rows: Vec<(PolicyRow, Option<String>, String)> = query.load(conn)?;
    rows.into_iter().map(|(row, ori, name)| row.into_policy(ori, name)).collect()
}

/// Writes a new policy of an agency.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, id: Uuid, agency: Uuid, draft: &PolicyDraft, now: Timestamp) -> Result<(), StorageError> {
    diesel::insert_into(policies::table)
        .values((policies::id.eq(Id(id)), policies::agency_id.eq(Id(agency)), policies::created_at.eq(At(now)), PolicyValues::of(draft, now)))
        .execute(conn)?;
    Ok(())
}

/// Puts `draft` in the place of what a policy was; its agency stays.
///
/// # Errors
/// Where the database fails.
pub fn update(conn: &mut AnyConn, id: Uuid, draft: &PolicyDraft, now: Timestamp) -> Result<(), StorageError> {
    diesel::update(policies::table.filter(policies::id.eq(Id(id)))).set(PolicyValues::of(draft, now)).execute(conn)?;
    Ok(())
}

/// Takes a policy out.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, id: Uuid) -> Result<(), StorageError> {
    diesel::delete(policies::table.filter(policies::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}
