//! Standards: published by staff, fixed in their rules once an agency pledged to them.

use super::audit::{fields_between, fields_of};
use super::page::{PageOf, PageRequest};
use super::{Fault, ServiceError, ServiceResult, Tx};
use crate::domain::standard_draft::{StandardCode, StandardDraft, StandardKey};
use crate::domain::text::Code;
use crate::storage::Constraint;
use crate::storage::dialect::lock_standard;
use crate::storage::standards::{self as rows, HeldStandard};
use crate::storage::timelines::STANDARDS;

/// A page of standards.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, page: PageRequest) -> ServiceResult<PageOf<HeldStandard>> {
    let fetched = rows::list(tx.conn, page.after, page.fetch())?;
    Ok(page.cut(fetched, |standard| standard.id))
}

/// The standard that `key` names.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, key: &StandardKey) -> ServiceResult<HeldStandard> {
    rows::find(tx.conn, key)?.ok_or(ServiceError::NotFound)
}

/// `Ok` where a standard of the code that a body names at `pointer` is published.
///
/// # Errors
/// As [`unknown`].
pub fn named(tx: &mut Tx<'_>, code: &Code, pointer: &str) -> ServiceResult<()> {
    if rows::is_published(tx.conn, code.as_str())? { Ok(()) } else { Err(unknown(code, pointer)) }
}

/// The fault of a body that names, at `pointer`, a standard that isn't published.
pub fn unknown(code: &Code, pointer: &str) -> ServiceError {
    ServiceError::invalid(pointer, "unknown_standard", format!("there is no standard of the code `{code}`"))
}

/// Publishes a standard.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies, [`ServiceError::Invalid`], [`ServiceError::Conflict`] where
/// another standard has the code.
pub fn create(tx: &mut Tx<'_>, draft: &StandardDraft) -> ServiceResult<HeldStandard> {
    for_all_agencies(tx)?;
    ServiceError::check(Fault::all(draft.check()))?;
    let id = tx.new_id();
    rows::insert(tx.conn, id, draft, tx.now).map_err(ServiceError::on(Constraint::StandardCode, code_taken(&draft.code)))?;
    tx.changed("standard", id, fields_of(draft));
    tx.coverage.raise(STANDARDS);
    Ok(HeldStandard { id, draft: draft.clone(), created_at: tx.now, updated_at: tx.now })
}

/// Changes a standard to what `edit` makes of it; in its rules only while no pledge is to it, and never where it is built in.
///
/// # Errors
/// As [`create`], [`ServiceError::NotFound`], and what `edit` says.
pub fn change(tx: &mut Tx<'_>, key: &StandardKey, edit: impl FnOnce(&HeldStandard) -> ServiceResult<StandardDraft>) -> ServiceResult<HeldStandard> {
    let current = for_change(tx, key)?;
    let draft = edit(&current)?;
    ServiceError::check(Fault::all(draft.check()))?;
    if draft == current.draft {
        return Ok(current);
    }
    if !draft.same_rules(&current.draft) {
        unused(tx, &current.draft.code)?;
    }
    rows::update(tx.conn, current.id, &draft, tx.now).map_err(ServiceError::on(Constraint::StandardCode, code_taken(&draft.code)))?;
    tx.changed("standard", current.id, fields_between(&current.draft, &draft));
    tx.coverage.raise(STANDARDS);
    Ok(HeldStandard { draft, updated_at: tx.now, ..current })
}

/// Takes out a standard to which no pledge is, unless `guard` refuses.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies, [`ServiceError::NotFound`], [`ServiceError::Conflict`] where it
/// is in use or built in, and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, key: &StandardKey, guard: impl FnOnce(&HeldStandard) -> ServiceResult<()>) -> ServiceResult<()> {
    let current = for_change(tx, key)?;
    guard(&current)?;
    unused(tx, &current.draft.code)?;
    tx.changed("standard", current.id, Vec::new());
    tx.coverage.raise(STANDARDS);
    Ok(rows::delete(tx.conn, current.id)?)
}

/// The standard as it stays until the transaction ends, together with whether a pledge is to it.
fn for_change(tx: &mut Tx<'_>, key: &StandardKey) -> ServiceResult<HeldStandard> {
    for_all_agencies(tx)?;
    let id = get(tx, key)?.id;
    lock_standard(tx.conn, id)?;
    get(tx, &StandardKey::Id(id))
}

fn for_all_agencies(tx: &Tx<'_>) -> ServiceResult<()> {
    tx.needs_all_agencies("publishing standards needs a grant for all agencies")
}

/// `Ok` where the rules of a standard, which is locked, bind nobody yet.
fn unused(tx: &mut Tx<'_>, code: &StandardCode) -> ServiceResult<()> {
    if code.is_built_in() {
        return Err(ServiceError::conflict("standard_built_in", format!("`{code}` ships with the registry: its title alone can be changed")));
    }
    if rows::is_pledged(tx.conn, code)? {
        let detail = format!("a pledge is to `{code}`: its title alone can be changed; publish new rules under a new code");
        return Err(ServiceError::conflict("standard_in_use", detail));
    }
    Ok(())
}

fn code_taken(code: &StandardCode) -> ServiceError {
    ServiceError::conflict("code_taken", format!("another standard has the code `{code}`"))
}
