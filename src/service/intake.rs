//! Pushes: each record created, updated or found unchanged, and placed or parked; all of them in one transaction.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::audit::{Trail, fields_between, fields_of};
use super::events::Happened;
use super::placement::{Moved, decide, settle, waits_for};
use super::{ServiceResult, Tx};
use crate::domain::completion::CompletionDraft;
use crate::domain::event::EventType;
use crate::domain::placement::{ParkedReason, Placement};
use crate::domain::push::{self, Push, decide_push};
use crate::domain::reach::Reach;
use crate::storage::StorageError;
use crate::storage::completions::{self as rows, Completion, Held, NewCompletion};
use crate::storage::dialect::{Lock, lock};

/// A record that is ready to be taken: what follows from it alone is made by whoever reads it, and not while others wait for the database.
#[derive(Debug, Clone)]
pub struct Ready {
    /// What is pushed.
    pub draft: CompletionDraft,
    /// The digest of the whole of it.
    content_hash: String,
    /// As a row keeps it.
    document: String,
}

impl From<CompletionDraft> for Ready {
    fn from(draft: CompletionDraft) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, draft.canonical().as_bytes());
        Self { content_hash: URL_SAFE_NO_PAD.encode(digest), document: rows::document_text(&draft), draft }
    }
}

impl Ready {
    /// The same as it is kept of somebody who may not be told by it; the digest is of what was sent still.
    fn reduced(&self, officer: Option<Uuid>) -> Self {
        let draft = self.draft.reduced(officer);
        Self { content_hash: self.content_hash.clone(), document: rows::document_text(&draft), draft }
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// The completion.
    pub id: Uuid,
    /// What the push did.
    pub push: Push,
    /// Why it is parked, where it is.
    pub parked: Option<ParkedReason>,
}

/// What became of a record that came by itself, and what it is now.
#[derive(Debug)]
pub struct Single {
    /// What became of it.
    pub pushed: Pushed,
    /// The completion, as its sender sees it.
    pub completion: Completion,
    /// What the audit log is told of it.
    pub trail: Trail,
}

/// Takes records of a client of which each came by itself, in one transaction: as [`push`], but each is told of by itself. No
/// `external_id` may come twice.
///
/// # Errors
/// Where the database fails; then none of them was taken.
pub fn push_singles(tx: &mut Tx<'_>, records: &[&Ready]) -> ServiceResult<Vec<Single>> {
    begin(tx)?;
    let taken = push_run(tx, records, true)?;
    let former: Vec<Uuid> = taken.iter().filter(|one| one.pushed.push != Push::Created).map(|one| one.pushed.id).collect();
    let mut held = rows::find_all(tx.conn, tx.client, &former)?;
    let single = |(one, record): (Taken, &&Ready)| {
        let one_told = (one.pushed, one.moved, one.agency);
        let Taken { pushed, placement, fields, moved, agency: _ } = one;
        let created = || Completion {
            id: pushed.id,
            client: tx.client,
            draft: record.draft.clone(),
            placement,
            placed_by_hand: false,
            revision: 1,
            revocation: None,
            created_at: tx.now,
            updated_at: tx.now,
        };
        let completion = if pushed.push == Push::Created { Some(created()) } else { held.remove(&pushed.id) };
        let completion = completion.ok_or_else(|| StorageError::Other(format!("{} is gone in the transaction that holds it", pushed.id)))?;
        let mut trail = Trail::of("completion", pushed.id, fields);
        trail.told.extend(happened(&one_told, tx.client));
        trail.add("moved", usize::from(moved), if moved { vec![pushed.id] } else { Vec::new() });
        trail.add(pushed.word(), 1, Vec::new());
        trail.changed = moved || pushed.word() != "unchanged";
        Ok(Single { pushed, completion, trail })
    };
    taken.into_iter().zip(records).map(single).collect()
}

/// Takes a client's records, in order. The same `external_id` may come more than once: each is as if it came in a push of its own.
///
/// # Errors
/// Where the database fails; then none of them was taken.
pub fn push(tx: &mut Tx<'_>, records: &[&Ready]) -> ServiceResult<Vec<Pushed>> {
    begin(tx)?;
    let mut outcomes = Vec::with_capacity(records.len());
    for run in runs(records) {
        let taken = push_run(tx, run, records.len() == 1)?;
        tx.changed_many("moved", taken.iter().filter(|one| one.moved).map(|one| one.pushed.id).collect());
        let client = tx.client;
        tx.trail.told.extend(taken.iter().filter_map(|one| happened(&(one.pushed, one.moved, one.agency), client)));
        if let [one] = taken.as_slice() {
            tx.trail.fields.clone_from(&one.fields);
        }
        outcomes.extend(taken.iter().map(|one| one.pushed));
    }
    tell(tx, &outcomes);
    Ok(outcomes)
}

/// Holds off whatever else could place what is pushed, where the transaction did not begin so.
fn begin(tx: &mut Tx<'_>) -> ServiceResult<()> {
    if tx.directory.is_none() {
        lock(tx.conn, Lock::Match)?;
    }
    Ok(())
}

/// What others are told of a record: what it is, whether it stands elsewhere than before, and the agency that hears of it.
fn happened(&(pushed, moved, agency): &(Pushed, bool, Option<Uuid>), client: Uuid) -> Option<Happened> {
    let kind = match (pushed.push, pushed.parked) {
        (Push::Created | Push::Updated, Some(_)) => EventType::CompletionParked,
        (Push::Created, None) => EventType::CompletionCreated,
        (Push::Updated, None) => EventType::CompletionUpdated,
        (Push::Unchanged, None) if moved => EventType::CompletionPlaced,
        (Push::Unchanged, Some(_)) if moved => EventType::CompletionParked,
        (Push::Unchanged | Push::Stale, _) => return None,
    };
    Some(Happened::to_completion(kind, pushed.id, client, agency))
}

/// Cuts `records` into the longest runs in which no `external_id` comes twice.
fn runs<'a, 'b>(records: &'a [&'b Ready]) -> Vec<&'a [&'b Ready]> {
    let mut cuts = Vec::new();
    let mut begin = 0;
    let mut seen = HashSet::new();
    for (index, record) in records.iter().enumerate() {
        if !seen.insert(record.draft.external_id.as_str()) {
            cuts.push(&records[begin..index]);
            begin = index;
            seen.clear();
            seen.insert(record.draft.external_id.as_str());
        }
    }
    cuts.push(&records[begin..]);
    cuts
}

