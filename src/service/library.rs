//! The library: kept by staff, read and searched by everybody who may.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::page::{PageOf, PageRequest};
use super::{Fault, ServiceError, ServiceResult, Tx};
use crate::domain::library::{ResourceDraft, ResourceKind, Topic};
use crate::domain::names;
use crate::storage::library::{self as rows, HeldResource, ResourceFilter};

/// A page of entries. Every word of the question begins a word of the entry.
///
/// # Errors
/// Where the database fails.
pub fn list(
    tx: &mut Tx<'_>,
    kind: Option<ResourceKind>,
    topic: Option<Topic>,
    asked: &str,
    page: PageRequest,
) -> ServiceResult<PageOf<HeldResource>> {
    let words: BTreeSet<String> = names::words(asked).into_iter().collect();
    if words.is_empty() && !asked.is_empty() {
        // There is no word in it that could begin one.
        return Ok(PageOf { items: Vec::new(), next: None });
    }
    let fetched = rows::list(tx.conn, &ResourceFilter { kind, topic, words }, page.after, page.fetch())?;
    Ok(page.cut(fetched, |resource| resource.id))
}

/// The entry with this id.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<HeldResource> {
    rows::by_id(tx.conn, id)?.ok_or(ServiceError::NotFound)
}

/// Enters something.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies, [`ServiceError::Invalid`].
pub fn create(tx: &mut Tx<'_>, draft: &ResourceDraft) -> ServiceResult<HeldResource> {
    kept_by_staff(tx)?;
    ServiceError::check(Fault::all(draft.check()))?;
    let id = tx.new_id();
    rows::insert(tx.conn, id, draft, tx.now)?;
    tx.changed("resource", id, fields_of(draft));
    Ok(HeldResource { id, draft: draft.clone(), created_at: tx.now, updated_at: tx.now })
}

/// Changes an entry to what `edit` makes of it.
///
/// # Errors
/// As [`create`], [`ServiceError::NotFound`], and what `edit` says.
pub fn change(tx: &mut Tx<'_>, id: Uuid, edit: impl FnOnce(&HeldResource) -> ServiceResult<ResourceDraft>) -> ServiceResult<HeldResource> {
    let current = for_change(tx, id)?;
    let draft = edit(&current)?;
    ServiceError::check(Fault::all(draft.check()))?;
    if draft == current.draft {
        return Ok(current);
    }
    rows::update(tx.conn, id, &draft, tx.now)?;
    tx.changed("resource", id, fields_between(&current.draft, &draft));
    Ok(HeldResource { draft, updated_at: tx.now, ..current })
}

/// Takes an entry out, unless `guard` refuses.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies, [`ServiceError::NotFound`], and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, guard: impl FnOnce(&HeldResource) -> ServiceResult<()>) -> ServiceResult<()> {
    guard(&for_change(tx, id)?)?;
    tx.changed("resource", id, Vec::new());
    Ok(rows::delete(tx.conn, id)?)
}

/// The entry as it stays until the transaction ends.
fn for_change(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<HeldResource> {
    kept_by_staff(tx)?;
    crate::storage::dialect::lock_resource(tx.conn, id)?;
    get(tx, id)
}

fn kept_by_staff(tx: &Tx<'_>) -> ServiceResult<()> {
    tx.needs_all_agencies("the library is for everybody: it is changed with a grant for all agencies")
}
