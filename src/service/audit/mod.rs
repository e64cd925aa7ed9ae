//! The audit log: what a request did, sealed onto the end of a lane in the transaction that it tells of.
//!
//! Each lane is a chain: the seal of an entry (HMAC-SHA-256, with a key that is not in the database) covers what it says and the seal of
//! the entry before it. The head of a lane is sealed too. A transaction takes, as the last thing it does, a lane that nobody holds,
//! so that those that commit at once don't wait for each other.

mod keys;
mod prune;
mod trail;
mod verify;

use uuid::Uuid;

use super::events;
use super::page::{PageOf, PageRequest};
use super::{ServiceError, ServiceResult, Tx};
use crate::domain::audit::Entry;
use crate::storage::audit::{self as rows, AuditFilter, Lane, Sealed};
use crate::storage::timelines::Settlement;
use crate::storage::{AnyConn, StorageError};

pub use keys::{Key, Keys};
pub use prune::{Pruned, prune};
pub use trail::{Trail, fields_between, fields_of};
pub use verify::{Fault, LaneReport, lanes, verify_lane};

/// How many lanes are asked for at once.
const AT_ONCE: usize = 4;

/// Adds entries at the end of a lane. To be called as the last thing in a transaction, since what is held is held until it ends.
///
/// # Errors
/// Where the database fails, and where no lane is left whose head is sealed as it should be.
pub fn append(conn: &mut AnyConn, keys: &Keys, entries: Vec<Entry>) -> ServiceResult<()> {
    let Some(first) = entries.first() else { return Ok(()) };
    let lanes = rows::lanes_in_turn(conn, first.id.as_bytes()[15]);
    append_among(conn, keys, entries, &lanes)
}

/// Closes a transaction, as the last thing in it: writes what became of the coverage of agencies, and seals an entry that tells what was
/// done, in the place of what it says of that.
///
/// # Errors
/// As [`append`].
pub fn close(tx: &mut Tx<'_>, keys: &Keys, entry: Entry) -> ServiceResult<()> {
    let trail = std::mem::take(&mut tx.trail);
    close_all(tx, keys, vec![(entry, trail)])
}

/// As [`close`], a transaction of several requests: an entry for each, with what was done for it.
///
/// # Errors
/// As [`append`].
pub fn close_all(tx: &mut Tx<'_>, keys: &Keys, told: Vec<(Entry, Trail)>) -> ServiceResult<()> {
    let Some((first, _)) = told.first() else { return Ok(()) };
    let lanes = rows::lanes_in_turn(tx.conn, first.id.as_bytes()[15]);
    for agency in told.iter().filter(|(_, trail)| trail.changed).filter_map(|(_, trail)| trail.agency) {
        tx.coverage.raise(agency);
    }
    let mut settlement = tx.coverage.settle(tx.conn)?;
    settlement.events = events::of(&told, tx.client, tx.now);
    tx.raised.clone_from(&settlement.raised);
    let lane = hold(tx.conn, keys, &lanes)?;
    extend(tx.conn, keys, lane, told.into_iter().map(|(entry, trail)| trail.tell(entry)).collect(), &settlement)
}

/// As [`append`], in one of these lanes, in the order in which they are to be asked for.
///
/// # Errors
/// As [`append`].
pub fn append_among(conn: &mut AnyConn, keys: &Keys, entries: Vec<Entry>, lanes: &[i32]) -> ServiceResult<()> {
    let lane = hold(conn, keys, lanes)?;
    extend(conn, keys, lane, entries, &Settlement::default())
}

/// Adds entries at the end of a lane that is held, and writes what became of timelines.
fn extend(conn: &mut AnyConn, keys: &Keys, lane: Lane, entries: Vec<Entry>, settlement: &Settlement) -> ServiceResult<()> {
    let mut head = lane.head;
    let mut sealed = Vec::with_capacity(entries.len());
    for entry in entries {
        head.sequence += 1;
        head.hash = keys.current().seal(&entry.canonical(head.lane, head.sequence, &head.hash));
        let key_name = keys.current().name().to_owned();
        sealed.push(Sealed { lane: head.lane, sequence: head.sequence, entry, key_name, hash: head.hash.clone() });
    }
    Ok(rows::append(conn, sealed, &keys.current().seal(&head.canonical()), settlement)?)
}

