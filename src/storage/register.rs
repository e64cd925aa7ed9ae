//! What the public register shows: agencies with a pledge that holds, and those with a certification that holds.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use jiff::civil::Date;
use uuid::Uuid;

use super::StorageError;
use super::agencies::AgencyFilter;
use super::certifications::frozen;
use super::conn::AnyConn;
use super::dialect::per_backend;
use super::lists::looked_at;
use super::schema::{agencies, certification_steps, certifications as awards, pledges, standards};
use super::types::{Id, Json, On};
use crate::domain::certification::{CertificationState, Step};

/// An agency on the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The agency.
    pub agency: PublicAgency,
    /// The code of the standard that it pledged itself to.
    pub standard: String,
    /// The title of that standard.
    pub standard_title: String,
    /// The day of the pledge.
    pub pledged_on: Date,
    /// The last day of the pledge.
    pub due_on: Date,
    /// What was awarded on it, where that holds.
    pub award: Option<Award>,
    /// The id of the award, else of the pledge.
    pub entry: Uuid,
}

/// What anybody may know of an agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAgency {
    /// Its id.
    pub id: Uuid,
    /// Its primary ORI.
    pub ori: Option<String>,
    /// Its name.
    pub name: String,
    /// The word for what sort of agency it is.
    pub kind: String,
    /// Its country.
    pub country: String,
    /// Its subdivision.
    pub subdivision: Option<String>,
}

/// A certificate that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Award {
    /// Its number.
    pub number: String,
    /// The day of the award.
    pub awarded_on: Date,
}

/// A certificate, whether it holds or was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// To whom it was awarded, as it was called then.
    pub agency: PublicAgency,
    /// The code of the standard.
    pub standard: String,
    /// The title of that standard.
    pub standard_title: String,
    /// What was awarded.
    pub award: Award,
    /// The day on which it was taken away.
    pub revoked_on: Option<Date>,
}

/// Which agencies are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegisterFilter {
    /// Only this one.
    pub agency: Option<Uuid>,
    /// Only those of this kind and place; `name` is left to [`crate::service::register`].
    pub place: AgencyFilter,
}

/// In which order, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// By name: those after an agency, at most so many.
    ByName(Option<(String, Uuid)>, i64),
    /// The latest, at most so many.
    Latest(i64),
}

type AgencyRow = (Id, Option<String>, String, String, String, Option<String>);

impl From<AgencyRow> for PublicAgency {
    fn from((id, ori, name, kind, country, subdivision): AgencyRow) -> Self {
        Self { id: id.0, ori, name, kind, country, subdivision }
    }
}

/// The columns of a [`PublicAgency`].
macro_rules! agency_columns {
    () => {
        (agencies::id, agencies::ori, agencies::name, agencies::kind, agencies::country, agencies::subdivision)
    };
}

/// Narrows a query that joins agencies. The types of two such queries have nothing in common that a function could name.
macro_rules! narrowed {
    ($query:expr, $filter:expr, $part:expr, $latest:expr) => {{
        let mut query = $query.into_boxed();
        if let Some(agency) = $filter.agency {
            query = query.filter(agencies::id.eq(Id(agency)));
        }
        if let Some(kind) = $filter.place.kind {
            query = query.filter(agencies::kind.eq(kind.as_str()));
        }
        if let Some(country) = &$filter.place.country {
            query = query.filter(agencies::country.eq(country.as_str()));
        }
        if let Some(subdivision) = &$filter.place.subdivision {
            query = query.filter(agencies::subdivision.eq(Some(subdivision.as_str())));
        }
        match $part {
            Part::ByName(after, fetch) => {
                if let Some((name, id)) = after {
                    query = query.filter(agencies::name.ge(name)).filter(agencies::name.gt(name).or(agencies::id.gt(Id(*id))));
                }
                query.order((agencies::name, agencies::id)).limit(*fetch)
            }
            Part::Latest(fetch) => query.order($latest).limit(*fetch),
        }
    }};
}

