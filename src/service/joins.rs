//! Joins of officers whom two clients describe: looked into and confirmed by IACP staff.

use std::collections::HashSet;

use uuid::Uuid;

use super::page::{PageOf, PageRequest};
use super::touched::Touched;
use super::{ServiceError, ServiceResult, Tx, merges, officers};
use crate::domain::join::JoinStatus;
use crate::domain::reach::Reach;
use crate::storage::dialect::{Lock, lock};
use crate::storage::joins::{self as rows, Join};
use crate::storage::officers as rows_of_people;

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

/// Confirms that two clients describe one person: the record of the one who came later is merged into the one that was held.
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
            "nobody was joined: correct the officer who has the wrong identifier, or merge the officers if they are one person",
        ));
    }
    if join.confirmed_at.is_some() {
        return Ok(join);
    }
    let merged = officers::get(tx, join.officer)?;
    let kept = officers::get(tx, merged.person)?;
    merges::apply(tx, &kept, &merged, "a join was confirmed", Some(id))?;
    tx.changed("officer_join", id, vec!["confirmed_at".into()]);
    get(tx, id)
}

/// Says that a join was wrong: the record is of a person by itself, and what somebody else holds of identifiers stays withheld.
///
/// # Errors
/// As [`get`], and `join_confirmed` where it was confirmed: then the merge can be undone.
pub fn separate(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Join> {
    staff_only(tx)?;
    lock(tx.conn, Lock::Place)?;
    let join = get(tx, id)?;
    if join.status == JoinStatus::Parked {
        return Ok(join);
    }
    if join.confirmed_at.is_some() {
        return Err(ServiceError::conflict("join_confirmed", "the join was confirmed: undo the merge"));
    }
    let touched = Touched::before(tx, vec![join.officer], &HashSet::new())?;
    rows_of_people::set_person(tx.conn, &mut tx.coverage, &[join.officer], join.officer)?;
    for own in rows::unconfirmed(tx.conn, &Reach::All, &[join.officer])?.remove(&join.officer).unwrap_or_default() {
        merges::separate(tx, own)?;
    }
    tx.changed("officer_join", id, vec!["status".into()]);
    tx.of_agency(join.agency);
    touched.place(tx)?;
    // Without an identifier that somebody else holds, nothing is left of it.
    let left = rows::by_id(tx.conn, id)?;
    Ok(left.unwrap_or(Join { status: JoinStatus::Parked, identifiers: Vec::new(), updated_at: tx.now, ..join }))
}

fn staff_only(tx: &Tx<'_>) -> ServiceResult<()> {
    tx.needs_all_agencies("joins cross the borders of grants: they are looked into with a grant for all agencies")
}
