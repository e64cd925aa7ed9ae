//! Assistance: asked for by agencies, worked on and answered by staff, talked over by both.

use uuid::Uuid;

use super::audit::fields_of;
use super::evidence::owner;
use super::page::{PageOf, PageRequest};
use super::{ServiceError, ServiceResult, Tx, agencies};
use crate::domain::agency::AgencyKey;
use crate::domain::assistance::{AssistanceDraft, AssistanceKind, AssistanceState};
use crate::domain::library::Topic;
use crate::domain::text::Note;
use crate::storage::agencies::AgencyBrief;
use crate::storage::assistance::{self as rows, AssistanceFilter, HeldRequest, ThreadNote};
use crate::storage::dialect::lock_agency;

/// How many notes a thread has at the most.
pub const MAX_NOTES: usize = 500;

/// Which requests a list holds.
#[derive(Debug, Clone, Default)]
pub struct AssistanceQuestion {
    /// Only of this agency.
    pub agency: Option<AgencyKey>,
    /// Only those that stand there.
    pub state: Option<AssistanceState>,
    /// Only those that ask for this.
    pub kind: Option<AssistanceKind>,
    /// Only those about this.
    pub topic: Option<Topic>,
}

/// What staff do with a request.
#[derive(Debug, Clone)]
pub struct Transition {
    /// Where it goes.
    pub to: AssistanceState,
    /// What they say; an answer needs it.
    pub note: Option<Note>,
    /// The agency to learn from.
    pub peer: Option<AgencyKey>,
}

/// A page of requests.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, question: &AssistanceQuestion, page: PageRequest) -> ServiceResult<PageOf<HeldRequest>> {
    let agency = match &question.agency {
        None => None,
        Some(key) => match agencies::find(tx, key)? {
            Some(agency) => Some(agency.id),
            None => return Ok(PageOf { items: Vec::new(), next: None }),
        },
    };
    let filter = AssistanceFilter { agency, state: question.state, kind: question.kind, topic: question.topic.clone() };
    let fetched = rows::list(tx.conn, &tx.reach, &filter, page.after, page.fetch())?;
    Ok(page.cut(fetched, |request| request.id))
}

/// The request with this id.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<HeldRequest> {
    rows::by_id(tx.conn, &tx.reach, id)?.ok_or(ServiceError::NotFound)
}

/// Asks for an agency.
///
/// # Errors
/// Faults where there is no such agency within reach.
pub fn create(tx: &mut Tx<'_>, draft: &AssistanceDraft) -> ServiceResult<HeldRequest> {
    let agency = owner(tx, &draft.agency, Vec::new())?;
    let id = tx.new_id();
    rows::insert(tx.conn, id, agency, draft, tx.client, tx.now)?;
    tx.changed("assistance_request", id, fields_of(draft));
    tx.of_agency(agency);
    get(tx, id)
}

/// Writes a note to a request, for either side.
///
/// # Errors
/// [`ServiceError::NotFound`]; conflicts: `request_closed`, `thread_full`.
pub fn note(tx: &mut Tx<'_>, id: Uuid, note: Note) -> ServiceResult<HeldRequest> {
    let held = for_change(tx, id)?;
    if held.state == AssistanceState::Closed {
        return Err(ServiceError::conflict("request_closed", "the request is closed: ask anew"));
    }
    go_on(tx, held, Some(note), None)
}

/// Brings a request to another state, for staff.
///
/// # Errors
/// [`ServiceError::Forbidden`] without a grant for all agencies; [`ServiceError::NotFound`]; a fault of an answer without a note, of a peer
/// that is unknown or the agency itself; conflicts: `impossible_step`, which names the states that are possible, `thread_full`.
pub fn transition(tx: &mut Tx<'_>, id: Uuid, transition: &Transition) -> ServiceResult<HeldRequest> {
    // First whether it is there: to whom it is out of reach, it is not.
    let mut held = for_change(tx, id)?;
    tx.needs_all_agencies("requests for assistance are handled with a grant for all agencies")?;
    let mut faults = Vec::new();
    if transition.to == AssistanceState::Answered && transition.note.is_none() {
        faults.push(super::Fault::new("/note", "required", "`note` is required to answer: it is the answer"));
    }
    let peer = match &transition.peer {
        None => None,
        Some(key) => super::evidence::gather(&mut faults, agencies::named(tx, key, "/peer_agency"))?,
    };
    if peer.as_ref().is_some_and(|peer| peer.id == held.agency.id) {
        faults.push(super::Fault::new("/peer_agency", "same_agency", "must be another agency than the one that asks"));
    }
    ServiceError::check(faults)?;
    held.state = held.state.go(transition.to).map_err(|impossible| ServiceError::conflict("impossible_step", impossible.to_string()))?;
    if let Some(peer) = peer {
        held.peer = Some(AgencyBrief { id: peer.id, ori: peer.draft.ori.map(|ori| ori.as_str().to_owned()), name: peer.draft.name.into_string() });
    }
    go_on(tx, held, transition.note.clone(), Some(transition.to))
}

/// The request as it stays until the transaction ends, like everything of its agency.
fn for_change(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<HeldRequest> {
    let agency = get(tx, id)?.agency.id;
    tx.of_agency(agency);
    lock_agency(tx.conn, agency)?;
    get(tx, id)
}

fn go_on(tx: &mut Tx<'_>, mut held: HeldRequest, note: Option<Note>, state: Option<AssistanceState>) -> ServiceResult<HeldRequest> {
    if held.notes.len() >= MAX_NOTES {
        return Err(ServiceError::conflict("thread_full", format!("a request has at most {MAX_NOTES} notes: ask anew")));
    }
    let fields = [state.map(|_| "state".to_owned()), note.as_ref().map(|_| "notes".to_owned())];
    held.notes.push(ThreadNote { note, state, client: tx.client, written_at: tx.now });
    held.updated_at = tx.now;
    rows::note(tx.conn, &held)?;
    tx.changed("assistance_request", held.id, fields.into_iter().flatten().collect());
    Ok(held)
}
