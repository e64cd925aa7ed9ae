//! Officers whom a client described by an identifier that somebody out of its reach holds: they have a record of their own, without the
//! identifier, and the client that sent it sees and uses it through what is kept here.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::dialect::{HALF_OF_BINDS, per_backend, rows_per_statement};
use super::error::corrupt;
use super::officers::agencies_within;
use super::schema::{officer_join_keys, officer_joins};
use super::types::{At, Id, Json};
use crate::domain::join::JoinStatus;
use crate::domain::matching::identifier_key;
use crate::domain::officer::Identifier;
use crate::domain::reach::Reach;
use crate::domain::text::{Email, Name, Text};

/// A join, or an attempt at one, as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Its id.
    pub id: Uuid,
    /// The record that the client sees.
    pub officer: Uuid,
    /// The agency for which the client described the officer.
    pub agency: Uuid,
    /// Who did.
    pub client: Uuid,
    /// Given name as sent.
    pub given_name: Name,
    /// Family name as sent.
    pub family_name: Name,
    /// Address as sent.
    pub email: Option<Email>,
    /// Those of the identifiers as sent that somebody else holds.
    pub identifiers: Vec<Identifier>,
    /// What came of it.
    pub status: JoinStatus,
    /// When staff confirmed it.
    pub confirmed_at: Option<Timestamp>,
    /// When it came.
    pub created_at: Timestamp,
    /// When the client last changed what it sent.
    pub updated_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = officer_joins)]
struct Row {
    id: Id,
    officer_id: Id,
    agency_id: Id,
    client_id: Id,
    given_name: String,
    family_name: String,
    email: Option<String>,
    identifiers: Json,
    status: String,
    confirmed_at: Option<At>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable)]
#[diesel(table_name = officer_joins, treat_none_as_default_value = false)]
struct Values<'a> {
    id: Id,
    officer_id: Id,
    agency_id: Id,
    client_id: Id,
    given_name: &'a str,
    family_name: &'a str,
    email: Option<&'a str>,
    identifiers: Json,
    status: &'a str,
    confirmed_at: Option<At>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable)]
#[diesel(table_name = officer_join_keys)]
struct KeyRow {
    lookup: String,
    join_id: Id,
}

impl Join {
    /// The keys by which the client that sent them finds the officer, until it is confirmed.
    pub fn keys(&self) -> Vec<String> {
        self.identifiers.iter().map(|i| identifier_key(i.system.as_str(), i.value.as_str())).collect()
    }
}

fn read_identifiers(doc: &Value) -> Result<Vec<Identifier>, StorageError> {
    let items = doc.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    items
        .iter()
        .map(|item| Ok(Identifier { system: Text::parse(&text(item, "system"))?, value: Text::parse(&text(item, "value"))? }))
        .collect::<Result<_, _>>()
        .map_err(corrupt("officer_joins.identifiers"))
}

fn write_identifiers(identifiers: &[Identifier]) -> Json {
    Json(identifiers.iter().map(|i| json!({"system": i.system.as_str(), "value": i.value.as_str()})).collect())
}

