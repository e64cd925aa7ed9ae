//! Pledges: made, changed, extended, withdrawn, listed, and deleted where they were recorded in error. An agency has one running at a time.

use jiff::civil::Date;
use uuid::Uuid;

use super::audit::{fields_between, fields_of};
use super::evidence::gather;
use super::page::{PageOf, PageRequest};
use super::{Fault, ServiceError, ServiceResult, Tx, agencies, evidence, standards};
use crate::domain::agency::AgencyKey;
use crate::domain::pledge::{Pledge, PledgeDraft, PledgeState, check_extension};
use crate::domain::text::{Code, Note};
use crate::storage::dialect::lock_agency;
use crate::storage::pledges::{self as rows, Extension, HeldPledge, PledgeFilter, Withdrawal, facts};
use crate::storage::{Constraint, certifications};

/// Which pledges a list holds.
#[derive(Debug, Clone, Default)]
pub struct PledgeQuestion {
    /// Only of this agency.
    pub agency: Option<AgencyKey>,
    /// Only to the standard of this code.
    pub standard: Option<Code>,
    /// Only those that run on this day.
    pub running_on: Option<Date>,
    /// Only those that stand so today.
    pub state: Option<PledgeState>,
}

/// A page of pledges.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, question: &PledgeQuestion, page: PageRequest) -> ServiceResult<PageOf<HeldPledge>> {
    let agency = match &question.agency {
        None => None,
        Some(key) => match agencies::find(tx, key)? {
            Some(agency) => Some(agency.id),
            None => return Ok(PageOf { items: Vec::new(), next: None }),
        },
    };
    let state = question.state.map(|state| (state, tx.today()));
    let filter = PledgeFilter { agency, standard: question.standard.clone(), running_on: question.running_on, state };
    let fetched = rows::list(tx.conn, &tx.reach, &filter, page.after, page.fetch())?;
    Ok(page.cut(fetched, |pledge| pledge.id))
}

/// The pledge with this id.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach.
pub fn get(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<HeldPledge> {
    rows::by_id(tx.conn, &tx.reach, id)?.ok_or(ServiceError::NotFound)
}

/// Records a pledge, past, present or to come.
///
/// # Errors
/// [`ServiceError::Invalid`]; [`ServiceError::Conflict`] where another pledge of the agency runs on a day of it.
pub fn create(tx: &mut Tx<'_>, draft: &PledgeDraft) -> ServiceResult<HeldPledge> {
    let mut faults = Vec::new();
    gather(&mut faults, standards::named(tx, &draft.standard, "/standard"))?;
    let agency = evidence::owner(tx, &draft.agency, faults)?;
    lock_agency(tx.conn, agency)?;
    let id = tx.new_id();
    alone(tx, agency, &facts(id, draft, None, None))?;
    rows::insert(tx.conn, id, agency, draft, tx.now).map_err(no_such_standard(draft))?;
    tx.changed("pledge", id, fields_of(draft));
    get(tx, id)
}

/// Changes a pledge to what `edit` makes of it.
///
/// # Errors
/// As [`create`], [`ServiceError::NotFound`], and what `edit` says.
pub fn change(tx: &mut Tx<'_>, id: Uuid, edit: impl FnOnce(&HeldPledge) -> ServiceResult<PledgeDraft>) -> ServiceResult<HeldPledge> {
    let current = for_change(tx, id)?;
    let draft = edit(&current)?;
    let mut faults = Vec::new();
    gather(&mut faults, standards::named(tx, &draft.standard, "/standard"))?;
    let withdrawn_on = current.withdrawal.as_ref().map(|withdrawal| withdrawal.withdrawn_on);
    if withdrawn_on.is_some_and(|withdrawn| withdrawn < draft.pledged_on) {
        faults.push(Fault::new("/pledged_on", "after_withdrawal", "must not be after the day on which the pledge was withdrawn"));
    }
    evidence::same_owner(tx, &draft.agency, current.agency.id, faults)?;
    let draft = PledgeDraft { agency: current.draft.agency.clone(), ..draft };
    if draft == current.draft {
        return Ok(current);
    }
    if !current.extensions.is_empty() && (draft.pledged_on, draft.term_months) != (current.draft.pledged_on, current.draft.term_months) {
        return Err(ServiceError::conflict("pledge_extended", "the pledge was extended: its day and its term stay as they are"));
    }
    let terms = |draft: &PledgeDraft| (draft.standard.clone(), draft.pledged_on, draft.term_months);
    if terms(&draft) != terms(&current.draft) && was_awarded(tx, &current)? {
        return Err(ServiceError::conflict(
            "pledge_certified",
            "a certificate was awarded on the pledge: its standard, day and term stay as they are",
        ));
    }
    let fields = fields_between(&current.draft, &draft);
    let changed = HeldPledge { draft, updated_at: tx.now, ..current };
    alone(tx, changed.agency.id, &changed.facts())?;
    rows::update(tx.conn, &changed).map_err(no_such_standard(&changed.draft))?;
    tx.changed("pledge", id, fields);
    Ok(changed)
}

/// Moves the last day of a pledge, whether it is over or not.
///
/// # Errors
/// [`ServiceError::NotFound`]; conflicts: `already_withdrawn`, and `pledge_running` where another pledge of the agency runs on a day
/// of the longer one; faults of the day.
pub fn extend(tx: &mut Tx<'_>, id: Uuid, to: Date, reason: &Note) -> ServiceResult<HeldPledge> {
    let mut current = for_change(tx, id)?;
    tx.needs_all_agencies("who extends pledges does so for all agencies: it needs a grant for all of them")?;
    refuse_withdrawn(&current)?;
    let former_due_on = current.facts().due_on();
    check_extension(former_due_on, to).map_err(|invalid| ServiceError::Invalid(vec![Fault::at("/due_on", invalid)]))?;
    let extension = Extension { id: tx.new_id(), former_due_on, due_on: to, reason: reason.clone(), client: tx.client, extended_at: tx.now };
    current.extensions.push(extension.clone());
    alone(tx, current.agency.id, &current.facts())?;
    rows::extend(tx.conn, id, &extension)?;
    tx.changed("pledge", id, vec!["due_on".into(), "reason".into()]);
    Ok(HeldPledge { updated_at: tx.now, ..current })
}

/// Withdraws a pledge.
///
/// # Errors
/// [`ServiceError::NotFound`]; [`ServiceError::Conflict`] where it is withdrawn already; [`ServiceError::Invalid`] where that
/// would be before it was made.
pub fn withdraw(tx: &mut Tx<'_>, id: Uuid, withdrawal: &Withdrawal) -> ServiceResult<HeldPledge> {
    let current = for_change(tx, id)?;
    refuse_withdrawn(&current)?;
    if withdrawal.withdrawn_on < current.draft.pledged_on {
        let detail = format!("must not be before the day of the pledge, {}", current.draft.pledged_on);
        return Err(ServiceError::invalid("/withdrawn_on", "before_pledge", detail));
    }
    rows::withdraw(tx.conn, id, withdrawal, tx.now)?;
    tx.changed("pledge", id, vec!["withdrawn_on".into(), "reason".into()]);
    Ok(HeldPledge { withdrawal: Some(withdrawal.clone()), updated_at: tx.now, ..current })
}

/// Takes out a pledge that was recorded in error, unless `guard` refuses.
///
/// # Errors
/// [`ServiceError::NotFound`], and what `guard` says.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, guard: impl FnOnce(&HeldPledge) -> ServiceResult<()>) -> ServiceResult<()> {
    guard(&for_change(tx, id)?)?;
    tx.changed("pledge", id, Vec::new());
    let applied = "an application for certification is on the pledge: withdraw it instead";
    rows::delete(tx.conn, id).map_err(ServiceError::on(Constraint::Reference, ServiceError::conflict("pledge_applied_on", applied)))
}

