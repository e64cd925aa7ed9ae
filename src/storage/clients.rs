//! Clients, their secrets, and the assertions that they used.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::dialect::{MAX_BINDS, per_backend};
use super::error::corrupt;
use super::schema::{client_assertions, client_secrets, clients};
use super::types::{At, Id, Json};
use crate::domain::client::{ClientKind, ClientTimes};
use crate::domain::text::{Name, Note};

/// What describes a client.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClientDraft {
    /// What it is called.
    pub name: Name,
    /// What it is.
    pub kind: ClientKind,
    /// The scopes that its tokens may carry, sorted.
    pub scopes: Vec<String>,
    /// The public keys that sign its assertions: a JSON Web Key Set (RFC 7517).
    pub jwks: Option<Value>,
}

/// A client as it is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Its id, which is the `client_id` of OAuth.
    pub id: Uuid,
    /// What describes it.
    pub draft: ClientDraft,
    /// Whether it may call.
    pub times: ClientTimes,
    /// Why it was revoked.
    pub revocation_reason: Option<Note>,
    /// Its secrets, in the order in which they were made.
    pub secrets: Vec<Secret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// A secret of a client: what is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its id.
    pub id: Uuid,
    /// The SHA-256 of the secret, in base64url.
    pub digest: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a token was last got by it.
    pub last_used_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = clients)]
struct Row {
    id: Id,
    name: String,
    kind: String,
    scopes: Json,
    jwks: Option<Json>,
    enabled_at: At,
    last_used_at: Option<At>,
    revoked_at: Option<At>,
    revocation_reason: Option<String>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = clients, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Values<'a> {
    name: &'a str,
    kind: &'a str,
    scopes: Json,
    jwks: Option<Json>,
    enabled_at: At,
    revoked_at: Option<At>,
    revocation_reason: Option<&'a str>,
    updated_at: At,
}

