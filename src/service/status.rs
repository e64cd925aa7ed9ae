//! Where agencies stand on a day: storage gives the facts, the domain judges.

use jiff::civil::Date;
use uuid::Uuid;

use super::page::{PageOf, PageRequest};
use super::{ServiceError, ServiceResult, Tx};
use crate::domain::agency::AgencyKey;
use crate::domain::stage::{Stage, Status, status_by_pledge};
use crate::storage::agencies::{self, AgencyBrief, AgencyFilter};
use crate::storage::facts::{self, AgencyFacts};

/// How many agencies one request judges at the most, where it looks for those at one stage.
pub const MAX_JUDGED: usize = 2_000;

/// How many of them are loaded at a time.
const CHUNK: usize = 250;

/// Where an agency stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyStatus {
    /// The agency.
    pub agency: AgencyBrief,
    /// Where it stands.
    pub status: Status,
}

/// What the rules ask of the agency that `key` names.
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

/// Where an agency stands on a day; without one, today.
///
/// # Errors
/// [`ServiceError::NotFound`] where there is no such agency within reach.
pub fn get(tx: &mut Tx<'_>, key: &AgencyKey, as_of: Option<Date>) -> ServiceResult<AgencyStatus> {
    let on = as_of.unwrap_or_else(|| tx.today());
    let known = facts_of(tx, key)?;
    let status = status_by_pledge(&facts::published_standards(tx.conn)?, &known.facts, on);
    Ok(AgencyStatus { agency: known.agency, status })
}

/// A page of the same for every agency within reach. Where only a `stage` is asked for, at most [`MAX_JUDGED`] agencies are
/// judged, so that a page may hold fewer items than its limit, or none, and yet have a next.
///
/// # Errors
/// Where the database fails.
pub fn list(
    tx: &mut Tx<'_>,
    filter: &AgencyFilter,
    stage: Option<Stage>,
    as_of: Option<Date>,
    page: PageRequest,
) -> ServiceResult<PageOf<AgencyStatus>> {
    let on = as_of.unwrap_or_else(|| tx.today());
    let limit = usize::from(page.limit);
    let standards = facts::published_standards(tx.conn)?;
    let mut items = Vec::new();
    let mut after = page.after;
    let mut left = if stage.is_some() { MAX_JUDGED } else { limit };
    loop {
        let chunk = if stage.is_some() { left.min(CHUNK) } else { limit };
        let judged = facts::list(tx.conn, &tx.reach, filter, after, i64::try_from(chunk).unwrap_or(i64::MAX))?;
        let mut unread = judged.len();
        let full = judged.len() == chunk;
        for known in judged {
            unread -= 1;
            after = Some(known.agency.id);
            let status = status_by_pledge(&standards, &known.facts, on);
            if stage.is_none_or(|stage| status.stage == stage) {
                items.push(AgencyStatus { agency: known.agency, status });
            }
            if items.len() == limit {
                break;
            }
        }
        left -= chunk;
        if !full && unread == 0 {
            return Ok(PageOf { items, next: None });
        }
        if items.len() == limit || left == 0 {
            let more = unread > 0 || agencies_follow(tx, filter, after)?;
            return Ok(PageOf { items, next: after.filter(|_| more) });
        }
    }
}

/// Whether the filter holds an agency after this one.
fn agencies_follow(tx: &mut Tx<'_>, filter: &AgencyFilter, after: Option<Uuid>) -> ServiceResult<bool> {
    Ok(!agencies::list(tx.conn, &tx.reach, filter, after, 1)?.is_empty())
}
