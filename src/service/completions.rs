//! Completions once they are pushed: read, taken back, placed by hand.

use uuid::Uuid;

use super::events::{self, Happened};
use super::page::{PageOf, PageRequest};
use super::placement::{Moved, settle};
use super::{Fault, ServiceError, ServiceResult, Tx};
use crate::domain::event::EventType;
use crate::domain::lookup::Lookup;
use crate::domain::matching::OfficerReference;
use crate::domain::placement::Placement;
use crate::domain::reach::Reach;
use crate::domain::text::Note;
use crate::domain::training::TrainingReference;
use crate::storage::completions::{self as rows, Completion, CompletionFilter, Former};
use crate::storage::dialect::{Lock, lock};
use crate::storage::{officers, trainings};

/// A completion that the client pushed, or of an officer within reach. What another client pushed means the officer whom the
/// caller sees; the words by which that client named them may tell of agencies out of reach, and are not shown.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Completion> {
    let completion = rows::find(tx.conn, &tx.reach, tx.client, id)?.ok_or(ServiceError::NotFound)?;
    Ok(shown(tx, completion))
}

/// A completion as the caller sees it.
fn shown(tx: &Tx<'_>, mut completion: Completion) -> Completion {
    if completion.client != tx.client && tx.reach != Reach::All {
        completion.draft.officer = OfficerReference { id: completion.placement.officer, ..OfficerReference::default() };
    }
    completion
}

/// A page of the completions that the client pushed, or of officers within reach.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, filter: &CompletionFilter, page: PageRequest) -> ServiceResult<PageOf<Completion>> {
    let mut filter = filter.clone();
    if let Some(officer) = filter.officer {
        filter.officer = officers::current_ids(tx.conn, &[officer])?.remove(&officer).or(Some(officer));
    }
    let fetched = rows::list(tx.conn, &tx.reach, tx.client, &filter, page.after, page.fetch())?;
    let shown = fetched.into_iter().map(|completion| shown(tx, completion)).collect();
    Ok(page.cut(shown, |completion: &Completion| completion.id))
}

/// A page of an officer's completions.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is no such officer within reach.
pub fn list_of_officer(tx: &mut Tx<'_>, officer: Uuid, page: PageRequest) -> ServiceResult<PageOf<Completion>> {
    let officer = seen(tx, officer)?.ok_or(ServiceError::NotFound)?;
    let filter = CompletionFilter { officer: Some(officer), ..CompletionFilter::default() };
    list(tx, &filter, page)
}

/// The officer within reach whom an id means, which may be that of one who was merged.
fn seen(tx: &mut Tx<'_>, officer: Uuid) -> ServiceResult<Option<Uuid>> {
    Ok(officers::answering(tx.conn, &tx.reach, &[Lookup::Id(officer)])?.pop())
}

