//! Two officers who turn out to be one person: merged by IACP staff, and taken apart again.

use std::collections::HashSet;

use uuid::Uuid;

use super::page::{PageOf, PageRequest};
use super::pseudonyms::refuse_pseudonymized;
use super::touched::Touched;
use super::{Fault, ServiceError, ServiceResult, Tx, officers};
use crate::domain::join::JoinStatus;
use crate::domain::officer::Identifier;
use crate::domain::reach::Reach;
use crate::domain::text::{Email, Note};
use crate::storage::dialect::{Lock, lock};
use crate::storage::joins::{self, Join};
use crate::storage::merges::{self as rows, Merge, Moved};
use crate::storage::officers::{self as officer_rows, Officer};

/// A page of merges.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn list(tx: &mut Tx<'_>, officer: Option<Uuid>, page: PageRequest) -> ServiceResult<PageOf<Merge>> {
    staff_only(tx)?;
    let fetched = rows::list(tx.conn, officer, page.after, page.fetch())?;
    Ok(page.cut(fetched, |merge| merge.id))
}

/// A merge.
///
/// # Errors
/// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Merge> {
    staff_only(tx)?;
    rows::by_id(tx.conn, id)?.ok_or(ServiceError::NotFound)
}

/// Merges an officer into another: appointments, completions, identifiers and, where there is none, the address go to the one who is kept,
/// who also answers to the id of the one who went.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies; faults where there is no such officer; conflicts: `same_officer`,
/// `joined_elsewhere` where one is joined with a third and nobody has confirmed it, `officer_pseudonymized`.
pub fn merge(tx: &mut Tx<'_>, kept: Uuid, merged: Uuid, reason: &Note) -> ServiceResult<Merge> {
    staff_only(tx)?;
    lock(tx.conn, Lock::Place)?;
    let mut faults = Vec::new();
    let mut named = |tx: &mut Tx<'_>, id: Uuid, pointer: &str| match officers::get(tx, id) {
        Ok(officer) => Ok(Some(officer)),
        Err(ServiceError::NotFound) => {
            faults.push(Fault::new(pointer, "unknown_officer", format!("there is no officer `{id}`")));
            Ok(None)
        }
        Err(other) => Err(other),
    };
    let (kept, merged) = (named(tx, kept, "/kept/id")?, named(tx, merged, "/merged/id")?);
    ServiceError::check(faults)?;
    let (Some(kept), Some(merged)) = (kept, merged) else { return Err(ServiceError::NotFound) };
    apply(tx, &kept, &merged, reason.as_str(), None)
}

/// As [`merge`], of officers who are known, by a join that it confirms, where there is one.
pub(super) fn apply(tx: &mut Tx<'_>, kept: &Officer, merged: &Officer, reason: &str, join: Option<Uuid>) -> ServiceResult<Merge> {
    if kept.id == merged.id {
        return Err(ServiceError::conflict("same_officer", "both are the same officer"));
    }
    let alone = |officer: &Officer| officer.person == officer.id;
    if kept.person != merged.person && !(alone(kept) && alone(merged)) {
        let detail = "one of them is joined with somebody else, and nobody has confirmed that; confirm or separate that join first";
        return Err(ServiceError::conflict("joined_elsewhere", detail));
    }
    refuse_pseudonymized(kept, "officer_pseudonymized")?;
    refuse_pseudonymized(merged, "officer_pseudonymized")?;
    let touched = Touched::before(tx, vec![kept.id, merged.id], &HashSet::new())?;
    let moved = rows::move_all(tx.conn, &mut tx.coverage, merged.id, kept.id, tx.now)?;
    let mut now = Officer { updated_at: tx.now, ..kept.clone() };
    let mut moved = Moved { people: unite(tx, kept, merged)?, ..moved };
    if let (None, Some(email)) = (&kept.email, &merged.email) {
        now.email = Some(email.clone());
        moved.email = Some(email.as_str().to_owned());
    }
    officer_rows::save(tx.conn, &[now])?;
    settle_joins(tx, kept, merged, &mut moved)?;
    let merge = Merge {
        id: tx.new_id(),
        kept: kept.id,
        merged: merged.id,
        join,
        reason: reason.to_owned(),
        moved,
        merged_at: tx.now,
        undone_at: None,
        undone_reason: None,
    };
    rows::insert(tx.conn, &merge)?;
    tx.changed_many("moved", merge.moved.completions.clone());
    tx.changed("officer_merge", merge.id, vec!["kept".into(), "merged".into(), "reason".into()]);
    touched.place(tx)?;
    Ok(merge)
}

/// Makes both records of one person; answers whose person that changed, and who it was before.
fn unite(tx: &mut Tx<'_>, kept: &Officer, merged: &Officer) -> ServiceResult<Vec<(Uuid, Uuid)>> {
    let person = if kept.person == merged.id { kept.id } else { kept.person };
    // Who stood for others takes them along.
    let records = if merged.person == merged.id { officer_rows::records_of(tx.conn, merged.id)? } else { vec![merged.id] };
    officer_rows::set_person(tx.conn, &mut tx.coverage, &records, person)?;
    Ok(records.into_iter().map(|record| (record, merged.person)).collect())
}

