//! Where all agencies stand on a day, in a few words each: kept in memory, and made anew for those that changed since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use uuid::Uuid;

use super::ServiceResult;
use crate::domain::stage::{Stage, judge};
use crate::storage::AnyConn;
use crate::storage::facts::{self, AgencyGroup};
use crate::storage::timelines::{self as rows, STANDARDS};

/// How many days are kept.
const DAYS: usize = 4;

/// Where an agency stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What sort of agency it is, and where.
    pub group: AgencyGroup,
    /// Its stage.
    pub stage: Stage,
    /// Whether partnership, policy and training are met.
    pub met: [bool; 3],
    /// The denominator.
    pub sworn: u32,
    /// Sworn officers on the roster.
    pub roster: u32,
    /// Whether the roster is smaller than what the agency declares.
    pub roster_incomplete: bool,
    /// Officers trained as the agency's standard asks of everybody.
    pub trained: u32,
    /// Officers with credit in crisis intervention.
    pub crisis_intervention: u32,
}

/// The days that were asked for last.
#[derive(Debug, Default)]
pub struct Standings(Mutex<Vec<OfDay>>);

#[derive(Debug, Clone)]
struct OfDay {
    day: Date,
    /// The versions of everything together, when all agencies were known.
    total: Option<i64>,
    standards: i64,
    agencies: Arc<HashMap<Uuid, (i64, Arc<Standing>)>>,
}

impl Standings {
    /// Where each of some agencies stands on a day. To be called in a transaction that sees one state of the database.
    ///
    /// # Errors
    /// Where the database fails.
    pub fn of(&self, conn: &mut AnyConn, agencies: &[Uuid], day: Date) -> ServiceResult<HashMap<Uuid, Arc<Standing>>> {
        let versions = rows::versions(conn, Some(agencies))?;
        let kept = self.refreshed(conn, day, &versions, None)?;
        Ok(agencies.iter().filter_map(|agency| Some((*agency, kept.agencies.get(agency)?.1.clone()))).collect())
    }

    /// Where every agency stands on a day, whatever the reach; as [`Self::of`].
    ///
    /// # Errors
    /// Where the database fails.
    pub fn of_all(&self, conn: &mut AnyConn, day: Date) -> ServiceResult<Vec<(Uuid, Arc<Standing>)>> {
        let total = rows::total(conn)?;
        let kept = if let Some(kept) = self.kept(day).filter(|kept| kept.total == Some(total)) {
            kept
        } else {
            let versions = rows::versions(conn, None)?;
            self.refreshed(conn, day, &versions, Some(total))?
        };
        let mut all: Vec<_> = kept.agencies.iter().map(|(agency, (_, standing))| (*agency, standing.clone())).collect();
        all.sort_unstable_by_key(|(agency, _)| *agency);
        Ok(all)
    }

    /// What is known of a day once the agencies of these versions are known.
    fn refreshed(&self, conn: &mut AnyConn, day: Date, versions: &HashMap<Uuid, i64>, total: Option<i64>) -> ServiceResult<OfDay> {
        let standards = versions.get(&STANDARDS).copied().unwrap_or(0);
        let mut kept = self.kept(day).filter(|kept| kept.standards == standards).unwrap_or(OfDay { day, total, standards, agencies: Arc::default() });
        let known = |agency: &Uuid, version: i64| kept.agencies.get(agency).is_some_and(|(of, _)| *of == version);
        let stale: Vec<Uuid> =
            versions.iter().filter(|(agency, version)| **agency != STANDARDS && !known(agency, **version)).map(|(agency, _)| *agency).collect();
        if !stale.is_empty() {
            let fresh = judged(conn, &stale, stale.len() + 1 >= versions.len() && total.is_some(), day)?;
            let agencies = Arc::make_mut(&mut kept.agencies);
            for (agency, standing) in fresh {
                if let Some(version) = versions.get(&agency) {
                    agencies.insert(agency, (*version, Arc::new(standing)));
                }
            }
        }
        // With some agencies made anew, what was known of all of them is known of another state.
        kept.total = total.or(kept.total.filter(|_| stale.is_empty()));
        self.keep(kept.clone());
        Ok(kept)
    }

    fn kept(&self, day: Date) -> Option<OfDay> {
        let days = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        days.iter().find(|kept| kept.day == day).cloned()
    }

    fn keep(&self, kept: OfDay) {
        let mut days = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        days.retain(|other| other.day != kept.day);
        days.insert(0, kept);
        days.truncate(DAYS);
    }
}

/// Where agencies stand, by the numbers of that day alone.
fn judged(conn: &mut AnyConn, agencies: &[Uuid], all: bool, day: Date) -> ServiceResult<Vec<(Uuid, Standing)>> {
    let standards = facts::published_standards(conn)?;
    let some = if all { None } else { Some(agencies) };
    let people = rows::on_day(conn, some, day)?;
    let judged = facts::without_people(conn, some)?.into_iter().map(|known| {
        let counted = people.get(&known.agency.id).copied().unwrap_or_default();
        let (stage, evaluation) = judge(&standards, &known.facts, &counted, day);
        let training = evaluation.training;
        let standing = Standing {
            group: known.group,
            stage,
            met: [evaluation.partnership.met, evaluation.policy.met, training.met],
            sworn: training.sworn,
            roster: training.roster,
            roster_incomplete: training.roster_incomplete,
            trained: training.trained.count,
            crisis_intervention: training.crisis_intervention.count,
        };
        (known.agency.id, standing)
    });
    Ok(judged.collect())
}
