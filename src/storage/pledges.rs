//! Agencies' commitments to standards.

use diesel::prelude::*;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::agencies::AgencyBrief;
use super::conn::AnyConn;
use super::error::corrupt;
use super::schema::{agencies, pledges};
use super::types::{At, Id, On};
use crate::domain::agency::AgencyKey;
use crate::domain::pledge::{Pledge, PledgeDraft, Signatory, TermMonths, due_on};
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
    /// How it was withdrawn, where it was.
    pub withdrawal: Option<Withdrawal>,
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

/// Which pledges a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PledgeFilter {
    /// Only of this agency.
    pub agency: Option<Uuid>,
    /// Only to the standard of this code.
    pub standard: Option<Code>,
    /// Only those in whose term this day is, and that are not withdrawn by then.
    pub running_on: Option<Date>,
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
            },
            withdrawal,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

impl<'a> PledgeValues<'a> {
    fn of(draft: &'a PledgeDraft, now: Timestamp) -> Self {
        Self {
            standard: draft.standard.as_str(),
            pledged_on: On(draft.pledged_on),
            term_months: draft.term_months.get().into(),
            due_on: On(due_on(draft.pledged_on, draft.term_months)),
            signatory_name: draft.signatory.name.as_str(),
            signatory_title: draft.signatory.title.as_str(),
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
    found.map(|(row, ori, name)| row.into_pledge(ori, name)).transpose()
}

/// Every pledge of one agency, as far as the rules ask.
///
/// # Errors
/// Where the database fails.
pub fn of_agency(conn: &mut AnyConn, reach: &Reach, agency: Uuid) -> Result<Vec<Pledge>, StorageError> {
    if !reach.holds(agency) {
        return Ok(Vec::new());
    }
    let rows: Vec<(Id, String, On, i32, Option<On>)> = pledges::table
        .filter(pledges::agency_id.eq(Id(agency)))
        .order(pledges::id)
        .select((pledges::id, pledges::standard, pledges::pledged_on, pledges::term_months, pledges::withdrawn_on))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, standard, pledged_on, term_months, withdrawn_on)| {
            Ok(Pledge {
                id: id.0,
                standard,
                pledged_on: pledged_on.0,
                term_months: TermMonths::parse(term_months.into()).map_err(corrupt("pledges.term_months"))?,
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
    if let Some(after) = after {
        query = query.filter(pledges::id.gt(Id(after)));
    }
    let rows: Vec<(PledgeRow, Option<String>, String)> = query.load(conn)?;
    rows.into_iter().map(|(row, ori, name)| row.into_pledge(ori, name)).collect()
}

/// Writes a new pledge of an agency.
///
/// # Errors
/// [`super::Constraint::Reference`] where there is no such standard.
pub fn insert(conn: &mut AnyConn, id: Uuid, agency: Uuid, draft: &PledgeDraft, now: Timestamp) -> Result<(), StorageError> {
    diesel::insert_into(pledges::table)
        .values((pledges::id.eq(Id(id)), pledges::agency_id.eq(Id(agency)), pledges::created_at.eq(At(now)), PledgeValues::of(draft, now)))
        .execute(conn)?;
    Ok(())
}

/// Puts `draft` in the place of what a pledge was; its agency and its withdrawal stay.
///
/// # Errors
/// [`super::Constraint::Reference`] where there is no such standard.
pub fn update(conn: &mut AnyConn, id: Uuid, draft: &PledgeDraft, now: Timestamp) -> Result<(), StorageError> {
    diesel::update(pledges::table.filter(pledges::id.eq(Id(id)))).set(PledgeValues::of(draft, now)).execute(conn)?;
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
