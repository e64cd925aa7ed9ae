//! An agency's whole roster: put at once, matched one to one to whom the registry holds (rule 7).

mod diff;
mod held;

use jiff::ToSpan as _;
use jiff::civil::Date;
use uuid::Uuid;

use super::page::{PageOf, PageRequest};
use super::{Fault, ServiceError, ServiceResult, Tx, agencies, officers};
use crate::domain::agency::AgencyKey;
use crate::domain::roster::{RosterEntry, RosterMode, plan};
use crate::domain::text::Name;
use crate::storage::dialect::{Lock, lock};
use crate::storage::officers::{Officer, OfficerFilter};
use crate::storage::roster_marks;

/// How many days ahead a roster may be true: one that is further ahead would make every other before it an older one.
const DAYS_AHEAD: i32 = 31;

/// A roster as it is put.
#[derive(Debug, Clone)]
pub struct Roster {
    /// The day on which it is true.
    pub as_of: Date,
    /// Everybody who serves at the agency.
    pub entries: Vec<RosterEntry>,
    /// Answer what would change, and change nothing.
    pub dry_run: bool,
    /// End more than half of the agency, if it must be.
    pub allow_shrink: bool,
    /// Whether those who are left out end, or stay as they are.
    pub mode: RosterMode,
    /// Take it although a later one was taken before.
    pub allow_older: bool,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The officer is new to the caller.
    Created,
    /// The officer or the appointment was changed.
    Updated,
    /// All was so already.
    Unchanged,
    /// It can't be told who it is, and nothing was changed on its account.
    Rejected,
}

/// An entry and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryResult {
    /// What became of it.
    pub outcome: Outcome,
    /// Who it is; absent where it is rejected, and in a dry run where it is new.
    pub officer: Option<Uuid>,
    /// The fields that changed.
    pub changes: Vec<&'static str>,
    /// Why it was rejected.
    pub problem: Option<Fault>,
}

/// Somebody whom the roster leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Who.
    pub officer: Uuid,
    /// The appointment that was given an end.
    pub appointment: Uuid,
    /// Family name.
    pub family_name: Name,
    /// Given name.
    pub given_name: Name,
}

/// What a roster changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// One for each entry, in the order of the roster.
    pub results: Vec<EntryResult>,
    /// Who was left out.
    pub ended: Vec<Ended>,
    /// How many current appointments it ends, by leaving them out or by saying so.
    pub ends: usize,
    /// Whether it ends more than half of the agency.
    pub shrinks: bool,
}

/// The faults of an entry, under its place in the roster.
pub fn faults_of(index: usize, entry: &RosterEntry) -> Vec<Fault> {
    entry.check().into_iter().map(|(pointer, invalid)| Fault::at(format!("/officers/{index}{pointer}"), invalid)).collect()
}

/// Puts the whole roster of an agency: who is new is appointed, who is held is brought up to date, who is left out gets an end.
/// Nobody is ended who may be meant by an entry of which it can't be told who it is.
///
/// Of changes alone, those who are left out stay as they are.
///
/// # Errors
/// [`ServiceError::NotFound`]; the faults of all entries, with nothing changed; `roster_shrinks` where more than half of the
/// agency would be ended and that isn't allowed; `roster_outdated` where a later one was taken before and that isn't overruled.
pub fn put(tx: &mut Tx<'_>, key: &AgencyKey, roster: &Roster) -> ServiceResult<Report> {
    if !roster.dry_run {
        lock(tx.conn, Lock::Place)?;
    }
    let agency = agencies::get(tx, key)?.id;
    ServiceError::check(roster.entries.iter().enumerate().flat_map(|(index, entry)| faults_of(index, entry)).collect())?;
    check_day(tx, agency, roster)?;
    let held = held::load(tx, agency, roster)?;
    let plan = plan(&roster.entries, &held.members);
    let (changes, report) = diff::between(tx, agency, roster, &held, &plan)?;
    if roster.dry_run {
        return Ok(report);
    }
    if report.shrinks && !roster.allow_shrink {
        let detail = format!("the roster would end {} of {} current appointments; allow_shrink=true lets it", report.ends, held.current());
        return Err(ServiceError::conflict("roster_shrinks", detail));
    }
    changes.write(tx)?;
    note_day(tx, agency, roster)?;
    tell(tx, agency, &report);
    Ok(report)
}

/// Refuses a roster of a day that is too far ahead, or before that of one that was taken already.
fn check_day(tx: &mut Tx<'_>, agency: Uuid, roster: &Roster) -> ServiceResult<()> {
    let last = tx.today().saturating_add(DAYS_AHEAD.days());
    if roster.as_of > last {
        let detail = format!("must be at most {DAYS_AHEAD} days ahead, and so no later than {last}");
        return Err(ServiceError::invalid("/as_of", "too_far_ahead", detail));
    }
    match roster_marks::latest(tx.conn, agency)? {
        Some(latest) if roster.as_of < latest && !roster.allow_older => {
            let detail =
                format!("a roster of {latest} was taken already, and this one is of {}; allow_older=true lets it undo that one", roster.as_of);
            Err(ServiceError::conflict("roster_outdated", detail))
        }
        _ => Ok(()),
    }
}

/// Remembers of which day the roster is. A whole one stands in the place of all before it, whatever their days: that one was insisted on.
fn note_day(tx: &mut Tx<'_>, agency: Uuid, roster: &Roster) -> ServiceResult<()> {
    let both = [RosterMode::Full.as_str(), RosterMode::Delta.as_str()];
    let mode = roster.mode.as_str();
    roster_marks::forget(tx.conn, agency, if roster.mode == RosterMode::Full { &both } else { &both[1..] })?;
    Ok(roster_marks::note(tx.conn, agency, mode, roster.as_of, tx.client, tx.now)?)
}

/// Tells the audit log whom a roster brought, changed and left out.
fn tell(tx: &mut Tx<'_>, agency: Uuid, report: &Report) {
    let of = |outcome: Outcome| report.results.iter().filter(move |result| result.outcome == outcome);
    for (word, outcome) in [("created", Outcome::Created), ("updated", Outcome::Updated)] {
        tx.changed_many(word, of(outcome).filter_map(|result| result.officer).collect());
    }
    tx.changed_many("ended", report.ended.iter().map(|ended| ended.officer).collect());
    tx.left_many("unchanged", of(Outcome::Unchanged).count());
    tx.left_many("rejected", of(Outcome::Rejected).count());
    tx.trail.resource = Some(("agency", agency.to_string()));
}

/// A page of the officers whom an agency has in force on a day, each with the appointment of that day.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is no such agency within reach.
pub fn list(tx: &mut Tx<'_>, key: &AgencyKey, as_of: Option<Date>, page: PageRequest) -> ServiceResult<PageOf<Officer>> {
    let agency = agencies::get(tx, key)?;
    let day = as_of.unwrap_or_else(|| tx.today());
    let filter = OfficerFilter { agency: Some(agency.id), in_force: Some(day), ..OfficerFilter::default() };
    Ok(officers::list(tx, &filter, page)?.map(|mut officer| {
        officer.appointments.retain(|appointment| appointment.agency == agency.id && appointment.covers(day));
        officer
    }))
}
