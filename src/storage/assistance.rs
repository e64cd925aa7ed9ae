//! What agencies ask the IACP for, and the thread of notes on each request.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

use super::StorageError;
use super::agencies::{self as agency_rows, AgencyBrief};
use super::conn::AnyConn;
use super::error::corrupt;
use super::schema::{assistance_notes as notes, assistance_requests as requests};
use super::types::{At, Id};
use crate::domain::agency::AgencyKey;
use crate::domain::assistance::{AssistanceDraft, AssistanceKind, AssistanceState, Contact};
use crate::domain::library::Topic;
use crate::domain::reach::Reach;
use crate::domain::text::{Email, Name, Note};

/// A request as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRequest {
    /// Its id.
    pub id: Uuid,
    /// Who asks.
    pub agency: AgencyBrief,
    /// What is asked; it names its agency by id.
    pub draft: AssistanceDraft,
    /// Where it stands.
    pub state: AssistanceState,
    /// The agency that staff named to learn from.
    pub peer: Option<AgencyBrief>,
    /// Which client asked.
    pub client: Uuid,
    /// The thread, the first note first.
    pub notes: Vec<ThreadNote>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When the last note was written.
    pub updated_at: Timestamp,
}

/// A note, or a step, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadNote {
    /// What is said.
    pub note: Option<Note>,
    /// Where staff brought the request with it.
    pub state: Option<AssistanceState>,
    /// By which client.
    pub client: Uuid,
    /// When.
    pub written_at: Timestamp,
}

/// Which requests a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssistanceFilter {
    /// Only of this agency.
    pub agency: Option<Uuid>,
    /// Only those that stand there.
    pub state: Option<AssistanceState>,
    /// Only those that ask for this.
    pub kind: Option<AssistanceKind>,
    /// Only those about this.
    pub topic: Option<Topic>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = requests)]
struct Row {
    id: Id,
    agency_id: Id,
    kind: String,
    topic: String,
    question: String,
    contact_name: String,
    contact_email: String,
    state: String,
    peer_agency_id: Option<Id>,
    client_id: Id,
    created_at: At,
    updated_at: At,
}

/// The request with this id, where it is within reach.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, reach: &Reach, id: Uuid) -> Result<Option<HeldRequest>, StorageError> {
    let mut query = requests::table.filter(requests::id.eq(Id(id))).select(Row::as_select()).into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(requests::agency_id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    let row: Option<Row> = query.first(conn).optional()?;
    Ok(held(conn, row.into_iter().collect())?.pop())
}

