//! How clients' CSV files are written.

use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::schema::csv_mappings;
use super::types::{At, Id, Json};
use crate::domain::csv_mapping::{CsvKind, CsvMappingDraft, DateFormat, Delimiter, MappedColumn, SetValue};
use crate::domain::invalid::Invalid;
use crate::domain::text::{Name, Text};

/// A mapping as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvMapping {
    /// Its id.
    pub id: Uuid,
    /// What it says.
    pub draft: CsvMappingDraft,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

type Row = (Id, Json, At, At);

const COLUMNS: (csv_mappings::id, csv_mappings::content, csv_mappings::created_at, csv_mappings::updated_at) =
    (csv_mappings::id, csv_mappings::content, csv_mappings::created_at, csv_mappings::updated_at);

fn mapping((id, content, created_at, updated_at): Row) -> Result<CsvMapping, StorageError> {
    let draft = read(&content.0).map_err(|invalid| StorageError::Corrupt(format!("csv_mappings.content: {invalid}")))?;
    Ok(CsvMapping { id: id.0, draft, created_at: created_at.0, updated_at: updated_at.0 })
}

/// Reads what serde made of a draft.
fn read(content: &Value) -> Result<CsvMappingDraft, Invalid> {
    let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
    let items = |name: &str| content[name].as_array().cloned().unwrap_or_default();
    let pair = |item: &Value, other: &str| Ok((Name::parse(&text(&item["field"]))?, Name::parse(&text(&item[other]))?));
    Ok(CsvMappingDraft {
        name: Name::parse(&text(&content["name"]))?,
        kind: CsvKind::parse(&text(&content["kind"]))?,
        map: items("map").iter().map(|item| pair(item, "column").map(|(field, column)| MappedColumn { field, column })).collect::<Result<_, _>>()?,
        set: items("set").iter().map(|item| pair(item, "value").map(|(field, value)| SetValue { field, value })).collect::<Result<_, _>>()?,
        delimiter: content["delimiter"].as_str().map(Delimiter::parse).transpose()?,
        encoding: content["encoding"].as_str().map(Text::parse).transpose()?,
        date_format: DateFormat::parse(&text(&content["date_format"]))?,
        footer: content["footer"].as_str().map(Name::parse).transpose()?,
    })
}

fn document(draft: &CsvMappingDraft) -> Result<Json, StorageError> {
    serde_json::to_value(draft).map(Json).map_err(|cause| StorageError::Other(format!("a mapping is not JSON: {cause}")))
}

/// The client's mapping with an id, where there is one.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, client: Uuid, id: Uuid) -> Result<Option<CsvMapping>, StorageError> {
    let own = csv_mappings::table.filter(csv_mappings::client_id.eq(Id(client)));
    let row: Option<Row> = own.filter(csv_mappings::id.eq(Id(id))).select(COLUMNS).first(conn).optional()?;
    row.map(mapping).transpose()
}

/// How many mappings a client has.
///
/// # Errors
/// Where the database fails.
pub fn count(conn: &mut AnyConn, client: Uuid) -> Result<i64, StorageError> {
    Ok(csv_mappings::table.filter(csv_mappings::client_id.eq(Id(client))).count().get_result(conn)?)
}

/// A page of the client's mappings, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, client: Uuid, after: Option<Uuid>, fetch: i64) -> Result<Vec<CsvMapping>, StorageError> {
    let own = csv_mappings::table.filter(csv_mappings::client_id.eq(Id(client)));
    let mut query = own.order(csv_mappings::id).limit(fetch).select(COLUMNS).into_boxed();
    if let Some(after) = after {
        query = query.filter(csv_mappings::id.gt(Id(after)));
    }
    query.load::<Row>(conn)?.into_iter().map(mapping).collect()
}

/// Writes a new mapping of a client.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, client: Uuid, mapping: &CsvMapping) -> Result<(), StorageError> {
    diesel::insert_into(csv_mappings::table)
        .values((
            csv_mappings::id.eq(Id(mapping.id)),
            csv_mappings::client_id.eq(Id(client)),
            csv_mappings::content.eq(document(&mapping.draft)?),
            csv_mappings::created_at.eq(At(mapping.created_at)),
            csv_mappings::updated_at.eq(At(mapping.updated_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Puts `mapping` in the place of what it was.
///
/// # Errors
/// Where the database fails.
pub fn update(conn: &mut AnyConn, client: Uuid, mapping: &CsvMapping) -> Result<(), StorageError> {
    let own = csv_mappings::table.filter(csv_mappings::client_id.eq(Id(client)));
    diesel::update(own.filter(csv_mappings::id.eq(Id(mapping.id))))
        .set((csv_mappings::content.eq(document(&mapping.draft)?), csv_mappings::updated_at.eq(At(mapping.updated_at))))
        .execute(conn)?;
    Ok(())
}

/// Takes a client's mapping away.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, client: Uuid, id: Uuid) -> Result<(), StorageError> {
    let own = csv_mappings::table.filter(csv_mappings::client_id.eq(Id(client)));
    diesel::delete(own.filter(csv_mappings::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}
