//! Imports: batches whose body is stored first, and taken in the background. The database is the queue. A client sees its own alone.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::audit::{Keys, append};
use super::page::{PageOf, PageRequest};
use super::{ServiceError, ServiceResult, Tx, new_id};
use crate::domain::audit::{AuditOutcome, Entry};
use crate::domain::import::ImportState;
use crate::storage::dialect::{lock_client, lock_import, next_import};
use crate::storage::imports::{self as rows, Import};
use crate::storage::{AnyConn, StorageError};

/// How long a claim holds without being kept. Its end alone changes nothing: whoever claims next finds the import as the last
/// transaction left it, and whoever was late finds that it is claimed by another.
pub const CLAIM: SignedDuration = SignedDuration::from_secs(15);

/// How long the next piece of a body is waited for.
const COMING: SignedDuration = SignedDuration::from_mins(15);

/// How many imports of a client may wait or be worked on.
const MOST: i64 = 100;

/// How often an import is begun without any of its records being taken, before it is given up.
pub const ATTEMPTS: i32 = 10;

fn after(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.checked_add(time).unwrap_or(now)
}

/// Begins an import whose body is coming. Nobody hears of it before it is accepted.
///
/// # Errors
/// `too_many_imports`.
pub fn begin(conn: &mut AnyConn, import: &Import) -> ServiceResult<()> {
    lock_client(conn, import.client)?;
    if rows::count_open(conn, import.client)? >= MOST {
        return Err(ServiceError::conflict("too_many_imports", format!("a client has at most {MOST} imports that are not over")));
    }
    Ok(rows::insert(conn, import, after(import.created_at, COMING))?)
}

/// Adds a piece to a body that is coming.
///
/// # Errors
/// [`ServiceError::NotFound`] where it was given up since nothing came for too long.
pub fn add_piece(conn: &mut AnyConn, id: Uuid, piece: i32, content: &[u8], now: Timestamp) -> ServiceResult<()> {
    if rows::add_piece(conn, id, piece, content, after(now, COMING))? { Ok(()) } else { Err(ServiceError::NotFound) }
}

/// Takes away an import that was not accepted.
///
/// # Errors
/// Where the database fails.
pub fn discard(conn: &mut AnyConn, id: Uuid) -> ServiceResult<()> {
    Ok(rows::delete(conn, &[id])?)
}

/// Accepts an import whose body is stored.
///
/// # Errors
/// [`ServiceError::NotFound`] where it was given up since nothing came for too long.
pub fn accept(tx: &mut Tx<'_>, id: Uuid, bytes: i64) -> ServiceResult<Import> {
    lock_import(tx.conn, id)?;
    let held = rows::by_id(tx.conn, id)?.filter(|import| import.client == tx.client && import.state == ImportState::Receiving);
    let held = held.ok_or(ServiceError::NotFound)?;
    let import = Import { state: ImportState::Queued, bytes, created_at: tx.now, updated_at: tx.now, ..held };
    rows::update(tx.conn, &import)?;
    tx.changed("import", id, vec!["media_type".into(), "bytes".into()]);
    Ok(import)
}

/// An import of the client.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Import> {
    let own = |import: &Import| import.client == tx.client && import.state != ImportState::Receiving;
    rows::by_id(tx.conn, id)?.filter(own).ok_or(ServiceError::NotFound)
}

/// A page of the client's imports.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, page: PageRequest) -> ServiceResult<PageOf<Import>> {
    let fetched = rows::list(tx.conn, tx.client, page.after, page.fetch())?;
    Ok(page.cut(fetched, |import| import.id))
}

