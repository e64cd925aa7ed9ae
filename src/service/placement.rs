//! From references to officers and trainings (rule 7), and the placing of what waits when they arrive (rule 8).

use std::collections::HashMap;

use jiff::civil::Date;
use uuid::Uuid;

use super::events::Happened;
use super::{ServiceResult, Tx, reach};
use crate::domain::agency::AgencyKey;
use crate::domain::completion::{CompletionDraft, TrainingTerms};
use crate::domain::event::EventType;
use crate::domain::lookup::Lookup;
use crate::domain::matching::{Candidate, Match, match_officer};
use crate::domain::placement::{ParkedReason, Placement};
use crate::domain::reach::Reach;
use crate::domain::training::TrainingReference;
use crate::storage::completions::{self as rows, Waiting};
use crate::storage::dialect::{Lock, lock};
use crate::storage::{AnyConn, Directory, officers, trainings};

/// Where a completion belongs, and what the training is worth, where that is recognized.
#[derive(Debug, Clone, Copy)]
pub struct Decided {
    /// Where.
    pub placement: Placement,
    /// What it is worth.
    pub terms: Option<TrainingTerms>,
    /// The agency that hears of it: the one that the reference names, else where the officer served then.
    pub agency: Option<Uuid>,
}

/// Where each of `drafts` belongs, as `client` sees the registry within `reach`. A handful of statements, however many they are.
///
/// # Errors
/// Where the database fails.
pub fn decide(
    conn: &mut AnyConn,
    directory: Option<&Directory>,
    reach: &Reach,
    client: Uuid,
    drafts: &[&CompletionDraft],
) -> ServiceResult<Vec<Decided>> {
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let agencies = named_agencies(conn, directory, reach, drafts)?;
    let found = Found::load(conn, reach, drafts, &agencies)?;
    let (mut codes, mut ids) = (Vec::new(), Vec::new());
    for draft in drafts {
        match &draft.training {
            TrainingReference::Id(id) => ids.push(*id),
            TrainingReference::Code(code) => codes.push(code.as_str()),
        }
    }
    codes.sort_unstable();
    codes.dedup();
    ids.sort_unstable();
    ids.dedup();
    let catalogue = match directory {
        Some(directory) => directory.resolve(conn, client, &codes, &ids)?,
        None => trainings::resolve(conn, client, &codes, &ids)?,
    };
    let place = |(at, draft): (usize, &&CompletionDraft)| {
        let training = catalogue.find(&draft.training, draft.completed.date);
        let placement = Placement::of(found.officer_of(at, draft, &agencies), training.map(|(id, _)| id));
        let agency = agency_of(draft, &agencies).or_else(|| found.agency_on(placement.officer?, draft.completed.date));
        Decided { placement, terms: training.and_then(|(_, terms)| terms), agency }
    };
    Ok(drafts.iter().enumerate().map(place).collect())
}

/// The ids of the agencies that references name, as far as they are within reach.
fn named_agencies(
    conn: &mut AnyConn,
    directory: Option<&Directory>,
    reach: &Reach,
    drafts: &[&CompletionDraft],
) -> ServiceResult<HashMap<AgencyKey, Uuid>> {
    let mut named = HashMap::new();
    let mut oris = Vec::new();
    for key in drafts.iter().filter_map(|draft| draft.officer.agency.as_ref()) {
        match key {
            AgencyKey::Id(id) if reach.holds(*id) => {
                named.insert(key.clone(), *id);
            }
            AgencyKey::Id(_) => {}
            AgencyKey::Ori(ori) => oris.push(ori.as_str().to_owned()),
        }
    }
    oris.sort_unstable();
    oris.dedup();
    let ids: HashMap<String, Uuid> = super::reach::ids_by_ori(conn, directory, &oris)?.into_iter().filter(|(_, id)| reach.holds(*id)).collect();
    for key in drafts.iter().filter_map(|draft| draft.officer.agency.as_ref()) {
        if let AgencyKey::Ori(ori) = key
            && let Some(id) = ids.get(ori.as_str())
        {
            named.insert(key.clone(), *id);
        }
    }
    Ok(named)
}

/// The officers who may be meant by some reference, by what leads to them.
struct Found {
    candidates: Vec<Candidate>,
    led_to: HashMap<Lookup, Vec<usize>>,
    /// What leads to those whom each draft may mean.
    lookups: Vec<Vec<Lookup>>,
}

/// The agency that the reference of a draft names, where it is within reach.
fn agency_of(draft: &CompletionDraft, agencies: &HashMap<AgencyKey, Uuid>) -> Option<Uuid> {
    draft.officer.agency.as_ref().and_then(|key| agencies.get(key).copied())
}

impl Found {
    fn load(conn: &mut AnyConn, reach: &Reach, drafts: &[&CompletionDraft], agencies: &HashMap<AgencyKey, Uuid>) -> ServiceResult<Self> {
        let lookups: Vec<Vec<Lookup>> = drafts.iter().map(|draft| draft.officer.lookups(agency_of(draft, agencies))).collect();
        let mut wanted: Vec<Lookup> = lookups.iter().flatten().cloned().collect();
        wanted.sort_unstable();
        wanted.dedup();
        let candidates = officers::candidates(conn, reach, &wanted)?;
        // Who finds one record of a person finds the others that are in sight.
        let mut records: HashMap<Uuid, Vec<usize>> = HashMap::with_capacity(candidates.len());
        for (index, candidate) in candidates.iter().enumerate() {
            records.entry(candidate.person).or_default().push(index);
        }
        let mut led_to: HashMap<Lookup, Vec<usize>> = HashMap::with_capacity(wanted.len());
        for candidate in &candidates {
            for lookup in candidate.lookups() {
                if wanted.binary_search(&lookup).is_ok() {
                    led_to.entry(lookup).or_default().extend(records.get(&candidate.person).into_iter().flatten());
                }
            }
        }
        Ok(Self { candidates, led_to, lookups })
    }

