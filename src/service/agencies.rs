//! Agencies: registered by natural key or by hand, changed, listed.

use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::page::{PageOf, PageRequest};
use super::placement::{agency_key, place_waiting};
use super::{Fault, ServiceError, ServiceResult, Tx};
use crate::domain::agency::{AgencyDraft, AgencyKey};
use crate::domain::ori::Ori;
use crate::domain::reach::Reach;
use crate::storage::Constraint;
use crate::storage::agencies::{self as rows, Agency, AgencyFilter};
use crate::storage::dialect::{Lock, lock};
use crate::storage::grants;

/// What a `PUT` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The agency is new.
    Created,
    /// It was changed.
    Updated,
    /// It was so already.
    Unchanged,
}

/// The id of the agency that `key` names.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach.
pub fn id_of(tx: &mut Tx<'_>, key: &AgencyKey) -> ServiceResult<Uuid> {
    Ok(get(tx, key)?.id)
}

/// The agency that `key` names.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach.
pub fn get(tx: &mut Tx<'_>, key: &AgencyKey) -> ServiceResult<Agency> {
    find(tx, key)?.ok_or(ServiceError::NotFound)
}

/// The agency that `key` names, where there is one within reach.
///
/// # Errors
/// Where the database fails.
pub fn find(tx: &mut Tx<'_>, key: &AgencyKey) -> ServiceResult<Option<Agency>> {
    let id = match key {
        AgencyKey::Id(id) => Some(*id),
        AgencyKey::Ori(ori) => rows::ids_by_ori(tx.conn, &[ori.as_str().to_owned()])?.first().map(|(_, id)| *id),
    };
    let Some(id) = id else { return Ok(None) };
    let found = rows::by_ids(tx.conn, &tx.reach, &[id])?.pop();
    if let Some(agency) = &found {
        tx.of_agency(agency.id);
    }
    Ok(found)
}

/// The agency that a body names at `pointer`; a fault of the input where there is none within reach.
///
/// # Errors
/// [`ServiceError::Invalid`].
pub fn named(tx: &mut Tx<'_>, key: &AgencyKey, pointer: &str) -> ServiceResult<Agency> {
    find(tx, key)?.ok_or_else(|| ServiceError::invalid(pointer, "unknown_agency", format!("there is no agency `{key}`")))
}

/// A page of agencies.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, filter: &AgencyFilter, page: PageRequest) -> ServiceResult<PageOf<Agency>> {
    let fetched = rows::list(tx.conn, &tx.reach, filter, page.after, page.fetch())?;
    Ok(page.cut(fetched, |agency| agency.id))
}

/// Registers an agency.
///
/// # Errors
/// [`ServiceError::Forbidden`] where the grants don't name it, [`ServiceError::Conflict`] where another agency has an ORI of it.
pub fn create(tx: &mut Tx<'_>, draft: &AgencyDraft) -> ServiceResult<Agency> {
    check(draft)?;
    may_register(tx, draft)?;
    let id = tx.new_id();
    lock(tx.conn, Lock::Place)?;
    rows::insert(tx.conn, id, draft, tx.now).map_err(ServiceError::on(Constraint::AgencyOri, ori_taken()))?;
    bind_grants(tx, id, draft)?;
    tx.changed("agency", id, fields_of(draft));
    tx.of_agency(id);
    place_waiting(tx, &waited_for(draft))?;
    Ok(Agency { id, draft: sorted(draft), created_at: tx.now, updated_at: tx.now })
}

/// Creates or replaces the agency that `ori` names. `guard` is asked with what is there now before anything is changed.
///
/// # Errors
/// As [`create`], and what `guard` says.
pub fn put(
    tx: &mut Tx<'_>,
    ori: &Ori,
    draft: &AgencyDraft,
    guard: impl FnOnce(Option<&Agency>) -> ServiceResult<()>,
) -> ServiceResult<(Put, Agency)> {
    if draft.ori.as_ref() != Some(ori) && !draft.other_oris.contains(ori) {
        return Err(ServiceError::invalid("/ori", "key_mismatch", format!("the path names {ori}, so it must be among the agency's ORIs")));
    }
    let current = find(tx, &AgencyKey::Ori(ori.clone()))?;
    guard(current.as_ref())?;
    match current {
        None => Ok((Put::Created, create(tx, draft)?)),
        Some(current) => replace(tx, current, draft),
    }
}