/// The certifications of the same agency that were taken away after one was awarded: it holds where there is none, as in
/// [`crate::domain::stage`].
macro_rules! revoked_since {
    () => {{
        let revoked = diesel::alias!(awards as revoked);
        revoked
            .filter(revoked.field(awards::agency_id).eq(awards::agency_id))
            .filter(revoked.field(awards::state).eq(CertificationState::Revoked.as_str()))
            .filter(revoked.field(awards::ended_on).gt(awards::awarded_on))
    }};
}

/// The agencies with a certification that holds on a day, each with the latest.
///
/// # Errors
/// Where the database fails.
pub fn certified(conn: &mut AnyConn, on: Date, filter: &RegisterFilter, part: &Part) -> Result<Vec<Listed>, StorageError> {
    type Row = (AgencyRow, String, String, On, On, Option<String>, Option<On>, Id);
    let later = diesel::alias!(awards as later);
    let after_this = later.field(awards::awarded_on).gt(awards::awarded_on);
    let beside_this = later.field(awards::awarded_on).eq(awards::awarded_on).and(later.field(awards::id).gt(awards::id));
    let superseding = later
        .filter(later.field(awards::agency_id).eq(awards::agency_id))
        .filter(later.field(awards::state).eq(CertificationState::Awarded.as_str()))
        .filter(later.field(awards::awarded_on).le(Some(On(on))))
        .filter(after_this.or(beside_this));
    // By agency, so that SQLite goes through them in the order of names and stops where the page is full.
    let query = awards::table
        .inner_join(agencies::table.on(awards::agency_id.eq(looked_at(agencies::id))))
        .inner_join(pledges::table.on(pledges::id.eq(awards::pledge_id)))
        .inner_join(standards::table.on(standards::code.eq(pledges::standard)))
        .filter(looked_at(awards::state).eq(CertificationState::Awarded.as_str()))
        .filter(awards::awarded_on.le(Some(On(on))))
        .filter(not(exists(revoked_since!())))
        .filter(not(exists(superseding)))
        .select((
            agency_columns!(),
            standards::code,
            standards::title,
            pledges::pledged_on,
            pledges::due_on,
            awards::number,
            awards::awarded_on,
            awards::id,
        ));
    let rows: Vec<Row> = per_backend!(conn, c => narrowed!(query, filter, part, (awards::awarded_on.desc(), awards::id.desc())).load(c))?;
    rows.into_iter()
        .map(|(agency, standard, standard_title, pledged_on, due_on, number, awarded_on, entry)| {
            let award = Some(award(number, awarded_on)?);
            Ok(Listed { agency: agency.into(), standard, standard_title, pledged_on: pledged_on.0, due_on: due_on.0, award, entry: entry.0 })
        })
        .collect()
}

/// The agencies whose latest pledge holds on a day and is to be shown, and that have no certification that holds.
///
/// # Errors
/// Where the database fails.
pub fn pledged(conn: &mut AnyConn, on: Date, filter: &RegisterFilter, part: &Part) -> Result<Vec<Listed>, StorageError> {
    let later = diesel::alias!(pledges as later);
    let after_this = later.field(pledges::pledged_on).gt(pledges::pledged_on);
    let beside_this = later.field(pledges::pledged_on).eq(pledges::pledged_on).and(later.field(pledges::id).gt(pledges::id));
    let superseding = later
        .filter(later.field(pledges::agency_id).eq(pledges::agency_id))
        .filter(later.field(pledges::pledged_on).le(On(on)))
        .filter(after_this.or(beside_this));
    let certified = awards::table
        .filter(awards::state.eq(CertificationState::Awarded.as_str()))
        .filter(awards::awarded_on.le(Some(On(on))))
        .filter(not(exists(revoked_since!())))
        .select(awards::agency_id);
    let query = pledges::table
        .inner_join(agencies::table.on(pledges::agency_id.eq(looked_at(agencies::id))))
        .inner_join(standards::table.on(standards::code.eq(pledges::standard)))
        .filter(pledges::listed_before_certified.eq(true))
        .filter(pledges::pledged_on.le(On(on)))
        .filter(pledges::withdrawn_on.is_null().or(pledges::withdrawn_on.assume_not_null().gt(On(on))))
        .filter(not(exists(superseding)))
        .filter(pledges::agency_id.ne_all(certified))
        .select((agency_columns!(), standards::code, standards::title, pledges::pledged_on, pledges::due_on, pledges::id));
    let rows: Vec<(AgencyRow, String, String, On, On, Id)> =
        per_backend!(conn, c => narrowed!(query, filter, part, (pledges::pledged_on.desc(), pledges::id.desc())).load(c))?;
    Ok(rows.into_iter().map(shown).collect())
}

