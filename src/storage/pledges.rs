//! Agencies' commitments to standards.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::agencies::AgencyBrief;
use super::certifications;
use super::conn::AnyConn;
use super::error::corrupt;
use super::schema::{agencies, certifications as awards, pledge_extensions, pledges};
use super::types::{At, Id, On};
use crate::domain::agency::AgencyKey;
use crate::domain::certification::CertificationState;
use crate::domain::pledge::{Pledge, PledgeDraft, PledgeState, Signatory, TermMonths, due_soon_until};
use crate::domain::reach::Reach;
use crate::domain::text::{Code, Name, Note};

/// A pledge as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPledge {
    /// Its id.
    pub id: Uuid,
    /// Who pledged.
    pub agency: AgencyBrief,
    /// What it is; it names its agency by id.
    pub draft: PledgeDraft,
    /// How it was extended, the first time first.
    pub extensions: Vec<Extension>,
    /// How it was withdrawn, where it was.
    pub withdrawal: Option<Withdrawal>,
    /// The day on which the certification was awarded that holds on it.
    pub awarded_on: Option<Date>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// How a pledge was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// The first day on which the pledge holds no longer.
    pub withdrawn_on: Date,
    /// Why.
    pub reason: Note,
}

/// How a pledge was extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its id.
    pub id: Uuid,
    /// The last day before.
    pub former_due_on: Date,
    /// The last day since.
    pub due_on: Date,
    /// Why.
    pub reason: Note,
    /// Which client extended it.
    pub client: Uuid,
    /// When it was extended.
    pub extended_at: Timestamp,
}

impl HeldPledge {
    /// As far as the rules ask.
    pub fn facts(&self) -> Pledge {
        facts(self.id, &self.draft, self.extensions.last().map(|last| last.due_on), self.withdrawal.as_ref().map(|one| one.withdrawn_on))
    }
}

/// A pledge as far as the rules ask.
pub fn facts(id: Uuid, draft: &PledgeDraft, extended_to: Option<Date>, withdrawn_on: Option<Date>) -> Pledge {
    let standard = draft.standard.as_str().to_owned();
    Pledge { id, standard, pledged_on: draft.pledged_on, term_months: draft.term_months, extended_to, withdrawn_on }
}

/// Which pledges a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PledgeFilter {
    /// Only of this agency.
    pub agency: Option<Uuid>,
    /// Only to the standard of this code.
    pub standard: Option<Code>,
    /// Only those in whose term this day is, and that are not withdrawn by then.
    pub running_on: Option<Date>,
    /// Only those that stand so on this day.
    pub state: Option<(PledgeState, Date)>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = pledges)]
struct PledgeRow {
    id: Id,
    agency_id: Id,
    standard: String,
    pledged_on: On,
    term_months: i32,
    signatory_name: String,
    signatory_title: String,
    listed_before_certified: bool,
    withdrawn_on: Option<On>,
    withdrawal_reason: Option<String>,
    created_at: At,
    updated_at: At,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = pledges)]
struct PledgeValues<'a> {
    standard: &'a str,
    pledged_on: On,
    term_months: i32,
    due_on: On,
    signatory_name: &'a str,
    signatory_title: &'a str,
    listed_before_certified: bool,
    updated_at: At,
}

