//! Completions as pushed, where they stand, and what those wait for that are parked.

mod content;
mod holding;
mod waiting;
mod writing;

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use jiff::Timestamp;
use uuid::Uuid;

pub use holding::{hold, touch};
pub use waiting::{Waiting, set_waiting, waiting_by_reason, waiting_for, waiting_of};
pub use writing::{insert, replace};

use super::StorageError;
use super::conn::AnyConn;
use super::coverage::CoverageChange;
use super::dialect::{MAX_BINDS, per_backend, rows_per_statement};
use super::lists::among;
use super::officers::while_granted;
use super::schema::{appointments, completion_revisions, completions, grants};
use super::types::{At, Guid, Id, Instant, Json, On, Written};
use crate::domain::agency::AgencyKey;
use crate::domain::completion::{CompletionDraft, TrainingTerms};
use crate::domain::placement::{CompletionStatus, ParkedReason, Placement};
use crate::domain::reach::{Granted, Reach};

/// A completion as it is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// Its id.
    pub id: Uuid,
    /// The client that pushed it.
    pub client: Uuid,
    /// What was pushed.
    pub draft: CompletionDraft,
    /// Where it stands.
    pub placement: Placement,
    /// Whether staff placed it.
    pub placed_by_hand: bool,
    /// How often it was pushed with other content, from 1.
    pub revision: u32,
    /// When and why it was taken back.
    pub revocation: Option<Revocation>,
    /// When it came first.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// That a completion was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub revoked_at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Completion {
    /// Where it stands, in a word.
    pub fn status(&self) -> CompletionStatus {
        match (&self.revocation, self.placement.reason) {
            (Some(_), _) => CompletionStatus::Revoked,
            (None, Some(_)) => CompletionStatus::Parked,
            (None, None) => CompletionStatus::Placed,
        }
    }
}

/// What decides about a repeated push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The completion.
    pub id: Uuid,
    /// The digest of what was pushed last.
    pub content_hash: String,
    /// The sender's revision of it.
    pub sender_revision: Option<u64>,
    /// When the sender had changed it.
    pub sender_updated_at: Option<Timestamp>,
    /// Our count of revisions.
    pub revision: u32,
    /// Where it stands.
    pub placement: Placement,
    /// Whether staff placed it.
    pub placed_by_hand: bool,
    /// Whether what is kept of it was reduced, so as not to tell who somebody is.
    pub reduced: bool,
}

/// A completion to be written.
#[derive(Debug, Clone)]
pub struct NewCompletion<'a> {
    /// Its id.
    pub id: Uuid,
    /// What was pushed.
    pub draft: &'a CompletionDraft,
    /// The same as [`document_text`] has it.
    pub document: &'a str,
    /// The digest of what was pushed.
    pub content_hash: &'a str,
    /// Where it stands.
    pub placement: Placement,
    /// What the training with which it is placed is worth, where that is recognized; asked of what is new.
    pub terms: Option<TrainingTerms>,
    /// Our count of revisions.
    pub revision: u32,
    /// Whether staff placed it.
    pub placed_by_hand: bool,
}

/// Which completions a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompletionFilter {
    /// Only those that stand so.
    pub status: Option<CompletionStatus>,
    /// Only those parked for this.
    pub reason: Option<ParkedReason>,
    /// Only the record that its sender calls so.
    pub external_id: Option<String>,
    /// Only this officer's.
    pub officer: Option<Uuid>,
    /// Only of this training.
    pub training: Option<Uuid>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = completions)]
struct CompletionRow {
    id: Id,
    client_id: Id,
    officer_id: Option<Id>,
    training_id: Option<Id>,
    parked_reason: Option<String>,
    content: Json,
    revision: i32,
    placed_by_hand: bool,
    revoked_at: Option<At>,
    revocation_reason: Option<String>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = completions, treat_none_as_default_value = false, treat_none_as_null = true)]
struct CompletionValues {
    officer_id: Option<Id>,
    training_id: Option<Id>,
    parked_reason: Option<&'static str>,
    completed_on: On,
    completed_at: Option<At>,
    expires_on: Option<On>,
    passed: bool,
    content: Written,
    content_hash: String,
    revision: i32,
    sender_revision: Option<i64>,
    sender_updated_at: Option<At>,
    placed_by_hand: bool,
    pushed_reach: Option<Written>,
    updated_at: At,
}