/// A record of a run, with what it means for what is held.
struct Considered<'a> {
    /// As it is to be kept.
    record: Cow<'a, Ready>,
    held: Option<Held>,
    push: Push,
}

impl Considered<'_> {
    /// Whether officer and training have to be looked for: for what is new or other than before, and for what waits and comes again,
    /// since the client's grants may have grown.
    fn is_open(&self) -> bool {
        match (&self.push, &self.held) {
            (Push::Created | Push::Updated, _) => true,
            (Push::Unchanged, Some(held)) => held.placement.reason.is_some(),
            _ => false,
        }
    }

    /// Where the record stands after this push, and whether staff had a hand in it. What staff placed stays where it is while the
    /// sender means the same officer and course.
    fn stands(&self, tx: &mut Tx<'_>, found: Option<Placement>) -> ServiceResult<(Placement, bool)> {
        let nowhere = Placement { officer: None, training: None, reason: Some(ParkedReason::NoMatch) };
        let Some(held) = &self.held else { return Ok((found.unwrap_or(nowhere), false)) };
        let Some(found) = found else { return Ok((held.placement, held.placed_by_hand)) };
        if held.reduced {
            // Who it is was settled when the record was reduced; what was completed may still change.
            let kept = if self.means_the_same(tx, held)? { held.placement.training } else { None };
            let course = Placement { officer: held.placement.officer, training: kept.or(found.training), reason: None };
            return Ok((course.or(Placement { officer: None, training: None, reason: held.placement.reason }), held.placed_by_hand));
        }
        if !held.placed_by_hand {
            return Ok((found, false));
        }
        Ok(if self.means_the_same(tx, held)? { (held.placement.or(found), true) } else { (found, false) })
    }

    /// Whether the push names the same officer and course in the same words as the record that is held.
    fn means_the_same(&self, tx: &mut Tx<'_>, held: &Held) -> ServiceResult<bool> {
        if self.push != Push::Updated {
            return Ok(true);
        }
        let former = rows::find(tx.conn, &Reach::All, tx.client, held.id)?;
        Ok(former.is_some_and(|former| former.draft.officer == self.record.draft.officer && former.draft.training == self.record.draft.training))
    }

    /// The members that the push gives or changes.
    fn fields(&self, tx: &mut Tx<'_>) -> ServiceResult<Vec<String>> {
        let document = rows::document(&self.record.draft);
        Ok(match (&self.push, &self.held) {
            (Push::Created, _) => fields_of(&document),
            (Push::Updated, Some(held)) => match rows::find(tx.conn, &Reach::All, tx.client, held.id)? {
                Some(former) => fields_between(&rows::document(&former.draft), &document),
                None => Vec::new(),
            },
            _ => Vec::new(),
        })
    }
}

