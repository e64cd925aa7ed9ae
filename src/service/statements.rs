//! xAPI statements: kept as they came, each its client's own; those that tell of a completion go the way of every other push.

use std::collections::{BTreeSet, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{Span, Timestamp, ToSpan as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::intake::{self, Pushed, Ready};
use super::{Fault, ServiceError, ServiceResult, Tx, completions};
use crate::domain::clock::whole_microseconds;
use crate::domain::completion::CompletionDraft;
use crate::domain::invalid::{Faults, Invalid, under};
use crate::domain::reach::Reach;
use crate::domain::text::Note;
use crate::storage::dialect::lock_statements;
use crate::storage::officers::{self, email_sha1s};
use crate::storage::statements::{self as rows, HeldStatement, NewStatement, StatementFilter, Telling};
use crate::storage::{StorageError, joins};
use crate::xapi::{Key, Statement, Version, agent_key, comparable, found_by, meaning, reduced_actor, reduced_others};

/// Longer than a transaction takes: what was begun before is committed, or never will be.
const SETTLED: i64 = 10;

/// Statements of one request.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The statements, in order. No two have the same id.
    pub statements: Vec<Statement>,
    /// Whether they came in an array: pointers begin with an index then.
    pub several: bool,
    /// The edition that the request follows.
    pub version: Version,
    /// The Agent that stands for the client.
    pub authority: Value,
}

/// What became of the statements of a request.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The id of each, in order.
    pub ids: Vec<Uuid>,
    /// How many are new.
    pub new: usize,
    /// What became of the completions that they tell of.
    pub pushed: Vec<Pushed>,
    /// Up to when all that was stored of the client is to be read.
    pub consistent_through: Timestamp,
}

impl Sent {
    /// Where a statement stands in the body.
    fn at(&self, index: usize) -> String {
        if self.several { format!("/{index}") } else { String::new() }
    }
}

/// The digest under which something is looked up.
pub fn lookup(key: &Key) -> String {
    digest(key.as_str())
}

fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
}

/// Keeps the statements, all or none. Those that the client sent before, and that are the same, change nothing.
///
/// # Errors
/// `statement_differs` where one was sent before and says something else; faults of what a completion can't be; `voids_a_void`.
pub fn store(tx: &mut Tx<'_>, sent: &Sent) -> ServiceResult<Kept> {
    lock_statements(tx.conn, tx.client)?;
    let last = rows::last_stored(tx.conn, tx.client)?;
    let ids: Vec<Uuid> = sent.statements.iter().map(|statement| statement.id.unwrap_or_else(|| tx.new_id())).collect();
    let hashes: Vec<String> = sent.statements.iter().map(|statement| digest(&comparable(statement))).collect();
    let held = rows::held(tx.conn, tx.client, &ids)?;
    refuse_differing(sent, &ids, &hashes, &held)?;
    let new: Vec<usize> = (0..ids.len()).filter(|index| !held.contains_key(&ids[*index])).collect();
    let voided = Voided::of(tx, sent, &ids, &new)?;

    let first = last.map_or(Ok(tx.now), |last| last.checked_add(1.microsecond()).map(|next| next.max(tx.now)));
    let stored_at = |place: usize| -> ServiceResult<Timestamp> {
        let after = |first: Timestamp| first.checked_add(Span::new().microseconds(i64::try_from(place).unwrap_or_default()));
        first.clone().and_then(after).map(whole_microseconds).map_err(|cause| StorageError::Other(cause.to_string()).into())
    };
    let mut drafts: Vec<(usize, Ready)> = Vec::new();
    let mut faults = Vec::new();
    for (place, index) in new.iter().enumerate().filter(|(_, index)| !voided.new.contains(&ids[**index])) {
        match completion_of(&sent.statements[*index], ids[*index], stored_at(place)?, tx) {
            Ok(draft) => drafts.extend(draft.map(|draft| (*index, Ready::from(draft)))),
            Err(found) => faults.extend(Fault::all(under(&sent.at(*index), found))),
        }
    }
    ServiceError::check(faults)?;
    let (indices, drafts): (Vec<usize>, Vec<Ready>) = drafts.into_iter().unzip();
    let pushed = if drafts.is_empty() { Vec::new() } else { intake::push(tx, &drafts.iter().collect::<Vec<_>>())? };
    let made: HashMap<usize, Uuid> = indices.into_iter().zip(pushed.iter().map(|pushed| pushed.id)).collect();

    let mut written = Vec::with_capacity(new.len());
    for (place, index) in new.iter().enumerate() {
        let (statement, id, stored_at) = (&sent.statements[*index], ids[*index], stored_at(place)?);
        written.push(NewStatement {
            id: tx.new_id(),
            statement: id,
            stored_at,
            sent_at: statement.sent_at(),
            content: statement.stored(id, stored_at, &sent.authority, sent.version),
            content_hash: hashes[*index].clone(),
            refers_to: statement.refers_to(),
            voids: statement.is_voiding(),
            voided: voided.new.contains(&id),
            completion: made.get(index).copied(),
            lookups: found_by(statement, &sent.authority).iter().map(lookup).collect(),
        });
    }
    rows::insert(tx.conn, tx.client, &written)?;
    rows::take_back(tx.conn, tx.client, &voided.held.iter().map(|(id, _)| *id).collect::<Vec<_>>())?;
    for (id, completion) in &voided.held {
        revoke(tx, *id, *completion)?;
    }
    tell(tx, &written, ids.len() - new.len());
    let latest = written.last().map(|new| new.stored_at).or(last);
    Ok(Kept { new: new.len(), pushed, consistent_through: consistent(tx, latest), ids })
}

