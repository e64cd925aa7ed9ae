//! The library, and the words by which its entries are found.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::dialect::per_backend;
use super::error::corrupt;
use super::schema::{resource_topics, resource_words, resources};
use super::types::{At, Id, On};
use crate::domain::library::{Language, Link, ResourceDraft, ResourceKind, Topic};
use crate::domain::text::{Name, Note};

/// An entry as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldResource {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub draft: ResourceDraft,
    /// When it was entered.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// Which entries a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceFilter {
    /// Only of this kind.
    pub kind: Option<ResourceKind>,
    /// Only about this.
    pub topic: Option<Topic>,
    /// Only those in which each of these begins a word.
    pub words: BTreeSet<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = resources)]
struct Row {
    id: Id,
    kind: String,
    title: String,
    summary: String,
    link: String,
    publisher: String,
    published_on: On,
    language: String,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = resources)]
struct Values<'a> {
    kind: &'a str,
    title: &'a str,
    summary: &'a str,
    link: &'a str,
    publisher: &'a str,
    published_on: On,
    language: &'a str,
    updated_at: At,
}

impl Row {
    fn into_held(self, topics: BTreeSet<Topic>) -> Result<HeldResource, StorageError> {
        Ok(HeldResource {
            id: self.id.0,
            draft: ResourceDraft {
                kind: ResourceKind::parse(&self.kind).map_err(corrupt("resources.kind"))?,
                topics,
                title: Name::parse(&self.title).map_err(corrupt("resources.title"))?,
                summary: Note::parse(&self.summary).map_err(corrupt("resources.summary"))?,
                link: Link::parse(&self.link).map_err(corrupt("resources.link"))?,
                publisher: Name::parse(&self.publisher).map_err(corrupt("resources.publisher"))?,
                published_on: self.published_on.0,
                language: Language::parse(&self.language).map_err(corrupt("resources.language"))?,
            },
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl<'a> Values<'a> {
    fn of(draft: &'a ResourceDraft, now: Timestamp) -> Self {
        Self {
            kind: draft.kind.as_str(),
            title: draft.title.as_str(),
            summary: draft.summary.as_str(),
            link: draft.link.as_str(),
            publisher: draft.publisher.as_str(),
            published_on: On(draft.published_on),
            language: draft.language.as_str(),
            updated_at: At(now),
        }
    }
}

/// The entry with this id.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, id: Uuid) -> Result<Option<HeldResource>, StorageError> {
    let row: Option<Row> = resources::table.filter(resources::id.eq(Id(id))).select(Row::as_select()).first(conn).optional()?;
    Ok(with_topics(conn, row.into_iter().collect())?.pop())
}

/// A page of entries, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, filter: &ResourceFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<HeldResource>, StorageError> {
    let mut query = resources::table.order(resources::id).limit(fetch).select(Row::as_select()).into_boxed();
    if let Some(kind) = filter.kind {
        query = query.filter(resources::kind.eq(kind.as_str()));
    }
    if let Some(topic) = &filter.topic {
        let about = resource_topics::table.filter(resource_topics::topic.eq(topic.as_str())).select(resource_topics::resource_id);
        query = query.filter(resources::id.eq_any(about));
    }
    for word in &filter.words {
        // In the order of bytes, as both databases have it, nothing that begins so comes after this.
        let last = format!("{word}{}", char::MAX);
        let holding = resource_words::table.filter(resource_words::word.ge(word)).filter(resource_words::word.lt(last));
        query = query.filter(resources::id.eq_any(holding.select(resource_words::resource_id)));
    }
    if let Some(after) = after {
        query = query.filter(resources::id.gt(Id(after)));
    }
    let rows = query.load(conn)?;
    with_topics(conn, rows)
}

fn with_topics(conn: &mut AnyConn, rows: Vec<Row>) -> Result<Vec<HeldResource>, StorageError> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let found: Vec<(Id, String)> = resource_topics::table
        .filter(resource_topics::resource_id.eq_any(ids))
        .select((resource_topics::resource_id, resource_topics::topic))
        .load(conn)?;
    let mut topics: HashMap<Uuid, BTreeSet<Topic>> = HashMap::new();
    for (id, topic) in found {
        topics.entry(id.0).or_default().insert(Topic::parse(&topic).map_err(corrupt("resource_topics.topic"))?);
    }
    rows.into_iter()
        .map(|row| {
            let own = topics.remove(&row.id.0).unwrap_or_default();
            row.into_held(own)
        })
        .collect()
}

/// Writes a new entry.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, id: Uuid, draft: &ResourceDraft, now: Timestamp) -> Result<(), StorageError> {
    let values = Values::of(draft, now);
    diesel::insert_into(resources::table).values((resources::id.eq(Id(id)), resources::created_at.eq(At(now)), values)).execute(conn)?;
    index(conn, id, draft)
}

/// Puts `draft` in the place of what an entry was.
///
/// # Errors
/// Where the database fails.
pub fn update(conn: &mut AnyConn, id: Uuid, draft: &ResourceDraft, now: Timestamp) -> Result<(), StorageError> {
    diesel::update(resources::table.filter(resources::id.eq(Id(id)))).set(Values::of(draft, now)).execute(conn)?;
    diesel::delete(resource_topics::table.filter(resource_topics::resource_id.eq(Id(id)))).execute(conn)?;
    diesel::delete(resource_words::table.filter(resource_words::resource_id.eq(Id(id)))).execute(conn)?;
    index(conn, id, draft)
}

/// Writes the topics of an entry, and the words by which it is found.
fn index(conn: &mut AnyConn, id: Uuid, draft: &ResourceDraft) -> Result<(), StorageError> {
    let topics: Vec<_> =
        draft.topics.iter().map(|topic| (resource_topics::topic.eq(topic.as_str()), resource_topics::resource_id.eq(Id(id)))).collect();
    if !topics.is_empty() {
        per_backend!(conn, c => diesel::insert_into(resource_topics::table).values(&topics).execute(c))?;
    }
    // At most a few thousand characters of text: one statement takes all their words.
    let words: Vec<_> = draft.words().into_iter().map(|word| (resource_words::word.eq(word), resource_words::resource_id.eq(Id(id)))).collect();
    if !words.is_empty() {
        per_backend!(conn, c => diesel::insert_into(resource_words::table).values(&words).execute(c))?;
    }
    Ok(())
}

/// Takes an entry out.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, id: Uuid) -> Result<(), StorageError> {
    diesel::delete(resources::table.filter(resources::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}
