//! Policies: recorded, changed, listed, and deleted where they were recorded in error.

use jiff::civil::Date;
use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::evidence;
use super::page::{PageOf, PageRequest};
use super::{Fault, ServiceError, ServiceResult, Tx};
use crate::domain::agency::AgencyKey;
use crate::domain::evidence::PolicyDraft;
use crate::storage::dialect::lock_agency;
use crate::storage::policies::{self as rows, Policy};

/// A page of policies.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, agency: Option<&AgencyKey>, in_force_on: Option<Date>, page: PageRequest) -> ServiceResult<PageOf<Policy>> {
    let Some(filter) = evidence::filter(tx, agency, in_force_on)? else { return Ok(PageOf { items: Vec::new(), next: None }) };
    let fetched = rows::list(tx.conn, &tx.reach, &filter, page.after, page.fetch())?;
    Ok(page.cut(fetched, |policy| policy.id))
}

/// The policy with this id.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Policy> {
    rows::by_id(tx.conn, &tx.reach, id)?.ok_or(ServiceError::NotFound)
}

/// Records a policy.
///
/// # Errors
/// [`ServiceError::Invalid`].
pub fn create(tx: &mut Tx<'_>, draft: &PolicyDraft) -> ServiceResult<Policy> {
    let agency = evidence::owner(tx, &draft.agency, Fault::all(draft.check()))?;
    let id = tx.new_id();
    rows::insert(tx.conn, id, agency, draft, tx.now)?;
    tx.changed("policy", id, fields_of(draft));
    get(tx, id)
}

/// Changes a policy to what `edit` makes of it.
///
/// # Errors
/// [`ServiceError::NotFound`], [`ServiceError::Invalid`], and what `edit` says.
pub fn change(tx: &mut Tx<'_>, id: Uuid, edit: impl FnOnce(&Policy) -> ServiceResult<PolicyDraft>) -> ServiceResult<Policy> {
    let current = for_change(tx, id)?;
    let draft = edit(&current)?;
    evidence::same_owner(tx, &draft.agency, current.agency.id, Fault::all(draft.check()))?;
    let draft = PolicyDraft { agency: current.draft.agency.clone(), ..draft };
    if draft == current.draft {
        return Ok(current);
    }
    rows::update(tx.conn, id, &draft, tx.now)?;
    tx.changed("policy", id, fields_between(&current.draft, &draft));
    Ok(Policy { draft, updated_at: tx.now, ..current })
}

/// Takes out a policy that was recorded in error, unless `guard` refuses.
///
/// # Errors
/// [`ServiceError::NotFound`], and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, guard: impl FnOnce(&Policy) -> ServiceResult<()>) -> ServiceResult<()> {
    guard(&for_change(tx, id)?)?;
    tx.changed("policy", id, Vec::new());
    Ok(rows::delete(tx.conn, id)?)
}

/// The policy as it stays until the transaction ends.
fn for_change(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Policy> {
    let agency = get(tx, id)?.agency.id;
    tx.of_agency(agency);
    lock_agency(tx.conn, agency)?;
    get(tx, id)
}
