//! What follows from changes and from days that pass: that a requirement is met or lapses, that an agency stands elsewhere, that a pledge is
//! due. It is told by whoever notices first, once: the standing that was last told is held meanwhile.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::status::Statuses;
use super::timelines::Known;
use super::{ServiceResult, new_id};
use crate::domain::event::EventType;
use crate::domain::pledge::{DUE_SOON_DAYS, Pledge, PledgeState, in_question};
use crate::domain::stage::Status;
use crate::storage::AnyConn;
use crate::storage::events::{self, NewEvent};
use crate::storage::standings::{self as rows, Held, Standing};
use crate::storage::timelines::{self, STANDARDS, Version};

/// How many agencies are told of in one transaction.
const AT_ONCE: usize = 200;

/// How many agencies are looked for at once that stand elsewhere by themselves.
const DUE_AT_ONCE: i64 = 1_000;

/// The agencies of which something changed that may not have been told, and those that stand elsewhere today by themselves. It looks at the
/// versions of all agencies.
///
/// # Errors
/// Where the database fails.
pub fn untold(conn: &mut AnyConn, today: Date) -> ServiceResult<Vec<Uuid>> {
    let raised = timelines::versions(conn, None)?;
    let standards = raised.get(&STANDARDS).copied().unwrap_or(0);
    let told: HashMap<Uuid, Version> = rows::versions(conn)?.into_iter().collect();
    let is_told = |agency: Uuid, version: i64| told.get(&agency) == Some(&Version { agency: version, standards });
    let mut found: HashSet<Uuid> =
        raised.into_iter().filter(|(agency, version)| *agency != STANDARDS && !is_told(*agency, *version)).map(|(agency, _)| agency).collect();
    found.extend(due(conn, today)?);
    let mut found: Vec<Uuid> = found.into_iter().collect();
    found.sort_unstable();
    Ok(found)
}

/// The agencies that stand elsewhere today by themselves than was last told; some of them, where they are many.
///
/// # Errors
/// Where the database fails.
pub fn due(conn: &mut AnyConn, today: Date) -> ServiceResult<Vec<Uuid>> {
    Ok(rows::due(conn, today, DUE_AT_ONCE)?)
}

/// Cuts agencies into as many as are told of in one transaction.
pub fn portions(agencies: &[Uuid]) -> impl Iterator<Item = Vec<Uuid>> {
    agencies.chunks(AT_ONCE).map(<[Uuid]>::to_vec)
}

/// Tells of some agencies what is not told yet; in a transaction of its own. Answers how many events that came to.
///
/// # Errors
/// Where the database fails.
pub fn tell(conn: &mut AnyConn, statuses: &Statuses, agencies: &[Uuid], now: Timestamp) -> ServiceResult<usize> {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let (mut told, mut standing) = (Vec::new(), Vec::new());
    let held = rows::hold(conn, agencies, today)?;
    // Read under the hold: who held it before has told of what there was before.
    let ids: Vec<Uuid> = held.iter().map(|(agency, _)| *agency).collect();
    let raised = timelines::versions(conn, Some(&ids))?;
    let standards = raised.get(&STANDARDS).copied().unwrap_or(0);
    let known = statuses.timelines.of(conn, &ids)?;
    for (agency, before) in held {
        let Some(known) = known.get(&agency) else { continue };
        let version = Version { agency: raised.get(&agency).copied().unwrap_or(0), standards };
        if before.version == version && before.changes_on.is_none_or(|day| today < day) {
            continue;
        }
        standing.push((agency, walk(&mut told, agency, known, before, version, today, now)));
    }
    rows::write(conn, &standing)?;
    events::insert(conn, &told)?;
    Ok(told.len())
}

/// Goes from the standing that was last told to that of today: day of change by day of change, from the first that was foretold, so that each is
/// told of with its day.
fn walk(told: &mut Vec<NewEvent>, agency: Uuid, known: &Known, before: Held, version: Version, today: Date, now: Timestamp) -> Held {
    let mut standing = before.standing;
    // What was changed may show on any day, but is told of today.
    let foretold = before.changes_on.filter(|day| *day < today);
    let mut next = if before.version == version { before.changes_on } else { foretold.or(Some(today)) };
    while let Some(day) = next.filter(|day| *day <= today) {
        let status = known.status(day);
        let then = standing_of(known, &status);
        differences(&standing, &then, |kind, mut data| {
            data["on"] = json!(day);
            data["standard"] = json!(status.standard);
            told.push(NewEvent { id: new_id(), kind, agency: Some(agency), client: None, data: data.to_string(), occurred_at: now });
        });
        standing = then;
        next = changes_after(known, &status);
    }
    Held { version, on: today, standing, changes_on: next }
}

/// The first later day on which the standing may be another by itself: the status changes, or a pledge becomes due soon or overdue.
fn changes_after(known: &Known, status: &Status) -> Option<Date> {
    let due = known.known.facts.pledges.iter().map(Pledge::due_on);
    let days = due.flat_map(|due| [due.saturating_sub(DUE_SOON_DAYS.days()), due.saturating_add(1.day())]).filter(|day| *day > status.as_of);
    days.chain(status.next_change.map(|next| next.on)).min()
}

fn standing_of(known: &Known, status: &Status) -> Standing {
    let on = status.as_of;
    let pledge = in_question(&known.known.facts.pledges, on);
    let fulfilled = |pledge: &Pledge| known.known.facts.fulfilled.iter().filter(|(id, _)| *id == pledge.id).map(|(_, on)| *on).min();
    let state = |state: PledgeState| matches!(state, PledgeState::DueSoon | PledgeState::Overdue).then_some(state);
    Standing {
        stage: status.stage.as_str().to_owned(),
        maintained: status.maintained,
        partnership: status.evaluation.partnership.met,
        policy: status.evaluation.policy.met,
        training: status.evaluation.training.met,
        pledge: pledge.and_then(|pledge| Some((pledge.id, state(pledge.state(fulfilled(pledge), on))?.as_str().to_owned()))),
    }
}

/// What differs between two standings, in the order in which it is told.
fn differences(before: &Standing, after: &Standing, mut tell: impl FnMut(EventType, Value)) {
    let requirements = [
        ("partnership", before.partnership, after.partnership),
        ("policy", before.policy, after.policy),
        ("training", before.training, after.training),
    ];
    for (requirement, was, is) in requirements {
        match (was, is) {
            (false, true) => tell(EventType::RequirementMet, json!({"requirement": requirement})),
            (true, false) => tell(EventType::RequirementLapsed, json!({"requirement": requirement})),
            _ => {}
        }
    }
    if let Some((pledge, state)) = after.pledge.as_ref().filter(|pledge| before.pledge.as_ref() != Some(*pledge)) {
        let kind = if state == PledgeState::Overdue.as_str() { EventType::PledgeOverdue } else { EventType::PledgeDueSoon };
        tell(kind, json!({"pledge": pledge}));
    }
    if (&before.stage, before.maintained) != (&after.stage, after.maintained) {
        tell(EventType::StatusChanged, json!({"from": before.stage, "stage": after.stage, "maintained": after.maintained}));
    }
}
