//! Grants: for which agencies clients may act. When one is given or widened, what its client pushed and could not be placed is
//! looked at again (rule 7).

use uuid::Uuid;

use super::agencies;
use super::clients::staff_only;
use super::page::{PageOf, PageRequest};
use super::placement::place_waiting_of;
use super::{Fault, ServiceError, ServiceResult, Tx};
use crate::domain::agency::AgencyKey;
use crate::domain::client::GrantDraft;
use crate::storage::clients;
use crate::storage::dialect::{Lock, lock};
use crate::storage::grants::{self as rows, Grant, GrantFilter};

/// The grant of this id.
///
/// # Errors
/// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Grant> {
    staff_only(tx)?;
    rows::by_id(tx.conn, id)?.ok_or(ServiceError::NotFound)
}

/// A page of grants, only for an agency where one is given.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies.
pub fn list(tx: &mut Tx<'_>, client: Option<Uuid>, agency: Option<&AgencyKey>, page: PageRequest) -> ServiceResult<PageOf<Grant>> {
    staff_only(tx)?;
    let agency = match agency {
        None => None,
        Some(key) => match agencies::find(tx, key)? {
            None => return Ok(page.cut(Vec::new(), |grant: &Grant| grant.id)),
            Some(agency) => Some(agency.id),
        },
    };
    let fetched = rows::list(tx.conn, GrantFilter { client, agency }, page.after, page.fetch())?;
    Ok(page.cut(fetched, |grant| grant.id))
}

/// Gives a client a grant. An ORI that no agency goes by yet is granted too: the client may register that agency.
///
/// # Errors
/// Faults of the draft: no such client, no agency of such an id.
pub fn create(tx: &mut Tx<'_>, draft: &GrantDraft) -> ServiceResult<Grant> {
    staff_only(tx)?;
    // Before anything is asked: an agency that is being registered under the ORI is there afterwards, or ties the grant to itself.
    lock(tx.conn, Lock::Place)?;
    let mut faults = Fault::all(draft.check());
    if clients::by_id(tx.conn, draft.client)?.is_none() {
        faults.push(Fault::new("/client", "unknown_client", format!("there is no client `{}`", draft.client)));
    }
    let agency = match &draft.agency {
        None => None,
        Some(key) => match (agencies::find(tx, key)?, key) {
            (Some(agency), _) => Some(AgencyKey::Id(agency.id)),
            (None, AgencyKey::Ori(_)) => Some(key.clone()),
            (None, AgencyKey::Id(_)) => {
                faults.push(Fault::new("/agency", "unknown_agency", format!("there is no agency `{key}`")));
                None
            }
        },
    };
    ServiceError::check(faults)?;
    let (starts_on, ends_on) = (draft.starts_on, draft.ends_on);
    let grant = Grant { id: tx.new_id(), client: draft.client, agency, starts_on, ends_on, created_at: tx.now, updated_at: tx.now };
    rows::insert(tx.conn, &grant)?;
    note(tx, &grant, &["client", "agency", "starts_on", "ends_on"]);
    place_waiting_of(tx, grant.client)?;
    Ok(grant)
}

/// Changes the days of a grant to what `edit` makes of them; whose it is and for which agency stays.
///
/// # Errors
/// As [`get`], what `edit` says, and faults of the outcome.
pub fn change(tx: &mut Tx<'_>, id: Uuid, edit: impl FnOnce(&mut Tx<'_>, &Grant) -> ServiceResult<GrantDraft>) -> ServiceResult<Grant> {
    lock(tx.conn, Lock::Place)?;
    let current = get(tx, id)?;
    let draft = edit(tx, &current)?;
    ServiceError::check(Fault::all(draft.check()))?;
    let changed = Grant { starts_on: draft.starts_on, ends_on: draft.ends_on, ..current.clone() };
    if changed == current {
        return Ok(current);
    }
    let changed = Grant { updated_at: tx.now, ..changed };
    rows::update(tx.conn, &changed)?;
    let fields = [("starts_on", changed.starts_on != current.starts_on), ("ends_on", changed.ends_on != current.ends_on)];
    note(tx, &changed, &fields.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect::<Vec<_>>());
    place_waiting_of(tx, changed.client)?;
    Ok(changed)
}

/// Takes a grant away at once. `guard` is asked with what is there.
///
/// # Errors
/// As [`get`], and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, guard: impl FnOnce(&mut Tx<'_>, &Grant) -> ServiceResult<()>) -> ServiceResult<Grant> {
    let grant = get(tx, id)?;
    guard(tx, &grant)?;
    rows::delete(tx.conn, id)?;
    note(tx, &grant, &[]);
    Ok(grant)
}

/// Tells the audit log of a change to a grant.
fn note(tx: &mut Tx<'_>, grant: &Grant, fields: &[&str]) {
    tx.changed("grant", grant.id, fields.iter().map(|field| (*field).to_owned()).collect());
    if let Some(AgencyKey::Id(agency)) = grant.agency {
        tx.of_agency(agency);
    }
}