/// What the joins of the one who went come to: those as the same person are confirmed, withheld identifiers go along.
fn settle_joins(tx: &mut Tx<'_>, kept: &Officer, merged: &Officer, moved: &mut Moved) -> ServiceResult<()> {
    let mut open = joins::unconfirmed(tx.conn, &Reach::All, &[kept.id, merged.id])?;
    let own = open.remove(&merged.id).unwrap_or_default();
    let of_kept = open.remove(&kept.id).unwrap_or_default().into_iter();
    let joined = |join: &Join| join.status == JoinStatus::Joined;
    let (confirmed, others): (Vec<Join>, Vec<Join>) = own.into_iter().partition(|join| joined(join) && merged.person == kept.id);
    for join in of_kept.filter(|join| joined(join) && kept.person == merged.id).chain(confirmed) {
        joins::update(tx.conn, &Join { confirmed_at: Some(tx.now), updated_at: tx.now, ..join.clone() })?;
        tx.of_agency(join.agency);
        moved.confirmed_joins.push(join.id);
    }
    moved.joins = others.iter().map(|join| join.id).collect();
    Ok(rows::move_joins(tx.conn, &moved.joins, kept.id)?)
}

/// Takes apart what was merged: what went from the one to the other goes back, as far as it is still there. What came after the merge
/// stays with the officer who was kept. Where the merge confirmed a join, the two are no longer taken for one person.
///
/// # Errors
/// As [`get`]; `already_undone`; `merged_further` where the officer who was kept went into another since; a conflict where a pseudonym
/// stands in the place of who they are.
pub fn undo(tx: &mut Tx<'_>, id: Uuid, reason: &Note) -> ServiceResult<Merge> {
    staff_only(tx)?;
    lock(tx.conn, Lock::Place)?;
    let merge = get(tx, id)?;
    if merge.undone_at.is_some() {
        return Err(ServiceError::conflict("already_undone", "the merge was undone before"));
    }
    if rows::is_merged(tx.conn, merge.kept)? {
        return Err(ServiceError::conflict("merged_further", "the officer who was kept was merged into another since; undo that first"));
    }
    let mut kept = officers::get(tx, merge.kept)?;
    refuse_pseudonymized(&kept, "officer_pseudonymized")?;
    let touched = Touched::before(tx, vec![merge.kept, merge.merged], &HashSet::new())?;
    rows::move_back(tx.conn, &mut tx.coverage, &merge, tx.now)?;
    for (record, before) in &merge.moved.people {
        let parted = (*record == merge.kept && *before == merge.merged) || (*record == merge.merged && *before == kept.person);
        let person = if parted { *record } else { *before };
        officer_rows::set_person(tx.conn, &mut tx.coverage, &[*record], person)?;
    }
    if merge.moved.email.is_some() && merge.moved.email.as_deref() == kept.email.as_ref().map(Email::as_str) {
        kept.email = None;
    }
    kept.updated_at = tx.now;
    officer_rows::save(tx.conn, &[kept])?;
    rows::move_joins(tx.conn, &merge.moved.joins, merge.merged)?;
    for join in &merge.moved.confirmed_joins {
        if let Some(join) = joins::by_id(tx.conn, *join)? {
            separate(tx, join)?;
        }
    }
    rows::set_undone(tx.conn, id, tx.now, reason.as_str())?;
    tx.changed_many("moved", merge.moved.completions.clone());
    tx.changed("officer_merge", id, vec!["undone_at".into()]);
    touched.place(tx)?;
    get(tx, id)
}

/// A join whose officer is nobody else: identifiers that others hold stay withheld, those that nobody holds any more are the officer's.
pub(super) fn separate(tx: &mut Tx<'_>, join: Join) -> ServiceResult<()> {
    tx.of_agency(join.agency);
    let holders = officer_rows::holders(tx.conn, &join.identifiers.iter().collect::<Vec<_>>())?;
    let free: Vec<(Uuid, Identifier)> = join
        .identifiers
        .iter()
        .filter(|identifier| !holders.contains_key(*identifier))
        .map(|identifier| (join.officer, identifier.clone()))
        .collect();
    officer_rows::add_identifiers(tx.conn, &free)?;
    let withheld: Vec<Identifier> =
        join.identifiers.iter().filter(|identifier| holders.get(*identifier).is_some_and(|holder| *holder != join.officer)).cloned().collect();
    if withheld.is_empty() {
        return Ok(joins::delete(tx.conn, &[join.id])?);
    }
    Ok(joins::update(tx.conn, &Join { status: JoinStatus::Parked, confirmed_at: None, identifiers: withheld, updated_at: tx.now, ..join })?)
}

fn staff_only(tx: &Tx<'_>) -> ServiceResult<()> {
    tx.needs_all_agencies("officers are merged across the borders of grants: it needs a grant for all agencies")
}
