//! The catalogue of trainings.

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

pub use super::catalogue::{Catalogue, resolve};

use super::StorageError;
use super::conn::AnyConn;
use super::coverage::CoverageChange;
use super::directory;
use super::schema::trainings;
use super::types::{At, Id};
use crate::domain::invalid::Invalid;
use crate::domain::text::{Code, Name, Note};
use crate::domain::training::{Category, Hours, Program, RecognitionStatus, TrainingDraft};

/// A training as it is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub draft: TrainingDraft,
    /// Whether it counts.
    pub recognition: Recognition,
    /// When it was entered.
    pub created_at: Timestamp,
    /// When it changed, its recognition included.
    pub updated_at: Timestamp,
}

/// Where the recognition of a training stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognition {
    /// The decision.
    pub status: RecognitionStatus,
    /// What was noted with it.
    pub note: Option<Note>,
    /// When it was made; absent until there is one.
    pub changed_at: Option<Timestamp>,
}

/// Which trainings a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrainingFilter {
    /// Only of this programme.
    pub program: Option<Program>,
    /// Only of this category.
    pub category: Option<Category>,
    /// Only those whose recognition stands so.
    pub recognition: Option<RecognitionStatus>,
    /// Only the one with this code.
    pub code: Option<Code>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = trainings)]
struct TrainingRow {
    id: Id,
    code: String,
    title: String,
    provider: Option<String>,
    program: String,
    category: String,
    hours: Option<f64>,
    validity_months: Option<i32>,
    recognition: String,
    recognition_note: Option<String>,
    recognition_changed_at: Option<At>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = trainings, treat_none_as_default_value = false, treat_none_as_null = true)]
struct TrainingValues<'a> {
    code: &'a str,
    title: &'a str,
    provider: Option<&'a str>,
    program: &'a str,
    category: &'a str,
    hours: Option<f64>,
    validity_months: Option<i32>,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = trainings, treat_none_as_default_value = false, treat_none_as_null = true)]
struct RecognitionValues<'a> {
    recognition: &'a str,
    recognition_note: Option<&'a str>,
    recognition_changed_at: Option<At>,
}

fn corrupt(column: &'static str) -> impl FnOnce(Invalid) -> StorageError {
    move |invalid| StorageError::Corrupt(format!("trainings.{column}: {invalid}"))
}

impl TryFrom<TrainingRow> for Training {
    type Error = StorageError;

    fn try_from(row: TrainingRow) -> Result<Self, StorageError> {
        let validity_months = row.validity_months.map(u16::try_from).transpose();
        Ok(Self {
            id: row.id.0,
            draft: TrainingDraft {
                code: Code::parse(&row.code).map_err(corrupt("code"))?,
                title: Name::parse(&row.title).map_err(corrupt("title"))?,
                provider: row.provider.as_deref().map(Name::parse).transpose().map_err(corrupt("provider"))?,
                program: Program::parse(&row.program).map_err(corrupt("program"))?,
                category: Category::parse(&row.category).map_err(corrupt("category"))?,
                hours: row.hours.map(Hours::parse).transpose().map_err(corrupt("hours"))?,
                validity_months: validity_months.map_err(|_| StorageError::Corrupt("trainings.validity_months".into()))?,
            },
            recognition: Recognition {
                status: RecognitionStatus::parse(&row.recognition).map_err(corrupt("recognition"))?,
                note: row.recognition_note.as_deref().map(Note::parse).transpose().map_err(corrupt("recognition_note"))?,
                changed_at: row.recognition_changed_at.map(|at| at.0),
            },
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        })
    }
}

impl<'a> TrainingValues<'a> {
    fn of(draft: &'a TrainingDraft, now: Timestamp) -> Self {
        Self {
            code: draft.code.as_str(),
            title: draft.title.as_str(),
            provider: draft.provider.as_ref().map(Name::as_str),
            program: draft.program.as_str(),
            category: draft.category.as_str(),
            hours: draft.hours.map(Hours::get),
            validity_months: draft.validity_months.map(i32::from),
            updated_at: At(now),
        }
    }
}

impl<'a> RecognitionValues<'a> {
    fn of(recognition: &'a Recognition) -> Self {
        Self {
            recognition: recognition.status.as_str(),
            recognition_note: recognition.note.as_ref().map(Note::as_str),
            recognition_changed_at: recognition.changed_at.map(At),
        }
    }
}

/// The training with an id, where there is one.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, id: Uuid) -> Result<Option<Training>, StorageError> {
    let row = trainings::table.filter(trainings::id.eq(Id(id))).select(TrainingRow::as_select()).first(conn).optional()?;
    row.map(Training::try_from).transpose()
}

/// A page of trainings, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, filter: &TrainingFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<Training>, StorageError> {
    let mut query = trainings::table.order(trainings::id).limit(fetch).select(TrainingRow::as_select()).into_boxed();
    if let Some(program) = filter.program {
        query = query.filter(trainings::program.eq(program.as_str()));
    }
    if let Some(category) = filter.category {
        query = query.filter(trainings::category.eq(category.as_str()));
    }
    if let Some(recognition) = filter.recognition {
        query = query.filter(trainings::recognition.eq(recognition.as_str()));
    }
    if let Some(code) = &filter.code {
        query = query.filter(trainings::code.eq(code.as_str()));
    }
    if let Some(after) = after {
        query = query.filter(trainings::id.gt(Id(after)));
    }
    query.load(conn)?.into_iter().map(Training::try_from).collect()
}

/// Writes a new training.
///
/// # Errors
/// [`super::Constraint::TrainingCode`] where another training has the code.
pub fn insert(conn: &mut AnyConn, training: &Training) -> Result<(), StorageError> {
    directory::change(conn)?;
    diesel::insert_into(trainings::table)
        .values((
            trainings::id.eq(Id(training.id)),
            trainings::created_at.eq(At(training.created_at)),
            TrainingValues::of(&training.draft, training.updated_at),
            RecognitionValues::of(&training.recognition),
        ))
        .execute(conn)?;
    Ok(())
}

/// Puts `training` in the place of what it was; under [`super::dialect::Lock::Place`], since it may count for anybody.
///
/// # Errors
/// [`super::Constraint::TrainingCode`] where another training has the code.
pub fn update(conn: &mut AnyConn, coverage: &mut CoverageChange, training: &Training) -> Result<(), StorageError> {
    directory::change(conn)?;
    let terms = |training: &Training| (training.recognition.status, training.draft.category, training.draft.validity_months);
    if by_id(conn, training.id)?.is_some_and(|was| terms(&was) != terms(training)) {
        coverage.touch_training(conn, training.id)?;
    }
    diesel::update(trainings::table.filter(trainings::id.eq(Id(training.id))))
        .set((TrainingValues::of(&training.draft, training.updated_at), RecognitionValues::of(&training.recognition)))
        .execute(conn)?;
    Ok(())
}

/// Takes a training out of the catalogue.
///
/// # Errors
/// [`super::Constraint::Reference`] while something refers to it.
pub fn delete(conn: &mut AnyConn, id: Uuid) -> Result<(), StorageError> {
    directory::change(conn)?;
    diesel::delete(trainings::table.filter(trainings::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}
