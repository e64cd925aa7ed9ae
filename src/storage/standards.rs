//! Published versions of the rules.

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::StorageError;
use super::conn::AnyConn;
use super::error::corrupt;
use super::schema::{pledges, standards};
use super::types::{At, Id};
use crate::domain::standard::Share;
use crate::domain::standard_draft::{StandardCode, StandardDraft, StandardKey};
use crate::domain::text::Name;

/// A standard as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldStandard {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub draft: StandardDraft,
    /// When it was published.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = standards)]
struct StandardRow {
    id: Id,
    code: String,
    title: String,
    crisis_numerator: i32,
    crisis_denominator: i32,
    crisis_counts_as_awareness: bool,
    lapsed_credit_counts: bool,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = standards)]
struct StandardValues<'a> {
    code: &'a str,
    title: &'a str,
    crisis_numerator: i32,
    crisis_denominator: i32,
    crisis_counts_as_awareness: bool,
    lapsed_credit_counts: bool,
    updated_at: At,
}

impl StandardRow {
    fn into_standard(self) -> Result<HeldStandard, StorageError> {
        let part = |value: i32| u32::try_from(value).map_err(|_| StorageError::Corrupt("a part of a share below zero".into()));
        Ok(HeldStandard {
            id: self.id.0,
            draft: StandardDraft {
                code: StandardCode::parse(&self.code).map_err(corrupt("standards.code"))?,
                title: Name::parse(&self.title).map_err(corrupt("standards.title"))?,
                crisis_share: Share { numerator: part(self.crisis_numerator)?, denominator: part(self.crisis_denominator)? },
                crisis_counts_as_awareness: self.crisis_counts_as_awareness,
                lapsed_credit_counts: self.lapsed_credit_counts,
            },
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl<'a> StandardValues<'a> {
    fn of(draft: &'a StandardDraft, now: Timestamp) -> Result<Self, StorageError> {
        let part = |value: u32| i32::try_from(value).map_err(|_| StorageError::Other("a part of a share above 2,147,483,647".into()));
        Ok(Self {
            code: draft.code.as_str(),
            title: draft.title.as_str(),
            crisis_numerator: part(draft.crisis_share.numerator)?,
            crisis_denominator: part(draft.crisis_share.denominator)?,
            crisis_counts_as_awareness: draft.crisis_counts_as_awareness,
            lapsed_credit_counts: draft.lapsed_credit_counts,
            updated_at: At(now),
        })
    }
}

/// The standard that a path names.
///
/// # Errors
/// Where the database fails.
pub fn find(conn: &mut AnyConn, key: &StandardKey) -> Result<Option<HeldStandard>, StorageError> {
    let mut query = standards::table.select(StandardRow::as_select()).into_boxed();
    query = match key {
        StandardKey::Id(id) => query.filter(standards::id.eq(Id(*id))),
        StandardKey::Code(code) => query.filter(standards::code.eq(code.as_str())),
    };
    query.first(conn).optional()?.map(StandardRow::into_standard).transpose()
}

/// Whether a standard of this code is published.
///
/// # Errors
/// Where the database fails.
pub fn is_published(conn: &mut AnyConn, code: &str) -> Result<bool, StorageError> {
    let found: Option<Id> = standards::table.filter(standards::code.eq(code)).select(standards::id).first(conn).optional()?;
    Ok(found.is_some())
}

/// Whether a pledge, of whatever agency, is to the standard of this code.
///
/// # Errors
/// Where the database fails.
pub fn is_pledged(conn: &mut AnyConn, code: &StandardCode) -> Result<bool, StorageError> {
    let found: Option<Id> = pledges::table.filter(pledges::standard.eq(code.as_str())).select(pledges::id).first(conn).optional()?;
    Ok(found.is_some())
}

/// A page of standards, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, after: Option<Uuid>, fetch: i64) -> Result<Vec<HeldStandard>, StorageError> {
    let mut query = standards::table.order(standards::id).limit(fetch).select(StandardRow::as_select()).into_boxed();
    if let Some(after) = after {
        query = query.filter(standards::id.gt(Id(after)));
    }
    query.load(conn)?.into_iter().map(StandardRow::into_standard).collect()
}

/// Writes a new standard.
///
/// # Errors
/// [`super::Constraint::StandardCode`] where another standard has the code.
pub fn insert(conn: &mut AnyConn, id: Uuid, draft: &StandardDraft, now: Timestamp) -> Result<(), StorageError> {
    let values = StandardValues::of(draft, now)?;
    diesel::insert_into(standards::table).values((standards::id.eq(Id(id)), standards::created_at.eq(At(now)), values)).execute(conn)?;
    Ok(())
}

/// Puts `draft` in the place of what a standard was.
///
/// # Errors
/// [`super::Constraint::StandardCode`] where another standard has the code, [`super::Constraint::Reference`] where a pledge holds
/// on to the former one.
pub fn update(conn: &mut AnyConn, id: Uuid, draft: &StandardDraft, now: Timestamp) -> Result<(), StorageError> {
    let values = StandardValues::of(draft, now)?;
    diesel::update(standards::table.filter(standards::id.eq(Id(id)))).set(values).execute(conn)?;
    Ok(())
}

/// Takes a standard out.
///
/// # Errors
/// [`super::Constraint::Reference`] where a pledge is to it.
pub fn delete(conn: &mut AnyConn, id: Uuid) -> Result<(), StorageError> {
    diesel::delete(standards::table.filter(standards::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}