impl PledgeRow {
    fn into_pledge(self, ori: Option<String>, name: String) -> Result<HeldPledge, StorageError> {
        let withdrawal = match (self.withdrawn_on, self.withdrawal_reason) {
            (None, None) => None,
            (Some(On(withdrawn_on)), Some(reason)) => {
                Some(Withdrawal { withdrawn_on, reason: Note::parse(&reason).map_err(corrupt("pledges.withdrawal_reason"))? })
            }
            _ => return Err(StorageError::Corrupt("a withdrawal lacks its day or its reason".into())),
        };
        Ok(HeldPledge {
            id: self.id.0,
            agency: AgencyBrief { id: self.agency_id.0, ori, name },
            draft: PledgeDraft {
                agency: AgencyKey::Id(self.agency_id.0),
                standard: Code::parse(&self.standard).map_err(corrupt("pledges.standard"))?,
                pledged_on: self.pledged_on.0,
                term_months: TermMonths::parse(self.term_months.into()).map_err(corrupt("pledges.term_months"))?,
                signatory: Signatory {
                    name: Name::parse(&self.signatory_name).map_err(corrupt("pledges.signatory_name"))?,
                    title: Name::parse(&self.signatory_title).map_err(corrupt("pledges.signatory_title"))?,
                },
                listed_before_certified: self.listed_before_certified,
            },
            extensions: Vec::new(),
            withdrawal,
            awarded_on: None,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl<'a> PledgeValues<'a> {
    fn of(draft: &'a PledgeDraft, due_on: Date, now: Timestamp) -> Self {
        Self {
            standard: draft.standard.as_str(),
            pledged_on: On(draft.pledged_on),
            term_months: draft.term_months.get().into(),
            due_on: On(due_on),
            signatory_name: draft.signatory.name.as_str(),
            signatory_title: draft.signatory.title.as_str(),
            listed_before_certified: draft.listed_before_certified,
            updated_at: At(now),
        }
    }
}

/// The pledge with this id, where it is within reach.
///
/// # Errors
/// Where the database fails.
pub fn by_id(conn: &mut AnyConn, reach: &Reach, id: Uuid) -> Result<Option<HeldPledge>, StorageError> {
    let mut query = pledges::table
        .inner_join(agencies::table.on(agencies::id.eq(pledges::agency_id)))
        .filter(pledges::id.eq(Id(id)))
        .select((PledgeRow::as_select(), agencies::ori, agencies::name))
        .into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(pledges::agency_id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    let found: Option<(PledgeRow, Option<String>, String)> = query.first(conn).optional()?;
    let Some((row, ori, name)) = found else { return Ok(None) };
    let mut pledges = vec![row.into_pledge(ori, name)?];
    add_history(conn, &mut pledges)?;
    Ok(pledges.pop())
}

/// Adds how each was extended, and what was awarded on it.
fn add_history(conn: &mut AnyConn, pledges: &mut [HeldPledge]) -> Result<(), StorageError> {
    let ids: Vec<Id> = pledges.iter().map(|pledge| Id(pledge.id)).collect();
    let rows: Vec<(Id, Id, On, On, String, Id, At)> = pledge_extensions::table
        .filter(pledge_extensions::pledge_id.eq_any(ids))
        .order((pledge_extensions::pledge_id, pledge_extensions::due_on))
        .select((
            pledge_extensions::pledge_id,
            pledge_extensions::id,
            pledge_extensions::former_due_on,
            pledge_extensions::due_on,
            pledge_extensions::reason,
            pledge_extensions::client_id,
            pledge_extensions::extended_at,
        ))
        .load(conn)?;
    let mut by_pledge: HashMap<Uuid, Vec<Extension>> = HashMap::new();
    for (pledge, id, former_due_on, due_on, reason, client, extended_at) in rows {
        by_pledge.entry(pledge.0).or_default().push(Extension {
            id: id.0,
            former_due_on: former_due_on.0,
            due_on: due_on.0,
            reason: Note::parse(&reason).map_err(corrupt("pledge_extensions.reason"))?,
            client: client.0,
            extended_at: extended_at.0,
        });
    }
    let awards = certifications::awards_on(conn, &pledges.iter().map(|pledge| pledge.id).collect::<Vec<_>>())?;
    for pledge in pledges {
        pledge.extensions = by_pledge.remove(&pledge.id).unwrap_or_default();
        pledge.awarded_on = awards.get(&pledge.id).copied();
    }
    Ok(())
}

/// Every pledge of one agency, as far as the rules ask.
///
/// # Errors
/// Where the database fails.
pub fn of_agency(conn: &mut AnyConn, reach: &Reach, agency: Uuid) -> Result<Vec<Pledge>, StorageError> {
    if !reach.holds(agency) {
        return Ok(Vec::new());
    }
    let rows: Vec<(Id, String, On, i32, Option<On>, Option<On>)> = pledges::table
        .filter(pledges::agency_id.eq(Id(agency)))
        .order(pledges::id)
        .select((pledges::id, pledges::standard, pledges::pledged_on, pledges::term_months, pledges::extended_to, pledges::withdrawn_on))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, standard, pledged_on, term_months, extended_to, withdrawn_on)| {
            Ok(Pledge {
                id: id.0,
                standard,
                pledged_on: pledged_on.0,
                term_months: TermMonths::parse(term_months.into()).map_err(corrupt("pledges.term_months"))?,
                extended_to: extended_to.map(|day| day.0),
                withdrawn_on: withdrawn_on.map(|day| day.0),
            })
        })
        .collect()
}

/// A page of pledges within reach, in the order of their ids.
///
/// # Errors
/// Where the database fails.
pub fn list(conn: &mut AnyConn, reach: &Reach, filter: &PledgeFilter, after: Option<Uuid>, fetch: i64) -> Result<Vec<HeldPledge>, StorageError> {
    let mut query = pledges::table
        .inner_join(agencies::table.on(agencies::id.eq(pledges::agency_id)))
        .order(pledges::id)
        .limit(fetch)
        .select((PledgeRow::as_select(), agencies::ori, agencies::name))
        .into_boxed();
    if let Some(ids) = reach.ids() {
        query = query.filter(pledges::agency_id.eq_any(ids.iter().map(|id| Id(*id)).collect::<Vec<_>>()));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(pledges::agency_id.eq(Id(agency)));
    }
    if let Some(standard) = &filter.standard {
        query = query.filter(pledges::standard.eq(standard.as_str()));
    }
    if let Some(day) = filter.running_on {
        query = query
            .filter(pledges::pledged_on.le(On(day)))
            .filter(pledges::due_on.ge(On(day)))
            .filter(pledges::withdrawn_on.is_null().or(pledges::withdrawn_on.assume_not_null().gt(On(day))));
    }
    if let Some((state, day)) = filter.state {
        let on = On(day);
        let fulfilled = || {
            let awarded = awards::table.filter(awards::state.eq(CertificationState::Awarded.as_str())).filter(awards::awarded_on.le(Some(on)));
            awarded.select(awards::pledge_id)
        };
        query = match state {
            PledgeState::Withdrawn => query.filter(pledges::withdrawn_on.le(Some(on))),
            _ => query.filter(pledges::withdrawn_on.is_null().or(pledges::withdrawn_on.assume_not_null().gt(on))),
        };
        query = match state {
            PledgeState::Withdrawn => query,
            PledgeState::Fulfilled => query.filter(pledges::id.eq_any(fulfilled())),
            _ => query.filter(pledges::id.ne_all(fulfilled())),
        };
        query = match state {
            PledgeState::Withdrawn | PledgeState::Fulfilled => query,
            PledgeState::Upcoming => query.filter(pledges::pledged_on.gt(on)),
            PledgeState::Running => query.filter(pledges::pledged_on.le(on)).filter(pledges::due_on.gt(On(due_soon_until(day)))),
            PledgeState::DueSoon => {
                query.filter(pledges::pledged_on.le(on)).filter(pledges::due_on.ge(on)).filter(pledges::due_on.le(On(due_soon_until(day))))
            }
            PledgeState::Overdue => query.filter(pledges::pledged_on.le(on)).filter(pledges::due_on.lt(on)),
        };
    }
    if let Some(after) = after {
        query = query.filter(pledges::id.gt(Id(after)));
    }
    let rows: Vec<(PledgeRow, Option<String>, String)> = query.load(conn)?;
    let mut found = rows.into_iter().map(|(row, ori, name)| row.into_pledge(ori, name)).collect::<Result<Vec<_>, _>>()?;
    add_history(conn, &mut found)?;
    Ok(found)
}

/// Writes a new pledge of an agency.
///
/// # Errors
/// [`super::Constraint::Reference`] where there is no such standard.
pub fn insert(conn: &mut AnyConn, id: Uuid, agency: Uuid, draft: &PledgeDraft, now: Timestamp) -> Result<(), StorageError> {
    let values = PledgeValues::of(draft, facts(id, draft, None, None).due_on(), now);
    diesel::insert_into(pledges::table)
        .values((pledges::id.eq(Id(id)), pledges::agency_id.eq(Id(agency)), pledges::created_at.eq(At(now)), values))
        .execute(conn)?;
    Ok(())
}

/// Writes what a pledge has become; its agency, its extensions and its withdrawal stay.
///
/// # Errors
/// [`super::Constraint::Reference`] where there is no such standard.
pub fn update(conn: &mut AnyConn, pledge: &HeldPledge) -> Result<(), StorageError> {
    let values = PledgeValues::of(&pledge.draft, pledge.facts().due_on(), pledge.updated_at);
    diesel::update(pledges::table.filter(pledges::id.eq(Id(pledge.id)))).set(values).execute(conn)?;
    Ok(())
}

/// Notes how a pledge was extended.
///
/// # Errors
/// Where the database fails.
pub fn extend(conn: &mut AnyConn, id: Uuid, extension: &Extension) -> Result<(), StorageError> {
    let due_on = On(extension.due_on);
    diesel::update(pledges::table.filter(pledges::id.eq(Id(id))))
        .set((pledges::due_on.eq(due_on), pledges::extended_to.eq(due_on), pledges::updated_at.eq(At(extension.extended_at))))
        .execute(conn)?;
    diesel::insert_into(pledge_extensions::table)
        .values((
            pledge_extensions::id.eq(Id(extension.id)),
            pledge_extensions::pledge_id.eq(Id(id)),
            pledge_extensions::former_due_on.eq(On(extension.former_due_on)),
            pledge_extensions::due_on.eq(due_on),
            pledge_extensions::reason.eq(extension.reason.as_str()),
            pledge_extensions::client_id.eq(Id(extension.client)),
            pledge_extensions::extended_at.eq(At(extension.extended_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes how a pledge was withdrawn.
///
/// # Errors
/// Where the database fails.
pub fn withdraw(conn: &mut AnyConn, id: Uuid, withdrawal: &Withdrawal, now: Timestamp) -> Result<(), StorageError> {
    diesel::update(pledges::table.filter(pledges::id.eq(Id(id))))
        .set((
            pledges::withdrawn_on.eq(On(withdrawal.withdrawn_on)),
            pledges::withdrawal_reason.eq(withdrawal.reason.as_str()),
            pledges::updated_at.eq(At(now)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes a pledge out.
///
/// # Errors
/// Where the database fails.
pub fn delete(conn: &mut AnyConn, id: Uuid) -> Result<(), StorageError> {
    diesel::delete(pledges::table.filter(pledges::id.eq(Id(id)))).execute(conn)?;
    Ok(())
}