/// Tells the audit log what became of a push: of one record which members, of many how many and which records.
fn tell(tx: &mut Tx<'_>, outcomes: &[Pushed]) {
    if let [one] = outcomes {
        let fields = std::mem::take(&mut tx.trail.fields);
        let changed = tx.trail.changed;
        tx.changed("completion", one.id, fields);
        tx.trail.changed = changed || one.word() != "unchanged";
        tx.left_many(one.word(), 1);
        return;
    }
    tx.trail.fields.clear();
    let of = |word: &str| outcomes.iter().filter(|pushed| pushed.word() == word).map(|pushed| pushed.id).collect::<Vec<_>>();
    for word in ["created", "updated", "parked"] {
        tx.changed_many(word, of(word));
    }
    tx.left_many("unchanged", of("unchanged").len());
}

/// What became of a record of a run.
struct Taken {
    pushed: Pushed,
    placement: Placement,
    /// The members that it gives or changes, where they were asked for.
    fields: Vec<String>,
    /// Whether it is unchanged, and stands elsewhere now.
    moved: bool,
    /// The agency that hears of it.
    agency: Option<Uuid>,
}

/// Takes records of which none has the `external_id` of another. `told`: with the members that each gives or changes.
fn push_run(tx: &mut Tx<'_>, records: &[&Ready], told: bool) -> ServiceResult<Vec<Taken>> {
    let external_ids: Vec<&str> = records.iter().map(|record| record.draft.external_id.as_str()).collect();
    let consider_all = |tx: &mut Tx<'_>| -> ServiceResult<Vec<Considered<'_>>> {
        let mut held = rows::held(tx.conn, tx.client, &external_ids)?;
        Ok(records.iter().map(|record| consider(record, held.remove(record.draft.external_id.as_str()))).collect())
    };
    let mut considered = consider_all(tx)?;
    // What may change is held, and then asked for again: another push of the same records may just have changed them.
    let known = considered.iter().filter(|one| one.is_open()).filter_map(|one| one.held.as_ref().map(|held| held.id)).collect::<Vec<_>>();
    if !known.is_empty() {
        rows::hold(tx.conn, &known)?;
        considered = consider_all(tx)?;
    }
    let open: Vec<&CompletionDraft> = considered.iter().filter(|one| one.is_open()).map(|one| &one.record.draft).collect();
    let reach = tx.reach.clone();
    let mut decided = decide(tx.conn, tx.directory.as_ref(), &reach, tx.client, &open)?.into_iter();

    let (mut new, mut changed, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    let mut outcomes = Vec::with_capacity(considered.len());
    for one in &considered {
        let found = if one.is_open() { decided.next() } else { None };
        let (terms, agency) = (found.and_then(|found| found.terms), found.and_then(|found| found.agency));
        let (placement, by_hand) = one.stands(tx, found.map(|found| found.placement))?;
        let id = one.held.as_ref().map_or_else(|| tx.new_id(), |held| held.id);
        let revision = one.held.as_ref().map_or(1, |held| held.revision + 1);
        let Ready { draft, content_hash, document } = one.record.as_ref();
        let row = NewCompletion { id, draft, document, content_hash, placement, terms, revision, placed_by_hand: by_hand };
        match one.push {
            Push::Created => new.push(row),
            Push::Updated => changed.push(row),
            Push::Unchanged if one.held.as_ref().is_some_and(|held| held.placement != placement) => {
                moved.push(Moved { id, placement, by_hand, draft });
            }
            Push::Unchanged | Push::Stale => {}
        }
        let pushed = Pushed { id, push: one.push, parked: placement.reason };
        let fields = if told { one.fields(tx)? } else { Vec::new() };
        outcomes.push(Taken { pushed, placement, fields, moved: moved.last().is_some_and(|last| last.id == id), agency });
    }
    let ids: Vec<Uuid> = changed.iter().map(|row| row.id).chain(moved.iter().map(|one| one.id)).collect();
    if !ids.is_empty() {
        // All at once, so that two transactions take them in one order.
        let counted = new.iter().chain(&changed).map(|row| row.placement).chain(moved.iter().map(|one| one.placement));
        rows::touch(tx.conn, &mut tx.coverage, &ids, counted.filter_map(|placement| placement.counts_for()))?;
    }
    rows::insert(tx.conn, &mut tx.coverage, tx.client, reach.by_token(), &new, tx.now)?;
    rows::replace(tx.conn, &mut tx.coverage, tx.client, reach.by_token(), &changed, tx.now)?;
    let written = new.iter().chain(&changed);
    let keys: Vec<(Uuid, String)> = written.flat_map(|row| waits_for(row.draft, &row.placement).into_iter().map(|key| (row.id, key))).collect();
    let before: Vec<Uuid> = changed.iter().map(|row| row.id).collect();
    rows::set_waiting(tx.conn, &before, &keys)?;
    settle(tx, &moved)?;
    Ok(outcomes)
}

fn consider(record: &Ready, held: Option<Held>) -> Considered<'_> {
    let before = held.as_ref().map(|held| push::Held {
        content_hash: held.content_hash.as_bytes(),
        revision: held.sender_revision,
        updated_at: held.sender_updated_at,
    });
    let Ready { draft, content_hash, .. } = record;
    let push = decide_push(before.as_ref(), content_hash.as_bytes(), draft.revision, draft.updated_at);
    let record = match &held {
        Some(held) if held.reduced => Cow::Owned(record.reduced(held.placement.officer)),
        _ => Cow::Borrowed(record),
    };
    Considered { record, held, push }
}

/// What outcomes come to, in the words of the contract.
pub fn tally(outcomes: &[Pushed]) -> HashMap<&'static str, usize> {
    let mut counts = HashMap::new();
    for outcome in outcomes {
        *counts.entry(outcome.word()).or_insert(0) += 1;
    }
    counts
}

impl Pushed {
    /// The outcome in the words of the contract: a record that is new or changed, and waits, is `parked`.
    pub fn word(&self) -> &'static str {
        match (self.push, self.parked) {
            (Push::Created | Push::Updated, Some(_)) => "parked",
            (Push::Created, None) => "created",
            (Push::Updated, None) => "updated",
            (Push::Unchanged | Push::Stale, _) => "unchanged",
        }
    }
}
