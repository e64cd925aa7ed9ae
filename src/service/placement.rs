//! From references to officers and trainings (rule 7), and the placing of what waits when they arrive (rule 8).

use std::collections::HashMap;

use uuid::Uuid;

use super::{ServiceResult, Tx, reach};
use crate::domain::agency::AgencyKey;
use crate::domain::completion::CompletionDraft;
use crate::domain::matching::{Candidate, Match, match_officer};
use crate::domain::placement::{ParkedReason, Placement};
use crate::domain::reach::Reach;
use crate::domain::training::TrainingReference;
use crate::storage::completions::{self as rows, Waiting};
use crate::storage::dialect::{Lock, lock};
use crate::storage::{AnyConn, agencies, officers, trainings};

/// Where each of `drafts` belongs, as `client` sees the registry within `reach`. A handful of statements, however many they are.
///
/// # Errors
/// Where the database fails.
pub fn decide(conn: &mut AnyConn, reach: &Reach, client: Uuid, drafts: &[&CompletionDraft]) -> ServiceResult<Vec<Placement>> {
    let agencies = named_agencies(conn, reach, drafts)?;
    let found = Found::load(conn, reach, drafts)?;
    let (mut codes, mut ids) = (Vec::new(), Vec::new());
    for draft in drafts {
        match &draft.training {
            TrainingReference::Id(id) => ids.push(*id),
            TrainingReference::Code(code) => codes.push(code.as_str().to_owned()),
        }
    }
    let catalogue = trainings::resolve(conn, client, &codes, &ids)?;
    let place = |draft: &&CompletionDraft| {
        let training = catalogue.find(&draft.training, draft.completed.date);
        Placement::of(found.officer_of(draft, &agencies), training)
    };
    Ok(drafts.iter().map(place).collect())
}

/// The ids of the agencies that references name, as far as they are within reach.
fn named_agencies(conn: &mut AnyConn, reach: &Reach, drafts: &[&CompletionDraft]) -> ServiceResult<HashMap<AgencyKey, Uuid>> {
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
    let ids: HashMap<String, Uuid> = agencies::ids_by_ori(conn, &oris)?.into_iter().filter(|(_, id)| reach.holds(*id)).collect();
    for key in drafts.iter().filter_map(|draft| draft.officer.agency.as_ref()) {
        if let AgencyKey::Ori(ori) = key
            && let Some(id) = ids.get(ori.as_str())
        {
            named.insert(key.clone(), *id);
        }
    }
    Ok(named)
}

/// The officers that share a key with some reference, findable by key.
struct Found {
    candidates: Vec<Candidate>,
    by_key: HashMap<String, Vec<usize>>,
}

impl Found {
    fn load(conn: &mut AnyConn, reach: &Reach, drafts: &[&CompletionDraft]) -> ServiceResult<Self> {
        let mut keys: Vec<String> = drafts.iter().flat_map(|draft| draft.officer.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let candidates = officers::candidates(conn, reach, &keys)?;
        // Who finds one record of a person finds the others that are in sight.
        let mut records: HashMap<Uuid, Vec<usize>> = HashMap::with_capacity(candidates.len());
        for (index, candidate) in candidates.iter().enumerate() {
            records.entry(candidate.person).or_default().push(index);
        }
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::with_capacity(keys.len());
        for candidate in &candidates {
            for key in candidate.keys() {
                by_key.entry(key).or_default().extend(records.get(&candidate.person).into_iter().flatten());
            }
        }
        Ok(Self { candidates, by_key })
    }

    fn officer_of(&self, draft: &CompletionDraft, agencies: &HashMap<AgencyKey, Uuid>) -> Match {
        let mut indices: Vec<usize> = draft.officer.keys().iter().filter_map(|key| self.by_key.get(key)).flatten().copied().collect();
        indices.sort_unstable();
        indices.dedup();
        let candidates: Vec<&Candidate> = indices.into_iter().map(|index| &self.candidates[index]).collect();
        let agency = draft.officer.agency.as_ref().and_then(|key| agencies.get(key).copied());
        match_officer(&draft.officer, agency, draft.completed.date, &candidates)
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
        let placements = decide(tx.conn, &reach, client, &drafts)?;
        let mut moved = Vec::new();
        for (one, found) in group.iter().zip(placements) {
            let held = &one.completion;
            let placement = if held.placed_by_hand { held.placement.or(found) } else { found };
            if placement != held.placement {
                placed += usize::from(placement.reason.is_none());
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
    rows::place(tx.conn, &placements, tx.now)?;
    let ids: Vec<Uuid> = moved.iter().map(|one| one.id).collect();
    let keys: Vec<(Uuid, String)> = moved.iter().flat_map(|one| waits_for(one.draft, &one.placement).into_iter().map(|key| (one.id, key))).collect();
    Ok(rows::set_waiting(tx.conn, &ids, &keys)?)
}
