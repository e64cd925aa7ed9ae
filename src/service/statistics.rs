//! The campaign in numbers, over the agencies that the caller may see.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::status::Statuses;
use super::{ServiceResult, Tx};
use crate::domain::placement::ParkedReason;
use crate::domain::stage::Stage;
use crate::storage::completions;
use crate::storage::facts::AgencyGroup;

use super::standings::Standing;

/// Some agencies in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// How many there are.
    pub agencies: u32,
    /// How many stand at each stage.
    pub stages: BTreeMap<Stage, u32>,
    /// How many of those that are certified no longer meet all requirements.
    pub not_maintained: u32,
    /// How many meet partnership, policy, and training.
    pub met: [u32; 3],
    /// How many have a roster that is smaller than they declare.
    pub roster_incomplete: u32,
    /// Their sworn officers: of each agency the larger of roster and declaration.
    pub sworn: u64,
    /// Sworn officers on rosters.
    pub roster: u64,
    /// Of these, trained as the agency's standard asks of everybody.
    pub trained: u64,
    /// Of these, with credit in crisis intervention.
    pub crisis_intervention: u64,
}

/// The campaign on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// The day.
    pub as_of: Date,
    /// All agencies.
    pub all: Numbers,
    /// By country, subdivision and kind.
    pub groups: BTreeMap<AgencyGroup, Numbers>,
    /// How many completions wait now, and why.
    pub parked: BTreeMap<ParkedReason, u64>,
}

impl Numbers {
    fn add(&mut self, standing: &Standing) {
        let met = |which: usize| u32::from(standing.met[which]);
        self.agencies += 1;
        *self.stages.entry(standing.stage).or_default() += 1;
        self.not_maintained += u32::from(standing.stage == Stage::Certified && standing.met != [true; 3]);
        self.met = [self.met[0] + met(0), self.met[1] + met(1), self.met[2] + met(2)];
        self.roster_incomplete += u32::from(standing.roster_incomplete);
        self.sworn += u64::from(standing.sworn);
        self.roster += u64::from(standing.roster);
        self.trained += u64::from(standing.trained);
        self.crisis_intervention += u64::from(standing.crisis_intervention);
    }
}

/// The agencies within reach in numbers, and the completions that wait: all of them with a grant for all agencies, else the caller's own.
///
/// # Errors
/// Where the database fails.
pub fn get(tx: &mut Tx<'_>, statuses: &Statuses, as_of: Option<Date>) -> ServiceResult<Statistics> {
    let on = as_of.unwrap_or_else(|| tx.today());
    let standings: Vec<_> = match tx.reach.ids() {
        None => statuses.standings.of_all(tx.conn, on)?.into_iter().map(|(_, standing)| standing).collect(),
        Some(ids) => statuses.standings.of(tx.conn, ids, on)?.into_values().collect(),
    };
    let mut all = Numbers::default();
    let mut groups: BTreeMap<AgencyGroup, Numbers> = BTreeMap::new();
    for standing in &standings {
        all.add(standing);
        match groups.get_mut(&standing.group) {
            Some(numbers) => numbers.add(standing),
            None => groups.entry(standing.group.clone()).or_default().add(standing),
        }
    }
    let own = tx.reach.ids().map(|_| tx.client);
    Ok(Statistics { as_of: on, all, groups, parked: completions::waiting_by_reason(tx.conn, own)? })
}