/// The pledges that were made last by a day, are to be shown and hold, also of agencies that are certified by now.
///
/// # Errors
/// Where the database fails.
pub fn latest_pledges(conn: &mut AnyConn, on: Date, fetch: i64) -> Result<Vec<Listed>, StorageError> {
    let rows: Vec<(AgencyRow, String, String, On, On, Id)> = pledges::table
        .inner_join(agencies::table.on(agencies::id.eq(pledges::agency_id)))
        .inner_join(standards::table.on(standards::code.eq(pledges::standard)))
        .filter(pledges::listed_before_certified.eq(true))
        .filter(pledges::pledged_on.le(On(on)))
        .filter(pledges::withdrawn_on.is_null().or(pledges::withdrawn_on.assume_not_null().gt(On(on))))
        .order((pledges::pledged_on.desc(), pledges::id.desc()))
        .limit(fetch)
        .select((agency_columns!(), standards::code, standards::title, pledges::pledged_on, pledges::due_on, pledges::id))
        .load(conn)?;
    Ok(rows.into_iter().map(shown).collect())
}

/// The certificate with a number.
///
/// # Errors
/// Where the database fails.
pub fn certificate(conn: &mut AnyConn, number: &str) -> Result<Option<Certificate>, StorageError> {
    type Found = (AgencyRow, Option<Json>, String, Option<On>, Option<On>);
    let found: Option<Found> = awards::table
        .inner_join(agencies::table.on(agencies::id.eq(awards::agency_id)))
        .inner_join(certification_steps::table.on(certification_steps::certification_id.eq(awards::id)))
        .filter(awards::number.eq(Some(number)))
        .filter(certification_steps::step.eq(Step::Award.as_str()))
        .select((agency_columns!(), certification_steps::evaluation, awards::state, awards::awarded_on, awards::ended_on))
        .first(conn)
        .optional()?;
    let Some((agency, evaluation, state, awarded_on, ended_on)) = found else { return Ok(None) };
    let award = award(Some(number.to_owned()), awarded_on)?;
    let frozen = frozen(evaluation.ok_or_else(|| StorageError::Corrupt("an award lacks its evaluation".into()))?)?;
    // What it said: the agency may be called otherwise by now, and its pledge be to another standard.
    let agency = PublicAgency { ori: frozen.agency.ori, name: frozen.agency.name, ..agency.into() };
    let revoked_on = ended_on.filter(|_| state == CertificationState::Revoked.as_str()).map(|day| day.0);
    Ok(Some(Certificate { agency, standard: frozen.standard.code, standard_title: frozen.standard.title, award, revoked_on }))
}

/// The name of an agency, by which the list goes on after it.
///
/// # Errors
/// Where the database fails.
pub fn name_of(conn: &mut AnyConn, agency: Uuid) -> Result<Option<String>, StorageError> {
    Ok(agencies::table.filter(agencies::id.eq(Id(agency))).select(agencies::name).first(conn).optional()?)
}

/// Reads the columns of an award that holds or held.
fn award(number: Option<String>, awarded_on: Option<On>) -> Result<Award, StorageError> {
    let (Some(number), Some(On(awarded_on))) = (number, awarded_on) else {
        return Err(StorageError::Corrupt("an award lacks its number or its day".into()));
    };
    Ok(Award { number, awarded_on })
}

fn shown((agency, standard, standard_title, pledged_on, due_on, entry): (AgencyRow, String, String, On, On, Id)) -> Listed {
    Listed { agency: agency.into(), standard, standard_title, pledged_on: pledged_on.0, due_on: due_on.0, award: None, entry: entry.0 }
}