fn refuse_differing(sent: &Sent, ids: &[Uuid], hashes: &[String], held: &HashMap<Uuid, HeldStatement>) -> ServiceResult<()> {
    for (index, statement) in sent.statements.iter().enumerate() {
        let Some(former) = held.get(&ids[index]) else { continue };
        // An instant that one of them leaves out is the service's to set.
        let other_instant = former.sent_at.zip(statement.sent_at()).is_some_and(|(former, now)| former != now);
        if former.content_hash != hashes[index] || other_instant {
            return Err(ServiceError::conflict(
                "statement_differs",
                format!("the statement {} was sent before, and says something else", ids[index]),
            ));
        }
    }
    Ok(())
}

/// What the statements of a request take back, and what was taken back before it came.
struct Voided {
    /// Of what was held: the statement, and the completion that it made.
    held: Vec<(Uuid, Option<Uuid>)>,
    /// Of what is new.
    new: HashSet<Uuid>,
}

impl Voided {
    fn of(tx: &mut Tx<'_>, sent: &Sent, ids: &[Uuid], new: &[usize]) -> ServiceResult<Self> {
        let voiding = |index: usize| sent.statements[index].refers_to().filter(|_| sent.statements[index].is_voiding());
        let targets: HashMap<Uuid, usize> = new.iter().filter_map(|index| Some((voiding(*index)?, *index))).collect();
        let wanted: Vec<Uuid> = targets.keys().copied().collect();
        let held = rows::held(tx.conn, tx.client, &wanted)?;
        let own: HashMap<Uuid, usize> = new.iter().map(|index| (ids[*index], *index)).collect();
        let is_void = |id: &Uuid| held.get(id).map_or_else(|| own.get(id).is_some_and(|index| voiding(*index).is_some()), |held| held.voids);
        let mut faults: Vec<Fault> = Vec::new();
        for (_, index) in targets.iter().filter(|(id, _)| is_void(id)) {
            let pointer = format!("{}/object/id", sent.at(*index));
            faults.push(Fault::new(pointer, "voids_a_void", "a statement that takes another back can't be taken back"));
        }
        faults.sort_by(|one, other| one.pointer.cmp(&other.pointer));
        ServiceError::check(faults)?;
        let mut voided = rows::taken_back(tx.conn, tx.client, &own.keys().copied().collect::<Vec<_>>())?;
        voided.extend(targets.keys().filter(|id| own.contains_key(id)));
        voided.retain(|id| !is_void(id));
        Ok(Self { held: held.into_iter().map(|(id, held)| (id, held.completion)).collect(), new: voided })
    }
}

/// The completion that a statement tells of. Whom it means may be unknown; everything else must be as of any completion.
fn completion_of(statement: &Statement, id: Uuid, stored_at: Timestamp, tx: &Tx<'_>) -> Result<Option<CompletionDraft>, Faults> {
    let Some(draft) = meaning(statement, id, stored_at)? else { return Ok(None) };
    let late = draft.check(tx.today()).into_iter().filter(|(pointer, _)| pointer == "/completed_on");
    let late: Vec<(String, Invalid)> = late.map(|(_, invalid)| ("/timestamp".to_owned(), invalid)).collect();
    if late.is_empty() { Ok(Some(draft)) } else { Err(late) }
}

/// Takes back the completion of a statement that is taken back.
fn revoke(tx: &mut Tx<'_>, statement: Uuid, completion: Option<Uuid>) -> ServiceResult<()> {
    let Some(completion) = completion else { return Ok(()) };
    if completions::get(tx, completion)?.revocation.is_none() {
        let reason = Note::parse(&format!("the xAPI statement {statement} was voided"));
        let reason = reason.map_err(|invalid| StorageError::Other(format!("a reason is no note: {invalid}")))?;
        completions::revoke(tx, completion, &reason)?;
    }
    Ok(())
}

