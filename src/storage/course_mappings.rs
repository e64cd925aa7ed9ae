//! Clients' own course codes, mapped to trainings.

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::directory;
use super::schema::course_mappings;
use super::types::{At, Id, On};
use crate::domain::text::Code;
use crate::domain::training::MappingDraft;

/// A mapping as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Its id.
    pub id: Uuid,
    /// Whose code it is.
    pub client: Uuid,
    /// What it says.
    pub draft: MappingDraft,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// Which mappings a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MappingFilter {
    /// Only of this code.
    pub code: Option<Code>,
    /// Only to this training.
    pub training: Option<Uuid>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = course_mappings)]
struct MappingRow {
    id: Id,
    client_id: Id,
    code: String,
    training_id: Id,
    effective_from: On,
    effective_to: Option<On>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = course_mappings, treat_none_as_default_value = false, treat_none_as_null = true)]
struct MappingValues<'a> {
    code: &'a str,
    training_id: Id,
    effective_from: On,
    effective_to: Option<On>,
    updated_at: At,
}

impl TryFrom<MappingRow> for Mapping {
    type Error = StorageError;

    fn try_from(row: MappingRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.id.0,
            client: row.client_id.0,
            draft: MappingDraft {
                code: Code::parse(&row.code).map_err(|invalid| StorageError::Corrupt(format!("course_mappings.code: {invalid}")))?,
                training: row.training_id.0,
                effective_from: row.effective_from.0,
                effective_to: row.effective_to.map(|to| to.0),
            },
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        })
    }
}

impl<'a> MappingValues<'a> {
    fn of(mapping: &'a Mapping) -> Self {
        let draft = &mapping.draft;
        Self {
            code: draft.code.as_str(),
            training_id: Id(draft.training),
            effective_from: On(draft.effective_from),
            effective_to: draft.effective_to.map(On),
            updated_at: At(mapping.updated_at),
        }
    }
}

/// The mapping with an id, where there is one: of a client, or, without one, of whomever.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, client: Option<Uuid>, id: Uuid) -> Result<Option<Mapping>, StorageError> {
    let mut query = course_mappings::table.filter(course_mappings::id.eq(Id(id))).select(MappingRow::as_select()).into_boxed();
    if let Some(client) = client {
        query = query.filter(course_mappings::client_id.eq(Id(client)));
    }
    let row = query.first(conn).optional()?;
    row.map(Mapping::try_from).transpose()
}

/// Every mapping of a client's code.
///
/// # Errors
/// Where the database fails.
pub fn of_code(conn: &mut AnyConn, client: Uuid, code: &Code) -> Result<Vec<Mapping>, StorageError> {
    let rows = course_mappings::table
        .filter(course_mappings::client_id.eq(Id(client)))
        .filter(course_mappings::code.eq(code.as_str()))
        .order(course_mappings::id)
        .select(MappingRow::as_select())
        .load(conn)?;
    rows.into_iter().map(Mapping::try_from).collect()
}

/// A page of the client's mappings, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, client: Uuid, filter: &MappingFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<Mapping>, StorageError> {
    let own = course_mappings::table.filter(course_mappings::client_id.eq(Id(client)));
    let mut query = own.order(course_mappings::id).limit(fetch).select(MappingRow::as_select()).into_boxed();
    if let Some(code) = &filter.code {
        query = query.filter(course_mappings::code.eq(code.as_str()));
    }
    if let Some(training) = filter.training {
        query = query.filter(course_mappings::training_id.eq(Id(training)));
    }
    if let Some(after) = after {
        query = query.filter(course_mappings::id.gt(Id(after)));
    }
    query.load(conn)?.into_iter().map(Mapping::try_from).collect()
}

/// Writes a new mapping.
///
/// # Errors
/// [`super::Constraint::Reference`] where there is no such training.
pub fn insert(conn: &mut AnyConn, mapping: &Mapping) -> Result<(), StorageError> {
    directory::change(conn)?;
    diesel::insert_into(course_mappings::table)
        .values((
            course_mappings::id.eq(Id(mapping.id)),
            course_mappings::client_id.eq(Id(mapping.client)),
            course_mappings::created_at.eq(At(mapping.created_at)),
            MappingValues::of(mapping),
        ))
        .execute(conn)?;
    Ok(())
}

/// Puts `mapping` in the place of what it was.
///
/// # Errors
/// [`super::Constraint::Reference`] where there is no such training.
pub fn update(conn: &mut AnyConn, mapping: &Mapping) -> Result<(), StorageError> {
    directory::change(conn)?;
    let own = course_mappings::table.filter(course_mappings::client_id.eq(Id(mapping.client)));
    diesel::update(own.filter(course_mappings::id.eq(Id(mapping.id)))).set(MappingValues::of(mapping)).execute(conn)?;
    Ok(())
}

/// Takes a mapping away.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, id: Uuid) -> Result<(), StorageError> {
    directory::change(conn)?;
    diesel::delete(course_mappings::table.filter(course_mappings::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}
