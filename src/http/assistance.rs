//! `/v1/assistance-requests`

use actix_web::{HttpRequest, get, post};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::agencies::AgencyBriefView;
use super::auth::{Allowed, AssistanceHandle, AssistanceRead, AssistanceWrite};
use super::decode::{Faults, Ref, parsed};
use super::extract::{Body, IdPath, IdempotencyKey, Preconditions, Query};
use super::once::once;
use super::page::{self, Cursor, Limit, Page};
use super::problem::ApiResult;
use super::respond::{self, Answer};
use crate::domain::agency::AgencyKey;
use crate::domain::assistance::{AssistanceDraft, AssistanceKind, AssistanceState, Contact};
use crate::domain::library::Topic;
use crate::domain::text::{Email, Name, Note};
use crate::service::assistance::{self as service, AssistanceQuestion, Transition};
use crate::storage::assistance::{HeldRequest, ThreadNote};

parsed!(AssistanceKind, AssistanceState);

/// A request for assistance as an agency makes it.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = AssistanceRequestInput)]
pub struct RequestInput {
    /// Who asks.
    agency: AgencyKey,
    kind: AssistanceKind,
    topic: Topic,
    /// What is asked.
    question: Note,
    contact: ContactInput,
}

/// Whom to answer.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = AssistanceContact)]
pub struct ContactInput {
    /// Name.
    #[schema(example = "Maria Rivera")]
    name: Name,
    email: Email,
}

/// A note to a request.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = AssistanceNoteInput)]
pub struct NoteInput {
    /// What is said.
    note: Note,
}

/// What staff do with a request.
#[derive(Debug, Clone, Deserr, Serialize, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(as = AssistanceTransition)]
pub struct TransitionInput {
    /// Where the request goes.
    state: AssistanceState,
    /// What they say; needed to answer.
    #[deserr(default)]
    note: Option<Note>,
    /// The agency to learn from.
    #[deserr(default)]
    peer_agency: Option<AgencyKey>,
}

/// A request for assistance as it is held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AssistanceRequest)]
pub struct RequestView {
    id: Uuid,
    agency: AgencyBriefView,
    kind: AssistanceKind,
    topic: Topic,
    question: Note,
    contact: ContactInput,
    state: AssistanceState,
    /// The states that staff may bring it to.
    possible_states: &'static [AssistanceState],
    /// The agency that staff named to learn from.
    #[schema(required)]
    peer_agency: Option<AgencyBriefView>,
    /// Which client asked.
    client: Uuid,
    /// The thread, the first note first.
    notes: Vec<NoteView>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
}

/// A note, or a step, or both.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AssistanceNote)]
struct NoteView {
    #[schema(required)]
    note: Option<Note>,
    /// Where staff brought the request with it.
    #[schema(required)]
    state: Option<AssistanceState>,
    /// Which client wrote it.
    client: Uuid,
    written_at: jiff::Timestamp,
}

#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RequestQuery {
    /// Only of this agency.
    #[deserr(default)]
    #[param(inline)]
    agency: Option<AgencyKey>,
    /// Only those that stand there.
    #[deserr(default)]
    #[param(inline)]
    state: Option<AssistanceState>,
    /// Only those that ask for this.
    #[deserr(default)]
    #[param(inline)]
    kind: Option<AssistanceKind>,
    /// Only those about this.
    #[deserr(default)]
    #[param(inline)]
    topic: Option<Topic>,
    /// How many items a page has.
    #[deserr(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Limit>,
    /// Where the page begins, as the page before gave it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

super::rules::unruled!(RequestInput, NoteInput, TransitionInput);

impl From<RequestInput> for AssistanceDraft {
    fn from(input: RequestInput) -> Self {
        let contact = Contact { name: input.contact.name, email: input.contact.email };
        Self { agency: input.agency, kind: input.kind, topic: input.topic, question: input.question, contact }
    }
}

impl From<&HeldRequest> for RequestView {
    fn from(held: &HeldRequest) -> Self {
        let AssistanceDraft { kind, ref topic, ref question, contact: Contact { ref name, ref email }, .. } = held.draft;
        Self {
            id: held.id,
            agency: AgencyBriefView::from(&held.agency),
            kind,
            topic: topic.clone(),
            question: question.clone(),
            contact: ContactInput { name: name.clone(), email: email.clone() },
            state: held.state,
            possible_states: held.state.possible(),
            peer_agency: held.peer.as_ref().map(AgencyBriefView::from),
            client: held.client,
            notes: held.notes.iter().map(NoteView::from).collect(),
            created_at: held.created_at,
            updated_at: held.updated_at,
        }
    }
}

