//! Certification: applied for by an agency that meets its requirements, reviewed and decided by staff who are somebody else.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;
use uuid::Uuid;

use super::events::Happened;
use super::evidence::owner;
use super::page::{PageOf, PageRequest};
use super::status::Statuses;
use super::{Fault, ServiceError, ServiceResult, Tx, agencies};
use crate::domain::agency::AgencyKey;
use crate::domain::certification::{Awarded, CertificateNumber, Certification, CertificationState, Decision, Impossible, Step};
use crate::domain::event::EventType;
use crate::domain::evidence::Document;
use crate::domain::frozen::{Frozen, FrozenAgency, FrozenDocument, FrozenPartnership, FrozenPolicy, FrozenSignatory, FrozenStationery, shortfalls};
use crate::domain::pledge::{Signatory, in_question};
use crate::domain::text::Note;
use crate::storage::certifications::{self as rows, CertificationFilter, HeldCertification, TakenStep};
use crate::storage::dialect::lock_agency;
use crate::storage::evidence::EvidenceFilter;
use crate::storage::{AnyConn, partnerships, pledges, policies};

/// A page of applications.
///
/// # Errors
/// Where the database fails.
pub fn list(
    tx: &mut Tx<'_>,
    agency: Option<&AgencyKey>,
    state: Option<CertificationState>,
    page: PageRequest,
) -> ServiceResult<PageOf<HeldCertification>> {
    let agency = match agency {
        None => None,
        Some(key) => match agencies::find(tx, key)? {
            Some(agency) => Some(agency.id),
            None => return Ok(PageOf { items: Vec::new(), next: None }),
        },
    };
    let fetched = rows::list(tx.conn, &tx.reach, CertificationFilter { agency, state }, page.after, page.fetch())?;
    Ok(page.cut(fetched, |held| held.id))
}

/// The application with this id.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<HeldCertification> {
    rows::by_id(tx.conn, &tx.reach, id)?.ok_or(ServiceError::NotFound)
}

/// What was given to an agency.
#[derive(Debug, Clone)]
pub struct Given {
    /// The application.
    pub id: Uuid,
    /// The award.
    pub awarded: Awarded,
    /// When it was awarded.
    pub awarded_at: Timestamp,
    /// How the agency stood then, and what it was called.
    pub frozen: Frozen,
    /// The first day on which it no longer holds.
    pub revoked_on: Option<Date>,
}