/// The pledge as it stays until the transaction ends, like every other of its agency.
fn for_change(tx: &mut Tx<'_>, id: Uuid) -> ServiceResult<HeldPledge> {
    let agency = get(tx, id)?.agency.id;
    tx.of_agency(agency);
    lock_agency(tx.conn, agency)?;
    get(tx, id)
}

/// Whether a certificate was awarded on a pledge, whatever became of it.
fn was_awarded(tx: &mut Tx<'_>, pledge: &HeldPledge) -> ServiceResult<bool> {
    let all = certifications::of_agency(tx.conn, pledge.agency.id)?;
    Ok(all.iter().any(|(on, certification)| *on == pledge.id && certification.award_of().is_some()))
}

fn refuse_withdrawn(pledge: &HeldPledge) -> ServiceResult<()> {
    match &pledge.withdrawal {
        None => Ok(()),
        Some(before) => Err(ServiceError::conflict("already_withdrawn", format!("the pledge was withdrawn on {}", before.withdrawn_on))),
    }
}

/// `Ok` where no other pledge of the agency, which is locked, runs on a day of this one.
fn alone(tx: &mut Tx<'_>, agency: Uuid, pledge: &Pledge) -> ServiceResult<()> {
    let others = rows::of_agency(tx.conn, &tx.reach, agency)?;
    match others.iter().find(|other| other.id != pledge.id && other.runs_beside(pledge)) {
        None => Ok(()),
        Some(other) => {
            let until = other.withdrawn_on.map_or_else(|| format!("to {}", other.due_on()), |day| format!("until it was withdrawn on {day}"));
            let detail = format!("the agency's pledge {} runs from {} {until}, and an agency has one at a time", other.id, other.pledged_on);
            Err(ServiceError::conflict("pledge_running", detail))
        }
    }
}

/// The standard was taken out since it was looked up.
fn no_such_standard(draft: &PledgeDraft) -> impl FnOnce(crate::storage::StorageError) -> ServiceError + use<> {
    ServiceError::on(Constraint::Reference, standards::unknown(&draft.standard, "/standard"))
}