impl Row {
    fn read(self) -> Result<Client, StorageError> {
        let words = self.scopes.0.as_array().cloned().unwrap_or_default();
        let scopes = words.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
        Ok(Client {
            id: self.id.0,
            draft: ClientDraft {
                name: Name::parse(&self.name).map_err(corrupt("clients.name"))?,
                kind: ClientKind::parse(&self.kind).map_err(corrupt("clients.kind"))?,
                scopes: scopes.ok_or_else(|| StorageError::Corrupt("clients.scopes".into()))?,
                jwks: self.jwks.map(|json| json.0),
            },
            times: ClientTimes {
                enabled_at: self.enabled_at.0,
                last_used_at: self.last_used_at.map(|at| at.0),
                revoked_at: self.revoked_at.map(|at| at.0),
            },
            revocation_reason: self.revocation_reason.as_deref().map(Note::parse).transpose().map_err(corrupt("clients.revocation_reason"))?,
            secrets: Vec::new(),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl<'a> Values<'a> {
    fn of(client: &'a Client) -> Self {
        Self {
            name: client.draft.name.as_str(),
            kind: client.draft.kind.as_str(),
            scopes: Json(client.draft.scopes.clone().into()),
            jwks: client.draft.jwks.clone().map(Json),
            enabled_at: At(client.times.enabled_at),
            revoked_at: client.times.revoked_at.map(At),
            revocation_reason: client.revocation_reason.as_ref().map(Note::as_str),
            updated_at: At(client.updated_at),
        }
    }
}

/// Clients with the secrets of `ids`, which are theirs.
fn with_secrets(conn: &mut AnyConn, rows: Vec<Row>, ids: &[Id]) -> Result<Vec<Client>, StorageError> {
    let mut secrets: HashMap<Uuid, Vec<Secret>> = HashMap::new();
    for some in ids.chunks(MAX_BINDS) {
        let held: Vec<(Id, Id, String, At, Option<At>)> = client_secrets::table
            .filter(client_secrets::client_id.eq_any(some))
            .order(client_secrets::id)
            .select((client_secrets::client_id, client_secrets::id, client_secrets::digest, client_secrets::created_at, client_secrets::last_used_at))
            .load(conn)?;
        for (client, id, digest, created_at, used) in held {
            let secret = Secret { id: id.0, digest, created_at: created_at.0, last_used_at: used.map(|at| at.0) };
            secrets.entry(client.0).or_default().push(secret);
        }
    }
    rows.into_iter()
        .map(|row| {
            let mut client = row.read()?;
            client.secrets = secrets.remove(&client.id).unwrap_or_default();
            Ok(client)
        })
        .collect()
}

/// The client of an id, where there is one. As much is asked of the database where there is none: how long it takes tells nothing.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, id: Uuid) -> Result<Option<Client>, StorageError> {
    let rows = clients::table.filter(clients::id.eq(Id(id))).select(Row::as_select()).load(conn)?;
    Ok(with_secrets(conn, rows, &[Id(id)])?.pop())
}

/// A page of clients, in the order of their ids; only of a kind, where one is given.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, kind: Option<ClientKind>, after: Option<Uuid>, fetch: i64) -> Result<Vec<Client>, StorageError> {
    let mut query = clients::table.order(clients::id).limit(fetch).select(Row::as_select()).into_boxed();
    if let Some(kind) = kind {
        query = query.filter(clients::kind.eq(kind.as_str()));
    }
    if let Some(after) = after {
        query = query.filter(clients::id.gt(Id(after)));
    }
    let rows: Vec<Row> = query.load(conn)?;
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    with_secrets(conn, rows, &ids)
}

/// Writes a new client; its secrets are written by themselves.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, client: &Client) -> Result<(), StorageError> {
    diesel::insert_into(clients::table)
        .values((clients::id.eq(Id(client.id)), clients::created_at.eq(At(client.created_at)), Values::of(client)))
        .execute(conn)?;
    Ok(())
}

/// Puts `client` in the place of what it was, its use and secrets aside.
///
/// # Errors
/// Where the database fails.
pub fn update(conn: &mut AnyConn, client: &Client) -> Result<(), StorageError> {
    diesel::update(clients::table.filter(clients::id.eq(Id(client.id)))).set(Values::of(client)).execute(conn)?;
    Ok(())
}

/// Writes when a client, and the secret that it showed, were used.
///
/// # Errors
/// Where the database fails.
pub fn use_at(conn: &mut AnyConn, client: Uuid, secret: Option<Uuid>, now: Timestamp) -> Result<(), StorageError> {
    diesel::update(clients::table.filter(clients::id.eq(Id(client)))).set(clients::last_used_at.eq(Some(At(now)))).execute(conn)?;
    if let Some(secret) = secret {
        diesel::update(client_secrets::table.filter(client_secrets::id.eq(Id(secret))))
            .set(client_secrets::last_used_at.eq(Some(At(now))))
            .execute(conn)?;
    }
    Ok(())
}

/// Gives a client a secret.
///
/// # Errors
/// [`super::Constraint::Reference`] where there is no such client.
pub fn add_secret(conn: &mut AnyConn, client: Uuid, secret: &Secret) -> Result<(), StorageError> {
    diesel::insert_into(client_secrets::table)
        .values((
            client_secrets::id.eq(Id(secret.id)),
            client_secrets::client_id.eq(Id(client)),
            client_secrets::digest.eq(&secret.digest),
            client_secrets::created_at.eq(At(secret.created_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes a secret from a client.
///
/// # Errors
/// Where the database fails.
pub fn remove_secret(conn: &mut AnyConn, client: Uuid, secret: Uuid) -> Result<(), StorageError> {
    let held = client_secrets::table.filter(client_secrets::client_id.eq(Id(client))).filter(client_secrets::id.eq(Id(secret)));
    diesel::delete(held).execute(conn)?;
    Ok(())
}

/// Remembers that a client used an assertion, and answers whether it is the first time; forgets, of all clients, those that have
/// expired by `now`.
///
/// # Errors
/// Where the database fails.
pub fn use_assertion(conn: &mut AnyConn, client: Uuid, jti: &str, expires_at: Timestamp, now: Timestamp) -> Result<bool, StorageError> {
    diesel::delete(client_assertions::table.filter(client_assertions::expires_at.le(At(now)))).execute(conn)?;
    let row = (client_assertions::client_id.eq(Id(client)), client_assertions::jti.eq(jti), client_assertions::expires_at.eq(At(expires_at)));
    let first = per_backend!(conn, c => diesel::insert_into(client_assertions::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(first == 1)
}
