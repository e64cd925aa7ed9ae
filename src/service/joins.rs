//! Joins of officers whom two clients describe: looked into and confirmed by IACP staff.

use uuid::Uuid;

use super::changes::Changes;
use super::page::{PageOf, PageRequest};
use super::{ServiceError, ServiceResult, Tx, identity};
use crate::domain::join::JoinStatus;
use crate::domain::reach::Reach;
use crate::storage::dialect::{Lock, lock};
use crate::storage::joins::{self as rows, Join};
use crate::storage::officers;

/// A page of joins.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn list(tx: &mut Tx<'_>, status: Option<JoinStatus>, page: PageRequest) -> ServiceResult<PageOf<Join>> {
    staff_only(tx)?;
    let fetched = rows::list(tx.conn, status, page.after, page.fetch())?;
    Ok(page.cut(fetched, |join| join.id))
}

/// A join.
///
/// # Errors
/// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Join> {
    staff_only(tx)?;
    rows::by_id(tx.conn, id)?.ok_or(ServiceError::NotFound)
}

/// Confirms that two clients describe one person: the one who came later sees the person from now on, and what it sent
/// completes what is held.
///
/// # Errors
/// As [`get`], and `join_parked` where the names disagree.
pub fn confirm(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Join> {
    staff_only(tx)?;
    lock(tx.conn, Lock::Place)?;
    let join = get(tx, id)?;
    if join.status == JoinStatus::Parked {
        return Err(ServiceError::conflict(
            "join_parked",
            "the names disagree, so nobody was joined; correct the officer who has the wrong identifier",
        ));
    }
    if join.confirmed_at.is_some() {
        return Ok(join);
    }
    let mut officer = officers::by_ids(tx.conn, &Reach::All, &[join.officer])?.pop().ok_or(ServiceError::NotFound)?;
    let held = identity::held_elsewhere(tx, &join.identifiers)?;
    let free = join.identifiers.iter().filter(|i| !held.contains(i)).cloned().collect();
    if officer.email.is_none() {
        officer.email.clone_from(&join.email);
    }
    officer.updated_at = tx.now;
    let confirmed = Join { confirmed_at: Some(tx.now), updated_at: tx.now, ..join };
    let mut changes = Changes::default();
    changes.confirm(officer, confirmed.clone(), free);
    changes.write(tx)?;
    tx.changed("officer_join", id, vec!["confirmed_at".into()]);
    tx.of_agency(confirmed.agency);
    Ok(confirmed)
}

fn staff_only(tx: &Tx<'_>) -> ServiceResult<()> {
    if tx.reach == Reach::All {
        return Ok(());
    }
    Err(ServiceError::Forbidden("joins cross the borders of grants: they are looked into with a grant for all agencies".into()))
}