/// A completion that the client may change: its own, or any for a client with a grant for all agencies.
fn changeable(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Completion> {
    let completion = get(tx, id)?;
    if completion.client == tx.client || tx.reach == Reach::All {
        return Ok(completion);
    }
    Err(ServiceError::Forbidden("a completion is changed by the client that pushed it, or with a grant for all agencies".into()))
}

/// Takes a completion back: it counts for nothing any more, and its row stays.
///
/// # Errors
/// [`ServiceError::Conflict`] where it was taken back before.
pub fn revoke(tx: &mut Tx<'_>, id: Uuid, reason: &Note) -> ServiceResult<Completion> {
    lock(tx.conn, Lock::Match)?;
    let completion = changeable(tx, id)?;
    if completion.revocation.is_some() {
        return Err(ServiceError::conflict("already_revoked", "the completion was revoked before"));
    }
    rows::revoke(tx.conn, &mut tx.coverage, id, reason.as_str(), tx.now)?;
    tell(tx, EventType::CompletionRevoked, &completion)?;
    get(tx, id)
}

/// Notes that a completion was taken back or holds again, for its client and the agencies at which its officer serves.
fn tell(tx: &mut Tx<'_>, kind: EventType, completion: &Completion) -> ServiceResult<()> {
    tx.changed("completion", completion.id, vec!["revocation".into()]);
    let agencies = match completion.placement.officer {
        None => Vec::new(),
        Some(officer) => events::agencies_of(tx, &[officer])?,
    };
    let heard = agencies.into_iter().map(|(_, agency)| Some(agency));
    let heard: Vec<Option<Uuid>> = if heard.len() == 0 { vec![None] } else { heard.collect() };
    tx.trail.told.extend(heard.into_iter().map(|agency| Happened::to_completion(kind, completion.id, completion.client, agency)));
    Ok(())
}

/// Lets a completion that was taken back hold again, as it stands.
///
/// # Errors
/// [`ServiceError::Conflict`] where it was not taken back.
pub fn reinstate(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Completion> {
    lock(tx.conn, Lock::Match)?;
    let completion = changeable(tx, id)?;
    if completion.revocation.is_none() {
        return Err(ServiceError::conflict("not_revoked", "the completion was not revoked"));
    }
    rows::reinstate(tx.conn, &mut tx.coverage, id, tx.now)?;
    tell(tx, EventType::CompletionReinstated, &completion)?;
    get(tx, id)
}

/// A page of what a completion was before it came with other content, from the first.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn revisions(tx: &mut Tx<'_>, id: Uuid, page: PageRequest) -> ServiceResult<PageOf<Former>> {
    let completion = get(tx, id)?;
    // Counted from 1, a number does for the id that pages go by.
    let after = page.after.map_or(0, |after| u32::try_from(after.as_u128()).unwrap_or(u32::MAX));
    let mut fetched = rows::revisions(tx.conn, id, after, page.fetch())?;
    if completion.client != tx.client && tx.reach != Reach::All {
        for former in &mut fetched {
            former.draft.officer = OfficerReference::default();
        }
    }
    Ok(page.cut(fetched, |former| Uuid::from_u128(former.revision.into())))
}

/// Places a completion by hand. What is not given stays as it is.
///
/// # Errors
/// [`ServiceError::Invalid`] where there is no such officer within reach or no such training, or where neither is given.
pub fn place(tx: &mut Tx<'_>, id: Uuid, officer: Option<Uuid>, training: Option<Uuid>) -> ServiceResult<Completion> {
    lock(tx.conn, Lock::Match)?;
    let completion = changeable(tx, id)?;
    let mut faults = Vec::new();
    if officer.is_none() && training.is_none() {
        faults.push(Fault::new("", "required", "give `officer`, `training` or both"));
    }
    let mut placed = None;
    if let Some(officer) = officer {
        placed = seen(tx, officer)?;
        if placed.is_none() {
            faults.push(Fault::new("/officer/id", "unknown_officer", format!("there is no officer `{officer}`")));
        }
    }
    if let Some(training) = training {
        let catalogue = trainings::resolve(tx.conn, completion.client, &[], &[training])?;
        if catalogue.find(&TrainingReference::Id(training), completion.draft.completed.date).is_none() {
            faults.push(Fault::new("/training/id", "unknown_training", format!("there is no training `{training}`")));
        }
    }
    ServiceError::check(faults)?;
    let placement = Placement { officer: placed, training, reason: None }.or(completion.placement);
    let given = [("officer", placed.is_some()), ("training", training.is_some())];
    let kind = if placement.reason.is_none() { EventType::CompletionPlaced } else { EventType::CompletionParked };
    tx.trail.told.push(Happened::to_completion(kind, id, completion.client, None));
    tx.changed("completion", id, given.iter().filter(|(_, given)| *given).map(|(name, _)| (*name).to_owned()).collect());
    settle(tx, &[Moved { id, placement, by_hand: true, draft: &completion.draft }])?;
    get(tx, id)
}