/// What was awarded on an application, whether it holds or was revoked.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach; a conflict, `not_awarded`.
pub fn given(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<Given> {
    let held = get(tx, id)?;
    tx.of_agency(held.agency.id);
    let award = held.steps.into_iter().rev().find(|step| step.step == Step::Award);
    let (Some(awarded), Some(TakenStep { evaluation: Some(frozen), taken_at, .. })) = (held.certification.award_of(), award) else {
        let state = held.certification.state();
        return Err(ServiceError::conflict("not_awarded", format!("the application is {state}: nothing was awarded on it")));
    };
    let revoked_on = held.certification.ended_on();
    Ok(Given { id, awarded: *awarded, awarded_at: taken_at, frozen, revoked_on })
}

/// The certificates of a year that were revoked.
///
/// # Errors
/// [`ServiceError::NotFound`] for a year in which nothing was awarded.
pub fn revoked_of(conn: &mut AnyConn, year: i16) -> ServiceResult<Vec<CertificateNumber>> {
    rows::revoked_of(conn, year)?.ok_or(ServiceError::NotFound)
}

/// Applies for the agency, on the pledge that is in question today.
///
/// # Errors
/// Faults where there is no such agency within reach; conflicts: `no_pledge`, `application_open`, `already_certified`, and
/// `requirement_not_met` for each thing that is short.
pub fn apply(tx: &mut Tx<'_>, statuses: &Statuses, key: &AgencyKey, note: Option<Note>) -> ServiceResult<HeldCertification> {
    let agency = owner(tx, key, Vec::new())?;
    lock_agency(tx.conn, agency)?;
    let today = tx.today();
    let frozen = evaluate(tx, statuses, agency, today)?;
    let refused = |code, detail: &str| Err(ServiceError::conflict(code, detail));
    for (pledge, former) in rows::of_agency(tx.conn, agency)? {
        if former.state().is_open() {
            return refused("application_open", "an application of the agency is still to be decided");
        }
        if pledge == frozen.pledge.id && former.state() == CertificationState::Awarded {
            return refused("already_certified", "the agency is certified on its pledge");
        }
    }
    refuse_short(&frozen)?;
    let (id, pledge) = (tx.new_id(), frozen.pledge.id);
    rows::insert(tx.conn, id, agency, pledge, &Certification::apply(today), &taken(tx, Step::Apply, note, Some(frozen)))?;
    tx.changed("certification", id, vec!["agency".into()]);
    tx.of_agency(agency);
    let held = get(tx, id)?;
    tell(tx, Step::Apply, &held);
    Ok(held)
}

/// Answers what staff asked, for the agency.
///
/// # Errors
/// [`ServiceError::NotFound`]; `impossible_step` where it was not returned, `requirement_not_met` for what is short.
pub fn resubmit(tx: &mut Tx<'_>, statuses: &Statuses, id: Uuid, note: Note) -> ServiceResult<HeldCertification> {
    let held = for_change(tx, id)?;
    let certification = held.certification.resubmit().map_err(impossible)?;
    let frozen = evaluate(tx, statuses, held.agency.id, tx.today())?;
    refuse_short(&frozen)?;
    go_on(tx, held, certification, Step::Resubmit, Some(note), Some(frozen))
}

/// Decides on an application. An award keeps who issues and signs it by now.
///
/// # Errors
/// [`ServiceError::NotFound`]; [`ServiceError::Forbidden`] for the client that applied, and without a grant for all agencies; `impossible_step`, which names those that are
/// possible; a fault where the decision needs a note; `requirement_not_met` for what is short of an award.
pub fn decide(
    tx: &mut Tx<'_>,
    statuses: &Statuses,
    stationery: &FrozenStationery,
    id: Uuid,
    decision: Decision,
    note: Option<Note>,
) -> ServiceResult<HeldCertification> {
    let held = for_change(tx, id)?;
    tx.needs_all_agencies("who decides on applications does so for all agencies: it needs a grant for all of them")?;
    let own = |step: &TakenStep| step.client == tx.client && matches!(step.step, Step::Apply | Step::Resubmit);
    if held.steps.iter().any(own) {
        return Err(ServiceError::Forbidden("the client that applied for an agency does not decide on the application".into()));
    }
    let step = Step::from(decision);
    held.certification.check(step).map_err(impossible)?;
    if step.needs_note() && note.is_none() {
        return Err(ServiceError::invalid("/note", "required", format!("`note` is required to {step}: it says why, or what is asked")));
    }
    let today = tx.today();
    let mut frozen = None;
    let certification = match decision {
        Decision::StartReview => held.certification.start_review(),
        Decision::Return => held.certification.send_back(),
        Decision::Decline => held.certification.decline(today),
        Decision::Revoke => held.certification.revoke(today),
        Decision::Award => {
            let evaluation = evaluate(tx, statuses, held.agency.id, today)?;
            refuse_short(&evaluation)?;
            frozen = Some(Frozen { stationery: Some(stationery.clone()), ..evaluation });
            held.certification.award(today, rows::next_number(tx.conn, today.year())?)
        }
    };
    go_on(tx, held, certification.map_err(impossible)?, step, note, frozen)
}

/// The application as it stays until the transaction ends, like the evidence and pledges of its agency.
fn for_change(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<HeldCertification> {
    let agency = get(tx, id)?.agency.id;
    tx.of_agency(agency);
    lock_agency(tx.conn, agency)?;
    get(tx, id)
}

fn go_on(
    tx: &mut Tx<'_>,
    mut held: HeldCertification,
    certification: Certification,
    step: Step,
    note: Option<Note>,
    evaluation: Option<Frozen>,
) -> ServiceResult<HeldCertification> {
    let taken = taken(tx, step, note, evaluation);
    rows::update(tx.conn, held.id, &certification, held.steps.len() + 1, &taken)?;
    tx.changed("certification", held.id, vec!["state".into()]);
    tx.of_agency(held.agency.id);
    held.steps.push(taken);
    let held = HeldCertification { certification, updated_at: tx.now, ..held };
    tell(tx, step, &held);
    Ok(held)
}

/// Notes, for others, that a step was taken.
fn tell(tx: &mut Tx<'_>, step: Step, held: &HeldCertification) {
    let kind = match step {
        Step::Apply => EventType::CertificationApplied,
        Step::StartReview => EventType::CertificationInReview,
        Step::Return => EventType::CertificationReturned,
        Step::Resubmit => EventType::CertificationResubmitted,
        Step::Award => EventType::CertificationAwarded,
        Step::Decline => EventType::CertificationDeclined,
        Step::Revoke => EventType::CertificationRevoked,
    };
    let number = held.certification.award_of().map(|awarded| awarded.number.to_string());
    let data = json!({"certification": held.id, "pledge": held.pledge, "state": held.certification.state(), "number": number});
    tx.trail.told.push(Happened::at(kind, held.agency.id, data));
}

fn taken(tx: &Tx<'_>, step: Step, note: Option<Note>, evaluation: Option<Frozen>) -> TakenStep {
    TakenStep { step, note, client: tx.client, evaluation, taken_at: tx.now }
}

fn impossible(impossible: Impossible) -> ServiceError {
    ServiceError::conflict("impossible_step", impossible.to_string())
}

/// How an agency, which is locked, stands on a day: the numbers, the rules, and the evidence with its digests.
fn evaluate(tx: &mut Tx<'_>, statuses: &Statuses, agency: Uuid, on: Date) -> ServiceResult<Frozen> {
    let known = statuses.timelines.of_one(tx.conn, agency)?;
    let pledge = in_question(&known.known.facts.pledges, on).filter(|pledge| !pledge.withdrawn_by(on));
    let status = known.status(on);
    let (Some(pledge), Some(view)) = (pledge, status.pledge) else {
        return Err(ServiceError::conflict("no_pledge", "the agency has made no pledge by today that it has not withdrawn"));
    };
    let signed = pledges::by_id(tx.conn, &tx.reach, view.id)?.ok_or(ServiceError::NotFound)?;
    let in_force = EvidenceFilter { agency: Some(agency), in_force_on: Some(on) };
    let partnerships = partnerships::list(tx.conn, &tx.reach, &in_force, None, i64::MAX)?;
    let policies = policies::list(tx.conn, &tx.reach, &in_force, None, i64::MAX)?;
    let document =
        |document: Option<Document>| document.map(|Document { url, sha256 }| FrozenDocument { url: url.into_string(), sha256: sha256.into_string() });
    let Signatory { name, title } = signed.draft.signatory;
    Ok(Frozen {
        agency: FrozenAgency { id: signed.agency.id, ori: signed.agency.ori, name: signed.agency.name },
        signatory: FrozenSignatory { name: name.into_string(), title: title.into_string() },
        standard: known.standards().of(Some(pledge)).clone(),
        pledge: view,
        evaluation: status.evaluation,
        partnerships: partnerships
            .into_iter()
            .map(|one| FrozenPartnership {
                id: one.id,
                organization: one.draft.organization.name.into_string(),
                agreement: one.draft.agreement.as_str().to_owned(),
                effective_on: one.draft.effective_on,
                ends_on: one.draft.ends_on,
                document: document(one.draft.document),
            })
            .collect(),
        policies: policies
            .into_iter()
            .map(|one| FrozenPolicy {
                id: one.id,
                title: one.draft.title.into_string(),
                adopted_on: one.draft.adopted_on,
                ends_on: one.draft.ends_on,
                document: document(one.draft.document),
            })
            .collect(),
        stationery: None,
    })
}

fn refuse_short(frozen: &Frozen) -> ServiceResult<()> {
    let short = shortfalls(&frozen.evaluation);
    if short.is_empty() {
        return Ok(());
    }
    Err(ServiceError::Conflicts(short.into_iter().map(|(place, detail)| Fault::new(place, "requirement_not_met", detail)).collect()))
}
