//! A client's own course codes, mapped to trainings. A client sees its own mappings alone.

use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::page::{PageOf, PageRequest};
use super::placement::place_waiting;
use super::{Fault, ServiceError, ServiceResult, Tx, trainings};
use crate::domain::training::MappingDraft;
use crate::storage::course_mappings::{self as rows, Mapping, MappingFilter};
use crate::storage::dialect::{Lock, lock};

/// A mapping of the client.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Mapping> {
    rows::by_id(tx.conn, tx.client, id)?.ok_or(ServiceError::NotFound)
}

/// A page of the client's mappings.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, filter: &MappingFilter, page: PageRequest) -> ServiceResult<PageOf<Mapping>> {
    let fetched = rows::list(tx.conn, tx.client, filter, page.after, page.fetch())?;
    Ok(page.cut(fetched, |mapping| mapping.id))
}

/// Maps a code of the client, and places what waits for it.
///
/// # Errors
/// [`ServiceError::Invalid`] where there is no such training, [`ServiceError::Conflict`] where the code means something already
/// on one of the days.
pub fn create(tx: &mut Tx<'_>, draft: &MappingDraft) -> ServiceResult<Mapping> {
    lock(tx.conn, Lock::Place)?;
    let mapping = Mapping { id: tx.new_id(), draft: draft.clone(), created_at: tx.now, updated_at: tx.now };
    check(tx, &mapping)?;
    rows::insert(tx.conn, tx.client, &mapping)?;
    tx.changed("course_mapping", mapping.id, fields_of(draft));
    place_waiting(tx, &[format!("course:{}", draft.code)])?;
    Ok(mapping)
}

/// Changes a mapping to what `edit` makes of it.
///
/// # Errors
/// [`ServiceError::NotFound`], what `edit` says, and as [`create`].
pub fn change(tx: &mut Tx<'_>, id: Uuid, edit: impl FnOnce(&Mapping) -> ServiceResult<MappingDraft>) -> ServiceResult<Mapping> {
    lock(tx.conn, Lock::Place)?;
    let current = get(tx, id)?;
    let draft = edit(&current)?;
    if draft == current.draft {
        return Ok(current);
    }
    let fields = fields_between(&current.draft, &draft);
    let mapping = Mapping { draft, updated_at: tx.now, ..current };
    check(tx, &mapping)?;
    rows::update(tx.conn, tx.client, &mapping)?;
    tx.changed("course_mapping", id, fields);
    place_waiting(tx, &[format!("course:{}", mapping.draft.code)])?;
    Ok(mapping)
}

/// Takes a mapping away; what was placed by it stays. `guard` is asked with what is there.
///
/// # Errors
/// [`ServiceError::NotFound`], and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, guard: impl FnOnce(&Mapping) -> ServiceResult<()>) -> ServiceResult<()> {
    guard(&get(tx, id)?)?;
    tx.changed("course_mapping", id, Vec::new());
    Ok(rows::delete(tx.conn, tx.client, id)?)
}

fn check(tx: &mut Tx<'_>, mapping: &Mapping) -> ServiceResult<()> {
    let draft = &mapping.draft;
    let mut faults: Vec<Fault> = Fault::all(draft.check());
    faults.extend(trainings::unknown(tx, draft.training, "/training")?);
    ServiceError::check(faults)?;
    let held = rows::of_code(tx.conn, tx.client, &draft.code)?;
    match held.iter().find(|other| other.id != mapping.id && other.draft.overlaps(draft)) {
        None => Ok(()),
        Some(other) => {
            Err(ServiceError::conflict("mapping_overlaps", format!("mapping `{}` gives `{}` a meaning on some of these days", other.id, draft.code)))
        }
    }
}