/// Changes an agency to what `edit` makes of it.
///
/// # Errors
/// As [`put`], and [`ServiceError::NotFound`].
pub fn change(tx: &mut Tx<'_>, key: &AgencyKey, edit: impl FnOnce(&Agency) -> ServiceResult<AgencyDraft>) -> ServiceResult<Agency> {
    let current = get(tx, key)?;
    let draft = edit(&current)?;
    Ok(replace(tx, current, &draft)?.1)
}

fn replace(tx: &mut Tx<'_>, current: Agency, draft: &AgencyDraft) -> ServiceResult<(Put, Agency)> {
    check(draft)?;
    let draft = sorted(draft);
    if draft == current.draft {
        return Ok((Put::Unchanged, current));
    }
    let renamed = (&draft.ori, &draft.other_oris) != (&current.draft.ori, &current.draft.other_oris);
    if renamed {
        let held = oris(&current.draft).collect::<Vec<_>>();
        may_name(tx, oris(&draft).filter(|ori| !held.contains(ori)))?;
        lock(tx.conn, Lock::Place)?;
    }
    rows::update(tx.conn, current.id, &draft, tx.now).map_err(ServiceError::on(Constraint::AgencyOri, ori_taken()))?;
    tx.changed("agency", current.id, fields_between(&current.draft, &draft));
    if renamed {
        bind_grants(tx, current.id, &draft)?;
        place_waiting(tx, &waited_for(&draft))?;
    }
    Ok((Put::Updated, Agency { draft, updated_at: tx.now, ..current }))
}

/// The keys under which parked completions wait for the agency to be known by its ORIs.
fn waited_for(draft: &AgencyDraft) -> Vec<String> {
    oris(draft).map(|ori| agency_key(&AgencyKey::Ori(ori.clone()))).collect()
}

fn sorted(draft: &AgencyDraft) -> AgencyDraft {
    let mut draft = draft.clone();
    draft.other_oris.sort();
    draft
}

fn check(draft: &AgencyDraft) -> ServiceResult<()> {
    ServiceError::check(Fault::all(draft.check()))
}

fn oris(draft: &AgencyDraft) -> impl Iterator<Item = &Ori> {
    draft.ori.iter().chain(&draft.other_oris)
}

/// Ties the grants that were given for an ORI before an agency went by it.
fn bind_grants(tx: &mut Tx<'_>, agency: Uuid, draft: &AgencyDraft) -> ServiceResult<()> {
    Ok(grants::bind(tx.conn, agency, &oris(draft).map(Ori::as_str).collect::<Vec<_>>())?)
}

fn may_register(tx: &Tx<'_>, draft: &AgencyDraft) -> ServiceResult<()> {
    if tx.reach != Reach::All && oris(draft).next().is_none() {
        return Err(ServiceError::Forbidden("registering an agency without an ORI needs a grant for all agencies".into()));
    }
    may_name(tx, oris(draft))
}

/// An ORI may be given to an agency by who has a grant for it. Refused before it is looked up: whether an agency out of reach goes
/// by it is not told.
fn may_name<'a>(tx: &Tx<'_>, mut oris: impl Iterator<Item = &'a Ori>) -> ServiceResult<()> {
    match oris.find(|ori| !tx.reach.names(&AgencyKey::Ori((*ori).clone()))) {
        None => Ok(()),
        Some(_) => Err(ServiceError::Forbidden("an agency takes an ORI with a grant for it by that ORI, or one for all agencies".into())),
    }
}

fn ori_taken() -> ServiceError {
    ServiceError::conflict("ori_taken", "another agency has one of these ORIs")
}
