//! Partnerships: recorded, changed, listed, and deleted where they were recorded in error.

use jiff::civil::Date;
use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::evidence;
use super::page::{PageOf, PageRequest};
use super::{Fault, ServiceError, ServiceResult, Tx};
use crate::domain::agency::AgencyKey;
use crate::domain::evidence::PartnershipDraft;
use crate::storage::dialect::lock_agency;
use crate::storage::partnerships::{self as rows, Partnership};

/// A page of partnerships.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, agency: Option<&AgencyKey>, in_force_on: Option<Date>, page: PageRequest) -> ServiceResult<PageOf<Partnership>> {
    let Some(filter) = evidence::filter(tx, agency, in_force_on)? else { return Ok(PageOf { items: Vec::new(), next: None }) };
    let fetched = rows::list(tx.conn, &tx.reach, &filter, page.after, page.fetch())?;
    Ok(page.cut(fetched, |partnership| partnership.id))
}

/// The partnership with this id.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Partnership> {
    rows::by_id(tx.conn, &tx.reach, id)?.ok_or(ServiceError::NotFound)
}

/// Records a partnership.
///
/// # Errors
/// [`ServiceError::Invalid`].
pub fn create(tx: &mut Tx<'_>, draft: &PartnershipDraft) -> ServiceResult<Partnership> {
    let agency = evidence::owner(tx, &draft.agency, Fault::all(draft.check()))?;
    let id = tx.new_id();
    rows::insert(tx.conn, id, agency, draft, tx.now)?;
    tx.changed("partnership", id, fields_of(draft));
    get(tx, id)
}

/// Changes a partnership to what `edit` makes of it.
///
/// # Errors
/// [`ServiceError::NotFound`], [`ServiceError::Invalid`], and what `edit` says.
pub fn change(tx: &mut Tx<'_>, id: Uuid, edit: impl FnOnce(&Partnership) -> ServiceResult<PartnershipDraft>) -> ServiceResult<Partnership> {
    let current = for_change(tx, id)?;
    let draft = edit(&current)?;
    evidence::same_owner(tx, &draft.agency, current.agency.id, Fault::all(draft.check()))?;
    let draft = PartnershipDraft { agency: current.draft.agency.clone(), ..draft };
    if draft == current.draft {
        return Ok(current);
    }
    rows::update(tx.conn, id, &draft, tx.now)?;
    tx.changed("partnership", id, fields_between(&current.draft, &draft));
    Ok(Partnership { draft, updated_at: tx.now, ..current })
}

/// Takes out a partnership that was recorded in error, unless `guard` refuses.
///
/// # Errors
/// [`ServiceError::NotFound`], and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, guard: impl FnOnce(&Partnership) -> ServiceResult<()>) -> ServiceResult<()> {
    guard(&for_change(tx, id)?)?;
    tx.changed("partnership", id, Vec::new());
    Ok(rows::delete(tx.conn, id)?)
}

/// The partnership as it stays until the transaction ends.
fn for_change(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Partnership> {
    let agency = get(tx, id)?.agency.id;
    tx.of_agency(agency);
    lock_agency(tx.conn, agency)?;
    get(tx, id)
}
