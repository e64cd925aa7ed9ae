//! Whether the coverage timeline is what the facts come to: each agency counted anew, the long way.

use uuid::Uuid;

use super::ServiceResult;
use crate::domain::coverage::Coverage;
use crate::domain::reach::Reach;
use crate::domain::readiness::Facts;
use crate::domain::standard::{Standard, one_mind};
use crate::domain::timeline::Timeline;
use crate::storage::agencies::{self, AgencyBrief, AgencyFilter};
use crate::storage::dialect::{Lock, lock};
use crate::storage::{AnyConn, coverage, facts, timelines};

/// How many agencies are counted at a time.
const AT_ONCE: usize = 100;

/// That an agency's timeline isn't what the facts come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The agency.
    pub agency: AgencyBrief,
    /// The first day on which they differ, and how.
    pub detail: String,
}

/// Agencies that were compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// How many.
    pub agencies: usize,
    /// Those whose timeline differs.
    pub differences: Vec<Difference>,
    /// The last of them; absent where there are no more.
    pub last: Option<Uuid>,
}

/// Compares the next agencies after an id, in a transaction that sees one state of the database.
///
/// # Errors
/// Where the database fails.
pub fn compare(conn: &mut AnyConn, after: Option<Uuid>) -> ServiceResult<Compared> {
    let ids = agencies::ids(conn, &Reach::All, &AgencyFilter::default(), after, i64::try_from(AT_ONCE).unwrap_or(i64::MAX))?;
    let mut held = timelines::of_agencies(conn, &ids)?;
    let counted = facts::by_ids(conn, &Reach::All, &ids)?;
    let differences = counted.into_iter().filter_map(|known| {
        let timeline = Timeline::sum(held.remove(&known.agency.id).unwrap_or_default());
        difference(&known.facts, &timeline).map(|detail| Difference { agency: known.agency, detail })
    });
    let differences = differences.collect();
    Ok(Compared { agencies: ids.len(), differences, last: ids.last().copied().filter(|_| ids.len() == AT_ONCE) })
}

/// Compares the timelines of all agencies, in a transaction that sees one state of the database.
///
/// # Errors
/// Where the database fails.
pub fn compare_all(conn: &mut AnyConn) -> ServiceResult<Compared> {
    let mut all = compare(conn, None)?;
    while let Some(after) = all.last {
        let more = compare(conn, Some(after))?;
        all = Compared { agencies: all.agencies + more.agencies, differences: [all.differences, more.differences].concat(), last: more.last };
    }
    Ok(all)
}

/// Puts what the facts come to in the place of every timeline. Whoever pushes meanwhile waits.
///
/// # Errors
/// Where the database fails.
pub fn repair(conn: &mut AnyConn) -> ServiceResult<()> {
    lock(conn, Lock::Place)?;
    Ok(coverage::rebuild(conn)?)
}

/// The first difference, by whichever rules a standard may have.
fn difference(facts: &Facts, timeline: &Timeline) -> Option<String> {
    let rules = [(false, false), (true, false), (false, true), (true, true)];
    rules.into_iter().find_map(|(crisis_counts_as_awareness, lapsed_credit_counts)| {
        let standard = Standard { crisis_counts_as_awareness, lapsed_credit_counts, ..one_mind() };
        let counted = Coverage::build(&standard, &facts.sworn, &facts.credits);
        let held = timeline.coverage(&standard);
        let day = counted.change_days().chain(held.change_days()).filter(|day| counted.at(*day) != held.at(*day)).min()?;
        let (facts, timeline) = (counted.at(day), held.at(day));
        Some(format!(
            "on {day} the facts come to roster {}, trained {}, crisis intervention {}; the timeline says {}, {}, {} \
             (crisis_counts_as_awareness {crisis_counts_as_awareness}, lapsed_credit_counts {lapsed_credit_counts})",
            facts.roster, facts.trained, facts.crisis, timeline.roster, timeline.trained, timeline.crisis
        ))
    })
}
