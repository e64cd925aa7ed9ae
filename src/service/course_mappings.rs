//! Clients' own course codes, mapped to trainings. A client sees its own mappings alone; who administers clients, and has a grant for all
//! agencies, sees and changes those of every client.

use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::page::{PageOf, PageRequest};
use super::placement::place_waiting;
use super::{Fault, ServiceError, ServiceResult, Tx, trainings};
use crate::domain::reach::Reach;
use crate::domain::training::MappingDraft;
use crate::storage::clients;
use crate::storage::course_mappings::{self as rows, Mapping, MappingFilter};
use crate::storage::dialect::{Lock, lock};

/// For whose codes the caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaker {
    /// Whether the token lets it administer clients.
    pub administers: bool,
}

impl Speaker {
    /// For everybody's.
    fn for_all(self, tx: &Tx<'_>) -> bool {
        self.administers && tx.reach == Reach::All
    }

    /// Whose codes are meant: the caller's, or those of the client that is named.
    fn owner(self, tx: &Tx<'_>, named: Option<Uuid>) -> ServiceResult<Uuid> {
        let Some(client) = named.filter(|client| *client != tx.client) else { return Ok(tx.client) };
        if !self.for_all(tx) {
            let detail = "the course codes of another client are mapped with the scope clients:admin and a grant for all agencies";
            return Err(ServiceError::Forbidden(detail.into()));
        }
        Ok(client)
    }
}

/// A mapping of the client, or of whomever for who speaks for all.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, speaker: Speaker, id: Uuid) -> ServiceResult<Mapping> {
    let owner = if speaker.for_all(tx) { None } else { Some(tx.client) };
    rows::by_id(tx.conn, owner, id)?.ok_or(ServiceError::NotFound)
}

/// A page of the mappings of the client, or of the one that is named.
///
/// # Errors
/// [`ServiceError::Forbidden`] where another client is named by who doesn't speak for all.
pub fn list(tx: &mut Tx<'_>, speaker: Speaker, client: Option<Uuid>, filter: &MappingFilter, page: PageRequest) -> ServiceResult<PageOf<Mapping>> {
    let owner = speaker.owner(tx, client)?;
    let fetched = rows::list(tx.conn, owner, filter, page.after, page.fetch())?;
    Ok(page.cut(fetched, |mapping| mapping.id))
}

/// Maps a code of the client, or of the one that is named, and places what waits for it.
///
/// # Errors
/// [`ServiceError::Forbidden`] where another client is named by who doesn't speak for all; [`ServiceError::Invalid`] where there is no such
/// client or training, [`ServiceError::Conflict`] where the code means something already
/// on one of the days.
pub fn create(tx: &mut Tx<'_>, speaker: Speaker, client: Option<Uuid>, draft: &MappingDraft) -> ServiceResult<Mapping> {
    lock(tx.conn, Lock::Place)?;
    let client = speaker.owner(tx, client)?;
    if client != tx.client && clients::by_id(tx.conn, client)?.is_none() {
        return Err(ServiceError::invalid("/client", "unknown_client", format!("there is no client `{client}`")));
    }
    let mapping = Mapping { id: tx.new_id(), client, draft: draft.clone(), created_at: tx.now, updated_at: tx.now };
    check(tx, &mapping)?;
    rows::insert(tx.conn, &mapping)?;
    tx.changed("course_mapping", mapping.id, fields_of(draft));
    place_waiting(tx, &[format!("course:{}", draft.code)])?;
    Ok(mapping)
}

/// Changes a mapping to what `edit` makes of it.
///
/// # Errors
/// [`ServiceError::NotFound`], what `edit` says, and as [`create`].
pub fn change(tx: &mut Tx<'_>, speaker: Speaker, id: Uuid, edit: impl FnOnce(&Mapping) -> ServiceResult<MappingDraft>) -> ServiceResult<Mapping> {
    lock(tx.conn, Lock::Place)?;
    let current = get(tx, speaker, id)?;
    let draft = edit(&current)?;
    if draft == current.draft {
        return Ok(current);
    }
    let fields = fields_between(&current.draft, &draft);
    let mapping = Mapping { draft, updated_at: tx.now, ..current };
    check(tx, &mapping)?;
    rows::update(tx.conn, &mapping)?;
    tx.changed("course_mapping", id, fields);
    place_waiting(tx, &[format!("course:{}", mapping.draft.code)])?;
    Ok(mapping)
}

/// Takes a mapping away; what was placed by it stays. `guard` is asked with what is there.
///
/// # Errors
/// [`ServiceError::NotFound`], and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, speaker: Speaker, id: Uuid, guard: impl FnOnce(&Mapping) -> ServiceResult<()>) -> ServiceResult<()> {
    lock(tx.conn, Lock::Place)?;
    guard(&get(tx, speaker, id)?)?;
    tx.changed("course_mapping", id, Vec::new());
    Ok(rows::delete(tx.conn, id)?)
}

fn check(tx: &mut Tx<'_>, mapping: &Mapping) -> ServiceResult<()> {
    let draft = &mapping.draft;
    let mut faults: Vec<Fault> = Fault::all(draft.check());
    faults.extend(trainings::unknown(tx, draft.training, "/training")?);
    ServiceError::check(faults)?;
    let held = rows::of_code(tx.conn, mapping.client, &draft.code)?;
    match held.iter().find(|other| other.id != mapping.id && other.draft.overlaps(draft)) {
        None => Ok(()),
        Some(other) => {
            Err(ServiceError::conflict("mapping_overlaps", format!("mapping `{}` gives `{}` a meaning on some of these days", other.id, draft.code)))
        }
    }
}