/// Ends an import of the client: no more of it is taken. One that was cancelled before stays so.
///
/// # Errors
/// [`ServiceError::NotFound`]; `import_ended`.
pub fn cancel(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Import> {
    lock_import(tx.conn, id)?;
    let import = get(tx, id)?;
    match import.state {
        ImportState::Cancelled => Ok(import),
        ImportState::Done | ImportState::Failed => {
            Err(ServiceError::conflict("import_ended", format!("the import is {} already, and can't be cancelled", import.state)))
        }
        _ => {
            let cancelled = end(tx, import, ImportState::Cancelled)?;
            tx.changed("import", id, vec!["state".into()]);
            Ok(cancelled)
        }
    }
}

/// Ends an import that is held; its body goes.
fn end(tx: &mut Tx<'_>, import: Import, state: ImportState) -> ServiceResult<Import> {
    let import = Import { state, updated_at: tx.now, finished_at: Some(tx.now), ..import };
    rows::update(tx.conn, &import)?;
    rows::delete_body(tx.conn, import.id)?;
    Ok(import)
}

/// Whether there is an import to claim.
///
/// # Errors
/// Where the database fails.
pub fn is_due(conn: &mut AnyConn, now: Timestamp) -> ServiceResult<bool> {
    Ok(rows::is_due(conn, now)?)
}

/// Claims an import that was left, or else the one whose turn it is; `None` where there is none.
///
/// # Errors
/// Where the database fails.
pub fn claim(conn: &mut AnyConn, claim: Uuid, now: Timestamp) -> ServiceResult<Option<Import>> {
    let Some(id) = next_import(conn, crate::storage::types::At(now))? else { return Ok(None) };
    let held = rows::by_id(conn, id)?.ok_or(ServiceError::NotFound)?;
    let started_at = held.started_at.or(Some(now));
    let import = Import { state: ImportState::Running, attempts: held.attempts + 1, started_at, updated_at: now, ..held };
    rows::update(conn, &import)?;
    rows::claim(conn, id, claim, after(now, CLAIM))?;
    Ok(Some(import))
}

/// Keeps a claim for a while longer; answers whether it was still held.
///
/// # Errors
/// Where the database fails.
pub fn keep_claim(conn: &mut AnyConn, id: Uuid, claim: Uuid, now: Timestamp) -> ServiceResult<bool> {
    Ok(rows::keep_claim(conn, id, claim, after(now, CLAIM))?)
}

/// Lets an import go that may be claimed again after `pause`.
///
/// # Errors
/// Where the database fails.
pub fn let_go(conn: &mut AnyConn, id: Uuid, claim: Uuid, until: Timestamp) -> ServiceResult<()> {
    rows::keep_claim(conn, id, claim, until)?;
    Ok(())
}

/// Holds a claimed import until the transaction ends: to be done before records of it are taken.
///
/// # Errors
/// [`ServiceError::PreconditionFailed`] where it was cancelled, or another claimed it.
pub fn hold(tx: &mut Tx<'_>, id: Uuid, claim: Uuid) -> ServiceResult<Import> {
    if !rows::is_claimed(tx.conn, id, claim)? {
        return Err(ServiceError::PreconditionFailed);
    }
    rows::by_id(tx.conn, id)?.ok_or(ServiceError::PreconditionFailed)
}

/// How far an import is after records of it were taken.
#[derive(Debug, Clone)]
pub struct Progress {
    /// How many fared how altogether.
    pub summary: Value,
    /// How much of the body was read.
    pub bytes_read: i64,
    /// What became of the records just taken, as lines of JSON, in pieces.
    pub outcomes: Vec<String>,
    /// Whether they were the last.
    pub is_last: bool,
}

/// Notes, in the transaction in which records of a held import were taken, how far it is.
///
/// # Errors
/// Where the database fails.
pub fn advance(tx: &mut Tx<'_>, held: Import, progress: &Progress) -> ServiceResult<()> {
    let mut import = Import {
        summary: progress.summary.clone(),
        bytes_read: progress.bytes_read.min(held.bytes).max(held.bytes_read),
        attempts: 0,
        updated_at: tx.now,
        ..held
    };
    for content in &progress.outcomes {
        rows::add_outcomes(tx.conn, import.id, import.outcome_pieces, content)?;
        import.outcome_pieces += 1;
    }
    if progress.is_last {
        import.bytes_read = import.bytes;
        end(tx, import, ImportState::Done)?;
        return Ok(());
    }
    Ok(rows::update(tx.conn, &import)?)
}

/// Ends an import that can't be gone on with, and says why.
///
/// # Errors
/// As [`hold`].
pub fn fail(tx: &mut Tx<'_>, id: Uuid, claim: Uuid, problem: Value) -> ServiceResult<()> {
    let held = hold(tx, id, claim)?;
    end(tx, Import { problem: Some(problem), ..held }, ImportState::Failed)?;
    tx.changed("import", id, vec!["state".into()]);
    Ok(())
}

/// Takes away some of the imports that ended longer than `kept` ago, and those whose body never came to its end. Answers whether there
/// may be more.
///
/// # Errors
/// Where the database fails.
pub fn purge(conn: &mut AnyConn, keys: &Keys, kept: SignedDuration, now: Timestamp) -> ServiceResult<bool> {
    rows::delete_abandoned(conn, now)?;
    let before = now.checked_sub(kept).map_err(|cause| StorageError::Other(format!("no time is so long ago: {cause}")))?;
    let old = rows::ended_before(conn, before)?;
    if old.is_empty() {
        return Ok(false);
    }
    rows::delete(conn, &old)?;
    let ids: Vec<String> = old.iter().map(|id| id.simple().to_string()).collect();
    let entry = Entry {
        id: new_id(),
        at: now,
        client: None,
        subject: None,
        operation: "purge_imports".into(),
        outcome: AuditOutcome::Changed,
        status: 0,
        resource: Some("import".into()),
        resource_id: None,
        agency: None,
        request: None,
        address: None,
        fields: None,
        detail: Some(json!({"deleted": old.len(), "ended_before": before}).to_string()),
        ids: Some(format!("deleted:{}", ids.join(","))),
    };
    append(conn, keys, vec![entry])?;
    Ok(true)
}