/// Tells the audit log of the statements, beside what it was told of completions.
fn tell(tx: &mut Tx<'_>, written: &[NewStatement], unchanged: usize) {
    if let [one] = written {
        let (resource, members) = (tx.trail.resource.take(), one.content.as_object());
        let fields = members.into_iter().flatten().map(|(name, _)| name.clone()).collect();
        tx.changed("statement", one.id, fields);
        if let Some(completion) = resource.and_then(|(_, id)| Uuid::try_parse(&id).ok()) {
            tx.changed_many("completion", vec![completion]);
        }
    }
    tx.changed_many("stored", written.iter().map(|one| one.id).collect());
    tx.left_many("same", unchanged);
}

/// Up to when all that was stored of the client is to be read: since its statements are stored one request after the other, up to the
/// last; and where that is long ago, up to when whatever is under way had not begun.
fn consistent(tx: &Tx<'_>, last: Option<Timestamp>) -> Timestamp {
    let settled = tx.now.checked_sub(SETTLED.minutes()).unwrap_or(tx.now);
    last.map_or(settled, |last| last.max(settled))
}

/// Up to when all that was stored of the client is to be read.
///
/// # Errors
/// Where the database fails.
pub fn consistent_through(tx: &mut Tx<'_>) -> ServiceResult<Timestamp> {
    let last = rows::last_stored(tx.conn, tx.client)?;
    Ok(consistent(tx, last))
}

/// A statement that the client sent: one that is, or is not, taken back.
///
/// # Errors
/// [`ServiceError::NotFound`].
pub fn get(tx: &mut Tx<'_>, id: Uuid, voided: bool) -> ServiceResult<Value> {
    rows::find(tx.conn, tx.client, id, voided)?.ok_or(ServiceError::NotFound)
}

/// At most `limit` of the statements that the client sent, and whether there are more: the id of the last row then.
///
/// # Errors
/// Where the database fails.
pub fn list(tx: &mut Tx<'_>, filter: &StatementFilter, limit: usize) -> ServiceResult<(Vec<Value>, Option<Uuid>)> {
    let mut found = rows::list(tx.conn, tx.client, filter, i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1))?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|(id, _)| *id).filter(|_| more);
    Ok((found.into_iter().map(|(_, statement)| statement).collect(), last))
}

/// Takes from all statements what tells that they are about a person: by whatever the person's records are known by, and by their
/// completions. `officer` stands in the person's place.
///
/// # Errors
/// Where the database fails.
pub fn forget(tx: &mut Tx<'_>, officer: Uuid, records: &[Uuid], of: &[Uuid]) -> ServiceResult<()> {
    let sent = joins::unconfirmed(tx.conn, &Reach::All, records)?;
    let sent: Vec<&joins::Join> = sent.values().flatten().collect();
    let held = officers::by_ids(tx.conn, &Reach::All, records)?;
    let mut keys = BTreeSet::new();
    for email in officers::addresses_of(tx.conn, records)?.iter().chain(sent.iter().filter_map(|join| join.email.as_ref())) {
        keys.extend(agent_key(&json!({"mbox": format!("mailto:{email}")})));
        keys.extend(email_sha1s(email).into_iter().filter_map(|digest| agent_key(&json!({"mbox_sha1sum": digest}))));
    }
    let identifiers = held.iter().flat_map(|officer| &officer.identifiers).chain(sent.iter().flat_map(|join| &join.identifiers));
    for identifier in identifiers {
        let (system, value) = (identifier.system.as_str(), identifier.value.as_str());
        let agent = match system.strip_prefix("xapi:") {
            Some(home) => json!({"account": {"homePage": home, "name": value}}),
            None => json!({system: value}),
        };
        keys.extend(agent_key(&agent).filter(|_| system == "openid" || system.starts_with("xapi:")));
    }
    let completions: HashSet<Uuid> = of.iter().copied().collect();
    let of_actors = |key: &String| [lookup(&Key::agent(key)), lookup(&Key::related_agent(key))];
    let lookups: Vec<String> = keys.iter().flat_map(of_actors).collect();
    // A completion that staff placed may have come from an actor by whom nobody is known.
    let is_actor = |telling: &Telling| {
        telling.completion.is_some_and(|id| completions.contains(&id)) || agent_key(&telling.content["actor"]).is_some_and(|key| keys.contains(&key))
    };
    let telling = rows::telling_of(tx.conn, &lookups, of)?;
    for one in &telling {
        let statement = &one.content;
        let home = &statement["authority"]["account"]["homePage"];
        let instead = json!({"objectType": "Agent", "account": {"homePage": home, "name": officer}});
        let mut forgotten = lookups.clone();
        let left = if is_actor(one) {
            forgotten.extend(agent_key(&statement["actor"]).iter().flat_map(of_actors));
            reduced_actor(statement, &keys, &instead)
        } else {
            reduced_others(statement, &keys, &instead)
        };
        rows::reduce(tx.conn, one, &left, &forgotten)?;
    }
    tx.changed_many("reduced", telling.iter().map(|one| one.id).collect());
    Ok(())
}