/// A page of requests within reach, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, reach: &Reach, filter: &AssistanceFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<HeldRequest>, StorageError> {
    let mut query = requests::table.order(requests::id).limit(fetch).select(Row::as_select()).into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(requests::agency_id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(requests::agency_id.eq(Id(agency)));
    }
    if let Some(state) = filter.state {
        query = query.filter(requests::state.eq(state.as_str()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(requests::kind.eq(kind.as_str()));
    }
    if let Some(topic) = &filter.topic {
        query = query.filter(requests::topic.eq(topic.as_str()));
    }
    if let Some(after) = after {
        query = query.filter(requests::id.gt(Id(after)));
    }
    let rows = query.load(conn)?;
    held(conn, rows)
}

/// Adds the names of agencies, and the threads.
fn held(conn: &mut AnyConn, rows: Vec<Row>) -> Result<Vec<HeldRequest>, StorageError> {
    let named = rows.iter().flat_map(|row| [Some(row.agency_id.0), row.peer_agency_id.map(|id| id.0)]).flatten();
    let agencies = agency_rows::briefs(conn, named)?;
    let brief = |id: Id| agencies.get(&id.0).cloned().ok_or_else(|| StorageError::Corrupt("a request for assistance is of no agency".into()));
    let mut threads = threads(conn, rows.iter().map(|row| row.id).collect())?;
    rows.into_iter()
        .map(|row| {
            Ok(HeldRequest {
                id: row.id.0,
                agency: brief(row.agency_id)?,
                draft: AssistanceDraft {
                    agency: AgencyKey::Id(row.agency_id.0),
                    kind: AssistanceKind::parse(&row.kind).map_err(corrupt("assistance_requests.kind"))?,
                    topic: Topic::parse(&row.topic).map_err(corrupt("assistance_requests.topic"))?,
                    question: Note::parse(&row.question).map_err(corrupt("assistance_requests.question"))?,
                    contact: Contact {
                        name: Name::parse(&row.contact_name).map_err(corrupt("assistance_requests.contact_name"))?,
                        email: Email::parse(&row.contact_email).map_err(corrupt("assistance_requests.contact_email"))?,
                    },
                },
                state: AssistanceState::parse(&row.state).map_err(corrupt("assistance_requests.state"))?,
                peer: row.peer_agency_id.map(brief).transpose()?,
                client: row.client_id.0,
                notes: threads.remove(&row.id.0).unwrap_or_default(),
                created_at: row.created_at.0,
                updated_at: row.updated_at.0,
            })
        })
        .collect()
}

fn threads(conn: &mut AnyConn, ids: Vec<Id>) -> Result<HashMap<Uuid, Vec<ThreadNote>>, StorageError> {
    let rows: Vec<(Id, Option<String>, Option<String>, Id, At)> = notes::table
        .filter(notes::request_id.eq_any(ids))
        .order((notes::request_id, notes::position))
        .select((notes::request_id, notes::note, notes::state, notes::client_id, notes::written_at))
        .load(conn)?;
    let mut threads: HashMap<Uuid, Vec<ThreadNote>> = HashMap::new();
    for (request, note, state, client, written_at) in rows {
        threads.entry(request.0).or_default().push(ThreadNote {
            note: note.map(|note| Note::parse(&note)).transpose().map_err(corrupt("assistance_notes.note"))?,
            state: state.map(|state| AssistanceState::parse(&state)).transpose().map_err(corrupt("assistance_notes.state"))?,
            client: client.0,
            written_at: written_at.0,
        });
    }
    Ok(threads)
}

/// Writes a new request of an agency, which is open.
///
/// # Errors
/// Where the database fails.
pub fn insert(conn: &mut AnyConn, id: Uuid, agency: Uuid, draft: &AssistanceDraft, client: Uuid, now: Timestamp) -> Result<(), StorageError> {
    diesel::insert_into(requests::table)
        .values((
            requests::id.eq(Id(id)),
            requests::agency_id.eq(Id(agency)),
            requests::kind.eq(draft.kind.as_str()),
            requests::topic.eq(draft.topic.as_str()),
            requests::question.eq(draft.question.as_str()),
            requests::contact_name.eq(draft.contact.name.as_str()),
            requests::contact_email.eq(draft.contact.email.as_str()),
            requests::state.eq(AssistanceState::Open.as_str()),
            requests::client_id.eq(Id(client)),
            requests::created_at.eq(At(now)),
            requests::updated_at.eq(At(now)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes the last note of a request, and where the request stands with it.
///
/// # Errors
/// Where the database fails.
pub fn note(conn: &mut AnyConn, request: &HeldRequest) -> Result<(), StorageError> {
    let Some(last) = request.notes.last() else { return Ok(()) };
    let position = i32::try_from(request.notes.len()).map_err(|_| StorageError::Other("too many notes".to_owned()))?;
    diesel::update(requests::table.filter(requests::id.eq(Id(request.id))))
        .set((
            requests::state.eq(request.state.as_str()),
            requests::peer_agency_id.eq(request.peer.as_ref().map(|peer| Id(peer.id))),
            requests::updated_at.eq(At(last.written_at)),
        ))
        .execute(conn)?;
    diesel::insert_into(notes::table)
        .values((
            notes::request_id.eq(Id(request.id)),
            notes::position.eq(position),
            notes::note.eq(last.note.as_ref().map(Note::as_str)),
            notes::state.eq(last.state.map(AssistanceState::as_str)),
            notes::client_id.eq(Id(last.client)),
            notes::written_at.eq(At(last.written_at)),
        ))
        .execute(conn)?;
    Ok(())
}