    /// Where an officer served on a day, or else came last, as far as that is within reach.
    fn agency_on(&self, officer: Uuid, day: Date) -> Option<Uuid> {
        let found = self.candidates.binary_search_by_key(&officer, |candidate| candidate.officer).ok()?;
        let spells = &self.candidates[found].appointments;
        let then = spells.iter().find(|spell| spell.started_on <= day && spell.ended_on.is_none_or(|end| day < end));
        then.or_else(|| spells.iter().max_by_key(|spell| spell.started_on)).map(|spell| spell.agency)
    }

    fn officer_of(&self, at: usize, draft: &CompletionDraft, agencies: &HashMap<AgencyKey, Uuid>) -> Match {
        let mut indices: Vec<usize> = self.lookups[at].iter().filter_map(|lookup| self.led_to.get(lookup)).flatten().copied().collect();
        indices.sort_unstable();
        indices.dedup();
        let candidates: Vec<&Candidate> = indices.into_iter().map(|index| &self.candidates[index]).collect();
        match_officer(&draft.officer, agency_of(draft, agencies), draft.completed.date, &candidates)
    }
}

/// The keys that a completion which stands at `placement` waits for: an arrival under one of them may change where it stands.
pub fn waits_for(draft: &CompletionDraft, placement: &Placement) -> Vec<String> {
    let Some(reason) = placement.reason else { return Vec::new() };
    let mut keys = Vec::new();
    if reason != ParkedReason::UnknownTraining {
        keys.extend(draft.officer.keys());
        keys.extend(draft.officer.agency.as_ref().map(agency_key));
    }
    if placement.training.is_none() {
        keys.push(match &draft.training {
            TrainingReference::Id(id) => format!("training:{id}"),
            TrainingReference::Code(code) => format!("course:{code}"),
        });
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The key under which an agency is waited for.
pub fn agency_key(key: &AgencyKey) -> String {
    format!("agency:{key}")
}

/// Looks again at the parked completions, of whichever client, that wait for one of `keys`; answers how many were placed. Each is
/// matched within the grants that its own client has now, or, where it came by a token that names its agencies, within those.
///
/// # Errors
/// Where the database fails.
pub fn place_waiting(tx: &mut Tx<'_>, keys: &[String]) -> ServiceResult<usize> {
    lock(tx.conn, Lock::Place)?;
    let waiting = rows::waiting_for(tx.conn, keys)?;
    place(tx, waiting)
}

/// Looks again at all that a client pushed and that waits, for its grants are other than before; answers how many were placed.
///
/// # Errors
/// Where the database fails.
pub fn place_waiting_of(tx: &mut Tx<'_>, client: Uuid) -> ServiceResult<usize> {
    lock(tx.conn, Lock::Place)?;
    let waiting = rows::waiting_of(tx.conn, client)?;
    place(tx, waiting)
}

fn place(tx: &mut Tx<'_>, waiting: Vec<Waiting>) -> ServiceResult<usize> {
    let today = tx.today();
    let mut groups: HashMap<(Uuid, Option<Vec<AgencyKey>>), Vec<Waiting>> = HashMap::new();
    for one in waiting.into_iter().filter(|one| one.completion.placement.reason.is_some()) {
        groups.entry((one.completion.client, one.granted.clone())).or_default().push(one);
    }
    let mut placed = 0;
    for ((client, granted), group) in groups {
        let reach = reach::of_pusher(tx.conn, client, granted.as_deref(), today)?;
        let drafts: Vec<&CompletionDraft> = group.iter().map(|one| &one.completion.draft).collect();
        let decided = decide(tx.conn, None, &reach, client, &drafts)?;
        let mut moved = Vec::new();
        for (one, decided) in group.iter().zip(decided) {
            let (held, found) = (&one.completion, decided.placement);
            let placement = if held.placed_by_hand { held.placement.or(found) } else { found };
            if placement != held.placement {
                placed += usize::from(placement.reason.is_none());
                let kind = if placement.reason.is_none() { EventType::CompletionPlaced } else { EventType::CompletionParked };
                tx.trail.told.push(Happened::to_completion(kind, held.id, client, decided.agency));
                moved.push(Moved { id: held.id, placement, by_hand: held.placed_by_hand, draft: &held.draft });
            }
        }
        settle(tx, &moved)?;
        tx.changed_many("moved", moved.iter().map(|one| one.id).collect());
    }
    Ok(placed)
}

/// A completion that stands elsewhere now.
pub struct Moved<'a> {
    /// The completion.
    pub id: Uuid,
    /// Where it stands.
    pub placement: Placement,
    /// Whether staff had a hand in it.
    pub by_hand: bool,
    /// What was pushed.
    pub draft: &'a CompletionDraft,
}

/// Writes where completions stand now, and what they wait for.
///
/// # Errors
/// Where the database fails.
pub fn settle(tx: &mut Tx<'_>, moved: &[Moved<'_>]) -> ServiceResult<()> {
    let placements: Vec<(Uuid, Placement, bool)> = moved.iter().map(|one| (one.id, one.placement, one.by_hand)).collect();
    rows::place(tx.conn, &mut tx.coverage, &placements, tx.now)?;
    let ids: Vec<Uuid> = moved.iter().map(|one| one.id).collect();
    let keys: Vec<(Uuid, String)> = moved.iter().flat_map(|one| waits_for(one.draft, &one.placement).into_iter().map(|key| (one.id, key))).collect();
    Ok(rows::set_waiting(tx.conn, &ids, &keys)?)
}