impl CompletionRow {
    fn into_completion(self) -> Result<Completion, StorageError> {
        Ok(Completion {
            id: self.id.0,
            client: self.client_id.0,
            draft: content::from_json(&self.content.0)?,
            placement: placement(self.officer_id, self.training_id, self.parked_reason.as_deref())?,
            placed_by_hand: self.placed_by_hand,
            revision: revision(self.revision)?,
            revocation: self.revoked_at.map(|at| Revocation { revoked_at: at.0, reason: self.revocation_reason.unwrap_or_default() }),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

fn placement(officer: Option<Id>, training: Option<Id>, reason: Option<&str>) -> Result<Placement, StorageError> {
    let reason =
        reason.map(ParkedReason::parse).transpose().map_err(|invalid| StorageError::Corrupt(format!("completions.parked_reason: {invalid}")))?;
    Ok(Placement { officer: officer.map(|id| id.0), training: training.map(|id| id.0), reason })
}

fn revision(held: i32) -> Result<u32, StorageError> {
    u32::try_from(held).map_err(|_| StorageError::Corrupt("completions.revision".into()))
}

/// The agencies that a token names, as a row keeps them.
fn pushed_reach(granted: Option<&[AgencyKey]>) -> Option<Written> {
    granted.map(|keys| Written(keys.iter().map(ToString::to_string).collect::<serde_json::Value>().to_string()))
}

fn values(new: &NewCompletion<'_>, pushed_reach: Option<&Written>, now: Timestamp) -> CompletionValues {
    let draft = new.draft;
    CompletionValues {
        officer_id: new.placement.officer.map(Id),
        training_id: new.placement.training.map(Id),
        parked_reason: new.placement.reason.map(ParkedReason::as_str),
        completed_on: On(draft.completed.date),
        completed_at: draft.completed.instant.map(At),
        expires_on: draft.expires_on.map(On),
        passed: draft.passed,
        content: Written(new.document.to_owned()),
        content_hash: new.content_hash.to_owned(),
        revision: i32::try_from(new.revision).unwrap_or(i32::MAX),
        sender_revision: draft.revision.map(|revision| i64::try_from(revision).unwrap_or(i64::MAX)),
        sender_updated_at: draft.updated_at.map(At),
        placed_by_hand: new.placed_by_hand,
        pushed_reach: pushed_reach.cloned(),
        updated_at: At(now),
    }
}

/// How many records are asked for at once.
const AT_ONCE: usize = 20_000;

type HeldRow = (Id, String, String, Option<i64>, Option<At>, i32, (Option<Id>, Option<Id>, Option<String>), (bool, bool));

/// What is held of a client's records, by their `external_id`.
///
/// # Errors
/// Where the database fails.
pub fn held(conn: &mut AnyConn, client: Uuid, external_ids: &[&str]) -> Result<HashMap<String, Held>, StorageError> {
    let mut found = HashMap::new();
    for some in external_ids.chunks(AT_ONCE) {
        let rows: Vec<HeldRow> = per_backend!(conn, c => completions::table
            .filter(completions::client_id.eq(Id(client)))
            .filter(among(completions::external_id, some))
            .select((
                completions::id,
                completions::external_id,
                completions::content_hash,
                completions::sender_revision,
                completions::sender_updated_at,
                completions::revision,
                (completions::officer_id, completions::training_id, completions::parked_reason),
                (completions::placed_by_hand, completions::reduced),
            ))
            .load(c))?;
        for (id, external_id, content_hash, sender_revision, updated_at, count, (officer, training, reason), (placed_by_hand, reduced)) in rows {
            let held = Held {
                id: id.0,
                content_hash,
                sender_revision: sender_revision.and_then(|revision| u64::try_from(revision).ok()),
                sender_updated_at: updated_at.map(|at| at.0),
                revision: revision(count)?,
                placement: placement(officer, training, reason.as_deref())?,
                placed_by_hand,
                reduced,
            };
            found.insert(external_id, held);
        }
    }
    Ok(found)
}

/// The completions of these ids that a client pushed, by their ids.
///
/// # Errors
/// Where the database fails.
pub fn find_all(conn: &mut AnyConn, client: Uuid, ids: &[Uuid]) -> Result<HashMap<Uuid, Completion>, StorageError> {
    let ids: Vec<Id> = ids.iter().map(|id| Id(*id)).collect();
    let mut found = HashMap::with_capacity(ids.len());
    for some in ids.chunks(MAX_BINDS - 1) {
        let own = completions::table.filter(completions::client_id.eq(Id(client))).filter(completions::id.eq_any(some));
        let rows: Vec<CompletionRow> = per_backend!(conn, c => own.select(CompletionRow::as_select()).load(c))?;
        for row in rows {
            found.insert(row.id.0, row.into_completion()?);
        }
    }
    Ok(found)
}

/// What was pushed, as the document that is kept: each member that was given.
pub fn document(draft: &CompletionDraft) -> serde_json::Value {
    content::to_json(draft)
}

/// [`document`] as a row keeps it.
pub fn document_text(draft: &CompletionDraft) -> String {
    content::Document::of(draft).to_text()
}

/// Reads a document that [`document`] made.
///
/// # Errors
/// [`StorageError::Corrupt`] where it is none.
pub fn read_document(document: &serde_json::Value) -> Result<CompletionDraft, StorageError> {
    content::from_json(document)
}

/// The completions that are placed with an officer, whoever pushed them, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn of_officer(conn: &mut AnyConn, officer: Uuid) -> Result<Vec<Completion>, StorageError> {
    let own = completions::table.filter(completions::officer_id.eq(Some(Id(officer)))).order(completions::id);
    own.select(CompletionRow::as_select()).load(conn)?.into_iter().map(CompletionRow::into_completion).collect()
}

/// Says where completions stand now, and whether staff said so.
///
/// # Errors
/// Where the database fails.
pub fn place(conn: &mut AnyConn, coverage: &mut CoverageChange, placements: &[(Uuid, Placement, bool)], now: Timestamp) -> Result<(), StorageError> {
    let ids: Vec<Uuid> = placements.iter().map(|(id, _, _)| *id).collect();
    touch(conn, coverage, &ids, placements.iter().filter_map(|(_, placement, _)| placement.counts_for()))?;
    for some in placements.chunks(rows_per_statement(6)) {
        let row = |at: usize| {
            let values: Vec<String> = (1..=5).map(|column| format!("${}", at * 5 + column + 1)).collect();
            format!("({})", values.join(", "))
        };
        let rows: Vec<String> = (0..some.len()).map(row).collect();
        // Both databases call the columns of a list of values so.
        let mut update = diesel::sql_query(format!(
            "UPDATE completions SET officer_id = v.column2, training_id = v.column3, parked_reason = v.column4, placed_by_hand = v.column5, \
             updated_at = $1 FROM (VALUES {}) AS v WHERE completions.id = v.column1",
            rows.join(", ")
        ))
        .into_boxed::<super::conn::MultiBackend>()
        .bind::<Instant, _>(At(now));
        for (id, placement, by_hand) in some {
            update = update.bind::<Guid, _>(Id(*id)).bind::<Nullable<Guid>, _>(placement.officer.map(Id));
            update = update.bind::<Nullable<Guid>, _>(placement.training.map(Id));
            update = update.bind::<Nullable<Text>, _>(placement.reason.map(ParkedReason::as_str)).bind::<Bool, _>(*by_hand);
        }
        update.execute(conn)?;
    }
    Ok(())
}

/// What a completion was before it came with other content.
#[derive(Debug, Clone, PartialEq)]
pub struct Former {
    /// Which, counted from 1.
    pub revision: u32,
    /// What was pushed.
    pub draft: CompletionDraft,
    /// When other content came in its place.
    pub replaced_at: Timestamp,
}

/// The former revisions of a completion after one of them, from the first.
///
/// # Errors
/// Where the database fails.
pub fn revisions(conn: &mut AnyConn, id: Uuid, after: u32, fetch: i64) -> Result<Vec<Former>, StorageError> {
    let rows: Vec<(i32, Json, At)> = completion_revisions::table
        .filter(completion_revisions::completion_id.eq(Id(id)))
        .filter(completion_revisions::revision.gt(i32::try_from(after).unwrap_or(i32::MAX)))
        .order(completion_revisions::revision)
        .limit(fetch)
        .select((completion_revisions::revision, completion_revisions::content, completion_revisions::replaced_at))
        .load(conn)?;
    rows.into_iter()
        .map(|(number, document, at)| Ok(Former { revision: revision(number)?, draft: content::from_json(&document.0)?, replaced_at: at.0 }))
        .collect()
}

/// Lets a completion that was taken back hold again.
///
/// # Errors
/// Where the database fails.
pub fn reinstate(conn: &mut AnyConn, coverage: &mut CoverageChange, id: Uuid, now: Timestamp) -> Result<(), StorageError> {
    touch(conn, coverage, &[id], [])?;
    diesel::update(completions::table.filter(completions::id.eq(Id(id))))
        .set((completions::revoked_at.eq(None::<At>), completions::revocation_reason.eq(None::<String>), completions::updated_at.eq(At(now))))
        .execute(conn)?;
    Ok(())
}

/// Takes a completion back.
///
/// # Errors
/// Where the database fails.
pub fn revoke(conn: &mut AnyConn, coverage: &mut CoverageChange, id: Uuid, reason: &str, now: Timestamp) -> Result<(), StorageError> {
    touch(conn, coverage, &[id], [])?;
    diesel::update(completions::table.filter(completions::id.eq(Id(id))))
        .set((completions::revoked_at.eq(Some(At(now))), completions::revocation_reason.eq(Some(reason)), completions::updated_at.eq(At(now))))
        .execute(conn)?;
    Ok(())
}

/// A completion that the client pushed, or of an officer within reach.
///
/// # Errors
/// Where the database fails.
pub fn find(conn: &mut AnyConn, reach: &Reach, client: Uuid, id: Uuid) -> Result<Option<Completion>, StorageError> {
    let row = visible(reach, client).filter(completions::id.eq(Id(id))).first(conn).optional()?;
    row.map(CompletionRow::into_completion).transpose()
}

/// A page of the completions that the client pushed, or of officers within reach, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(
    conn: &mut AnyConn,
    reach: &Reach,
    client: Uuid,
    filter: &CompletionFilter,
    after: Option<Uuid>,
    fetch: i64,
) -> Result<Vec<Completion>, StorageError> {
    let mut query = visible(reach, client).order(completions::id).limit(fetch);
    query = match filter.status {
        None => query,
        Some(CompletionStatus::Placed) => query.filter(completions::parked_reason.is_null()).filter(completions::revoked_at.is_null()),
        Some(CompletionStatus::Parked) => query.filter(completions::parked_reason.is_not_null()).filter(completions::revoked_at.is_null()),
        Some(CompletionStatus::Revoked) => query.filter(completions::revoked_at.is_not_null()),
    };
    if let Some(reason) = filter.reason {
        query = query.filter(completions::parked_reason.eq(Some(reason.as_str())));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(completions::external_id.eq(external_id));
    }
    if let Some(officer) = filter.officer {
        query = query.filter(completions::officer_id.eq(Some(Id(officer))));
    }
    if let Some(training) = filter.training {
        query = query.filter(completions::training_id.eq(Some(Id(training))));
    }
    if let Some(after) = after {
        query = query.filter(completions::id.gt(Id(after)));
    }
    query.load(conn)?.into_iter().map(CompletionRow::into_completion).collect()
}

type Visible = completions::BoxedQuery<
    'static,
    super::conn::MultiBackend,
    diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<CompletionRow, super::conn::MultiBackend>>,
>;

fn visible(reach: &Reach, client: Uuid) -> Visible {
    let query = completions::table.select(CompletionRow::as_select()).into_boxed();
    match reach.ids() {
        None => query,
        Some(ids) => {
            let agencies: Vec<Id> = ids.iter().map(|id| Id(*id)).collect();
            let there = appointments::table.filter(appointments::agency_id.eq_any(agencies));
            let own = completions::client_id.eq(Id(client));
            let officer = appointments::officer_id.nullable();
            match reach.granted() {
                None => query.filter(own.or(completions::officer_id.eq_any(there.select(officer)).assume_not_null())),
                Some(Granted { client, on }) => {
                    let there = while_granted!(there, Id(client), On(on));
                    query.filter(own.or(completions::officer_id.eq_any(there.select(officer)).assume_not_null()))
                }
            }
        }
    }
}