/// A lane that is as this service left it. One that isn't is never written to again, so that what was done to it stays to be seen.
fn hold(conn: &mut AnyConn, keys: &Keys, turn: &[i32]) -> ServiceResult<Lane> {
    let (few, others) = turn.split_at(AT_ONCE.min(turn.len()));
    let asked = std::iter::once(few).chain(few.chunks(1)).chain(others.chunks(1));
    for lanes in asked {
        match rows::hold_lane(conn, lanes)? {
            Some(lane) if keys.holds(&lane) => return Ok(lane),
            Some(lane) => tracing::error!(audit.lane = lane.head.lane, "a lane of the audit log was tampered with; run `onemind audit verify`"),
            None => tracing::error!(audit.lanes = ?lanes, "lanes of the audit log are missing; run `onemind audit verify`"),
        }
    }
    Err(StorageError::Other("no lane of the audit log is as it was left; run `onemind audit verify`".into()).into())
}

/// Seals the heads of a log to which nothing was ever added. Afterwards a head without a seal is a fault.
///
/// # Errors
/// Where the database fails; `audit_key_missing` where the heads are sealed with keys that are not here.
pub fn prepare(conn: &mut AnyConn, keys: &Keys) -> ServiceResult<()> {
    let lanes = rows::lanes(conn)?;
    if lanes.iter().all(|lane| lane.seal.is_none() && lane.head.sequence == 0) {
        for lane in lanes {
            rows::write_head(conn, &lane.head, keys.current().name(), &keys.current().seal(&lane.head.canonical()))?;
        }
        return Ok(());
    }
    let names: Vec<&str> = lanes.iter().filter_map(|lane| lane.seal.as_ref()).map(|(name, _)| name.as_str()).collect();
    if names.iter().any(|name| keys.find(name).is_some()) {
        return Ok(());
    }
    let name = names.first().copied().unwrap_or("none");
    let detail = format!(
        "the audit log is sealed with the key {name}, which is not in the `keys` folder: put its file back, or begin anew by `onemind audit adopt`"
    );
    Err(ServiceError::conflict("audit_key_missing", detail))
}

/// Goes on after the loss of a key: seals, with the present key, the heads whose key is not here, and says so in each lane. What was
/// sealed before can't be checked until the key is found. Answers how many lanes it went on with.
///
/// # Errors
/// Where the database fails.
pub fn adopt(conn: &mut AnyConn, keys: &Keys, entry: impl Fn(String) -> Entry) -> ServiceResult<usize> {
    let foreign = |lane: &Lane| lane.seal.as_ref().is_none_or(|(name, _)| keys.find(name).is_none());
    let lanes: Vec<Lane> = rows::lanes(conn)?.into_iter().filter(foreign).collect();
    let count = lanes.len();
    for lane in lanes {
        let lane = rows::lane(conn, lane.head.lane)?;
        let before = lane.seal.as_ref().map(|(name, _)| name.as_str());
        let entry = entry(serde_json::json!({"key_before": before}).to_string());
        extend(conn, keys, lane, vec![entry], &Settlement::default())?;
    }
    Ok(count)
}

/// A page of entries.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn list(tx: &mut Tx<'_>, filter: &AuditFilter, page: PageRequest) -> ServiceResult<PageOf<Sealed>> {
    for_all_agencies(tx)?;
    let fetched = rows::list(tx.conn, filter, page.after, page.fetch())?;
    Ok(page.cut(fetched, |sealed| sealed.entry.id))
}

/// An entry.
///
/// # Errors
/// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Sealed> {
    for_all_agencies(tx)?;
    rows::by_id(tx.conn, id)?.ok_or(ServiceError::NotFound)
}

fn for_all_agencies(tx: &Tx<'_>) -> ServiceResult<()> {
    tx.needs_all_agencies("the audit log tells of all agencies: it is read with a grant for all of them")
}