impl Row {
    fn read(self) -> Result<Join, StorageError> {
        Ok(Join {
            id: self.id.0,
            officer: self.officer_id.0,
            agency: self.agency_id.0,
            client: self.client_id.0,
            given_name: Name::parse(&self.given_name).map_err(corrupt("officer_joins.given_name"))?,
            family_name: Name::parse(&self.family_name).map_err(corrupt("officer_joins.family_name"))?,
            email: self.email.as_deref().map(Email::parse).transpose().map_err(corrupt("officer_joins.email"))?,
            identifiers: read_identifiers(&self.identifiers.0)?,
            status: JoinStatus::parse(&self.status).map_err(corrupt("officer_joins.status"))?,
            confirmed_at: self.confirmed_at.map(|at| at.0),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

/// The joins of officers, made for agencies within reach and not confirmed yet, by officer, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn unconfirmed(conn: &mut AnyConn, reach: &Reach, officers: &[Uuid]) -> Result<HashMap<Uuid, Vec<Join>>, StorageError> {
    let ids: Vec<Id> = officers.iter().map(|id| Id(*id)).collect();
    let mut all: HashMap<Uuid, Vec<Join>> = HashMap::new();
    for agencies in agencies_within(reach) {
        for some in ids.chunks(HALF_OF_BINDS) {
            let rows: Vec<Row> = per_backend!(conn, c => {
                let mut query = officer_joins::table
                    .filter(officer_joins::officer_id.eq_any(some))
                    .filter(officer_joins::confirmed_at.is_null())
                    .select(Row::as_select())
                    .into_boxed();
                if let Some(agencies) = agencies.ids() {
                    query = query.filter(officer_joins::agency_id.eq_any(agencies));
                }
                query.load(c)
            })?;
            for row in rows {
                all.entry(row.officer_id.0).or_default().push(row.read()?);
            }
        }
    }
    for joins in all.values_mut() {
        joins.sort_unstable_by_key(|join| join.id);
    }
    Ok(all)
}

/// The officers whom unconfirmed joins for agencies within reach make answer to one of these keys; of all agencies, only those who are
/// taken for the one who holds it.
///
/// # Errors
/// Where the database fails.
pub fn officers_by_keys(conn: &mut AnyConn, reach: &Reach, keys: &[&str]) -> Result<Vec<Uuid>, StorageError> {
    let mut found = Vec::new();
    for agencies in agencies_within(reach) {
        for some in keys.chunks(HALF_OF_BINDS) {
            let mut query = officer_join_keys::table
                .inner_join(officer_joins::table)
                .filter(officer_join_keys::lookup.eq_any(some))
                .select(officer_joins::officer_id)
                .into_boxed();
            query = match agencies.ids() {
                Some(agencies) => query.filter(officer_joins::agency_id.eq_any(agencies)),
                None => query.filter(officer_joins::status.eq(JoinStatus::Joined.as_str())),
            };
            found.extend(query.load::<Id>(conn)?.into_iter().map(|id| id.0));
        }
    }
    Ok(found)
}

/// A page of joins, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, status: Option<JoinStatus>, after: Option<Uuid>, fetch: i64) -> Result<Vec<Join>, StorageError> {
    let mut query = officer_joins::table.order(officer_joins::id).limit(fetch).select(Row::as_select()).into_boxed();
    if let Some(status) = status {
        query = query.filter(officer_joins::status.eq(status.as_str()));
    }
    if let Some(after) = after {
        query = query.filter(officer_joins::id.gt(Id(after)));
    }
    query.load(conn)?.into_iter().map(Row::read).collect()
}

/// A join by its id.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, id: Uuid) -> Result<Option<Join>, StorageError> {
    let row = officer_joins::table.filter(officer_joins::id.eq(Id(id))).select(Row::as_select()).first(conn).optional()?;
    row.map(Row::read).transpose()
}

/// Writes new joins.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, joins: &[Join]) -> Result<(), StorageError> {
    for some in joins.chunks(rows_per_statement(12)) {
        let rows: Vec<Values<'_>> = some
            .iter()
            .map(|join| Values {
                id: Id(join.id),
                officer_id: Id(join.officer),
                agency_id: Id(join.agency),
                client_id: Id(join.client),
                given_name: join.given_name.as_str(),
                family_name: join.family_name.as_str(),
                email: join.email.as_ref().map(Email::as_str),
                identifiers: write_identifiers(&join.identifiers),
                status: join.status.as_str(),
                confirmed_at: join.confirmed_at.map(At),
                created_at: At(join.created_at),
                updated_at: At(join.updated_at),
            })
            .collect();
        per_backend!(conn, c => diesel::insert_into(officer_joins::table).values(&rows).execute(c))?;
    }
    insert_keys(conn, joins)
}

/// Writes what the client has changed of what it sent, what came of it, and whether the join is confirmed; a confirmed one needs no keys.
///
/// # Errors
/// Where the database fails.
pub fn update(conn: &mut AnyConn, join: &Join) -> Result<(), StorageError> {
    diesel::update(officer_joins::table.filter(officer_joins::id.eq(Id(join.id))))
        .set((
            officer_joins::given_name.eq(join.given_name.as_str()),
            officer_joins::family_name.eq(join.family_name.as_str()),
            officer_joins::email.eq(join.email.as_ref().map(Email::as_str)),
            officer_joins::identifiers.eq(write_identifiers(&join.identifiers)),
            officer_joins::status.eq(join.status.as_str()),
            officer_joins::confirmed_at.eq(join.confirmed_at.map(At)),
            officer_joins::updated_at.eq(At(join.updated_at)),
        ))
        .execute(conn)?;
    diesel::delete(officer_join_keys::table.filter(officer_join_keys::join_id.eq(Id(join.id)))).execute(conn)?;
    if join.confirmed_at.is_none() { insert_keys(conn, std::slice::from_ref(join)) } else { Ok(()) }
}

/// Takes joins away.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, ids: &[Uuid]) -> Result<(), StorageError> {
    let ids: Vec<Id> = ids.iter().map(|id| Id(*id)).collect();
    diesel::delete(officer_joins::table.filter(officer_joins::id.eq_any(ids))).execute(conn)?;
    Ok(())
}

fn insert_keys(conn: &mut AnyConn, joins: &[Join]) -> Result<(), StorageError> {
    let mut rows: Vec<KeyRow> = Vec::new();
    for join in joins {
        let mut keys = join.keys();
        keys.sort_unstable();
        keys.dedup();
        rows.extend(keys.into_iter().map(|lookup| KeyRow { lookup, join_id: Id(join.id) }));
    }
    for some in rows.chunks(rows_per_statement(2)) {
        per_backend!(conn, c => diesel::insert_into(officer_join_keys::table).values(some).execute(c))?;
    }
    Ok(())
}
