//! Where agencies stand on a day: the timeline gives the numbers, the domain judges.

use std::sync::Arc;

use jiff::civil::Date;

use super::page::{PageOf, PageRequest};
use super::standings::Standings;
use super::timelines::{Known, Timelines};
use super::{ServiceError, ServiceResult, Tx};
use crate::domain::agency::AgencyKey;
use crate::domain::stage::{Stage, Status};
use crate::storage::agencies::{self, AgencyBrief, AgencyFilter};
use crate::storage::facts::{self, AgencyFacts};
use crate::storage::timelines as rows;

/// How many agencies one request looks through at the most, where it looks for those at one stage.
pub const MAX_JUDGED: usize = 20_000;

/// What statuses are made of, kept from one request to the next.
#[derive(Debug, Default)]
pub struct Statuses {
    /// Of single agencies.
    pub timelines: Timelines,
    /// Of all agencies, on the days that were asked for.
    pub standings: Standings,
}

/// Where an agency stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyStatus {
    /// The agency.
    pub agency: AgencyBrief,
    /// Where it stands.
    pub status: Status,
}

/// What the rules ask of the agency that `key` names, each officer and completion of it.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach.
pub fn facts_of(tx: &mut Tx<'_>, key: &AgencyKey) -> ServiceResult<AgencyFacts> {
    let id = match key {
        AgencyKey::Id(id) => Some(*id),
        AgencyKey::Ori(ori) => agencies::ids_by_ori(tx.conn, &[ori.as_str().to_owned()])?.first().map(|(_, id)| *id),
    };
    let id = id.ok_or(ServiceError::NotFound)?;
    facts::by_ids(tx.conn, &tx.reach, &[id])?.pop().ok_or(ServiceError::NotFound)
}

/// What the status of the agency that `key` names follows from.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is none within reach.
pub fn known(tx: &mut Tx<'_>, statuses: &Statuses, key: &AgencyKey) -> ServiceResult<Arc<Known>> {
    let (id, version) = rows::version_of(tx.conn, key)?.filter(|(id, _)| tx.reach.holds(*id)).ok_or(ServiceError::NotFound)?;
    match statuses.timelines.kept(id, version) {
        Some(known) => Ok(known),
        None => statuses.timelines.of_one(tx.conn, id),
    }
}

/// The status of an agency as a step function: on the first day, and on each later day up to the last on which it changes by itself.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is no such agency within reach.
pub fn steps(tx: &mut Tx<'_>, statuses: &Statuses, key: &AgencyKey, from: Date, to: Date) -> ServiceResult<(Arc<Known>, Vec<Status>)> {
    let known = known(tx, statuses, key)?;
    let mut steps = vec![known.status(from)];
    while let Some(next) = steps.last().and_then(|last| last.next_change).filter(|next| next.on <= to) {
        steps.push(known.status(next.on));
    }
    Ok((known, steps))
}

/// A page of where agencies within reach stand. Where only a `stage` is asked for, at most [`MAX_JUDGED`] agencies are looked
/// through, so that a page may hold fewer items than its limit, or none, and yet have a next.
///
/// # Errors
/// Where the database fails.
pub fn list(
    tx: &mut Tx<'_>,
    statuses: &Statuses,
    filter: &AgencyFilter,
    stage: Option<Stage>,
    as_of: Option<Date>,
    page: PageRequest,
) -> ServiceResult<PageOf<AgencyStatus>> {
    let on = as_of.unwrap_or_else(|| tx.today());
    let limit = usize::from(page.limit);
    let looked_through = if stage.is_some() { MAX_JUDGED } else { limit };
    let mut ids = agencies::ids(tx.conn, &tx.reach, filter, page.after, i64::try_from(looked_through + 1).unwrap_or(i64::MAX))?;
    let mut more = ids.len() > looked_through;
    ids.truncate(looked_through);
    let mut next = ids.last().copied();
    if let Some(stage) = stage {
        let standings = statuses.standings.of(tx.conn, &ids, on)?;
        ids.retain(|id| standings.get(id).is_some_and(|standing| standing.stage == stage));
        if ids.len() > limit {
            (more, next) = (true, ids.get(limit - 1).copied());
            ids.truncate(limit);
        } else if ids.len() == limit && ids.last() != next.as_ref() {
            // A full page, and agencies after it that nobody looked at for the caller.
            (more, next) = (true, ids.last().copied());
        }
    }
    let known = statuses.timelines.of(tx.conn, &ids)?;
    let items = ids.iter().filter_map(|id| known.get(id));
    let items = items.map(|known| AgencyStatus { agency: known.known.agency.clone(), status: known.status(on) }).collect();
    Ok(PageOf { items, next: next.filter(|_| more) })
}
