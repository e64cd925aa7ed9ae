//! Grants: for which agencies clients may act, and when.

use diesel::prelude::*;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::dialect::MAX_BINDS;
use super::error::corrupt;
use super::schema::grants;
use super::types::{At, Id, On};
use crate::domain::agency::AgencyKey;
use crate::domain::ori::Ori;

/// A grant as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub client: Uuid,
    /// For which agency: by its id once it is registered, by ORI until then; `None`: all.
    pub agency: Option<AgencyKey>,
    /// The first day.
    pub starts_on: Date,
    /// The day after the last, where there is a last.
    pub ends_on: Option<Date>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

impl Grant {
    /// Whether it is in force on a day.
    pub fn covers(&self, day: Date) -> bool {
        self.starts_on <= day && self.ends_on.is_none_or(|end| day < end)
    }
}

/// Which grants a list holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GrantFilter {
    /// Only of this client.
    pub client: Option<Uuid>,
    /// Only for this agency.
    pub agency: Option<Uuid>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = grants)]
struct Row {
    id: Id,
    client_id: Id,
    agency_id: Option<Id>,
    ori: Option<String>,
    starts_on: On,
    ends_on: Option<On>,
    created_at: At,
    updated_at: At,
}

impl Row {
    fn read(self) -> Result<Grant, StorageError> {
        let agency = match (self.agency_id, self.ori) {
            (Some(id), _) => Some(AgencyKey::Id(id.0)),
            (None, Some(ori)) => Some(AgencyKey::Ori(Ori::parse(&ori).map_err(corrupt("grants.ori"))?)),
            (None, None) => None,
        };
        Ok(Grant {
            id: self.id.0,
            client: self.client_id.0,
            agency,
            starts_on: self.starts_on.0,
            ends_on: self.ends_on.map(|day| day.0),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

/// Every grant of a client, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn of_client(conn: &mut AnyConn, client: Uuid) -> Result<Vec<Grant>, StorageError> {
    let rows = grants::table.filter(grants::client_id.eq(Id(client))).order(grants::id).select(Row::as_select()).load(conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// The grant of an id, where there is one.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, id: Uuid) -> Result<Option<Grant>, StorageError> {
    let row = grants::table.filter(grants::id.eq(Id(id))).select(Row::as_select()).first(conn).optional()?;
    row.map(Row::read).transpose()
}

/// A page of grants, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, filter: GrantFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<Grant>, StorageError> {
    let mut query = grants::table.order(grants::id).limit(fetch).select(Row::as_select()).into_boxed();
    if let Some(client) = filter.client {
        query = query.filter(grants::client_id.eq(Id(client)));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(grants::agency_id.eq(Some(Id(agency))));
    }
    if let Some(after) = after {
        query = query.filter(grants::id.gt(Id(after)));
    }
    query.load(conn)?.into_iter().map(Row::read).collect()
}

/// Writes a new grant.
///
/// # Errors
/// [`super::Constraint::Reference`] where there is no such client or agency.
pub fn insert(conn: &mut AnyConn, grant: &Grant) -> Result<(), StorageError> {
    let (agency, ori) = match &grant.agency {
        Some(AgencyKey::Id(id)) => (Some(Id(*id)), None),
        Some(AgencyKey::Ori(ori)) => (None, Some(ori.as_str())),
        None => (None, None),
    };
    diesel::insert_into(grants::table)
        .values((
            grants::id.eq(Id(grant.id)),
            grants::client_id.eq(Id(grant.client)),
            grants::agency_id.eq(agency),
            grants::ori.eq(ori),
            grants::starts_on.eq(On(grant.starts_on)),
            grants::ends_on.eq(grant.ends_on.map(On)),
            grants::created_at.eq(At(grant.created_at)),
            grants::updated_at.eq(At(grant.updated_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Changes the days of a grant.
///
/// # Errors
/// Where the database fails.
pub fn update(conn: &mut AnyConn, grant: &Grant) -> Result<(), StorageError> {
    diesel::update(grants::table.filter(grants::id.eq(Id(grant.id))))
        .set((grants::starts_on.eq(On(grant.starts_on)), grants::ends_on.eq(grant.ends_on.map(On)), grants::updated_at.eq(At(grant.updated_at))))
        .execute(conn)?;
    Ok(())
}

/// Takes a grant away.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, id: Uuid) -> Result<(), StorageError> {
    diesel::delete(grants::table.filter(grants::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}

/// Ties the grants that wait for one of `oris` to the agency that goes by it now.
///
/// # Errors
/// Where the database fails.
pub fn bind(conn: &mut AnyConn, agency: Uuid, oris: &[&str]) -> Result<(), StorageError> {
    for some in oris.chunks(MAX_BINDS) {
        diesel::update(grants::table.filter(grants::ori.eq_any(some)))
            .set((grants::agency_id.eq(Some(Id(agency))), grants::ori.eq(None::<String>)))
            .execute(conn)?;
    }
    Ok(())
}