impl From<&ThreadNote> for NoteView {
    fn from(note: &ThreadNote) -> Self {
        Self { note: note.note.clone(), state: note.state, client: note.client, written_at: note.written_at }
    }
}

/// List requests for assistance
///
/// Those of the agencies within the caller's grants, in the order in which they came.
#[utoipa::path(tag = "assistance", params(RequestQuery), security(("bearer" = ["assistance:read"])),
    responses((status = 200, description = "A page of requests.", body = Page<RequestView>)))]
#[get("/v1/assistance-requests")]
async fn list_assistance_requests(caller: Allowed<AssistanceRead>, request: HttpRequest, query: Query<RequestQuery>) -> ApiResult {
    let RequestQuery { agency, state, kind, topic, limit, cursor } = query.0;
    let asked = page::requested(&request, limit, cursor.as_ref())?;
    let question = AssistanceQuestion { agency, state, kind, topic };
    let found = caller.read(move |tx| service::list(tx, &question, asked)).await?;
    page::respond(&request, found, asked.limit, |held| RequestView::from(&held))
}

/// Ask for assistance
///
/// An agency asks the IACP for technical assistance, or for a peer agency to learn from.
#[utoipa::path(tag = "assistance", request_body = RequestInput, security(("bearer" = ["assistance:write"])),
    responses((status = 201, description = "The request was sent.", body = RequestView)))]
#[post("/v1/assistance-requests")]
async fn create_assistance_request(caller: Allowed<AssistanceWrite>, key: IdempotencyKey, body: Body<RequestInput>) -> ApiResult {
    let draft = AssistanceDraft::from(body.value);
    once(&caller, key, body.fingerprint, move |tx| {
        let held = service::create(tx, &draft)?;
        Answer::created(format!("/v1/assistance-requests/{}", held.id), &RequestView::from(&held))
    })
    .await
}

/// Get a request for assistance
#[utoipa::path(tag = "assistance", params(("id" = Ref, Path)), security(("bearer" = ["assistance:read"])),
    responses((status = 200, description = "The request.", body = RequestView)))]
#[get("/v1/assistance-requests/{id}")]
async fn get_assistance_request(caller: Allowed<AssistanceRead>, path: IdPath, preconditions: Preconditions) -> ApiResult {
    let held = caller.read(move |tx| service::get(tx, path.0)).await?;
    respond::resource(&preconditions, &RequestView::from(&held))
}

/// Write a note to a request for assistance
///
/// Both sides write to one thread, until the request is closed: then 409 `request_closed`.
#[utoipa::path(tag = "assistance", params(("id" = Ref, Path)), request_body = NoteInput, security(("bearer" = ["assistance:write"])),
    responses((status = 200, description = "The note is written.", body = RequestView)))]
#[post("/v1/assistance-requests/{id}/notes")]
async fn add_assistance_note(caller: Allowed<AssistanceWrite>, path: IdPath, key: IdempotencyKey, body: Body<NoteInput>) -> ApiResult {
    let NoteInput { note } = body.value;
    once(&caller, key, body.fingerprint, move |tx| Answer::ok(&RequestView::from(&service::note(tx, path.0, note.clone())?))).await
}

/// Work on a request for assistance
///
/// Staff take it up (`in_progress`), answer it (`answered`, with a note, and a peer agency where one is to be named), and close it (`closed`).
/// Needs a grant for all agencies. A state that can't be reached from where the request stands answers 409 `impossible_step`, and names those that can.
#[utoipa::path(tag = "assistance", params(("id" = Ref, Path)), request_body = TransitionInput, security(("bearer" = ["assistance:handle"])),
    responses((status = 200, description = "The request stands there.", body = RequestView)))]
#[post("/v1/assistance-requests/{id}/transition")]
async fn handle_assistance_request(caller: Allowed<AssistanceHandle>, path: IdPath, key: IdempotencyKey, body: Body<TransitionInput>) -> ApiResult {
    let TransitionInput { state, note, peer_agency } = body.value;
    let transition = Transition { to: state, note, peer: peer_agency };
    once(&caller, key, body.fingerprint, move |tx| Answer::ok(&RequestView::from(&service::transition(tx, path.0, &transition)?))).await
}

/// Every operation of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    config
        .service(list_assistance_requests)
        .service(create_assistance_request)
        .service(get_assistance_request)
        .service(add_assistance_note)
        .service(handle_assistance_request);
}
