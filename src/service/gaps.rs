//! Which officers of an agency lack training on a day, and whose credit lapses soon.

use std::collections::HashMap;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::page::{PageOf, PageRequest};
use super::{ServiceResult, Tx, status};
use crate::domain::agency::AgencyKey;
use crate::domain::gaps::{Gap, Lack, gaps};
use crate::domain::pledge::in_question;
use crate::storage::appointments::Appointment;
use crate::storage::officers::Officer;
use crate::storage::{StorageError, facts, officers};

/// Which officers are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GapFilter {
    /// The day; absent: today.
    pub as_of: Option<Date>,
    /// Those too whose credit lapses within so many days.
    pub within_days: Option<u16>,
    /// Only by this training; absent: as [`Gap::is_open`] says.
    pub missing: Option<Lack>,
}

/// An officer who lacks training, or is about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficerGap {
    /// Who, as the client sees the person.
    pub officer: Officer,
    /// The spell at the agency; of several, the one that began last.
    pub appointment: Appointment,
    /// What the officer holds.
    pub gap: Gap,
}

/// A page of the sworn officers of an agency who lack training by the standard in question, in the order of their ids.
///
/// # Errors
/// [`super::ServiceError::NotFound`] where there is no such agency within reach.
pub fn list(tx: &mut Tx<'_>, key: &AgencyKey, filter: GapFilter, page: PageRequest) -> ServiceResult<PageOf<OfficerGap>> {
    let on = filter.as_of.unwrap_or_else(|| tx.today());
    let horizon = filter.within_days.map(|days| on.saturating_add(i32::from(days).days()));
    let known = status::facts_of(tx, key)?;
    let standards = facts::published_standards(tx.conn)?;
    let standard = standards.of(in_question(&known.facts.pledges, on));
    let open = gaps(standard, &known.facts, on)
        .into_iter()
        .filter(|gap| page.after.is_none_or(|after| gap.officer > after) && gap.is_open(filter.missing, horizon))
        .take(usize::from(page.limit) + 1)
        .collect();
    let PageOf { items, next } = page.cut(open, |gap: &Gap| gap.officer);
    let records = |gap: &Gap| known.also.get(&gap.officer).into_iter().flatten().copied().chain([gap.officer]).collect::<Vec<_>>();
    let ids: Vec<_> = items.iter().flat_map(records).collect();
    let mut seen: HashMap<_, _> = officers::by_ids(tx.conn, &tx.reach, &ids)?.into_iter().map(|officer| (officer.id, officer)).collect();
    let items = items
        .into_iter()
        .map(|gap| {
            let sworn = |officer: Officer| {
                let at = |spell: &&Appointment| spell.agency == known.agency.id && spell.sworn && spell.covers(on);
                let appointment = officer.appointments.iter().filter(at).max_by_key(|spell| (spell.started_on, spell.id)).cloned()?;
                Some((officer, appointment))
            };
            let found = records(&gap).into_iter().filter_map(|record| seen.remove(&record).and_then(sworn)).next_back();
            let found = found.map(|(officer, appointment)| OfficerGap { officer, appointment, gap });
            // What was read in one transaction agrees.
            found.ok_or_else(|| StorageError::Other(format!("{} has no spell on {on}", gap.officer)).into())
        })
        .collect::<ServiceResult<Vec<_>>>()?;
    Ok(PageOf { items, next })
}
